"""
The commands of the camera. The robot's program and the camera's program share this file, and nothing else.
"""

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited


@frozen
class Position:
    """
    The position of the part: x and y in mm from the picture's centre, angle in degrees from -90 to 90.
    """

    x: float
    y: float
    angle: float


class VisionCamera(Equipment):
    """A camera that locates the part under it."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.2f}", timeout=5.0, idempotent=True)
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part. Faults: 2, no such job; 3, no part in the picture."""
        raise NotImplementedError

    @command("PING", reply="PONG")
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event("LAMP,{hours:d}")
    def lamp_is_old(self, hours: int) -> None:
        """The lamp has burnt for this many hours, and should be replaced."""
