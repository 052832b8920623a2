"""Write the problems of sinks into the file of an outbox: :class:`ProblemNotes`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from attrs import define

from tcpcomm.plant.outbox.committer import Committer, StoreFailed
from tcpcomm.plant.outbox.delivery import Delivery, storable_reason
from tcpcomm.plant.outbox.figures import DELIVERING

_INTERVAL: Final = 10.0
"""Seconds between two notes about one sink, so that a reason that changes all the time costs little."""


@define
class _Noted:
    problem: str | None = None
    """The problem in the file; None if that is not known."""
    at: float = float("-inf")


class ProblemNotes:
    """
    Writes into the file why a sink gets nothing, when that changes.

    Args:
        deliveries: the deliveries to the sinks.
        committer: does the work on the file.
        clock: the reactor, or a test's clock.
        wall_clock: returns the time of day, in seconds since 1970.
    """

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        committer: Committer,
        clock: Any,
        wall_clock: Callable[[], float],
    ) -> None:
        self._noted = {each.number: _Noted() for each in deliveries}
        self._deliveries = deliveries
        self._committer = committer
        self._clock = clock
        self._wall_clock = wall_clock

    def look(self, *, is_last: bool = False) -> None:
        """
        Note the problems that changed.

        Args:
            is_last: True to note them also if the last note is not long ago.
        """
        now = self._clock.seconds()
        for each in self._deliveries:
            noted = self._noted[each.number]
            problem = "" if each.state == DELIVERING else storable_reason(each.state)
            if problem != noted.problem and (is_last or now - noted.at >= _INTERVAL):
                noted.problem, noted.at = problem, now
                self._write(each.number, problem, noted)

    def _write(self, sink: int, problem: str, noted: _Noted) -> None:
        at = self._wall_clock()
        written = self._committer.write(lambda store: store.note_problem(sink, problem, at), durable=False)
        written.addErrback(partial(_forget, noted))


def _forget(noted: _Noted, failure: Any) -> None:
    """Note it again later. A file that cannot be written is told by the posts."""
    failure.trap(StoreFailed)
    noted.problem = None
