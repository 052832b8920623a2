"""The part of the console that its screens and dialogs use: :class:`ConsoleBase`. It stands below them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from textual.app import App

from tcpcomm.tools.console.entries import Entry
from tcpcomm.tools.console.feed import MOST_LOG_LINES
from tcpcomm.tools.console.lines import Line
from tcpcomm.tools.console.words import Words


class Acts(Protocol):
    """
    The actions of a user. The awaited methods are called in the console's thread.

    If an action is refused, the text of its error says why.
    """

    @property
    def read_only(self) -> bool: ...
    async def describe(self, source: str) -> dict[str, Any] | None: ...
    async def command(self, source: str, name: str, values: dict[str, str]) -> dict[str, Any]: ...
    async def event(self, source: str, name: str, values: dict[str, str]) -> dict[str, Any]: ...
    async def close(self, session: int) -> None: ...
    async def retry(self, source: str) -> None: ...
    async def disturb(self, source: str, text: str) -> dict[str, Any]: ...
    async def copy(self, row: int) -> str: ...


class ConsoleBase(App[None]):
    """
    The state of the console, and what its screens ask for.

    Args:
        acts: carries out what the user asks for.
        name: the name for the first line.
        language: ``en`` or ``ko``.
    """

    def __init__(self, acts: Acts, *, name: str, language: str, **options: Any) -> None:
        super().__init__(**options)
        self.acts = acts
        self.shown_name = name
        self.words = Words(language)
        self.overview: dict[str, Any] | None = None
        self.log_lines: deque[str] = deque(maxlen=MOST_LOG_LINES)

    def open_frames(self, entry: Entry) -> None:
        """Show the frames of a source or session."""
        raise NotImplementedError

    def close_frames(self) -> None:
        """Go back to the first screen."""
        raise NotImplementedError

    def open_form(self, entry: Entry | None) -> None:
        """Open the form for a command of a link, or for an event of our equipment."""
        raise NotImplementedError

    def open_disturb(self, entry: Entry | None) -> None:
        """Open the dialog for the disturbances of a tap."""
        raise NotImplementedError

    def open_kick(self, entry: Entry | None) -> None:
        """Ask whether to close the session of an entry, and do it."""
        raise NotImplementedError

    def retry(self, entry: Entry | None) -> None:
        """Let a link that is down connect now."""
        raise NotImplementedError

    def copy_line(self, line: Line | None) -> None:
        """Copy the command that sends a frame again."""
        raise NotImplementedError

    def carry_out(self, work: Coroutine[Any, Any, Any], done: Callable[[Any], None]) -> None:
        """Carry out an action while the console goes on, and tell if it fails."""
        raise NotImplementedError
