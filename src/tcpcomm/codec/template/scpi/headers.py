"""
The headers of SCPI commands, as manuals print them: ``MEASure[:VOLTage]?``, ``OUTPut{channel:d}:STATe``.

The capitals are the short form of a keyword; the whole keyword is its long form. A part in brackets may be
left out. A field behind a keyword is its number, which is 1 if it is left out. Case does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError

_MOST_FORMS: Final = 4096
"""The most spellings of one header."""

_MOST_NUMBERS: Final = 6
"""The most keywords with a number behind them in a header that arrives."""

_NODE: Final = re.compile(
    r"(?P<short>\*?[A-Z][A-Z0-9_]*)(?P<rest>[a-z0-9_]*)(?P<field>\{(?P<name>\w+)(?::[^{}]*)?\})?"
)
_NUMBER: Final = re.compile(r"(?<=[A-Z_])[0-9]{1,9}$")
_FIELD: Final = re.compile(r"\{(\w+)[^{}]*\}")


@frozen
class Header:
    """
    The header of one command.

    Attributes:
        text: the template that the host sends: short forms, without the parts in brackets.
        forms: the spellings in capitals, with ``#`` for each number that is there, and for each of these
            numbers its field and the index of its keyword.
    """

    text: str
    forms: Mapping[str, Mapping[str, int]]


def parse_header(text: str) -> Header:
    """Return the header of a text as a manual prints it. Raises ConfigurationError."""
    fields = set(_FIELD.findall(text))
    variants = [*_variants(text)]
    forms: dict[str, Mapping[str, int]] = {}
    for nodes, end in variants:
        choices = [_spellings(node, text) for node in nodes]
        if len(forms) + prod(map(len, choices)) > _MOST_FORMS:
            raise ConfigurationError(f"the header {text!r} has more than {_MOST_FORMS} spellings")
        for spelling in product(*choices):
            numbers = {name: index for index, (_, name) in enumerate(spelling) if name}
            forms[":".join(word for word, _ in spelling) + end] = numbers
    whole = [
        each for each in variants if fields <= {name for node in each[0] for name in _FIELD.findall(node)}
    ]
    nodes, end = min(whole, key=lambda each: len(each[0]))
    return Header(":".join(_short(node, text) for node in nodes) + end, forms)


def _variants(text: str) -> Iterator[tuple[list[str], str]]:
    """Yield the keywords of a header, with and without each of its parts in brackets, and its end."""
    parts = re.split(r"\[([^\[\]]*)\]", text)
    for kept in product((True, False), repeat=len(parts) // 2):
        found = parts[0]
        for keep, inside, behind in zip(kept, parts[1::2], parts[2::2], strict=True):
            found += (inside if keep else "") + behind
        found = found.removeprefix(":")
        nodes = re.split(r":(?![^{}]*\})", found.removesuffix("?"))
        yield nodes, "?" if found.endswith("?") else ""


def _parsed(node: str, text: str) -> re.Match[str]:
    match = _NODE.fullmatch(node)
    if match is None:
        raise ConfigurationError(
            f"{node!r} in the header {text!r} is not a keyword: write its short form in capitals, as in "
            "MEASure[:VOLTage][:DC]? or OUTPut{channel:d}:STATe"
        )
    return match


def _spellings(node: str, text: str) -> list[tuple[str, str]]:
    """Return the spellings of a keyword, each with the field of the number that is there."""
    match = _parsed(node, text)
    words = sorted({match["short"], (match["short"] + match["rest"]).upper()}, key=len)
    ends = [("#", match["name"]), ("", "")] if match["field"] else [("", "")]
    return [(word + end, name) for word in words for end, name in ends]


def _short(node: str, text: str) -> str:
    match = _parsed(node, text)
    return match["short"] + (match["field"] or "")


@define
class HeaderTable:
    """Finds the command of a header, whatever its spelling is."""

    _headers: Mapping[str, Header]
    """The header of each command, by its name."""
    _names: dict[str, str] = field(factory=dict, init=False)
    """The name of the command for each spelling."""

    def __attrs_post_init__(self) -> None:
        for name, header in self._headers.items():
            for form in header.forms:
                for key in (form, *_with_numbers(form)):
                    other = self._names.get(key, name)
                    if other != name:
                        raise ConfigurationError(f"the headers of {other} and {name} can both be {form!r}")
            self._names.update(dict.fromkeys(header.forms, name))

    def find(self, header: str) -> tuple[str, str] | None:
        """Return the command of a header, and the header as the host sends it; None if there is none."""
        header = header.upper()
        for key in (header, *_with_numbers(header)):
            name = self._names.get(key)
            if name is not None:
                found = self._headers[name]
                return name, _filled(found.text, found.forms[key], header)
        return None


def _with_numbers(header: str) -> list[str]:
    """Return the header with ``#`` in place of numbers at the ends of keywords, in all combinations."""
    end = "?" if header.endswith("?") else ""
    nodes = header.removesuffix("?").split(":")
    choices = [(node, _NUMBER.sub("#", node)) if _NUMBER.search(node) else (node,) for node in nodes]
    if sum(len(each) > 1 for each in choices) > _MOST_NUMBERS:
        return []
    return [":".join(each) + end for each in product(*choices)][1:]


def _filled(text: str, numbers: Mapping[str, int], header: str) -> str:
    """Return the template of a header with the numbers in one of its spellings."""
    nodes = header.removesuffix("?").split(":")

    def number(match: re.Match[str]) -> str:
        if match[1] not in numbers:
            return "1"
        found = _NUMBER.search(nodes[numbers[match[1]]])
        return "1" if found is None else found[0]

    return _FIELD.sub(number, text)
