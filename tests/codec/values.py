"""attrs classes and enums of many shapes, for the declarations in the tests of codecs."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import Enum, Flag, IntEnum
from typing import Any, Literal

from attrs import field, frozen, validators

__all__ = ["Axis", "Door", "Light", "Measurement", "Position", "Reading", "Recipe", "Tree"]


class Light(Enum):
    RED = "red"
    GREEN = "green"


class Axis(IntEnum):
    X = 1
    Y = 2


class Door(Flag):
    LEFT = 1
    RIGHT = 4


@frozen
class Position:
    x: float
    y: float
    angle: float = 0.0


@frozen
class Reading:
    name: str
    value: float | None
    at: datetime
    raw: bytes = b""


@frozen
class Recipe:
    points: list[Position]
    limits: tuple[int, float]
    labels: dict[str, int]
    marks: tuple[str, ...]
    light: Light
    axis: Axis
    door: Door
    mode: Literal["fast", "slow", 3, True]
    day: date
    when: time
    anything: Any
    either: int | str | Position | None
    count: int = field(default=0, validator=validators.ge(-(2**40)))


@frozen
class Tree:
    value: int
    children: list[Tree]


@frozen
class Measurement:
    ok: bool
    values: list[float]
