"""
The equipment's half of one session: :class:`Responder` carries out what the host asks, and replies.

Where replies carry an id, commands are carried out at once; else one after the other, so that the replies
come in the order of the requests. A request that fails is answered with a fault and logged, and the session
goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from copy import copy
from functools import partial
from math import inf
from time import monotonic
from types import CoroutineType
from typing import Any, Final, TypeVar, cast

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.python.failure import Failure

from tcpcomm.codec.base import MORE, Asked, Batch, ProtocolErrorKind, Refusal, Request
from tcpcomm.codec.binary.variables import current_header
from tcpcomm.conversation.answering_loop import loops_for
from tcpcomm.conversation.handler_calls import is_kept, run_in_thread
from tcpcomm.conversation.header import values_for_handler
from tcpcomm.conversation.joined_replies import JoinedReplies
from tcpcomm.conversation.observed import ObservedCommand, send_described
from tcpcomm.conversation.reply_writers import answer_with, do_nothing, fault_writer, reply_writer
from tcpcomm.conversation.states import handle_in_state
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import CodecError, ConfigurationError, EncodeError, Fault, NoReply, SessionClosed
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.eager_coroutines import start_eagerly
from tcpcomm.runtime.log_throttle import KeyedLogThrottle
from tcpcomm.runtime.right_thread import asyncio_advice
from tcpcomm.runtime.watchdog import WARN_AFTER, watchdog
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.turns import SLICE_SECONDS

T = TypeVar("T")

REQUEST_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about requests of one session that fail for the same reason. The second
line, or the end of the session, counts those between.
"""

