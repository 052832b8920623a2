"""The messages of an outbox in its file: :class:`Store`. One thread uses it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred

from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.outbox.database import (
    Connect,
    FileKind,
    connect,
    open_database,
    pragma,
    rows_of,
    transaction,
)
from tcpcomm.plant.outbox.schema import APPLICATION_ID, FORMAT, PROBLEM_OF, TABLES

OUTBOX: Final = FileKind(
    "an outbox",
    APPLICATION_ID,
    FORMAT,
    TABLES,
    "keep a copy of it and of its -wal; 'sqlite3 FILE .recover' may read messages out of it; then name a "
    "new file",
)

MOST_BATCH_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a batch for a sink. The batch ends, with one message at least."""

_WINDOW: Final = 4096
"""Deliveries that one look for messages goes through, while some sources must wait."""

_ROW_BYTES: Final = 120
"""Bytes of a message in the file beside its texts and its body, about."""

_COUNTS: Final = ("depth", "delivered", "refused", "expired", "set_aside")


@define(eq=False)
class Post:
    """One message that waits to be stored."""

    sinks: tuple[int, ...]
    topic: str
    source: str
    content_type: str
    body: bytes
    posted_at: float
    expires_at: float | None
    done: Deferred[str]


@frozen(kw_only=True)
class Refused:
    """One message that a sink refused."""

    number: int
    reason: str
    is_last: bool
    """True if it is set aside now."""


@frozen(kw_only=True)
class Fetched:
    """The messages that a sink gets next."""

    messages: Sequence[OutboxMessage]
    looked_up_to: int
    """The number of the last message that was looked at."""
    has_more: bool
    """True if another look may find more."""
    expired: Sequence[int] = ()
    """The messages that are worth nothing any more."""
    refused_before: Set[str] = frozenset()
    """The sources of messages that were left out, because the sink refused such a message before."""


@frozen(kw_only=True)
class Counts:
    """The counts of one sink in the file."""

    number: int
    is_named: bool
    depth: int = 0
    delivered: int = 0
    refused: int = 0
    expired: int = 0
    set_aside: int = 0
    oldest: float | None = None
    """The time when the oldest message that waits was posted."""


@frozen(kw_only=True)
class Totals:
    """All counts of a file."""

    sinks: Mapping[str, Counts]
    messages: int
    posted: int
    bytes: int


class Full(Exception):
    """A message has no room. The text says why."""


@define
class _Changes:
    """The changes of a transaction to the counts."""

    messages: int = 0
    posted: int = 0
    sinks: dict[int, dict[str, int]] = field(factory=dict)
    heads: set[int] = field(factory=set)
    """The sinks for which the oldest message may be another one."""

    def count(self, sink: int, name: str, change: int) -> None:
        """Add to a count of a sink."""
        counts = self.sinks.setdefault(sink, dict.fromkeys(_COUNTS, 0))
        counts[name] += change


