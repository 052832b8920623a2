"""The frames of one source or session, live, with the details of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.console import entries, line_texts, texts
from tcpcomm.tools.console.base import ConsoleBase
from tcpcomm.tools.console.entries import Entry, Piece
from tcpcomm.tools.console.feed import News
from tcpcomm.tools.console.line_texts import LineColumns
from tcpcomm.tools.console.lines import FrameList, Line
from tcpcomm.tools.console.links_screen import keys_line, show_log, toggle_log
from tcpcomm.tools.console.widgets import CURSOR, Chooser, PieceLines, Scrolled

FRAMES_KEYS: Final = (
    ("Esc", "back"), ("/", "filter"), ("Space", "freeze"), ("c", "copy"), ("n", "faults"), ("f", "form"),
    ("?", "help"),
)  # fmt: skip


class FramesView(Chooser):
    """The list of frames. Without a chosen line it follows the newest one."""

    def __init__(self, frames: FrameList, **options: Any) -> None:
        super().__init__(**options)
        self.list = frames
        self.chosen: Line | None = None

    @property
    def count(self) -> int:
        return len(self.list.shown)

    @property
    def looked_at(self) -> Line | None:
        """The chosen line, or the newest one, or None if there is none."""
        return self.chosen or (self.list.shown[-1] if self.list.shown else None)

    def pieces(self, index: int) -> Sequence[Piece]:
        line = self.list.shown[index]
        words = self.app.words  # type: ignore[attr-defined] # the app is ours
        columns = LineColumns.within(self.size.width - 1)
        pair = {line.request, line.reply} - {None}
        mark = CURSOR if line is self.looked_at else "+" if self.chosen in pair and self.chosen else " "
        return [(mark, "strong"), *line_texts.line_pieces(line, columns, words)]

    def is_chosen(self, index: int) -> bool:
        return self.list.shown[index] is self.chosen

    def choose(self, index: int) -> None:
        """Choose a line. The last one is not held: the list follows the newest line."""
        shown = self.list.shown
        if not shown:
            return
        at = max(0, min(index, len(shown) - 1))
        is_held = at < len(shown) - 1 or self.list.is_frozen
        self.chosen = shown[at] if is_held else None
        self.show_news()
        self.post_message(self.Chosen())

    def show_news(self) -> None:
        """Show the new lines: keep the chosen line where it is, or follow the newest one."""
        shown = self.list.shown
        place = None if self.chosen is None else self.list.place_of(self.chosen)
        if place is None:
            self.chosen, place = None, max(0, len(shown) - 1)
        if self.chosen is not None and 0 <= self.at - self.top < self.size.height:
            self.top += place - self.at  # older lines are gone: the chosen one stays where it is
        self.at = place
        self.keep_visible()
        self.refresh()

    def action_move(self, step: int) -> None:
        self.choose(self.at + step)

    def scroll_lines(self, step: int) -> None:
        self.choose(self.at + step)


class FramesScreen(Screen[None]):
    """
    The frames of one source or session.

    Args:
        entry: the source or session.
        watch: the number of the watch, by which its rows are known.
    """

    app: ConsoleBase

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("q,ㅂ", "app.end", show=False),
        Binding("slash", "filter", show=False),
        Binding("space", "freeze", show=False),
        Binding("c,ㅊ", "copy", show=False),
        Binding("n,ㅜ", "bad(1)", show=False),
        Binding("N,ㅗ", "bad(-1)", show=False),
        Binding("p,ㅔ", "pair", show=False),
        Binding("f,ㄹ", "form", show=False),
        Binding("d,ㅇ", "disturb", show=False),
        Binding("k,ㅏ", "kick", show=False),
        Binding("r,ㄱ", "retry", show=False),
        Binding("x,ㅌ", "clear", show=False),
        Binding("l,ㅣ", "log", show=False),
        Binding("question_mark,f1", "app.help", show=False),
    ]

    def __init__(self, entry: Entry, watch: int) -> None:
        super().__init__()
        self.entry = entry
        self.watched = watch
        self.frames = FrameList()

    def compose(self) -> ComposeResult:
        words = self.app.words
        yield PieceLines(id="head", classes="head")
        yield PieceLines(id="columns")
        yield FramesView(self.frames, id="frames")
        yield PieceLines(id="status")
        yield Scrolled(id="detail", classes="detail")
        yield Input(id="filter", placeholder=words("filter.example"), compact=True)
        yield Scrolled(id="log", classes="log")
        yield PieceLines([keys_line(FRAMES_KEYS, words)], classes="keys")

    def on_mount(self) -> None:
        self.query_one("#log").display = False
        self.query_one("#filter").display = False
        self.set_focus(self.query_one(FramesView))
        self.show_overview()
        self._show()

    def on_resize(self) -> None:
        self._show()

    # -- what is new ----------------------------------------------------------------------------------

    def show_news(self, news: News) -> None:
        """Keep the news, and show them if the screen is there already."""
        has_rows = news.watch == self.watched and bool(news.rows or news.left_out)
        if has_rows:
            is_equipment, encoding = news.is_equipment, news.encoding
            self.frames.add(news.rows, news.left_out, is_equipment=is_equipment, encoding=encoding)
        if self.is_mounted and news.overview is not None:
            self.show_overview()
        if self.is_mounted and has_rows:
            self._show()

    def show_overview(self) -> None:
        """Show the state of the source."""
        overview = self.app.overview
        if overview is None:
            return
        found = [each for each in entries.entries_of(overview) if each.key == self.entry.key]
        self.entry = found[0] if found else self.entry
        entry, words = self.entry, self.app.words
        shown = entry.shown
        head: list[Piece] = [
            (f" {one_line(entry.source['name'])}", "strong"),
            (f" · {one_line(entry.peer)} · ", "plain"),
            (entries.state_words(entry, overview["now"], words), entry.level),
            (f" · {words('total', rate=texts.rate(shown['rate']))}", "plain"),
        ]
        if shown["p50"] is not None:
            head.append((f" · p50 / p99 {entries.trips_text(shown)}", "plain"))
        self.query_one("#head", PieceLines).show([head])

    def show_log(self) -> None:
        """Show the lines of the log that are new."""
        show_log(self)

    def _show(self) -> None:
        view = self.query_one(FramesView)
        view.show_news()
        columns = LineColumns.within(max(self.size.width - 1, 1))
        title = line_texts.title_pieces(columns, self.app.words)
        self.query_one("#columns", PieceLines).show([[(" ", "plain"), *title]])
        self._show_status()
        self._show_detail()

    def _show_status(self) -> None:
        view, words = self.query_one(FramesView), self.app.words
        frames = view.list
        pieces: list[Piece] = []
        if frames.is_frozen:
            pieces.append((f" {words('frozen', count=f'{frames.waiting:,}')} ", "match"))
        if not frames.kept:
            pieces.append((f" {words('frames.none')}", "plain"))
        elif not frames.shown:
            pieces.append((f" {words('frames.filtered', kept=f'{frames.kept:,}')}", "warn"))
        else:
            count = words("frames.count", shown=f"{len(frames.shown):,}", kept=f"{frames.kept:,}")
            pieces.append((f" {count}", "dim"))
        if frames.left_out:
            pieces.append((f" · {words('frames.left', count=f'{frames.left_out:,}')}", "warn"))
        if frames.filter:
            pieces.append((f" · {words('filter', text=frames.filter)}", "warn"))
        self.query_one("#status", PieceLines).show([pieces])

    def _show_detail(self) -> None:
        line = self.query_one(FramesView).looked_at
        pane = self.query_one("#detail", Scrolled)
        lines: list[list[Piece]] = []
        if line is not None:
            found = line_texts.detail_pieces(line, self.app.words, max(self.size.width - 2, 20))
            lines = [[(" ", "plain"), *each] for each in found]
        pane.show(lines)

    def on_chooser_chosen(self) -> None:
        self._show_detail()

    def on_chooser_opened(self) -> None:
        self.query_one("#detail").focus()

    # -- keys -------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        field = self.query_one("#filter", Input)
        frames = self.query_one(FramesView)
        if field.display:
            field.value = ""
            self._close_filter()
        elif self.focused is not frames:
            frames.focus()
        elif frames.list.filter:
            self._set_filter("")
        else:
            self.app.close_frames()

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        self.set_focus(field)  # at once, so that the next key is a letter of the filter

    def on_input_changed(self, event: Input.Changed) -> None:
        self._set_filter(event.value)

    def on_input_submitted(self) -> None:
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.set_focus(self.query_one(FramesView))

    def _set_filter(self, text: str) -> None:
        view = self.query_one(FramesView)
        if text.strip() != view.list.filter:
            view.list.set_filter(text)
            field = self.query_one("#filter", Input)
            if not text and field.value:
                field.value = ""
            self._show()

    def action_freeze(self) -> None:
        view = self.query_one(FramesView)
        view.list.freeze(not view.list.is_frozen)
        if view.list.is_frozen and view.chosen is None and view.list.shown:
            view.chosen = view.list.shown[-1]
        self._show()

    def action_bad(self, step: int) -> None:
        view = self.query_one(FramesView)
        place = view.list.next_bad(view.at, step)
        if place is not None:
            view.choose(place)

    def action_pair(self) -> None:
        view = self.query_one(FramesView)
        line = view.looked_at
        other = None if line is None else line.request or line.reply
        place = None if other is None else view.list.place_of(other)
        if place is not None:
            view.choose(place)

    def action_clear(self) -> None:
        view = self.query_one(FramesView)
        view.list.clear()
        view.chosen = None
        self._show()

    def action_copy(self) -> None:
        self.app.copy_line(self.query_one(FramesView).looked_at)

    def action_form(self) -> None:
        self.app.open_form(self.entry)

    def action_disturb(self) -> None:
        self.app.open_disturb(self.entry)

    def action_kick(self) -> None:
        self.app.open_kick(self.entry)

    def action_retry(self) -> None:
        self.app.retry(self.entry)

    def action_log(self) -> None:
        toggle_log(self)
