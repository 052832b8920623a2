"""The outages of a link, as a program hears of them: gone, and why; and back."""

from __future__ import annotations

from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tests.link.wired import Bench


def heard_of(link: Link) -> list[str]:
    """Return the list that gets a text for each begin and end of an outage."""
    heard: list[str] = []
    link.observe_outages(gone=heard.append, back=lambda: heard.append("back"))
    return heard


def test_an_outage_of_many_attempts_is_told_once() -> None:
    bench = Bench()
    bench.serve()
    link = bench.link()
    heard = heard_of(link)
    bench.ready(link)
    assert [] == heard
    bench.camera.pull()
    bench.network.advance(5.0)
    assert ["no heartbeat for 0.30 s"] == heard
    assert 5 < sum(state is LinkState.CONNECTING for state, _ in bench.told)
    bench.camera.plug()
    bench.ready(link)
    assert ["no heartbeat for 0.30 s", "back"] == heard
    bench.camera.reset()
    bench.until(lambda: len(heard) == 4)
    assert "back" == heard[-1]


def test_a_peer_that_is_not_there_at_first_is_gone_once() -> None:
    bench = Bench()
    link = bench.link()
    heard = heard_of(link)
    bench.network.advance(2.0)
    assert 1 == len(heard)
    bench.serve()
    bench.ready(link)
    assert "back" == heard[-1]
    assert 2 == len(heard)


def test_a_link_that_waits_has_no_outage_before_its_peer_was_there() -> None:
    bench = Bench()
    link = bench.link(dials=False)
    heard = heard_of(link)
    bench.network.advance(1.0)
    bench.dial()
    bench.ready(link)
    assert [] == heard
    bench.camera.pull()
    bench.network.advance(1.0)
    assert ["no heartbeat for 0.30 s"] == heard


def test_the_end_of_a_link_that_is_stopped_is_no_outage() -> None:
    for is_served in (True, False):
        bench = Bench()
        if is_served:
            bench.serve()
        link = bench.link()
        heard = heard_of(link)
        if is_served:
            bench.ready(link)
        assert link.state in (LinkState.READY, LinkState.CONNECTING)
        bench.result(link.stopService())
        assert [] == heard


def test_a_link_that_is_started_again_begins_without_an_outage() -> None:
    bench = Bench()
    bench.serve()
    link = bench.link()
    heard = heard_of(link)
    bench.ready(link)
    bench.camera.pull()
    bench.network.advance(1.0)
    bench.result(link.stopService())
    bench.camera.plug()
    link.startService()
    bench.ready(link)
    assert ["no heartbeat for 0.30 s"] == heard


def test_observing_outages_can_be_ended() -> None:
    bench = Bench()
    bench.serve()
    link = bench.link()
    heard: list[str] = []
    end = link.observe_outages(gone=heard.append, back=lambda: heard.append("back"))
    bench.ready(link)
    end()
    bench.camera.pull()
    bench.network.advance(1.0)
    assert [] == heard
