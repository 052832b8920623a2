"""The base classes of the network and its machines: the parts that sockets and endpoints use."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tcpcomm.testing.network.clock import Program, VirtualClock


class BaseNetwork:
    """The path of all bytes: its clock, its delays, its losses and its trace."""

    def __init__(self, seed: int, delay: tuple[float, float], cuts: float, traced: bool) -> None:
        self.random = Random(seed)
        self.clock = VirtualClock()
        self.lost: dict[Any, None] = {}
        """The sockets with lost bytes, which will be sent again."""
        self.trace: list[tuple[float, str, str, object]] | None = [] if traced else None
        """The events so far: time in seconds, kind, machine or socket, and details. None if not traced."""
        self._shortest, self._longest = delay
        self._slower = 0.0
        self._cuts = cuts
        self._ports = 49151

    def slow_down(self, delay: float) -> None:
        """Add ``delay`` seconds to the time that all bytes need. 0 ends it."""
        self._slower = delay
        self.note("slow down", "network", delay)

    def note(self, what: str, where: str, detail: object = None) -> None:
        """Add an event to the trace."""
        if self.trace is not None:
            self.trace.append((round(self.clock.now, 9), what, where, detail))

    def transit(self) -> float:
        """Return the seconds that the next bytes need."""
        shortest = self._shortest
        return self._slower + shortest + (self._longest - shortest) * self.random.random()

    def later(self, function: Callable[[], None]) -> None:
        """Call a function when bytes that leave now arrive."""
        self.clock.callLater(self.transit(), function)

    def cut(self, size: int) -> int:
        """Return how many of ``size`` bytes arrive in one chunk."""
        if self._cuts and size > 1 and self.random.random() < self._cuts:
            return self.random.randrange(1, size)
        return size

    def ephemeral_port(self) -> int:
        """Return a port number for the next connection."""
        self._ports += 1
        return self._ports


class BaseMachine:
    """The program of a machine, its cable, and the tables of its kernel."""

    def __init__(self, network: BaseNetwork, name: str, address: str) -> None:
        self.network = network
        self.name = name
        self.address = address
        self.program = Program(network.clock)
        self.ports: dict[int, Any] = {}
        self.sockets: dict[Any, None] = {}
        """The connections of the program."""
        self.attempts: dict[object, None] = {}
        """The connects of the program that have no result yet."""
        self.is_hearing = True
        """True if bytes that are sent to it arrive."""
        self.is_speaking = True
        """True if bytes that it sends arrive."""
