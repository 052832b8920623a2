"""Use the window of ``docs/howto/use-in-tkinter.md``."""

from __future__ import annotations

import runpy
import threading
import tkinter

from tests.interop.windows.person import Person


class AtTk(Person):
    """A person before a window of tkinter."""

    def turn(self) -> None:
        self.window.update()
        threading.Event().wait(0.005)

    def text(self, label: str) -> str:
        return str(getattr(self.window, label)["text"])

    def can_press(self) -> bool:
        return bool(self.window.button["state"] != "disabled")

    def press(self) -> None:
        self.window.button.invoke()

    def close(self) -> None:
        close = self.window.protocol("WM_DELETE_WINDOW")
        self.window.after(0, lambda: self.window.tk.call(close))
        run_loop(self.window)


def act(window: tkinter.Tk) -> None:
    """Use the window, in place of the loop of tkinter."""
    AtTk(window).act()


run_loop = tkinter.Tk.mainloop
tkinter.Tk.mainloop = act  # type: ignore[assignment,method-assign]
runpy.run_path("window.py", run_name="__main__")
