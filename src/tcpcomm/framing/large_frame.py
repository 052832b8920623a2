"""
The bytes of one large frame while they come, for :class:`~tcpcomm.framing.base.Decoder`.

A frame of 50 MiB comes in 800 chunks or more. Appended to a buffer, and cut out of it when all are there,
each byte would be copied twice, and buffer and frame would be there at the same time. ``BytesIO`` writes
each chunk into what ``getvalue`` then hands out as it is: a byte is copied once, while it is still in the
processor's cache, and there is never more than the frame itself and the eighth by which it grows. It grows
with what has come, not with what a header promises.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

__all__ = ["LARGE", "LargeFrame"]

LARGE: Final = 64 * 1024
"""Bytes from which on a frame is large: what Twisted reads at once, so that it comes in several chunks."""


class LargeFrame:
    """
    A frame of known length.

    Args:
        total: its bytes on the wire, header included.
        strip: how many of them are taken off its front. The first chunk has them all.
    """

    __slots__ = ("_body", "_head", "_missing", "_strip")

    def __init__(self, total: int, strip: int) -> None:
        self._strip = strip
        self._head = b""
        self._body = BytesIO()
        self._missing = total

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return len(self._head) + self._body.tell()

    @property
    def held(self) -> bytes:
        """What has come."""
        return self._head + self._body.getvalue()

    def add(self, data: bytes) -> bytes | None:
        """Take a chunk; where the frame is complete with it, return what stands behind in it, else None."""
        missing = self._missing
        self._missing -= len(data)
        if len(self._head) < self._strip:
            self._head = data[: self._strip]
            self._body.write(memoryview(data)[self._strip :])
        elif self._missing > 0:
            self._body.write(data)
        else:
            self._body.write(memoryview(data)[:missing])
            return data[missing:]
        return None

    def take(self) -> bytes:
        """Return the frame, complete and without what is stripped."""
        return self._body.getvalue()
