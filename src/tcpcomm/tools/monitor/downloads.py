"""
Files for the browser: the kept rows as CSV for a spreadsheet or JSON lines for a program, and recordings.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.rows import Row, plain

_ROWS_AT_ONCE: Final = 200


@frozen
class Download:
    """
    A file as the answer to a request.

    Args:
        name: its name for the browser.
        content_type: its type.
        data: its bytes.
    """

    name: str
    content_type: str
    data: bytes


@frozen
class FileDownload:
    """
    A recording as the answer to a request.

    Args:
        path: the file, which a recorder may be writing.
    """

    path: Path

    @property
    def name(self) -> str:
        """Its name for the browser."""
        return _UNSAFE.sub("_", self.path.name)

    def open(self) -> Deferred[io.FileIO]:
        """
        Copy the recording in a thread, because its newest values are in another file while it is written.

        Returns:
            A Deferred of the copy, which is open for reading, and is deleted when it is closed.
        """
        return deferToThread(_copy_of, self.path)


def _copy_of(path: Path) -> io.FileIO:
    handle, name = mkstemp(suffix=".tcpcomm")
    os.close(handle)
    try:
        # With this address, SQLite refuses a file that is missing, instead of making it.
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(name)) as target,
        ):
            source.backup(target, pages=_PAGES_AT_ONCE)
            target.execute("INSERT OR REPLACE INTO facts VALUES ('is_open', 0)")  # nobody writes the copy
            target.commit()
    except sqlite3.Error as error:
        Path(name).unlink()
        raise Denied(409, f"{path.name} cannot be read now: {error}") from None
    return _TemporaryFile(name)


class _TemporaryFile(io.FileIO):
    """A file that is deleted when it is closed."""

    def close(self) -> None:
        was_open = not self.closed
        super().close()
        if was_open:
            Path(str(self.name)).unlink(missing_ok=True)


FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "pcapng": "application/x-pcapng",
}
"""The formats, and their content types."""

_COLUMNS: Final = (
    "id", "time", "session", "direction", "kind", "name", "values", "hex", "bytes", "answers", "took",
    "text", "chunks", "place",
)  # fmt: skip
_PAGES_AT_ONCE: Final = 1000
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]")
_BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_DIRECTIONS: Final = {True: "out", False: "in", None: ""}


def lines_of_rows(rows: Iterable[Row], format: str) -> Iterator[str]:
    """Yield the lines of a file, each with its end."""
    if format == "csv":
        yield "\ufeff" + _csv_line(_COLUMNS)  # by the mark, a spreadsheet knows that it is UTF-8
    for row in rows:
        values = {} if row.values is None else plain(row.values)
        cells = {
            "id": row.number,
            "time": datetime.fromtimestamp(row.time, UTC).isoformat(timespec="microseconds"),
            "session": row.session,
            "direction": _DIRECTIONS[row.sent],
            "kind": row.kind,
            "name": row.name,
            "values": values,
            "hex": bytes(row.frame).hex(),
            "bytes": row.size,
            "answers": row.answers,
            "took": row.took,
            "text": row.text,
            "chunks": row.chunks,
            "place": row.place,
        }
        if format == "csv":
            yield _csv_line(_cell(cells[name]) for name in _COLUMNS)
        else:
            yield json.dumps(cells, ensure_ascii=False, separators=(",", ":")) + "\n"


def _cell(value: Any) -> Any:
    """Return a value for a spreadsheet, which must not take the text of a peer for a formula."""
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, str) and value.startswith(_BEGINS_A_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _csv_line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def joined_in_slices(pieces: Iterable[bytes], clock: Any) -> Deferred[bytes]:
    """
    Join pieces, a few hundred in each turn of the reactor.

    Returns:
        A Deferred of the whole.
    """
    done: Deferred[bytes] = Deferred()
    parts: list[bytes] = []
    waiting = iter(pieces)

    def go_on() -> None:
        try:
            part = list(islice(waiting, _ROWS_AT_ONCE))
        except Exception:
            done.errback()
            return
        parts.extend(part)
        if part:
            clock.callLater(0, go_on)
        else:
            done.callback(b"".join(parts))

    go_on()
    return done
