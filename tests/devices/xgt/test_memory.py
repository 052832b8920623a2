"""A host reads and writes an XGT controller, and is told the truth if the controller says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcpcomm import BadReply, CodecError, Fault, NoReply, OutcomeUnknown
from tcpcomm.devices.xgt import Address, ErrorCode, Memory, Xgt
from tests.equipment.declared import Bench


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def plc(bench: Bench, memory: Memory) -> Xgt:
    bench.serve(memory)
    return bench.remote(Xgt)


def test_words_and_bits_are_read_and_written_by_their_addresses(
    bench: Bench, plc: Xgt, memory: Memory
) -> None:
    memory["D100"] = [7, 8, 0xFFFF]
    memory["M172.C"] = True
    assert 7 == bench.result(plc.read("D100")) == bench.result(plc.read("%DW100"))
    assert [7, 8, 0xFFFF, 0] == bench.result(plc.read("D100", 4))
    assert bench.result(plc.read("M172.C")) is True
    assert [False, True, False] == bench.result(plc.read("%MX2763", 3))
    bench.result(plc.write("D101", [1, 2]))
    bench.result(plc.write("D103", 3))
    bench.result(plc.write("M0.F", [True, True]))
    assert [7, 1, 2, 3] == bench.result(plc.read("D100", 4))
    assert [0x8000, 1] == bench.result(plc.read("M0", 2))


def test_each_unit_counts_from_the_begin_of_the_device(bench: Bench, plc: Xgt) -> None:
    bench.result(plc.write("D4", [0x1122, 0x3344, 0x5566, 0x7788]))
    assert 0x22 == bench.result(plc.read("%DB8"))
    assert 0x33441122 == bench.result(plc.read("%DD2"))
    assert 0x7788556633441122 == bench.result(plc.read("%DL1"))
    assert [0x22, 0x11, 0x44] == bench.result(plc.read("%DB8", 3))
    bench.result(plc.write("%DD2", [1, 2]))
    bench.result(plc.write("%DB8", 9))
    assert [9, 0, 2, 0] == bench.result(plc.read("D4", 4))


def test_the_contacts_of_timers_are_beside_their_values(bench: Bench, plc: Xgt) -> None:
    bench.result(plc.write("T5", 99))
    bench.result(plc.write("%TX5", [True, False]))
    assert [False, True, False] == bench.result(plc.read("%TX4", 3))
    assert 99 == bench.result(plc.read("T5"))


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
    bench: Bench, plc: Xgt, type: str, value: Any, words: list[int]
) -> None:
    bench.result(plc.write(f"D10:{type}", value))
    assert [*words, 0] == bench.result(plc.read("D10", len(words) + 1))
    assert value == bench.result(plc.read(f"D10:{type}"))
    assert [value, 0] == bench.result(plc.read(f"D10:{type}", 2))


class Korean(Xgt):
    text_encoding = "cp949"


def test_a_text_ends_at_a_zero_byte(bench: Bench, memory: Memory) -> None:
    bench.serve(memory)
    plc = bench.remote(Korean)
    memory["D16"] = 0x4241
    bench.result(plc.write("D10:str[12]", "부품-7"))
    assert ["부품-7", "AB"] == bench.result(plc.read("D10:str[12]", 2))
    memory["D10"] = 0xFFFF
    assert isinstance(bench.result(plc.read("D10:str[12]")), BadReply)


def test_values_anywhere_are_read_by_few_requests(bench: Bench, plc: Xgt, memory: Memory) -> None:
    memory["D100"], memory["M172.C"], memory["D200"] = 7, True, [0, 0x3FC0]
    read = ["M172.C", "D100", "D200:f32", "%DB201", "D100"]
    assert [True, 7, 1.5, 0, 7] == bench.result(plc.read_many(read))
    assert [0] * 40 == bench.result(plc.read_many([f"D{at}" for at in range(40)]))


def test_values_anywhere_are_written_by_one_request(bench: Bench, plc: Xgt, memory: Memory) -> None:
    bench.result(plc.write_many({"D1": 7, "M5": 8}))
    assert (7, 8) == (memory["D1"], memory["M5"])


def test_the_words_of_a_device_are_indexed(bench: Bench, plc: Xgt) -> None:
    bench.result(plc.D.write(100, [1, 2, 3]))
    assert [2, 3] == bench.result(plc.D[101:103])
    assert 1 == bench.result(plc.D[100])


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda plc: plc.read("D0", 701), "1402 bytes from %DW0 on: one request takes 1400 at most"),
        (lambda plc: plc.read_many("D0"), "write a list of addresses, such as ['D0'], or use read"),
        (lambda plc: plc.read("D0", 0), "0 values from %DW0 on: read at least one"),
        (lambda plc: plc.read("%TX0", 17), "17 addresses: one request takes 1 to 16"),
        (lambda plc: plc.write("M0.0", [True] * 17), "17 addresses: one request takes 1 to 16"),
        (lambda plc: plc.write("D0", []), "no values for %DW0: write at least one"),
        (
            lambda plc: plc.write("D0", 65536),
            "%DW0: 65536 is not a whole number from 0 to 65535",
        ),
        (lambda plc: plc.write("D0", [1, "2"]), "%DW0: '2' is not a whole number"),
        (lambda plc: plc.write("%DB0", 256), "%DB0: 256 is not a whole number from 0 to 255"),
        (lambda plc: plc.write("M0.0", 2), "%MX0: 2 does not fit: give True or False"),
        (lambda plc: plc.write("D0:i16", 40000), "%DW0:i16: 40000 is not a whole number from"),
        (lambda plc: plc.write("D0:bcd", -1), "%DW0:bcd: -1 is not a whole number from 0 to 9999"),
        (lambda plc: plc.read("D0:real"), "%DW0:real: the types are u16, i16, u32, i32, "),
        (lambda plc: plc.write_many({"D0": 1, "M0.0": True}), "one request writes values of one unit"),
        (lambda plc: plc.write_many({f"D{at}": 1 for at in range(17)}), "17 addresses: one request takes"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    plc: Xgt, call: Callable[[Xgt], Any], problem: str
) -> None:
    with pytest.raises(CodecError) as refused:
        call(plc).send(None)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda plc: plc.read("D32768"), ErrorCode.ADDRESS_IS_OUT_OF_RANGE),
        (lambda plc: plc.read("D32767", 2), ErrorCode.ADDRESS_IS_OUT_OF_RANGE),
        (lambda plc: plc.write("D32767", [1, 2]), ErrorCode.ADDRESS_IS_OUT_OF_RANGE),
        (lambda plc: plc.read("Q0"), ErrorCode.DEVICE_IS_NOT_SERVED),
        (lambda plc: plc.write("F0", 1), ErrorCode.DEVICE_IS_NOT_SERVED),
        (lambda plc: plc.read_words(["D100"]), ErrorCode.ADDRESS_FORMAT_IS_WRONG),
        (lambda plc: plc.read_words(["%DX100"]), ErrorCode.ADDRESS_DOES_NOT_FIT_THE_DATA_TYPE),
        (lambda plc: plc.read_words(["%DW1"] * 17), ErrorCode.MORE_THAN_16_BLOCKS),
        (lambda plc: plc.read_words([]), ErrorCode.MORE_THAN_16_BLOCKS),
        (lambda plc: plc.read_continuously("%DB0", 1401), ErrorCode.BLOCK_IS_LONGER_THAN_1400_BYTES),
        (lambda plc: plc.write_words(["%DW0", "%DW1"], [1]), ErrorCode.LENGTH_IN_HEADER_IS_WRONG),
        (lambda plc: plc.company(b"LSIS-XGB\0\0").read("D0"), ErrorCode.COMPANY_ID_IN_HEADER_IS_WRONG),
    ],
)
def test_the_controller_says_no_with_its_error_code(
    bench: Bench, plc: Xgt, memory: Memory, call: Callable[[Xgt], Any], code: ErrorCode
) -> None:
    fault = bench.result(call(plc))
    assert isinstance(fault, Fault)
    assert code == fault.code
    assert 0 == memory["D32767"] == memory["D0"]


class Guarded(Memory):
    """A controller that keeps a program from writing D0 to D9."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[str, int | bytes]] = []

    def on_write(self, address: Address, value: int | bytes) -> None:
        if address.device == "D" and address.first_bit < 160:
            raise Fault(ErrorCode.DEVICE_IS_NOT_SERVED)
        self.written.append((address.name, value))


