"""Virtual days of faults break no promise and leak nothing; and broken code is found out."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final

import pytest
from twisted.python.failure import Failure

from tcpcomm.conversation import exchange
from tcpcomm.conversation.exchange import LONGEST_DOUBT
from tcpcomm.errors import NotReady
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.testing.network.wire import Network
from tests.conftest import ROOT
from tests.link.test_mutants import MUTANTS
from tests.soak.__main__ import page
from tests.soak.cells import SILENT, Mood
from tests.soak.foreign import Talkative
from tests.soak.leaks import Leaks, Sample
from tests.soak.ledger import Ledger
from tests.soak.regression_seeds import REGRESSION_SEEDS
from tests.soak.run import Outcome, run
from tests.system.programs import child_environment

DAYS: Final = os.environ.get("TCPCOMM_SOAK", "0.3")
"""Virtual days: about four in a minute."""


def soak(seed: int, days: str, **environment: str) -> str:
    """Run a soak in a process of its own, whose objects nobody else makes. Return its page."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--seed", str(seed), "--days", days],
        cwd=ROOT,
        env=child_environment() | environment,
        capture_output=True,
        text=True,
    )
    assert 0 == done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_soaks_that_failed_once_do_not_fail_again() -> None:
    for seed, days in REGRESSION_SEEDS:
        soak(seed, str(days))


def test_days_of_faults_break_no_promise_and_leak_nothing() -> None:
    text = soak(2, DAYS)

    assert "| violations | 0 |\n| leaks | 0 |\n" in text
    assert int(re.findall(r"\| answered \| ([\d,]+) \|", text)[0].replace(",", "")) > 1000


def test_the_same_seed_gives_the_same_soak_in_another_process() -> None:
    differing = re.compile(r"\| (Load|minutes|Date|Python objects)[^|]*\|[^|]*\|\n")
    pages = {differing.sub("", soak(2, "0.1", PYTHONHASHSEED=seed)) for seed in ("1", "2")}

    assert 1 == len(pages)


def test_a_leak_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    closed = FrameFactory.sessionClosed

    def forget_nothing(self: FrameFactory, session: FrameProtocol) -> None:
        kept.append(session)
        closed(self, session)

    monkeypatch.setattr(FrameFactory, "sessionClosed", forget_nothing)

    assert "it leaks: " in str(run(1, 0.5).violations)


@pytest.mark.parametrize(
    "what", ["a late reply answers the next request", "a written request is reported as not sent"]
)
def test_broken_rules_are_found_out(what: str) -> None:
    (mutant,) = [each for each in MUTANTS if each.what == what]
    with mutant.at_work():
        assert [] != run(1, 0.3).violations


@pytest.fixture
def ledger() -> Ledger:
    """A ledger whose broken promises are in the list ``told``."""
    return Ledger("press", lambda: 0.0, lambda: 0.0, told.append, one_session=True)


@pytest.mark.parametrize(
    ("held", "silence", "expected"),
    [
        (0.45, LONGEST_DOUBT, {"outcome unknown": 1, "not sent": 1}),
        (0.6, LONGEST_DOUBT, {"outcome unknown": 1, "answered by a surplus reply, in the window": 1}),
        (0.35, 0.1, {"outcome unknown": 1}),
    ],
    ids=["within the silence", "after it", "a silence that is too short"],
)
def test_a_displaced_reply_is_excused_only_after_the_silence(
    held: float, silence: float, expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "LONGEST_DOUBT", silence)
    network, mood = Network(1, cuts=0.0), Mood()
    mood.every = SILENT
    gauge = Talkative(network, Random(1), mood, told.append)
    network.advance(1.0)

    def answer(session: Any, number: int, clock: Any) -> None:
        gauge.ledger.apply(number)
        if number == 0:
            session.say(b"WARMING UP")
        clock.callLater(held if number == 0 else 0.3, session.say, b"OK,%d" % number)

    monkeypatch.setattr(gauge, "answer", answer)
    for _ in range(2):
        gauge.programs["host"].ask()
    network.advance(3.0)

    assert expected == gauge.ledger.outcomes
    assert ([] if silence == LONGEST_DOUBT else ["gauge: command 1 was answered with 0"]) == told


told: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    told.clear()


def test_a_command_that_is_carried_out_and_answered_is_in_order(ledger: Ledger) -> None:
    number = ledger.ask(1.0)
    ledger.apply(number)
    ledger.settle(number, number)
    ledger.check_all_settled()
    assert ([], {"answered": 1}) == (told, ledger.outcomes)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("ask answer", "press: command 0 was answered, but not carried out"),
        ("ask apply apply", "press: command 0 was carried out twice"),
        ("ask apply not_sent", "press: command 0 was reported as not sent, but carried out"),
        ("ask not_sent apply", "press: command 0 was carried out, but had been reported as not sent"),
        ("ask apply other", "press: command 0 was answered with 7"),
        ("ask apply", "press: commands [0] have no outcome"),
        ("ask ask apply_second apply", "press: command 0 was carried out after 1"),
    ],
)
def test_what_does_not_fit_together_is_told(story: str, expected: str, ledger: Ledger) -> None:
    steps: dict[str, Callable[[], object]] = {
        "ask": lambda: ledger.ask(1.0),
        "apply": lambda: ledger.apply(0),
        "apply_second": lambda: ledger.apply(1),
        "answer": lambda: ledger.settle(0, 0),
        "other": lambda: ledger.settle(0, 7),
        "not_sent": lambda: ledger.settle(0, Failure(NotReady("down"))),
    }
    for step in story.split():
        steps[step]()
    ledger.check_all_settled()
    assert expected in told


def test_objects_timers_entries_and_files_that_grow_are_told() -> None:
    leaks = Leaks()
    assert [] == leaks.add(Sample(Counter({"Session": 10}), 1000, 5, 8))
    assert [] == leaks.add(Sample(Counter({"Session": 12}), 1100, 6, 8))
    assert [
        "900 objects of Session, at first 10",
        "900 timers, at first 5",
        "90000 entries in containers, at first 1000",
        "9 open files, at first 8",
    ] == leaks.add(Sample(Counter({"Session": 900}), 90_000, 900, 9))


def test_the_page_tells_each_broken_promise() -> None:
    violations = ["at 3 s: it leaks: all"]
    outcome = Outcome(7, 0.5, Counter(pull=3), Counter(answered=9), 2, (100, 101), violations)

    text = page(outcome, 60.0, "the command", {"CPU": "fast"})

    assert "| violations | at 3 s: it leaks: all |\n| leaks | 1 |\n" in text
    assert "| pull | 3 |\n" in text
    assert "| answered | 9 |\n" in text
