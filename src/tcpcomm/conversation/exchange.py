"""
Match answers to commands on one session: :class:`Exchange`, the host's half of a conversation, without I/O.

Theory. The worst fault of this field is the late reply that answers the next question: from then on every
result belongs to the command before, and nothing looks wrong. So an answer goes to a command only where it
cannot belong to another.

- *By id*, where replies carry the id of their request: an answer goes to the command with that id, in any
  order. An id is used again as late as the wire allows. A reply that comes too late finds no command, and
  is counted.
- *In order*, where replies carry no id: an answer goes to the oldest command under way. That is right only
  as long as no reply is missing or surplus. So a timeout, a cancelled command, or a frame that came while
  no command was under way *breaks* the session: no later answer is given to anybody, and the driver must
  end the session at once.

A frame that is not a reply to the oldest command breaks a session without ids, too, with one exception. It
took the place of the reply if that command is the only one under way, and its reply is one frame, and the
frame came alone, and is not the reply to another command. Then the command gets BadReply, and the session
goes on after a silence, so that a true reply behind that frame shows as surplus. The silence lasts half of
that command's timeout: the next command, which waits for its turn meanwhile, has the other half. The call
is *doubtful*. So is a call whose number of frames nobody said.

Frames that are handled together, in one slice of a chunk, are judged together: if there are more of them
than commands under way, nobody can know which one is surplus. The driver keeps their answers by
:meth:`Exchange.keep` until it has looked at all of them. What was received before a command is written must
be read before it is written: the driver looks for it in :meth:`Exchange.begin`.

One surplus frame cannot be told from a reply: one that arrives while a command is under way, before the
true reply. That command gets a wrong answer, and its true reply is surplus then. It breaks the session
unless the next command is already under way. So the exchange *pauses* now and then in a flow of commands
without pauses: with no command under way, for about as long as a reply takes.

An *interim reply* is an event that says that a reply still takes time: the timeout of its command begins
anew. Without ids it belongs to the oldest command, and those behind that one wait on, too. A command can
have two requests: the driver writes the second one when the first is answered, and the timeout begins
anew. A command can also succeed by *silence*: if no fault came within its timeout. It is under way until
then, so that a fault finds it.

Other commands wait for their turn; the declaration limits how many are under way at once (``depth``). Time
is a parameter. Each :class:`Call` is settled exactly once: with its result, or with the error that tells
the caller what to believe.

::

    ask -> waits -> begin -> under way -> answered         the result, or the equipment's Fault
             |                  |-------> unreadable        BadReply, a kind of OutcomeUnknown
             |                  |-------> in doubt          OutcomeUnknown
             |                  |-------> interim reply     under way, for another timeout
             |                  |-------> overdue           ReplyTimeout, a kind of OutcomeUnknown
             |                  |-------> silent            None, where silence is success
             |                  |-------> session ended     OutcomeUnknown
             |-------> overdue, session ended               NotSent
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from math import inf
from typing import Any, Final

from attrs import define, field, frozen

from tcpcomm.codec.base import MISSING, MORE, ReplyReader
from tcpcomm.conversation.call import LEAST_PATIENCE, Call
from tcpcomm.errors import BadReply, CodecError, Fault, NotSent, OutcomeUnknown, ReplyTimeout
from tcpcomm.runtime.safe_text import brief_bytes

MAX_WAITING: Final = 64
"""Commands that wait for their turn. A further one fails with ``NotSent``."""

PAUSE_INTERVAL: Final = 1.0
"""
Seconds, at least, for which commands without ids follow each other before there is a pause. Then the next
command waits until a reply to an earlier one would have come.
"""

PAUSE_SHARE: Final = 0.01
"""Part of the time that such pauses may take. Beyond it the next pause comes later."""

LONGEST_PAUSE: Final = 0.1
"""Seconds that a pause between commands without ids lasts at most. Then the next command is written."""

LEAST_DOUBT: Final = 0.1
"""
Seconds of silence, at least, behind a frame that took the place of a reply. Then the next command is
written.
"""

LONGEST_DOUBT: Final = 0.5
"""Seconds that the silence behind such a frame lasts at most. Then the next command is written."""


_BELOW_CHOSEN_IDS: Final = -(2**62)


@frozen
class _Dropped:
    """The last thing that came and answered nothing."""

    time: float
    what: str
    id: Any

    def text_for(self, call: Call) -> str:
        return self.what if self.id is MISSING else f"{self.what} {self.id!r}, not {call.id}"


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
        quiet: seconds of silence to keep after a reply, and after a command without a reply, before the
            next command is written.
        is_alien: returns True if a frame that makes no sense as the reply to a call shows that the order is
            lost. It gets the call, and the answer in the frame, or None if that cannot be read.
        chooses_ids: True if the program chooses the ids on the wire, by :meth:`claim_id`. Those of
            :meth:`new_id` are then below them, for commands without an id on the wire. ``largest_id``
            must be 0.
        is_of_another: returns True if an answer without an id names another command than that of a call.
        remedy: the advice for a session that a frame broke, if such frames are normal.
        stray_replies: the number of answers that belonged to no command: late ones, and unasked ones.
        paused_until: the time at which the next command may be written; infinity if nothing pauses.
        overdue_since_answer: True if a reply did not come in time, and no answer came since.

    The driver writes the calls that :meth:`begin` returns, passes each answer to :meth:`take` and its
    outcome to :meth:`settle`, and calls :meth:`tick` and :meth:`begin` when :attr:`deadline` is reached.
    """

    _by_id: bool
    _broken: Callable[[str], None]
    _depth: int = 1
    _max_waiting: int = MAX_WAITING
    _largest_id: int = 2**31 - 1
    _quiet: float = 0.0
    _is_alien: Callable[[Call, Any], bool] = field(default=lambda call, body: False)
    _is_of_another: Callable[[Call, Any], bool] = field(default=lambda call, body: False)
    _remedy: str = "declare them"
    _chooses_ids: bool = False
    _last_id: int = field(default=0, init=False)
    _ids_repeat: bool = field(default=False, init=False)
    _waiting: list[Call] = field(factory=list, init=False)  # few: an empty deque takes 0.7 KiB
    _under_way: dict[int, Call] = field(factory=dict, init=False)  # in the order of writing
    _kept: dict[Call, Any] = field(factory=dict, init=False)  # outcomes that are not given yet
    _over: str | None = field(default=None, init=False)
    _replied: Call | None = field(default=None, init=False)  # since the last begin()
    _silent_since: float = field(default=-inf, init=False)  # the time of the last reply
    _longest_reply: float = field(default=0.0, init=False)
    _pause: float = field(default=0.001, init=False)  # a silence within which every reply would come
    _longest_flow: float = field(default=PAUSE_INTERVAL, init=False)
    _flow_began: float = field(default=-inf, init=False)  # the end of the last such silence
    paused_until: float = field(default=inf, init=False)
    stray_replies: int = field(default=0, init=False)
    overdue_since_answer: bool = field(default=False, init=False)
    _dropped: _Dropped | None = field(default=None, init=False)

    @property
    def idle(self) -> bool:
        """True if no command is under way or waiting."""
        return not self._under_way and not self._waiting and not self._kept

    @property
    def has_news(self) -> bool:
        """True if a command waits, or a reply came since the last :meth:`begin`, which must note it."""
        return bool(self._waiting) or self._replied is not None

    @property
    def awaits_answer(self) -> bool:
        """True if a command is under way."""
        return bool(self._under_way)

    @property
    def oldest_name(self) -> str:
        """The name of the oldest command under way; empty if there is none."""
        return next((call.name for call in self._under_way.values()), "")

    @property
    def oldest_reader(self) -> ReplyReader | None:
        """The reader of the oldest command under way, or None if there is none."""
        return next((call.answers for call in self._under_way.values()), None)

    @property
    def awaits_frame(self) -> bool:
        """True if the oldest command under way takes every frame, also one that the dialect cannot read."""
        answers = self.oldest_reader
        return answers is not None and answers.wants_frames and not self._by_id

    @property
    def deadline(self) -> float:
        """The time at which to call :meth:`tick`, or infinity if nothing is due."""
        calls = (*self._under_way.values(), *self._waiting)
        due = min((call.due for call in calls), default=inf)
        return min(due, self.paused_until) if self._waiting else due

    def new_id(self) -> int:
        """
        Return an id for the next call that no other call has, and that was not used for as long as
        possible.

        Raises:
            NotSent: all ids that the wire can carry are in use.
        """
        self._last_id += 1
        if self._last_id > self._largest_id:
            if self._chooses_ids:
                return _BELOW_CHOSEN_IDS - self._last_id
            self._last_id, self._ids_repeat = 1, True
        if self._ids_repeat:
            used = {call.id for call in self._waiting} | self._under_way.keys()
            if len(used) >= self._largest_id:
                raise NotSent(f"{len(used)} commands use all ids that there are")
            while self._last_id in used:
                self._last_id = self._last_id % self._largest_id + 1
        return self._last_id

    def claim_id(self, id: int) -> int:
        """
        Return an id that the program has chosen.

        Raises:
            NotSent: a command with this id is not settled.
        """
        if id in self._under_way or any(call.id == id for call in self._waiting):
            raise NotSent(f"the id {id} is that of a command under way: give each command another id")
        return id

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

    def begin(self, now: float, is_quiet: Callable[[], bool] | None = None) -> list[Call]:
        """
        Return the commands that may be written now. They count as written, and the driver must write them.

        The driver settles a command without a reply when it is written.

        Args:
            now: the time.
            is_quiet: called before a command is written. It returns False if something that was received
                is not read yet; then nothing is written.
        """
        if self._replied is not None:
            self._note_reply(self._replied, now)
        begun: list[Call] = []
        waiting, under_way = self._waiting, self._under_way
        if not waiting or len(under_way) >= self._depth or self._over is not None:
            return begun
        if self._pauses(now) or (is_quiet is not None and not is_quiet()):
            return begun
        while waiting and len(under_way) < self._depth:
            call = waiting.pop(0)
            begun.append(call)
            if call.answers is not None:
                call.due = now + call.timeout
                under_way[call.id] = call
            elif self._quiet:
                self._silent_since = now
                break
        return begun

    def _note_reply(self, call: Call, now: float) -> None:
        """Note when a reply came, and how long the longest one took."""
        self._replied, self._silent_since = None, now
        took = now - (call.due - call.timeout)
        if took > self._longest_reply:
            self._longest_reply = took
            self._pause = min(1.25 * took + 0.001, LONGEST_PAUSE)
            self._longest_flow = max(PAUSE_INTERVAL, self._pause / PAUSE_SHARE)
        if call.doubtful:
            doubt = min(max(call.timeout / 2, LEAST_DOUBT), LONGEST_DOUBT)
            self._silent_since = now + max(doubt - self._quiet, 0.0)

    def _pauses(self, now: float) -> bool:
        """Return True if no command may be written before :attr:`paused_until`."""
        until = self._silent_since + self._quiet
        if not self._by_id:
            silent_until = self._silent_since + self._pause
            if now >= silent_until and not self._under_way:
                self._flow_began = now  # the reply to a command before would have shown as surplus
            elif now - self._flow_began >= self._longest_flow:
                until = max(until, silent_until) if not self._under_way else inf
        paused = now < until
        self.paused_until = until if paused else inf
        return paused

    def take(self, body: Any, id: Any = None, frame: bytes = b"") -> tuple[Call, Any] | None:
        """
        Find the command that an answer belongs to, and read the answer.

        Args:
            body: the answer, as the dialect read it.
            id: the id that the answer carries.
            frame: the frame that carried the answer.

        Returns:
            The call and its outcome, for :meth:`settle` or :meth:`keep`: a result, ``MORE``, a Fault or a
            BadReply. None if the answer belongs to no command: if it is not an event either, call
            :meth:`surplus`.
        """
        if self._over is not None:
            return None
        self.overdue_since_answer = False
        if self._by_id:
            call = self._under_way.get(id) if type(id) is int else self._oldest_without_id(body)
        else:
            call = next(iter(self._under_way.values()), None)
        if call is None or call.answers is None:
            return None
        try:
            return call, call.answers.take(frame if call.answers.wants_frames else body)
        except Fault as fault:
            return call, fault
        except CodecError as error:
            return call, BadReply(f"the reply makes no sense: {error}")

    def _oldest_without_id(self, body: Any) -> Call | None:
        """
        Return the oldest call whose reply has no id, where other replies have one.

        Of several, it is the oldest one that the answer does not name another command than.
        """
        calls = [call for call in self._under_way.values() if _is_without_id(call)]
        if len(calls) > 1:
            calls = [call for call in calls if not self._is_of_another(call, body)] or calls
        return calls[0] if calls else None

    def settle(self, call: Call, outcome: Any, frame: bytes = b"", body: Any = None) -> None:
        """
        Settle a call with an outcome that :meth:`take` returned for a frame that came alone. ``MORE``
        leaves it under way.

        Args:
            call: the call.
            outcome: its outcome.
            frame: the frame that carried it, to quote it.
            body: the answer in the frame, as the dialect read it.
        """
        if isinstance(outcome, BadReply):
            self._settle_badly(call, str(outcome), frame, takes_place=self._takes_place(call, body))
        elif outcome is not MORE:
            self._settle(call, outcome)

    def _takes_place(self, call: Call, body: Any) -> bool:
        """Return True if a frame that came alone can only have taken the place of the reply to a call."""
        answers = call.answers
        is_only_one = len(self._under_way) == 1 and answers is not None and answers.is_one_frame
        return is_only_one and not self._is_alien(call, body)

    def _settle_badly(self, call: Call, reason: str, frame: bytes, *, takes_place: bool) -> None:
        outcome = BadReply(f"{reason} ({brief_bytes(frame)} came)", frame)
        if takes_place and not self._by_id:
            call.doubtful = True
            self._settle(call, outcome)
        else:
            what = f"is not the reply to {call.name}" if call.name else "is not the reply"
            self._settle(call, outcome, broken=self._out_of_order(frame, what))

    def keep(self, call: Call, outcome: Any, frame: bytes = b"") -> bool:
        """
        Keep an outcome until the other frames that came with it are taken, too, instead of settling it.

        Returns:
            True if it was kept: then call :meth:`give`. False if there is nothing to give.
        """
        if isinstance(outcome, BadReply):
            self._settle_badly(call, str(outcome), frame, takes_place=False)
            return False
        if outcome is MORE:
            return False
        del self._under_way[call.id]
        self._kept[call], self._replied = outcome, call
        return True

    def keep_all(self, bodies: Sequence[Any]) -> list[Call] | None:
        """
        Keep the outcomes of the oldest commands if these answers, in order, are good replies to them.

        Returns:
            The commands: call :meth:`give` with each. None, and nothing is changed, in every other case.
        """
        if self._by_id or self._over is not None or len(bodies) > len(self._under_way):
            return None
        calls, outcomes = [*islice(self._under_way.values(), len(bodies))], []
        try:
            for call, body in zip(calls, bodies, strict=True):
                answers: Any = call.answers
                outcomes.append(answers.whole(body))
        except Exception:
            return None  # a reader cannot read it, or reads no whole replies
        for call, outcome in zip(calls, outcomes, strict=True):
            del self._under_way[call.id]
            self._kept[call] = outcome
        self._replied = calls[-1]
        return calls

    def give(self, call: Call) -> None:
        """Settle a call with the outcome that was kept, unless the session was broken meanwhile."""
        if call in self._kept:
            call.settle(self._kept.pop(call))

    def surplus(self, frame: bytes) -> None:
        """Note a frame that answers no command and is not an event. Without ids it breaks the session."""
        if self._over is None:
            self.stray_replies += 1
            self._break(self._out_of_order(frame, "came, but no command waits for a reply"))

    def unreadable_reply(self, reason: str, frame: bytes = b"", *, is_alone: bool = True) -> None:
        """
        Note a frame that is neither an answer nor an event. Without ids, it is the reply to the oldest
        command, or surplus.

        Args:
            reason: why it cannot be read.
            frame: the frame.
            is_alone: False if other frames came together with it.
        """
        call = next(iter(self._under_way.values()), None)
        if self._by_id:
            return
        if call is None:
            self.surplus(frame)
        else:
            self._settle_badly(call, reason, frame, takes_place=is_alone and self._takes_place(call, None))

    def _out_of_order(self, frame: bytes, what: str) -> str:
        """Return the reason for a session that a frame broke."""
        return f"{brief_bytes(frame)} {what}: later replies could answer the wrong command; {self._remedy}"

    def cancel(self, call: Call) -> None:
        """Forget a command that nobody waits for any more. It is not settled."""
        if call in self._waiting:
            self._waiting.remove(call)
        elif call in self._kept:
            del self._kept[call]
        elif self._under_way.pop(call.id, None) is not None:
            self._break("a command was cancelled: its reply must not answer the next one", call)

    def dropped(self, what: str, now: float, id: Any = MISSING) -> None:
        """
        Describe something that came and answered nothing, to quote it to a command that is overdue.

        Args:
            what: the words of that error.
            now: the time.
            id: the id of an answer, to follow the words.
        """
        self._dropped = _Dropped(now, what, id)

    def _came_instead(self, call: Call, partial: str) -> str:
        """Return the end of an error text about something that came in place of a reply, or nothing."""
        if partial:
            return f": {partial}"
        last = self._dropped
        if last is None or last.time < call.due - call.timeout:
            return ""
        return f"; {last.text_for(call)}"

    def tick(self, now: float, partial: str = "", unread_until: float = -inf) -> None:
        """
        Settle overdue calls.

        Args:
            now: the time.
            partial: a description of an incomplete reply that came; empty if none did.
            unread_until: the time at which to look again for a silence, because something that was received
                is not read yet.
        """
        for call in [each for each in self._under_way.values() if each.due <= now]:
            if call.answers is not None and call.answers.silence_is_success:
                self._succeed_by_silence(call, now, unread_until)
                continue
            since = f" after {call.interim}" if call.interim else ""
            since += self._came_instead(call, partial)
            self.overdue_since_answer = True
            self._settle(
                call,
                ReplyTimeout(f"no {call.awaited} within {call.timeout:g} s{since}"),
                broken="a reply did not come in time: a late one must not answer the next command",
            )
        for call in [each for each in self._waiting if each.due <= now]:
            if call in self._waiting and not self._waits_on(call):  # the session may have ended meanwhile
                self._waiting.remove(call)
                call.settle(NotSent(f"its turn did not come within {call.patience:g} s"))

    def _waits_on(self, call: Call) -> bool:
        """Give a command whose first answer must come soon, once, more time until its turn."""
        if call.answers is None or not call.answers.is_hasty or call.is_patient:
            return False
        call.due += max(LEAST_PATIENCE - call.timeout, 0.0)
        call.is_patient = True
        return True

    def _succeed_by_silence(self, call: Call, now: float, unread_until: float) -> None:
        if unread_until > now:
            call.due = unread_until
        elif self._under_way.pop(call.id, None) is not None:
            self._silent_since = max(self._silent_since, call.due - call.timeout)
            call.settle(None)

    def begin_anew(self, interim: str, timeout_of: Callable[[Call], float | None], now: float) -> None:
        """
        Begin the timeouts anew of the commands that an interim reply belongs to.

        Args:
            interim: the interim reply, in words.
            timeout_of: returns the timeout that it gives to a call, or None if it does not belong to it.
            now: the time.
        """
        is_first = True
        for call in self._under_way.values():
            timeout = timeout_of(call) if is_first or self._by_id else None
            if timeout is not None:
                call.timeout, call.due, call.interim = timeout, now + timeout, interim
            elif is_first and not self._by_id:
                return  # it is an event
            elif not self._by_id:
                call.due = max(call.due, now + call.timeout)
            is_first = False

    def end(self, reason: str) -> None:
        """End the session: settle every call that is under way or waits."""
        if self._over is None:
            self._over = reason
        self._doubt()
        under_way, self._under_way = self._under_way, {}
        waiting, self._waiting = self._waiting, []
        for call in under_way.values():
            came = self._came_instead(call, "")
            call.settle(OutcomeUnknown(f"the command was written, then the session ended: {reason}{came}"))
        for call in waiting:
            call.settle(NotSent(f"the session ended before its turn: {reason}"))

    def _settle(self, call: Call, outcome: Any, *, broken: str | None = None) -> None:
        if self._under_way.pop(call.id, None) is None:
            return  # settling another call has ended the session
        self._replied = call
        if broken is not None:
            self._break(broken, call)
        call.settle(outcome)

    def _break(self, reason: str, call: Call | None = None) -> None:
        """Break the session if replies carry no ids, because their order is no longer known."""
        is_by_id = self._by_id and not (call is not None and _is_without_id(call))
        if not is_by_id and self._over is None:
            self._over = reason
            self._broken(reason)
            self._doubt()

    def _doubt(self) -> None:
        """Settle the calls with a kept outcome as unknown: the outcome may belong to another command."""
        kept, self._kept = self._kept, {}
        for call in kept:
            call.settle(OutcomeUnknown(f"its reply is in doubt: {self._over}"))


def _is_without_id(call: Call) -> bool:
    return call.answers is not None and call.answers.is_without_id
