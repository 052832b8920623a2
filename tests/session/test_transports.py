"""Conversations over TCP, TLS, UNIX sockets and in memory. The peer does not use tcpcomm."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet import ssl
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorUNIX
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall, deferLater
from twisted.python.failure import Failure
from twisted.test import iosim
from twisted.trial.unittest import TestCase

from tcpcomm import DelimitedProtocol, FrameFactory, FrameProtocol, LengthPrefixedProtocol, Limits
from tcpcomm.framing import Framing, LengthPrefixed, Lines
from tcpcomm.runtime.unread_input import unread_input_of
from tcpcomm.testing import RecordingObserver
from tcpcomm.transports import AtOnce, NativeReactor
from tests.certificates import Authority
from tests.reactor import DEADLINE, reactor, until
from tests.session.stage import recorded_log

MIB = 1024 * 1024
LARGE = LengthPrefixed(4, max_frame=4 * MIB)

PATIENT = Limits(handshake=DEADLINE, partial=DEADLINE, stall=DEADLINE)
"""The limits of most sessions: a machine that stands still for seconds must not end one."""


def sleep(seconds: float) -> Deferred[None]:
    """Let the reactor work for a while."""
    return deferLater(reactor, seconds)


class Peer(Protocol):
    """The other end. The test writes with it, and it keeps the bytes that it gets."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ended = reason

    async def receives(self, data: bytes) -> None:
        """Wait for as many bytes. They must be the same."""
        await until(lambda: len(self.received) >= len(data) or bool(self.ended))
        assert data == self.received, (data[:50], self.received[:50], len(data), len(self.received))

    async def is_closed(self) -> None:
        """Wait for the end, which must be orderly."""
        await until(lambda: bool(self.ended))
        assert self.ended is not None
        assert isinstance(self.ended.value, ConnectionDone), self.ended


class Echo(FrameProtocol):
    """Sends each frame back. ``QUIT`` closes the session, and ``late`` is answered later."""

    framing: Framing = LARGE

    def __init__(self) -> None:
        self.lost: list[str] = []

    def frameReceived(self, frame: bytes) -> Deferred[None] | None:
        if frame == b"late":
            return sleep(0.05).addCallback(lambda _: self.sendFrame(frame))
        self.sendFrame(frame)
        if frame == b"QUIT":
            self.close("the peer said QUIT")
        return None

    def sessionLost(self, reason: str) -> None:
        self.lost.append(reason)


