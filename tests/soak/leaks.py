"""What must not grow while links live: objects, container entries, timers, files: :class:`Leaks`."""

from __future__ import annotations

import gc
import os
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

__all__ = ["Leaks", "Sample"]

ROOM: Final = 200
"""Objects of one type, or timers, that a sample may have more than the first: links differ in state."""

SHARE: Final = 0.03
"""The share by which it may exceed that, too."""

ENTRIES: Final = 4000
"""Container entries by which a sample may exceed the first: what the ledgers remember is not counted."""

SHOWN: Final = 5
FILES: Final = Path("/proc/self/fd")


@frozen
class Sample:
    """One count of everything, while nothing happens."""

    objects: Counter[str]
    entries: int
    """Entries of all dicts, lists, sets and deques."""
    timers: int
    files: int | None
    """Open file descriptors; None where the system does not tell."""


def sample(timers: int, apart: Sequence[object] = ()) -> Sample:
    """
    Count all objects that the garbage collector knows, after it has run.

    Args:
        timers: pending timers of all programs.
        apart: containers whose entries do not count, because the soak itself remembers in them.
    """
    gc.collect()
    not_counted = {id(each) for each in apart}
    objects: Counter[str] = Counter()
    entries = 0
    for each in gc.get_objects():
        kind: Any = type(each)
        objects[f"{kind.__module__}.{kind.__qualname__}"] += 1
        if kind in (dict, list, set, deque) and id(each) not in not_counted:
            entries += len(each)
    files = len(os.listdir(FILES)) if FILES.exists() else None
    return Sample(objects, entries, timers, files)


@define
class Leaks:
    """The samples of one run. The first ones are the measure: caches fill in that time."""

    warm_up: int = 1
    count: int = field(default=0, init=False)
    samples: list[Sample] = field(factory=list, init=False)

    def add(self, new: Sample) -> list[str]:
        """Add a sample. Return what has grown against the measure, in words."""
        self.count += 1
        self.samples.append(new)
        if len(self.samples) <= self.warm_up:
            return []
        first = self.samples[self.warm_up - 1]
        grown = [
            f"{count} objects of {kind}, at first {first.objects[kind]}"
            for kind, count in new.objects.items()
            if _has_grown(first.objects[kind], count)
        ]
        del grown[SHOWN:]
        if _has_grown(first.timers, new.timers):
            grown.append(f"{new.timers} timers, at first {first.timers}")
        if new.entries > first.entries * (1 + SHARE) + ENTRIES:
            grown.append(f"{new.entries} entries in containers, at first {first.entries}")
        if new.files is not None and first.files is not None and new.files > first.files:
            grown.append(f"{new.files} open files, at first {first.files}")
        # Only the last one is compared again; the others would keep their counters.
        del self.samples[self.warm_up : -1]
        return grown


def _has_grown(first: int, now: int) -> bool:
    return now > first * (1 + SHARE) + ROOM
