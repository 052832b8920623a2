"""Results in files, as JSON lines or CSV: :class:`Files`."""

from __future__ import annotations

import base64
import csv
import errno
import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import BINARY, JSON, OutboxMessage
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.rotated_file import RotatedFile
from tcpcomm.plant.sinks.rows import ReportRow, iso_text, time_of
from tcpcomm.plant.sinks.threaded_connection import ThreadedConnection, converted
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.export.tables import BOM, cell
from tcpcomm.tools.export.texts import json_text

FORMATS: Final = ("jsonl", "csv")

CSV_COLUMNS: Final = (
    "id", "time", "link", "kind", "name", "seconds", "problem", "values", "source", "topic",
)  # fmt: skip
"""The columns of a CSV file. They never change, whatever is reported."""

FILE_MIB: Final = 64.0
"""MiB of one file of results. Then a new file begins. Change it with ``rotate_mib``."""

FILE_HOURS: Final = 24.0
"""Hours that one file of results covers. Then a new file begins. Change it with ``rotate_hours``."""

FILES_KEPT: Final = 30
"""
Full files of results that are kept, beside the one that grows. The oldest is deleted. Change it with
``keep``.
"""

_LINE_BEGINS: Final = b'{"id": "'
_MIB: Final = 1024 * 1024
_MOST_KEPT: Final = 100_000
_FULL: Final = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def _check_format(instance: Files, attribute: Any, value: str) -> None:
    if value not in FORMATS:
        raise ConfigurationError(f"format must be {' or '.join(FORMATS)}, not {value!r}")


def _check_path(instance: Files, attribute: Any, value: str) -> None:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigurationError("path must be the name of a file, such as results/results.jsonl")


def _above_zero_or_none(instance: Files, attribute: Any, value: float | None) -> None:
    if value is not None and not 0 < value < 1e9:
        raise ConfigurationError(f"{attribute.name} must be above 0, or left out, not {value}")


def _check_keep(instance: Files, attribute: Any, value: int) -> None:
    if not 0 < value <= _MOST_KEPT:
        raise ConfigurationError(f"keep must be from 1 to {_MOST_KEPT}, not {value}")


@frozen(kw_only=True)
class Files(Sink):
    """
    Writes each message as a line of a file, and confirms it when it is on the disk.

    The file is renamed when it is full, and gets the local date and time in its name:
    ``results-20261130-022522.jsonl``. A new file begins then.

    Args:
        path: the file that grows. Its folder must be there.
        format: ``jsonl``: each line is a JSON object; or ``csv``: for spreadsheets.
        rotate_mib: the MiB after which a new file begins; None: its size does not matter.
        rotate_hours: the hours that one file covers, counted from midnight; None: its age does not matter.
        keep: the full files that are kept. Older ones are deleted.
        bom: True if a CSV begins with the mark by which Excel knows UTF-8.
    """

    kind: ClassVar[str] = "files"

    path: str = field(validator=_check_path)
    format: str = field(default="jsonl", validator=_check_format)
    rotate_mib: float | None = field(default=FILE_MIB, validator=_above_zero_or_none)
    rotate_hours: float | None = field(default=FILE_HOURS, validator=_above_zero_or_none)
    keep: int = field(default=FILES_KEPT, validator=_check_keep)
    bom: bool = True

    def __attrs_post_init__(self) -> None:
        if self.rotate_mib is None and self.rotate_hours is None:
            raise ConfigurationError(
                "rotate_mib or rotate_hours must be given, or the file grows without end"
            )

    def open(self, name: str, reactor: Any) -> FilesConnection:
        return FilesConnection(self, name, reactor)


