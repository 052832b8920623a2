"""
Locate with a client by hand; the arguments are a port, a count, and how many commands are in flight.

It holds the commands that wait in a deque, because replies come in the order of the commands. With
``--timeouts`` each command has a timeout, which closes the connection.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any, cast

from attrs import frozen
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from tests.bench.peers.locating import measure_locate

TIMEOUT = 5.0


@frozen
class Position:
    x: float
    y: float
    angle: float


class Refused(Exception):
    """The camera answered something other than a position."""


class Camera(LineReceiver):
    delimiter = b"\r\n"

    def __init__(self) -> None:
        self._waiting: deque[Deferred[Position]] = deque()

    def connectionMade(self) -> None:
        cast("Any", self.transport).setTcpNoDelay(True)

    def locate(self, job: int) -> Deferred[Position]:
        waiting: Deferred[Position] = Deferred()
        self._waiting.append(waiting)
        self.sendLine(b"TRG,%d" % job)  # type: ignore[no-untyped-call]
        return waiting

    def lineReceived(self, line: bytes) -> None:
        waiting = self._waiting.popleft()
        word, _, rest = line.decode("ascii").partition(",")
        if word != "OK":
            waiting.errback(Refused(line))
            return
        try:
            x, y, angle = map(float, rest.split(","))
        except ValueError:
            waiting.errback(Refused(line))
            return
        waiting.callback(Position(x, y, angle))

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        while self._waiting:
            self._waiting.popleft().errback(reason)


class CarefulCamera(Camera):
    def connectionMade(self) -> None:
        super().connectionMade()
        from twisted.internet import reactor

        self._clock: Any = reactor

    def locate(self, job: int) -> Deferred[Position]:
        timer = self._clock.callLater(TIMEOUT, self._give_up)

        def stop_timer(result: object) -> object:
            if timer.active():
                timer.cancel()
            return result

        return super().locate(job).addBoth(stop_timer)

    def _give_up(self) -> None:
        cast("Any", self.transport).abortConnection()


async def main(reactor: Any, port: str, count: str, in_flight: str, *options: str) -> None:
    factory = Factory.forProtocol(CarefulCamera if "--timeouts" in options else Camera)
    factory.noisy = False
    camera: Any = await TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)).connect(factory)
    await measure_locate(camera.locate, int(count), int(in_flight))
    camera.transport.loseConnection()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
