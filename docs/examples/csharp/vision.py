"""
The vision program that ``Program.cs`` controls, in both TCP roles, with text or JSON.

    python vision.py text --listen tcp:9999:interface=127.0.0.1
    python vision.py json --connect tcp:127.0.0.1:9999
"""

import sys

from signals import JsonVision, Position, TextVision
from tcpcomm import Fault, Heartbeats, profile, run, serve

PARTS = {1: Position(12.5, -3.25, 30.0), 2: Position(-7.0, 0.125, -45.5)}
"""The position of the part in each job. A real program would find it in a picture."""

PATIENT = profile("lan", heartbeats=Heartbeats(interval=1.0, timeout=5.0))
"""The link of ``--connect``: it tries again at once, and expects ``Program.cs`` to send once a second."""


class MyTextVision(TextVision):
    """The work of this program, with the signals as text."""

    def __init__(self) -> None:
        self._step = 0

    async def start(self, job: int) -> Position:
        if job not in PARTS:
            raise Fault(3, "부품 없음")
        return PARTS[job]

    async def proceed(self) -> None:
        self._step += 1
        self.ready(self._step)

    async def ping(self) -> None:
        pass


class MyJsonVision(MyTextVision, JsonVision):
    """The same work, with the signals as JSON."""


if __name__ == "__main__":
    signals, role, place = sys.argv[1:]
    vision = MyTextVision() if signals == "text" else MyJsonVision()
    if role == "--listen":
        run(serve(vision, at=place))
    else:
        run(serve(vision, connect=place, policy=PATIENT))
