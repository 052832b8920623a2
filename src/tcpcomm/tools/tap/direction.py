"""
One direction of a relayed connection: :class:`Direction` holds the bytes that are on their way.

A :class:`Passage` sees each chunk, and returns the pieces that go on. Each piece passes the *toxics*
(Toxiproxy's word) of its direction, and arrives after its delay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from math import inf, isinf
from random import Random
from typing import Any, ClassVar, Final, Protocol

from attrs import define, frozen
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

TRANSIT_BUFFER: Final = 256 * 1024
"""
Bytes on their way in one direction of a connection, through a tap or a ``FaultProxy``. The sender is not
read until some have left.
"""

Act = Callable[[], object]
Piece = tuple[float, bytes | Act]
"""Seconds after which bytes arrive, or an act is due once the bytes before it have arrived."""


class End(Protocol):
    """One end of a relayed connection."""

    transport: Any
    closed: bool
    outgoing: Direction
    """The direction that begins here."""


class Owner(Protocol):
    """The connection of a direction."""

    random: Random
    clock: IReactorTime
    number: int
    passage: Passage

    def is_client(self, end: End) -> bool:
        """Return True if an end belongs to the client."""

    def close(self) -> None:
        """Close both ends."""

    def reset(self) -> None:
        """Reset both ends."""


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
        self._toxics: list[tuple[Toxic, int | None]] = []
        self._directions: list[Direction] = []
        self.received = 0
        """The bytes received in this direction so far, in all connections."""

    def add(self, toxic: Toxic, *, only: int | None = None) -> Toxic:
        """
        Add a toxic after the others. Return it.

        Args:
            toxic: the toxic.
            only: the number of the connection that it is for; None: all.
        """
        self._toxics.append((toxic, only))
        for direction in self._directions.copy():
            if only in (None, direction.number):
                toxic.begin(direction)
                direction.deliver()
        return toxic

    def remove(self, toxic: Toxic) -> None:
        """
        Remove a toxic that was added.

        Raises:
            ValueError: the toxic is not in the list.
        """
        [*all_] = self
        only = self._toxics.pop(all_.index(toxic))[1]
        for direction in self._directions.copy():
            if only in (None, direction.number):
                direction.forget(toxic)
                toxic.remove(direction)
                direction.deliver()

    def clear(self) -> None:
        """Remove all toxics."""
        for toxic in list(self):
            self.remove(toxic)

    def of(self, number: int) -> list[Toxic]:
        """Return the toxics of a connection, by its number."""
        return [toxic for toxic, only in self._toxics if only in (None, number)]

    def __iter__(self) -> Iterator[Toxic]:
        return iter([toxic for toxic, _ in self._toxics])

    def join(self, direction: Direction) -> None:
        """Apply the toxics to a direction that has begun."""
        self._directions.append(direction)
        for toxic in self.of(direction.number):
            toxic.begin(direction)

    def leave(self, direction: Direction) -> None:
        """Forget a direction that has ended."""
        if direction in self._directions:
            self._directions.remove(direction)


class Passage:
    """The place where the chunks of one connection pass. This class passes them as they came."""

    def opened(self) -> None:
        """Note that the client has connected."""

    def connected(self) -> None:
        """Note that the target is connected, too."""

    def unreachable(self, failure: Failure) -> None:
        """Note that the target cannot be reached."""

    def take(self, data: bytes, *, upstream: bool) -> Iterable[Piece]:
        """Take a chunk. Return the pieces that go on."""
        return [(0.0, data)]

    def end(self, *, upstream: bool) -> Iterable[Piece]:
        """Take note that the source of a direction has sent all. Return the pieces that were held back."""
        return []

    def finished(self, *, at_client: bool) -> None:
        """Note that one end has finished sending; its last bytes may still be on their way."""

    def lost(self, *, at_client: bool, failure: Failure) -> None:
        """Note that the connection of one end is gone."""

    def closed(self) -> None:
        """Note that both ends are gone."""


@define(eq=False)
class _Pending:
    """Bytes on their way, with the time at which they may arrive, or an act behind them."""

    due: float
    what: bytes | Act

    @property
    def size(self) -> int:
        return len(self.what) if isinstance(self.what, bytes) else 0


@implementer(IPushProducer)
class Direction:
    """One direction of one connection: the bytes that have not arrived yet, with their times."""

    def __init__(self, connection: Owner, toxics: Toxics, source: End, destination: End) -> None:
        self.random = connection.random
        self.number = connection.number
        self.memory: dict[Toxic, Any] = {}
        """The state of each toxic for this direction."""
        self.is_mute = False
        """True if the bytes, and the end, are lost: the connection is half open."""
        self._connection = connection
        self._clock = connection.clock
        self._toxics = toxics
        self._source = source
        self._destination = destination
        self._open = False
        self._received: deque[bytes] = deque()  # chunks that have not passed the toxics
        self._pending: deque[_Pending] = deque()  # pieces that have
        self._size = 0  # bytes of both
        self._end: str | None = None  # "wanted" or "broken" until all bytes arrived, then "passed on"
        self._then_close = False
        self._blocked = False  # the transport of the destination paused this direction
        self._reading = True
        self._timers: dict[Toxic | None, IDelayedCall] = {}  # None: of the next arrival

    @property
    def size(self) -> int:
        """The bytes that are on their way."""
        return self._size

    @property
    def has_ended(self) -> bool:
        """True if the source has sent its last byte."""
        return self._end is not None

    @property
    def toxics(self) -> list[Toxic]:
        """The toxics that apply here."""
        return self._toxics.of(self.number)

    def seconds(self) -> float:
        """Return the time of the clock for delays."""
        return self._clock.seconds()

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
        """Begin: both ends are connected."""
        self._open = True
        self._destination.transport.registerProducer(self, True)
        self._toxics.join(self)
        self.deliver()

    def receive(self, data: bytes) -> None:
        """Take a chunk from the source."""
        self._toxics.received += len(data)
        if self.is_mute:
            return
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
        self._toxics.leave(self)

    def send(self, pieces: Iterable[Piece]) -> None:
        """Let pieces go on that the passage held back."""
        self._put(pieces)
        self.deliver()

    def release(self) -> None:
        """Let the pieces arrive that wait without end, and those behind them."""
        now = self._clock.seconds()
        for each in self._pending:
            if isinf(each.due):
                each.due = now
        self.deliver()

    def deliver(self) -> None:
        """Write the bytes that are due, and then the end of the stream."""
        if self._open and self.is_mute:
            self._received.clear()
            self._pending.clear()
            self._size = 0
        elif self._open and not any(toxic.holds for toxic in self.toxics):
            self._take_received()
            self._write_arrived()
        wants = self._size < TRANSIT_BUFFER and not self._blocked
        if wants != self._reading and self._end is None and not self._source.closed:
            self._reading = wants
            transport = self._source.transport
            (transport.resumeProducing if wants else transport.pauseProducing)()

    def _take_received(self) -> None:
        passage, upstream = self._connection.passage, self._connection.is_client(self._source)
        while self._received:
            data = self._received.popleft()
            self._size -= len(data)
            self._put(passage.take(data, upstream=upstream))
        if self._end == "wanted":
            self._end = "flushed"
            self._put(passage.end(upstream=upstream))

    def _put(self, pieces: Iterable[Piece]) -> None:
        """Let each piece pass the toxics, and then wait for its time."""
        now = self._clock.seconds()
        toxics = self.toxics
        for delay, what in pieces:
            parts: list[Piece] = [(delay, what)]
            for toxic in toxics:
                if isinstance(what, bytes):
                    parts = [
                        (earlier + more, part)
                        for earlier, piece in parts
                        if isinstance(piece, bytes)
                        for more, part in toxic.delay(self, piece)
                    ]
            for until, part in parts:
                pending = _Pending(now + until, part)
                self._pending.append(pending)
                self._size += pending.size

    def _write_arrived(self) -> None:
        now = self._clock.seconds()
        while self._pending and self._pending[0].due <= now and not self._blocked and not self.is_mute:
            pending = self._pending.popleft()
            self._size -= pending.size
            if not isinstance(pending.what, bytes):
                pending.what()
            elif self._destination.closed:
                self.reset()  # the answer of a machine that has closed the connection
            else:
                self._destination.transport.write(pending.what)
        if self.is_mute:
            return
        if self._pending:
            if not self._blocked and self._pending[0].due != inf:
                self.later(None, self._pending[0].due - now, self.deliver)
        elif self._end == "broken":
            self._end = "passed on"
            self.reset()
        elif self._then_close:
            self._connection.close()
        elif self._end == "flushed":
            self._end = "passed on"
            self._pass_end_on()

    def _pass_end_on(self) -> None:
        if self._destination.outgoing._end == "passed on":
            self._connection.close()
        elif not self._destination.closed:
            end_stream(self._destination.transport)

    def pauseProducing(self) -> None:
        self._blocked = True
        self.deliver()

    def resumeProducing(self) -> None:
        self._blocked = False
        self.deliver()

    def stopProducing(self) -> None:
        """Read on: the destination is gone, and the end of the source must still be noticed."""
        self._blocked = False
        self.deliver()


def end_stream(transport: Any) -> None:
    """End the sent stream. TLS has no half-close that peers heed, so its connection is closed."""
    if is_tls(transport):
        transport.unregisterProducer()  # TLS waits for its producer before it closes
        transport.loseConnection()
    else:
        transport.loseWriteConnection()


def is_tls(transport: Any) -> bool:
    """Return True if a transport encrypts."""
    return hasattr(transport, "getPeerCertificate")
