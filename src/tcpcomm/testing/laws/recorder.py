"""
What comes out of a decoder, as one ordered log: frames, faults, and what should never come.

The laws compare such logs. A log is complete: the frames that a fault carries stand before it, and an
exception that no decoder may raise is an entry like any other, so that it can be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from tcpcomm.errors import FramingError
from tcpcomm.framing import Framing

__all__ = ["Crash", "Event", "Fault", "Recorder", "record"]


@frozen
class Fault:
    """A :class:`~tcpcomm.errors.FramingError`, as a value: two faults are equal when all of it is."""

    kind: str
    text: str
    offset: int
    recoverable: bool

    @classmethod
    def of(cls, error: FramingError) -> Fault:
        """The value of an error."""
        return cls(type(error).__name__, error.reason, error.offset, error.recoverable)

    def __str__(self) -> str:
        manner = "recoverable" if self.recoverable else "final"
        return f"{self.kind} at byte {self.offset}, {manner}: {self.text!r}"


@frozen
class Crash:
    """What no decoder may do: raise another exception, or the same fault without end."""

    text: str

    def __str__(self) -> str:
        return f"not allowed: {self.text}"


Event = bytes | Fault | Crash


class Recorder:
    """A fresh decoder that is driven as a connection drives it, and the log of what came of it."""

    def __init__(self, framing: Framing) -> None:
        self.decoder = framing.decoder()
        self.events: list[Event] = []
        self.ended = False
        self._fed = 0
        self._raised = 0

    @property
    def faults(self) -> list[Fault]:
        """The faults among the events."""
        return [event for event in self.events if isinstance(event, Fault)]

    def feed(self, *chunks: bytes) -> None:
        """Feed chunks, each on through its recoverable faults; nothing more after the last fault."""
        for chunk in chunks:
            self._fed += len(chunk)
            data = chunk
            while not self.ended and self._take(self.decoder.feed, data):
                data = b""
                if self._raised > self._fed + 1:
                    self._crash(f"more faults than bytes, the last one {self.events[-1]!s}")

    def flush(self) -> None:
        """Tell the decoder of silence."""
        if not self.ended:
            self._take(self.decoder.flush)

    def close(self) -> None:
        """Tell the decoder that the stream has ended."""
        if not self.ended:
            self._take(self.decoder.close)
            self.ended = True

    def _take(self, call: Callable[..., list[bytes]], *arguments: bytes) -> bool:
        """Log what a call gives; return whether it raised a fault after which the stream goes on."""
        try:
            self._log(call(*arguments))
        except FramingError as error:
            self._log(error.frames)
            self.events.append(Fault.of(error))
            self._raised += 1
            self.ended = self.ended or not error.recoverable
            return True
        except Exception as error:  # the point of the log: a law will say that it must not be
            self._crash(f"{type(error).__name__}: {error}")
        return False

    def _log(self, frames: list[bytes]) -> None:
        self.events += frames
        for frame in frames:
            if type(frame) is not bytes:
                self._crash(f"a frame of type {type(frame).__name__}: {frame!r}")

    def _crash(self, text: str) -> None:
        self.events.append(Crash(text))
        self.ended = True


def record(framing: Framing, chunks: Iterable[bytes], *, close: bool = False) -> list[Event]:
    """Feed chunks to a fresh decoder, close it if told so, and return the log."""
    recorder = Recorder(framing)
    recorder.feed(*chunks)
    if close:
        recorder.close()
    return recorder.events
