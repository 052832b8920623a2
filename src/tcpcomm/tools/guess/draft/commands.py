"""The commands and events of a conversation, with all that was seen of each: :func:`members_of`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.draft.columns import pattern_of
from tcpcomm.tools.guess.draft.exchanges import Conversation, Exchange, row_count
from tcpcomm.tools.guess.draft.faults import FaultForm, fault_forms, looks_like_fault, may_be_fault
from tcpcomm.tools.guess.draft.forms import forms_of, head_of
from tcpcomm.tools.guess.draft.parts import Kind, Pattern, Slot, Text, slots
from tcpcomm.tools.guess.draft.replies import Replies, replies_of

_MOST_SPLIT: Final = 24
"""The most commands that one word of a request is divided into."""

_NUMBERS: Final = re.compile(r" *[+-]?[\d.]+")
_SIZES_OF_LISTS: Final = 3
_MOSTLY: Final = 0.7
_MOST_LEADS: Final = 2

_FEW: Final = 3
"""Fewer exchanges than this say nothing of the form of a reply."""


@frozen(kw_only=True)
class CommandSeen:
    """A command: its request, its replies, and how often and how fast they came."""

    request: Pattern
    replies: Replies
    exchanges: tuple[Exchange, ...]
    """The exchanges that were not refused; their order is that of the values of the request's fields."""
    refused: int = 0
    slowest: float | None = None
    is_silent: bool = False
    """True if only faults answer it."""

    @property
    def count(self) -> int:
        return len(self.exchanges) + self.refused


@frozen(kw_only=True)
class EventSeen:
    """An event, and how often it came."""

    pattern: Pattern
    count: int


@frozen(kw_only=True)
class Members:
    """The commands, events and faults that were seen."""

    commands: tuple[CommandSeen, ...]
    events: tuple[EventSeen, ...]
    faults: tuple[FaultForm, ...]


def members_of(conversation: Conversation, *, with_path: bool = False) -> Members:
    """Return the commands and events of a conversation, in the order in which they appeared."""
    refused = _refused(conversation.exchanges, with_path)
    groups = _command_groups(conversation.exchanges, refused, with_path)
    commands = [_command(conversation.exchanges, each, refused) for each in groups]
    lines = [each.text for each in conversation.events]
    events = [
        EventSeen(pattern=each.pattern, count=len(each.numbers))
        for each in forms_of(lines, [*map(head_of, lines)])
    ]
    asked = [conversation.exchanges[each].request.text for each in refused]
    forms = fault_forms([*refused.values()], asked)
    return Members(commands=tuple(commands), events=tuple(events), faults=tuple(forms))


def _refused(exchanges: Sequence[Exchange], with_path: bool) -> dict[int, str]:
    """Return the faults, by the numbers of the exchanges that they end."""
    found: dict[int, str] = {}
    uncertain: dict[str, list[int]] = defaultdict(list)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for number, each in enumerate(exchanges):
        request = each.request.text
        faults = [line.text for line in each.answers if looks_like_fault(line.text, request)]
        if faults:
            found[number] = faults[0]
        elif len(each.answers) == 1:
            uncertain[head_of(each.answers[0].text)].append(number)
        if each.answers:
            counts[head_of(request, with_path=with_path)][head_of(each.answers[0].text)] += 1
    for number in _judgements(exchanges, {*found}, with_path):
        del found[number]
    others = _negative(exchanges, with_path) | _shorter(exchanges, {*found}, with_path)
    others |= _unended(exchanges, {*found}, with_path)
    begins = {head_of(each.answers[0].text) for each in exchanges if len(each.answers) > 1}
    for head, numbers in uncertain.items():
        among = Counter(head_of(exchanges[each].request.text, with_path=with_path) for each in numbers)
        is_rare = all(2 * count < sum(counts[key].values()) for key, count in among.items())
        is_shared = len(among) > 1 and len(counts) > 1 and 2 * len(among) >= len(counts)
        is_weak = all(may_be_fault(exchanges[each].answers[0].text) for each in numbers)
        if head and head not in begins and is_rare and (is_weak or is_shared):
            others |= {*numbers}
    return found | {each: exchanges[each].answers[-1].text for each in others}


