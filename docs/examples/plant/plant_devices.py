"""The devices of the example plant that tcpcomm does not bring: a camera, a scale and a laser sensor."""

from typing import Annotated

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import U16, Binary, Range, Template, Unit
from tcpcomm.framing import Delimited, LengthPrefixed


@frozen
class Position:
    """The position of the part: x and y in mm, angle in degrees."""

    x: Annotated[float, Unit("mm"), Range(-50, 50)]
    y: Annotated[float, Unit("mm"), Range(-50, 50)]
    angle: Annotated[float, Unit("°"), Range(-90, 90)]


class Camera(Equipment):
    """A camera that locates parts."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.2f}", timeout=2.0)
    async def locate(self, job: Annotated[int, Range(1, 99)]) -> Position:
        """Take a picture and locate the part."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: Annotated[int, Range(1, 9)]) -> None:
        """The camera needs attention."""


class Scale(Equipment):
    """A scale."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("S", reply="S S {grams:.2f} g", timeout=1.0)
    async def weigh(self) -> Annotated[float, Unit("g"), Range(0, 3000)]:
        """Return the weight."""
        raise NotImplementedError

    @command("Z", reply="Z A", timeout=1.0)
    async def zero(self) -> None:
        """Set the scale to zero."""
        raise NotImplementedError


@frozen
class Reading:
    """A distance, and the light that came back."""

    micrometres: Annotated[U16, Unit("µm")]
    light: Annotated[U16, Range(0, 4095)]


class LaserSensor(Equipment):
    """A sensor that measures distances, with binary messages behind a length of two bytes."""

    framing = LengthPrefixed(2)
    codec = Binary()

    @command(0x10, timeout=1.0)
    async def measure(self) -> Reading:
        """Measure the distance."""
        raise NotImplementedError
