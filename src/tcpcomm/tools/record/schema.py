"""
The form of a recording: a SQLite database with these tables.

``number`` is one sequence over all tables with that column, in the order of what happened. It is the rowid,
so that new rows stand at the end of each table, and the rows of a block can be deleted by their range.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = int.from_bytes(b"tcpc", "big")
"""The number in the header of the file that says which program it belongs to."""

FORMAT: Final = 1
"""The version of the form. A reader refuses a file with a later one."""

LOCK_SUFFIX: Final = "-lock"
"""The end of the name of the file that a recorder locks, beside SQLite's ``-wal`` and ``-shm``."""

TABLES: Final = """
CREATE TABLE facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE runs(number INTEGER PRIMARY KEY, began_at INTEGER, ended_at INTEGER, program TEXT);
CREATE TABLE blocks(
    number INTEGER PRIMARY KEY, first INTEGER, last INTEGER, began_at INTEGER, ended_at INTEGER,
    size INTEGER, fault_at INTEGER
);
CREATE TABLE sessions(
    number INTEGER PRIMARY KEY, peer TEXT, target TEXT, is_equipment INTEGER, declaration TEXT,
    identity TEXT, first INTEGER, last INTEGER, opened_at INTEGER, ready_at INTEGER, closed_at INTEGER,
    reason TEXT, is_cut INTEGER
);
CREATE INDEX closed_sessions ON sessions(last);
CREATE TABLE bytes(
    number INTEGER PRIMARY KEY, at INTEGER, session INTEGER, flags INTEGER, data BLOB
);
CREATE VIEW chunks AS
    SELECT number, at, session, flags & 1 AS sent, data, (flags & 2) / 2 AS masked FROM bytes
    WHERE flags & 4 = 0;
CREATE VIEW frames AS
    SELECT number, at, session, flags & 1 AS sent, data AS frame, (flags & 2) / 2 AS masked FROM bytes
    WHERE flags & 4;
CREATE TABLE messages(
    number INTEGER PRIMARY KEY, at INTEGER, session INTEGER, sent INTEGER, frame BLOB, masked INTEGER,
    kind TEXT, name TEXT, "values" TEXT, answers INTEGER, seconds REAL, problem TEXT
);
CREATE TABLE faults(
    number INTEGER PRIMARY KEY, at INTEGER, session INTEGER, sent INTEGER, kind TEXT, text TEXT,
    details TEXT
);
CREATE TABLE alterations(
    number INTEGER PRIMARY KEY, at INTEGER, session INTEGER, sent INTEGER, text TEXT
);
CREATE TABLE states(number INTEGER PRIMARY KEY, at INTEGER, name TEXT, state TEXT, reason TEXT);
CREATE TABLE gaps(
    number INTEGER PRIMARY KEY, at INTEGER, until INTEGER, count INTEGER, size INTEGER, reason TEXT
);
"""

COLUMNS: Final = {
    "chunks": ("number", "at", "session", "sent", "data", "masked"),
    "frames": ("number", "at", "session", "sent", "frame", "masked"),
    "messages": (
        "number", "at", "session", "sent", "frame", "masked", "kind", "name", "values", "answers",
        "seconds", "problem",
    ),
    "faults": ("number", "at", "session", "sent", "kind", "text", "details"),
    "alterations": ("number", "at", "session", "sent", "text"),
    "states": ("number", "at", "name", "state", "reason"),
    "gaps": ("number", "at", "until", "count", "size", "reason"),
}  # fmt: skip
"""The columns of each table and view whose rows are numbered in the order of what happened."""

NUMBERED: Final = ("bytes", *(each for each in COLUMNS if each not in ("chunks", "frames")))
"""The tables whose rows are numbered. Chunks and frames are views of the table ``bytes``."""

SENT: Final = 1
MASKED: Final = 2
FRAME: Final = 4
"""The flags of the table ``bytes``."""

HEAD: Final = b"%015d%016d%b%09d%b"
"""
A record of the table ``bytes`` on its way to SQLite: number, time, session and flags, size, data.

All rows of a transaction are one blob, which SQLite takes apart by :data:`INSERT_RECORDS`. While it does
so, the reactor runs. Handing over each value of each row would hold the lock of the interpreter many times.
"""

OWNER: Final = b"%09d%d"
"""The part of :data:`HEAD` with the session and the flags."""

INSERT_RECORDS: Final = """
INSERT INTO bytes
WITH RECURSIVE record(start, size) AS (
    SELECT 1, CAST(substr(?1, 42, 9) AS INTEGER)
    UNION ALL
    SELECT start + 50 + size, CAST(substr(?1, start + 50 + size + 41, 9) AS INTEGER)
    FROM record WHERE start + 50 + size < length(?1)
)
SELECT
    CAST(substr(?1, start, 15) AS INTEGER), CAST(substr(?1, start + 15, 16) AS INTEGER),
    CAST(substr(?1, start + 31, 9) AS INTEGER), CAST(substr(?1, start + 40, 1) AS INTEGER),
    substr(?1, start + 50, size)
FROM record
"""

_INT: Final = (int,)
_TEXT: Final = (str,)
_TYPES: Final = {
    "frame": (bytes,),
    "data": (bytes,),
    "answers": (int, type(None)),
    "seconds": (float, type(None)),
    **dict.fromkeys(("kind", "name", "values", "problem", "text", "details", "state", "reason"), _TEXT),
}
TYPES: Final = {table: tuple(_TYPES.get(each, _INT) for each in names) for table, names in COLUMNS.items()}
"""The types of the values of each table, which only a damaged file breaks."""


def insert_into(table: str) -> str:
    """Return the statement that adds a row to a table of :data:`COLUMNS`."""
    return f"INSERT INTO {table} VALUES ({', '.join('?' * len(COLUMNS[table]))})"


def select_from(table: str) -> str:
    """Return the beginning of a query of all columns of a table of :data:`COLUMNS`."""
    columns = ", ".join(f'"{each}"' for each in COLUMNS[table])
    return f"SELECT {columns} FROM {table}"
