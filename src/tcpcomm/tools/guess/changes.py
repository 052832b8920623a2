"""
Tell that a stream changes, as after a login: :func:`with_change`.

The framing of the later part is decoded from the beginning on. If it fits from the first message on,
nothing changes. If it fits from a later place on, and the chunks before do not end where its frames end,
the stream changes there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, groupby
from typing import Final

from attrs import evolve, frozen

from tcpcomm.framing.base import decode
from tcpcomm.framing.notation import parse_framing
from tcpcomm.tools.guess.answer import Guess, Notations, Verdict
from tcpcomm.tools.guess.capture import ANSWERER, OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.capture import Side as SideNumber
from tcpcomm.tools.guess.side import Side, side_of
from tcpcomm.tools.guess.verdict import FEW_END, TOO_FEW

CHANGES: Final = "the stream changes: "
"""The beginning of the doubt about a stream that changes, with its next step behind the last colon."""

_FEWEST_CHUNKS: Final = 12
_MOST_CHUNKS: Final = 400  # of one part
_MOST_BYTES: Final = 64 * 1024  # of the later part
_IN_A_ROW: Final = 8  # messages that a framing must fit to fit from there on
_FEWEST_MARKS: Final = 3
_EXACT: Final = 0.95  # of the messages of the later part that its framing must cut
_SHOWN: Final = 20  # bytes of a login
_TEXT: Final = frozenset((*range(0x20, 0x7F), *b"\t\r\n\x1b"))


def with_change(capture: Capture, guess: Guess, guess_part: Callable[[Capture], Guess]) -> Guess:
    """
    Return the guess, or one that tells that the stream begins in another framing than it ends in.

    A short beginning, such as a login, leaves the framing of the rest likely at most. If both parts have a
    framing of their own, the verdict is that nothing explains the stream.

    Args:
        capture: the stream.
        guess: the answer for all of it.
        guess_part: guesses a part of it.
    """
    chunks = capture.chunks
    if guess.best is None or len(chunks) < _FEWEST_CHUNKS:
        return guess
    late_chunks = _late(chunks)
    if _is_plain(guess):
        late = _clear(guess)
    elif len(late_chunks) < _FEWEST_CHUNKS // 2:
        return guess  # they are so long that few of them are many bytes
    else:
        late = _clear(guess_part(evolve(capture, chunks=late_chunks, from_start=False)))
    size = 0 if late is None else _beginning(capture, late)
    if not size or any(each.after_gap for each in chunks[: size + 1]):
        return guess
    if size == 1 and not capture.from_start:
        return guess  # it may be the second half of a message
    rest = guess_part(evolve(capture, chunks=chunks[size:], from_start=True))
    framings = _clear(rest)
    if framings is None or _is_prompt(chunks[:size], framings):
        return guess
    early = _clear(guess_part(evolve(capture, chunks=chunks[:size][:_MOST_CHUNKS])))
    place = _place(chunks[:size], framings)
    if early is not None:
        doubt = f"{CHANGES}it begins as {_shown(early)}, and {place} it is {_shown(framings)}"
        doubts = (f"{doubt}: capture the parts alone", *guess.doubts)
        return evolve(guess, verdict=Verdict.NOTHING, doubts=doubts)
    doubt = f"{CHANGES}it begins with {_begun(chunks[:size])}, and this framing fits {place}"
    doubts = (f"{doubt}: {_advice(chunks[:size])}", *rest.doubts)
    return evolve(rest, verdict=Verdict.LIKELY, doubts=doubts, skipped=size)


def _late(chunks: Sequence[CapturedChunk]) -> Sequence[CapturedChunk]:
    """Return the last chunks, half of them at most, and fewer if they are many or long."""
    late = chunks[len(chunks) // 2 :][-_MOST_CHUNKS:]
    sizes = accumulate(len(each.data) for each in reversed(late))
    fitting = sum(size <= _MOST_BYTES for size in sizes)
    return late[len(late) - fitting :]


def _is_plain(guess: Guess) -> bool:
    """Return True if a guess is confident, and no framing of it reads lines with several ends."""
    framings = () if guess.best is None else guess.best.framings
    return guess.verdict is Verdict.CONFIDENT and not any(
        (each or "").startswith("lines") for each in framings
    )


def _clear(guess: Guess) -> Notations | None:
    """Return the framings of a part that only the sizes of it and of its frames leave in doubt, or None."""
    if guess.best is None or guess.verdict is Verdict.NOTHING:
        return None
    is_clear = all(TOO_FEW in doubt or FEW_END in doubt for doubt in guess.doubts)
    return guess.best.framings if is_clear else None


def _beginning(capture: Capture, late: Notations) -> int:
    """Return the number of chunks at the beginning that the framings of the later part do not explain."""
    size = 0
    for number in (OPENER, ANSWERER):
        notation = late[number]
        if notation is None:
            continue
        begin = _Fitting(notation, side_of(capture, number)).begin()
        if begin is None:
            return 0
        size = max(size, _chunks_before(capture.chunks, number, begin))
    while 0 < size < len(capture.chunks) and late[capture.chunks[size].side] is None:
        size += 1  # this side speaks in the beginning only
    return size


def _chunks_before(chunks: Sequence[CapturedChunk], number: SideNumber, position: int) -> int:
    """Return the place behind the last chunk of a side before a position, or 0."""
    size, passed = 0, 0
    for index, chunk in enumerate(chunks):
        if passed >= position:
            break
        if chunk.side == number:
            passed += len(chunk.data)
            size = index + 1
    return size


@frozen
class _Fitting:
    """A framing that cuts the later messages of a side."""

    notation: str
    side: Side

    def begin(self) -> int | None:
        """
        Return the position from which the framing fits.

        It is 0 if it fits from the beginning, and None if it does not show.
        """
        marks = self._marks()
        if not marks:
            return None
        if self._fits(marks, 0):
            return 0
        wrong, right = 0, len(marks) // 2
        while right - wrong > 1:
            middle = (wrong + right) // 2
            if self._fits(marks, middle):
                right = middle
            else:
                wrong = middle
        before = self._hits(marks, 0, right)
        return marks[right - 1] if 2 * sum(before) < right and self._fits(marks, right) else None

    def _marks(self) -> Sequence[int]:
        """Return the ends of chunks at which messages end: all, or some classes, or none that is sure."""
        for classes in (3, 2, 1):
            marks = sorted(frozenset().union(*self.side.ends[:classes]))
            hits = self._hits(marks, len(marks) // 2, _MOST_CHUNKS)
            if len(marks) >= _FEWEST_MARKS and sum(hits) >= _EXACT * len(hits):
                return marks
        return ()

    def _fits(self, marks: Sequence[int], first: int) -> bool:
        return all(self._hits(marks, first, _IN_A_ROW))

    def _hits(self, marks: Sequence[int], first: int, most: int) -> list[bool]:
        """Decode from the end of a message on. Return for each end behind it whether a frame ends there."""
        decoder = parse_framing(self.notation).decoder()
        position = marks[first - 1] if first else 0
        ends = marks[first : first + most]
        hits: list[bool] = []
        for end in ends:
            found = [*decode(decoder, self.side.data[position:end])]
            if not all(isinstance(each, list) for each in found):
                break
            hits.append(bool(found) and not decoder.buffered)
            position = end
        return hits + [False] * (len(ends) - len(hits))


def _is_prompt(chunks: Sequence[CapturedChunk], framings: Notations) -> bool:
    """Return True if a beginning has no line ends but those of the rest, as the prompts of a login."""
    for number, notation in enumerate(framings):
        data = b"".join(each.data for each in chunks if each.side == number)
        if notation is None or not notation.startswith(("delimited:", "lines")):
            if data:
                return False
            continue
        if not _TEXT.issuperset(data):
            return False
        decoder = parse_framing(notation).decoder()
        lines = [line for found in decode(decoder, data) if isinstance(found, list) for line in found]
        left = data[len(data) - decoder.buffered :] if decoder.buffered else b""
        if any(end in part for part in (*lines, left) for end in (b"\r", b"\n")):
            return False
    return True


def _place(chunks: Sequence[CapturedChunk], framings: Notations) -> str:
    """Return in words where the rest begins."""
    sizes = [sum(len(each.data) for each in chunks if each.side == number) for number in (OPENER, ANSWERER)]
    places = [
        f"byte {size} of {mark}"
        for size, mark, notation in zip(sizes, "><", framings, strict=True)
        if notation is not None
    ]
    return f"from {' and '.join(places)} on"


def _begun(chunks: Sequence[CapturedChunk]) -> str:
    """Return what a beginning is. The words of the opener may hold a password, so they are not shown."""
    if not _is_text(chunks):
        return "other bytes"
    turns = (
        b"".join(each.data for each in turn) for side, turn in groupby(chunks, _side_of) if side == ANSWERER
    )
    said = next(turns, b"")[:_SHOWN].decode()
    return f"text such as {said!r}" if said else "text"


def _side_of(chunk: CapturedChunk) -> SideNumber:
    return chunk.side


def _advice(chunks: Sequence[CapturedChunk]) -> str:
    """Return what to do about a beginning."""
    if all(each.side == ANSWERER for each in chunks):
        size = sum(len(each.data) for each in chunks)
        return f"skip it with preamble={size} in the framing of <, or capture behind it"
    if _is_text(chunks):
        return "declare it as login, in a framing that reads both, or capture behind it"
    return "capture behind it"


def _is_text(chunks: Sequence[CapturedChunk]) -> bool:
    return all(_TEXT.issuperset(each.data) for each in chunks)


def _shown(framings: Notations) -> str:
    named = dict.fromkeys(each for each in framings if each is not None)
    return " and ".join(named)
