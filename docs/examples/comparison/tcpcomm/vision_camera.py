from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited


@frozen
class Position:
    x: float
    y: float
    angle: float


class VisionCamera(Equipment):
    framing = Delimited(b"\r\n")
    codec = Template(fault="NG,{code:d},{reason}")

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f},{angle:.3f}", timeout=2.0)
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """The camera needs attention."""
