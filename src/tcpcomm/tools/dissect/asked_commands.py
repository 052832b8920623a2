"""
Commands that one side of an overheard connection asks, and their answers: :class:`AskedCommands`.

A session that asks can end when an answer is in doubt. A listener cannot, so it must find its place again.
An answer goes to the command with its id. Without ids it goes to the oldest command whose reply it can be:
the commands before that one were not answered, and are forgotten. A command is also forgotten if its
timeout is over when the next one is asked, because its asker has given it up then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import define, field

from tcpcomm.codec.base import MORE, Answer, Asked, Event, Refusal, ReplyReader, Request, SilenceReader
from tcpcomm.conversation.observed import ObservedCommand
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import BadReply, CodecError, Fault
from tcpcomm.framing import Framing
from tcpcomm.session.observer import MessageKind, ObservedSession, report_message

MOST_PENDING: Final = 1024
"""Commands of one overheard connection that wait for their answers. The oldest one is forgotten."""

_MOST_TRIED: Final = 8
_NO_COMMANDS_TIMEOUT: Final = 5.0
_STRAY: Final = "it answers no command: it is late, or nobody asked"


class _AnyFault(ReplyReader):
    """
    Reads the fault that answers a frame which is not a declared request.

    Args:
        declaration: any of its commands may tell the form of the fault.
    """

    is_one_frame = True

    def __init__(self, declaration: Declaration) -> None:
        self._declaration = declaration

    def take(self, body: Any) -> Any:
        dialect = self._declaration.dialect
        for name in self._declaration.commands:
            reader = dialect.reply_reader(name)
            try:
                if reader is not None:
                    reader.take(body)
            except CodecError:
                continue
        raise CodecError("it is not a fault, which alone can answer a frame that is not a request")


@define(eq=False)
class _Pending:
    """A command that is not answered yet."""

    name: str
    id: Any
    reader: ReplyReader
    observed: ObservedCommand
    timeout: float
    due: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.begin_anew(self.observed.time)

    def begin_anew(self, now: float) -> None:
        self.due = now + self.timeout

    def read(self, body: Any, frame: bytes) -> Any:
        """Return the outcome of an answer. Raises CodecError if it cannot be the answer."""
        try:
            return self.reader.take(frame if self.reader.wants_frames else body)
        except Fault as fault:
            return fault


class AskedCommands:
    """
    The commands that one side asks of the other, and the answers and events of the other side.

    Args:
        session: gets the messages, for its observers.
        declaration: what the answering side declares.
        sent: True if the commands go in the direction of the session's sent bytes.
    """

    def __init__(self, session: ObservedSession, declaration: Declaration, *, sent: bool) -> None:
        self._session = session
        self._declaration = declaration
        self._dialect = declaration.dialect
        self._sent = sent
        self._pending: list[_Pending] = []
        self._any_fault = _AnyFault(declaration)
        self.read = self._dialect.session_reader()
        """Return the request in a frame, or a Refusal. The frames must come in order."""
        longest = max((each.timeout for each in declaration.commands.values()), default=0.0)
        self._longest_timeout = longest or _NO_COMMANDS_TIMEOUT
        self._heartbeat_reply = self._heartbeat_reply_of(declaration)

    @staticmethod
    def _heartbeat_reply_of(declaration: Declaration) -> bytes | None:
        """Return the reply to the heartbeat that may come out of order, or None."""
        name = declaration.heartbeat
        if name is None or not declaration.heartbeat_while_busy or declaration.dialect.by_id:
            return None
        return declaration.dialect.reply(Request(name, {}), None)[0]

    @property
    def is_awaiting(self) -> bool:
        """True if a command is not answered yet."""
        return bool(self._pending)

    @property
    def reply_framing(self) -> Framing | None:
        """The framing of the next reply, or None if it is that of all replies."""
        command = self._declaration.commands.get(self._pending[0].name) if self._pending else None
        return None if command is None else command.reply_framing

    def knows_answer(self, frame: bytes) -> bool:
        """Return True if the other side may have sent this frame, as an answer or an event."""
        try:
            return bool(self._dialect.read_at_host(frame))
        except CodecError:
            return False

    def take(self, asked: Asked, frame: bytes, now: float) -> None:
        """Take the requests in a frame of the asking side."""
        self._forget_overdue(now)
        for each in asked.requests:
            self._take_one(each, frame, now)

    def _take_one(self, asked: Request | Refusal, frame: bytes, now: float) -> None:
        heartbeat = self._declaration.heartbeat
        observed = ObservedCommand.of(self._session, asked, frame, heartbeat, now, sent=self._sent).report()
        if not asked.wants_reply:
            return
        name, command = asked.name or "", self._declaration.commands.get(asked.name or "")
        id, reader = None, self._reader(asked)
        if isinstance(asked, Request):
            id = self._dialect.answer_id(asked)
        elif self._dialect.by_id or not self._dialect.has_faults:
            return
        if reader is None:
            return
        timeout = self._longest_timeout if command is None else command.timeout
        self._pending.append(_Pending(name, id, reader, observed, timeout))
        del self._pending[:-MOST_PENDING]

    def _reader(self, asked: Request | Refusal) -> ReplyReader | None:
        if asked.name is None:
            return self._any_fault
        command = self._declaration.commands.get(asked.name)
        if isinstance(asked, Request) and self._dialect.reads_by_request:
            reader = self._dialect.reader_for(asked.name, asked.values)
        else:
            reader = self._dialect.reply_reader(asked.name)
        if reader is not None and command is not None and command.is_silent:
            return reader if reader.silence_is_success else SilenceReader(reader)
        return reader

    def _forget_overdue(self, now: float) -> None:
        if any(each.due < now for each in self._pending):
            self._pending = [each for each in self._pending if each.due >= now]

    def take_answer(self, frame: bytes, now: float) -> None:
        """Take a frame of the answering side: answers, or events."""
        if frame == self._heartbeat_reply and self._take_heartbeat(frame, now):
            return
        try:
            arrivals: Sequence[Event | Answer] = self._dialect.read_at_host(frame)
        except CodecError as error:
            oldest = None if self._dialect.by_id else next(iter(self._pending), None)
            if oldest is not None and oldest.reader.wants_frames:
                self._answer(Answer(None), frame, now)
                return
            if oldest is not None:
                self._pending.remove(oldest)
            self._report(MessageKind.UNREADABLE, frame, problem=str(error))
            return
        for each in arrivals:
            if isinstance(each, Event):
                self._take_event(each, frame, now)
            else:
                self._answer(each, frame, now)

    def _take_heartbeat(self, frame: bytes, now: float) -> bool:
        for each in self._pending:
            if each.name == self._declaration.heartbeat:
                self._pending.remove(each)
                each.observed.answered([frame], None, now)
                return True
        return False

    def _take_event(self, event: Event, frame: bytes, now: float) -> None:
        self._report(MessageKind.EVENT, frame, name=event.name, values=event.values)
        if event.name in self._declaration.interim_events:
            for each in self._pending:
                each.begin_anew(now)

    def _answer(self, answer: Answer, frame: bytes, now: float) -> None:
        candidates = self._candidates(answer)
        problem: CodecError | None = None
        for each in candidates[:_MOST_TRIED]:
            try:
                outcome = each.read(answer.body, frame)
            except CodecError as error:
                problem = problem or error
                continue
            if not self._dialect.by_id:
                del self._pending[: self._pending.index(each)]
            if outcome is not MORE:
                self._pending.remove(each)
            each.observed.answered([frame], outcome, now)
            return
        if candidates:
            self._pending.remove(candidates[0])
            misfit = BadReply(f"the reply makes no sense: {problem}")
            candidates[0].observed.answered([frame], misfit, now)
        else:
            self._take_stray(answer, frame, now)

    def _candidates(self, answer: Answer) -> list[_Pending]:
        """Return the commands that an answer may belong to, the likeliest first."""
        dialect = self._dialect
        if dialect.by_id and answer.id is not None:
            return [each for each in self._pending if each.id == answer.id]
        body = answer.body
        found = [each for each in self._pending if each.reader.is_without_id or not dialect.by_id]
        if len(found) < 2:
            return found
        # Only a fault can answer a command without a name, so the others are tried behind it.
        return sorted(found, key=lambda each: bool(each.name) and dialect.answers_another(each.name, body))

    def _take_stray(self, answer: Answer, frame: bytes, now: float) -> None:
        event = self._dialect.unmatched_event(frame)
        if event is not None:
            self._take_event(event, frame, now)
            return
        try:
            self._any_fault.take(answer.body)
        except Fault as fault:
            values = {"code": fault.code, "reason": fault.reason, "data": fault.data}
            self._report(MessageKind.FAULT, frame, values=values)
        except CodecError:
            self._report(MessageKind.UNREADABLE, frame, problem=_STRAY)

    def _report(self, kind: MessageKind, frame: bytes, **details: Any) -> None:
        report_message(self._session, kind, frame, sent=not self._sent, **details)
