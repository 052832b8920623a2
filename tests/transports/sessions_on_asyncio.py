"""
The conversations of tests/session over native transports, named by strings.

They need an asyncio reactor, so test_sessions.py runs them in processes of their own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from tcpcomm import FrameFactory, Limits, client
from tests.certificates import Authority
from tests.reactor import reactor, until
from tests.session.stage import recorded_log
from tests.session.test_transports import LARGE, Echo, Peer, RealConversations, TCPTests

__all__ = ["NativeTLSTests", "NativeTests"]


class NativeTests(TCPTests):
    """Over TCP."""

    async def listen(self, server: FrameFactory) -> Any:
        return await serverFromString(reactor, "native:0:interface=127.0.0.1").listen(server)

    def client_endpoint(self) -> Any:
        return clientFromString(reactor, f"native:127.0.0.1:{self.port.getHost().port}")


class NativeTLSTests(RealConversations, TestCase):
    """Over TLS, by Python's own ``ssl``."""

    trusted = True
    by_name = False

    async def listen(self, server: FrameFactory) -> Any:
        folder = tempfile.TemporaryDirectory(prefix="tcpcomm-")
        self.addCleanup(folder.cleanup)
        authority = Authority(Path(folder.name))
        files = authority.issue("localhost")
        self.roots = authority.certificate if self.trusted else files.certificate
        place = f"native:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"
        return await serverFromString(reactor, place).listen(server)

    def client_endpoint(self) -> Any:
        host, port = "localhost" if self.by_name else "127.0.0.1", self.port.getHost().port
        name = "" if self.by_name else ":name=localhost"
        return client(reactor, f"native:{host}:{port}:tls=yes:caCerts={self.roots}{name}")

    async def refused(self, server: FrameFactory, greeting: bytes) -> str:
        """Return the log line about a peer without TLS that sends only this greeting."""
        self.port = await self.listen(server)
        self.addCleanup(maybeDeferred, self.port.stopListening)
        with recorded_log() as logged:
            plain = clientFromString(reactor, f"native:127.0.0.1:{self.port.getHost().port}")
            peer: Any = await plain.connect(Factory.forProtocol(Peer))
            peer.transport.write(greeting)
            await until(lambda: bool(peer.ended))
            await until(lambda: not server.sessions)
            (line,) = logged.lines()
        return line

    async def test_a_peer_without_TLS_is_logged(self) -> None:
        line = await self.refused(FrameFactory(Echo), b"GET / HTTP/1.0\r\n\r\n")
        assert line.endswith("connection refused: TLS failed: http request: the peer does not speak TLS")

    async def test_a_peer_that_never_begins_TLS_is_aborted(self) -> None:
        line = await self.refused(FrameFactory(Echo, limits=Limits(handshake=0.1)), b"")
        assert line.endswith("connection refused: TLS was not established within 0.1 s")

    async def test_a_client_that_does_not_trust_the_server_is_refused(self) -> None:
        self.trusted = False
        server, client = FrameFactory(Echo), FrameFactory(Echo)
        with recorded_log() as logged:
            await self.connect(server, client)
            await until(lambda: not server.sessions and not client.sessions)
            lines = logged.lines()
        assert any("connection refused: TLS failed: unable to get" in line for line in lines), lines

    async def test_the_certificate_of_the_server_can_be_read(self) -> None:
        _, peer = await self.start()
        shown = peer.transport.getPeerCertificate().to_cryptography()
        assert "CN=localhost" == shown.subject.rfc4514_string()

    async def test_a_machine_is_found_by_the_name_that_its_certificate_proves(self) -> None:
        self.by_name = True
        session, peer = await self.start()
        session.sendFrame(b"hello")
        await peer.receives(LARGE.encode(b"hello"))

    async def test_startTLS_is_refused(self) -> None:
        _, peer = await self.start()
        with pytest.raises(RuntimeError, match="startTLS is not possible"):
            peer.transport.startTLS(None)
