"""The commands that a station of the line sends to the inspection program."""

from enum import StrEnum

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Json
from tcpcomm.framing import LengthPrefixed


class Judgement(StrEnum):
    OK = "OK"
    NG = "NG"


@frozen
class Result:
    """
    The result of an inspection. A bad part is a result (NG); a fault means that nothing was inspected.
    """

    serial: str
    judgement: Judgement
    reason: str = ""


class Inspection(Equipment):
    """An inspection that judges turned parts by their diameters."""

    framing = LengthPrefixed(4)
    codec = Json()
    heartbeat = "ping"

    @command(timeout=30.0)
    async def enter(self, station: str) -> None:
        """Report a station; the reply comes when all stations of the line are there."""
        raise NotImplementedError

    @command(timeout=5.0, idempotent=True)
    async def inspect(self, serial: str, diameters: list[float]) -> Result:
        """Judge a part by diameters in mm, measured all around it. Fault 1: there are fewer than three."""
        raise NotImplementedError

    @command()
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event()
    def tally(self, ok: int, ng: int) -> None:
        """Count this station's good and bad parts; sent after each tenth part."""
