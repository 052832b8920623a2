"""Shared parts of the system tests' figures: percentiles, tables, and facts about the machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from tests.bench.measure import machine as bench_machine

__all__ = ["machine", "machine_table", "percentile", "table", "verdict"]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is not exceeded by ``share`` of the values (nearest rank)."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def machine() -> dict[str, str]:
    """Return the facts about this machine that a reader of the figures needs."""
    return {name: value for name, value in bench_machine().items() if name != "uvloop"}


def machine_table(facts: Mapping[str, str]) -> str:
    """Return the facts about the machine as a table."""
    return "## The machine\n\n" + table(["", ""], [[name, value] for name, value in facts.items()])


def verdict(reached: bool) -> str:
    """Return the verdict on a target, for a table."""
    return "reached" if reached else "**missed**"
