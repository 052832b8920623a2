r"""
:class:`Json`: one JSON object for each message, with the key names that the peer uses.

The defaults read and write::

    {"cmd":"locate","job":3}               the command; its parameters are beside its word
    {"result":{"x":1.0,"y":2.0}}           its reply
    {"error":{"code":3,"reason":"no part"}}   or a fault
    {"event":"alarm","code":7}             an event
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar

from attrs import field, frozen

from tcpcomm.codec.base import (
    MISSING,
    Answer,
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
from tcpcomm.codec.json.keys import (
    JsonReplyReader,
    Keys,
    ObjectMessage,
    compile_message,
    is_one_of,
    values_form,
    values_of,
    values_text,
)
from tcpcomm.codec.json.messages import JsonDialectBase, code_of, compile_messages, leaf_of
from tcpcomm.codec.json.parameters import Naming, ValueTypes
from tcpcomm.codec.json.text import JsonText
from tcpcomm.codec.limits import MAX_VALUES, positive
from tcpcomm.codec.meanings import meanings_of
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.codec.value_forms import form_of
from tcpcomm.errors import CodecError, ConfigurationError, Fault


@frozen
class Json(Keys, Codec):
    """
    One JSON object for each message.

    Args:
        command: the key of the command's word. ``@command({"Instruction": "MOVE"})`` gives one command's
            word another key, and so does ``@event``.
        parameters: the key of the object that holds the parameters of commands and events. None: they are
            beside the word.
        id: the key of the number that a reply repeats from its request, so that replies may come in any
            order. None: replies have no id, and come in the order of the requests. A request
            without an id is answered without one.
        result: the key of a command's result. None: the fields of the result, an attrs class, are keys of
            the reply. ``@command(reply="position")`` gives one command's result another key.
        fault: the key of the object that holds a fault's code and reason. None: they are keys of the reply,
            and ``success`` or ``failure`` tells a fault from a result.
        code: the key of a fault's code, a number or a word.
        reason: the key of a fault's reason. None: faults have no reason, and the value of ``fault`` is the
            code.
        data: the key of a fault's data. None: they are not sent.
        event: the key of the event's word. It may be the same as the key of commands. None: events have no
            word. One event is then every object, so no command can have a reply or a fault.
        success: what every successful reply also holds, such as ``{"status": "OK"}``. A reply without it is
            a fault. Several values are a tuple, ``("OK", "WARNING")``, a ``range``, or a function that
            returns True for a good number. The first is sent. A result that stands flat in the reply may
            have a field for the value.
        failure: what every fault also holds, such as ``{"status": "NG"}``.
        echo: whether every reply repeats the command's word under its key.
        ignore: keys that a peer sends and nobody needs, such as a timestamp. Other unknown keys are
            refused.
        ignore_unknown: whether unknown keys of replies, faults and events are ignored, too, because newer
            versions of the equipment send more. Those of commands, and of objects in a message, are not.
        optional: keys of ``success`` that a good reply may lack, and the key of commands if an echo may be
            missing. They are sent nevertheless.
        naming: how names in Python become keys and words: ``as written``, ``camel`` (partCount) or
            ``pascal`` (PartCount), as C# writes them.
        encoding: the encoding of the text; see :class:`~tcpcomm.codec.json.text.JsonText`.
        ascii: whether characters beyond ASCII are sent as ``\\uXXXX``.
        codes: the codes of faults that no declaration foresees; by default those that JSON-RPC reserves,
            -32700 to -32600.
        meanings: the words of codes, as the reason of faults that come without one; a mapping such as
            ``{2556941: "unknown command"}``, or an IntEnum or StrEnum.
        max_values: the most values of a frame. Each comma, ``[`` and ``{`` outside of texts counts as one.

    Raises:
        ConfigurationError: the keys contradict each other.
    """

    takes_silence: ClassVar[bool] = True

    naming: Naming = field(default="as written", kw_only=True)
    encoding: str = field(default="utf-8", kw_only=True)
    ascii: bool = field(default=False, kw_only=True)
    codes: Mapping[ProtocolErrorKind, int | str] = field(factory=dict, kw_only=True)
    max_values: int = field(default=MAX_VALUES, kw_only=True, validator=positive)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        ValueTypes(self.naming)
        JsonText(self.encoding, self.ascii, self.max_values)

    def bind(self, specs: Sequence[MessageSpec]) -> Dialect:
        types = ValueTypes(self.naming)
        _refuse_common_objects(self, specs)
        messages = compile_messages(specs, partial(compile_message, self, types), "word")
        return _JsonDialect(self, messages)


class _JsonDialect(JsonDialectBase[ObjectMessage]):
    def __init__(self, codec: Json, messages: Sequence[ObjectMessage]) -> None:
        text = JsonText(codec.encoding, codec.ascii, codec.max_values)
        super().__init__(text, messages, codec.codes, codec.naming)
        self.by_id = codec.id is not None
        self.id_parameters = _id_parameters(codec, messages)
        self._codec = codec
        self.meanings = meanings_of(codec.meanings)
        words = frozenset(each.identity for each in messages if not each.spec.is_event)
        self._readers = {
            each.spec.name: JsonReplyReader(codec, each, words - {each.identity})
            for each in messages
            if not each.spec.is_event and each.spec.reply is not None
        }
        self._other_commands = _by_key(messages, are_events=False)
        self._commands = self._other_commands.pop(codec.command, {})
        self._other_events = _by_key(messages, are_events=True)
        self._events = self._other_events.pop(codec.event or "", {})
        self._any_object = next((each for each in messages if not each.has_word), None)
        self.has_faults = self._any_object is None  # a host would take a fault for the event
        self._told = codec.told
        self._success = {key: values_of(each)[0] for key, each in codec.success.items()}
        self._failure = {key: values_of(each)[0] for key, each in codec.failure.items()}
        self._answer_keys = {codec.result, codec.fault, *codec.success, *codec.failure} - {None}
        events = {codec.event, *self._other_events} - {codec.command, *self._other_commands, None}
        self._sent_keys = self._answer_keys | events | ({codec.code} if codec.fault is None else set())
        """Keys of the equipment. Each of its messages has at least one of them, beside its word."""
        self._result_keys = set().union(*(each.result_keys for each in messages))

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        command = self._messages[name]
        message = command.head
        if self._codec.id is not None and command.spec.reply is not None:
            message[self._codec.id] = id
        return self._text.write(self._with(message, command.parameters.write(values)))

    def _with(self, message: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
        if self._codec.parameters is None:
            message.update(parameters)
        elif parameters:
            message[self._codec.parameters] = parameters
        return message

    def reply_reader(self, name: str) -> ReplyReader | None:
        return self._readers.get(name)

    def answers_another(self, name: str, body: Any) -> bool:
        word = body.get(self._codec.command, MISSING) if self._codec.echo else MISSING
        command = self._find(self._commands, word)
        return command is not None and command.spec.name != name

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        message = self._object(self._text.read(frame))
        codec = self._codec
        if self._other_events:
            for key, events in self._other_events.items():
                event = self._find(events, message.get(key))
                if event is not None:
                    del message[key]
                    return (Event(event.spec.name, self._parameters(event, message)),)
        if self._any_object is not None:
            return (Event(self._any_object.spec.name, self._parameters(self._any_object, message)),)
        word = message.get(codec.event or "", MISSING)
        if word is not MISSING and not (codec.echo and self._find(self._commands, word)):
            event = self._find(self._events, word)
            if event is not None:
                del message[event.key]
                return (Event(event.spec.name, self._parameters(event, message)),)
            if not codec.is_failing(message):
                raise CodecError(f"there is no event {brief_repr(word)}", codec.event or "")
        word = message.get(codec.command, MISSING)
        if word is not MISSING and self._is_command(word, message):
            raise CodecError(f"{brief_repr(word)} is a command, not a reply or an event", codec.command)
        return (Answer(message, self._take_id(message)),)

    def _is_command(self, word: Any, message: Mapping[str, Any]) -> bool:
        """Return whether a message with a command's word is a command, and not the answer to one."""
        if self._codec.echo:
            return self._find(self._commands, word) is None and not self._codec.is_failing(message)
        return self._codec.command not in self._result_keys and self._answer_keys.isdisjoint(message)

    def read_at_equipment(self, frame: bytes) -> Request | Refusal:
        id = name = None
        wants_reply = self.has_faults
        word: Any = MISSING
        kind, foreign = ProtocolErrorKind.UNREADABLE, False
        try:
            received = self._text.read(frame)
            kind = ProtocolErrorKind.MALFORMED
            message = self._object(received)
            foreign = self._is_foreign(message)
            id = self._take_id(message)
            commands: Mapping[int | str, ObjectMessage] = self._commands
            word = message.pop(self._codec.command, MISSING)
            if word is MISSING:
                word, commands = self._take_other_word(message)
            command = self._find(commands, word)
            if command is None:
                kind = ProtocolErrorKind.UNKNOWN_COMMAND
                raise CodecError(f"there is no command {brief_repr(word)}", self._codec.command)
            name = command.spec.name
            wants_reply = command.spec.reply is not None
            kind = ProtocolErrorKind.BAD_PARAMETERS
            if self.id_parameters and id is not None:
                message[self._codec.id or ""] = id
            return Request(name, self._parameters(command, message), id, wants_reply)
        except CodecError as problem:
            if foreign:
                wants_reply = self.has_faults and not self._is_sent_by_equipment(message, word, name)
            return Refusal(kind, problem, name, id, wants_reply, foreign)

    def _take_other_word(self, message: dict[str, Any]) -> tuple[Any, Mapping[int | str, ObjectMessage]]:
        """Return the word under another key than usual, and the commands that have words there."""
        for key, commands in self._other_commands.items():
            if key in message:
                return message.pop(key), commands
        raise missing(self._codec.command)

    def _is_sent_by_equipment(self, message: Mapping[str, Any], word: Any, name: str | None) -> bool:
        """
        Return True if a foreign message is an answer or an event.

        Two peers of one kind must not answer each other's answers, without end.
        """
        if name is None:
            is_event = self._codec.event == self._codec.command and self._find(self._events, word)
            return bool(is_event) or not self._sent_keys.isdisjoint(message)
        parameters = set(self._messages[name].parameters.keys)
        return not (message.keys() - parameters).isdisjoint(self._sent_keys)

    def _is_foreign(self, message: Mapping[str, Any]) -> bool:
        """Return whether a message looks like one that equipment sends."""
        word = message.get(self._codec.command, MISSING)
        if word is MISSING and self._other_commands:
            word = next((message[key] for key in self._other_commands if key in message), MISSING)
        if self._codec.event == self._codec.command and self._find(self._events, word):
            return True
        return word is MISSING or (self._codec.echo and not self._answer_keys.isdisjoint(message))

    def reply(self, request: Request, result: Any) -> list[bytes]:
        command = self._messages[request.name]
        written = command.result.write(result)
        message = self._reply_to(request)
        message.update(self._success)
        if command.result_key is not None:
            message[command.result_key] = written
        elif written is not None:
            message.update(written)
            if self._told:
                self._check_told(message)
        return [self._text.write(message)]

    def _check_told(self, message: Mapping[str, Any]) -> None:
        """Raise CodecError if a result would be read as a fault."""
        for key in self._told:
            if not is_one_of(message[key], self._codec.success[key]):
                raise CodecError(
                    f"must be {values_text(self._codec.success[key])} in a good reply, not "
                    f"{brief_repr(message[key])}",
                    key,
                )

    def draw_result(self, name: str, random: Random) -> Any:
        command, result = self._messages[name], super().draw_result(name, random)
        told = self._told & command.result_keys
        if not told or command.result_key is not None:
            return result
        written = command.result.write(result)
        for key in sorted(told):
            written[key] = random.choice(values_of(self._codec.success[key]))
        return command.result.read(written)

    def _reply_to(self, request: Request | Refusal) -> dict[str, Any]:
        """Return the first keys of a reply: the command's word and the id, if replies have them."""
        message: dict[str, Any] = {}
        if self._codec.echo and request.name is not None:
            command = self._messages[request.name]
            message[command.key] = command.word
        if self._codec.id is not None and request.id is not None:
            message[self._codec.id] = request.id
        return message

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        codec = self._codec
        code = code_of(fault.code, "code")
        reason = leaf_of(str, fault.reason, "reason")
        data = leaf_of(Any, fault.data, "data")
        parts: dict[str, Any] = {codec.code: code}
        if codec.reason is not None:
            parts[codec.reason] = reason
        if codec.data is not None and data is not None:
            parts[codec.data] = data
        message = self._reply_to(request)
        message.update(self._failure)
        if codec.fault is None:
            message.update(parts)
        else:
            message[codec.fault] = code if codec.reason is None else parts
        if codec.success and codec.is_good(message):
            raise CodecError(f"{brief_repr(code)} means success: give the fault another code", "code")
        return self._text.write(message)

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        event = self._messages[name]
        return self._text.write(self._with(event.head, event.parameters.write(values)))

    def _object(self, message: Any) -> dict[str, Any]:
        """Return a message without the keys to ignore. Raises CodecError if it is not an object."""
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

    def _find(self, messages: Mapping[int | str, ObjectMessage], word: Any) -> ObjectMessage | None:
        return messages.get(word) if type(word) in (str, int) else None

    def _parameters(self, command: ObjectMessage, message: dict[str, Any]) -> dict[str, Any]:
        """Return the values in a message that has only its parameters left."""
        key = self._codec.parameters
        ignores = self._codec.ignore_unknown and command.spec.is_event
        if key is None:
            if ignores:
                message = {each: message[each] for each in command.parameters.keys if each in message}
            return command.parameters.read(message)
        members = message.pop(key, None)
        if message and not ignores:
            raise unknown(min(message))
        if members is not None and type(members) is not dict:
            raise inside(key, wrong("an object", members))
        try:
            return command.parameters.read(members or {})
        except CodecError as error:
            raise inside(key, error) from None

    def notation(self, name: str) -> Notation:
        codec, compiled = self._codec, self._messages[name]
        first = _literals(compiled.head)
        answered = not compiled.spec.is_event and compiled.spec.reply is not None
        id = [f'"{codec.id}": id'] if codec.id is not None and answered else []
        own_id = name in self.id_parameters
        labels = [f'"{key}": {label}' for key, label in compiled.parameters.labels.items()]
        if codec.parameters is not None and labels:
            labels = [f'"{codec.parameters}": {{{", ".join(labels)}}}']
        request = f"{{{', '.join(first + ([] if own_id else id) + labels)}}}"
        if not answered:
            return Notation(request)
        success = {key: each for key, each in codec.success.items() if key not in compiled.result_keys}
        told = self._marked(first if codec.echo else [], [compiled.key])
        parts = told + id + self._marked(_literals(success), [*success])
        if compiled.result_key is not None:
            parts.append(f'"{compiled.result_key}": {compiled.result.label}')
        elif compiled.spec.result is not None:
            parts.append(compiled.result.label[1:-1])
        return Notation(request, (f"{{{', '.join(parts)}}}",))

    def _marked(self, literals: list[str], keys: Sequence[str]) -> list[str]:
        """Mark those that a good reply may lack, for people."""
        optional = self._codec.optional
        return [
            f"{text}, or left out" if key in optional else text
            for text, key in zip(literals, keys, strict=False)
        ]

    def layout(self, name: str) -> dict[str, Any]:
        codec, compiled = self._codec, self._messages[name]
        head = [{"key": key, "always": word} for key, word in compiled.head.items()]
        answered = not compiled.spec.is_event and compiled.spec.reply is not None
        id = [{"key": codec.id, "is": "id"}] if codec.id is not None and answered else []
        parameters = compiled.parameters.members
        if codec.parameters is not None and parameters:
            parameters = [{"key": codec.parameters, "is": "parameters", "members": parameters}]
        request = {"members": [*head, *([] if name in self.id_parameters else id), *parameters]}
        if not answered:
            return {"request": request}
        members = [*self._constants(compiled.head if codec.echo else {}), *id]
        found = {each["key"]: each for each in self._constants(codec.success)}
        result = form_of(compiled.spec.result, self._name_of)
        if compiled.result_key is not None:
            found[compiled.result_key] = {"key": compiled.result_key, "is": "result", "form": result}
        elif compiled.spec.result is not None:
            for each in result["fields"]:  # one with a key of success stands in its place
                told = found.get(each["key"], {})
                found[each["key"]] = {**each, **({"or": told["or"]} if "or" in told else {})}
        return {"request": request, "reply": {"members": [*members, *found.values()]}}

    def fault_layout(self) -> dict[str, Any]:
        codec = self._codec
        code = {"type": "union", "members": [{"type": "int"}, {"type": "text"}]}
        parts: list[dict[str, Any]] = [{"key": codec.code, "is": "code", "form": code}]
        if codec.reason is not None:
            parts.append({"key": codec.reason, "is": "reason", "form": {"type": "text"}})
        if codec.data is not None:
            parts.append({"key": codec.data, "is": "data", "form": {"type": "any"}, "optional": True})
        if codec.fault is not None and codec.reason is None:
            parts = [{**parts[0], "key": codec.fault}]
        elif codec.fault is not None:
            parts = [{"key": codec.fault, "is": "fault", "members": parts}]
        echo = [{"key": codec.command, "is": "command"}] if codec.echo else []
        id = [{"key": codec.id, "is": "id"}] if codec.id is not None else []
        return {
            "members": [*echo, *id, *self._constants(codec.failure), *parts],
            "success": self._constants(codec.success),
        }

    def _constants(self, members: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the members of a message that have one value, or one of several, as plain data."""
        found = []
        for key, each in members.items():
            optional = {"optional": True} if key in self._codec.optional else {}
            found.append({"key": key, "always": values_of(each)[0], **values_form(each), **optional})
        return found

    def rules(self) -> dict[str, Any]:
        ignored = {"ignore_unknown": True} if self._codec.ignore_unknown else {}
        return {**super().rules(), "ignored keys": [*self._codec.ignore], **ignored}

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


def _id_parameters(codec: Json, messages: Sequence[ObjectMessage]) -> Mapping[str, str]:
    """Return the parameters that are ids. Raises ConfigurationError if only some commands have one."""
    if codec.id is None or codec.parameters is not None:
        return {}
    answered = [each for each in messages if not each.spec.is_event and each.spec.reply is not None]
    found = {
        each.spec.name: each.spec.parameters[each.parameters.keys.index(codec.id)].name
        for each in answered
        if codec.id in each.parameters.keys
    }
    if found and len(found) < len(answered):
        other = next(each for each in answered if each.spec.name not in found)
        raise ConfigurationError(
            f"{other.spec.where}: other commands have the id {codec.id!r} as a parameter, so it must have "
            "it too, or a codec of its own without an id"
        )
    return found


def _literals(members: Mapping[str, Any]) -> list[str]:
    text = JsonText("utf-8", False)

    def shown(value: Any) -> str:
        if callable(value):
            return _ranges(values_form(value)["or"])
        if isinstance(value, range):
            return values_text(value)
        return " | ".join(text.write(each).decode() for each in values_of(value))

    return [f'"{key}": {shown(value)}' for key, value in members.items()]


def _ranges(ranges: Sequence[Sequence[int]]) -> str:
    """Return ranges of numbers for people; three dots stand for those behind the first eight."""
    texts = [str(low) if low == high else f"{low} to {high}" for low, high in ranges[:8]]
    return " | ".join([*texts, "..."] if len(ranges) > 8 else texts)


def _by_key(
    messages: Sequence[ObjectMessage], *, are_events: bool
) -> dict[str, dict[int | str, ObjectMessage]]:
    """Return the commands or the events by the keys of their words, and then by their words."""
    found: dict[str, dict[int | str, ObjectMessage]] = {each.key: {} for each in messages if each.has_word}
    for each in messages:
        if each.has_word and each.spec.is_event is are_events:
            found[each.key][each.word] = each
    return {key: by_word for key, by_word in found.items() if by_word}


def _refuse_common_objects(codec: Json, specs: Sequence[MessageSpec]) -> None:
    """Raise ConfigurationError if a host cannot tell an event without a word from another message."""
    free = [each.where for each in specs if codec.is_any_object(each)]
    answered = [each.where for each in specs if not each.is_event and each.reply is not None]
    if len(free) > 1:
        raise ConfigurationError(
            f"{free[1]}: with event=None every object is this event, and {free[0]} too: give one of them a "
            'key and a word, as in @event({"type": "state"})'
        )
    if free and answered:
        raise ConfigurationError(
            f"{free[0]}: with event=None every object is this event, so a host cannot find the reply of "
            f"{answered[0]}: give the event a key and a word, or write reply=None"
        )
