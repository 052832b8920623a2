"""SLMP with programs that others wrote: pymcprotocol, plc-comm-slmp, and aslmp in both directions."""

from __future__ import annotations

import pytest

from tests.conftest import needs_module
from tests.interop.programs import printed

HINT = "pip install tcpcomm[interop], which brings pymcprotocol, aslmp and plc-comm-slmp"

SERVED = """
import logging
from tcpcomm import blocking
from tcpcomm.devices.slmp import Memory, Memory4E, MemoryAscii, MemoryAscii4E, MemoryFX5

logging.disable(logging.ERROR)

def served(kind, **options):
    memory = kind(**{"D": 12288, **options})
    return memory, blocking.serve(memory, at="tcp:0:interface=127.0.0.1").ports[0]
"""

PYMCPROTOCOL_ASKS = """
from pymcprotocol import Type3E, Type4E

for kind, client, coding, series in (
    (Memory, Type3E, "binary", "Q"),
    (Memory, Type3E, "binary", "iQ-R"),
    (MemoryAscii, Type3E, "ascii", "Q"),
    (MemoryAscii, Type3E, "ascii", "iQ-R"),
    (Memory4E, Type4E, "binary", "Q"),
    (MemoryAscii4E, Type4E, "ascii", "Q"),
):
    memory, port = served(kind)
    plc = client(series)
    plc.soc_timeout = 50
    plc.setaccessopt(commtype=coding)
    plc.connect("127.0.0.1", port)
    plc.batchwrite_wordunits("D100", [1, -2, 300])
    assert [1, 65534, 300] == memory["D100", 3]
    assert [1, -2, 300] == plc.batchread_wordunits("D100", 3)
    plc.batchwrite_bitunits("M10", [1, 0, 1])
    assert [True, False, True] == memory["M10", 3]
    assert [1, 0, 1, 0, 0] == plc.batchread_bitunits("M10", 5)
    if coding == "binary":  # in ASCII it writes hexadecimal numbers as decimal ones
        plc.batchwrite_bitunits("Y0x1F", [1])
        assert memory["Y1F"]
    plc.randomwrite(["D5", "D7"], [7, -8], ["D10"], [-70000])
    assert ([7, -8], [-70000]) == plc.randomread(["D5", "D7"], ["D10"])
    assert -70000 == memory["D10:i32"]
    plc.randomwrite_bitunits(["M20", "M22"], [1, 1])
    assert [True, False, True] == memory["M20", 3]
    assert ("Q03UDVCPU", "0366") == plc.read_cputype()
    assert (4, "ABCD") == plc.echo_test("ABCD")
    plc.remote_stop()
    assert 2 == memory.state
    plc.remote_latchclear()
    plc.remote_reset()
    plc.remote_pause()
    assert 3 == memory.state
    plc.remote_run(2, True)
    assert (0, 0) == (memory.state, memory["D5"])
    try:
        plc.batchread_wordunits("D12287", 2)
    except Exception as error:
        assert "0xC056" in str(error)
        plc.close()
        print(kind.__name__, coding, series)
"""

PLC_COMM_SLMP_ASKS = """
from slmp.client import SlmpClient
from slmp.core import SlmpTarget

for profile, kind in (("melsec:iq-r", Memory4E), ("melsec:iq-f", MemoryFX5), ("melsec:qnudv", Memory)):
    memory, port = served(kind, D=8000)
    target = SlmpTarget(network=0, station=0xFF, module_io=0x3FF, multidrop=0)
    with SlmpClient(
        "127.0.0.1", port, transport="tcp", timeout=50, plc_profile=profile, default_target=target
    ) as plc:
        plc.write_devices("D100", [1, 2, 300], bit_unit=False)
        assert [1, 2, 300] == plc.read_devices("D100", 3, bit_unit=False) == memory["D100", 3]
        plc.write_devices("M0", [True, False, True], bit_unit=True)
        assert [True, False, True, False] == plc.read_devices("M0", 4, bit_unit=True)
        plc.write_devices("Y10", [True], bit_unit=True)
        assert memory["Y10"]
        plc.write_float32("D10", 1.5)
        assert 1.5 == plc.read_float32("D10") == memory["D10:f32"]
        plc.write_random_words(word_values={"D1": 7}, dword_values={"D2": 70000})
        found = plc.read_random(word_devices=["D1"], dword_devices=["D2"])
        assert ({"D1": 7}, {"D2": 70000}) == (dict(found.word), dict(found.dword))
        plc.write_random_bits({"M10": True})
        assert memory["M10"]
        if profile != "melsec:qnudv":  # it does not ask such controllers for these
            plc.write_block(word_blocks=[("D20", [5, 6])], bit_blocks=[("M16", [3])])
            blocks = plc.read_block(word_blocks=[("D20", 2)], bit_blocks=[("M16", 1)])
            assert [5, 6] == blocks.word_blocks[0].values
            assert [3] == blocks.bit_blocks[0].values
            assert b"ABCD" == plc.self_test_loopback("ABCD")
            plc.remote_stop()
            assert "Stop" == plc.read_cpu_operation_state().status.value
        print(kind.__name__, plc.frame_type.name)
"""

