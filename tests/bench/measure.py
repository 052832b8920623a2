"""
Measuring in rounds: in each round all peers run, one after another.

A machine is never quiet and its clock rate never constant, so one figure alone means little. Peers that
take turns meet the same noise. So a ratio is taken within each round, and its median over all rounds.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TypeVar

from attrs import field, frozen

from tests.bench.built import build_flags, python_name

__all__ = ["Series", "interleaved", "machine"]

T = TypeVar("T")


def _tuple(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(values)


@frozen
class Series:
    """The values of one peer, one for each round."""

    values: tuple[float, ...] = field(converter=_tuple)

    @property
    def median(self) -> float:
        return median(self.values)

    def over(self, other: Series) -> float:
        """
        Return how many times the other's value this is: the median over the rounds that both took part in.
        """
        return median(mine / theirs for mine, theirs in zip(self.values, other.values, strict=False))


def interleaved(
    runs: Mapping[str, Callable[[], T]], *, rounds: int, once: Collection[str] = ()
) -> dict[str, list[T]]:
    """
    Call each run once a round; return its results in the order of the rounds.

    Each round begins with another run, so that none always follows the same neighbour. Runs named in
    ``once`` take part in the first round only.
    """
    names = list(runs)
    results: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if number == 0 or name not in once:
                results[name].append(runs[name]())
    return results


def machine() -> dict[str, str]:
    """Return the facts about this machine that a reader of the results needs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {
        "CPU": f"{_cpu_model()}, {cores} cores",
        "System": f"{platform.system()} {platform.release()}",
        "Python": python_name(),
        "Python's build": build_flags(),
        "Twisted": _version("Twisted"),
        "uvloop": _version("uvloop"),
        "msgspec": _version("msgspec"),
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    if hasattr(os, "getloadavg"):
        facts["Load average at the start"] = f"{os.getloadavg()[0]:.2f}"
    return facts


def _cpu_model() -> str:
    try:
        lines: Iterable[str] = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = ()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or sys.platform


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
