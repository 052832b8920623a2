"""A frame that is no reply costs its command, and not the connection, where it can answer nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tcpcomm import BadReply, Equipment, Fault, NotSent, OutcomeUnknown, command, event
from tcpcomm.codec import U8, Acknowledged, Binary, Json, OneOf, Template
from tcpcomm.framing import Delimited, LengthPrefixed
from tests.conversation.foreign import Stand, stand
from tests.equipment.declared import Bench


class Scale(Equipment):
    """A scale whose declaration has only the reply of a load that is at rest."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="ascii", fault="ES{reason}")

    @command("S", reply="S S {weight:.2f} g", timeout=1.0)
    async def weigh(self) -> float:
        """Weigh."""
        raise NotImplementedError

    @command("I4", reply='I4 A "{serial}"', timeout=1.0)
    async def serial(self) -> str:
        """Return the serial number."""
        raise NotImplementedError

    @command("SI", reply=OneOf("S S {weight:.2f} g", "S D {weight:.2f} g"), timeout=1.0)
    async def weigh_now(self) -> float:
        """Weigh, whether the load is at rest or not."""
        raise NotImplementedError

    @command("SR", reply=Acknowledged("SR A", "S S {weight:.2f} g"), timeout=1.0)
    async def weigh_next(self) -> float:
        """Weigh the next load."""
        raise NotImplementedError

    @event("K C {key}")
    def key(self, key: int) -> None:
        """A key was pressed."""


class Beating(Scale):
    """The same, which must answer a heartbeat."""

    heartbeat = "beat"

    @command("@", reply="@ A")
    def beat(self) -> None:
        """Answer."""
        raise NotImplementedError


class BinaryScale(Equipment):
    """A scale that answers opcode 1 with opcode 81, and opcode 2 with 82."""

    framing = LengthPrefixed(2)
    codec = Binary(reply_bit=0x40)

    @command(1)
    async def weigh(self) -> U8:
        """Weigh."""
        raise NotImplementedError

    @command(2)
    async def count(self) -> U8:
        """Count."""
        raise NotImplementedError


class JsonScale(Equipment):
    """A scale that says in each reply which command it answers."""

    framing = Delimited(b"\n")
    codec = Json(echo=True)

    @command()
    async def weigh(self) -> int:
        """Weigh."""
        raise NotImplementedError

    @command()
    async def count(self) -> int:
        """Count."""
        raise NotImplementedError


def in_turn(*answers: bytes) -> Callable[[bytes], bytes]:
    """Answer the first frame with the first of these, the second with the second, and so on."""
    left = iter(answers)
    return lambda frame: next(left)


