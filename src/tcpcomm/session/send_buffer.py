"""
What waits to be sent on one session, and what to do when the peer does not read.

Twisted's transports take any amount of data and keep it. Here at most :data:`SEND_CHUNK` bytes at a time are
handed to the transport, as long as it does not say "pause"; the rest waits, is counted, and is limited.
So progress can be seen, memory is bounded, and everything works alike over TCP, TLS, UNIX sockets and
in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from twisted.internet.interfaces import (
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    ISSLTransport,
    ITransport,
)
from zope.interface import implementer

if TYPE_CHECKING:
    from tcpcomm.session.protocol import FrameProtocol

__all__ = ["SEND_CHUNK", "SendBuffer"]

SEND_CHUNK: Final = 64 * 1024


@implementer(IPushProducer)
class SendBuffer:
    """
    The queue between ``sendFrame`` and the transport.

    Args:
        transport: where the bytes go; it tells this producer when it has enough.
        session: whose it is. It is told after the transport took or refused bytes, and after bytes were
            queued while it refuses them: it then looks at :attr:`waiting` and :attr:`blocked_since`.
    """

    __slots__ = (
        "_current",
        "_finished",
        "_first",
        "_only",
        "_queue",
        "_session",
        "_transport",
        "blocked_since",
        "corked",
        "waiting",
    )

    def __init__(self, transport: ITransport, session: FrameProtocol) -> None:
        self._transport = transport
        self._session = session
        self._current = b""  # what is being handed over in pieces,
        self._first = 0  # from here on,
        self._only: bytes | None = None  # and what comes after it: one write, which needs no list,
        self._queue: list[bytes] | None = None  # or several
        self._finished = False
        self.waiting = 0
        """Bytes that the transport has not taken yet."""
        self.blocked_since: float | None = None
        """When the transport said that it has enough; None while it takes more."""
        self.corked = False
        """While true, what is sent is collected, to leave in one write."""
        register = getattr(transport, "registerProducer", None)
        if register is not None:
            register(self, True)

    def write(self, data: bytes) -> None:
        """Queue bytes; they leave at once unless corked or blocked."""
        if not data:
            return
        if self._queue is not None:
            self._queue.append(data)
        elif self._only is None:
            self._only = data
        else:
            self._queue, self._only = [self._only, data], None
        self.waiting += len(data)
        if self.blocked_since is not None:
            self._session._sending_changed()
        elif not self.corked or self.waiting >= SEND_CHUNK:
            self.flush()

    def flush(self) -> None:
        """Hand over what waits, as long as the transport takes it."""
        if not self.waiting or self.blocked_since is not None:
            return
        if not self._current and self.waiting <= SEND_CHUNK:
            data = self._only or b"".join(self._queue or ())
            self._only = self._queue = None
            self.waiting = 0
            self._transport.write(data)
        while self.waiting and self.blocked_since is None:
            self._transport.write(self._next_piece())
        if self.blocked_since is not None:
            self._session._sending_changed()

    def _next_piece(self) -> bytes:
        if self._first == len(self._current):
            self._current, self._first = self._gathered(), 0
        piece = self._current
        if len(piece) > SEND_CHUNK:
            piece = piece[self._first : self._first + SEND_CHUNK]
        self._first += len(piece)
        self.waiting -= len(piece)
        if not self.waiting:
            self._current, self._first = b"", 0
        return piece

    def _gathered(self) -> bytes:
        """The next of the queue: a long one as it is, or all the short ones before it in one."""
        only, self._only = self._only, None
        if only is not None:
            return only
        queue = self._queue
        assert queue is not None  # for something waits
        count = len(queue)
        if self.waiting > SEND_CHUNK:
            count = max(1, next((at for at, data in enumerate(queue) if len(data) > SEND_CHUNK), count))
        gathered = queue[0] if count == 1 else b"".join(queue[:count])
        del queue[:count]
        return gathered

    def shut(self) -> bool:
        """
        Have the transport send what it has, and then an end of stream; it may still be read from.

        Returns:
            Whether that is possible. It is not over TLS, where closing waits for the peer's answer anyway.
        """
        if not _closes_by_half(self._transport):
            return False
        self._finish()
        cast("Any", self._transport).loseWriteConnection()
        return True

    def close(self) -> None:
        """Have the transport send what it has, and close."""
        self._finish()
        self._transport.loseConnection()

    def abort(self) -> None:
        """Forget what waits, and end the connection at once."""
        self.clear()
        abort_connection = getattr(self._transport, "abortConnection", None)
        (abort_connection or self.close)()

    def _finish(self) -> None:
        """Tell the transport that nothing more will come: before, it would not close."""
        unregister = getattr(self._transport, "unregisterProducer", None)
        if unregister is not None and not self._finished:
            self._finished = True
            unregister()

    def clear(self) -> None:
        """Forget what waits: the connection is gone."""
        self._only = self._queue = None
        self._current, self._first, self.waiting = b"", 0, 0

    def pauseProducing(self) -> None:
        """The transport has enough."""
        if self.blocked_since is None:
            self.blocked_since = self._session._clock.seconds()

    def resumeProducing(self) -> None:
        """The transport has handed all it had to the system."""
        self.blocked_since = None
        self.flush()
        self._session._sending_changed()

    def stopProducing(self) -> None:
        """The transport is closing: connectionLost will follow."""
        self.pauseProducing()


def _closes_by_half(transport: Any) -> bool:
    """Whether the sending side can be shut alone, and the session is told when that is done."""
    if ISSLTransport.providedBy(transport):
        return False
    while IProtocol.providedBy(transport):  # a wrapper, such as Twisted's policies: it has to pass that on
        if not IHalfCloseableProtocol.providedBy(transport):
            return False
        transport = cast("Any", transport).transport
    return IHalfCloseableDescriptor.providedBy(transport)
