"""The plain counters behind the figures: :class:`LinkTally`, :class:`SessionTally`, :class:`Durations`."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Any, Final

from attrs import define, field

from tcpcomm.plant.metrics.kinds import FAULT, LOST

BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""The upper ends of the classes of times, in seconds. Prometheus adds one for all longer times."""

MOST_UNANSWERED: Final = 1000
"""Commands of one session that wait for answers in ``Metrics``. The oldest counts as lost."""


class Durations:
    """Counts times by classes, as a histogram of Prometheus has them."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        """The number of times in each class, the last one for those above all ends."""
        self.total = 0.0
        """The sum of all times."""

    def add(self, seconds: float) -> None:
        """Count a time."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


@define(eq=False)
class LinkTally:
    """The counters of all sessions of one label."""

    label: str
    is_server: bool = False
    frames: Counter[str] = field(factory=Counter)
    """The frames of sessions that have ended, by direction."""
    bytes: Counter[str] = field(factory=Counter)
    """The bytes of sessions that have ended, by direction."""
    requests: dict[str, Durations] = field(factory=dict)
    """The times of answered requests, by command."""
    failed: Counter[tuple[str, str]] = field(factory=Counter)
    """The requests that failed, by command and kind."""
    reconnects: Counter[str] = field(factory=Counter)
    """The sessions of links that were lost, by kind."""
    attempts_failed: Counter[str] = field(factory=Counter)
    """The attempts to connect that failed, by kind."""
    framing_faults: Counter[str] = field(factory=Counter)
    """The framing faults, by kind."""
    sessions: dict[int, SessionTally] = field(factory=dict)
    """The open sessions, by the id of the session."""

    def totals(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the frames and the bytes by direction, those of open sessions with them."""
        frames, sizes = Counter(self.frames), Counter(self.bytes)
        for each in self.sessions.values():
            each.add_to(frames, sizes)
        names = ("received", "sent")
        return {name: frames[name] for name in names}, {name: sizes[name] for name in names}


class SessionTally:
    """
    The counters of one open session.

    The frames are those that the session counts itself. So an observer need not see each one.
    """

    __slots__ = ("link", "received", "sent", "session", "unanswered")

    def __init__(self, link: LinkTally, session: Any) -> None:
        self.link = link
        self.session = session
        self.received = 0
        self.sent = 0
        self.unanswered: dict[int, Any] = {}
        """The requests without an answer, by the id of the message. They keep the messages."""

    def add_to(self, frames: Counter[str], sizes: Counter[str]) -> None:
        """Add the frames and bytes of this session."""
        frames["received"] += getattr(self.session, "frames_received", 0)
        frames["sent"] += getattr(self.session, "frames_sent", 0)
        sizes["received"] += self.received
        sizes["sent"] += self.sent

    def asked(self, message: Any) -> None:
        """Note a request."""
        self.unanswered[id(message)] = message
        if len(self.unanswered) > MOST_UNANSWERED:
            oldest = self.unanswered.pop(next(iter(self.unanswered)))
            self.link.failed[oldest.name, LOST] += 1

    def answered(self, request: Any, seconds: float, failure: str = "") -> None:
        """Note the answer to a request. A fault of the equipment is an answer, and has a time, too."""
        self.unanswered.pop(id(request), None)
        name = request.name
        if failure:
            self.link.failed[name, failure] += 1
        if failure in ("", FAULT):
            durations = self.link.requests.get(name)
            if durations is None:
                durations = self.link.requests[name] = Durations()
            durations.add(seconds)
