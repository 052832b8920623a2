"""The parts of the model of a conversation: its conditions, frames and commands, and what it compares."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, Protocol

from attrs import define, field, frozen

from tcpcomm.errors import BadReply, Fault, NotSent, OutcomeUnknown, ReplyTimeout

TIMEOUT = 1.0
"""Seconds that the equipment has for each reply."""

Event = tuple[Any, ...]
"""An event: its name, and its arguments."""


@frozen
class Rules:
    """The conditions of a course."""

    by_id: bool = False
    depth: int = 1
    quiet: float = 0.0
    asks: int = 2
    """The number of commands that may be asked."""
    waiting: int = 64
    """The number of commands that may wait."""
    forms: tuple[str, ...] = ("reply",)
    """
    The forms of true replies: ``reply``, ``fault``, ``nonsense``, ``alien``, which is the reply to another
    command, ``part``, which is not the last, and ``opened``, behind which the host sends a second request.
    With ``nonsense``, frames that nobody asked for have that form, too.
    """
    ticks: tuple[float, ...] = (TIMEOUT,)
    """The times that may pass, in seconds."""
    unread: bool = True
    """True if frames may also arrive without being read at once."""
    interim: bool = False
    """True if the equipment may say, as often as it likes, that its reply still takes time."""
    silence: bool = False
    """True if commands succeed by silence: their only replies are faults."""
    undeclared: bool = False
    """True if every second command is a frame that nobody declared."""

    @property
    def is_one_frame(self) -> bool:
        """True if each reply is one frame."""
        return not {"part", "opened"} & {*self.forms}

    def is_doubtful(self, number: int) -> bool:
        """Return True if nobody said how many frames answer a command."""
        return self.undeclared and not self.by_id and number % 2 == 1


@frozen(eq=False)
class Frame:
    """A frame of the equipment."""

    answers: Command | None
    """The command that it truly answers, at the first time; None if it is surplus."""
    id: int
    form: str
    arrived: int
    """The number of the event at which it arrived."""


@define(eq=False)
class Command:
    """A command, and what its caller must have been told so far."""

    number: int
    asked_at: float
    state: str = "waits"
    written: int = -1
    """The number of the event at which it was written."""
    due: float = inf
    parts: int = 0
    """The parts of its reply that the equipment has sent."""
    answer: Frame | None = None
    is_patient: bool = False
    """True if it waits for its turn for longer than :data:`TIMEOUT`."""
    outcomes: list[Any] = field(factory=list)


SENSELESS = ("nonsense", "alien")
"""The forms that no reader takes."""

KINDS = {
    "answered": Frame,
    "fault": Fault,
    "done": type(None),
    "bad reply": BadReply,
    "timeout": ReplyTimeout,
    "unknown": OutcomeUnknown,
    "not sent": NotSent,
}
"""The kind of outcome in each state of a command that is settled."""


class World(Protocol):
    """The part of a course that its subject needs."""

    rules: Rules
    now: float

    def is_quiet(self) -> bool: ...
    def was_written(self, number: int) -> None: ...
    def was_broken(self) -> None: ...


class Subject(Protocol):
    """One session of the code under test."""

    def ask(self, command: Command) -> None: ...
    def read(self, frames: Sequence[Frame]) -> None: ...
    def cancel(self, command: Command) -> None: ...
    def tick(self) -> None: ...
    def end(self) -> None: ...
