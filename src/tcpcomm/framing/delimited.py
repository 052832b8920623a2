"""
Frames that end with a terminator: :class:`Delimited` (yours), :class:`Lines` (any line ending).

The search for the terminator goes on where it ended, so the cost is linear however a frame is cut, and a
terminator that arrives in two chunks is found. A frame beyond ``max_frame`` is reported once, then
discarded up to its terminator: the connection lives on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError, FrameTooLong
from tcpcomm.framing.base import Buffer, Decoder, Framing, octets

__all__ = ["Delimited", "Lines", "TerminatedDecoder"]

Find = Callable[[Buffer, int], "tuple[int, int] | None"]
Split = Callable[[bytes], list[bytes]]


def _delimiters(value: bytes | Iterable[bytes]) -> tuple[bytes, ...]:
    if isinstance(value, bytes | str) or not isinstance(value, Iterable):
        return (octets(value),)
    return tuple(map(octets, value))


@frozen
class Delimited(Framing):
    r"""
    Each frame ends with a delimiter, which is not part of it: ``b"\r\n"``, ``b"\r"``, ``b";"``, ``b"\0"``.

    With several delimiters each of them ends a frame and the first is sent. Where two match, the one
    that ends first wins, and of those that end together the one that makes the frame shortest.

    Raises:
        ConfigurationError: no delimiter, an empty one, or one that could never match because another
            ends inside it (for ``\r`` beside ``\r\n`` there is :class:`Lines`).
    """

    delimiters: tuple[bytes, ...] = field(converter=_delimiters)
    _pattern: re.Pattern[bytes] = field(init=False, repr=False, eq=False)

    @delimiters.validator
    def _check_delimiters(self, _: Any, delimiters: tuple[bytes, ...]) -> None:
        if not delimiters or not all(delimiters):
            raise ConfigurationError(f"a delimiter must have at least one byte, not {delimiters!r}")
        if len(set(delimiters)) < len(delimiters):
            raise ConfigurationError(f"a delimiter is given twice: {delimiters!r}")
        for inner, outer in permutations(delimiters, 2):
            if inner in outer[:-1]:
                raise ConfigurationError(
                    f"the delimiter {outer!r} can never match, for {inner!r} ends inside it"
                    + (": use Lines for any line ending" if outer == b"\r\n" else "")
                )

    @_pattern.default
    def _compile(self) -> re.Pattern[bytes]:
        return re.compile(b"|".join(re.escape(delimiter) for delimiter in self.delimiters))

    def decoder(self) -> Decoder:
        longest = max(map(len, self.delimiters))
        if len(self.delimiters) > 1:
            return TerminatedDecoder(
                find=_finder(self._pattern),
                split=self._pattern.split,
                longest=longest,
                max_frame=self.max_frame,
                ends=self.delimiters,
            )
        delimiter = self.delimiters[0]

        def find(buffer: Buffer, position: int) -> tuple[int, int] | None:
            start = buffer.find(delimiter, position)
            return None if start < 0 else (start, start + longest)

        return TerminatedDecoder(
            find=find,
            split=lambda data: data.split(delimiter),
            longest=longest,
            max_frame=self.max_frame,
            ends=self.delimiters,
        )

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        sent = self.delimiters[0]
        wire = frame + sent
        if len(self.delimiters) == 1:
            start = wire.find(sent)
        else:
            match = self._pattern.search(wire)
            assert match is not None
            start = match.start()
        if start != len(frame):
            raise EncodeError(
                f"the delimiter would be found at byte {start} of the frame, not at its end: "
                "send it in a framing that carries any byte, such as LengthPrefixed"
            )
        return wire

    def encode_many(self, frames: Iterable[bytes]) -> bytes:
        frames = list(frames)
        sent = self.delimiters[0]
        if len(self.delimiters) == 1 and max(map(len, frames), default=0) <= self.max_frame:
            wire = sent.join((*frames, b""))
            if wire.split(sent) == [*frames, b""]:  # just what the peer will make of it
                return wire  # a short frame costs 0.06 us here, and 0.3 us alone
        return super().encode_many(frames)


@frozen
class Lines(Framing):
    r"""
    Each frame is a line, ended by ``\n``, ``\r\n`` or ``\r``, whichever the peer uses.

    A ``\n`` right after a ``\r`` belongs to it, also when it arrives later.

    With ``keep_ends`` a frame keeps its line ending, as with ``bytes.splitlines(keepends=True)``, so
    that a server can answer with the ending it was asked with. A ``\r`` then ends its line only when
    the next byte, silence or the end of the stream shows that it is alone. ``max_frame`` counts the line
    without its ending here too.

    Raises:
        ConfigurationError: ``send`` is no line ending; or is ``\r`` with ``keep_ends``, where the peer
            could not know that the line has ended.
    """

    send: bytes = field(default=b"\r\n", kw_only=True, converter=octets)
    """The line ending that is sent (without ``keep_ends``: there the frame brings its own)."""

    keep_ends: bool = field(default=False, kw_only=True)

    @send.validator
    def _check_send(self, _: Any, send: bytes) -> None:
        if send not in (b"\r\n", b"\n", b"\r"):
            raise ConfigurationError(f"a line ends with \\r\\n, \\n or \\r, not with {send!r}")
        if self.keep_ends and send == b"\r":
            raise ConfigurationError(
                "with keep_ends no line is sent with \\r alone: the peer could not know that it has ended"
            )

    def decoder(self) -> Decoder:
        if self.keep_ends:
            return _KeptLinesDecoder(self.max_frame)
        return _LinesDecoder(self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        text, ending = frame, self.send
        if self.keep_ends:
            text, ending = split_ending(frame)
            if ending not in (b"\r\n", b"\n"):
                raise EncodeError(f"a kept line must end with \\r\\n or \\n, unlike {frame[-8:]!r}")
        self.check_size(text)
        if b"\n" in text or b"\r" in text:
            raise EncodeError("a line cannot hold a line ending: send each line as a frame")
        return text + ending


def split_ending(line: bytes) -> tuple[bytes, bytes]:
    r"""Split a kept line into its text and its ending: ``b"\r\n"``, ``b"\n"``, ``b"\r"`` or ``b""``."""
    for ending in (b"\r\n", b"\n", b"\r"):
        if line.endswith(ending):
            return line[: -len(ending)], ending
    return line, b""


def _finder(pattern: re.Pattern[bytes]) -> Find:
    def find(buffer: Buffer, position: int) -> tuple[int, int] | None:
        match = pattern.search(buffer, position)
        return None if match is None else match.span()

    return find


_find_line_end: Final = _finder(re.compile(rb"\r\n?|\n"))


class TerminatedDecoder(Decoder):
    """
    Cuts at terminators that ``find`` and ``split`` know: ``split`` for speed, ``find`` for care.

    Args:
        find: the span of the first terminator in a buffer from a position on.
        split: all frames of some bytes and, last, the rest (``b""`` where there is none).
        longest: bytes of the longest terminator.
        max_frame: the limit for a frame, in bytes.
        keep: whether a frame keeps its terminator.
        stuffing: bytes by which a frame on the wire may be longer, for one of the steps unstuffs it.
        ends: the terminators, for logs; where there are none given, any line ending is one.
    """

    def __init__(
        self,
        *,
        find: Find,
        split: Split,
        longest: int,
        max_frame: int,
        keep: bool = False,
        stuffing: int = 0,
        ends: Iterable[bytes] = (),
    ) -> None:
        super().__init__()
        self._find = find
        self._split = split
        self._overlap = longest - 1
        self._max_frame = max_frame
        self._longest = max_frame + stuffing
        self._keep = keep
        self._ends = " or ".join(map(repr, ends)) or "line ending"
        self._searched = 0  # bytes of the unfinished frame that hold no terminator
        self._discarding = False  # inside a frame that was reported as too long
        self._careful = False  # the rest of this chunk holds a fault: cut one frame at a time

    def cut(self, buffer: Buffer, position: int) -> int:
        if not (self._careful or self._discarding or self.steps):
            if self._searched and self._find(buffer, position + self._searched) is None:
                return self._wait(buffer, position)
            chunk = bytes(buffer) if not position else bytes(memoryview(buffer)[position:])
            parts = self._split(chunk)
            rest = parts.pop()
            if len(chunk) <= self._longest or max(map(len, parts), default=0) <= self._longest:
                self._frames += parts
                if rest:
                    return self._wait(buffer, len(buffer) - len(rest))
                self._searched = 0
                return len(buffer)
            self._careful = True
        return self._cut_carefully(buffer, position)

    def _cut_carefully(self, buffer: Buffer, position: int) -> int:
        while (span := self._find(buffer, position + self._searched)) is not None:
            start, end = span
            self._searched = 0
            if self._discarding:
                self._discarding = False
            elif start - position > self._longest:
                self._too_long(position)
                return end
            elif not self.deliver(buffer[position : end if self._keep else start], position):
                return end
            position = end
        return self._wait(buffer, position)

    def _wait(self, buffer: Buffer, position: int) -> int:
        """Keep what may become a frame, or the start of a terminator: there is none from here on."""
        self._careful = False
        tail = max(position, len(buffer) - self._overlap)
        if not self._discarding and tail - position > self._longest:
            self._discarding = True
            self._too_long(position)
        if self._discarding:
            self._searched = 0
            return tail
        self._searched = tail - position
        return position

    def _too_long(self, position: int) -> None:
        self.fail(
            FrameTooLong,
            f"a frame exceeds max_frame={self._max_frame} and is discarded up to its end",
            at=position,
            recoverable=True,
        )

    def flush(self) -> list[bytes]:
        """Silence ends the frame that is pending, as a terminator would."""
        if self.steps:
            return super().flush()
        self._check_alive()
        pending = self.trailing
        discarded, start = self._discarding, self._start + self._position
        self._forget()
        if discarded or not pending:
            return []
        if len(pending) > self._longest + (self._keep and pending.endswith(b"\r")):
            raise FrameTooLong(
                f"a frame exceeds max_frame={self._max_frame}", offset=start, recoverable=True
            )
        return [pending]

    @property
    def unfinished(self) -> str:
        if self._discarding:
            return f"sent no {self._ends} behind the frame that was too long"
        return f"sent {self._came()}, and then no {self._ends}: does it end its messages as we do?"

    @property
    def mid_frame(self) -> bool:
        return self._discarding or super().mid_frame

    def _incomplete(self) -> bool:
        return not self._discarding and super()._incomplete()

    def _forget(self) -> None:
        super()._forget()
        self._searched = 0
        self._discarding = self._careful = False


class _LinesDecoder(TerminatedDecoder):
    def __init__(self, max_frame: int) -> None:
        super().__init__(
            find=_find_line_end,
            split=_split_lines,
            longest=1,
            max_frame=max_frame,
        )
        self._after_return = False  # the last byte fed was \r, and ended a line: a \n may follow

    def feed(self, data: bytes) -> list[bytes]:
        if data:
            after_return, self._after_return = self._after_return, data.endswith(b"\r")
            if after_return and data.startswith(b"\n") and not self.buffered:
                self._start += 1
                data = data[1:]
        return super().feed(data)


class _KeptLinesDecoder(TerminatedDecoder):
    def __init__(self, max_frame: int) -> None:
        super().__init__(
            find=_finder(re.compile(rb"\r\n|\n|\r(?=.)", re.DOTALL)),
            split=_split_kept_lines,
            longest=2,
            max_frame=max_frame,
            keep=True,
        )

    def close(self) -> list[bytes]:
        """The end of the stream shows that a last ``\\r`` is alone: it ends its line."""
        if self.trailing.endswith(b"\r") and not self._discarding:
            return self.flush()
        return super().close()


def _split_lines(data: bytes) -> list[bytes]:
    parts = data.splitlines()
    if not parts or data.endswith((b"\r", b"\n")):
        parts.append(b"")
    return parts


def _split_kept_lines(data: bytes) -> list[bytes]:
    parts = data.splitlines(keepends=True)
    if not parts or data.endswith(b"\n"):
        parts.append(b"")
    return parts
