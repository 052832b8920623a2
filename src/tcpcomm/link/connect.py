"""The sources of a link's sessions: connecting to the peer (active TCP role), or listening (passive)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IListeningPort,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.python.failure import Failure

from tcpcomm.link.engine import Engine, SessionSource
from tcpcomm.link.named_port import PortFrom
from tcpcomm.net.error_texts import connect_error_text, listen_error_text
from tcpcomm.net.named_endpoint import NamedEndpoint
from tcpcomm.net.names import Addresses, Names


def look_up(engine: Engine, names: Names, name: str) -> Deferred[Addresses]:
    """Look up the name of the peer for an attempt. The time to connect begins when its address is known."""
    lookup = names.resolve(name)
    if not lookup.called:
        engine.looking_up(name, names.ahead_of(name))

        def resolved(addresses: Addresses) -> Addresses:
            engine.resolved()
            return addresses

        lookup.addCallback(resolved)
    return lookup


class Connector(SessionSource):
    """Makes sessions by connecting to a client endpoint (active TCP role)."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint
        self._attempt: Deferred[Any] | None = None

    def dial(self, engine: Engine) -> None:
        attempt = self._attempt = maybeDeferred(self._connect, engine)

        def ended(result: object) -> None:
            if self._attempt is not attempt:
                return  # it was given up before, or it led to a session
            self._attempt = None
            if isinstance(result, Failure):
                engine.attempt_failed(connect_error_text(result))

        attempt.addBoth(ended)

    def _connect(self, engine: Engine) -> Deferred[Any]:
        endpoint = self._endpoint
        if isinstance(endpoint, PortFrom):
            engine.asking_port()
            return endpoint.ask_port().addCallback(self._connect_to, endpoint, engine)
        if not isinstance(endpoint, NamedEndpoint):
            return endpoint.connect(engine.sessions)
        lookup = look_up(engine, endpoint.names, endpoint.name)
        within = engine.supervisor.policy.connect_timeout
        return lookup.addCallback(endpoint.connect_to, engine.sessions, within=within)

    @staticmethod
    def _connect_to(port: int, endpoint: PortFrom, engine: Engine) -> Deferred[Any]:
        engine.resolved()
        return endpoint.connect_to(port, engine.sessions)

    def attempt_succeeded(self) -> None:
        self._attempt = None  # it must not be cancelled any more, though its Deferred has not fired yet

    def cancel_attempt(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()


class Acceptor(SessionSource):
    """
    Accepts sessions at a server endpoint: the peer connects to us (passive TCP role).

    While the port is not available, it is tried again and again.
    """

    dials = False

    def __init__(self, endpoint: IStreamServerEndpoint, reload: Callable[[], None] | None = None) -> None:
        self._endpoint = endpoint
        self.reload = reload
        """Loads the files of its TLS again, for new connections; None: it has none."""
        self._opening: Deferred[Any] | None = None
        self._retry: IDelayedCall | None = None
        self.port: IListeningPort | None = None
        """The listening port, or None while there is none."""

    def open(self, engine: Engine) -> None:
        self._retry = None
        opening = self._opening = maybeDeferred(self._endpoint.listen, engine.sessions)

        def listening(port: IListeningPort) -> None:
            if self._opening is opening:
                self._opening, self.port = None, port
                engine.listening()
            else:
                maybeDeferred(port.stopListening)  # closed meanwhile

        def failed(failure: Failure) -> None:
            if self._opening is opening:
                self._opening = None
                self._retry = engine.cannot_listen(listen_error_text(failure), partial(self.open, engine))

        opening.addCallbacks(listening, failed)

    def close(self) -> Deferred[None]:
        if self._retry is not None:
            self._retry.cancel()
        self._opening = self._retry = None  # a port that is still being opened is closed when it is there
        port, self.port = self.port, None
        return succeed(None) if port is None else succeed(None).addCallback(lambda _: port.stopListening())
