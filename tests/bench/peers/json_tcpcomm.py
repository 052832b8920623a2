"""A camera that speaks JSON, or with ``--rpc`` JSON-RPC, with the engine that the last argument names."""

from __future__ import annotations

import sys

from attrs import frozen

from tcpcomm import Equipment, command
from tcpcomm.codec import Json, JsonRpc
from tcpcomm.codec.json.engines import using
from tcpcomm.framing import Lines
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import serve_made


@frozen
class Position:
    x: float
    y: float
    angle: float


def camera(spoken: Json | JsonRpc) -> Equipment:
    class Camera(Equipment):
        framing = Lines()
        codec = spoken

        @command()
        async def locate(self, job: int) -> Position:
            return Position(1.25, 2.5, float(job))

    return Camera()


if __name__ == "__main__":
    with using(sys.argv[-1]):
        made = camera(JsonRpc() if "--rpc" in sys.argv[1:] else Json())
    serve_made(lambda: EquipmentFactory(made, max_sessions_per_address=None))
