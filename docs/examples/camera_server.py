"""
A camera that sends a robot the position of the part: ``TRG,3`` is answered with ``OK,1.000,2.000,3.000``.

    python camera_server.py 9999                         serves one robot, then ends
    twistd -n tcpcomm --app camera_server:Camera         serves until it is stopped
"""

import sys
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString

from tcpcomm import DelimitedProtocol, FrameFactory, FrameProtocol

POSITIONS = {3: (1.0, 2.0, 3.0), 4: (12.5, -3.25, 90.0)}
"""The position of the part in each job: x and y in mm, angle in degrees. A real camera would measure it."""


class Camera(DelimitedProtocol):
    delimiter = b"\r\n"

    def frameReceived(self, frame: bytes) -> None:
        command, _, job = frame.partition(b",")
        if command != b"TRG" or not job.isdigit():
            self.sendFrame(b"NG,1,no such command")
        elif int(job) not in POSITIONS:
            self.sendFrame(b"NG,2,no such job")
        else:
            self.sendFrame(b"OK,%.3f,%.3f,%.3f" % POSITIONS[int(job)])


class OneRobot(FrameFactory):
    """A factory that serves one robot and reports when it has gone."""

    protocol = Camera

    def __init__(self) -> None:
        super().__init__(max_sessions=1)
        self.gone: Deferred[None] = Deferred()

    def sessionClosed(self, session: FrameProtocol) -> None:
        super().sessionClosed(session)
        self.gone.callback(None)


async def main(reactor: Any, port: str) -> None:
    factory = OneRobot()
    listening = await serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1").listen(factory)
    print(f"listening on 127.0.0.1:{listening.getHost().port}", flush=True)
    await factory.gone
    await listening.stopListening()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
