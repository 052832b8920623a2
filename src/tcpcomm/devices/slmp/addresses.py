"""
The devices of a MELSEC controller and their addresses: :class:`Address`, :data:`KINDS`.

From "SLMP Reference Manual", SH(NA)-080956ENG, section 5.2: a table of names, codes and notations, and the
two layouts of an address. Step relays and retentive timers are in "MELSEC Communication Protocol Reference
Manual", SH(NA)-080008, section 8.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

from attrs import evolve, frozen

from tcpcomm.codec import U8, U16, U24, U32, Fixed, Via
from tcpcomm.devices.word_types import WordType, word_type
from tcpcomm.errors import CodecError, Fault


@frozen
class Kind:
    """
    A kind of device, such as data registers.

    Attributes:
        name: its name: ``D``.
        code: its number on the wire.
        bits: True if each device is a bit.
        base: 10 or 16: how GX Works writes its device numbers.
        short: its name in two ASCII characters, without the ``*`` behind it; empty if it needs four.
        doubles: True if each device is a number of 32 bits. Such devices are read and written one by one.
        meaning: what it is.
    """

    name: str
    code: int
    bits: bool
    base: int
    short: str
    doubles: bool
    meaning: str


_ROWS: Final = """
    SM  91 bit  10 special relays
    SD  A9 word 10 special registers
    X   9C bit  16 inputs
    Y   9D bit  16 outputs
    M   90 bit  10 internal relays
    L   92 bit  10 latch relays
    F   93 bit  10 annunciators
    V   94 bit  10 edge relays
    B   A0 bit  16 link relays
    D   A8 word 10 data registers
    W   B4 word 16 link registers
    S   98 bit  10 step relays
    TS  C1 bit  10 contacts of timers
    TC  C0 bit  10 coils of timers
    TN  C2 word 10 current values of timers
    STS C7 bit  10 contacts of retentive timers
    STC C6 bit  10 coils of retentive timers
    STN C8 word 10 current values of retentive timers
    CS  C4 bit  10 contacts of counters
    CC  C3 bit  10 coils of counters
    CN  C5 word 10 current values of counters
    SB  A1 bit  16 link special relays
    SW  B5 word 16 link special registers
    DX  A2 bit  16 direct inputs
    DY  A3 bit  16 direct outputs
    Z   CC word 10 index registers
    R   AF word 10 file registers of the current block
    ZR  B0 word 10 file registers by serial number
    RD  2C word 10 refresh data registers
    LZ  62 double 10 long index registers
    LTN 52 double 10 current values of long timers
    LSTN 5A double 10 current values of long retentive timers
    LCN 56 double 10 current values of long counters
    LCS 55 bit  10 contacts of long counters
    LCC 54 bit  10 coils of long counters
