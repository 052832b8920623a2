"""The methods of a session that its users override: :class:`SessionHooks`, a base of FrameProtocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, cast

from tcpcomm.errors import FramingError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.session.frame_sender import FrameSender
from tcpcomm.session.receive_queue import ReceivingSession, deliver_each

FAULT_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about faulty data from one peer. The second line counts the faults between.
"""

_FEWEST_KEPT: Final = 16  # frames of a batch: keeping the replies to fewer gains nothing


class SessionHooks(FrameSender):
    """The methods of :class:`~tcpcomm.FrameProtocol` that a subclass overrides, with what they do else."""

    __slots__ = ("_seconds",)

    log: ClassVar[BoundedLogger]

    _seconds: Callable[[], float]
    _fault_throttle: LogThrottle | None = None

    def sessionReady(self) -> Awaitable[None] | None:
        """Begin: TLS is established, the peer is proven, and frames may be sent."""

    def frameReceived(self, frame: bytes) -> Awaitable[None] | None:
        """Handle a received frame."""
        raise NotImplementedError(f"{type(self).__name__} must override frameReceived")

    def framesReceived(self, frames: list[bytes]) -> Awaitable[None] | None:
        """
        Handle frames that were received together, at most 64. Override it to handle them as a batch.

        The default calls :meth:`frameReceived` with each, and stops when the session is paused or closed.
        If the frames take long, other sessions get their turn before the rest is delivered.
        """
        if len(frames) == 1:
            return self.frameReceived(frames[0])
        if len(frames) < _FEWEST_KEPT:
            deliver_each(cast("ReceivingSession", self), frames, self._seconds)
            return None
        self.keep_sent()
        try:
            deliver_each(cast("ReceivingSession", self), frames, self._seconds)
        finally:
            self.send_kept()
        return None

    def framingFailed(self, fault: FramingError) -> None:
        """
        Handle a fault: the peer broke the rule of the framing. The default logs it by :meth:`log_fault`.

        After an unrecoverable fault the session is closed when this returns. If only the end of the input
        cut the last frame short, the replies to the frames before it are sent first.
        """
        details = f": {fault.details}" if fault.details and not self.keeps_secret else ""
        self.log_fault(f"{fault}{details}")

    def backlogHandled(self) -> None:
        """Go on: all received data is handled, after some of it had to wait."""

    def inputEnded(self) -> None:
        """
        Handle the end of the input: the peer will send nothing more, but may still read (half-close).

        It is called when all received frames are handled, and all handlers have finished. The default
        closes the session. Override it if replies will still come from elsewhere.
        """
        session = cast("ReceivingSession", self)
        session.close("the peer hung up" + session.mid_frame_note)

    def statesChanged(self) -> None:
        """Note that the session is in other ``states`` than before."""

    def sessionLost(self, reason: str) -> None:
        """Handle the end of a session that was ready. It is called once. The default logs the reason."""
        self.log.info("{peer}: the session ended: {reason}", peer=self.peer, reason=one_line(reason))

    def log_fault(self, problem: str) -> None:
        """Log a problem with received data, at most one in 10 s."""
        self._fault_throttle = self._fault_throttle or LogThrottle(FAULT_LOG_INTERVAL)
        count = self._fault_throttle.count_due(self._seconds())
        if count:
            others = f", and {count - 1} more" if count > 1 else ""
            self.log.warn("{peer}: {fault}{others}", peer=self.peer, fault=one_line(problem), others=others)

    def log_connected(self) -> None:
        """Log that the session is ready. Override it if something else logs that."""
        proven = f" as {self.identity}" if self.identity else ""
        self.log.info("{peer}: connected{proven}", peer=self.peer, proven=proven)
