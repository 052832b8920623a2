"""Commands of Telnet are taken out of a stream, and the rest is guessed."""

from __future__ import annotations

import pytest

from tcpcomm.framing import parse_framing
from tcpcomm.tools.guess.answer import Verdict
from tcpcomm.tools.guess.search import guess_framing
from tests.tools.guess.talks import Said, talk, texts, turn_by_turn

LINES, TELNET = r"delimited:\r\n", r"delimited:\r\n,telnet"
OFFERS = b"\xff\xfb\x01\xff\xfb\x03\xff\xfd\x18"
REFUSALS = b"\xff\xfe\x01\xff\xfe\x03\xff\xfc\x18"
TERMINAL = b"\xff\xfa\x18\x00VT100\xff\xf0"


@pytest.mark.parametrize(
    ("opening", "answer"),
    [
        ([(1, OFFERS), (0, REFUSALS)], (TELNET, TELNET)),
        ([(0, REFUSALS)], (TELNET, LINES)),
        ([(1, OFFERS + TERMINAL)], (LINES, TELNET)),
    ],
    ids=["both", "opener", "answerer"],
)
def test_a_side_that_negotiates_speaks_telnet(opening: Said, answer: tuple[str, str]) -> None:
    said = opening + talk(LINES, texts(30))

    guess = guess_framing(turn_by_turn(said))

    assert guess.best is not None
    assert answer == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict, guess.doubts
    assert any("belongs to a command of Telnet" in each for each in guess.best.evidence)


def test_the_answer_decodes_the_stream_with_its_commands() -> None:
    messages = texts(30)
    said = [(1, OFFERS), *talk("length:2,telnet", [each + b"\xff" for each in messages])]

    guess = guess_framing(turn_by_turn(said))

    assert guess.best is not None
    assert "length:2,telnet" == guess.best.framings[1]
    decoder = parse_framing("length:2,telnet").decoder()
    got = [frame for side, data in said if side == 1 for frame in decoder.feed(data)]
    assert [each + b"\xff" for each in messages[1::2]] == got


def test_frames_that_begin_with_ff_are_no_telnet() -> None:
    frames = [b"\xff\xfb" + bytes([len(each)]) + each for each in texts(40)]

    guess = guess_framing(turn_by_turn(talk("raw", frames)))

    assert guess.best is not None
    assert ("length:1,offset=2", "length:1,offset=2") == guess.best.framings
    assert Verdict.CONFIDENT is guess.verdict