@cache
def certificates() -> tuple[ssl.PrivateCertificate, ssl.Certificate]:
    """Return a server's certificate, and the certificate of the authority that signed it."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        files = authority.issue("localhost")
        own = ssl.PrivateCertificate.loadPEM(files.certificate.read_bytes() + files.key.read_bytes())
        return own, ssl.Certificate.loadPEM(authority.certificate.read_bytes())


class Conversations:
    """The conversations for every transport. A subclass connects."""

    timeout = DEADLINE
    half_close = False

    addCleanup: Callable[..., None]
    flushLoggedErrors: Callable[..., list[Failure]]

    async def connect(self, server: FrameFactory, client: Factory[Any]) -> Any:
        """Connect a client of one factory to a server of the other. Return the client's protocol."""
        raise NotImplementedError

    async def start(self, protocol: Any = Echo, **options: Any) -> tuple[Any, Any]:
        """Return a session and the peer that is connected to it."""
        factory = FrameFactory(protocol, **{"limits": PATIENT} | options)
        peer = await self.connect(factory, Factory.forProtocol(Peer))
        self.addCleanup(self.end, factory, peer)
        await until(lambda: any(each.is_open for each in factory.sessions))
        return next(iter(factory.sessions)), peer

    async def end(self, factory: FrameFactory, peer: Any) -> None:
        """Leave nothing open."""
        factory.abort()
        if not peer.ended:
            peer.transport.abortConnection()
        await until(lambda: bool(peer.ended) and not factory.sessions)

    async def test_a_frame_comes_back(self) -> None:
        _, peer = await self.start()
        peer.transport.write(LARGE.encode(b"hello"))
        await peer.receives(LARGE.encode(b"hello"))

    async def test_an_observer_sees_the_whole_conversation(self) -> None:
        observer = RecordingObserver()
        session, peer = await self.start(observers=[observer])
        wire = LARGE.encode(b"hello")
        peer.transport.write(wire)
        await peer.receives(wire)
        peer.transport.loseConnection()
        await until(lambda: bool(session.lost))
        for direction in ("received", "sent"):
            assert wire == b"".join(data for _, data in observer.only(direction))
        assert [
            ("opened",),
            ("ready",),
            ("frame_received", b"hello"),
            ("frame_sent", b"hello"),
            ("closed", session.lost[0]),
        ] == [entry for entry in observer.log if entry[0] not in ("received", "sent")]

    async def test_merged_frames_come_back_in_order(self) -> None:
        _, peer = await self.start()
        wire = LARGE.encode_many([b"%d" % number for number in range(1000)])
        peer.transport.write(wire)
        await peer.receives(wire)

    async def test_split_frames_come_back_in_order(self) -> None:
        session, peer = await self.start()
        wire = LARGE.encode_many([b"first", b"", b"second"])
        for each in wire:
            peer.transport.write(bytes([each]))
            await sleep(0)
        await peer.receives(wire)
        assert 3 == session.frames_received

    async def test_a_large_frame_comes_back_whole(self) -> None:
        _, peer = await self.start()
        wire = LARGE.encode(bytes(range(256)) * (3 * MIB // 256))
        peer.transport.write(wire)
        await peer.receives(wire)

    async def test_when_the_session_closes_the_peer_has_all_that_was_sent(self) -> None:
        session, peer = await self.start()
        wire = LARGE.encode_many([b"x" * MIB, b"QUIT"])
        peer.transport.write(wire + LARGE.encode(b"too late"))
        await peer.receives(wire)
        await peer.is_closed()
        await until(lambda: bool(session.lost))
        assert ["the peer said QUIT"] == session.lost

    async def test_when_the_peer_closes_the_session_is_told_once(self) -> None:
        session, peer = await self.start()
        peer.transport.write(LARGE.encode(b"hello"))
        await peer.receives(LARGE.encode(b"hello"))
        peer.transport.loseConnection()
        await until(lambda: bool(session.lost))
        await until(lambda: bool(peer.ended))
        told = "the peer hung up" if self.half_close else "the peer closed the connection"
        assert [told] == session.lost
        assert set() == session.factory.sessions

    async def test_a_frame_that_only_the_end_completes_is_delivered(self) -> None:
        frames: list[bytes] = []

        class Naive(Echo):
            framing: Framing = Lines()
            gap = 5.0

            def frameReceived(self, frame: bytes) -> None:
                frames.append(frame)

        session, peer = await self.start(Naive)
        peer.transport.write(b"Hello")
        peer.transport.loseConnection()
        await until(lambda: bool(session.lost))
        assert [b"Hello"] == frames

    async def test_a_handler_may_abort_on_a_frame_that_only_the_end_completes(self) -> None:
        class Naive(Echo):
            framing: Framing = Lines()
            gap = 5.0

            def frameReceived(self, frame: bytes) -> None:
                self.sendFrame(frame)
                self.abort("enough")

        session, peer = await self.start(Naive)
        peer.transport.write(b"Hello")
        peer.transport.loseConnection()
        await until(lambda: bool(session.lost))
        assert ["enough"] == session.lost

    async def test_silence_ends_a_frame(self) -> None:
        class Naive(Echo):
            framing: Framing = Lines()
            gap = 0.05

        _, peer = await self.start(Naive)
        peer.transport.write(b"Hello")
        await peer.receives(b"Hello\r\n")

    async def test_late_replies_come_after_a_half_close(self) -> None:
        session, peer = await self.start()
        peer.transport.write(LARGE.encode(b"late"))
        if not self.half_close:
            await peer.receives(LARGE.encode(b"late"))
            return
        peer.transport.loseWriteConnection()
        await peer.receives(LARGE.encode(b"late"))
        await peer.is_closed()
        await until(lambda: bool(session.lost))
        assert ["the peer hung up"] == session.lost

    async def test_draining_delivers_what_was_sent(self) -> None:
        session, peer = await self.start()
        session.sendBytes(b"x" * 3 * MIB)
        await session.factory.drain(grace=DEADLINE)
        await peer.receives(b"x" * 3 * MIB)
        await peer.is_closed()
        assert ["the server is stopping"] == session.lost

    async def test_a_failing_handler_costs_its_session_and_is_logged_once(self) -> None:
        class Failing(Echo):
            def frameReceived(self, frame: bytes) -> None:
                self.sendFrame(b"one moment")
                raise ValueError("the part is missing")

        session, peer = await self.start(Failing)
        with recorded_log() as logged:
            peer.transport.write(LARGE.encode(b"a") * 3)
            await peer.receives(LARGE.encode(b"one moment"))
            await peer.is_closed()
            await until(lambda: bool(session.lost))
            expected = f"{session.peer}: a handler of Failing failed; this session is closed (ValueError)"
            assert [expected] == logged.failures()
        self.flushLoggedErrors(ValueError)

    async def test_two_sessions_talk_to_each_other(self) -> None:
        heard: list[bytes] = []

        class Caller(LengthPrefixedProtocol):
            framing = LARGE

            def sessionReady(self) -> None:
                self.sendFrames([b"one", b"two", b"x" * MIB, b"QUIT"])

            def frameReceived(self, frame: bytes) -> None:
                heard.append(frame)

            def sessionLost(self, reason: str) -> None:
                heard.append(reason.encode())

        server, client = FrameFactory(Echo, limits=PATIENT), FrameFactory(Caller, limits=PATIENT)
        await self.connect(server, client)
        await until(lambda: bool(heard) and not server.sessions and not client.sessions)
        assert [b"one", b"two", b"x" * MIB, b"QUIT", b"the peer closed the connection"] == heard


class RealConversations(Conversations):
    """The conversations that need a system with buffers and backpressure."""

    async def test_what_came_and_is_not_read_yet_can_be_seen(self) -> None:
        session, peer = await self.start()
        unread = unread_input_of(session.transport)
        assert unread is not None
        await until(lambda: not unread())
        session.transport.pauseProducing()
        peer.transport.write(LARGE.encode(b"hello"))
        await until(lambda: bool(unread()))
        assert 0 == session.frames_received
        session.transport.resumeProducing()
        await peer.receives(LARGE.encode(b"hello"))
        assert not unread()

    async def test_a_peer_that_does_not_read_is_not_read_from_and_finally_aborted(self) -> None:
        session, peer = await self.start()
        peer.transport.pauseProducing()
        request = LARGE.encode(b"x" * MIB)
        for _ in range(40):
            peer.transport.write(request)
        await until(lambda: bool(session.lost or session.unsent))
        await until(lambda: bool(session.lost or session.is_held))
        assert not session.lost
        assert session.unsent <= 2 * MIB
        session.limits = evolve(session.limits, stall=0.3)
        session._deadline_timer.update()
        await until(lambda: bool(session.lost))
        assert ["the peer does not read: it took nothing for 0.3 s"] == session.lost

    async def test_a_peer_that_reads_again_gets_all(self) -> None:
        session, peer = await self.start()
        peer.transport.pauseProducing()
        wire = LARGE.encode(b"x" * MIB) * 20
        peer.transport.write(wire)
        await until(lambda: session.is_held)
        peer.transport.resumeProducing()
        await peer.receives(wire)
        assert not session.is_held

    async def test_a_peer_that_reads_nothing_cannot_delay_a_close_for_ever(self) -> None:
        session, peer = await self.start(limits=evolve(PATIENT, stall=0.3))
        peer.transport.pauseProducing()
        session.sendBytes(b"x" * 4 * MIB)
        session.sendBytes(b"x" * 3 * MIB)
        session.close("the shift is over")
        await until(lambda: bool(session.lost))
        assert ["the shift is over; the peer took nothing of the rest for 0.3 s"] == session.lost

    async def test_an_aborted_peer_is_gone_at_once(self) -> None:
        session, peer = await self.start()
        session.sendBytes(b"x" * 3 * MIB)
        session.abort("the cover is open")
        await until(lambda: bool(session.lost))
        await until(lambda: bool(peer.ended))
        assert ["the cover is open"] == session.lost

    async def test_a_peer_beyond_the_limit_is_gone_at_once(self) -> None:
        factory = FrameFactory(Echo, max_sessions=1, limits=PATIENT)
        first = await self.connect(factory, Factory.forProtocol(Peer))
        self.addCleanup(self.end, factory, first)
        with recorded_log() as logged:
            second = await self.connect(factory, Factory.forProtocol(Peer), again=True)
            await until(lambda: bool(second.ended))
            (line,) = logged.lines()
        assert line.endswith("connection refused: there are 1 sessions, which is max_sessions")

    async def test_a_session_may_pause_and_resume(self) -> None:
        session, peer = await self.start()
        session.pauseProducing()
        wire = LARGE.encode(b"x" * MIB) * 3
        peer.transport.write(wire)
        await sleep(0.05)
        assert 0 == session.frames_received
        session.resumeProducing()
        await peer.receives(wire)

    async def test_a_paused_session_can_be_closed(self) -> None:
        session, peer = await self.start()
        session.pauseProducing()
        peer.transport.write(LARGE.encode(b"x" * MIB))
        await sleep(0.02)
        session.sendFrame(b"bye")
        session.close("the shift is over")
        await peer.receives(LARGE.encode(b"bye"))
        await peer.is_closed()
        await until(lambda: bool(session.lost))
        assert ["the shift is over"] == session.lost

    async def test_a_peer_that_sends_on_and_reads_late_still_gets_the_last_replies(self) -> None:
        class Taking(Echo):
            def frameReceived(self, frame: bytes) -> None:
                self.sendBytes(b"x" * MIB)
                self.close("that is all")

        session, peer = await self.start(Taking)
        peer.transport.pauseProducing()
        peer.transport.write(LARGE.encode(b"all of it, please") + bytes(MIB))
        await until(lambda: not session.is_open)
        peer.transport.write(bytes(MIB))
        await sleep(0.05)
        peer.transport.resumeProducing()
        await peer.receives(b"x" * MIB)
        await peer.is_closed()
        await until(lambda: bool(session.lost))
        assert ["that is all"] == session.lost

    async def connect(self, server: FrameFactory, client: Factory[Any], again: bool = False) -> Any:
        if not again:
            self.port = await self.listen(server)
            self.addCleanup(maybeDeferred, self.port.stopListening)
        return await self.client_endpoint().connect(client)

    port: Any

    async def listen(self, server: FrameFactory) -> Any:
        raise NotImplementedError

    def client_endpoint(self) -> Any:
        raise NotImplementedError


class TCPTests(RealConversations, TestCase):
    half_close = True

    async def listen(self, server: FrameFactory) -> Any:
        return await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(server)

    def client_endpoint(self) -> Any:
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)

    async def test_replies_are_sent_without_delay_and_the_connection_is_kept_alive(self) -> None:
        session, peer = await self.start()
        assert session.transport.getTcpNoDelay()
        assert session.transport.getTcpKeepAlive()
        address = peer.transport.getHost()
        assert f"127.0.0.1:{address.port}" == session.peer
        assert "127.0.0.1" == session.host


class AtOnceTests(TCPTests):
    skip = "native transports send at once" if isinstance(reactor, NativeReactor) else None

    async def listen(self, server: FrameFactory) -> Any:
        return await TCP4ServerEndpoint(AtOnce(reactor), 0, interface="127.0.0.1").listen(server)

    def client_endpoint(self) -> Any:
        return TCP4ClientEndpoint(AtOnce(reactor), "127.0.0.1", self.port.getHost().port)


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL .* objects is deprecated")  # Twisted does
class TLSTests(RealConversations, TestCase):
    async def listen(self, server: FrameFactory) -> Any:
        return await SSL4ServerEndpoint(
            reactor, 0, certificates()[0].options(), interface="127.0.0.1"
        ).listen(server)

    def client_endpoint(self) -> Any:
        options = ssl.optionsForClientTLS("localhost", trustRoot=certificates()[1])
        return wrapClientTLS(options, TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port))

    async def test_a_peer_that_speaks_no_TLS_is_told_of_in_the_log(self) -> None:
        factory = FrameFactory(Echo, limits=PATIENT)
        self.port = await self.listen(factory)
        self.addCleanup(maybeDeferred, self.port.stopListening)
        with recorded_log() as logged:
            plain = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
            peer: Any = await plain.connect(Factory.forProtocol(Peer))
            peer.transport.write(b"GET / HTTP/1.0\r\n\r\n")
            await until(lambda: bool(peer.ended))
            await until(lambda: not factory.sessions)
            (line,) = logged.lines()
        assert "connection refused: TLS failed: " in line
        assert "http request" in line

    async def test_a_peer_that_never_begins_TLS_is_aborted(self) -> None:
        factory = FrameFactory(Echo, limits=Limits(handshake=0.1))
        self.port = await self.listen(factory)
        self.addCleanup(maybeDeferred, self.port.stopListening)
        with recorded_log() as logged:
            plain = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
            peer: Any = await plain.connect(Factory.forProtocol(Peer))
            await until(lambda: bool(peer.ended))
            (line,) = logged.lines()
        assert line.endswith("connection refused: TLS was not established within 0.1 s")

    async def test_a_session_is_not_ready_before_the_handshake(self) -> None:
        states: list[bool] = []

        class Watching(Echo):
            def sessionReady(self) -> None:
                certificate = self.transport.getHandle().get_finished()  # type: ignore[union-attr]
                states.append(certificate is not None)

        await self.start(Watching)
        assert [True] == states


