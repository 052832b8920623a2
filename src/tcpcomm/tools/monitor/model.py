"""
The state of all links and sessions that a monitor shows: :class:`MonitorModel`. It knows no web.

Each hook does a bounded amount of work: it counts, and keeps one row. A page that shows it makes the texts.

::

    hooks -> Source, WatchedSession (figures, state)
          -> Row -> RowHistory of the source
                 -> the rows that wait for the next batch, if a page watches the source
"""

from __future__ import annotations

import heapq
import re
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from tcpcomm.errors import FramingError
from tcpcomm.session.observer import MessageKind, ObservedMessage, SessionObserver
from tcpcomm.tools.monitor.rows import Row, RowHistory, row_of
from tcpcomm.tools.monitor.sessions import WatchedSession
from tcpcomm.tools.monitor.sources import LINK, SERVER, TAP, Source

KEPT_ROWS: Final = 20_000
"""Rows of all links and servers that are kept; each has the same share. The oldest are forgotten."""

KEPT_BYTES: Final = 32 * 2**20
"""Bytes of memory for the kept rows of all links and servers, estimated. The oldest are forgotten."""

MOST_SOURCES: Final = 256
"""
Links, servers and taps that are followed. One without sessions makes room, or the new one is counted and
not shown.
"""

MOST_SESSIONS_SHOWN: Final = 200
"""Open sessions that are shown, the newest first. Older ones are counted."""

CLOSED_SESSIONS: Final = 20
"""Sessions that are shown after their end. The oldest are forgotten."""

SESSIONS_WITH_HISTORY: Final = 20
"""Open sessions with figures of the last minute. With more of them, none has these figures."""

SOURCES_WITH_HISTORY: Final = 64
"""Links and servers with figures of the last minute. With more of them, none has these figures."""

BATCH_ROWS: Final = 1000
"""Rows of one batch of 20 ms. Further ones are counted, and not shown."""

LARGEST_KEPT_FRAME: Final = 65_536
"""Bytes of one frame that are kept. The rest and the values are left out."""

_KIND_TEXTS: Final = {id(each): each.value for each in MessageKind}  # faster than the enumeration
_OF_COMMANDS: Final = (MessageKind.COMMAND, MessageKind.REPLY, MessageKind.FAULT)
_ENDED: Final = ("idle", "down", "closed")
_OF_ENDPOINTS: Final = re.compile(r"\btcp6?:|:interface=\S+")
"""The parts of endpoint strings that a name is clearer without."""
_PLACE: Final = re.compile(r"\b(?:to|at) (\S+:\S+)")


