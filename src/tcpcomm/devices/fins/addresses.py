"""
Addresses in the memory of an Omron controller, as people write them: :func:`address_of`.

``D100`` is a word, ``W3.05`` a bit of a word. ``T5`` and ``C5`` are the present values of a timer and a
counter, ``TS5`` and ``CS5`` their completion flags. ``E1_100`` is a word in bank 1 of the extended memory.
A type may stand behind a colon: ``D100:f32``.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from tcpcomm.errors import CodecError


@frozen
class Area:
    """
    An area of memory.

    Attributes:
        name: its name in front of an address, such as ``D``.
        words: the code of the area for words, or None if it has no words.
        bits: the code of the area for bits, or for the flags of timers and counters.
        last: the last word. A controller may have fewer: it answers with an end code then.
        first: the number on the wire of the first element. Counters stand behind the timers.
    """

    name: str
    words: int | None
    bits: int | None
    last: int
    first: int = 0

    @property
    def is_flags(self) -> bool:
        """True if each element is one flag, without words."""
        return self.words is None


COUNTERS: Final = 0x8000
"""The number on the wire of the first counter, in the areas of timers."""

BANKS: Final = (
    *((0xA0 + bank, 0x20 + bank) for bank in range(0x10)),
    *((0x60 + bank, 0xE0 + bank) for bank in range(9)),
)
"""The codes for words and for bits of each bank of the extended memory, 0 to 18 hex."""

AREAS: Final = {
    area.name: area
    for area in (
        Area("CIO", 0xB0, 0x30, 6143),
        Area("W", 0xB1, 0x31, 511),
        Area("H", 0xB2, 0x32, 1535),
        Area("A", 0xB3, 0x33, 11535),
        Area("D", 0x82, 0x02, 32767),
        Area("E", 0x98, 0x0A, 32767),
        Area("T", 0x89, None, 4095),
        Area("TS", None, 0x09, 4095),
        Area("C", 0x89, None, 4095, COUNTERS),
        Area("CS", None, 0x09, 4095, COUNTERS),
        *(Area(f"E{n:X}_", words, bits, 32767) for n, (words, bits) in enumerate(BANKS)),
    )
}
"""The areas by name (Omron W342, section 5-2-2). The ranges are those of the largest controllers."""

WORD_CODES: Final = tuple(dict.fromkeys(each.words for each in AREAS.values() if each.words is not None))
"""The codes of the areas whose elements are words of two bytes."""

BIT_CODES: Final = tuple(dict.fromkeys(each.bits for each in AREAS.values() if each.bits is not None))
"""The codes of the areas whose elements are bits, of one byte each."""

_ADDRESS: Final = re.compile(
    r"(E[0-9A-F]{1,2}_|[A-Z]+?) ?([0-9]{1,5})(?:\.([0-9]{1,2}))?(?::(.*))?", re.IGNORECASE | re.ASCII
)
_EXAMPLES: Final = "D100, D100:f32, W3.05, CIO10.00, H0, A448, E100, E1_100, T5, TS5, C5 or CS5"


@frozen
class Address:
    """
    A place in the memory of a controller.

    Attributes:
        area: the area.
        index: the number of the word, timer or counter in its area.
        bit: the number of the bit, 0 to 15, or None for a word.
        type: the name of the type of its values, or empty for words and bits.
    """

    area: Area
    index: int
    bit: int | None = None
    type: str = ""

    @property
    def is_bits(self) -> bool:
        """True if the elements from here on are bits."""
        return self.bit is not None or self.area.is_flags

    @property
    def code(self) -> int:
        """The code of the area on the wire."""
        code = self.area.bits if self.is_bits else self.area.words
        assert code is not None
        return code

    @property
    def number(self) -> int:
        """The number of the word, timer or counter on the wire."""
        return self.area.first + self.index

    @property
    def room(self) -> int:
        """The number of elements from here to the end of the area."""
        words = self.area.last + 1 - self.index
        return words if self.bit is None else 16 * words - self.bit

    def __str__(self) -> str:
        text = f"{self.area.name}{self.index}" + ("" if self.bit is None else f".{self.bit:02d}")
        return f"{text}:{self.type}" if self.type else text


def address_of(text: str) -> Address:
    """
    Return the address that a text such as ``D100`` means.

    Raises:
        CodecError: no area has this address.
    """
    if not isinstance(text, str):
        raise CodecError(f"{text!r} is not a text: write an address such as {_EXAMPLES}")
    found = _ADDRESS.fullmatch(text.strip())
    area = None
    if found is not None:
        name = found[1].upper()
        if name.endswith("_"):
            name = f"E{name[1:-1].lstrip('0') or '0'}_"
        area = AREAS.get(name)
    if found is None or area is None:
        raise CodecError(f"{text!r} is not an address of an Omron controller: write {_EXAMPLES}")
    index, bit = int(found[2]), None if found[3] is None else int(found[3])
    if index > area.last:
        raise CodecError(f"{text}: the last address is {area.name}{area.last}")
    if bit is not None and area.bits is None:
        flags = f"{area.name}S{index}"
        raise CodecError(f"{text}: {area.name} has no bits; its completion flag is {flags}")
    if bit is not None and area.is_flags:
        raise CodecError(f"{text}: {area.name}{index} is a flag already, and has no bits")
    if bit is not None and bit > 15:
        raise CodecError(f"{text}: a word has the bits 00 to 15")
    place = Address(area, index, bit, (found[4] or "").strip().lower())
    if place.is_bits and place.type:
        raise CodecError(f"{text}: a bit has no type: leave {place.type} out")
    return place
