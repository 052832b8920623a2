"""
The dialect of all codecs that write messages by templates: :class:`TextDialect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from random import Random
from typing import Any, Final, Generic, NamedTuple, TypeVar

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import (
    MISSING,
    Answer,
    Asked,
    Dialect,
    Event,
    LiteralText,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
)
from tcpcomm.codec.encoding import Encoding
from tcpcomm.codec.template.ambiguity import begins_with_anything, common
from tcpcomm.codec.template.codegen import read_request, write_values
from tcpcomm.codec.template.compiled import CompiledTemplate
from tcpcomm.codec.template.compiler import compile_line
from tcpcomm.codec.template.faults import FaultForm, NoFaults, first_word
from tcpcomm.codec.template.field_type import shown
from tcpcomm.codec.template.parser import literals, parse
from tcpcomm.codec.template.replies import Reply
from tcpcomm.errors import CodecError, ConfigurationError, Fault

__all__ = ["TextDialect"]

T = TypeVar("T")

_Read = Callable[[str], "T | None"]


class _Message:
    """A command or an event, compiled."""

    def __init__(self, form: MessageSpec, faults: FaultForm | NoFaults, *, faults_first: bool) -> None:
        self.form = form
        self.name = form.name
        self.parameters = frozenset(parameter.name for parameter in form.parameters)
        self.line = _request_line(form)
        self.write = write_values(self.line, self._write)
        """The text with which it is sent."""
        self.word = first_word(self.line.leading)
        self.reply = None if form.is_event else _reply(form)
        self.wants_reply = self.reply is not None
        self.order = [parameter.name for parameter in form.parameters]
        self.request: _Read[Request | Refusal] = read_request(
            self.line, self.order, self._request, name=self.name, wants_reply=self.wants_reply
        )
        """The request that a text is, or what is to be said of its values; None if it is another text."""
        self.acknowledgement: bytes | None = None
        self.answers: Callable[[], ReplyReader] | None = None
        if self.reply is not None:
            word = self.word
            self.answers = self.reply.answers(
                lambda text: faults.read(text, word), faults_first=faults_first
            )

    def read(self, text: str) -> dict[str, Any] | None:
        """Its values in a text, in the order of the parameters; None if it is another text."""
        values = self.line.read(text)
        return None if values is None else {name: values[name] for name in self.order}

    def event(self, text: str) -> Event | None:
        """The event that a text is; None if it is another text."""
        values = self.read(text)
        return None if values is None else Event(self.name, values)

    def _request(self, text: str) -> Request | Refusal | None:
        try:
            values = self.read(text)
        except CodecError as error:
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, error, self.name, wants_reply=self.wants_reply)
        return None if values is None else Request(self.name, values, None, self.wants_reply)

    def begins(self, text: str) -> bool:
        """Whether a text begins like it, where the first field follows the word without a mark between."""
        begin = self.line.leading
        return begin == self.word and len(self.line.steps) > 1 and bool(begin) and text.startswith(begin)

    def _write(self, values: Mapping[str, Any]) -> str:
        if values.keys() != self.parameters:
            for name in sorted(self.parameters ^ values.keys()):
                raise CodecError(
                    "a value is missing" if name in self.parameters else "no such parameter", name
                )
        return self.line.write(values)


def _request_line(form: MessageSpec) -> CompiledTemplate:
    if not isinstance(form.wire, str):
        example = form.name.upper() + "".join(f",{{{each.name}}}" for each in form.parameters)
        given = "is missing" if form.wire is MISSING else f"cannot be {form.wire!r}"
        raise ConfigurationError(f"{form.where}: its template {given}; write it first, such as {example!r}")
    try:
        line = compile_line(form.wire, {each.name: each for each in form.parameters})
    except ConfigurationError as error:
        raise ConfigurationError(f"{form.where}: {error}") from None
    for each in form.parameters:
        if each.name not in line.names:
            raise ConfigurationError(f"{form.where}: the parameter {each.name!r} is not in {form.wire!r}")
    if not form.wire:
        raise ConfigurationError(f"{form.where}: an empty template is never told from nothing")
    return line


def _reply(form: MessageSpec) -> Reply | None:
    if form.reply is None:
        if form.result not in (None, type(None)):
            raise ConfigurationError(
                f"{form.where}: it returns {type_text(form.result)}, but reply=None says that no reply is sent"
            )
        return None
    if form.reply is MISSING:
        example = "OK" if form.result in (None, type(None)) else "OK,{...}"
        raise ConfigurationError(
            f"{form.where}: its reply is missing: write reply={example!r}, or reply=None if it has none"
        )
    try:
        return Reply(form)
    except ConfigurationError as error:
        raise ConfigurationError(f"{form.where}: {error}") from None


class _Dispatch(Generic[T]):
    """Finds the one message that a text is, by the literal text it begins with."""

    def __init__(self, readers: Iterable[tuple[_Message, _Read[T]]]) -> None:
        tables: dict[int, dict[str, list[_Read[T]]]] = {}
        for message, read in readers:
            begin = message.line.leading
            tables.setdefault(len(begin), {}).setdefault(begin, []).append(read)
        self.tables = tuple(
            (size, {begin: _first_of(readers) for begin, readers in tables[size].items()}.get)
            for size in sorted(tables, reverse=True)
        )
        """For each length of such a text, what finds the reader of those that begin with it."""

    def find(self, text: str) -> T | None:
        """What the reader of the one message makes of a text. Raises what it raises."""
        for size, reader_of in self.tables:
            read = reader_of(text[:size])
            if read is not None:
                found = read(text)
                if found is not None:
                    return found
        return None


def _first_of(readers: Sequence[_Read[T]]) -> _Read[T]:
    """One reader for several, of which at most one knows a text."""
    if len(readers) == 1:
        return readers[0]
    return lambda text: next((found for read in readers if (found := read(text)) is not None), None)


class TextDialect(Dialect):
    """
    Templates, bound to a declaration.

    Args:
        forms: the declaration.
        encoding: of the text.
        faults: the form of faults.
        free_replies: whether a reply may be any text. It is then refused when it is written if it would be
            read as an event or a fault; otherwise forms whose texts could be taken for each other are
            refused right here.

    Raises:
        ConfigurationError: a form cannot be compiled, or two of them could not be told apart.
    """

    def __init__(
        self,
        forms: Sequence[MessageSpec],
        encoding: Encoding,
        faults: FaultForm | NoFaults,
        *,
        free_replies: bool = False,
    ) -> None:
        self._encoding = encoding
        self._encode = encoding.encode
        self._charset = encoding.name
        self._faults = faults
        self.has_faults = isinstance(faults, FaultForm)
        self._free_replies = free_replies
        messages = [_Message(form, faults, faults_first=free_replies) for form in forms]
        self._messages = {message.form.name: message for message in messages}
        self._commands = [message for message in messages if not message.form.is_event]
        self._events = [message for message in messages if message.form.is_event]
        self._requests_by_text: _Dispatch[Request | Refusal] = _Dispatch(
            (each, each.request) for each in self._commands
        )
        self._events_by_text = _Dispatch((each, each.event) for each in self._events)
        _tell_apart(self._commands, self._events, faults, free_replies=free_replies)
        self._check_literals()
        self._repliers = {
            each.name: self._reply_to
            if each.reply is None or free_replies
            else each.reply.writer(encoding, self._reply_to)
            for each in self._commands
        }
        self._telling_replies = [
            line
            for each in self._commands
            if each.reply is not None
            for line in each.reply.lines
            if not begins_with_anything(line.shape)
        ]
        """Replies that can be told from a command that nobody knows."""

    def _check_literals(self) -> None:
        for message in self._messages.values():
            reply = message.reply
            texts = [message.line.literal, *(line.literal for line in (reply.all_lines if reply else ()))]
            for text in texts:
                if not self._encoding.carries(text):
                    raise ConfigurationError(
                        f"{message.form.where}: {shown(text)} cannot be written in {self._encoding.name}"
                    )
            if reply is not None and reply.acknowledgement is not None:
                message.acknowledgement = self._encode(reply.acknowledgement)

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        return self._encode(self._messages[name].write(values))

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        return self._encode(self._messages[name].write(values))

    def reply_reader(self, name: str) -> ReplyReader | None:
        make = self._messages[name].answers
        return None if make is None else make()

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        text = self._encoding.decode(frame)
        event = self._events_by_text.find(text) if self._events else None
        return (Answer(text) if event is None else event,)

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            text = str(frame, self._charset)
        except UnicodeDecodeError:
            return self._unreadable(frame)
        for size, reader_of in self._requests_by_text.tables:  # find() itself takes 0.1 us longer
            read = reader_of(text[:size])
            if read is not None:
                asked = read(text)
                if asked is not None:
                    return asked
        return self._refusal(text)

    def _unreadable(self, frame: bytes) -> Refusal:
        try:
            self._encoding.decode(frame)
        except CodecError as error:
            return Refusal(ProtocolErrorKind.UNREADABLE, error)
        raise AssertionError("it could not be decoded a moment ago")

    def _refusal(self, text: str) -> Refusal:
        """What to say of a text that is no request: slowly, for it should not happen."""
        # Of two peers of one kind, each would answer the other's fault with a fault, without end.
        taken = self._is_taken(text)
        foreign = taken or any(line.matches(text) for line in self._telling_replies)
        word = first_word(text)
        alike = [
            each
            for each in self._commands
            if each.word == word or each.begins(text)
        ]
        if alike:
            nearest = max(alike, key=lambda each: each.line.progress(text))
            return Refusal(
                ProtocolErrorKind.BAD_PARAMETERS,
                nearest.line.problem(text),
                nearest.form.name,
                wants_reply=nearest.reply is not None and not taken,
                foreign=foreign,
            )
        if not text:
            return Refusal(ProtocolErrorKind.MALFORMED, CodecError("the request is empty"), foreign=foreign)
        problem = CodecError(f"there is no command {shown(word or text)}")
        return Refusal(ProtocolErrorKind.UNKNOWN_COMMAND, problem, id=word, wants_reply=not taken, foreign=foreign)

    def acknowledgement(self, request: Request) -> bytes | None:
        return self._messages[request.name].acknowledgement

    def reply(self, request: Request, result: Any) -> list[bytes]:
        return self._repliers[request.name](request, result)

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        return self._repliers[name]

    def _reply_to(self, request: Request, result: Any) -> list[bytes]:
        message = self._messages[request.name]
        if message.reply is None:
            return []
        texts = message.reply.write(result)
        if self._free_replies:
            self._check_free(texts)
        if message.acknowledgement is not None:
            del texts[0]
        return list(map(self._encode, texts))

    def _is_taken(self, text: str) -> bool:
        """Whether a host would take a text for an event or a fault."""
        return self._faults.matches(text) or any(each.line.matches(text) for each in self._events)

    def _check_free(self, texts: Sequence[str]) -> None:
        for text in texts:
            if self._is_taken(text):
                raise CodecError(f"the reply {shown(text)} would be read as a fault or an event")

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        if request.name is not None:
            word = self._messages[request.name].word
        else:
            word = request.id if isinstance(request.id, str) else ""
        return self._encode(self._faults.write(word, fault))

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return self._faults.fault_for(kind, reason)

    def literal_texts(self) -> Iterator[LiteralText]:
        type_text = [("", self._faults.text, True)]
        for message in self._messages.values():
            where, reply = message.form.where, message.reply
            type_text.append((where, message.line.text, message.form.is_event))
            type_text += [(where, line.text, True) for line in (reply.all_lines if reply else ())]
        for where, text, by_equipment in type_text:
            for each in literals(parse(text)):
                yield LiteralText(where, text, self._encoding.encode(each), by_equipment)

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        return self._messages[name].line.draw(random)

    def draw_result(self, name: str, random: Random) -> Any:
        reply = self._messages[name].reply
        if reply is None:
            return None
        while True:
            result = reply.draw(random)
            if not self._free_replies or not any(map(self._is_taken, reply.write(result))):
                return result

    def notation(self, name: str) -> Notation:
        message = self._messages[name]
        return Notation(message.line.text, () if message.reply is None else message.reply.texts)

    def fault_notation(self) -> str:
        return self._faults.text


_WITHOUT_FAULTS: Final = ", or write fault=None if the equipment has no faults"


class _Sent(NamedTuple):
    """Something that a frame can be."""

    where: str
    what: str
    line: CompiledTemplate


def _tell_apart(
    commands: Sequence[_Message],
    events: Sequence[_Message],
    faults: FaultForm | NoFaults,
    *,
    free_replies: bool,
) -> None:
    """Raise ConfigurationError if one frame can be two things to its reader."""

    def requests(messages: Sequence[_Message], kind: str) -> list[_Sent]:
        return [
            _Sent(each.form.where, f"the {kind} {each.form.where}, {each.line.text!r},", each.line)
            for each in messages
        ]

    def fault(word: str) -> list[_Sent]:
        if isinstance(faults, NoFaults):
            return []
        return [_Sent("the form of faults", f"the fault {faults.text!r}", faults.line(word))]

    asked, type_text = requests(commands, "command"), requests(events, "event")
    pairs = [*combinations(asked, 2), *combinations(type_text, 2), *product(fault(""), type_text)]
    for command in commands:
        if command.reply is None or free_replies:
            continue
        where, reply = command.form.where, command.reply
        replies = [_Sent(where, f"its reply {line.text!r}", line) for line in reply.all_lines]
        pairs += product(type_text, replies)
        # Behind the head of a counted reply there is no fault any more.
        pairs += product(fault(command.word), replies[: len(reply.lines)])
    for one, other in pairs:
        text = _common(one.line, other.line)
        if text is not None:
            raise ConfigurationError(
                f"{other.where}: {other.what} cannot be told from {one.what.rstrip(',')}: "
                f"both can be the frame {text!r}; put a literal text in front of one of them that the "
                "other cannot begin with" + (_WITHOUT_FAULTS if "fault" in one.what else "")
            )


def _common(one: CompiledTemplate, other: CompiledTemplate) -> str | None:
    if one.leading.startswith(other.leading) or other.leading.startswith(one.leading):
        return common(one.shape, other.shape)
    return None
