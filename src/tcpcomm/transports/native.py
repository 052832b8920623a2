"""
Twisted's TCP connections, with the bytes carried by the running asyncio loop: in C, where that is uvloop.

A native connection *is* one of Twisted's: its producers, its half-close, its end and its errors are decided
by Twisted's own code. Only what Twisted leaves to its reactor is done otherwise: to say when there is
something to read, and when the system takes more. asyncio's transport stands for that, with no buffer that
Twisted does not know of: "writable" means that its buffer is empty.

::

                 dataReceived                        data_received
    protocol  <---------------  Twisted's transport  <------------------------------  asyncio's transport
              --------------->  (queue, producers,   ------------------------------>  (the socket)
                 write           half-close, end)    write
                                                     <------------------------------
                                                     pause_writing, resume_writing

Twisted's transport is there, and takes writes, before asyncio's is: that one follows two turns of the loop
later, or with TLS after the handshake.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

from twisted.internet import tcp
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcpcomm.transports.at_once import SendsAtOnce

__all__ = ["Native", "NativeClient", "NativeConnector", "NativePort", "NativeServer"]

LARGEST_WRITE: Final = 1024 * 1024
"""Bytes that are given to asyncio at a time: its own loop copies what the system does not take at once."""

_RESET: Final = struct.pack("ii", 1, 0)
"""With this as SO_LINGER, closing a socket resets its connection."""


class Native(SendsAtOnce):
    """
    A connection of Twisted's over a transport of asyncio's. Mix it in before the kind of connection.

    Towards asyncio it is the protocol: those are the methods whose names are written with underscores.
    """

    log: ClassVar[Logger] = Logger()

    # What each chunk looks at, as in SendsAtOnce.
    __slots__ = ("_blocked", "_native", "reading")

    reactor: Any
    _loop: asyncio.AbstractEventLoop
    _native: Any  # asyncio's transport; None before there is one, and when the connection is lost
    _attaching: asyncio.Task[Any] | None = None  # what waits for it
    _lost_before: Failure | None = None  # why the connection was lost while that was still waited for

    _no_delay = False

    reading: bool
    """Whether Twisted wants what comes."""

    _input_ended = False
    _early: list[bytes] | None = None  # what came all the same

    _blocked: bool  # asyncio's transport is not there, or its buffer is not empty
    _turn_asked_for = False
    _handed = 0  # bytes at the head of Twisted's queue that are in asyncio's buffer
    _high_water = 0  # bytes in it above which it counts as not empty

    def __new__(cls, *args: object, **options: object) -> Self:
        self = super().__new__(cls, *args, **options)
        self._native, self._blocked, self.reading = None, True, False
        return self

    # -- begin -------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        """Give the socket to asyncio. To be called within the loop."""
        self._idle = False  # not before asyncio's transport is there
        self._loop = asyncio.get_running_loop()
        self._attaching = self._loop.create_task(self._give_socket())
        self._attaching.add_done_callback(self._attached)
        self.reactor.native_connections.add(self)

    async def _give_socket(self) -> None:
        """Let asyncio make its transport on the socket."""
        await self._loop.connect_accepted_socket(self._as_asyncio_protocol, self.socket)

    def _as_asyncio_protocol(self) -> Any:
        return self

    def connection_made(self, native: Any) -> None:
        """asyncio's transport is there."""
        if self._lost_before is not None:
            return  # and is being closed
        self._native = native
        native.set_write_buffer_limits(high=self._high_water, low=0)
        if not self._no_delay:
            super().setTcpNoDelay(False)  # asyncio sets it, Twisted leaves it to the protocol
        self._blocked = False
        if not self.reading:
            native.pause_reading()
        if self._queued:
            self._ask_for_turn()
        else:
            self._idle = self._plain

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Send small writes at once, or wait for more to send with them."""
        self._no_delay = enabled
        super().setTcpNoDelay(enabled)

    def _attached(self, task: asyncio.Task[Any]) -> None:
        self._attaching = None
        error = None if task.cancelled() else task.exception()
        if self._lost_before is not None:
            self.connectionLost(self._lost_before)
        elif error is not None:
            self.connectionLost(self._why_not_attached(error))

    def _why_not_attached(self, error: BaseException) -> Failure:
        return Failure(ConnectionLost() if isinstance(error, OSError) else error)

    # -- reading -----------------------------------------------------------------------------------------

    def startReading(self) -> None:
        """Let asyncio read."""
        self.reading = self._lost_before is None
        if self._early:
            self._loop.call_soon(self._deliver_early)
        elif self._native is not None and not self._input_ended:
            self._native.resume_reading()

    def stopReading(self) -> None:
        """Let asyncio read no more."""
        self.reading = False
        if self._native is not None:
            self._native.pause_reading()

    def data_received(self, data: bytes) -> None:
        """asyncio has read something."""
        if not self.reading:  # asyncio begins to read after connection_made, whatever that says
            self._native.pause_reading()
            self._early = [*(self._early or ()), data]
            return
        self._in_chunk = True
        try:
            self.protocol.dataReceived(data)
        except Exception as error:
            self._failed(error)
        self._in_chunk = False
        answer = self._answer
        if answer is not None:  # nothing is queued then
            self._answer, self._idle = None, True
            self._native.write(answer)
            if self._blocked:
                self._queue_rest(answer)

    def _deliver_early(self) -> None:
        while self._early and self.reading:
            self.data_received(self._early.pop(0))
        if self.reading:
            self.startReading()

    def eof_received(self) -> bool:
        """The peer will send no more. What that means, Twisted decides."""
        self._input_ended = True
        self._disconnect(CONNECTION_DONE, reading=True)
        return True

    # -- writing -----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes now as far as the system takes them; what it leaves is queued."""
        if self._idle and type(data) is bytes and len(data) <= self.bufferSize:
            if self._in_chunk:
                if data:
                    self._idle, self._answer = False, data
            else:
                self._native.write(data)
                if self._blocked:
                    self._queue_rest(data)
        else:
            super().write(data)

    def _queue_rest(self, data: bytes) -> None:
        """The system did not take all of what was just written: Twisted is to know of the rest."""
        self._idle = False
        self._handed = left = self._in_buffer(data)
        super().write(data[len(data) - left :])

    def writeSomeData(self, data: Any) -> int | ConnectionLost:
        """
        Give bytes to asyncio, and through it to the system.

        Returns:
            How many of them the system has taken. Those that are in asyncio's buffer are not counted, and
            not given again when they come again, as they will.
        """
        if self._blocked:
            return 0
        handed, self._handed = self._handed, 0
        size = len(data)
        if handed or size > LARGEST_WRITE:
            data = memoryview(data)[handed : handed + LARGEST_WRITE]
            size = handed + len(data)
        if data:
            native = self._native
            native.write(data)
            if self._blocked:
                self._handed = self._in_buffer(data)
                return size - self._handed
        return size

    def _in_buffer(self, data: Any) -> int:
        """How many of the bytes that were just written are in asyncio's buffer; TLS makes more of them."""
        return min(len(data), int(self._native.get_write_buffer_size()))

    def pause_writing(self) -> None:
        """asyncio's buffer is not empty any more."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It is empty again."""
        self._blocked = False
        if self._queued:
            self._ask_for_turn()

    def startWriting(self) -> None:
        """Call Twisted's doWrite as soon as the system takes more."""
        if self._answer is not None:
            self._queue_answer()
        if not self._queued:
            self._idle, self._queued = False, True
            self._ask_for_turn()

    def stopWriting(self) -> None:
        """Twisted has nothing more to send."""
        self._queued = False
        self._idle = self._plain and not self._blocked

    def _ask_for_turn(self) -> None:
        if not (self._turn_asked_for or self._blocked):
            self._turn_asked_for = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        """What a reactor does with a socket that is writable."""
        self._turn_asked_for = False
        if self._blocked or not self._queued:
            return
        try:
            why = self.doWrite()
        except Exception as error:
            self._failed(error)
            return
        if why is not None:
            self._disconnect(why)
        elif self._queued:
            self._ask_for_turn()

    # -- end ---------------------------------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        """The protocol or a producer raised: that ends this connection, and no other."""
        self.log.failure("{system}: unhandled error", system=self.logPrefix())
        self._disconnect(error)

    def _disconnect(self, why: BaseException, *, reading: bool = False) -> None:
        """What a reactor does with a connection that has ended."""
        if not self.connected:
            return
        self.stopReading()
        if reading and isinstance(why, ConnectionDone):
            self.readConnectionLost(Failure(why))
        else:
            self.stopWriting()
            self.connectionLost(Failure(why))

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's transport is closed: the connection broke, or that was said from here."""
        self._disconnect(CONNECTION_DONE if error is None else CONNECTION_LOST)

    def connectionLost(self, reason: Failure) -> None:
        """The connection has ended: give the socket back, then tell the protocol."""
        if self._attaching is not None and self._native is None and self.connected:
            # The socket may not be closed while asyncio, which does not know that yet, waits for it.
            if self._lost_before is None:
                self._lost_before = reason
                self.stopReading()
                if reason.check(ConnectionAborted):
                    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._attaching.cancel()
            return
        native, self._native, self._blocked = self._native, None, True
        if native is not None:
            native.abort()
        self.reactor.native_connections.discard(self)
        super().connectionLost(reason)


class NativeServer(Native, tcp.Server):
    """An accepted connection."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._attach()


class NativeClient(Native, tcp.Client):
    """A connection that was made from here. Until it is made, the reactor waits for its socket."""

    _connecting = True

    def _connectDone(self) -> None:
        self._connecting = False
        self._attach()
        super()._connectDone()

    def startReading(self) -> None:
        if self._connecting:
            tcp.Client.startReading(self)
        else:
            super().startReading()

    def stopReading(self) -> None:
        if self._connecting:
            tcp.Client.stopReading(self)
        else:
            super().stopReading()

    def startWriting(self) -> None:
        if self._connecting:
            tcp.Client.startWriting(self)
        else:
            super().startWriting()

    def stopWriting(self) -> None:
        if self._connecting:
            tcp.Client.stopWriting(self)
        else:
            super().stopWriting()


class NativePort(tcp.Port):
    """A listening port."""

    transport: Any = NativeServer


class NativeConnector(tcp.Connector):
    """What makes a connection from here."""

    transport_kind: Callable[..., NativeClient] = NativeClient

    def _makeTransport(self) -> NativeClient:
        return self.transport_kind(self.host, self.port, self.bindAddress, self, self.reactor)
