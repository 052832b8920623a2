"""
The unit and the range of a number, for every codec: :class:`Unit` and :class:`Range`.

::

    async def move(self, x: Annotated[float, Unit("mm"), Range(-50, 50)]) -> None: ...

A value beyond its range is refused where it is sent and where it is read. Simulators draw values within it,
and manuals print it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from math import ceil, floor
from random import Random
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec.annotations import bare_type, metadata_of, type_text, union_members
from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import CodecError, ConfigurationError

_TRIES: Final = 100
_SPAN: Final = 1000
"""The width of the values that are drawn if a range has one end only."""


@frozen
class Unit:
    """The unit of a number, for people: ``Annotated[float, Unit("mm")]``."""

    text: str


@frozen
class Range:
    """
    The smallest and the largest value of a number, both allowed: ``Annotated[int, Range(1, 99)]``.

    Args:
        low: the smallest value; None: no limit.
        high: the largest value; None: no limit.

    Raises:
        ConfigurationError: the range is empty.
    """

    low: float | Decimal | None = None
    high: float | Decimal | None = None

    def __attrs_post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low <= self.high:
            raise ConfigurationError(f"Range({self.low}, {self.high}) is empty: the smaller end is first")


@frozen
class Limits:
    """The range and the unit of an annotation."""

    low: float | Decimal | None
    high: float | Decimal | None
    unit: str

    @property
    def text(self) -> str:
        """The range and the unit for people: ``-50 to 50 mm``; empty if there is none."""
        if self.low is not None and self.high is not None:
            shown = f"{self.low} to {self.high}"
        elif self.low is not None:
            shown = f"at least {self.low}"
        else:
            shown = "" if self.high is None else f"at most {self.high}"
        return f"{shown} {self.unit}".strip()

    @property
    def is_bounded(self) -> bool:
        """Return True if some values are refused."""
        return self.low is not None or self.high is not None

    def check(self, value: Any) -> None:
        """Raise CodecError if a number is beyond the range. None is not a number, and passes."""
        if value is None:
            return
        if (self.low is None or value >= self.low) and (self.high is None or value <= self.high):
            return
        expected = f"from {self.text}" if self.low is not None and self.high is not None else self.text
        raise CodecError(f"must be {expected}, not {brief_repr(value)}")

    def check_at(self, settle: Callable[[Any], Any]) -> Callable[[Any], None]:
        """
        Return a check that allows both ends also as they arrive: 32 bits hold 0.1 as a little more.

        Args:
            settle: returns the value that arrives for a sent one, or raises CodecError.
        """
        ends = []
        for end in (self.low, self.high):
            with suppress(CodecError):
                ends += [] if end is None else [settle(end)]

        def check(value: Any) -> None:
            if value not in ends:
                self.check(value)

        return check

    def draw(self, kind: type[Any], random: Random, settle: Callable[[Any], Any]) -> Any:
        """
        Draw a value within the range.

        Args:
            kind: int, float or Decimal.
            random: the source of random numbers.
            settle: returns the value that arrives for a sent one, or raises CodecError.

        Raises:
            ConfigurationError: no drawn value could be sent.
        """
        for _ in range(_TRIES):
            with suppress(CodecError):
                value = settle(self._candidate(kind, random))
                self.check(value)
                return value
        raise ConfigurationError(f"no value within its range, {self.text}, can be sent in its format")

    def _candidate(self, kind: type[Any], random: Random) -> Any:
        low = self.low if self.low is not None else (self.high or 0) - _SPAN
        high = self.high if self.high is not None else low + _SPAN
        if random.random() < 0.1:
            return kind(random.choice((low, high)))
        if kind is int:
            return random.randint(ceil(low), floor(high))
        value = random.uniform(float(low), float(high))
        return kind(str(round(value, random.choice((0, 1, 3)))))


def limits_of(annotation: Any) -> Limits | None:
    """
    Return the range and the unit of an annotation, or None if it has neither.

    Raises:
        ConfigurationError: a range or a unit belongs to a type that is not a number.
    """
    several = union_members(annotation)
    notes = [*metadata_of(annotation), *(note for each in several for note in metadata_of(each))]
    ranges = [note for note in notes if isinstance(note, Range)]
    units = [note for note in notes if isinstance(note, Unit)]
    if not ranges and not units:
        return None
    if len(ranges) > 1 or len(units) > 1:
        raise ConfigurationError(f"{brief_repr(ranges if len(ranges) > 1 else units)}: keep one of them")
    kind = number_of(annotation)
    limits = ranges[0] if ranges else Range()
    unit = units[0].text if units else ""
    return Limits(_end(limits.low, kind), _end(limits.high, kind), unit)


def _end(given: float | Decimal | None, kind: type[Any]) -> float | Decimal | None:
    """Return the end of a range as a value of its type has it: 0.1 is not quite Decimal("0.1")."""
    if kind is Decimal and isinstance(given, float):
        return Decimal(repr(given))
    return float(given) if kind is float and isinstance(given, Decimal) else given


def number_of(annotation: Any) -> type[Any]:
    """Return int, float or Decimal, the type that a range belongs to; or raise ConfigurationError."""
    members = union_members(annotation) or (annotation,)
    kinds = {bare_type(each) for each in members} - {type(None)}
    if len(kinds) != 1 or not kinds <= {int, float, Decimal}:
        raise ConfigurationError(
            f"Range and Unit belong to a number, not to {type_text(annotation)}: for a list, write "
            "list[Annotated[float, Range(0, 1)]]"
        )
    (kind,) = kinds
    assert isinstance(kind, type)
    return kind


def bounds_of(annotation: Any) -> Limits | None:
    """Return the range of an annotation, or None if all values are allowed."""
    limits = limits_of(annotation)
    return limits if limits is not None and limits.is_bounded else None
