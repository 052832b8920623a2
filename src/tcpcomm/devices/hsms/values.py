"""
The items of SECS-II as Python values: :func:`encode` and :func:`decode`.

=====================  =======================================================================
the item               the Python value
=====================  =======================================================================
``L``                  a list
``A``                  str
``B``                  bytes
``BOOLEAN``            bool
``U4``                 int
``F8``                 float
``U1 U2 U8 I1 …``      :class:`U1`, :class:`U2` and so on, which are int
``F4``                 :class:`F4`, which is a float
``J``                  :class:`J`, which is a str
several numbers        an :class:`Array`: ``U2.array([1, 2])``, ``BOOLEAN.array([True, False])``
=====================  =======================================================================

An int that does not fit into ``U4`` is written as ``I4`` if it is negative, else as ``U8`` or ``I8``.
A value that was read is written as the same bytes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache
from itertools import starmap
from operator import index as whole_number
from random import Random
from struct import Struct, error
from typing import Any, ClassVar, Final, Self, TypeAlias

from tcpcomm.codec.binary.layouts.compiler import LayoutCompiler
from tcpcomm.codec.binary.layouts.layout import Layout
from tcpcomm.codec.limits import limited_lists
from tcpcomm.codec.problems import brief_repr, inside, wrong
from tcpcomm.devices.hsms import items
from tcpcomm.errors import CodecError

Value: TypeAlias = Any
"""A value of SECS-II, as the table of this module shows them; None is the body that is not there."""

MOST_SECS_ITEMS: Final = 100_000
"""Items in one list of SECS-II. A message with a longer list is refused."""

MOST_SECS_ITEMS_IN_ALL: Final = 250_000
"""
Items in all lists of one message of SECS-II; several numbers in one item count once. A message with more
is refused.
"""


class Array(tuple[Any, ...]):
    """
    Several numbers of one type, or none, in one item: ``U2.array([1, 2])``. It is a tuple.

    Attributes:
        of: the type of each number: ``U2``.
    """

    of: Any

    def __new__(cls, of: Any, numbers: Iterable[Any]) -> Self:
        self = super().__new__(cls, numbers)
        self.of = of
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Array) and self.of is not other.of:
            return False
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __repr__(self) -> str:
        return f"{self.of.__name__}.array({list(self)!r})"


class _Int(int):
    """A whole number of a certain size."""

    least: ClassVar[int]
    most: ClassVar[int]

    def __new__(cls, number: int) -> Self:
        if type(number) is not int:
            try:
                number = whole_number(number)
            except TypeError:
                raise CodecError(f"{cls.__name__} is a whole number, not {brief_repr(number)}") from None
        if not cls.least <= number <= cls.most:
            raise CodecError(f"{cls.__name__} is from {cls.least} to {cls.most}, not {number}")
        return super().__new__(cls, number)

    @classmethod
    def array(cls, numbers: Iterable[int]) -> Array:
        """Return an item of several numbers, or of none. Raises CodecError if one does not fit."""
        return Array(cls, [int(cls(each)) for each in numbers])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self)})"

    __str__ = int.__repr__


class U1(_Int):
    """An unsigned number of 1 byte."""

    least, most = 0, 2**8 - 1


class U2(_Int):
    """An unsigned number of 2 bytes."""

    least, most = 0, 2**16 - 1


class U4(_Int):
    """An unsigned number of 4 bytes. An item with one number is read as int."""

    least, most = 0, 2**32 - 1


class U8(_Int):
    """An unsigned number of 8 bytes."""

    least, most = 0, 2**64 - 1


class I1(_Int):
    """A signed number of 1 byte."""

    least, most = -(2**7), 2**7 - 1


class I2(_Int):
    """A signed number of 2 bytes."""

    least, most = -(2**15), 2**15 - 1


class I4(_Int):
    """A signed number of 4 bytes."""

    least, most = -(2**31), 2**31 - 1


class I8(_Int):
    """A signed number of 8 bytes."""

    least, most = -(2**63), 2**63 - 1


class _Float(float):
    """A floating-point number of a certain size."""

    @classmethod
    def array(cls, numbers: Iterable[float]) -> Array:
        """Return an item of several numbers, or of none. Raises CodecError if one does not fit."""
        return Array(cls, [float(cls(each)) for each in numbers])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({float(self)})"

    __str__ = float.__repr__


class F4(_Float):
    """A floating-point number of 4 bytes. It is rounded to about 7 digits, as it is on the wire."""

    def __new__(cls, number: float) -> Self:
        try:
            return super().__new__(cls, *_SINGLE.unpack(_SINGLE.pack(number)))
        except (OverflowError, error):
            raise CodecError(f"F4 is a number up to 3.4e38, not {number}") from None


class F8(_Float):
    """A floating-point number of 8 bytes. An item with one number is read as float."""


class BOOLEAN:
    """The type of bool, for several in one item: ``BOOLEAN.array([True, False])``."""

    @classmethod
    def array(cls, values: Iterable[bool]) -> Array:
        """Return an item of several bools, or of none."""
        return Array(cls, map(bool, values))


class J(str):
    """Text in JIS-8."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"J({super().__repr__()})"


