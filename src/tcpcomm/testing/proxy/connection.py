"""
One connection through a :class:`~tcpcomm.testing.proxy.proxy.FaultProxy`: two sockets and two directions.

Each chunk passes the toxics in their order. The remaining bytes arrive after their delay and in the order
in which they were sent. The end of the stream arrives last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final, cast

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.testing.proxy.toxics import Direction, Toxic

FULL: Final = 256 * 1024
"""The bytes on their way in one direction from which the proxy stops reading, to slow the sender."""


class Toxics:
    """The toxics of one direction in their order. A change applies to open connections too."""

    def __init__(self) -> None:
        self._toxics: list[Toxic] = []
        self._directions: list[_ProxiedDirection] = []
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

    def __len__(self) -> int:
        return len(self._toxics)


@define(eq=False)
class ProxyState:
    """The target, the toxics and the open connections of one proxy."""

    target: IStreamClientEndpoint
    clock: IReactorTime
    random: Random
    upstream: Toxics = field(init=False, factory=Toxics)
    downstream: Toxics = field(init=False, factory=Toxics)
    open: set[Connection] = field(init=False, factory=set)


class Connection:
    """The connection of a client, and its own connection to the target."""

    log = Logger()

    def __init__(self, proxy: ProxyState) -> None:
        self.proxy = proxy
        self.clock = proxy.clock
        self.random = proxy.random
        self.client = _Socket(self)
        self.target = _Socket(self)
        self.ended: Deferred[None] = Deferred()
        self._directions = (
            _ProxiedDirection(self, proxy.upstream, self.client, self.target),
            _ProxiedDirection(self, proxy.downstream, self.target, self.client),
        )
        self.client.outgoing, self.target.outgoing = self._directions
        self._connecting: Deferred[Any] | None = None

    def opened(self, end: _Socket) -> None:
        """Go on after the client is connected, and again after the target is."""
        if end is self.client:
            self.proxy.open.add(self)
            factory = Factory.forProtocol(lambda: self.target)
            factory.noisy = False
            self._connecting = self.proxy.target.connect(factory)
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
        """Go on after one of the two has ended."""
        if end is self.client and self._connecting is not None:
            self._connecting.cancel()
        end.outgoing.end(clean=reason.check(ConnectionDone) is not None)
        if self.client.closed and (self.target.closed or self.target.transport is None):
            for direction in self._directions:
                direction.cancel()
            self.proxy.open.discard(self)
            if not self.ended.called:
                self.ended.callback(None)

    def close(self) -> None:
        """Close both in order."""
        for end in (self.client, self.target):
            if end.transport is not None:
                cast("Any", end.transport).unregisterProducer()
                end.transport.loseConnection()

    def reset(self) -> None:
        """Reset both."""
        for end in (self.client, self.target):
            if end.transport is not None:
                cast("Any", end.transport).abortConnection()


@implementer(IHalfCloseableProtocol)
class _Socket(Protocol):
    """One of the two sockets."""

    outgoing: _ProxiedDirection
    """The direction that begins here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.closed = False

    def connectionMade(self) -> None:
        transport = cast("Any", self.transport)
        set_no_delay = getattr(transport, "setTcpNoDelay", None)
        if set_no_delay is not None:
            set_no_delay(True)
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
class _ProxiedDirection(Direction):
    """The bytes of one direction that have not arrived yet, with their times."""

    def __init__(
        self, connection: Connection, toxics: Toxics, source: _Socket, destination: _Socket
    ) -> None:
        self.random = connection.random
        self.memory: dict[Toxic, Any] = {}
        self._connection = connection
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
        self._timer: IDelayedCall | None = None  # of the next arrival
        self._timers: dict[Toxic, IDelayedCall] = {}

    # -- methods for toxics ------------------------------------------------------------------------------

    def later(self, toxic: Toxic, delay: float, act: Callable[[], None]) -> None:
        self.forget(toxic)
        self._timers[toxic] = self._connection.clock.callLater(delay, act)

    def close(self) -> None:
        self._then_close = True
        self.deliver()

    def reset(self) -> None:
        self._connection.reset()

    # -- called by the connection --------------------------------------------------------------------

    def open(self) -> None:
        """Begin: both sockets are connected."""
        self._open = True
        self._toxics._directions.append(self)
        cast("Any", self._destination.transport).registerProducer(self, True)
        for toxic in self._toxics:
            toxic.begin(self)
        self.deliver()

    def receive(self, data: bytes) -> None:
        """Take bytes from the source."""
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

    def forget(self, toxic: Toxic) -> None:
        """Cancel the timer of a toxic."""
        timer = self._timers.pop(toxic, None)
        if timer is not None and timer.active():
            timer.cancel()

    def cancel(self) -> None:
        """Cancel all timers, because the connection has ended."""
        for toxic in list(self._timers):
            self.forget(toxic)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self in self._toxics._directions:
            self._toxics._directions.remove(self)

    # -- delivery -------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Write the bytes that are due, and then the end of the stream."""
        if self._open and not any(toxic.holds for toxic in self._toxics):
            self._apply_toxics()
            self._write_arrived()
        wants = self._size < FULL and not self._blocked
        if wants != self._reading and self._end is None and not self._source.closed:
            self._reading = wants
            transport = cast("Any", self._source.transport)
            (transport.resumeProducing if wants else transport.pauseProducing)()

    def _apply_toxics(self) -> None:
        now = self._connection.clock.seconds()
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
        now = self._connection.clock.seconds()
        destination = cast("Any", self._destination.transport)
        while self._delayed and self._delayed[0][0] <= now and not self._blocked:
            _, piece = self._delayed.popleft()
            self._size -= len(piece)
            if self._destination.closed:
                self.reset()  # the answer of a machine that has closed the connection
            else:
                destination.write(piece)
        if self._delayed:
            self._start_timer(self._delayed[0][0] - now)
        elif self._end == "broken":
            self._end = "passed on"
            self.reset()
        elif self._then_close:
            self._connection.close()
        elif self._end == "wanted":
            self._end = "passed on"
            self._pass_end_on()

    def _pass_end_on(self) -> None:
        other = self._destination.outgoing
        if other._end == "passed on":
            self._connection.close()
        elif not self._destination.closed:
            cast("Any", self._destination.transport).loseWriteConnection()

    def _start_timer(self, delay: float) -> None:
        if self._timer is None and not self._blocked:
            self._timer = self._connection.clock.callLater(max(0.0, delay), self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self.deliver()

    # -- called by the destination's transport -------------------------------------------------------

    def pauseProducing(self) -> None:
        self._blocked = True
        self.deliver()

    def resumeProducing(self) -> None:
        self._blocked = False
        self.deliver()

    def stopProducing(self) -> None:
        self.pauseProducing()
