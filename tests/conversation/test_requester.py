"""Commands that are asked of a peer that does not read: none of them is left without an outcome."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm.conversation.raw_reply import ANY_FRAME
from tcpcomm.conversation.requester import Requester
from tcpcomm.framing import LengthPrefixed
from tcpcomm.session.limits import Limits
from tests.session.spies import KIB
from tests.session.stage import Stage, staged

FRAMING = LengthPrefixed(4, max_frame=128 * KIB)
TAKEN = 128 * KIB
"""Bytes that the transport takes before it says that it has enough."""
UNREAD = 256 * KIB
"""Bytes that wait for the peer, beyond which the session is aborted."""


@pytest.fixture
def stage() -> Stage:
    limits = Limits(unread_pause=UNREAD, unread_abort=UNREAD)
    stage = staged(framing=FRAMING, limits=limits)
    stage.transport.appetite = 0
    return stage


@pytest.fixture
def requester(stage: Stage) -> Requester:
    requester = Requester(stage.session, stage.clock, stage.session.abort)
    stage.session.on_lost = requester.end
    return requester


def ask(requester: Requester) -> list[Any]:
    """Ask a large command that is not answered; return what becomes of it."""
    outcome: list[Any] = []
    asked = requester.ask_frame(b"x" * 100 * KIB, None, timeout=5.0)
    asked.addCallbacks(outcome.append, lambda failure: outcome.append(str(failure.value)))
    return outcome


CUT_SHORT = ["the session ended while the command was written: the peer does not read"]


def test_commands_that_are_written_together_all_fail_where_one_of_them_is_what_ends_the_session(
    stage: Stage, requester: Requester
) -> None:
    requester.hold(2)
    outcomes = [ask(requester) for _ in range(6)]
    requester.release()
    assert [CUT_SHORT] * 6 == outcomes
    assert not stage.session.is_open


def test_a_command_is_not_written_while_the_peer_does_not_read_what_was_sent_before(
    stage: Stage, requester: Requester
) -> None:
    stage.session.sendBytes(b"y" * (TAKEN + UNREAD - 2))
    outcome = ask(requester)
    assert ([], True) == (outcome, stage.session.is_open)
    requester.end("the peer does not read")
    assert ["the session ended before its turn: the peer does not read"] == outcome


def test_a_command_without_a_reply_has_succeeded_when_it_is_written(
    stage: Stage, requester: Requester
) -> None:
    assert [None] == ask(requester)
    assert stage.session.is_open


def test_a_session_that_closes_during_a_pause_does_not_spin() -> None:
    stage = staged(framing=FRAMING)
    requester = Requester(stage.session, stage.clock, stage.session.abort, quiet=0.5)
    stage.session.on_lost = requester.end
    stage.session.on_frame = lambda frame: requester.answer(frame, frame=frame) and None
    stage.transport.polite = False
    outcomes: list[Any] = []
    for name in (b"first", b"second"):
        requester.ask_frame(name, ANY_FRAME, timeout=1.0).addBoth(outcomes.append)
    stage.receive(FRAMING.encode(b"reply"))

    stage.session.close("stopped here")
    stage.wait(0.9)  # the stage fails if the reactor spins

    assert [b"reply"] == outcomes
    stage.wait(10.0)
    assert "NotSent" in repr(outcomes[-1])
