"""Results in a SQLite file, one row a message: :class:`Sqlite`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.rows import ReportRow, iso_text, time_of
from tcpcomm.plant.sinks.threaded_connection import ThreadedConnection, converted

ROWS_KEPT_DAYS: Final = 365.0
"""Days for which a row stays in a file of SQLite. Then it is deleted. Change it with ``keep_days``."""

DELETED_AT_ONCE: Final = 10_000
"""Old rows that are deleted after one batch, so that no batch waits long. The next batch deletes more."""

_COLUMNS: Final = (
    "id", "at", "source", "topic", "link", "kind", "name", "seconds", "problem", "values", "content_type",
    "body",
)  # fmt: skip

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS reports (
    id TEXT PRIMARY KEY, at TEXT NOT NULL, source TEXT NOT NULL, topic TEXT NOT NULL, link TEXT NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, seconds REAL, problem TEXT NOT NULL, "values" TEXT,
    content_type TEXT NOT NULL, body BLOB
)
"""
_INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS reports_by_time ON reports(at)",
    "CREATE INDEX IF NOT EXISTS reports_by_link ON reports(link, name, at)",
)
_NAMES: Final = ", ".join(f'"{each}"' for each in _COLUMNS)
_INSERT: Final = f"INSERT OR IGNORE INTO reports ({_NAMES}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_DELETE: Final = "DELETE FROM reports WHERE rowid IN (SELECT rowid FROM reports WHERE at < ? LIMIT ?)"
_SQLITE: Final = b"SQLite format 3\0"
_BUSY: Final = 5.0  # seconds to wait for another program that has locked the file
_MOST_DAYS: Final = 36_500


def _check_path(instance: Sqlite, attribute: Any, value: str) -> None:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigurationError("path must be the name of a file, such as results.sqlite")


def _check_days(instance: Sqlite, attribute: Any, value: float) -> None:
    if not 0 < value <= _MOST_DAYS:
        raise ConfigurationError(f"keep_days must be above 0 and at most {_MOST_DAYS}, not {value}")


@frozen(kw_only=True)
class Sqlite(Sink):
    """
    Writes each message as a row of the table ``reports`` of a SQLite file.

    A message that comes again is not written again. Rows are in the file for good when they are confirmed,
    also after a power cut.

    Args:
        path: the file. Its folder must be there.
        keep_days: the days after which rows are deleted. Their space is used again.
    """

    kind: ClassVar[str] = "sqlite"

    path: str = field(validator=_check_path)
    keep_days: float = field(default=ROWS_KEPT_DAYS, validator=_check_days)

    def open(self, name: str, reactor: Any) -> SqliteConnection:
        return SqliteConnection(self, name, reactor)


class SqliteConnection(ThreadedConnection):
    """
    Writes to the file of a :class:`Sqlite`.

    Args:
        sink: the configuration.
        name: the name of the sink.
        reactor: the reactor, or a test's clock.
        now: returns the seconds since 1970, for the age of rows.
        opener: opens the database.

    Raises:
        ConfigurationError: the folder of the file is missing, or the file is something else.
    """

    def __init__(
        self,
        sink: Sqlite,
        name: str,
        reactor: Any,
        *,
        now: Callable[[], float] = time.time,
        opener: Callable[[str], sqlite3.Connection] | None = None,
    ) -> None:
        self._path = Path(sink.path).absolute()  # a daemon goes to another folder
        _check_file(self._path)
        self._keep = timedelta(days=sink.keep_days)
        self._now = now
        self._opener = opener or _open
        self._connection: sqlite3.Connection | None = None
        super().__init__(name, reactor)

    def write(self, messages: Sequence[OutboxMessage]) -> dict[str, str]:
        """Write a batch, in the thread."""
        refused: dict[str, str] = {}
        rows = converted(messages, lambda each: _values(ReportRow.of(each)), refused)
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            for row in rows:
                try:
                    connection.execute(_INSERT, row)
                except (sqlite3.DataError, sqlite3.IntegrityError) as error:
                    refused[row[0]] = f"the table reports refuses it: {error}"
            oldest = iso_text(time_of(self._now()) - self._keep)
            connection.execute(_DELETE, (oldest, DELETED_AT_ONCE))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.end()
            raise SinkUnavailable(_words(self._path, error)) from None
        return refused

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = self._connection = self._opener(str(self._path))
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(_TABLE)
            found = {row[1] for row in connection.execute("PRAGMA table_info(reports)")}
            if missing := [each for each in _COLUMNS if each not in found]:
                self.end()
                raise SinkUnavailable(
                    f"{self._path}: its table reports is another one, without {', '.join(missing)}: rename "
                    "that table, or name another file"
                )
            for each in _INDEXES:
                connection.execute(each)
        return self._connection

    def end(self) -> None:
        """Close the database, in the thread. What was not committed is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def interrupt(self) -> None:
        """Let a statement that takes too long fail, in the reactor's thread."""
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.Error):  # it was closed at this moment
                connection.interrupt()


def _open(path: str) -> sqlite3.Connection:
    # Only the thread uses it; interrupt() alone may be called by another.
    return sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path}: there is no folder {path.parent}: make it first") from None
        return
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot open it: {error.strerror or error}") from None
    if head and head != _SQLITE:
        raise ConfigurationError(f"{path} is no SQLite file: name a new file")


def _values(row: ReportRow) -> tuple[Any, ...]:
    return (
        row.id, row.at_text, row.source, row.topic, row.link, row.kind, row.name, row.seconds, row.problem,
        row.values, row.content_type, row.body,
    )  # fmt: skip


_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: make room, and the results that wait are written",
    sqlite3.SQLITE_BUSY: "another program has locked it: end its transaction",
    sqlite3.SQLITE_READONLY: "it is read-only: let this program write it and its folder",
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it away, and a new one begins",
    sqlite3.SQLITE_NOTADB: "it is no SQLite file: move it away, and a new one begins",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: look at its folder and its permissions",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_INTERRUPT: "it took too long to write",
}


def _words(path: Path, error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the detail that the upper bits tell
    advice = _ADVICE.get(code)
    return f"{path}: {error}" if advice is None else f"{path}: {advice} ({error})"
