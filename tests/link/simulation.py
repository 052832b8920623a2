"""
Thousands of faults on a simulated plant: ``run(seed, faults)`` returns the violated promises.

Run it with ``python -m tests.link.simulation SEED [FAULTS]`` to see one seed's trace up to its violation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from time import process_time
from typing import Any

from attrs import frozen

from tcpcomm.link.engine import Engine
from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.testing.network.clock import Timer
from tcpcomm.testing.network.faults import Faults
from tcpcomm.testing.network.sockets import Socket
from tcpcomm.testing.network.wire import Machine, Network
from tests.link.plant import POLICIES, USABLE, Equipment, Host, Plant

HEALED_WITHIN = 30.0
SLOWEST = 0.03

NEW_SEEDS = 1000
"""From here on seeds are drawn. Below are those that are kept, which must go on to mean what they meant."""


@frozen
class Outcome:
    """The result of one run."""

    seed: int
    faults: int
    violations: list[str]
    answered: int
    judged: int
    """How often a link had to have noticed that its peer is dead."""
    virtual: float
    """Virtual seconds that it took."""
    trace: list[tuple[float, str, str, object]] | None = None


class _Log:
    """Takes what the code under test logs: a logged failure or error is a violation."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def info(self, text: str, **values: Any) -> None:
        pass

    debug = warn = info

    def failure(self, text: str, failure: Any = None, **values: Any) -> None:
        self.errors.append(f"{text.format(**values)}: {failure or sys.exc_info()[1]!r}")

    def error(self, text: str, **values: Any) -> None:
        self.errors.append(text.format(**values))


@contextmanager
def logs_watched() -> Iterator[list[str]]:
    """Collect logged errors in a list, because log events would cost the most."""
    log = _Log()
    kinds: list[Any] = [Engine, Link, FrameProtocol, Socket]
    before = [vars(kind)["log"] for kind in kinds]
    for kind in kinds:
        kind.log = log
    try:
        yield log.errors
    finally:
        for kind, old in zip(kinds, before, strict=True):
            kind.log = old


class _Detection:
    """
    Holds a link to noticing that its peer is dead.

    It has to as long as nothing can come from the peer, be it for the way or for its program; and as long
    as the peer hears nothing, for then it has to notice that, and end the session.
    """

    def __init__(self, plant: Plant, programs: dict[str, Any], here: Machine, there: Machine) -> None:
        self._plant = plant
        self._programs = programs
        self._here, self._there = here, there
        beats = plant.policy.heartbeats
        assert beats is not None
        self._bound = beats.timeout + 2 * beats.interval + 4 * SLOWEST
        self._due: list[Timer | None] = [None, None, None]

    def look(self) -> None:
        """Start or cancel the checks that depend on a fact which has changed."""
        here, there = self._here, self._there
        here_works, there_works = (each.program.alive and not each.program.hung for each in (here, there))
        comes = there.is_speaking and here.is_hearing
        arrives = here.is_speaking and there.is_hearing
        says_nothing = not there_works and not any(socket.peer.under_way for socket in here.sockets)
        reasons = (not comes, comes and says_nothing, there_works and not arrives)
        for number, is_so in enumerate(here_works and reason for reason in reasons):
            timer = self._due[number]
            if is_so and timer is None:
                self._due[number] = here.network.clock.callLater(self._bound, self._check)
            elif timer is not None and not is_so:
                self._due[number] = None
                if timer.active():
                    timer.cancel()

    def _check(self) -> None:
        self._plant.judged += 1
        if self._programs[self._here.name].link.state in USABLE:
            self._plant.violated(f"{self._here.name} has not noticed that its peer is dead")


def run(seed: int, faults: int = 250, *, traced: bool = False, patience: int = 1) -> Outcome:
    """
    Let a plant live through faults.

    Args:
        seed: everything that is random comes from it: the same seed, the same run.
        faults: how many.
        traced: whether the trace is kept.
        patience: violations after which it ends.
    """
    with logs_watched() as errors:
        simulation = _Simulation(seed, traced)
        plant = simulation.plant
        while simulation.faults.count < faults and len(plant.violations) + len(errors) < patience:
            simulation.storm(min(faults, simulation.faults.count + 50))
        simulation.end()
        violations = plant.violations + [f"logged: {error}" for error in errors]
    network = plant.network
    return Outcome(
        seed,
        simulation.faults.count,
        violations,
        plant.answered,
        plant.judged,
        network.clock.now,
        network.trace,
    )


