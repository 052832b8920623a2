"""The dialect of headers with values that vary: :class:`HeadedDialect`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tcpcomm.codec.base import Answer, Asked, Field, ProtocolErrorKind, Refusal, ReplyReader, Request
from tcpcomm.codec.binary.dialect import BinaryDialect
from tcpcomm.codec.binary.reply_readers import HeadedReader, ReadReply, read_to_end
from tcpcomm.codec.binary.variables import WANTS_REPLY, Echo, Var
from tcpcomm.codec.binary.wire_format import BinaryMessage, WireFormat
from tcpcomm.errors import CodecError


class HeadedDialect(BinaryDialect):
    """A dialect with headers that carry values, or tell if a reply is wanted."""

    def __init__(self, wire: WireFormat, messages: Mapping[str, BinaryMessage]) -> None:
        super().__init__(wire, messages)
        heads = (wire.request_header, wire.reply_header, wire.fault_header, wire.event_header)
        declared = {name: item for header in heads for name, item in header.values.items()}
        self._defaults = {name: item.default for name, item in declared.items()}
        self._sent = {wish: {**self._defaults, WANTS_REPLY: wish} for wish in (False, True)}
        self.header_values = {name: Field(name, item.type, item.default) for name, item in declared.items()}
        varying = {name for name, item in wire.event_header.values.items() if isinstance(item, Var)}
        self.event_values = frozenset(varying)
        self._echoes = [name for name in wire.reply_header.values if isinstance(declared[name], Echo)]
        self._learns = [name for name in wire.reply_header.values if not isinstance(declared[name], Echo)]

    def request(self, name: str, values: Mapping[str, Any], id: int) -> bytes:
        return self.ask(name, values, id, {}, {})[0]

    def ask(
        self,
        name: str,
        values: Mapping[str, Any],
        id: int,
        header: Mapping[str, Any],
        learned: dict[str, Any],
    ) -> tuple[bytes, ReplyReader | None]:
        message, wire = self._messages[name], self._wire
        reader = self.binary_reader_for(name, values)
        sent = self._sent[reader is not None]
        if learned or header:
            sent = {**sent, **learned, **header}
        opcode = message.opcode
        if wire.wants_reply_bit and reader is not None:
            opcode |= wire.wants_reply_bit
        body = message.parameters.write(values)
        frame = wire.request_header.write_values(opcode, id, 0, body, sent)
        if reader is None or not self.header_values:
            return frame, reader
        return frame, HeadedReader(reader, self._echoes, sent, self._learns, learned)

    def read_answer(self, frame: bytes) -> Sequence[Answer]:
        opcode, id, status, at, header = self._wire.reply_header.read_values(frame)
        is_fault = self._is_fault(opcode, status)
        if opcode is not None and not is_fault and opcode not in self._replies:
            raise self._unknown_reply(opcode)
        return (Answer(ReadReply(frame, at, opcode, status, is_fault, header), id),)

    def read_at_equipment(self, frame: bytes) -> Asked:
        wire = self._wire
        try:
            opcode, id, _, at, header = wire.request_header.read_values(frame)
        except CodecError as problem:
            _, _, values = wire.request_header.salvage(frame)
            return self._unreadable(frame, problem, {**self._defaults, **values})
        header = {**self._defaults, **header}
        is_wanted = header.pop(WANTS_REPLY, True)
        if wire.wants_reply_bit:
            is_wanted = bool(opcode & wire.wants_reply_bit)
            opcode &= ~wire.wants_reply_bit
        command = self._commands.get(opcode)
        if command is None:
            return self._no_such_command(frame, id or 0, opcode, header, wants_reply=is_wanted)
        name, wants_reply = command.spec.name, is_wanted and command.spec.reply is not None
        try:
            values = read_to_end(command.parameters, frame, at)
        except CodecError as problem:
            kind = ProtocolErrorKind.BAD_PARAMETERS
            return Refusal(kind, problem, name, id, wants_reply, header=header)
        return Request(name, values, id, wants_reply, header)

    def make_replier(self, message: BinaryMessage) -> Callable[[Request, Any], list[bytes]]:
        opcode, body_of = message.reply_opcode, self._body_writer(message.result)
        write = self._wire.reply_header.write_values

        def reply(request: Request, result: Any) -> list[bytes]:
            status, body = body_of(request, result)
            values = self._defaults if request.header is None else request.header
            return [write(opcode, request.id or 0, status, body, values)]

        return reply

    def header_of(self, request: Request | Refusal) -> Mapping[str, Any]:
        return self._defaults if request.header is None else request.header

    def write_fault(
        self, request: Request | Refusal, opcode: Any, id: int, code: int, body: bytes
    ) -> bytes:
        values = self.header_of(request)
        return self._wire.fault_header.write_values(opcode, id, code, body, values)

    def event_to(self, name: str, values: Mapping[str, Any], header: Mapping[str, Any]) -> bytes:
        message = self._messages[name]
        own = {each: header[each] for each in self.event_values if each in header}
        sent = {**self._defaults, **own, WANTS_REPLY: False}  # nobody answers an event
        body = message.parameters.write(values)
        return self._wire.event_header.write_values(message.opcode, 0, 0, body, sent)


def dialect_of(wire: WireFormat, messages: Mapping[str, BinaryMessage]) -> BinaryDialect:
    """Return the dialect of compiled messages."""
    return (HeadedDialect if wire.is_headed else BinaryDialect)(wire, messages)
