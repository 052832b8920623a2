"""Open an outbox file, or another database of this room, and tell in words if that is impossible."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import frozen

from tcpcomm.errors import ConfigurationError

Connect: TypeAlias = Callable[[str], sqlite3.Connection]

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another program that has locked the database, such as a SQLite shell."""

_WAL_SIZE: Final = 16 * 1024 * 1024
"""Bytes to which the file ``-wal`` shrinks after it was larger."""

_SQLITE: Final = b"SQLite format 3\0"


@frozen
class FileKind:
    """One kind of database: its numbers, its tables, and its name for errors."""

    name: str
    """Such as ``an outbox``."""
    application_id: int
    form: int
    tables: Sequence[str]
    if_damaged: str
    """The words that say what to do with a damaged file."""


def connect(path: str) -> sqlite3.Connection:
    """Open a database for writing, without transactions that begin by themselves."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)


def open_database(path: Path, kind: FileKind, opener: Connect = connect) -> sqlite3.Connection:
    """
    Open a database of a kind, and make it if there is none.

    It is in write-ahead mode, and a commit is on the disk when it returns.

    Raises:
        ConfigurationError: it is another file, is damaged, belongs to a newer version, or cannot be opened.
    """
    _check_head(path, kind)
    try:
        connection = opener(str(path))
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path}: cannot open it: {error}") from None
    try:
        _prepare(connection, path, kind)
    except sqlite3.Error as error:
        connection.close()
        if is_damage(error):
            raise ConfigurationError(f"{path} is damaged ({error}): {kind.if_damaged}") from None
        raise ConfigurationError(f"{path}: cannot use it: {error}") from None
    except BaseException:
        connection.close()
        raise
    return connection


def _check_head(path: Path, kind: FileKind) -> None:
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: there is no folder {path.parent}: make it first")
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot open it: {error.strerror or error}") from None
    if head and head != _SQLITE[: len(head)]:
        raise ConfigurationError(f"{path} is not {kind.name}, but another file: name a new file")


def _prepare(connection: sqlite3.Connection, path: Path, kind: FileKind) -> None:
    owner, form = pragma(connection, "application_id"), pragma(connection, "user_version")
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    is_new = not owner and not tables
    if not is_new and owner != kind.application_id:
        raise ConfigurationError(f"{path} is the database of another program: name a new file")
    if not is_new and form != kind.form:
        age, advice = ("a newer", "update tcpcomm") if form > kind.form else ("an older", "use that one")
        raise ConfigurationError(
            f"{path} was written by {age} tcpcomm, in format {form}; this one knows format {kind.form}: "
            f"{advice}, or name a new file"
        )
    run = connection.execute
    run("PRAGMA journal_mode = WAL")
    run("PRAGMA synchronous = FULL")
    run(f"PRAGMA journal_size_limit = {_WAL_SIZE}")
    if is_new:
        with transaction(connection):
            for statement in kind.tables:
                run(statement)
            run(f"PRAGMA application_id = {kind.application_id}")
            run(f"PRAGMA user_version = {kind.form}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """
    Write all that is written within, or nothing.

    Raises:
        sqlite3.Error: nothing is written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """Return the number that a pragma has."""
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)


def is_damage(error: sqlite3.Error) -> bool:
    """Return True if the file is damaged, so that another attempt cannot succeed."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def rows_of(connection: sqlite3.Connection, query: str, *values: Any) -> list[Any]:
    """Return all rows of a query."""
    return connection.execute(query, values).fetchall()
