"""
A stage on which a session is tested: a reactor, a peer and a transport between them, all in memory.

:class:`Stage` runs turn by turn, as a reactor does: first the timers that are due, then received and sent
bytes. Time passes only in :meth:`Stage.wait` (idle) and :meth:`Stage.be_busy` (without a turn).
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
    "ReactorClock",
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
    """A call of ``framingFailed``."""

    kind: type[FramingError]


@frozen
class Lost:
    """A call of ``sessionLost``."""

    reason: str


class Spy(FrameProtocol):
    """Keeps in ``seen`` all calls, in order. A test can replace the ``on_...`` functions."""

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
    """Handles whole batches."""

    def framesReceived(self, frames: list[bytes]) -> Any:
        self.seen.append(frames)


@implementer(ITransport, IConsumer, IHalfCloseableDescriptor, IPushProducer)
class Transport:
    """
    A transport like Twisted's transport for TCP, with the peer at its other end.

    It takes any amount of bytes. Beyond 64 KiB it says "pause", and "resume" when the peer has read all.
    After ``loseConnection`` it closes when it is empty and has no producer.
    """

    BUFFER = 64 * 1024
    half_close = True

    def __init__(self, address: IAddress | None = None) -> None:
        self.address: IAddress | None = address or IPv4Address("TCP", *_split(PEER))
        self.protocol: Any = None
        self.writes: list[bytes] = []
        """The bytes that were written since the last :meth:`sent`, one entry for each call."""
        self.received = bytearray()
        """The bytes that the peer has read."""
        self.appetite: int | None = None
        """The number of bytes that the peer reads in one turn; None: all, 0: none."""
        self.reading = True
        """True while the session reads."""
        self.polite = True
        """True if the peer closes when the session has ended its sending."""
        self.shut = False
        """True once the session has ended its sending."""
        self.ended: str | None = None
        """The way in which the session ended the connection: ``closed`` or ``aborted``."""
        self.lost = False
        self._buffer = bytearray()
        self._producer: Any = None
        self._producer_paused = False
        self._arriving: list[bytes] = []
        self._peer_ended = self._read_to_end = self._end_seen = False

    # -- what the peer does

    def arrive(self, *chunks: bytes) -> None:
        """Let the peer send. One read of the socket will give one chunk."""
        self._arriving += chunks

    def end_input(self) -> None:
        """Let the peer shut its sending side."""
        self._peer_ended = True

    def break_off(self, error: BaseException) -> None:
        """Break the connection."""
        self.lost = True
        if self._producer is not None:
            self._producer.stopProducing()
        self.protocol.connectionLost(Failure(error))

    def turn(self) -> bool:
        """Do the work of one turn of the reactor. Return False if there was none."""
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
        """Return the bytes that were written since the last call, one entry for each write."""
        writes, self.writes = self.writes, []
        return writes


class TLSTransport(Transport):
    """A transport for TLS. It has no half-close, and closes when it has read the peer's goodbye."""

    half_close = False

    def __init__(self, address: IAddress | None = None) -> None:
        super().__init__(address)
        alsoProvides(self, ISSLTransport)

    def complete_handshake(self) -> None:
        """Complete the handshake."""
        self.protocol.handshakeCompleted()

    def _may_close(self) -> bool:
        return self.reading


class ReactorClock(Clock):
    """A clock that runs its calls like a reactor: a turn runs only calls that were due before it."""

    def turn(self) -> bool:
        """Run the calls that are due. Return False if there were none."""
        due = [call for call in self.calls if call.getTime() <= self.seconds()]
        for call in sorted(due, key=lambda call: call.getTime()):
            if call.active():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)
        return bool(due)

    def next_time(self) -> float | None:
        """Return the time of the next call, or None if there is none."""
        return min((call.getTime() for call in self.calls), default=None)


class Stage:
    """
    A reactor, a factory, and one session on a transport.

    Args:
        protocol: the session's class, or a function that makes a session.
        transport: the transport; by default plain TCP.
        factory: makes the factory.
        options: arguments for the factory.
    """

    def __init__(
        self,
        protocol: Any = Spy,
        *,
        transport: Transport | None = None,
        factory: Callable[..., FrameFactory] = FrameFactory,
        **options: Any,
    ) -> None:
        self.clock = ReactorClock()
        self.clock.rightNow = 1000.0
        self.factory = factory(protocol, clock=self.clock, **options)
        self.transport = transport or Transport()
        self.session: Any = self.factory.buildProtocol(self.transport.address)
        self.transport.protocol = self.session

    def connect(self) -> Stage:
        """Connect the session to its transport."""
        self.session.makeConnection(self.transport)
        return self

    def turn(self) -> bool:
        """Run one turn of the reactor. Return False if nothing happened."""
        timers = self.clock.turn()
        return self.transport.turn() or timers

    def settle(self) -> None:
        """Run turns until nothing more happens at this time."""
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
    """Return a stage with a connected session."""
    return Stage(protocol, **options).connect()


@define
class Logged:
    """The log events of tcpcomm, and all failures of others."""

    events: list[LogEvent] = field(factory=list)
    connected: list[str] = field(factory=list)
    """The lines about sessions that began. They are kept apart, because every test has some."""

    def lines(self) -> list[str]:
        """Return the texts of all events at level info and above, and forget the events."""
        shown = [event for event in self.events if event["log_level"] >= LogLevel.info]
        self.events.clear()
        return [formatEvent(event) for event in shown]

    def failures(self) -> list[str]:
        """Return the texts of the failures, with the class of the exception, and forget all events."""
        failed = [event for event in self.events if "log_failure" in event]
        assert [] == [event for event in self.events if event not in failed and _is_told(event)]
        self.events.clear()
        return [f"{formatEvent(event)} ({event['log_failure'].type.__name__})" for event in failed]


_records: list[Logged] = []


SESSION_BEGAN = "{peer}: connected{proven}"
SESSION_ENDED = "{peer}: the session ended: {reason}"
"""The events that FrameProtocol logs for every session, unless a subclass overrides them."""


def _is_told(event: LogEvent) -> bool:
    return bool(event["log_level"] >= LogLevel.info) and event["log_format"] != SESSION_ENDED


@contextmanager
def recorded_log() -> Iterator[Logged]:
    """
    Record the log, and fail at the end if a failure is left that the test did not ask for.

    Within another record, only the inner one gets the events.
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
