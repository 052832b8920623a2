"""A Modbus/TCP server of ten holding registers: a short declaration, or with ``--device`` the ready one."""

from __future__ import annotations

import sys
from typing import Annotated

from tcpcomm import Equipment, command
from tcpcomm.codec.binary.binary import Binary
from tcpcomm.codec.binary.header import ID, OPCODE, Length
from tcpcomm.codec.binary.types import U8, U16, Counted
from tcpcomm.devices.modbus import Memory
from tcpcomm.framing import LengthPrefixed
from tcpcomm.server.serving import EquipmentFactory
from tests.bench.peers.control import serve_made

__all__ = ["Device", "Registers"]

VALUES = list(range(100, 110))


class Device(Equipment):
    """The commands of the device. MBAP: transaction, protocol 0, length of the rest, unit 1."""

    framing = LengthPrefixed(2, offset=4, strip=0)
    codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x01", OPCODE))

    @command(3)
    def read_holding(self, address: U16, count: U16) -> Annotated[list[U16], Counted(U8, in_bytes=True)]:
        raise NotImplementedError


class Registers(Device):
    def __init__(self) -> None:
        self._values = VALUES

    def read_holding(self, address: U16, count: U16) -> Annotated[list[U16], Counted(U8, in_bytes=True)]:
        return self._values[address : address + count]


if __name__ == "__main__":
    registers = Memory(holding=VALUES) if "--device" in sys.argv else Registers()
    serve_made(lambda: EquipmentFactory(registers, max_sessions_per_address=None))
