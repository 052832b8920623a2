"""The commands of an axis with a guard door, and of a height sensor above it."""

from enum import IntEnum

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Json, Template
from tcpcomm.framing import Delimited


class Code(IntEnum):
    """The reason of a fault."""

    NOT_HOMED = 10
    OUT_OF_RANGE = 11
    BUSY = 12
    STOPPED = 13
    INTERLOCK = 20


class Axis(Equipment):
    """
    A linear axis of 300 mm behind a guard door with a lock. It moves only while the door is locked.

    Its messages carry ids, so that it can be stopped during a movement.
    """

    framing = Delimited(b"\n")
    codec = Json(id="id")
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command(timeout=1.0, interim=("moving",))
    async def home(self) -> None:
        """Find the reference point; the reply comes when the axis stands there."""
        raise NotImplementedError

    @command(timeout=1.0, interim=("moving",))
    async def move(self, to: float, speed: float) -> float:
        """
        Move to a position, in mm, at a speed, in mm/s; the reply is the position when the axis is there.

        However long that takes, the axis reports where it is.
        """
        raise NotImplementedError

    @command()
    async def stop(self) -> None:
        """Stop at once: the movement fails with STOPPED."""
        raise NotImplementedError

    @command()
    async def unlock_door(self) -> None:
        """Allow the door to be opened. Not possible while the axis moves."""
        raise NotImplementedError

    @command()
    async def lock_door(self) -> None:
        """Lock the door again."""
        raise NotImplementedError

    @command()
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError

    @event()
    def moving(self, at: float) -> None:
        """Report the position of the axis, in mm, while it moves; each report begins the timeout anew."""


class HeightSensor(Equipment):
    """A distance sensor that speaks short lines, as sensors do."""

    framing = Delimited(b"\r")
    codec = Template(fault="ER,{code:02d}")
    heartbeat = "ping"

    @command("M0", reply="M0,{height:+08.3f}", timeout=1.0, idempotent=True)
    async def height(self) -> float:
        """Measure the height below it, in mm."""
        raise NotImplementedError

    @command("PG", reply="PG")
    async def ping(self) -> None:
        """Check that the program is alive."""
        raise NotImplementedError
