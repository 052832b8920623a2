"""The declaration that the configurations of the tests name."""

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited


class Camera(Equipment):
    """A camera that locates parts."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("TRG,{job}", reply="OK,{x:.3f}")
    async def locate(self, job: int) -> float:
        """Locate the part."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """It needs attention."""
