"""Template: what it writes, what it reads, and what it refuses when a class is declared."""

from __future__ import annotations

from attrs import frozen

from tcpcomm.codec import Field, Form, Template
from tcpcomm.codec.base import Request


@frozen
class Position:
    x: float
    y: float
    angle: float


LOCATE = Form(
    "locate",
    "VisionCamera.locate",
    "TRG,{job}",
    "OK,{x:.3f},{y:.3f},{angle:.3f}",
    (Field("job", int),),
    Position,
)


def test_the_camera_of_the_tutorial_is_asked_and_answers() -> None:
    dialect = Template(encoding="ascii", fault="NG,{code:d},{reason}").bind([LOCATE])
    frame = dialect.request("locate", {"job": 3}, 0)
    assert b"TRG,3" == frame
    (request,) = dialect.read_at_equipment(frame).requests
    assert Request("locate", {"job": 3}) == request
    (reply,) = dialect.reply(request, Position(1.0, 2.0, 3.0))
    assert b"OK,1.000,2.000,3.000" == reply
