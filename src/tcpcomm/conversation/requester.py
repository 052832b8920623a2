"""Ask commands on one session: :class:`Requester`, an :class:`Exchange` with a clock and a session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime

from tcpcomm.codec.base import ReplyReader, Request
from tcpcomm.conversation.exchange import Call, Exchange
from tcpcomm.conversation.observed import ObservedCommand
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import CodecError, EncodeError, NotReady, NotSent, OutcomeUnknown
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.runtime.timer import DeadlineTimer
from tcpcomm.session.protocol import FrameProtocol

_CUT_SHORT: Final = "the session ended while the command was written: the peer does not read"


class _AnyFrame(ReplyReader):
    """Take the next frame as the reply, whatever it holds."""

    wants_frames = True

    def take(self, body: Any) -> Any:
        return body


ANY_FRAME: Final = _AnyFrame()


class Requester:
    """
    Asks commands on one session, and gives each its answer.

    Args:
        session: the session, which is ready.
        clock: the clock for timeouts.
        drop: must end the session at once, with the reason that it gets, and call :meth:`end` meanwhile.
        declaration: the commands that may be asked, and how many at once; None: only frames are asked, one
            at a time.
    """

    __slots__ = (
        "_clock",
        "_dialect",
        "_exchange",
        "_framing",
        "_heartbeat",
        "_held",
        "_next_due",
        "_timer",
        "session",
    )

    def __init__(
        self,
        session: FrameProtocol,
        clock: IReactorTime,
        drop: Callable[[str], None],
        declaration: Declaration | None = None,
    ) -> None:
        self.session = session
        self._framing = session.send_framing
        self._exchange = Exchange(by_id=False, broken=drop)
        self._heartbeat: str | None = None
        if declaration is not None:
            self._dialect = dialect = declaration.dialect
            self._exchange = Exchange(
                by_id=dialect.by_id,
                broken=drop,
                depth=declaration.pipeline,
                largest_id=dialect.largest_id,
            )
            self._heartbeat = declaration.heartbeat
        self._clock = clock
        self._timer = DeadlineTimer(clock, _deadlines, self)
        self._next_due = inf  # the timer rings no later; it need not be told of later deadlines
        self._held = False

    @property
    def idle(self) -> bool:
        """True if no command is under way or waiting."""
        return self._exchange.idle

    @property
    def awaits_answer(self) -> bool:
        """True if a command is under way."""
        return self._exchange.awaits_answer

    def ask(
        self,
        command: Command,
        values: dict[str, Any],
        *,
        answers: ReplyReader | None = None,
        timeout: float | None = None,
    ) -> Deferred[Any]:
        """
        Ask a declared command.

        Args:
            command: the command.
            values: a value for every parameter.
            answers: reads the reply, in place of the declared reader.
            timeout: seconds that the peer has for its reply, in place of the declared ones. They begin when
                the command is written. It may wait as long for its turn.

        Returns:
            A Deferred of the result. It fails with NotReady if the session is over, with the errors that
            :mod:`tcpcomm.conversation.exchange` lists, with Fault, or with CodecError or EncodeError if the
            command cannot be written. Cancelling it after the command was written drops the session if
            replies come in order, because its reply would answer the next command.
        """
        name, dialect = command.name, self._dialect
        try:
            number = self._exchange.new_id()
            frame = dialect.request(name, values, number)
        except (NotSent, CodecError):
            return fail()
        if answers is None:
            answers = dialect.reply_reader(name)
        if timeout is None:
            timeout = command.timeout
        return self._ask(number, frame, answers, timeout, name=name, values=values)

    def ask_frame(self, frame: bytes, answers: ReplyReader | None, timeout: float) -> Deferred[Any]:
        """Ask a frame that is not declared, as :meth:`ask` does; ``answers`` is None if none is awaited."""
        try:
            number = self._exchange.new_id()
        except NotSent:
            return fail()
        return self._ask(number, frame, answers, timeout, name="", values={})

    def _ask(
        self,
        number: int,
        frame: bytes,
        answers: ReplyReader | None,
        timeout: float,
        *,
        name: str,
        values: dict[str, Any],
    ) -> Deferred[Any]:
        def settle(outcome: Any) -> None:
            if result.called:
                return  # cancelled
            if isinstance(outcome, Exception):
                result.errback(outcome)
            else:
                result.callback(outcome)

        session, framing = self.session, self._framing
        try:
            if session.reason is not None:
                raise NotReady(f"the session is over: {session.reason}")
            written: Sequence[bytes]
            written = (framing.encode(frame),) if len(frame) < LARGE else framing.encode_large(frame)
            call = Call(number, frame, written, answers, timeout, settle, name, values)
            self._exchange.ask(call, self._clock.seconds())
        except (NotSent, EncodeError):
            return fail()
        result: Deferred[Any] = Deferred(lambda _: self._cancelled(call))
        if call.due < self._next_due:
            self._next_due = call.due
            self._timer.expect(call.due)
        self._write()
        return result

    def answer(self, body: Any, id: Any = None, frame: bytes = b"") -> bool:
        """Give an answer to the command that it belongs to. Return False if it belongs to none."""
        found = self._exchange.take(body, id, frame)
        if found is None:
            return False
        if self.session.observers.message is not None:
            self._report_answer(*found, frame)
        self._exchange.settle(*found)
        self._write()
        return True

    def unreadable_reply(self, reason: str) -> None:
        """Note a frame that is neither an answer nor an event."""
        self._exchange.unreadable_reply(reason)
        self._write()

    def hold(self) -> None:
        """
        Write nothing until :meth:`release`, while frames that came together are handled.

        None of those frames can answer what is asked meanwhile; that is written after them.
        """
        self._held = True

    def release(self) -> None:
        """Write the commands that were asked since :meth:`hold`."""
        self._held = False
        self._write()

    def end(self, reason: str) -> None:
        """Settle every call, because the session is over."""
        self._timer.cancel()
        self._exchange.end(reason)

    def _write(self) -> None:
        session = self.session
        if self._held or session.reason is not None:
            return  # calls that wait are settled when the session is over, which is soon
        now = self._clock.seconds()
        calls = self._exchange.begin(now)
        if not calls:
            return
        if len(calls) == 1:
            parts, frames = calls[0].written, [calls[0].frame]
        else:
            parts = [part for call in calls for part in call.written]
            frames = [call.frame for call in calls]
            if sum(map(len, parts)) < LARGE:
                parts = [b"".join(parts)]
        session.send_framed(parts, frames)
        if session.observers.message is not None:
            for call in calls:
                call.observed = self._observed(call, now).report()
        for call in calls:
            if call.answers is None:
                call.settle(None if session.reason is None else OutcomeUnknown(_CUT_SHORT))

    def _cancelled(self, call: Call) -> None:
        self._exchange.cancel(call)
        self._write()

    def _tick(self) -> None:
        self._next_due = inf
        self._exchange.tick(self._clock.seconds(), self.session.unfinished)
        self._write()

    def _observed(self, call: Call, now: float) -> ObservedCommand:
        asked = Request(call.name, call.values)
        return ObservedCommand.of(self.session, asked, call.frame, self._heartbeat, now, sent=True)

    def _report_answer(self, call: Call, outcome: Any, frame: bytes) -> None:
        observed = call.observed or self._observed(call, call.due - call.timeout)
        if call.answers is ANY_FRAME and call.name:
            outcome = None  # the answer to a heartbeat may be anything
        observed.answered([frame], outcome, self._clock.seconds())


def _deadlines(requester: Requester) -> list[tuple[float, Callable[[Requester], None]]]:
    requester._next_due = due = requester._exchange.deadline
    return [(due, Requester._tick)]
