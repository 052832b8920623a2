"""Events reach the right hosts, can be waited for, and survive a subscriber that fails."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest
from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent

from tcpcomm import CodecError, ConfigurationError, current_session
from tcpcomm.equipment import events
from tcpcomm.equipment.events import LOST_LOG_INTERVAL, MAX_WAITING_EVENTS, EventsLost
from tcpcomm.framing import Delimited, Framing
from tcpcomm.server.serving import EquipmentFactory, EquipmentProtocol
from tests.equipment.declared import KINDS, Bench, MyCamera, Position, VisionCamera


@KINDS
def test_an_event_reaches_every_host_and_is_not_a_reply(kind: Any, mine: Any, bench: Bench) -> None:
    camera = mine()
    camera.jobs[1] = lambda: (camera.alarm(code=7), Position(0.0, 0.0, 1.0))[1]
    bench.serve(camera)
    heard: list[Any] = []

    def note(number: int, code: int) -> None:
        heard.append((number, code))

    proxies = [bench.remote(kind) for _ in range(2)]
    for number, proxy in enumerate(proxies):
        proxy.alarm.subscribe(partial(note, number))
        bench.result(proxy.locate(2))
    assert 1.0 == bench.result(proxies[0].locate(1)).angle
    bench.until(lambda: 2 == len(heard))
    assert [(0, 7), (1, 7)] == sorted(heard)


def test_an_event_can_be_sent_to_one_session(bench: Bench) -> None:
    camera = MyCamera()

    def tell_one() -> Position:
        camera.alarm.to(current_session(), 7)
        return Position(0.0, 0.0, 1.0)

    camera.jobs[1] = tell_one
    bench.serve(camera)
    heard: list[Any] = []

    def note(number: int, code: int) -> None:
        heard.append((number, code))

    proxies = [bench.remote(VisionCamera) for _ in range(2)]
    for number, proxy in enumerate(proxies):
        proxy.alarm.subscribe(partial(note, number))
        bench.result(proxy.locate(2))
    bench.result(proxies[1].locate(1))
    bench.network.advance(1.0)
    assert [(1, 7)] == heard


@frozen
class Counting(Delimited):
    """A framing that keeps the frames that it encodes."""

    framed: list[bytes] = field(factory=list, kw_only=True)

    def encode(self, frame: bytes) -> bytes:
        self.framed.append(frame)
        return super().encode(frame)


def told(camera: MyCamera, framing: Framing, *reply_framings: Framing | None) -> EquipmentFactory:
    """Make sessions with these framings and send them an event. Return their factory."""
    factory = EquipmentFactory(camera, framing=framing, clock=Clock())
    for reply_framing in reply_framings:
        session = factory.buildProtocol(None)
        assert isinstance(session, EquipmentProtocol)
        session.reply_framing = reply_framing
        session.makeConnection(StringTransport())  # type: ignore[no-untyped-call]
    camera.alarm(7)
    return factory


def test_an_event_is_framed_once_for_all_sessions_that_share_the_framing() -> None:
    framing = Counting(b"\r\n")
    factory = told(MyCamera(), framing, None, None, None)
    assert ([b"ALM,7"], 3) == (framing.framed, factory.frames_sent)


def test_an_event_is_framed_for_each_session_as_it_is_sent_there() -> None:
    factory = told(MyCamera(), Delimited(b"\r\n"), None, Delimited(b"\n"), None)
    said = [cast("StringTransport", each.transport).value() for each in factory.sessions]
    assert [b"ALM,7\n", b"ALM,7\r\n", b"ALM,7\r\n"] == sorted(said)


def test_a_loop_waits_for_one_event_after_the_other(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(1))

    async def first_two() -> list[int]:
        codes: list[int] = []
        async for alarm in proxy.alarm:
            codes.append(alarm.code)
            if len(codes) == 2:
                break
        return codes

    codes = Deferred.fromCoroutine(first_two())
    for code in (4, 5, 6):
        camera.alarm(code)
    assert [4, 5] == bench.result(codes)


def slow_loop(bench: Bench, events: int, *, latest: bool = False) -> tuple[list[int], Any]:
    """
    Run a loop that stops within its first step until so many events are sent.

    Return the codes that it got, and its exception.
    """
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(1))
    codes: list[int] = []
    gate: Deferred[None] = Deferred()

    async def loop() -> None:
        async for alarm in proxy.alarm.events(latest=True) if latest else proxy.alarm:
            codes.append(alarm.code)
            if len(codes) == 1:
                await gate

    running = Deferred.fromCoroutine(loop())
    outcomes: list[Any] = []
    running.addErrback(lambda failure: outcomes.append(failure.value))
    for code in range(events):
        camera.alarm(code)
        if not code:
            bench.until(lambda: [0] == codes)
    bench.network.advance(1.0)
    gate.callback(None)
    bench.network.advance(1.0)
    return codes, outcomes[0] if outcomes else None


def test_a_thousand_events_wait_for_a_slow_loop(bench: Bench) -> None:
    codes, outcome = slow_loop(bench, 1 + MAX_WAITING_EVENTS)
    assert [*range(1 + MAX_WAITING_EVENTS)] == codes
    assert outcome is None


def test_a_loop_that_lost_events_is_told_at_its_next_step_and_not_after_the_old_ones(bench: Bench) -> None:
    codes, outcome = slow_loop(bench, 1 + MAX_WAITING_EVENTS + 7)
    assert [0] == codes
    assert EventsLost is type(outcome)
    assert str(outcome) == (
        "1007 events of VisionCamera.alarm were dropped, because the loop is too slow: do less in it, or "
        "take only the newest event with events(latest=True)"
    )


def test_a_loop_that_never_catches_up_is_told_although_events_always_wait(bench: Bench) -> None:
    """A stream that is faster than its reader: the error came only when nothing waited, so never."""
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(1))
    codes: list[int] = []
    gates: list[Deferred[None]] = []
    outcomes: list[Any] = []

    async def loop() -> None:
        async for alarm in proxy.alarm:
            codes.append(alarm.code)
            gate: Deferred[None] = Deferred()
            gates.append(gate)
            await gate

    Deferred.fromCoroutine(loop()).addErrback(lambda failure: outcomes.append(failure.value))
    sent = 0
    while not outcomes and sent < 3 * MAX_WAITING_EVENTS:
        for _ in range(20):
            camera.alarm(sent)
            sent += 1
        bench.network.advance(0.01)
        gates.pop().callback(None)
    assert [*range(len(codes))] == codes
    (outcome,) = outcomes
    assert EventsLost is type(outcome)
    assert str(outcome).startswith(f"{sent - len(codes)} events of VisionCamera.alarm were dropped")


def test_a_loop_for_the_newest_event_is_never_late_and_never_told(bench: Bench) -> None:
    codes, outcome = slow_loop(bench, 3 * MAX_WAITING_EVENTS, latest=True)
    assert [0, 3 * MAX_WAITING_EVENTS - 1] == codes
    assert outcome is None


def test_a_subscriber_that_is_too_slow_misses_events_and_the_log_counts_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(events, "monotonic", clock.seconds)
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(1))
    quick: list[int] = []
    gates: dict[int, Deferred[None]] = {}

    async def slow(code: int) -> None:
        gates[code] = Deferred()
        await gates[code]

    def note(code: int) -> None:
        quick.append(code)

    proxy.alarm.subscribe(slow)
    proxy.alarm.subscribe(note)
    with capturedLogs() as logged:
        for code in range(MAX_WAITING_EVENTS + 3):
            camera.alarm(code)
        bench.network.advance(1.0)
        clock.advance(LOST_LOG_INTERVAL)
        camera.alarm(1)
        bench.network.advance(1.0)
    assert [*range(MAX_WAITING_EVENTS)] == [*gates]
    assert MAX_WAITING_EVENTS + 4 == len(quick)
    assert [
        f"a subscriber of VisionCamera.alarm missed {count} events: 1000 calls of it have not finished"
        for count in (1, 3)
    ] == [formatEvent(each) for each in logged if "missed" in str(each["log_format"])]
    gates[0].callback(None)
    camera.alarm(9999)
    bench.network.advance(1.0)
    assert 9999 in gates


def test_a_subscriber_that_fails_harms_no_other(bench: Bench, logged: list[str]) -> None:
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    heard: list[int] = []
    proxy.alarm.subscribe(raises_on_call)

    def note(code: int) -> None:
        heard.append(code)

    end = proxy.alarm.subscribe(note)
    bench.result(proxy.locate(1))
    camera.alarm(4)
    bench.until(lambda: [4] == heard)
    end()
    camera.alarm(5)
    bench.network.advance(1.0)
    assert ([4], 2) == (heard, len(logged))
    logged.clear()


def raises_on_call(code: int) -> None:
    raise ValueError(f"no idea what {code} means")


def test_an_event_with_a_wrong_value_is_sent_to_nobody(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    with pytest.raises(CodecError, match="code"):
        camera.alarm("four")  # type: ignore[arg-type]


def test_a_host_cannot_send_events(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match=r"VisionCamera\.alarm: only the equipment sends"):
        bench.remote(VisionCamera).alarm(3)
