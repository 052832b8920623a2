"""
The types of values, and their bytes: INT, REAL, STRING[30], DATE_AND_TIME and others.

Source: Siemens, "STEP 7: Ladder Logic, data types"; "S7-1200 Programmable controller, system manual", 4.4.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import CodecError

_LONGEST_STRING: Final = 254
"""The most characters of a STRING, which is also the length of one that does not say its own."""

_LONGEST_WSTRING: Final = 16382
"""The most characters of a WSTRING."""


@frozen
class Type:
    """
    A type of values.

    Attributes:
        name: its name in STEP 7 and TIA Portal.
        size: the bytes of a value.
        from_bytes: returns the value of its bytes. Raises CodecError.
        to_bytes: returns the bytes of a value; for texts those up to its end. Raises CodecError.
        says_length: False for a text without its length in the CPU. It cannot be written.
    """

    name: str
    size: int
    from_bytes: Callable[[bytes], Any]
    to_bytes: Callable[[Any], bytes]
    says_length: bool = True
    stride: int = field(init=False)

    @stride.default
    def _even_if_long(self) -> int:
        # In an array each element that is longer than a byte begins at an even byte.
        return self.size if self.size == 1 else self.size + self.size % 2

    def size_of(self, count: int) -> int:
        """Return the bytes of so many values."""
        return self.stride * (count - 1) + self.size if count else 0

    def read(self, content: bytes, count: int) -> list[Any]:
        """Return the values in their bytes. Raises CodecError."""
        starts = range(0, count * self.stride, self.stride)
        return [self.from_bytes(content[start : start + self.size]) for start in starts]

    def write(self, values: Sequence[Any]) -> bytes:
        """
        Return the bytes of values, up to the end of the last one.

        Raises:
            CodecError: a value does not fit the type.
        """
        if not self.says_length:
            raise CodecError(
                f"say the length that the {self.name} has in the CPU, as in {self.name}[30], to write it"
            )
        if len(values) > 1 and self.size > 8:
            raise CodecError(f"write each {self.name} by itself")
        parts = [self.to_bytes(value) for value in values]
        return b"".join(part.ljust(self.stride, b"\0") for part in parts[:-1]) + parts[-1]


def _number(name: str, code: str) -> Type:
    """Return a type of whole numbers."""
    packed = struct.Struct(f">{code}")
    bits, signed = packed.size * 8, code.islower()
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def to_bytes(value: Any) -> bytes:
        if type(value) is not int or not least <= value <= most:
            raise CodecError(f"{name} is a whole number from {least} to {most}, not {value!r}")
        return packed.pack(value)

    return Type(name, packed.size, lambda content: packed.unpack(content)[0], to_bytes)


def _float(name: str, code: str) -> Type:
    packed = struct.Struct(f">{code}")

    def to_bytes(value: Any) -> bytes:
        if type(value) not in (int, float):
            raise CodecError(f"{name} is a number, not {value!r}")
        try:
            return packed.pack(value)
        except (OverflowError, struct.error):
            raise CodecError(f"{brief_repr(value)} is too great for {name}") from None

    return Type(name, packed.size, lambda content: packed.unpack(content)[0], to_bytes)


def _bool_to_bytes(value: Any) -> bytes:
    if type(value) is not bool:
        raise CodecError(f"BOOL is True or False, not {value!r}")
    return bytes((value,))


BOOL: Final = Type("BOOL", 1, lambda content: bool(content[0] & 1), _bool_to_bytes)
"""A bit."""

NUMBERED: Final = _number("WORD", "H")
"""A timer or a counter, as the CPU gives it."""


def _char_to_bytes(value: Any) -> bytes:
    if not isinstance(value, str) or len(value) != 1:
        raise CodecError(f"CHAR is one character, not {value!r}")
    return _encoded(value, "latin-1")


def _encoded(value: str, encoding: str) -> bytes:
    try:
        return value.encode(encoding)
    except UnicodeEncodeError as error:
        shown = value[error.start : error.start + 1]
        raise CodecError(f"{shown!r} has no bytes in {encoding}") from None


def _string(length: int | None, encoding: str = "latin-1") -> Type:
    name, most = "STRING", _LONGEST_STRING if length is None else length
    if not 1 <= most <= _LONGEST_STRING:
        raise CodecError(f"a STRING has 1 to {_LONGEST_STRING} characters, not {most}")

    def from_bytes(content: bytes) -> str:
        used = content[1]
        if used > most:
            raise CodecError(f"the CPU says that {used} of {most} characters of {name} are used")
        try:
            return content[2 : 2 + used].decode(encoding)
        except UnicodeDecodeError as error:
            raise CodecError(
                f"{error.object[error.start : error.end]!r} is no text in {encoding}"
            ) from None

    def to_bytes(value: Any) -> bytes:
        if not isinstance(value, str):
            raise CodecError(f"{name} is a text, not {value!r}")
        content = _encoded(value, encoding)
        if len(content) > most:
            raise CodecError(f"{value!r} has {len(content)} bytes, but {name}[{most}] has {most}")
        return bytes((most, len(content))) + content

    return Type(name, 2 + most, from_bytes, to_bytes, says_length=length is not None)


def _wstring(length: int | None) -> Type:
    name, most = "WSTRING", _LONGEST_STRING if length is None else length
    if not 1 <= most <= _LONGEST_WSTRING:
        raise CodecError(f"a WSTRING has 1 to {_LONGEST_WSTRING} characters, not {most}")

    def from_bytes(content: bytes) -> str:
        (used,) = struct.unpack_from(">H", content, 2)
        if used > most:
            raise CodecError(f"the CPU says that {used} of {most} characters of {name} are used")
        return content[4 : 4 + 2 * used].decode("utf-16-be", "replace")

    def to_bytes(value: Any) -> bytes:
        if not isinstance(value, str):
            raise CodecError(f"{name} is a text, not {value!r}")
        content = _encoded(value, "utf-16-be")
        used = len(content) // 2
        if used > most:
            raise CodecError(f"{value!r} has {used} characters, but {name}[{most}] has {most}")
        return struct.pack(">HH", most, used) + content

    return Type(name, 4 + 2 * most, from_bytes, to_bytes, says_length=length is not None)


def _bcd(content: bytes) -> list[int]:
    digits = content.hex()
    if not digits.isdecimal():
        raise CodecError(f"{digits} are not decimal digits: this is not a DATE_AND_TIME")
    return [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]


def _date_and_time_from_bytes(content: bytes) -> datetime:
    year, month, day, hour, minute, second, hundredths, rest = _bcd(content[:7] + bytes((content[7] >> 4,)))
    year += 1900 if year >= 90 else 2000
    return _datetime(year, month, day, hour, minute, second, (hundredths * 10 + rest) * 1000)


def _datetime(*parts: int) -> datetime:
    try:
        return datetime(*parts)  # type: ignore[arg-type]
    except ValueError as error:
        raise CodecError(f"the CPU gives {parts}, which is not a date: {error}") from None


def _weekday(value: datetime) -> int:
    return value.isoweekday() % 7 + 1  # Sunday is 1


def _check_zone(name: str, value: Any) -> None:
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise CodecError(f"{name} has no time zone, but {value} has: give the time of the CPU without one")


def _date_and_time_to_bytes(value: Any) -> bytes:
    _check_zone("DATE_AND_TIME", value)
    if not isinstance(value, datetime) or not 1990 <= value.year <= 2089:
        raise CodecError(f"DATE_AND_TIME is a datetime of the years 1990 to 2089, not {value!r}")
    digits = f"{value:%y%m%d%H%M%S}{value.microsecond // 1000:03}{_weekday(value)}"
    return bytes.fromhex(digits)


_DTL: Final = struct.Struct(">H6BI")


def _dtl_from_bytes(content: bytes) -> datetime:
    year, month, day, _, hour, minute, second, nanoseconds = _DTL.unpack(content)
    return _datetime(year, month, day, hour, minute, second, nanoseconds // 1000)


def _dtl_to_bytes(value: Any) -> bytes:
    _check_zone("DTL", value)
    if not isinstance(value, datetime) or not 1970 <= value.year <= 2262:
        raise CodecError(f"DTL is a datetime of the years 1970 to 2262, not {value!r}")
    day = value.year, value.month, value.day, _weekday(value)
    return _DTL.pack(*day, value.hour, value.minute, value.second, value.microsecond * 1000)


_TYPES: Final = {
    each.name: each
    for each in (
        *map(_number, ("BYTE", "WORD", "DWORD", "LWORD"), "BHIQ"),
        *map(_number, ("SINT", "INT", "DINT", "LINT"), "bhiq"),
        *map(_number, ("USINT", "UINT", "UDINT", "ULINT"), "BHIQ"),
        _float("REAL", "f"),
        _float("LREAL", "d"),
        Type("CHAR", 1, lambda content: content.decode("latin-1"), _char_to_bytes),
        Type("DATE_AND_TIME", 8, _date_and_time_from_bytes, _date_and_time_to_bytes),
        Type("DTL", 12, _dtl_from_bytes, _dtl_to_bytes),
        _number("TIME", "i"),  # in milliseconds
    )
}
_TYPES["DT"] = _TYPES["DATE_AND_TIME"]

PLAIN: Final = {"B": _TYPES["BYTE"], "W": _TYPES["WORD"], "D": _TYPES["DWORD"]}
"""The types of addresses that say none."""


def find_type(name: str, length: str | None, encoding: str = "latin-1") -> Type:
    """
    Return a type.

    Args:
        name: its name, such as ``REAL``.
        length: the characters of a text, or None.
        encoding: the encoding of a STRING.

    Raises:
        CodecError: there is no such type.
    """
    name = name.upper()
    if name == "STRING":
        return _string(None if length is None else int(length), encoding)
    if name == "WSTRING":
        return _wstring(None if length is None else int(length))
    if length is not None:
        raise CodecError(f"only STRING and WSTRING have a length, not {name}")
    if name not in _TYPES:
        known = ", ".join((*_TYPES, "STRING", "WSTRING"))
        raise CodecError(f"there is no type {name}; the types are {known}")
    return _TYPES[name]
