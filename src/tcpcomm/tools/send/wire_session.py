"""A session for bytes of any language: :class:`WireSession`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from attrs import evolve

from tcpcomm.framing import Framing, Unframed
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.limits import Limits
from tcpcomm.session.observer import MessageKind, ObservedMessage, Observers, SessionObserver
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.send.host_view import HostSession, HostView

S = TypeVar("S", bound=OverheardSession)

_ROOM_FOR_MORE: Final = 1024 * 1024
"""Bytes that may wait for a peer besides the longest message."""

NO_REPLIES: Final = frozenset(
    [MessageKind.EVENT, MessageKind.HEARTBEAT, MessageKind.LOGIN, MessageKind.PART]
)
"""The kinds of declared messages that answer nothing."""


def limits_for(longest: int) -> Limits:
    """Return the limits of a session that sends messages of so many bytes, and may be silent for ever."""
    default = Limits(idle=None, handshake=10.0)
    return evolve(default, unread_abort=max(default.unread_abort, 2 * longest + _ROOM_FOR_MORE))


class WireSession(FrameProtocol):
    """
    A session that decodes bytes by a :class:`Speech`, only to show and to match them.

    Whatever the peer sends, the session goes on.

    Args:
        speech: the language.
        observers: get what the :class:`Dissector` decodes.
        is_equipment: True if this side is the equipment.
    """

    __slots__ = (
        "_silence_timer", "_speech", "_watchers", "closed_reason", "dissector", "is_equipment",
        "when_closed", "when_heard", "when_ready",
    )  # fmt: skip

    framing: Framing = Unframed()
    allow_http = True
    limits: Limits = limits_for(0)

    def __init__(self, speech: Speech, observers: Sequence[SessionObserver], *, is_equipment: bool) -> None:
        self._speech = speech
        self.is_equipment = is_equipment
        self._watchers = tuple(observers)
        self.dissector: Dissector | None = None
        """Decodes what passes, from when the session is ready."""
        self._silence_timer: Any = None
        self.closed_reason: str | None = None
        """The reason of the end, or None while the session is open."""
        self.when_ready: Callable[[WireSession], object] = _nothing
        self.when_heard: Callable[[WireSession, bytes, bool], object] = _nothing
        """Gets each frame that came, and False if it is an event, a heartbeat, or a part of a reply."""
        self.when_closed: Callable[[WireSession, str], object] = _nothing

    def say(self, message: bytes) -> None:
        """
        Send one message, with the framing of this side.

        Raises:
            EncodeError: the framing cannot carry it. Nothing was sent.
            SessionClosed: the session is over.
        """
        self.sendBytes(wire_of(self._speech, message, is_equipment=self.is_equipment))

    def sessionReady(self) -> Awaitable[None] | None:
        self.when_ready(self)
        return None

    def frameReceived(self, frame: bytes) -> Awaitable[None] | None:
        """Do nothing: the dissector has got the chunk already."""
        return None

    def log_connected(self) -> None:
        """Do nothing: the output shows it."""

    def sessionLost(self, reason: str) -> None:
        """Do nothing: the output shows it."""

    def begin_to_show(self) -> None:
        """Tell the observers that the connection is ready."""
        overheard = self._overheard(OverheardSession)
        watchers: Sequence[SessionObserver] = [*self._watchers, _Hearer(self)]
        if not self.is_equipment:
            watchers = [HostView(self._overheard(HostSession), watchers)]
        clock = clock_of(self.factory)
        self.dissector = Dissector(overheard, Observers(watchers), clock.seconds, clock=clock)
        self.dissector.open()

    def _overheard(self, kind: type[S]) -> S:
        return kind(
            peer=self.peer,
            target=self.host or self.peer,
            host=self.host,
            speech=self._speech,
            identity=self.identity,
        )

    def hears_silence(self) -> None:
        """Begin to wait for a silence after bytes, if one may end a frame."""
        gap = self._speech.gap
        if gap is None:
            return
        if self._silence_timer is not None and self._silence_timer.active():
            self._silence_timer.reset(gap)
        else:
            self._silence_timer = clock_of(self.factory).callLater(gap, self._silence_passed)

    def _silence_passed(self) -> None:
        if self.dissector is not None:
            self.dissector.silence(to_host=not self.is_equipment)

    def ended(self, reason: str) -> None:
        """Note the end, and tell it."""
        if self._silence_timer is not None and self._silence_timer.active():
            self._silence_timer.cancel()
        self.closed_reason = reason
        if self.dissector is not None:
            self.dissector.end(to_host=not self.is_equipment)
            self.dissector.close(reason)
        self.when_closed(self, reason)


class WireObserver(SessionObserver):
    """Passes on what a :class:`WireSession` sends and receives to its dissector. Give it to the factory."""

    def ready(self, session: WireSession) -> None:
        session.begin_to_show()

    def received(self, session: WireSession, data: bytes) -> None:
        if session.dissector is not None:
            session.dissector.feed(data, to_host=not session.is_equipment)
            session.hears_silence()

    def sent(self, session: WireSession, data: bytes) -> None:
        if session.dissector is not None:
            session.dissector.feed(data, to_host=session.is_equipment)

    def closed(self, session: WireSession, reason: str) -> None:
        session.ended(reason)


def wire_of(speech: Speech, message: bytes, *, is_equipment: bool) -> bytes:
    """
    Return the bytes of a message on the wire: with framing, or as they are if the language is raw.

    Raises:
        EncodeError: the framing cannot carry the message.
    """
    return message if speech.is_raw else speech.framing(to_host=is_equipment).encode(message)


class _Hearer(SessionObserver):
    """Tells a session the frames that came, as the dissector finds them."""

    def __init__(self, session: WireSession) -> None:
        self._session = session

    def frame_received(self, session: Any, frame: bytes) -> None:
        if not session.is_declared:
            self._session.when_heard(self._session, frame, True)

    def message(self, session: Any, message: ObservedMessage) -> None:
        if not message.sent:
            self._session.when_heard(self._session, message.frame, message.kind not in NO_REPLIES)


def _nothing(*_: object) -> None:
    """Do nothing."""
