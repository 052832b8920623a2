"""
The form of an outbox file: a SQLite database with these tables.

A message stands in ``messages`` once, and in ``deliveries`` or ``aside`` once for each sink that has not
confirmed it. ``left`` counts those rows; a message is deleted with its last one. ``facts`` also has the
problem of each sink that gets nothing.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = int.from_bytes(b"tcpo", "big")
"""The number in the header of the file that says which program it belongs to."""

FORMAT: Final = 1
"""The version of the form. An outbox refuses a file with another one."""

PROBLEM_OF: Final = "problem of "
"""The beginning of the name of a fact with the problem of a sink, before the number of the sink."""

LOCK_SUFFIX: Final = "-lock"
"""The end of the name of the file that an outbox locks, beside SQLite's ``-wal`` and ``-shm``."""

TABLES: Final = (
    "CREATE TABLE facts(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE totals(messages INTEGER, posted INTEGER)",
    "INSERT INTO totals VALUES (0, 0)",
    """CREATE TABLE messages(
        number INTEGER PRIMARY KEY AUTOINCREMENT, "left" INTEGER, posted_at REAL, expires_at REAL,
        content_type TEXT, topic TEXT, source TEXT, body BLOB
    )""",
    """CREATE TABLE sinks(
        number INTEGER PRIMARY KEY, name TEXT UNIQUE, is_named INTEGER, depth INTEGER DEFAULT 0,
        delivered INTEGER DEFAULT 0, refused INTEGER DEFAULT 0, expired INTEGER DEFAULT 0,
        set_aside INTEGER DEFAULT 0
    )""",
    """CREATE TABLE deliveries(
        sink INTEGER, number INTEGER, source TEXT, attempts INTEGER DEFAULT 0, reason TEXT,
        PRIMARY KEY(sink, number)
    ) WITHOUT ROWID""",
    "CREATE INDEX deliveries_by_source ON deliveries(sink, source)",
    """CREATE TABLE aside(
        sink INTEGER, number INTEGER, source TEXT, attempts INTEGER, reason TEXT, at REAL,
        PRIMARY KEY(sink, number)
    ) WITHOUT ROWID""",
)
