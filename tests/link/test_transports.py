"""Links over this machine's own sockets: TCP, TLS and UNIX."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from twisted.internet import ssl
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tcpcomm.errors import NotSent, OutcomeUnknown
from tcpcomm.link.link import Link
from tcpcomm.link.policy import PROFILES
from tcpcomm.link.reconnecting import ReconnectingFactory
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat
from tcpcomm.transports import AtOnce, NativeReactor
from tests.certificates import Authority
from tests.reactor import DEADLINE, reactor, until

PATIENT = evolve(PROFILES["lan"], connect_timeout=DEADLINE, handshake_timeout=DEADLINE)
BEAT = Heartbeat(b"PING", b"PONG")


class LinkTests(TestCase):
    """Two links, one at each end."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    async def talk(self, server: Any, client_for: Any) -> None:
        camera = Link(listen=server, heartbeat=BEAT, policy=PATIENT, received=lambda frame: b"did " + frame)
        camera.startService()
        robot = Link(
            connect=client_for(camera.engine.source.port),  # type: ignore[attr-defined]
            heartbeat=BEAT,
            policy=PATIENT,
            on_ready=[lambda handshake: handshake.request(b"login", timeout=DEADLINE)],
        )
        told: list[LinkState] = []
        robot.observe(lambda state, reason: told.append(state))
        robot.startService()
        await robot.whenReady()
        assert b"did it" == await robot.request(b"it", timeout=DEADLINE)

        robot.engine.drop("dropped by the test")
        assert LinkState.DOWN is robot.state
        await robot.whenReady()
        assert b"did it" == await robot.request(b"it", timeout=DEADLINE)

        large = b"x" * 500_000
        assert b"did " + large == await robot.request(large, timeout=DEADLINE)
        await robot.stopService()
        assert [LinkState.DRAINING, LinkState.DOWN] == told[-2:]
        await until(lambda: camera.state is LinkState.DOWN)
        await camera.stopService()

    async def test_two_links_talk_over_tcp(self) -> None:
        await self.talk(
            TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
            lambda port: TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port),
        )

    async def test_two_links_talk_over_tls(self) -> None:
        authority = Authority(self.folder)
        files = authority.issue("localhost")
        context = ssl.DefaultOpenSSLContextFactory(str(files.key), str(files.certificate))
        root = ssl.Certificate.loadPEM(authority.certificate.read_bytes())
        trusted = ssl.trustRootFromCertificates([root])
        options = ssl.optionsForClientTLS("localhost", trustRoot=trusted)
        await self.talk(
            SSL4ServerEndpoint(reactor, 0, context, interface="127.0.0.1"),
            lambda port: wrapClientTLS(
                options, TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
            ),
        )

    async def test_a_reply_that_comes_twice_within_the_silence_ends_the_session_and_answers_nobody(
        self,
    ) -> None:
        last = 20

        class Twice(Protocol):
            def connectionMade(self) -> None:
                if not hasattr(socket, "TCP_QUICKACK"):
                    self.transport.setTcpNoDelay(True)  # type: ignore[union-attr]

            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                self.transport.write(data)
                if data == b"%d\r\n" % last:
                    reactor.callLater(0.01, self.transport.write, data)

        at_once = reactor if isinstance(reactor, NativeReactor) else AtOnce(reactor)
        port = await TCP4ServerEndpoint(at_once, 0, interface="127.0.0.1").listen(
            Factory.forProtocol(Twice)
        )
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        link = Link(connect=endpoint, policy=evolve(PATIENT, heartbeats=None), quiet=0.03)
        told: list[str] = []
        link.observe(lambda state, reason: told.append(reason))
        link.startService()
        await link.whenReady()
        asked = [link.request(b"%d" % number, timeout=DEADLINE) for number in range(last + 3)]
        outcomes = [await each.addErrback(lambda failure: type(failure.value)) for each in asked]
        assert [*(b"%d" % number for number in range(last + 1)), NotSent, NotSent] == outcomes
        assert any(each.startswith("b'20' came, but no command waits for a reply") for each in told)
        await link.stopService()
        await port.stopListening()

    async def test_a_peer_that_never_finishes_the_tls_handshake_is_not_ready(self) -> None:
        silent = Factory.forProtocol(Protocol)
        silent.noisy = False
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(silent)
        options = ssl.optionsForClientTLS("localhost")
        endpoint = wrapClientTLS(options, TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))
        link = Link(connect=endpoint, policy=evolve(PATIENT, handshake_timeout=0.2))
        told: list[tuple[LinkState, str]] = []
        link.observe(lambda state, reason: told.append((state, reason)))
        link.startService()
        await until(lambda: any(state is LinkState.DOWN for state, _ in told))
        assert LinkState.READY not in [state for state, _ in told]
        assert told[2][1].startswith("host answers but the program does not")
        await link.stopService()
        await port.stopListening()

    @pytest.mark.skipif(not hasattr(__import__("socket"), "AF_UNIX"), reason="no UNIX sockets here")
    async def test_two_links_talk_over_a_unix_socket(self) -> None:
        path = str(self.folder / "socket")
        await self.talk(UNIXServerEndpoint(reactor, path), lambda port: UNIXClientEndpoint(reactor, path))

    async def test_connect_tcp_keeps_one_up(self) -> None:
        accepted: list[Any] = []

        class Accepted(Protocol):
            def connectionMade(self) -> None:
                accepted.append(self.transport)

        factory = Factory.forProtocol(Accepted)
        factory.noisy = False
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        made = ReconnectingFactory(Protocol, policy=PATIENT)
        reactor.connectTCP("127.0.0.1", port.getHost().port, made)
        await made.whenReady()
        await until(lambda: len(accepted) == 1)
        accepted[0].abortConnection()
        await until(lambda: len(accepted) == 2)
        await made.whenReady()
        await made.stop()
        await port.stopListening()

    async def test_stopping_as_soon_as_it_is_ready_leaves_nothing(self) -> None:
        factory = Factory.forProtocol(Protocol)
        factory.noisy = False
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        link = Link(connect=f"tcp:127.0.0.1:{port.getHost().port}", policy=PATIENT)
        stopped = link.whenReady().addCallback(lambda _: link.stopService())
        link.startService()
        await stopped
        await port.stopListening()

    async def test_a_killed_peer_leaves_the_outcome_unknown(self) -> None:
        accepted: list[Any] = []

        class Accepted(Protocol):
            def connectionMade(self) -> None:
                accepted.append(self.transport)

            def dataReceived(self, data: bytes) -> None:
                accepted[0].abortConnection()

        factory = Factory.forProtocol(Accepted)
        factory.noisy = False
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        link = Link(connect=f"tcp:127.0.0.1:{port.getHost().port}", policy=PATIENT)
        link.startService()
        await link.whenReady()
        with pytest.raises(OutcomeUnknown):
            await link.request(b"move", timeout=DEADLINE)
        await link.stopService()
        await port.stopListening()
