"""The report of a run, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import asdict

from tcpcomm.testing.hostile.case import Case
from tcpcomm.testing.hostile.options import TargetOptions
from tcpcomm.testing.hostile.runner import Result
from tcpcomm.testing.hostile.verdict import VERSION, Verdict


def line_of(result: Result) -> str:
    """Return one line of the table: the number, the verdict, the name, and what was seen."""
    text = f": {result.text}" if result.text else ""
    return (
        f"{result.case.number}  {result.verdict.value:<7} {result.seconds:5.1f} s  {result.case.name}{text}"
    )


def summary(results: Sequence[Result]) -> str:
    """Return the last line: how many cases had which verdict."""
    counted = Counter(result.verdict for result in results)
    parts = [f"{counted[verdict]} {verdict.value}" for verdict in Verdict if counted[verdict]]
    worst = max((result.worst_delay for result in results), default=0.0)
    return f"{len(results)} cases: {', '.join(parts)}; a good peer waited at most {worst * 1000:.0f} ms"


def listing(cases: Iterable[Case]) -> str:
    """Return a text with all facts about each case."""
    return "\n".join(
        f"{case.number}  {case.name}\n     {case.sentence}\n"
        f"     sends: {case.sends}\n     right: {case.right}"
        for case in cases
    )


def as_json(options: TargetOptions, results: Sequence[Result]) -> str:
    """Return the whole run as JSON. Keys are not in it."""
    cases: list[dict[str, Any]] = []
    for result in results:
        entry: dict[str, Any] = {
            "number": result.case.number,
            "name": result.case.name,
            "verdict": result.verdict.value,
            "text": result.text,
            "seconds": round(result.seconds, 3),
            "worst_delay_of_a_good_peer": round(result.worst_delay, 4),
        }
        if result.before is not None and result.after is not None:
            entry["before"], entry["after"] = asdict(result.before), asdict(result.after)
        cases.append(entry)
    head = {"suite": VERSION, "target": f"{options.host}:{options.port}", "kind": options.kind}
    return json.dumps({**head, "cases": cases}, indent=1)
