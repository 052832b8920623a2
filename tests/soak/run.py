"""One soak: :func:`run` lets all cells live through virtual days, and returns an :class:`Outcome`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random, SystemRandom
from typing import Any, Final

import pytest
from attrs import frozen

from tcpcomm.conversation import answering_loop, answering_session, responder
from tcpcomm.link import engine
from tcpcomm.runtime.watchdog import Watchdog
from tcpcomm.testing.logged_errors import logged_errors
from tcpcomm.testing.network.wire import Network
from tests.soak.cells import BUSY, CALM, CELLS, SILENT, Cell, Host, Mood
from tests.soak.foreign import FOREIGN
from tests.soak.leaks import Leaks, sample
from tests.soak.weather import WallClock, Weather

__all__ = ["DAY", "Outcome", "run"]

DAY: Final = 86400.0
STORMS: Final = 16
"""Storms in a virtual day."""

FAULTS: Final = 40
"""Faults in one storm."""

PAUSE: Final = DAY / STORMS - 180.0
"""The mean virtual seconds between the end of a storm and the next one."""

COUNT_EVERY: Final = 16
"""Storms between two counts of everything."""

HEALED_WITHIN: Final = 30.0
STEADY: Final = 60.0
"""Virtual seconds after a storm in which every command is answered."""

LONGEST_STOP: Final = 10.0
MOST_VIOLATIONS: Final = 5


@frozen
class Outcome:
    """The result of one soak."""

    seed: int
    days: float
    faults: Counter[str]
    commands: Counter[str]
    samples: int
    """How often everything was counted."""
    objects: tuple[int, int]
    """Objects of all types at the measure's count and at the last one."""
    violations: list[str]


def run(seed: int, days: float, *, progress: Callable[[str], None] = lambda text: None) -> Outcome:
    """
    Let all cells live through storms and quiet hours.

    Args:
        seed: everything that is random comes from it: the same seed, the same run.
        days: virtual days. A longer run begins as a shorter one with the same seed.
        progress: called with a text after each count, and with each broken promise.
    """
    wall_clock = WallClock()
    with logged_errors() as errors, wall_clock.at_work(), _repeatable(seed):
        soak = _Soak(seed, wall_clock, errors, progress)
        for number in range(1, max(4, round(days * STORMS)) + 1):
            soak.storm()
            soak.network.advance(soak.random.uniform(0.5, 1.5) * PAUSE)
            if number in (2, 4, 8) or number % COUNT_EVERY == 0:
                soak.count_everything()
                progress(
                    f"{soak.days:.2f} days, {soak.weather.count} faults, {len(soak.violations)} violations"
                )
            if len(soak.violations) + len(errors) >= MOST_VIOLATIONS:
                break
        soak.end()
        return soak.outcome(seed)


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """
    Take real time and the operating system's randomness out of the programs: the same seed, the same run.

    The watchdog's thread does not start, and each handler takes no time, because both measure real time.
    The seed gives what the system's randomness gives otherwise: the challenges of keys, the strangers that
    are dropped when too many owe a proof, and the waits of the links that equipment makes.
    """
    random = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("start", "stop"):
            patch.setattr(Watchdog, name, lambda self: None)
        for module in (responder, answering_session):
            patch.setattr(module, "monotonic", lambda: 0.0)
        patch.setitem(answering_loop._NAMES, "monotonic", lambda: 0.0)
        patch.setattr(engine, "Random", lambda: Random(random.random()))
        for name in ("random", "getrandbits", "randbytes"):
            patch.setattr(SystemRandom, name, getattr(random, name))
        yield


