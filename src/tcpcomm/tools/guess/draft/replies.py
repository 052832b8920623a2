"""The replies to one command: :func:`replies_of` finds their forms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from statistics import median
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.draft.columns import pattern_of
from tcpcomm.tools.guess.draft.exchanges import Exchange
from tcpcomm.tools.guess.draft.forms import Form, forms_of, head_of, is_vague, merged
from tcpcomm.tools.guess.draft.parts import Kind, Part, Pattern, Slot, Text, end_of, slots

_APART: Final = 0.05
"""The seconds between two lines of one reply from which on the first one is an acknowledgement."""

_ACKNOWLEDGED_LINES: Final = 2
_MOST_FORMS: Final = 6
_MOST_LEADS: Final = 2
_RARE: Final = 0.2
"""The part of the replies up to which a form without a value is taken for a fault."""


class ReplyKind(Enum):
    """The structure of a reply."""

    NOTHING = "nothing"
    LINES = "lines"
    """A line, or as many lines each time."""

    UNTIL = "until"
    """Items, and the line that ends them."""

    COUNTED = "counted"
    """A line with a number, and as many items."""


@frozen(kw_only=True)
class ReplyForm:
    """A form of a reply: its lines, and the numbers of the exchanges that have it."""

    lines: tuple[Pattern, ...]
    exchanges: tuple[int, ...]


@frozen(kw_only=True)
class Replies:
    """
    The reply to a command.

    Attributes:
        kind: the structure of the reply.
        forms: the forms of a reply of lines.
        leads: the lines in front of items.
        items: the forms of items.
        frame: the line that ends items, or that has their number.
        is_acknowledged: True if the first line comes long before the second one.
        faults: the lines without a value that come in place of a value.
        doubts: the reasons for doubts, each as a sentence without its stop.
    """

    kind: ReplyKind = ReplyKind.LINES
    forms: tuple[ReplyForm, ...] = ()
    leads: tuple[Pattern, ...] = ()
    items: tuple[Pattern, ...] = ()
    frame: Pattern = ()
    is_acknowledged: bool = False
    faults: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def replies_of(exchanges: Sequence[Exchange]) -> Replies:
    """Return what answers a command, from its exchanges without faults."""
    answered = [number for number, each in enumerate(exchanges) if each.answers]
    if not answered:
        return Replies(kind=ReplyKind.NOTHING)
    rows = [[line.text for line in exchanges[each].answers] for each in answered]
    sizes = Counter(map(len, rows))
    size, count = sizes.most_common(1)[0]
    acknowledged = _is_acknowledged([exchanges[each] for each in answered])
    if len(sizes) > 1:
        whole = _items(rows)
        if whole is not None:
            return evolve(whole, is_acknowledged=acknowledged and bool(whole.leads))
    usual = [at for at, row in enumerate(rows) if len(row) == size]
    doubts = []
    if len(sizes) > 1:
        doubts = [f"{len(rows) - count} of {len(rows)} replies have another number of lines"]
    if size == 1:
        found = _single([rows[at][0] for at in usual], [answered[at] for at in usual])
    else:
        lines = tuple(pattern_of([rows[at][index] for at in usual]) for index in range(size))
        form = ReplyForm(lines=lines, exchanges=tuple(answered[at] for at in usual))
        found = Replies(forms=(form,), is_acknowledged=acknowledged and size == _ACKNOWLEDGED_LINES)
    return evolve(found, doubts=(*doubts, *found.doubts))


def _single(lines: Sequence[str], exchanges: Sequence[int]) -> Replies:
    """Return the forms of replies of one line."""
    forms = merged(lines, forms_of(lines, [*map(head_of, lines)]))
    faults: list[str] = []
    if len(forms) > 1 and any(each.is_number for form in forms for each in slots(form.pattern)):
        plain = [each for each in forms if _is_refusal(each, lines)]
        texts = dict.fromkeys(lines[number] for each in plain for number in each.numbers)
        faults = [each for each in texts if each]  # an empty line cannot be declared
        forms = [each for each in forms if each not in plain]
    found = tuple(
        ReplyForm(lines=(each.pattern,), exchanges=tuple(exchanges[at] for at in each.numbers))
        for each in forms[:_MOST_FORMS]
    )
    lost = sum(len(each.numbers) for each in forms[_MOST_FORMS:])
    doubts = (f"{lost} of {len(lines)} replies have other forms, which are left out",) if lost else ()
    return Replies(forms=found, faults=tuple(faults), doubts=doubts)


def _is_refusal(form: Form, lines: Sequence[str]) -> bool:
    """Return True if a form of replies has no value and is rare: it may be a fault."""
    if any(each.kind is not Kind.CHOICE and each.kind is not Kind.TEXT for each in slots(form.pattern)):
        return False
    words = {lines[each] for each in form.numbers}
    return len(words) <= _MOST_FORMS and len(form.numbers) <= _RARE * len(lines)


def _is_acknowledged(exchanges: Sequence[Exchange]) -> bool:
    """Return True if the first line comes long before the second one."""
    waits = [
        after.at - before.at
        for each in exchanges
        for before, after in zip(each.answers[:1], each.answers[1:2], strict=False)
        if before.at is not None and after.at is not None
    ]
    return bool(waits) and median(waits) > _APART


def _items(rows: Sequence[list[str]]) -> Replies | None:
    """Return a reply of any number of items, with an end behind them or a number in front, or None."""
    for count in range(min(_MOST_LEADS, min(map(len, rows)) - 1) + 1):
        leads = [{row[at] for row in rows} for at in range(count)]
        if any(len(each) > 1 for each in leads):
            break
        rest = [row[count:] for row in rows]
        found = _counted(rest) or _until(rest)
        if found is not None:
            return evolve(found, leads=tuple((Text(text),) for each in leads for text in each))
    return None


def _until(rows: Sequence[list[str]]) -> Replies | None:
    ends = {row[-1] for row in rows}
    items = [line for row in rows for line in row[:-1]]
    if len(ends) > 1 or not items or ends & {*items}:
        return None
    return Replies(kind=ReplyKind.UNTIL, items=_item_forms(items), frame=(Text(*ends),))


def _counted(rows: Sequence[list[str]]) -> Replies | None:
    head = pattern_of([row[0] for row in rows])
    items = [line for row in rows for line in row[1:]]
    if len(slots(head)) != 1 or not items:
        return None
    (slot,) = slots(head)
    sizes = [len(row) - 1 for row in rows]
    if slot.kind is not Kind.INT or slot.separator is not None or [*map(_number, slot.values)] != sizes:
        return None
    numbered = tuple(evolve(each, name="#") if each is slot else each for each in head)
    return Replies(kind=ReplyKind.COUNTED, items=_item_forms(items), frame=numbered)


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else -1


def _item_forms(items: Sequence[str]) -> tuple[Pattern, ...]:
    """Return the forms of items; one text if these are too many or have no values."""
    forms = [each.pattern for each in merged(items, forms_of(items, [*map(head_of, items)]))]
    if len(forms) <= _MOST_FORMS and all(slots(each) and not is_vague(each) for each in forms):
        return tuple(forms)
    return ((Slot(kind=Kind.TEXT, values=tuple(items)),),)


def repeated(pattern: Pattern, parameters: Sequence[Slot], rows: Sequence[int]) -> Pattern:
    """
    Return a pattern of a reply in which the fields that always repeat a parameter have its name.

    Args:
        pattern: the pattern of the reply.
        parameters: the fields of the request.
        rows: for each line of the reply, the number of its request.
    """
    free = [*parameters]
    found: list[Part] = []
    for at, part in enumerate(pattern):
        same = None
        if isinstance(part, Slot) and part.before is None and part.separator is None:
            end = end_of(pattern, at)
            able = [each for each in free if _holds(part, end, each)]
            same = next((each for each in able if _repeats(part, each, rows)), None)
        if same is not None and isinstance(part, Slot):
            free.remove(same)
            found.append(evolve(part, repeats=same.name))
        else:
            found.append(part)
    return tuple(found)


def _holds(slot: Slot, end: str, parameter: Slot) -> bool:
    """Return True if a field of a reply, which ``end`` follows, can hold all that a parameter can be."""
    if slot.kind is Kind.TEXT:
        return slot.format == parameter.format and end in ("", parameter.end)
    return slot.format == parameter.format or not re.match(r"[ +<>=]*0?\d", slot.format)


def _repeats(slot: Slot, parameter: Slot, rows: Sequence[int]) -> bool:
    if parameter.before is not None or parameter.separator is not None or slot.kind is not parameter.kind:
        return False
    pairs = {
        (_plain(slot, value), _plain(parameter, parameter.values[row]))
        for value, row in zip(slot.values, rows, strict=True)
    }
    return all(one == other for one, other in pairs) and len(pairs) >= (3 if slot.is_number else 2)


def _plain(slot: Slot, text: str) -> object:
    if not slot.is_number:
        return text
    try:
        return float(text)
    except ValueError:
        return text
