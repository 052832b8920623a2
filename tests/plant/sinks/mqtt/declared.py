"""A camera that tests describe to sinks, as a gateway does: :func:`camera`."""

from __future__ import annotations

from typing import Annotated

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Range, Template, Unit
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited
from tcpcomm.plant import values_of
from tcpcomm.plant.sink import LinkDescription

__all__ = ["Camera", "camera"]


@frozen
class Position:
    """The place of a part."""

    x: Annotated[float, Unit("mm"), Range(-500, 500)]
    count: int
    good: bool


class Camera(Equipment):
    """A camera."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("TRG,{job}", reply="OK,{x},{count},{good}")
    async def locate(self, job: int) -> Position:
        """Locate the part."""
        raise NotImplementedError

    @command("HOME", reply="OK")
    async def home(self) -> None:
        """Move home."""
        raise NotImplementedError

    @event("ALM,{code},{text}")
    def alarm(self, code: int, text: str) -> None:
        """The camera needs attention."""

    @event("DOOR")
    def door_opened(self) -> None:
        """The door was opened."""


def camera(name: str = "camera-1", *, commands: tuple[str, ...] = ("locate",)) -> LinkDescription:
    """Return the description of a camera's link."""
    declaration = declaration_of(Camera)
    names = ("locate", "alarm", "door_opened")
    values = tuple(value for each in names for value in values_of(declaration, each))
    return LinkDescription(name=name, declaration=declaration, values=values, commands=commands)
