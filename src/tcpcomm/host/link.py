"""The link of a host: :class:`HostLink`, and its sessions, :class:`HostSession`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, cast

from attrs import evolve
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import Asked, Request
from tcpcomm.conversation.observed import ObservedCommand, send_described, send_message
from tcpcomm.conversation.presence import Presence
from tcpcomm.conversation.proxy import HostProxy, OneSession
from tcpcomm.conversation.raw_reply import ANY_FRAME
from tcpcomm.conversation.reply import Reply
from tcpcomm.conversation.requester import Requester
from tcpcomm.conversation.responder import HandlerTable, Responder, asking_session, responder_for
from tcpcomm.conversation.states import ask_in_state, change_states
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.events import connect_events
from tcpcomm.equipment.login import LoginClient, LoginMessage
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import Fault, LoginRefused, NotReady, NotSent, OutcomeUnknown
from tcpcomm.host.options import HostOptions
from tcpcomm.link.link import Handshake, Link, LinkSession
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.observer import MessageKind, masked, report_message

FIRST_WAIT: Final = 5.0
"""Seconds that a command waits for the first connection. Then it fails with ``NotReady``."""


class HostSession(LinkSession):
    """One session with the equipment: login, heartbeats, commands and events, in both directions."""

    is_declared = True

    @property
    def declaration(self) -> Declaration:
        return cast("HostLink", self.factory.link).declaration

    def sessionReady(self) -> None:
        self._link = link = cast("HostLink", self.factory.link)
        self._login = link.login_client()  # None when it is done
        self._logged_in: Deferred[None] = Deferred()
        self._responder = self._presence = None
        if link.handlers is not None:
            self._responder = responder_for(link.handlers, self)
            self._presence = Presence.of(link.handlers.equipment, self)
        self._in_state: Deferred[None] = Deferred()  # the state that readiness needs
        self._last_heartbeat: Deferred[Any] | None = None
        self._sent_past_commands: deque[ObservedCommand | None] = deque()  # heartbeats without a reply yet
        self._heartbeat_reply = b""  # to each of those
        super().sessionReady()
        if self._presence is not None and self._login is None:
            self._presence.begin()
        dialect = self._link.declaration.dialect
        self._charset = dialect.charset if type(self.requester) is Requester else None

    def framesReceived(self, frames: list[bytes]) -> None:
        if not self._are_replies(frames):
            super().framesReceived(frames)

    def _are_replies(self, frames: list[bytes]) -> bool:
        """Give frames to their commands if all are good replies. Else do nothing, and return False."""
        charset = self._charset
        if (
            charset is None
            or self._login is not None
            or self._responder is not None
            or self._sent_past_commands
            or self.observers.message is not None
        ):
            return False
        try:
            texts = [frame.decode(charset) for frame in frames]
        except UnicodeDecodeError:
            return False
        return self.requester.answer_all(texts)

    def frameReceived(self, frame: bytes) -> None:
        host_proxy = self._link.host_proxy
        if self._sent_past_commands and frame == self._heartbeat_reply:
            self._take_heartbeat_reply(frame)
        elif self._login is not None:
            self._take_login(self._login, frame)
        elif self._responder is None:
            host_proxy.take(frame, self.requester)
        else:
            asked = self._responder.read(frame)
            if host_proxy.is_meant(frame, asked, self.requester):
                host_proxy.take(frame, self.requester)
                return
            self.requester.in_order(partial(self._respond, self._responder, asked, frame))

    def _respond(self, responder: Responder, asked: Asked, frame: bytes) -> None:
        if self.reason is None:
            later = responder.take(asked, frame)
            if later is not None:
                self.await_handler(later.addErrback(self.handler_failed))

    def end(self, reason: str) -> None:
        if self._login is not None:
            self._settle_login(Failure(LoginRefused(f"the session ended: {reason}")))
        if self._responder is not None:
            self._responder.end()
        if self._presence is not None:
            self._presence.end(reason)
        super().end(reason)

    # -- login ------------------------------------------------------------------------------------------

    @property
    def peer_proxy(self) -> Any:
        """The proxy of the equipment, for handlers of the host."""
        return self._link.host_proxy.proxy

    def close(self, reason: str = "closed here") -> None:
        if hasattr(self, "requester"):  # it exists from when the session is ready
            self.requester.say_goodbye(self._link.declaration)
        super().close(reason)

    def log_in(self) -> Deferred[None]:
        """Begin the login. Return a Deferred that fires when it is done, and fails with LoginRefused."""
        assert self._login is not None
        self._send_login(self._login, self._login.begin())
        return self._logged_in

    def _take_login(self, login: LoginClient, frame: bytes) -> None:
        try:
            answers = login.take(frame)
        except LoginRefused as refused:
            report_message(self, MessageKind.UNREADABLE, frame, sent=False, problem=str(refused))
            self._link.login_refused = refused
            self._settle_login(Failure())
        else:
            report_message(self, MessageKind.LOGIN, frame, sent=False)
            self._send_login(login, answers)

    def _send_login(self, login: LoginClient, messages: Iterable[LoginMessage]) -> None:
        for message in messages:
            send_described(self, self.send_secret, message.text)
            report_message(self, MessageKind.LOGIN, masked(message.text), sent=True)
        if login.done:
            self._login = self._link.login_refused = None
            if self._presence is not None:
                self._presence.begin()
            self._settle_login(None)

    def _settle_login(self, outcome: Any) -> None:
        if not self._logged_in.called:
            self._logged_in.callback(outcome)

    # -- states -----------------------------------------------------------------------------------------

    def wait_for_state(self, state: str) -> Deferred[None]:
        """Return a Deferred that fires when the session is in the state that readiness needs."""
        if not self._in_state.called:
            self._link.engine.waits_for_state(state)
        return self._in_state

    def statesChanged(self) -> None:
        needed = self._link.declaration.ready_when
        if needed is None or self.factory.newest is not self:
            return
        if needed in self.states:
            if not self._in_state.called:
                self._link.engine.state_reached(self._link.declaration.longest_timeout_in(needed))
                self._in_state.callback(None)
        elif self._in_state.called:
            self._link.engine.drop(f"the session left the state {needed}")

    # -- heartbeats -------------------------------------------------------------------------------------

    def send_heartbeat(self) -> None:
        """Ask the equipment whether it is alive, as it declares."""
        link = self._link
        declaration, heartbeats = link.declaration, link.heartbeats
        assert declaration.heartbeat is not None
        assert heartbeats is not None
        if declaration.heartbeat_while_busy and not declaration.dialect.by_id:
            self._send_past_commands(declaration.heartbeat, heartbeats)
        elif declaration.heartbeat_while_busy or not self.requester.excuses_silence:
            reader = declaration.dialect.reply_reader(declaration.heartbeat)
            has_id = declaration.dialect.by_id and not (reader is not None and reader.is_without_id)
            self._last_heartbeat = self.requester.ask(
                declaration.commands[declaration.heartbeat],
                {},
                # By its id, any answer shows that the equipment is alive. Without ids, a frame that is not
                # the declared reply may belong to another command.
                answers=ANY_FRAME if has_id else None,
                timeout=2 * heartbeats.timeout,  # by then the link has given the equipment up
                is_heartbeat=True,
            )
            # The link reports why a heartbeat is not answered. A fault is an answer, too:
            self._last_heartbeat.addErrback(lambda failure: failure.trap(NotSent, OutcomeUnknown, Fault))
        elif self._last_heartbeat is None or self._last_heartbeat.called:  # it works at a command
            link.engine.excuse(heartbeats.interval)

    def _send_past_commands(self, name: str, heartbeats: Heartbeats) -> None:
        """
        Send a heartbeat at once. Its reply is known, and comes also while a command is under way.

        If the replies of two timeouts are missing, drop the session: only other frames have come.
        """
        missing = len(self._sent_past_commands)
        if missing * heartbeats.interval >= 2 * heartbeats.timeout:
            self._link.engine.drop(
                f"{missing} heartbeats ({name}) were not answered, though other frames came"
            )
            return
        dialect = self._link.declaration.dialect
        asked = Request(name, {})
        frame = dialect.request(name, {}, 0)
        (self._heartbeat_reply,) = dialect.reply(asked, None)
        send_described(self, self.sendFrame, frame)
        observed = None
        if self.observers.message is not None:
            now = self.factory.clock.seconds()
            observed = ObservedCommand.of(self, asked, frame, name, now, sent=True).report()
        self._sent_past_commands.append(observed)

    def _take_heartbeat_reply(self, frame: bytes) -> None:
        observed = self._sent_past_commands.popleft()
        if observed is not None:
            observed.answered([frame], None, self.factory.clock.seconds())


class HostLink(Link):
    """
    A link with a declared conversation. Made by :func:`remote`; :func:`link_of` returns it.

    Args:
        declaration: what the equipment declares.
        options: the options of the link.

    Raises:
        ConfigurationError: a credential is missing, ``serves`` lacks a command or is served already, or an
            option is wrong.
    """

    session_class = HostSession
    declaration: Declaration
    header: dict[str, Any]

    def __init__(self, declaration: Declaration, options: HostOptions) -> None:
        self.declaration = declaration
        self.retries = options.retries
        self.header = {}
        self.login_refused: LoginRefused | None = None
        """The reason why the equipment refused the last login, or None."""
        self.heartbeats = options.policy.heartbeats
        self.handlers: HandlerTable | None = None
        """Carries out the commands of the equipment, where the host answers some."""
        self._reactor = reactor = options.reactor
        self._waits_once = options.wait is None
        self._wait = FIRST_WAIT if options.wait is None else options.wait
        self._credentials = options.credentials or {}
        self._forget_reactor: Callable[[], None] | None = None
        serves = options.serves
        if serves is None and declaration.host_side is not None:
            serves = declaration.host_side()
        if serves is not None:
            served = declaration_of(serves)
            served.check_implemented()
            self.handlers = HandlerTable(serves, served, reactor)
            connect_events(serves, reactor, self._emit, asking_session(served))
        self.host_proxy = HostProxy(declaration, self, reactor.seconds)
        steps = self._opening_steps(is_active=options.listen is None)
        steps += [self._on_proxy(step) for step in options.on_ready]
        if self.login_client() is not None:
            steps.insert(0, _log_in)
        if declaration.ready_when is not None:
            steps.append(_wait_for_state)
        has_heartbeat = declaration.heartbeat is not None and self.heartbeats is not None
        super().__init__(
            evolve(options, on_ready=steps),
            framing=declaration.sent,
            reply_framing=None if declaration.received == declaration.sent else declaration.received,
            gap=declaration.gap,
            heartbeat=HostSession.send_heartbeat if has_heartbeat else None,
        )
        self.observe(self._note_ready)

    def _opening_steps(self, *, is_active: bool) -> list[Callable[[Handshake], Any]]:
        """Return the steps by which the declaration begins a new connection."""
        if self.declaration.kind.opening is Equipment.opening:
            return []
        steps = [self._on_proxy(lambda proxy: proxy.opening(active=is_active))]
        if self.declaration.ready_when is not None and not is_active:
            steps.insert(0, _wait_for_state)  # the peer that has connected causes the state
        return steps

    def login_client(self) -> LoginClient | None:
        """
        Return the host's half of a login, or None if the equipment neither greets nor wants a login.

        Raises:
            ConfigurationError: a credential is missing.
        """
        declaration = self.declaration
        if declaration.greeting is None and not declaration.login:
            return None
        return LoginClient(declaration.greeting, declaration.login, declaration.encoding, self._credentials)

    def start_with_reactor(self) -> None:
        """Start as soon as the reactor runs, and stop when it does, unless stopped before."""
        reactor = self._reactor
        if not hasattr(reactor, "callWhenRunning"):  # a test's clock runs always
            self.startService()
            return
        starting = reactor.callWhenRunning(self.startService)
        stopping = reactor.addSystemEventTrigger("before", "shutdown", self.stopService)

        def forget() -> None:
            reactor.removeSystemEventTrigger(stopping)
            if not self.running and starting is not None:
                reactor.removeSystemEventTrigger(starting)

        self._forget_reactor = forget

    def stopService(self) -> Deferred[None]:
        forget, self._forget_reactor = self._forget_reactor, None
        if forget is not None:
            forget()
        return super().stopService()

    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        """Ask a command when the link is ready; repeat it if it is idempotent and its outcome unknown."""
        if command.idempotent and self.retries:
            asked = Deferred.fromCoroutine(self._ask_repeatedly(command, values, self.retries + 1))
            return asked if self.requester is not None else Reply.of(asked)
        return self.ask(lambda: ask_in_state(self.ready_requester(), command, values, self.declaration))

    def ask_again(self, failure: Failure, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        """Ask an idempotent command again, if it failed because its outcome is not known."""
        failure.trap(NotSent, OutcomeUnknown)
        unknown = failure.value if isinstance(failure.value, OutcomeUnknown) else None
        return Deferred.fromCoroutine(self._ask_repeatedly(command, values, self.retries, unknown))

    async def _ask_repeatedly(
        self, command: Command, values: dict[str, Any], times: int, unknown: OutcomeUnknown | None = None
    ) -> Any:
        """
        Ask an idempotent command until there is a reply.

        Args:
            command: the command.
            values: its values.
            times: how often to ask at most. A link that is not ready in time ends it as well.
            unknown: the outcome of asking before, if it was written then.

        Raises:
            OutcomeUnknown: the command was written at least once, and no reply came.
            NotSent: it was never written.
        """
        while True:
            times -= 1
            try:
                await self.ready_within(max(self._wait, command.timeout))
                return await ask_in_state(self.ready_requester(), command, values, self.declaration)
            except OutcomeUnknown as error:
                unknown = error
                if not times:
                    raise
            except NotSent as error:
                if times and not isinstance(error, NotReady):
                    continue
                if unknown is None:
                    raise
                raise unknown from error  # it was written before, so NotSent would not be true

    def ask(self, ask_now: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        """Ask when the link is ready, if it becomes so within the time to ``wait``."""
        if not self._wait:
            return maybeDeferred(ask_now)
        asked = Deferred.fromCoroutine(self._ask_patiently(ask_now))
        return asked if self.requester is not None else Reply.of(asked)  # the first command of a script

    async def _ask_patiently(self, ask_now: Callable[[], Deferred[Any]]) -> Any:
        await self.ready_within(self._wait)
        return await ask_now()

    async def ready_within(self, seconds: float) -> None:
        """
        Wait for the link to be ready.

        Raises:
            NotReady: it was not ready in time.
            LoginRefused: the equipment refused the last login.
        """
        ready = self.whenReady()
        if not ready.called:
            ready.addTimeout(seconds, self._reactor)
        try:
            await ready
        except TimeoutError:
            kind = NotReady if self.login_refused is None else LoginRefused
            raise kind(
                f"{self.declaration.name} was not ready within {seconds:g} s: "
                f"it is {self.engine.status_text}"
            ) from None

    def _note_ready(self, state: LinkState, reason: str) -> None:
        if state is LinkState.READY and self._waits_once:
            self._wait = 0.0

    def _on_proxy(self, step: Callable[[Any], Any]) -> Callable[[Handshake], Any]:
        """Give a step a proxy of its own, for the new connection."""

        def take_step(handshake: Handshake) -> Any:
            one_session = OneSession(handshake.session.requester, self.declaration)
            return step(HostProxy(self.declaration, one_session, self._reactor.seconds).proxy)

        return take_step

    def _emit(self, name: str, values: dict[str, Any], session: Any) -> None:
        """Send the equipment an event of the served object; to nobody while the link is not ready."""
        ready = self.engine.protocol
        if ready is not None and ready.is_open and session in (None, ready):
            assert self.handlers is not None
            rule = self.handlers.declaration.events[name].states
            if rule is not None and not rule.allows(ready.states):
                return
            frame = self.handlers.dialect.event_to(name, values, ready.event_values or {})
            send_message(ready, MessageKind.EVENT, frame, name=name, values=values)
            if rule is not None:
                change_states(ready, rule)


def _wait_for_state(handshake: Handshake) -> Deferred[None]:
    session = cast("HostSession", handshake.session)
    state = cast("HostLink", handshake.link).declaration.ready_when
    assert state is not None
    return session.wait_for_state(state)


def _log_in(handshake: Handshake) -> Deferred[None]:
    return cast("HostSession", handshake.session).log_in()
