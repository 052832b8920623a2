"""
Decode the bytes of an overheard connection: :class:`Dissector`, without I/O.

Chunks of both directions go in. The observers of an :class:`OverheardSession` get the same reports as from
a session that takes part: chunks, frames, messages, faults. Bytes that do not fit are shown as they are,
with the reason.

::

    chunk -> DirectionReader -> frames -> OverheardLogin, until it is over
                                       -> AskedCommands: request, reply, event, fault
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tcpcomm.codec.base import ProtocolErrorKind, Refusal
from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import FramingError
from tcpcomm.session.observer import (
    STALL_SILENCE,
    MessageKind,
    Observers,
    report,
    report_bytes,
    report_fault,
    report_message,
)
from tcpcomm.tools.dissect.asked_commands import AskedCommands
from tcpcomm.tools.dissect.direction import DirectionReader, Found
from tcpcomm.tools.dissect.login import OverheardLogin
from tcpcomm.tools.dissect.session import OverheardSession


class Dissector:
    """
    Reports all that passes on one overheard connection to observers.

    Args:
        session: the connection, as observers see it.
        observers: the observers.
        seconds: returns the time, in seconds, from which the times of replies are counted.
        clock: notices by timers that a frame does not go on; None: nothing notices that.
    """

    def __init__(
        self,
        session: OverheardSession,
        observers: Observers,
        seconds: Callable[[], float],
        *,
        clock: IReactorTime | None = None,
    ) -> None:
        self.session = session
        self._clock = clock
        self._stalls: dict[bool, IDelayedCall] = {}  # by direction, for frames that have just begun
        session.observers = observers
        self._seconds = seconds
        speech = session.speech
        self._gap = speech.gap
        self._directions = tuple(DirectionReader(speech.framing(to_host=each)) for each in (False, True))
        self._conversation: _Conversation | None = None
        if speech.declaration is not None:
            self._conversation = _Conversation(session, speech.declaration, speech.host_side)

    def open(self, *, from_beginning: bool = True) -> None:
        """
        Report that the connection is there.

        Args:
            from_beginning: False if the first bytes are missing, so that no login can be followed.
        """
        self.session.is_open = True
        if not from_beginning and self._conversation is not None:
            self._conversation.skip_login()
        report(self.session, "opened")
        report(self.session, "ready")

    def feed(self, data: bytes, *, to_host: bool) -> None:
        """Take a chunk, as it came."""
        session, direction = self.session, self._directions[to_host]
        report_bytes(session, "sent" if to_host else "received", (data,))
        conversation = self._conversation
        if conversation is not None and conversation.is_logging_in:
            # A prompt has no end. The answer of the other side shows that it was complete.
            self.silence(to_host=not to_host)
        if direction.broken:
            self._take_raw(data, f"the framing was broken before: {direction.broken}", to_host=to_host)
            return
        began = direction.mid_frame
        has_frames = self._take(direction.feed(data), to_host=to_host)
        if direction.mid_frame and self._gap is None:
            self._note_half_frame(to_host=to_host, is_new=has_frames or not began)
        else:
            self._stop_waiting(to_host=to_host)

    def _note_half_frame(self, *, to_host: bool, is_new: bool) -> None:
        if is_new:
            self._report_half_frame("half_frame", self._directions[to_host].progress, to_host=to_host)
        waiting = self._stalls.get(to_host)
        if waiting is not None and not is_new:
            waiting.reset(STALL_SILENCE)
        elif is_new and self._clock is not None:
            self._stop_waiting(to_host=to_host)
            self._stalls[to_host] = self._clock.callLater(STALL_SILENCE, self._stalled, to_host=to_host)

    def _stalled(self, *, to_host: bool) -> None:
        del self._stalls[to_host]
        direction = self._directions[to_host]
        if direction.mid_frame:
            self._report_half_frame("frame_stalled", direction.unfinished, to_host=to_host)

    def forget_half_frames(self) -> None:
        """Report nothing more about frames that have begun, because nothing more is fed."""
        for to_host in (False, True):
            self._stop_waiting(to_host=to_host)

    def _stop_waiting(self, *, to_host: bool) -> None:
        waiting = self._stalls.pop(to_host, None)
        if waiting is not None:
            waiting.cancel()

    def _report_half_frame(self, hook: str, description: str, *, to_host: bool) -> None:
        session = self.session
        secret = session.sends_secret if to_host else session.keeps_secret
        side = "the equipment" if to_host else "the host"
        method = getattr(session.observers, hook)
        if method is not None:
            method(session, "" if secret else f"{side} {description}", sent=to_host)

    def silence(self, *, to_host: bool) -> None:
        """Take note that a direction was silent for the ``gap`` of the language."""
        direction = self._directions[to_host]
        if self._gap is not None and direction.mid_frame:
            self._take(direction.flush(), to_host=to_host)

    def end(self, *, to_host: bool) -> None:
        """Take note that a direction has ended, so that a half frame is told."""
        self._stop_waiting(to_host=to_host)
        self._take(self._directions[to_host].close(), to_host=to_host)

    def alter(self, description: str, *, to_host: bool) -> None:
        """Report that a tool changed what passes."""
        if self.session.observers.altered is not None:
            self.session.observers.altered(self.session, description, sent=to_host)

    def close(self, reason: str) -> None:
        """Report that the connection is gone."""
        self.forget_half_frames()
        self.session.is_open, self.session.reason = False, reason
        report(self.session, "closed", reason)

    def _take(self, found: Iterable[Found], *, to_host: bool) -> bool:
        """Report frames and faults. Return True if there was a frame."""
        has_frames = False
        for each in found:
            if isinstance(each, FramingError):
                self.session.faults += 1
                report_fault(self.session, each, sent=to_host)
                continue
            for frame in each:
                has_frames = True
                self._take_frame(frame, to_host=to_host)
        return has_frames

    def _take_frame(self, frame: bytes, *, to_host: bool) -> None:
        session, conversation = self.session, self._conversation
        report_bytes(session, "frame_sent" if to_host else "frame_received", (frame,))
        if to_host:
            session.frames_sent += 1
        else:
            session.frames_received += 1
        if conversation is None:
            return
        conversation.take(frame, self._seconds(), to_host=to_host)
        for each in (False, True):
            asked = conversation.by_host if each else conversation.by_equipment
            if asked is not None:
                self._take(self._directions[each].read_by(asked.reply_framing), to_host=each)

    def _take_raw(self, data: bytes, problem: str, *, to_host: bool) -> None:
        report_bytes(self.session, "frame_sent" if to_host else "frame_received", (data,))
        if self.session.is_declared:
            report_message(self.session, MessageKind.UNREADABLE, data, sent=to_host, problem=problem)


class _Conversation:
    """The declared conversation of one connection."""

    def __init__(
        self, session: OverheardSession, declaration: Declaration, host_side: Declaration | None
    ) -> None:
        self._session = session
        self.by_host = AskedCommands(session, declaration, sent=False)
        """The commands that the host asks of the equipment."""
        self.by_equipment = None if host_side is None else AskedCommands(session, host_side, sent=True)
        """The commands that the equipment asks of the host, or None."""
        self._login: OverheardLogin | None = OverheardLogin(declaration)
        self._end_login_if_over()

    @property
    def is_logging_in(self) -> bool:
        """True while the login lasts."""
        return self._login is not None

    def skip_login(self) -> None:
        """Expect commands, because the login has passed."""
        self._login = None
        self._session.keeps_secret = False

    def take(self, frame: bytes, now: float, *, to_host: bool) -> None:
        """Take a frame of one of the two sides."""
        if self._login is not None:
            self._take_login(self._login, frame, sent=to_host)
        elif to_host:
            self._take_of_equipment(frame, now)
        else:
            self._take_of_host(frame, now)

    def _take_login(self, login: OverheardLogin, frame: bytes, *, sent: bool) -> None:
        problem = login.equipment_sent(frame) if sent else login.host_sent()
        report_message(self._session, MessageKind.LOGIN, frame, sent=sent, problem=problem)
        self._end_login_if_over()

    def _end_login_if_over(self) -> None:
        if self._login is not None and self._login.is_over:
            self._login = None
        self._session.keeps_secret = self._login is not None and self._login.has_secrets

    def _take_of_equipment(self, frame: bytes, now: float) -> None:
        asked = None if self.by_equipment is None else self.by_equipment.read(frame)
        if self.by_equipment is None or asked is None or self._is_answer(asked, frame, self.by_host):
            self.by_host.take_answer(frame, now)
        else:
            self.by_equipment.take(asked, frame, now)

    def _take_of_host(self, frame: bytes, now: float) -> None:
        asked = self.by_host.read(frame)
        if self.by_equipment is not None and self._is_answer(asked, frame, self.by_equipment):
            self.by_equipment.take_answer(frame, now)
        else:
            self.by_host.take(asked, frame, now)

    @staticmethod
    def _is_answer(asked: object, frame: bytes, other: AskedCommands) -> bool:
        """Return True if a frame that was read as a request rather answers the other side."""
        if not isinstance(asked, Refusal):
            return False
        has_other_header = asked.error_kind is ProtocolErrorKind.UNREADABLE
        if not (asked.may_be_foreign or has_other_header):
            return False
        return asked.foreign or other.is_awaiting or other.knows_answer(frame)
