"""The forms in which equipment refuses: :func:`fault_forms`, and :func:`looks_like_fault`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.draft.forms import forms_of, head_of
from tcpcomm.tools.guess.draft.parts import Kind, Pattern, Slot, Text, slots, template

_WORDS: Final = re.compile(
    r"\W{0,2}(?:ER|ERR|ERROR|NG|NAK|NACK|FAULT|FAIL|FAILED|FAILURE|INVALID|UNKNOWN|DENIED|REFUSED|REJECTED"
    r"|ILLEGAL|BAD|UNABLE|ALARM_ERROR)(?![A-Za-z])|\x15",
    re.IGNORECASE,
)
_WEAK_WORDS: Final = re.compile(r"\W{0,2}(?:E[A-Z]?|NO?|\?|!|X|RJ)(?![A-Za-z])")


@frozen(kw_only=True)
class FaultForm:
    """
    A form of faults.

    Attributes:
        template: its template.
        code: the code that this form stands for; None if the template tells it.
        count: the number of times that it was seen.
        doubt: the reason for a doubt about it; empty if it is sure.
    """

    template: str
    code: int | str | None = None
    count: int = 1
    doubt: str = ""


def looks_like_fault(line: str, request: str) -> bool:
    """Return True if a line begins with a word that refuses, and the request does not have that word."""
    return _WORDS.match(line) is not None and head_of(line).rstrip("?") != head_of(request).rstrip("?")


def may_be_fault(line: str) -> bool:
    """Return True if a line begins with a letter or a mark with which some equipment refuses."""
    return _WEAK_WORDS.match(line) is not None


def first_word(request: str) -> str:
    """Return the first word of a request, as ``{command}`` in a fault has it."""
    return re.split(r"[\s,;=]", request, maxsplit=1)[0]


def fault_forms(lines: Sequence[str], requests: Sequence[str]) -> list[FaultForm]:
    """
    Return the forms of faults. An empty line has none, because no declaration can have it as a fault.

    Args:
        lines: the faults.
        requests: the request that each of them answers.
    """
    found = []
    for form in forms_of(lines, [*map(head_of, lines)]):
        texts = [lines[each] for each in form.numbers]
        asked = [first_word(requests[each]) for each in form.numbers]
        found.append(_form(form.pattern, texts, asked))
    return [*{each.template: each for each in reversed(found) if each.template}.values()][::-1]


def _form(pattern: Pattern, texts: Sequence[str], asked: Sequence[str]) -> FaultForm:
    count = len(texts)
    doubt = "" if count >= 3 else f"seen {_times(count)}"
    pattern = _with_values(pattern, texts, asked)
    if not slots(pattern):
        text = texts[0]
        is_word = re.fullmatch(r"\W*\w*", text) is not None and not text.isdecimal()
        code = None if is_word else _code_in(text)
        return FaultForm(template=template(pattern), code=code, count=count, doubt=doubt)
    given: dict[str, int] = {}
    parts = [*pattern]
    for at, each in enumerate(parts):
        if not isinstance(each, Slot):
            continue
        if "command" not in given and all(map(_same, each.values, asked)):
            given["command"] = at
        elif each.kind is Kind.INT and "code" not in given and each.before is each.separator is None:
            given["code"] = at
    for at, each in enumerate(parts):
        is_free = isinstance(each, Slot) and at not in given.values() and "code" not in given
        if is_free and isinstance(each, Slot) and _is_code(each, parts[at + 1 :]):
            given["code"] = at
    rest = [at for at, each in enumerate(parts) if isinstance(each, Slot) and at not in given.values()]
    if len(rest) > 1 and rest == [*range(rest[0], len(parts), 2)]:
        parts[rest[0] :] = [Slot(kind=Kind.TEXT)]  # several values behind the code are its reason
        rest = rest[:1]
    if len(rest) > 1 or (rest and parts[rest[0]].separator is not None):  # type: ignore[union-attr]
        start = min(rest)
        parts[start:] = [Slot(kind=Kind.TEXT)]
        given = {name: at for name, at in given.items() if at < start}
        rest = [start]
    names = {at: name for name, at in given.items()} | dict.fromkeys(rest, "reason")
    for at, name in names.items():
        slot = parts[at]
        assert isinstance(slot, Slot)
        form = slot.format if name == "code" and slot.kind is Kind.INT else ""
        if name == "code" and slot.kind is Kind.INT and not form:
            form = "d"
        parts[at] = evolve(slot, name=name, format=form, kind=Kind.TEXT)
    return FaultForm(template=template(parts), count=count, doubt=doubt)


def _with_values(pattern: Pattern, texts: Sequence[str], asked: Sequence[str]) -> Pattern:
    """Make fields of the command and of a number that a fault has, although they were always the same."""
    if not pattern:
        return pattern
    first = pattern[0]
    if isinstance(first, Slot) and first.is_number and all(each.startswith("-") for each in first.values):
        rest = evolve(first, values=tuple(each[1:] for each in first.values), format="")
        pattern = (Text("-"), rest, *pattern[1:])
    if len(pattern) != 1 or not isinstance(pattern[0], Text):
        found: list[Text | Slot] = []
        for each in pattern:
            found += _command_in(each.text, asked) if isinstance(each, Text) else [each]
        return _with_reason(found, len(texts))
    parts = _command_in(pattern[0].text, asked)
    last = parts[-1]
    text = last.text if isinstance(last, Text) else ""
    number = re.fullmatch(r"(.*?[^\w.]|.*?[A-Za-z])(\d+)([^\w.].*)?", text, re.DOTALL)
    if number is not None and not re.fullmatch(r"\w+", texts[0]):
        size = len(number[2])
        form = f"0{size}d" if number[2][0] == "0" and size > 1 else "d"
        code = Slot(kind=Kind.INT, format=form, values=(number[2],) * len(texts))
        parts[-1:] = [Text(number[1]), code, *([Text(number[3])] if number[3] else [])]
        return _with_reason(parts, len(texts))
    return tuple(parts)


def _with_reason(parts: list[Text | Slot], count: int) -> Pattern:
    """Make a field of several words at the end, which are a reason although they were always the same."""
    last = parts[-1]
    text = last.text if isinstance(last, Text) else ""
    found = re.fullmatch(r"(.*?[,;:=] *|.*?\d +| +)([^\W\d]+ .+)", text, re.DOTALL)
    element = re.fullmatch(r"(.*>)([^<>]+ [^<>]+)(<.*)", text, re.DOTALL)
    if element is not None:
        words = Slot(kind=Kind.TEXT, values=(element[2],) * count)
        parts[-1:] = [Text(element[1]), words, Text(element[3])]
    elif found is not None:
        parts[-1:] = [Text(found[1]), Slot(kind=Kind.TEXT, values=(found[2],) * count)]
    return tuple(parts)


def _command_in(text: str, asked: Sequence[str]) -> list[Text | Slot]:
    word = asked[0]
    if len({*asked}) > 1 or not word:
        return [Text(text)]
    found = re.search(rf"(?<=\W){re.escape(word)}(?!\w)", text)
    if found is None:
        return [Text(text)]
    slot = Slot(kind=Kind.TEXT, values=tuple(asked))
    parts: list[Text | Slot] = [Text(text[: found.start()]), slot, Text(text[found.end() :])]
    return [each for each in parts if isinstance(each, Slot) or each.text]


def _same(one: str, other: str) -> bool:
    return one == other and bool(one)


def _is_code(slot: Slot, behind: Sequence[object]) -> bool:
    """Return True if words that never have a blank may be codes: if more stands behind them."""
    is_last = not any(isinstance(each, Slot) for each in behind)
    return not is_last and all(re.fullmatch(r"\w+", each) for each in slot.words) and slot.before is None


def _code_in(text: str) -> int | str:
    number = re.search(r"(\d+)\W*$", text)
    if number is not None:
        return int(number[1])
    words = re.findall(r"\w+|[^\w\s]+", text)
    return str(words[-1]) if words else text


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
