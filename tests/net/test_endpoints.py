"""Endpoint strings: the endpoints that they make, and the errors for wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.testing import MemoryReactorClock

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.endpoints import Listener, client, listener
from tcpcomm.runtime.socket_options import BACKLOG
from tcpcomm.transports import AtOnce
from tests.certificates import Authority, PemFiles
from tests.conftest import needs_module


class NeverRun(PosixReactorBase):
    """A reactor with Twisted's own TCP that opens nothing and needs no closing."""

    def __init__(self) -> None:
        pass


REACTOR: Any = NeverRun()


def listen(text: str, client_ca: Path | None = None) -> Listener:
    return listener(MemoryReactorClock(), text, client_ca=None if client_ca is None else str(client_ca))


def refusal(text: str, client_ca: Path | None = None) -> str:
    """Return the one line of text with which an endpoint string is refused."""
    with pytest.raises(ConfigurationError) as raised:
        listen(text, client_ca)
    assert 1 == len(str(raised.value).splitlines())
    return str(raised.value)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    needs_module("OpenSSL", "pip install tcpcomm[tls]")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def own(authority: Authority) -> PemFiles:
    return authority.issue()


@pytest.mark.parametrize(
    "text",
    [
        "tcp:9999:interface=127.0.0.1",
        "tcp:9999:127.0.0.1",
        "tcp:interface=127.0.0.1:port=9999",
        "tcp:9999:interface=127.1.2.3",
        "tcp:9999:interface=localhost",
        r"tcp6:9999:interface=\:\:1",
        "unix:/run/tcpcomm.sock",
    ],
)
def test_an_endpoint_that_only_this_machine_can_reach_is_local(text: str) -> None:
    assert listen(text).local


@pytest.mark.parametrize(
    "text",
    [
        "tcp:9999",
        "tcp:9999:interface=",
        "tcp:9999:interface=0.0.0.0",
        "tcp:9999:interface=192.168.0.1",
        "tcp6:9999",
        r"tcp6:9999:interface=\:\:",
        r"tcp6:9999:interface=\:\:ffff\:192.168.0.1",
        "haproxy:tcp:9999:interface=127.0.0.1",
    ],
)
def test_an_endpoint_that_others_can_reach_is_not_local(text: str) -> None:
    assert not listen(text).local


@pytest.mark.parametrize(
    ("text", "backlog"),
    [
        ("tcp:9999", BACKLOG),
        ("tcp:9999:backlog=7", 7),
        ("tcp:9999:127.0.0.1:7", 7),
        ("tcp:9999:interface=127.0.0.1", BACKLOG),
    ],
)
def test_the_backlog_is_large_unless_the_string_gives_one(text: str, backlog: int) -> None:
    reactor = MemoryReactorClock()

    listener(reactor, text).endpoint.listen(None)  # type: ignore[arg-type]

    assert [backlog] == [server[2] for server in reactor.tcpServers]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("unix:camera.sock", 0o600),
        ("unix:camera.sock:mode=660", 0o660),
        ("unix:camera.sock:660", 0o660),
        ("unix:camera.sock:660:7", 0o660),
    ],
)
def test_only_the_owner_may_use_a_unix_socket_unless_the_string_has_a_mode(text: str, mode: int) -> None:
    reactor = MemoryReactorClock()

    listener(reactor, text).endpoint.listen(None)  # type: ignore[arg-type]

    assert [mode] == [server[3] for server in reactor.unixServers]


