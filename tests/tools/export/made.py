"""Recorded values, made for a test."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from tcpcomm import MessageKind
from tcpcomm.tools.export.capture import capture
from tcpcomm.tools.export.source import Closed, Exported, Opened
from tcpcomm.tools.record.values import RecordedChunk, RecordedMessage, RecordedSession

__all__ = ["AT", "Talk", "captured"]

AT = 1_795_900_000_123_456


class Talk:
    """One session, and the values of it, each a millisecond behind the one before."""

    def __init__(self, peer: str = "10.0.0.7:50432", target: str = "10.0.0.9:9999", **details: Any) -> None:
        self._numbers = count(details.pop("first", 1))
        details = {"is_equipment": True, "declaration": "", "is_cut": False, "reason": "", **details}
        self.session = RecordedSession(
            number=details.pop("number", 1),
            peer=peer,
            target=target,
            identity="",
            first=1,
            last=None,
            opened_at=AT,
            ready_at=None,
            closed_at=None,
            **details,
        )
        self.values: list[Exported] = [Opened(next(self._numbers), AT, self.session)]

    def _next(self) -> dict[str, Any]:
        number = next(self._numbers)
        return {"number": number, "at": AT + 1000 * number, "session": self.session.number}

    def chunk(self, data: bytes, *, sent: bool = False) -> Talk:
        """Add a chunk."""
        self.values.append(RecordedChunk(**self._next(), sent=sent, data=data, masked=False))
        return self

    def message(self, frame: bytes, *, sent: bool = False, **details: Any) -> Talk:
        """Add a message."""
        known: dict[str, Any] = {
            "kind": MessageKind.REPLY if sent else MessageKind.COMMAND,
            "name": "locate",
            "values": {},
            "answers": None,
            "seconds": None,
            "problem": "",
            **details,
        }
        self.values.append(RecordedMessage(**self._next(), sent=sent, frame=frame, masked=False, **known))
        return self

    def add(self, make: Any, **details: Any) -> Talk:
        """Add another value of the session."""
        self.values.append(make(**self._next(), **details))
        return self

    def close(self) -> Talk:
        """End the session."""
        where = self._next()
        self.values.append(Closed(where["number"], where["at"], self.session))
        return self


def captured(*talks: Talk, also: Iterable[Exported] = ()) -> bytes:
    """Return the capture of some sessions."""
    values = sorted(
        [*(value for each in talks for value in each.values), *also], key=lambda each: each.number
    )
    return b"".join(capture(values, {each.session.number: each.session for each in talks}))
