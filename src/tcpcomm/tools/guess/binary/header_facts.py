"""Find the parts of headers: ids, lengths, opcodes, counters, statuses, repeated bytes, and constants."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, permutations
from math import log2
from statistics import quantiles
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.binary.fact import (
    ORDERS,
    Fact,
    FactKind,
    Order,
    SideFrames,
    Sides,
    runs_of,
    values_text,
)
from tcpcomm.tools.guess.binary.pairs import Pair, PairedFrames, counting_step

_FEWEST: Final = 6
"""The fewest requests with replies that give facts."""

_WIDTHS: Final = (4, 2, 1)
_MOST_ADJUST: Final = 64
_MOST_OPCODES: Final = 32
_FEWEST_OF_OPCODE: Final = 4
_EXPLAINED: Final = 0.3
"""The share of the entropy of the frames' lengths that an opcode explains at least."""

_MOSTLY: Final = 0.6
"""The share of replies whose status is zero at least."""

_LONGEST_STATUS: Final = 4


def ids(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    if paired.id_at is None or len(sides) < 2:
        return
    at, size = paired.id_at
    agree, count = len(paired.pairs), len(sides["replies"].frames)
    says = f" repeat{'s' * (size == 1)} from request to reply in {agree} of {count}"
    values = [request[at : at + size] for request, _ in paired.pairs]
    order = next((each for each in ORDERS if size > 1 and _counts(values, each)), None)
    for of in sides:
        yield Fact(
            kind=FactKind.ID,
            of=of,
            at=at,
            size=size,
            agree=agree,
            count=count,
            says=f"{says} and differ{'s' * (size == 1)} each time: an id",
            order=order,
        )


def _counts(values: Iterable[bytes], order: Order) -> bool:
    return counting_step([int.from_bytes(each, order) for each in values]) is not None


@frozen
class _Field:
    """A field that counts the bytes behind it."""

    at: int
    width: int
    order: Order
    adjust: int

    @property
    def rank(self) -> tuple[object, ...]:
        """Its place among fields that fit equally: usual, then aligned, then wide."""
        usual = self.adjust in (0, self.width, self.at + self.width)
        return 0 if usual else abs(self.adjust), self.at % self.width > 0, -self.width, self.at, self.order


def lengths(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    """Yield the length fields. One that both sides have goes before others."""
    fields = {of: _length_fields(side, found) for of, side in sides.items()}
    proven = {of for of, side in sides.items() if len({*map(len, side.frames)}) > 1 and fields[of]}
    # Where all frames of a side have one size, any constant may look like a length: the other side decides.
    common = {*fields.get("requests", ())} & {*fields.get("replies", ())}
    best = min(common, key=lambda each: each.rank, default=None)
    for of in sides:
        if proven and best is not None:
            yield _length(sides[of], best)
        elif of in proven:
            yield _length(sides[of], min(fields[of], key=lambda each: each.rank))


def _length_fields(side: SideFrames, found: Sequence[Fact]) -> list[_Field]:
    fields = []
    for at, width in side.places(_WIDTHS, found):
        for order in ORDERS[: 1 if width == 1 else 2]:
            adjust = _adjust_of(side, at, width, order)
            if adjust is not None and abs(adjust) <= _MOST_ADJUST:
                fields.append(_Field(at, width, order, adjust))
    return fields


def _adjust_of(side: SideFrames, at: int, width: int, order: Order) -> int | None:
    """Return the number minus the bytes behind it, if that is the same in all frames."""
    numbers = side.numbers(at, width, order)
    differences = {
        number - (len(frame) - at - width) for number, frame in zip(numbers, side.frames, strict=True)
    }
    return differences.pop() if len(differences) == 1 else None


def _length(side: SideFrames, field: _Field) -> Fact:
    at, width, order, adjust = field.at, field.width, field.order, field.adjust
    count = len(side.frames)
    more = f", {'plus' if adjust > 0 else 'minus'} {abs(adjust)}" if adjust else ""
    low = ", low byte first," if order == "little" and width > 1 else ""
    says = f"{low} count{'s' * (width == 1)} the bytes behind{more}"
    return Fact(
        kind=FactKind.LENGTH,
        of=side.of,
        at=at,
        size=width,
        agree=count,
        count=count,
        says=f"{says} in {count} of {count} {side.of}",
        order=order if width > 1 else None,
        adjust=adjust,
    )


@frozen
class _Relation:
    """The way in which a byte of a reply follows from the same byte of its request."""

    bits: int
    step: int
    set_in: int
    """The replies that set the bits."""

    def is_fixed(self, pairs: Sequence[Pair]) -> bool:
        """Return True if all replies follow from their requests in the same way."""
        return self.set_in in (0, len(pairs))


def _relation(sent: Sequence[int], received: Sequence[int]) -> _Relation | None:
    pairs = [*zip(sent, received, strict=True)]
    for bits in (0x80, 0x40):
        differing = sum(one != other for one, other in pairs)
        if all(other in (one, one | bits) for one, other in pairs):
            return _Relation(bits if differing else 0, 0, differing)
    steps = {(other - one) & 0xFF for one, other in pairs}
    return _Relation(0, steps.pop(), 0) if len(steps) == 1 else None


def opcodes(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    """
    Yield the opcode, of requests and of replies.

    It has few values, the lengths of a request and its reply depend on it, and a reply repeats it. If two
    bytes that are apart fit equally, none is returned.
    """
    pairs = paired.pairs
    if len(sides) < 2 or len(pairs) < _FEWEST:
        return
    requests, replies = (tuple(each) for each in zip(*pairs, strict=True))
    asked, answered = SideFrames("requests", requests), SideFrames("replies", replies)
    lengths = [(len(request), len(reply)) for request, reply in pairs]
    ranked: list[tuple[float, int, _Relation]] = []
    for at, _ in asked.places((1,), found):
        if at >= answered.room:
            break
        sent = asked.column(at)
        relation = _relation(sent, answered.column(at))
        few = len({*sent}) <= min(_MOST_OPCODES, len(pairs) // 2)
        if relation is None or not few:
            continue
        if len({*sent}) == 1 and not 0 < relation.set_in < len(sent):
            continue
        ranked.append((_told(lengths, sent) + (relation.bits > 0), at, relation))
    ranked.sort(key=lambda each: (-each[0], each[1]))
    if not ranked:
        yield from _unrepeated_opcode(asked, lengths, found)
        return
    score, at, relation = ranked[0]
    size = 1
    if len(ranked) > 1:
        other_score, other, other_relation = ranked[1]
        if abs(at - other) == 1 and relation.is_fixed(pairs) and other_relation.is_fixed(pairs):
            first = min(at, other)
            together = _told(lengths, asked.numbers(first, 2, "big"))
            if together > score or score == other_score or other_relation.step:
                score, at, size = together, first, 2
        if size == 1 and score == other_score:
            return
    if len(ranked) == size or score >= _EXPLAINED * _entropy(lengths):
        yield from _opcode_facts(at, size, pairs, relation)


def _opcode_facts(at: int, size: int, pairs: Sequence[Pair], relation: _Relation) -> Iterator[Fact]:
    places, count = slice(at, at + size), len(pairs)
    values = {request[places] for request, _ in pairs}
    own = [(request[places], reply[places]) for request, reply in pairs if request[places] != reply[places]]
    says = f" ha{'s' if size == 1 else 've'} {values_text(values)}, which come back"
    says = f"{says} in {count} of {count} replies"
    is_own = relation.step > 0 or (size > 1 and bool(own))
    if is_own:
        asked, answered = own[0]
        says += f" as an opcode of the reply, {answered.hex().upper()} for {asked.hex().upper()}"
    elif relation.bits:
        says += f", with bit {relation.bits:02X} in {relation.set_in}"
    fact = Fact(
        kind=FactKind.OPCODE,
        of="requests",
        at=at,
        size=size,
        agree=count,
        count=count,
        says=f"{says}: an opcode",
        bits=0 if is_own else relation.bits,
        set_in=0 if is_own else relation.set_in,
        is_own=is_own,
    )
    yield fact
    yield evolve(fact, of="replies")


def _unrepeated_opcode(
    asked: SideFrames, lengths: Sequence[tuple[int, int]], found: Sequence[Fact]
) -> Iterator[Fact]:
    """
    Yield the first byte of requests that varies, if it tells reading from writing.

    A request to write is longer than one to read, and its reply is shorter. A count makes both longer.
    """
    at = next((at for at, _ in asked.places((1,), found) if len({*asked.column(at)}) > 1), None)
    if at is None:
        return
    values = asked.column(at)
    groups: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for value, each in zip(values, lengths, strict=True):
        groups[value].append(each)
    enough = [each for each in groups.values() if len(each) >= _FEWEST_OF_OPCODE]
    trades = any(_trades(one, other) for one, other in permutations(enough, 2))
    if trades and len(groups) <= min(_MOST_OPCODES, len(values) // 2):
        count = len(values)
        says = f" has {values_text(bytes([each]) for each in groups)} in {count} of {count} requests"
        yield Fact(
            kind=FactKind.OPCODE,
            of="requests",
            at=at,
            size=1,
            agree=count,
            count=count,
            says=f"{says}, which tell long requests with short replies from others: an opcode",
        )


def _trades(reads: Sequence[tuple[int, int]], writes: Sequence[tuple[int, int]]) -> bool:
    """Return True if most of the first requests are shorter, and most of their replies longer."""
    (asks, told), (sends, confirmed) = (zip(*each, strict=True) for each in (reads, writes))
    return _are_below(asks, sends) and _are_below(confirmed, told)


def _are_below(some: Sequence[int], others: Sequence[int]) -> bool:
    """Return True if three of four numbers are below three of four others."""
    upper, lower = quantiles(some)[-1], quantiles(others)[0]
    return upper < lower


def _entropy(values: Sequence[object]) -> float:
    return -sum(count / len(values) * log2(count / len(values)) for count in Counter(values).values())


def _told(values: Sequence[object], by: Sequence[int]) -> float:
    """Return the bits that one column tells of another."""
    groups: dict[int, list[object]] = defaultdict(list)
    for value, key in zip(values, by, strict=True):
        groups[key].append(value)
    left = sum(len(each) / len(values) * _entropy(each) for each in groups.values())
    return _entropy(values) - left


def counters(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    for side in sides.values():
        taken: set[int] = set()
        for at, width in side.places(_WIDTHS, found):
            for order in ORDERS[: 1 if width == 1 else 2]:
                numbers = side.numbers(at, width, order)
                ends = side.column(at), side.column(at + width - 1)
                if any(len({*column}) == 1 for column in ends):
                    continue  # a narrower number counts
                if not taken.isdisjoint(range(at, at + width)):
                    continue
                step = counting_step(numbers)
                if step is not None and step <= 256 ** max(1, width // 2):
                    taken.update(range(at, at + width))
                    yield _counter(side, at, width, order, step)


def _counter(side: SideFrames, at: int, width: int, order: Order, step: int) -> Fact:
    numbers = side.numbers(at, width, order)
    agree = sum(after - before == step for before, after in pairwise(numbers))
    low = ", low byte first," if order == "little" and width > 1 else ""
    says = f"{low} count{'s' * (width == 1)} by {step}"
    return Fact(
        kind=FactKind.COUNTER,
        of=side.of,
        at=at,
        size=width,
        agree=agree,
        count=len(numbers) - 1,
        says=f"{says} in {agree} of {len(numbers) - 1} {side.of}",
        order=order if width > 1 else None,
    )


def statuses(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    """Yield a status: mostly zero in replies, another number in few, right behind the known parts."""
    if "replies" not in sides or not paired.pairs:
        return
    side = sides["replies"]
    start = max((fact.stop for fact in found if fact.of == "replies"), default=0)
    at = next((at for at in range(start, side.room) if len({*side.column(at)}) > 1), None)
    if at is None:
        return
    good = [frame for frame in side.frames if not frame[at]]
    bad = [frame for frame in side.frames if frame[at]]
    if len(good) < _MOSTLY * len(side.frames) or len({*map(len, bad)}) > 1:
        return
    stop = at + 1
    while stop < side.room and stop < at + _LONGEST_STATUS and not any(frame[stop] for frame in good):
        if not any(frame[stop] for frame in bad):
            break
        stop += 1
    if stop - at in (1, 3) and at > start and not any(side.column(at - 1)):
        at -= 1  # the high byte of small numbers
    size = stop - at
    if size in (1, 2, 4) and {*map(len, good)} != {*map(len, bad)}:
        verb = "is" if size == 1 else "are"
        says = f" {verb} 0 in {len(good)} of {len(side.frames)} replies"
        yield Fact(
            kind=FactKind.STATUS,
            of="replies",
            at=at,
            size=size,
            agree=len(good),
            count=len(side.frames),
            says=f"{says}, and the other {len(bad)} have one length: a status",
        )


def echoes(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    """Yield the bytes that vary and that every reply repeats."""
    if len(sides) < 2 or len(paired.pairs) < _FEWEST:
        return
    requests, replies = (tuple(each) for each in zip(*paired.pairs, strict=True))
    asked, answered = SideFrames("requests", requests), SideFrames("replies", replies)
    free = {at for at, _ in answered.places((1,), found)}
    places = [
        at
        for at, _ in asked.places((1,), found)
        if at in free and len({*asked.column(at)}) > 1 and asked.column(at) == answered.column(at)
    ]
    for at, size in runs_of(places):
        count = len(requests)
        says = f" come{'s' * (size == 1)} back in {count} of {count} replies"
        for of in sides:
            yield Fact(kind=FactKind.ECHO, of=of, at=at, size=size, agree=count, count=count, says=says)


def constants(sides: Sides, paired: PairedFrames, found: Sequence[Fact]) -> Iterator[Fact]:
    for side in sides.values():
        places = [at for at, _ in side.places((1,), found) if len({*side.column(at)}) == 1]
        for at, size in runs_of(places):
            value, count = side.frames[0][at : at + size], len(side.frames)
            says = f" {'is' if size == 1 else 'are'} {value.hex(' ').upper()}"
            yield Fact(
                kind=FactKind.CONSTANT,
                of=side.of,
                at=at,
                size=size,
                agree=count,
                count=count,
                says=f"{says} in {count} of {count} {side.of}",
                value=value,
            )
