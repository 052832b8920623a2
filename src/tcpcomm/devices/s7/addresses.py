"""
Addresses as engineers write them: ``DB1.DBW4``, ``M0.0``, ``MW10:INT``, ``DB1.DBB20:STRING[30]``.

``I`` and ``Q`` may be written ``E`` and ``A``, and ``C`` as ``Z``, as in German projects.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.devices.s7.items import Item, Size
from tcpcomm.devices.s7.types import BOOL, NUMBERED, PLAIN, Type, find_type
from tcpcomm.errors import CodecError


class Area(IntEnum):
    """An area of a CPU's memory."""

    COUNTERS = 0x1C
    TIMERS = 0x1D
    INPUTS = 0x81
    OUTPUTS = 0x82
    MERKERS = 0x83
    BLOCKS = 0x84


_LETTERS: Final = {
    "I": Area.INPUTS,
    "E": Area.INPUTS,
    "Q": Area.OUTPUTS,
    "A": Area.OUTPUTS,
    "M": Area.MERKERS,
    "T": Area.TIMERS,
    "C": Area.COUNTERS,
    "Z": Area.COUNTERS,
}
_NAMES: Final = {area: letter for letter, area in _LETTERS.items() if letter in "IQMTC"}
_ADDRESS: Final = re.compile(
    r"%?(?:DB(?P<block>\d{1,5})\.DB(?P<kind>[XBWD])|(?P<area>[IEQAM])(?P<width>[XBWD]?)|(?P<numbered>[TCZ]))"
    r"(?P<start>\d{1,7})(?:\.(?P<bit>\d))?(?::(?P<type>[A-Z_][A-Z_0-9]*)(?:\[(?P<length>\d{1,5})\])?)?",
    re.ASCII | re.IGNORECASE,
)
_EXAMPLES: Final = (
    "DB1.DBX0.3, DB1.DBW4, DB1.DBD8:REAL, DB1.DBB20:STRING[30], M0.0, MW10, I0.1, QB2, T5 or C5"
)

_LAST_BLOCK: Final = 65535
"""The greatest number of a data block."""

_LAST_BYTE: Final = (1 << 21) - 1
"""The last byte of an area: an address has 24 bits, and three of them tell the bit in the byte."""


