"""
A diagram of states in a page, drawn without a script: :func:`drawn`.

GitHub draws a block of Mermaid with a script from its servers. The site has none, so its states stand in a
column here: what leads down is on the right, and what leads up is on the left.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

__all__ = ["drawn"]

_STATE_CHANGE: Final = re.compile(r"^ *(\w+) --> (\w+): (.*)$", re.MULTILINE)

MIDDLE: Final = 0
LETTER: Final = 7
"""Usual width of a letter."""

STEP: Final = 90
HALF: Final = 62
"""Half of the width of a state."""


def drawn(mermaid: str) -> str:
    """Return a diagram of states as SVG, in one line of HTML, or an empty text for any other diagram."""
    changes = _STATE_CHANGE.findall(mermaid)
    if not mermaid.startswith("stateDiagram") or not changes:
        return ""
    states = [*dict.fromkeys(state for first, second, _ in changes for state in (first, second))]
    lines, ends = [], [-float(HALF), float(HALF)]
    for first, second, words in changes:
        line, end = _change(states.index(first), states.index(second), words)
        lines.append(line)
        ends.append(end)
    for at, state in enumerate(states):
        y = _height(at)
        lines.append(
            f'<rect x="{MIDDLE - HALF}" y="{y - 16}" width="{2 * HALF}" height="32" rx="8"/>'
            f'<text class="state" x="{MIDDLE}" y="{y + 5}" text-anchor="middle">{escape(state)}</text>'
        )
    height = _height(len(states)) - STEP // 2
    words = escape(", ".join(f"{first} to {second}: {name}" for first, second, name in changes))
    left, right = min(ends), max(ends)
    size = f"{left:.0f} 0 {right - left:.0f} {height}"
    head = f'<div class="states"><svg class="states" viewBox="{size}" role="img" aria-label="{words}">'
    arrow = (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto-start-reverse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    return f"{head}{arrow}{''.join(lines)}</svg></div>"


def _height(at: int) -> int:
    return 30 + STEP * at


def _change(first: int, second: int, words: str) -> tuple[str, float]:
    """Return the arc from one state to another, with words where it is farthest out, and their end."""
    side = 1 if second > first else -1
    span = abs(second - first)
    start = MIDDLE + side * HALF
    out = start + side * (35 + 62 * span)
    # Arcs do not meet at the middle of a state: long ones are farther from it.
    above, below = _height(first) + side * (4 + span), _height(second) - side * (4 + span)
    x, y = start + 3 * (out - start) / 4, (above + below) / 2
    anchor = "start" if side > 0 else "end"
    line = (
        f'<path d="M{start} {above}C{out} {above} {out} {below} {start} {below}" marker-end="url(#arrow)"/>'
        f'<text x="{x + 4 * side:.0f}" y="{y + 4:.0f}" text-anchor="{anchor}">{escape(words)}</text>'
    )
    return line, x + side * (10 + LETTER * len(words))
