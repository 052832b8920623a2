"""Declared heartbeats: equipment that is busy, hung or gone."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tcpcomm import Equipment, OutcomeUnknown, ReplyTimeout, command, link_of
from tcpcomm.codec import JsonRpc, Template
from tcpcomm.framing import Delimited, LengthPrefixed
from tcpcomm.link.policy import PROFILES
from tests.equipment.declared import PORT, Bench

LAN = PROFILES["lan"]


class Beating(Equipment):
    """Equipment that does not answer its heartbeat while it is busy."""

    framing = Delimited(b"\r\n")
    codec = Template()
    heartbeat = "ping"

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Show that it is alive."""

    @command("MEASURE", reply="{value:d}", timeout=5.0)
    async def measure(self) -> int:
        """Measure, which takes its time."""
        raise NotImplementedError


class BeatingAlways(Beating):
    """Equipment that answers its heartbeat also while it is busy."""

    heartbeat_while_busy = True


class BeatingById(Equipment):
    """Equipment like that, whose replies carry ids."""

    framing = LengthPrefixed(4)
    codec = JsonRpc()
    heartbeat = "ping"
    heartbeat_while_busy = True

    @command()
    def ping(self) -> None:
        """Show that it is alive."""

    @command(timeout=5.0)
    async def measure(self) -> int:
        """Measure, which takes its time."""
        raise NotImplementedError


def mine(kind: Any, measured: Deferred[int]) -> Any:
    async def measure(self: Any) -> int:
        return await measured

    return type(f"My{kind.__name__}", (kind,), {"measure": measure})()


@pytest.mark.parametrize("kind", [Beating, BeatingAlways, BeatingById])
def test_equipment_with_a_long_command_does_not_count_as_dead(kind: Any, bench: Bench) -> None:
    measured: Deferred[int] = Deferred()
    bench.serve(mine(kind, measured))
    proxy = bench.remote(kind, policy=LAN)
    states: list[str] = []
    bench.result(proxy.ping())
    link_of(proxy).observe(lambda state, reason: states.append(state.value))
    asked = proxy.measure()
    bench.network.advance(3.0)
    measured.callback(7)
    assert (7, []) == (bench.result(asked), states)


@pytest.mark.parametrize("kind", [Beating, BeatingAlways, BeatingById])
def test_the_declared_heartbeat_detects_a_pulled_cable(kind: Any, bench: Bench) -> None:
    bench.serve(mine(kind, Deferred()))
    proxy = bench.remote(kind, policy=LAN)
    bench.result(proxy.ping())
    told: list[str] = []
    link_of(proxy).observe(lambda state, reason: told.append(f"{state.value}: {reason}"))
    bench.camera.pull()
    bench.network.advance(0.5)
    assert "down: no heartbeat for 0.30 s" in told
    bench.camera.plug()
    bench.until(lambda: link_of(proxy).state.value == "ready")
    assert None is bench.result(proxy.ping())


@pytest.mark.parametrize(
    ("kind", "noticed_after"), [(Beating, 5.0), (BeatingAlways, 0.3), (BeatingById, 0.3)]
)
def test_a_pulled_cable_during_a_command_is_detected_as_soon_as_declared(
    kind: Any, noticed_after: float, bench: Bench
) -> None:
    bench.serve(mine(kind, Deferred()))
    proxy = bench.remote(kind, policy=LAN)
    bench.result(proxy.ping())
    asked = proxy.measure()
    bench.network.advance(0.05)
    bench.camera.pull()
    pulled = bench.network.clock.now
    error = bench.result(asked)
    assert ReplyTimeout is type(error) or noticed_after < 1.0
    assert noticed_after == pytest.approx(bench.network.clock.now - pulled, abs=0.25)


def test_equipment_that_connects_detects_that_its_host_is_gone(bench: Bench) -> None:
    service = bench.serve_actively(mine(Beating, Deferred()), policy=LAN)
    proxy = bench.remote(Beating, listen=bench.robot.listening(PORT), policy=LAN)
    bench.result(proxy.ping())
    bench.network.advance(2.0)
    assert "ready" == service.engine.state.value
    bench.robot.pull()
    bench.network.advance(0.5)
    assert "ready" != service.engine.state.value
    bench.robot.plug()
    bench.until(lambda: service.engine.state.value == "ready")
    bench.result(service.stopService())


def test_equipment_that_is_busy_does_not_wait_for_heartbeats(bench: Bench) -> None:
    measured: Deferred[int] = Deferred()
    service = bench.serve_actively(mine(Beating, measured), policy=LAN)
    proxy = bench.remote(Beating, listen=bench.robot.listening(PORT), policy=LAN)
    asked = proxy.measure()
    bench.network.advance(3.0)
    assert "ready" == service.engine.state.value
    measured.callback(7)
    assert 7 == bench.result(asked)
    bench.result(service.stopService())


def test_equipment_that_lets_a_command_time_out_in_silence_is_given_up(bench: Bench) -> None:
    class ById(BeatingById):
        heartbeat_while_busy = False

    service = bench.serve(mine(ById, Deferred()))
    proxy = bench.remote(ById, policy=LAN)
    bench.until(lambda: link_of(proxy).state.value == "ready")
    bench.camera.mute()  # it hears us, but its answers are lost

    first, second = proxy.measure(), proxy.measure()
    bench.network.advance(4.0)
    assert "ready" == link_of(proxy).state.value  # it may be busy
    assert ReplyTimeout is type(bench.result(first))
    third = proxy.measure()
    bench.until(lambda: link_of(proxy).state.value == "down")

    assert isinstance(bench.result(second), OutcomeUnknown)
    assert OutcomeUnknown is type(bench.result(third))
    bench.result(service.stopService())
