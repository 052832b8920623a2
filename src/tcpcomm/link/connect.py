"""Where a link's sessions come from: connecting (active TCP role), or being connected to (passive)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import (
    IDelayedCall,
    IListeningPort,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.python.failure import Failure

from tcpcomm.net.reasons import connect_error_text, listen_error_text

__all__ = ["Acceptor", "Connector", "SessionSource", "SourceOwner"]


class SourceOwner(Protocol):
    """What a place needs of the engine that uses it."""

    sessions: Any
    """The factory to connect or listen with."""

    def attempt_failed(self, reason: str) -> None:
        """The attempt under way came to nothing."""

    def listening(self) -> None:
        """The peer can connect now."""

    def cannot_listen(self, reason: str, again: Callable[[], None]) -> IDelayedCall:
        """The place to wait for the peer at is not to be had now; have it tried again."""


class SessionSource(ABC):
    """Where sessions come from."""

    dials: bool

    @abstractmethod
    def open(self, engine: SourceOwner) -> None:
        """Begin to make, or to await, sessions with the engine's factory."""

    @abstractmethod
    def dial(self, engine: SourceOwner) -> None:
        """Begin one attempt; tell the engine of its failure."""

    @abstractmethod
    def arrived(self) -> None:
        """The attempt has led to a session."""

    @abstractmethod
    def hang_up(self) -> None:
        """Give the attempt up; it leaves no socket."""

    @abstractmethod
    def close(self) -> Deferred[None]:
        """Make no sessions any more."""


class Connector(SessionSource):
    """Sessions come from connecting to a client endpoint (active TCP role)."""

    dials = True

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint
        self._attempt: Deferred[Any] | None = None

    def open(self, engine: SourceOwner) -> None:
        pass

    def dial(self, engine: SourceOwner) -> None:
        attempt = self._attempt = maybeDeferred(self._endpoint.connect, engine.sessions)

        def ended(result: object) -> None:
            if self._attempt is not attempt:
                return  # given up before, or it led to a session
            self._attempt = None
            if isinstance(result, Failure):
                engine.attempt_failed(connect_error_text(result))

        attempt.addBoth(ended)

    def arrived(self) -> None:
        self._attempt = None  # not to be cancelled any more, though its Deferred has not fired yet

    def hang_up(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()

    def close(self) -> Deferred[None]:
        self.hang_up()
        return succeed(None)


class Acceptor(SessionSource):
    """
    Sessions come from a server endpoint: the peer connects to us (passive TCP role).

    Where the port is not to be had, it is asked for again and again.
    """

    dials = False

    def __init__(self, endpoint: IStreamServerEndpoint) -> None:
        self._endpoint = endpoint
        self._port: IListeningPort | None = None
        self._opening: Deferred[Any] | None = None
        self._again: IDelayedCall | None = None

    @property
    def port(self) -> IListeningPort | None:
        """What is listening, while it is."""
        return self._port

    def open(self, engine: SourceOwner) -> None:
        self._again = None
        opening = self._opening = maybeDeferred(self._endpoint.listen, engine.sessions)

        def listening(port: IListeningPort) -> None:
            if self._opening is opening:
                self._opening, self._port = None, port
                engine.listening()
            else:
                maybeDeferred(port.stopListening)  # closed meanwhile

        def failed(failure: Failure) -> None:
            if self._opening is opening:
                self._opening = None
                self._again = engine.cannot_listen(
                    listen_error_text(failure), partial(self.open, engine)
                )

        opening.addCallbacks(listening, failed)

    def dial(self, engine: SourceOwner) -> None:
        raise AssertionError("a passive link does not dial")

    def arrived(self) -> None:
        pass

    def hang_up(self) -> None:
        pass

    def close(self) -> Deferred[None]:
        if self._again is not None:
            self._again.cancel()
        self._opening = self._again = None  # a port that is still being opened is closed when it is there
        port, self._port = self._port, None
        return succeed(None) if port is None else succeed(None).addCallback(lambda _: port.stopListening())
