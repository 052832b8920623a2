"""
Where a session is put to the test: a reactor, a peer and a transport between them, all in memory.

:class:`Stage` runs turn by turn, as a reactor does: first the timers that are due, then what came in and
what can go out. Time passes only in :meth:`Stage.wait` (idle) and :meth:`Stage.be_busy` (no turn at all).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IPushProducer,
    ISSLTransport,
    ITransport,
)
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import alsoProvides, implementer

from tcpcomm import FrameFactory, FrameProtocol, FramingError
from tcpcomm.framing import Delimited, Framing

__all__ = [
    "PEER",
    "TOO_LONG",
    "BatchSpy",
    "Fault",
    "Logged",
    "Lost",
    "Spy",
    "Stage",
    "TLSTransport",
    "Transport",
    "recorded_log",
    "staged",
]

PEER = "192.168.0.10:50432"
"""The peer's name in logs."""

TOO_LONG = b"x" * 17
"""One byte more than the spies' ``max_frame``."""


@frozen
class Fault:
    """What ``framingFailed`` was told."""

    kind: type[FramingError]


@frozen
class Lost:
    """What ``sessionLost`` was told."""

    reason: str


class Spy(FrameProtocol):
    """Logs in ``seen`` all that it is told, in order; what it does is up to the test."""

    framing: Framing = Delimited(b";", max_frame=16)

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.on_ready: Callable[[], Any] = lambda: None
        self.on_frame: Callable[[bytes], Any] = lambda frame: None
        self.on_fault: Callable[[FramingError], Any] = lambda fault: None
        self.on_lost: Callable[[str], Any] = lambda reason: None

    def sessionReady(self) -> Any:
        return self.on_ready()

    def frameReceived(self, frame: bytes) -> Any:
        self.seen.append(frame)
        return self.on_frame(frame)

    def framingFailed(self, fault: FramingError) -> Any:
        self.seen.append(Fault(type(fault)))
        return self.on_fault(fault)

    def inputEnded(self) -> None:
        self.seen.append("input ended")
        super().inputEnded()

    def sessionLost(self, reason: str) -> Any:
        self.seen.append(Lost(reason))
        return self.on_lost(reason)


class BatchSpy(Spy):
    """Takes whole batches."""

    def framesReceived(self, frames: list[bytes]) -> Any:
        self.seen.append(frames)


