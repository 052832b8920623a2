"""The common part of Json and JsonRpc: compiled commands and events, faults, and a dialect to extend."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from tcpcomm.codec.base import MISSING, Dialect, MessageSpec, ProtocolErrorKind
from tcpcomm.codec.json.parameters import Naming, Parameters, ValueTypes
from tcpcomm.codec.json.text import JsonText
from tcpcomm.codec.json.value_types import LEAVES, ValueType
from tcpcomm.codec.problems import brief_repr, errors_at, inside, without_b, wrong
from tcpcomm.codec.random_values import draw
from tcpcomm.errors import CodecError, ConfigurationError, Fault

ERROR_CODES: Final[Mapping[ProtocolErrorKind, int]] = {
    ProtocolErrorKind.UNREADABLE: -32700,
    ProtocolErrorKind.MALFORMED: -32600,
    ProtocolErrorKind.UNKNOWN_COMMAND: -32601,
    ProtocolErrorKind.BAD_PARAMETERS: -32602,
    ProtocolErrorKind.WRONG_STATE: -32000,
    ProtocolErrorKind.INTERNAL: -32603,
}
"""The codes that JSON-RPC 2.0 reserves, section 5.1; -32000 is one of those for a server's own errors."""


@frozen
class JsonMessage:
    """A compiled command or event."""

    spec: MessageSpec
    word: int | str
    """Its word on the wire."""
    parameters: Parameters
    result: ValueType

    @property
    def identity(self) -> tuple[str, int | str]:
        """The key of the word, if keys differ, and the word. No other command or event has both."""
        return "", self.word


M = TypeVar("M", bound=JsonMessage)


def word_of(
    spec: MessageSpec, types: ValueTypes, kinds: tuple[type, ...], expected: str, wire: Any = MISSING
) -> Any:
    """Return the word of a command or event. Raises ConfigurationError if its type is not allowed."""
    wire = spec.wire if wire is MISSING else wire
    word = types.name_of(spec.name) if wire is MISSING else wire
    if isinstance(word, bytes):
        raise ConfigurationError(f"{expected}, {without_b(word)}")
    if type(word) not in kinds:
        raise ConfigurationError(f"{expected}, not {brief_repr(word)}")
    if isinstance(word, str) and ("{" in word or "}" in word):
        example = re.split(r"\W", word)[0]
        raise ConfigurationError(
            f"a JSON command is a word; its parameters are keys: write {example!r}, not {word!r}"
        )
    return word


def compile_result(spec: MessageSpec, types: ValueTypes) -> ValueType:
    """Return the type of a command's result. Raises ConfigurationError if JSON cannot carry it."""
    with errors_at("its result"):
        return types.of(spec.result)


def compile_messages(
    specs: Sequence[MessageSpec], compile_one: Callable[[MessageSpec], M], name: str
) -> list[M]:
    """Compile commands and events. Raises ConfigurationError if two have the same word, called ``name``."""
    known: dict[tuple[str, int | str], M] = {}
    for spec in specs:
        with errors_at(spec.where):
            message = compile_one(spec)
            other = known.setdefault(message.identity, message)
            if other is not message:
                raise ConfigurationError(f"{other.spec.where} has the {name} {message.word!r} already")
    return [*known.values()]


def code_of(value: Any, key: str) -> int | str:
    """Return a fault's code, a whole number or text. Raises CodecError if it is not one."""
    if type(value) not in (int, str):
        raise inside(key, wrong("a whole number or text", value))
    return leaf_of(type(value), value, key)  # type: ignore[no-any-return]


def leaf_of(kind: Any, value: Any, key: str) -> Any:
    """Return a fault's reason, which is ``str``, or its data, which are ``Any``. Raises CodecError."""
    try:
        return LEAVES[kind].read(value)
    except CodecError as error:
        raise inside(key, error) from None


class JsonDialectBase(Dialect, Generic[M]):
    """The common part of dialects of JSON. Its ``codes`` are those that differ from ERROR_CODES."""

    def __init__(
        self,
        text: JsonText,
        messages: Sequence[M],
        codes: Mapping[ProtocolErrorKind, int | str],
        naming: Naming,
    ) -> None:
        self._name_of = ValueTypes(naming).name_of
        self._text = text
        self._messages = {each.spec.name: each for each in messages}
        self._codes = {**ERROR_CODES, **codes}
        self.codes_are_texts = all(isinstance(each, str) for each in self._codes.values())

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return Fault(self._codes[kind], reason)

    def rules(self) -> dict[str, Any]:
        return {"encoding": self._text.charset, "ascii": self._text.ascii}

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        return {each.name: draw(each.type, random) for each in self._messages[name].spec.parameters}

    def draw_result(self, name: str, random: Random) -> Any:
        return draw(self._messages[name].spec.result, random)
