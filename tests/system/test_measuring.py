"""The commands that measure dead connections, heartbeats and false alarms."""

from __future__ import annotations

import pytest

from tests.conftest import skip
from tests.docs.parts import part_of
from tests.system.cable_pull import busy, cost, silence
from tests.system.cable_pull.connections import HEARTBEAT, KINDS, LINKS
from tests.system.cable_pull.faults import FAULTS
from tests.system.cable_pull.network import obstacle

FACTS = {"CPU": "a fast one", "System": "Linux", "Python": "3", "Twisted": "26", "Date": "today"}


@pytest.fixture
def _root() -> None:
    problem = obstacle()
    if problem is not None:
        skip(problem)


@pytest.mark.slow
@pytest.mark.usefixtures("_root")
def test_only_a_heartbeat_notices_a_hung_program_and_all_notice_a_killed_one() -> None:
    faults = [fault for fault in FAULTS if fault.name in ("kill-9", "sigstop")]

    noticed = silence.measure(faults, ["writing", "user timeout, writing", HEARTBEAT], patience=3.0)

    assert [True, True, True] == [each is not None for each in noticed["kill-9"].values()]
    assert [False, False, True] == [each is not None for each in noticed["sigstop"].values()]


@pytest.mark.slow
@pytest.mark.usefixtures("_root")
def test_idle_links_send_only_heartbeats() -> None:
    measured = cost.cost("lan", links=2, seconds=1.0)

    # Ten heartbeats and ten replies a second, in packets of less than 100 bytes, and acknowledgements.
    assert 15 <= measured.packets <= 60
    assert 15 * 54 <= measured.bytes <= 60 * 100


def test_a_fault_that_was_not_noticed_is_shown() -> None:
    noticed: silence.Noticed = {
        "kill-9": {"idle": 0.0123, HEARTBEAT: None},
        "sigstop": {"idle": 931.4, HEARTBEAT: 0.3},
    }

    text = silence.part(noticed, 1000.0, "the command", FACTS)

    assert "| the peer's program killed (SIGKILL) | 0.01 | > 1000 |\n" in text
    assert "| the peer's program hung (SIGSTOP) | 931 | 0.30 |\n" in text
    assert "- *idle*: stock Twisted, nothing is sent\n" in text
    assert "Measured by `the command`" in text


def test_costs_are_shown_by_profile() -> None:
    text = cost.part({"lan": cost.Cost(30.04, 2101.7, 0.00091)}, "the command", FACTS)

    assert "| `lan` | 0.1 s / 0.3 s | 30.0 | 2102 | 0.091% |\n" in text


def test_false_alarms_are_shown_with_their_reasons() -> None:
    result = busy.LoadResult(
        600.0,
        4,
        {"tcpcomm": 10, "tcpcomm-blocking": 9},
        {"tcpcomm": [], "tcpcomm-blocking": ["no heartbeat"]},
    )

    text = part_of(busy.section(result, "the command", FACTS), busy.PART)

    assert "| tcpcomm, profile `lan` | 10 | 0 |  | reached |\n" in text
    assert "| 9 | 1 | no heartbeat | **missed** |\n" in text
    assert "600 s, with 4 processes that compute, by `the command`" in text


def test_the_pages_have_results_for_every_fault() -> None:
    for page, kinds in ((silence.PAGE, set(KINDS) - set(LINKS)), (silence.LINKS_PAGE, set(LINKS))):
        text = part_of(page.read_text("utf-8"), silence.PART)
        assert len(FAULTS) == sum(line.startswith("| ") for line in text.splitlines()) - 2
        assert [] == [kind for kind in kinds if f"- *{kind}*: {KINDS[kind].title}\n" not in text]
