"""The form for a command or event: a list, the fields of the chosen one, and the reply below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Input, Label, OptionList

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.console import texts
from tcpcomm.tools.console.dialogs import Dialog
from tcpcomm.tools.console.entries import Piece
from tcpcomm.tools.console.widgets import PieceLines, Scrolled

_LABEL_WIDTH = 26


class MessageForm(Dialog):
    """
    The form for the commands or the events of a source.

    Args:
        source: the source, as the overview shows it.
        messages: the facts of the commands or events.
        kind: ``command`` or ``event``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", show=False)]

    DEFAULT_CSS = """
    MessageForm #fields { height: auto; max-height: 8; }
    MessageForm .field { height: 1; }
    MessageForm .field > Label { width: 26; }
    MessageForm .field > Input { width: 1fr; }
    MessageForm #reply { height: auto; max-height: 6; border-top: solid $primary; }
    """

    def __init__(
        self, source: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], kind: str = "command"
    ) -> None:
        super().__init__()
        self.source = source
        self.messages = messages
        self.kind = kind
        self.at = 0

    @property
    def message(self) -> Mapping[str, Any]:
        """The facts of the chosen command or event."""
        return self.messages[self.at]

    def compose(self) -> ComposeResult:
        words = self.app.words
        with Vertical(classes="box"):
            yield Label(words(f"form.title.{self.kind}", name=one_line(self.source["name"])), markup=False)
            width = max(len(each["name"]) for each in self.messages)
            options = [
                f"{each['name']:{width}}  {one_line((each['doc'] or '').partition(chr(10))[0])}"
                for each in self.messages
            ]
            yield OptionList(*options, id="commands", markup=False)
            yield PieceLines(id="wire")
            yield VerticalScroll(id="fields", can_focus=False)
            yield Scrolled(id="reply")
            hint = f"{words('form.hint')} {words('help.close')}"
            yield PieceLines([[(hint, "dim")]])

    async def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0
        self.query_one(OptionList).focus()
        await self._show_fields()

    async def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != self.at:
            self.at = event.option_index
            await self._show_fields()

    async def _show_fields(self) -> None:
        words, command = self.app.words, self.message
        request = command.get("request")
        wire = words("form.wire", request=one_line(str(request))) if request else ""
        self.query_one("#wire", PieceLines).show([[(wire, "dim")]])
        fields = self.query_one("#fields")
        await fields.remove_children()
        rows = []
        for each in command["parameters"]:
            unit = f", {each['unit']}" if each.get("unit") else ""
            label = texts.fitted(one_line(f"{each['name']} ({each['type']}{unit})"), _LABEL_WIDTH - 1)
            field = Input(placeholder=self._hint(each), compact=True, name=each["name"])
            rows.append(Horizontal(Label(label, markup=False), field, classes="field"))
        await fields.mount_all(rows)
        self.query_one("#reply", Scrolled).show([])

    def _hint(self, parameter: Mapping[str, Any]) -> str:
        words = self.app.words
        choices = ", ".join(parameter.get("choices") or ())
        if parameter.get("text") is not None:
            return words("form.default", text=parameter["text"])
        return choices or (words("form.optional") if parameter.get("optional") else "")

    def on_option_list_option_selected(self) -> None:
        fields = [*self.query("#fields Input")]
        if fields:
            fields[0].focus()
        else:
            self.action_send()

    def on_input_submitted(self) -> None:
        self.action_send()

    def action_send(self) -> None:
        values = {str(each.name): each.value for each in self.query("#fields Input").results(Input)}
        given = {name: value for name, value in values.items() if value != ""}
        self._show_reply([[(self.app.words("form.waiting"), "dim")]])
        acts = self.app.acts
        send = acts.command if self.kind == "command" else acts.event
        sending = send(self.source["id"], self.message["name"], given)
        self.run_worker(self._send(sending), exclusive=True)

    async def _send(self, sending: Any) -> None:
        words = self.app.words
        try:
            answer = await sending
        except Exception as error:
            text = f"{words('outcome.refused')}: {one_line(str(error))}"
            self._show_reply([[(text, "bad")]])
            return
        outcome = answer["outcome"]
        title = words(f"outcome.{outcome}", took=texts.took(answer.get("took")) or "0 ms")
        style = {"reply": "good", "done": "good", "sent": "good", "fault": "warn"}.get(outcome, "bad")
        lines: list[list[Piece]] = [[(title, style)]]
        if answer.get("error"):
            lines[0].append((f": {one_line(answer['error'])}", style))
        lines += [[(f"  {one_line(each)}", "plain")] for each in answer.get("lines") or ()]
        self._show_reply(lines)

    def _show_reply(self, lines: list[list[Piece]]) -> None:
        if self.is_mounted:
            self.query_one("#reply", Scrolled).show(lines)
            self.query_one("#reply").refresh(layout=True)
