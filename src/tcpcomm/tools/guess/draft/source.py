"""The Python source of a draft: :func:`source_of` writes the declaration that was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, evolve, field, frozen

from tcpcomm.framing import Delimited, Framing, format_framing
from tcpcomm.tools.guess.draft.commands import CommandSeen, EventSeen, Members
from tcpcomm.tools.guess.draft.faults import FaultForm
from tcpcomm.tools.guess.draft.names import Names, field_names, words_of
from tcpcomm.tools.guess.draft.parts import (
    Kind,
    Pattern,
    Slot,
    annotation,
    named,
    quoted,
    slots,
    template,
)
from tcpcomm.tools.guess.draft.replies import repeated

_TIMEOUTS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
_MARGIN: Final = 4.0
"""The times that a reply may take as long as the slowest one that was seen."""

_UNSURE: Final = 5
"""Fewer samples than this are unsure."""

_WIDTH: Final = 100


@frozen(kw_only=True)
class Frame:
    """What stands around the members of a declaration."""

    name: str
    framing: Framing
    reply_framing: Framing | None
    encoding: str
    lines: int
    origin: str = ""
    codec: str = "Template"


@define
class _Writer:
    """Collects the parts of a source."""

    names: Names = field(factory=Names)
    classes: list[str] = field(factory=list)
    class_names: set[str] = field(factory=set)
    codecs: set[str] = field(factory=set)


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
    writer = _Writer()
    writer.class_names.add(frame.name)
    drafted = [_command(writer, each) for each in members.commands]
    drafted += [_event(writer, each) for each in members.events]
    attributes = _attributes(writer, frame, members.faults)
    body = "\n\n".join([attributes, *(each.text for each in drafted)])
    classes = "".join(f"{each}\n\n\n" for each in writer.classes)
    text = f"class {frame.name}(Equipment):\n{_docstring(frame, members, left_out)}\n\n{body}\n"
    whole = f"{_imports(members, writer, classes + text)}\n\n\n{classes}{text}"
    return Source(whole, tuple(each.name for each in drafted))


def _docstring(frame: Frame, members: Members, left_out: Sequence[str]) -> str:
    origin = f" of {frame.origin}" if frame.origin else ""
    lines = ['    """', f"    Equipment as a capture{origin} shows it: {frame.lines} lines.", ""]
    lines += ["    Drafted by tcpcomm guess. Names and types are guesses; what is unsure says so."]
    if left_out:
        lines += ["", *(f"    {each}" for each in left_out)]
    return "\n".join([_safe(each) for each in lines] + ['    """'])


