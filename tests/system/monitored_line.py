"""
A small production line that runs with a monitor, for the browser: a camera, a scale, a PLC, an MES, a tap.

``python -m tests.system.monitored_line FOLDER`` prints the address of its page, and records the camera in
the folder. One reply in :data:`WRONG_EACH` of the scale has a wrong checksum, and the PLC is not there.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from math import sin
from pathlib import Path
from typing import Any, Final, cast

from attrs import frozen
from twisted.internet import reactor, task
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import Logger, globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineReceiver

from tcpcomm import (
    Equipment,
    Fault,
    Heartbeats,
    Monitor,
    Recorder,
    SessionObserver,
    command,
    event,
    remote,
    serve,
)
from tcpcomm.codec import Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import TcpcommError
from tcpcomm.framing import Checked, Delimited, checksum
from tcpcomm.link.policy import profile
from tcpcomm.server.service import ServerService
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.tap.tap import Tap

WRONG_EACH: Final = 12

LOOPBACK: Final = "tcp:0:interface=127.0.0.1"
REACTOR: Final[Any] = reactor
LOG: Final = Logger()


@frozen
class Position:
    """The position of the part: x and y in mm, angle in degrees."""

    x: float
    y: float
    angle: float


class VisionCamera(Equipment):
    """A camera that locates the part under it."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")
    heartbeat = "ping"

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.2f}", timeout=5.0, idempotent=True)
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part. Faults: 2, no such job; 3, no part in the picture."""
        raise NotImplementedError

    @command("PING", reply="PONG")
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event("LAMP,{hours:d}")
    def lamp_is_old(self, hours: int) -> None:
        """The lamp has burnt for this many hours, and should be replaced."""


class Camera(VisionCamera):
    """The camera's own program, with a part that moves a little."""

    def __init__(self) -> None:
        self._pictures = 0
        self._noise = random.Random(1)

    async def locate(self, job: int) -> Position:
        self._pictures += 1
        await task.deferLater(REACTOR, self._noise.uniform(0.0005, 0.004), lambda: None)
        if job == 3:
            raise Fault(3, "no part in the picture")
        if not 0 <= job <= 9:
            raise Fault(2, f"no such job: {job}")
        if self._pictures % 40 == 0:
            self.lamp_is_old(9_980 + self._pictures // 40)
        turned = sin(self._pictures / 15)
        return Position(12.3 + turned, 4.5 + self._noise.gauss(0, 0.02), 90 + 3 * turned)

    async def ping(self) -> None:
        pass


class Scale(Equipment):
    """A scale whose messages end in a checksum: the low byte of the sum, as two hexadecimal digits."""

    framing = Checked(Delimited(b"\r\n"), checksum("sum8").written("hex"))
    codec = Template(fault="E,{code:d},{reason}")

    @command("W,{station:d}", reply="W,{weight:.2f}", timeout=0.5, idempotent=True)
    async def weigh(self, station: int) -> float:
        """Weigh the part at a station, in grams."""
        raise NotImplementedError


class FaultyScale(LineReceiver):
    """A scale written without tcpcomm. Its checksum forgets a byte now and then."""

    weighed = 0
    transport: Any

    def lineReceived(self, line: bytes) -> None:
        FaultyScale.weighed += 1
        reply = b"W,%.2f" % (1250 + 5 * sin(FaultyScale.weighed / 9))
        counted = reply[1:] if FaultyScale.weighed % WRONG_EACH == 0 else reply
        self.transport.write(reply + b"%02X\r\n" % (sum(counted) % 256))


class Mes(Equipment):
    """The MES of the line: it gets the numbers of parts of each lot."""

    framing = Delimited(b"\n")
    codec = Template(encoding="utf-8", fault="ERR,{code:d},{reason}")

    @command("REPORT,{lot},{good:d},{bad:d}", reply="ACK")
    async def report(self, lot: str, good: int, bad: int) -> None:
        """Report the good and bad parts of a lot."""

    @event("ORDER,{lot},{parts:d}")
    def order(self, lot: str, parts: int) -> None:
        """Order parts of a lot."""


class Plc(Equipment):
    """A PLC that is not there: its cable is out."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("S?", reply="S,{running:d}", idempotent=True)
    async def state(self) -> int:
        """Return 1 if the line runs."""
        raise NotImplementedError


def repeat(seconds: float, ask: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again, whatever comes back: the page shows it."""

    async def for_ever() -> None:
        while True:
            with suppress(TcpcommError):
                await ask()
            await task.deferLater(REACTOR, seconds, lambda: None)

    in_background(for_ever())


def in_background(work: Coroutine[Any, Any, None]) -> None:
    """Do some work. If it fails, log that: the tests look for it."""
    Deferred.fromCoroutine(work).addErrback(lambda failure: LOG.failure("the line failed", failure))


def served(equipment: Equipment, *observers: SessionObserver) -> str:
    """Serve equipment at a free port; return the endpoint string for its hosts."""
    service = cast("ServerService", serve(equipment, at=LOOPBACK, observers=observers))
    service.startService()
    return f"tcp:127.0.0.1:{cast('Any', service.ports[0].getHost()).port}"


async def begin() -> None:
    """Begin all machines of the line, and the programs that use them."""
    recorder = Recorder(Path(sys.argv[1]) / "line3-cell2.tcpcomm")
    monitor = Monitor(0, name="line 3, cell 2", recordings=lambda: [recorder.path])
    tap = Tap(served(Camera()), speech=Speech.declared(declaration_of(VisionCamera)), observers=[monitor])
    tap.name = "tap to the camera"
    camera_at = f"tcp:127.0.0.1:{await tap.start()}"
    # A busy machine may let a heartbeat wait for longer than the third of a second that a LAN needs.
    patient = profile("lan", connect_timeout=2.0, heartbeats=Heartbeats(0.3, 2.0))
    camera = remote(VisionCamera, at=camera_at, policy=patient, observers=[monitor, recorder])
    device = REACTOR.listenTCP(0, Factory.forProtocol(FaultyScale), interface="127.0.0.1")
    scale = remote(Scale, at=f"tcp:127.0.0.1:{device.getHost().port}", observers=[monitor])
    remote(Plc, at="tcp:127.0.0.1:1", observers=[monitor])
    mes_at = served(Mes(), monitor)
    cells = [remote(Mes, at=mes_at) for _ in range(2)]

    draw = random.Random(2)
    repeat(0.1, lambda: camera.locate(draw.choice([1, 1, 2, 2, 2, 3])))
    repeat(0.1, lambda: scale.weigh(draw.choice([4, 7])))
    repeat(0.4, lambda: cells[0].report("작업-1", draw.randrange(400), 4))
    repeat(0.4, lambda: cells[1].report("작업-2", draw.randrange(400), 0))
    print(monitor.url, flush=True)


def main() -> None:
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    REACTOR.callWhenRunning(lambda: in_background(begin()))
    REACTOR.run()


if __name__ == "__main__":
    main()
