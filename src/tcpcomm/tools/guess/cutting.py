"""
Cut a side by a candidate: :func:`cut_side`.

A capture may begin in the middle of a frame, and bytes may be missing in it. So a cut has several runs of
frames. A candidate that fails somewhere may find its way again at a later end of a chunk, which is noted as
a loss. A loss that the capture did not announce is a doubt, and never passes in silence.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

from attrs import field, frozen

from tcpcomm.tools.guess.candidates.base import Candidate, Walk
from tcpcomm.tools.guess.side import Side, Stretch

_LOSSES: Final = 3
_TRIED: Final = 6  # places at which a lost candidate is tried again
_ENOUGH: Final = 3  # frames before a loss, and frames that show that the way was found
_STARTS: Final = 2  # places beside the first byte at which frames may begin
_DERAILED: Final = 4  # turns in a row at which no frame ends
_OVERLONG: Final = 4  # times the longest frame: a last frame cannot be that much longer
_LEAST_OVERLONG: Final = 4096


@frozen
class Run:
    """
    Frames that follow each other without a gap.

    Attributes:
        start: the position of the first byte of the first frame.
        ends: the position behind each frame.
        stop: the position up to which bytes were looked at. The rest may be half a frame.
        doubtful: True if the first frame may lack its beginning.
    """

    start: int
    ends: Sequence[int]
    stop: int
    doubtful: bool = False

    def spans(self) -> Iterator[tuple[int, int]]:
        """Yield the start and the end of each frame."""
        return zip((self.start, *self.ends[:-1]), self.ends, strict=True)


@frozen(eq=False)
class Cut:
    """
    The frames of a side, as one candidate sees them.

    Attributes:
        runs: the frames.
        losses: the positions at which bytes seem to be missing, though the capture does not say so.
        moved: the bytes at the beginning that were taken for the end of an earlier frame.
        failed_at: the position behind which the candidate explains nothing, or None.
        key: a digest of where frames begin and end: equal for candidates that cut alike.
    """

    runs: tuple[Run, ...]
    losses: tuple[int, ...] = ()
    moved: int = 0
    failed_at: int | None = None
    key: bytes = field(init=False, repr=False)

    @key.default
    def _digest(self) -> bytes:
        digest = blake2b(digest_size=16)
        for run in self.runs:
            digest.update(array("q", (len(run.ends), run.start)))
            digest.update(array("q", run.ends))
        return digest.digest()

    @property
    def ends(self) -> frozenset[int]:
        """The positions behind the frames, made anew at each call: a set of them takes much memory."""
        return frozenset(end for run in self.runs for end in run.ends)

    @property
    def count(self) -> int:
        """The number of frames."""
        return sum(len(run.ends) for run in self.runs)

    @property
    def identity(self) -> Hashable:
        """All that it says: equal for cuts that can stand for each other."""
        about = tuple((run.stop, run.doubtful) for run in self.runs)
        return (self.key, about, self.losses, self.moved, self.failed_at)

    def frames(self, data: bytes) -> list[bytes]:
        """Return the bytes of each frame."""
        return [data[start:end] for run in self.runs for start, end in run.spans()]

    def sure_frames(self, data: bytes) -> list[bytes]:
        """Return the bytes of each frame that is known to be whole."""
        found: list[bytes] = []
        for run in self.runs:
            frames = [data[start:end] for start, end in run.spans()]
            found += frames[1:] if run.doubtful else frames
        return found

    def rest(self, data: bytes) -> bytes:
        """Return the bytes that belong to no frame."""
        parts, position = [], 0
        for run in self.runs:
            parts.append(data[position : run.start])
            position = run.ends[-1] if run.ends else run.start
        return b"".join((*parts, data[position:]))


def cut_side(candidate: Candidate, side: Side) -> Cut | None:
    """Cut a side. Return None if the candidate explains little."""
    cutting = _Cutting(candidate, side)
    runs: list[Run] = []
    losses: list[int] = []
    failed_at = None
    for stretch in side.stretches:
        found, lost, failed_at = cutting.stretch(stretch, _LOSSES - len(losses))
        runs += found
        losses += lost
        if failed_at is not None:
            break
    runs = [Run(run.start, array("q", run.ends), run.stop, run.doubtful) for run in runs if run.ends]
    if not runs:
        return None
    moved = runs[0].start - side.stretches[0].start
    cut = Cut(tuple(runs), tuple(losses), moved, failed_at)
    explained = sum(run.ends[-1] - run.start for run in runs)
    if cut.count < 2 and 2 * explained < len(side.data):
        return None
    return cut


@frozen
class _Cutting:
    candidate: Candidate
    side: Side

    def stretch(self, stretch: Stretch, losses: int) -> tuple[list[Run], list[int], int | None]:
        """Cut one stretch. Return the runs, the losses, so many at most, and where it failed, or None."""
        run, failed_at = self._first(stretch)
        runs: list[Run] = [run]
        lost: list[int] = []
        while failed_at is not None and len(lost) < losses and self._has_fitted(run):
            again = self._again(run, failed_at)
            if again is None:
                break
            lost.append(run.ends[-1])
            run, failed_at = again
            runs.append(run)
        return runs, lost, failed_at

    def _first(self, stretch: Stretch) -> tuple[Run, int | None]:
        """Cut from the first place at which frames fit, if the stretch may begin in the middle of one."""
        start, stop = stretch.start, stretch.stop
        run, failed_at = self._run(start, stop)
        if stretch.begins:
            return run, failed_at
        if self.candidate.finds_starts:
            run = Run(run.start, run.ends, run.stop, doubtful=True)
        marks = self._marks(start, stop)
        if failed_at is None and 2 * self._hits(run.ends, marks) >= len(marks):
            return run, failed_at
        best, best_failed = run, failed_at
        worth = (failed_at is None, self._hits(run.ends, marks))
        for place in self._starts(start, stop):
            other, other_failed = self._run(place, stop)
            other_worth = (other_failed is None, self._hits(other.ends, marks) - 1)
            if len(other.ends) > 1 and other_worth > worth:
                best, best_failed, worth = other, other_failed, other_worth
        return best, best_failed

    def _starts(self, start: int, stop: int) -> Iterable[int]:
        marks = self._marks(start, stop)
        found = [mark for mark in marks[:_STARTS] if mark < stop]
        marked = self.candidate.resume(self.side.data, start, stop)
        if marked is not None and marked < stop:
            found.insert(0, marked)
        return dict.fromkeys(found)

    def _run(self, start: int, stop: int) -> tuple[Run, int | None]:
        walk = self.candidate.walk(self.side.data, start, stop)
        ends, failed_at = walk.ends, walk.failed_at
        if failed_at is None:
            failed_at = _overlong(walk, start, stop)
        derailed = self._derailed(ends, start, stop)
        if derailed is not None:
            ends, failed_at = ends[: bisect_right(ends, derailed)], derailed
        return Run(start, ends, stop), failed_at

    def _derailed(self, ends: Sequence[int], start: int, stop: int) -> int | None:
        """Return the last turn at which a frame ended, if none ended at the turns behind it."""
        if not ends:
            return None
        turns = self._turns(start, stop)
        if len(turns) < _ENOUGH + _DERAILED:
            return None
        known = set(ends)
        missed = [index for index, turn in enumerate(turns) if turn not in known]
        for place in range(len(missed) - _DERAILED + 1):
            first = missed[place]
            in_a_row = missed[place + _DERAILED - 1] - first == _DERAILED - 1
            fitted = first - (missed[place - 1] if place else -1) > _ENOUGH
            if in_a_row and fitted:
                return turns[first - 1]
        return None

    def _turns(self, start: int, stop: int) -> Sequence[int]:
        turns, marks = self.side.turns, self._marks(start, stop)
        if len(turns) == len(self.side.marks):
            return marks  # if there are enough turns, they alone are the marks
        return [mark for mark in marks if mark in turns]

    def _marks(self, start: int, stop: int) -> tuple[int, ...]:
        marks = self.side.marks
        return marks[bisect_right(marks, start) : bisect_right(marks, stop)]

    @staticmethod
    def _hits(ends: Sequence[int], marks: Sequence[int]) -> int:
        return len({*ends}.intersection(marks))

    def _has_fitted(self, run: Run) -> bool:
        """Return True if the frames of a run end at turns and pauses, so that bytes may be missing."""
        if len(run.ends) < _ENOUGH:
            return False
        marks = self._marks(run.start, run.ends[-1])
        return len(marks) >= _ENOUGH and self._hits(run.ends, marks) >= 0.6 * len(marks)

    def _again(self, run: Run, failed_at: int) -> tuple[Run, int | None] | None:
        """Find the place behind a loss where frames fit again. The frames before end at a mark."""
        marks = self.side.marks
        ends = {*run.ends}
        good = next(
            (mark for mark in reversed(self._marks(run.start, failed_at)) if mark in ends), run.start
        )
        del run.ends[bisect_right(run.ends, good) :]  # type: ignore[attr-defined]
        if not run.ends:
            return None
        after = bisect_left(marks, good + 1)
        for place in marks[after : after + _TRIED]:
            if place >= run.stop:
                break
            found, failed = self._run(place, run.stop)
            if len(found.ends) >= _ENOUGH or (found.ends and failed is None):
                return found, failed
        return None


def _overlong(walk: Walk, start: int, stop: int) -> int | None:
    """Return the place where the rest begins, if it is far too long to be half a frame."""
    last = walk.ends[-1] if walk.ends else start
    longest = max(
        (end - begin for begin, end in zip((start, *walk.ends), walk.ends, strict=False)), default=0
    )
    if stop - last > max(_OVERLONG * longest, _LEAST_OVERLONG if not walk.ends else 2 * longest):
        return last
    return None
