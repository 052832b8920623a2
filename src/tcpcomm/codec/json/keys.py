"""Messages of :class:`~tcpcomm.codec.Json`: the keys of their parameters, results and faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import islice
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, type_text
from tcpcomm.codec.base import MISSING, MessageSpec, ReplyReader
from tcpcomm.codec.json.messages import JsonMessage, code_of, compile_result, leaf_of, word_of
from tcpcomm.codec.json.parameters import Parameters, ValueTypes
from tcpcomm.codec.meanings import Meanings, fault_with_meaning, meanings_of
from tcpcomm.codec.problems import brief_repr, inside, missing, unknown, wrong
from tcpcomm.errors import CodecError, ConfigurationError, Fault

_MOST_RANGES: Final = 100
"""The most ranges of values of a function that are told."""


@frozen
class Keys:
    """The keys of all parts of a message; :class:`~tcpcomm.codec.Json` explains each."""

    command: str = "cmd"
    parameters: str | None = field(default=None, kw_only=True)
    id: str | None = field(default=None, kw_only=True)
    result: str | None = field(default="result", kw_only=True)
    fault: str | None = field(default="error", kw_only=True)
    code: str = field(default="code", kw_only=True)
    reason: str | None = field(default="reason", kw_only=True)
    data: str | None = field(default="data", kw_only=True)
    event: str | None = field(default="event", kw_only=True)
    success: Mapping[str, Any] = field(factory=dict, kw_only=True)
    failure: Mapping[str, Any] = field(factory=dict, kw_only=True)
    echo: bool = field(default=False, kw_only=True)
    ignore: tuple[str, ...] = field(default=(), kw_only=True)
    ignore_unknown: bool = field(default=False, kw_only=True)
    optional: tuple[str, ...] = field(default=(), kw_only=True)
    meanings: Meanings = field(factory=dict, kw_only=True, hash=False)

    def __attrs_post_init__(self) -> None:
        problems = []
        if self.fault is None and not (self.success or self.failure):
            problems.append(
                "with fault=None a host cannot tell a fault from a result: give what every "
                'successful reply holds, such as success={"status": "OK"}'
            )
        elif self.fault == self.result and not (self.success or self.failure):
            problems.append(f"results and faults both have the key {self.fault!r}: give one another key")
        for message, keys in self._keys().items():
            present = [key for key in keys if key is not None]
            for key in dict.fromkeys(key for key in present if present.count(key) > 1):
                problems.append(f"two parts of {message} have the key {key!r}: give one another key")
            for key in dict.fromkeys(key for key in present if key in self.ignore):
                problems.append(f"ignore has {key!r}, which is a key of {message}: remove it there")
        if len({*self.ignore}) < len(self.ignore):
            problems.append(f"ignore has a key twice: {self.ignore!r}")
        problems += self._wrong_optional()
        for key, value in {**self.success, **self.failure}.items():
            if not values_of(value):
                problems.append(
                    f"the key {key!r} of replies has no value: several values must not be empty, and a "
                    "function must accept a whole number below 65536"
                )
        if problems:
            raise ConfigurationError("; ".join(problems))
        meanings_of(self.meanings)

    @property
    def words(self) -> Mapping[int | str, str]:
        """The meanings of the codes of faults, by code."""
        return meanings_of(self.meanings)

    def _wrong_optional(self) -> list[str]:
        """Return what is wrong with the keys that may be missing."""
        allowed = {*self.success} | ({self.command} if self.echo else set())
        problems = [
            f"optional has {key!r}, which is not a key of success, nor that of an echo: remove it there"
            for key in self.optional
            if key not in allowed
        ]
        if self.success and self.success.keys() <= {*self.optional}:
            problems.append(
                "all keys of success are optional, so nothing tells a good reply from a fault: remove one "
                "of them from optional"
            )
        return problems

    def _keys(self) -> dict[str, list[str | None]]:
        """Return the keys of each kind of message."""
        echo: list[str | None] = [self.command] if self.echo else []
        if not (self.echo and self.event == self.command):
            echo = [*echo, self.event]  # a reply with this key would be read as an event
        fault = [self.fault] if self.fault is not None else [self.code, self.reason, self.data]
        return {
            "a command": [self.command, self.parameters, self.id],
            "an event": [self.event, self.parameters],
            "a reply": [*echo, self.id, self.result, *self.success],
            "a fault": [*echo, self.id, *fault, *self.failure],
        }

    def reply_keys(self, command: str) -> set[str | None]:
        """Return the keys of a reply without those of its result, for the key of its command's word."""
        own = {self.id, self.fault, self.event, *self.success, *self.failure, *self.ignore}
        return own | {command} if self.echo else own

    def is_any_object(self, spec: MessageSpec) -> bool:
        """Return True for an event without a word."""
        return spec.is_event and self.event is None and not isinstance(spec.wire, Mapping)

    @property
    def told(self) -> frozenset[str]:
        """The keys of good replies that have one of several values. A result can have these keys."""
        return frozenset(key for key, value in self.success.items() if _is_several(value))

    def is_failing(self, message: Mapping[str, Any]) -> bool:
        """Return True if a message certainly is a fault."""
        if self.failure:
            return contains(message, self.failure)
        if self.success:
            is_complete = self.success.keys() - {*self.optional} <= message.keys()
            return is_complete and not self.is_good(message)
        return message.get(self.fault or "") is not None

    def is_good(self, message: Mapping[str, Any]) -> bool:
        """Return True if a message holds what every good reply holds. Optional keys may be missing."""
        if not self.optional:
            return contains(message, self.success)
        needed = {
            key: value for key, value in self.success.items() if key in message or key not in self.optional
        }
        return contains(message, needed)

    def lacks(self, message: Mapping[str, Any]) -> str | None:
        """
        Return the key of ``success`` that an otherwise good reply lacks, or None.

        A message with a bad value, or with nothing of a good reply, is a fault.
        """
        if len(self.success) == 1 or (self.failure and contains(message, self.failure)):
            return None
        present = {key: value for key, value in self.success.items() if key in message}
        if not present or not contains(message, present) or message.get(self.fault or "") is not None:
            return None
        return next((key for key in self.success if key not in {*present, *self.optional}), None)


