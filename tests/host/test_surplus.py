"""A frame too many from equipment without ids ends the session, and never answers another command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import capturedLogs, formatEvent

from tcpcomm import (
    ConfigurationError,
    Equipment,
    NotReady,
    NotSent,
    OutcomeUnknown,
    ReplyTimeout,
    command,
    event,
    link_of,
)
from tcpcomm.codec import Template
from tcpcomm.equipment.login import Login
from tcpcomm.framing import Delimited
from tcpcomm.link.states import LinkState
from tests.equipment.declared import PORT, Bench, MyCamera
from tests.equipment.test_forms import Reader
from tests.equipment.test_heartbeats import Beating, BeatingAlways, BeatingById, mine
from tests.link.wired import LAN, Peer
from tests.link.wired import Bench as WiredBench


class Gauge(Equipment):
    """A gauge that answers each question with the number of the place."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="ascii", fault=None)

    @command("GET,{place}", reply="IS,{place}", timeout=1.0)
    async def get(self, place: int) -> int:
        """Measure at a place."""
        raise NotImplementedError

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """The gauge needs attention."""


class QuietGauge(Gauge):
    """The same, with a silence after each reply."""

    quiet = 0.02


class Foreign(Factory):
    """Another program in the equipment's place: it answers each line by a function of the test."""

    noisy = False

    def __init__(self, answer: Callable[[Peer, bytes], object]) -> None:
        self._answer = answer
        self.peers: list[Peer] = []

    def answer(self, line: bytes) -> None:
        self._answer(self.peers[-1], line)

    def buildProtocol(self, addr: Any) -> Any:
        peer = Peer()
        peer.factory = self  # type: ignore[assignment]
        return peer


def reply_to(line: bytes) -> bytes:
    return line.replace(b"GET", b"IS")


def truthful(peer: Peer, line: bytes) -> None:
    peer.say(reply_to(line))


def gauge(bench: Bench, answer: Callable[[Peer, bytes], object], kind: Any = Gauge, **options: Any) -> Any:
    """Put a foreign gauge at the camera's place. Return it, the proxy, and the reasons of lost sessions."""
    foreign = Foreign(answer)
    bench.camera.listening(PORT).listen(foreign)
    proxy = bench.remote(kind, **options)
    lost: list[str] = []
    link_of(proxy).observe(lambda state, reason: lost.append(reason) if state is LinkState.DOWN else None)
    bench.until(lambda: link_of(proxy).state is LinkState.READY and bool(foreign.peers))
    return foreign, proxy, lost


ADVICE = (
    "later replies could answer the wrong command; "
    "if the equipment sends such frames by itself, declare them with @event"
)


def test_a_frame_between_two_commands_ends_the_session_which_comes_back(bench: Bench) -> None:
    foreign, proxy, lost = gauge(bench, truthful)
    assert 1 == bench.result(proxy.get(1))
    foreign.peers[-1].say(b"IS,1")
    bench.until(lambda: bool(lost))
    assert [f"b'IS,1' came, but no command waits for a reply: {ADVICE}"] == lost
    assert isinstance(bench.result(proxy.get(2)), NotReady)
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    assert 3 == bench.result(proxy.get(3))


def test_a_frame_before_the_first_command_ends_the_session(bench: Bench) -> None:
    foreign, _, lost = gauge(bench, truthful)
    foreign.peers[-1].say(b"HELLO")
    bench.until(lambda: bool(lost))
    assert lost[0].startswith("b'HELLO' came, but no command waits for a reply")


def test_a_frame_that_cannot_be_read_ends_the_session_too(bench: Bench) -> None:
    foreign, _, lost = gauge(bench, truthful)
    foreign.peers[-1].say(b"\xff\xfe")
    bench.until(lambda: bool(lost))
    assert lost[0].startswith(r"b'\xff\xfe' came, but no command waits")


def test_a_frame_after_the_login_ends_the_session_and_the_greeting_does_not(bench: Bench) -> None:
    class Greeting(Gauge):
        greeting = "GAUGE"
        login = (Login("WHO?", "{user}"),)

    def answer(peer: Peer, line: bytes) -> None:
        peer.say(b"WELCOME" if line == b"me" else reply_to(line))

    class Greets(Peer):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.say(b"GAUGE 2.1", b"WHO?")

    foreign = Foreign(answer)
    foreign.buildProtocol = lambda addr: _made(Greets(), foreign)  # type: ignore[method-assign]
    bench.camera.listening(PORT).listen(foreign)
    proxy = bench.remote(Greeting, credentials={"user": "me"})
    lost: list[str] = []
    link_of(proxy).observe(lambda state, reason: lost.append(reason) if state is LinkState.DOWN else None)
    bench.until(lambda: len(lost) > 1)
    assert lost[-1].startswith("b'WELCOME' came, but no command waits for a reply")


