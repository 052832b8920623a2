"""The sessions of a link: :class:`LinkSession`, and :class:`Conversation`, which handles its frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from tcpcomm.conversation.requester import Requester
from tcpcomm.session.admission import Admission, Refused
from tcpcomm.session.observer import Observers
from tcpcomm.session.protocol import FrameProtocol


class Conversation(ABC):
    """
    Handles the frames of one session, and asks requests on it.

    Args:
        session: the session.
        requester: asks requests on it.
    """

    log = Logger()

    def __init__(self, session: LinkSession, requester: Requester) -> None:
        self.session = session
        self.requester = requester

    @abstractmethod
    def frame_received(self, frame: bytes) -> None:
        """Handle a frame."""

    def handler_failed(self, failure: Failure) -> None:
        """Log the failure of the user's function, and close the session."""
        self.log.failure("{link}: a handler failed", failure, link=self.session.factory.name)
        self.session.close(f"a handler failed: {failure.getErrorMessage()}")

    def end(self, reason: str) -> None:
        """Settle all requests, because the session is over. It may be called twice."""
        self.requester.end(reason)


class LinkSession(FrameProtocol):
    """One session of a link."""

    factory: LinkFactory
    conversation: Conversation

    def sessionReady(self) -> None:
        self.conversation = self.factory.begin_conversation(self)

    def framesReceived(self, frames: list[bytes]) -> None:
        conversation = self.conversation
        requester = conversation.requester
        waiting = iter(frames)
        requester.hold()
        try:
            for frame in waiting:
                conversation.frame_received(frame)
                if self.reason is not None:
                    break
        finally:
            requester.release()
            rest = [*waiting]
            if rest:
                self.put_back(rest)

    def log_connected(self) -> None:
        """Log nothing: the link logs its states, and each reason of an outage once."""

    def sessionLost(self, reason: str) -> None:
        self.conversation.end(reason)

    def inputEnded(self) -> None:
        self.close("the peer closed the connection")


class LinkFactory(Factory):
    """
    Builds the sessions of a link.

    Args:
        name: the link's name in logs.
        converse: makes the conversation of a session that is ready.
        admission: decides which peers may connect.
        clock: the reactor, or a test's clock.
        observers: see the sessions.
        settings: attributes that each session gets, such as ``framing``.
    """

    noisy = False

    def __init__(
        self,
        name: str,
        converse: Callable[[LinkSession], Conversation],
        admission: Admission,
        clock: IReactorTime,
        observers: Observers,
        **settings: Any,
    ) -> None:
        self.name = name
        self.clock = clock
        self.observers = observers
        self._converse = converse
        self._admission = admission
        self._settings = settings
        self._newest: LinkSession | None = None

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if not self._admission.admits(addr):
            return Refused()
        session = LinkSession()
        session.factory = self
        for name, value in self._settings.items():
            setattr(session, name, value)
        return session

    def begin_conversation(self, session: LinkSession) -> Conversation:
        """Begin the conversation of a session that is ready, and end the one before it."""
        replaced, self._newest = self._newest, session
        if replaced is not None:
            replaced.conversation.end(replaced.reason or "the peer connected again")
        return self._converse(session)
