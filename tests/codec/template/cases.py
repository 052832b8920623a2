"""Template, with messages of many shapes."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

from attrs import frozen

from tcpcomm.codec import Acknowledged, CountedLines, Field, MessageSpec, OneOf, Template, Until
from tcpcomm.codec.base import MISSING
from tcpcomm.errors import Fault
from tests.codec.cases import Case
from tests.codec.template.templates import Judgement, Mode, Point, Position, Scan

__all__ = ["CASES"]


@frozen
class Batch:
    name: str
    points: list[Point]


@frozen
class Weight:
    grams: float
    stable: bool


@frozen
class Setting:
    n: int
    value: str


@frozen
class Picture:
    width: int
    comment: str
    pixels: bytes


PICTURES: Final = (
    MessageSpec("grab", "Camera.grab", "GRAB", "IMG {#image}\r\n{image:raw}", (), bytes),
    MessageSpec(
        "picture",
        "Camera.picture",
        "PIC",
        "PIC,{width:04d},{comment},{#pixels:X}\r\n{pixels:raw}",
        (),
        Picture,
    ),
    MessageSpec("put", "Camera.put", "PUT {#data}\r\n{data:raw}", "OK", (Field("data", bytes),)),
    MessageSpec("rest", "Camera.rest", "REST", "RAW\r\n{data:raw}", (), bytes),
    MessageSpec("stop", "Camera.stop", "STOP", "OK"),
    MessageSpec(
        "frame",
        "Camera.frame",
        "FRAME {number} {#data}\r\n{data:raw}",
        None,
        (Field("number", int), Field("data", bytes)),
        is_event=True,
    ),
)

CAMERA: Final = (
    MessageSpec(
        "locate",
        "Camera.locate",
        "TRG,{job}",
        "OK,{x:.3f},{y:.3f},{angle:.3f}",
        (Field("job", int),),
        Position,
    ),
    MessageSpec(
        "teach",
        "Camera.teach",
        "TCH {name:<8}{number:04X}[,{mode}][;{note}]",
        "OK",
        (
            Field("name", str),
            Field("number", int),
            Field("mode", Mode, Mode.RUN),
            Field("note", str | None, None),
        ),
    ),
    MessageSpec(
        "move",
        "Camera.move",
        "MOV{x:+08.3f}{y:07d/1000}{slow}",
        "MOV",
        (Field("slow", bool), Field("x", float), Field("y", Decimal)),
    ),
    MessageSpec(
        "scan",
        "Camera.scan",
        "SCN,{axis},{ids*-}",
        "S,{judgement},{#points:02d}[,{score}];{points*;:{x:.1f},{y:.1f}}",
        (Field("axis", Literal["X", "Y"]), Field("ids", list[int])),
        Scan,
    ),
    MessageSpec("rows", "Camera.rows", "ROW", "ROW {rows*;:({row*,:.2f})}", (), list[list[float]]),
    MessageSpec("raw", "Camera.raw", "RAW {data}", "RAW {data:x}", (Field("data", bytes),), bytes),
    MessageSpec("measure", "Camera.measure", "MEAS:VOLT?", "{value:+.6E}", (), float),
    MessageSpec(
        "exact", "Camera.exact", "EXACT {value}", "EXACT {value:.2f}mm", (Field("value", Decimal),), Decimal
    ),
    MessageSpec("judge", "Camera.judge", "JDG", "JDG[ {judgement}]", (), Judgement | None),
    MessageSpec("trigger", "Camera.trigger", "TA", Acknowledged("TA", "V {value}"), (), float),
    MessageSpec("files", "Camera.files", "DIR", CountedLines("N{#:03d}", "F {name}"), (), list[str]),
    MessageSpec(
        "batch", "Camera.batch", "BAT", ("BAT", CountedLines("B {name:>6},{#}", "{x},{y}")), (), Batch
    ),
    MessageSpec("blink", "Camera.blink", "LED{times:3d!}", None, (Field("times", int),)),
    MessageSpec(
        "alarm",
        "Camera.alarm",
        "ALM,{code},{text}",
        MISSING,
        (Field("code", int), Field("text", str)),
        None,
        True,
    ),
    MessageSpec("idle", "Camera.idle", "IDLE", is_event=True),
)

HOSTILE: Final = (
    b"TRG,",
    b"TRG,+",
    b"TRG,1.0",
    b"TRG,\xd9\xa3",
    b"TRG," + b"9" * 5000,
    b"TRG,1" + b" " * 2000,
    b"LED1",
    b"LED0001",
    b"SCN,X," + b"1-" * 2000,
    b"TCH " + b"x" * 5000,
    b"MOV+012.345001234",
    b"RAW 123",
    b"EXACT 1e99999999999999999999",
    b"EXACT nan",
    b"ROW 1,2",
    b"NG,1",
    b"OK,1.000,2.000,3.00",
    b"OK,nan,2.000,3.000",
)


def cased(codec: Template, faults: tuple[Fault, ...], name: str) -> Case:
    return Case(name, codec, CAMERA, faults, HOSTILE)


@frozen
class Details:
    axis: int = 0
    text: str = ""


DETAILED: Final = (
    MessageSpec("home", "Stage.home", "HOME {axis}", "OK {axis:d}", (Field("axis", int),), int),
    MessageSpec("stop", "Stage.stop", "STOP", "OK", faults=("LATE[ {text}]",)),
)

OUTCOMES: Final = (
    MessageSpec(
        "weigh",
        "Scale.weigh",
        "SI",
        OneOf("S {stable:S|D} {grams:10.2f} g", "S E"),
        (),
        Weight | None,
        faults={"S I": "I", "S +": "+", "SX{code:d}[ {reason}]": None},
    ),
    MessageSpec(
        "settings",
        "Scale.settings",
        "$$",
        Acknowledged("TAKEN", Until("done", OneOf("${n:d}={value}", "!{x:.2f}"))),
        (),
        list[Setting | float],
    ),
    MessageSpec(
        "measure",
        "Scale.measure",
        "MS",
        OneOf("MS {mm:+09.4f}", "MS -999.9999"),
        (),
        float | None,
        faults={"MS -888.8888": 88},
    ),
    MessageSpec("numbers", "Scale.numbers", "NUM", Until("-1", "{n:d}"), (), list[int]),
    MessageSpec("lines", "Scale.lines", "LIST", ("LIST", Until(".", "{line}")), (), list[str]),
    MessageSpec(
        "go", "Scale.go", "GO", OneOf(("1", "N {n:d}"), ("1", "T {text}"), "0"), (), int | str | None
    ),
    MessageSpec("idle", "Scale.idle", "IDLE", is_event=True),
)

NUMBERED: Final = (
    MessageSpec("park", "Star.park", "C0ASid{id:04d}", "C0ASid{id:04d}er00/00"),
    MessageSpec(
        "move", "Star.move", "C0XPid{id:04d}xp{x:05d}", "C0XPid{id:04d}er00/00", (Field("x", int),)
    ),
    MessageSpec("weigh", "Star.weigh", "C0WGid{id:04d}", "C0WGid{id:04d}er00/00{grams:+08.2f}", (), float),
    MessageSpec(
        "wait",
        "Star.wait",
        "C0WTid{id:04d}",
        Acknowledged("C0WTid{id:04d}er00/00", "C0WTid{id:04d}er00/00{done:Y|N}"),
        (),
        bool,
    ),
    MessageSpec("door", "Star.door", "C0SIdo{open}", parameters=(Field("open", bool),), is_event=True),
)

REPEATING: Final = (
    MessageSpec("get", "Box.get", "GET {n:03d}", "{n:03d}={x:.2f}", (Field("n", int),), float),
    MessageSpec(
        "move",
        "Box.move",
        "/{device:02d} {axis:d} move {x:.3f}",
        OneOf("@{device:02d} {axis:d} OK {at:.1f}", "@{device:02d} {axis:d} BUSY"),
        (Field("device", int), Field("axis", int), Field("x", float)),
        float | None,
    ),
    MessageSpec(
        "run", "Box.run", "RUN {n}", Acknowledged("RUN {n}", "DONE {n} {ok:Y|N}"), (Field("n", int),), bool
    ),
)

NARROW: Final = (
    MessageSpec(
        "get", "Box.get", "GET {n} {name}", "{n}={x:.2f}", (Field("n", int), Field("name", str)), float
    ),
    MessageSpec("set", "Box.set", "SET:{name}/{n}", "OK", (Field("n", int), Field("name", str))),
)
"""Their parameters can be wider than the faults that repeat them."""

NARROW_IDS: Final = (
    MessageSpec("move", "Box.move", "MV{id} {x:d}", "OK{id}", (Field("x", int),)),
    MessageSpec("stop", "Box.stop", "ST{id}", "OK{id}"),
)

CASES: Final = [
    Case(
        "template-narrow-faults",
        Template(fault="NO:{n:02d}/{name:<4}:{command}:{code:d}"),
        NARROW,
        (Fault(3), Fault(7)),
        (b"GET 12345", b"GET -1", b"GET 1 \xff", b"SET:\xff\xfe/x", b"SET:abcdef/x", b"A:B 3", b"\xff:"),
    ),
    Case(
        "template-narrow-ids",
        Template(fault="NO{id:02d} {code:d}", id="id"),
        NARROW_IDS,
        (Fault(3), Fault(7)),
        (b"MV123456 x", b"ST1234567 "),
    ),
    Case("template-repeats", Template(fault="E{code:d}"), REPEATING, (Fault(3), Fault(7))),
    Case(
        "template-fault-data",
        Template(fault="RJ {axis:d} {code:d}[ {text}]", data=Details),
        DETAILED,
        (Fault(3, data=Details(2)), Fault(7, data=Details(1, "door open"))),
    ),
    Case(
        "template-ids",
        Template(fault="{command}{id:04d}er{code:02d}/{reason:<8}", ok=0, id="id"),
        NUMBERED,
        (Fault(4, "no tip"), Fault(22)),
        (b"C0ASid", b"C0ASid00001", b"C0XPid0001xp1", b"C0ASid0001er00/00"),
    ),
    Case(
        "template-outcomes",
        Template(fault={"ES": "ES", "EL": 17, "ERR {code}[,{reason}]": None}),
        OUTCOMES,
        (Fault("ES"), Fault(17), Fault("E3", "no part"), Fault(5)),
        (b"SI ", b"$$$", b"GO 1", b"S I", b"ERR ", b"TAKEN"),
    ),
    Case(
        "template-pictures",
        Template("utf-8"),
        PICTURES,
        hostile=(b"IMG 3\r\nab", b"IMG 3", b"IMG \r\n", b"PUT 2\r\nabc", b"\r\n", b"IMG \xff\r\nabc"),
    ),
    cased(
        Template(fault="NG,{code:d},{reason}"),
        (Fault(3, "no part, no light"), Fault(-1), Fault(7, "door open")),
        "template",
    ),
    cased(
        Template("utf-8"), (Fault("E17", "문이 열려 있다"), Fault(3), Fault("3b", "x")), "template-words"
    ),
    cased(Template("cp949", "ER,{command},{code:02d}"), (Fault(3), Fault(22)), "template-keyence"),
    cased(Template("cp949", "ER,{command:<2},{code:02d}"), (Fault(3), Fault(22)), "template-cut-words"),
    cased(Template("cp949", "ER,{command:_>6},{code:02d}"), (Fault(3), Fault(22)), "template-filled-words"),
    cased(Template("utf-8", "ER,{command:3b},{code:02d}"), (Fault(3), Fault(22)), "template-cut-bytes"),
    cased(
        Template("shift_jis", "!{code:<4}{reason:<20}"),
        (Fault(3), Fault("E17", "no part")),
        "template-fixed",
    ),
    cased(Template("euc-kr", "NG[ {reason}]"), (Fault("NG"), Fault("NG", "문")), "template-reasons"),
    cased(Template("latin-1", "?{code:02X}"), (Fault(3), Fault(255)), "template-hex"),
]
