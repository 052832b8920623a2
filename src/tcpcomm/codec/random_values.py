"""
Plausible random values of an annotation: :func:`draw`. The same seed gives the same values.

Simulators answer with these values, and tests send them. Most look like real data of equipment, and some
are edge cases. With the Random of ``hypothesis.strategies.randoms``, property tests shrink.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum, Flag
from functools import reduce
from inspect import isclass
from operator import or_
from random import Random
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

from tcpcomm.codec.annotations import (
    arguments_of,
    bare_type,
    fields_of,
    has_fields,
    metadata_of,
    type_text,
    union_members,
)
from tcpcomm.codec.ranges import bounds_of, number_of
from tcpcomm.errors import ConfigurationError

P = TypeVar("P")
T = TypeVar("T")

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
TRIES: Final = 100
"""The number of attempts to draw values that the validators of a class accept."""


def draw(annotation: Any, random: Random, depth: int = 3) -> Any:
    """
    Draw a value of an annotation.

    Args:
        annotation: bool, int, float, str, bytes, None, datetime, date, time, an Enum, Literal, union, list,
            tuple, dict, an attrs class, a dataclass, or Any; a Range is kept, other metadata are ignored.
        random: the source of random numbers.
        depth: the depth of nested values. Deeper, lists are empty and optional values are None.

    Raises:
        ConfigurationError: the annotation is none of these, or the validators of a class refuse all
            drawn values.
    """
    limits = bounds_of(annotation) if metadata_of(annotation) else None
    if limits is not None:
        may_be_none = type(None) in union_members(annotation)
        if may_be_none and (depth <= 0 or random.random() < 0.5):
            return None
        return limits.draw(number_of(annotation), random, lambda value: value)
    annotation = bare_type(annotation)
    if annotation in _LEAVES:
        return _LEAVES[annotation](random)
    members = union_members(annotation)
    if members:
        if depth <= 0 and type(None) in members:
            return None
        return draw(random.choice(members), random, depth - 1)
    origin, arguments = get_origin(annotation), get_args(annotation)
    size = random.randint(0, 3) if depth > 0 else 0
    if origin is Literal:
        return random.choice(arguments)
    if origin is list:
        return [draw(arguments[0], random, depth - 1) for _ in range(size)]
    if origin is tuple:
        if arguments[-1:] == (...,):
            arguments = arguments[:1] * size
        return tuple(draw(each, random, depth - 1) for each in arguments)
    if origin is dict:
        key, value = arguments
        return {draw(key, random, depth - 1): draw(value, random, depth - 1) for _ in range(size)}
    if isclass(annotation) and issubclass(annotation, Flag):
        flags = [each for each in annotation if random.random() < 0.5]
        return reduce(or_, flags, annotation(0))
    if isclass(annotation) and issubclass(annotation, Enum):
        return random.choice([*annotation])
    if has_fields(annotation):
        return _draw_instance(annotation, random, depth - 1)
    raise ConfigurationError(f"no value of {type_text(annotation)} can be drawn: its type is not supported")


def _draw_instance(cls: type, random: Random, depth: int) -> Any:
    fields, arguments = fields_of(cls), arguments_of(cls)

    def draw_arguments() -> dict[str, Any]:
        return {arguments[each.name]: draw(each.type, random, depth) for each in fields}

    return draw_accepted(draw_arguments, lambda arguments: cls(**arguments), cls.__name__)


def draw_accepted(draw_parts: Callable[[], P], make: Callable[[P], T], name: str) -> T:
    """
    Draw the parts of a value until the validators of its class accept them.

    Args:
        draw_parts: draws the parts.
        make: returns the value for its parts; raises ValueError if a validator refuses them.
        name: the name of the class, for the error.

    Raises:
        ConfigurationError: the validators refused all drawn values.
    """
    for _ in range(TRIES):
        parts = draw_parts()
        try:
            return make(parts)
        except ValueError as error:
            problem = error
    raise ConfigurationError(f"{name} refused {TRIES} drawn values; its last error: {problem}")


def _draw_int(random: Random) -> int:
    return random.choice(
        (random.randint(0, 9), random.randint(-999, 999), random.randint(-(2**31), 2**31 - 1), 0, 2**53 + 1)
    )


def _draw_float(random: Random) -> float:
    usual = round(random.uniform(-999, 999), 3), float(random.randint(-99, 99)), random.random()
    return random.choice((*usual, 1e-9, 1.5e300))


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
