"""``--listen ssl:…``: the clients that it serves, and the log lines about the others."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.certificates import Authority, PemFiles
from tests.conftest import needs_module
from tests.system.peer import Peer
from tests.system.running import Server

needs_module("OpenSSL", "pip install tcpcomm[tls]")

Connect = Callable[..., Peer]
Serve = Callable[..., Server]


PERMISSIVE = """
openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = permissive
[permissive]
MinProtocol = TLSv1
CipherString = ALL:@SECLEVEL=0
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> PemFiles:
    """Return the server's certificate."""
    return authority.issue()


def listen(files: PemFiles, interface: str = ":interface=127.0.0.1") -> list[str]:
    return ["--listen", f"ssl:0:privateKey={files.key}:certKey={files.certificate}{interface}"]


def trusting(authority: Authority, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return the TLS context of a client that trusts the authority, for one version of TLS or any."""
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_serves_over_tls_1_2_and_1_3(
    serve: Serve, connect: Connect, authority: Authority, own: PemFiles, version: ssl.TLSVersion
) -> None:
    peer = connect(serve(*listen(own)).port, tls=trusting(authority, version))

    assert b"Echo: Hello Server" == peer.ask(b"Hello Server")


def test_tls_below_1_2_is_refused_even_where_openssl_would_allow_it(
    serve: Serve, connect: Connect, authority: Authority, own: PemFiles, tmp_path: Path
) -> None:
    (tmp_path / "openssl.cnf").write_text(PERMISSIVE)
    server = serve(*listen(own), variables={"OPENSSL_CONF": str(tmp_path / "openssl.cnf")})
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old = trusting(authority, ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises((ssl.SSLError, ConnectionError)):
        connect(server.port, tls=old)

    server.wait_for("TLS failed: unsupported protocol")
    assert b"PONG" == connect(server.port, tls=trusting(authority)).ask(b"PING")


def test_a_peer_without_tls_is_dropped_and_logged(
    serve: Serve, connect: Connect, authority: Authority, own: PemFiles
) -> None:
    server = serve(*listen(own))
    plain = connect(server.port)

    plain.send(b"Hello Server\r\n")

    assert b"Echo" not in plain.rest()
    server.wait_for(re.escape(plain.name) + ".*TLS failed: ")
    assert b"PONG" == connect(server.port, tls=trusting(authority)).ask(b"PING")


def test_a_peer_that_sends_nothing_is_dropped_and_logged(
    serve: Serve, connect: Connect, own: PemFiles
) -> None:
    server = serve(*listen(own))
    silent = connect(server.port)

    assert b"" == silent.rest()
    server.wait_for(re.escape(silent.name) + ": .*TLS was not established within 2 s")


class TestClientCertificates:
    """With --client-ca, a client must prove its identity."""

    @pytest.fixture
    def server(self, serve: Serve, authority: Authority, own: PemFiles) -> Server:
        """
        Return a server with --client-ca, which may therefore listen beyond this machine without --allow.
        """
        return serve(*listen(own, interface=""), "--client-ca", str(authority.certificate))

    def test_a_client_with_a_certificate_is_served(
        self, server: Server, connect: Connect, authority: Authority
    ) -> None:
        context = trusting(authority)
        files = authority.issue("robot-1")
        context.load_cert_chain(files.certificate, files.key)

        assert b"PONG" == connect(server.port, tls=context).ask(b"PING")

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_a_client_without_a_certificate_is_dropped_and_logged(
        self, server: Server, connect: Connect, authority: Authority, version: ssl.TLSVersion
    ) -> None:
        with pytest.raises((ssl.SSLError, ConnectionError)):  # with TLS 1.3 only after the handshake
            connect(server.port, tls=trusting(authority, version)).ask(b"PING")

        server.wait_for("TLS failed: peer did not return a certificate")
        assert 0 == server.count(": connected")

    def test_a_client_with_a_certificate_of_another_authority_is_dropped(
        self, server: Server, connect: Connect, authority: Authority, tmp_path: Path
    ) -> None:
        context = trusting(authority)
        files = Authority(tmp_path, "stranger").issue("robot-2")
        context.load_cert_chain(files.certificate, files.key)

        with pytest.raises((ssl.SSLError, ConnectionError)):
            connect(server.port, tls=context).ask(b"PING")

        server.wait_for("TLS failed: certificate verify failed")
        assert 0 == server.count(": connected")


@pytest.mark.parametrize("name", ["Plain", "FrameProtocol"])
def test_a_peer_from_a_forbidden_address_is_dropped(
    serve: Serve, authority: Authority, own: PemFiles, tmp_path: Path, name: str
) -> None:
    (tmp_path / "plain.py").write_text(
        "from twisted.internet.protocol import Protocol\n"
        "from tcpcomm import FrameProtocol\n"
        "class Plain(Protocol): pass\n"
    )
    server = serve(*listen(own), "--app", f"plain:{name}", "--allow", "10.0.0.0/8", cwd=tmp_path)

    with pytest.raises((ssl.SSLError, ConnectionError)):
        Peer(server.port, tls=trusting(authority))

    server.wait_for(r"127\.0\.0\.1:\d+: connection refused: its address is in no allowed network")
