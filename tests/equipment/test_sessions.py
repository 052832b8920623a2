"""Equipment hears that sessions begin and end, and a closed session cannot be told anything."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.internet.testing import StringTransport

from tcpcomm import (
    FrameProtocol,
    FramingError,
    Login,
    SessionClosed,
    current_session,
    link_of,
    per_session,
)
from tcpcomm.framing import Delimited
from tcpcomm.link.states import LinkState
from tcpcomm.server.serving import EquipmentFactory
from tests.equipment.declared import Bench, MyCamera, Position, VisionCamera


class Hearing(MyCamera):
    """A camera that notes its sessions."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str]] = []
        self.sessions: list[FrameProtocol] = []

    def session_began(self, session: FrameProtocol) -> None:
        assert session is current_session()
        self.sessions.append(session)
        self.heard.append(("began", session.peer.partition(":")[0]))

    def session_ended(self, session: FrameProtocol, reason: str) -> None:
        assert session is self.sessions[-1]
        self.heard.append(("ended", reason))


class WithLogin(Hearing):
    login = (Login("Password:", "{password}"),)

    def authenticate(self, **credentials: str) -> bool:
        self.heard.append(("login", credentials["password"]))
        return True


@pytest.fixture
def camera() -> Hearing:
    return Hearing()


def stop(bench: Bench, proxy: Any) -> None:
    bench.result(link_of(proxy).stopService())
    bench.network.advance(1.0)


def test_equipment_hears_that_a_session_begins_and_ends_with_the_reason(
    camera: Hearing, bench: Bench
) -> None:
    """There was no hook: what a command had started for its session went on for ever."""
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(1))
    assert ["began"] == [what for what, _ in camera.heard]
    stop(bench, proxy)
    assert ("ended", "the peer hung up") == camera.heard[-1]
    assert 2 == len(camera.heard)


def test_a_session_begins_when_it_has_logged_in(bench: Bench) -> None:
    camera = WithLogin()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera, credentials={})
    bench.network.advance(1.0)
    assert [] == camera.heard
    stop(bench, proxy)
    proxy = bench.remote(WithLogin, credentials={"password": "x"})
    bench.result(proxy.locate(1))
    assert ["login", "began"] == [what for what, _ in camera.heard]


def test_a_pulled_cable_and_a_served_host_are_heard_too(bench: Bench) -> None:
    camera, served = Hearing(), Hearing()
    bench.serve(camera, calls=VisionCamera)
    proxy = bench.remote(VisionCamera, serves=served)
    bench.result(proxy.locate(1))
    for each in (camera, served):
        assert ["began"] == [what for what, _ in each.heard]
    camera.sessions[0].abort("a test ends it")
    bench.until(lambda: 2 == len([each for each in served.heard if each[0] == "began"]))
    assert ("ended", "a test ends it") == camera.heard[1]
    assert "ended" == served.heard[1][0]
    assert LinkState.READY is link_of(proxy).state


def test_telling_a_closed_session_raises(camera: Hearing, bench: Bench) -> None:
    """It was ignored, so that the stream of a handler never learned that its peer was gone."""
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    camera.jobs[1] = lambda: begin_stream(camera, bench)
    bench.result(proxy.locate(1))
    bench.network.advance(1.0)
    assert STREAMS[-1].running
    session = camera.sessions[0]
    stop(bench, proxy)
    assert not STREAMS[-1].running
    with pytest.raises(SessionClosed) as caught:
        camera.alarm.to(session, 1)
    assert f"{session.peer}: the session is over: the peer hung up" == str(caught.value)
    camera.alarm(1)  # to all sessions, of which there is none


STREAMS: list[LoopingCall] = []


def begin_stream(camera: Hearing, bench: Bench) -> Position:
    loop = LoopingCall(camera.alarm.to, current_session(), 7)
    loop.clock = bench.camera.clock
    loop.start(0.1).addErrback(lambda failure: failure.trap(SessionClosed))
    STREAMS.append(loop)
    return Position(0.0, 0.0, 1.0)


def test_the_object_of_one_session_cannot_tell_it_anything_after_its_end(bench: Bench) -> None:
    made: list[Hearing] = []

    class Own(Hearing):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    bench.serve(per_session(Own))
    proxy = bench.remote(VisionCamera)
    heard: list[int] = []

    def note(code: int) -> None:
        heard.append(code)

    proxy.alarm.subscribe(note)
    bench.result(proxy.locate(1))
    made[0].alarm(3)
    bench.until(lambda: [3] == heard)
    stop(bench, proxy)
    assert ["began", "ended"] == [what for what, _ in made[0].heard]
    with pytest.raises(SessionClosed, match="the session is over"):
        made[0].alarm(4)


