"""Headers that vary, with programs of others: the units of Modbus (pymodbus), and HSMS (secsgem)."""

from __future__ import annotations

from tests.conftest import needs_module
from tests.docs.processes import free_port
from tests.interop.programs import printed

GATEWAY = """
import logging
from typing import Annotated
from attrs import frozen
from tcpcomm import Equipment, Fault, NoReply, blocking, command
from tcpcomm.codec import ID, OPCODE, U8, U16, Binary, Counted, Echo, Length
from tcpcomm.framing import LengthPrefixed

logging.disable(logging.ERROR)

@frozen
class Registers:
    values: Annotated[list[U16], Counted(U8, in_bytes=True)]

class Gateway(Equipment):
    framing = LengthPrefixed(2, offset=4, strip=0)
    unit = Echo(U8, 1)
    codec = Binary(id=U16, head=(ID, b"\\0\\0", Length(U16), unit, OPCODE))

    @command(3)
    def read(self, start: U16, size: U16) -> Registers:
        raise NotImplementedError
"""

CLIENT = (
    GATEWAY
    + """
from pymodbus.client import ModbusTcpClient

class MyGateway(Gateway):
    def read(self, start, size):
        if self.unit.value == 9:
            raise NoReply
        if self.unit.value == 8:
            raise Fault(2)
        return Registers([self.unit.value * 100 + start + index for index in range(size)])

serving = blocking.serve(MyGateway(), at="tcp:0:interface=127.0.0.1")
def connected(timeout):
    client = ModbusTcpClient("127.0.0.1", port=serving.ports[0], timeout=timeout, retries=0)
    client.connect()
    return client

client = connected(50)
for unit in (1, 7):
    print(client.read_holding_registers(5, count=2, device_id=unit).registers)
print(client.read_holding_registers(5, count=2, device_id=8).exception_code)
print(client.write_coil(5, True, device_id=7).exception_code)
client.close()
client = connected(0.3)  # it waits in vain for a unit that is silent
try:
    client.read_holding_registers(5, count=2, device_id=9)
except Exception as error:
    print(type(error).__name__)
client.close()
"""
)

SERVER = (
    GATEWAY
    + """
import asyncio, threading
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

ports, ready = [], threading.Event()

async def serve():
    block = ModbusSequentialDataBlock
    registers = {unit: block(1, [100 * unit + place for place in range(9)]) for unit in (1, 7)}
    devices = {unit: ModbusDeviceContext(hr=registers[unit]) for unit in registers}
    server = ModbusTcpServer(ModbusServerContext(devices, single=False), address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    ports.append(server.transport.sockets[0].getsockname()[1])
    ready.set()
    await asyncio.sleep(60)

threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
ready.wait(50)
with blocking.remote(Gateway, at=f"tcp:127.0.0.1:{ports[0]}") as gateway:
    print(gateway.read(3, 2).values, gateway.unit(7).read(3, 2).values)
"""
)

HSMS = """
import os, threading
import secsgem.common, secsgem.hsms
from tcpcomm import blocking
from tests.conversation.test_hsms import Hsms

class MyHsms(Hsms):
    def select(self):
        print("selected")

    def linktest(self):
        pass

    def are_you_there(self):
        return bytes.fromhex("01 02 41 03 414243 41 03 312E30")

serving = blocking.serve(MyHsms(), at="tcp:0:interface=127.0.0.1")
settings = secsgem.hsms.HsmsSettings(
    address="127.0.0.1",
    port=serving.ports[0],
    connect_mode=secsgem.hsms.HsmsConnectMode.ACTIVE,
    device_type=secsgem.common.DeviceType.HOST,
    session_id=3,
)
protocol = secsgem.hsms.HsmsProtocol(settings)
selected = threading.Event()
protocol.events.communicating += lambda data: selected.set()
protocol.enable()
assert selected.wait(50)
reply = protocol.send_and_waitfor_response(settings.streams_functions.function(1, 1)())
print(reply.header.session_id, settings.streams_functions.decode(reply).get(), flush=True)
os._exit(0)  # its threads would keep the program alive
"""


ACTIVE = """
import os
import secsgem.common, secsgem.gem, secsgem.hsms
from tcpcomm import blocking
from tests.conversation.test_states import BytesMachine, MyBytesHost

settings = secsgem.hsms.HsmsSettings(
    address="127.0.0.1",
    port=port,
    connect_mode=secsgem.hsms.HsmsConnectMode.ACTIVE,
    device_type=secsgem.common.DeviceType.EQUIPMENT,
    session_id=0,
)
protocol = secsgem.hsms.HsmsProtocol(settings)

def answer(data):
    function = settings.streams_functions.function(1, 2)(["ABC", "1.0"])
    protocol.send_response(function, data["message"].header.system)

protocol.events.message_received += answer
at = f"tcp:{port}:interface=127.0.0.1"
with blocking.remote(BytesMachine, listen=at, serves=MyBytesHost()) as machine:
    link = blocking.link_of(machine)
    print(link.state.value)
    protocol.enable()
    link.wait_until_ready(50)
    print(link.state.value)
    print(machine.are_you_there().hex(" "), protocol.connection_state.current.name, flush=True)
os._exit(0)  # its threads would keep the program alive
"""


def test_pymodbus_reads_several_units_of_a_gateway_on_one_connection() -> None:
    """Unit 8 refuses, an undeclared function is refused, and unit 9 is silent."""
    needs_module("pymodbus", "pip install pymodbus")
    assert ["[105, 106]", "[705, 706]", "2", "1", "ModbusIOException"] == printed(CLIENT)


def test_several_units_of_pymodbus_are_read_on_one_connection() -> None:
    needs_module("pymodbus", "pip install pymodbus")
    assert ["[103, 104] [703, 704]"] == printed(SERVER)


def test_secsgem_selects_and_asks_with_the_w_bit() -> None:
    needs_module("secsgem", "pip install secsgem")
    assert ["selected", "3 ['ABC', '1.0']"] == printed(HSMS)


def test_equipment_of_secsgem_selects_a_passive_host_which_is_ready_then() -> None:
    needs_module("secsgem", "pip install secsgem")
    assert [
        "down",
        "ready",
        "01 02 41 03 41 42 43 41 03 31 2e 30 CONNECTED_SELECTED",
    ] == printed(f"port = {free_port()}\n{ACTIVE}")
