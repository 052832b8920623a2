"""JSON messages with the numbers of their fields, for the Lua code: :class:`JsonParts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tcpcomm.codec.encoding import charset
from tcpcomm.tools.generate.wireshark.fields import Fields, path_part

Form = Mapping[str, Any]


class JsonParts:
    """Makes the parts of JSON messages, by the rules of one codec."""

    def __init__(self, fields: Fields, rules: Form, names: dict[str, Any]) -> None:
        self._fields = fields
        self._names = names
        self._encoding = charset(rules["encoding"])
        self._rules = rules
        self._scope = ""

    @property
    def encoding(self) -> str:
        return self._encoding

    def part(self, path: str, form: Form) -> dict[str, Any]:
        """Return one message, or a fault."""
        self._scope = f"{path} {len(self._names)} "
        return {
            "codec": "json",
            "encoding": self._encoding,
            "members": self.members(path, form["members"]),
            "success_members": self.members(path, form["success"]) if form.get("success") else None,
            "ignored": dict.fromkeys(self._rules.get("ignored keys", ()), True) or None,
            "ignore_unknown": self._rules.get("ignore_unknown") or None,
        }

    def members(self, path: str, members: Sequence[Form]) -> list[dict[str, Any]]:
        """Return the members of an object."""
        return [self._member(path, each) for each in members]

    def _member(self, path: str, member: Form) -> dict[str, Any]:
        made: dict[str, Any] = {"key": member["key"], "optional": member.get("optional") or None}
        what = member.get("is")
        if what is not None:
            made["what"] = what
        if "always" in member:
            constant = member["always"]
            others = [each for each in member.get("or", ()) if each is not None]
            return {
                **made,
                "always": constant,
                "always_null": True if constant is None else None,
                "or": others or None,
                "more_always": member.get("and more") or None,
            }
        if "members" in member:
            return {**made, "members": self.members(path, member["members"])}
        if what == "id":
            return {**made, "f": self._fields.add("id", "string")}
        if what == "command" or "form" not in member:
            return {**made, "optional": True}
        name = member.get("name") or what or member["key"]
        if "default" in member:
            made["has_default"] = True
        return {**made, "name": name, "form": self._form(path, path_part(name), member["form"])}

    def _form(self, path: str, name: str, form: Form) -> dict[str, Any]:
        whole = f"{path}.{name}"
        kind = form["type"]
        made: dict[str, Any] = {"type": kind}
        if kind == "record":
            inner = path if name == "result" else whole
            self._names[self._scope + form["name"]] = made
            made["f"] = None if name == "result" else self._fields.add(whole, "none")
            made["fields"] = [
                {
                    "key": each["key"],
                    "name": each["name"],
                    "form": self._form(inner, path_part(each["name"]), each["form"]),
                }
                for each in form["fields"]
            ]
        elif kind == "ref":
            made["to"] = self._scope + form["to"]
        elif kind == "list":
            made["item"] = self._form(path, name, form["item"])
        elif kind == "tuple":
            made["items"] = [
                self._form(whole, str(number), each) for number, each in enumerate(form["items"], 1)
            ]
        elif kind == "map":
            made["item"] = self._form(path, name, form["item"])
        elif kind == "union":
            made["members"] = [self._form(path, name, each) for each in form["members"]]
        elif kind == "choice":
            is_int = all(type(each["value"]) is int for each in form["values"])
            made["is_int"] = is_int or None
            made["values"] = [{"value": each["value"], "name": each.get("name")} for each in form["values"]]
            made["f"] = self._number(whole) if is_int else self._fields.add(whole, "string")
        elif kind in ("int", "flags"):
            made["f"] = self._number(whole)
        elif kind in ("float", "decimal"):
            made["f"] = self._fields.add(whole, "double")
        elif kind == "bool":
            made["f"] = self._fields.add(whole, "bool")
        elif kind != "null":
            made["is_text"] = kind in ("text", "bytes", "date", "time", "date and time") or None
            made["f"] = self._fields.add(whole, "string")
        return made

    def _number(self, path: str) -> int:
        return self._fields.add(path, "int64", base="DEC")
