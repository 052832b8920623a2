"""
TCP as a program sees it, without a network: the connections of :mod:`tcpcomm.testing.network.wire`.

What is modelled is what programs stumble over. Bytes arrive in other pieces than they were sent in. What
is lost in the air is sent again after the cable is back, and nobody is told. A kernel acknowledges, and
accepts connections, for a program that hangs. Data for a socket that is gone is answered with a reset;
so is a close with data unread. A reset that is lost is not repeated. Buffers are finite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
)
from twisted.internet.interfaces import (
    IConsumer,
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IPushProducer,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from tcpcomm.testing.network.wire import Program

__all__ = ["Socket"]

KERNEL: Final = 64 * 1024
"""Bytes that a kernel takes from its program, and again that it keeps until the program reads."""

BUFFER: Final = 64 * 1024
"""Bytes beyond those at which a transport tells its producer to pause."""

RETRANSMISSION: Final = 0.2
"""Seconds until lost bytes are sent again; twice as long each time after."""

_DONE: Final = Failure(ConnectionDone())
_LOST: Final = Failure(ConnectionLost())
_ABORTED: Final = Failure(ConnectionAborted())


@implementer(ITCPTransport, IConsumer, IHalfCloseableDescriptor, IPushProducer)
class Socket:
    """One end of a connection: the transport that a protocol gets."""

    log = Logger()

    def __init__(self, program: Program, here: IPv4Address, there: IPv4Address, name: str) -> None:
        self.program = program
        self.machine = program.machine
        self.name = name
        """What the trace calls it."""
        self.peer: Socket
        self.protocol: Any = None
        self.open = True
        """Whether the program has it; what it wrote before may still be under way."""
        self.connected = True
        self.disconnecting = False
        self.factory: Any = None
        """What is to be told when it is over: the client's."""
        self._aborting = False
        self._here, self._there = here, there
        self._network = program.machine.network
        self._reading = True
        self._in = b""
        self._ended = False  # the peer will send no more,
        self._end_told = False  # and the program knows
        self._reset = False
        self._out = b""
        self._on_its_way = False
        self._full = False  # the peer's buffer is
        self._lost_at: float | None = None  # since when its bytes are lost on the way
        self._end: str | None = None  # "wanted", "queued" or "sent": of the stream from here to there
        self._producer: Any = None
        self._streaming = True
        self._producer_paused = False
        self._no_delay = self._keep_alive = False

    # -- what a protocol uses -------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if type(data) is not bytes:
            raise TypeError(f"Data must be bytes, not {type(data).__name__}")
        if not self.connected or self._end is not None or not data:
            return
        self._out += data
        if (
            self._producer is not None
            and self._streaming
            and not self._producer_paused
            and len(self._out) > KERNEL + BUFFER
        ):
            self._producer_paused = True
            self._producer.pauseProducing()
        if not self._on_its_way:
            self._send()

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self._reading = False
            if self._end in ("queued", "sent"):  # there is nothing more to be written
                self._lose(_DONE)
            else:
                self._soon(self._written)

    def abortConnection(self) -> None:
        if self.connected and not self._aborting:
            self._aborting = True
            self.disconnecting = True
            self._reading = False
            self._soon(self._abort)

    def loseWriteConnection(self) -> None:
        if self.connected and self._end is None:
            self._end = "wanted"
            self._soon(self._written)

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        if self.connected and not self.disconnecting and not self._reading:
            self._reading = True
            self._soon(self.read)

    def stopProducing(self) -> None:
        self.loseConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError(f"cannot register {producer}: {self._producer} is registered")
        if not self.connected:
            producer.stopProducing()
            return
        self._producer, self._streaming, self._producer_paused = producer, streaming, False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self._producer = None
        if self.connected and self.disconnecting:
            self._soon(self._written)

    def getPeer(self) -> IPv4Address:
        return self._there

    def getHost(self) -> IPv4Address:
        return self._here

    def getTcpNoDelay(self) -> bool:
        return self._no_delay

    def setTcpNoDelay(self, enabled: bool) -> None:
        self._no_delay = bool(enabled)

    def getTcpKeepAlive(self) -> bool:
        return self._keep_alive

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self._keep_alive = bool(enabled)

    def logPrefix(self) -> str:
        return self.name

    # -- what the program's reactor does --------------------------------------------------------------

    def accepted(self, protocol: Any) -> None:
        """The program has a protocol for it."""
        self.protocol = protocol
        self._guarded(protocol.makeConnection, self)
        if self._in or self._ended or self._reset:
            self.read()

    def read(self) -> None:
        """Give the protocol what is there, then tell it of the end."""
        if self.program.hung or self.protocol is None or not self.connected or not self.program.alive:
            return
        if self._in and self._reading:
            data, self._in = self._in, b""
            peer = self.peer
            if peer._full:
                peer._full = False
                peer._send()
            if self._network.trace is not None:
                self._network.note("read", self.name, data)
            self._guarded(self.protocol.dataReceived, data)
        if not self.connected or self._aborting:
            return
        if self._reset and not (self._in and self._reading):
            self._lose(_LOST)
        elif self._ended and not self._end_told and self._reading and not self._in:
            self._end_told = True
            self.readConnectionLost(_DONE)

    def readConnectionLost(self, reason: Failure) -> None:
        """The peer will send no more."""
        half_closeable = IHalfCloseableProtocol(self.protocol, None)
        if half_closeable is None:
            self._lose(reason)
        else:
            self._guarded(half_closeable.readConnectionLost)

    def writeConnectionLost(self, reason: Failure) -> None:
        """The end of the stream to the peer is handed to the kernel."""
        half_closeable = IHalfCloseableProtocol(self.protocol, None)
        if half_closeable is not None:
            self._guarded(half_closeable.writeConnectionLost)

    def _written(self) -> None:
        """The kernel has taken all, perhaps: go on with what waited for that."""
        if not self.connected or len(self._out) > KERNEL or self._aborting:
            return
        if self._producer is not None and (self._producer_paused or not self._streaming):
            self._producer_paused = False
            self._producer.resumeProducing()
        elif self.disconnecting:
            self._lose(_DONE)
        elif self._end == "wanted":
            self._end = "queued"
            self._send()
            self.writeConnectionLost(_DONE)

    def _abort(self) -> None:
        if self.connected:
            self._in = self._out = b""
            self._lose(_ABORTED, reset=True)

    def _lose(self, reason: Failure, *, reset: bool = False) -> None:
        """The connection is over for the program."""
        self.close(reset=reset)
        self.connected = False
        self.disconnecting = True
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        if self._network.trace is not None:
            self._network.note("lost", self.name, type(reason.value).__name__)
        protocol = self.protocol
        if protocol is not None:
            try:
                protocol.connectionLost(reason)
            except Exception:
                self.log.failure("{socket}: connectionLost failed", socket=self.name)
        if self.factory is not None:
            self.factory.doStop()

    def _guarded(self, handler: Callable[..., object], *arguments: object) -> None:
        """Do as Twisted does: a failure of the protocol is logged, and ends the connection."""
        try:
            handler(*arguments)
        except Exception:
            failure = Failure()
            self.log.failure("{socket}: unhandled error", failure, socket=self.name)
            if self.connected:
                self._lose(failure)

    def _soon(self, function: Callable[[], None]) -> None:
        self._network.clock.schedule(self.program, 0.0, function)

    # -- what the kernels do --------------------------------------------------------------------------

    def close(self, *, reset: bool = False) -> None:
        """Take it from the program. With data unread, or on demand, the peer gets a reset."""
        if not self.open:
            return
        self.open = False
        self.machine.sockets.pop(self, None)
        if self._reset:
            self._out = b""
            return
        if reset or self._in:
            self._out = b""
            self._in = b""
            self._end = "sent"
            self._network.later(self._reset_peer)
        elif self._end != "sent":
            self._end = "queued"
            self._send()

    def vanish(self) -> None:
        """The machine lost its power: nobody is told."""
        self.open = self.connected = False
        self._in = self._out = b""
        self._end = "sent"
        self._network.lost.pop(self, None)

    def send_again(self) -> None:
        """The way is free again: when the kernel tries next, what was lost arrives."""
        lost_at, self._lost_at = self._lost_at, None
        assert lost_at is not None
        wait = RETRANSMISSION
        at = lost_at + wait
        now = self._network.clock.now
        while at <= now:
            wait *= 2.0
            at += wait
        self._on_its_way = True
        self._network.clock.schedule(None, at - now, self._transmit)

    def end_from_outside(self) -> None:
        """Something on the way ends the stream from here to there."""
        if self._end not in ("queued", "sent"):
            self._end = "queued"
            self._send()

    def reset_from_outside(self) -> None:
        """Something on the way resets the connection."""
        if self.open:
            self._arrive_reset()

    @property
    def under_way(self) -> bool:
        """Whether bytes from here are on their way, or were lost and will be sent again."""
        return self._on_its_way or self._lost_at is not None

    def _send(self) -> None:
        if not self._on_its_way and self._lost_at is None and not self._full:
            self._on_its_way = True
            self._network.later(self._transmit)

    def _transmit(self) -> None:
        """Bytes are at the peer's machine, or are not."""
        self._on_its_way = False
        peer, network = self.peer, self._network
        if not self._out and self._end != "queued":
            return
        if not (self.machine.is_speaking and peer.machine.is_hearing):
            if self._lost_at is None:
                self._lost_at = network.clock.now
            network.lost[self] = None
            return
        if not peer.open:
            self._out = b""
            self._end = "sent"
            network.later(peer._reset_peer)
            return
        if self._out:
            size = min(network.cut(len(self._out)), KERNEL - len(peer._in))
            if size <= 0:
                self._full = True
                return
            data, self._out = self._out[:size], self._out[size:]
            if self._out or self._end == "queued":
                self._send()
            peer._in += data
            peer.read()
            if self.connected and (self.disconnecting or self._end == "wanted" or self._producer_paused):
                self._soon(self._written)
        else:
            self._end = "sent"
            peer._ended = True
            peer.read()

    def _reset_peer(self) -> None:
        """A reset from here is at the peer's machine, or is lost for good."""
        if self.machine.is_speaking and self.peer.machine.is_hearing:
            self.peer._arrive_reset()

    def _arrive_reset(self) -> None:
        self._out = b""
        self._end = "sent"
        self._network.lost.pop(self, None)
        if self.open and not self._reset:
            self._reset = True
            self.read()

    def awake(self) -> None:
        """The program goes on: what came meanwhile is read."""
        if self._in or self._ended or self._reset:
            self._soon(self.read)
