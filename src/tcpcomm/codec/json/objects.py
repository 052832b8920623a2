r"""
:class:`Json`: one JSON object for each message, with the key names that the peer uses.

The defaults read and write::

    {"cmd":"locate","job":3}               the command; its parameters stand beside its word
    {"result":{"x":1.0,"y":2.0}}           its reply
    {"error":{"code":3,"reason":"no part"}}   or a fault
    {"event":"alarm","code":7}             an event
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
from tcpcomm.codec.json.faults import TROUBLE_CODES, code_of, data_of, reason_of
from tcpcomm.codec.json.keys import JsonReplyReader, Keys, Plan, holds, plan_of
from tcpcomm.codec.json.naming import NAMINGS, Naming
from tcpcomm.codec.json.parameters import Shapes
from tcpcomm.codec.json.text import JsonText
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.codec.random_values import draw
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["Json"]


@frozen
class Json(Keys, Codec):
    """
    One JSON object for each message.

    Args:
        command: the key whose value is the command's word.
        parameters: the key of the object that holds the parameters of commands and events; None: they
            stand beside the word.
        id: the key of the number that a reply repeats from its request, so that replies may come in any
            order. None: there is none, and replies come in the order of the requests. A request without
            it is answered without it.
        result: the key of a command's result. None: the fields of the result, an attrs class, stand in the
            reply themselves. ``@command(reply="position")`` names another key for one command.
        fault: the key of the object that holds a fault's code and reason. None: they stand in the reply
            themselves, and ``success`` or ``failure`` shows what a reply is.
        code: the key of a fault's code, a number or a word.
        reason: the key of a fault's reason. None: there is none, and the value of ``fault`` is the code.
        data: the key of a fault's data. None: they are not sent.
        event: the key whose value is the event's word. It may be the same as that of commands.
        success: what every reply that is no fault holds besides, such as ``{"status": "OK"}``. Whatever
            lacks it is a fault.
        failure: what every fault holds besides, such as ``{"status": "NG"}``.
        echo: whether every reply repeats the command's word under its key.
        ignore: keys that a peer sends and nobody needs, such as a timestamp. Others are refused.
        naming: how names in Python become keys and words: ``as written``, ``camel`` (partCount) or
            ``pascal`` (PartCount), as C# writes them.
        encoding: of the text; see :class:`~tcpcomm.codec.json.text.JsonText`.
        ascii: whether characters beyond ASCII are sent as ``\\uXXXX``.
        codes: the codes of the faults that no declaration foresees; by default those that JSON-RPC
            reserves, -32700 to -32600.

    Raises:
        ConfigurationError: the keys contradict each other.
    """

    naming: Naming = field(default="as written", kw_only=True)
    encoding: str = field(default="utf-8", kw_only=True)
    ascii: bool = field(default=False, kw_only=True)
    codes: Mapping[ProtocolErrorKind, int | str] = field(factory=dict, kw_only=True)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.naming not in NAMINGS:
            raise ConfigurationError(f"naming must be one of {', '.join(NAMINGS)}, not {self.naming!r}")
        JsonText(self.encoding, self.ascii)

    def bind(self, forms: Sequence[MessageSpec]) -> Dialect:
        shapes = Shapes(self.naming)
        plans: dict[str, Plan] = {}
        words: dict[tuple[bool, int | str], Plan] = {}
        for form in forms:
            plan = plan_of(self, form, shapes)
            apart = form.is_event and self.event != self.command
            other = words.setdefault((apart, plan.word), plan)
            if other is not plan:
                raise ConfigurationError(
                    f"{form.where}: {plan.word!r} is the word of {other.form.where} already"
                )
            plans[form.name] = plan
        return (_JsonDialect if self.id is None else _JsonDialectById)(self, plans)


class _JsonDialect(Dialect):
    def __init__(self, codec: Json, plans: Mapping[str, Plan]) -> None:
        self._codec = codec
        self._text = JsonText(codec.encoding, codec.ascii)
        self._plans = plans
        self._commands = {plan.word: plan for plan in plans.values() if not plan.form.is_event}
        self._events = {plan.word: plan for plan in plans.values() if plan.form.is_event}
        self._codes = {**TROUBLE_CODES, **codec.codes}
        marks = {*codec.success, *codec.failure}
        self._answer_keys = {codec.result, codec.fault, *marks} - {None}
        self._result_keys = set().union(*(each.reply_keys for each in self._commands.values()))

    # -- the host's side --------------------------------------------------------------------------------

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        plan = self._plans[name]
        message: dict[str, Any] = {self._codec.command: plan.word}
        if self._codec.id is not None and plan.form.reply is not None:
            message[self._codec.id] = id
        return self._text.write(self._with(message, plan.parameters.write(values)))

    def _with(self, message: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        """A message with its parameters, where this codec puts them."""
        if self._codec.parameters is None:
            message.update(parameters)
        elif parameters:
            message[self._codec.parameters] = parameters
        return message

    def reply_reader(self, name: str) -> ReplyReader | None:
        plan = self._plans[name]
        return None if plan.form.reply is None else JsonReplyReader(self._codec, plan)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        message = self._object(self._text.read(frame))
        codec = self._codec
        word = message.get(codec.event, MISSING)
        if word is not MISSING and not (codec.echo and self._find(self._commands, word)):
            plan = self._find(self._events, word)
            if plan is None:
                raise CodecError(f"there is no event {brief_repr(word)}", codec.event)
            del message[codec.event]
            return (Event(plan.form.name, self._parameters(plan, message)),)
        word = message.get(codec.command, MISSING)
        if word is not MISSING and self._asks(word, message):
            raise CodecError(f"it is a command, {brief_repr(word)}", codec.command)
        return (Answer(message, self._take_id(message)),)

    def _asks(self, word: Any, message: Mapping[str, Any]) -> bool:
        """Whether a message with a command's word is one, where an answer to ours could have come."""
        if self._codec.echo:
            return self._find(self._commands, word) is None
        return self._codec.command not in self._result_keys and self._answer_keys.isdisjoint(message)

    # -- the equipment's side ---------------------------------------------------------------------------

    def read_at_equipment(self, frame: bytes) -> Asked:
        return self._read_request(frame)

    def _read_request(self, frame: bytes) -> Request | Refusal:
        id = name = None
        wants_reply = True
        error_kind, foreign = ProtocolErrorKind.UNREADABLE, False
        try:
            received = self._text.read(frame)
            error_kind = ProtocolErrorKind.MALFORMED
            message = self._object(received)
            foreign = self._is_foreign(message)
            id = self._take_id(message)
            word = message.pop(self._codec.command, MISSING)
            if word is MISSING:
                raise missing(self._codec.command)
            plan = self._find(self._commands, word)
            if plan is None:
                error_kind = ProtocolErrorKind.UNKNOWN_COMMAND
                raise CodecError(f"there is no command {brief_repr(word)}", self._codec.command)
            name = plan.form.name
            wants_reply = plan.form.reply is not None
            error_kind = ProtocolErrorKind.BAD_PARAMETERS
            return Request(name, self._parameters(plan, message), id, wants_reply)
        except CodecError as problem:
            return Refusal(error_kind, problem, name, id, wants_reply, foreign)

    def _is_foreign(self, message: Mapping[str, Any]) -> bool:
        """Whether a message looks like what equipment sends."""
        word = message.get(self._codec.command, MISSING)
        if self._codec.event == self._codec.command and self._find(self._events, word):
            return True
        return word is MISSING or (self._codec.echo and not self._answer_keys.isdisjoint(message))

    def reply(self, request: Request, result: Any) -> list[bytes]:
        plan = self._plans[request.name]
        written = plan.result.write(result)
        message = self._reply_to(request)
        message.update(self._codec.success)
        if plan.key is not None:
            message[plan.key] = written
        elif written is not None:
            message.update(written)
        return [self._text.write(message)]

    def _reply_to(self, request: Request | Refusal) -> dict[str, Any]:
        """What a reply begins with: the command's word and the id, where it has them."""
        message: dict[str, Any] = {}
        if self._codec.echo and request.name is not None:
            message[self._codec.command] = self._plans[request.name].word
        if self._codec.id is not None and request.id is not None:
            message[self._codec.id] = request.id
        return message

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        codec = self._codec
        code = code_of(fault.code, "code")
        reason = reason_of(fault.reason, "reason")
        data = data_of(fault.data, "data")
        parts: dict[str, Any] = {codec.code: code}
        if codec.reason is not None:
            parts[codec.reason] = reason
        if codec.data is not None and data is not None:
            parts[codec.data] = data
        message = self._reply_to(request)
        message.update(codec.failure)
        if codec.fault is None:
            message.update(parts)
        else:
            message[codec.fault] = code if codec.reason is None else parts
        if codec.success and holds(message, codec.success):
            raise CodecError(f"{brief_repr(code)} says that all is well", "code")
        return self._text.write(message)

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return Fault(self._codes[kind], reason)

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        plan = self._plans[name]
        return self._text.write(self._with({self._codec.event: plan.word}, plan.parameters.write(values)))

    # -- both sides -------------------------------------------------------------------------------------

    def _object(self, message: Any) -> dict[str, Any]:
        """A message without what is ignored. Raises CodecError if it is no object."""
        if type(message) is not dict:
            raise wrong("an object", message)
        for key in self._codec.ignore:
            message.pop(key, None)
        return message

    def _take_id(self, message: dict[str, Any]) -> int | str | None:
        if self._codec.id is None:
            return None
        id = message.pop(self._codec.id, None)
        return None if id is None else code_of(id, self._codec.id)

    def _find(self, plans: Mapping[int | str, Plan], word: Any) -> Plan | None:
        return plans.get(word) if type(word) in (str, int) else None

    def _parameters(self, plan: Plan, message: dict[str, Any]) -> dict[str, Any]:
        """The values in a message that is left with nothing but its parameters."""
        key = self._codec.parameters
        if key is None:
            return plan.parameters.read(message)
        members = message.pop(key, None)
        if message:
            raise unknown(min(message))
        if members is not None and type(members) is not dict:
            raise inside(key, wrong("an object", members))
        try:
            return plan.parameters.read(members or {})
        except CodecError as error:
            raise inside(key, error) from None

    # -- for simulators, tests and manuals --------------------------------------------------------------

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        return self._plans[name].parameters.draw(random)

    def draw_result(self, name: str, random: Random) -> Any:
        return draw(self._plans[name].form.result, random)

    def notation(self, name: str) -> Notation:
        codec, plan = self._codec, self._plans[name]
        word = _literal(plan.word)
        head = [f'"{codec.event if plan.form.is_event else codec.command}": {word}']
        answered = not plan.form.is_event and plan.form.reply is not None
        id = [f'"{codec.id}": id'] if codec.id is not None and answered else []
        labels = [f'"{key}": {label}' for key, label in plan.parameters.labels.items()]
        if codec.parameters is not None and labels:
            labels = [f'"{codec.parameters}": {{{", ".join(labels)}}}']
        request = f"{{{', '.join(head + id + labels)}}}"
        if not answered:
            return Notation(request)
        parts = (head if codec.echo else []) + id + _literals(codec.success)
        if plan.key is not None:
            parts.append(f'"{plan.key}": {plan.result.label}')
        elif plan.form.result is not None:
            parts.append(plan.result.label[1:-1])
        return Notation(request, (f"{{{', '.join(parts)}}}",))

    def fault_notation(self) -> str:
        codec = self._codec
        labels = {codec.code: "number or text", codec.reason: '"text"', codec.data: "any, or left out"}
        inner = [f'"{key}": {label}' for key, label in labels.items() if key is not None]
        if codec.fault is not None:
            one = "number or text" if codec.reason is None else f"{{{', '.join(inner)}}}"
            inner = [f'"{codec.fault}": {one}']
        id = [f'"{codec.id}": id'] if codec.id is not None else []
        echo = [f'"{codec.command}": "command"'] if codec.echo else []
        return f"{{{', '.join(echo + id + _literals(codec.failure) + inner)}}}"


class _JsonDialectById(_JsonDialect):
    by_id = True


def _literal(value: Any) -> str:
    return f'"{value}"' if type(value) is str else str(value)


def _literals(marks: Mapping[str, Any]) -> list[str]:
    text = JsonText("utf-8", False)
    return [f'"{key}": {text.write(value).decode()}' for key, value in marks.items()]
