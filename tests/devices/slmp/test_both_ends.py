"""Read and write a controller by its faces, over a simulated network, in each of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm import (
    BadReply,
    CodecError,
    ConfigurationError,
    Fault,
    LinkState,
    NoReply,
    OutcomeUnknown,
    link_of,
)
from tcpcomm.devices.slmp import (
    Address,
    ClearMode,
    CpuState,
    Devices,
    ErrorInfo,
    Memory,
    MemoryAscii,
    MemoryAscii4E,
    MemoryFX5,
    Slmp,
    SlmpAscii,
    SlmpAscii4E,
    SlmpFX5,
    TypeName,
)
from tests.devices.slmp.conftest import FRAMES
from tests.equipment.declared import PORT, Bench

Ends = tuple[Any, Any]
any_memory: Any = Memory


def test_words_are_read_and_written(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    memory["D100"] = [7, 8, 65535]
    assert 7 == bench.result(plc.read("D100"))
    assert [7, 8, 65535] == bench.result(plc.read("D100", 3))
    assert 8 == bench.result(plc.D[101])
    assert [7, 8] == bench.result(plc.D[100:102]) == bench.result(plc.D(100, 2))
    assert None is bench.result(plc.write("W1F", [1, -1]))
    assert [1, 65535] == memory["W1F", 2]
    assert None is bench.result(plc.R.write(5, 9))
    assert [9] == memory["R5", 1]


def test_bits_are_read_and_written(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    memory["X1E"] = [True, False, True]
    assert [True, False, True] == bench.result(plc.read("X1E", 3))
    assert bench.result(plc.X[0x20]) is True
    assert None is bench.result(plc.write("M0", [True, False, 1]))
    assert None is bench.result(plc.Y.write(0x10, True))
    assert [True, False, True, False] == bench.result(plc.M[0:4])
    assert [5] == bench.result(plc.read_words(Address("M", 0), 1))
    assert memory["Y10"] is True


def test_numbers_and_texts_are_read_and_written(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    for address, value in {
        "D0:i16": -2,
        "D1:u32": 0xFFFFFFFE,
        "D3:i32": -70000,
        "D5:f32": 1.5,
        "D7:u64": 1 << 63,
        "D80:bcd": 1234,
        "D82:bcd32": 12345678,
        "D11:i64": -5,
        "D15:f64": 0.1,
        "D20:str[7]": "LOT-7",
        "LTN3:i32": -9,
        "LCN0": 70000,
    }.items():
        assert None is bench.result(plc.write(address, value))
        assert value == bench.result(plc.read(address)) == memory[address]
        assert [value] == bench.result(plc.read(address, 1))
    assert [1.5, -2.0] == (bench.result(plc.write("D50:f32", [1.5, -2.0])), memory["D50:f32", 2])[1]
    assert ["AB", "C"] == (bench.result(plc.write("D60:str[3]", ["AB", "C"])), memory["D60:str[3]", 2])[1]
    memory["D70"] = 0b1010
    assert [False, True] == [bench.result(plc.read(each)) for each in ("D70.0", "D70.3")]


def test_several_places_are_one_request(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    seen = bench.result(plc.write_many({"D1": -5, "W1F:i32": -70000, "D4:f64": 2.5, "D10:str[3]": "A"}))
    assert seen is None
    assert None is bench.result(plc.write_many({"M10": True, "Y1F": True}))
    memory["LTN1"] = 70000
    wanted = {
        "D1:i16": -5,
        "W1F:i32": -70000,
        "D4:f64": 2.5,
        "D10:str[3]": "A",
        "M10": True,
        "M11": False,
        "D1.0": True,
        "LTN1": 70000,
    }
    assert [*wanted.values()] == bench.result(plc.read_many([*wanted]))


def test_the_cpu_is_controlled(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    memory["L5"] = memory["M5"] = True
    assert None is bench.result(plc.stop())
    assert (CpuState.STOP, 2) == (memory.state, bench.result(plc.read("SD203")))
    assert None is bench.result(plc.run(ClearMode.NOT_LATCHED, force=True))
    assert (True, False, CpuState.RUN) == (memory["L5"], memory["M5"], memory.state)
    assert None is bench.result(plc.pause())
    assert CpuState.PAUSE == memory.state
    fault = bench.result(plc.latch_clear())
    assert "16403: end code 4013, the CPU is not in STOP, and the request needs STOP" == str(fault)
    assert None is bench.result(plc.stop())
    assert None is bench.result(plc.latch_clear())
    assert memory["L5"] is False
    assert None is bench.result(plc.reset())
    assert CpuState.RUN == memory.state
    memory.switch = CpuState.STOP
    assert None is bench.result(plc.run())
    assert 2 == bench.result(plc.read("SD203"))


def test_model_loopback_and_password(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    assert TypeName("Q03UDVCPU", 0x366) == bench.result(plc.model())
    assert "0123456789ABCDEF" == bench.result(plc.loopback())
    assert None is bench.result(plc.clear_error())
    memory.password = "1234"
    assert None is bench.result(plc.remote_lock("1234"))
    assert "end code C201" in str(bench.result(plc.read("D0")))
    assert "end code C200" in str(bench.result(plc.remote_unlock("4321")))
    assert None is bench.result(plc.remote_unlock("1234"))
    assert 0 == bench.result(plc.read("D0"))


def test_a_refusal_is_told_in_words_with_its_details(bench: Bench, ends: Ends) -> None:
    plc, _ = ends
    fault = bench.result(plc.read("D199", 2))
    assert isinstance(fault, Fault)
    assert 0xC056 == fault.code
    assert "49238: end code C056, the request goes beyond the last device of this kind" == str(fault)
    assert ErrorInfo(0, 0xFF, 0x3FF, 0, 0x0401, 0) == fault.data


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda plc: plc.read_words(Address("D", 0), 0), 0xC052),
        (lambda plc: plc.read_words(Address("D", 0), 961), 0xC052),
        (lambda plc: plc.read_bits(Address("M", 0), 7169), 0xC051),
        (lambda plc: plc.read_bits(Address("D", 0), 1), 0xC05C),
        (lambda plc: plc.write_words(Address("D", 0), []), 0xC052),
        (lambda plc: plc.write_words(Address("D", 199), [1, 2]), 0xC056),
        (lambda plc: plc.write_words(Address("M", 8190), [1]), 0xC056),
        (lambda plc: plc.read_random([Address("TS", 0)], []), 0x4032),
        (lambda plc: plc.read_random([], []), 0xC054),
        (lambda plc: plc.read_random([Address("D", 0)] * 193, []), 0xC054),
        (lambda plc: plc.write_random_bits([]), 0xC053),
        (lambda plc: plc.read_blocks([], []), 0xC0D8),
    ],
)
def test_the_memory_refuses_whole_requests(bench: Bench, ask: Any, code: int) -> None:
    memory = Memory(D=200)
    bench.serve(memory)
    fault = bench.result(ask(bench.remote(Slmp)))
    assert isinstance(fault, Fault)
    assert code == fault.code
    assert [0] * 200 == memory["D0", 200]


@pytest.mark.parametrize(
    ("ask", "problem"),
    [
        (lambda plc: plc.D[0:961], "one request is about 1 to 960 words, not 961: make several of it"),
        (lambda plc: plc.M[0:7169], "one request is about 1 to 7168 bits, not 7169: make several of it"),
        (lambda plc: plc.D(0, 0), "one request is about 1 to 960 words, not 0"),
        (lambda plc: plc.read("D0", "3"), "one request is about 1 to 960 words, not '3'"),
        (lambda plc: plc.D[-1], "a number of D is a whole number from 0 to 16777215, not -1"),
        (lambda plc: plc.D(16777215, 2), "is a whole number from 0 to 16777215, not 16777216"),
        (lambda plc: plc.D[5:], "write the numbers as D[100:110], which are 10 devices from 100 on"),
        (lambda plc: plc.read("D0:f64", 241), "one request is about 1 to 960 words, not 964"),
        (lambda plc: plc.write("D0", 65536), "65536 is not a whole number from 0 to 65535, as u16 is"),
        (lambda plc: plc.write("D0", 1.5), "1.5 is not a whole number from 0 to 65535, as u16 is"),
        (lambda plc: plc.write("D0", "A"), "write a text to a place for texts, such as D100:str[16]"),
        (lambda plc: plc.write("D0:str[4]", 5), "5 is not a text"),
        (lambda plc: plc.write("D0:str[4]", "TOO LONG"), "'TOO LONG' has 8 bytes, and there is room for 4"),
        (lambda plc: plc.write("D0:str[4]", "부품"), "'부품' cannot be written in ascii"),
        (lambda plc: plc.write("D0.1", True), "no request writes one bit of D0"),
        (lambda plc: plc.write("M0", 2), "M (internal relays) are True or False, not 2"),
        (lambda plc: plc.write_many({"M0": True, "D0": 1}), "one request writes bits or words"),
        (lambda plc: plc.write_many({"D0": 1, "d0": 2}), "an address is given twice among D0, d0"),
        (lambda plc: plc.write_many({}), "one request writes 1 to 160 words"),
        (lambda plc: plc.read_many(["TS0"]), "TS (contacts of timers) cannot be among several"),
        (lambda plc: plc.read_many([]), "one request is about 1 to 192 words and double words, not 0"),
        (lambda plc: plc.read(100), "an address is a text, such as 'D100', not 100"),
        (lambda plc: plc.read_many("D100"), "write a list of addresses, such as ['D100'], or use read"),
        (lambda plc: plc.read_many(["D100", 5]), "an address is a text, such as 'D100', not 5"),
        (lambda plc: plc.write_many(["D100", 7]), "write the values by their addresses, such as"),
        (lambda plc: plc.write_many({"D0:f32": 1, "D1": 5}), "two of the values would be written to D1"),
        (lambda plc: plc.write_many({"D0": 1, "D0:i16": 5}), "two of the values would be written to D0"),
        (lambda plc: plc.write_many({"LTN0": 1, "LTN0:i32": 5}), "two of the values would be written to"),
        (lambda plc: plc.D["100"], "a number of D is a whole number from 0 to 16777215, not '100'"),
        (lambda plc: plc.D[100, 101], "a number of D is a whole number from 0 to 16777215, not (100, 101)"),
        (lambda plc: plc.D["1":"3"], "write the numbers as D[100:110]"),
        (lambda plc: plc.D.write(0, "AB"), "'AB': write a text to a place for texts, such as D100:str[16]"),
        (lambda plc: plc.D.write(0, 1.5), "1.5 is not a whole number from 0 to 65535"),
        (lambda plc: plc.M.write(0, "on"), "M (internal relays) are True or False, not 'on'"),
        (lambda plc: plc.loopback(5), "1 to 960 digits and letters from A to F, not '5'"),
        (lambda plc: plc.loopback("xyz"), "1 to 960 digits and letters from A to F, not 'xyz'"),
    ],
)
def test_what_no_controller_allows_is_refused_before_it_is_sent(
    bench: Bench, ask: Any, problem: str
) -> None:
    class Deaf(Memory):
        def on_write(self, device: str, start: int, values: Sequence[int]) -> None:
            raise AssertionError("something was sent")

    bench.serve(Deaf())
    error = bench.result(ask(bench.remote(Slmp)))
    assert isinstance(error, CodecError)
    assert problem in str(error)


@pytest.mark.parametrize(
    ("kind", "controller", "most"),
    [
        (Slmp, Memory, 7168),
        (SlmpAscii, MemoryAscii, 3584),
        (SlmpAscii4E, MemoryAscii4E, 3584),
        (SlmpFX5, MemoryFX5, 3584),
    ],
)
def test_bits_in_one_request_are_limited_as_in_the_manuals(
    bench: Bench, kind: type[Slmp], controller: Any, most: int
) -> None:
    """SH(NA)-080008, appendix 5; JY997D56001 for the FX5."""
    bench.serve(controller(M=8192))
    plc = bench.remote(kind)
    assert most == len(bench.result(plc.M[0:most]))
    assert None is bench.result(plc.write("M0", [True] * most))
    assert f"1 to {most} bits, not {most + 1}" in str(bench.result(plc.read("M0", most + 1)))
    assert 0xC051 == bench.result(plc.read_bits(Address("M", 0), most + 1)).code


def test_the_last_bit_of_a_kind_is_read_among_several(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    memory["M8191"] = memory["M8177"] = True
    assert [True, False, True] == bench.result(plc.read_many(["M8191", "M8190", "M8177"]))


def test_bits_of_one_word_are_one_of_the_points_of_a_request(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    memory["M700"] = True
    found = bench.result(plc.read_many([f"M{number}" for number in range(1000)]))
    assert [number == 700 for number in range(1000)] == found


def test_values_of_numpy_ranges_and_tuples_are_written(bench: Bench, ends: Ends) -> None:
    plc, memory = ends
    for address, values, expected in (
        ("D0", np.array([1, -2]), [1, 65534]),
        ("D0", [np.int16(3), 4], [3, 4]),
        ("D0", range(5, 7), [5, 6]),
        ("D0:f32", np.float32(1.5), [1.5]),
        ("D0:f32", (1.5, 2.5), [1.5, 2.5]),
        ("M0", np.array([True, False]), [True, False]),
    ):
        assert None is bench.result(plc.write(address, values))
        assert expected == memory[address, len(expected)]
    assert None is bench.result(plc.D.write(0, np.array([7, 8])))
    assert None is bench.result(plc.D.write(2, -1))
    assert [7, 8, 65535] == memory["D0", 3]
    assert None is bench.result(plc.M.write(0, [0, 1]))
    assert [False, True] == memory["M0", 2]


def test_stations_behind_a_relay_are_on_the_same_connection(bench: Bench) -> None:
    memory = Memory()
    second = memory.stations[1, 2] = Devices()
    memory["D0"], second["D0"] = 1, 2
    bench.serve(memory)
    plc = bench.remote(Slmp)
    other = plc.network(1).station(2)
    assert [1, 2] == [bench.result(each.read("D0")) for each in (plc, other)]
    assert None is bench.result(other.D.write(5, 9))
    assert (0, 9) == (memory["D5"], second["D5"])
    fault = bench.result(plc.station(3).timer(8).read("D0"))
    assert isinstance(fault, Fault)
    assert (0xC05F, 3) == (fault.code, fault.data.station)


def test_a_program_refuses_a_write_before_anything_is_stored(bench: Bench) -> None:
    class Guarded(Memory):
        seen: list[tuple[str, int, list[int]]] = []  # noqa: RUF012

        def on_write(self, device: str, start: int, values: Sequence[int]) -> None:
            self.seen.append((device, start, [*values]))
            if device == "D" and start == 9:
                raise Fault(0x4010)

    memory = Guarded()
    bench.serve(memory)
    plc = bench.remote(Slmp)
    assert None is bench.result(plc.write("D1:i32", -1))
    fault = bench.result(plc.write_many({"D5": 1, "D9": 2}))
    assert "end code 4010, the CPU is in RUN" in str(fault)
    assert 0 == memory["D5"]
    assert [("D", 1, [65535, 65535]), ("D", 5, [1]), ("D", 9, [2])] == memory.seen


def test_a_controller_may_open_the_connection(bench: Bench) -> None:
    """In GX Works the open system of the port is Active."""
    memory = Memory()
    memory["D0"] = 7
    plc = bench.remote(Slmp, listen=bench.robot.listening(PORT))
    bench.serve_actively(memory)
    bench.until(lambda: link_of(plc).state is LinkState.READY)
    assert 7 == bench.result(plc.read("D0"))


def test_an_fx5_has_octal_inputs_and_no_commands_of_iqr(bench: Bench) -> None:
    memory = MemoryFX5()
    bench.serve(memory)
    plc = bench.remote(SlmpFX5)
    assert None is bench.result(plc.write("Y10", True))
    assert [True, True, False] == [memory["Y10"], bench.result(plc.Y[8]), bench.result(plc.Y[10])]
    assert TypeName("FX5U-32MT/DS", 0x4A49) == bench.result(plc.model())
    for ask, code in ((plc.read("V0"), 0xC05C), (plc.read("D8000"), 0xC056), (plc.read("LZ0"), 0xC059)):
        assert code == bench.result(ask).code


def test_an_iqr_is_asked_by_its_longer_addresses(bench: Bench) -> None:
    asked = []

    class Watched(Memory):
        def read_words_iqr(self, device: Any, count: int) -> list[int]:  # type: ignore[override]
            asked.append(device)
            return super().read_words_iqr(device, count)

    class MyR(Slmp):
        iqr = True

    memory = Watched()
    bench.serve(memory)
    plc = bench.remote(MyR)
    memory["D5"] = 3
    assert 3 == bench.result(plc.read("D5"))
    assert ["D5"] == [*map(str, asked)]
    assert None is bench.result(plc.write("RD5", 7))
    assert None is bench.result(plc.write("M3", True))
    assert None is bench.result(plc.write_many({"D6": 1, "D8:f32": 2.0}))
    assert None is bench.result(plc.write_many({"M4": True}))
    assert [7, True, 1, 2.0, True] == bench.result(plc.read_many(["RD5", "M3", "D6", "D8:f32", "M4"]))
    assert [True, True] == bench.result(plc.M[3:5])


@pytest.mark.parametrize("cut", ["pull", "reset"])
def test_a_cable_that_is_pulled_leaves_a_write_unknown_and_it_is_not_repeated(
    bench: Bench, cut: str
) -> None:
    writes = []

    class Cut(Memory):
        def on_write(self, device: str, start: int, values: Sequence[int]) -> None:
            writes.append((device, start, [*values]))
            getattr(bench.camera, cut)()

    bench.serve(Cut())
    plc = bench.remote(Slmp)
    assert 0 == bench.result(plc.read("D0"))
    error = bench.result(plc.write("D0", 7), within=30.0)
    assert isinstance(error, OutcomeUnknown)
    if cut == "pull":
        bench.camera.plug()
    bench.network.run_until(lambda: False, 60.0)
    assert 7 == bench.result(plc.read("D0"))
    assert [("D", 0, [7])] == writes


def test_a_controller_that_does_not_answer_a_reset_has_been_reset(bench: Bench) -> None:
    class Silent(Memory):
        def remote_reset(self, fixed: int = 1) -> None:  # type: ignore[override]
            raise NoReply

    bench.serve(Silent())
    plc = bench.remote(Slmp)
    assert None is bench.result(plc.reset())


def test_words_that_are_not_a_value_of_their_type_are_a_bad_reply(bench: Bench) -> None:
    memory = Memory()
    memory["D0"] = 0xFFFF
    bench.serve(memory)
    plc = bench.remote(Slmp)
    for address, problem in {
        "D0:bcd": "FFFF is not a number in BCD",
        "D0:str[2]": "is not a text in ascii",
    }.items():
        error = bench.result(plc.read(address))
        assert isinstance(error, BadReply)
        assert f"{address}: " in str(error)
        assert problem in str(error)
        assert isinstance(bench.result(plc.read_many([address])), BadReply)


def test_a_program_reads_and_writes_the_memory(bench: Bench) -> None:
    memory = Memory(D=10, V=0)
    memory["D0.A"] = True
    memory["D1:f32"] = 1.5
    memory["LTN0"] = [1, 2]
    assert (1 << 10, True, 1.5, [1, 2]) == (
        memory["D0"],
        memory["D0.A"],
        memory["D1:f32"],
        memory["LTN0", 2],
    )
    for address, problem in {
        "D10": "D10: end code C056, the request goes beyond the last device of this kind",
        "V0": "V0: end code C05C, the contents of the request are wrong",
    }.items():
        with pytest.raises(CodecError, match=problem):
            memory[address]
    with pytest.raises(CodecError, match="-40000 is not a whole number from -32768 to 32767"):
        memory["D0"] = -40000


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: any_memory(D="200"), "D: give a number from 0 to 16777216, not '200'"),
        (lambda: Memory(D=-5), "D: give a number from 0 to 16777216, not -5"),
        (lambda: Memory(Q=5), "Q is not a kind of device: there are SM, SD"),
        (lambda: any_memory(200), "write the number of devices by their kind, D=200, not 200"),
        (lambda: Memory(model="Q03UDVCPU-WITH-A-TAIL"), "the name of a model has 16 characters at most"),
    ],
)
def test_a_memory_that_cannot_be_is_refused(make: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make()
    assert problem in str(refused.value)


WORDS = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=4)
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("D"), st.integers(0, 20), WORDS),
        st.tuples(st.just("M"), st.integers(0, 40), st.lists(st.booleans(), min_size=1, max_size=20)),
        st.tuples(st.just("words of M"), st.integers(0, 30), WORDS),
        st.tuples(
            st.just("several D"), st.just(0), st.dictionaries(st.integers(0, 20), st.integers(0, 99))
        ),
    ),
    max_size=8,
)


@pytest.mark.parametrize("frame", FRAMES)
@settings(max_examples=10)
@given(writes=WRITES)
def test_any_writes_leave_what_a_model_has(frame: str, writes: list[tuple[str, int, Any]]) -> None:
    kind, controller = FRAMES[frame]
    bench, memory = Bench(), controller()
    bench.serve(memory)
    plc: Any = bench.remote(kind)
    words, bits = [0] * 40, [False] * 120
    for what, start, values in writes:
        if what == "D":
            words[start : start + len(values)] = values
            asked = plc.D.write(start, values)
        elif what == "M":
            bits[start : start + len(values)] = values
            asked = plc.write(f"M{start}", values)
        elif what == "words of M":
            found = [bool(word >> place & 1) for word in values for place in range(16)]
            bits[start : start + len(found)] = found
            asked = plc.write_words(Address("M", start), values)
        elif values:
            for number, value in values.items():
                words[number] = value
            asked = plc.write_many({f"D{number}": value for number, value in values.items()})
        else:
            continue
        assert None is bench.result(asked)
    assert words == bench.result(plc.D[0:40]) == memory["D0", 40]
    assert bits == bench.result(plc.M[0:120]) == memory["M0", 120]
