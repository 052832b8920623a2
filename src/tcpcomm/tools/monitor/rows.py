"""
The rows of the page: :class:`Row`, one for each frame, fault and change, and its form in JSON.

A row keeps what an observer got. Its texts are made only when a page shows it.
"""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as _quoted
from math import isfinite
from typing import Any, Final, NamedTuple

import attrs

from tcpcomm.codec.annotations import has_fields

COLUMNS: Final = (
    "id", "session", "time", "direction", "kind", "name", "values", "hex", "bytes", "answers", "took",
    "text", "chunks", "place",
)  # fmt: skip
"""The columns of a row as a page gets it."""

SHOWN_BYTES: Final = 256
"""Bytes of a frame in its row. The page gets the rest when somebody opens the row."""

SHOWN_ITEMS: Final = 32
"""Items of a list, and values of a message, in its row. The row has the number of all."""

SHOWN_CHARACTERS: Final = 256
"""Characters of a text in a message, or of a reason. The rest is cut."""

_DEEPEST: Final = 6
_EXACT: Final = 2**53
_ROW_BYTES: Final = 400
"""An estimate of the memory of a row without its frame."""

_MICROSECONDS: Final = 1_000_000
_DUMPS: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode


class Row(NamedTuple):
    """One line of the list of frames."""

    number: int
    source: str
    session: int | None
    time: float
    """Seconds since 1970."""
    sent: bool | None
    """True if this side sent it, False if this side received it, None if it has no direction."""
    kind: str
    name: str = ""
    values: Mapping[str, Any] | None = None
    frame: bytes = b""
    size: int = 0
    """The bytes of the whole frame, of which ``frame`` may be a part."""
    answers: int | None = None
    """The number of the row with the command that it answers."""
    took: float | None = None
    text: str = ""
    chunks: int = 1
    """The chunks that the frame came in."""
    place: int = 1
    """The place of the frame in its chunk: the second and later ones are glued to others."""

    @property
    def weight(self) -> int:
        """An estimate of the bytes of memory that the row takes."""
        return _ROW_BYTES + 3 * len(self.frame)


row_of: Final[Callable[[tuple[Any, ...]], Row]] = partial(tuple.__new__, Row)
"""Return a row of all its fields, faster than its class does."""


def row_values(row: Row) -> list[Any]:
    """Return a row as a list of plain values, in the order of :data:`COLUMNS`."""
    frame, values, text = row.frame, row.values, row.text
    return [
        row.number,
        row.session,
        row.time,
        _DIRECTIONS[row.sent],
        row.kind,
        row.name,
        plain(values) if values else None,
        (frame if len(frame) <= SHOWN_BYTES else frame[:SHOWN_BYTES]).hex(),
        row.size,
        row.answers,
        row.took,
        cut(text) if text else "",
        row.chunks,
        row.place,
    ]


def rows_json(rows: Iterable[Row]) -> str:
    """
    Return rows as a JSON array of arrays, in the order of :data:`COLUMNS`. Times are in whole microseconds.

    A page gets thousands of rows per second, so this writes their text at once, instead of
    :func:`row_values` for an encoder.
    """
    return f"[{','.join(map(_row_json, rows))}]"


def _row_json(row: Row) -> str:
    number, _, session, time, sent, kind, name, values, frame, size = row[:10]
    answers, took, text, chunks, place = row[10:]
    microseconds = int(time * _MICROSECONDS + 0.5)
    shown = frame if len(frame) <= SHOWN_BYTES else frame[:SHOWN_BYTES]
    return (
        f"[{number},{'null' if session is None else session},"
        f"{microseconds // _MICROSECONDS}.{microseconds % _MICROSECONDS:06},"
        f'"{_DIRECTIONS[sent]}",{_quoted(kind)},{_quoted(name)},'
        f'{_values_json(values) if values else "null"},"{shown.hex()}",{size},'
        f"{'null' if answers is None else answers},{'null' if took is None else took},"
        f"{_quoted(cut(text))},{chunks},{place}]"
    )


