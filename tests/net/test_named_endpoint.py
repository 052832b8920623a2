"""Connect by name: the lookup has its own time, and all addresses of the name are tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError, DNSLookupError, NoRouteError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.net.endpoints import client
from tcpcomm.net.named_endpoint import ATTEMPT_DELAY, RESOLVE_TIMEOUT, NamedEndpoint
from tcpcomm.net.names import Names, names_of
from tests.conftest import needs_module


class Bench:
    """A name, its addresses, and the attempts to connect to them."""

    def __init__(self, *addresses: str) -> None:
        self.clock = Clock()
        self.attempts: dict[str, Deferred[Any]] = {}
        """The attempts that were begun, by address."""
        self.cancelled: list[str] = []
        self.lookup: Deferred[Sequence[str]] = Deferred()
        names = Names(self.clock, lambda name: self.lookup)
        self.endpoint = NamedEndpoint("camera-1", self.at, names=names, clock=self.clock)
        if addresses:
            self.lookup.callback(addresses)

    def at(self, address: str) -> _At:
        return _At(self, address)

    def connect(self, within: float | None = None) -> list[Any]:
        """Begin to connect; return a list that gets the protocol or the error."""
        self.attempts.clear()
        self.cancelled.clear()
        result: list[Any] = []
        if within is None:
            self.connecting = self.endpoint.connect("the factory")
        else:
            addresses: list[Any] = []
            self.endpoint.names.resolve("camera-1").addCallback(addresses.append)
            self.connecting = self.endpoint.connect_to(addresses[0], "the factory", within=within)
        self.connecting.addBoth(lambda it: result.append(it.value if isinstance(it, Failure) else it))
        return result

    def failed(self, address: str, error: Exception) -> None:
        self.attempts[address].errback(error)


@implementer(IStreamClientEndpoint)
class _At:
    def __init__(self, bench: Bench, address: str) -> None:
        self._bench, self._address = bench, address

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        assert "the factory" == protocolFactory
        attempt: Deferred[Any] = Deferred(lambda _: self._bench.cancelled.append(self._address))
        self._bench.attempts[self._address] = attempt
        return attempt


def test_one_address_is_simply_connected() -> None:
    bench = Bench("10.0.0.5")
    result = bench.connect()
    bench.attempts["10.0.0.5"].callback("protocol")
    assert ["protocol"] == result
    assert [] == bench.clock.getDelayedCalls()


def test_the_next_address_is_tried_when_one_fails() -> None:
    bench = Bench("::1", "127.0.0.1")
    result = bench.connect()
    assert ["::1"] == list(bench.attempts)
    bench.failed("::1", ConnectionRefusedError())
    bench.attempts["127.0.0.1"].callback("protocol")
    assert ["protocol"] == result
    assert [] == bench.clock.getDelayedCalls()


@pytest.mark.parametrize(("within", "delay"), [(None, ATTEMPT_DELAY), (0.08, 0.04), (30.0, ATTEMPT_DELAY)])
def test_the_next_address_is_tried_too_when_one_does_not_answer(within: float | None, delay: float) -> None:
    bench = Bench("fd00::5", "10.0.0.5")
    result = bench.connect(within)
    bench.clock.advance(delay - 0.001)
    assert ["fd00::5"] == list(bench.attempts)
    bench.clock.advance(0.002)
    bench.attempts["10.0.0.5"].callback("protocol")
    assert (["protocol"], ["fd00::5"]) == (result, bench.cancelled)


def test_the_address_that_was_connected_last_is_tried_first() -> None:
    bench = Bench("fd00::5", "10.0.0.5")
    bench.connect()
    bench.failed("fd00::5", NoRouteError())
    bench.attempts["10.0.0.5"].callback("protocol")
    bench.connect()
    assert ["10.0.0.5"] == list(bench.attempts)


def test_when_all_fail_a_refusal_is_the_reason_because_there_the_machine_answered() -> None:
    bench = Bench("10.0.0.5", "fd00::5")
    result = bench.connect()
    bench.failed("10.0.0.5", ConnectionRefusedError())
    bench.failed("fd00::5", NoRouteError())
    assert [ConnectionRefusedError] == [type(each) for each in result]


def test_cancelling_ends_all_attempts() -> None:
    bench = Bench("10.0.0.5", "fd00::5", "fd00::6")
    result = bench.connect()
    bench.clock.advance(ATTEMPT_DELAY)
    bench.connecting.cancel()
    assert ["10.0.0.5", "fd00::5"] == bench.cancelled
    assert [CancelledError] == [type(each) for each in result]
    assert [] == bench.clock.getDelayedCalls()


def test_a_lookup_that_hangs_is_given_up_and_connecting_has_its_own_time() -> None:
    bench = Bench()
    result = bench.connect()
    bench.clock.advance(RESOLVE_TIMEOUT)
    assert ["the name camera-1 did not resolve within 10 s"] == [str(each) for each in result]
    assert isinstance(result[0], DNSLookupError)
    bench.lookup.callback(["10.0.0.5"])
    result = bench.connect()
    bench.clock.advance(RESOLVE_TIMEOUT)
    bench.attempts["10.0.0.5"].callback("protocol")
    assert ["protocol"] == result


# -- of endpoint strings


class Reactor(MemoryReactorClock):
    """Twisted's reactor in memory, which must not be asked for an address."""

    nameResolver: Any = None

    def resolve(self, *arguments: Any) -> Any:
        raise AssertionError("the reactor's threads would look this name up")


