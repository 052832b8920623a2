"""How a session sends frames, in and out of handlers: the part of FrameProtocol that users call most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn, Self

from twisted.internet.protocol import Protocol

from tcpcomm.errors import SessionClosed
from tcpcomm.framing.base import LARGE, Framing
from tcpcomm.session.observer import Observers
from tcpcomm.session.send_buffer import SendBuffer

__all__ = ["SendsFrames"]


class SendsFrames(Protocol):
    """What a session can be asked to send while it is open. :class:`~tcpcomm.FrameProtocol` says when."""

    # What each frame looks at: a slot is read in 4 ns, and a default of the class in 17.
    __slots__ = ("_closing", "_outgoing", "_ready", "frames_sent", "observers", "send_framing")

    _outgoing: SendBuffer
    send_framing: Framing
    """The framing of sent frames, once connected."""

    observers: Observers
    """The observers of the factory, once connected."""

    _ready: bool  # connected, and TLS, if there is any, is established
    _closing: bool  # nothing is delivered any more; what was sent still leaves
    frames_sent: int
    """Frames that were accepted for sending in this session."""

    peer = "no peer yet"
    """The peer's name in logs: its address and port."""

    reason: str | None = None
    """Why the session closes or has closed, in plain words; None while it is open."""

    is_declared = False
    """True where every frame is also reported by ``observers.message``."""

    sends_secret = False
    """True while sent bytes, such as a password, must be masked for observers."""

    def __new__(cls, *_args: object, **_options: object) -> Self:
        self = super().__new__(cls)
        self._ready = self._closing = False
        self.frames_sent = 0
        return self

    def sendFrame(self, frame: bytes) -> None:
        """
        Send one frame.

        Within a handler, all that is sent leaves in one write when the chunk is dealt with.

        Raises:
            EncodeError: the framing cannot carry this frame; nothing is sent.
            SessionClosed: the session is not ready, or over; nothing is sent.
        """
        if self._closing or not self._ready:
            self._refuse_to_send()
        if len(frame) < LARGE:
            self._outgoing.write(self.send_framing.encode(frame))
        else:
            for part in self.send_framing.encode_large(frame):
                self._outgoing.write(part)
        self.frames_sent += 1

    def sendFrames(self, frames: Iterable[bytes]) -> None:
        """
        Send frames in one write, unless they are large.

        Raises:
            EncodeError: the framing cannot carry one of them; none is sent.
            SessionClosed: the session is not ready, or over; nothing is sent.
        """
        if self._closing or not self._ready:
            self._refuse_to_send()
        frames = list(frames)
        if len(frames) == 1:
            self.sendFrame(frames[0])  # which does not copy a large one
        else:
            self._outgoing.write(self.send_framing.encode_many(frames))
            self.frames_sent += len(frames)

    def sendBytes(self, data: bytes) -> None:
        """
        Send bytes as they are, outside of any framing: a login prompt, for example.

        Raises:
            SessionClosed: the session is not ready, or over; nothing is sent.
        """
        if self._closing or not self._ready:
            self._refuse_to_send()
        self._outgoing.write(data)

    def send_framed(self, parts: Sequence[bytes], frames: Sequence[bytes]) -> None:
        """
        Send frames whose bytes the caller has already made with :attr:`send_framing`.

        Args:
            parts: the bytes, in one piece or several. If the session ends on the way, because the peer does
                not read, the rest is dropped.
            frames: the frames that these bytes carry: they are counted.

        Raises:
            SessionClosed: the session is not ready, or over; nothing is sent.
        """
        if self._closing or not self._ready:
            self._refuse_to_send()
        for part in parts:
            if self._closing:
                break
            self._outgoing.write(part)
        self.frames_sent += len(frames)

    def _refuse_to_send(self) -> NoReturn:
        why = self.reason or "the session is not ready yet"
        raise SessionClosed(f"{self.peer}: {why}; nothing was sent")

    @property
    def is_open(self) -> bool:
        """Whether frames can be sent."""
        return self._ready and not self._closing
