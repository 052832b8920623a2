"""
The declaration of a piece of equipment: :class:`Equipment`, :func:`command`, :func:`event`.

A subclass of Equipment is the one place that knows the words, types and timeouts of a device. The server,
the proxy of the host, the simulator, the manual and the tests follow from it. The bodies of the commands
are written in a further subclass, at the equipment's side, with the same signatures, so that a type
checker holds both ends to the declaration.

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

What is declared is checked when the class is made; :func:`declaration_of` gives what came of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Concatenate, Final, ParamSpec, TypeVar, cast

from tcpcomm.codec import Codec, Template
from tcpcomm.codec.base import MISSING
from tcpcomm.equipment.declaration import Declaration, compile_declaration
from tcpcomm.equipment.decorator_marks import CommandMark, note, refuse_bare
from tcpcomm.equipment.events import Event
from tcpcomm.equipment.login import Login
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing, Lines
from tcpcomm.session.limits import Limits

__all__ = ["Equipment", "command", "declaration_of", "event", "in_thread"]

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TIMEOUT: Final = 5.0


def command(
    wire: Any = MISSING,
    *,
    reply: Any = MISSING,
    timeout: float = DEFAULT_TIMEOUT,
    idempotent: bool = False,
) -> Callable[[F], F]:
    """
    Declare a command: something that the host asks, and the equipment answers.

    Args:
        wire: what asks for it on the wire, as the codec wants it: for a template its text.
        reply: what answers it, as the codec wants it; None: nothing does.
        timeout: seconds that the equipment has for its reply.
        idempotent: whether carrying it out twice is as good as once. Only then is it ever repeated.

    The declared method's parameters and result, which must be annotated, are those of the command; its
    docstring describes it in the manual. Its body is ``raise NotImplementedError``, unless the declaration
    and the implementation are one class.
    """

    refuse_bare("command", wire)

    def mark(method: F) -> F:
        made = CommandMark(wire, reply, timeout, idempotent)
        note("command", method, made, sys._getframe(1).f_locals)
        method.__tcpcomm__ = made  # type: ignore[attr-defined]
        return method

    return mark


def event(wire: Any = MISSING) -> Callable[[Callable[Concatenate[Any, P], None]], Event[P]]:
    """
    Declare an event: something that the equipment says unasked.

    Args:
        wire: what it looks like on the wire, as the codec wants it: for a template its text.

    The method's body is never run. At the equipment, calling it tells every session; at the host,
    ``subscribe`` has a function called, and ``async for`` waits for one after the other.
    """

    refuse_bare("event", wire)

    def declare(method: Callable[Concatenate[Any, P], None]) -> Event[P]:
        made = Event(method, wire)
        note("event", method, made, sys._getframe(1).f_locals)
        return made

    return declare


def in_thread(method: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """
    Run the implementation of a command, a plain ``def``, in a thread of the reactor's pool.

    For work that takes the processor for long, such as image processing. In the thread nothing of
    Twisted may be touched; events may be told.

    To a type checker it is what was declared, an ``async def``. Called directly, as in a test of its own,
    it is the plain function that was written.
    """
    method.__in_thread__ = True  # type: ignore[attr-defined]
    return cast("Callable[P, Coroutine[Any, Any, T]]", method)


class Equipment:
    """
    The side that serves commands and tells events. Subclass it to declare a device.

    The class attributes below are the rest of the declaration.
    """

    framing: ClassVar[Framing] = Lines()
    """How frames are told apart: the host's, and the replies too, unless ``reply_framing`` is given."""

    reply_framing: ClassVar[Framing | None] = None
    """How what the equipment sends is cut into frames, where that differs."""

    gap: ClassVar[float | None] = None
    """Seconds of silence that end a frame, where nothing else does; None: silence means nothing."""

    codec: ClassVar[Codec] = Template()
    """How frames become messages."""

    pipeline: ClassVar[int | None] = None
    """
    How many commands a host may have under way at once. None: 64 where replies carry the id of their
    request; else one, for without ids only equipment that says so keeps the order.
    """

    heartbeat: ClassVar[str | None] = None
    """The name of a command without parameters that asks whether the equipment's program is alive."""

    heartbeat_while_busy: ClassVar[bool] = False
    """
    Whether the equipment answers heartbeats also while it carries out a command. Where it does not, its
    silence is not held against it while a command is under way: then the command's own timeout counts.
    """

    greeting: ClassVar[str | None] = None
    """What the equipment says first on each connection. The host goes by how it begins."""

    login: ClassVar[tuple[Login, ...]] = ()
    """What the host has to say, step by step, before any command."""

    limits: ClassVar[Limits] = Limits()
    """What one session may cost the equipment."""

    _declaration: ClassVar[Declaration]

    _tell: Callable[[str, dict[str, Any], Any], None] | None = None
    """Set by whoever serves this object: tells an event to all sessions, or to one."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("_is_proxy"):
            return
        # A declaration within a function may name classes that only that function knows.
        local_names = sys._getframe(1).f_locals
        cls._declaration = compile_declaration(cls, Equipment, local_names)

    def authenticate(self, **credentials: str) -> bool:
        """Whether a host that logs in with these may go on. Override it; the default admits all."""
        return True

    def unknown(self, frame: bytes) -> bytes | None:
        """
        Answer a frame that is no declared command.

        Override it for what cannot be declared.

        Returns:
            The frame to answer with; None: the default fault is the answer.
        """
        return None


def declaration_of(kind: type[Equipment] | Equipment) -> Declaration:
    """
    What was declared of a piece of equipment.

    Raises:
        ConfigurationError: it is no piece of equipment, or declares nothing.
    """
    target = kind if isinstance(kind, type) else type(kind)
    if not issubclass(target, Equipment) or target is Equipment:
        raise ConfigurationError(f"{kind!r} is no subclass of Equipment")
    declaration = target._declaration
    if not declaration.commands and not declaration.events:
        raise ConfigurationError(f"{target.__name__} declares no command and no event")
    return declaration
