"""
A part of the page with its own tables and targets, and the cases where another tool is better.

So one part can be measured and written again without the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import field, frozen

from tests.bench.echo import EchoFigures
from tests.bench.measure import Series
from tests.bench.report import Target, table, target_table

__all__ = ["Column", "Section", "comparison", "exchanges", "with_section"]


@frozen
class Column:
    """
    One measurement of every peer.

    Args:
        title: its name and unit.
        figures: its results, by peer's name.
        digits: the digits after the decimal point.
        baseline: the peer to compare the others with, in brackets, or the one for each peer by its name;
            None: no comparison.
    """

    title: str
    figures: Mapping[str, Series]
    digits: int = 1
    baseline: str | Mapping[str, str] | None = None

    def cell(self, name: str) -> str:
        """Return the table cell of one peer."""
        if name not in self.figures:
            return "—"
        series = self.figures[name]
        text = f"{series.median:,.{self.digits}f}"
        baseline = self.baseline.get(name) if isinstance(self.baseline, Mapping) else self.baseline
        if baseline is None or name == baseline or baseline not in self.figures:
            return text
        return f"{text} ({series.over(self.figures[baseline]):.2f} ×)"

    def cheaper(self, ours: Iterable[str]) -> list[str]:
        """Return a text about each peer below our best one, with the ratio."""
        mine = [self.figures[name] for name in ours if name in self.figures]
        if not mine:
            return []
        best = min(mine, key=lambda series: series.median)
        shares = {name: each.over(best) for name, each in self.figures.items()}
        return [
            f"{name} ({share:.2f} of ours)"
            for name, share in shares.items()
            if share < 1 and not name.startswith("tcpcomm")
        ]


@frozen
class Section:
    """
    A part of the page.

    Args:
        title: its heading.
        text: a description of the measurements.
        tables: its tables, in order.
        targets: its targets.
        cheaper: a line for each case in which another tool is cheaper.
        notes: other lines, such as peers that did not take part.
    """

    title: str
    text: str
    tables: Sequence[str]
    targets: Sequence[Target] = ()
    cheaper: Sequence[str] = ()
    notes: Sequence[str] = field(default=())

    def page(self, *, quick: bool = False) -> str:
        """Return the section in Markdown."""
        parts = [f"## {self.title}\n", self.text]
        if self.targets and not quick:
            parts.append(target_table(list(self.targets)))
        parts += self.tables
        if self.cheaper:
            parts.append("Cheaper than the best of ours: " + "; ".join(self.cheaper) + ".\n")
        parts += [f"{note}.\n" for note in self.notes]
        return "\n".join(parts)


def comparison(first: str, columns: Sequence[Column]) -> str:
    """Return a table with a line for each peer."""
    names = dict.fromkeys(name for column in columns for name in column.figures)
    rows = [[name, *[column.cell(name) for column in columns]] for name in names]
    return table([first, *[column.title for column in columns]], rows)


def exchanges(
    figures: Mapping[str, EchoFigures], unit: str, baseline: str | Mapping[str, str]
) -> tuple[str, list[str]]:
    """Return the table of servers under this load, and lines about those that are cheaper than ours."""

    def series(take: Callable[[EchoFigures], Series | None]) -> dict[str, Series]:
        found = {name: take(each) for name, each in figures.items()}
        return {name: each for name, each in found.items() if each is not None}

    cpu = Column(f"CPU µs per {unit}", series(lambda each: each.cpu), 2, baseline)
    columns = [cpu, Column(f"{unit.capitalize()}s per second", series(lambda each: each.rate), 0)]
    latencies = {"p50 µs": series(lambda each: each.p50), "p99 µs": series(lambda each: each.p99)}
    for title, found in latencies.items():
        if found:
            columns.append(Column(title, found, 0))
    cheaper = cpu.cheaper(name for name in figures if name.startswith("tcpcomm"))
    return comparison("Server", columns), cheaper


def with_section(page: str, title: str, text: str) -> str:
    """Return a page with this text in place of the section of that title, or before the last section."""
    old = re.compile(rf"## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    if old.search(page):
        return old.sub(lambda _: text + "\n", page, count=1).rstrip("\n") + "\n"
    before, mark, after = page.partition("## Where something else is cheaper\n")
    return f"{before.rstrip()}\n\n{text}\n{mark}{after}".rstrip("\n") + "\n"
