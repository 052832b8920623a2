"""
A camera that speaks JSON-RPC, for clients in other languages: a program that serves until it is stopped.

    python -m tests.interop.rpc_camera lines|headers ENDPOINT
"""

from __future__ import annotations

import sys

from attrs import frozen

from tcpcomm import Equipment, Fault, caller, command, event, run, serve
from tcpcomm.codec import JsonRpc
from tcpcomm.framing import ContentLength, Delimited

FRAMINGS = {"lines": Delimited(b"\n"), "headers": ContentLength()}


@frozen
class Position:
    """The position of the part, in mm."""

    x: float
    y: float


class Robot(Equipment):
    """The commands that the client answers."""

    codec = JsonRpc()

    @command()
    async def where(self, joint: int) -> float:
        """Return the angle of a joint, in degrees. Fault 7: there is no such joint."""
        raise NotImplementedError


class Camera(Equipment):
    """The commands that the client sends."""

    framing = FRAMINGS[sys.argv[1] if __name__ == "__main__" else "lines"]
    codec = JsonRpc()

    @command()
    async def locate(self, job: int) -> Position:
        """Locate the part."""
        if job != 3:
            raise Fault(2, f"no such job: {job}", data={"jobs": [3]})
        return Position(1.5, -2.0)

    @command()
    async def say(self, text: str) -> str:
        """Repeat a text."""
        return text

    @command()
    async def joints(self, numbers: list[int]) -> list[float]:
        """Ask the robot for the angles of its joints, all at once."""
        return [await asked for asked in [caller(Robot).where(number) for number in numbers]]

    @command(reply=None)
    async def warm_up(self, seconds: int) -> None:
        """Warm the lamp up. There is no reply; the event ``lamp`` follows."""
        self.lamp(after=seconds)

    @event()
    def lamp(self, after: int) -> None:
        """The lamp is warm, after this number of seconds."""


if __name__ == "__main__":
    run(serve(Camera(), at=sys.argv[2], calls=Robot))
