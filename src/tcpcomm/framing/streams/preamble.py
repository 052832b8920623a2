"""Bytes before the first frame of a connection: :class:`Preamble`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError, UnexpectedBytes
from tcpcomm.framing.base import Decoder
from tcpcomm.framing.framing_around import FramingAround
from tcpcomm.framing.streams.filtered_decoder import FilteredDecoder


@frozen
class Preamble(FramingAround):
    """
    Another framing, behind bytes that are sent once, at the beginning of each connection.

    Serial servers begin a connection so, with the 6 bytes of their MAC address.

    Args:
        framing: the framing of what follows.
        preamble: the number of bytes, which may be any, or the bytes themselves. The receiver skips them.
            The sender sends them before its first frame; if only their number is known, it sends zeros.

    Raises:
        ConfigurationError: there are no such bytes.
    """

    preamble: int | bytes = field()

    @preamble.validator
    def _check_preamble(self, _: Any, preamble: int | bytes) -> None:
        if not isinstance(preamble, int | bytes) or isinstance(preamble, bool):
            raise ConfigurationError(f"a preamble is a number of bytes, or the bytes, not {preamble!r}")
        if (preamble if isinstance(preamble, int) else len(preamble)) < 1:
            raise ConfigurationError("a preamble must have at least 1 byte")

    @property
    def opening(self) -> bytes:
        own = bytes(self.preamble) if isinstance(self.preamble, int) else self.preamble
        return own + self.framing.opening

    def decoder(self) -> Decoder:
        size = self.preamble if isinstance(self.preamble, int) else len(self.preamble)
        return _PreambleDecoder(self.framing.decoder(), self, size)

    def encode(self, frame: bytes) -> bytes:
        return self.framing.encode(frame)

    def encode_large(self, frame: bytes) -> Sequence[bytes]:
        return self.framing.encode_large(frame)


@define(eq=False, repr=False, weakref_slot=False)
class _PreambleDecoder(FilteredDecoder):
    _framing: Preamble
    _left: int
    """The bytes of the preamble that have not arrived."""

    def filtered(self, data: bytes) -> bytes:
        if not self._left:
            return data
        preamble, begun = self._framing.preamble, data[: self._left]
        if isinstance(preamble, bytes):
            skipped = len(preamble) - self._left
            if not preamble.startswith(begun, skipped):
                self.fail(UnexpectedBytes, f"a connection must begin with {preamble!r}", at=-skipped)
        self._left -= len(begun)
        return data[len(begun) :]
