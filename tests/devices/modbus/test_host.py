"""A host reads and writes a device by its tables."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest

from tcpcomm import BadReply, CodecError, Fault, OutcomeUnknown, ReplyTimeout, link_of
from tcpcomm.devices.modbus import (
    DeviceIdentification,
    ExceptionCode,
    Gateway,
    IdentificationObject,
    Memory,
    Modbus,
    Written,
)
from tests.devices.modbus.noting import Noting
from tests.devices.modbus.raw import answering
from tests.equipment.declared import PORT, Bench


@pytest.fixture
def memory(bench: Bench) -> Noting:
    memory = Noting(holding=200, inputs=range(100, 120), coils=50, discrete=[True, False, True])
    bench.serve(memory)
    return memory


@pytest.fixture
def plc(memory: Noting, bench: Bench) -> Modbus:
    return bench.remote(Modbus)


def test_each_table_is_read_by_its_face(plc: Modbus, memory: Noting, bench: Bench) -> None:
    memory.holding[5:9] = [5, 6, 7, 8]
    memory.coils[3] = True
    assert [5, 6, 7, 8] == bench.result(plc.holding[5:9])
    assert 6 == bench.result(plc.holding[6])
    assert [7, 8] == bench.result(plc.holding(7, 2))
    assert [102, 103] == bench.result(plc.inputs[2:4])
    assert [False, True, False] == bench.result(plc.coils[2:5])
    assert [True, False, True] == bench.result(plc.discrete(0, 3))
    assert bench.result(plc.discrete[2]) is True


def test_what_a_host_writes_is_in_the_device(plc: Modbus, memory: Noting, bench: Bench) -> None:
    assert bench.result(plc.holding.write(5, 7)) is None
    assert bench.result(plc.unit(7).holding.write(6, [8, 9])) is None
    assert bench.result(plc.holding.write(8, (9,))) is None
    assert bench.result(plc.holding.write(9, array("H", [10]))) is None  # type: ignore[arg-type]
    assert bench.result(plc.coils.write(3, True)) is None
    assert bench.result(plc.coils.write(4, [True, False, True])) is None
    assert [7, 8, 9, 9, 10] == memory.holding[5:10]
    assert [True, True, False, True] == memory.coils[3:7]
    assert [
        (1, "holding", 5, [7]),
        (7, "holding", 6, [8, 9]),
        (1, "holding", 8, [9]),
        (1, "holding", 9, [10]),
        (1, "coils", 3, [True]),
        (1, "coils", 4, [True, False, True]),
    ] == memory.writes


def test_bits_of_a_register_are_changed_by_masks(plc: Modbus, memory: Noting, bench: Bench) -> None:
    memory.holding[4] = 0x12
    bench.result(plc.holding.mask(4, 0xF2, 0x25))
    assert 0x17 == memory.holding[4]  # the example of the standard, 6.16


def test_registers_are_written_and_read_by_one_request(plc: Modbus, memory: Noting, bench: Bench) -> None:
    assert [0, 1, 2] == bench.result(plc.holding.write_and_read(10, [1, 2], 9, 3))


@pytest.mark.parametrize("word_order", ["big", "little"])
@pytest.mark.parametrize(
    ("kind", "value"),
    [("f32", -1.5), ("i32", -5), ("u64", 2**63), ("f64", 1e-300), ("i16", -2), ("text", "LK-300")],
)
def test_values_of_several_registers_are_written_and_read(
    kind: str, value: Any, word_order: str, memory: Noting, bench: Bench
) -> None:
    plc: Any = bench.remote(Modbus)
    there: Any = memory
    count = len(value) if kind == "text" else None
    bench.result(plc.write(kind, 100, value, word_order=word_order))
    assert value == bench.result(plc.read(kind, 100, count, word_order=word_order))
    assert value == there.read(kind, 100, count, word_order=word_order)


def test_a_list_of_values_is_read_from_the_input_registers(
    plc: Modbus, memory: Noting, bench: Bench
) -> None:
    memory.write("f32", 2, [1.5, -2.5], word_order="little", table="inputs")
    values = plc.read("f32", 2, 2, word_order="little", table="inputs")
    assert [1.5, -2.5] == bench.result(values)


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda plc: plc.holding[0:126], "count: must be from 1 to 125, not 126"),
        (lambda plc: plc.coils[0:2001], "count: must be from 1 to 2000, not 2001"),
        (lambda plc: plc.holding(5, 0), "count: must be from 1 to 125, not 0"),
        (lambda plc: plc.holding[-1], "address: must be a whole number from 0 to 65535, not -1"),
        (lambda plc: plc.holding[65530:65540], "10 from address 65530 on: the last address is 65535"),
        (lambda plc: plc.holding[5:5], "write [first:behind_last] with whole numbers, as in [5:9]"),
        (lambda plc: plc.holding[5:], "write [first:behind_last] with whole numbers, as in [5:9]"),
        (lambda plc: plc.holding[0:8:2], "write [first:behind_last] with whole numbers, as in [5:9]"),
        (lambda plc: plc.holding.write(5, 65536), "value: must be a whole number from 0 to 65535"),
        (lambda plc: plc.holding.write(5, [1, -1]), "values[1]: must be a whole number from 0 to 65535"),
        (lambda plc: plc.holding.write(5, []), "one request writes a list of 1 to 123 registers, not 0"),
        (lambda plc: plc.holding.write(0, [0] * 124), "one request writes a list of 1 to 123 registers"),
        (lambda plc: plc.coils.write(0, [True] * 1969), "one request writes a list of 1 to 1968 coils"),
        (lambda plc: plc.coils.write(0, 1), "a coil is True or False, not 1"),
        (lambda plc: plc.coils.write(65535, [True, True]), "2 from address 65535 on: the last address"),
        (
            lambda plc: plc.holding.write_and_read(0, [0] * 122, 0, 1),
            "one request writes a list of 1 to 121",
        ),
        (lambda plc: plc.read("f64", 0, 10**9), "one request reads at most 125 registers, not 4000000000"),
        (lambda plc: plc.read("text", 0), "a text needs count, the number of its bytes"),
        (lambda plc: plc.read("f32", 0, table="coils"), "registers are in the tables holding and inputs"),
        (lambda plc: plc.read("f32", 0, word_order="CDAB"), "word_order must be big or little"),
        (lambda plc: plc.write("i16", 0, 40000), "40000 is not a whole number from -32768"),
        (lambda plc: plc.holding["D100"], "address: must be a whole number, not 'D100': the settings of"),
        (lambda plc: plc.coils["M0"], "address: must be a whole number, not 'M0': the settings of"),
        (lambda plc: plc.identification("all"), "the level is basic, regular, extended, not 'all'"),
    ],
)
def test_a_mistake_is_told_before_anything_is_sent(
    ask: Callable[[Modbus], Any], problem: str, bench: Bench
) -> None:
    seen = answering(bench, lambda data: None)
    plc = bench.remote(Modbus)
    bench.result(link_of(plc).ready_within(5))
    try:
        error = bench.result(ask(plc))
    except CodecError as raised:
        error = raised
    assert isinstance(error, CodecError)
    assert problem in str(error)
    assert [] == seen


@pytest.mark.parametrize("code", [*ExceptionCode])
def test_an_exception_of_the_device_is_told_in_words(code: ExceptionCode, bench: Bench) -> None:
    answering(bench, lambda data: data[:5] + b"\x03" + data[6:7] + bytes([data[7] | 0x80, code]))
    error = bench.result(bench.remote(Modbus).holding[5])
    assert isinstance(error, Fault)
    assert code == error.code
    assert error.reason.startswith(code.name.lower().replace("_", " ") + ": ")


def test_a_code_that_the_standard_does_not_know_is_told_as_it_is(bench: Bench) -> None:
    answering(bench, lambda data: data[:5] + b"\x03" + data[6:7] + b"\x83\x42")
    assert "66" == str(bench.result(bench.remote(Modbus).holding[5]))


def reply_to_read(data: bytes, registers: bytes, *, unit: int | None = None) -> bytes:
    """Return a good reply to a request to read registers, or that of another unit."""
    body = bytes([data[6] if unit is None else unit, data[7], len(registers)]) + registers
    return data[:2] + b"\0\0" + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda data: reply_to_read(data, b"\0\1"), "1"),
        (lambda data: reply_to_read(data, b"\0\1\0\2\0\3"), "3"),
        (lambda data: reply_to_read(data, b"\0\1\0\2\0"), ""),
        (lambda data: reply_to_read(data, b"\0\1\0\2", unit=9), "unit"),
        (lambda data: data, ""),
        (lambda data: data[:5] + b"\x03" + data[6:7] + b"\x84\x02", ""),
    ],
    ids=["too few", "too many", "half a register", "other unit", "the request itself", "other function"],
)
def test_a_reply_that_does_not_fit_the_request_is_bad(
    answer: Callable[[bytes], bytes], problem: str, bench: Bench
) -> None:
    answering(bench, answer)
    error = bench.result(bench.remote(Modbus).holding[0:2])
    assert isinstance(error, BadReply)
    assert problem in str(error)


def test_half_a_reply_and_the_end_of_the_connection_leave_the_outcome_unknown(bench: Bench) -> None:
    answering(bench, lambda data: reply_to_read(data, b"\0\1\0\2")[:10])
    plc = bench.remote(Modbus, retries=0)
    assert isinstance(bench.result(plc.holding.write(0, 1)), OutcomeUnknown)


def test_a_late_reply_never_answers_another_request(bench: Bench) -> None:
    requests: list[bytes] = []

    def answer(data: bytes) -> bytes | None:
        requests.append(data)
        if len(requests) == 1:
            return None
        late = reply_to_read(requests[0], b"\0\7")
        return late + reply_to_read(data, b"\0\x08")

    answering(bench, answer)
    plc = bench.remote(Modbus, retries=0)
    assert isinstance(bench.result(plc.holding[0]), ReplyTimeout)
    assert 8 == bench.result(plc.holding[0])


def test_one_request_is_under_way_at_a_time(bench: Bench) -> None:
    seen = answering(bench, lambda data: None)
    plc = bench.remote(Modbus)
    bench.result(link_of(plc).ready_within(5))
    for address in range(3):
        plc.holding(address, 1).addErrback(lambda failure: None)  # type: ignore[attr-defined]
    bench.network.run_until(lambda: False, 1.0)
    assert [12] == [len(each) for each in seen]


def test_units_behind_a_gateway_share_one_connection(bench: Bench) -> None:
    units = {unit: Memory(holding=[unit * 100 + place for place in range(9)]) for unit in (1, 7)}
    bench.serve(Gateway(units))
    plc = bench.remote(Modbus)
    assert [100, 101] == bench.result(plc.holding[0:2])
    assert [700, 701] == bench.result(plc.unit(7).holding[0:2])
    bench.result(plc.unit(7).holding.write(0, 5))
    assert (100, 5) == (units[1].holding[0], units[7].holding[0])


def test_a_silent_unit_delays_nobody_for_longer_than_its_timeout(bench: Bench) -> None:
    gateway = Gateway({1: Memory(holding=[11])})
    bench.serve(gateway)
    plc = bench.remote(Modbus, retries=0)
    states: list[Any] = []
    assert 11 == bench.result(plc.holding[0])
    link_of(plc).observe(lambda state, reason: states.append(state))
    began = bench.network.clock.now
    error = bench.result(plc.unit(9).holding[0])
    assert isinstance(error, ReplyTimeout)
    assert 3.0 == pytest.approx(bench.network.clock.now - began, abs=0.1)
    gateway.units[1].holding[0] = 12
    assert 12 == bench.result(plc.holding[0])
    assert [] == states  # the connection has stayed


def test_a_gateway_may_say_that_a_unit_does_not_answer(bench: Bench) -> None:
    absent = ExceptionCode.GATEWAY_TARGET_DEVICE_FAILED_TO_RESPOND
    bench.serve(Gateway({1: Memory()}, absent=absent))
    error = bench.result(bench.remote(Modbus).unit(9).coils[0])
    assert isinstance(error, Fault)
    assert str(error).startswith("11: gateway target device failed to respond: nothing answers")


def test_a_write_whose_reply_does_not_repeat_it_is_a_bad_reply(bench: Bench) -> None:
    class Other(Memory):
        def write_single_register(self, address: int, value: int) -> Written:  # type: ignore[override]
            return Written(address, value + 1)

    bench.serve(Other())
    error = bench.result(bench.remote(Modbus).holding.write(5, 7))
    assert isinstance(error, BadReply)
    assert "must repeat it, Written(address=5, value=7), but is Written(address=5, value=8)" in str(error)


def test_a_write_is_never_repeated_and_its_outcome_is_not_guessed(
    plc: Modbus, memory: Noting, bench: Bench
) -> None:
    assert 0 == bench.result(plc.holding[0])
    bench.camera.mute()
    assert isinstance(bench.result(plc.holding.write(0, 7), within=60.0), OutcomeUnknown)
    bench.camera.mute(False)
    assert 7 == bench.result(plc.holding[0], within=60.0)
    assert [(1, "holding", 0, [7])] == memory.writes


def test_a_read_may_be_repeated_after_a_cable_pull(memory: Noting, bench: Bench) -> None:
    plc = bench.remote(Modbus, retries=3)
    assert 0 == bench.result(plc.holding[0])
    bench.camera.blip(5.0)
    reading = plc.holding[5:7]
    assert [0, 0] == bench.result(reading, within=60.0)


def test_a_host_may_be_the_one_that_listens(bench: Bench) -> None:
    plc = bench.remote(Modbus, listen=bench.robot.listening(PORT))
    bench.serve_actively(Memory(holding=[7]))
    assert 7 == bench.result(plc.holding[0])


class InParts(Memory):
    """Sends its identification object by object."""

    def __init__(self, follows: dict[int, int]) -> None:
        super().__init__()
        self.follows = follows

    def read_device_identification(  # type: ignore[override]
        self, read_code: int, first_object: int = 0
    ) -> DeviceIdentification:
        following = self.follows[first_object]
        part = IdentificationObject(first_object, b"part %d\xff" % first_object)
        return DeviceIdentification(read_code, 1, 255 if following else 0, following, [part])


def test_an_identification_in_parts_is_joined(bench: Bench) -> None:
    bench.serve(InParts({0: 1, 1: 2, 2: 0}))
    assert {
        "VendorName": "part 0\\xff",
        "ProductCode": "part 1\\xff",
        "MajorMinorRevision": "part 2\\xff",
    } == bench.result(bench.remote(Modbus).identification())


def test_an_identification_that_runs_in_a_circle_is_a_bad_reply(bench: Bench) -> None:
    bench.serve(InParts({0: 1, 1: 2, 2: 1}))
    error = bench.result(bench.remote(Modbus).identification())
    assert isinstance(error, BadReply)
    assert "object 1 follows object 2 in the identification" in str(error)
