"""
The results of a decoder as one ordered log of frames, faults and crashes.

The frames that a fault carries stand before it. An exception that no decoder may raise is an entry too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from tcpcomm.errors import FramingError
from tcpcomm.framing import Framing


@frozen
class Fault:
    """A :class:`~tcpcomm.errors.FramingError` as a value that can be compared."""

    kind: str
    text: str
    offset: int
    recoverable: bool

    @classmethod
    def of(cls, error: FramingError) -> Fault:
        return cls(type(error).__name__, error.reason, error.offset, error.recoverable)

    def __str__(self) -> str:
        manner = "recoverable" if self.recoverable else "final"
        return f"{self.kind} at byte {self.offset}, {manner}: {self.text!r}"


@frozen
class Crash:
    """An error of the decoder: it raised another exception, or faults without end."""

    text: str

    def __str__(self) -> str:
        return f"not allowed: {self.text}"


Event = bytes | Fault | Crash


class Recorder:
    """A new decoder, driven as a connection drives it, and the log of its results."""

    def __init__(self, framing: Framing) -> None:
        self.decoder = framing.decoder()
        if framing.opening:
            self.decoder.feed(framing.opening)
        self.events: list[Event] = []
        self.ended = False
        self._fed = 0
        self._raised = 0

    @property
    def faults(self) -> list[Fault]:
        return [event for event in self.events if isinstance(event, Fault)]

    def feed(self, *chunks: bytes) -> None:
        """Feed chunks, and go on after recoverable faults. Feed nothing after an unrecoverable one."""
        for chunk in chunks:
            self._fed += len(chunk)
            data = chunk
            while not self.ended and self._call(self.decoder.feed, data):
                data = b""
                if self._raised > self._fed + 1:
                    self._crash(f"more faults than bytes, the last one {self.events[-1]!s}")

    def flush(self) -> None:
        if not self.ended:
            self._call(self.decoder.flush)

    def close(self) -> None:
        if not self.ended:
            self._call(self.decoder.close)
            self.ended = True

    def _call(self, call: Callable[..., list[bytes]], *arguments: bytes) -> bool:
        """Call the decoder and log the results. Return True if it raised a framing error."""
        try:
            self._log(call(*arguments))
        except FramingError as error:
            self._log(error.frames)
            self.events.append(Fault.of(error))
            self._raised += 1
            self.ended = self.ended or not error.recoverable
            return True
        except Exception as error:  # logged, because a law must report it
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


def record(framing: Framing, chunks: Iterable[bytes], *, close: bool = False) -> Recorder:
    """Feed chunks to a new decoder, and close it if ``close`` is true."""
    recorder = Recorder(framing)
    recorder.feed(*chunks)
    if close:
        recorder.close()
    return recorder
