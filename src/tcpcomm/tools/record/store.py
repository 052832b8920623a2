"""
The database of a recording, as its recorder writes it: :class:`Store`.

It is in write-ahead mode: readers see what is committed and never wait, and a process that is killed leaves
a database that is whole up to the last commit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

from tcpcomm._version import __version__
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.record.packs import last_of
from tcpcomm.tools.record.ring import Block
from tcpcomm.tools.record.rows import Batch
from tcpcomm.tools.record.schema import (
    APPLICATION_ID,
    COLUMNS,
    FORMAT,
    TABLES,
    insert_into,
)

Connect: TypeAlias = Callable[[str], sqlite3.Connection]

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another program that has locked the database, such as a SQLite shell."""

PAGE_SIZE: Final = 8192
"""
Bytes of a page. With SQLite's 4096, the thread takes a third more of the CPU for the same chunks. With
64 KiB it takes less still, but then each transaction of a quiet line writes as many bytes to the disk.
"""

_WAL_SIZE: Final = 16 * 1024 * 1024
"""Bytes to which the file ``-wal`` shrinks after it was larger."""

_PROGRAM: Final = f"tcpcomm {__version__}"

_SQLITE: Final = b"SQLite format 3\0"


def connect(path: str) -> sqlite3.Connection:
    """Open a database for writing, without transactions that begin by themselves."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)


def check_file(path: Path) -> None:
    """
    Check that a file is a recording, or can become one.

    Raises:
        ConfigurationError: it is a folder, or another file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path}: there is no folder {path.parent}: make it first") from None
        return
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot open it: {error.strerror or error}") from None
    if head and head[: len(_SQLITE)] != _SQLITE[: len(head)]:
        raise ConfigurationError(f"{path} is not a recording, but another file: name a new file")


def check_owner(connection: sqlite3.Connection, path: Path) -> bool:
    """
    Check that a database is a recording of a form that this version knows. Return False if it is empty.

    Raises:
        ConfigurationError: it is not.
        sqlite3.DatabaseError: it is damaged.
    """
    owner = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if owner == APPLICATION_ID:
        if version != FORMAT:
            is_newer = version > FORMAT
            age, advice = ("a newer", "update tcpcomm") if is_newer else ("an older", "read it with that")
            raise ConfigurationError(
                f"{path} was written by {age} tcpcomm, in format {version}; this one knows format "
                f"{FORMAT}: {advice}, or name a new file"
            )
        return True
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if owner or tables:
        raise ConfigurationError(f"{path} is the database of another program: name a new file")
    return False


