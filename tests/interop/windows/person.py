"""A person before the window: presses its button, reads its lines, and closes it while a command waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

__all__ = ["Person"]

PATIENCE: Final = 60.0
"""Seconds to wait for a line."""


class Person(ABC):
    """What a person does, for a toolkit."""

    def __init__(self, window: Any) -> None:
        self.window = window

    @abstractmethod
    def turn(self) -> None:
        """Let the window handle its events for a moment."""

    @abstractmethod
    def text(self, label: str) -> str:
        """Return the text of a label."""

    @abstractmethod
    def can_press(self) -> bool:
        """Return True if the button is enabled."""

    @abstractmethod
    def press(self) -> None:
        """Press the button."""

    @abstractmethod
    def close(self) -> None:
        """Close the window."""

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition is true."""
        deadline = monotonic() + PATIENCE
        while not condition():
            assert monotonic() < deadline, [self.text(each) for each in ("lamp", "answer", "event_line")]
            self.turn()

    def act(self) -> None:
        """Use the window from its first state to its end, and print what it shows."""
        self.wait(lambda: self.text("lamp") == "ready")
        self.press()
        self.wait(lambda: "" not in (self.text("answer"), self.text("event_line")))
        print(self.text("answer"), "|", self.text("event_line"))

        self.press()  # the camera hears this one, and does not answer
        print("after the press:", self.text("answer"), self.can_press())
        self.wait(lambda: self.text("event_line") == "alarm 2")
        print("while it waits:", self.text("answer"), self.can_press())
        self.wait(self.can_press)
        print(self.text("answer").partition(":")[0])

        while self.text("event_line") != "alarm 3":
            self.wait(lambda: self.text("lamp") == "ready" and self.can_press())
            self.press()  # it can fail at once, because the lamp does not show yet that the link was lost
            self.wait(lambda: self.text("event_line") == "alarm 3" or self.can_press())
        link = self.window.link
        self.close()
        print("closed:", link.state.value)
