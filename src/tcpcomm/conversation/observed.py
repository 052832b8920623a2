"""The messages that the equipment's half of a session reports to observers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from tcpcomm.codec.base import MORE, Refusal, Request
from tcpcomm.errors import Fault
from tcpcomm.session.observer import MessageKind, ObservedMessage
from tcpcomm.session.protocol import FrameProtocol

__all__ = ["ObservedCommand"]


@frozen
class ObservedCommand:
    """
    A received command. It is reported to observers, and so is each frame that answers it.

    Attributes:
        session: the session that received it.
        message: the message that was reported.
        received_at: the time when it was received, in seconds.
    """

    session: FrameProtocol
    message: ObservedMessage
    received_at: float

    @classmethod
    def report(
        cls,
        session: FrameProtocol,
        asked: Request | Refusal,
        frame: bytes,
        now: float,
        heartbeat: str | None,
    ) -> ObservedCommand:
        """
        Report what a frame asks for.

        Args:
            session: the session that received the frame.
            asked: the request, or the reason why the frame is not one.
            frame: the frame.
            now: the time, in seconds.
            heartbeat: the name of the command that is the heartbeat, or None if there is none.
        """
        kind, values, problem = MessageKind.UNREADABLE, {}, ""
        if isinstance(asked, Request):
            kind = MessageKind.HEARTBEAT if asked.name == heartbeat else MessageKind.COMMAND
            values = asked.values
        else:
            problem = str(asked.problem)
        message = ObservedMessage(
            kind=kind, sent=False, frame=frame, name=asked.name or "", values=values, problem=problem
        )
        if session.observers.message is not None:
            session.observers.message(session, message)
        return cls(session, message, received_at=now)

    def answered(self, frames: Sequence[bytes], outcome: Any, now: float) -> None:
        """
        Report the frames that were sent in answer to the command.

        Args:
            frames: the frames; none if nothing was sent.
            outcome: the result or the Fault that they carry, or MORE if the answer is not complete.
            now: the time, in seconds.
        """
        for left, frame in zip(range(len(frames), 0, -1), frames, strict=True):
            kind, values = MessageKind.PART, dict[str, Any]()
            if left == 1 and isinstance(outcome, Fault):
                kind = MessageKind.FAULT
                values = {"code": outcome.code, "reason": outcome.reason, "data": outcome.data}
            elif left == 1 and outcome is not MORE:
                is_heartbeat = self.message.kind is MessageKind.HEARTBEAT
                kind = MessageKind.HEARTBEAT if is_heartbeat else MessageKind.REPLY
                values = {"result": outcome}
            if self.session.observers.message is not None:
                message = ObservedMessage(
                    kind=kind,
                    sent=True,
                    frame=frame,
                    name=self.message.name,
                    values=values,
                    answers=self.message,
                    seconds=now - self.received_at,
                )
                self.session.observers.message(self.session, message)
