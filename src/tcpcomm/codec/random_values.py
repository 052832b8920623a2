"""
Plausible values of an annotation, drawn from a :class:`random.Random`: the same ones for the same seed.

Simulators answer with them, and tests send them. They look like what equipment says, a job number or a
coordinate, with an edge case now and then. With the Random of ``hypothesis.strategies.randoms`` they
become property tests that shrink.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, Flag
from functools import reduce
from operator import or_
from random import Random
from typing import Any, Final, Literal, get_args, get_origin

import attrs

from tcpcomm.codec.annotations import bare_type, fields_of, type_text, union_members
from tcpcomm.errors import ConfigurationError

__all__ = ["TRIES", "draw"]

_WORDS: Final = (
    "ready",
    "part 7",
    "A-12",
    "",
    " ",
    "0",
    "no,comma;here",
    "작업 시작",
    "Größe °C",
    '"\\/\n\0',
    "\U0001f600",
)
_DEPTH: Final = 3
"""Levels of values within values, below which lists stay empty and what may be None is None."""
TRIES: Final = 100
"""How often values are drawn for a class whose validators refuse them, before that is given up."""


def draw(annotation: Any, random: Random) -> Any:
    """
    Draw a value of an annotation.

    Args:
        annotation: bool, int, float, str, bytes, None, datetime, date, time, an Enum, Literal, union, list,
            tuple, dict, an attrs class, or Any; what stands in Annotated is not looked at.
        random: where the choices come from.

    Raises:
        ConfigurationError: it is of no such type, or an attrs class whose validators refuse all that is
            drawn.
    """
    return _draw(annotation, random, _DEPTH)


def _draw(annotation: Any, random: Random, depth: int) -> Any:
    annotation = bare_type(annotation)
    if annotation in _LEAVES:
        return _LEAVES[annotation](random)
    several = union_members(annotation)
    if several:
        if depth <= 0 and type(None) in several:
            return None
        return _draw(random.choice(several), random, depth - 1)
    origin, arguments = get_origin(annotation), get_args(annotation)
    size = random.randint(0, 3) if depth > 0 else 0
    if origin is Literal:
        return random.choice(arguments)
    if origin is list:
        return [_draw(arguments[0], random, depth - 1) for _ in range(size)]
    if origin is tuple:
        if arguments[-1:] == (...,):
            arguments = arguments[:1] * size
        return tuple(_draw(each, random, depth - 1) for each in arguments)
    if origin is dict:
        key, value = arguments
        return {_draw(key, random, depth - 1): _draw(value, random, depth - 1) for _ in range(size)}
    if isinstance(annotation, type) and issubclass(annotation, Flag):
        members = [each for each in annotation if random.random() < 0.5]
        return reduce(or_, members, annotation(0))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return random.choice([*annotation])
    if isinstance(annotation, type) and attrs.has(annotation):
        return _draw_instance(annotation, random, depth)
    raise ConfigurationError(f"no value of {type_text(annotation)} can be drawn")


def _draw_instance(cls: type, random: Random, depth: int) -> Any:
    """An instance that its validators accept: they are asked, for they cannot be read."""
    problem: Exception | None = None
    for _ in range(TRIES):
        values: dict[str, Any] = {
            str(attrs.fields_dict(cls)[field.name].alias): _draw(field.type, random, depth - 1)
            for field in fields_of(cls)
        }
        try:
            return cls(**values)
        except ValueError as error:
            problem = error
    raise ConfigurationError(f"{cls.__name__} refused {TRIES} drawn values, the last of them so: {problem}")


def _draw_int(random: Random) -> int:
    return random.choice(
        (random.randint(0, 9), random.randint(-999, 999), random.randint(-(2**31), 2**31 - 1), 0, 2**53 + 1)
    )


def _draw_float(random: Random) -> float:
    return random.choice(
        (
            round(random.uniform(-999, 999), 3),
            float(random.randint(-99, 99)),
            random.random(),
            1e-9,
            1.5e300,
        )
    )


def _draw_datetime(random: Random) -> datetime:
    zone = random.choice((None, UTC, timezone(timedelta(hours=9))))
    moment = datetime(2000, 1, 1, tzinfo=zone) + timedelta(seconds=random.randint(0, 3_000_000_000))
    return moment.replace(microsecond=random.choice((0, 1, 250_000, 999_999)))


def _draw_anything(random: Random) -> Any:
    return random.choice((None, True, random.randint(-999, 999), 0.5, "ready", [1, "two"], {"x": 1.5}))


_LEAVES: Final[dict[Any, Callable[[Random], Any]]] = {
    type(None): lambda random: None,
    Any: _draw_anything,
    bool: lambda random: random.random() < 0.5,
    bytes: lambda random: bytes(random.randint(0, 255) for _ in range(random.randint(0, 6))),
    date: lambda random: date(2000, 1, 1) + timedelta(days=random.randint(0, 36_000)),
    datetime: _draw_datetime,
    float: _draw_float,
    int: _draw_int,
    str: lambda random: random.choice(_WORDS),
    time: lambda random: time(random.randint(0, 23), random.randint(0, 59), random.randint(0, 59)),
}