ASLMP = """
import asyncio
import dataclasses
from aslmp import Encoding, FrameType, Plc, SlmpEndCodeError, dword, word
from aslmp.testing import targets
from aslmp.testing.conformance import TcpExchange, run_conformance, standard_cases
from aslmp.testing.server import Entry, PlcSimulator
from aslmp.wire.codec import ASCII, BINARY
from aslmp.wire.frames import FRAMES

BIN, TEXT, THREE, FOUR = Encoding.BINARY, Encoding.ASCII_XY_HEX, FrameType.THREE_E, FrameType.FOUR_E
"""

ASLMP_ASKS = """
# The manual as written, with the end codes of an FX5, where they differ.
target = dataclasses.replace(targets.PEDANTIC, end_codes=targets.FX5U_32MT_DS.end_codes)

async def ask(kind, coding, frame):
    memory, port = served(kind, model="R04CPU", code=0x4800)
    async with Plc("127.0.0.1", port, profile="melsec:iq-r", encoding=coding, frame=frame,
                   timeout=50, connect_timeout=50, allow_remote_control=True) as plc:
        assert "R04CPU" == plc.identity.model
        await plc.write_words("D100", [1, 2, 3])
        assert [1, 2, 3] == memory["D100", 3]
        assert (1, 2, 3) == await plc.read_words("D100", 3)
        await plc.write_bits("X1F", [True, False, True])
        assert (True, False, True, False) == await plc.read_bits("X1F", 4)
        assert memory["X1F"]
        await plc.write_f32("D10", 1.5)
        assert 1.5 == memory["D10:f32"]
        assert b"ABCD" == await plc.self_test(b"ABCD")
        assert "STOP" == str(await plc.remote.stop())
        assert "RUN" == str(await plc.remote.run())
        if coding is BIN:  # it knows no limits for ASCII
            found = await plc.read_random([word("D100"), dword("D10", kind="f32")])
            assert "2 point(s)" in str(found)
        try:
            await plc.read_words("D12288", 1)
        except SlmpEndCodeError as error:
            assert 0xC056 == error.end_code
    exchange = await TcpExchange.connect(
        "127.0.0.1", port, frame=FRAMES[frame], codec=BINARY if coding is BIN else ASCII, timeout=50)
    cases = [each for each in standard_cases(target) if coding is BIN or "random" not in each.tags]
    report = await run_conformance(
        exchange, target, cases=cases, encoding=coding, frame=frame, allow_writes=True)
    await exchange.aclose()
    print(kind.__name__, [each.case.key for each in report.results if each.status != "pass"])

async def ask_fx5():
    memory, port = served(MemoryFX5, D=8000)
    async with Plc("127.0.0.1", port, profile="melsec:iq-f/fx5u", timeout=50, connect_timeout=50) as plc:
        assert "FX5U-32MT/DS" == plc.identity.model
        await plc.write_bits("Y10", [True])
        assert memory["Y10"] and memory.devices["Y7", 2] == [False, True]
    exchange = await TcpExchange.connect("127.0.0.1", port, frame=FRAMES[THREE], codec=BINARY, timeout=50)
    report = await run_conformance(exchange, targets.FX5U_32MT_DS, allow_writes=True)
    await exchange.aclose()
    print("MemoryFX5", [each.case.key for each in report.results if each.status != "pass"])

async def main():
    for each in ((Memory, BIN, THREE), (MemoryAscii, TEXT, THREE),
                 (Memory4E, BIN, FOUR), (MemoryAscii4E, TEXT, FOUR)):
        await ask(*each)
    await ask_fx5()

asyncio.run(main())
"""

