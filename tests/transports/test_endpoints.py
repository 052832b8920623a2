"""Native endpoints: their strings, their errors, and cancelled attempts."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.error import CannotListenError, ConnectingCancelledError, ConnectionRefusedError
from twisted.internet.interfaces import IReactorTCP, IStreamClientEndpoint, IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import deferLater
from zope.interface.verify import verifyObject

from tcpcomm.errors import ConfigurationError
from tcpcomm.net.endpoints import listener
from tcpcomm.transports import AtOnce, NativeReactor, NativeServerEndpoint, NativeTCP, uvloop_reactor
from tcpcomm.transports.reactors import at_once
from tests.certificates import Authority, PemFiles
from tests.conftest import skip
from tests.transports.test_behaviour import NATIVE, Stage, close_internal_readers, play

if sys.platform == "win32":
    skip("Twisted's asyncio reactor needs another loop than Windows has by default")


@pytest.fixture
def reactor() -> Any:
    """Return a reactor with a loop that does not run."""
    loop = asyncio.SelectorEventLoop()
    made = NativeReactor(loop)
    yield made
    close_internal_readers(made)
    loop.close()


@pytest.fixture
def files(tmp_path: Path) -> PemFiles:
    return Authority(tmp_path).issue("localhost")


def test_the_strings_make_endpoints(reactor: Any, files: PemFiles) -> None:
    tls = f"privateKey={files.key}:certKey={files.certificate}"
    for text in ("native:0", "native:port=0:interface=127.0.0.1:backlog=5", f"native:0:{tls}"):
        assert verifyObject(IStreamServerEndpoint, serverFromString(reactor, text))
    for text in (
        "native:localhost:9999",
        "native:host=127.0.0.1:port=9999:timeout=5:bindAddress=127.0.0.2",
        f"native:localhost:9999:tls=yes:name=plc:caCerts={files.certificate}",
        f"native:plc:9999:tls=yes:privateKey={files.key}:clientCert={files.certificate}",
    ):
        assert verifyObject(IStreamClientEndpoint, clientFromString(reactor, text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("native:x", "the port must be a whole number from 0 to 65535, not 'x'"),
        ("native:70000", "the port must be a whole number from 0 to 65535, not '70000'"),
        ("native:0:backlog=many", "the backlog must be a whole number from 0 to 65535, not 'many'"),
        ("native:0:certKey=cert.pem", "TLS needs privateKey=FILE"),
        ("native:0:privateKey=no.pem", "no.pem and no.pem cannot be used as a key and its certificate: "),
    ],
)
def test_a_wrong_server_string_is_refused(reactor: Any, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        serverFromString(reactor, text)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("native:localhost:x", "the port must be a whole number from 0 to 65535, not 'x'"),
        ("native:localhost:1:tls=maybe", "tls must be yes or no, not 'maybe'"),
        ("native:plc:1:name=plc", "name, caCerts, privateKey and clientCert need tls=yes"),
        ("native:plc:1:tls=yes:clientCert=no.pem", "clientCert needs privateKey=FILE"),
        ("native:localhost:1:tls=yes:caCerts=none.pem", "none.pem has no certificates to trust: "),
    ],
)
def test_a_wrong_client_string_is_refused(reactor: Any, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        clientFromString(reactor, text)
    assert str(refused.value).startswith(problem)


def test_a_reactor_without_asyncio_is_refused() -> None:
    other: Any = object()
    with pytest.raises(ConfigurationError, match="need an asyncio loop, and object has none: run twistd"):
        NativeServerEndpoint(other, 0)


def test_listeners_of_twistd_are_native_if_their_string_says_so(reactor: Any, files: PemFiles) -> None:
    plain = listener(reactor, "native:0:interface=127.0.0.1")
    assert (True, False) == (plain.local, plain.proves_peers)
    text = f"native:0:privateKey={files.key}:certKey={files.certificate}"
    proving = listener(reactor, text, client_ca=str(files.certificate))
    assert (False, True) == (proving.local, proving.proves_peers)


def test_only_a_reactor_of_twisted_gets_a_view_that_sends_at_once(reactor: Any) -> None:
    twisteds = SelectReactor()
    view = at_once(twisteds)
    assert isinstance(view, AtOnce)
    assert verifyObject(IReactorTCP, view)
    assert twisteds.callLater == view.callLater
    assert view is at_once(view)
    assert reactor is at_once(reactor)
    other = object()
    assert other is at_once(other)
    close_internal_readers(twisteds)


def test_a_view_can_be_made_of_a_view(reactor: Any) -> None:
    assert reactor is NativeTCP(AtOnce(reactor))._reactor


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")
def test_a_view_listens_on_a_unix_socket_that_is_open(tmp_path: Path) -> None:
    twisteds = SelectReactor()
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(path)
        opened.listen()
        port = AtOnce(twisteds).adoptStreamPort(opened.fileno(), socket.AF_UNIX, quiet())
    assert UNIXAddress(path) == port.getHost()
    port.stopListening()
    twisteds.runUntilCurrent()
    close_internal_readers(twisteds)


def test_a_missing_uvloop_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(ConfigurationError, match=r"uvloop is not installed: pip install tcpcomm\[fast\]"):
        uvloop_reactor.install()


def test_another_installed_reactor_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", object())
    with pytest.raises(ConfigurationError, match=r"too late for uvloop: .* has already installed object"):
        uvloop_reactor.choose()


def test_the_uvloop_reactor_is_installed_once(reactor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twisted.internet.reactor", reactor)
    uvloop_reactor.choose()


def quiet(protocol: Any = Protocol) -> Factory[Any]:
    factory = Factory.forProtocol(protocol)
    factory.noisy = False
    return factory


@pytest.mark.parametrize("kind", NATIVE)
def test_connecting_to_a_port_without_listener_is_refused(kind: str) -> None:
    async def scene(stage: Stage) -> None:
        port = await serverFromString(stage.reactor, "native:0:interface=127.0.0.1").listen(quiet())
        number = port.getHost().port
        with pytest.raises(CannotListenError):
            await serverFromString(stage.reactor, f"native:{number}:interface=127.0.0.1").listen(quiet())
        await port.stopListening()
        with pytest.raises(ConnectionRefusedError):
            await clientFromString(stage.reactor, f"native:127.0.0.1:{number}").connect(quiet())

    play(kind, scene)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not tell what is open")
@pytest.mark.parametrize("kind", NATIVE)
@pytest.mark.parametrize("turns", range(6))
def test_a_cancelled_attempt_leaves_no_socket(kind: str, turns: int) -> None:
    async def scene(stage: Stage) -> None:
        for each in await stage.pair():  # opens everything that the reactor and the loop open only once
            each.transport.abortConnection()
        port, accepted = await stage.listen()
        await deferLater(stage.reactor, 0.01)
        gc.collect()  # what other tests left open must not be closed meanwhile
        before = len(os.listdir("/proc/self/fd"))
        endpoint = clientFromString(stage.reactor, f"native:127.0.0.1:{port.getHost().port}")
        attempt = endpoint.connect(quiet())
        outcome: list[Any] = []
        attempt.addBoth(outcome.append)
        for _ in range(turns):
            await deferLater(stage.reactor, 0)
        attempt.cancel()
        await stage.until(lambda: bool(outcome))
        if isinstance(outcome[0], Protocol):  # it was already connected
            outcome[0].transport.abortConnection()  # type: ignore[union-attr]
        else:
            assert outcome[0].check(ConnectingCancelledError)
        await stage.until(lambda: all(each.end is not None for each in accepted))
        await stage.until(lambda: before == len(os.listdir("/proc/self/fd")))
        await port.stopListening()

    play(kind, scene)
