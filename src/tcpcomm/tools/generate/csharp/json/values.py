"""Values of JSON in C#: the expressions that write and read them. :class:`JsonValues`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from tcpcomm.codec.annotations import bare_type, fields_of, union_members
from tcpcomm.tools.generate.csharp.choices import Choice, Choices
from tcpcomm.tools.generate.csharp.names import Names
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, call, condition, literal, string
from tcpcomm.tools.generate.csharp.value_types import CsType, Form, Member, Record, Types, without_none

_READERS = {
    "bool": "Json.Bool",
    "float": "Json.Double",
    "text": "Json.String",
    "bytes": "Json.Bytes",
    "date": "Json.Date",
    "date and time": "Json.DateAndTime",
    "time": "Json.Time",
}
_TESTS = {
    "bool": "{0} is bool",
    "int": "{0} is long",
    "flags": "{0} is long",
    "float": "{0} is double || {0} is long",
    "list": "{0} is List<object>",
    "tuple": "{0} is List<object>",
    "record": "{0} is JsonObject",
    "ref": "{0} is JsonObject",
    "map": "{0} is JsonObject",
    "null": "{0} == null",
}
_OURS = {"text": "string", "bytes": "byte[]", "bool": "bool", "float": "double", "int": "long"}


class JsonValues:
    """
    Writes and reads the values of one declaration.

    Args:
        types: the types of the declaration.
        where: the class, for errors.
    """

    def __init__(self, types: Types, where: str) -> None:
        self._types = types
        self._where = where
        self.choices = Choices(types)
        self._names = Names()
        self._functions: dict[Any, tuple[str, list[str]]] = {}

    def lines(self) -> Iterator[str]:
        """Yield the functions for records, tuples and unions, and those of enumerations."""
        for _, lines in self._functions.values():
            if lines:
                yield ""
                yield from lines
        yield from self.choices.lines()

    # -- writing ----------------------------------------------------------------------------------------

    def write(self, annotation: Any, form: Form, value: str) -> str:
        """Return the expression of a value as :class:`Json` of C# writes it."""
        kind = self._types.of(annotation, form)
        if form["type"] == "union" and kind.is_nullable and kind.name != "object":
            inner = next(each for each in form["members"] if each["type"] != "null")
            given = f"{value}.Value" if kind.is_value else value
            written = self.write(without_none(annotation), inner, given)
            return value if written == given else f"({value} == null ? null : {_boxed(written)})"
        match form["type"]:
            case "date":
                return f"Json.WriteDate({value})"
            case "date and time":
                return f"Json.WriteDateTime({value})"
            case "time":
                return f"Json.WriteTime({value})"
            case "choice":
                choice = self._choice(kind, form)
                return value if choice is None else choice.write(value)
            case "flags":
                return f"(long){value}"
            case "list":
                item = self.write(get_args(bare_type(annotation))[0], form["item"], "each")
                return value if item == "each" else f"{value}.Select(each => {item})"
            case "map":
                item = self.write(get_args(bare_type(annotation))[1], form["item"], "each")
                return f"Json.FromMap({value}, each => {_boxed(item)})"
            case "tuple":
                kinds = zip(get_args(bare_type(annotation)), form["items"], strict=True)
                items = [self.write(a, f, f"{value}.Item{at}") for at, (a, f) in enumerate(kinds, 1)]
                return f"new object[] {{ {', '.join(items)} }}"
            case "record" | "ref":
                return f"{self._record(annotation, form, 'Write')}({value})"
            case "union":
                return f"{self._union(annotation, form, 'Write')}({value})"
        return value

    # -- reading ----------------------------------------------------------------------------------------

    def read(self, annotation: Any, form: Form, value: str) -> str:
        """Return the expression of the value in a value of JSON."""
        kind = self._types.of(annotation, form)
        if form["type"] == "union" and kind.is_nullable and kind.name != "object":
            inner = next(each for each in form["members"] if each["type"] != "null")
            read = self.read(without_none(annotation), inner, value)
            cast = f"({kind.name}?)" if kind.is_value else ""
            return f"({value} == null ? {cast}null : {read})"
        match form["type"]:
            case "int":
                return f"Json.{'Int' if kind.name == 'int' else 'Long'}({value})"
            case "any":
                return value
            case "choice":
                choice = self._choice(kind, form)
                if choice is None:
                    return f"{self._literal(kind, form)}({value})"
                reader = {"string": "Json.String", "long": "Json.Long"}[choice.wire]
                return choice.read(f"{reader}({value})")
            case "flags":
                return f"({kind.name})Json.Long({value})"
            case "list":
                item = self.read(get_args(bare_type(annotation))[0], form["item"], "each")
                function = (
                    item.removesuffix("(each)") if item.count("(") == 1 and item.endswith("(each)") else ""
                )
                return f"Json.List({value}, {function or f'each => {item}'})"
            case "map":
                item = self.read(get_args(bare_type(annotation))[1], form["item"], "each")
                return f"Json.Map({value}, each => {item})"
            case "tuple":
                return f"{self._tuple(annotation, form)}({value})"
            case "record" | "ref":
                return f"{self._record(annotation, form, 'Read')}({value})"
            case "union":
                return f"{self._union(annotation, form, 'Read')}({value})"
        if form["type"] not in _READERS:
            refuse(self._where, f"a value has the type {form['type']}")
        return f"{_READERS[form['type']]}({value})"

    def member(self, member: Member, form: Form, message: str) -> str:
        """Return the expression of a member of an object, or of its default if the member is missing."""
        value = f"{message}[{string(form['key'])}]"
        read = self.read(member.annotation, form["form"], value)
        if "default" not in form and "optional" not in form:
            return read
        default = member.default
        if default is None and form.get("default") == []:
            default = f"new {member.type.name.removeprefix('IReadOnly')}()"
        if default is None:
            return read  # a default that only Python has, so the member must be there
        if member.type.is_nullable and default == "null" and member.type.is_value:
            default = f"({member.type.name}?)null"
        return f"{message}.Has({string(form['key'])}) ? {read} : {default}"

    # -- functions --------------------------------------------------------------------------------------

    def _choice(self, kind: CsType, form: Form) -> Choice | None:
        """Return the functions of an enumeration; None for a type with values as in messages."""
        values = [each["value"] for each in form["values"]]
        if all(isinstance(each, str) for each in values):
            wire = "string"
        elif all(isinstance(each, int) and not isinstance(each, bool) for each in values):
            wire = "long"
        else:
            refuse(
                self._where,
                f"the values of {form.get('name', 'a choice')} are not all texts, or whole numbers",
            )
        if "name" not in form:
            return None
        shown = [literal(each) or "" for each in values]
        return self.choices.of(kind, values, shown, wire)

    def _literal(self, kind: CsType, form: Form) -> str:
        """Return the function that reads one of several literal values."""
        values = [literal(each["value"]) or "" for each in form["values"]]
        key = ("literal", *values)
        if key not in self._functions:
            name = self._names.unique("ReadChoice")
            reader = "Json.String" if kind.name == "string" else "Json.Long"
            known = ", ".join(each.strip('"') for each in values)
            body = [
                f"{kind.name} found = {reader}(value);",
                *condition(
                    f"Array.IndexOf(new {kind.name}[] {{ {', '.join(values)} }}, found) < 0",
                    [f"throw new FormatException(found + {string(f' is none of the values {known}')});"],
                ),
                "return found;",
            ]
            self._functions[key] = name, [f"private static {kind.name} {name}(object value)", *braced(body)]
        return self._functions[key][0]

    def _record(self, annotation: Any, form: Form, verb: str) -> str:
        cls = bare_type(annotation)
        key = (verb, cls)
        if key in self._functions:
            return self._functions[key][0]
        record = self._types.record(cls, form)
        name = self._names.unique(f"{verb}{record.name}")
        lines: list[str] = []
        self._functions[key] = name, lines
        fields = {each["name"]: each for each in form["fields"]}
        made = self._write_record if verb == "Write" else self._read_record
        lines += made(name, record, fields)
        return name

    def _write_record(self, name: str, record: Record, fields: dict[str, Form]) -> Iterator[str]:
        pairs = [
            f"{{ {string(fields[each.name]['key'])}, "
            f"{self.write(each.annotation, fields[each.name]['form'], f'value.{each.pascal}')} }}"
            for each in record.members
        ]
        yield f"private static JsonObject {name}({record.name} value)"
        yield from braced(["return new JsonObject", "{", *(f"    {each}," for each in pairs), "};"])

    def _read_record(self, name: str, record: Record, fields: dict[str, Form]) -> Iterator[str]:
        yield f"private static {record.name} {name}(object value)"
        keys = ", ".join(string(fields[each.name]["key"]) for each in record.members)
        arguments = [self.member(each, fields[each.name], "members") for each in record.members]
        yield from braced(
            [
                "JsonObject members = Json.Object(value);",
                f"members.CheckKeys({keys});",
                *call(f"return new {record.name}", arguments, ";"),
            ]
        )

    def _tuple(self, annotation: Any, form: Form) -> str:
        kind = self._types.of(annotation, form)
        key = ("tuple", kind.name)
        if key not in self._functions:
            name = self._names.unique("ReadTuple")
            lines: list[str] = []
            self._functions[key] = name, lines
            kinds = zip(get_args(bare_type(annotation)), form["items"], strict=True)
            items = [self.read(a, f, f"items[{at}]") for at, (a, f) in enumerate(kinds)]
            lines.append(f"private static {kind.name} {name}(object value)")
            lines += braced(
                [
                    f"List<object> items = Json.Items(value, {len(items)});",
                    *call(f"return new {kind.name}", items, ";"),
                ]
            )
        return self._functions[key][0]

    def _union(self, annotation: Any, form: Form, verb: str) -> str:
        key = (verb, "union", str(form))
        if key not in self._functions:
            name = self._names.unique(f"{verb}Union")
            lines: list[str] = []
            self._functions[key] = name, lines
            lines.append(f"private static object {name}(object value)")
            lines += braced(self._union_body(annotation, form, verb))
        return self._functions[key][0]

    def _union_body(self, annotation: Any, form: Form, verb: str) -> Iterator[str]:
        members = union_members(annotation)
        for each, inner in zip(members, form["members"], strict=True):
            if inner["type"] == "any":
                yield "return value;"
                return
            if inner["type"] == "null":
                yield from condition("value == null", ["return null;"])
            elif verb == "Read":
                yield from condition(self._test(inner), [f"return {self.read(each, inner, 'value')};"])
            else:
                kind = self._types.of(each, inner)
                written = self.write(each, inner, f"(({kind.name})value)")
                if kind.name in _OURS.values():
                    written = "value"
                yield from condition(f"value is {kind.name}", [f"return {written};"])
        if verb == "Write":
            yield 'throw new ArgumentException(value + " has none of the declared types");'
        else:
            yield 'throw new FormatException(Json.Write(value) + " has none of the declared types");'

    @staticmethod
    def _test(form: Form) -> str:
        if form["type"] == "choice":
            return " || ".join(f"Equals(value, {_object(each['value'])})" for each in form["values"])
        return _TESTS.get(form["type"], "{0} is string").format("value")


def _boxed(expression: str) -> str:
    return f"(object){expression}"


def _object(value: Any) -> str:
    """Return a constant as the reader of JSON has it."""
    return (
        f"{value}L" if isinstance(value, int) and not isinstance(value, bool) else literal(value) or "null"
    )


def result_fields(cls: Any) -> dict[str, Any]:
    """Return the annotations of the attributes of a class, by their names."""
    return {each.name: each.type for each in fields_of(cls)}


def constant(value: Any) -> str:
    """Return a constant as the reader of JSON has it, such as ``3L``."""
    return _object(value)
