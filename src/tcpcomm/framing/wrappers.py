"""
Framings around another framing: :class:`Checked` (a checksum in each frame), :class:`HexText` (bytes as
text), :class:`Nested` (fragments).

They add a :class:`~tcpcomm.framing.pieces.PieceDecoder` to the inner framing's decoder, so that faults keep
their order and their place in the stream.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import define, evolve, field, frozen

from tcpcomm.errors import BadChecksum, ConfigurationError, EncodeError, FrameTooLong, UnexpectedBytes
from tcpcomm.framing.base import Decoder, Framing, checked_bytes
from tcpcomm.framing.checksums import Checksum
from tcpcomm.framing.framing_around import FramingAround
from tcpcomm.framing.headers.header_framed import HeaderFramed
from tcpcomm.framing.headers.resync import LONGEST_CANDIDATE, ResyncDecoder, total_of
from tcpcomm.framing.pieces import PieceDecoder, UnusablePiece


@frozen
class Checked(FramingAround):
    r"""
    Another framing with a checksum in each frame.

    A wrong checksum is a recoverable fault, because the inner framing knows where the frame ends.

    Args:
        framing: the inner framing.
        checksum: the checksum and the form in which it is written.
        at: the position of the checksum in the inner frame, for a checksum in a header that the
            application sees. It stays in the frame, and a frame that is sent must hold the right one.
            None: the checksum is at the end, is taken off when received and added when sent.
        cover_from: the first byte of the inner frame that the checksum counts.
        cover_to: the first byte after those that the checksum counts. None: the checksum itself.
        cover_header: whether these positions count from the header that the inner framing strips, so that
            the checksum counts the length too.
        tail: constant bytes that must follow the checksum at the end, such as ``b"\x16"`` or ``b"\r"``.
        zero_is_unchecked: whether a checksum field of zero bytes means that the sender computed none.
        resync: whether the next good frame is sought byte by byte after a bad header or checksum, for
            frames that nothing else marks. A frame that begins in order and announces too much, up to 16
            times ``max_frame``, is dropped.

    Raises:
        ConfigurationError: there is no room for the checksum, or it would count itself, or nothing. Or the
            inner framing does not strip or tell a header, or its frames are too long to seek.
    """

    checksum: Checksum
    at: int | None = field(default=None, kw_only=True)
    cover_from: int = field(default=0, kw_only=True)
    cover_to: int | None = field(default=None, kw_only=True)
    cover_header: bool = field(default=False, kw_only=True)
    tail: bytes = field(default=b"", kw_only=True, converter=checked_bytes)
    zero_is_unchecked: bool = field(default=False, kw_only=True)
    resync: bool = field(default=False, kw_only=True)
    max_frame: int = field(init=False)

    @max_frame.default
    def _limit_beside_checksum(self) -> int:
        return self.framing.max_frame - (self.checksum.size + len(self.tail) if self.at is None else 0)

    def __attrs_post_init__(self) -> None:
        if self.framing.max_frame < (self.at or 0) + self.checksum.size or self.max_frame < 1:
            raise ConfigurationError(
                f"the inner framing's max_frame={self.framing.max_frame} leaves no room for the "
                f"{self.checksum.size + len(self.tail)} bytes of the checksum"
            )
        if self.cover_from < 0 or (self.at or 0) < 0 or (self.cover_to or 0) < 0:
            raise ConfigurationError("at, cover_from and cover_to count from the start: not negative")
        stop = self.at if self.cover_to is None else self.cover_to
        if stop is not None and self.cover_from >= stop:
            raise ConfigurationError("the checksum would count nothing: see cover_from and cover_to")
        if (
            self.at is not None
            and self.cover_to is not None
            and self.cover_from < self.at + self.checksum.size
            and self.at < self.cover_to
        ):
            raise ConfigurationError(f"the checksum at byte {self.at} would count itself")
        if self.at is not None and (self.tail or self.cover_header):
            raise ConfigurationError("tail and cover_header are for a checksum at the end: leave out at")
        header = total_of(self.framing)
        if self.cover_header and (header is None or not header[2]):
            raise ConfigurationError("cover_header needs a LengthPrefixed or HeaderFramed that strips")
        if self.resync and (header is None or self.framing.max_frame > LONGEST_CANDIDATE):
            raise ConfigurationError(
                "resync needs a LengthPrefixed or HeaderFramed with max_frame of "
                f"{LONGEST_CANDIDATE} bytes at most, because each byte of garbage may cost a checksum"
            )

    @property
    def skip(self) -> int:
        """The bytes of the header that the checksum may count, and that frames do not hold."""
        header = total_of(self.framing) if self.cover_header else None
        return header[2] if header else 0

    def covered(self, frame: bytes, header: bytes = b"") -> bytes:
        """Return the bytes that the checksum counts, of a frame as it is delivered."""
        whole = header + frame if header else frame
        return whole[self.cover_from : self.at if self.cover_to is None else self.cover_to]

    def decoder(self) -> Decoder:
        inner = self.framing
        header = total_of(inner)
        is_behind = header is not None and header[2] > 0 and not self.cover_header
        stage = _Verify(self, self.skip, " behind the header" if is_behind else "")
        if self.resync and header is not None:
            shown, total, strip = header
            skip = 0 if self.cover_header else strip
            return ResyncDecoder(shown, total, strip, skip, inner.max_frame, stage.decode)
        if self.cover_header:
            kept: dict[str, Any] = {"strip": 0, "max_frame": inner.max_frame + self.skip}
            if isinstance(inner, HeaderFramed):
                kept["pack"] = None
            inner = evolve(inner, **kept)
        decoder = inner.decoder()
        decoder.piece_decoders.append(stage)
        return decoder

    def encode(self, frame: bytes) -> bytes:
        if self.at is None:
            header = b""
            if self.cover_header:
                header = self.framing.encode(frame + bytes(self.checksum.size) + self.tail)[: self.skip]
            check = self.checksum.encode(self.covered(frame, header))
            return self.framing.encode(frame + check + self.tail)
        check = self.checksum.encode(self.covered(frame))
        found = frame[self.at : self.at + self.checksum.size]
        if len(found) < self.checksum.size:
            raise EncodeError(f"the frame of {len(frame)} bytes ends before its checksum")
        if not self.accepts(frame, found):
            raise EncodeError(
                f"the {self.checksum.name} checksum in the frame, at byte {self.at}, is {found!r}: "
                f"it must be {check!r}"
            )
        return self.framing.encode(frame)

    def accepts(self, frame: bytes, received: bytes, header: bytes = b"") -> bool:
        """Return True if ``received`` is a valid checksum of ``frame``."""
        if self.zero_is_unchecked and not received.strip(b"\0"):
            return True
        return self.checksum.matches(self.covered(frame, header), received)


@define(eq=False, weakref_slot=False)
class _Verify(PieceDecoder):
    _framing: Checked
    _skip: int
    _place: str
    """Words that say where the pieces begin."""

    def decode(self, piece: bytes) -> bytes | None:
        framing, checksum, skip = self._framing, self._framing.checksum, self._skip
        size, tail = checksum.size, framing.tail
        stop = len(piece) - len(tail)
        at = stop - size if framing.at is None else framing.at
        if not skip <= at <= stop - size:
            reason = f"{len(piece)} bytes are too few to hold the {checksum.name} checksum"
            raise UnusablePiece(BadChecksum, reason)
        if not piece.endswith(tail):
            reason = f"a frame must end with {tail!r} behind its checksum, not with {piece[stop:]!r}"
            raise UnusablePiece(UnexpectedBytes, reason)
        frame = piece[skip:at] if framing.at is None else piece
        received = piece[at : at + size]
        if not framing.accepts(frame, received, piece[:skip]):
            covered = framing.covered(frame, piece[:skip])
            counted = range(framing.cover_from, framing.cover_from + len(covered))
            expected = checksum.encode(covered)
            reason = checksum.mismatch(len(piece), received, expected, counted, self._place)
            raise UnusablePiece(BadChecksum, reason)
        return frame


@frozen
class HexText(FramingAround):
    r"""
    Another framing that sends each byte of a frame as two hexadecimal digits.

    The checksum of Modbus ASCII counts the bytes, not the digits:
    ``Checked(HexText(Enclosed(b":", b"\r\n")), checksum("lrc"))``.

    Args:
        framing: the framing of the text.
        lower: whether the digits are sent in lower case. Both cases are received.

    Raises:
        ConfigurationError: the inner framing has no room for one byte.
    """

    lower: bool = field(default=False, kw_only=True)
    max_frame: int = field(init=False)

    @max_frame.default
    def _limit_in_bytes(self) -> int:
        return self.framing.max_frame // 2

    def __attrs_post_init__(self) -> None:
        if self.max_frame < 1:
            raise ConfigurationError("the inner framing has no room for two hexadecimal digits")

    def decoder(self) -> Decoder:
        decoder = self.framing.decoder()
        decoder.piece_decoders.append(_FROM_HEX)
        return decoder

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        text = frame.hex() if self.lower else frame.hex().upper()
        return self.framing.encode(text.encode())


class _FromHex(PieceDecoder):
    __slots__ = ()

    def decode(self, piece: bytes) -> bytes | None:
        if len(piece) % 2 or piece.strip(_DIGITS):
            shown = piece[:_SHOWN]
            raise UnusablePiece(UnexpectedBytes, f"{shown!r} are not pairs of hexadecimal digits")
        return bytes.fromhex(piece.decode())


_DIGITS: Final = b"0123456789ABCDEFabcdef"
_SHOWN: Final = 40  # bytes of a text in an error
_FROM_HEX: Final = _FromHex()  # without state, so all decoders share one


@frozen
class Fragments:
    """
    The header of a fragment, and the flag in it that marks the last fragment of a message.

    Args:
        header: the bytes of the header, which each fragment repeats.
        flag: the position of the header byte that holds the flag.
        last: the bits of this byte that are set in the last fragment.
        mark: the position and the value of the header byte that distinguishes fragments from frames
            which are always whole. None: all are fragments.
    """

    header: int
    flag: int
    last: int
    mark: tuple[int, int] | None = None

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.flag < self.header or not 0 < self.last < 256:
            raise ConfigurationError("the flag must be a byte of the header, and last a mask of its bits")
        if self.mark is not None and not 0 <= self.mark[0] < self.header:
            raise ConfigurationError("the mark must be a byte of the header")

    def matches(self, piece: bytes) -> bool:
        """Return True if this piece is a fragment."""
        if len(piece) < self.header:
            return False
        return self.mark is None or piece[self.mark[0]] == self.mark[1]


COTP: Final = Fragments(header=3, flag=2, last=0x80, mark=(1, 0xF0))
"""The data TPDUs (DT) of ISO 8073 class 0, ``02 F0 80``. The others (CR, CC, DR) are always whole."""


@frozen
class Nested(Framing):
    """
    Frames sent in fragments, each in a frame of another framing: COTP in TPKT, as in Siemens S7.

    The delivered frame is the header of the last fragment and the data of all. A frame of the outer
    framing that is not a fragment is delivered unchanged.

    Args:
        outer: the framing of the fragments.
        fragments: the header that marks fragments.
        max_frame: the bytes of the longest reassembled frame, header included.
        max_fragment: the bytes of the longest fragment that is sent, header included. None: the limit of
            ``outer``.

    Raises:
        ConfigurationError: a fragment could carry no data.

    Source: RFC 1006; ISO 8073 (ITU-T X.224), 13.7.
    """

    outer: Framing
    fragments: Fragments = COTP
    max_fragment: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.fragments.header < self.fragment_size <= self.outer.max_frame:
            raise ConfigurationError(
                f"max_fragment must lie between the header's {self.fragments.header} bytes and "
                f"the outer max_frame={self.outer.max_frame}, not at {self.fragment_size}"
            )

    @property
    def fragment_size(self) -> int:
        """The bytes of the longest fragment that is sent."""
        return self.outer.max_frame if self.max_fragment is None else self.max_fragment

    @property
    def opening(self) -> bytes:
        return self.outer.opening

    @property
    def self_delimiting(self) -> bool:
        return self.outer.self_delimiting

    def decoder(self) -> Decoder:
        decoder = self.outer.decoder()
        decoder.piece_decoders.append(_Reassemble(self))
        return decoder

    def encode(self, frame: bytes) -> bytes:
        self.check_size(frame)
        rule = self.fragments
        if not rule.matches(frame):
            return self.outer.encode(frame)
        header, data = frame[: rule.header], frame[rule.header :]
        if not header[rule.flag] & rule.last:
            raise EncodeError(f"the header {header!r} does not say that this is the last fragment")
        more = bytearray(header)
        more[rule.flag] &= ~rule.last & 0xFF
        room = self.fragment_size - rule.header
        pieces = [data[start : start + room] for start in range(0, len(data), room)] or [b""]
        return self.outer.encode_many(
            [bytes(more) + piece for piece in pieces[:-1]] + [header + pieces[-1]]
        )


@define(eq=False, repr=False, weakref_slot=False)
class _Reassemble(PieceDecoder):
    _framing: Nested
    _data: bytearray = field(factory=bytearray, init=False)
    _begun: bool = field(default=False, init=False)
    _discarding: bool = field(default=False, init=False)

    @property
    def pending(self) -> bool:
        return self._begun and not self._discarding

    @property
    def buffered(self) -> int:
        return len(self._data)

    def decode(self, piece: bytes) -> bytes | None:
        rule, max_frame = self._framing.fragments, self._framing.max_frame
        if not rule.matches(piece):
            if len(piece) > max_frame:
                raise UnusablePiece(FrameTooLong, f"a frame exceeds max_frame={max_frame}")
            return piece
        last = bool(piece[rule.flag] & rule.last)
        self._begun = not last
        if self._discarding:
            self._discarding = not last
            return None
        self._data += memoryview(piece)[rule.header :]
        if len(self._data) + rule.header > max_frame:
            self._data.clear()
            self._discarding = not last
            reason = f"a reassembled frame exceeds max_frame={max_frame}"
            raise UnusablePiece(FrameTooLong, f"{reason}; its further fragments are discarded")
        if not last:
            return None
        frame = piece[: rule.header] + self._data
        self._data.clear()
        return bytes(frame)

    def piece_lost(self) -> None:
        self._data.clear()
        self._discarding = self._begun

    def reset(self) -> None:
        self._data.clear()
        self._begun = self._discarding = False
