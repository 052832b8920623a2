"""Observers of a host's link see its states, and every frame of the conversation once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from tcpcomm import (
    Equipment,
    Fault,
    ObservedMessage,
    OutcomeUnknown,
    SessionObserver,
    caller,
    command,
    current_session,
    link_of,
    raw,
)
from tcpcomm.codec import Silence, Template, TwoPhases
from tcpcomm.framing import Delimited
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.link.policy import PROFILES
from tcpcomm.link.states import LinkState
from tcpcomm.testing import RecordingObserver
from tests.conversation.test_conversation import Cell, MyCell, RpcCell
from tests.equipment.declared import (
    NO_PART,
    PORT,
    QUIET,
    Bench,
    MyCamera,
    Position,
    RpcCamera,
    VisionCamera,
)
from tests.equipment.test_forms import GOOD, InSight, Inspector, MyInSight
from tests.equipment.test_heartbeats import Beating, BeatingAlways, BeatingById, mine
from tests.link.wired import Peer

LAN = PROFILES["lan"]


class Recorder(SessionObserver):
    """Keeps a line for each state and message: ``>`` for those that the host sent, ``<`` for the others."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.messages: list[ObservedMessage] = []

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        self.lines.append(f"{state.value}: {reason}")

    def message(self, session: Any, message: ObservedMessage) -> None:
        self.messages.append(message)
        self.lines.append(text_of(message))


class FrameRecorder(Recorder):
    """Keeps frames, too."""

    def __init__(self) -> None:
        super().__init__()
        self.out: list[bytes] = []
        self.into: list[bytes] = []

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self.out.append(frame)

    def frame_received(self, session: Any, frame: bytes) -> None:
        self.into.append(frame)

    def agrees(self) -> bool:
        """Return True if each frame, and nothing else, was reported as a message, in order."""
        messages = self.messages
        return (self.out, self.into) == (
            [each.frame for each in messages if each.sent],
            [each.frame for each in messages if not each.sent],
        )


def text_of(message: ObservedMessage) -> str:
    values = " ".join(f"{name}={value}" for name, value in message.values.items())
    parts = [
        ">" if message.sent else "<",
        message.kind.value,
        message.frame.decode(),
        message.name,
        values,
        f"answers {message.answers.frame.decode()}" if message.answers is not None else "",
        f"problem: {message.problem}" if message.problem else "",
    ]
    return " | ".join(part for part in parts if part)


@pytest.fixture
def recorder() -> FrameRecorder:
    return FrameRecorder()


UP = ["connecting: dialling", "handshaking: TCP is connected", "ready: the peer is proven"]


def test_commands_replies_faults_and_events_in_order_with_the_states_of_the_link(
    recorder: FrameRecorder, bench: Bench
) -> None:
    camera = MyCamera()
    camera.jobs[2] = NO_PART
    bench.serve(camera)
    proxy = bench.remote(VisionCamera, observers=[recorder])
    bench.result(proxy.locate(job=1))
    assert isinstance(bench.result(proxy.locate(2)), Fault)
    bench.result(proxy.reset())
    camera.alarm(code=7)
    bench.network.advance(0.1)
    bench.camera.reset()
    bench.until(lambda: recorder.lines[-1] == UP[-1])
    bench.result(link_of(proxy).stopService())
    assert [
        *UP,
        "> | command | TRG,1 | locate | job=1",
        "< | reply | OK,1.000,2.000,1.000 | locate | result=Position(x=1.0, y=2.0, angle=1.0)"
        " | answers TRG,1",
        "> | command | TRG,2 | locate | job=2",
        "< | fault | NG,3,no part | locate | code=3 reason=no part data=None | answers TRG,2",
        "> | command | RESET | reset",
        "< | event | ALM,7 | alarm | code=7",
        "down: the connection broke: the peer vanished, or closed without saying so",
        *UP,
        "draining: stopped here",
        "down: stopped here; the peer closed the connection",
    ] == recorder.lines
    assert recorder.agrees()


