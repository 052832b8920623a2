"""The declarations of the random sessions, and equipment whose handlers act by the plan of a scene."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from attrs import frozen

from tcpcomm import Equipment, Login, command, event
from tcpcomm.codec import (
    ID,
    OPCODE,
    U8,
    U16,
    U32,
    Acknowledged,
    Binary,
    Codec,
    Counted,
    Echo,
    Json,
    JsonRpc,
    Length,
    Skip,
    Template,
    Until,
)
from tcpcomm.framing import Delimited, FixedSize, Framing, LengthPrefixed, Lines
from tests.conversation.differential.acts import ActingHandlers, Results

LONGEST: Final = 100_000
"""The ``max_frame`` of all declarations."""

Words = Annotated[list[U16], Counted(U16)]
Text = Annotated[str, Counted(U16)]


@frozen
class Position:
    """The position of a part, in mm."""

    x: float
    y: float


PLACED: Final = Results(Position(float("nan"), 0.0))
NUMBER: Final = Results(float("inf"))
TEXT: Final = Results("a\r\nb", "long " * 1000, "longer" * 12_000)
ASCII: Final = Results("가", "long " * 1000, "longer" * 12_000)
SHORT: Final = Results(70_000)
WORDS: Final = Results([70_000], [7] * 2500, [7] * 36_000)
LINES: Final = Results(["a\r\nb"], ["line"] * 1000, ["a longer line"] * 5000)
NOTHING: Final = Results()


class Camera(Equipment):
    """A camera with one delimiter, and a plain function beside async ones."""

    framing = Delimited(b"\r\n", max_frame=LONGEST)
    codec = Template(encoding="utf-8", fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f}", timeout=1.0)
    async def locate(self, job: int) -> Position:
        """Locate a part."""
        raise NotImplementedError

    @command("STOP", reply="OK", timeout=1.0)
    async def stop(self) -> None:
        """Stop."""
        raise NotImplementedError

    @command("GET,{channel}", reply="VAL,{value:.2f}", timeout=1.0, idempotent=True)
    def get_value(self, channel: int) -> float:
        """Return the value of a channel."""
        raise NotImplementedError

    @command("SAY,{text}", reply="SAID,{text}", timeout=1.0)
    async def say(self, text: str) -> str:
        """Repeat a text."""
        raise NotImplementedError

    @command("RESET", reply=None)
    def reset(self) -> None:
        """Forget all. There is no reply."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """The camera needs attention."""


class CameraBodies(ActingHandlers, Camera):
    """Carries out the commands of a camera."""

    async def locate(self, job: int) -> Position:
        return await self.later("locate", (job,), Position(float(job), 2.5), PLACED)

    async def stop(self) -> None:
        await self.later("stop", (), None, NOTHING)

    def get_value(self, channel: int) -> float:
        return self.at_once("get_value", (channel,), channel / 2, NUMBER)

    async def say(self, text: str) -> str:
        return await self.later("say", (text,), text, TEXT)

    def reset(self) -> None:
        return self.at_once("reset", (), None, NOTHING)

    def tell(self, number: int, session: Any = None) -> None:
        if session is None:
            self.alarm(number)
        else:
            self.alarm.to(session, number)


class WatchfulCamera(CameraBodies):
    """The same, which hears of sessions and faults, keeps some faults, and answers unknown frames."""

    async def session_began(self, session: Any) -> None:
        self.scene.see("began", self.scene.current())
        self.alarm.to(session, 1)

    def session_ended(self, session: Any, reason: str) -> None:
        self.scene.see("ended", reason)

    def misframed(self, session: Any, fault: Exception) -> None:
        self.scene.see("misframed", str(fault))
        self.alarm.to(session, 2)

    def keep_fault(self, fault: Exception) -> bool:
        self.scene.see("fault", str(fault), self.scene.current())
        return "5" in str(fault)

    def unknown(self, frame: bytes) -> bytes | None:
        self.scene.see("unknown", frame, self.scene.current())
        return b"?" + frame[:10] if frame.startswith(b"N") else None


class Cell(Equipment):
    """The host of a camera that may ask it, too."""

    framing = Camera.framing
    codec = Camera.codec

    @command("PART?", reply="PART,{number}", timeout=1.0)
    async def part(self) -> int:
        """Return the number of the part."""
        return 5


class TwoWayCamera(Camera):
    """A camera that may ask its host."""

    host_side = Cell


class TwoWayBodies(CameraBodies, TwoWayCamera):
    """Carries out the commands of this camera."""


class LoginCamera(CameraBodies):
    """The same behind a login."""

    greeting = "CAMERA"
    login = (Login("User:", "{user}"),)

    def authenticate(self, **credentials: str) -> bool:
        self.scene.see("login", credentials)
        return credentials["user"] != "nobody"


class Robot(Equipment):
    """A Korean robot with any line ending, states, an acknowledgement, and replies of several lines."""

    framing = Lines(max_frame=LONGEST)
    codec = Template(encoding="cp949", fault="ERR {code:d} {reason}")
    pipeline = 4

    @command("CTRL", reply="OK", enters="control", timeout=1.0)
    async def take_control(self) -> None:
        """Take control."""
        raise NotImplementedError

    @command("FREE", reply="OK", needs="control", leaves="control", timeout=1.0)
    def give_up_control(self) -> None:
        """Give up control."""
        raise NotImplementedError

    @command("JOB {job}", reply="DONE {job}", needs="control", timeout=1.0)
    def load(self, job: int) -> int:
        """Load a job."""
        raise NotImplementedError

    @command("NAME {name}", reply="NAMED {name}", timeout=1.0)
    async def rename(self, name: str) -> str:
        """Give the robot a name."""
        raise NotImplementedError

    @command("WHERE", reply="{x:.2f} {y:.2f}", timeout=1.0)
    async def where(self) -> Position:
        """Return its place."""
        raise NotImplementedError

    @command("LOG", reply=("LOG", Until(".", "- {line}")), timeout=1.0)
    def log_lines(self) -> list[str]:
        """Return the lines of its log."""
        raise NotImplementedError

    @command("WEIGH", reply=Acknowledged("WAIT", "W {grams:.1f}"), timeout=1.0)
    async def weigh(self) -> float:
        """Return the weight in its hand."""
        raise NotImplementedError

    @event("AT {y:d}", needs="control")
    def moved(self, y: int) -> None:
        """It moved."""


class RobotBodies(ActingHandlers, Robot):
    """Carries out the commands of a robot."""

    async def take_control(self) -> None:
        await self.later("take_control", (), None, NOTHING)

    def give_up_control(self) -> None:
        return self.at_once("give_up_control", (), None, NOTHING)

    def load(self, job: int) -> int:
        return self.at_once("load", (job,), job, SHORT)

    async def rename(self, name: str) -> str:
        return await self.later("rename", (name,), name, TEXT)

    async def where(self) -> Position:
        return await self.later("where", (), Position(1.0, 2.0), PLACED)

    def log_lines(self) -> list[str]:
        return self.at_once("log_lines", (), ["one", "둘"], LINES)

    async def weigh(self) -> float:
        return await self.later("weigh", (), 12.5, NUMBER)

    def tell(self, number: int, session: Any = None) -> None:
        if session is None:
            self.moved(number)
        else:
            self.moved.to(session, number)


class Scale(Equipment):
    """A scale with two delimiters, a heartbeat at any time, and without faults."""

    framing = Delimited((b";", b"\r"), max_frame=LONGEST)
    codec = Template(encoding="ascii", fault=None)
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command("PING", reply="PONG", timeout=1.0)
    def ping(self) -> None:
        """Show that it is alive."""
        raise NotImplementedError

    @command("W{place}", reply="{grams:8.2f} g", timeout=1.0)
    async def weigh(self, place: int) -> float:
        """Return the weight at a place."""
        raise NotImplementedError

    @command("TARE", reply="T", timeout=1.0)
    def tare(self) -> None:
        """Call this weight zero."""
        raise NotImplementedError

    @command("TXT {text}", reply="TXT {text}", timeout=1.0)
    async def show(self, text: str) -> str:
        """Show a text."""
        raise NotImplementedError

    @event("E{code:d}")
    def warned(self, code: int) -> None:
        """It is overloaded."""


class ScaleBodies(ActingHandlers, Scale):
    """Carries out the commands of a scale."""

    def ping(self) -> None:
        return self.at_once("ping", (), None, NOTHING)

    async def weigh(self, place: int) -> float:
        return await self.later("weigh", (place,), place * 1.25, NUMBER)

    def tare(self) -> None:
        return self.at_once("tare", (), None, NOTHING)

    async def show(self, text: str) -> str:
        return await self.later("show", (text,), text, ASCII)

    def tell(self, number: int, session: Any = None) -> None:
        if session is None:
            self.warned(number)
        else:
            self.warned.to(session, number)


class Telescope(Equipment):
    """A telescope whose replies end otherwise than its commands, and one of them not at all."""

    framing = Delimited(b"\r", max_frame=LONGEST)
    reply_framing = Delimited(b"#", max_frame=LONGEST)
    codec = Template(encoding="utf-8", fault="NG {code:d}")

    @command("GR", reply="{x:.2f}/{y:.2f}", timeout=1.0)
    async def where(self) -> Position:
        """Return its direction."""
        raise NotImplementedError

    @command("V", reply="v{version:3}", reply_framing=FixedSize(4), timeout=1.0)
    def version(self) -> str:
        """Return the version."""
        raise NotImplementedError

    @command("SAY {text}", reply="SAID {text}", timeout=1.0)
    async def say(self, text: str) -> str:
        """Repeat a text."""
        raise NotImplementedError

    @command("STOP", reply="OK", timeout=1.0)
    def stop(self) -> None:
        """Stop."""
        raise NotImplementedError


class TelescopeBodies(ActingHandlers, Telescope):
    """Carries out the commands of a telescope."""

    async def where(self) -> Position:
        return await self.later("where", (), Position(1.0, 2.0), PLACED)

    def version(self) -> str:
        return self.at_once("version", (), "1.2", TEXT)

    async def say(self, text: str) -> str:
        return await self.later("say", (text,), text, TEXT)

    def stop(self) -> None:
        return self.at_once("stop", (), None, NOTHING)

    def tell(self, number: int, session: Any = None) -> None:
        if session is not None:  # there are no events, because a reply has a framing of its own
            session.sendFrame(b"E%d" % number)


class Gauge(Equipment):
    """A gauge with short binary frames in order, whose header is the opcode alone."""

    framing = LengthPrefixed(4, max_frame=LONGEST)
    codec = Binary(code=U8)

    @command(0x01, timeout=1.0)
    def measure(self, place: U8) -> U16:
        """Measure at a place."""
        raise NotImplementedError

    @command(0x02, timeout=1.0)
    async def read(self, start: U16, count: U8) -> Words:
        """Read values."""
        raise NotImplementedError

    @command(0x03, timeout=1.0)
    async def write(self, values: Words) -> None:
        """Write values."""
        raise NotImplementedError

    @command(0x04, timeout=1.0)
    async def echo(self, text: Text) -> Text:
        """Repeat a text."""
        raise NotImplementedError

    @command(0x05, reply=None)
    def reset(self) -> None:
        """Forget all."""
        raise NotImplementedError

    @event(0x41)
    def changed(self, value: U16) -> None:
        """A value has changed."""


class GaugeBodies(ActingHandlers, Gauge):
    """Carries out the commands of a gauge."""

    def measure(self, place: int) -> int:
        return self.at_once("measure", (place,), 100 + place, SHORT)

    async def read(self, start: int, count: int) -> list[int]:
        return await self.later("read", (start, count), [*range(start, start + count)], WORDS)

    async def write(self, values: list[int]) -> None:
        await self.later("write", (tuple(values),), None, NOTHING)

    async def echo(self, text: str) -> str:
        return await self.later("echo", (text,), text, ASCII)

    def reset(self) -> None:
        return self.at_once("reset", (), None, NOTHING)

    def tell(self, number: int, session: Any = None) -> None:
        if session is None:
            self.changed(number)
        else:
            self.changed.to(session, number)


class Plc(Gauge):
    """A PLC with Modbus's header: an id, a length, a unit, an opcode."""

    framing = LengthPrefixed(2, offset=4, strip=0, max_frame=60_000)
    unit = Echo(U8, 1)
    codec = Binary(
        id=U16,
        head=(ID, b"\0\0", Length(U16), unit, OPCODE),
        event_head=(Skip(4), Length(U16), unit, OPCODE),
    )


