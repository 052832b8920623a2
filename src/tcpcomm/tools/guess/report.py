"""A guess for people and for programs: :func:`report_lines` and :func:`report_json`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, Final

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.guess.answer import Explanation, Guess, Notations, Verdict

_INDENT: Final = " " * 11
"""The width of the longest verdict, and two spaces."""

_WIDTH: Final = 100
_NOTHING_FOUND: Final = "no framing explains these bytes"


def report_lines(guess: Guess) -> Iterator[str]:
    """Yield the lines that tell a guess: the verdict, the framing, the evidence, and the rest."""
    best = guess.best
    if guess.verdict is Verdict.NOTHING or best is None:
        yield f"{guess.verdict.value:<{len(_INDENT)}}{_NOTHING_FOUND}"
    else:
        first, *second = _framing_lines(best.framings)
        yield f"{guess.verdict.value:<{len(_INDENT)}}{first}"
        for line in second:
            yield f"{_INDENT}{line}"
    yield from _paragraph("; ".join(map(_shown, guess.doubts)), "but ")
    if best is not None:
        if guess.verdict is Verdict.NOTHING:
            yield from _paragraph(f"{notation_text(best.framings)} explains most, and proves nothing")
        yield from _paragraph("; ".join(map(_shown, best.evidence)))
        if guess.verdict is not Verdict.NOTHING:
            yield from _paragraph(_variants(best))
            yield from _paragraph(_next_best(guess.others))
    yield from _paragraph(", ".join(map(_shown, guess.unexplained)), "not explained: ", "")
    yield from (f"fact: {_shown(each)}" for each in guess.facts)
    yield from (f"note: {_shown(each)}" for each in guess.notes)


def doubt_lines(guess: Guess) -> Iterator[str]:
    """Yield a line with the verdict and the framing, and one for each doubt and each note."""
    if guess.best is not None and guess.verdict is not Verdict.NOTHING:
        yield f"{guess.verdict.value}: {notation_text(guess.best.framings)}"
    yield from (f"but {_shown(each)}" for each in guess.doubts)
    yield from (f"note: {_shown(each)}" for each in guess.notes)


def _framing_lines(framings: Notations) -> list[str]:
    opener, answerer = framings
    if opener is not None and opener == answerer:
        return [opener]
    marked = zip("><", framings, strict=True)
    return [f"{mark} {notation}" for mark, notation in marked if notation is not None]


def notation_text(framings: Notations) -> str:
    """Return the framings of both sides in one line."""
    return " with ".join(_framing_lines(framings))


def _variants(best: Explanation) -> str:
    """Return the other framings of each side that cut alike."""
    others = [
        list(dict.fromkeys(each[side] for each in best.variants if each[side] not in (None, framing)))
        for side, framing in enumerate(best.framings)
    ]
    if not any(others):
        return ""
    if others[0] == others[1] and best.framings[0] == best.framings[1]:
        return f"cuts alike: {' or '.join(map(str, others[0]))}"
    marked = [
        f"{mark} {' or '.join(map(str, each))}" for mark, each in zip("><", others, strict=True) if each
    ]
    return f"cuts alike: {'; '.join(marked)}"


def _next_best(others: tuple[Explanation, ...]) -> str:
    if not others:
        return ""
    return f"next best: {notation_text(others[0].framings)}, {others[0].behind:.0f} bits behind"


def _paragraph(text: str, before: str = "", indent: str = _INDENT) -> list[str]:
    """Return a text in lines of a readable width. A notation is never broken."""
    if not text:
        return []
    return textwrap.wrap(
        f"{before}{text}",
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=indent or "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(text: str) -> str:
    return one_line(text)


def report_json(guess: Guess) -> dict[str, Any]:
    """Return a guess in types that JSON has."""
    return {
        "verdict": guess.verdict.value,
        "best": None if guess.best is None else _explanation(guess.best),
        "others": [_explanation(each) for each in guess.others],
        "doubts": [*guess.doubts],
        "unexplained": [*guess.unexplained],
        "facts": [*guess.facts],
        "device": guess.device or None,
        "notes": [*guess.notes],
        "skipped": guess.skipped,
        "seconds": round(guess.seconds, 3),
    }


def _explanation(explanation: Explanation) -> dict[str, Any]:
    return {
        "framings": _framings(explanation.framings),
        "behind": round(explanation.behind, 1),
        "evidence": [*explanation.evidence],
        "variants": [_framings(each) for each in explanation.variants],
    }


def _framings(framings: Notations) -> dict[str, str | None]:
    return {"opener": framings[0], "answerer": framings[1]}
