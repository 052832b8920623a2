"""The heartbeats of a server's sessions."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm.framing import Delimited
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.session.limits import Limits
from tests.session.stage import BatchSpy, Lost, Spy, Stage, recorded_log, staged

BEAT = Heartbeat(b"PING", b"PONG")
OFTEN = Heartbeats(0.1, 0.3)


def ended(stage: Stage) -> list[object]:
    return [each for each in stage.session.seen if isinstance(each, Lost)]


def test_a_peer_that_is_silent_for_too_long_is_aborted_with_a_reason() -> None:
    stage = staged(heartbeats=OFTEN)
    stage.wait(0.29)
    assert [] == ended(stage)
    stage.wait(0.02)
    assert ("aborted", [Lost("no heartbeat for 0.30 s")]) == (stage.transport.ended, ended(stage))


def test_a_peer_that_says_anything_is_alive() -> None:
    stage = staged(heartbeats=OFTEN)
    for _ in range(20):
        stage.wait(0.2)
        stage.receive(b"x;")
    assert [b"x"] * 20 == stage.session.seen
    stage.wait(0.31)
    assert [Lost("no heartbeat for 0.30 s")] == ended(stage)


def test_a_peer_that_waits_for_a_reply_must_be_heard_too() -> None:
    stage = staged(heartbeats=OFTEN)

    async def never(frame: bytes) -> None:
        await forever()

    stage.session.on_frame = never
    stage.receive(b"x;")
    stage.wait(0.31)
    assert [Lost("no heartbeat for 0.30 s")] == ended(stage)


def forever() -> Any:
    from twisted.internet.defer import Deferred

    return Deferred()


def test_heartbeats_are_answered_in_their_turn_and_swallowed() -> None:
    stage = staged(heartbeat=BEAT)
    stage.session.on_frame = stage.session.sendFrame
    stage.receive(b"a;PING;PING;b;PONG;c;PING;")
    assert [b"a", b"b", b"c"] == stage.session.seen
    assert b"a;PONG;PONG;b;c;PONG;" == b"".join(stage.transport.sent())
    assert (3, 3) == (stage.session.frames_received, stage.session.frames_sent)


def test_batches_are_parted_at_heartbeats() -> None:
    stage = staged(BatchSpy, heartbeat=BEAT)
    stage.receive(b"a;b;PING;c;")
    assert [[b"a", b"b"], [b"c"]] == stage.session.seen


def test_without_the_pair_such_frames_are_the_user_s() -> None:
    stage = staged(heartbeats=OFTEN)
    stage.receive(b"PING;")
    assert [b"PING"] == stage.session.seen


def test_a_pair_without_a_reply_is_not_answered() -> None:
    stage = staged(heartbeat=Heartbeat(b"ALIVE"))
    stage.receive(b"ALIVE;x;")
    assert ([b"x"], []) == (stage.session.seen, stage.transport.sent())


def test_a_pause_between_heartbeats_holds_back_the_frames_behind_it() -> None:
    stage = staged(heartbeat=BEAT)
    stage.session.on_frame = lambda frame: stage.session.pauseProducing() if frame == b"a" else None
    stage.receive(b"a;PING;b;")
    assert ([b"a"], []) == (stage.session.seen, stage.transport.sent())
    stage.session.resumeProducing()
    stage.settle()
    assert [b"a", b"b"] == stage.session.seen
    assert [b"PONG;"] == stage.transport.sent()


def test_a_close_between_heartbeats_answers_no_later_one() -> None:
    stage = staged(heartbeat=BEAT)
    stage.session.on_frame = lambda frame: stage.session.close()
    stage.receive(b"PING;a;PING;b;")
    assert [b"a"] == stage.session.seen[:1]
    assert b"PONG;" == b"".join(stage.transport.sent())


def test_an_abort_for_answers_that_are_not_read_delivers_nothing_that_came_with_them() -> None:
    limits = Limits(unread_pause=70_000, unread_abort=80_000)
    framing = Delimited(b";", max_frame=8192)
    stage = staged(heartbeat=Heartbeat(b"PING", b"PONG" * 2000), framing=framing, limits=limits)
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 132_000)
    stage.receive(b"PING;" * 12 + b"a;")
    stage.settle()
    assert [Lost("the peer does not read: 96940 bytes wait for it")] == stage.session.seen


def test_heartbeats_are_asked_for_where_that_is_wanted() -> None:
    stage = staged(heartbeat=BEAT, heartbeats=OFTEN, asks=True)
    for _ in range(10):
        stage.wait(0.1)
        stage.receive(b"PONG;")
    assert pytest.approx(10, abs=1) == b"".join(stage.transport.sent()).count(b"PING;")
    assert [] == stage.session.seen
    assert 0 == stage.session.frames_sent


def test_they_are_only_answered_by_default() -> None:
    stage = staged(heartbeat=BEAT, heartbeats=OFTEN)
    stage.wait(0.2)
    assert [] == stage.transport.sent()


def test_a_stall_of_this_process_is_not_the_peer_s_silence() -> None:
    stage = staged(heartbeats=OFTEN)
    for _ in range(10):
        stage.wait(0.1)
        stage.be_busy(0.5)
        stage.transport.arrive(b"x;")
        stage.settle()
    assert [] == ended(stage)


def test_a_peer_that_is_not_read_from_is_not_judged() -> None:
    stage = staged(heartbeats=OFTEN)
    stage.session.pauseProducing()
    stage.wait(5.0)
    assert [] == ended(stage)
    stage.session.resumeProducing()
    stage.wait(0.31)
    assert [Lost("no heartbeat for 0.30 s")] == ended(stage)


def test_a_peer_that_has_finished_sending_need_not_be_heard() -> None:
    class Late(Spy):
        def inputEnded(self) -> None:
            self.seen.append("input ended")

    stage = staged(Late, heartbeats=OFTEN)
    stage.transport.end_input()
    stage.wait(2.0)
    assert ["input ended"] == stage.session.seen


def test_a_heartbeat_that_the_framing_cannot_carry_ends_the_session_with_its_reason() -> None:
    with recorded_log() as logged:
        stage = staged(heartbeat=Heartbeat(b"PI;NG", b"PONG"), heartbeats=OFTEN, asks=True)
        stage.wait(0.2)
        (line,) = logged.failures()
    assert line.endswith("(EncodeError)")
    assert "closed" == stage.transport.ended


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([], ([], [], [])),
        ([b"a"], ([], [b"a"], [])),
        ([b"PING", b"PONG", b"PING"], ([b"PONG", b"PONG"], [], [])),
        ([b"a", b"PING", b"b"], ([], [b"a"], [b"PING", b"b"])),
        ([b"PING", b"a", b"PONG"], ([b"PONG"], [b"a"], [b"PONG"])),
    ],
)
def test_frames_are_parted_at_heartbeats(head: list[bytes], expected: object) -> None:
    assert expected == BEAT.split(head)


def test_a_heartbeat_that_is_its_own_reply_is_not_answered_for_ever() -> None:
    assert Heartbeat(b"ECHO", b"ECHO").answer(b"ECHO") is None
