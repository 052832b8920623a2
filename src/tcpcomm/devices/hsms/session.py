"""
The session of HSMS-SS: select, deselect, linktest, separate and its timers, for both sides.

:class:`Hsms` declares equipment, and :class:`HsmsHost` is what its hosts answer. Either side may be active
(it connects, and selects) or passive (it listens).

=====  ===============================================  ============================================
timer  meaning                                          kept by
=====  ===============================================  ============================================
T3     the reply to a data message                      the timeout of the commands
T5     the pause between attempts to connect            the backoff of the link's policy
T6     the response to a control message                the timeout of the control commands
T7     the time in which a session must be selected     the link's handshake timeout; a timer of each
                                                        session at equipment that listens
T8     the longest pause within a message               ``Limits.pause``
=====  ===============================================  ============================================

Source: SEMI E37 and E37.1.
"""

from __future__ import annotations

from math import inf
from types import new_class
from typing import Any, ClassVar, Final

from attrs import evolve
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater

from tcpcomm.codec.base import Event
from tcpcomm.codec.binary.types import U16
from tcpcomm.codec.binary.variables import Echo
from tcpcomm.conversation.responder import current_session
from tcpcomm.devices.hsms.codec import ANY, SecsMessages
from tcpcomm.devices.hsms.header import HEADER_SIZE, NOT_SELECTED, WORDS, Header, parse_name
from tcpcomm.devices.hsms.values import Value, encode
from tcpcomm.equipment.equipment import Equipment, command, declaration_of
from tcpcomm.errors import CodecError, ConfigurationError, Fault, NoReply, NotReady, NotSent, OutcomeUnknown
from tcpcomm.framing import LengthPrefixed
from tcpcomm.link.policy import Backoff, Policy
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.heartbeat import Heartbeats
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol

SELECTED: Final = "selected"
"""The state of a session that carries data messages."""

SECS_CONNECT_TIMEOUT: Final = 5.0
"""Seconds for one attempt to connect to HSMS equipment. Then the attempt is given up, and T5 runs."""

LONGEST_SECS_MESSAGE: Final = 16 * 1024 * 1024
"""Bytes of one message of HSMS, with its header. A longer message ends the session."""

SLOWEST_SECS_MESSAGE: Final = 60.0
"""
Seconds for one message of HSMS, besides the time for its bytes. Then the session is closed; T8 ends a
message that pauses.
"""

SETTINGS: Final = ("t3", "t5", "t6", "t7", "t8", "linktest_interval", "device_id", "encoding")
"""The attributes that both sides of one equipment have in common."""

ACCEPTED: Final = b"\0"
"""The acknowledge code for "accepted", as most replies of a host have it."""


