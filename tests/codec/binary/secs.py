"""The items of SECS-II (SEMI E5), declared: a tree of lists, texts, bytes and numbers."""

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

__all__ = [
    "F4",
    "F8",
    "I1",
    "I2",
    "I4",
    "I8_",
    "U1",
    "U2",
    "U4",
    "U8_",
    "A",
    "B",
    "Boolean",
    "Item",
    "J",
    "L",
]

IN_BYTES = Counted(InTag(), in_bytes=True)


@frozen
class L:
    items: Annotated[list[Item], Counted(InTag())]


@frozen
class A:
    text: Annotated[str, Counted(InTag())]


@frozen
class J:
    text: Annotated[str, Counted(InTag()), Encoded("shift_jis")]


@frozen
class B:
    data: Annotated[bytes, Counted(InTag())]


@frozen
class Boolean:
    values: Annotated[list[bool], IN_BYTES]


@frozen
class I1:
    values: Annotated[list[I8], IN_BYTES]


@frozen
class I2:
    values: Annotated[list[I16], IN_BYTES]


@frozen
class I4:
    values: Annotated[list[I32], IN_BYTES]


@frozen
class I8_:
    values: Annotated[list[I64], IN_BYTES]


@frozen
class U1:
    values: Annotated[list[U8], IN_BYTES]


@frozen
class U2:
    values: Annotated[list[U16], IN_BYTES]


@frozen
class U4:
    values: Annotated[list[U32], IN_BYTES]


@frozen
class U8_:
    values: Annotated[list[U64], IN_BYTES]


@frozen
class F4:
    values: Annotated[list[F32], IN_BYTES]


@frozen
class F8:
    values: Annotated[list[F64], IN_BYTES]


Item = Annotated[
    L | B | Boolean | A | J | I8_ | I1 | I2 | I4 | F8 | F4 | U8_ | U1 | U2 | U4,
    Tagged(
        U8,
        {
            0o00: L,
            0o10: B,
            0o11: Boolean,
            0o20: A,
            0o21: J,
            0o30: I8_,
            0o31: I1,
            0o32: I2,
            0o34: I4,
            0o40: F8,
            0o44: F4,
            0o50: U8_,
            0o51: U1,
            0o52: U2,
            0o54: U4,
        },
        size_bits=2,
    ),
]