@frozen
class ObjectMessage(JsonMessage):
    """A compiled command or event of Json."""

    result_key: str | None
    """The key of the result in the reply. None: the fields of the result are keys of the reply."""
    result_keys: frozenset[str]
    """All keys of the result in the reply: ``result_key``, or those of its fields."""
    key: str
    """The key of its word."""
    has_word: bool = True
    """False for the event of which every object is one."""

    @property
    def identity(self) -> tuple[str, int | str]:
        return self.key, self.word

    @property
    def head(self) -> dict[str, Any]:
        """The word under its key, or nothing."""
        return {self.key: self.word} if self.has_word else {}


def compile_message(codec: Keys, types: ValueTypes, spec: MessageSpec) -> ObjectMessage:
    """Compile a command or event. Raises ConfigurationError if it does not fit JSON or the other keys."""
    if codec.is_any_object(spec):
        return _without_word(codec, types, spec)
    own, wire = _key_and_word(codec, spec)
    word = word_of(spec, types, (str, int), "its word in JSON must be text or a whole number", wire)
    parameters = Parameters(spec.parameters, types)
    if codec.parameters is None:
        used = {own, codec.id, *codec.ignore}
        for name, parameter in zip(parameters.keys, spec.parameters, strict=True):
            if name == codec.id and not spec.is_event and bare_type(parameter.type) is int:
                continue  # the program chooses the id
            if name in used:
                raise ConfigurationError(
                    f"parameter {parameter.name}: the key {name!r} has another meaning; "
                    'rename it, or give the parameters an object of their own: Json(parameters="params")'
                )
    result = compile_result(spec, types)
    key: Any = codec.result if spec.reply is MISSING else spec.reply
    if key is None:
        keys = _flat_keys(codec, own, spec, types) if spec.reply is MISSING else []
        return ObjectMessage(spec, word, parameters, result, None, frozenset(keys), own)
    if type(key) is not str:
        raise ConfigurationError(f"reply must be the key of its result, not {brief_repr(key)}")
    if "{" in key or "}" in key:
        raise ConfigurationError(f"reply is the key of its result, not a template: {brief_repr(key)}")
    if key in codec.reply_keys(own):
        raise ConfigurationError(f"the key {key!r} of its result has another meaning in a reply")
    return ObjectMessage(spec, word, parameters, result, key, frozenset([key]), own)


