"""
The contract of every framing: :class:`Framing`, :class:`Decoder`, and :func:`decode`, which drives one.

A :class:`Framing` is configuration: frozen, checked when it is made, shared by all connections. Its
:class:`Decoder` is the state of one connection. Neither knows a socket, a clock or Twisted.

How a decoder reports. ``feed`` returns every frame that the bytes complete. A fault in the stream is
raised as a :class:`~tcpcomm.errors.FramingError`, exactly once, with the good frames before it in
``.frames``. After a recoverable fault the caller goes on with ``feed(b"")`` until that returns; after an
unrecoverable one there is nothing to go on with, and every later call raises the same error again. What a
stream yields does not depend on how it was cut into chunks, and neither does any fault's text or offset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, cast

from attrs import field, frozen

from tcpcomm.errors import (
    ConfigurationError,
    EncodeError,
    FramingError,
    TcpcommError,
    TruncatedFrame,
)
from tcpcomm.framing.large_frame import LARGE, LargeFrame

__all__ = [
    "DEFAULT_MAX_FRAME",
    "LARGE",
    "Buffer",
    "Decoder",
    "Framing",
    "Step",
    "Unusable",
    "decode",
    "octets",
]

DEFAULT_MAX_FRAME: Final = 1024 * 1024
"""Bytes: the longest frame that is accepted unless the configuration says otherwise."""


SHOWN: Final = 80
"""Bytes of a frame that did not end which a log shows."""

_NO_FRAMES: Final = cast("list[bytes]", ())
"""Between two feeds there is no list to put frames into: one that is delivered then is an error."""

Buffer = bytes | bytearray
"""What a decoder cuts: a chunk as it came, or what it holds of earlier ones."""


def octets(value: bytes) -> bytes:
    """
    Check that a part of a framing is bytes: a converter, for defaults are made of it at once.

    Raises:
        ConfigurationError: it is something else, such as text.
    """
    if isinstance(value, str):
        written = value.encode("latin-1", "backslashreplace")
        raise ConfigurationError(f"a framing is made of bytes: write {written!r}, not {value!r}")
    if not isinstance(value, bytes):
        raise ConfigurationError(f"a framing is made of bytes, such as b'\\r\\n', not of {value!r}")
    return value


def _positive(instance: object, attribute: Any, value: int) -> None:
    if not isinstance(value, int):
        raise ConfigurationError(f"{attribute.name} must be a number of bytes, not {value!r}")
    if value < 1:
        raise ConfigurationError(f"{attribute.name} must be at least 1 byte, not {value}")


@frozen
class Framing(ABC):
    """
    The rule that cuts a byte stream into frames and wraps frames into bytes.

    Subclass it as a frozen attrs class, give it a :class:`Decoder`, and hold it to the laws with
    :func:`tcpcomm.testing.check_framing_laws`.
    """

    max_frame: int = field(default=DEFAULT_MAX_FRAME, kw_only=True, validator=_positive)
    """Bytes: the longest frame that is received or sent."""

    @property
    def self_delimiting(self) -> bool:
        """
        Whether the bytes themselves show where a frame ends, however TCP cuts them.

        Where it is false, as with :class:`~tcpcomm.framing.Unframed`, chunks or silences do, and the laws
        about the boundaries of frames do not apply.
        """
        return True

    @abstractmethod
    def decoder(self) -> Decoder:
        """Return a fresh decoder, for one connection."""

    @abstractmethod
    def encode(self, frame: bytes) -> bytes:
        """
        Wrap one frame for the wire.

        Raises:
            EncodeError: the peer could not read this frame back. It is never truncated or altered.
        """

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        """
        Wrap one large frame, as bytes that are written one after the other.

        A framing that only puts something before the frame, or behind it, need not copy it.

        Raises:
            EncodeError: as for :meth:`encode`.
        """
        return (self.encode(frame),)

    def encode_many(self, frames: Iterable[bytes]) -> bytes:
        """Wrap frames for one write; the same bytes as encoding each in turn."""
        return b"".join([self.encode(frame) for frame in frames])

    def check_size(self, frame: bytes) -> None:
        """Raise :class:`~tcpcomm.errors.EncodeError` for a frame beyond ``max_frame``."""
        if len(frame) > self.max_frame:
            raise self.too_long(len(frame))

    def too_long(self, size: int) -> EncodeError:
        """What :meth:`check_size` raises for a frame of so many bytes."""
        return EncodeError(
            f"a frame of {size} bytes exceeds max_frame={self.max_frame}: "
            "split it, or raise max_frame at both ends"
        )


class Unusable(Exception):
    """A :class:`Step` cannot accept what was cut out of the stream; the decoder makes it a fault."""

    def __init__(self, kind: type[FramingError], reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Step:
    """
    What is done to each piece that a decoder cuts, before it is a frame: verify, unstuff, reassemble.

    Subclass it where a framing is another one with something inside its frames.
    """

    __slots__ = ()

    def take(self, piece: bytes) -> bytes | None:
        """
        Return the frame that the piece becomes or completes; None where it completes none.

        Raises:
            Unusable: the piece is faulty; the stream goes on behind it.
        """
        raise NotImplementedError

    @property
    def pending(self) -> bool:
        """Whether pieces were taken that wait for others."""
        return False

    @property
    def held(self) -> int:
        """Bytes of these pieces."""
        return 0

    def lost(self) -> None:
        """Take note that a piece was lost to a fault: what is pending may lack it."""

    def forget(self) -> None:
        """Drop what is pending."""


class Decoder(ABC):
    """
    The decoding state of one connection.

    A subclass gives :meth:`cut`, which finds the frames in the buffer and hands each to :meth:`deliver`.
    All else (the buffer, offsets, faults that are raised once, the end of the stream) is done here.
    """

    # One for each connection, most of which are idle: 128 to 170 bytes, where with a dictionary, and with
    # lists into which nothing is put, it was 300 to 1,200. A subclass of your own may do without slots.
    __slots__ = (
        "_begun",
        "_buffer",
        "_dead",
        "_fault",
        "_frames",
        "_large",
        "_need",
        "_position",
        "_start",
        "_steps",
        "idle",
    )

    idle: bool
    """
    True only where nothing is held and nothing remembered: the next byte begins a frame.

    It is a short answer to :attr:`mid_frame`, without a call; False says nothing, and is what a decoder of
    your own says. Those of this package that have a quick way in :meth:`feed` ask it first.
    """

    cuts_bytes = False
    """Whether :meth:`cut` wants ``bytes``: worth a copy where it slices many frames out of one chunk."""

    def __init__(self) -> None:
        self.idle = False
        self._steps: Sequence[Step] = ()
        self._frames = _NO_FRAMES
        self._buffer: Buffer = b""
        self._position = 0  # where in the buffer the first unfinished frame begins
        self._start = 0  # stream offset of the buffer's first byte
        self._need = 0  # below this many buffered bytes, cutting is in vain
        self._large: LargeFrame | None = None  # the frame that has begun, where it is a large one
        self._begun: int | None = None  # stream offset of the first piece that waits in a step
        self._fault: FramingError | None = None  # noted by _cut, about to be raised
        self._dead: FramingError | None = None  # the fault that ended this stream

    @property
    def steps(self) -> list[Step]:
        """What is done to each piece, in this order: put your own into the list before the first feed."""
        if not isinstance(self._steps, list):
            self._steps = [*self._steps]
        self.idle = False
        return self._steps

    @steps.setter
    def steps(self, steps: list[Step]) -> None:
        self._steps, self.idle = steps, False

    @property
    def buffered(self) -> int:
        """Bytes that are held because the frame they belong to is incomplete."""
        held = len(self._buffer) - self._position
        if self._large is not None:
            held += self._large.size
        return held + sum([step.held for step in self._steps]) if self._steps else held

    @property
    def ends_by_silence(self) -> bool:
        """Whether silence says anything about a frame that has begun: false where the peer may pause."""
        return True

    @property
    def mid_frame(self) -> bool:
        """Whether a frame has begun and not ended, be it one whose bytes are discarded."""
        return not self.idle and self._incomplete()

    @property
    def unfinished(self) -> str:
        """
        What came of a frame that has begun and not ended, and what lacks, in words that follow "the peer".

        The default tells the bytes, and how many were announced where :meth:`cut` has said what it needs.
        """
        if self._need > len(self._buffer) - self._position:
            return (
                f"announced {self._need} bytes in all and sent {self.buffered} of them, {self._came()}: "
                "does it count its lengths as we do?"
            )
        return f"sent {self._came()}, and then not the rest of the frame"

    def _came(self) -> str:
        """The bytes of the frame that has begun, in short."""
        if any(step.pending for step in self._steps):
            return f"{self.buffered} bytes in fragments"
        came = bytes(memoryview(self._buffer)[self._position : self._position + SHOWN])
        more = self.buffered - len(came)
        return f"{came!r} and {more} bytes more" if more > 0 else repr(came)

    @property
    def trailing(self) -> bytes:
        """
        The bytes received after the last frame, exactly.

        They are what another framing, or another program, has to be handed when the protocol changes
        in mid-stream.

        Raises:
            TcpcommError: fragments of the next frame were already taken out of their wrapping.
        """
        if any(step.pending for step in self._steps):
            raise TcpcommError("a frame is half reassembled: its bytes cannot be handed over")
        if self._large is not None:
            return self._large.held
        return bytes(memoryview(self._buffer)[self._position :])

    def feed(self, data: bytes) -> list[bytes]:
        """
        Take received bytes; return every frame that they complete.

        Raises:
            FramingError: see the module's text. Its ``.frames`` are delivered first.
        """
        self.idle = False
        if self._dead is not None:
            self._check_alive()
        if self._large is not None:
            return self._feed_large(self._large, data)
        buffer, position = self._buffer, self._position
        if position == len(buffer):  # nothing is held: cut the chunk itself, without a copy
            self._start += position
            buffer, position = data, 0
        elif len(buffer) - position + len(data) < self._need:
            self._append(data)
            return []
        elif data:
            if self.cuts_bytes:
                buffer = b"".join((memoryview(buffer)[position:], data))
                self._start += position
            else:
                buffer = self._append(data)
            position = 0
        frames = self._frames = []
        self._need = 0
        self._position = position = self.cut(buffer, position)
        self._frames = _NO_FRAMES  # what is handed over must not live until the next feed
        if self._fault is not None:
            self._buffer = buffer  # as it is: the next call goes on behind the fault
            self._raise_fault(frames)
        if position == len(buffer):
            self._buffer = b""
            self._start += position
            self._position = 0
            self.idle = self._rests()
        else:
            self._keep_rest(buffer)
        return frames

    def _feed_large(self, large: LargeFrame, data: bytes) -> list[bytes]:
        """Go on with a large frame; when it is complete, with what comes behind it."""
        behind = large.add(data)
        if behind is None:
            return []
        self._large = None
        self._frames = []
        self.deliver(large.take(), 0)
        self._start += large.size
        frames, self._frames = self._frames, _NO_FRAMES
        if self._fault is not None:
            self._buffer = behind
            self._raise_fault(frames)
        if not behind:
            return frames
        try:
            return frames + self.feed(behind)
        except FramingError as fault:
            fault.frames[:0] = frames
            raise

    def flush(self) -> list[bytes]:
        """
        Take note of silence on the line: what is half there will not be continued.

        Framings whose frames may end so return the frame. For the others silence is where to
        resynchronise: the half frame is dropped, and said to be.

        Raises:
            TruncatedFrame: recoverable; a half frame was dropped.
        """
        self._check_alive()
        half = self._incomplete()
        fault = self._truncated("the line fell silent", recoverable=True)
        self._forget()
        if half:
            raise fault
        return []

    def close(self) -> list[bytes]:
        """
        Take note of the end of the stream; return the frames that it completes.

        Raises:
            TruncatedFrame: the stream ended in the middle of a frame.
        """
        self._check_alive()
        if self._incomplete():
            self._dead = self._truncated("the stream ended", recoverable=False)
            self._check_alive()
        return []

    @abstractmethod
    def cut(self, buffer: Buffer, position: int) -> int:
        """
        Find the complete frames that stand in ``buffer`` from ``position`` on; deliver each.

        Returns the position of what is not used up. State beyond the buffer (how far it was searched,
        say) counts from there, for the bytes before it are dropped. After a fault (:meth:`deliver` was
        false, or :meth:`fail` was called) it returns at once, with the position where the stream goes on.
        """

    def wait_for(self, total: int, *, strip: int) -> None:
        """
        Note, at the end of :meth:`cut`, how long the frame is that begins where that stops.

        Nothing of it needs to be looked at until it is complete; then it is delivered, or cut.

        Args:
            total: bytes of the whole frame.
            strip: bytes that are taken off its front. They have come already.
        """
        if total < LARGE:
            self._need = total
        else:
            self._large = LargeFrame(total, strip)

    def deliver(self, piece: Buffer, at: int) -> bool:
        """Pass on what was cut at buffer position ``at``; false if it was faulty, which is then noted."""
        frame: bytes | None = bytes(piece)
        for step in self._steps:
            assert frame is not None
            try:
                frame = step.take(frame)
            except Unusable as error:
                if self._begun is not None:
                    at = self._begun - self._start
                self.fail(error.kind, error.reason, at=at, recoverable=True)
                return False
            if frame is None:
                if self._begun is None and step.pending:
                    self._begun = self._start + at
                return True
        if self._begun is not None and not any(step.pending for step in self._steps):
            self._begun = None
        assert frame is not None
        self._frames.append(frame)
        return True

    def fail(
        self, kind: type[FramingError], reason: str, *, at: int, recoverable: bool = False
    ) -> None:
        """
        Note a fault of the frame that begins at buffer position ``at``; the feed will raise it.

        The reason must not depend on how the stream was cut into chunks.
        """
        self._fault = kind(reason, offset=self._start + at, recoverable=recoverable)
        for step in self._steps:
            step.lost()
        self._begun = None

    def _incomplete(self) -> bool:
        """Whether a frame has begun and not ended."""
        if self._position < len(self._buffer) or self._large is not None:
            return True
        return bool(self._steps) and any(step.pending for step in self._steps)

    def _rests(self) -> bool:
        """Whether nothing is remembered either, where nothing is held: then :attr:`idle` becomes true."""
        return False

    def _forget(self) -> None:
        """Drop the half frame and every state that belongs to it."""
        self._start += len(self._buffer)
        if self._large is not None:
            self._start += self._large.size
            self._large = None
        self._buffer, self._position, self._need, self._begun = b"", 0, 0, None
        for step in self._steps:
            step.forget()

    def _append(self, data: bytes) -> bytearray:
        held = self._buffer
        if not isinstance(held, bytearray):
            held = self._buffer = bytearray(memoryview(held)[self._position :])
        elif self._position:
            del held[: self._position]
        self._start += self._position
        self._position = 0
        held += data
        return held

    def _keep_rest(self, buffer: Buffer) -> None:
        position = self._position
        if self._large is not None:
            self._large.add(bytes(memoryview(buffer)[position:]))
            buffer = b""
        elif isinstance(buffer, bytearray):
            del buffer[:position]
        else:
            buffer = bytearray(memoryview(buffer)[position:])
        self._buffer = buffer
        self._start += position
        self._position = 0

    def _raise_fault(self, frames: list[bytes]) -> None:
        fault, self._fault = self._fault, None
        assert fault is not None
        if not fault.recoverable:
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

    def _truncated(self, what: str, *, recoverable: bool) -> TruncatedFrame:
        offset = self._start + self._position if self._begun is None else self._begun
        fault = TruncatedFrame(f"{what} in the middle of a frame", offset=offset, recoverable=recoverable)
        fault.details = f"the peer {self.unfinished}"
        return fault


def decode(decoder: Decoder, data: bytes) -> Iterator[list[bytes] | FramingError]:
    """
    Feed ``data`` and yield what comes of it, in order: lists of frames, and the faults between them.

    This is the one way to drive a decoder through faults. It ends after an unrecoverable one.
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
