"""Soaks that once broke a promise: they are run first, for ever."""

from __future__ import annotations

from typing import Final

__all__ = ["REGRESSION_SEEDS"]

REGRESSION_SEEDS: Final[dict[tuple[int, float], str]] = {
    (2, 0.3): "a true reply answered the next command, behind a line that took its place",
}
"""The seed and the virtual days of each, with what it found."""
