"""Hosts read and write a CPU by its addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import BadReply, CodecError, ConfigurationError, Fault, NotSent, OutcomeUnknown, link_of
from tcpcomm.devices.s7 import (
    S7,
    Confirm,
    Item,
    Memory,
    Mode,
    Option,
    ReturnCode,
    StatusQuery,
    StatusReply,
    Values,
)
from tcpcomm.devices.s7.items import MOST_VARIABLES
from tcpcomm.devices.s7.transfer import SMALLEST_PDU
from tcpcomm.equipment.methods import method_of
from tcpcomm.link.states import LinkState
from tcpcomm.tools.manual.values import read_arguments
from tests.equipment.declared import Bench
from tests.equipment.test_forms import plain_robot


class Counting(Memory):
    """Counts the jobs, and the largest of their variables."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.jobs: list[list[Item]] = []

    def read_variables(self, items: list[Item]) -> Values:  # type: ignore[override]
        self.jobs.append(items)
        return super().read_variables(items)

    def write_variables(self, items: list[Item], values: bytes) -> bytes:  # type: ignore[override]
        self.jobs.append(items)
        return super().write_variables(items, values)


@pytest.fixture
def cpu(bench: Bench) -> Counting:
    cpu = Counting(blocks={1: 1000})
    bench.serve(cpu)
    return cpu


@pytest.fixture
def plc(cpu: Counting, bench: Bench) -> S7:
    return bench.remote(S7)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("DB1.DBW4", 7),
        ("DB1.DBX0.3", True),
        ("DB1.DBD8:REAL", 1.5),
        ("DB1.DBB16:LREAL", -1e100),
        ("DB1.DBB20:STRING[30]", "LK-300"),
        ("DB1.DBB60:WSTRING[30]", "한국어"),
        ("DB1.DBB200:DT", datetime(2026, 11, 29, 1, 2, 3)),
        ("M0.0", True),
        ("MW10:INT", -5),
        ("I0.1", True),
        ("E4.7", True),
        ("QB2", 200),
        ("A0.1", True),
        ("T5", 0x0123),
        ("C5", 9),
    ],
)
def test_a_value_is_written_and_read(
    address: str, value: Any, plc: S7, cpu: Counting, bench: Bench
) -> None:
    assert bench.result(plc.write(address, value)) is None
    assert value == cpu[address]
    assert value == bench.result(plc.read(address))


def test_a_bit_is_written_beside_the_others(plc: S7, cpu: Counting, bench: Bench) -> None:
    cpu["MB0"] = 0b10100101
    bench.result(plc.write("M0.1", True))
    bench.result(plc.write("M0.7", False))
    assert 0b00100111 == cpu["MB0"]


def test_several_values_from_an_address_on_are_a_list(plc: S7, cpu: Counting, bench: Bench) -> None:
    bench.result(plc.write("DB1.DBW10:INT", [1, -2, 3]))
    assert [1, -2, 3] == bench.result(plc.read("DB1.DBW10:INT", 3))
    bench.result(plc.write("M1.6", [True, False, True, True]))
    assert [True, False, True, True] == bench.result(plc.read("M1.6", 4))
    assert [1] == bench.result(plc.read("DB1.DBW10", 1))


def test_bytes_of_an_area_are_read_and_written_by_their_face(plc: S7, bench: Bench) -> None:
    bench.result(plc.db(1).write(4, b"\1\2\3"))
    assert b"\0\1\2\3\0" == bench.result(plc.db(1)[3:8])
    assert b"\2" == bench.result(plc.db(1)[5])
    bench.result(plc.merkers.write(9, b"\7"))
    assert b"\7\0" == bench.result(plc.merkers(9, 2))
    assert b"\0\0" == bench.result(plc.inputs[:2]) == bench.result(plc.outputs[0:2])


def test_values_of_many_addresses_are_read_in_one_job(plc: S7, cpu: Counting, bench: Bench) -> None:
    cpu["DB1.DBB3"], cpu["MW10"], cpu["T1"] = 1, 2, 3
    assert [1, 2, False, 3] == bench.result(plc.read_many(["DB1.DBB3", "MW10", "M0.0", "T1"]))
    assert [4] == [len(each) for each in cpu.jobs]


