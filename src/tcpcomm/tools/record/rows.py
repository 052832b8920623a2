"""
Rows of the tables, made of what an observer saw, without I/O: :class:`RowMaker`.

It numbers the rows, and finds the row of the command that a message answers.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import define, field

from tcpcomm.codec.value_forms import plain
from tcpcomm.session.observer import MaskedBytes, MessageKind, ObservedMessage
from tcpcomm.tools.record.ring import Block
from tcpcomm.tools.record.row_queue import ROW_COST, Entry, Gap, What

LONGEST_VALUES: Final = 1024 * 1024
"""Characters of the values of one message as JSON. Longer ones are left out; the frame has them all."""

MOST_COMMANDS: Final = 10_000
"""Commands whose answers are awaited. The answers to older ones are recorded without their command."""

_PLAIN: Final = frozenset([int, float, str, bool, bytes, type(None), MaskedBytes])
"""Types of values that nobody can change."""

_FINAL: Final = frozenset([MessageKind.REPLY, MessageKind.FAULT])

Row: TypeAlias = tuple[Any, ...]


@define(eq=False)
class OpenSession:
    """A session as the recorder knows it."""

    number: int
    peer: str
    target: str
    is_equipment: bool
    declaration: str
    opened_at: int
    is_written: bool = False


@define(eq=False)
class Seen:
    """A message, and its values in the form in which nobody can change them: as they are, or as JSON."""

    message: ObservedMessage
    values: Mapping[str, Any] | str


def seen(message: ObservedMessage) -> Seen:
    """Return a message with values that stay as they are now. Only plain values are written later."""
    values = message.values
    if all(type(each) in _PLAIN for each in values.values()):
        return Seen(message, values)
    return Seen(message, values_text(values))


def values_text(values: Mapping[str, Any]) -> str:
    """Return values as JSON. What JSON does not have becomes text."""
    if not values:
        return "{}"
    text = json.dumps({name: plain(each) for name, each in values.items()}, default=str, skipkeys=True)
    if len(text) > LONGEST_VALUES:
        return json.dumps({"left out": f"{len(text):,} characters; the frame has all values"})
    return text


@define
class Batch:
    """
    The rows of one transaction.

    Attributes:
        tables: the rows of each table of :data:`~tcpcomm.tools.record.schema.COLUMNS`.
        sessions: statements about sessions, with their values, in order.
        first, last: the numbers of the first and the last row; ``last`` is less if there are none.
        began_at, ended_at: their times.
        size: the bytes of the entries, as the queue counts them.
        faults: the times of faults.
        blocks: the blocks that these rows change.
    """

    first: int
    last: int
    began_at: int
    ended_at: int
    size: int
    tables: dict[str, list[Row]]
    sessions: list[tuple[str, Row]] = field(factory=list)
    faults: list[int] = field(factory=list)
    blocks: list[Block] = field(factory=list)


NEW_SESSION: Final = (
    "INSERT INTO sessions(number, peer, target, is_equipment, declaration, identity, first, opened_at, "
    "reason, is_cut) VALUES (?, ?, ?, ?, ?, '', ?, ?, '', 0)"
)
READY: Final = (
    "UPDATE sessions SET ready_at = ?, identity = ?, declaration = ?, target = ? WHERE number = ?"
)
CLOSED: Final = "UPDATE sessions SET last = ?, closed_at = ?, reason = ? WHERE number = ?"


class RowMaker:
    """
    Makes rows of entries, in their order.

    Args:
        next_number: the number of the first row.
    """

    def __init__(self, next_number: int) -> None:
        self._number = next_number
        self._commands: dict[int, tuple[weakref.ref[ObservedMessage], int]] = {}
        self._make: dict[What, Callable[[Batch, int, Entry], int]] = {
            What.FRAME: self._frame,
            What.MESSAGE: self._message,
            What.FAULT: self._fault,
            What.ALTERATION: self._alteration,
            What.OPENED: self._opened,
            What.READY: self._ready,
            What.CLOSED: self._closed,
            What.STATE: self._state,
            What.GAP: self._gap,
        }

    def rows_of(self, entries: Sequence[Entry]) -> Batch:
        """Return the rows of entries, at least one."""
        number = self._number
        batch = Batch(number, number, entries[0][1], entries[-1][1], len(entries) * ROW_COST, {})
        chunks: list[Row] = []
        size = 0
        for entry in entries:
            what, at, session, sent, data = entry
            if session is not None and not session.is_written:
                session.is_written = True
                batch.sessions.append((NEW_SESSION, _session_row(session, number)))
            if what == What.CHUNK:
                chunks.append((number, at, session.number, sent, data, type(data) is MaskedBytes))
                size += len(data)
            else:
                size += self._make[what](batch, number, entry)
            number += 1
        if chunks:
            batch.tables["chunks"] = chunks
        batch.size += size
        batch.last = number - 1
        self._number = number
        return batch

    def _frame(self, batch: Batch, number: int, entry: Entry) -> int:
        _, at, session, sent, frame = entry
        row = (number, at, session.number, sent, frame, type(frame) is MaskedBytes)
        batch.tables.setdefault("frames", []).append(row)
        return len(frame)

    def _message(self, batch: Batch, number: int, entry: Entry) -> int:
        _, at, session, sent, found = entry
        message: ObservedMessage = found.message
        text = found.values if isinstance(found.values, str) else values_text(found.values)
        row = (
            number, at, session.number, sent, message.frame, type(message.frame) is MaskedBytes,
            message.kind.value, clean(message.name), text, self._answered(message), message.seconds,
            clean(message.problem),
        )  # fmt: skip
        batch.tables.setdefault("messages", []).append(row)
        if message.kind is MessageKind.COMMAND:
            self._await_answer(message, number)
        elif message.kind is MessageKind.UNREADABLE:
            batch.faults.append(at)
        return len(message.frame)

    def _await_answer(self, command: ObservedMessage, number: int) -> None:
        if len(self._commands) >= MOST_COMMANDS:
            del self._commands[next(iter(self._commands))]
        self._commands[id(command)] = (weakref.ref(command), number)

    def _answered(self, message: ObservedMessage) -> int | None:
        command = message.answers
        if command is None:
            return None
        known, number = self._commands.get(id(command), (None, None))
        if known is None or known() is not command:
            return None
        if message.kind in _FINAL:
            del self._commands[id(command)]
        return number

    @staticmethod
    def _fault(batch: Batch, number: int, entry: Entry) -> int:
        _, at, session, sent, (kind, text, details) = entry
        row = (number, at, session.number, sent, kind, clean(text), clean(details))
        batch.tables.setdefault("faults", []).append(row)
        batch.faults.append(at)
        return 0

    @staticmethod
    def _alteration(batch: Batch, number: int, entry: Entry) -> int:
        _, at, session, sent, text = entry
        batch.tables.setdefault("alterations", []).append((number, at, session.number, sent, clean(text)))
        return 0

    @staticmethod
    def _opened(batch: Batch, number: int, entry: Entry) -> int:
        return 0  # a session that is new is written before its first row

    @staticmethod
    def _ready(batch: Batch, number: int, entry: Entry) -> int:
        _, at, session, _, identity = entry
        row = (at, clean(identity), session.declaration, clean(session.target), session.number)
        batch.sessions.append((READY, row))
        return 0

    @staticmethod
    def _closed(batch: Batch, number: int, entry: Entry) -> int:
        _, at, session, _, reason = entry
        batch.sessions.append((CLOSED, (number, at, clean(reason), session.number)))
        return 0

    @staticmethod
    def _state(batch: Batch, number: int, entry: Entry) -> int:
        _, at, _, _, (name, state, reason) = entry
        batch.tables.setdefault("states", []).append((number, at, clean(name), state, clean(reason)))
        return 0

    @staticmethod
    def _gap(batch: Batch, number: int, entry: Entry) -> int:
        gap: Gap = entry[4]
        row = (number, entry[1], gap.until, gap.count, gap.size, gap.reason)
        batch.tables.setdefault("gaps", []).append(row)
        return 0


def _session_row(session: OpenSession, number: int) -> Row:
    return (
        session.number, clean(session.peer), clean(session.target), session.is_equipment,
        session.declaration, number, session.opened_at,
    )  # fmt: skip


def clean(text: str) -> str:
    """Return a text that UTF-8 can carry: half characters, as file names may have, become escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
