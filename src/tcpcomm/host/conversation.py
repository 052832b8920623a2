"""The conversation of one session of a host: :class:`HostConversation`."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import Dialect, Request
from tcpcomm.conversation.observed import ObservedCommand, send_described, send_message
from tcpcomm.conversation.proxy import HostProxy
from tcpcomm.conversation.requester import ANY_FRAME, Requester
from tcpcomm.conversation.responder import HandlerTable, Responder
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.login import LoginClient
from tcpcomm.errors import NotSent, OutcomeUnknown
from tcpcomm.host.login import HostLogin
from tcpcomm.link.engine import Engine
from tcpcomm.link.session import Conversation, LinkSession
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.observer import MessageKind


@frozen
class HostSide:
    """The parts that the conversations of all sessions of one host's link share."""

    declaration: Declaration
    proxy: HostProxy
    credentials: Mapping[str, str]
    handlers: HandlerTable | None
    """Carries out the commands of the equipment, where the host answers some."""
    heartbeats: Heartbeats | None

    @property
    def logs_in(self) -> bool:
        """True if the equipment greets, or wants a login."""
        return self.declaration.greeting is not None or bool(self.declaration.login)

    @property
    def sends_heartbeats(self) -> bool:
        """True if the declaration has a heartbeat, and the policy an interval."""
        return self.declaration.heartbeat is not None and self.heartbeats is not None

    def login_client(self) -> LoginClient:
        """
        Return the host's half of a login.

        Raises:
            ConfigurationError: a credential is missing.
        """
        declaration = self.declaration
        return LoginClient(declaration.greeting, declaration.login, declaration.encoding, self.credentials)


class HostConversation(Conversation):
    """
    Speaks with the equipment on one session: login, heartbeats, commands and events, in both directions.

    Args:
        session: the session.
        side: the parts that all sessions share.
        engine: the link's engine.
    """

    def __init__(self, session: LinkSession, side: HostSide, engine: Engine) -> None:
        declaration = side.declaration
        super().__init__(session, Requester(session, session.factory.clock, engine.drop, declaration))
        session.is_declared = True
        self._side = side
        self._engine = engine
        self._seconds = session.factory.clock.seconds
        self._login = HostLogin(side.login_client(), session) if side.logs_in else None
        self._responder = None if side.handlers is None else Responder(side.handlers, session)
        self._heartbeat: Deferred[Any] | None = None  # that was asked last
        self._sent_past_commands: deque[ObservedCommand | None] = deque()  # without a reply yet
        self._heartbeat_reply = b""  # to each of those
        self._ended = False

    async def log_in(self) -> None:
        """
        Log in, if the equipment wants that.

        Raises:
            LoginRefused: the equipment said something else, or the session ended.
        """
        if self._login is not None:
            await self._login.begin()

    def frame_received(self, frame: bytes) -> None:
        if self._sent_past_commands and frame == self._heartbeat_reply:
            self._take_heartbeat_reply(frame)
        elif self._login is not None and not self._login.done:
            self._login.take(frame)
        elif self._responder is None:
            self._side.proxy.take(frame, self.requester)
        else:
            asked = self._responder.read(frame)
            if self._side.proxy.is_meant(frame, asked, self.requester):
                self._side.proxy.take(frame, self.requester)
                return
            later = self._responder.take(asked, frame)
            if later is not None:
                later.addErrback(self.handler_failed)

    def emit(self, dialect: Dialect, name: str, values: Mapping[str, Any]) -> None:
        """Send an event of the object that answers the equipment's commands."""
        frame = dialect.event(name, values)
        send_message(self.session, MessageKind.EVENT, frame, name=name, values=values)

    def end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            if self._login is not None:
                self._login.end(reason)
            if self._responder is not None:
                self._responder.end()
        super().end(reason)

    # -- heartbeats -------------------------------------------------------------------------------------

    def send_heartbeat(self) -> None:
        """Ask the equipment whether it is alive, as it declares."""
        declaration, heartbeats = self._side.declaration, self._side.heartbeats
        assert declaration.heartbeat is not None
        assert heartbeats is not None
        if declaration.heartbeat_while_busy and not declaration.dialect.by_id:
            self._send_past_commands(declaration.heartbeat)
        elif declaration.heartbeat_while_busy or self.requester.idle:
            self._heartbeat = self.requester.ask(
                declaration.commands[declaration.heartbeat],
                {},
                answers=ANY_FRAME,  # any answer shows that the equipment is alive
                timeout=2 * heartbeats.timeout,  # by then the link has given the equipment up
            )
            self._heartbeat.addErrback(_ignore_loss)
        elif self._heartbeat is None or self._heartbeat.called:  # it works at a command
            self._engine.excuse(heartbeats.interval)

    def _send_past_commands(self, name: str) -> None:
        """Send a heartbeat at once. Its reply is known, and comes also while a command is under way."""
        dialect = self._side.declaration.dialect
        request = dialect.request(name, {}, 0)
        (self._heartbeat_reply,) = dialect.reply(Request(name, {}), None)
        send_described(self.session, self.session.sendFrame, request)
        observed = None
        if self.session.observers.message is not None:
            asked, now = Request(name, {}), self._seconds()
            observed = ObservedCommand.of(self.session, asked, request, name, now, sent=True).report()
        self._sent_past_commands.append(observed)

    def _take_heartbeat_reply(self, frame: bytes) -> None:
        observed = self._sent_past_commands.popleft()
        if observed is not None:
            observed.answered([frame], None, self._seconds())


def _ignore_loss(failure: Failure) -> None:
    """Ignore an unanswered heartbeat: the link reports why."""
    failure.trap(NotSent, OutcomeUnknown)
