"""A simulated Omron controller serves the packages fins and omniplc, which others wrote."""

from __future__ import annotations

from tests.conftest import needs_module
from tests.interop.programs import printed

OTHERS_ASK = """
import logging
import fins.tcp
from tcpcomm import Fault, blocking
from tcpcomm.devices.fins import Controller, EndCode

logging.disable(logging.ERROR)

class Guarded(Controller):
    def on_write(self, address, values):
        if str(address) == "D9":
            raise Fault(EndCode.WRITE_NOT_POSSIBLE_PROTECTED)

controller = Guarded()
controller.memory["D100"] = [1, 2, 3, 0xFFFE]
controller.memory["W3.05"] = True
serving = blocking.serve(controller, at="tcp:0:interface=127.0.0.1")
plc = fins.tcp.TCPFinsConnection()
plc.connect("127.0.0.1", port=serving.ports[0], connection_timeout=50)
areas = fins.FinsPLCMemoryAreas()
print(plc.srce_node_add, plc.dest_node_add)
print(plc.read("d", 100, "ui", 4), plc.read("d", 103, "i"))
print(plc.write([7, 8], "d", 100, "ui").end_code, controller.memory["D101"])
plc.write(-1.5, "h", 10, "r")
print(plc.read("h", 10, "r"), controller.memory["H11"])
plc.write(0x1122334455667788, "w", 20, "uli")
print(plc.read("w", 20, "uli") == 0x1122334455667788)
print(plc.memory_area_read(areas.WORK_BIT, b"\\0\\x03\\x04", 3)[14:])
print(plc.memory_area_write(areas.CIO_BIT, b"\\0\\x0a\\x0f", b"\\1\\1", 2)[10:], controller.memory["CIO10"])
print(plc.memory_area_read(areas.EM1_WORD, b"\\0\\0\\0", 2)[14:])
print(plc.memory_area_read(areas.COUNTER_WORD, b"\\x80\\x05\\0", 1)[14:])
for answer in (
    plc.memory_area_write(areas.DATA_MEMORY_WORD, b"\\0\\x09\\0", b"\\0\\1", 1),
    plc.memory_area_read(areas.DATA_MEMORY_WORD, b"\\xff\\xff\\0", 1),
    plc.memory_area_read(areas.EMC_WORD, b"\\0\\0\\0", 1),
    plc.memory_area_write(areas.DATA_MEMORY_WORD, b"\\0\\0\\0", b"\\0\\1", 2),
    plc.program_area_read(0),
):
    print(answer[12:14].hex())
plc.change_to_program_mode()
print(plc.cpu_unit_status_read()[14:16].hex())
plc.change_to_run_mode()
print(plc.cpu_unit_status_read()[14:16].hex(), plc.cpu_unit_data_read()[14:24])
plc.fins_socket.close()

late = fins.tcp.TCPFinsConnection()
late.connect("127.0.0.1", port=serving.ports[0], connection_timeout=50)
late.dest_node_add = 9
print(late.memory_area_read(areas.DATA_MEMORY_WORD)[12:14].hex())
"""


def test_others_ask_a_simulated_controller() -> None:
    needs_module("fins", "pip install '.[interop]'")
    assert [
        "239 1",
        "[1, 2, 3, 65534] -2",
        "b'\\x00\\x00' 8",
        "-1.5 49088",
        "True",
        "b'\\x00\\x01\\x00'",
        "b'\\x01\\x02\\x00\\x00' 32768",
        "b'\\x00\\x00\\x00\\x00'",
        "b'\\x00\\x00'",
        "2102",
        "1103",
        "1101",
        "1004",
        "0401",
        "0400",
        "0502 b'CJ2M-CPU33'",
        "0201",
    ] == printed(OTHERS_ASK)


OMNIPLC_ASKS = """
import datetime, logging
from omniplc.core.types import DataType
from omniplc.plc.omron.omron import OmronFinsTcpClient
from tcpcomm import blocking
from tcpcomm.devices.fins import Controller

logging.disable(logging.ERROR)

controller = Controller()
controller.memory["D100"] = [1, 2, 0xffff]
controller.memory["W3.05"] = True
controller.errors = 0x10
serving = blocking.serve(controller, at="tcp:0:interface=127.0.0.1")
plc = OmronFinsTcpClient("127.0.0.1", port=serving.ports[0])
plc.connect_timeout = plc.receive_timeout = 50
print(plc.connect())
status = plc.read_cpu_unit_status()[1]
print(status["run"], status["mode"], status["nonfatal_error"])
print(plc.write_clock(datetime.datetime(2030, 1, 2, 3, 4, 5)), controller.now().year)
for address, kind in (("D100", DataType.USHORT), ("D100", DataType.INT), ("D102", DataType.SHORT)):
    print(plc.read(address, kind))
print(plc.read("W3.05", DataType.BOOL))
print(plc.write("CIO10.03", DataType.BOOL, True), controller.memory["CIO10"])
print(plc.write("D200", DataType.FLOAT, 1.5), controller.memory["D201"], plc.read("D200", DataType.FLOAT))
print(plc.write("E1_7", DataType.INT, 123456789), plc.read("E1_7", DataType.INT))
print(plc.read("E12_0", DataType.USHORT)[0], "0x1101" in str(plc.last_error))
plc.disconnect()
"""


def test_omniplc_asks_a_simulated_controller() -> None:
    needs_module("omniplc", "pip install '.[interop]', before Python 3.13")
    assert [
        "True",
        "True 2 16",
        "True 2030",
        "(True, 1)",
        "(True, 131073)",
        "(True, -1)",
        "(True, True)",
        "True 8",
        "True 16320 (True, 1.5)",
        "True (True, 123456789)",
        "False True",
    ] == printed(OMNIPLC_ASKS)
