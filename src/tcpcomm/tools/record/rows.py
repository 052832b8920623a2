"""
Rows of the tables, made of what an observer saw, without I/O: :class:`RowMaker`.

It numbers the rows, and finds the row of the command that a message answers.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from attrs import define, field

from tcpcomm.codec.value_forms import plain
from tcpcomm.session.observer import MaskedBytes, MessageKind, ObservedMessage
from tcpcomm.tools.record.ring import Block
from tcpcomm.tools.record.row_queue import Entry, Gap, Taken, What

LONGEST_VALUES: Final = 1024 * 1024
"""Characters of the values of one message as JSON. Longer values are left out; the frame has them."""

MOST_COMMANDS: Final = 10_000
"""Commands that wait for their answers. An answer to an older one is recorded without its command."""

ROWS_BETWEEN_PAUSES: Final = 8
"""Rows that the thread makes before it lets the reactor run."""

HALF_FRAME: Final = "half frame"
"""The kind of a fault that is a frame which began and did not end."""

_PLAIN: Final = frozenset([int, float, str, bool, bytes, type(None), MaskedBytes])
"""Types of values that nobody can change."""

_FINAL: Final = frozenset([MessageKind.REPLY, MessageKind.FAULT])

Row: TypeAlias = tuple[Any, ...]


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
    try:
        text = json.dumps({name: plain(each) for name, each in values.items()}, default=str, skipkeys=True)
    except Exception as error:  # a text of a user's class fails, or a value holds itself
        return json.dumps({"left out": f"{type(error).__name__}; the frame has all values"})
    if len(text) > LONGEST_VALUES:
        return json.dumps({"left out": f"{len(text):,} characters; the frame has all values"})
    return text


@define
class Batch:
    """
    The rows of one transaction.

    Attributes:
        taken: the chunks and frames, which SQLite takes apart.
        last: the number of the last row, once that is known.
        tables: the other rows, of each table of :data:`~tcpcomm.tools.record.schema.COLUMNS`.
        sessions: statements about sessions, with their values, in order.
        faults: the times of faults.
        blocks: the blocks that these rows change.
        size: the bytes of the rows in the queue.
    """

    taken: Taken
    last: int = 0
    tables: dict[str, list[Row]] = field(factory=dict)
    sessions: list[tuple[str, Row]] = field(factory=list)
    faults: list[int] = field(factory=list)
    blocks: list[Block] = field(factory=list)
    size: int = 0


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
    Makes rows of the entries of a queue, in their order.

    Args:
        pause: called between some rows, to let other threads run.
    """

    def __init__(self, pause: Callable[[], object] = lambda: None) -> None:
        self._pause = pause
        self._commands: dict[int, tuple[weakref.ref[ObservedMessage], int]] = {}
        self._make: dict[What, Callable[[Batch, Entry], None]] = {
            What.MESSAGE: self._message,
            What.FAULT: self._fault,
            What.ALTERATION: self._alteration,
            What.OPENED: self._opened,
            What.READY: self._ready,
            What.CLOSED: self._closed,
            What.STATE: self._state,
            What.GAP: self._gap,
        }

    def add_to(self, batch: Batch, entries: list[Entry]) -> None:
        """Add the rows of entries to a transaction."""
        for at, entry in enumerate(entries, 1):
            self._make[entry[1]](batch, entry)
            if at % ROWS_BETWEEN_PAUSES == 0:
                self._pause()

    def _message(self, batch: Batch, entry: Entry) -> None:
        number, _, at, session, sent, found = entry
        message: ObservedMessage = found.message
        text = found.values if isinstance(found.values, str) else values_text(found.values)
        row = (
            number, at, session, sent, message.frame, type(message.frame) is MaskedBytes,
            message.kind.value, clean(message.name), text, self._answered(message), message.seconds,
            clean(message.problem),
        )  # fmt: skip
        batch.tables.setdefault("messages", []).append(row)
        if message.kind is MessageKind.COMMAND:
            self._await_answer(message, number)
        elif message.kind is MessageKind.UNREADABLE:
            batch.faults.append(at)

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
    def _fault(batch: Batch, entry: Entry) -> None:
        number, _, at, session, sent, (kind, text, details) = entry
        row = (number, at, session, sent, kind, clean(text), clean(details))
        batch.tables.setdefault("faults", []).append(row)
        if kind != HALF_FRAME:
            batch.faults.append(at)

    @staticmethod
    def _alteration(batch: Batch, entry: Entry) -> None:
        number, _, at, session, sent, text = entry
        batch.tables.setdefault("alterations", []).append((number, at, session, sent, clean(text)))

    @staticmethod
    def _opened(batch: Batch, entry: Entry) -> None:
        number, _, at, session, _, (peer, target, is_equipment, declaration) = entry
        row = (session, clean(peer), clean(target), is_equipment, declaration, number, at)
        batch.sessions.append((NEW_SESSION, row))

    @staticmethod
    def _ready(batch: Batch, entry: Entry) -> None:
        _, _, at, session, _, (identity, target, declaration) = entry
        batch.sessions.append((READY, (at, clean(identity), declaration, clean(target), session)))

    @staticmethod
    def _closed(batch: Batch, entry: Entry) -> None:
        number, _, at, session, _, reason = entry
        batch.sessions.append((CLOSED, (number, at, clean(reason), session)))

    @staticmethod
    def _state(batch: Batch, entry: Entry) -> None:
        number, _, at, _, _, (name, state, reason) = entry
        batch.tables.setdefault("states", []).append((number, at, clean(name), state, clean(reason)))

    @staticmethod
    def _gap(batch: Batch, entry: Entry) -> None:
        gap: Gap = entry[5]
        row = (entry[0], entry[2], gap.until, gap.count, gap.size, gap.reason)
        batch.tables.setdefault("gaps", []).append(row)


def clean(text: str) -> str:
    """Return a text that UTF-8 can carry: half characters, as file names may have, become escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
