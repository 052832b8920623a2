"""The source of replies, and of the classes of their results: :func:`reply_source`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, evolve, field

from tcpcomm.tools.guess.draft.commands import CommandSeen
from tcpcomm.tools.guess.draft.names import Names, field_names, words_of
from tcpcomm.tools.guess.draft.parts import Kind, Pattern, Slot, annotation, quoted, slots, template
from tcpcomm.tools.guess.draft.replies import Replies, ReplyKind, repeated

_MARGIN: Final = 4.0
"""The times that a reply may take as long as the slowest one that was seen."""

_TIMEOUTS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)


@define
class Writer:
    """Collects the parts of a source: names, classes of results, and what it must import."""

    names: Names = field(factory=Names)
    classes: list[str] = field(factory=list)
    class_names: set[str] = field(factory=set)
    imports: set[str] = field(factory=set)


def times(count: int) -> str:
    """Return a number of times in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def reply_source(
    writer: Writer, name: str, seen: CommandSeen, parameters: Sequence[Slot]
) -> tuple[str, str]:
    """
    Return the reply of a command as ``reply=`` has it, and the type of its result.

    Args:
        writer: takes the classes and the imports.
        name: the name of the command.
        seen: the command.
        parameters: the fields of its request, with their names.
    """
    replies = seen.replies
    if replies.kind is ReplyKind.NOTHING:
        if not seen.is_silent:
            return "None", "None"
        writer.imports.add("Silence")
        return f"Silence({_silence(seen.slowest)})", "None"
    if replies.kind is not ReplyKind.LINES:
        return _with_items(writer, name, seen)
    forms, results = [], []
    taken = _repeated_names(replies, parameters)
    for form in replies.forms:
        fields: list[Slot] = []
        frames = []
        for pattern in form.lines:
            whole = _named(pattern, parameters, form.exchanges, [*taken, *(each.name for each in fields)])
            fields += [each for each in slots(whole) if not each.repeats]
            frames.append(quoted(template(whole)))
        forms.append(frames[0] if len(frames) == 1 else f"({', '.join(frames)})")
        results.append(_result(writer, name, fields))
        if len(fields) > 1:
            taken += [each.name for each in fields]
    if replies.is_acknowledged:
        writer.imports.add("Acknowledged")
        return f"Acknowledged{forms[0]}", results[0]
    if len(forms) == 1:
        return forms[0], results[0]
    writer.imports.add("OneOf")
    return f"OneOf({', '.join(forms)})", _union(results)


def _repeated_names(replies: Replies, parameters: Sequence[Slot]) -> list[str]:
    """Return the names of parameters that a form repeats: in no form another field may have them."""
    wholes = [
        repeated(pattern, parameters, form.exchanges) for form in replies.forms for pattern in form.lines
    ]
    return [*dict.fromkeys(each.repeats for whole in wholes for each in slots(whole) if each.repeats)]


def _union(results: Sequence[str]) -> str:
    return " | ".join(sorted(dict.fromkeys(results), key=lambda each: each == "None"))


def _named(
    pattern: Pattern, parameters: Sequence[Slot], exchanges: Sequence[int], taken: Sequence[str]
) -> Pattern:
    """Return the pattern of a line of a reply, with names. Fields that repeat a parameter have its name."""
    whole = repeated(pattern, parameters, exchanges)
    same = [each.repeats for each in slots(whole) if each.repeats]
    own = tuple(each for each in whole if not (isinstance(each, Slot) and each.repeats))
    words = words_of(pattern[:1])
    names = iter(field_names(own, [*taken, *same], head=words[0] if words else ""))
    return tuple(
        evolve(each, name=next(names)) if isinstance(each, Slot) and not each.repeats else each
        for each in whole
    )


def _with_items(writer: Writer, name: str, seen: CommandSeen) -> tuple[str, str]:
    """Return the source of a reply of any number of items."""
    replies = seen.replies
    results, forms = [], []
    taken: list[str] = []
    for pattern in replies.items:
        whole = _named(pattern, (), (), taken)
        results.append(_result(writer, f"{name}_item", slots(whole)))
        forms.append(quoted(template(whole)))
        taken += [each.name for each in slots(whole)] if len(slots(whole)) > 1 else []
    item = forms[0]
    if len(forms) > 1:
        writer.imports.add("OneOf")
        item = f"OneOf({', '.join(forms)})"
    kind = "Until" if replies.kind is ReplyKind.UNTIL else "CountedLines"
    writer.imports.add(kind)
    text = f"{kind}({quoted(template(replies.frame))}, {item})"
    leads = [quoted(template(each)) for each in replies.leads]
    if replies.is_acknowledged:
        writer.imports.add("Acknowledged")
        rest = text if len(leads) == 1 else f"({', '.join([*leads[1:], text])})"
        text = f"Acknowledged({leads[0]}, {rest})"
    elif leads:
        text = f"({', '.join([*leads, text])})"
    return text, f"list[{_union(results)}]"


def _result(writer: Writer, name: str, fields: Sequence[Slot]) -> str:
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
        return f"  # unsure: {rare[0]!r} was seen only {times(slot.values.count(rare[0]))}" if rare else ""
    if not slot.is_number or slot.separator is not None or slot.format.rstrip("0123456789")[-1:] in "xX":
        return ""
    seen = sorted({float(each.replace(" ", "")) for each in slot.values if each})
    if not seen:
        return ""
    if len(seen) == 1:
        return f"  # unsure: always {seen[0]:g}"
    return f"  # seen: {seen[0]:g} to {seen[-1]:g}"


def timeout_of(slowest: float) -> float:
    """Return a timeout for replies, from the seconds of the slowest one."""
    wanted = slowest * _MARGIN
    return float(next((each for each in _TIMEOUTS if each >= wanted), round(wanted)))


def _silence(slowest: float | None) -> float:
    return 0.5 if slowest is None else max(0.3, round(slowest * _MARGIN, 1))
