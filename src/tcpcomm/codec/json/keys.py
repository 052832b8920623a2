"""Where things stand in the messages of :class:`~tcpcomm.codec.Json`, and how replies are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, fields_of, type_text
from tcpcomm.codec.base import MISSING, MessageSpec, ReplyReader
from tcpcomm.codec.json.faults import code_of, data_of, reason_of
from tcpcomm.codec.json.parameters import Parameters, Shapes
from tcpcomm.codec.json.value_types import Shape
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["JsonReplyReader", "Keys", "Plan", "check_word", "holds", "plan_of"]


@frozen
class Keys:
    """The keys of all that a message can hold; :class:`~tcpcomm.codec.Json` tells what each means."""

    command: str = "cmd"
    parameters: str | None = field(default=None, kw_only=True)
    id: str | None = field(default=None, kw_only=True)
    result: str | None = field(default="result", kw_only=True)
    fault: str | None = field(default="error", kw_only=True)
    code: str = field(default="code", kw_only=True)
    reason: str | None = field(default="reason", kw_only=True)
    data: str | None = field(default="data", kw_only=True)
    event: str = field(default="event", kw_only=True)
    success: Mapping[str, Any] = field(factory=dict, kw_only=True)
    failure: Mapping[str, Any] = field(factory=dict, kw_only=True)
    echo: bool = field(default=False, kw_only=True)
    ignore: tuple[str, ...] = field(default=(), kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = []
        if self.fault is None and not (self.success or self.failure):
            problems.append(
                "with fault=None nothing would tell a fault from a result: say what every reply that is "
                'none holds, such as success={"status": "OK"}'
            )
        elif self.fault == self.result and not (self.success or self.failure):
            problems.append(f"results and faults have the key {self.fault!r} both: use another for one")
        for message, keys in self._keys().items():
            present = [key for key in (*keys, *self.ignore) if key is not None]
            for key in dict.fromkeys(key for key in present if present.count(key) > 1):
                problems.append(f"two things have the key {key!r} in {message}")
        if problems:
            raise ConfigurationError("; ".join(problems))

    def _keys(self) -> dict[str, list[str | None]]:
        """The keys of each kind of message."""
        echo = [self.command] if self.echo else []
        if not (self.echo and self.event == self.command):
            echo = [*echo, self.event]  # no reply may hold it, for it would be taken for an event
        fault = [self.fault] if self.fault is not None else [self.code, self.reason, self.data]
        return {
            "a command": [self.command, self.parameters, self.id],
            "an event": [self.event, self.parameters],
            "a reply": [*echo, self.id, self.result, *self.success],
            "a fault": [*echo, self.id, *fault, *self.failure],
        }

    @property
    def reply_keys(self) -> set[str | None]:
        """The keys of a reply that are not its result's own."""
        own = {self.id, self.fault, self.event, *self.success, *self.failure, *self.ignore}
        return own | {self.command} if self.echo else own


@frozen
class Plan:
    """One form, compiled."""

    form: MessageSpec
    word: int | str
    parameters: Parameters
    result: Shape
    key: str | None
    """Under which its result stands; None: its fields stand in the reply."""
    reply_keys: frozenset[str]
    """The keys of its result in the reply: this one, or those of its fields."""


def plan_of(codec: Keys, form: MessageSpec, shapes: Shapes) -> Plan:
    word = shapes.name_of(form.name) if form.wire is MISSING else form.wire
    if type(word) not in (str, int):
        raise ConfigurationError(
            f"{form.where}: its word in JSON is text or a whole number, not {brief_repr(word)}"
        )
    check_word(form.where, word)
    parameters = Parameters(form.parameters, shapes, form.where)
    if codec.parameters is None:
        taken = {codec.event if form.is_event else codec.command, codec.id, *codec.ignore}
        for name, parameter in zip(parameters.keys, form.parameters, strict=True):
            if name in taken:
                raise ConfigurationError(
                    f"{form.where}: parameter {parameter.name}: the key {name!r} means something else; "
                    'rename it, or give the parameters an object of their own: Json(parameters="params")'
                )
    try:
        result = shapes.of(form.result)
    except ConfigurationError as error:
        raise ConfigurationError(f"{form.where}: its result: {error}") from None
    key: Any = codec.result if form.reply is MISSING else form.reply
    if key is not None and type(key) is not str:
        raise ConfigurationError(f"{form.where}: reply is the key of its result, not {brief_repr(key)}")
    if form.reply is MISSING and key is None and form.result is not None:
        _check_flat(codec, form, shapes)
    if key is not None and ("{" in key or "}" in key):
        raise ConfigurationError(
            f"{form.where}: reply is the key of its result, not a template: {brief_repr(key)}"
        )
    if key is not None and key in codec.reply_keys:
        raise ConfigurationError(
            f"{form.where}: the key {key!r} of its result means something else already"
        )
    fields = () if key is not None or form.result is None else fields_of(bare_type(form.result))
    reply_keys = {shapes.name_of(each.name) for each in fields} if key is None else {key}
    return Plan(form, word, parameters, result, key, frozenset(reply_keys))


