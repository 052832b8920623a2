"""Real cable pulls, held to their limits; ``python -m tests.system.cable_pull`` measures their times."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.conftest import skip
from tests.system.cable_pull.__main__ import main
from tests.system.cable_pull.busy import load_run
from tests.system.cable_pull.faults import FAULTS, PORT, Fault
from tests.system.cable_pull.network import (
    CLIENT,
    CLIENT_ADDRESS,
    SERVER,
    SERVER_ADDRESS,
    Network,
    obstacle,
)
from tests.system.cable_pull.trials import PullResults, pull
from tests.system.programs import ROOT, Program

pytestmark = pytest.mark.slow

TIMES = 2
OUTAGE = 1.0
AT_ONCE = 5
NOTICED, BACK = 0.9, 2.0
"""Seconds: far longer than usual, for a busy machine, but far shorter than TCP needs."""


@pytest.fixture(scope="module", autouse=True)
def _possible() -> None:
    problem = obstacle()
    if problem is not None:
        skip(problem)


def namespaces() -> set[str]:
    """Return the network namespaces that this process has made and not removed."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    names = {line.split()[0] for line in listed.stdout.splitlines()}
    return {name for name in names if f"-{os.getpid()}-" in name}


def quiet(what: str) -> None:
    """Report progress to nobody."""


@pytest.fixture(scope="module")
def pulls() -> dict[str, Future[PullResults]]:
    """
    Start all faults, several at a time, each on a network of its own, because most of their time is
    waiting.
    """

    def meet(fault: Fault) -> PullResults:
        return pull([fault], ["tcpcomm"], times=TIMES, outage=OUTAGE, retransmit=50, progress=quiet)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {fault.name: pool.submit(meet, fault) for fault in FAULTS}


@pytest.fixture(scope="module", params=[fault.name for fault in FAULTS])
def pulled(request: pytest.FixtureRequest, pulls: dict[str, Future[PullResults]]) -> PullResults:
    """The results of one of the faults."""
    return pulls[request.param].result()


def test_the_fault_is_noticed(pulled: PullResults) -> None:
    (trials,) = pulled.trials["tcpcomm"].values()

    assert [] == [trial for trial in trials if trial.detection is None or trial.detection > NOTICED]


def test_the_link_comes_back_by_itself(pulled: PullResults) -> None:
    (trials,) = pulled.trials["tcpcomm"].values()

    assert TIMES == len(trials)
    assert [] == [trial for trial in trials if trial.recovery > BACK]


def test_each_command_has_an_outcome_and_runs_at_most_once(pulled: PullResults) -> None:
    commands = pulled.commands["tcpcomm"]

    assert commands.answered > 0
    assert commands.sent == commands.answered + commands.not_sent + commands.unknown
    assert (0, 0, 0) == (commands.wrong, commands.twice, commands.untrue)


def test_a_busy_machine_causes_no_false_alarm() -> None:
    result = load_run(["tcpcomm", "tcpcomm-blocking"], seconds=4, burners=4, progress=quiet)

    assert {"tcpcomm": [], "tcpcomm-blocking": []} == result.kills
    assert all(result.answered.values())


def outcomes(robot: Program, outcome: str) -> list[int]:
    """Return the numbers of the robot's commands that it reported with this outcome."""
    pattern = {"OK": r"OK,\1$", "unknown": "unknown: .", "not sent": "not sent: ."}[outcome]
    return [int(n) for line in robot.lines for n in re.findall(rf"^command (\d+): {pattern}", line)]


@pytest.fixture
def network() -> Iterator[Network]:
    """Two machines and a switch."""
    with Network() as network:
        yield network


def test_the_robot_and_camera_examples_survive_a_pulled_cable(network: Network) -> None:
    examples = ROOT / "docs" / "examples"

    def run(machine: str, example: str, *arguments: str) -> Program:
        command = [*network.within(machine), sys.executable, str(examples / example), *arguments]
        return Program(example, command)

    with ExitStack() as stack:
        camera = stack.enter_context(run(SERVER, "camera.py", f"tcp:{PORT}", CLIENT_ADDRESS))
        camera.wait_for_line("waiting for the peer", timeout=20)
        robot = stack.enter_context(run(CLIENT, "robot.py", f"tcp:{SERVER_ADDRESS}:{PORT}"))
        robot.wait_for_line("command 3: OK,3", timeout=20)

        for count, machine in enumerate((CLIENT, SERVER, CLIENT), start=1):
            network.unplug(machine)
            robot.wait_for_line("down: no heartbeat", count=count, timeout=5)
            camera.wait_for_line("down: no heartbeat", count=count, timeout=5)
            network.plug(machine)
            robot.wait_for_line("ready", count=count + 1, timeout=5)
        robot.wait_for_line(": OK,", count=len(outcomes(robot, "OK")) + 3, timeout=5)
        robot.kill()
        camera.kill()

    answered, unknown = outcomes(robot, "OK"), outcomes(robot, "unknown")
    pictures = [int(number) for line in camera.lines for number in re.findall(r"^picture (\d+)$", line)]
    # No command is lost without a report, and none has two outcomes.
    assert list(range(1, len(answered) + len(unknown) + 1)) == sorted([*answered, *unknown])
    # None is carried out twice, and each one with a reply was carried out.
    assert sorted(set(pictures)) == pictures
    assert set(answered) <= set(pictures)
    # Each pull came during a command, and each command reported as not sent was not sent.
    assert len(unknown) >= 3
    assert set(pictures) <= {*answered, *unknown, len(answered) + len(unknown) + 1}


def test_the_namespaces_are_removed_after_a_failure_too() -> None:
    def fail() -> None:
        with Network():
            assert 3 == len(namespaces())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert set() == namespaces()


def test_the_command_prints_a_page_and_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--times", "1", "--fault", "kill-9", "--outage", "0.5", "--load", "1"])

    page = capsys.readouterr().out
    assert "# Cable pulls\n" == page[: page.index("\n") + 1]
    assert "| the peer's program killed (SIGKILL), and restarted | " in page
    assert "`ReconnectingClientFactory`" in page
    assert "## False alarms\n" in page
    assert set() == namespaces()
