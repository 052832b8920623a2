"""Frames as netstrings: :class:`Netstring`."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from attrs import define, field, frozen

from tcpcomm.errors import BadLength, FrameTooLong, UnexpectedBytes
from tcpcomm.framing.base import Buffer, Decoder, Framing
from tcpcomm.framing.length_decoder import LEARNED, SMALL


@frozen
class Netstring(Framing):
    """
    Each frame is ``length:data,`` with the length in decimal digits, without leading zeros.

    Anything else ends the stream, because nothing shows where the next frame begins.

    Source: D. J. Bernstein, "Netstrings", 1997.
    """

    _digits: int = field(init=False, repr=False, eq=False)
    """The digits of the longest length."""

    _pattern: re.Pattern[bytes] = field(init=False, repr=False, eq=False)

    _learned: dict[int, tuple[bytes, Callable[[bytes], tuple[bytes, bytes, bytes]]]] = field(
        factory=dict, init=False, repr=False, eq=False
    )
    """The first bytes of a chunk that is one frame, and its struct, by the chunk's size."""

    @_digits.default
    def _default_digits(self) -> int:
        return len(str(self.max_frame))

    @_pattern.default
    def _compile(self) -> re.Pattern[bytes]:
        return re.compile(b"(0|[1-9][0-9]{0,%d}):" % (self._digits - 1))

    def decoder(self) -> Decoder:
        return _NetstringDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return b"%d:%b," % (len(frame), frame)

    def _learn_chunk(self, size: int) -> None:
        for digits in range(1, self._digits + 1):
            length = size - digits - 2
            begin = b"%d:" % length
            if len(begin) == digits + 1 and 0 <= length <= self.max_frame and len(self._learned) < LEARNED:
                self._learned[size] = begin, struct.Struct(f"{digits + 1}s{length}s1s").unpack


@define(eq=False, repr=False, weakref_slot=False)
class _NetstringDecoder(Decoder):
    _framing: Netstring

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        learned, size = self._framing._learned, len(data)
        if size in learned:
            expected, unpack = learned[size]
            begin, frame, comma = unpack(data)
            if begin == expected and comma == b",":
                return [frame]
        elif size <= SMALL:
            self._framing._learn_chunk(size)
        return None

    def cut(self, buffer: Buffer, position: int) -> int:
        framing, size = self._framing, len(buffer)
        pattern, max_frame = framing._pattern, framing.max_frame
        while position < size:
            match = pattern.match(buffer, position)
            if match is None:
                self._check_start(bytes(buffer[position : position + framing._digits + 1]), position)
                break
            length, start = int(match[1]), match.end()
            if length > max_frame:
                reason = f"a frame of {length} bytes exceeds max_frame={max_frame}"
                self.fail(FrameTooLong, reason, at=position)
                break
            end = start + length
            if end >= size:
                self._need = end + 1 - position
                break
            if buffer[end] != ord(","):
                found = bytes(buffer[end : end + 1])
                reason = f"a netstring of {length} bytes must be followed by a comma, not by {found!r}"
                self.fail(UnexpectedBytes, reason, at=position)
                break
            if not self.deliver(buffer[start:end], position):
                return end + 1
            position = end + 1
        return position

    def _check_start(self, start: bytes, at: int) -> None:
        """Note a fault, unless these bytes are the first digits of a length."""
        most, max_frame = self._framing._digits, self._framing.max_frame
        digits = len(start) - len(start.lstrip(b"0123456789"))
        if start[:1] == b"0" and digits > 1:
            self.fail(BadLength, "a netstring's length cannot begin with 0", at=at)
        elif digits > most:
            reason = f"a length of more than {most} digits exceeds max_frame={max_frame}"
            self.fail(FrameTooLong, reason, at=at)
        elif digits < len(start):
            found = start[digits : digits + 1]
            reason = f"a netstring begins with its length and a colon, but {found!r} came there"
            self.fail(BadLength, reason, at=at)
