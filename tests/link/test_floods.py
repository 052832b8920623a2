"""A peer of a link that sends more than one turn can handle."""

from __future__ import annotations

from twisted.internet.defer import Deferred

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
