"""Widgets that show pieces of text with styles, a line at a time, as fast as a terminal needs them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tcpcomm.tools.console.entries import STYLES, Piece

CURSOR = ">"
"""The mark of the chosen line, which is also in another colour."""


class PieceLines(Widget):
    """Shows lines of pieces. A line that is too long is cut."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"piece--{name}" for name in STYLES), "piece--cursor"}

    DEFAULT_CSS = """
    PieceLines { height: auto; }
    PieceLines > .piece--good { color: $text-success; text-style: bold; }
    PieceLines > .piece--warn { color: $text-warning; }
    PieceLines > .piece--bad { color: $text-error; text-style: bold; }
    PieceLines > .piece--off { color: $foreground 60%; }
    PieceLines > .piece--dim { color: $foreground 65%; }
    PieceLines > .piece--strong { text-style: bold; }
    PieceLines > .piece--to { color: $text-primary; }
    PieceLines > .piece--from { color: $foreground 85%; }
    PieceLines > .piece--match { text-style: reverse; }
    PieceLines > .piece--cursor { background: $primary 40%; }
    """

    def __init__(self, lines: Sequence[Sequence[Piece]] = (), **options: Any) -> None:
        super().__init__(**options)
        self.lines = list(lines)
        self.top = 0

    def show(self, lines: Sequence[Sequence[Piece]]) -> None:
        """Show other lines."""
        lines = list(lines)
        if lines == self.lines:
            return
        resized = len(lines) != len(self.lines)
        self.lines = lines
        self.refresh(layout=resized)

    @property
    def count(self) -> int:
        """The number of lines."""
        return len(self.lines)

    def pieces(self, index: int) -> Sequence[Piece]:
        """Return the pieces of a line."""
        return self.lines[index]

    def is_chosen(self, index: int) -> bool:
        """Return True if the cursor is on a line."""
        return False

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the number of lines."""
        return max(self.count, 1)

    def render_line(self, y: int) -> Strip:
        """Return a line of the screen."""
        width, plain = self.size.width, self.rich_style
        index = y + self.top
        if not 0 <= index < self.count:
            return Strip.blank(width, plain)
        segments = [
            Segment(text, plain + self.get_component_rich_style(f"piece--{style}", partial=True))
            for text, style in self.pieces(index)
        ]
        strip = Strip(segments).crop_extend(0, width, plain)
        if self.is_chosen(index):
            strip = strip.apply_style(self.get_component_rich_style("piece--cursor", partial=True))
        return strip


class Scrolled(PieceLines, can_focus=True):
    """Lines that can be scrolled, when they have the focus or by the mouse."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]

    DEFAULT_CSS = """
    Scrolled { height: 1fr; }
    """

    def show(self, lines: Sequence[Sequence[Piece]]) -> None:
        """Show other lines, from the first one if they are about something else."""
        lines = list(lines)
        if lines[:1] != self.lines[:1]:
            self.top = 0
        if lines != self.lines:
            self.lines = lines
            self.top = min(self.top, self.lowest)
            self.refresh()

    @property
    def lowest(self) -> int:
        """The greatest number of the line at the top."""
        return max(0, self.count - max(self.size.height, 1))

    def scroll_lines(self, step: int) -> None:
        """Scroll by so many lines."""
        self.top = max(0, min(self.top + step, self.lowest))
        self.refresh()

    def action_move(self, step: int) -> None:
        self.scroll_lines(step)

    def action_page(self, step: int) -> None:
        self.action_move(step * max(self.size.height - 1, 1))

    def action_first(self) -> None:
        self.action_move(-self.count)

    def action_last(self) -> None:
        self.action_move(self.count)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_lines(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_lines(3)


class Chooser(Scrolled):
    """Lines with a cursor, which chooses one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", show=False)]

    class Chosen(Message):
        """Another line is chosen."""

    class Opened(Message):
        """The chosen line shall be opened."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.at = 0

    def is_chosen(self, index: int) -> bool:
        """Return True if the cursor is on a line."""
        return index == self.at

    def choose(self, index: int) -> None:
        """Choose a line, and make it visible."""
        self.at = max(0, min(index, self.count - 1))
        self.keep_visible()
        self.refresh()
        self.post_message(self.Chosen())

    def keep_visible(self) -> None:
        """Scroll until the chosen line is visible."""
        height = max(self.size.height, 1)
        self.top = max(0, min(max(self.top, self.at - height + 1), self.at, self.lowest))

    def action_move(self, step: int) -> None:
        self.choose(self.at + step)

    def action_open(self) -> None:
        if self.count:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y
        if index < self.count:
            self.choose(index)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        self.keep_visible()
