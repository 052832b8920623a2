"""A link as a program uses it: requests, replies, events, heartbeats, and the errors that it raises."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from tcpcomm.conversation.exchange import MAX_WAITING
from tcpcomm.errors import (
    ConfigurationError,
    EncodeError,
    NotReady,
    NotSent,
    OutcomeUnknown,
    ReplyTimeout,
)
from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.policy import Policy
from tcpcomm.link.states import LinkState
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.session.admission import parse_network
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.session.observer import SessionObserver
from tests.link.wired import BEAT, LAN, QUIET, Bench, answers


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.serve()
    return bench


KEYS = PreSharedKeys("robot", {"camera": bytes(32)})


def silent_for(*lines: bytes) -> Any:
    """An answer for everything but these."""
    return lambda line: None if line in lines else answers(line)


# -- requests -------------------------------------------------------------------------------------------


def test_a_request_is_answered(bench: Bench) -> None:
    link = bench.link()
    bench.ready(link)
    assert b"re TRG,3" == bench.result(link.request(b"TRG,3", timeout=1.0))


def test_requests_are_made_one_after_the_other(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a", b"b")
    link = bench.link()
    bench.ready(link)
    first, second = link.request(b"a", timeout=1.0), link.request(b"b", timeout=1.0)
    bench.network.advance(0.05)
    assert b"b" not in bench.peers.last.received
    bench.peers.last.say(b"A")
    bench.network.advance(0.05)
    assert b"b" in bench.peers.last.received
    bench.peers.last.say(b"B")
    assert [b"A", b"B"] == [bench.result(first), bench.result(second)]


def test_a_peer_has_the_whole_timeout_for_its_reply_however_long_the_request_waited(bench: Bench) -> None:
    slow: list[bytes] = []
    bench.peers.answer = lambda line: answers(line) if line in (b"PING", b"PONG") else slow.append(line)
    link = bench.link()
    bench.ready(link)
    replies = [link.request(b"%d" % number, timeout=1.0) for number in range(3)]
    for number in range(3):
        bench.network.advance(0.45)
        bench.peers.last.say(b"reply %d" % number)
    assert [b"reply 0", b"reply 1", b"reply 2"] == [bench.result(each) for each in replies]
    assert 1 == len(bench.peers.peers)


def test_a_request_whose_turn_does_not_come_in_time_was_not_sent(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"slow", b"waits")
    link = bench.link()
    bench.ready(link)
    slow, waits = link.request(b"slow", timeout=1.0), link.request(b"waits", timeout=0.5)
    failed = bench.result(waits)
    assert (NotSent, "its turn did not come within 0.5 s") == (type(failed), str(failed))
    bench.peers.last.say(b"done")
    assert b"done" == bench.result(slow)
    assert b"waits" not in bench.peers.last.received


def test_a_reply_that_is_late_is_a_timeout_and_drops_the_session(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"slow")
    link = bench.link()
    bench.ready(link)
    first = bench.peers.last
    slow, waits = link.request(b"slow", timeout=0.5), link.request(b"waits", timeout=2.0)
    timeout = bench.result(slow)
    assert (ReplyTimeout, "no reply within 0.5 s") == (type(timeout), str(timeout))
    assert LinkState.DOWN is link.state
    assert type(bench.result(waits)) is NotSent
    first.say(b"the late reply")
    bench.ready(link)
    assert b"re next" == bench.result(link.request(b"next", timeout=1.0))
    assert "ConnectionLost" == first.over


def test_a_frame_that_came_before_a_request_was_written_does_not_answer_it(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a", b"b")
    events: list[bytes] = []
    link = bench.link(received=events.append)
    bench.ready(link)
    second: list[Deferred[bytes]] = []
    first = link.request(b"a", timeout=1.0)
    first.addCallback(lambda _: second.append(link.request(b"b", timeout=1.0)))
    bench.network.advance(0.05)
    bench.peers.last.say(b"A", b"A again")
    bench.until(lambda: bool(events))
    assert [b"A again"] == events
    bench.network.advance(0.05)
    bench.peers.last.say(b"B")
    assert b"B" == bench.result(second[0])


def test_a_request_under_way_when_the_cable_is_pulled_has_an_unknown_outcome(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a")
    link = bench.link()
    bench.ready(link)
    sent, waits = link.request(b"a", timeout=5.0), link.request(b"b", timeout=5.0)
    bench.camera.pull()
    unknown, not_sent = bench.result(sent), bench.result(waits)
    assert type(unknown) is OutcomeUnknown
    assert "the command was written, then the session ended: no heartbeat for 0.30 s" == str(unknown)
    assert type(not_sent) is NotSent
    assert "the session ended before its turn: no heartbeat for 0.30 s" == str(not_sent)


def test_a_request_is_never_sent_twice(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"move")
    link = bench.link()
    bench.ready(link)
    move = link.request(b"move", timeout=60.0)
    for _ in range(5):
        bench.network.advance(0.5)
        bench.camera.reset()
        bench.network.advance(0.5)
    assert type(bench.result(move)) is OutcomeUnknown
    assert 1 == sum(peer.received.count(b"move") for peer in bench.peers.peers)


def test_nothing_is_kept_for_later_while_the_link_is_down(bench: Bench) -> None:
    bench.camera.pull()
    link = bench.link()
    bench.network.advance(0.5)
    with pytest.raises(NotReady, match=r"^link to the peer is connecting; the last attempt: "):
        link.send(b"frame")
    assert type(bench.result(link.request(b"frame", timeout=1.0), 0.0)) is NotReady
    bench.camera.plug()
    bench.ready(link)
    bench.network.advance(1.0)
    assert b"frame" not in bench.peers.last.received


def test_a_request_that_the_framing_cannot_carry_is_refused_alone(bench: Bench) -> None:
    link = bench.link()
    bench.ready(link)
    assert isinstance(bench.result(link.request(b"two\nlines", timeout=1.0)), EncodeError)
    with pytest.raises(EncodeError):
        link.send(b"two\nlines")
    assert b"re it" == bench.result(link.request(b"it", timeout=1.0))
    assert 1 == len(bench.peers.peers)


def test_a_port_that_is_open_to_other_machines_needs_to_be_told_who_may_come() -> None:
    for guard in ({"allow": None}, {"allow": [parse_network("10.0.0.0/8")]}, {"keys": KEYS}):
        Link(listen="tcp:9999", **guard)
    Link(listen="tcp:9999:interface=127.0.0.1")
    with pytest.raises(ConfigurationError, match="tcp:9999 is open to other machines: say which with"):
        Link(listen="tcp:9999")


@pytest.mark.parametrize(("network", "admitted"), [("10.0.0.0/8", True), ("192.168.0.0/24", False)])
def test_a_peer_from_a_network_that_is_not_allowed_is_refused(
    network: str, admitted: bool, bench: Bench
) -> None:
    link = bench.link(dials=False, allow=[parse_network(network)])
    bench.dial()
    bench.until(lambda: bool(bench.peers.peers))
    bench.network.advance(1.0)
    assert admitted == (link.state is LinkState.READY)
    assert admitted == (bench.peers.last.over is None)


def test_only_so_many_requests_wait(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"it")
    link = bench.link()
    bench.ready(link)
    waiting = [link.request(b"it", timeout=60.0) for _ in range(1 + MAX_WAITING)]
    refused = bench.result(link.request(b"it", timeout=60.0), 0.0)
    assert (NotSent, "64 commands wait already") == (type(refused), str(refused))
    bench.result(link.stopService())
    kinds = [type(bench.result(each)) for each in waiting]
    assert [OutcomeUnknown] + [NotSent] * MAX_WAITING == kinds


def test_cancelling_a_request_that_waits_harms_nobody(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a")
    link = bench.link()
    bench.ready(link)
    first, second = link.request(b"a", timeout=1.0), link.request(b"b", timeout=1.0)
    second.cancel()
    assert isinstance(bench.result(second), CancelledError)
    bench.network.advance(0.05)
    bench.peers.last.say(b"A")
    assert b"A" == bench.result(first)
    assert b"b" not in bench.peers.last.received


def test_cancelling_a_request_that_was_written_drops_the_session(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a")
    link = bench.link()
    bench.ready(link)
    request = link.request(b"a", timeout=1.0)
    request.cancel()
    assert isinstance(bench.result(request), CancelledError)
    assert "a command was cancelled: its reply must not answer the next one" == link.reason
    bench.ready(link)
    assert b"re b" == bench.result(link.request(b"b", timeout=1.0))


@pytest.mark.parametrize("how", ["timeout", "cancel", "reply"])
def test_a_caller_may_ask_again_as_soon_as_its_request_is_settled(how: str, bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a") if how != "reply" else answers
    link = bench.link()
    bench.ready(link)
    again: list[Deferred[bytes]] = []
    request = link.request(b"a", timeout=0.5)
    request.addBoth(lambda _: again.append(link.request(b"b", timeout=0.5)))
    if how == "cancel":
        request.cancel()
    bench.until(lambda: bool(again))
    outcome = bench.result(again[0])
    assert outcome == b"re b" if how == "reply" else type(outcome) is NotReady
    bench.ready(link)


def test_a_reply_timeout_while_it_stops_ends_with_the_stop(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a")
    link = bench.link()
    bench.ready(link)
    bench.camera.pull()
    request = link.request(b"a" * 500_000, timeout=0.5)
    stopped = link.stopService()
    assert isinstance(bench.result(request), OutcomeUnknown)
    assert bench.result(stopped) is None
    assert [] == bench.left()


# -- events ---------------------------------------------------------------------------------------------


def test_an_event_does_not_answer_a_request(bench: Bench) -> None:
    bench.peers.answer = silent_for(b"a")
    events: list[bytes] = []
    link = bench.link(received=events.append, is_event=lambda frame: frame.startswith(b"ALM"))
    bench.ready(link)
    request = link.request(b"a", timeout=1.0)
    bench.network.advance(0.05)
    bench.peers.last.say(b"ALM,1", b"A", b"ALM,2")
    assert b"A" == bench.result(request)
    assert [b"ALM,1", b"ALM,2"] == events


def test_a_frame_that_nobody_asked_for_harms_nothing(bench: Bench) -> None:
    link = bench.link()
    bench.ready(link)
    bench.peers.last.say(b"hello")
    bench.network.advance(0.05)
    assert b"re it" == bench.result(link.request(b"it", timeout=1.0))


@pytest.mark.parametrize("how", ["bytes", "deferred", "coroutine"])
def test_what_a_handler_returns_is_the_reply(how: str, bench: Bench) -> None:
    async def later(frame: bytes) -> bytes:
        wait: Deferred[None] = Deferred()
        bench.robot.clock.callLater(0.1, wait.callback, None)
        await wait
        return b"did " + frame

    def received(frame: bytes) -> Any:
        if how == "bytes":
            return b"did " + frame
        return later(frame) if how == "coroutine" else Deferred.fromCoroutine(later(frame))

    bench.peers.answer = silent_for(b"did it")
    link = bench.link(received=received)
    bench.ready(link)
    bench.peers.last.say(b"it")
    bench.until(lambda: b"did it" in bench.peers.last.received)


def test_a_reply_that_comes_after_its_session_is_not_sent_on_the_next(bench: Bench) -> None:
    reply: Deferred[bytes] = Deferred()
    link = bench.link(received=lambda frame: reply)
    bench.ready(link)
    bench.peers.last.say(b"it")
    bench.network.advance(0.05)
    bench.camera.reset()
    bench.until(lambda: len(bench.peers.peers) == 2)
    bench.ready(link)
    reply.callback(b"did it")
    bench.network.advance(0.1)
    assert not any(b"did it" in peer.received for peer in bench.peers.peers)


def test_what_a_handler_stops_in_the_middle_of_a_batch_is_not_delivered(bench: Bench) -> None:
    got: list[bytes] = []

    def received(frame: bytes) -> None:
        got.append(frame)
        link.stopService()

    link = bench.link(received=received)
    bench.ready(link)
    bench.peers.last.say(b"one", b"PING", b"two")
    bench.network.advance(1.0)
    assert [b"one"] == got
    assert LinkState.DOWN is link.state


# -- heartbeats -----------------------------------------------------------------------------------------


def test_a_pair_of_heartbeats_is_sent_answered_and_swallowed(bench: Bench) -> None:
    events: list[bytes] = []
    link = bench.link(received=events.append)
    bench.ready(link)
    bench.peers.last.say(b"PING")
    bench.network.advance(1.0)
    received = bench.peers.last.received
    assert 1 == received.count(b"PONG")
    assert received.count(b"PING") in (10, 11)
    assert [] == events


def test_a_heartbeat_may_need_no_reply(bench: Bench) -> None:
    bench.peers.answer = lambda line: None
    link = bench.link(heartbeat=Heartbeat(b"ALIVE"))
    bench.until(lambda: bool(bench.peers.peers))
    for _ in range(20):
        bench.peers.last.say(b"ALIVE")
        bench.network.advance(0.1)
    assert LinkState.READY is link.state
    assert 1 == len(bench.peers.peers)
    assert bench.peers.last.received.count(b"ALIVE") in (20, 21)
    bench.until(lambda: link.state is LinkState.DOWN, 0.4)


def test_a_heartbeat_may_be_anything_that_the_peer_answers(bench: Bench) -> None:
    events: list[bytes] = []
    link = bench.link(heartbeat=lambda protocol: protocol.sendFrame(b"STATUS?"), received=events.append)
    bench.ready(link)
    bench.network.advance(1.0)
    assert LinkState.READY is link.state
    assert events.count(b"re STATUS?") in (10, 11)


def test_a_heartbeat_that_cannot_be_sent_drops_the_session(bench: Bench) -> None:
    beats: list[int] = []

    def beat(protocol: Any) -> None:
        beats.append(1)
        if len(beats) == 2:
            raise ValueError("no")
        protocol.sendFrame(b"STATUS?")

    link = bench.link(heartbeat=beat, received=lambda frame: None)
    bench.until(lambda: link.state is LinkState.DOWN)
    assert "the heartbeat cannot be sent" == link.reason
    bench.ready(link)


def test_heartbeats_go_on_after_every_reconnection(bench: Bench) -> None:
    link = bench.link()
    for _ in range(5):
        bench.ready(link)
        bench.network.advance(1.0)
        assert bench.peers.last.received.count(b"PING") >= 10
        bench.camera.reset()
        bench.until(lambda: link.state is LinkState.DOWN)


def test_heartbeats_are_sent_also_where_the_steps_have_proven_the_peer(bench: Bench) -> None:
    link = bench.link(on_ready=[lambda handshake: handshake.request(b"login", timeout=1.0)])
    bench.ready(link)
    bench.network.advance(1.0)
    assert bench.peers.last.received.count(b"PING") in (10, 11)
    assert 1 == len(bench.peers.peers)


def test_without_heartbeats_none_is_sent(bench: Bench) -> None:
    link = bench.link(policy=QUIET)
    bench.ready(link)
    bench.network.advance(10.0)
    assert [] == bench.peers.last.received


# -- a session that ends by itself ----------------------------------------------------------------------


def test_a_peer_that_breaks_the_framing_is_dialled_anew(bench: Bench) -> None:
    link = bench.link(framing=Lines(max_frame=10), received=lambda frame: 1 / 0)
    bench.ready(link)
    bench.peers.last.say(b"boom")
    bench.until(lambda: link.state is LinkState.DOWN)
    assert link.reason.startswith("a handler failed: ZeroDivisionError")
    bench.ready(link)


def test_a_session_that_closes_itself_is_replaced_though_its_peer_is_dead(bench: Bench) -> None:
    link = bench.link(policy=QUIET)
    bench.ready(link)
    bench.camera.pull()
    link.engine.protocol.close("no more")
    assert "no more" == link.reason
    with pytest.raises(NotReady):
        link.send(b"it")
    bench.camera.plug()
    bench.ready(link)


# -- configuration --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, 'a link needs one place: connect="tcp:10.0.0.5:9999", where the peer listens'),
        ({"connect": "tcp:h:1", "listen": "tcp:1"}, "a link needs one place"),
        ({"connect": "tcp:h:1", "policy": "wlan"}, "no profile is called 'wlan'"),
        (
            {"connect": "tcp:h:1", "policy": QUIET, "heartbeat": BEAT},
            "there is a heartbeat, but the policy does not say how often",
        ),
    ],
)
def test_options_that_cannot_work_are_refused(options: Any, says: str, bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Link(**options, reactor=bench.robot.clock)


def test_a_policy_may_be_a_profile_s_name_or_one_s_own(bench: Bench) -> None:
    own: Policy = evolve(LAN, heartbeats=Heartbeats(1.0, 2.0))
    links = [bench.link(policy=own), bench.link(policy="fleet")]
    bench.ready(*links)


@pytest.mark.parametrize("options", [{}, {"framing_hints": False}], ids=["by default", "switched off"])
def test_the_sessions_of_a_link_bring_hints_at_framings_unless_that_is_switched_off(
    options: dict[str, Any],
) -> None:
    seen: list[bool] = []

    class Watcher(SessionObserver):
        def opened(self, session: Any) -> None:
            seen.append(session.framing_hints)

    bench = Bench()
    bench.serve()
    bench.ready(bench.link(observers=[Watcher()], **options))
    assert [not options] == seen