def _without_word(codec: Keys, types: ValueTypes, spec: MessageSpec) -> ObjectMessage:
    """Compile the event of which every object is one."""
    if spec.wire is not MISSING:
        raise ConfigurationError(
            f"with event=None an event has no word, so it cannot have {brief_repr(spec.wire)}: write "
            f'@event(), or a key too, as in @event({{"type": {brief_repr(spec.wire)}}})'
        )
    parameters = Parameters(spec.parameters, types)
    for name, parameter in zip(parameters.keys, spec.parameters, strict=True):
        if codec.parameters is None and name in codec.ignore:
            raise ConfigurationError(f"parameter {parameter.name}: the key {name!r} is ignored; rename it")
    return ObjectMessage(
        spec, "", parameters, compile_result(spec, types), None, frozenset(), "", has_word=False
    )


def _key_and_word(codec: Keys, spec: MessageSpec) -> tuple[str, Any]:
    """Return the key of the word of a command or event, and the declared word."""
    usual = codec.event if spec.is_event and codec.event is not None else codec.command
    if not isinstance(spec.wire, Mapping):
        return usual, spec.wire
    if len(spec.wire) != 1 or not all(isinstance(key, str) and key for key in spec.wire):
        raise ConfigurationError(
            f"its word under another key is one key with one word, as in {{{usual!r}: {spec.name!r}}}, not "
            f"{brief_repr(spec.wire)}"
        )
    ((key, word),) = spec.wire.items()
    replies = codec.reply_keys(usual) | {codec.result}
    if key in {codec.parameters, codec.id, *codec.ignore, *(replies - {codec.event, codec.command})}:
        raise ConfigurationError(f"the key {key!r} of its word has another meaning")
    return key, word


def _flat_keys(codec: Keys, own: str, spec: MessageSpec, types: ValueTypes) -> list[str]:
    """Return the keys that the fields of a result have in its reply. Raises ConfigurationError."""
    if spec.result is None:
        return []
    cls = bare_type(spec.result)
    if not has_fields(cls):
        raise ConfigurationError(
            f"its result, {type_text(cls)}, has no fields that could be keys of the reply: "
            'give it a key, as in reply="value", or return an attrs class or a dataclass'
        )
    names = [each.name for each in fields_of(cls)]
    for name in names:
        if types.name_of(name) in codec.reply_keys(own) - codec.told:
            raise ConfigurationError(f"its result's field {name} has a key with another meaning in a reply")
    return [types.name_of(name) for name in names]


