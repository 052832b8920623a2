"""The declaration of a CPU that speaks S7 communication: :class:`S7`, with the calls that users make."""

from __future__ import annotations

from codecs import lookup
from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Final

from attrs import frozen

from tcpcomm.codec import (
    ID,
    OPCODE,
    STATUS,
    U8,
    U16,
    Before,
    Binary,
    Counted,
    Length,
    ProtocolErrorKind,
    Rest,
    Skip,
    Var,
)
from tcpcomm.codec.problems import brief_repr
from tcpcomm.devices.s7 import transfer
from tcpcomm.devices.s7.addresses import Address, Area, Part, check_place
from tcpcomm.devices.s7.codes import DISCONNECTS, ERRORS, ErrorCode
from tcpcomm.devices.s7.items import Items, Values, data, parameters
from tcpcomm.devices.s7.system_status import (
    OPERATING_MODES,
    ORDER_NUMBERS,
    Mode,
    StatusQuery,
    StatusReply,
    mode_in,
    order_number_in,
)
from tcpcomm.equipment.equipment import Equipment, command
from tcpcomm.equipment.face import Face
from tcpcomm.errors import BadReply, CodecError, ConfigurationError
from tcpcomm.framing import LengthPrefixed, Nested

Value = bool | int | float | datetime | str | list[bool] | list[int] | list[float]
"""A value of a variable, or the values from an address on."""


@frozen
class Option:
    """An option of a connection request of COTP."""

    code: U8
    value: Annotated[bytes, Counted(U8)]


class OptionCode(IntEnum):
    """The code of an option. The size of a TPDU is given as a power of 2."""

    TPDU_SIZE = 0xC0
    CALLING_TSAP = 0xC1
    CALLED_TSAP = 0xC2


_KIBIBYTE: Final = b"\x0a"  # 2 ** 10 bytes


@frozen
class Confirm:
    """The rest of a connection confirm of COTP: the CPU's reference, the class, and options."""

    source: U16
    kind: U8
    options: Annotated[list[Option], Rest()]


_DATA: Final = b"\x02\xf0\x80"  # the header of COTP before data
_JOB: Final = (_DATA, b"\x32\x01\0\0", ID)
_ANSWER: Final = (_DATA, b"\x32\x03\0\0", ID)
_USER_DATA: Final = (_DATA, b"\x32\x07\0\0", ID)
_ERRORS: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: ErrorCode.SERVICE_NOT_IMPLEMENTED_OR_FRAME_ERROR,
    ProtocolErrorKind.MALFORMED: ErrorCode.WRONG_FRAME_OR_PDU_SIZE,
    ProtocolErrorKind.UNKNOWN_COMMAND: ErrorCode.SERVICE_NOT_IMPLEMENTED_OR_FRAME_ERROR,
    ProtocolErrorKind.BAD_PARAMETERS: ErrorCode.WRONG_FRAME_OR_PDU_SIZE,
    ProtocolErrorKind.WRONG_STATE: ErrorCode.INVALID_SEQUENCE_OF_SERVICES,
    ProtocolErrorKind.INTERNAL: ErrorCode.FUNCTION_CANNOT_BE_PERFORMED,
}


