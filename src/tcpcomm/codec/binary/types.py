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

from collections.abc import Callable, Mapping
from random import Random
from typing import Annotated, Any, Literal, TypeAlias

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError

Order = Literal["big", "little", "hex"]
"""``hex``: a number is written as hexadecimal digits, the highest first, two for each of its bytes."""


def _check_order(order: str | None) -> None:
    if order not in (None, "big", "little", "hex"):
        raise ConfigurationError(f"order must be big, little or hex, not {order!r}")


@frozen
class Int:
    """
    A whole number, or a value that one encodes: bool, Enum, Flag, Literal, or an attrs class of bits.

    Args:
        width: bytes, 1 to 8.
        signed: whether it may be negative, in two's complement.
        order: ``big``, ``little`` or ``hex``; None: the byte order of the codec.
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
        order: ``big``, ``little`` or ``hex``; None: the byte order of the codec.
    """

    width: int
    order: Order | None = None

    def __attrs_post_init__(self) -> None:
        if self.width not in (4, 8):
            raise ConfigurationError(f"a Float has 4 or 8 bytes, not {self.width}")
        _check_order(self.order)


@frozen
class Bits:
    """
    The bits of a field in an attrs class that one number encodes, or of an item in a list of bits.

    ``list[Annotated[bool, Bits(1)]]`` puts eight items into a byte. The first field or item has the lowest
    bits, unless :class:`HighestFirst` says otherwise.
    """

    width: int

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.width <= 64:
            raise ConfigurationError(f"a field has 1 to 64 bits, not {self.width}")


@frozen
class HighestFirst:
    """The first field of an attrs class of bits, or the first item of a list of bits, has the highest."""


@frozen
class Fixed:
    """
    A fixed size: of text, bytes, a list, or an attrs class.

    Args:
        size: bytes, or elements of a list.
        pad: the character that fills text up. With zero bytes, the text ends at the first of them.
        count: the type of a number before it that says how many of the bytes or elements are used, such as
            ``U8``. The others are padding. None: there is no such number.
    """

    size: int
    pad: str = "\0"
    count: Any = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.size < 1:
            raise ConfigurationError(f"size must be at least 1, not {self.size}")
        if len(self.pad) != 1:
            raise ConfigurationError(f"pad is one character, not {self.pad!r}")


@frozen
class Counted:
    """
    Text, bytes, a list, or any value of varying size, with its length before it.

    A list may have two: ``Counted(U16), Counted(U8, in_bytes=True)`` is the number of its elements, then
    their size in bytes, then the elements.

    Args:
        count: the type of the length: ``U8``, ``U16``, ..., or :class:`InTag`.
        in_bytes: whether the length of a list counts bytes and not elements.
        step: the bytes that one step of the length stands for: 2 if it counts words of 16 bits.
        adjust: a number that is added to the length: 2 if it also counts its own two bytes.
    """

    count: Any
    in_bytes: bool = field(default=False, kw_only=True)
    step: int = field(default=1, kw_only=True)
    adjust: int = field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_step(self.step)