@implementer(ITransport, IConsumer, IHalfCloseableDescriptor, IPushProducer)
class Transport:
    """
    A transport that behaves as Twisted's over TCP, and the peer at its other end.

    It takes any amount, says "pause" beyond 64 KiB, "resume" when all is handed over, and once it was told
    to close it closes when it is empty and has no producer.
    """

    BUFFER = 64 * 1024
    half_close = True

    def __init__(self, address: IAddress | None = None) -> None:
        self.address: IAddress | None = address or IPv4Address("TCP", *_split(PEER))
        self.protocol: Any = None
        self.writes: list[bytes] = []
        """What was written since the test looked last, one entry for each call."""
        self.received = bytearray()
        """What the peer has read."""
        self.appetite: int | None = None
        """Bytes that the peer reads in one turn; None: all there are, 0: nothing."""
        self.reading = True
        """Whether the session is being read from."""
        self.polite = True
        """Whether the peer closes when it sees that the session has ended its sending."""
        self.shut = False
        """Whether the session has ended its sending."""
        self.ended: str | None = None
        """How the session ended the connection: ``closed`` or ``aborted``."""
        self.lost = False
        self._buffer = bytearray()
        self._producer: Any = None
        self._producer_paused = False
        self._arriving: list[bytes] = []
        self._peer_ended = self._read_to_end = self._end_seen = False

    # -- what the peer does

    def arrive(self, *chunks: bytes) -> None:
        """The peer sent; each chunk is what one read of the socket will give."""
        self._arriving += chunks

    def end_input(self) -> None:
        """The peer shut its sending side."""
        self._peer_ended = True

    def break_off(self, error: BaseException) -> None:
        """The connection is gone."""
        self.lost = True
        if self._producer is not None:
            self._producer.stopProducing()
        self.protocol.connectionLost(Failure(error))

    def turn(self) -> bool:
        """What one turn of the reactor does; false if that is nothing."""
        return not self.lost and (self._send() or self._end() or self._read())

    def _send(self) -> bool:
        size = len(self._buffer) if self.appetite is None else min(self.appetite, len(self._buffer))
        if not size:
            return False
        self.received += self._buffer[:size]
        del self._buffer[:size]
        if not self._buffer and self._producer_paused:
            self._producer_paused = False
            self._producer.resumeProducing()
        return True

    def _end(self) -> bool:
        if self.ended == "aborted":
            self.break_off(ConnectionAborted())
        elif self._buffer or self._producer is not None:
            return False
        elif self.ended == "closed" and self._may_close():
            self.break_off(ConnectionDone())
        elif self.shut and not self._end_seen:
            self._end_seen = True
            self._peer_ended = self._peer_ended or (self.polite and not self._read_to_end)
            self.writeConnectionLost(Failure(ConnectionDone()))
            return True
        return self.lost

    def _may_close(self) -> bool:
        return True

    def _read(self) -> bool:
        if not self.reading or self.ended:
            return False
        if self._arriving:
            self.protocol.dataReceived(self._arriving.pop(0))
            return True
        if self._peer_ended:
            self._peer_ended, self._read_to_end = False, True
            self.readConnectionLost(Failure(ConnectionDone()))
            return True
        return False

    def readConnectionLost(self, reason: Failure) -> None:
        if self.half_close and IHalfCloseableProtocol.providedBy(self.protocol):
            self.protocol.readConnectionLost()
        else:
            self.break_off(ConnectionDone())

    def writeConnectionLost(self, reason: Failure) -> None:
        self.protocol.writeConnectionLost()

    # -- what the session does

    def getPeer(self) -> Any:
        return self.address

    def getHost(self) -> Any:
        return IPv4Address("TCP", "192.168.0.1", 9999)

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        assert self.ended is None
        assert not self.shut
        self.writes.append(data)
        self._buffer += data
        if len(self._buffer) > self.BUFFER and self._producer is not None:
            self._producer_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Any) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        assert self.ended is None
        self.ended = "closed"

    def loseWriteConnection(self) -> None:
        assert self.half_close
        assert not self.shut
        self.shut = True

    def abortConnection(self) -> None:
        assert self.ended != "aborted"
        self.ended = "aborted"
        self._buffer.clear()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert self._producer is None
        assert streaming
        self._producer = producer

    def unregisterProducer(self) -> None:
        assert self._producer is not None
        self._producer = None

    def pauseProducing(self) -> None:
        assert self.reading
        assert not self._read_to_end
        self.reading = False

    def resumeProducing(self) -> None:
        assert not self.reading
        assert not self._read_to_end
        assert self.ended is None
        self.reading = True

    def stopProducing(self) -> None:
        self.loseConnection()

    # -- what the test asks

    def sent(self) -> list[bytes]:
        """What was written since this was asked last, one entry for each call."""
        writes, self.writes = self.writes, []
        return writes


class TLSTransport(Transport):
    """The same over TLS: ready after the handshake, closed once the peer's goodbye is read, not by half."""

    half_close = False

    def __init__(self, address: IAddress | None = None) -> None:
        super().__init__(address)
        alsoProvides(self, ISSLTransport)

    def complete_handshake(self) -> None:
        """The handshake is done."""
        self.protocol.handshakeCompleted()

    def _may_close(self) -> bool:
        return self.reading


class ReactorClock(Clock):
    """A clock that runs its calls as a reactor does: in one turn only those that were due before it."""

    def turn(self) -> bool:
        """Run what is due; false if nothing was."""
        due = [call for call in self.calls if call.getTime() <= self.seconds()]
        for call in sorted(due, key=lambda call: call.getTime()):
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)
        return bool(due)

    def next_time(self) -> float | None:
        """When the next call is due."""
        return min((call.getTime() for call in self.calls), default=None)


