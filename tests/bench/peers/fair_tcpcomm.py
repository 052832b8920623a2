"""A server beside floods, with tcpcomm: lines, declared ``typed`` commands, or ``batches`` of JSON-RPC."""

from __future__ import annotations

import sys
from typing import Any

from attrs import frozen

from tcpcomm import Equipment, FrameFactory, FrameProtocol, command
from tcpcomm.codec import JsonRpc, Template
from tcpcomm.framing import Delimited
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import serve_made

LIMITS: dict[str, Any] = {"max_sessions": 10_000, "max_sessions_per_address": None}
LINES = Delimited(b"\n", max_frame=2 * 1024 * 1024)


class Echo(FrameProtocol):
    framing = LINES

    def log_connected(self) -> None:
        """Log nothing, as the others."""

    def sessionLost(self, reason: str) -> None:
        """Log nothing, as the others."""

    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(b"PONG" if frame == b"PING" else frame)


@frozen
class Position:
    x: float
    y: float
    angle: float


class Camera(Equipment):
    framing = LINES
    codec = Template(fault="NG,{code:d},{reason}")

    @command("PING", reply="PONG")
    def ping(self) -> None:
        return None

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.3f}")
    def locate(self, job: int) -> Position:
        return Position(1.0, 2.0, float(job))


class RpcCamera(Equipment):
    framing = LINES
    codec = JsonRpc()

    @command()
    def ping(self) -> str:
        return "PONG"

    @command()
    def locate(self, job: int) -> Position:
        return Position(1.0, 2.0, float(job))


def factory() -> Any:
    if "typed" in sys.argv[1:]:
        return EquipmentFactory(Camera(), **LIMITS)
    if "batches" in sys.argv[1:]:
        return EquipmentFactory(RpcCamera(), **LIMITS)
    return FrameFactory(Echo, **LIMITS)


if __name__ == "__main__":
    serve_made(factory)
