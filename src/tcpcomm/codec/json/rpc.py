"""
:class:`JsonRpc`: JSON-RPC 2.0, with ids, notifications, batches and error objects.

Source: the JSON-RPC 2.0 Specification, https://www.jsonrpc.org/specification. Commands are its methods.
Commands without a reply, and events, are its notifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

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
from tcpcomm.codec.json.messages import (
    JsonDialectBase,
    JsonMessage,
    compile_messages,
    compile_result,
    leaf_of,
    word_of,
)
from tcpcomm.codec.json.parameters import Naming, Parameters, ValueTypes
from tcpcomm.codec.json.text import JsonText, TooManyElements
from tcpcomm.codec.limits import MAX_BATCH, MAX_VALUES, positive
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.codec.value_forms import form_of
from tcpcomm.errors import CodecError, ConfigurationError, Fault

_VERSION: Final[Mapping[str, Any]] = {"key": "jsonrpc", "always": "2.0"}
_ID: Final[Mapping[str, Any]] = {"key": "id", "is": "id"}
"""Members of messages as plain data."""

_ANSWER: Final = frozenset(("result", "error"))
"""The members of which an answer has one."""


@frozen
class JsonRpc(Codec):
    """
    JSON-RPC 2.0, as StreamJsonRpc, jayson and vscode-jsonrpc speak it.

    Parameters are read by name and by position. Unknown members of a message are skipped, because some
    programs add their own. Within parameters and results they are refused.

    Args:
        by_position: whether parameters are sent as a list and not as an object.
        naming: how names in Python become names on the wire: ``as written``, ``camel`` (partCount) or
            ``pascal`` (PartCount).
        ascii: whether characters beyond ASCII are sent as ``\\uXXXX``.
        max_batch: the most messages of a batch. A longer batch is refused as a whole, by one error.
        max_values: the most values of a frame. Each comma, ``[`` and ``{`` outside of texts counts as one.

    Raises:
        ConfigurationError: the naming is unknown, or the limit is not positive.
    """

    by_position: bool = field(default=False, kw_only=True)
    naming: Naming = field(default="as written", kw_only=True)
    ascii: bool = field(default=False, kw_only=True)
    max_batch: int = field(default=MAX_BATCH, kw_only=True, validator=positive)
    max_values: int = field(default=MAX_VALUES, kw_only=True, validator=positive)

    def __attrs_post_init__(self) -> None:
        ValueTypes(self.naming)

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        types = ValueTypes(self.naming)
        messages = compile_messages(specs, partial(_compiled, types), "method")
        return _JsonRpcDialect(self, messages)


def _compiled(types: ValueTypes, spec: MessageSpec) -> JsonMessage:
    method = word_of(spec, types, (str,), "a method of JSON-RPC must be text")
    if method.startswith("rpc."):
        raise ConfigurationError(
            f"{method!r}: JSON-RPC reserves names that begin with rpc.: use another name"
        )
    if spec.reply is not MISSING and spec.reply is not None:
        raise ConfigurationError(
            f"JSON-RPC defines the form of replies, so reply can only be None, not {brief_repr(spec.reply)}"
        )
    return JsonMessage(spec, method, Parameters(spec.parameters, types), compile_result(spec, types))


class _JsonRpcDialect(JsonDialectBase[JsonMessage]):
    by_id = True

    def __init__(self, codec: JsonRpc, messages: Sequence[JsonMessage]) -> None:
        super().__init__(JsonText("utf-8", codec.ascii, codec.max_values), messages, {}, codec.naming)
        self._commands = {each.word: each for each in messages if not each.spec.is_event}
        self._events = {each.word: each for each in messages if each.spec.is_event}
        self._by_position = codec.by_position
        self._max_batch = codec.max_batch

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        command = self._messages[name]
        message = self._call(command, values)
        if command.spec.reply is not None:
            message["id"] = id
        return self._text.write(message)

    def _call(self, called: JsonMessage, values: Mapping[str, Any]) -> dict[str, Any]:
        written = called.parameters.write(values)
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": called.word}
        if written:
            message["params"] = [*written.values()] if self._by_position else written
        return message

    def reply_reader(self, name: str) -> ReplyReader | None:
        command = self._messages[name]
        return None if command.spec.reply is None else _JsonRpcReplyReader(command)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        batch = self._read_batch(frame) if self._text.may_be_list(frame) else None
        if batch is None:
            return (self._read_one(self._text.read(frame)),)
        found = []
        for index, each in enumerate(batch):
            try:
                found.append(self._read_one(self._text.read_text(each)))
            except CodecError as error:
                raise inside(f"[{index}]", error) from None
        return found

    def _read_batch(self, frame: bytes) -> list[str] | None:
        """Return the texts of the messages in a batch, or None if the frame is not a batch."""
        try:
            batch = self._text.read_list(frame, self._max_batch)
        except TooManyElements:
            raise _WrongLength(
                f"a batch may have {self._max_batch} messages (max_batch): send fewer at once"
            ) from None
        if batch == []:
            raise _WrongLength("the batch is empty")
        return batch

    def _read_one(self, message: Any) -> Event | Answer:
        _check_version(message)
        if "method" not in message:
            if ("result" in message) == ("error" in message):
                raise CodecError("needs a method, or either a result or an error")
            return Answer(message, _id_of(message))
        method = message["method"]
        event = self._events.get(method) if type(method) is str else None
        if event is None:
            raise CodecError(f"there is no event {brief_repr(method)}", "method")
        if "id" in message:
            raise CodecError("an event must not have one, because nobody answers it", "id")
        return Event(event.spec.name, _parameters(event, message))

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            batch = self._read_batch(frame) if self._text.may_be_list(frame) else None
            if batch is None:
                return self._read_request(self._text.read(frame))
        except _WrongLength as problem:
            return Refusal(ProtocolErrorKind.MALFORMED, problem)
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.UNREADABLE, problem)
        return Batch(_Requests(batch, self._read_text))

    def _read_text(self, text: str) -> Request | Refusal:
        try:
            return self._read_request(self._text.read_text(text))
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.UNREADABLE, problem)

    def _read_request(self, message: Any) -> Request | Refusal:
        id = name = None
        wants_reply = True
        foreign = False
        kind = ProtocolErrorKind.MALFORMED
        try:
            if type(message) is dict and "method" not in message and not message.keys().isdisjoint(_ANSWER):
                # Two servers must not answer each other's answers, without end.
                foreign, wants_reply = True, False
                raise CodecError("it is an answer, and this end has asked nothing")
            _check_version(message)
            id = _id_of(message)
            if "method" not in message:
                raise missing("method")
            method = message["method"]
            if type(method) is not str:
                raise inside("method", wrong("text", method))
            if type(message.get("params", [])) not in (dict, list):
                raise inside("params", wrong("an object or a list", message["params"]))
            wants_reply = "id" in message
            command = self._commands.get(method)
            if command is None:
                kind = ProtocolErrorKind.UNKNOWN_COMMAND
                foreign = method in self._events
                raise CodecError(f"there is no command {brief_repr(method)}", "method")
            name = command.spec.name
            kind = ProtocolErrorKind.BAD_PARAMETERS
            return Request(name, _parameters(command, message), id, wants_reply)
        except CodecError as problem:
            return Refusal(kind, problem, name, id, wants_reply, foreign)

    def reply(self, request: Request, result: Any) -> list[bytes]:
        written = self._messages[request.name].result.write(result)
        return [self._text.write({"jsonrpc": "2.0", "result": written, "id": request.id})]

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        if type(fault.code) is not int:
            raise inside("code", wrong("a whole number in JSON-RPC", fault.code))
        error = {"code": fault.code, "message": leaf_of(str, fault.reason, "reason")}
        if fault.data is not None:
            error["data"] = leaf_of(Any, fault.data, "data")
        return self._text.write({"jsonrpc": "2.0", "error": error, "id": request.id})

    def join(self, replies: Sequence[bytes]) -> bytes:
        return b"[" + b",".join(replies) + b"]"

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        return self._text.write(self._call(self._messages[name], values))

    def notation(self, name: str) -> Notation:
        called = self._messages[name]
        parts = ['"jsonrpc": "2.0"', f'"method": "{called.word}"']
        labels = called.parameters.labels
        if labels and self._by_position:
            parts.append(f'"params": [{", ".join(labels.values())}]')
        elif labels:
            members = ", ".join(f'"{key}": {label}' for key, label in labels.items())
            parts.append(f'"params": {{{members}}}')
        if called.spec.is_event or called.spec.reply is None:
            return Notation(f"{{{', '.join(parts)}}}")
        reply = f'{{"jsonrpc": "2.0", "result": {called.result.label}, "id": id}}'
        return Notation(f'{{{", ".join(parts)}, "id": id}}', (reply,))

    def layout(self, name: str) -> dict[str, Any]:
        called = self._messages[name]
        answered = not called.spec.is_event and called.spec.reply is not None
        parameters = {"members": called.parameters.members}
        request = [
            _VERSION,
            {"key": "method", "always": called.word},
            *([{"key": "params", "is": "parameters", **parameters}] if called.parameters.keys else []),
            *([_ID] if answered else []),
        ]
        if not answered:
            return {"request": {"members": request}}
        result = {"key": "result", "is": "result", "form": form_of(called.spec.result, self._name_of)}
        return {"request": {"members": request}, "reply": {"members": [_VERSION, result, _ID]}}

    def fault_layout(self) -> dict[str, Any]:
        parts = [
            {"key": "code", "is": "code", "form": {"type": "int"}},
            {"key": "message", "is": "reason", "form": {"type": "text"}},
            {"key": "data", "is": "data", "form": {"type": "any"}, "optional": True},
        ]
        return {"members": [_VERSION, {"key": "error", "is": "fault", "members": parts}, _ID]}

    def rules(self) -> dict[str, Any]:
        return {**super().rules(), "by_position": self._by_position}

    def fault_notation(self) -> str:
        error = '{"code": whole number, "message": "text", "data": any, or left out}'
        return f'{{"jsonrpc": "2.0", "error": {error}, "id": id}}'


class _WrongLength(CodecError):
    """A batch is empty, or too long."""


@frozen
class _Requests(Sequence[Request | Refusal]):
    """The requests of a batch. Each is read when it is asked for, so that a long batch takes no memory."""

    _texts: Sequence[str]
    _read: Callable[[str], Request | Refusal]

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: Any) -> Any:
        return self._read(self._texts[index])


def _check_version(message: Any) -> None:
    if type(message) is not dict:
        raise wrong("an object", message)
    if "jsonrpc" not in message:
        raise missing("jsonrpc")
    if message["jsonrpc"] != "2.0":
        raise inside("jsonrpc", wrong('"2.0"', message["jsonrpc"]))


def _id_of(message: Mapping[str, Any]) -> Any:
    """Return the id: text, a number, or null (section 4). A number should not have decimals, but may."""
    id = message.get("id")
    if id is not None and type(id) not in (int, str, float):
        raise inside("id", wrong("text, a number or null", id))
    if id in (float("inf"), float("-inf")):
        raise inside("id", wrong("a finite number", id))
    return leaf_of(str, id, "id") if type(id) is str else id


def _parameters(called: JsonMessage, message: Mapping[str, Any]) -> dict[str, Any]:
    members = message.get("params", {})
    try:
        if type(members) is list:
            return called.parameters.read_list(members)
        if type(members) is not dict:
            raise wrong("an object or a list", members)
        return called.parameters.read(members)
    except CodecError as error:
        raise inside("params", error) from None


@frozen
class _JsonRpcReplyReader(ReplyReader):
    command: JsonMessage

    def take(self, body: Any) -> Any:
        if "error" in body:
            raise _fault(body["error"])
        try:
            return self.command.result.read(body["result"])
        except CodecError as error:
            raise inside("result", error) from None


def _fault(error: Any) -> Fault | CodecError:
    """Return the fault in an error object (section 5.1), or the error if there is none."""
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
