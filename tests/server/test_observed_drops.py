"""Observers see the frames that the program sends itself, and those that nobody handles."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from tcpcomm import FrameLog, MessageKind, current_session
from tcpcomm.conversation import responder
from tcpcomm.session.turns import SLICE_SECONDS
from tests.server.test_observed import Guarded, Log, Messages, MyCamera, wire


@pytest.fixture
def log() -> Messages:
    return Messages()


class Talkative(MyCamera):
    """Sends frames of its own in handlers, and fails at frames that it does not know."""

    def reset(self) -> None:
        session = current_session()
        session.sendFrame(b"HELLO")
        session.sendFrames([b"A", b"B"])
        session.send_framed((b"C\n",), (b"C",))

    def unknown(self, frame: bytes) -> bytes | None:
        raise ValueError("a defect")


def test_frames_that_the_program_sends_itself_are_reported_in_their_places() -> None:
    log = Log()
    at = wire(Talkative(), log)
    at.receive("TRG,1", "RESET", "TRG,2")
    at.session.sendFrame(b"BYE")
    sent = [(each.kind.value, each.frame.decode()) for each in log.messages if each.sent]
    assert [
        ("reply", "OK,1.5"),
        ("other", "HELLO"),
        ("other", "A"),
        ("other", "B"),
        ("other", "C"),
        ("reply", "OK,3.0"),
        ("other", "BYE"),
    ] == sent
    assert [f"> {frame}" for _, frame in sent] == [line for line in log.lines if line.startswith(">")]


def test_the_frame_log_shows_frames_that_the_program_sends_itself() -> None:
    lines: list[str] = []
    wire(Talkative(), FrameLog(lines.append)).receive("RESET")
    assert ["|HELLO|", "|A|", "|B|", "|C|"] == [line.split()[-1] for line in lines if "->  other " in line]


def test_frames_that_the_end_of_a_session_drops_are_reported_too(log: Messages) -> None:
    class Closing(MyCamera):
        def reset(self) -> None:
            current_session().close("no more jobs")

    wire(Closing(), log).receive("TRG,1", "RESET", "TRG,2", "PING")
    assert [
        "got 'TRG,1' command locate(job=1)",
        "sent 'OK,1.5' reply locate(result=1.5) to 'TRG,1' after 0 s",
        "got 'RESET' command reset()",
        "got 'TRG,2' unreadable (): the session is over: no more jobs",
        "got 'PING' unreadable (): the session is over: no more jobs",
    ] == log.lines


def test_frames_that_a_failed_handler_drops_are_reported_too(log: Messages, logged: list[str]) -> None:
    wire(Talkative(), log).receive("TRG,1", "JUMP", "TRG,2", "PING")
    problem = "the session is over: a handler failed: ValueError: a defect"
    assert [
        "got 'TRG,1' command locate(job=1)",
        "sent 'OK,1.5' reply locate(result=1.5) to 'TRG,1' after 0 s",
        "got 'JUMP' unreadable (): there is no command 'JUMP'",
        f"got 'TRG,2' unreadable (): {problem}",
        f"got 'PING' unreadable (): {problem}",
    ] == log.lines
    assert "a defect" in logged.pop()


@pytest.mark.parametrize("end", ["close", "lose"])
def test_frames_that_wait_when_the_session_ends_are_reported_too(end: str, log: Messages) -> None:
    class Pausing(MyCamera):
        def reset(self) -> None:
            current_session().pauseProducing()

    at = wire(Pausing(), log)
    at.receive("RESET", "TRG,2", "PING")
    assert ["RESET"] == [each.frame.decode() for each in log.messages]
    if end == "close":
        at.session.close("no more jobs")
    at.lose()
    assert ["RESET", "TRG,2", "PING"] == [each.frame.decode() for each in log.messages]
    assert {MessageKind.UNREADABLE} == {each.kind for each in log.messages[1:]}


def test_a_command_under_way_stays_without_its_reply_for_an_observer_that_comes_later(
    log: Messages,
) -> None:
    camera = MyCamera()
    at = wire(camera)
    at.receive("MEASURE")
    at.factory.observers.add(log)
    camera.measured.callback(42)
    at.receive("TRG,2")
    assert ["TRG,2", "OK,3.0"] == [each.frame.decode() for each in log.messages]


@pytest.mark.parametrize(
    ("took", "seen"), [(0.0, ["HELLO"]), (2 * SLICE_SECONDS, ["HELLO", "TRG,2", "OK,3.0"])]
)
def test_an_observer_that_a_handler_adds_does_not_see_the_replies_before(
    took: float, seen: list[str], log: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what came with the handler's command, unless that waits for a turn behind a slow handler."""

    class Adding(MyCamera):
        def reset(self) -> None:
            at.factory.observers.add(log)
            current_session().sendFrame(b"HELLO")
            clock.advance(took)

    clock = Clock()  # a busy machine makes any handler slow by the real one
    monkeypatch.setattr(responder, "monotonic", clock.seconds)
    at = wire(Adding())
    at.receive("TRG,1", "RESET", "TRG,2")
    assert seen == [each.frame.decode() for each in log.messages]


def test_a_login_whose_check_fails_is_reported_and_masked(log: Messages, logged: list[str]) -> None:
    class Broken(Guarded):
        def authenticate(self, **credentials: str) -> bool:
            raise ValueError("a defect")

    wire(Broken(), log).receive("admin", "sesame", "TRG,1")
    assert [
        "got '******' login (): authenticate() failed",
        "got '*****' unreadable (): the session is over: a handler failed: ValueError: a defect",
    ] == log.lines[-2:]
    assert "a defect" in logged.pop()
