"""The device's end: a memory that hosts read and write, and a gateway to several."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import deferLater

from tcpcomm import CodecError, ConfigurationError, Fault
from tcpcomm.devices.modbus import ExceptionCode, Gateway, Memory, Modbus, Written
from tests.devices.modbus.noting import Noting
from tests.devices.modbus.raw import RawPeer
from tests.equipment.declared import Bench


class Valve(Memory):
    """Opens from 0 to 90 degrees, and counts how often it was read."""

    def __init__(self) -> None:
        super().__init__(holding=10, inputs=3, coils=8, discrete=8)
        self.reads = 0
        self.heard: list[Any] = []

    def on_write(self, table: str, address: int, values: list[Any]) -> None:
        self.heard.append((table, address, values, list(self.holding[:3])))
        if any(value > 90 for value in values):
            raise Fault(ExceptionCode.ILLEGAL_DATA_VALUE)

    def read_input_registers(self, address: int, count: int) -> list[int]:  # type: ignore[override]
        self.reads += 1
        self.inputs[0] = self.reads
        return super().read_input_registers(address, count)


def test_a_write_is_heard_before_it_is_stored(bench: Bench) -> None:
    valve = Valve()
    bench.serve(valve)
    bench.result(bench.remote(Modbus).holding.write(0, [1, 2]))
    assert [("holding", 0, [1, 2], [0, 0, 0])] == valve.heard
    assert [1, 2, 0] == valve.holding[0:3]


def test_a_write_that_is_refused_stores_nothing(bench: Bench) -> None:
    valve = Valve()
    bench.serve(valve)
    plc = bench.remote(Modbus)
    error = bench.result(plc.holding.write(0, [1, 91, 2]))
    assert isinstance(error, Fault)
    assert 3 == error.code
    assert [0, 0, 0] == valve.holding[0:3]


def test_a_device_may_compute_what_is_read(bench: Bench) -> None:
    bench.serve(Valve())
    plc = bench.remote(Modbus)
    assert [1, 2] == [bench.result(plc.inputs[0]) for _ in range(2)]


def test_a_device_may_wait_before_it_stores_and_answers(bench: Bench) -> None:
    class Slow(Noting):
        async def write_multiple_registers(  # type: ignore[override]
            self, address: int, values: list[int]
        ) -> Written:
            await deferLater(bench.camera.clock, 2.0)
            return super().write_multiple_registers(address, values)

    slow = Slow(holding=10)
    bench.serve(Gateway({7: slow}))
    plc = bench.remote(Modbus).unit(7)
    began = bench.network.clock.now
    assert bench.result(plc.holding.write(5, [7])) is None
    assert 2.0 == pytest.approx(bench.network.clock.now - began, abs=0.1)
    assert [(7, "holding", 5, [7])] == slow.writes


def test_a_failing_device_answers_with_exception_4_and_goes_on(bench: Bench, logged: Any) -> None:
    class Broken(Valve):
        def on_write(self, table: str, address: int, values: list[Any]) -> None:
            raise ZeroDivisionError

    bench.serve(Broken())
    plc = bench.remote(Modbus)
    error = bench.result(plc.holding.write(0, 1))
    assert isinstance(error, Fault)
    assert 4 == error.code
    assert 0 == bench.result(plc.holding[0])
    logged.clear()


@pytest.mark.parametrize(
    ("request_pdu", "reply_pdu"),
    [
        ("03 0009 0002", "83 02"),  # one register too far
        ("03 0000 0000", "83 03"),  # none
        ("03 0000 007E", "83 03"),  # 126
        ("01 0000 07D1", "81 03"),  # 2001 coils
        ("01 0007 0002", "81 02"),
        ("02 0007 0002", "82 02"),
        ("04 0002 0002", "84 02"),
        ("05 0008 FF00", "85 02"),
        ("05 0000 0001", "85 03"),  # a coil is 0000 or FF00
        ("06 000A 0001", "86 02"),
        ("0F 0000 0000 00", "8F 03"),
        ("0F 0007 0002 01 03", "8F 02"),
        ("0F 0000 0008 02 FF FF", "8F 03"),  # eight coils do not have two bytes
        (f"0F 0000 07B1 F7 {'00' * 247}", "8F 03"),  # 1969
        ("10 0009 0002 04 0001 0002", "90 02"),
        ("10 0000 0002 03 0001 00", "90 03"),  # half a register is missing
        ("10 0000 0001 04 0001 0002", "90 03"),
        ("10 0000 0002 04 0001 0002 00", "90 03"),
        ("16 000A 0000 0001", "96 02"),
        ("17 0009 0002 0000 0001 02 0001", "97 02"),
        ("17 0000 0001 0009 0002 04 0001 0002", "97 02"),
        ("2B 0E 05 00", "AB 03"),  # there is no read code 5
        ("2B 0E 04 09", "AB 02"),  # there is no object 9
        ("2B 0D 00 00", "AB 03"),  # CANopen
        ("07", "87 01"),
        ("64 01 02 03", "E4 01"),
        ("03 0000", "83 03"),
    ],
)
def test_a_wrong_request_is_refused_whole(request_pdu: str, reply_pdu: str, bench: Bench) -> None:
    valve = Valve()
    bench.serve(valve)
    peer = RawPeer(bench)
    body = bytes([17]) + bytes.fromhex(request_pdu)
    header = b"\x15\x01\0\0" + len(body).to_bytes(2, "big")
    assert f"15 01 00 00 00 03 11 {reply_pdu}" == peer.ask((header + body).hex())
    assert not any((*valve.holding, *valve.coils))
    assert "00 07 00 00 00 04 01 01 01 00" == peer.ask("00 07 0000 0006 01 01 0000 0001")


@pytest.mark.parametrize("frame", ["0007 0001 0006 01 03 0000 0001", "0007 0000 0001 01", "0007 0000 0000"])
def test_what_has_no_header_of_modbus_gets_no_answer(frame: str, bench: Bench) -> None:
    bench.serve(Valve())
    peer = RawPeer(bench)
    assert "" == peer.ask(frame)
    assert not peer.is_lost
    assert "00 08 00 00 00 05 01 03 02 00 00" == peer.ask("0008 0000 0006 01 03 0000 0001")


def test_a_message_longer_than_the_standard_allows_ends_its_session_only(bench: Bench) -> None:
    bench.serve(Valve())
    other, peer = RawPeer(bench), RawPeer(bench)
    assert "" == peer.ask("0007 0000 00FF 01 03")
    assert peer.is_lost
    assert "00 08 00 00 00 05 01 03 02 00 00" == other.ask("0008 0000 0006 01 03 0000 0001")


def test_requests_in_one_chunk_are_answered_in_order(bench: Bench) -> None:
    bench.serve(Memory(holding=[1, 2]))
    peer = RawPeer(bench)
    first, second = "0001 0000 0006 01 03 0000 0001", "0001 0000 0006 01 03 0001 0001"
    assert "00 01 00 00 00 05 01 03 02 00 01 00 01 00 00 00 05 01 03 02 00 02" == peer.ask(first + second)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda it: it.holding.__setitem__(0, 65536), "a register is a whole number from 0 to 65535, not"),
        (lambda it: it.holding.__setitem__(0, -1), "a register is a whole number from 0 to 65535, not -1"),
        (lambda it: it.inputs.__setitem__(0, 1.5), "a register is a whole number from 0 to 65535, not 1.5"),
        (lambda it: it.holding.__setitem__(0, True), "a register is a whole number"),
        (lambda it: it.coils.__setitem__(0, 1), "a coil or a discrete input is True or False, not 1"),
        (lambda it: it.holding.__setitem__(slice(0, 2), [1, -2]), "a register is a whole number"),
        (lambda it: it.holding.__setitem__(slice(0, 2), [1, 2, 3]), "3 values do not fit into 2 places"),
        (lambda it: it.write("f32", 9, 1.5), "2 registers from 9 on are not among the 10 of holding"),
        (lambda it: it.read("u16", -1), "1 registers from -1 on are not among the 10 of holding"),
        (lambda it: it.read("u16", 0, table="coils"), "registers are in the tables holding and inputs"),
    ],
)
def test_a_table_takes_what_fits(change: Any, problem: str) -> None:
    valve = Valve()
    with pytest.raises(CodecError) as refused:
        change(valve)
    assert str(refused.value).startswith(problem)
    assert [0] * 10 == valve.holding


def test_a_memory_without_arguments_has_every_address() -> None:
    memory = Memory()
    tables: list[list[Any]] = [memory.holding, memory.inputs, memory.coils, memory.discrete]
    assert [65536] * 4 == [len(each) for each in tables]
    with pytest.raises(CodecError, match="a table has at most 65536 values, not 65537"):
        Memory(holding=65537)


@pytest.mark.parametrize("size", [-1, 2.5, "200", True])
def test_a_table_of_no_possible_size_is_refused(size: Any) -> None:
    with pytest.raises(CodecError, match="a table is a number of values, or a list of them, not"):
        Memory(holding=size)


@pytest.mark.parametrize(
    ("units", "problem"),
    [
        ([Memory(holding=1)], r"write the units as \{1: Memory\(\), 7: Memory\(\)\}, not"),
        ({300: Memory(holding=1)}, "a unit is a whole number from 0 to 255, not 300"),
        ({"1": Memory(holding=1)}, "a unit is a whole number from 0 to 255, not '1'"),
        ({1: Memory}, r"unit 1 must be a device, such as Memory\(\), not <class"),
    ],
)
def test_what_is_not_a_unit_of_a_gateway_is_refused(units: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Gateway(units)


def test_a_subclass_must_make_its_tables() -> None:
    class Forgetful(Memory):
        def __init__(self) -> None:
            self.holding[5] = 7

    with pytest.raises(ConfigurationError, match=r"call super\(\).__init__\(\) first in its __init__"):
        Forgetful()


def test_an_identification_longer_than_a_reply_is_sent_in_parts(bench: Bench) -> None:
    texts = {0: "a" * 200, 1: "b" * 200, 2: "1.0", 3: "c" * 242, 0x80: "d", 0x81: "e"}
    bench.serve(Memory(identification=texts))
    plc = bench.remote(Modbus)
    assert ["a" * 200, "b" * 200, "1.0"] == [*bench.result(plc.identification()).values()]
    assert [*texts.values()] == [*bench.result(plc.identification("extended")).values()]
    (part,) = bench.result(plc.read_device_identification(4, 0x81)).objects
    assert (0x81, b"e") == (part.id, part.value)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({0: "a", 1: "b"}, r"must have the objects 0, 1 and 2: \[2\] missing"),
        ({0: "a", 1: "b", 2: "c" * 243}, "identification 2: .* at most 242 bytes"),
        ({0: "a", 1: "b", 2: "c", 256: "d"}, "identification 256: the number is from 0 to 255"),
    ],
)
def test_an_identification_that_cannot_be_sent_is_refused(texts: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        Memory(identification=texts)


def test_a_gateway_is_silent_about_units_that_are_not_there(bench: Bench) -> None:
    bench.serve(Gateway({1: Memory()}))
    peer = RawPeer(bench)
    for pdu in ("03 0000 0001", "64 01", "03 0000 0000", "10 0000 0002 03 0001 00", "05 0000 0001"):
        body = bytes([9]) + bytes.fromhex(pdu)
        assert "" == peer.ask((b"\0\7\0\0" + len(body).to_bytes(2, "big") + body).hex())
    assert "00 07 00 00 00 03 01 E4 01" == peer.ask("0007 0000 0003 01 64 01")


def test_devices_come_and_go_behind_a_gateway(bench: Bench) -> None:
    gateway = Gateway(absent=ExceptionCode.GATEWAY_PATH_UNAVAILABLE)
    bench.serve(gateway)
    plc = bench.remote(Modbus).unit(3)
    assert "10: gateway path unavailable" in str(bench.result(plc.holding[0]))
    gateway.units[3] = Memory(holding=[7])
    assert 7 == bench.result(plc.holding[0])
    del gateway.units[3]
    assert 10 == bench.result(plc.holding[0]).code
