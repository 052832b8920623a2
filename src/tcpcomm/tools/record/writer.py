"""The thread that writes a recording: :class:`Writer`."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import ClassVar, Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.tools.record.clock import RecordingClock
from tcpcomm.tools.record.packs import began_at, last_of
from tcpcomm.tools.record.ring import Ring
from tcpcomm.tools.record.row_queue import ROW_COST, TOO_SLOW, RowQueue
from tcpcomm.tools.record.rows import Batch, RowMaker
from tcpcomm.tools.record.store import Connect, Store, is_damage

_COMMIT_INTERVAL: Final = 0.2
"""Seconds between two transactions."""

_RETRY: Final = 1.0
"""Seconds between two attempts to write, if one has failed."""

_RING_INTERVAL: Final = 1.0
"""Seconds between two looks at the size and the age of the recording."""

_MOVE_INTERVAL: Final = 10.0
"""
Seconds after which rows are moved from the file ``-wal`` into the database, so that a copy without that
file lacks no more than the newest. On a quiet line SQLite itself would take hours: it waits for 8 MiB.
"""

_PAUSE: Final = 0.001
"""Seconds of a sleep after some rows, so that the work is spread over the time between transactions."""

_PACKS_AT_ONCE: Final = 4
"""Packs of one statement."""

_HURRY_FROM: Final = 5000
"""Rows that wait, beyond which the thread does not sleep."""

_NICENESS: Final = 10
"""How far the priority of the thread is lowered on Linux."""

_IDLE_AFTER: Final = 5
"""Looks at an empty queue, one every _COMMIT_INTERVAL, before the thread sleeps until it is woken."""


class Writer:
    """
    Takes rows from a queue, and writes them in a thread.

    Args:
        path: the file.
        opener: opens the database.
        clock: tells the time.
        last: the number of the newest row of the file.
        most_bytes, most_age, before_fault: as for :class:`~tcpcomm.tools.record.ring.Ring`.
        started: called by the thread when it begins.
    """

    log: ClassVar[BoundedLogger] = BoundedLogger()

    def __init__(
        self,
        path: Path,
        opener: Connect,
        clock: RecordingClock,
        last: int,
        *,
        most_bytes: int,
        most_age: int,
        before_fault: int,
        started: Callable[[], object] = lambda: None,
    ) -> None:
        self.path = path
        self._opener = opener
        self._clock = clock
        self._started = started
        self._limits = {"most_bytes": most_bytes, "most_age": most_age, "before_fault": before_fault}
        self._woken = threading.Event()
        self._passed = threading.Condition()
        self._stops = False
        self._thread: threading.Thread | None = None
        self._pending: Batch | None = None
        self._failing = self._is_gap_told = self._has_ended = False
        self._dropped = 0
        self._last = last
        self._ring_due = 0.0
        self._move_due: float | None = None
        self.queue = RowQueue(last, self.wake)

    @property
    def is_running(self) -> bool:
        """True while the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def wake(self) -> None:
        """Start the thread if it has not started, or wake it."""
        if self._thread is None and not self._stops:
            self._thread = threading.Thread(target=self._run, name="tcpcomm recorder", daemon=True)
            self._thread.start()
        self._woken.set()

    def flush(self, timeout: float) -> bool:
        """Wait until all rows are written. Return False if some are not, after so many seconds or ever."""
        self.queue.end_gap()
        if self._is_done():
            return True
        with self._passed:
            self.wake()
            return self._passed.wait_for(lambda: self._is_done() or not self.is_running, timeout) and (
                self._is_done()
            )

    def _is_done(self) -> bool:
        return not len(self.queue) and not self._has_ended

    def stop(self, timeout: float) -> int:
        """Write all rows, and end the thread. Return the number of rows that are not written."""
        self.queue.end_gap()
        if self._thread is None:
            self.wake()  # it notes that the recorder ended
        self._stops = True
        self._woken.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        lost = len(self.queue)
        self.queue.shut()
        return lost

    def _run(self) -> None:
        _let_others_go_first()
        self._started()
        try:
            store = Store(self.path, self._opener)
        except ConfigurationError as error:
            self.log.error("nothing is recorded: {error}", error=str(error))
            self._drop_all(f"the file cannot be opened: {error}")
            return
        try:
            self._work(store)
        except sqlite3.Error as error:
            self.log.error(
                "{path} is damaged, nothing more is recorded: {error}", path=self.path, error=error
            )
            self._drop_all("the file is damaged")
        except Exception:
            self.log.failure("the recorder of {path} failed, nothing more is recorded", path=self.path)
            self._drop_all("the recorder failed")
        finally:
            store.close()

    def _drop_all(self, reason: str) -> None:
        """Drop the rows that wait, and all that come: nothing is recorded any more."""
        self._has_ended = True
        self.queue.reason = reason
        self._pending = None
        self.queue.shut()
        with self._passed:
            self._passed.notify_all()

    def _work(self, store: Store) -> None:
        ring = Ring(blocks=store.blocks(), **self._limits)
        maker = RowMaker(self._pause)
        store.begin_run(self._clock.now())
        idle = 0
        while True:
            stops = self._stops  # rows that come later need not be written
            wrote = self._write(store, ring, maker)
            self._tell_drops()
            self._shrink(store, ring)
            self._move(store, wrote)
            with self._passed:
                self._passed.notify_all()
            if stops and (self._failing or not len(self.queue)):
                break
            if self._failing:
                self._wait(_RETRY)
            elif len(self.queue) < _HURRY_FROM:
                idle = 0 if wrote else idle + 1
                self._rest(idle)
        if not self._failing:
            store.end_run(self._clock.now())

    def _rest(self, idle: int) -> None:
        """Wait until the next transaction or, if nothing happens for a while, until a row comes."""
        if idle < _IDLE_AFTER:
            self._wait(_COMMIT_INTERVAL)
            return
        self.queue.idle = True
        if len(self.queue):  # it came before the line above, so nobody wakes this thread
            self.queue.idle = False
            return
        longest = 60 * _RING_INTERVAL  # then the ring looks at the age of its blocks
        if self._move_due is not None:
            longest = min(longest, max(0.0, self._move_due - monotonic()))
        self._wait(longest)
        self.queue.idle = False

    def _wait(self, seconds: float) -> None:
        if not self._stops:
            self._woken.wait(seconds)
        self._woken.clear()

    def _write(self, store: Store, ring: Ring, maker: RowMaker) -> int:
        """Write what waits, up to a limit. Return the number of rows, 0 if there are none or it failed."""
        batch = self._pending
        if batch is None:
            taken = self.queue.take()
            if taken is None:
                return 0
            batch = self._pending = Batch(taken)
        try:
            with store.transaction():
                packs = batch.taken.packs
                for at in range(0, len(packs), _PACKS_AT_ONCE):
                    store.insert_packs(packs[at : at + _PACKS_AT_ONCE])
                    self._pause()
                if not batch.last:
                    self._complete(batch, ring, maker)
                store.insert(batch)
        except sqlite3.Error as error:
            if is_damage(error):
                raise
            self._failed(store, error)
            return 0
        self._pending = None
        count = batch.last - self._last
        self._last = batch.last
        self.queue.written(batch.last, batch.size)
        if self._failing:
            self._failing = False
            self.queue.reason = TOO_SLOW
            self.log.info("{path}: values are written again", path=self.path)
        return count

    def _complete(self, batch: Batch, ring: Ring, maker: RowMaker) -> None:
        """Add the other rows to a batch, and find its block."""
        packs, batch.last, times = batch.taken.packs, batch.taken.last, []
        if packs:
            last, at = last_of(packs[-1])
            batch.last = max(last, batch.last)
            times = [began_at(packs[0]), at]
        entries = self.queue.take_entries(batch.last)
        maker.add_to(batch, entries)
        times += [entries[0][2], entries[-1][2]] if entries else []
        batch.size = batch.taken.size + ROW_COST * len(entries)
        batch.blocks = ring.add(
            first=self._last + 1,
            last=batch.last,
            began_at=min(times),
            ended_at=max(times),
            size=batch.size,
            faults=batch.faults,
        )

    def _tell_drops(self) -> None:
        """Log the begin of a gap, and its end."""
        dropped = self.queue.dropped
        if dropped > self._dropped and not self._is_gap_told:
            self._is_gap_told = True
            self.log.warn(
                "{path}: values are dropped, because too many wait: {reason}",
                path=self.path,
                reason=self.queue.reason,
            )
        elif self._is_gap_told and dropped == self._dropped and not self._failing:
            self._is_gap_told = False
            self.log.info(
                "{path}: all values are recorded again; {dropped:,} are missing so far",
                path=self.path,
                dropped=dropped,
            )
        self._dropped = dropped

    def _failed(self, store: Store, error: sqlite3.Error) -> None:
        if not self._failing:
            self._failing = True
            self.queue.reason = str(error)
            self.log.warn(
                "cannot record into {path}: {error}; rows wait, and are dropped if too many wait",
                path=self.path,
                error=error,
            )
        store.make_room_in_log()

    def _move(self, store: Store, wrote: int) -> None:
        """Move the rows into the database, now and then."""
        if wrote and self._move_due is None:
            self._move_due = monotonic() + _MOVE_INTERVAL
        if self._move_due is not None and monotonic() >= self._move_due:
            self._move_due = None
            store.make_room_in_log()

    def _shrink(self, store: Store, ring: Ring) -> None:
        """Delete the blocks that are too old or too many."""
        now = monotonic()
        if now < self._ring_due or self._failing:
            return
        self._ring_due = now + _RING_INTERVAL
        self._clock.follow()
        try:
            while (block := ring.doomed(used=store.used, now=self._clock.now())) is not None:
                store.delete(block)
                ring.remove(block)
                if len(self.queue) > _HURRY_FROM:
                    self._ring_due = now  # new rows first
                    break
        except sqlite3.Error as error:
            if is_damage(error):
                raise
            self._failed(store, error)

    def _pause(self) -> None:
        """
        Let the reactor run.

        The sleep spreads the work of this thread over the time between two transactions.
        """
        sleep(0 if self._stops or len(self.queue) > _HURRY_FROM else _PAUSE)


def _let_others_go_first() -> None:
    """
    Lower the priority of this thread, so that the reactor need not wait while it copies pages.

    Only Linux has priorities of threads. With all cores busy, the longest pause stays the same.
    """
    if sys.platform == "linux":
        this = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it; then the priority stays
            os.setpriority(os.PRIO_PROCESS, this, os.getpriority(os.PRIO_PROCESS, this) + _NICENESS)
