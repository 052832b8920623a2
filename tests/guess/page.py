"""The page of the figures, from what was measured: :func:`page`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from statistics import median
from typing import Final

from attrs import frozen

from tcpcomm.tools.guess.answer import Verdict
from tests.guess.cuts import CUTS
from tests.guess.families.every_family import FAMILIES
from tests.guess.measure import SIZES, Judged, Tally, tally, upper_bound
from tests.guess.one_mib import Cost
from tests.system.figures import machine_table, table, verdict

__all__ = ["MOST_CPU", "MOST_MEMORY", "TARGETS", "Figures", "page"]

TARGETS: Final = {
    "turn by turn": 0.97,
    "turn by turn, no times": 0.97,
    "pipelined": 0.90,
    "pipelined, no times": 0.90,
    "merged chunks": 0.90,
    "pieces with pauses": 0.90,
    "pieces, no times": 0.90,
    "bulk": 0.80,
}
"""The least shares of right first answers, by the way in which the stream is cut."""

MOST_WRONG: Final = 0.005
LEAST_FOUND: Final = 0.97
MOST_INVENTED: Final = 0.02
MOST_CPU: Final = 1.5
MOST_MEMORY: Final = 150.0

_HEAD: Final = """\
# What a guess finds

This page shows how often `tcpcomm guess` finds the framing of a stream, and how often it is wrong.
It is written by the measurement itself, so that no figure in it is typed by hand:

```text
{command}
```

Each capture is a conversation whose messages are known.
Invented devices speak, tcpcomm's simulators, private headers that Hypothesis draws, and programs of others.
An answer is right if its framings end a frame at the end of each message and nowhere else, on both sides.
That is judged in the capture, and in another connection with the same device.
The second one finds answers that fit by chance.
An answer that is called *nothing* is never right, even if its hint is.
*Wrong though confident* is the figure that matters most: such an answer misleads.
The figure in brackets is the largest share that this count allows, with 95 % certainty (Clopper, Pearson).

