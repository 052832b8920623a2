"""
The declaration of a piece of equipment: :class:`Equipment`, :func:`command`, :func:`event`.

A subclass of Equipment is the one place that knows the words, types and timeouts of a device. The server,
the host's proxy, the simulator, the manual and the tests follow from it. The bodies of the commands are
written in a further subclass, on the equipment's side. Their signatures are the declared ones, so that a
type checker holds both ends to the declaration.

::

    class VisionCamera(Equipment):
        framing = Delimited(b"\\r\\n")
        codec = Template(fault="NG,{code:d},{reason}")

        @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f}", timeout=2.0)
        async def locate(self, job: int) -> Position:
            raise NotImplementedError

        @event("ALM,{code}")
        def alarm(self, code: int) -> None: ...

    class MyCamera(VisionCamera):
        async def locate(self, job: int) -> Position: ...
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, Concatenate, Final, ParamSpec, TypeVar, cast

from tcpcomm.codec import Codec, Template
from tcpcomm.codec.base import MISSING
from tcpcomm.equipment.declaration import Declaration, compile_declaration
from tcpcomm.equipment.decorator_marks import CommandMark, note, refuse_bare
from tcpcomm.equipment.events import Event, EventSource
from tcpcomm.equipment.interim import Interim
from tcpcomm.equipment.literals import check_literals_fit_framing
from tcpcomm.equipment.login import Login
from tcpcomm.equipment.states import States
from tcpcomm.errors import ConfigurationError, Fault, FramingError
from tcpcomm.framing import Framing, Lines
from tcpcomm.session.limits import Limits
from tcpcomm.session.protocol import FrameProtocol

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TIMEOUT: Final = 5.0
"""
Seconds for the reply to a command, unless the declaration says otherwise. Then the command fails with
``ReplyTimeout``. Without ids the session ends, so that a late reply answers nobody.
"""


def command(
    wire: Any = MISSING,
    *,
    reply: Any = MISSING,
    reply_framing: Framing | None = None,
    faults: Any = None,
    timeout: float | str = DEFAULT_TIMEOUT,
    idempotent: bool = False,
    interim: Interim | None = None,
    needs: States = None,
    not_in: States = None,
    enters: States = None,
    leaves: States = None,
    codec: Codec | None = None,
) -> Callable[[F], F]:
    """
    Declare a command: the host asks, and the equipment answers.

    Args:
        wire: the request on the wire, as the codec wants it: for a template its text.
        reply: the reply on the wire, as the codec wants it; None if there is no reply.
        reply_framing: the framing of the replies to this command, if it differs from that of the others:
            some telescopes end most replies with ``#``, and others not at all. The host reads by it while
            this command is under way.
        faults: the faults of this command beside those of all commands, as the codec wants them.
        timeout: the seconds that the equipment has for its reply; or the name of a class attribute with
            them, such as ``"t3"``, so that a subclass can change the timer of all its commands.
        idempotent: True if the command may be carried out twice. Only then it is ever repeated.
        interim: the names of events that come while the command is under way, such as ``("busy",)``. Each
            begins the timeout anew, and a handler's event goes to the asking session only. In a mapping, as
            ``{"retry": "seconds"}``, a name has the field that is the new timeout in seconds, or None.
        needs: the state, or states, that the session must be in, such as ``selected``. In another state the
            equipment refuses the command, and the host does not send it.
        not_in: the state, or states, in which the command is refused and not sent in the same way.
        enters: the state, or states, that the session is in after the command has succeeded.
        leaves: the state, or states, that the session is not in any more after that.
        codec: the codec of this command, if it is not that of the class: for a handshake, or a message
            inside another one.

    The method's parameters and result, which must be annotated, are those of the command; its docstring
    describes it in the manual. Its body is ``raise NotImplementedError``, unless one class both declares
    and implements it.
    """

    refuse_bare("command", wire)

    def mark(method: F) -> F:
        made = CommandMark(
            wire,
            reply,
            faults,
            timeout,
            idempotent,
            interim,
            needs,
            not_in,
            enters,
            leaves,
            codec,
            reply_framing,
        )
        note("command", method, made, sys._getframe(1).f_locals)
        method.__tcpcomm__ = made  # type: ignore[attr-defined]
        return method

    return mark


def event(
    wire: Any = MISSING,
    *,
    needs: States = None,
    not_in: States = None,
    enters: States = None,
    leaves: States = None,
    codec: Codec | None = None,
) -> Callable[[Callable[Concatenate[Any, P], None]], Event[P]]:
    """
    Declare an event: a message that the equipment sends unasked.

    Args:
        wire: its form on the wire, as the codec wants it: for a template its text.
        needs: the state, or states, of the sessions that the event is sent to. It is not sent to others.
        not_in: the state, or states, of sessions that the event is not sent to.
        enters: the state, or states, that a session is in after the event was sent to it.
        leaves: the state, or states, that a session is not in any more after that.
        codec: the codec of this event, if it is not that of the class.

    The method's body is never run. At the equipment, a call sends the event to every session. At the
    host, ``subscribe`` calls a function for each event, and ``async for`` waits for one after the other.
    """

    refuse_bare("event", wire)

    def declare(method: Callable[Concatenate[Any, P], None]) -> Event[P]:
        made = Event(method, wire, (needs, not_in, enters, leaves), codec)
        note("event", method, made, sys._getframe(1).f_locals)
        return made

    return declare


def in_thread(method: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """
    Run the implementation of a command, a plain ``def``, in a thread of the reactor's pool.

    Use it for work that keeps the processor busy, such as image processing. Do not touch anything of
    Twisted in the thread; events may be sent.

    For a type checker the method is what was declared, an ``async def``. If it is called directly, as in a
    test, it is the plain function that was written.
    """
    method.__in_thread__ = True  # type: ignore[attr-defined]
    return cast("Callable[P, Coroutine[Any, Any, T]]", method)


class Equipment(EventSource):
    """
    The side that serves commands and sends events. Subclass it to declare a device.

    The class attributes below are the rest of the declaration.
    """

    framing: ClassVar[Framing] = Lines()
    """The framing of what the host sends, and of the replies unless ``reply_framing`` is given."""

    reply_framing: ClassVar[Framing | None] = None
    """The framing of what the equipment sends, where it differs."""

    gap: ClassVar[float | None] = None
    """Seconds of silence that end a frame, or None if only the framing ends frames."""

    codec: ClassVar[Codec] = Template()
    """The rule between frames and messages."""

    pipeline: ClassVar[int | None] = None
    """
    The number of commands that a host may have under way at once. None means 64 where replies carry the id
    of their request, and else 1: without ids, only the equipment can promise to keep the order.
    """

    quiet: ClassVar[float] = 0.0
    """
    Seconds of silence that the host keeps after each reply, and after a command without a reply, before it
    writes the next command. A surplus frame that is late by up to this time cannot answer that command.
    """

    heartbeat: ClassVar[str | None] = None
    """The name of a command without parameters that shows that the equipment's program is alive."""

    heartbeat_while_busy: ClassVar[bool] = False
    """
    True if the equipment answers heartbeats also while it carries out a command. If False, its silence is
    accepted while a command is under way: then only the timeout of that command counts.
    """

    greeting: ClassVar[str | None] = None
    """The text that the equipment sends first on each connection. The host compares the beginning."""

    login: ClassVar[tuple[Login, ...]] = ()
    """The steps of the login that the host must complete before any command."""

    ready_when: ClassVar[str | None] = None
    """
    The state that a session must be in before a host's link is ready. The peer may cause it: in HSMS a
    passive host is ready when it was selected. A link whose session leaves the state connects again.
    """

    goodbye: ClassVar[str | None] = None
    """
    The name of a command without parameters and without a reply that is sent before this side closes a
    session: Separate.req of HSMS. Equipment sends the one of its ``host_side``.
    """

    host_side: ClassVar[Any] = None
    """
    The declaration of the commands that hosts of this equipment answer, if both sides ask. It implements
    them. ``serve`` asks them unless ``calls`` is given, and ``remote`` answers them by an object of it
    unless ``serves`` is given.
    """

    policy: ClassVar[Any] = None
    """
    The rules of a link to this equipment unless ``policy`` is given: a Policy or the name of a profile.
    None: ``lan``.
    """

    limits: ClassVar[Limits] = Limits()
    """The limits of one session."""

    _declaration: ClassVar[Declaration]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__tcpcomm_proxy__:
            return
        # A declaration within a function may name classes that only that function knows.
        frame = sys._getframe(1)
        while frame.f_code.co_name == "__init_subclass__" and frame.f_back is not None:
            frame = frame.f_back  # a base class has one of its own
        local_names = frame.f_locals
        bases = (base for base in cls.__mro__[1:] if base is not Equipment and issubclass(base, Equipment))
        inherited = {base: base._declaration for base in bases}
        cls._declaration = compile_declaration(cls, Equipment, inherited, local_names)
        check_literals_fit_framing(cls._declaration)
        cls._declared_events = cls._declaration.events

    def __tcpcomm_header__(self) -> Any:
        """Return the values that a proxy sends in headers, or None: this is the equipment itself."""
        if self.__tcpcomm_proxy__:
            raise ConfigurationError(f"no header of {type(self).__name__} carries such a value")
        return None

    def __tcpcomm_with_header__(self, name: str, value: Any) -> Any:
        """Return a proxy that sends a value in headers. A proxy with such values has another method."""
        raise ConfigurationError(
            f"{type(self).__name__}.{name}(...) is for the proxy of a host, and only if a header of the "
            f"codec contains {name}"
        )

    def authenticate(self, **credentials: str) -> bool:
        """Return True if a host that logs in with these credentials may go on. The default admits all."""
        return True

    def session_began(self, session: FrameProtocol) -> Awaitable[None] | None:
        """
        Begin to serve a session. It has logged in, and commands and events may follow.

        Override it to send the host something first, or a stream of events: ``self.pose.to(session, ...)``.
        It may be ``async def``: the end of the session cancels it. If it fails, that is logged, and the
        session is closed. ``current_session()`` returns the session within it.
        """
        return None

    def session_ended(self, session: FrameProtocol, reason: str) -> None:
        """
        Note that a session is over, with the reason in plain words. No event reaches it any more.

        Override it to stop what a command has started for this session.
        """

    def misframed(self, session: FrameProtocol, fault: FramingError) -> None:
        """
        Note that a host broke the rule of the framing. It is logged.

        Override it to tell the host in the words of the protocol, such as
        ``self.frame_error.to(session, 2)``. If the fault is not ``recoverable``, the session is closed
        behind that.
        """

    def opening(self, *, active: bool) -> Awaitable[None] | None:
        """
        Begin a new connection at the host, for example with a handshake.

        Override it in the declaration, so that no host forgets it. It may be ``async def``. ``self`` is a
        proxy for the new connection. The steps of ``on_ready`` and all commands come later. If the
        equipment has connected, and ``ready_when`` is declared, the session is in that state before.

        Args:
            active: True if the host has connected, and False if the equipment has.
        """
        return None

    def keep_fault(self, fault: Fault) -> bool:
        """
        Keep a fault until the host asks for it, in place of an answer.

        It is called for each request that is refused or has failed, before anything is answered. Override
        it for a protocol that does not answer with faults, such as that of measuring instruments, or to
        count them. ``current_session()`` returns the session within it, and values in the header of the
        request can be read, such as ``self.unit.value``.

        Returns:
            True if the fault is kept, so that nothing is answered. The default returns False.
        """
        return False

    def unknown(self, frame: bytes) -> bytes | None:
        """
        Answer a frame that is not a declared command.

        It gets every such frame, also one whose header is not the declared one. Override it for messages
        that cannot be declared, or raise NoReply to say nothing.

        Returns:
            The frame to answer with, or None to answer with the default fault.
        """
        return None


def declaration_of(kind: type[Equipment] | Equipment) -> Declaration:
    """
    Return the declaration of a piece of equipment.

    Raises:
        ConfigurationError: it is not a subclass of Equipment, or declares nothing.
    """
    target = kind if isinstance(kind, type) else type(kind)
    if not issubclass(target, Equipment) or target is Equipment:
        raise ConfigurationError(f"{kind!r} is not a subclass of Equipment")
    declaration = target._declaration
    if not declaration.commands and not declaration.events:
        raise ConfigurationError(f"{target.__name__} declares no command and no event")
    return declaration
