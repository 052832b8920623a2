"""The host's side of a declared login on one session: :class:`HostLogin`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.conversation.observed import send_message
from tcpcomm.equipment.login import LoginClient, LoginMessage, LoginRefused
from tcpcomm.session.observer import MessageKind, report_message
from tcpcomm.session.protocol import FrameProtocol


class HostLogin:
    """
    Logs in at the equipment.

    Args:
        client: the declared login, with the credentials.
        session: the session.
    """

    def __init__(self, client: LoginClient, session: FrameProtocol) -> None:
        self._client = client
        self._session = session
        self._finished: Deferred[None] = Deferred()

    @property
    def done(self) -> bool:
        """True if commands may be asked now."""
        return self._client.done

    def begin(self) -> Deferred[None]:
        """Begin. Return a Deferred that fires when the login is done, and fails with LoginRefused."""
        self._send(self._client.begin())
        return self._finished

    def take(self, frame: bytes) -> None:
        """Answer a text of the equipment."""
        try:
            answers = self._client.take(frame)
        except LoginRefused as refused:
            report_message(self._session, MessageKind.UNREADABLE, frame, sent=False, problem=str(refused))
            self._settle(Failure())
        else:
            report_message(self._session, MessageKind.LOGIN, frame, sent=False)
            self._send(answers)

    def end(self, reason: str) -> None:
        """Fail, because the session is over."""
        self._settle(Failure(LoginRefused(f"the session ended: {reason}")))

    def _send(self, messages: Iterable[LoginMessage]) -> None:
        session = self._session
        for message in messages:
            session.sends_secret = True
            try:
                send_message(session, MessageKind.LOGIN, message.text)
            finally:
                session.sends_secret = False
        if self._client.done:
            self._settle(None)

    def _settle(self, outcome: Any) -> None:
        if not self._finished.called:
            self._finished.callback(outcome)
