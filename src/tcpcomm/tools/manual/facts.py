"""The facts of a piece of equipment, as plain values: :func:`facts_of`."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from enum import Enum
from random import Random
from typing import Any, get_args

import attrs

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields
from tcpcomm.codec.base import MISSING, Dialect, Field, ProtocolErrorKind, Request
from tcpcomm.codec.ranges import limits_of
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment
from tcpcomm.equipment.messages import Command, DeclaredEvent
from tcpcomm.equipment.samples import SAMPLE_ID, Samples
from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing import Framing, format_framing
from tcpcomm.tools.manual.values import jsonable, type_name


def facts_of(declaration: Declaration, *, seed: object = 0) -> dict[str, Any]:
    """Return all facts of a declaration, in types that JSON has. The seed is for the examples."""
    return _Manual(declaration, declaration.dialect, Samples(declaration), seed).facts()


@attrs.frozen
class _Manual:
    _declaration: Declaration
    _dialect: Dialect
    _samples: Samples
    _seed: object

    def facts(self) -> dict[str, Any]:
        it = self._declaration
        kind: type[Any] = it.kind
        doc = inspect.getdoc(kind) or ""
        return {
            "name": it.name,
            "module": kind.__module__,
            "doc": "" if doc == inspect.getdoc(Equipment) else doc,
            "from_host": _framing(kind.framing),
            "from_equipment": _framing(kind.reply_framing or kind.framing),
            "gap": it.gap,
            "codec": type(kind.codec).__name__,
            "encoding": getattr(kind.codec, "encoding", None),
            "rules": self._dialect.rules(),
            "replies_carry_ids": self._dialect.by_id,
            "header_values": [_parameter(each) for each in self._dialect.header_values.values()],
            "commands_at_once": it.pipeline,
            "quiet": it.quiet,
            "heartbeat": it.heartbeat,
            "heartbeat_while_busy": it.heartbeat_while_busy,
            "greeting": it.greeting,
            "login": [attrs.asdict(step) for step in it.login],
            **({} if it.ready_when is None else {"ready_when": it.ready_when}),
            "commands": [self._command(each) for each in it.commands.values()],
            "events": [self._event(each) for each in it.events.values()],
            "faults": self._faults(),
            "types": [_type(each) for each in self._types()],
        }

    def _command(self, command: Command) -> dict[str, Any]:
        notation = self._dialect.notation(command.name)
        return {
            "name": command.name,
            "doc": command.doc,
            "request": notation.request,
            "replies": _replies(command, notation.replies),
            "faults": list(notation.faults),
            "layout": self._layout(command),
            "parameters": [_parameter(each) for each in command.spec.parameters],
            "result": type_name(command.spec.result),
            "timeout": command.timeout if command.has_reply else None,
            "idempotent": command.idempotent,
            **({"interim": dict(command.interim)} if command.interim else {}),
            **({} if command.reply_framing is None else {"framing": _framing(command.reply_framing)}),
            **_states(command),
            "example": self._exchange(command),
        }

    def _layout(self, command: Command) -> dict[str, Any] | None:
        layout = self._dialect.layout(command.name)
        if layout is None or not command.is_silent:
            return layout
        return {**layout, "reply": {"silence": command.timeout}}

    def _exchange(self, command: Command) -> dict[str, Any]:
        random = Random(f"{self._seed} {command.name}")
        values = self._samples.values(command.name, random)
        asked = self._dialect.request(command.name, values, SAMPLE_ID)
        messages = [self._message("host", asked)]
        two = self._dialect.two_requests(command.name, values)
        if two is not None:
            opened = self._dialect.first_requests[f"{command.name}, first request"]
            messages += [self._message("equipment", opened), self._message("host", two.second)]
        result = None
        if command.has_reply:
            result = self._samples.result(command.name, random, values)
            request = Request(command.name, values, SAMPLE_ID)
            begun = self._dialect.acknowledgement(request)
            answered = [] if command.is_silent else self._dialect.reply(request, result)
            frames = [*([] if begun is None else [begun]), *answered]
            frames = self._declaration.framed(command.name, frames)
            messages += [self._message("equipment", frame) for frame in frames]
        return {"values": _members(values), "result": jsonable(result), "messages": messages}

    def _event(self, event: DeclaredEvent) -> dict[str, Any]:
        values = self._samples.event(event.name, Random(f"{self._seed} {event.name}"))
        frame = self._dialect.event(event.name, values)
        return {
            "name": event.name,
            "doc": event.doc,
            "wire": self._dialect.notation(event.name).request,
            "layout": self._dialect.layout(event.name),
            "parameters": [_parameter(each) for each in event.spec.parameters],
            **_states(event),
            "example": {"values": _members(values), "messages": [self._message("equipment", frame)]},
        }

    def _faults(self) -> dict[str, Any] | None:
        can_fail = self._dialect.can_fail
        commands = [each.name for each in self._declaration.commands.values() if each.has_reply]
        name = next(filter(can_fail, commands), None)
        if name is None or not self._dialect.has_faults:
            return None
        fault = self._samples.fault(name, Random(f"{self._seed} fault"))
        frame = self._dialect.fault(Request(name, {}, SAMPLE_ID), fault)
        return {
            "form": self._dialect.fault_notation(),
            "layout": self._dialect.fault_layout(),
            "example": {
                "code": fault.code,
                "reason": fault.reason,
                "answers": name,
                "messages": [self._message("equipment", frame)],
            },
            "meanings": [
                {"code": code, "meaning": words} for code, words in self._dialect.meanings.items()
            ],
            "protocol_errors": [
                {"code": self._dialect.fault_for(each, "").code, "meaning": each.value}
                for each in ProtocolErrorKind
                if each is not ProtocolErrorKind.WRONG_STATE or self._declaration.has_states
            ],
        }

    def _message(self, sender: str, frame: bytes) -> dict[str, str]:
        """Return a frame with its framing, as text and in hex."""
        framing = self._declaration.received if sender == "host" else self._declaration.sent
        problem = {}
        try:
            wire = framing.encode(frame)
        except EncodeError as error:  # a frame of fixed size has no room for such a fault
            wire, problem = frame, {"problem": f"the framing cannot carry it: {error}"}
        text = wire.decode(self._declaration.encoding, "surrogateescape")
        return {"from": sender, "text": "".join(map(_visible, text)), "hex": wire.hex(" "), **problem}

    def _types(self) -> list[type]:
        """Return the classes in the declaration's annotations, each once, in the order of their use."""
        found: dict[type, None] = {}
        for spec in self._declaration.specs().values():
            for annotation in (*(field.type for field in spec.parameters), spec.result):
                _add_classes(annotation, found)
        return list(found)