def test_a_subclass_refuses_a_write_and_nothing_is_stored(bench: Bench) -> None:
    guarded = Guarded()
    bench.serve(guarded)
    plc = bench.remote(Xgt)
    for refused in (plc.write("D9", [1, 2]), plc.write("D9", 1), plc.write_many({"D10": 1, "D9": 1})):
        assert ErrorCode.DEVICE_IS_NOT_SERVED == bench.result(refused).code
    assert [0, 0] == bench.result(plc.read("D9", 2))
    guarded.written.clear()
    bench.result(plc.write("D10", [1, 2]))
    bench.result(plc.write("M3.7", True))
    assert [("%DB20", b"\1\0\2\0"), ("%MX55", True)] == guarded.written


class Deaf(Memory):
    """A controller that never answers a write."""

    writes = 0

    async def write_words(self, names: list[str], values: list[int]) -> int:
        self.writes += 1
        raise NoReply


def test_a_write_is_not_repeated(bench: Bench) -> None:
    deaf = Deaf()
    bench.serve(deaf)
    plc = bench.remote(Xgt, retries=3)
    assert isinstance(bench.result(plc.write("D0", 1), within=30), OutcomeUnknown)
    bench.network.advance(60)
    assert 1 == deaf.writes


class Liar(Memory):
    """A controller that answers with other numbers of values than were asked for."""

    async def read_words(self, names: list[str]) -> list[int]:
        return [1, 2]

    async def read_continuously(self, name: str, count: int) -> bytes:
        return bytes(count + 1)

    async def write_words(self, names: list[str], values: list[int]) -> int:
        return 0


