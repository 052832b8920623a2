"""The clients of python-snap7 and pyS7 at our simulated CPU, and our host at python-snap7's server."""

from __future__ import annotations

from tests.conftest import needs_module
from tests.docs.processes import free_port
from tests.interop.programs import printed

needs_module("snap7", "pip install tcpcomm[interop], which brings python-snap7")
needs_module("pyS7", "pip install tcpcomm[interop], which brings pys7")

SERVED = """
from datetime import datetime

import snap7
from snap7.type import Area, WordLen

from tcpcomm import blocking
from tcpcomm.devices.s7 import Memory

memory = Memory(blocks={1: 1000})
with blocking.serve(memory, at="tcp:0:interface=127.0.0.1") as served:
    client = snap7.Client()
    client.connect("127.0.0.1", 0, 1, served.ports[0])
    print("pdu", client.get_pdu_length())

    client.db_write(1, 4, bytearray(b"\\x12\\x34"))
    client.db_write_real(1, 8, 1.5)
    client.db_write_lreal(1, 16, -1e100)
    client.db_write_dint(1, 24, -5)
    client.db_write_string(1, 30, "LK-300", 30)
    client.db_write_wstring(1, 70, "\\ud55c\\uad6d", 30)
    places = ("DB1.DBW4", "DB1.DBD8:REAL", "DB1.DBB16:LREAL", "DB1.DBD24:DINT")
    print("written", *map(memory.__getitem__, places))
    print("texts", memory["DB1.DBB30:STRING[30]"], ascii(memory["DB1.DBB70:WSTRING[30]"]))

    memory["DB1.DBW4"], memory["DB1.DBD8:REAL"], memory["DB1.DBB30:STRING[30]"] = 7, -2.5, "P7"
    memory["DB1.DBB70:WSTRING[30]"] = "\\uac00"
    memory["DB1.DBB200:DT"] = datetime(2026, 11, 29, 1, 2, 3)
    print("read", client.db_read_word(1, 4), client.db_read_real(1, 8), client.db_read_string(1, 30))
    print("texts", ascii(client.db_read_wstring(1, 70)), snap7.util.get_dt(client.db_read(1, 200, 8), 0))

    client.write_area(Area.MK, 0, 3 * 8 + 5, bytearray(b"\\x01"), WordLen.Bit)
    client.mb_write(10, 2, bytearray(b"\\x00\\x09"))
    client.eb_write(1, 1, bytearray(b"\\x80"))
    client.ab_write(2, bytearray(b"\\x07"))
    client.tm_write(3, 1, bytearray(b"\\x01\\x23"))
    client.ct_write(4, 1, bytearray(b"\\x00\\x05"))
    print("areas", *map(memory.__getitem__, ("M3.5", "MB3", "MW10", "I1.7", "QB2", "T3", "C4")))
    memory["I0.1"], memory["Q0.1"] = True, True
    found = client.eb_read(0, 1), client.ab_read(0, 1), client.mb_read(3, 1), client.tm_read(3, 1)
    print("areas", *(each.hex() for each in found), client.ct_read(4, 1).hex())
    memory.model = "6ES7 315-2EH14-0AB0"
    told = client.get_cpu_info()
    print("told", told.ASName, told.ModuleTypeName, client.get_order_code().OrderCode)
    print("bit", client.read_area(Area.MK, 0, 3 * 8 + 5, 1, WordLen.Bit).hex())

    long = bytearray(range(250)) * 4
    client.db_write(1, 0, long)
    print("long", memory.blocks[1] == long == client.db_read(1, 0, 1000))
    several = [{"area": Area.DB, "db_number": 1, "start": start, "size": 3} for start in (0, 500, 900)]
    several.append({"area": Area.MK, "start": 3, "size": 1})
    print("several", *(each.hex() for each in client.read_multi_vars(several)[1]))
    many = [{"area": Area.DB, "db_number": 1, "start": 50 * place, "size": 40} for place in range(20)]
    client.multi_read_max_gap = 0  # so that three jobs of seven variables are under way at once
    found = client.read_multi_vars(many)[1]
    print("many", all(found[place] == long[50 * place :][:40] for place in range(20)), client.max_parallel)

    for job in (
        lambda: client.db_read(7, 0, 1),
        lambda: client.db_read(1, 999, 2),
        lambda: client.db_write(1, 998, bytearray(4)),
        client.plc_stop,
    ):
        try:
            job()
        except snap7.error.S7ProtocolError as error:
            print("no", error)
    print("still", client.db_read(1, 1, 1).hex())
    client.disconnect()
    client.connect("127.0.0.1", 0, 2, served.ports[0])
    print("again", client.db_read(1, 2, 1).hex())
    client.disconnect()
"""

