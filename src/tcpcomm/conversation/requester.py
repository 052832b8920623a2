"""Ask commands on one session: :class:`Requester`, an :class:`Exchange` with a clock and a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tcpcomm.codec.base import MISSING, Event, ReplyReader, Request, SilenceReader, TwoRequests
from tcpcomm.conversation.call import Call
from tcpcomm.conversation.exchange import Exchange
from tcpcomm.conversation.header import SessionHeader
from tcpcomm.conversation.observed import ObservedCommand, send_described, send_message
from tcpcomm.conversation.raw_reply import ANY_FRAME, Phases
from tcpcomm.conversation.reply import Reply
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.interim import new_timeout
from tcpcomm.equipment.messages import Command
from tcpcomm.errors import CodecError, EncodeError, NotReady, NotSent, OutcomeUnknown
from tcpcomm.framing import Framing
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.runtime.socket_options import acknowledger_of
from tcpcomm.runtime.timer import DeadlineTimer
from tcpcomm.runtime.unread_input import unread_input_of
from tcpcomm.session.observer import MessageKind, masked
from tcpcomm.session.protocol import FrameProtocol

LOOK_AGAIN: Final = 0.005
"""Seconds until a command looks again whether all that was received is read."""

PATIENCE: Final = 0.1
"""
Seconds that a command waits for a moment without events, if replies carry no ids and events are declared.
Then it is written all the same.
"""

_CUT_SHORT: Final = "the session ended while the command was written: the peer does not read"

_REMEDY: Final = "if the equipment sends such frames by itself, declare them with @event"
_LINK_REMEDY: Final = "if the peer sends such frames by itself, give the Link received="


class Requester:
    """
    Asks commands on one session, and gives each its answer.

    Args:
        session: the session, which is ready.
        clock: the clock for timeouts.
        drop: must end the session at once, with the reason that it gets, and call :meth:`end` meanwhile.
        declaration: the commands that may be asked, and how many at once; None: only frames are asked, one
            at a time.
        quiet: seconds of silence to keep after each reply, if nothing is declared.
        has_events: True if frames may come unasked, if nothing is declared.
        header: the values that headers carry on all sessions of a link, if the codec has such values.
    """

    __slots__ = (
        "_acknowledge",
        "_clock",
        "_commands",
        "_dialect",
        "_exchange",
        "_framing",
        "_has_events",
        "_heartbeat",
        "_id_parameters",
        "_is_quiet",
        "_later",
        "_look_again",
        "_next_due",
        "_replied",
        "_timer",
        "_unquiet_since",
        "_unread",
        "header",
        "session",
    )

    def __init__(
        self,
        session: FrameProtocol,
        clock: IReactorTime,
        drop: Callable[[str], None],
        declaration: Declaration | None = None,
        *,
        quiet: float = 0.0,
        has_events: bool = False,
        header: dict[str, Any] | None = None,
    ) -> None:
        self.session = session
        self.header: SessionHeader | None = None
        self._framing = session.send_framing
        self._heartbeat: str | None = None
        self._has_events = has_events
        self._id_parameters: Mapping[str, str] | None = None
        if declaration is None:
            self._exchange = Exchange(by_id=False, broken=drop, quiet=quiet, remedy=_LINK_REMEDY)
        else:
            self._dialect = dialect = declaration.dialect
            if dialect.header_values:
                self.header = SessionHeader({} if header is None else header)
            self._id_parameters = dialect.id_parameters or None
            self._exchange = Exchange(
                by_id=dialect.by_id,
                chooses_ids=bool(dialect.id_parameters),
                broken=drop,
                depth=declaration.pipeline,
                largest_id=0 if dialect.id_parameters else dialect.largest_id,
                quiet=declaration.quiet,
                is_alien=self._is_alien,
                is_of_another=lambda call, body: dialect.answers_another(call.name, body),
                remedy=_REMEDY,
            )
            self._commands = declaration.commands
            self._heartbeat = declaration.heartbeat
            self._has_events = bool(declaration.events)
        by_id = declaration is not None and declaration.dialect.by_id
        self._is_quiet = None if by_id else self._all_is_read
        self._unread = unread_input_of(session.transport)
        self._acknowledge = None if by_id else acknowledger_of(session.transport)
        self._replied = False  # a reply came, and no command was written since
        self._unquiet_since: float | None = None
        self._look_again: IDelayedCall | None = None
        self._later: list[Callable[[], object]] | None = None  # what waits for the end of a batch
        self._clock = clock
        self._timer = DeadlineTimer(clock, _deadlines, self)
        self._next_due = inf  # the timer rings no later; it need not be told of later deadlines

    @property
    def excuses_silence(self) -> bool:
        """True if a command is under way or waiting, and no reply is overdue since the last answer."""
        return not (self._exchange.idle or self._exchange.overdue_since_answer)

    @property
    def awaits_answer(self) -> bool:
        """True if a command is under way."""
        return self._exchange.awaits_answer

    @property
    def awaits_frame(self) -> bool:
        """True if the next answer is taken as a frame, whatever it holds."""
        return self._exchange.awaits_frame

    def ask(
        self,
        command: Command,
        values: dict[str, Any],
        *,
        answers: ReplyReader | None = None,
        timeout: float | None = None,
        is_heartbeat: bool = False,
    ) -> Deferred[Any]:
        """
        Ask a declared command.

        Args:
            command: the command.
            values: a value for every parameter.
            answers: reads the reply, in place of the declared reader.
            timeout: seconds that the peer has for its reply, in place of the declared ones. They begin when
                the command is written. It may wait as long for its turn.
            is_heartbeat: True if the link asks to see if the peer is alive, and not the program.

        Returns:
            A Deferred of the result. It fails with NotReady if the session is over, with the errors that
            :mod:`tcpcomm.conversation.exchange` lists, with Fault, or with CodecError or EncodeError if the
            command cannot be written. Cancelling it after the command was written drops the session if
            replies come in order, because its reply would answer the next command.
        """
        name, dialect = command.name, self._dialect
        try:
            if self._id_parameters is None:
                number = self._exchange.new_id()
            else:
                number = self._chosen_id(self._id_parameters.get(name), values)
            if self.header is None:
                frame = dialect.request(name, values, number)
            else:
                frame, reader = self.header.ask(dialect, command, values, number)
                answers = answers or reader
        except (NotSent, CodecError):
            return fail()
        if answers is None:
            by_request = dialect.reads_by_request
            answers = dialect.reader_for(name, values) if by_request else dialect.reply_reader(name)
        if timeout is None:
            timeout = command.timeout
        return self._ask(number, frame, answers, timeout, name=name, values=values, beat=is_heartbeat)

    def _chosen_id(self, parameter: str | None, values: dict[str, Any]) -> int:
        """Return the id of a command, which may be one of its parameters."""
        chosen = None if parameter is None else values[parameter]
        if type(chosen) is not int:  # the dialect refuses it, if it is that of a command
            return self._exchange.new_id()
        return self._exchange.claim_id(chosen)

    def ask_frame(
        self, frame: bytes, answers: ReplyReader | None, timeout: float, *, doubtful: bool = False
    ) -> Deferred[Any]:
        """
        Ask a frame that is not declared, as :meth:`ask` does.

        Args:
            frame: the frame.
            answers: reads the reply; None if none is awaited.
            timeout: seconds that the peer has for its reply.
            doubtful: True if more frames may come than those that ``answers`` takes.
        """
        try:
            number = self._exchange.new_id()
        except NotSent:
            return fail()
        return self._ask(number, frame, answers, timeout, name="", values={}, doubtful=doubtful)

    def _ask(
        self,
        number: int,
        frame: bytes,
        answers: ReplyReader | None,
        timeout: float,
        *,
        name: str,
        values: dict[str, Any],
        doubtful: bool = False,
        beat: bool = False,
    ) -> Deferred[Any]:
        session, framing = self.session, self._framing
        try:
            if session.reason is not None:
                raise NotReady(f"the session is over: {session.reason}")
            written: Sequence[bytes]
            written = (framing.encode(frame),) if len(frame) < LARGE else framing.encode_large(frame)
            result = Reply(self._cancelled)
            call = Call(number, frame, written, answers, timeout, result.settle, name, values, doubtful)
            call.is_heartbeat = beat
            result.call = call
            self._exchange.ask(call, self._clock.seconds())
        except (NotSent, EncodeError):
            return fail()
        if call.due < self._next_due:
            self._next_due = call.due
            self._timer.expect(call.due)
        self._write()
        return result

    def say_goodbye(self, declaration: Declaration) -> None:
        """Send the command that announces the end of the session, if one is declared and allowed now."""
        name, session = declaration.goodbye, self.session
        if name is None or session.reason is not None or session.input_ended:
            return
        rule = declaration.commands[name].states
        if rule is None or rule.allows(session.states):
            frame = self._dialect.request(name, {}, self._exchange.new_id())
            send_message(session, MessageKind.COMMAND, frame, name=name, values={})

    def answer(self, body: Any, id: Any = None, frame: bytes = b"") -> bool:
        """Give an answer to the command that it belongs to. Return False if it belongs to none."""
        found = self._exchange.take(body, id, frame)
        if found is None:
            return False
        call, outcome = found
        self._replied = True
        if self.session.observers.message is not None:
            self._report_answer(call, outcome, frame)
        if self._later is None:
            self._exchange.settle(call, outcome, self._shown(frame), body)
            self._write()
        elif self._exchange.keep(call, outcome, self._shown(frame)):
            self._later.append(partial(self._exchange.give, call))
        return True

    def answer_all(self, bodies: Sequence[Any]) -> bool:
        """
        Give answers that came together to the oldest commands, if all of them are good replies.

        Returns:
            False, and nothing is done, in every other case.
        """
        calls = self._exchange.keep_all(bodies)
        if calls is None:
            return False
        self._replied = True
        if len(calls) == 1:
            self._exchange.give(calls[0])
            self._write()
        else:
            self._later = [partial(self._exchange.give, call) for call in calls]
            self.release()
        return True

    def _is_alien(self, call: Call, body: Any) -> bool:
        """Return True if an answer cannot have taken the place of the reply to a call."""
        if call.name == self._heartbeat:
            return True  # equipment that does not know its heartbeat needs a new session
        return body is not None and self._dialect.answers_another(call.name, body)

    def in_order(self, function: Callable[[], object]) -> None:
        """Call a function after the answers that came before it in the same batch, or else at once."""
        if self._later:
            self._later.append(function)
        else:
            function()

    def begin_anew(self, event: Event) -> None:
        """Begin the timeouts of the commands anew to which an event is an interim reply."""

        def timeout_of(call: Call) -> float | None:
            command = self._commands.get(call.name)
            if command is None or event.name not in command.interim:
                return None
            return new_timeout(command.interim, event.name, event.values) or command.timeout

        self._exchange.begin_anew(f"the last {event.name}", timeout_of, self._clock.seconds())
        self._expect_deadline()

    def _expect_deadline(self) -> None:
        """Have the timer ring for the next deadline, which may be earlier than before."""
        due = self._exchange.deadline
        if due < self._next_due:
            self._next_due = due
            self._timer.expect(due)

    def dropped(self, what: str, id: Any = MISSING) -> None:
        """Describe something that came and answered nothing, to quote it to a command that is overdue."""
        self._exchange.dropped(what, self._clock.seconds(), id)

    def surplus(self, frame: bytes) -> None:
        """Note a frame that answers no command and is not an event."""
        self._exchange.surplus(self._shown(frame))

    def unreadable_reply(self, reason: str, frame: bytes = b"") -> None:
        """Note a frame that is neither an answer nor an event."""
        self._exchange.unreadable_reply(reason, self._shown(frame), is_alone=self._later is None)
        self._write()

    def _shown(self, frame: bytes) -> bytes:
        """Return a frame as a reason may quote it."""
        return masked(frame) if self.session.keeps_secret else frame

    def hold(self, frames: int) -> None:
        """
        Give no answer and write no command until :meth:`release`, while frames that came together are read.

        None of those frames can answer what is asked meanwhile. Without ids, one frame too many makes all
        their answers doubtful.

        Args:
            frames: the number of the frames.
        """
        if frames > 1 and self._is_quiet is not None:
            self._later = []

    def release(self) -> None:
        """Give the answers that came since :meth:`hold`, and write the commands that waited."""
        later, self._later = self._later, None
        for each in later or ():
            each()
        self._write()

    def end(self, reason: str) -> None:
        """Settle every call, because the session is over."""
        self._timer.cancel()
        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        self._exchange.end(reason)

    def _write(self) -> None:
        session = self.session
        if self._later is not None or session.reason is not None:
            self._exchange.paused_until = inf  # otherwise the timer would fire again and again
            return  # calls that wait are settled when the session is over, which is soon
        if not self._exchange.has_news:
            self._stay_silent()
            return
        now = self._clock.seconds()
        calls = self._exchange.begin(now, self._is_quiet)
        if not calls:
            self._stay_silent()
            return
        self._replied = False
        if len(calls) == 1:
            parts, frames = calls[0].written, [calls[0].frame]
        else:
            parts = [part for call in calls for part in call.written]
            frames = [call.frame for call in calls]
            if sum(map(len, parts)) < LARGE:
                parts = [b"".join(parts)]
        if session.observers.message is None:
            session.send_framed(parts, frames)
        else:
            send_described(session, session.send_framed, parts, frames)
            for call in calls:
                call.observed = self._observed(call, now).report()
        for call in calls:
            if call.answers is None:
                call.settle(None if session.reason is None else OutcomeUnknown(_CUT_SHORT))

    def _stay_silent(self) -> None:
        """
        Set the timer for the end of a pause, and let a surplus frame behind a reply come at once.

        A peer with Nagle's algorithm keeps that frame back until the reply is acknowledged. The next
        command would acknowledge it, and get the frame as its answer.
        """
        if self._exchange.paused_until < self._next_due:
            self._next_due = self._exchange.paused_until
            self._timer.expect(self._next_due)
        if self._replied:
            self._replied = False
            if self._acknowledge is not None:
                self._acknowledge()

    def _all_is_read(self) -> bool:
        """
        Return True if nothing that was received waits to be read: a command may be written.

        Something that waits may be a surplus frame. It must be read before, because it would look like the
        reply. A peer that sends events without a pause cannot delay a command for longer than PATIENCE, and
        than the work at what has come.
        """
        session, unread = self.session, self._unread
        is_at_work = session.has_backlog and (session.waits_turn or not session.is_held)
        waits = is_at_work or session.is_held or session.frame_began_at is not None
        if not (waits or (unread is not None and unread())):
            self._unquiet_since = None
            return True
        now = self._clock.seconds()
        if self._unquiet_since is None:
            self._unquiet_since = now
        elif self._has_events and now - self._unquiet_since >= PATIENCE and not is_at_work:
            self._unquiet_since = None
            return True
        if self._look_again is None:  # a frame that is complete releases the command earlier
            self._look_again = self._clock.callLater(LOOK_AGAIN, self._looks_again)
        return False

    def _looks_again(self) -> None:
        self._look_again = None
        self._write()
        if self._look_again is None:  # nothing waits any more
            self._unquiet_since = None

    def _cancelled(self, reply: Any) -> None:
        self._exchange.cancel(reply.call)
        self._write()

    def _tick(self) -> None:
        self._next_due = inf
        now = self._clock.seconds()
        unread_until = -inf if self._all_is_read() else now + LOOK_AGAIN
        self._exchange.tick(now, self.session.unfinished, unread_until)
        self._write()

    def _observed(self, call: Call, now: float) -> ObservedCommand:
        asked = Request(call.name, call.values)
        heartbeat = call.name if call.is_heartbeat else None
        return ObservedCommand.of(self.session, asked, call.frame, heartbeat, now, sent=True)

    def _report_answer(self, call: Call, outcome: Any, frame: bytes) -> None:
        observed = call.observed or self._observed(call, call.due - call.timeout)
        if call.answers is ANY_FRAME and call.name:
            outcome = None  # the answer to a heartbeat may be anything
        observed.answered([frame], outcome, self._clock.seconds())


class VersatileRequester(Requester):
    """
    Asks commands with reply framings, too: while one is under way, the session reads by its framing. And
    commands with a time for their acknowledgement: behind it their timeout begins.
    """

    __slots__ = ("_acknowledged", "_framings", "_in_use", "_timeouts", "_usual")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        declaration: Declaration = args[3]
        self._framings = declaration.reply_framings
        self._in_use: Framing | None = None
        self._usual: Any = None  # the decoder that reads while no such command is under way
        self._acknowledged: ReplyReader | None = None  # the last command that was acknowledged
        self._timeouts: dict[str, float] = {}

    def ask(
        self,
        command: Command,
        values: dict[str, Any],
        *,
        answers: ReplyReader | None = None,
        timeout: float | None = None,
        is_heartbeat: bool = False,
    ) -> Deferred[Any]:
        if command.is_silent and answers is None:
            reader = self._dialect.reply_reader(command.name)
            assert reader is not None
            answers = reader if reader.silence_is_success else SilenceReader(reader)
        within = command.acknowledged_within
        if within is not None and answers is None:
            self._timeouts[command.name] = command.timeout if timeout is None else timeout
            timeout = within
        return super().ask(command, values, answers=answers, timeout=timeout, is_heartbeat=is_heartbeat)

    def answer(self, body: Any, id: Any = None, frame: bytes = b"") -> bool:
        found = super().answer(body, id, frame)
        reader = self._exchange.oldest_reader
        if reader is not None and reader.is_acknowledged and reader is not self._acknowledged:
            self._acknowledged = reader
            now = self._clock.seconds()
            self._exchange.begin_anew(
                "its acknowledgement", lambda call: self._timeouts.get(call.name), now
            )
            self._expect_deadline()
        return found

    def _write(self) -> None:
        super()._write()
        framing = self._framings.get(self._exchange.oldest_name)
        if framing is self._in_use:
            return
        replaced = self.session.read_by(self._usual if framing is None else framing.decoder())
        if self._in_use is None:
            self._usual = replaced
        self._in_use = framing
        if replaced.buffered:  # behind the reply, less than a frame of its framing
            has_pieces = any(stage.pending for stage in replaced.piece_decoders)
            self.surplus(b"" if has_pieces else replaced.trailing)


class PhasedRequester(VersatileRequester):
    """Asks commands with two requests, too: it sends the second one when the first is answered."""

    __slots__ = ()

    def ask(
        self,
        command: Command,
        values: dict[str, Any],
        *,
        answers: ReplyReader | None = None,
        timeout: float | None = None,
        is_heartbeat: bool = False,
    ) -> Deferred[Any]:
        try:
            two = self._dialect.two_requests(command.name, values)
            if two is None:
                beat = is_heartbeat
                return super().ask(command, values, answers=answers, timeout=timeout, is_heartbeat=beat)
            self._framing.encode(two.second)  # raises if it could not be sent later
            number = self._exchange.new_id()
        except (NotSent, CodecError, EncodeError):
            return fail()
        timeout = command.timeout if timeout is None else timeout
        return self._ask(
            number, two.first, Phases(two), timeout, name=command.name, values=values, beat=is_heartbeat
        )

    def answer(self, body: Any, id: Any = None, frame: bytes = b"") -> bool:
        found = super().answer(body, id, frame)
        reader = self._exchange.oldest_reader
        if isinstance(reader, Phases) and reader.two.reader.wants_second:
            if self._later is None:
                self._send_second(reader.two)
            else:
                self._later.append(partial(self._send_second, reader.two))
        return found

    def _send_second(self, two: TwoRequests) -> None:
        session = self.session
        if session.reason is not None or not two.reader.wants_second:
            return
        two.reader.second_is_sent()
        now = self._clock.seconds()
        self._exchange.begin_anew("the answer to its first request", lambda call: call.timeout, now)
        send_message(session, MessageKind.PART, two.second)


def requester_for(
    session: FrameProtocol,
    clock: IReactorTime,
    drop: Callable[[str], None],
    declaration: Declaration | None,
    **options: Any,
) -> Requester:
    """Return the requester of a session. The arguments are those of :class:`Requester`."""
    kind: type[Requester] = Requester
    if declaration is not None and declaration.dialect.first_requests:
        kind = PhasedRequester
    elif declaration is not None and declaration.has_special_replies:
        kind = VersatileRequester
    return kind(session, clock, drop, declaration, **options)


def _deadlines(requester: Requester) -> list[tuple[float, Callable[[Requester], None]]]:
    requester._next_due = due = requester._exchange.deadline
    return [(due, Requester._tick)]
