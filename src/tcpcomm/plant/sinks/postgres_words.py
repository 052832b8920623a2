"""Errors of PostgreSQL in words, and which of them a message has caused."""

from __future__ import annotations

from typing import Any, Final

DATA: Final = ("22", "23", "44", "54")
"""
The classes of SQLSTATE that tell of a wrong value: data exceptions, integrity constraints, the rule of a
view, and limits of the server, such as the size of a row of an index.
"""

_RAISED: Final = "P0001"
"""The SQLSTATE of a trigger that refuses a row by RAISE EXCEPTION."""

_BY_CODE: Final = {
    "25006": "the server or its database is read-only: connect to the primary server",
    "28P01": "the user or the password is wrong: look at dsn and password",
    "28000": "the server does not let this user in: look at its file pg_hba.conf",
    "3D000": "create this database, or name another one in dsn",
    "3F000": "create this schema, or name another one in table",
    "42501": "GRANT INSERT and SELECT on the table to this user, and TEMPORARY on the database",
    "42703": "add this column to the table {table}, or rename the table so that a new one is made",
    "42P01": "create the table {table}, or set create to true",
    "42P10": "give the table {table} PRIMARY KEY (id, at)",
    "53100": "the disk of the server is full: make room there",
    "53200": "the server has no memory left",
    "53300": "the server has too many connections: raise its max_connections, or end some",
    "57014": "the server did not finish in time: look for locks and load there",
    "57P01": "the server stops",
    "57P02": "another process of the server crashed",
    "57P03": "the server does not take connections yet",
}
_BY_TEXT: Final = {  # libpq gives no SQLSTATE for a connection that fails
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "pg_hba.conf": "28000",
    "too many clients": "53300",
    "connection slots": "53300",
    "too many connections": "53300",
    "starting up": "57P03",
    "shutting down": "57P01",
}
_OF_CONNECTION: Final = {
    "connection refused": "start the server, or look at host and port of dsn",
    "timeout expired": "the server does not answer: look at host of dsn, and at the cable",
    "could not translate host name": "look at host of dsn",
    "failed to resolve host": "look at host of dsn",
    "server closed the connection": "the server or the network ended it",
}
_LONGEST: Final = 500


def is_data_error(error: Any) -> bool:
    """
    Return True if a value of a message has caused the error, so that the message alone must be refused.

    Args:
        error: an error of psycopg.
    """
    if error.sqlstate is not None:
        return str(error.sqlstate)[:2] in DATA or error.sqlstate == _RAISED
    return type(error).__name__ == "DataError"  # psycopg refused it before it was sent


def words(error: Any, table: str) -> str:
    """
    Return an error of PostgreSQL in one line, with what to do.

    Args:
        error: an error of psycopg.
        table: the table of the sink.
    """
    text = _plain(str(error)) or type(error).__name__
    code = error.sqlstate or _code_of(text)
    advice = _BY_CODE.get(code or "")
    if advice is None and not error.sqlstate:
        lower = text.lower()
        advice = next((each for part, each in _OF_CONNECTION.items() if part in lower), None)
    return f"PostgreSQL: {text}" + (f": {advice.format(table=table)}" if advice else "")


def _code_of(text: str) -> str | None:
    lower = text.lower()
    if "database" in lower and "does not exist" in lower:
        return "3D000"
    if "role" in lower and "does not exist" in lower:
        return "28P01"
    return next((code for part, code in _BY_TEXT.items() if part in lower), None)


def _plain(text: str) -> str:
    """Return the first line of an error of the server, without the words that libpq puts before it."""
    lines = [each.strip() for each in text.splitlines() if each.strip()]
    first = lines[0] if lines else ""
    first = first.removeprefix("connection failed: ")
    _, fatal, after = first.partition("FATAL:")
    found = after.strip() if fatal else first
    detail = next((each for each in lines[1:] if each.startswith("DETAIL:")), "")
    found = f"{found} ({detail.removeprefix('DETAIL:').strip()})" if detail else found
    return found[:_LONGEST]
