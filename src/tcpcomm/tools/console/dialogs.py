"""The dialogs of the console: help, a question, a text to copy, and the disturbances of a tap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.console.base import ConsoleBase
from tcpcomm.tools.console.entries import Piece
from tcpcomm.tools.console.texts import fitted, wrapped
from tcpcomm.tools.console.widgets import PieceLines, Scrolled

_KEYS: Final = (
    ("Enter", "open"), ("Esc", "back"), ("/", "filter"), ("Space", "freeze"), ("c", "copy"),
    ("n N", "faults"), ("p", "pair"), ("End", "end"), ("x", "clear"), ("f", "form"),
    ("d", "disturb"), ("k", "kick"), ("r", "retry"), ("l", "log"), ("?", "help"), ("q", "quit"),
)  # fmt: skip
_WIDTH: Final = 68
"""Columns of the help, which has room on a screen of 80."""


class Dialog(ModalScreen[Any]):
    """A dialog that Escape closes."""

    app: ConsoleBase

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def action_cancel(self) -> None:
        self.dismiss(None)


class HelpDialog(Dialog):
    """The keys, the marks and the filter."""

    def compose(self) -> ComposeResult:
        words = self.app.words
        lines: list[list[Piece]] = [[(words("help.keys"), "strong")]]
        for first in range(0, len(_KEYS), 4):
            row: list[Piece] = []
            for key, action in _KEYS[first : first + 4]:
                row += [(f"{key:>5} ", "match"), (f" {fitted(words(f'key.{action}'), 10)}", "plain")]
            lines.append(row)
        for title, key in (
            ("help.marks", "help.frames"),
            ("key.open", "help.sources"),
            ("key.filter", "help.filter"),
        ):
            lines += [[], [(words(title), "strong")]]
            for text in words(key).splitlines():
                lines += [[(each, "plain")] for each in wrapped(text, _WIDTH)]
        with Vertical(classes="box"):
            yield Scrolled(lines, id="text")
            yield PieceLines([[(words("help.close"), "dim")]])

    def on_mount(self) -> None:
        self.query_one("#text").focus()


class Confirmation(Dialog):
    """
    A question that is answered by yes or no.

    Args:
        text: the question.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,ㅛ", "answer(True)", show=False),
        Binding("enter", "answer(True)", show=False),
        Binding("n,ㅜ", "answer(False)", show=False),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        words = self.app.words
        keys: list[Piece] = [(" y ", "match"), (f" {words('yes')}   ", "plain")]
        keys += [(" n ", "match"), (f" {words('no')}", "plain")]
        with Vertical(classes="box"):
            yield Label(self.text, markup=False)
            yield PieceLines([keys])

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class TextDialog(Dialog):
    """
    A text that was copied.

    Args:
        title: the line above it.
        text: the text.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "cancel", show=False)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.heading = title
        self.text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Label(self.heading, markup=False)
            yield Label(self.text, id="copied", markup=False)
            yield PieceLines([[(self.app.words("help.close"), "dim")]])


class DisturbDialog(Dialog):
    """
    The disturbances of a tap: one of the list, or any that is written.

    Args:
        source: the tap, as the overview shows it.
    """

    def __init__(self, source: Mapping[str, Any]) -> None:
        super().__init__()
        self.source = source

    def compose(self) -> ComposeResult:
        words = self.app.words
        disturbances = self.source.get("disturbances") or {}
        known = [one_line(each["text"]) for each in disturbances.get("known", ())]
        helps = [one_line(each.get("help", "")) for each in disturbances.get("known", ())]
        self.known = known
        with Vertical(classes="box"):
            yield Label(words("disturb.title", name=one_line(self.source["name"])), markup=False)
            yield PieceLines(id="active")
            width = max(map(len, known), default=0)
            options = [f"{text:{width}}  {each}" for text, each in zip(known, helps, strict=True)]
            yield OptionList(*options, id="known", markup=False)
            yield Input(placeholder=words("disturb.example"), id="text", compact=True)
            yield PieceLines(id="answer")
            yield PieceLines([[(words("help.close"), "dim")]])

    def on_mount(self) -> None:
        self._show_active((self.source.get("disturbances") or {}).get("active") or [])
        self.query_one("#text").focus()

    def _show_active(self, active: list[str]) -> None:
        words = self.app.words
        text = (
            words("disturb.active", list=", ".join(map(one_line, active)))
            if active
            else words("disturb.none")
        )
        self.query_one("#active", PieceLines).show([[(text, "warn" if active else "dim")]])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        field = self.query_one("#text", Input)
        field.value = self.known[event.option_index]
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.app.carry_out(self.app.acts.disturb(self.source["id"], event.value.strip()), self._done)

    def _done(self, answer: dict[str, Any]) -> None:
        self._show_active(answer.get("active") or [])
        self.query_one("#answer", PieceLines).show([[(one_line(str(answer.get("text") or "")), "good")]])
        self.query_one("#text", Input).value = ""