def ask(bench: Bench, at: Stand, *names: str) -> list[Any]:
    """Ask commands at once, and return what becomes of them, errors as their types."""
    asked = [getattr(at.proxy, name)() for name in names]
    outcomes = [bench.result(each) for each in asked]
    return [type(each) if isinstance(each, Exception) else each for each in outcomes]


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_ten_unstable_loads_of_a_hundred_polls_cost_no_connection(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    polls = 0

    def answer(frame: bytes) -> bytes:
        nonlocal polls
        polls += 1
        return b"S I\r\n" if polls % 10 == 0 else b"S S %.2f g\r\n" % polls

    at = stand(bench, Scale, answer)
    outcomes = [bench.result(at.proxy.weigh()) for _ in range(100)]
    bad = [each for each in outcomes if isinstance(each, BadReply)]
    assert (90, 10) == (sum(type(each) is float for each in outcomes), len(bad))
    assert [99.0, b"S I"] == [outcomes[98], bad[-1].frame]
    assert str(bad[-1]).endswith("(b'S I' came)")
    assert (1, []) == (len(at.program.sessions), at.lost)


def test_the_bytes_of_a_frame_that_is_no_text_are_told_and_the_session_goes_on(bench: Bench) -> None:
    at = stand(bench, Scale, in_turn(b"\xff\xfe\r\n", b"S S 2.00 g\r\n"))
    outcome = bench.result(at.proxy.weigh())
    assert (BadReply, b"\xff\xfe") == (type(outcome), outcome.frame)
    assert [2.0] == ask(bench, at, "weigh")
    assert (1, []) == (len(at.program.sessions), at.lost)


def test_a_frame_that_fits_none_of_several_forms_costs_no_connection(bench: Bench) -> None:
    at = stand(bench, Scale, in_turn(b"S I\r\n", b"S D 2.00 g\r\n"))
    assert [BadReply, 2.0] == [ask(bench, at, "weigh_now")[0] for _ in range(2)]
    assert (1, []) == (len(at.program.sessions), at.lost)


@pytest.mark.parametrize(
    ("kind", "bad", "good"),
    [
        (BinaryScale, b"\x00\x02\x77\x00", b"\x00\x02\x41\x05"),
        (BinaryScale, b"\x00\x01\x41", b"\x00\x02\x41\x05"),
        (JsonScale, b'{"cmd":"weigh","result":"high"}\n', b'{"cmd":"weigh","result":5}\n'),
        (JsonScale, b"overload\n", b'{"cmd":"weigh","result":5}\n'),
    ],
    ids=["opcode", "too short", "type", "text"],
)
def test_no_codec_loses_the_connection_by_one_frame_that_fits_nothing(
    bench: Bench, kind: Any, bad: bytes, good: bytes
) -> None:
    at = stand(bench, kind, in_turn(bad, good, bad, good))
    assert [BadReply, 5, BadReply, 5] == [ask(bench, at, "weigh")[0] for _ in range(4)]
    assert (1, []) == (len(at.program.sessions), at.lost)


@pytest.mark.parametrize(
    ("kind", "name", "answer"),
    [
        (Scale, "weigh", b'I4 A "123"\r\n'),
        (Scale, "weigh_next", b"S I\r\n"),
        (Beating, "beat", b"what?\r\n"),
        (BinaryScale, "weigh", b"\x00\x02\x42\x00"),
        (JsonScale, "weigh", b'{"cmd":"count","result":5}\n'),
    ],
    ids=["another", "several frames", "heartbeat", "another opcode", "another word"],
)
def test_a_frame_that_shows_that_the_order_is_lost_ends_the_session(
    bench: Bench, kind: Any, name: str, answer: bytes
) -> None:
    at = stand(bench, kind, in_turn(answer))
    assert [BadReply] == ask(bench, at, name)
    assert 1 == len(at.lost)


def test_frames_that_come_together_end_the_session(bench: Bench) -> None:
    at = stand(bench, Scale, in_turn(b"S I\r\nS S 1.00 g\r\n"))
    assert [BadReply, NotSent] == ask(bench, at, "weigh", "weigh")
    assert 1 == len(at.lost)


def test_a_frame_among_two_commands_under_way_ends_the_session(bench: Bench) -> None:
    class Pipelined(Scale):
        pipeline = 2

    at = stand(bench, Pipelined, in_turn(b"S I\r\n", b""))
    assert [BadReply, OutcomeUnknown] == ask(bench, at, "weigh", "weigh")
    assert 1 == len(at.lost)


def test_the_true_reply_behind_noise_is_found_before_it_answers_the_next_command(bench: Bench) -> None:
    """The noise takes the place of the reply; the silence behind it is longer than a reply takes."""
    at = stand(bench, Scale, in_turn(b"S S 1.00 g\r\n", b"noise\r\n"))
    assert [1.0] == ask(bench, at, "weigh")
    first, second = at.proxy.weigh(), at.proxy.weigh()
    assert isinstance(bench.result(first), BadReply)
    bench.network.advance(0.05)
    at.program.write(b"S S 2.00 g\r\n")
    assert isinstance(bench.result(second), NotSent)
    assert ([b"S", b"S"], 1) == (at.program.received, len(at.lost))


def test_an_event_in_place_of_the_reply_is_an_event(bench: Bench) -> None:
    at = stand(bench, Scale, in_turn(b"K C 4\r\nS S 1.00 g\r\n", b"ES\r\n"))
    keys: list[int] = []
    at.proxy.key.subscribe(keys.append)
    assert [1.0, Fault] == [ask(bench, at, "weigh")[0] for _ in range(2)]
    assert ([4], []) == (keys, at.lost)