class HsmsSide(Equipment):
    """
    The part of HSMS that both sides have. Subclass :class:`Hsms` or :class:`HsmsHost` instead.

    Attributes:
        t3: seconds for the reply to a data message.
        t5: seconds from one attempt to connect to the next.
        t6: seconds for the response to a control message.
        t7: seconds in which a new session must be selected.
        t8: seconds of the longest pause within a message.
        linktest_interval: seconds between two linktests of this side.
        device_id: the device ID in the header of data messages. ``tool.device(3)`` asks another device.
        other_devices: further device IDs that equipment answers; None: all. What is for others gets S9F1.
        encoding: the encoding of ``A`` items. The standard has ASCII; much equipment sends others.
    """

    t3: ClassVar[float] = 45.0
    t5: ClassVar[float] = 10.0
    t6: ClassVar[float] = 5.0
    t7: ClassVar[float] = 10.0
    t8: ClassVar[float] = 5.0
    linktest_interval: ClassVar[float] = 10.0

    device_id: ClassVar[int] = 0
    other_devices: ClassVar[tuple[int, ...] | None] = ()
    encoding: ClassVar[str] = "ascii"

    device = Echo(U16, 0)
    framing = LengthPrefixed(4, max_frame=LONGEST_SECS_MESSAGE)
    codec = SecsMessages(device)
    limits = Limits(partial=SLOWEST_SECS_MESSAGE, unread_abort=2 * LONGEST_SECS_MESSAGE)
    goodbye = "separate"
    log = BoundedLogger()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if not cls.__tcpcomm_proxy__:
            cls.limits = evolve(cls.limits, pause=cls.t8)
            interval = cls.linktest_interval
            cls.policy = Policy(
                connect_timeout=SECS_CONNECT_TIMEOUT,
                handshake_timeout=cls.t7,
                backoff=Backoff(quick=cls.t5, quick_for=inf, cap=cls.t5, floor=cls.t5),
                heartbeats=Heartbeats(interval, max(interval + cls.t6, 2 * interval)),
            )
            if cls.device.default != cls.device_id:
                cls.device = Echo(U16, cls.device_id, name="device")
            if isinstance(cls.codec, SecsMessages):
                others = cls.other_devices
                answers = None if others is None else frozenset([cls.device_id, *others])
                cls.codec = evolve(cls.codec, device=cls.device, encoding=cls.encoding, answers=answers)
        super().__init_subclass__(**kwargs)

    @command("Select.req", timeout="t6", enters=SELECTED)
    async def select(self) -> None:
        """Begin the exchange of data messages. The side that has connected sends it."""
        session = current_session()
        if SELECTED in session.states:
            raise Fault("Select 1", WORDS["Select 1"])
        while (other := _selected_beside(session)) is not None:
            if await _answers(other, self.t6 / 2):
                raise Fault("Select 3", WORDS["Select 3"])
            other.abort(f"it does not answer, and {session.peer} wants to be selected")
        if SELECTED in session.states:  # meanwhile, by another Select.req of the same host
            raise Fault("Select 1", WORDS["Select 1"])

    @command("Deselect.req", timeout="t6", leaves=SELECTED)
    async def deselect(self) -> None:
        """End the exchange of data messages. The connection stays. HSMS-SS uses separate instead."""
        if SELECTED not in current_session().states:
            raise Fault("Deselect 1", WORDS["Deselect 1"])

    @command("Linktest.req", timeout="t6", idempotent=True)
    async def linktest(self) -> None:
        """Show that the program on the other side is alive."""

    @command("Separate.req", reply=None, needs=SELECTED, leaves=SELECTED)
    async def separate(self) -> None:
        """End the session. Both sides close the connection."""
        session = current_session()
        clock_of(session.factory).callLater(0, session.close, "the peer sent Separate.req")

    @command(ANY, timeout="t3", needs=SELECTED)
    async def ask(self, message: str, item: Value = None) -> Value:
        """
        Send any message, such as S2F33, with an item, and return the item of its reply.

        The side that gets it implements it for all messages that have no command of their own.
        """
        dialect: Any = declaration_of(self).dialect
        stream, _ = parse_name(message)
        code = "S9F5" if stream in dialect.streams else "S9F3"
        raise Fault(code, WORDS[code])

    @command(ANY, reply=None, needs=SELECTED)
    async def tell(self, message: str, item: Value = None) -> None:
        """Send any message, such as S6F11, without the W bit: no reply is wanted."""
        self.log.warn("{peer}: nobody takes {message} here", peer=current_session().peer, message=message)

    def unknown(self, frame: bytes) -> bytes | None:
        """End a session if its peer sends a message without a whole header (SEMI E37, section 7.2)."""
        if len(frame) >= HEADER_SIZE:
            return super().unknown(frame)
        session = current_session()
        reason = f"the peer sent a message of {len(frame)} bytes, and its header has {HEADER_SIZE}"
        clock_of(session.factory).callLater(0, session.abort, reason)
        raise NoReply


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()


def _selected_beside(session: FrameProtocol) -> Any:
    """Return another session of the same equipment that is selected, or None."""
    members = getattr(session.factory, "members", ())
    others = (each for each in members if each is not session and each.is_open)
    return next((each for each in others if SELECTED in each.states), None)


async def _answers(session: Any, seconds: float) -> bool:
    """Return True if the peer of a session answers a linktest within so many seconds."""
    later: Deferred[Any] = session.peer_proxy.linktest()
    try:
        await later.addTimeout(seconds, clock_of(session.factory))
    except Fault:
        return True
    except (TimeoutError, NotSent, OutcomeUnknown):
        return False
    return True


class HsmsHost(HsmsSide):
    """
    The messages that a host answers. Subclass it to answer more of them.

    A message that is declared as an event of the equipment calls its subscribers. If it wants a reply, that
    is an acknowledge code 0.
    """

    codec = SecsMessages(HsmsSide.device, by_equipment=False)
    other_devices = None

    async def ask(self, message: str, item: Value = None) -> Value:
        """Answer a message of the equipment that has no command here. Override it to answer more."""
        if not emit(current_session(), message, item):
            raise Fault("F0", f"nobody answers {message} here")
        return ACCEPTED

    async def tell(self, message: str, item: Value = None) -> None:
        """Take a message of the equipment that has no command here and wants no reply."""
        if not emit(current_session(), message, item):
            await super().tell(message, item)


def emit(session: Any, message: str, item: Value) -> bool:
    """Call the subscribers of the equipment's event with this name. Return False if there is none."""
    proxy = session.peer_proxy
    dialect: Any = declaration_of(proxy).dialect
    header = Header.of_data(0, *parse_name(message), 0, wants_reply=False)
    frame = header.write(b"" if item is None else encode(item, dialect.encoding))
    try:
        (event,) = dialect.read_at_host(frame)
    except CodecError:
        return False
    if not isinstance(event, Event):
        return False
    getattr(proxy, event.name).happened(event.values)
    return True


