"""The commands of FINS over TCP, by the names of the manual: :class:`FinsCommands`."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from attrs import frozen

from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    Binary,
    Counted,
    Echo,
    Fixed,
    Length,
    Mask,
    ProtocolErrorKind,
    Rest,
    Skip,
    TaggedBy,
    WantsReply,
)
from tcpcomm.devices.fins.addresses import BIT_CODES, WORD_CODES
from tcpcomm.devices.fins.codes import END_CODES, IS_ERROR, EndCode, FrameError
from tcpcomm.equipment.equipment import Equipment, command, event
from tcpcomm.framing import LengthPrefixed

LONGEST_FRAME: Final = 2028
"""Bytes of a FINS/TCP frame: 2,012 of FINS behind 16 of the header (Omron W420, section 7-4)."""

MOST_READ: Final = 999
"""Words that one command can read over Ethernet (Omron W342, section 5-2-2, page 168), or bits."""

MOST_WRITTEN: Final = 997
"""Words that one command can write over Ethernet (the same page), or bits."""

MOST_PLACES: Final = 167
"""Places that one command can read, each anywhere (Omron W342, section 5-3-5)."""

CENTURY: Final = 98
"""Years of two digits from here on are of the 20th century: the clocks show 1998 to 2097."""


class Mode(IntEnum):
    """The operating mode of a CPU unit."""

    PROGRAM = 0x00
    DEBUG = 0x01
    MONITOR = 0x02
    RUN = 0x04


@frozen
class Nodes:
    """The FINS node addresses of both ends of a connection, 1 to 254."""

    client: U32
    server: U32


@frozen
class Place:
    """A place in the memory, as FINS numbers it: :meth:`Address.code` of its area, word, and bit."""

    area: U8
    word: U16
    bit: U8 = 0


Written: TypeAlias = Annotated[
    list[int] | list[bool] | bytes,
    TaggedBy(
        "area",
        {
            **dict.fromkeys(WORD_CODES, Annotated[list[U16], Counted(U16)]),
            **dict.fromkeys(BIT_CODES, Annotated[list[bool], Counted(U16)]),
        },
        other=Annotated[bytes, Rest()],
    ),
]
"""Words or bits, behind their number. The area says which; the bytes of an unknown area stay bytes."""

Found: TypeAlias = Annotated[
    list[int] | list[bool] | bytes,
    TaggedBy(
        "area",
        {
            **dict.fromkeys(WORD_CODES, Annotated[list[U16], Rest()]),
            **dict.fromkeys(BIT_CODES, Annotated[list[bool], Rest()]),
        },
        other=Annotated[bytes, Rest()],
    ),
]
"""Words or bits, without their number, because the request has it."""


_WORD_OR_BIT: Final = dict.fromkeys(WORD_CODES, U16) | dict.fromkeys(BIT_CODES, bool)


@frozen
class Element:
    """One word or bit, and the code of its area."""

    area: U8
    value: Annotated[int | bool, TaggedBy("area", _WORD_OR_BIT)]


@frozen
class AreaData:
    """The sizes of a CPU unit's memory."""

    program: U16
    """K words."""
    io_memory: U8
    """K bytes."""
    data_memory: U16
    """Words."""
    timers: U8
    """1,024 timers, and as many counters."""
    banks: U8
    """Banks of the extended memory that are not used for files."""
    reserved: U16
    card: U8
    """0: there is no memory card; 4: flash memory."""
    card_size: U16
    """K bytes."""


@frozen
class CpuData:
    """The model and the version of a CPU unit, and the sizes of its memory."""

    model: Annotated[str, Fixed(20, pad=" ")]
    version: Annotated[str, Fixed(20, pad=" ")]
    for_system: Annotated[bytes, Fixed(40)]
    areas: AreaData