"""
_LONG: Final = frozenset({"RD", "LZ", "LTN", "LSTN", "LCN", "LCS", "LCC"})
"""The kinds that only the longer layout of iQ-R has."""
_HEX_IN_ASCII: Final = frozenset({"ZR"})
"""The kinds with decimal numbers in GX Works and in the CPU, and hexadecimal ones in messages in ASCII."""
_SHORT_NAMES: Final = {"STS": "SS", "STC": "SC", "STN": "SN"}


def _kinds() -> dict[str, Kind]:
    found = {}
    for row in _ROWS.strip().splitlines():
        name, code, size, base, meaning = row.split(maxsplit=4)
        short = "" if name in _LONG else _SHORT_NAMES.get(name, name)
        found[name] = Kind(name, int(code, 16), size == "bit", int(base), short, size == "double", meaning)
    return found


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(_kinds())
"""The kinds of devices by their names."""

OCTAL: Final[Mapping[str, int]] = MappingProxyType({"X": 8, "Y": 8})
"""The notation of FX5 (iQ-F): its inputs and outputs are octal, so that Y10 is the ninth output."""

_BY_CODE: Final = {kind.code: kind.name for kind in KINDS.values()}
_BY_SHORT: Final = {kind.short: kind.name for kind in KINDS.values() if kind.short}
_LONGEST_FIRST: Final = sorted(KINDS, key=len, reverse=True)
_DIGITS: Final = {8: "01234567", 10: "0123456789", 16: "0123456789ABCDEF"}
_NAMES: Final = {8: "octal", 10: "decimal", 16: "hexadecimal"}

REQUEST_CONTENT: Final[int] = 0xC05C
"""The end code of an FX5 for a device that it does not have."""


@frozen
class Address:
    """
    A device: its kind by name, and its number.

    ::

        Address("D", 100)        Address("X", 0x1F)

    On the wire it has 4 bytes, or 8 characters in ASCII.
    """

    device: str
    number: int

    def __str__(self) -> str:
        kind = KINDS.get(self.device)
        number = f"{self.number:X}" if kind is not None and kind.base == 16 else f"{self.number}"
        return f"{self.device}{number}"

    @property
    def kind(self) -> Kind:
        """
        The kind of the device.

        Raises:
            Fault: there is none of this name, as a controller answers it.
        """
        found = KINDS.get(self.device)
        if found is None:
            raise Fault(REQUEST_CONTENT)
        return found


class LongAddress(Address):
    """An address in the longer layout of iQ-R: 6 bytes, or 12 characters in ASCII."""


@frozen
class Place:
    """
    A place that a person has written: ``D100``, ``X1F``, ``D100.A``, ``D100:f32``, ``D100:str[16]``.

    Attributes:
        kind: the kind of the device.
        number: its number.
        bit: the bit of a word, behind the dot; None if there is none.
        type: the type of the value, behind the colon; empty if there is none.
    """

    kind: Kind
    number: int
    bit: int | None = None
    type: str = ""

    @property
    def is_text(self) -> bool:
        """True if its value is a text."""
        return self.type.startswith("str")

    def type_in(self, encoding: str, value: Any = 0) -> WordType:
        """
        Return the type of its value in words. Without a type, a negative number is written as well.

        Args:
            encoding: the encoding of texts.
            value: the value that is written, if one is.
        """
        name = self.type
        if not name:
            is_negative = isinstance(value, int) and value < 0
            name = ("i" if is_negative else "u") + ("32" if self.kind.doubles else "16")
        return word_type(name, encoding, word_order="little", text_order="little")


def place_of(text: str, notation: Mapping[str, int] = MappingProxyType({})) -> Place:
    """
    Return the place that a text names.

    Args:
        text: the address as the field writes it. Lower case is the same.
        notation: the bases of kinds that a controller does not write as the manual says, by name.

    Raises:
        CodecError: it names no place.
    """
    if not isinstance(text, str):
        raise CodecError(f"an address is a text, such as 'D100', not {text!r}")
    written, colon, type = text.strip().partition(":")
    head, dot, bit = written.upper().partition(".")
    name = next((each for each in _LONGEST_FIRST if head.startswith(each)), None)
    if name is None:
        raise CodecError(f"{text!r} names no device: write one such as D100. There are {_known()}")
    kind, digits = KINDS[name], head.removeprefix(name)
    base = notation.get(name, kind.base)
    if not digits or not set(digits) <= set(_DIGITS[base]):
        raise CodecError(f"{text!r}: {name} are {kind.meaning}, and have {_NAMES[base]} numbers: {name}10")
    number = int(digits, base)
    if colon:
        return _typed(text, Place(kind, number), type.strip().lower(), has_bit=bool(dot))
    if not dot:
        return Place(kind, number)
    if kind.bits or kind.doubles:
        raise CodecError(f"{text!r}: only a word has bits behind a dot, and {name} are {kind.meaning}")
    if len(bit) != 1 or bit not in _DIGITS[16]:
        raise CodecError(f"{text!r}: the bit of a word is one digit from 0 to F, such as D100.A")
    return Place(kind, number, int(bit, 16))


def _typed(text: str, place: Place, type: str, *, has_bit: bool) -> Place:
    """Return the place with a type behind a colon. Raises CodecError."""
    if has_bit:
        raise CodecError(f"{text!r}: a bit has no type: leave {type} out")
    if place.kind.bits:
        raise CodecError(f"{text!r}: {place.kind.name} are {place.kind.meaning}, which have no type")
    try:
        found = word_type(type, "ascii", word_order="little", text_order="little")
    except CodecError as error:
        raise CodecError(f"{text!r}: {error}") from None
    if place.kind.doubles and (found.words != 2 or type.startswith("str")):
        raise CodecError(f"{text!r}: {place.kind.name} are {place.kind.meaning}, of 32 bits")
    return evolve(place, type=type)


def _known() -> str:
    return ", ".join(KINDS)


A = TypeVar("A", bound=Address)


@frozen
class _Short:
    number: U24
    code: U8


@frozen
class _Long:
    number: U32
    code: U16


@frozen
class _ShortText:
    code: Annotated[str, Fixed(2)]
    number: Annotated[str, Fixed(6)]


@frozen
class _LongText:
    code: Annotated[str, Fixed(4)]
    number: Annotated[str, Fixed(8)]


def _known_kind(address: Address, *, short: bool) -> Kind:
    kind = KINDS.get(address.device)
    if kind is None:
        raise ValueError(f"there is no device {address.device}; there are {_known()}")
    if short and not kind.short:
        raise ValueError(f"{address.device} needs the commands for iQ-R")
    return kind


def _in_bytes(made: type[A], wire: type[Any], *, short: bool) -> Via:
    def read(found: Any) -> A:
        name = _BY_CODE.get(found.code, "")
        known = bool(name) and (KINDS[name].short != "" or not short)
        return made(name if known else f"?{found.code:02X}", found.number)

    def write(address: A) -> Any:
        _check_type(address, made)
        return wire(address.number, _known_kind(address, short=short).code)

    return Via(wire, read, write, lambda random: _drawn(made, random, short=short))


def _base_in_ascii(kind: Kind) -> int:
    return 16 if kind.name in _HEX_IN_ASCII else kind.base


def _in_text(made: type[A], wire: type[Any], *, short: bool) -> Via:
    names = _BY_SHORT if short else {name: name for name in KINDS}
    size, width = (6, 2) if short else (8, 4)

    def read(found: Any) -> A:
        name = names.get(found.code.rstrip("* "))
        if name is None:
            return made(f"?{found.code}", 0)
        digits, base = found.number.lstrip(" "), _base_in_ascii(KINDS[name])
        if not digits or not set(digits) <= set(_DIGITS[base]):
            raise ValueError(f"the number of {name} must have {_NAMES[base]} digits, not {found.number!r}")
        return made(name, int(digits, base))

    def write(address: A) -> Any:
        _check_type(address, made)
        kind = _known_kind(address, short=short)
        form = "X" if _base_in_ascii(kind) == 16 else "d"
        number = f"{address.number:0{size}{form}}"
        if address.number < 0 or len(number) > size:
            raise ValueError(f"the number of {address} has more than {size} digits")
        return wire((kind.short if short else kind.name).ljust(width, "*"), number)

    return Via(wire, read, write, lambda random: _drawn(made, random, short=short))


def _check_type(address: Any, made: type[Address]) -> None:
    if type(address) is not made:
        raise TypeError(f"must be {'an' if made is Address else 'a'} {made.__name__}, not {address!r}")


def _drawn(made: type[A], random: Random, *, short: bool) -> A:
    names = [kind.name for kind in KINDS.values() if kind.short or not short]
    return made(random.choice(names), random.choice((random.randint(0, 99), random.randint(0, 999))))


IN_BYTES: Final[Mapping[type, Via]] = MappingProxyType(
    {
        Address: _in_bytes(Address, _Short, short=True),
        LongAddress: _in_bytes(LongAddress, _Long, short=False),
    }
)
"""Both layouts of addresses in bytes: the number, then the code."""

IN_TEXT: Final[Mapping[type, Via]] = MappingProxyType(
    {
        Address: _in_text(Address, _ShortText, short=True),
        LongAddress: _in_text(LongAddress, _LongText, short=False),
    }
)
"""Both layouts of addresses in ASCII: the name, then the number, with decimal or hexadecimal digits."""
