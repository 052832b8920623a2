"""
The declaration of Modbus, :class:`Modbus` and :class:`ModbusRtu`, and the faces of its hosts.

The commands have the names of the standard. The faces :attr:`Modbus.holding`, :attr:`Modbus.inputs`,
:attr:`Modbus.coils` and :attr:`Modbus.discrete` build upon them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar, overload

from tcpcomm.codec import ID, OPCODE, U8, U16, Before, Binary, Bits, Counted, CountedBy, Echo, Length, Range
from tcpcomm.devices.modbus.exception_codes import MEANINGS
from tcpcomm.devices.modbus.messages import (
    ADDRESSES,
    LONGEST_MESSAGE,
    LONGEST_RTU_MESSAGE,
    MOST_BITS_READ,
    MOST_BITS_WRITTEN,
    MOST_REGISTERS_READ,
    MOST_REGISTERS_WRITTEN,
    MOST_REGISTERS_WRITTEN_AND_READ,
    CoilState,
    CoilWritten,
    DeviceIdentification,
    IdentificationObject,
    MaskWritten,
    Written,
)
from tcpcomm.devices.modbus.typed_values import FloatKind, Kind, WholeKind, to_registers, wanted_values
from tcpcomm.devices.word_types import Order, plain_values
from tcpcomm.equipment.equipment import Equipment, command
from tcpcomm.equipment.face import Face
from tcpcomm.errors import BadReply, CodecError, Fault, NoReply
from tcpcomm.framing import (
    Checked,
    Framing,
    HeaderFramed,
    LengthPrefixed,
    checksum,
    modbus_rtu_reply,
    modbus_rtu_request,
)
from tcpcomm.framing.headers.header_framed import Total

V = TypeVar("V", int, bool)

TIMEOUT: Final = 3.0
"""Seconds that a device has for its reply. A gateway to a serial line needs them."""

_Bit = Annotated[bool, Bits(1)]
_BitCount = Annotated[U16, Range(1, MOST_BITS_READ)]
_BitsRead = Annotated[list[_Bit], CountedBy("count"), Counted(U8, in_bytes=True)]
_BitsWritten = Annotated[list[_Bit], Counted(U16), Counted(U8, in_bytes=True)]
_RegisterCount = Annotated[U16, Range(1, MOST_REGISTERS_READ)]
_RegistersRead = Annotated[list[U16], CountedBy("count"), Counted(U8, in_bytes=True)]
_RegistersWritten = Annotated[list[U16], Counted(U16), Counted(U8, in_bytes=True)]

_OBJECT_NAMES: Final = {
    0: "VendorName",
    1: "ProductCode",
    2: "MajorMinorRevision",
    3: "VendorUrl",
    4: "ProductName",
    5: "ModelName",
    6: "UserApplicationName",
}
_READ_CODES: Final = {"basic": 1, "regular": 2, "extended": 3}


class Table(Face["Modbus"], Generic[V]):
    """One of the four tables of a device: registers are whole numbers of 16 bits, and coils are bool."""

    @abstractmethod
    def __call__(self, start: int, count: int = 1) -> Awaitable[list[V]]:
        """
        Read ``count`` values. The first one is at the address ``start``.

        Raises:
            CodecError: one request cannot read so many, or some of the addresses do not exist. Nothing was
                sent.
            Fault: the device says no, with an exception code.
            BadReply: the reply is not one to this request.
        """

    @overload
    def __getitem__(self, place: int) -> Awaitable[V]: ...
    @overload
    def __getitem__(self, place: slice[Any, Any, Any]) -> Awaitable[list[V]]: ...

    def __getitem__(self, place: int | slice[Any, Any, Any]) -> Awaitable[Any]:
        """
        Read the value at an address, as in ``[5]``, or the values from one address to another, ``[5:9]``.

        As everywhere in Python the last address of a slice is not read: ``[5:9]`` has four values.

        Raises:
            CodecError: it is not a slice of this kind, or as for a call of the table.
        """
        if not isinstance(place, slice):
            return self._one(place)
        start, stop = place.start, place.stop
        if type(start) is not int or type(stop) is not int or not start < stop or place.step is not None:
            raise CodecError(f"write [first:behind_last] with whole numbers, as in [5:9], not {place}")
        return self(start, stop - start)

    async def _one(self, place: int) -> V:
        (value,) = await self(place, 1)
        return value


class DiscreteInputs(Table[bool]):
    """The discrete inputs of a device: bits that can only be read."""

    def __call__(self, start: int, count: int = 1) -> Awaitable[list[bool]]:
        _check_end(start, count)
        return self.device.read_discrete_inputs(start, count)


class Coils(Table[bool]):
    """The coils of a device: bits that can be read and written."""

    def __call__(self, start: int, count: int = 1) -> Awaitable[list[bool]]:
        _check_end(start, count)
        return self.device.read_coils(start, count)

    async def write(self, start: int, values: bool | list[bool] | tuple[bool, ...]) -> None:
        """
        Write one coil (function 5), or a list of coils (function 15). The first is at ``start``.

        Raises:
            CodecError: one request cannot write so many, or some of the addresses do not exist. Nothing was
                sent.
            Fault: the device says no, with an exception code.
            BadReply: the reply does not repeat the request.
        """
        device = _answering(self.device)
        given: Any = plain_values(values)
        if not isinstance(given, list):
            if type(given) is not bool:
                raise CodecError(f"a coil is True or False, not {given!r}")
            state = CoilState.ON if given else CoilState.OFF
            _check_repeated(CoilWritten(start, state), await device.write_single_coil(start, state))
            return
        _check_list(start, given, MOST_BITS_WRITTEN, "coils")
        _check_repeated(Written(start, len(given)), await device.write_multiple_coils(start, given))


class InputRegisters(Table[int]):
    """The input registers of a device: numbers of 16 bits that can only be read."""

    def __call__(self, start: int, count: int = 1) -> Awaitable[list[int]]:
        _check_end(start, count)
        return self.device.read_input_registers(start, count)


class HoldingRegisters(Table[int]):
    """The holding registers of a device: numbers of 16 bits that can be read and written."""

    def __call__(self, start: int, count: int = 1) -> Awaitable[list[int]]:
        _check_end(start, count)
        return self.device.read_holding_registers(start, count)

    async def write(self, start: int, values: int | list[int] | tuple[int, ...]) -> None:
        """
        Write one register (function 6), or a list of them (function 16). The first is at ``start``.

        Raises:
            CodecError: one request cannot write so many, a value is not from 0 to 65535, or some of the
                addresses do not exist. Nothing was sent.
            Fault: the device says no, with an exception code.
            BadReply: the reply does not repeat the request.
        """
        device = _answering(self.device)
        given: Any = plain_values(values)
        if not isinstance(given, list):
            _check_repeated(Written(start, given), await device.write_single_register(start, given))
            return
        _check_list(start, given, MOST_REGISTERS_WRITTEN, "registers")
        reply = await device.write_multiple_registers(start, given)
        _check_repeated(Written(start, len(given)), reply)

    async def mask(self, address: int, and_mask: int, or_mask: int) -> None:
        """
        Change bits of one register: the device computes ``value & and_mask | or_mask & ~and_mask``.

        Source: function 22.

        Raises:
            CodecError: a mask or the address does not fit into 16 bits. Nothing was sent.
            Fault: the device says no, with an exception code.
            BadReply: the reply does not repeat the request.
        """
        reply = await _answering(self.device).mask_write_register(address, and_mask, or_mask)
        _check_repeated(MaskWritten(address, and_mask, or_mask), reply)

    async def write_and_read(
        self, start: int, values: list[int], read_start: int, count: int = 1
    ) -> list[int]:
        """
        Write registers and then read others, by one request (function 23).

        Raises:
            CodecError: one request cannot carry so many, a value is not from 0 to 65535, or some of the
                addresses do not exist. Nothing was sent.
            Fault: the device says no, with an exception code.
        """
        values = plain_values(values)
        _check_list(start, values, MOST_REGISTERS_WRITTEN_AND_READ, "registers")
        _check_end(read_start, count)
        device = _answering(self.device)
        return await device.read_write_multiple_registers(read_start, count, start, values)


class Modbus(Equipment):
    """
    A device that speaks Modbus over TCP: a PLC, a drive, a meter, or a gateway to such devices.

    Addresses are those in the messages: they begin with 0. A manual that counts from 40001 means holding
    register 0 by it.

    Source: MODBUS Application Protocol Specification V1.1b3; MODBUS Messaging on TCP/IP Implementation
    Guide V1.0b, 3.1.
    """

    framing: ClassVar[Framing] = LengthPrefixed(2, offset=4, strip=0, max_frame=LONGEST_MESSAGE)
    unit = Echo(U8, 1)
    codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), unit, OPCODE), meanings=MEANINGS)
    pipeline = 1  # many devices take one request at a time

    broadcast: ClassVar[int | None] = None
    """The unit that addresses all devices, none of which answers, or None."""

    unit_at: ClassVar[int] = 6
    """The position of the unit in a message, in bytes."""

    @property
    def coils(self) -> Coils:
        """The coils: bits that can be read and written."""
        return Coils(self)

    @property
    def discrete(self) -> DiscreteInputs:
        """The discrete inputs: bits that can only be read."""
        return DiscreteInputs(self)

    @property
    def holding(self) -> HoldingRegisters:
        """The holding registers: numbers of 16 bits that can be read and written."""
        return HoldingRegisters(self)

    @property
    def inputs(self) -> InputRegisters:
        """The input registers: numbers of 16 bits that can only be read."""
        return InputRegisters(self)

    @overload
    async def read(
        self,
        kind: WholeKind,
        address: int,
        count: None = None,
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        table: Literal["holding", "inputs"] = "holding",
    ) -> int: ...
    @overload
    async def read(
        self,
        kind: FloatKind,
        address: int,
        count: None = None,
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        table: Literal["holding", "inputs"] = "holding",
    ) -> float: ...
    @overload
    async def read(
        self,
        kind: WholeKind,
        address: int,
        count: int,
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        table: Literal["holding", "inputs"] = "holding",
    ) -> list[int]: ...
    @overload
    async def read(
        self,
        kind: FloatKind,
        address: int,
        count: int,
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        table: Literal["holding", "inputs"] = "holding",
    ) -> list[float]: ...
    @overload
    async def read(
        self,
        kind: Literal["text"],
        address: int,
        count: int,
        *,
        byte_order: Order = "big",
        encoding: str = "ascii",
        table: Literal["holding", "inputs"] = "holding",
    ) -> str: ...

    async def read(
        self,
        kind: Kind,
        address: int,
        count: int | None = None,
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        encoding: str = "ascii",
        table: Literal["holding", "inputs"] = "holding",
    ) -> Any:
        """
        Read one number, a list of numbers, or a text, from registers.

        Args:
            kind: ``u16``, ``i16``, ``u32``, ``i32``, ``u64``, ``i64``, ``f32``, ``f64``, ``bcd`` and
                ``bcd32`` for four and eight decimal digits, or ``text``.
            address: the first register.
            count: the number of values, to get a list; None for one value. Of a text, its bytes.
            word_order: ``big`` if the register with the highest bits is the first one, else ``little``.
            byte_order: ``little`` if the bytes of each register are swapped; the standard says ``big``.
            encoding: of a text, which ends before its first zero byte.
            table: ``holding`` or ``inputs``.

        Raises:
            CodecError: an argument is wrong. Nothing was sent.
            Fault: the device says no, with an exception code.
            BadReply: the text is of another encoding, or a number is not in BCD.
        """
        wanted = wanted_values(kind, count, word_order=word_order, byte_order=byte_order, encoding=encoding)
        if wanted.size > MOST_REGISTERS_READ:
            most = MOST_REGISTERS_READ
            raise CodecError(f"one request reads at most {most} registers, not {wanted.size}")
        registers = await self._registers(table)(address, wanted.size)
        try:
            return wanted.of(registers)
        except CodecError as error:
            raise BadReply(str(error)) from None

    async def write(
        self,
        kind: Kind,
        address: int,
        value: int | float | str | list[int] | list[float],
        *,
        word_order: Order = "big",
        byte_order: Order = "big",
        encoding: str = "ascii",
    ) -> None:
        """
        Write one number, a list of numbers, or a text, into holding registers (function 16).

        The arguments are those of :meth:`read`. A zero byte fills the last register of a text.

        Raises:
            CodecError: the value does not fit the kind, or an argument is wrong. Nothing was sent.
            Fault: the device says no, with an exception code.
            BadReply: the reply does not repeat the request.
        """
        registers = to_registers(
            kind, value, word_order=word_order, byte_order=byte_order, encoding=encoding
        )
        await self.holding.write(address, registers)

    async def identification(
        self, level: Literal["basic", "regular", "extended"] = "basic"
    ) -> dict[str, str]:
        """
        Return the identification of the device. The keys are the names of the standard: ``VendorName``.

        Objects without a name have their number, as ``0x80``. Bytes that are not UTF-8 are shown as
        ``\\xff``. The lower levels are asked first, because some devices send those objects only if asked.

        Source: function 43, MEI type 14.

        Raises:
            CodecError: the level has another name. Nothing was sent.
            Fault: the device says no, with an exception code.
            BadReply: the parts of the identification do not follow each other.
        """
        code = _READ_CODES.get(level)
        if code is None:
            raise CodecError(f"the level is {', '.join(_READ_CODES)}, not {level!r}")
        objects = [each for lower in range(1, code + 1) for each in await self._objects_of_level(lower)]
        return {
            _OBJECT_NAMES.get(each.id, f"0x{each.id:02X}"): each.value.decode("utf-8", "backslashreplace")
            for each in objects
        }

    async def _objects_of_level(self, read_code: int) -> list[IdentificationObject]:
        """Return the objects of one level of identification."""
        found: list[IdentificationObject] = []
        first = 0
        while True:
            part = await self.read_device_identification(read_code, first)
            found += part.objects
            if not part.more_follows:
                return found
            if part.next_object <= first:
                raise BadReply(f"object {part.next_object} follows object {first} in the identification")
            first = part.next_object

    def unknown(self, frame: bytes) -> bytes | None:
        """
        Answer a request with an undeclared function code by exception 1, and other frames not at all.

        Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 4.4.2.
        """
        if len(frame) < self.unit_at + 2 or (self.unit_at and frame[2:4] != b"\0\0"):
            raise NoReply
        return None

    def keep_fault(self, fault: Fault) -> bool:
        """Return True if the request went to all devices, because none of them answers, whatever it is."""
        return self.broadcast is not None and self.unit.value == self.broadcast

    def _registers(self, table: str) -> Table[int]:
        if table == "holding":
            return self.holding
        if table == "inputs":
            return self.inputs
        raise CodecError(f"registers are in the tables holding and inputs, not in {table!r}")

    @command(1, idempotent=True, timeout=TIMEOUT)
    async def read_coils(self, address: U16, count: _BitCount) -> _BitsRead:
        """Read coils."""
        raise NotImplementedError

    @command(2, idempotent=True, timeout=TIMEOUT)
    async def read_discrete_inputs(self, address: U16, count: _BitCount) -> _BitsRead:
        """Read discrete inputs."""
        raise NotImplementedError

    @command(3, idempotent=True, timeout=TIMEOUT)
    async def read_holding_registers(self, address: U16, count: _RegisterCount) -> _RegistersRead:
        """Read holding registers."""
        raise NotImplementedError

    @command(4, idempotent=True, timeout=TIMEOUT)
    async def read_input_registers(self, address: U16, count: _RegisterCount) -> _RegistersRead:
        """Read input registers."""
        raise NotImplementedError

    @command(5, timeout=TIMEOUT)
    async def write_single_coil(self, address: U16, value: Annotated[CoilState, U16]) -> CoilWritten:
        """Write one coil."""
        raise NotImplementedError

    @command(6, timeout=TIMEOUT)
    async def write_single_register(self, address: U16, value: U16) -> Written:
        """Write one holding register."""
        raise NotImplementedError

    @command(15, timeout=TIMEOUT)
    async def write_multiple_coils(self, address: U16, values: _BitsWritten) -> Written:
        """Write coils."""
        raise NotImplementedError

    @command(16, timeout=TIMEOUT)
    async def write_multiple_registers(self, address: U16, values: _RegistersWritten) -> Written:
        """Write holding registers."""
        raise NotImplementedError

    @command(22, timeout=TIMEOUT)
    async def mask_write_register(self, address: U16, and_mask: U16, or_mask: U16) -> MaskWritten:
        """Change bits of one holding register: to value & and_mask | or_mask & ~and_mask."""
        raise NotImplementedError

    @command(23, timeout=TIMEOUT)
    async def read_write_multiple_registers(
        self, read_address: U16, count: _RegisterCount, write_address: U16, values: _RegistersWritten
    ) -> _RegistersRead:
        """Write holding registers, then read others."""
        raise NotImplementedError

    @command(43, idempotent=True, timeout=TIMEOUT)
    async def read_device_identification(
        self, read_code: Annotated[U8, Before(b"\x0e"), Range(1, 4)], first_object: U8 = 0
    ) -> Annotated[DeviceIdentification, Before(b"\x0e")]:
        """Read a part of the identification: 1 basic, 2 regular, 3 extended, 4 the first object alone."""
        raise NotImplementedError


def _rtu(total: Total) -> Framing:
    """Return the framing of requests or replies. A frame with a wrong checksum is dropped."""
    frames = HeaderFramed(2, total, max_frame=LONGEST_RTU_MESSAGE)
    return Checked(frames, checksum("crc-16/modbus"))


class ModbusRtu(Modbus):
    """
    A device that speaks Modbus RTU over TCP, as serial servers pass it on: no header, and a checksum.

    Replies carry no number, so a late reply could answer the next request. A request without a reply
    therefore ends the session, and the link connects again. Unit 0 addresses all devices, and none answers.

    Source: MODBUS over Serial Line V1.02, 2.5.1.
    """

    framing: ClassVar[Framing] = _rtu(modbus_rtu_request)
    reply_framing: ClassVar[Framing | None] = _rtu(modbus_rtu_reply)
    codec = Binary(head=(Modbus.unit, OPCODE), meanings=MEANINGS)
    pipeline = 1  # a serial line carries one request at a time
    broadcast = 0
    unit_at = 0


def _answering(device: Modbus) -> Modbus:
    """Return the device. Raise CodecError if its unit means all devices, because none answers then."""
    if device.broadcast is not None and device.unit.value == device.broadcast:
        raise CodecError(f"no device answers unit {device.broadcast}, so it is not known who was reached")
    return device


def _check_end(start: int, count: int) -> None:
    """Check that the addresses exist. The codec checks the types and the count."""
    if type(start) is type(count) is int and start + count > ADDRESSES:
        raise CodecError(f"{count} from address {start} on: the last address is {ADDRESSES - 1}")
    if isinstance(start, str):
        raise CodecError(
            f"address: must be a whole number, not {start!r}: the settings of the PLC say which register "
            "or coil of Modbus a device such as D100 or M0 is"
        )


def _check_list(start: int, values: Any, most: int, what: str) -> None:
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        shown = len(values) if isinstance(values, list) else repr(values)
        raise CodecError(f"one request writes a list of 1 to {most} {what}, not {shown}")
    _check_end(start, len(values))


def _check_repeated(expected: Any, reply: Any) -> None:
    if reply != expected:
        raise BadReply(f"the reply to a write must repeat it, {expected}, but is {reply}")
