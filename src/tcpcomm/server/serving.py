"""
The equipment's side: :func:`serve` makes a service of an object that implements a declaration.

::

    service = serve(MyCamera(), at="tcp:9999:interface=127.0.0.1")    # the host connects to us
    service = serve(MyCamera(), connect="tcp:10.0.0.1:9999")          # we connect to the host

Start it with :func:`run`, or give it to a Twisted application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Generic, Self, TextIO, TypeVar, cast

from attrs import evolve, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint, IStreamServerEndpoint

from tcpcomm.codec.base import Asked
from tcpcomm.conversation.answering_session import AnsweringSession
from tcpcomm.conversation.observed import send_message
from tcpcomm.conversation.presence import Presence
from tcpcomm.conversation.proxy import HostProxy, OneSession
from tcpcomm.conversation.requester import Requester, requester_for
from tcpcomm.conversation.responder import (
    LATE_LOG_INTERVAL,
    HandlerTable,
    Responder,
    asking_session,
    current_session,
    responder_for,
)
from tcpcomm.conversation.states import change_states
from tcpcomm.equipment.declaration import Declaration, check_states
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.events import connect_events
from tcpcomm.equipment.login import LoginMessage, LoginServer
from tcpcomm.errors import ConfigurationError, FramingError, LoginRefused
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.link.connect import Connector
from tcpcomm.link.engine import Engine
from tcpcomm.link.option_texts import explains
from tcpcomm.link.policy import Policy, profile
from tcpcomm.net.endpoints import Listener, client, listener, open_to_others
from tcpcomm.runtime.log_throttle import KeyedLogThrottle
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.runtime.right_thread import check_thread
from tcpcomm.runtime.safe_text import one_line
from tcpcomm.runtime.timer import clock_of
from tcpcomm.runtime.watchdog import watchdog
from tcpcomm.server.service import ServerService
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.frame_log import frame_log
from tcpcomm.session.observer import MessageKind, SessionObserver, report_message

E = TypeVar("E", bound=Equipment)

SERVE_OPTIONS: Final = (
    "allow", "keys", "evict", "max_sessions", "max_sessions_per_address", "max_unproven", "limits",
    "allow_http", "framing_hints",
)  # fmt: skip
"""The options of :class:`FrameFactory` that equipment has, too; the others come from its declaration."""


@frozen
class PerSession(Generic[E]):
    """Equipment with an object of its own for each session. Made by :func:`per_session`."""

    make: Callable[[], E]
    kind: type[E]


def per_session(kind: type[E], *args: Any, **kwargs: Any) -> PerSession[E]:
    """
    Give each session an object of its own, made with these arguments, because sessions have a state.

    An event that such an object sends reaches its own session only.
    """
    if isinstance(kind, Equipment):
        name = type(kind).__name__
        raise ConfigurationError(f"per_session takes the class, not an object: write per_session({name})")
    return PerSession(lambda: kind(*args, **kwargs), kind)


class EquipmentProtocol(AnsweringSession):
    """
    One session of a piece of equipment: requests in, replies and events out.

    :meth:`framesReceived` handles frames itself. It hands them to :meth:`frameReceived` only during a
    login, if both sides ask commands, and for observers.
    """

    is_declared = is_equipment = True

    # Slots are faster than class defaults, and each command reads these.
    __slots__ = ("_host", "_login", "_one_by_one", "_presence")

    _login: LoginServer | None
    _host: tuple[HostProxy, Requester] | None  # set if we ask commands of the host, too
    _presence: Presence | None  # set if the equipment hears that sessions begin and end
    _one_by_one: bool  # each frame goes to frameReceived: there is a login or a host to ask

    def __new__(cls, *args: object, **options: object) -> Self:
        self = super().__new__(cls, *args, **options)
        self._login = self._host = self._presence = None
        self._one_by_one = self.takes_chunks = False
        self.charset = None
        return self

    def sessionReady(self) -> None:
        factory = cast("EquipmentFactory", self.factory)
        handlers = factory.handlers_for(self)
        declaration = factory.declaration
        self.responder = responder_for(handlers, self)
        if factory.calls is not None:
            clock = clock_of(factory)
            requester = requester_for(self, clock, self.abort, factory.calls)
            one_session = OneSession(requester, factory.calls)
            self._host = HostProxy(factory.calls, one_session, clock.seconds), requester
        if declaration.greeting is None and not declaration.login:
            self._one_by_one = self._host is not None
            self._begin_serving()
            return
        self._one_by_one = True
        self.keeps_secret = bool(declaration.login)
        self._login = login = LoginServer(
            declaration.greeting, declaration.login, declaration.encoding, handlers.equipment.authenticate
        )
        self._send_login(login, login.begin())

    def _begin_serving(self) -> None:
        """Send events to this session from now on."""
        cast("EquipmentFactory", self.factory).members.add(self)
        if self._host is None:
            self.use_loops()
        self._presence = presence = Presence.of(self.responder.equipment, self)
        if presence is not None:
            presence.begin()

    @property
    def declaration(self) -> Declaration:
        return cast("EquipmentFactory", self.factory).declaration

    @property
    def equipment(self) -> Equipment:
        """The object that serves this session, once it is ready."""
        equipment: Equipment = self.responder.equipment
        return equipment

    @property
    def is_busy(self) -> bool:
        """Return True while a command is being carried out."""
        return self.responder.is_busy

    @property
    def peer_proxy(self) -> Any:
        """The proxy that asks commands of this session's host, or None if ``calls`` was not given."""
        return None if self._host is None else self._host[0].proxy

    def framesReceived(self, frames: list[bytes]) -> Any:
        if self._one_by_one or self.observers.message is not None:
            return self._take_one_by_one(frames)
        self.answer_frames(frames)
        return None

    def _take_one_by_one(self, frames: list[bytes]) -> Any:
        if self._host is None:
            return super().framesReceived(frames)
        _, requester = self._host
        requester.hold(len(frames))
        try:
            return super().framesReceived(frames)
        finally:
            requester.release()

    def frameReceived(self, frame: bytes) -> Deferred[None] | None:
        if self._login is not None:
            self._take_login(self._login, frame)
            return None
        asked = self.responder.read(frame)
        if self._host is not None:
            proxy, requester = self._host
            if proxy.is_meant(frame, asked, requester):
                proxy.take(frame, requester)
            else:
                requester.in_order(partial(self._respond, asked, frame))
            return None
        return self.responder.take(asked, frame)

    def _respond(self, asked: Asked, frame: bytes) -> None:
        if self.is_open:
            self.await_handler(self.responder.take(asked, frame))

    def framingFailed(self, fault: FramingError) -> None:
        super().framingFailed(fault)
        if self._presence is not None:
            self._presence.misframed(fault)
        if self._host is not None:
            self._host[1].dropped(one_line(fault.reason))

    def backlogHandled(self) -> None:
        if self._host is not None:
            self._host[1].release()

    def sessionLost(self, reason: str) -> None:
        cast("EquipmentFactory", self.factory).members.discard(self)
        responder: Responder | None = getattr(self, "responder", None)
        if responder is not None:  # None if the equipment object could not be made
            responder.end()
        if self._host is not None:
            self._host[1].end(reason)
        if self._presence is not None:
            self._presence.end(reason)
        super().sessionLost(reason)

    # -- login ------------------------------------------------------------------------------------------

    def _take_login(self, login: LoginServer, frame: bytes) -> None:
        try:
            messages = login.take(frame)
        except LoginRefused as refused:
            report_message(self, MessageKind.LOGIN, frame, sent=False, problem=str(refused))
            self.close(f"the login was refused: {refused}")
        except Exception:
            report_message(self, MessageKind.LOGIN, frame, sent=False, problem="authenticate() failed")
            raise
        else:
            report_message(self, MessageKind.LOGIN, frame, sent=False)
            self._send_login(login, messages)

    def _send_login(self, login: LoginServer, messages: Iterable[LoginMessage]) -> None:
        for message in messages:
            if message.is_frame:
                send_message(self, MessageKind.LOGIN, message.text)
            else:
                self.sendBytes(message.text)
                report_message(self, MessageKind.LOGIN, message.text, sent=True)
        if login.done:
            self._login = None
            self._one_by_one = self._host is not None
            self.keeps_secret = False
            self._begin_serving()

    def close(self, reason: str = "closed here") -> None:
        if self._host is not None:
            self._host[1].say_goodbye(cast("Any", self.factory).calls)
        super().close(reason)


