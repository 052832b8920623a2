"""Keys of a terminal and lines of a pipe."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from tcpcomm.cli.tools import keyboard
from tcpcomm.cli.tools.keyboard import LONGEST_TYPED, Keyboard, LineEditor
from tests.reactor import DEADLINE


class Reactor:
    """Calls at once, in the thread that reads."""

    def callFromThread(self, function: Callable[..., object], *args: Any) -> None:
        function(*args)


def lines_of(data: bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines that a pipe with these bytes gives."""
    reading, writing = os.pipe()
    monkeypatch.setattr(keyboard, "_INPUT", reading)
    lines: list[str] = []
    ended = Event()

    def take(line: str) -> None:
        if line == "the end":
            ended.set()
        else:
            lines.append(line)

    with Keyboard(Reactor(), on_key=lines.append, on_line=take).reading():
        with os.fdopen(writing, "wb") as file:
            file.write(data + b"\nthe end")
        assert ended.wait(DEADLINE)
    os.close(reading)
    return lines


@pytest.fixture(autouse=True)
def _without_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyboard, "_is_own_terminal", lambda: False)


def test_each_line_of_a_pipe_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ["drop next", "pull"] == lines_of(b"drop next\r\n\n  pull\n", monkeypatch)


def test_a_line_of_a_pipe_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = lines_of(b"x" * (3 * LONGEST_TYPED), monkeypatch)
    assert "x" * LONGEST_TYPED == line


def test_a_typed_line_is_shown_and_can_be_corrected() -> None:
    keys: list[str] = []
    lines: list[str] = []
    shown: list[str] = []
    editor = LineEditor(on_key=keys.append, on_line=lines.append, show=shown.append)

    for key in "p:drpp\x7f\x7fop\rd:x\x1bq:\r:\x7f\r":
        editor.key(key)

    assert ["p", "d", "q"] == keys
    assert ["drop"] == lines
    assert ": drpp\b \b\b \bop\n: x\n: \n: \n" == "".join(shown)
