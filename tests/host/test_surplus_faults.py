"""
Random faults of the network and of equipment that says too much: only one kind of wrong answer is possible.

A wrong answer must have arrived after its command was written. The trace of the network shows when that
was, also while the host's program slept.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from tcpcomm import Equipment, NotSent, OutcomeUnknown, SessionObserver, command, link_of, remote, serve
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.link.policy import PROFILES
from tcpcomm.testing import FAULTS, SURPLUS_FAULTS, Faults, Network

PORT = 9999
SEEDS = 25
COMMANDS = 400


class Gauge(Equipment):
    """A gauge without ids. Each command has a number of its own, so that each reply shows its command."""

    framing = Delimited(b"\r\n")
    codec = Template(encoding="ascii", fault=None)

    @command("GET,{place}", reply="IS,{place}", timeout=0.3)
    async def get(self, place: int) -> int:
        """Measure at a place."""
        raise NotImplementedError


class QuietGauge(Gauge):
    quiet = 0.02


def served(kind: type[Gauge]) -> Gauge:
    class Mine(kind):  # type: ignore[misc, valid-type]
        async def get(self, place: int) -> int:
            return place

    return Mine()


@define
class Outcome:
    """The result of one run."""

    right: int = 0
    failed: int = 0
    wrong: list[tuple[int, int]] = field(factory=list)
    """The commands that were answered with another number, and that number."""
    before: list[tuple[int, int]] = field(factory=list)
    """Those of them whose answer had arrived before the command was written."""


class Written(SessionObserver):
    """Notes when each command was written."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.at: dict[int, float] = {}

    def frame_sent(self, session: Any, frame: bytes) -> None:
        if frame.startswith(b"GET,"):
            self.at[int(frame[4:])] = self._network.clock.now


def run(seed: int, kind: type[Gauge], kinds: Sequence[str], **faults: Any) -> Outcome:
    """Ask commands one after the other, most of them back to back, while faults happen."""
    random = Random(seed)
    network = Network(seed, cuts=0.0, traced=True)
    host, equipment = network.machine("host"), network.machine("equipment")
    serve(served(kind), at=equipment.listening(PORT), reactor=equipment.clock).startService()
    written = Written(network)
    proxy: Any = remote(
        kind,
        at=host.connecting(equipment, PORT),
        policy=evolve(PROFILES["lan"], heartbeats=None),
        reactor=host.clock,
        random=Random(seed),
        observers=[written],
    )
    surplus = Faults(network, [equipment], kinds=kinds, **faults)
    slept = Faults(network, [host], kinds=("hang", "blip"), longest=0.05)
    outcome = Outcome()

    def ask(number: int) -> None:
        def told(result: Any) -> None:
            if isinstance(result, Failure):
                assert result.check(NotSent, OutcomeUnknown, CancelledError), result
                outcome.failed += 1
                wait = 0.1
            elif result == number:
                outcome.right += 1
                wait = random.choice((0.0, 0.0, 0.0, 0.003, 0.05))
            else:
                outcome.wrong.append((number, result))
                if _arrived(network, result) <= written.at[number]:
                    outcome.before.append((number, result))
                wait = 0.0
            if number < COMMANDS:
                host.clock.callLater(wait, ask, number + 1) if wait else ask(number + 1)

        proxy.get(number).addBoth(told)

    host.clock.callLater(0.05, ask, 1)
    while outcome.right + outcome.failed + len(outcome.wrong) < COMMANDS:
        network.advance(random.expovariate(4.0))
        (surplus if random.random() < 0.7 else slept).inject()
    network.mend()
    link_of(proxy).stopService()
    return outcome


def _arrived(network: Network, number: int) -> float:
    """Return when the last reply with a number arrived at the host."""
    frame = b"IS,%d\r\n" % number
    assert network.trace is not None
    return next(
        time
        for time, what, where, data in reversed(network.trace)
        if what == "arrive" and where.endswith(">") and isinstance(data, bytes) and frame in data
    )


@pytest.mark.parametrize("kind", [Gauge, QuietGauge])
def test_a_wrong_answer_has_always_arrived_after_its_command_was_written(kind: type[Gauge]) -> None:
    kinds = (*SURPLUS_FAULTS, *SURPLUS_FAULTS, *FAULTS)
    outcomes = [run(seed, kind, kinds, inserted=b"IS,-1\r\n", latest=0.05) for seed in range(SEEDS)]
    assert [] == [(seed, each.before) for seed, each in enumerate(outcomes) if each.before]
    assert sum(each.right for each in outcomes) > SEEDS * 20


def test_replies_that_come_twice_within_the_declared_silence_never_answer_another_command() -> None:
    outcomes = [run(seed, QuietGauge, SURPLUS_FAULTS[:2], latest=0.015) for seed in range(SEEDS)]
    assert [] == [(seed, each.wrong) for seed, each in enumerate(outcomes) if each.wrong]
    assert sum(each.failed for each in outcomes) > SEEDS


def test_without_the_silence_some_of_them_do_so_that_the_tests_above_are_not_empty() -> None:
    assert any(run(seed, Gauge, SURPLUS_FAULTS[:2], latest=0.015).wrong for seed in range(SEEDS))