@pytest.fixture
def reactor(monkeypatch: pytest.MonkeyPatch) -> Reactor:
    made = Reactor()  # type: ignore[no-untyped-call]
    answers = {"camera-1": ["10.0.0.5", "fd00::5"]}
    monkeypatch.setattr(names_of(made), "_look_up", lambda name: answers[name])
    return made


@pytest.mark.parametrize(
    "text", ["tcp:camera-1:9999:timeout=7", "tcp:host=camera-1:port=9999:timeout=7", "tls", "ssl"]
)
def test_the_string_of_an_endpoint_may_have_a_name(text: str, reactor: Reactor) -> None:
    if text in ("tls", "ssl"):
        needs_module("OpenSSL", "pip install tcpcomm[tls]")
        text += ":camera-1:9999:timeout=7"
    endpoint = client(reactor, f"{text}:bindAddress=10.0.0.1")

    endpoint.connect(None).addErrback(lambda _: None)  # type: ignore[arg-type]
    reactor.advance(1.0)

    attempts: list[Any] = reactor.tcpClients
    assert [
        ("10.0.0.5", 9999, 7, ("10.0.0.1", 0)),
        ("fd00::5", 9999, 7, ("10.0.0.1", 0)),
    ] == [(*each[:2], *each[3:]) for each in attempts]


@pytest.mark.parametrize("text", ["tcp:10.0.0.5:9999", r"tcp:fd00\:\:5:9999", "tls:10.0.0.5:9999"])
def test_an_address_is_not_looked_up(text: str, reactor: Reactor) -> None:
    if text.startswith("tls"):
        needs_module("OpenSSL", "pip install tcpcomm[tls]")
    client(reactor, text).connect(None).addErrback(lambda _: None)  # type: ignore[arg-type]
    assert 1 == len(reactor.tcpClients)


@pytest.mark.parametrize("text", ["tcp:10.0.0.5:9999", "tcp:camera-1:9999", "tls:10.0.0.5:9999"])
def test_an_attempt_to_connect_has_30_seconds_unless_the_string_says_otherwise(
    text: str, reactor: Reactor
) -> None:
    if text.startswith("tls"):
        needs_module("OpenSSL", "pip install tcpcomm[tls]")
    client(reactor, text).connect(None).addErrback(lambda _: None)  # type: ignore[arg-type]
    attempts: list[Any] = reactor.tcpClients
    assert [30.0] == [each[3] for each in attempts]
