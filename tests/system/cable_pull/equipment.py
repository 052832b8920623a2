"""
The equipment at the end of the cable, as a program.

It answers heartbeats and ``HELLO``, and carries out commands: it writes ``RUN client id`` to a file, then
answers ``DONE client id``. The file outlives the program. So it shows afterwards which commands were
carried
out and how often, even by a program that was killed.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from twisted.internet import reactor as _reactor

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.framing import Lines
from tests.system.programs import end_with_stdin, report

reactor: Any = _reactor

ANSWERS = {b"PING": b"PONG", b"HELLO": b"WELCOME"}


class Equipment(FrameProtocol):
    """One session with a client."""

    framing = Lines()
    notes: int

    def frameReceived(self, frame: bytes) -> None:
        if frame in ANSWERS:
            self.sendFrame(ANSWERS[frame])
            return
        word, _, command = frame.partition(b" ")
        if word != b"RUN":
            self.sendFrame(b"WHAT " + frame)
            return
        os.write(self.notes, command + b"\n")
        self.sendFrame(b"DONE " + command)


def main(port: str, notes: str) -> None:
    """Listen on a port until standard input ends."""
    Equipment.notes = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    # The dead sessions of a client stay until the system ends them: they must not block the client.
    factory = FrameFactory(Equipment, max_sessions_per_address=None)
    reactor.listenTCP(int(port), factory, backlog=128)
    end_with_stdin(reactor)
    reactor.callWhenRunning(report, "listening")
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