def _replies(command: Command, replies: Sequence[str]) -> list[str]:
    return [f"(nothing within {command.timeout:g} s, or a fault)"] if command.is_silent else list(replies)


def _states(message: Command | DeclaredEvent) -> dict[str, list[str]]:
    """Return the states that allow or forbid a message, and that it enters and leaves, if there are any."""
    if message.states is None:
        return {}
    names = ("needs", "not_in", "enters", "leaves")
    found = {name: sorted(getattr(message.states, name)) for name in names}
    return {name: states for name, states in found.items() if states}


def _framing(framing: Framing) -> dict[str, str | None]:
    try:
        notation = format_framing(framing)
    except ConfigurationError:  # a user's own framing, or one with a function
        notation = None
    return {"notation": notation, "python": str(framing)}


def _visible(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is not text
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character == "\\" or not character.isprintable():
        return character.encode("unicode_escape").decode("ascii")
    return character


def _parameter(field: Field) -> dict[str, Any]:
    known = {"name": field.name, "type": type_name(field.type), **_limits(field.type)}
    return known if field.default is MISSING else {**known, "default": jsonable(field.default)}


def _limits(annotation: Any) -> dict[str, Any]:
    """Return the unit and the range of a number, those that it has."""
    limits = limits_of(annotation)
    if limits is None:
        return {}
    named = {"unit": limits.unit or None, "low": jsonable(limits.low), "high": jsonable(limits.high)}
    return {name: value for name, value in named.items() if value is not None}


def _members(values: dict[str, Any]) -> dict[str, Any]:
    return {name: jsonable(value) for name, value in values.items()}


def _add_classes(annotation: Any, found: dict[type, None]) -> None:
    """Add the classes and enumerations in an annotation, and those in their fields."""
    annotation = bare_type(annotation)
    for each in get_args(annotation):
        _add_classes(each, found)
    if not isinstance(annotation, type) or annotation in found:
        return
    if issubclass(annotation, Enum):
        found[annotation] = None
    elif has_fields(annotation):
        found[annotation] = None
        for field in fields_of(annotation):
            _add_classes(field.type, found)


def _type(cls: type) -> dict[str, Any]:
    doc = inspect.cleandoc(vars(cls).get("__doc__") or "")
    if dataclasses.is_dataclass(cls) and doc.startswith(f"{cls.__name__}("):
        doc = ""  # Python made it of the annotations
    if issubclass(cls, Enum):
        members = [{"name": name, "value": jsonable(each.value)} for name, each in cls.__members__.items()]
        return {"name": cls.__name__, "doc": doc, "members": members}
    return {"name": cls.__name__, "doc": doc, "fields": [_parameter(each) for each in fields_of(cls)]}
