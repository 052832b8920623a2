"""
The decoder of :class:`~tcpcomm.framing.length.LengthPrefixed`: it cuts where a length field says.

:meth:`LengthDecoder.cut` first tries two quick ways: one ``struct`` that cuts a frame and reads the next
length field, and one that cuts up to 64 frames with equal headers. These leave a bad length or an
incomplete frame to the careful loop.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

from attrs import define, field

from tcpcomm.errors import BadLength, FrameTooLong, UnexpectedBytes
from tcpcomm.framing.base import LONGEST_REFUSED, Buffer, Decoder

Form = Literal["big", "little", "decimal", "hex"]
"""The ways in which a length field is written: binary in a byte order, or ASCII digits."""

SMALL: Final = 2048
"""The frame sizes, in bytes, below which headers and structs are kept. Larger frames gain nothing."""

LEARNED: Final = 256
"""The number of frame sizes whose headers or structs are kept, to limit memory."""

_FOLLOWED: Final = 4  # frames: with fewer behind it, a frame is cut as quickly alone
_FEWEST: Final = 8  # frames of a chunk that is one run: fewer are cut as quickly in the general way
_REPEATS: Final = 4  # equal neighbours that suggest a run; twice as many after a short run
_SHORT: Final = 16  # frames: finding a run of fewer costs more than it gains
_ROOM: Final = 24  # frames: with fewer in the buffer, the loop that looks for no run is quicker
_BLOCKS: Final = (64, 16, 4)  # frames of a run that one struct cuts: the most that are left
_NOT_A_NUMBER: Final = -(2**70)  # less than any length, whatever is added to it

_Read = Callable[[Buffer, int], tuple[int, ...]]
_Unpack = Callable[[Buffer, int], tuple[Any, ...]]


@define(eq=False)
class LengthHeader:
    """
    The fields of a header, as in ``LengthPrefixed``, and the quick ways to read it.

    All decoders of a framing share it.
    """

    width: int
    form: Form
    offset: int
    adjust: int
    strip: int
    sync: bytes
    max_frame: int

    size: int = field(init=False)
    """The bytes from the start of a frame to the end of its length field."""

    extra: int = field(init=False)
    """The number to add to the length field's value for the bytes of the whole frame."""

    largest: int = field(init=False)
    """The bytes of the longest frame on the wire."""

    checked_columns: list[int] = field(init=False)
    """The positions of the header bytes that are checked."""

    largest_learned: int = field(init=False)
    """The bytes of the longest chunk for which a struct is made, if the header is a binary number."""

    read: _Read = field(init=False)

    structs: dict[int, _Unpack] | None = field(init=False)
    """Structs that cut a frame and read the next length field, by the length field's value."""

    chunk_structs: dict[int, Callable[[bytes], tuple[int, bytes]]] = field(factory=dict, init=False)
    """Structs that take a chunk apart as one frame, by the chunk's size."""

    def __attrs_post_init__(self) -> None:
        self.size = self.offset + self.width
        self.extra = self.adjust + self.size
        self.largest = self.max_frame + self.strip
        self.checked_columns = [*range(len(self.sync)), *range(self.offset, self.size)]
        code = _struct_code(self.form, self.width)
        self.largest_learned = SMALL if code and self.size == self.strip == self.width else 0
        self.structs = {} if code and not self.sync else None
        if code:
            self.read = struct.Struct(f"{code[0]}{self.offset}x{code[1]}").unpack_from
        else:
            self.read = _length_reader(self.form, self.offset, self.size)

    def learn_chunk(self, size: int) -> None:
        if len(self.chunk_structs) < LEARNED:
            code = _struct_code(self.form, self.width)
            self.chunk_structs[size] = struct.Struct(f"{code}{size - self.size}s").unpack

    def learn(self, value: int) -> bool:
        """Make the struct for frames with this length. Return False if it is not a small valid length."""
        total, code = value + self.extra, _struct_code(self.form, self.width)
        if self.structs is None or not self.size <= total <= self.largest or value >= SMALL:
            return False
        layout = f"{code[0]}{self.strip}x{total - self.strip}s{self.offset}x{code[1]}"
        self.structs[value] = struct.Struct(layout).unpack_from
        return True


