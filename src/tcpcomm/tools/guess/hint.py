"""The words of a hint in the log after a framing fault: :func:`hint`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing.base import Framing
from tcpcomm.framing.notation import format_framing
from tcpcomm.tools.guess.answer import Guess, Verdict
from tcpcomm.tools.guess.capture import OPENER, Capture, CapturedChunk
from tcpcomm.tools.guess.search import guess_framing

_LIMIT: Final = re.compile(r",max=[0-9]+")


def hint(
    chunks: Sequence[tuple[float, bytes]],
    declared: Framing,
    guess: Callable[[Capture], Guess] = guess_framing,
) -> str:
    """
    Return words about the framing of a peer, or an empty text if none is likely.

    Args:
        chunks: the last bytes of the peer, each with the time in seconds.
        declared: the framing that found a fault in them. It is no hint.
        guess: the function that guesses.
    """
    capture = Capture(CapturedChunk(OPENER, data, at) for at, data in chunks)
    found = guess(capture)
    if found.verdict is Verdict.NOTHING or found.best is None:
        return ""
    shown = _text(declared)
    same = [found.best.framings, *found.best.variants]
    notation = found.best.framings[OPENER]
    if notation is None or any(
        _LIMIT.sub("", each[OPENER] or "") == _LIMIT.sub("", shown) for each in same
    ):
        return ""
    return (
        f"this looks like {notation} ({found.verdict.value}, from the last {capture.size} bytes), "
        f"but {shown} is declared"
    )


def _text(framing: Framing) -> str:
    try:
        return format_framing(framing)
    except ConfigurationError:
        return type(framing).__name__
