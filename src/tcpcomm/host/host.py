"""
What a host uses: :func:`remote` gives a proxy of a piece of equipment, over a link that stays up.

::

    camera = remote(VisionCamera, at="tcp:10.0.0.5:9999")
    position = await camera.locate(job=3)
    camera.alarm.subscribe(lambda code: print("alarm", code))

The proxy has the commands and events of the declaration and nothing else; what can be done with its link
is done with :func:`link_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, TimeoutError, fail, succeed
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint
from twisted.python.failure import Failure

from tcpcomm.codec.base import Dialect, Request
from tcpcomm.conversation.proxy import HostProxy
from tcpcomm.conversation.requester import Requester
from tcpcomm.conversation.responder import HandlerTable, Responder
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.events import connect_events
from tcpcomm.equipment.login import LoginClient, LoginMessage, LoginRefused
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import ConfigurationError, NotReady, NotSent, OutcomeUnknown
from tcpcomm.link.link import ANY_FRAME, Handshake, Link
from tcpcomm.link.supervisor import Policy, profile
from tcpcomm.net.endpoints import CONNECT_EXAMPLE, LISTEN_EXAMPLE
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.session.admission import Network
from tcpcomm.session.limits import Limits

__all__ = ["HostLink", "link_of", "raw", "remote"]

E = TypeVar("E", bound=Equipment)

FIRST_WAIT: Final = 5.0
"""Seconds that a command waits for the first connection."""


def remote(
    kind: type[E],
    *,
    at: str | IStreamClientEndpoint | None = None,
    listen: str | IStreamServerEndpoint | None = None,
    policy: Policy | str = "lan",
    wait: float | None = None,
    retries: int = 1,
    credentials: Mapping[str, str] | None = None,
    on_ready: Iterable[Callable[[E], Any]] = (),
    serves: Equipment | None = None,
    limits: Limits | None = None,
    allow: Iterable[Network] | None = (),
    keys: PreSharedKeys | None = None,
    reactor: Any = None,
    random: Random | None = None,
) -> E:
    """
    Make a proxy of a piece of equipment. Its link starts when the reactor runs, and stays up.

    Args:
        kind: the declaration.
        at: where the equipment listens, as an endpoint string such as ``tcp:10.0.0.5:9999``.
        listen: instead, where the equipment connects to, such as ``tcp:9999:interface=127.0.0.1``.
        policy: how the link is kept up: a profile's name, ``lan``, ``fleet`` or ``wan``, or a policy.
        wait: seconds that a command waits for the link to be ready before it fails with NotReady. None: it
            waits for the first connection, up to 5 s, and for no later one.
        retries: how often an ``idempotent`` command is repeated whose outcome is not known. Others are
            never repeated.
        credentials: for the declared login, by name.
        on_ready: steps to be done on every new connection before any other command; each gets a proxy,
            and may be a coroutine function.
        serves: what the host answers in turn, where the equipment asks commands of it on the same session.
        limits: what a session may cost.
        allow: for ``listen``, the networks from which the equipment may come; None: all. A string that
            opens a port to other machines needs it, or ``keys``, or client certificates.
        keys: our name and the key that is shared with the equipment, which has to prove that it holds it.
        reactor: the reactor, or a test's clock.
        random: where the backoff's jitter comes from.

    Returns:
        An object with the commands and events of ``kind``. Each command returns a Deferred, to be awaited.
        It fails with Fault if the equipment said no; NotSent (NotReady) if the command was never written;
        OutcomeUnknown (ReplyTimeout, BadReply) if it was, and nobody knows what became of it; CodecError if
        an argument cannot be written.

    Raises:
        ConfigurationError: it is no declaration, a credential is missing, not exactly one of ``at`` and
            ``listen`` is given, or that is no endpoint.
    """
    if reactor is None:
        from twisted.internet import reactor  # noqa: PLC0415 - never at import time
    declaration = _declaration_at(kind, at, listen)
    link = HostLink(
        declaration,
        connect=at,
        listen=listen,
        policy=profile(policy) if isinstance(policy, str) else policy,
        wait=wait,
        retries=retries,
        credentials=credentials or {},
        on_ready=on_ready,
        serves=serves,
        limits=limits,
        allow=allow,
        keys=keys,
        reactor=reactor,
        random=random,
    )
    link.start_with(reactor)
    proxy: E = link.caller.proxy
    return proxy


def _declaration_at(kind: Any, at: Any, listen: Any) -> Declaration:
    """What is declared of the equipment at a place. Raises ConfigurationError if that is no place."""
    if isinstance(kind, Equipment):
        raise ConfigurationError(
            f"remote takes the class, not an object of it: write remote({type(kind).__name__}, at=...)"
        )
    declaration = declaration_of(kind)
    if (at is None) == (listen is None):
        raise ConfigurationError(
            f'remote({declaration.name}) needs one place: at="{CONNECT_EXAMPLE}", where the equipment '
            f'listens, or else listen="{LISTEN_EXAMPLE}", where it connects to'
        )
    if isinstance(at, tuple | list) and len(at) == 2:
        raise ConfigurationError(f'at is a text: write at="tcp:{at[0]}:{at[1]}", not {at!r}')
    for name, place, method, example in (
        ("at", at, "connect", CONNECT_EXAMPLE),
        ("listen", listen, "listen", LISTEN_EXAMPLE),
    ):
        if place is not None and not isinstance(place, str) and not hasattr(place, method):
            raise ConfigurationError(
                f'{name} must be an endpoint or its text, such as "{example}", not {place!r}'
            )
    return declaration


def link_of(proxy: Equipment) -> HostLink:
    """
    The link behind a proxy: its state and reason, ``whenReady``, ``observe``, ``kick``, ``stopService``.

    Raises:
        ConfigurationError: it is no proxy that ``remote`` made.
    """
    link = getattr(getattr(proxy, "_ask", None), "__self__", None)
    if not isinstance(link, HostLink):
        raise ConfigurationError(f"{proxy!r} is no proxy with a link of its own: remote() makes them")
    return link


def raw(proxy: Equipment, frame: bytes, *, timeout: float = 5.0) -> Deferred[bytes]:
    """
    Ask what cannot be declared: send a frame, and take the next one that is no event for its reply.

    Raises:
        ConfigurationError: replies carry ids, so that this frame's would not be found; or it is no proxy.
    """
    link = link_of(proxy)
    if link.declaration.dialect.by_id:
        raise ConfigurationError("replies carry ids here: that of a raw frame could not be found")
    return link.ask(lambda: link.request(frame, timeout=timeout))


class HostLink(Link):
    """A link whose conversation is declared. Made by :func:`remote`, and got by :func:`link_of`."""

    def __init__(
        self,
        declaration: Declaration,
        *,
        policy: Policy,
        wait: float | None,
        retries: int,
        credentials: Mapping[str, str],
        on_ready: Iterable[Callable[[Any], Any]],
        serves: Equipment | None,
        reactor: Any,
        **options: Any,
    ) -> None:
        self.declaration = declaration
        self.caller = HostProxy(declaration, self._ask_command, reactor.seconds)
        self._wait = wait
        self._retries = retries
        self._was_ready = False
        self._forget_reactor: Callable[[], None] | None = None
        self._credentials = credentials
        self._arrivals: dict[Any, _ArrivalOn] = {}
        self._handlers = None
        if serves is not None:
            served = declaration_of(serves)
            served.check_implemented()
            self._handlers = HandlerTable.of(serves, served, reactor)
            connect_events(serves, reactor, partial(self._tell, served.dialect))
        self._answering: Responder | None = None
        self._beats = policy.heartbeats
        self._asked_for_life: Deferred[Any] = succeed(None)  # the heartbeat that was asked last
        self._beats_out = 0  # heartbeats of this session that were sent past the commands,
        self._beat_reply: bytes | None = None  # and what answers each of them
        has_login = declaration.greeting is not None or bool(declaration.login)
        if has_login:
            self._new_arrival()  # a credential that is missing is told now
        super().__init__(
            framing=declaration.sent,
            reply_framing=None if declaration.received == declaration.sent else declaration.received,
            gap=declaration.gap,
            heartbeat=self._declared_heartbeat(),
            policy=policy,
            on_ready=[
                *([self._log_in] if has_login else []),
                *(partial(self._take_step, step) for step in on_ready),
            ],
            clock=reactor,
            **options,
        )
        self.observe(self._note_ready)

    def start_with(self, reactor: Any) -> None:
        """Start as soon as the reactor runs, and stop when it does, unless it is stopped before."""
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

    # -- commands ---------------------------------------------------------------------------------------

    def _ask_command(self, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        """What the proxy's commands do."""

        def ask_now() -> Deferred[Any]:
            try:
                protocol = self._ready_protocol()
            except NotReady as error:
                return fail(error)
            return self.caller.ask_on(protocol.asking, command, values)

        return self.ask(ask_now, retries=self._retries if command.idempotent else 0, again=command.timeout)

    def ask(
        self, ask_now: Callable[[], Deferred[Any]], *, retries: int = 0, again: float = 0.0
    ) -> Deferred[Any]:
        """
        Ask when the link is ready, if it becomes so within the time that :func:`remote` was told to wait.

        Args:
            ask_now: what to do then.
            retries: how often it may be done again if its outcome is not known.
            again: seconds to wait for that at least.
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
            NotReady: it did not become so in time.
        """
        ready = self.whenReady()
        if not ready.called:
            ready.addTimeout(seconds, self._clock)
        try:
            await ready
        except TimeoutError:
            raise NotReady(
                f"{self.declaration.name} was not ready within {seconds:g} s: "
                f"it is {self._engine.status_text}"
            ) from None

    def _note_ready(self, state: Any, reason: str) -> None:
        self._was_ready = self._was_ready or state.value == "ready"

    # -- sessions ---------------------------------------------------------------------------------------

    def session_made(self, protocol: Any) -> None:
        self._beats_out = 0
        if self.declaration.greeting is not None or self.declaration.login:
            self._arrivals = {protocol: _ArrivalOn(self._new_arrival(), protocol)}
        super().session_made(protocol)
        if self._handlers is not None:
            self._answering = Responder(self._handlers, protocol)

    def session_over(self, protocol: Any, reason: str) -> None:
        arrival = self._arrivals.pop(protocol, None)
        if arrival is not None:
            arrival.end(reason)
        if self._answering is not None and protocol is self._protocol:
            self._answering.end()
        super().session_over(protocol, reason)

    def _tell(self, dialect: Dialect, name: str, values: dict[str, Any], session: Any) -> None:
        """Tell the equipment of an event of what is served; nobody, while the link is not ready."""
        protocol = self._protocol
        if protocol is None or not protocol.is_open or self._engine.protocol is not protocol:
            return
        if session in (None, protocol):
            protocol.sendFrame(dialect.event(name, values))

    def _new_asking(self, protocol: Any) -> Requester:
        return Requester(
            protocol,
            self._clock,
            self._engine.drop,
            by_id=self.declaration.dialect.by_id,
            depth=self.declaration.pipeline,
            largest_id=self.declaration.dialect.largest_id,
        )

    def _frame_received(self, protocol: Any, frame: bytes) -> None:
        if self._beats_out and frame == self._beat_reply:
            self._beats_out -= 1
            return
        arrival = self._arrivals.get(protocol)
        if arrival is not None and not arrival.done:
            arrival.take(frame)
            return
        if self._answering is not None:
            asked = self._answering.read(frame)
            if not self.caller.is_meant(frame, asked, protocol.asking):
                later = self._answering.take(asked, frame)
                if later is not None:
                    later.addErrback(partial(self._failed, protocol))
                return
        self.caller.take(frame, protocol.asking)

    # -- what is done before the link is ready ----------------------------------------------------------

    def _new_arrival(self) -> LoginClient:
        declaration = self.declaration
        return LoginClient(
            declaration.greeting, declaration.login, declaration.encoding, self._credentials
        )

    async def _log_in(self, handshake: Handshake) -> None:
        arrival = self._arrivals.get(handshake.protocol)
        if arrival is not None:
            await arrival.finished()

    def _take_step(self, step: Callable[[Any], Any], handshake: Handshake) -> Any:
        asking = handshake.protocol.asking
        caller = HostProxy(
            self.declaration,
            lambda command, values: caller.ask_on(asking, command, values),
            self._clock.seconds,
        )
        return step(caller.proxy)

    # -- heartbeats -------------------------------------------------------------------------------------

    def _declared_heartbeat(self) -> Callable[[Any], None] | None:
        """How to ask the equipment whether it is alive, by what it declares."""
        declaration, name = self.declaration, self.declaration.heartbeat
        if name is None or self._beats is None:
            return None
        beats, dialect = self._beats, declaration.dialect

        def ask(protocol: Any) -> None:
            asked = self._asked_for_life = protocol.asking.ask(
                lambda number: dialect.request(name, {}, number),
                ANY_FRAME,  # whatever the equipment says, it is alive
                2 * beats.timeout,  # the link has given the equipment up by then
            )
            asked.addErrback(lambda failure: failure.trap(NotSent, OutcomeUnknown))  # the link tells why

        def ask_unless_busy(protocol: Any) -> None:
            if protocol.asking.idle:
                ask(protocol)
            elif self._asked_for_life.called:  # it is not a heartbeat that is awaited
                self._engine.excuse(beats.interval)

        def send_past_commands(protocol: Any) -> None:
            self._beats_out += 1
            protocol.sendFrame(request)

        if not declaration.heartbeat_while_busy:
            return ask_unless_busy
        if dialect.by_id:
            return ask
        request = dialect.request(name, {}, 0)
        (self._beat_reply,) = dialect.reply(Request(name, {}), None)
        return send_past_commands


class _ArrivalOn:
    """The host's side of a login, on one session."""

    def __init__(self, arrival: LoginClient, protocol: Any) -> None:
        self._arrival = arrival
        self._protocol = protocol
        self._finished: Deferred[None] = Deferred()

    @property
    def done(self) -> bool:
        """Whether commands may come now."""
        return self._arrival.done

    def finished(self) -> Deferred[None]:
        """Begin; the Deferred fires when the login is done, and fails with LoginRefused."""
        self._say(self._arrival.begin())
        return self._finished

    def take(self, frame: bytes) -> None:
        """The equipment said something."""
        try:
            sayings = self._arrival.take(frame)
        except LoginRefused:
            self._settle(Failure())
        else:
            self._say(sayings)

    def end(self, reason: str) -> None:
        """The session is over."""
        self._settle(Failure(LoginRefused(f"the session ended: {reason}")))

    def _say(self, sayings: Iterable[LoginMessage]) -> None:
        for saying in sayings:
            self._protocol.sendFrame(saying.text)
        if self._arrival.done:
            self._settle(None)

    def _settle(self, outcome: Any) -> None:
        if not self._finished.called:
            self._finished.callback(outcome)
