"""The conversations, the ways to cut them, and the judge of the bench do what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from tcpcomm.tools.guess.answer import Explanation, Guess, Notations, Verdict
from tcpcomm.tools.guess.capture import Side
from tests.guess.cuts import CUTS, Cut
from tests.guess.families.every_family import FAMILIES, family_named
from tests.guess.families.private import drawn_headers, private_device
from tests.guess.judge import Ruling, judged, miscut
from tests.guess.measure import Tally, tally, upper_bound
from tests.guess.talk import Exchange, Family

COUNT = 8
EACH_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
EACH_CUT = pytest.mark.parametrize("cut", CUTS, ids=lambda cut: cut.name.replace(",", "").replace(" ", "-"))


def sent(exchanges: Iterable[Exchange], side: Side) -> bytes:
    return b"".join(each.data for exchange in exchanges for each in exchange if each.side == side)


@EACH_FAMILY
def test_a_seed_always_gives_the_same_conversation(family: Family) -> None:
    talk = family.device(1).talk(2, COUNT)

    assert talk == family.device(1).talk(2, COUNT)
    assert talk != family.device(1).talk(3, COUNT)
    assert COUNT == len(talk)
    assert all(message.data for exchange in talk for message in exchange)


@EACH_FAMILY
def test_the_framing_of_a_device_cuts_what_it_says(family: Family) -> None:
    device = family.device(4)
    for side, notation in enumerate(device.framings):
        messages = [each for exchange in device.talk(5, COUNT) for each in exchange if each.side == side]
        assert "" == (notation and miscut(notation, messages))


@EACH_CUT
def test_a_way_loses_no_byte_unless_it_says_so(cut: Cut) -> None:
    exchanges = family_named("modbus").device(1).talk(1, 12)
    capture = cut.capture(exchanges, 1)
    whole = {side: sent(exchanges, side) for side in (0, 1)}
    chunks = {side: b"".join(each.data for each in capture.chunks if each.side == side) for side in (0, 1)}

    assert capture == cut.capture(exchanges, 1)
    match cut.name:
        case "one side":
            assert b"" in chunks.values()
            assert whole != chunks
        case "known gap" | "unknown gap":
            assert sum(map(len, chunks.values())) < sum(map(len, whole.values()))
            assert (cut.name == "known gap") == any(each.after_gap for each in capture.chunks)
        case "begun in a message":
            assert all(whole[side].endswith(chunks[side]) for side in (0, 1))
            assert not capture.from_start
        case _:
            assert whole == chunks
    times = [each.at for each in capture.chunks]
    if "no times" in cut.name:
        assert {None} == {*times}
    else:
        assert sorted(each for each in times if each is not None) == times


def test_bulk_has_few_chunk_ends() -> None:
    bulk = next(each for each in CUTS if each.name == "bulk")
    exchanges = family_named("modbus").device(1).talk(1, bulk.exchanges)

    assert len(bulk.capture(exchanges, 1).chunks) < bulk.exchanges / 2


def ruling(family: str, framings: Notations, verdict: Verdict = Verdict.CONFIDENT) -> Ruling:
    """Judge these framings as the answer for a device of this family."""
    device = family_named(family).device(1)
    exchanges = device.talk(1, COUNT)
    guess = Guess(verdict=verdict, best=Explanation(framings=framings))
    return judged(guess, CUTS[0].capture(exchanges, 1), device, exchanges, fresh=1)


@pytest.mark.parametrize("framing", ["length:2,offset=4", "length:1,offset=5", "length:3,offset=3"])
def test_framings_that_cut_alike_are_right(framing: str) -> None:
    assert "" == ruling("modbus", (framing, framing)).problem


def test_the_problem_tells_the_message_that_is_cut_wrong() -> None:
    assert "side 1: message 0" in ruling("modbus", ("length:2,offset=4", "fixed:12")).problem
    assert "no answer for side 0" == ruling("modbus", (None, "length:2,offset=4")).problem
    assert "cannot be read" in ruling("modbus", ("length:9", "length:2,offset=4")).problem


def test_nothing_is_never_right() -> None:
    framing = "length:2,offset=4"
    assert "nothing was found" == ruling("modbus", (framing, framing), Verdict.NOTHING).problem


def test_what_fits_one_capture_by_chance_is_wrong() -> None:
    device = family_named("camera-cr-lf").device(1)
    exchanges = [device.talk(1, 1)[0]] * COUNT
    sizes = [len(message.data) for message in exchanges[0]]
    guess = Guess(
        verdict=Verdict.CONFIDENT, best=Explanation(framings=(f"fixed:{sizes[0]}", f"fixed:{sizes[1]}"))
    )
    assert judged(guess, CUTS[0].capture(exchanges, 1), device, exchanges, fresh=1).problem


def test_checksums_are_found_missed_and_invented() -> None:
    right, wrong = (f"delimited:\\r,check={name}:hex" for name in ("xor", "lrc"))
    found, missed = ruling("mewtocol", (right, "delimited:\\r")).checks
    assert (True, True, False) == (found.is_there, found.is_found, found.is_invented)
    assert (True, False, False) == (missed.is_there, missed.is_found, missed.is_invented)
    assert ruling("mewtocol", (wrong, wrong)).checks[0].is_invented
    assert not ruling("mewtocol", ("fixed:9,check=xor:hex",) * 2).checks[0].is_invented
    assert ruling("scale", ("delimited:\\r\\n,check=xor",) * 2).checks[1].is_invented


def test_lines_end_at_their_first_byte_of_the_end() -> None:
    assert ruling("camera-cr-lf", ("lines", "lines")).is_right
    assert ruling("telnet", ("lines", "lines,telnet")).is_right


def test_private_headers_are_drawn_and_cut_by_their_length() -> None:
    headers = drawn_headers()
    kinds = {part.kind for header in headers for part in header.parts}

    assert len(headers) > 200
    assert {"sync", "length", "id", "counter", "unit", "flags", "zero", "check"} == kinds
    assert {"body", "rest", "whole", "odd"} == {header.counts for header in headers}
    for header in headers[::15]:
        head = next(each for each in header.parts if each.kind == "length")
        whole = header.whole(b"body", {"id": 7})
        assert header.size + 4 <= len(whole)
        assert head.width <= header.size
        assert private_device(header, Random(1)).talk(1, 3)


def test_a_row_counts_what_its_captures_show() -> None:
    assert Tally() == tally([])
    assert 1.0 == upper_bound(3, 3)
    assert 0.0075 == pytest.approx(upper_bound(0, 400), abs=1e-4)
    assert 0.0118 == pytest.approx(upper_bound(1, 400), abs=1e-4)
