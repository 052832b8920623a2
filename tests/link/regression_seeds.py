"""Seeds of the simulation that once found a fault: they are run first, for ever."""

from __future__ import annotations

from typing import Final

__all__ = ["REGRESSION_SEEDS"]

REGRESSION_SEEDS: Final = {
    0: "a late reply of the equipment's was sent on a connection that was lost already",
    20: "the program of a crashed machine was asked to dial",
    73: "a reset that was lost left a silent connection at the peer",
    75: "a request from before the calm timed out in it",
}
"""Each with what it found."""
