"""The commands that a loader and its line control send each other. Both directions share one connection."""

from enum import IntEnum, StrEnum

from attrs import frozen

from tcpcomm import Equipment, command, event
from tcpcomm.codec import JsonRpc
from tcpcomm.framing import Delimited


class Code(IntEnum):
    """The reason of a fault."""

    NO_TRAY = 101  # from the loader
    PLACE_OCCUPIED = 102
    LINE_STOPPED = 201  # from the line control
    UNKNOWN_TRAY = 202


class Mode(StrEnum):
    IDLE = "idle"
    LOADING = "loading"


@frozen
class LoaderStatus:
    """The state of the loader, and the number of trays that it has left."""

    mode: Mode
    trays: int


@frozen
class LineStatus:
    """The state of the line, and the trays that it has confirmed."""

    runs: bool
    confirmed: list[str]


class Loader(Equipment):
    """
    A loader that puts trays onto the line. It asks the line control before each tray, and reports after it.
    """

    framing = Delimited(b"\n")
    codec = JsonRpc()
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command()
    async def status(self) -> LoaderStatus:
        """Return the state of the loader."""
        raise NotImplementedError

    @command(timeout=10.0)
    async def load(self) -> str:
        """
        Put a tray onto the line; the reply is its code. Faults: NO_TRAY, and those of the line control.
        """
        raise NotImplementedError

    @command()
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event()
    def trays_low(self, left: int) -> None:
        """Only this many trays are left."""


class LineControl(Equipment):
    """The commands that the loader may send in turn, on the same connection."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    async def line_status(self) -> LineStatus:
        """Return the state of the line."""
        raise NotImplementedError

    @command()
    async def confirm(self, tray: str) -> int:
        """Ask where a tray may go; the reply is the place. Faults: LINE_STOPPED, UNKNOWN_TRAY."""
        raise NotImplementedError