class Hsms(HsmsSide):
    """
    Equipment that speaks SECS-II over HSMS. Subclass it to declare the messages of your equipment.

    ::

        class Sorter(Hsms):
            @command("S2F31", timeout="t3", needs="selected")
            async def set_clock(self, time: str) -> Code: ...
    """

    heartbeat = "linktest"
    heartbeat_while_busy = True
    ready_when = SELECTED
    host_side = HsmsHost

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if not cls.__tcpcomm_proxy__:
            host = cls.host_side
            own = {name: getattr(cls, name) for name in SETTINGS}
            other = {name: value for name, value in own.items() if getattr(host, name, value) != value}
            if other:  # the same timers hold for what this equipment asks its hosts
                body = {"__doc__": host.__doc__, "__module__": host.__module__, **other}
                made: Any = new_class(host.__name__, (host,), {}, lambda names: names.update(body))
                cls.host_side = made
        super().__init_subclass__(**kwargs)

    async def opening(self, *, active: bool) -> None:
        """Select the session, if the host has connected."""
        if active:
            await self.select()

    # -- the equipment's side ---------------------------------------------------------------------------

    async def session_began(self, session: FrameProtocol) -> None:
        """Select the session if this side has connected, then send linktests."""
        served: Any = session
        self._sessions()[session] = None
        if served.factory.dials:
            try:
                await served.peer_proxy.select()
            except (Fault, NotSent, OutcomeUnknown) as error:
                session.abort(f"the host does not answer Select.req as it must: {error}")
                return
            self._begin_data(session)
        else:
            self._expect_selection(session)
        await self._send_linktests(served)

    def session_ended(self, session: FrameProtocol, reason: str) -> None:
        _cancel(self._sessions().pop(session, None))

    async def on_selected(self, session: FrameProtocol) -> None:
        """Note that a session is selected. Override it to send the host something first."""

    async def select(self) -> None:
        await super().select()
        session = current_session()
        clock_of(session.factory).callLater(0, self._begin_data, session)

    async def deselect(self) -> None:
        await super().deselect()
        self._expect_selection(current_session())

    def selected_hosts(self) -> list[Any]:
        """Return the proxies of the hosts that have selected this equipment."""
        sessions: list[Any] = [each for each in self._sessions() if SELECTED in each.states]
        return [each.peer_proxy for each in sessions if each.is_open]

    async def ask_host(self, name: str, **values: Any) -> Any:
        """
        Ask a command of the host that has selected this equipment.

        Raises:
            NotReady: no host has selected it.
        """
        if self.__tcpcomm_proxy__:
            raise ConfigurationError("this is a proxy: only the equipment itself sends to its hosts")
        hosts = self.selected_hosts()
        if not hosts:
            raise NotReady(f"no host has selected {type(self).__name__}")
        return await getattr(hosts[-1], name)(**values)

    def _sessions(self) -> dict[FrameProtocol, IDelayedCall | None]:
        """Return the sessions of this equipment, and the timer T7 of each."""
        found: dict[FrameProtocol, IDelayedCall | None] = self.__dict__.setdefault("_open_sessions", {})
        return found

    def _expect_selection(self, session: FrameProtocol) -> None:
        """Begin T7: end the session if it is not selected then."""

        def check() -> None:
            if SELECTED not in session.states:
                session.abort(f"it was not selected within {self.t7:g} s (T7)")

        sessions = self._sessions()
        _cancel(sessions.get(session))
        sessions[session] = clock_of(session.factory).callLater(self.t7, check)

    def _begin_data(self, session: FrameProtocol) -> None:
        if SELECTED in session.states and session.is_open:
            Deferred.fromCoroutine(self.on_selected(session)).addErrback(self._failed, session)

    def _failed(self, failure: Any, session: FrameProtocol) -> None:
        if failure.check(Fault) is not None and failure.value.code == NOT_SELECTED:
            session.abort(f"the peer answers a message of the selected session by {failure.value}")
        elif failure.check(NotSent, OutcomeUnknown, Fault) is not None:
            message = "{peer}: what follows the selection failed: {error}"
            self.log.warn(message, peer=session.peer, error=failure.getErrorMessage())
        else:
            self.log.failure("{peer}: on_selected failed", failure, peer=session.peer)

    async def _send_linktests(self, session: Any) -> None:
        while session.is_open:
            await deferLater(clock_of(session.factory), self.linktest_interval)
            try:
                await session.peer_proxy.linktest()
            except Fault:
                pass  # a reject is an answer, too
            except (NotSent, OutcomeUnknown) as error:
                session.abort(f"the host does not answer Linktest.req: {error}")
