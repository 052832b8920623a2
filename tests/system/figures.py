"""What the figures of the system tests have in common: percentiles, tables, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from tests.bench.measure import machine as bench_machine

__all__ = ["machine", "machine_table", "percentile", "table", "verdict"]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that is not exceeded by ``share`` of them (nearest rank)."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def machine() -> dict[str, str]:
    """What a reader needs to know about where the figures come from."""
    return {name: value for name, value in bench_machine().items() if name != "uvloop"}


def machine_table(facts: Mapping[str, str]) -> str:
    """The same as a table."""
    return "## The machine\n\n" + table(["", ""], [[name, value] for name, value in facts.items()])


def verdict(reached: bool) -> str:
    """How a target is judged, in a table."""
    return "reached" if reached else "**missed**"
