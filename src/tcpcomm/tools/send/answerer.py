"""A server that answers by fixed rules: :class:`Answerer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from tcpcomm.errors import EncodeError, SessionClosed
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.session.admission import Network
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.observer import Observers, SessionObserver
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.send.pattern import Rule, answer
from tcpcomm.tools.send.wire_session import WireObserver, WireSession, limits_for


class Answerer:
    """
    Makes the sessions of a server that answers by rules. Several clients may be connected.

    Args:
        speech: the language.
        clock: the reactor, or a test's clock.
        rules: the first that a message fits answers it.
        greeting: is sent to each client that connects; None: nothing.
        delay: seconds before each answer.
        observers: watch the sessions.
        is_equipment: True if this side is the equipment.
        allow: the networks from which clients may come; None: all.
        keys: our name, and the keys of clients, which must prove that they have one.
        heard: gets each message that came.
        problem: gets the text of each answer that cannot be sent.
    """

    def __init__(
        self,
        speech: Speech,
        clock: Any,
        *,
        rules: Iterable[Rule] = (),
        greeting: bytes | None = None,
        delay: float = 0.0,
        observers: Sequence[SessionObserver] = (),
        is_equipment: bool = True,
        allow: Sequence[Network] | None = None,
        keys: PreSharedKeys | None = None,
        heard: Callable[[bytes], object] = lambda _: None,
        problem: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._rules = tuple(rules)
        self._greeting = greeting
        self._delay = delay
        self._told = heard
        self._problem = problem
        self.sessions: list[WireSession] = []
        """The sessions of the clients that are connected, oldest first."""
        self.messages = 0
        """The messages that came so far."""

        def build() -> WireSession:
            session = WireSession(speech, observers, is_equipment=is_equipment)
            session.when_ready = self._ready
            session.when_heard = self._heard
            session.when_closed = self._closed
            return session

        self.factory = FrameFactory(
            build,
            limits=limits_for(0),
            allow=allow,
            keys=keys,
            observers=[WireObserver(), _Listening(observers)],
            clock=clock,
        )

    def say(self, message: bytes) -> int:
        """Send a message to all clients. Return to how many it was sent."""
        return sum([self._say(session, message) for session in list(self.sessions)])

    async def close(self) -> None:
        """Close all sessions, after all that was sent has left."""
        await self.factory.drain(reason="closed here")

    def _ready(self, session: WireSession) -> None:
        self.sessions.append(session)
        if self._greeting is not None:
            self._say(session, self._greeting)

    def _heard(self, session: WireSession, message: bytes, _: bool) -> None:
        reply = answer(self._rules, message)
        if reply is not None and self._delay:
            session.await_handler(self._say_later(session, reply))
        elif reply is not None:
            self._say(session, reply)
        self.messages += 1
        self._told(message)

    async def _say_later(self, session: WireSession, reply: bytes) -> None:
        due: Deferred[None] = Deferred()
        self._clock.callLater(self._delay, due.callback, None)
        await due
        self._say(session, reply)

    def _say(self, session: WireSession, message: bytes) -> bool:
        try:
            session.say(message)
        except EncodeError as error:
            self._problem(f"cannot answer {session.peer}: {error}")
            return False
        except SessionClosed:  # the client went before its answer, which the output shows
            return False
        return True

    def _closed(self, session: WireSession, _: str) -> None:
        if session in self.sessions:
            self.sessions.remove(session)


class _Listening(SessionObserver):
    """Tells observers where the server listens. They get the rest from the dissectors of the sessions."""

    def __init__(self, observers: Sequence[SessionObserver]) -> None:
        self._observers = Observers(observers)

    def listening(self, server: Any, address: str) -> None:
        if self._observers.listening is not None:
            self._observers.listening(server, address)
