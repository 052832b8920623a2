"""A guess in one line, and as options of commands: :func:`summary`, :func:`framing_options`."""

from __future__ import annotations

import shlex

from tcpcomm.tools.guess.answer import Guess, Notations, Verdict
from tcpcomm.tools.guess.report import notation_text


def summary(guess: Guess) -> str:
    """Return the verdict and the best framing in one line."""
    if guess.best is None or guess.verdict is Verdict.NOTHING:
        return f"{guess.verdict.value}: no framing explains these bytes"
    return f"{guess.verdict.value}: {notation_text(guess.best.framings)}"


def framing_options(to_equipment: str | None, to_host: str | None) -> str:
    """
    Return the options of a command for a framing, quoted for a shell.

    Args:
        to_equipment: the framing of what the host sends, or None if it sent nothing.
        to_host: the framing of what the equipment sends, or None.
    """
    words = []
    first = to_equipment or to_host
    if first is not None:
        words += ["--framing", first]
    if to_host is not None and to_host != first:
        words += ["--reply-framing", to_host]
    return shlex.join(words)


def sides(framings: Notations, *, host_opens: bool) -> Notations:
    """Return the framings of the host and of the equipment."""
    opener, answerer = framings
    return (opener, answerer) if host_opens else (answerer, opener)