class AreaBytes(Face["S7"]):
    """
    The bytes of a data block, or of another area: ``plc.db(1)[0:10]``, ``plc.merkers.write(4, b"...")``.

    Args:
        device: the proxy.
        area: the area.
        block: the number of the data block; 0 in other areas.
    """

    def __init__(self, device: S7, area: Area, block: int = 0) -> None:
        super().__init__(device)
        self.area = area
        self.block = block

    async def __getitem__(self, index: int | slice) -> bytes:
        """
        Read bytes. An index reads one; a slice has a start and an end.

        Raises:
            CodecError: there are no such bytes.
            Fault: the CPU says no.
        """
        if not isinstance(index, slice):
            return await self(index)
        if index.stop is None or index.step not in (None, 1):
            raise CodecError("bytes are read from a start to an end: write [0:10]")
        start = index.start or 0
        return await self(start, index.stop - start)

    async def __call__(self, start: int, count: int = 1) -> bytes:
        """
        Read bytes. Several jobs read more than one can, so that the bytes may be of different moments.

        Raises:
            CodecError: there are no such bytes.
            Fault: the CPU says no.
        """
        (found,) = await transfer.read_parts(self.device, [self._part(start, count)])
        return found

    async def write(self, start: int, values: bytes) -> None:
        """
        Write bytes in one job.

        Raises:
            CodecError: there are no such bytes, or one job cannot carry so many. Nothing was sent.
            Fault: the CPU says no.
        """
        if not isinstance(values, bytes | bytearray | memoryview):
            raise CodecError(f"write bytes, not {brief_repr(values)}")
        values = bytes(values)
        part = self._part(start, len(values))
        await transfer.write_parts(self.device, [transfer.Written(str(part), part.item(), values)])

    def _part(self, start: int, count: int) -> Part:
        if type(start) is not int:
            raise CodecError(f"{brief_repr(start)} is not the number of a byte")
        if type(count) is not int:
            raise CodecError(f"{brief_repr(count)} is not a number of bytes")
        if start < 0 or not 0 < count <= 0xFFFF:
            raise CodecError(f"{count} bytes from byte {start} on: read or write 1 to 65535, from 0 on")
        check_place(start, count)
        return Part(self.area, self.block, start, count)


