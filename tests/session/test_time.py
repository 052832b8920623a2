"""Time limits for idle peers and handshakes. No timer is left over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost

from tcpcomm import Limits
from tests.session.spies import KIB, GapSpy
from tests.session.stage import PEER, Logged, Lost, Spy, TLSTransport, staged


def test_an_idle_peer_is_closed_after_ten_minutes() -> None:
    stage = staged()
    stage.wait(599.0)
    assert [] == stage.session.seen
    stage.wait(2.0)
    assert [Lost("the peer was silent for 600 s")] == stage.session.seen
    assert "closed" == stage.transport.ended


def test_every_byte_begins_the_idle_time_again() -> None:
    stage = staged(limits=Limits(idle=3.0))
    for _ in range(10):
        stage.wait(2.5)
        stage.receive(b"a;")
    assert [b"a"] * 10 == stage.session.seen
    stage.wait(3.1)
    assert Lost("the peer was silent for 3 s") == stage.session.seen[-1]


def test_without_an_idle_limit_a_peer_may_be_silent_for_ever() -> None:
    stage = staged(limits=Limits(idle=None))
    stage.wait(1e7)
    assert [] == stage.session.seen
    assert [] == stage.clock.getDelayedCalls()


def test_a_peer_that_waits_for_a_reply_is_not_idle() -> None:
    gate: Deferred[None] = Deferred()
    stage = staged(limits=Limits(idle=3.0))
    stage.session.on_frame = lambda frame: gate
    stage.receive(b"a;")
    stage.wait(60.0)
    assert [b"a"] == stage.session.seen
    gate.callback(None)
    stage.wait(2.9)
    assert [b"a"] == stage.session.seen
    stage.wait(0.2)
    assert [b"a", Lost("the peer was silent for 3 s")] == stage.session.seen


def test_the_idle_time_begins_also_when_one_handler_lets_another_finish() -> None:
    gate: Deferred[None] = Deferred()
    stage = staged(limits=Limits(idle=3.0))
    stage.session.on_frame = lambda frame: gate if frame == b"a" else gate.callback(None)
    stage.receive(b"a;")
    stage.wait(60.0)
    stage.receive(b"b;")
    stage.wait(3.1)
    assert [b"a", b"b", Lost("the peer was silent for 3 s")] == stage.session.seen


def test_a_peer_that_only_reads_what_it_is_sent_is_not_idle() -> None:
    stage = staged(limits=Limits(idle=3.0))
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 1000 * KIB)
    for _ in range(8):
        stage.wait(2.0)
        stage.transport.appetite = None
        stage.turn()
        stage.transport.appetite = 0
    assert [] == stage.session.seen
    stage.transport.appetite = None
    stage.wait(2.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost("the peer was silent for 3 s")] == stage.session.seen


def test_a_peer_that_is_not_read_from_is_not_idle() -> None:
    stage = staged(limits=Limits(idle=3.0))
    stage.session.pauseProducing()
    stage.wait(60.0)
    stage.session.resumeProducing()
    stage.wait(2.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert 1 == len(stage.session.seen)


def test_a_peer_whose_bytes_came_while_we_were_busy_is_not_idle() -> None:
    stage = staged(limits=Limits(idle=0.3))
    stage.transport.arrive(b"a;")
    stage.be_busy(2.0)
    stage.settle()
    assert [b"a"] == stage.session.seen


def test_over_TLS_a_session_is_ready_after_the_handshake() -> None:
    stage = staged(transport=TLSTransport())
    stage.session.on_ready = lambda: stage.session.seen.append("ready")
    assert [] == stage.session.seen
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    assert ["ready"] == stage.session.seen
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    assert ["ready"] == stage.session.seen


def test_a_handshake_has_two_seconds(logged: Logged) -> None:
    stage = staged(transport=TLSTransport())
    stage.wait(1.9)
    assert stage.transport.ended is None
    stage.wait(0.2)
    assert "aborted" == stage.transport.ended
    assert [] == stage.session.seen
    assert [f"{PEER}: connection refused: TLS was not established within 2 s"] == logged.lines()


def test_a_session_that_is_closed_before_the_handshake_is_never_ready() -> None:
    stage = staged(transport=TLSTransport())
    stage.session.on_ready = lambda: stage.session.seen.append("ready")
    stage.session.close()
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    stage.settle()
    assert [] == stage.session.seen


def test_a_session_that_is_paused_before_the_handshake_reads_it() -> None:
    stage = staged(transport=TLSTransport())
    stage.session.pauseProducing()
    assert stage.transport.reading
    stage.session.resumeProducing()
    stage.session.pauseProducing()
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    assert not stage.transport.reading


def test_the_idle_time_takes_the_place_of_the_handshakes() -> None:
    stage = staged(transport=TLSTransport(), limits=Limits(idle=0.5))
    stage.wait(0.2)
    stage.transport.complete_handshake()  # type: ignore[attr-defined]
    stage.wait(0.2)
    assert [] == stage.session.seen
    stage.wait(0.5)
    assert [Lost("the peer was silent for 0.5 s")] == stage.session.seen


@pytest.mark.parametrize("protocol", [Spy, GapSpy])
@pytest.mark.parametrize("end", ["close", "abort", "peer", "input", "fault"])
def test_no_timer_is_left_after_the_end(protocol: Callable[[], Any], end: str, logged: Logged) -> None:
    stage = staged(protocol)
    stage.session.on_frame = lambda frame: Deferred()
    stage.receive(b"a;b\nc", b"d")
    match end:
        case "close" | "abort":
            getattr(stage.session, end)()
        case "peer":
            stage.transport.break_off(ConnectionLost())
        case "input":
            stage.transport.end_input()
            stage.settle()
            stage.session.close()
        case "fault":
            stage.session.on_frame = lambda frame: 1 / 0
            stage.receive(b"e;\n")
            logged.failures()
    stage.settle()
    assert stage.transport.lost
    assert [] == stage.clock.getDelayedCalls()


def test_a_session_keeps_one_timer() -> None:
    stage = staged(GapSpy)
    stage.receive(b"a\nb", b"c\nd")
    stage.session.sendBytes(b"x" * 500 * KIB)
    assert 1 == len(stage.clock.getDelayedCalls())
