"""The camera as tcpcomm declares it. ``--plain``: not a coroutine; ``--metrics``, ``--frames``: counted."""

from __future__ import annotations

import sys

from attrs import frozen

from tcpcomm import Equipment, SessionObserver, command
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import serve_made


@frozen
class Position:
    x: float
    y: float
    angle: float


class VisionCamera(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.3f}")
    async def locate(self, job: int) -> Position:
        raise NotImplementedError


class Camera(VisionCamera):
    async def locate(self, job: int) -> Position:
        return Position(1.0, 2.0, float(job))


class PlainCamera(VisionCamera):
    def locate(self, job: int) -> Position:  # type: ignore[override] # at runtime it may be either
        return Position(1.0, 2.0, float(job))


if __name__ == "__main__":
    kind = PlainCamera if "--plain" in sys.argv[1:] else Camera
    observers: list[SessionObserver] = []
    if "--metrics" in sys.argv[1:] or "--frames" in sys.argv[1:]:
        from tcpcomm.plant import Metrics  # an optional package

        observers.append(Metrics(commands="--metrics" in sys.argv[1:]))
    serve_made(lambda: EquipmentFactory(kind(), max_sessions_per_address=None, observers=observers))
