"""The sender and the answerer meet, and meet peers that refuse, close and say nothing, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from tcpcomm.framing import Delimited, Framing
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.testing import Network, RecordingObserver
from tcpcomm.testing.network.fixtures import simulated_network  # noqa: F401
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.send.answerer import Answerer
from tcpcomm.tools.send.outcome import Outcome
from tcpcomm.tools.send.pattern import Pattern, Rule
from tcpcomm.tools.send.sender import NoLink, Sender, Waiting

CRLF = Speech.framed(Delimited(b"\r\n"))
PORT = 9999


class Bench:
    """A machine that sends, and one that answers."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.far, self.near = network.machine("far"), network.machine("near")
        self.replies: list[bytes] = []
        self.seen = RecordingObserver()

    def listen(self, factory: Any) -> None:
        self.far.listening(PORT).listen(factory)

    def answerer(self, speech: Speech = CRLF, **options: Any) -> Answerer:
        made = Answerer(speech, self.far.clock, **options)
        self.listen(made.factory)
        return made

    def sender(self, speech: Speech = CRLF, keys: PreSharedKeys | None = None, **waiting: Any) -> Sender:
        return Sender(
            speech,
            Waiting(**waiting),
            self.near.clock,
            observers=[self.seen],
            keys=keys,
            reply=self.replies.append,
        )

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]], within: float = 100.0) -> Any:
        done: list[Any] = []
        Deferred.fromCoroutine(work()).addBoth(done.append)
        assert self.network.run_until(lambda: bool(done), within)
        if hasattr(done[0], "raiseException"):
            done[0].raiseException()
        return done[0]

    def ask(self, sender: Sender, *messages: bytes, close: bool = True) -> list[Outcome]:
        async def work() -> list[Outcome]:
            await sender.connect(self.near.connecting(self.far, PORT))
            outcomes = [await sender.ask(each) for each in messages]
            if close:
                await sender.close()
            return outcomes

        found: list[Outcome] = self.run(work)
        return found


@pytest.fixture
def bench(simulated_network: Network) -> Bench:  # noqa: F811
    return Bench(simulated_network)


class Scripted(Protocol):
    """A peer that does something with each chunk."""

    def __init__(self, does: Callable[[Any, bytes], object], first: Callable[[Any], object]) -> None:
        self._does = does
        self._first = first

    def connectionMade(self) -> None:
        self._first(self.transport)

    def dataReceived(self, data: bytes) -> None:
        self._does(self.transport, data)


def scripted(
    does: Callable[[Any, bytes], object] = lambda transport, data: None,
    first: Callable[[Any], object] = lambda transport: None,
) -> Factory:
    factory = Factory()
    factory.buildProtocol = lambda _: Scripted(does, first)  # type: ignore
    return factory


def test_messages_are_framed_and_the_replies_cut(bench: Bench) -> None:
    bench.answerer(rules=[Rule.parse("TRG,*=>OK,{1}")])
    assert [Outcome.OK, Outcome.OK] == bench.ask(bench.sender(), b"TRG,1", b"TRG,2")
    assert [b"OK,1", b"OK,2"] == bench.replies
    assert [
        ("opened",),
        ("ready",),
        ("sent", b"TRG,1\r\n"),
        ("frame_sent", b"TRG,1"),
        ("received", b"OK,1\r\n"),
        ("frame_received", b"OK,1"),
    ] == bench.seen.log[:6]
    assert ("closed", "closed here") == bench.seen.log[-1]


def test_the_session_is_seen_as_that_of_the_host(bench: Bench) -> None:
    bench.answerer()
    bench.ask(bench.sender(replies=0), b"TRG,1")
    (session,) = bench.seen.sessions
    assert not session.is_equipment
    assert "10.0.0.1:9999" == session.peer


def test_chunks_are_joined_until_the_silence(bench: Bench) -> None:
    def answer(transport: Any, _: bytes) -> None:
        transport.write(b"OK,")
        bench.far.clock.callLater(0.1, transport.write, b"1")

    bench.listen(scripted(answer))
    assert [Outcome.OK] == bench.ask(bench.sender(Speech.raw(), silence=0.2), b"TRG,1")
    assert [b"OK,1"] == bench.replies
    assert [b"OK,", b"1"] == [frame for _, frame in bench.seen.only("frame_received")]


def test_so_many_replies_are_awaited(bench: Bench) -> None:
    bench.listen(scripted(lambda transport, _: transport.write(b"a\r\nb\r\nc\r\n")))
    assert [Outcome.OK] == bench.ask(bench.sender(replies=3), b"x")
    assert [b"a", b"b", b"c"] == bench.replies


