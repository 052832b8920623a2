"""A simulated XGT controller serves PyXGT and pyXGTClient, which others wrote."""

from __future__ import annotations

from tests.conftest import needs_module
from tests.interop.programs import printed

OTHERS_ASK = """
import logging
from PyXGT.LS import plc_ls
from tcpcomm import blocking
from tcpcomm.devices.xgt import Memory

logging.disable(logging.ERROR)

memory = Memory()
memory["D100"] = [1, 0xFFFE, 0x1234, 0x5678]
memory["M172.C"] = True
serving = blocking.serve(memory, at="tcp:0:interface=127.0.0.1")
plc = plc_ls("127.0.0.1", serving.ports[0])
print(plc.command("XGT", "read", "word", "D100"))
print(plc.command("XGT", "read", "word", "D102,D101,D100"))
print(plc.command("XGT", "read", "bit", "M2764,M2765"))
print(plc.command("XGB", "read", "byte", "D205"), plc.command("XGB", "read", "dword", "D51"))
print(hex(plc.command("GLOFA", "read", "lword", "D25")[0]))
plc.command("XGT", "write", "word", "D7", 1234)
plc.command("XGT", "write", "word", "D8,D9", "5,6")
plc.command("XGT", "write", "bit", "M5", 1)
plc.command("XGT", "write", "dword", "D20", 0x12345678)
print([memory[f"D{at}"] for at in (7, 8, 9)], memory["M0.5"], hex(memory["D40"]), hex(memory["D41"]))
plc.command("XGT", "write", "word", "D99999", 1)
plc.conn_class.send(b"LSIS-XGT\\0\\0\\0\\0\\0\\x33\\1\\0\\x12\\0\\0\\0"
    b"\\x54\\0\\2\\0\\0\\0\\1\\0\\x08\\0%DW99999")
print(plc.conn_class.recv(1024)[20:].hex())
plc.conn_class.close()
"""


def test_others_ask_a_simulated_controller() -> None:
    needs_module("PyXGT", "pip install '.[interop]'")
    assert [
        "[1]",
        "[4660, 65534, 1]",
        "[1, 0]",
        "[18] [1450709556]",
        "0x56781234fffe0001",
        "[1234, 5, 6] True 0x5678 0x1234",
        "550002000000ffff0400",
    ] == printed(OTHERS_ASK)


CLIENT_ASKS = """
import logging
from pyXGTClient.client import XGTClient
from tcpcomm import blocking
from tcpcomm.devices.xgt import Memory

logging.disable(logging.ERROR)

memory = Memory()
memory["D100"] = [1, 2, 0xFFFF]
memory["M172.C"] = True
serving = blocking.serve(memory, at="tcp:0:interface=127.0.0.1")
plc = XGTClient("127.0.0.1", serving.ports[0], timeout=50)
print(plc.open(), plc.readData(["%DW100", "%DW101"]), plc.readData(["%MX2764"]))
print(plc.readContinuousData("%DB200", 6), plc.readData(["%DD50"]), plc.readData(["%DL25"]))
print(plc.writeData(["%DW7", "%DW8"], [5, 6]), memory["D7"], memory["D8"])
print(plc.writeContinuousData("%DB20", [1, 2, 3, 4]), memory["D10"], memory["D11"])
print(plc.writeData(["%MX5"], [1]), memory["M0.5"])
try:
    plc.readData(["%DW99999"])
except ValueError as error:
    print(error)
plc.close()
"""


def test_the_client_asks_a_simulated_controller() -> None:
    needs_module("pyXGTClient", "pip install '.[interop]'")
    assert [
        "True [1, 2] [1]",
        "[1, 0, 2, 0, 255, 255] [131073] [281470681874433]",
        "True 5 6",
        "True 513 1027",
        "True True",
        "Nak Error",
    ] == printed(CLIENT_ASKS)