@pytest.mark.parametrize(
    "text",
    ["tcp:9999:interface=localhost", "tcp:9999:localhost", "tcp6:9999:interface=localhost:backlog=7"],
)
def test_an_interface_is_never_looked_up(text: str) -> None:
    reactor = MemoryReactorClock()

    listener(reactor, text).endpoint.listen(None)  # type: ignore[arg-type]

    assert ["127.0.0.1"] == [server[3] for server in reactor.tcpServers]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not an endpoint such as tcp:9999:interface=127.0.0.1"),
        (":9999", "':9999' is not an endpoint such as tcp:9999:interface=127.0.0.1"),
        ("9999", "'9999' is not an endpoint such as tcp:9999:interface=127.0.0.1: Unknown endpoint type: "),
        ("tcp:http", "'tcp:http': the port must be a number from 0 to 65535, not 'http'"),
        ("127.0.0.1:9999", "'127.0.0.1:9999' is not an endpoint: write tcp:9999:interface=127.0.0.1"),
        ("tcp:127.0.0.1:99", "'tcp:127.0.0.1:99': the port comes first: write tcp:99:interface=127.0.0.1"),
        ("tcp", "'tcp' is not an endpoint such as"),
        ("tcp:1:port=2", "'tcp:1:port=2' is not an endpoint such as"),
        ("tcp:1:colour=red", "'tcp:1:colour=red' is not an endpoint such as"),
        ("tcp:99999", "'tcp:99999': the port must be a number from 0 to 65535, not '99999'"),
        ("tcp6:port=-1", "'tcp6:port=-1': the port must be a number from 0 to 65535, not '-1'"),
        ("tcp6:1:interface=::1", "'tcp6:1:interface=::1': write each colon of an IPv6 address "),
        ("tcp6:1:interface=2:3:4:5:6:7:8:9", "'tcp6:1:interface=2:3:4:5:6:7:8:9': write each colon of an "),
        ("tcp:1:interface=plc-7", "'tcp:1:interface=plc-7': interface=plc-7 is not an IP address: "),
        ("tcp:1:plc-7", "'tcp:1:plc-7': interface=plc-7 is not an IP address: write the address itself"),
        ("systemd:domain=INET:index=0", "'systemd:domain=INET:index=0': systemd passed no such socket"),
        ("systemd:domain=INET:name=a", "'systemd:domain=INET:name=a': systemd passed no such socket"),
        ("systemd:domain=INET", "'systemd:domain=INET' is not an endpoint such as"),
    ],
)
def test_a_wrong_string_is_refused_in_one_line(text: str, reason: str) -> None:
    assert refusal(text).startswith(reason)


class TestAtOnce:
    """Over TCP, data is sent at once if possible, unless the string says otherwise."""

    @pytest.mark.parametrize(
        ("word", "sends_at_once"), [("", True), (":at-once=yes", True), (":at-once=no", False)]
    )
    def test_the_option_works_for_listeners_and_clients(
        self, word: str, sends_at_once: bool
    ) -> None:
        listening: Any = listener(REACTOR, f"tcp:1{word}:interface=127.0.0.1").endpoint
        connecting: Any = client(REACTOR, f"tcp:10.0.0.5:1{word}")

        for reactor in (listening._reactor, connecting._reactor):
            assert (sends_at_once, not sends_at_once) == (isinstance(reactor, AtOnce), reactor is REACTOR)

    def test_the_option_works_for_tls_too(self, own: PemFiles) -> None:
        text = f"ssl:1:interface=127.0.0.1:at-once=no:privateKey={own.key}:certKey={own.certificate}"
        made: Any = listener(REACTOR, text)
        assert (REACTOR, text, True) == (made.endpoint._reactor, made.text, made.local)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("tcp:1:at-once=maybe", "at-once= must be yes or no, not 'maybe'"),
            ("tcp:1:at-once=yes:at-once=no", "at-once= must be yes or no, not 'no'"),
            ("unix:/run/a.sock:at-once=no", "at-once= works only with Twisted's own TCP connections"),
            ("native:1:at-once=no", "at-once= works only with Twisted's own TCP connections"),
        ],
    )
    def test_a_wrong_use_of_the_option_is_refused(self, text: str, reason: str) -> None:
        for make in (listener, client):
            with pytest.raises(ConfigurationError, match=reason):
                make(REACTOR, text)

    def test_a_reactor_without_the_tcp_of_twisted_refuses_the_option(self) -> None:
        assert "at-once= works only with Twisted's own TCP" in refusal("tcp:1:at-once=no")


