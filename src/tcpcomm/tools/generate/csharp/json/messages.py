"""Messages of JSON in C#: :class:`JsonMessages`, for the codecs ``Json`` and ``JsonRpc``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tcpcomm.codec.annotations import bare_type
from tcpcomm.tools.generate.csharp.encodings import is_unicode
from tcpcomm.tools.generate.csharp.json.values import JsonValues, constant, result_fields
from tcpcomm.tools.generate.csharp.model import CommandModel, EventModel, FaultCodes, MessageCode, Model
from tcpcomm.tools.generate.csharp.ranges import range_checks
from tcpcomm.tools.generate.csharp.refusal import refuse
from tcpcomm.tools.generate.csharp.source import braced, call, condition, string
from tcpcomm.tools.generate.csharp.value_types import Form

Members = Sequence[Form]


class JsonMessages(MessageCode):
    """Messages of the codecs ``Json`` and ``JsonRpc``."""

    message = "JsonObject"
    parts = ("Json.cs",)
    copied = ("JsonObject.cs",)
    has_details = True

    def __init__(self, model: Model) -> None:
        self._model = model
        self._dialect = model.declaration.dialect
        self._by_id = self._dialect.by_id
        self._rules = self._dialect.rules()
        self._is_rpc = "by_position" in self._rules
        self._values = JsonValues(model.types, model.name)
        self._lines: list[str] = []
        self._faults: Mapping[str, Any] = self._dialect.fault_layout() or {"members": []}
        fault_members = self._faults["members"]
        self._container = next((each for each in fault_members if each.get("is") == "fault"), None)
        self._fault_parts = fault_members if self._container is None else self._container["members"]
        self._id_key = next((each["key"] for each in fault_members if each.get("is") == "id"), None)
        self._echo_key = next((each["key"] for each in fault_members if each.get("is") == "command"), None)
        self._success: Members = self._faults.get("success", [])
        is_mixed = not self._is_rpc
        self.codes = FaultCodes(type="object" if is_mixed else "long", is_mixed=is_mixed)
        escapes = self._rules["ascii"] or not is_unicode(model.declaration.encoding)
        self.values = {"MUST_ESCAPE": "each < ' ' || each > '~'" if escapes else "each < ' '"}
        self._refuse_others()
        for command in model.commands:
            self._command(command)
        for event in model.events:
            self._event(event)
        self._write_faults()

    def _refuse_others(self) -> None:
        if any(each.get("and more") for each in (*self._success, *self._faults["members"])):
            refuse(self._model.name, "a function decides which replies are good")
        for each in self._model.commands:
            word = self._word(each)
            if self._echo_key is not None and not isinstance(word, str):
                refuse(each.where, "replies repeat the word of the command, and it is not a text")

    def _add(self, *lines: str) -> None:
        self._lines += ["", *lines]

    @staticmethod
    def _word(command: CommandModel) -> Any:
        constants = [each["always"] for each in command.layout["request"]["members"] if "always" in each]
        return constants[-1] if constants else ""

    # -- requests and events ----------------------------------------------------------------------------

    def _command(self, command: CommandModel) -> None:
        members = command.layout["request"]["members"]
        has_id = any(each.get("is") == "id" for each in members)
        parameters = [*(["Call call"] if has_id else []), *(each.parameter for each in command.members)]
        self._add(*call(f"public static byte[] {command.name}Request", parameters, ""))
        self._lines += braced([*range_checks(command), *self._write(members, command, "call.Id")])
        self._try_read(command)
        if command.has_reply:
            self._add(*self._reply_reader(command))
            self._add(*self._reply_writer(command))

    def _event(self, event: EventModel) -> None:
        members = event.layout["request"]["members"]
        self._add(
            *call(f"public static byte[] {event.name}Event", [each.parameter for each in event.members], "")
        )
        self._lines += braced([*range_checks(event), *self._write(members, event, "")])
        self._try_read(event)

    def _write(self, members: Members, message: CommandModel | EventModel, id: str) -> Iterator[str]:
        """Yield the statements that return the bytes of a request or an event."""
        yield "return Write(new JsonObject"
        yield "{"
        for each in members:
            if "always" in each:
                yield f"    {{ {string(each['key'])}, {constant(each['always'])} }},"
            elif each.get("is") == "id":
                yield f"    {{ {string(each['key'])}, {id} }},"
            elif each.get("is") == "parameters":
                values = [self._pair(message, inner) for inner in each["members"]]
                if self._rules.get("by_position"):
                    shown = ", ".join(value for _, value in values)
                    yield f"    {{ {string(each['key'])}, new object[] {{ {shown} }} }},"
                else:
                    shown = ", ".join(f"{{ {string(key)}, {value} }}" for key, value in values)
                    yield f"    {{ {string(each['key'])}, new JsonObject {{ {shown} }} }},"
            else:
                key, value = self._pair(message, each)
                yield f"    {{ {string(key)}, {value} }},"
        yield "});"

    def _pair(self, message: CommandModel | EventModel, form: Form) -> tuple[str, str]:
        member = next(each for each in message.members if each.name == form["name"])
        return form["key"], self._values.write(member.annotation, form["form"], member.camel)

    def _try_read(self, message: CommandModel | EventModel) -> None:
        is_command = isinstance(message, CommandModel)
        members = message.layout["request"]["members"]
        outs = [f"out {each.parameter}" for each in message.members]
        asked = ["Asked asked"] if is_command else []
        self._add(
            *call(f"public static bool TryRead{message.name}", ["JsonObject message", *asked, *outs], "")
        )
        body = [f"{each.camel} = default({each.type.shown});" for each in message.members]
        words = [each for each in members if "always" in each]
        tests = [f"!message.Is({string(each['key'])}, {constant(each['always'])})" for each in words]
        if tests:
            body += condition(" || ".join(tests), ["return false;"])
        if isinstance(message, CommandModel):
            if isinstance(self._word(message), str):
                body.append(f"asked.Command = {string(self._word(message))};")
            if not message.has_reply:
                body.append("asked.WantsReply = false;")
        named = [each for each in members if "name" in each]
        container = next((each for each in members if each.get("is") == "parameters"), None)
        source = "message"
        known = [each["key"] for each in members]
        if self._is_rpc:
            known += [key for key in ("params", "id") if key not in known]
        elif self._id_key is not None and self._id_key not in known:
            known.append(self._id_key)
        known += self._rules.get("ignored keys", ())
        is_lenient = self._rules.get("ignore_unknown") and not is_command
        if not is_lenient:
            body.append(f"message.CheckKeys({', '.join(map(string, known))});")
        if container is not None:
            named = container["members"]
            source = "members"
            keys = ", ".join(string(each["key"]) for each in named)
            key = string(container["key"])
            given = f"message.Has({key}) ? message[{key}] : new JsonObject()"
            body.append(f"JsonObject members = Named({given}, {keys});")
            self._named_is_used = True
        for form in named:
            member = next(each for each in message.members if each.name == form["name"])
            body.append(f"{member.camel} = {self._values.member(member, form, source)};")
        body += range_checks(message)
        self._lines += braced([*body, "return true;"])

    _named_is_used = False

    # -- replies ----------------------------------------------------------------------------------------

    def _reply_reader(self, command: CommandModel) -> Iterator[str]:
        kind = command.result.shown if command.has_result else "bool"
        reply = command.layout["reply"]
        yield f"public static {kind} Read{command.name}Reply(Call call)"
        if "silence" in reply:
            yield from braced(
                [
                    "JsonObject message = call.NextOrNull();",
                    *condition("message == null", ["return true;"]),
                    "ThrowIfFault(message);",
                    'throw new FormatException(Json.Write(message) + " came");',
                ]
            )
            return
        yield from braced(self._read_reply(command, reply["members"]))

    def _read_reply(self, command: CommandModel, members: Members) -> Iterator[str]:
        yield "JsonObject message = call.Next();"
        yield "ThrowIfFault(message);"
        for each in members:
            if "always" in each:
                yield from self._check_constant(each)
        if not self._rules.get("ignore_unknown"):
            known = [each["key"] for each in members]
            if self._container is not None and self._container["key"] not in known:
                known.append(self._container["key"])
            known += [each for each in self._rules.get("ignored keys", ()) if each not in known]
            if self._id_key is not None and self._id_key not in known:
                known.append(self._id_key)
            yield f"message.CheckKeys({', '.join(map(string, known))});"
        whole = next((each for each in members if each.get("is") == "result"), None)
        annotation = command.command.spec.result
        if whole is not None:
            value = f"message[{string(whole['key'])}]"
            if whole["form"]["type"] == "null":
                yield f"Json.Null({value});"
                yield "return true;"
            else:
                yield f"return {self._values.read(annotation, whole['form'], value)};"
            return
        if not command.has_result:
            yield "return true;"
            return
        forms = {each["name"]: each for each in members if "name" in each}
        record = self._model.types.record(bare_type(annotation), {"fields": [*forms.values()]})
        arguments = [self._values.member(each, forms[each.name], "message") for each in record.members]
        yield from call(f"return new {record.name}", arguments, ";")

    @staticmethod
    def _check_constant(form: Form) -> Iterator[str]:
        key = string(form["key"])
        if form.get("or"):
            test = _is_one_of(f"message[{key}]", form["or"])
        else:
            test = f"message.Is({key}, {constant(form['always'])})"
        absent = f"message.Has({key}) && " if form.get("optional") else ""
        words = string(f"the reply has another {form['key']} than it must have")
        yield from condition(
            f"{absent}!({test})" if form.get("or") else f"{absent}!{test}",
            [f"throw new FormatException({words});"],
        )

    def _reply_writer(self, command: CommandModel) -> Iterator[str]:
        reply = command.layout["reply"]
        parameters = [*(["Asked asked"] if self._by_id else [])]
        parameters += [f"{command.result.shown} result"] if command.has_result else []
        yield f"public static byte[][] {command.name}Reply({', '.join(parameters)})"
        if "silence" in reply:
            yield from braced(["return new byte[0][];"])
            return
        annotation = command.command.spec.result
        body = ["var message = new JsonObject();"]
        for each in reply["members"]:
            key = string(each["key"])
            if "always" in each:
                body.append(f"message.Add({key}, {constant(each['always'])});")
            elif each.get("is") == "id":
                body += self._add_id(key)
            elif each.get("is") == "result":
                value = (
                    "null"
                    if each["form"]["type"] == "null"
                    else self._values.write(annotation, each["form"], "result")
                )
                body.append(f"message.Add({key}, {value});")
            else:
                attributes = result_fields(bare_type(annotation))
                record = self._model.types.record(
                    bare_type(annotation), {"fields": [it for it in reply["members"] if "name" in it]}
                )
                member = next(it for it in record.members if it.name == each["name"])
                value = self._values.write(
                    attributes[each["name"]], each["form"], f"result.{member.pascal}"
                )
                body.append(f"message.Add({key}, {value});")
        yield from braced([*body, "return new[] { Write(message) };"])

    def _add_id(self, key: str) -> Iterator[str]:
        added = f"message.Add({key}, asked.Id);"
        if self._is_rpc:
            yield added
        else:
            yield from condition("asked.Id != null", [added])

    # -- faults -----------------------------------------------------------------------------------------

    def _write_faults(self) -> None:
        self._add("/// <summary>Return the message that answers a request with a fault.</summary>")
        self._lines += ["public static byte[] FaultReply(Asked asked, FaultException fault)"]
        if not self._dialect.has_faults:
            self._lines += braced(["return null;  // the equipment has no faults, and says nothing"])
        else:
            self._lines += braced(self._fault_writer())
        self._add("/// <summary>Throw the fault in a reply, if it is one.</summary>")
        self._lines += ["private static void ThrowIfFault(JsonObject message)"]
        self._lines += braced(self._fault_reader())
        if self._dialect.meanings:
            self._add(f"private static string Meaning({self.codes.type} code)")
            cases = [
                line
                for code, words in self._dialect.meanings.items()
                for line in condition(f"Equals(code, {constant(code)})", [f"return {string(words)};"])
            ]
            self._lines += braced([*cases, 'return "";'])

    def _fault_writer(self) -> Iterator[str]:
        yield "var message = new JsonObject();"
        for each in self._faults["members"]:
            if each.get("is") == "id":
                yield from self._add_id(string(each["key"]))
            elif each.get("is") == "command":
                yield from condition(
                    "asked.Command != null", [f"message.Add({string(each['key'])}, asked.Command);"]
                )
            elif "always" in each:
                yield f"message.Add({string(each['key'])}, {constant(each['always'])});"
            elif each.get("is") == "fault":
                yield "var parts = new JsonObject();"
                yield from self._fault_parts_writer(each["members"], "parts")
                yield f"message.Add({string(each['key'])}, parts);"
            else:
                yield from self._fault_parts_writer([each], "message")
        yield "return Write(message);"

    @staticmethod
    def _fault_parts_writer(parts: Members, into: str) -> Iterator[str]:
        for each in parts:
            key = string(each["key"])
            if each.get("is") == "code":
                yield f"{into}.Add({key}, fault.Code);"
            elif each.get("is") == "reason":
                yield f"{into}.Add({key}, fault.Reason);"
            elif each.get("is") == "data":
                yield from condition("fault.Details != null", [f"{into}.Add({key}, fault.Details);"])

    def _fault_reader(self) -> Iterator[str]:
        parts = "message"
        if self._container is not None:
            key = string(self._container["key"])
            yield from condition(f"!message.Has({key}) || message[{key}] == null", ["return;"])
            yield f"JsonObject parts = Json.Object(message[{key}]);"
            parts = "parts"
        elif self._success:
            good = " && ".join(map(self._is_good, self._success))
            yield from condition(good, ["return;"])
        else:
            code = next(each for each in self._fault_parts if each.get("is") == "code")
            failing = [
                f"!message.Is({string(each['key'])}, {constant(each['always'])})"
                for each in self._faults["members"]
                if "always" in each and each["key"] != "jsonrpc"
            ]
            test = " || ".join([f"!message.Has({string(code['key'])})", *failing])
            yield from condition(test, ["return;"])
        known = {each.get("is"): string(each["key"]) for each in self._fault_parts}
        code_value = f"{parts}[{known['code']}]"
        code_value = f"Json.Long({code_value})" if not self.codes.is_mixed else code_value
        yield f"{self.codes.type} code = {code_value};"
        if self.codes.is_mixed:
            yield from condition(
                "!(code is long) && !(code is string)",
                ['throw new FormatException("the code of a fault is " + Json.Write(code));'],
            )
        reason = '""'
        if "reason" in known:
            has = f"{parts}.Has({known['reason']}) && {parts}[{known['reason']}] != null"
            reason = f'{has} ? Json.String({parts}[{known["reason"]}]) : ""'
        yield f"string reason = {reason};"
        if self._dialect.meanings:
            yield from condition('reason == ""', ["reason = Meaning(code);"])
        details = "null"
        if "data" in known:
            details = f"{parts}.Has({known['data']}) ? {parts}[{known['data']}] : null"
        yield f"throw new FaultException(code, reason, {details});"

    @staticmethod
    def _is_good(form: Form) -> str:
        key = string(form["key"])
        test = f"message.Is({key}, {constant(form['always'])})"
        if form.get("or"):
            test = f"message.Has({key}) && {_is_one_of(f'message[{key}]', form['or'])}"
        return (
            f"(!message.Has({key}) || {test})"
            if form.get("optional")
            else f"({test})"
            if "&&" in test
            else test
        )

    # -- the class --------------------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        yield '/// <exception cref="FormatException">The bytes are not a JSON object.</exception>'
        yield "public static JsonObject Read(byte[] bytes)"
        yield from braced(["return Json.Object(JsonReader.Parse(TextOf(bytes)));"])
        yield ""
        yield "private static byte[] Write(JsonObject message)"
        yield from braced(["return BytesOf(Json.Write(message));"])
        if self._by_id:
            yield ""
            yield "/// <summary>Return the id of a reply, or null if it has none.</summary>"
            yield "public static long? IdOf(JsonObject message)"
            key = string(self._id_key or "id")
            yield from braced([f"return message.Has({key}) ? message[{key}] as long? : null;"])
        if self._named_is_used:
            yield ""
            yield "/// <summary>Return the parameters by their keys. They may come as a list.</summary>"
            yield "private static JsonObject Named(object parameters, params string[] keys)"
            yield from braced(
                [
                    "var named = parameters as JsonObject;",
                    *condition(
                        "named == null",
                        [
                            "named = new JsonObject();",
                            "List<object> items = Json.Items(parameters, keys.Length);",
                            "for (int i = 0; i < keys.Length; i++)",
                            "    named.Add(keys[i], items[i]);",
                        ],
                    ),
                    "named.CheckKeys(keys);",
                    "return named;",
                ]
            )
        yield from self._lines
        yield from self._values.lines()

    def request(self, command: CommandModel) -> str:
        has_id = any(each.get("is") == "id" for each in command.layout["request"]["members"])
        arguments = [*(["call"] if has_id else []), *(each.camel for each in command.members)]
        return f"call => Messages.{command.name}Request({', '.join(arguments)})"

    def reply_reader(self, command: CommandModel) -> str:
        return f"Messages.Read{command.name}Reply"

    def reply(self, command: CommandModel, result: str) -> str:
        arguments = [*(["asked"] if self._by_id else []), *([result] if command.has_result else [])]
        return f"Messages.{command.name}Reply({', '.join(arguments)})"

    def before_dispatch(self) -> Iterator[str]:
        if self._by_id:
            key = string(self._id_key or "id")
            yield f"asked.Id = message.Has({key}) ? message[{key}] : null;"
            if self._is_rpc:
                yield f"asked.WantsReply = message.Has({key});"


def _is_one_of(value: str, known: Sequence[Any]) -> str:
    """Return the condition that a value is one of several, or in one of several ranges."""
    if known and isinstance(known[0], (list, tuple)):
        tests = [
            f"{value} is long && (long){value} >= {low} && (long){value} <= {high}"
            if low != high
            else f"Equals({value}, {low}L)"
            for low, high in known
        ]
        return " || ".join(tests) if len(tests) > 1 else tests[0]
    return " || ".join(f"Equals({value}, {constant(each)})" for each in known)