class EquipmentFactory(FrameFactory):
    """
    Builds the sessions of a piece of equipment. :func:`serve` explains the arguments.

    Raises:
        ConfigurationError: a command has no implementation, or the object is already being served.
    """

    protocol = EquipmentProtocol

    def __init__(
        self,
        equipment: Equipment | PerSession[Any],
        *,
        calls: type[Equipment] | None = None,
        **options: Any,
    ) -> None:
        kind = equipment.kind if isinstance(equipment, PerSession) else type(equipment)
        self.declaration = declaration = declaration_of(kind)
        calls = calls or declaration.host_side
        self.calls = None if calls is None else declaration_of(calls)
        declaration.check_implemented()
        sent = None if declaration.sent is declaration.received else declaration.sent
        declared: dict[str, Any] = {
            "framing": declaration.received,
            "reply_framing": sent,
            "gap": declaration.gap,
            "limits": kind.limits,
        }
        super().__init__(**(declared | options))
        self.members: set[EquipmentProtocol] = set()
        """The sessions that get events: all that have logged in."""
        self._equipment = equipment
        self._late: KeyedLogThrottle[str] = KeyedLogThrottle(LATE_LOG_INTERVAL)
        self._handlers: HandlerTable | None = None  # shared by all sessions, made for the first
        if isinstance(equipment, Equipment):
            connect_events(equipment, clock_of(self), self._send_event, asking_session(self.declaration))

    def handlers_for(self, session: EquipmentProtocol) -> HandlerTable:
        equipment, clock = self._equipment, clock_of(self)
        if isinstance(equipment, PerSession):
            equipment = equipment.make()
            connect_events(
                equipment, clock, self._send_event, asking_session(self.declaration), only=session
            )
            return HandlerTable(equipment, self.declaration, clock, self._late)
        if self._handlers is None:
            self._handlers = HandlerTable(equipment, self.declaration, clock, self._late)
        return self._handlers

    def _send_event(self, name: str, values: dict[str, Any], session: EquipmentProtocol | None) -> None:
        """Send an event to one session, or to all members."""
        members = self.members if session is None else self.members & {session}
        rule = self.declaration.events[name].states
        if rule is not None:
            members = {each for each in members if rule.allows(each.states)}
        dialect = self.declaration.dialect
        frame = dialect.event(name, values)
        framing, framed = None, (b"",)  # made once for all members that share the framing
        for member in list(members):
            if not member.is_open:
                continue
            if dialect.event_values:
                framing, frame = None, dialect.event_to(name, values, member.event_values or {})
            if self.observers.message is not None:
                send_message(member, MessageKind.EVENT, frame, name=name, values=values)
            elif len(frame) >= LARGE:  # sendFrame does not copy it
                member.sendFrame(frame)
            else:
                if member.send_framing is not framing:
                    framing, framed = member.send_framing, (member.send_framing.encode(frame),)
                member.send_framed(framed, (frame,))
            if rule is not None:
                change_states(member, rule)

    def startFactory(self) -> None:
        watchdog.start()

    def stopFactory(self) -> None:
        watchdog.stop()


