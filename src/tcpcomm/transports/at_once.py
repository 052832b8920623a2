"""
Twisted's TCP connections with one change: they send written data at once if the system accepts it.

Data that the system does not accept is queued, sent and reported by Twisted's own code. If a protocol
writes once while it handles a received chunk, that data is sent after the chunk. If it writes several
times, the data is queued and sent together, and not with a system call and a packet for each write.
docs/explanation/native-transports.md tells what this gains.
"""

from __future__ import annotations

from collections.abc import Iterable
from errno import EAGAIN, ENOBUFS, EWOULDBLOCK
from typing import Any, Final, Self

from twisted.internet import tcp

MOST_ACCEPTED: Final = 16
"""Connections that a port accepts in one turn of the reactor. The next one waits for the next turn."""

_FULL: Final = (EWOULDBLOCK, EAGAIN, ENOBUFS)
"""Errors of a system that accepts no more data for now."""


class SendsAtOnce(tcp.Connection):
    """
    A mixin for a Twisted connection that tries to send before it queues; it is the first base.

    One write of more than ``bufferSize`` bytes is queued, so that a streaming producer is paused.
    """

    __slots__ = ("_answer", "_idle", "_in_chunk", "_plain", "_queued")

    _idle: bool  # the next write may be sent at once: the queue is empty and _plain is true
    _queued: bool  # Twisted has data to send, or work to do when all data is sent
    _plain: bool  # no startTLS, both directions open, no pull producer
    _in_chunk: bool  # the protocol is handling a received chunk
    _answer: bytes | None  # the single small write of the protocol in this chunk, not sent yet

    def __new__(cls, *_args: object, **_options: object) -> Self:
        self = super().__new__(cls)
        self._idle = self._plain = True
        self._queued = self._in_chunk = False
        self._answer = None
        return self

    def write(self, data: bytes) -> None:
        if self._idle and data and type(data) is bytes and len(data) <= self.bufferSize:
            if self._in_chunk:
                self._idle, self._answer = False, data
                return
            # Not writeSomeData(), which handles more cases and takes 15 % longer.
            try:
                sent = self.socket.send(data)
            except OSError as error:
                sent = 0
                if error.errno not in _FULL:
                    # Twisted's next attempt to send finds and reports the error. A read must not come
                    # first: the system reports an error once, and then it looks like a normal end.
                    self.stopReading()
            if sent == len(data):
                return
            data = data[sent:]
        elif self._answer is not None:
            self._queue_answer()
        super().write(data)

    def _queue_answer(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            super().write(answer)

    def doRead(self) -> Any:
        self._in_chunk = True
        try:
            return super().doRead()
        finally:
            self._in_chunk = False
            answer = self._answer
            if answer is not None:  # then nothing is queued
                self._answer, self._idle = None, True
                self.write(answer)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        if self._idle:
            pieces = list(iovec)
            if all(type(piece) is bytes for piece in pieces):
                self.write(b"".join(pieces))
                return
            iovec = pieces
        elif self._answer is not None:
            self._queue_answer()
        super().writeSequence(iovec)

    def startWriting(self) -> None:
        """Note that data is queued, or that work waits for an empty queue."""
        if self._answer is not None:
            self._queue_answer()
        if not self._queued:
            self._idle, self._queued = False, True
            super().startWriting()

    def stopWriting(self) -> None:
        self._idle, self._queued = self._plain, False
        super().stopWriting()

    def _not_plain(self) -> None:
        self._queue_answer()
        self._idle = self._plain = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if not streaming:
            self._not_plain()  # Twisted asks it for data when its own queue is empty
        super().registerProducer(producer, streaming)

    def loseWriteConnection(self) -> None:
        self._not_plain()
        super().loseWriteConnection()

    def abortConnection(self) -> None:
        self._answer = None
        self._not_plain()
        super().abortConnection()

    def startTLS(self, ctx: Any, normal: bool = True) -> None:
        self._not_plain()  # TLS queues its records below; written data passes through it
        super().startTLS(ctx, normal)

    def connectionLost(self, reason: Any) -> None:
        self._answer = None
        self._not_plain()
        super().connectionLost(reason)


class AtOnceServer(SendsAtOnce, tcp.Server):
    """An accepted connection."""


class AtOnceClient(SendsAtOnce, tcp.Client):
    """A connection that this side made."""


class AtOncePort(tcp.Port):
    """A listening port. It accepts few connections in one turn; Twisted's own port takes ever more."""

    transport = AtOnceServer

    def doRead(self) -> None:
        self.numberAccepts: int = min(self.numberAccepts, MOST_ACCEPTED)
        super().doRead()


class AtOnceConnector(tcp.Connector):
    """A connector that makes such connections."""

    def _makeTransport(self) -> AtOnceClient:
        return AtOnceClient(self.host, self.port, self.bindAddress, self, self.reactor)
