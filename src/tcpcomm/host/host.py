"""
The face of a host: :func:`remote` gives a proxy of a piece of equipment, over a link that stays up.

::

    camera = remote(VisionCamera, at="tcp:10.0.0.5:9999")
    position = await camera.locate(job=3)
    camera.alarm.subscribe(lambda code: print("alarm", code))

The proxy has the commands and events of the declaration and nothing else; :func:`link_of` gives its link.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, Unpack

from attrs import evolve
from twisted.internet.defer import Deferred, TimeoutError, fail, succeed
from twisted.internet.interfaces import IStreamClientEndpoint

from tcpcomm.conversation.proxy import HostProxy, OneSession, link_behind
from tcpcomm.conversation.responder import HandlerTable
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.events import connect_events
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import ConfigurationError, NotReady, NotSent, OutcomeUnknown
from tcpcomm.host.conversation import HostConversation, HostSide
from tcpcomm.host.options import HostKeywords, HostOptions
from tcpcomm.link.link import Handshake, Link
from tcpcomm.link.session import LinkSession
from tcpcomm.link.supervisor import LinkState

E = TypeVar("E", bound=Equipment)

FIRST_WAIT: Final = 5.0
"""Seconds that a command waits for the first connection."""


def remote(
    kind: type[E],
    *,
    at: str | IStreamClientEndpoint | None = None,
    **keywords: Unpack[HostKeywords[E]],
) -> E:
    """
    Make a proxy of a piece of equipment. Its link starts when the reactor runs, and stays up.

    Args:
        kind: the declaration.
        at: the place where the equipment listens, as an endpoint string such as ``tcp:10.0.0.5:9999``.
        keywords: the other options: ``listen`` (in place of ``at``, the place where the equipment connects
            to), ``allow``, ``keys``, ``policy``, ``wait``, ``retries``, ``credentials``, ``on_ready``,
            ``serves``, ``limits``, ``observers``, ``log``, ``reactor`` and ``random``.
            :class:`~tcpcomm.host.options.HostOptions` and :class:`~tcpcomm.link.options.LinkOptions`
            explain them. Each step of ``on_ready`` gets a proxy for the new connection.

    Returns:
        An object with the commands and events of ``kind``. Each command returns a Deferred, to be awaited.
        It fails with Fault if the equipment said no; NotSent (NotReady) if the command was never written;
        OutcomeUnknown (ReplyTimeout, BadReply) if it was written, and its outcome is not known; CodecError
        if an argument cannot be written.

    Raises:
        ConfigurationError: ``kind`` is not a declaration, a credential is missing, not exactly one of
            ``at`` and ``listen`` is given, or an option is wrong.
    """
    if isinstance(kind, Equipment):
        raise ConfigurationError(
            f"remote takes the class, not an object of it: write remote({type(kind).__name__}, at=...)"
        )
    link = HostLink(declaration_of(kind), HostOptions(connect=at, **keywords))
    link.start_with_reactor()
    proxy: E = link.proxy
    return proxy


def link_of(proxy: Equipment) -> HostLink:
    """
    Return the link behind a proxy: its state and reason, ``whenReady``, ``observe``, ``kick``,
    ``stopService``.

    Raises:
        ConfigurationError: it is not a proxy that ``remote`` made.
    """
    link = link_behind(proxy)
    if not isinstance(link, HostLink):
        raise ConfigurationError(f"{proxy!r} is not a proxy with a link of its own: remote() makes them")
    return link


def raw(proxy: Equipment, frame: bytes, *, timeout: float = 5.0) -> Deferred[bytes]:
    """
    Ask what cannot be declared: send a frame, and take the next one that is not an event as its reply.

    Raises:
        ConfigurationError: replies carry ids, so that the reply to this frame cannot be found; or it is not
            a proxy that ``remote`` made.
    """
    link = link_of(proxy)
    if link.declaration.dialect.by_id:
        raise ConfigurationError("replies carry ids here: the reply to a raw frame cannot be found")
    return link.ask(lambda: link.request(frame, timeout=timeout))


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

    def __init__(self, declaration: Declaration, options: HostOptions) -> None:
        self.declaration = declaration
        self.retries = options.retries
        self._reactor = reactor = options.reactor
        self._wait = options.wait
        self._was_ready = False
        self._forget_reactor: Callable[[], None] | None = None
        handlers = None
        if options.serves is not None:
            served = declaration_of(options.serves)
            served.check_implemented()
            handlers = HandlerTable(options.serves, served, reactor)
            connect_events(options.serves, reactor, self._emit)
        host_proxy = HostProxy(declaration, self, reactor.seconds)
        self.proxy = host_proxy.proxy
        """An object with the declaration's commands and events."""
        self._side = HostSide(
            declaration, host_proxy, options.credentials, handlers, options.policy.heartbeats
        )
        steps = [self._on_proxy(step) for step in options.on_ready]
        if self._side.logs_in:
            self._side.login_client()  # raises now if a credential is missing
            steps.insert(0, _log_in)
        super().__init__(
            evolve(options, on_ready=steps),
            framing=declaration.sent,
            reply_framing=None if declaration.received == declaration.sent else declaration.received,
            gap=declaration.gap,
            heartbeat=_send_heartbeat if self._side.sends_heartbeats else None,
            conversation=lambda session: HostConversation(session, self._side, self.engine),
        )
        self.observe(self._note_ready)

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
        return super().stopService() if self.running else succeed(None)

    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        """Ask a command when the link is ready; repeat it if it is idempotent and its outcome unknown."""

        def ask_now() -> Deferred[Any]:
            try:
                return self.ready_requester().ask(command, values)
            except NotReady:
                return fail()

        return self.ask(ask_now, retries=self.retries if command.idempotent else 0, again=command.timeout)

    def ask(
        self, ask_now: Callable[[], Deferred[Any]], *, retries: int = 0, again: float = 0.0
    ) -> Deferred[Any]:
        """
        Ask when the link is ready, if it becomes so within the time to ``wait``.

        Args:
            ask_now: asks.
            retries: the number of times to ask again if the outcome is not known.
            again: seconds to wait for the link before asking again, at least.
        """
        if self._wait is None:
            wait = 0.0 if self._was_ready else FIRST_WAIT
        else:
            wait = self._wait
        if not (wait or retries):
            return ask_now()
        return Deferred.fromCoroutine(self._ask_patiently(ask_now, wait, retries, again))

    async def _ask_patiently(
        self, ask_now: Callable[[], Deferred[Any]], wait: float, retries: int, again: float
    ) -> Any:
        patience = wait
        while True:
            try:
                await self.ready_within(patience)
                return await ask_now()
            except (NotSent, OutcomeUnknown):
                if not retries:
                    raise
            retries -= 1
            patience = max(wait, again)

    async def ready_within(self, seconds: float) -> None:
        """
        Wait for the link to be ready.

        Raises:
            NotReady: it was not ready in time.
        """
        ready = self.whenReady()
        if not ready.called:
            ready.addTimeout(seconds, self._reactor)
        try:
            await ready
        except TimeoutError:
            raise NotReady(
                f"{self.declaration.name} was not ready within {seconds:g} s: "
                f"it is {self.engine.status_text}"
            ) from None

    def _note_ready(self, state: LinkState, reason: str) -> None:
        self._was_ready = self._was_ready or state is LinkState.READY

    def _on_proxy(self, step: Callable[[Any], Any]) -> Callable[[Handshake], Any]:
        """Give a step a proxy of its own, for the new connection."""

        def take_step(handshake: Handshake) -> Any:
            one_session = OneSession(handshake.requester)
            return step(HostProxy(self.declaration, one_session, self._reactor.seconds).proxy)

        return take_step

    def _emit(self, name: str, values: dict[str, Any], session: Any) -> None:
        """Send the equipment an event of the served object; to nobody while the link is not ready."""
        ready = self.engine.protocol
        if ready is not None and ready.is_open and session in (None, ready):
            assert self._side.handlers is not None
            ready.conversation.emit(self._side.handlers.dialect, name, values)


async def _log_in(handshake: Handshake) -> None:
    conversation = handshake.session.conversation
    assert isinstance(conversation, HostConversation)
    await conversation.log_in()


def _send_heartbeat(session: LinkSession) -> None:
    conversation = session.conversation
    assert isinstance(conversation, HostConversation)
    conversation.send_heartbeat()
