"""Handlers that fail, finish later, or return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import formatEvent

from tcpcomm import FrameProtocol, Limits
from tcpcomm.errors import SessionClosed
from tests.session.stage import (
    PEER,
    SESSION_ENDED,
    TOO_LONG,
    BatchSpy,
    Logged,
    Lost,
    Spy,
    Stage,
    staged,
)

# -- failing handlers -------------------------------------------------------------------------------------


def fail(*_: object) -> None:
    raise ValueError("the part is missing")


FAILED = f"{PEER}: a handler of Spy failed; this session is closed (ValueError)"
REASON = Lost("a handler failed: ValueError: the part is missing")


def test_a_protocol_without_frameReceived_raises_an_error_that_names_it(logged: Logged) -> None:
    stage = staged(FrameProtocol)
    stage.receive(b"a\n")
    assert [
        f"{PEER}: a handler of FrameProtocol failed; this session is closed (NotImplementedError)"
    ] == logged.failures()


def test_a_failing_handler_closes_its_session_and_is_logged_once(logged: Logged) -> None:
    stage = staged()
    stage.session.on_frame = fail
    stage.receive(b"a;b;", b"c;")
    assert [b"a", REASON] == stage.session.seen
    assert [FAILED] == logged.failures()


def test_a_failing_handler_leaves_other_sessions_alone(logged: Logged) -> None:
    stage = staged()
    other: Any = stage.factory.buildProtocol(stage.transport.address)
    other.makeConnection(StringTransport())
    stage.session.on_frame = fail
    stage.receive(b"a;")
    other.dataReceived(b"b;")
    assert [b"b"] == other.seen
    assert {other} == stage.factory.sessions
    assert [FAILED] == logged.failures()


def test_bytes_that_were_sent_before_a_handler_failed_leave(logged: Logged) -> None:
    def send_and_fail(frame: bytes) -> None:
        stage.session.sendFrame(b"reply")
        fail()

    stage = staged()
    stage.session.on_frame = send_and_fail
    stage.receive(b"a;")
    assert b"reply;" == stage.transport.received
    assert [FAILED] == logged.failures()


@pytest.mark.parametrize("hook", ["on_ready", "on_fault", "on_lost"])
def test_every_handler_that_fails_costs_the_session_and_is_logged_once(hook: str, logged: Logged) -> None:
    stage = Stage()
    setattr(stage.session, hook, fail)
    stage.connect()
    stage.receive(TOO_LONG + b";")
    if hook == "on_lost":
        assert [] == logged.failures()
        stage.session.close()
    stage.settle()
    assert stage.transport.lost
    assert [FAILED] == logged.failures()
    assert set() == stage.factory.sessions


def test_a_failing_inputEnded_closes_the_session(logged: Logged) -> None:
    class Ending(Spy):
        def inputEnded(self) -> None:
            fail()

    stage = staged(Ending)
    stage.transport.end_input()
    stage.settle()
    assert [REASON] == stage.session.seen
    assert 1 == len(logged.failures())


def test_a_handler_that_fails_after_it_closed_is_logged_once(logged: Logged) -> None:
    def close_and_fail(frame: bytes) -> None:
        stage.session.close("enough")
        fail()

    stage = staged()
    stage.session.on_frame = close_and_fail
    stage.receive(b"a;")
    assert [b"a", Lost("enough")] == stage.session.seen
    assert [FAILED] == logged.failures()


@pytest.mark.parametrize("event", ["sessionOpened", "sessionClosed"])
def test_a_factory_that_fails_is_logged_with_the_peer_and_the_session_ends(
    event: str, logged: Logged
) -> None:
    stage = Stage()
    setattr(stage.factory, event, fail)
    stage.connect()
    stage.receive(b"a;")
    stage.session.close()
    stage.settle()
    assert stage.transport.lost
    assert [FAILED] == logged.failures()


def test_a_session_that_its_factory_did_not_open_is_never_ready(logged: Logged) -> None:
    stage = Stage()
    stage.session.on_ready = lambda: stage.session.seen.append("ready")
    setattr(stage.factory, "sessionOpened", fail)  # noqa: B010 - mypy would not have it
    stage.connect()
    stage.settle()
    assert [] == stage.session.seen
    logged.lines()


# -- handlers that finish later ---------------------------------------------------------------------------


def test_a_coroutine_may_answer_later() -> None:
    gate: Deferred[None] = Deferred()

    async def answer(frame: bytes) -> None:
        await gate
        stage.session.sendFrame(b"re: " + frame)

    stage = staged()
    stage.session.on_frame = answer
    stage.receive(b"a;")
    assert [] == stage.transport.sent()
    gate.callback(None)
    assert [b"re: a;"] == stage.transport.sent()


def test_later_frames_do_not_wait_for_a_handler() -> None:
    gate: Deferred[None] = Deferred()
    stage = staged()
    stage.session.on_frame = lambda frame: gate if frame == b"a" else None
    stage.receive(b"a;b;", b"c;")
    assert [b"a", b"b", b"c"] == stage.session.seen


def finished_coroutine() -> Any:
    async def handle() -> None:
        pass

    return handle()


def fired_deferred() -> Any:
    done: Deferred[str] = Deferred()
    done.callback("any result")
    return done


@pytest.mark.parametrize("make", [finished_coroutine, fired_deferred])
def test_a_handler_that_has_finished_is_not_waited_for(make: Callable[[], Any]) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: make()
    stage.receive(b"a;b;")
    stage.transport.end_input()
    stage.settle()
    assert [b"a", b"b", "input ended", Lost("the peer hung up")] == stage.session.seen


def test_a_deferred_that_waits_for_another_one_is_waited_for() -> None:
    gate: Deferred[None] = Deferred()
    done: Deferred[None] = Deferred()
    done.callback(None)
    done.addCallback(lambda _: gate)
    stage = staged()
    stage.session.on_frame = lambda frame: done
    stage.receive(b"a;")
    stage.transport.end_input()
    stage.settle()
    assert [b"a"] == stage.session.seen
    gate.callback(None)
    assert [b"a", "input ended"] == stage.session.seen


async def fail_at_once() -> None:
    fail()


def failed_deferred() -> Deferred[None]:
    failed: Deferred[None] = Deferred()
    failed.errback(ValueError("the part is missing"))
    return failed


@pytest.mark.parametrize("make", [fail_at_once, failed_deferred])
def test_a_handler_that_fails_at_once_in_its_deferred_ends_the_batch(
    make: Callable[[], Any], logged: Logged
) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: make()
    stage.receive(b"a;b;")
    assert [b"a", REASON] == stage.session.seen
    assert [FAILED] == logged.failures()


def test_a_handler_that_fails_later_closes_the_session_and_is_logged_once(logged: Logged) -> None:
    gate: Deferred[None] = Deferred()
    stage = staged()
    stage.session.on_frame = lambda frame: gate
    stage.receive(b"a;")
    gate.errback(ValueError("the part is missing"))
    stage.receive(b"b;")
    assert [b"a", REASON] == stage.session.seen
    assert [FAILED] == logged.failures()


def test_handlers_that_have_not_finished_are_cancelled_when_the_session_is_lost() -> None:
    cancelled: list[str] = []
    stage = staged()
    stage.session.on_frame = lambda frame: Deferred(lambda _: cancelled.append(frame.decode()))
    stage.receive(b"a;b;c;")
    stage.session.abort()
    stage.settle()
    assert ["a", "b", "c"] == cancelled


def test_a_coroutine_is_cancelled_where_it_waits() -> None:
    ends: list[str] = []

    async def handle(frame: bytes) -> None:
        try:
            await Deferred()
        finally:
            ends.append(frame.decode())

    stage = staged()
    stage.session.on_frame = handle
    stage.receive(b"a;b;")
    stage.transport.break_off(ConnectionLost())
    assert ["a", "b"] == sorted(ends)


def test_a_handler_that_fails_when_it_is_cancelled_is_logged_once(logged: Logged) -> None:
    async def handle(frame: bytes) -> None:
        try:
            await Deferred()
        finally:
            fail()

    stage = staged()
    stage.session.on_frame = handle
    stage.receive(b"a;")
    stage.session.abort("enough")
    stage.settle()
    assert [b"a", Lost("enough")] == stage.session.seen
    assert [FAILED] == logged.failures()


def test_a_canceller_that_fails_does_not_hide_the_end(logged: Logged) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: Deferred(fail)
    stage.receive(b"a;")
    stage.session.abort("enough")
    stage.settle()
    assert [b"a", Lost("enough")] == stage.session.seen
    assert [FAILED] == logged.failures()


def test_a_handler_that_answers_a_closed_session_is_not_a_failure() -> None:
    gate: Deferred[None] = Deferred()

    async def answer(frame: bytes) -> None:
        await gate
        with pytest.raises(SessionClosed):
            stage.session.sendFrame(frame)
        stage.session.sendFrame(frame)

    stage = staged()
    stage.session.on_frame = answer
    stage.transport.appetite = 0
    stage.session.sendBytes(b"x" * 100_000)
    stage.receive(b"a;")
    stage.session.close("enough")
    gate.callback(None)
    stage.transport.appetite = None
    stage.settle()
    assert [b"a", Lost("enough")] == stage.session.seen


def test_a_handler_that_sends_to_another_session_which_is_closed_fails(logged: Logged) -> None:
    stage, other = staged(), staged()
    other.session.close()
    stage.session.on_frame = other.session.sendFrame
    stage.receive(b"a;")
    assert [f"{PEER}: a handler of Spy failed; this session is closed (SessionClosed)"] == logged.failures()


def test_a_batch_handler_may_be_a_coroutine() -> None:
    gate: Deferred[None] = Deferred()

    class Later(BatchSpy):
        async def framesReceived(self, frames: list[bytes]) -> None:
            await gate
            self.seen.append(frames)

    stage = staged(Later)
    stage.receive(b"a;b;")
    stage.transport.end_input()
    stage.settle()
    assert [] == stage.session.seen
    gate.callback(None)
    stage.settle()
    assert [[b"a", b"b"], "input ended", Lost("the peer hung up")] == stage.session.seen


def test_sessionReady_may_be_a_coroutine() -> None:
    gate: Deferred[None] = Deferred()

    async def greet() -> None:
        await gate
        stage.session.sendFrame(b"hello")

    stage = Stage()
    stage.session.on_ready = greet
    stage.connect()
    gate.callback(None)
    assert [b"hello;"] == stage.transport.sent()


def test_a_coroutine_that_fails_in_sessionReady_costs_the_session(logged: Logged) -> None:
    stage = Stage()
    stage.session.on_ready = fail_at_once
    stage.connect()
    stage.settle()
    assert [REASON] == stage.session.seen
    assert [FAILED] == logged.failures()


@pytest.mark.parametrize("result", [b"reply", 0, False, object(), [b"reply"]])
def test_a_handler_that_returns_something_else_fails(result: object, logged: Logged) -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: result
    stage.receive(b"a;b;")
    first, lost = stage.session.seen
    assert b"a" == first
    assert lost.reason.startswith(
        "a handler failed: TypeError: a handler must return None, a coroutine or a Deferred, not "
    )
    assert [f"{PEER}: a handler of Spy failed; this session is closed (TypeError)"] == logged.failures()


@pytest.mark.parametrize("handle", [lambda: None, lambda frame, extra: None])
def test_a_handler_with_the_wrong_parameters_fails(handle: Any, logged: Logged) -> None:
    stage = staged()
    stage.session.on_frame = handle
    stage.receive(b"a;")
    assert [f"{PEER}: a handler of Spy failed; this session is closed (TypeError)"] == logged.failures()


def test_no_more_is_read_while_too_many_handlers_have_not_finished() -> None:
    gates: list[Deferred[None]] = []

    def begin(frame: bytes) -> Deferred[None]:
        gates.append(Deferred())
        return gates[-1]

    stage = staged(limits=Limits(awaited=3))
    stage.session.on_frame = begin
    stage.receive(b"a;b;c;d;e;", b"f;")
    assert [b"a", b"b", b"c"] == stage.session.seen
    assert not stage.transport.reading
    gates[1].callback(None)
    assert [b"a", b"b", b"c", b"d"] == stage.session.seen
    for gate in gates:
        if not gate.called:
            gate.callback(None)
            stage.settle()
    assert [b"a", b"b", b"c", b"d", b"e", b"f"] == stage.session.seen
    assert stage.transport.reading


def test_the_end_of_a_session_is_logged_with_its_reason(logged: Logged) -> None:
    stage = staged(FrameProtocol)
    stage.session.abort("the emergency stop was pressed")
    stage.settle()
    ended = [formatEvent(event) for event in logged.events if event["log_format"] == SESSION_ENDED]
    assert [f"{PEER}: the session ended: the emergency stop was pressed"] == ended


def test_by_default_a_thousand_handlers_may_be_unfinished() -> None:
    stage = staged()
    stage.session.on_frame = lambda frame: Deferred()
    stage.receive(b"a;" * 1001)
    assert 1000 == len(stage.session.seen) == stage.session.unfinished_handlers
    assert not stage.transport.reading
