"""Commands that may be carried out twice: when they are repeated, and what their caller is told."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tcpcomm import NotReady, OutcomeUnknown
from tests.equipment.declared import Bench, Lamp, MyCamera, Position, VisionCamera


def test_only_an_idempotent_command_is_repeated_after_a_pull(bench: Bench) -> None:
    camera = MyCamera()
    exposure: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: exposure
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(2))
    moved = proxy.locate(1)
    lit = proxy.light(Lamp.ON)
    bench.until(lambda: [2, 1] == camera.done)
    for socket in list(bench.camera.sockets):
        socket.close(reset=True)
    assert OutcomeUnknown is type(bench.result(moved))
    assert None is bench.result(lit)
    assert [2, 1, Lamp.ON] == camera.done


def test_an_idempotent_command_that_was_written_is_never_said_to_be_unsent(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(2))
    bench.camera.mute()  # it hears us, but its answers are lost
    lit = proxy.light(Lamp.ON)
    bench.until(lambda: [2, Lamp.ON] == camera.done)
    bench.camera.pull()

    outcome = bench.result(lit)

    assert isinstance(outcome, OutcomeUnknown)
    assert NotReady is type(outcome.__cause__)


def test_an_idempotent_command_waits_for_a_missing_peer_once(bench: Bench) -> None:
    proxy = bench.remote(VisionCamera, wait=2.0)
    began = bench.network.clock.now

    outcome = bench.result(proxy.light(Lamp.ON))

    assert NotReady is type(outcome)
    assert f"within {bench.network.clock.now - began:g} s" in str(outcome)
