"""The statements of C# that read binary values: :class:`Reading`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from tcpcomm.codec.annotations import bare_type
from tcpcomm.tools.generate.binary_rules import size_of
from tcpcomm.tools.generate.csharp.binary.numbers import Numbers
from tcpcomm.tools.generate.csharp.binary.rules import SILENT, Scope, refers_to_request, uncounted
from tcpcomm.tools.generate.csharp.names import Names, camel
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, byte_array, call, character, condition, string
from tcpcomm.tools.generate.csharp.value_types import CsType, Form, without_none


class Reading:
    """Reads the values of one declaration."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def read(self, annotation: Any, form: Form, source: str, scope: Scope) -> tuple[list[str], str]:
        """Return the statements that read a value, and the expression of the value."""
        kind = form["type"]
        if kind == "float":
            return [], self._numbers.read(form, source)
        if kind in ("int", "bool", "choice", "flags", "bits"):
            number = self._numbers.read(form.get("in", form), source)
            return [], self._numbers.of_number(annotation, form, number, source)
        match kind:
            case "constant":
                content = ", ".join(f"0x{each:02X}" for each in bytes.fromhex(form["hex"]))
                return [f"{source}.Constant({content});"], ""
            case "skip":
                return [f"{source}.Bytes({form['bytes']});"], ""
            case "nothing":
                return [], "null"
            case "text" | "bytes":
                return self._read_text(form, source, scope)
            case "list" | "bit list":
                return self._read_list(annotation, form, source, scope)
            case "optional":
                return self._read_optional(annotation, form, source, scope)
            case "record":
                return self._read_class(annotation, form, source, scope)
            case "around":
                return self._read_around(annotation, form, source, scope)
            case "tagged":
                return self._read_tagged(annotation, form, source, scope)
        return refuse(self._numbers.where, f"a value has the form {kind}")

    def _sized(
        self, form: Form, source: str, scope: Scope
    ) -> tuple[list[str], str, str | None, str | None]:
        """
        Return the statements that read the sizes of a value.

        Returns:
            The statements; the reader of its bytes; the number of its items, or None; and the reader that
            must be at its end behind the value, or None.
        """
        lines: list[str] = []
        items: str | None = None
        reader, ends = source, None
        for size in form.get("sizes", ()):
            if "rest" in size:
                ends = reader
                continue
            if "until" in size:
                refuse(self._numbers.where, "a list ends with a mark")
            if "count" not in size and "by" not in size:
                if form["type"] in ("list", "bit list"):
                    items = str(size["fixed"])
                else:
                    reader = self._part(lines, reader, str(size["fixed"]), scope)
                continue
            number = self._told(size, reader, scope, lines)
            length = uncounted(number, size)
            if "fixed" in size:
                room = size["fixed"]
                if form["type"] == "list":
                    room *= size_of(form["item"])
                elif form["type"] == "bit list":
                    room = -(-room * form["bits"] // 8)
                reader = self._part(lines, reader, str(room), scope)
            if size["in"] == "items":
                items = length
            else:
                reader = self._part(lines, reader, length, scope)
                ends = reader
        return lines, reader, items, ends

    def _told(self, size: Form, reader: str, scope: Scope, lines: list[str]) -> str:
        if "by" in size:
            told = scope.told(size)
            if told is None:
                refuse(self._numbers.where, f"a size refers to {size['by']}, which C# does not find")
            return told
        if size["count"]["type"] != "int":
            refuse(self._numbers.where, "a tag tells how many bytes a length has")
        name = scope.names.unique("count")
        lines.append(f"long {name} = (long){self._numbers.read(size['count'], reader)};")
        return name

    @staticmethod
    def _part(lines: list[str], reader: str, length: str, scope: Scope) -> str:
        name = scope.names.unique("part")
        lines.append(f"ByteReader {name} = {reader}.Part({length});")
        return name

    def _read_text(self, form: Form, source: str, scope: Scope) -> tuple[list[str], str]:
        sizes = form.get("sizes", ())
        lines: list[str] = []
        pad = "\0"
        is_padded = False
        aligned = form.get("aligned")
        if len(sizes) == 1 and "until" in sizes[0]:
            mark = bytes.fromhex(sizes[0]["until"])
            step = len("a".encode(form["encoding"])) if form["type"] == "text" else 1
            content = f"{source}.Until({byte_array(mark)}, {step})"
            extra = len(mark)
        elif len(sizes) == 1 and set(sizes[0]) <= {"fixed", "pad"}:
            pad = bytes.fromhex(sizes[0].get("pad", "00")).decode(form.get("encoding", "latin-1"))[:1]
            is_padded = form["type"] == "text"
            content, extra = f"{source}.Bytes({sizes[0]['fixed']})", 0
        else:
            lines, reader, _, _ = self._sized(form, source, scope)
            content, extra = f"{reader}.Rest()", 0
        if aligned:
            name = scope.names.unique("content")
            lines.append(f"byte[] {name} = {content};")
            lines.append(f"{source}.Align({name}.Length{f' + {extra}' if extra else ''}, {aligned});")
            content = name
        if form["type"] == "bytes":
            return lines, content
        if is_padded:
            return (
                lines,
                f"ByteReader.Unpadded({content}, {self._numbers.encoding(form)}, {character(pad)})",
            )
        return lines, f"{self._numbers.encoding(form)}.GetString({content})"

    def _read_list(self, annotation: Any, form: Form, source: str, scope: Scope) -> tuple[list[str], str]:
        item = get_args(bare_type(annotation))[0]
        kind = self._numbers.types.of(item, form["item"])
        lines, reader, items, ends = self._sized(form, source, scope)
        if "aligned" in form:
            refuse(self._numbers.where, "a list is filled up to a multiple of bytes")
        if form["type"] == "bit list":
            lowest = "true" if form["first"] == "lowest" else "false"
            count = items or f"8L * {reader}.Left / {form['bits']}"
            inner = (
                "each == 1"
                if form["item"]["type"] == "bool"
                else self._numbers.of_number(item, form["item"], "each", "")
            )
            value = f"{reader}.Unpacked({count}, {form['bits']}, {lowest}).ConvertAll(each => {inner})"
        else:
            one = Scope(scope.names, request=scope.request)
            each = scope.names.unique("one")
            statements, value = self.read(item, form["item"], each, one)
            body = value
            if statements:
                body = "{ " + " ".join([*statements, f"return {value};"]) + " }"
            if body.endswith(f"({each})") and body.count("(") == 1:
                function = body.removesuffix(f"({each})")
                body = function
            else:
                body = f"{each} => {body}"
            value = f"{reader}.List({items}, {body})" if items else f"{reader}.ListToEnd({body})"
        if ends is None or ends == source:
            return lines, value
        name = scope.names.unique("list")
        return [*lines, f"List<{kind.shown}> {name} = {value};", f"{ends}.CheckEnd();"], name

    def _read_optional(
        self, annotation: Any, form: Form, source: str, scope: Scope
    ) -> tuple[list[str], str]:
        inner = without_none(annotation)
        kind = self._numbers.types.of(inner, form["form"])
        statements, value = self.read(inner, form["form"], source, scope)
        if not statements:
            cast = f"({kind.name}?)" if kind.is_value else ""
            return [], f"{source}.Left == 0 ? {cast}null : {value}"
        name = scope.names.unique("value")
        declared = CsType(kind.name, kind.is_value, True).shown
        read = [*statements, f"{name} = {value};"]
        return [f"{declared} {name} = null;", *condition(f"{source}.Left > 0", read)], name

    def _read_class(self, annotation: Any, form: Form, source: str, scope: Scope) -> tuple[list[str], str]:
        record = self._numbers.types.record(bare_type(annotation), form)
        kinds = {each.name: each.annotation for each in record.members}
        lines, reader, _, ends = self._sized(form, source, scope)
        if refers_to_request(form):
            inner, values = self.read_fields(form, kinds, reader, Scope(scope.names, request=scope.request))
            arguments = [values[each.name] for each in record.members]
            return [*lines, *inner], f"new {record.name}({', '.join(arguments)})"
        key = ("Read", record.name, str(form))
        if key not in self._numbers.functions:
            name = self._numbers.names.unique(f"Read{record.name}")
            body: list[str] = []
            self._numbers.functions[key] = name, body
            read, values = self.read_fields(form, kinds, "reader", Scope(Names("reader")))
            arguments = [values[each.name] for each in record.members]
            body.append(f"private static {record.name} {name}(ByteReader reader)")
            body += braced([*read, *call(f"return new {record.name}", arguments, ";")])
        value = f"{self._numbers.functions[key][0]}({reader})"
        if ends is None or ends == source:
            return lines, value
        name = scope.names.unique("value")
        return [*lines, f"{record.name} {name} = {value};", f"{ends}.CheckEnd();"], name

    def read_fields(
        self, form: Form, kinds: Mapping[str, Any], source: str, scope: Scope
    ) -> tuple[list[str], dict[str, str]]:
        """
        Return the statements that read fields side by side, and the variables of their values by name.

        Args:
            form: the form of a record.
            kinds: the annotations of its fields.
            source: the reader.
            scope: what sizes and tags may refer to. The values become a part of it.
        """
        lines: list[str] = []
        values: dict[str, str] = {}
        for each in form["fields"]:
            statements, value = (
                self.read(kinds.get(each.get("name", "")), each["form"], source, scope)
                if ("derived" not in each)
                else ([], f"(long){self._numbers.read(each['form'], source)}")
            )
            lines += statements
            name = each.get("name", each.get("derived"))
            if name is None:
                continue
            variable = scope.names.unique(
                f"the{camel(name).lstrip('@')[:1].upper()}{camel(name).lstrip('@')[1:]}"
            )
            lines.append(f"var {variable} = {value};")
            scope.values[name] = variable
            if "name" in each:
                values[name] = variable
        return lines, values

    def _read_around(self, annotation: Any, form: Form, source: str, scope: Scope) -> tuple[list[str], str]:
        lines: list[str] = []
        whole = "null"
        for each in form["fields"]:
            if "derived" in each:
                variable = scope.names.unique("count")
                lines.append(f"long {variable} = (long){self._numbers.read(each['form'], source)};")
                scope.values[each["derived"]] = variable
                continue
            statements, value = self.read(annotation, each["form"], source, scope)
            lines += statements
            if each["form"]["type"] not in SILENT:
                whole = scope.names.unique("value")
                lines.append(f"var {whole} = {value};")
        return lines, whole

    def _read_tagged(self, annotation: Any, form: Form, source: str, scope: Scope) -> tuple[list[str], str]:
        declared = self._numbers.types.of(annotation, form)
        name = scope.names.unique("value")
        tag = (
            scope.told(form)
            if "by" in form
            else self._numbers.read(form["tag"].get("in", form["tag"]), source)
        )
        if tag is None:
            refuse(self._numbers.where, f"a tag refers to {form['by']}, which C# does not find")
        if "mask" in form:
            tag = f"{tag} & {form['mask']}"
        lines = [f"{declared.shown} {name};", f"switch ((long)({tag}))"]
        body: list[str] = []
        for _, each, member, _ in self._numbers.alternatives(annotation, form):
            body.append("default:" if each["tag"] is None else f"case {each['tag']}:")
            statements: list[str] = []
            value = "null"
            if member is not None:
                one = Scope(scope.names, request=scope.request)
                statements, value = self.read(member, each["form"], source, one)
                if declared.name == "object":
                    wide = {"int": "(long)", "float": "(double)"}.get(each["kind"], "")
                    value = f"{wide}{value}"
            body += [f"    {it}" for it in (*statements, f"{name} = {value};", "break;")]
        if "other" not in form:
            body += ["default:", f"    throw new FormatException({string('a tag has no meaning')});"]
        return [*lines, *braced(body)], name
