"""A protocol that no framing of the notation cuts is told by its name, and not guessed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tcpcomm.tools.guess.answer import Verdict
from tcpcomm.tools.guess.search import guess_framing
from tests.guess.families.bytes import m_bus_frame
from tests.tools.guess.talks import Said, turn_by_turn


def meters() -> Said:
    """Return a host that selects and reads meters: all forms of frames come from both sides."""
    random, said = Random(1), Said()
    for number in range(20):
        meter = random.randrange(1, 200)
        if number % 2:
            said += [(0, m_bus_frame(bytes([0x53, meter, 0x51]) + random.randbytes(4))), (1, b"\xe5")]
        else:
            answer = bytes([8, meter, 0x72]) + random.randbytes(random.randrange(9, 30))
            said += [(0, m_bus_frame(bytes([0x5B, meter]))), (1, m_bus_frame(answer))]
    return said


def test_short_and_long_frames_of_m_bus_are_told_by_name() -> None:
    guess = guess_framing(turn_by_turn(meters()))

    assert Verdict.NOTHING is guess.verdict
    [doubt] = guess.doubts
    assert doubt.startswith("this looks like M-Bus: ")
    assert "HeaderFramed" in doubt


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-2] + b"\0\x16", lambda data: data[:-1] + b"\x17"], ids=["sum", "stop"]
)
def test_frames_with_a_wrong_end_are_no_m_bus(spoil: Callable[[bytes], bytes]) -> None:
    said = [(side, data if len(data) == 1 else spoil(data)) for side, data in meters()]

    guess = guess_framing(turn_by_turn(said))

    assert not [each for each in guess.doubts if "M-Bus" in each]


def test_meters_that_send_long_frames_only_have_a_framing() -> None:
    said = [(side, data) for side, data in meters() if (side == 1) == (data[:1] == b"\x68")]

    guess = guess_framing(turn_by_turn(said))

    assert guess.best is not None
    assert guess.best.framings[1] is not None
    assert "check=sum8" in guess.best.framings[1]