class PlcBodies(GaugeBodies, Plc):
    """Carries out the commands of a PLC. Its handlers read the unit."""

    def measure(self, place: int) -> int:
        return self.at_once("measure", (self.unit.value, place), 100 + place, SHORT)


class SimplePlc(Gauge):
    """The same without a unit that varies."""

    framing = LengthPrefixed(2, offset=4, strip=0, max_frame=60_000)
    codec = Binary(
        id=U16,
        head=(ID, b"\0\0", Length(U16), b"\x01", OPCODE),
        event_head=(Skip(4), Length(U16), b"\x01", OPCODE),
    )


class SimplePlcBodies(GaugeBodies, SimplePlc):
    """Carries out the commands of this PLC."""


class Tool(Equipment):
    """A tool with the headers of HSMS: a device, a stream and a function, an id."""

    framing = LengthPrefixed(4, max_frame=LONGEST)
    device = Echo(U16, 0)
    codec = Binary(
        (U8, U8),
        id=U32,
        head=(device, OPCODE, b"\0\0", ID),
        event_head=(device, OPCODE, b"\0\0", Skip(4)),
        wants_reply_bit=0x8000,
        fault_opcode=lambda opcode: opcode & 0xFF00,
        code=None,
    )

    @command((1, 1), reply=(1, 2), timeout=1.0)
    def measure(self, place: U8) -> U16:
        """S1F1."""
        raise NotImplementedError

    @command((1, 3), reply=(1, 4), timeout=1.0)
    async def read(self, start: U16, count: U8) -> Words:
        """S1F3."""
        raise NotImplementedError

    @command((2, 1), reply=(2, 2), timeout=1.0)
    async def write(self, values: Words) -> None:
        """S2F1."""
        raise NotImplementedError

    @command((10, 1), reply=(10, 2), timeout=1.0)
    async def echo(self, text: Text) -> Text:
        """S10F1."""
        raise NotImplementedError

    @event((5, 1))
    def changed(self, value: U16) -> None:
        """S5F1."""


