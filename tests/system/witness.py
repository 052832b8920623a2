"""A session that the server must answer during all other tests on it: :class:`Witness`."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self

from tcpcomm.framing import Framing, Lines
from tests.system.peer import Peer

__all__ = ["Witness"]

_PAUSE = 0.01
"""Seconds between a reply and the next request."""

_AT_LEAST = 3
"""Replies that the witness must have got."""


class Witness:
    """
    A thread with its own session that sends PING all the time, and checks on exit that all replies came.

    Args:
        port: the server's port.
        framing: the server's framing.
    """

    def __init__(self, port: int, framing: Framing | None = None) -> None:
        framing = framing or Lines()
        self._question, self._answer = framing.encode(b"PING"), framing.encode(b"PONG")
        self._peer = Peer(port)
        self._over = Event()
        self._problem: str | None = None
        self._answers = 0
        self._thread = Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        while not (self._over.is_set() and self._answers >= _AT_LEAST):
            asked = monotonic()
            try:
                self._peer.send(self._question)
                answer = self._peer.receive(len(self._answer))
            except OSError as error:
                self._problem = f"{error!r}, {monotonic() - asked:.1f} s after it had asked"
                return
            if answer != self._answer:
                self._problem = f"it was answered {answer!r}"
                return
            self._answers += 1
            self._over.wait(_PAUSE)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        self._peer.close()
        if kind is None:
            assert self._problem is None, f"another session suffered: {self._problem}"
