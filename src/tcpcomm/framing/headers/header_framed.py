"""
Frames whose length a function of their header computes: :class:`HeaderFramed`, :class:`More`.

The function may ask for more of the header, so the header may have any length. The other framings of this
folder are such functions with a name of their own, and share :class:`HeaderDecoder`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Literal

from attrs import define, field, frozen

from tcpcomm.errors import BadLength, ConfigurationError, EncodeError, FrameTooLong
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes

DEFAULT_MAX_HEADER: Final = 8192
"""
Bytes of a header of variable length, unless ``max_header`` says otherwise. A longer header is a
``BadLength``, and the session is closed.
"""

_SHOWN: Final = 40
"""The bytes of a header that an error shows."""


@frozen
class More:
    """
    The answer of a header function that must see more of the header.

    The function is then called again, with all that it saw before and the bytes that it asked for.

    Args:
        count: the number of further bytes.
        until: a mark, such as ``b"\\r\\n"``: the header is shown up to and including the first mark that
            ends behind the bytes shown before.

    Raises:
        ConfigurationError: neither or both of them are given.
    """

    count: int = 0
    until: bytes = field(default=b"", kw_only=True, converter=checked_bytes)

    def __attrs_post_init__(self) -> None:
        if (self.count > 0) == bool(self.until) or self.count < 0:
            raise ConfigurationError(f"ask for a number of bytes, or for a mark, unlike {self!r}")


Total = Callable[[bytes], "int | More"]
"""A function of a frame's first bytes: the bytes of the whole frame, or what else it must see."""

Strip = int | Literal["header"]
"""The bytes to take off the front of a frame: a number, or the whole header that the function saw."""


