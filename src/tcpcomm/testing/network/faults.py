"""Random faults that end by themselves: :class:`Faults`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tcpcomm.testing.network.wire import Machine, Network

_LASTING: Final[dict[str, tuple[Callable[[Machine], None], Callable[[Machine], None]]]] = {
    "pull": (Machine.pull, Machine.plug),
    "deafen": (Machine.deafen, lambda machine: machine.deafen(False)),
    "mute": (Machine.mute, lambda machine: machine.mute(False)),
    "hang": (Machine.hang, Machine.wake),
    "kill": (Machine.kill, Machine.start),
    "crash": (Machine.crash, Machine.start),
}
_MOMENTARY: Final[dict[str, Callable[[Machine], None]]] = {
    "reset": Machine.reset,
    "finish": Machine.finish,
    "connect again": Machine.connect_again,
}

FAULTS: Final[Sequence[str]] = ("blip", "slow down", *_LASTING, *_MOMENTARY)
"""The kinds of faults: methods of :class:`~tcpcomm.testing.Machine`, and ``slow down`` of the network."""

SURPLUS_FAULTS: Final[Sequence[str]] = ("repeat", "repeat late", "insert")
"""The faults of equipment that says too much. They are not in :data:`FAULTS`: name them in ``kinds``."""


class Faults:
    """
    Makes random faults. Each one ends after a random time.

    Args:
        network: the network. Its seed determines the random values.
        machines: the machines that get faults.
        kinds: the kinds of faults, from :data:`FAULTS` and :data:`SURPLUS_FAULTS`.
        longest: the longest duration of a fault, in seconds.
        slowest: the longest additional delay of the network, in seconds.
        latest: the longest time until bytes are sent again, in seconds.
        inserted: the bytes that nobody asked for.
    """

    def __init__(
        self,
        network: Network,
        machines: Iterable[Machine],
        *,
        kinds: Sequence[str] = FAULTS,
        longest: float = 0.6,
        slowest: float = 0.05,
        latest: float = 0.02,
        inserted: bytes = b"UNASKED\r\n",
    ) -> None:
        self.count = 0
        """The number of faults so far."""
        self._network = network
        self._machines = list(machines)
        self._kinds = list(kinds)
        self._longest = longest
        self._slowest = slowest
        self._latest = latest
        self._inserted = inserted

    def inject(self) -> str:
        """Make one fault now. Return its kind."""
        random, network = self._network.random, self._network
        self.count += 1
        kind, machine = random.choice(self._kinds), random.choice(self._machines)
        if kind in _MOMENTARY:
            _MOMENTARY[kind](machine)
            return kind
        if kind in SURPLUS_FAULTS:
            if kind == "insert":
                machine.insert(self._inserted)
            else:
                machine.repeat(random.uniform(0.0, self._latest) if kind == "repeat late" else 0.0)
            return kind
        lasts = random.uniform(0.0, self._longest)
        if kind == "blip":
            machine.blip(lasts / 10)
        elif kind == "slow down":
            network.slow_down(random.uniform(0.0, self._slowest))
            network.clock.callLater(lasts, network.slow_down, 0.0)
        else:
            begin, end = _LASTING[kind]
            begin(machine)
            network.clock.callLater(lasts, end, machine)
        return kind
