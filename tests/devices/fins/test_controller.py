"""A host reads and writes a controller of Omron, and is told the truth if the controller says no."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tcpcomm import BadReply, CodecError, Fault, NoReply, NotSent, OutcomeUnknown, link_of
from tcpcomm.devices.fins import Address, Controller, EndCode, Fins, FrameError, Memory, Mode
from tcpcomm.devices.fins.commands import CpuStatus
from tests.equipment.declared import Bench


@pytest.fixture
def controller() -> Controller:
    return Controller()


@pytest.fixture
def plc(bench: Bench, controller: Controller) -> Fins:
    bench.serve(controller)
    return bench.remote(Fins)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refusal(call: Callable[[], Any]) -> str:
    """Return the words by which a call is refused before anything is sent."""
    coroutine = call()
    with pytest.raises(CodecError) as refused:
        coroutine.send(None)
    return str(refused.value)


def test_words_and_bits_are_read_and_written_by_their_addresses(
    bench: Bench, plc: Fins, controller: Controller
) -> None:
    controller.memory["D100"] = [7, 8, 0xFFFF]
    controller.memory["W3.05"] = True
    assert 7 == bench.result(plc.read("D100"))
    assert [7, 8, 0xFFFF, 0] == bench.result(plc.read("D100", 4))
    assert bench.result(plc.read("W3.05")) is True
    assert [False, True, False] == bench.result(plc.read("W3.04", 3))
    bench.result(plc.write("D101", [1, 2]))
    bench.result(plc.write("CIO10.15", [True, True]))
    assert [7, 1, 2] == bench.result(plc.read("D100", 3))
    assert [0x8000, 1] == bench.result(plc.read("CIO10", 2))


@pytest.mark.parametrize(
    "address", ["CIO6143", "W511", "H511", "A959", "D32767", "E5", "E3_32767", "T5", "C5"]
)
def test_each_area_keeps_its_own_words(
    bench: Bench, plc: Fins, controller: Controller, address: str
) -> None:
    bench.result(plc.write(address, 0x1234))
    assert 0x1234 == bench.result(plc.read(address)) == controller.memory[address]
    assert 0 == controller.memory["D5"] == controller.memory["CIO5"]


def test_the_flags_of_timers_and_counters_are_bits(bench: Bench, plc: Fins, controller: Controller) -> None:
    controller.memory["TS5"] = True
    controller.memory["CS6"] = True
    assert [True, False] == bench.result(plc.read("TS5", 2))
    assert [False, True] == bench.result(plc.read("CS5", 2))
    assert EndCode.WRITE_NOT_POSSIBLE_READ_ONLY == bench.result(plc.write("TS5", True)).code


def test_the_current_bank_is_the_first_one(bench: Bench, plc: Fins) -> None:
    bench.result(plc.write("E7", 9))
    assert 9 == bench.result(plc.read("E0_7"))
    assert 0 == bench.result(plc.read("E1_7"))


@pytest.mark.parametrize(
    ("type", "value", "words"),
    [
        ("i16", -2, [0xFFFE]),
        ("i32", -2, [0xFFFE, 0xFFFF]),
        ("u32", 0x12345678, [0x5678, 0x1234]),
        ("i64", -(2**63), [0, 0, 0, 0x8000]),
        ("u64", 0x1122334455667788, [0x7788, 0x5566, 0x3344, 0x1122]),
        ("f32", 1.5, [0, 0x3FC0]),
        ("f64", -2.0, [0, 0, 0, 0xC000]),
        ("bcd", 1234, [0x1234]),
        ("bcd32", 12345678, [0x5678, 0x1234]),
    ],
)
def test_numbers_have_their_lowest_word_first(
    bench: Bench, plc: Fins, type: str, value: Any, words: list[int]
) -> None:
    bench.result(plc.write(f"D10:{type}", value))
    assert [*words, 0] == bench.result(plc.read("D10", len(words) + 1))
    assert value == bench.result(plc.read(f"D10:{type}"))
    assert [value, 0] == bench.result(plc.read(f"D10:{type}", 2))
    assert [value, 0] == bench.result(plc.read_many([f"D10:{type}", "W3.05"]))


class Korean(Fins):
    text_encoding = "cp949"


def test_a_text_ends_at_a_zero_byte(bench: Bench, controller: Controller) -> None:
    bench.serve(controller)
    plc = bench.remote(Korean)
    controller.memory["D16"] = 0x4142
    bench.result(plc.write("D10:str[12]", "부품-7"))
    assert ["부품-7", "AB"] == bench.result(plc.read("D10:str[12]", 2))
    assert 0xBACE == bench.result(plc.read("D10"))
    assert "there is room for 3" in refusal(lambda: plc.write("D10:str[3]", "부품"))
    controller.memory["D10"] = 0xFFFF
    assert isinstance(bench.result(plc.read("D10:str[12]")), BadReply)


def test_words_that_are_no_decimal_number_are_a_bad_reply(
    bench: Bench, plc: Fins, controller: Controller
) -> None:
    controller.memory["D10"] = 0x12AB
    problem = bench.result(plc.read("D10:bcd"))
    assert (BadReply, "D10:bcd: 12AB is not a number in BCD") == (type(problem), str(problem))


def test_the_words_of_an_area_are_indexed(bench: Bench, plc: Fins) -> None:
    bench.result(plc.D.write(100, [1, 2, 3]))
    bench.result(plc.H.write(0, 4))
    assert [2, 3] == bench.result(plc.D[101:103])
    assert 4 == bench.result(plc.H[0])
    assert [1, 2] == bench.result(plc.D(100, 2))
    assert "or D[100:110] for" in refusal(lambda: plc.D[100:])


def test_places_anywhere_are_read_by_one_command(bench: Bench, plc: Fins, controller: Controller) -> None:
    controller.memory["D100"], controller.memory["W3.05"], controller.memory["C5"] = 7, True, 99
    assert [7, True, 99, 0] == bench.result(plc.read_many(["D100", "W3.05", "C5", "E1_0"]))


def test_words_are_filled_and_copied(bench: Bench, plc: Fins, controller: Controller) -> None:
    bench.result(plc.fill("D0", 32768, 9))
    bench.result(plc.copy("D32765", "H5", 3))
    assert [0, 9, 9, 9, 0] == bench.result(plc.read("H4", 5))


def test_the_mode_is_changed_and_told(bench: Bench, plc: Fins) -> None:
    bench.result(plc.run())
    status = bench.result(plc.cpu_unit_status_read())
    assert isinstance(status, CpuStatus)
    assert (Mode.RUN, True) == (status.mode, status.is_running)
    bench.result(plc.run(Mode.MONITOR))
    assert Mode.MONITOR == bench.result(plc.cpu_unit_status_read()).mode
    bench.result(plc.stop())
    assert Mode.PROGRAM == bench.result(plc.cpu_unit_status_read()).mode
    assert "CJ2M-CPU33" == bench.result(plc.cpu_unit_data_read()).model


def test_the_clock_is_set_and_told(bench: Bench, plc: Fins, monkeypatch: pytest.MonkeyPatch) -> None:
    time = datetime(2031, 12, 5, 23, 59, 58)
    monkeypatch.setattr(Controller, "now", lambda self: time)
    assert time == bench.result(plc.time())
    monkeypatch.undo()
    bench.result(plc.set_time(time))
    assert 2031 == bench.result(plc.time()).year
    assert "2098: the clock has the years 1998 to 2097" == refusal(
        lambda: plc.set_time(datetime(2098, 1, 1))
    )


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda plc: plc.read("D100", 1000), "1000 words from D100 on: one command takes 1 to 999"),
        (lambda plc: plc.read("D100:f64", 250), "1000 words from D100:f64 on: one command takes 1 to 999"),
        (lambda plc: plc.read("D100", 0), "0 words from D100 on: one command takes 1 to 999"),
        (lambda plc: plc.read("D32767", 2), "the last word is D32767, which leaves room for 1"),
        (lambda plc: plc.read("D32767:u32"), "2 words from D32767:u32 on: the last word is D32767"),
        (lambda plc: plc.write("D100", [0] * 998), "998 words from D100 on: one command takes 1 to 997"),
        (lambda plc: plc.write("D100", 65536), "D100: 65536 is not a whole number from 0 to 65535"),
        (lambda plc: plc.write("D100", "7"), "D100: '7' is not a whole number"),
        (lambda plc: plc.write("W3.05", 2), "W3.05: 2 does not fit: give True or False"),
        (lambda plc: plc.fill("W3.05", 2, 0), "W3.05 is not a word: fill writes words"),
        (lambda plc: plc.copy("D0", "W3.05", 1), "W3.05 is not a word: copy takes words"),
        (lambda plc: plc.read_many("D100"), "write a list of addresses, such as ['D100'], or use read"),
        (lambda plc: plc.run(Mode.PROGRAM), "run takes Mode.RUN or Mode.MONITOR, not <Mode.PROGRAM: 0>"),
        (lambda plc: plc.read_many([]), "0 words and bits: one command reads 1 to 167"),
        (lambda plc: plc.read_many(["D0:f64"] * 42), "168 words and bits: one command reads 1 to 167"),
        (
            lambda plc: plc.write("D0:i16", 40000),
            "D0:i16: 40000 is not a whole number from -32768 to",
        ),
        (lambda plc: plc.write("D0:bcd", 10000), "10000 is not a whole number from 0 to 9999"),
        (lambda plc: plc.write("D0:f32", 1e40), "D0:f32: 1e+40 is too great for f32"),
        (lambda plc: plc.read("D0:real"), "D0:real: the types are u16, i16, u32, i32, "),
        (lambda plc: plc.read("W3.05:u16"), "W3.05:u16: a bit has no type: leave u16 out"),
        (lambda plc: plc.write("D0:str[8]", "ä"), "D0:str[8]: 'ä' cannot be written in ascii"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    plc: Fins, call: Callable[[Fins], Any], problem: str
) -> None:
    assert problem in refusal(lambda: call(plc))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ((0x82, 32768, 0, 1), EndCode.FIRST_ADDRESS_IS_OUT_OF_RANGE),
        ((0x02, 0, 16, 1), EndCode.FIRST_ADDRESS_IS_OUT_OF_RANGE),
        ((0x82, 32767, 0, 2), EndCode.LAST_ADDRESS_IS_OUT_OF_RANGE),
        ((0x82, 0, 0, 1000), EndCode.RESPONSE_IS_TOO_LONG),
        ((0xA4, 0, 0, 1), EndCode.THERE_IS_NO_SUCH_AREA),
        ((0xFF, 0, 0, 1), EndCode.THERE_IS_NO_SUCH_AREA),
    ],
)
def test_the_controller_says_no_with_its_end_code(
    bench: Bench, plc: Fins, values: tuple[int, int, int, int], code: EndCode
) -> None:
    fault = bench.result(plc.memory_area_read(*values))
    assert isinstance(fault, Fault)
    assert (code, code.words) == (fault.code, fault.reason)


class Guarded(Controller):
    """A controller that keeps a program from writing D0 to D9."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, list[int]]] = []

    def on_write(self, address: Address, values: Any) -> None:
        if address.area.name == "D" and address.index < 10:
            raise Fault(EndCode.WRITE_NOT_POSSIBLE_PROTECTED)
        self.written.append((str(address), list(values)))


