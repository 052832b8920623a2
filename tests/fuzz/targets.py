"""All targets by name, the folders of their kept inputs, and the choice of the inputs to keep."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz import sessions, stateless
from tests.fuzz.source import Target

__all__ = ["CORPUS", "CRASHES", "TARGETS", "fewest", "kept"]

TARGETS: Final[dict[str, Target]] = {
    target.name: target for target in (*stateless.TARGETS, *sessions.TARGETS)
}

CORPUS: Final = Path(__file__).parent / "corpus"
"""The inputs that together reach the most code: one folder for each target."""

CRASHES: Final = Path(__file__).parent / "crashes"
"""The inputs that failed once. They must not fail again."""

MOST: Final = 60
"""The number of inputs that are kept for one target."""

_SOURCE: Final = str(Path("src", "tcpcomm"))


def kept(folder: Path, name: str) -> list[Path]:
    """Return the kept inputs of a target, in a fixed order."""
    return sorted((folder / name).glob("*"))


def fewest(target: Target, inputs: Iterable[bytes]) -> list[bytes]:
    """
    Return few inputs that together reach all steps from line to line that all the inputs reach.

    The one that reaches the most new steps comes first, and the shorter one of two. After :data:`MOST`
    inputs the rest is left out, because each of those adds few steps.
    """
    reached = {data: _steps(target, data) for data in dict.fromkeys(inputs)}
    order = sorted(reached, key=lambda data: (len(data), data))
    known: set[Any] = set()
    chosen: list[bytes] = []
    while order and len(chosen) < MOST:
        best = max(order, key=lambda data: len(reached[data] - known))
        if not reached[best] - known:
            break
        known |= reached[best]
        chosen.append(best)
        order.remove(best)
    return chosen


def _steps(target: Target, data: bytes) -> set[Any]:
    """Return the steps from line to line of the source that one input takes."""
    steps: set[Any] = set()

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        if _SOURCE not in frame.f_code.co_filename:
            return None
        code, last = frame.f_code, 0

        def stepped(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                steps.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return stepped

        return stepped

    outer = sys.gettrace()
    sys.settrace(entered)
    try:
        target.run(data)
    finally:
        sys.settrace(outer)
    return steps
