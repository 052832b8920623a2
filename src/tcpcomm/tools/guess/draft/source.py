"""The Python source of a draft: :func:`source_of` writes the declaration that was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from tcpcomm.framing import Delimited, Framing, format_framing
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.guess.draft.commands import CommandSeen, EventSeen, Members
from tcpcomm.tools.guess.draft.faults import FaultForm
from tcpcomm.tools.guess.draft.names import field_names, words_of
from tcpcomm.tools.guess.draft.parts import (
    Kind,
    Pattern,
    Slot,
    Text,
    annotation,
    literal,
    named,
    quoted,
    slots,
    template,
)
from tcpcomm.tools.guess.draft.replies import ReplyKind
from tcpcomm.tools.guess.draft.results import Writer, reply_source, timeout_of, times

_UNSURE: Final = 5
"""Fewer samples than this are unsure."""

_FEW_VALUES: Final = 3
"""Up to so many values, a number may be a word of a choice."""

_WIDTH: Final = 100


_USUAL_ENCODINGS: Final = {
    "Template": ("ascii",),
    "Scpi": ("ascii", "latin-1"),
    "Xml": ("ascii", "utf-8"),
}


@frozen(kw_only=True)
class Frame:
    """The class of a declaration, and its attributes."""

    name: str
    framing: Framing
    reply_framing: Framing | None
    lines: int
    framing_doubts: tuple[str, ...] = ()
    encoding: str = "ascii"
    encoding_doubt: str = ""
    origin: str = ""
    codec: str = "Template"
    has_ids: bool = False
    has_declaration: bool = False
    heartbeat: str = ""
    """The request of the heartbeat; empty if none is known."""


@frozen
class Member:
    """The source of one command or event."""

    name: str
    text: str


@frozen
class Source:
    """The source of a declaration, and the names of its commands and events, in their order."""

    text: str
    names: tuple[str, ...]


def source_of(frame: Frame, members: Members, left_out: Sequence[str] = ()) -> Source:
    """
    Return the source of a declaration.

    Args:
        frame: the class and its attributes.
        members: the commands, events and faults.
        left_out: sentences about what the declaration lacks.
    """
    writer = Writer()
    writer.class_names.add(frame.name)
    drafted = [_command(writer, each, frame.codec) for each in members.commands]
    drafted += [_event(writer, each) for each in members.events]
    attributes = _attributes(writer, frame, members.faults)
    for each, member in zip(members.commands, drafted, strict=False):
        if each.request == (Text(frame.heartbeat),):
            attributes += f"\n    heartbeat = {quoted(member.name)}\n    heartbeat_while_busy = True"
    body = "\n\n".join([attributes, *(each.text for each in drafted)])
    classes = "".join(f"{each}\n\n\n" for each in writer.classes)
    text = f"class {frame.name}(Equipment):\n{docstring(frame, left_out)}\n\n{body}\n"
    whole = f"{_imports(members, writer, classes + text)}\n\n\n{classes}{text}"
    return Source(whole, tuple(each.name for each in drafted))


def docstring(frame: Frame, left_out: Sequence[str] = ()) -> str:
    """Return the docstring of the class."""
    origin = f" of {frame.origin}" if frame.origin else ""
    lines = ['    """', f"    Equipment as a capture{origin} shows it: {frame.lines} lines.", ""]
    lines += ["    Drafted by tcpcomm guess. Names and types are guesses."]
    if left_out:
        lines += ["", *(f"    {each}" for each in left_out)]
    return "\n".join([_safe(each) for each in lines] + ['    """'])