class TestTLS:
    """Endpoints of ``ssl:``, with client certificates and error texts of our own."""

    def test_it_is_local_if_its_interface_is_local(self, own: PemFiles) -> None:
        text = f"ssl:9999:privateKey={own.key}:certKey={own.certificate}"

        assert not listen(text).local
        assert listen(f"{text}:interface=127.0.0.1").local

    def test_one_file_may_hold_key_and_certificate(self, own: PemFiles, tmp_path: Path) -> None:
        both = tmp_path / "both.pem"
        both.write_bytes(own.key.read_bytes() + own.certificate.read_bytes())

        assert not listen(f"ssl:9999:privateKey={both}").proves_peers

    @pytest.mark.parametrize(
        "written",
        [
            r"C:\keys\k.pem",
            "C:/keys/k.pem",
            r"C\:\keys\k.pem",
            r"C:\\keys\\k.pem",
            r"C\:\\keys\\k.pem",
            r"C\:/keys/k.pem",
        ],
    )
    def test_a_path_of_windows_may_be_written_as_it_is(self, written: str) -> None:
        """The colon ended the path, and the backslashes were dropped: "does not know keysk.pem"."""
        path = "C:/keys/k.pem" if "/" in written else "C:\\keys\\k.pem"
        server = f"ssl:9999:privateKey={written}:certKey=D:\\c.pem:interface=127.0.0.1"
        assert f"{server!r}: cannot read {path}: No such file or directory" == refusal(server)
        host = f"tls:10.0.0.5:9999:caCerts={written}:name=camera-1"
        with pytest.raises(ConfigurationError) as caught:
            client(REACTOR, host)
        assert f"{host!r}: cannot read {path}: No such file or directory" == str(caught.value)

    def test_port_interface_and_backlog_are_used(self, own: PemFiles, authority: Authority) -> None:
        reactor = MemoryReactorClock()
        text = (
            f"ssl:port=9999:privateKey={own.key}:certKey={own.certificate}:interface=127.0.0.1:backlog=7"
            f":extraCertChain={authority.certificate}"
        )

        listener(reactor, text).endpoint.listen(None)  # type: ignore[arg-type]

        ((port, _, _, backlog, interface),) = reactor.sslServers
        assert (9999, 7, "127.0.0.1") == (port, backlog, interface)

    def test_with_authorities_for_clients_it_requires_certificates(
        self, own: PemFiles, authority: Authority
    ) -> None:
        text = f"ssl:9999:privateKey={own.key}:certKey={own.certificate}"

        assert listen(text, client_ca=authority.certificate).proves_peers
        assert not listen(text).proves_peers
        assert not listen("tcp:9999", client_ca=authority.certificate).proves_peers

    def test_a_bundle_may_hold_several_authorities(
        self, own: PemFiles, authority: Authority, tmp_path: Path
    ) -> None:
        bundle = tmp_path / "bundle.pem"
        other = Authority(tmp_path, "other")
        bundle.write_bytes(authority.certificate.read_bytes() + other.certificate.read_bytes())

        text = f"ssl:9999:privateKey={own.key}:certKey={own.certificate}"
        assert listen(text, client_ca=bundle).proves_peers

    def test_missing_files_are_named(self, own: PemFiles, tmp_path: Path) -> None:
        missing = tmp_path / "missing.pem"
        text = f"ssl:9999:privateKey={own.key}:certKey={own.certificate}"

        for wrong, client_ca in (
            (f"ssl:9999:privateKey={missing}", None),
            (f"ssl:9999:privateKey={own.key}:certKey={missing}", None),
            (f"{text}:extraCertChain={missing}", None),
            (text, missing),
        ):
            reason = f"{wrong!r}: cannot read {missing}: No such file or directory"
            assert reason == refusal(wrong, client_ca)

    def test_a_folder_instead_of_a_file_is_refused(self, tmp_path: Path) -> None:
        text = f"ssl:9999:privateKey={tmp_path}"

        assert refusal(text).startswith(f"{text!r}: cannot read {tmp_path}: ")

    @pytest.mark.parametrize("option", ["privateKey", "certKey", "extraCertChain"])
    def test_files_with_other_contents_are_named_with_their_option(
        self, own: PemFiles, tmp_path: Path, option: str
    ) -> None:
        wrong = tmp_path / "wrong.pem"
        wrong.write_bytes(b"\xff\xfehello")
        paths = {"privateKey": own.key, "certKey": own.certificate, option: wrong}
        text = "ssl:9999:" + ":".join(f"{name}={path}" for name, path in paths.items())

        assert refusal(text).startswith(f"{text!r}: {option}={wrong} is not a suitable PEM file: ")

    def test_a_file_without_certificates_is_refused_as_authorities(self, own: PemFiles) -> None:
        text = f"ssl:9999:privateKey={own.key}:certKey={own.certificate}"

        problem = f"--client-ca={own.key} is not a suitable PEM file: it has no certificate"
        assert f"{text!r}: {problem}" == refusal(text, own.key)

    def test_a_key_of_another_certificate_is_refused(self, own: PemFiles, authority: Authority) -> None:
        other = authority.issue("other")
        text = f"ssl:9999:privateKey={other.key}:certKey={own.certificate}"

        problem = f"{other.key} and {own.certificate} cannot be used together: key values mismatch"
        assert f"{text!r}: {problem}" == refusal(text)

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("ssl:9999", "ssl: needs privateKey=FILE, and certKey=FILE unless the certificate is in "),
            ("ssl:https:privateKey=a", "the port must be a number from 0 to 65535, not 'https'"),
            ("ssl:65536:privateKey=a", "the port must be a number from 0 to 65535, not '65536'"),
            ("ssl:privateKey=a", "the port must be a number from 0 to 65535, not ''"),
            ("ssl:1:privateKey=a:sslmethod=SSLv3", "ssl: does not know sslmethod; it knows backlog, "),
            ("ssl:1:127.0.0.1:privateKey=a", "ssl: does not know 127.0.0.1; it knows backlog, caCerts, "),
        ],
    )
    def test_a_wrong_tls_string_is_refused(self, text: str, reason: str) -> None:
        needs_module("OpenSSL", "pip install tcpcomm[tls]")

        assert refusal(text).startswith(f"{text!r}: {reason}")

    def test_a_backlog_that_is_not_a_number_is_refused(self, own: PemFiles) -> None:
        text = f"ssl:9999:privateKey={own.key}:certKey={own.certificate}:backlog=many"

        assert refusal(text).startswith(f"{text!r} is not an endpoint such as")

    @pytest.mark.parametrize("kind", ["ssl", "tls"])
    def test_the_string_may_name_the_authorities_for_clients(
        self, own: PemFiles, authority: Authority, kind: str
    ) -> None:
        text = f"{kind}:9999:privateKey={own.key}:certKey={own.certificate}:caCerts={authority.certificate}"

        assert listen(text).proves_peers

    def test_authorities_named_twice_are_refused(self, own: PemFiles, authority: Authority) -> None:
        text = f"ssl:9999:privateKey={own.key}:caCerts={authority.certificate}"

        assert f"{text!r}: caCerts= and --client-ca mean the same: leave one out" == refusal(
            text, authority.certificate
        )

    @pytest.mark.parametrize("kind", ["ssl", "tls"])
    @pytest.mark.parametrize("host", ["127.0.0.1", r"\:\:1", "camera-1"])
    def test_a_client_connects_with_tls(
        self, own: PemFiles, authority: Authority, kind: str, host: str
    ) -> None:
        shown = f"clientCert={own.certificate}:privateKey={own.key}"
        text = f"{kind}:{host}:9999:caCerts={authority.certificate}:{shown}:name=localhost:timeout=5"

        assert IStreamClientEndpoint.providedBy(client(MemoryReactorClock(), text))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("tls:", "tls: needs a host, as in tls:camera-1:9999:caCerts=ca.pem"),
            ("tls:camera-1", "the port must be a number from 0 to 65535, not ''"),
            ("tls:camera-1:https", "the port must be a number from 0 to 65535, not 'https'"),
            ("tls:camera-1:9999:5", "tls: does not know 5; it knows bindAddress, caCerts, clientCert, "),
            ("tls:camera-1:9999:certKey=a", "tls: does not know certKey; it knows bindAddress, caCerts, "),
            ("tls:camera-1:9999:clientCert=a", "clientCert=FILE needs privateKey=FILE beside it"),
            ("tls:camera-1:9999:caCerts=/no/ca.pem", "cannot read /no/ca.pem: No such file or directory"),
        ],
    )
    def test_a_wrong_tls_string_of_a_client_is_refused(self, text: str, reason: str) -> None:
        needs_module("OpenSSL", "pip install tcpcomm[tls]")

        assert no_client(text).startswith(f"{text!r}: {reason}")

    def test_a_client_key_of_another_certificate_is_refused(
        self, own: PemFiles, authority: Authority
    ) -> None:
        other = authority.issue("other")
        text = f"tls:camera-1:9999:clientCert={own.certificate}:privateKey={other.key}"

        problem = f"{other.key} and {own.certificate} cannot be used together: key values mismatch"
        assert f"{text!r}: {problem}" == no_client(text)