class ToolBodies(ActingHandlers, Tool):
    """Carries out the commands of a tool."""

    def measure(self, place: int) -> int:
        return self.at_once("measure", (self.device.value, place), 100 + place, SHORT)

    async def read(self, start: int, count: int) -> list[int]:
        return await self.later("read", (start, count), [*range(start, start + count)], WORDS)

    async def write(self, values: list[int]) -> None:
        await self.later("write", (tuple(values),), None, NOTHING)

    async def echo(self, text: str) -> str:
        return await self.later("echo", (text,), text, ASCII)

    def tell(self, number: int, session: Any = None) -> None:
        if session is None:
            self.changed(number)
        else:
            self.changed.to(session, number)


class JsonCamera(Equipment):
    """A camera with JSON objects on lines, whose replies come in order."""

    framing: ClassVar[Framing] = Lines(max_frame=LONGEST)
    codec: ClassVar[Codec] = Json()

    @command(timeout=1.0)
    async def locate(self, job: int) -> Position:
        """Locate a part."""
        raise NotImplementedError

    @command(timeout=1.0)
    def read(self, start: int, count: int) -> list[int]:
        """Return numbers."""
        raise NotImplementedError

    @command(timeout=1.0)
    async def echo(self, text: str) -> str:
        """Repeat a text."""
        raise NotImplementedError

    @command(timeout=1.0)
    async def stop(self) -> None:
        """Stop."""
        raise NotImplementedError

    @command(reply=None)
    def reset(self) -> None:
        """Forget all."""
        raise NotImplementedError

    @event()
    def alarm(self, code: int) -> None:
        """The camera needs attention."""


