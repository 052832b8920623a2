"""Examples that the laws draw: frames with their ends, frames without look-alikes, positions to cut at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Protocol, TypeVar

from attrs import frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.framing import Framing
from tcpcomm.testing.laws.strategies import sendable

T = TypeVar("T")


class Draw(Protocol):
    """Takes a value from a strategy: ``data.draw`` of Hypothesis, or the ``draw`` of a composite."""

    def __call__(self, strategy: SearchStrategy[T]) -> T: ...


@frozen
class Sent:
    """Frames, their bytes on the wire, and the position where each frame ends there."""

    frames: list[bytes]
    wire: bytes
    ends: list[int]

    def end_of(self, count: int) -> int:
        """Return the position where the first ``count`` frames end."""
        return self.ends[count - 1] if count else 0


def draw_sent(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw, *, least: int = 0) -> Sent:
    """Draw up to five frames and encode them."""
    frames = draw(st.lists(payloads, min_size=least, max_size=5))
    encoded = [framing.encode(frame) for frame in frames]
    return Sent(frames, b"".join(encoded), list(accumulate(map(len, encoded))))


def cut_positions(sent: Sent, draw: Draw) -> Iterable[int]:
    """Return all positions of a short wire, or else the ends of its frames and one drawn position."""
    size = len(sent.wire)
    return range(size + 1) if size <= 24 else [0, *sent.ends, draw(st.integers(0, size))]


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def rotated(values: list[T], draw: Draw) -> list[T]:
    """Return the values, beginning with a drawn one. This is cheaper to draw than a permutation."""
    start = draw(st.integers(0, len(values) - 1))
    return values[start:] + values[:start]


def is_plain(framing: Framing, frame: bytes) -> bool:
    """Return True if the frame repeats one byte that encoding never adds, and so is unambiguous."""
    before, found, after = framing.encode(frame).partition(frame or b"?")
    starts = [before[at : at + 1] for at in range(1, len(before))]
    if not found or len(set(frame)) != 1 or before[:1] in starts:
        return False
    return frame[0] not in before + after


def plain_frame(framing: Framing, size: int, draw: Draw) -> bytes | None:
    """Return a plain frame of ``size`` bytes that can be sent, or None if none was found."""
    for byte in rotated([ord("a"), 0x55, 0, 0xFF, 1], draw):
        frame = bytes([byte]) * size
        if sendable(framing)(frame) and is_plain(framing, frame):
            return frame
    return None


def try_examples(check: Callable[[Draw], None], max_examples: int | None, *, shrink: bool = True) -> None:
    """Call a check with drawn examples. None: as many as the active Hypothesis profile says."""
    __tracebackhide__ = True

    @settings(
        max_examples=max_examples or settings().max_examples,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        check(data.draw)

    hold()