class Store:
    """
    The open database of a recording.

    Only one thread uses it.

    Args:
        path: the file.
        opener: opens the database.

    Raises:
        ConfigurationError: the file is not a recording, is damaged, or cannot be opened.
    """

    def __init__(self, path: Path, opener: Connect = connect) -> None:
        self._path = path
        check_file(path)
        try:
            self._connection = opener(str(path))
        except sqlite3.Error as error:
            raise ConfigurationError(f"{path}: cannot open it: {error}") from None
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise ConfigurationError(_words(path, error)) from None
        except ConfigurationError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        is_ours = check_owner(self._connection, self._path)
        run = self._connection.execute
        run(f"PRAGMA page_size = {PAGE_SIZE}")  # of a new file
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run(f"PRAGMA journal_size_limit = {_WAL_SIZE}")
        if not is_ours:
            with self.transaction():
                for statement in TABLES.split(";\n"):
                    run(statement)
                run(f"PRAGMA application_id = {APPLICATION_ID}")
                run(f"PRAGMA user_version = {FORMAT}")
        self.page_size = _pragma(self._connection, "page_size")

    def begin_run(self, now: int) -> None:
        """
        Begin to record. Sessions that a recorder before this one left open are marked as cut.

        Args:
            now: the time in microseconds, not before that of the newest row.
        """
        run = self._connection.execute
        with self.transaction():
            run(
                "UPDATE sessions SET is_cut = 1, last = ?, closed_at = ?, reason = ? WHERE last IS NULL",
                (self.last_number, self.last_at or now, "the recorder ended before the session did"),
            )
            run("INSERT INTO runs(began_at, program) VALUES (?, ?)", (now, _PROGRAM))
            run("INSERT OR REPLACE INTO facts VALUES ('is_open', 1)")
        run("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # a copy without -wal shows at least this

    @property
    def last_number(self) -> int:
        """The number of the newest row, or 0."""
        return self._last("last")

    @property
    def last_at(self) -> int:
        """The time of the newest row, or 0."""
        return self._last("ended_at")

    def _last(self, column: str) -> int:
        query = f"SELECT {column} FROM blocks ORDER BY number DESC LIMIT 1"
        found = self._connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    @property
    def last_session(self) -> int:
        """The number of the newest session, or 0."""
        (found,) = self._connection.execute("SELECT max(number) FROM sessions").fetchone()
        return found or 0

    def blocks(self) -> list[Block]:
        """Return the blocks, the oldest one first."""
        rows = self._connection.execute(
            "SELECT number, first, last, began_at, ended_at, size, fault_at FROM blocks ORDER BY number"
        )
        return [Block(*row) for row in rows]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        Write all that is written within, or nothing.

        Raises:
            sqlite3.Error: nothing is written.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def insert_packs(self, packs: Sequence[bytes | bytearray]) -> None:
        """Write chunks and frames. One statement writes them all, while the reactor runs."""
        values = [value for pack in packs for value in (*last_of(pack), pack)]
        rows = ", ".join(["(?, ?, ?)"] * len(packs))
        self._connection.execute(f"INSERT INTO packs VALUES {rows}", values)

    def insert(self, batch: Batch) -> None:
        """Write all other rows of a batch."""
        run = self._connection.execute
        for table in batch.tables:
            self._connection.executemany(_INSERT[table], batch.tables[table])
        for statement, values in batch.sessions:
            run(statement, values)
        for block in batch.blocks:
            run("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)", _block_row(block))

    def make_room_in_log(self) -> None:
        """Move the rows of the file ``-wal`` into the database, so that its space can be used again."""
        with suppress(sqlite3.Error):  # the disk is still full: the next attempt may succeed
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    @property
    def used(self) -> int:
        """The bytes of the file that hold rows."""
        pages = _pragma(self._connection, "page_count") - _pragma(self._connection, "freelist_count")
        return pages * self.page_size

    def delete(self, block: Block) -> None:
        """
        Delete the rows of a block, and the sessions that have no rows left.

        Raises:
            sqlite3.Error: they are not deleted.
        """
        run = self._connection.execute
        with self.transaction():
            for table in COLUMNS:
                run(f"DELETE FROM {table} WHERE number BETWEEN ? AND ?", (block.first, block.last))
            run("DELETE FROM blocks WHERE number = ?", (block.number,))
            run(
                "DELETE FROM sessions WHERE last <= ? AND NOT EXISTS (SELECT 1 FROM blocks WHERE "
                "blocks.first <= sessions.last AND blocks.last >= sessions.first)",
                (block.last,),
            )

    def end_run(self, now: int) -> None:
        """
        Note that the recorder ended in order.

        Raises:
            sqlite3.Error: that cannot be written.
        """
        run = self._connection.execute
        with self.transaction():
            run("UPDATE runs SET ended_at = ? WHERE number = (SELECT max(number) FROM runs)", (now,))
            run("INSERT OR REPLACE INTO facts VALUES ('is_open', 0)")

    def close(self) -> None:
        """Close the database. SQLite moves the file ``-wal`` into it."""
        self._connection.close()


_INSERT: Final = {table: insert_into(table) for table in COLUMNS}


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def _block_row(block: Block) -> tuple[Any, ...]:
    return (
        block.number, block.first, block.last, block.began_at, block.ended_at, block.size, block.fault_at,
    )  # fmt: skip


def is_damage(error: sqlite3.Error) -> bool:
    """Return True if the file is damaged, so that another attempt cannot succeed."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _words(path: Path, error: sqlite3.Error) -> str:
    if is_damage(error):
        return f"{path} is damaged ({error}): 'tcpcomm export' reads the rest; name a new file to record"
    return f"{path}: cannot record into it: {error}"
