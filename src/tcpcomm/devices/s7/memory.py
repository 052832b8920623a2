"""A simulated CPU: :class:`Memory` keeps what hosts write to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tcpcomm.conversation.responder import current_session
from tcpcomm.devices.plain_hooks import check_plain
from tcpcomm.devices.s7.addresses import Address, Area, Part
from tcpcomm.devices.s7.codes import ErrorCode, ReturnCode
from tcpcomm.devices.s7.declaration import S7, Confirm, Option, OptionCode
from tcpcomm.devices.s7.items import (
    Item,
    Size,
    Values,
    read_values,
    write_failure,
    write_values,
)
from tcpcomm.devices.s7.system_status import (
    NAMES,
    OPERATING_MODES,
    ORDER_NUMBERS,
    Mode,
    StatusQuery,
    StatusReply,
    mode_record,
    name_record,
    order_number_record,
    status_reply,
)
from tcpcomm.devices.s7.transfer import ANSWER_HEAD, values_in, written
from tcpcomm.errors import CodecError, Fault, NoReply
from tcpcomm.session.protocol import FrameProtocol

_REFERENCE: Final = 2  # of our end of a connection of COTP
_LARGEST_TPDU: Final = 13  # 2 ** 13 bytes
_COTP_DATA: Final = 3  # bytes before the data in a TPDU
_DISCONNECT: Final = 0x80
_AREAS: Final = frozenset(Area)
_SIZES: Final = frozenset(Size)


class Memory(S7):
    """
    A CPU with data blocks, merkers, inputs, outputs, timers and counters, to be served.

    ::

        memory = Memory(blocks={1: 200})
        memory["DB1.DBW4"] = 7
        serve(memory, at="tcp:102:interface=127.0.0.1")

    Subclass it to do something at a read or a write: :meth:`on_read`, :meth:`on_write`. Its ``mode`` and
    its ``model`` are what it tells hosts of itself.

    Args:
        blocks: the bytes of each data block, by its number.
        merkers: the bytes of M.
        inputs: the bytes of I.
        outputs: the bytes of Q.
        timers: the number of timers.
        counters: the number of counters.
        pdu: the most bytes of a PDU.
    """

    def __init__(
        self,
        *,
        blocks: Mapping[int, int] | None = None,
        merkers: int = 256,
        inputs: int = 128,
        outputs: int = 128,
        timers: int = 64,
        counters: int = 64,
        pdu: int = 480,
    ) -> None:
        check_plain(self.on_write)
        sizes = {1: 1024} if blocks is None else blocks
        self.blocks = {number: bytearray(size) for number, size in sizes.items()}
        """The bytes of the data blocks, by number."""
        self.areas = {
            Area.MERKERS: bytearray(merkers),
            Area.INPUTS: bytearray(inputs),
            Area.OUTPUTS: bytearray(outputs),
            Area.TIMERS: bytearray(2 * timers),
            Area.COUNTERS: bytearray(2 * counters),
        }
        """The bytes of the other areas. A timer or a counter has two."""
        self.pdu = pdu
        self.mode = Mode.RUN
        """The operating mode that hosts are told."""
        self.model = "6ES7 000-0TC00-0AB0"
        """The order number that hosts are told."""
        self._tpdus: dict[FrameProtocol, int] = {}
        self._pdus: dict[FrameProtocol, int] = {}

    def __getitem__(self, address: str) -> Any:
        """Return the value at an address, such as ``DB1.DBW4``. Raises CodecError and Fault."""
        found = Address.of(address, self.string_encoding)
        part = found.bytes_of(1)
        content, start = self._place(part.item())
        return values_in(bytes(content[start : start + part.size]), found, 1)[0]

    def __setitem__(self, address: str, value: Any) -> None:
        """Set the value at an address. Raises CodecError and Fault."""
        found = Address.of(address, self.string_encoding)
        for each in written(found, value if isinstance(value, list) else [value]):
            self._store(each.item, each.content)

    def on_read(self, part: Part) -> None:
        """
        Note that a host reads. Override it, for example to set the values first.

        Raises:
            Fault: the host may not; its code is a :class:`ReturnCode`.
        """

    def on_write(self, part: Part, values: bytes) -> None:
        """
        Note that a host is about to write these bytes. Override it to check them.

        Where a host writes a bit, it is the byte with that bit.

        Raises:
            Fault: the host may not, and nothing is stored; its code is a :class:`ReturnCode`.
        """

    # -- commands ---------------------------------------------------------------------------------------

    def connect(self, kind: int, options: list[Option]) -> Confirm:  # type: ignore[override]
        answer = []
        size = _LARGEST_TPDU
        for option in options:
            if option.code == OptionCode.TPDU_SIZE and len(option.value) == 1:
                size = min(max(option.value[0], 7), _LARGEST_TPDU)
                answer.append(Option(OptionCode.TPDU_SIZE, bytes((size,))))
            elif option.code in (OptionCode.CALLING_TSAP, OptionCode.CALLED_TSAP):
                answer.append(option)
        self._tpdus[current_session()] = 1 << size
        return Confirm(_REFERENCE, 0, answer)

    def set_up(self) -> None:  # type: ignore[override]
        session = current_session()
        longest = self._tpdus.get(session, 1 << _LARGEST_TPDU) - _COTP_DATA
        agreed = min(self.pdu_size.value, self.pdu, longest)
        self._pdus[session] = agreed
        self.agreed_pdu.set(agreed)

    def read_variables(self, items: list[Item]) -> Values:  # type: ignore[override]
        room = self._pdus[current_session()] - ANSWER_HEAD
        data = bytearray()
        for item in items:
            if len(data) % 2:
                data.append(0)
            try:
                data += self._read(item, room - len(data))
            except Fault as fault:
                if type(fault.code) is not int or fault.code > 0xFF:
                    raise
                data += write_failure(fault.code)
            if len(data) > room:
                raise Fault(ErrorCode.WRONG_FRAME_OR_PDU_SIZE)
        return Values(len(items), bytes(data))

    def _read(self, item: Item, room: int) -> bytes:
        content, start = self._place(item)
        size = Size(item.size)
        length = item.count * size.width
        if length > room:
            raise Fault(ErrorCode.WRONG_FRAME_OR_PDU_SIZE)
        self.on_read(_part_of(item))
        if size is Size.BIT:
            found = bytes((content[start] >> item.place % 8 & 1,))
        else:
            found = bytes(content[start : start + length])
        return write_values([(ReturnCode.SUCCESS, size, found)])

    def write_variables(self, items: list[Item], values: bytes) -> bytes:  # type: ignore[override]
        try:
            contents = [content for _, _, content in read_values(len(items), values)]
        except CodecError:
            raise Fault(ErrorCode.WRONG_FRAME_OR_PDU_SIZE) from None
        codes = bytearray(map(self._may_write, items, contents))
        for item, content, code in zip(items, contents, codes, strict=True):
            if code == ReturnCode.SUCCESS:  # all were allowed before the first is stored
                self._store(item, content)
        return bytes(codes)

    def read_system_status(self, query: StatusQuery) -> StatusReply:  # type: ignore[override]
        records = self._records(query.list)
        if query.index and query.list != OPERATING_MODES:
            records = [each for each in records if each[:2] == query.index.to_bytes(2, "big")]
        if not records:
            raise Fault(ErrorCode.INFORMATION_NOT_AVAILABLE)
        return status_reply(query, records)

    def _records(self, number: int) -> list[bytes]:
        """Return the records of a list of the system status, or none if there is no such list."""
        if number == OPERATING_MODES:
            return [mode_record(self.mode)]
        if number == ORDER_NUMBERS:
            return [order_number_record(self.model)]
        if number == NAMES:
            name = type(self).__name__
            texts = {1: name, 2: name, 3: "", 4: "simulated by tcpcomm", 5: "0", 7: self.model}
            return [name_record(index, text) for index, text in texts.items()]
        return []

    def _may_write(self, item: Item, content: bytes) -> int:
        """Return the code of a variable that a host wants to write."""
        try:
            changed = self._changed(item, content)
            self.on_write(_part_of(item), changed)
        except Fault as fault:
            if type(fault.code) is not int or fault.code > 0xFF:
                raise
            return fault.code
        return ReturnCode.SUCCESS

    def _store(self, item: Item, content: bytes) -> None:
        changed = self._changed(item, content)
        memory, start = self._place(item)
        memory[start : start + len(changed)] = changed

    def _changed(self, item: Item, content: bytes) -> bytes:
        """Return the bytes that a variable changes, as they will be. Raises Fault."""
        memory, start = self._place(item)
        if len(content) != item.count * Size(item.size).width:
            raise Fault(ReturnCode.DATA_TYPE_INCONSISTENT)
        if item.size != Size.BIT:
            return content
        bit = 1 << item.place % 8
        return bytes((memory[start] | bit if content[0] & 1 else memory[start] & ~bit,))

    def _place(self, item: Item) -> tuple[bytearray, int]:
        """Return the bytes that hold a variable, and its index in them. Raises Fault."""
        if item.area not in _AREAS:
            raise Fault(ReturnCode.OBJECT_DOES_NOT_EXIST)
        if item.size not in _SIZES:
            raise Fault(ReturnCode.DATA_TYPE_NOT_SUPPORTED)
        size, area = Size(item.size), Area(item.area)
        is_numbered = area in (Area.TIMERS, Area.COUNTERS)
        if is_numbered != (size in (Size.TIMER, Size.COUNTER)) or (size is Size.BIT and item.count != 1):
            raise Fault(ReturnCode.DATA_TYPE_INCONSISTENT)
        memory = self.blocks.get(item.block) if area is Area.BLOCKS else self.areas[area]
        if memory is None:
            raise Fault(ReturnCode.OBJECT_DOES_NOT_EXIST)
        start = item.place * 2 if is_numbered else item.place // 8
        is_between = bool(item.place % 8) and not is_numbered and size is not Size.BIT
        if is_between or not item.count or start + item.count * size.width > len(memory):
            raise Fault(ReturnCode.INVALID_ADDRESS)
        return memory, start

    # -- sessions ---------------------------------------------------------------------------------------

    def unknown(self, frame: bytes) -> bytes | None:
        if frame[1:2] == bytes((_DISCONNECT,)):  # a host says goodbye, and needs no answer
            current_session().close("the host has disconnected")
            raise NoReply
        return None

    def session_ended(self, session: FrameProtocol, reason: str) -> None:
        self._tpdus.pop(session, None)
        self._pdus.pop(session, None)


def _part_of(item: Item) -> Part:
    """Return the bytes, timers or counters of a variable."""
    area = Area(item.area)
    if area in (Area.TIMERS, Area.COUNTERS):
        return Part(area, 0, item.place, item.count)
    block = item.block if area is Area.BLOCKS else 0
    return Part(area, block, item.place // 8, item.count * Size(item.size).width)
