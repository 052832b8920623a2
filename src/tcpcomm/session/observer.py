"""
One place to watch from: :class:`SessionObserver` sees what passes on sessions and links.

Observers change nothing: one that raises is logged and detached, and its session goes on.

::

    class Printer(SessionObserver):
        def frame_received(self, session, frame):
            print(session.peer, frame)

    factory = FrameFactory(MyProtocol, observers=[Printer()])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol

from attrs import field, frozen

from tcpcomm.errors import FramingError
from tcpcomm.runtime.bounded_logger import BoundedLogger


class MessageKind(Enum):
    """The part that a frame plays in a conversation."""

    COMMAND = "command"
    REPLY = "reply"
    EVENT = "event"
    FAULT = "fault"
    LOGIN = "login"  # a greeting, a prompt, a credential (which is masked)
    HEARTBEAT = "heartbeat"
    PART = "part"  # one frame of a reply of several frames; the last one is the reply
    UNREADABLE = "unreadable"  # it fits nothing that is declared; problem says why
    OTHER = "other"  # a frame that the program sent itself


def _read_only(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(values))


@frozen(kw_only=True)
class ObservedMessage:
    """
    A frame of a declared conversation, decoded.

    If the conversation of a session is declared (:attr:`~tcpcomm.FrameProtocol.is_declared`), the session
    reports every frame in this form, too, in the same turn of the reactor.
    """

    kind: MessageKind
    sent: bool
    """True if this side sent it, False if this side received it."""
    frame: bytes
    """The frame that carried it; credentials are masked."""
    name: str = ""
    """The command or event; empty where the frame does not tell it."""
    values: Mapping[str, Any] = field(factory=dict, converter=_read_only)
    """
    The values by name: the parameters of a command or event, ``result`` of a reply, or ``code``, ``reason``
    and ``data`` of a fault.
    """
    answers: ObservedMessage | None = None
    """The command that a reply or a fault answers, or None if it answers none."""
    seconds: float | None = None
    """Seconds from that command to this answer, as this side saw both; None if it answers none."""
    problem: str = ""
    """What is wrong with a frame that is unreadable, or that answers no command."""


class SessionObserver:
    """
    Watches sessions and links. Every method does nothing. Override those that you need.

    ``session`` is the :class:`~tcpcomm.FrameProtocol`. If a link supervises a protocol of another kind, it
    is the protocol in front of that. Both have ``peer`` and ``host``. While a session keeps a secret, such
    as a password, its bytes are masked with ``*``.

    All methods are called in the reactor's thread.
    """

    def opened(self, session: Any) -> None:
        """TCP is connected."""

    def ready(self, session: Any) -> None:
        """TLS is established and the peer is proven: frames may pass."""

    def received(self, session: Any, data: bytes) -> None:
        """A chunk came, before it is cut into frames."""

    def sent(self, session: Any, data: bytes) -> None:
        """A chunk was handed to the transport, with all delimiters, headers and checksums."""

    def frame_received(self, session: Any, frame: bytes) -> None:
        """A frame came, which may be a heartbeat. It is not handled yet."""

    def frame_sent(self, session: Any, frame: bytes) -> None:
        """A frame was accepted for sending, which may be a heartbeat. Its bytes may be sent already."""

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        """
        A chunk began a frame and did not end it, and no ``gap`` will. That is usual, because TCP cuts a
        stream where it likes. The text tells the bytes; it is empty while the session keeps a secret.

        ``sent`` is True if the bytes went the way of those that the session sends. Only a session that a
        tool overhears can tell that.
        """

    def frame_stalled(self, session: Any, description: str, *, sent: bool = False) -> None:
        """
        A frame has begun, and its rest did not come within a second, or the session ends before that. This
        is reported once for a frame. The text tells the bytes, and asks if the framing is right.
        """

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        """The peer broke the rule of the framing. ``sent`` is as for :meth:`half_frame`."""

    def altered(self, session: Any, description: str, *, sent: bool) -> None:
        """A tool changed what passes: it dropped a frame, or cut one. ``sent`` tells the direction."""

    def message(self, session: Any, message: ObservedMessage) -> None:
        """A frame of a declared conversation was decoded, or encoded."""

    def closed(self, session: Any, reason: str) -> None:
        """The connection is gone; the reason is in plain words."""

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        """A link is in another :class:`~tcpcomm.LinkState` now."""

    def listening(self, server: Any, address: str) -> None:
        """A server listens at an address. ``server`` is the factory of its sessions."""


HOOKS: Final = tuple(name for name in vars(SessionObserver) if not name.startswith("_"))
"""The methods that an observer may override."""

_FREQUENT: Final = frozenset(["received", "sent", "frame_received", "frame_sent", "message"])
"""The methods that are called for each chunk or frame. Each takes a session and one value."""

_SENT: Final = frozenset(["sent", "frame_sent"])

STALL_SILENCE: Final = 1.0
"""Seconds without the rest of a frame after which observers hear that it stalled."""

Hook = Callable[..., None]


class Observers:
    """
    The observers of one factory or link.

    Each attribute is named like a method of :class:`SessionObserver`. It calls that method of every
    observer that overrides it, or is None if no observer does.
    """

    __slots__ = ("_all", "watches_half_frames", "watches_sent_frames", "watches_traffic", *HOOKS)

    log: ClassVar[BoundedLogger] = BoundedLogger()

    opened: Hook | None
    ready: Hook | None
    received: Hook | None
    sent: Hook | None
    frame_received: Hook | None
    frame_sent: Hook | None
    half_frame: Hook | None
    frame_stalled: Hook | None
    fault: Hook | None
    altered: Hook | None
    message: Hook | None
    closed: Hook | None
    link_state: Hook | None
    listening: Hook | None

    def __init__(self, observers: Iterable[SessionObserver] = ()) -> None:
        self._all: tuple[SessionObserver, ...] = tuple(observers)
        self._find_hooks()

    def add(self, observer: SessionObserver) -> Callable[[], None]:
        """
        Let one more observer watch from now on. Return a function that detaches it.

        If a command is under way, the observer does not see its reply.
        """
        self._all = (*self._all, observer)
        self._find_hooks()
        return partial(self.remove, observer)

    def remove(self, observer: SessionObserver) -> None:
        """Detach an observer; do nothing if it is detached already."""
        self._all = tuple(each for each in self._all if each is not observer)
        self._find_hooks()

    def _find_hooks(self) -> None:
        for name in HOOKS:
            default = getattr(SessionObserver, name)
            watching = [each for each in self._all if getattr(type(each), name, None) is not default]
            setattr(self, name, self._hook(name, watching) if watching else None)
        self.watches_sent_frames = self.frame_sent is not None or self.message is not None
        self.watches_half_frames = self.half_frame is not None or self.frame_stalled is not None
        self.watches_traffic = any(getattr(self, name) is not None for name in _FREQUENT)

    def _hook(self, name: str, watching: list[SessionObserver]) -> Hook:
        """Return the function that calls a method of these observers, as fast as can be."""
        known = self._all
        calls = [(observer, getattr(observer, name)) for observer in watching]

        def call(*details: Any, **more: Any) -> None:
            for observer, method in calls:
                if self._all is not known and not any(each is observer for each in self._all):
                    continue  # another observer has just detached it
                try:
                    method(*details, **more)
                except Exception:
                    self._detach(observer, name)

        if len(calls) > 1 or name not in _FREQUENT:
            return call
        ((only, method_of_only),) = calls

        def call_only(session: Any, data: Any) -> None:
            if self._all is known or any(each is only for each in self._all):
                try:
                    method_of_only(session, data)
                except Exception:
                    self._detach(only, name)

        return call_only

    def _detach(self, observer: SessionObserver, hook: str) -> None:
        self.remove(observer)
        kind = type(observer).__qualname__
        self.log.failure("{observer} failed in {hook} and is detached", observer=kind, hook=hook)


_NO_OBSERVERS: Final = Observers()


def observers_of(factory: object) -> Observers:
    """Return the observers of a factory, or the empty Observers that all sessions without any share."""
    found = getattr(factory, "observers", None)
    return found if isinstance(found, Observers) else _NO_OBSERVERS


def report_listening(factory: object, address: str) -> None:
    """Report that a server listens, to the observers of its factory."""
    method = observers_of(factory).listening
    if method is not None:
        method(factory, address)


class ObservedSession(Protocol):
    """A session that reports to observers."""

    observers: Observers
    keeps_secret: bool
    sends_secret: bool
    describes_sent: bool
    reason: str | None

    @property
    def is_declared(self) -> bool: ...


def report(session: ObservedSession, hook: str, *details: object) -> None:
    """Call a method of the observers by its name. It is for events that are not frequent."""
    method = getattr(session.observers, hook)
    if method is not None:
        method(session, *details)


def report_bytes(session: ObservedSession, hook: str, pieces: Sequence[bytes]) -> None:
    """Report each chunk by the hook ``received`` or ``sent``, or each frame by the hooks for frames."""
    method = getattr(session.observers, hook)
    if method is None:
        return
    secret = session.sends_secret if hook in _SENT else session.keeps_secret
    for data in pieces:
        method(session, masked(data) if secret else data)


def report_frames_sent(
    session: ObservedSession, frames: Sequence[bytes], kind: MessageKind = MessageKind.OTHER
) -> None:
    """Report sent frames, also as messages unless the code that sends them does."""
    report_bytes(session, "frame_sent", frames)
    if session.is_declared and not session.describes_sent:
        for frame in frames:
            report_message(session, kind, frame, sent=True)


def report_frames_dropped(session: ObservedSession, frames: Sequence[bytes]) -> None:
    """Report received frames that nobody handles, because their session is over."""
    if session.is_declared:
        problem = f"the session is over: {session.reason}"
        for frame in frames:
            report_message(session, MessageKind.UNREADABLE, frame, sent=False, problem=problem)


def report_message(
    session: ObservedSession, kind: MessageKind, frame: bytes, *, sent: bool, **details: Any
) -> None:
    """Report a message with the other attributes of :class:`ObservedMessage`."""
    if session.observers.message is not None:
        secret = session.sends_secret if sent else session.keeps_secret
        shown = masked(frame) if secret else frame
        session.observers.message(session, ObservedMessage(kind=kind, sent=sent, frame=shown, **details))


def report_fault(session: ObservedSession, fault: FramingError, *, sent: bool = False) -> None:
    """Report a framing fault, without the bytes that the peer sent if they are secret."""
    if session.sends_secret if sent else session.keeps_secret:
        whole, fault = fault, type(fault).__new__(type(fault), *fault.args)
        frames = [masked(frame) for frame in whole.frames]
        vars(fault).update(vars(whole), details="", received=b"", frames=frames)
    if session.observers.fault is not None:
        session.observers.fault(session, fault, **({"sent": True} if sent else {}))


class MaskedBytes(bytes):
    """As many ``*`` as there were bytes, which an observer must not see."""

    __slots__ = ()


def masked(data: bytes) -> bytes:
    """Return as many ``*`` as there are bytes: an observer must not see a password."""
    return MaskedBytes(b"*" * len(data))
