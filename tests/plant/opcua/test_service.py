"""The service on the reactor's side, by virtual clock, with a thread that only listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.testing import MemoryReactorClock

from tcpcomm import ConfigurationError, Fault, NotReady
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.plant import CommandRefused, OpcUaServer, Report
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.opcua.pending import PendingUpdates
from tcpcomm.plant.sink import BrokerCommand, LinkDescription
from tcpcomm.plant.values import values_of
from tests.conftest import needs_module
from tests.equipment.declared import VisionCamera

needs_module("asyncua", "pip install tcpcomm[opcua]")

CAMERA = declaration_of(VisionCamera)
WAITING, NO_COMMUNICATION, DEVICE_FAILURE, NO_DATA = 0x80320000, 0x80310000, 0x808B0000, 0x80B10000


class Reactor(MemoryReactorClock):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def callFromThread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)


class Thread:
    """Stands in for the thread of the server."""

    made: Thread

    def __init__(
        self, options: OpcUaOptions, plant: str, links: Any, pending: PendingUpdates, watcher: Any
    ) -> None:
        self.plant, self.links, self.pending, self.watcher = plant, list(links), pending, watcher
        self.woken = 0
        self.stopped = False
        Thread.made = self

    def start(self) -> None: ...

    def wake(self) -> None:
        self.woken += 1

    def stop(self) -> None:
        self.stopped = True

    def shown(self) -> dict[str, Any]:
        """Return what the variables would show: the values, or the status codes that are not good."""
        updates, _, _ = self.pending.take()
        return {each.node.removeprefix("cam/"): each.status or each.value for each in updates}

    def call(self, command: str, **arguments: Any) -> list[Any]:
        """Return what a method call would give."""
        settled: list[Any] = []
        self.watcher.call(BrokerCommand(link="cam", command=command, arguments=arguments), settled.append)
        return [(each.status.name, each.result) for each in settled]


@pytest.fixture
def reactor() -> Reactor:
    return Reactor()


@pytest.fixture
def opcua(monkeypatch: pytest.MonkeyPatch, reactor: Reactor) -> OpcUaServer:
    monkeypatch.setattr("tcpcomm.plant.opcua.server_thread.ServerThread", Thread)
    opcua = OpcUaServer(options=OpcUaOptions(commands=True), reactor=reactor)
    values = tuple(each for name in ("locate", "alarm") for each in values_of(CAMERA, name))
    link = LinkDescription(name="cam", declaration=CAMERA, values=values, commands=("locate",))
    opcua.describe([link], "hall-1")
    return opcua


def poll(**more: Any) -> Report:
    return Report(link="cam", kind="poll", name="locate", at=5.0, **more)


def test_a_link_begins_without_values(opcua: OpcUaServer) -> None:
    opcua.startService()

    assert "hall-1" == Thread.made.plant
    shown = Thread.made.shown()
    assert (False, "not ready", "") == (shown["Ready"], shown["State"], shown["LastCallProblem"])
    assert NO_COMMUNICATION == shown["Values/locate/x"]


def test_values_are_shown_while_the_link_is_ready(opcua: OpcUaServer) -> None:
    opcua.startService()
    opcua.link_changed("cam", True, "the peer is proven")
    shown = Thread.made.shown()
    assert (True, "the peer is proven", WAITING) == (
        shown["Ready"],
        shown["Reason"],
        shown["Values/locate/x"],
    )

    opcua.report(poll(values={"result": {"x": 1.5, "y": 2.0, "angle": None}}))
    assert {"Values/locate/x": 1.5, "Values/locate/y": 2.0, "Values/locate/angle": NO_DATA} == (
        Thread.made.shown()
    )

    opcua.report(poll(problem="no part"))
    shown = Thread.made.shown()
    assert ("locate: no part", DEVICE_FAILURE) == (shown["LastPollProblem"], shown["Values/locate/x"])

    opcua.link_changed("cam", False, "the cable is pulled")
    opcua.report(poll(values={"result": {"x": 7.5}}))  # it was under way
    assert NO_COMMUNICATION == Thread.made.shown()["Values/locate/x"]


def test_a_state_that_is_reported_stands_above_ready(opcua: OpcUaServer) -> None:
    opcua.startService()
    opcua.report(Report(link="cam", kind="state", name="suspect", at=5.0))
    opcua.link_changed("cam", False, "silent")

    assert "suspect" == Thread.made.shown()["State"]


def test_the_thread_is_woken_once_for_all_that_waits(opcua: OpcUaServer) -> None:
    opcua.startService()
    Thread.made.shown()
    opcua.link_changed("cam", True, "")
    opcua.link_changed("cam", False, "")
    assert Thread.made.woken == 1


def test_an_event_has_the_values_of_the_report(opcua: OpcUaServer) -> None:
    opcua.startService()
    opcua.report(Report(link="cam", kind="event", name="alarm", at=5.0, values={"code": 3}))

    _, (event,), _ = Thread.made.pending.take()
    assert ("cam", "alarm", {"alarm/code": 3}, 5.0) == (event.link, event.name, event.values, event.at)


def test_reports_of_unknown_links_are_logged(opcua: OpcUaServer) -> None:
    opcua.startService()
    Thread.made.shown()
    opcua.report(Report(link="other", kind="poll", name="locate", at=5.0))
    opcua.link_changed("other", True, "")

    assert {} == Thread.made.shown()


def test_a_call_is_carried_out_and_its_failure_shown(opcua: OpcUaServer) -> None:
    answers: list[Deferred[Any]] = [succeed({"x": 1.5}), fail(Fault(17, "no part"))]
    opcua.take_commands(lambda command: answers.pop(0))
    opcua.startService()
    (link,) = Thread.made.links
    assert ("locate",) == link.commands
    Thread.made.shown()

    assert [("Good", {"x": 1.5})] == Thread.made.call("locate", job=3)
    assert {} == Thread.made.shown()
    ((status, _),) = Thread.made.call("locate", job=4)
    assert "BadInvalidState" == status
    assert {
        "LastCallProblem": "locate: 17: no part",
        "LastCallProblem/Command": "locate",
        "LastCallProblem/Code": "17",
    } == Thread.made.shown()


def test_a_refused_command_has_no_code(opcua: OpcUaServer) -> None:
    opcua.take_commands(lambda command: fail(CommandRefused("job: must be a whole number")))
    opcua.startService()

    ((status, _),) = Thread.made.call("locate", job="x")

    assert "BadInvalidArgument" == status
    assert "" == Thread.made.shown()["LastCallProblem/Code"]


def test_without_permission_no_link_has_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.plant.opcua.server_thread.ServerThread", Thread)
    opcua = OpcUaServer(reactor=Reactor())
    link = LinkDescription(name="cam", declaration=CAMERA, values=(), commands=("locate",))
    opcua.describe([link], "hall-1")
    opcua.take_commands(lambda command: succeed(None))
    opcua.startService()

    assert [()] == [each.commands for each in Thread.made.links]


def test_listening_and_problems_are_told(opcua: OpcUaServer) -> None:
    waiting = opcua.whenListening()
    opcua.startService()
    Thread.made.watcher.failed("cannot listen: in use")
    assert "cannot listen: in use" == opcua.problem()
    Thread.made.watcher.listening(4840)

    ports: list[int] = []
    waiting.addCallback(ports.append)
    opcua.whenListening().addCallback(ports.append)
    assert ([4840, 4840], "") == (ports, opcua.problem())


def test_it_stops_when_the_thread_has_ended_or_in_finite_time(opcua: OpcUaServer, reactor: Reactor) -> None:
    opcua.startService()
    waiting = opcua.whenListening()
    waiting.addErrback(lambda failure: failure.trap(NotReady))
    stopped: list[Any] = []
    opcua.stopService().addCallback(stopped.append)
    assert ([], True) == (stopped, Thread.made.stopped)
    Thread.made.watcher.ended()
    assert [None] == stopped

    opcua.startService()
    opcua.stopService().addCallback(stopped.append)
    reactor.advance(16)
    assert [None, None] == stopped
    assert [] == reactor.getDelayedCalls()


def test_a_call_after_the_stop_is_not_sent(opcua: OpcUaServer) -> None:
    opcua.take_commands(lambda command: succeed(None))
    opcua.startService()
    opcua.stopService()

    ((status, _),) = Thread.made.call("locate", job=3)
    assert "BadNoCommunication" == status
    Thread.made.watcher.ended()


def test_names_are_checked(opcua: OpcUaServer) -> None:
    def described(name: str) -> LinkDescription:
        return LinkDescription(name=name, declaration=CAMERA, values=())

    for name in ("cam", "plant", "types"):
        with pytest.raises(ConfigurationError, match="this name is in use"):
            opcua.describe([described(name)], "hall-1")
    opcua.startService()
    with pytest.raises(ConfigurationError, match="add links before it starts"):
        opcua.describe([described("other")], "hall-1")


def test_options_are_given_once() -> None:
    with pytest.raises(ConfigurationError, match="as one object or as keywords, not both"):
        OpcUaServer("opc.tcp://127.0.0.1:1/", options=OpcUaOptions(), reactor=Reactor())
    with pytest.raises(ConfigurationError, match="unexpected keyword argument 'nmae'"):
        OpcUaServer(nmae="hall-1", reactor=Reactor())
