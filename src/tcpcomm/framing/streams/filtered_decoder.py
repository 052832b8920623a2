"""A decoder that takes bytes out of a stream, and gives the rest to another: :class:`FilteredDecoder`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from attrs import define

from tcpcomm.errors import FramingError
from tcpcomm.framing.base import Buffer, Decoder
from tcpcomm.framing.pieces import PieceDecoder


@define(eq=False, repr=False, weakref_slot=False)
class FilteredDecoder(Decoder):
    """
    Filters the stream for an inner decoder, which cuts the frames.

    The offsets of faults count only the bytes that the inner decoder sees.
    """

    _inner: Decoder

    @abstractmethod
    def filtered(self, data: bytes) -> bytes:
        """Return the bytes of a chunk that the inner decoder gets. After :meth:`fail` it gets none."""

    def cut(self, buffer: Buffer, position: int) -> int:
        data = self.filtered(bytes(memoryview(buffer)[position:]))
        if self._fault is None:
            try:
                self._frames += self._inner.feed(data)
            except FramingError as fault:
                self._frames += fault.frames
                self._fault = fault
        return len(buffer)

    def read_by(self, decoder: Decoder) -> tuple[Decoder, Decoder]:
        self._inner, replaced = self._inner.read_by(decoder)
        return self, replaced

    @property
    def piece_decoders(self) -> list[PieceDecoder]:
        return self._inner.piece_decoders

    @piece_decoders.setter
    def piece_decoders(self, piece_decoders: list[PieceDecoder]) -> None:
        self._inner.piece_decoders = piece_decoders

    def answer_by(self, send: Callable[[bytes], object]) -> None:
        self._inner.answer_by(send)

    def flush(self) -> list[bytes]:
        self._check_alive()
        return self._inner.flush()

    def close(self) -> list[bytes]:
        self._check_alive()
        return self._inner.close()

    @property
    def buffered(self) -> int:
        return self._inner.buffered

    @property
    def trailing(self) -> bytes:
        return self._inner.trailing

    @property
    def ends_by_silence(self) -> bool:
        return self._inner.ends_by_silence

    @property
    def mid_frame(self) -> bool:
        return self._inner.mid_frame

    @property
    def unfinished(self) -> str:
        return self._inner.unfinished

    @property
    def progress(self) -> str:
        return self._inner.progress