@frozen
class CountedBy:
    """
    Text, bytes, a list, or any value of varying size, with its length in an earlier field.

    Args:
        name: the earlier field or parameter, which the sender must set to the length; or the name of a
            :class:`Derived` number. ``head.count`` is the field ``count`` of the field ``head``.
        in_bytes: whether the length of a list counts bytes and not elements.
        step: the bytes that one step of the length stands for: 2 if it counts words of 16 bits.
        adjust: a number that is added to the length.
    """

    name: str
    in_bytes: bool = field(default=False, kw_only=True)
    step: int = field(default=1, kw_only=True)
    adjust: int = field(default=0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        _check_step(self.step)


def _check_step(step: int) -> None:
    if step < 1:
        raise ConfigurationError(f"step must be at least 1, not {step}")


@frozen
class Derived:
    """
    A number on the wire that follows from the values, and is not one itself: ``Before(Derived("n", U8))``.

    A later :class:`CountedBy` or :class:`TaggedBy` has its name, and the sender computes it from there.

    Args:
        name: its name.
        type: its type: ``U8``, ``U16``, ...
    """

    name: str
    type: Any


@frozen
class EndedBy:
    """
    Text, bytes or a list that goes on to an end mark, such as a zero byte.

    Args:
        end: the bytes that end it. A value that holds them is refused.
    """

    end: bytes

    def __attrs_post_init__(self) -> None:
        if not self.end:
            raise ConfigurationError("the end mark of EndedBy must have at least one byte")


@frozen
class Aligned:
    """
    Zero bytes behind a value, up to a multiple of some number of bytes. No length counts them.

    Args:
        size: that number of bytes.
    """

    size: int

    def __attrs_post_init__(self) -> None:
        if self.size < 2:
            raise ConfigurationError(f"size must be at least 2, not {self.size}")


@frozen(eq=False)
class Tagged:
    """
    A value of one of several types, with a tag before it that tells which.

    ::

        Annotated[int | str, Tagged(U8, {1: U16, 2: Annotated[str, Counted(U8)]})]
        Annotated[int | None, Tagged(U8, {0: None, 1: I32})]

    Args:
        type: the type of the tag: ``U8``, ``Annotated[bytes, Fixed(2)]``, ...
        alternatives: the type for each tag. Their values must differ in their Python type; make an attrs
            class of each if they do not.
        size_bits: the lowest bits of the tag that tell how many bytes the length behind it has, as SECS-II
            items have two. The tags are given without these bits, and each type begins with
            ``Counted(InTag())``.
    """

    type: Any
    alternatives: Mapping[Any, Any]
    size_bits: int = field(default=0, kw_only=True)


@frozen
class InTag:
    """The type of a length that has as many bytes as the tag before it tells: ``Counted(InTag())``."""


@frozen(eq=False)
class TaggedBy:
    """
    A value of one of several types, with an earlier field that tells which.

    Args:
        name: the earlier field or parameter, or the name of a :class:`Derived` number. ``head.kind`` is the
            field ``kind`` of the field ``head``.
        alternatives: the type for each value of that field; None if nothing follows.
        mask: the bits of that number that tell it. The tags have these bits only.
        other: the type for all other values of the field. None: they are refused.
    """

    name: str
    alternatives: Mapping[Any, Any]
    mask: int | None = field(default=None, kw_only=True)
    other: Any = field(default=None, kw_only=True)


@frozen
class Rest:
    """Text, bytes or a list that takes the rest of the frame."""


@frozen
class Encoded:
    """The encoding of text, if it is not the codec's: ``Annotated[str, Fixed(16), Encoded("cp949")]``."""

    encoding: str


@frozen(eq=False)
class Via:
    """
    A value of a type of your own, by way of a value that bytes can carry.

    ::

        Annotated[IPv4Address, Via(Annotated[bytes, Fixed(4)], IPv4Address, attrgetter("packed"))]

    Args:
        wire: the annotation of the value in the bytes.
        read: returns your value for that value. Its exceptions are told as errors of the codec.
        write: returns that value for your value. Its exceptions are told, too.
        draw: draws one of your values, for simulators and tests. None: one that ``read`` accepts.
    """

    wire: Any
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]
    draw: Callable[[Random], Any] | None = None


@frozen
class Skip:
    """
    Bytes that are skipped when they are read: in a header, or beside a value with Before and After.

    Args:
        content: the number of bytes, which are sent as zero; or the bytes that are sent, such as the number
            of gateways that FINS still allows, which each of them lowers.
    """

    content: int | bytes


@frozen
class Before:
    """
    Bytes before a value that are not a value themselves.

    Args:
        constant: constant bytes, the number of bytes that are sent as zero and skipped, or a
            :class:`Derived` number, or :class:`Skip` for bytes that are sent so and skipped.
    """

    constant: bytes | int | Derived | Skip


@frozen
class After:
    """
    Bytes behind a value that are not a value themselves.

    Args:
        constant: constant bytes, the number of bytes that are sent as zero and skipped, or a
            :class:`Derived` number, or :class:`Skip` for bytes that are sent so and skipped.
    """

    constant: bytes | int | Derived | Skip


U8: TypeAlias = Annotated[int, Int(1)]
"""An unsigned number of 1 byte."""
U16: TypeAlias = Annotated[int, Int(2)]
"""An unsigned number of 2 bytes."""
U24: TypeAlias = Annotated[int, Int(3)]
"""An unsigned number of 3 bytes."""
U32: TypeAlias = Annotated[int, Int(4)]
"""An unsigned number of 4 bytes."""
U40: TypeAlias = Annotated[int, Int(5)]
"""An unsigned number of 5 bytes."""
U48: TypeAlias = Annotated[int, Int(6)]
"""An unsigned number of 6 bytes."""
U56: TypeAlias = Annotated[int, Int(7)]
"""An unsigned number of 7 bytes."""
U64: TypeAlias = Annotated[int, Int(8)]
"""An unsigned number of 8 bytes."""
I8: TypeAlias = Annotated[int, Int(1, signed=True)]
"""A signed number of 1 byte."""
I16: TypeAlias = Annotated[int, Int(2, signed=True)]
"""A signed number of 2 bytes."""
I24: TypeAlias = Annotated[int, Int(3, signed=True)]
"""A signed number of 3 bytes."""
I32: TypeAlias = Annotated[int, Int(4, signed=True)]
"""A signed number of 4 bytes."""
I40: TypeAlias = Annotated[int, Int(5, signed=True)]
"""A signed number of 5 bytes."""
I48: TypeAlias = Annotated[int, Int(6, signed=True)]
"""A signed number of 6 bytes."""
I56: TypeAlias = Annotated[int, Int(7, signed=True)]
"""A signed number of 7 bytes."""
I64: TypeAlias = Annotated[int, Int(8, signed=True)]
"""A signed number of 8 bytes."""
F32: TypeAlias = Annotated[float, Float(4)]
"""A floating-point number of IEEE 754, of 4 bytes."""
F64: TypeAlias = Annotated[float, Float(8)]
"""A floating-point number of IEEE 754, of 8 bytes."""
