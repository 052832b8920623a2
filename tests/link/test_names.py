"""Links to machines that are known by name, while the name server is slow or dead, or changes its mind."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import succeed

from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tcpcomm.link.supervisor import no_answer_text
from tcpcomm.net.named_endpoint import NamedEndpoint
from tcpcomm.net.names import MAX_LOOKUPS, REFRESH_AFTER, Names
from tcpcomm.testing.network.endpoints import ClientEndpoint
from tests.link.supervisors import POLICY, brought_to
from tests.link.wired import PORT, Bench


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.serve()
    return bench


def linked(bench: Bench, name: str = "camera", **options: Any) -> Link:
    """Return a link of the robot to a machine that it knows by name; it is started."""
    return bench.link(connect=bench.robot.connecting_by_name(name, PORT), **options)


def reasons(bench: Bench) -> set[str]:
    return {reason for state, reason in bench.told if state is LinkState.DOWN}


# -- the rules


def test_the_time_to_connect_begins_when_the_address_is_known() -> None:
    link = brought_to(LinkState.CONNECTING, evolve(POLICY, resolve_timeout=3.0))
    link.looking_up(0.0, "camera-1")
    assert (3.0, "connecting: looking up the name camera-1") == (link.deadline, link.status_text)
    assert [] == link.tick(2.9)
    link.resolved(2.95)
    assert (3.05, "connecting: dialling") == (round(link.deadline, 9), link.status_text)
    link.tick(3.06)
    assert (LinkState.DOWN, no_answer_text(0.1)) == (link.state, link.reason)


@pytest.mark.parametrize(("others", "text"), [(0, ""), (16, ": it waited for 16 other lookups")])
def test_a_lookup_that_takes_too_long_ends_the_attempt(others: int, text: str) -> None:
    link = brought_to(LinkState.CONNECTING, evolve(POLICY, resolve_timeout=3.0))
    link.looking_up(0.0, "camera-1", others)
    link.tick(3.0)
    late = f"the name camera-1 did not resolve within 3 s{text}"
    assert (LinkState.DOWN, late) == (link.state, link.reason)


def test_an_attempt_that_needs_no_lookup_is_not_reminded_of_the_one_before() -> None:
    link = brought_to(LinkState.CONNECTING)
    link.looking_up(0.0, "camera-1")
    link.failed(1.0, "the name camera-1 did not resolve: there is no such name")
    link.kick(1.0)
    link.tick(1.1)
    assert no_answer_text(0.1) == link.reason


# -- on a network


@pytest.mark.parametrize("delay", [0.0, 0.1, 1.0, 4.9])
def test_a_slow_lookup_costs_nothing_of_the_time_to_connect(bench: Bench, delay: float) -> None:
    bench.network.name_server.delay = delay
    link = linked(bench)
    bench.ready(link)
    assert set() == reasons(bench)
    assert delay <= bench.now < delay + 0.05


def test_a_link_comes_back_at_once_while_the_name_server_is_dead(bench: Bench) -> None:
    link = linked(bench)
    bench.ready(link)
    bench.network.advance(3600.0)
    bench.network.name_server.is_dead = True
    for _ in range(3):
        bench.camera.pull()
        bench.network.advance(1.0)
        assert link.state in (LinkState.DOWN, LinkState.CONNECTING)
        bench.camera.plug()
        plugged = bench.now
        bench.ready(link)
        assert bench.now - plugged < 0.15
        bench.network.advance(600.0)
    assert 2 == bench.network.name_server.asked["camera"]


def test_a_link_comes_back_although_the_name_server_forgot_the_name(bench: Bench) -> None:
    link = linked(bench)
    bench.ready(link)
    bench.network.advance(3600.0)
    bench.network.name_server.refuses = True
    bench.camera.pull()
    bench.network.advance(60.0)
    bench.camera.plug()
    bench.ready(link)
    assert {"no heartbeat for 0.30 s", no_answer_text(0.08)} == reasons(bench)


def test_a_dead_name_server_is_the_reason_and_its_return_is_noticed(bench: Bench) -> None:
    bench.network.name_server.is_dead = True
    link = linked(bench)
    bench.network.advance(12.0)
    assert {"the name camera did not resolve within 5 s"} == reasons(bench)
    assert 1 == bench.network.name_server.asked["camera"]
    bench.network.name_server.revive()
    bench.ready(link)


def test_a_name_that_is_not_there_is_sought_about_once_a_second(bench: Bench) -> None:
    link = linked(bench, "nowhere")
    bench.network.advance(10.0)
    assert {"the name nowhere did not resolve: OSError: no machine is called nowhere"} == reasons(bench)
    assert 9 <= bench.network.name_server.asked["nowhere"] <= 10
    assert LinkState.DOWN is link.state or LinkState.CONNECTING is link.state


def test_a_machine_that_got_another_address_is_followed(bench: Bench) -> None:
    link = linked(bench)
    bench.ready(link)
    bench.network.advance(REFRESH_AFTER)
    bench.camera.boot = bench.serve
    bench.camera.crash()
    bench.camera.address = "10.0.0.99"
    bench.camera.start()
    bench.until(lambda: link.state is LinkState.DOWN)
    lost = bench.now
    bench.ready(link)
    assert bench.now - lost < 0.15


def test_an_address_that_does_not_answer_leaves_a_lan_link_time_for_the_next(bench: Bench) -> None:
    clock, network = bench.robot.clock, bench.network
    found: list[str] = ["10.0.0.77", bench.camera.address]
    names = Names(clock, lambda name: succeed(found))
    endpoint = NamedEndpoint(
        "camera",
        lambda address: ClientEndpoint(bench.robot, clock, network.at_address(address), PORT, 30.0),
        names=names,
        clock=clock,
    )
    link = bench.link(connect=endpoint)
    bench.ready(link)
    assert (set(), 1) == (reasons(bench), len(bench.robot.sockets))
    assert [] == [*bench.robot.attempts]


def test_many_links_with_dead_names_share_few_lookups_and_say_that_they_wait(bench: Bench) -> None:
    bench.network.name_server.is_dead = True
    links = [linked(bench, f"camera-{number}") for number in range(MAX_LOOKUPS + 4)]
    bench.network.advance(60.0)
    asked = bench.network.name_server.asked
    assert (MAX_LOOKUPS, {1}) == (len(asked), set(asked.values()))
    assert f"the name camera-{MAX_LOOKUPS} did not resolve within 5 s: it waited for 16 other lookups" in (
        reasons(bench)
    )
    bench.network.name_server.revive()
    bench.network.advance(0.1)
    assert MAX_LOOKUPS + 4 == len(asked)
    for link in links:
        bench.result(link.stopService())
    bench.network.advance(1.0)
    assert [] == bench.left()


@pytest.mark.parametrize("is_dead", [True, False])
def test_a_stop_ends_the_wait_for_a_lookup(bench: Bench, is_dead: bool) -> None:
    bench.network.name_server.is_dead, bench.network.name_server.delay = is_dead, 1.0
    link = linked(bench)
    bench.network.advance(0.5)
    stopped = link.stopService()
    assert stopped.called
    bench.network.advance(2.0)
    assert [] == bench.left()
    assert (LinkState.DOWN, "stopped here") == (link.state, link.reason)


def test_a_link_to_an_endpoint_without_a_name_looks_nothing_up(bench: Bench) -> None:
    link = bench.link()
    bench.ready(link)
    assert 0 == bench.network.name_server.asked.total()
