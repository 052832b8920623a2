"""
Lines of a log, written by a thread of their own: :class:`LogWriter`, and the places it writes to.

A pipe whose reader has stopped, or a disk that hangs, must not block the reactor. So the lines wait in a
queue of limited size. If it is full, the newest lines are dropped, and a line tells their number.

A pipe or a terminal that has room gets its line at once, in the order of what the program prints there.
"""

from __future__ import annotations

import atexit
import codecs
import os
import select
import stat
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Any, Final

from twisted.python.logfile import LogFile

MOST_WAITING: Final = 1024 * 1024
"""Characters of lines that wait to be written. Further lines are dropped and counted."""

BATCH: Final = 64 * 1024
"""Characters that are written at once."""

FINISH: Final = 1.5
"""Seconds at the end of the program for the lines that wait. Then they are lost."""

RETRY: Final = 1.0
"""Seconds between two attempts to write to a full disk or a broken pipe. The lines wait meanwhile."""

LONGEST_AT_ONCE: Final = 512
"""Characters of a line that a pipe or a terminal with room takes for certain, of up to 4 bytes each."""

TICK: Final = 5.0
"""Seconds between two calls of ``idle``."""

Write = Callable[[str], object]
"""Writes whole lines. It may block, and it may raise."""


def _no_lines(at_the_end: bool) -> Iterable[str]:
    return ()


def lost_text(count: int) -> str:
    """Return the message that tells of lines that could not be written."""
    return f"{count} lines of the log were lost here, because they could not be written in time"


