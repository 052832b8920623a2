"""Tell in words that a stream changes, as after a login: :func:`change_in_words`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import evolve

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import decode
from tcpcomm.framing.notation import parse_framing
from tcpcomm.tools.guess.answer import Guess, Notations, Verdict
from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.verdict import TOO_FEW

_FEWEST_CHUNKS: Final = 16
_MOST_CHUNKS: Final = 400  # of one part
_EARLY: Final = (2, 4, 8, 16)  # the first part is the half of the chunks, the quarter, and so on


def change_in_words(capture: Capture, guess: Guess, guess_part: Callable[[Capture], Guess]) -> str | None:
    """
    Return the sentence that a stream begins in one framing and ends in another, or None.

    Args:
        capture: the stream.
        guess: the answer for all of it. If that is confident, nothing changes.
        guess_part: guesses a part of it.
    """
    chunks = capture.chunks
    fits = guess.verdict is not Verdict.NOTHING and all(_is_usual(doubt) for doubt in guess.doubts)
    if fits or len(chunks) < _FEWEST_CHUNKS:
        return None
    half = len(chunks) // 2
    late_part = evolve(capture, chunks=chunks[half:][-_MOST_CHUNKS:], from_start=False)
    late = _clear(guess_part(late_part))
    if late is None:
        return None
    for share in _EARLY:
        size = min(len(chunks) // share, _MOST_CHUNKS)
        early_part = evolve(capture, chunks=chunks[:size])
        early = _clear(guess_part(early_part))
        if early is None:
            continue
        if _decodes(early, late_part) or _decodes(late, early_part):
            return None
        return f"the stream changes: it begins as {_shown(early)}, and ends as {_shown(late)}"
    return None


def _is_usual(doubt: str) -> bool:
    """Return True if a doubt says nothing of bytes that do not fit."""
    return TOO_FEW in doubt or "end a chunk" in doubt


def _clear(guess: Guess) -> Notations | None:
    """Return the framings of a part that nothing but its size leaves in doubt, or None."""
    if guess.best is None or guess.verdict is Verdict.NOTHING:
        return None
    return guess.best.framings if all(TOO_FEW in doubt for doubt in guess.doubts) else None


def _decodes(framings: Notations, part: Capture) -> bool:
    """Return True if the framings of one part read another part without a fault."""
    for side, notation in enumerate(framings):
        data = b"".join(chunk.data for chunk in part.chunks if chunk.side == side)
        if not data or notation is None:
            continue
        try:
            decoder = parse_framing(notation).decoder()
        except ConfigurationError:
            return False
        found = [*decode(decoder, data)]
        if not found or not all(isinstance(each, list) for each in found):
            return False
        frames = sum(len(each) for each in found if isinstance(each, list))
        chunks = sum(chunk.side == side for chunk in part.chunks)
        if 2 * frames < chunks or frames > 4 * chunks:
            return False
    return True


def _shown(framings: Notations) -> str:
    named = dict.fromkeys(each for each in framings if each is not None)
    return " and ".join(named)
