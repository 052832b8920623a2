"""
One connection through a :class:`~tcpcomm.testing.proxy.proxy.FaultProxy`: two ends, and a way in each direction.

On its way each chunk meets the toxics in their order; what they leave of it arrives when its delay is
over, always in the order in which it was sent, and so does the end of the stream.
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

from tcpcomm.testing.proxy.toxics import Toxic, Way

__all__ = ["Connection", "Passage", "Toxics"]

FULL: Final = 256 * 1024
"""Bytes under way in one direction, and no more is read: so a slow way slows the sender down."""


class Toxics:
    """The toxics of one direction, in their order. Changes apply to open connections too."""

    def __init__(self) -> None:
        self._toxics: list[Toxic] = []
        self._ways: list[_Way] = []
        self.received = 0
        """Bytes that came in this direction so far, in all connections."""

    def add(self, toxic: Toxic) -> Toxic:
        """Add a toxic, behind the others; return it."""
        self._toxics.append(toxic)
        for way in list(self._ways):
            toxic.begin(way)
        return toxic

    def remove(self, toxic: Toxic) -> None:
        """
        Remove a toxic that was added.

        Raises:
            ValueError: it is not there.
        """
        self._toxics.remove(toxic)
        for way in list(self._ways):
            way.forget(toxic)
            toxic.remove(way)
            way.deliver()

    def clear(self) -> None:
        """Remove all."""
        for toxic in list(self._toxics):
            self.remove(toxic)

    def __iter__(self) -> Iterator[Toxic]:
        return iter(self._toxics)

    def __len__(self) -> int:
        return len(self._toxics)


@define(eq=False)
class Passage:
    """What all connections through one proxy have in common."""

    target: IStreamClientEndpoint
    clock: IReactorTime
    random: Random
    upstream: Toxics = field(init=False, factory=Toxics)
    downstream: Toxics = field(init=False, factory=Toxics)
    open: set[Connection] = field(init=False, factory=set)


class Connection:
    """A client's connection, and the one to the target that belongs to it."""

    log = Logger()

    def __init__(self, proxy: Passage) -> None:
        self.proxy = proxy
        self.clock = proxy.clock
        self.random = proxy.random
        self.client = _End(self)
        self.target = _End(self)
        self.over: Deferred[None] = Deferred()
        self._ways = (
            _Way(self, proxy.upstream, self.client, self.target),
            _Way(self, proxy.downstream, self.target, self.client),
        )
        self.client.outward, self.target.outward = self._ways
        self._dialling: Deferred[Any] | None = None

    def opened(self, end: _End) -> None:
        """One of the two is connected: the client is first."""
        if end is self.client:
            self.proxy.open.add(self)
            factory = Factory.forProtocol(lambda: self.target)
            factory.noisy = False
            self._dialling = self.proxy.target.connect(factory)
            self._dialling.addErrback(self._unreachable)
        else:
            self._dialling = None
            for way in self._ways:
                way.open()

    def _unreachable(self, failure: Failure) -> None:
        self._dialling = None
        if not failure.check(CancelledError):
            self.log.warn("the target cannot be reached: {why}", why=failure.getErrorMessage())
        self.reset()

    def lost(self, end: _End, reason: Failure) -> None:
        """One of the two is over."""
        if end is self.client and self._dialling is not None:
            self._dialling.cancel()
        end.outward.end(clean=reason.check(ConnectionDone) is not None)
        if self.client.closed and (self.target.closed or self.target.transport is None):
            for way in self._ways:
                way.cancel()
            self.proxy.open.discard(self)
            if not self.over.called:
                self.over.callback(None)

    def close(self) -> None:
        """Close both ends, politely."""
        for end in (self.client, self.target):
            if end.transport is not None:
                cast("Any", end.transport).unregisterProducer()
                end.transport.loseConnection()

    def reset(self) -> None:
        """Reset both ends."""
        for end in (self.client, self.target):
            if end.transport is not None:
                cast("Any", end.transport).abortConnection()