def test_values_of_many_addresses_are_written_in_one_job(plc: S7, cpu: Counting, bench: Bench) -> None:
    bench.result(plc.read("MW0"))
    cpu.jobs.clear()
    bench.result(plc.write_many({"DB1.DBB3": 1, "M0.1": True, "MW10": [2, 3], "C1": 4}))
    assert [4] == [len(each) for each in cpu.jobs]
    assert [1, True, 2, 3, 4] == [cpu[each] for each in ("DB1.DBB3", "M0.1", "MW10", "MW12", "C1")]


def test_more_than_a_pdu_holds_is_read_by_several_jobs(plc: S7, cpu: Counting, bench: Bench) -> None:
    cpu.blocks[1][:] = bytes(range(250)) * 4
    assert bytes(cpu.blocks[1]) == bench.result(plc.db(1)[0:1000])
    # Until the CPU has told the size of its PDU, the host takes the smallest.
    assert [46, 462, 462, 30] == [each.count for (each,) in cpu.jobs]


def test_no_value_is_read_by_two_jobs(plc: S7, cpu: Counting, bench: Bench) -> None:
    values = list(range(249))
    bench.result(plc.write("DB1.DBD0", values[:100]))
    cpu["DB1.DBD400"] = values[100:]
    cpu.jobs.clear()
    assert values == bench.result(plc.read("DB1.DBD0", 249))
    assert [460, 460, 76] == [each.count for (each,) in cpu.jobs]
    assert 60 == len(bench.result(plc.read("DB1.DBB200:LREAL", 60)))
    assert [456, 24] == [each.count for (each,) in cpu.jobs[3:]]


def test_a_text_that_is_longer_than_a_pdu_is_read_by_several_jobs(cpu: Counting, bench: Bench) -> None:
    cpu.pdu = 240
    cpu["DB1.DBB10:STRING[254]"] = "x" * 254
    assert "x" * 254 == bench.result(bench.remote(S7).read("DB1.DBB10:STRING"))
    assert [46, 210] == [each.count for (each,) in cpu.jobs]


def test_a_job_carries_twenty_variables(plc: S7, cpu: Counting, bench: Bench) -> None:
    assert 20 == MOST_VARIABLES
    addresses = [f"DB1.DBW{place}" for place in range(0, 90, 2)]
    bench.result(plc.read("MB0"))
    cpu.jobs.clear()
    assert [0] * 45 == bench.result(plc.read_many(addresses))
    assert [20, 20, 5] == [len(each) for each in cpu.jobs]
    refused = bench.result(plc.write_many(dict.fromkeys(addresses[:21], 1)))
    assert "21 variables are to be written, but one job carries 20" == str(refused)
    assert not any(cpu.blocks[1])


def test_a_write_of_any_length_is_refused_whole(plc: S7, cpu: Counting, bench: Bench) -> None:
    bench.result(plc.read("MB0"))
    for refused in (plc.db(1).write(0, bytes(9000)), plc.write("DB1.DBW0", [1] * 5000)):
        assert "nothing was written" in str(bench.result(refused))
    assert 1 == len(cpu.jobs)


@pytest.mark.parametrize("is_ready", [True, False], ids=["ready", "not ready yet"])
def test_a_write_that_a_pdu_cannot_carry_is_refused_whole(
    is_ready: bool, plc: S7, cpu: Counting, bench: Bench
) -> None:
    if is_ready:
        bench.result(plc.read("MB0"))
    refused = bench.result(plc.db(1).write(0, bytes([1]) * 453))
    assert (
        "this needs a PDU of 481 bytes, but the CPU takes 480: nothing was written. Write less at once"
    ) == str(refused)
    assert isinstance(refused, CodecError)
    assert not any(cpu.blocks[1])
    assert bench.result(plc.db(1).write(0, bytes([1]) * 452)) is None
    assert 452 == sum(cpu.blocks[1])


def test_what_is_wrong_is_refused_before_anything_is_sent(plc: S7, cpu: Counting, bench: Bench) -> None:
    wrong = [
        plc.read("D100"),
        plc.read("MW0", 0),
        plc.read_many(["MW0", "M9.9"]),
        plc.write("MW0", 65536),
        plc.write("MW0", []),
        plc.write_many({"MW0": 1, "MW2": "x"}),
        plc.merkers(-1),
        plc.merkers(0, 0),
        plc.merkers[5:],
        plc.merkers[0:8:2],
        plc.merkers.write(0, b""),
    ]
    assert [CodecError] * len(wrong) == [type(bench.result(each)) for each in wrong]
    assert [] == cpu.jobs


