"""Look into an outbox file, and change the messages set aside: :class:`OutboxFile`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.outbox.database import is_damage, open_database, rows_of, transaction
from tcpcomm.plant.outbox.schema import PROBLEM_OF
from tcpcomm.plant.outbox.store import OUTBOX

_AT_ONCE: Final = 500
"""Messages of one transaction, so that the program that uses the file hardly waits."""


@frozen(kw_only=True)
class SinkRow:
    """The figures of a sink in the file."""

    name: str
    is_named: bool
    """True if the program that used the file last names the sink."""
    depth: int
    oldest: float | None
    """The time when the oldest message that waits was posted, in seconds since 1970."""
    delivered: int
    refused: int
    expired: int
    set_aside: int
    problem: str = ""
    """The reason why it gets nothing, as the program that uses the file noted it last; empty if it does."""
    problem_at: float = 0.0
    """The time when that was noted, in seconds since 1970."""


@frozen(kw_only=True)
class AsideRow:
    """A message that is set aside."""

    id: str
    sink: str
    topic: str
    source: str
    attempts: int
    reason: str
    at: float
    """The time when it was set aside, in seconds since 1970."""


@frozen(kw_only=True)
class PendingSink:
    """A sink that has not confirmed a message."""

    name: str
    attempts: int
    reason: str
    is_aside: bool


class OutboxFile(AbstractContextManager["OutboxFile"]):
    """
    Reads an outbox file for people.

    Args:
        path: the file.

    Raises:
        ConfigurationError: there is no such file, it is not an outbox, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigurationError(f"{path}: there is no such file")
        self.path = path
        self._db = open_database(path, OUTBOX)
        found = self._one("SELECT value FROM facts WHERE name = 'id'")
        self.outbox_id = "" if found is None else str(found[0])

    def __exit__(self, *raised: object) -> None:
        self._db.close()

    def _one(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()

    def totals(self) -> tuple[int, int]:
        """Return the number of messages in the file, and of all that were posted."""
        messages, posted = self._one("SELECT messages, posted FROM totals")
        return int(messages), int(posted)

    def sinks(self) -> list[SinkRow]:
        """Return the sinks by name."""
        rows = rows_of(
            self._db,
            "SELECT name, is_named, depth, (SELECT posted_at FROM messages WHERE number = "
            "(SELECT min(number) FROM deliveries WHERE sink = sinks.number)), delivered, refused, expired, "
            "set_aside, (SELECT value FROM facts WHERE name = ? || sinks.number) FROM sinks ORDER BY name",
            PROBLEM_OF,
        )
        return [
            SinkRow(
                name=name,
                is_named=bool(is_named),
                depth=depth,
                oldest=oldest,
                delivered=delivered,
                refused=refused,
                expired=expired,
                set_aside=aside,
                **_problem(noted),
            )
            for name, is_named, depth, oldest, delivered, refused, expired, aside, noted in rows
        ]

    def aside(self, most: int | None = None) -> list[AsideRow]:
        """Return the messages that are set aside, the oldest first."""
        rows = rows_of(
            self._db,
            "SELECT aside.number, sinks.name, topic, messages.source, attempts, reason, at FROM aside "
            "JOIN sinks ON sinks.number = sink JOIN messages ON messages.number = aside.number "
            "ORDER BY aside.number LIMIT ?",
            -1 if most is None else most,
        )
        return [
            AsideRow(
                id=f"{self.outbox_id}-{number}",
                sink=sink,
                topic=topic,
                source=source,
                attempts=attempts,
                reason=reason or "",
                at=at,
            )
            for number, sink, topic, source, attempts, reason, at in rows
        ]

    def number_of(self, message_id: str) -> int:
        """
        Return the number of a message by its id, or by the number itself.

        Raises:
            ConfigurationError: it is no id of this outbox, or there is no such message.
        """
        outbox, _, number = message_id.rpartition("-")
        if outbox not in ("", self.outbox_id) or not (number.isascii() and number.isdigit()):
            raise ConfigurationError(
                f"{message_id!r} is no id of a message in {self.path}: they begin with {self.outbox_id}-"
            )
        if len(number) > 18 or self._one("SELECT 1 FROM messages WHERE number = ?", int(number)) is None:
            raise self._no_message(message_id)
        return int(number)

    def _no_message(self, message_id: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path}: there is no message {message_id}: it was confirmed, dropped, or expired"
        )

    def message(self, number: int) -> tuple[OutboxMessage, list[PendingSink]]:
        """Return a message, and the sinks that have not confirmed it."""
        found = self._one(
            "SELECT posted_at, expires_at, content_type, topic, source, body FROM messages "
            "WHERE number = ?",
            number,
        )
        if found is None:  # it was confirmed meanwhile
            raise self._no_message(f"{self.outbox_id}-{number}")
        posted, expires, kind, topic, source, body = found
        rows = rows_of(
            self._db,
            "SELECT name, attempts, reason, 0 FROM deliveries JOIN sinks ON sink = sinks.number "
            "WHERE deliveries.number = ?1 AND sink IN (SELECT number FROM sinks) UNION ALL "
            "SELECT name, attempts, reason, 1 FROM aside JOIN sinks ON sink = sinks.number "
            "WHERE aside.number = ?1 ORDER BY name",
            number,
        )
        pending = [
            PendingSink(name=name, attempts=attempts, reason=reason or "", is_aside=bool(aside))
            for name, attempts, reason, aside in rows
        ]
        message = OutboxMessage(
            id=f"{self.outbox_id}-{number}",
            number=number,
            topic=topic,
            source=source,
            body=body,
            content_type=kind,
            posted_at=posted,
            expires_at=expires,
            attempts=max((each.attempts for each in pending), default=0),
        )
        return message, pending

    def retry(self, numbers: Sequence[int] | None = None) -> int:
        """
        Put back messages that are set aside, with no attempts counted.

        Args:
            numbers: the messages; None: all.

        Returns:
            The number of deliveries that are put back.
        """
        count, is_done = 0, False
        while not is_done:
            with transaction(self._db):
                rows = self._aside_rows(numbers)
                self._db.executemany("INSERT INTO deliveries(sink, number, source) VALUES (?, ?, ?)", rows)
                self._forget_aside(rows, "set_aside = set_aside - 1, depth = depth + 1")
            count += len(rows)
            is_done = not rows
        return count

    def drop(self, numbers: Sequence[int] | None = None) -> int:
        """Delete messages that are set aside; None: all. Return the number of deleted deliveries."""
        count, is_done = 0, False
        while not is_done:
            with transaction(self._db):
                rows = self._aside_rows(numbers)
                self._forget_aside(rows, "set_aside = set_aside - 1")
                self._release([number for _, number, _ in rows])
            count += len(rows)
            is_done = not rows
        return count

    def drop_sink(self, name: str) -> int:
        """
        Delete a sink that nobody uses, and all its messages.

        Raises:
            ConfigurationError: there is no such sink, or the program that used the file last names it.
        """
        found = self._one("SELECT number FROM sinks WHERE name = ?", name)
        if found is None:
            names = ", ".join(each.name for each in self.sinks()) or "none"
            raise ConfigurationError(f"{self.path}: there is no sink {name!r}; the sinks are: {names}")
        sink = int(found[0])
        self._check_unnamed(sink, name)
        count = 0
        for table, change in (("deliveries", "depth"), ("aside", "set_aside")):
            query = f"SELECT sink, number, source FROM {table} WHERE sink = ? LIMIT ?"
            is_done = False
            while not is_done:
                with transaction(self._db):
                    self._check_unnamed(sink, name)
                    rows = rows_of(self._db, query, sink, _AT_ONCE)
                    self._db.executemany(
                        f"DELETE FROM {table} WHERE sink = ? AND number = ?", [row[:2] for row in rows]
                    )
                    self._db.execute(
                        f"UPDATE sinks SET {change} = {change} - ? WHERE number = ?", (len(rows), sink)
                    )
                    self._release([number for _, number, _ in rows])
                count += len(rows)
                is_done = not rows
        with transaction(self._db):
            self._check_unnamed(sink, name)
            self._db.execute("DELETE FROM facts WHERE name = ?", (f"{PROBLEM_OF}{sink}",))
            self._db.execute("DELETE FROM sinks WHERE number = ?", (sink,))
        return count

    def _check_unnamed(self, sink: int, name: str) -> None:
        """Raise ConfigurationError if a program names a sink, which it may do since the last look."""
        found = self._one("SELECT is_named FROM sinks WHERE number = ?", sink)
        if found is not None and found[0]:
            raise ConfigurationError(
                f"{self.path}: the program that used the file last names the sink {name}: take it out of "
                f"the program's sinks, and restart that"
            )

    def _aside_rows(self, numbers: Sequence[int] | None) -> list[tuple[int, int, str]]:
        """Return the next rows that are set aside, and wanted."""
        query = "SELECT sink, number, source FROM aside"
        if numbers is None:
            return rows_of(self._db, f"{query} LIMIT ?", _AT_ONCE)
        found: list[tuple[int, int, str]] = []
        for number in numbers:
            found += rows_of(self._db, f"{query} WHERE number = ?", number)
        return found

    def _forget_aside(self, rows: Sequence[tuple[int, int, str]], change: str) -> None:
        """Delete rows from those set aside, and change the counts of their sinks."""
        run = self._db.executemany
        run("DELETE FROM aside WHERE sink = ? AND number = ?", [row[:2] for row in rows])
        run(f"UPDATE sinks SET {change} WHERE number = ?", [(sink,) for sink, *_ in rows])

    def _release(self, numbers: Sequence[int]) -> None:
        """Count one sink less for some messages, and delete those that were for that sink only."""
        run = self._db.execute
        deleted = 0
        for number in numbers:
            gone = run('DELETE FROM messages WHERE number = ? AND "left" = 1', (number,)).rowcount
            if not gone:
                run('UPDATE messages SET "left" = "left" - 1 WHERE number = ?', (number,))
            deleted += gone
        run("UPDATE totals SET messages = messages - ?", (deleted,))


def _problem(noted: str | None) -> dict[str, Any]:
    """Return the note about the problem of a sink."""
    if noted is None:
        return {}
    at, problem = json.loads(noted)
    return {"problem": str(problem), "problem_at": float(at)}


def problem_text(path: Path, error: sqlite3.Error) -> str:
    """Return an error of the database in words."""
    if is_damage(error):
        return f"{path} is damaged ({error}): {OUTBOX.if_damaged}"
    return f"{path}: {error}"
