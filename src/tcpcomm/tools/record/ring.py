"""
The ring of a recording, without I/O: :class:`Ring` decides which blocks of rows are deleted.

A block is a run of consecutive rows. Old rows are deleted by whole blocks, when they are too old, or when
the file is too large. Blocks around a fault are pinned: they stay when older ones than themselves are
deleted, up to half of the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve, frozen

LARGEST_BLOCK: Final = 4 * 1024 * 1024
"""Bytes that are deleted at once, or those of 15 seconds. The next values are another block."""

BLOCKS: Final = 64
"""Blocks that a full recording has at least. In a small file, blocks are smaller."""

_SMALLEST_BLOCK: Final = 16 * 1024
_LONGEST_BLOCK: Final = 15_000_000
"""Microseconds from the first to the last row of a block, so that a fault does not pin much more."""

AFTER_FAULT: Final = 10_000_000
"""Microseconds after a fault whose values are kept longer, too. Later values are deleted as usual."""

PINNED_SHARE: Final = 0.5
"""Part of the file that values near faults may take. Beyond it the oldest of them are deleted."""


@frozen
class Block:
    """
    A run of rows.

    Args:
        number: of the block.
        first, last: the numbers of its first and last row.
        began_at, ended_at: their times, in microseconds.
        size: the bytes of its rows, about.
        fault_at: the time of the last fault that pins the block, or None.
    """

    number: int
    first: int
    last: int
    began_at: int
    ended_at: int
    size: int
    fault_at: int | None = None


class Ring:
    """
    The blocks of one recording.

    Args:
        most_bytes: the size of the file beyond which old blocks are deleted.
        most_age: microseconds after which a block is deleted, unless it is pinned.
        before_fault: microseconds before a fault for which blocks are pinned.
        blocks: the blocks of the file, the oldest one first.
    """

    def __init__(
        self, *, most_bytes: int, most_age: int, before_fault: int, blocks: Iterable[Block] = ()
    ) -> None:
        self._most_bytes = most_bytes
        self._most_age = most_age
        self._before_fault = before_fault
        self._block_size = min(max(most_bytes // BLOCKS, _SMALLEST_BLOCK), LARGEST_BLOCK)
        self._blocks = {each.number: each for each in blocks}
        self._fault_at: int = max((each.fault_at or 0 for each in self._blocks.values()), default=0)
        self._pinned_bytes = sum(each.size for each in self._blocks.values() if each.fault_at is not None)

    @property
    def blocks(self) -> list[Block]:
        """The blocks, the oldest one first."""
        return list(self._blocks.values())

    @property
    def last(self) -> Block | None:
        """The block of the newest rows."""
        return next(reversed(self._blocks.values()), None)

    def add(
        self, *, first: int, last: int, began_at: int, ended_at: int, size: int, faults: Sequence[int] = ()
    ) -> list[Block]:
        """
        Add rows behind all others. Return the blocks that this changed, or made.

        Args:
            first, last, began_at, ended_at, size: as those of a :class:`Block`.
            faults: the times of the faults among them.
        """
        newest = self.last
        if newest is None or not self._has_room(newest, ended_at):
            number = 1 if newest is None else newest.number + 1
            newest = Block(number, first, last, began_at, ended_at, 0)
        changed = {newest.number: evolve(newest, last=last, ended_at=ended_at, size=newest.size + size)}
        if newest.fault_at is not None:
            self._pinned_bytes += size
        self._blocks.update(changed)
        for fault in faults:
            self._fault_at = fault
            for block in self._pin_before(fault):
                changed[block.number] = block
        fault_at = self._fault_at
        newest = self._blocks[newest.number]
        if fault_at and newest.fault_at is None and 0 <= began_at - fault_at <= AFTER_FAULT:
            changed[newest.number] = self._pin(newest, fault_at)
        return list(changed.values())

    def _has_room(self, block: Block, until: int) -> bool:
        return block.size < self._block_size and until - block.began_at <= _LONGEST_BLOCK

    def _pin_before(self, fault_at: int) -> list[Block]:
        pinned = []
        for block in reversed(self._blocks.values()):
            if block.ended_at < fault_at - self._before_fault:
                break
            pinned.append(block)
        return [self._pin(each, fault_at) for each in pinned]

    def _pin(self, block: Block, fault_at: int) -> Block:
        if block.fault_at is None:
            self._pinned_bytes += block.size
        pinned = self._blocks[block.number] = evolve(block, fault_at=fault_at)
        return pinned

    def doomed(self, *, used: int, now: int) -> Block | None:
        """
        Return the block to delete next, or None if all may stay.

        Args:
            used: the bytes that the file uses now.
            now: the time, in microseconds.
        """
        newest = self.last
        if newest is None:
            return None
        others = (each for each in self._blocks.values() if each is not newest)
        too_large = used > self._most_bytes
        pinned_too_large = self._pinned_bytes > self._most_bytes * PINNED_SHARE
        oldest_pinned: Block | None = None
        for block in others:
            if block.fault_at is not None:
                oldest_pinned = oldest_pinned or block
                if too_large and pinned_too_large:
                    return block
                continue
            return block if too_large or now - block.ended_at > self._most_age else None
        return oldest_pinned if too_large else None

    def remove(self, block: Block) -> None:
        """Forget a block after its rows were deleted."""
        removed = self._blocks.pop(block.number)
        if removed.fault_at is not None:
            self._pinned_bytes -= removed.size
