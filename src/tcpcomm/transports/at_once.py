"""
Twisted's TCP connections, with one thing changed: what can leave at once does not wait.

Twisted keeps what is written until the reactor's next turn, and asks the system to be told when it may be
sent. Where nothing waits before it, the system nearly always takes it at once: then the turn, and two
system calls to begin and to end the asking, are for nothing. All else is Twisted's own code: what the
system does not take, it queues, sends, and reports upon as ever.

In answer to one chunk a protocol may write once, and that leaves when the chunk is dealt with; or often,
and then all of it is queued, and leaves together, as ever. Otherwise a protocol that answers many small
messages with as many small writes would pay a system call for each, and its peer a packet.
"""

from __future__ import annotations

from collections.abc import Iterable
from errno import EAGAIN, ENOBUFS, EWOULDBLOCK
from typing import Any, Final, Self

from twisted.internet import tcp

__all__ = ["AtOnceClient", "AtOnceConnector", "AtOncePort", "AtOnceServer", "SendsAtOnce"]


_FULL: Final = (EWOULDBLOCK, EAGAIN, ENOBUFS)
"""What the system says when it takes no more for now."""


class SendsAtOnce(tcp.Connection):
    """
    A connection that tries to send before it queues. Mix it in before the kind of connection.

    More than ``bufferSize`` bytes in one write are queued as ever, so that a streaming producer is paused.
    """

    __slots__ = ("_answer", "_idle", "_in_chunk", "_plain", "_queued")

    _idle: bool  # the next write may be sent: nothing waits, and nothing speaks against it
    _queued: bool  # something waits to be sent, or to be done when all is sent
    _plain: bool  # no TLS, both sides open, no pull producer that waits to be asked
    _in_chunk: bool  # the protocol is being given what was received
    _answer: bytes | None  # what it has written meanwhile, if that was one small write

    def __new__(cls, *_args: object, **_options: object) -> Self:
        self = super().__new__(cls)
        self._idle = self._plain = True
        self._queued = self._in_chunk = False
        self._answer = None
        return self

    def write(self, data: bytes) -> None:
        """Send bytes now as far as the system takes them; what it leaves is queued."""
        if self._idle and data and type(data) is bytes and len(data) <= self.bufferSize:
            if self._in_chunk:
                self._idle, self._answer = False, data
                return
            # What writeSomeData does, who is prepared for more, takes 0.4 of 3 µs longer.
            try:
                sent = self.socket.send(data)
            except OSError as error:
                sent = 0
                if error.errno not in _FULL:
                    # The next attempt tells what is wrong, in the reactor's turn and in Twisted's words.
                    # Reading would not: the system reports an error once, then it looks like an end.
                    self.stopReading()
            if sent == len(data):
                return
            data = data[sent:]
        elif self._answer is not None:
            self._queue_answer()
        super().write(data)

    def _queue_answer(self) -> None:
        """There is more to be sent or done after it."""
        answer, self._answer = self._answer, None
        if answer is not None:
            super().write(answer)

    def doRead(self) -> Any:
        """Give the protocol what was received."""
        self._in_chunk = True
        try:
            return super().doRead()
        finally:
            self._chunk_dealt_with()

    def _chunk_dealt_with(self) -> None:
        self._in_chunk = False
        answer = self._answer
        if answer is not None:  # nothing is queued then
            self._answer, self._idle = None, True
            self.write(answer)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send bytes in one piece."""
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
        """Something is queued, or is to be done when the queue is empty."""
        if self._answer is not None:
            self._queue_answer()
        if not self._queued:
            self._idle, self._queued = False, True
            super().startWriting()

    def stopWriting(self) -> None:
        """All that was queued has left."""
        self._idle, self._queued = self._plain, False
        super().stopWriting()

    def _not_plain(self) -> None:
        self._queue_answer()
        self._idle = self._plain = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if not streaming:
            self._not_plain()  # it is asked for more when Twisted's own queue has run empty
        super().registerProducer(producer, streaming)

    def loseWriteConnection(self) -> None:
        self._not_plain()
        super().loseWriteConnection()

    def abortConnection(self) -> None:
        self._answer = None
        self._not_plain()
        super().abortConnection()

    def startTLS(self, ctx: Any, normal: bool = True) -> None:
        self._not_plain()  # its records are queued below it; what is written passes through it
        super().startTLS(ctx, normal)

    def connectionLost(self, reason: Any) -> None:
        self._answer = None
        self._not_plain()
        super().connectionLost(reason)


class AtOnceServer(SendsAtOnce, tcp.Server):
    """An accepted connection."""


class AtOnceClient(SendsAtOnce, tcp.Client):
    """A connection that was made from here."""


class AtOncePort(tcp.Port):
    """A listening port."""

    transport = AtOnceServer


class AtOnceConnector(tcp.Connector):
    """What makes a connection from here."""

    def _makeTransport(self) -> AtOnceClient:
        return AtOnceClient(self.host, self.port, self.bindAddress, self, self.reactor)
