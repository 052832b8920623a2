"""
Twisted's TCP connections, with the bytes carried by the running asyncio loop: in C, if that is uvloop.

A native connection *is* a Twisted connection: Twisted's own code handles producers, half-close, the end and
errors. Only the part of the reactor is replaced: to report when there is data to read, and when the system
accepts more. asyncio's transport does this. It has no buffer that Twisted does not know: "writable" means
that asyncio's buffer is empty. docs/explanation/native-transports.md shows the calls.

Twisted's transport exists first, and accepts writes. asyncio's transport follows two turns of the loop
later, or after the TLS handshake.
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
from twisted.python.failure import Failure

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.unread_input import unread_in
from tcpcomm.transports.at_once import AtOncePort, SendsAtOnce

LARGEST_WRITE: Final = 1024 * 1024
"""Bytes for asyncio in one call, because its own loop copies those that the system does not accept."""

_RESET: Final = struct.pack("ii", 1, 0)
"""The value of SO_LINGER with which closing a socket resets the connection."""


class Native(SendsAtOnce):
    """
    A mixin for a Twisted connection over an asyncio transport; it is the first base.

    For asyncio it is the protocol. asyncio calls the methods that have underscores in their names.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    # The attributes that each chunk reads, as in SendsAtOnce.
    __slots__ = ("_blocked", "_native", "reading")

    reactor: Any
    _loop: asyncio.AbstractEventLoop
    _native: Any  # asyncio's transport; None before it exists and after the connection is lost
    _attaching: asyncio.Task[Any] | None = None  # the task that waits for asyncio's transport
    _lost_before: Failure | None = None  # the reason, if the connection was lost during that task

    _no_delay = False

    reading: bool
    """True while Twisted wants to receive data."""

    _input_ended = False
    _early: list[bytes] | None = None  # data that asyncio read although Twisted did not want it
    _unread: Callable[[], object] | None = None

    _blocked: bool  # asyncio's transport does not exist, or its buffer is not empty
    _write_scheduled = False
    _in_asyncio = 0  # bytes at the start of Twisted's queue that are already in asyncio's buffer
    high_water = 0  # bytes in asyncio's buffer above which it counts as not empty

    def __new__(cls, *args: object, **options: object) -> Self:
        self = super().__new__(cls, *args, **options)
        self._native, self._blocked, self.reading = None, True, False
        return self

    def _attach(self) -> None:
        """Give the socket to asyncio. Call this inside the loop."""
        self._idle = False  # until asyncio's transport exists
        self._loop = asyncio.get_running_loop()
        self._attaching = self._loop.create_task(self.make_native())
        self._attaching.add_done_callback(self._attached)
        self.reactor.native_connections.add(self)

    async def make_native(self) -> None:
        """Let asyncio make its transport for the socket."""
        await self._loop.connect_accepted_socket(self.as_asyncio_protocol, self.socket)

    def as_asyncio_protocol(self) -> Any:
        return self

    def connection_made(self, native: Any) -> None:
        """Use asyncio's transport, which exists from now on."""
        if self._lost_before is not None:
            return  # asyncio is already closing it
        self._native = native
        native.set_write_buffer_limits(high=self.high_water, low=0)
        if not self._no_delay:
            super().setTcpNoDelay(False)  # asyncio sets it, but in Twisted the protocol decides
        self._blocked = False
        if not self.reading:
            native.pause_reading()
        if self._queued:
            self._schedule_write()
        else:
            self._idle = self._plain

    def setTcpNoDelay(self, enabled: bool) -> None:
        self._no_delay = enabled
        super().setTcpNoDelay(enabled)

    def _attached(self, task: asyncio.Task[Any]) -> None:
        self._attaching = None
        error = None if task.cancelled() else task.exception()
        if self._lost_before is not None:
            self.connectionLost(self._lost_before)
        elif error is not None:
            self.connectionLost(self.attach_failure(error))

    def attach_failure(self, error: BaseException) -> Failure:
        """Return the reason for the protocol if asyncio could not make its transport."""
        return Failure(ConnectionLost() if isinstance(error, OSError) else error)

    def startReading(self) -> None:
        self.reading = self._lost_before is None
        if self._early:
            self._loop.call_soon(self._deliver_early)
        elif self._native is not None and not self._input_ended:
            self._native.resume_reading()

    def stopReading(self) -> None:
        self.reading = False
        if self._native is not None:
            self._native.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Give the protocol data that asyncio has read."""
        if not self.reading:  # asyncio starts reading after connection_made, even if that paused it
            self._native.resume_reading()  # the asyncio of Python 3.11.2 believes that it has paused
            self._native.pause_reading()
            self._early = [*(self._early or ()), data]
            return
        self._in_chunk = True
        try:
            self.protocol.dataReceived(data)
        except Exception as error:
            self._fail(error)
        self._in_chunk = False
        answer = self._answer
        if answer is not None:  # then nothing is queued
            self._answer, self._idle = None, True
            self._native.write(answer)
            if self._blocked:
                self._queue_rest(answer)

    def has_unread_input(self) -> bool:
        """Return True if received data waits, in the system or here, because nobody wanted it yet."""
        if self._unread is None:
            self._unread = unread_in(self.socket)
        return bool(self._early or self._unread())

    def _deliver_early(self) -> None:
        while self._early and self.reading:
            self.data_received(self._early.pop(0))
        if self._early or not self.reading:
            return
        if self._input_ended:
            self.end_connection(CONNECTION_DONE, reading=True)
        else:
            self.startReading()

    def eof_received(self) -> bool:
        """Report the peer's end of data to Twisted, which decides whether to close."""
        self._input_ended = True
        if not self._early:  # else the end follows the data that the protocol does not want yet
            self.end_connection(CONNECTION_DONE, reading=True)
        return True

    def write(self, data: bytes) -> None:
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
        """Put the bytes that the system did not accept from this write into Twisted's queue."""
        self._idle = False
        self._in_asyncio = left = self._unsent(data)
        super().write(data[len(data) - left :])

    def writeSomeData(self, data: Any) -> int | ConnectionLost:
        """
        Give bytes to asyncio, which gives them to the system.

        Returns:
            The number of bytes that the system has accepted. Bytes in asyncio's buffer are not counted:
            Twisted passes them here again, and then they are not written twice.
        """
        if self._blocked:
            return 0
        skip, self._in_asyncio = self._in_asyncio, 0
        size = len(data)
        if skip or size > LARGEST_WRITE:
            data = memoryview(data)[skip : skip + LARGEST_WRITE]
            size = skip + len(data)
        if data:
            native = self._native
            native.write(data)
            if self._blocked:
                self._in_asyncio = self._unsent(data)
                return size - self._in_asyncio
        return size

    def _unsent(self, data: Any) -> int:
        """Return the bytes of the last write that asyncio holds; with TLS, its buffer has more."""
        return min(len(data), int(self._native.get_write_buffer_size()))

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        if self._queued:
            self._schedule_write()

    def startWriting(self) -> None:
        """Call Twisted's doWrite as soon as the system accepts more."""
        if self._answer is not None:
            self._queue_answer()
        if not self._queued:
            self._idle, self._queued = False, True
            self._schedule_write()

    def stopWriting(self) -> None:
        """Note that Twisted has nothing more to send."""
        self._queued = False
        self._idle = self._plain and not self._blocked

    def _schedule_write(self) -> None:
        if not (self._write_scheduled or self._blocked):
            self._write_scheduled = True
            self._loop.call_soon(self._write_queued)

    def _write_queued(self) -> None:
        """Do what a reactor does with a writable socket."""
        self._write_scheduled = False
        if self._blocked or not self._queued:
            return
        try:
            why = self.doWrite()
        except Exception as error:
            self._fail(error)
            return
        if why is not None:
            self.end_connection(why)
        elif self._queued:
            self._schedule_write()

    def _fail(self, error: Exception) -> None:
        """Log an error that the protocol or a producer raised, and end this connection only."""
        self.log.failure("{system}: unhandled error", system=self.logPrefix())
        self.end_connection(error)

    def end_connection(self, why: BaseException, *, reading: bool = False) -> None:
        """Do what a reactor does with a connection that has ended."""
        if not self.connected:
            return
        self.stopReading()
        if reading and isinstance(why, ConnectionDone):
            self.readConnectionLost(Failure(why))
        else:
            self.stopWriting()
            self.connectionLost(Failure(why))

    def connection_lost(self, error: Exception | None) -> None:
        self.end_connection(CONNECTION_DONE if error is None else CONNECTION_LOST)

    def connectionLost(self, reason: Failure) -> None:
        """Take the socket back from asyncio, then tell the protocol that the connection is lost."""
        if self._attaching is not None and self._native is None and self.connected:
            # The socket must stay open until asyncio has stopped waiting for it.
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
    """A connection that this side made. Until it is connected, the reactor watches its socket."""

    _connecting = True

    def _connectDone(self) -> None:
        self._connecting = False
        self._attach()
        super()._connectDone()

    def startReading(self) -> None:
        (tcp.Client if self._connecting else Native).startReading(self)

    def stopReading(self) -> None:
        (tcp.Client if self._connecting else Native).stopReading(self)

    def startWriting(self) -> None:
        (tcp.Client if self._connecting else Native).startWriting(self)

    def stopWriting(self) -> None:
        (tcp.Client if self._connecting else Native).stopWriting(self)


class NativePort(AtOncePort):
    """A listening port. It accepts few connections in one turn, as its base does."""

    transport: Any = NativeServer


class NativeConnector(tcp.Connector):
    """A connector that makes native connections."""

    transport_kind: Callable[..., NativeClient] = NativeClient

    def _makeTransport(self) -> NativeClient:
        return self.transport_kind(self.host, self.port, self.bindAddress, self, self.reactor)
