"""The messages that the equipment's half of a session reports to observers: :class:`ObservedCommand`."""

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
    """A received command that was reported to observers. Its answers will be reported with it."""

    session: FrameProtocol
    message: ObservedMessage
    received_at: float

    @classmethod
    def report(
        cls,
        session: FrameProtocol,
        asked: Request | Refusal,
        frame: bytes,
        heartbeat: str | None,
        now: float,
    ) -> ObservedCommand:
        """Report a request, or a frame that is not a request, at a time in seconds."""
        if isinstance(asked, Request):
            kind = MessageKind.HEARTBEAT if asked.name == heartbeat else MessageKind.COMMAND
            details: dict[str, Any] = {"name": asked.name, "values": asked.values}
        else:
            kind = MessageKind.UNREADABLE
            details = {"name": asked.name or "", "problem": str(asked.problem)}
        command = cls(session, ObservedMessage(kind=kind, sent=False, frame=frame, **details), now)
        command._report(command.message)
        return command

    def answered(self, frames: Sequence[bytes], outcome: Any, now: float) -> None:
        """
        Report the frames that were sent in answer to the command.

        Args:
            frames: the frames; none if nothing was sent.
            outcome: the result or the Fault that they carry, or MORE if the answer is not complete.
            now: the time, in seconds.
        """
        kind, values = self._kind_and_values(outcome)
        for number, frame in enumerate(frames, 1):
            is_last = number == len(frames)
            self._report(
                ObservedMessage(
                    kind=kind if is_last else MessageKind.PART,
                    sent=True,
                    frame=frame,
                    name=self.message.name,
                    values=values if is_last else {},
                    answers=self.message,
                    seconds=now - self.received_at,
                )
            )

    def _kind_and_values(self, outcome: Any) -> tuple[MessageKind, dict[str, Any]]:
        if outcome is MORE:
            return MessageKind.PART, {}
        if isinstance(outcome, Fault):
            return MessageKind.FAULT, {"code": outcome.code, "reason": outcome.reason, "data": outcome.data}
        is_heartbeat = self.message.kind is MessageKind.HEARTBEAT
        return MessageKind.HEARTBEAT if is_heartbeat else MessageKind.REPLY, {"result": outcome}

    def _report(self, message: ObservedMessage) -> None:
        if self.session.observers.message is not None:
            self.session.observers.message(self.session, message)