def check_word(where: str, word: int | str) -> None:
    """Raise ConfigurationError if a template stands in place of a command's word."""
    if isinstance(word, str) and ("{" in word or "}" in word):
        first = re.match(r"\w*", word)
        example = first[0] if first else ""
        raise ConfigurationError(
            f"{where}: a JSON command is a word; its parameters are keys: write {example!r}, not {word!r}"
        )


def _check_flat(codec: Keys, form: MessageSpec, shapes: Shapes) -> None:
    """A result whose fields stand in the reply needs fields, and they must not collide."""
    cls = bare_type(form.result)
    if not (isinstance(cls, type) and attrs.has(cls)):
        raise ConfigurationError(
            f"{form.where}: its result, {type_text(cls)}, has no fields that could stand in the reply: "
            'give it a key, as in reply="value", or return an attrs class'
        )
    for each in fields_of(cls):
        if shapes.name_of(each.name) in codec.reply_keys:
            raise ConfigurationError(
                f"{form.where}: its result's field {each.name} has a key that means something else already"
            )


@frozen
class JsonReplyReader(ReplyReader):
    codec: Keys
    plan: Plan

    def take(self, body: Any) -> Any:
        codec, plan = self.codec, self.plan
        message: dict[str, Any] = dict(body)
        if self._is_fault(message):
            raise self._fault(message)
        if codec.echo:
            self._check_echo(message)
        for key in codec.success:
            del message[key]
        if codec.fault is not None:
            message.pop(codec.fault, None)  # null, as some programs write beside a result
        if plan.key is None:
            return plan.result.read(self._flat(message))
        value = message.pop(plan.key, MISSING)
        if message:
            raise unknown(min(message))
        if value is MISSING:
            if plan.form.result is None:
                return None
            raise missing(plan.key)
        try:
            return plan.result.read(value)
        except CodecError as error:
            raise inside(plan.key, error) from None

    def _flat(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The result's own members; None where the command has no result."""
        if self.plan.form.result is not None:
            return message
        if message:
            raise unknown(min(message))
        return None

    def _check_echo(self, message: dict[str, Any]) -> None:
        word = message.pop(self.codec.command, MISSING)
        if word is MISSING:
            raise missing(self.codec.command)
        if type(word) is not type(self.plan.word) or word != self.plan.word:
            raise CodecError(
                f"is {brief_repr(word)}: that is no reply to {self.plan.word!r}", self.codec.command
            )

    def _is_fault(self, message: Mapping[str, Any]) -> bool:
        if self.codec.success:
            return not holds(message, self.codec.success)
        if self.codec.failure:
            return holds(message, self.codec.failure)
        return message.get(self.codec.fault or "") is not None

    def _fault(self, message: dict[str, Any]) -> Fault | CodecError:
        codec = self.codec
        if codec.echo and codec.command in message:
            self._check_echo(message)
        for key, value in codec.failure.items():
            if key not in message:
                return missing(key)
            found = message.pop(key)
            if type(found) is not type(value) or found != value:
                return inside(key, wrong(brief_repr(value), found))
        if codec.fault is None:
            return self._fault_in(message)
        if message.get(self.plan.key or "", MISSING) is None:
            del message[self.plan.key or ""]  # null, as some programs write beside a fault
        if codec.fault not in message:
            return missing(codec.fault)
        parts = message.pop(codec.fault)
        if message:
            return unknown(min(message))
        if codec.reason is None:
            return Fault(code_of(parts, codec.fault))
        if type(parts) is not dict:
            return inside(codec.fault, wrong("an object", parts))
        try:
            return self._fault_in(dict(parts))
        except CodecError as error:
            return inside(codec.fault, error)

    def _fault_in(self, parts: dict[str, Any]) -> Fault:
        codec = self.codec
        if codec.code not in parts:
            raise missing(codec.code)
        code = code_of(parts.pop(codec.code), codec.code)
        reason, data = "", None
        if codec.reason is not None and parts.get(codec.reason) is not None:
            reason = reason_of(parts.pop(codec.reason), codec.reason)
        if codec.data is not None:
            data = data_of(parts.pop(codec.data, None), codec.data)
        parts.pop(codec.reason or "", None)
        if parts:
            raise unknown(min(parts))
        return Fault(code, reason, data)


def holds(message: Mapping[str, Any], marks: Mapping[str, Any]) -> bool:
    """Whether a message holds all marks; True is not 1 there."""
    return all(
        type(message.get(key)) is type(value) and message[key] == value for key, value in marks.items()
    )
