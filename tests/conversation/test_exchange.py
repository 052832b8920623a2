"""Match answers to commands: by example, and against a model of a conversation."""

from __future__ import annotations

import itertools
from functools import partial
from math import inf
from typing import Any

import pytest

from tcpcomm.codec.base import MORE, ReplyReader
from tcpcomm.conversation.call import Call
from tcpcomm.conversation.exchange import Exchange
from tcpcomm.errors import BadReply, CodecError, Fault, NotSent, OutcomeUnknown, ReplyTimeout


class Reply(ReplyReader):
    """A reply in so many parts: all but the last say more, the last is the result."""

    def __init__(self, parts: int = 1) -> None:
        self.left = parts

    def take(self, body: Any) -> Any:
        if isinstance(body, Exception):
            raise body
        self.left -= 1
        return MORE if self.left else body


class ReplyWithoutId(Reply):
    """The reply to a handshake, where other replies have ids."""

    is_without_id = True


def give(exchange: Exchange, body: Any, id: Any = None) -> bool:
    """Give an answer to the command that it belongs to. Return False if it belongs to none."""
    found = exchange.take(body, id)
    if found is None:
        exchange.surplus(b"?")
    else:
        exchange.settle(*found)
    return found is not None


class Session:
    """An exchange with a driver that writes at once and keeps what calls are told."""

    def __init__(self, *, by_id: bool = False, **options: Any) -> None:
        self.exchange = Exchange(by_id=by_id, broken=self.break_off, **options)
        self.now = 0.0
        self.written: list[bytes] = []
        self.outcomes: dict[bytes, Any] = {}
        self.broken: list[str] = []

    def break_off(self, reason: str) -> None:
        self.broken.append(reason)
        self.exchange.end(reason)

    def ask(self, frame: bytes, *, parts: int = 1, timeout: float = 1.0) -> Call:
        def settle(outcome: Any) -> None:
            assert frame not in self.outcomes
            self.outcomes[frame] = outcome

        answers = Reply(parts) if parts else None
        call = Call(self.exchange.new_id(), frame, [frame], answers, timeout, settle)
        self.exchange.ask(call, self.now)
        self.write()
        return call

    def write(self) -> None:
        for call in self.exchange.begin(self.now):
            self.written += call.written
            if call.answers is None:
                call.settle(None)

    def answer(self, body: Any, id: Any = None) -> bool:
        matched = give(self.exchange, body, id)
        self.write()
        return matched

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.exchange.tick(self.now)
        self.write()


def test_one_command_is_under_way_at_a_time_unless_more_are_declared() -> None:
    session = Session()
    session.ask(b"a")
    session.ask(b"b")
    assert [b"a"] == session.written
    session.answer("A")
    assert ([b"a", b"b"], {b"a": "A"}) == (session.written, session.outcomes)


def test_as_many_commands_are_under_way_as_are_declared() -> None:
    session = Session(depth=2)
    for frame in (b"a", b"b", b"c"):
        session.ask(frame)
    assert [b"a", b"b"] == session.written
    session.answer("A")
    session.answer("B")
    session.answer("C")
    assert {b"a": "A", b"b": "B", b"c": "C"} == session.outcomes


def test_with_ids_answers_may_come_in_any_order() -> None:
    session = Session(by_id=True, depth=2)
    first, second = session.ask(b"a"), session.ask(b"b")
    session.answer("B", second.id)
    session.answer("A", first.id)
    assert {b"a": "A", b"b": "B"} == session.outcomes


def with_handshakes(*frames: bytes) -> tuple[Session, Call]:
    """Return a session with ids, one command under way, and commands whose replies have no id."""
    session = Session(by_id=True, depth=9)
    other = session.ask(b"other")
    for frame in frames:
        settle = partial(session.outcomes.__setitem__, frame)
        number = session.exchange.new_id()
        session.exchange.ask(Call(number, frame, [frame], ReplyWithoutId(), 1.0, settle), session.now)
    session.write()
    return session, other


def test_replies_without_an_id_come_in_order_beside_those_that_have_one() -> None:
    session, other = with_handshakes(b"a", b"b")
    assert [b"other", b"a", b"b"] == session.written
    session.answer("A")
    session.answer("OTHER", other.id)
    session.answer("B")
    assert {b"a": "A", b"other": "OTHER", b"b": "B"} == session.outcomes
    assert not session.answer("C")
    assert [] == session.broken


