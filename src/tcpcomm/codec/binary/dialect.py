"""The dialect that :class:`~tcpcomm.codec.Binary` is compiled to for one declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final, NamedTuple

from attrs import evolve

from tcpcomm.codec.base import (
    Answer,
    Asked,
    Dialect,
    Event,
    MessageSpec,
    Notation,
    ProtocolErrorKind,
    Refusal,
    ReplyReader,
    Request,
)
from tcpcomm.codec.binary.layouts.codegen import argument_sources
from tcpcomm.codec.binary.layouts.forms import body_text
from tcpcomm.codec.binary.opcodes import opcode_text
from tcpcomm.codec.binary.reply_readers import (
    BinaryReplyReader,
    ReadReply,
    RequestReader,
    StatusLastReader,
    StatusReader,
    fault_in,
    read_to_end,
)
from tcpcomm.codec.binary.statuses import ResultForm
from tcpcomm.codec.binary.wire_format import BinaryMessage, WireFormat
from tcpcomm.codec.codegen import CommandSource, Source
from tcpcomm.codec.problems import brief_repr, inside, taken_for_event, wrong
from tcpcomm.codec.random_values import TRIES
from tcpcomm.errors import CodecError, ConfigurationError, Fault
from tcpcomm.framing.base import Framing


class _UnknownCommand(NamedTuple):
    """The parts of an unknown command that its fault repeats. A Refusal has them instead of an id."""

    id: int
    opcode: Any
    frame: bytes


_EXAMPLES: Final = 20
"""The most examples of a message that are tried until one can be written."""

_NOTHING_KNOWN: Final = _UnknownCommand(0, None, b"")


class BinaryDialect(Dialect):
    """A dialect of binary messages."""

    def __init__(self, wire: WireFormat, messages: Mapping[str, BinaryMessage]) -> None:
        self._wire = wire
        self.by_id = wire.request_header.largest_id is not None
        self.has_faults = wire.has_faults
        self.meanings = wire.meanings
        self.status_last = wire.status_last
        self._messages = messages
        self._commands: dict[Any, BinaryMessage] = {
            each.opcode: each for each in messages.values() if not each.spec.is_event
        }
        self._events: dict[Any, BinaryMessage] = {
            each.opcode: each for each in messages.values() if each.spec.is_event
        }
        self._replies = {
            each.reply_opcode for each in self._commands.values() if each.spec.reply is not None
        }
        self._reply_readers = {
            name: None if each.spec.reply is None else self._reader(each) for name, each in messages.items()
        }
        results = [each.result.layout for each in messages.values()]
        self.reads_by_request = any(each.from_request is not None for each in results)
        self._repliers = {name: self.make_replier(each) for name, each in messages.items()}
        self._is_fault = self._fault_test()
        has_same_header = wire.fault_header is wire.reply_header
        self._read_answer = self.read_answer if has_same_header else self._read_fault_or_reply
        if (largest := wire.request_header.largest_id) is not None:
            self.largest_id = largest

    def _reader(self, message: BinaryMessage) -> BinaryReplyReader:
        if self._wire.status_last:
            return StatusLastReader(self._wire, message)
        kind = BinaryReplyReader if type(message.result) is ResultForm else StatusReader
        return kind(self._wire, message)

    def _fault_test(self) -> Callable[[Any, int | None], bool]:
        """Return the function that tells from opcode and status of an answer if it is a fault."""
        wire, replies = self._wire, self._replies
        if not wire.has_faults:
            return lambda opcode, status: False
        if wire.has_status:
            good = wire.good
            if good.is_good is None:
                ok = good.first
                return lambda opcode, status: status != ok
            return lambda opcode, status: not good.accepts(status or 0)
        if wire.status_last:  # the end of the body shows it
            return lambda opcode, status: opcode not in replies
        fault_opcode, fault_bit = wire.fault_opcode, wire.fault_bit
        if callable(fault_opcode):
            return lambda opcode, status: opcode not in replies and opcode == fault_opcode(opcode)

        def is_fault(opcode: Any, status: int | None) -> bool:
            if opcode in replies:
                return False
            return opcode == fault_opcode or bool(fault_bit and (opcode or 0) & fault_bit)

        return is_fault

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        message = self._messages[name]
        return self._wire.request_header.write(message.opcode, id, 0, message.parameters.write(values))

    def reply_reader(self, name: str) -> ReplyReader | None:
        return self._reply_readers[name]

    def reader_for(self, name: str, values: Mapping[str, Any]) -> ReplyReader | None:
        return self.binary_reader_for(name, values)

    def binary_reader_for(self, name: str, values: Mapping[str, Any]) -> BinaryReplyReader | None:
        """Return what :meth:`reader_for` returns, before the header is looked at."""
        reader = self._reply_readers[name]
        if reader is None or reader.message.result.layout.from_request is None:
            return reader
        return RequestReader(reader.wire, reader.message, values)

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        if self._events:
            try:
                opcode, _, _, at = self._wire.event_header.read(frame)
                event = self._events.get(opcode)
            except CodecError:  # it may be a reply; if not, the reply header raises
                event = None
            if event is not None:
                return (Event(event.spec.name, read_to_end(event.parameters, frame, at)),)
        return self._read_answer(frame)

    def _read_fault_or_reply(self, frame: bytes) -> Sequence[Answer]:
        """Return the answer in a frame, if faults have a header of their own. Raises CodecError."""
        fault_header = self._wire.fault_header
        if fault_header.has_constants(frame):
            with suppress(CodecError):
                opcode, id, status, at, header = fault_header.read_values(frame)
                if self._is_fault(opcode, status):
                    return (Answer(ReadReply(frame, at, opcode, status, True, header), id),)
        return self.read_answer(frame)

    def read_answer(self, frame: bytes) -> Sequence[Answer]:
        """Return the answer in a frame that is not an event. Raises CodecError."""
        opcode, id, status, at = self._wire.reply_header.read(frame)
        is_fault = self._is_fault(opcode, status)
        if opcode is not None and not is_fault and opcode not in self._replies:
            raise self._unknown_reply(opcode)
        return (Answer(ReadReply(frame, at, opcode, status, is_fault), id),)

    def _unknown_reply(self, opcode: Any) -> CodecError:
        return CodecError(f"no event and no reply has the opcode {opcode_text(opcode)}", "opcode")

    def taken_for(self, found: Event | Answer | None) -> str:
        """Return what a host takes a message for that it does not recognise, and what to do."""
        if isinstance(found, Event):
            return taken_for_event(self._messages[found.name].spec.where)
        if found is None:
            return "it would refuse it"
        body: ReadReply = found.body
        commands = self._commands.values()
        if body.is_fault:
            others = [each.spec.where for each in commands if each.fault_opcode == body.opcode]
            what = " of ".join(["a fault", *others[:1]])
        else:
            others = [each.spec.where for each in commands if each.reply_opcode == body.opcode]
            what = " to ".join(["the reply", *others[:1]])
        return f"it would take it for {what}. Choose another fault_bit, or a fault_opcode"

    def outer_fault(self, frame: bytes) -> Fault | None:
        if not self._wire.has_status:
            return None
        try:
            (answer,) = self._read_answer(frame)
        except CodecError:
            return None
        return fault_in(self._wire, answer.body) if answer.body.is_fault else None

    def answers_another(self, name: str, body: Any) -> bool:
        return body.opcode in self._replies and body.opcode != self._messages[name].reply_opcode

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            opcode, id, _, at = self._wire.request_header.read(frame)
        except CodecError as problem:
            return self._unreadable(frame, problem)
        command = self._commands.get(opcode)
        if command is None:
            return self._no_such_command(frame, id or 0, opcode)
        name, wants_reply = command.spec.name, command.spec.reply is not None
        try:
            return Request(name, read_to_end(command.parameters, frame, at), id, wants_reply)
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, problem, name, id, wants_reply)

    def _unreadable(
        self, frame: bytes, problem: CodecError, header: dict[str, Any] | None = None
    ) -> Refusal:
        opcode, id, _ = self._wire.request_header.salvage(frame)
        unknown = _UnknownCommand(id, opcode, frame)
        refusal = self._refusal(ProtocolErrorKind.UNREADABLE, problem, unknown, header)
        if self._wire.wants_reply_bit and opcode is not None:
            opcode &= ~self._wire.wants_reply_bit
        command = self._commands.get(opcode)
        differs = None if command is None else self._wire.request_header.differing(frame)
        if command is None or differs is None:
            return refusal
        name = command.spec.name
        text = f"{opcode_text(command.opcode)} is the opcode of {name}, but {differs}"
        return refusal.but(problem=CodecError(text, "header"), resembles=name)

    def _no_such_command(
        self,
        frame: bytes,
        id: int,
        opcode: Any,
        header: dict[str, Any] | None = None,
        *,
        wants_reply: bool = True,
    ) -> Refusal:
        problem = CodecError(f"no command has the opcode {opcode_text(opcode)}", "opcode")
        unknown = _UnknownCommand(id, opcode, frame)
        kind = ProtocolErrorKind.UNKNOWN_COMMAND
        return self._refusal(kind, problem, unknown, header, wants_reply=wants_reply)

    def _refusal(
        self,
        kind: ProtocolErrorKind,
        problem: CodecError,
        unknown: _UnknownCommand,
        header: dict[str, Any] | None,
        *,
        wants_reply: bool = True,
    ) -> Refusal:
        """Return the refusal of a frame, which is foreign if equipment may have sent it."""
        try:
            self.read_at_host(unknown.frame)
            foreign = True
        except CodecError:
            foreign = False
        refusal = Refusal(kind, problem, None, unknown, wants_reply, foreign, header)
        if wants_reply and self._events and self._has_fault_like_event(refusal):
            return refusal.but(wants_reply=False)
        return refusal

    def _has_fault_like_event(self, refusal: Refusal) -> bool:
        """Return True if a host would take the fault that answers a refusal for an event."""
        unknown: _UnknownCommand = refusal.id
        if self._unknown_fault_opcode(unknown.opcode) not in self._events:
            return False
        try:
            fault = self.fault(refusal, self.fault_for(refusal.error_kind, str(refusal.problem)))
            return self._wire.event_header.read(fault)[0] in self._events
        except CodecError:
            return False

    def _unknown_fault_opcode(self, opcode: Any) -> Any:
        """Return the opcode of a fault that answers an unknown opcode, or a frame without one."""
        wire = self._wire
        if opcode is None:
            opcode = wire.opcodes.empty
        if not wire.tells_status:
            return wire.fault_opcode_of(opcode)
        return opcode | wire.reply_bit if wire.reply_bit else opcode

    def reply(self, request: Request, result: Any) -> list[bytes]:
        return self._repliers[request.name](request, result)

    def replier(self, name: str) -> Callable[[Request, Any], list[bytes]]:
        return self._repliers[name]

    def recognition(self, source: Source, names: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        if not self._has_source:
            return super().recognition(source, names)
        layout = self._wire.opcodes.layout
        numbers = {layout.pack(self._messages[name].opcode): at for at, name in enumerate(names, 1)}
        found, place = source.constant(numbers.get, "find"), self._wire.request_header.place_of_opcode
        return [f"number = {found}(frame[{place.start}:{place.stop}], 0)"], [[name] for name in names]

    @property
    def _has_source(self) -> bool:
        """True if a loop can read and write the headers."""
        wire = self._wire
        return (
            type(self) is BinaryDialect
            and wire.request_header.has_source
            and wire.request_header.has_opcode
            and wire.reply_header.has_source
            and not wire.status_last
        )

    def command_source(self, source: Source, name: str, sent: Framing) -> CommandSource:
        whole = super().command_source(source, name, sent)
        if not self._has_source:
            return whole
        message, wire = self._messages[name], self._wire
        parameters, form = message.parameters, message.result
        body = parameters.fixed
        if body is None or type(form) is not ResultForm or form.layout.from_request is not None:
            read = source.constant(self.read_at_equipment, "read")
            return evolve(whole, read=[f"asked = {read}(frame)", "values = asked.values"])
        statements, id, place = wire.request_header.read_source(source, body)
        found = parameters.fields
        fields = [(each.name, each.layout.fixed, each.has_value) for each in found if each.layout.fixed]
        checks, values = argument_sources(source, fields, place)
        arguments = ", ".join(f"{name}={value}" for name, value in values.items())
        frame = wire.reply_header.write_source(source, message.reply_opcode, wire.good.first, id)
        write = ["if not isinstance(value, LATER):"]  # a function of the user may accept anything
        write.append(f"body = {source.constant(form.layout.write, 'write')}(value)")
        if not wire.reply_header.frames_itself(message.reply_opcode, wire.good.first, sent):
            frame = f"encode({frame})"
        return CommandSource([*statements, *checks], arguments, write, frame)

    def make_replier(self, message: BinaryMessage) -> Callable[[Request, Any], list[bytes]]:
        """Return the function that does the work of :meth:`reply` for one command."""
        wire, opcode, form = self._wire, message.reply_opcode, message.result
        write_body, write, ok = form.layout.write, wire.reply_header.write, wire.good.first
        if wire.status_last or type(form) is not ResultForm or form.layout.from_request is not None:
            body_of = self._body_writer(form)

            def reply_with_status(request: Request, result: Any) -> list[bytes]:
                status, body = body_of(request, result)
                return [write(opcode, request.id or 0, status, body)]

            return reply_with_status

        def reply(request: Request, result: Any) -> list[bytes]:
            return [write(opcode, request.id or 0, ok, write_body(result))]

        return reply

    def _body_writer(self, form: ResultForm) -> Callable[[Request, Any], tuple[int, bytes]]:
        """Return the function that writes the status and the body of a result."""
        layout, wire = form.layout, self._wire
        from_request = layout.from_request

        def write(request: Request, result: Any) -> tuple[int, bytes]:
            status, value = form.split(result)
            body = (
                layout.write(value) if from_request is None else from_request.write(value, request.values)
            )
            if wire.status_last:
                body += self._fault_body(Fault(status))
            return status, body

        return write

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        wire = self._wire
        if not wire.has_faults:
            raise CodecError("the equipment has no faults, because the codec has fault_head=None")
        if type(fault.code) is not int:
            raise inside("code", wrong("a whole number", fault.code))
        if wire.tells_status and wire.fault_status is None and wire.good.accepts(fault.code):
            raise CodecError(f"{fault.code} means success: give the fault another code", "code")
        if not (wire.has_status or wire.sends_code) and fault.code != 0:
            raise CodecError("the codec has code=None, so that only Fault(0) can be sent", "code")
        told = fault
        if wire.default_data is not None and fault.data is None:
            data = wire.default_data(self._opcode_of(request), self.header_of(request))
            told = Fault(fault.code, fault.reason, data)
        body = self._fault_body(told)
        if request.name is not None:
            message = self._messages[request.name]
            if wire.status_last:
                body = bytes(message.result.layout.min_size) + body
            status = wire.status_of(fault)
            return self.write_fault(request, message.fault_opcode, request.id or 0, status, body)
        unknown = request.id if isinstance(request.id, _UnknownCommand) else _NOTHING_KNOWN
        opcode = self._unknown_fault_opcode(unknown.opcode)
        frame = self.write_fault(request, opcode, unknown.id, wire.status_of(fault), body)
        return wire.fault_header.repeat_constants(wire.request_header, unknown.frame, frame)

    def _opcode_of(self, request: Request | Refusal) -> int:
        """Return the number of the opcode that is answered, or 0 if there is none."""
        if request.name is not None:
            return int(self._messages[request.name].opcode)
        return int(request.id.opcode or 0) if isinstance(request.id, _UnknownCommand) else 0

    def header_of(self, request: Request | Refusal) -> Mapping[str, Any]:
        """Return the values that vary in the header of a request, by name."""
        return {}

    def write_fault(
        self, request: Request | Refusal, opcode: Any, id: int, code: int, body: bytes
    ) -> bytes:
        """Return the frame of a fault with this body."""
        return self._wire.fault_header.write(opcode, id, code, body)

    def _fault_body(self, fault: Fault) -> bytes:
        """Return the code, the reason and the data of a fault, as far as they are not in its header."""
        parts = {"reason": fault.reason, "data": fault.data}
        values: dict[str, Any] = {name: parts[name] for name in parts if name in self._wire.fault_parts}
        if self._wire.sends_code:
            values["code"] = fault.code
        return self._wire.fault.write(values)

    def fault_for(self, kind: ProtocolErrorKind, reason: str) -> Fault:
        fault = Fault(self._wire.codes[kind], reason)
        try:
            self.fault(Refusal(kind, CodecError("")), fault)
        except CodecError:  # these words cannot be written, and the code alone says enough
            return Fault(fault.code)
        return fault

    def event(self, name: str, values: Mapping[str, Any]) -> bytes:
        message = self._messages[name]
        return self._wire.event_header.write(message.opcode, 0, 0, message.parameters.write(values))

    def draw_values(self, name: str, random: Random) -> dict[str, Any]:
        message = self._messages[name]
        values: dict[str, Any] = message.parameters.draw(random)
        from_request = message.result.layout.from_request
        if from_request is None:
            return values
        for _ in range(TRIES):
            with suppress(CodecError):  # no result has the size or type that these values ask for
                from_request.draw(random, values)
                break
            values = message.parameters.draw(random)
        return values

    def draw_result(self, name: str, random: Random) -> Any:
        return self._messages[name].result.draw(random)

    def draw_reply(self, request: Request, random: Random) -> Any:
        form = self._messages[request.name].result
        if form.layout.from_request is None:
            return form.draw(random)
        return form.layout.from_request.draw(random, request.values)

    def notation(self, name: str) -> Notation:
        message, wire = self._messages[name], self._wire
        header = wire.event_header if message.spec.is_event else wire.request_header
        bit = 0 if message.spec.is_event or message.spec.reply is None else wire.wants_reply_bit
        opcode = wire.opcodes.label(message.opcode | bit if bit else message.opcode)
        request = f"{header.label(opcode)} {body_text(message.parameters.form)}".rstrip()
        if message.spec.is_event or message.spec.reply is None:
            return Notation(request)
        result = body_text(message.result.layout.form)
        if wire.status_last:
            tail = body_text(wire.fault.form).removeprefix("code:")
            first, _, others = tail.partition(" ")
            result = f"{result} status:{first}({wire.good.label}) {others}".strip()
        reply_opcode = wire.opcodes.label(message.reply_opcode)
        header_text = wire.reply_header.label(reply_opcode, wire.good.label, answers=True)
        return Notation(request, (f"{header_text} {result}".rstrip(),))

    def fault_notation(self) -> str:
        wire = self._wire
        if not wire.has_faults:
            return ""
        opcode = "opcode"
        if callable(wire.fault_opcode):
            first = next(iter(self._commands.values()), None)
            opcode = "opcode" if first is None else wire.opcodes.label(first.fault_opcode)
        elif wire.fault_opcode is not None:
            opcode = wire.opcodes.label(wire.fault_opcode)
        elif wire.fault_bit and not wire.tells_status:
            opcode = f"opcode|{wire.opcodes.label(wire.fault_bit)}"
        body = body_text(wire.fault.form)
        if wire.status_last:
            body = f"zeros {body}"
        return f"{wire.fault_header.label(opcode, answers=True)} {body}".rstrip()

    def layout(self, name: str) -> dict[str, Any]:
        message, wire = self._messages[name], self._wire
        is_answered = not message.spec.is_event and message.spec.reply is not None
        header = wire.event_header if message.spec.is_event else wire.request_header
        bit = wire.wants_reply_bit if is_answered else 0
        opcode = message.opcode | bit if bit else message.opcode
        found = {"request": {"header": header.form(opcode), "body": message.parameters.form}}
        if not is_answered:
            return found
        reply = {
            "header": wire.reply_header.form(message.reply_opcode),
            "body": message.result.layout.form,
            **({"status": wire.fault.form} if wire.status_last else {}),
        }
        return {**found, "reply": reply}

    def rules(self) -> dict[str, Any]:
        wire = self._wire
        return {"good status": wire.good.first} if wire.tells_status else {}

    def fault_layout(self) -> dict[str, Any] | None:
        wire = self._wire
        if not wire.has_faults:
            return None
        opcode = None if callable(wire.fault_opcode) else wire.fault_opcode
        found = {"header": wire.fault_header.form(opcode), "body": wire.fault.form}
        if wire.tells_status:
            told = {} if wire.fault_status is None else {"fault status": wire.fault_status}
            return {**found, "good": wire.good.label, "status last": wire.status_last, **told}
        return found if wire.fault_opcode is not None else {**found, "bit": wire.fault_bit}


def check_distinct(dialect: BinaryDialect, message: BinaryMessage) -> None:
    """Raise ConfigurationError if a host would not recognise an example of each frame of this message."""
    for seed in range(_EXAMPLES):
        try:
            _check_examples(dialect, message, Random(seed))
            return
        except CodecError as error:
            # A size that the request tells can be larger than what the header of the reply can say.
            problem = error
    raise ConfigurationError(f"{message.spec.where}: an example of its frames cannot be written: {problem}")


def _check_examples(dialect: BinaryDialect, message: BinaryMessage, random: Random) -> None:
    spec = message.spec
    if spec.is_event:
        frame = dialect.event(spec.name, dialect.draw_values(spec.name, random))
        _check_recognised(dialect, spec, frame, "this event", lambda found: found.name == spec.name)
    elif spec.reply is not None:
        request = Request(spec.name, dialect.draw_values(spec.name, random), 0)
        (frame,) = dialect.reply(request, dialect.draw_reply(request, random))
        _check_recognised(dialect, spec, frame, "its reply", lambda found: not found.body.is_fault)
        if dialect.status_last or not dialect.has_faults:
            return
        frame = dialect.fault(request, Fault(dialect.fault_for(ProtocolErrorKind.INTERNAL, "").code))
        _check_recognised(dialect, spec, frame, "a fault", lambda found: found.body.is_fault)


def _check_recognised(
    dialect: BinaryDialect, spec: MessageSpec, frame: bytes, name: str, is_right: Callable[[Any], bool]
) -> None:
    try:
        (found,) = dialect.read_at_host(frame)
    except CodecError:
        found = None
    if not isinstance(found, Event if spec.is_event else Answer) or not is_right(found):
        shown = brief_repr(frame)
        problem = f"{spec.where}: a host would not recognise {shown} as {name}"
        raise ConfigurationError(f"{problem}: {dialect.taken_for(found)}")
