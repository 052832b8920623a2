"""Messages of bytes in C#: :class:`BinaryMessages`, for the codec ``Binary``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tcpcomm.codec.binary.binary import Binary
from tcpcomm.tools.generate.binary_rules import good_status
from tcpcomm.tools.generate.csharp.binary.headers import Headers
from tcpcomm.tools.generate.csharp.binary.numbers import Numbers
from tcpcomm.tools.generate.csharp.binary.reading import Reading
from tcpcomm.tools.generate.csharp.binary.rules import Scope, class_fields
from tcpcomm.tools.generate.csharp.binary.writing import Writing
from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel, FaultCodes, MessageCode, Model
from tcpcomm.tools.generate.csharp.names import Names, pascal
from tcpcomm.tools.generate.csharp.ranges import range_checks
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, call, condition, string, summary
from tcpcomm.tools.generate.csharp.value_types import Form


class BinaryMessages(MessageCode):
    """Messages of the codec ``Binary``."""

    message = "byte[]"
    copied = ("Order.cs",)
    parts = ("ByteWriter.cs", "ByteReader.cs")
    id_type = "long"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._dialect = model.declaration.dialect
        self._by_id = self._dialect.by_id
        self.largest_id = getattr(self._dialect, "largest_id", self.largest_id)
        self._codec: Binary = model.declaration.kind.codec
        order = self._codec.byte_order
        self._numbers = Numbers(model.types, order, model.declaration.encoding)
        self._writing, self._reading = Writing(self._numbers), Reading(self._numbers)
        self._numbers.where = model.name
        self.values = {"DEFAULT_ORDER": order.capitalize(), "MOST_ITEMS": str(self._codec.max_items)}
        self.codes = FaultCodes(type="long", is_mixed=False)
        self._fault_layout: Mapping[str, Any] = self._dialect.fault_layout() or {}
        self.has_details = self._codec.data is not None
        self._refuse_others()
        self._heads = Headers(model, self._numbers)
        self._lines: list[str] = []
        for command in model.commands:
            self._numbers.where = command.where
            self._command(command)
        for event in model.events:
            self._numbers.where = event.where
            self._event(event)
        self._numbers.where = model.name
        self._write_faults()
        self._headers = [*self._heads.functions()]

    def _refuse_others(self) -> None:
        name, codec = self._model.name, self._codec
        if codec.wants_reply_bit:
            refuse(name, "a bit of the opcode says if a reply is wanted")
        if codec.status_last:
            refuse(name, "the status stands behind the result")
        if self._fault_layout.get("good") and good_status(self._fault_layout["good"]) is None:
            refuse(name, "a function decides which statuses are good")

    # -- requests and events ----------------------------------------------------------------------------

    def _written(self, message: CommandModel | EventModel) -> list[str]:
        """Return the statements that write the parameters into ``body``."""
        given = {each.name: (each.annotation, each.camel) for each in message.members}
        form = message.layout["request"]["body"]
        taken = [each.camel for each in message.members]
        names = Names("body", "call", "header", "session", *taken)
        return [
            "var body = new ByteWriter();",
            *self._writing.write_fields(form, given, "body", Scope(names)),
        ]

    def _command(self, command: CommandModel) -> None:
        takes = self._heads.takes("Request")
        parameters = ["Call call"] if "id" in takes or "values" in takes else []
        parameters += ["Header header"] if "values" in takes else []
        parameters += [each.parameter for each in command.members]
        self._add(*call(f"public static byte[] {command.name}Request", parameters, ""))
        header = command.layout["request"]["header"]
        opcode = self._heads.opcode(next(each["always"] for each in header if each.get("name") == "opcode"))
        arguments = {"opcode": opcode, "id": "call.Id", "status": "0", "values": "call.Sent"}
        if not command.has_reply:
            arguments["id"] = "0"
        keep = ["call.Sent = header.Copy();", "call.Learned = header;"] if "values" in takes else []
        sent = ", ".join([*(arguments[each] for each in takes), "body"])
        self._lines += braced(
            [*range_checks(command), *self._written(command), *keep, f"return Request({sent});"]
        )
        self._try_read(command, opcode)
        if command.has_reply:
            self._add(*self._reply_reader(command))
            self._add(*self._reply_writer(command))

    def _event(self, event: EventModel) -> None:
        takes = self._heads.takes("Event")
        parameters = ["HostSession session"] if self.events_differ else []
        parameters += [each.parameter for each in event.members]
        self._add(*call(f"public static byte[] {event.name}Event", parameters, ""))
        header = event.layout["request"]["header"]
        opcode = self._heads.opcode(next(each["always"] for each in header if each.get("name") == "opcode"))
        values = "session.Header.ForEvents()" if self.events_differ else "new Header()"
        arguments = {"opcode": opcode, "id": "0", "status": "0", "values": values}
        sent = ", ".join([*(arguments[each] for each in takes), "body"])
        self._lines += braced([*range_checks(event), *self._written(event), f"return Event({sent});"])
        self._try_read(event, opcode)

    @property
    def events_differ(self) -> bool:
        """True if the header of events has a value of the session."""
        return any(
            each.get("in replies") == "learned by the host" for each in self._heads.of("Event") or ()
        )

    def _add(self, *lines: str) -> None:
        self._lines += ["", *lines]

    def _try_read(self, message: CommandModel | EventModel, opcode: str) -> None:
        is_command = isinstance(message, CommandModel)
        direction = "Request" if is_command else "Event"
        takes = self._heads.takes(direction)
        outs = [f"out {each.parameter}" for each in message.members]
        asked = ["Asked asked"] if is_command else []
        self._add(
            *call(f"public static bool TryRead{message.name}", ["byte[] received", *asked, *outs], "")
        )
        body = [f"{each.camel} = default({each.type.shown});" for each in message.members]
        if isinstance(message, CommandModel):
            body += condition(f"asked.Opcode != {opcode}", ["return false;"])
            fault = self._heads.fault_opcodes.get(message.command.name)
            if fault is not None:
                body.append(f"asked.FaultOpcode = {self._heads.opcode(fault)};")
            if not message.has_reply:
                body.append("asked.WantsReply = false;")
            reader = "asked.Body"
        else:
            body += [f"{kind} {name};" for name, kind in takes.items() if name != "opcode"]
            body.append("ulong opcode;" if self._heads.is_numbered else "string opcode;")
            body.append("ByteReader reader;")
            out = ", ".join(f"out {each}" for each in takes)
            body += ["try", *braced([f"reader = OpenEvent(received, {out});"])]
            body += [
                "catch (FormatException)",
                *braced(["return false;  // it may be a reply, which has another header"]),
            ]
            body += condition(f"opcode != {opcode}", ["return false;"])
            reader = "reader"
        names = Names(
            "asked",
            "received",
            "reader",
            "opcode",
            "id",
            "status",
            "values",
            *(each.camel for each in message.members),
        )
        kinds = {each.name: each.annotation for each in message.members}
        statements, values = self._reading.read_fields(
            message.layout["request"]["body"], kinds, reader, Scope(names)
        )
        body += statements
        body += [f"{each.camel} = {values[each.name]};" for each in message.members]
        body += [f"{reader}.CheckEnd();", *range_checks(message), "return true;"]
        self._lines += braced(body)

    # -- replies ----------------------------------------------------------------------------------------

    def _needs_request(self, command: CommandModel) -> bool:
        return '"of": "request"' in str(command.layout.get("reply")).replace("'", '"')

    def _of_request(self, command: CommandModel) -> dict[str, str]:
        """Return the numbers that sizes in the reply may refer to, by the names of parameters."""
        found = {}
        for each in command.members:
            if each.type.name.startswith("IReadOnlyList"):
                found[each.name] = f"{each.camel}.Count"
            elif each.type.name in ("byte", "sbyte", "ushort", "short", "uint", "int", "ulong", "long"):
                found[each.name] = f"(long){each.camel}"
            else:
                found[each.name] = each.camel
        return found

    def _reply_opcode(self, command: CommandModel) -> str:
        header = command.layout["reply"]["header"]
        found = next((each["always"] for each in header if each.get("name") == "opcode"), None)
        return self._heads.opcode(found) if found is not None else "0" if self._heads.is_numbered else '""'

    def _reply_reader(self, command: CommandModel) -> Iterator[str]:
        kind = command.result.shown if command.has_result else "bool"
        more = [each.parameter for each in command.members] if self._needs_request(command) else []
        yield from call(f"public static {kind} Read{command.name}Reply", ["Call call", *more], "")
        if "silence" in command.layout["reply"]:
            refuse(command.where, "it succeeds by silence")
        fault = self._heads.fault_opcodes.get(command.command.name)
        fault_opcode = self._heads.opcode(fault) if fault is not None else self._reply_opcode(command)
        body = [f"ByteReader reader = OpenAnswer(call, {self._reply_opcode(command)}, {fault_opcode});"]
        form = command.layout["reply"]["body"]
        annotation = command.command.spec.result
        self._check_result(command, form)
        names = Names("call", "reader", *(each.camel for each in command.members))
        request = self._of_request(command) if more else {}
        if not command.has_result:
            statements, _ = (
                self._reading.read_fields(form, {}, "reader", Scope(names))
                if form["type"] == "record"
                else ([], {})
            )
            body += [*statements, "reader.CheckEnd();", "return true;"]
        else:
            statements, value = self._reading.read(
                annotation, form, "reader", Scope(names, request=request)
            )
            body += [*statements, f"{kind} result = {value};", "reader.CheckEnd();", "return result;"]
        yield from braced(body)

    @staticmethod
    def _check_result(command: CommandModel, form: Form) -> None:
        attributes = class_fields(command.command.spec.result)
        if form["type"] == "record" and attributes:
            known = {each["name"] for each in form["fields"] if "name" in each}
            if set(attributes) - known:
                refuse(command.where, "its result holds the status of the reply")

    def _reply_writer(self, command: CommandModel) -> Iterator[str]:
        parameters = ["Asked asked"]
        parameters += [f"{command.result.shown} result"] if command.has_result else []
        parameters += [each.parameter for each in command.members] if self._needs_request(command) else []
        yield from call(f"public static byte[][] {command.name}Reply", parameters, "")
        form = command.layout["reply"]["body"]
        names = Names("asked", "body", "result", *(each.camel for each in command.members))
        request = self._of_request(command) if self._needs_request(command) else {}
        body = ["var body = new ByteWriter();"]
        if command.has_result:
            annotation = command.command.spec.result
            body += self._writing.write(annotation, form, "result", "body", Scope(names, request=request))
        arguments = {
            "opcode": self._reply_opcode(command),
            "id": "asked.Id",
            "status": str(self._dialect.rules().get("good status", 0)),
            "values": "asked.Values",
        }
        sent = ", ".join([*(arguments[each] for each in self._heads.takes("Reply")), "body"])
        yield from braced([*body, f"return new[] {{ Reply({sent}) }};"])

    # -- faults -----------------------------------------------------------------------------------------

    def _good(self, status: str) -> str:
        rule = good_status(self._fault_layout["good"])
        assert rule is not None
        if rule.mask:
            return f"({status} & 0x{rule.mask:X}) == 0x{rule.equals:X}"
        if rule.low is not None:
            return f"{status} >= {rule.low} && {status} <= {rule.high}"
        return " || ".join(f"{status} == {each}" for each in rule.values)

    def _write_faults(self) -> None:
        reply, fault = self._heads.of("Reply"), self._fault_layout
        if reply is not None:
            self._add(
                "/// <summary>Return a reader of the reply to a command, or throw its fault.</summary>"
            )
            kind = self._heads.opcode_type
            self._lines.append(
                f"private static ByteReader OpenAnswer(Call call, {kind} expected, {kind} fault)"
            )
            self._lines += braced(self._answer_reader(fault))
        self._add("/// <summary>Return the message that answers a request with a fault.</summary>")
        self._lines.append("public static byte[] FaultReply(Asked asked, FaultException fault)")
        if not self._dialect.has_faults or not fault:
            self._lines += braced(["return null;  // the equipment has no faults, and says nothing"])
        else:
            self._lines += braced(self._fault_writer(fault))
        if self._dialect.meanings:
            self._add("private static string Meaning(long code)")
            cases = [
                line
                for code, words in self._dialect.meanings.items()
                for line in condition(f"code == {code}", [f"return {string(words)};"])
            ]
            mask = good_status(fault["good"]).mask if fault.get("good") else 0  # type: ignore[union-attr]
            rest = f'(code & 0x{mask:X}) != code ? Meaning(code & 0x{mask:X}) : ""' if mask else '""'
            self._lines += braced([*cases, f"return {rest};"])

    def _answer_reader(self, fault: Mapping[str, Any]) -> Iterator[str]:
        yield "byte[] message = call.Next();"
        takes = self._heads.takes("Reply")
        for name, kind in takes.items():
            yield f"{kind} {name};"
        outs = ", ".join(f"out {each}" for each in takes)
        has_status = "status" in takes
        if fault and self._heads.has_own_fault_header:
            fault_takes = self._heads.takes("Fault")
            for name, kind in fault_takes.items():
                if name not in takes:
                    yield f"{kind} {name};"
            fault_outs = ", ".join(f"out {each}" for each in fault_takes)
            test = f"!({self._good('status')})" if has_status else "opcode == fault"
            yield "try"
            yield from braced(
                [
                    f"ByteReader told = OpenFault(message, {fault_outs});",
                    *condition(test, [f"throw FaultIn(told{', status' if has_status else ''});"]),
                ]
            )
            yield "catch (FormatException)"
            yield from braced(["// It may be a reply, which has another header."])
        yield (
            f"ByteReader reader = OpenReply(message, {outs});"
            if takes
            else "ByteReader reader = OpenReply(message);"
        )
        for item in self._heads.of("Reply") or ():
            name = pascal(str(item.get("name")))
            if item.get("in replies") == "repeated":
                words = string(f"the reply has another {item['name']} in its header than the command")
                test = f"!Equals(values.{name}, call.Sent.{name})"
                yield from condition(test, [f"throw new FormatException({words});"])
            elif item.get("in replies"):
                yield f"call.Learned.{name} = values.{name};"
        if fault and has_status:
            yield from condition(f"!({self._good('status')})", ["throw FaultIn(reader, status);"])
        elif fault and "opcode" in takes and not self._heads.has_own_fault_header:
            yield from condition("opcode == fault", ["throw FaultIn(reader);"])
        if "opcode" in takes:
            yield from condition(
                "opcode != expected", ['throw new FormatException("the reply has the opcode " + opcode);']
            )
        yield "return reader;"
        if fault:
            yield "}"
            yield ""
            status = ", long status" if has_status else ""
            yield f"private static FaultException FaultIn(ByteReader reader{status})"
            yield "{"
            yield from self._fault_body_reader(fault, has_status)

    def _fault_kinds(self) -> dict[str, Any]:
        codec = self._codec
        code = codec.status if codec.status_last else codec.code
        return {
            "code": code,
            "reason": codec.reason,
            "data": None if codec.data is None else codec.data | None,
        }

    def _fault_body_reader(self, fault: Mapping[str, Any], has_status: bool) -> Iterator[str]:
        kinds = self._fault_kinds()
        statements, values = self._reading.read_fields(
            fault["body"], kinds, "reader", Scope(Names("reader", "status", "code", "reason"))
        )
        yield from statements
        if "data" in values:
            yield "reader.CheckEnd();"
        code = f"(long){values['code']}" if "code" in values else "status" if has_status else "0"
        yield f"long code = {code};"
        reason = values.get("reason", '""')
        if self._dialect.meanings:
            yield f"string reason = {reason};"
            reason = 'reason == "" ? Meaning(code) : reason'
        details = f", {values['data']}" if "data" in values else ""
        yield f"return new FaultException(code, {reason}{details});"

    def _fault_writer(self, fault: Mapping[str, Any]) -> Iterator[str]:
        takes = self._heads.takes("Fault")
        if fault.get("good") and "fault status" not in fault:
            yield from condition(
                self._good("fault.Code"), ['throw new ArgumentException(fault.Code + " means success");']
            )
        yield "var body = new ByteWriter();"
        for each in fault["body"]["fields"]:
            name = each.get("name")
            if name == "code":
                cast = "" if each["form"]["signed"] else "(ulong)"
                yield self._numbers.write(each["form"], f"{cast}fault.Code", "body")
            elif name == "reason":
                yield from self._writing.write(
                    self._codec.reason, each["form"], "fault.Reason", "body", Scope(Names())
                )
            elif name == "data":
                inner = each["form"]["form"] if each["form"]["type"] == "optional" else each["form"]
                kind = self._model.types.of(self._codec.data, inner)
                written = self._writing.write(
                    self._codec.data, inner, "data", "body", Scope(Names("body", "data", "fault", "asked"))
                )
                yield from condition(
                    "fault.Details != null", [f"{kind.name} data = ({kind.name})fault.Details;", *written]
                )
            else:
                yield from self._writing.write(None, each["form"], "", "body", Scope(Names()))
        status = str(fault["fault status"]) if "fault status" in fault else "fault.Code"
        arguments = {
            "opcode": "asked.FaultOpcode",
            "id": "asked.Id",
            "status": status,
            "values": "asked.Values",
        }
        sent = ", ".join([*(arguments[each] for each in takes), "body"])
        yield f"return Fault({sent});"

    # -- the class --------------------------------------------------------------------------------------

    def fields(self) -> Iterator[str]:
        yield from self._numbers.encodings.values()

    def lines(self) -> Iterator[str]:
        yield "public static byte[] Read(byte[] bytes)"
        yield from braced(["return bytes;"])
        if self._by_id:
            yield ""
            yield "/// <summary>Return the id of a reply, or null if it has none.</summary>"
            yield "public static long? IdOf(byte[] message)"
            yield from braced(self._id_reader())
        if self._heads.of("Request") is not None:
            yield ""
            yield "/// <summary>Read the header of a request.</summary>"
            yield "public static void ReadHeader(byte[] message, Asked asked)"
            takes = self._heads.takes("Request")
            body = [f"{kind} {name};" for name, kind in takes.items()]
            body.append(f"asked.Body = OpenRequest(message, {', '.join(f'out {each}' for each in takes)});")
            members = {"opcode": "Opcode", "id": "Id", "values": "Values"}
            body += [f"asked.{members[each]} = {each};" for each in takes if each in members]
            body.append(f"asked.FaultOpcode = {self._heads.unknown_fault_opcode()};")
            yield from braced(body)
        if not self._heads.is_numbered:
            yield ""
            yield "private static byte[] BytesOfHex(string digits)"
            yield from braced(
                [
                    'return digits == "" ? new byte[0] : Array.ConvertAll('
                    "digits.Split('-'), each => Convert.ToByte(each, 16));"
                ]
            )
        if self._numbers.uses_bits:
            yield ""
            yield "/// <summary>Check that a value fits into some bits.</summary>"
            yield "private static ulong Bits(ulong value, int width)"
            failure = 'throw new ArgumentException(value + " does not fit into " + width + " bits");'
            yield from braced([*condition("value >> width != 0", [failure]), "return value;"])
        yield from self._lines
        yield from self._headers
        yield from self._numbers.lines()

    def _id_reader(self) -> Iterator[str]:
        takes = self._heads.takes("Reply")
        for name, kind in takes.items():
            yield f"{kind} {name};"
        outs = ", ".join(f"out {each}" for each in takes)
        opened = [f"OpenReply(message, {outs});", "return id;"]
        if self._heads.has_own_fault_header:
            fault_takes = self._heads.takes("Fault")
            for name, kind in fault_takes.items():
                if name not in takes:
                    yield f"{kind} {name};"
            fault_outs = ", ".join(f"out {each}" for each in fault_takes)
            yield "try"
            yield from braced(opened)
            yield "catch (FormatException)"
            yield from braced([f"OpenFault(message, {fault_outs});", "return id;"])
        else:
            yield from opened

    def asked_members(self) -> Iterator[str]:
        yield f"public {self._heads.opcode_type} Opcode {{ get; set; }}"
        yield f"public {self._heads.opcode_type} FaultOpcode {{ get; set; }}"
        yield "public ByteReader Body { get; set; }"
        if self._heads.values:
            yield "public Header Values { get; set; } = new Header();"

    def classes(self) -> Iterator[str]:
        if not self._heads.values:
            return
        yield "/// <summary>The values in the headers of messages.</summary>"
        yield "public sealed class Header"
        body: list[str] = []
        for name, kind, default in self._heads.values.values():
            shown = self._model.types.constant(default, kind)
            if shown is None:
                refuse(self._model.name, f"the default of {name} in its header is no constant in C#")
            body.append(f"public {kind.shown} {name} {{ get; set; }} = {shown};")
        body += ["", "internal Header Copy()", *braced(["return (Header)MemberwiseClone();"])]
        if self.events_differ:
            learned = [
                pascal(str(each["name"]))
                for each in self._heads.of("Event") or ()
                if each.get("in replies") == "learned by the host"
            ]
            sets = ", ".join(f"{each} = {each}" for each in learned)
            body += ["", "internal Header ForEvents()", *braced([f"return new Header {{ {sets} }};"])]
        yield from braced(body)

    def client_members(self) -> Iterator[str]:
        if self._heads.values:
            yield ""
            yield "/// <summary>The values in the headers of the next commands.</summary>"
            yield "public Header Header { get; } = new Header();"

    def server_members(self) -> Iterator[str]:
        if self._heads.values:
            yield ""
            yield from summary(
                "The values in the header of the command that is carried out, and of its reply."
            )
            yield "protected static Header Header"
            yield from braced(["get { return _header; }"])
            yield ""
            yield "[ThreadStatic]"
            yield "private static Header _header;"

    def before_dispatch(self) -> Iterator[str]:
        if self._heads.of("Request") is None:
            return
        yield "Messages.ReadHeader(message, asked);"
        if self._heads.values:
            yield "_header = asked.Values;"
            if self.events_differ:
                yield "session.Header = asked.Values;"

    def request(self, command: CommandModel) -> str:
        takes = self._heads.takes("Request")
        arguments = ["call"] if "id" in takes or "values" in takes else []
        arguments += ["Header"] if "values" in takes else []
        arguments += [each.camel for each in command.members]
        return f"call => Messages.{command.name}Request({', '.join(arguments)})"

    def reply_reader(self, command: CommandModel) -> str:
        if not self._needs_request(command):
            return f"Messages.Read{command.name}Reply"
        values = ", ".join(each.camel for each in command.members)
        return f"call => Messages.Read{command.name}Reply(call, {values})"

    def reply(self, command: CommandModel, result: str) -> str:
        arguments = ["asked", *([result] if command.has_result else [])]
        arguments += [each.camel for each in command.members] if self._needs_request(command) else []
        return f"Messages.{command.name}Reply({', '.join(arguments)})"
