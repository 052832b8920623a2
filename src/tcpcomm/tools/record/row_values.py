"""Rows of a recording's tables as values: a function for each kind."""

from __future__ import annotations

from typing import Any, TypeAlias

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

Row: TypeAlias = tuple[Any, ...]


def session_of(row: Row) -> RecordedSession:
    """Return the session in a row."""
    (number, peer, target, is_equipment, declaration, identity, first, last) = row[:8]
    (opened_at, ready_at, closed_at, reason, is_cut) = row[8:]
    return RecordedSession(
        number=number,
        peer=peer or "",
        target=target or "",
        is_equipment=bool(is_equipment),
        declaration=declaration or "",
        identity=identity or "",
        first=first,
        last=last,
        opened_at=opened_at,
        ready_at=ready_at,
        closed_at=closed_at,
        reason=reason or "",
        is_cut=bool(is_cut),
    )


def itself(row: Row) -> Row:
    """Return the row."""
    return row


def chunk_of(row: Row) -> RecordedChunk:
    """Return the chunk in a row."""
    number, at, session, sent, data, masked = row
    return RecordedChunk(
        number=number, at=at, session=session, sent=bool(sent), data=data, masked=bool(masked)
    )


def frame_of(row: Row) -> RecordedFrame:
    """Return the frame in a row."""
    number, at, session, sent, frame, masked = row
    return RecordedFrame(
        number=number, at=at, session=session, sent=bool(sent), frame=frame, masked=bool(masked)
    )


def frame_in(message: RecordedMessage) -> RecordedFrame:
    """Return the frame that carried a message."""
    return RecordedFrame(
        number=message.number,
        at=message.at,
        session=message.session,
        sent=message.sent,
        frame=message.frame,
        masked=message.masked,
    )


def fault_of(row: Row) -> RecordedFault:
    """Return the fault in a row."""
    number, at, session, sent, kind, text, details = row
    return RecordedFault(
        number=number, at=at, session=session, sent=bool(sent), kind=kind, text=text, details=details
    )


def alteration_of(row: Row) -> RecordedAlteration:
    """Return the change in a row."""
    number, at, session, sent, text = row
    return RecordedAlteration(number=number, at=at, session=session, sent=bool(sent), text=text)


def state_of(row: Row) -> RecordedState:
    """Return the state in a row."""
    number, at, name, state, reason = row
    return RecordedState(number=number, at=at, name=name, state=state, reason=reason)


def gap_of(row: Row) -> RecordedGap:
    """Return the gap in a row."""
    number, at, until, count, size, reason = row
    return RecordedGap(number=number, at=at, until=until, count=count, size=size, reason=reason)