class _Soak:
    def __init__(
        self, seed: int, wall_clock: WallClock, errors: list[str], progress: Callable[[str], None]
    ) -> None:
        self.random = random = Random(seed)
        self.network = network = Network(seed, cuts=0.1)
        self.mood = Mood()
        self.violations: list[str] = []
        self._errors = errors
        self._progress = progress
        self.cells: list[Cell] = [
            kind(network, Random(random.random()), self.mood, self.violated) for kind in (*CELLS, *FOREIGN)
        ]
        self.weather = Weather(network, self.cells, Random(random.random()), wall_clock)
        self._leaks = Leaks()
        network.note = self._noted  # type: ignore[method-assign]

    @property
    def days(self) -> float:
        return self.network.clock.now / DAY

    def violated(self, what: str) -> None:
        self.violations.append(f"at {self.network.clock.now:.3f} s: {what}")
        self._progress(self.violations[-1])

    def _noted(self, what: str, where: str, detail: object = None) -> None:
        if what in ("hang", "wake", "kill", "crash", "start"):
            for cell in self.cells:
                cell.note(what, where)

    def hosts(self) -> list[Host]:
        return [cell.programs["host"] for cell in self.cells]

    def set_mood(self, every: float, *, rude: bool) -> None:
        self.mood.every, self.mood.is_rude = every, rude
        for host in self.hosts():
            if host.cell.host.program.alive:
                host.plan()

    def storm(self) -> None:
        """Make faults, end them all, and see that everything works again."""
        random, network = self.random, self.network
        self.set_mood(BUSY, rude=True)
        network.advance(2.0)
        gap = random.choice((0.1, 0.3, 1.0, 3.0))
        for _ in range(FAULTS):
            self.weather.strike()
            network.advance(random.expovariate(1 / gap))
            if random.random() < 0.2:
                self._emit()
        self.weather.clear()
        self._heal()

    def _emit(self) -> None:
        cell = self.random.choice(self.cells)
        if cell.equipment.program.alive and not cell.equipment.program.hung:
            cell.programs["equipment"].emit()

    def _heal(self) -> None:
        """Wait until every host gets answers again, and see that nothing fails after that."""
        network = self.network
        self.set_mood(BUSY, rude=False)
        goals = [(cell, cell.ledger.answered + 4) for cell in self.cells]

        def healed() -> bool:
            return all(cell.ledger.answered >= goal for cell, goal in goals)

        if not network.run_until(healed, HEALED_WITHIN):
            for cell, goal in goals:
                link = cell.programs["host"].link
                if cell.ledger.answered < goal:
                    self.violated(f"{cell.name}: not healed: {link.state.value} ({link.reason})")
            return
        network.advance(10.0)  # the last faults still end, such as a second connection
        failed = self._failures()
        network.advance(STEADY)
        if failed != self._failures():
            self.violated(f"commands failed without a fault: {self._failures() - failed}")
        self.set_mood(CALM, rude=False)

    def _failures(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for cell in self.cells:
            for outcome, count in cell.ledger.outcomes.items():
                if outcome not in ("answered", "events"):
                    total[f"{cell.name} {outcome}"] += count
        return total

    def count_everything(self) -> None:
        """Let all be quiet, and count what could have leaked."""
        self.set_mood(SILENT, rude=False)
        self.network.advance(30.0)
        for cell in self.cells:
            cell.ledger.check_all_settled()
        timers = sum(len(machine.timers) for machine in self.network.machines.values())
        apart = [each for cell in self.cells for each in cell.ledger.remembered()]
        for grown in self._leaks.add(sample(timers, apart)):
            self.violated(f"it leaks: {grown}")
        self.set_mood(CALM, rude=False)

    def end(self) -> None:
        """Stop everything: nothing may be left."""
        self.set_mood(SILENT, rude=False)
        stopped: list[Any] = []
        for cell in self.cells:
            for program in cell.programs.values():
                program.stop().addBoth(stopped.append)
        self.network.advance(LONGEST_STOP)
        if stopped != [None] * (2 * len(self.cells)):
            self.violated(f"stops ended with {stopped}")
        for machine in self.network.machines.values():
            for what in ("timers", "sockets", "attempts", "ports"):
                left = list(getattr(machine, what))
                if left:
                    self.violated(f"{what} are left at {machine.name}: {left[:3]}")
        for cell in self.cells:
            cell.ledger.check_all_settled()

    def outcome(self, seed: int) -> Outcome:
        commands: Counter[str] = Counter()
        for cell in self.cells:
            commands += cell.ledger.outcomes
        counts = [sum(each.objects.values()) for each in self._leaks.samples] or [0]
        violations = self.violations + [f"logged: {error}" for error in self._errors]
        return Outcome(
            seed=seed,
            days=self.days,
            faults=self.weather.kinds,
            commands=commands,
            samples=self._leaks.count,
            objects=(counts[0], counts[-1]),
            violations=violations,
        )
