"""Conversations of declared equipment, with what tshark must show of them: :class:`Talk`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from random import Random
from typing import Any

import pytest
from attrs import define, field, frozen

from tcpcomm.codec.annotations import fields_of, has_fields
from tcpcomm.codec.base import MORE, Event, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.samples import Samples
from tests.interop.wireshark import EQUIPMENT, HOST, Capture, Shown

__all__ = ["Said", "Talk"]

Fields = dict[str, list[Any]]


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


@define
class Talk:
    """What a host and declared equipment say to each other, with values that are drawn."""

    declaration: Declaration
    seeds: int = 3
    _id: int = field(default=0, init=False)

    def exchanges(self) -> Iterator[list[Said]]:
        """Yield commands with their replies or faults, and events."""
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
        said = [Said(HOST, "request", name, [it.received.encode(frame)], self._named(name, asked.values))]
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
        return [*said, Said(EQUIPMENT, "reply", name, wires, self._result(name, values, frames))]

    def _result(self, name: str, values: dict[str, Any], frames: Sequence[bytes]) -> Fields:
        dialect = self.declaration.dialect
        reader = dialect.reader_for(name, values)
        assert reader is not None
        found: Any = MORE
        for frame in frames:
            (answer,) = dialect.read_at_host(frame)
            found = reader.take(frame if reader.wants_frames else answer.body)  # type: ignore[union-attr]
        items = (dialect.layout(name) or {})["reply"].get("forms", [{}])[0].get("items")
        if found is None or (items is not None and len(items["forms"]) > 1):
            return {}  # the templates name the items
        if has_fields(type(found)) or (isinstance(found, list) and found and has_fields(type(found[0]))):
            return flat(name, found)
        return flat(f"{name}.{self._result_name(name)}", found)

    def _result_name(self, name: str) -> str:
        layout = self.declaration.dialect.layout(name) or {}
        for form in layout["reply"].get("forms", ()):
            inner = [
                *form["frames"],
                *(each for it in (form["items"] or {}).get("forms", ()) for each in it["frames"]),
            ]
            for frame in inner:
                for part in frame["parts"]:
                    is_value = "is" not in part and part.get("of") != "request"
                    if is_value and ("list" in part or "field" in part):
                        return str(part.get("field", part.get("list")))
        return "result"

    @staticmethod
    def _named(name: str, values: dict[str, Any]) -> Fields:
        found: Fields = {}
        for each, value in values.items():
            found.update(flat(f"{name}.{each}", value))
        return found


def flat(path: str, value: Any) -> Fields:
    """Return the values in a value by their paths."""
    found: Fields = {}
    if has_fields(type(value)):
        for each in fields_of(type(value)):
            found.update(flat(f"{path}.{each.name}", getattr(value, each.name)))
    elif isinstance(value, list | tuple):
        for item in value:
            for inner, several in flat(path, item).items():
                found.setdefault(inner, []).extend(several)
    elif isinstance(value, dict):
        return flat(path, [*value.values()])
    elif isinstance(value, Enum):
        return {path: [value.value]}
    elif value is not None:
        return {path: [value]}
    return found


def as_shown(value: Any, text: str) -> Any:
    """Return a value of tshark as the type of the one that was sent."""
    if isinstance(value, bool):
        return text in ("1", "True")
    if isinstance(value, int):
        return int(text, 0)
    if isinstance(value, float):
        return pytest.approx(float(text), rel=1e-4, abs=1e-30)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes.fromhex(text.replace(":", ""))
    return text


def check(said: Said, shown: Sequence[Shown]) -> None:
    """Compare a message with what tshark shows of its frames."""
    assert [(said.kind, said.name)] * len(shown) == [(each.kind, each.message) for each in shown], said
    merged: dict[str, list[str]] = {}
    for each in shown:
        problems = [text for text in each.experts if said.kind != "fault"]
        assert [] == problems, said
        for path, texts in each.fields.items():
            merged.setdefault(path, []).extend(texts)
    for path, values in said.fields.items():
        texts = merged.get(path, []) or merged.get(f"{path}_text", [])
        assert len(values) == len(texts), (path, said, merged)
        for value, text in zip(values, texts, strict=True):
            assert value == as_shown(value, text), (path, said)


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


WAYS: dict[str, Callable[[Capture, int, Sequence[list[Said]]], list[Said]]] = {
    "whole": whole,
    "cut": cut,
    "glued": glued,
}
"""The ways in which TCP brings messages."""
