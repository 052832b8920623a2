"""A simulated controller of Omron: :class:`Controller`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NoReturn

from tcpcomm.conversation.responder import current_session
from tcpcomm.devices.fins.addresses import Address
from tcpcomm.devices.fins.codes import EndCode, FrameError
from tcpcomm.devices.fins.commands import (
    MOST_PLACES,
    MOST_READ,
    AreaData,
    Clock,
    CpuData,
    CpuStatus,
    Element,
    Mode,
    Nodes,
    Place,
)
from tcpcomm.devices.fins.declaration import Fins
from tcpcomm.devices.fins.memory import Memory
from tcpcomm.devices.plain_hooks import check_plain
from tcpcomm.errors import Fault, FrameTooLong, FramingError, NoReply, TruncatedFrame
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.protocol import FrameProtocol

FREE_NODES: Final = (*range(239, 255), *range(238, 0, -1))
"""The node addresses for clients that ask for none, in this order. A CJ2 has the first 16 only."""

LAST_READ_ONLY: Final = 447
"""The last word of the auxiliary area that nobody can write."""

COMMAND: Final = slice(8, 12)
"""The command in a frame of FINS/TCP."""


class Controller(Fins):
    """
    A simulated controller, with its memory: ``controller.memory["D100"] = 7``.

    Subclass it, and override :meth:`on_write` to act upon what a host writes.

    Args:
        node: its node address, 1 to 254.
        banks: the banks of its extended memory.
        model: the name of its CPU unit.
    """

    def __init__(self, *, node: int = 1, banks: int = 4, model: str = "CJ2M-CPU33") -> None:
        check_plain(self.on_write)
        self.memory = Memory(banks=banks)
        self.own_node = node
        self.model = model
        self.banks = banks
        self.mode = Mode.MONITOR
        self.errors = 0
        """The bits of its errors that are not fatal, as :attr:`CpuStatus.other_errors`."""
        self._ahead = timedelta()
        self._clients: dict[Any, int] = {}

    def on_write(self, address: Address, values: Sequence[int]) -> None:
        """
        Note that a host writes words or bits. They are stored after it.

        Override it. Raise ``Fault(EndCode.WRITE_NOT_POSSIBLE_PROTECTED)``, for example, to refuse all of
        them: then nothing is stored.
        """

    def memory_at(self, network: int, node: int, unit: int) -> Memory:
        """
        Return the memory of a destination. Override it to simulate several nodes.

        Raises:
            Fault: nobody has this address.
        """
        if network:
            raise Fault(EndCode.DESTINATION_IS_NOT_IN_ROUTING_TABLES)
        if node not in (0, self.own_node):
            raise Fault(EndCode.DESTINATION_NODE_IS_NOT_IN_NETWORK)
        if unit:
            raise Fault(EndCode.THERE_IS_NO_SUCH_UNIT)
        return self.memory

    def _destination(self) -> Memory:
        return self.memory_at(self.network.value, self.node.value, self.unit.value)

    # -- the connection -----------------------------------------------------------------------------------

    async def node_address_data_send(self, client: int) -> Nodes:
        session = current_session()
        if session in self._clients:
            self._refuse_frame(FrameError.COMMAND_IS_NOT_SUPPORTED)
        error = self._problem_with(client)
        if error is not None:
            self._close_soon(f"its node address was refused: {error.name}")
            raise Fault(error, data=bytes(8))
        used = {self.own_node, *self._clients.values()}
        self._clients[session] = node = client or next(each for each in FREE_NODES if each not in used)
        return Nodes(node, self.own_node)

    def _problem_with(self, client: int) -> FrameError | None:
        """Return the reason to refuse a node address, or None."""
        used = self._clients.values()
        if not client:
            return None if len(used) < len(FREE_NODES) - 1 else FrameError.NO_NODE_ADDRESS_IS_LEFT
        if client > FREE_NODES[15]:
            return FrameError.CLIENT_NODE_ADDRESS_IS_OUT_OF_RANGE
        if client == self.own_node:
            return FrameError.CLIENT_AND_SERVER_HAVE_THE_SAME_NODE_ADDRESS
        return FrameError.THIS_NODE_IS_CONNECTED_ALREADY if client in used else None

    def session_ended(self, session: Any, reason: str) -> None:
        self._clients.pop(session, None)

    def unknown(self, frame: bytes) -> bytes | None:
        command = int.from_bytes(frame[COMMAND], "big")
        if command == 2:
            return None  # a command of FINS that is not declared: it has an end code
        if command == 3:
            self._close_soon("it has told an error in a frame")
            raise NoReply
        self._refuse_frame(FrameError.COMMAND_IS_NOT_SUPPORTED)

    def misframed(self, session: FrameProtocol, fault: FramingError) -> None:
        if isinstance(fault, TruncatedFrame):
            return  # its end is not there, so that nobody waits for an answer
        is_too_long = isinstance(fault, FrameTooLong)
        error = FrameError.DATA_IS_TOO_LONG if is_too_long else FrameError.HEADER_IS_NOT_FINS
        self.frame_error.to(session, error)
        session.close(f"its frame was refused: {error.name}")

    def _refuse_frame(self, error: FrameError) -> NoReturn:
        """Tell an error in the header of a frame, and close the connection."""
        self.frame_error.to(current_session(), error)
        self._close_soon(f"its frame was refused: {error.name}")
        raise NoReply

    def _close_soon(self, reason: str) -> None:
        """Close the connection after the answer."""
        session = current_session()
        clock_of(session.factory).callLater(0, session.close, reason)

    # -- the memory ---------------------------------------------------------------------------------------

    async def memory_area_read(
        self, area: int, word: int, bit: int, count: int
    ) -> list[int] | list[bool] | bytes:
        memory = self._destination()
        place = memory.place(area, word, bit)
        if count > (2 * MOST_READ if place.is_bits else MOST_READ):
            raise Fault(EndCode.RESPONSE_IS_TOO_LONG)
        return memory.read(place, count)

    async def memory_area_write(
        self, area: int, word: int, bit: int, values: list[int] | list[bool] | bytes
    ) -> None:
        memory = self._destination()
        if isinstance(values, bytes):
            raise Fault(EndCode.THERE_IS_NO_SUCH_AREA)
        self._write(memory, memory.place(area, word, bit), values)

    def _write(self, memory: Memory, place: Address, values: Sequence[int]) -> None:
        is_read_only = place.area.name == "A" and place.index <= LAST_READ_ONLY
        if is_read_only or place.area.is_flags:
            raise Fault(EndCode.WRITE_NOT_POSSIBLE_READ_ONLY)
        if len(values) > place.room:
            raise Fault(EndCode.LAST_ADDRESS_IS_OUT_OF_RANGE)
        self.on_write(place, values)
        memory.write(place, values)

    async def memory_area_fill(self, area: int, word: int, bit: int, count: int, value: int) -> None:
        memory = self._destination()
        place = memory.place(area, word, bit)
        if place.is_bits:
            raise Fault(EndCode.ACCESS_SIZE_ERROR)
        self._write(memory, place, [value] * count)

    async def multiple_memory_area_read(self, places: list[Place]) -> list[Element]:
        memory = self._destination()
        if len(places) > MOST_PLACES:
            raise Fault(EndCode.RESPONSE_IS_TOO_LONG)
        return [
            Element(each.area, *memory.read(memory.place(each.area, each.word, each.bit), 1))
            for each in places
        ]

    async def memory_area_transfer(self, source: Place, target: Place, count: int) -> None:
        memory = self._destination()
        from_here = memory.place(source.area, source.word, source.bit)
        to_there = memory.place(target.area, target.word, target.bit)
        if from_here.is_bits or to_there.is_bits:
            raise Fault(EndCode.ACCESS_SIZE_ERROR)
        self._write(memory, to_there, memory.read(from_here, count))

    # -- the CPU unit -------------------------------------------------------------------------------------

    async def enter_run_mode(self, program: int | None = None, mode: Mode | None = None) -> None:
        self._check_program(program)
        self.mode = Mode.MONITOR if mode is None else mode

    async def enter_program_mode(self, program: int | None = None) -> None:
        self._check_program(program)
        self.mode = Mode.PROGRAM

    def _check_program(self, program: int | None) -> None:
        self._destination()
        if program not in (None, 0, 0xFFFF):
            raise Fault(EndCode.THERE_IS_NO_SUCH_PROGRAM)

    async def cpu_unit_data_read(self, data: Literal[0] | None = None) -> CpuData:
        self._destination()
        areas = AreaData(20, 23, 32768, 8, self.banks, 0, 0, 0)
        return CpuData(self.model, "02.00", bytes(40), areas)

    async def cpu_unit_status_read(self) -> CpuStatus:
        self._destination()
        running = 0 if self.mode is Mode.PROGRAM else 1
        return CpuStatus(0x04 | running, self.mode, 0, self.errors, 0, 0, "")

    def now(self) -> datetime:
        """Return the time that its clock shows."""
        return datetime.now() + self._ahead

    async def clock_read(self) -> Clock:
        self._destination()
        return Clock.of(self.now())

    async def clock_write(self, time: Clock) -> None:
        self._destination()
        try:
            self._ahead = time.as_datetime() - datetime.now()
        except ValueError:
            raise Fault(EndCode.PARAMETER_ERROR) from None
