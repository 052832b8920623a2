"""The times of a command for which nothing was said."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import Equipment, command
from tcpcomm.codec import JsonRpc, Template
from tcpcomm.equipment.equipment import DEFAULT_TIMEOUT
from tcpcomm.errors import NotReady, ReplyTimeout
from tcpcomm.framing import Delimited
from tcpcomm.host.link import FIRST_WAIT
from tests.equipment.declared import Bench, VisionCamera


class Oven(Equipment):
    """An oven that is hot when a test says so."""

    framing = Delimited(b"\n")
    codec = Template()

    @command("HEAT", reply="HOT")
    def heat(self) -> Deferred[None]:
        """Heat it."""
        return Deferred()


class OvenWithIds(Equipment):
    """The same, and its replies carry ids."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command("heat")
    def heat(self) -> Deferred[None]:
        """Heat it."""
        return Deferred()


@pytest.mark.parametrize(("kind", "goes_on"), [(Oven, False), (OvenWithIds, True)])
def test_a_reply_may_take_five_seconds(kind: Any, goes_on: bool, bench: Bench) -> None:
    service = bench.serve(kind())
    oven = bench.remote(kind)
    outcome: list[Any] = []
    bench.until(lambda: bool(service.factory.sessions))
    (session,) = service.factory.sessions
    oven.heat().addErrback(lambda failure: outcome.append(failure.value))
    bench.network.advance(DEFAULT_TIMEOUT - 0.1)
    assert [] == outcome
    bench.network.advance(0.2)
    assert [(ReplyTimeout, "no reply within 5 s")] == [(type(each), str(each)) for each in outcome]
    bench.network.advance(0.1)
    assert goes_on == session.is_open


def test_a_command_waits_five_seconds_for_the_first_connection(bench: Bench) -> None:
    began = bench.network.clock.now
    outcome = bench.result(bench.remote(VisionCamera).locate(1))
    assert NotReady is type(outcome)
    assert FIRST_WAIT == pytest.approx(bench.network.clock.now - began, abs=0.01)
