"""
The TCP connections of the simulated network, and the parts of the network and machines that they use.

The model has the properties of TCP that cause errors in programs. Bytes arrive in other chunks than they
were sent. Lost bytes are sent again after the cable is back, without a report. The kernel acknowledges
data, and accepts connections, for a program that hangs. It answers data for a closed socket, and a close
with unread data, with a reset. A lost reset is not repeated. Buffers are finite.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
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

from tcpcomm.testing.network.clock import Program, VirtualClock
from tcpcomm.testing.network.name_server import NameServer

_KERNEL_BUFFER: Final = 64 * 1024
"""The bytes of the kernel's send buffer, and of its receive buffer."""

_TRANSPORT_BUFFER: Final = 64 * 1024
"""The additional bytes from which a transport pauses its producer."""

_RETRANSMIT_DELAY: Final = 0.2
"""The seconds until lost bytes are sent again. It doubles after each attempt."""

_DONE: Final = Failure(ConnectionDone())
_LOST: Final = Failure(ConnectionLost())
_ABORTED: Final = Failure(ConnectionAborted())


class BaseNetwork:
    """The path of all bytes: its clock, its delays, its losses and its trace."""

    def __init__(
        self,
        seed: int = 0,
        *,
        delay: tuple[float, float] = (0.0001, 0.002),
        cuts: float = 0.1,
        traced: bool = False,
    ) -> None:
        self.machines: dict[str, Any] = {}
        self.random = Random(seed)
        self.clock = VirtualClock()
        self.name_server = NameServer(self.clock, self.machines)
        """Answers the programs that connect by name."""
        self.lost: dict[Socket, None] = {}
        """The sockets with lost bytes, which will be sent again."""
        self.trace: list[tuple[float, str, str, object]] | None = [] if traced else None
        """The events so far: time in seconds, kind, machine or socket, and details. None if not traced."""
        self._shortest, self._longest = delay
        self._slower = 0.0
        self._cuts = cuts
        self._ports = 49151

    def slow_down(self, delay: float) -> None:
        """Add ``delay`` seconds to the time that all bytes need. 0 ends it."""
        self._slower = delay
        self.note("slow down", "network", delay)

    def note(self, what: str, where: str, detail: object = None) -> None:
        """Add an event to the trace."""
        if self.trace is not None:
            self.trace.append((round(self.clock.now, 9), what, where, detail))

    def transit(self) -> float:
        """Return the seconds that the next bytes need."""
        shortest = self._shortest
        return self._slower + shortest + (self._longest - shortest) * self.random.random()

    def later(self, function: Callable[[], None]) -> None:
        """Call a function when bytes that leave now arrive."""
        self.clock.callLater(self.transit(), function)

    def cut(self, size: int) -> int:
        """Return how many of ``size`` bytes arrive in one chunk."""
        if self._cuts and size > 1 and self.random.random() < self._cuts:
            return self.random.randrange(1, size)
        return size

    def ephemeral_port(self) -> int:
        """Return a port number for the next connection."""
        self._ports += 1
        return self._ports


class BaseMachine:
    """The program of a machine, its cable, and the tables of its kernel."""

    def __init__(self, network: BaseNetwork, name: str, address: str) -> None:
        self.network = network
        self.name = name
        self.address = address
        self.program = Program(network.clock)
        self.ports: dict[int, Any] = {}
        self.sockets: dict[Socket, None] = {}
        """The connections of the program."""
        self.attempts: dict[object, None] = {}
        """The connects of the program that have no result yet."""
        self.is_hearing = True
        """True if bytes that are sent to it arrive."""
        self.is_speaking = True
        """True if bytes that it sends arrive."""
        self.repeats_after: float | None = None
        """The seconds after which the next bytes that it sends are sent again, or None."""


