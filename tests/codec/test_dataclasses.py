"""Dataclasses, in every place that takes attrs classes: parameters, results, bits, the command line."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from random import Random
from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, command, declaration_of
from tcpcomm.codec import (
    F32,
    U8,
    U16,
    Binary,
    Bits,
    Codec,
    Counted,
    Field,
    Json,
    JsonRpc,
    MessageSpec,
    Template,
)
from tcpcomm.codec.base import MISSING, Request
from tcpcomm.codec.random_values import draw
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.framing import Delimited
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.values import jsonable, lines_of, read_arguments


@dataclass(frozen=True)
class Point:
    x: F32
    y: F32

    def __post_init__(self) -> None:
        if self.x == 999.0:
            raise ValueError("999 stands for no point")


@dataclass(kw_only=True)
class Scan:
    count: U16
    points: Annotated[list[Point], Counted(U8)] = field(default_factory=list)
    total: int = field(default=0, init=False)


@dataclass
class State:
    moving: bool
    mode: Annotated[int, Bits(3)]


@dataclass
class Hidden:
    x: U8
    seed: InitVar[int]


@dataclass(frozen=True)
class Grade:
    score: int
    note: str = "none"


SCANS = [Scan(count=3), Scan(count=7, points=[Point(1.0, 2.5), Point(-4.0, 0.5)])]
TEMPLATE = MessageSpec("scan", "Camera.scan", "SCN", "S,{count:d}[,{points*;:{x:.2f},{y:.2f}}]", (), Scan)


def carried(codec: Codec, spec: MessageSpec, result: Any) -> Any:
    """Return a result that was written and read."""
    dialect = codec.bind([spec])
    (frame,) = dialect.reply(Request("scan", {}, 1), result)
    (answer,) = dialect.read_at_host(frame)
    reader = dialect.reply_reader("scan")
    assert reader is not None
    return reader.take(getattr(answer, "body"))  # noqa: B009 - it is an Answer, not an Event


@pytest.mark.parametrize(
    ("codec", "spec"),
    [
        (Template(), TEMPLATE),
        (Json(), MessageSpec("scan", "Camera.scan", result=Scan)),
        (Json(result=None, fault="error"), MessageSpec("scan", "Camera.scan", result=Scan)),
        (JsonRpc(), MessageSpec("scan", "Camera.scan", result=Scan)),
        (Binary(), MessageSpec("scan", "Camera.scan", 1, result=Scan)),
    ],
    ids=["template", "json", "json-flat", "json-rpc", "binary"],
)
def test_a_dataclass_is_a_result_with_a_list_of_dataclasses(codec: Codec, spec: MessageSpec) -> None:
    for scan in SCANS:
        assert scan == carried(codec, spec, scan)
    dialect = codec.bind([spec])
    assert all(isinstance(dialect.draw_result("scan", Random(seed)), Scan) for seed in range(20))


def test_a_dataclass_is_a_parameter_of_json_and_of_bytes() -> None:
    point = (Field("point", Point),)
    for codec, wire in ((Json(), "go"), (Binary(), 1)):
        dialect = codec.bind([MessageSpec("go", "Robot.go", wire, parameters=point)])
        frame = dialect.request("go", {"point": Point(1.0, -0.5)}, 1)
        (request,) = dialect.read_at_equipment(frame).requests
        assert {"point": Point(1.0, -0.5)} == getattr(request, "values", None)


def test_a_dataclass_has_the_bits_of_a_number() -> None:
    dialect = Binary().bind([MessageSpec("scan", "Camera.scan", 1, result=Annotated[State, U8])])
    assert [b"\x01\x0b"] == dialect.reply(Request("scan", {}), State(True, 5))


@pytest.mark.parametrize(
    ("codec", "wire", "frame"),
    [
        (Template(), "P", b"999.0,1.0"),
        (Json(), "P", b'{"result":{"x":999,"y":1}}'),
        (Binary(), 1, bytes.fromhex("01 4479C000 3F800000")),
    ],
    ids=["template", "json", "binary"],
)
def test_what_the_dataclass_itself_refuses_is_refused(codec: Codec, wire: Any, frame: bytes) -> None:
    reply = "{x},{y}" if isinstance(codec, Template) else MISSING
    dialect = codec.bind([MessageSpec("scan", "Camera.scan", wire, reply, (), Point)])
    (answer,) = dialect.read_at_host(frame)
    reader = dialect.reply_reader("scan")
    assert reader is not None
    with pytest.raises(CodecError, match="999 stands for no point"):
        reader.take(getattr(answer, "body", None))


def test_another_type_than_the_dataclass_is_refused() -> None:
    dialect = Template().bind([TEMPLATE])
    with pytest.raises(CodecError, match="must be a Scan, not Grade"):
        dialect.reply(Request("scan", {}), Grade(1))


def test_a_dataclass_with_a_value_that_cannot_be_read_back_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Hidden\.seed is an InitVar, which cannot be read back"):
        Binary().bind([MessageSpec("scan", "Camera.scan", 1, result=Hidden)])


def test_a_dataclass_is_drawn_printed_and_read_from_a_command_line() -> None:
    grade = draw(Grade, Random(1))
    assert isinstance(grade, Grade)
    assert {"score": 3, "note": "x"} == jsonable(Grade(3, "x"))
    assert ["score: 3", "note: x"] == [*lines_of(Grade(3, "x"))]
    assert {"grade": Grade(3)} == read_arguments([Field("grade", Grade)], ['grade={"score": 3}'])


class Camera(Equipment):
    """A camera."""

    framing = Delimited(b"\r\n")
    codec = Json()

    @command()
    async def grade(self) -> Grade:
        """Grade the part."""
        raise NotImplementedError


def test_the_manual_describes_a_dataclass_without_the_text_that_python_makes() -> None:
    (grade,) = facts_of(declaration_of(Camera))["types"]
    fields = [{"name": "score", "type": "int"}, {"name": "note", "type": "str", "default": "none"}]
    assert {"name": "Grade", "doc": "", "fields": fields} == grade