def _shown_name(function: Callable[..., object] | None) -> str:
    """Return the name of a function, because its address differs in each run."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", None if function is None else type(function).__qualname__))


def header_end(buffer: Buffer, start: int, shown: int, more: More, stop: int) -> int:
    """Return the position where the header that begins at ``start`` ends if more of it is shown, or -1."""
    if not more.until:
        return start + shown + more.count
    found = buffer.find(more.until, start + max(0, shown - len(more.until) + 1), stop)
    return found if found < 0 else found + len(more.until)


def measured(total: Total, header: int, start: bytes) -> tuple[int, int]:
    """
    Return the bytes of the whole frame, and those of its header, from the first bytes of a frame to send.

    Raises:
        EncodeError: they are not a header that the function accepts.
    """
    shown = header
    while shown <= len(start):
        try:
            size = total(start[:shown])
        except ValueError as error:
            raise EncodeError(f"the header {start[:shown]!r} cannot be sent: {error}") from error
        if not isinstance(size, More):
            return size, shown
        end = header_end(start, 0, shown, size, len(start))
        if end < 0:
            raise EncodeError(f"the header needs {size.until!r}, which {start[:_SHOWN]!r} does not hold")
        shown = end
    raise EncodeError(f"{len(start)} bytes are fewer than the header's {shown}")


@frozen
class HeaderFramed(Framing):
    """
    Each frame begins with a header from which a function computes the frame's total length.

    Use it for headers without a plain length field: two sizes to add, a type that fixes the size, or a
    header whose own length varies.

    Args:
        header: the bytes that ``total`` needs at least.
        total: a pure function of these bytes that returns the length of the whole frame in bytes, header
            included. It may return :class:`More` instead, and is called again with more of the header. It
            raises ``ValueError``, with the reason, for an impossible header.
        strip: the bytes taken off the front of each frame before it is delivered, or ``"header"`` for all
            that ``total`` saw.
        pack: with ``strip``, the function that makes these bytes for a frame that is sent. If it raises
            ``ValueError``, ``OverflowError`` or ``struct.error``, the frame is refused.
        max_header: the bytes of the longest header. One that goes on beyond it ends the stream.

    Raises:
        ConfigurationError: the values contradict each other.

    Source: the idea of Erlang's ``{packet, N}`` with a decode function.
    """

    header: int
    total: Total = field(repr=_shown_name)
    strip: Strip = field(default=0, kw_only=True)
    pack: Callable[[bytes], bytes] | None = field(default=None, kw_only=True, repr=_shown_name)
    max_header: int = field(default=DEFAULT_MAX_HEADER, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.header < 1:
            raise ConfigurationError(f"the header must have at least 1 byte, not {self.header}")
        if self.max_header < self.header:
            raise ConfigurationError(
                f"max_header={self.max_header} is less than the header's {self.header} bytes"
            )
        if self.strip != "header" and not 0 <= self.strip <= self.header:
            raise ConfigurationError(
                f"strip={self.strip} must lie between 0 and the header's {self.header} bytes"
            )
        if (self.strip != 0) != (self.pack is not None):
            raise ConfigurationError(
                "strip and pack go together: pack makes the bytes again that strip takes off"
            )
        kept = 0 if self.strip == "header" else self.header - self.strip
        if self.max_frame < kept:
            raise ConfigurationError(
                f"max_frame={self.max_frame} is less than the {kept} header bytes that stay in each frame"
            )

    def decoder(self) -> Decoder:
        strip = None if self.strip == "header" else self.strip
        return HeaderDecoder(self.header, self.total, strip, self.max_frame, self.max_header)

    def encode(self, frame: bytes) -> bytes:
        return b"".join(self.encode_large(frame))

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        self.check_size(frame)
        try:
            packed = self.pack(frame) if self.pack else b""
        except (ValueError, OverflowError, struct.error) as error:
            raise EncodeError(f"a frame of {len(frame)} bytes has no header: {error}") from error
        if self.strip not in ("header", len(packed)):
            raise EncodeError(f"pack made {len(packed)} header bytes where strip takes off {self.strip}")
        start = packed + frame[: max(0, self.max_header - len(packed))]
        size, shown = measured(self.total, self.header, start)
        if self.strip == "header" and shown != len(packed):
            raise EncodeError(f"pack made {len(packed)} header bytes, but the peer would take off {shown}")
        whole = len(packed) + len(frame)
        if size != whole:
            raise EncodeError(
                f"the header {start[:shown]!r} announces {size} bytes, but the frame has {whole}"
            )
        return (packed, frame) if packed else (frame,)


@define(eq=False, repr=False, weakref_slot=False)
class HeaderDecoder(Decoder):
    """Shows a function as much of each header as it asks for, and cuts where it says."""

    _header: int
    _total: Total
    _taken_off: int | None  # bytes off the front of each frame; None: the whole header
    _max_frame: int
    _max_header: int
    _shown: int = field(init=False)
    """The bytes of the header that are shown next, counted from the start of the frame."""

    _more: More | None = field(default=None, init=False)
    """The mark that is sought behind the shown bytes, or None if none is sought."""

    @_shown.default
    def _first_shown(self) -> int:
        return self._header

    def cut(self, buffer: Buffer, position: int) -> int:
        size, max_frame = len(buffer), self._max_frame
        while size - position >= self._shown and (self._more is None or self._seek(buffer, position)):
            shown = self._shown
            if size - position < shown:
                break
            found = bytes(buffer[position : position + shown])
            try:
                total = self._total(found)
            except ValueError as error:
                reason = f"the header {found!r} is not valid: {error}"
                self.fail(BadLength, reason, at=position)
                break
            if isinstance(total, More):
                if total.until:
                    self._more = total
                elif shown + total.count > self._max_header:
                    self._endless(buffer, position, arrived=shown)
                    break
                else:
                    self._shown = shown + total.count
                continue
            if total < shown:
                reason = f"the header {found!r} announces {total} bytes, fewer than its own {shown}"
                self.fail(BadLength, reason, at=position)
                break
            strip = shown if self._taken_off is None else self._taken_off
            if total - strip > max_frame:
                reason = f"a frame of {total - strip} bytes exceeds max_frame={max_frame}"
                self.fail(FrameTooLong, reason, at=position)
                break
            self._shown = self._header
            end = position + total
            if end > size:
                self.wait_for(total, strip=strip)
                break
            if not self.deliver(buffer[position + strip : end], position):
                return end
            position = end
        return position

    def _seek(self, buffer: Buffer, position: int) -> bool:
        """Look for the mark. Return True if it is there, and note how much of the header is shown then."""
        assert self._more is not None
        stop = position + self._max_header
        end = header_end(buffer, position, max(self._shown, self.searched), self._more, stop)
        if end < 0:
            self.searched = min(len(buffer), stop) - position
            if len(buffer) >= stop:
                self._endless(buffer, position, arrived=self._max_header)
            return False
        self._shown, self._more, self.searched = end - position, None, 0
        return True

    def _endless(self, buffer: Buffer, position: int, *, arrived: int) -> None:
        first = bytes(buffer[position : position + min(_SHOWN, arrived)])
        reason = f"a header that begins with {first!r} goes on beyond max_header={self._max_header}"
        self.fail(BadLength, reason, at=position)

    def reset(self) -> None:
        super().reset()
        self._shown, self._more = self._header, None
