"""
Frames with escaped markers, so that they can hold any byte: :class:`Stuffed` (SLIP), :class:`DleStuffed`,
:class:`Cobs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from attrs import define, field, frozen

from tcpcomm.errors import (
    BadEscape,
    ConfigurationError,
    EncodeError,
    FrameTooLong,
    TruncatedFrame,
    UnexpectedBytes,
)
from tcpcomm.framing.base import Buffer, Decoder, Framing, checked_bytes
from tcpcomm.framing.delimiter_decoder import SingleDelimiterDecoder
from tcpcomm.framing.pieces import PieceDecoder, UnusablePiece

_SLIP: Final = MappingProxyType({0xC0: 0xDC, 0xDB: 0xDD})


def _frozen_mapping(codes: Mapping[int, int]) -> Mapping[int, int]:
    return MappingProxyType(dict(codes))


def _one_byte(instance: object, attribute: Any, value: bytes) -> None:
    if len(value) != 1:
        raise ConfigurationError(f"{attribute.name} must be exactly one byte, not {value!r}")


def _blocks(end: bytes, stage: PieceDecoder, *, max_frame: int, stuffing: int) -> Decoder:
    """Return a decoder for blocks that end with one byte. ``stage`` decodes each block into a frame."""
    decoder = SingleDelimiterDecoder(max_frame, (end,), limit=max_frame + stuffing)
    decoder.piece_decoders.append(stage)
    return decoder


def _check_length(frame: bytes, max_frame: int) -> bytes:
    if len(frame) > max_frame:
        raise UnusablePiece(FrameTooLong, f"a frame of {len(frame)} bytes exceeds max_frame={max_frame}")
    return frame


@frozen
class Stuffed(Framing):
    """
    Each frame ends with a flag byte, and this byte and the escape byte are escaped inside it.

    The default is SLIP. PPP's asynchronous form is ``Stuffed(end=b"\\x7e", escape=b"\\x7d",
    codes={0x7E: 0x5E, 0x7D: 0x5D})``. A flag before a frame is accepted too, and sent with ``lead``. It
    separates the frame from line noise. For this reason an empty frame does not exist.

    Args:
        end: the flag byte.
        escape: the escape byte.
        codes: the byte that follows the escape byte, for each byte that is escaped.
        lead: whether a flag is sent before each frame too.

    Raises:
        ConfigurationError: the codes do not escape the flag and the escape byte, or are ambiguous.

    Source: RFC 1055.
    """

    end: bytes = field(default=b"\xc0", kw_only=True, converter=checked_bytes, validator=_one_byte)
    escape: bytes = field(default=b"\xdb", kw_only=True, converter=checked_bytes, validator=_one_byte)
    codes: Mapping[int, int] = field(default=_SLIP, kw_only=True, converter=_frozen_mapping, hash=False)
    lead: bool = field(default=False, kw_only=True)

    @codes.validator
    def _check_codes(self, _: Any, codes: Mapping[int, int]) -> None:
        if not {self.end[0], self.escape[0]} <= set(codes):
            raise ConfigurationError("codes must escape the end byte and the escape byte")
        if self.end == self.escape:
            raise ConfigurationError("the end byte and the escape byte must differ")
        if not {*codes, *codes.values()} <= {*range(256)}:
            raise ConfigurationError("codes map bytes to bytes, numbers from 0 to 255")
        if len({*codes.values()}) < len(codes) or {*codes.values()} & {*codes} - {self.escape[0]}:
            raise ConfigurationError("the codes must differ from each other and from what they escape")

    def decoder(self) -> Decoder:
        return _blocks(self.end, _unstuff(self), max_frame=self.max_frame, stuffing=self.max_frame)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        if not frame:
            raise EncodeError("an empty frame cannot be sent: two flags in a row mean nothing")
        escape = self.escape
        wire = frame.replace(escape, escape + bytes([self.codes[escape[0]]]))
        for literal, code in self.codes.items():
            if literal != escape[0]:
                wire = wire.replace(bytes([literal]), escape + bytes([code]))
        return (self.end if self.lead else b"") + wire + self.end


class _Unstuff(PieceDecoder):
    __slots__ = ("_escape", "_literals", "_max_frame", "_pairs")

    def __init__(self, framing: Stuffed) -> None:
        self._escape = framing.escape
        self._max_frame = framing.max_frame
        self._pairs = re.compile(re.escape(framing.escape) + b"(.?)", re.DOTALL)
        self._literals = {bytes([code]): bytes([byte]) for byte, code in framing.codes.items()}

    def decode(self, piece: bytes) -> bytes | None:
        if not piece:
            return None
        if self._escape in piece:
            piece = self._pairs.sub(self._literal, piece)
        return _check_length(piece, self._max_frame)

    def _literal(self, match: re.Match[bytes]) -> bytes:
        try:
            return self._literals[match[1]]
        except KeyError:
            raise UnusablePiece(
                BadEscape, f"{match[1]!r} cannot follow the escape byte {self._escape!r}"
            ) from None


_unstuff: Final = lru_cache(maxsize=64)(_Unstuff)  # without state, so all decoders share one


@frozen
class Cobs(Framing):
    """
    Each frame is encoded without zero bytes and ends with one: COBS.

    The encoding adds one byte for each 254 bytes. Empty blocks (zeros in a row) are ignored.

    Source: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
    Networking, April 1999.
    """

    def decoder(self) -> Decoder:
        step, stuffing = _uncobs(self.max_frame), self.max_frame // 254 + 1
        return _blocks(b"\0", step, max_frame=self.max_frame, stuffing=stuffing)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        wire = bytearray()
        for run in frame.split(b"\0"):
            start = 0
            while len(run) - start >= 254:
                wire.append(0xFF)
                wire += run[start : start + 254]
                start += 254
            wire.append(len(run) - start + 1)
            wire += run[start:]
        if 0 < start == len(run):
            del wire[-1]  # the frame ends with a full block: an empty one is not needed
        wire.append(0)
        return bytes(wire)


@frozen(eq=False)
class _Uncobs(PieceDecoder):
    _max_frame: int

    def decode(self, piece: bytes) -> bytes | None:
        if not piece:
            return None
        frame = bytearray()
        position, size = 0, len(piece)
        while position < size:
            code = piece[position]
            following = position + code
            if following > size:
                raise UnusablePiece(
                    BadEscape,
                    f"a COBS block of {code} bytes begins where only {size - position} bytes are left",
                )
            frame += piece[position + 1 : following]
            position = following
            if code < 0xFF and position < size:
                frame.append(0)
        return _check_length(bytes(frame), self._max_frame)


_uncobs: Final = lru_cache(maxsize=64)(_Uncobs)


@frozen
class DleStuffed(Framing):
    """
    Each frame stands between ``DLE STX`` and ``DLE ETX``. A DLE inside it is sent twice.

    With ``start=b""`` a single DLE begins the frame, and its first byte follows at once, as in TSIP. That
    byte can be neither DLE nor the end byte.

    Args:
        escape: the DLE byte.
        start: the byte that follows DLE at the start, or an empty value.
        end: the byte that follows DLE at the end.

    Raises:
        ConfigurationError: two of the bytes are equal.

    Source: ISO 1745 (transparent mode of basic mode control procedures); Trimble TSIP for ``start=b""``.
    """

    escape: bytes = field(default=b"\x10", kw_only=True, converter=checked_bytes, validator=_one_byte)
    start: bytes = field(default=b"\x02", kw_only=True, converter=checked_bytes)
    end: bytes = field(default=b"\x03", kw_only=True, converter=checked_bytes, validator=_one_byte)

    def __attrs_post_init__(self) -> None:
        if len(self.start) > 1:
            raise ConfigurationError(f"start must be one byte or none, not {self.start!r}")
        if len({self.escape, self.start, self.end}) < 3:
            raise ConfigurationError("escape, start and end must differ")

    def decoder(self) -> Decoder:
        return _DleDecoder(self)

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        if not self.start and frame[:1] in (b"", self.escape, self.end):
            raise EncodeError(
                f"the frame must begin with a byte that is neither {self.escape!r} nor {self.end!r}, "
                "because that byte follows the start"
            )
        escape = self.escape
        return escape + self.start + frame.replace(escape, escape + escape) + escape + self.end


@define(eq=False, repr=False, weakref_slot=False)
class _DleDecoder(Decoder):
    """Goes from escape to escape, never back, and so pairs a run of escapes correctly."""

    _framing: DleStuffed

    def cut(self, buffer: Buffer, position: int) -> int:
        framing = self._framing
        escape, size = framing.escape, len(buffer)
        walk = position + self.searched
        while True:
            # Outside of a frame, position and walk move together. Inside, position stays at its start.
            inside = walk > position
            stray = not inside and position < size and not buffer.startswith(escape, position)
            if stray and not self.scanning:
                return self._garbage(buffer, position)
            at = buffer.find(escape, walk)
            known = size if at < 0 else at
            if inside and known - position > 2 * framing.max_frame + 2:
                return self._too_long(position, resume=walk)
            if at < 0 or at + 1 == size:
                if not inside:
                    position = walk = known
                self.searched = known - position
                return position
            code = bytes(buffer[at + 1 : at + 2])
            if code == escape:
                if not inside and not self.scanning:
                    return self._garbage(buffer, position)
                walk = at + 2
                if not inside:
                    position = walk
            elif code == framing.start or (not framing.start and code != framing.end):
                if inside:
                    reason = "a new frame begins in the middle of a frame"
                    return self._fail_and_scan(TruncatedFrame, reason, at=position, resume=at)
                self.scanning = False
                position = at
                walk = at + 1 + len(framing.start)
            elif not inside:
                if not self.scanning:
                    return self._garbage(buffer, position)
                position = walk = at + 2
            elif code != framing.end:
                reason = f"{code!r} cannot follow the escape byte {escape!r}"
                return self._fail_and_scan(BadEscape, reason, at=position, resume=at + 2)
            else:
                body = bytes(buffer[position + 1 + len(framing.start) : at])
                frame = body.replace(escape + escape, escape)
                if len(frame) > framing.max_frame:
                    return self._too_long(position, resume=at + 2)
                self.searched = 0
                if not self.deliver(frame, position):
                    return at + 2
                position = walk = at + 2

    def _too_long(self, position: int, *, resume: int) -> int:
        reason = f"a frame exceeds max_frame={self._framing.max_frame} and is discarded"
        return self._fail_and_scan(FrameTooLong, reason, at=position, resume=resume)

    def _garbage(self, buffer: Buffer, position: int) -> int:
        begin = self._framing.escape + self._framing.start
        found = bytes(buffer[position : position + 1])
        reason = f"a frame must begin with {begin!r}; bytes from {found!r} on are ignored"
        return self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=position)

    @property
    def unfinished(self) -> str:
        end = self._framing.escape + self._framing.end
        return f"sent {self._received_text()}, and then no {end!r}: does it end its messages as we do?"