@frozen
class Address:
    """
    The address of a value, and its type.

    Attributes:
        area: the area.
        block: the number of the data block; 0 in other areas.
        start: the number of the first byte, of the timer or of the counter.
        bit: the number of the bit, from 0 to 7; 0 for what is not a bit.
        type: the type of the value.
        text: the address as it was written.
    """

    area: Area
    block: int
    start: int
    bit: int
    type: Type
    text: str

    @classmethod
    def of(cls, text: str, encoding: str = "latin-1") -> Address:
        """
        Read an address.

        Args:
            text: the address.
            encoding: the encoding of a STRING.

        Raises:
            CodecError: this is not an address.
        """
        found = _ADDRESS.fullmatch(text.strip()) if isinstance(text, str) else None
        if found is None:
            raise CodecError(f"{text!r} is not an address of an S7: write {_EXAMPLES}")
        try:
            return cls._of(found, text.strip(), encoding)
        except CodecError as error:
            raise CodecError(f"{text}: {error}") from None

    @classmethod
    def _of(cls, found: re.Match[str], text: str, encoding: str) -> Address:
        block = int(found["block"] or 0)
        start, bit = int(found["start"]), found["bit"]
        if found["numbered"]:
            if bit or found["type"]:
                raise CodecError("a timer or a counter has a number alone: write T5 or C5")
            if start > 0xFFFF:
                raise CodecError("the number of a timer or a counter is from 0 to 65535")
            return cls(_LETTERS[found["numbered"].upper()], 0, start, 0, NUMBERED, text)
        width = (found["kind"] or found["width"] or "X").upper()
        if found["block"] is not None and not 1 <= block <= _LAST_BLOCK:
            raise CodecError(f"the number of a data block is from 1 to {_LAST_BLOCK}")
        if width == "X":
            if bit is None:
                raise CodecError("a bit has two numbers, its byte and its bit from 0 to 7: write M0.3")
            if int(bit) > 7:
                raise CodecError(f"a byte has the bits 0 to 7, not {bit}")
        elif bit is not None:
            raise CodecError("only a bit has a number behind a dot: write DB1.DBX0.3 or M0.3")
        type = _type(width, found["type"], found["length"], encoding)
        check_place(start, type.size)
        area = Area.BLOCKS if found["block"] is not None else _LETTERS[found["area"].upper()]
        return cls(area, block, start, int(bit or 0), type, text)

    @property
    def is_bit(self) -> bool:
        """True if this is the address of a bit."""
        return self.type is BOOL

    @property
    def is_numbered(self) -> bool:
        """True if this is a timer or a counter."""
        return self.type is NUMBERED

    def bytes_of(self, count: int) -> Part:
        """
        Return the bytes, timers or counters that hold so many values from here on.

        Raises:
            CodecError: the area cannot have so many.
        """
        if self.is_numbered:
            return Part(self.area, self.block, self.start, count)
        if self.is_bit:
            return Part(self.area, self.block, self.start, (self.bit + count + 7) // 8)
        size = self.type.size_of(count)
        check_place(self.start, size)
        return Part(self.area, self.block, self.start, size, together=self.type.stride)

    def values_in(self, content: bytes, count: int) -> list[Any]:
        """Return the values in their bytes. Raises CodecError."""
        if not self.is_bit:
            return self.type.read(content, count)
        bits = range(self.bit, self.bit + count)
        return [bool(content[bit // 8] >> bit % 8 & 1) for bit in bits]


def check_place(start: int, count: int) -> None:
    """Raise CodecError unless an area can have so many bytes from this one on."""
    if not 0 <= start <= start + count - 1 <= _LAST_BYTE:
        raise CodecError(f"the bytes of an area are from 0 to {_LAST_BYTE}")


def _type(width: str, name: str | None, length: str | None, encoding: str) -> Type:
    if width == "X":
        if name is not None and name.upper() != "BOOL":
            raise CodecError(f"a bit is of the type BOOL: write DBB or MB for {name}")
        return BOOL
    if name is None:
        return PLAIN[width]
    type = find_type(name, length, encoding)
    if width != "B" and type.size != PLAIN[width].size:
        raise CodecError(
            f"{type.name} has {type.size} bytes, but {width} means {PLAIN[width].size}: write DBB or MB, "
            "which fit all types"
        )
    return type


@frozen
class Part:
    """
    Bytes of an area, or some timers or counters.

    Attributes:
        area: the area.
        block: the number of the data block; 0 in other areas.
        start: the number of the first byte, timer or counter.
        count: the number of bytes, timers or counters.
        together: the number of bytes that are one value, and must be of one moment.
    """

    area: Area
    block: int
    start: int
    count: int
    together: int = field(default=1, kw_only=True, eq=False)

    @property
    def width(self) -> int:
        """The bytes of one element."""
        return 2 if self.area in (Area.TIMERS, Area.COUNTERS) else 1

    @property
    def size(self) -> int:
        """The bytes of all elements."""
        return self.count * self.width

    def cut(self, room: int) -> tuple[Part, Part]:
        """
        Return the elements that fit into so many bytes, and those behind them.

        No value is cut, unless it is longer than that.
        """
        count = room // self.width
        if self.together <= count:
            count -= count % self.together
        return self.first(count), evolve(self, start=self.start + count, count=self.count - count)

    def first(self, count: int) -> Part:
        """Return so many of the first elements."""
        return evolve(self, count=count)

    def item(self) -> Item:
        """Return the variable of a job for all elements."""
        if self.area is Area.TIMERS:
            return Item(Size.TIMER, self.count, 0, self.area, self.start)
        if self.area is Area.COUNTERS:
            return Item(Size.COUNTER, self.count, 0, self.area, self.start)
        return Item(Size.BYTE, self.count, self.block, self.area, self.start * 8)

    def __str__(self) -> str:
        last = self.start + self.count - 1
        if self.area is Area.BLOCKS:
            return f"DB{self.block}, bytes {self.start} to {last}"
        what = "" if self.width == 2 else "bytes "
        return f"{_NAMES[self.area]}, {what}{self.start} to {last}"
