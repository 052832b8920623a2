"""A guess of a binary link gets facts about its messages, and a text none."""

from __future__ import annotations

import struct
from random import Random

import pytest

from tcpcomm.framing import parse_framing
from tcpcomm.tools.guess.answer import Explanation, Guess, Notations, Verdict
from tcpcomm.tools.guess.capture import Capture, CapturedChunk, Side
from tcpcomm.tools.guess.facts import bytes_before, with_facts

BINARY: Notations = ("length:2,offset=3", "length:2,offset=3")
TEXT: Notations = (r"delimited:\r\n", r"delimited:\r\n")


def message(number: int, opcode: int, body: bytes) -> bytes:
    return struct.pack(">HBH", number, opcode, len(body)) + body


def binary(exchanges: int = 20, *, gap_at: int | None = None) -> Capture:
    """Return requests and replies with an id, an opcode and a length."""
    chance, chunks = Random(3), list[CapturedChunk]()
    for number in range(exchanges):
        opcode = chance.choice([1, 3, 16])
        for side, code in ((0, opcode), (1, opcode | 0x80)):
            data = message(number + 300, code, chance.randbytes(chance.randrange(2, 20)))
            is_cut = side == 0 and number == gap_at
            chunks.append(CapturedChunk(side, data[4:] if is_cut else data, None, is_cut))  # type: ignore[arg-type]
    return Capture(tuple(chunks))


def text(exchanges: int = 20) -> Capture:
    both: list[tuple[Side, bytes]] = []
    for number in range(exchanges):
        both += [(0, b"TRG,%d\r\n" % number), (1, b"OK,%d\r\n" % number)]
    return Capture(tuple(CapturedChunk(side, data) for side, data in both))


def guess(framings: Notations, verdict: Verdict = Verdict.CONFIDENT) -> Guess:
    return Guess(verdict=verdict, best=Explanation(framings=framings), unexplained=("bytes 5 to 9",))


def test_binary_messages_have_facts_with_their_counts() -> None:
    found = with_facts(binary(), guess(BINARY))
    assert any("repeats from request to reply in 20 of 20" in each for each in found.facts)
    assert any("counts the bytes behind in 20 of 20 requests" in each for each in found.facts)
    assert any("this codec reads all headers: Binary(" in each for each in found.facts)
    assert ("byte 5 and those behind it",) == found.unexplained


@pytest.mark.parametrize(
    ("notation", "header", "count"),
    [
        ("length:2", b"", 2),
        ("length:2,offset=4", b"\0\0\0\0\0\4", 0),
        ("length:4,offset=4,sync=FINS", b"", 8),
        ("slip", b"", 0),
    ],
)
def test_the_bytes_before_those_that_a_framing_delivers_are_known(
    notation: str, header: bytes, count: int
) -> None:
    frames: list[tuple[Side, bytes]] = [(0, header + bytes([each, 0, 0xC0, each])) for each in range(1, 9)]
    assert (count, 0) == bytes_before((parse_framing(notation), None), frames)


def test_messages_of_text_have_none() -> None:
    known = guess(TEXT)
    assert known == with_facts(text(), known)


def test_without_a_framing_there_are_no_facts() -> None:
    for known in (guess(BINARY, Verdict.NOTHING), Guess(verdict=Verdict.NOTHING)):
        assert known == with_facts(binary(), known)


def test_a_message_that_a_gap_has_cut_is_left_out() -> None:
    found = with_facts(binary(gap_at=10), guess(BINARY))
    assert any("counts the bytes behind in 19 of 19 requests" in each for each in found.facts)


def test_a_side_that_sent_nothing_says_nothing() -> None:
    capture = Capture(tuple(each for each in binary().chunks if each.side == 1))
    found = with_facts(capture, guess((None, "length:2,offset=3")))
    assert found.facts
    assert not any("requests" in each for each in found.facts)
