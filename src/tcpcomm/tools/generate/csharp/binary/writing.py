"""The statements of C# that write binary values: :class:`Writing`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from tcpcomm.codec.annotations import bare_type
from tcpcomm.tools.generate.binary_rules import size_of
from tcpcomm.tools.generate.csharp.binary.numbers import Numbers
from tcpcomm.tools.generate.csharp.binary.rules import SILENT, Scope, body_of, counted, refers_to_request
from tcpcomm.tools.generate.csharp.names import Names
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, byte_array, condition
from tcpcomm.tools.generate.csharp.value_types import Form, value_of, without_none


class Writing:
    """Writes the values of one declaration."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def write(self, annotation: Any, form: Form, value: str, into: str, scope: Scope) -> list[str]:
        """Return the statements that write a value."""
        kind = form["type"]
        if kind in ("int", "float", "bool", "choice", "flags", "bits"):
            number = form.get("in", form)
            shown = value if kind == "float" else self._numbers.as_number(annotation, form, value)
            return [self._numbers.write(number, shown, into)]
        match kind:
            case "constant":
                return [f"{into}.Bytes({byte_array(bytes.fromhex(form['hex']))});"]
            case "skip":
                skipped = bytes.fromhex(form["hex"]) if "hex" in form else bytes(form["bytes"])
                return [f"{into}.Bytes({byte_array(skipped)});"]
            case "nothing":
                return []
            case "text" | "bytes":
                content = value if kind == "bytes" else f"{self._numbers.encoding(form)}.GetBytes({value})"
                return self._write_sized(form, content, None, into, scope)
            case "list":
                return self._write_list(annotation, form, value, into, scope)
            case "bit list":
                item = self._numbers.as_number(get_args(bare_type(annotation))[0], form["item"], "each")
                lowest = "true" if form["first"] == "lowest" else "false"
                content = f"ByteWriter.Packed({value}.Select(each => {item}), {form['bits']}, {lowest})"
                return self._write_sized(form, content, f"{value}.Count", into, scope)
            case "optional":
                inner = without_none(annotation)
                given = f"{value}.Value" if self._numbers.types.of(inner, form["form"]).is_value else value
                return [*condition(f"{value} != null", self.write(inner, form["form"], given, into, scope))]
            case "record":
                return self._write_class(annotation, form, value, into, scope)
            case "around":
                return self._write_around(annotation, form, value, into, scope)
            case "tagged":
                return self._write_tagged(annotation, form, value, into, scope)
        return refuse(self._numbers.where, f"a value has the form {kind}")

    def _write_sized(
        self, form: Form, content: str, items: str | None, into: str, scope: Scope
    ) -> list[str]:
        """Return the statements that write bytes with their sizes around them."""
        sizes = form.get("sizes", ())
        lines: list[str] = []
        aligned = form.get("aligned")
        is_ended = any("until" in each for each in sizes)
        if len(sizes) == 1 and not aligned:
            return self._write_one_size(sizes[0], form, content, items, into, scope)
        name = scope.names.unique("content")
        lines.append(f"byte[] {name} = {content};")
        lengths = f"{name}.Length"
        current = name
        for index, size in enumerate(reversed(sizes)):
            part = scope.names.unique("part")
            lines.append(f"var {part} = new ByteWriter();")
            if index == 0 and aligned and not is_ended:
                lines += self._write_one_size(size, form, current, items, part, scope, length=lengths)
                lines.append(f"{part}.Align({current}.Length, {aligned});")
            else:
                lines += self._write_one_size(size, form, current, items, part, scope)
                if aligned and is_ended:
                    mark = len(bytes.fromhex(size["until"]))
                    lines.append(f"{part}.Align({current}.Length + {mark}, {aligned});")
            current = f"{part}.ToArray()" if index == len(sizes) - 1 else scope.names.unique("content")
            if index < len(sizes) - 1:
                lines.append(f"byte[] {current} = {part}.ToArray();")
        return [*lines, f"{into}.Bytes({current});"]

    def _write_one_size(  # noqa: PLR0917 - these are all that a place in a message has
        self,
        size: Form,
        form: Form,
        content: str,
        items: str | None,
        into: str,
        scope: Scope,
        length: str = "",
    ) -> list[str]:
        lines: list[str] = []
        if ("count" in size or "by" in size) and size["in"] == "bytes" and "(" in content:
            name = scope.names.unique("content")
            lines.append(f"byte[] {name} = {content};")
            content = name
        if "until" in size:
            return [f"{into}.Ended({content}, {byte_array(bytes.fromhex(size['until']))});"]
        if "rest" in size:
            return [f"{into}.Bytes({content});"]
        if "count" in size or "by" in size:
            measured = items if size["in"] == "items" and items else length or f"{content}.Length"
            number = counted(measured, size)
            if "count" in size:
                if size["count"]["type"] != "int":
                    refuse(self._numbers.where, "a tag tells how many bytes a length has")
                cast = "" if size["count"]["signed"] else "(ulong)"
                lines.append(self._numbers.write(size["count"], f"{cast}({number})", into))
            elif (told := scope.told(size)) is not None:
                lines.append(f"{into}.CheckCount({told}, {number});")
        if "fixed" in size:
            room = size["fixed"]
            if form["type"] == "bit list":
                room = -(-room * form["bits"] // 8)
            elif form["type"] == "list":
                room *= size_of(form["item"])
            pad = ", ".join(f"0x{each:02X}" for each in bytes.fromhex(size.get("pad", "00")))
            if items and "count" not in size:
                lines.append(f"{into}.CheckCount({size['fixed']}, {items});")
            return [*lines, f"{into}.Fixed({content}, {room}, {pad});"]
        return [*lines, f"{into}.Bytes({content});"]

    def _write_list(self, annotation: Any, form: Form, value: str, into: str, scope: Scope) -> list[str]:
        item = get_args(bare_type(annotation))[0]
        kind = self._numbers.types.of(item, form["item"])
        sizes = form.get("sizes", ())
        is_simple = (
            len(sizes) == 1
            and "aligned" not in form
            and (
                "rest" in sizes[0]
                or (sizes[0].get("in") == "items" and "fixed" not in sizes[0])
                or set(sizes[0]) <= {"fixed", "pad"}
            )
        )
        each = scope.names.unique("each")
        target = into if is_simple else scope.names.unique("items")
        inner = self.write(item, form["item"], each, target, Scope(scope.names, request=scope.request))
        loop = [f"foreach ({kind.shown} {each} in {value})", *body_of(inner)]
        if not is_simple:
            made = [f"var {target} = new ByteWriter();", *loop]
            return made + self._write_sized(form, f"{target}.ToArray()", f"{value}.Count", into, scope)
        size = sizes[0]
        head: list[str] = []
        if "count" in size or "by" in size:
            head = self._write_one_size(size, form, "", f"{value}.Count", into, scope)[:-1]
        elif "fixed" in size:
            head = [f"{into}.CheckCount({size['fixed']}, {value}.Count);"]
        return [*head, *loop]

    def _write_class(self, annotation: Any, form: Form, value: str, into: str, scope: Scope) -> list[str]:
        """Return the call of the function for a class, or statements if the request tells sizes."""
        record = self._numbers.types.record(bare_type(annotation), form)
        members = {each.name: (each.annotation, f"{{0}}.{each.pascal}") for each in record.members}
        if refers_to_request(form):
            given = {name: (kind, shown.format(value)) for name, (kind, shown) in members.items()}
            return self.write_fields(form, given, into, Scope(scope.names, request=scope.request))
        key = ("Write", record.name, str(form))
        if key not in self._numbers.functions:
            name = self._numbers.names.unique(f"Write{record.name}")
            lines: list[str] = []
            self._numbers.functions[key] = name, lines
            given = {each: (kind, shown.format("value")) for each, (kind, shown) in members.items()}
            lines.append(f"private static void {name}(ByteWriter writer, {record.name} value)")
            lines += braced(self.write_fields(form, given, "writer", Scope(Names("writer", "value"))))
        return self._write_area(form, f"{self._numbers.functions[key][0]}({{0}}, {value});", into, scope)

    def _write_area(self, form: Form, statement: str, into: str, scope: Scope) -> list[str]:
        """Return the statement that writes a value, with its size in bytes around it if it has one."""
        if not form.get("sizes"):
            return [statement.format(into)]
        area = scope.names.unique("area")
        made = [f"var {area} = new ByteWriter();", statement.format(area)]
        return made + self._write_sized(form, f"{area}.ToArray()", None, into, scope)

    def write_fields(
        self, form: Form, given: Mapping[str, tuple[Any, str]], into: str, scope: Scope
    ) -> list[str]:
        """
        Return the statements that write fields side by side.

        Args:
            form: the form of a record.
            given: for each field, its annotation and the expression of its value.
            into: the writer.
            scope: what sizes and tags may refer to. The values become a part of it.
        """
        scope.values.update({name: value for name, (_, value) in given.items()})
        lines: list[str] = []
        for each in form["fields"]:
            if "derived" in each:
                number = self._derived(each["derived"], form, given)
                cast = "" if each["form"]["signed"] else "(ulong)"
                lines.append(self._numbers.write(each["form"], f"{cast}({number})", into))
            elif "name" in each:
                annotation, value = given[each["name"]]
                lines += self.write(annotation, each["form"], value, into, scope)
            else:
                lines += self.write(None, each["form"], "", into, scope)
        return lines

    def _write_around(self, annotation: Any, form: Form, value: str, into: str, scope: Scope) -> list[str]:
        lines: list[str] = []
        for each in form["fields"]:
            if "derived" in each:
                number = self._derived(each["derived"], form, {"": (annotation, value)})
                cast = "" if each["form"]["signed"] else "(ulong)"
                lines.append(self._numbers.write(each["form"], f"{cast}({number})", into))
            else:
                lines += self.write(annotation, each["form"], value, into, scope)
        return lines

    def _derived(self, name: str, form: Form, given: Mapping[str, tuple[Any, str]]) -> str:
        """Return the expression of a computed number: the length, or the tags, of later fields."""
        numbers: list[str] = []
        for each in form["fields"]:
            if "derived" in each or each["form"]["type"] in SILENT:
                continue
            annotation, value = given[each.get("name", "")]
            inner = each["form"]
            while inner["type"] in ("around", "optional"):
                inner = value_of(inner) if inner["type"] == "around" else inner["form"]
            if inner.get("by") == name:
                return_mask = "mask" in inner
                numbers.append(self._tag_of(annotation, inner, value))
                if not return_mask:
                    break
            for size in inner.get("sizes", ()):
                if size.get("by") == name:
                    return counted(self._length(inner, size, value), size)
        if not numbers:
            refuse(self._numbers.where, f"the number {name} is computed from a value inside another one")
        return " | ".join(numbers)

    def _length(self, form: Form, size: Form, value: str) -> str:
        match form["type"]:
            case "text":
                return f"{self._numbers.encoding(form)}.GetByteCount({value})"
            case "bytes":
                return f"{value}.Length"
            case "list" if size["in"] == "items":
                return f"{value}.Count"
            case "list":
                return f"{value}.Count * {size_of(form['item'])}"
            case "bit list" if size["in"] == "items":
                return f"{value}.Count"
        return refuse(
            self._numbers.where, "a size that stands before other values is computed from a class"
        )

    def _tag_of(self, annotation: Any, form: Form, value: str) -> str:
        tests = [*self._numbers.alternatives(annotation, form)]
        shown = f"{tests[-1][1]['tag']}"
        for test, alternative, *_ in reversed(tests[:-1]):
            shown = f"({test.format(value)} ? {alternative['tag']} : {shown})"
        return shown

    def _write_tagged(self, annotation: Any, form: Form, value: str, into: str, scope: Scope) -> list[str]:
        lines: list[str] = []
        word = "if"
        for test, each, member, cast in self._numbers.alternatives(annotation, form):
            body: list[str] = []
            if "by" not in form:
                if each["tag"] is None:
                    refuse(self._numbers.where, "a value of another type has no tag")
                body += self.write_tag(form["tag"], each["tag"], into)
            elif (told := scope.told(form)) is not None and each["tag"] is not None:
                masked = f"({told} & {form['mask']})" if "mask" in form else told
                body.append(f"{into}.CheckCount((long){masked}, {each['tag']});")
            if member is not None:
                name = scope.names.unique("value")
                kind = self._numbers.types.of(member, each["form"])
                body.append(f"{kind.shown} {name} = {cast.format(value)};")
                body += self.write(
                    member, each["form"], name, into, Scope(scope.names, request=scope.request)
                )
            lines += [f"{word} ({test.format(value)})", *body_of(body)]
            word = "else if"
        return [
            *lines,
            "else",
            f'    throw new ArgumentException({value} + " has none of the declared types");',
        ]

    def write_tag(self, form: Form, tag: Any, into: str) -> list[str]:
        """Return the statement that writes a tag."""
        number = form.get("in", form)
        if number["type"] != "int" or not isinstance(tag, int):
            refuse(self._numbers.where, "a tag is not a number")
        return [self._numbers.write(number, str(tag), into)]