class MonitorModel(SessionObserver):
    """
    Follows links and sessions, and keeps the newest rows.

    Args:
        seconds: returns the time in seconds, by a clock that nobody sets.
        wall_seconds: returns the seconds since 1970.
    """

    def __init__(self, seconds: Callable[[], float], wall_seconds: Callable[[], float] = time.time) -> None:
        self._seconds = seconds
        self._wall_seconds = wall_seconds
        self._wall_second = -1
        self._offset = 0.0  # of the wall clock, looked at each second
        self._sources: dict[int, Source] = {}  # by the id of the observers that their sessions share
        self._keys: dict[int, Any] = {}  # these observers, so that no other object gets their id
        self._by_id: dict[str, Source] = {}
        self._sessions: dict[int, WatchedSession] = {}
        self._closed: deque[WatchedSession] = deque(maxlen=CLOSED_SESSIONS)
        self._declarations: dict[str, Any] = {}
        self._last_source = self._last_session = self.last_row = 0
        self.sources_left_out = 0
        """The links and servers that are not followed, because there are too many."""
        self.batch: list[Row] = []
        """The rows since the last batch, of the sources that are watched."""
        self.left_out: Counter[str] = Counter()
        """The rows that were not put into the batch, by the id of their source."""
        self._watched: Collection[str] | None = ()
        self._counted: Collection[str] | None = ()
        self._is_watched = False
        self.changes = 0
        """How many changes of states there were, so that a page learns of them at once."""

    # -- time ---------------------------------------------------------------------------------------------

    def now(self) -> tuple[float, float]:
        """Return the time by the clock that nobody sets, and in seconds since 1970."""
        now = self._seconds()
        if int(now) != self._wall_second:
            self._wall_second = int(now)
            self._offset = self._wall_seconds() - now
        return now, now + self._offset

    # -- hooks --------------------------------------------------------------------------------------------

    def opened(self, session: Any) -> None:
        watched = self._follow(session)
        if watched is not None:
            self._state_row(watched, "opened")

    def ready(self, session: Any) -> None:
        watched = self._follow(session)
        if watched is not None:
            watched.state, watched.since = "ready", self.now()[1]
            identity = getattr(session, "identity", None)
            self._state_row(watched, f"ready as {identity}" if identity else "ready")

    def closed(self, session: Any, reason: str) -> None:
        watched = self._follow(session)
        if watched is None:
            return
        now, wall = self.now()
        watched.state, watched.since, watched.reason = "closed", wall, reason
        self._state_row(watched, f"closed: {reason}")
        self._sessions.pop(id(session), None)
        watched.asked.clear()
        watched.tally.flush()
        self._closed.append(watched)
        source = watched.place
        source.open_sessions -= 1
        source.used_at = now
        if source.session == watched.number:
            source.session = None
        if source.kind != LINK:
            source.ended(reason, wall)

    def received(self, session: Any, data: bytes) -> None:
        watched = self._sessions.get(id(session)) or self._follow(session)
        if watched is not None:
            is_held = getattr(session, "is_held", False) or getattr(session, "has_backlog", False)
            watched.received.chunk(data, is_held=is_held)
            if not hasattr(session, "framing") and not hasattr(session, "speech"):
                self._frame(watched, data, sent=False)  # a protocol without frames: a chunk is all there is

    def sent(self, session: Any, data: bytes) -> None:
        watched = self._sessions.get(id(session)) or self._follow(session)
        if watched is not None:
            watched.sent.chunk(data, is_held=False)
            if not hasattr(session, "framing") and not hasattr(session, "speech"):
                self._frame(watched, data, sent=True)

    def frame_received(self, session: Any, frame: bytes) -> None:
        watched = self._sessions.get(id(session)) or self._follow(session)
        if watched is None:
            return
        if watched.is_declared:
            watched.received.expect_message(len(frame))
        else:
            self._frame(watched, frame, sent=False)

    def frame_sent(self, session: Any, frame: bytes) -> None:
        watched = self._sessions.get(id(session)) or self._follow(session)
        if watched is None:
            return
        if watched.is_declared:
            watched.sent.expect_message(len(frame))
        else:
            self._frame(watched, frame, sent=True)

    def _frame(self, watched: WatchedSession, frame: bytes, *, sent: bool) -> None:
        now, wall = self.now()
        size = len(frame)
        chunks, place = watched.way(sent=sent).frame(size)
        kept = frame if size <= LARGEST_KEPT_FRAME else bytes(frame[:LARGEST_KEPT_FRAME])
        watched.tally.count(now, size, sent=sent)
        fields = (
            self.last_row + 1, watched.source, watched.number, wall, sent, "frame",
            "", None, kept, size, None, None, "", chunks, place,
        )  # fmt: skip
        self._add(row_of(fields), watched.place)

    def message(self, session: Any, message: ObservedMessage) -> None:
        watched = self._sessions.get(id(session)) or self._follow(session)
        if watched is None:
            return
        now, wall = self.now()
        number, kind = self.last_row + 1, message.kind
        sent, frame, asked, took = message.sent, message.frame, message.answers, message.seconds
        name, size, answers = message.name, len(frame), None
        chunks, place = (watched.sent if sent else watched.received).message(size)
        if asked is None:
            watched.tally.count(now, size, sent=sent)
            watched.asks(message, number)
        else:
            answers = watched.row_of(asked)
            watched.tally.count(now, size, sent=sent, took=None if kind is MessageKind.PART else took)
            name = name or asked.name
        if watched.place.cause and kind in _OF_COMMANDS:
            watched.place.cause = ""
        values: Any = message.values
        if size > LARGEST_KEPT_FRAME:
            frame, values = bytes(frame[:LARGEST_KEPT_FRAME]), {"…": "too long to show"}
        fields = (
            number, watched.source, watched.number, wall, sent, _KIND_TEXTS[id(kind)],
            name, values, frame, size, answers, took, message.problem, chunks, place,
        )  # fmt: skip
        self._add(row_of(fields), watched.place)

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        watched = self._follow(session)
        if watched is not None:
            watched.way(sent=sent).half()
            self._text_row(watched, "half", description or "a secret", sent=sent)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        watched = self._follow(session)
        if watched is None:
            return
        watched.figures.faults += 1
        watched.place.figures.faults += 1
        watched.place.broke(fault.reason, self.now()[1])
        text = f"{fault}: {fault.details}" if fault.details else str(fault)
        self._text_row(watched, "error", text, sent=sent, frame=watched.way(sent=sent).last_chunk)

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        watched = self._follow(session)
        if watched is not None:
            self._text_row(watched, "altered", description, sent=sent)

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        source = self._source_of(link, LINK)
        if source is None:
            return
        self.changes += 1
        wall = self.now()[1]
        text = str(getattr(state, "value", state))
        source.link_state(text, reason, wall)
        shown = f"{text}: {reason}" if reason else text
        row = Row(self.last_row + 1, source.id, None, wall, None, "state", source.id, text=shown)
        self._add(row, source)

    def listening(self, server: Any, address: str) -> None:
        source = self._source_of(server, TAP if hasattr(server, "disturb") else SERVER)
        if source is not None:
            self.changes += 1
            source.listens(address, self.now()[1])

    # -- rows ---------------------------------------------------------------------------------------------

    def _state_row(self, watched: WatchedSession, text: str) -> None:
        self.changes += 1
        self._text_row(watched, "state", text, sent=None)

    def _text_row(
        self, watched: WatchedSession, kind: str, text: str, *, sent: bool | None, frame: bytes = b""
    ) -> None:
        number, wall = self.last_row + 1, self.now()[1]
        size, frame = len(frame), frame if len(frame) <= LARGEST_KEPT_FRAME else frame[:LARGEST_KEPT_FRAME]
        row = number, watched.source, watched.number, wall, sent, kind
        self._add(Row(*row, frame=frame, size=size, text=text), watched.place)

    def _add(self, row: Row, source: Source) -> None:
        self.last_row += 1
        source.history.add(row)
        if not self._is_watched:
            return
        if self._watched is None or row.source in self._watched:
            if len(self.batch) < BATCH_ROWS:
                self.batch.append(row)
            else:
                self.left_out[row.source] += 1
        elif self._counted is None or row.source in self._counted:
            self.left_out[row.source] += 1

    def watch(self, sources: Collection[str] | None, *, counted: Collection[str] | None = ()) -> None:
        """
        Collect rows for the next batch.

        Args:
            sources: the ids of the sources that give rows; None: all.
            counted: the ids of further sources; their rows are only counted as left out; None: all.
        """
        self._watched, self._counted = sources, counted
        self._is_watched = sources is None or counted is None or bool(sources or counted)

    def take_batch(self) -> tuple[list[Row], Counter[str]]:
        """Return the rows since the last batch, and how many were left out, by the id of their source."""
        batch, self.batch = self.batch, []
        left_out, self.left_out = self.left_out, Counter()
        return batch, left_out

    def newest(self, sources: Collection[str] | None, most: int, after: int = 0) -> list[Row]:
        """Return the newest kept rows of sources (None: of all), in order, after a row."""
        histories = [each.history for each in self.sources() if sources is None or each.id in sources]
        found: list[Row] = []
        for row in heapq.merge(*map(reversed, histories), key=lambda row: row.number, reverse=True):
            if len(found) == most or row.number <= after:
                break
            found.append(row)
        found.reverse()
        return found

    def kept_rows(self, sources: Collection[str] | None = None) -> Iterable[Row]:
        """Return all kept rows of sources, in order."""
        return self.newest(sources, self.last_row)

    def row(self, number: int) -> Row | None:
        """Return a row by its number, or None if newer rows took its place."""
        return next((row for each in self.sources() for row in each.history if row.number == number), None)

    # -- sources and sessions ---------------------------------------------------------------------------

    def sources(self) -> list[Source]:
        """Return the sources, in the order of their begin."""
        return list(self._sources.values())

    def source(self, id: str) -> Source | None:
        """Return a source by its id, or None."""
        return self._by_id.get(id)

    def _source_of(self, subject: Any, kind: str) -> Source | None:
        """Return the source of a link, of a server's factory, or of a tap. Make it if it is new."""
        key = _observers_of(subject)
        found = self._sources.get(id(key))
        if found is not None:
            if kind == LINK and found.kind != LINK:  # its session came before the first state
                found.kind, found.subject = LINK, subject
                _name_source(found, subject)
            return found
        if len(self._sources) >= MOST_SOURCES and not self._make_room():
            self.sources_left_out += 1
            return None
        now, wall = self.now()
        self._last_source += 1
        source = Source(
            str(self._last_source),
            kind,
            subject,
            now=now,
            time=wall,
            history=RowHistory(KEPT_ROWS, KEPT_BYTES),
        )
        _name_source(source, subject)
        self._sources[id(key)], self._keys[id(key)], self._by_id[source.id] = source, key, source
        self._share_history()
        self.changes += 1
        return source

    def _make_room(self) -> bool:
        """Forget the source that was not used for the longest time. Return False if all are in use."""
        idle = [
            (key, each)
            for key, each in self._sources.items()
            if not each.open_sessions and each.state in _ENDED
        ]
        if not idle:
            return False
        key, source = min(idle, key=lambda each: each[1].used_at)
        del self._sources[key], self._keys[key], self._by_id[source.id]
        return True

    def _share_history(self) -> None:
        """Give each source the same share of the rows and bytes that are kept."""
        count = len(self._sources)
        for each in self._sources.values():
            each.history.most_rows, each.history.most_bytes = KEPT_ROWS // count, KEPT_BYTES // count
            each.history.trim()

    def _follow(self, session: Any) -> WatchedSession | None:
        """Return a session as it is followed, from now on if it is new. None: there are too many."""
        found = self._sessions.get(id(session))
        if found is not None:
            return found
        factory = getattr(session, "factory", None)
        link = getattr(factory, "link", None)
        if link is not None:
            source = self._source_of(link, LINK)
        else:
            subject, kind = (session, TAP) if factory is None else (factory, SERVER)
            source = self._source_of(subject, kind)
        if source is None:
            return None
        now, wall = self.now()
        self._last_session += 1
        watched = WatchedSession(self._last_session, session, source, now, wall)
        self._sessions[id(session)] = watched
        source.open_sessions += 1
        source.used_at = now
        source.is_equipment = bool(getattr(session, "is_equipment", False))
        if source.declaration is None:
            source.declaration = getattr(session, "declaration", None)
        if source.kind == LINK:
            source.session = watched.number
        return watched

    def declaration_id(self, declaration: Any) -> str | None:
        """Return the id of a declaration on the page, or None without a declaration."""
        if declaration is None:
            return None
        name, number = declaration.name, 1
        while self._declarations.setdefault(name, declaration) is not declaration:
            number += 1
            name = f"{declaration.name}-{number}"
        return str(name)

    def declaration(self, id: str) -> Any:
        """Return a declaration by its id, or None."""
        return self._declarations.get(id)

    def open_sessions(self) -> list[WatchedSession]:
        """Return the open sessions, in the order of their begin."""
        return list(self._sessions.values())

    def any_session(self, number: int | None) -> WatchedSession | None:
        """Return a session by its number, also one that has ended not long ago, or None."""
        sessions = (*self._sessions.values(), *self._closed)
        return next((each for each in sessions if each.number == number), None)

    def session(self, number: int) -> WatchedSession | None:
        """Return an open session by its number, or None."""
        return next((each for each in self._sessions.values() if each.number == number), None)

    def overview(self) -> dict[str, Any]:
        """Return the figures and states of all sources and sessions, in types that JSON has."""
        now, wall = self.now()
        sources = self.sources()
        opened = self.open_sessions()
        for each in opened:
            each.tally.flush()
        shown = opened[-MOST_SESSIONS_SHOWN:]
        with_history = len(opened) <= SESSIONS_WITH_HISTORY
        return {
            "now": wall,
            "rate": round(sum(each.figures.rate(now) for each in sources), 2),
            "sources": [
                each.facts(
                    now,
                    self.declaration_id(each.declaration),
                    history=len(sources) <= SOURCES_WITH_HISTORY,
                )
                for each in sources
            ],
            "sessions": [
                each.facts(
                    now,
                    self.declaration_id(getattr(each.session, "declaration", None)),
                    history=with_history and each.state != "closed",
                )
                for each in (*self._closed, *shown)
            ],
            "more_sessions": len(opened) - len(shown),
            "more_sources": self.sources_left_out,
        }


def _observers_of(subject: Any) -> Any:
    """Return the observers that all sessions of a link, a factory or a tap share: the key of its source."""
    engine = getattr(subject, "engine", None)
    found = getattr(subject, "observers", None)
    return found if found is not None else getattr(engine, "observers", None) or subject


def _name_source(source: Source, subject: Any) -> None:
    """Name a source after its declaration, and its place."""
    source.declaration = getattr(subject, "declaration", None)
    engine_name = str(getattr(getattr(subject, "engine", None), "name", ""))
    place = _PLACE.search(engine_name)
    if place is not None and not source.addresses:
        source.addresses.append(place[1])
    given = getattr(subject, "monitor_name", "")
    if given:
        source.name = str(given)
    elif source.declaration is not None:
        source.name = str(source.declaration.name)
    elif source.kind == TAP:
        name = getattr(subject, "name", None) or getattr(subject, "target", None) or "tap"
        source.name = _OF_ENDPOINTS.sub("", str(name))
    elif source.kind == SERVER:
        kind = getattr(subject, "protocol", None)
        source.name = getattr(kind, "__name__", None) or type(subject).__name__
    else:
        source.name = engine_name or "link"
