"""
SECS-II items, written and read by :mod:`tcpcomm.devices.hsms` and by secsgem.

Both make the same bytes of the same values: a list of 1000 numbers, texts and bytes. It is written and read
in one process; only CPU time counts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tcpcomm.devices.hsms import decode, encode
from tcpcomm.devices.hsms.values import item_layout, item_of
from tests.bench.json_engines import cpu
from tests.bench.measure import Series, interleaved
from tests.bench.processes import BenchmarkFailed
from tests.bench.report import Target, table
from tests.bench.section import Section

__all__ = ["ITEMS", "TITLE", "measure_secs", "measure_steps"]

TITLE = "SECS-II items"
ITEMS: Final = 1000
"""Items of the list."""
OURS, THEIRS = "tcpcomm", "secsgem"
WRITE, WRITE_MADE, READ = "values to bytes", "items to bytes", "bytes to values"
_REPEATS: Final = 40
_VALUES: Final = [(7, "abc", 1.5, b"\1\2")[index % 4] for index in range(ITEMS)]


def _ours() -> dict[str, Callable[[], Any]]:
    """Return the steps of the device."""
    write_made = partial(item_layout().write, item_of(_VALUES))
    return {WRITE: partial(encode, _VALUES), WRITE_MADE: write_made, READ: partial(decode, encode(_VALUES))}


def _theirs() -> dict[str, Callable[[], Any]]:
    """Return the same steps of secsgem."""
    variables = importlib.import_module("secsgem.secs.variables")
    makers = {int: variables.U4, str: variables.String, float: variables.F8, bytes: variables.Binary}

    class AnyItem(variables.Dynamic):  # type: ignore[name-defined, misc]
        def __init__(self, value: Any = None) -> None:
            super().__init__([*makers.values()], value)

    def items() -> Any:
        return variables.Array(AnyItem, [makers[type(value)](value) for value in _VALUES])

    made = items()
    frame = made.encode()

    def write() -> bytes:
        written: bytes = items().encode()
        return written

    def read() -> Any:
        found = variables.Dynamic([])
        found.decode(frame)
        return found.get()

    return {WRITE: write, WRITE_MADE: made.encode, READ: read}


def measure_steps(rounds: int, shrink: int = 1) -> dict[str, dict[str, Series]]:
    """Return microseconds for the whole list, by step and library."""
    libraries = {OURS: _ours()}
    if importlib.util.find_spec(THEIRS) is not None:
        libraries[THEIRS] = _theirs()
        for step, ours in libraries[OURS].items():
            if ours() != libraries[THEIRS][step]():
                raise BenchmarkFailed(f"{step}: secsgem does not agree with the device")
    runs = {
        f"{step}|{library}": partial(cpu, run, max(1, _REPEATS // shrink))
        for library, steps in libraries.items()
        for step, run in steps.items()
    }
    samples = interleaved(runs, rounds=rounds)
    return {
        step: {library: Series(samples[f"{step}|{library}"]) for library in libraries}
        for step in (WRITE, WRITE_MADE, READ)
    }


_TEXT = """\
A list of {items} SECS-II items, a quarter each of `U4`, `A`, `F8` and `B`: CPU µs for the whole list.
"{write}" makes the items of plain values and writes them, and "{read}" is the way back.
"{made}" writes items that exist already.
secsgem's items check a value when they are made, and `tcpcomm.devices.hsms` checks it when it is written.
Medians, {rounds} rounds.

```
python -m tests.bench --only secs --write
```
"""


def measure_secs(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure both libraries, or the device alone if secsgem is not installed."""
    progress(f"SECS-II items, {rounds} rounds")
    figures = measure_steps(rounds, shrink)
    rows, targets, cheaper = [], [], []
    for step, found in figures.items():
        cells = [f"{found[name].median:,.0f}" if name in found else "—" for name in (OURS, THEIRS)]
        share = found[THEIRS].over(found[OURS]) if THEIRS in found else None
        rows.append([step, *cells, "—" if share is None else f"{share:.1f} ×"])
        if share is not None and share < 1:
            cheaper.append(f"{THEIRS}, {step} ({share:.2f} of ours)")
        if share is not None and step != WRITE_MADE:
            targets.append(Target(f"{step}: secsgem's CPU by ours", share, 3))
    text = _TEXT.format(items=ITEMS, write=WRITE, read=READ, made=WRITE_MADE, rounds=rounds)
    notes = [] if THEIRS in figures[READ] else ["secsgem did not take part: it is not installed"]
    shown = table(["Step", OURS, THEIRS, "secsgem by ours"], rows)
    return Section(TITLE, text, [shown], targets, cheaper, notes)