def test_a_message_that_does_not_fit_is_passed_over(bench: Bench) -> None:
    bench.listen(scripted(lambda transport, _: transport.write(b"ALM,1\r\nOK,1\r\n")))
    sender = bench.sender(patterns=[Pattern.parse("OK,*")])
    assert [Outcome.OK] == bench.ask(sender, b"x")
    assert [b"OK,1"] == bench.replies


def test_no_match_tells_what_came_instead(bench: Bench) -> None:
    bench.listen(scripted(lambda transport, _: transport.write(b"NG,1\r\nNG,2\r\n")))
    sender = bench.sender(patterns=[Pattern.parse("OK,*")])
    assert [Outcome.NO_MATCH] == bench.ask(sender, b"x")
    told = "expected 'OK,*', and got 2 other messages, the last one b'NG,2' within 2 s"
    assert (told, []) == (sender.problem, bench.replies)


def test_silence_is_a_timeout(bench: Bench) -> None:
    bench.listen(scripted())
    sender = bench.sender(timeout=3.0)
    assert [Outcome.TIMEOUT] == bench.ask(sender, b"x")
    assert "got nothing within 3 s" == sender.problem


@pytest.mark.parametrize("speech", [CRLF, Speech.raw()], ids=["framed", "raw"])
def test_a_reply_that_came_in_time_counts_also_if_this_machine_stood_still(
    bench: Bench, speech: Speech
) -> None:
    bench.listen(scripted(lambda transport, data: transport.write(b"OK\r\n")))
    sender = bench.sender(speech, timeout=2.0)

    async def work() -> Outcome:
        await sender.connect(bench.near.connecting(bench.far, PORT))
        asked = Deferred.fromCoroutine(sender.ask(b"TRG,1"))
        bench.near.stall(5.0)
        return await asked

    assert Outcome.OK is bench.run(work)
    assert [b"OK"] == [each.rstrip() for each in bench.replies]


def test_too_few_replies_are_a_timeout(bench: Bench) -> None:
    bench.listen(scripted(lambda transport, _: transport.write(b"a\r\n")))
    sender = bench.sender(replies=2)
    assert [Outcome.TIMEOUT] == bench.ask(sender, b"x")
    assert "got 1 of 2 replies within 2 s" == sender.problem


def test_a_peer_that_closes_is_no_link(bench: Bench) -> None:
    bench.listen(scripted(lambda transport, _: transport.loseConnection()))
    sender = bench.sender()
    assert [Outcome.NO_LINK, Outcome.NO_LINK] == bench.ask(sender, b"x", b"y", close=False)
    assert "the peer hung up" in sender.problem


def test_a_peer_that_resets_is_no_link(bench: Bench) -> None:
    bench.listen(scripted(lambda transport, _: transport.abortConnection()))
    sender = bench.sender()
    assert [Outcome.NO_LINK] == bench.ask(sender, b"x", close=False)
    assert "the connection broke" in sender.problem


def test_a_reply_without_a_framing_counts_although_the_peer_closes_at_once(bench: Bench) -> None:
    def answer(transport: Any, _: bytes) -> None:
        transport.write(b"OK")
        transport.loseConnection()

    bench.listen(scripted(answer))
    assert [Outcome.OK] == bench.ask(bench.sender(Speech.raw()), b"x", close=False)
    assert [b"OK"] == bench.replies


def test_a_refused_connection_is_told_in_words(bench: Bench) -> None:
    with pytest.raises(NoLink, match="refused: the machine is there"):
        bench.ask(bench.sender(), b"x")


def test_a_machine_that_is_off_is_told_after_the_wait(bench: Bench) -> None:
    bench.far.pull()

    async def work() -> None:
        await bench.sender().connect(bench.near.connecting(bench.far, PORT), wait=4.0)

    with pytest.raises(NoLink, match="no answer within 4 s"):
        bench.run(work, within=5.0)


def test_a_peer_without_the_key_is_told(bench: Bench) -> None:
    bench.listen(scripted())
    keys = PreSharedKeys("tester", {"camera": b"0123456789abcdef"})

    async def work() -> None:
        await bench.sender(keys=keys).connect(bench.near.connecting(bench.far, PORT), wait=4.0)

    with pytest.raises(NoLink, match="not ready within 4 s"):
        bench.run(work)


def test_keys_are_proven_before_messages_pass(bench: Bench) -> None:
    key = b"0123456789abcdef"
    bench.answerer(rules=[Rule.always("{0}")], keys=PreSharedKeys("camera", {"tester": key}))
    sender = bench.sender(keys=PreSharedKeys("tester", {"camera": key}))
    assert [Outcome.OK] == bench.ask(sender, b"x")


