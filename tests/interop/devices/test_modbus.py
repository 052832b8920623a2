"""Modbus with programs that others wrote: pymodbus, pyModbusTCP, uModbus, and libmodbus in C."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import needs_module, needs_program, skip
from tests.docs.processes import free_port
from tests.interop.programs import printed

HINT = "pip install '.[interop]'"
PACKAGE = "apt-get install gcc libmodbus-dev"
SOURCES = Path(__file__).with_name("libmodbus")

SERVE = """
import logging, socket, struct, subprocess, sys
from tcpcomm import Fault, blocking
from tcpcomm.devices.modbus import ExceptionCode, Gateway, GatewayRtu, Memory

logging.disable(logging.ERROR)

class Drive(Memory):
    def on_write(self, table, address, values):
        if address == 9:
            raise Fault(ExceptionCode.SERVER_DEVICE_BUSY)
        print("write", self.unit.value, table, address, values)

drive = Drive(
    holding=20, inputs=range(100, 110), coils=20, discrete=[True, False, True] * 4,
    identification={0: "ACME", 1: "D-7", 2: "1.4", 4: "drive", 0x80: "hall 3"},
)
units = {1: Memory(holding=[11, 12]), 7: drive}
serving = blocking.serve(KIND(units), at="tcp:0:interface=127.0.0.1")
port = serving.ports[0]
drive.write("f32", 12, 1.5, word_order="little")
"""

CHANGED = 77 & 0xF2 | 0x25 & ~0xF2
WRITES = [
    "write 7 holding 5 [77]",
    "write 7 holding 6 [8, 65535]",
    "write 7 coils 3 [True]",
    "write 7 coils 4 [True, False, True]",
]

PYMODBUS = """
from pymodbus import FramerType
from pymodbus.client import ModbusTcpClient

def connected(timeout):
    client = ModbusTcpClient(
        "127.0.0.1", port=port, framer=FramerType.FRAMER, timeout=timeout, retries=0
    )
    client.connect()
    return client

client = connected(50)
print(client.read_holding_registers(0, count=2, device_id=1).registers)
print(client.write_register(5, 77, device_id=7).registers)
print(client.write_registers(6, [8, 65535], device_id=7).count)
print(client.write_coil(3, True, device_id=7).bits)
print(client.write_coils(4, [True, False, True], device_id=7).count)
print(client.read_holding_registers(5, count=3, device_id=7).registers)
print(client.read_input_registers(0, count=4, device_id=7).registers)
print(client.read_coils(2, count=6, device_id=7).bits[:6])
print(client.read_discrete_inputs(0, count=10, device_id=7).bits[:10])
client.mask_write_register(address=5, and_mask=0xF2, or_mask=0x25, device_id=7)
print(drive.holding[5])
print(client.readwrite_registers(
    read_address=4, read_count=3, write_address=4, values=[1, 2], device_id=7).registers)
names = client.read_device_information(read_code=3, object_id=0, device_id=7).information
print({number: bytes(text).decode() for number, text in names.items()})
print(client.read_device_information(read_code=4, object_id=4, device_id=7).information)
found = client.read_holding_registers(12, count=2, device_id=7).registers
print(client.convert_from_registers(found, client.DATATYPE.FLOAT32, word_order="little"))
for answer in (
    client.read_holding_registers(19, count=2, device_id=7),
    client.write_register(9, 1, device_id=7),
    client.read_coils(21, count=1, device_id=7),
):
    print(answer.exception_code)
client.close()
client = connected(0.3)
try:
    client.read_holding_registers(0, count=1, device_id=9)
except Exception as error:
    print(type(error).__name__)
client.close()
"""


@pytest.mark.parametrize(("kind", "framer"), [("Gateway", "SOCKET"), ("GatewayRtu", "RTU")])
def test_pymodbus_asks_a_gateway(kind: str, framer: str) -> None:
    needs_module("pymodbus", HINT)
    program = SERVE.replace("KIND", kind) + PYMODBUS.replace("FRAMER", framer)
    assert [
        "[11, 12]",
        WRITES[0],
        "[77]",
        WRITES[1],
        "2",
        WRITES[2],
        "[True]",
        WRITES[3],
        "3",
        "[77, 8, 65535]",
        "[100, 101, 102, 103]",
        "[False, True, True, False, True, False]",
        "[True, False, True, True, False, True, True, False, True, True]",
        f"write 7 holding 5 [{CHANGED}]",
        f"{CHANGED}",
        "write 7 holding 4 [1, 2]",
        "[1, 2, 8]",
        "{0: 'ACME', 1: 'D-7', 2: '1.4', 4: 'drive', 128: 'hall 3'}",
        "{4: b'drive'}",
        "1.5",
        "2",
        "6",
        "2",
        "ModbusIOException",
    ] == printed(program)


PYMODBUSTCP = """
from pyModbusTCP.client import ModbusClient

