"""The links that run over the rough network, and what became of them: :func:`roughen`."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from attrs import frozen

from tests.system.cable_pull.clients import POLICIES
from tests.system.cable_pull.faults import PORT
from tests.system.cable_pull.network import CLIENT, SERVER, SERVER_ADDRESS
from tests.system.cable_pull.trials import Commands, count_commands
from tests.system.figures import percentile
from tests.system.programs import Program
from tests.system.rough_network.medium import Roughness, rough_network

__all__ = ["LINKS", "LinkResult", "RoughResult", "roughen"]

LINKS: Final[Sequence[str]] = tuple(POLICIES)
START_TIMEOUT: Final = 60.0
EVERY: Final = 60.0
"""Seconds between two messages about progress."""


@frozen
class LinkResult:
    """The result of one link."""

    interval: float
    timeout: float
    """The seconds of its heartbeat."""
    deaths: Mapping[str, int]
    """The reasons for which it was taken for dead, with their number. The peer lived all the time."""
    commands: Commands
    reply_p50: float
    reply_p99: float
    reply_max: float
    """Seconds from a command to its reply."""


@frozen
class RoughResult:
    """The results of one run."""

    seconds: float
    roughness: Roughness
    means: str
    packets: Mapping[str, int] | None
    links: Mapping[str, LinkResult]


def roughen(
    links: Sequence[str],
    *,
    seconds: float,
    progress: Callable[[str], None],
    roughness: Roughness | None = None,
) -> RoughResult:
    """
    Let links work over a rough network.

    Args:
        links: the names of the policies, one link for each.
        seconds: the time to work.
        progress: called with a text at each step.
        roughness: what happens to the packets; None: the default.
    """
    roughness = roughness or Roughness()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="tcpcomm-rough-")))
        network = stack.enter_context(rough_network(roughness))
        notes = directory / "applied"
        module = ["tests.system.cable_pull.equipment", str(PORT), str(notes)]
        equipment = stack.enter_context(
            Program("the equipment", [*network.within(SERVER), sys.executable, "-m", *module])
        )
        equipment.wait_for("listening", timeout=START_TIMEOUT)
        programs = {
            name: stack.enter_context(
                Program(
                    name,
                    [
                        *network.within(CLIENT),
                        *(sys.executable, "-m", "tests.system.cable_pull.clients"),
                        *(name, SERVER_ADDRESS, str(PORT)),
                    ],
                )
            )
            for name in links
        }
        for program in programs.values():
            program.wait_for("sent", timeout=START_TIMEOUT)
        started = time.monotonic()
        while (left := started + seconds - time.monotonic()) > 0:
            progress(f"{left:.0f} s left")
            time.sleep(min(EVERY, left))
        ended = time.monotonic()
        packets = network.counts()
        for program in programs.values():
            program.close()
        time.sleep(1.0)  # commands under way arrive
        applied = Counter(notes.read_text("ascii").splitlines())
        return RoughResult(
            seconds,
            roughness,
            network.name,
            packets,
            {name: _result(name, program, applied, ended) for name, program in programs.items()},
        )


def _result(name: str, program: Program, applied: Mapping[str, int], ended: float) -> LinkResult:
    failed = program.events("failed")
    assert not failed, failed[0].about["reason"]
    sent = {event.about["number"]: event.time for event in program.events("sent")}
    took = [event.time - sent[event.about["number"]] for event in program.events("answered")]
    beats = POLICIES[name].heartbeats
    assert beats is not None
    return LinkResult(
        beats.interval,
        beats.timeout,
        Counter(_deaths(program, ended)),
        count_commands(name, program, applied, until=ended),
        *(percentile(took, share) if took else 0.0 for share in (0.5, 0.99, 1.0)),
    )


def _deaths(program: Program, ended: float) -> Iterator[str]:
    """Yield the reason for each time that a link which was ready was lost."""
    was_up = False
    for event in program.events("up", "down"):
        if event.kind == "down" and was_up and event.time < ended:
            yield str(event.about["reason"])
        was_up = event.kind == "up"