def _made(peer: Peer, foreign: Foreign) -> Peer:
    peer.factory = foreign  # type: ignore[assignment]
    return peer


def test_a_reply_that_comes_twice_at_once_is_given_to_nobody(bench: Bench) -> None:
    _, proxy, lost = gauge(bench, lambda peer, line: peer.say(*[reply_to(line)] * 2))
    first, second = proxy.get(1), proxy.get(2)
    outcomes = [bench.result(first), bench.result(second)]
    assert [OutcomeUnknown, NotSent] == [type(each) for each in outcomes]
    assert str(outcomes[0]).startswith("its reply is in doubt: b'IS,1' came")
    assert 1 == len(lost)


def test_a_surplus_frame_with_the_true_reply_behind_it_answers_nobody(bench: Bench) -> None:
    _, proxy, lost = gauge(bench, lambda peer, line: peer.say(b"IS,99", reply_to(line)))
    assert OutcomeUnknown is type(bench.result(proxy.get(1)))
    assert 1 == len(lost)


def test_frames_that_are_not_the_reply_end_the_session_and_are_quoted(bench: Bench) -> None:
    _, proxy, lost = gauge(bench, lambda peer, line: peer.say(b"BUSY", b"BUSY"))
    assert isinstance(bench.result(proxy.get(1)), OutcomeUnknown)
    assert [f"b'BUSY' is not the reply to get: {ADVICE}"] == lost


def test_events_between_commands_and_beside_replies_are_not_surplus(bench: Bench) -> None:
    foreign, proxy, lost = gauge(
        bench, lambda peer, line: peer.say(b"ALM,1", reply_to(line), b"ALM,2", b"ALM,3")
    )
    told: list[Any] = []
    proxy.alarm.subscribe(lambda code: told.append(f"alarm {code}"))
    proxy.get(7).addCallback(told.append)
    bench.until(lambda: len(told) == 4)
    foreign.peers[-1].say(b"ALM,4")
    bench.until(lambda: len(told) == 5)
    assert (["alarm 1", 7, "alarm 2", "alarm 3", "alarm 4"], []) == (told, lost)


def test_parts_of_a_reply_that_come_together_are_not_surplus(bench: Bench) -> None:
    _, proxy, lost = gauge(bench, lambda peer, line: peer.say(b"2", b"A1", b"B2"), Reader)
    assert ([["A1", "B2"]] * 3, []) == ([bench.result(proxy.codes()) for _ in range(3)], lost)


@pytest.mark.parametrize("kind", [Beating, BeatingAlways])
def test_heartbeats_are_not_surplus(bench: Bench, kind: Any) -> None:
    measured: Deferred[int] = Deferred()
    bench.serve(mine(kind, measured))
    proxy = bench.remote(kind, policy=LAN)
    asked = proxy.measure()
    bench.network.advance(1.0)
    measured.callback(4)
    assert 4 == bench.result(asked)
    bench.network.advance(1.0)
    assert link_of(proxy).state is LinkState.READY


def test_a_frame_that_is_not_the_reply_to_the_heartbeat_ends_the_session(bench: Bench) -> None:
    def answer(peer: Peer, line: bytes) -> None:
        peer.say(b"PONG" if len(peer.received) < 5 else b"7")

    _, _, lost = gauge(bench, answer, Beating, policy=LAN)
    bench.until(lambda: bool(lost))
    assert lost[-1].startswith("b'7' is not the reply to ping")


