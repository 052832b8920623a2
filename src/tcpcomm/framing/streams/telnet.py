"""Frames in a Telnet connection: :class:`Telnet`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import TcpcommError, TruncatedFrame
from tcpcomm.framing.base import Decoder
from tcpcomm.framing.framing_around import FramingAround
from tcpcomm.framing.streams.filtered_decoder import FilteredDecoder

_IAC: Final = 255
_WILL, _WONT, _DO, _DONT = 251, 252, 253, 254
_BEGIN, _END = 250, 240  # of a subnegotiation
_REFUSALS: Final = {_WILL: _DONT, _DO: _WONT}
_LONE_RETURN: Final = re.compile(rb"\r(?!\n)")
_ESCAPED: Final = re.compile(rb"\xff(.)", re.DOTALL)


@frozen
class Telnet(FramingAround):
    """
    Another framing, usually lines, in a Telnet connection, as PuTTY and many old devices open it.

    The commands of Telnet are taken out of the stream. Options that the peer offers or asks for are
    refused, so both sides go on as plain terminals. ``FF FF`` is the byte ``FF``, and ``CR NUL`` is a lone
    CR; both are written so too.

    The offsets of faults count the bytes without Telnet's own.

    Source: RFC 854.
    """

    def decoder(self) -> Decoder:
        return _TelnetDecoder(self.framing.decoder())

    def encode(self, frame: bytes) -> bytes:
        return self.in_stream(self.framing.encode(frame))

    def in_stream(self, wire: bytes) -> bytes:
        wire = self.framing.in_stream(wire)
        if b"\xff" in wire:
            wire = wire.replace(b"\xff", b"\xff\xff")
        return _LONE_RETURN.sub(b"\r\0", wire) if b"\r" in wire else wire


@define(eq=False, repr=False, weakref_slot=False)
class _TelnetDecoder(FilteredDecoder):
    _pending: bytes = field(default=b"", init=False)
    """The first bytes of a command of which more must come: 2 at most."""

    _in_subnegotiation: bool = field(default=False, init=False)
    _after_return: bool = field(default=False, init=False)
    """True if the last byte was a CR: a NUL may follow, which belongs to it."""

    _changed: bool = field(default=False, init=False)
    """True if bytes were taken out since the inner decoder had no half frame."""

    _answer: Callable[[bytes], object] = field(default=len, init=False)

    def answer_by(self, send: Callable[[bytes], object]) -> None:
        self._answer = send

    def filtered(self, data: bytes) -> bytes:
        self._changed = self._changed and self._inner.mid_frame
        found = data
        if self._pending or self._in_subnegotiation or b"\xff" in data:
            found = self._without_commands(self._pending + data)
            self._changed = True
        if found:
            begins_with_rest = self._after_return and found[0] == 0
            self._after_return = found[-1:] == b"\r"
            if begins_with_rest or b"\r\0" in found:
                found = found[begins_with_rest:].replace(b"\r\0", b"\r")
                self._changed = True
        return found

    def _without_commands(self, data: bytes) -> bytes:
        """Take the commands out of a chunk, and refuse the options that it asks for."""
        found, refusals = bytearray(), bytearray()
        position, self._pending = 0, b""
        while position < len(data):
            if self._in_subnegotiation:
                match = _ESCAPED.search(data, position)
                if match is None:
                    self._pending = data[-1:] if data[-1] == _IAC else b""
                    break
                self._in_subnegotiation = match[1][0] != _END
                position = match.end()
                continue
            at = data.find(_IAC, position)
            if at < 0:
                found += data[position:]
                break
            found += data[position:at]
            command = data[at + 1] if at + 1 < len(data) else None
            if command is None or (_WILL <= command <= _DONT and at + 2 >= len(data)):
                self._pending = data[at:]
                break
            position = at + 2
            if command == _IAC:
                found.append(_IAC)
            elif command == _BEGIN:
                self._in_subnegotiation = True
            elif command >= _WILL:
                position += 1
                if command in _REFUSALS:
                    refusals += bytes((_IAC, _REFUSALS[command], data[at + 2]))
        if refusals:
            self._answer(bytes(refusals))
        return bytes(found)

    def flush(self) -> list[bytes]:
        self._pending, self._in_subnegotiation, self._after_return = b"", False, False
        return super().flush()

    def close(self) -> list[bytes]:
        frames = super().close()
        if self._pending and not self._in_subnegotiation:
            offset = self.offset + self._position - len(self._pending)
            reason = "the stream ended in the middle of a command of Telnet"
            self._dead = TruncatedFrame(reason, offset=offset, recoverable=False)
            self._check_alive()
        return frames

    @property
    def buffered(self) -> int:
        return super().buffered + len(self._pending)

    @property
    def trailing(self) -> bytes:
        half = super().trailing
        if half and self._changed:
            raise TcpcommError("commands of Telnet were taken out: its bytes cannot be handed over")
        return half + self._pending
