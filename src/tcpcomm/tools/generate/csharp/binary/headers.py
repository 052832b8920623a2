"""Headers of binary messages in C#: :class:`Headers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tcpcomm.codec.binary.binary import Binary
from tcpcomm.tools.generate.binary_rules import fault_opcodes, size_of
from tcpcomm.tools.generate.csharp.binary.numbers import Numbers
from tcpcomm.tools.generate.csharp.binary.reading import Reading
from tcpcomm.tools.generate.csharp.binary.rules import Scope
from tcpcomm.tools.generate.csharp.binary.writing import Writing
from tcpcomm.tools.generate.csharp.model import Model
from tcpcomm.tools.generate.csharp.names import Names, pascal
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, call, string
from tcpcomm.tools.generate.csharp.value_types import Form

Header = Sequence[Form]


class Headers:
    """
    The headers of requests, replies, faults and events.

    Args:
        model: the declaration.
        numbers: writes and reads numbers.

    Raises:
        ConfigurationError: a header needs a function of Python.
    """

    def __init__(self, model: Model, numbers: Numbers) -> None:
        self._model = model
        self._numbers = numbers
        self._writing, self._reading = Writing(numbers), Reading(numbers)
        self._dialect = model.declaration.dialect
        self._codec: Binary = model.declaration.kind.codec
        self._fault_layout: Mapping[str, Any] = self._dialect.fault_layout() or {}
        self.values = {
            name: (pascal(name), model.types.of(each.type, self._form_of_value(name)), each.default)
            for name, each in self._dialect.header_values.items()
        }
        """For each value in headers: its name in C#, its type, and its default."""
        self._refuse_others()
        self.fault_opcodes = fault_opcodes(model.declaration)
        """The bytes of the opcodes of faults in hex, by the names of the commands."""

    def _refuse_others(self) -> None:
        name = self._model.name
        for header in self.all():
            for item in header:
                if item["form"]["type"] == "wish":
                    refuse(name, "its header says if a reply is wanted")
                if "of" in item:
                    refuse(
                        name, f"the field {item['name']} of its header is computed by a function of Python"
                    )
        if (
            len({str(_without_opcode(each.layout["request"]["header"])) for each in self._model.commands})
            > 1
        ):
            refuse(name, "its commands have different headers")

    def of(self, direction: str) -> Header | None:
        """Return the header of requests, replies, faults or events, or None if there is none."""
        layouts = self._model.commands
        if direction == "Request":
            return layouts[0].layout["request"]["header"] if layouts else None
        if direction == "Reply":
            return next(
                (
                    each.layout["reply"]["header"]
                    for each in layouts
                    if "header" in each.layout.get("reply", ())
                ),
                None,
            )
        if direction == "Fault":
            return self._fault_layout.get("header")
        events = self._model.events
        return events[0].layout["request"]["header"] if events else None

    def functions(self) -> Iterator[str]:
        for direction in ("Request", "Reply", "Fault", "Event"):
            header = self.of(direction)
            if header is not None:
                yield ""
                yield from self._header_writer(direction, header)
                if direction != "Fault" or self.has_own_fault_header:
                    yield ""
                    yield from self._header_reader(direction, header)

    @property
    def has_own_fault_header(self) -> bool:
        """True if faults have another header than replies."""
        reply, fault = self.of("Reply"), self.of("Fault")
        if reply is None or fault is None:
            return False
        return _without_opcode(reply) != _without_opcode(fault)

    def takes(self, direction: str) -> dict[str, str]:
        """Return the parameters of the writer of a header, with their types."""
        header = self.of(direction) or ()
        found = {"opcode": self.opcode_type}
        names = {each.get("name") for each in header}
        if "id" in names:
            found["id"] = "long"
        if "status" in names:
            found["status"] = "long"
        if any("in replies" in each for each in header):
            found["values"] = "Header"
        return {name: kind for name, kind in found.items() if name != "opcode" or "opcode" in names}

    @property
    def _opcode_form(self) -> Form | None:
        header = self.of("Request") or self.of("Event") or ()
        return next((each["form"] for each in header if each.get("name") == "opcode"), None)

    @property
    def is_numbered(self) -> bool:
        form = self._opcode_form
        return form is not None and form["type"] == "int" and form.get("order") != "hex"

    @property
    def opcode_type(self) -> str:
        return "ulong" if self.is_numbered else "string"

    def opcode(self, item_bytes: str) -> str:
        """Return the literal of an opcode from its bytes in hex."""
        content = bytes.fromhex(item_bytes)
        form = self._opcode_form
        if self.is_numbered and form is not None:
            order = form.get("order", self._codec.byte_order)
            return f"0x{int.from_bytes(content, 'little' if order == 'little' else 'big'):02X}"
        return string("-".join(f"{each:02X}" for each in content))

    def _header_writer(self, direction: str, header: Header) -> Iterator[str]:
        takes = self.takes(direction)
        parameters = [f"{kind} {name}" for name, kind in takes.items()]
        yield from call(f"private static byte[] {direction}", [*parameters, "ByteWriter body"], "")
        body = ["var writer = new ByteWriter();", "byte[] content = body.ToArray();"]
        after = sum(map(size_of, header))
        for item in header:
            after -= size_of(item)
            form, name = item["form"], item.get("name")
            if name == "length":
                more = after + item["adjust"]
                shown = f" + {more}" if more > 0 else f" - {-more}" if more < 0 else ""
                body.append(self._numbers.write(form, f"(ulong)(content.Length{shown})", "writer"))
            elif name == "opcode":
                if self.is_numbered:
                    body.append(self._numbers.write(form, "opcode", "writer"))
                else:
                    body.append("writer.Bytes(BytesOfHex(opcode));")
            elif name in ("id", "status"):
                cast = "" if form["signed"] else "(ulong)"
                body.append(self._numbers.write(form, f"{cast}{name}", "writer"))
            elif "in replies" in item:
                value = f"values.{pascal(str(name))}"
                annotation = self._dialect.header_values[str(name)].type
                body += self._writing.write(annotation, form, value, "writer", Scope(Names()))
            else:
                body += self._writing.write(None, form, "", "writer", Scope(Names()))
        yield from braced([*body, "writer.Bytes(content);", "return writer.ToArray();"])

    def _header_reader(self, direction: str, header: Header) -> Iterator[str]:
        """Yield a function that reads a header, and leaves its reader behind the header."""
        takes = self.takes(direction)
        outs = [f"out {kind} {name}" for name, kind in takes.items()]
        yield from call(f"private static ByteReader Open{direction}", ["byte[] message", *outs], "")
        body = ["var reader = new ByteReader(message);"]
        if "values" in takes:
            body.append("values = new Header();")
        lengths = 0
        for item in header:
            form, name = item["form"], item.get("name")
            if name == "length":
                lengths += 1
                number = self._numbers.read(form, "reader")
                body.append(f"reader.CheckLength({number}, {item['adjust']});")
            elif name == "opcode":
                read = (
                    self._numbers.read(form, "reader")
                    if self.is_numbered
                    else (f"BitConverter.ToString(reader.Bytes({size_of(item)}))")
                )
                body.append(f"opcode = {read};")
            elif name in ("id", "status"):
                body.append(f"{name} = (long){self._numbers.read(form, 'reader')};")
            elif "in replies" in item:
                annotation = self._dialect.header_values[str(name)].type
                statements, value = self._reading.read(annotation, form, "reader", Scope(Names()))
                body += [*statements, f"values.{pascal(str(name))} = {value};"]
            else:
                statements, _ = self._reading.read(None, form, "reader", Scope(Names()))
                body += statements
        yield from braced([*body, "return reader;"])

    def all(self) -> Iterator[Header]:
        """Yield the headers of all messages."""
        layouts = [each.layout for each in self._model.commands]
        layouts += [each.layout for each in self._model.events]
        for layout in layouts:
            yield layout["request"]["header"]
            if "header" in layout.get("reply", ()):
                yield layout["reply"]["header"]
        if self._fault_layout:
            yield self._fault_layout["header"]

    def _form_of_value(self, name: str) -> Form:
        """Return the form of a value in headers."""
        items = (item for header in self.all() for item in header)
        return next(item["form"] for item in items if item.get("name") == name)

    def unknown_fault_opcode(self) -> str:
        """Return the expression of the opcode of a fault that answers an unknown opcode."""
        codec = self._codec
        if codec.status is not None:
            return f"opcode | 0x{codec.reply_bit:X}" if codec.reply_bit else "opcode"
        if codec.fault_opcode is not None and not callable(codec.fault_opcode):
            found = next(iter(self.fault_opcodes.values()), None)
            return self.opcode(found) if found else "opcode"
        bit = self._fault_layout.get("bit", 0)
        return f"opcode | 0x{bit:X}" if bit and self.is_numbered else "opcode"


def _without_opcode(header: Header) -> list[dict[str, Any]]:
    """Return a header without the bytes of its opcode."""
    return [{key: value for key, value in each.items() if key != "always"} for each in header]
