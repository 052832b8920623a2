"""The replies to one command: :func:`replies_of` finds their forms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final

from attrs import evolve, field, frozen

from tcpcomm.tools.guess.draft.columns import pattern_of
from tcpcomm.tools.guess.draft.exchanges import Exchange
from tcpcomm.tools.guess.draft.forms import Form, forms_of, head_of, is_vague, merged
from tcpcomm.tools.guess.draft.parts import Kind, Part, Pattern, Slot, slots

_APART: Final = 0.05
"""The seconds between two lines of one reply from which on the first one is an acknowledgement."""

_MOST_FORMS: Final = 6
_RARE: Final = 0.2
"""The part of the replies up to which a form without a value is taken for a fault."""


@frozen(kw_only=True)
class Replies:
    """
    What answers a command.

    Attributes:
        forms: the forms of the reply. Each is a sequence of lines, and most replies have one line.
        kind: ``one``, ``several`` (a tuple), ``acknowledged``, ``until`` (items, then an end), ``counted``
            (a head with a number, then items), ``none``, or ``silence``.
        faults: the lines without a value that come in place of a value.
        left_out: the lines that no form has, with their numbers.
        doubts: what is not sure.
    """

    forms: tuple[tuple[Pattern, ...], ...] = ()
    kind: str = "one"
    faults: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    doubts: tuple[str, ...] = field(default=())


def replies_of(exchanges: Sequence[Exchange]) -> Replies:
    """Return what answers a command, from its exchanges without faults."""
    answered = [each for each in exchanges if each.answers]
    if not answered:
        return Replies(kind="none")
    sizes = Counter(len(each.answers) for each in answered)
    size, count = sizes.most_common(1)[0]
    if len(sizes) > 1:
        whole = _items(answered)
        if whole is not None:
            return whole
    usual = [each for each in answered if len(each.answers) == size]
    doubts = []
    if len(sizes) > 1:
        doubts = [f"{len(answered) - count} of {len(answered)} replies have another number of lines"]
    if size == 1:
        found = _single([each.answers[0].text for each in usual])
    else:
        lines = tuple(pattern_of([each.answers[at].text for each in usual]) for at in range(size))
        found = Replies(forms=(lines,), kind=_order(usual))
    return evolve(found, doubts=(*doubts, *found.doubts))


def _single(lines: Sequence[str]) -> Replies:
    """Return the forms of replies of one line."""
    forms = merged(lines, forms_of(lines, [*map(head_of, lines)]))
    faults: list[str] = []
    if len(forms) > 1 and any(each.is_number for form in forms for each in slots(form.pattern)):
        plain = [each for each in forms if _is_refusal(each, lines)]
        faults = [*dict.fromkeys(lines[number] for each in plain for number in each.numbers)]
        forms = [each for each in forms if each not in plain]
    left = tuple(lines[each.numbers[0]] for each in forms[_MOST_FORMS:])
    forms = forms[:_MOST_FORMS]
    return Replies(forms=tuple((each.pattern,) for each in forms), faults=tuple(faults), left_out=left)


def _is_refusal(form: Form, lines: Sequence[str]) -> bool:
    """Return True if a form of replies has no value and is rare, so that it is rather a fault."""
    if any(each.kind is not Kind.CHOICE and each.kind is not Kind.TEXT for each in slots(form.pattern)):
        return False
    words = {lines[each] for each in form.numbers}
    return len(words) <= _MOST_FORMS and len(form.numbers) <= _RARE * len(lines)


def _order(exchanges: Sequence[Exchange]) -> str:
    """Return ``acknowledged`` if the first line comes long before the second one."""
    waits = [
        after.at - before.at
        for each in exchanges
        for before, after in [each.answers[:2]]
        if before.at is not None and after.at is not None
    ]
    return "acknowledged" if waits and median(waits) > _APART else "several"


def _items(exchanges: Sequence[Exchange]) -> Replies | None:
    """Return a reply of any number of items with an end behind them or a number in front, or None."""
    rows = [[line.text for line in each.answers] for each in exchanges]
    counted = _counted(rows)
    if counted is not None:
        return counted
    ends = {row[-1] for row in rows}
    items = [line for row in rows for line in row[:-1]]
    if len(ends) == 1 and items and not ends & {*items}:
        pattern = _item_pattern(items)
        if pattern is not None:
            return Replies(forms=((pattern,), (pattern_of([*ends]),)), kind="until")
    return None


def _counted(rows: Sequence[list[str]]) -> Replies | None:
    head = pattern_of([row[0] for row in rows])
    sizes = [len(row) - 1 for row in rows]
    for at, each in enumerate(head):
        if not isinstance(each, Slot) or each.kind is not Kind.INT or each.separator is not None:
            continue
        if [int(value or -1) for value in each.values] == sizes:
            pattern = _item_pattern([line for row in rows for line in row[1:]])
            if pattern is None or len(slots(head)) > 1:
                return None
            numbered = (*head[:at], evolve(each, name="#"), *head[at + 1 :])
            return Replies(forms=((numbered,), (pattern,)), kind="counted")
    return None


def _item_pattern(items: Sequence[str]) -> Pattern | None:
    """Return the pattern of items; one text if they have several forms."""
    forms = merged(items, forms_of(items, [*map(head_of, items)]))
    if len(forms) == 1 and not is_vague(forms[0].pattern):
        pattern = forms[0].pattern
        return pattern if slots(pattern) else None
    return (Slot(kind=Kind.TEXT, values=tuple(items)),)


def repeated(pattern: Pattern, parameters: Sequence[Slot], rows: Sequence[int]) -> Pattern:
    """
    Return a pattern of a reply in which the fields that always repeat a parameter have its name.

    Args:
        pattern: the pattern of the reply.
        parameters: the fields of the request, whose values are those of the replies in ``rows``.
        rows: for each line of the reply, the number of its request.
    """
    free = [*parameters]
    found: list[Part] = []
    for part in pattern:
        same = None
        if isinstance(part, Slot) and part.before is None and part.separator is None:
            same = next((each for each in free if _repeats(part, each, rows)), None)
        if same is not None and isinstance(part, Slot):
            free.remove(same)
            found.append(evolve(part, repeats=same.name))
        else:
            found.append(part)
    return tuple(found)


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