class C2(bytes):
    """Text of 2-byte characters as its bytes: 2 bytes that name the encoding, then the characters."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"C2({super().__repr__()})"


_SINGLE: Final = Struct(">f")

_NUMBERS: Final[dict[Any, Any]] = {
    U1: items.U1Item,
    U2: items.U2Item,
    U4: items.U4Item,
    U8: items.U8Item,
    I1: items.I1Item,
    I2: items.I2Item,
    I4: items.I4Item,
    I8: items.I8Item,
    F4: items.F4Item,
    F8: items.F8Item,
}


@cache
def item_layout(encoding: str = "ascii") -> Layout:
    """Return the layout of an item. ``A`` items have this encoding."""
    with limited_lists(MOST_SECS_ITEMS):
        return LayoutCompiler("big", encoding).value(items.Item)


def encode(value: Value, encoding: str = "ascii") -> bytes:
    """
    Return the bytes of a value.

    Args:
        value: a value, as the table of this module shows them.
        encoding: the encoding of ``A`` items. The standard has ASCII only.

    Raises:
        CodecError: the value cannot be an item; the error names its place.

    Source: SEMI E5, section 9.
    """
    return item_layout(encoding).write(item_of(value))


def decode(data: bytes, encoding: str = "ascii", at: int = 0) -> Value:
    """
    Return the value of an item, which reaches to the end of the bytes.

    Args:
        data: the bytes.
        encoding: the encoding of ``A`` items.
        at: the index where the item begins.

    Raises:
        CodecError: the bytes are not one item, or there are too many items in its lists.
    """
    if len(data) - at > 2 * MOST_SECS_ITEMS_IN_ALL:  # an item has two bytes at least
        _check_number_of_items(data, at)
    item, end = item_layout(encoding).read(data, at)
    if end != len(data):
        raise CodecError(f"{len(data) - end} bytes follow the item")
    return value_of(item)


def _check_number_of_items(data: bytes, at: int) -> None:
    """Raise CodecError if there are more items than a message may have. They follow one another."""
    end = len(data)
    for _ in range(MOST_SECS_ITEMS_IN_ALL):
        if at >= end:
            return
        tag = data[at]
        begin = at + 1 + (tag & 3)
        at = begin if tag < 4 else begin + int.from_bytes(data[at + 1 : begin], "big")
    if at < end:
        raise CodecError(f"the message has more than {MOST_SECS_ITEMS_IN_ALL} items")


def value_of(item: Any) -> Value:
    """Return the Python value of an item of :mod:`tcpcomm.devices.hsms.items`."""
    return _VALUES[type(item)](item)


def item_of(value: Value) -> Any:
    """
    Return the item of a Python value.

    Raises:
        CodecError: SECS-II has no such item.
    """
    made = _ITEMS.get(type(value))
    return made(value) if made is not None else _item_of_subclass(value)


def _item_of_subclass(value: Value) -> Any:
    if isinstance(value, Enum):
        return item_of(value.value)
    for kind, made in _ITEMS.items():
        if isinstance(value, kind):
            return made(value)
    if value is None:
        raise CodecError("None is not an item: write [] for an empty list, or U4.array([]) for no number")
    raise wrong("a value of SECS-II, such as a list, str, bytes, bool, int, float or U2(7)", value)


def _list_item(value: Iterable[Any]) -> Any:
    made = []
    for index, each in enumerate(value):
        try:
            made.append(item_of(each))
        except CodecError as problem:
            raise inside(f"[{index}]", problem) from None
    return items.ListItem(made)


def _array_item(value: Array) -> Any:
    if value.of is BOOLEAN:
        return items.BooleanItem([int(each) for each in value])
    if value.of not in _NUMBERS:
        raise CodecError(f"an Array is of U1, I2, F4 and so on, not of {brief_repr(value.of)}")
    return _NUMBERS[value.of](list(value))


def _int_item(value: int) -> Any:
    if 0 <= value <= U4.most:
        return items.U4Item([int(value)])
    kind = next((each for each in (I4, U8, I8) if each.least <= value <= each.most), None)
    if kind is None:
        raise CodecError(f"{value} does not fit into 8 bytes")
    return _NUMBERS[kind]([int(value)])


def _number_maker(kind: Any, plain: Callable[[Any], Any]) -> Callable[[Any], Any]:
    item = _NUMBERS[kind]
    return lambda value: item([plain(value)])


_ITEMS: Final[dict[type[Any], Callable[[Any], Any]]] = {
    int: _int_item,
    str: items.AsciiItem,
    list: _list_item,
    float: lambda value: items.F8Item([float(value)]),
    bytes: lambda value: items.BinaryItem(bytes(value)),
    bool: lambda value: items.BooleanItem([int(value)]),
    Array: _array_item,
    J: lambda value: items.JisItem(str(value)),
    C2: lambda value: items.WideItem(bytes(value)),
    bytearray: lambda value: items.BinaryItem(bytes(value)),
    memoryview: lambda value: items.BinaryItem(bytes(value)),
    tuple: _list_item,
    **{kind: _number_maker(kind, float if issubclass(kind, float) else int) for kind in _NUMBERS},
}
"""Makes the item of a value, by its type."""


def _number_reader(kind: Any, one: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(item: Any) -> Any:
        values = item.values
        return one(values[0]) if len(values) == 1 else Array(kind, values)

    return read


def _booleans(item: Any) -> Any:
    values = [each != 0 for each in item.values]
    return values[0] if len(values) == 1 else Array(BOOLEAN, values)


def _list_value(item: Any) -> list[Any]:
    return [_VALUES[type(each)](each) for each in item.items]


_PLAIN: Final[dict[Any, Any]] = {U4: int, F8: float}
"""The types whose single numbers are read as Python's own, because those are written as them."""

