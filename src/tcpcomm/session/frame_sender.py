"""The methods of a session that send: :class:`FrameSender`, the base of :class:`~tcpcomm.FrameProtocol`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from tcpcomm.errors import SessionClosed
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.session import observer
from tcpcomm.session.attributes import SessionAttributes
from tcpcomm.session.send_buffer import SendBuffer


class FrameSender(SessionAttributes):
    """
    Encodes frames with the session's framing, and writes them to its send buffer.

    :class:`~tcpcomm.FrameProtocol` makes the buffer, and decides when frames may be sent.
    """

    __slots__ = ("_send_buffer",)

    _send_buffer: SendBuffer[Any]

    @property
    def unsent(self) -> int:
        """The number of sent bytes that the transport has not taken yet."""
        return self._send_buffer.waiting

    def sendFrame(self, frame: bytes) -> None:
        """
        Send one frame. All frames that a handler sends leave in one write when the chunk is handled.

        Raises:
            EncodeError: the framing cannot carry this frame; nothing is sent.
            SessionClosed: the session is not ready, or over; nothing is sent.
        """
        if not self.is_open:
            self._refuse_to_send()
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
        else:
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
        self._send_buffer.write(data)

    def send_secret(self, frame: bytes) -> None:
        """Send one frame that observers must not see, such as a password."""
        outer, self.sends_secret = self.sends_secret, True
        try:
            self.sendFrame(frame)
            self._send_buffer.holds_secret = self._send_buffer.waiting > 0
        finally:
            self.sends_secret = outer

    def _refuse_to_send(self) -> NoReturn:
        reason = self.reason or "the session is not ready yet"
        raise SessionClosed(f"{self.peer}: {reason}; nothing was sent")
