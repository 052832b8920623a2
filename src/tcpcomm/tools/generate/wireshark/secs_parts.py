"""Messages of HSMS with the numbers of their fields, for the Lua code: :class:`SecsParts`."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, metadata_of, union_members
from tcpcomm.devices.hsms.codec import ANY
from tcpcomm.devices.hsms.forms import InOneByte
from tcpcomm.devices.hsms.header import WORDS
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.tools.generate.wireshark.fields import Fields, path_part


class SecsParts:
    """Makes the table of the messages of both sides. Items say their types, and forms name them."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def rules(self, declaration: Declaration, host_side: Declaration | None) -> dict[str, Any]:
        """Return all that the Lua code needs for HSMS."""
        add, whole = self._fields.add, self._fields.whole
        return {
            "encoding": getattr(declaration.dialect, "encoding", "ascii"),
            "fields": {
                "session": whole("session", 2, signed=False, title="session ID", base="HEX"),
                "name": add("name", "string", title="message"),
                "wbit": add("wants_reply", "bool", title="wants a reply (W)", width=8, mask=0x80),
                "stream": whole("stream", 1, signed=False, mask=0x7F),
                "func": whole("function", 1, signed=False),
                "ptype": whole("ptype", 1, signed=False, title="PType"),
                "stype": whole("stype", 1, signed=False, title="SType"),
                "id": whole("id", 4, signed=False, title="system bytes", base="HEX"),
                "status": whole("status", 1, signed=False),
                "item": add("item", "string"),
            },
            "words": dict(WORDS),
            "messages": {
                "equipment": self._messages(declaration),
                "host": {} if host_side is None else self._messages(host_side),
                **self._events(declaration, host_side),
            },
        }

    def _events(self, declaration: Declaration, host_side: Declaration | None) -> dict[str, Any]:
        """Return the messages that the equipment sends: its events, and the commands of the host's side."""
        found = {} if host_side is None else self._messages(host_side)
        for each in declaration.events.values():
            own = found.get(each.spec.wire, {})
            found[each.spec.wire] = {**own, **self._message(each.name, each.spec), "is_event": True}
        return {"host": found}

    def _messages(self, declaration: Declaration) -> dict[str, Any]:
        return {
            each.spec.wire: self._message(each.name, each.spec)
            for each in declaration.commands.values()
            if each.spec.wire != ANY
        }

    def _message(self, name: str, spec: Any) -> dict[str, Any]:
        names = [each.name for each in spec.parameters]
        forms = [self._form(f"{name}.{path_part(each.name)}", each.type) for each in spec.parameters]
        form: dict[str, Any] | None = None
        if len(forms) == 1:
            form = {**forms[0], "name": names[0]}
        elif forms:
            pairs = zip(names, forms, strict=True)
            form = {"fields": [{"name": each, "form": inner} for each, inner in pairs]}
        result = None
        if spec.result not in (None, type(None)):
            result = self._form(f"{name}.result", spec.result)
            if has_fields(bare_type(spec.result)):
                result = self._form(name, spec.result, is_whole=True)
        return {"name": name, "form": form, "result": result}

    def _form(self, path: str, annotation: Any, *, is_whole: bool = False) -> dict[str, Any]:
        add = self._fields.add
        if any(isinstance(each, InOneByte) for each in metadata_of(annotation)):
            return {"kind": "int", "f": add(path, "int64", base="DEC")}
        kind = bare_type(annotation)
        if kind is Any or union_members(kind):
            return {"kind": "text", "f": add(path, "string")}
        if kind is list or get_origin(kind) is list:
            inner = get_args(kind)
            return {
                "f": add(f"{path}_list", "none", title=path.rpartition(".")[2]),
                "item": self._form(path, inner[0]) if inner else None,
            }
        if has_fields(kind):
            fields = [
                {"name": each.name, "form": self._form(f"{path}.{path_part(each.name)}", each.type)}
                for each in fields_of(kind)
            ]
            return {"f": None if is_whole else add(path, "none"), "fields": fields}
        if kind is bool:
            return {"kind": "bool", "f": add(path, "bool")}
        if isinstance(kind, type) and issubclass(kind, int):
            return {"kind": "int", "f": add(path, "int64", base="DEC")}
        if isinstance(kind, type) and issubclass(kind, float):
            return {"kind": "float", "f": add(path, "double")}
        if kind is bytes:
            return {"kind": "bytes", "f": add(path, "bytes")}
        return {"kind": "text", "f": add(path, "string")}
