"""
Where each frame ends in a stream: :class:`FrameCutter`, without I/O.

A decoder tells the frames, but not their bytes on the wire. The cutter finds those by feeding the decoder
byte by byte. For a large chunk that takes too long: then the bytes must begin with the encoded frame, or a
second decoder is fed byte by byte. The parts that the cutter returns are the bytes of the stream, always,
and in order: where it cannot tell the end of a frame, several frames are one part.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from tcpcomm.errors import EncodeError, FramingError, TcpcommError
from tcpcomm.framing import Framing
from tcpcomm.framing.base import Decoder, decode

_SMALL: Final = 4096
"""Bytes of a chunk that is fed byte by byte, which takes a few milliseconds."""

Ends = list[tuple[int, tuple[bytes, ...]]]
"""The place behind each frame in a stream, with the frame; several frames if they cannot be told apart."""


@frozen
class Part:
    """Bytes of a stream that belong together."""

    data: bytes
    frames: tuple[bytes, ...] = ()
    """The frames in the bytes: one, or none if the framing tells no frame, or several that are one part."""

    is_half: bool = False
    """True if the bytes begin a frame whose end has not come."""


class FrameCutter:
    """
    Cuts the chunks of one direction where a frame ends.

    Without a framing whose bytes alone show where a frame ends, and after a fault that leaves no way to
    find the next frame, each chunk is one part and one frame.

    Args:
        framing: the framing of the direction.
    """

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._decoder: Decoder | None = framing.decoder() if framing.self_delimiting else None
        self._half = b""  # the bytes since the last end of a frame, which are returned already
        self._opening = framing.opening

    @property
    def mid_frame(self) -> bool:
        """True if a frame has begun and has not ended."""
        return self._decoder is not None and self._decoder.mid_frame

    @property
    def knows_frames(self) -> bool:
        """True if the cutter finds frames, False if each chunk is one."""
        return self._decoder is not None

    def feed(self, data: bytes, *, apart: bool = True) -> list[Part]:
        """
        Take a chunk. Return its parts.

        If a frame began in an earlier chunk, the first part is the rest of that frame. Half a frame is the
        last part.

        Args:
            data: the chunk.
            apart: False if the ends of the frames are not needed, which is quicker: there is one part.
        """
        if self._decoder is None:
            return [Part(data, (data,))]
        decoder, began, stream = self._decoder, len(self._half), self._half + data
        if apart and len(data) <= _SMALL:
            ends = self._ends_by_feeding(decoder, data, began)
        else:
            frames = self._frames_in(decoder, data)
            ends = self._ends(stream, frames) if apart and self.knows_frames else []
        if not self.knows_frames:
            return [Part(data, (data,))]
        if not apart:
            self._keep_half(decoder, stream)
            return [Part(data, tuple(frames), is_half=not frames and decoder.mid_frame)]
        parts: list[Part] = []
        begin = 0
        for end, contained in ends:
            parts.append(Part(stream[max(begin, began) : end], contained))
            begin = end
        rest = stream[max(begin, began) :]
        is_half = decoder.mid_frame and not decoder.discarding
        self._half = stream[begin:] if is_half else b""
        if rest:
            parts.append(Part(rest, is_half=is_half))
        return parts

    def _keep_half(self, decoder: Decoder, stream: bytes) -> None:
        """Keep the bytes of the frame that has begun, for the time when its end is looked for."""
        self._half = b""
        if decoder.mid_frame and not decoder.discarding:
            try:
                self._half = decoder.trailing
            except TcpcommError:  # of fragments, which are not told apart
                self._half = stream

    def _frames_in(self, decoder: Decoder, data: bytes) -> list[bytes]:
        """Return the frames that a chunk completes."""
        frames: list[bytes] = []
        for found in decode(decoder, data):
            if not isinstance(found, FramingError):
                frames += found
            elif not found.recoverable:
                self._decoder, self._half = None, b""
        return frames

    def _ends_by_feeding(self, decoder: Decoder, data: bytes, began: int) -> Ends:
        """Feed a chunk byte by byte. Return the end of each frame, counted from the begin of the first."""
        ends: Ends = []
        for at in range(len(data)):
            frames = self._frames_in(decoder, data[at : at + 1])
            if not self.knows_frames:
                break
            if frames:
                ends.append((began + at + 1, tuple(frames)))
            elif not decoder.mid_frame and not (began and not ends):
                # The byte belongs to the end of the frame before, as the LF of a CR LF.
                ends[-1:] = [(began + at + 1, ends[-1][1] if ends else ())]
        if ends:
            self._opening = b""
        return ends

    def _ends(self, stream: bytes, frames: list[bytes]) -> Ends:
        """Return the end of each frame in the stream, which begins at the begin of a frame."""
        ends = self._ends_by_encoding(stream, frames)
        if ends is None:
            ends = self._ends_by_decoding(stream, frames)
        if frames:
            self._opening = b""
        return ends

    def _ends_by_encoding(self, stream: bytes, frames: list[bytes]) -> Ends | None:
        ends: Ends = []
        at = 0
        if frames and self._opening and stream.startswith(self._opening):
            at = len(self._opening)
        for frame in frames:
            try:
                wire = self._framing.encode(frame)
            except EncodeError:
                return None
            if not stream.startswith(wire, at):
                return None
            at += len(wire)
            ends.append((at, (frame,)))
        return ends

    def _ends_by_decoding(self, stream: bytes, frames: list[bytes]) -> Ends:
        decoder = self._framing.decoder()
        ends: Ends = []
        found: list[bytes] = []
        for at in range(len(stream)):
            ended = len(found)
            for each in decode(decoder, stream[at : at + 1]):
                if isinstance(each, FramingError):
                    if not each.recoverable:
                        return self._as_one(stream, frames)
                    continue
                found += each
                ends.append((at + 1, tuple(each)))
            if ended and ended == len(found):
                if decoder.mid_frame:
                    if ended >= len(frames):
                        break
                else:  # it belongs to the end of the frame before, as the LF of a CR LF
                    ends[-1] = (at + 1, ends[-1][1])
        return ends if found == frames else self._as_one(stream, frames)

    def _as_one(self, stream: bytes, frames: list[bytes]) -> Ends:
        """Return one part for all frames, because it is not known where each of them ends."""
        if not frames:
            return []
        behind = b""
        if self._decoder is not None and self._decoder.mid_frame:
            try:
                behind = self._decoder.trailing
            except TcpcommError:  # of fragments, which are not told apart
                behind = b""
        return [(len(stream) - len(behind) if stream.endswith(behind) else len(stream), tuple(frames))]
