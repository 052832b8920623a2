"""Replies of templates in C#: :class:`TextReply`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, union_members
from tcpcomm.codec.template.fields.field_types import item_of
from tcpcomm.codec.value_forms import form_of
from tcpcomm.tools.generate.csharp.model import CommandModel
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, call, condition, indented, string
from tcpcomm.tools.generate.csharp.text.fields import parts_in
from tcpcomm.tools.generate.csharp.text.frames import TextFrame, TextShared, as_bytes
from tcpcomm.tools.generate.csharp.value_types import Form, Types, without_none


class ReplyRules(Protocol):
    """The class ``Messages``, as its replies use it."""

    @property
    def shared(self) -> TextShared:
        """The rules that all messages share."""

    @property
    def by_id(self) -> bool:
        """True if replies carry ids."""

    @property
    def id_value(self) -> Mapping[str, str]:
        """The expression of the id, by the name of its field."""

    def throw_if_fault(self, command: CommandModel) -> list[str]:
        """Return the statements that throw the fault in ``text``, if it is one."""


def repeated_parameters(command: CommandModel) -> set[str]:
    """Return the parameters that the reply repeats."""
    reply = command.layout.get("reply", {})
    frames = [reply[each] for each in ("acknowledgement",) if each in reply]
    for form in reply.get("forms", ()):
        frames += form["frames"]
        if form["items"] is not None and form["items"]["end"] is not None:
            frames.append(form["items"]["end"])
    return {
        part["field"]
        for frame in frames
        for part in parts_in(frame["parts"])
        if part.get("of") == "request"
    }


class TextReply:
    """The reader and the writer of the reply to a command."""

    def __init__(self, messages: ReplyRules, command: CommandModel) -> None:
        self._messages = messages
        self._command = command
        self._layout = command.layout["reply"]
        self._result = command.command.spec.result
        self._types: Types = messages.shared.types
        self._forms = [
            _Form(messages, command, form, place, self._result)
            for place, form in enumerate(self._layout.get("forms", ()))
        ]

    @property
    def _type(self) -> str:
        return self._command.result.shown if self._command.has_result else "bool"

    # -- reading ----------------------------------------------------------------------------------------

    def reader(self) -> Iterator[str]:
        repeated = repeated_parameters(self._command)
        more = "".join(f", {each.parameter}" for each in self._command.members) if repeated else ""
        yield f"public static {self._type} Read{self._command.name}Reply(Call call{more})"
        yield from braced(self._read())

    def _read(self) -> Iterator[str]:
        fault = self._messages.throw_if_fault(self._command)
        if "silence" in self._layout:
            yield "string text = call.NextOrNull();"
            yield from condition("text == null", ["return true;"])
            yield from fault
            yield self._unexpected()
            return
        declared = "Match "
        yield "string text = call.Next();"
        if "acknowledgement" in self._layout:
            frame = self._acknowledgement()
            test = f"text != {string(frame.literal_text)}"
            if not frame.is_literal:
                yield f"Match found = {frame.pattern}.Match(text);"
                test, declared = "!found.Success", ""
            yield from condition(test, [*fault, self._unexpected()])
            if "within" in self._layout:
                yield f"call.Renew(TimeSpan.FromSeconds({self._command.command.timeout:g}));"
            yield "text = call.Next();"
        if len(self._forms) == 1:
            yield from self._forms[0].read(declared, fault, self._unexpected())
            return
        if declared:
            yield "Match found;"
        if any(each.is_free for each in self._forms):
            yield from fault
        for form in self._forms:
            first = form.first_pattern
            yield f"found = {first}.Match(text);"
            yield from condition("found.Success", form.read_rest(fault, self._unexpected()))
        yield from fault
        yield self._unexpected()

    def _acknowledgement(self) -> TextFrame:
        parts = self._layout["acknowledgement"]["parts"]
        name = f"{self._command.name}AcknowledgementText"
        known = getattr(self, "_known", None)
        if known is None:
            fields = {each.name: each.annotation for each in self._command.members}
            known = self._known = TextFrame(self._messages.shared, name, parts, fields, self._command.where)
        return known

    def _unexpected(self) -> str:
        return 'throw new FormatException("\\"" + text + "\\" came");'

    # -- writing ----------------------------------------------------------------------------------------

    def writer(self) -> Iterator[str]:
        name, result = self._command.name, self._command.result
        repeated = repeated_parameters(self._command)
        more = [each.parameter for each in self._command.members] if repeated else []
        asked = ["Asked asked"] if self._messages.by_id else []
        if "acknowledgement" in self._layout:
            frame = self._acknowledgement()
            parameters = ", ".join([*asked, *more])
            values = {each.name: each.camel for each in self._command.members}
            yield f"public static byte[] {name}Acknowledgement({parameters})"
            yield from braced(as_bytes(frame.write({**values, **self._messages.id_value}, checked=False)))
            yield ""
        parameters = ", ".join(
            [*asked, *([f"{result.shown} result"] if self._command.has_result else []), *more]
        )
        yield f"public static byte[][] {name}Reply({parameters})"
        if "silence" in self._layout:
            yield from braced(["return new byte[0][];"])
            return
        yield from braced(self._write())

    def _write(self) -> Iterator[str]:
        for form in self._forms[:-1]:
            if form.test() == "true":
                yield from form.write()
                return
            yield from condition(form.test(), form.write())
        last = self._forms[-1]
        if len(self._forms) > 1 and last.test() != "true":
            yield from condition(last.test(), last.write())
            yield 'throw new ArgumentException("no form of the reply can carry " + result);'
        else:
            yield from last.write()


class _Form:
    """One form of a good reply: some frames, and perhaps items."""

    def __init__(
        self, messages: ReplyRules, command: CommandModel, form: Form, place: int, result: Any
    ) -> None:
        self._messages = messages
        self._command = command
        self._form = form
        self._number = place + 1 if len(command.layout["reply"]["forms"]) > 1 else ""
        self._annotation = self._member(result, form["stands_for"])
        self._kind = bare_type(self._annotation)
        self._items = form["items"]
        self._is_record = has_fields(self._kind)
        self._parameters = {each.name: each.annotation for each in command.members}
        self._frames = [self._frame(each, at) for at, each in enumerate(form["frames"])]
        end = self._items and self._items["end"]
        self._end = self._frame(end, "End") if end else None
        self._item_frames = self._item_forms() if self._items else []

    @staticmethod
    def _member(result: Any, form: Form) -> Any:
        """Return the member of a union that a form stands for."""
        members = union_members(result) or (result,)
        return next((each for each in members if form_of(each) == form), result)

    @property
    def _record(self) -> Any:
        return self._messages.shared.types.record(self._kind, form_of(self._annotation))

    def _fields(self) -> dict[str, Any]:
        if self._is_record:
            return {each.name: each.type for each in fields_of(self._kind)}
        return {}

    def _frame(self, template: Form, at: int | str) -> TextFrame:
        parts = template["parts"]
        fields = {**self._parameters}
        own = [
            each.get("field", each.get("list"))
            for each in parts_in(parts)
            if "count" not in each and "of" not in each and "is" not in each
        ]
        fields.update(self._fields() if self._is_record else dict.fromkeys(own, self._annotation))
        suffix = "" if at == 0 else at if isinstance(at, str) else f"Line{at + 1}"
        name = f"{self._command.name}Reply{self._number}{suffix}Text"
        special = template.get("except", ())
        return TextFrame(self._messages.shared, name, parts, fields, self._command.where, special=special)

    def _item_type(self) -> Any:
        if self._items["of"] is None:
            return item_of(without_none(self._annotation))
        return item_of(self._fields()[self._items["of"]])

    def _item_forms(self) -> list[tuple[TextFrame, Any]]:
        found = []
        for place, each in enumerate(self._items["forms"]):
            annotation = self._member(self._item_type(), each["stands_for"])
            kind = bare_type(annotation)
            (frame,) = each["frames"]
            parts, special = frame["parts"], frame.get("except", ())
            names = [it.get("field", it.get("list")) for it in parts_in(parts) if "count" not in it]
            fields = (
                {it.name: it.type for it in fields_of(kind)}
                if has_fields(kind)
                else dict.fromkeys(names, annotation)
            )
            suffix = place + 1 if len(self._items["forms"]) > 1 else ""
            name = f"{self._command.name}Reply{self._number}Item{suffix}Text"
            where = self._command.where
            made = TextFrame(self._messages.shared, name, parts, fields, where, special=special)
            found.append((made, annotation))
        return found

    @property
    def is_free(self) -> bool:
        """True if the first frame can be any text."""
        parts = self._form["frames"][0]["parts"] if self._form["frames"] else []
        return len(parts) == 1 and "field" in parts[0] and parts[0]["form"]["type"] == "text"

    @property
    def first_pattern(self) -> str:
        if not self._frames:
            refuse(self._command.where, "a reply of several forms begins with items")
        return self._frames[0].pattern

    # -- reading ----------------------------------------------------------------------------------------

    def read(self, declared: str, fault: list[str], unexpected: str) -> Iterator[str]:
        """Yield the statements that read the form. Its first frame is in ``text``."""
        if not self._frames:
            yield from self._read_items("text", fault, unexpected, first=True)
            yield from self._returned({})
            return
        if self.is_free:
            yield from fault
        if self._frames[0].is_literal and len(self._frames) == 1 and self._items is None:
            test = f"text != {string(self._frames[0].literal_text)}"
        else:
            yield f"{declared}found = {self._frames[0].pattern}.Match(text);"
            test = "!found.Success"
        yield from condition(test, [*([] if self.is_free else fault), unexpected])
        yield from self.read_rest(fault, unexpected)

    def read_rest(self, fault: list[str], unexpected: str) -> Iterator[str]:
        """Yield the statements behind the first frame. Its match is ``found``."""
        values: dict[str, str] = {}
        several = len(self._frames) > 1 or self._items is not None
        for place, frame in enumerate(self._frames):
            if place:
                yield "text = call.Next();"
                yield f"found = {frame.pattern}.Match(text);"
                yield from condition("!found.Success", [*fault, unexpected])
            yield from self._repeated_checks(frame)
            read = {name: value for name, value in frame.read("found").items() if name in frame.own_names}
            is_last = place == len(self._frames) - 1 and self._items is None
            counts = [*frame.checks("found", read)]
            for name, value in read.items():
                if several and not is_last:
                    yield f"var {_local(name)} = {value};"
                    values[name] = _local(name)
                else:
                    values[name] = value
            yield from (each for each in counts if each)
        if self._items is not None:
            count = next((each for frame in self._frames if (each := frame.frame_count("found"))), None)
            if count is not None:
                yield f"long count = {count};"
            yield from self._read_items("text", fault, unexpected, first=False)
            if self._end is not None:
                read = {
                    name: each
                    for name, each in self._end.read("found").items()
                    if name in self._end.own_names
                }
                values.update(read)
        yield from self._returned(values)

    def _repeated_checks(self, frame: TextFrame) -> Iterator[str]:
        """Yield the statements that compare repeated parameters."""
        for part in parts_in(frame.parts):
            if part.get("of") == "request":
                name = part["field"]
                member = next(each for each in self._command.members if each.name == name)
                sent = frame.field(part).write(member.camel)
                got = frame.field(part).write(f"({frame.read('found')[name]})")
                message = string(f"the reply repeats another {name} than that of the command")
                yield from condition(f"{got} != {sent}", [f"throw new FormatException({message});"])

    def _read_items(self, text: str, fault: list[str], unexpected: str, *, first: bool) -> Iterator[str]:
        kind = self._messages.shared.types.of(
            self._item_type(), _first_form(self._items["forms"], self._item_type())
        )
        most = self._items["at_most"]
        yield f"var items = new List<{kind.shown}>();"
        body: list[str] = []
        if self._end is not None:
            test = f"!(found = {self._end.pattern}.Match(text)).Success"
            if self._end.is_literal:
                test = f"text != {string(self._end.literal_text)}"
            elif first:
                yield "Match found;"
            head = f"for (; {test}; text = call.Next())"
            if not first:
                yield "text = call.Next();"
        else:
            yield from condition(
                f"count < 0 || count > {most}", ['throw new FormatException("the count is " + count);']
            )
            head = "while (items.Count < count)"
            body.append("text = call.Next();")
        free = len(self._item_frames) == 1 and self._is_free_item()
        if free and self._end is not None:
            body += fault
        for frame, annotation in self._item_frames:
            body.append(
                f"{'Match ' if frame is self._item_frames[0][0] else ''}item = {frame.pattern}.Match(text);"
            )
            made = self._made(annotation, frame.read("item"))
            if len(self._item_frames) == 1:
                other = unexpected if free else "\n".join([*fault, unexpected])
                body += condition("!item.Success", other.split("\n"))
                body.append(f"items.Add({made});")
            else:
                body += condition("item.Success", [f"items.Add({made});", "continue;"])
        if len(self._item_frames) > 1:
            body += [*fault, unexpected]
        if self._end is not None:
            body[0:0] = condition(
                f"items.Count == {most}",
                [f'throw new FormatException("there are more than {most} items");'],
            )
        if len(self._item_frames) > 1 and self._end is not None:
            pass
        yield head
        yield from braced(body)

    def _is_free_item(self) -> bool:
        parts = self._item_frames[0][0].parts
        return len(parts) == 1 and "field" in parts[0] and parts[0]["form"]["type"] == "text"

    def _made(self, annotation: Any, values: Mapping[str, str]) -> str:
        """Return the expression of a value of a type."""
        kind = bare_type(annotation)
        if has_fields(kind):
            record = self._messages.shared.types.record(kind, form_of(annotation))
            arguments = [values.get(each.name, each.default or "null") for each in record.members]
            return "\n".join(call(f"new {record.name}", arguments, ""))
        return next(iter(values.values()), "null")

    def _returned(self, values: Mapping[str, str]) -> Iterator[str]:
        if not self._command.has_result:
            yield "return true;"
            return
        if self._items is not None:
            if self._items["of"] is None:
                yield "return items;"
                return
            values = {**values, self._items["of"]: "items"}
        made = self._made(self._annotation, values)
        yield from f"return {made};".split("\n")

    # -- writing ----------------------------------------------------------------------------------------

    def test(self) -> str:
        """Return the condition that the form can carry ``result``."""
        if self._kind is type(None):
            return "result == null"
        declared = self._command.result
        kind = self._messages.shared.types.of(self._annotation, self._form["stands_for"])
        tests = []
        if declared.name == "object":
            tests.append(f"result is {kind.name.replace('IReadOnlyList', 'IReadOnlyList')}")
        elif declared.is_nullable:
            tests.append("result != null")
        if self._is_record:
            used = {
                name
                for frame in (*self._frames, *([self._end] if self._end else []))
                for name in frame.own_names
            }
            used |= {self._items["of"]} if self._items else set()
            value = self._cast("result")
            for each in self._record.members:
                if each.name not in used:
                    if each.default is None:
                        refuse(self._command.where, f"a form of its reply has no {each.name}")
                    tests.append(f"Equals({value}.{each.pascal}, {self._boxed(each)})")
        return " && ".join(tests) or "true"

    @staticmethod
    def _boxed(member: Any) -> str:
        return f"({member.type.shown}){member.default}" if member.type.is_value else str(member.default)

    def _cast(self, value: str) -> str:
        if self._command.result.name != "object":
            if self._command.result.is_value and self._command.result.is_nullable:
                return f"{value}.Value"
            return value
        kind = self._messages.shared.types.of(self._annotation, self._form["stands_for"])
        return f"(({kind.name}){value})"

    def _values(self, value: str) -> dict[str, str]:
        found = {each.name: each.camel for each in self._command.members}
        found |= self._messages.id_value
        if self._is_record:
            found |= {each.name: f"{value}.{each.pascal}" for each in self._record.members}
        else:
            frames = (*self._frames, *([self._end] if self._end else []))
            found |= {name: value for frame in frames for name in frame.own_names}
        return found

    def write(self) -> list[str]:
        """Return the statements that return the frames of ``result``."""
        value = self._cast("result") if self._command.has_result else ""
        values = self._values(value)
        if self._items is None and len(self._frames) == 1:
            *first, last = as_bytes(self._frames[0].write(values))
            return [*first, f"return new[] {{ {last.removeprefix('return ').removesuffix(';')} }};"]
        items = (
            "" if self._items is None else value if self._items["of"] is None else values[self._items["of"]]
        )
        lines = ["var frames = new List<byte[]>();"]
        for frame in self._frames:
            lines += _added(frame.write(values, frames=f"{items}.Count"))
        if self._items is not None:
            kind = self._messages.shared.types.of(
                self._item_type(), _first_form(self._items["forms"], self._item_type())
            )
            lines.append(f"foreach ({kind.shown} each in {items})")
            body: list[str] = []
            for frame, annotation in self._item_frames:
                one = _added(
                    frame.write(self._item_values(annotation, kind.name), checked=not self._is_free_item())
                )
                if len(self._item_frames) > 1:
                    tested = self._messages.shared.types.of(annotation, form_of(annotation)).name
                    word = "else if" if body else "if"
                    body += [f"{word} (each is {tested})", *indented(one)]
                else:
                    body += one
            lines += braced(body)
        if self._end is not None:
            lines += _added(self._end.write(values))
        return [*lines, "return frames.ToArray();"]

    def _item_values(self, annotation: Any, declared: str) -> dict[str, str]:
        kind = bare_type(annotation)
        value = "each"
        known = self._messages.shared.types.of(annotation, form_of(annotation)).name
        if declared == "object" and known != "object":
            value = f"(({known})each)"
        if has_fields(kind):
            record = self._messages.shared.types.record(kind, form_of(annotation))
            return {each.name: f"{value}.{each.pascal}" for each in record.members}
        return {name: value for frame, _ in self._item_frames for name in frame.own_names}


def _first_form(forms: Sequence[Form], annotation: Any) -> Form:
    """Return the form of the items' type."""
    return form_of(annotation) if len(forms) != 1 else forms[0]["stands_for"]


def _added(statements: Sequence[str]) -> list[str]:
    """Return statements that add a frame in place of returning its text."""
    *first, last = statements
    return [*first, f"frames.Add(BytesOf({last.removeprefix('return ').removesuffix(';')}));"]


def _local(name: str) -> str:
    return f"the{name[:1].upper()}{name[1:]}" if name.isidentifier() else name
