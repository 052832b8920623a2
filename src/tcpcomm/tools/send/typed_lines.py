"""Lines from standard input, which a thread reads: :class:`TypedLines`."""

from __future__ import annotations

import threading
from typing import Any, BinaryIO, Final

from twisted.internet.defer import Deferred

_LONGEST_LINE: Final = 1024 * 1024
"""Bytes of one line, or of one piece of standard input, that are read at once."""


class TypedLines:
    """
    Reads a file such as standard input, a line at a time, without blocking the reactor.

    A thread is used, because a console of Windows, and a file, cannot be watched by a reactor.

    Args:
        file: the file.
        reactor: its thread gets the lines.
        whole_lines: False for pieces as they come, in place of lines.
    """

    def __init__(self, file: BinaryIO, reactor: Any, *, whole_lines: bool = True) -> None:
        self._file = file
        self._reactor = reactor
        self._read = file.readline if whole_lines else getattr(file, "read1", file.read)
        self._wanted = threading.Semaphore(0)
        self._waiting: Deferred[bytes | None] | None = None
        self._thread: threading.Thread | None = None

    def next(self) -> Deferred[bytes | None]:
        """Return the next line, with its line end, or None at the end of the file or after an error."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="tcpcomm input")
            self._thread.start()
        self._waiting = Deferred()
        self._wanted.release()
        return self._waiting

    def _run(self) -> None:
        data = b"\n"
        while data:
            self._wanted.acquire()
            try:
                data = self._read(_LONGEST_LINE)
            except (OSError, ValueError):  # the terminal is gone, or the program ends
                data = b""
            self._reactor.callFromThread(self._deliver, data)

    def _deliver(self, data: bytes) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(data or None)
