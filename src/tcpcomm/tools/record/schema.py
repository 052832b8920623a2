"""
The form of a recording: a SQLite database with these tables.

``number`` is one sequence over all tables with that column, in the order of what happened. It is the rowid,
so that new rows stand at the end of each table, and the rows of a block can be deleted by their range.

Chunks and frames are many and small, so that the table ``packs`` has one row for hundreds of them. The
views ``chunks`` and ``frames`` show one row for each. They are slow, and for people with a SQLite shell:
:class:`~tcpcomm.Recording` takes the packs apart itself.
"""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = int.from_bytes(b"tcpc", "big")
"""The number in the header of the file that says which program it belongs to."""

FORMAT: Final = 2
"""The version of the form. A reader refuses a file with another one."""

LOCK_SUFFIX: Final = "-lock"
"""The end of the name of the file that a recorder locks, beside SQLite's ``-wal`` and ``-shm``."""

_TABLES: Final = """
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
CREATE TABLE packs(number INTEGER PRIMARY KEY, ended_at INTEGER, records BLOB);
@VIEWS@
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
    "packs": ("number", "ended_at", "records"),
    "messages": (
        "number", "at", "session", "sent", "frame", "masked", "kind", "name", "values", "answers",
        "seconds", "problem",
    ),
    "faults": ("number", "at", "session", "sent", "kind", "text", "details"),
    "alterations": ("number", "at", "session", "sent", "text"),
    "states": ("number", "at", "name", "state", "reason"),
    "gaps": ("number", "at", "until", "count", "size", "reason"),
}  # fmt: skip
"""
The columns of each table whose rows are numbered in the order of what happened. A pack has the number and
the time of its last record.
"""

SENT: Final = 1
MASKED: Final = 2
FRAME: Final = 4
OWNER_FLAGS: Final = 3
"""The flags of a record, in the lowest bits of its owner. The bits above are the number of the session."""


def _integer(column: str, first: int, last: int) -> str:
    """Return the SQL for the integer of some hexadecimal digits of a column."""
    digits = [
        f"(instr('123456789ABCDEF', substr({column}, {at}, 1)) << {4 * (last - at)})"
        for at in range(first, last + 1)
    ]
    return " | ".join(digits)


def _view(name: str, data: str, condition: str) -> str:
    """Return the SQL of a view of the packs: the form of a record is in ``packs.py``."""
    size = f"({_integer('tail', 9, 16)})"
    owner = _integer("tail", 1, 8)
    return f"""\
CREATE VIEW {name} AS
    WITH RECURSIVE record(pack, stop, tail) AS (
        SELECT number, length(records) - 24, hex(substr(records, -24)) FROM packs
        UNION ALL
        SELECT pack, stop - {size} - 24, hex(substr(records, stop - {size} - 23, 24))
        FROM record JOIN packs ON number = pack WHERE stop - {size} >= 24
    ),
    taken(number, at, owner, data) AS (
        SELECT {_integer("tail", 17, 32)}, {_integer("tail", 33, 48)}, {owner},
        substr(records, stop - {size} + 1, {size}) FROM record JOIN packs ON number = pack
    )
    SELECT number, at, owner >> 3 AS session, owner & 1 AS sent, data AS {data}, (owner & 2) / 2 AS masked
    FROM taken WHERE {condition} ORDER BY number;"""


TABLES: Final = _TABLES.replace(
    "@VIEWS@", "\n".join([_view("chunks", "data", "owner & 4 = 0"), _view("frames", "frame", "owner & 4")])
)
"""The statements that make the tables, each ended by a semicolon and a line end."""

_INT: Final = (int,)
_TEXT: Final = (str,)
_TYPES: Final = {
    "frame": (bytes,),
    "records": (bytes,),
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