def _struct_code(form: Form, width: int) -> str:
    """Return the format of this field for ``struct``, or "" if it has none."""
    order, code = {"big": ">", "little": "<"}.get(form), {1: "B", 2: "H", 4: "I", 8: "Q"}.get(width)
    return f"{order}{code}" if order and code else ""


def _length_reader(form: Form, start: int, end: int) -> _Read:
    """Return a function that reads the length field at these bytes of a header, without ``struct``."""
    if form in ("big", "little"):
        order: Literal["big", "little"] = form

        def read_binary(buffer: Buffer, position: int) -> tuple[int]:
            return (int.from_bytes(buffer[position + start : position + end], order),)

        return read_binary

    base, digits = (10, b"0123456789") if form == "decimal" else (16, b"0123456789ABCDEFabcdef")

    def read_digits(buffer: Buffer, position: int) -> tuple[int]:
        text = buffer[position + start : position + end]
        return (_NOT_A_NUMBER if text.strip(digits) else int(text, base),)

    return read_digits


class LengthDecoder(Decoder):
    """Cuts where the length field says that a frame ends."""

    __slots__ = ("_header",)

    def __init__(self, header: LengthHeader) -> None:
        super().__init__()
        self._header = header

    def cut_chunk(self, data: bytes) -> list[bytes] | None:
        header, size = self._header, len(data)
        if size in header.chunk_structs:
            value, frame = header.chunk_structs[size](data)
            total = value + header.extra
            if total == size:
                return [frame]
        elif size < header.size or (header.sync and not data.startswith(header.sync)):
            return None
        else:
            (value,) = header.read(data, 0)
            total = value + header.extra
            if total == size <= header.largest:
                if size <= header.largest_learned:
                    header.learn_chunk(size)
                return [data[header.strip :]]
        if size < total <= header.largest:
            self.wait_for(total, strip=header.strip)
            return []
        if _FEWEST * total <= size and header.size <= total <= header.largest and size % total == 0:
            frames: list[bytes] = []  # a run, perhaps
            if _cut_run(data, 0, total, header, frames) == size:
                return frames
        return None

    def cut(self, buffer: Buffer, position: int) -> int:
        if self.discarding:
            position = self.skip_refused(buffer, position)
            self.discarding = self.refused > 0
        buffer = bytes(buffer)
        if self._header.structs is not None and not self._piece_decoders:
            position = self._cut_quickly(buffer, position)
        if len(buffer) - position < self._header.size:
            return position
        return self._cut_carefully(buffer, position)

    def _cut_quickly(self, buffer: bytes, position: int) -> int:
        """Deliver complete frames with good binary lengths. Return the position of the rest."""
        header, frames = self._header, self._frames
        read, extra, strip, largest = header.read, header.extra, header.strip, header.largest
        size = len(buffer)
        last = size - header.size
        while position <= last:
            (value,) = read(buffer, position)
            total = value + extra
            end = position + total
            if end > size or not header.size <= total <= largest:
                break
            if value < SMALL and position + _FOLLOWED * total < last:
                position = self._cut_small(buffer, position, value)
            else:
                frames.append(buffer[position + strip : end])
                position = end
        return position

    def _cut_small(self, buffer: bytes, position: int, value: int) -> int:
        """Cut small frames, each with the length field that follows it. Return the position of the rest."""
        header, frames = self._header, self._frames
        structs, extra = header.structs, header.extra
        assert structs is not None
        patience = _REPEATS
        while True:
            repeats = 0
            has_room = len(buffer) - position >= _ROOM * (value + extra)
            try:
                while not has_room:  # for a run: the loop without counting is quicker
                    frame, following = structs[value](buffer, position)
                    frames.append(frame)
                    position += value + extra
                    value = following
                while True:
                    frame, following = structs[value](buffer, position)
                    frames.append(frame)
                    position += value + extra
                    if following == value:
                        repeats += 1
                        if repeats == patience:
                            break
                    value = following
            except KeyError:
                if not header.learn(value):
                    return position
            except struct.error:  # the frame is incomplete: a check of each one would cost more
                return position
            else:
                before = len(frames)
                position = _cut_run(buffer, position, value + extra, header, frames)
                patience = 2 * patience if len(frames) - before < _SHORT else _REPEATS
                if position > len(buffer) - header.size:
                    return position
                (value,) = header.read(buffer, position)

    def _cut_carefully(self, buffer: bytes, position: int) -> int:
        header, size, frames, plain = self._header, len(buffer), self._frames, not self._piece_decoders
        extra, strip, sync, read = header.extra, header.strip, header.sync, header.read
        previous = -1
        while size - position >= header.size:
            if sync and not buffer.startswith(sync, position):
                if not self.scanning:
                    found = buffer[position : position + len(sync)]
                    reason = f"a frame must begin with {sync!r}, not with {found!r}"
                    return self._fail_and_scan(UnexpectedBytes, reason, at=position, resume=position)
                next_sync = buffer.find(sync, position)
                if next_sync < 0:
                    return size - len(sync) + 1
                position = next_sync
                continue
            (value,) = read(buffer, position)
            total = value + extra
            if not header.size <= total <= header.largest:
                return self._bad_length(buffer, position, value)
            self.scanning = False
            end = position + total
            if end > size:
                self.wait_for(total, strip=strip)
                break
            if not plain:
                if not self.deliver(buffer[position + strip : end], position):
                    return end
            elif total == previous and size - end >= total:
                end = _cut_run(buffer, position, total, header, frames)
            else:
                frames.append(buffer[position + strip : end])
            previous = total
            position = end
        return position

    def _bad_length(self, buffer: Buffer, position: int, value: int) -> int:
        """Note the fault of a length field. Return the position where the stream goes on."""
        header = self._header
        if value < 0:
            start = position + header.offset
            found = bytes(buffer[start : start + header.width])
            reason = f"the length field holds {found!r}, which is not a {header.form} number"
        elif value + header.extra < header.size:
            reason = (
                f"the length field says {value}: with adjust={header.adjust} that is less than the "
                f"header's own {header.size} bytes"
            )
        else:
            return self._too_long(position, value + header.extra)
        self.scanning = bool(header.sync)
        self.fail(BadLength, reason, at=position, recoverable=self.scanning)
        return position + 1

    def _too_long(self, position: int, total: int) -> int:
        """Refuse a frame, so that nothing in its body is taken for a frame."""
        header = self._header
        length = total - header.strip
        self.scanning = False
        self.discarding = bool(header.sync) and length <= LONGEST_REFUSED * header.max_frame
        self.refused = total if self.discarding else 0
        outcome = " and is discarded" if self.discarding else ""
        reason = f"a frame of {length} bytes exceeds max_frame={header.max_frame}{outcome}"
        self.fail(FrameTooLong, reason, at=position, recoverable=self.discarding)
        return position


