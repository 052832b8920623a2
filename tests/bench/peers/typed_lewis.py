"""The camera as a device of Lewis, with the 10 ms cycle of its adapter."""

from __future__ import annotations

import socket

from lewis.adapters.stream import Cmd, StreamAdapter, StreamInterface
from lewis.core.simulation import Simulation
from lewis.devices import Device

from tests.bench.peers.control import report_port


class Camera(Device):  # type: ignore[misc] # it has no annotations
    def locate(self, job: int) -> tuple[float, float, float]:
        return 1.0, 2.0, float(job)


class CameraInterface(StreamInterface):  # type: ignore[misc]
    in_terminator = out_terminator = "\r\n"
    commands = frozenset(
        {
            Cmd(
                "locate",
                r"^TRG,([0-9]+)$",
                argument_mappings=(int,),
                return_mapping=lambda found: "OK,{:.3f},{:.3f},{:.3f}".format(*found),
            )
        }
    )

    def handle_error(self, request: bytes, error: Exception) -> str:
        return f"NG,93,{error}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def main() -> None:
    port = _free_port()
    adapter = StreamAdapter({"bind_address": "127.0.0.1", "port": port})
    camera = Camera()
    adapter.interface = CameraInterface()
    adapter.interface.device = camera
    simulation = Simulation(camera, adapters=[adapter])
    simulation._adapters.connect()
    report_port(port)
    simulation.start()


if __name__ == "__main__":
    main()
