"""Behaviour of our transports, whatever carries the bytes: order, promptness, producers, the end."""

from __future__ import annotations

import random
import socket
import struct
import sys
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import pytest
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.conftest import skip
from tests.reactor import DEADLINE
from tests.transports.loops import REACTORS, VIEW, native_view

if sys.platform == "win32":
    skip("Twisted's asyncio reactor needs another loop than Windows has by default")

MIB = 1024 * 1024
MAKERS: dict[str, Any] = {**REACTORS, VIEW: native_view}
KINDS = [name for name in MAKERS if name != "at_once_select"]
NATIVE = [name for name in KINDS if name.startswith("native")]


class End(Protocol):
    """One end of a connection that records its events."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ends: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ends.append(reason)

    @property
    def end(self) -> type | None:
        """The reason for its end, which is reported once; None while it is open."""
        assert len(self.ends) <= 1
        return type(self.ends[0].value) if self.ends else None


class Stage:
    """A reactor and connections on it."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the reactor run until the condition is true."""
        deadline = monotonic() + DEADLINE
        while not condition():
            assert monotonic() < deadline, "it did not come true"
            await deferLater(self.reactor, 0.001)

    async def listen(self, protocol: Callable[[], Any] = End) -> tuple[Any, list[Any]]:
        """Listen; return the port, and a list to which sessions are added."""
        accepted: list[Any] = []

        def build() -> Any:
            accepted.append(protocol())
            return accepted[-1]

        factory = Factory.forProtocol(build)
        factory.noisy = False
        port = await TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1").listen(factory)
        return port, accepted

    async def pair(
        self, server: Callable[[], Any] = End, client: Callable[[], Any] = End
    ) -> tuple[Any, Any]:
        """Return two connected protocols."""
        port, accepted = await self.listen(server)
        factory = Factory.forProtocol(client)
        factory.noisy = False
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", port.getHost().port)
        near = await endpoint.connect(factory)
        await self.until(lambda: bool(accepted))
        await port.stopListening()
        return accepted[0], near


class Case:
    """The parts of a TestCase that makers of reactors need."""

    def __init__(self) -> None:
        self.cleanups: list[Callable[[], None]] = []

    def addCleanup(self, cleanup: Callable[[], None]) -> None:
        self.cleanups.append(cleanup)


def close_internal_readers(reactor: Any) -> None:
    """Close the files that an unused reactor leaves open."""
    for reader in reactor._internalReaders:
        reactor.removeReader(reader)
        reader.connectionLost(None)


