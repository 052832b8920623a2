"""The methods of a session that send: :class:`FrameSender`, the base of :class:`~tcpcomm.FrameProtocol`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NoReturn, Self

from tcpcomm.errors import SessionClosed
from tcpcomm.framing.base import Framing
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.framing.length import LengthPrefixed
from tcpcomm.session import observer
from tcpcomm.session.attributes import SessionAttributes
from tcpcomm.session.send_buffer import SEND_CHUNK, SendBuffer

_LONGEST_KEPT: Final = 1024  # bytes of a frame with its header that may be kept


class FrameSender(SessionAttributes):
    """
    Encodes frames with the session's framing, and writes them to its send buffer.

    :class:`~tcpcomm.FrameProtocol` makes the buffer, and decides when frames may be sent.

    While a large batch is delivered, the frames that its handlers send are kept, to be encoded together.
    This changes neither bytes nor errors nor limits: a frame is kept only if the framing can surely carry
    it, and the corked buffer would hold it anyway. All else that is sent ends the keeping.
    """

    __slots__ = ("_keep_until", "_kept", "_kept_framing", "_longest_kept", "_send_buffer")

    _send_buffer: SendBuffer[Any]
    _kept: list[bytes] | None  # frames to encode together; None: each is encoded at once
    _kept_framing: Framing | None  # encodes them
    _longest_kept: int  # bytes of a frame; -1: this framing may refuse a frame
    _keep_until: int  # so many frames are sent

    def __new__(cls, *_args: object, **_options: object) -> Self:
        self = super().__new__(cls)
        self._kept = self._kept_framing = None
        return self

    @property
    def unsent(self) -> int:
        """The number of sent bytes that the transport has not taken yet."""
        if self._kept is not None:
            self.send_kept()
        self._send_buffer.take_ahead()
        return self._send_buffer.waiting

    def keep_sent(self) -> None:
        """Keep the frames that are sent from now on until :meth:`send_kept`, if their framing allows it."""
        framing = self.send_framing
        if framing is not self._kept_framing:
            self._kept_framing, self._longest_kept = framing, -1
            if type(framing) is LengthPrefixed:
                self._longest_kept = min(framing.carries_all_up_to, _LONGEST_KEPT - framing.header)
        if self._longest_kept >= 0 and self._send_buffer.corked and self._kept is None:
            self._keep_more()

    def send_kept(self) -> None:
        """Send the frames that are kept, and stop keeping. If the session is over, drop them instead."""
        kept, self._kept = self._kept, None
        if kept and self.is_open and self._kept_framing is not None:
            self._send_buffer.write(self._kept_framing.encode_many(kept))

    def _keep_more(self) -> None:
        """Keep only so many frames that none of them but the last could make the corked buffer flush."""
        send_buffer = self._send_buffer
        room = SEND_CHUNK - send_buffer.waiting
        if room >= _LONGEST_KEPT and send_buffer.blocked_since is None:
            self._kept, self._keep_until = [], self.frames_sent + room // _LONGEST_KEPT

    def sendFrame(self, frame: bytes) -> None:
        """
        Send one frame. All frames that a handler sends leave in one write when the chunk is handled.

        Raises:
            EncodeError: the framing cannot carry this frame; nothing is sent.
            SessionClosed: the session is not ready, or over; nothing is sent.
        """
        if not self.is_open:
            self._refuse_to_send()
        kept = self._kept
        if kept is not None:
            if (
                len(frame) <= self._longest_kept
                and type(frame) is bytes  # the caller could change another buffer
                and self.send_framing is self._kept_framing
                and self._send_buffer.blocked_since is None
                and not self.observers.watches_sent_frames
            ):
                kept.append(frame)
                count = self.frames_sent + 1
                if count >= self._keep_until:
                    self.send_kept()
                    self._keep_more()
                self.frames_sent = count
                return
            self.send_kept()
        if len(frame) >= LARGE:
            self.send_framed(self.send_framing.encode_large(frame), (frame,))
            return
        self._send_buffer.write(self.send_framing.encode(frame))
        self.frames_sent += 1
        if self.observers.watches_sent_frames:
            observer.report_frames_sent(self, (frame,))

    def sendFrames(self, frames: Iterable[bytes]) -> None:
        """Send all these frames in one write, unless they are large, or raise like :meth:`sendFrame`."""
        if not self.is_open:
            self._refuse_to_send()
        frames = list(frames)
        if len(frames) == 1:
            self.sendFrame(frames[0])  # it does not copy a large frame
        elif frames:
            self.send_framed((self.send_framing.encode_many(frames),), frames)

    def send_framed(self, parts: Sequence[bytes], frames: Sequence[bytes]) -> None:
        """
        Send frames that the caller has already encoded with :attr:`send_framing`.

        Args:
            parts: the bytes, in one piece or several. If the session ends meanwhile, because the peer does
                not read, the rest is dropped.
            frames: the frames in these bytes, to count them and to tell observers.

        Raises:
            SessionClosed: as for :meth:`sendFrame`.
        """
        if not self.is_open:
            self._refuse_to_send()
        if self._kept is not None:
            self.send_kept()
        for part in parts:
            if not self.is_open:
                break
            self._send_buffer.write(part)
        self.frames_sent += len(frames)
        if self.observers.watches_sent_frames:
            observer.report_frames_sent(self, frames)

    def sendBytes(self, data: bytes) -> None:
        """Send bytes outside of any framing, such as a login prompt, or raise like :meth:`sendFrame`."""
        if not self.is_open:
            self._refuse_to_send()
        if self._kept is not None and data:
            self.send_kept()
        self._send_buffer.write(data)

    def send_secret(self, frame: bytes) -> None:
        """Send one frame that observers must not see, such as a password."""
        self.send_kept()
        outer, self.sends_secret = self.sends_secret, True
        try:
            self.sendFrame(frame)
            self._send_buffer.holds_secret = self._send_buffer.waiting > 0
        finally:
            self.sends_secret = outer

    def _refuse_to_send(self) -> NoReturn:
        reason = self.reason or "the session is not ready yet"
        raise SessionClosed(f"{self.peer}: {reason}; nothing was sent")