class Stage:
    """
    A reactor, a factory, and one session on a transport.

    Args:
        protocol: the session's class, or what makes one.
        transport: by default plain TCP.
        options: for the factory.
    """

    def __init__(
        self, protocol: Any = Spy, *, transport: Transport | None = None, **options: Any
    ) -> None:
        self.clock = ReactorClock()
        self.clock.rightNow = 1000.0
        self.factory = FrameFactory(protocol, clock=self.clock, **options)
        self.transport = transport or Transport()
        self.session: Any = self.factory.buildProtocol(self.transport.address)
        self.transport.protocol = self.session

    def connect(self) -> Stage:
        """Connect the session to its transport."""
        self.session.makeConnection(self.transport)
        return self

    def turn(self) -> bool:
        """One turn of the reactor; false if nothing happened."""
        timers = self.clock.turn()
        return self.transport.turn() or timers

    def settle(self) -> None:
        """Turn until nothing happens any more without time passing."""
        for _ in range(10_000):
            if not self.turn():
                return
        raise AssertionError("the reactor spins")

    def receive(self, *chunks: bytes) -> None:
        """Let chunks arrive, and settle."""
        self.transport.arrive(*chunks)
        self.settle()

    def wait(self, seconds: float) -> None:
        """Let time pass, from one timer to the next."""
        end = self.clock.rightNow + seconds
        self.settle()
        while (due := self.clock.next_time()) is not None and due <= end:
            self.clock.rightNow = due
            self.settle()
        self.clock.rightNow = end

    def be_busy(self, seconds: float) -> None:
        """Let time pass while the process does something else, and no turn happens."""
        self.clock.rightNow += seconds


def staged(protocol: Any = Spy, **options: Any) -> Stage:
    """A stage whose session is connected."""
    return Stage(protocol, **options).connect()


@define
class Logged:
    """What was logged by tcpcomm, or as a failure by anyone."""

    events: list[LogEvent] = field(factory=list)
    connected: list[str] = field(factory=list)
    """The lines that tell that a session has begun, apart: every test has some."""

    def lines(self) -> list[str]:
        """The texts of all events at level info and above, and forget them."""
        told = [event for event in self.events if event["log_level"] >= LogLevel.info]
        self.events.clear()
        return [formatEvent(event) for event in told]

    def failures(self) -> list[str]:
        """The same, but with only the failures, each with the class of the exception."""
        failed = [event for event in self.events if "log_failure" in event]
        assert [] == [event for event in self.events if event not in failed and _is_told(event)]
        self.events.clear()
        return [f"{formatEvent(event)} ({event['log_failure'].type.__name__})" for event in failed]


_records: list[Logged] = []


SESSION_BEGAN = "{peer}: connected{proven}"
SESSION_ENDED = "{peer}: the session ended: {reason}"
"""What FrameProtocol logs of every session, the second unless a subclass does it otherwise."""


def _is_told(event: LogEvent) -> bool:
    return bool(event["log_level"] >= LogLevel.info) and event["log_format"] != SESSION_ENDED


@contextmanager
def recorded_log() -> Iterator[Logged]:
    """
    Record what is logged; it fails if something is left at the end that was not asked for.

    Within another record it takes the events for itself.
    """
    logged = Logged()
    _records.append(logged)

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if _records[-1] is not logged:
            return
        if event.get("log_namespace", "").startswith(("tcpcomm", "tests")) or "log_failure" in event:
            if event.get("log_format") == SESSION_BEGAN:
                logged.connected.append(formatEvent(event))
            else:
                logged.events.append(event)

    globalLogPublisher.addObserver(observe)
    try:
        yield logged
    finally:
        globalLogPublisher.removeObserver(observe)
        _records.pop()
    assert [] == logged.failures()


def _split(name: str) -> tuple[str, int]:
    host, _, port = name.rpartition(":")
    return host, int(port)