def test_an_answer_tells_how_long_it_took(recorder: FrameRecorder, bench: Bench) -> None:
    camera = MyCamera()
    later: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: later
    bench.serve(camera)
    proxy = bench.remote(VisionCamera, observers=[recorder])
    asked = [proxy.locate(1), proxy.locate(2)]
    bench.until(lambda: bool(recorder.messages))
    bench.network.advance(0.5)
    later.callback(Position(0.0, 0.0, 0.0))
    for each in asked:
        bench.result(each)
    _, slow, _, quick = recorder.messages
    assert (True, True) == (0.5 <= (slow.seconds or 0.0) < 0.6, 0.0 < (quick.seconds or 0.0) < 0.1)


def test_a_pulled_cable_leaves_a_command_without_an_answer(recorder: FrameRecorder, bench: Bench) -> None:
    bench.serve(mine(BeatingAlways, Deferred()))
    proxy = bench.remote(BeatingAlways, policy=LAN, observers=[recorder])
    bench.result(proxy.ping())
    recorder.lines.clear()
    bench.camera.pull()
    asked = proxy.ping()
    assert isinstance(bench.result(asked), OutcomeUnknown)
    bench.camera.plug()
    bench.until(lambda: recorder.lines[-1].startswith("ready:") or UP[-1] in recorder.lines)
    states = [line for line in recorder.lines if "ping" not in line and ": " in line]
    assert "> | command | PING | ping" == recorder.lines[0]
    assert ["suspect: nothing heard for 0.20 s", "down: no heartbeat for 0.30 s"] == states[:2]
    assert UP == states[-3:]


class Foreign(Factory):
    """Another program in the camera's place."""

    noisy = False

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self.answer = answer
        self.peers: list[Peer] = []

    def buildProtocol(self, addr: Any) -> Any:
        peer = Peer()
        peer.factory = self  # type: ignore[assignment]
        return peer


def test_a_frame_that_fits_nothing_is_reported_with_the_problem(
    recorder: FrameRecorder, bench: Bench
) -> None:
    foreign = Foreign({b"TRG,1": b"MAYBE", b"TRG,2": b"OK,1.000,2.000,3.000"}.get)
    bench.camera.listening(PORT).listen(foreign)
    proxy = bench.remote(VisionCamera, observers=[recorder])
    bench.result(proxy.locate(2))
    foreign.peers[-1].say(b"OK,1.000,2.000,4.000")
    bench.until(lambda: len(foreign.peers) == 2)
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    bench.result(proxy.locate(1))
    unreadable = "< | unreadable | "
    assert [
        f"{unreadable}OK,1.000,2.000,4.000 | problem: it answers no command: it is late, or nobody asked"
    ] == [line for line in recorder.lines if line.startswith(unreadable)][:1]
    assert f"{unreadable}MAYBE | locate | answers TRG,1 | problem: the reply makes no sense" in "".join(
        recorder.lines
    )
    assert recorder.agrees()


def test_frames_that_come_together_with_one_that_ends_the_session_are_reported(
    recorder: FrameRecorder, bench: Bench
) -> None:
    foreign = Foreign(lambda line: None)
    bench.camera.listening(PORT).listen(foreign)
    proxy = bench.remote(VisionCamera, observers=[recorder], wait=1.0)
    asked = proxy.locate(1)
    bench.until(lambda: bool(foreign.peers and foreign.peers[-1].received))
    foreign.peers[-1].say(b"MAYBE", b"ALM,7")
    bench.result(asked)
    problem = "the session is over: b'MAYBE' is not the reply to locate"
    assert f"< | unreadable | ALM,7 | problem: {problem}" in "".join(recorder.lines)
    assert recorder.agrees()


def test_raw_requests_and_sent_frames_are_reported(recorder: FrameRecorder, bench: Bench) -> None:
    foreign = Foreign({b"WHO": b"ME"}.get)
    bench.camera.listening(PORT).listen(foreign)
    proxy = bench.remote(VisionCamera, observers=[recorder])
    assert b"ME" == bench.result(raw(proxy, b"WHO"))
    link_of(proxy).send(b"BYE")
    assert ["> | command | WHO", "< | reply | ME | result=b'ME' | answers WHO", "> | other | BYE"] == [
        *recorder.lines[3:]
    ]
    assert recorder.agrees()


