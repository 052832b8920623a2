"""The reader of recordings: :class:`Recording`. It reads also what a recorder still writes."""

from __future__ import annotations

import heapq
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from operator import attrgetter, itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

from tcpcomm.errors import ConfigurationError
from tcpcomm.session.observer import MessageKind
from tcpcomm.tools.record.damage import Damage
from tcpcomm.tools.record.packs import DamagedPack, rows_of
from tcpcomm.tools.record.row_values import (
    Row,
    alteration_of,
    chunk_of,
    fault_of,
    frame_in,
    frame_of,
    gap_of,
    itself,
    session_of,
    state_of,
)
from tcpcomm.tools.record.schema import FRAME, LOCK_SUFFIX, TYPES, select_from
from tcpcomm.tools.record.store import BUSY_TIMEOUT, check_file, check_owner, is_damage
from tcpcomm.tools.record.values import (
    Recorded,
    RecordedAlteration,
    RecordedChunk,
    RecordedFault,
    RecordedFrame,
    RecordedGap,
    RecordedMessage,
    RecordedRun,
    RecordedSession,
    RecordedState,
)

T = TypeVar("T")

Moment: TypeAlias = datetime | int | None
"""A time: a datetime, microseconds since 1970, or None. A datetime without a zone is local time."""

HOW_TO_RECORD: Final = "'tcpcomm tap 9998 tcp:10.0.0.5:9999 --record FILE' makes one"
"""The words for people who have no recording yet."""

_ROWS_AT_ONCE: Final = 200
"""Rows of one query. Between two, the recorder can use the space of the file ``-wal`` again."""

_PACKS_AT_ONCE: Final = 16
"""Packs of one query."""

_NEVER: Final = 1 << 64
"""A time after all others."""

_FLAGS: Final = {"chunks": 0, "frames": FRAME}
"""The flag of the records in packs that each of these tables has."""

_NOTHING: Final[Mapping[str, Any]] = {}

_DAMAGED: Final = "the file is cut or damaged"

_KINDS: Final = {each.value: each for each in MessageKind}


