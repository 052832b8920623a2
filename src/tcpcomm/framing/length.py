"""
Frames of a known length: :class:`LengthPrefixed`, :class:`FixedSize`.

One rule fits the length field of every vendor's header::

    total = value + adjust + offset + width

``total`` is the whole frame on the wire, from its first byte. ``offset`` bytes stand before the length
field, which is ``width`` bytes wide. By default the field counts the bytes after it. If it counts itself
or the whole header too, ``adjust`` is negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, get_args

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError
from tcpcomm.framing.base import DEFAULT_MAX_FRAME, Buffer, Decoder, Framing, checked_bytes
from tcpcomm.framing.length_decoder import LEARNED, SMALL, Form, LengthDecoder, LengthHeader


@frozen
class LengthPrefixed(Framing):
    """
    Each frame begins with a header that holds its length.

    Args:
        width: the bytes of the length field: 1 to 8, or that many digits for an ASCII form.
        form: ``big`` or ``little`` (binary, byte order), ``decimal`` or ``hex`` (ASCII digits).
        offset: the bytes of the header before the length field.
        adjust: the number to add to the length field's value, see the module's text.
        strip: the bytes taken off the front of each frame. The default is the header up to and including
            the length field, or 0 if it holds bytes that only the application knows.
        sync: the constant bytes that begin every header. They are checked, and after garbage the decoder
            searches for the next ones. Without them a bad header ends the stream, because nothing shows
            where the next frame begins.
        max_frame: the bytes of the longest delivered frame. The default is 1 MiB, or less if the length
            field cannot express it.

    Raises:
        ConfigurationError: the values contradict each other.

    Source: the semantics of Netty's LengthFieldBasedFrameDecoder.
    """

    width: int = 4
    form: Form = field(default="big", kw_only=True)
    offset: int = field(default=0, kw_only=True)
    adjust: int = field(default=0, kw_only=True)
    sync: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    _largest: int = field(init=False, repr=False, eq=False)
    strip: int = field(kw_only=True)
    max_frame: int = field(kw_only=True)
    _encoded: _EncodedHeaders = field(init=False, repr=False, eq=False)
    _keeps_header: bool = field(init=False, repr=False, eq=False)
    """True if delivered frames hold a part of their header. The encoder only checks that part."""

    @_largest.default
    def _default_largest(self) -> int:
        base = {"decimal": 10, "hex": 16}.get(self.form, 256)
        return int(base ** min(self.width, 8)) - 1  # a greater width is refused later

    @_encoded.default
    def _default_encoded(self) -> _EncodedHeaders:
        return _EncodedHeaders(self)

    @_keeps_header.default
    def _default_keeps_header(self) -> bool:
        return self.strip != self.header

    @strip.default
    def _default_strip(self) -> int:
        return self.header if self.offset == len(self.sync) else 0

    @max_frame.default
    def _default_max_frame(self) -> int:
        return max(1, min(DEFAULT_MAX_FRAME, self._capacity))

    @property
    def header(self) -> int:
        """The bytes from the start of a frame to the end of its length field."""
        return self.offset + self.width

    @property
    def carries_all_up_to(self) -> int:
        """The bytes up to which every frame can be sent, whatever is in it; -1 if that is not sure."""
        return -1 if self._keeps_header or self.adjust > 0 else self.max_frame

    @property
    def _smallest(self) -> int:
        """The bytes of the shortest frame that the length field can announce."""
        return max(0, self.adjust) + self.header - self.strip

    @property
    def _capacity(self) -> int:
        """The bytes of the longest frame that the length field can announce."""
        return self._largest + self.adjust + self.header - self.strip

    def __attrs_post_init__(self) -> None:
        problems = []
        if self.form not in get_args(Form):
            problems.append(f"form must be one of {', '.join(get_args(Form))}, not {self.form!r}")
        if not 1 <= self.width <= 8:
            problems.append(f"width must be 1 to 8 bytes, not {self.width}")
        if self.offset < 0:
            problems.append(f"offset cannot be negative: {self.offset}")
        if not 0 <= self.strip <= self.header:
            problems.append(f"strip={self.strip} must lie between 0 and the header's {self.header} bytes")
        if len(self.sync) > self.offset:
            problems.append(
                f"sync {self.sync!r} has {len(self.sync)} bytes, but the length field begins at "
                f"offset={self.offset}"
            )
        elif len(self.sync) < self.strip != self.header or (
            self.strip == self.header and self.offset != len(self.sync)
        ):
            problems.append(
                f"strip={self.strip} would take off header bytes that the encoder cannot know again: "
                "give them as sync, or strip=0 to keep the header in the frame"
            )
        if self.max_frame < 1:
            problems.append(f"max_frame must be at least 1 byte, not {self.max_frame}")
        elif not problems and self.max_frame < self._smallest:
            problems.append(
                f"max_frame={self.max_frame} is less than the {self._smallest} bytes of the shortest frame"
            )
        elif not problems and self.max_frame > self._capacity:
            problems.append(
                f"max_frame={self.max_frame} does not fit the length field: "
                f"it can announce {self._capacity} bytes at most"
            )
        if problems:
            raise ConfigurationError("; ".join(problems))

    def decoder(self) -> Decoder:
        return LengthDecoder(_header_of(self))

    def encode(self, frame: bytes) -> bytes:
        header = self._encoded[len(frame)]
        return (self._check_header(frame, header) if self._keeps_header else header) + frame

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        header = self._encoded[len(frame)]
        return (self._check_header(frame, header) if self._keeps_header else header, frame)

    def encode_many(self, frames: Iterable[bytes]) -> bytes:
        if self._keeps_header:
            return super().encode_many(frames)
        frames = [*frames]
        sizes = [*map(len, frames)]
        encoded = self._encoded
        if len({*sizes}) == 1:
            return encoded[sizes[0]].join((b"", *frames))
        parts = [b""] * (2 * len(frames))
        parts[::2] = map(encoded.__getitem__, sizes)
        parts[1::2] = frames
        return b"".join(parts)

    def total_length(self, header: bytes) -> int:
        """
        Return the bytes of the whole frame that begins with this header.

        Raises:
            ValueError: the sync word is missing, or the length is not a number.
        """
        if not header.startswith(self.sync):
            raise ValueError(f"it must begin with {self.sync!r}")
        (value,) = _header_of(self).read(header, 0)
        if value < 0:
            raise ValueError(f"its length field is not a {self.form} number")
        return value + self.adjust + self.header

    def _length_field(self, size: int) -> bytes:
        """Return the length field for a frame of ``size`` bytes."""
        if size > self.max_frame:
            raise self.too_long(size)
        value = size + self.strip - self.header - self.adjust
        if not 0 <= value <= self._largest or size < self.header - self.strip:
            raise EncodeError(f"a frame of {size} bytes has no length that this header can express")
        if self.form == "decimal":
            return b"%0*d" % (self.width, value)
        if self.form == "hex":
            return b"%0*X" % (self.width, value)
        return value.to_bytes(self.width, self.form)

    def _check_header(self, frame: bytes, length: bytes) -> bytes:
        """Check the part of the header that the frame holds. Return the part that it does not hold."""
        kept = self.sync[self.strip :]
        if kept and not frame.startswith(kept):
            raise EncodeError(f"the frame must begin with {kept!r}, unlike {frame[: len(kept)]!r}")
        at = self.offset - self.strip
        if not frame.startswith(length, at):
            found = frame[at : at + self.width]
            if self.form != "hex" or found.upper() != length:
                raise EncodeError(
                    f"the length field in the frame, at byte {at}, holds {found!r}: "
                    f"for {len(frame)} bytes it must be {length!r}"
                )
        return self.sync[: self.strip]


@lru_cache(maxsize=64)
def _header_of(framing: LengthPrefixed) -> LengthHeader:
    return LengthHeader(
        width=framing.width,
        form=framing.form,
        offset=framing.offset,
        adjust=framing.adjust,
        strip=framing.strip,
        sync=framing.sync,
        max_frame=framing.max_frame,
    )


class _EncodedHeaders(dict[int, bytes]):
    """
    The encoded header by the frame's size, or the length field alone if frames keep their header.

    Headers of small frames are kept, which halves the time to encode such a frame.
    """

    __slots__ = ("_framing",)

    def __init__(self, framing: LengthPrefixed) -> None:
        super().__init__()
        self._framing = framing

    def __missing__(self, size: int) -> bytes:
        framing = self._framing
        header = framing._length_field(size)
        if not framing._keeps_header:
            header = framing.sync + header
        if size <= SMALL and len(self) < LEARNED:
            self[size] = header
        return header


@frozen
class FixedSize(Framing):
    """
    Each frame has the same number of bytes, and nothing else marks it.

    Raises:
        ConfigurationError: the size is not positive.
    """

    size: int = field()
    max_frame: int = field(init=False)

    @size.validator
    def _check_positive(self, _: Any, size: int) -> None:
        if size < 1:
            raise ConfigurationError(f"a fixed frame must have at least 1 byte, not {size}")

    @max_frame.default
    def _default_max_frame(self) -> int:
        return self.size

    def decoder(self) -> Decoder:
        return _FixedDecoder(self.size)

    def encode(self, frame: bytes) -> bytes:
        if len(frame) != self.size:
            raise EncodeError(f"a frame must have exactly {self.size} bytes, not {len(frame)}")
        return frame


class _FixedDecoder(Decoder):
    __slots__ = ("_size",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        return [data] if len(data) == self._size else None

    @property
    def unfinished(self) -> str:
        received = self._received_text()
        return f"sent {received}, which are {self.buffered} bytes, and a frame has {self._size}"

    def cut(self, buffer: Buffer, position: int) -> int:
        size = self._size
        for start in range(position, len(buffer) - size + 1, size):
            position = start + size
            if not self.deliver(buffer[start:position], start):
                break
        self._need = size
        return position
