"""Numbers of binary messages in C#, and what all values share: :class:`Numbers`."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from enum import Enum
from typing import Any

from tcpcomm.codec.annotations import bare_type, union_members
from tcpcomm.tools.generate.csharp.binary.rules import is_kind
from tcpcomm.tools.generate.csharp.choices import Choices
from tcpcomm.tools.generate.csharp.encodings import encoding_expression
from tcpcomm.tools.generate.csharp.names import Names
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, call
from tcpcomm.tools.generate.csharp.value_types import Form, Types


class Numbers:
    """
    Writes and reads numbers, and keeps what the values of one declaration share.

    Args:
        types: the types of the declaration.
        order: the usual byte order.
        charset: the encoding that the class ``Messages`` has.

    Attributes:
        where: the command or event that is compiled, for errors.
        choices: the functions for enumerations.
        encodings: the fields with further encodings, by their names.
        functions: the functions for classes.
        names: the names of these functions.
        uses_bits: True if a function checks the bits of a value.
    """

    def __init__(self, types: Types, order: str, charset: str) -> None:
        self.types = types
        self._order = order
        self._charset = codecs.lookup(charset).name
        self.choices = Choices(types)
        self.encodings: dict[str, str] = {}
        self.names = Names()
        self.functions: dict[Any, tuple[str, list[str]]] = {}
        self.where = ""
        self.uses_bits = False

    def lines(self) -> Iterator[str]:
        """Yield the functions for records and bits, and those of enumerations."""
        for _, lines in self.functions.values():
            yield ""
            yield from lines
        yield from self.choices.lines()

    def _in_order(self, form: Form) -> str:
        order = form.get("order", self._order)
        if order == self._order or (form.get("bytes") == 1 and "order" not in form and order != "hex"):
            return ""
        return f", Order.{order.capitalize()}"

    def write(self, form: Form, value: str, into: str) -> str:
        """Return the statement that writes a number: a ulong, or a long if it is signed."""
        if form["type"] == "float":
            order = self._in_order(form)
            return f"{into}.{'Single' if form['bytes'] == 4 else 'Double'}({value}{order});"
        if form["type"] != "int" or "bytes" not in form:
            refuse(self.where, f"a number has the form {form['type']}")
        verb = "I" if form["signed"] else "U"
        return f"{into}.{verb}({value}, {form['bytes']}{self._in_order(form)});"

    def read(self, form: Form, source: str) -> str:
        """Return the expression that reads a number, of type ulong, or long if it is signed."""
        if form["type"] == "float":
            order = self._in_order(form).removeprefix(", ")
            return f"{source}.{'Single' if form['bytes'] == 4 else 'Double'}({order})"
        if form["type"] != "int" or "bytes" not in form:
            refuse(self.where, f"a number has the form {form['type']}")
        return f"{source}.{'I' if form['signed'] else 'U'}({form['bytes']}{self._in_order(form)})"

    def as_number(self, annotation: Any, form: Form, value: str) -> str:
        """Return a value as a number of type ulong, or long if the number is signed."""
        kind = self.types.of(annotation, form)
        signed = form.get("in", form).get("signed", False)
        match form["type"]:
            case "bool":
                return f"({value} ? 1{'' if signed else 'UL'} : 0{'' if signed else 'UL'})"
            case "choice":
                values = self._choice_values(annotation, form)
                wires = [f"{each['number']}L" for each in form["values"]]
                written = self.choices.of(kind, values, wires, "long").write(value)
                return written if signed else f"(ulong){written}"
            case "flags":
                return f"({'long' if signed else 'ulong'}){value}"
            case "bits":
                return f"{self._bits(annotation, form, 'Write')}({value})"
        return value if kind.name in ("byte", "ushort", "uint", "ulong") or signed else f"(ulong){value}"

    def of_number(self, annotation: Any, form: Form, number: str, source: str) -> str:
        """Return the value that a number of type ulong, or long, stands for."""
        kind = self.types.of(annotation, form)
        signed = form.get("in", form).get("signed", False)
        match form["type"]:
            case "bool":
                return f"{source}.Bool({'(ulong)' if signed else ''}{number})"
            case "choice":
                values = self._choice_values(annotation, form)
                wires = [f"{each['number']}L" for each in form["values"]]
                return self.choices.of(kind, values, wires, "long").read(f"(long){number}")
            case "flags":
                return f"({kind.name}){number}"
            case "bits":
                return f"{self._bits(annotation, form, 'Read')}({number})"
        usual = "long" if signed else "ulong"
        return number if kind.name == usual else f"({kind.name}){number}"

    @staticmethod
    def _choice_values(annotation: Any, form: Form) -> list[Any]:
        kind = bare_type(annotation)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return [kind[each["name"]].value for each in form["values"]]
        return [each["number"] for each in form["values"]]

    def _bits(self, annotation: Any, form: Form, verb: str) -> str:
        """Return the function between a class and a number of bits."""
        record = self.types.record(bare_type(annotation), form)
        key = (verb, "bits", record.name, str(form))
        if key in self.functions:
            return self.functions[key][0]
        name = self.names.unique(f"{verb}{record.name}Bits")
        lines: list[str] = []
        self.functions[key] = name, lines
        room = 8 * form["in"]["bytes"]
        place = 0
        parts = []
        members = {each.name: each for each in record.members}
        for each in form["fields"]:
            member, inner = members[each["name"]], each["form"]
            width = (inner if inner["type"] == "int" else inner["in"])["bits"]
            shift = place if form["first"] == "lowest" else room - place - width
            place += width
            parts.append((member, inner, width, shift))
        if verb == "Write":
            lines.append(f"private static ulong {name}({record.name} value)")
            body = ["ulong bits = 0;"]
            for member, inner, width, shift in parts:
                number = self.as_number(member.annotation, inner, f"value.{member.pascal}")
                body.append(f"bits |= Bits({number}, {width}) << {shift};")
            lines += braced([*body, "return bits;"])
            self.uses_bits = True
        else:
            lines.append(f"private static {record.name} {name}(ulong bits)")
            values = {}
            for member, inner, width, shift in parts:
                number = f"(bits >> {shift} & {(1 << width) - 1})"
                if inner["type"] == "bool":
                    values[member.name] = f"{number} == 1"
                else:
                    values[member.name] = self.of_number(member.annotation, inner, number, "")
            arguments = [values[each.name] for each in record.members]
            lines += braced(call(f"return new {record.name}", arguments, ";"))
        return name

    def encoding(self, form: Form) -> str:
        name = codecs.lookup(form["encoding"]).name
        if name == self._charset:
            return "Encoding"
        if name not in self.encodings:
            expression = encoding_expression(name, self.where)
            shown = "".join(each for each in name.title() if each.isalnum())
            self.encodings[name] = f"private static readonly Encoding {shown} = {expression};"
        return self.encodings[name].split()[4]

    def alternatives(self, annotation: Any, form: Form) -> Iterator[tuple[str, Form, Any, str]]:
        """Yield the condition, the alternative, the annotation, and the cast of each type of a union."""
        if "size_bits" in form:
            refuse(self.where, "a tag tells how many bytes a length has")
        several = [*form["alternatives"], *([{**form["other"], "tag": None}] if "other" in form else [])]
        kinds = [each["kind"] for each in several]
        declared = self.types.of(annotation, form)
        members = union_members(annotation) or (annotation,)
        for each in several:
            kind, inner = each["kind"], each["form"]
            if kind == "None":
                yield "{0} == null", each, None, ""
                continue
            if kinds.count(kind) > 1:
                refuse(self.where, f"several tags stand for the type {kind}")
            member = next((it for it in members if is_kind(it, kind)), None)
            if member is None:
                refuse(self.where, f"a tag stands for the type {kind}")
            if declared.name != "object":
                yield "{0} != null", each, member, "{0}.Value" if declared.is_value else "{0}"
                continue
            test, cast = self._boxed(member, inner, kind)
            yield test, each, member, cast

    def _boxed(self, member: Any, form: Form, kind: str) -> tuple[str, str]:
        """Return the condition and the cast of a value in an object."""
        known = self.types.of(member, form).name
        if kind == "int":
            return (
                "({0} is int || {0} is long)",
                f"({known})Convert.ToInt64({{0}}, CultureInfo.InvariantCulture)",
            )
        if kind == "float":
            return (
                "({0} is float || {0} is double)",
                f"({known})Convert.ToDouble({{0}}, CultureInfo.InvariantCulture)",
            )
        return f"{{0}} is {known}", f"({known}){{0}}"
