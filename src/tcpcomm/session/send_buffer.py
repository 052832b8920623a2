"""
Bytes that wait to be sent on one session: :class:`SendBuffer`.

Twisted's transports take any amount of data and keep it. The buffer hands at most :data:`SEND_CHUNK` bytes
at a time to the transport, until the transport says "pause". So progress can be seen, memory is bounded,
and TCP, TLS and UNIX sockets behave alike.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final, Generic, TypeVar, cast

from attrs import define, field
from twisted.internet.interfaces import (
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    ISSLTransport,
)
from zope.interface import implementer

from tcpcomm.session.observer import ObservedSession, masked

SEND_CHUNK: Final = 64 * 1024
"""Bytes that a transport gets at once. The rest waits."""

Session = TypeVar("Session", bound=ObservedSession)


@implementer(IPushProducer)
@define(eq=False, weakref_slot=False)
class SendBuffer(Generic[Session]):
    """
    The queue between ``sendFrame`` and the transport.

    Args:
        transport: takes the bytes, and pauses this producer when it has enough.
        session: its observers are told about each chunk that the transport took.
        seconds: returns the time.
        changed: called with the session after the transport took or refused bytes, and after bytes were
            queued while it refuses them. It can then look at :attr:`waiting` and :attr:`blocked_since`.
    """

    _transport: Any
    _session: Session
    _seconds: Callable[[], float]
    _changed: Callable[[Session], object]
    # The transport gets first the bytes of _current from _first on, then _only or, if there are several
    # writes, _queue. Most often there is one write, and it needs no list.
    _current: bytes = field(default=b"", init=False)
    _first: int = field(default=0, init=False)
    _only: bytes | None = field(default=None, init=False)
    _queue: list[bytes] | None = field(default=None, init=False)
    _finished: bool = field(default=False, init=False)
    waiting: int = field(default=0, init=False)
    """Bytes that the transport has not taken yet."""
    blocked_since: float | None = field(default=None, init=False)
    """The time when the transport said that it has enough; None while it takes more."""
    sent_at: float = field(default=-inf, init=False)
    """The time when bytes were handed over last."""
    corked: bool = field(default=False, init=False)
    """While true, bytes are collected, to leave in one write."""
    ahead: list[bytes] | None = field(default=None, init=False)
    """Frames on the wire that leave before all that is written later; None: nobody collects such frames."""
    holds_secret: bool = field(default=False, init=False)
    """True while the waiting bytes hold a secret, which observers must not see."""

    def __attrs_post_init__(self) -> None:
        register = getattr(self._transport, "registerProducer", None)
        if register is not None:
            register(self, True)

    def write(self, data: bytes) -> None:
        """Queue bytes. They leave at once unless the buffer is corked or blocked."""
        if self.ahead:
            self.take_ahead()
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
            self._changed(self._session)
        elif not self.corked or self.waiting >= SEND_CHUNK:
            self.flush()

    def take_ahead(self) -> None:
        """Queue the frames of :attr:`ahead`."""
        frames = self.ahead
        if frames:
            data = frames[0] if len(frames) == 1 else b"".join(frames)
            frames.clear()
            self.write(data)

    def hand_over(self, data: bytes, now: float) -> None:
        """Hand over at most SEND_CHUNK bytes at once. Nothing waits, and no observer watches."""
        self.sent_at = now
        self._transport.write(data)
        if self.blocked_since is not None:
            self._changed(self._session)

    def is_full(self, limit: int) -> bool:
        """Return True if the transport refuses bytes, and only one chunk more fits within the limit."""
        return self.blocked_since is not None and self.waiting >= limit - SEND_CHUNK

    def flush(self) -> None:
        """Hand over the bytes that wait, as long as the transport takes them."""
        if self.blocked_since is not None:
            return
        if self.waiting:
            self.sent_at = self._seconds()
        while self.waiting and self.blocked_since is None:
            if self._current or self.waiting > SEND_CHUNK:
                data = self._next_piece()
            else:
                data = self._only or b"".join(self._queue or ())
                self._only = self._queue = None
                self.waiting = 0
            self._transport.write(data)
            if self._session.observers.sent is not None:
                secret = self.holds_secret or self._session.sends_secret
                self._session.observers.sent(self._session, masked(data) if secret else data)
            if not self.waiting:
                self.holds_secret = False
        if self.blocked_since is not None:
            self._changed(self._session)

    def _next_piece(self) -> bytes:
        """Remove and return at most SEND_CHUNK bytes."""
        if self._first == len(self._current):
            self._current, self._first = self._take_from_queue(), 0
        piece = self._current
        if len(piece) > SEND_CHUNK:
            piece = piece[self._first : self._first + SEND_CHUNK]
        self._first += len(piece)
        self.waiting -= len(piece)
        if not self.waiting:
            self._current, self._first = b"", 0
        return piece

    def _take_from_queue(self) -> bytes:
        """Remove and return the next long write, or all short ones before it, joined."""
        only, self._only = self._only, None
        if only is not None:
            return only
        queue = self._queue
        assert queue is not None  # because bytes wait
        count = len(queue)
        if self.waiting > SEND_CHUNK:
            count = max(1, next((at for at, data in enumerate(queue) if len(data) > SEND_CHUNK), count))
        taken = queue[0] if count == 1 else b"".join(queue[:count])
        del queue[:count]
        return taken

    def shut(self) -> bool:
        """
        Have the transport send its bytes and then an end of stream. The session can still receive.

        Returns:
            False if the transport cannot do that. Over TLS it cannot, but there closing waits for the
            peer's answer anyway.
        """
        if not _closes_by_half(self._transport):
            return False
        self._finish()
        self._transport.loseWriteConnection()
        return True

    def close(self) -> None:
        """Have the transport send its bytes, and close."""
        self._finish()
        self._transport.loseConnection()

    def abort(self) -> None:
        """Drop the bytes that wait, and end the connection at once."""
        self.clear()
        getattr(self._transport, "abortConnection", self.close)()

    def _finish(self) -> None:
        """Unregister as the transport's producer: it would not close before that."""
        unregister = getattr(self._transport, "unregisterProducer", None)
        if unregister is not None and not self._finished:
            self._finished = True
            unregister()

    def clear(self) -> None:
        """Drop the bytes that wait, because the connection is gone."""
        self.take_ahead()
        self._only = self._queue = None
        self._current, self._first, self.waiting = b"", 0, 0

    def pauseProducing(self) -> None:
        """Hand over nothing: the transport has enough."""
        if self.blocked_since is None:
            self.blocked_since = self._seconds()

    def resumeProducing(self) -> None:
        """Go on: the transport has handed all its bytes to the system."""
        self.blocked_since = None
        self.flush()
        self._changed(self._session)

    def stopProducing(self) -> None:
        """Hand over nothing: the transport is closing, and connectionLost will follow."""
        self.pauseProducing()


def _closes_by_half(transport: Any) -> bool:
    """Return whether the sending side can be shut alone, and the session learns when that is done."""
    if ISSLTransport.providedBy(transport):
        return False
    while IProtocol.providedBy(transport):  # a wrapper, as Twisted's policies make: it must pass that on
        if not IHalfCloseableProtocol.providedBy(transport):
            return False
        transport = cast("Any", transport).transport
    return IHalfCloseableDescriptor.providedBy(transport)
