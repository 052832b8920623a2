"""The devices of one simulated station: :class:`Devices`."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from tcpcomm.devices.slmp.addresses import KINDS, REQUEST_CONTENT, Kind, place_of
from tcpcomm.devices.slmp.end_codes import END_CODES
from tcpcomm.devices.slmp.places import (
    bit_at,
    doubles_in,
    values_at,
    words_at,
    words_in,
    words_of_doubles,
)
from tcpcomm.errors import CodecError, ConfigurationError, Fault

BEYOND_LAST: Final[int] = 0xC056
"""The end code for devices behind the last one of their kind."""

MAX_SIZE: Final = 1 << 24
"""The most devices of a kind: as many as an address of 3 bytes reaches."""

SIZES: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(("X", "Y", "B", "W", "L", "M", "S", "DX", "DY"), 8192),
        **dict.fromkeys(("SM", "SD", "F", "V", "SB", "SW", "TS", "TC", "TN"), 2048),
        **dict.fromkeys(("STS", "STC", "STN", "CS", "CC", "CN", "LTN", "LSTN", "LCS", "LCC", "LCN"), 1024),
        **dict.fromkeys(("R", "ZR", "RD"), 32768),
        "D": 12288,
        "Z": 20,
        "LZ": 2,
    }
)
"""The number of devices of each kind, if a program says nothing else."""

_Stored = bytearray | array  # type: ignore[type-arg]


class Devices:
    """
    The devices of a station.

    ::

        devices["D100"] = 7                 a word
        devices["D100"] = [7, 8]            several
        devices["D100:f32"] = 1.5           a number in two words
        devices["M5"]                       True or False
        devices["D100", 10]                 a list of ten words

    Args:
        sizes: the number of devices by kind, if it differs from :data:`SIZES`. 0 means none.
        notation: the bases of device numbers that differ from the manual's.
        encoding: the encoding of texts.

    Raises:
        ConfigurationError: there is no such kind, or not so many devices of it.
    """

    def __init__(
        self,
        sizes: Mapping[str, int] = MappingProxyType({}),
        *,
        notation: Mapping[str, int] = MappingProxyType({}),
        encoding: str = "ascii",
    ) -> None:
        for name, size in sizes.items():
            if name not in KINDS:
                raise ConfigurationError(f"{name} is not a kind of device: there are {', '.join(KINDS)}")
            if type(size) is not int or not 0 <= size <= MAX_SIZE:
                raise ConfigurationError(f"{name}: give a number from 0 to {MAX_SIZE}, not {size!r}")
        self._sizes = {**SIZES, **sizes}
        self._notation = notation
        self._encoding = encoding
        self._stored: dict[str, _Stored] = {}

    def __getitem__(self, address: str | tuple[str, int]) -> Any:
        """Return a value, or a list of so many. Raises CodecError if there is none there."""
        text, count = (address, None) if isinstance(address, str) else address
        place = place_of(text, self._notation)
        number = 1 if count is None else count
        with _as_codec_error(text):
            if place.kind.bits:
                found: list[Any] = [*self.bits(place.kind, place.number, number)]
            elif place.kind.doubles:
                doubles = [self.double(place.kind, place.number + index) for index in range(number)]
                found = values_at(place, words_of_doubles(doubles), self._encoding)
            else:
                words = self.words(place.kind, place.number, words_in(place) * number)
                found = values_at(place, words, self._encoding)
        return found[0] if count is None else found

    def __setitem__(self, address: str, values: Any) -> None:
        place = place_of(address, self._notation)
        given = [*values] if isinstance(values, list | tuple) else [values]
        with _as_codec_error(address):
            if place.bit is not None:
                word = self.words(place.kind, place.number, 1)[0] & ~(1 << place.bit)
                (value,) = given
                self.set_words(place.kind, place.number, [word | bit_at(place.kind, value) << place.bit])
            elif place.kind.bits:
                self.set_bits(place.kind, place.number, [bit_at(place.kind, each) for each in given])
            elif place.kind.doubles:
                for index, each in enumerate(given):
                    (value,) = doubles_in(words_at(place, each, self._encoding))
                    self.set_double(place.kind, place.number + index, value)
            else:
                words = [word for each in given for word in words_at(place, each, self._encoding)]
                self.set_words(place.kind, place.number, words)

    # -- by kind and number: a Fault tells what a controller would answer ------------------------------

    def check(self, kind: Kind, start: int, count: int) -> None:
        """Raise Fault if so many devices from a number on are not all there."""
        if not self._sizes[kind.name]:
            raise Fault(REQUEST_CONTENT)
        if start + count > self._sizes[kind.name]:
            raise Fault(BEYOND_LAST)

    def _of(self, kind: Kind) -> Any:
        """Return the values of all devices of a kind."""
        found = self._stored.get(kind.name)
        if found is None:
            size = self._sizes[kind.name]
            if kind.bits:
                found = bytearray(size)
            else:
                found = array("I" if kind.doubles else "H", [0]) * size
            self._stored[kind.name] = found
        return found

    def bits(self, kind: Kind, start: int, count: int) -> list[bool]:
        """Return bits. Raises Fault."""
        if not kind.bits:
            raise Fault(REQUEST_CONTENT)
        self.check(kind, start, count)
        return [*map(bool, self._of(kind)[start : start + count])]

    def set_bits(self, kind: Kind, start: int, bits: Sequence[bool]) -> None:
        """Store bits. Raises Fault."""
        if not kind.bits:
            raise Fault(REQUEST_CONTENT)
        self.check(kind, start, len(bits))
        self._of(kind)[start : start + len(bits)] = bytes(bits)

    def words(self, kind: Kind, start: int, count: int) -> list[int]:
        """Return words. Raises Fault."""
        if kind.bits:
            bits = self.bits(kind, start, 16 * count)
            parts = [bits[first : first + 16] for first in range(0, 16 * count, 16)]
            return [sum(bit << at for at, bit in enumerate(part)) for part in parts]
        if kind.doubles:
            raise Fault(REQUEST_CONTENT)
        self.check(kind, start, count)
        return list(self._of(kind)[start : start + count])

    def set_words(self, kind: Kind, start: int, words: Sequence[int]) -> None:
        """Store words. Raises Fault."""
        if kind.bits:
            self.set_bits(kind, start, [bool(word >> at & 1) for word in words for at in range(16)])
            return
        if kind.doubles:
            raise Fault(REQUEST_CONTENT)
        self.check(kind, start, len(words))
        self._of(kind)[start : start + len(words)] = array("H", words)

    def double(self, kind: Kind, number: int) -> int:
        """Return a number of 32 bits: a device of such a kind, or two words. Raises Fault."""
        if not kind.doubles:
            low, high = self.words(kind, number, 2)
            return low | high << 16
        self.check(kind, number, 1)
        return int(self._of(kind)[number])

    def set_double(self, kind: Kind, number: int, value: int) -> None:
        """Store a number of 32 bits. Raises Fault."""
        if not kind.doubles:
            self.set_words(kind, number, [value & 0xFFFF, value >> 16])
            return
        self.check(kind, number, 1)
        self._of(kind)[number] = value

    def clear(self, *, latched: bool) -> None:
        """Set all devices to zero but special ones, and latch relays unless they are meant, too."""
        kept = {"SM", "SD"} if latched else {"SM", "SD", "L"}
        self._stored = {name: found for name, found in self._stored.items() if name in kept}


@contextmanager
def _as_codec_error(address: str) -> Iterator[None]:
    """Tell a program about a missing device as about other wrong addresses."""
    try:
        yield
    except Fault as fault:
        raise CodecError(f"{address}: {END_CODES[int(fault.code)]}") from None
