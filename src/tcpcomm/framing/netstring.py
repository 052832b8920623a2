"""Frames as netstrings: :class:`Netstring`."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from attrs import frozen

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

    def decoder(self) -> Decoder:
        return _NetstringDecoder(_length_of(self.max_frame))

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return b"%d:%b," % (len(frame), frame)


class _Length:
    """The pattern of the length, and the quick way to cut small frames, for all decoders with one limit."""

    __slots__ = ("chunk_structs", "digits", "max_frame", "pattern")

    def __init__(self, max_frame: int) -> None:
        self.max_frame = max_frame
        self.digits = len(str(max_frame))
        self.pattern = re.compile(b"(0|[1-9][0-9]{0,%d}):" % (self.digits - 1))
        self.chunk_structs: dict[int, tuple[bytes, Callable[[bytes], tuple[bytes, bytes, bytes]]]] = {}
        """The first bytes of a chunk that is one frame, and its struct, by the chunk's size."""

    def learn_chunk(self, size: int) -> None:
        """Make the struct for chunks of this size."""
        for digits in range(1, self.digits + 1):
            length = size - digits - 2
            begin = b"%d:" % length
            room = len(self.chunk_structs) < LEARNED
            if len(begin) == digits + 1 and 0 <= length <= self.max_frame and room:
                self.chunk_structs[size] = begin, struct.Struct(f"{digits + 1}s{length}s1s").unpack


_length_of: Final = lru_cache(maxsize=64)(_Length)


class _NetstringDecoder(Decoder):
    __slots__ = ("_length",)

    def __init__(self, length: _Length) -> None:
        super().__init__()
        self._length = length

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        structs, size = self._length.chunk_structs, len(data)
        if size in structs:
            expected, unpack = structs[size]
            begin, frame, comma = unpack(data)
            if begin == expected and comma == b",":
                return [frame]
        elif size <= SMALL:
            self._length.learn_chunk(size)
        return None

    def cut(self, buffer: Buffer, position: int) -> int:
        pattern, max_frame, size = self._length.pattern, self._length.max_frame, len(buffer)
        while position < size:
            match = pattern.match(buffer, position)
            if match is None:
                self._check_start(bytes(buffer[position : position + self._length.digits + 1]), position)
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
        most, max_frame = self._length.digits, self._length.max_frame
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
