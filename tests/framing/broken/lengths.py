"""Frames that begin with their length, broken in the ways of binary protocols."""

from __future__ import annotations

import struct

from attrs import field, frozen

from tcpcomm.errors import BadChecksum, FrameTooLong
from tcpcomm.framing import Buffer, Decoder, Framing

HEADER = 3


class LengthDecoder(Decoder):
    """A correct decoder: three bytes of length, which counts the bytes after it."""

    def __init__(self, max_frame: int) -> None:
        super().__init__()
        self.max_frame = max_frame

    def cut(self, buffer: Buffer, position: int) -> int:
        while len(buffer) - position >= HEADER:
            length = int.from_bytes(buffer[position : position + HEADER], "big")
            if self.is_too_long(length):
                self.fail(FrameTooLong, f"{length} bytes are too many", at=position)
                break
            end = position + HEADER + length
            if end > len(buffer):
                break
            if not self.deliver(buffer[position + HEADER : end], position):
                return end
            position = end
        return position

    def is_too_long(self, length: int) -> bool:
        return length > self.max_frame


@frozen
class WholeLengths(Framing):
    """A correct framing."""

    kind: type[LengthDecoder] = field(default=LengthDecoder, kw_only=True)

    def decoder(self) -> Decoder:
        return self.kind(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        return len(frame).to_bytes(HEADER, "big") + frame


class DropsSplitHeaderDecoder(LengthDecoder):
    """A chunk that is shorter than a header is lost."""

    def feed(self, data: bytes) -> list[bytes]:
        return super().feed(data if self.buffered or len(data) >= HEADER else b"")


class LimitsWrongLengthDecoder(LengthDecoder):
    """The limit is compared with the length and the header together."""

    def is_too_long(self, length: int) -> bool:
        return length + HEADER > self.max_frame


class LimitsGenerouslyDecoder(LengthDecoder):
    """The limit is compared with the length as if that counted the header."""

    def is_too_long(self, length: int) -> bool:
        return length - HEADER > self.max_frame


class TrustsLengthDecoder(LengthDecoder):
    """Memory for the frame is reserved before its length is checked."""

    room = bytearray()

    def is_too_long(self, length: int) -> bool:
        self.room = bytearray(length)
        return False


class ForgivesDecoder(LengthDecoder):
    """The fault that ended the stream is raised once. Then decoding goes on with garbage."""

    def _check_alive(self) -> None:
        return


class CountsFromChunkDecoder(LengthDecoder):
    """The offset of a fault counts from the chunk, not from the start of the stream."""

    def feed(self, data: bytes) -> list[bytes]:
        self.offset = 0
        return super().feed(data)


class AlwaysTruncatedDecoder(LengthDecoder):
    """Every end of the stream is reported as one in the middle of a frame."""

    def has_half_frame(self) -> bool:
        return True


class CrashesDecoder(LengthDecoder):
    """Some bytes of a peer raise an exception that no caller expects."""

    def is_too_long(self, length: int) -> bool:
        return bytes([length >> 16]).decode("ascii") == "" or super().is_too_long(length)


class DeliversEarlyDecoder(LengthDecoder):
    """The frame is delivered before the check byte after it has arrived."""

    owed: bytes | None = None

    def cut(self, buffer: Buffer, position: int) -> int:
        while True:
            if self.owed is not None:
                if position == len(buffer):
                    return position
                position += 1
                if buffer[position - 1 : position] != self.owed:
                    self.owed = None
                    self.fail(BadChecksum, "wrong", at=position - 1)
                    return position
                self.owed = None
            if len(buffer) - position < HEADER:
                return position
            length = int.from_bytes(buffer[position : position + HEADER], "big")
            if length > self.max_frame:
                self.fail(FrameTooLong, "too long", at=position)
                return position
            end = position + HEADER + length
            if end > len(buffer):
                return position
            self.deliver(buffer[position + HEADER : end], position)
            self.owed = b"!"
            position = end


@frozen
class EarlyLengths(WholeLengths):
    """A correct framing except for its decoder: a check byte follows each frame."""

    def encode(self, frame: bytes) -> bytes:
        return super().encode(frame) + b"!"


@frozen
class PackedLengths(WholeLengths):
    """A length that the field cannot hold raises the exception of ``struct``."""

    max_frame: int = field(default=200_000, kw_only=True)

    def encode(self, frame: bytes) -> bytes:
        return b"\0" + struct.pack(">H", len(frame)) + frame


@frozen
class PaddedLengths(WholeLengths):
    """A frame of odd length gets an additional byte."""

    def encode(self, frame: bytes) -> bytes:
        return super().encode(frame + b"\0" * (len(frame) % 2))
