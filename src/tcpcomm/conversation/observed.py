"""The messages of a declared conversation, as they are reported to observers: :class:`ObservedCommand`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from tcpcomm.codec.base import MORE, Refusal, Request
from tcpcomm.errors import BadReply, Fault
from tcpcomm.session.observer import MessageKind, ObservedMessage, ObservedSession, report_message
from tcpcomm.session.protocol import FrameProtocol


@frozen
class ObservedCommand:
    """A command that was sent or received, as observers see it. Its answers are reported with it."""

    session: ObservedSession
    message: ObservedMessage
    time: float
    """The time of the command, in seconds."""

    @classmethod
    def of(
        cls,
        session: ObservedSession,
        asked: Request | Refusal,
        frame: bytes,
        heartbeat: str | None,
        now: float,
        *,
        sent: bool = False,
    ) -> ObservedCommand:
        """Describe a request, or a frame that is not a request, at a time in seconds."""
        if isinstance(asked, Request):
            kind = MessageKind.HEARTBEAT if asked.name and asked.name == heartbeat else MessageKind.COMMAND
            details: dict[str, Any] = {"name": asked.name, "values": asked.values}
        else:
            kind = MessageKind.UNREADABLE
            details = {"name": asked.name or "", "problem": str(asked.problem)}
        return cls(session, ObservedMessage(kind=kind, sent=sent, frame=frame, **details), now)

    def report(self) -> ObservedCommand:
        """Report the command, and return this object."""
        if self.session.observers.message is not None:
            self.session.observers.message(self.session, self.message)
        return self

    def answered(self, frames: Sequence[bytes], outcome: Any, now: float) -> None:
        """
        Report the frames that answer the command.

        Args:
            frames: the frames; none if nothing was sent.
            outcome: the result, the Fault or the BadReply that they carry, or MORE if the answer is not
                complete.
            now: the time, in seconds.
        """
        kind, values = self._kind_and_values(outcome)
        problem = str(outcome) if isinstance(outcome, BadReply) else ""
        for number, frame in enumerate(frames, 1):
            is_last = number == len(frames)
            report_message(
                self.session,
                kind if is_last else MessageKind.PART,
                frame,
                sent=not self.message.sent,
                name=self.message.name,
                values=values if is_last else {},
                answers=self.message,
                seconds=now - self.time,
                problem=problem,
            )

    def _kind_and_values(self, outcome: Any) -> tuple[MessageKind, dict[str, Any]]:
        if outcome is MORE:
            return MessageKind.PART, {}
        if isinstance(outcome, BadReply):
            return MessageKind.UNREADABLE, {}
        if isinstance(outcome, Fault):
            return MessageKind.FAULT, {"code": outcome.code, "reason": outcome.reason, "data": outcome.data}
        is_heartbeat = self.message.kind is MessageKind.HEARTBEAT
        return MessageKind.HEARTBEAT if is_heartbeat else MessageKind.REPLY, {"result": outcome}


def send_message(session: FrameProtocol, kind: MessageKind, frame: bytes, **details: Any) -> None:
    """Send a frame that is neither a command nor an answer, and report it."""
    send_described(session, session.sendFrame, frame)
    report_message(session, kind, frame, sent=True, **details)


def send_described(session: FrameProtocol, send: Callable[..., None], *args: Any) -> None:
    """Send frames by a method of a session. The caller reports them."""
    outer, session.describes_sent = session.describes_sent, True
    try:
        send(*args)
    finally:
        session.describes_sent = outer