class JsonCameraBodies(ActingHandlers, JsonCamera):
    """Carries out the commands of this camera."""

    async def locate(self, job: int) -> Position:
        return await self.later("locate", (job,), Position(float(job), 2.5), PLACED)

    def read(self, start: int, count: int) -> list[int]:
        good = [*range(start, start + count)]
        return self.at_once("read", (start, count), good, WORDS)

    async def echo(self, text: str) -> str:
        return await self.later("echo", (text,), text, TEXT)

    async def stop(self) -> None:
        await self.later("stop", (), None, NOTHING)

    def reset(self) -> None:
        return self.at_once("reset", (), None, NOTHING)

    def tell(self, number: int, session: Any = None) -> None:
        if session is None:
            self.alarm(number)
        else:
            self.alarm.to(session, number)


class JsonById(JsonCamera):
    """The same with ids, behind a length."""

    framing = LengthPrefixed(4, max_frame=LONGEST)
    codec = Json(id="id")


class JsonByIdBodies(JsonCameraBodies, JsonById):
    """Carries out the commands of this camera."""


class RpcCamera(JsonCamera):
    """The same in JSON-RPC, with batches."""

    framing = Delimited(b"\n", max_frame=LONGEST)
    codec = JsonRpc()


class RpcCameraBodies(JsonCameraBodies, RpcCamera):
    """Carries out the commands of this camera."""
