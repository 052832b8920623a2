"""
The items of SECS-II as a layout of :class:`~tcpcomm.codec.Binary`: lists, texts, bytes and numbers.

Each item begins with a format code of 6 bits, then the number of its length bytes in 2 bits, then the
length (SEMI E5, section 9). Programs use the Python values of :mod:`tcpcomm.devices.hsms.values` instead.
"""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from tcpcomm.codec.binary.types import (
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Counted,
    Encoded,
    InTag,
    Tagged,
)

IN_BYTES = Counted(InTag(), in_bytes=True)


@frozen
class ListItem:
    """So many items."""

    items: Annotated[list[Item], Counted(InTag())]


@frozen
class AsciiItem:
    """Text in the encoding of the codec, ASCII by the standard."""

    text: Annotated[str, Counted(InTag())]


@frozen
class JisItem:
    """Text in JIS-8."""

    text: Annotated[str, Counted(InTag()), Encoded("shift_jis")]


@frozen
class WideItem:
    """Text of 2-byte characters, behind a header of 2 bytes that names their encoding."""

    data: Annotated[bytes, Counted(InTag())]


@frozen
class BinaryItem:
    """Bytes."""

    data: Annotated[bytes, Counted(InTag())]


@frozen
class BooleanItem:
    """Zero is false, and every other byte is true."""

    values: Annotated[list[U8], IN_BYTES]


@frozen
class I1Item:
    """Signed numbers of 1 byte."""

    values: Annotated[list[I8], IN_BYTES]


@frozen
class I2Item:
    """Signed numbers of 2 bytes."""

    values: Annotated[list[I16], IN_BYTES]


@frozen
class I4Item:
    """Signed numbers of 4 bytes."""

    values: Annotated[list[I32], IN_BYTES]


@frozen
class I8Item:
    """Signed numbers of 8 bytes."""

    values: Annotated[list[I64], IN_BYTES]


@frozen
class U1Item:
    """Unsigned numbers of 1 byte."""

    values: Annotated[list[U8], IN_BYTES]


@frozen
class U2Item:
    """Unsigned numbers of 2 bytes."""

    values: Annotated[list[U16], IN_BYTES]


@frozen
class U4Item:
    """Unsigned numbers of 4 bytes."""

    values: Annotated[list[U32], IN_BYTES]


@frozen
class U8Item:
    """Unsigned numbers of 8 bytes."""

    values: Annotated[list[U64], IN_BYTES]


@frozen
class F4Item:
    """Floating-point numbers of 4 bytes."""

    values: Annotated[list[F32], IN_BYTES]


@frozen
class F8Item:
    """Floating-point numbers of 8 bytes."""

    values: Annotated[list[F64], IN_BYTES]


Item = Annotated[
    ListItem
    | BinaryItem
    | BooleanItem
    | AsciiItem
    | JisItem
    | WideItem
    | I8Item
    | I1Item
    | I2Item
    | I4Item
    | F8Item
    | F4Item
    | U8Item
    | U1Item
    | U2Item
    | U4Item,
    Tagged(
        U8,
        {
            0o00: ListItem,
            0o10: BinaryItem,
            0o11: BooleanItem,
            0o20: AsciiItem,
            0o21: JisItem,
            0o22: WideItem,
            0o30: I8Item,
            0o31: I1Item,
            0o32: I2Item,
            0o34: I4Item,
            0o40: F8Item,
            0o44: F4Item,
            0o50: U8Item,
            0o51: U1Item,
            0o52: U2Item,
            0o54: U4Item,
        },
        size_bits=2,
    ),
]
