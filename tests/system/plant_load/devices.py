"""
Many simulated gauges in one process, each at a port of its own.

``python -m tests.system.plant_load.devices 200 --events 10`` reports the ports, and ends when its standard
input ends. Each gauge answers ``READ`` with a number that grows, and sends the event ``RESULT`` as often as
the option says. The process shares the machine with the gateway, so it does as little as it can.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet import reactor as global_reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.task import LoopingCall

from tcpcomm import DelimitedProtocol, Equipment, FrameFactory, command, event
from tcpcomm.codec import Template
from tests.system.programs import end_with_stdin, report

__all__ = ["Gauge", "Measurement"]


@frozen
class Measurement:
    """A measurement: its number, and the width in mm."""

    number: int
    width: float


class Gauge(Equipment):
    """A gauge that measures the width of a part."""

    codec = Template(fault="ER,{code},{reason}")
    heartbeat = "ping"

    @command("PING", reply="PONG", idempotent=True)
    async def ping(self) -> None:
        """Check that the gauge is alive."""
        raise NotImplementedError

    @command("READ", reply="OK,{number:d},{width:.3f}", timeout=2.0, idempotent=True)
    async def read(self) -> Measurement:
        """Measure the part under the gauge."""
        raise NotImplementedError

    @event("RESULT,{number:d},{width:.3f}")
    def result(self, number: int, width: float) -> None:
        """Tell the width of a part that passed."""


class Wire(DelimitedProtocol):
    """The wire of a gauge, without a declaration, because that costs less."""

    delimiter = b"\r\n"
    numbers = 0

    def frameReceived(self, frame: bytes) -> None:
        if frame == b"READ":
            self.numbers += 1
            self.sendFrame(b"OK,%d,12.345" % self.numbers)
        elif frame == b"PING":
            self.sendFrame(b"PONG")

    def tell(self) -> None:
        """Send the event with the next number."""
        self.numbers += 1
        self.sendFrame(b"RESULT,%d,12.345" % self.numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="gauges")
    parser.add_argument("--events", type=float, default=0.0, help="events of each gauge in a second")
    options = parser.parse_args()
    reactor: Any = global_reactor
    ports: list[int] = []
    factories = [FrameFactory(Wire) for _ in range(options.count)]
    for each in factories:
        listening = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(each)
        listening.addCallback(lambda port: ports.append(port.getHost().port))
    if options.events:
        for number, each in enumerate(factories):
            first = number / options.count / options.events
            reactor.callLater(first, LoopingCall(_teller(each)).start, 1 / options.events)
    reactor.callWhenRunning(report, "listening", ports=ports)
    end_with_stdin(reactor)
    reactor.run()


def _teller(factory: FrameFactory) -> Callable[[], None]:
    def tell() -> None:
        for session in factory.sessions:
            session.tell()  # type: ignore[attr-defined] # the factory makes Wire only

    return tell


if __name__ == "__main__":
    main()
