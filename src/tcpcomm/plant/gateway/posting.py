"""Reports on their way into the outbox: :class:`ReportPoster`, which counts what the outbox refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from tcpcomm.plant.errors import OutboxRefused
from tcpcomm.plant.gateway.plan import Route
from tcpcomm.plant.report import EVENT, Report
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle

MAX_PENDING: Final = 10_000
"""
Reports that wait for the disk at once. Further ones are dropped and counted, and a report says how many
events were lost.
"""

REFUSED_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about reports that the outbox did not take. The second line counts those
between.
"""


class Posts(Protocol):
    """The part of an outbox that is needed here."""

    def post(
        self, content: Any, *, to: Any, topic: str = "", source: str = "", expires_in: float | None = None
    ) -> Deferred[str]: ...


class ReportPoster:
    """
    Posts the reports of a gateway.

    Args:
        outbox: takes them.
        seconds: returns the time of the clock by which log lines are throttled.
    """

    log = BoundedLogger()

    def __init__(
        self,
        outbox: Posts,
        seconds: Callable[[], float],
        watch: Callable[[Report], None] = lambda report: None,
    ) -> None:
        self._watch = watch
        self._outbox = outbox
        self._seconds = seconds
        self._throttle = LogThrottle(REFUSED_LOG_INTERVAL)
        self._idle: list[Deferred[None]] = []
        self._lost: Counter[tuple[str, str, Route]] = Counter()
        self.pending = 0
        """The reports that the outbox has not stored yet."""
        self.posted = 0
        """The reports that it stored."""
        self.refused = 0
        """The reports that it did not take."""
        self.lost_events = 0
        """The events that were dropped because too many reports waited for the disk."""
        self.problem = ""
        """The reason why the last report was not taken; empty if it was."""

    def post(self, report: Report, route: Route) -> Deferred[bool]:
        """
        Post a report. Return a Deferred of True when it is on the disk, or of False if it was not taken.

        The Deferred never fails.
        """
        self._watch(report)
        if not route.to:
            return succeed(True)
        if self.pending >= MAX_PENDING:
            if report.kind == EVENT:
                self.lost_events += 1
                self._lost[report.link, report.name, route] += 1
            self._not_taken(OutboxRefused(f"{self.pending} reports wait for the disk"))
            return succeed(False)
        self.pending += 1
        try:
            done = self._outbox.post(
                report.content(),
                to=route.to,
                topic=route.topic,
                source=report.link,
                expires_in=route.expires_in,
            )
        except Exception:
            done = Deferred()
            done.errback()
        return done.addCallbacks(self._stored, self._failed).addBoth(self._done, report.at)

    def when_idle(self) -> Deferred[None]:
        """Return a Deferred that fires when no report waits for the outbox."""
        idle: Deferred[None] = Deferred()
        if self.pending:
            self._idle.append(idle)
        else:
            idle.callback(None)
        return idle

    def _stored(self, _: str) -> bool:
        self.posted += 1
        self.problem = ""
        return True

    def _failed(self, failure: Failure) -> bool:
        if failure.check(OutboxRefused):
            self._not_taken(failure.value)
        else:
            self.refused += 1
            self.problem = failure.getErrorMessage()
            self.log.failure("the outbox failed, and a report is lost", failure)
        return False

    def _not_taken(self, error: BaseException | None) -> None:
        self.refused += 1
        self.problem = str(error)
        count = self._throttle.count_due(self._seconds())
        if count:
            self.log.error(
                "{count} reports are lost, because the outbox did not take them: {problem}",
                count=count,
                problem=self.problem,
            )

    def _done(self, is_stored: Any, at: float) -> bool:
        self.pending -= 1
        if is_stored is True and self._lost:
            self._tell_lost(at)
        if not self.pending:
            waiting, self._idle = self._idle, []
            for each in waiting:
                each.callback(None)
        return is_stored is True

    def _tell_lost(self, at: float) -> None:
        """Report the events that were dropped, once for each kind of event."""
        lost, self._lost = self._lost, Counter()
        for (link, name, route), count in lost.items():
            problem = f"{count} events of {name} are lost, because too many reports waited for the disk"
            self.post(Report(link=link, kind=EVENT, name=name, at=at, problem=problem), route)
