"""A public protocol is named where the frames have its header, and not where they are only cut like it."""

from __future__ import annotations

import pytest

from tcpcomm.tools.guess.answer import Guess
from tcpcomm.tools.guess.candidates.length import LengthCandidate
from tcpcomm.tools.guess.known import known_as
from tcpcomm.tools.guess.search import guess_framing
from tests.guess.measure import Sample, capture_of
from tests.tools.guess.talks import records, talk, texts, turn_by_turn

FAMILIES = {
    "hsms": "HSMS",
    "modbus": "Modbus TCP",
    "ads": "ADS",
    "ethernet-ip": "EtherNet/IP",
    "rtde": "RTDE of Universal Robots",
    "iec-104": "IEC 60870-5-104",
}

CUT_ALIKE = {
    "HSMS": (b"", LengthCandidate(0, 4, "big", 0)),
    "Modbus TCP": (b"", LengthCandidate(4, 2, "big", 0)),
    "ADS": (bytes(2), LengthCandidate(2, 4, "little", 0)),
    "EtherNet/IP": (b"", LengthCandidate(2, 2, "little", 20)),
    "RTDE": (b"", LengthCandidate(0, 2, "big", -2)),
    "IEC 60870-5-104": (b"h", LengthCandidate(1, 1, "big", 0)),
}
"""The first bytes, and the cut, of headers that prove nothing by themselves."""


def named(guess: Guess) -> list[str]:
    """Return the names of public protocols in the evidence."""
    assert guess.best is not None
    before = "this is the header of "
    return [each.removeprefix(before) for each in guess.best.evidence if each.startswith(before)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_public_protocol_is_named(family: str) -> None:
    guess = guess_framing(capture_of(Sample(family, "turn by turn", 3, 12)))

    assert [FAMILIES[family]] == named(guess)


@pytest.mark.parametrize("frames", [texts(40), records(40)], ids=["texts", "records"])
def test_a_plain_length_of_four_bytes_is_not_named(frames: list[bytes]) -> None:
    guess = guess_framing(turn_by_turn(talk("length:4", frames)))

    assert guess.best is not None
    assert ("length:4", "length:4") == guess.best.framings
    assert [] == named(guess)


@pytest.mark.parametrize("name", CUT_ALIKE)
def test_frames_that_are_only_cut_like_a_public_protocol_are_not_named(name: str) -> None:
    begin, candidate = CUT_ALIKE[name]
    frames = []
    for body in texts(20):
        whole = begin.ljust(candidate.offset, b"x") + bytes(candidate.width) + 3 * body
        size = len(whole) - candidate.header - candidate.adjust
        counted = size.to_bytes(candidate.width, candidate.form)  # type: ignore[arg-type]
        frames.append(whole[: candidate.offset] + counted + whole[candidate.header :])

    assert candidate.walk(b"".join(frames), 0, sum(map(len, frames))).failed_at is None
    assert known_as(candidate, frames) is None


def test_a_header_without_frames_is_not_named() -> None:
    assert known_as(LengthCandidate(0, 4, "big", 0), []) is None
