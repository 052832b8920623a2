"""The console itself: :class:`ConsoleApp`. It shows the news of a feed, and never waits for the reactor."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, ClassVar, Final, Protocol, TextIO, cast

from textual.binding import Binding, BindingType

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.console.base import Acts, ConsoleBase
from tcpcomm.tools.console.dialogs import Confirmation, DisturbDialog, HelpDialog, TextDialog
from tcpcomm.tools.console.entries import Entry
from tcpcomm.tools.console.feed import INTERVAL, News
from tcpcomm.tools.console.form import MessageForm
from tcpcomm.tools.console.frames_screen import FramesScreen
from tcpcomm.tools.console.lines import Line
from tcpcomm.tools.console.links_screen import LinksScreen

_OUTAGE: Final = ("down", "connecting")


class Source(Protocol):
    """Brings news, as a feed does."""

    def watch(self, watch: int, source: str | None, session: int | None = None) -> None: ...
    def take(self) -> News: ...
    @property
    def stream(self) -> io.TextIOBase: ...


class ConsoleApp(ConsoleBase):
    """
    The console.

    Args:
        feed: brings the news.
        acts: carries out what the user asks for.
        name: the name for the first line.
        language: ``en`` or ``ko``.
    """

    ENABLE_COMMAND_PALETTE = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "end", show=False, priority=True),
    ]

    CSS = """
    Screen { layout: vertical; }
    .head { background: $panel; height: 1; }
    .keys { height: 1; background: $panel; }
    #columns { height: 1; }
    #status { height: 1; }
    #entries, #frames { height: 1fr; }
    .detail { border-top: solid $primary; }
    #facts { height: auto; max-height: 7; }
    #detail { height: 8; }
    .log { height: 30%; border-top: solid $warning; }
    #filter { height: 1; }
    Dialog { align: center middle; }
    Dialog > .box { width: 90%; max-width: 100; height: auto; max-height: 95%;
                    background: $surface; border: round $primary; padding: 0 1; }
    Dialog OptionList { border: none; padding: 0; height: auto; max-height: 8;
                        text-wrap: nowrap; text-overflow: ellipsis; }
    Dialog .box > Label { width: 100%; height: auto; }
    Dialog .box > Scrolled { height: auto; max-height: 18; }
    """

    def __init__(
        self, feed: Source, acts: Acts, *, name: str = "tcpcomm", language: str = "en", **options: Any
    ) -> None:
        super().__init__(acts, name=name, language=language, **options)
        self.feed = feed
        self._watch = 0
        self._links = LinksScreen()
        self._frames: FramesScreen | None = None

    def on_mount(self) -> None:
        # Printing must not tear the screen. Textual puts both back at its end, as it did to begin with.
        sys.stdout = sys.stderr = cast("TextIO", self.feed.stream)
        self.push_screen(self._links)
        self.set_interval(INTERVAL, self.take_news)

    def take_news(self) -> None:
        """Show all that is new since the last time."""
        news = self.feed.take()
        if news.ended:
            self.exit()
            return
        if news.overview is not None:
            self.overview = news.overview
        if self._frames is not None:
            self._frames.show_news(news)
        if self._links.is_mounted and news.overview is not None:
            self._links.show_overview(self.overview)
        if news.log:
            self.log_lines.extend(one_line(line) for line in news.log)
            self._show_log()

    def _show_log(self) -> None:
        for screen in (self._links, self._frames):
            if screen is not None and screen.is_mounted:
                screen.show_log()

    # -- screens --------------------------------------------------------------------------------------

    def open_frames(self, entry: Entry) -> None:
        """Show the frames of a source or session."""
        self._watch += 1
        self.feed.watch(self._watch, *entry.key)
        self._frames = FramesScreen(entry, self._watch)
        self.push_screen(self._frames)

    def close_frames(self) -> None:
        """Go back to the first screen."""
        self._watch += 1
        self.feed.watch(self._watch, None)
        self._frames = None
        self.pop_screen()

    def action_end(self) -> None:
        """End the console."""
        self.exit()

    def action_help(self) -> None:
        """Show the help."""
        self.push_screen(HelpDialog())

    # -- actions --------------------------------------------------------------------------------------

    def carry_out(self, work: Coroutine[Any, Any, Any], done: Callable[[Any], None]) -> None:
        """Carry out an action while the console goes on, and tell if it fails."""

        async def wait() -> None:
            try:
                outcome = await work
            except (CancelledError, asyncio.CancelledError):
                raise
            except Exception as error:
                self.tell("failed", warn=True, why=one_line(str(error)))
            else:
                done(outcome)

        self.run_worker(wait(), exit_on_error=True)

    def tell(self, key: str, *, warn: bool = False, **values: object) -> None:
        """Show a message for some seconds."""
        text = self.words(key, **values)
        self.notify(text, severity="warning" if warn else "information", markup=False)

    def may_act(self, entry: Entry | None) -> bool:
        """Return True if there is something to act on, and if the console may; tell if it may not."""
        if self.acts.read_only:
            self.tell("read_only", warn=True)
        return entry is not None and not self.acts.read_only

    def open_form(self, entry: Entry | None) -> None:
        """Open the form for a command of a link, or for an event of our equipment."""
        if entry is None or not self.may_act(entry):
            return
        source = entry.source

        def show(facts: dict[str, Any] | None) -> None:
            can = source.get("can", ())
            kind = next((each for each in ("command", "event") if each in can), None)
            if facts is None or kind is None:
                self.tell("form.none", warn=True, why=self.words("form.no_link"))
            elif not facts[f"{kind}s"]:
                self.tell("form.none", warn=True, why=self.words(f"form.no_{kind}s", name=facts["name"]))
            else:
                self.push_screen(MessageForm(source, facts[f"{kind}s"], kind))

        self.carry_out(self.acts.describe(source["id"]), show)

    def open_disturb(self, entry: Entry | None) -> None:
        """Open the dialog for the disturbances of a tap."""
        if entry is None or not self.may_act(entry):
            return
        if "disturb" not in entry.source.get("can", ()):
            self.tell("disturb.only", warn=True)
            return
        self.push_screen(DisturbDialog(entry.source))

    def open_kick(self, entry: Entry | None) -> None:
        """Ask whether to close the session of an entry, and do it."""
        if entry is None or not self.may_act(entry):
            return
        session = entry.source["session"] if entry.session is None else entry.session["id"]
        if entry.session is None and session is None:
            session = self._only_session(entry.source["id"])
        if session is None or (entry.session is not None and entry.session["state"] == "closed"):
            self.tell("kick.none", warn=True)
            return
        peer = one_line(entry.peer)
        text = self.words("kick.ask", peer=peer)
        if entry.source["kind"] == "link":
            text = f"{text} {self.words('kick.link')}"

        def answered(yes: bool | None) -> None:
            if yes:
                self.carry_out(self.acts.close(session), lambda _: self.tell("kick.done", peer=peer))

        self.push_screen(Confirmation(text), answered)

    def _only_session(self, source: str) -> int | None:
        sessions = [] if self.overview is None else self.overview["sessions"]
        found = [each["id"] for each in sessions if each["source"] == source and each["state"] != "closed"]
        return found[0] if len(found) == 1 else None

    def retry(self, entry: Entry | None) -> None:
        """Let a link that is down connect now."""
        if entry is None or not self.may_act(entry):
            return
        source = entry.source
        if source["kind"] != "link" or source["state"] not in _OUTAGE:
            self.tell("retry.not", warn=True)
            return
        self.carry_out(self.acts.retry(source["id"]), lambda _: self.tell("retry.done"))

    def copy_line(self, line: Line | None) -> None:
        """Copy the command that sends a frame again."""
        if line is None or not line.row.frame:
            self.tell("copy.none", warn=True)
            return

        def copy(text: str) -> None:
            self.copy_to_clipboard(text)
            self.push_screen(TextDialog(self.words("copy.title"), text))

        self.carry_out(self.acts.copy(line.row.number), copy)