def test_mistakes_of_types_are_told_in_words(plc: Any, cpu: Counting, bench: Bench) -> None:
    wrong = [
        (plc.read(5), "5 is not an address of an S7: write"),
        (plc.read("MW0", "10"), "MW0: read 1 to 65535 values, not '10'"),
        (plc.read("MW0", 2.0), "MW0: read 1 to 65535 values, not 2.0"),
        (plc.read_many("MW0"), "write a list of addresses, not the text 'MW0'"),
        (plc.write_many([("MW0", 1)]), "write a dict of values by their addresses"),
        (plc.merkers["MW0"], "'MW0' is not the number of a byte"),
        (plc.merkers(0, 2.5), "2.5 is not a number of bytes"),
        (plc.merkers.write(0, "abc"), "write bytes, not 'abc'"),
        (plc.merkers.write(0, [1, 2]), "write bytes, not [1, 2]"),
        (plc.write("MB0:LREAL", 10**400), "is too great for LREAL"),
        (plc.write("MB0:DT", datetime(2026, 1, 2, tzinfo=UTC)), "DATE_AND_TIME has no time zone"),
        (plc.write("MB0:DTL", datetime(2026, 1, 2, tzinfo=UTC)), "DTL has no time zone"),
        (plc.merkers(3_000_000), "the bytes of an area are from 0 to 2097151"),
        (plc.read("MB2097000:STRING[254]", 9), "the bytes of an area are from 0 to 2097151"),
    ]
    for asked, words in wrong:
        problem = bench.result(asked)
        assert isinstance(problem, CodecError)
        assert words in str(problem)
    with pytest.raises(CodecError, match="the number of a data block is from 1 to 65535, not '1'"):
        plc.db("1")
    assert [] == cpu.jobs


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("rack", 8, "rack is a whole number from 0 to 7, not 8"),
        ("slot", 32, "slot is a whole number from 0 to 31, not 32"),
        ("slot", "2", "slot is a whole number from 0 to 31, not '2'"),
        ("connection_type", 0, "connection_type is a whole number from 1 to 255, not 0"),
        ("string_encoding", "cp9949", "string_encoding: Python has no encoding 'cp9949'"),
    ],
)
def test_a_place_that_no_cpu_can_have_is_told_when_it_is_written(
    name: str, value: object, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        type("Press", (S7,), {name: value})


def test_the_first_data_block_is_1(plc: S7, cpu: Counting) -> None:
    with pytest.raises(CodecError, match="the number of a data block is from 1 to 65535, not 0"):
        plc.db(0)
    assert [] == cpu.jobs


@pytest.mark.parametrize(
    ("address", "code", "text"),
    [
        ("DB7.DBW0", ReturnCode.OBJECT_DOES_NOT_EXIST, "10: DB7.DBW0: object does not exist"),
        ("DB1.DBW999", ReturnCode.INVALID_ADDRESS, "5: DB1.DBW999: invalid address"),
        ("T64", ReturnCode.INVALID_ADDRESS, "5: T64: invalid address"),
    ],
)
def test_a_cpu_that_says_no_is_told_in_words_with_the_address(
    address: str, code: int, text: str, plc: S7, bench: Bench
) -> None:
    for refused in (bench.result(plc.read(address)), bench.result(plc.write(address, 1))):
        assert isinstance(refused, Fault)
        assert (code, text) == (refused.code, str(refused))
    many = bench.result(plc.read_many(["MW0", address]))
    assert (Fault, text) == (type(many), str(many))


def test_a_face_names_the_bytes_that_are_refused(plc: S7, bench: Bench) -> None:
    refused = bench.result(plc.db(1)[998:1002])
    assert "5: DB1, bytes 998 to 1001: invalid address" == str(refused)


def test_a_fault_of_several_writes_tells_how_many_are_done(plc: S7, cpu: Counting, bench: Bench) -> None:
    refused = bench.result(plc.write_many({"MW0": 1, "DB7.DBW0": 2, "MW2": 3}))
    assert "10: DB7.DBW0: object does not exist; 2 of 3 variables were written" == str(refused)
    assert [1, 3] == [cpu["MW0"], cpu["MW2"]]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Values(2, bytes.fromhex("FF 04 0010 0001 FF 04 0010 0001")), "1 variables were asked, but 2 came"),
        (Values(1, bytes.fromhex("FF 04 0008 01")), "M, bytes 0 to 1: 2 bytes were asked, but 1 came"),
        (Values(1, bytes.fromhex("FF 04 0010 01")), "value 1 of 1 announces 2 bytes, but 1 bytes follow"),
    ],
    ids=["too many", "too short", "half"],
)
def test_a_reply_that_does_not_fit_its_job_is_bad(reply: Values, reason: str, bench: Bench) -> None:
    class Odd(Memory):
        def read_variables(self, items: list[Item]) -> Values:  # type: ignore[override]
            return reply

    bench.serve(Odd())
    bad = bench.result(bench.remote(S7).read("MW0"))
    assert (BadReply, reason) == (type(bad), str(bad))


