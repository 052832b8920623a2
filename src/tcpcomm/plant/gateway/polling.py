"""One poll of one link, again and again: :class:`Poller`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from tcpcomm.errors import NotSent, OutcomeUnknown, ReplyTimeout, TcpcommError
from tcpcomm.host.link import HostLink
from tcpcomm.plant.gateway.calls import problem_text
from tcpcomm.plant.gateway.once_link import OnceLink
from tcpcomm.plant.gateway.plan import PlannedPoll
from tcpcomm.plant.gateway.poll_outcomes import PollOutcomes
from tcpcomm.plant.gateway.posting import ReportPoster
from tcpcomm.plant.gateway.schedule import PollSchedule
from tcpcomm.plant.report import POLL, Report
from tcpcomm.plant.values import RESULT
from tcpcomm.runtime.bounded_logger import BoundedLogger


class Poller:
    """
    Polls one command of one link while it runs.

    Args:
        name: the name of the link.
        link: the link.
        planned: the poll.
        poster: takes the reports.
        clock: the reactor, or a test's clock.
        wall: returns the time of day, for the reports.
        random: the source of the jitter.
        may_poll: returns False while another gateway polls the device.
    """

    log = BoundedLogger()

    def __init__(
        self,
        name: str,
        link: HostLink,
        planned: PlannedPoll,
        poster: ReportPoster,
        *,
        clock: Any,
        wall: Callable[[], float],
        random: Random,
        may_poll: Callable[[], bool] = lambda: True,
    ) -> None:
        self.planned = planned
        self._name = name
        self._link = link
        self._asks = OnceLink(link, clock)
        self._poster = poster
        self._clock = clock
        self._wall = wall
        self._random = random
        self._may_poll = may_poll
        self._timer: IDelayedCall | None = None
        self._last: tuple[Any, str] | None = None
        self._last_at = 0.0
        self.schedule = self._new_schedule()
        self.outcomes = PollOutcomes(name, planned.name, clock.seconds)
        """The polls that brought a result, and those that failed."""
        self.unchanged = 0
        """The results that were not reported, because they were the last ones again."""

    def start(self) -> None:
        """Begin to poll."""
        old, self.schedule = self.schedule, self._new_schedule()
        self.schedule.begun, self.schedule.late = old.begun, old.late
        self.schedule.not_ready, self.schedule.is_running = old.not_ready, old.is_running
        self._last = None  # another gateway may have reported other values meanwhile
        self._set_timer()

    def stop(self) -> None:
        """Stop the timer. A poll that is under way ends as its link does."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.outcomes.forget()

    def counts(self) -> dict[str, int]:
        """Return how many polls were done, failed, and were left out for each of two reasons."""
        outcomes, schedule = self.outcomes, self.schedule
        return {
            "done": outcomes.done,
            "failed": outcomes.failed,
            "late": schedule.late,
            "not_ready": schedule.not_ready,
        }

    def link_is_ready(self) -> None:
        """Make up for a poll that the link missed."""
        if self._timer is not None and self._may_poll() and self.schedule.became_ready():
            self._poll()

    def _new_schedule(self) -> PollSchedule:
        return PollSchedule(self.planned.every, self.planned.jitter, self._clock.seconds(), self._random)

    def _set_timer(self) -> None:
        delay = max(0.0, self.schedule.next_due - self._clock.seconds())
        self._timer = self._clock.callLater(delay, self._due)

    def _due(self) -> None:
        is_ready = self._link.requester is not None and self._may_poll()
        begins = self.schedule.due(self._clock.seconds(), is_ready=is_ready)
        self._set_timer()
        if begins:
            self._poll()

    def _poll(self) -> None:
        began = self._clock.seconds()
        try:
            asked = self.planned.call.ask(self._asks, self._clock)
        except Exception:  # a method of the device
            asked = Deferred()
            asked.errback()
        done: Deferred[Any] = asked.addCallback(self._good, began)
        done.addErrback(self._bad, began).addErrback(self._log_defect).addBoth(self._finished)

    def _good(self, result: Any, began: float) -> Deferred[bool] | None:
        self.outcomes.succeeded()
        values = {RESULT: result} if self.planned.call.has_result else {}
        return self._report(values, "", began)

    def _bad(self, failure: Failure, began: float) -> Deferred[bool] | None:
        error = failure.value
        assert error is not None
        is_lost = self._link.requester is None
        if isinstance(error, NotSent | OutcomeUnknown) and is_lost and not isinstance(error, ReplyTimeout):
            self.outcomes.lost_with_its_link()
        else:
            self.outcomes.failed_for(problem_text(error))
        if isinstance(error, NotSent) and is_lost:
            return None  # the link was lost in the same moment: its state says so
        if not isinstance(error, TcpcommError):
            self.log.failure(
                "{link}: the poll {command} failed", failure, link=self._name, command=self.planned.name
            )
        return self._report({}, problem_text(error), began)

    def _report(self, values: dict[str, Any], problem: str, began: float) -> Deferred[bool] | None:
        now, planned = self._clock.seconds(), self.planned
        found = (values, problem)
        if planned.only_changes and found == self._last:
            is_due = planned.at_least_every is not None and now - self._last_at >= planned.at_least_every
            if not is_due:
                self.unchanged += 1
                return None
        report = Report(
            link=self._name,
            kind=POLL,
            name=planned.name,
            at=self._wall(),
            values=values,
            seconds=now - began,
            problem=problem,
        )
        posted = self._poster.post(report, planned.route)
        return posted.addCallback(self._note, found, now)

    def _note(self, is_stored: bool, found: tuple[Any, str], now: float) -> bool:
        if is_stored:  # else the next result is a change
            self._last, self._last_at = found, now
        return is_stored

    def _log_defect(self, failure: Failure) -> None:
        self.log.failure(
            "{link}: the report of {command} could not be made",
            failure,
            link=self._name,
            command=self.planned.name,
        )

    def _finished(self, _: Any) -> None:
        self.schedule.finished()
