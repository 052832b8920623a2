"""Random faults, one after the other, each of which ends by itself: :class:`Faults`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tcpcomm.testing.network.wire import Machine, Network

__all__ = ["FAULTS", "Faults"]

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
"""
The kinds: a cable that is pulled, or loose for a moment (blip); a direction that is lost (deafen, mute); a
program that hangs or is killed, a machine without power (crash); a connection that is reset or ended on
the way (finish); a long way (slow down); a second connection from the same machine (connect again).
"""


class Faults:
    """
    Makes faults at random; each ends after a random time, whatever else goes on.

    Args:
        network: where; what is random comes from its seed.
        machines: which of its machines they befall.
        kinds: which faults, of :data:`FAULTS`.
        longest: seconds that a fault lasts at most.
        slowest: seconds that a way takes longer at most.
    """

    def __init__(
        self,
        network: Network,
        machines: Iterable[Machine],
        *,
        kinds: Sequence[str] = FAULTS,
        longest: float = 0.6,
        slowest: float = 0.05,
    ) -> None:
        self.count = 0
        """How many there were."""
        self._network = network
        self._machines = list(machines)
        self._kinds = list(kinds)
        self._longest = longest
        self._slowest = slowest

    def inject(self) -> str:
        """Make one fault, now; return its kind."""
        random, network = self._network.random, self._network
        self.count += 1
        kind, machine = random.choice(self._kinds), random.choice(self._machines)
        if kind in _MOMENTARY:
            _MOMENTARY[kind](machine)
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