def test_a_subclass_refuses_a_write_and_nothing_is_stored(bench: Bench) -> None:
    guarded = Guarded()
    bench.serve(guarded)
    plc = bench.remote(Fins)
    for refused in (plc.write("D9", [1, 2]), plc.fill("D0", 20, 7), plc.copy("D100", "D8", 2)):
        assert EndCode.WRITE_NOT_POSSIBLE_PROTECTED == bench.result(refused).code
    assert [0] * 20 == bench.result(plc.read("D0", 20))
    bench.result(plc.write("D10", [1, 2]))
    bench.result(plc.write("H3.07", True))
    assert [("D10", [1, 2]), ("H3.07", [True])] == guarded.written


def test_a_write_that_is_longer_than_its_area_is_refused_whole(
    bench: Bench, plc: Fins, controller: Controller
) -> None:
    fault = bench.result(plc.memory_area_write(0x82, 32767, 0, [1, 2]))
    assert EndCode.LAST_ADDRESS_IS_OUT_OF_RANGE == fault.code
    assert 0 == controller.memory["D32767"]
    fault = bench.result(plc.write("A447", [1, 2]))
    assert EndCode.WRITE_NOT_POSSIBLE_READ_ONLY == fault.code
    assert 0 == controller.memory["A448"]


class Network(Controller):
    """Two controllers of network 2 behind the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.others = {5: Memory(), 6: Memory()}

    def memory_at(self, network: int, node: int, unit: int) -> Memory:
        if network == 2 and node in self.others:
            return self.others[node]
        return super().memory_at(network, node, unit)


def test_other_nodes_are_reached_on_the_same_connection(bench: Bench) -> None:
    network = Network()
    bench.serve(network)
    plc = bench.remote(Fins)
    for node in (5, 6):
        bench.result(plc.network(2).node(node).write("D0", node))
    assert [0, 5, 6] == [
        bench.result(each.read("D0")) for each in (plc, plc.network(2).node(5), plc.network(2).node(6))
    ]
    far = EndCode.DESTINATION_IS_NOT_IN_ROUTING_TABLES
    assert far == bench.result(plc.network(3).node(5).read("D0")).code
    assert EndCode.DESTINATION_NODE_IS_NOT_IN_NETWORK == bench.result(plc.node(9).read("D0")).code
    assert EndCode.THERE_IS_NO_SUCH_UNIT == bench.result(plc.unit(16).read("D0:f32")).code


class Fifth(Fins):
    client_node = 5


class First(Fins):
    client_node = 1


def test_each_client_has_a_node_address_of_its_own(bench: Bench, controller: Controller) -> None:
    bench.serve(controller)
    hosts = [bench.remote(kind) for kind in (Fins, Fins, Fifth)]
    for host in hosts:
        bench.result(host.read("D0"))
    assert [239, 240, 5] == [link_of(each).requester.header.learned["client"] for each in hosts]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "words"),
    [(Fifth, "this node is connected already"), (First, "client and server have the same node address")],
)
def test_a_refused_node_address_is_the_reason_why_the_link_is_not_ready(
    bench: Bench, controller: Controller, kind: type[Fins], words: str
) -> None:
    bench.serve(controller)
    bench.result(bench.remote(Fifth).read("D0"))
    problem = bench.result(bench.remote(kind).read("D0"), within=60)
    assert isinstance(problem, NotSent)
    assert words in str(problem)


def test_a_lost_connection_gives_its_node_address_back(bench: Bench, controller: Controller) -> None:
    bench.serve(controller)
    first = bench.remote(Fifth)
    bench.result(first.read("D0"))
    link_of(first).stopService()
    bench.until(lambda: not controller._clients)
    assert 0 == bench.result(bench.remote(Fifth).read("D0"))


class Impatient(Controller):
    """A controller that cannot read the header of a frame, and hangs up."""

    async def memory_area_write(self, area: int, word: int, bit: int, values: Any) -> None:
        self._refuse_frame(FrameError.DATA_IS_TOO_LONG)


def test_an_error_in_a_frame_is_told_to_the_command_and_the_link_connects_again(bench: Bench) -> None:
    bench.serve(Impatient())
    plc = bench.remote(Fins)
    problem = bench.result(plc.write("D0", 1))
    assert isinstance(problem, OutcomeUnknown)
    assert "frame_error(error=DATA_IS_TOO_LONG) came" in str(problem)
    assert 0 == bench.result(plc.read("D0"))


class Deaf(Controller):
    """A controller that never answers a write."""

    writes = 0

    async def memory_area_write(self, area: int, word: int, bit: int, values: Any) -> None:
        self.writes += 1
        raise NoReply


def test_a_write_is_not_repeated(bench: Bench) -> None:
    deaf = Deaf()
    bench.serve(deaf)
    plc = bench.remote(Fins, retries=3)
    assert isinstance(bench.result(plc.write("D0", 1), within=30), OutcomeUnknown)
    bench.network.advance(60)
    assert 1 == deaf.writes


def test_the_longest_commands_fit_into_a_frame(bench: Bench, plc: Fins) -> None:
    bench.result(plc.write("D0", [*range(997)]))
    assert [*range(997), 0, 0] == bench.result(plc.read("D0", 999))
    assert 167 == len(bench.result(plc.read_many(["D0"] * 167)))


def test_a_pulled_cable_writes_nothing_twice_and_the_link_shakes_hands_again(bench: Bench) -> None:
    guarded = Guarded()
    bench.serve(guarded)
    plc = bench.remote(Fins, retries=3)
    bench.result(plc.read("D100"))
    bench.camera.pull()
    assert isinstance(bench.result(plc.write("D100", 7), within=30), OutcomeUnknown)
    bench.camera.plug()
    assert bench.result(plc.read("D100"), within=60) in (0, 7)
    bench.network.advance(60)
    assert guarded.written in ([], [("D100", [7])])


@pytest.mark.parametrize("seed", range(5))
def test_responses_that_arrive_in_pieces_are_read_whole(controller: Controller, seed: int) -> None:
    bench = Bench(seed, cuts=0.8)
    bench.serve(controller)
    controller.memory["D0"] = [*range(999)]
    assert [*range(999)] == bench.result(bench.remote(Fins).read("D0", 999), within=60)


@pytest.mark.parametrize(
    ("address", "value", "problem"),
    [
        ("D1", 70000, "D1: 70000 does not fit: a word is 0 to 65535"),
        ("D1", [1, -1], "D1: -1 does not fit"),
        ("D1", 1.5, "D1: 1.5 does not fit"),
        ("W1.00", 2, "W1.00: 2 does not fit: give True or False"),
        ("D32767", [1, 2], "D32767: 2 values do not fit behind it"),
    ],
)
def test_a_memory_refuses_what_does_not_fit_and_stores_nothing(
    address: str, value: Any, problem: str
) -> None:
    memory = Controller().memory
    with pytest.raises(CodecError) as refused:
        memory[address] = value
    assert problem in str(refused.value)
    assert [0, 0, 0] == [memory["D1"], memory["D32767"], memory["W1.00"]]


def test_a_count_is_a_whole_number(bench: Bench) -> None:
    bench.serve(Controller())
    plc = bench.remote(Fins)
    count: Any = "3"
    for call in (plc.read("D1", count), plc.fill("D1", count, 0), plc.copy("D1", "D2", count)):
        assert "the count is a whole number, not '3'" == str(bench.result(call))