def _by_command(exchanges: Sequence[Exchange], with_path: bool) -> list[list[int]]:
    """Return the numbers of the answered exchanges, by the heads of their requests."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(exchanges):
        if each.answers:
            found[head_of(each.request.text, with_path=with_path)].append(number)
    return [*found.values()]


def _negative(exchanges: Sequence[Exchange], with_path: bool) -> set[int]:
    """Return the exchanges that a negative number answers where all others begin with one same number."""
    found: set[int] = set()
    for numbers in _by_command(exchanges, with_path):
        firsts = {each: exchanges[each].answers[0].text for each in numbers}
        negative = {each for each, text in firsts.items() if re.fullmatch(r"-\d+", text)}
        others = {text for each, text in firsts.items() if each not in negative}
        if len(others) == 1 and others.pop().isdecimal():
            found |= negative
    return found


def _shorter(exchanges: Sequence[Exchange], refused: set[int], with_path: bool) -> set[int]:
    """Return the exchanges with one line of another kind where the others have several lines."""
    found: set[int] = set()
    for numbers in _by_command(exchanges, with_path):
        good = [exchanges[each] for each in numbers if each not in refused]
        sizes = Counter(len(each.answers) for each in good)
        if len(sizes) != 2 or min(sizes) != 1 or 2 * sizes[1] >= len(good):
            continue
        starts = {each.answers[0].text for each in good if len(each.answers) > 1}
        if len(starts) == 1:
            found |= {
                number
                for number in numbers
                if number not in refused
                and len(exchanges[number].answers) == 1
                and exchanges[number].answers[0].text not in starts
            }
    return found


def _unended(exchanges: Sequence[Exchange], refused: set[int], with_path: bool) -> set[int]:
    """Return the exchanges without the line that ends all other replies of their command."""
    found: set[int] = set()
    for numbers in _by_command(exchanges, with_path):
        good = [each for each in numbers if each not in refused]
        found |= _uncounted(exchanges, good) | _replaced(exchanges, good)
        ends = Counter(exchanges[each].answers[-1].text for each in good)
        if not ends or len({len(exchanges[each].answers) for each in good}) < _SIZES_OF_LISTS:
            continue
        end, count = ends.most_common(1)[0]
        if count >= _MOSTLY * len(good):
            found |= {each for each in good if exchanges[each].answers[-1].text != end}
    return found


def _uncounted(exchanges: Sequence[Exchange], numbers: Sequence[int]) -> set[int]:
    """Return the exchanges without the number of lines that the other replies of their command have."""
    rows = {each: [line.text for line in exchanges[each].answers] for each in numbers}
    for lead in range(_MOST_LEADS + 1):
        counted = {each for each, row in rows.items() if len(row) > lead and row_count(row, lead)}
        if len({len(rows[each]) for each in counted}) > 1 and len(counted) >= _MOSTLY * len(rows):
            return {*rows} - counted
    return set()


def _replaced(exchanges: Sequence[Exchange], numbers: Sequence[int]) -> set[int]:
    """Return the exchanges of several lines that end with a line of another kind than usual."""
    several = [each for each in numbers if len(exchanges[each].answers) > 1]
    kinds = {each: head_of(exchanges[each].answers[-1].text) for each in several}
    if not several or len(several) < _MOSTLY * len(numbers):
        return set()
    usual, count = Counter(kinds.values()).most_common(1)[0]
    if count < _MOSTLY * len(several) or any(len(exchanges[each].answers) > _FEW for each in several):
        return set()
    return {each for each, kind in kinds.items() if kind != usual}


def _judgements(exchanges: Sequence[Exchange], refused: set[int], with_path: bool) -> set[int]:
    """Return the exchanges among the refused ones that have the values of a good reply."""
    by_key: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for number, each in enumerate(exchanges):
        if each.answers:
            by_key[head_of(each.request.text, with_path=with_path)][number in refused].append(number)
    found: set[int] = set()
    for good, bad in by_key.values():
        if good and bad:
            one, other = (
                pattern_of([exchanges[each].answers[0].text for each in side]) for side in (good, bad)
            )
            floats = [each for each in slots(other) if each.kind is Kind.FLOAT]
            if floats and [each.kind for each in slots(one)] == [each.kind for each in slots(other)]:
                found |= {*bad}
    return found


def _command_groups(
    exchanges: Sequence[Exchange], refused: Collection[int], with_path: bool
) -> list[list[int]]:
    """Return the numbers of the exchanges of each command."""
    lines = [each.request.text for each in exchanges]
    heads = [head_of(each, with_path=with_path) for each in lines]
    found: list[list[int]] = []
    for form in forms_of(lines, heads):
        found += _split([*form.numbers], exchanges, refused)
    return sorted(found, key=min)


def _split(numbers: list[int], exchanges: Sequence[Exchange], refused: Collection[int]) -> list[list[int]]:
    """Divide the requests of one form by a word, if the replies show that they are several commands."""
    pattern = pattern_of([exchanges[each].request.text for each in numbers])
    for slot in slots(pattern):
        if slot.before is not None or slot.separator is not None or slot.kind is Kind.FLOAT:
            continue
        groups: dict[str, list[int]] = defaultdict(list)
        for number, value in zip(numbers, slot.values, strict=True):
            groups[value].append(number)
        limit = _MOST_SPLIT if slot.kind is Kind.CHOICE else 8
        if not 1 < len(groups) <= limit or 2 * len(groups) > len(numbers):
            continue
        outline = _outline_of_numbers if slot.is_number else _outline
        if _differ([*groups.values()], exchanges, refused, outline):
            return [part for each in groups.values() for part in _split(each, exchanges, refused)]
    return [numbers]


def _differ(
    groups: Sequence[list[int]],
    exchanges: Sequence[Exchange],
    refused: Collection[int],
    outline: Callable[[Pattern], object],
) -> bool:
    """Return True if the requests of some groups are answered in other forms than those of others."""
    forms = []
    for group in groups:
        good = [exchanges[each] for each in group if each not in refused]
        if len(good) < _FEW:
            continue
        lines = [line.text for each in good for line in each.answers[:1]]
        forms.append((bool(lines), outline(pattern_of(lines) if lines else ())))
    return len({*forms}) > 1


def _outline(pattern: Pattern) -> object:
    """Return the texts and types of a reply. A number that is always the same is a part of a text."""
    return tuple(_outline_of(each) for each in pattern if not _is_number_text(each))


def _is_number_text(part: object) -> bool:
    return isinstance(part, Text) and part.text.strip(" +-").replace(".", "").isdigit()


def _outline_of(part: object) -> object:
    if isinstance(part, Text):
        return part.text.strip("0123456789.+- ")
    assert isinstance(part, Slot)
    return "number" if part.is_number else "text"


def _outline_of_numbers(pattern: Pattern) -> object:
    """
    Return the text of a reply with a mark for each number, and another for each other field.

    A number in the request, such as that of a job, may have the same reply each time. So numbers in a reply
    are alike, whether they vary or not.
    """
    texts = (each.text if isinstance(each, Text) else "0" if each.is_number else "{}" for each in pattern)
    return _NUMBERS.sub("0", "".join(texts))


def _command(
    exchanges: Sequence[Exchange], numbers: Sequence[int], refused: Collection[int]
) -> CommandSeen:
    good = [each for each in numbers if each not in refused]
    # The values of all requests tell the type of a field; those of the good ones stand beside the replies.
    whole = pattern_of([exchanges[each].request.text for each in numbers])
    places = {number: at for at, number in enumerate(numbers)}
    kept = [places[each] for each in good]
    request = tuple(_only(each, kept) if isinstance(each, Slot) else each for each in whole)
    times = [each for number in numbers if (each := exchanges[number].seconds) is not None]
    answered = any(exchanges[each].answers for each in good)
    return CommandSeen(
        request=request,
        replies=replies_of([exchanges[each] for each in good]),
        exchanges=tuple(exchanges[each] for each in good),
        refused=len(numbers) - len(good),
        slowest=max(times, default=None),
        is_silent=not answered and len(good) < len(numbers),
    )


def _only(slot: Slot, rows: Sequence[int]) -> Slot:
    """Return a field with the values of these lines, and with all the words or numbers that it had."""
    options = tuple(slot.words) if slot.kind is Kind.CHOICE or slot.is_number else ()
    return evolve(slot, values=tuple(slot.values[each] for each in rows), options=options)
