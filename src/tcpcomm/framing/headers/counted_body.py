"""Lines of text, some of which announce raw bytes behind them: :class:`CountedBody`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes, checked_several

_PART: Final = re.compile(rb"\{(?:(count)(:x)?|[A-Za-z_]\w*)\}|([^{}]+)|(.)", re.DOTALL)
_SHOWN: Final = 40


@frozen
class CountedBody(Framing):
    r"""
    Each frame is a line, and a line that fits a ``head`` is followed by as many raw bytes as it says::

        IMG 14 CR LF | 14 bytes, which may hold anything
        OK CR LF

    A plain line is delivered without its end. A line with a body is one frame: the line, its end, the body,
    as ``b"IMG 14\r\n..."``. The codec ``Template`` reads it as ``"IMG {#image}\r\n{image:raw}"``.

    Args:
        heads: the line that announces a body, with ``{count}`` for the number of its bytes in digits, or
            ``{count:x}`` in hexadecimal digits. ``{name}`` with another name is any text up to what
            follows, as in ``b"IMG,{w},{h},{count}"``. Several may be given.
        end: the bytes that end a line.
        tail: constant bytes that follow each body and are not counted, as ``b"\r\n"`` in memcached.

    A plain line beyond ``max_frame`` is discarded up to its end. A body that makes the frame longer ends
    the stream.

    Raises:
        ConfigurationError: a head cannot be read without doubt.
    """

    heads: tuple[bytes, ...] = field(converter=checked_several)
    end: bytes = field(default=b"\r\n", kw_only=True, converter=checked_bytes)
    tail: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    _patterns: tuple[re.Pattern[bytes], ...] = field(init=False, repr=False, eq=False)
    _begins: tuple[bytes, ...] = field(init=False, repr=False, eq=False)
    """The literal bytes with which the heads begin. Other lines need no regular expression."""

    @_patterns.default
    def _compile(self) -> tuple[re.Pattern[bytes], ...]:
        if not self.heads:
            raise ConfigurationError("give a line that announces a body, such as b'IMG {count}'")
        return tuple(map(_pattern_of, self.heads))

    @_begins.default
    def _literal_begins(self) -> tuple[bytes, ...]:
        return tuple(head.partition(b"{")[0] for head in self.heads)

    def __attrs_post_init__(self) -> None:
        if not self.end:
            raise ConfigurationError("the end of a line must have at least one byte")
        for head in self.heads:
            if self.end in head:
                raise ConfigurationError(f"{head!r} holds the end of a line, {self.end!r}: leave it out")

    def count(self, line: bytes) -> int | None:
        """Return the bytes that a line announces, or None if it is a plain line."""
        if line.startswith(self._begins):
            for pattern in self._patterns:
                match = pattern.fullmatch(line)
                if match is not None:
                    return int(match[1], 16 if "hex" in pattern.groupindex else 10)
        return None

    def decoder(self) -> Decoder:
        return _CountedBodyDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        return b"".join(self.encode_large(frame))

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        self.check_size(frame)
        at = frame.find(self.end)
        if at < 0:
            if self.count(frame) is not None:
                raise EncodeError(
                    f"the line {frame[:_SHOWN]!r} announces a body: send both as one frame, with "
                    f"{self.end!r} between them"
                )
            if (frame + self.end).find(self.end) != len(frame):
                raise EncodeError(f"with {self.end!r} behind it, the line would end before its last byte")
            return (frame, self.end)
        line, following = frame[:at], at + len(self.end)
        announced = self.count(line)
        if announced is None:
            raise EncodeError(
                f"the frame holds the end of a line, {self.end!r}, but {line[:_SHOWN]!r} announces no body"
            )
        body = len(frame) - following
        if announced != body:
            raise EncodeError(f"the line {line[:_SHOWN]!r} announces {announced} bytes, but {body} follow")
        return (frame, self.tail) if self.tail else (frame,)


def _pattern_of(head: bytes) -> re.Pattern[bytes]:
    """Return the pattern of a head: linear in time, because each field stops at the next literal byte."""
    parts = [*_PART.finditer(head)]
    counts = [part for part in parts if part[1]]
    if len(counts) != 1 or any(part[4] for part in parts):
        raise ConfigurationError(
            f"{head!r} must hold {{count}} once, for the number of bytes, and {{name}} for other fields"
        )
    pattern = b""
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if part[3]:
            pattern += re.escape(part[3])
            continue
        if following is not None and not following[3]:
            raise ConfigurationError(f"{head!r} has two fields without a literal text between them")
        if part[1]:
            pattern += b"(?P<hex>[0-9A-Fa-f]{1,12})" if part[2] else b"([0-9]{1,15})"
        else:
            pattern += b"[^%b]*+" % re.escape(following[3][:1]) if following else b".*"
    return re.compile(pattern, re.DOTALL)


@define(eq=False, repr=False, weakref_slot=False)
class _CountedBodyDecoder(Decoder):
    _framing: CountedBody

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        framing = self._framing
        at = data.find(framing.end)
        if 0 <= at <= framing.max_frame and at + len(framing.end) == len(data):
            line = data[:at]
            return None if line.startswith(framing._begins) else [line]
        return None

    def cut(self, buffer: Buffer, position: int) -> int:
        framing, size = self._framing, len(buffer)
        end, max_frame, begins = framing.end, framing.max_frame, framing._begins
        while True:
            at = buffer.find(end, position + self.searched)
            if at < 0:
                return self._wait(buffer, position)
            self.searched = 0
            after = at + len(end)
            if self.discarding:
                self.discarding = False
            elif at - position > max_frame:
                self._too_long(position)
                return after
            else:
                line = buffer[position:at]
                count = framing.count(bytes(line)) if line.startswith(begins) else None
                if count is not None:
                    after += count
                    if after - position > max_frame:
                        reason = f"a frame of {after - position} bytes exceeds max_frame={max_frame}"
                        self.fail(FrameTooLong, reason, at=position)
                        return position
                    following = after + len(framing.tail)
                    if following > size:
                        if framing.tail:
                            self._need = following - position
                        else:
                            self.wait_for(after - position, strip=0)
                        return position
                    if not buffer.startswith(framing.tail, after):
                        found = bytes(buffer[after:following])
                        reason = f"a body must be followed by {framing.tail!r}, not by {found!r}"
                        self.fail(UnexpectedBytes, reason, at=position)
                        return position
                    line, after = buffer[position:after], following
                if not self.deliver(line, position):
                    return after
            position = after

    def _wait(self, buffer: Buffer, position: int) -> int:
        """Keep the unfinished line, or, if it is discarded, the bytes that may begin its end."""
        stop = max(position, len(buffer) - len(self._framing.end) + 1)
        if not self.discarding and stop - position > self._framing.max_frame:
            self.discarding = True
            self._too_long(position)
        if self.discarding:
            self.searched = 0
            return stop
        self.searched = stop - position
        return position

    def _too_long(self, position: int) -> None:
        reason = f"a frame exceeds max_frame={self._framing.max_frame} and is discarded up to its end"
        self.fail(FrameTooLong, reason, at=position, recoverable=True)

    @property
    def unfinished(self) -> str:
        if self.knows_length:
            return super().unfinished
        end = f"{self._framing.end!r}"
        return f"sent {self._received_text()}, and then no {end}: does it end its messages as we do?"
