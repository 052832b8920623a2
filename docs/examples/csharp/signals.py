"""The signals between a control program in C# and this vision program, as text and as JSON."""

from typing import ClassVar

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Codec, Json, Template
from tcpcomm.framing import Delimited, Framing, LengthPrefixed


@frozen
class Position:
    """The position of the part: x and y in mm, angle in degrees."""

    x: float
    y: float
    angle: float


class TextVision(Equipment):
    """The signals as lines of UTF-8 text, for a control program that reads them with Split."""

    framing: ClassVar[Framing] = Delimited(b"\r\n")
    codec: ClassVar[Codec] = Template(encoding="utf-8", fault="NG,{code:d},{reason}")
    heartbeat = "ping"

    @command("작업 시작,{job}", reply="좌표 전송,{x:.3f},{y:.3f},{angle:.2f}")
    async def start(self, job: int) -> Position:
        """Start to work; the reply is the part's position. Fault 3: there is no part."""
        raise NotImplementedError

    @command("다음 단계로 진행", reply="OK")
    async def proceed(self) -> None:
        """Go on to the next step."""
        raise NotImplementedError

    @command("PING", reply="PONG")
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event("준비 완료,{step}")
    def ready(self, step: int) -> None:
        """Everything is prepared for this step."""


class JsonVision(TextVision):
    """The same signals as JSON, each message with its length in four bytes before it."""

    framing = LengthPrefixed(4)
    codec = Json(fault="NG")

    @command("작업 시작", reply="좌표 전송")
    async def start(self, job: int) -> Position:
        raise NotImplementedError

    @command("다음 단계로 진행")
    async def proceed(self) -> None:
        raise NotImplementedError

    @command("PING")
    async def ping(self) -> None:
        raise NotImplementedError

    @event("준비 완료")
    def ready(self, step: int) -> None:
        pass
