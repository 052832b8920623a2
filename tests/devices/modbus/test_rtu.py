"""Modbus RTU over TCP: a checksum in place of the header, and broadcasts that nobody answers."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import CodecError, ReplyTimeout, declaration_of, link_of
from tcpcomm.devices.modbus import GatewayRtu, Memory, MemoryRtu, Modbus, ModbusRtu
from tcpcomm.framing import checksum
from tests.devices.modbus.raw import RawPeer, answering
from tests.equipment.declared import Bench

CRC = checksum("crc-16/modbus")


def sealed(frame: str) -> str:
    """Return a frame, written in hex, with its checksum."""
    data = bytes.fromhex(frame)
    return (data + CRC.compute(data).to_bytes(2, "little")).hex(" ").upper()


def test_a_known_frame_has_its_checksum_lowest_byte_first() -> None:
    assert "01 03 00 00 00 0A C5 CD" == sealed("01 03 00 00 00 0A")  # widely published


def test_a_host_reads_and_writes_a_device(bench: Bench) -> None:
    memory = MemoryRtu(holding=200)
    bench.serve(memory)
    plc = bench.remote(ModbusRtu)
    bench.result(plc.holding.write(5, [7, 8]))
    bench.result(plc.unit(9).coils.write(3, True))
    assert [0, 7, 8, 0] == bench.result(plc.holding[4:8])
    assert [False, True] == bench.result(plc.coils[2:4])
    assert 125 == len(bench.result(plc.holding[0:125]))
    assert "tcpcomm" == bench.result(plc.identification())["VendorName"]
    assert "2: illegal data address" in str(bench.result(plc.holding[200]))


def test_a_request_with_a_wrong_checksum_gets_no_answer(bench: Bench) -> None:
    bench.serve(MemoryRtu(holding=[7]))
    peer = RawPeer(bench)
    assert "" == peer.ask("01 03 00 00 00 01 00 00")
    assert sealed("01 03 02 00 07") == peer.ask(sealed("01 03 00 00 00 01"))


def test_an_undeclared_function_of_known_length_is_refused(bench: Bench) -> None:
    bench.serve(MemoryRtu())
    assert sealed("01 88 01") == RawPeer(bench).ask(sealed("01 08 00 00 A5 37"))


def test_a_function_of_unknown_length_ends_the_session(bench: Bench) -> None:
    bench.serve(MemoryRtu())
    peer = RawPeer(bench)
    assert "" == peer.ask(sealed("01 64 00 00"))
    assert peer.is_lost


def test_a_broadcast_is_carried_out_by_all_and_answered_by_nobody(bench: Bench) -> None:
    units = {1: Memory(holding=20), 2: Memory(holding=20)}
    bench.serve(GatewayRtu(units))
    peer = RawPeer(bench)
    assert "" == peer.ask(sealed("00 06 00 05 00 07"))
    assert "" == peer.ask(sealed("00 03 00 05 00 01"))
    assert sealed("02 03 02 00 07") == peer.ask(sealed("02 03 00 05 00 01"))
    assert [7, 7] == [each.holding[5] for each in units.values()]


def test_a_lone_device_does_not_answer_a_broadcast_either(bench: Bench) -> None:
    memory = MemoryRtu(coils=8)
    bench.serve(memory)
    assert "" == RawPeer(bench).ask(sealed("00 0F 00 00 00 02 01 03"))
    assert [True, True, False] == memory.coils[0:3]


@pytest.mark.parametrize("make", [MemoryRtu, GatewayRtu, lambda: GatewayRtu(absent=11)])
@pytest.mark.parametrize(
    "request_pdu",
    [
        "03 0000 0001",
        "2B 0E 01 00",
        "03 0000 0000",  # no registers
        "06 FFFF 0001",
        "10 FFFF 0002 04 0001 0002",
        "10 0000 0002 02 0001",  # half of the values
        "05 0000 0001",  # no state of a coil
        "08 0000 0000",  # not declared
    ],
)
def test_a_broadcast_is_not_answered_by_a_fault_either(make: Any, request_pdu: str, bench: Bench) -> None:
    """A reply without a number could answer the next request to a unit."""
    bench.serve(make())
    peer = RawPeer(bench)
    assert "" == peer.ask(sealed(f"00 {request_pdu}"))
    assert not peer.is_lost


def test_a_device_that_fails_keeps_no_broadcast_from_the_others(bench: Bench, logged: Any) -> None:
    class Broken(Memory):
        def on_write(self, table: str, address: int, values: list[Any]) -> None:
            raise ZeroDivisionError

    units = {1: Broken(holding=20), 2: Memory(holding=20)}
    bench.serve(GatewayRtu(units))
    assert "" == RawPeer(bench).ask(sealed("00 06 00 05 00 07"))
    assert [0, 7] == [each.holding[5] for each in units.values()]
    logged.clear()


def test_a_broadcast_mask_changes_a_register(bench: Bench) -> None:
    memory = MemoryRtu()
    memory.holding[4] = 0x12
    bench.serve(memory)
    assert "" == RawPeer(bench).ask(sealed("00 16 0004 00F2 0025"))
    assert 0x17 == memory.holding[4]


@pytest.mark.parametrize(
    "write",
    [
        lambda plc: plc.holding.write(5, 7),
        lambda plc: plc.holding.write(5, [7]),
        lambda plc: plc.holding.mask(5, 0, 1),
        lambda plc: plc.coils.write(5, True),
        lambda plc: plc.coils.write(5, [True]),
        lambda plc: plc.write("f32", 5, 1.5),
    ],
)
def test_a_host_sends_no_broadcast_because_nobody_would_answer(write: Any, bench: Bench) -> None:
    seen = answering(bench, lambda data: None)
    plc = bench.remote(ModbusRtu)
    bench.result(link_of(plc).ready_within(5))
    error = bench.result(write(plc.unit(0)))
    assert isinstance(error, CodecError)
    assert "no device answers unit 0" in str(error)
    assert [] == seen


def test_a_serial_line_carries_one_request_at_a_time() -> None:
    class Fast(Modbus):
        pipeline = 16

    class FastRtu(ModbusRtu, Fast):
        pass

    assert 16 == declaration_of(Fast).pipeline
    assert 1 == declaration_of(FastRtu).pipeline


def test_a_late_reply_never_answers_another_request(bench: Bench) -> None:
    replies = iter([None, bytes.fromhex(sealed("01 03 02 00 08"))])
    answering(bench, lambda data: next(replies))
    plc = bench.remote(ModbusRtu, retries=0)
    bench.result(link_of(plc).ready_within(5))
    states: list[Any] = []
    link_of(plc).observe(lambda state, reason: states.append(state))
    assert isinstance(bench.result(plc.holding[0]), ReplyTimeout)
    bench.result(link_of(plc).ready_within(5))
    assert states  # it is a new connection
    assert 8 == bench.result(plc.holding[0])