class Recording:
    """
    Reads a recording.

    Each method returns values in their order, as far as the file has them when it is called. A file that is
    cut or damaged gives those that can be read; :attr:`problems` says what is missing.

    Args:
        path: the file.

    Raises:
        ConfigurationError: it does not exist, is not a recording, belongs to a newer version, or nothing in
            it can be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._notes: list[str] = []
        self._damage = Damage()
        if not self.path.exists():
            raise ConfigurationError(f"{self.path}: there is no such file; {HOW_TO_RECORD}")
        check_file(self.path)
        self._log_is_missing = not _size(self._beside("-wal"))
        try:
            self._connection = _open(self.path, is_at_rest=self._log_is_missing and self._is_unlocked)
        except sqlite3.Error as error:
            raise ConfigurationError(self._words("cannot be read", error)) from None
        try:
            self._begin()
        except sqlite3.Error as error:
            self._connection.close()
            raise ConfigurationError(self._words("cannot be read", error)) from None
        except ConfigurationError:
            self._connection.close()
            raise

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(f"{self.path.name}{suffix}")

    @property
    def _is_unlocked(self) -> bool:
        return not self._beside(LOCK_SUFFIX).exists()

    def _begin(self) -> None:
        if not check_owner(self._connection, self.path):
            raise ConfigurationError(
                f"{self.path} holds no recording: if it is a copy, copy {self.path.name}-wal beside it"
            )
        lacks_log = self._log_is_missing and self._fact("is_open")
        if lacks_log and _size(self._beside("-wal")):  # the recorder has just made it
            lacks_log = self._log_is_missing = False
        if lacks_log:
            self._note(
                f"the recorder was still at work or was killed, and {self.path.name}-wal is not beside the "
                "file: the newest values may be missing"
            )
        (page,) = self._connection.execute("PRAGMA page_size").fetchone()
        if self._log_is_missing and _size(self.path) % page:
            self._note("the file ends within a page: one value near its end may be wrong")
        query = "SELECT first, last, began_at, ended_at FROM blocks ORDER BY number"
        self._blocks: list[tuple[int, int, int, int]] = [
            each for each in self._small_table("times", query) if set(map(type, each)) == {int}
        ]
        if self.problems and all(isinstance(each, RecordedGap) for each in self.everything()):
            raise ConfigurationError(f"{self.path}: {self._why_nothing(lacks_log=lacks_log)}")

    def _why_nothing(self, *, lacks_log: bool) -> str:
        log = f"{self.path.name}-wal"
        if lacks_log:
            return f"nothing can be read without {log}: copy it beside the file"
        words = f"nothing in it can be read: {_DAMAGED}"
        return f"{words}; copy it again, with {log} if there is one" if self._log_is_missing else words

    @property
    def problems(self) -> list[str]:
        """The parts that could not be read so far, in sentences for people."""
        return [*self._notes, *self._damage.lines()]

    def _fact(self, name: str) -> Any:
        try:
            found = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        except sqlite3.DatabaseError:
            return None  # the tables tell more about the damage
        return found[0] if found else None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # -- what it holds

    def runs(self) -> list[RecordedRun]:
        """Return the times in which programs recorded, in order."""
        query = "SELECT number, began_at, ended_at, program FROM runs ORDER BY number"
        return [
            RecordedRun(number=number, began_at=began, ended_at=ended, program=program or "")
            for number, began, ended, program in self._small_table("runs", query)
        ]

    def sessions(self) -> list[RecordedSession]:
        """Return the sessions, in the order in which they opened."""
        rows = self._small_table(
            "sessions",
            "SELECT number, peer, target, is_equipment, declaration, identity, first, last, opened_at, "
            "ready_at, closed_at, reason, is_cut FROM sessions ORDER BY number",
        )
        return [session_of(row) for row in rows]

    def session(self, number: int) -> RecordedSession:
        """
        Return one session by its number.

        Raises:
            ConfigurationError: the recording has no such session.
        """
        found = self.sessions()
        for each in found:
            if each.number == number:
                return each
        known = f"it has {found[0].number} to {found[-1].number}" if found else "it has none"
        raise ConfigurationError(f"{self.path} has no session {number}; {known}")

    def chunks(
        self, session: RecordedSession | int | None = None, *, since: Moment = None, until: Moment = None
    ) -> Iterator[RecordedChunk]:
        """
        Yield the chunks, as TCP cut them.

        Args:
            session: only those of this session.
            since: only those at this time or later.
            until: only those before this time.
        """
        return self._packed("chunks", chunk_of, session, since, until)

    def frames(
        self, session: RecordedSession | int | None = None, *, since: Moment = None, until: Moment = None
    ) -> Iterator[RecordedFrame]:
        """Yield the frames, also those of messages; the arguments are as for :meth:`chunks`."""
        return _merged(
            self._packed("frames", frame_of, session, since, until),
            (frame_in(each) for each in self.messages(session, since=since, until=until)),
        )

    def messages(
        self,
        session: RecordedSession | int | None = None,
        *,
        since: Moment = None,
        until: Moment = None,
        kind: MessageKind | None = None,
    ) -> Iterator[RecordedMessage]:
        """
        Yield the messages of declared conversations.

        Args:
            session, since, until: as for :meth:`chunks`.
            kind: only those of this kind.
        """
        also = {} if kind is None else {"kind": kind.value}
        return self._rows("messages", self._message, session, since, until, also=also)

    def faults(
        self, session: RecordedSession | int | None = None, *, since: Moment = None, until: Moment = None
    ) -> Iterator[RecordedFault]:
        """Yield the faults of framing and the half frames; the arguments are as for :meth:`chunks`."""
        return self._rows("faults", fault_of, session, since, until)

    def alterations(
        self, session: RecordedSession | int | None = None, *, since: Moment = None, until: Moment = None
    ) -> Iterator[RecordedAlteration]:
        """Yield the changes that a tool made to the traffic; the arguments are as for :meth:`chunks`."""
        return self._rows("alterations", alteration_of, session, since, until)

    def states(self, *, since: Moment = None, until: Moment = None) -> Iterator[RecordedState]:
        """Yield the states of links and servers; the arguments are as for :meth:`chunks`."""
        return self._rows("states", state_of, None, since, until)

    def gaps(self, *, since: Moment = None, until: Moment = None) -> Iterator[RecordedGap]:
        """
        Yield the gaps; the arguments are as for :meth:`chunks`.

        In a gap values were dropped, or they were deleted although older ones are kept, because of a fault.
        """
        return _merged(self._rows("gaps", gap_of, None, since, until), self._holes(since, until))

    def _holes(self, since: Moment, until: Moment) -> Iterator[RecordedGap]:
        """Yield a gap for each run of blocks that was deleted behind one that is kept."""
        for (_, last, _, ended_at), (first, _, began_at, _) in pairwise(self._blocks):
            is_within = (since is None or began_at >= _microseconds(since)) and (
                until is None or ended_at < _microseconds(until)
            )
            if first > last + 1 and is_within:
                yield RecordedGap(
                    number=last + 1,
                    at=ended_at,
                    until=began_at,
                    count=first - last - 1,
                    size=0,
                    reason="deleted, as newer values came; those around a fault are kept longer",
                )

    def everything(
        self, session: RecordedSession | int | None = None, *, since: Moment = None, until: Moment = None
    ) -> Iterator[Recorded]:
        """
        Yield all values in their order; the arguments are as for :meth:`chunks`.

        A frame that is in a message is not a value of its own. States and gaps have no session: they are
        among the values of each.
        """
        where = (session, since, until)
        return _merged(
            self._packed("chunks", chunk_of, *where),
            self._packed("frames", frame_of, *where),
            self._rows("messages", self._message, *where),
            self._rows("faults", fault_of, *where),
            self._rows("alterations", alteration_of, *where),
            self._rows("states", state_of, None, since, until),
            self.gaps(since=since, until=until),
        )

    def count(self, table: str) -> int:
        """Return the number of rows of a table, 0 if it cannot be read; ``table`` is like a method here."""
        if table in _FLAGS:
            return sum(1 for _ in self._packed(table, itself, None, None, None))
        select_from(table)  # it must be one of the tables
        found = self._small_table(table, f"SELECT count(*) FROM {table}")
        return int(found[0][0]) if found else 0

    def count_by_session(self) -> dict[int, int]:
        """Return the number of chunks of each session that has some."""
        return Counter(self._packed("chunks", itemgetter(2), None, None, None))

    def framed_sessions(self) -> set[int]:
        """Return the numbers of the sessions that have frames or messages."""
        messages = "SELECT DISTINCT session FROM messages"
        return {
            *self._packed("frames", itemgetter(2), None, None, None),
            *(number for (number,) in self._small_table("messages", messages)),
        }

    def numbers(self) -> tuple[int, int] | None:
        """Return the numbers of the first and the last value, or None if there are none."""
        return (self._blocks[0][0], self._blocks[-1][1]) if self._blocks else None

    def span(self) -> tuple[int, int] | None:
        """Return the times of the first and the last value in microseconds, or None if there are none."""
        if not self._blocks:
            return None
        return min(each[2] for each in self._blocks), max(each[3] for each in self._blocks)

    # -- reading

    def _small_table(self, table: str, query: str) -> list[Any]:
        rows: list[Any] = []
        try:
            rows.extend(self._connection.execute(query))
        except sqlite3.DatabaseError as error:
            self._damage.note(self._what_is_wrong(error), table)
        return rows

    def _rows(
        self,
        table: str,
        make: Callable[[Row], T],
        session: RecordedSession | int | None,
        since: Moment,
        until: Moment,
        *,
        also: Mapping[str, Any] = _NOTHING,
    ) -> Iterator[T]:
        """Yield the rows of a table in order, and skip the blocks that cannot be read."""
        conditions = [f'"{name}" = ?' for name in also]
        values: list[Any] = [*also.values()]
        if session is not None:
            number = session if isinstance(session, int) else session.number
            conditions.append("session = ?")
            values.append(number)
        if since is not None:
            conditions.append("at >= ?")
            values.append(_microseconds(since))
        if until is not None:
            conditions.append("at < ?")
            values.append(_microseconds(until))
        before = self._before(session, since)
        rows = self._in_order(table, conditions, values, before, source=table, at_once=_ROWS_AT_ONCE)
        yield from map(make, rows)

    def _packed(
        self,
        table: str,
        make: Callable[[Row], T],
        session: RecordedSession | int | None,
        since: Moment,
        until: Moment,
    ) -> Iterator[T]:
        """Yield the chunks or the frames in order, as far as the packs can be read."""
        flag = _FLAGS[table]
        number = session.number if isinstance(session, RecordedSession) else session
        least = -1 if since is None else _microseconds(since)
        most = _NEVER if until is None else _microseconds(until)
        before = self._before(session, since)
        packs = self._in_order(
            table, ["ended_at >= ?"], [least], before, source="packs", at_once=_PACKS_AT_ONCE
        )
        for last, _, pack in packs:
            try:
                rows = rows_of(pack, flag)
            except DamagedPack as damage:
                rows = damage.rows
                self._damage.note(_DAMAGED, table, f"some before number {last}")
            for row in rows:
                if row[1] >= most:
                    return
                if row[1] >= least and (number is None or row[2] == number):
                    yield make(row)

    def _in_order(
        self,
        table: str,
        conditions: list[str],
        values: list[Any],
        after: int | None,
        *,
        source: str,
        at_once: int,
    ) -> Iterator[Row]:
        """
        Yield the rows of a table behind a number in order, and skip the blocks that cannot be read.

        Args:
            table: the name of the values, for problems.
            conditions, values: of the rows.
            after: the number.
            source: the table.
            at_once: rows of one query.
        """
        where = " AND ".join(["number > ?", *conditions])
        query = f"{select_from(source)} WHERE {where} ORDER BY number LIMIT {at_once}"
        while after is not None:
            rows, problem = self._query(query, (after, *values), TYPES[source])
            yield from rows
            if problem:
                after = self._behind_damage(table, rows[-1][0] if rows else after, problem)
            elif len(rows) < at_once:
                return
            else:
                after = rows[-1][0]

    def _query(
        self, query: str, values: tuple[Any, ...], types: tuple[tuple[type[Any], ...], ...]
    ) -> tuple[list[tuple[Any, ...]], str]:
        """Return the rows of a query, and the problem that ended them, if there is one."""
        rows: list[tuple[Any, ...]] = []
        last = values[0]
        try:
            for row in self._connection.execute(query, values):
                if not all(map(isinstance, row, types)) or row[0] <= last:
                    return rows, _DAMAGED
                last = row[0]
                rows.append(row)
        except sqlite3.DatabaseError as error:
            return rows, self._what_is_wrong(error)
        return rows, ""

    def _before(self, session: RecordedSession | int | None, since: Moment) -> int:
        """Return a number before the first row that is asked for."""
        least = session.first if isinstance(session, RecordedSession) else 0
        if since is not None:
            at = _microseconds(since)
            firsts = [first for first, _, _, ended_at in self._blocks if ended_at >= at]
            if self._blocks:
                least = max(least, min(firsts, default=self._blocks[-1][1] + 1))
        return least - 1

    def _behind_damage(self, table: str, number: int, problem: str) -> int | None:
        """Note that rows are missing. Return a number behind them, or None if all others are missing."""
        for first, _, began_at, _ in self._blocks:
            if first > number + 1:
                self._damage.note(problem, table, f"some before {_words_for(began_at)}")
                return first - 1
        self._damage.note(problem, table, "the newest")
        return None

    def _message(self, row: Row) -> RecordedMessage:
        (number, at, session, sent, frame, masked) = row[:6]
        (kind, name, values, answers, seconds, problem) = row[6:]
        try:
            known = json.loads(values)
        except (TypeError, ValueError):
            known = None
        if not isinstance(known, dict):
            self._note(f"the values of message {number} cannot be read")
            known = {}
        return RecordedMessage(
            number=number,
            at=at,
            session=session,
            sent=bool(sent),
            frame=frame,
            masked=bool(masked),
            kind=_KINDS.get(kind, MessageKind.OTHER),
            name=name,
            values=known,
            answers=answers,
            seconds=seconds,
            problem=problem,
        )

    def _note(self, problem: str) -> None:
        if problem not in self._notes:
            self._notes.append(problem)

    def _words(self, what: str, error: sqlite3.Error) -> str:
        return f"{self.path} {what}: {self._what_is_wrong(error)}"

    @staticmethod
    def _what_is_wrong(error: sqlite3.Error) -> str:
        is_cut = str(error).startswith("no such table")  # a recording has them all
        return _DAMAGED if is_cut or is_damage(error) else str(error)


def _open(path: Path, *, is_at_rest: bool) -> sqlite3.Connection:
    """
    Open a database for reading, also one in a folder where nothing can be written.

    Args:
        path: the file.
        is_at_rest: True if no recorder writes it. Then SQLite makes no files beside it.
    """
    address = path.absolute().as_uri()
    if is_at_rest:
        return _opened(f"{address}?immutable=1")
    try:
        return _opened(f"{address}?mode=ro")
    except sqlite3.OperationalError:  # the files beside it cannot be made there
        return _opened(f"{address}?immutable=1")


def _opened(address: str) -> sqlite3.Connection:
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
    try:
        # Only so does SQLite read a file that is shorter than its header says. Nothing is written.
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA application_id").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _merged(*sources: Iterator[Any]) -> Iterator[Any]:
    return heapq.merge(*sources, key=attrgetter("number"))


def _size(path: Path) -> int:
    """Return the bytes of a file, 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _microseconds(moment: datetime | int) -> int:
    if isinstance(moment, int):
        return moment
    return round(moment.timestamp() * 1_000_000)


def _words_for(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1_000_000):%Y-%m-%d %H:%M:%S}"
