"""The commands of XGT controllers over FEnet: :class:`XgtCommands`."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    U32,
    U64,
    Before,
    Binary,
    Check,
    Counted,
    Echo,
    Fixed,
    Length,
    ProtocolErrorKind,
    Rest,
    Skip,
    Via,
)
from tcpcomm.devices.xgt.codes import ERROR_CODES, ErrorCode
from tcpcomm.equipment.equipment import Equipment, command
from tcpcomm.errors import CodecError
from tcpcomm.framing import LengthPrefixed

LONGEST_FRAME: Final = 2048
"""Bytes of a frame: 1,400 bytes of data, up to 16 addresses, and the header."""

MOST_BLOCKS: Final = 16
"""Addresses in one individual read or write."""

MOST_BYTES: Final = 1400
"""Bytes in one continuous read or write."""

COMPANY: Final = b"LSIS-XGT\0\0"
"""The company id in the header of hosts and controllers."""

OLD_COMPANY: Final = b"LGIS-GLOFA"
"""The company id of clients for GLOFA and MASTER-K controllers. XGT controllers serve them, too."""


def sum_of_bytes(header: bytes) -> int:
    """Return the lowest byte of the sum of some bytes."""
    return sum(header) & 0xFF


def _code_in(data: bytes) -> int:
    """Return the code of a NAK, which has one or two bytes: the chapters of the manual differ."""
    if not 1 <= len(data) <= 2:
        raise CodecError(f"the error code has {len(data)} bytes")
    return int.from_bytes(data, "little")


def _code_bytes(code: int) -> bytes:
    return code.to_bytes(2, "little")


Name: TypeAlias = Annotated[str, Counted(U16)]
Names: TypeAlias = Annotated[list[Name], Counted(U16)]
OneName: TypeAlias = Annotated[str, Before(b"\1\0"), Counted(U16)]
"""An address behind the number of blocks, which is 1."""

Bit: TypeAlias = Annotated[bool, Before(b"\1\0")]
Byte: TypeAlias = Annotated[U8, Before(b"\1\0")]
Word: TypeAlias = Annotated[U16, Before(b"\2\0")]
Dword: TypeAlias = Annotated[U32, Before(b"\4\0")]
Lword: TypeAlias = Annotated[U64, Before(b"\x08\0")]
"""A value behind the number of its bytes."""

WrittenBit: TypeAlias = Annotated[bool, Before(Skip(b"\1\0"))]
WrittenByte: TypeAlias = Annotated[U8, Before(Skip(b"\1\0"))]
WrittenWord: TypeAlias = Annotated[U16, Before(Skip(b"\2\0"))]
WrittenDword: TypeAlias = Annotated[U32, Before(Skip(b"\4\0"))]
WrittenLword: TypeAlias = Annotated[U64, Before(Skip(b"\x08\0"))]
"""
The same in a request. The data type says how many bytes follow, and some clients send another number: PyXGT
sends 32 for each type.
"""


class XgtCommands(Equipment):
    """
    The commands of a controller of LS Electric that speaks the XGT dedicated protocol over FEnet.

    Sources: LS Electric, XGT FEnet I/F module (XGL-EFMT), chapter 8 and section 10.4; XGL-EFMF, chapter 7.
    """

    framing = LengthPrefixed(2, form="little", offset=16, adjust=2, strip=0, max_frame=LONGEST_FRAME)
    pipeline = 1

    company = Echo(Annotated[bytes, Fixed(10)], COMPANY)
    """The company id, which a response repeats."""

    _info = Skip(b"\0\0\xa0")
    _rest = (ID, Length(U16, adjust=-2), Skip(1), Check(U8, sum_of_bytes, zero_is_unchecked=True))
    codec = Binary(
        (U16, U16),
        id=U16,
        status=U16,
        fault_status=0xFFFF,
        code=Annotated[int, Via(Annotated[bytes, Rest()], _code_in, _code_bytes)],
        byte_order="little",
        reply_bit=0x10000,
        head=(company, _info, b"\x33", *_rest, OPCODE, Skip(2)),
        reply_head=(company, _info, b"\x11", *_rest, OPCODE, Skip(2), STATUS),
        codes={
            ProtocolErrorKind.UNREADABLE: ErrorCode.CHECKSUM_IN_HEADER_IS_WRONG.value,
            ProtocolErrorKind.MALFORMED: ErrorCode.LENGTH_IN_HEADER_IS_WRONG.value,
            ProtocolErrorKind.UNKNOWN_COMMAND: ErrorCode.COMMAND_IS_WRONG.value,
            ProtocolErrorKind.BAD_PARAMETERS: ErrorCode.LENGTH_IN_HEADER_IS_WRONG.value,
            ProtocolErrorKind.WRONG_STATE: ErrorCode.COMMAND_IS_WRONG.value,
            ProtocolErrorKind.INTERNAL: ErrorCode.COMMAND_IS_WRONG.value,
        },
        meanings=ERROR_CODES,
    )

    @command((0x54, 0x00), idempotent=True)
    async def read_bits(self, names: Names) -> Annotated[list[Bit], Counted(U16)]:
        """Read bits, each anywhere: ``["%MX2764"]``."""
        raise NotImplementedError

    @command((0x54, 0x01), idempotent=True)
    async def read_bytes(self, names: Names) -> Annotated[list[Byte], Counted(U16)]:
        """Read bytes, each anywhere: ``["%DB200"]``."""
        raise NotImplementedError

    @command((0x54, 0x02), idempotent=True)
    async def read_words(self, names: Names) -> Annotated[list[Word], Counted(U16)]:
        """Read words, each anywhere: ``["%DW100"]``."""
        raise NotImplementedError

    @command((0x54, 0x03), idempotent=True)
    async def read_dwords(self, names: Names) -> Annotated[list[Dword], Counted(U16)]:
        """Read numbers of 32 bits, each anywhere: ``["%MD50"]``."""
        raise NotImplementedError

    @command((0x54, 0x04), idempotent=True)
    async def read_lwords(self, names: Names) -> Annotated[list[Lword], Counted(U16)]:
        """Read numbers of 64 bits, each anywhere: ``["%ML25"]``."""
        raise NotImplementedError

    @command((0x54, 0x14), idempotent=True)
    async def read_continuously(
        self, name: OneName, count: U16
    ) -> Annotated[bytes, Before(b"\1\0"), Counted(U16)]:
        """Read so many bytes, from the address of a byte on: ``%DB200``."""
        raise NotImplementedError

    @command((0x58, 0x00))
    async def write_bits(self, names: Names, values: Annotated[list[WrittenBit], Rest()]) -> U16:
        """Write bits, each anywhere. The result is their number."""
        raise NotImplementedError

    @command((0x58, 0x01))
    async def write_bytes(self, names: Names, values: Annotated[list[WrittenByte], Rest()]) -> U16:
        """Write bytes, each anywhere. The result is their number."""
        raise NotImplementedError

    @command((0x58, 0x02))
    async def write_words(self, names: Names, values: Annotated[list[WrittenWord], Rest()]) -> U16:
        """Write words, each anywhere. The result is their number."""
        raise NotImplementedError

    @command((0x58, 0x03))
    async def write_dwords(self, names: Names, values: Annotated[list[WrittenDword], Rest()]) -> U16:
        """Write numbers of 32 bits, each anywhere. The result is their number."""
        raise NotImplementedError

    @command((0x58, 0x04))
    async def write_lwords(self, names: Names, values: Annotated[list[WrittenLword], Rest()]) -> U16:
        """Write numbers of 64 bits, each anywhere. The result is their number."""
        raise NotImplementedError

    @command((0x58, 0x14))
    async def write_continuously(self, name: OneName, data: Annotated[bytes, Counted(U16)]) -> U16:
        """Write bytes side by side, from the address of a byte on. The result is 1."""
        raise NotImplementedError
