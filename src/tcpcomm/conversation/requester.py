"""The host's half of one session: :class:`Requester`, an exchange with a clock and a wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime

from tcpcomm.codec.base import ReplyReader
from tcpcomm.conversation.exchange import Call, Exchange
from tcpcomm.errors import CodecError, EncodeError, NotSent, OutcomeUnknown
from tcpcomm.framing.base import LARGE
from tcpcomm.runtime.timer import DeadlineTimer
from tcpcomm.session.protocol import FrameProtocol

__all__ = ["Requester"]

_CUT_SHORT: Final = "the session ended while the command was written: the peer does not read"


class Requester:
    """
    Asks commands on one session, and gives each its answer.

    Args:
        session: where they are written.
        clock: what the timeouts go by.
        drop: has to end the session at once, for the reason that it is given, and to call :meth:`end`.
        by_id: whether replies carry the id of their request.
        depth: how many commands may be under way at once.
        largest_id: the largest id that the wire can carry.
    """

    __slots__ = ("_alarm", "_clock", "_exchange", "_framing", "_held", "_session")

    def __init__(
        self,
        session: FrameProtocol,
        clock: IReactorTime,
        drop: Callable[[str], None],
        *,
        by_id: bool = False,
        depth: int = 1,
        largest_id: int = 2**31 - 1,
    ) -> None:
        self._session = session
        self._framing = session.reply_framing or session.framing
        self._exchange = Exchange(by_id=by_id, broken=drop, depth=depth, largest_id=largest_id)
        self._clock = clock
        self._alarm = DeadlineTimer(clock, _deadlines, self)
        self._held = False

    @property
    def idle(self) -> bool:
        """Whether no command is under way or waiting."""
        return self._exchange.idle

    @property
    def awaits_answer(self) -> bool:
        """Whether a command is under way."""
        return self._exchange.awaits_answer

    @property
    def stray_replies(self) -> int:
        """Answers that belonged to no command."""
        return self._exchange.stray_replies

    def ask(
        self, make: Callable[[int], bytes], answers: ReplyReader | None, timeout: float
    ) -> Deferred[Any]:
        """
        Ask a command.

        Args:
            make: makes the frame, with the id that its reply is to carry.
            answers: reads the reply; None: there is none.
            timeout: seconds that the peer has for it, from when the command is written. It may wait for
                its turn as long before.

        Returns:
            A Deferred of the result. It fails with what :mod:`tcpcomm.conversation.exchange` says, with Fault, or with
            CodecError or EncodeError if the command cannot be written. Cancelling it drops the session if
            the command was written and replies come in order, for its reply would answer the next one.
        """

        def settle(outcome: Any) -> None:
            if result.called:
                return  # cancelled
            if isinstance(outcome, Exception):
                result.errback(outcome)
            else:
                result.callback(outcome)

        now = self._clock.seconds()
        try:
            number = self._exchange.new_id()
            call = Call(number, self._framed(make(number)), answers, timeout, settle)
            self._exchange.ask(call, now)
        except (NotSent, CodecError, EncodeError):
            return fail()
        result: Deferred[Any] = Deferred(lambda _: self._cancelled(call))
        self._alarm.expect(call.due)
        self._write()
        return result

    def answer(self, body: Any, id: Any = None, frame: bytes = b"") -> bool:
        """Give an answer to the command that it belongs to; returns whether there was one."""
        matched = self._exchange.answer(body, id, frame)
        self._write()
        return matched

    def unreadable_reply(self, reason: str) -> None:
        """What came is neither an answer nor an event."""
        self._exchange.unreadable_reply(reason)
        self._write()

    def hold(self) -> None:
        """
        Write nothing until :meth:`release`: frames are handled that came together.

        What is asked meanwhile cannot be answered by one of them, so it is written after. These are two
        methods and no context manager, which would cost each reply 0.9 us.
        """
        self._held = True

    def release(self) -> None:
        """All of them are handled."""
        self._held = False
        self._write()

    def end(self, reason: str) -> None:
        """The session is over: settle everything."""
        self._alarm.cancel()
        self._exchange.end(reason)

    def _write(self) -> None:
        if self._held or not self._session.is_open:
            return  # all that waits is told when the session is over, which is soon
        calls = self._exchange.begin(self._clock.seconds())
        if not calls:
            return
        session = self._session
        parts = [part for call in calls for part in call.written]
        if len(parts) > 1 and sum(map(len, parts)) < LARGE:
            parts = [b"".join(parts)]
        for part in parts:
            if session.is_open:  # what waits for a peer that does not read may have ended it
                session.sendBytes(part)
        session.frames_sent += len(calls)
        for call in calls:
            if call.answers is None:
                call.settle(None if session.is_open else OutcomeUnknown(_CUT_SHORT))

    def _framed(self, frame: bytes) -> Sequence[bytes]:
        """What is written for a frame, in parts; what cannot be framed is refused now, or never."""
        return (self._framing.encode(frame),) if len(frame) < LARGE else self._framing.encode_large(frame)

    def _cancelled(self, call: Call) -> None:
        self._exchange.cancel(call)
        self._write()

    def _tick(self) -> None:
        self._exchange.tick(self._clock.seconds(), self._session.unfinished)
        self._write()


def _deadlines(asking: Requester) -> list[tuple[float, Callable[[Requester], None]]]:
    return [(asking._exchange.deadline, Requester._tick)]