class Watchful(Gauge):
    """A gauge that answers heartbeats at any time."""

    heartbeat = "ping"
    heartbeat_while_busy = True

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Show that it is alive."""


def test_equipment_that_says_other_things_and_answers_no_heartbeat_is_given_up(bench: Bench) -> None:
    def answer(peer: Peer, line: bytes) -> None:
        peer.say(b"PONG" if len(peer.received) < 5 else b"ALM,7")

    _, _, lost = gauge(bench, answer, Watchful, policy=LAN)
    began = bench.network.clock.now
    bench.until(lambda: bool(lost))
    assert 0.6 <= bench.network.clock.now - began < 1.2
    assert ["6 heartbeats (ping) were not answered, though other frames came"] == lost


def test_with_ids_a_late_reply_is_logged_and_the_session_goes_on(bench: Bench) -> None:
    measured: Deferred[int] = Deferred()
    bench.serve(mine(BeatingById, measured))
    proxy = bench.remote(BeatingById)
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    assert isinstance(bench.result(proxy.measure()), ReplyTimeout)
    with capturedLogs() as events:
        measured.callback(4)
        bench.network.advance(0.1)
    assert link_of(proxy).state is LinkState.READY
    lines = "".join(formatEvent(each) for each in events)
    assert "it answers no command: it is late, or nobody asked" in lines


def test_commands_that_share_a_session_in_both_directions_end_it_at_a_surplus_frame(bench: Bench) -> None:
    class Host(Equipment):
        framing = Delimited(b"\r\n")
        codec = Template(fault=None)

        @command("PART?", reply="PART,{number}")
        async def part(self) -> int:
            """Return the number of the part."""
            raise NotImplementedError

    class MyHost(Host):
        async def part(self) -> int:
            return 5

    foreign, _, lost = gauge(bench, lambda peer, line: None, serves=MyHost())
    foreign.peers[-1].say(b"PART?")
    bench.until(lambda: foreign.peers[-1].received == [b"PART,5"])
    assert [] == lost
    foreign.peers[-1].say(b"IS,1")
    bench.until(lambda: bool(lost))
    assert lost[0].startswith("b'IS,1' came, but no command waits for a reply")


def test_a_service_that_asks_its_host_ends_the_session_at_a_surplus_frame(bench: Bench) -> None:
    service = bench.serve(MyCamera(), calls=Gauge)
    foreign = Foreign(lambda peer, line: None)
    bench.robot.connecting(bench.camera, PORT).connect(foreign)
    bench.until(lambda: bool(foreign.peers and service.factory.members))
    (session,) = service.factory.members
    foreign.peers[-1].say(b"TRG,1", b"ALM,4", b"IS,4")
    bench.until(lambda: foreign.peers[-1].over is not None)
    assert session.reason.startswith("b'IS,4' came, but no command waits for a reply")


# -- before a command is written ------------------------------------------------------------------------


def test_what_came_while_the_program_slept_is_read_before_a_command_is_written(bench: Bench) -> None:
    foreign, proxy, lost = gauge(bench, truthful)
    told: list[Any] = []
    bench.robot.clock.callLater(0.5, lambda: proxy.get(1).addBoth(lambda each: told.append(each.value)))
    bench.network.advance(0.4)
    bench.robot.hang()
    foreign.peers[-1].say(b"IS,1")
    bench.network.advance(0.5)
    bench.robot.wake()
    bench.until(lambda: bool(told))
    assert (NotSent, []) == (type(told[0]), foreign.peers[-1].received)
    assert lost[0].startswith("b'IS,1' came")


def test_a_frame_that_has_begun_ends_before_a_command_is_written(bench: Bench) -> None:
    foreign, proxy, lost = gauge(bench, truthful)
    foreign.peers[-1].write(b"ALM,")
    bench.network.advance(0.1)
    asked = proxy.get(1)
    bench.network.advance(0.05)
    assert [] == foreign.peers[-1].received
    foreign.peers[-1].write(b"7\r\n")
    assert (1, []) == (bench.result(asked), lost)


def test_a_half_surplus_frame_holds_the_command_until_it_is_whole(bench: Bench) -> None:
    foreign, proxy, lost = gauge(bench, truthful)
    foreign.peers[-1].write(b"IS,")
    bench.network.advance(0.1)
    asked = proxy.get(1)
    bench.network.advance(0.02)
    foreign.peers[-1].write(b"1\r\n")
    assert (NotSent, []) == (type(bench.result(asked)), foreign.peers[-1].received)
    assert lost[0].startswith("b'IS,1' came")


def test_a_peer_that_never_pauses_between_its_events_cannot_hold_a_command_for_long(bench: Bench) -> None:
    foreign, proxy, lost = gauge(bench, lambda peer, line: peer.write(b"7\r\nIS,1\r\nALM,"))
    foreign.peers[-1].write(b"ALM,")
    bench.network.advance(0.1)
    asked = proxy.get(1)
    began = bench.network.clock.now
    while not foreign.peers[-1].received:
        foreign.peers[-1].write(b"7\r\nALM,")
        bench.network.advance(0.002)
    assert 0.1 <= bench.network.clock.now - began < 0.11
    assert (1, []) == (bench.result(asked), lost)


# -- the declared silence, and the pauses ---------------------------------------------------------------


def back_to_back(bench: Bench, proxy: Any, seconds: float) -> list[tuple[int, Any]]:
    """Ask one command after the other. Return the numbers with their outcomes."""
    outcomes: list[tuple[int, Any]] = []
    ends = bench.network.clock.now + seconds

    def ask(number: int) -> None:
        def told(outcome: Any) -> None:
            outcomes.append((number, outcome))
            if bench.network.clock.now < ends and isinstance(outcome, int):
                ask(number + 1)

        asked = proxy.get(number)
        asked.addErrback(lambda failure: failure.value).addCallback(told)

    ask(1)
    bench.network.advance(seconds + 2.0)
    return outcomes


def late_twice(bench: Bench, delay: float, only: int | None = None) -> Callable[[Peer, bytes], None]:
    """Return a gauge that answers after 4 ms, and once more after ``delay`` seconds."""
    clock = bench.camera.clock

    def answer(peer: Peer, line: bytes) -> None:
        clock.callLater(0.004, peer.say, reply_to(line))
        if only is None or line == b"GET,%d" % only:
            clock.callLater(0.004 + delay, peer.say, reply_to(line))

    return answer


def test_a_reply_that_comes_twice_within_the_declared_silence_answers_no_other_command(
    bench: Bench,
) -> None:
    _, proxy, lost = gauge(bench, late_twice(bench, 0.01), QuietGauge)
    outcomes = back_to_back(bench, proxy, 0.2)
    assert [1] == [number for number, outcome in outcomes if outcome == number]
    assert [NotSent] == [type(outcome) for _, outcome in outcomes[1:]]
    assert lost[0].startswith("b'IS,1' came, but no command waits for a reply")


def test_a_shift_in_a_flow_without_pauses_is_found_within_about_a_second(bench: Bench) -> None:
    _, proxy, lost = gauge(bench, late_twice(bench, 0.01, only=50))
    began = bench.network.clock.now
    told: list[float] = []
    link_of(proxy).observe(lambda state, reason: told.append(bench.network.clock.now - began))
    outcomes = back_to_back(bench, proxy, 3.0)
    wrong = [number for number, outcome in outcomes if isinstance(outcome, int) and outcome != number]
    assert "came, but no command waits for a reply" in lost[0]
    assert wrong[0] in (52, 53)
    assert [*range(wrong[0], len(outcomes))] == wrong
    assert told[0] < 1.5
    assert isinstance(outcomes[-1][1], NotSent | OutcomeUnknown)


def test_without_a_shift_the_flow_goes_on(bench: Bench) -> None:
    _, proxy, lost = gauge(bench, late_twice(bench, 0.01, only=0))
    outcomes = back_to_back(bench, proxy, 5.0)
    assert ([], True) == (lost, all(number == outcome for number, outcome in outcomes))


# -- raw links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dials", [True, False])
def test_a_raw_link_without_received_ends_the_session(dials: bool) -> None:
    bench = WiredBench()
    bench.serve() if dials else bench.dial()
    link = bench.link(dials=dials)
    bench.ready(link)
    assert b"re 1" == bench.result(link.request(b"1", timeout=1.0))
    bench.peers.last.say(b"re 1")
    bench.until(lambda: link.state is LinkState.DOWN)
    assert (
        "b're 1' came, but no command waits for a reply: later replies could answer the wrong command; "
        "if the peer sends such frames by itself, give the Link received="
    ) == link.reason


def test_a_raw_link_with_received_gets_unasked_frames_there() -> None:
    bench = WiredBench()
    bench.serve()
    taken: list[bytes] = []
    link = bench.link(received=taken.append)
    bench.ready(link)
    bench.peers.last.say(b"HELLO")
    bench.until(lambda: bool(taken))
    assert ([b"HELLO"], LinkState.READY) == (taken, link.state)


def test_a_raw_link_keeps_the_silence_that_it_is_given() -> None:
    bench = WiredBench()
    bench.serve()
    link = bench.link(quiet=0.25)
    bench.ready(link)
    began = bench.now
    for _ in range(3):
        bench.result(link.request(b"1", timeout=1.0))
    assert 0.5 <= bench.now - began < 0.55


@pytest.mark.parametrize("quiet", [-0.1, float("nan"), float("inf")])
def test_a_silence_that_is_no_time_is_refused(quiet: float) -> None:
    with pytest.raises(ConfigurationError, match="quiet must be a number of seconds, 0 or more"):
        WiredBench().link(quiet=quiet)
