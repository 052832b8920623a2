"""
Which answer belongs to which command: :class:`Exchange`, the host's half of a conversation. Without I/O.

Theory. The worst fault of this field is the late reply that answers the next question: from then on every
result is that of the command before, and nothing looks wrong. So an answer is given to a command only
where it cannot be another's.

- *By id*, where replies carry the id of their request: an answer goes to the command with that id, in
  whatever order they come. An id is used again as late as the wire allows. A reply that comes too late
  finds no command, and is counted.
- *In order*, where they carry none: an answer goes to the oldest command under way. That holds only as
  long as no reply is missing or too many. So after a timeout, a cancelled command, or a frame that is no
  reply to the command whose turn it is, the session is *broken*: no answer is given to anybody any more,
  and the driver has to end it at once.

Commands that are not under way wait for their turn; how many may be under way at once is declared
(``depth``). Time is a parameter. Each :class:`Call` is settled exactly once: with its result, or with the
error that says what the caller may believe.

::

    ask -> waits -> begin -> under way -> answered         the result, or the equipment's Fault
             |                  |-------> no sense          BadReply, a kind of OutcomeUnknown
             |                  |-------> overdue           ReplyTimeout, a kind of OutcomeUnknown
             |                  |-------> session ended     OutcomeUnknown
             |-------> overdue, session ended               NotSent
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from attrs import define, field

from tcpcomm.codec.base import MORE, ReplyReader
from tcpcomm.errors import BadReply, CodecError, Fault, NotSent, OutcomeUnknown, ReplyTimeout

__all__ = ["MAX_WAITING", "Call", "Exchange"]

MAX_WAITING: Final = 64
"""Commands that may wait for their turn."""


@define(eq=False)
class Call:
    """
    One command, from when it is asked until it is settled.

    Attributes:
        id: what its reply carries, where replies carry ids; from :meth:`Exchange.new_id`.
        written: what the driver writes: it is its own.
        answers: reads its reply; None: there is none, and it has succeeded when it is written.
        timeout: seconds that the peer has for its reply, from when the frame is written. It may wait for
            its turn as long before.
        settle: told the result, or the exception, exactly once.
    """

    id: int
    written: Any
    answers: ReplyReader | None
    timeout: float
    settle: Callable[[Any], None]
    under_way: bool = field(default=False, init=False)
    due: float = field(default=inf, init=False)


class Exchange:
    """
    The commands of one session, at the side that asks.

    Args:
        by_id: whether replies carry the id of their request.
        broken: called with the reason when no answer can be trusted any more: it has to end the session,
            and calls :meth:`end` on the way. Whoever is told of it afterwards finds the session over.
        depth: how many commands may be under way at once.
        max_waiting: how many may wait for their turn.
        largest_id: the largest id that the wire can carry; behind it the ids begin anew, without those of
            commands that are not settled.

    The driver writes what :meth:`begin` yields, hands over each answer with :meth:`answer`, and calls
    :meth:`tick` when :attr:`deadline` is reached.
    """

    __slots__ = (
        "_broken",
        "_by_id",
        "_depth",
        "_largest_id",
        "_last_id",
        "_max_waiting",
        "_over",
        "_under_way",
        "_waiting",
        "_wrapped",
        "stray_replies",
    )

    def __init__(
        self,
        *,
        by_id: bool,
        broken: Callable[[str], None],
        depth: int = 1,
        max_waiting: int = MAX_WAITING,
        largest_id: int = 2**31 - 1,
    ) -> None:
        self._by_id = by_id
        self._broken = broken
        self._depth = depth
        self._max_waiting = max_waiting
        self._largest_id = largest_id
        self._last_id = 0
        self._wrapped = False  # ids are being used again
        self._waiting: list[Call] = []  # few: an empty deque takes 0.7 KiB of every session
        self._under_way: dict[int, Call] = {}  # in the order in which they were written
        self._over: str | None = None
        self.stray_replies = 0
        """Answers that belonged to no command: late ones, and such as nobody asked for."""

    @property
    def idle(self) -> bool:
        """Whether no command is under way or waiting."""
        return not self._under_way and not self._waiting

    @property
    def awaits_answer(self) -> bool:
        """Whether a command is under way."""
        return bool(self._under_way)

    @property
    def deadline(self) -> float:
        """When :meth:`tick` is to be called; infinity for never."""
        calls = (*self._under_way.values(), *self._waiting)
        return min((call.due for call in calls), default=inf)

    def new_id(self) -> int:
        """
        An id for the next call that no other has, and none has had for as long as can be.

        Raises:
            NotSent: all ids that the wire can carry are in use.
        """
        self._last_id += 1
        if self._last_id > self._largest_id:
            self._last_id, self._wrapped = 1, True
        if self._wrapped:
            taken = {call.id for call in self._waiting} | self._under_way.keys()
            if len(taken) >= self._largest_id:
                raise NotSent(f"{len(taken)} commands use all ids that there are")
            while self._last_id in taken:
                self._last_id = self._last_id % self._largest_id + 1
        return self._last_id

    def ask(self, call: Call, now: float) -> None:
        """
        Take a command; it is written when its turn comes.

        Raises:
            NotSent: the session is over, or too many commands wait.
        """
        if self._over is not None:
            raise NotSent(f"the session is over: {self._over}")
        if len(self._waiting) >= self._max_waiting:
            raise NotSent(f"{len(self._waiting)} commands wait already")
        call.due = now + call.timeout
        self._waiting.append(call)

    def begin(self, now: float) -> list[Call]:
        """
        The commands whose turn has come: they count as written from now on, and must be.

        One without a reply is the driver's to settle, when it is written.
        """
        begun: list[Call] = []
        while self._waiting and len(self._under_way) < self._depth and self._over is None:
            call = self._waiting.pop(0)
            begun.append(call)
            call.under_way = True
            if call.answers is not None:
                call.due = now + call.timeout
                self._under_way[call.id] = call
        return begun

    def answer(self, body: Any, id: Any = None, frame: bytes = b"") -> bool:
        """
        Give an answer to the command that it belongs to.

        Args:
            body: what the dialect made of it.
            id: the id that it carries.
            frame: what it came in.

        Returns:
            Whether there was one. Otherwise it is counted in :attr:`stray_replies`.
        """
        if self._over is not None:
            return False
        if self._by_id:
            call = self._under_way.get(id) if type(id) is int else None
        else:
            call = next(iter(self._under_way.values()), None)
        if call is None or call.answers is None:
            self.stray_replies += 1
            return False
        try:
            outcome = call.answers.take(frame if call.answers.wants_frames else body)
        except Fault as fault:
            self._settle(call, fault)
        except CodecError as error:
            self._settle(
                call,
                BadReply(f"the reply makes no sense: {error}"),
                broken="a reply made no sense: which command the next one answers is not known",
            )
        else:
            if outcome is not MORE:
                self._settle(call, outcome)
        return True

    def unreadable_reply(self, reason: str) -> None:
        """What came is neither an answer nor an event: without ids, it may have been the next answer."""
        call = next(iter(self._under_way.values()), None)
        if call is not None and not self._by_id:
            self._settle(call, BadReply(reason), broken=reason)

    def cancel(self, call: Call) -> None:
        """Nobody waits for this command any more. It is not settled."""
        if call in self._waiting:
            self._waiting.remove(call)
        elif self._under_way.pop(call.id, None) is not None:
            self._break("a command was cancelled: its reply must not answer the next one")

    def tick(self, now: float, came: str = "") -> None:
        """Settle what is overdue; ``came`` tells what came of a reply that is not complete, if anything."""
        instead = f": {came}" if came else ""
        for call in [each for each in self._under_way.values() if each.due <= now]:
            self._settle(
                call,
                ReplyTimeout(f"no reply within {call.timeout:g} s{instead}"),
                broken="a reply did not come in time: a late one must not answer the next command",
            )
        for call in [each for each in self._waiting if each.due <= now]:
            if call in self._waiting:  # settling another may have ended the session
                self._waiting.remove(call)
                call.settle(NotSent(f"its turn did not come within {call.timeout:g} s"))

    def end(self, reason: str) -> None:
        """The session is over: settle all that is under way, and all that waits."""
        if self._over is None:
            self._over = reason
        under_way, self._under_way = self._under_way, {}
        waiting, self._waiting = self._waiting, []
        for call in under_way.values():
            call.settle(OutcomeUnknown(f"the command was written, then the session ended: {reason}"))
        for call in waiting:
            call.settle(NotSent(f"the session ended before its turn: {reason}"))

    def _settle(self, call: Call, outcome: Any, *, broken: str | None = None) -> None:
        if self._under_way.pop(call.id, None) is None:
            return  # settling another has ended the session
        if broken is not None:
            self._break(broken)
        call.settle(outcome)

    def _break(self, reason: str) -> None:
        """Without ids the order is lost; with them nothing is."""
        if not self._by_id and self._over is None:
            self._over = reason
            self._broken(reason)
