"""Bytes before the first message of a connection are counted, and the rest is guessed."""

from __future__ import annotations

import pytest
from attrs import evolve

from tcpcomm.tools.guess.answer import Verdict
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.search import guess_framing
from tcpcomm.tools.guess.wrappers.preamble import LONGEST_PREAMBLE
from tests.tools.guess.talks import Said, records, talk, texts, turn_by_turn

ADDRESS = bytes.fromhex("0090E8123456")
FRAMES = {
    "length:2": records(30),
    "length:1,check=sum8": records(30),
    "stx-etx,bcc=xor": texts(30),
    r"delimited:\r\n": texts(30),
}


def greeted(notation: str, greeting: bytes, *, alone: bool) -> Capture:
    """Return a capture in which the answerer sends a greeting, alone or before its first message."""
    said = talk(notation, FRAMES[notation])
    if alone:
        return turn_by_turn([(1, greeting), *said])
    first, (side, data), *rest = said
    return turn_by_turn([first, (side, greeting + data), *rest])


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "before a message"])
@pytest.mark.parametrize("notation", FRAMES)
def test_the_bytes_before_the_first_message_are_counted(notation: str, alone: bool) -> None:
    guess = guess_framing(greeted(notation, ADDRESS, alone=alone))

    assert guess.best is not None
    assert (notation, f"{notation},preamble=6") == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict, guess.doubts
    assert "6 bytes stand before the first message" in guess.best.evidence


def test_a_word_without_the_end_of_a_line_is_a_preamble() -> None:
    guess = guess_framing(greeted(r"delimited:\r\n", b"HELLO", alone=True))

    assert guess.best is not None
    assert r"delimited:\r\n,preamble=5" == guess.best.framings[1]


def test_a_first_text_unlike_the_others_belongs_to_no_preamble() -> None:
    said = talk(r"delimited:\r\n", [b"READ,%d" % n if n % 2 == 0 else b"OK,%d" % n for n in range(30)])
    said[1] = (1, b"\xaaU\x01\x02STATUS IDLE\r\n")

    guess = guess_framing(turn_by_turn(said))

    assert guess.best is not None
    assert r"delimited:\r\n,preamble=4" == guess.best.framings[1]


@pytest.mark.parametrize(
    "greeting", [b"READY\r\n", b"220 a service that is ready\r\n", "카메라 준비\r\n".encode()]
)
def test_a_first_line_is_a_message(greeting: bytes) -> None:
    guess = guess_framing(greeted(r"delimited:\r\n", greeting, alone=True))

    assert guess.best is not None
    assert (r"delimited:\r\n", r"delimited:\r\n") == guess.best.framings


@pytest.mark.parametrize(
    "opening",
    [[(1, b"User: \r\n")], [(0, b"\x01HI"), (1, b"\x01HELLO")]],
    ids=["a line", "a handshake"],
)
def test_other_messages_before_the_first_frame_are_no_preamble(opening: Said) -> None:
    guess = guess_framing(turn_by_turn(opening + talk("length:2", records(30))))

    assert guess.best is not None
    assert not [each for each in guess.best.framings if "preamble" in str(each)]
    assert Verdict.CONFIDENT is not guess.verdict


@pytest.mark.parametrize(("size", "shown"), [(LONGEST_PREAMBLE, True), (LONGEST_PREAMBLE + 1, False)])
def test_a_preamble_has_64_bytes_at_most(size: int, shown: bool) -> None:
    guess = guess_framing(greeted("stx-etx,bcc=xor", bytes(range(100, 100 + size)), alone=True))

    assert guess.best is not None
    assert shown == (f"stx-etx,bcc=xor,preamble={size}" == guess.best.framings[1])


def test_a_capture_that_may_begin_in_a_message_shows_no_preamble() -> None:
    capture = evolve(greeted("length:2", ADDRESS, alone=True), from_start=False)

    guess = guess_framing(capture)

    assert guess.best is not None
    assert ("length:2", "length:2") == guess.best.framings
