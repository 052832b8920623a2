"""
Match answers to commands on one session: :class:`Exchange`, the host's half of a conversation, without I/O.

Theory. The worst fault of this field is the late reply that answers the next question: from then on every
result belongs to the command before, and nothing looks wrong. So an answer goes to a command only where it
cannot belong to another.

- *By id*, where replies carry the id of their request: an answer goes to the command with that id, in any
  order. An id is used again as late as the wire allows. A reply that comes too late finds no command, and
  is counted.
- *In order*, where replies carry no id: an answer goes to the oldest command under way. That is right only
  as long as no reply is missing or superfluous. So a timeout, a cancelled command, or a frame that is not a
  reply to the oldest command *breaks* the session: no later answer is given to anybody, and the driver must
  end the session at once.

Other commands wait for their turn; the declaration limits how many are under way at once (``depth``). Time
is a parameter. Each :class:`Call` is settled exactly once: with its result, or with the error that tells
the caller what to believe.

::

    ask -> waits -> begin -> under way -> answered         the result, or the equipment's Fault
             |                  |-------> unreadable        BadReply, a kind of OutcomeUnknown
             |                  |-------> overdue           ReplyTimeout, a kind of OutcomeUnknown
             |                  |-------> session ended     OutcomeUnknown
             |-------> overdue, session ended               NotSent
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final

from attrs import define, field

from tcpcomm.codec.base import MORE, ReplyReader
from tcpcomm.errors import BadReply, CodecError, Fault, NotSent, OutcomeUnknown, ReplyTimeout

MAX_WAITING: Final = 64
"""Commands that may wait for their turn."""


@define(eq=False)
class Call:
    """
    One command, from when it is asked until it is settled.

    Attributes:
        id: the id that the reply carries, where replies carry ids; from :meth:`Exchange.new_id`.
        frame: the command's frame.
        written: the framed bytes that the driver writes, in parts.
        answers: reads the reply; None if there is no reply: the driver settles the call when it is written.
        timeout: seconds that the peer has for its reply, from when the frame is written. The command may
            wait as long for its turn.
        settle: called exactly once, with the result or an exception.
        name: the command's name, for observers; empty for a frame that is not declared.
        values: the command's parameters by name, for observers.
        observed: the call as the driver reported it to observers, or None.
        due: the time at which the call is overdue.
    """

    id: int
    frame: bytes
    written: Sequence[bytes]
    answers: ReplyReader | None
    timeout: float
    settle: Callable[[Any], None]
    name: str = ""
    values: dict[str, Any] = field(factory=dict)
    observed: Any = field(default=None, init=False)
    due: float = field(default=inf, init=False)


@define(eq=False, kw_only=True)
class Exchange:
    """
    The commands of one session, at the side that asks.

    Attributes:
        by_id: True if replies carry the id of their request.
        broken: called with the reason when no answer can be trusted any more. It must end the session and
            call :meth:`end` meanwhile, so that the session is over for everybody.
        depth: the number of commands that may be under way at once.
        max_waiting: the number of commands that may wait for their turn.
        largest_id: the largest id that the wire can carry; after it ids start again, and skip those of
            commands that are not settled.
        stray_replies: the number of answers that belonged to no command: late ones, and unasked ones.

    The driver writes the calls that :meth:`begin` returns, passes each answer to :meth:`take` and its
    outcome to :meth:`settle`, and calls :meth:`tick` when :attr:`deadline` is reached.
    """

    _by_id: bool
    _broken: Callable[[str], None]
    _depth: int = 1
    _max_waiting: int = MAX_WAITING
    _largest_id: int = 2**31 - 1
    _last_id: int = field(default=0, init=False)
    _ids_repeat: bool = field(default=False, init=False)
    _waiting: list[Call] = field(factory=list, init=False)  # few: an empty deque takes 0.7 KiB
    _under_way: dict[int, Call] = field(factory=dict, init=False)  # in the order of writing
    _over: str | None = field(default=None, init=False)
    stray_replies: int = field(default=0, init=False)

    @property
    def idle(self) -> bool:
        """True if no command is under way or waiting."""
        return not self._under_way and not self._waiting

    @property
    def awaits_answer(self) -> bool:
        """True if a command is under way."""
        return bool(self._under_way)

    @property
    def deadline(self) -> float:
        """The time at which to call :meth:`tick`, or infinity if nothing is due."""
        calls = (*self._under_way.values(), *self._waiting)
        return min((call.due for call in calls), default=inf)

    def new_id(self) -> int:
        """
        Return an id for the next call that no other call has, and that was not used for as long as
        possible.

        Raises:
            NotSent: all ids that the wire can carry are in use.
        """
        self._last_id += 1
        if self._last_id > self._largest_id:
            self._last_id, self._ids_repeat = 1, True
        if self._ids_repeat:
            used = {call.id for call in self._waiting} | self._under_way.keys()
            if len(used) >= self._largest_id:
                raise NotSent(f"{len(used)} commands use all ids that there are")
            while self._last_id in used:
                self._last_id = self._last_id % self._largest_id + 1
        return self._last_id

    def ask(self, call: Call, now: float) -> None:
        """
        Queue a command until its turn comes.

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
        Return the commands that may be written now. They count as written, and the driver must write them.

        The driver settles a command without a reply when it is written.
        """
        begun: list[Call] = []
        while self._waiting and len(self._under_way) < self._depth and self._over is None:
            call = self._waiting.pop(0)
            begun.append(call)
            if call.answers is not None:
                call.due = now + call.timeout
                self._under_way[call.id] = call
        return begun

    def take(self, body: Any, id: Any = None, frame: bytes = b"") -> tuple[Call, Any] | None:
        """
        Find the command that an answer belongs to, and read the answer.

        Args:
            body: the answer, as the dialect read it.
            id: the id that the answer carries.
            frame: the frame that carried the answer.

        Returns:
            The call and its outcome, for :meth:`settle`: a result, ``MORE``, a Fault or a BadReply. None if
            the answer belongs to no command; it is counted in :attr:`stray_replies`.
        """
        if self._over is not None:
            return None
        if self._by_id:
            call = self._under_way.get(id) if type(id) is int else None
        else:
            call = next(iter(self._under_way.values()), None)
        if call is None or call.answers is None:
            self.stray_replies += 1
            return None
        try:
            return call, call.answers.take(frame if call.answers.wants_frames else body)
        except Fault as fault:
            return call, fault
        except CodecError as error:
            return call, BadReply(f"the reply makes no sense: {error}")

    def settle(self, call: Call, outcome: Any) -> None:
        """Settle a call with an outcome that :meth:`take` returned; ``MORE`` leaves it under way."""
        if isinstance(outcome, BadReply):
            why = "a reply made no sense: which command the next one answers is not known"
            self._settle(call, outcome, broken=why)
        elif outcome is not MORE:
            self._settle(call, outcome)

    def unreadable_reply(self, reason: str) -> None:
        """Note a frame that is neither an answer nor an event: without ids it may be the awaited answer."""
        call = next(iter(self._under_way.values()), None)
        if call is not None and not self._by_id:
            self._settle(call, BadReply(reason), broken=reason)

    def cancel(self, call: Call) -> None:
        """Forget a command that nobody waits for any more. It is not settled."""
        if call in self._waiting:
            self._waiting.remove(call)
        elif self._under_way.pop(call.id, None) is not None:
            self._break("a command was cancelled: its reply must not answer the next one")

    def tick(self, now: float, partial: str = "") -> None:
        """Settle overdue calls. ``partial`` describes an incomplete reply that came; empty if none did."""
        details = f": {partial}" if partial else ""
        for call in [each for each in self._under_way.values() if each.due <= now]:
            self._settle(
                call,
                ReplyTimeout(f"no reply within {call.timeout:g} s{details}"),
                broken="a reply did not come in time: a late one must not answer the next command",
            )
        for call in [each for each in self._waiting if each.due <= now]:
            if call in self._waiting:  # settling another call may have ended the session
                self._waiting.remove(call)
                call.settle(NotSent(f"its turn did not come within {call.timeout:g} s"))

    def end(self, reason: str) -> None:
        """End the session: settle every call that is under way or waits."""
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
            return  # settling another call has ended the session
        if broken is not None:
            self._break(broken)
        call.settle(outcome)

    def _break(self, reason: str) -> None:
        """Break the session if replies carry no ids, because their order is no longer known."""
        if not self._by_id and self._over is None:
            self._over = reason
            self._broken(reason)
