"""Declarations whose C# classes are compiled: of text and JSON, with every type of value."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag
from typing import Annotated, Any, Literal

from attrs import field, frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import (
    Acknowledged,
    CountedLines,
    Json,
    JsonRpc,
    OneOf,
    Range,
    Silence,
    Template,
    Unit,
    Until,
)
from tcpcomm.equipment.login import Login
from tcpcomm.framing import Checked, Delimited, Enclosed, LengthPrefixed, checksum

__all__ = ["JsonCell", "RpcCell", "TextCell", "TextValues", "Values", "json_values", "text_values"]


class Judgement(Enum):
    """The result of an inspection."""

    GOOD = "OK"
    BAD = "NG"


class Mode(IntEnum):
    SETUP = 0
    RUN = 1


class Door(IntFlag):
    LEFT = 1
    RIGHT = 4


@frozen
class Point:
    """A point in the plane."""

    x: Annotated[float, Unit("mm"), Range(-1000, 1000)]
    y: float


@frozen
class TextValues:
    """One value of each format."""

    whole: int
    wide: int
    zeros: int
    digits: int
    signed_bits: int
    little_bits: int
    float_bits: float
    free: float
    fixed: float
    signed: float
    exponent: float
    general: float
    scaled: float
    any_decimals: float
    money: Decimal
    name: str
    padded: str
    right: str
    quoted: str
    on: bool
    judgement: Judgement
    mode: Mode
    letter: Literal["A", "B"]
    raw: bytes
    numbers: list[float]
    points: list[Point]
    unit: str | None
    code: int | None
    count: int


ALL_OF_TEXT = (
    "{whole},{wide:5d},{zeros:+06d},{digits:04X},{signed_bits:04Xi16},{little_bits:Xu32le},{float_bits:Xf32},"
    "{free},{fixed:.3f},{signed:+09.3f},{exponent:.4E},{general:.6g},{scaled:07d/1000},{any_decimals:10},"
    "{money:.2f},{name},{padded:8},{right:*>8b},{quoted:q},{on:ON|OFF},{judgement},{mode},{letter},{raw},"
    "{#numbers}:{numbers*;:.2f},{points*/:({x:.1f}|{y:.1f})},[U{unit},][C{code:d},]{count}"
)


def text_values() -> TextValues:
    """Return values that are easy to lose: negative, long, empty, Korean."""
    return TextValues(
        whole=-1234567890123,
        wide=-42,
        zeros=-17,
        digits=0xBEEF,
        signed_bits=-2,
        little_bits=4_000_000_000,
        float_bits=-0.15625,
        free=1e-07,
        fixed=-12.5,
        signed=3.25,
        exponent=-0.00125,
        general=-123456.0,
        scaled=-12.345,
        any_decimals=100.0012,
        money=Decimal("-1234.50"),
        name="작업 시작",
        padded="a b",
        right="한글",
        quoted='say "no", or\tyes',
        on=True,
        judgement=Judgement.BAD,
        mode=Mode.RUN,
        letter="B",
        raw=b"\x00\xff\x10",
        numbers=[0.5, -1.25, 3.0],
        points=[Point(1.5, -2.5), Point(0.0, 1e3)],
        unit="mm",
        code=None,
        count=7,
    )


@frozen
class Step:
    number: int
    text: str


@frozen
class Scan:
    title: str
    values: list[float]


@frozen
class Found:
    x: float
    score: float = 1.0


@frozen
class Lost:
    tries: int


class TextCell(Equipment):
    """A cell that speaks text, in Korean too. <Do not> stop it & go."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="utf-8", fault="NG,{code:d},{reason}")
    heartbeat = "ping"
    greeting = "HELLO 셀"
    login = (
        Login(expect="User:", send="USER {user}"),
        Login(send="PASS {password}"),
        Login(expect="WELCOME"),
    )

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @command(f"PUT {ALL_OF_TEXT}", reply="OK")
    def put(  # noqa: PLR0917 - a value of each format
        self,
        whole: int,
        wide: int,
        zeros: int,
        digits: int,
        signed_bits: int,
        little_bits: int,
        float_bits: float,
        free: float,
        fixed: float,
        signed: float,
        exponent: float,
        general: float,
        scaled: float,
        any_decimals: float,
        money: Decimal,
        name: str,
        padded: str,
        right: str,
        quoted: str,
        on: bool,
        judgement: Judgement,
        mode: Mode,
        letter: Literal["A", "B"],
        raw: bytes,
        numbers: list[float],
        points: list[Point],
        unit: str | None,
        code: int | None,
        count: int,
    ) -> None:
        """Keep values."""
        raise NotImplementedError

    @command("GET", reply=f"VALUES {ALL_OF_TEXT}")
    def get(self) -> TextValues:
        """Return the values that were kept."""
        raise NotImplementedError

    @command("SUM {a},{b}", reply="SUM {a},{b}={total}", timeout=20.0)
    def total(self, a: Annotated[int, Range(0, 99)], b: int = 2) -> int:
        """Add two numbers. The reply repeats them."""
        raise NotImplementedError

    @command("STEPS {count}", reply=CountedLines("STEPS {#}", "{number}: {text}"))
    def steps(self, count: int) -> list[Step]:
        """Return steps, with their number first."""
        raise NotImplementedError

    @command("LOG", reply=Until("END", "{line}"))
    def log(self) -> list[str]:
        """Return the lines of a log, up to its end."""
        raise NotImplementedError

    @command("SCAN", reply=("SCAN {title}", "DATA {values*,}"))
    def scan(self) -> Scan:
        """Return a result of two frames."""
        raise NotImplementedError

    @command(
        "FIND {job}", reply=OneOf("FOUND {x:.2f},{score:.2f}", "FOUND {x:.2f}", "LOST {tries}", "IDLE")
    )
    def find(self, job: int) -> Found | Lost | None:
        """Return one of several results."""
        raise NotImplementedError

    @command("MEASURE {job}", reply=OneOf("MM {mm:+09.4f}", "MM -999.9999"), faults={"MM -888.8888": 8})
    def measure(self, job: int) -> float | None:
        """Measure. None: nothing is in range."""
        raise NotImplementedError

    @command("MOVE {to}", reply=Acknowledged("ACK", "DONE {at}", within=20.0), timeout=20.0)
    def move(self, to: float) -> float:
        """Move, acknowledged first."""
        raise NotImplementedError

    @command("SET {value}", reply=Silence(0.3))
    def set(self, value: int) -> None:
        """Set a value, which succeeds by silence."""
        raise NotImplementedError

    @command("WORK", reply="WORKED", timeout=0.5, interim=("busy",))
    async def work(self) -> None:
        """Work for longer than the timeout, and tell so."""
        raise NotImplementedError

    @command("NOTE {text}", reply=None)
    def note(self, text: str) -> None:
        """Take a note, without a reply."""
        raise NotImplementedError

    @event("BUSY {percent}")
    def busy(self, percent: int) -> None:
        """The work goes on."""

    @event("ALARM {code},{text}")
    def alarm(self, code: int, text: str) -> None:
        """Something is wrong."""