def _cut_run(buffer: bytes, position: int, total: int, header: LengthHeader, frames: list[bytes]) -> int:
    """
    Append the frames of ``total`` bytes whose checked header bytes equal those at ``position``.

    The header at ``position`` must be known to be good. Return the position after the run.
    """
    strip = header.strip
    left = _run_length(buffer, position, total, header.checked_columns)
    for count in _BLOCKS:
        if left >= count:
            blocks, left = divmod(left, count)
            unpack = _block_struct(strip, total - strip, count)
            for _ in range(blocks):
                frames += unpack(buffer, position)
                position += total * count
    for _ in range(left):
        frames.append(buffer[position + strip : position + total])
        position += total
    return position


def _run_length(buffer: bytes, position: int, total: int, columns: Sequence[int]) -> int:
    """
    Return how many frames from ``position`` on have equal bytes in these columns.

    Strided slices compare one column of many frames. The range grows with the run, because short runs in a
    hostile pattern would make the cost quadratic otherwise.
    """
    most = (len(buffer) - position) // total
    run, ahead = 0, _BLOCKS[0]
    while run < most:
        compared = equal = min(ahead, most - run)
        start = position + run * total
        for index in columns:
            column = buffer[start + index : start + index + equal * total : total]
            expected = buffer[position + index : position + index + 1]
            if column != expected * equal:
                equal -= len(column.lstrip(expected))
        run += equal
        if equal < compared:
            break
        ahead = 4 * run
    return run


@lru_cache(maxsize=256)
def _block_struct(skip: int, size: int, count: int) -> _Unpack:
    """Return a function that cuts ``count`` frames of ``skip + size`` bytes, without their first bytes."""
    return struct.Struct(f"{skip}x{size}s" * count).unpack_from
