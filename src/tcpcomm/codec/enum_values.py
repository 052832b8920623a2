"""Members of an Enum, a Flag or a Literal, and the plain values that messages carry for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, Flag
from typing import Any, Final

from tcpcomm.codec.numpy_values import native
from tcpcomm.codec.problems import wrong

Conversion = Callable[[Any], Any]
"""A function that turns one value into another, or raises CodecError."""


def choice(members: Mapping[Any, Any], label: str) -> tuple[Conversion, Conversion]:
    """
    Return the functions that read and write one of several members.

    Args:
        members: the members by their plain values.
        label: the plain values, for the error of a wrong one. That of a wrong member names the members.
    """

    def look_up(table: Mapping[Any, Any], label: str) -> Conversion:
        kinds = {kind for kind, _ in table}  # True is not 1 here

        def convert(value: Any) -> Any:
            if type(value) not in kinds:
                value = native(value)
            try:
                return table[type(value), value]
            except (KeyError, TypeError):
                raise wrong(f"one of {label}", value) from None

        return convert

    return (
        look_up({(type(value), value): member for value, member in members.items()}, label),
        look_up(
            {(type(member), member): value for value, member in members.items()},
            " | ".join(map(_as_written, members.values())),
        ),
    )


def _as_written(member: Any) -> str:
    """Return a member as a program writes it: ``Axis.X``, ``True``."""
    return f"{type(member).__name__}.{member.name}" if isinstance(member, Enum) else repr(member)


class _OneBit(Flag):
    BIT = 1


def _drops_unnamed_bits() -> bool:
    """Return True on early versions of Python 3.11, such as 3.11.2, where a Flag does so in silence."""
    try:
        _OneBit(2)
    except ValueError:
        return False
    return True


_DROPS_BITS: Final = _drops_unnamed_bits()


def flag(cls: type[Flag]) -> tuple[Conversion, Conversion]:
    """Return the functions that read and write a Flag as a sum. Its class decides on unnamed bits."""

    def read(value: Any) -> Flag:
        if type(value) is not int or value < 0:
            raise wrong(f"a sum of numbers of {cls.__name__}", value)
        try:
            found = cls(value)
        except ValueError:
            found = None
        if found is None or (_DROPS_BITS and found.value != value):
            raise wrong(f"a sum of numbers of {cls.__name__}", value)
        return found

    def write(value: Any) -> int:
        if type(value) is not cls:
            raise wrong(f"a {cls.__name__}", value)
        return int(value.value)

    return read, write
