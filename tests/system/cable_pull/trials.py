"""One pull after another: the time at which each client noticed it."""

from __future__ import annotations

import math
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import define, field, frozen

from tests.system.cable_pull.faults import PORT, Fault, Scene
from tests.system.cable_pull.network import CLIENT, SERVER_ADDRESS, Network
from tests.system.programs import Program

__all__ = [
    "TITLES",
    "Commands",
    "PullResults",
    "Stage",
    "Trial",
    "count_commands",
    "pull",
    "set_stage",
]

TITLES: Final[Mapping[str, str]] = {
    "tcpcomm": "tcpcomm, profile `lan`",
    "tcpcomm-blocking": "tcpcomm, in a program that blocks its reactor for 0.5 s every 5 s",
    "clientservice": "`ClientService`",
    "reconnectingclientfactory": "`ReconnectingClientFactory`",
}

START_TIMEOUT: Final = 30.0
RECOVERY_TIMEOUT: Final = 60.0
UNDER_WAY: Final = 8
"""Commands that can be in progress when a client is stopped."""

SETTLED_AFTER: Final = 0.5
"""Seconds of undisturbed work before the next fault."""


@frozen
class Trial:
    """
    The result of one fault for one client.

    Args:
        detection: seconds from the fault until the client took the connection for dead; None if it did not
            until
            the fault was mended.
        recovery: seconds from the mending until the next reply to a command.
    """

    detection: float | None
    recovery: float


@define
class Commands:
    """The outcomes of the commands of one client."""

    sent: int = 0
    answered: int = 0
    not_sent: int = 0
    unknown: int = 0
    wrong: int = 0
    silent: int = 0
    """Neither answered nor reported: the caller never learned the outcome."""
    twice: int = 0
    """Carried out more than once."""
    untrue: int = 0
    """Answered but not carried out, or reported as not sent but carried out."""


@frozen
class PullResults:
    """All results: by client, then by fault's name."""

    outage: float
    trials: Mapping[str, Mapping[str, Sequence[Trial]]]
    commands: Mapping[str, Commands]


@define
class Stage:
    """The network, the equipment and the clients."""

    scene: Scene
    clients: dict[str, Program]
    notes: Path
    _random: random.Random = field(factory=lambda: random.Random(1))

    def settle(self) -> None:
        """Wait until every client works, for a time that varies."""
        started = time.monotonic()
        for client in self.clients.values():
            client.wait_for("answered", since=started, timeout=RECOVERY_TIMEOUT)
        time.sleep(SETTLED_AFTER + self._random.uniform(0.0, 0.2))

    def pull(self, fault: Fault, outage: float) -> dict[str, Trial]:
        """Make a fault, mend it after ``outage`` seconds, and wait until every client works again."""
        self.settle()
        made = time.monotonic()
        fault.make(self.scene)
        time.sleep(max(0.0, made + outage - time.monotonic()))
        returned = fault.mend(self.scene)
        return {
            name: _trial(client, made, made + outage, returned) for name, client in self.clients.items()
        }

    def finish(self) -> None:
        """Stop the clients; wait until no command is in progress."""
        for client in self.clients.values():
            client.close()
            failed = client.events("failed")
            assert not failed, failed[0].about["reason"]


def _trial(client: Program, made: float, mending: float, returned: float) -> Trial:
    answered = client.wait_for("answered", since=returned, timeout=RECOVERY_TIMEOUT)
    down = next((each for each in client.events("down", since=made) if each.time < mending), None)
    return Trial(None if down is None else down.time - made, answered.time - returned)


def pull(
    faults: Sequence[Fault],
    clients: Collection[str],
    *,
    times: int,
    outage: float,
    retransmit: int | None,
    progress: Callable[[str], None],
) -> PullResults:
    """
    Make each fault this many times.

    Args:
        faults: the faults.
        clients: the names of the clients, which meet each fault at the same time.
        times: the number of times for each fault.
        outage: seconds from each fault to its mending.
        retransmit: milliseconds between two ARP requests; None: the default of the system.
        progress: called with a text at each step.
    """
    trials: dict[str, dict[str, list[Trial]]] = {
        name: {each.name: [] for each in faults} for name in clients
    }
    with ExitStack() as stack:
        stage = set_stage(stack, clients, retransmit)
        for number in range(1, times + 1):
            for fault in faults:
                for name, trial in stage.pull(fault, outage).items():
                    trials[name][fault.name].append(trial)
            progress(f"{number} of {times} rounds of {len(faults)} faults")
        stage.settle()
        stage.finish()
        applied = Counter(stage.notes.read_text("ascii").splitlines())
        commands = {name: count_commands(name, client, applied) for name, client in stage.clients.items()}
    return PullResults(outage, trials, commands)


def set_stage(stack: ExitStack, clients: Collection[str], retransmit: int | None) -> Stage:
    """Make the network, start the equipment and the clients, and wait until all of them work."""
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="tcpcomm-pull-")))
    network = stack.enter_context(Network(retransmit))
    notes = directory / "applied"
    equipment = ["tests.system.cable_pull.equipment", str(PORT), str(notes)]
    scene = stack.enter_context(Scene(network, equipment))
    scene.listening()
    programs = {}
    for name in clients:
        command = [sys.executable, "-m", "tests.system.cable_pull.clients", name, SERVER_ADDRESS, str(PORT)]
        programs[name] = stack.enter_context(Program(name, [*network.within(CLIENT), *command]))
    for client in programs.values():
        client.wait_for("answered", timeout=START_TIMEOUT)
    return Stage(scene, programs, notes)


def count_commands(
    name: str, client: Program, applied: Mapping[str, int], *, until: float = math.inf
) -> Commands:
    """
    Compare the outcomes that a client learned with the commands that the equipment carried out.

    Args:
        name: the client's name in its commands.
        client: the client.
        applied: how often each command was carried out.
        until: the monotonic time at which the client was stopped. Its own stop fails the commands in
            progress, so a failure after that time is not counted.
    """
    outcomes: dict[Any, list[str]] = {}
    for event in client.events("sent", "answered", "not sent", "unknown", "wrong"):
        if event.kind in ("not sent", "unknown") and event.time >= until:
            continue
        outcomes.setdefault(event.about["number"], []).append(event.kind)
    last = max(outcomes, default=0)
    commands = Commands()
    for number, kinds in outcomes.items():
        done = applied.get(f"{name} {number}", 0)
        commands.sent += 1
        commands.answered += "answered" in kinds
        commands.not_sent += "not sent" in kinds
        commands.unknown += "unknown" in kinds
        commands.wrong += "wrong" in kinds
        # Commands in progress when the client is stopped are not counted as lost.
        commands.silent += kinds == ["sent"] and number <= last - UNDER_WAY
        commands.twice += done > 1
        commands.untrue += ("answered" in kinds and done == 0) or ("not sent" in kinds and done > 0)
    return commands
