"""The bytes of a row as they crossed the wire: :func:`wire_of`. They are made again by its framing."""

from __future__ import annotations

from typing import Any

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import EncodeError
from tcpcomm.framing import Framing
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.monitor.rows import Row


def framing_of(model: MonitorModel, row: Row) -> Framing | None:
    """Return the framing of a row, or None if it is not known, or the row has a whole chunk."""
    source = model.source(row.source)
    if source is None or row.kind == "error":
        return None
    if source.declaration is not None:
        from_host = row.sent is not source.is_equipment
        declaration: Declaration = source.declaration
        return declaration.received if from_host else declaration.sent
    watched = model.any_session(row.session)
    session: Any = None if watched is None else watched.session
    if isinstance(session, OverheardSession):
        return session.speech.framing(to_host=bool(row.sent))
    framing: Framing | None = getattr(session, "framing", None)
    return (getattr(session, "reply_framing", None) or framing) if row.sent else framing


def wire_of(frame: bytes, framing: Framing | None) -> bytes:
    """Return a frame with its framing, or as it is if the framing cannot carry it."""
    if framing is None:
        return frame
    try:
        return framing.encode(frame)
    except EncodeError:
        return frame  # a frame that a tool overheard need not obey the rule