class TalkativeCell(RpcCell):
    """Sends a frame of its own in a handler, and fails at frames that it does not know."""

    def where(self) -> int:
        current_session().sendFrame(b"[]")
        return 4

    def unknown(self, frame: bytes) -> bytes | None:
        raise ValueError("a defect")


def test_frames_that_a_handler_sends_and_those_that_its_failure_drops_are_reported(
    recorder: FrameRecorder, bench: Bench, logged: list[str]
) -> None:
    foreign = Foreign(lambda line: None)
    bench.camera.listening(PORT).listen(foreign)
    bench.remote(RpcCamera, serves=TalkativeCell(), observers=[recorder])
    bench.until(lambda: bool(foreign.peers))
    ask, jump = (b'{"jsonrpc":"2.0","method":"%s","id":1}' % name for name in (b"where", b"jump"))
    foreign.peers[-1].say(ask, jump, ask, ask)
    bench.network.advance(0.1)
    kinds = ["< command", "> other", "> reply", "< unreadable", "< unreadable", "< unreadable"]
    found = recorder.messages[:6]
    assert kinds == [f"{'<>'[each.sent]} {each.kind.value}" for each in found]
    over = "the session is over: a handler failed: ValueError: a defect"
    assert ["method: there is no command 'jump'", over, over] == [each.problem for each in found[3:]]
    assert recorder.agrees()
    assert "ValueError" in logged.pop()


def test_a_reply_of_several_frames_is_reported_part_by_part(recorder: FrameRecorder, bench: Bench) -> None:
    class Measured(Inspector):
        async def trigger(self) -> float:
            return 1.25

        def mode(self) -> int:
            return 1

    bench.serve(Measured())
    bench.result(bench.remote(Inspector, observers=[recorder]).trigger())
    assert [
        "> | command | TA | trigger",
        "< | part | TA | trigger | answers TA",
        "< | reply | 1.250 | trigger | result=1.25 | answers TA",
    ] == recorder.lines[3:]
    assert recorder.agrees()


def test_credentials_are_masked(recorder: FrameRecorder, bench: Bench) -> None:
    bench.serve(MyInSight())
    proxy = bench.remote(InSight, credentials=GOOD, observers=[recorder])
    bench.result(proxy.online())
    assert [
        "connecting: dialling",
        "handshaking: TCP is connected",
        "< | login | Welcome to In-Sight",
        "< | login | User: ",
        "> | login | *****",
        "< | login | Password: ",
        "> | login | ***********",
        "< | login | User Logged In",
        "ready: the peer is proven",
        "> | command | GO | online",
        "< | reply | 1 | online | result=1 | answers GO",
    ] == recorder.lines
    assert recorder.agrees()


def test_credentials_are_masked_in_what_leaves_too(bench: Bench) -> None:
    recorder = RecordingObserver()
    bench.serve(MyInSight())
    bench.result(bench.remote(InSight, credentials=GOOD, observers=[recorder]).online())
    assert [("sent", b"*" * 7), ("sent", b"*" * 13), ("sent", b"GO\r\n")] == recorder.only("sent")


def test_an_observer_cannot_change_a_command(bench: Bench, logged: list[str]) -> None:
    class Meddler(SessionObserver):
        def message(self, session: Any, message: ObservedMessage) -> None:
            message.values["job"] = 99  # type: ignore[index]

    camera = MyCamera()
    bench.serve(camera, observers=[Meddler()])
    assert isinstance(bench.result(bench.remote(VisionCamera).locate(1)), Position)
    assert "does not support item assignment" in logged.pop()


class Loader(Equipment):
    """Gets and returns large frames."""

    framing = Delimited(b"\n")
    codec = Template()

    @command("LOAD,{text}", reply="LOADED,{loaded}")
    def load(self, text: str) -> str:
        """Load a text."""
        return text


def test_large_commands_and_replies_are_reported_once(recorder: FrameRecorder, bench: Bench) -> None:
    bench.serve(Loader())
    proxy = bench.remote(Loader, observers=[recorder])
    text = "x" * LARGE
    results = [proxy.load(text), proxy.load("a"), proxy.load(text)]
    assert [text, "a", text] == [bench.result(each) for each in results]
    assert [f"LOAD,{each}".encode() for each in (text, "a", text)] == recorder.out
    assert recorder.agrees()


