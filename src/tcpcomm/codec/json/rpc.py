"""
:class:`JsonRpc`: JSON-RPC 2.0, with ids, notifications, batches and error objects.

Source: the JSON-RPC 2.0 Specification, https://www.jsonrpc.org/specification. Commands are its methods;
those without a reply, and events, are its notifications.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from attrs import field, frozen

from tcpcomm.codec.base import (
    MISSING,
    Answer,
    Asked,
    Batch,
    Codec,
    Dialect,
    Event,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
)
from tcpcomm.codec.json.faults import TROUBLE_CODES, data_of, reason_of
from tcpcomm.codec.json.keys import check_word
from tcpcomm.codec.json.naming import NAMINGS, Naming
from tcpcomm.codec.json.parameters import Parameters, Shapes
from tcpcomm.codec.json.text import JsonText
from tcpcomm.codec.json.value_types import Shape
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.codec.random_values import draw
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["JsonRpc"]


@frozen
class JsonRpc(Codec):
    """
    JSON-RPC 2.0, as StreamJsonRpc, jayson and vscode-jsonrpc speak it.

    Parameters are read by name and by position. Other members of a message than those of the standard are
    skipped, for some programs add their own; within parameters and results they are refused.

    Args:
        by_position: whether parameters are sent as a list and not as an object.
        naming: how names in Python become names on the wire: ``as written``, ``camel`` (partCount) or
            ``pascal`` (PartCount).
        ascii: whether characters beyond ASCII are sent as ``\\uXXXX``.

    Raises:
        ConfigurationError: there is no such naming.
    """

    by_position: bool = field(default=False, kw_only=True)
    naming: Naming = field(default="as written", kw_only=True)
    ascii: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.naming not in NAMINGS:
            raise ConfigurationError(f"naming must be one of {', '.join(NAMINGS)}, not {self.naming!r}")

    def bind(self, forms: Sequence[MessageSpec]) -> Dialect:
        shapes = Shapes(self.naming)
        plans: dict[str, _Plan] = {}
        methods: dict[str, _Plan] = {}
        for form in forms:
            plan = _plan(form, shapes)
            other = methods.setdefault(plan.method, plan)
            if other is not plan:
                raise ConfigurationError(
                    f"{form.where}: {other.form.where} has the method {plan.method!r} already"
                )
            plans[form.name] = plan
        return _JsonRpcDialect(self, plans)


@frozen
class _Plan:
    """One form, compiled."""

    form: MessageSpec
    method: str
    parameters: Parameters
    result: Shape


def _plan(form: MessageSpec, shapes: Shapes) -> _Plan:
    method = shapes.name_of(form.name) if form.wire is MISSING else form.wire
    if type(method) is not str:
        raise ConfigurationError(f"{form.where}: a method of JSON-RPC is text, not {brief_repr(method)}")
    check_word(form.where, method)
    if method.startswith("rpc."):
        raise ConfigurationError(
            f"{form.where}: {method!r}: JSON-RPC keeps the names that begin with rpc. to itself"
        )
    if form.reply is not MISSING and form.reply is not None:
        raise ConfigurationError(
            f"{form.where}: JSON-RPC rules what a reply looks like, so reply can only be None, "
            f"not {brief_repr(form.reply)}"
        )
    try:
        result = shapes.of(form.result)
    except ConfigurationError as error:
        raise ConfigurationError(f"{form.where}: its result: {error}") from None
    return _Plan(form, method, Parameters(form.parameters, shapes, form.where), result)


class _JsonRpcDialect(Dialect):
    by_id = True

    def __init__(self, codec: JsonRpc, plans: Mapping[str, _Plan]) -> None:
        self._codec = codec
        self._text = JsonText("utf-8", codec.ascii)
        self._plans = plans
        self._commands = {plan.method: plan for plan in plans.values() if not plan.form.is_event}
        self._events = {plan.method: plan for plan in plans.values() if plan.form.is_event}

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        plan = self._plans[name]
        message = self._call(plan, values)
        if plan.form.reply is not None:
            message["id"] = id
        return self._text.write(message)

    def _call(self, plan: _Plan, values: Mapping[str, Any]) -> dict[str, Any]:
        written = plan.parameters.write(values)
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": plan.method}
        if written:
            message["params"] = [*written.values()] if self._codec.by_position else written
        return message

    def reply_reader(self, name: str) -> ReplyReader | None:
        plan = self._plans[name]
        return None if plan.form.reply is None else _JsonRpcReplyReader(plan)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        message = self._text.read(frame)
        if type(message) is not list:
            return (self._read_one(message),)
        if not message:
            raise CodecError("it is an empty batch")
        found = []
        for index, each in enumerate(message):
            try:
                found.append(self._read_one(each))
            except CodecError as error:
                raise inside(f"[{index}]", error) from None
        return found

    def _read_one(self, message: Any) -> Event | Answer:
        _check_version(message)
        if "method" not in message:
            if ("result" in message) == ("error" in message):
                raise CodecError("it has neither a method nor exactly one of result and error")
            return Answer(message, _id_of(message))
        method = message["method"]
        plan = self._events.get(method) if type(method) is str else None
        if plan is None:
            raise CodecError(f"there is no event {brief_repr(method)}", "method")
        if "id" in message:
            raise CodecError("an event has none, for it is not answered", "id")
        return Event(plan.form.name, _parameters(plan, message))

    # -- the equipment's side ---------------------------------------------------------------------------

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            message = self._text.read(frame)
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.UNREADABLE, problem)
        if type(message) is not list:
            return self._read_request(message)
        if not message:
            return Refusal(ProtocolErrorKind.MALFORMED, CodecError("it is an empty batch"))
        return Batch([self._read_request(each) for each in message])

    def _read_request(self, message: Any) -> Request | Refusal:
        id = name = None
        wants_reply = True
        foreign = False
        error_kind = ProtocolErrorKind.MALFORMED
        try:
            _check_version(message)
            foreign = "method" not in message and ("result" in message or "error" in message)
            id = _id_of(message)
            if "method" not in message:
                raise missing("method")
            method = message["method"]
            if type(method) is not str:
                raise inside("method", wrong("text", method))
            if type(message.get("params", [])) not in (dict, list):
                raise inside("params", wrong("an object or a list", message["params"]))
            wants_reply = "id" in message
            plan = self._commands.get(method)
            if plan is None:
                error_kind = ProtocolErrorKind.UNKNOWN_COMMAND
                foreign = method in self._events
                raise CodecError(f"there is no command {brief_repr(method)}", "method")
            name = plan.form.name
            error_kind = ProtocolErrorKind.BAD_PARAMETERS
            return Request(name, _parameters(plan, message), id, wants_reply)
        except CodecError as problem:
            return Refusal(error_kind, problem, name, id, wants_reply, foreign)

    def reply(self, request: Request, result: Any) -> list[bytes]:
        written = self._plans[request.name].result.write(result)
        return [self._text.write({"jsonrpc": "2.0", "result": written, "id": request.id})]

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        if type(fault.code) is not int:
            raise inside("code", wrong("a whole number, as JSON-RPC demands it", fault.code))
        error = {"code": fault.code, "message": reason_of(fault.reason, "reason")}
        if fault.data is not None:
            error["data"] = data_of(fault.data, "data")
        return self._text.write({"jsonrpc": "2.0", "error": error, "id": request.id})

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return Fault(TROUBLE_CODES[kind], reason)

    def join(self, replies: Sequence[bytes]) -> bytes:
        return b"[" + b",".join(replies) + b"]"

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        return self._text.write(self._call(self._plans[name], values))

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        return self._plans[name].parameters.draw(random)

    def draw_result(self, name: str, random: Random) -> Any:
        return draw(self._plans[name].form.result, random)

    def notation(self, name: str) -> Notation:
        plan = self._plans[name]
        parts = ['"jsonrpc": "2.0"', f'"method": "{plan.method}"']
        labels = plan.parameters.labels
        if labels and self._codec.by_position:
            parts.append(f'"params": [{", ".join(labels.values())}]')
        elif labels:
            members = ", ".join(f'"{key}": {label}' for key, label in labels.items())
            parts.append(f'"params": {{{members}}}')
        if plan.form.is_event or plan.form.reply is None:
            return Notation(f"{{{', '.join(parts)}}}")
        reply = f'{{"jsonrpc": "2.0", "result": {plan.result.label}, "id": id}}'
        return Notation(f'{{{", ".join(parts)}, "id": id}}', (reply,))

    def fault_notation(self) -> str:
        error = '{"code": whole number, "message": "text", "data": any, or left out}'
        return f'{{"jsonrpc": "2.0", "error": {error}, "id": id}}'


def _check_version(message: Any) -> None:
    if type(message) is not dict:
        raise wrong("an object", message)
    if "jsonrpc" not in message:
        raise missing("jsonrpc")
    if message["jsonrpc"] != "2.0":
        raise inside("jsonrpc", wrong('"2.0"', message["jsonrpc"]))


def _id_of(message: Mapping[str, Any]) -> Any:
    """The id: text, a number, or null (section 4). A number may have decimals, though it should not."""
    id = message.get("id")
    if id is not None and type(id) not in (int, str, float):
        raise inside("id", wrong("text, a number or null", id))
    if id in (float("inf"), float("-inf")):
        raise inside("id", wrong("a finite number", id))
    return id


def _parameters(plan: _Plan, message: Mapping[str, Any]) -> dict[str, Any]:
    members = message.get("params", {})
    try:
        if type(members) is list:
            return plan.parameters.read_list(members)
        if type(members) is not dict:
            raise wrong("an object or a list", members)
        return plan.parameters.read(members)
    except CodecError as error:
        raise inside("params", error) from None


@frozen
class _JsonRpcReplyReader(ReplyReader):
    plan: _Plan

    def take(self, body: Any) -> Any:
        if "error" in body:
            raise _fault(body["error"])
        try:
            return self.plan.result.read(body["result"])
        except CodecError as error:
            raise inside("result", error) from None


def _fault(error: Any) -> Fault | CodecError:
    """The fault in an error object (section 5.1)."""
    if type(error) is not dict:
        return inside("error", wrong("an object", error))
    for key, kind, words in (("code", int, "a whole number"), ("message", str, "text")):
        if key not in error:
            return inside("error", missing(key))
        if type(error[key]) is not kind:
            return inside(f"error.{key}", wrong(words, error[key]))
    others = error.keys() - {"code", "message", "data"}
    if others:
        return inside("error", unknown(min(others)))
    return Fault(error["code"], error["message"], error.get("data"))
