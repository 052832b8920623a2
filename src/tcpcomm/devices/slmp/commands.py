"""
The commands of MC protocol and SLMP, in the binary 3E frame: :class:`SlmpCommands`.

From "SLMP Reference Manual", SH(NA)-080956ENG, chapters 4 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, Final, Literal

from attrs import frozen

from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    Before,
    Binary,
    Bits,
    Codec,
    Counted,
    CountedBy,
    Derived,
    Echo,
    Fixed,
    HighestFirst,
    Length,
    Order,
    ProtocolErrorKind,
    Rest,
    Skip,
    Via,
)
from tcpcomm.devices.slmp.addresses import IN_BYTES, IN_TEXT, Address, LongAddress
from tcpcomm.devices.slmp.end_codes import END_CODES
from tcpcomm.equipment.equipment import Equipment, command
from tcpcomm.framing import Framing, LengthPrefixed


class ClearMode(Enum):
    """The devices that a remote run clears."""

    NOTHING = 0
    NOT_LATCHED = 1
    ALL = 2


@frozen
class ErrorInfo:
    """
    The details of a fault: the station that refused, and the command.

    Attributes:
        network, station, module, multidrop: the route of that station.
        command, subcommand: the command and subcommand of the request.
        more: further bytes, if there are any.
    """

    network: U8
    station: U8
    module: U16
    multidrop: U8
    command: U16
    subcommand: U16
    more: Annotated[bytes, Rest()] = b""


@frozen
class TypeName:
    """The model of a controller: its name, such as ``Q03UDVCPU``, and its code."""

    name: Annotated[str, Fixed(16, pad=" ")]
    code: U16


@frozen
class RandomValues:
    """The words and the double words of a random read, in the order of the request."""

    words: Annotated[list[U16], CountedBy("devices")]
    doubles: Annotated[list[U32], CountedBy("double_devices")]


@frozen
class WordAt:
    """A word for a device."""

    device: Address
    value: U16


@frozen
class DoubleAt:
    """A double word for a device and the one behind it."""

    device: Address
    value: U32


@frozen
class BitAt:
    """A bit for a device."""

    device: Address
    value: Annotated[bool, U8]


@frozen
class LongWordAt:
    """A word for a device of iQ-R."""

    device: LongAddress
    value: U16


@frozen
class LongDoubleAt:
    """A double word for a device of iQ-R."""

    device: LongAddress
    value: U32


@frozen
class LongBitAt:
    """A bit for a device of iQ-R."""

    device: LongAddress
    value: Annotated[bool, U16]


def _same(count: Any) -> Any:
    return count


Count = Annotated[int, Via(U16, _same, _same, lambda random: random.choice((1, 2, 3, 16)))]
"""A number of devices. It has no range here, because controllers differ in it, and tell it by end codes."""


@frozen
class Block:
    """So many words from a device on; of bit devices, 16 bits are a word."""

    device: Address
    count: Count


@frozen
class BlockOfWords:
    """Words for a device and those behind it; of bit devices, 16 bits are a word."""

    device: Address
    values: Annotated[list[U16], Counted(U16)]


@frozen
class LongBlock:
    """So many words from a device of iQ-R on."""

    device: LongAddress
    count: Count


@frozen
class LongBlockOfWords:
    """Words for a device of iQ-R and those behind it."""

    device: LongAddress
    values: Annotated[list[U16], Counted(U16)]


Words = Annotated[list[U16], Counted(U16)]
AskedWords = Annotated[list[U16], CountedBy("count")]
BitList = Annotated[list[Annotated[bool, Bits(4)]], Counted(U16), HighestFirst()]
AskedBits = Annotated[list[Annotated[bool, Bits(4)]], CountedBy("count"), HighestFirst()]
_First = (Before(Derived("n", U8)), Before(Derived("m", U8)), CountedBy("n"))

WRONG_LENGTH: Final[int] = 0xC061
WRONG_COMMAND: Final[int] = 0xC059
NOT_EXECUTABLE: Final[int] = 0xC05F
LOCKED: Final[int] = 0xC201

_CODES: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: WRONG_LENGTH,
    ProtocolErrorKind.MALFORMED: WRONG_LENGTH,
    ProtocolErrorKind.UNKNOWN_COMMAND: WRONG_COMMAND,
    ProtocolErrorKind.BAD_PARAMETERS: WRONG_LENGTH,
    ProtocolErrorKind.WRONG_STATE: LOCKED,
    ProtocolErrorKind.INTERNAL: NOT_EXECUTABLE,
}


def _error_info(opcode: int, header: Mapping[str, Any]) -> ErrorInfo:
    return ErrorInfo(
        header["network"],
        header["station"],
        header["module"],
        header["multidrop"],
        opcode >> 16,
        opcode & 0xFFFF,
    )


_NETWORK: Final = Echo(U8, 0)
_STATION: Final = Echo(U8, 0xFF)
_MODULE: Final = Echo(U16, 0x3FF)
_MULTIDROP: Final = Echo(U8, 0)
_TIMER: Final = Echo(U16, 16)
_ROUTE: Final = (_NETWORK, _STATION, _MODULE, _MULTIDROP)


def frame(*, serial: bool, ascii: bool) -> tuple[Framing, Framing, Binary]:
    """
    Return the framing of requests, the framing of replies, and the codec.

    Args:
        serial: True for the 4E frame, in which a serial number tells which request a reply answers.
        ascii: True for ASCII, where each byte is two hexadecimal digits.
    """
    starts = [b"\x54\0", b"\xd4\0"] if serial else [b"\x50\0", b"\xd0\0"]
    zeros: Any = Skip(2)
    order: Order = "little"
    if ascii:
        starts = [start.hex().upper().encode() for start in starts]
        zeros, order = b"0000", "hex"
    number = (ID, zeros) if serial else ()
    size = 2 if ascii else 1
    codec = Binary(
        (U16, U16),
        id=U16 if serial else None,
        status=U16,
        data=ErrorInfo,
        default_data=_error_info,
        byte_order=order,
        head=(starts[0], *number, *_ROUTE, Length(U16), _TIMER, OPCODE),
        reply_head=(starts[1], *number, *_ROUTE, Length(U16), STATUS),
        codes=_CODES,
        meanings=END_CODES,
        types=IN_TEXT if ascii else IN_BYTES,
    )
    offset = size * (11 if serial else 7)
    form: Literal["hex", "little"] = "hex" if ascii else "little"
    request, reply = (
        LengthPrefixed(2 * size, form=form, offset=offset, strip=0, sync=start) for start in starts
    )
    return request, reply, codec


class SlmpCommands(Equipment):
    """The commands of a controller. :class:`~tcpcomm.devices.slmp.Slmp` adds methods for programs."""

    framing: ClassVar[Framing]
    reply_framing: ClassVar[Framing | None]
    codec: ClassVar[Codec]
    framing, reply_framing, codec = frame(serial=False, ascii=False)

    network = _NETWORK
    """The network number of the target; 0 is the own network."""
    station = _STATION
    """The station number of the target, also called PC number; 255 is the connected station."""
    module = _MODULE
    """The module I/O number of the target; 3FFH is the CPU module."""
    multidrop = _MULTIDROP
    """The number of the target on a multidrop line."""
    timer = _TIMER
    """The time in units of 250 ms for which a relay waits for the target; 0 is without limit."""

    pipeline: ClassVar[int | None] = 1
    """An FX5 drops the first of two requests that come together, also in 4E frames."""

    most_words: ClassVar[int] = 960
    """The most words that one request reads or writes: 480 for an FX5 in ASCII."""

    most_bits: ClassVar[int] = 7168
    """
    The most bits that one request reads or writes: 3584 in ASCII and for an FX5, 1792 for an FX5 in ASCII.

    Sources: SH(NA)-080008, appendix 5; JY997D56001.
    """

    iqr: ClassVar[bool] = False
    """True for an iQ-R, whose addresses are longer."""

    @command((0x0401, 0), idempotent=True)
    async def read_words(self, device: Address, count: Count) -> AskedWords:
        """Read words. Of bit devices, 16 bits are a word."""
        raise NotImplementedError

    @command((0x0401, 1), idempotent=True)
    async def read_bits(self, device: Address, count: Count) -> AskedBits:
        """Read bit devices."""
        raise NotImplementedError

    @command((0x0401, 2), idempotent=True)
    async def read_words_iqr(self, device: LongAddress, count: Count) -> AskedWords:
        """Read words from an iQ-R."""
        raise NotImplementedError

    @command((0x0401, 3), idempotent=True)
    async def read_bits_iqr(self, device: LongAddress, count: Count) -> AskedBits:
        """Read bit devices from an iQ-R."""
        raise NotImplementedError

    @command((0x1401, 0))
    async def write_words(self, device: Address, values: Words) -> None:
        """Write words."""
        raise NotImplementedError

    @command((0x1401, 1))
    async def write_bits(self, device: Address, values: BitList) -> None:
        """Write bit devices."""
        raise NotImplementedError

    @command((0x1401, 2))
    async def write_words_iqr(self, device: LongAddress, values: Words) -> None:
        """Write words to an iQ-R."""
        raise NotImplementedError

    @command((0x1401, 3))
    async def write_bits_iqr(self, device: LongAddress, values: BitList) -> None:
        """Write bit devices of an iQ-R."""
        raise NotImplementedError

    @command((0x0403, 0), idempotent=True)
    async def read_random(
        self,
        devices: Annotated[list[Address], *_First],
        double_devices: Annotated[list[Address], CountedBy("m")],
    ) -> RandomValues:
        """Read words and double words of devices that do not stand side by side."""
        raise NotImplementedError

    @command((0x0403, 2), idempotent=True)
    async def read_random_iqr(
        self,
        devices: Annotated[list[LongAddress], *_First],
        double_devices: Annotated[list[LongAddress], CountedBy("m")],
    ) -> RandomValues:
        """Read words and double words of devices of an iQ-R."""
        raise NotImplementedError

    @command((0x1402, 0))
    async def write_random(
        self,
        words: Annotated[list[WordAt], *_First],
        doubles: Annotated[list[DoubleAt], CountedBy("m")],
    ) -> None:
        """Write words and double words of devices that do not stand side by side."""
        raise NotImplementedError

    @command((0x1402, 2))
    async def write_random_iqr(
        self,
        words: Annotated[list[LongWordAt], *_First],
        doubles: Annotated[list[LongDoubleAt], CountedBy("m")],
    ) -> None:
        """Write words and double words of devices of an iQ-R."""
        raise NotImplementedError

    @command((0x1402, 1))
    async def write_random_bits(self, bits: Annotated[list[BitAt], Counted(U8)]) -> None:
        """Write bit devices that do not stand side by side."""
        raise NotImplementedError

    @command((0x1402, 3))
    async def write_random_bits_iqr(self, bits: Annotated[list[LongBitAt], Counted(U8)]) -> None:
        """Write bit devices of an iQ-R that do not stand side by side."""
        raise NotImplementedError

    @command((0x0406, 0), idempotent=True)
    async def read_blocks(
        self, words: Annotated[list[Block], *_First], bits: Annotated[list[Block], CountedBy("m")]
    ) -> Annotated[list[U16], Rest()]:
        """Read several blocks. Return their words one behind the other, those of bit devices last."""
        raise NotImplementedError

    @command((0x1406, 0))
    async def write_blocks(
        self,
        words: Annotated[list[BlockOfWords], *_First],
        bits: Annotated[list[BlockOfWords], CountedBy("m")],
    ) -> None:
        """Write several blocks."""
        raise NotImplementedError

    @command((0x0406, 2), idempotent=True)
    async def read_blocks_iqr(
        self, words: Annotated[list[LongBlock], *_First], bits: Annotated[list[LongBlock], CountedBy("m")]
    ) -> Annotated[list[U16], Rest()]:
        """Read several blocks of an iQ-R."""
        raise NotImplementedError

    @command((0x1406, 2))
    async def write_blocks_iqr(
        self,
        words: Annotated[list[LongBlockOfWords], *_First],
        bits: Annotated[list[LongBlockOfWords], CountedBy("m")],
    ) -> None:
        """Write several blocks of an iQ-R."""
        raise NotImplementedError

    @command((0x1001, 0))
    async def remote_run(self, mode: U16, clear: Annotated[ClearMode, U8], fixed: U8 = 0) -> None:
        """Put the CPU into RUN. The mode is 1, or 3 to force it if another host has stopped the CPU."""
        raise NotImplementedError

    @command((0x1002, 0))
    async def remote_stop(self, fixed: U16 = 1) -> None:
        """Put the CPU into STOP."""
        raise NotImplementedError

    @command((0x1003, 0))
    async def remote_pause(self, mode: U16) -> None:
        """Put the CPU into PAUSE. The mode is 1, or 3 to force it."""
        raise NotImplementedError

    @command((0x1005, 0))
    async def remote_latch_clear(self, fixed: U16 = 1) -> None:
        """Clear the latched devices. The CPU must be in STOP."""
        raise NotImplementedError

    @command((0x1006, 0))
    async def remote_reset(self, fixed: U16 = 1) -> None:
        """Reset the CPU, which must be in STOP. A CPU that resets may not answer any more."""
        raise NotImplementedError

    @command((0x0101, 0), idempotent=True)
    async def read_type_name(self) -> TypeName:
        """Return the model of the controller."""
        raise NotImplementedError

    @command((0x0619, 0), idempotent=True)
    async def self_test(self, data: Annotated[bytes, Counted(U16)]) -> Annotated[bytes, Counted(U16)]:
        """Return the same data. The manual allows up to 960 digits and letters from A to F."""
        raise NotImplementedError

    @command((0x1617, 0))
    async def clear_error(self) -> None:
        """Switch the error lamp of the module off, and clear its error code."""
        raise NotImplementedError

    @command((0x1630, 0))
    async def remote_unlock(self, password: Annotated[str, Counted(U16)]) -> None:
        """Unlock the port by the remote password."""
        raise NotImplementedError

    @command((0x1631, 0))
    async def remote_lock(self, password: Annotated[str, Counted(U16)]) -> None:
        """Lock the port again."""
        raise NotImplementedError
