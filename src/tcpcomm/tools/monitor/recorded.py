"""A recording as a monitor shows it: :class:`RecordedTraffic`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from attrs import define, field

from tcpcomm.errors import FramingError
from tcpcomm.session.observer import MaskedBytes, ObservedMessage
from tcpcomm.tools.monitor.model import MonitorModel
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.rows import HALF_FRAME
from tcpcomm.tools.record.values import (
    Recorded,
    RecordedAlteration,
    RecordedChunk,
    RecordedFault,
    RecordedFrame,
    RecordedMessage,
    RecordedSession,
    RecordedState,
)

_MOST_COMMANDS: Final = 10_000
_MICROSECONDS: Final = 1e6


@define(eq=False)
class _Place:
    """The server or link of recorded sessions."""

    monitor_name: str
    is_recorded = True

    @property
    def observers(self) -> object:
        """The key of the source: each place is one."""
        return self


@define(eq=False)
class _Session:
    """A recorded session, as the model takes it."""

    facts: RecordedSession
    factory: _Place
    speech = None  # its frames are recorded, so that a chunk is not one

    @property
    def peer(self) -> str:
        return self.facts.peer

    @property
    def identity(self) -> str:
        return self.facts.identity

    @property
    def is_equipment(self) -> bool:
        return self.facts.is_equipment

    @property
    def is_declared(self) -> bool:
        return bool(self.facts.declaration)


class _Fault(FramingError):
    """A recorded fault."""

    def __init__(self, text: str, details: str) -> None:
        super().__init__(text, offset=0, recoverable=True)
        self.details = details

    def __str__(self) -> str:
        return self.reason


@define
class RecordedTime:
    """The time of the recorded value that is shown."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@define
class RecordedTraffic:
    """
    Shows the values of a recording.

    Args:
        recording: the recording.
        model: gets them as if they happened now.
        time: the time of the model, which this sets.
    """

    _recording: Recording
    _model: MonitorModel
    _time: RecordedTime
    _open: dict[int, _Session] = field(factory=dict, init=False)
    _places: dict[str, _Place] = field(factory=dict, init=False)
    _commands: OrderedDict[int, ObservedMessage] = field(factory=OrderedDict, init=False)

    def steps(self) -> Iterator[None]:
        """Show one value after the other, so that the caller can do other work between."""
        waiting = sorted(self._recording.sessions(), key=lambda each: each.first, reverse=True)
        for value in self._recording.everything():
            while waiting and waiting[-1].first <= value.number:
                self._begin(waiting.pop())
            self._time.seconds = value.at / _MICROSECONDS
            self._show(value)
            for session in [each for each in self._open.values() if each.facts.last == value.number]:
                self._end(session)
            yield
        for facts in reversed(waiting):
            self._begin(facts)
        for session in list(self._open.values()):
            if session.facts.closed_at is not None:
                self._end(session)

    def _begin(self, facts: RecordedSession) -> None:
        links = [each for each in self._places.values() if facts.peer and facts.peer in each.monitor_name]
        name = facts.declaration.rpartition(":")[2] or facts.target or "recorded"
        place = links[0] if links else self._place(name)
        session = self._open[facts.number] = _Session(facts, place)
        self._time.seconds = facts.opened_at / _MICROSECONDS
        self._model.opened(session)
        if facts.ready_at is not None:
            self._model.ready(session)

    def _end(self, session: _Session) -> None:
        if session.facts.closed_at is not None:
            self._time.seconds = max(self._time.seconds, session.facts.closed_at / _MICROSECONDS)
            reason = "the recorder was killed" if session.facts.is_cut else session.facts.reason
            self._model.closed(session, reason)
            del self._open[session.facts.number]

    def _place(self, name: str) -> _Place:
        return self._places.setdefault(name, _Place(name))

    def _show(self, value: Recorded) -> None:
        model = self._model
        if isinstance(value, RecordedState):
            if value.state != "listening":  # the sessions there tell more
                model.link_state(self._place(value.name), value.state, value.reason)
            return
        session = self._open.get(getattr(value, "session", 0))
        if session is None:
            return  # a gap, or a session without its begin
        if isinstance(value, RecordedChunk):
            report = model.sent if value.sent else model.received
            report(session, _bytes(value.data, masked=value.masked))
        elif isinstance(value, RecordedFrame | RecordedMessage):
            frame = _bytes(value.frame, masked=value.masked)
            (model.frame_sent if value.sent else model.frame_received)(session, frame)
            if isinstance(value, RecordedMessage):
                model.message(session, self._message(value, frame))
        elif isinstance(value, RecordedAlteration):
            model.altered(session, value.text, sent=value.sent)
        elif isinstance(value, RecordedFault) and value.kind == HALF_FRAME:
            model.half_frame(session, value.details, sent=value.sent)
        elif isinstance(value, RecordedFault):
            model.fault(session, _Fault(value.text, value.details), sent=value.sent)

    def _message(self, value: RecordedMessage, frame: bytes) -> ObservedMessage:
        message = ObservedMessage(
            kind=value.kind,
            sent=value.sent,
            frame=frame,
            name=value.name,
            values=value.values,
            answers=None if value.answers is None else self._commands.get(value.answers),
            seconds=value.seconds,
            problem=value.problem,
        )
        if message.answers is None:
            self._commands[value.number] = message
            if len(self._commands) > _MOST_COMMANDS:
                self._commands.popitem(last=False)
        return message


def _bytes(data: Any, *, masked: bool) -> bytes:
    return MaskedBytes(data) if masked else bytes(data)