@frozen
class CpuStatus:
    """The status of a CPU unit."""

    status: U8
    """Bit 0: the program runs; 1: flash memory is written; 2: there is a battery; 7: standby."""
    mode: Annotated[Mode, U8]
    fatal_errors: U16
    """A bit for each fatal error; 0: there is none."""
    other_errors: U16
    """A bit for each error that is not fatal, such as a low battery."""
    messages: U16
    """A bit for each message, 0 to 7, that the program shows."""
    error_code: U16
    """The gravest error at the moment; 0: there is none."""
    error_message: Annotated[str, Fixed(16, pad=" ")]

    @property
    def is_running(self) -> bool:
        """True if the program runs."""
        return bool(self.status & 1)


@frozen
class Clock:
    """The clock of a CPU unit. Each number has two digits, which are the two halves of its byte (BCD)."""

    year: U8
    month: U8
    day: U8
    hour: U8
    minute: U8
    second: U8 | None = None
    weekday: U8 | None = None
    """0: Sunday."""

    @classmethod
    def of(cls, time: datetime) -> Clock:
        """Return what the clock shows at a time."""
        parts = (time.year % 100, time.month, time.day, time.hour, time.minute, time.second)
        year, month, day, hour, minute, second = (int(str(each), 16) for each in parts)
        return cls(year, month, day, hour, minute, second, time.isoweekday() % 7)

    def as_datetime(self) -> datetime:
        """Return the time that the clock shows. Raises ValueError if it shows none."""
        shown = (self.year, self.month, self.day, self.hour, self.minute, self.second or 0)
        year, month, day, hour, minute, second = (int(f"{each:02x}") for each in shown)
        year += 2000 if year < CENTURY else 1900
        return datetime(year, month, day, hour, minute, second)


