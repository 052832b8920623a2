"""Facts about frames are told with their counts, and what no fact explains is told, too."""

from __future__ import annotations

from random import Random
from struct import pack

from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.devices.modbus.declaration import Modbus
from tcpcomm.devices.slmp.declaration import Slmp
from tcpcomm.tools.guess.binary.fact import values_text
from tcpcomm.tools.guess.binary.facts import find_facts
from tcpcomm.tools.guess.capture import ANSWERER, OPENER
from tests.tools.guess.binary.conversations import Frames, device_frames

MODBUS = device_frames(
    Modbus, ["read_holding_registers", "read_coils", "write_single_register"], faults=[2, 3]
)


def told(frames: Frames, of: str) -> list[str]:
    """Return the facts about one side as sentences."""
    return [str(fact) for fact in find_facts(frames).facts if fact.of == of]


def test_the_facts_of_modbus_are_told() -> None:
    assert [
        "bytes 0 to 1 repeat from request to reply in 40 of 40 and differ each time: an id",
        "bytes 2 to 3 are 00 00 in 40 of 40 requests",
        "bytes 4 to 5 count the bytes behind in 40 of 40 requests",
        "byte 6 is 01 in 40 of 40 requests",
        "byte 7 has the values 01, 03, 06, which come back in 40 of 40 replies, with bit 80 in 4: "
        "an opcode",
    ] == told(MODBUS, "requests")
    assert ("bytes 8 to 11 of requests", "byte 8 and those behind it of replies") == (
        find_facts(MODBUS).unexplained
    )


def test_a_fact_of_both_sides_is_one_sentence() -> None:
    facts = find_facts(MODBUS)
    assert 1 == sum(each.endswith("an id") for each in facts.sentences)
    assert {*facts.sentences} == {*map(str, facts.facts)}


def test_a_status_is_told() -> None:
    frames = device_frames(Slmp, ["read_words", "write_words"], 60, faults=[0xC051, 0xC056], seed=2)
    statuses = [each for each in told(frames, "replies") if each.endswith("a status")]
    good = sum(reply[9:11] == b"\0\0" for side, reply in frames if side == ANSWERER)
    assert [
        f"bytes 9 to 10 are 0 in {good} of 60 replies, and the other {60 - good} have one length: a status"
    ] == statuses


def measuring(count: int = 30) -> Frames:
    """Return a sensor that is polled: an opcode, a counter of its own, two numbers, and a lot."""
    random, frames = Random(5), Frames()
    for number in range(count):
        frames.append((OPENER, b"\x21\0"))
        values = pack(">f", random.uniform(18, 24)) + pack("<f", random.uniform(900, 1100))
        lot = b"\0LOT-%04d" % random.randrange(10000)
        frames.append((ANSWERER, b"\x21" + (700 + 3 * number).to_bytes(2, "little") + values + lot))
    return frames


def test_counters_numbers_and_texts_are_told() -> None:
    facts = told(measuring(), "replies")
    assert "byte 0 is 21 in 30 of 30 replies" == facts[0]
    assert "bytes 1 to 2, low byte first, count by 3 in 29 of 29 replies" == facts[1]
    assert facts[2].startswith("bytes 3 to 6 read as numbers from 18")
    assert facts[2].endswith("32 bits, high byte first, in 30 of 30 replies")
    assert facts[3].startswith("bytes 7 to 10 read as numbers from 9")
    assert facts[3].endswith("32 bits, low byte first, in 30 of 30 replies")
    assert "byte 11 is 00 in 30 of 30 replies" == facts[4]
    assert facts[5].startswith("bytes 12 to 19 are text such as 'LOT-")
    assert not find_facts(measuring()).unexplained


def test_known_places_are_not_unexplained() -> None:
    random = Random(6)
    frames: Frames = [(OPENER, b"\x10" + random.randbytes(9)) for _ in range(20)]
    assert ("bytes 1 to 9 of requests",) == find_facts(frames).unexplained
    assert ("bytes 3 to 7 of requests",) == find_facts(frames, [(1, 2), (-2, 2)]).unexplained


def test_both_sides_alike_are_told_once() -> None:
    random, frames = Random(7), Frames()
    for _ in range(20):
        frames += (OPENER, b"\1" + random.randbytes(4)), (ANSWERER, b"\1" + random.randbytes(4))
    assert ("bytes 1 to 4",) == find_facts(frames).unexplained


def test_places_are_counted_from_the_first_byte_on_the_wire() -> None:
    alike, apart = find_facts(MODBUS, before=(8, 8)), find_facts(MODBUS, before=(8, 6))
    assert "byte 14 is 01 in 40 of 40 requests" in alike.sentences
    assert ("bytes 16 to 19 of requests", "byte 16 and those behind it of replies") == alike.unexplained
    ids = [each for each in apart.sentences if each.endswith("an id")]
    assert [
        "bytes 8 to 9 of requests repeat from request to reply in 40 of 40 and differ each time: an id",
        "bytes 6 to 7 of replies repeat from request to reply in 40 of 40 and differ each time: an id",
    ] == ids
    assert ("bytes 16 to 19 of requests", "byte 14 and those behind it of replies") == apart.unexplained


def test_up_to_eight_values_are_named() -> None:
    assert "the value 03" == values_text([b"\3", b"\3"])
    assert "the values 01, 03" == values_text([b"\3", b"\1"])
    assert "9 values" == values_text([bytes([each]) for each in range(9)])


def test_the_first_frames_of_a_long_conversation_are_enough() -> None:
    many = find_facts(MODBUS[:4] * 1000)
    assert 1000 == max(fact.count for fact in many.facts)


def test_a_few_frames_tell_nothing() -> None:
    assert () == find_facts(MODBUS[:8]).facts
    assert () == find_facts([]).facts
    assert () == find_facts([]).unexplained


@given(st.lists(st.tuples(st.sampled_from([OPENER, ANSWERER]), st.binary(max_size=20)), max_size=40))
def test_every_fact_holds_as_often_as_it_says(frames: Frames) -> None:
    facts = find_facts(frames)
    for fact in facts.facts:
        assert 0 < fact.agree <= fact.count
        assert fact.size > 0
        own = [frame for side, frame in frames if (side == OPENER) == (fact.of == "requests")]
        if fact.value:
            assert all(frame[fact.at : fact.stop] == fact.value for frame in own)
    places = [(fact.of, place) for fact in facts.facts for place in range(fact.at, fact.stop)]
    assert len(places) == len({*places})