@frozen
class Tree:
    name: str
    children: list[Tree] = field(factory=list)


@frozen
class Values:
    """One value of each type."""

    yes: bool
    whole: int
    number: float
    text: str
    data: bytes
    day: date
    moment: datetime
    hour: time
    judgement: Judgement
    mode: Mode
    doors: Door
    letter: Literal["A", "B"]
    numbers: list[float]
    points: list[Point]
    by_name: dict[str, Point]
    pair: tuple[int, str]
    tree: Tree
    one_of: int | str | Point | None
    maybe: float | None
    nothing: Point | None
    anything: Any
    spare: int = 5


def json_values() -> Values:
    """Return values that are easy to lose: negative, long, empty, nested, Korean."""
    return Values(
        yes=True,
        whole=-(2**53),
        number=1e-07,
        text='작업 "시작"\\\n\t',
        data=b"\x00\xff",
        day=date(2026, 12, 31),
        moment=datetime(2026, 12, 31, 23, 59, 58, 123000),
        hour=time(7, 8, 9),
        judgement=Judgement.BAD,
        mode=Mode.SETUP,
        doors=Door.LEFT | Door.RIGHT,
        letter="A",
        numbers=[0.5, -2.0, 1e300],
        points=[Point(1.0, 2.0)],
        by_name={"왼쪽": Point(-1.5, 0.0)},
        pair=(3, "three"),
        tree=Tree("a", [Tree("b"), Tree("c", [Tree("d")])]),
        one_of=Point(7.0, 8.0),
        maybe=None,
        nothing=None,
        anything={"a": [1, None, True, "x", 2.5]},
    )


class JsonCell(Equipment):
    """A cell that speaks JSON, several commands at once."""

    framing = LengthPrefixed(4, form="little")
    codec = Json(id="id", naming="camel", success={"ok": True})
    heartbeat = "ping"

    @command("ping")
    def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @command("put")
    def put(self, values: Values, more_values: list[int] | None = None) -> None:
        """Keep values."""
        raise NotImplementedError

    @command("get")
    def get(self) -> Values:
        """Return the values that were kept."""
        raise NotImplementedError

    @command("wait")
    async def wait(self, seconds: float, name: str = "late") -> str:
        """Answer later. Others may be answered before."""
        raise NotImplementedError

    @command("fail")
    def fail(self, code: int) -> float:
        """Say no."""
        raise NotImplementedError

    @event("changed")
    def changed(self, values: list[Point], judgement: Judgement) -> None:
        """Something has changed."""


class RpcCell(Equipment):
    """A cell that speaks JSON-RPC, with a checksum around each message."""

    framing = Checked(Delimited(b"\n"), checksum("crc-16/modbus").written("hex"))
    reply_framing = Enclosed(b"\x02", b"\x03", checksum=checksum("xor"), tail=b"\r")
    codec = JsonRpc(ascii=True)

    @command()
    def locate(self, job: int, name: str = "작업") -> Point:
        """Locate the part."""
        raise NotImplementedError

    @event()
    def moved(self, to: Point) -> None:
        """The part has moved."""