def _check_number(name: str, value: Any, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ConfigurationError(f"{name} is a whole number from {least} to {most}, not {value!r}")


class S7(Equipment):
    """
    A Siemens CPU that speaks S7 communication: S7-300, 400, 1200, 1500 and those that speak like them.

    In a CPU of the S7-1200 and 1500, allow "access with PUT/GET", and take the check mark from "optimized
    block access" of each data block. A subclass says where the CPU is: ``class Press(S7): slot = 2``.

    Source: RFC 1006; ITU-T X.224; the dissector "s7comm" of Wireshark.
    """

    framing = Nested(
        LengthPrefixed(2, offset=2, sync=b"\x03\x00", adjust=-4, max_frame=8192), max_frame=8192
    )
    pipeline = 1
    """The number of jobs at once. The CPU must grant it: an S7-1500 mostly grants more than 1."""

    rack: ClassVar[int] = 0
    """The rack of the CPU."""

    slot: ClassVar[int] = 1
    """The slot of the CPU: 1 for an S7-1200 or 1500, 2 for an S7-300, 2 to 4 for an S7-400."""

    connection_type: ClassVar[int] = 1
    """1 takes a connection for programming devices, 2 one for panels, 3 one for others."""

    calling_tsap: ClassVar[bytes] = b"\x01\x00"
    """The TSAP of the host."""

    called_tsap: ClassVar[bytes | None] = None
    """The TSAP of the CPU, for a LOGO! or an S7-200. None: it follows from rack and slot."""

    string_encoding: ClassVar[str] = "latin-1"
    """The encoding of a STRING: ``cp949`` for Korean."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _check_number("rack", cls.rack, 0, 7)
        _check_number("slot", cls.slot, 0, 31)
        _check_number("connection_type", cls.connection_type, 1, 255)
        try:
            lookup(cls.string_encoding)
        except (LookupError, TypeError):
            raise ConfigurationError(
                f"string_encoding: Python has no encoding {cls.string_encoding!r}"
            ) from None

    reference = Var(U16, 1)
    """The reference of the host to its connection of COTP."""

    jobs_calling = Var(U16, 1)
    jobs_called = Var(U16, 1)
    """The number of jobs that each side may have under way."""

    pdu_size = Var(U16, 960)
    """The bytes of a PDU that the host asks for."""

    agreed_pdu = Var(U16, 0)
    """The bytes of a PDU that the CPU agrees on, which the host learns; 0 before."""

    transport = Binary(
        U8,
        head=(Length(U8), OPCODE, b"\0\0", reference),
        reply_head=(Length(U8), OPCODE, reference),
        fault_head=(Length(U8), OPCODE, reference, Skip(2)),
        fault_opcode=0x80,
        codes=dict.fromkeys(ProtocolErrorKind, 133),
        meanings=DISCONNECTS,
    )
    """Connection request (CR), connection confirm (CC) and, as a fault, disconnect request (DR) of COTP."""

    setup = Binary(
        U8,
        id=U16,
        status=U16,
        head=(*_JOB, b"\0\x08\0\0", OPCODE, Skip(1), jobs_calling, jobs_called, pdu_size),
        reply_head=(
            *(*_ANSWER, b"\0\x08\0\0", STATUS, OPCODE, Skip(1)),
            *(jobs_calling, jobs_called, agreed_pdu),
        ),
        fault_head=(*_ANSWER, b"\0\0\0\0", STATUS),
        codes=_ERRORS,
        meanings=ERRORS,
    )
    codec = Binary(
        U8,
        id=U16,
        status=U16,
        head=(*_JOB, Length(U16, of=parameters, adjust=1), Length(U16, of=data), OPCODE),
        reply_head=(*_ANSWER, b"\0\x02", Length(U16, adjust=-4), STATUS, OPCODE),
        fault_head=(_DATA, b"\x32\x02\0\0", ID, b"\0\0\0\0", STATUS),
        codes=_ERRORS,
        meanings=ERRORS,
    )

    system = Binary(
        U8,
        id=U16,
        status=U16,
        head=(*_USER_DATA, b"\0\x08", Length(U16, adjust=-8), b"\0\1\x12\4\x11\x44", OPCODE, Skip(1)),
        reply_head=(
            *(*_USER_DATA, b"\0\x0c", Length(U16, adjust=-12)),
            *(b"\0\1\x12\x08\x12\x84", OPCODE, Skip(3), STATUS),
        ),
        codes=_ERRORS,
        meanings=ERRORS,
    )
    """Requests for lists of the system status."""

    @command(0xE0, reply=0xD0, enters="connected", codec=transport)
    async def connect(self, kind: U8, options: Annotated[list[Option], Rest()]) -> Confirm:
        """Connect to a TSAP: CR and CC of COTP."""
        raise NotImplementedError

    @command(0xF0, needs="connected", enters="set up", codec=setup)
    async def set_up(self) -> None:
        """Agree on the size of a PDU, and on the number of jobs at once."""
        raise NotImplementedError

    @command(0x04, needs="set up", idempotent=True)
    async def read_variables(self, items: Items) -> Values:
        """Read variables."""
        raise NotImplementedError

    @command(0x05, needs="set up")
    async def write_variables(
        self, items: Items, values: Annotated[bytes, Rest()]
    ) -> Annotated[bytes, Counted(U8)]:
        """Write variables. Return the code of each: FF if it is written."""
        raise NotImplementedError

    @command(0x01, needs="set up", idempotent=True, codec=system)
    async def read_system_status(
        self, query: Annotated[StatusQuery, Before(b"\xff\x09"), Counted(U16)]
    ) -> StatusReply:
        """Read a list of the system status (SZL)."""
        raise NotImplementedError

    async def opening(self, *, active: bool) -> None:
        called = self.called_tsap
        if called is None:
            called = bytes((self.connection_type, self.rack << 5 | self.slot))
        options = [
            Option(OptionCode.TPDU_SIZE, _KIBIBYTE),
            Option(OptionCode.CALLING_TSAP, self.calling_tsap),
            Option(OptionCode.CALLED_TSAP, called),
        ]
        confirm = await self.connect(0, options)
        powers = [each.value for each in confirm.options if each.code == OptionCode.TPDU_SIZE]
        if powers and len(powers[0]) == 1 and 7 <= powers[0][0] <= 13:
            # A job that is longer than a TPDU would have to be cut.
            self.pdu_size.set(min(self.pdu_size.value, (1 << powers[0][0]) - len(_DATA)))
        jobs = self.pipeline or 1
        self.jobs_calling.set(jobs)
        self.jobs_called.set(jobs)
        await self.set_up()
        granted = min(self.jobs_calling.value, self.jobs_called.value)
        if granted < jobs:
            raise BadReply(f"the CPU takes {granted} jobs at once: set pipeline = {granted}, not {jobs}")
        agreed, least = self.agreed_pdu.value, transfer.SMALLEST_PDU
        if agreed < least:
            raise BadReply(f"the CPU agrees on PDUs of {agreed} bytes; at least {least} are needed")

    async def operating_mode(self) -> Mode:
        """
        Return the operating mode of the CPU, such as ``Mode.RUN``.

        Raises:
            Fault: the CPU does not tell it.
            BadReply: its answer makes no sense.
        """
        return mode_in(await self.read_system_status(StatusQuery(OPERATING_MODES, 0)))

    async def order_number(self) -> str:
        """
        Return the order number of the CPU, such as ``6ES7 315-2EH14-0AB0``.

        Raises:
            Fault: the CPU does not tell it.
            BadReply: its answer makes no sense.
        """
        return order_number_in(await self.read_system_status(StatusQuery(ORDER_NUMBERS, 1)))

    def db(self, number: int) -> AreaBytes:
        """
        Return the bytes of a data block.

        Raises:
            CodecError: there is no data block of this number.
        """
        if type(number) is not int or not 1 <= number <= 0xFFFF:
            raise CodecError(f"the number of a data block is from 1 to 65535, not {number!r}")
        return AreaBytes(self, Area.BLOCKS, number)

    @property
    def merkers(self) -> AreaBytes:
        """The bytes of the merkers, M."""
        return AreaBytes(self, Area.MERKERS)

    @property
    def inputs(self) -> AreaBytes:
        """The bytes of the inputs, I."""
        return AreaBytes(self, Area.INPUTS)

    @property
    def outputs(self) -> AreaBytes:
        """The bytes of the outputs, Q."""
        return AreaBytes(self, Area.OUTPUTS)

    async def read(self, address: str, count: int | None = None) -> Any:
        """
        Read a value, or several from an address on.

        Several jobs read more than one can, so that the values may be of different moments.

        Args:
            address: such as ``DB1.DBW4``, ``DB1.DBD8:REAL``, ``DB1.DBB20:STRING[30]`` or ``M0.3``.
            count: the number of values, in a list; None: one value, without a list.

        Returns:
            The value, as the type of the address says: bool, int, float, str or datetime.

        Raises:
            CodecError: the address is wrong. Nothing was sent.
            Fault: the CPU says no.
            BadReply: the bytes of the CPU are not a value of this type.
        """
        found = Address.of(address, self.string_encoding)
        if count is not None and (type(count) is not int or not 0 < count <= 0xFFFF):
            raise CodecError(f"{address}: read 1 to 65535 values, not {brief_repr(count)}")
        (content,) = await transfer.read_parts(self, [found.bytes_of(count or 1)], [address])
        values = transfer.values_in(content, found, count or 1)
        return values[0] if count is None else values

    async def read_many(self, addresses: list[str]) -> list[Any]:
        """
        Read values from several addresses, in as few jobs as possible.

        Raises:
            CodecError: an address is wrong. Nothing was sent.
            Fault: the CPU says no to one of them; the reason names its address.
            BadReply: the bytes of the CPU are not a value of this type.
        """
        if isinstance(addresses, str):
            raise CodecError(f"write a list of addresses, not the text {brief_repr(addresses)}")
        found = [Address.of(each, self.string_encoding) for each in addresses]
        contents = await transfer.read_parts(self, [each.bytes_of(1) for each in found], addresses)
        pairs = zip(contents, found, strict=True)
        return [transfer.values_in(content, each, 1)[0] for content, each in pairs]

    async def write(self, address: str, values: Value) -> None:
        """
        Write a value, or several from an address on, in one job.

        Args:
            address: such as ``DB1.DBW4``, ``DB1.DBD8:REAL``, ``DB1.DBB20:STRING[30]`` or ``M0.3``.
            values: a value, or a list of values.

        Raises:
            CodecError: the address is wrong, a value does not fit, or one job cannot carry so many.
                Nothing was sent.
            Fault: the CPU says no.
        """
        found = Address.of(address, self.string_encoding)
        written = transfer.written(found, values if isinstance(values, list) else [values])
        await transfer.write_parts(self, written)

    async def write_many(self, values: Mapping[str, Value]) -> None:
        """
        Write values to several addresses, in one job.

        The CPU writes each by itself: it may write some and refuse others.

        Raises:
            CodecError: an address is wrong, a value does not fit, or one job cannot carry so many.
                Nothing was sent.
            Fault: the CPU says no to one of them; the reason names its address, and how many are written.
        """
        if not isinstance(values, Mapping):
            raise CodecError(f"write a dict of values by their addresses, not {brief_repr(values)}")
        written: list[transfer.Written] = []
        for address, value in values.items():
            found = Address.of(address, self.string_encoding)
            written += transfer.written(found, value if isinstance(value, list) else [value])
        await transfer.write_parts(self, written)