def test_a_write_is_never_repeated_and_its_outcome_is_not_guessed(
    plc: S7, cpu: Counting, bench: Bench
) -> None:
    bench.result(plc.read("MW0"))
    cpu.jobs.clear()
    bench.camera.mute()
    assert isinstance(bench.result(plc.write("MW0", 7), within=60.0), OutcomeUnknown)
    assert 1 == len(cpu.jobs)
    bench.camera.mute(False)
    assert 7 == bench.result(plc.read("MW0"), within=60.0)
    assert 2 == len(cpu.jobs)


def test_the_operating_mode_and_the_order_number_are_read(plc: S7, cpu: Counting, bench: Bench) -> None:
    assert Mode.RUN is bench.result(plc.operating_mode())
    cpu.mode = Mode.STOP
    assert Mode.STOP is bench.result(plc.operating_mode())
    cpu.model = "6ES7 315-2EH14-0AB0"
    assert "6ES7 315-2EH14-0AB0" == bench.result(plc.order_number())
    refused = bench.result(plc.read_system_status(StatusQuery(0x0999, 0)))
    assert "information not available (error class D4, code 01)" == refused.reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "the CPU answers without a record of its system status"),
        ("0424 0000 0014 0001 0251FF08", "the CPU answers without a record of its system status"),
        ("0424 0000 0000 0000", "the CPU answers without a record of its system status"),
        ("0424 0000 0004 0001 0251FF00", "the CPU answers without its operating mode"),
        ("0424 0000 0002 0001 0251", "the CPU answers without its operating mode"),
    ],
)
def test_a_status_that_makes_no_sense_is_a_bad_reply(content: str, reason: str, bench: Bench) -> None:
    class Odd(Memory):
        def read_system_status(self, query: StatusQuery) -> StatusReply:  # type: ignore[override]
            return StatusReply(0xFF, 9, bytes.fromhex(content))

    bench.serve(Odd())
    plc = bench.remote(S7)
    bad = bench.result(plc.operating_mode())
    assert (BadReply, reason) == (type(bad), str(bad))
    assert BadReply is type(bench.result(plc.order_number()))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-1.5", -1.5),
        ("true", True),
        ("1,2", [1, 2]),
        ("LK-300", "LK-300"),
        ("2026-11-29T01:02:03", datetime(2026, 11, 29, 1, 2, 3)),
    ],
)
def test_the_command_line_writes_values_of_all_types(text: str, value: Any) -> None:
    method = method_of(S7, "write")
    assert method is not None
    found = read_arguments(method.parameters, ["DB1.DBW4", text])
    assert {"address": "DB1.DBW4", "values": value} == found
    assert type(value) is type(found["values"])


def test_a_pull_between_two_jobs_of_a_read_is_told_and_the_next_read_is_whole(
    plc: S7, cpu: Counting, bench: Bench
) -> None:
    bench.result(plc.read("MW0"))
    cpu.blocks[1][:] = bytes(range(250)) * 4
    jobs = len(cpu.jobs)
    reading = Deferred.fromCoroutine(plc.db(1)[0:1000])
    bench.until(lambda: len(cpu.jobs) == jobs + 1)
    bench.camera.pull()
    assert isinstance(bench.result(reading, within=60.0), OutcomeUnknown | NotSent)
    bench.camera.plug()
    bench.until(lambda: link_of(plc).state is LinkState.READY, within=120.0)
    assert bytes(cpu.blocks[1]) == bench.result(plc.db(1)[0:1000])