def play(kind: str, scene: Callable[[Stage], Coroutine[Deferred[Any], Any, None]]) -> None:
    """Run a scene on a new reactor of this kind."""
    case = Case()
    maker = MAKERS[kind]
    reactor = maker(case) if kind in NATIVE else maker()
    outcome: list[Any] = []

    def begin() -> None:
        ended = ensureDeferred(scene(Stage(reactor)))
        ended.addBoth(outcome.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    close_internal_readers(reactor)
    for cleanup in case.cleanups:
        cleanup()
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()


everywhere = pytest.mark.parametrize("kind", KINDS)
natively = pytest.mark.parametrize("kind", NATIVE)


@everywhere
@pytest.mark.parametrize("seed", range(3))
def test_writes_of_any_size_arrive_once_and_in_order(kind: str, seed: int) -> None:
    async def scene(stage: Stage) -> None:
        chosen = random.Random(seed)
        far, near = await stage.pair()
        sent = bytearray()
        for _ in range(60):
            size = chosen.choice((0, 1, 64, 1500, 65536, 65537, 300_000))
            piece = chosen.randbytes(size)
            sent += piece
            if chosen.random() < 0.3:
                near.transport.writeSequence([piece[: size // 3], piece[size // 3 :]])
            else:
                near.transport.write(piece)
            if chosen.random() < 0.2:
                far.transport.pauseProducing()
            if chosen.random() < 0.5:
                await deferLater(stage.reactor, 0)
                far.transport.resumeProducing()
        far.transport.resumeProducing()
        near.transport.loseConnection()
        await stage.until(lambda: far.end is not None)
        assert sent == far.received
        assert ConnectionDone is far.end
        await stage.until(lambda: near.end is not None)

    play(kind, scene)


class AnswersInParts(End):
    """A protocol that answers each chunk with one write and one sequence of pieces."""

    transport: Any

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(b"first, ")
        self.transport.writeSequence([b"second, ", b"third"])


@everywhere
def test_several_pieces_follow_the_small_write_before_them(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        _, near = await stage.pair(server=AnswersInParts)
        near.transport.write(b"?")
        await stage.until(lambda: len(near.received) == 20)
        assert b"first, second, third" == near.received

    play(kind, scene)


@everywhere
def test_a_small_write_is_sent_before_write_returns(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        port, accepted = await stage.listen()
        with socket.create_connection(("127.0.0.1", port.getHost().port)) as peer:
            peer.sendall(b"hello")
            await stage.until(lambda: bool(accepted) and b"hello" == accepted[0].received)
            accepted[0].transport.write(b"at once")
            peer.settimeout(DEADLINE)
            assert b"at once" == peer.recv(100)  # while the reactor stands still
        await port.stopListening()
        await stage.until(lambda: accepted[0].end is not None)

    play(kind, scene)


@everywhere
def test_many_writes_for_one_chunk_are_sent_together(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        seen: list[bytes] = []

        class Responder(End):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                for number in range(5):
                    self.transport.write(b"%d" % number)
                stage.reactor.callLater(0.01, self.later)

            def later(self) -> None:
                assert self.transport is not None
                seen.append(peer.recv(100))
                self.transport.write(b"again")
                seen.append(peer.recv(100))

        port, accepted = await stage.listen(Responder)
        with socket.create_connection(("127.0.0.1", port.getHost().port)) as peer:
            peer.settimeout(DEADLINE)
            peer.sendall(b"hello")
            await stage.until(lambda: len(seen) == 2)
        assert [b"01234", b"again"] == seen
        await port.stopListening()
        await stage.until(lambda: accepted[0].end is not None)

    play(kind, scene)


@everywhere
def test_one_write_of_many_mebibytes_arrives_whole_and_then_the_connection_closes(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        data = random.Random(1).randbytes(16 * MIB)
        far.transport.pauseProducing()
        near.transport.write(data)
        near.transport.loseConnection()
        await deferLater(stage.reactor, 0.05)
        assert near.end is None
        far.transport.resumeProducing()
        await stage.until(lambda: far.end is not None)
        assert data == far.received

    play(kind, scene)


class Push:
    """A producer that writes when it is asked to, and records each request."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def pauseProducing(self) -> None:
        self.requests.append("pause")

    def resumeProducing(self) -> None:
        self.requests.append("resume")

    def stopProducing(self) -> None:
        self.requests.append("stop")


@everywhere
def test_a_push_producer_pauses_while_the_peer_does_not_read(
    kind: str,
) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        far.transport.pauseProducing()
        producer, written = Push(), 0
        near.transport.registerProducer(producer, True)
        while "pause" not in producer.requests:
            near.transport.write(b"x" * 60_000)
            written += 60_000
            assert written < 200 * MIB
        assert {"pause"} == set(producer.requests)
        far.transport.resumeProducing()
        await stage.until(lambda: "resume" in producer.requests)
        near.transport.unregisterProducer()
        near.transport.loseConnection()
        await stage.until(lambda: far.end is not None)
        assert written == len(far.received)

    play(kind, scene)


@everywhere
def test_a_connection_closes_when_its_paused_producer_is_unregistered(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        far.transport.pauseProducing()
        producer = Push()
        near.transport.registerProducer(producer, True)
        while "pause" not in producer.requests:
            near.transport.write(b"x" * 60_000)
        near.transport.loseConnection()
        far.transport.resumeProducing()
        await stage.until(lambda: "resume" in producer.requests)
        near.transport.write(b"the end")
        near.transport.unregisterProducer()
        await stage.until(lambda: far.end is not None)
        assert far.received.endswith(b"the end")

    play(kind, scene)


@everywhere
def test_a_pull_producer_is_asked_until_it_ends(kind: str) -> None:
    class Pull:
        def __init__(self, transport: Any) -> None:
            self.transport = transport
            self.left = 300

        def resumeProducing(self) -> None:
            self.left -= 1
            self.transport.write(b"x" * 10_000)
            if not self.left:
                self.transport.unregisterProducer()

        def stopProducing(self) -> None:
            raise AssertionError("it was not to be stopped")

    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        near.transport.write(b"before ")
        near.transport.registerProducer(Pull(near.transport), False)
        near.transport.loseConnection()
        await stage.until(lambda: far.end is not None)
        assert b"before " + b"x" * 3_000_000 == far.received

    play(kind, scene)


@everywhere
def test_a_peer_may_still_send_after_a_half_close(kind: str) -> None:
    @implementer(IHalfCloseableProtocol)
    class Half(End):
        def __init__(self) -> None:
            super().__init__()
            self.requests: list[str] = []

        def readConnectionLost(self) -> None:
            self.requests.append("the peer has finished")

        def writeConnectionLost(self) -> None:
            self.requests.append("we have finished")

    async def scene(stage: Stage) -> None:
        far, near = await stage.pair(Half, Half)
        near.transport.write(b"x" * 5 * MIB)
        near.transport.loseWriteConnection()
        await stage.until(lambda: bool(far.requests))
        assert 5 * MIB == len(far.received)
        assert ["the peer has finished"] == far.requests
        assert ["we have finished"] == near.requests
        near.transport.write(b"too late")
        far.transport.write(b"an answer")
        await stage.until(lambda: b"an answer" == near.received)
        far.transport.loseConnection()
        await stage.until(lambda: near.requests[1:] == ["the peer has finished"])
        near.transport.loseConnection()
        await stage.until(lambda: far.end is ConnectionDone and near.end is ConnectionDone)
        assert 5 * MIB == len(far.received)

    play(kind, scene)


@everywhere
def test_a_reset_ends_a_writer_with_ConnectionLost_once(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        far.transport.abortConnection()
        await stage.until(lambda: far.end is not None)
        assert ConnectionAborted is far.end
        while near.end is None:
            near.transport.write(b"are you there?")
            await deferLater(stage.reactor, 0)
        assert ConnectionLost is near.end
        near.transport.write(b"nothing happens")
        near.transport.loseConnection()
        near.transport.abortConnection()
        await deferLater(stage.reactor, 0.01)
        assert ConnectionLost is near.end

    play(kind, scene)


@everywhere
def test_nothing_is_sent_after_an_abort(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        near.transport.abortConnection()
        near.transport.write(b"nobody is to hear this")
        await stage.until(lambda: far.end is not None and near.end is not None)
        assert b"" == far.received

    play(kind, scene)


@everywhere
def test_a_handler_that_fails_ends_its_connection_and_is_logged(kind: str) -> None:
    class Failing(End):
        def dataReceived(self, data: bytes) -> None:
            raise ZeroDivisionError("no part")

    async def scene(stage: Stage) -> None:
        far, near = await stage.pair(Failing)
        other = await stage.pair()
        near.transport.write(b"measure")
        await stage.until(lambda: far.end is not None and near.end is not None)
        assert ZeroDivisionError is far.end
        assert other[0].end is None

    failures: list[Any] = []

    @implementer(ILogObserver)
    def note(event: Any) -> None:
        failure = event.get("log_failure") or event.get("failure")  # the event of the older log
        if failure is not None:
            failures.append(failure.type)

    globalLogPublisher.addObserver(note)
    try:
        play(kind, scene)
    finally:
        globalLogPublisher.removeObserver(note)
    assert [ZeroDivisionError] == failures


@everywhere
def test_open_connections_are_lost_when_the_reactor_stops(kind: str) -> None:
    ends: list[Any] = []

    async def scene(stage: Stage) -> None:
        ends.extend(await stage.pair())
        ends[0].transport.write(b"hello")
        await stage.until(lambda: b"hello" == ends[1].received)

    play(kind, scene)
    assert [ConnectionLost, ConnectionLost] == [each.end for each in ends]


@everywhere
def test_a_protocol_that_pauses_at_once_gets_nothing_before_it_resumes(kind: str) -> None:
    class Pausing(End):
        def connectionMade(self) -> None:
            self.transport.pauseProducing()  # type: ignore[union-attr]

    async def scene(stage: Stage) -> None:
        port, accepted = await stage.listen(Pausing)
        with socket.create_connection(("127.0.0.1", port.getHost().port)) as peer:
            peer.sendall(b"early")
            await stage.until(lambda: bool(accepted))
            peer.sendall(b" bird")
            await deferLater(stage.reactor, 0.05)
            assert b"" == accepted[0].received
            accepted[0].transport.resumeProducing()
            await stage.until(lambda: b"early bird" == accepted[0].received)
        await port.stopListening()
        await stage.until(lambda: accepted[0].end is ConnectionDone)

    play(kind, scene)


@everywhere
def test_data_written_in_connectionMade_is_sent_before_the_close(kind: str) -> None:
    class Brief(End):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(b"we are closed")
            self.transport.loseConnection()

    async def scene(stage: Stage) -> None:
        far, near = await stage.pair(Brief)
        await stage.until(lambda: near.end is ConnectionDone and far.end is ConnectionDone)
        assert b"we are closed" == near.received

    play(kind, scene)


@everywhere
def test_a_connection_may_be_aborted_in_connectionMade(kind: str) -> None:
    class Refusing(End):
        def connectionMade(self) -> None:
            self.transport.abortConnection()  # type: ignore[union-attr]

    async def scene(stage: Stage) -> None:
        far, near = await stage.pair(Refusing)
        await stage.until(lambda: far.end is not None and near.end is not None)
        assert ConnectionAborted is far.end
        assert ConnectionLost is near.end

    play(kind, scene)


@everywhere
def test_the_handle_is_a_socket_with_the_options_that_were_set(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        near.transport.write(b"hello")
        await stage.until(lambda: b"hello" == far.received)
        for each in (far, near):
            handle = each.transport.getHandle()
            assert isinstance(handle, socket.socket)
            assert not each.transport.getTcpNoDelay()  # as Twisted leaves it, unlike asyncio
            each.transport.setTcpNoDelay(True)
            each.transport.setTcpKeepAlive(True)
            assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert each.transport.getTcpKeepAlive()
        assert far.transport.getPeer() == near.transport.getHost()
        assert near.transport.getPeer() == far.transport.getHost()

    play(kind, scene)


@natively
def test_an_end_behind_data_that_is_not_wanted_yet_waits_for_it(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        far, near = await stage.pair()
        await stage.until(lambda: far.transport._native is not None)
        far.transport.pauseProducing()
        far.transport.data_received(b"early")  # an asyncio that did not pause in time
        far.transport.eof_received()
        await deferLater(stage.reactor, 0)
        assert far.end is None
        far.transport.resumeProducing()
        await stage.until(lambda: far.end is not None)
        assert b"early" == far.received
        near.transport.loseConnection()
        await stage.until(lambda: near.end is not None)

    play(kind, scene)


@natively
def test_asyncio_does_not_undo_options_set_in_connectionMade(kind: str) -> None:
    class Setting(End):
        def connectionMade(self) -> None:
            self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]

    async def scene(stage: Stage) -> None:
        far, near = await stage.pair(Setting)
        near.transport.write(b"hello")
        await stage.until(lambda: b"hello" == far.received)
        assert far.transport.getTcpNoDelay()

    play(kind, scene)


@everywhere
def test_peers_that_reset_at_once_leave_nothing_behind(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        port, accepted = await stage.listen()
        for turns in range(60):
            with socket.create_connection(("127.0.0.1", port.getHost().port)) as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if turns % 3 == 1:
                    peer.sendall(b"hello")
                for _ in range(turns % 5):
                    await deferLater(stage.reactor, 0)
        await stage.until(lambda: len(accepted) == 60 and all(each.end is not None for each in accepted))
        assert {ConnectionLost} == {each.end for each in accepted}
        await port.stopListening()

    play(kind, scene)
