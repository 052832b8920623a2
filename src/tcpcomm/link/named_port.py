"""
Connect to a port that the equipment names in a reply: :func:`port_from`.

A robot controller of FANUC listens at 16001. Its reply to the first command names the port for all else,
and the host connects again, there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.conversation.proxy import HostProxy, OneSession
from tcpcomm.conversation.requester import requester_for
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.errors import ConfigurationError, TcpcommError
from tcpcomm.net.endpoints import client, with_port
from tcpcomm.runtime.awaitables import as_deferred
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.protocol import FrameProtocol

E = TypeVar("E", bound=Equipment)


class NoPort(TcpcommError):
    """The equipment did not name the port to connect to."""


def port_from(
    at: str | IStreamClientEndpoint,
    kind: type[E],
    ask: Callable[[E], Awaitable[int]],
    *,
    then: Callable[[int], IStreamClientEndpoint] | None = None,
    reactor: Any = None,
) -> PortFrom:
    """
    Return an endpoint that asks the equipment at ``at`` for a port, and then connects to that port.

    It is given as ``remote(..., at=port_from(...))``, or wherever a client endpoint is taken. The port is
    asked for on each new connection.

    Args:
        at: the place to ask at, such as ``tcp:10.0.0.5:16001``.
        kind: the declaration of what is said there.
        ask: gets a proxy of it, and returns the port, usually as an ``async def``.
        then: makes the endpoint for the port; by default it is ``at`` with this port.
        reactor: the reactor, or a test's clock.

    Raises:
        ConfigurationError: ``kind`` is not a declaration, or has a login; ``at`` is not an endpoint, or it
            is an endpoint object, and ``then`` is missing.
    """
    declaration, reactor = declaration_of(kind), the_reactor(reactor)
    if declaration.login or declaration.greeting is not None:
        raise ConfigurationError(f"{declaration.name}: port_from() cannot log in, so leave login out")
    if isinstance(at, str):
        door = client(reactor, at)
        then = then or partial(_at_port, reactor, at)
    elif then is None:
        raise ConfigurationError(
            "port_from() needs then=, which makes the endpoint for a port, because at is not a text"
        )
    else:
        door = at
    return PortFrom(door, declaration, ask, then, clock=reactor, name=str(at))


def _at_port(reactor: Any, text: str, port: int) -> IStreamClientEndpoint:
    return client(reactor, with_port(text, port))


@implementer(IStreamClientEndpoint)
class PortFrom:
    """A client endpoint. The equipment names its port. Made by :func:`port_from`."""

    def __init__(
        self,
        door: IStreamClientEndpoint,
        declaration: Declaration,
        ask: Callable[[Any], Any],
        then: Callable[[int], IStreamClientEndpoint],
        *,
        clock: IReactorTime,
        name: str,
    ) -> None:
        self._door = door
        self._declaration = declaration
        self._ask = ask
        self._then = then
        self._clock = clock
        self._name = name

    def __str__(self) -> str:
        return f"the port that {self._name} names"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        return self.ask_port().addCallback(self.connect_to, protocolFactory)

    def connect_to(self, port: int, factory: Any) -> Deferred[Any]:
        """Connect to the port that was named."""
        return self._then(port).connect(factory)

    def ask_port(self) -> Deferred[int]:
        """Return a Deferred of the port, which fails with NoPort or an error of the network."""
        factory = _DoorFactory(self._declaration, self._ask, self._clock)
        attempt = maybeDeferred(self._door.connect, factory)
        attempt.addErrback(factory.told_nothing)
        factory.give_up = attempt.cancel
        return factory.port


class _DoorFactory(FrameFactory):
    """Builds the one session in which the port is asked for."""

    def __init__(self, declaration: Declaration, ask: Callable[[Any], Any], clock: IReactorTime) -> None:
        super().__init__(
            _DoorSession,
            framing=declaration.sent,
            reply_framing=None if declaration.received == declaration.sent else declaration.received,
            gap=declaration.gap,
            clock=clock,
        )
        self.declaration = declaration
        self.ask = ask
        self.port: Deferred[int] = Deferred(lambda _: self._cancel())
        """Fires with the port, when the session is over."""
        self.give_up: Callable[[], object] = lambda: None
        self._outcome: Any = None

    def note(self, outcome: Any) -> None:
        """Keep the port, or the failure to get one, until the session is over."""
        if isinstance(outcome, Failure):
            error = outcome.value
            outcome = Failure(NoPort(f"{self.declaration.name} named no port: {error}"))
        elif not isinstance(outcome, int) or isinstance(outcome, bool) or not 0 < outcome <= 0xFFFF:
            outcome = Failure(NoPort(f"{self.declaration.name} named {outcome!r}, which is not a port"))
        self._outcome = outcome

    def told_nothing(self, failure: Failure) -> None:
        """Report that no session was made."""
        self._fire(failure)

    def session_over(self, reason: str) -> None:
        """Report the port, because the session is over."""
        nothing = Failure(NoPort(f"{self.declaration.name} named no port: {reason}"))
        self._fire(nothing if self._outcome is None else self._outcome)

    def sessionRefused(self, session: FrameProtocol, reason: str) -> None:
        self.session_over(reason)

    def _fire(self, outcome: Any) -> None:
        if not self.port.called:
            self.port.callback(outcome)

    def _cancel(self) -> None:
        self.give_up()
        self.abort("the attempt is over")


class _DoorSession(FrameProtocol):
    """The session in which the port is asked for."""

    is_declared = True
    ends_with_input = True
    factory: _DoorFactory

    @property
    def declaration(self) -> Declaration:
        return self.factory.declaration

    def sessionReady(self) -> None:
        factory, declaration = self.factory, self.factory.declaration
        clock = factory.clock
        assert clock is not None
        self._requester = requester_for(self, clock, self.abort, declaration)
        self._host = HostProxy(declaration, OneSession(self._requester, declaration), clock.seconds)
        asked = maybeDeferred(self._ask)
        asked.addBoth(factory.note)
        asked.addBoth(lambda _: self.close("the port is known"))

    def _ask(self) -> Any:
        later = self.factory.ask(self._host.proxy)
        return as_deferred(later) if isawaitable(later) else later

    def framesReceived(self, frames: list[bytes]) -> Any:
        self._requester.hold(len(frames))
        try:
            return super().framesReceived(frames)
        finally:
            self._requester.release()

    def frameReceived(self, frame: bytes) -> None:
        self._host.take(frame, self._requester)

    def sessionLost(self, reason: str) -> None:
        self._requester.end(reason)
        self.factory.session_over(reason)

    def log_connected(self) -> None:
        """Log nothing: the link logs its states."""