ASLMP_IS_ASKED = """
import logging
import threading
from tcpcomm import Fault, blocking
from tcpcomm.devices.slmp import OCTAL, Slmp, Slmp4E, SlmpAscii, SlmpAscii4E, SlmpFX5

logging.disable(logging.ERROR)
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()

def do(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

class SlmpR(Slmp):
    iqr = True

class SlmpFX5Ascii(SlmpAscii):
    notation = OCTAL
    fixed = 0

entries = [Entry(name, "tcp", encoding=coding, frame=frame) for name, coding, frame in (
    ("3E", BIN, THREE), ("4E", BIN, FOUR), ("3E text", TEXT, THREE), ("4E text", TEXT, FOUR))]

def check(kind, simulator, entry, y10):
    with blocking.remote(kind, at="tcp:%s:%d" % simulator.address(entry)) as plc:
        plc.write("D100", [1, -2, 300])
        assert [1, 65534, 300] == plc.D[100:103]
        plc.write("D110:f32", [1.5, -2.0])
        assert [1.5, -2.0] == plc.read("D110:f32", 2)
        plc.write("D120:str[6]", "LOT-7")
        assert "LOT-7" == plc.read("D120:str[6]")
        plc.write("W1F", 7)
        assert 7 == plc.W[0x1F]
        plc.M.write(0, [True, False, True])
        assert [True, False, True, False] == plc.M[0:4]
        plc.write("Y10", True)
        assert (True,) == simulator.memory.read_bits("Y", y10, 1)
        assert [1, 1.5, True] == plc.read_many(["D100", "D110:f32", "M2"])
        plc.write_many({"D1": 5, "D2:i32": -70000})
        plc.write_many({"M10": True, "M12": True})
        assert [5, -70000, True, False] == plc.read_many(["D1", "D2:i32", "M12", "M11"])
        assert plc.loopback("ABCD") == "ABCD"
        plc.pause()
        plc.stop()
        assert 2 == plc.read("SD203")
        plc.run()
        assert 0 == plc.read("SD203")
        try:
            plc.D[999999]
        except Fault as fault:
            assert (0xC056, 0x0401) == (fault.code, fault.data.command)
        print(kind.__name__, plc.model().name)
        plc.stop()
        plc.reset()  # the simulator closes the connection, and answers nothing

manual = PlcSimulator(target=targets.PEDANTIC, entries=entries)
do(manual.__aenter__())
for kind, entry in ((Slmp, "3E"), (SlmpR, "3E"), (Slmp4E, "4E"), (SlmpAscii, "3E text"),
                    (SlmpAscii4E, "4E text")):
    check(kind, manual, entry, 16)
fx5 = PlcSimulator(target=targets.FX5U_32MT_DS, entries=entries)
do(fx5.__aenter__())
check(SlmpFX5, fx5, "3E", 8)
check(SlmpFX5Ascii, fx5, "3E text", 8)
"""


@pytest.fixture(autouse=True)
def _needs_both() -> None:
    needs_module("pymcprotocol", HINT)
    needs_module("aslmp", HINT)


def test_pymcprotocol_asks_our_memory_in_all_frames() -> None:
    assert [
        "Memory binary Q",
        "Memory binary iQ-R",
        "MemoryAscii ascii Q",
        "MemoryAscii ascii iQ-R",
        "Memory4E binary Q",
        "MemoryAscii4E ascii Q",
    ] == printed(SERVED + PYMCPROTOCOL_ASKS)


def test_plc_comm_slmp_asks_our_memory_as_three_series() -> None:
    needs_module("slmp", HINT)
    assert [
        "Memory4E FRAME_4E",
        "MemoryFX5 FRAME_3E",
        "Memory FRAME_3E",
    ] == printed(SERVED + PLC_COMM_SLMP_ASKS)


def test_aslmp_and_its_conformance_suite_ask_our_memory_in_all_frames() -> None:
    kinds = "Memory", "MemoryAscii", "Memory4E", "MemoryAscii4E", "MemoryFX5"
    expected = [f"{kind} []" for kind in kinds]
    assert expected == printed(SERVED + ASLMP + ASLMP_ASKS)


def test_our_host_asks_the_simulator_of_aslmp_in_all_frames() -> None:
    assert [
        "Slmp SLMP-REFERENCE",
        "SlmpR SLMP-REFERENCE",
        "Slmp4E SLMP-REFERENCE",
        "SlmpAscii SLMP-REFERENCE",
        "SlmpAscii4E SLMP-REFERENCE",
        "SlmpFX5 FX5U-32MT/DS",
        "SlmpFX5Ascii FX5U-32MT/DS",
    ] == printed(ASLMP + ASLMP_IS_ASKED)
