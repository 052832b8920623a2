"""Messages of templates in C#, one frame each: :class:`TextFrame`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields
from tcpcomm.codec.base import Field
from tcpcomm.codec.template.fields.field_types import item_of
from tcpcomm.codec.value_forms import form_of
from tcpcomm.tools.generate.csharp.choices import Choices
from tcpcomm.tools.generate.csharp.names import Names, pascal
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import literal, string, verbatim
from tcpcomm.tools.generate.csharp.text.fields import (
    TextField,
    first_characters,
    group,
    parts_in,
    pattern_of_text,
)
from tcpcomm.tools.generate.csharp.value_types import CsType, Form, Types, without_none

_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


@define
class TextShared:
    """
    What all messages of a declaration share.

    Attributes:
        types: the types of the declaration.
        choices: the functions for enumerations.
        names: the names of the members of the class ``Messages``.
        patterns: the patterns of messages and items, as lines of C#.
        functions: further functions, as lines of C#.
    """

    types: Types
    choices: Choices
    names: Names
    patterns: list[str] = field(factory=list)
    functions: list[str] = field(factory=list)


class TextFrame:
    """
    One frame of a template.

    Args:
        shared: what all messages share.
        name: the name of its pattern in C#.
        parts: the parts of the template, as the layout has them.
        fields: its fields by their names, with their annotations.
        where: the command or event, for errors.
        special: the texts that another frame has.
    """

    def __init__(
        self,
        shared: TextShared,
        name: str,
        parts: Sequence[Form],
        fields: Mapping[str, Any],
        where: str,
        *,
        special: Sequence[str] = (),
    ) -> None:
        self._shared = shared
        self._fields = fields
        self._where = where
        self._groups: dict[str, str] = {}
        self.parts = parts
        self.names = [
            each["field"] if "field" in each else each["list"]
            for each in parts_in(parts)
            if "count" not in each
        ]
        self.own_names = [
            each.get("field", each.get("list"))
            for each in parts_in(parts)
            if "count" not in each and "of" not in each and "is" not in each
        ]
        self._counts: list[tuple[str, Form]] = []
        self._absent: dict[str, Any] = {}
        pattern = "".join(rf"(?!{pattern_of_text(each)}\z)" for each in special)
        pattern += self._pattern(parts, "", is_outer=True)
        self.pattern = self._add_pattern(name, f"Text.Line({verbatim(pattern)})")

    def _add_pattern(self, name: str, made: str) -> str:
        unique = self._shared.names.unique(name, "Pattern")
        self._shared.patterns.append(f"private static readonly Regex {unique} = {made};")
        return unique

    def has(self, name: str) -> bool:
        """Return True if the frame has a field."""
        return name in self.names

    @property
    def is_literal(self) -> bool:
        """True if the frame is always the same text."""
        return all("text" in each for each in self.parts)

    @property
    def literal_text(self) -> str:
        """The text of a frame that is always the same."""
        return "".join(each["text"] for each in self.parts)

    # -- the pattern ------------------------------------------------------------------------------------

    def _pattern(self, parts: Sequence[Form], behind: str, *, is_outer: bool = False) -> str:
        found = ""
        for place, part in enumerate(parts):
            stops = first_characters(parts[place + 1 :], behind)
            if "text" in part:
                found += pattern_of_text(part["text"])
            elif "optional" in part:
                self._absent.update(part["absent"])
                found += f"(?:{self._pattern(part['optional'], stops)})?"
            elif "count" in part:
                name = f"count{len(self._counts) + 1}"
                self._counts.append((name, part))
                width = part.get("format", {}).get("width")
                found += group(name, f".{{{width}}}" if width else "[0-9]+")
            elif "list" in part:
                found += self._list_pattern(part, stops)
            else:
                before = parts[place - 1] if place else {"text": ""}
                after = parts[place + 1] if place + 1 < len(parts) else {"text": ""}
                is_alone = "text" in before and ("text" in after or "optional" in after)
                name = self._group_of(part["field"])
                found += group(name, self.field(part).pattern(stops, alone=is_alone))
        return found

    def _group_of(self, name: str) -> str:
        return self._groups.setdefault(name, name if name.isidentifier() else f"field{len(self._groups)}")

    def field(self, part: Form) -> TextField:
        """Return a field of the frame."""
        how = part.get("format", {})
        if how.get("letter") in ("raw", "block"):
            refuse(self._where, "it has bytes behind its text ({name:raw} or {name:block})")
        kind = self.kind_of(part)
        return TextField(part["form"], how, self._shared.choices, kind, self._where)

    def kind_of(self, part: Form) -> CsType:
        """Return the type of a field."""
        annotation = self._fields.get(part["field"], int)
        return self._shared.types.of(without_none(annotation), part["form"])

    def _list_pattern(self, part: Form, stops: str) -> str:
        item, separator = part["item"], pattern_of_text(part["separator"])
        inside = self._item_pattern(part, stops).replace(
            "?<", "?<x_"
        )  # groups of an item, not of the frame
        bare = _without_names(inside)
        return group(self._group_of(part["list"]), f"(?:{bare}(?:{separator}{bare})*)?") if item else ""

    def _item_pattern(self, part: Form, stops: str) -> str:
        item = part["item"]
        first = part["separator"][:1]
        if "parts" not in item:
            kind = self._item_type(part)
            one = TextField(item["form"], item.get("format", {}), self._shared.choices, kind, self._where)
            return group("item", one.pattern(stops + first, alone=True, may_be_empty=False))
        frame = _Item(self._shared, item["parts"], self._item_fields(part), self._where)
        return frame.item_pattern(stops + (first or first_characters(item["parts"])))

    def _item_annotation(self, part: Form) -> Any:
        return item_of(without_none(self._fields[part["list"]]))

    def _item_type(self, part: Form) -> CsType:
        return self._shared.types.of(self._item_annotation(part), part["item"]["form"])

    def _item_fields(self, part: Form) -> Mapping[str, Any]:
        kind = bare_type(self._item_annotation(part))
        if has_fields(kind):
            return {each.name: each.type for each in fields_of(kind)}
        (only,) = [
            each.get("field", each.get("list"))
            for each in parts_in(part["item"]["parts"])
            if "count" not in each
        ]
        return {only: self._item_annotation(part)}

    # -- writing ----------------------------------------------------------------------------------------

    def write(self, values: Mapping[str, str], *, frames: str = "0", checked: bool = True) -> list[str]:
        """
        Return the statements that end with the return of the text.

        Args:
            values: the expressions of the values, by the names of their fields.
            frames: the expression of the number of frames that follow.
            checked: True if the text is checked, because a value may hold what ends it.
        """
        statements: list[str] = []
        text = self._write_parts(self.parts, values, frames, statements) or '""'
        if checked and (self.names or self._counts):
            return [*statements, f"return Text.Checked({text}, {self.pattern});"]
        return [*statements, f"return {text};"]

    def _write_parts(
        self, parts: Sequence[Form], values: Mapping[str, str], frames: str, statements: list[str]
    ) -> str:
        texts: list[str] = []
        for place, part in enumerate(parts):
            if part.get("count") == "written bytes" and part["of"] == "all behind it":
                behind = self._write_parts(parts[place + 1 :], values, frames, statements)
                statements.append(f"string behind = {behind or string('')};")
                texts += [self._count_text(part, "Messages.Encoding.GetByteCount(behind)"), "behind"]
                break
            texts.append(self._write_part(part, values, frames))
        return " + ".join(_joined_literals(texts))

    def _write_part(self, part: Form, values: Mapping[str, str], frames: str) -> str:
        if "text" in part:
            return string(part["text"])
        if "optional" in part:
            inner = " + ".join(
                _joined_literals([self._write_part(each, values, frames) for each in part["optional"]])
            )
            absent = " && ".join(
                self._is_absent(name, value, values[name], part) for name, value in part["absent"].items()
            )
            return f'({absent} ? "" : {inner})'
        if "count" in part:
            return self._count_text(part, self._counted(part, values, frames))
        if "list" in part:
            return self._write_list(part, values[part["list"]])
        value = values[part["field"]]
        if self._may_be_null(part["field"]) and self.kind_of(part).is_value:
            value += ".Value"
        return self.field(part).write(value)

    def _is_absent(self, name: str, absent: Any, value: str, part: Form) -> str:
        if absent is None:
            return f"{value} == null"
        inner = next(
            each for each in parts_in(part["optional"]) if each.get("field", each.get("list")) == name
        )
        if "list" in inner:
            return f"{value}.Count == 0"
        kind = self.kind_of(inner)
        enum = next((each for each in self._shared.types.enums.values() if each.name == kind.name), None)
        shown = enum.member(absent) if enum is not None else literal(absent)
        if shown is None or inner["form"]["type"] in ("bytes",):
            refuse(self._where, f"the optional part with {name} has a default that C# cannot compare")
        return f"{value} == {shown}{'m' if kind.name == 'decimal' else ''}"

    def _may_be_null(self, name: str) -> bool:
        return name in self._absent and self._absent[name] is None

    def _counted(self, part: Form, values: Mapping[str, str], frames: str) -> str:
        kind = part["count"]
        if kind == "frames":
            return frames
        if kind == "written bytes":
            counted = next(each for each in parts_in(self.parts) if each.get("field") == part["of"])
            if self._may_be_null(part["of"]) or part["of"] in self._absent:
                refuse(self._where, f"it counts the bytes of {part['of']}, which may be left out")
            return f"Messages.Encoding.GetByteCount({self.field(counted).write(values[part['of']])})"
        size = "Count" if kind == "items" else "Length"
        if self._may_be_null(part["of"]):
            refuse(self._where, f"it counts {part['of']}, which may be left out")
        return f"{values[part['of']]}.{size}"

    def _count_text(self, part: Form, number: str) -> str:
        return TextField(
            {"type": "int"}, part.get("format", {}), self._shared.choices, CsType("long", True), self._where
        ).write(number)

    def _write_list(self, part: Form, value: str) -> str:
        item = part["item"]
        if "parts" not in item:
            kind = self._item_type(part)
            inner = TextField(
                item["form"], item.get("format", {}), self._shared.choices, kind, self._where
            ).write("each")
        else:
            frame = _Item(self._shared, item["parts"], self._item_fields(part), self._where)
            inner = frame.expression(self._members_of("each", part))
        if inner == "each":
            return f"string.Join({string(part['separator'])}, {value})"
        return f"string.Join({string(part['separator'])}, {value}.Select(each => {inner}))"

    def _members_of(self, value: str, part: Form) -> dict[str, str]:
        """Return the expressions of the fields of an item."""
        kind = bare_type(self._item_annotation(part))
        if has_fields(kind):
            record = self._shared.types.record(kind, part["item"]["form"])
            return {each.name: f"{value}.{each.pascal}" for each in record.members}
        (name,) = self._item_fields(part)
        return {name: value}

    # -- reading ----------------------------------------------------------------------------------------

    def read(self, match: str) -> dict[str, str]:
        """Return the expressions of its values in a match, by the names of the fields."""
        found = {}
        for part in parts_in(self.parts):
            if "count" in part:
                continue
            name = part.get("field", part.get("list"))
            assert isinstance(name, str)
            text = f'{match}.Groups["{self._group_of(name)}"]'
            read = (
                self._read_list(part, f"{text}.Value")
                if "list" in part
                else self.field(part).read(f"{text}.Value")
            )
            if name in self._absent:
                read = f"{text}.Success ? {self._cast(part, name)}{read} : {self._absent_value(part, name)}"
                if part is not None:
                    read = f"({read})"
            found[name] = read
        return found

    def _cast(self, part: Form, name: str) -> str:
        if "field" in part and self._may_be_null(name) and self.kind_of(part).is_value:
            return f"({self.kind_of(part).name}?)"
        return ""

    def _absent_value(self, part: Form, name: str) -> str:
        absent = self._absent[name]
        if absent is None:
            return "null"
        if "list" in part:
            return f"new List<{self._item_type(part).shown}>()"
        kind = self.kind_of(part)
        enum = next((each for each in self._shared.types.enums.values() if each.name == kind.name), None)
        shown = enum.member(absent) if enum is not None else literal(absent)
        if shown is None or part["form"]["type"] == "bytes":
            refuse(self._where, f"the optional part with {name} has a default that C# has no constant for")
        return shown + ("m" if kind.name == "decimal" else "")

    def checks(self, match: str, values: Mapping[str, str]) -> Iterator[str]:
        """
        Yield the statements that check the counts in a match.

        Args:
            match: the match.
            values: the variables that hold the values that were read.
        """
        for name, part in self._counts:
            text = f'{match}.Groups["{name}"]'
            if part["count"] == "frames":
                continue
            if part["count"] == "written bytes":
                counted = f'{match}.Groups["{self._groups.get(part["of"], "")}"].Value'
                if part["of"] == "all behind it":
                    counted = f"{match}.Value.Substring({text}.Index + {text}.Length)"
                size = f"Encoding.GetByteCount({counted})"
            else:
                size = f"{values[part['of']]}.{'Count' if part['count'] == 'items' else 'Length'}"
            check = f"Text.CheckCount({text}.Value, {size});"
            yield f"if ({text}.Success)" if name in self._optional_counts() else ""
            yield check

    def _optional_counts(self) -> set[str]:
        inside = [
            id(each)
            for part in self.parts
            if "optional" in part
            for each in parts_in(part["optional"])
            if "count" in each
        ]
        return {name for name, part in self._counts if id(part) in inside}

    def frame_count(self, match: str) -> str | None:
        """Return the expression of the number of frames that follow, or None if none says it."""
        for name, part in self._counts:
            if part["count"] == "frames":
                return f'Text.ParseWhole({match}.Groups["{name}"].Value)'
        return None

    def _read_list(self, part: Form, text: str) -> str:
        item = part["item"]
        name = pascal(part["list"]) + "Item"
        pattern = self._item_pattern(part, first_characters([], ""))
        made = f"Text.Item({verbatim(pattern)}, {string(part['separator'])})"
        known = next(
            (each.split()[4] for each in self._shared.patterns if each.endswith(f"= {made};")), None
        )
        regex = known or self._add_pattern(name, made)
        if "parts" not in item:
            kind = self._item_type(part)
            one = TextField(item["form"], item.get("format", {}), self._shared.choices, kind, self._where)
            value = one.read('each.Groups["item"].Value')
            return f"Text.Items({regex}, {text}, each => {value})"
        frame = _Item(self._shared, item["parts"], self._item_fields(part), self._where)
        values = frame.read("each")
        kind = bare_type(self._item_annotation(part))
        if has_fields(kind):
            record = self._shared.types.record(kind, part["item"]["form"])
            arguments = [values.get(each.name, each.default or "null") for each in record.members]
            made = f"new {record.name}({', '.join(arguments)})"
        else:
            (made,) = values.values()
        return f"Text.Items({regex}, {text}, each => {made})"


class _Item(TextFrame):
    """An item of a list, which is a template of its own."""

    def __init__(
        self, shared: TextShared, parts: Sequence[Form], fields: Mapping[str, Any], where: str
    ) -> None:
        scratch = TextShared(shared.types, shared.choices, Names())
        super().__init__(scratch, "Item", parts, fields, where)
        self._shared = shared
        if self._counts:
            refuse(where, "an item of a list has a count")

    def item_pattern(self, behind: str) -> str:
        self._counts = []
        return self._pattern(self.parts, behind)

    def expression(self, values: Mapping[str, str]) -> str:
        return " + ".join(_joined_literals([self._write_part(each, values, "0") for each in self.parts]))


def _without_names(pattern: str) -> str:
    """Return a pattern with groups that have no names."""
    out, place = "", 0
    while (at := pattern.find("(?<", place)) >= 0:
        out += pattern[place:at] + "(?:"
        place = pattern.index(">", at) + 1
    return out + pattern[place:]


def _joined_literals(texts: Sequence[str]) -> list[str]:
    """Return expressions of texts, with literals that follow each other joined."""
    found: list[str] = []
    for each in texts:
        if found and _LITERAL.fullmatch(found[-1]) and _LITERAL.fullmatch(each):
            found[-1] = found[-1][:-1] + each[1:]
        else:
            found.append(each)
    return found


def form_fields(fields: Sequence[Field]) -> dict[str, Form]:
    """Return the forms of parameters or attributes, by their names."""
    return {each.name: form_of(each.type) for each in fields}


def as_bytes(statements: Sequence[str]) -> list[str]:
    """Return statements that return bytes in place of a text."""
    *first, last = statements
    text = last.removeprefix("return ").removesuffix(";")
    return [*first, f"return BytesOf({text});"]
