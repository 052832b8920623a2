"""
A codec that is made from the JSON of ``tcpcomm describe`` alone, as a program in another language would be.

It shares no code with tcpcomm. Values are plain, as ``tests.codec.plain`` describes them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ForeignJson"]

Form = Mapping[str, Any]

TYPES: Mapping[str, tuple[type, ...]] = {
    "any": (object,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "text": (str,),
    "date": (str,),
    "date and time": (str,),
    "time": (str,),
    "null": (type(None),),
    "list": (list,),
    "tuple": (list,),
    "map": (dict,),
    "record": (dict,),
    "ref": (dict,),
    "flags": (int,),
    "bytes": (str,),
}
"""The types that a plain value of a form has."""


class ForeignJson:
    """
    Writes and reads the messages of one command or event.

    Args:
        layout: the command or event, as JSON has it.
        rules: the rules for all messages.
        faults: the form of a fault.
    """

    def __init__(self, layout: Form, rules: Form, faults: Form) -> None:
        self._layout = layout
        self._rules = rules
        self._faults = faults
        self._records: dict[str, Form] = {}
        self._find_records(layout)

    def _find_records(self, form: Any) -> None:
        for each in form if isinstance(form, list) else form.values() if isinstance(form, dict) else ():
            self._find_records(each)
        if isinstance(form, dict) and form.get("type") == "record":
            self._records[form["name"]] = form

    def request(self, values: Form, id: int) -> bytes:
        return self._frame(self._layout["request"]["members"], {"id": id, "values": values})

    def read_request(self, frame: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {}
        message = json.loads(frame.decode(self._rules["encoding"]))
        self._take(self._layout["request"]["members"], message, found)
        return found

    def reply(self, result: Any, id: int) -> list[bytes]:
        return [
            self._frame(self._layout["reply"]["members"], {"id": id, "result": result, "values": result})
        ]

    def fault(self, code: int | str, reason: str, data: Any, id: int) -> bytes:
        context = {"id": id, "code": code, "reason": reason, "data": data}
        word = next(each for each in self._layout["request"]["members"] if "always" in each)
        members = [
            {"key": word["key"], "always": word["always"]} if each.get("is") == "command" else each
            for each in self._faults["members"]
        ]
        return self._frame(members, context)

    def _frame(self, members: Sequence[Form], context: Form) -> bytes:
        message = self._object(members, context)
        text = json.dumps(message, ensure_ascii=self._rules["ascii"], separators=(",", ":"))
        return b"".join(map(self._sent, text))

    def _sent(self, character: str) -> bytes:
        """Return the bytes of a character, or of its escape if the encoding does not have it."""
        try:
            return character.encode(self._rules["encoding"])
        except UnicodeEncodeError:
            return json.dumps(character)[1:-1].encode()

    def _object(self, members: Sequence[Form], context: Form) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for each in members:
            key, what = each["key"], each.get("is")
            if "always" in each:
                found[key] = each["always"]
            elif what == "id":
                found[key] = context["id"]
            elif "members" in each:
                inner = self._object(each["members"], context)
                is_list = what == "parameters" and self._rules.get("by_position")
                found[key] = [*inner.values()] if is_list else inner
            elif what is None:
                found[key] = self._value(each["form"], context["values"][each["name"]])
            elif not (each.get("optional") and context[what] is None):
                found[key] = self._value(each["form"], context[what])
        return found

    def _value(self, form: Form, value: Any) -> Any:
        match form["type"]:
            case "ref":
                return self._value(self._records[form["to"]], value)
            case "bytes":
                return base64.b64encode(bytes.fromhex(value)).decode()
            case "choice":
                assert value in [each["value"] for each in form["values"]]
                return value
            case "list":
                return [self._value(form["item"], each) for each in value]
            case "tuple":
                return [self._value(item, each) for item, each in zip(form["items"], value, strict=True)]
            case "map":
                return {key: self._value(form["item"], each) for key, each in value.items()}
            case "record":
                fields = form["fields"]
                return {each["key"]: self._value(each["form"], value[each["name"]]) for each in fields}
            case "union":
                return self._value(next(each for each in form["members"] if is_of(each, value)), value)
        assert is_of(form, value), (form, value)
        return value

    def _take(self, members: Sequence[Form], message: Any, found: dict[str, Any]) -> None:
        """Take the values out of an object."""
        for each in members:
            if "always" in each:
                assert message[each["key"]] == each["always"]
            elif "members" in each:
                inner = message[each["key"]]
                if isinstance(inner, list):
                    inner = {it["key"]: part for it, part in zip(each["members"], inner, strict=True)}
                self._take(each["members"], inner, found)
            elif "name" in each:
                found[each["name"]] = self._read(each["form"], message[each["key"]])

    def _read(self, form: Form, value: Any) -> Any:
        match form["type"]:
            case "ref":
                return self._read(self._records[form["to"]], value)
            case "bytes":
                return base64.b64decode(value).hex(" ").upper()
            case "list":
                return [self._read(form["item"], each) for each in value]
            case "tuple":
                return [self._read(item, each) for item, each in zip(form["items"], value, strict=True)]
            case "map":
                return {key: self._read(form["item"], each) for key, each in value.items()}
            case "record":
                fields = form["fields"]
                found = {each["name"]: self._read(each["form"], value[each["key"]]) for each in fields}
                return {"": form["name"], **found}
            case "union":
                return self._read(next(each for each in form["members"] if is_of(each, value)), value)
        return value


def is_of(form: Form, value: Any) -> bool:
    """Return True if a value can be of a form. The members of a union differ in that."""
    if form["type"] == "union":
        return any(is_of(each, value) for each in form["members"])
    if form["type"] == "choice":
        return any(type(each["value"]) is type(value) and each["value"] == value for each in form["values"])
    return isinstance(value, TYPES[form["type"]]) and not (
        isinstance(value, bool) and form["type"] not in ("bool", "any")
    )
