"""
A TCP proxy that disturbs the bytes between two programs: :class:`FaultProxy`.

Use it if you cannot pull a cable: it needs no rights and no second machine. Put it between the two
programs, and add *toxics* (Toxiproxy's word) to either direction::

    proxy = FaultProxy("tcp:127.0.0.1:9999")
    port = await proxy.start()                  # let the client connect to this one
    proxy.downstream.add(Latency(0.2))          # bytes of the server arrive 0.2 s later
    proxy.upstream.add(Blackhole())             # bytes of the client do not arrive
    proxy.upstream.clear()                      # now they arrive
    await proxy.stop()

Each chunk passes the toxics in their order. The remaining bytes arrive after their delay and in the order
in which they were sent. The end of the stream arrives last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from random import Random
from typing import Any, ClassVar, Final

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred, DeferredList, inlineCallbacks, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.net.endpoints import client
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor

TRANSIT_BUFFER: Final = 256 * 1024
"""The bytes on their way in one direction from which the proxy stops reading, to slow the sender."""


class FaultProxy:
    """
    Listens, connects each client to a target, and applies toxics to the bytes between them.

    Args:
        target: the client endpoint to connect to, or its string.
        listen: the server endpoint to listen at, as a string. The default is a free port of this machine.
        reactor: the reactor. The default is Twisted's.
        clock: the clock for delays. The default is the reactor.
        random: the source of the random values of toxics.
    """

    def __init__(
        self,
        target: IStreamClientEndpoint | str,
        *,
        listen: str = "tcp:0:interface=127.0.0.1",
        reactor: Any = None,
        clock: IReactorTime | None = None,
        random: Random | None = None,
    ) -> None:
        reactor = the_reactor(reactor)
        self._reactor = reactor
        self._listen = listen
        self._listening: Any = None
        self._target = client(reactor, target) if isinstance(target, str) else target
        self._clock: IReactorTime = reactor if clock is None else the_reactor(clock)
        self._random = random or Random()
        self._connections: set[_Connection] = set()
        self.upstream = Toxics()
        """The toxics for bytes from the client to the target."""
        self.downstream = Toxics()
        """The toxics for bytes from the target to the client."""

    @property
    def port(self) -> int:
        """
        The port at which it listens.

        Raises:
            ValueError: the proxy is not started.
        """
        if self._listening is None:
            raise ValueError("the proxy does not listen: call start() first")
        return int(self._listening.getHost().port)

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, int]:
        """Listen. Return a Deferred of the port, which stays the same after the first start."""
        if self._listening is None:
            factory = Factory.forProtocol(lambda: _Connection(self).client)
            factory.noisy = False
            self._listening = yield serverFromString(self._reactor, self._listen).listen(factory)
            kind, port, *options = self._listen.split(":")
            if port == "0":
                self._listen = ":".join([kind, str(self.port), *options])
        return self.port

    enable = start

    @inlineCallbacks
    def disable(self) -> Generator[Deferred[Any], Any, None]:
        """
        Stop listening and reset all connections until ``enable()``, as if the program had ended.

        Returns:
            A Deferred that fires when all connections have ended.
        """
        listening, self._listening = self._listening, None
        if listening is not None:
            yield maybeDeferred(listening.stopListening)
        connections = list(self._connections)
        for each in connections:
            each.reset()
        yield DeferredList([each.ended for each in connections])

    stop = disable


@frozen(eq=False)
class Toxic:
    """A change to one direction of each connection. This class changes nothing."""

    holds: ClassVar[bool] = False
    """True if the toxic keeps all bytes back until it is removed."""

    def begin(self, direction: Direction) -> None:
        """Begin: a connection was made, or this toxic was added to an open one."""

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        """Return the pieces of these bytes, each with its delay in seconds. No pieces: they are lost."""
        return [(0.0, data)]

    def remove(self, direction: Direction) -> None:
        """End: this toxic was removed from an open connection."""


class Toxics:
    """The toxics of one direction in their order. A change applies to open connections too."""

    def __init__(self) -> None:
        self._toxics: list[Toxic] = []
        self._directions: list[Direction] = []
        self.received = 0
        """The bytes received in this direction so far, in all connections."""

    def add(self, toxic: Toxic) -> Toxic:
        """Add a toxic after the others. Return it."""
        self._toxics.append(toxic)
        for direction in list(self._directions):
            toxic.begin(direction)
        return toxic

    def remove(self, toxic: Toxic) -> None:
        """
        Remove a toxic that was added.

        Raises:
            ValueError: the toxic is not in the list.
        """
        self._toxics.remove(toxic)
        for direction in list(self._directions):
            direction.forget(toxic)
            toxic.remove(direction)
            direction.deliver()

    def clear(self) -> None:
        """Remove all toxics."""
        for toxic in list(self._toxics):
            self.remove(toxic)

    def __iter__(self) -> Iterator[Toxic]:
        return iter(self._toxics)


class _Connection:
    """The connection of a client, and its own connection to the target."""

    log = BoundedLogger()

    def __init__(self, proxy: FaultProxy) -> None:
        self.proxy = proxy
        self.client = _Socket(self)
        self.target = _Socket(self)
        self.ended: Deferred[None] = Deferred()
        self._directions = (
            Direction(self, proxy.upstream, self.client, self.target),
            Direction(self, proxy.downstream, self.target, self.client),
        )
        self.client.outgoing, self.target.outgoing = self._directions
        self._connecting: Deferred[Any] | None = None

    def opened(self, end: _Socket) -> None:
        """Go on after the client is connected, and again after the target is."""
        if end is self.client:
            self.proxy._connections.add(self)
            factory = Factory.forProtocol(lambda: self.target)
            factory.noisy = False
            self._connecting = self.proxy._target.connect(factory)
            self._connecting.addErrback(self._unreachable)
        else:
            self._connecting = None
            for direction in self._directions:
                direction.open()

    def _unreachable(self, failure: Failure) -> None:
        self._connecting = None
        if not failure.check(CancelledError):
            self.log.warn("the target cannot be reached: {reason}", reason=failure.getErrorMessage())
        self.reset()

    def lost(self, end: _Socket, reason: Failure) -> None:
        if end is self.client and self._connecting is not None:
            self._connecting.cancel()
        end.outgoing.end(clean=reason.check(ConnectionDone) is not None)
        if self.client.closed and (self.target.closed or self.target.transport is None):
            for direction in self._directions:
                direction.cancel()
            self.proxy._connections.discard(self)
            if not self.ended.called:
                self.ended.callback(None)

    def close(self) -> None:
        for end in (self.client, self.target):
            if end.transport is not None:
                end.transport.unregisterProducer()
                end.transport.loseConnection()

    def reset(self) -> None:
        for end in (self.client, self.target):
            if end.transport is not None:
                end.transport.abortConnection()


@implementer(IHalfCloseableProtocol)
class _Socket(Protocol):
    transport: Any

    outgoing: Direction
    """The direction that begins here."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.closed = False

    def connectionMade(self) -> None:
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self._connection.opened(self)

    def dataReceived(self, data: bytes) -> None:
        self.outgoing.receive(data)

    def readConnectionLost(self) -> None:
        self.outgoing.end(clean=True)

    def writeConnectionLost(self) -> None:
        """Do nothing: the end of the stream was passed on."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True
        self._connection.lost(self, reason)


@implementer(IPushProducer)
class Direction:
    """One direction of one connection: the bytes that have not arrived yet, with their times."""

    def __init__(
        self, connection: _Connection, toxics: Toxics, source: _Socket, destination: _Socket
    ) -> None:
        self.random = connection.proxy._random
        self.memory: dict[Toxic, Any] = {}
        """The state of each toxic for this direction."""
        self._connection = connection
        self._clock = connection.proxy._clock
        self._toxics = toxics
        self._source = source
        self._destination = destination
        self._open = False
        self._received: deque[bytes] = deque()  # chunks that have not passed the toxics
        self._delayed: deque[tuple[float, bytes]] = deque()  # pieces that have, with their arrival times
        self._size = 0  # bytes of both
        self._last_arrival = 0.0
        self._end: str | None = None  # "wanted" or "broken" until all bytes arrived, then "passed on"
        self._then_close = False
        self._blocked = False  # the transport of the destination paused this direction
        self._reading = True
        self._timers: dict[Toxic | None, IDelayedCall] = {}  # None: of the next arrival

    def later(self, toxic: Toxic | None, delay: float, act: Callable[[], None]) -> None:
        """Call ``act`` after ``delay`` seconds, unless the toxic or the connection ends before."""
        self.forget(toxic)
        self._timers[toxic] = self._clock.callLater(delay, act)

    def close(self) -> None:
        """Deliver the bytes on their way in this direction, then close the connection at both ends."""
        self._then_close = True
        self.deliver()

    def reset(self) -> None:
        """Reset the connection at both ends, at once."""
        self._connection.reset()

    def open(self) -> None:
        self._open = True
        self._toxics._directions.append(self)
        self._destination.transport.registerProducer(self, True)
        for toxic in self._toxics:
            toxic.begin(self)
        self.deliver()

    def receive(self, data: bytes) -> None:
        self._toxics.received += len(data)
        self._received.append(data)
        self._size += len(data)
        self.deliver()

    def end(self, *, clean: bool) -> None:
        """Take note that the source has sent its last byte or, unless ``clean``, was reset."""
        if not clean:
            self._end = "broken"
        elif self._end is None:
            self._end = "wanted"
        self.deliver()

    def forget(self, toxic: Toxic | None) -> None:
        """Cancel the timer of a toxic."""
        timer = self._timers.pop(toxic, None)
        if timer is not None and timer.active():
            timer.cancel()

    def cancel(self) -> None:
        """Cancel all timers, because the connection has ended."""
        for toxic in list(self._timers):
            self.forget(toxic)
        if self in self._toxics._directions:
            self._toxics._directions.remove(self)

    def deliver(self) -> None:
        """Write the bytes that are due, and then the end of the stream."""
        if self._open and not any(toxic.holds for toxic in self._toxics):
            self._apply_toxics()
            self._write_arrived()
        wants = self._size < TRANSIT_BUFFER and not self._blocked
        if wants != self._reading and self._end is None and not self._source.closed:
            self._reading = wants
            transport = self._source.transport
            (transport.resumeProducing if wants else transport.pauseProducing)()

    def _apply_toxics(self) -> None:
        now = self._clock.seconds()
        while self._received:
            data = self._received.popleft()
            self._size -= len(data)
            pieces = [(0.0, data)]
            for toxic in self._toxics:
                pieces = [
                    (delay + more, part)
                    for delay, piece in pieces
                    for more, part in toxic.delay(self, piece)
                ]
            for delay, piece in pieces:
                self._last_arrival = max(self._last_arrival, now + delay)
                self._delayed.append((self._last_arrival, piece))
                self._size += len(piece)

    def _write_arrived(self) -> None:
        now = self._clock.seconds()
        while self._delayed and self._delayed[0][0] <= now and not self._blocked:
            _, piece = self._delayed.popleft()
            self._size -= len(piece)
            if self._destination.closed:
                self.reset()  # the answer of a machine that has closed the connection
            else:
                self._destination.transport.write(piece)
        if self._delayed:
            if not self._blocked:
                self.later(None, self._delayed[0][0] - now, self.deliver)
        elif self._end == "broken":
            self._end = "passed on"
            self.reset()
        elif self._then_close:
            self._connection.close()
        elif self._end == "wanted":
            self._end = "passed on"
            self._pass_end_on()

    def _pass_end_on(self) -> None:
        if self._destination.outgoing._end == "passed on":
            self._connection.close()
        elif not self._destination.closed:
            self._destination.transport.loseWriteConnection()

    def pauseProducing(self) -> None:
        self._blocked = True
        self.deliver()

    def resumeProducing(self) -> None:
        self._blocked = False
        self.deliver()

    stopProducing = pauseProducing
