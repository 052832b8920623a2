"""Frames that are not declared, and the frames that answer them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tcpcomm import BadReply, ConfigurationError, Equipment, Fault, NotSent, command, event, raw
from tcpcomm.codec import U8, Binary, Template
from tcpcomm.conversation import raw_reply
from tcpcomm.framing import LengthPrefixed, Lines
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench


class Mill(Equipment):
    """A milling machine that speaks as grbl does."""

    framing = Lines(send=b"\n")
    codec = Template(encoding="ascii", fault="error:{code:d}")

    @command("G0X{x:.1f}", reply="ok", timeout=1.0)
    async def go(self, x: float) -> None:
        """Move to a place."""
        raise NotImplementedError

    @event("ALARM:{code}")
    def alarm(self, code: int) -> None:
        """The machine has stopped."""


PROBED = b"[PRB:0.000,0.000,-9.121:1]"


def probing(write_later: Callable[[bytes], object] | None = None) -> Callable[[bytes], bytes]:
    """Answer a probe with two lines, and refuse each move. ``write_later`` gets the second line."""

    def answer(frame: bytes) -> bytes:
        if frame.startswith(b"G0"):
            return b"error:9\r\n"
        if write_later is None:
            return PROBED + b"\r\nok\r\n"
        write_later(b"ok\r\n")
        return PROBED + b"\r\n"

    return answer


@pytest.mark.parametrize("cuts", [0.0, 1.0])
@pytest.mark.parametrize("said", [{"frames": 2}, {"until": rb"ok|error:\d+"}, {"until": re.compile(b"o.")}])
def test_a_raw_reply_takes_all_its_frames_and_the_next_command_is_refused(cuts: float, said: Any) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Mill, probing())
    probe, move = raw(at.proxy, b"G38.2Z-10", **said), at.proxy.go(1.0)
    assert [PROBED, b"ok"] == bench.result(probe)
    outcome = bench.result(move)
    assert (Fault, 9, []) == (type(outcome), outcome.code, at.lost)


def test_a_frame_left_over_ends_the_session_and_answers_no_command(bench: Bench) -> None:
    """The machine refuses the move. A move that succeeds would have got the line that was left over."""
    later: list[bytes] = []
    at = stand(bench, Mill, probing(later.append))
    probe, move = raw(at.proxy, b"G38.2Z-10"), at.proxy.go(1.0)
    assert PROBED == bench.result(probe)
    bench.network.advance(0.05)
    at.program.write(later[0])
    assert NotSent is type(bench.result(move))
    assert ([b"G38.2Z-10"], 1) == (at.program.received, len(at.lost))
    assert at.lost[0].startswith("b'ok' came, but no command waits for a reply")


def test_two_frames_at_once_are_one_too_many(bench: Bench) -> None:
    at = stand(bench, Mill, probing())
    probe, move = raw(at.proxy, b"G38.2Z-10"), at.proxy.go(1.0)
    assert "in doubt" in str(bench.result(probe))
    assert NotSent is type(bench.result(move))


def test_a_command_behind_a_raw_frame_waits_for_a_silence_and_behind_a_counted_one_does_not(
    bench: Bench,
) -> None:
    at = stand(bench, Mill, lambda frame: b"ok\r\n")
    for said, silence in (({}, 0.5), ({"frames": 1}, 0.0)):
        bench.result(raw(at.proxy, b"$X", **said))
        began = bench.network.clock.now
        assert None is bench.result(at.proxy.go(1.0))
        assert silence <= bench.network.clock.now - began < silence + 0.1
    assert [] == at.lost


def test_events_between_the_frames_are_events(bench: Bench) -> None:
    at = stand(bench, Mill, lambda frame: b"one\r\nALARM:3\r\ntwo\r\n")
    codes: list[int] = []
    at.proxy.alarm.subscribe(codes.append)
    assert [b"one", b"two"] == bench.result(raw(at.proxy, b"?", frames=2))
    assert ([3], []) == (codes, at.lost)


def test_a_raw_reply_may_be_anything_also_what_no_codec_reads(bench: Bench) -> None:
    class Odd(Equipment):
        framing = LengthPrefixed(1)
        codec = Binary(reply_bit=0x40)

        @command(1)
        async def weigh(self) -> U8:
            raise NotImplementedError

        @event(9)
        def key(self, key: U8) -> None: ...

    at = stand(bench, Odd, lambda frame: b"\x02\x77\xff")
    assert b"\x77\xff" == bench.result(raw(at.proxy, b"\x33"))
    assert [] == at.lost


def test_an_end_that_never_comes_ends_the_session(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_reply, "MAX_RAW_FRAMES", 50)
    at = stand(bench, Mill, lambda frame: b"$1=2\r\n" * 60)
    outcome = bench.result(raw(at.proxy, b"$$", until=b"ok"))
    assert BadReply is type(outcome)
    assert "none of 50 frames fits b'ok', the end" in str(outcome)
    assert 1 == len(at.lost)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"frames": 1, "until": b"ok"}, "give either frames or until: both say where the reply ends"),
        ({"frames": 0}, "frames must be a number of frames, 1 or more, not 0"),
        ({"frames": True}, "frames must be a number of frames, 1 or more, not True"),
        ({"until": b"("}, r"until=b'\(' is not a regular expression: missing \), unterminated subpattern"),
        ({"until": "ok"}, "until must be bytes, as in rb'ok', not 'ok'"),
    ],
)
def test_an_end_that_cannot_be_used_is_refused(bench: Bench, said: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{reason}"):
        raw(bench.remote(Mill), b"?", **said)
