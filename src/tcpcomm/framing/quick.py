"""
Quick ways to cut many small frames with length fields, for :mod:`tcpcomm.framing.length_decoder`.

In Python it is the operations that cost and not the bytes, so these do more with each: one ``struct``
cuts a frame and reads the next one's length, another cuts 64 frames whose headers are equal.

What is valid is not decided here. Whatever is out of the ordinary (a length beyond the limits, a frame
that is not all there) is left where it stands, for a loop that takes care.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

__all__ = ["LEARNED", "SMALL", "Cutter", "cut_run"]

_Unpack = Callable[[bytes, int], tuple[Any, ...]]

SMALL: Final = 2048
"""Bytes, or a length field's value: larger frames gain nothing, and what is learned takes memory."""

LEARNED: Final = 256
"""Sizes for which is kept how to take a frame that comes alone apart, or what header goes before one."""

_MANY: Final = 4  # of fewer frames the quick way is not the shorter one
_REPEATS: Final = 4  # so many equal neighbours suggest a run
_BLOCK: Final = 64  # frames of a run that one struct cuts


def _not_learned(buffer: bytes, position: int) -> tuple[Any, ...]:
    raise LookupError


class Cutter:
    """
    Cuts complete frames with a binary length field and no sync word.

    It knows nothing of a stream: all decoders of a framing share one.

    Args:
        order: the byte order, as ``struct`` writes it.
        code: the length field, as ``struct`` writes it.
        offset: bytes before the length field.
        header: bytes up to the end of the length field: a frame has at least so many.
        extra: what to add to the length field's value for the bytes of the whole frame.
        strip: bytes that are taken off the front of each frame.
        largest: bytes of the longest frame that is cut.
    """

    __slots__ = ("_code", "_cut", "_extra", "_header", "_largest", "_offset", "_order", "_strip", "read")

    def __init__(
        self, order: str, code: str, *, offset: int, header: int, extra: int, strip: int, largest: int
    ) -> None:
        self._order = order
        self._code = code
        self._offset = offset
        self._header = header
        self._extra = extra
        self._strip = strip
        self._largest = largest
        self.read: _Unpack = struct.Struct(f"{order}{offset}x{code}").unpack_from
        self._cut: list[_Unpack] = [_not_learned] * SMALL
        """By the length field's value: a list is quicker than a dictionary, by 6 of 165 ns for a frame."""

    def cut(self, buffer: bytes, position: int, frames: list[bytes]) -> int:
        """Append the frames that stand in the buffer from ``position`` on; return where it stopped."""
        read, header, extra, strip = self.read, self._header, self._extra, self._strip
        largest, size = self._largest, len(buffer)
        last = size - header
        while position <= last:
            (raw,) = read(buffer, position)
            total = raw + extra
            end = position + total
            if end > size or not header <= total <= largest:
                break
            if raw < SMALL and position + _MANY * total < last:
                position = self._cut_many(buffer, position, raw, frames)
            else:
                frames.append(buffer[position + strip : end])
                position = end
        return position

    def _cut_many(self, buffer: bytes, position: int, raw: int, frames: list[bytes]) -> int:
        """Cut the small frames that are followed by another header, which is read along with them."""
        cut, extra = self._cut, self._extra
        repeats = 0
        while True:
            try:
                while True:
                    frame, following = cut[raw](buffer, position)
                    frames.append(frame)
                    position += raw + extra
                    if following == raw:
                        repeats += 1
                        if repeats == _REPEATS:
                            break
                    raw = following
            except LookupError:
                if not self._learn(raw):
                    return position
            except struct.error:  # not all there; to look what is left, before each frame, would cost 10 ns
                return position
            else:
                repeats = 0
                total = raw + extra
                columns = range(self._offset, self._header)
                position = cut_run(
                    buffer, position, total, strip=self._strip, columns=columns, frames=frames
                )
                if position > len(buffer) - self._header:
                    return position
                (raw,) = self.read(buffer, position)

    def _learn(self, raw: int) -> bool:
        """Prepare for frames whose length field has this value; false if they are none of ours."""
        total = raw + self._extra
        if not self._header <= total <= self._largest or raw >= SMALL:
            return False
        layout = f"{self._order}{self._strip}x{total - self._strip}s{self._offset}x{self._code}"
        self._cut[raw] = struct.Struct(layout).unpack_from
        return True


def cut_run(
    buffer: bytes, position: int, total: int, *, strip: int, columns: Sequence[int], frames: list[bytes]
) -> int:
    """
    Append the run of complete frames whose headers are equal; return where it ends.

    Args:
        buffer: what is cut.
        position: where a frame begins whose header is known to be good.
        total: bytes of that frame, header included.
        strip: bytes taken off the front of each frame.
        columns: where the bytes are, counted from a frame's first, that make its header good.
        frames: where the frames go.
    """
    run = _run_length(buffer, position, total, columns)
    blocks, single = divmod(run, _BLOCK)
    if blocks:
        unpack = _block(strip, total - strip)
        for _ in range(blocks):
            frames += unpack(buffer, position)
            position += total * _BLOCK
    for _ in range(single):
        frames.append(buffer[position + strip : position + total])
        position += total
    return position


def _run_length(buffer: bytes, position: int, total: int, columns: Sequence[int]) -> int:
    """
    How many frames from ``position`` on have the same bytes in these columns.

    Strided slices show it. How far they look ahead grows with the run, or a hostile pattern of short runs
    would make the cost quadratic.
    """
    most = (len(buffer) - position) // total
    run, ahead = 0, _BLOCK
    while run < most:
        looked = same = min(ahead, most - run)
        start = position + run * total
        for index in columns:
            column = buffer[start + index : start + index + same * total : total]
            expected = buffer[position + index : position + index + 1]
            if column != expected * same:
                same -= len(column.lstrip(expected))
        run += same
        if same < looked:
            break
        ahead = 4 * run
    return run


@lru_cache(maxsize=256)
def _block(skip: int, size: int) -> _Unpack:
    return struct.Struct(f"{skip}x{size}s" * _BLOCK).unpack_from