class FilesConnection(ThreadedConnection):
    """
    Writes to the files of a :class:`Files`.

    Args:
        sink: the configuration.
        name: the name of the sink.
        reactor: the reactor, or a test's clock.
        now: returns the seconds since 1970, for the names of files.

    Raises:
        ConfigurationError: the folder of the file is missing, or the file is something else.
    """

    def __init__(
        self, sink: Files, name: str, reactor: Any, *, now: Callable[[], float] = time.time
    ) -> None:
        path = Path(sink.path).absolute()  # a daemon goes to another folder
        if not path.parent.is_dir():
            raise ConfigurationError(f"{path}: there is no folder {path.parent}: make it first")
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder: name a file in it")
        self._is_csv = sink.format == "csv"
        head = (BOM if sink.bom else "").encode() + _csv_line(CSV_COLUMNS) if self._is_csv else b""
        if not _begins_with(path, _csv_line(CSV_COLUMNS) if self._is_csv else _LINE_BEGINS):
            what = "has other columns, or is another file" if self._is_csv else "is another file"
            raise ConfigurationError(f"{path} {what}: move it, or name a new one")
        self._file = RotatedFile(
            path,
            head=head,
            most_bytes=None if sink.rotate_mib is None else sink.rotate_mib * _MIB,
            hours=sink.rotate_hours,
            keep=sink.keep,
            now=now,
        )
        super().__init__(name, reactor)

    def write(self, messages: Sequence[OutboxMessage]) -> dict[str, str]:
        """Write a batch, in the thread."""
        refused: dict[str, str] = {}
        lines = converted(messages, csv_line if self._is_csv else json_line, refused)
        if lines:
            try:
                self._file.append(b"".join(lines))
            except OSError as error:
                raise SinkUnavailable(_words(self._file.path, error)) from None
            except ConfigurationError as error:
                raise SinkUnavailable(str(error)) from None
        return refused

    def end(self) -> None:
        self._file.close()


def json_line(message: OutboxMessage) -> bytes:
    """
    Return a message as a line: a JSON object with its id, time, topic, source and content.

    Raises:
        ValueError: the body is not what its content type says.
    """
    content = message.value()
    if isinstance(content, bytes):
        content = _base64(content)
    whole = {
        "id": message.id,
        "posted_at": iso_text(time_of(message.posted_at)),
        "topic": message.topic,
        "source": message.source,
        "content": content,
    }
    if message.content_type != JSON:
        whole["content_type"] = message.content_type
    return f"{json_text(whole)}\n".encode("utf-8", "backslashreplace")


def csv_line(message: OutboxMessage) -> bytes:
    """
    Return a message as a line of a CSV, with the cells of :data:`CSV_COLUMNS`.

    Raises:
        ValueError: the body is not what its content type says.
    """
    row = ReportRow.of(message)
    values = row.values
    if values is None and row.body is not None:
        is_binary = message.content_type == BINARY
        value = _base64(row.body) if is_binary else row.body.decode("utf-8", "replace")
        values = json_text(value)
    cells = (
        row.id, row.at_text, row.link, row.kind, row.name, row.seconds, row.problem, values,
        row.source, row.topic,
    )  # fmt: skip
    return _csv_line(cells)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _csv_line(cells: Sequence[Any]) -> bytes:
    """Return one line, whatever is in the cells: a line end in a text becomes an escape."""
    buffer = io.StringIO(newline="")
    texts = (one_line(each, len(each)) if isinstance(each, str) else each for each in cells)
    csv.writer(buffer).writerow([cell(each) for each in texts])
    return buffer.getvalue().encode("utf-8", "backslashreplace")


def _begins_with(path: Path, begin: bytes) -> bool:
    """Return True if a file begins so, has nothing yet, or was torn by a power cut at its begin."""
    try:
        with path.open("rb") as file:
            found = file.read(len(begin) + len(BOM.encode()))
    except OSError:  # it is new, or the first batch will tell the reason
        return True
    found = found.removeprefix(BOM.encode())[: len(begin)]
    return begin.startswith(found.rstrip(b"\0"))


def _words(path: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"{path}: the disk is full: make room, and the results that wait are written"
    return f"{path}: cannot write it: {error.strerror or error}"
