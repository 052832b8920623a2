"""The values that an export writes: :class:`Source` yields them, with the begin and end of sessions."""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator
from operator import attrgetter
from typing import TypeAlias

from attrs import field, frozen

from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import Recorded, RecordedChunk, RecordedSession


@frozen
class Opened:
    """A session began."""

    number: int
    at: int
    session: RecordedSession


@frozen
class Closed:
    """A session ended."""

    number: int
    at: int
    session: RecordedSession


Exported: TypeAlias = Recorded | Opened | Closed


@frozen(kw_only=True)
class Source:
    """
    A part of a recording.

    Args:
        recording: the recording.
        session: the only session that is wanted, or None for all.
        since, until: the times in microseconds that limit it: at or after, and before.
    """

    recording: Recording
    session: RecordedSession | None = None
    since: int | None = None
    until: int | None = None
    sessions: dict[int, RecordedSession] = field(init=False, factory=dict)
    """The sessions by their numbers."""

    def __attrs_post_init__(self) -> None:
        found = self.recording.sessions() if self.session is None else [self.session]
        self.sessions.update({each.number: each for each in found})

    def __iter__(self) -> Iterator[Exported]:
        """Yield the values in their order."""
        values = self.recording.everything(self.session, since=self.since, until=self.until)
        return heapq.merge(values, self._ends(), key=attrgetter("number"))

    def _ends(self) -> Iterator[Exported]:
        """Yield the begins and ends of sessions within the times."""
        ends: list[Exported] = []
        for each in self.sessions.values():
            if self._has(each.opened_at):
                ends.append(Opened(each.first, each.opened_at, each))
            if each.last is not None and each.closed_at is not None and self._has(each.closed_at):
                ends.append(Closed(each.last, each.closed_at, each))
        return iter(sorted(ends, key=attrgetter("number")))

    def _has(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def without_chunks(values: Iterable[Exported], sessions: Container[int]) -> Iterator[Exported]:
    """Yield values without the chunks of some sessions: their bytes are in frames and messages."""
    return (each for each in values if not (isinstance(each, RecordedChunk) and each.session in sessions))
