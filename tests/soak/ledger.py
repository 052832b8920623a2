"""What became of each command, and the promises that are broken if that does not fit together."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Final

from attrs import define, field
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from tcpcomm.errors import BadReply, Fault, NotReady, NotSent, OutcomeUnknown, ReplyTimeout

__all__ = ["Ledger"]

REMEMBERED: Final = 5000
"""The number of past commands of one cell that can still be judged. It bounds the ledger's own memory."""

SLACK: Final = 0.05
"""Virtual seconds that an outcome may be later than its bound."""


@define
class _Asked:
    at: float
    bound: float
    hung_before: float


@define
class Ledger:
    """
    The commands of one cell: asked by the host's program, carried out by the equipment's.

    Args:
        name: the cell's name, for violations.
        seconds: returns the virtual time.
        hung: returns how many seconds the host's program has been suspended in all.
        violated: called with each promise that was broken.
        one_session: True if the equipment serves one session at a time. Otherwise a command that was given
            up can be carried out late, after commands of the next session.
    """

    name: str
    seconds: Callable[[], float]
    hung: Callable[[], float]
    _violated: Callable[[str], None]
    _one_session: bool
    outcomes: Counter[str] = field(factory=Counter, init=False)
    applied_last: int = field(default=-1, init=False)
    last_event: int = field(default=-1, init=False)
    excused: Callable[[int, int], bool] = field(default=lambda asked, answered: False, init=False)
    """Tells if a reply to another command came in the one window that nobody can close."""
    displaced: Callable[[int], None] = field(default=lambda number: None, init=False)
    """Called with a command if another frame took the place of its reply, which may still come."""
    _next: int = field(default=0, init=False)
    _open: dict[int, _Asked] = field(factory=dict, init=False)
    _applied: OrderedDict[int, None] = field(factory=OrderedDict, init=False)
    _not_sent: OrderedDict[int, None] = field(factory=OrderedDict, init=False)

    @property
    def answered(self) -> int:
        return self.outcomes["answered"]

    def violated(self, what: str) -> None:
        self._violated(f"{self.name}: {what}")

    def remembered(self) -> list[object]:
        """Return the containers in which the ledger itself remembers."""
        return [self._applied, self._not_sent, self._open, self.outcomes]

    # -- at the host

    def ask(self, bound: float) -> int:
        """Note a command that must have an outcome within ``bound`` seconds. Return its number."""
        number, self._next = self._next, self._next + 1
        self._open[number] = _Asked(self.seconds(), bound, self.hung())
        return number

    def settle(self, number: int, outcome: Any) -> None:
        """Note the outcome of a command: the number in its reply, or a Failure."""
        asked = self._open.pop(number)
        took = self.seconds() - asked.at - (self.hung() - asked.hung_before)
        if took > asked.bound + SLACK:
            self.violated(f"command {number} took {took:.3f} s, and its bound is {asked.bound:g} s")
        if not isinstance(outcome, Failure):
            self._answered(number, outcome)
        elif outcome.check(Fault):
            self._check_fault(number, outcome.value)  # type: ignore[arg-type] # check() said it
        elif outcome.check(NotSent):
            self._count("not ready" if outcome.check(NotReady) else "not sent")
            if number in self._applied:
                self.violated(f"command {number} was reported as not sent, but carried out")
            _remember(self._not_sent, number)
        elif outcome.check(ReplyTimeout):
            self._count("no reply in time")
        elif outcome.check(OutcomeUnknown):
            self._count("outcome unknown")
            if outcome.check(BadReply):
                self.displaced(number)
        elif outcome.check(CancelledError):
            self._count("cancelled")
        else:
            self.violated(f"command {number} failed with {outcome.value!r}")

    def _answered(self, number: int, answered: object) -> None:
        if answered == number:
            self._count("answered")
            if number not in self._applied:
                self.violated(f"command {number} was answered, but not carried out")
        elif isinstance(answered, int) and self.excused(number, answered):
            self._count("answered by a surplus reply, in the window")
        else:
            self.violated(f"command {number} was answered with {answered!r}")

    def _check_fault(self, number: int, fault: Fault) -> None:
        self._count("refused")
        if fault.code != number % 100:
            self.violated(f"command {number} was refused with {fault!r}")

    def _count(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def event(self, number: int) -> None:
        """Note an event at the host: their numbers rise."""
        self.outcomes["events"] += 1
        if number <= self.last_event:
            self.violated(f"event {number} came after event {self.last_event}")
        self.last_event = number

    def host_ended(self) -> None:
        """Forget the commands of a program that was killed: nobody waits for them any more."""
        self.outcomes["ended with their program"] += len(self._open)
        self._open.clear()

    def check_all_settled(self) -> None:
        """Check that every command has its outcome."""
        if self._open:
            self.violated(f"commands {[*self._open][:5]} have no outcome")

    # -- at the equipment

    def apply(self, number: int) -> None:
        """Note a command that is carried out."""
        if number in self._applied:
            self.violated(f"command {number} was carried out twice")
        elif number <= self.applied_last and (self._one_session or number in self._open):
            self.violated(f"command {number} was carried out after {self.applied_last}")
        if number in self._not_sent:
            self.violated(f"command {number} was carried out, but had been reported as not sent")
        self.applied_last = max(number, self.applied_last)
        _remember(self._applied, number)


def _remember(numbers: OrderedDict[int, None], number: int) -> None:
    numbers[number] = None
    if len(numbers) > REMEMBERED:
        numbers.popitem(last=False)
