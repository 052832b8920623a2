"""Record what a session does in virtual time: its transport, its reactor, its log, and the comparison."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from attrs import define, field, fields, frozen
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger, formatEvent

from tcpcomm.runtime.bounded_logger import peer_events
from tests.session.stage import ReactorClock, Transport

SPINS: Final = 10_000
"""Turns of the reactor without a pause that are an endless loop."""

LONGEST_SHOWN: Final = 1000
"""Characters of a value in a message about a difference."""

AROUND: Final = 40
"""Bytes that are shown before the first one that differs."""


class Recorder(Transport):
    """A transport that keeps the calls of its session, with adjacent writes joined into one."""

    def __init__(self, address: IAddress | None = None) -> None:
        super().__init__(address)
        self.calls: list[Any] = []
        self.stream = bytearray()
        """All bytes that were written."""

    def write(self, data: bytes) -> None:
        calls = self.calls
        if calls and isinstance(calls[-1], bytearray):
            calls[-1] += data
        else:
            calls.append(bytearray(data))
        self.stream += data
        super().write(data)

    def loseConnection(self) -> None:
        self.calls.append("loseConnection")
        self.ended = self.ended or "closed"

    def loseWriteConnection(self) -> None:
        self.calls.append("loseWriteConnection")
        super().loseWriteConnection()

    def abortConnection(self) -> None:
        self.calls.append("abortConnection")
        if self.ended != "aborted":  # a link aborts below its session, too
            super().abortConnection()

    def pauseProducing(self) -> None:
        self.calls.append("pauseProducing")
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self.calls.append("resumeProducing")
        super().resumeProducing()

    def lose(self) -> None:
        """Lose the connection, unless it is lost."""
        if not self.lost:
            self.break_off(ConnectionDone())

    def taken(self) -> tuple[Any, ...]:
        """Return the calls since the last time."""
        calls, self.calls = self.calls, []
        return tuple(bytes(each) if isinstance(each, bytearray) else each for each in calls)


class Reactor:
    """A reactor with transports, in virtual time."""

    def __init__(self) -> None:
        self.clock = ReactorClock()
        self.clock.rightNow = 1000.0
        self.transports: list[Recorder] = []
        self.idle: Callable[[], bool] = lambda: False
        """Called when nothing more happens. It returns True if it has caused something."""

    def settle(self) -> None:
        """Run turns until nothing more happens at this time."""
        clock, transports = self.clock, self.transports
        for _ in range(SPINS):
            busy = bool(clock.calls) and clock.turn()
            for each in list(transports):
                busy = each.turn() or busy
            if not busy and not self.idle():
                return
        raise AssertionError("the reactor spins")

    def wait(self, seconds: float) -> None:
        """Let time pass, from one timer to the next."""
        clock = self.clock
        end = clock.rightNow + seconds
        while (due := clock.next_time()) is not None and due <= end:
            clock.rightNow = max(clock.rightNow, due)
            self.settle()
        clock.rightNow = max(clock.rightNow, end)
        self.settle()


class Now:
    """The virtual time, in place of ``time.monotonic``."""

    def __init__(self) -> None:
        self.clock = ReactorClock()

    def __call__(self) -> float:
        return self.clock.rightNow


NOW: Final = Now()


@contextmanager
def virtual_time() -> Iterator[None]:
    """
    Let the modules of tcpcomm take the virtual time for the monotonic one, and log without a limit.

    A handler that the machine holds up for a millisecond would otherwise send the rest of a chunk another
    way. Tables with the names of generated functions are changed, too.
    """
    monotonic = time.monotonic
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if not name.startswith("tcpcomm."):
                continue
            tables = [each for each in vars(module).values() if type(each) is dict]
            for table in (vars(module), *tables):
                if table.get("monotonic") is monotonic:
                    stack.enter_context(patch.dict(table, monotonic=NOW))
        stack.enter_context(peer_events.lifted())
        yield


@contextmanager
def logged_lines() -> Iterator[list[str]]:
    """Collect the texts of all log events, without tracebacks. Nobody else gets them."""
    lines: list[str] = []

    def emit(logger: Logger, level: Any, format: str | None = None, **values: Any) -> None:
        if logger.namespace == "twisted.internet.defer":
            return  # nobody took a failure; the garbage collector tells, at any time
        failure = values.get("log_failure")
        kind = "" if failure is None else f" ({failure.type.__name__}: {failure.getErrorMessage()})"
        lines.append(f"{level.name}: {formatEvent({'log_format': format, **values})}{kind}")

    with patch.object(Logger, "emit", emit):
        yield lines


@frozen
class SessionState:
    """A session after a step, and the calls of its transport in it."""

    calls: tuple[Any, ...]
    total: int
    """Bytes that were sent so far: those that were written, and those that wait."""
    stream: bytes | None
    """All that was written so far, if some bytes wait for the peer or waited before this step."""
    watched: tuple[Any, ...]
    """What observers saw of it."""
    frames_received: int
    frames_sent: int
    faults: int
    is_held: bool
    is_open: bool
    input_ended: bool
    reason: str | None
    unfinished_handlers: int
    states: frozenset[str]

    @classmethod
    def of(
        cls, session: Any, transport: Recorder, watched: tuple[Any, ...] = (), *, was_blocked: bool
    ) -> SessionState:
        """Return the state of a session."""
        unsent = session.unsent
        return cls(
            transport.taken(),
            len(transport.stream) + unsent,
            bytes(transport.stream) if unsent or was_blocked else None,
            watched,
            session.frames_received,
            session.frames_sent,
            session.faults,
            session.is_held,
            session.is_open,
            session.input_ended,
            session.reason,
            session.unfinished_handlers,
            session.states,
        )

    def differs(self, other: SessionState) -> list[str]:
        """Return the names of the attributes that differ."""
        found = [
            each.name
            for each in fields(SessionState)
            if each.name not in ("calls", "stream")
            and getattr(self, each.name) != getattr(other, each.name)
        ]
        if self.calls == other.calls:
            return found
        if self.stream is not None and other.stream is not None:
            # While the peer does not read, the bytes may be cut elsewhere.
            least = min(len(self.stream), len(other.stream))
            if self.stream[:least] == other.stream[:least] and _named(self.calls) == _named(other.calls):
                return found
        return ["calls", *found]


def _named(calls: tuple[Any, ...]) -> list[str]:
    return [each for each in calls if isinstance(each, str)]


@define
class Outcome:
    """All that can be seen of one step."""

    step: str
    sessions: list[SessionState] = field(factory=list)
    seen: list[Any] = field(factory=list)
    """What handlers, subscribers and callbacks saw, in order."""
    lines: list[str] = field(factory=list)
    """The log."""
    link: Any = None

    def difference(self, other: Outcome) -> str | None:
        """Return a description of the first thing that differs, or None."""
        for name in ("step", "lines", "seen", "link"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                return _two(name, ours, theirs)
        if len(self.sessions) != len(other.sessions):
            return _two("sessions", len(self.sessions), len(other.sessions))
        for number, (mine, its) in enumerate(zip(self.sessions, other.sessions, strict=True)):
            for name in mine.differs(its):
                return _two(f"{name} of session {number}", getattr(mine, name), getattr(its, name))
        return None


def _two(name: str, general: Any, generated: Any) -> str:
    if isinstance(general, list | tuple) and isinstance(generated, list | tuple):
        same = 0
        for ours, theirs in zip(general, generated, strict=False):
            if ours != theirs:
                break
            same += 1
        name = f"{name}, from number {same} on"
        general, generated = general[same:], generated[same:]
        if general and generated and isinstance(general[0], bytes) and isinstance(generated[0], bytes):
            pairs = enumerate(zip(general[0], generated[0], strict=False))
            at = next((at for at, (ours, theirs) in pairs if ours != theirs), 0)
            if at > AROUND:
                name = f"{name}, at byte {at}"
                general, generated = ([each[0][at - AROUND :], *each[1:]] for each in (general, generated))
    return f"{name} differ:\n  general:   {shown(general)}\n  generated: {shown(generated)}"


def shown(value: object) -> str:
    """Return a text for a value, not too long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({len(text)} characters)"


def first_difference(general: Sequence[Outcome], generated: Sequence[Outcome]) -> str | None:
    """Return a description of the first step that differs, or None if all are equal."""
    for number, (ours, theirs) in enumerate(zip(general, generated, strict=False)):
        found = ours.difference(theirs)
        if found is not None:
            return f"step {number}, {ours.step}: {found}"
    if len(general) != len(generated):
        return f"{len(general)} and {len(generated)} steps"
    return None


Run = Callable[[int, bool], list[Outcome]]
"""Runs the session of a seed, the general way if the second argument is True."""


def compare(run: Run, seed: int) -> str | None:
    """Run a session in both ways. Return a description of the first difference, or None."""
    return first_difference(run(seed, True), run(seed, False))