def no_client(text: str) -> str:
    """Return the one line of text with which a client's endpoint string is refused."""
    with pytest.raises(ConfigurationError) as raised:
        client(MemoryReactorClock(), text)
    assert 1 == len(str(raised.value).splitlines())
    return str(raised.value)


@pytest.mark.parametrize("text", ["tcp:10.0.0.5:9999", "tcp:host=camera-1:port=9999", "unix:/run/socket"])
def test_twisted_reads_other_client_strings(text: str) -> None:
    assert IStreamClientEndpoint.providedBy(client(MemoryReactorClock(), text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not an endpoint such as tcp:10.0.0.5:9999"),
        ("tcp:10.0.0.5", "'tcp:10.0.0.5': the port is missing: write tcp:10.0.0.5:PORT"),
        ("tcp:host=plc-7", "'tcp:host=plc-7': the port is missing: write tcp:plc-7:PORT"),
        ("tcp:9999", "'tcp:9999': the host is missing: write tcp:HOST:9999"),
        ("10.0.0.5:9999", "'10.0.0.5:9999' is not an endpoint: write tcp:10.0.0.5:9999"),
        ("localhost:9999", "'localhost:9999' is not an endpoint: write tcp:localhost:9999"),
        ("10.0.0.5", "'10.0.0.5' is not an endpoint: write tcp:10.0.0.5:PORT"),
        ("plc:9999", "'plc:9999' is not an endpoint such as tcp:10.0.0.5:9999: Unknown endpoint "),
        ("tcp:h:99999", "'tcp:h:99999': the port must be a number from 0 to 65535, not '99999'"),
        ("tcp:host=h:port=http", "'tcp:host=h:port=http': the port must be a number from 0 to 65535, not"),
        ("tcp:99999:host=h", "'tcp:99999:host=h': the port must be a number from 0 to 65535, not '99999'"),
        ("tcp:h:99:bindAddress=me", "'tcp:h:99:bindAddress=me': bindAddress=me is not an IP address: "),
        ("tcp:10.0.0.5:99:bindAddress=me", "'tcp:10.0.0.5:99:bindAddress=me': bindAddress=me is not an IP"),
        ("tcp://h:99", "'tcp://h:99' is a URL, not an endpoint: write tcp:h:99, without slashes"),
        ("tcp:::1:99", r"'tcp:::1:99': write each colon of an IPv6 address as \:, as in tcp:\:\:1:9999"),
    ],
)
def test_a_wrong_client_string_is_refused_in_one_line(text: str, reason: str) -> None:
    assert no_client(text).startswith(reason)
