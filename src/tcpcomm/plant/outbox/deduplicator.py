"""The receiver's side of delivery at least once: :class:`Deduplicator`."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.outbox.database import FileKind, open_database, transaction

KEEP_DAYS: Final = 30.0
"""
Days for which a ``Deduplicator`` remembers an id. Then the id is forgotten, and the message is new again.
Change it with ``keep_days``.
"""

MAX_IDS: Final = 10_000_000
"""
Ids that a ``Deduplicator`` remembers. Those of the oldest days are forgotten. Change it with ``max_ids``.
"""

_APPLICATION_ID: Final = int.from_bytes(b"tcpd", "big")
_TABLES: Final = (
    "CREATE TABLE outboxes(number INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE days(day INTEGER PRIMARY KEY, ids INTEGER)",
    # a day stands first, so that forgetting it deletes neighbours
    "CREATE TABLE seen(day INTEGER, outbox INTEGER, id, PRIMARY KEY(outbox, id)) WITHOUT ROWID",
    "CREATE INDEX seen_by_day ON seen(day)",
)
_KIND: Final = FileKind(
    "a file of a Deduplicator",
    _APPLICATION_ID,
    1,
    _TABLES,
    "delete it; then a message that comes again is new",
)
_ID: Final = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,17})")
_OTHER: Final = 0
"""The number of the outbox of ids that no outbox has made; such an id is stored as its text."""
_SECONDS_OF_DAY: Final = 86_400
_LONGEST_ID: Final = 1000
_FORGOTTEN_AT_ONCE: Final = 1000
"""Old ids that one transaction deletes at most, so that none takes long."""


class Deduplicator:
    """
    Remembers which messages were processed, in a file, so that none is processed twice.

    ::

        with dedup.once(message_id) as is_new:
            if is_new:
                store(message)

    An id is remembered when the block ends without an error. If the program crashes within the block, the
    message is new again. All methods may be called from any thread, and one block runs at a time.

    Args:
        path: the file. Several programs may use it, each in its turn.
        keep_days: days after which an id is forgotten.
        max_ids: ids beyond which those of the oldest days are forgotten.
        wall_clock: returns the time of day, in seconds since 1970.

    Raises:
        ConfigurationError: the file is another one, is damaged, or belongs to a newer version; or an
            argument is wrong.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep_days: float = KEEP_DAYS,
        max_ids: int = MAX_IDS,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        if not (isinstance(keep_days, int | float) and 0 < keep_days < 1e6):
            raise ConfigurationError(f"keep_days must be a number above 0, not {keep_days!r}")
        if not (isinstance(max_ids, int) and max_ids >= 1):
            raise ConfigurationError(f"max_ids must be a number of at least 1, not {max_ids!r}")
        self.path = Path(path).absolute()
        self._keep_days = keep_days
        self._max_ids = max_ids
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._owner = 0
        self._db = open_database(self.path, _KIND, _connect)

    @contextmanager
    def once(self, message_id: str) -> Iterator[bool]:
        """
        Give True if a message is new, and remember it when the block ends without an error.

        Raises:
            sqlite3.Error: the file cannot be written, so that the message will be new again.
            ConfigurationError: as :meth:`once_each`.
        """
        with self.once_each([message_id]) as new:
            yield bool(new)

    @contextmanager
    def once_each(self, message_ids: Iterable[str]) -> Iterator[frozenset[str]]:
        """
        Give those of several messages that are new, and remember them when the block ends without an error.

        One commit for a batch is much faster than one for each message.

        Raises:
            sqlite3.Error: the file cannot be written, so that the messages will be new again.
            ConfigurationError: an id is longer than 1000 characters; or this thread is in such a block, as
                when a block awaits something and another handler begins.
        """
        if self._owner == threading.get_ident():
            raise ConfigurationError(
                f"{self.path}: this thread is in a block of once() already: do not await anything in it"
            )
        with self._lock:
            self._owner = threading.get_ident()
            try:
                with transaction(self._db):
                    yield frozenset(each for each in message_ids if self._remember(each))
            finally:
                self._owner = 0

    def is_new(self, message_id: str) -> bool:
        """Return True if a message is new, and remember it."""
        with self.once(message_id) as is_new:
            return is_new

    def __len__(self) -> int:
        """The number of ids that are remembered."""
        with self._lock:
            (count,) = self._db.execute("SELECT coalesce(sum(ids), 0) FROM days").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _remember(self, message_id: str) -> bool:
        if len(message_id) > _LONGEST_ID:
            raise ConfigurationError(f"an id of {len(message_id):,} characters is too long: 1,000 at most")
        found = _ID.fullmatch(message_id)
        place: tuple[int, int | str] = (_OTHER, message_id)
        if found is not None:
            place = (self._outbox(found[1]), int(found[2]))
        day = int(self._wall_clock() // _SECONDS_OF_DAY)
        run = self._db.execute
        if not run("INSERT OR IGNORE INTO seen(day, outbox, id) VALUES (?, ?, ?)", (day, *place)).rowcount:
            return False
        run("INSERT INTO days VALUES (?, 1) ON CONFLICT(day) DO UPDATE SET ids = ids + 1", (day,))
        self._forget(day)
        return True

    def _outbox(self, name: str) -> int:
        """Return the number of an outbox in the file."""
        query = "SELECT number FROM outboxes WHERE name = ?"
        found = self._db.execute(query, (name,)).fetchone()
        if found is None:
            self._db.execute("INSERT INTO outboxes(name) VALUES (?)", (name,))
            found = self._db.execute(query, (name,)).fetchone()
        return int(found[0])

    def _forget(self, today: int) -> None:
        """Forget some ids of the oldest day, if that is too old or there are too many."""
        oldest, count = self._db.execute("SELECT min(day), sum(ids) FROM days").fetchone()
        if oldest >= today - self._keep_days and count <= self._max_ids:
            return
        most = _FORGOTTEN_AT_ONCE if oldest < today - self._keep_days else count - self._max_ids
        run = self._db.execute
        deleted = run(
            "DELETE FROM seen WHERE (outbox, id) IN (SELECT outbox, id FROM seen WHERE day = ? LIMIT ?)",
            (oldest, min(most, _FORGOTTEN_AT_ONCE)),
        ).rowcount
        run("UPDATE days SET ids = ids - ? WHERE day = ?", (deleted, oldest))
        run("DELETE FROM days WHERE day = ? AND ids <= 0", (oldest,))


def _connect(path: str) -> sqlite3.Connection:
    """Open a database that several threads use, one at a time."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)
