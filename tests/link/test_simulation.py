"""Links under faults by the thousand: nothing is violated, and the same seed gives the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest

from tests.link.proof import EACH, page, simulate
from tests.link.regression_seeds import REGRESSION_SEEDS
from tests.link.simulation import Outcome, run
from tests.link.test_mutants import MUTANTS

FAULTS: Final = int(os.environ.get("TCPCOMM_SIMULATED_FAULTS", "5000"))
"""How many faults in all; 100000 where every change has to pass."""


@pytest.mark.parametrize("seed", REGRESSION_SEEDS, ids=str)
def test_seeds_that_failed_once_do_not_fail_again(seed: int) -> None:
    assert [] == run(seed, EACH).violations


def test_whatever_goes_wrong_no_promise_is_broken() -> None:
    outcomes, _ = simulate(FAULTS)
    assert {} == {each.seed: each.violations for each in outcomes if each.violations}
    assert sum(each.faults for each in outcomes) >= FAULTS
    assert all(each.answered > 50 for each in outcomes)
    assert sum(each.judged for each in outcomes) >= FAULTS / 100


def test_the_same_seed_gives_the_same_trace() -> None:
    first, second = run(5, 100, traced=True), run(5, 100, traced=True)
    assert first.trace is not None
    assert first.trace == second.trace
    assert first == second
    assert isinstance(first, Outcome)


def test_the_same_seed_gives_the_same_trace_in_another_process() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", _TRACE],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert [str(run(5, 100, traced=True).trace)] == [trace.removesuffix("\n") for trace in told]


_TRACE: Final = "from tests.link.simulation import run; print(run(5, 100, traced=True).trace)"


def test_another_seed_gives_another_trace() -> None:
    assert run(5, 50, traced=True).trace != run(6, 50, traced=True).trace


def test_the_page_tells_each_violation_and_each_mutant_that_was_not_found_out() -> None:
    outcomes = [Outcome(1, 250, [], 900, 10, 1800.0), Outcome(2, 150, ["3.0: it broke"], 600, 5, 1800.0)]

    text = page(outcomes, 0.1, [(MUTANTS[0], True), (MUTANTS[1], False)], "the command", {"CPU": "fast"})

    assert "| faults | 400 |\n| violations | seed 2: 3.0: it broke |\n" in text
    assert "| faults a second of CPU time | 4,000 |\n" in text
    assert f"| {MUTANTS[0].what} | the simulation | found out |\n" in text
    assert f"| {MUTANTS[1].what} | `" in text
    assert " | **not found out** |\n" in text