SERVED_BY_VARIABLES = """
from pyS7 import S7Client

from tcpcomm import blocking
from tcpcomm.devices.s7 import Memory

TAGS = {
    "DB1,X0.3": "DB1.DBX0.3",
    "DB1,SINT20": "DB1.DBB20:SINT",
    "DB1,USINT21": "DB1.DBB21",
    "DB1,I30": "DB1.DBW30:INT",
    "DB1,R40": "DB1.DBD40:REAL",
    "DB1,S50.10": "DB1.DBB50:STRING[10]",
    "DB1,DI64": "DB1.DBD64:DINT",
    "M5.4": "M5.4",
    "IW22": "IW22",
    "QR24": "QD24:REAL",
    "DB1,LR70": "DB1.DBB70:LREAL",  # the last one, because pyS7 3.1 asks 8 bytes too many for it
}
VALUES = [True, -50, 200, 25000, 1.5, "LK-300", -5, True, 77, 2.5, -1.5]

memory = Memory(blocks={1: 1000})
with blocking.serve(memory, at="tcp:0:interface=127.0.0.1") as served:
    with S7Client(address="127.0.0.1", rack=0, slot=1, port=served.ports[0], timeout=50) as client:
        client.write([*TAGS], VALUES)
        print("written", [memory[each] for each in TAGS.values()] == VALUES)
        print("read", client.read([*TAGS]) == VALUES == client.read([*TAGS], optimize=False))
        memory["DB1.DBB100:STRING[254]"] = "x" * 254
        print("long", client.read(["DB1,S100.254"]) == ["x" * 254])
        words = range(0, 900, 18)
        found = client.read([f"DB1,W{place}" for place in words], optimize=False)
        print("many", found == [memory[f"DB1.DBW{place}"] for place in words])
        read = client.read_detailed(["DB1,I30", "DB99,I0", "DB1,R40"])
        print("codes", *(each.error_code or each.value for each in read))
        written = client.write_detailed(["DB1,I0", "DB99,I0", "M9.1"], [1, 2, True])
        print("codes", *(each.error_code for each in written), memory["DB1.DBW0"], memory["M9.1"])
"""

