"""Faults of all kinds, in storms: :class:`Weather`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, Final

from twisted.internet.protocol import Factory, Protocol

from tcpcomm.testing.network.faults import Faults
from tcpcomm.testing.network.wire import Network
from tests.soak.cells import PORT, Cell

__all__ = ["WallClock", "Weather"]

LONGEST: Final = 3.0
"""The longest duration of a fault, in virtual seconds."""

SLOWEST: Final = 0.05
FLAPS: Final = 20
STEPS: Final = (2.0, 6.0, 3600.0)
"""The seconds by which the wall clock is set, back or forth."""

GARBAGE: Final = (
    b"",
    b"\r\n" * 3000,
    b"NOISE\r\n" * 2000,
    b"\x00\x05" * 5000,
    b"\xff" * 20_000,
    b'{"jsonrpc":"2.0","method":"dance","id":1}\n' * 500,
    b"TCPCOMM-PSK/1 PROOF equipment 00 00\n",
    b"TCPCOMM-PSK/1 " + b"x" * 3000,
    b"GET / HTTP/1.1\r\nHost: robot\r\n\r\n",
)


class WallClock:
    """The wall clock of the machine, which is set again and again. Links must not look at it."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._real = time.time

    def step(self, seconds: float) -> None:
        self._ahead += seconds

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Replace ``time.time`` by this clock."""
        time.time = lambda: self._real() + self._ahead
        try:
            yield
        finally:
            time.time = self._real


class _Noise(Protocol):
    """A stranger's connection: it sends garbage, then nothing."""

    factory: Any

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self.factory.garbage)
        self.factory.open.append(self)


class Weather:
    """
    Makes faults on a network, and counts them by kind.

    Args:
        network: the network.
        cells: the cells whose machines meet the faults.
        random: everything that is drawn comes from it.
        wall_clock: the clock that is set.
    """

    def __init__(
        self, network: Network, cells: Sequence[Cell], random: Random, wall_clock: WallClock
    ) -> None:
        self.kinds: Counter[str] = Counter()
        self._network, self._cells, self._random = network, cells, random
        self._wall_clock = wall_clock
        self._strangers = [network.machine("stranger"), network.machine("scanner")]
        machines = [machine for cell in cells for machine in cell.machines()]
        self._machines = machines
        self._faults = Faults(network, machines, longest=LONGEST, slowest=SLOWEST)
        self._noise: list[Any] = []
        self._own: dict[str, Callable[[], None]] = {
            "flaps": self._flap,
            "late timers": self._stall,
            "clock set": self._set_clock,
            "restart": self._restart,
            "flood": self._flood,
            "kick": self._kick,
            "bad name server": self._disturb_names,
        }

    @property
    def count(self) -> int:
        return sum(self.kinds.values())

    def strike(self) -> None:
        """Make one fault."""
        if self._random.random() < 0.6:
            self.kinds[self._faults.inject()] += 1
            return
        kind = self._random.choice([*self._own])
        self._own[kind]()
        self.kinds[kind] += 1

    def clear(self) -> None:
        """End every fault, and the strangers' connections."""
        self._network.mend()
        noise, self._noise = self._noise, []
        for factory in noise:
            for protocol in factory.open:
                protocol.transport.abortConnection()

    def _flap(self) -> None:
        """Pull a cable many times, as a loose plug does."""
        machine, random = self._random.choice(self._machines), self._random
        at = 0.0
        for _ in range(random.randrange(2, FLAPS)):
            at += random.uniform(0.01, 0.3)
            self._network.clock.callLater(at, machine.blip, random.uniform(0.005, 0.2))

    def _stall(self) -> None:
        """Suspend a program, so that its timers are late."""
        self._random.choice(self._machines).stall(self._random.uniform(0.01, 1.5))

    def _set_clock(self) -> None:
        self._wall_clock.step(self._random.choice(STEPS) * self._random.choice((-1, 1)))

    def _restart(self) -> None:
        """Stop one end in order, and start it again."""
        cell = self._random.choice(self._cells)
        side = self._random.choice(("host", "equipment"))
        machine = cell.host if side == "host" else cell.equipment
        program = machine.program
        if not program.alive or program.hung:
            return

        def stopped(_: object) -> None:
            if machine.program is program and program.alive:
                if side == "host":
                    cell.ledger.check_all_settled()
                machine.kill()
                machine.start()

        cell.programs[side].stop().addBoth(stopped)

    def _flood(self) -> None:
        """Let a stranger connect several times, and send what no peer sends."""
        random = self._random
        cell = random.choice([each for each in self._cells if each.can_be_flooded])
        stranger, target = random.choice(self._strangers), cell.listener
        factory: Any = Factory.forProtocol(_Noise)
        factory.noisy, factory.garbage, factory.open = False, random.choice(GARBAGE), []
        self._noise.append(factory)
        for _ in range(random.choice((1, 5, 30))):
            connecting = stranger.connecting(target, PORT, timeout=2.0).connect(factory)
            connecting.addErrback(lambda _: None)  # then nobody listens at the moment

    def _disturb_names(self) -> None:
        """Make the name server slow or dead, or let it forget all names, for a time."""
        random, server = self._random, self._network.name_server
        kind = random.choice(("delay", "is_dead", "refuses"))
        setattr(server, kind, random.uniform(0.0, 2.0) if kind == "delay" else True)
        self._network.clock.callLater(random.uniform(0.0, 4.0), server.revive)

    def _kick(self) -> None:
        """Let the host's program ask for a connection now, as an operator does."""
        cell = self._random.choice(self._cells)
        if cell.host.program.alive and not cell.host.program.hung:
            cell.programs["host"].link.kick()