class Streaming(MyCamera):
    """A camera that sends each host a stream of events while its session lasts."""

    def __init__(self, bench: Bench, fails_after: int = 1000) -> None:
        super().__init__()
        self.bench = bench
        self.fails_after = fails_after
        self.ended: list[str] = []

    async def session_began(self, session: FrameProtocol) -> None:
        try:
            for number in range(self.fails_after):
                self.alarm.to(session, number)
                await deferLater(self.bench.camera.clock, 0.1)
            raise ValueError("no more pictures")
        except CancelledError:
            self.ended.append("cancelled")
            raise

    def session_ended(self, session: FrameProtocol, reason: str) -> None:
        self.ended.append(reason)


def test_a_stream_that_began_with_a_session_is_cancelled_at_its_end(bench: Bench) -> None:
    camera = Streaming(bench)
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    heard: list[int] = []

    def note(code: int) -> None:
        heard.append(code)

    proxy.alarm.subscribe(note)
    bench.result(proxy.locate(1))
    bench.network.advance(1.0)
    assert 5 < len(heard)
    stop(bench, proxy)
    assert ["cancelled", "the peer hung up"] == camera.ended


def test_a_stream_that_fails_closes_its_session_and_is_logged(bench: Bench, logged: list[str]) -> None:
    camera = Streaming(bench, fails_after=2)
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.locate(1))
    bench.until(lambda: bool(camera.ended))
    assert "session_began failed: no more pictures" == camera.ended[0]
    (failure,) = logged
    assert "no more pictures" in failure
    logged.clear()


class Shown(MyCamera):
    """A camera that begins a session with what a function of the test returns."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        super().__init__()
        self.begin = begin

    def session_began(self, session: FrameProtocol) -> Any:
        return self.begin()


@frozen
class Later:
    """An awaitable that is no coroutine, as a class of another library."""

    inner: Deferred[None]

    def __await__(self) -> Generator[Deferred[None], None, None]:
        return self.inner.__await__()


@pytest.mark.parametrize("make", [lambda inner: inner, Later], ids=["Deferred", "awaitable"])
def test_what_begins_a_session_may_be_any_awaitable(
    make: Callable[[Deferred[None]], Any], bench: Bench
) -> None:
    """A session whose begin was an awaitable but no coroutine was closed."""
    cancelled: list[Any] = []
    inner: Deferred[None] = Deferred(cancelled.append)
    bench.serve(Shown(lambda: make(inner)))
    proxy = bench.remote(VisionCamera)
    assert 1.0 == bench.result(proxy.locate(1)).x
    stop(bench, proxy)
    assert [inner] == cancelled


def fails(session: FrameProtocol, reason: str = "") -> None:
    raise ValueError("no room")


@pytest.mark.parametrize("hook", ["session_began", "session_ended"])
def test_a_hook_that_fails_is_logged_and_harms_no_other_session(
    hook: str, bench: Bench, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MyCamera, hook, lambda self, *told: fails(*told), raising=False)
    bench.serve(MyCamera())
    proxy = bench.remote(VisionCamera)
    bench.network.advance(1.0)
    stop(bench, proxy)
    assert logged
    assert [] == [each for each in logged if "no room" not in each]
    logged.clear()


class Strict(MyCamera):
    """A camera whose messages are short, and that tells a host about a longer one."""

    framing = Delimited(b"\r\n", max_frame=20)
    defect = False

    def misframed(self, session: FrameProtocol, fault: FramingError) -> None:
        if self.defect:
            raise ValueError("a defect")
        self.alarm.to(session, code=99)


def test_equipment_hears_what_breaks_its_framing_and_may_answer() -> None:
    camera = Strict()
    factory = EquipmentFactory(camera, clock=Clock())
    transport = StringTransport()
    session: Any = factory.buildProtocol(transport.getPeer())
    session.makeConnection(transport)
    session.dataReceived(b"x" * 30 + b"\r\nLAMP,ON\r\n")
    assert b"ALM,99\r\nLAMP OK\r\n" == transport.value()
    camera.defect = True
    session.dataReceived(b"x" * 30 + b"\r\nLAMP,ON\r\n")
    assert b"ALM,99\r\nLAMP OK\r\nLAMP OK\r\n" == transport.value()
