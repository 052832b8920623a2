"""
Cutting at lengths, for :class:`~tcpcomm.framing.length.LengthPrefixed`.

The quick ways of :mod:`tcpcomm.framing.quick` as far as they go, then the loop that takes care.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from tcpcomm.errors import BadLength, FrameTooLong, FramingError, UnexpectedBytes
from tcpcomm.framing.base import Buffer, Decoder
from tcpcomm.framing.quick import Cutter, cut_run

if TYPE_CHECKING:
    from tcpcomm.framing.length import LengthPrefixed

__all__ = ["BASES", "Layout", "LengthDecoder", "layout_of", "number"]

BASES: Final = {"decimal": 10, "hex": 16}
_DIGITS: Final = {"decimal": b"0123456789", "hex": b"0123456789ABCDEFabcdef"}
_ORDERS: Final = {"big": ">", "little": "<"}
_STRUCTS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}

ReadLength = Callable[[Buffer, int], int]
"""Reads the length field of the frame at a position; -1 where it is no number."""


def number(form: str, width: int) -> struct.Struct | None:
    """How ``struct`` writes such a length field; None where it cannot."""
    if form not in _ORDERS or width not in _STRUCTS:
        return None
    return struct.Struct(_ORDERS[form] + _STRUCTS[width])


class Layout:
    """What all decoders of a framing share: where its headers have what, and the ways to cut."""

    __slots__ = ("columns", "cutter", "extra", "framing", "header", "largest", "read", "strip", "sync")

    def __init__(self, framing: LengthPrefixed) -> None:
        self.framing = framing
        self.header = framing.header
        self.extra = framing.adjust + framing.header
        """What to add to the length field's value for the bytes of the whole frame."""
        self.strip = framing.strip
        self.largest = framing.max_frame + framing.strip
        """Bytes of the longest frame on the wire."""
        self.sync = framing.sync
        self.columns = [*range(len(framing.sync)), *range(framing.offset, framing.header)]
        """Where the bytes are that make a header good."""
        self.read = _length_reader(framing)
        self.cutter = self._cutter()

    def _cutter(self) -> Cutter | None:
        """The quick way for this framing; None where every header needs a closer look."""
        framing = self.framing
        if framing.sync or number(framing.form, framing.width) is None:
            return None
        return Cutter(
            _ORDERS[framing.form],
            _STRUCTS[framing.width],
            offset=framing.offset,
            header=self.header,
            extra=self.extra,
            strip=self.strip,
            largest=self.largest,
        )


@lru_cache(maxsize=64)
def layout_of(framing: LengthPrefixed) -> Layout:
    """The layout that all decoders of this framing share."""
    return Layout(framing)


def _length_reader(framing: LengthPrefixed) -> ReadLength:
    offset, width, form = framing.offset, framing.width, framing.form
    if form in ("big", "little"):
        order: Literal["big", "little"] = form
        length = number(form, width)
        if length is not None:
            unpack = length.unpack_from
            return lambda buffer, position: unpack(buffer, position + offset)[0]

        def read_binary(buffer: Buffer, position: int) -> int:
            start = position + offset
            return int.from_bytes(buffer[start : start + width], order)

        return read_binary

    base, digits = BASES[form], _DIGITS[form]

    def read_digits(buffer: Buffer, position: int) -> int:
        start = position + offset
        text = buffer[start : start + width]
        return -1 if text.strip(digits) else int(text, base)

    return read_digits


class LengthDecoder(Decoder):
    """Cuts where the length field says that a frame ends."""

    __slots__ = ("_layout", "_scanning")

    cuts_bytes = True

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self._layout = layout
        self._scanning = False  # garbage was reported: look for the next sync word in silence

    def feed(self, data: bytes) -> list[bytes]:
        # One whole frame and nothing else is what comes from a peer that waits for each answer. To see
        # that first saves 0.4 of its 0.75 µs.
        size = len(data)
        layout = self._layout
        nothing_held = not self._buffer and self._large is None
        if nothing_held and layout.cutter is not None and not self._steps and size >= layout.header:
            total = layout.read(data, 0) + layout.extra
            if total == size <= layout.largest and self._dead is None:
                self._start += total
                return [data[layout.strip :]]
        return super().feed(data)

    def cut(self, buffer: Buffer, position: int) -> int:
        buffer = bytes(buffer)
        cutter = self._layout.cutter
        if cutter is not None and not self._steps:
            position = cutter.cut(buffer, position, self._frames)
        if len(buffer) - position < self._layout.header:
            return position
        return self._cut_carefully(buffer, position)

    def _cut_carefully(self, buffer: bytes, position: int) -> int:
        layout, size = self._layout, len(buffer)
        header, extra, strip, largest = layout.header, layout.extra, layout.strip, layout.largest
        read, sync = layout.read, layout.sync
        frames, plain = self._frames, not self._steps
        previous = -1
        while size - position >= header:
            if sync and not buffer.startswith(sync, position):
                if not self._scanning:
                    self._scanning = True
                    self.fail(
                        UnexpectedBytes,
                        f"a frame must begin with {sync!r}, not with "
                        f"{buffer[position : position + len(sync)]!r}",
                        at=position,
                        recoverable=True,
                    )
                    return position
                found = buffer.find(sync, position)
                if found < 0:
                    return size - len(sync) + 1
                position = found
                continue
            raw = read(buffer, position)
            total = raw + extra
            if raw < 0 or total < header or total > largest:
                self._bad_length(buffer, position, raw)
                return position + 1
            self._scanning = False
            end = position + total
            if end > size:
                self.wait_for(total, strip=strip)
                break
            if not plain:
                if not self.deliver(buffer[position + strip : end], position):
                    return end
            elif total == previous and size - end >= total:
                columns = layout.columns
                end = cut_run(buffer, position, total, strip=strip, columns=columns, frames=frames)
            else:
                frames.append(buffer[position + strip : end])
            previous = total
            position = end
        return position

    def _bad_length(self, buffer: Buffer, position: int, raw: int) -> None:
        layout, framing = self._layout, self._layout.framing
        kind: type[FramingError] = BadLength
        if raw < 0:
            start = position + framing.offset
            field_bytes = bytes(buffer[start : start + framing.width])
            reason = f"the length field holds {field_bytes!r}, which is no {framing.form} number"
        elif raw + layout.extra < layout.header:
            reason = (
                f"the length field says {raw}: with adjust={framing.adjust} that is less than the "
                f"header's own {layout.header} bytes"
            )
        else:
            kind = FrameTooLong
            length = raw + layout.extra - layout.strip
            reason = f"a frame of {length} bytes exceeds max_frame={framing.max_frame}"
        self._scanning = bool(layout.sync)
        self.fail(kind, reason, at=position, recoverable=self._scanning)

    def _incomplete(self) -> bool:
        held = self._buffer or self._large or self._steps
        return bool(held) and not self._scanning and super()._incomplete()

    def _forget(self) -> None:
        super()._forget()
        self._scanning = False