client = ModbusClient("127.0.0.1", port, unit_id=7, timeout=50)
print(client.write_single_register(5, 77), client.write_multiple_registers(6, [8, 65535]))
print(client.write_single_coil(3, True), client.write_multiple_coils(4, [True, False, True]))
print(client.read_holding_registers(5, 3), client.read_input_registers(0, 4))
print(client.read_coils(2, 6), client.read_discrete_inputs(0, 10))
print(client.write_read_multiple_registers(4, [1, 2], 4, 3))
print(client.read_device_identification(3).objects_by_id)
print(client.read_holding_registers(19, 2), client.last_except)
print(client.write_single_register(9, 1), client.last_except)
client.unit_id = 1
print(client.read_holding_registers(0, 2))
client.close()
"""


def test_pymodbustcp_asks_a_gateway() -> None:
    needs_module("pyModbusTCP", HINT)
    assert [
        *WRITES[:2],
        "True True",
        *WRITES[2:],
        "True True",
        "[77, 8, 65535] [100, 101, 102, 103]",
        "[False, True, True, False, True, False] "
        "[True, False, True, True, False, True, True, False, True, True]",
        "write 7 holding 4 [1, 2]",
        "[1, 2, 8]",
        "{0: b'ACME', 1: b'D-7', 2: b'1.4', 4: b'drive', 128: b'hall 3'}",
        "None 2",
        "False 6",
        "[11, 12]",
    ] == printed(SERVE.replace("KIND", "Gateway") + PYMODBUSTCP)


UMODBUS = """
from umodbus import conf
from umodbus.client import tcp

conf.SIGNED_VALUES = False
connection = socket.create_connection(("127.0.0.1", port), timeout=50)
for request in (
    tcp.write_single_register(7, 5, 77),
    tcp.write_multiple_registers(7, 6, [8, 65535]),
    tcp.write_single_coil(7, 3, 1),
    tcp.write_multiple_coils(7, 4, [1, 0, 1]),
    tcp.read_holding_registers(7, 5, 3),
    tcp.read_input_registers(7, 0, 4),
    tcp.read_coils(7, 2, 6),
    tcp.read_discrete_inputs(7, 0, 10),
    tcp.read_holding_registers(1, 0, 2),
    tcp.read_holding_registers(7, 19, 2),
    tcp.write_single_register(7, 9, 1),
):
    try:
        print(tcp.send_message(request, connection))
    except Exception as error:
        print(type(error).__name__)
connection.close()
"""


def test_umodbus_asks_a_gateway() -> None:
    needs_module("umodbus", HINT)
    assert [
        WRITES[0],
        "77",
        WRITES[1],
        "2",
        WRITES[2],
        "1",
        WRITES[3],
        "3",
        "[77, 8, 65535]",
        "[100, 101, 102, 103]",
        "[0, 1, 1, 0, 1, 0]",
        "[1, 0, 1, 1, 0, 1, 1, 0, 1, 1]",
        "[11, 12]",
        "IllegalDataAddressError",
        "ServerDeviceBusyError",
    ] == printed(SERVE.replace("KIND", "Gateway") + UMODBUS)


@pytest.fixture(scope="module")
def libmodbus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the programs ask and serve, which are made with libmodbus."""
    compiler = needs_program("gcc", PACKAGE)
    folder = tmp_path_factory.mktemp("libmodbus")
    for name in ("ask", "serve"):
        command: list[str | Path] = [
            compiler,
            "-Wall",
            "-Wextra",
            "-Werror",
            "-I/usr/include/modbus",
            "-o",
            folder / name,
        ]
        done = subprocess.run(
            [*command, SOURCES / f"{name}.c", "-lmodbus"], capture_output=True, encoding="utf-8", timeout=60
        )
        if "modbus.h: No such file" in done.stderr:
            skip(f"there is no libmodbus on this machine ({PACKAGE})")
        assert (0, "") == (done.returncode, done.stderr)
    return folder


LIBMODBUS = """
print(subprocess.run([PROGRAM, str(port), "7"], stdout=subprocess.PIPE, text=True, timeout=50).stdout)
"""


def test_libmodbus_asks_a_gateway(libmodbus: Path) -> None:
    program = SERVE.replace("KIND", "Gateway") + LIBMODBUS.replace("PROGRAM", repr(str(libmodbus / "ask")))
    order = [0, 2, 1, 3]  # it writes one register and one coil first
    writes = [*(WRITES[each] for each in order), f"write 7 holding 5 [{CHANGED}]"]
    assert [
        *writes,
        "write 7 holding 10 [1, 2]",
        "3: 0 0 0",
        "3: 100 101 102",
        "10: 0 0 0 0 0 0 0 0 0 0",
        "4: 1 0 1 1",
        "1",
        "1",
        "2",
        "3",
        "6: 0 1 1 0 1 0",
        "1",
        "3: 0 1 2",
        "2: 0 16320",
        "1.50",
        "Illegal data address",
        "Illegal data address",
        "-1",
        "Slave device or server is busy",
        "Connection timed out",
        "",
    ] == printed(program)


