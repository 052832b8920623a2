"""Connect, send messages, and wait for the reply to each: :class:`Sender`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any, Final, TypeVar

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from tcpcomm.errors import EncodeError, SessionClosed
from tcpcomm.net.error_texts import connect_error_text
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.runtime.safe_text import brief_bytes
from tcpcomm.runtime.timer import DeadlineTimer
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.observer import SessionObserver
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.send.outcome import Outcome, Tally
from tcpcomm.tools.send.pattern import Pattern
from tcpcomm.tools.send.wire_session import WireObserver, WireSession, limits_for

T = TypeVar("T")

REPLY_TIMEOUT: Final = 2.0
"""Seconds to wait for a reply."""

CONNECTION_WAIT: Final = 5.0
"""Seconds to wait for the connection."""

REPLY_SILENCE: Final = 0.2
"""Seconds without a byte that end a reply, if no framing shows its end."""

LONGEST_REPLY: Final = 16 * 1024 * 1024
"""
Bytes of a reply without a framing that ``tcpcomm send`` keeps until the silence. The first ones are
dropped.
"""


@frozen(kw_only=True)
class Waiting:
    """
    The replies to wait for after each message.

    Attributes:
        replies: the number of replies; 0 waits for none.
        timeout: seconds to wait for each reply.
        silence: seconds that end a reply if no framing shows its end.
        patterns: a reply must fit one of these; without any, every reply is good.
    """

    replies: int = 1
    timeout: float = REPLY_TIMEOUT
    silence: float = REPLY_SILENCE
    patterns: Sequence[Pattern] = ()


class NoLink(Exception):
    """The connection failed, or is lost. The text says why."""


class Sender:
    """
    One connection, on which messages are sent and their replies awaited.

    Args:
        speech: the language of the connection.
        waiting: the replies to wait for.
        clock: the reactor, or a test's clock.
        observers: watch the session.
        is_equipment: True if this side is the equipment.
        keys: our name and the key of the peer, if it must be proven.
        reply: gets each message that counts as a reply.
        longest: bytes of the longest message that will be sent.
    """

    def __init__(
        self,
        speech: Speech,
        waiting: Waiting,
        clock: Any,
        *,
        observers: Sequence[SessionObserver] = (),
        is_equipment: bool = False,
        keys: PreSharedKeys | None = None,
        reply: Callable[[bytes], object] = lambda _: None,
        longest: int = 0,
    ) -> None:
        self._speech = speech
        self._waiting = waiting
        self._clock = clock
        self._reply = reply
        self.tally = Tally()
        self.problem = ""
        """The reason why the last exchange was not OK, for people."""
        self._session: WireSession | None = None
        self._ready: Deferred[WireSession] = Deferred()
        self._exchange: _Exchange | None = None
        self._awaited: Deferred[Any] | None = None
        self._is_closing = False

        def build() -> WireSession:
            session = WireSession(speech, observers, is_equipment=is_equipment)
            session.when_ready = self._session_ready
            session.when_heard = self._heard
            session.when_closed = self._session_closed
            return session

        self._factory = FrameFactory(
            build,
            limits=limits_for(longest),
            keys=keys,
            dials=keys is not None,
            observers=[WireObserver()],
            clock=clock,
        )

    async def connect(self, endpoint: IStreamClientEndpoint, wait: float = CONNECTION_WAIT) -> None:
        """
        Connect, within so many seconds.

        Raises:
            NoLink: the connection failed; the text says why.
        """
        connecting = endpoint.connect(self._factory)
        ready = self._ready

        def overdue() -> None:
            connecting.cancel()
            for session in list(self._factory.sessions):
                session.abort(f"the connection was not ready within {wait:g} s")

        timer = self._clock.callLater(wait, overdue)
        try:
            await connecting
            await ready
        except NoLink:
            raise
        except CancelledError:
            raise NoLink(f"no answer within {wait:g} s: cable, power or address") from None
        except Exception:
            if not timer.active():
                raise NoLink(f"no answer within {wait:g} s: cable, power or address") from None
            raise NoLink(connect_error_text(Failure())) from None
        finally:
            if timer.active():
                timer.cancel()

    def say(self, message: bytes) -> None:
        """
        Send a message, and wait for nothing.

        Raises:
            EncodeError: the framing cannot carry it.
            NoLink: the connection is gone.
        """
        session = self._session
        if session is None or session.closed_reason is not None:
            raise NoLink(session.closed_reason if session and session.closed_reason else "not connected")
        try:
            session.say(message)
        except SessionClosed as error:
            raise NoLink(str(error)) from None

    async def ask(self, message: bytes) -> Outcome:
        """
        Send a message, and wait for its replies. The tally counts it, and ``problem`` tells what failed.

        Raises:
            EncodeError: the framing cannot carry it. Nothing was sent.
        """
        self.begin()
        try:
            self.say(message)
        except NoLink as error:
            return self._count(Outcome.NO_LINK, str(error))
        except EncodeError:
            self._exchange = None
            raise
        return await self.replies()

    def begin(self) -> None:
        """Begin an exchange: a message that arrives from now on may be a reply. Send by :meth:`say`."""
        self._exchange = _Exchange(self._waiting, self._clock, self._reply, is_raw=self._speech.is_raw)

    async def replies(self) -> Outcome:
        """Wait for the replies of the exchange that has begun. Otherwise it is the same as :meth:`ask`."""
        exchange, session = self._exchange, self._session
        if exchange is None or session is None:
            return self._count(Outcome.NO_LINK, "not connected")
        if session.closed_reason is not None:
            exchange.lost(session.closed_reason)
        return self._count(*await exchange.wait())

    def _count(self, outcome: Outcome, problem: str) -> Outcome:
        round_trip = None if self._exchange is None else self._exchange.round_trip
        self._exchange, self.problem = None, problem
        if not (self._is_closing and outcome is Outcome.NO_LINK):  # its reply is not awaited any more
            self.tally.add(outcome, round_trip)
        return outcome

    @property
    def unsent(self) -> int:
        """The number of bytes that the peer has not taken yet."""
        return self._session.unsent if self._session is not None and self._session.is_open else 0

    async def unless_closed(self, awaited: Deferred[T]) -> T:
        """
        Wait for something else, such as a typed line.

        Raises:
            NoLink: the connection was closed before.
        """
        session = self._session
        if session is not None and session.closed_reason is not None:
            raise NoLink(session.closed_reason)
        self._awaited = awaited
        return await awaited

    async def close(self) -> None:
        """Close the connection, after all that was sent has left."""
        self._is_closing = True
        await self._factory.drain(grace=1.0, reason="closed here")

    def _session_ready(self, session: WireSession) -> None:
        self._session = session
        self._ready.callback(session)

    def _heard(self, _: WireSession, message: bytes, answers: bool) -> None:
        if self._exchange is not None:
            self._exchange.heard(message, answers)

    def _session_closed(self, session: WireSession, reason: str) -> None:
        if not self._ready.called:
            self._ready.errback(NoLink(reason))
        if self._exchange is not None:
            self._exchange.lost(reason)
        awaited, self._awaited = self._awaited, None
        if awaited is not None and not awaited.called:
            awaited.errback(NoLink(reason))


class _Exchange:
    """The wait for the replies to one message."""

    def __init__(
        self, waiting: Waiting, clock: Any, reply: Callable[[bytes], object], *, is_raw: bool
    ) -> None:
        self._waiting = waiting
        self._clock = clock
        self._reply = reply
        self._is_raw = is_raw
        self._pending = bytearray()
        self._good = 0
        self._others = 0
        self._last = b""
        self._done: Deferred[tuple[Outcome, str]] = Deferred()
        self._due = inf
        self._silent_at = inf  # when the pieces that came count as one whole reply
        self._timer = DeadlineTimer(clock, _Exchange._deadlines, self)
        self._is_waiting = False
        self._began = clock.seconds()
        self.round_trip: float | None = None

    def wait(self) -> Deferred[tuple[Outcome, str]]:
        """Wait for replies, because all is sent. The Deferred gets the outcome and the problem."""
        self._is_waiting = True
        if self._done.called:
            return self._done
        if not self._waiting.replies:
            self._end(Outcome.OK)
            return self._done
        self._due = self._clock.seconds() + self._waiting.timeout
        if self._pending:
            self._await_silence()
        self._timer.update()
        return self._done

    def _deadlines(self) -> Iterator[tuple[float, Callable[[_Exchange], None]]]:
        yield self._due, _Exchange._overdue
        yield self._silent_at, _Exchange._judge_pending

    def heard(self, message: bytes, answers: bool) -> None:
        """Take a message that came. Without a framing, it is a chunk of one."""
        if self._done.called or not (answers or self._waiting.patterns):
            return
        if not self._is_raw:
            self._judge(message)
            return
        self._pending += message
        del self._pending[:-LONGEST_REPLY]
        if self.round_trip is None:
            self.round_trip = self._clock.seconds() - self._began
        if self._is_waiting:
            self._await_silence()

    def _await_silence(self) -> None:
        self._silent_at = self._clock.seconds() + self._waiting.silence
        self._timer.update()

    def lost(self, reason: str) -> None:
        """Take note that the connection is gone."""
        if self._pending:
            self._judge_pending()
        if not self._done.called:
            outcome = Outcome.NO_MATCH if self._others else Outcome.NO_LINK
            self._end(outcome, f"{reason}; {self._story()}")

    def _judge_pending(self) -> None:
        message = bytes(self._pending)
        self._pending.clear()
        self._silent_at = inf
        self._judge(message)

    def _judge(self, message: bytes) -> None:
        if self._done.called:
            return
        if self.round_trip is None:
            self.round_trip = self._clock.seconds() - self._began
        patterns = self._waiting.patterns
        if patterns and not any(each.match(message) is not None for each in patterns):
            self._others += 1
            self._last = message
            return
        self._good += 1
        self._reply(message)
        if self._good >= self._waiting.replies:
            self._end(Outcome.OK)
        elif self._is_waiting:
            self._due = self._clock.seconds() + self._waiting.timeout

    def _overdue(self) -> None:
        if self._pending:  # without a framing, the peer is still sending
            self._judge_pending()
        if not self._done.called:
            outcome = Outcome.NO_MATCH if self._others else Outcome.TIMEOUT
            self._end(outcome, f"{self._story()} within {self._waiting.timeout:g} s")

    def _story(self) -> str:
        expected = " or ".join(repr(each.text) for each in self._waiting.patterns)
        if self._others:
            others = "1 other message" if self._others == 1 else f"{self._others} other messages"
            return f"expected {expected}, and got {others}, the last one {brief_bytes(self._last)}"
        if self._good:
            return f"got {self._good} of {self._waiting.replies} replies"
        return f"expected {expected}, and got nothing" if expected else "got nothing"

    def _end(self, outcome: Outcome, problem: str = "") -> None:
        self._timer.cancel()
        self._done.callback((outcome, problem))
