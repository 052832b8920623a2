"""Sessions that recorders watch, without a network, and a disk that can fail."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from attrs import define

from tcpcomm import BadChecksum, MessageKind, ObservedMessage
from tests.system.running import DEADLINE

__all__ = ["Disk", "Session", "bad_checksum", "command", "reply"]


@define(eq=False)
class Session:
    """A session as observers see it."""

    peer: str = "10.0.0.7:50432"
    target: str = "10.0.0.9:9999"
    is_equipment: bool = True
    is_declared: bool = False
    declaration: Any = None
    identity: str | None = None


def command(name: str = "locate", frame: bytes = b"TRG,3", **values: Any) -> ObservedMessage:
    """Return a command that this side received."""
    return ObservedMessage(kind=MessageKind.COMMAND, sent=False, frame=frame, name=name, values=values)


def reply(
    to: ObservedMessage, frame: bytes = b"OK,4.5", seconds: float = 0.25, **values: Any
) -> ObservedMessage:
    """Return the reply of this side to a command."""
    return ObservedMessage(
        kind=MessageKind.REPLY,
        sent=True,
        frame=frame,
        name=to.name,
        values=values,
        answers=to,
        seconds=seconds,
    )


def bad_checksum(details: str = "") -> BadChecksum:
    """Return a fault of framing."""
    fault = BadChecksum("the checksum is wrong", offset=7, recoverable=True)
    fault.details = details
    return fault


_UNLIMITED = 2**30


class Disk:
    """Opens databases on a disk that can be full or hang."""

    def __init__(self) -> None:
        self.pages = _UNLIMITED
        """The pages that a database may have."""
        self.responds = threading.Event()
        """Unset while the disk hangs."""
        self.responds.set()

    def make_room(self) -> None:
        """End the limit."""
        self.pages = _UNLIMITED

    def __call__(self, path: str) -> sqlite3.Connection:
        """Open a database, as the recorder does."""
        disk = self

        class Connection(sqlite3.Connection):
            """A connection that meets the disk when a transaction begins."""

            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                if statement.startswith("BEGIN"):
                    assert disk.responds.wait(DEADLINE)
                    super().execute(f"PRAGMA max_page_count = {disk.pages}").fetchone()
                return super().execute(statement, *values)

        return sqlite3.connect(path, isolation_level=None, factory=Connection)
