"""Messages of templates in C#: :class:`TextMessages`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tcpcomm.tools.generate.csharp.choices import Choices
from tcpcomm.tools.generate.csharp.encodings import is_unicode
from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel, FaultCodes, MessageCode, Model
from tcpcomm.tools.generate.csharp.names import Names
from tcpcomm.tools.generate.csharp.ranges import range_checks
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, condition, indented, string
from tcpcomm.tools.generate.csharp.text.fault_forms import FaultForm
from tcpcomm.tools.generate.csharp.text.frames import TextFrame, TextShared, as_bytes
from tcpcomm.tools.generate.csharp.text.replies import TextReply, repeated_parameters


class TextMessages(MessageCode):
    """Messages of the codec ``Template``."""

    message = "string"
    parts = ("Text.cs",)
    id_type = "long"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._dialect = model.declaration.dialect
        self._by_id = self._dialect.by_id
        names = Names(
            "Encoding", "Read", "TextOf", "BytesOf", "CanCarry", "IdOf", "FaultReply", "ThrowIfFault"
        )
        self._shared = TextShared(model.types, Choices(model.types), names)
        self._lines: list[str] = []
        self._meanings = self._dialect.meanings
        self.has_meanings = bool(self._meanings)
        layout: Mapping[str, Any] = self._dialect.fault_layout() or {"forms": [], "success": []}
        self.success = layout["success"]
        self._faults = [
            FaultForm(self._shared, f"Fault{place or ''}Text", form, self._by_id, model.name)
            for place, form in enumerate(layout["forms"])
        ]
        self._own: dict[str, list[FaultForm]] = {
            each.command.name: [
                FaultForm(self._shared, f"{each.name}Fault{place or ''}Text", form, self._by_id, each.where)
                for place, form in enumerate(each.layout.get("faults", ()))
            ]
            for each in model.commands
        }
        every = [*self._faults, *(form for forms in self._own.values() for form in forms)]
        is_mixed = any(form.code_is_text for form in every) or any(
            isinstance(each, str) for each in self.success
        )
        self.codes = FaultCodes(type="object" if is_mixed else "long", is_mixed=is_mixed)
        self.has_details = any(form.data for form in every)
        for command in model.commands:
            self._command(command)
        for event in model.events:
            self._event(event)
        self._write_faults()

    def _add(self, *lines: str) -> None:
        self._lines += ["", *lines]

    # -- requests and events ----------------------------------------------------------------------------

    def _fields(self, message: CommandModel | EventModel) -> dict[str, Any]:
        spec = message.command.spec if isinstance(message, CommandModel) else message.event.spec
        return {each.name: each.type for each in spec.parameters}

    def _values(self, message: CommandModel | EventModel) -> dict[str, str]:
        found = {each.name: each.camel for each in message.members}
        return {**found, **self._id_value("call.Id")}

    def _id_value(self, expression: str) -> dict[str, str]:
        name = getattr(self._model.declaration.kind.codec, "id", None)
        return {name: expression} if self._by_id and isinstance(name, str) else {}

    def _command(self, command: CommandModel) -> None:
        if "second" in command.layout or "opened" in command.layout:
            refuse(command.where, "it is asked in two phases, whose second request follows an answer")
        frame = TextFrame(
            self._shared,
            f"{command.name}RequestText",
            command.layout["request"]["parts"],
            self._fields(command),
            command.where,
        )
        has_id = self._by_id and command.has_reply
        parameters = ", ".join(
            [*(["Call call"] if has_id else []), *(each.parameter for each in command.members)]
        )
        self._add(f"public static byte[] {command.name}Request({parameters})")
        self._lines += braced([*range_checks(command), *as_bytes(frame.write(self._values(command)))])
        self._try_read(command, frame)
        if command.has_reply:
            reply = TextReply(self, command)
            self._add(*reply.reader())
            self._add(*reply.writer())

    def _event(self, event: EventModel) -> None:
        frame = TextFrame(
            self._shared,
            f"{event.name}EventText",
            event.layout["request"]["parts"],
            self._fields(event),
            event.where,
        )
        parameters = ", ".join(each.parameter for each in event.members)
        self._add(f"public static byte[] {event.name}Event({parameters})")
        self._lines += braced([*range_checks(event), *as_bytes(frame.write(self._values(event)))])
        self._try_read(event, frame)

    def _try_read(self, message: CommandModel | EventModel, frame: TextFrame) -> None:
        is_command = isinstance(message, CommandModel)
        outs = [f"out {each.parameter}" for each in message.members]
        asked = ["Asked asked"] if is_command else []
        self._add(
            f"public static bool TryRead{message.name}({', '.join(['string received', *asked, *outs])})"
        )
        body = [f"{each.camel} = default({each.type.shown});" for each in message.members]
        if isinstance(message, CommandModel):
            words = [f"asked.Command = {string(message.layout.get('command', ''))};"]
            if not message.has_reply:
                words = ["asked.WantsReply = false;"]
        else:
            words = []
        if frame.is_literal:
            body += [
                *condition(f"received != {string(frame.literal_text)}", ["return false;"]),
                *words,
                "return true;",
            ]
            self._lines += braced(body)
            return
        body += [
            f"Match found = {frame.pattern}.Match(received);",
            *condition("!found.Success", ["return false;"]),
        ]
        body += words
        read = frame.read("found")
        if self._by_id and is_command:
            (name,) = self._id_value("")
            if name in read:
                body.append(f"asked.Id = {read[name]};")
        body += [f"{each.camel} = {read[each.name]};" for each in message.members]
        body += [
            each for each in frame.checks("found", {it.name: it.camel for it in message.members}) if each
        ]
        body += range_checks(message)
        self._lines += braced([*body, "return true;"])

    # -- faults -----------------------------------------------------------------------------------------

    def _write_faults(self) -> None:
        if not self._faults and not any(self._own.values()):
            self._add("public static byte[] FaultReply(Asked asked, FaultException fault)")
            self._lines += braced(["return null;  // the equipment has no faults, and says nothing"])
            return
        self._add("/// <summary>Return the message that answers a request with a fault.</summary>")
        self._lines += ["public static byte[] FaultReply(Asked asked, FaultException fault)"]
        self._lines += braced(self._fault_writer())
        for command, forms in (("", self._faults), *self._own.items()):
            if forms:
                name = next(
                    (each.name for each in self._model.commands if each.command.name == command), ""
                )
                self._add("/// <summary>Throw the fault in a text, if it is one.</summary>")
                self._lines += [f"private static void ThrowIf{name}Fault(string text)"]
                self._lines += braced(self._fault_reader(forms))
        if any("CodeOf(" in each for each in self._lines):
            self._add("/// <summary>Return a code as a number if it is written as one.</summary>")
            self._lines += ["private static object CodeOf(string text)"]
            number = r'Regex.IsMatch(text, @"\A(?:0|-?[1-9][0-9]{0,17})\z")'
            self._lines += braced([f"return {number} ? (object)Text.ParseWhole(text) : text;"])
        if self._meanings:
            self._add(f"private static string Meaning({self.codes.type} code)")
            cases = [
                line
                for code, words in self._meanings.items()
                for line in condition(self.is_code("code", code), [f"return {string(words)};"])
            ]
            self._lines += braced([*cases, 'return "";'])

    def is_code(self, code: str, value: int | str) -> str:
        """Return the condition that an expression has this code."""
        if not self.codes.is_mixed:
            return f"{code} == {value}"
        return f"{code}.Equals({string(value) if isinstance(value, str) else f'{value}L'})"

    def _fault_writer(self) -> Iterator[str]:
        for success in self.success:
            yield from condition(
                self.is_code("fault.Code", success),
                [f"throw new ArgumentException({string(f'the code {success} means success')});"],
            )
        for command, forms in self._own.items():
            if forms:
                word = next(each for each in self._model.commands if each.command.name == command)
                test = f"asked.Command == {string(word.layout['command'])}"
                yield from condition(test, self._in_forms(forms))
        if not self._faults:
            yield "return null;  // other requests have no faults"
            return
        yield from self._in_forms(self._faults)
        if not any(form.has_code or form.has_reason for form in self._faults):
            yield 'throw new ArgumentException("no fault can carry the code " + fault.Code);'

    def _in_forms(self, forms: Sequence[FaultForm]) -> Iterator[str]:
        for form in forms:
            if not form.has_code:
                yield from condition(self.is_code("fault.Code", form.code), form.write(self, told=True))
        rest = next((each for each in forms if each.has_code), None) or next(
            (each for each in forms if each.has_reason), None
        )
        if rest is not None:
            yield from rest.write(self, told=rest.has_code)

    def _fault_reader(self, forms: Sequence[FaultForm]) -> Iterator[str]:
        first = True
        for form in forms:
            yield f"{'Match ' if first else ''}found = {form.frame.pattern}.Match(text);"
            yield from condition("found.Success", form.read(self))
            first = False

    def throw_if_fault(self, command: CommandModel) -> list[str]:
        """Return the statements that throw the fault in ``text``, if it is one."""
        own = [f"ThrowIf{command.name}Fault(text);"] if self._own[command.command.name] else []
        return [*own, *(["ThrowIfFault(text);"] if self._faults else [])]

    # -- for replies ------------------------------------------------------------------------------------

    @property
    def shared(self) -> TextShared:
        return self._shared

    @property
    def by_id(self) -> bool:
        return self._by_id

    @property
    def id_value(self) -> Mapping[str, str]:
        return self._id_value("asked.Id")

    def add(self, lines: Sequence[str]) -> None:
        self._add(*lines)

    def fields(self) -> Iterator[str]:
        rest = "\n".join((*self._lines, *self._shared.choices.lines()))
        for each in self._shared.patterns:
            if self._by_id or re.search(rf"\b{each.split()[4]}\b", rest):
                yield each

    def lines(self) -> Iterator[str]:
        yield "public static string Read(byte[] bytes)"
        yield from braced(["return TextOf(bytes);"])
        if any("Text.Reason" in each for each in self._lines):
            yield ""
            yield "/// <summary>Return true if the encoding has a character.</summary>"
            yield "public static bool CanCarry(char character)"
            test = "TextOf(Encoding.GetEncoding(Encoding.CodePage).GetBytes(text)) == text"
            if is_unicode(self._model.declaration.encoding):
                yield from braced(["return !char.IsSurrogate(character);"])
            else:
                yield from braced(["string text = character.ToString();", f"return {test};"])
        yield from self._lines
        yield from self._shared.choices.lines()
        if self._by_id:
            yield ""
            yield "/// <summary>Return the id of a reply, or null if it has none.</summary>"
            yield "public static long? IdOf(string text)"
            regexes = [each.split()[4] for each in self._shared.patterns if "(?<" in each]
            name = getattr(self._model.declaration.kind.codec, "id", "")
            yield "{"
            yield f"    foreach (Regex each in new[] {{ {', '.join(regexes)} }})"
            yield "    {"
            yield "        Match found = each.Match(text);"
            yield f'        if (found.Success && found.Groups["{name}"].Success)'
            yield f'            return Text.ParseWhole(found.Groups["{name}"].Value);'
            yield "    }"
            yield "    return null;"
            yield "}"

    def request(self, command: CommandModel) -> str:
        has_id = self._by_id and command.has_reply
        arguments = [*(["call"] if has_id else []), *(each.camel for each in command.members)]
        return f"call => Messages.{command.name}Request({', '.join(arguments)})"

    def reply_reader(self, command: CommandModel) -> str:
        repeated = repeated_parameters(command)
        if not repeated:
            return f"Messages.Read{command.name}Reply"
        values = ", ".join(each.camel for each in command.members)
        return f"call => Messages.Read{command.name}Reply(call, {values})"

    def reply(self, command: CommandModel, result: str) -> str:
        asked = ["asked"] if self._by_id else []
        values = [each.camel for each in command.members] if repeated_parameters(command) else []
        results = [result] if command.has_result else []
        return f"Messages.{command.name}Reply({', '.join([*asked, *results, *values])})"

    def acknowledgement(self, command: CommandModel) -> str:
        if "acknowledgement" not in command.layout.get("reply", ()):
            return ""
        asked = ["asked"] if self._by_id else []
        values = [each.camel for each in command.members] if repeated_parameters(command) else []
        return f"Messages.{command.name}Acknowledgement({', '.join([*asked, *values])})"

    def after_dispatch(self) -> Iterator[str]:
        words = list(
            dict.fromkeys(each.layout["command"] for each in self._model.commands if each.has_reply)
        )
        shown = [string(each) for each in words if each]
        if shown:
            yield f"foreach (string word in new[] {{ {', '.join(shown)} }})"
            yield "{"
            yield from indented(
                condition(
                    r'Regex.IsMatch(message, @"\A" + Regex.Escape(word) + @"(?:[\s,;=]|\z)")',
                    [
                        "asked.Command = word;",
                        'throw new FormatException("the values do not fit the command " + word);',
                    ],
                )
            )
            yield "}"
