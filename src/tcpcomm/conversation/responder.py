"""
The equipment's half of one session: :class:`Responder` carries out what the host asks, and replies.

Where replies carry no id, commands are carried out one after the other, so that the replies come in the
order of the requests; where they do, at once. What goes wrong is answered with a fault and told in the
log, and the session goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from math import inf
from time import monotonic
from types import CoroutineType
from typing import Any, Final, cast

from attrs import field, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadable import isInIOThread

from tcpcomm.codec.base import Asked, Batch, Dialect, ProtocolErrorKind, Refusal, Request
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError, Fault, SessionClosed
from tcpcomm.net.reasons import one_line
from tcpcomm.runtime.eager import start_eagerly
from tcpcomm.runtime.log_throttle import KeyedLogThrottle
from tcpcomm.runtime.watchdog import WARN_AFTER, watchdog
from tcpcomm.session.protocol import FrameProtocol

__all__ = ["HandlerTable", "Responder", "current_session", "have_events_told"]

REQUEST_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about requests of one session with the same trouble."""

LATE_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about one command that takes longer than its hosts wait."""

HOST_BEGAN_EARLIER: Final = 0.9
"""
What part of a timeout has passed here, at least, when it has at the host.

A host's clock begins when it writes the command: that has to come here, and may have waited for its turn.
"""

MOST_KEPT: Final = 64
"""Replies that are kept to leave together."""

LONGEST_KEPT: Final = 4096
"""Bytes of a reply that is kept: beyond, it costs more to keep it than to send it alone."""

_Send = Callable[["Request | Refusal", list[bytes]], None]

_Tell = Callable[[str, dict[str, Any], Any], None]

_current: ContextVar[FrameProtocol] = ContextVar("current session")


def current_session() -> FrameProtocol:
    """
    The session whose command is being carried out, in a handler, also after it waited or in its thread.

    Its ``peer`` names the host, and an event's ``to`` tells it alone.

    Raises:
        ConfigurationError: no command is being carried out here.
    """
    try:
        return _current.get()
    except LookupError:
        raise ConfigurationError("there is a current session only while a command is carried out") from None


@frozen
class Handler:
    """What carries out one command."""

    call: Callable[..., Any]
    where: str
    """Its class and method, for logs."""
    acknowledges: bool
    """Whether something is sent before it is carried out."""
    reply: Callable[[Request, Any], list[bytes]]
    """Makes the frames of its result."""
    timeout: float
    """Seconds that its hosts wait for the reply; infinity where there is none."""


@frozen
class HandlerTable:
    """What carries out the commands of one piece of equipment, for all its sessions."""

    equipment: Any
    declaration: Declaration
    by_name: dict[str, Handler]
    late: KeyedLogThrottle[str]
    """Counts the commands that took longer than their hosts wait, by :attr:`Handler.where`."""
    seconds: Callable[[], float]
    """What time it is."""
    dialect: Dialect = field(init=False)
    read: Callable[[bytes], Asked] = field(init=False)
    """What a frame asks for."""
    one_by_one: bool = field(init=False)
    """Whether a command waits until the one before it is done."""
    beat: str | None = field(init=False)
    """The command that waits for no other."""

    @dialect.default
    def _dialect_of_declaration(self) -> Dialect:
        return self.declaration.dialect

    @read.default
    def _read_of_dialect(self) -> Callable[[bytes], Asked]:
        return self.dialect.read_at_equipment

    @one_by_one.default
    def _one_by_one_without_ids(self) -> bool:
        return not self.dialect.by_id

    @beat.default
    def _beat_while_busy(self) -> str | None:
        return self.declaration.heartbeat if self.declaration.heartbeat_while_busy else None

    @classmethod
    def of(
        cls, equipment: Any, declaration: Declaration, reactor: Any, late: KeyedLogThrottle[str] | None = None
    ) -> HandlerTable:
        """
        Find them in an object; those marked with ``@in_thread`` will run in the reactor's threads.

        Args:
            equipment: the object.
            declaration: what it implements.
            reactor: has the threads, and tells what time it is.
            late: where it has to outlive these handlers, as where each session has an object of its own.
        """
        by_name = {}
        for name, command in declaration.commands.items():
            method = getattr(equipment, name)
            in_thread = getattr(method, "__in_thread__", False)
            by_name[name] = Handler(
                partial(_in_thread, reactor, method) if in_thread else method,
                f"{type(equipment).__name__}.{name}",
                declaration.dialect.acknowledgement(Request(name, {})) is not None,
                declaration.dialect.replier(name),
                command.timeout if declaration.dialect.answers(name) is not None else inf,
            )
        return cls(
            equipment, declaration, by_name, late or KeyedLogThrottle(LATE_LOG_INTERVAL), reactor.seconds
        )


def have_events_told(equipment: Any, reactor: Any, tell: _Tell) -> None:
    """
    Have the events of an object that is served told by ``tell``, in the reactor's thread.

    Raises:
        ConfigurationError: the object is served already.
    """
    if equipment._tell is not None:
        raise ConfigurationError(f"this {type(equipment).__name__} is served already: serve it at several")

    def told(name: str, values: dict[str, Any], session: Any) -> None:
        if isInIOThread() or not hasattr(reactor, "callFromThread"):
            tell(name, values, session)
        else:
            reactor.callFromThread(tell, name, values, session)

    equipment._tell = told


def _in_thread(reactor: Any, method: Callable[..., Any], **values: Any) -> Deferred[Any]:
    context = copy_context()
    return deferToThreadPool(reactor, reactor.getThreadPool(), context.run, partial(method, **values))


class Responder:
    """
    Answers the requests of one session.

    Args:
        handlers: what carries them out, for all sessions.
        session: where replies are sent.
    """

    __slots__ = ("_handlers", "_kept", "_queue", "_refusals", "_running", "_session")

    log = Logger()

    def __init__(self, handlers: HandlerTable, session: FrameProtocol) -> None:
        self._handlers = handlers
        self._session = session
        self._running = 0
        self._queue: deque[tuple[Request | Refusal, bytes, Deferred[None]]] | None = None  # until one waits
        self._refusals: KeyedLogThrottle[ProtocolErrorKind] | None = None  # until there is one
        self._kept: list[tuple[Request | Refusal, bytes]] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a command is being carried out."""
        return self._running > 0

    def read(self, frame: bytes) -> Asked:
        """What a frame asks for."""
        return self._handlers.read(frame)

    def answer_one(self, frame: bytes) -> Deferred[None] | None:
        """Answer what came alone, as :meth:`take` does."""
        asked = self._handlers.read(frame)
        if type(asked) is not Request or self._running:
            return self.take(asked, frame)
        token = _current.set(self._session)
        try:
            return self._carry_out(asked, self._send)
        finally:
            _current.reset(token)

    def answer(self, frames: list[bytes]) -> None:
        """
        Answer frames that came together, until the session is held; it keeps those that are left.

        The replies leave together: each of 64 commands that are done at once takes 3.5 us, and would take
        4.7 alone. Whatever else is sent meanwhile has to wait for :meth:`send_kept`, to keep the order.
        """
        session, read = self._session, self._handlers.read
        self._kept = []
        waiting = iter(frames)
        token = _current.set(session)
        try:
            for frame in waiting:
                asked = read(frame)
                if type(asked) is Request and not self._running:
                    later = self._carry_out(asked, self._send)
                else:
                    later = self.take(asked, frame)
                if later is not None:
                    session._await(later)
                if session._held:
                    break
        finally:
            _current.reset(token)
            session._put_back([*waiting])
            try:
                self.send_kept()
            finally:
                self._kept = None

    def take(self, asked: Asked, frame: bytes) -> Deferred[None] | None:
        """
        Answer what a frame asks for.

        Returns:
            A Deferred that fires when that is done; None if it is done already.
        """
        if isinstance(asked, Batch):
            return self._take_batch(asked, frame)
        if self._running and self._handlers.one_by_one and asked.name != self._handlers.beat:
            turn: Deferred[None] = Deferred()
            if self._queue is None:
                self._queue = deque()
            self._queue.append((asked, frame, turn))
            return turn
        return self._take(asked, frame, self._send)

    def send_kept(self) -> None:
        """Send what was kept."""
        if not self._kept:
            return
        kept, self._kept = self._kept, []
        try:
            self._session.sendFrames([frame for _, frame in kept])
        except EncodeError:  # of one of them, and none was sent
            for request, frame in kept:
                self._send_now(request, [frame])

    def end(self) -> None:
        """The session is over: tell of what no line has told of yet."""
        for trouble, count in () if self._refusals is None else self._refusals.unreported():
            self.log.warn(
                "{peer}: {trouble}: {count} more requests",
                peer=self._session.peer,
                trouble=trouble.value,
                count=count,
            )

    def _take(self, request: Request | Refusal, frame: bytes, send: _Send) -> Deferred[None] | None:
        """Answer one request; tells by what it returns whether that is done. ``send`` gets the frames."""
        if isinstance(request, Refusal):
            send(request, self._refusal(request, frame))
            return None
        token = _current.set(self._session)
        try:
            return self._carry_out(request, send)
        finally:
            _current.reset(token)

    def _carry_out(self, request: Request, send: _Send) -> Deferred[None] | None:
        """Carry out a command, within the context of this session."""
        name, values, _, _ = request
        handler = self._handlers.by_name[name]
        if handler.acknowledges:
            self._session.sendFrame(cast("bytes", self._handlers.dialect.acknowledgement(request)))
        watchdog.handler = handler.where
        watchdog.since = began = monotonic()
        try:
            result = handler.call(**values)
            if type(result) is CoroutineType:
                result = start_eagerly(result)
        except Exception:
            send(request, self._failed(request, Failure()))
            return None
        finally:
            watchdog.handler = None
            if monotonic() - began > WARN_AFTER:
                watchdog.blocked(handler.where, monotonic() - began)
        if Deferred not in type(result).__mro__:  # to ask isinstance takes 0.1 us longer
            send(request, self._reply(handler, request, result))
            return None
        self._running += 1
        result.addBoth(self._waited, handler, self._handlers.seconds())
        result.addCallbacks(partial(self._reply, handler, request), partial(self._failed, request))
        result.addCallback(partial(send, request))
        return cast("Deferred[None]", result.addBoth(self._done))

    def _waited(self, outcome: Any, handler: Handler, begun_at: float) -> Any:
        """A handler that waited has finished, or was cancelled: tell if its host waited in vain."""
        now = self._handlers.seconds()
        took = now - begun_at
        cut = isinstance(outcome, Failure) and outcome.check(CancelledError) is not None
        if took > handler.timeout * (HOST_BEGAN_EARLIER if cut else 1.0):
            count = self._handlers.late.count_due(handler.where, now)
            if count:
                self.log.warn(
                    "{peer}: {command} {took}; its hosts wait {timeout:g} s{more}",
                    peer=self._session.peer,
                    command=handler.where,
                    took=f"was still at work after {took:.1f} s" if cut else f"took {took:.1f} s",
                    timeout=handler.timeout,
                    more=f" (and {count - 1} times before)" if count > 1 else "",
                )
        return outcome

    def _done(self, outcome: Any) -> Any:
        """One command is done: those that waited for it have their turn, unless the session is over."""
        self._running -= 1
        if not self._session.is_open:
            self._queue = None
        while self._queue and not self._running:
            request, frame, turn = self._queue.popleft()
            try:
                later = self._take(request, frame, self._send)
            except Exception:
                turn.errback(Failure())
            else:
                if later is None:
                    turn.callback(None)
                else:
                    later.chainDeferred(turn)
        return outcome

    def _take_batch(self, asked: Batch, frame: bytes) -> Deferred[None] | None:
        """Carry out requests together, and send their replies in one frame when all are done."""
        replies: list[bytes] = []
        done: Deferred[None] = Deferred()
        unfinished = len(asked.requests)

        def keep(_: Request | Refusal, frames: list[bytes]) -> None:
            replies.extend(frames)

        def one_is_done(outcome: Any) -> Any:
            nonlocal unfinished
            unfinished -= 1
            if not unfinished:
                if replies and self._session.is_open:
                    self._send(asked.requests[0], [self._handlers.dialect.join(replies)])
                done.callback(None)
            return outcome

        for request in asked.requests:
            later = self._take(request, frame, keep)
            if later is None:
                one_is_done(None)
            else:
                later.addBoth(one_is_done)
        return None if done.called else done

    def _send(self, request: Request | Refusal, frames: list[bytes]) -> None:
        kept = self._kept
        if kept is None or len(frames) != 1 or len(frames[0]) > LONGEST_KEPT:
            self._send_now(request, frames)
            return
        kept.append((request, frames[0]))
        if len(kept) == MOST_KEPT:
            self.send_kept()

    def _send_now(self, request: Request | Refusal, frames: list[bytes]) -> None:
        try:
            if len(frames) == 1:
                self._session.sendFrame(frames[0])
            elif frames:
                self._session.sendFrames(frames)
        except EncodeError as error:
            self.log.error(
                "{peer}: the reply to {command} cannot be sent: {error}",
                peer=self._session.peer,
                command=request.name,
                error=str(error),
            )
            for frame in self._no(request, self._internal):
                self._session.sendFrame(frame)

    # -- what is sent -----------------------------------------------------------------------------------

    def _reply(self, handler: Handler, request: Request, result: Any) -> list[bytes]:
        if not request.wants_reply:
            return []
        try:
            return handler.reply(request, result)
        except CodecError as error:
            self.log.error(
                "{peer}: {command} returned what cannot be sent: {error}",
                peer=self._session.peer,
                command=handler.where,
                error=str(error),
            )
            return self._no(request, self._internal)

    def _failed(self, request: Request, failure: Failure) -> list[bytes]:
        error = failure.value
        if isinstance(error, Fault):
            return self._no(request, error)
        if isinstance(error, (CancelledError, SessionClosed)) and not self._session.is_open:
            return []  # it worked for a peer that is gone
        self.log.failure(
            "{peer}: {command} failed; a fault is the answer",
            failure,
            peer=self._session.peer,
            command=self._handlers.by_name[request.name].where,
        )
        return self._no(request, self._internal)

    def _refusal(self, refusal: Refusal, frame: bytes) -> list[bytes]:
        """Answer what is no request that was declared."""
        if refusal.may_be_foreign:
            own = self._handlers.equipment.unknown(frame)
            if own is not None:
                return [own]
        if self._refusals is None:
            self._refusals = KeyedLogThrottle(REQUEST_LOG_INTERVAL)
        count = self._refusals.count_due(refusal.trouble, self._handlers.seconds())
        if count:
            said = refusal.trouble is ProtocolErrorKind.UNKNOWN_COMMAND  # the problem tells it, and which
            self.log.warn(
                "{peer}: {trouble}{problem}{more}",
                peer=self._session.peer,
                trouble="" if said else f"{refusal.trouble.value}: ",
                problem=one_line(str(refusal.problem)),
                more=f" (and {count - 1} more)" if count > 1 else "",
            )
        return self._no(refusal, self._handlers.dialect.trouble(refusal.trouble, str(refusal.problem)))

    def _no(self, request: Request | Refusal, fault: Fault) -> list[bytes]:
        """The frame that says no, however little of it the declared form can carry."""
        dialect = self._handlers.dialect
        silent = isinstance(request, Refusal) and not dialect.has_faults
        if not request.wants_reply or silent:
            return []
        try:
            return [dialect.fault(request, fault)]
        except CodecError as error:
            handler = self._handlers.by_name.get(request.name or "")
            self.log.error(
                "{peer}: {command}: the fault {fault!r} cannot be sent: {error}",
                peer=self._session.peer,
                command=handler.where if handler is not None else "a request",
                fault=str(fault),
                error=str(error),
            )
        if not dialect.has_faults:
            return []
        return [dialect.fault(request, self._internal)]

    @property
    def _internal(self) -> Fault:
        """What the host is told of a defect here: that there is one."""
        return self._handlers.dialect.trouble(ProtocolErrorKind.INTERNAL, ProtocolErrorKind.INTERNAL.value)