ASK = """
with blocking.remote(KIND, at=f"tcp:127.0.0.1:{port}") as proxy:
    plc = proxy.unit(7)
    print(plc.holding[0:3], plc.inputs[2], plc.discrete[0:4], plc.coils(0, 3))
    plc.holding.write(5, 77)
    plc.holding.write(6, [8, 65535])
    plc.coils.write(3, True)
    plc.coils.write(4, [True, False, True])
    print(plc.holding[5:8], plc.coils[2:8])
    plc.write("f32", 10, 1.5, word_order="little")
    print(plc.read("f32", 10, word_order="little"), plc.holding[10:12])
    print(plc.holding.write_and_read(12, [1, 2], 11, 3))
    for ask in (
        lambda: plc.holding.mask(5, 0xF2, 0x25),
        lambda: plc.holding[5],
        lambda: plc.holding[19:21],
        lambda: plc.identification("regular"),
    ):
        try:
            print(ask())
        except Fault as fault:
            print(fault)
"""

ANSWERS = [
    "[11, 12, 13] 102 [True, False, True, True] [False, False, False]",
    "[77, 8, 65535] [False, True, True, False, True, False]",
    "1.5 [0, 16320]",
    "[16320, 1, 2]",
    "None",
    f"{CHANGED}",
    "2: illegal data address: the device does not have all of these addresses",
]
IDENTIFICATION = {"VendorName": "ACME", "ProductCode": "D-7", "MajorMinorRevision": "1.4"}
NO_FUNCTION = "1: illegal function: the device does not know this function code"

HOST = """
import asyncio, logging, subprocess, threading, time
from tcpcomm import Fault, blocking
from tcpcomm.devices.modbus import Modbus, ModbusRtu

logging.disable(logging.ERROR)
"""

PYMODBUS_SERVER = """
from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

ports, ready = [], threading.Event()

async def serve():
    block = ModbusSequentialDataBlock
    device = ModbusDeviceContext(
        di=block(1, [True, False, True] * 7),
        co=block(1, [False] * 20),
        hr=block(1, list(range(11, 31))),
        ir=block(1, list(range(100, 120))),
    )
    context = ModbusServerContext({7: device}, single=False)
    identity = ModbusDeviceIdentification({0: "ACME", 1: "D-7", 2: "1.4", 4: "drive"})
    server = ModbusTcpServer(
        context, identity=identity, framer=FramerType.FRAMER, address=("127.0.0.1", 0)
    )
    await server.serve_forever(background=True)
    ports.append(server.transport.sockets[0].getsockname()[1])
    ready.set()
    await asyncio.sleep(60)

threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
ready.wait(50)
port = ports[0]
"""


@pytest.mark.parametrize(("kind", "framer"), [("Modbus", "SOCKET"), ("ModbusRtu", "RTU")])
def test_pymodbus_serves_a_host(kind: str, framer: str) -> None:
    needs_module("pymodbus", HINT)
    program = HOST + PYMODBUS_SERVER.replace("FRAMER", framer) + ASK.replace("KIND", kind)
    assert [*ANSWERS, f"{IDENTIFICATION | {'ProductName': 'drive'}}"] == printed(program)


AWAITING = """
from tcpcomm import remote
from twisted.internet.task import react

async def main(reactor):
    plc = remote(Modbus, at=f"tcp:127.0.0.1:{port}").unit(7)
    await plc.holding.write(5, 77)
    print(await plc.holding[4:7], await plc.discrete[0])

react(main)
"""


def test_pymodbus_serves_a_program_that_awaits() -> None:
    needs_module("pymodbus", HINT)
    program = HOST + PYMODBUS_SERVER.replace("FRAMER", "SOCKET") + AWAITING
    assert ["[15, 77, 17] True"] == printed(program)


PYMODBUSTCP_SERVER = """
from pyModbusTCP.server import DataBank, DeviceIdentification, ModbusServer

bank = DataBank(coils_size=20, d_inputs_size=20, h_regs_size=20, i_regs_size=20)
bank.set_holding_registers(0, list(range(11, 31)))
bank.set_input_registers(0, list(range(100, 120)))
bank.set_discrete_inputs(0, [True, False, True] * 6)
names = DeviceIdentification(vendor_name=b"ACME", product_code=b"D-7", major_minor_revision=b"1.4")
ModbusServer("127.0.0.1", port, no_block=True, data_bank=bank, device_id=names).start()
"""


def test_pymodbustcp_serves_a_host() -> None:
    needs_module("pyModbusTCP", HINT)
    program = f"port = {free_port()}\n" + HOST + PYMODBUSTCP_SERVER + ASK.replace("KIND", "Modbus")
    others = dict.fromkeys(["VendorUrl", "ProductName", "ModelName", "UserApplicationName"], "")
    answers = [*ANSWERS[:4], NO_FUNCTION, "77", ANSWERS[6], f"{IDENTIFICATION | others}"]
    assert answers == printed(program)


LIBMODBUS_SERVER = """
server = subprocess.Popen([PROGRAM], stdout=subprocess.PIPE, text=True)
port = int(server.stdout.readline())
"""


def test_libmodbus_serves_a_host(libmodbus: Path) -> None:
    server = LIBMODBUS_SERVER.replace("PROGRAM", repr(str(libmodbus / "serve")))
    program = HOST + server + ASK.replace("KIND", "Modbus") + "print(server.wait(50))"
    assert [*ANSWERS, NO_FUNCTION, "0"] == printed(program)