def test_a_late_reply_without_an_id_breaks_the_session_and_a_late_one_with_an_id_does_not() -> None:
    session, _ = with_handshakes()
    session.advance(1.0)
    assert (ReplyTimeout, []) == (type(session.outcomes[b"other"]), session.broken)
    session, _ = with_handshakes(b"a")
    session.advance(1.0)
    assert ReplyTimeout is type(session.outcomes[b"a"])
    assert ["a reply did not come in time: a late one must not answer the next command"] == session.broken


def test_a_reply_without_an_id_that_makes_no_sense_breaks_the_session() -> None:
    session, _ = with_handshakes(b"a")
    session.answer(CodecError("wrong"))
    assert BadReply is type(session.outcomes[b"a"])
    assert OutcomeUnknown is type(session.outcomes[b"other"])
    assert 1 == len(session.broken)


@pytest.mark.parametrize("id", [99, "1", 1.0, True, None, [1]])
def test_an_id_that_nobody_waits_for_is_counted_and_given_to_nobody(id: Any) -> None:
    session = Session(by_id=True, depth=2)
    session.ask(b"a")
    assert not session.answer("?", id)
    assert (1, {}) == (session.exchange.stray_replies, session.outcomes)


def test_a_frame_that_nobody_asked_for_breaks_the_session_and_is_quoted() -> None:
    session = Session()
    session.exchange.surplus(b"OK,1\xff")
    assert [
        "b'OK,1\\xff' came, but no command waits for a reply: later replies could answer the wrong command"
        "; declare them"
    ] == session.broken
    with pytest.raises(NotSent):
        session.ask(b"a")


def test_a_long_surplus_frame_is_cut_in_the_reason() -> None:
    session = Session()
    session.exchange.surplus(b"x" * 1000)
    assert session.broken[0].startswith(f"b'{'x' * 80}' … 1,000 bytes in all came")


def test_answers_that_came_with_a_surplus_frame_are_given_to_nobody() -> None:
    session = Session(depth=2)
    for frame in (b"a", b"b"):
        session.ask(frame)
    for body in ("?", "A"):
        found = session.exchange.take(body)
        assert found is not None
        assert session.exchange.keep(*found)
    assert ({}, False) == (session.outcomes, session.exchange.idle)
    session.exchange.surplus(b"B")
    assert [OutcomeUnknown] * 2 == [type(each) for each in session.outcomes.values()]
    assert "its reply is in doubt: b'B' came" in str(session.outcomes[b"a"])


def test_answers_that_came_together_are_given_when_all_of_them_are_read() -> None:
    session = Session(depth=2)
    calls = [session.ask(frame) for frame in (b"a", b"b", b"c")]
    for body in ("A", "B"):
        found = session.exchange.take(body)
        assert found is not None
        assert session.exchange.keep(*found)
    for call in calls:
        session.exchange.give(call)
    assert {b"a": "A", b"b": "B"} == session.outcomes


def test_nothing_is_written_while_something_is_unread() -> None:
    session = Session()
    call = Call(session.exchange.new_id(), b"a", [b"a"], Reply(), 1.0, lambda outcome: None)
    session.exchange.ask(call, 0.0)
    assert [] == session.exchange.begin(0.0, lambda: False)
    assert [call] == session.exchange.begin(0.5, lambda: True)
    assert 1.5 == call.due


def test_the_declared_silence_follows_each_reply_and_each_command_without_one() -> None:
    session = Session(quiet=0.02)
    session.ask(b"a")
    session.now = 1.0
    session.answer("A")
    session.ask(b"b", parts=0)
    assert [b"a"] == session.written
    assert 1.02 == session.exchange.deadline
    session.advance(0.02)
    session.ask(b"c")
    assert [b"a", b"b"] == session.written
    session.advance(0.02)
    assert [b"a", b"b", b"c"] == session.written


def flow(session: Session, took: float, until: float) -> list[float]:
    """Ask one command after the other, each answered after ``took`` seconds. Return their times."""
    times: list[float] = []
    while session.now < until:
        call = session.ask(b"%d" % len(times), timeout=10.0)
        if len(session.written) == len(times):
            session.advance(session.exchange.paused_until - session.now)
        times.append(session.now)
        session.now += took
        session.answer("done", call.id)
    return times