class FinsCommands(Equipment):
    """
    The commands of a controller that speaks FINS over TCP.

    Sources: Omron W342 (commands and end codes), W420 (FINS/TCP).
    """

    framing = LengthPrefixed(4, offset=4, strip=0, sync=b"FINS", max_frame=LONGEST_FRAME)
    pipeline = 4
    ready_when = "connected"

    client_node: ClassVar[int] = 0
    """The node address that the host asks for, 1 to 254; 0: the controller chooses one."""

    network = Echo(U8, 0)
    """The network of the destination; 0: the local one."""
    node = Echo(U8, 0)
    """The node of the destination: at first the controller at the other end of the connection."""
    unit = Echo(U8, 0)
    """The unit of the destination; 0: the CPU unit."""
    client_network = Echo(U8, 0)
    client = Echo(U8, 0)
    """The node of the host."""
    client_unit = Echo(U8, 0)

    _header = (b"FINS", Length(U32), OPCODE, STATUS)
    _handshake = Binary(
        U32,
        status=U32,
        head=_header,
        data=Annotated[bytes, Rest()],
        codes=dict.fromkeys(ProtocolErrorKind, FrameError.COMMAND_IS_NOT_SUPPORTED.value),
        meanings=FrameError,
    )
    _of_frames = Binary(U32, head=(b"FINS", Length(U32), OPCODE), fault_head=None)
    _start = (b"FINS", Length(U32), b"\0\0\0\2", Skip(4))
    codec = Binary(
        U16,
        id=U8,
        status=U16,
        ok=Mask(IS_ERROR),
        head=(
            *(*_start, WantsReply(U8, yes=0x80, no=0x81), Skip(b"\0\2"), network, node, unit),
            *(client_network, client, client_unit, ID, OPCODE),
        ),
        reply_head=(
            *(*_start, b"\xc0", Skip(b"\0\2"), client_network, client, client_unit),
            *(network, node, unit, ID, OPCODE, STATUS),
        ),
        codes={
            ProtocolErrorKind.UNREADABLE: EndCode.HEADER_ERROR.value,
            ProtocolErrorKind.MALFORMED: EndCode.COMMAND_FORMAT_ERROR.value,
            ProtocolErrorKind.UNKNOWN_COMMAND: EndCode.UNDEFINED_COMMAND.value,
            ProtocolErrorKind.BAD_PARAMETERS: EndCode.COMMAND_FORMAT_ERROR.value,
            ProtocolErrorKind.WRONG_STATE: EndCode.LOCAL_NODE_IS_NOT_IN_NETWORK.value,
            ProtocolErrorKind.INTERNAL: EndCode.CONTROLLER_ERROR.value,
        },
        meanings=END_CODES,
    )

    # -- the frames of FINS/TCP -------------------------------------------------------------------------

    @command(0, reply=1, codec=_handshake, enters="connected")
    async def node_address_data_send(self, client: U32) -> Nodes:
        """Tell both ends their node addresses. A host does it once on each connection, before all else."""
        raise NotImplementedError

    @event(3, codec=_of_frames, leaves="connected")
    def frame_error(self, error: Annotated[FrameError, U32]) -> None:
        """The controller cannot read the header of a frame. It closes the connection."""

    @event(6, codec=_of_frames)
    def connection_confirmation(self, error: U32) -> None:
        """Another client asked for the node address of this one. Nobody answers it."""

    async def opening(self, *, active: bool) -> None:
        nodes = await self.node_address_data_send(self.client_node)
        self.node.set(nodes.server)
        self.client.set(nodes.client)

    # -- the commands, by the names of the manual -------------------------------------------------------

    @command(0x0101, idempotent=True, needs="connected")
    async def memory_area_read(self, area: U8, word: U16, bit: U8, count: U16) -> Found:
        """Read words or bits that stand side by side. The area says which of them."""
        raise NotImplementedError

    @command(0x0102, needs="connected")
    async def memory_area_write(self, area: U8, word: U16, bit: U8, values: Written) -> None:
        """Write words or bits that stand side by side."""
        raise NotImplementedError

    @command(0x0103, needs="connected")
    async def memory_area_fill(self, area: U8, word: U16, bit: U8, count: U16, value: U16) -> None:
        """Write the same word to places that stand side by side."""
        raise NotImplementedError

    @command(0x0104, idempotent=True, needs="connected")
    async def multiple_memory_area_read(
        self, places: Annotated[list[Place], Rest()]
    ) -> Annotated[list[Element], Rest()]:
        """Read words and bits, each anywhere. Those of one command are of the same cycle."""
        raise NotImplementedError

    @command(0x0105, needs="connected")
    async def memory_area_transfer(self, source: Place, target: Place, count: U16) -> None:
        """Copy words within the memory of the controller."""
        raise NotImplementedError

    @command(0x0401, needs="connected")
    async def enter_run_mode(
        self, program: U16 | None = 0xFFFF, mode: Annotated[Mode, U8] | None = Mode.RUN
    ) -> None:
        """Begin to execute the program, in RUN or MONITOR mode."""
        raise NotImplementedError

    @command(0x0402, needs="connected")
    async def enter_program_mode(self, program: U16 | None = 0xFFFF) -> None:
        """Stop the program: enter PROGRAM mode."""
        raise NotImplementedError

    @command(0x0501, idempotent=True, needs="connected")
    async def cpu_unit_data_read(self, data: Annotated[Literal[0], U8] | None = 0) -> CpuData:
        """Read the model and the version of the CPU unit, and the sizes of its memory."""
        raise NotImplementedError

    @command(0x0601, idempotent=True, needs="connected")
    async def cpu_unit_status_read(self) -> CpuStatus:
        """Read the mode of the CPU unit, and its errors."""
        raise NotImplementedError

    @command(0x0701, idempotent=True, needs="connected")
    async def clock_read(self) -> Clock:
        """Read the clock. :meth:`Fins.time` returns it as a date."""
        raise NotImplementedError

    @command(0x0702, needs="connected")
    async def clock_write(self, time: Clock) -> None:
        """Set the clock. :meth:`Fins.set_time` takes a date."""
        raise NotImplementedError
