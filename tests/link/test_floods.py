"""A peer of a link that sends more than one turn can handle."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import Limits
from tcpcomm.link.states import LinkState
from tests.link.wired import QUIET, Bench


def test_a_flood_that_is_still_worked_at_is_not_silence() -> None:
    bench = Bench()
    bench.serve()
    seen: list[bytes] = []

    def work(frame: bytes) -> None:
        seen.append(frame)
        bench.network.clock.now += 0.0005

    link = bench.link(received=work)
    bench.ready(link)
    lines = [b"event %d" % number for number in range(4000)]
    bench.peers.last.say(*lines)
    bench.until(lambda: len(seen) == len(lines), within=20.0)
    assert (lines, LinkState.READY, 1) == (seen, link.state, len(bench.peers.peers))


def test_no_frame_that_waits_answers_a_request_that_was_asked_after_it_came() -> None:
    bench = Bench()
    bench.serve()
    bench.peers.answer = lambda line: b"answer"
    asked: list[Deferred[bytes]] = []

    def work(frame: bytes) -> None:
        bench.network.clock.now += 0.0005
        if not asked:
            asked.append(link.request(b"question", timeout=5.0))

    link = bench.link(received=work, policy=QUIET)
    bench.ready(link)
    bench.until(lambda: bool(bench.peers.peers))
    bench.peers.last.say(*[b"event %d" % number for number in range(300)])
    bench.until(lambda: bool(asked))
    assert b"answer" == bench.result(asked[0])


def test_a_link_reads_no_more_while_too_many_handlers_are_unfinished() -> None:
    bench = Bench()
    bench.serve()
    begun: list[Deferred[None]] = []

    def work(_: bytes) -> Deferred[None]:
        begun.append(Deferred())
        return begun[-1]

    link = bench.link(received=work, policy=QUIET, limits=Limits(awaited=3, idle=None))
    bench.ready(link)
    bench.until(lambda: bool(bench.peers.peers))
    bench.peers.last.say(*[b"event %d" % number for number in range(10)])
    bench.network.advance(1.0)
    assert 3 == len(begun)
    for number in range(10):
        begun[number].callback(None)
        bench.network.advance(0.1)
        assert min(10, number + 4) == len(begun)


def test_a_link_does_not_wait_for_handlers_when_its_peer_closes() -> None:
    bench = Bench()
    bench.serve()
    begun: list[Deferred[None]] = []

    def work(_: bytes) -> Deferred[None]:
        begun.append(Deferred())
        return begun[-1]

    link = bench.link(received=work, policy=QUIET)
    bench.ready(link)
    bench.until(lambda: bool(bench.peers.peers))
    bench.peers.last.say(b"event")
    bench.until(lambda: bool(begun))
    transport: Any = bench.peers.last.transport
    transport.loseConnection()
    bench.until(lambda: len(bench.peers.peers) == 2)
    bench.ready(link)
    assert begun[0].called


@pytest.mark.parametrize("paused_by", ["handlers", "the user"])
def test_a_peer_from_which_the_link_reads_nothing_is_not_silent(paused_by: str) -> None:
    bench = Bench()
    bench.serve()
    begun: list[Deferred[None]] = []

    def work(_: bytes) -> Deferred[None]:
        begun.append(Deferred())
        return begun[-1]

    link = bench.link(received=work, limits=Limits(awaited=1, idle=None))
    bench.ready(link)
    session = link.ready_requester().session
    bench.told.clear()
    if paused_by == "handlers":
        bench.peers.last.say(b"event")
    else:
        session.pauseProducing()
    bench.network.advance(5.0)
    assert ([], LinkState.READY) == (bench.told, link.state)
    assert bench.peers.last.received.count(b"PING") > 40
    if paused_by == "handlers":
        begun[0].callback(None)
    else:
        session.resumeProducing()
    bench.network.advance(1.0)
    assert ([], LinkState.READY) == (bench.told, link.state)
    bench.camera.pull()
    bench.until(lambda: link.state is LinkState.DOWN, within=0.5)


def test_a_peer_that_takes_nothing_is_silent_though_the_link_reads_nothing() -> None:
    bench = Bench()
    bench.serve()
    link = bench.link()
    bench.ready(link)
    bench.camera.pull()
    for _ in range(40):
        link.send(b"x" * 10_000)
    session = link.ready_requester().session
    assert session.is_held
    bench.until(lambda: link.state is LinkState.DOWN, within=0.5)
