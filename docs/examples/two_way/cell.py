"""What a loader and its line control ask of each other. Both directions share one connection."""

from enum import IntEnum, StrEnum

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import JsonRpc
from tcpcomm.framing import Delimited


class Code(IntEnum):
    """Why one says no to the other."""

    NO_TRAY = 101  # the loader's
    PLACE_OCCUPIED = 102
    LINE_STOPPED = 201  # the line control's
    UNKNOWN_TRAY = 202


class Mode(StrEnum):
    IDLE = "idle"
    LOADING = "loading"


@frozen
class LoaderStatus:
    """What the loader does, and how many trays it has left."""

    mode: Mode
    trays: int


@frozen
class LineStatus:
    """Whether the line runs, and the trays that it has confirmed."""

    runs: bool
    confirmed: list[str]


class Loader(Equipment):
    """Puts trays onto the line. Before each it asks the line control, and reports to it after."""

    framing = Delimited(b"\n")
    codec = JsonRpc()
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command()
    async def status(self) -> LoaderStatus:
        """What the loader does."""
        raise NotImplementedError

    @command(timeout=10.0)
    async def load(self) -> str:
        """Put a tray onto the line; answered with its code. Faults: NO_TRAY, and the line control's."""
        raise NotImplementedError

    @command()
    async def ping(self) -> None:
        """Say that the program is alive."""
        raise NotImplementedError

    @event()
    def trays_low(self, left: int) -> None:
        """There are so few trays left."""


class LineControl(Equipment):
    """What the loader may ask in turn, on the connection that it is asked on."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    async def line_status(self) -> LineStatus:
        """What the line does."""
        raise NotImplementedError

    @command()
    async def confirm(self, tray: str) -> int:
        """Ask where a tray may go; answered with the place. Faults: LINE_STOPPED, UNKNOWN_TRAY."""
        raise NotImplementedError