ASKED = """
from snap7.server import Server
from snap7.type import SrvArea

from tcpcomm import CodecError, Fault, blocking
from tcpcomm.devices.s7 import S7

areas = {(SrvArea.DB, 1): bytearray(1000)}
for each in (SrvArea.MK, SrvArea.PE, SrvArea.PA, SrvArea.TM, SrvArea.CT):
    areas[each, 0] = bytearray(100)
block, merkers = areas[SrvArea.DB, 1], areas[SrvArea.MK, 0]
server = Server(log=False)
for (area, index), content in areas.items():
    server.register_area(area, index, content)
server.start_to("127.0.0.1", port)

with blocking.remote(S7, at=f"tcp:127.0.0.1:{port}") as plc:
    plc.write("DB1.DBW4", 0x1234)
    plc.write("DB1.DBD8:REAL", 1.5)
    plc.write("DB1.DBB16:LREAL", -1e100)
    plc.write("DB1.DBW24:INT", [-1, 2])
    plc.write("DB1.DBB30:STRING[30]", "LK-300")
    plc.write("DB1.DBB70:WSTRING[30]", "\\ud55c\\uad6d")
    print("written", *(block[first:last].hex() for first, last in ((4, 6), (8, 12), (24, 28), (70, 78))))
    print("text", block[30:38])
    print("read", plc.read("DB1.DBW4"), plc.read("DB1.DBD8:REAL"), plc.read("DB1.DBW24:INT", 2))
    print("texts", plc.read("DB1.DBB30:STRING[30]"), ascii(plc.read("DB1.DBB70:WSTRING[30]")))

    plc.write("M3.0", True)
    plc.write("MW10", 9)
    plc.write("QB2", 200)
    plc.write("T3", 0x0123)
    print("areas", plc.read("M3.0"), plc.read("MW10"), plc.read("QB2"), plc.read("T3"), plc.read("C4"))
    areas[SrvArea.PE, 0][0] = 0b10
    merkers[3] = 0b101000
    print("bits", plc.read("I0.1"), plc.read("E0.0"), plc.read("M3.3", 3))
    print("many", plc.read_many(["DB1.DBW4", "M3.5", "I0.1", "T3", "DB1.DBD8:REAL"]))

    print("told", plc.order_number())
    block[:] = bytes(range(250)) * 4
    print("long", plc.db(1)[0:1000] == block, plc.agreed_pdu.value)
    plc.db(1).write(0, bytes(452))
    print("long", sum(block[:452]), block[452])
    for job in (
        lambda: plc.read("DB7.DBW0"),
        lambda: plc.read("DB1.DBW999"),
        lambda: plc.write("DB7.DBW0", 1),
        lambda: plc.db(1).write(0, bytes(453)),
        lambda: plc.read("D100"),
    ):
        try:
            job()
        except (CodecError, Fault) as error:
            print(type(error).__name__, str(error).partition(":")[0])
    print("still", plc.read("DB1.DBB999"))
server.stop()
"""


def test_the_client_of_snap7_is_served() -> None:
    assert [
        "pdu 480",
        "written 4660 1.5 -1e+100 -5",
        r"texts LK-300 '\ud55c\uad6d'",
        "read 7 -2.5 P7",
        r"texts '\uac00' 2026-11-29T01:02:03.000000",
        "areas True 32 9 True 7 291 5",
        "areas 02 02 20 0123 0005",
        "told b'Memory' b'6ES7 315-2EH14-0AB0' b'6ES7 315-2EH14-0AB0'",
        "bit 01",
        "long True",
        "several 000102 000102 969798 20",
        "many True 4",
        "no Read operation failed: Object does not exist (0x0a)",
        "no Read operation failed: Invalid address (0x05)",
        "no Write operation failed: Invalid address (0x05)",
        "no S7 protocol error (class=0x81, code=0x04): This service is not implemented on the module or a "
        "frame error was reported",
        "still 01",
        "again 02",
    ] == printed(SERVED)


def test_the_client_of_pys7_is_served() -> None:
    assert [
        "written True",
        "read True",
        "long True",
        "many True",
        "codes 25000 10 1.5",
        "codes None 10 None 1 True",
    ] == printed(SERVED_BY_VARIABLES)


def test_the_server_of_snap7_is_asked() -> None:
    assert [
        "written 1234 3fc00000 ffff0002 001e0002d55cad6d",
        "text bytearray(b'\\x1e\\x06LK-300')",
        "read 4660 1.5 [-1, 2]",
        r"texts LK-300 '\ud55c\uad6d'",
        "areas True 9 200 291 0",
        "bits True False [True, False, True]",
        "many [4660, True, True, 291, 1.5]",
        "told 6ES7 315-2EH14-0AB0",
        "long True 480",
        "long 0 202",
        "Fault 10",
        "Fault 5",
        "Fault 33796",
        "CodecError this needs a PDU of 481 bytes, but the CPU takes 480",
        "CodecError 'D100' is not an address of an S7",
        "still 249",
    ] == printed(f"port = {free_port()}\n{ASKED}")
