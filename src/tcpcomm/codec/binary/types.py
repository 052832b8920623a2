"""
Types for annotations that say how a value looks in bytes, for :class:`~tcpcomm.codec.Binary`.

::

    @frozen
    class Track:
        axis: Annotated[Axis, U8]                         an Enum in one byte
        name: Annotated[str, Fixed(16, pad=" ")]          text in 16 bytes
        points: Annotated[list[Point], Counted(U16)]      a count, then so many points

To a type checker ``U16`` is int, ``F32`` is float, and ``Annotated[str, Fixed(16)]`` is str.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError

Order = Literal["big", "little"]


def _check_order(order: str | None) -> None:
    if order not in (None, "big", "little"):
        raise ConfigurationError(f"order must be big or little, not {order!r}")


@frozen
class Int:
    """
    A whole number, or a value that one encodes: bool, Enum, Flag, Literal, or an attrs class of bits.

    Args:
        width: bytes, 1 to 8.
        signed: whether it may be negative, in two's complement.
        order: ``big`` or ``little``; None: the byte order of the codec.
    """

    width: int
    signed: bool = False
    order: Order | None = None

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.width <= 8:
            raise ConfigurationError(f"an Int has 1 to 8 bytes, not {self.width}")
        _check_order(self.order)


@frozen
class Float:
    """
    A number of IEEE 754. NaN and infinity pass unchanged, because the format has them.

    Args:
        width: bytes, 4 or 8. In 4 bytes a number is rounded to about 7 digits.
        order: ``big`` or ``little``; None: the byte order of the codec.
    """

    width: int
    order: Order | None = None

    def __attrs_post_init__(self) -> None:
        if self.width not in (4, 8):
            raise ConfigurationError(f"a Float has 4 or 8 bytes, not {self.width}")
        _check_order(self.order)


@frozen
class Bits:
    """The bits of a field, in an attrs class that one number encodes. The first field has the lowest."""

    width: int

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.width <= 64:
            raise ConfigurationError(f"a field has 1 to 64 bits, not {self.width}")


@frozen
class Fixed:
    """
    Text or bytes of a fixed size, or a list of a fixed length.

    Args:
        size: bytes, or elements of a list.
        pad: the character that fills text up. With zero bytes, the text ends at the first of them.
    """

    size: int
    pad: str = "\0"

    def __attrs_post_init__(self) -> None:
        if self.size < 1:
            raise ConfigurationError(f"size must be at least 1, not {self.size}")
        if len(self.pad) != 1:
            raise ConfigurationError(f"pad is one character, not {self.pad!r}")


@frozen
class Counted:
    """
    Text, bytes or a list, with its length before it.

    Args:
        count: the type of the length: ``U8``, ``U16``, ...
        in_bytes: whether the length of a list counts bytes and not elements.
    """

    count: Any
    in_bytes: bool = field(default=False, kw_only=True)


@frozen
class CountedBy:
    """
    Text, bytes or a list, with its length in an earlier field.

    Args:
        name: the earlier field or parameter. The sender must set it to the length.
        in_bytes: whether the length of a list counts bytes and not elements.
    """

    name: str
    in_bytes: bool = field(default=False, kw_only=True)


@frozen
class Rest:
    """Text, bytes or a list that takes the rest of the frame."""


@frozen
class Encoded:
    """The encoding of text, if it is not the codec's: ``Annotated[str, Fixed(16), Encoded("cp949")]``."""

    encoding: str


@frozen
class Before:
    """Bytes before a value that have no meaning: constant bytes, or so many that are zero and skipped."""

    constant: bytes | int


@frozen
class After:
    """Bytes behind a value that have no meaning: constant bytes, or so many that are zero and skipped."""

    constant: bytes | int


U8: TypeAlias = Annotated[int, Int(1)]
U16: TypeAlias = Annotated[int, Int(2)]
U24: TypeAlias = Annotated[int, Int(3)]
U32: TypeAlias = Annotated[int, Int(4)]
U40: TypeAlias = Annotated[int, Int(5)]
U48: TypeAlias = Annotated[int, Int(6)]
U56: TypeAlias = Annotated[int, Int(7)]
U64: TypeAlias = Annotated[int, Int(8)]
I8: TypeAlias = Annotated[int, Int(1, signed=True)]
I16: TypeAlias = Annotated[int, Int(2, signed=True)]
I24: TypeAlias = Annotated[int, Int(3, signed=True)]
I32: TypeAlias = Annotated[int, Int(4, signed=True)]
I40: TypeAlias = Annotated[int, Int(5, signed=True)]
I48: TypeAlias = Annotated[int, Int(6, signed=True)]
I56: TypeAlias = Annotated[int, Int(7, signed=True)]
I64: TypeAlias = Annotated[int, Int(8, signed=True)]
F32: TypeAlias = Annotated[float, Float(4)]
F64: TypeAlias = Annotated[float, Float(8)]
