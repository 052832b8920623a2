"""Names that are looked up apart: one lookup of each at a time, few in all, and the last answer kept."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from threading import Event, Thread, enumerate
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tcpcomm.net.error_texts import connect_error_text
from tcpcomm.net.names import (
    MAX_LOOKUPS,
    MAX_NAMES,
    REFRESH_AFTER,
    RETRY_AFTER,
    NameNotFound,
    Names,
    addresses_of,
    is_address,
    names_of,
    system_look_up,
)
from tests.system.running import DEADLINE


class Resolver:
    """Names with lookups that end when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.lookups: dict[str, Deferred[Sequence[str]]] = {}
        """The lookups that are under way, oldest first."""
        self.begun: list[str] = []
        self.names = Names(self.clock, self.look_up)

    def look_up(self, name: str) -> Deferred[Sequence[str]]:
        assert name not in self.lookups, "it is looked up twice at a time"
        self.begun.append(name)
        found = self.lookups[name] = Deferred()
        return found

    def answer(self, name: str, *addresses: str) -> None:
        self.lookups.pop(name).callback(addresses)

    def fail(self, name: str, error: Exception) -> None:
        self.lookups.pop(name).errback(error)

    def resolve(self, name: str) -> list[Any]:
        """Return a list that gets the addresses, or the text of the failure."""
        result: list[Any] = []

        def failed(failure: Failure) -> None:
            assert failure.check(NameNotFound)
            result.append(connect_error_text(failure))

        self.names.resolve(name).addCallback(result.append).addErrback(failed)
        return result


@pytest.fixture
def resolver() -> Resolver:
    return Resolver()


def test_all_who_ask_for_a_name_wait_for_one_lookup(resolver: Resolver) -> None:
    asked = [resolver.resolve("camera-1") for _ in range(3)]
    assert [[], [], []] == asked
    resolver.answer("camera-1", "10.0.0.5", "fd00::5", "10.0.0.5")
    assert [[("10.0.0.5", "fd00::5")]] * 3 == asked
    assert ["camera-1"] == resolver.begun


def test_a_good_answer_is_used_at_once_and_sought_anew_when_it_is_old(resolver: Resolver) -> None:
    resolver.resolve("camera-1")
    resolver.answer("camera-1", "10.0.0.5")
    resolver.clock.advance(REFRESH_AFTER - 1)
    assert [("10.0.0.5",)] == resolver.resolve("camera-1")
    assert {} == resolver.lookups
    resolver.clock.advance(1)
    assert [("10.0.0.5",)] == resolver.resolve("camera-1")
    resolver.answer("camera-1", "10.0.0.9")
    assert [("10.0.0.9",)] == resolver.resolve("camera-1")


def test_the_last_good_answer_outlives_a_name_server_that_is_dead_or_knows_nothing(
    resolver: Resolver,
) -> None:
    resolver.resolve("camera-1")
    resolver.answer("camera-1", "10.0.0.5")
    for error in (socket.gaierror(socket.EAI_AGAIN, ""), socket.gaierror(socket.EAI_NONAME, "")):
        resolver.clock.advance(REFRESH_AFTER)
        assert [("10.0.0.5",)] == resolver.resolve("camera-1")
        resolver.clock.advance(3600)
        assert [("10.0.0.5",)] == resolver.resolve("camera-1")
        resolver.fail("camera-1", error)
        assert [("10.0.0.5",)] == resolver.resolve("camera-1")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (socket.gaierror(socket.EAI_NONAME, ""), "there is no such name"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "the name server does not answer"),
        (socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure"), "Non-recoverable failure"),
        (UnicodeError("label too long"), "it cannot be the name of a machine"),
        (RuntimeError("can't start new thread"), "RuntimeError: can't start new thread"),
    ],
)
def test_the_reason_says_why_a_name_did_not_resolve(
    resolver: Resolver, error: Exception, text: str
) -> None:
    asked = resolver.resolve("camera.local")
    resolver.fail("camera.local", error)
    assert [f"the name camera.local did not resolve: {text}"] == asked


def test_a_name_without_an_address_did_not_resolve(resolver: Resolver) -> None:
    asked = resolver.resolve("camera-1")
    resolver.answer("camera-1")
    assert ["the name camera-1 did not resolve: it has no address"] == asked


def test_a_name_that_failed_is_not_sought_again_at_once(resolver: Resolver) -> None:
    resolver.resolve("camera-1")
    resolver.fail("camera-1", OSError("x"))
    resolver.clock.advance(RETRY_AFTER / 2)
    assert ["the name camera-1 did not resolve: OSError: x"] == resolver.resolve("camera-1")
    resolver.clock.advance(RETRY_AFTER / 2)
    assert [] == resolver.resolve("camera-1")
    assert ["camera-1"] * 2 == resolver.begun


def test_lookups_beyond_the_most_wait_for_their_turn_in_order(resolver: Resolver) -> None:
    names = [f"camera-{number}" for number in range(MAX_LOOKUPS + 3)]
    for name in names:
        resolver.resolve(name)
    assert names[:MAX_LOOKUPS] == resolver.begun
    assert [0, MAX_LOOKUPS, MAX_LOOKUPS + 2] == [
        resolver.names.ahead_of(each) for each in (names[0], names[MAX_LOOKUPS], names[-1])
    ]
    resolver.answer(names[3], "10.0.0.5")
    resolver.fail(names[0], OSError("x"))
    assert names[: MAX_LOOKUPS + 2] == resolver.begun
    assert [0, MAX_LOOKUPS] == [resolver.names.ahead_of(each) for each in names[-2:]]


