"""
Packs: many chunks and frames as one value of the database.

A record is the bytes of a chunk or a frame, and a tail of 24 bytes behind them. The tail stands behind the
bytes, so that the number of the newest record is found at the end of a pack without a walk through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any, Final, TypeAlias

from tcpcomm.tools.record.schema import FRAME, MASKED, OWNER_FLAGS, SENT

Row: TypeAlias = tuple[Any, ...]

TAIL: Final = Struct(">IIQQ")
"""The session and the flags, the bytes of the data, the number, and the time in microseconds."""

_TAIL_SIZE: Final = TAIL.size


class DamagedPack(Exception):
    """
    The bytes are not a pack.

    Args:
        rows: those that can be read, the oldest first. They are the last ones of the pack.
    """

    def __init__(self, rows: list[Row]) -> None:
        super().__init__("a pack of chunks is damaged")
        self.rows = rows


def last_of(pack: bytes | bytearray) -> tuple[int, int]:
    """Return the number and the time of the last record."""
    _, _, number, at = TAIL.unpack_from(pack, len(pack) - _TAIL_SIZE)
    return number, at


def began_at(pack: bytes | bytearray) -> int:
    """Return the time of the first record."""
    at, end = 0, len(pack)
    while end:
        _, size, _, at = TAIL.unpack_from(pack, end - _TAIL_SIZE)
        end -= _TAIL_SIZE + size
    return at


def rows_of(pack: bytes, flag: int | None = None) -> list[Row]:
    """
    Take a pack apart.

    Args:
        pack: the bytes.
        flag: 0 for chunks, :data:`~tcpcomm.tools.record.schema.FRAME` for frames, None for both.

    Returns:
        Number, time, session, 1 if the bytes were sent, the bytes, and 1 if they are masked; for each
        record in order.

    Raises:
        DamagedPack: the bytes are not a pack.
    """
    rows: list[Row] = []
    for owner, number, at, data in _backwards(pack, rows):
        if flag is None or owner & FRAME == flag:
            sent, masked = owner & SENT, (owner & MASKED) // MASKED
            rows.append((number, at, owner >> OWNER_FLAGS, sent, data, masked))
    rows.reverse()
    return rows


def _backwards(pack: bytes, rows: list[Row]) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield the owner, the number, the time and the data of each record, the last one first."""
    end, before = len(pack), 1 << 64
    while end:
        begin = end - _TAIL_SIZE
        if begin < 0:
            raise DamagedPack(rows[::-1])
        owner, size, number, at = TAIL.unpack_from(pack, begin)
        if size > begin or number >= before:
            raise DamagedPack(rows[::-1])
        end, before = begin - size, number
        yield owner, number, at, pack[end:begin]
