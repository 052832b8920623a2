"""The second stage of decoding, from pieces to frames: :class:`PieceDecoder`."""

from __future__ import annotations

from tcpcomm.errors import FramingError


class UnusablePiece(Exception):
    """A piece that a :class:`PieceDecoder` cannot accept. The decoder reports it as a framing fault."""

    def __init__(self, kind: type[FramingError], reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class PieceDecoder:
    """
    A second stage of decoding: it turns each piece that a decoder cuts out of the stream into a frame.

    Verifying a checksum, removing escapes and reassembling fragments are such stages.
    """

    __slots__ = ()

    def decode(self, piece: bytes) -> bytes | None:
        """
        Return the frame that this piece completes, or None if it completes none.

        Raises:
            UnusablePiece: the piece is faulty. The stream goes on after it.
        """
        raise NotImplementedError

    @property
    def pending(self) -> bool:
        """True if earlier pieces wait for the rest of their frame."""
        return False

    @property
    def buffered(self) -> int:
        """The bytes of the pieces that wait."""
        return 0

    def piece_lost(self) -> None:
        """Note that a piece was lost to a fault, so that the pending frame may be incomplete."""

    def reset(self) -> None:
        """Drop the pieces that wait."""
