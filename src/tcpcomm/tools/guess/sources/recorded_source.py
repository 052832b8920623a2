"""The sessions of a recording: :class:`RecordedSource`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.export.addresses import Places
from tcpcomm.tools.export.capture import peer_is_client
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, Side
from tcpcomm.tools.guess.sources.source import Sample, Source, StreamInfo, UnreadableCapture
from tcpcomm.tools.record.recording import Recording
from tcpcomm.tools.record.values import RecordedChunk, RecordedGap, RecordedSession

Passed = Callable[[int, int], object]
"""A function that gets how much is read, and how much there is."""


class RecordedSource(Source):
    """
    Reads the sessions of a recording. Gaps and secrets are missing bytes.

    Args:
        path: the recording.
        passed: is called as it is read.
    """

    kind = "a recording"

    def __init__(self, path: Path, passed: Passed = lambda done, size: None) -> None:
        super().__init__()
        self._path = path
        self._passed = passed

    def streams(self) -> list[StreamInfo]:
        with self._recording() as recording:
            sizes: dict[int, int] = {}
            counts: dict[int, int] = {}
            first, last = recording.numbers() or (0, 0)
            for chunk in recording.chunks():
                sizes[chunk.session] = sizes.get(chunk.session, 0) + len(chunk.data)
                counts[chunk.session] = counts.get(chunk.session, 0) + 1
                self._passed(chunk.number - first, last - first + 1)
            found = [
                StreamInfo(
                    number=each.number,
                    name=_name(each),
                    size=sizes[each.number],
                    chunks=counts[each.number],
                )
                for each in recording.sessions()
                if each.number in sizes
            ]
        if not found and self.notes:
            raise UnreadableCapture(f"no bytes in it can be read: {self.notes[0]}")
        if not found:
            raise UnreadableCapture("the recording holds no bytes yet: record while the two machines speak")
        return found

    def captures(self, streams: Sequence[StreamInfo]) -> list[Capture]:
        with self._recording() as recording:
            numbers = recording.numbers()
            wanted = {each.number for each in streams}
            read = {each.number: _Reading(each) for each in recording.sessions() if each.number in wanted}
            only = streams[0].number if len(streams) == 1 else None
            for value in recording.everything(only):
                if isinstance(value, RecordedGap):
                    for each in read.values():
                        each.missing = {True: True, False: True}
                elif isinstance(value, RecordedChunk) and value.session in read:
                    reading = read[value.session]
                    reading.take(value)
                    if reading.sample.is_full and all(each.sample.is_full for each in read.values()):
                        break
        masked = sum(each.masked for each in read.values())
        if masked:
            chunks = f"{masked} chunks are" if masked > 1 else "1 chunk is"
            self.note(f"{chunks} secret, so the recording does not have its bytes")
        return [
            Capture(
                tuple(read[each.number].sample.chunks),
                name=each.name,
                from_start=numbers is not None and numbers[0] <= read[each.number].session.first,
                notes=(*read[each.number].sample.notes(each.size), *self.notes),
            )
            for each in streams
        ]

    @contextmanager
    def _recording(self) -> Iterator[Recording]:
        try:
            with Recording(self._path) as recording:
                yield recording
                for problem in recording.problems:
                    self.note(problem)
        except ConfigurationError as error:
            raise UnreadableCapture(str(error).removeprefix(f"{self._path}: ")) from None


@define(eq=False)
class _Reading:
    """A session that is read."""

    session: RecordedSession
    sample: Sample = field(factory=Sample)
    masked: int = 0
    missing: dict[bool, bool] = field(factory=dict)
    """True for each direction that lacks bytes before the next ones: what was sent, and received."""
    received: Side = field(init=False)

    @received.default
    def _side_of_the_peer(self) -> Side:
        return OPENER if _peer_opened(self.session) else ANSWERER

    def take(self, chunk: RecordedChunk) -> None:
        """Take the next chunk of the session."""
        if chunk.masked:
            self.missing[chunk.sent] = True
            self.masked += 1
            return
        side: Side = 1 - self.received if chunk.sent else self.received  # type: ignore[assignment]
        after_gap = self.missing.pop(chunk.sent, False)
        self.sample.add(side, chunk.data, chunk.at / 1e6, after_gap=after_gap)


def _peer_opened(session: RecordedSession) -> bool:
    peer, target = Places().of(session.peer, session.target, session.number)
    return peer_is_client(peer, target, session)


def _name(session: RecordedSession) -> str:
    target = session.target.removeprefix("tcp:") or "this side"  # a tap records its endpoint
    peer = session.peer or "an unknown peer"
    return f"{peer} > {target}" if _peer_opened(session) else f"{target} > {peer}"