"""


@frozen
class Figures:
    """
    All that was measured.

    Attributes:
        rows: the captures of the tables.
        needed: captures of all sizes, turn by turn.
        foreign: for each conversation of foreign programs its ends, and the judgement.
        costs: the cost of 1 MiB, by family and way.
    """

    rows: Sequence[Judged]
    needed: Sequence[Judged]
    foreign: Sequence[tuple[str, Judged | str]]
    costs: Sequence[tuple[str, str, Cost]]


def page(figures: Figures, facts: Mapping[str, str], command: str) -> str:
    """Return the page."""
    with_framing = [each for each in figures.rows if each.family.cuts]
    without = [each for each in figures.rows if not each.family.cuts]
    parts = [
        _HEAD.format(command=command) + machine_table(facts),
        "## By the way in which the stream is cut\n",
        table(_CUT_HEAD, [*_cut_rows(with_framing)]),
        "Checksums count for each side.",
        "One is found if the answer names it and it holds in all messages of both connections.",
        "One is invented if the messages have none, or have another one.\n",
        "## By family, in all these ways\n",
        table(_FAMILY_HEAD, [*_family_rows(with_framing)]),
        "## Streams without a notation\n",
        "Nothing may be claimed of them; *likely* is a hint.\n",
        table(_WITHOUT_HEAD, [*_without_rows(without)]),
        "## Exchanges needed\n",
        "The share of devices of which the answer is right and confident, turn by turn.",
        "The last column is the fewest exchanges with which that is so, as the median over the devices.\n",
        table(["group", "devices", *map(str, SIZES), "median"], [*_needed_rows(figures.needed)]),
        "## Programs of others\n",
        "Each talks through `tcpcomm tap`, twelve exchanges; a second run is the other connection.\n",
        table(["programs", "answer", "verdict", "", "seconds"], [*_foreign_rows(figures.foreign)]),
        "## The cost of 1 MiB\n",
        "The memory is the most of the whole process, with Python and the capture in it.\n",
        table(_COST_HEAD, [*_cost_rows(figures.costs)]),
        "## Wrong though confident\n",
        _wrong([*figures.rows, *figures.needed]),
    ]
    return "\n".join(parts)


_CUT_HEAD: Final = (
    *("cut", "exchanges", "captures", "right first", "target", ""),
    *("confident", "wrong though confident", "checksums found", "invented"),
)
_FAMILY_HEAD: Final = (
    *("family", "captures", "right first", "confident", "wrong though confident"),
    *("checksums found", "invented"),
)
_WITHOUT_HEAD: Final = ("stream", "captures", "nothing", "likely", "confident", "")
_COST_HEAD: Final = ("stream", "cut", "seconds", "CPU seconds", "MiB", "verdict", "target", "")


def _share(hits: int, count: int) -> str:
    return f"{hits / count:.1%}".replace("%", " %") if count else "—"


def _wrongs(found: Tally) -> str:
    return f"{found.wrong} (≤ {upper_bound(found.wrong, found.count):.2%})".replace("%", " %")


def _checks(found: Tally) -> list[str]:
    return [
        f"{_share(found.found, found.checks)} of {found.checks}" if found.checks else "—",
        f"{_share(found.invented, found.plain)} of {found.plain}" if found.plain else "—",
    ]


def _cut_rows(rows: Sequence[Judged]) -> Iterable[list[str]]:
    for cut in CUTS:
        found = tally(each for each in rows if each.sample.cut == cut.name)
        if not found.count:
            continue
        least = TARGETS.get(cut.name)
        target = ["", ""]
        if least is not None:
            target = [f"≥ {least:.0%}".replace("%", " %"), verdict(found.right >= least * found.count)]
        yield [
            cut.name,
            str(cut.exchanges),
            str(found.count),
            _share(found.right, found.count),
            *target,
            _share(found.confident, found.count),
            _wrongs(found),
            *_checks(found),
        ]
    found = tally(rows)
    checks = (
        found.found >= LEAST_FOUND * found.checks,
        found.invented <= MOST_INVENTED * found.plain,
        found.wrong <= MOST_WRONG * found.count,
    )
    yield [
        "**all of these**",
        "",
        str(found.count),
        _share(found.right, found.count),
        "",
        "",
        _share(found.confident, found.count),
        f"{_wrongs(found)}, {verdict(checks[2])}",
        f"{_checks(found)[0]}, {verdict(checks[0])}",
        f"{_checks(found)[1]}, {verdict(checks[1])}",
    ]


def _family_rows(rows: Sequence[Judged]) -> Iterable[list[str]]:
    groups = dict.fromkeys(each.group for each in FAMILIES if each.cuts)
    for group in groups:
        names = [each.name for each in FAMILIES if each.cuts and each.group == group]
        for title, chosen in ((f"**{group}**", names), *((name, [name]) for name in names)):
            found = tally(each for each in rows if each.sample.family in chosen)
            if found.count:
                yield [
                    title,
                    str(found.count),
                    _share(found.right, found.count),
                    _share(found.confident, found.count),
                    _wrongs(found),
                    *_checks(found),
                ]


def _without_rows(rows: Sequence[Judged]) -> Iterable[list[str]]:
    names = [each.name for each in FAMILIES if not each.cuts]
    for title, chosen in (*((name, [name]) for name in names), ("**all of these**", names)):
        several = [each for each in rows if each.sample.family in chosen]
        found, said = tally(several), [each.ruling.verdict for each in several]
        if found.count:
            yield [
                title,
                str(found.count),
                _share(said.count(Verdict.NOTHING), found.count),
                _share(said.count(Verdict.LIKELY), found.count),
                _wrongs(found),
                verdict(found.wrong == 0),
            ]


def _needed_rows(rows: Sequence[Judged]) -> Iterable[list[str]]:
    groups = [*dict.fromkeys(each.group for each in FAMILIES if each.cuts)]
    for title, chosen in (*((group, [group]) for group in groups), ("**all of these**", groups)):
        devices: dict[tuple[str, int], dict[int, bool]] = {}
        for each in rows:
            if each.family.group not in chosen:
                continue
            sample = each.sample
            sizes = devices.setdefault((sample.family, sample.seed), {})
            sizes[sample.exchanges] = each.ruling.is_right and each.ruling.is_confident
        if devices:
            shares = [
                _share(sum(sizes[size] for sizes in devices.values()), len(devices)) for size in SIZES
            ]
            fewest = median(min((k for k in SIZES if sizes[k]), default=inf) for sizes in devices.values())
            yield [title, str(len(devices)), *shares, "more" if fewest == inf else f"{fewest:g}"]


def _foreign_rows(rows: Iterable[tuple[str, Judged | str]]) -> Iterable[list[str]]:
    for ends, each in rows:
        if isinstance(each, str):
            yield [ends, each, "", "", ""]
            continue
        right = "right" if each.ruling.is_right else f"**wrong**: {each.ruling.problem}"
        said = each.ruling.verdict.value
        yield [ends, f"`{_cell(each.answer)}`", said, right, f"{each.ruling.seconds:.2f}"]


def _cost_rows(rows: Iterable[tuple[str, str, Cost]]) -> Iterable[list[str]]:
    for family, way, cost in rows:
        reached = cost.cpu <= MOST_CPU and cost.memory <= MOST_MEMORY
        yield [
            family,
            way,
            f"{cost.seconds:.2f}",
            f"{cost.cpu:.2f}",
            f"{cost.memory:.0f}",
            cost.verdict,
            f"≤ {MOST_CPU:g} s, ≤ {MOST_MEMORY:g} MiB",
            verdict(reached),
        ]


def _wrong(rows: Iterable[Judged]) -> str:
    listed = [each for each in rows if each.is_wrong_though_confident]
    if not listed:
        return "There was none.\n"
    return table(
        ["capture", "answer", "the device", "the first message that is cut wrong"],
        [
            [
                str(each.sample),
                *(f"`{_cell(text)}`" for text in (each.answer, each.truth or "—")),
                _problem(each),
            ]
            for each in listed
        ],
    )


def _problem(each: Judged) -> str:
    return _cell(each.ruling.problem) if each.family.cuts else "nothing cuts this stream"


def _cell(text: str) -> str:
    """Return a text for a cell of a table, in which a bar would begin the next cell."""
    return text.replace("|", "\\|")
