"""Use the window of ``docs/howto/use-in-pyqt.md``: ``python -m tests.interop.windows.qt PyQt6``."""

from __future__ import annotations

import runpy
import sys
from importlib import import_module
from typing import Any

from tests.interop.windows.person import Person

toolkit = sys.argv[1]
core, test, widgets = (import_module(f"{toolkit}.{name}") for name in ("QtCore", "QtTest", "QtWidgets"))


class AtQt(Person):
    """A person before a window of Qt."""

    def turn(self) -> None:
        test.QTest.qWait(5)

    def text(self, label: str) -> str:
        return str(getattr(self.window, label).text())

    def can_press(self) -> bool:
        return bool(self.window.button.isEnabled())

    def press(self) -> None:
        test.QTest.mouseClick(self.window.button, core.Qt.MouseButton.LeftButton)

    def close(self) -> None:
        core.QTimer.singleShot(0, self.window.close)
        run_loop()


def act(*application: Any) -> int:
    """Use the window, in place of the loop of Qt."""
    (window,) = (each for each in widgets.QApplication.topLevelWidgets() if hasattr(each, "lamp"))
    AtQt(window).act()
    return 0


run_loop: Any = widgets.QApplication.exec
widgets.QApplication.exec = act
runpy.run_path("window.py", run_name="__main__")
