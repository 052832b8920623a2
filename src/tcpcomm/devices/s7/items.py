"""
The variables in a job: :class:`Item` in the parameters, and their values in the data.

Each value stands behind a code, a size, and a length that counts bits or bytes. A zero byte follows a value
of an odd number of bytes, but not the last value. Source: the dissector "s7comm" of Wireshark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Annotated, Final

from attrs import frozen

from tcpcomm.codec import U8, U16, U24, Before, Counted, Rest
from tcpcomm.devices.s7.codes import ReturnCode
from tcpcomm.errors import CodecError

ITEM_BYTES: Final = 12
"""The bytes of an item."""

VALUE_HEAD: Final = 4
"""The bytes before each value: code, size and length."""

MOST_VARIABLES: Final = 20
"""
Variables in one job, because a CPU of the S7-300 takes 20. A longer read becomes several jobs. A longer
write is refused, and nothing is sent.
"""


class Size(IntEnum):
    """The size of the elements of an item."""

    BIT = 0x01
    BYTE = 0x02
    CHAR = 0x03
    WORD = 0x04
    INT = 0x05
    DWORD = 0x06
    DINT = 0x07
    REAL = 0x08
    COUNTER = 0x1C
    TIMER = 0x1D

    @property
    def width(self) -> int:
        """The bytes of one element; 1 for a bit."""
        return _WIDTHS[self]


_WIDTHS: Final = {
    Size.BIT: 1,
    Size.BYTE: 1,
    Size.CHAR: 1,
    Size.WORD: 2,
    Size.INT: 2,
    Size.DWORD: 4,
    Size.DINT: 4,
    Size.REAL: 4,
    Size.COUNTER: 2,
    Size.TIMER: 2,
}

_BITS: Final = 0x03
_BYTES: Final = 0x04
_INTS: Final = 0x05
_REALS: Final = 0x07
_OCTETS: Final = 0x09
_COUNT_BITS: Final = (_BITS, _BYTES, _INTS)
"""The sizes before values with a length in bits."""

_SENT_AS: Final = {
    Size.BIT: _BITS,
    Size.CHAR: _OCTETS,
    Size.INT: _INTS,
    Size.DINT: _INTS,
    Size.REAL: _REALS,
    Size.COUNTER: _OCTETS,
    Size.TIMER: _OCTETS,
}
"""The size that stands before a value, for the size in its item; else it is in bytes."""


@frozen
class Item:
    """
    A variable in a job, in the syntax S7-Any.

    Attributes:
        size: the size of its elements, a :class:`Size`.
        count: the number of its elements.
        block: the number of the data block; 0 in other areas.
        area: the area, an :class:`~tcpcomm.devices.s7.Area`.
        place: the number of its first bit, from the first byte of the area on; or the number of a timer or
            a counter.
    """

    size: Annotated[int, Before(b"\x12\x0a\x10"), U8]
    count: U16
    block: U16
    area: U8
    place: U24


@frozen
class Values:
    """
    The values that a read gives.

    Attributes:
        count: the number of variables.
        data: for each a code, a size, a length and the value.
    """

    count: U8
    data: Annotated[bytes, Rest()]


Items = Annotated[list[Item], Counted(U8)]
"""The variables of a job, behind their number."""


def parameters(body: bytes) -> int:
    """Return the bytes of the number of items, and of all items, at the beginning of a body."""
    end = 1
    for _ in range(body[0] if body else 0):
        if end + 1 >= len(body):
            return len(body)
        end += 2 + body[end + 1]
    return min(end, len(body))


def data(body: bytes) -> int:
    """Return the bytes of a body behind its items."""
    return len(body) - parameters(body)


def padded(size: int) -> int:
    """Return the bytes of a value with the zero byte that may follow it."""
    return size + size % 2


def write_values(values: Sequence[tuple[int, int, bytes]]) -> bytes:
    """
    Return the data of a job or a reply.

    Args:
        values: for each variable its code, the size in its item, and its bytes.
    """
    out = bytearray()
    for code, size, content in values:
        if len(out) % 2:
            out.append(0)
        sent_as = _SENT_AS.get(Size(size), _BYTES)
        length = len(content) * 8 if sent_as in (_BYTES, _INTS) else len(content)
        out += bytes((code, sent_as)) + length.to_bytes(2, "big") + content
    return bytes(out)


def write_failure(code: int) -> bytes:
    """Return the data of a variable that cannot be read."""
    return bytes((code, 0, 0, 0))


def read_values(count: int, content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """
    Yield for each variable its code, the size before its value, and its bytes.

    Raises:
        CodecError: the data end too early, or too late.
    """
    at = 0
    for index in range(count):
        if at % 2:
            at += 1
        head = content[at : at + VALUE_HEAD]
        if len(head) < VALUE_HEAD:
            raise CodecError(f"the data end before value {index + 1} of {count}")
        code, size = head[0], head[1]
        length = int.from_bytes(head[2:], "big")
        if code not in (0, ReturnCode.SUCCESS):
            length = 0  # some CPUs put a length before the value that is not there
        elif size in _COUNT_BITS:
            length = (length + 7) // 8
        at += VALUE_HEAD
        value = content[at : at + length]
        if len(value) < length:
            raise CodecError(
                f"value {index + 1} of {count} announces {length} bytes, but {len(value)} bytes follow"
            )
        at += length
        yield code, size, value
    if len(content) - at > at % 2:
        raise CodecError(f"{len(content) - at} bytes follow the last value")