class Store:
    """
    The open database of an outbox.

    Args:
        path: the file.
        sinks: the sinks that the program names.
        max_bytes: the bytes of the file that messages may fill.
        max_messages: the messages that it may hold.
        opener: opens the database.

    Raises:
        ConfigurationError: the file is not an outbox, is damaged, or cannot be used.
        sqlite3.Error: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        sinks: Sequence[str],
        *,
        max_bytes: int,
        max_messages: int,
        opener: Connect = connect,
    ) -> None:
        self._db = open_database(path, OUTBOX, opener)
        try:
            self._max_bytes = max_bytes
            self._max_messages = max_messages
            self._page_size = pragma(self._db, "page_size")
            self._changes = _Changes()
            self._is_durable = True
            self.outbox_id = self._prepare(sinks)
            self._version = pragma(self._db, "data_version")
            self.totals = self._read_totals()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, sinks: Sequence[str]) -> str:
        """Note the sinks that the program names. Return the id of the outbox."""
        found = self._db.execute("SELECT value FROM facts WHERE name = 'id'").fetchone()
        named = {name for (name,) in rows_of(self._db, "SELECT name FROM sinks WHERE is_named")}
        known = {name for (name,) in rows_of(self._db, "SELECT name FROM sinks")}
        if found is None or named != set(sinks) or not known >= set(sinks):
            with transaction(self._db):
                if found is None:
                    found = (os.urandom(4).hex(),)
                    self._db.execute("INSERT INTO facts VALUES ('id', ?)", found)
                self._db.execute("UPDATE sinks SET is_named = 0")
                for name in sinks:
                    self._db.execute(
                        "INSERT INTO sinks(name, is_named) VALUES (?, 1) "
                        "ON CONFLICT(name) DO UPDATE SET is_named = 1",
                        (name,),
                    )
        return str(found[0])

    def _read_totals(self) -> Totals:
        self._db.execute("BEGIN")
        try:
            rows = rows_of(
                self._db, f"SELECT name, number, is_named, {', '.join(_COUNTS)} FROM sinks ORDER BY name"
            )
            sinks = {
                name: Counts(
                    number=number,
                    is_named=bool(is_named),
                    oldest=self._oldest(number),
                    **dict(zip(_COUNTS, counts, strict=True)),
                )
                for name, number, is_named, *counts in rows
            }
            messages, posted = self._db.execute("SELECT messages, posted FROM totals").fetchone()
            last = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
        finally:
            self._db.execute("ROLLBACK")
        self._last = int(last[0]) if last else 0
        return Totals(sinks=sinks, messages=messages, posted=posted, bytes=self._used())

    def _oldest(self, sink: int) -> float | None:
        found = self._db.execute(
            "SELECT posted_at FROM messages WHERE number = "
            "(SELECT min(number) FROM deliveries WHERE sink = ?)",
            (sink,),
        ).fetchone()
        return None if found is None else float(found[0])

    def _used(self) -> int:
        return (pragma(self._db, "page_count") - pragma(self._db, "freelist_count")) * self._page_size

    def has_changed(self) -> bool:
        """Return True if another program, such as ``tcpcomm outbox``, has changed the file since."""
        version = pragma(self._db, "data_version")
        if version == self._version:
            return False
        self.totals = self._read_totals()
        self._version = version
        return True

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """
        Write all that is written within, and the counts, or nothing.

        Args:
            durable: False if a power cut may undo it, until the next durable transaction. That saves the
                wait for the disk.

        Raises:
            sqlite3.Error: nothing is written.
        """
        if durable is not self._is_durable:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._is_durable = durable
        self._changes = changes = _Changes()
        last = self._last
        try:
            with transaction(self._db):
                yield
                totals = self._write_counts(changes)
        except BaseException:
            self._last = last
            raise
        self.totals = totals

    def _write_counts(self, changes: _Changes) -> Totals:
        """Write the changed counts. Return all counts, which hold after the commit."""
        if changes.messages or changes.posted:
            self._db.execute(
                "UPDATE totals SET messages = messages + ?, posted = posted + ?",
                (changes.messages, changes.posted),
            )
        sinks = dict(self.totals.sinks)
        for name, counts in self.totals.sinks.items():
            change = changes.sinks.get(counts.number)
            if change is None:
                continue
            self._db.execute(_COUNT, (*change.values(), counts.number))
            new = {each: getattr(counts, each) + change[each] for each in _COUNTS}
            oldest = counts.oldest
            if oldest is None or counts.number in changes.heads:
                oldest = self._oldest(counts.number)
            sinks[name] = evolve(counts, oldest=oldest, **new)
        return Totals(
            sinks=sinks,
            messages=self.totals.messages + changes.messages,
            posted=self.totals.posted + changes.posted,
            bytes=self._used(),
        )

    def add(self, posts: Sequence[Post]) -> list[int | Full]:
        """Store messages. Return their numbers, or the reason why there is no room for one."""
        number = self._last
        used, held = self._used(), self.totals.messages + self._changes.messages
        messages: list[tuple[Any, ...]] = []
        deliveries: list[tuple[int, int, str]] = []
        outcomes: list[int | Full] = []
        added: dict[int, int] = {}
        for post in posts:
            source = post.source
            texts = len(post.topic) + len(source) * (1 + 2 * len(post.sinks))
            size = len(post.body) + texts + _ROW_BYTES
            if used + size > self._max_bytes or held >= self._max_messages:
                outcomes.append(self._no_room(held, used, size))
                continue
            used += size
            number += 1
            held += 1
            outcomes.append(number)
            messages.append(
                (number, len(post.sinks), post.posted_at, post.expires_at, post.content_type, post.topic,
                 source, post.body)
            )  # fmt: skip
            for sink in post.sinks:
                deliveries.append((sink, number, source))
                added[sink] = added.get(sink, 0) + 1
        for sink, count in added.items():
            self._changes.count(sink, "depth", count)
        self._db.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", messages)
        self._db.executemany("INSERT INTO deliveries(sink, number, source) VALUES (?, ?, ?)", deliveries)
        self._changes.messages += len(messages)
        self._changes.posted += len(messages)
        self._last = number
        return outcomes

    def _no_room(self, held: int, used: int, size: int) -> Full:
        if held >= self._max_messages:
            return Full(f"the outbox is full: it holds {held:,} messages, and max_messages is "
                        f"{self._max_messages:,}")  # fmt: skip
        return Full(
            f"the outbox is full: {used / 2**20:,.1f} MiB of its file are used, max_mib is "
            f"{self._max_bytes / 2**20:,.1f}, and the message takes {size:,} bytes"
        )

    def confirm(self, sink: int, numbers: Sequence[int], *, counted: str = "delivered") -> None:
        """Delete the deliveries of some messages, and the messages that no other sink needs."""
        rows = [(sink, number) for number in numbers]
        deleted = self._db.executemany(
            "DELETE FROM deliveries WHERE sink = ? AND number = ?", rows
        ).rowcount
        self._release(numbers)
        self._changes.count(sink, counted, deleted)
        self._changes.count(sink, "depth", -deleted)
        self._changes.heads.add(sink)

    def _release(self, numbers: Sequence[int]) -> None:
        """Count one sink less for some messages, and delete those that were for that sink only."""
        rows = [(number,) for number in numbers]
        deleted = self._db.executemany(
            'DELETE FROM messages WHERE number = ? AND "left" = 1', rows
        ).rowcount
        if deleted < len(rows):
            self._db.executemany('UPDATE messages SET "left" = "left" - 1 WHERE number = ?', rows)
        self._changes.messages -= deleted

    def refuse(self, sink: int, refused: Sequence[Refused], now: float) -> None:
        """Count refusals of some messages, and set those aside that were refused too often."""
        for each in refused:
            self._db.execute(
                "UPDATE deliveries SET attempts = attempts + 1, reason = ? WHERE sink = ? AND number = ?",
                (each.reason, sink, each.number),
            )
            if each.is_last:
                self._db.execute(
                    "INSERT INTO aside SELECT sink, number, source, attempts, reason, ? FROM deliveries "
                    "WHERE sink = ? AND number = ?",
                    (now, sink, each.number),
                )
                self._db.execute(
                    "DELETE FROM deliveries WHERE sink = ? AND number = ?", (sink, each.number)
                )
                self._changes.count(sink, "depth", -1)
                self._changes.count(sink, "set_aside", 1)
                self._changes.heads.add(sink)
        self._changes.count(sink, "refused", len(refused))

    def note_problem(self, sink: int, problem: str, at: float) -> None:
        """Note why a sink gets nothing, and when that was seen. An empty problem deletes the note."""
        name = f"{PROBLEM_OF}{sink}"
        if problem:
            value = json.dumps([at, problem], ensure_ascii=False)
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
        else:
            self._db.execute("DELETE FROM facts WHERE name = ?", (name,))

    def fetch(self, sink: int, after: int, most: int, waiting: Set[str], now: float) -> Fetched:
        """
        Return the messages of a sink behind a number, in order.

        Args:
            sink: the number of the sink.
            after: the number after which to begin.
            most: the most messages to return.
            waiting: the sources that must wait. Messages of sources of which the sink refused one before
                are left out, too.
            now: the wall clock's time.
        """
        if not waiting:
            rows = self._db.execute(_NEXT, (sink, after, most))
            return self._take(rows, after, most, now, leave_refused=True)
        window = rows_of(
            self._db,
            "SELECT number, source FROM deliveries WHERE sink = ? AND number > ? ORDER BY number LIMIT ?",
            sink, after, _WINDOW,
        )  # fmt: skip
        chosen = [number for number, source in window if source not in waiting][:most]
        found = self._take(self._rows(sink, chosen), after, most, now, leave_refused=True)
        if found.has_more or not window:
            return found
        return evolve(found, looked_up_to=window[-1][0], has_more=len(window) == _WINDOW)

    def _rows(self, sink: int, numbers: Sequence[int]) -> Iterator[Any]:
        for number in numbers:
            yield from self._db.execute(_ONE, (sink, number))

    def fetch_source(self, sink: int, source: str, up_to: int, most: int, now: float) -> Fetched:
        """
        Return the first messages of one source, up to a number, in order.

        If the first one was refused before, those behind it that were never refused are left out.
        """
        rows = self._db.execute(_NEXT_OF_SOURCE, (sink, source, up_to, most))
        return self._take(rows, 0, most, now, leave_refused=False)

    def _take(
        self, rows: Iterator[Any], after: int, most: int, now: float, *, leave_refused: bool
    ) -> Fetched:
        messages: list[OutboxMessage] = []
        expired: list[int] = []
        left_out: set[str] = set()
        looked, size, prefix, count = after, 0, self.outbox_id, 0
        is_cut = False
        for number, attempts, posted, expires, kind, topic, source, body in rows:
            if expires is not None and expires <= now:
                expired.append(number)
            elif leave_refused and (attempts or source in left_out):
                left_out.add(source)
            else:
                is_other = (
                    bool(messages) and not leave_refused and (not attempts) != (not messages[0].attempts)
                )
                if is_other or (messages and size + len(body) > MOST_BATCH_BYTES):
                    is_cut = True
                    break
                size += len(body)
                messages.append(
                    OutboxMessage(
                        id=f"{prefix}-{number}", number=number, topic=topic, source=source, body=body,
                        content_type=kind, posted_at=posted, expires_at=expires, attempts=attempts,
                    )
                )  # fmt: skip
            looked = number
            count += 1
        return Fetched(
            messages=messages,
            looked_up_to=looked,
            has_more=is_cut or count >= most,
            expired=expired,
            refused_before=left_out,
        )

    def make_room_in_log(self) -> None:
        """
        Move the rows of the file ``-wal`` into the database, so that its space can be used again.

        Raises:
            sqlite3.Error: that is impossible now.
        """
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        """Close the database. SQLite moves the file ``-wal`` into it."""
        self._db.close()


_COUNT: Final = f"UPDATE sinks SET {', '.join(f'{each} = {each} + ?' for each in _COUNTS)} WHERE number = ?"

_COLUMNS: Final = (
    "d.number, d.attempts, m.posted_at, m.expires_at, m.content_type, m.topic, m.source, m.body "
    "FROM deliveries AS d CROSS JOIN messages AS m ON m.number = d.number"
)
_NEXT: Final = f"SELECT {_COLUMNS} WHERE d.sink = ? AND d.number > ? ORDER BY d.number LIMIT ?"
_ONE: Final = f"SELECT {_COLUMNS} WHERE d.sink = ? AND d.number = ?"
_NEXT_OF_SOURCE: Final = (
    f"SELECT {_COLUMNS} WHERE d.sink = ? AND d.source = ? AND d.number <= ? ORDER BY d.number LIMIT ?"
)

Job = Callable[[Store], Any]
"""Something that the thread of the store does."""