def test_a_greeting_is_no_reply_if_it_is_awaited(bench: Bench) -> None:
    bench.listen(
        scripted(lambda transport, _: transport.write(b"OK\r\n"), lambda it: it.write(b"Welcome\r\n"))
    )
    sender = bench.sender()

    async def work() -> list[Outcome]:
        await sender.connect(bench.near.connecting(bench.far, PORT))
        sender.begin()
        return [await sender.replies(), await sender.ask(b"x")]

    assert [Outcome.OK, Outcome.OK] == bench.run(work)
    assert [b"Welcome", b"OK"] == bench.replies


def test_waiting_for_something_else_ends_with_the_connection(bench: Bench) -> None:
    bench.listen(scripted(first=lambda transport: transport.loseConnection()))
    sender = bench.sender()

    async def work() -> None:
        await sender.connect(bench.near.connecting(bench.far, PORT))
        await sender.unless_closed(Deferred())

    with pytest.raises(NoLink, match="the peer hung up"):
        bench.run(work)


def test_the_tally_counts_and_keeps_the_first_failure(bench: Bench) -> None:
    bench.answerer(rules=[Rule.parse("TRG=>OK")])
    sender = bench.sender(timeout=1.0)
    bench.ask(sender, b"TRG", b"?", b"TRG")
    assert Outcome.TIMEOUT is sender.tally.outcome
    text = sender.tally.text()
    assert text.startswith("3 sent, 2 answered, 1 without an answer, round trip min/median/max ")


class TestAnswerer:
    def test_several_clients_are_answered(self, bench: Bench) -> None:
        answerer = bench.answerer(rules=[Rule.always("{0}!")])
        for name in (b"a", b"b"):
            bench.ask(bench.sender(), name, close=False)
        assert ([b"a!", b"b!"], 2, 2) == (bench.replies, len(answerer.sessions), answerer.messages)

    def test_a_typed_message_goes_to_all_clients(self, bench: Bench) -> None:
        answerer = bench.answerer()
        for _ in range(2):
            bench.ask(bench.sender(), close=False)
        bench.network.advance(1.0)
        assert 2 == answerer.say(b"ALM")
        bench.network.advance(1.0)
        assert [b"ALM", b"ALM"] == [frame for _, frame in bench.seen.only("frame_received")]

    def test_a_greeting_and_a_delay(self, bench: Bench) -> None:
        bench.answerer(rules=[Rule.always("late")], greeting=b"hello", delay=1.5)
        sender = bench.sender()

        async def work() -> float:
            await sender.connect(bench.near.connecting(bench.far, PORT))
            sender.begin()
            await sender.replies()
            began = bench.network.clock.seconds()
            await sender.ask(b"x")
            return bench.network.clock.seconds() - began

        assert 1.5 <= bench.run(work) < 1.6
        assert [b"hello", b"late"] == bench.replies

    def test_an_answer_that_the_framing_cannot_carry_is_told(self, bench: Bench) -> None:
        problems: list[str] = []
        bench.answerer(rules=[Rule.always(r"a\r\nb")], problem=problems.append)
        bench.ask(bench.sender(timeout=0.5), b"x")
        (problem,) = problems
        assert problem.startswith("cannot answer 10.0.0.2:")

    def test_broken_framing_is_shown_and_the_client_stays(self, bench: Bench) -> None:
        watched = RecordingObserver()
        short: Framing = Delimited(b"\r\n", max_frame=4)
        answerer = bench.answerer(Speech.framed(short), observers=[watched], rules=[Rule.always("ok")])
        bench.ask(bench.sender(), b"much too long", b"fine", close=False)
        assert 1 == len(watched.only("fault"))
        assert ([b"ok"], 1) == (bench.replies, len(answerer.sessions))

    def test_a_flood_is_answered_message_by_message(self, bench: Bench) -> None:
        answerer = bench.answerer(rules=[Rule.always("{0}")])
        sender = bench.sender(replies=500)
        message = b"\r\n".join(b"%d" % each for each in range(500))

        async def work() -> Outcome:
            await sender.connect(bench.near.connecting(bench.far, PORT))
            sender.begin()
            for each in message.split(b"\r\n"):
                sender.say(each)
            return await sender.replies()

        assert Outcome.OK is bench.run(work)
        assert (500, 500) == (answerer.messages, len(bench.replies))


def test_the_end_of_a_long_reply_is_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.tools.send.sender.LONGEST_REPLY", 4)
    bench.listen(scripted(lambda transport, _: transport.write(b"123456")))
    bench.ask(bench.sender(Speech.raw()), b"x")
    assert [b"3456"] == bench.replies
