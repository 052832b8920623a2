"""
The contract of every framing: :class:`Framing`, :class:`Decoder`, and :func:`decode`.

A framing is configuration that all connections share, and its decoder is the state of one connection.

``feed`` returns every frame that the bytes complete. A fault in the stream is raised once, as a
:class:`~tcpcomm.errors.FramingError` that carries the good frames before it in ``.frames``. After a
recoverable fault the caller repeats ``feed(b"")`` until it returns. After an unrecoverable fault every
later call raises the same error again. The way in which TCP cuts a stream into chunks changes neither its
frames nor the text and offset of a fault.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, cast

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError, EncodeError, FramingError, TcpcommError, TruncatedFrame
from tcpcomm.framing.large_frame import LARGE, LargeFrame
from tcpcomm.framing.pieces import PieceDecoder, UnusablePiece

DEFAULT_MAX_FRAME: Final = 1024 * 1024
"""
Bytes of a frame, unless ``max_frame`` of the framing says otherwise. A longer frame is discarded with
``FrameTooLong``. If its end cannot be found, the session is closed. ``twistd tcpcomm`` has
``--max-frame`` for it.
"""

LONGEST_REFUSED: Final = 16
"""
Times ``max_frame`` that a frame which is too long may announce. Up to that length its bytes are dropped,
and the stream goes on. A frame that announces more ends the session, because so many bytes may never
come.
"""

_LOGGED_BYTES: Final = 80
"""The bytes of an unfinished frame that a log line shows."""

_NO_FRAMES: Final = cast("list[bytes]", ())
"""The value of ``_frames`` between two feeds. It has no ``append``, so a late :meth:`deliver` fails."""

Buffer = bytes | bytearray
"""The bytes that a decoder cuts: a chunk, or the bytes kept of earlier chunks."""


def checked_bytes(value: bytes) -> bytes:
    """
    Return ``value`` if it is bytes. A converter, because attrs computes defaults before it validates.

    Raises:
        ConfigurationError: the value has another type, such as str.
    """
    if isinstance(value, str):
        written = value.encode("latin-1", "backslashreplace")
        raise ConfigurationError(f"a framing is made of bytes: write {written!r}, not {value!r}")
    if not isinstance(value, bytes):
        raise ConfigurationError(f"a framing is made of bytes, such as b'\\r\\n', not of {value!r}")
    return value


def checked_several(value: bytes | Iterable[bytes]) -> tuple[bytes, ...]:
    """Return ``value`` as a tuple, if it is bytes or several of them. A converter for attrs."""
    if isinstance(value, bytes | str) or not isinstance(value, Iterable):
        return (checked_bytes(value),)
    return tuple(map(checked_bytes, value))


def _positive(instance: object, attribute: Any, value: int) -> None:
    if not isinstance(value, int):
        raise ConfigurationError(f"{attribute.name} must be a number of bytes, not {value!r}")
    if value < 1:
        raise ConfigurationError(f"{attribute.name} must be at least 1 byte, not {value}")


class FrameEnding(NamedTuple):
    """The end that a framing adds to each frame, if it adds nothing else."""

    end: bytes
    excluded: bytes
    """A frame that has none of these bytes, and is not too long, can be sent."""


@frozen
class Framing(ABC):
    """
    The rule that cuts a byte stream into frames and wraps frames into bytes.

    Subclass it as a frozen attrs class, give it a :class:`Decoder`, and test it with
    :func:`tcpcomm.testing.check_framing_laws`.
    """

    max_frame: int = field(default=DEFAULT_MAX_FRAME, kw_only=True, validator=_positive)
    """The longest frame that is received or sent, in bytes."""

    @property
    def self_delimiting(self) -> bool:
        """
        True if the bytes alone show where a frame ends, in whatever chunks they arrive.

        It is false for :class:`~tcpcomm.framing.Unframed`, where chunks or silences end a frame.
        """
        return True

    @property
    def opening(self) -> bytes:
        """The bytes that are sent once, before the first frame of a connection. Usually there are none."""
        return b""

    @property
    def ending(self) -> FrameEnding | None:
        """What :meth:`encode` adds to a frame, or None if it is more than an end."""
        return None

    def in_stream(self, wire: bytes) -> bytes:
        """Return bytes of another framing as a layer of the whole stream sends them: Telnet doubles FF."""
        return wire

    @abstractmethod
    def decoder(self) -> Decoder:
        """Return a new decoder for one connection."""

    @abstractmethod
    def encode(self, frame: bytes) -> bytes:
        """
        Wrap one frame for the wire, without truncating or altering it.

        Raises:
            EncodeError: the peer could not read this frame back.
        """

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        """
        Wrap one large frame, without a copy if possible. Return parts to write one after the other.

        Raises:
            EncodeError: as for :meth:`encode`.
        """
        return (self.encode(frame),)

    def encode_many(self, frames: Iterable[bytes]) -> bytes:
        """Wrap frames for one write. The bytes are those that :meth:`encode` returns for each."""
        return b"".join([self.encode(frame) for frame in frames])

    def check_size(self, frame: bytes) -> None:
        """Raise :class:`~tcpcomm.errors.EncodeError` if the frame is longer than ``max_frame``."""
        if len(frame) > self.max_frame:
            raise self.too_long(len(frame))

    def too_long(self, size: int) -> EncodeError:
        """Return the error for a frame of ``size`` bytes, which is longer than ``max_frame``."""
        return EncodeError(
            f"a frame of {size} bytes exceeds max_frame={self.max_frame}: "
            "split it, or raise max_frame at both ends"
        )


@define(eq=False, repr=False, weakref_slot=False)
class Decoder(ABC):
    """
    The decoding state of one connection.

    A subclass writes :meth:`cut`, which finds the frames in the buffer and passes each to :meth:`deliver`.
    This class keeps the buffer, counts offsets, raises each fault once and ends the stream.
    """

    idle: bool = field(default=False, init=False)
    """
    True if the next byte begins a frame: no bytes are buffered, discarded or searched.

    It answers :attr:`mid_frame` without a call. It is always false for a decoder that does not override
    :meth:`cut_chunk`.
    """

    searched: int = field(default=0, init=False)
    """The bytes after the position returned by :meth:`cut` that need no second search, for its own use."""

    scanning: bool = field(default=False, init=False)
    """True after garbage was reported, while :meth:`cut` looks for the next frame without another fault."""

    discarding: bool = field(default=False, init=False)
    """True inside a frame that was reported as too long."""

    refused: int = field(default=0, init=False)
    """The bytes of a refused frame that are still to come, and are dropped as they come."""

    offset: int = field(default=0, init=False)
    """The bytes of the stream before the buffer. Add those of a chunk that you cut in place of a feed."""

    _piece_decoders: Sequence[PieceDecoder] = field(default=(), init=False)
    _frames: list[bytes] = field(default=_NO_FRAMES, init=False)
    _buffer: Buffer = field(default=b"", init=False)
    _position: int = field(default=0, init=False)  # of the first unfinished frame in the buffer
    _need: int = field(default=0, init=False)  # buffered bytes below which cutting finds nothing
    _strip: int | None = field(default=None, init=False)  # of the frame of _need bytes, if it is known
    _large: LargeFrame | None = field(default=None, init=False)  # the frame that has begun, if it is large
    _piece_offset: int | None = field(default=None, init=False)  # stream offset of the first waiting piece
    _fault: FramingError | None = field(default=None, init=False)  # noted by cut, about to be raised
    _dead: FramingError | None = field(default=None, init=False)  # the fault that ended this stream

    _has_quick_way = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._has_quick_way = cls.cut_chunk is not Decoder.cut_chunk

    @property
    def piece_decoders(self) -> list[PieceDecoder]:
        """The stages that decode each piece, in this order. Add your own before the first feed."""
        if not isinstance(self._piece_decoders, list):
            self._piece_decoders = [*self._piece_decoders]
        self.idle = False
        return self._piece_decoders

    @piece_decoders.setter
    def piece_decoders(self, piece_decoders: list[PieceDecoder]) -> None:
        self._piece_decoders, self.idle = piece_decoders, False

    @property
    def buffered(self) -> int:
        """The bytes that are kept because their frame is incomplete."""
        size = len(self._buffer) - self._position
        if self._large is not None:
            size += self._large.size
        return size + sum([stage.buffered for stage in self._piece_decoders])

    @property
    def ends_by_silence(self) -> bool:
        """True if silence can end a frame that has begun, False if the peer may pause in a frame."""
        return True

    @property
    def mid_frame(self) -> bool:
        """True if a frame has begun and has not ended, even if its bytes are discarded."""
        return not self.idle and (self.discarding or self.has_half_frame())

    @property
    def unfinished(self) -> str:
        """A log text about the frame that has begun and fell silent, to follow the words "the peer"."""
        if self.knows_length:
            return f"{self.progress}, {self._received_text()}: does it count its lengths as we do?"
        return f"sent {self._received_text()}, and then not the rest of the frame"

    @property
    def progress(self) -> str:
        """A log text about the frame that has begun and may go on, to follow the words "the peer"."""
        if self.knows_length:
            total = self._need if self._large is None else self._large.total
            return f"announced a frame of {total} bytes, and {self.buffered} of {total} bytes have come"
        return f"sent {self._received_text()} so far"

    @property
    def knows_length(self) -> bool:
        """True if the length of the frame that has begun is known."""
        return self._large is not None or self._need > len(self._buffer) - self._position

    def _received_text(self) -> str:
        if self._has_pending_pieces():
            return f"{self.buffered} bytes in fragments"
        if self._large is not None:
            first = self._large.first(_LOGGED_BYTES)
        else:
            first = bytes(memoryview(self._buffer)[self._position : self._position + _LOGGED_BYTES])
        more = self.buffered - len(first)
        return f"{first!r} and {more} bytes more" if more > 0 else repr(first)

    @property
    def trailing(self) -> bytes:
        """
        The bytes received after the last frame, exactly.

        If the protocol changes in mid-stream, pass them to the next framing, or to another program.

        Raises:
            TcpcommError: fragments of the next frame were already taken out of their frames.
        """
        if self._has_pending_pieces():
            raise TcpcommError("a frame is half reassembled: its bytes cannot be handed over")
        if self._large is not None:
            return self._large.received
        return bytes(memoryview(self._buffer)[self._position :])

    def answer_by(self, send: Callable[[bytes], object]) -> None:  # noqa: B027 - most need not answer
        """
        Take the function that sends bytes to the peer, outside of any frame.

        A decoder calls it for what the framing itself must answer, as Telnet does. The others ignore it.
        """

    def read_by(self, decoder: Decoder) -> tuple[Decoder, Decoder]:
        """
        Let another decoder cut the frames behind here, for example of a reply with a framing of its own.

        Returns:
            The decoder that gets the stream from now on, and the one whose place the other has taken, which
            holds no bytes. A layer of the whole stream, such as Telnet, stays, and feeds the other decoder.
        """
        return decoder, self

    def feed(self, data: bytes) -> list[bytes]:
        """
        Take received bytes. Return every frame that they complete.

        Raises:
            FramingError: see the module's text. Deliver its ``.frames`` first.
        """
        if self.idle:
            quick = self.cut_chunk(data)
            if quick:
                self.offset += len(data)
                return quick
            self.idle = False
            if quick is not None:  # the first part of one frame
                if self._large is None:
                    self._buffer = data
                else:
                    self._large.add(data)
                return quick
        if self._dead is not None:
            self._check_alive()
        if self._large is not None:
            return self._feed_large(self._large, data)
        buffer, position = self._buffer, self._position
        if position == len(buffer):  # nothing is kept: cut the chunk itself, without a copy
            self.offset += position
            buffer, position = data, 0
        else:
            missing = self._need - (len(buffer) - position) - len(data)
            if missing > 0:
                self._append(data)
                return []
            if missing == 0 and self._strip is not None and not self._piece_decoders:
                frame = bytes(buffer[position + self._strip :]) + data
                self.offset += position + self._need
                self._buffer, self._position, self._need = b"", 0, 0
                self.idle = self._has_quick_way
                return [frame]
            if data:
                buffer = self._append(data)
                position = 0
        frames = self._frames = []
        self._need, self._strip = 0, None
        self._position = position = self.cut(buffer, position)
        self._frames = _NO_FRAMES  # the list must not live until the next feed
        if self._fault is not None:
            self._buffer = buffer  # unchanged: the next call goes on after the fault
            self._raise_fault(frames)
        if position == len(buffer):
            self._buffer = b""
            self.offset += position
            self._position = 0
            self.idle = self._has_quick_way and not (
                self._piece_decoders or self.scanning or self.discarding
            )
        else:
            self._keep_rest(buffer)
        return frames

    def _feed_large(self, large: LargeFrame, data: bytes) -> list[bytes]:
        rest = large.add(data)
        if rest is None:
            return []
        self._large = None
        self._buffer = rest  # cut by the next feed
        frames = self._frames = []
        self.deliver(large.frame(), 0)
        self._frames = _NO_FRAMES
        self.offset += large.size
        if self._fault is not None:
            self._raise_fault(frames)
        return followed_by(frames, partial(self.feed, b""))

    def flush(self) -> list[bytes]:
        """
        Take note of silence on the line. Return the frame that the silence ends, if the framing allows it.

        Other framings drop the half frame and begin again at the next byte.

        Raises:
            TruncatedFrame: recoverable: a half frame was dropped.
        """
        self._check_alive()
        half = self.has_half_frame()
        fault = self._truncated("the line fell silent", recoverable=True)
        self.reset()
        if half:
            raise fault
        return []

    def close(self) -> list[bytes]:
        """
        Take note of the end of the stream. Return the frames that it completes.

        Raises:
            TruncatedFrame: the stream ended in the middle of a frame.
        """
        self._check_alive()
        if self.has_half_frame():
            self._dead = self._truncated("the stream ended", recoverable=False)
            self._check_alive()
        return []

    @abstractmethod
    def cut(self, buffer: Buffer, position: int) -> int:
        """
        Find the complete frames in ``buffer`` from ``position`` on, and deliver each.

        Return the position of the first byte that is not used up. The bytes before it are dropped, so
        :attr:`searched` must count from there. After a fault (:meth:`deliver` returned False, or
        :meth:`fail` was called) return at once, with the position where the stream goes on.
        """

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        """
        Cut a chunk that begins with a frame and is simple to cut: a quick way beside :meth:`cut`.

        Return the frames if the chunk is made of whole frames only. Return an empty list if it is the
        first part of one frame, after a call of :meth:`wait_for` if the length is known. Return None, and
        change no state, to have it cut. The default returns None.
        """
        return None

    def cut_text(self, data: bytes, charset: str) -> list[str] | None:
        """
        Cut a chunk as :meth:`cut_chunk` does, and decode its frames as text. Return None if it cannot.

        Raises:
            UnicodeDecodeError: a frame is not text in this encoding.
        """
        frames = self.cut_chunk(data)
        return [frame.decode(charset) for frame in frames] if frames else None

    def has_half_frame(self) -> bool:
        """Return True if a frame has begun and has not ended, unless its bytes are discarded."""
        if self.scanning or self.discarding:
            return False
        return self._position < len(self._buffer) or self._large is not None or self._has_pending_pieces()

    def reset(self) -> None:
        """Drop the half frame and its state. Extend this method to reset your own state."""
        self.offset += len(self._buffer)
        if self._large is not None:
            self.offset += self._large.size
            self._large = None
        self._buffer, self._position, self._need, self._strip = b"", 0, 0, None
        self.searched, self.scanning, self.discarding, self._piece_offset = 0, False, False, None
        self.refused = 0
        for stage in self._piece_decoders:
            stage.reset()

    def wait_for(self, total: int, *, strip: int) -> None:
        """
        Note, at the end of :meth:`cut`, the length of the frame that begins at the returned position.

        The decoder then collects the bytes of this frame without calling :meth:`cut`.

        Args:
            total: the bytes of the whole frame.
            strip: the bytes to take off its front. They must have arrived.
        """
        if total < LARGE:
            self._need, self._strip = total, strip
        else:
            self._large = LargeFrame(total, strip)

    def deliver(self, piece: Buffer, at: int) -> bool:
        """
        Pass on a piece that begins at buffer position ``at``.

        Return False if a piece decoder refuses the piece. The fault is noted then.
        """
        frame: bytes | None = bytes(piece)
        for stage in self._piece_decoders:
            assert frame is not None
            try:
                frame = stage.decode(frame)
            except UnusablePiece as error:
                if self._piece_offset is not None:
                    at = self._piece_offset - self.offset
                self.fail(error.kind, error.reason, at=at, recoverable=True)
                return False
            if frame is None:
                if self._piece_offset is None and stage.pending:
                    self._piece_offset = self.offset + at
                return True
        if self._piece_offset is not None and not self._has_pending_pieces():
            self._piece_offset = None
        assert frame is not None
        self._frames.append(frame)
        return True

    def fail(self, kind: type[FramingError], reason: str, *, at: int, recoverable: bool = False) -> None:
        """
        Note a fault of the frame that begins at buffer position ``at``. The feed will raise it.

        The reason must not depend on how the stream was cut into chunks.
        """
        self._fault = kind(reason, offset=self.offset + at, recoverable=recoverable)
        for stage in self._piece_decoders:
            stage.piece_lost()
        self._piece_offset = None

    def skip_refused(self, buffer: Buffer, position: int) -> int:
        """Drop bytes of the refused frame. Return the position after those that have arrived."""
        skipped = min(self.refused, len(buffer) - position)
        self.refused -= skipped
        return position + skipped

    def _fail_and_scan(self, kind: type[FramingError], reason: str, *, at: int, resume: int) -> int:
        """Note a recoverable fault. Return ``resume``, the position from which the next frame is sought."""
        self.searched = 0
        self.scanning = True
        self.fail(kind, reason, at=at, recoverable=True)
        return resume

    def _has_pending_pieces(self) -> bool:
        return bool(self._piece_decoders) and any(stage.pending for stage in self._piece_decoders)

    def _append(self, data: bytes) -> bytearray:
        kept = self._buffer
        if not isinstance(kept, bytearray):
            kept = self._buffer = bytearray(memoryview(kept)[self._position :])
        elif self._position:
            del kept[: self._position]
        self.offset += self._position
        self._position = 0
        kept += data
        return kept

    def _keep_rest(self, buffer: Buffer) -> None:
        position = self._position
        if self._large is not None:
            self._large.add(bytes(memoryview(buffer)[position:]))
            buffer = b""
        elif isinstance(buffer, bytearray):
            del buffer[:position]
        elif position:
            buffer = bytearray(memoryview(buffer)[position:])
        self._buffer = buffer
        self.offset += position
        self._position = 0

    def _raise_fault(self, frames: list[bytes]) -> None:
        fault, self._fault = cast("FramingError", self._fault), None
        fault.keep_received(self._buffer)
        if not fault.recoverable:
            if not fault.details and len(self._buffer) > self._position:
                fault.details = f"the peer sent {self._received_text()}"
            self._dead = type(fault)(fault.reason, offset=fault.offset, recoverable=False)
            self._buffer, self._position = b"", 0
        fault.frames = frames
        raise fault

    def _check_alive(self) -> None:
        dead = self._dead
        if dead is not None:
            fault = type(dead)(dead.reason, offset=dead.offset, recoverable=False)
            fault.details = dead.details
            raise fault

    def _truncated(self, event: str, *, recoverable: bool) -> TruncatedFrame:
        offset = self.offset + self._position if self._piece_offset is None else self._piece_offset
        fault = TruncatedFrame(f"{event} in the middle of a frame", offset=offset, recoverable=recoverable)
        fault.details = f"the peer {self.unfinished}"
        return fault


def followed_by(frames: list[bytes], more: Callable[[], list[bytes]]) -> list[bytes]:
    """Return ``frames`` and those of ``more()``. If that raises, its fault carries both."""
    try:
        return frames + more()
    except FramingError as fault:
        fault.frames[:0] = frames
        raise


def decode(decoder: Decoder, data: bytes) -> Iterator[list[bytes] | FramingError]:
    """
    Feed ``data``. Yield its frames, as lists, and the faults between them, in order.

    Drive every decoder with this function: it goes on after recoverable faults and ends after another one.
    """
    while True:
        try:
            frames = decoder.feed(data)
        except FramingError as fault:
            if fault.frames:
                yield fault.frames
            yield fault
            if not fault.recoverable:
                return
            data = b""
        else:
            if frames:
                yield frames
            return
