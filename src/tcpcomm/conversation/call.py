"""One command at the side that asks: :class:`Call`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final

from attrs import define, field

from tcpcomm.codec.base import ReplyReader

LEAST_PATIENCE: Final = 5.0
"""
Seconds that a command waits for its turn, at least, if its first answer must come sooner. Then it fails
with ``NotSent``.
"""


@define(eq=False)
class Call:
    """
    One command, from when it is asked until it is settled.

    Attributes:
        id: the id that the reply carries, where replies carry ids; from :meth:`Exchange.new_id`.
        frame: the command's frame.
        written: the framed bytes that the driver writes, in parts.
        answers: reads the reply; None if there is no reply: the driver settles the call when it is written.
        timeout: seconds that the peer has for its reply, from when the frame is written, or from its last
            interim reply. The command may wait as long for its turn.
        settle: called exactly once, with the result or an exception.
        doubtful: True if more frames may come than those that settle the call. The next command waits for a
            silence then.
        name: the command's name, for observers; empty for a frame that is not declared.
        values: the command's parameters by name, for observers.
        is_heartbeat: True if the link itself asks, for observers.
        observed: the call as the driver reported it to observers, or None.
        due: the time at which the call is overdue.
        interim: the last interim reply, in words; empty if there was none.
        is_patient: True if it waits for its turn for longer than its timeout.
    """

    id: int
    frame: bytes
    written: Sequence[bytes]
    answers: ReplyReader | None
    timeout: float
    settle: Callable[[Any], None]
    name: str = ""
    values: dict[str, Any] = field(factory=dict)
    doubtful: bool = False
    is_heartbeat: bool = field(default=False, init=False)
    observed: Any = field(default=None, init=False)
    due: float = field(default=inf, init=False)
    interim: str = field(default="", init=False)
    is_patient: bool = field(default=False, init=False)

    @property
    def awaited(self) -> str:
        """The name of the next answer, for errors."""
        answers = self.answers
        is_first = answers is not None and answers.is_hasty and not answers.is_acknowledged
        return "acknowledgement" if is_first else "reply"

    @property
    def patience(self) -> float:
        """The seconds that it waits for its turn."""
        return max(self.timeout, LEAST_PATIENCE) if self.is_patient else self.timeout
