"""A real browser for tests of pages: :class:`Browser`, and :class:`Gate`, a way that can be shut."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from tests.conftest import needs_module, needs_program
from tests.system.running import DEADLINE

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import BrowserContext, Page

__all__ = ["Browser", "Gate", "browser"]

WIDE: Final = (1440, 860)
PROBLEMS: Final = ("error", "warning")
"""The types of lines in a console that fail a test. Each breach of the page's policy is one."""


class Browser:
    """A running chromium. Each page that it opens must end without an error in its console."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._contexts: dict[str, BrowserContext] = {}

    @contextmanager
    def page(
        self, url: str, size: tuple[int, int] = WIDE, *, ignored: str | None = None, locale: str = "en-US"
    ) -> Iterator[Page]:
        """
        Open a page that remembers nothing, and close it.

        Args:
            url: its address.
            size: the width and height of its window, in pixels.
            ignored: a text in those errors of the console that do not fail the test.
            locale: the language of the browser.
        """
        errors: list[str] = []
        page = self._context(locale).new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.on("pageerror", lambda error: errors.append(str(error.stack or error)))
        page.on("console", lambda told: errors.extend([told.text] if told.type in PROBLEMS else []))
        try:
            page.goto(url)
            yield page
            page.evaluate("localStorage.clear()")
        finally:
            page.close()
        unexpected = [each for each in errors if ignored is None or ignored not in each]
        assert not unexpected, "\n".join(unexpected)

    def _context(self, locale: str) -> BrowserContext:
        """Return the context of all pages in a language: they share its cache, which saves seconds."""
        if locale not in self._contexts:
            made = self._chromium.new_context(locale=locale, timezone_id="Asia/Seoul")
            made.set_default_timeout(1000 * DEADLINE)
            self._contexts[locale] = made
        return self._contexts[locale]


@contextmanager
def browser() -> Iterator[Browser]:
    """Run Debian's chromium without a window, or skip."""
    needs_module("playwright", "pip install playwright; no browser of its own is needed")
    program = needs_program("chromium", "apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program,
            # Chromium's sandbox does not run as root, and containers have little shared memory.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield Browser(chromium)
        finally:
            chromium.close()


class Gate:
    """
    A port that leads to another port of this machine, and can be shut and opened again.

    Args:
        port: the port that it leads to.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._is_open = True
        self._passing: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def shut(self) -> None:
        """Cut all connections, and let no new one through."""
        self._is_open = False
        self._cut()

    def open(self) -> None:
        """Let new connections through."""
        self._is_open = True

    def close(self) -> None:
        """End the gate, and its thread."""
        self.shut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(DEADLINE)

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:  # it is closed
                return
            if not self._is_open:
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((here, there), (there, here)):
                self._passing.add(source)
                Thread(target=self._pass, args=(source, sink), daemon=True).start()
            if not self._is_open:  # it was shut meanwhile, and knew nothing of these two
                self._cut()

    def _cut(self) -> None:
        for each in tuple(self._passing):
            with suppress(OSError):  # it has just ended by itself
                each.shutdown(socket.SHUT_RDWR)

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # an end of either side ends both ways
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):  # the other way has just done the same
            sink.shutdown(socket.SHUT_RDWR)
        self._passing.discard(source)
        source.close()
