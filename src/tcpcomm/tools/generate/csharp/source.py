"""C# source text: :class:`Source`, literals, comments, and the files that are copied into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from math import isfinite
from textwrap import wrap
from typing import Any, Final
from xml.sax.saxutils import escape

from tcpcomm.tools.generate.csharp.refusal import refuse

_WIDTH: Final = 110
_INDENT: Final = "    "


class Source:
    """Lines of C#, indented by blocks."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, *lines: str, indent: int = 0) -> None:
        """Add lines. A line that is empty separates members."""
        for line in lines:
            for each in line.split("\n"):
                self.lines.append(_INDENT * indent + each if each else "")

    def block(self, head: str, body: Iterable[str]) -> None:
        """Add a head, and its body between braces."""
        self.add(head, *braced(body))

    def text(self) -> str:
        return "\n".join(self.lines)


def indented(lines: Iterable[str], levels: int = 1) -> Iterator[str]:
    """Yield lines further to the right."""
    for line in lines:
        yield _INDENT * levels + line if line else ""


def braced(body: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a body between braces."""
    yield "{"
    yield from indented(body)
    yield "}"


def condition(test: str, body: Iterable[str]) -> Iterator[str]:
    """Yield an if statement. A body of one line has no braces."""
    lines = [*body]
    yield f"if ({test})"
    yield from indented(lines) if len(lines) == 1 else braced(lines)


def call(head: str, arguments: Iterable[str], tail: str) -> Iterator[str]:
    """Yield a call in one line, or, if it is too long, with a line for each argument."""
    parts = [*arguments]
    line = f"{head}({', '.join(parts)}){tail}"
    if len(line) <= _WIDTH - 12 or not parts:
        yield line
        return
    yield f"{head}("
    yield from (f"{_INDENT}{each}," for each in parts[:-1])
    yield f"{_INDENT}{parts[-1]}){tail}"


def string(text: str) -> str:
    """Return a string literal."""
    return '"' + "".join(map(_escaped, text)) + '"'


def character(text: str) -> str:
    """Return a character literal."""
    return "'" + ("\\'" if text == "'" else '"' if text == '"' else _escaped(text)) + "'"


def verbatim(text: str) -> str:
    """Return a verbatim string literal, for regular expressions."""
    return '@"' + text.replace('"', '""') + '"'


def _escaped(each: str) -> str:
    known = {"\\": "\\\\", '"': '\\"', "\r": "\\r", "\n": "\\n", "\t": "\\t", "\0": "\\0"}
    if each in known:
        return known[each]
    if each.isprintable():
        return each
    return f"\\u{ord(each):04x}" if ord(each) < 0x10000 else f"\\U{ord(each):08x}"


def byte_array(value: bytes) -> str:
    """Return an expression for some bytes."""
    if not value:
        return "new byte[0]"
    return f"new byte[] {{ {', '.join(f'0x{each:02X}' for each in value)} }}"


def literal(value: Any) -> str | None:
    """Return the literal of a constant, or None if C# has none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return (
            f"{value}" if -(2**31) <= value < 2**31 else f"{value}L" if abs(value) < 2**63 else f"{value}UL"
        )
    if isinstance(value, float):
        return repr(value).replace("e+", "e") if isfinite(value) else None
    return string(value) if isinstance(value, str) else None


_BREAK: Final = re.compile(r'@"(?:[^"]|"")*"|"(?:[^"\\\\]|\\\\.)*"|(?P<place> (?:\+|&&|\|\|) |, )')
"""A string, or a place where a line can be broken."""


def folded(line: str, begin: str | None = None) -> Iterator[str]:
    """
    Yield a line in as many lines as its length needs. Comments, and strings, are not broken.

    Args:
        line: the line.
        begin: the blanks in front of the further lines. The default is four more than it has.
    """
    if len(line) <= _WIDTH + 6 or line.lstrip().startswith("//"):
        yield line
        return
    indent = line[: len(line) - len(line.lstrip())]
    places = [
        match.start() for match in _BREAK.finditer(line) if match["place"] and match.start() > len(indent)
    ]
    fitting = [each for each in places if each <= _WIDTH - 2]
    if not (fitting or places):
        yield line
        return
    place = fitting[-1] if fitting else places[0]
    if line[place] == ",":
        place += 1
    yield line[:place]
    begin = indent + _INDENT if begin is None else begin
    yield from folded(f"{begin}{line[place:].lstrip()}", begin)


