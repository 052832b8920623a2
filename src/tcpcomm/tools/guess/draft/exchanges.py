"""
Requests and replies, paired by their order and time: :func:`conversation_of`.

The lines of the host tell the lines that follow them. A line of the equipment that comes beside
answers now and then, or without a request, is an event.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import log, log2
from typing import Final

from attrs import define, evolve, field, frozen

from tcpcomm.tools.guess.capture import Side
from tcpcomm.tools.guess.draft.ids import Ids
from tcpcomm.tools.guess.draft.lines import Line

_MOSTLY: Final = 0.8
_MOST_LEADS: Final = 2
_SIZES_OF_LISTS: Final = 3
_BY_CHANCE: Final = 0.001
_FEWEST_BEATS: Final = 2
_ALONE: Final = 0.2  # of the questions of a heartbeat

KeyOf = Callable[[str], str]

_OFTEN: Final = 0.6
"""The part of a command's answers from which on a further line is a part of the reply."""

_CLEARER: Final = 0.3
"""The bits that the other side must tell more of the next line than the side that opened the connection."""


@define
class Exchange:
    """A request, and the lines that the equipment sent before the next one."""

    request: Line
    answers: list[Line] = field(factory=list)

    @property
    def seconds(self) -> float | None:
        """The time from the request to the last answer, or None if it is not known."""
        if not self.answers or self.request.at is None or self.answers[-1].at is None:
            return None
        return self.answers[-1].at - self.request.at


@frozen
class Conversation:
    """
    All lines, in their parts.

    Attributes:
        host: the side that asks.
        exchanges: the requests with their answers; events are not among these.
        events: the lines that nobody asked for.
        pipelined: the number of requests that were sent before the one before was answered.
        heartbeat: the request of the heartbeat, which is answered beside other requests; empty if none is.
    """

    host: Side
    exchanges: Sequence[Exchange]
    events: Sequence[Line]
    pipelined: int
    heartbeat: str = ""


def conversation_by_ids(found: Ids) -> Conversation:
    """Divide lines into exchanges by their ids. Lines of the equipment without an id are events."""
    exchanges: list[Exchange] = []
    latest: dict[int, Exchange] = {}
    events = []
    for line, id in zip(found.lines, found.ids, strict=True):
        if line.side == found.host:
            exchanges.append(Exchange(line))
            if id is not None:
                latest[id] = exchanges[-1]
        elif id is not None and id in latest:
            latest[id].answers.append(line)
        else:
            events.append(line)
    return Conversation(found.host, exchanges, events, 0)


def conversation_of(lines: Sequence[Line], key_of: KeyOf, host: Side | None = None) -> Conversation:
    """
    Divide lines into exchanges and events.

    Args:
        lines: the lines.
        key_of: returns the kind of a line, such as its head.
        host: the side that asks, or None if it must be found.
    """
    whole = _conversation(lines, key_of, host)
    apart = conversation_beside_heartbeats(lines, key_of, host) if whole.pipelined else None
    return apart or whole


def conversation_beside_heartbeats(
    lines: Sequence[Line], key_of: KeyOf, host: Side | None = None
) -> Conversation | None:
    """Return the conversation with heartbeats as exchanges of their own; None if that is not possible."""
    beats = _beats(lines)
    paired = {place for beat in beats for place in beat}
    rest = _conversation([each for place, each in enumerate(lines) if place not in paired], key_of, host)
    return None if rest.pipelined or not beats else _with_beats(rest, lines, beats)


def _conversation(lines: Sequence[Line], key_of: KeyOf, host: Side | None) -> Conversation:
    host = _host_of(lines, key_of) if host is None else host
    exchanges, unasked = _exchanges(lines, host)
    pipelined = _pipelined(exchanges, key_of)
    events = _events(exchanges, unasked, key_of)
    told = [each for each in unasked if key_of(each.text) in events]
    kept = []
    for each in exchanges:
        told += [line for line in each.answers if key_of(line.text) in events]
        kept.append(
            evolve(each, answers=[line for line in each.answers if key_of(line.text) not in events])
        )
    return Conversation(host, kept, told, pipelined)


