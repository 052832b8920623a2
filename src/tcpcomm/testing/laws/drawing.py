"""What the laws draw and derive from it: frames and where they end, plain frames, places to cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import Protocol, TypeVar

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tcpcomm.framing import Framing
from tcpcomm.testing.laws.strategies import sendable

__all__ = ["Draw", "Sent", "draw_sent", "is_plain", "pieces", "places_to_cut", "plain_frame", "rotated"]

T = TypeVar("T")


class Draw(Protocol):
    """Hypothesis' way to take a value from a strategy: ``data.draw``, or the ``draw`` of a composite."""

    def __call__(self, strategy: SearchStrategy[T]) -> T: ...


@frozen
class Sent:
    """Frames, their bytes, and where in these each frame ends."""

    frames: list[bytes]
    wire: bytes
    ends: list[int]

    def end_of(self, count: int) -> int:
        """Where the first ``count`` frames end."""
        return self.ends[count - 1] if count else 0


def draw_sent(framing: Framing, payloads: SearchStrategy[bytes], draw: Draw, *, least: int = 0) -> Sent:
    """Draw up to five frames, and encode them."""
    frames = draw(st.lists(payloads, min_size=least, max_size=5))
    pieces = [framing.encode(frame) for frame in frames]
    return Sent(frames, b"".join(pieces), list(accumulate(map(len, pieces))))


def places_to_cut(sent: Sent, draw: Draw) -> Iterable[int]:
    """Places to cut: all of them where that is cheap, else the ends of frames and one other."""
    size = len(sent.wire)
    return range(size + 1) if size <= 24 else [0, *sent.ends, draw(st.integers(0, size))]


def pieces(data: bytes, size: int) -> list[bytes]:
    """``data`` in chunks of ``size`` bytes."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def rotated(values: list[T], draw: Draw) -> list[T]:
    """The values, beginning with any of them: cheaper to draw than a permutation."""
    start = draw(st.integers(0, len(values) - 1))
    return values[start:] + values[:start]


def is_plain(framing: Framing, frame: bytes) -> bool:
    """Whether no other frame can begin inside this one: it repeats a byte that encoding does not add."""
    head, found, tail = framing.encode(frame).partition(frame or b"?")
    if not found or len(set(frame)) != 1 or head[:1] in [head[at : at + 1] for at in range(1, len(head))]:
        return False
    return frame[0] not in head + tail


def plain_frame(framing: Framing, size: int, draw: Draw) -> bytes | None:
    """A plain frame of ``size`` bytes that can be sent; None where there seems to be none."""
    for byte in rotated([ord("a"), 0x55, 0, 0xFF, 1], draw):
        frame = bytes([byte]) * size
        if sendable(framing)(frame) and is_plain(framing, frame):
            return frame
    return None
