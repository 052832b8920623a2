"""
Frames that end with a delimiter: :class:`Delimited` (given bytes), :class:`Lines` (any line ending).

Their decoders are in :mod:`tcpcomm.framing.delimiter_decoder`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import permutations
from typing import Any

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing.base import Decoder, FrameEnding, Framing, checked_bytes, checked_several
from tcpcomm.framing.delimiter_decoder import (
    KeptDelimiterDecoder,
    KeptLinesDecoder,
    LinesDecoder,
    PatternDecoder,
    SingleDelimiterDecoder,
)


@frozen
class Delimited(Framing):
    r"""
    Each frame ends with a delimiter, which is not part of it: ``b"\r\n"``, ``b"\r"``, ``b";"``, ``b"\0"``.

    With several delimiters each of them ends a frame, and the first is sent. If two match, the one that
    ends first wins. If both end at the same byte, the one that makes the frame shorter wins.

    With ``keep_ends`` a frame keeps its delimiter, to tell which one it was, and a frame that is sent must
    end with one. ``max_frame`` does not count the delimiter.

    Raises:
        ConfigurationError: no delimiter is given, one is empty, or one can never match because another
            ends inside it. For ``\r`` beside ``\r\n`` use :class:`Lines`.
    """

    delimiters: tuple[bytes, ...] = field(converter=checked_several)
    keep_ends: bool = field(default=False, kw_only=True)
    _pattern: re.Pattern[bytes] = field(init=False, repr=False, eq=False)
    _last: bytes = field(init=False, repr=False, eq=False)
    """The last byte of the only delimiter, because one byte is found far more quickly than two."""

    @delimiters.validator
    def _check_delimiters(self, _: Any, delimiters: tuple[bytes, ...]) -> None:
        if not delimiters or not all(delimiters):
            raise ConfigurationError(f"a delimiter must have at least one byte, not {delimiters!r}")
        if len(set(delimiters)) < len(delimiters):
            raise ConfigurationError(f"a delimiter is given twice: {delimiters!r}")
        for inner, outer in permutations(delimiters, 2):
            if inner in outer[:-1]:
                raise ConfigurationError(
                    f"the delimiter {outer!r} can never match, because {inner!r} ends inside it"
                    + (": use Lines for any line ending" if outer == b"\r\n" else "")
                )

    @_pattern.default
    def _compile(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join(map(re.escape, self.delimiters)))

    @_last.default
    def _last_byte(self) -> bytes:
        return self.delimiters[0][-1:] if len(self.delimiters) == 1 else b""

    @property
    def ending(self) -> FrameEnding | None:
        return None if self.keep_ends else FrameEnding(self.delimiters[0], b"".join(self.delimiters))

    def decoder(self) -> Decoder:
        if self.keep_ends:
            return KeptDelimiterDecoder(self.max_frame, self.delimiters, pattern=self._pattern)
        if len(self.delimiters) == 1:
            return SingleDelimiterDecoder(self.max_frame, self.delimiters)
        return PatternDecoder(self.max_frame, self.delimiters, pattern=self._pattern)

    def encode(self, frame: bytes) -> bytes:
        if self.keep_ends:
            return self._checked_kept(frame)
        if len(frame) > self.max_frame:  # without a call, as most frames are short
            self.check_size(frame)
        wire = frame + self.delimiters[0]
        if self._last and wire.find(self._last) == len(wire) - 1:
            return wire
        match = self._pattern.search(wire)
        assert match is not None
        if match.start() != len(frame):
            raise EncodeError(
                f"the delimiter would be found at byte {match.start()} of the frame, not at its end: "
                "send it in a framing that carries any byte, such as LengthPrefixed"
            )
        return wire

    def _checked_kept(self, frame: bytes) -> bytes:
        match = self._pattern.search(frame)
        if match is None or match.end() != len(frame):
            listed = " or ".join(map(repr, self.delimiters))
            raise EncodeError(f"a kept frame must end with {listed}, its only one, unlike {frame[-40:]!r}")
        self.check_size(frame[: match.start()])
        return frame

    def encode_many(self, frames: Iterable[bytes]) -> bytes:
        frames = list(frames)
        sent = self.delimiters[0]
        longest = max(map(len, frames), default=0)
        if len(self.delimiters) == 1 and longest <= self.max_frame and not self.keep_ends:
            wire = sent.join((*frames, b""))
            if wire.split(sent) == [*frames, b""]:  # as the peer will cut it
                return wire
        return super().encode_many(frames)


@frozen
class Lines(Framing):
    r"""
    Each frame is a line that ends with ``\n``, ``\r\n`` or ``\r``.

    A ``\n`` directly after a ``\r`` belongs to the same ending, even if it arrives later.

    With ``keep_ends`` a frame keeps its line ending, as with ``bytes.splitlines(keepends=True)``. So a
    server can answer with the ending of the request. A ``\r`` then ends its line only after the next byte,
    silence or the end of the stream, which show that no ``\n`` follows. ``max_frame`` does not count the
    ending.

    Raises:
        ConfigurationError: ``send`` is not a line ending, or is ``\r`` with ``keep_ends``: the peer could
            not know that the line has ended.
    """

    send: bytes = field(default=b"\r\n", kw_only=True, converter=checked_bytes)
    """The line ending that is sent. Not used with ``keep_ends``, where a frame holds its own."""

    keep_ends: bool = field(default=False, kw_only=True)

    @send.validator
    def _check_send(self, _: Any, send: bytes) -> None:
        if send not in (b"\r\n", b"\n", b"\r"):
            raise ConfigurationError(f"a line ends with \\r\\n, \\n or \\r, not with {send!r}")
        if self.keep_ends and send == b"\r":
            raise ConfigurationError(
                "with keep_ends no line is sent with \\r alone: the peer could not know that it has ended"
            )

    @property
    def ending(self) -> FrameEnding | None:
        return None if self.keep_ends else FrameEnding(self.send, b"\r\n")

    def decoder(self) -> Decoder:
        if self.keep_ends:
            return KeptLinesDecoder(self.max_frame)
        return LinesDecoder(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        text, ending = frame, self.send
        if self.keep_ends:
            text, ending = split_ending(frame)
            if ending not in (b"\r\n", b"\n"):
                raise EncodeError(f"a kept line must end with \\r\\n or \\n, unlike {frame[-8:]!r}")
        if len(text) > self.max_frame:
            self.check_size(text)
        if text.find(b"\n") >= 0 or text.find(b"\r") >= 0:  # quicker than "in", for bytes
            raise EncodeError("a line cannot hold a line ending: send each line as a frame")
        return text + ending


def split_ending(line: bytes) -> tuple[bytes, bytes]:
    r"""Split a kept line into its text and its ending: ``b"\r\n"``, ``b"\n"``, ``b"\r"`` or ``b""``."""
    for ending in (b"\r\n", b"\n", b"\r"):
        if line.endswith(ending):
            return line[: -len(ending)], ending
    return line, b""