def _safe(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"""', "'''") if line.strip() != '"""' else line


def _unsure(doubt: str) -> str:
    return f"    # unsure: {one_line(doubt)}"


def framings_source(writer: Writer, frame: Frame) -> str:
    """Return the source of the framings, with the doubts about them."""
    text = "".join(f"{_unsure(each)}\n" for each in frame.framing_doubts)
    text += f"    framing = {_framing(writer, frame.framing)}"
    if frame.reply_framing is not None and frame.reply_framing != frame.framing:
        text += f"\n    reply_framing = {_framing(writer, frame.reply_framing)}"
    return text


def _attributes(writer: Writer, frame: Frame, faults: Sequence[FaultForm]) -> str:
    lines = [framings_source(writer, frame)]
    for each in faults:
        seen = f"{each.doubt} only" if each.doubt else ""
        if seen:
            lines.append(f"    # unsure: the fault {quoted(each.template)} was {seen}")
    if frame.encoding_doubt:
        lines.append(_unsure(frame.encoding_doubt))
    writer.imports.add(frame.codec)
    is_usual = frame.encoding in _USUAL_ENCODINGS[frame.codec]
    arguments = [] if is_usual else [quoted(frame.encoding)]
    if frame.codec != "Scpi":
        arguments.append(f"fault={_fault(faults)}")
    if frame.has_declaration:
        arguments.append("declaration=True")
    if frame.has_ids:
        arguments.append('id="id"')
    lines.append(f"    codec = {frame.codec}({', '.join(arguments)})")
    return "\n".join(lines)


def _fault(faults: Sequence[FaultForm]) -> str:
    if not faults:
        return "None"
    if len(faults) == 1 and faults[0].code is None:
        return quoted(faults[0].template)
    if all(each.code is None for each in faults):
        return f"({', '.join(quoted(each.template) for each in faults)})"
    return f"{{{', '.join(f'{quoted(each.template)}: {literal(each.code)}' for each in faults)}}}"


def _framing(writer: Writer, framing: Framing) -> str:
    if type(framing) is Delimited and framing == Delimited(framing.delimiters):
        ends = framing.delimiters
        writer.imports.add("Delimited")
        several = ", ".join(map(_bytes, ends))
        return f"Delimited({several})" if len(ends) == 1 else f"Delimited(({several}))"
    writer.imports.add("parse_framing")
    return f"parse_framing({quoted(format_framing(framing))})"


def _bytes(value: bytes) -> str:
    return "b" + quoted(repr(value)[2:-1]).replace("\\\\", "\\")


def _imports(members: Members, writer: Writer, text: str) -> str:
    facade = ["Equipment"]
    facade += ["command"] if members.commands else []
    facade += ["event"] if members.events else []
    kinds = sorted(writer.imports & {"Delimited", "parse_framing"})
    codecs = sorted(writer.imports - {"Delimited", "parse_framing"})
    lines = ["from typing import Literal\n"] if "Literal[" in text else []
    lines += ["from attrs import frozen\n"] if writer.classes else []
    lines += [f"from tcpcomm import {', '.join(facade)}", f"from tcpcomm.codec import {', '.join(codecs)}"]
    return "\n".join([*lines, f"from tcpcomm.framing import {', '.join(kinds)}"])


def _command(writer: Writer, seen: CommandSeen, codec: str) -> Member:
    head = _head(seen.request)
    parameters = named(seen.request, field_names(seen.request, (), head=head))
    name = writer.names.give("_".join(words_of(seen.request)), "ask")
    doubts = [*seen.replies.doubts]
    if seen.count < _UNSURE:
        doubts.append(f"seen {times(seen.count)} only")
    if _is_one_text(seen.request):
        doubts.append("the request is not understood: all of it is one text")
    if seen.replies.forms and all(_is_one_text(line) for each in seen.replies.forms for line in each.lines):
        doubts.append("the reply is not understood: all of it is one text")
    if seen.refused and not seen.exchanges:
        doubts.append("it was only refused, so its reply is not known")
    doubts += [doubt for each in slots(parameters) if (doubt := _doubt_of_values(each))]
    reply, result = reply_source(writer, name, seen, slots(parameters))
    request = template(parameters)
    arguments = [quoted(request)]
    if codec != "Scpi" or "?" in request.partition(" ")[0]:
        arguments.append(f"reply={reply}")
    if seen.replies.faults:
        codes = ", ".join(
            f"{quoted(template_text(each))}: {literal(_code(each))}" for each in seen.replies.faults
        )
        arguments.append(f"faults={{{codes}}}")
        doubts.append("a reply without a value is taken for a fault")
    if seen.slowest is not None and seen.replies.kind is not ReplyKind.NOTHING:
        arguments.append(f"timeout={timeout_of(seen.slowest)}")
    comments = [f"    # unsure: {each}" for each in doubts]
    asked = "".join(f", {each.name}: {annotation(each)}" for each in slots(parameters))
    lines = [
        *comments,
        f"    @command({', '.join(arguments)})",
        f"    async def {name}(self{asked}) -> {result}:",
        f'        """{_seen(seen)}"""',
        "        raise NotImplementedError",
    ]
    return Member(name, "\n".join(lines))


def _is_one_text(pattern: Pattern) -> bool:
    """Return True if one field takes all of a message, whatever it is."""
    return [each.kind for each in slots(pattern)] == [Kind.TEXT] and len(pattern) == 1


def _doubt_of_values(slot: Slot) -> str:
    """Return the doubt about a number that had few values, which may be the words of a choice."""
    if not slot.is_number or slot.separator is not None or not 1 < len(slot.words) <= _FEW_VALUES:
        return ""
    *others, last = slot.words
    return f"{slot.name} was {', '.join(others)} or {last} only"


def template_text(text: str) -> str:
    """Return the template of a text without fields."""
    return text.replace("{", "{{").replace("}", "}}").replace("[", "[[").replace("]", "]]")


def _code(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1] if text.split() else text


def _seen(seen: CommandSeen) -> str:
    text = f"Seen {times(seen.count)}"
    if seen.refused:
        text += f", and refused {times(seen.refused)}" if seen.exchanges else ", always refused"
    if seen.slowest is not None and seen.slowest > 0:
        text += f"; the slowest reply took {seen.slowest:.2g} s"
    return text + "."


def _head(pattern: Pattern) -> str:
    words = words_of(pattern[:1])
    return words[0] if words else ""


def _event(writer: Writer, seen: EventSeen) -> Member:
    words = words_of(seen.pattern)
    pattern = named(seen.pattern, field_names(seen.pattern, (), head=words[0] if words else ""))
    name = writer.names.give("_".join(words), "told")
    told = "".join(f", {each.name}: {annotation(each)}" for each in slots(pattern))
    lines = [f"    # unsure: seen {times(seen.count)} only"] if seen.count < _UNSURE else []
    if _is_one_text(pattern):
        lines.append("    # unsure: the event is not understood: all of it is one text")
    lines += [
        f"    @event({quoted(template(pattern))})",
        f"    def {name}(self{told}) -> None:",
        f'        """Seen {times(seen.count)}, unasked."""',
    ]
    return Member(name, "\n".join(lines))
