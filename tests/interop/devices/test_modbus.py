"""Modbus with programs that others wrote, in both directions: pymodbus."""

from __future__ import annotations

from tests.conftest import needs_module
from tests.interop.programs import printed

OURS = """
import logging
from tcpcomm import Fault, NoReply, blocking
from tcpcomm.devices.modbus import (
    ExceptionCode, Gateway, GatewayRtu, Memory, MemoryRtu, Modbus, ModbusRtu
)

logging.disable(logging.ERROR)

class Drive(Memory):
    def on_write(self, table, address, values):
        if address == 9:
            raise Fault(ExceptionCode.SERVER_DEVICE_BUSY)
        print("write", self.unit.value, table, address, values)
"""

PYMODBUS_ASKS = """
drive = Drive(
    holding=20, inputs=range(100, 110), coils=20, discrete=[True, False, True] * 4,
    identification={0: "ACME", 1: "D-7", 2: "1.4", 4: "drive", 0x80: "hall 3"},
)
units = {1: Memory(holding=[11, 12]), 7: drive}
"""

PYMODBUS_CHECKS = """
print(client.read_holding_registers(0, count=2, device_id=1).registers)
print(client.write_register(5, 77, device_id=7).registers)
print(client.write_registers(6, [8, 65535], device_id=7).count)
print(client.read_holding_registers(5, count=3, device_id=7).registers)
print(client.read_input_registers(0, count=4, device_id=7).registers)
print(client.write_coil(3, True, device_id=7).bits)
print(client.write_coils(4, [True, False, True] * 3, device_id=7).count)
print(client.read_coils(2, count=11, device_id=7).bits[:11])
print(client.read_discrete_inputs(0, count=10, device_id=7).bits[:10])
client.mask_write_register(address=5, and_mask=0xF2, or_mask=0x25, device_id=7)
print(drive.holding[5])
print(client.readwrite_registers(
    read_address=4, read_count=3, write_address=4, values=[1, 2], device_id=7).registers)
names = client.read_device_information(read_code=3, object_id=0, device_id=7).information
print({number: bytes(text).decode() for number, text in names.items()})
print(client.read_device_information(read_code=4, object_id=4, device_id=7).information)
drive.write("f32", 10, 1.5, word_order="little")
found = client.read_holding_registers(10, count=2, device_id=7).registers
print(client.convert_from_registers(found, client.DATATYPE.FLOAT32, word_order="little"))
for answer in (
    client.read_holding_registers(19, count=2, device_id=7),
    client.write_register(9, 1, device_id=7),
    client.read_coils(21, count=1, device_id=7),
):
    print(answer.exception_code)
try:
    client.read_holding_registers(0, count=1, device_id=9)
except Exception as error:
    print(type(error).__name__)
client.close()
"""

ASKED = [
    "[11, 12]",
    "write 7 holding 5 [77]",
    "[77]",
    "write 7 holding 6 [8, 65535]",
    "2",
    "[77, 8, 65535]",
    "[100, 101, 102, 103]",
    "write 7 coils 3 [True]",
    "[True]",
    "write 7 coils 4 [True, False, True, True, False, True, True, False, True]",
    "9",
    "[False, True, True, False, True, True, False, True, True, False, True]",
    "[True, False, True, True, False, True, True, False, True, True]",
    f"write 7 holding 5 [{77 & 0xF2 | 0x25 & ~0xF2}]",
    f"{77 & 0xF2 | 0x25 & ~0xF2}",
    "write 7 holding 4 [1, 2]",
    "[1, 2, 8]",
    "{0: 'ACME', 1: 'D-7', 2: '1.4', 4: 'drive', 128: 'hall 3'}",
    "{4: b'drive'}",
    "1.5",
    "2",
    "6",
    "2",
    "ModbusIOException",
]

TCP_CLIENT = (
    OURS
    + PYMODBUS_ASKS
    + """
from pymodbus.client import ModbusTcpClient

serving = blocking.serve(Gateway(units), at="tcp:0:interface=127.0.0.1")
client = ModbusTcpClient("127.0.0.1", port=serving.ports[0], timeout=0.3, retries=0)
client.connect()
"""
    + PYMODBUS_CHECKS
)

RTU_CLIENT = (
    OURS
    + PYMODBUS_ASKS
    + """
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

serving = blocking.serve(GatewayRtu(units), at="tcp:0:interface=127.0.0.1")
client = ModbusTcpClient(
    "127.0.0.1", port=serving.ports[0], framer=FramerType.RTU, timeout=0.3, retries=0
)
client.connect()
"""
    + PYMODBUS_CHECKS
)


def test_pymodbus_reads_and_writes_units_of_a_gateway() -> None:
    needs_module("pymodbus", "pip install '.[interop]'")
    assert ASKED == printed(TCP_CLIENT)


def test_pymodbus_asks_a_gateway_in_rtu() -> None:
    needs_module("pymodbus", "pip install '.[interop]'")
    assert ASKED == printed(RTU_CLIENT)
