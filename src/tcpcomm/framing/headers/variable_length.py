"""Frames behind a length of varying width: :class:`VariableLength`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal, get_args

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing.base import Decoder, Framing, checked_bytes
from tcpcomm.framing.headers.header_framed import HeaderDecoder, More, Total, measured

VariableForm = Literal["varint", "ber", "decimal", "hex"]
"""The ways in which a length of variable width is written."""

_MOST_DIGITS: Final = 15
_MOST_BYTES: Final = 10  # of a varint with 64 bits
_ONE_MORE: Final = More(1)

_Read = Callable[[bytes], "int | More"]


@frozen
class VariableLength(Framing):
    r"""
    Each frame begins with its length, which is written in as many bytes as it needs.

    =========== ====================================================================== ===================
    ``varint``  LEB128: 7 bits in each byte, the lowest first; bit 80 says "one more"  ``AC 02`` is 300
    ``ber``     ASN.1: one byte up to 127; else 80 + n, and n bytes, the highest first ``82 01 2C`` is 300
    ``decimal`` ASCII digits up to ``end``                                             ``300:`` is 300
    ``hex``     hexadecimal digits up to ``end``                                       ``12C:`` is 300
    =========== ====================================================================== ===================

    ``varint`` is the length of protobuf's delimited messages, of MQTT, and of strings that C#'s
    ``BinaryWriter`` writes.

    Args:
        form: ``varint``, ``ber``, ``decimal`` or ``hex``.
        end: the mark behind the digits of ``decimal`` and ``hex``, such as ``b"\r\n"``. By default a colon.
        offset: the bytes before the length. They and the length stay in the frame, because only the
            application knows them.
        adjust: the number to add to the length, if it does not count exactly the bytes behind it.

    Raises:
        ConfigurationError: the values contradict each other.

    Source: DWARF 5, 7.6 (LEB128); ITU-T X.690, 8.1.3 (BER); MQTT 5, 1.5.5.
    """

    form: VariableForm = "varint"
    end: bytes = field(kw_only=True, converter=checked_bytes)
    offset: int = field(default=0, kw_only=True)
    adjust: int = field(default=0, kw_only=True)

    @end.default
    def _default_end(self) -> bytes:
        return b":" if self.form in ("decimal", "hex") else b""

    def __attrs_post_init__(self) -> None:
        if self.form not in get_args(VariableForm):
            forms = ", ".join(get_args(VariableForm))
            raise ConfigurationError(f"form must be one of {forms}, not {self.form!r}")
        digits = self.form in ("decimal", "hex")
        if digits != bool(self.end):
            raise ConfigurationError(
                f"the digits of {self.form} need an end, such as end=b':'"
                if digits
                else f"a length as {self.form} shows its own end: leave end={self.end!r} out"
            )
        if digits and self.end[:1] in b"0123456789ABCDEFabcdef":
            raise ConfigurationError(f"the end of the digits cannot begin with a digit: {self.end!r}")
        if self.offset < 0:
            raise ConfigurationError(f"offset cannot be negative: {self.offset}")

    @property
    def max_header(self) -> int:
        """The bytes of the longest header."""
        width = _MOST_DIGITS + len(self.end) if self.end else _MOST_BYTES
        return self.offset + width

    def decoder(self) -> Decoder:
        strip = 0 if self.offset else None
        return HeaderDecoder(self.offset + 1, _total_of(self), strip, self.max_frame, self.max_header)

    def encode(self, frame: bytes) -> bytes:
        return b"".join(self.encode_large(frame))

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        self.check_size(frame)
        if self.offset:
            size, shown = measured(_total_of(self), self.offset + 1, frame[: self.max_header])
            if size != len(frame):
                raise EncodeError(
                    f"the length in the frame, at byte {self.offset}, makes {size} bytes in all, but the "
                    f"frame has {len(frame)}: its header is {frame[:shown]!r}"
                )
            return (frame,)
        value = len(frame) - self.adjust
        if value < 0:
            raise EncodeError(f"a frame of {len(frame)} bytes has no length with adjust={self.adjust}")
        return (_WRITERS[self.form](value) + self.end, frame)


@lru_cache(maxsize=64)
def _total_of(framing: VariableLength) -> Total:
    """Return the header function of this framing."""
    offset, adjust, end = framing.offset, framing.adjust, framing.end
    if end:
        read = _reader_of_digits(framing.form, end)
    else:
        read = _read_varint if framing.form == "varint" else _read_ber

    def total(header: bytes) -> int | More:
        value = read(header[offset:])
        return value if isinstance(value, More) else len(header) + value + adjust

    return total


def _read_varint(field: bytes) -> int | More:
    if field[-1] & 0x80:
        if len(field) == _MOST_BYTES:
            raise ValueError(f"a varint of more than {_MOST_BYTES} bytes")
        return _ONE_MORE
    value = 0
    for byte in reversed(field):
        value = value << 7 | byte & 0x7F
    return value


def _write_varint(value: int) -> bytes:
    field = bytearray()
    while value > 0x7F:
        field.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*field, value))


def _read_ber(field: bytes) -> int | More:
    first = field[0]
    if first < 0x80:
        return first
    count = first & 0x7F
    if count == 0:
        raise ValueError("an indefinite length does not say where the frame ends")
    if count > _MOST_BYTES - 2:
        raise ValueError(f"a length of {count} bytes")
    return More(count) if len(field) == 1 else int.from_bytes(field[1:], "big")


def _write_ber(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    count = (value.bit_length() + 7) // 8
    return bytes((0x80 | count,)) + value.to_bytes(count, "big")


def _reader_of_digits(form: str, end: bytes) -> _Read:
    base, digits = (10, rb"[0-9]+") if form == "decimal" else (16, rb"[0-9A-Fa-f]+")
    whole = re.compile(b"(%b)%b" % (digits, re.escape(end)))
    begun, more = re.compile(digits), _ONE_MORE

    def read(field: bytes) -> int | More:
        match = whole.fullmatch(field)
        if match is not None:
            return int(match[1], base)
        match = begun.match(field)
        rest = field[match.end() :] if match else field
        if match is None or not end.startswith(rest):
            raise ValueError(f"digits and {end!r} must stand there")
        if match.end() > _MOST_DIGITS:
            raise ValueError(f"a length of more than {_MOST_DIGITS} digits")
        return more

    return read


_WRITERS: Final[dict[Any, Callable[[int], bytes]]] = {
    "varint": _write_varint,
    "ber": _write_ber,
    "decimal": b"%d".__mod__,
    "hex": b"%X".__mod__,
}
