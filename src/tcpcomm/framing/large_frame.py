"""
The bytes of one large frame while it arrives, for :class:`~tcpcomm.framing.base.Decoder`.

``BytesIO`` copies each chunk once, and ``getvalue`` returns its memory without another copy. It grows with
the bytes that arrive, not with the length that a header announces.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

LARGE: Final = 64 * 1024
"""The bytes from which a frame is large. Twisted reads so many at once, so more come in several chunks."""


class LargeFrame:
    """
    A frame of known length that is being received.

    Args:
        missing: the bytes on the wire that have not arrived, header included.
        strip: the bytes to take off the front. The first chunk holds all of them.
    """

    __slots__ = ("_body", "_missing", "_strip", "_stripped")

    def __init__(self, missing: int, strip: int) -> None:
        self._missing = missing
        self._strip = strip
        self._stripped = b""
        self._body = BytesIO()

    @property
    def size(self) -> int:
        """The bytes that have arrived."""
        return len(self._stripped) + self._body.tell()

    @property
    def total(self) -> int:
        """The bytes of the whole frame on the wire."""
        return self.size + self._missing

    def first(self, count: int) -> bytes:
        """Return the first bytes that have arrived, without a copy of the others."""
        return (self._stripped + bytes(self._body.getbuffer()[:count]))[:count]

    @property
    def received(self) -> bytes:
        """All bytes that have arrived."""
        return self._stripped + self._body.getvalue()

    def add(self, data: bytes) -> bytes | None:
        """Take a chunk. Return the bytes after the frame if the chunk completes it, otherwise None."""
        missing = self._missing
        self._missing -= len(data)
        if len(self._stripped) < self._strip:
            self._stripped = data[: self._strip]
            self._body.write(memoryview(data)[self._strip :])
        elif self._missing > 0:
            self._body.write(data)
        else:
            self._body.write(memoryview(data)[:missing])
            return data[missing:]
        return None

    def frame(self) -> bytes:
        """Return the complete frame, without its stripped bytes."""
        return self._body.getvalue()