class BeatingWithSilence(Beating):
    """Equipment that says something to one of its commands only if that fails."""

    @command("AW,{on:d}", reply=Silence(0.3))
    def arm(self, on: int) -> None:
        """Arm it."""


class BeatingInPhases(Beating):
    """Equipment with a command of two requests."""

    @command(TwoPhases("SEND {#}", "READY", "{text}"), reply="OK")
    def send(self, text: str) -> None:
        """Send a text."""


SPECIAL = [BeatingWithSilence, BeatingInPhases]


@pytest.mark.parametrize("kind", [Beating, BeatingAlways, BeatingById, *SPECIAL])
def test_heartbeats_are_reported_as_such(kind: Any, recorder: FrameRecorder, bench: Bench) -> None:
    bench.serve(mine(kind, Deferred()))
    proxy = bench.remote(kind, policy=LAN, observers=[recorder])
    bench.until(lambda: link_of(proxy).state.value == "ready")
    bench.network.advance(0.25)
    assert {"heartbeat"} == {each.kind.value for each in recorder.messages}
    (first, reply, *_) = recorder.messages
    assert [(True, "ping", None), (False, "ping", first)] == [
        (each.sent, each.name, each.answers) for each in (first, reply)
    ]
    assert reply.seconds is not None
    assert recorder.agrees()


@pytest.mark.parametrize("kind", [Beating, BeatingById, *SPECIAL])
def test_what_the_program_asks_is_a_command_also_if_the_link_asks_it_as_its_heartbeat(
    kind: Any, recorder: FrameRecorder, bench: Bench
) -> None:
    bench.serve(mine(kind, Deferred()))
    proxy = bench.remote(kind, policy=LAN, observers=[recorder])
    bench.until(lambda: link_of(proxy).state.value == "ready")
    recorder.messages.clear()
    bench.result(proxy.ping())
    assert ["command", "reply"] == [each.kind.value for each in recorder.messages]
    bench.network.advance(0.15)
    assert ["heartbeat"] * 2 == [each.kind.value for each in recorder.messages[2:4]]


def test_a_host_that_serves_reports_each_frame_once(recorder: FrameRecorder, bench: Bench) -> None:
    camera = MyCamera()

    async def ask_back() -> Position:
        host: Any = caller(Cell)
        return Position(float(await host.where()), 0.0, 0.0)

    camera.jobs[1] = ask_back
    bench.serve(camera, calls=Cell)
    bench.result(bench.remote(VisionCamera, serves=MyCell(), observers=[recorder]).locate(1))
    assert [
        "> | command | TRG,1 | locate | job=1",
        "< | command | WHERE | where",
        "> | reply | AT,4 | where | result=4 | answers WHERE",
    ] == recorder.lines[3:6]
    assert recorder.lines[6].startswith("< | reply | OK,4.000")
    assert recorder.agrees()


def test_an_observer_may_come_later_and_leave_again(recorder: FrameRecorder, bench: Bench) -> None:
    bench.serve(MyCamera())
    proxy = bench.remote(VisionCamera, policy=QUIET)
    bench.result(proxy.locate(1))
    observers = link_of(proxy).observers
    assert observers.message is None
    leave = observers.add(recorder)
    bench.result(proxy.locate(2))
    leave()
    bench.result(proxy.locate(3))
    assert ["TRG,2", "OK,1.000,2.000,2.000"] == [each.frame.decode() for each in recorder.messages]


def test_an_observer_that_fails_is_detached_and_harms_nothing(bench: Bench, logged: list[str]) -> None:
    class Failing(SessionObserver):
        def message(self, session: Any, message: ObservedMessage) -> None:
            raise ValueError("no")

    bench.serve(MyCamera())
    proxy = bench.remote(VisionCamera, observers=[Failing()])
    assert [1.0, 2.0] == [bench.result(proxy.locate(job)).angle for job in (1, 2)]
    assert "ValueError" in logged.pop()