LATE_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about one command that takes longer than its hosts wait. The second line
counts those between.
"""

HOST_BEGAN_EARLIER: Final = 0.9
"""The part of a timeout that has passed here, at least, when all of it has passed at the host."""

_Send = Callable[["Request | Refusal", list[bytes], Any], object]
"""Sends the frames of an answer, with the result or Fault in them, or MORE if other frames will follow."""

current: Final[ContextVar[FrameProtocol]] = ContextVar("current session")
"""The session of the command that is being carried out."""


def current_session() -> FrameProtocol:
    """
    Return the session of the command that is being carried out.

    Call it in a handler, also after the handler has waited, or in its thread. The session's ``peer`` names
    the host, and an event's ``to`` sends the event to this host only.

    Raises:
        ConfigurationError: no command is being carried out here.
    """
    try:
        return current.get()
    except LookupError:
        raise ConfigurationError("there is a current session only while a command is carried out") from None


def call_in_session(session: FrameProtocol, function: Callable[..., T], *args: Any) -> T:
    """Call a function so that :func:`current_session` returns a session within it."""
    token = current.set(session)
    try:
        return function(*args)
    finally:
        current.reset(token)


def asking_session(declaration: Declaration) -> Callable[[str], FrameProtocol | None]:
    """
    Return a function that returns the session for an event with a certain name.

    It returns the current session for the interim reply to a command, and None for all other events.
    """
    interim = declaration.interim_events
    return lambda name: current.get(None) if name in interim else None


@frozen
class Handler:
    """The method that carries out one command."""

    call: Callable[..., Any]
    where: str
    """The class and the method, for logs."""
    acknowledges: bool
    """True if a frame is sent before the command is carried out."""
    reply: Callable[[Request, Any], list[bytes]]
    """Makes the frames of a result."""
    timeout: float
    """The seconds that hosts wait for the reply; infinity if there is no reply."""
    in_thread: bool = False


class HandlerTable:
    """
    The handlers of one piece of equipment, for all its sessions.

    Args:
        equipment: the object.
        declaration: the declaration that it implements.
        reactor: has the clock, and the threads for the handlers that are marked with ``@in_thread``.
        late: given if the count must outlive the object, because each session has an object of its own.
    """

    __slots__ = (
        "by_name", "calls", "declaration", "dialect", "equipment", "fault", "late", "loops", "read",
        "seconds",
    )  # fmt: skip

    def __init__(
        self,
        equipment: Any,
        declaration: Declaration,
        reactor: Any,
        late: KeyedLogThrottle[str] | None = None,
    ) -> None:
        self.equipment = equipment
        self.declaration = declaration
        self.dialect = dialect = declaration.dialect
        self.fault = fault_writer(declaration)
        self.read: Callable[[bytes], Asked] = dialect.read_at_equipment
        self.seconds: Callable[[], float] = reactor.seconds
        self.late = late or KeyedLogThrottle(LATE_LOG_INTERVAL)
        """Counts the commands that took longer than their hosts wait, by :attr:`Handler.where`."""
        self.by_name: dict[str, Handler] = {}
        for name, command in declaration.commands.items():
            method = getattr(equipment, name)
            in_thread = getattr(method, "__in_thread__", False)
            call = partial(run_in_thread, reactor, method) if in_thread else method
            if command.states is not None:
                call = handle_in_state(call, command, declaration, current_session)
            self.by_name[name] = Handler(
                call,
                f"{type(equipment).__name__}.{name}",
                dialect.acknowledgement(Request(name, {})) is not None,
                reply_writer(declaration, name),
                command.timeout if dialect.reply_reader(name) is not None else inf,
                in_thread,
            )
        self.calls = tuple(each.call for each in self.by_name.values())
        """The handlers of the commands, in the order of the declaration."""
        self.loops: Any = loops_for(declaration, self.calls, type(equipment).__name__)
        """Answer frames in the usual case; None if this declaration has only unusual ones."""
        for name, answer in dialect.first_requests.items():
            where = f"{type(equipment).__name__}.{name}"
            self.by_name[name] = Handler(do_nothing, where, False, partial(answer_with, answer), inf)


class Responder:
    """Answers the requests of one session, by handlers that all sessions may share."""

    __slots__ = (
        "_handlers", "_queue", "_refusals", "_running", "_session", "_took_long", "begun", "calls",
        "loops", "under_way",
    )  # fmt: skip

    log = BoundedLogger()

    def __init__(self, handlers: HandlerTable, session: FrameProtocol) -> None:
        self._handlers = handlers
        self._session = session
        self._running = 0  # the next commands must wait for these
        self._took_long = False  # the last handlers, so that others must get their turn
        self._queue: deque[tuple[Request | Refusal, bytes, _Send, Deferred[None]]] | None = None
        self._refusals: KeyedLogThrottle[ProtocolErrorKind] | None = None
        self.begun: Request | None = None
        """The request that was begun before, if it has values in its header."""
        self.calls = handlers.calls
        self.loops = handlers.loops
        self.under_way = 0
        """The number of commands that wait, or must be answered before others."""

    @property
    def equipment(self) -> Any:
        """The object that carries out the commands."""
        return self._handlers.equipment

    @property
    def is_busy(self) -> bool:
        """Return True while a command is being carried out."""
        return self.under_way > 0

    def read(self, frame: bytes) -> Asked:
        return self._handlers.read(frame)

    def answer(self, frames: Iterable[bytes], begun: Callable[[], Any] | None = None) -> None:
        """
        Answer frames that came together, without observers. If the session is held, or a command took
        long, give it back the rest.

        Args:
            frames: the frames.
            begun: the outcome of the first command if it was begun already: it returns what the handler
                returned, or raises what it raised.
        """
        session, read = self._session, self._handlers.read
        self._took_long = False
        waiting = iter(frames)
        token = current.set(session)
        try:
            for frame in waiting:
                asked = (begun and self.begun) or read(frame)
                if type(asked) is Request and not self._running:
                    later = self._carry_out(asked, self._send_now, begun)
                else:
                    later = self.take(asked, frame)
                begun = None
                if later is not None:
                    session.await_handler(later)
                if session.is_held or self._took_long:
                    break
        finally:
            current.reset(token)
            session.put_back([*waiting])

    def take(self, asked: Asked, frame: bytes) -> Deferred[None] | None:
        """
        Answer a frame that has been read, and report both to the observers.

        Returns:
            A Deferred that fires when the answer is sent, or None if it is sent already.
        """
        if isinstance(asked, Batch):
            if asked.in_order:
                it, session = self._handlers, self._session
                replies = JoinedReplies(it.dialect.join, self._send_now, it.seconds, session.await_handler)
                return replies.take(asked, frame, self._observe, self._take_in_turn)
            batch = _BatchInProgress(self, asked, frame)
            if batch.go_on():
                self._session.go_on_in_turn(batch.go_on)
            return None
        command = self._observe(asked, frame)
        send = self._send_now if command is None else partial(self._send_observed, command)
        return self._take_in_turn(asked, frame, send)

    def _take_in_turn(self, asked: Request | Refusal, frame: bytes, send: _Send) -> Deferred[None] | None:
        """Answer a request now, or after those that are under way."""
        if self._running and self._waits(asked):
            turn: Deferred[None] = Deferred()
            if self._queue is None:
                self._queue = deque()
            self._queue.append((asked, frame, send, turn))
            return turn
        return self._take(asked, frame, send)

    def _waits(self, asked: Request | Refusal) -> bool:
        """Return True if a request must wait until the command that is under way is done."""
        declaration = self._handlers.declaration
        is_urgent = declaration.heartbeat_while_busy and asked.name == declaration.heartbeat
        dialect = declaration.dialect
        if dialect.mixes_order:
            return asked.id is None and asked.wants_reply and not is_urgent
        return not (dialect.by_id or is_urgent)

    def end(self) -> None:
        """Log the failed requests that no line has counted yet. The session is over."""
        for kind, count in () if self._refusals is None else self._refusals.unreported():
            message = "{peer}: {kind}: {count} more requests"
            self.log.warn(message, peer=self._session.peer, kind=kind.value, count=count)

    def _observe(self, asked: Request | Refusal, frame: bytes) -> ObservedCommand | None:
        """Report a request to the observers, or return None if there are none."""
        if self._session.observers.message is None:
            return None
        heartbeat, now = self._handlers.declaration.heartbeat, self._handlers.seconds()
        return ObservedCommand.of(self._session, asked, frame, heartbeat, now).report()

    def _take(self, request: Request | Refusal, frame: bytes, send: _Send) -> Deferred[None] | None:
        if isinstance(request, Refusal):
            send(request, *self._refusal(request, frame))
            return None
        token = current.set(self._session)
        try:
            return self._carry_out(request, send)
        finally:
            current.reset(token)

    def _carry_out(
        self, request: Request, send: _Send, begun: Callable[[], Any] | None = None
    ) -> Deferred[None] | None:
        """Carry out a command, within the context of this session. The arguments are those of answer()."""
        name, values, _, _, _ = request
        handler = self._handlers.by_name[name]
        if begun is None:
            if handler.acknowledges:
                send(request, [cast("bytes", self._handlers.dialect.acknowledgement(request))], MORE)
            watchdog.since = monotonic()
        watchdog.handler = handler.where
        try:
            result = begun() if begun else handler.call(**values)
            if type(result) is CoroutineType and not begun:
                result = start_eagerly(result)
        except Exception:
            self._failed(request, send, Failure())
            return None
        finally:
            watchdog.handler = None
            took = monotonic() - watchdog.since
            if took > SLICE_SECONDS:
                self._took_long = True
                if took > WARN_AFTER:
                    watchdog.blocked(handler.where, took, in_thread=handler.in_thread)
        if Deferred not in type(result).__mro__:  # faster than isinstance
            self._succeeded(handler, request, send, result)
            return None
        apart = request.id is not None and self._handlers.dialect.mixes_order
        self._running += not apart
        self.under_way += 1
        result.addBoth(self._log_if_late, handler, self._handlers.seconds())
        result.addCallbacks(
            partial(self._succeeded, handler, request, send), partial(self._failed, request, send)
        )
        return cast("Deferred[None]", result.addBoth(self._done, apart))

    def _log_if_late(self, outcome: Any, handler: Handler, began: float) -> Any:
        """Log a handler that waited and took longer than its host waits. Return its outcome."""
        now = self._handlers.seconds()
        took = now - began
        cancelled = isinstance(outcome, Failure) and outcome.check(CancelledError) is not None
        if took > handler.timeout * (HOST_BEGAN_EARLIER if cancelled else 1.0):
            count = self._handlers.late.count_due(handler.where, now)
            if count:
                self.log.warn(
                    "{peer}: {command} {took}; its hosts wait {timeout:g} s{more}",
                    peer=self._session.peer,
                    command=handler.where,
                    took=f"was still at work after {took:.1f} s" if cancelled else f"took {took:.1f} s",
                    timeout=handler.timeout,
                    more=f" (and {count - 1} times before)" if count > 1 else "",
                )
        return outcome

    def _done(self, outcome: Any, apart: bool) -> Any:
        """Begin the commands that waited for one that is done now, unless the session is over."""
        if not self._session.is_open:
            self._queue = None
        self._running -= not apart
        self.under_way -= 1
        if self._queue and not self._running and self._begin_waiting():
            self._session.go_on_in_turn(self._begin_waiting)
        return outcome

    def _begin_waiting(self) -> bool:
        """Begin commands that waited, one by one. Return True if others must get their turn first."""
        seconds = self._handlers.seconds
        ends = seconds() + SLICE_SECONDS
        # This counts as a command that is under way, because the end of a turn may deliver further
        # requests. They must wait behind those that waited before.
        self._running += 1
        self.under_way += 1
        while self._queue and self._running == 1 and self._session.is_open:
            request, frame, send, turn = self._queue.popleft()
            later: Deferred[Any] = maybeDeferred(self._take, request, frame, send)
            later.chainDeferred(turn)
            if seconds() >= ends:
                break
        self._running -= 1
        self.under_way -= 1
        return bool(self._queue) and not self._running

    # -- sending ----------------------------------------------------------------------------------------

    def _send_observed(
        self, command: ObservedCommand, request: Request | Refusal, frames: list[bytes], outcome: Any
    ) -> None:
        frames, outcome = self._send_now(request, frames, outcome)
        command.answered(frames, outcome, self._handlers.seconds())

    def _send_now(
        self, request: Request | Refusal, frames: list[bytes], outcome: Any = None
    ) -> tuple[list[bytes], Any]:
        """Send an answer, or else a fault. Return the frames and the outcome that were sent."""
        session = self._session
        try:
            if len(frames) == 1 and session.observers.message is None:
                session.sendFrame(frames[0])
            elif frames:
                send_described(session, session.sendFrames, frames)
        except EncodeError as error:
            return self._send_fault(request, error)
        return frames, outcome

    def _send_fault(self, request: Request | Refusal, error: EncodeError) -> tuple[list[bytes], Any]:
        """Send an internal fault in place of a reply that cannot be sent. Return its frames and it."""
        session = self._session
        message = "{peer}: the reply to {command} cannot be sent: {error}"
        self.log.error(message, peer=session.peer, command=request.name, error=str(error))
        frames, fault = self._fault(request, self._internal_fault(request.name))
        for frame in frames:
            try:
                send_described(session, session.sendFrame, frame)
            except EncodeError as problem:  # it repeats what the peer sent
                message = "{peer}: the fault for {command} cannot be sent: {error}"
                self.log.error(message, peer=session.peer, command=request.name, error=str(problem))
                return [], fault
        return frames, fault

    def _succeeded(self, handler: Handler, request: Request, send: _Send, result: Any) -> None:
        try:
            frames = handler.reply(request, result) if request.wants_reply else []
        except CodecError as error:
            message = "{peer}: {command} returned what cannot be sent: {error}"
            self.log.error(message, peer=self._session.peer, command=handler.where, error=str(error))
            send(request, *self._fault(request, self._internal_fault(request.name)))
        else:
            send(request, frames, result)

    def _failed(self, request: Request, send: _Send, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, Fault):
            send(request, *self._fault(request, error))
        elif isinstance(error, NoReply):
            send(request, [], error)
        elif self._session.is_open or not isinstance(error, (CancelledError, SessionClosed)):
            where = self._handlers.by_name[request.name].where
            message = "{peer}: {command} failed; a fault is the answer{advice}"
            advice = asyncio_advice(error)
            self.log.failure(message, failure, peer=self._session.peer, command=where, advice=advice)
            send(request, *self._fault(request, self._internal_fault(request.name)))

    def _refusal(self, refusal: Refusal, frame: bytes) -> tuple[list[bytes], Any]:
        """Return the answer to a frame that is not a declared request, and what the answer carries."""
        if refusal.name is None:
            try:
                own = call_in_session(self._session, self._handlers.equipment.unknown, frame)
            except NoReply as silence:
                return [], silence
            if own is not None:
                return [own], None
        kind, problem = refusal.error_kind, str(refusal.problem)
        if self._refusals is None:
            self._refusals = KeyedLogThrottle(REQUEST_LOG_INTERVAL)
        count = self._refusals.count_due(kind, self._handlers.seconds())
        if count:
            message, peer = "{peer}: {kind}{problem}{more}", self._session.peer
            said = "" if kind is ProtocolErrorKind.UNKNOWN_COMMAND else f"{kind.value}: "
            more = f" (and {count - 1} more)" if count > 1 else ""
            self.log.warn(message, peer=peer, kind=said, problem=problem, more=more)
        told = self._handlers.dialect.fault_for_request(refusal.name, kind, problem)
        return self._fault(refusal, refusal.fault or told)

    def _fault(self, request: Request | Refusal, fault: Fault) -> tuple[list[bytes], Fault]:
        """Return the frame of a fault and the fault in it, which is an internal one if need be."""
        dialect, name = self._handlers.dialect, request.name
        kept = call_in_session(self._session, is_kept, self._handlers.equipment, fault, request.header)
        is_told = not isinstance(request, Refusal) or dialect.tells(name, request.error_kind)
        if kept or not request.wants_reply or not is_told:
            return [], fault
        internal = [self._internal_fault(name)] if dialect.tells(name, ProtocolErrorKind.INTERNAL) else []
        for each in (fault, *internal):
            try:
                return [self._handlers.fault(request, each)], each
            except CodecError as error:
                handler = self._handlers.by_name.get(name or "")
                where = handler.where if handler is not None else "a request"
                message = "{peer}: {command}: the fault {fault!r} cannot be sent: {error}"
                details = {"command": where, "fault": str(each), "error": str(error)}
                self.log.error(message, peer=self._session.peer, **details)
        return [], fault

    def _internal_fault(self, name: str | None) -> Fault:
        """Return the fault that tells the host of a defect here, and not which one."""
        kind = ProtocolErrorKind.INTERNAL
        return self._handlers.dialect.fault_for_request(name, kind, kind.value)


class _HeadedResponder(Responder):
    """Answers requests with values in their headers. Handlers read them, and set those of the reply."""

    __slots__ = ()

    def _carry_out(
        self, request: Request, send: _Send, begun: Callable[[], Any] | None = None
    ) -> Deferred[None] | None:
        values = values_for_handler(self._handlers.dialect, self._session, request.header)
        token = current_header.set(values)
        try:
            return super()._carry_out(request, send, begun)
        finally:
            current_header.reset(token)


def responder_for(handlers: HandlerTable, session: FrameProtocol) -> Responder:
    """Return the responder of a session."""
    if handlers.dialect.first_requests:
        handlers = copy(handlers)
        handlers.read = handlers.dialect.session_reader()
    return (_HeadedResponder if handlers.dialect.header_values else Responder)(handlers, session)


class _BatchInProgress:
    """
    A batch whose requests begin one after the other, in slices, and whose replies leave in one frame.

    Replies that do not fit into one frame leave in several, so that each id is answered. Nothing more than
    one frame is kept meanwhile.

    Each request that waits counts as a handler of its session, so that :attr:`Limits.awaited` bounds them.
    """

    def __init__(self, responder: Responder, asked: Batch, frame: bytes) -> None:
        self._responder = responder
        self._session = responder._session
        self._seconds = responder._handlers.seconds
        self._requests = asked.requests
        self._frame = frame
        self._begun = 0
        self._under_way = 0
        self._answers: list[tuple[ObservedCommand | None, Request | Refusal, bytes, Any]] = []
        self._size = 1  # of the frame that joins these answers, in bytes

    def go_on(self) -> bool:
        """Begin requests until others must get their turn. Return True if some are left."""
        session, responder, count = self._session, self._responder, len(self._requests)
        ends = self._seconds() + SLICE_SECONDS
        while self._begun < count and session.is_open:
            request = self._requests[self._begun]
            self._begun += 1
            self._under_way += 1
            command = responder._observe(request, self._frame)
            later = responder._take(request, self._frame, partial(self._keep, command))
            if later is None:
                self._one_is_done(None)
            else:
                session.await_handler(later.addBoth(self._one_is_done))
            if session.is_held or self._seconds() >= ends:
                break
        return self._begun < count

    def _keep(
        self, command: ObservedCommand | None, request: Request | Refusal, frames: list[bytes], outcome: Any
    ) -> None:
        """Keep an answer to leave together with others. Send these first if it does not fit beside them."""
        for frame in frames:
            size = len(frame) + 1
            if self._answers and self._size + size > self._session.send_framing.max_frame:
                self._send()
            self._answers.append((command, request, frame, outcome))
            self._size += size

    def _one_is_done(self, outcome: Any) -> Any:
        self._under_way -= 1
        is_over = self._begun == len(self._requests) and not self._under_way
        if is_over and self._answers:
            self._send()
        return outcome

    def _send(self) -> None:
        """Send the answers in one frame, or each alone if that is not possible, and report them."""
        responder, session, size = self._responder, self._session, self._size
        answers, self._answers, self._size = self._answers, [], 1
        if not session.is_open:
            return
        joined = responder._handlers.dialect.join([frame for _, _, frame, _ in answers])
        try:
            if size > session.send_framing.max_frame:
                raise session.send_framing.too_long(size)
            send_described(session, session.sendFrame, joined)
        except EncodeError:
            for command, request, frame, outcome in answers:
                sent, carried = responder._send_now(request, [frame], outcome)
                if command is not None:
                    command.answered(sent, carried, self._seconds())
            return
        for command, _, _, outcome in answers:
            if command is not None:
                command.answered([joined], outcome, self._seconds())
