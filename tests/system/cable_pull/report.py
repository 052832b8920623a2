"""The report of the pulls: one Markdown page, in which nobody types a figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import frozen

from tests.system.cable_pull import busy
from tests.system.cable_pull.faults import Fault
from tests.system.cable_pull.trials import TITLES, PullResults, Trial
from tests.system.figures import machine_table, percentile, table, verdict

__all__ = ["Results", "page"]

OURS: Final = "tcpcomm"


@frozen
class Results:
    """All results of one run."""

    facts: Mapping[str, str]
    command: str
    faults: Sequence[Fault]
    pulls: PullResults
    untuned: PullResults | None
    """The same pulls with the system's own ARP timing; None: not measured."""
    load: busy.LoadResult | None
    """A run without any fault; None: not measured."""


_HEAD = """\
# Cable pulls

The time until a dead link is noticed, and until it works again.
Three network namespaces stand for the two machines and the switch between them.
The faults are real: interfaces go down, packets are dropped, programs are killed and stopped.
All clients run at the same time and meet the same fault at the same instant.
Each sends a numbered command ten times a second, and more often if several of its callers wait.
`ClientService` and `ReconnectingClientFactory` are those of stock Twisted, with their defaults.

The measurement itself writes this page, so that nobody types a figure:

```text
{command}
```

It needs Linux, root, iproute2 and iptables.
`--quick` takes a first look in about two minutes.
"""

_DETECTION = """\
## Detection

Milliseconds from the fault until the client takes the link for dead: p50 / p99 / max of {times}.
The time of the command that makes the fault is included.
Each fault lasts {outage:g} s; the table shows faults that were not noticed in this time.
"""

_RECOVERY = """\
## Reconnection

Milliseconds from the link's return until the first reply to a command: p50 / p99 / max of {times}.
The time of the command that mends the fault is included; if a program must start, its start is not.
If the fault was not noticed, TCP's retransmission on the old connection continues the work.
"""

_UNTUNED = """\
### Without tuned ARP

Linux repeats an ARP request after 1 s, and while a cable is out, a request is always pending.
All figures above are with 50 ms at both ends (`sysctl -w net.ipv4.neigh.eth0.retrans_time_ms=50`).
These are with the system's own value, for tcpcomm, in milliseconds: p50 / p99 / max of {times}.
"""

_COMMANDS = """\
## What became of the commands

All commands of all the pulls above.
*Without a report*: the caller never learned the outcome of the command.
*Untrue*: answered but not carried out, or reported as not sent but carried out.
"""


def page(results: Results) -> str:
    """Return the whole page."""
    pulls = results.pulls
    times = _times(pulls)
    parts = [
        _HEAD.format(command=results.command),
        machine_table(results.facts),
        _targets(results),
        _DETECTION.format(times=times, outage=pulls.outage) + "\n" + _by_fault(results, _detection),
        _RECOVERY.format(times=times) + "\n" + _by_fault(results, _recovery),
    ]
    if results.untuned is not None:
        parts.append(_UNTUNED.format(times=_times(results.untuned)) + "\n" + _untuned(results))
    parts.append(_COMMANDS + "\n" + _commands(pulls))
    if results.load is not None:
        parts.append(busy.section(results.load, results.command, results.facts))
    return "\n".join(parts)


def _times(pulls: PullResults) -> str:
    counts = sorted({len(trials) for by_fault in pulls.trials.values() for trials in by_fault.values()})
    return " to ".join(map(str, counts)) + " pulls"


def _detection(trials: Sequence[Trial], outage: float) -> str:
    seen = [trial.detection for trial in trials if trial.detection is not None]
    missed = len(trials) - len(seen)
    if not seen:
        return f"not within {outage:g} s"
    return _three(seen) + (f"; {missed} of {len(trials)} not within {outage:g} s" if missed else "")


def _recovery(trials: Sequence[Trial], outage: float) -> str:
    return _three([trial.recovery for trial in trials])


def _three(values: Sequence[float]) -> str:
    figures = (percentile(values, 0.5), percentile(values, 0.99), max(values))
    return " / ".join(f"{1000 * figure:.0f}" for figure in figures)


def _by_fault(results: Results, cell: Callable[[Sequence[Trial], float], str]) -> str:
    pulls = results.pulls
    rows = [
        [fault.title, *(cell(by_fault[fault.name], pulls.outage) for by_fault in pulls.trials.values())]
        for fault in results.faults
    ]
    every = [cell(_all(by_fault), pulls.outage) for by_fault in pulls.trials.values()]
    return table(["Fault", *(TITLES[name] for name in pulls.trials)], [*rows, ["**all**", *every]])


def _all(by_fault: Mapping[str, Sequence[Trial]]) -> list[Trial]:
    return [trial for trials in by_fault.values() for trial in trials]


def _untuned(results: Results) -> str:
    assert results.untuned is not None
    titles = {fault.name: fault.title for fault in results.faults}
    rows = [[titles[name], _recovery(trials, 0.0)] for name, trials in results.untuned.trials[OURS].items()]
    return table(["Fault", "Reconnection"], rows)


def _commands(pulls: PullResults) -> str:
    head = ["", "sent", "answered", "reported as not sent", "reported as unknown"]
    head += ["without a report", "wrong answer", "carried out twice", "untrue"]
    rows = [
        [TITLES[name], *map(str, (each.sent, each.answered, each.not_sent, each.unknown)),
         *map(str, (each.silent, each.wrong, each.twice, each.untrue))]
        for name, each in pulls.commands.items()
    ]  # fmt: skip
    return table(head, rows)


def _targets(results: Results) -> str:
    pulls = results.pulls
    rows = []
    if OURS in pulls.trials:
        trials = _all(pulls.trials[OURS])
        # A fault that was not noticed counts as noticed at the end of the outage: far too late.
        detected = percentile([trial.detection or pulls.outage for trial in trials], 0.99)
        recovered = percentile([trial.recovery for trial in trials], 0.99)
        rows += [
            _target(f"Detection, p99 of {len(trials)} pulls, in milliseconds", detected * 1e3, 450),
            _target(f"Reconnection, p99 of {len(trials)} pulls, in milliseconds", recovered * 1e3, 100),
        ]
        commands = pulls.commands[OURS]
        broken = commands.silent + commands.twice + commands.wrong + commands.untrue
        rows.append(_target("Commands without a report, carried out twice or untrue", broken, 0))
    return "## Targets\n\n" + table(["", "at most", "measured", ""], rows)


def _target(text: str, measured: float, bound: float) -> list[str]:
    return [text, f"{bound:g}", f"{measured:.0f}", verdict(measured <= bound)]
