"""The lean epoll reactor does with each event what Twisted's epoll reactor does."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionFdescWentAway, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableDescriptor
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.python import log
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.transports import AtOnce, epoll_reactor
from tcpcomm.transports.reactors import at_once
from tests.conftest import skip
from tests.transports.test_behaviour import close_internal_readers

if not hasattr(select, "epoll"):
    skip("epoll is a facility of Linux")

from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT

from twisted.internet.epollreactor import EPollReactor

Act = Callable[["Selectable"], Any]
KINDS: dict[str, Callable[[], Any]] = {"twisted": EPollReactor, "lean": epoll_reactor.new_reactor}


class Poller:
    """Answers each poll with the given events."""

    def __init__(self, *events: tuple[int, int]) -> None:
        self.events = [*events]

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        events, self.events = self.events, []
        return events

    def register(self, fd: int, flags: int) -> None:
        pass

    modify = register

    def unregister(self, fd: int) -> None:
        pass


class Selectable:
    """Keeps what the reactor does with it in a record."""

    def __init__(self, record: list[Any], fd: int, **acts: Act) -> None:
        self.record, self.fd, self.acts = record, fd, acts

    def _act(self, name: str, default: Any = None) -> Any:
        self.record.append((self.fd, name))
        return self.acts[name](self) if name in self.acts else default

    def fileno(self) -> int:
        return self.acts["fileno"](self) if "fileno" in self.acts else self.fd

    def logPrefix(self) -> str:
        return f"selectable {self.fd}"

    def doRead(self) -> Any:
        return self._act("doRead")

    def doWrite(self) -> Any:
        return self._act("doWrite")

    def connectionLost(self, reason: Failure) -> None:
        self.record.append((self.fd, "lost", reason.type, str(reason.value)))
        log.msg("it is lost")
        self._act("connectionLost")


@implementer(IHalfCloseableDescriptor)
class HalfCloseable(Selectable):
    def readConnectionLost(self, reason: Failure) -> None:
        self.record.append((self.fd, "input ended", reason.type))

    def writeConnectionLost(self, reason: Failure) -> None:
        raise AssertionError("not by a reactor")


@pytest.fixture(params=[*KINDS])
def reactor(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = KINDS[request.param]()
    close_internal_readers(made)
    poller, made._poller = made._poller, Poller()
    yield made
    poller.close()


def raising(error: BaseException) -> Act:
    def act(selectable: Selectable) -> None:
        raise error

    return act


def outcome(reactor: Any, selectables: list[Selectable], *events: tuple[int, int]) -> list[Any]:
    """Let the reactor handle these events. Return what happened, and what was logged."""
    record = selectables[0].record

    @implementer(ILogObserver)
    def observe(event: Any) -> None:
        failure = event.get("failure")
        record.append(("logged", event.get("log_system"), failure and (failure.type, str(failure.value))))

    for each in selectables:
        reactor.addReader(each)
        reactor.addWriter(each)
    reactor._poller.events = [*events]
    globalLogPublisher.addObserver(observe)
    try:
        reactor.doIteration(0)
    finally:
        globalLogPublisher.removeObserver(observe)
    return record


LOST = "Connection to the other side was lost in a non-clean fashion"


@pytest.mark.parametrize(
    ("mask", "done"),
    [
        (EPOLLIN, ["doRead"]),
        (EPOLLOUT, ["doWrite"]),
        (EPOLLIN | EPOLLOUT, ["doRead", "doWrite"]),
        (EPOLLIN | EPOLLHUP, ["doRead"]),
        (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLOUT, ["doRead", "doWrite"]),
    ],
)
def test_each_event_is_handled(reactor: Any, mask: int, done: list[str]) -> None:
    assert [(7, each) for each in done] == outcome(reactor, [Selectable([], 7)], (7, mask))
    assert 1 == len(reactor.getReaders()) == len(reactor.getWriters())


@pytest.mark.parametrize("mask", [EPOLLHUP, EPOLLERR, EPOLLHUP | EPOLLOUT])
def test_a_hung_up_connection_is_lost(reactor: Any, mask: int) -> None:
    lost, logged, _ = outcome(reactor, [Selectable([], 7)], (7, mask))
    assert (7, "lost", ConnectionDone) == lost[:3]
    assert ("logged", "selectable 7", None) == logged
    assert [] == reactor.getReaders() == reactor.getWriters()


def test_a_selectable_that_an_earlier_event_removed_is_left_alone(reactor: Any) -> None:
    record: list[Any] = []
    second = Selectable(record, 8)

    def remove(selectable: Selectable) -> None:
        reactor.removeReader(second)
        reactor.removeWriter(second)

    first = Selectable(record, 7, doRead=remove)
    assert [(7, "doRead")] == outcome(reactor, [first, second], (7, EPOLLIN), (8, EPOLLIN), (9, EPOLLIN))


def test_the_new_owner_of_a_file_number_gets_its_event(reactor: Any) -> None:
    record: list[Any] = []
    second, third = Selectable(record, 8), Selectable(record, 8)

    def replace(selectable: Selectable) -> None:
        reactor.removeReader(second)
        reactor.removeWriter(second)
        reactor.addReader(third)
        third.acts["doRead"] = lambda selectable: record.append("the third")

    first = Selectable(record, 7, doRead=replace)
    seen = outcome(reactor, [first, second], (7, EPOLLIN), (8, EPOLLIN))
    assert [(7, "doRead"), (8, "doRead"), "the third"] == seen


@pytest.mark.parametrize("mask", [EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT])
def test_a_closed_file_is_a_lost_connection(reactor: Any, mask: int) -> None:
    numbers = [7, 7]  # for addReader and addWriter
    selectable = Selectable([], 7, fileno=lambda _: numbers.pop() if numbers else -1)
    lost = outcome(reactor, [selectable], (7, mask))[0]
    assert (7, "lost", ConnectionFdescWentAway) == lost[:3]
    assert "File descriptor lost" in lost[3]
    assert [] == reactor.getReaders() == reactor.getWriters()


@pytest.mark.parametrize("name", ["doRead", "doWrite", "fileno"])
@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt("^C"), ConnectionDone("early")])
def test_an_exception_is_logged_and_ends_the_connection(
    reactor: Any, name: str, error: BaseException
) -> None:
    numbers = [7, 7]  # for addReader and addWriter

    def fileno(selectable: Selectable) -> int:
        if numbers:
            return numbers.pop()
        if name == "fileno" and not selectable.record:
            raise error
        return 7

    acts: dict[str, Act] = {"fileno": fileno}
    if name != "fileno":
        acts[name] = raising(error)
    mask = EPOLLOUT if name == "doWrite" else EPOLLIN
    seen = [each for each in outcome(reactor, [HalfCloseable([], 7, **acts)], (7, mask)) if each[1] != name]
    shown = (type(error), str(error))
    assert ("logged", "selectable 7", shown) == seen[0]
    assert (7, "lost", type(error)) == seen[1][:3]
    assert [] == reactor.getReaders() == reactor.getWriters()


@pytest.mark.parametrize(
    ("kind", "why", "end"),
    [
        (Selectable, ConnectionDone(), (7, "lost", ConnectionDone)),
        (HalfCloseable, ConnectionDone(), (7, "input ended", ConnectionDone)),
        (HalfCloseable, ConnectionLost(), (7, "lost", ConnectionLost)),
    ],
)
def test_the_end_of_the_input_is_told(
    reactor: Any, kind: type[Selectable], why: BaseException, end: tuple[Any, ...]
) -> None:
    seen = outcome(reactor, [kind([], 7, doRead=lambda _: why)], (7, EPOLLIN))
    assert [(7, "doRead"), end] == [seen[0], seen[1][:3]]
    assert [] == reactor.getReaders()
    assert (end[1] == "lost") == (reactor.getWriters() == [])


def test_the_end_of_a_write_is_no_half_close(reactor: Any) -> None:
    why = ConnectionDone()
    seen = outcome(reactor, [HalfCloseable([], 7, doWrite=lambda _: why)], (7, EPOLLOUT))
    assert (7, "lost", ConnectionDone) == seen[1][:3]


def test_a_failing_connectionLost_is_logged_and_the_others_are_served(reactor: Any) -> None:
    record: list[Any] = []
    acts: dict[str, Act] = {
        "doRead": lambda _: ConnectionLost(),
        "connectionLost": raising(ValueError("worse")),
    }
    seen = outcome(
        reactor, [Selectable(record, 7, **acts), Selectable(record, 8)], (7, EPOLLIN), (8, EPOLLIN)
    )
    assert ("logged", "selectable 7", (ValueError, "worse")) == seen[-2]
    assert (8, "doRead") == seen[-1]


def test_a_keyboard_interrupt_at_the_end_of_a_connection_ends_the_loop(reactor: Any) -> None:
    acts: dict[str, Act] = {
        "doRead": lambda _: ConnectionLost(),
        "connectionLost": raising(KeyboardInterrupt()),
    }
    with pytest.raises(KeyboardInterrupt):
        outcome(reactor, [Selectable([], 7, **acts)], (7, EPOLLIN))


def test_an_interrupted_poll_does_nothing(reactor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(timeout: float, most: int) -> None:
        raise InterruptedError(4, "interrupted")

    monkeypatch.setattr(reactor._poller, "poll", interrupted)
    assert reactor.doIteration(None) is None


@pytest.mark.parametrize(("kind", "system"), [("twisted", "selectable 7"), ("lean", "-")])
def test_lines_of_the_old_log_name_no_protocol(kind: str, system: str) -> None:
    made = KINDS[kind]()
    close_internal_readers(made)
    poller, made._poller = made._poller, Poller()
    selectable = Selectable([], 7, doRead=lambda _: log.msg("a line"))
    assert ("logged", system, None) == outcome(made, [selectable], (7, EPOLLIN))[1]
    poller.close()


def test_connections_on_it_can_send_at_once() -> None:
    made: Any = epoll_reactor.new_reactor()
    view = at_once(made)
    assert isinstance(view, AtOnce)
    factory = Factory.forProtocol(Protocol)
    port: Any = view.listenTCP(0, factory, interface="127.0.0.1")
    assert [AtOnce.port_kind] == [type(port)]
    port.stopListening()
    made.runUntilCurrent()
    close_internal_readers(made)


def test_a_system_without_epoll_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "twisted.internet.epollreactor", None)
    with pytest.raises(ConfigurationError) as refused:
        epoll_reactor.install()
    expected = f"tcpcomm-epoll needs Linux, because {sys.platform} has no epoll: leave out --reactor"
    assert expected == str(refused.value)
