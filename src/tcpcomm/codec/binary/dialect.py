"""The dialect that :class:`~tcpcomm.codec.Binary` is compiled to for one declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from attrs import frozen

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
from tcpcomm.codec.binary.header import Header
from tcpcomm.codec.binary.layout import Layout
from tcpcomm.codec.problems import brief_repr, inside, wrong
from tcpcomm.errors import CodecError, ConfigurationError, Fault


@frozen(kw_only=True)
class WireFormat:
    """
    The rules that hold for all messages of a codec.

    Attributes:
        has_status: whether a status in the header shows a fault. Otherwise its opcode does.
        fault_parts: the parts of a fault that are sent behind its code: ``reason``, ``data``.
    """

    request_header: Header
    reply_header: Header
    event_header: Header
    has_status: bool
    ok: int
    fault_bit: int
    fault_opcode: int | None
    fault: Layout
    fault_parts: frozenset[str]
    codes: Mapping[ProtocolErrorKind, int]


@frozen
class BinaryMessage:
    """A compiled command or event."""

    spec: MessageSpec
    opcode: int
    reply_opcode: int
    fault_opcode: int
    parameters: Layout
    result: Layout


class _UnknownCommand(NamedTuple):
    """The parts of an unknown command that its fault repeats. A Refusal has them instead of an id."""

    id: int
    opcode: int
    frame: bytes


_NOTHING_KNOWN: Final = _UnknownCommand(0, 0, b"")


class _Reply(NamedTuple):
    """A reply or a fault with its header read."""

    frame: bytes
    at: int
    opcode: int | None
    status: int | None
    is_fault: bool


class BinaryDialect(Dialect):
    """A dialect of binary messages."""

    def __init__(self, wire: WireFormat, messages: Mapping[str, BinaryMessage]) -> None:
        self._wire = wire
        self.by_id = wire.request_header.largest_id is not None
        self._messages = messages
        self._commands: dict[int | None, BinaryMessage] = {
            each.opcode: each for each in messages.values() if not each.spec.is_event
        }
        self._events: dict[int | None, BinaryMessage] = {
            each.opcode: each for each in messages.values() if each.spec.is_event
        }
        self._replies = {
            each.reply_opcode for each in self._commands.values() if each.spec.reply is not None
        }
        self._reply_readers = {
            name: None if each.spec.reply is None else _BinaryReplyReader(wire, each)
            for name, each in messages.items()
        }
        if (largest := wire.request_header.largest_id) is not None:
            self.largest_id = largest

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        message = self._messages[name]
        return self._wire.request_header.write(message.opcode, id, 0, message.parameters.write(values))

    def reply_reader(self, name: str) -> ReplyReader | None:
        return self._reply_readers[name]

    def read_at_host(self, frame: bytes) -> Sequence[Event | Answer]:
        if self._events:
            try:
                opcode, _, _, at = self._wire.event_header.read(frame)
                event = self._events.get(opcode)
            except CodecError:  # it may be a reply; if not, the reply header raises
                event = None
            if event is not None:
                return (Event(event.spec.name, _read_to_end(event.parameters, frame, at)),)
        opcode, id, status, at = self._wire.reply_header.read(frame)
        is_fault = self._is_fault(opcode, status)
        if opcode is not None and not is_fault and opcode not in self._replies:
            raise CodecError(f"no event and no reply has the opcode 0x{opcode:02X}", "opcode")
        return (Answer(_Reply(frame, at, opcode, status, is_fault), id),)

    def answers_another(self, name: str, body: Any) -> bool:
        return body.opcode in self._replies and body.opcode != self._messages[name].reply_opcode

    def _is_fault(self, opcode: int | None, status: int | None) -> bool:
        wire = self._wire
        if wire.has_status:
            return status != wire.ok
        if opcode in self._replies:
            return False
        return opcode == wire.fault_opcode or bool((opcode or 0) & wire.fault_bit)

    def read_at_equipment(self, frame: bytes) -> Asked:
        try:
            opcode, id, _, at = self._wire.request_header.read(frame)
        except CodecError as problem:
            opcode, id = self._wire.request_header.salvage(frame)
            return self._refusal(ProtocolErrorKind.UNREADABLE, problem, frame, id, opcode)
        command = self._commands.get(opcode)
        if command is None:
            unknown = CodecError(f"no command has the opcode 0x{opcode:02X}", "opcode")
            return self._refusal(ProtocolErrorKind.UNKNOWN_COMMAND, unknown, frame, id or 0, opcode or 0)
        name, wants_reply = command.spec.name, command.spec.reply is not None
        try:
            return Request(name, _read_to_end(command.parameters, frame, at), id, wants_reply)
        except CodecError as problem:
            return Refusal(ProtocolErrorKind.BAD_PARAMETERS, problem, name, id, wants_reply)

    def _refusal(
        self, kind: ProtocolErrorKind, problem: CodecError, frame: bytes, id: int, opcode: int
    ) -> Refusal:
        """Return the refusal of a frame, which is foreign if equipment may have sent it."""
        try:
            self.read_at_host(frame)
            foreign = True
        except CodecError:
            foreign = False
        return Refusal(kind, problem, id=_UnknownCommand(id, opcode, frame), foreign=foreign)

    def reply(self, request: Request, result: Any) -> list[bytes]:
        message = self._messages[request.name]
        wire, body = self._wire, message.result.write(result)
        return [wire.reply_header.write(message.reply_opcode, request.id or 0, wire.ok, body)]

    def fault(self, request: Request | Refusal, fault: Fault) -> bytes:
        wire = self._wire
        parts = {"reason": fault.reason, "data": fault.data}
        values: dict[str, Any] = {name: parts[name] for name in parts if name in wire.fault_parts}
        if type(fault.code) is not int:
            raise inside("code", wrong("a whole number", fault.code))
        if not wire.has_status:
            values["code"] = fault.code
        elif fault.code == wire.ok:
            raise CodecError(f"{fault.code} means success: give the fault another code", "code")
        if request.name is not None:
            opcode = self._messages[request.name].fault_opcode
            return wire.reply_header.write(opcode, request.id or 0, fault.code, wire.fault.write(values))
        unknown = request.id if isinstance(request.id, _UnknownCommand) else _NOTHING_KNOWN
        opcode = unknown.opcode
        if not wire.has_status:
            opcode = opcode | wire.fault_bit if wire.fault_opcode is None else wire.fault_opcode
        frame = wire.reply_header.write(opcode, unknown.id, fault.code, wire.fault.write(values))
        return wire.reply_header.repeat_constants(wire.request_header, unknown.frame, frame)

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
        values: dict[str, Any] = self._messages[name].parameters.draw(random)
        return values

    def draw_result(self, name: str, random: Random) -> Any:
        return self._messages[name].result.draw(random)

    def notation(self, name: str) -> Notation:
        message, wire = self._messages[name], self._wire
        header = wire.event_header if message.spec.is_event else wire.request_header
        request = f"{header.label(message.opcode)} {message.parameters.label}".rstrip()
        if message.spec.is_event or message.spec.reply is None:
            return Notation(request)
        result = message.result.label
        if result.startswith("(") and result.endswith(")"):
            result = result[1:-1]
        return Notation(request, (f"{wire.reply_header.label(message.reply_opcode)} {result}".rstrip(),))

    def fault_notation(self) -> str:
        wire = self._wire
        opcode: int | str = "opcode" if wire.fault_opcode is None else wire.fault_opcode
        if wire.fault_bit and not wire.has_status:
            opcode = f"opcode|{wire.fault_bit:02X}"
        return f"{wire.reply_header.label(opcode)} {wire.fault.label}".rstrip()


def _read_to_end(layout: Layout, frame: bytes, at: int) -> Any:
    """Return the value between an index and the end of a frame. Raises CodecError."""
    value, end = layout.read(frame, at)
    if end != len(frame):
        raise _too_many_bytes(frame, end)
    return value


def _too_many_bytes(frame: bytes, end: int) -> CodecError:
    return CodecError(f"the frame has {len(frame) - end} bytes too many at its end")


@frozen
class _BinaryReplyReader(ReplyReader):
    """Reads the replies to one command. It has no state, so all requests share it."""

    is_one_frame = True

    wire: WireFormat
    message: BinaryMessage

    def take(self, body: Any) -> Any:
        frame, at, opcode, status, is_fault = body
        message = self.message
        if not is_fault:
            if opcode is not None and opcode != message.reply_opcode:
                raise CodecError(f"0x{opcode:02X} is not a reply to 0x{message.opcode:02X}", "opcode")
            return _read_to_end(message.result, frame, at)
        if opcode not in (None, message.fault_opcode, self.wire.fault_bit):
            raise CodecError(f"0x{opcode:02X} is not a fault of 0x{message.opcode:02X}", "opcode")
        values, end = self.wire.fault.read(frame, at)
        data = values.get("data")
        if end != len(frame):
            if "data" in self.wire.fault_parts:
                raise _too_many_bytes(frame, end)
            data = frame[end:]
        raise Fault(values.get("code", status), values.get("reason", ""), data)


def check_distinct(dialect: BinaryDialect, message: BinaryMessage) -> None:
    """Raise ConfigurationError if a host would not recognise an example of each frame of this message."""
    spec, random = message.spec, Random(0)
    if spec.is_event:
        frame = dialect.event(spec.name, dialect.draw_values(spec.name, random))
        _check_recognised(dialect, spec, frame, "this event", lambda found: found.name == spec.name)
    elif spec.reply is not None:
        request = Request(spec.name, {}, 0)
        (frame,) = dialect.reply(request, dialect.draw_result(spec.name, random))
        _check_recognised(dialect, spec, frame, "its reply", lambda found: not found.body.is_fault)
        frame = dialect.fault(request, Fault(dialect.fault_for(ProtocolErrorKind.INTERNAL, "").code))
        name = "a fault: choose another fault_bit, or a fault_opcode"
        _check_recognised(dialect, spec, frame, name, lambda found: found.body.is_fault)


def _check_recognised(
    dialect: BinaryDialect, spec: MessageSpec, frame: bytes, name: str, is_right: Callable[[Any], bool]
) -> None:
    try:
        (found,) = dialect.read_at_host(frame)
    except CodecError:
        found = None
    if not isinstance(found, Event if spec.is_event else Answer) or not is_right(found):
        raise ConfigurationError(f"{spec.where}: a host would not recognise {brief_repr(frame)} as {name}")