class _Simulation:
    def __init__(self, seed: int, traced: bool) -> None:
        random = self._random = Random(seed)
        self.network = network = Network(seed, cuts=random.choice((0.0, 0.1, 0.7)), traced=traced)
        self.plant = plant = Plant(network, random, random.choice(POLICIES), random.random() < 0.5)
        plant.by_name = seed >= NEW_SEEDS and random.random() < 0.5
        host, equipment = network.machine("host"), network.machine("equipment")
        self.machines = (host, equipment)
        self.programs: dict[str, Any] = {}

        def boot_host(machine: Machine) -> None:
            self.programs["host"] = Host(plant, machine, equipment)

        def boot_equipment(machine: Machine) -> None:
            self.programs["equipment"] = Equipment(plant, machine, host)

        host.boot, equipment.boot = boot_host, boot_equipment
        boot_host(host)
        boot_equipment(equipment)
        longest = 0.6 if seed < NEW_SEEDS else random.choice((0.6, 2.0))
        self.faults = Faults(network, self.machines, longest=longest, slowest=SLOWEST)
        watches = [
            _Detection(plant, self.programs, here, there)
            for here, there in ((host, equipment), (equipment, host))
        ]

        def changed(what: str, where: str, detail: object = None) -> None:
            if what not in ("read", "lost", "arrive"):
                for watch in watches:
                    watch.look()
            Network.note(network, what, where, detail)

        network.note = changed  # type: ignore[method-assign]

    def links(self) -> list[Link]:
        return [program.link for program in self.programs.values()]

    def ready(self) -> bool:
        return all(link.state is LinkState.READY for link in self.links())

    def storm(self, until: int) -> None:
        """Make faults, closely or far between; then end them all, and see everything healed."""
        random, network, plant = self._random, self.network, self.plant
        gap = random.choice((0.02, 0.05, 0.1, 0.3))
        while self.faults.count < until:
            self.faults.inject()
            if plant.by_name and random.random() < 0.05:
                self.disturb_name_server()
            network.advance(random.expovariate(1.0 / gap))
            if random.random() < 0.03:
                kicked = random.choice(self.machines)
                if kicked.program.alive:
                    self.programs[kicked.name].link.kick()
        network.mend()
        if not network.run_until(self.ready, HEALED_WITHIN):
            states = ", ".join(f"{link.state.value} ({link.reason})" for link in self.links())
            plant.violated(f"not healed within {HEALED_WITHIN:g} s: {states}")
            return
        self.calm()

    def disturb_name_server(self) -> None:
        """Make it slow or dead, or let it forget all names, for a time."""
        random, server = self._random, self.network.name_server
        kind = random.choice(("delay", "is_dead", "refuses"))
        setattr(server, kind, random.uniform(0.0, 1.0) if kind == "delay" else True)
        self.network.clock.callLater(random.uniform(0.0, 2.0), server.revive)

    def calm(self) -> None:
        """Without faults, a link stays what it is, and works."""
        network, plant = self.network, self.plant
        plant.misbehaving = False
        network.advance(0.9)  # the last faults still end, such as a second connection
        if not network.run_until(self.ready, HEALED_WITHIN):
            plant.violated("not healed")
        network.advance(0.1)
        answered = plant.answered
        changes: list[str] = []
        for program in self.programs.values():
            program.ends = program.link.observe(lambda state, reason: changes.append(f"{state}: {reason}"))
        network.advance(1.0)
        for program in self.programs.values():
            program.ends()
        for change in changes:
            plant.violated(f"a healthy link was changed to {change}")
        # Commands come at random: where there was none in this second, one comes soon.
        if not network.run_until(lambda: plant.answered > answered, 4.0):
            plant.violated("the links are ready, but nothing is answered")
        plant.misbehaving = True

    def end(self) -> None:
        """Stop everything, on a network that works or does not: nothing may be left."""
        network, plant = self.network, self.plant
        if self._random.random() < 0.5:
            self._random.choice(self.machines).pull()
        stopped: list[object] = []
        for program in self.programs.values():
            program.stop().addBoth(stopped.append)
        if not network.run_until(lambda: len(stopped) == 2, plant.policy.grace + 0.1):
            plant.violated("stop did not end within its grace")
        if any(result is not None for result in stopped):
            plant.violated(f"stop failed: {stopped}")
        for machine in self.machines:
            left = [timer for timer in machine.timers if timer.getTime() > network.clock.now]
            if left:
                plant.violated(f"timers are set at {machine.name}: {left}")
        network.advance(2.0)
        for machine in self.machines:
            for what in ("timers", "sockets", "attempts", "ports"):
                left = list(getattr(machine, what))
                if left:
                    plant.violated(f"{what} are left at {machine.name}: {left}")
        silent = self.programs["host"].under_way
        if silent:
            plant.violated(f"{len(silent)} commands were neither answered nor reported")
        lies = plant.not_sent.intersection(plant.applied)
        if lies:
            plant.violated(f"reported as NotSent, but applied: {sorted(lies)}")


def main(seed: int, faults: int) -> None:
    """Print one seed's violations, with what happened before the first."""
    outcome = run(seed, faults, traced=True)
    assert outcome.trace is not None
    for time, *what in outcome.trace[-150:]:
        print(f"{time:.6f}", *what)
    print(outcome.violations or "no violation")


if __name__ == "__main__":
    if sys.argv[1] == "rate":
        began, total = process_time(), 0
        for number in range(int(sys.argv[2])):
            outcome = run(number)
            total += outcome.faults
            if outcome.violations:
                print(number, outcome.faults, outcome.violations[:3])
        spent = process_time() - began
        print(f"{total} faults, {total / spent:.0f} faults/s")
    else:
        main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250)
