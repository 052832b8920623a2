"""Refuse wrong arguments of ``remote`` at once, with a text that names them."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock

from tcpcomm import ConfigurationError, NotReady, link_of, remote
from tcpcomm.link.states import LinkState
from tcpcomm.net.psk import PreSharedKeys
from tests.equipment.declared import PORT, Bench, Lamp, MyCamera, VisionCamera

ONE_PLACE = (
    'a link needs one place: at="tcp:10.0.0.5:9999", where the peer listens, or else '
    'listen="tcp:9999:interface=127.0.0.1", where the peer connects to us'
)


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (VisionCamera, {}, ONE_PLACE),
        (VisionCamera, {"at": "tcp:h:1", "listen": "tcp:1"}, ONE_PLACE),
        (
            VisionCamera,
            {"at": ("127.0.0.1", 9999)},
            "at is a text: write at=\"tcp:127.0.0.1:9999\", not ('127.0.0.1', 9999)",
        ),
        (
            VisionCamera,
            {"at": 9999},
            'at must be an endpoint or its text, such as "tcp:10.0.0.5:9999", not 9999',
        ),
        (
            VisionCamera,
            {"listen": 9999},
            'listen must be an endpoint or its text, such as "tcp:9999:interface=127.0.0.1", not 9999',
        ),
        (
            MyCamera(),
            {"at": "tcp:h:1"},
            "remote takes the class, not an object of it: write remote(MyCamera, at=...)",
        ),
        (
            VisionCamera,
            {"at": "tcp:127.0.0.1:99999"},
            "'tcp:127.0.0.1:99999': the port must be a number from 0 to 65535, not '99999'",
        ),
    ],
)
def test_what_is_no_place_or_no_declaration_is_refused(
    kind: Any, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        remote(kind, reactor=MemoryReactorClock(), **options)
    assert told == str(caught.value)


def test_a_second_stop_ends_no_earlier_than_the_first(bench: Bench) -> None:
    camera = MyCamera()
    camera.jobs[1] = lambda: Deferred()  # noqa: PLW0108 - a type would be the job
    bench.serve(camera)
    proxy: Any = bench.remote(VisionCamera)
    told: list[str] = []
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    proxy.locate(1).addBoth(lambda outcome: told.append(type(outcome.value).__name__))
    bench.until(lambda: [1] == camera.done)

    link_of(proxy).stopService().addCallback(lambda _: told.append("first"))
    link_of(proxy).stopService().addCallback(lambda _: told.append("second"))
    bench.network.advance(10.0)

    assert ["first", "second"] == told[-2:]
    assert 3 == len(told)


@pytest.mark.parametrize("wait", [None, 5.0, 0.0])
@pytest.mark.parametrize("was_ready", [True, False])
def test_a_command_after_the_stop_is_told_so_at_once(
    wait: float | None, was_ready: bool, bench: Bench
) -> None:
    """The command waited for 5 s, and then blamed a connection that was refused."""
    if was_ready:
        bench.serve(MyCamera())
    proxy: Any = bench.remote(VisionCamera, wait=wait)
    if was_ready:
        bench.until(lambda: link_of(proxy).state is LinkState.READY)
    bench.result(link_of(proxy).stopService())
    outcomes: list[Any] = []
    for asked in (proxy.locate(1), proxy.light(Lamp.ON)):
        asked.addErrback(lambda failure: outcomes.append(failure.value))
    assert 2 * [NotReady] == [type(each) for each in outcomes]
    assert [] == [each for each in outcomes if not str(each).endswith("stopped here")]


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.01, 0.1, 0.5, 1.9])
def test_a_link_can_be_stopped_before_its_peer_is_proven(bench: Bench, seconds: float) -> None:
    nobody = Factory.forProtocol(Protocol)
    nobody.noisy = False
    bench.camera.listening(PORT).listen(nobody)
    keys = PreSharedKeys("robot", {"camera": bytes(range(32))})
    link = link_of(bench.remote(VisionCamera, keys=keys))
    bench.network.advance(seconds)
    bench.result(link.stopService())
    assert LinkState.DOWN is link.state
