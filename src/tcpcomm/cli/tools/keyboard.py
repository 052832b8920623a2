"""
What people type at a running command: :class:`Keyboard` gives keys of a terminal, or lines of a pipe.

A thread reads, because neither a console of Windows nor a file can be waited for by a reactor. It reads the
file descriptor itself: a thread that held the lock of ``sys.stdin`` would disturb the end of Python.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

LONGEST_TYPED: Final = 4096
"""Bytes of a line that is typed at a running tap. The rest is dropped."""

_INPUT: Final = 0
_BACKSPACES: Final = ("\x7f", "\b")


class Keyboard:
    """
    Reads standard input until its end.

    Args:
        reactor: calls the functions in its thread.
        on_key: gets each key of a terminal.
        on_line: gets each line of a pipe or a file.
    """

    def __init__(
        self, reactor: Any, *, on_key: Callable[[str], object], on_line: Callable[[str], object]
    ) -> None:
        self._reactor = reactor
        self._on_key = on_key
        self._on_line = on_line
        self.is_terminal = _is_own_terminal()
        """True if keys come, False if lines do."""

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read in a thread. At the end the terminal is as before, however the block ends."""
        if sys.stdin is None:  # a program without a console, such as pythonw
            yield
            return
        with _single_keys() if self.is_terminal else _as_it_is():
            read = self._read_keys if self.is_terminal else self._read_lines
            threading.Thread(target=read, daemon=True, name="tcpcomm keyboard").start()
            yield

    def _read_keys(self) -> None:
        for key in _keys_of_windows() if sys.platform == "win32" else _keys_of_terminal():
            self._reactor.callFromThread(self._on_key, key)

    def _read_lines(self) -> None:
        rest = b""
        while True:
            try:
                data = os.read(_INPUT, LONGEST_TYPED)
            except OSError:  # it is closed
                return
            *lines, rest = (rest + data).split(b"\n")
            if not data:
                lines, rest = [rest] if rest else [], b""
            for line in lines:
                text = line[:LONGEST_TYPED].decode(errors="replace").strip()
                if text:
                    self._reactor.callFromThread(self._on_line, text)
            if not data:
                return
            rest = rest[:LONGEST_TYPED]


class LineEditor:
    """
    A line that is typed key by key, behind ``:``.

    Args:
        on_key: gets the keys that belong to no line.
        on_line: gets a line when it is complete.
        show: writes to the terminal.
    """

    def __init__(
        self,
        *,
        on_key: Callable[[str], object],
        on_line: Callable[[str], object],
        show: Callable[[str], object],
    ) -> None:
        self._on_key = on_key
        self._on_line = on_line
        self._show = show
        self._line: str | None = None

    def key(self, key: str) -> None:
        """Take a key."""
        if self._line is None:
            if key == ":":
                self._line = ""
                self._show(": ")
            else:
                self._on_key(key)
        elif key in ("\r", "\n"):
            line, self._line = self._line, None
            self._show("\n")
            if line.strip():
                self._on_line(line.strip())
        elif key == "\x1b":  # Escape
            self._line = None
            self._show("\n")
        elif key in _BACKSPACES:
            if self._line:
                self._line = self._line[:-1]
                self._show("\b \b")
        elif key.isprintable() and len(self._line) < LONGEST_TYPED:
            self._line += key
            self._show(key)


def _is_own_terminal() -> bool:
    """Return True if standard input is a terminal, and this program may read its keys."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    if sys.platform == "win32":
        return True
    try:
        return os.tcgetpgrp(_INPUT) == os.getpgrp()  # a program in the background would be stopped
    except OSError:
        return False


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


@contextmanager
def _single_keys() -> Iterator[None]:
    """Let the terminal give each key at once, without showing it, and Ctrl-C as usual."""
    if sys.platform == "win32":
        yield
        return
    import termios  # noqa: PLC0415 - Windows has none
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(_INPUT)

    def begin(*_: object) -> None:
        tty.setcbreak(_INPUT)

    resumed = signal.signal(signal.SIGCONT, begin)  # after Ctrl-Z and fg, the shell has set it back
    begin()
    try:
        yield
    finally:
        signal.signal(signal.SIGCONT, resumed)
        termios.tcsetattr(_INPUT, termios.TCSADRAIN, before)


def _keys_of_terminal() -> Iterator[str]:
    while True:
        try:
            data = os.read(_INPUT, 64)
        except OSError:  # the terminal is gone
            return
        if not data:
            return
        if data[:1] == b"\x1b" and len(data) > 1:
            continue  # an arrow or another key that sends several bytes
        yield from data.decode(errors="replace")


def _keys_of_windows() -> Iterator[str]:
    import msvcrt  # noqa: PLC0415 - only Windows has it

    read: Callable[[], str] = vars(msvcrt)["getwch"]
    while True:
        key = read()
        if key in ("\0", "\xe0"):
            read()  # the second half of an arrow or a function key
        elif key == "\x03":
            signal.raise_signal(signal.SIGINT)
        else:
            yield key