@pytest.mark.parametrize("took", [0.0002, 0.004, 0.03, 0.5])
def test_a_flow_of_commands_pauses_for_about_a_reply_and_one_hundredth_of_the_time(took: float) -> None:
    times = flow(Session(), took, 50.0)
    pauses = [after - before - took for before, after in itertools.pairwise(times)]
    pauses = [pause for pause in pauses if pause > 1e-9]
    longest = min(0.1, 1.25 * took + 0.001)
    assert all(pause == pytest.approx(longest) for pause in pauses)
    assert 0.0 < sum(pauses) <= 0.0101 * 50.0
    assert len(pauses) >= 50.0 / (max(1.0, 100 * longest) + 2 * took + longest) - 1


def test_a_flow_that_pauses_by_itself_or_has_ids_is_not_held_up() -> None:
    session = Session()
    for number in range(1000):
        session.ask(b"%d" % number)
        session.now += 0.01
        session.answer("done")
        session.now += 0.02
    assert 1000 == len(session.written)
    assert 1000 == len(flow(Session(by_id=True), 0.01, 10.0 - 0.005))


class OneFrame(Reply):
    is_one_frame = True


@pytest.mark.parametrize(("timeout", "silence"), [(0.15, 0.1), (0.5, 0.25), (1.0, 0.5), (5.0, 0.5)])
def test_behind_a_frame_that_took_the_place_of_a_reply_there_is_a_silence_of_half_of_its_timeout(
    timeout: float, silence: float
) -> None:
    session = Session()
    call = Call(session.exchange.new_id(), b"a", [b"a"], OneFrame(), timeout, lambda outcome: None)
    session.exchange.ask(call, 0.0)
    session.write()
    session.now = 0.02
    session.answer(CodecError("'BUSY' is no such reply"))
    session.ask(b"b", timeout=2.0)
    assert ([b"a"], []) == (session.written, session.broken)
    assert 0.02 + silence == pytest.approx(session.exchange.paused_until)
    session.advance(silence + 1e-6)
    assert [b"a", b"b"] == session.written


def test_a_reply_of_several_frames_ends_with_the_last() -> None:
    session = Session()
    session.ask(b"a", parts=3)
    session.answer("1")
    session.answer("2")
    assert {} == session.outcomes
    session.answer("3")
    assert {b"a": "3"} == session.outcomes


def test_a_command_without_a_reply_makes_way_for_the_next() -> None:
    session = Session()
    session.ask(b"a", parts=0)
    session.ask(b"b")
    assert ([b"a", b"b"], {b"a": None}) == (session.written, session.outcomes)


def test_a_fault_settles_its_command_and_the_session_goes_on() -> None:
    session = Session()
    session.ask(b"a")
    session.ask(b"b")
    session.answer(Fault(3, "no part"))
    session.answer("B")
    assert isinstance(session.outcomes[b"a"], Fault)
    assert ("B", []) == (session.outcomes[b"b"], session.broken)


def test_a_timeout_without_ids_breaks_the_session_so_that_a_late_reply_answers_nobody() -> None:
    session = Session()
    session.ask(b"a")
    session.ask(b"b", timeout=5.0)
    session.advance(1.0)
    session.answer("A, late")
    assert [b"a"] == session.written
    assert {b"a": ReplyTimeout, b"b": NotSent} == {k: type(v) for k, v in session.outcomes.items()}
    assert ["a reply did not come in time: a late one must not answer the next command"] == session.broken


def test_a_timeout_with_ids_costs_its_command_only() -> None:
    session = Session(by_id=True, depth=2)
    first = session.ask(b"a", timeout=1.0)
    second = session.ask(b"b", timeout=5.0)
    session.advance(1.0)
    session.answer("A, late", first.id)
    session.answer("B", second.id)
    assert isinstance(session.outcomes[b"a"], ReplyTimeout)
    assert ("B", 1, []) == (session.outcomes[b"b"], session.exchange.stray_replies, session.broken)


def test_a_reply_that_makes_no_sense_without_ids_breaks_the_session() -> None:
    session = Session(depth=2)
    session.ask(b"a")
    session.ask(b"b")
    session.answer(CodecError("'BUSY' is no such reply"))
    assert "the reply makes no sense: 'BUSY' is no such reply (b'' came)" == str(session.outcomes[b"a"])
    assert (BadReply, OutcomeUnknown) == (type(session.outcomes[b"a"]), type(session.outcomes[b"b"]))
    assert 1 == len(session.broken)


def test_a_reply_that_makes_no_sense_with_ids_costs_its_command_only() -> None:
    session = Session(by_id=True, depth=2)
    first, second = session.ask(b"a"), session.ask(b"b")
    session.answer(CodecError("x: 'left' is no number"), first.id)
    session.answer("B", second.id)
    assert isinstance(session.outcomes[b"a"], BadReply)
    assert ("B", []) == (session.outcomes[b"b"], session.broken)