def summary(text: str) -> Iterator[str]:
    """Yield the comment for a docstring: its first paragraph, and the others as remarks."""
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text.strip()) if each.strip()]
    if not paragraphs:
        return
    yield from _tagged("summary", paragraphs[:1])
    if paragraphs[1:]:
        yield from _tagged("remarks", paragraphs[1:])


def _tagged(tag: str, paragraphs: list[str]) -> Iterator[str]:
    line = f"/// <{tag}>{escape(paragraphs[0])}</{tag}>"
    if len(paragraphs) == 1 and len(line) <= _WIDTH:
        yield line
        return
    yield f"/// <{tag}>"
    for index, each in enumerate(paragraphs):
        if index:
            yield "///"
        yield from (f"/// {line}" for line in wrap(escape(each), _WIDTH - 8, break_long_words=False))
    yield f"/// </{tag}>"


def comment(tag: str, text: str) -> str:
    """Return the comment of one line, such as that of a parameter."""
    return f"/// <{tag}>{escape(text)}</{tag.partition(' ')[0]}>"


def part(name: str, conditions: Iterable[str] = (), values: Mapping[str, str] | None = None) -> str:
    """
    Return the text of a file that is copied into the generated one.

    Args:
        name: the file in the folder ``parts``.
        conditions: the names that are true in its lines ``#if NAME``.
        values: the texts that take the place of words in capitals.
    """
    text = files("tcpcomm.tools.generate.csharp").joinpath("parts", name).read_text("utf-8")
    found = "\n".join(_kept(text.splitlines(), frozenset(conditions)))
    for word, value in (values or {}).items():
        found = re.sub(rf"\b{word}\b", lambda match, value=value: value, found)  # type: ignore[misc]
    return found


def _kept(lines: Iterable[str], conditions: frozenset[str]) -> Iterator[str]:
    """Yield the lines with true conditions."""
    open_conditions: list[bool] = []
    for line in lines:
        word, _, name = line.strip().partition(" ")
        if word == "#if":
            negated = name.startswith("!")
            any_of = name.removeprefix("!").split(" || ")
            open_conditions.append(any(each in conditions for each in any_of) is not negated)
        elif word == "#else":
            open_conditions[-1] = not open_conditions[-1]
        elif word == "#endif":
            open_conditions.pop()
        elif all(open_conditions):
            yield line


_MEMBER: Final = re.compile(
    r"^    private (?:const|static readonly) \S+ (\w+) =|^    (?:public|private|internal) .*?\b(\w+)\(",
    re.MULTILINE,
)


def used_members(text: str, used_by: str) -> str:
    """
    Return a static class with only those of its members that other code uses.

    Args:
        text: the class. Blank lines separate its members, and each member has one name.
        used_by: the other code.
    """
    head, *members = text.removesuffix("\n}").split("\n\n")
    name_of = [_MEMBER.search(each) for each in members]
    kind = re.search(r"class (\w+)", head)
    if kind is None:
        refuse(head, "a part of the generated text has no class")
    owner = rf"\b{kind[1]}" if "static class" in head else ""
    wanted = {match[1] for match in re.finditer(rf"{owner}\.(\w+)", used_by)}
    kept: set[int] = set()
    while True:
        more = {
            index
            for index, match in enumerate(name_of)
            if index not in kept and (match is None or (match[1] or match[2]) in wanted)
        }
        if not more:
            break
        kept |= more
        for index in more:
            wanted |= set(re.findall(r"\b(\w+)\(", members[index])) | set(
                re.findall(r"\b([A-Z]\w+)\b", members[index])
            )
    chosen = [each for index, each in enumerate(members) if index in kept]
    between = "\n" if head.endswith("{") else "\n\n"
    return head + between + "\n\n".join(chosen) + "\n}" if chosen else ""