@frozen
class JsonReplyReader(ReplyReader):
    is_one_frame = True

    codec: Keys
    command: ObjectMessage
    others: frozenset[tuple[str, int | str]] = frozenset()
    """The identities of the other commands: a fault with the word of one does not answer this one."""

    def take(self, body: Any) -> Any:
        codec, command = self.codec, self.command
        message: dict[str, Any] = dict(body)
        if self._is_fault(message):
            lacking = codec.lacks(message)
            raise self._fault(message) if lacking is None else missing(lacking)
        if codec.echo:
            self._check_echo(message)
        for key in codec.success:
            if key not in command.result_keys:
                message.pop(key, None)
        if codec.fault is not None:
            message.pop(codec.fault, None)  # some programs write null beside a result
        if command.result_key is None:
            if command.spec.result is not None:
                if codec.ignore_unknown:
                    message = {key: message[key] for key in command.result_keys if key in message}
                return command.result.read(message)
            self._refuse(message)
            return None
        value = message.pop(command.result_key, MISSING)
        self._refuse(message)
        if value is MISSING:
            if command.spec.result is None:
                return None
            raise missing(command.result_key)
        try:
            return command.result.read(value)
        except CodecError as error:
            raise inside(command.result_key, error) from None

    def _refuse(self, others: Mapping[str, Any]) -> None:
        """Raise CodecError if members are left that nothing declares, unless they are ignored."""
        if others and not self.codec.ignore_unknown:
            raise unknown(min(others))

    def _check_echo(self, message: dict[str, Any]) -> None:
        key = self.command.key
        word = message.pop(key, MISSING)
        if word is MISSING:
            if key in self.codec.optional:
                return
            raise missing(key)
        if type(word) is not type(self.command.word) or word != self.command.word:
            raise self._of_another(key, word)

    def _of_another(self, key: str, word: Any) -> CodecError:
        return CodecError(f"is {brief_repr(word)}, so this is not a reply to {self.command.word!r}", key)

    def _is_fault(self, message: Mapping[str, Any]) -> bool:
        if self.codec.success:
            if self.codec.optional:
                return not self.codec.is_good(message)
            return not contains(message, self.codec.success)
        if self.codec.failure:
            return contains(message, self.codec.failure)
        return message.get(self.codec.fault or "") is not None

    def _fault(self, message: dict[str, Any]) -> Fault | CodecError:
        codec, result_key = self.codec, self.command.result_key or ""
        if codec.echo:
            # A controller that cannot read a command does not know its word, nor under which key it was.
            for key in dict.fromkeys((self.command.key, codec.command)):
                word = message.get(key)
                if type(word) in (str, int) and (key, word) in self.others:
                    return self._of_another(key, word)
                message.pop(key, None)
        for key, value in codec.failure.items():
            if key not in message:
                return missing(key)
            found = message.pop(key)
            if not is_one_of(found, value):
                return inside(key, wrong(values_text(value), found))
        if codec.fault is None:
            return self._fault_in(message)
        if message.get(result_key, MISSING) is None:
            del message[result_key]  # some programs write null beside a fault
        if codec.fault not in message:
            return missing(codec.fault)
        parts = message.pop(codec.fault)
        if message and not codec.ignore_unknown:
            return unknown(min(message))
        if codec.reason is None:
            return fault_with_meaning(codec.words, code_of(parts, codec.fault), "", None)
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
            reason = leaf_of(str, parts.pop(codec.reason), codec.reason)
        if codec.data is not None:
            data = leaf_of(Any, parts.pop(codec.data, None), codec.data)
        parts.pop(codec.reason or "", None)
        self._refuse(parts)
        return fault_with_meaning(codec.words, code, reason, data)


def contains(message: Mapping[str, Any], members: Mapping[str, Any]) -> bool:
    """Return whether a message has all these members; True is not 1 there."""
    return all(key in message and is_one_of(message[key], value) for key, value in members.items())


def _is_several(expected: Any) -> bool:
    return isinstance(expected, tuple | range | Set) or callable(expected)


def is_one_of(value: Any, expected: Any) -> bool:
    """Return True if a value is the expected one, or one of several; True is not 1 there."""
    if isinstance(expected, range):
        return type(value) is int and value in expected
    if isinstance(expected, tuple | Set):
        return any(type(value) is type(each) and bool(value == each) for each in expected)
    if callable(expected):
        return type(value) is int and bool(expected(value))
    return type(value) is type(expected) and bool(value == expected)


def values_of(expected: Any) -> Sequence[Any]:
    """Return values of a member of replies; the first is the usual one."""
    if isinstance(expected, tuple | range):
        return expected
    if isinstance(expected, Set):
        return sorted(expected)
    if callable(expected):
        good = (each for each in range(0x10000) if is_one_of(each, expected))
        return list(islice(good, 16))
    return (expected,)


def values_form(expected: Any) -> dict[str, Any]:
    """Return as plain data that a member of replies has one of several values; empty if it has one."""
    if callable(expected):
        good = [each for each in range(0x10000) if is_one_of(each, expected)]
        ranges: list[list[int]] = []
        for each in good:
            if ranges and ranges[-1][1] == each - 1:
                ranges[-1][1] = each
            else:
                ranges.append([each, each])
        return {"or": ranges[:_MOST_RANGES], **({"and more": True} if len(ranges) > _MOST_RANGES else {})}
    if isinstance(expected, range) and expected.step == 1:
        return {"or": [[expected[0], expected[-1]]]}
    values = [*values_of(expected)]
    return {"or": values} if _is_several(expected) else {}


def values_text(expected: Any) -> str:
    """Return the values of a member of replies, for people."""
    if isinstance(expected, range):
        step = f" in steps of {expected.step}" if expected.step != 1 else ""
        return f"{expected[0]} to {expected[-1]}{step}"
    if callable(expected):
        return f"one of {getattr(expected, '__name__', 'several')}"
    return " | ".join(map(brief_repr, values_of(expected)))
