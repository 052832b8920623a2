"""Observers of links, and of protocols that are not frame protocols."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol

from tcpcomm import FrameProtocol, SessionObserver
from tcpcomm.link.reconnecting import ReconnectingFactory
from tcpcomm.link.states import LinkState
from tests.link.wired import LAN, PORT, QUIET, Bench


class Recorder(SessionObserver):
    """Keeps a line for each report."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sessions: set[Any] = set()

    def opened(self, session: Any) -> None:
        self.sessions.add(session)
        self.lines.append("opened")

    def ready(self, session: Any) -> None:
        self.lines.append("ready")

    def received(self, session: Any, data: bytes) -> None:
        self.lines.append(f"received {data!r}")

    def sent(self, session: Any, data: bytes) -> None:
        self.lines.append(f"sent {data!r}")

    def closed(self, session: Any, reason: str) -> None:
        self.lines.append(f"closed: {reason}")

    def link_state(self, link: Any, state: LinkState, reason: str) -> None:
        self.lines.append(f"{state.value}: {reason}")


class Plain(Protocol):
    """Says hello."""

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.writeSequence([b"hello", b"\r\n"])


def reconnecting(bench: Bench, protocol: Any, recorder: Recorder) -> ReconnectingFactory:
    bench.serve()
    made = ReconnectingFactory(protocol, policy=LAN, observers=[recorder], reactor=bench.robot.clock)
    made.connect(bench.robot.connecting(bench.camera, PORT))
    bench.until(lambda: made.state is LinkState.READY)
    bench.network.advance(0.1)
    return made


def test_a_foreign_protocol_is_reported_by_its_link() -> None:
    bench, recorder = Bench(), Recorder()
    made = reconnecting(bench, Plain, recorder)
    bench.camera.reset()
    bench.until(lambda: recorder.lines[-1].startswith("connecting"))
    bench.network.advance(0.1)
    bench.result(made.stop())
    session = [
        "handshaking: TCP is connected",
        "opened",
        r"sent b'hello\r\n'",
        "ready",
        "ready: the peer is proven",
        r"received b're hello\r\n'",
    ]
    assert [
        "connecting: dialling",
        *session,
        "down: the connection broke: the peer vanished, or closed without saying so",
        "closed: the connection broke: the peer vanished, or closed without saying so",
        "connecting: dialling",
        *session,
        "draining: stopped here",
        "down: stopped here; the peer closed the connection",
        "closed: stopped here",
    ] == recorder.lines
    assert {f"10.0.0.2:{PORT}"} == {each.peer for each in recorder.sessions}


def test_a_frame_protocol_reports_by_itself() -> None:
    bench, recorder = Bench(), Recorder()
    reconnecting(bench, FrameProtocol, recorder)
    assert ["FrameProtocol"] == [type(each).__name__ for each in recorder.sessions]


def test_a_link_reports_its_states_and_its_sessions_to_the_same_observers() -> None:
    bench, recorder = Bench(), Recorder()
    bench.serve()
    link = bench.link(policy=QUIET, observers=[recorder], received=lambda frame: None)
    bench.ready(link)
    link.send(b"it")
    bench.network.advance(0.1)
    bench.result(link.stopService())
    assert [
        "connecting: dialling",
        "handshaking: TCP is connected",
        "opened",
        "ready",
        "ready: the peer is proven",
        r"sent b'it\r\n'",
        r"received b're it\r\n'",
        "draining: stopped here",
    ] == recorder.lines[:8]


def test_observers_may_be_attached_to_a_link_later() -> None:
    bench, recorder = Bench(), Recorder()
    bench.serve()
    link = bench.link(policy=QUIET)
    bench.ready(link)
    leave = link.observers.add(recorder)
    bench.camera.reset()
    bench.until(lambda: bool(recorder.lines))
    leave()
    bench.ready(link)
    assert "down: the connection broke: the peer vanished, or closed without saying so" == recorder.lines[0]
    assert not any(line.startswith("ready: ") for line in recorder.lines)


def test_a_log_has_a_line_for_each_frame_and_each_state_with_the_name_of_the_link() -> None:
    bench = Bench()
    lines: list[str] = []
    bench.serve()
    link = bench.link(policy=QUIET, log=lines.append, received=lambda frame: None)
    bench.ready(link)
    link.send(b"it")
    bench.network.advance(0.1)
    assert [
        "link to the peer -- link connecting: dialling",
        "link to the peer -- link handshaking: TCP is connected",
        f"10.0.0.2:{PORT} -- opened",
        f"10.0.0.2:{PORT} -- ready",
        "link to the peer -- link ready: the peer is proven",
        f"10.0.0.2:{PORT} -> 69 74 |it|",
        f"10.0.0.2:{PORT} <- 72 65 20 69 74 |re it|",
    ] == [" ".join(line.split()[1:]) for line in lines]
