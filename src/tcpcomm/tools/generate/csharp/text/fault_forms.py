"""Faults of templates in C#: :class:`FaultForm`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tcpcomm.tools.generate.csharp.model import FaultCodes
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import condition, literal, string
from tcpcomm.tools.generate.csharp.text.fields import parts_in
from tcpcomm.tools.generate.csharp.text.frames import TextFrame, TextShared, as_bytes
from tcpcomm.tools.generate.csharp.value_types import Form

_OWN_FIELDS = ("code", "reason", "command")


class FaultRules(Protocol):
    """The rules of all faults of a declaration."""

    codes: FaultCodes
    success: Sequence[int | str]
    has_meanings: bool

    def is_code(self, code: str, value: int | str) -> str:
        """Return the condition that an expression has this code."""


class FaultForm:
    """One form of a fault."""

    def __init__(self, shared: TextShared, name: str, form: Form, by_id: bool, where: str) -> None:
        parts = [*parts_in(form["parts"])]
        if any(each.get("of") == "request" for each in parts):
            refuse(where, "its faults repeat parameters of the request")
        fields = {
            each["field"]: {"int": int, "text": str}.get(each["form"]["type"], str)
            for each in parts
            if "field" in each
        }
        self.frame = TextFrame(shared, name, form["parts"], fields, where)
        self.has_code = "code" in self.frame.names
        self.has_reason = "reason" in self.frame.names
        self.code: int | str = form.get("code", "")
        self.data = [
            each
            for each in parts
            if "field" in each and each["field"] not in _OWN_FIELDS and "is" not in each
        ]
        if any("default" not in each for each in self.data):
            refuse(where, "its faults have data without a default")
        code = next((each for each in parts if each.get("field") == "code"), None)
        self.code_is_text = code["form"]["type"] == "text" if code else isinstance(self.code, str)
        reason = next((each for each in parts if each.get("field") == "reason"), {})
        self._reason_width = reason.get("format", {}).get("width")
        command = next((each for each in parts if each.get("field") == "command"), {}).get("format", {})
        if command.get("unit") == "bytes":
            refuse(where, "its faults cut the word of the command to a width in bytes")
        self._command_width = command.get("width")
        self._stops = _first_of_texts_behind(form["parts"], "reason") if self.has_reason else ""
        self._ids = {each["field"]: "asked.Id" for each in parts if each.get("is") == "id"}

    def write(self, messages: FaultRules, *, told: bool) -> list[str]:
        """
        Return the statements that return the bytes of ``fault``.

        Args:
            messages: the rules of all faults.
            told: True if the form tells the code.
        """
        reason = f"Text.Reason(fault.Reason, {string(self._stops)})"
        if not told:
            whole = 'fault.Code + (fault.Reason == "" ? "" : ": " + fault.Reason)'
            reason = f"Text.Reason({whole}, {string(self._stops)})"
        if self._reason_width:
            reason = f"Text.Cut({reason}, {self._reason_width})"
        code = "fault.Code"
        if self.code_is_text:
            code = "fault.Code.ToString()"
        elif messages.codes.is_mixed:
            code = "(long)fault.Code"
        command = '(asked.Command ?? "?")'
        if self._command_width:
            command = f"Text.Begin({command}, {self._command_width})"
        values = {"code": code, "reason": reason, "command": command, **self._ids}
        for each in self.data:
            shown = literal(each["default"])
            if shown is None:
                refuse(
                    self.frame.pattern, f"the default of {each['field']} in a fault has no constant in C#"
                )
            values[each["field"]] = shown
        return as_bytes(self.frame.write(values, checked=False))

    def read(self, messages: FaultRules) -> Iterator[str]:
        """Yield the statements that throw the fault in ``found``."""
        read = self.frame.read("found")
        if self.has_code:
            text = read["code"]
            if self.code_is_text:
                text = f"CodeOf({text})" if messages.codes.is_mixed else text
            yield f"{messages.codes.type} code = {text};"
        else:
            shown = string(self.code) if isinstance(self.code, str) else f"{self.code}L"
            yield f"{messages.codes.type} code = {shown};"
        if self.has_code and messages.success:
            good = " || ".join(messages.is_code("code", each) for each in messages.success)
            yield from condition(good, ["return;"])
        reason = read.get("reason", '""')
        if messages.has_meanings:
            yield f"string reason = {reason};"
            reason = 'reason == "" ? Meaning(code) : reason'
        details = ""
        if self.data:
            pairs = ", ".join(f"{{ {string(each['field'])}, {read[each['field']]} }}" for each in self.data)
            details = f", new Dictionary<string, object> {{ {pairs} }}"
        yield f"throw new FaultException(code, {reason}{details});"


def _first_of_texts_behind(parts: Sequence[Form], name: str) -> str:
    """Return the first characters of the texts behind a field, which end it."""
    place = next((at for at, each in enumerate(parts) if each.get("field") == name), -1)
    return "".join(dict.fromkeys(each["text"][0] for each in parts[place + 1 :] if "text" in each))
