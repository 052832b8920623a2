"""Xml, with documents of many shapes."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tcpcomm.codec import Acknowledged, Field, MessageSpec, OneOf, Until, Xml
from tcpcomm.errors import Fault
from tests.codec.cases import Case
from tests.codec.template.templates import Judgement, Mode, Position, Scan

__all__ = ["CASES"]


@frozen
class Part:
    id: int
    name: str


@frozen
class Cause:
    cause: str = ""


ROBOT: Final = (
    MessageSpec(
        "locate",
        "Sensor.locate",
        '<Robot><Locate Mode="{mode}" Job="{job}"/></Robot>',
        '<Sensor>\n <Pos Y="{y:.3f}" X="{x:.3f}"/>\n <Angle>{angle:.2f}</Angle>\n</Sensor>',
        (Field("job", int), Field("mode", Mode)),
        Position,
    ),
    MessageSpec("ping", "Sensor.ping", '<Robot Alive="1"/>', '<Sensor Alive="1"></Sensor>'),
    MessageSpec(
        "teach",
        "Sensor.teach",
        "<Robot><Teach>{name}</Teach>[<Note>{note}</Note>]</Robot>",
        '<Sensor>{parts*:<Part Id="{id}"><Name>{name}</Name></Part>}</Sensor>',
        (Field("name", str), Field("note", str | None, None)),
        list[Part],
    ),
    MessageSpec(
        "scan",
        "Sensor.scan",
        "<Robot><Scan>{lamp:ON|OFF}</Scan></Robot>",
        '<Scan Judgement="{judgement}" Count="{#points}">{points*\n:<P>{x:.1f} {y:.1f}</P>}'
        "[<Score>{score}</Score>]</Scan>",
        (Field("lamp", bool),),
        Scan,
    ),
    MessageSpec("home", "Sensor.home", "<Robot><Home/></Robot>", reply=None),
    MessageSpec(
        "show",
        "Sensor.show",
        '<Robot><Show Size="{##text}">{text}</Show></Robot>',
        '<Sensor Shown="{##shown:04d}">{shown}</Sensor>',
        (Field("text", str),),
        str,
    ),
    MessageSpec(
        "alarm",
        "Sensor.alarm",
        '<Alarm Code="{code:04d}">{text}</Alarm>',
        parameters=(Field("code", int), Field("text", str)),
        is_event=True,
    ),
)
FORMS: Final = (
    MessageSpec(
        "weigh",
        "Scale.weigh",
        "<Weigh/>",
        OneOf('<Stable Value="{value:.2f}"/>', '<Moving Value="{value:.2f}"/>'),
        (),
        float,
    ),
    MessageSpec(
        "go", "Scale.go", "<Go/>", Acknowledged("<Taken/>", "<Done>{result}</Done>"), (), Judgement
    ),
    MessageSpec("names", "Scale.names", "<Names/>", Until("<End/>", "<Name>{name}</Name>"), (), list[str]),
)
NUMBERED: Final = (
    MessageSpec(
        "home",
        "Robot.home",
        '<Home Id="{id:d}" Axis="{axis:d}"/>',
        '<Reply Id="{id:d}" Axis="{axis:d}"/>',
        (Field("axis", int),),
    ),
)
HOSTILE: Final = (
    b"<Robot>",
    b"<Robot/>",
    b"<Robot><Locate Job='1'/></Robot>",
    b"<Robot><Locate Job='1' Mode='1' More='1'/></Robot>",
    b"<Robot>text<Home/></Robot>",
    b"<Robot><Home/></Robot><Robot/>",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><Robot><Teach>&b;</Teach></Robot>",
    b"<Robot><Teach>&#0;</Teach></Robot>",
    b"<Robot><Teach>\xff</Teach></Robot>",
    b"<a>" * 500,
    b"not XML",
)

CASES: Final = [
    Case("xml", Xml(), ROBOT, (Fault("E3", "no <part> & no 'light'"), Fault(7, "부품 없음")), HOSTILE),
    Case(
        "xml-korean",
        Xml("euc-kr", '<NG Code="{code:d}"/>', declaration=True),
        ROBOT,
        (Fault(3), Fault(-7)),
        HOSTILE,
    ),
    Case(
        "xml-forms",
        Xml(fault={"<Busy/>": "BUSY", "<Error>{code}</Error>": None}),
        FORMS,
        (Fault("BUSY"), Fault("E3")),
        HOSTILE,
    ),
    Case(
        "xml-ids",
        Xml(
            fault='<Reply Id="{id:d}" Axis="{axis:d}"><Code>{code:d}</Code><Cause>{cause}</Cause></Reply>',
            id="id",
            data=Cause,
        ),
        NUMBERED,
        (Fault(3, data=Cause("<dark>")), Fault(7, data=Cause("no part"))),
        HOSTILE,
    ),
]
