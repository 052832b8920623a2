"""Links under faults by the thousand: nothing is violated, and the same seed gives the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import pytest

from tests.link.regression_seeds import REGRESSION_SEEDS
from tests.link.simulation import Outcome, run

FAULTS: Final = int(os.environ.get("TCPCOMM_SIMULATED_FAULTS", "5000"))
"""How many faults in all; 100000 where every change has to pass."""

EACH: Final = 250
PROCESSES: Final = 2


@pytest.mark.parametrize("seed", REGRESSION_SEEDS, ids=str)
def test_what_was_found_once_is_never_found_again(seed: int) -> None:
    assert [] == run(seed, EACH).violations


def test_whatever_goes_wrong_no_promise_is_broken() -> None:
    seeds = range(1000, 1000 + -(-FAULTS // EACH))
    if FAULTS <= 2 * EACH * PROCESSES:
        outcomes = list(map(run, seeds))
    else:
        with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            outcomes = list(pool.map(run, seeds, chunksize=4))
    assert {} == {each.seed: each.violations for each in outcomes if each.violations}
    assert sum(each.faults for each in outcomes) >= FAULTS
    assert all(each.answered > 100 for each in outcomes)
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