class ActiveEquipmentService(Service):
    """
    Equipment in the active TCP role: it connects to its host, stays connected, and serves it.

    If the declaration has a heartbeat, the host must send one within the policy's heartbeat timeout.
    """

    def __init__(
        self,
        factory: EquipmentFactory,
        endpoint: IStreamClientEndpoint,
        policy: Policy,
        *,
        clock: IReactorTime,
        name: str,
    ) -> None:
        self._factory = factory
        heartbeats = None if factory.declaration.heartbeat is None else policy.heartbeats
        self._interval = 0.0 if heartbeats is None else heartbeats.interval
        self.engine = Engine(
            factory,
            Connector(endpoint),
            evolve(policy, heartbeats=heartbeats),
            clock=clock,
            send_heartbeat=None if heartbeats is None else self._beat,
            name=name,
            observers=factory.observers,
            link=self,
        )

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._factory.doStart()  # type: ignore[no-untyped-call]
        self.engine.start()

    def stopService(self) -> Deferred[None]:
        super().stopService()  # type: ignore[no-untyped-call]
        stopped = self.engine.stop()
        stopped.addCallback(self._stopped)
        return stopped

    def _stopped(self, _: None) -> None:
        self._factory.doStop()  # type: ignore[no-untyped-call]

    def _beat(self, protocol: Any) -> None:
        """Excuse the host, which sends the heartbeats, while it waits for a reply."""
        if isinstance(protocol, EquipmentProtocol) and protocol.is_busy:
            self.engine.excuse(self._interval)


