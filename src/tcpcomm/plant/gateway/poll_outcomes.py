"""The outcomes of one poll: :class:`PollOutcomes` counts them, and logs when it fails and works again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle

_LOG_INTERVAL: Final = 10.0  # seconds between two lines which say that a poll fails


class PollOutcomes:
    """
    Counts the outcomes of one poll. A poll that fails again and again is one log line.

    Args:
        link: the name of the link.
        poll: the name of the poll.
        seconds: returns the time.
    """

    log = BoundedLogger()

    def __init__(self, link: str, poll: str, seconds: Callable[[], float]) -> None:
        self._link = link
        self._poll = poll
        self._seconds = seconds
        self._throttle = LogThrottle(_LOG_INTERVAL)
        self._since = 0.0
        self._count = 0
        self._is_told = False
        self.done = 0
        """The polls that brought a result."""
        self.failed = 0
        """The polls that brought none."""
        self.problem = ""
        """The reason why the last poll failed; empty if it did not."""

    def succeeded(self) -> None:
        """Note a result."""
        self.done += 1
        if not self.problem:
            return
        if self._is_told:
            self.log.info(
                "{link}: the poll {poll} works again; {count} polls failed within {seconds:.1f} s",
                link=self._link,
                poll=self._poll,
                count=self._count,
                seconds=self._seconds() - self._since,
            )
        self.forget()

    def failed_for(self, problem: str) -> None:
        """Note a failure, with its reason."""
        self.failed += 1
        is_first, self.problem = not self.problem, problem
        self._count += 1
        if not is_first:
            return
        self._since = self._seconds()
        self._is_told = self._throttle.count_due(self._since) > 0
        if self._is_told:
            self.log.warn(
                "{link}: the poll {poll} fails: {problem}",
                link=self._link,
                poll=self._poll,
                problem=problem,
            )

    def lost_with_its_link(self) -> None:
        """Note a failure that the state of the link explains already."""
        self.failed += 1

    def forget(self) -> None:
        """Forget that the poll failed, because it works, or because it is not polled here any more."""
        self.problem, self._count, self._is_told = "", 0, False
