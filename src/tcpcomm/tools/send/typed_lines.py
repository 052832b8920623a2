"""Lines from standard input, which a thread reads: :class:`TypedLines`."""

from __future__ import annotations

import threading
from typing import Any, BinaryIO, Final

from twisted.internet.defer import Deferred

_LONGEST_LINE: Final = 1024 * 1024
"""Bytes of one line. A longer one is taken for several."""

_PIECE: Final = 64 * 1024
"""Bytes that are read at once."""


class TypedLines:
    """
    Reads a file such as standard input, a line at a time, without blocking the reactor.

    A thread is used, because a console of Windows, and a file, cannot be watched by a reactor. It reads
    the file without its buffer: at the end of the program, Python waits for the lock of the buffer.

    Args:
        file: the file.
        reactor: its thread gets the lines.
        whole_lines: False for pieces as they come, in place of lines.
    """

    def __init__(self, file: BinaryIO, reactor: Any, *, whole_lines: bool = True) -> None:
        self._file = file
        self._reactor = reactor
        self._read = getattr(file, "raw", file).read
        self._whole_lines = whole_lines
        self._rest = b""
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
            data = self._next_line() if self._whole_lines else self._next_piece()
            self._reactor.callFromThread(self._deliver, data)

    def _next_line(self) -> bytes:
        while b"\n" not in self._rest and len(self._rest) < _LONGEST_LINE:
            piece = self._next_piece()
            if not piece:
                line, self._rest = self._rest, b""
                return line
            self._rest += piece
        line, end, self._rest = self._rest.partition(b"\n")
        return line + end

    def _next_piece(self) -> bytes:
        try:
            return self._read(_PIECE) or b""
        except (OSError, ValueError):  # the terminal is gone, or the program ends
            return b""

    def _deliver(self, data: bytes) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.called:
            waiting.callback(data or None)