def test_who_has_given_up_is_not_told_and_the_answer_is_kept(resolver: Resolver) -> None:
    waiting = resolver.names.resolve("camera-1")
    other = resolver.resolve("camera-1")
    waiting.addErrback(lambda _: None)
    waiting.cancel()
    resolver.answer("camera-1", "10.0.0.5")
    assert [("10.0.0.5",)] == other == resolver.resolve("camera-1")


def test_the_names_that_were_not_asked_for_the_longest_are_forgotten(resolver: Resolver) -> None:
    resolver.resolve("hangs")
    for number in range(MAX_NAMES - 1):
        resolver.resolve(str(number))
        resolver.answer(str(number), "10.0.0.5")
    resolver.resolve("0")
    resolver.resolve("one more")
    resolver.answer("one more", "10.0.0.5")
    assert [("10.0.0.5",)] == resolver.resolve("0")
    assert [] == resolver.resolve("1")
    resolver.resolve("hangs")
    assert 1 == resolver.begun.count("hangs")


ADDRESSES = st.sets(st.sampled_from(("10.0.0.5", "10.0.0.6", "fd00::5")), max_size=2)


class AnyCourse(RuleBasedStateMachine):
    """Lookups that are slow, fail, hang or change, in any order, of more names than may be under way."""

    def __init__(self) -> None:
        super().__init__()
        self.resolver = Resolver()
        self.good: dict[str, tuple[str, ...]] = {}
        self.waiting: dict[str, list[list[Any]]] = {}

    @rule(number=st.integers(0, MAX_LOOKUPS + 10))
    def ask(self, number: int) -> None:
        name = f"camera-{number}"
        result = self.resolver.resolve(name)
        if name in self.good:
            assert [self.good[name]] == result, "a good answer is not used, or waited for"
        elif not result:
            self.waiting.setdefault(name, []).append(result)

    @rule(number=st.integers(0, MAX_LOOKUPS + 10))
    def ask_and_give_up(self, number: int) -> None:
        waiting = self.resolver.names.resolve(f"camera-{number}").addBoth(lambda _: None)
        waiting.cancel()

    @rule(seconds=st.floats(0.0, 100.0))
    def wait(self, seconds: float) -> None:
        self.resolver.clock.advance(seconds)

    @precondition(lambda self: self.resolver.lookups)
    @rule(data=st.data(), addresses=ADDRESSES)
    def end(self, data: st.DataObject, addresses: set[str]) -> None:
        name = data.draw(st.sampled_from(list(self.resolver.lookups)))
        answer = tuple(sorted(addresses))
        if answer:
            self.good[name] = answer
            self.resolver.answer(name, *answer)
        else:
            self.resolver.fail(name, socket.gaierror(socket.EAI_AGAIN, ""))
        for result in self.waiting.pop(name, []):
            assert [answer or f"the name {name} did not resolve: the name server does not answer"] == result

    @invariant()
    def few_lookups_are_under_way_and_none_waits_without_need(self) -> None:
        under_way = len(self.resolver.lookups)
        assert under_way <= MAX_LOOKUPS
        if under_way < MAX_LOOKUPS:
            assert set(self.waiting) <= set(self.resolver.lookups)


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=60, stateful_step_count=60)


# -- the operating system


class Calls:
    """A reactor whose turn the test takes."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.called = Event()

    def callFromThread(self, function: Any, *values: Any) -> None:
        self.calls.append(lambda: function(*values))
        self.called.set()


def test_a_lookup_runs_in_a_daemon_thread_and_answers_in_the_reactor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[Thread] = []

    def getaddrinfo(*arguments: Any, **options: Any) -> list[Any]:
        threads.extend(each for each in enumerate() if each.name == "tcpcomm lookup of camera-1")
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 0, 0, 2)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fd00::1", 0, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", 0)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    reactor = Calls()
    found: list[Any] = []
    system_look_up(reactor)("camera-1").addCallback(found.append)
    assert reactor.called.wait(DEADLINE)
    assert [] == found
    reactor.calls[0]()
    assert [["fe80::1%2", "fd00::1", "10.0.0.5"]] == found
    assert [True] == [each.daemon for each in threads]


def test_the_system_resolves_this_machine() -> None:
    assert {"127.0.0.1", "::1"} & set(addresses_of("localhost"))


@pytest.mark.parametrize("name", ["a..b", "x" * 64])
def test_what_cannot_be_a_name_fails_like_a_name_that_is_not_there(name: str) -> None:
    with pytest.raises((UnicodeError, socket.gaierror)):
        addresses_of(name)


@pytest.mark.parametrize("host", ["10.0.0.5", "fd00::5", "fe80::1%eth0"])
def test_an_address_is_not_a_name(host: str) -> None:
    assert is_address(host)
    assert not is_address(f"camera-{host}")


def test_a_reactor_has_one_set_of_names() -> None:
    reactor = Clock()
    assert names_of(reactor) is names_of(reactor)
