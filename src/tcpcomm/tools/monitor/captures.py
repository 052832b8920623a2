"""
The kept rows as a capture for Wireshark: :func:`capture_of_rows`.

A row has a frame and not the chunks that carried it, so a packet is one frame with its framing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tcpcomm.net.error_texts import peer_name
from tcpcomm.session.observer import MaskedBytes, MessageKind
from tcpcomm.tools.export.capture import capture
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.rows import Row, plain
from tcpcomm.tools.monitor.sessions import WatchedSession
from tcpcomm.tools.monitor.wire import framing_of, wire_of
from tcpcomm.tools.record.values import (
    Recorded,
    RecordedAlteration,
    RecordedChunk,
    RecordedFault,
    RecordedMessage,
    RecordedSession,
    RecordedState,
)

_MICROSECONDS = 1e6
_KINDS = {each.value: each for each in MessageKind}


def capture_of_rows(model: MonitorModel, rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the pieces of a pcapng file."""
    rows = list(rows)
    sessions: dict[int, RecordedSession] = {}
    for row in rows:
        if row.session is not None and row.session not in sessions:
            sessions[row.session] = _session(row, model.any_session(row.session))
    values = (value for row in rows for value in _values(model, row))
    return capture(values, sessions)


def _session(row: Row, watched: WatchedSession | None) -> RecordedSession:
    session: Any = None if watched is None else watched.session
    transport: Any = getattr(session, "transport", None)
    target = str(getattr(session, "target", ""))
    is_open = watched is not None and watched.state != "closed"
    if not target and is_open and hasattr(transport, "getHost"):  # a closed socket has no address
        target = peer_name(transport.getHost())
    declaration = getattr(session, "declaration", None)
    return RecordedSession(
        number=row.session or 0,
        peer=str(getattr(session, "peer", "")),
        target=target,
        is_equipment=bool(getattr(session, "is_equipment", False)),
        declaration="" if declaration is None else f"{declaration.kind.__module__}:{declaration.name}",
        identity="",
        first=row.number,
        last=None,
        opened_at=_at(row),
        ready_at=None,
        closed_at=None,
        reason="",
        is_cut=False,
    )


def _at(row: Row) -> int:
    return int(row.time * _MICROSECONDS)


def _values(model: MonitorModel, row: Row) -> Iterator[Recorded]:
    """Yield the values of a recording for a row."""
    if row.session is None:
        source = model.source(row.source)
        name = row.source if source is None else source.name
        yield RecordedState(number=row.number, at=_at(row), name=name, state=row.text, reason="")
        return
    if row.sent is None:
        return  # the state of a session
    where: dict[str, Any] = {
        "number": row.number, "at": _at(row), "session": row.session, "sent": row.sent
    }  # fmt: skip
    masked = isinstance(row.frame, MaskedBytes)
    if row.frame:
        data = wire_of(bytes(row.frame), framing_of(model, row))
        yield RecordedChunk(**where, data=data, masked=masked)
    if row.kind in _KINDS:
        values = plain(row.values) if row.values else {}
        yield RecordedMessage(
            **where,
            frame=bytes(row.frame),
            masked=masked,
            kind=_KINDS[row.kind],
            name=row.name,
            values=values,
            answers=row.answers,
            seconds=row.took,
            problem=row.text,
        )
    elif row.kind in ("error", "half"):
        yield RecordedFault(**where, kind=row.kind, text=row.text, details="")
    elif row.kind == "altered":
        yield RecordedAlteration(**where, text=row.text)
