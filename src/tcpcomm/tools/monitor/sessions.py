"""One session as the monitor follows it: :class:`WatchedSession`."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any, Final

from tcpcomm.session.observer import ObservedMessage
from tcpcomm.tools.monitor.figures import Figures, Tally
from tcpcomm.tools.monitor.sources import Source

MOST_ASKED: Final = 256
"""Commands of a session whose rows are known. An answer to an older one does not name its row."""

_MOST_WAITING: Final = 4096


class Way:
    """
    The chunks and frames of one direction: it tells how many chunks a frame came in, and its place in them.

    Args:
        chunk_comes_first: True if a chunk is reported before its frames. If not, nothing is known.
    """

    __slots__ = ("_chunks", "_known", "_place", "_waiting", "last_chunk")

    def __init__(self, *, chunk_comes_first: bool) -> None:
        self._known = chunk_comes_first
        self._place = 0
        self._chunks = 0  # of the frame that has begun and not ended
        self._waiting: deque[tuple[int, int, int]] = deque(maxlen=_MOST_WAITING)
        self.last_chunk = b""

    def chunk(self, data: bytes, *, is_held: bool) -> None:
        """Note a chunk. If the session is held, it is decoded later, and nothing is known."""
        self.last_chunk = data
        self._place = _MOST_WAITING if is_held else 0
        if self._chunks:
            self._chunks += 1

    def half(self) -> None:
        """Note that the last chunk began a frame and did not end it."""
        self._chunks = 1

    def frame(self, size: int) -> tuple[int, int]:
        """Note a frame. Return the number of its chunks, and its place in its chunk."""
        chunks, self._chunks = self._chunks or 1, 0
        if not self._known:
            return 1, 1
        self._place += 1
        return chunks, self._place if self._place <= _MOST_WAITING else 1

    def expect_message(self, size: int) -> None:
        """Note a frame. Its message will be reported later."""
        if self._known:
            place = self._place = self._place + 1
            self._waiting.append((size, self._chunks or 1, place if place <= _MOST_WAITING else 1))
            self._chunks = 0

    def message(self, size: int) -> tuple[int, int]:
        """Return the number of chunks and the place of the frame that carries a message."""
        waiting = self._waiting
        while waiting:  # nothing waits if nothing is known
            expected, chunks, place = waiting.popleft()
            if expected == size:
                return chunks, place
        return 1, 1


class WatchedSession:
    """
    One session, with its figures and its state.

    Attributes:
        number: its number on the page.
        session: the session itself.
        place: the source that it belongs to, and ``source``, the id of that.
        tally: counts its frames for the figures of both.
        is_declared: True if each frame is reported as a message, too.
        state: ``open``, ``ready`` or ``closed``.
        since: the begin of that state, in seconds since 1970.
        reason: the reason of its end.
    """

    __slots__ = (
        "asked", "figures", "is_declared", "number", "place", "reason", "received", "sent", "session",
        "since", "source", "state", "tally",
    )  # fmt: skip

    def __init__(self, number: int, session: Any, place: Source, now: float, time: float) -> None:
        self.number = number
        self.session = session
        self.place = place
        self.source = place.id
        self.is_declared = bool(getattr(session, "is_declared", False))
        self.state = "open"
        self.since = time
        self.reason = ""
        self.figures = Figures(now)
        self.tally = Tally(now, self.figures, place.figures)
        self.received = Way(chunk_comes_first=True)
        self.sent = Way(chunk_comes_first=hasattr(session, "target"))  # it is overheard
        self.asked: OrderedDict[int, tuple[ObservedMessage, int]] = OrderedDict()

    def way(self, *, sent: bool) -> Way:
        """Return the direction."""
        return self.sent if sent else self.received

    def asks(self, message: ObservedMessage, row: int) -> None:
        """Note the row of a command."""
        self.asked[id(message)] = message, row
        if len(self.asked) > MOST_ASKED:
            self.asked.popitem(last=False)

    def row_of(self, message: ObservedMessage) -> int | None:
        """Return the row of a command, or None if it is not known."""
        found = self.asked.get(id(message))
        return None if found is None else found[1]

    def facts(self, now: float, declaration: str | None, *, history: bool) -> dict[str, Any]:
        """Return all that the page shows of the session, in types that JSON has."""
        session = self.session
        return {
            "id": self.number,
            "source": self.source,
            "peer": str(getattr(session, "peer", "")),
            "host": getattr(session, "host", None),
            "target": getattr(session, "target", None),
            "identity": str(getattr(session, "identity", None) or ""),
            "equipment": bool(getattr(session, "is_equipment", False)),
            "declaration": declaration,
            "state": self.state,
            "since": self.since,
            "reason": self.reason,
            **self.figures.facts(now, history=history),
        }
