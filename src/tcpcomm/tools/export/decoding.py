"""Recorded chunks decoded afresh by another declaration or framing: :class:`Decoded`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from attrs import define, evolve, field

from tcpcomm.errors import FramingError
from tcpcomm.session.observer import MaskedBytes, ObservedMessage, Observers, SessionObserver
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.export.source import Closed, Exported
from tcpcomm.tools.manual.values import jsonable
from tcpcomm.tools.record.rows import HALF_FRAME
from tcpcomm.tools.record.values import (
    RecordedChunk,
    RecordedFault,
    RecordedFrame,
    RecordedMessage,
    RecordedSession,
)


@define(eq=False)
class _Collector(SessionObserver):
    """Keeps what a dissector reports about one session, as recorded values."""

    session: int
    is_equipment: bool
    numbers: Iterator[int]
    at: int = 0
    found: list[Exported] = field(factory=list)
    commands: dict[int, tuple[ObservedMessage, int]] = field(factory=dict)

    def _sent(self, sent: bool) -> bool:
        """Return the direction as the recording has it: a dissector takes this side for the equipment."""
        return sent if self.is_equipment else not sent

    def _frame(self, session: Any, frame: bytes, *, sent: bool) -> None:
        if not session.is_declared:
            self.found.append(
                RecordedFrame(
                    number=next(self.numbers),
                    at=self.at,
                    session=self.session,
                    sent=self._sent(sent),
                    frame=frame,
                    masked=isinstance(frame, MaskedBytes),
                )
            )

    def frame_received(self, session: Any, frame: bytes) -> None:
        self._frame(session, frame, sent=False)

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self._frame(session, frame, sent=True)

    def message(self, session: Any, message: ObservedMessage) -> None:
        answers = self.commands.get(id(message.answers))
        number = next(self.numbers)
        self.commands[id(message)] = (message, number)
        if len(self.commands) > 1000:
            del self.commands[next(iter(self.commands))]
        self.found.append(
            RecordedMessage(
                number=number,
                at=self.at,
                session=self.session,
                sent=self._sent(message.sent),
                frame=message.frame,
                masked=isinstance(message.frame, MaskedBytes),
                kind=message.kind,
                name=message.name,
                values={name: jsonable(value) for name, value in message.values.items()},
                answers=answers[1] if answers is not None else None,
                seconds=message.seconds,
                problem=message.problem,
            )
        )

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        self._fault(type(fault).__name__, str(fault), fault.details, sent=sent)

    def half_frame(self, session: Any, description: str, *, sent: bool = False) -> None:
        self._fault(HALF_FRAME, "a chunk began a frame and did not end it", description, sent=sent)

    def _fault(self, kind: str, text: str, details: str, *, sent: bool) -> None:
        self.found.append(
            RecordedFault(
                number=next(self.numbers),
                at=self.at,
                session=self.session,
                sent=self._sent(sent),
                kind=kind,
                text=text,
                details=details,
            )
        )


class _Session:
    """One session that is decoded."""

    def __init__(
        self, session: RecordedSession, speech: Speech, numbers: Iterator[int], *, from_beginning: bool
    ) -> None:
        self._gap = speech.gap
        self._last: dict[bool, int] = {}
        self._collector = _Collector(session.number, session.is_equipment, numbers)
        peer, target = session.peer, session.target
        if not session.is_equipment:
            peer, target = target, peer
        overheard = OverheardSession(peer=peer, target=target, speech=speech)
        observers = Observers([self._collector])
        self._dissector = Dissector(overheard, observers, lambda: self._collector.at / 1_000_000)
        self._dissector.open(from_beginning=from_beginning)

    def chunk(self, chunk: RecordedChunk) -> list[Exported]:
        """Decode a chunk. Return what it brings."""
        collector = self._collector
        for to_host, at in self._last.items():
            if self._gap is not None and chunk.at - at > self._gap * 1_000_000:
                self._dissector.silence(to_host=to_host)
        collector.at = chunk.at
        to_host = chunk.sent if collector.is_equipment else not chunk.sent
        self._dissector.feed(chunk.data, to_host=to_host)
        self._last[to_host] = chunk.at
        return self._take()

    def end(self, at: int) -> list[Exported]:
        """Decode the end. Return what it brings."""
        self._collector.at = at
        for to_host in (False, True):
            if self._gap is not None:
                self._dissector.silence(to_host=to_host)
            self._dissector.end(to_host=to_host)
        return self._take()

    def _take(self) -> list[Exported]:
        found = self._collector.found
        self._collector.found = []
        return found


def decoded(
    values: Iterable[Exported],
    sessions: dict[int, RecordedSession],
    speech: Speech,
    *,
    from_beginning: bool,
) -> Iterator[Exported]:
    """
    Yield recorded values with frames, messages and faults that are decoded afresh.

    All values are numbered anew, from 1.

    Args:
        values: what was recorded, in order.
        sessions: the sessions by their numbers. Those of the result name the declaration.
        speech: the language.
        from_beginning: False if sessions may lack their first chunks, so that no login can be followed.
    """
    numbers = count(1)
    open_sessions: dict[int, _Session] = {}
    declaration = speech.declaration
    if declaration is not None:
        name = f"{declaration.kind.__module__}:{declaration.kind.__qualname__}"
        sessions.update({each.number: evolve(each, declaration=name) for each in sessions.values()})
    for value in values:
        if isinstance(value, RecordedFrame | RecordedMessage | RecordedFault):
            continue
        if isinstance(value, RecordedChunk):
            session = open_sessions.get(value.session)
            known = sessions.get(value.session)
            yield evolve(value, number=next(numbers))
            if session is None and known is not None:
                session = _Session(known, speech, numbers, from_beginning=from_beginning)
                open_sessions[value.session] = session
            if session is not None:
                yield from session.chunk(value)
            continue
        if isinstance(value, Closed):
            session = open_sessions.pop(value.session.number, None)
            if session is not None:
                yield from session.end(value.at)
        yield evolve(value, number=next(numbers))