@implementer(IHalfCloseableProtocol)
class _End(Protocol):
    """One of the two connections."""

    outward: _Way
    """The way that begins here."""

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
        self.outward.receive(data)

    def readConnectionLost(self) -> None:
        self.outward.end(clean=True)

    def writeConnectionLost(self) -> None:
        """The end of the other one's stream was passed on."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.closed = True
        self._connection.lost(self, reason)


@implementer(IPushProducer)
class _Way(Way):
    """One direction of one connection: what is under way, and when it arrives."""

    def __init__(self, connection: Connection, toxics: Toxics, source: _End, destination: _End) -> None:
        self.random = connection.random
        self.memory: dict[Toxic, Any] = {}
        self._connection = connection
        self._toxics = toxics
        self._source = source
        self._destination = destination
        self._open = False
        self._held: deque[bytes] = deque()  # came while the way was shut, and has met no toxic yet
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._latest = 0.0  # when the last of what is under way arrives
        self._end: str | None = None  # "wanted" or "broken": after what is under way; then "passed on"
        self._then_close = False
        self._blocked = False  # the destination takes no more for now
        self._reading = True
        self._arrival: IDelayedCall | None = None
        self._timers: dict[Toxic, IDelayedCall] = {}

    # -- what toxics use ------------------------------------------------------------------------------

    def later(self, toxic: Toxic, delay: float, act: Callable[[], None]) -> None:
        self.forget(toxic)
        self._timers[toxic] = self._connection.clock.callLater(delay, act)

    def close(self) -> None:
        self._then_close = True
        self.deliver()

    def reset(self) -> None:
        self._connection.reset()

    # -- what the connection tells --------------------------------------------------------------------

    def open(self) -> None:
        """Both ends are connected: what waited goes on its way."""
        self._open = True
        self._toxics._ways.append(self)
        cast("Any", self._destination.transport).registerProducer(self, True)
        for toxic in self._toxics:
            toxic.begin(self)
        self.deliver()

    def receive(self, data: bytes) -> None:
        """Bytes came from the source."""
        self._toxics.received += len(data)
        self._held.append(data)
        self._size += len(data)
        self.deliver()

    def end(self, *, clean: bool) -> None:
        """The source has sent its last byte or, unless ``clean``, was reset."""
        if not clean:
            self._end = "broken"
        elif self._end is None:
            self._end = "wanted"
        self.deliver()

    def forget(self, toxic: Toxic) -> None:
        """Do not do what the toxic wanted done later."""
        timer = self._timers.pop(toxic, None)
        if timer is not None and timer.active():
            timer.cancel()

    def cancel(self) -> None:
        """The connection is over."""
        for toxic in list(self._timers):
            self.forget(toxic)
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None
        if self in self._toxics._ways:
            self._toxics._ways.remove(self)

    # -- the way itself -------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Hand over what has arrived by now, and then the end if it has come to that."""
        if self._open and not any(toxic.holds for toxic in self._toxics):
            self._set_out()
            self._arrive()
        wants = self._size < FULL and not self._blocked
        if wants != self._reading and self._end is None and not self._source.closed:
            self._reading = wants
            transport = cast("Any", self._source.transport)
            (transport.resumeProducing if wants else transport.pauseProducing)()

    def _set_out(self) -> None:
        now = self._connection.clock.seconds()
        while self._held:
            data = self._held.popleft()
            self._size -= len(data)
            pieces = [(0.0, data)]
            for toxic in self._toxics:
                pieces = [
                    (delay + more, part)
                    for delay, piece in pieces
                    for more, part in toxic.delay(self, piece)
                ]
            for delay, piece in pieces:
                self._latest = max(self._latest, now + delay)
                self._under_way.append((self._latest, piece))
                self._size += len(piece)

    def _arrive(self) -> None:
        now = self._connection.clock.seconds()
        destination = cast("Any", self._destination.transport)
        while self._under_way and self._under_way[0][0] <= now and not self._blocked:
            _, piece = self._under_way.popleft()
            self._size -= len(piece)
            if self._destination.closed:
                self.reset()  # as a machine answers that has no such connection any more
            else:
                destination.write(piece)
        if self._under_way:
            self._arrive_later(self._under_way[0][0] - now)
        elif self._end == "broken":
            self._end = "passed on"
            self.reset()
        elif self._then_close:
            self._connection.close()
        elif self._end == "wanted":
            self._end = "passed on"
            self._pass_end_on()

    def _pass_end_on(self) -> None:
        other = self._destination.outward
        if other._end == "passed on":
            self._connection.close()
        elif not self._destination.closed:
            cast("Any", self._destination.transport).loseWriteConnection()

    def _arrive_later(self, delay: float) -> None:
        if self._arrival is None and not self._blocked:
            self._arrival = self._connection.clock.callLater(max(0.0, delay), self._arrived)

    def _arrived(self) -> None:
        self._arrival = None
        self.deliver()

    # -- what the destination's transport tells -------------------------------------------------------

    def pauseProducing(self) -> None:
        self._blocked = True
        self.deliver()

    def resumeProducing(self) -> None:
        self._blocked = False
        self.deliver()

    def stopProducing(self) -> None:
        self.pauseProducing()
