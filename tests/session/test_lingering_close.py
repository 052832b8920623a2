"""The polite close: all bytes arrive, even if the peer sends on or does not close."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.interfaces import ITransport
from twisted.protocols.policies import WrappingFactory
from zope.interface import implementer_only

from tcpcomm import Limits
from tests.session.stage import Lost, Spy, Stage, TLSTransport, Transport, staged

CLOSED = Lost("the shift is over")


def closing(**options: Any) -> Stage:
    """Return a stage with a closing session, and a peer that ignores the end of the stream."""
    stage = staged(**options)
    stage.transport.polite = False
    stage.session.sendFrame(b"bye")
    stage.session.close("the shift is over")
    stage.settle()
    return stage


def test_only_the_sending_side_is_shut_until_the_peer_closes() -> None:
    stage = closing()
    assert b"bye;" == stage.transport.received
    assert stage.transport.shut
    assert stage.transport.ended is None
    stage.transport.end_input()
    stage.settle()
    assert "closed" == stage.transport.ended
    assert [CLOSED] == stage.session.seen
    assert [] == stage.clock.getDelayedCalls()


def test_what_still_arrives_is_read_and_dropped() -> None:
    stage = closing()
    stage.receive(b"a;", b"b;")
    assert [] == stage.session.seen
    assert [] == stage.transport._arriving


def test_a_paused_session_reads_while_it_closes() -> None:
    stage = staged()
    stage.transport.polite = False
    stage.session.pauseProducing()
    stage.transport.arrive(b"a;", b"b;")
    stage.session.close("the shift is over")
    stage.wait(0.5)
    assert [] == stage.transport._arriving
    stage.transport.end_input()
    stage.settle()
    assert [CLOSED] == stage.session.seen


def test_a_silent_peer_that_does_not_close_is_closed_after_a_second() -> None:
    stage = closing()
    stage.wait(0.99)
    assert stage.transport.ended is None
    stage.wait(0.02)
    assert "closed" == stage.transport.ended
    assert [CLOSED] == stage.session.seen


def test_the_second_counts_from_the_end_of_what_was_sent() -> None:
    stage = staged()
    stage.transport.polite = False
    stage.transport.appetite = 0
    stage.session.sendFrame(b"bye")
    stage.session.close("the shift is over")
    stage.wait(5.0)
    assert b"" == stage.transport.received
    stage.transport.appetite = None
    stage.wait(0.99)
    assert stage.transport.ended is None
    stage.wait(0.02)
    assert [CLOSED] == stage.session.seen


def test_a_peer_that_sends_on_is_given_longer_but_not_for_ever() -> None:
    stage = closing(limits=Limits(stall=10.0))
    for _ in range(19):
        stage.wait(0.5)
        stage.receive(b"more;")
    assert stage.transport.ended is None
    stage.wait(0.6)
    assert "closed" == stage.transport.ended
    assert [CLOSED] == stage.session.seen


def test_a_peer_that_is_owed_nothing_has_a_second_also_while_it_sends() -> None:
    stage = staged()
    stage.transport.polite = False
    stage.session.close("the shift is over")
    for _ in range(9):
        stage.wait(0.1)
        stage.receive(b"more;")
    assert stage.transport.ended is None
    stage.wait(0.11)
    assert "closed" == stage.transport.ended
    assert [CLOSED] == stage.session.seen


@pytest.mark.parametrize(("quiet", "ended"), [(0.95, None), (1.0, "closed")])
def test_a_peer_is_owed_nothing_a_second_after_the_last_bytes(quiet: float, ended: str | None) -> None:
    stage = staged()
    stage.transport.polite = False
    stage.session.sendFrame(b"bye")
    stage.wait(quiet)
    stage.session.close("the shift is over")
    for _ in range(11):
        stage.wait(0.1)
        stage.receive(b"more;")
    assert ended == stage.transport.ended


class Rude(TLSTransport):
    """The peer says no goodbye."""

    def _may_close(self) -> bool:
        return False


@pytest.mark.parametrize(("quiet", "lost"), [(2.95, False), (3.0, True)])
def test_over_tls_a_peer_is_owed_nothing_when_the_last_bytes_had_time_to_leave(
    quiet: float, lost: bool
) -> None:
    transport = Rude()
    stage = Stage(Spy, transport=transport, limits=Limits(stall=3.0)).connect()
    transport.complete_handshake()
    stage.session.sendFrame(b"bye")
    stage.wait(quiet)
    stage.session.close("the shift is over")
    stage.wait(1.1)
    assert lost == transport.lost


def test_a_peer_over_tls_that_is_owed_nothing_has_a_second_for_its_goodbye() -> None:
    transport = Rude()
    stage = Stage(Spy, transport=transport).connect()
    transport.complete_handshake()
    stage.session.close("the shift is over")
    stage.wait(0.99)
    assert not transport.lost
    stage.wait(0.02)
    assert "aborted" == transport.ended
    assert [CLOSED] == stage.session.seen


def test_a_peer_that_takes_nothing_is_aborted() -> None:
    stage = staged()
    stage.transport.appetite = 0
    stage.session.sendFrame(b"bye")
    stage.session.close("the shift is over")
    stage.wait(10.1)
    assert "aborted" == stage.transport.ended
    assert [Lost("the shift is over; the peer took nothing of the rest for 10 s")] == stage.session.seen


def test_a_session_can_be_aborted_while_it_waits_for_the_peer() -> None:
    stage = closing()
    stage.session.abort("the cover is open")
    stage.settle()
    assert "aborted" == stage.transport.ended
    assert [Lost("the cover is open")] == stage.session.seen
    assert [] == stage.clock.getDelayedCalls()


def test_a_peer_that_ends_while_the_last_is_sent_is_closed_after_it() -> None:
    stage = staged()
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 200_000)
    stage.session.close("the shift is over")
    stage.transport.end_input()
    stage.settle()
    assert not stage.transport.lost
    stage.transport.appetite = None
    stage.settle()
    assert 200_000 == len(stage.transport.received)
    assert (False, "closed") == (stage.transport.shut, stage.transport.ended)
    assert [CLOSED] == stage.session.seen


def test_a_peer_that_ends_before_it_has_taken_the_last_is_closed_after_it() -> None:
    stage = staged()
    stage.transport.appetite = 0
    stage.session.sendFrame(b"bye")
    stage.session.close("the shift is over")
    stage.transport.end_input()
    stage.settle()
    assert (True, "closed") == (stage.transport.shut, stage.transport.ended)
    stage.transport.appetite = None
    stage.settle()
    assert b"bye;" == stage.transport.received
    assert [CLOSED] == stage.session.seen


def test_tls_is_closed_at_once_for_it_waits_for_the_peers_answer_itself() -> None:
    transport = TLSTransport()
    stage = Stage(Spy, transport=transport).connect()
    transport.complete_handshake()
    stage.session.close("the shift is over")
    stage.settle()
    assert (False, "closed") == (transport.shut, transport.ended)
    assert [CLOSED] == stage.session.seen


def test_a_transport_that_knows_no_half_close_is_closed_at_once() -> None:
    @implementer_only(ITransport)
    class Whole(Transport):
        pass

    stage = staged(transport=Whole())
    stage.session.close("the shift is over")
    stage.settle()
    assert (False, "closed") == (stage.transport.shut, stage.transport.ended)
    assert [CLOSED] == stage.session.seen


def test_within_a_wrapper_that_passes_no_half_close_on_it_is_closed_at_once() -> None:
    stage = Stage()
    wrapper = WrappingFactory(stage.factory).buildProtocol(stage.transport.address)
    stage.session, stage.transport.protocol = wrapper.wrappedProtocol, wrapper
    wrapper.makeConnection(stage.transport)
    stage.session.close("the shift is over")
    stage.settle()
    assert (False, "closed") == (stage.transport.shut, stage.transport.ended)
    assert [CLOSED] == stage.session.seen
