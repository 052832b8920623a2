"""All messages of one declaration, for the Lua code: :func:`party_of`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from tcpcomm.codec import Scpi
from tcpcomm.codec.base import Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.tools.generate.binary_rules import fault_opcodes, good_status
from tcpcomm.tools.generate.wireshark.binary_parts import BinaryParts
from tcpcomm.tools.generate.wireshark.fields import Fields, path_part
from tcpcomm.tools.generate.wireshark.framings import framing_rule
from tcpcomm.tools.generate.wireshark.json_parts import JsonParts
from tcpcomm.tools.generate.wireshark.text_parts import TextParts

Form = Mapping[str, Any]


@frozen
class Party:
    """
    The messages between one that asks and one that answers.

    Attributes:
        data: all of it, as the Lua code takes it.
        shows_something: False if no message has a layout.
    """

    data: dict[str, Any]
    shows_something: bool


def party_of(  # noqa: PLR0917 - they are what all parties share
    declaration: Declaration,
    equipment: str,
    fields: Fields,
    names: dict[str, Any],
    codecs: set[str],
    note: Callable[[str], None],
) -> Party:
    """
    Return the messages of a declaration.

    Args:
        declaration: the declaration.
        equipment: the side that answers its commands: ``equipment``, or ``host`` for those of the host.
        fields: gets the fields.
        names: gets the forms that contain themselves, by their names.
        codecs: gets the names of the codecs.
        note: gets words about what cannot be shown.
    """
    return _Party(declaration, equipment, fields, names, codecs, note).party()


@frozen
class _Party:
    _declaration: Declaration
    _equipment: str
    _fields: Fields
    _names: dict[str, Any]
    _codecs: set[str]
    _note: Callable[[str], None]

    def party(self) -> Party:
        it, dialect = self._declaration, self._declaration.dialect
        requests: list[dict[str, Any]] = []
        events: list[dict[str, Any]] = []
        open_events: list[dict[str, Any]] = []
        own_faults = fault_opcodes(it)
        for name, command in it.commands.items():
            layout = dialect.layout(name)
            if layout is None:
                self._note(f"{name}: its codec is made of code, so it is not shown")
                continue
            message = self._request(name, layout)
            if command.reply_framing is not None and "reply" in message:
                message["framing"] = framing_rule(command.reply_framing, self._note)
            if name in own_faults:
                message["fault_opcode"] = bytes.fromhex(own_faults[name])
            requests.append(message)
        for name in it.events:
            layout = dialect.layout(name)
            if layout is None:
                self._note(f"{name}: its codec is made of code, so it is not shown")
                continue
            message = {
                "name": name,
                "parts": [self._part(name, layout["request"], self._rules(layout))],
                "is_interim": name in it.interim_events or None,
            }
            (open_events if _is_any_text(layout["request"]) else events).append(message)
        rules = dialect.rules()
        fault = dialect.fault_layout()
        faults = [] if fault is None else self._faults(fault, rules, is_main=True)
        data = {
            "equipment": self._equipment,
            "by_id": dialect.by_id or None,
            "id_key": self._id_key(),
            "encoding": rules.get("encoding"),
            "id_headers": self._id_headers() or None,
            "heartbeat": self._heartbeat(),
            "timeout": max((each.timeout for each in it.commands.values()), default=None),
            "requests": requests,
            "events": events,
            "any_events": open_events,
            "faults": faults,
            "meanings": {code: words for code, words in dialect.meanings.items() if words},
        }
        return Party(data, bool(requests or events or open_events))

    def _heartbeat(self) -> dict[str, Any] | None:
        """Return the heartbeat whose reply may come before those of commands that were asked earlier."""
        it, name = self._declaration, self._declaration.heartbeat
        if name is None or not it.heartbeat_while_busy or it.dialect.by_id:
            return None
        return {"name": name, "reply": it.dialect.reply(Request(name, {}), None)[0]}

    def _rules(self, layout: Form) -> Form:
        found: Form = layout.get("rules") or self._declaration.dialect.rules()
        return found

    def _part(self, path: str, form: Form, rules: Form, header: str = "") -> dict[str, Any]:
        """Return one frame of a message, by the codec that it has. SCPI has a header."""
        path = ".".join(map(path_part, path.split(".")))
        if "header" in form:
            self._codecs.add("binary")
            return BinaryParts(self._fields, self._names).part(path, form)
        if "members" in form:
            self._codecs.add("json")
            return JsonParts(self._fields, rules, self._names).part(path, form)
        self._codecs.add("template")
        any_case = isinstance(self._declaration.kind.codec, Scpi)
        return TextParts(self._fields, rules, any_case=any_case).part(path, form, header)

    def _request(self, name: str, layout: Form) -> dict[str, Any]:
        rules = self._rules(layout)
        parts = [self._part(name, layout["request"], rules, self._header(name))]
        bit = getattr(self._declaration.kind.codec, "wants_reply_bit", 0)
        if bit and "header" in layout["request"]:
            parts.append(self._without_bit(name, layout["request"], rules, bit))
        if "second" in layout:
            parts.append(self._part(name, layout["second"], rules))
        message: dict[str, Any] = {"name": name, "parts": parts}
        message["timeout"] = self._declaration.commands[name].timeout
        message["id_parameter"] = self._declaration.dialect.id_parameters.get(name)
        if "reply" in layout:
            message["reply"] = self._reply(name, layout, rules)
        if "end" in layout:  # of the second request, and of what answers it
            message["second_framing"] = {"kind": "delimited", "delimiters": [bytes.fromhex(layout["end"])]}
        own = layout.get("faults")
        if own:
            message["faults"] = [self._fault_form(each, rules) for each in own]
        if "rules" in layout:
            fault = layout.get("fault")
            others = [] if fault is None else self._faults(fault, rules, is_main=False)
            message["faults"] = [*message.get("faults", ()), *others]
            message["only_own_faults"] = True
        return message

    def _header(self, name: str) -> str:
        """Return the header of a command of SCPI with all its forms, or an empty text."""
        wire = self._declaration.commands[name].spec.wire
        if not isinstance(self._declaration.kind.codec, Scpi) or not isinstance(wire, str):
            return ""
        header = wire.partition(" ")[0]
        return "" if header.startswith("*") or "{" in header else header

    def _without_bit(self, name: str, form: Form, rules: Form, bit: int) -> dict[str, Any]:
        """Return a request that does not want a reply, which an opcode without a bit shows."""
        header = []
        for given in form["header"]:
            item = given
            if item.get("name") == "opcode" and item["form"]["type"] == "int":
                order: Any = item["form"].get("order", "big")
                opcode = int.from_bytes(bytes.fromhex(item["always"]), order)
                size = item["form"]["bytes"]
                item = {**item, "always": (opcode & ~bit).to_bytes(size, order).hex(" ")}
            header.append(item)
        return self._part(name, {**form, "header": header}, rules)

    def _reply(self, name: str, layout: Form, rules: Form) -> dict[str, Any]:
        reply = layout["reply"]
        if "header" in reply or "members" in reply:
            return {"forms": [{"frames": [self._part(name, reply, rules)]}]}
        if "silence" in reply:
            return {"forms": []}
        made: dict[str, Any] = {"forms": [self._reply_form(name, each, rules) for each in reply["forms"]]}
        if "acknowledgement" in reply:
            made["acknowledgement"] = self._part(name, reply["acknowledgement"], rules)
        if "opened" in layout:
            made["opened"] = self._part(name, layout["opened"], rules)
        return made

    def _reply_form(self, name: str, form: Form, rules: Form) -> dict[str, Any]:
        made: dict[str, Any] = {"frames": [self._part(name, each, rules) for each in form["frames"]]}
        items = form["items"]
        if items is not None:
            inner = [frame for each in items["forms"] for frame in each["frames"]]
            made["per_item"] = max(len(each["frames"]) for each in items["forms"])
            path = name if items["of"] is None else f"{name}.{path_part(items['of'])}"
            made["items"] = [self._part(path, each, rules) for each in inner]
            if items["end"] is not None:
                made["stop"] = self._part(name, items["end"], rules)
        return made

    def _faults(self, layout: Form, rules: Form, *, is_main: bool) -> list[dict[str, Any]]:
        if "header" in layout:
            return [self._binary_fault(layout, is_main=is_main)]
        if "forms" in layout:
            success = dict.fromkeys(layout["success"], True)
            return [{**self._fault_form(each, rules), "success": success} for each in layout["forms"]]
        return [{**self._part("fault", layout, rules), "word_keys": self._word_keys()}]

    def _word_keys(self) -> dict[str, bool]:
        """Return the keys of the words of requests, one of which a fault repeats."""
        found = {}
        for name in self._declaration.commands:
            layout = self._declaration.dialect.layout(name) or {}
            for member in layout.get("request", {}).get("members", ()):
                if "always" in member:
                    found[str(member["key"])] = True
        return found

    def _fault_form(self, form: Form, rules: Form) -> dict[str, Any]:
        made = {**self._part("fault", form, rules), "code": form.get("code")}
        if isinstance(form.get("code"), int):
            made["code_field"] = self._fields.add("fault.code", "int64", base="DEC")
        elif form.get("code") is not None:
            made["code_field"] = self._fields.add("fault.code", "string")
        return made

    def _binary_fault(self, layout: Form, *, is_main: bool) -> dict[str, Any]:
        dialect = self._declaration.dialect
        parts = BinaryParts(self._fields, self._names)
        self._codecs.add("binary")
        made = parts.part("fault", layout)
        good = None
        if "good" in layout:
            found = good_status(layout["good"])
            if found is None:
                first = dialect.rules().get("good status", 0)
                self._note(f"a function decides which status is good: the dissector takes {first} alone")
                found = good_status(str(first))
            assert found is not None
            good = parts.good(found)
        opcodes = set(fault_opcodes(self._declaration).values()) if is_main else set()
        always = next((each for each in layout["header"] if "always" in each), None)
        if always is not None:
            opcodes.add(always["always"])
            made["header"] = [{**each, "always": None} for each in made["header"]]
        at = next((each["form"] for each in layout["header"] if each.get("name") == "status"), None)
        return {
            **made,
            "code_field": None if at is None else self._fields.whole("fault.code", 4, signed=False),
            "good": good,
            "status_last": layout.get("status last") or None,
            "bit": layout.get("bit") or None,
            "opcodes": {bytes.fromhex(each): True for each in sorted(opcodes)},
            "replies": dict.fromkeys(sorted(self._reply_opcodes()), True),
            "meanings": {code: words for code, words in dialect.meanings.items() if words},
        }

    def _reply_opcodes(self) -> set[bytes]:
        found = set()
        for name in self._declaration.commands:
            layout = self._declaration.dialect.layout(name) or {}
            for item in layout.get("reply", {}).get("header", ()):
                if item.get("name") == "opcode" and "always" in item:
                    found.add(bytes.fromhex(item["always"]))
        return found

    def _id_headers(self) -> list[Any]:
        """Return the headers of replies that have an id, each once."""
        found: dict[str, Any] = {}
        if not self._declaration.dialect.by_id:
            return []
        parts = BinaryParts(self._fields, self._names)
        for name in self._declaration.commands:
            layout = self._declaration.dialect.layout(name) or {}
            header = layout.get("reply", {}).get("header", ())
            if any(each.get("name") == "id" for each in header):
                plain = [{key: each for key, each in item.items() if key != "always"} for item in header]
                found[str(plain)] = parts.part("", {"header": plain, "body": {"type": "nothing"}})["header"]
        fault = self._declaration.dialect.fault_layout() or {}
        if any(each.get("name") == "id" for each in fault.get("header", ())):
            plain = [
                {key: each for key, each in item.items() if key != "always"} for item in fault["header"]
            ]
            found[str(plain)] = parts.part("", {"header": plain, "body": {"type": "nothing"}})["header"]
        return [*found.values()]

    def _id_key(self) -> str | None:
        """Return the key of the id in JSON replies, or None."""
        for name in self._declaration.commands:
            layout = self._declaration.dialect.layout(name) or {}
            for member in layout.get("reply", {}).get("members", ()):
                if member.get("is") == "id":
                    return str(member["key"])
        return None


def _is_any_text(form: Form) -> bool:
    """Return True for an event that every text can be."""
    parts = form.get("parts", ())
    return len(parts) == 1 and "field" in parts[0] and parts[0]["form"]["type"] == "text"