@explains("options", FrameFactory, only=SERVE_OPTIONS)
def serve(
    equipment: Equipment | PerSession[Any],
    *,
    at: str | IStreamServerEndpoint | Sequence[str | IStreamServerEndpoint] | None = None,
    connect: str | IStreamClientEndpoint | None = None,
    calls: type[Equipment] | None = None,
    policy: Policy | str | None = None,
    grace: float = 5.0,
    observers: Iterable[SessionObserver] = (),
    log: bool | TextIO | Callable[[str], object] = False,
    reactor: Any = None,
    **options: Any,
) -> Service:
    """
    Make a service of an object that implements a declaration.

    Args:
        equipment: the object; or, from :func:`per_session`, one for each session.
        at: the places to listen at, as endpoint strings such as ``tcp:9999:interface=127.0.0.1``. Places
            that other machines can reach need ``allow`` or ``keys``. An endpoint object is used as it is.
        connect: the place where the host listens: the equipment connects, and connects again. Give either
            ``at`` or ``connect``.
        calls: the declaration of the hosts, if the equipment asks commands of them: :func:`caller` returns
            the proxy. By default the ``host_side`` of the declaration.
        policy: for ``connect``, the rules of the link: the name of a profile, or a policy. By default those
            that the declaration brings, or else ``lan``.
        grace: the seconds that a stop waits for replies to leave.
        observers: objects that see each chunk, frame and message of all sessions.
        log: the place for a log of all frames: True (the program's log), a text file such as
            ``sys.stderr``, or a function that gets each line.
        reactor: the reactor, or a test's clock.
        options: limits and permissions, such as ``max_sessions``, ``keys`` and
            ``allow=["192.168.0.0/24"]``. ``help(tcpcomm.serve)`` explains each.

    Returns:
        A service, which is not started.

    Raises:
        ConfigurationError: a command has no implementation, or a place is not an endpoint.
    """
    if (at is None) == (connect is None):
        raise ConfigurationError("serve() needs either at or connect")
    if isinstance(equipment, type):
        name = equipment.__name__
        raise ConfigurationError(f"serve takes an object, not the class: write serve({name}(), at=...)")
    kind = equipment.kind if isinstance(equipment, PerSession) else type(equipment)
    calls = calls or declaration_of(kind).host_side
    check_states(*map(declaration_of, [kind] if calls is None else [kind, calls]))
    reactor = the_reactor(reactor)
    check_thread(reactor, "serve")
    options["observers"] = [*observers, *frame_log(log)]
    if connect is not None:
        factory = EquipmentFactory(equipment, calls=calls, clock=reactor, dials=True, **options)
        endpoint = client(reactor, connect) if isinstance(connect, str) else connect
        name = f"{factory.declaration.name} to {connect if isinstance(connect, str) else 'its host'}"
        rules: Any = policy or factory.declaration.policy or "lan"
        rules = profile(rules) if isinstance(rules, str) else rules
        return ActiveEquipmentService(factory, endpoint, rules, clock=reactor, name=name)
    places: list[Any] = list(at) if isinstance(at, Sequence) and not isinstance(at, str) else [at]
    listeners = [
        listener(reactor, each)
        if isinstance(each, str)
        else Listener(text=str(each), endpoint=each, local=True, proves_peers=False)
        for each in places
    ]
    for each in listeners:
        if not (each.local or each.proves_peers or "allow" in options or "keys" in options):
            raise ConfigurationError(open_to_others(each.text))
    factory = EquipmentFactory(equipment, calls=calls, clock=reactor, **options)
    return ServerService(factory, listeners, grace=grace)


def caller(kind: type[E]) -> E:
    """
    Return the proxy of the other side, for a handler that asks a command of it in turn.

    Args:
        kind: at the equipment, the declaration that was given to ``serve`` as ``calls``; in a handler of
            the object that ``serves`` at a host, the declaration of the equipment.

    Raises:
        ConfigurationError: no command is being carried out, or the other side is of another declaration.
    """
    proxy = getattr(current_session(), "peer_proxy", None)
    if not isinstance(proxy, kind):
        raise ConfigurationError(
            f"the other side of this session was not declared as {kind.__name__}: at the equipment write "
            f"serve(..., calls={kind.__name__}), and at a host remote({kind.__name__}, serves=...)"
        )
    return proxy