class UNIXTests(RealConversations, TestCase):
    half_close = True
    skip = None if IReactorUNIX.providedBy(reactor) else "this platform has no UNIX sockets"

    async def listen(self, server: FrameFactory) -> Any:
        folder = tempfile.TemporaryDirectory(prefix="tcpcomm-")
        self.addCleanup(folder.cleanup)
        self.path = str(Path(folder.name) / "socket")
        return await UNIXServerEndpoint(reactor, self.path).listen(server)

    def client_endpoint(self) -> Any:
        return UNIXClientEndpoint(reactor, self.path)

    async def test_sessions_have_names_at_both_ends(self) -> None:
        class Caller(DelimitedProtocol):
            pass

        server, client = FrameFactory(Echo), FrameFactory(Caller)
        caller = await self.connect(server, client)
        await until(lambda: bool(server.sessions))
        (session,) = server.sessions
        assert "a local peer" == session.peer
        assert f"unix:{self.path}" == caller.peer
        caller.close()
        await until(lambda: not server.sessions and not client.sessions)


class MemoryTests(Conversations, TestCase):
    """Conversations without a socket, by Twisted's own simulation of input and output."""

    async def connect(self, server: FrameFactory, client: Factory[Any]) -> Any:
        near: Any = server.buildProtocol(None)
        far: Any = client.buildProtocol(None)
        near_end, far_end = iosim.makeFakeServer(near), iosim.makeFakeClient(far)
        pump = iosim.connect(near, near_end, far, far_end)
        pumping = LoopingCall(pump.pump)
        pumping.start(0)

        async def stop() -> None:
            await until(lambda: not pump.pump())
            pumping.stop()

        self.addCleanup(stop)
        return far