def _safe(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"""', "'''") if line.strip() != '"""' else line


def _attributes(writer: _Writer, frame: Frame, faults: Sequence[FaultForm]) -> str:
    lines = [f"    framing = {_framing(writer, frame.framing)}"]
    if frame.reply_framing is not None and frame.reply_framing != frame.framing:
        lines.append(f"    reply_framing = {_framing(writer, frame.reply_framing)}")
    for each in faults:
        seen = f"{each.doubt} only" if each.doubt else ""
        if seen:
            lines.append(f"    # unsure: the fault {quoted(each.template)} was {seen}")
    writer.codecs.add(frame.codec)
    arguments = [] if frame.encoding == "ascii" and frame.codec == "Template" else [quoted(frame.encoding)]
    if frame.codec == "Scpi":
        arguments = [] if frame.encoding in ("ascii", "latin-1") else arguments
    else:
        arguments.append(f"fault={_fault(faults)}")
    lines.append(f"    codec = {frame.codec}({', '.join(arguments)})")
    return "\n".join(lines)


def _fault(faults: Sequence[FaultForm]) -> str:
    if not faults:
        return "None"
    if len(faults) == 1 and faults[0].code is None:
        return quoted(faults[0].template)
    if all(each.code is None for each in faults):
        return f"({', '.join(quoted(each.template) for each in faults)})"
    return f"{{{', '.join(f'{quoted(each.template)}: {each.code!r}' for each in faults)}}}"


def _framing(writer: _Writer, framing: Framing) -> str:
    if type(framing) is Delimited and framing == Delimited(framing.delimiters):
        ends = framing.delimiters
        writer.codecs.add("Delimited")
        several = ", ".join(map(_bytes, ends))
        return f"Delimited({several})" if len(ends) == 1 else f"Delimited(({several}))"
    writer.codecs.add("parse_framing")
    return f"parse_framing({quoted(format_framing(framing))})"


def _bytes(value: bytes) -> str:
    return "b" + quoted(repr(value)[2:-1]).replace("\\\\", "\\")


def _imports(members: Members, writer: _Writer, text: str) -> str:
    facade = ["Equipment"]
    facade += ["command"] if members.commands else []
    facade += ["event"] if members.events else []
    framings = sorted(writer.codecs & {"Delimited", "parse_framing"})
    codecs = sorted(writer.codecs - {"Delimited", "parse_framing"})
    lines = ["from typing import Literal\n"] if "Literal[" in text else []
    lines += ["from attrs import frozen\n"] if writer.classes else []
    lines += [f"from tcpcomm import {', '.join(facade)}", f"from tcpcomm.codec import {', '.join(codecs)}"]
    return "\n".join([*lines, f"from tcpcomm.framing import {', '.join(framings)}"])


def _command(writer: _Writer, seen: CommandSeen) -> Member:
    head = _head(seen.request)
    parameters = named(seen.request, field_names(seen.request, (), head=head))
    name = writer.names.give("_".join(words_of(seen.request)), "ask")
    doubts = [*seen.replies.doubts]
    if seen.count < _UNSURE:
        doubts.append(f"seen {_times(seen.count)} only")
    if seen.refused and not seen.exchanges:
        doubts.append("it was only refused, so its reply is not known")
    reply, result, more = _reply(writer, name, seen, slots(parameters))
    doubts += more
    arguments = [quoted(template(parameters)), f"reply={reply}"]
    if seen.replies.faults:
        codes = ", ".join(f"{quoted(template_text(each))}: {_code(each)!r}" for each in seen.replies.faults)
        arguments.append(f"faults={{{codes}}}")
        doubts.append("a reply without a value is taken for a fault")
    if seen.slowest is not None and seen.replies.kind != "none":
        arguments.append(f"timeout={_timeout(seen.slowest)}")
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


def template_text(text: str) -> str:
    """Return the template of a text without fields."""
    return text.replace("{", "{{").replace("}", "}}").replace("[", "[[").replace("]", "]]")


def _code(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1] if text.split() else text


def _seen(seen: CommandSeen) -> str:
    text = f"Seen {_times(seen.count)}"
    if seen.refused:
        text += f", and refused {_times(seen.refused)}" if seen.exchanges else ", always refused"
    if seen.slowest is not None and seen.slowest > 0:
        text += f"; the slowest reply took {seen.slowest:.2g} s"
    return text + "."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _timeout(slowest: float) -> float:
    wanted = slowest * _MARGIN
    return float(next((each for each in _TIMEOUTS if each >= wanted), round(wanted)))


def _head(pattern: Pattern) -> str:
    words = words_of(pattern[:1])
    return words[0] if words else ""


def _reply(
    writer: _Writer, name: str, seen: CommandSeen, parameters: Sequence[Slot]
) -> tuple[str, str, list[str]]:
    """Return the reply in the notation, the type of the result, and what is unsure."""
    replies = seen.replies
    if replies.kind == "none" and not seen.is_silent:
        return "None", "None", []
    if replies.kind == "none":
        writer.codecs.add("Silence")
        return f"Silence({_silence(seen.slowest)})", "None", []
    if replies.kind == "until":
        return _until(writer, name, replies.forms)
    if replies.kind == "counted":
        return _counted(writer, name, replies.forms)
    forms, results = [], []
    for lines in replies.forms:
        rows = _rows(seen, lines)
        fields: list[Slot] = []
        frames = []
        for pattern in lines:
            whole = _reply_line(pattern, parameters, rows, [each.name for each in fields])
            fields += [each for each in slots(whole) if not each.repeats]
            frames.append(quoted(template(whole)))
        forms.append(frames[0] if len(frames) == 1 else f"({', '.join(frames)})")
        results.append(_result(writer, name, fields))
    if replies.kind == "acknowledged" and len(replies.forms[0]) == 2:
        writer.codecs.add("Acknowledged")
        return f"Acknowledged{forms[0]}", results[0], []
    if len(forms) == 1:
        return forms[0], results[0], []
    writer.codecs.add("OneOf")
    union = sorted(dict.fromkeys(results), key=lambda each: each == "None")
    return f"OneOf({', '.join(forms)})", " | ".join(union), []


def _reply_line(
    pattern: Pattern, parameters: Sequence[Slot], rows: Sequence[int] | None, taken: Sequence[str]
) -> Pattern:
    """Return the pattern of a line of a reply, with names."""
    if rows is not None:
        pattern = repeated(pattern, parameters, rows)
    own = tuple(each for each in pattern if not (isinstance(each, Slot) and each.repeats))
    names = iter(field_names(own, taken, head=_head(pattern)))
    return tuple(
        evolve(each, name=next(names)) if isinstance(each, Slot) and not each.repeats else each
        for each in pattern
    )


def _rows(seen: CommandSeen, lines: Sequence[Pattern]) -> list[int] | None:
    """Return the number of the request that each line of a reply answers, or None if some lack a reply."""
    counts = {len(each.values) for pattern in lines for each in slots(pattern)}
    return [*range(len(seen.exchanges))] if counts == {len(seen.exchanges)} else None


def _until(writer: _Writer, name: str, forms: Sequence[Sequence[Pattern]]) -> tuple[str, str, list[str]]:
    writer.codecs.add("Until")
    (item,), (end,) = forms
    item = named(item, field_names(item, ()))
    result = _result(writer, f"{name}_item", slots(item))
    return f"Until({quoted(template(end))}, {quoted(template(item))})", f"list[{result}]", []


def _counted(writer: _Writer, name: str, forms: Sequence[Sequence[Pattern]]) -> tuple[str, str, list[str]]:
    writer.codecs.add("CountedLines")
    (head,), (item,) = forms
    item = named(item, field_names(item, ()))
    result = _result(writer, f"{name}_item", slots(item))
    return f"CountedLines({quoted(template(head))}, {quoted(template(item))})", f"list[{result}]", []


def _result(writer: _Writer, name: str, fields: Sequence[Slot]) -> str:
    """Return the type of a result. Several values are a class."""
    if not fields:
        return "None"
    if len(fields) == 1:
        return annotation(fields[0])
    wanted = "".join(each.title() for each in name.split("_")) + "Reply"
    candidates = (wanted, *(f"{wanted}{number}" for number in range(2, 1000)))
    class_name = next(each for each in candidates if each not in writer.class_names)
    writer.class_names.add(class_name)
    lines = [f'@frozen\nclass {class_name}:\n    """The values in a reply to {name}."""\n']
    for each in fields:
        comment = _comment(each)
        lines.append(f"    {each.name}: {annotation(each)}{comment}")
    writer.classes.append("\n".join(lines))
    return class_name


def _comment(slot: Slot) -> str:
    """Return the values that were seen, as a comment behind a field."""
    if slot.kind is Kind.CHOICE:
        rare = [each for each in slot.words if slot.values.count(each) < 3]
        return f"  # unsure: {rare[0]!r} was seen only {_times(slot.values.count(rare[0]))}" if rare else ""
    if not slot.is_number or slot.separator is not None or slot.format.rstrip("0123456789")[-1:] in "xX":
        return ""
    seen = sorted({float(each.replace(" ", "")) for each in slot.values if each})
    if not seen:
        return ""
    if len(seen) == 1:
        return f"  # unsure: always {seen[0]:g}"
    return f"  # seen: {seen[0]:g} to {seen[-1]:g}"


def _silence(slowest: float | None) -> float:
    return 0.5 if slowest is None else max(0.3, round(slowest * _MARGIN, 1))


def _event(writer: _Writer, seen: EventSeen) -> Member:
    words = words_of(seen.pattern)
    pattern = named(seen.pattern, field_names(seen.pattern, (), head=words[0] if words else ""))
    name = writer.names.give("_".join(words), "told")
    told = "".join(f", {each.name}: {annotation(each)}" for each in slots(pattern))
    lines = [f"    # unsure: seen {_times(seen.count)} only"] if seen.count < _UNSURE else []
    lines += [
        f"    @event({quoted(template(pattern))})",
        f"    def {name}(self{told}) -> None:",
        f'        """Seen {_times(seen.count)}, unasked."""',
    ]
    return Member(name, "\n".join(lines))
