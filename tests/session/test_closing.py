"""The end of a session that still has bytes to send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.session.spies import KIB, MIB, BigSpy, replying
from tests.session.stage import Lost, TLSTransport, Transport, staged


def test_close_sends_the_bytes_that_wait() -> None:
    stage = staged(BigSpy)
    frame = b"x" * MIB
    stage.session.sendFrame(frame)
    stage.session.close()
    stage.settle()
    assert frame + b";" == stage.transport.received
    assert [Lost("closed here")] == stage.session.seen
    assert "closed" == stage.transport.ended


def test_close_in_a_handler_sends_the_bytes_of_the_handler() -> None:
    def answer_and_close(frame: bytes) -> None:
        stage.session.sendFrame(b"bye")
        stage.session.close()

    stage = staged()
    stage.session.on_frame = answer_and_close
    stage.receive(b"a;b;")
    assert b"bye;" == stage.transport.received


def test_close_waits_for_a_slow_reader() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * MIB)
    stage.session.close()
    for _ in range(20):
        stage.wait(8.0)
        stage.transport.appetite = None
        stage.turn()
        stage.transport.appetite = 0
    stage.settle()
    assert MIB + 1 == len(stage.transport.received)
    assert [Lost("closed here")] == stage.session.seen


def test_close_aborts_a_peer_that_takes_nothing_of_the_rest() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 200 * KIB)
    stage.session.close("the shift is over")
    stage.wait(9.9)
    assert [] == stage.session.seen
    stage.wait(0.2)
    assert [Lost("the shift is over; the peer took nothing of the rest for 10 s")] == stage.session.seen
    assert "aborted" == stage.transport.ended


def test_a_handed_over_rest_is_not_waited_for_longer_either() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 10 * KIB)
    stage.session.close("the shift is over")
    stage.wait(10.1)
    assert [Lost("the shift is over; the peer took nothing of the rest for 10 s")] == stage.session.seen


def test_abort_drops_the_bytes_that_wait() -> None:
    stage = staged(BigSpy)
    stage.session.sendFrame(b"x" * MIB)
    stage.session.abort()
    stage.settle()
    assert b"" == stage.transport.received
    assert [Lost("aborted here")] == stage.session.seen


def test_abort_ends_a_polite_close() -> None:
    stage = staged(BigSpy)
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * MIB)
    stage.session.close("politely")
    stage.session.abort("at once")
    stage.settle()
    assert [Lost("at once")] == stage.session.seen


def test_abort_closes_a_transport_that_cannot_abort() -> None:
    class Pipe(Transport):
        abortConnection = property()

    stage = staged(BigSpy, transport=Pipe())
    stage.session.sendFrame(b"x" * 10 * KIB)
    stage.session.abort("at once")
    stage.session.abort("again")
    stage.settle()
    assert "closed" == stage.transport.ended
    assert [Lost("at once")] == stage.session.seen


@pytest.mark.parametrize("hold", ["the user", "the peer"])
@pytest.mark.parametrize("transport", [Transport, TLSTransport])
def test_a_session_that_was_not_reading_can_be_closed(hold: str, transport: Callable[[], Any]) -> None:
    stage = staged(BigSpy, transport=transport())
    if isinstance(stage.transport, TLSTransport):
        stage.transport.complete_handshake()
    if hold == "the user":
        stage.session.pauseProducing()
    else:
        stage.transport.appetite = 0
        stage.session.sendFrame(b"x" * 400 * KIB)
    stage.settle()
    assert not stage.transport.reading
    stage.session.close("the shift is over")
    stage.transport.appetite = None
    stage.settle()
    assert [Lost("the shift is over")] == stage.session.seen


def test_a_closing_session_reads_on_so_that_a_peer_that_sends_can_read_later() -> None:
    stage = replying(b"x" * 400 * KIB)
    stage.transport.appetite = 0
    stage.receive(b"a;", b"b;", b"c;")
    assert not stage.transport.reading
    stage.session.close()
    stage.settle()
    assert [] == stage.transport._arriving
    assert [b"a"] == stage.session.seen