class LogWriter:
    """
    A queue of lines and the thread that writes them. Any thread may add lines.

    The thread starts with the first line, also in a child process that ``fork`` made.

    Args:
        write: writes whole lines, in that thread.
        lost: returns the line that tells how many lines were lost.
        idle: returns lines to write. It is called every few seconds, and with True at the end.
        most_waiting: the characters of lines that may wait.
    """

    def __init__(
        self,
        write: Write,
        *,
        lost: Callable[[int], str] = lambda count: f"{lost_text(count)}\n",
        idle: Callable[[bool], Iterable[str]] = _no_lines,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._write = write
        self._has_room = getattr(write, "has_room", None)
        self._lost_line = lost
        self._idle = idle
        self._most_waiting = most_waiting
        self._finish_by: float | None = None
        self._failing = False  # the last attempt to write
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        """Begin with an empty queue and without a thread, as in a child process."""
        self.changed = threading.Condition()  # of an RLock, because a signal handler may log, too
        self._lines: deque[str] = deque()
        self._waiting = 0
        self._lost = 0
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> None:
        """Add a line, with its line end. It never blocks, except for a moment after :meth:`finish`."""
        with self.changed:
            if self._written_at_once(line):
                pass
            elif self._waiting + len(line) > self._most_waiting:
                self._lost += 1
            else:
                self._lines.append(line)
                self._waiting += len(line)
                self.changed.notify_all()
            if self._thread is None:
                self._start()
            if self._finish_by is not None:
                self._wait_until_written(self._finish_by)

    def _written_at_once(self, line: str) -> bool:
        """Write a line here if nothing waits and the place has room. Return True if it is written."""
        if self._has_room is None or self._waiting or self._lost or not self._has_room(line):
            return False
        try:
            self._write(line)
        except Exception:  # the thread tries again, and counts what is lost
            return False
        return True

    def finish(self, seconds: float = FINISH) -> None:
        """
        Wait until all lines are written, at most so many seconds. From now on each line is waited for.

        The seconds are for all calls together, and for all later lines.
        """
        for line in self._idle(True):
            self.put(line)
        with self.changed:
            if self._finish_by is None:
                self._finish_by = monotonic() + seconds
            self._wait_until_written(self._finish_by)

    def _wait_until_written(self, until: float) -> None:
        if self._thread is threading.current_thread():
            return
        while (self._waiting or self._lost) and not self._failing and self._thread is not None:
            left = until - monotonic()
            if left <= 0:
                return
            self.changed.wait(left)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="tcpcomm log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the interpreter is ending
            self._thread = None

    def _run(self) -> None:
        ticked_at = monotonic()
        while True:
            with self.changed:
                if not (self._lines or self._lost):
                    self.changed.wait(TICK)
                text, count = self._take()
            if text:
                self._write_now(text, count)
            if monotonic() - ticked_at >= TICK:
                ticked_at = monotonic()
                for line in self._idle(False):
                    self.put(line)

    def _take(self) -> tuple[str, int]:
        """Return the text of the next lines, and their number."""
        taken: list[str] = []
        length = 0
        while self._lines and length < BATCH:
            taken.append(self._lines.popleft())
            length += len(taken[-1])
        count = len(taken)
        if self._lost and not self._lines:
            taken.append(self._lost_line(self._lost))
            self._waiting += len(taken[-1])
            count, self._lost = count + self._lost, 0
        return "".join(taken), count

    def _write_now(self, text: str, count: int) -> None:
        failing = False
        try:
            self._write(text)
        except Exception:  # a full disk, a closed pipe: the log cannot tell, and the program goes on
            failing = True
        with self.changed:
            self._waiting -= len(text)
            self._failing = failing
            self._lost += count if failing else 0
            self.changed.notify_all()
        if failing:
            sleep(RETRY)


_writers: Final[weakref.WeakSet[LogWriter]] = weakref.WeakSet()


@atexit.register
def finish_all() -> None:
    """Wait a moment for the lines of all writers, because the program ends."""
    for each in list(_writers):
        each.finish()


class _Fork:
    """Keeps the writers usable in both processes after a fork, in which only one thread survives."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._writers: list[LogWriter] = []
        self._ends_with: Any = None

    def before(self) -> None:
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not self._ends_with:  # its children end without atexit
            self._ends_with = util
            util.register_after_fork(self, lambda _: util.Finalize(None, finish_all, exitpriority=0))
        self._writers = list(_writers)
        for each in self._writers:
            self._held.enter_context(each.changed)

    def in_parent(self) -> None:
        self._held.close()

    def in_child(self) -> None:
        self._held = ExitStack()
        for each in self._writers:  # the parent writes the lines that wait
            each._reset()


if hasattr(os, "register_at_fork"):
    _fork = _Fork()
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.in_parent, after_in_child=_fork.in_child)


def stream_writer(stream: Any) -> Write | None:
    """
    Return a function that writes to an open text file, or None if the file is not one of the system's.

    It writes around the file's buffer, which the interpreter could not flush at the end of the program
    while a thread is blocked in it.
    """
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    if sys.platform == "win32" and stream.isatty():  # a console takes text, in an encoding of its own
        return plain_writer(stream)
    return _Descriptor(stream)


class _Descriptor:
    """Writes to the file descriptor of a stream, or rather to a copy, which nobody else closes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        kind = os.fstat(stream.fileno()).st_mode
        self._tells_room = stat.S_ISFIFO(kind) or stream.isatty()
        self._encoding = codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name
        self._number: int | None = None

    def has_room(self, text: str) -> bool:
        """Return True if writing certainly does not block. Only a pipe and a terminal can tell."""
        if sys.platform == "win32" or not self._tells_room or len(text) > LONGEST_AT_ONCE:
            return False
        poll = select.poll()
        poll.register(self._open(), select.POLLOUT)
        return poll.poll(0) == [(self._number, select.POLLOUT)]

    def _open(self) -> int:
        if self._number is None:
            self._stream.flush()
            self._number = os.dup(self._stream.fileno())
        return self._number

    def __call__(self, text: str) -> None:
        number = self._open()
        if os.linesep != "\n":
            text = text.replace("\n", os.linesep)
        data = memoryview(text.encode(self._encoding, "backslashreplace"))
        while data:
            try:
                data = data[os.write(number, data) :]
            except BlockingIOError:  # another program made the pipe non-blocking
                select.select([], [number], [], RETRY)

    def __del__(self) -> None:
        if self._number is not None:
            os.close(self._number)


def plain_writer(stream: Any) -> Write:
    """Return a function that writes to an object like a file, such as a text in memory."""

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


class _LogFile(LogFile):
    def empty(self) -> None:
        """Remove all contents, also if the program gave up the right to open the file."""
        self._file.truncate(0)
        self._file.seek(0)
        self.size = 0


class RotatingFile:
    """
    A log file that is renamed to ``NAME.1`` when it is full, and ``NAME.1`` to ``NAME.2``, and so on.

    If it cannot be renamed, because its folder may not be written, it is emptied at twice its size.

    Args:
        path: the file.
        size: the bytes at which it is renamed.
        kept: the number of renamed files that are kept.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: str, *, size: int, kept: int) -> None:
        self._path = os.path.abspath(path)  # twistd changes the folder later
        self._size = size
        self._kept = kept
        self.rotation_due = False
        """Set it, from any thread or a signal, to have the file renamed now."""
        self._file: Any = self._open()

    def _open(self) -> Any:
        return _LogFile.fromFullPath(self._path, rotateLength=self._size, maxRotatedFiles=self._kept)  # type: ignore[no-untyped-call]

    def __call__(self, text: str) -> None:
        self._file = self._file or self._open()
        try:
            if self.rotation_due:
                self.rotation_due = False
                self._file.rotate()
            before = self._file.size
            self._file.write(text.encode(errors="backslashreplace"))
            if self._file.size > before >= 2 * self._size:  # it cannot be renamed: the folder is not ours
                self._file.empty()
        except Exception:
            self.close()  # to open it again: a rotation that failed leaves it closed
            raise

    def close(self) -> None:
        """Close the file. The next line opens it again."""
        file, self._file = self._file, None
        if file is not None and not file.closed:
            file.close()
