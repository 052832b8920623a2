"""
A robot that asks a camera for the positions of parts, with Twisted and the camera's framing.

    python robot_client.py 9999

The camera is ``camera_server.py``. A reply that arrives in pieces, or together with another, is no problem.
"""

import sys
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString

from tcpcomm import DelimitedFactory, DelimitedProtocol


class Robot(DelimitedProtocol):
    """One session with a camera. Send one command at a time: the next frame is the reply to it."""

    delimiter = b"\r\n"

    _answer: Deferred[bytes] | None = None

    def ask(self, command: bytes) -> Deferred[bytes]:
        """Send a command; the Deferred fires with the reply, or fails if the session ends before."""
        self.sendFrame(command)
        self._answer = Deferred()
        return self._answer

    def frameReceived(self, frame: bytes) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.callback(frame)

    def sessionLost(self, reason: str) -> None:
        if self._answer is not None:
            self._answer.errback(ConnectionError(reason))


async def main(reactor: Any, port: str) -> None:
    factory = DelimitedFactory(Robot)
    robot = await clientFromString(reactor, f"tcp:127.0.0.1:{port}").connect(factory)
    for job in (3, 4, 5):
        answer = await robot.ask(b"TRG,%d" % job)
        print(f"job {job}: {answer.decode()}")
    await factory.drain()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
