"""Conversations of declared equipment, with what tshark must show of them: :class:`Talk`."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from enum import Enum
from math import isclose, isnan
from random import Random
from types import MappingProxyType
from typing import Any

from attrs import define, field, frozen

from tcpcomm.codec.annotations import fields_of, has_fields
from tcpcomm.codec.base import MORE, Event, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.samples import Samples
from tests.codec.template.foreign import fields_in
from tests.interop.wireshark import EQUIPMENT, HOST, Capture, Shown

__all__ = ["WAYS", "Said", "Talk", "Way", "check", "whole"]

Fields = dict[str, list[Any]]

TYPES = ("_text", "_int64", "_double", "_float", "_bool", "_bytes", "_int", "_uint", "_uint64")
"""The ends of fields whose path has another type already."""


@frozen
class Said:
    """
    One message.

    Attributes:
        sender: host or equipment.
        kind: request, reply, event or fault.
        name: the command or event.
        frames: its frames, with their framing.
        fields: the values by their paths.
    """

    sender: str
    kind: str
    name: str
    frames: list[bytes]
    fields: Fields
    optional: frozenset[str] = frozenset()
    """The names of fields that may be left out, because they have their defaults."""


@define
class Talk:
    """What a host and declared equipment say to each other, with values that are drawn."""

    declaration: Declaration
    seeds: int = 3
    _id: int = field(default=0, init=False)

    def exchanges(self) -> Iterator[list[Said]]:
        """Yield commands with their replies or faults, and events. The first begin as a connection does."""
        openings = {HOST: self.declaration.received.opening, EQUIPMENT: self.declaration.sent.opening}
        for exchange in self._exchanges():
            for said in exchange:
                said.frames[0] = openings.pop(said.sender, b"") + said.frames[0]
            yield exchange

    def _exchanges(self) -> Iterator[list[Said]]:
        it = self.declaration
        for seed in range(self.seeds):
            for name in it.commands:
                yield self._exchange(name, seed)
            for name in it.events:
                values = Samples(it).event(name, Random(seed))
                frame = it.dialect.event(name, values)
                (event,) = it.dialect.read_at_host(frame)
                assert isinstance(event, Event)
                fields = self._named(name, event.values)
                yield [Said(EQUIPMENT, "event", name, [it.sent.encode(frame)], fields)]

    def _exchange(self, name: str, seed: int) -> list[Said]:
        it, dialect = self.declaration, self.declaration.dialect
        self._id += 1
        values = Samples(it).values(name, Random(seed))
        frame = dialect.request(name, values, self._id)
        (asked,) = dialect.read_at_equipment(frame).requests
        assert isinstance(asked, Request)
        wire, fields = [it.received.encode(frame)], self._named(name, asked.values)
        said = [Said(HOST, "request", name, wire, fields, self._optional(name, "request"))]
        if not it.commands[name].has_reply or it.commands[name].is_silent:
            return said
        if seed == 1 and dialect.has_faults and dialect.can_fail(name):
            fault = Samples(it).fault(name, Random(seed))
            frames = it.framed(name, [dialect.fault(asked, fault)])
            wires = [it.sent.encode(each) for each in frames]
            fields = {} if fault.code == 0 else {"fault.code": [fault.code]}
            return [*said, Said(EQUIPMENT, "fault", name, wires, fields)]
        result = Samples(it).result(name, Random(seed), values)
        begun = dialect.acknowledgement(asked)
        frames = it.framed(name, [*([] if begun is None else [begun]), *dialect.reply(asked, result)])
        wires = [it.sent.encode(each) for each in frames]
        fields = self._result(name, values, frames)
        return [*said, Said(EQUIPMENT, "reply", name, wires, fields, self._optional(name, "reply"))]

    def _optional(self, name: str, part: str) -> frozenset[str]:
        """Return the names of fields that a template leaves out if they have their defaults."""
        found = set()

        def collect(data: Any) -> None:
            for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
                collect(each)
            if isinstance(data, dict) and "optional" in data:
                found.update(data.get("absent", ()))

        collect((self.declaration.dialect.layout(name) or {}).get(part))
        return frozenset(found)

    def _result(self, name: str, values: dict[str, Any], frames: Sequence[bytes]) -> Fields:
        dialect = self.declaration.dialect
        reader = dialect.reader_for(name, values)
        assert reader is not None
        found: Any = MORE
        for frame in frames:
            (answer,) = dialect.read_at_host(frame)
            found = reader.take(frame if reader.wants_frames else answer.body)  # type: ignore[union-attr]
        forms = (dialect.layout(name) or {}).get("reply", {}).get("forms", [])
        items = forms[0]["items"] if forms else None
        if found is None or len(forms) > 1 or (items is not None and len(items["forms"]) > 1):
            return {}  # each template has its own names
        if has_fields(type(found)):
            return flat(name, found)
        listed = self._list_name(name)
        if isinstance(found, list) and found and has_fields(type(found[0])):
            return flat(f"{name}.{listed}" if listed else name, found)
        return flat(f"{name}.{self._result_name(name)}", found)

    def _list_name(self, name: str) -> str:
        """Return the name of the list that is the result, if one template has all of it."""
        for form in (self.declaration.dialect.layout(name) or {}).get("reply", {}).get("forms", ()):
            for frame in form["frames"]:
                for part in frame["parts"]:
                    if "list" in part:
                        return str(part["list"])
        return ""

    def _result_name(self, name: str) -> str:
        """Return the name of the field that is the result."""
        layout = self.declaration.dialect.layout(name) or {}
        for form in layout.get("reply", {}).get("forms", ()):
            items = (form["items"] or {}).get("forms", ())
            for frame in (*form["frames"], *(each for it in items for each in it["frames"])):
                for part in fields_in(frame["parts"]):
                    if "is" not in part and part.get("of") != "request":
                        return str(part.get("field", part.get("list")))
        return "result"

    @staticmethod
    def _named(name: str, values: dict[str, Any]) -> Fields:
        found: Fields = {}
        for each, value in values.items():
            found.update(flat(f"{name}.{each}", value))
        return found


def flat(path: str, value: Any, around: Mapping[type, str] = MappingProxyType({})) -> Fields:
    """Return the values in a value by their paths. ``around`` has the paths of the objects around it."""
    found: Fields = {}
    if has_fields(type(value)):
        path = around.get(type(value), path)
        inside = {**around, type(value): path}
        for each in fields_of(type(value)):
            for inner, several in flat(f"{path}.{each.name}", getattr(value, each.name), inside).items():
                found.setdefault(inner, []).extend(several)
    elif isinstance(value, list | tuple):
        for item in value:
            for inner, several in flat(path, item, around).items():
                found.setdefault(inner, []).extend(several)
    elif isinstance(value, dict):
        return flat(path, [*value.values()], around)
    elif isinstance(value, Enum):
        return {path: [value.value]}
    elif value is not None:
        return {path: [value]}
    return found


def is_shown(value: Any, text: str) -> bool:
    """Return True if a text of tshark is a value that was sent."""
    if isinstance(value, bool):
        return value == (text in ("1", "True"))
    if isinstance(value, int):
        return bool(re.fullmatch("-?(0x[0-9a-fA-F]+|[0-9]+)", text)) and value == int(text, 0)
    if isinstance(value, float):
        try:
            shown = float(text)
        except ValueError:
            return False
        return isclose(value, shown, rel_tol=1e-4, abs_tol=1e-30) or (isnan(value) and isnan(shown))
    if isinstance(value, bytes | bytearray | memoryview):
        return text in (bytes(value).hex(":"), b64encode(value).decode())
    if isinstance(value, date | time):
        return text == value.isoformat()
    return (isinstance(value, Decimal) and isclose(value, float(text))) or text == str(value)


def check(said: Said, shown: Sequence[Shown]) -> None:
    """Compare a message with what tshark shows of its frames."""
    assert [(said.kind, said.name)] * len(said.frames) == [(each.kind, each.message) for each in shown], (
        said
    )
    merged: dict[str, list[str]] = {}
    for each in shown:
        assert said.kind == "fault" or not each.experts, (each.experts, said)
        for path, texts in each.fields.items():
            merged.setdefault(re.sub(r"\.\d+(?=\.|$)", "", path), []).extend(texts)
    for path, values in said.fields.items():
        if (path.rpartition(".")[2] in said.optional and path not in merged) or path.endswith(".anything"):
            continue
        # The items of a list of several types have a field for each type.
        texts = [text for end in ("", *TYPES) for text in merged.get(f"{path}{end}", [])]
        assert len(values) == len(texts), (path, said, merged)
        for value in values:
            found = next((text for text in texts if is_shown(value, text)), None)
            assert found is not None, (path, value, texts, said)
            texts.remove(found)


def whole(capture: Capture, port: int, exchanges: Sequence[list[Said]]) -> list[Said]:
    """Send each frame in a segment of its own. Return what is said, in order."""
    capture.connect(port)
    said = [each for exchange in exchanges for each in exchange]
    for each in said:
        for frame in each.frames:
            capture.send(each.sender, frame)
    return said


def cut(capture: Capture, port: int, exchanges: Sequence[list[Said]]) -> list[Said]:
    """Send each frame in pieces."""
    capture.connect(port)
    random = Random(7)
    said = [each for exchange in exchanges for each in exchange]
    for each in said:
        for frame in each.frames:
            places = sorted({random.randrange(len(frame)) for _ in range(random.randint(1, 3))} - {0})
            for begin, end in zip([0, *places], [*places, len(frame)], strict=True):
                capture.send(each.sender, frame[begin:end])
    return said


def glued(capture: Capture, port: int, exchanges: Sequence[list[Said]]) -> list[Said]:
    """Send the requests of several exchanges in one segment, then what answers them in another."""
    capture.connect(port)
    said: list[Said] = []
    for begin in range(0, len(exchanges), 3):
        part = [each for exchange in exchanges[begin : begin + 3] for each in exchange]
        for sender in (HOST, EQUIPMENT):
            own = [each for each in part if each.sender == sender]
            said += own
            data = b"".join(frame for each in own for frame in each.frames)
            if data:
                capture.send(sender, data)
    return said


Way = Callable[[Capture, int, Sequence[list[Said]]], list[Said]]

WAYS: dict[str, Way] = {
    "whole": whole,
    "cut": cut,
    "glued": glued,
}
"""The ways in which TCP brings messages."""