def test_a_host_that_stops_in_a_frame_is_left_and_harms_no_other(
    plc: S7, cpu: Counting, bench: Bench
) -> None:
    other = plain_robot(bench)
    other.transport.write(bytes.fromhex("03000016 11E00000"))
    assert 0 == bench.result(plc.read("MW0"))
    bench.network.advance(6.0)
    assert not other.transport.connected
    assert 0 == bench.result(plc.read("MW0"))


class SawRequest(Memory):
    """Notes what hosts ask for when they connect."""

    def __init__(self, tpdu: bytes = b"\x0a", **options: Any) -> None:
        super().__init__(**options)
        self.options: dict[int, bytes] = {}
        self.tpdu = tpdu

    def connect(self, kind: int, options: list[Option]) -> Confirm:  # type: ignore[override]
        self.options = {each.code: each.value for each in options}
        return super().connect(kind, [Option(0xC0, self.tpdu), *options[1:]])


def test_rack_slot_and_kind_of_connection_are_in_the_tsap(bench: Bench) -> None:
    class Furnace(S7):
        rack = 1
        slot = 2
        connection_type = 3

    cpu = SawRequest()
    bench.serve(cpu)
    assert 0 == bench.result(bench.remote(Furnace).read("MW0"))
    assert {0xC0: b"\x0a", 0xC1: b"\1\0", 0xC2: b"\x03\x22"} == cpu.options


def test_a_tsap_may_be_given_as_it_is(bench: Bench) -> None:
    class Logo(S7):
        calling_tsap = b"\x10\x00"
        called_tsap = b"\x20\x00"

    cpu = SawRequest()
    bench.serve(cpu)
    assert 0 == bench.result(bench.remote(Logo).read("MW0"))
    assert (b"\x10\x00", b"\x20\x00") == (cpu.options[0xC1], cpu.options[0xC2])


def test_a_pdu_is_never_longer_than_what_the_cpu_takes_in_one_piece(bench: Bench) -> None:
    bench.serve(SawRequest(tpdu=b"\x08"))
    plc = bench.remote(S7)
    assert bytes(500) == bench.result(plc.db(1)[0:500])
    assert 256 - 3 == plc.agreed_pdu.value


def test_a_host_may_ask_for_a_longer_pdu(bench: Bench) -> None:
    class Wide(S7):
        pass

    bench.serve(Memory(pdu=960))
    plc = bench.remote(Wide)
    plc.pdu_size.set(960)
    assert 0 == bench.result(plc.read("MW0"))
    assert 960 == plc.agreed_pdu.value


class Two(S7):
    """A host that has two jobs under way at once."""

    pipeline = 2


def test_a_host_asks_for_as_many_jobs_at_once_as_it_needs(bench: Bench) -> None:
    bench.serve(Memory())
    plc = bench.remote(Two)
    assert 0 == bench.result(plc.read("MW0"))
    assert (2, 2) == (plc.jobs_calling.value, plc.jobs_called.value)


def test_a_cpu_that_grants_fewer_jobs_at_once_is_not_used(bench: Bench) -> None:
    class One(Memory):
        def set_up(self) -> None:  # type: ignore[override]
            super().set_up()
            self.jobs_called.set(1)

    bench.serve(One())
    plc = bench.remote(Two)
    bench.network.advance(1.0)
    assert "the CPU takes 1 jobs at once: set pipeline = 1, not 2" in link_of(plc).reason


def test_a_cpu_with_a_tiny_pdu_is_not_used(bench: Bench) -> None:
    assert 64 == SMALLEST_PDU
    bench.serve(Memory(pdu=63))
    plc = bench.remote(S7)
    bench.network.advance(1.0)
    assert "the CPU agrees on PDUs of 63 bytes; at least 64 are needed" in link_of(plc).reason


def test_a_cpu_that_refuses_the_connection_says_why(bench: Bench) -> None:
    class Refusing(Memory):
        def connect(self, kind: int, options: list[Option]) -> Confirm:  # type: ignore[override]
            raise Fault(3)

    bench.serve(Refusing())
    plc = bench.remote(S7)
    bench.network.advance(1.0)
    assert "3: this TSAP is unknown: check rack, slot and connection type" in link_of(plc).reason
