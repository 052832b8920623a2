"""The short form of ``python -m tests.system.outbox_kills``."""

from __future__ import annotations

from pathlib import Path

from tests.system.outbox_kills.trial import STEPS, kill_at_each_step

TIMES = 2


def test_nothing_acknowledged_is_lost_by_kills(tmp_path: Path) -> None:
    found = kill_at_each_step(tmp_path, TIMES, seed=1)
    assert found.kills == dict.fromkeys(STEPS, TIMES)
    assert found.acknowledged > 0
    assert (found.lost, found.damage, found.disorder, found.altered) == ([], [], [], [])
