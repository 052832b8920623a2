"""The first screen: every link, server and tap with its state, and the facts of the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tcpcomm.tools.console import entries, texts
from tcpcomm.tools.console.base import ConsoleBase
from tcpcomm.tools.console.entries import Columns, Entry, Piece
from tcpcomm.tools.console.widgets import CURSOR, Chooser, PieceLines, Scrolled

LINKS_KEYS: Final = (
    ("Enter", "open"), ("f", "form"), ("d", "disturb"), ("k", "kick"), ("l", "log"), ("?", "help"),
    ("q", "quit"),
)  # fmt: skip


def keys_line(keys: Sequence[tuple[str, str]], words: Any) -> list[Piece]:
    """Return the line that tells the keys."""
    pieces: list[Piece] = []
    for key, action in keys:
        pieces += [(f" {key} ", "match"), (f" {words(f'key.{action}')} ", "plain")]
    return pieces


class EntriesView(Chooser):
    """The list of entries."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.entries: list[Entry] = []
        self.now = 0.0

    @property
    def count(self) -> int:
        return len(self.entries)

    @property
    def chosen(self) -> Entry | None:
        """The chosen entry, or None if there is none."""
        return self.entries[self.at] if self.at < len(self.entries) else None

    def pieces(self, index: int) -> Sequence[Piece]:
        columns = Columns.within(self.size.width - 1)
        mark = CURSOR if index == self.at else " "
        words = self.app.words  # type: ignore[attr-defined] # the app is ours
        return [(mark, "strong"), *entries.entry_pieces(self.entries[index], self.now, columns, words)]

    def show_overview(self, overview: Mapping[str, Any]) -> None:
        """Show another state of everything. The chosen entry stays chosen."""
        chosen = self.chosen
        self.entries = entries.entries_of(overview)
        self.now = overview["now"]
        if chosen is not None:
            same = [at for at, each in enumerate(self.entries) if each.key == chosen.key]
            self.at = same[0] if same else min(self.at, max(0, self.count - 1))
            self.keep_visible()
        self.refresh()


class LinksScreen(Screen[None]):
    """The first screen."""

    app: ConsoleBase

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ㅂ", "app.end", show=False),
        Binding("f,ㄹ", "form", show=False),
        Binding("d,ㅇ", "disturb", show=False),
        Binding("k,ㅏ", "kick", show=False),
        Binding("r,ㄱ", "retry", show=False),
        Binding("l,ㅣ", "log", show=False),
        Binding("question_mark,f1", "app.help", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield PieceLines(id="head", classes="head")
        yield PieceLines(id="columns")
        yield EntriesView(id="entries")
        yield PieceLines(id="facts", classes="detail")
        yield Scrolled(id="log", classes="log")
        yield PieceLines([keys_line(LINKS_KEYS, self.app.words)], classes="keys")

    def on_mount(self) -> None:
        self.query_one("#log").display = False
        self.query_one(EntriesView).focus()
        self.show_overview(self.app.overview)
        self.show_log()

    def on_resize(self) -> None:
        self.show_overview(self.app.overview)

    def show_overview(self, overview: Mapping[str, Any] | None) -> None:
        """Show another state of everything."""
        words = self.app.words
        view = self.query_one(EntriesView)
        columns = Columns.within(max(self.size.width - 1, 1))
        self.query_one("#columns", PieceLines).show(
            [[(" ", "plain"), *entries.title_pieces(columns, words)]]
        )
        if overview is None:
            return
        view.show_overview(overview)
        head: list[Piece] = [
            (f" {words('title', name=self.app.shown_name)}  ", "strong"),
            (f"{words('total', rate=texts.rate(overview['rate']))}  ", "plain"),
            (texts.short_clock(overview["now"]), "dim"),
        ]
        if overview["more_sessions"]:
            head.append((f"  {words('more.sessions', count=overview['more_sessions'])}", "warn"))
        if overview["more_sources"]:
            head.append((f"  {words('more.sources', count=overview['more_sources'])}", "warn"))
        self.query_one("#head", PieceLines).show([head])
        self._show_facts()

    def _show_facts(self) -> None:
        view = self.query_one(EntriesView)
        chosen = view.chosen
        lines: list[list[Piece]] = [[(f" {self.app.words('none')}", "plain")]]
        if chosen is not None:
            found = entries.facts_pieces(chosen, view.now, self.app.words)
            lines = [[(" ", "plain"), *each] for each in found]
        self.query_one("#facts", PieceLines).show(lines)

    def show_log(self) -> None:
        """Show the lines of the log that are new."""
        show_log(self)

    def on_chooser_chosen(self) -> None:
        self._show_facts()

    def on_chooser_opened(self) -> None:
        chosen = self.query_one(EntriesView).chosen
        if chosen is not None:
            self.app.open_frames(chosen)

    def action_form(self) -> None:
        self.app.open_form(self.query_one(EntriesView).chosen)

    def action_disturb(self) -> None:
        self.app.open_disturb(self.query_one(EntriesView).chosen)

    def action_kick(self) -> None:
        self.app.open_kick(self.query_one(EntriesView).chosen)

    def action_retry(self) -> None:
        self.app.retry(self.query_one(EntriesView).chosen)

    def action_log(self) -> None:
        toggle_log(self)


def show_log(screen: Screen[Any]) -> None:
    """Show the newest lines of the log in the pane of a screen, and scroll to the last one."""
    app: Any = screen.app
    pane = screen.query_one("#log", Scrolled)
    was_at_the_end = pane.top >= pane.lowest
    width = max(screen.size.width - 2, 20)
    lines = [piece for line in app.log_lines for piece in texts.wrapped(line, width)] or [
        app.words("log.none")
    ]
    pane.show([[(f" {line}", "plain")] for line in lines])
    if was_at_the_end:
        pane.top = pane.lowest
        pane.refresh()


def toggle_log(screen: Screen[Any]) -> None:
    """Show or hide the pane of the log."""
    pane = screen.query_one("#log", Scrolled)
    pane.display = not pane.display
    screen.call_after_refresh(show_log, screen)
