"""The socket options of a session, on the real socket below every kind of transport."""

from __future__ import annotations

import select
import socket
import sys
import tempfile
from errno import EINPROGRESS
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import ssl
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    wrapClientTLS,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from tcpcomm import FrameFactory, FrameProtocol, Limits
from tcpcomm.runtime.socket_options import COUNT, IDLE, INTERVAL, LONGEST, UNACKNOWLEDGED
from tests.certificates import Authority
from tests.reactor import DEADLINE, reactor, until

OPTIONS = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")


@pytest.mark.skipif(
    not all(hasattr(socket, option) for option in OPTIONS), reason="this system has not all the options"
)
class SocketOptions(TestCase):
    """The options that the system reports for the accepted socket."""

    timeout = DEADLINE

    async def _accepted(self, server: Any, wrap: Any, stall: float = 10.0) -> dict[str, int]:
        ready: list[FrameProtocol] = []

        class Session(FrameProtocol):
            limits = Limits(stall=stall)

            def sessionReady(self) -> None:
                ready.append(self)

        factory = FrameFactory(Session)
        port = await server.listen(factory)
        client = wrap(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port))
        peer = await client.connect(Factory.forProtocol(Protocol))
        await until(lambda: bool(ready))
        transport: Any = ready[0].transport
        while not isinstance(transport.getHandle(), socket.socket):
            transport = transport.transport
        handle = transport.getHandle()
        found = {name: handle.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in OPTIONS}
        found["SO_KEEPALIVE"] = handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        found["TCP_NODELAY"] = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        peer.transport.abortConnection()
        await port.stopListening()
        await until(lambda: not factory.sessions)
        return found

    def _check(self, found: dict[str, int], unacknowledged: float = UNACKNOWLEDGED) -> None:
        expected = dict(zip(OPTIONS, (IDLE, INTERVAL, COUNT, 1000 * unacknowledged), strict=True))
        assert {**expected, "SO_KEEPALIVE": 1, "TCP_NODELAY": 1} == {
            name: bool(value) if name in ("SO_KEEPALIVE", "TCP_NODELAY") else value
            for name, value in found.items()
        }

    async def test_a_dead_tcp_peer_is_detected_after_half_a_minute(self) -> None:
        server = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self._check(await self._accepted(server, lambda endpoint: endpoint))

    async def test_a_longer_stall_limit_gives_the_peer_longer_to_acknowledge(self) -> None:
        server = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self._check(await self._accepted(server, lambda endpoint: endpoint, stall=60.0), 60.0)
        self._check(await self._accepted(server, lambda endpoint: endpoint, stall=1e9), LONGEST / 1000)

    async def test_a_dead_tls_peer_is_detected_after_half_a_minute(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(Path(folder))
            files = authority.issue("localhost")
            context = ssl.DefaultOpenSSLContextFactory(str(files.key), str(files.certificate))
            pem = authority.certificate.read_bytes()
        trusted = ssl.trustRootFromCertificates([ssl.Certificate.loadPEM(pem)])
        options = ssl.optionsForClientTLS("localhost", trustRoot=trusted)
        server = SSL4ServerEndpoint(reactor, 0, context, interface="127.0.0.1")
        self._check(await self._accepted(server, lambda endpoint: wrapClientTLS(options, endpoint)))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count their backlog differently")
def test_a_connection_beyond_the_backlog_is_made_when_there_is_room() -> None:
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)  # which lets one connection wait on Linux
        first.settimeout(DEADLINE)
        first.connect(listening.getsockname())
        second.setblocking(False)
        assert EINPROGRESS == second.connect_ex(listening.getsockname())
        assert ([], [], []) == select.select([], [second], [], 0.3)
        listening.accept()[0].close()
        assert ([], [second], []) == select.select([], [second], [], DEADLINE)
        assert 0 == second.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
