"""A gateway polls its links, forwards events, and reports states, on a simulated network."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm import simulated
from tcpcomm.devices.modbus import Memory
from tcpcomm.plant import NotTheOwner
from tcpcomm.plant.gateway.configuration.settings import LinkSettings, PlantSettings
from tcpcomm.plant.gateway.gateway import Gateway
from tcpcomm.plant.sink import BrokerCommand
from tests.equipment.declared import NO_PART, MyCamera, Position, VisionCamera
from tests.plant.gateway.stage import MemoryOutbox, NoteSink, Stage, polled


def camera(stage: Stage, name: str = "camera-1") -> tuple[MyCamera, Any]:
    served = MyCamera()
    return served, stage.serve(name, served)


def one_poll(at: Any, **keys: Any) -> dict[str, LinkSettings]:
    link = {key: keys.pop(key) for key in [*keys] if key in ("states", "events", "commands", "expires_in")}
    poll = polled("locate", arguments={"job": 3}, **keys)
    return {"camera-1": LinkSettings(device=VisionCamera, at=at, poll=(poll,), **link)}


def test_each_poll_becomes_a_report_with_its_values_and_time(stage: Stage) -> None:
    _, at = camera(stage)
    stage.run(one_poll(at))
    stage.advance(10.0)
    reports = stage.outbox.posts
    assert len(reports) in (9, 10), "one in each second, after a start at random"
    first = reports[0]
    assert first["content"]["values"] == {"result": {"x": 1.0, "y": 2.0, "angle": 3.0}}
    told = tuple(first["content"][key] for key in ("link", "kind", "name"))
    assert ("camera-1", "poll", "locate") == told
    assert (("mes",), "camera-1/locate", "camera-1", None) == tuple(
        first[key] for key in ("to", "topic", "source", "expires_in")
    )
    assert first["content"]["at"].startswith("2023-11-14T22:13:2")
    assert 0 < first["content"]["seconds"] < 0.1


def test_a_fault_becomes_a_report_with_its_problem(stage: Stage) -> None:
    served, at = camera(stage)
    served.jobs[3] = NO_PART
    stage.run(one_poll(at))
    stage.until(lambda: bool(stage.outbox.posts))
    content = stage.outbox.contents()[0]
    assert "the equipment says no: 3: no part" == content["problem"]
    assert "values" not in content


# -- polls ----------------------------------------------------------------------------------------------


def test_polls_of_many_links_do_not_come_at_once(stage: Stage) -> None:
    links = {}
    for number in range(20):
        _, at = camera(stage, f"camera-{number}")
        links[f"camera-{number}"] = LinkSettings(
            device=VisionCamera, at=at, poll=(polled("locate", arguments={"job": number}),)
        )
    stage.run(links)
    stage.until(lambda: len({each["source"] for each in stage.outbox.posts}) == 20)
    moments = sorted(each["content"]["at"][-10:] for each in stage.outbox.posts[:20])
    assert len({each[:5] for each in moments}) > 5, moments


def test_a_slow_device_is_not_asked_twice_at_once(stage: Stage) -> None:
    served, at = camera(stage)
    waiting: list[Deferred[Any]] = []

    def wait() -> Deferred[Any]:
        waiting.append(Deferred())
        return waiting[-1]

    served.jobs[3] = wait
    gateway = stage.run(one_poll(at, every=0.2, deadline=5.0))
    stage.until(lambda: bool(waiting))
    stage.advance(3.0)
    assert 1 == len(waiting), "one is under way, and the others are left out"
    schedule = gateway.links["camera-1"].pollers[0].schedule
    assert schedule.late >= 10
    waiting[0].callback(Position(1.0, 2.0, 3.0))
    stage.until(lambda: len(waiting) == 2)
    assert 3 < stage.outbox.contents()[0]["seconds"] < 3.5


def test_a_deadline_ends_a_poll_with_a_problem(stage: Stage) -> None:
    served, at = camera(stage)
    served.jobs[3] = Deferred
    stage.run(one_poll(at, every=1.0, deadline=0.5))
    stage.until(lambda: bool(stage.outbox.contents()))
    problem = stage.outbox.contents()[0]["problem"]
    assert problem.startswith("sent, but the outcome is not known: ")
    assert "0.5 s" in problem


def test_a_link_that_is_down_is_not_polled_and_reported_once(stage: Stage) -> None:
    _, at = camera(stage)
    gateway = stage.run(one_poll(at, every=0.5, states=("mes",)))
    stage.until(lambda: len(stage.outbox.contents()) > 3)
    stage.network.machine("camera-1").crash()
    stage.until(lambda: not gateway.links["camera-1"].is_ready)
    stage.advance(1.0)
    before = len(stage.outbox.posts)
    stage.advance(600.0)
    assert before == len(stage.outbox.posts), "ten minutes without the device bring no report"
    states = [each for each in stage.outbox.contents() if each["kind"] == "state"]
    assert ["ready", "down"] == [each["name"] for each in states]
    assert states[1]["problem"]
    poller = gateway.links["camera-1"].pollers[0]
    assert poller.schedule.not_ready >= 1100
    stage.network.machine("camera-1").start()
    stage.serve("camera-1", MyCamera())
    changes = stage.outbox.connections["mes"].changes
    stage.until(lambda: len(changes) == 3, 120.0)
    assert [("camera-1", True), ("camera-1", False), ("camera-1", True)] == changes
    assert "ready" == [each for each in stage.outbox.contents() if each["kind"] == "state"][-1]["name"]


def test_a_link_that_never_was_ready_is_reported_down(stage: Stage) -> None:
    stage.network.machine("camera-1")
    at = stage.machine.connecting(stage.network.machine("camera-1"), 9999)
    stage.run(one_poll(at, states=("mes",)))
    stage.advance(60.0)
    (state,) = stage.outbox.contents()
    assert ("state", "down") == (state["kind"], state["name"])


def test_a_poll_that_an_outage_left_out_is_made_up_for_at_once(stage: Stage) -> None:
    served, at = camera(stage)
    stage.network.machine("camera-1").pull()
    gateway = stage.run(one_poll(at, every=3600.0))
    stage.until(lambda: gateway.links["camera-1"].pollers[0].schedule.not_ready == 1)
    stage.network.machine("camera-1").plug()
    stage.until(lambda: len(stage.outbox.contents()) == 1, 60.0)
    assert [3] == served.done


def test_only_changes_are_reported_and_now_and_then_the_same_again(stage: Stage) -> None:
    served, at = camera(stage)
    served.jobs[3] = lambda: Position(1.0, 2.0, 3.0)
    gateway = stage.run(one_poll(at, every=1.0, only_changes=True, at_least_every=30.0))
    stage.advance(65.0)
    assert 3 == len(stage.outbox.contents())
    served.jobs[3] = lambda: Position(1.0, 2.0, 4.0)
    stage.until(lambda: len(stage.outbox.contents()) == 4, 5.0)
    assert gateway.links["camera-1"].pollers[0].unchanged > 55


def test_a_change_that_the_outbox_refused_is_reported_again(stage: Stage) -> None:
    _, at = camera(stage)
    stage.run(one_poll(at, every=1.0, only_changes=True))
    stage.outbox.is_full = True
    stage.advance(5.0)
    stage.outbox.is_full = False
    stage.advance(5.0)
    assert 1 == len(stage.outbox.contents())


def test_methods_of_a_device_are_polled_as_tcpcomm_call_calls_them(stage: Stage) -> None:
    at = stage.serve("plc", simulated(Memory, behaves=True))
    polls = (
        polled("holding.write", name="write", every=3600.0, arguments={"start": 2, "values": [7, 8]}),
        polled("holding", arguments={"start": 1, "count": 3}),
        polled("read", name="level", arguments={"kind": "u32", "address": 2}, topic="tank/{link}"),
    )
    stage.run({"plc": LinkSettings(device="modbus", at=at, header={"unit": 1}, poll=polls)})
    stage.advance(15.0)
    last = {each["topic"]: each["content"] for each in stage.outbox.posts}
    assert {"result": [0, 7, 8]} == last["plc/holding"]["values"]
    assert {"result": 7 * 65536 + 8} == last["tank/plc"]["values"]
    assert "values" not in last["plc/write"]
    assert "problem" not in last["plc/write"]


# -- events ---------------------------------------------------------------------------------------------


def test_events_are_forwarded_with_their_values(stage: Stage) -> None:
    served, at = camera(stage)
    gateway = stage.run(one_poll(at, every=3600.0, events={"*": ("mes",)}))
    stage.advance(20.0)
    served.alarm(code=3)
    stage.until(lambda: gateway.links["camera-1"].events == 1)
    post = next(each for each in stage.outbox.posts if each["content"]["kind"] == "event")
    assert ("alarm", {"code": 3}) == (post["content"]["name"], post["content"]["values"])
    assert ("camera-1/alarm", "camera-1") == (post["topic"], post["source"])


def test_events_beyond_what_may_wait_are_counted_and_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcpcomm.plant.gateway.posting.MAX_PENDING", 3)
    served, at = camera(stage)
    gateway = stage.run(one_poll(at, every=3600.0, events={"alarm": ("mes",)}))
    stage.advance(20.0)
    stage.outbox.posts.clear()
    stage.outbox.is_slow = True
    for code in range(5):
        served.alarm(code=code)
    stage.until(lambda: gateway.poster.lost_events == 2)
    stage.outbox.store_all()
    assert [0, 1, 2, None] == [each.get("values", {}).get("code") for each in stage.outbox.contents()]
    assert stage.outbox.contents()[-1]["problem"].startswith("2 events of alarm are lost")


def test_a_full_outbox_is_counted_told_and_outlived(stage: Stage, logged: list[str]) -> None:
    _, at = camera(stage)
    gateway = stage.run(one_poll(at, every=0.1))
    stage.outbox.is_full = True
    stage.advance(30.0)
    assert gateway.poster.refused > 150
    assert "it is full" == gateway.problem()
    stage.outbox.is_full = False
    stage.advance(1.0)
    assert "" == gateway.problem()
    assert stage.outbox.contents()
    assert 3 == len(logged), "one line in 10 s"
    logged.clear()


# -- start and stop -------------------------------------------------------------------------------------


def test_a_gateway_stops_in_order_and_leaves_nothing(stage: Stage) -> None:
    _, at = camera(stage)
    gateway = stage.run(one_poll(at, every=0.1, states=("mes",)))
    stage.until(lambda: len(stage.outbox.contents()) > 3)
    stage.outbox.is_slow = True
    stage.until(lambda: bool(stage.outbox.waiting))
    stopped: list[Any] = []
    gateway.stopService().addCallback(stopped.append)
    stage.advance(5.0)
    assert stage.outbox.running, "a report waits for the disk"
    stage.outbox.store_all()
    stage.until(lambda: bool(stopped))
    assert not stage.outbox.running
    assert [] == stage.machine.timers
    posts = len(stage.outbox.posts)
    stage.advance(60.0)
    assert posts == len(stage.outbox.posts)


def test_a_disk_that_hangs_does_not_keep_a_gateway_from_its_end(stage: Stage, logged: list[str]) -> None:
    _, at = camera(stage)
    gateway = stage.run(one_poll(at, every=0.1))
    stage.outbox.is_slow = True
    stage.until(lambda: bool(stage.outbox.waiting))
    stopped: list[Any] = []
    gateway.stopService().addCallback(stopped.append)
    stage.advance(16.0)
    assert [None] == stopped
    assert not stage.outbox.running
    assert ["reports wait for the disk after {seconds:g} s: they are lost"] == logged
    logged.clear()


def test_a_gateway_that_never_started_closes_its_outbox(stage: Stage) -> None:
    _, at = camera(stage)
    settings = PlantSettings(links=one_poll(at), sinks={"mes": NoteSink()})
    outbox = MemoryOutbox(settings.sinks)
    outbox.running = True
    Gateway(settings, reactor=stage.machine.clock, outbox=outbox).stopService()
    assert not outbox.running


class Owner:
    """An ownership that a test moves by hand."""

    def __init__(self) -> None:
        self.claims: dict[str, tuple[Any, Any]] = {}
        self.owned: set[str] = set()
        self.events: list[str] = []

    def claim(self, link: str, gained: Any, lost: Any) -> None:
        self.claims[link] = gained, lost

    def owns(self, link: str) -> bool:
        return link in self.owned

    def give(self, link: str) -> None:
        self.owned.add(link)
        self.claims[link][0]()

    def take(self, link: str) -> None:
        self.owned.discard(link)
        self.claims[link][1]("the test took it")

    def start(self) -> None:
        self.events.append("start")

    async def stop(self) -> None:
        self.events.append("stop")

    def problem(self) -> str:
        return ""


def test_links_run_only_while_this_gateway_owns_them(stage: Stage) -> None:
    owner = Owner()
    stage.ownership = owner
    _, first = camera(stage, "camera-1")
    _, second = camera(stage, "camera-2")
    links = one_poll(first, every=0.5)
    links["camera-2"] = LinkSettings(like="camera-1", at=second)
    gateway = stage.run(links)
    stage.advance(5.0)
    assert [] == stage.outbox.posts
    owner.give("camera-1")
    stage.advance(5.0)
    assert {"camera-1"} == {each["source"] for each in stage.outbox.posts}
    owner.take("camera-1")
    owner.give("camera-1")
    owner.take("camera-1")
    owner.give("camera-2")
    stage.advance(5.0)
    stage.outbox.posts.clear()
    stage.advance(5.0)
    assert {"camera-2"} == {each["source"] for each in stage.outbox.posts}
    owner.give("camera-1")
    stage.until(lambda: "camera-1" in {each["source"] for each in stage.outbox.posts})
    gateway.stopService()
    stage.advance(5.0)
    assert ["start", "stop"] == owner.events


def test_a_link_that_comes_back_reports_its_values_again(stage: Stage) -> None:
    owner = Owner()
    stage.ownership = owner
    _, at = camera(stage)
    stage.run(one_poll(at, every=0.5, only_changes=True, states=()))
    for count in (1, 2):  # the other gateway may have reported other values meanwhile
        owner.give("camera-1")
        stage.advance(5.0)
        assert count == len(stage.outbox.contents())
        owner.take("camera-1")
        stage.advance(5.0)


def test_a_gateway_says_which_links_it_has_and_how_many_stand_by(stage: Stage) -> None:
    lines: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        lines.append(formatEvent(event))

    owner = Owner()
    stage.ownership = owner
    _, first = camera(stage, "camera-1")
    links = {**one_poll(first, every=0.5), "camera-2": LinkSettings(like="camera-1", at=first)}
    globalLogPublisher.addObserver(observe)
    try:
        gateway = stage.run(links)
        stage.advance(5.0)
        owner.give("camera-1")
        stage.advance(5.0)
        owner.take("camera-1")
        gateway.stopService()
        stage.advance(5.0)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert [
        "gateway gateway has 0 of 2 links (none), and stands by for 2",
        "gateway gateway has 1 of 2 links (camera-1), and stands by for 1",
    ] == [each for each in lines if " links (" in each]


def test_a_gateway_that_was_stopped_and_goes_on_does_not_act_for_a_link_it_lost(stage: Stage) -> None:
    owner = Owner()
    stage.ownership = owner
    served, at = camera(stage)
    gateway = stage.run(one_poll(at, every=0.5, commands=("locate",)))
    owner.give("camera-1")
    stage.until(lambda: bool(served.done))
    owner.owned.clear()  # it did not hear of it yet
    stage.advance(1.0)
    asked = len(served.done)
    stage.advance(5.0)
    assert asked == len(served.done)
    command = BrokerCommand(link="camera-1", command="locate", arguments={"job": 3})
    refused = stage.result(gateway.commands.for_sink("mes")(command))
    assert isinstance(refused, NotTheOwner)
