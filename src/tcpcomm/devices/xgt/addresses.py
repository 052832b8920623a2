"""
Addresses in the memory of an XGT controller, as people and controllers write them: :func:`address_of`.

``D100`` is the word ``%DW100``, and ``M172.C`` the bit ``%MX2764``: bit C (hexadecimal) of word 172.
Each unit is counted from the begin of the device: ``%DB200`` is the first byte of ``%DW100``. XGI and
XGR controllers have inputs and outputs by base, slot and number: ``%QX0.1.15``. A type may stand behind a
colon: ``D100:f32``.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from tcpcomm.errors import CodecError

UNIT_BITS: Final = {"X": 1, "B": 8, "W": 16, "D": 32, "L": 64}
"""The bits of each unit: bit, byte, word, double word, long word."""

LONGEST_NAME: Final = 16
"""Characters of an address on the wire, with the percent sign."""

_NAMED: Final = re.compile(r"%([A-Z]{1,2})([XBWDL])([0-9]+(?:\.[0-9]+)*)", re.ASCII)
_PLAIN: Final = re.compile(r"([A-Z]{1,2}?)([0-9]+)(?:\.([0-9A-F]))?", re.ASCII)
_PADDED_BIT: Final = re.compile(r"([PMKFL])([0-9]+)([A-F])", re.ASCII)

_DIGITS_OF_WORD: Final = dict.fromkeys("PMKF", 4) | {"L": 5}
"""The digits of a word in XG5000, for the devices whose bits have one digit more: M00100 is M10.0."""

_DEVICES: Final = "PMKFLDNRTCUIQ"

_EXAMPLES: Final = "D100, M172.C, %MW100, %DB200, %MX2764, %QX0.1.15 or D100:f32"


@frozen
class Address:
    """
    A place in the memory of a controller.

    Attributes:
        device: the letters of the device: ``D``, ``M``.
        unit: ``X`` for a bit, ``B`` for a byte, ``W`` for a word, ``D`` for 32 bits, ``L`` for 64 bits.
        number: the number in this unit, in decimal digits; with dots for inputs and outputs of XGI.
        type: the name of the type of its values, or empty.
    """

    device: str
    unit: str
    number: str
    type: str = ""

    @property
    def name(self) -> str:
        """The address on the wire: ``%MW100``."""
        return f"%{self.device}{self.unit}{self.number}"

    @property
    def has_bytes(self) -> bool:
        """True if the bytes of its neighbours have numbers, so that one request can carry many."""
        return "." not in self.number and (self.unit != "X" or self.device not in ("T", "C"))

    @property
    def first_bit(self) -> int:
        """The number of its first bit, from the begin of the device on."""
        return int(self.number) * UNIT_BITS[self.unit]

    def behind(self, count: int) -> Address:
        """Return the address so many units behind this one."""
        start, dot, last = self.number.rpartition(".")
        return Address(self.device, self.unit, f"{start}{dot}{int(last) + count}")

    def __str__(self) -> str:
        return f"{self.name}:{self.type}" if self.type else self.name


def _check_is_word(text: str, device: str, digits: str) -> None:
    """Raise CodecError if an address of a word has a letter for its unit, or the digits of a bit."""
    if len(device) == 2 and device[1] in UNIT_BITS and device[0] in _DEVICES:
        raise CodecError(f"{text}: write %{device}{digits}, or {device[0]}{int(digits)} for a word")
    if len(digits) > _DIGITS_OF_WORD.get(device, len(digits)):
        bit, word = f"{device}{int(digits[:-1])}.{digits[-1]}", f"%{device}W{int(digits)}"
        raise CodecError(f"{text} is a bit in XG5000: write {bit} for it, or {word} for the word")


def address_of(text: str) -> Address:
    """
    Return the address that a text such as ``D100`` or ``%MW100`` means.

    Raises:
        CodecError: it is not an address, or may mean a word and a bit.
    """
    if not isinstance(text, str):
        raise CodecError(f"{text!r} is not a text: write an address such as {_EXAMPLES}")
    written, _, type = text.strip().partition(":")
    named = _NAMED.fullmatch(written.upper())
    plain = None if named else _PLAIN.fullmatch(written.upper())
    type = type.strip().lower()
    if named is not None:
        found = Address(named[1], named[2], named[3], type)
    elif plain is not None and plain[3] is not None:
        found = Address(plain[1], "X", str(16 * int(plain[2]) + int(plain[3], 16)), type)
    elif plain is not None:
        _check_is_word(text, plain[1], plain[2])
        found = Address(plain[1], "W", str(int(plain[2])), type)
    elif (padded := _PADDED_BIT.fullmatch(written.upper())) is not None:
        raise CodecError(f"{text}: write {padded[1]}{int(padded[2])}.{padded[3]} for this bit")
    else:
        raise CodecError(f"{text!r} is not an address of an XGT controller: write {_EXAMPLES}")
    if len(found.name) > LONGEST_NAME:
        raise CodecError(f"{text}: an address has {LONGEST_NAME} characters at most")
    if type and (found.unit != "W" or not found.has_bytes):
        raise CodecError(f"{text}: only a word has a type: leave {type} out, or write D100:{type}")
    return found