@implementer(ITCPTransport, IConsumer, IHalfCloseableDescriptor, IPushProducer)
class Socket:
    """One end of a connection: the transport that a protocol gets."""

    log = Logger()

    def __init__(
        self, machine: BaseMachine, program: Program, here: IPv4Address, there: IPv4Address, name: str
    ) -> None:
        self.machine = machine
        self.program = program
        self.name = name
        self.peer: Socket
        self.protocol: Any = None
        self.open = True
        """True until the program closes it. Written bytes may still be on their way then."""
        self.connected = True
        self.disconnecting = False
        self.factory: Any = None
        """The factory of a client, to call ``doStop`` at the end. None for a server."""
        self._aborting = False
        self._here, self._there = here, there
        self._network = machine.network
        self._reading = True
        self._in = b""
        self._peer_ended = False  # the peer will not send further bytes
        self._end_reported = False  # and the program knows it
        self._reset = False
        self._out = b""
        self._in_transit = False
        self._peer_is_full = False  # its receive buffer has no room
        self._lost_at: float | None = None  # the time of the first bytes that were lost
        self._end: str | None = None  # of the outgoing stream: "wanted", "queued" or "sent"
        self._producer: Any = None
        self._streaming = True
        self._producer_paused = False
        self._no_delay = self._keep_alive = False

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
            and len(self._out) > _KERNEL_BUFFER + _TRANSPORT_BUFFER
        ):
            self._producer_paused = True
            self._producer.pauseProducing()
        if not self._in_transit:
            self._send()
        after = self.machine.repeats_after
        if after is not None:
            self.machine.repeats_after = None
            self._network.clock.callLater(after, self.write, data)

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        if self.connected and not self.disconnecting:
            self.disconnecting = True
            self._reading = False
            if self._end in ("queued", "sent"):  # nothing more can be written
                self._lose(_DONE)
            else:
                self.program.callLater(0.0, self._written)

    def abortConnection(self) -> None:
        if self.connected and not self._aborting:
            self._aborting = True
            self.disconnecting = True
            self._reading = False
            self.program.callLater(0.0, self._lose, _ABORTED, reset=True)

    def loseWriteConnection(self) -> None:
        if self.connected and self._end is None:
            self._end = "wanted"
            self.program.callLater(0.0, self._written)

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        if self.connected and not self.disconnecting and not self._reading:
            self._reading = True
            self.program.callLater(0.0, self.read)

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
            self.program.callLater(0.0, self._written)

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

    def attach(self, protocol: Any) -> None:
        self.protocol = protocol
        self._guarded(protocol.makeConnection, self)
        if self._in or self._peer_ended or self._reset:
            self.read()

    def read(self) -> None:
        """Pass the received bytes to the protocol, then report the end of the stream."""
        if self.program.hung or self.protocol is None or not self.connected or not self.program.alive:
            return
        if self._in and self._reading:
            data, self._in = self._in, b""
            peer = self.peer
            if peer._peer_is_full:
                peer._peer_is_full = False
                peer._send()
            self._network.note("read", self.name, data)
            self._guarded(self.protocol.dataReceived, data)
        if not self.connected or self._aborting:
            return
        if self._reset and not (self._in and self._reading):
            self._lose(_LOST)
        elif self._peer_ended and not self._end_reported and self._reading and not self._in:
            self._end_reported = True
            self.readConnectionLost(_DONE)

    def readConnectionLost(self, reason: Failure) -> None:
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is None:
            self._lose(reason)
        else:
            self._guarded(protocol.readConnectionLost)

    def writeConnectionLost(self, reason: Failure) -> None:
        protocol = IHalfCloseableProtocol(self.protocol, None)
        if protocol is not None:
            self._guarded(protocol.writeConnectionLost)

    def _written(self) -> None:
        """Continue the producer, the close or the end of the stream, if the kernel has taken all bytes."""
        if not self.connected or len(self._out) > _KERNEL_BUFFER or self._aborting:
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

    def _lose(self, reason: Failure, *, reset: bool = False) -> None:
        if not self.connected:
            return
        self.close(reset=reset)
        self.connected = False
        self.disconnecting = True
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        self._network.note("lost", self.name, type(reason.value).__name__)
        if self.protocol is not None:
            try:
                self.protocol.connectionLost(reason)
            except Exception:
                self.log.failure("{socket}: connectionLost failed", socket=self.name)
        if self.factory is not None:
            self.factory.doStop()

    def _guarded(self, handler: Callable[..., object], *arguments: object) -> None:
        """Call the protocol. If it raises, log the failure and end the connection, as Twisted does."""
        try:
            handler(*arguments)
        except Exception:
            failure = Failure()
            self.log.failure("{socket}: unhandled error", failure, socket=self.name)
            self._lose(failure)

    def close(self, *, reset: bool = False) -> None:
        """Close the socket of the program. Send a reset on demand, or if data is unread."""
        if not self.open:
            return
        self.open = False
        self.machine.sockets.pop(self, None)
        if self._reset:
            return
        if reset or self._in:
            self._in = self._out = b""
            self._end = "sent"
            self._network.later(self._reset_peer)
        elif self._end != "sent":
            self._end = "queued"
            self._send()

    def vanish(self) -> None:
        """Remove the socket without a message to the peer, because the machine lost its power."""
        self.open = self.connected = False
        self._in = self._out = b""
        self._end = "sent"
        self._network.lost.pop(self, None)

    def retransmit(self) -> None:
        """Send lost bytes at the kernel's next attempt, because the network works again."""
        lost_at, self._lost_at = self._lost_at, None
        assert lost_at is not None
        now, delay = self._network.clock.now, _RETRANSMIT_DELAY
        at = lost_at + delay
        while at <= now:
            delay *= 2.0
            at += delay
        self._in_transit = True
        self._network.clock.callLater(at - now, self._transmit)

    def end_from_outside(self) -> None:
        """End the outgoing stream, as a device on the path could."""
        if self._end not in ("queued", "sent"):
            self._end = "queued"
            self._send()

    def reset_from_outside(self) -> None:
        """Reset the connection, as a device on the path could."""
        if self.open:
            self._receive_reset()

    def has_unread_input(self) -> bool:
        """Return True if received bytes, or the end of the stream, wait until the program reads them."""
        return bool(self._in) or self._reset or (self._peer_ended and not self._end_reported)

    @property
    def under_way(self) -> bool:
        """True if sent bytes have not arrived yet, or were lost and will be sent again."""
        return self._in_transit or self._lost_at is not None

    def _send(self) -> None:
        if not self._in_transit and self._lost_at is None and not self._peer_is_full:
            self._in_transit = True
            self._network.later(self._transmit)

    def _transmit(self) -> None:
        self._in_transit = False
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
            size = min(network.cut(len(self._out)), _KERNEL_BUFFER - len(peer._in))
            if size <= 0:
                self._peer_is_full = True
                return
            data, self._out = self._out[:size], self._out[size:]
            if self._out or self._end == "queued":
                self._send()
            peer._in += data
            network.note("arrive", peer.name, data)
            peer.read()
            if self.connected and (self.disconnecting or self._end == "wanted" or self._producer_paused):
                self.program.callLater(0.0, self._written)
        else:
            self._end = "sent"
            peer._peer_ended = True
            peer.read()

    def _reset_peer(self) -> None:
        if self.machine.is_speaking and self.peer.machine.is_hearing:
            self.peer._receive_reset()

    def _receive_reset(self) -> None:
        self._out = b""
        self._end = "sent"
        self._network.lost.pop(self, None)
        if self.open and not self._reset:
            self._reset = True
            self.read()

    def resume(self) -> None:
        """Read what arrived while the program was hung."""
        if self._in or self._peer_ended or self._reset:
            self.program.callLater(0.0, self.read)
