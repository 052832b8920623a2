"""Real floods of a real server: whoever asks little is served, and no link is lost."""

from __future__ import annotations

import sys

import pytest

from tests.bench.echo import start
from tests.bench.fairness import beside_floods
from tests.bench.peers import Peer
from tests.bench.processes import Child

SERVER = Peer("tcpcomm", "fair_tcpcomm", ("--at-once",))
FLOODS = 15
SECONDS = 4.0


@pytest.mark.parametrize("kind", ["pings", "empty"])
def test_a_link_with_short_heartbeats_is_not_lost_beside_floods(kind: str) -> None:
    program = "tests.bench.peers"
    with start(SERVER) as server:
        port = server.line(60.0)
        flood = [sys.executable, "-m", f"{program}.flooding", port, str(FLOODS), kind]
        with (
            Child("floods", flood) as flooding,
            Child(
                "bystander", [sys.executable, "-m", f"{program}.bystander", port, str(SECONDS)]
            ) as bystander,
        ):
            flooding.line(60.0)
            told: list[str] = []
            while not told or told[-1] != "over":
                told.append(bystander.line(60.0))
    lost = [line for line in told if line.startswith("DOWN")]
    assert ("ready", []) == (told[0], lost)


@pytest.mark.parametrize("kind", ["pings", "typed", "batches", "large"])
def test_a_ping_beside_floods_is_answered_soon(kind: str) -> None:
    waits = beside_floods(SERVER, kind, FLOODS, 2.0)
    assert waits.p99 < 200.0  # without turns it is more than 1,000 ms
