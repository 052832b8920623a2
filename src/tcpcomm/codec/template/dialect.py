"""The dialect of all codecs that write messages by templates: :class:`TextDialect`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, product
from random import Random
from typing import Any, Final, NamedTuple

from attrs import evolve

from tcpcomm.codec.annotations import type_text
from tcpcomm.codec.base import (
    MISSING,
    Answer,
    Asked,
    Dialect,
    Event,
    Field,
    LiteralText,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
)
from tcpcomm.codec.codegen import CommandSource, Source
from tcpcomm.codec.encoding import Encoding, using, without_byte_order_mark
from tcpcomm.codec.problems import brief_repr, missing, unknown, without_b
from tcpcomm.codec.reply_forms import Silence
from tcpcomm.codec.template.ambiguity import begins_with_anything, common_text
from tcpcomm.codec.template.bodies import body_encoding
from tcpcomm.codec.template.codegen import (
    Reader,
    command_source,
    one_reader,
    read_request,
    recognition_by_begin,
    write_values,
)
from tcpcomm.codec.template.compiled import CompiledTemplate, FieldFinder, found_value
from tcpcomm.codec.template.compiler import as_usual_or_exactly, compile_template, reading_exactly
from tcpcomm.codec.template.faults import Faults, FaultTemplate, fault_templates, first_word
from tcpcomm.codec.template.fields.forms import template_form
from tcpcomm.codec.template.fields.raw_bytes import raw_field
from tcpcomm.codec.template.parser import literal_texts, parse
from tcpcomm.codec.template.replies import Reply
from tcpcomm.codec.template.sequences import NOTHING_CARRIED, check_id
from tcpcomm.codec.template.silence import SilentReply
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.framing.base import Framing

_LONGEST_WORD: Final = 64
"""The characters of an unknown command that a fault repeats, so that the fault fits into a frame."""

class Message:
    """A command or an event, compiled."""

    def __init__(
        self, spec: MessageSpec, encoding: Encoding, faults: Faults, *, faults_first: bool
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.template = _message_template(spec, None if spec.is_event else faults.rules.id)
        self.word = first_word(self.template.leading)
        rules = evolve(faults.rules, parameters={each.name: each for each in spec.parameters})
        self.own_faults = fault_templates(spec.faults, encoding, rules)
        self.faults = faults.with_own(self.own_faults)
        sent = [each.template(self.word) for each in self.faults.templates]
        self.order = [parameter.name for parameter in spec.parameters]
        self.reply: Reply | None = None
        if not spec.is_event and _has_reply(spec):
            read = partial(self.faults.read, word=self.word)
            if isinstance(spec.reply, Silence):
                self.reply = SilentReply(spec, read)
            else:
                self.reply = Reply(spec, read, sent, faults_first=faults_first, id=faults.rules.id)
            self.reply.faults_repeat = bool(self.faults.repeated)
            if faults.rules.id is not None:
                check_id("the command", self.template.text, faults.rules.id)
        self.reply_templates = () if self.reply is None else self.reply.all_templates
        self.wants_reply = self.reply is not None
        self.write = write_values(self.template, self._write)
        """Returns the text of the command or event for its values."""
        self._id = faults.rules.id or ""
        self.has_id = self._id in self.template.names
        self.read_request: Reader[Request | Refusal] = self._read_request
        if not self.has_id:
            self.read_request = read_request(
                self.template, self.order, self._read_request, name=self.name, wants_reply=self.wants_reply
            )
        for template in (self.template, *self.reply_templates):
            if not encoding.carries(template.literal):
                raise ConfigurationError(
                    f"{brief_repr(template.literal)} cannot be written in {encoding.name}"
                )
        self.acknowledgement: bytes | None = None
        if self.reply is not None and self.reply.acknowledgement is not None:
            self.acknowledgement = encoding.encode(self.reply.write_acknowledgement({}) or "")

    @property
    def form(self) -> dict[str, Any]:
        """The command or event as plain data."""
        fields = {each.name: each for each in self.spec.parameters}
        if self._id:
            fields[self._id] = Field(self._id, int)
        return template_form(self.template.text, fields, id=self._id)

    def _read(self, text: str) -> dict[str, Any] | None:
        values = self.template.read(text)
        return None if values is None else {name: values[name] for name in self.order}

    def read_event(self, text: str) -> Event | None:
        values = self._read(text)
        return None if values is None else Event(self.name, values)

    def _read_request(self, text: str) -> Request | Refusal | None:
        id = None
        try:
            values = self.template.read(text)
            if values is not None:
                id = values.pop(self._id, None)
                values = {name: values[name] for name in self.order}
        except CodecError as error:
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, error, self.name, wants_reply=self.wants_reply)
        return None if values is None else Request(self.name, values, id, self.wants_reply)

    def is_like(self, text: str, word: str) -> bool:
        """Return True if a text, with this first word, is probably this command with wrong values."""
        if self.word == word:
            return True
        # The first field can follow the word without a separator.
        begin = self.template.leading
        return begin == self.word != "" and len(self.template.expected) > 1 and text.startswith(begin)

    def _write(self, values: Mapping[str, Any]) -> str:
        self.check_names(values)
        return self.template.write(values)

    def check_names(self, values: Mapping[str, Any]) -> None:
        """Raise CodecError unless there are values for all parameters, and no others."""
        if wrong_names := values.keys() ^ self.order:
            name = min(wrong_names)
            raise missing(name) if name in self.order else unknown(name)


def _message_template(spec: MessageSpec, id: str | None) -> CompiledTemplate:
    if isinstance(spec.wire, bytes):
        raise ConfigurationError(f"its template must be text, {without_b(spec.wire)}")
    if not isinstance(spec.wire, str):
        example = spec.name.upper() + "".join(f",{{{each.name}}}" for each in spec.parameters)
        problem = "is missing" if spec.wire is MISSING else f"cannot be {spec.wire!r}"
        raise ConfigurationError(f"its template {problem}: write one, such as {example!r}")
    if not spec.wire:
        raise ConfigurationError("its template must not be empty: write a word, at least")
    fields = {each.name: each for each in spec.parameters}
    if id is not None:
        if id in fields:
            raise ConfigurationError(f"the parameter {id!r} has the name of the id: give one another name")
        fields[id] = Field(id, int)
    template = compile_template(spec.wire, fields)
    for each in spec.parameters:
        if each.name not in template.names:
            raise ConfigurationError(
                f"the parameter {each.name!r} is not in {spec.wire!r}: add {{{each.name}}}"
            )
    return template


def _has_reply(spec: MessageSpec) -> bool:
    returns_none = spec.result in (None, type(None))
    if spec.reply is MISSING:
        example = "OK" if returns_none else "OK,{...}"
        raise ConfigurationError(
            f"its reply is missing: write reply={example!r}, or reply=None if it has none"
        )
    if spec.reply is None and not returns_none:
        raise ConfigurationError(
            f"it returns {type_text(spec.result)}, but with reply=None no reply is sent"
        )
    return spec.reply is not None


def sent_values(request: Request | Refusal) -> Mapping[str, Any]:
    """Return the values of a request, or those that were found in a request that is refused."""
    return request.values if isinstance(request, Request) else request.header or NOTHING_CARRIED


def _finders(commands: Iterable[Message]) -> dict[str, list[tuple[str, FieldFinder]]]:
    """Return what finds the parameters in requests that faults repeat, each with its command."""
    found: dict[str, list[tuple[str, FieldFinder]]] = {}
    for each in commands:
        if each.reply is not None:
            for name in sorted(each.faults.repeated):
                found.setdefault(name, []).append((each.name, FieldFinder(each.template, name)))
    return found


class TextDialect(Dialect):
    """
    Templates, bound to a declaration.

    Args:
        specs: the commands and events.
        encoding: the encoding of the text.
        faults: the faults of all commands.
        free_replies: True if a reply can be any text. A reply that would be read as an event or a fault is
            then refused when it is written. If False, a declaration with such a reply is refused.

    Raises:
        ConfigurationError: a message cannot be compiled, or two messages can be the same text.
    """

    def __init__(
        self,
        specs: Sequence[MessageSpec],
        encoding: Encoding,
        faults: Faults,
        *,
        free_replies: bool = False,
    ) -> None:
        self._charset = encoding.charset
        self._faults = faults
        self.has_faults = bool(faults.templates)
        self._free_replies = free_replies
        messages = _compile_messages(specs, encoding, faults, free_replies=free_replies)
        templates = [each for message in messages for each in (message.template, *message.reply_templates)]
        self._encoding = body_encoding(encoding, templates)
        self._encode, self._decode = self._encoding.encode, self._encoding.decode
        reads_texts = type(self).read_at_equipment is TextDialect.read_at_equipment
        self.charset = encoding.charset if reads_texts and type(self._encoding) is Encoding else None
        self._messages = {each.name: each for each in messages}
        self._commands = [each for each in messages if not each.spec.is_event]
        self._events = [each for each in messages if each.spec.is_event]
        self._read_request: Reader[Request | Refusal] = one_reader(
            (each.template.leading, each.read_request) for each in self._commands
        )
        self._read_event = one_reader((each.template.leading, each.read_event) for each in self._events)
        self._repliers = {
            each.name: self._reply_to
            if each.reply is None or free_replies
            else each.reply.writer(encoding, self._reply_to)
            for each in self._commands
        }
        self.reads_by_request = any(
            each.reply is not None and (each.reply.repeats or each.reply.faults_repeat)
            for each in self._commands
        )
        self._finders = _finders(self._commands)
        if self._finders:
            self._explain_refusals(self._with_repeated)
        self._distinctive_replies = [
            (each.name, template)
            for each in self._commands
            if each.reply is not None
            for template in each.reply.first_templates
            if not begins_with_anything(template.pattern)
        ]
        """The replies that can be distinguished from an unknown command."""

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        return self._encode(self._messages[name].write(values))

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        return self._encode(self._messages[name].write(values))

    def reply_reader(self, name: str) -> ReplyReader | None:
        reply = self._messages[name].reply
        return None if reply is None else reply.reader()

    def reader_for(self, name: str, values: Mapping[str, Any]) -> ReplyReader | None:
        reply = self._messages[name].reply
        return None if reply is None else reply.reader(values)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        text = self._encoding.decode(frame)
        return (self._read_event(text) or Answer(text),)

    def answers_another(self, name: str, body: Any) -> bool:
        return any(template.matches(body) for of, template in self._distinctive_replies if of != name)

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            text = self._decode(frame)
        except CodecError as error:
            return Refusal(ProtocolErrorKind.UNREADABLE, error)
        return self._read_request(text) or self._refusal(text)

    def recognition(self, source: Source, names: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        if self.charset is None:
            return super().recognition(source, names)
        begins = {name: self._messages[name].template.leading for name in names}
        return recognition_by_begin(source, begins)

    def command_source(self, source: Source, name: str, sent: Framing) -> CommandSource:
        if self.charset is None:
            return super().command_source(source, name, sent)
        message = self._messages[name]
        template, reply = message.template, message.reply
        assert reply is not None
        written = None if self._free_replies else reply.source(source, self._encoding, sent)
        if written is not None and not (template.counts or template.raw or message.has_id):
            return command_source(template, message.order, written, source)
        whole = super().command_source(source, name, sent)
        read = [f"asked = {source.constant(message.read_request, 'read')}(frame)", "values = asked.values"]
        return evolve(whole, read=read, arguments="**values")

    def _explain_refusals(self, explained: Callable[[Refusal, str], Refusal]) -> None:
        """Have all refused requests explained by a function, which gets the refusal and the text."""
        read: Callable[[bytes], Asked] = self.read_at_equipment

        def read_request(frame: bytes) -> Asked:
            asked = read(frame)
            if not isinstance(asked, Refusal):
                return asked
            try:
                text = self._encoding.decode(frame)
            except CodecError:
                text = frame.decode(self._charset, "replace")
            return explained(asked, text)

        self.read_at_equipment = read_request  # type: ignore[method-assign]

    def _with_repeated(self, refusal: Refusal, text: str) -> Refusal:
        """Return a refusal with the values in the text that a fault repeats."""
        values = {}
        for name, finders in self._finders.items():
            likely = [finder for of, finder in finders if refusal.name in (None, of)]
            value = found_value(text, likely)
            if value is not None:
                values[name] = value
        return refusal.but(header=values)

    def _refusal(self, text: str) -> Request | Refusal:
        unmarked = without_byte_order_mark(text)
        if unmarked is not None:
            return self._read_request(unmarked) or self._refusal(unmarked)
        # Two peers of one kind must not answer each other's faults with faults, without end.
        is_ours = self._is_event_or_fault(text)
        foreign = is_ours or any(template.matches(text) for _, template in self._distinctive_replies)
        word = first_word(text)
        alike = [each for each in self._commands if each.is_like(text, word)]
        if alike:
            explained = [(each.template.explain(text), each) for each in alike]
            (_, problem), nearest = max(explained, key=lambda each: each[0][0])
            return Refusal(
                ProtocolErrorKind.BAD_PARAMETERS,
                problem,
                nearest.name,
                wants_reply=nearest.wants_reply and not is_ours,
                foreign=foreign,
            )
        if not text:
            problem = CodecError("the request is empty")
            return Refusal(ProtocolErrorKind.MALFORMED, problem, foreign=foreign)
        problem = CodecError(f"there is no command {brief_repr(word or text)}")
        begin = "".join(filter(str.isprintable, word))[:_LONGEST_WORD]  # it may be an end of a reply
        kind = ProtocolErrorKind.UNKNOWN_COMMAND
        return Refusal(kind, problem, id=begin, wants_reply=not is_ours, foreign=foreign)

    def carried(self, request: Request) -> Mapping[str, Any]:
        """Return the values of a request that its acknowledgement and its reply may repeat."""
        return request.values

    def acknowledgement(self, request: Request) -> bytes | None:
        message = self._messages[request.name]
        if message.reply is None or not message.reply.carried_first:
            return message.acknowledgement
        return self._encode(message.reply.write_acknowledgement(self.carried(request)) or "")

    def reply(self, request: Request, result: Any) -> list[bytes]:
        return self._repliers[request.name](request, result)

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        return self._repliers[name]

    def _reply_to(self, request: Request, result: Any) -> list[bytes]:
        message = self._messages[request.name]
        if message.reply is None:
            return []
        texts = message.reply.write(result, self.carried(request))
        if self._free_replies or message.reply.free_templates:
            for text in texts:
                if self._is_event_or_fault(text):
                    raise CodecError(f"the reply {brief_repr(text)} would be read as a fault or an event")
        return list(map(self._encode, texts))

    def _is_event_or_fault(self, text: str) -> bool:
        if any(each.template.matches(text) for each in self._events) or self._faults.matches(text):
            return True
        return any(own.matches(text) for each in self._commands for own in each.own_faults)

    def can_fail(self, name: str) -> bool:
        return bool(self._messages[name].faults.templates)

    def fault_codes(self, name: str) -> Sequence[int | str]:
        return [each.code for each in self._messages[name].faults.templates if not each.has_code]

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        sent = sent_values(request)
        if request.name is not None:
            message = self._messages[request.name]
            return self._encode(message.faults.write(message.word, fault, sent=sent))
        word = request.id if isinstance(request.id, str) else ""
        return self._encode(self._faults.write(word, fault, sent=sent))

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        return self._faults.fault_for(kind, reason)

    def fault_for_request(self, name: str | None, kind: ProtocolErrorKind, reason: str) -> Fault:
        faults = self.faults_of(name)
        has_own_codes = not self.has_faults and faults is not self._faults
        return faults.fault_for(kind, reason) if has_own_codes else self.fault_for(kind, reason)

    def tells(self, name: str | None, kind: ProtocolErrorKind) -> bool:
        return self.faults_of(name).tells(kind)

    def faults_of(self, name: str | None) -> Faults:
        """Return the faults that can answer a request of a command, or of none if that is None."""
        return self._faults if name is None else self._messages[name].faults

    def literal_texts(self) -> Iterator[LiteralText]:
        templates = [("", each.text, True) for each in self._faults.templates]
        for message in self._messages.values():
            where = message.spec.where
            templates.append((where, message.template.text, message.spec.is_event))
            templates += [
                (where, each.text, True) for each in (*message.reply_templates, *message.own_faults)
            ]
        for where, template, by_equipment in templates:
            if raw_field(parse(template), ""):
                continue  # a sample tells more, because a framing may know such a frame as a whole only
            for text in literal_texts(parse(template)):
                yield LiteralText(where, template, self._encoding.encode(text), by_equipment)
        yield from self._samples_with_raw_bytes()

    def _samples_with_raw_bytes(self) -> Iterator[LiteralText]:
        """Yield a frame of each template with raw bytes, because its framing must carry line and bytes."""
        for message in self._messages.values():
            templates = [(message.template, message.spec.is_event)]
            templates += [(each, True) for each in message.reply_templates]
            for template, by_equipment in templates:
                if template.raw:
                    frame = self._encode(template.write(template.draw(Random(0))))
                    yield LiteralText(message.spec.where, template.text, frame, by_equipment)

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        return self._messages[name].template.draw(random)

    def draw_result(self, name: str, random: Random) -> Any:
        reply = self._messages[name].reply
        if reply is None:
            return None
        while True:
            result = reply.draw(random)
            if not (self._free_replies or reply.free_templates):
                return result
            if not any(map(self._is_event_or_fault, reply.write(result))):
                return result

    def notation(self, name: str) -> Notation:
        message = self._messages[name]
        replies = () if message.reply is None else message.reply.texts
        return Notation(message.template.text, replies, tuple(each.notation for each in message.own_faults))

    def layout(self, name: str) -> dict[str, Any] | None:
        message = self._messages[name]
        layout: dict[str, Any] = {"request": message.form}
        if message.reply is not None:
            layout["reply"] = message.reply.layout
            layout["command"] = message.word
        if message.own_faults:
            layout["faults"] = [each.layout for each in message.own_faults]
        return layout

    def fault_layout(self) -> dict[str, Any] | None:
        layouts = [each.layout for each in self._faults.templates]
        return {"forms": layouts, "success": [*self._faults.rules.ok]}

    def rules(self) -> dict[str, Any]:
        return {"encoding": self._charset, **self._encoding.rules}

    def fault_notation(self) -> str:
        return " or ".join(each.notation for each in self._faults.templates)


class _CommonText(ConfigurationError):
    """A frame can be two messages. ``names`` has the names of both, without the empty name of a fault."""

    def __init__(self, message: str, names: Iterable[str]) -> None:
        super().__init__(message)
        self.names = {*names} - {""}


def _compile_messages(
    specs: Sequence[MessageSpec],
    encoding: Encoding,
    faults: Faults,
    *,
    free_replies: bool,
) -> list[Message]:
    """
    Compile messages. Their numbers are read in every usual form, unless a frame could be two messages then.

    Raises:
        ConfigurationError: a message cannot be compiled, or two messages can be the same text.
    """

    def compiled(spec: MessageSpec) -> Message:
        try:
            with using(encoding):
                return as_usual_or_exactly(
                    lambda: Message(spec, encoding, faults, faults_first=free_replies)
                )
        except ConfigurationError as error:
            raise ConfigurationError(f"{spec.where}: {error}") from None

    messages = [compiled(spec) for spec in specs]
    exact: set[str] = set()
    while True:
        commands = [each for each in messages if not each.spec.is_event]
        events = [each for each in messages if each.spec.is_event]
        try:
            _refuse_common_texts(commands, events, faults, free_replies=free_replies)
        except _CommonText as error:
            names = error.names - exact
            if not names:
                raise
            with reading_exactly():
                messages = [compiled(each.spec) if each.name in names else each for each in messages]
            exact |= names
        else:
            return messages


class _PossibleFrame(NamedTuple):
    name: str
    where: str
    description: str
    template: CompiledTemplate


def _refuse_common_texts(
    commands: Sequence[Message],
    events: Sequence[Message],
    faults: Faults,
    *,
    free_replies: bool,
) -> None:
    """Raise _CommonText if one frame can be two messages for its reader."""

    def frame_of(kind: str, message: Message) -> _PossibleFrame:
        where, template = message.spec.where, message.template
        return _PossibleFrame(message.name, where, f"the {kind} {where}, {template.text!r},", template)

    def faults_of(where: str, templates: Sequence[FaultTemplate], word: str) -> list[_PossibleFrame]:
        return [
            _PossibleFrame("", where, f"the fault {each.text!r}", each.template(word)) for each in templates
        ]

    common = faults_of("the template of faults", faults.templates, "")
    requests = [frame_of("command", each) for each in commands]
    all_events = [frame_of("event", each) for each in events]
    pairs = [*combinations(requests, 2), *combinations(all_events, 2), *product(common, all_events)]
    pairs += combinations(common, 2)
    for command in commands:
        if command.reply is None or free_replies:
            continue
        reply = command.reply
        own = faults_of(command.spec.where, command.own_faults, command.word)
        general = faults_of("the template of faults", faults.templates, command.word)
        pairs += [*combinations(own, 2), *product(own, all_events), *product(general, own)]
        for others, templates in (
            (all_events, reply.all_templates),
            ([*own, *general], reply.not_faults),
        ):
            replies = [
                _PossibleFrame(command.name, command.spec.where, f"its reply {template.text!r}", template)
                for template in templates
                if template not in reply.free_templates
            ]
            pairs += product(others, replies)
    for one, other in pairs:
        first, second = one.template, other.template
        if not (first.leading.startswith(second.leading) or second.leading.startswith(first.leading)):
            continue
        text = common_text(first.pattern, second.pattern)
        if text is not None:
            is_fault = "fault" in one.description
            raise _CommonText(
                f"{other.where}: {other.description} and {one.description} can both be the frame {text!r}; "
                "put a literal text in front of one of them that the other cannot begin with"
                + (", or write fault=None if the equipment has no faults" if is_fault else ""),
                (one.name, other.name),
            )
