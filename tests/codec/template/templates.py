"""Values and short functions that the tests of templates share."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Any

from attrs import field, frozen
from attrs.validators import ge

from tcpcomm.codec import Dialect, Field, MessageSpec, Template
from tcpcomm.codec.base import Answer, Request
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import compile_template

__all__ = [
    "Judgement",
    "Mode",
    "Point",
    "Position",
    "Scan",
    "bound",
    "compiled_template",
    "replied",
    "results_of",
]


class Mode(IntEnum):
    STOP = 0
    RUN = 1


class Judgement(Enum):
    GOOD = "OK"
    BAD = "NG"


@frozen
class Position:
    x: float
    y: float
    angle: float


@frozen
class Point:
    x: float
    y: float


@frozen
class Scan:
    judgement: Judgement
    points: list[Point]
    score: int | None = field(default=None)


@frozen
class Checked:
    """A class that refuses values."""

    level: int = field(validator=ge(0))


def compiled_template(text: str, **types: Any) -> CompiledTemplate:
    """Return a template, compiled for fields of these types."""
    return compile_template(text, {name: Field(name, kind) for name, kind in types.items()})


def bound(
    wire: Any = "DO", reply: Any = "OK", result: Any = None, *, codec: Template | None = None, **types: Any
) -> Dialect:
    """Return a dialect with one command, ``do``."""
    parameters = tuple(Field(name, kind) for name, kind in types.items())
    spec = MessageSpec("do", "Device.do", wire, reply, parameters, result)
    return (codec or Template()).bind([spec])


def replied(dialect: Dialect, result: Any, name: str = "do") -> list[bytes]:
    """Return the frames of a reply, including its acknowledgement."""
    request = Request(name, {})
    begun = dialect.acknowledgement(request)
    return ([] if begun is None else [begun]) + dialect.reply(request, result)


def results_of(dialect: Dialect, *frames: bytes, name: str = "do") -> list[Any]:
    """Return the result of the reply reader for each frame of a reply."""
    answers = dialect.reply_reader(name)
    assert answers is not None
    found = []
    for frame in frames:
        (answer,) = dialect.read_at_host(frame)
        assert isinstance(answer, Answer)
        found.append(answers.take(answer.body))
    return found
