"""A recording as rows for people and programs: :func:`csv_lines` and :func:`json_lines`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tcpcomm.codec.encoding import charset
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.export.source import Closed, Exported, Opened
from tcpcomm.tools.export.texts import fault_text, gap_text, json_text, time_text
from tcpcomm.tools.record.values import (
    RecordedAlteration,
    RecordedChunk,
    RecordedFault,
    RecordedFrame,
    RecordedGap,
    RecordedMessage,
    RecordedSession,
    RecordedState,
)

COLUMNS: Final = (
    "number", "time", "session", "peer", "direction", "what", "name", "values", "answers", "seconds",
    "problem", "text", "hex",
)  # fmt: skip
"""The columns of the CSV, and the keys of each JSON object that have a value."""

BOM: Final = "\ufeff"
"""The mark by which Excel knows UTF-8."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(
    values: Iterable[Exported],
    sessions: dict[int, RecordedSession],
    *,
    encoding: str,
    with_bom: bool = False,
) -> Iterator[bytes]:
    """
    Yield the lines of a CSV as RFC 4180 says, in UTF-8.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.

    Args:
        values: what was recorded, in order.
        sessions: the sessions by their numbers.
        encoding: of the text of frames and chunks.
        with_bom: True to begin with the mark by which Excel knows UTF-8.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    buffer.write(BOM if with_bom else "")
    writer.writerow(COLUMNS)
    for value in values:
        row = _row(value, sessions, encoding)
        writer.writerow([cell(row.get(each)) for each in COLUMNS])
        yield buffer.getvalue().encode("utf-8", "backslashreplace")
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode("utf-8", "backslashreplace")


def json_lines(
    values: Iterable[Exported], sessions: dict[int, RecordedSession], *, encoding: str
) -> Iterator[bytes]:
    """Yield a JSON object in a line for each value. The arguments are as for :func:`csv_lines`."""
    for value in values:
        text = json_text(_row(value, sessions, encoding))
        yield f"{text}\n".encode("utf-8", "backslashreplace")


def cell(value: Any) -> Any:
    """Return a value for a CSV. A text that a spreadsheet would take for a formula gets an apostrophe."""
    if isinstance(value, dict):
        value = json_text(value)
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return "" if value is None else value


def _row(value: Exported, sessions: dict[int, RecordedSession], encoding: str) -> dict[str, Any]:
    """Return a value as a dictionary with some of the keys of :data:`COLUMNS`."""
    row: dict[str, Any] = {"number": value.number, "time": time_text(value.at)}
    if isinstance(value, RecordedState):
        return {
            **row,
            "what": "state",
            "name": value.name,
            "text": value.state,
            "problem": value.reason or None,
        }
    if isinstance(value, RecordedGap):
        return {**row, "what": "gap", "problem": gap_text(value)}
    if isinstance(value, Opened | Closed):
        row |= {"session": value.session.number, "peer": value.session.peer}
        if isinstance(value, Opened):
            return {**row, "what": "opened"}
        return {**row, "what": "closed", "problem": value.session.reason}
    session = sessions.get(value.session)
    row |= {
        "session": value.session,
        "peer": session.peer if session is not None else None,
        "direction": "sent" if value.sent else "received",
    }
    match value:
        case RecordedChunk():
            row |= {"what": "chunk", **_bytes(value.data, encoding)}
        case RecordedFrame():
            row |= {"what": "frame", **_bytes(value.frame, encoding)}
        case RecordedMessage():
            row |= {"what": value.kind.value, "name": value.name, "values": dict(value.values)}
            row |= {"answers": value.answers, "seconds": _rounded(value.seconds), "problem": value.problem}
            row |= _bytes(value.frame, encoding)
        case RecordedFault():
            row |= {
                "what": "fault" if value.kind != "half frame" else value.kind,
                "problem": fault_text(value),
            }
        case RecordedAlteration():
            row |= {"what": "disturbed", "problem": value.text}
    return {name: each for name, each in row.items() if each not in (None, "", {})}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 9)


def _bytes(data: bytes, encoding: str) -> dict[str, str]:
    text = data.decode(charset(encoding), "backslashreplace")
    return {"text": one_line(text, len(text) + 1), "hex": data.hex()}
