"""The bytes to explain: :class:`Capture`, the two directions of one TCP stream, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from attrs import evolve, field, frozen

Side: TypeAlias = Literal[0, 1]
"""A direction: :data:`OPENER` or :data:`ANSWERER`."""

OPENER: Final = 0
"""The side that opened the connection, or that spoke first if nobody knows; ``>`` in a dump."""

ANSWERER: Final = 1
"""The other side; ``<`` in a dump."""


@frozen
class CapturedChunk:
    """
    Bytes of one side, as TCP delivered them.

    Args:
        side: who sent them.
        data: the bytes, at least one.
        at: the time in seconds, from any origin; None if it is not known.
        after_gap: True if bytes of this side are missing before these.
        begins: True if another connection begins here, for both sides. No frame reaches into it.
    """

    side: Side
    data: bytes
    at: float | None = None
    after_gap: bool = False
    begins: bool = False


def _with_data(chunks: Iterable[CapturedChunk]) -> tuple[CapturedChunk, ...]:
    kept: list[CapturedChunk] = []
    begins = False
    for each in chunks:
        begins = begins or each.begins
        if each.data:
            kept.append(each if each.begins == begins else evolve(each, begins=begins))
            begins = False
    return tuple(kept)


@frozen
class Capture:
    """
    A TCP stream, or the part that was captured; or several that are joined.

    Args:
        chunks: in the order in which they passed. Chunks without data are left out.
        name: the stream for people, such as ``10.0.0.7:50432 > 10.0.0.9:8501``; empty if it has none.
        from_start: True if the first chunk is known to begin the connection.
        notes: what a reader of the answer must know of the capture, each as a sentence: it was cut, it is
            a sample.
        is_bare: True if nothing shows where chunks end, nor who sent them: all bytes are one chunk.
    """

    chunks: tuple[CapturedChunk, ...] = field(converter=_with_data)
    name: str = ""
    from_start: bool = False
    notes: tuple[str, ...] = ()
    is_bare: bool = False

    @property
    def size(self) -> int:
        """The bytes of both directions."""
        return sum(len(each.data) for each in self.chunks)
