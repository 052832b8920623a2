"""
The bytes of one large frame while they come, for :class:`~tcpcomm.framing.base.Decoder`.

A frame of 50 MiB comes in 800 chunks or more. Appended to one buffer and cut out of it each byte would be
copied twice, and the buffer and the frame would be there at the same time, beside what was joined to cut
it. The chunks are kept as they came instead, and joined when the last is there: a byte is copied once, and
at no time is there more than twice the frame.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LARGE", "LargeFrame"]

LARGE: Final = 64 * 1024
"""Bytes from which on a frame is large: what Twisted reads at once, so that it comes in several chunks."""

_SMALL: Final = 512  # bytes: shorter chunks are put together, or the objects would outweigh what is in them


class LargeFrame:
    """
    A frame of known length.

    Args:
        total: its bytes on the wire, header included.
        strip: how many of them are taken off its front; the first chunk has them all.
    """

    __slots__ = ("_chunks", "_strip", "_total", "size")

    def __init__(self, total: int, strip: int) -> None:
        self._total = total
        self._strip = strip
        self._chunks: list[bytes | bytearray] = []
        self.size = 0
        """Bytes that have come."""

    def add(self, data: bytes) -> bool:
        """Take a chunk; true where the frame is complete with it."""
        self.size += len(data)
        chunks = self._chunks
        if len(data) >= _SMALL:
            chunks.append(data)
        elif chunks and isinstance(last := chunks[-1], bytearray):
            last += data
        else:
            chunks.append(bytearray(data))
        return self.size >= self._total

    def take(self) -> tuple[bytes, bytes]:
        """Return the complete frame without what is stripped, and the bytes behind it."""
        chunks: list[bytes | bytearray | memoryview] = [*self._chunks]
        behind = bytes(memoryview(chunks[-1])[len(chunks[-1]) - (self.size - self._total) :])
        if behind:
            chunks[-1] = memoryview(chunks[-1])[: -len(behind)]
        chunks[0] = memoryview(chunks[0])[self._strip :]
        return b"".join(chunks), behind

    @property
    def held(self) -> bytes:
        """What has come."""
        return b"".join(self._chunks)