def _values_json(values: Mapping[str, Any]) -> str:
    """Return what :func:`plain` makes of the values, as JSON."""
    parts: list[str] = []
    for name, value in values.items():
        kind = type(value)
        if kind is float and isfinite(value):
            text = repr(value)
        elif kind is int and -_EXACT <= value <= _EXACT:
            text = str(value)
        elif kind is str and len(value) <= SHOWN_CHARACTERS:
            text = _quoted(value)
        else:
            text = _DUMPS(plain(value, 1))
        if type(name) is not str or len(name) > SHOWN_CHARACTERS or len(parts) == SHOWN_ITEMS:
            return _DUMPS(plain(values))
        parts.append(f"{_quoted(name)}:{text}")
    return f"{{{','.join(parts)}}}"


_DIRECTIONS: Final = {True: "out", False: "in", None: ""}


def plain(value: Any, depth: int = 0) -> Any:
    """
    Return a value in types that JSON has. Long lists and texts are cut, with ``…`` at the end.

    Numbers that JavaScript would change become texts: whole numbers beyond 2**53, and NaN.
    """
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is float:
        return value if isfinite(value) else str(value)
    if kind is int:
        return value if -_EXACT <= value <= _EXACT else str(value)
    if kind is str:
        return cut(value)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, Mapping):
        return _plain_mapping(value, depth)
    if isinstance(value, bytes | bytearray | memoryview):
        shown = bytes(value[:SHOWN_BYTES]).hex()
        return shown if len(value) <= SHOWN_BYTES else f"{shown}…"
    if isinstance(value, list | tuple):
        return _plain_list(value[:SHOWN_ITEMS], len(value), depth)
    if has_fields(kind):
        return _plain_fields(value, depth)
    return _plain_other(value, depth)


def _plain_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, each in value.items():
        if type(key) is str and type(each) is float and isfinite(each) and len(found) < SHOWN_ITEMS:
            found[key] = each
            continue
        if len(found) == SHOWN_ITEMS:
            found["…"] = f"{len(value)} in all"
            break
        found[str(plain(key, depth + 1))] = plain(each, depth + 1)
    return found


def _plain_list(items: Any, count: int, depth: int) -> list[Any]:
    found = [plain(each, depth + 1) for each in items]
    return found if count <= SHOWN_ITEMS else [*found, f"… {count} in all"]


def _plain_fields(value: Any, depth: int) -> dict[str, Any]:
    kind: Any = type(value)
    return {name: plain(getattr(value, name, None), depth + 1) for name in _names_of(kind)}


@lru_cache(maxsize=256)
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    fields = attrs.fields(kind) if attrs.has(kind) else dataclasses.fields(kind)
    return tuple(each.name for each in fields[:SHOWN_ITEMS])


def _plain_other(value: Any, depth: int) -> Any:
    """Return a value of a foreign type: a number or an array of numpy, a date, a Decimal."""
    shape = getattr(value, "shape", None)
    if shape == () and hasattr(value, "item"):
        return plain(value.item(), depth + 1)
    if shape and hasattr(value, "ravel"):
        return _plain_list(value.ravel()[:SHOWN_ITEMS].tolist(), int(value.size), depth)
    try:
        return cut(str(value))
    except Exception:  # the class is the user's, and its text is only shown
        return f"({type(value).__name__})"


def cut(text: str) -> str:
    """Return the beginning of a text that is too long to show."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


class RowHistory:
    """
    The newest rows of one source, within a number of rows and of bytes.

    Attributes:
        most_rows: the rows that may be kept.
        most_bytes: the bytes that they may take, estimated.
    """

    __slots__ = ("_rows", "_weight", "most_bytes", "most_rows")

    def __init__(self, most_rows: int, most_bytes: int) -> None:
        self.most_rows = most_rows
        self.most_bytes = most_bytes
        self._rows: deque[Row] = deque()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __reversed__(self) -> Iterator[Row]:
        return reversed(self._rows)  # type: ignore[no-any-return, unused-ignore]

    @property
    def weight(self) -> int:
        """The bytes of memory that the rows take, estimated."""
        return self._weight

    def add(self, row: Row) -> None:
        """Keep a row, and forget the oldest ones if there are too many."""
        self._rows.append(row)
        self._weight += _ROW_BYTES + 3 * len(row.frame)
        if self._weight > self.most_bytes or len(self._rows) > self.most_rows:
            self.trim()

    def trim(self) -> None:
        """Forget the oldest rows until the limits hold. The newest one stays."""
        rows = self._rows
        while len(rows) > 1 and (self._weight > self.most_bytes or len(rows) > self.most_rows):
            self._weight -= _ROW_BYTES + 3 * len(rows.popleft().frame)

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()
        self._weight = 0
