"""
Turns, so that no session keeps the others waiting: :class:`Turns`, one for each reactor.

Theory. A reactor does one thing at a time. One chunk of 64 KiB holds 13,000 short commands, and they take
0.2 s. With 15 such peers, everybody else would wait for 3 s. So a session handles received data in slices:

- A *slice* is a bite of a chunk for the decoder, at most :data:`MOST_FRAMES` frames for the user, one
  fault, or a part of the work of one long frame. Bites and slices become smaller while one takes longer
  than :data:`SLICE_SECONDS`, and larger again while it is quick.
- After a slice the session looks at the time. When its time is up and data still waits, it stops reading,
  and waits for its turn, at the end of the queue.
- The queue runs once between two times that the reactor reads its sockets, for :data:`PASS_SECONDS`. The
  sessions get equal shares of this time. A session that still has data goes to the end of the queue.

Hence a message that fits one slice waits for one pass and for the slices of others, and not for a flood.
Between two turns of a session, every other session that waits gets one. A session that is alone works for
a whole pass, so the queue costs it little.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary, ref

from twisted.internet.interfaces import IDelayedCall

PASS_SECONDS: Final = 0.005
"""Seconds for which all waiting sessions work in turns. Then the reactor reads its sockets again."""

LEAST_SECONDS: Final = 0.0003
"""Seconds of a turn, at least, so that a turn is worth its cost."""

UNQUEUED_SECONDS: Final = 0.002
"""
Seconds for which a session works at received data while no other session waits. Then it waits for its
turn.
"""

SLICE_SECONDS: Final = 0.001
"""Seconds of work between two looks at the time. After a longer piece, the next piece is smaller."""

MOST_FRAMES: Final = 64
"""Frames that are handled before a session looks at the time. Then it may have to wait for its turn."""

LEAST_FRAMES: Final = 2
"""The frames of a slice, at least, if so many came. From one frame alone no speed is learned."""

FIRST_FRAMES: Final = 16
"""The frames of a slice, at most, until it is known that a session handles them quickly."""

SMALLEST_BITE: Final = 8192
"""Bytes that are always decoded at once."""

FIRST_BITE: Final = 16 * 1024
"""Bytes that are decoded at once until it is known how long that takes, or while other sessions wait."""

LARGEST_BITE: Final = 64 * 1024
"""Bytes that are decoded before a session looks at the time. The rest is decoded later."""

WHOLE_CHUNK: Final = 2**62
"""The bite of a framing for which the end of a chunk means something: it is more than any chunk."""


class Waiting(Protocol):
    """A session that waits for its turn."""

    def take_turn(self) -> None: ...


class Turns:
    """
    The sessions of one reactor that have received more than they may handle at once.

    Args:
        clock: the reactor, or a test's clock.
    """

    def __init__(self, clock: Any) -> None:
        self._call_later: Callable[..., IDelayedCall] = clock.callLater
        self._seconds: Callable[[], float] = clock.seconds
        self._queue: OrderedDict[Waiting, None] = OrderedDict()
        self._call: IDelayedCall | None = None
        self._share: float | None = None  # of the session that has its turn now

    @property
    def is_busy(self) -> bool:
        """True while a session waits for its turn."""
        return bool(self._queue)

    @property
    def allowed_seconds(self) -> float:
        """Seconds that a session may work now. With 0 it handles one slice."""
        if self._share is not None:
            return self._share
        return 0.0 if self._queue else UNQUEUED_SECONDS

    def bite(self, size: int) -> int:
        """Return the bytes to decode at once. While sessions wait, few of their frames may take memory."""
        return FIRST_BITE if self._queue and FIRST_BITE < size < WHOLE_CHUNK else size

    def join(self, session: Waiting) -> None:
        """Give a session a turn, behind all that wait. If it waits already, it keeps its place."""
        self._queue.setdefault(session)
        if self._call is None:
            self._call = self._call_later(0, self._pass)

    def leave(self, session: Waiting) -> None:
        """Give a session no turn: it is over."""
        self._queue.pop(session, None)

    def _pass(self) -> None:
        """Give each session that waits its turn, until the time of this pass is over."""
        began = self._seconds()
        count = len(self._queue)
        share = max(LEAST_SECONDS, PASS_SECONDS / max(1, count))
        try:
            while count and self._queue:
                count -= 1
                session, _ = self._queue.popitem(last=False)
                self._share = share
                try:
                    session.take_turn()
                finally:
                    self._share = None
                if self._seconds() - began >= PASS_SECONDS:
                    break
        finally:
            self._call = self._call_later(0, self._pass) if self._queue else None


_turns: Final[WeakKeyDictionary[Any, ref[Turns]]] = WeakKeyDictionary()
"""The turns of each reactor. Its sessions keep them, because a value of the table must not keep its key."""


def turns_of(clock: Any) -> Turns:
    """Return the turns of a reactor, which all sessions in it share."""
    known = _turns.get(clock)
    turns = None if known is None else known()
    if turns is None:
        turns = Turns(clock)
        _turns[clock] = ref(turns)
    return turns


def next_size(size: int, done: int, seconds: float, smallest: int, largest: int) -> int:
    """
    Return the size of the next slice.

    Args:
        size: the size that the last slice could have.
        done: the size that it had.
        seconds: the time that it took.
        smallest: the smallest size to return.
        largest: the largest size to return.
    """
    if seconds > SLICE_SECONDS:
        return max(smallest, min(size, int(done * SLICE_SECONDS / seconds)))
    if done >= size and seconds < SLICE_SECONDS / 2:
        return min(largest, 2 * size)
    return size
