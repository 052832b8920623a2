"""Readers for the replies of binary messages, one class for each place of the status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from attrs import define

from tcpcomm.codec.base import ReplyReader
from tcpcomm.codec.binary.layouts.layout import Layout
from tcpcomm.codec.binary.opcodes import opcode_text
from tcpcomm.codec.binary.wire_format import BinaryMessage, WireFormat
from tcpcomm.codec.problems import brief_repr, inside, wrong
from tcpcomm.errors import CodecError, Fault


class ReadReply(NamedTuple):
    """A reply or a fault with its header read."""

    frame: bytes
    at: int
    opcode: Any
    status: int | None
    is_fault: bool
    header: dict[str, Any] | None = None
    """The values in the header, if there are such values."""


def read_to_end(layout: Layout, frame: bytes, at: int) -> Any:
    """Return the value between an index and the end of a frame. Raises CodecError."""
    value, end = layout.read(frame, at)
    if end != len(frame):
        raise _too_many_bytes(frame, end)
    return value


def _too_many_bytes(frame: bytes, end: int) -> CodecError:
    return CodecError(f"the frame has {len(frame) - end} bytes too many at its end")


def fault_in(wire: WireFormat, body: ReadReply) -> Fault:
    """Return the fault behind a header. Raises CodecError."""
    frame = body.frame
    values, end = wire.fault.read(frame, body.at)
    data = values.get("data")
    if end != len(frame):
        if "data" in wire.fault_parts:
            raise _too_many_bytes(frame, end)
        data = frame[end:]
    return wire.received_fault(values.get("code", body.status), values, data)


@define(eq=False)
class BinaryReplyReader(ReplyReader):
    """Reads the replies to one command. It has no state, so all requests share it."""

    is_one_frame = True

    wire: WireFormat
    message: BinaryMessage

    def take(self, body: Any) -> Any:
        frame, at, opcode, _, is_fault, _ = body
        if is_fault:
            raise self._fault(body)
        if opcode is not None and opcode != self.message.reply_opcode:
            raise self._of_another(opcode, "a reply to")
        value, end = self._read(frame, at)
        if end != len(frame):
            raise _too_many_bytes(frame, end)
        return value

    def _read(self, frame: bytes, at: int) -> tuple[Any, int]:
        """Return the result behind a header, and the index behind it. Raises CodecError."""
        return self.message.result.layout.read(frame, at)

    def _of_another(self, opcode: Any, what: str) -> CodecError:
        own = opcode_text(self.message.opcode)
        return CodecError(f"{opcode_text(opcode)} is not {what} {own}", "opcode")

    def _fault(self, body: ReadReply) -> Fault:
        """Return the fault in a frame. Raises CodecError."""
        if body.opcode not in (None, self.message.fault_opcode, self.wire.fault_bit):
            raise self._of_another(body.opcode, "a fault of")
        return fault_in(self.wire, body)


@define(eq=False)
class RequestReader(BinaryReplyReader):
    """Reads the reply to one request. The values of the request tell the size of the result."""

    values: Mapping[str, Any]

    def _read(self, frame: bytes, at: int) -> tuple[Any, int]:
        from_request = self.message.result.layout.from_request
        assert from_request is not None
        return from_request.read(frame, at, self.values)


class StatusReader(BinaryReplyReader):
    """Reads replies if the result contains the status."""

    def take(self, body: Any) -> Any:
        return self.message.result.combine(super().take(body), body.status)


class StatusLastReader(BinaryReplyReader):
    """
    Reads replies if the status stands behind the result.

    In a fault there may be no result in front of it. The result of a fault may be zeros, too, which are
    perhaps not a value of its type.
    """

    def take(self, body: Any) -> Any:
        frame, at, opcode, _, _, _ = body
        form = self.message.result
        if opcode not in (None, self.message.reply_opcode):
            raise self._of_another(opcode, "a reply to")
        try:
            value, end = form.layout.read(frame, at)
            status, fault = self._end(frame, end)
        except CodecError as error:
            raise self._fault_without_result(frame, at) or error from None
        if not self.wire.good.accepts(status):
            raise fault
        return form.combine(value, status)

    def _fault_without_result(self, frame: bytes, at: int) -> Fault | None:
        """Return the fault behind zeros or behind no result, or None if there is none."""
        for start in (at + self.message.result.layout.min_size, at):
            with suppress(CodecError):
                status, fault = self._end(frame, start)
                if not self.wire.good.accepts(status):
                    return fault
        return None

    def _end(self, frame: bytes, at: int) -> tuple[int, Fault]:
        """Return the status at the end of a frame, and the fault that it means. Raises CodecError."""
        values = read_to_end(self.wire.fault, frame, at)
        status = values["code"]
        return status, self.wire.received_fault(status, values, values.get("data"))


class HeadedReader(ReplyReader):
    """
    Reads the reply to one request, compares the values that it repeats, and learns others.

    Args:
        reader: reads the reply behind its header.
        echoes: the names of the values that the reply repeats.
        sent: the values of the request, by name.
        learns: the names of the values that are learned.
        learned: gets them.
    """

    __slots__ = ("_echoes", "_learned", "_learns", "_reader", "_sent")

    is_one_frame = True

    def __init__(
        self,
        reader: BinaryReplyReader,
        echoes: Sequence[str],
        sent: Mapping[str, Any],
        learns: Sequence[str],
        learned: dict[str, Any],
    ) -> None:
        self._reader = reader
        self._echoes = echoes
        self._sent = sent
        self._learns = learns
        self._learned = learned

    def take(self, body: Any) -> Any:
        header = body.header
        for name in self._echoes:
            sent = self._sent[name]
            if header.get(name, sent) != sent:
                raise inside(name, wrong(f"{brief_repr(sent)}, as in the request", header[name]))
        result = self._reader.take(body)
        for name in self._learns:
            self._learned[name] = header[name]
        return result