def _beats(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """
    Return the places of each question of a heartbeat with its answer, such as PING and PONG.

    Both are the same texts each time, and come in turns. They may overlap other exchanges, but some of them
    stand alone, so that the answer is known to be theirs. The other side may ask with the same texts.
    """
    places: dict[tuple[Side, str], list[int]] = defaultdict(list)
    for place, line in enumerate(lines):
        places[line.side, line.text].append(place)
    often = {key: found for key, found in places.items() if len(found) >= _FEWEST_BEATS}
    known: list[tuple[float, int, Side, str, str]] = []
    for (side, text), asked in often.items():
        answers = [
            (_alone(lines, asked, answered), answer)
            for (other, answer), answered in often.items()
            if other != side and _in_turns(asked, answered)
        ]
        alone, answer = max(answers, default=(0, ""))
        if alone >= max(1, _ALONE * len(asked)):
            known.append((-alone / len(asked), asked[0], side, text, answer))
    beats: dict[int, int] = {}
    for _, _, side, text, answer in sorted(known):
        for asking, answering in ((side, _other(side)), (_other(side), side)):
            asked, answered = often.get((asking, text), []), often.get((answering, answer), [])
            free = {*asked, *answered}.isdisjoint({*beats, *beats.values()})
            if free and _in_turns(asked, answered):
                beats.update(zip(asked, answered, strict=False))
    return [*beats.items()]


def _other(side: Side) -> Side:
    return 0 if side else 1


def _in_turns(asked: Sequence[int], answered: Sequence[int]) -> bool:
    """Return True if an answer stands between each question and the next. The last one may lack it."""
    if not answered or len(asked) - len(answered) not in (0, 1):
        return False
    nexts = [*asked[1:], answered[-1] + 1]
    return all(
        before < answer < after for before, answer, after in zip(asked, answered, nexts, strict=False)
    )


def _alone(lines: Sequence[Line], asked: Sequence[int], answered: Sequence[int]) -> int:
    """Return the number of questions that the answer follows at once, and that nothing waits before."""
    return sum(
        last == first + 1 and (first == 0 or lines[first - 1].side != lines[first].side)
        for first, last in zip(asked, answered, strict=False)
    )


def _with_beats(
    rest: Conversation, lines: Sequence[Line], beats: Sequence[tuple[int, int]]
) -> Conversation:
    """Return a conversation with heartbeats. What the equipment asks is an event, and is not answered."""
    exchanges, events = [*rest.exchanges], [*rest.events]
    for question, answer in beats:
        if lines[question].side == rest.host:
            exchanges.append(Exchange(lines[question], [lines[answer]]))
        else:
            events.append(lines[question])
            exchanges.append(Exchange(lines[answer]))
    exchanges.sort(key=lambda each: each.request.chunk)
    events.sort(key=lambda each: each.chunk)
    asked = Counter(lines[question].text for question, _ in beats if lines[question].side == rest.host)
    heartbeat = asked.most_common(1)[0][0] if asked else ""
    return evolve(rest, exchanges=exchanges, events=events, heartbeat=heartbeat)


def _exchanges(lines: Sequence[Line], host: Side) -> tuple[list[Exchange], list[Line]]:
    exchanges: list[Exchange] = []
    unasked: list[Line] = []
    for line in lines:
        if line.side == host:
            exchanges.append(Exchange(line))
        elif exchanges and exchanges[-1].request.connection == line.connection:
            exchanges[-1].answers.append(line)
        else:
            unasked.append(line)
    return exchanges, unasked


def _host_of(lines: Sequence[Line], key_of: KeyOf) -> Side:
    """Return the side that asks: its lines tell best the next line of the other side."""
    if len({each.side for each in lines}) < 2:
        return 0
    tells = [_tells(_exchanges(lines, side)[0], key_of) for side in (0, 1)]
    return 1 if tells[1] > tells[0] + _CLEARER else 0


def _tells(exchanges: Iterable[Exchange], key_of: KeyOf) -> float:
    """Return the bits that the kind of a request tells of the kind of its first answer, on average."""
    pairs = [
        (key_of(each.request.text), key_of(each.answers[0].text)) for each in exchanges if each.answers
    ]
    if not pairs:
        return 0.0
    both, asked, answered = (
        Counter(pairs),
        Counter(one for one, _ in pairs),
        Counter(two for _, two in pairs),
    )
    whole = len(pairs)
    bits = sum(n * log2(n * whole / (asked[one] * answered[two])) for (one, two), n in both.items()) / whole
    by_chance = (len(asked) - 1) * (len(answered) - 1) / (2 * whole * log(2))
    return bits - by_chance


def _pipelined(exchanges: Sequence[Exchange], key_of: KeyOf) -> int:
    """Return the number of requests that were sent before the one before was answered."""
    bursts = _bursts(exchanges)
    if bursts:
        return bursts
    silent = _silent(exchanges, key_of)
    usual: dict[str, int] = defaultdict(lambda: 1)
    late: list[tuple[str, int, int]] = []
    waiting = 0
    for each in exchanges:
        kind = key_of(each.request.text)
        if kind in silent:
            continue
        if not each.answers:
            waiting += 1
            continue
        if waiting:
            late.append((kind, waiting, len(each.answers)))
        else:
            usual[kind] = max(usual[kind], len(each.answers))
        waiting = 0
    return sum(waited for kind, waited, answers in late if answers >= usual[kind] + waited)


def _bursts(exchanges: Sequence[Exchange]) -> int:
    """Return the requests that wait, if the host always sends several and gets as many answers."""
    waiting, sizes = 0, []
    for each in exchanges:
        if each.answers:
            sizes.append((waiting, len(each.answers)))
            waiting = 0
        else:
            waiting += 1
    fitting = [waited for waited, answers in sizes if waited and answers == waited + 1]
    return sum(fitting) if sizes and len(fitting) >= _MOSTLY * len(sizes) else 0


def _silent(exchanges: Iterable[Exchange], key_of: KeyOf) -> set[str]:
    """Return the kinds of requests that nothing ever follows."""
    answered: dict[str, bool] = defaultdict(bool)
    for each in exchanges:
        answered[key_of(each.request.text)] |= bool(each.answers)
    return {key for key, has_answers in answered.items() if not has_answers}


def _events(exchanges: Sequence[Exchange], unasked: Iterable[Line], key_of: KeyOf) -> set[str]:
    """Return the kinds of lines that come unasked."""
    asked = Counter(key_of(each.request.text) for each in exchanges)
    answered = Counter(key_of(each.request.text) for each in exchanges if each.answers)
    beside: dict[str, Counter[str]] = defaultdict(Counter)
    alone: dict[str, Counter[str]] = defaultdict(Counter)
    for each in exchanges:
        request = key_of(each.request.text)
        kinds = {key_of(line.text) for line in each.answers}
        for kind in kinds:
            (beside if len(kinds) > 1 else alone)[kind][request] += 1
    found = set()
    kept = _of_lists(exchanges, key_of) | _in_place(exchanges, beside, asked, key_of)
    for kind in {*beside, *(key_of(each.text) for each in unasked)} - kept:
        answers = sum(
            count for request, count in alone[kind].items() if 2 * answered[request] > asked[request]
        )
        is_answer = answers >= max(1, sum(beside[kind].values()))
        is_part = any(count >= _OFTEN * asked[request] for request, count in beside[kind].items())
        if not is_answer and not is_part and not _is_local(beside[kind] + alone[kind], asked):
            found.add(kind)
    return found


def _of_lists(exchanges: Sequence[Exchange], key_of: KeyOf) -> set[str]:
    """Return the kinds of lines in replies that have a number of lines in front, or an end behind them."""
    found: set[str] = set()
    by_kind: dict[str, list[list[str]]] = defaultdict(list)
    for each in exchanges:
        if each.answers:
            by_kind[key_of(each.request.text)].append([line.text for line in each.answers])
    for rows in by_kind.values():
        for lead in range(_MOST_LEADS + 1):
            counted = [row for row in rows if len(row) > lead and row_count(row, lead)]
            sizes = {len(row) for row in counted}
            if len(sizes) > 1 and 10 * len(counted) >= 7 * len(rows):
                found |= {key_of(line) for row in counted for line in row}
        end, count = Counter(row[-1] for row in rows).most_common(1)[0]
        ended = [row for row in rows if row[-1] == end]
        longer = [row for row in ended if len(row) > min(map(len, ended))]
        is_list = len({*map(len, ended)}) >= _SIZES_OF_LISTS and 10 * len(longer) >= 4 * len(ended)
        if is_list and 10 * count >= 6 * len(rows):
            found |= {key_of(line) for row in ended for line in row}
    return found


def row_count(row: Sequence[str], lead: int) -> bool:
    """Return True if the line behind the leading ones has the number of lines that follow it."""
    numbers = re.findall(r"\d+", row[lead])
    return len(numbers) == 1 and len(numbers[0]) < 6 and int(numbers[0]) == len(row) - lead - 1


def _in_place(
    exchanges: Iterable[Exchange], beside: dict[str, Counter[str]], asked: Counter[str], key_of: KeyOf
) -> set[str]:
    """Return the kinds of lines that come in place of a usual one, so that they are answers."""
    usual: dict[str, set[str]] = defaultdict(set)
    for kind, counts in beside.items():
        for request, count in counts.items():
            if count >= _OFTEN * asked[request]:
                usual[request].add(kind)
    instead: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for each in exchanges:
        kinds = {key_of(line.text) for line in each.answers}
        wanted = usual[key_of(each.request.text)]
        for kind in kinds - wanted:
            seen[kind] += 1
            instead[kind] += bool(wanted - kinds)
    return {kind for kind, count in instead.items() if count >= _MOSTLY * seen[kind]}


def _is_local(seen: Counter[str], asked: Counter[str]) -> bool:
    """Return True if a line comes with one command only, and that is hardly by chance."""
    if len(seen) != 1:
        return False
    ((request, count),) = seen.items()
    share: float = asked[request] / sum(asked.values())
    return bool(share**count < _BY_CHANCE)