_VALUES: Final[dict[type[Any], Callable[[Any], Any]]] = {
    items.ListItem: _list_value,
    items.AsciiItem: lambda item: item.text,
    items.JisItem: lambda item: J(item.text),
    items.WideItem: lambda item: C2(item.data),
    items.BinaryItem: lambda item: item.data,
    items.BooleanItem: _booleans,
    **{item: _number_reader(kind, _PLAIN.get(kind, kind)) for kind, item in _NUMBERS.items()},
}
"""Makes the value of an item, by its type."""


def draw(random: Random, deep: int = 2) -> Value:
    """Draw a value that can be sent, and is read as the same value."""
    if deep and random.random() < 0.4:
        return [draw(random, deep - 1) for _ in range(random.randint(0, 3))]
    kinds: list[Callable[[], Any]] = [
        lambda: random.randint(0, 2**32 - 1),
        lambda: "".join(random.choices("ABCdef 019-", k=random.randint(0, 8))),
        lambda: random.randbytes(random.randint(0, 4)),
        lambda: random.random() < 0.5,
        lambda: random.uniform(-1e6, 1e6),
        lambda: F4(random.uniform(-1e6, 1e6)),
        lambda: U1.array([random.randint(0, 255) for _ in range(random.choice([0, 2, 3]))]),
        *starmap(
            lambda kind: lambda: kind(random.randint(kind.least, kind.most)), [[U1], [U2], [U8], [I1], [I4]]
        ),
    ]
    return random.choice(kinds)()
