"""
The base of the readers: :class:`Source`, which lists the streams of a file and reads one of them.

A file may be far larger than the memory. A source reads it once to list its streams, and once more for the
one that is wanted, and keeps a sample of that one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from attrs import define, field, frozen

from tcpcomm.errors import TcpcommError
from tcpcomm.tools.guess.capture import Capture, CapturedChunk, Side

MOST_SAMPLED: Final = 1024 * 1024
"""
Bytes of a stream, of both directions, that ``tcpcomm guess`` reads. The rest is left out, and a note says
so.
"""

MOST_SAMPLED_CHUNKS: Final = 100_000
"""Chunks of a stream that ``tcpcomm guess`` reads. The rest is left out, and a note says so."""

MOST_STREAMS: Final = 10_000
"""Streams of one file that are listed. The packets of further ones are counted."""


class UnreadableCapture(TcpcommError):
    """A file, or a stream in it, cannot be read as a capture. The text says why, and what to do."""


@frozen(kw_only=True)
class StreamInfo:
    """
    One stream of a file.

    Attributes:
        number: its number in the file.
        name: the stream for people, such as ``10.0.0.7:50432 > 10.0.0.9:8501``; empty if it has none.
        size: the bytes of both directions, also those that were sent again.
        chunks: the number of chunks that hold them.
    """

    number: int
    name: str = ""
    size: int = 0
    chunks: int = 0


class Source(ABC):
    """
    Reads the streams of one file.

    Attributes:
        kind: the kind of the file, for people.
        notes: what could not be read, each as a sentence. They are complete when all streams are listed.
    """

    kind: str

    def __init__(self) -> None:
        self.notes: list[str] = []

    @abstractmethod
    def streams(self) -> list[StreamInfo]:
        """
        Return the streams that hold bytes, in the order in which they began.

        Raises:
            UnreadableCapture: nothing in the file can be read.
        """

    def capture(self, stream: StreamInfo) -> Capture:
        """Return a stream, or a sample if it is long."""
        (found,) = self.captures([stream])
        return found

    @abstractmethod
    def captures(self, streams: Sequence[StreamInfo]) -> list[Capture]:
        """Return some streams, each a sample if it is long. The file is read once."""

    def note(self, text: str) -> None:
        """Add a note, if it is a new one."""
        if text not in self.notes:
            self.notes.append(text)


@define(eq=False)
class Sample:
    """Collects the chunks of a stream until they are enough."""

    chunks: list[CapturedChunk] = field(factory=list)
    size: int = 0
    is_full: bool = False

    def add(self, side: Side, data: bytes, at: float | None, *, after_gap: bool = False) -> None:
        """Add a chunk, if the sample is not full."""
        if not data or self.is_full:
            return
        if self.size + len(data) > MOST_SAMPLED or len(self.chunks) >= MOST_SAMPLED_CHUNKS:
            self.is_full = True
            data = data[: MOST_SAMPLED - self.size] if not self.chunks else b""
        if data:
            self.chunks.append(CapturedChunk(side, data, at, after_gap))
            self.size += len(data)

    def notes(self, whole: int | None) -> tuple[str, ...]:
        """Return the note that this is a sample of so many bytes, or nothing if all of them are here."""
        if not self.is_full:
            return ()
        of_all = "" if whole is None else f" of {whole:,}"
        return (f"a sample: the first {self.size:,}{of_all} bytes",)
