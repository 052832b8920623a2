"""The console in a real terminal: it shows rows, ends by a key or a signal, and restores the terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from time import monotonic
from typing import Any

import pytest

from tests.conftest import skip
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment

if sys.platform == "win32":
    skip("Windows has no pseudo-terminals of this kind")

import fcntl
import struct
import termios

TCPCOMM = [sys.executable, "-m", "tcpcomm"]
SIZE = (24, 80)
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
LEAVES_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


class Terminal:
    """
    A program in a pseudo-terminal.

    Args:
        words: the command line of ``tcpcomm``.
    """

    def __init__(self, *words: str) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._theirs = theirs  # kept open, so that its mode can be read after the end
        self.mode: Any = termios.tcgetattr(theirs)
        self.process = subprocess.Popen(
            [*TCPCOMM, *words],
            env={**environment(), "TERM": "xterm-256color", "LANG": "C.UTF-8"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        self.output = b""

    @property
    def text(self) -> str:
        """All that was written so far, without escape sequences."""
        return ESCAPES.sub(b"", self.output).decode("utf-8", "replace")

    @property
    def has_been_restored(self) -> bool:
        """True if the mode is as it was before, and the screen and the cursor are."""
        left = self.output.rfind(LEAVES_SCREEN)
        cursor_is_shown = SHOWS_CURSOR in self.output[left - 100 :]
        return left > 0 and cursor_is_shown and self.mode == termios.tcgetattr(self._theirs)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def _read(self) -> None:
        if select.select([self._ours], [], [], 0.05)[0]:
            self.output += os.read(self._ours, 65536)

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until the text that was written holds a pattern."""
        deadline = monotonic() + DEADLINE
        while monotonic() < deadline:
            self._read()
            if found := re.search(pattern, self.text):
                return found
            assert self.process.poll() is None, self.text
        pytest.fail(f"no {pattern!r} in {self.text[-3000:]}")

    def wait(self) -> int:
        """Wait for the end. Return the exit status."""
        deadline = monotonic() + DEADLINE
        while self.process.poll() is None:
            assert monotonic() < deadline, self.text[-3000:]
            self._read()
        while select.select([self._ours], [], [], 0)[0]:
            self.output += os.read(self._ours, 65536)
        return self.process.returncode

    def close(self) -> None:
        """End the program in any state."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A simulated camera with its console."""
    with closing(Terminal("simulate", "keyence", *ON_LOOPBACK, "--console", "--lang", "en")) as running:
        yield running


def test_a_row_is_shown_and_q_restores_the_terminal(terminal: Terminal) -> None:
    port = int(terminal.wait_for(r"listening +\S+ +127\.0\.0\.1:(\d+)")[1])
    terminal.press("\r")
    terminal.wait_for("No frames yet")
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as host:
        host.sendall(b"R0\r")
        terminal.wait_for(r"-> \S+\(.*R0")
        terminal.wait_for(r"<- \[reply")
    terminal.press("q")
    assert 0 == terminal.wait()
    assert terminal.has_been_restored


def test_a_command_is_sent_by_its_form_and_a_signal_restores_the_terminal() -> None:
    with Server(command=[*TCPCOMM, "simulate", "keyence", *ON_LOOPBACK]) as camera:
        place = f"tcp:127.0.0.1:{camera.port}"
        with closing(Terminal("monitor", "keyence", place, "--console", "--lang", "ko")) as terminal:
            terminal.wait_for("준비됨")
            terminal.press("f")
            terminal.wait_for("전송 형식: R0")
            terminal.press("\r")
            terminal.wait_for("만에 완료")
            terminal.process.send_signal(signal.SIGTERM)
            assert 0 == terminal.wait()
            assert terminal.has_been_restored
