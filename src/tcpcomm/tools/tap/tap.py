"""
A proxy between two machines that shows what passes, and disturbs it on demand: :class:`Tap`.

::

    tap = Tap("tcp:10.0.0.5:9999", speech=VisionCamera, observers=[FrameLog(print)])
    port = await tap.start()            # let the host connect to this port of this machine
    tap.add("drop reply 3")
    tap.add("delay 0.2 to-host")
    await tap.frame("to-host", command="locate")
    await tap.stop()
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from ipaddress import ip_address
from random import Random
from typing import Any, ClassVar, Final

from attrs import define, frozen
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint, IStreamServerEndpoint

from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError, FramingError
from tcpcomm.framing import Framing
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.session.admission import Network, allowed_networks
from tcpcomm.session.frame_log import FrameLog
from tcpcomm.session.observer import STALL_SILENCE, Observers, SessionObserver
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.tap.commands import OFFERED, carry_out
from tcpcomm.tools.tap.disturbances import Disturbance, Pull, Refuse
from tcpcomm.tools.tap.disturber import Active, Disturber
from tcpcomm.tools.tap.lane import ToldFrame
from tcpcomm.tools.tap.relay import MOST_CONNECTIONS, ON_LOOPBACK, Connection, Relay
from tcpcomm.tools.tap.tapped import FrameCollector, TappedPassage

REFUSAL_INTERVAL: Final = 1.0
"""
Seconds between two lines about clients that were reset because of their address or number. The second
line counts the clients between.
"""

TO_HOST: Final = "to-host"
TO_EQUIPMENT: Final = "to-equipment"


@define(eq=False)
class TapLog(FrameLog):
    """A frame log that tells the direction in words, and what happens to the connections of a tap."""

    def listening(self, server: Any, address: str) -> None:
        target = getattr(server, "target_name", "")
        self.note(address, f"listening, for {target}" if target else "listening")

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        self.note(session.peer, f"~~ {description}", sent=sent)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        details = f": {fault.details}" if fault.details else ""
        self.note(session.peer, f"!! {fault}{details}", sent=sent)

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        self.note(session.peer, f"half a frame: {description or 'a secret'}", sent=sent)

    def frame_stalled(self, session: Any, description: str, *, sent: bool = False) -> None:
        text = f"half a frame for {STALL_SILENCE:g} s: {description or 'a secret'}"
        self.note(session.peer, text, sent=sent)

    def opened(self, session: Any) -> None:
        number = getattr(session.control, "number", "")
        self.note(session.peer, f"connection {number}, to {session.target}")

    def ready(self, session: Any) -> None:
        """Write nothing: there is nothing to tell beside that the connection is open."""


def tap_log(write: Any, *, encoding: str = "ascii") -> TapLog:
    """Return a log that gives each line to a function."""
    return TapLog(write, encoding=encoding, marks=("host -> equipment", "host <- equipment"))


def _speech(given: Speech | Framing | type[Equipment] | Equipment | None) -> Speech:
    if isinstance(given, Speech):
        return given
    if isinstance(given, Framing):
        return Speech.framed(given)
    return Speech.raw() if given is None else Speech.declared(declaration_of(given))


@frozen
class _Waiter:
    """A program that waits for a frame."""

    to_host: bool | None
    name: str
    contains: bytes
    arrived: Deferred[bytes]


class Tap(Relay):
    """
    Listens, connects each client to a target, shows what passes, and disturbs it.

    Args:
        target: the client endpoint to connect to, or its string.
        listen: the server endpoint to listen at, or its string. The default is a free port of this machine.
        speech: the language of both sides: a framing, a class of equipment, or a Speech. By default nothing
            is known: each chunk is a frame.
        observers: the observers of all connections.
        log: a log that also shows frames in one chunk, and states.
        host_connects: True if hosts connect to equipment, False if the equipment connects to a host.
        seed: of the random disturbances; None: other ones each time.
        reactor: the reactor. The default is Twisted's.
        clock: the clock for delays. The default is the reactor.
        most: the connections at once; a further client is reset.
        allow: the networks from which clients may come; None: all that reach the place to listen at.
    """

    failures: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        target: IStreamClientEndpoint | str,
        *,
        listen: IStreamServerEndpoint | str = ON_LOOPBACK,
        speech: Speech | Framing | type[Equipment] | Equipment | None = None,
        observers: Iterable[SessionObserver] = (),
        log: TapLog | None = None,
        host_connects: bool = True,
        seed: int | None = None,
        reactor: Any = None,
        clock: IReactorTime | None = None,
        most: int = MOST_CONNECTIONS,
        allow: Iterable[Network | str] | str | None = None,
    ) -> None:
        super().__init__(
            target, listen=listen, reactor=reactor, clock=clock, random=Random(seed), most=most
        )
        self._allow = allowed_networks(allow)
        self._refusals = LogThrottle(REFUSAL_INTERVAL)
        self.speech = _speech(speech)
        self.log = log
        self.collector = FrameCollector()
        self.observers = Observers([self.collector, *([] if log is None else [log]), *observers])
        self.host_connects = host_connects
        self.target_name = target if isinstance(target, str) else "the target"
        self.name = f"{listen} to {self.target_name}" if isinstance(listen, str) else "tap"
        self._passages: dict[int, TappedPassage] = {}
        self._waiters: list[_Waiter] = []
        self._timers: set[Any] = set()
        self.disturber = Disturber(
            self,
            host_connects=host_connects,
            has_messages=self.speech.declaration is not None,
            tell=self._alter,
            ending=self._note_ending,
            changed=self._settle,
            say=self.say,
        )
        """The disturbances."""

    # The connections.

    def passage(self, connection: Connection) -> TappedPassage:
        made = TappedPassage(self, connection)
        self._passages[connection.number] = made
        connection.ended.addCallback(lambda _: self._passages.pop(connection.number, None))
        return made

    def refusal(self, host: str | None) -> str:
        if self._allow is not None and host is not None:
            address = ip_address(host.partition("%")[0])
            if not any(address in network for network in self._allow):
                return "its address is in no allowed network"
        return super().refusal(host)

    def client_refused(self, peer: str, why: str) -> None:
        count = self._refusals.count_due(self.clock.seconds())
        if count:
            self.say(f"{peer} was reset: {why}{f'; and {count - 1} others' if count > 1 else ''}")

    @inlineCallbacks
    def start(self) -> Generator[Deferred[Any], Any, int]:
        """Listen. Return a Deferred of the port, which stays the same after the first start."""
        was_listening = self.is_listening
        port = yield super().start()
        if not was_listening and self.observers.listening is not None:
            self.observers.listening(self, self.address)
        return int(port)

    enable = start

    @inlineCallbacks
    def stop(self) -> Generator[Deferred[Any], Any, None]:
        """Stop listening, and reset all connections. Return a Deferred that fires when they have ended."""
        for each in self._passages.copy().values():
            each.ended_by_tap("the tap was stopped")
        self.disturber.stop()
        for waiting in [*self._timers, *(each.arrived for each in self._waiters)]:
            waiting.cancel()
        yield self.disable()

    # The disturbances.

    def add(self, disturbance: Disturbance | str) -> int | None:
        """
        Begin a disturbance, such as ``"drop reply 3"``.

        Returns:
            Its number for :meth:`remove`, or None if it happened at once and is over, as a reset is.

        Raises:
            ConfigurationError: the text is not understood, or the disturbance is not possible here.
        """
        return self.disturber.add(disturbance)

    def disturb(self, text: str) -> str:
        """
        Carry out a line, as typed at a running tap: a disturbance, ``restore``, ``clear``, ``remove 2``.

        Returns:
            The answer for people.

        Raises:
            ConfigurationError: the line is not understood, or is not possible here.
        """
        return carry_out(self, text)

    @property
    def known_disturbances(self) -> tuple[tuple[str, str], ...]:
        """The lines that a page may offer, each with its effect."""
        return OFFERED

    def list(self) -> tuple[Active, ...]:
        """Return the active disturbances, the oldest first."""
        return self.disturber.active()

    def remove(self, id: int) -> None:
        """End a disturbance by its number. ConfigurationError: none has this number."""
        self.disturber.remove(id)

    def clear(self) -> int:
        """End all disturbances, and let all bytes go on that are held back. Return their number."""
        count = self.disturber.clear()
        self._release()
        return count

    def pull(self) -> None:
        """Let nothing arrive on any connection, as with a pulled cable, until :meth:`restore`."""
        self.add(Pull())

    @property
    def is_pulled(self) -> bool:
        """True after :meth:`pull`, until :meth:`restore`."""
        return self.disturber.has(Pull)

    def restore(self) -> int:
        """End all pulls and refusals, and send the held bytes. Return the number of disturbances."""
        count = self.disturber.clear(Pull, Refuse)
        self._release()
        return count

    def _release(self) -> None:
        for each in self._passages.copy().values():
            each.release()

    def _settle(self) -> None:
        for each in self._passages.copy().values():
            each.settle()

    def _alter(self, connection: Connection, words: str, to_host: bool) -> None:
        passage = self._passages.get(connection.number)
        if passage is not None:
            passage.alter(words, to_host=to_host)

    def _note_ending(self, connection: Connection, words: str) -> None:
        passage = self._passages.get(connection.number)
        if passage is not None:
            passage.ended_by_tap(words)

    # What scripts wait for.

    def after(self, seconds: float) -> Deferred[None]:
        """Return a Deferred that fires after some seconds."""
        waited: Deferred[None] = Deferred(lambda _: timer.cancel() if timer.active() else None)
        timer = self.clock.callLater(seconds, waited.callback, None)
        self._timers.add(waited)

        def done(result: Any) -> Any:
            self._timers.discard(waited)
            return result

        return waited.addBoth(done)

    def frame(
        self, direction: str = "", *, command: str = "", contains: bytes | str = b""
    ) -> Deferred[bytes]:
        """
        Return a Deferred of the next frame.

        Args:
            direction: ``"to-host"`` or ``"to-equipment"``; empty: either.
            command: the name of the command that it is or answers, or of the event.
            contains: bytes that must be in the frame; a text is taken as UTF-8.

        Raises:
            ConfigurationError: the direction is not one of these, or no declaration tells names.
        """
        ways = {"": None, TO_HOST: True, TO_EQUIPMENT: False}
        if direction not in ways:
            raise ConfigurationError(f"the direction is {TO_HOST} or {TO_EQUIPMENT}, not {direction!r}")
        if command and self.speech.declaration is None:
            raise ConfigurationError(f"command={command!r}: only a declaration tells names: give --as")
        wanted = contains.encode() if isinstance(contains, str) else contains
        waiter = _Waiter(ways[direction], command, wanted, Deferred(lambda _: self._waiters.remove(waiter)))
        self._waiters.append(waiter)
        return waiter.arrived

    def frame_passed(self, session: OverheardSession, told: ToldFrame, *, to_host: bool) -> None:
        """Tell those who wait for this frame."""
        name = told.message.name if told.message is not None else ""
        for each in self._waiters.copy():
            if each.to_host in (None, to_host) and each.contains in told.frame and each.name in ("", name):
                self._waiters.remove(each)
                each.arrived.callback(told.frame)

    # What the log shows.

    def glued(self, session: OverheardSession, count: int, *, to_host: bool) -> None:
        """Show that a chunk had several frames."""
        if self.log is not None:
            self.log.note(session.peer, f"{count} frames in one chunk", sent=to_host)

    def side_ended(self, session: OverheardSession, text: str) -> None:
        """Show that one side has ended its stream."""
        if self.log is not None:
            self.log.note(session.peer, text)

    def log_failure(self, session: OverheardSession, error: Exception) -> None:
        """Log that the code that decodes has failed, which is a mistake in it."""
        self.failures.failure("{peer}: its bytes cannot be decoded", peer=session.peer)
        if self.log is not None:
            text = f"decoding failed, all that follows is shown raw: {type(error).__name__}: {error}"
            self.log.note(session.peer, text)

    def say(self, text: str) -> None:
        """Show words about the tap itself."""
        if self.log is not None:
            self.log.note(self.address or "tap", text)
