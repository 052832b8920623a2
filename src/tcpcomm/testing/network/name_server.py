"""The name server of a simulated network: :class:`NameServer`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.net.names import LookUp
from tcpcomm.testing.network.clock import Program, VirtualClock


class NameServer:
    """
    Answers lookups of the names of machines with their addresses. Its faults are made by its attributes.

    Args:
        clock: the clock of the network.
        machines: the machines of the network, by name.
    """

    def __init__(self, clock: VirtualClock, machines: dict[str, Any]) -> None:
        self.delay = 0.001
        """Seconds from a question to its answer."""
        self.is_dead = False
        """True if it answers nothing. A lookup then takes as long as it does, and fails when that ends."""
        self.refuses = False
        """True if it knows no name."""
        self.asked: Counter[str] = Counter()
        """The number of lookups so far, by name."""
        self._clock = clock
        self._machines = machines
        self._unanswered: list[tuple[Program, str, Deferred[Sequence[str]]]] = []

    def for_program(self, program: Program) -> LookUp:
        """Return a function with which one program looks names up."""

        def look_up(name: str) -> Deferred[Sequence[str]]:
            found: Deferred[Sequence[str]] = Deferred()
            self.asked[name] += 1
            if self.is_dead:
                self._unanswered.append((program, name, found))
            else:
                self._clock.callLater(self.delay, self._answer, program, name, found)
            return found

        return look_up

    def revive(self) -> None:
        """End all its faults. The lookups that it did not answer fail, because their time is up."""
        self.delay, self.is_dead, self.refuses = 0.001, False, False
        unanswered, self._unanswered = self._unanswered, []
        for program, name, found in unanswered:
            _deliver(program, found, Failure(OSError(f"no answer about {name}")))

    def _answer(self, program: Program, name: str, found: Deferred[Sequence[str]]) -> None:
        machine = self._machines.get(name)
        if self.refuses or machine is None:
            _deliver(program, found, Failure(OSError(f"no machine is called {name}")))
        else:
            _deliver(program, found, [machine.address])


def _deliver(program: Program, found: Deferred[Sequence[str]], answer: Any) -> None:
    """Give a program the answer, unless it has ended; if it hangs, when it goes on."""
    if program.alive:
        program.callLater(0.0, found.callback, answer)