def test_a_reply_with_another_number_of_values_is_a_bad_reply(bench: Bench) -> None:
    bench.serve(Liar())
    plc = bench.remote(Xgt)
    for call in (plc.read("D0"), plc.read("D0", 3), plc.write("D0", 1)):
        assert isinstance(bench.result(call), BadReply)


def test_a_memory_has_the_sizes_that_were_given(bench: Bench) -> None:
    memory = Memory({"D": 10, "U": 4})
    memory["U3"] = 5
    assert 5 == memory["%UW3"]
    with pytest.raises(CodecError, match="D10: this memory has no such place"):
        memory["D10"] = 1


def test_a_pulled_cable_writes_nothing_twice(bench: Bench) -> None:
    guarded = Guarded()
    bench.serve(guarded)
    plc = bench.remote(Xgt, retries=3)
    bench.result(plc.read("D100"))
    bench.camera.pull()
    assert isinstance(bench.result(plc.write("D100", 7), within=30), OutcomeUnknown)
    bench.camera.plug()
    assert bench.result(plc.read("D100"), within=60) in (0, 7)
    bench.network.advance(60)
    assert guarded.written in ([], [("%DW100", 7)])


@pytest.mark.parametrize("seed", range(5))
def test_responses_that_arrive_in_pieces_are_read_whole(memory: Memory, seed: int) -> None:
    bench = Bench(seed, cuts=0.8)
    bench.serve(memory)
    memory["D0"] = [*range(700)]
    assert [*range(700)] == bench.result(bench.remote(Xgt).read("D0", 700), within=60)


@pytest.mark.parametrize(
    ("address", "value", "problem"),
    [
        ("D1", 70000, "%DW1: 70000 is not a whole number from 0 to 65535"),
        ("D1", [1, 70000], "%DW2: 70000 is not a whole number"),
        ("D1", 1.5, "%DW1: 1.5 is not a whole number"),
        ("D1:f32", 1.5, "D1:f32: the memory of a simulated controller has no types: leave it out"),
        ("M1.0", 2, "%MX16: 2 does not fit: give True or False"),
        ("D32767", [1, 2], "%DW32768: this memory has no such place"),
    ],
)
def test_a_memory_refuses_what_does_not_fit_and_stores_nothing(
    memory: Memory, address: str, value: Any, problem: str
) -> None:
    with pytest.raises(CodecError) as refused:
        memory[address] = value
    assert problem in str(refused.value)
    assert [0, 0, 0] == [memory["D1"], memory["D32767"], memory["M1.0"]]


def test_a_count_is_a_whole_number(bench: Bench, plc: Xgt) -> None:
    count: Any = "3"
    assert "the count is a whole number, not '3'" == str(bench.result(plc.read("D1", count)))
    index: Any = "1"
    refused = bench.result(plc.D[index])
    assert "write D[100] for a word, or D[100:110] for those from 100 to 109" == str(refused)
