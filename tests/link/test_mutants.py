"""
Test the simulation and the tests: they notice an engine with one broken rule.

Each mutant is one small change of the source. It is killed when a simulated run violates something, or
when the test that is named for it fails.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import pytest

from tcpcomm.conversation.exchange import Exchange
from tcpcomm.conversation.requester import Requester
from tcpcomm.link.connect import Acceptor, Connector
from tcpcomm.link.engine import Engine
from tcpcomm.link.link import Link, LinkSession
from tcpcomm.link.policy import Backoff
from tcpcomm.link.states import LinkState
from tcpcomm.link.supervised_protocol import SupervisedProtocol
from tcpcomm.link.supervisor import Supervisor
from tcpcomm.runtime.timer import DeadlineTimer
from tcpcomm.session.heartbeat import Pulse
from tests.link import (
    test_engine,
    test_keys,
    test_link,
    test_names,
    test_reconnecting,
    test_stopping,
    test_supervisor,
    test_supervisor_backoff,
    test_supervisor_silence,
)
from tests.link.mutant import Mutant
from tests.link.mutants_of_names import MUTANTS_OF_NAMES
from tests.link.mutants_of_strangers import MUTANTS_OF_STRANGERS
from tests.link.simulation import NEW_SEEDS, run
from tests.link.wired import Bench
from tests.session.stage import recorded_log

SEEDS: Final = (*range(4), *range(NEW_SEEDS, NEW_SEEDS + 12))
"""The runs that must find a mutant. Most find several; only in those of new seeds a fault lasts for 2 s."""
FAULTS: Final = 150


MUTANTS: Final = [
    # -- the rules
    Mutant("no heartbeat", Supervisor, "_beat", "return [SendHeartbeat()]", "return []"),
    Mutant(
        "heartbeats do not go on after a session whose steps proved the peer",
        Supervisor,
        "_proven",
        "else self._beat(pulse, now)",
        "else []",
        test_link.test_heartbeats_are_sent_also_where_the_steps_have_proven_the_peer,
    ),
    Mutant(
        "silence is judged late",
        Supervisor,
        "_check_silence",
        "pulse.heard + pulse.beats.timeout:",
        "pulse.heard + 2 * pulse.beats.timeout:",
    ),
    Mutant(
        "what is sent counts as heard",
        Supervisor,
        "_beat",
        "return [SendHeartbeat()]",
        "pulse.heard = now; return [SendHeartbeat()]",
    ),
    Mutant(
        "own stalls are the peer's silence",
        Pulse,
        "forgive",
        "self.heard = min(now, self.heard + late)",
        "pass",
        test_supervisor_silence.test_ten_stalls_of_half_a_second_kill_no_healthy_link,
        {"answers_after": 0.05},
    ),
    Mutant(
        "every stall forgives all silence",
        Pulse,
        "forgive",
        "min(now, self.heard + late)",
        "now",
        test_supervisor_silence.test_a_process_that_is_always_late_still_notices_a_death,
    ),
    Mutant(
        "a stall forgives silence that is still to come",
        Pulse,
        "forgive",
        "min(now, self.heard + late)",
        "self.heard + late",
        test_supervisor_silence.test_a_stall_does_not_hide_a_death_after_it,
    ),
    Mutant(
        "ready when TCP is",
        Supervisor,
        "steps_done",
        "pulse is None or (self._was_heard and now < pulse.heard + pulse.beats.interval)",
        "True",
        test_engine.test_a_hung_program_behind_a_backlog_that_accepts_is_not_ready,
    ),
    Mutant(
        "what was heard long ago proves that the peer is alive",
        Supervisor,
        "steps_done",
        "and now < pulse.heard + pulse.beats.interval",
        "",
        test_supervisor.test_a_peer_that_was_heard_some_time_ago_is_not_proven_when_the_steps_are_done,
    ),
    Mutant(
        "what was heard before proves the next session",
        Supervisor,
        "connected",
        "self._was_heard = self._steps_are_done = False",
        "self._steps_are_done = False",
        test_supervisor.test_what_was_heard_in_one_session_proves_nothing_in_the_next,
    ),
    Mutant(
        "the backoff is reset when TCP connects",
        Supervisor,
        "connected",
        "self._end_ready_time(now)",
        "self._down_since, self._attempts = now, 0",
        test_supervisor_backoff.test_tcp_connections_without_a_ready_link_do_not_reset_the_backoff,
    ),
    Mutant(
        "the backoff is reset by a moment of readiness",
        Supervisor,
        "_end_ready_time",
        "and now - self._ready_since >= self.policy.backoff.settled",
        "",
        test_supervisor_backoff.test_a_link_that_was_ready_for_a_moment_only_does_not_reset_the_backoff,
    ),
    Mutant(
        "the backoff is never reset",
        Supervisor,
        "lost",
        "self._end_ready_time(now)",
        "pass",
        test_supervisor_backoff.test_a_link_that_was_ready_long_enough_begins_a_new_outage,
    ),
    Mutant(
        "no quick attempts",
        Backoff,
        "wait",
        "down_for < self.quick_for",
        "False",
        test_supervisor_backoff.test_attempts_follow_each_other_quickly_while_the_outage_is_young,
    ),
    Mutant(
        "what a program refuses is tried quickly too",
        Supervisor,
        "_down",
        "inf if refused else now - self._down_since",
        "now - self._down_since",
        test_supervisor_backoff.test_a_session_that_a_program_refused_is_followed_by_waits_that_grow_from_the_start,
        {"ready": False},
    ),
    Mutant(
        "a failed step counts as the network's",
        Engine,
        "session_established",
        'getErrorMessage()}", refused=True',
        'getErrorMessage()}", refused=False',
        test_engine.test_a_step_that_fails_again_and_again_is_not_tried_without_rest,
    ),
    Mutant(
        "no floor",
        Backoff,
        "wait",
        "max(self.floor, random.uniform(0.0, ceiling))",
        "random.uniform(0.0, ceiling)",
        test_supervisor_backoff.test_later_waits_spread_below_a_ceiling_that_doubles_up_to_the_cap,
    ),
    Mutant(
        "no cap",
        Backoff,
        "wait",
        "min(self.cap, self.quick * 2.0 ** min(attempts, 60))",
        "self.quick * 2.0**attempts",
        test_supervisor_backoff.test_later_waits_spread_below_a_ceiling_that_doubles_up_to_the_cap,
    ),
    Mutant(
        "no jitter",
        Backoff,
        "wait",
        "random.uniform(0.0, ceiling)",
        "ceiling",
        test_supervisor_backoff.test_later_waits_spread_below_a_ceiling_that_doubles_up_to_the_cap,
    ),
    Mutant(
        "attempts never time out",
        Supervisor,
        "_dial",
        "now + self.policy.connect_timeout",
        "inf",
        test_engine.test_a_cable_is_found_again_as_soon_as_it_is_plugged_in,
    ),
    Mutant(
        "the handshake never times out",
        Supervisor,
        "connected",
        "now + self.policy.handshake_timeout",
        "inf",
        test_engine.test_a_step_that_hangs_is_cancelled_when_the_handshake_takes_too_long,
    ),
    Mutant(
        "no grace",
        Supervisor,
        "stop",
        "now + self.policy.grace if",
        "inf if",
        test_stopping.test_stop_ends_within_its_grace_behind_a_dead_peer,
        {"amount": 1_000_000, "heartbeat": True},
    ),
    Mutant(
        "it dials on after a stop",
        Supervisor,
        "_down",
        "self.running and self._dials",
        "self._dials",
        test_supervisor.test_stopping_drains_a_session_within_its_grace,
    ),
    Mutant(
        "an excused peer is asked all the same",
        Pulse,
        "excuse",
        "self.next_beat = until + self.beats.interval",
        "pass",
        test_supervisor_silence.test_an_excused_peer_is_neither_asked_nor_given_up_while_it_works,
        {"state": LinkState.READY},
    ),
    Mutant(
        "it dials once only",
        Supervisor,
        "_down",
        "now + self.policy.backoff.wait(self._attempts, down_for, self._random)",
        "inf",
    ),
    # -- the engine
    Mutant(
        "what closed itself before the stop outlives the grace",
        Engine,
        "_abort_lingering",
        "self.sessions.protocols",
        "()",
        test_stopping.test_a_foreign_protocol_that_had_closed_itself_does_not_outlive_the_grace,
    ),
    Mutant("a timer left over", Engine, "settle", "self._timer.cancel()", "pass"),
    Mutant(
        "an attempt that was given up goes on",
        Engine,
        "_carry_out",
        "self.source.cancel_attempt()",
        "pass",
        test_engine.test_an_attempt_that_is_given_up_is_cancelled,
    ),
    Mutant(
        "zombies live on",
        Engine,
        "_take",
        'old.abort("the peer connected again: this session is its zombie")',
        "pass",
        test_engine.test_a_second_connection_from_the_same_machine_evicts_the_first,
    ),
    Mutant(
        "anybody evicts the peer",
        Engine,
        "session_refusal",
        "not old.same_peer(session)",
        "False",
        test_engine.test_a_connection_from_another_machine_is_refused_while_the_peer_is_there,
    ),
    Mutant(
        "who is not proven evicts the peer",
        Engine,
        "session_made",
        "if self.source.dials or session.missing is None:",
        "if True:",
        test_keys.test_strangers_neither_evict_the_peer_nor_keep_it_out,
    ),
    Mutant(
        "steps are taken before the peer is proven",
        SupervisedProtocol,
        "makeConnection",
        "self.given_up or self.missing",
        "self.given_up",
        test_keys.test_steps_run_when_the_peer_is_proven_and_not_before,
    ),
    Mutant(
        "the timer of a newcomer is left over",
        Engine,
        "_forget_unproven",
        "timeout.cancel()",
        "pass",
        test_keys.test_stopping_leaves_no_newcomer_and_no_timer,
        {"stranger": True},
    ),
    Mutant(
        "a peer that was refused goes on",
        SupervisedProtocol,
        "_not_proven",
        "self.abort(reason)",
        "pass",
        test_keys.test_a_peer_without_the_key_is_refused_and_the_reason_told,
    ),
    Mutant(
        "steps are taken once only",
        Engine,
        "session_established",
        "in self._steps:",
        "in self.__dict__.pop('_steps', ()):",
    ),
    Mutant(
        "steps go on after their session",
        Engine,
        "_cancel_steps",
        "steps.cancel()",
        "pass",
        test_engine.test_a_step_that_hangs_is_cancelled_when_the_handshake_takes_too_long,
    ),
    Mutant(
        "a step that fails is forgotten",
        Engine,
        "session_established",
        'self.drop(f"an on_ready step failed: {result.getErrorMessage()}", refused=True)',
        "pass",
        test_engine.test_a_step_that_fails_drops_the_connection_and_is_tried_again,
        {"late": True},
    ),
    Mutant(
        "what is dropped is only forgotten",
        Engine,
        "drop",
        "session.abort(reason)",
        "pass",
        test_link.test_a_reply_that_is_late_is_a_timeout_and_drops_the_session,
    ),
    Mutant(
        "what arises while observers are told overtakes what came before",
        Engine,
        "_do",
        "if self._acting:",
        "if False:",
        test_stopping.test_all_observers_are_told_in_order_though_the_first_of_them_acts,
    ),
    Mutant(
        "an attempt that has led to a session is cancelled by a stop",
        Connector,
        "attempt_succeeded",
        "self._attempt = None",
        "pass",
        test_stopping.test_stopping_as_soon_as_it_is_ready_works_with_twisted_s_endpoints,
    ),
    Mutant("it listens on after a stop", Acceptor, "close", "port.stopListening()", "None"),
    Mutant(
        "what is not begun is not closed",
        SupervisedProtocol,
        "drain",
        "self.abort(reason)",
        "pass",
        test_stopping.test_an_observer_may_stop_the_link_in_any_state,
        {"state": LinkState.HANDSHAKING},
    ),
    Mutant(
        "late timers do not look at the socket",
        DeadlineTimer,
        "__call__",
        "if due <= now <= self._recheck_until",
        "if False",
        test_engine.test_stalls_do_not_turn_replies_that_are_there_into_timeouts,
    ),
    # -- requests
    Mutant(
        "a request in flight is replayed",
        Requester,
        "end",
        "self._exchange.end(reason)",
        "self.session.transport.factory.engine._steps += tuple(\n"
        "        lambda next_one, call=call: next_one.sendBytes(call.written[0])\n"
        "        for call in self._exchange._under_way.values()\n"
        "    )\n"
        "    self._exchange.end(reason)",
    ),
    Mutant(
        "a request is written twice",
        Requester,
        "_write",
        "session.send_framed(parts, frames)",
        "session.send_framed((*parts, *parts), frames)",
    ),
    Mutant(
        "what waits for its turn is forgotten",
        Exchange,
        "end",
        'call.settle(NotSent(f"the session ended before its turn: {reason}"))',
        "pass",
    ),
    Mutant(
        "a reply is written though its session is over",
        LinkSession,
        "_reply",
        "if self.reason is None:",
        "if True:",
    ),
    Mutant(
        "a stop leaves the session as it is",
        Engine,
        "stop",
        "self._do(self.supervisor.stop(self._now(), reason))",
        "pass",
    ),
    Mutant(
        "what is aborted stays open",
        SupervisedProtocol,
        "abort",
        "self.given_up = True",
        "self.given_up = True; return",
    ),
    Mutant(
        "a written request is reported as not sent",
        Exchange,
        "end",
        "call.settle(OutcomeUnknown(",
        "call.settle(NotSent(",
    ),
    Mutant(
        "a late reply answers the next request",
        Exchange,
        "tick",
        'broken="a reply did not come in time: a late one must not answer the next command"',
        "broken=None",
    ),
    Mutant("the reply of a cancelled request answers the next", Exchange, "cancel", "self._break(", "str("),
    Mutant(
        "users may send during the steps",
        Link,
        "ready_requester",
        "requester = self.requester",
        "session = getattr(self.engine._session, 'protocol', None)\n"
        "    requester = getattr(session, 'requester', self.requester)",
    ),
    Mutant(
        "events answer requests",
        LinkSession,
        "frameReceived",
        "and not link._is_event(frame)",
        "",
    ),
    Mutant(
        "a reply is sent on whatever session there is",
        LinkSession,
        "_reply",
        "if self.reason is None:\n            self.sendFrame(reply)",
        "if (last := self.factory.newest) and last.reason is None:\n            last.sendFrame(reply)",
    ),
    Mutant(
        "a frame that came before the request answers it",
        Requester,
        "hold",
        "self._later = []",
        "pass",
        test_link.test_a_frame_that_came_before_a_request_was_written_does_not_answer_it,
    ),
    Mutant(
        "a request's wait is taken from its reply's time",
        Exchange,
        "begin",
        "call.due = now + call.timeout",
        "pass",
        test_link.test_a_peer_has_the_whole_timeout_for_its_reply_however_long_the_request_waited,
    ),
    Mutant(
        "heartbeats are not answered",
        LinkSession,
        "frameReceived",
        "self.sendFrame(answer)",
        "pass",
        test_link.test_a_pair_of_heartbeats_is_sent_answered_and_swallowed,
    ),
    *MUTANTS_OF_NAMES,
    *MUTANTS_OF_STRANGERS,
]


PROMISES: Final = {
    "was answered with": "a late reply answers the next request",
    "was applied after": "a request is written twice",
    "came after no more than": "users may send during the steps",
    "reported as NotSent, but applied": "a written request is reported as not sent",
    "were neither answered nor reported": "what waits for its turn is forgotten",
    "has not noticed that its peer is dead": "what is sent counts as heard",
    "not healed within": "it dials once only",
    "a healthy link was changed": "no heartbeat",
    "stop did not end within its grace": "a stop leaves the session as it is",
    "timers are set at": "a timer left over",
    "sockets are left at": "a stop leaves the session as it is",
    "ports are left at": "it listens on after a stop",
    "logged: ": "a reply is written though its session is over",
}
"""What the simulation says of a broken promise, and a mutant that breaks it."""


def is_found_out(mutant: Mutant) -> bool:
    """Return True if a test or a simulated run notices this mutant."""
    if mutant.killer is not None:
        return fails(mutant.killer, mutant.arguments)
    return any(run_violates(seed) for seed in SEEDS)


def run_violates(seed: int) -> bool:
    try:
        return bool(run(seed, FAULTS).violations)
    except Exception:
        return True


def fails(test: Callable[..., None], arguments: dict[str, Any]) -> bool:
    """Return True if a test fails."""
    given = dict(arguments)
    if "bench" in inspect.signature(test).parameters:
        given["bench"] = Bench()
        if test.__module__ in (test_link.__name__, test_names.__name__, test_reconnecting.__name__):
            given["bench"].serve()
    try:
        with recorded_log() as logged:
            if "logged" in inspect.signature(test).parameters:
                given["logged"] = logged
            test(**given)
            logged.events.clear()
    except (Exception, pytest.fail.Exception):
        return True
    return False


def test_there_are_many() -> None:
    assert len(MUTANTS) >= 20
    assert len(MUTANTS) == len({mutant.what for mutant in MUTANTS})
    assert len(MUTANTS) == len({(each.kind, each.method, each.old, each.new) for each in MUTANTS})


@pytest.mark.parametrize("told", PROMISES)
def test_each_promise_that_is_broken_is_told_as_such(told: str) -> None:
    (mutant,) = (each for each in MUTANTS if each.what == PROMISES[told])
    with mutant.at_work():
        assert any(told in each for seed in SEEDS for each in run(seed, FAULTS, patience=1000).violations)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_broken_rule_is_found_out(mutant: Mutant) -> None:
    with mutant.at_work():
        assert is_found_out(mutant)


def test_the_unbroken_rules_are_not_found_out() -> None:
    assert [] == [seed for seed in SEEDS if run_violates(seed)]
    named = {(mutant.killer, str(mutant.arguments)): mutant for mutant in MUTANTS}
    assert [] == [
        each.what for each in named.values() if each.killer and fails(each.killer, each.arguments)
    ]
