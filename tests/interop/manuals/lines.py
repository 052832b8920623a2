"""EPSON RC+ with Remote Ethernet control, and telegrams of Pfeiffer Vacuum: lines of text."""

from __future__ import annotations

from typing import Annotated

from attrs import fields, frozen

from tcpcomm import Equipment, Fault, NoReply, command
from tcpcomm.codec import OneOf, ProtocolErrorKind, Range, Template
from tcpcomm.framing import Checked, Delimited, Enclosed, checksum


@frozen
class RobotStatus:
    """The ten flags of a robot controller, and the number of its error or warning."""

    teach: bool
    auto: bool
    warning: bool
    serious_error: bool
    safeguard: bool
    emergency_stop: bool
    error: bool
    paused: bool
    running: bool
    ready: bool
    code: int


FLAGS = "".join(f"{{{each.name}:1|0}}" for each in fields(RobotStatus)[:-1])
WARNING = RobotStatus(
    teach=False,
    auto=True,
    warning=True,
    serious_error=False,
    safeguard=False,
    emergency_stop=False,
    error=False,
    paused=False,
    running=True,
    ready=False,
    code=517,
)
"""The second example of the manual: a warning while a task runs."""


class Epson(Equipment):
    """
    An EPSON RC+ controller with Remote Ethernet control, at port 5000.

    The ``$`` of a request belongs to the framing, because a fault repeats the command without it.
    """

    framing = Enclosed(b"$", b"\r\n")
    reply_framing = Delimited(b"\r\n")
    codec = Template(
        fault="!{command},{code:d}",
        codes={
            ProtocolErrorKind.UNREADABLE: 12,
            ProtocolErrorKind.MALFORMED: 12,
            ProtocolErrorKind.UNKNOWN_COMMAND: 11,
            ProtocolErrorKind.BAD_PARAMETERS: 12,
            ProtocolErrorKind.WRONG_STATE: 11,
            ProtocolErrorKind.INTERNAL: 99,
        },
    )

    @command("Login,{password}", reply="#Login,0", enters="login")
    async def log_in(self, password: str) -> None:
        """Log in."""
        raise NotImplementedError

    @command("Start,{function:d}", reply="#Start,0", needs="login")
    async def start(self, function: int) -> None:
        """Start a function, 0 for main."""
        raise NotImplementedError

    @command("GetIO,{bit:d}", reply="#GetIO,{on:1|0}", needs="login", idempotent=True)
    async def bit(self, bit: int) -> bool:
        """Read one bit of the inputs."""
        raise NotImplementedError

    @command("GetStatus", reply=f"#GetStatus,{FLAGS},{{code:04d}}", needs="login", idempotent=True)
    async def status(self) -> RobotStatus:
        """Read the flags, and the number of the error or warning."""
        raise NotImplementedError

    @command('Execute,"{line}"', reply=OneOf("#Execute,0", '#Execute,"{result}"'), needs="login")
    async def execute(self, line: str) -> str | None:
        """Execute a line of SPEL+, and return what it prints, or None if it prints nothing."""
        raise NotImplementedError


class MyEpson(Epson):
    """A controller whose password is 123."""

    async def log_in(self, password: str) -> None:
        if password != "123":
            raise Fault(13)

    async def start(self, function: int) -> None:
        if function > 7:
            raise Fault(12)

    async def bit(self, bit: int) -> bool:
        return bit == 1

    async def status(self) -> RobotStatus:
        return WARNING

    async def execute(self, line: str) -> str | None:
        return "3.5" if line.startswith("print") else None


Address = Annotated[int, Range(0, 999)]


@frozen
class Pressure:
    """A pressure in hPa: the mantissa, and the power of ten plus 20."""

    mantissa: float
    exponent: int


@frozen
class Place:
    """The parameter that a fault is about."""

    parameter: int = 0


class Pfeiffer(Equipment):
    """
    A pump with a gauge, which speaks the protocol of Pfeiffer Vacuum through a serial server.

    Replies and faults repeat the address of the command.
    """

    framing = Checked(Delimited(b"\r"), checksum("sum8").written("decimal"))
    codec = Template(
        fault={
            "{address:03d}10{parameter:03d}06NO_DEF": "NO_DEF",
            "{address:03d}10{parameter:03d}06_RANGE": "_RANGE",
            "{address:03d}10{parameter:03d}06_LOGIC": "_LOGIC",
        },
        data=Place,
    )

    @command("{address:03d}0030902=?", reply="{address:03d}1030906{hertz:06d}", idempotent=True)
    async def speed(self, address: Address) -> int:
        """Read the rotation speed in Hz."""
        raise NotImplementedError

    @command(
        "{address:03d}0074002=?",
        reply="{address:03d}1074006{mantissa:04d/1000}{exponent:02d}",
        idempotent=True,
    )
    async def pressure(self, address: Address) -> Pressure:
        """Read the pressure."""
        raise NotImplementedError

    @command("{address:03d}1001006{on:111111|000000}", reply="{address:03d}1001006{on:111111|000000}")
    async def pump(self, address: Address, on: bool) -> None:
        """Switch the pumping station."""
        raise NotImplementedError

    @command("{address:03d}1074103{point:03d}", reply="{address:03d}1074103{point:03d}")
    async def adjust(self, address: Address, point: int) -> None:
        """Take the pressure for that of an adjustment point, 1 for atmosphere."""
        raise NotImplementedError


class MyPfeiffer(Pfeiffer):
    """Units with the addresses 1 to 255. They are silent if all units or a group are addressed."""

    async def speed(self, address: int) -> int:
        self._expect_single(address)
        return 633

    async def pressure(self, address: int) -> Pressure:
        self._expect_single(address)
        return Pressure(1.0, 23)

    async def pump(self, address: int, on: bool) -> None:
        self._expect_single(address)

    async def adjust(self, address: int, point: int) -> None:
        self._expect_single(address)
        if point > 1:
            raise Fault("_RANGE", data=Place(741))

    def unknown(self, frame: bytes) -> bytes:
        return frame[:3] + b"10" + frame[5:8] + b"06NO_DEF"

    @staticmethod
    def _expect_single(address: int) -> None:
        if not 1 <= address <= 255:
            raise NoReply