def test_what_is_no_answer_at_all_may_have_been_the_one_that_is_awaited() -> None:
    session = Session()
    session.ask(b"a")
    session.exchange.unreadable_reply("bytes that are no text")
    assert ([BadReply], 1) == ([type(each) for each in session.outcomes.values()], len(session.broken))


def test_a_frame_that_cannot_be_read_is_surplus_unless_ids_tell() -> None:
    session = Session()
    session.exchange.unreadable_reply("bytes that are no text", b"\xff")
    assert session.broken[0].startswith("b'\\xff' came, but no command waits")
    with_ids = Session(by_id=True)
    with_ids.ask(b"a")
    with_ids.exchange.unreadable_reply("bytes that are no text")
    assert ({}, []) == (with_ids.outcomes, with_ids.broken)


def test_ids_begin_anew_where_the_wire_has_no_more_and_skip_those_in_use() -> None:
    exchange = Exchange(by_id=True, broken=list[str]().append, depth=2, largest_id=3)

    def ask() -> int:
        call = Call(exchange.new_id(), b"", [], Reply(), 1.0, lambda outcome: None)
        exchange.ask(call, 0.0)
        exchange.begin(0.0)
        return call.id

    ids = [ask()]
    for _ in range(4):
        ids.append(ask())
        give(exchange, "done", ids[-1])
    assert [1, 2, 3, 2, 3] == ids


def test_cancelling_a_written_command_without_ids_breaks_the_session() -> None:
    session = Session()
    call = session.ask(b"a")
    session.exchange.cancel(call)
    assert ["a command was cancelled: its reply must not answer the next one"] == session.broken
    assert {} == session.outcomes


def test_cancelling_a_command_that_waits_or_has_an_id_harms_nobody() -> None:
    waiting = Session()
    waiting.ask(b"a")
    waiting.exchange.cancel(waiting.ask(b"b"))
    waiting.answer("A")
    with_ids = Session(by_id=True, depth=2)
    with_ids.exchange.cancel(with_ids.ask(b"a"))
    assert ([b"a"], [], []) == (waiting.written, waiting.broken, with_ids.broken)


def test_a_command_has_the_whole_timeout_for_its_reply_however_long_it_waited() -> None:
    session = Session()
    session.ask(b"a", timeout=1.0)
    session.ask(b"b", timeout=1.0)
    session.advance(0.9)
    session.answer("A")
    session.advance(0.9)
    session.answer("B")
    assert {b"a": "A", b"b": "B"} == session.outcomes


def test_a_command_waits_for_its_turn_no_longer_than_its_timeout() -> None:
    session = Session()
    session.ask(b"a", timeout=5.0)
    session.ask(b"b", timeout=1.0)
    session.advance(1.0)
    assert "its turn did not come within 1 s" == str(session.outcomes[b"b"])
    assert NotSent is type(session.outcomes[b"b"])


def test_only_so_many_commands_wait() -> None:
    session = Session(max_waiting=1)
    session.ask(b"a")
    session.ask(b"b")
    with pytest.raises(NotSent, match="1 commands wait already"):
        session.ask(b"c")


def test_the_end_of_a_session_tells_what_was_written_from_what_was_not() -> None:
    session = Session()
    session.ask(b"a")
    session.ask(b"b")
    session.exchange.end("the cable was pulled")
    assert [
        "the command was written, then the session ended: the cable was pulled",
        "the session ended before its turn: the cable was pulled",
    ] == [str(each) for each in session.outcomes.values()]
    with pytest.raises(NotSent, match="the session is over: the cable was pulled"):
        session.ask(b"c")


def test_a_caller_who_learns_of_a_broken_session_finds_it_over() -> None:
    session = Session()
    told: list[Exception] = []

    def settle(outcome: Any) -> None:
        with pytest.raises(NotSent):
            session.ask(b"again")
        told.append(outcome)

    session.exchange.ask(Call(session.exchange.new_id(), b"a", [b"a"], Reply(), 1.0, settle), 0.0)
    session.write()
    session.advance(1.0)
    assert [ReplyTimeout] == [type(each) for each in told]


def test_the_deadline_is_that_of_the_first_who_is_overdue() -> None:
    session = Session()
    assert inf == session.exchange.deadline
    session.ask(b"a", timeout=3.0)
    session.ask(b"b", timeout=2.0)
    assert 2.0 == session.exchange.deadline
