"""
Find the checksum that all frames of a cut carry: :func:`find_checksums`.

Three ideas make the search fast and honest:

1. A checksum is a column that varies. Columns that are constant, that copy another byte or the length, or
   that count upwards explain themselves, so no checksum is sought there.
2. The shortest frame proposes: each range of its bytes has one value for each checksum of the catalogue,
   and a table tells which column holds that value. The other frames confirm or refuse, and one that
   refuses is enough. Only if nothing is found so, a few frames may be wrong.
3. What a checksum explains is weighed in bits against the number of checksums and places that were tried,
   so that a few short frames prove nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb, log2
from typing import Final

from attrs import evolve, field, frozen

from tcpcomm.framing.checksums import CHECKSUMS, Checksum, ChecksumForm
from tcpcomm.tools.guess.checks.found import FoundChecksum, evidence_of

_MOST_FRAMES: Final = 300
"""Frames that are looked at, the shortest."""

_LEAST_BITS: Final = 12.0
"""Bits that a checksum must explain beyond its own cost: one in 4,000 searches of random bytes errs."""

_AS_GOOD: Final = 0.85
"""The share of the bits of a checksum that another must have to go before it."""

_LEAST_WITH_WRONG: Final = 8
"""Distinct frames with which a checksum is sought that some of them do not carry."""

_SHARE_OF_WRONG: Final = 0.2
"""The share of the frames that may lack it."""

_COST_OF_WRONG: Final = 12.0
"""Bits that it costs to say that some frames lack it, besides those that say which."""

_MOST_SKIPPED: Final = 3
_LOOKED_AT_FIRST: Final = 6

_LEAST_DISTINCT: Final = 3
_LEAST_COVERED: Final = 3
_LEAST_VARYING: Final = 2

_HEADER: Final = 32
"""Bytes at the beginning of a frame in which a checksum is sought."""

_MOST_WRITTEN: Final = 10
"""Bytes of the longest checksum on the wire: 32 bits in decimal digits."""

_DIGITS: Final[Mapping[str, frozenset[int]]] = {
    "hex": frozenset(b"0123456789ABCDEFabcdef"),
    "decimal": frozenset(b"0123456789"),
}

_HEADER_STARTS: Final = 9
"""Places at which the range of a checksum of a header may begin."""

_MOST_TRAILER: Final = 4
_MOST_BETWEEN: Final = 2
_LIKELY_STARTS: Final = (*range(13), 14, 16, 20, 24, 28, 32)
_STARTS: Final = tuple(dict.fromkeys((*_LIKELY_STARTS, *range(33))))
"""Places at which a range may begin, the likely ones first."""

_FEWEST_STARTS: Final = 4
_WORK: Final = 6_000
"""Bytes that one checksum may count in the search, which limits the ranges in long frames."""

_LONGEST: Final = 16_384
"""The longest frame that may propose."""

_COST_OF_NAME: Final = log2(len(CHECKSUMS))
_COST_OF_FORM: Final = 1.5
_COST_OF_TEXT: Final = 2.0
_COST_OF_DECIMAL: Final = 4.0
_COST_IN_HEADER: Final = 4.0


def find_checksums(frames: Iterable[bytes]) -> tuple[FoundChecksum, ...]:
    """
    Find the checksums that all these frames carry.

    Args:
        frames: whole frames as they are on the wire, all of one kind. If requests and replies have the
            same framing and each side alone has few, give both.

    Returns:
        The checksums, the best first. Several of one place differ in the range only where a byte that is
        always the same cannot tell them apart. Two places mean a checksum of the header and one at the end.
        Empty if nothing is proven.
    """
    order = [*dict.fromkeys(frames)]
    shortest = sorted(order, key=len)[:_MOST_FRAMES]
    if len(shortest) < _LEAST_DISTINCT or not 2 < len(shortest[0]) <= _LONGEST:
        return ()
    chosen = {*shortest}
    samples = _Samples(tuple(frame for frame in order if frame in chosen), tuple(shortest))
    columns = [*_columns(samples)]
    if not columns:
        return ()
    proposed = dict.fromkeys(_proposals(samples, columns))
    confirmed = (each for each in proposed if all(map(each.matches, samples.shortest)))
    weighed = [found for each in confirmed if (found := _weighed(each, samples.frames)) is not None]
    weighed = weighed or _of_most(samples)
    weighed.sort(key=lambda found: -found.bits)
    return _without_mirrors(weighed, shortest[0])


def _of_most(samples: _Samples) -> list[FoundChecksum]:
    """Return the checksums that most frames carry, because a few were spoilt, or were written wrongly."""
    count = len(samples.shortest)
    if count < _LEAST_WITH_WRONG:
        return []
    for skipped in range(_MOST_SKIPPED):  # the shortest frames, which may be the wrong ones
        shortest = samples.shortest[skipped:]
        chosen = {*shortest}
        others = _Samples(tuple(frame for frame in samples.frames if frame in chosen), shortest)
        most_wrong = int(_SHARE_OF_WRONG * count) - skipped
        weighed = []
        for each in dict.fromkeys(_proposals(others, [*_columns(others)])):
            if _fits_most(each, shortest, most_wrong):
                agreeing = [frame for frame in samples.frames if each.matches(frame)]
                found = _weighed(each, agreeing, wrong=len(samples.frames) - len(agreeing))
                if found is not None:
                    weighed.append(found)
        if weighed:
            return weighed
    return []


def _fits_most(found: FoundChecksum, frames: Sequence[bytes], most_wrong: int) -> bool:
    """Return True if all frames but a few carry a checksum."""
    if sum(map(found.matches, frames[:_LOOKED_AT_FIRST])) < _LOOKED_AT_FIRST // 2:
        return False
    return sum(map(found.matches, frames)) >= len(frames) - most_wrong


def _without_mirrors(found: Sequence[FoundChecksum], frame: bytes) -> tuple[FoundChecksum, ...]:
    """
    Leave out checksums that follow from another one, as with XOR, where each byte follows from all others.

    One at the end is the more usual: it stays, unless its values vary clearly less.
    """
    if not found:
        return ()
    best = found[0]
    rivals = [each for each in found if each.at < 0 <= best.at and _mirrors(each, best, frame)]
    best = next((each for each in rivals if each.bits >= _AS_GOOD * best.bits), best)
    return tuple(each for each in found if not _mirrors(each, best, frame))


def _mirrors(found: FoundChecksum, best: FoundChecksum, frame: bytes) -> bool:
    """Return True if two checksums count each other."""
    return found.counts(best, frame) and best.counts(found, frame)


@frozen
class _Samples:
    """Distinct frames: in the order in which they came, and the shortest first."""

    frames: tuple[bytes, ...]
    shortest: tuple[bytes, ...]
    tail: int = field(init=False)
    """The bytes at the end that are the same in all frames."""
    values: Mapping[int, frozenset[int]] = field(init=False)
    """The different values of the byte at each place where a checksum may be."""

    @tail.default
    def _constant_tail(self) -> int:
        most = min(len(self.shortest[0]) - 1, _MOST_TRAILER + 8)
        first = self.frames[0]
        return next(
            (k for k in range(most) if not all(frame.endswith(first[-k - 1 :]) for frame in self.frames)),
            most,
        )

    @values.default
    def _values_by_place(self) -> Mapping[int, frozenset[int]]:
        room = len(self.shortest[0])
        front, back = min(room, _HEADER + _MOST_WRITTEN), min(room, _MOST_WRITTEN + _MOST_TRAILER)
        found = dict(enumerate(map(frozenset, zip(*(frame[:front] for frame in self.frames), strict=True))))
        behind = map(frozenset, zip(*(frame[-back:] for frame in self.frames), strict=True))
        found.update(zip(range(-back, 0), behind, strict=True))
        return found

    def column(self, at: int, size: int) -> list[bytes]:
        """Return the bytes of each frame at a place, which may count from the end."""
        return [frame[at : at + size or None] for frame in self.frames]

    def may_hold(self, at: int, size: int, form: ChecksumForm, width: int) -> bool:
        """Return True if the bytes at a place vary enough, and may be a checksum in this form."""
        sets = [self.values[place] for place in range(at, at + size)]
        if form in _DIGITS and not all(each <= _DIGITS[form] for each in sets):
            return False
        most = max(map(len, sets))
        if most < 2 or (most < _LEAST_DISTINCT and len({*self.column(at, size)}) < _LEAST_DISTINCT):
            return False
        return form != "decimal" or all(int(value) < 256**width for value in self.column(at, size))


@frozen
class _Column:
    """A place that may hold a checksum in one form, and the value there in the shortest frame."""

    at: int
    size: int
    form: ChecksumForm
    width: int
    value: int


def _columns(samples: _Samples) -> Iterator[_Column]:
    room = len(samples.shortest[0])
    trailers = range(min(samples.tail, _MOST_TRAILER) + 1)
    for form, width, size in _written_forms():
        behind = [-size - trailer for trailer in trailers if size + trailer < room]
        # A place near the end of frames of one length is found from the end.
        one_size = len({*map(len, samples.frames)}) == 1
        header = [at for at in range(min(_HEADER, room - size)) if not one_size or at - room not in behind]
        for at in (*behind, *header):
            if samples.may_hold(at, size, form, width):
                written = samples.shortest[0][at : at + size or None]
                yield _Column(at, size, form, width, _value(written, form))


def _written_forms() -> list[tuple[ChecksumForm, int, int]]:
    """Return each form with the bytes of the value, and the bytes on the wire."""
    found: dict[tuple[ChecksumForm, int, int], None] = {}
    for each in CHECKSUMS.values():
        for form in _forms(each):
            found[form, each.width, each.written(form).size] = None
    return [*found]


def _forms(each: Checksum) -> tuple[ChecksumForm, ...]:
    return ("big", "hex", "decimal") if each.width == 1 else ("big", "little", "hex", "decimal")


def _value(written: bytes, form: ChecksumForm) -> int:
    if form in ("big", "little"):
        return int.from_bytes(written, "little" if form == "little" else "big")
    return int(written, 16 if form == "hex" else 10)


def _explains_itself(found: FoundChecksum, frames: Sequence[bytes]) -> bool:
    """Return True if a column is another byte of its frame, or the length, but for a constant."""
    at, form = found.at, found.checksum.form
    size, modulus = found.checksum.size, 256**found.checksum.width
    values = [_value(frame[at : at + size or None], form) for frame in frames]
    if _follow(values, map(len, frames), modulus):
        return True
    sizes = {*map(len, frames)}
    room = min(sizes)
    places = {*range(min(room, _HEADER + 8)), *range(-min(room, 16), 0)} - {*range(at, at + size)}
    if len(sizes) == 1:  # the same bytes have two places
        places -= {*range(at + room, at + room + size), *range(at - room, at - room + size)}
    return any(_follow(values, [frame[place] for frame in frames], modulus) for place in places)


def _follow(values: Iterable[int], others: Iterable[int], modulus: int) -> bool:
    """Return True if the values are the other ones, but for a constant that is added or XORed."""
    pairs = [*zip(values, others, strict=True)]
    first, other = pairs[0]
    step, mask = (first - other) % modulus, first ^ other
    return all((value - each) % modulus == step for value, each in pairs) or all(
        value ^ each == mask for value, each in pairs
    )


def _proposals(samples: _Samples, columns: Sequence[_Column]) -> Iterator[FoundChecksum]:
    """Yield the checksums that the shortest frame carries."""
    first = samples.shortest[0]
    by_value: dict[int, dict[int, list[_Column]]] = defaultdict(lambda: defaultdict(list))
    for column in columns:
        by_value[column.width][column.value].append(column)
    ranges = _ranges(samples, columns)
    for checksum in CHECKSUMS.values():
        here: Mapping[int, list[_Column]] | None = by_value.get(checksum.width)
        if here is None:
            continue
        compute = checksum.compute
        for (start, stop), places in ranges[checksum.width].items():
            value = compute(first[start:stop])
            if value not in here:
                continue
            for column in here[value]:
                cover_to = places.get((column.at, column.size), 0)
                if cover_to != 0:
                    written = checksum.written(column.form)
                    yield FoundChecksum(checksum=written, at=column.at, cover_from=start, cover_to=cover_to)


_Places = dict[tuple[int, int], int | None]
"""The end of a range, for each column that may hold its checksum."""


def _ranges(
    samples: _Samples, columns: Sequence[_Column]
) -> Mapping[int, Mapping[tuple[int, int], _Places]]:
    """Return the ranges of the shortest frame, by the bytes of the value that a column needs."""
    size = len(samples.shortest[0])
    starts = _STARTS[: max(_FEWEST_STARTS, _WORK // size)]
    found: dict[int, dict[tuple[int, int], _Places]] = defaultdict(lambda: defaultdict(dict))
    for column in columns:
        ranges, place = found[column.width], (column.at, column.size)
        if column.at < 0:
            for between in range(_MOST_BETWEEN + 1):
                stop = column.at - between
                if between and len({*samples.column(stop, 1)}) > 1:
                    break
                for start in starts:
                    if start < size + stop:
                        ranges[start, size + stop].setdefault(place, stop)
            continue
        for start in range(min(_HEADER_STARTS, column.at)):
            ranges[start, column.at][place] = column.at
        for trailer in range(min(samples.tail, _MOST_TRAILER) + 1):
            for start in starts:
                if column.at + column.size <= start < size - trailer:
                    ranges[start, size - trailer][place] = -trailer or None
    return found


def _weighed(found: FoundChecksum, frames: Sequence[bytes], wrong: int = 0) -> FoundChecksum | None:
    """Return a checksum with what it explains in frames that carry it, or None if that is too little."""
    parts = dict.fromkeys(part for frame in frames if (part := found.parts(frame)) is not None)
    covered = [*dict.fromkeys(cover for cover, _ in parts)]
    if not _is_range(covered):
        return None
    distinct = len({written for _, written in parts})
    bits = evidence_of(found, frames) - _cost(found)
    if wrong:
        bits -= _COST_OF_WRONG + log2(comb(len(frames) + wrong, wrong))
    if distinct < _LEAST_DISTINCT or bits < _LEAST_BITS or _explains_itself(found, frames):
        return None
    return evolve(found, frames=len(frames), wrong=wrong, distinct=distinct, bits=bits)


def _is_range(covered: Sequence[bytes]) -> bool:
    """Return True if these bytes are worth a checksum: three of them, and two vary."""
    sizes = {*map(len, covered)}
    if max(sizes) < _LEAST_COVERED:
        return False
    if len(sizes) > 1:
        return True
    varying = sum(len({*column}) > 1 for column in zip(*covered, strict=True))
    return varying >= _LEAST_VARYING


def _cost(found: FoundChecksum) -> float:
    """Return the bits that say which checksum it is, in which form, and where."""
    form = found.checksum.form
    cost = _COST_OF_NAME + 2 * log2(found.cover_from + 1) + 2.0 * found.between
    if form == "decimal":
        cost += _COST_OF_DECIMAL
    elif form == "hex":
        cost += _COST_OF_TEXT
    elif form != CHECKSUMS[found.checksum.name].form:
        cost += _COST_OF_FORM
    if found.at < 0:
        return cost + found.trailer
    cost += _COST_IN_HEADER + log2(found.at + 1)
    return cost - (found.cover_to or 0) if found.cover_to is None or found.cover_to < 0 else cost
