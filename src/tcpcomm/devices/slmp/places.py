"""
Reads and writes of places that a person names, such as ``D100:f32``: :func:`read_place` and others.

Several places of any kinds are one request, by the random commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import evolve

from tcpcomm.devices.slmp.access import (
    check_count,
    check_numbers,
    is_long,
    read_bits_at,
    read_words_at,
    write_bits_at,
    write_words_at,
)
from tcpcomm.devices.slmp.addresses import KINDS, Address, Kind, LongAddress, Place
from tcpcomm.devices.slmp.commands import (
    BitAt,
    DoubleAt,
    LongBitAt,
    LongDoubleAt,
    LongWordAt,
    SlmpCommands,
    WordAt,
)
from tcpcomm.errors import BadReply, CodecError

MAX_POINTS: Final = 192
"""The most words and double words that one request reads at several places."""

MAX_POINTS_IQR: Final = 96
"""The same for the longer addresses of iQ-R."""

MAX_BITS_WRITTEN: Final = 188
"""The most bits that one request writes at several places."""

MAX_BITS_WRITTEN_IQR: Final = 94
"""The same for the longer addresses of iQ-R."""

MAX_WEIGHT: Final = 1920
"""The most that one request writes at several places: 12 for each word, and 14 for each double word."""

MAX_WEIGHT_IQR: Final = 960
"""The same for the longer addresses of iQ-R."""

NOT_AT_RANDOM: Final = frozenset({"TS", "TC", "STS", "STC", "CS", "CC", "LCS", "LCC"})
"""The kinds that the random commands do not take. Some controllers answer them nevertheless."""


async def read_place(device: SlmpCommands, place: Place, count: int, encoding: str) -> list[Any]:
    """
    Read values from a place on: bits, words, numbers of its type, or texts.

    Raises:
        CodecError: no request can ask for them. Nothing was sent.
    """
    kind = place.kind
    if kind.bits:
        return await read_bits_at(device, kind, place.number, count)
    if kind.doubles:
        return await read_places(device, _following(place, count), encoding)
    words = await read_words_at(device, kind, place.number, words_in(place) * count)
    return _values_read(place, words, encoding)


def words_in(place: Place) -> int:
    """Return the number of words that a value at a place takes."""
    return 1 if place.kind.bits or place.bit is not None else place.type_in("ascii").words


def values_at(place: Place, words: Sequence[int], encoding: str) -> list[Any]:
    """Return the values in the words from a place on. Raises CodecError if they hold none."""
    if place.bit is not None:
        return [bool(word >> place.bit & 1) for word in words]
    if not place.type and not place.kind.doubles:
        return [*words]
    return place.type_in(encoding).values_of(words)


def _values_read(place: Place, words: Sequence[int], encoding: str) -> list[Any]:
    """Return the values in words that a controller sent. Raises BadReply if they hold none."""
    try:
        return values_at(place, words, encoding)
    except CodecError as error:
        raise BadReply(f"{place.kind.name}{place.number}:{place.type}: {error}") from None


def _following(place: Place, count: int) -> list[Place]:
    """Return so many places from one on."""
    return [evolve(place, number=place.number + index) for index in range(count)]


async def write_place(device: SlmpCommands, place: Place, values: Sequence[Any], encoding: str) -> None:
    """
    Write values from a place on.

    Raises:
        CodecError: no request can write them. Nothing was sent.
    """
    kind = place.kind
    if place.bit is not None:
        raise _no_single_bit(place)
    if kind.bits:
        await write_bits_at(device, kind, place.number, [bit_at(kind, each) for each in values])
    elif kind.doubles:
        following = _following(place, len(values))
        await write_places(device, dict(zip(following, values, strict=True)), encoding)
    else:
        words = [word for value in values for word in words_at(place, value, encoding)]
        await write_words_at(device, kind, place.number, words)


def _no_single_bit(place: Place) -> CodecError:
    return CodecError(
        f"no request writes one bit of {place.kind.name}{place.number}, and the controller could change "
        "others between a read and a write: write the whole word, or use a bit device such as M"
    )


def bit_at(kind: Kind, value: Any) -> bool:
    """Return the bit of a value. Raises CodecError if it is none."""
    if value in (0, 1):
        return bool(value)
    raise CodecError(f"{kind.name} ({kind.meaning}) are True or False, not {value!r}")


def words_at(place: Place, value: Any, encoding: str) -> list[int]:
    """Return the words of a value at a place. Raises CodecError if it does not fit."""
    if isinstance(value, str) and not place.is_text:
        raise CodecError(f"{value!r}: write a text to a place for texts, such as D100:str[16]")
    return place.type_in(encoding, value).words_of(value)


def doubles_in(words: Sequence[int]) -> list[int]:
    """Return the double words of pairs of words, the lowest word first."""
    return [low | high << 16 for low, high in zip(words[::2], words[1::2], strict=True)]


def words_of_doubles(doubles: Sequence[int]) -> list[int]:
    """Return the words of double words."""
    return [word for double in doubles for word in (double & 0xFFFF, double >> 16)]


class _Points:
    """
    The points of several places: words, or double words for each 32 bits of a number.

    A bit is read as a bit of the word from a multiple of 16 on. A word from the bit itself on could go
    beyond the last device, and bits near each other are one point.
    """

    def __init__(self, device: SlmpCommands, places: Sequence[Place]) -> None:
        for each in places:
            if each.kind.name in NOT_AT_RANDOM:
                raise CodecError(
                    f"{each.kind.name} ({each.kind.meaning}) cannot be among several: use read or write"
                )
            check_numbers(device, each.kind, each.number, 1 if each.kind.doubles else words_in(each))
        self.long = any(is_long(device, each.kind) for each in places)
        self.words: list[tuple[str, int]] = []
        self.doubles: list[tuple[str, int]] = []
        self.parts: list[slice] = []
        """For each place, its part of the words or of the double words."""
        of_bits: dict[tuple[str, int], slice] = {}
        for each in places:
            if each.kind.bits:
                at = (each.kind.name, each.number & ~15)
                if at not in of_bits:
                    of_bits[at] = slice(len(self.words), len(self.words) + 1)
                    self.words.append(at)
                self.parts.append(of_bits[at])
                continue
            size = 2 if self.is_double(each) else 1
            points = self.doubles if size == 2 else self.words
            start = len(points)
            step = 1 if each.kind.doubles else size
            count = 1 if each.kind.doubles else words_in(each) // size
            points += [(each.kind.name, each.number + step * index) for index in range(count)]
            self.parts.append(slice(start, len(points)))

    def check_apart(self) -> None:
        """Raise CodecError if two places share a word, because nothing tells which value it will have."""
        behind = ((name, number + 1) for name, number in self.doubles if not KINDS[name].doubles)
        seen: set[tuple[str, int]] = set()
        for at in (*self.words, *self.doubles, *behind):
            if at in seen:
                raise CodecError(f"two of the values would be written to {Address(*at)}")
            seen.add(at)

    @staticmethod
    def is_double(place: Place) -> bool:
        """Return True if double words carry the value of a place."""
        if place.kind.bits or not place.type or place.is_text:
            return place.kind.doubles
        return words_in(place) > 1


async def read_places(device: SlmpCommands, places: Sequence[Place], encoding: str) -> list[Any]:
    """
    Read a value at each of several places, in one request.

    Raises:
        CodecError: no request can ask for them. Nothing was sent.
    """
    points = _Points(device, places)
    most = MAX_POINTS_IQR if points.long else MAX_POINTS
    check_count(len(points.words) + len(points.doubles), most, "words and double words")
    if points.long:
        found = await device.read_random_iqr(
            [LongAddress(*each) for each in points.words], [LongAddress(*each) for each in points.doubles]
        )
    else:
        found = await device.read_random(
            [Address(*each) for each in points.words], [Address(*each) for each in points.doubles]
        )
    values: list[Any] = []
    for place, part in zip(places, points.parts, strict=True):
        if points.is_double(place):
            values += _values_read(place, words_of_doubles(found.doubles[part]), encoding)
        elif place.kind.bits:
            values.append(bool(found.words[part.start] >> (place.number & 15) & 1))
        else:
            values += _values_read(place, found.words[part], encoding)
    return values


async def write_places(device: SlmpCommands, values: Mapping[Place, Any], encoding: str) -> None:
    """
    Write a value at each of several places, in one request.

    Raises:
        CodecError: no request can write them. Nothing was sent.
    """
    places = [*values]
    if any(each.kind.bits for each in places):
        await _write_bits(device, values)
        return
    for each in places:
        if each.bit is not None:
            raise _no_single_bit(each)
    points = _Points(device, places)
    points.check_apart()
    words: list[int] = []
    doubles: list[int] = []
    for place, value in values.items():
        if points.is_double(place):
            doubles += doubles_in(words_at(place, value, encoding))
        else:
            words += words_at(place, value, encoding)
    most = MAX_WEIGHT_IQR if points.long else MAX_WEIGHT
    weight = 12 * len(words) + 14 * len(doubles)
    if not 1 <= weight <= most:
        raise CodecError(
            f"one request writes 1 to {most // 12} words, or 1 to {most // 14} double words, not "
            f"{len(words)} words and {len(doubles)} double words"
        )
    word_points = zip(points.words, words, strict=True)
    double_points = zip(points.doubles, doubles, strict=True)
    if points.long:
        await device.write_random_iqr(
            [LongWordAt(LongAddress(*at), value) for at, value in word_points],
            [LongDoubleAt(LongAddress(*at), value) for at, value in double_points],
        )
    else:
        await device.write_random(
            [WordAt(Address(*at), value) for at, value in word_points],
            [DoubleAt(Address(*at), value) for at, value in double_points],
        )


async def _write_bits(device: SlmpCommands, values: Mapping[Place, Any]) -> None:
    others = [place for place in values if not place.kind.bits]
    if others:
        raise CodecError(
            f"one request writes bits or words, and {others[0].kind.name} are {others[0].kind.meaning}: "
            "write them by a second request"
        )
    long = _Points(device, [*values]).long
    most = MAX_BITS_WRITTEN_IQR if long else MAX_BITS_WRITTEN
    check_count(len(values), most, "bits at several places")
    bits = [(place.kind.name, place.number, bit_at(place.kind, value)) for place, value in values.items()]
    if long:
        longer = [LongBitAt(LongAddress(name, at), bit) for name, at, bit in bits]
        await device.write_random_bits_iqr(longer)
    else:
        await device.write_random_bits([BitAt(Address(name, at), bit) for name, at, bit in bits])
