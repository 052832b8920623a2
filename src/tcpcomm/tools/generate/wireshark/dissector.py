"""A Wireshark dissector in Lua from a declaration: :func:`wireshark_dissector`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from tcpcomm._version import __version__
from tcpcomm.codec import Scpi
from tcpcomm.devices.hsms.codec import HsmsDialect
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.generate.generator import Generated, Wanted
from tcpcomm.tools.generate.wireshark.fields import Fields, ascii_path, path_part
from tcpcomm.tools.generate.wireshark.framings import framing_rule
from tcpcomm.tools.generate.wireshark.lua_text import lua_value
from tcpcomm.tools.generate.wireshark.parties import Party, party_of
from tcpcomm.tools.generate.wireshark.secs_parts import SecsParts
from tcpcomm.tools.generate.wireshark.text_parts import TextParts

_OWN: Final[Mapping[str, tuple[str, str]]] = {
    "modbus": ("Modbus/TCP", "mbtcp"),
    "s7": ("S7 communication", "s7comm"),
    "hsms": ("HSMS", "hsms"),
    "fins": ("OMRON FINS over UDP", "omron"),
}
"""The dissectors that Wireshark has itself, by the names of the devices: for people, and in filters."""

_TAKEN: Final = ("modbus", "rmi")
"""The names of devices of ours that Wireshark has for a protocol. The Lua code finds others."""


def wireshark_dissector(declaration: Declaration, wanted: Wanted) -> Generated:
    """
    Return the dissector of a declaration. It reads the messages of both directions.

    Raises:
        ConfigurationError: the codec of the declaration is code alone, so that nothing can be shown.
    """
    return _Dissector(declaration, wanted).generated()


class _Dissector:
    def __init__(self, declaration: Declaration, wanted: Wanted) -> None:
        self._declaration = declaration
        self._wanted = wanted
        self._fields = Fields()
        self._names: dict[str, Any] = {}
        self._notes: list[str] = []
        self._codecs: set[str] = set()

    def generated(self) -> Generated:
        it = self._declaration
        prefix = ascii_path(path_part(it.name).lower())
        if prefix[:1].isdigit():
            prefix = f"device_{prefix}"
        data = self._data(prefix)
        self._tell_of_others(prefix)
        notes = tuple(dict.fromkeys(self._notes))
        head = self._head(prefix, notes)
        parts = [head, f"local D = {lua_value(data)}\n\nlocal names = D.names\n"]
        parts += [_lua(name) for name in self._modules()]
        return Generated("\n".join(parts), notes=notes)

    def _tell_of_others(self, prefix: str) -> None:
        found = _OWN.get(self._wanted.device)
        if found is not None:
            name, own = found
            prefix = f"{prefix}_device" if prefix in _TAKEN else prefix
            self._notes.append(
                f"Wireshark has a dissector of its own for {name}, with the filter {own}. This one shows "
                f"the fields of the declaration, with the filter {prefix}, and takes TCP port "
                f"{self._wanted.port}; switch it off under Analyze, Enabled Protocols to see the other"
            )

    def _modules(self) -> Iterator[str]:
        yield "base"
        yield "checksums"
        yield "framing"
        yield "framing_around"
        if "binary" in self._codecs:
            yield "binary"
            yield "binary_messages"
        if "template" in self._codecs:
            yield "template"
        if "json" in self._codecs:
            yield "json"
        yield "messages"
        if "secs" in self._codecs:
            yield "secs"
        yield "dissector"

    def _head(self, prefix: str, notes: tuple[str, ...]) -> str:
        it = self._declaration
        lines = [
            f"{it.name}: a dissector for Wireshark 4.0 and later.",
            f"Made by tcpcomm {__version__}: tcpcomm generate wireshark {self._wanted.device}",
            "",
            "Put it into the folder that Wireshark shows under Help, About, Folders, Personal Lua Plugins,",
            "or give it to tshark: tshark -X lua_script:FILE -r CAPTURE",
            f'Filters begin with {prefix}, such as {prefix}.kind == "reply".',
            f"If Wireshark has another protocol {prefix}, they begin with {prefix}_device.",
            f"The TCP port is {self._wanted.port}; the preferences of the protocol change it.",
            *(f"Note: {each}." for each in notes),
        ]
        return "".join(f"-- {' '.join(each.split())}".rstrip() + "\n" for each in lines)

    def _data(self, prefix: str) -> dict[str, Any]:
        it = self._declaration
        kind: type[Any] = it.kind
        doc = inspect.getdoc(kind) or ""
        doc = "" if doc == inspect.getdoc(Equipment) else doc.partition("\n")[0]
        known = self._known_fields()
        host_side = None if it.host_side is None else declaration_of(it.host_side)
        parties: list[dict[str, Any]] = []
        secs = None
        if isinstance(it.dialect, HsmsDialect):
            secs = SecsParts(self._fields).rules(it, host_side)
            self._codecs.add("secs")
        else:
            found = [self._party(it, "equipment")]
            if host_side is not None:
                found.append(self._party(host_side, "host"))
            parties = [each.data for each in found]
            if not any(each.shows_something for each in found):
                raise ConfigurationError(
                    f"{it.name}: the codec {type(kind.codec).__name__} is made of code, so there are no "
                    "layouts to show"
                )
        texts = [*self._texts()]
        encoding = getattr(kind.codec, "encoding", None)
        return {
            "name": it.name,
            "title": f"{it.name}: {doc}" if doc else it.name,
            "prefix": prefix,
            "port": self._wanted.port,
            "framings": {
                "host": framing_rule(kind.framing, self._notes.append),
                "equipment": framing_rule(kind.reply_framing or kind.framing, self._notes.append),
            },
            "known": known,
            "parties": parties,
            "texts": texts,
            "secs": secs,
            "batches": (encoding or "utf-8") if type(kind.codec).__name__ == "JsonRpc" else None,
            "units": isinstance(kind.codec, Scpi) or None,
            "names": self._names,
            "fields": self._fields.all,
        }

    def _known_fields(self) -> dict[str, int]:
        add = self._fields.add
        return {
            "kind": add("kind", "string", title="kind of message"),
            "message": add("message", "string", title="declared message"),
            "data": add("data", "bytes", title="bytes"),
            "request_in": add("request_in", "framenum", title="Request in frame", frametype="request"),
            "response_in": add("response_in", "framenum", title="Response in frame", frametype="response"),
            "time": add("time", "relative_time", title="Time from the request"),
        }

    def _party(self, declaration: Declaration, equipment: str) -> Party:
        return party_of(declaration, equipment, self._fields, self._names, self._codecs, self._notes.append)

    def _texts(self) -> Iterator[dict[str, Any]]:
        """Yield the greeting and the steps of the login."""
        it = self._declaration
        steps: list[tuple[str, str, str]] = []
        if it.greeting is not None:
            steps.append(("greeting", "equipment", it.greeting))
        for step in it.login:
            if step.expect is not None:
                steps.append(("login", "equipment", step.expect))
            if step.send is not None:
                steps.append(("login", "host", step.send))
        if not steps:
            return
        self._codecs.add("template")
        parts = TextParts(self._fields, {"encoding": it.encoding})
        for kind, sender, text in steps:
            template = parts.part("login", {"parts": _login_parts(text, is_begin=sender == "equipment")})
            yield {**template, "kind": kind, "sender": sender, "name": ""}


def _login_parts(text: str, *, is_begin: bool) -> list[dict[str, Any]]:
    """Return the parts of a text with credentials in braces."""
    parts: list[dict[str, Any]] = []
    for index, piece in enumerate(text.replace("}", "{").split("{")):
        if index % 2:
            parts.append({"field": piece, "form": {"type": "text"}})
        elif piece:
            parts.append({"text": piece})
    if is_begin:
        parts.append({"field": "more", "form": {"type": "text"}})
    return parts


def _lua(name: str) -> str:
    return files(__package__).joinpath("lua", f"{name}.lua").read_text("utf-8")
