"""Observers see all events of a session, in order, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field

from tcpcomm import (
    FrameFactory,
    FrameProtocol,
    FramingError,
    Heartbeat,
    Heartbeats,
    Limits,
    SessionObserver,
)
from tcpcomm.errors import FrameTooLong, SessionClosed, TruncatedFrame
from tcpcomm.framing import CountedBody, Delimited, LengthPrefixed
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.session.observer import Observers
from tcpcomm.testing import RecordingObserver
from tests.session.spies import BigSpy, GapSpy
from tests.session.stage import TOO_LONG, Logged, Spy, Stage, TLSTransport, staged

BEAT = Heartbeat(b"PING", b"PONG")
NO_END = "the peer sent b'{}', and then no b';': does it end its messages as we do?"


def observed(protocol: Any = Spy, **options: Any) -> tuple[Stage, RecordingObserver]:
    """Return a stage with a connected session, and its observer, with an empty log."""
    observer = RecordingObserver()
    stage = staged(protocol, observers=[observer], **options)
    observer.take()
    return stage, observer


LARGE_FRAME = b"x" * LARGE

SENDING_LARGE: list[Callable[[FrameProtocol], None]] = [
    lambda session: session.sendFrame(LARGE_FRAME),
    lambda session: session.sendFrames([LARGE_FRAME]),
    lambda session: session.send_framed(session.send_framing.encode_large(LARGE_FRAME), [LARGE_FRAME]),
]


def echoing(**options: Any) -> tuple[Stage, RecordingObserver]:
    stage, observer = observed(**options)
    stage.session.on_frame = stage.session.sendFrame
    return stage, observer


# -- the order --------------------------------------------------------------------------------------------


def test_the_whole_life_of_a_session_is_seen_in_order() -> None:
    observer = RecordingObserver()
    stage = staged(observers=[observer])
    stage.session.on_frame = stage.session.sendFrame
    stage.receive(b"a;b")
    stage.receive(b";")
    stage.session.close("the shift is over")
    stage.settle()
    assert [
        ("opened",),
        ("ready",),
        ("received", b"a;b"),
        ("frame_received", b"a"),
        ("half_frame", "the peer sent b'b' so far"),
        ("frame_sent", b"a"),
        ("sent", b"a;"),
        ("received", b";"),
        ("frame_received", b"b"),
        ("frame_sent", b"b"),
        ("sent", b"b;"),
        ("closed", "the shift is over"),
    ] == observer.log
    assert [stage.session] == observer.sessions


def test_a_session_over_tls_is_opened_before_it_is_ready() -> None:
    observer = RecordingObserver()
    transport = TLSTransport()
    staged(transport=transport, observers=[observer])
    assert [("opened",)] == observer.take()
    transport.complete_handshake()
    assert [("ready",)] == observer.take()


def test_a_session_that_is_never_ready_is_closed_all_the_same(logged: Logged) -> None:
    observer = RecordingObserver()
    stage = staged(transport=TLSTransport(), observers=[observer])
    stage.wait(2.1)
    assert [("opened",), ("closed", "TLS was not established within 2 s")] == observer.log
    logged.lines()


def test_all_frames_of_a_chunk_are_reported_before_the_first_is_handled() -> None:
    stage, observer = echoing()
    stage.receive(b"a;b;")
    assert [
        ("received", b"a;b;"),
        ("frame_received", b"a"),
        ("frame_received", b"b"),
        ("frame_sent", b"a"),
        ("frame_sent", b"b"),
        ("sent", b"a;b;"),
    ] == observer.log


def test_frames_that_wait_are_reported_once() -> None:
    stage, observer = observed()
    stage.session.on_frame = lambda frame: stage.session.pauseProducing()
    stage.receive(b"a;b;c;")
    for _ in range(3):
        stage.session.resumeProducing()
    assert [b"a", b"b", b"c"] == stage.session.seen
    assert [b"a", b"b", b"c"] == [frame for _, frame in observer.only("frame_received")]


def test_a_chunk_is_reported_when_it_comes_and_its_frames_when_they_are_decoded() -> None:
    stage, observer = observed()
    stage.session.pauseProducing()
    stage.session.dataReceived(b"a;")
    assert [("received", b"a;")] == observer.take()
    stage.session.resumeProducing()
    assert [("frame_received", b"a")] == observer.take()


def test_a_fault_is_reported_after_the_frames_before_it() -> None:
    stage, observer = observed()
    stage.receive(b"a;" + TOO_LONG + b";b;")
    assert [
        ("frame_received", b"a"),
        ("fault", FrameTooLong),
        ("frame_received", b"b"),
    ] == observer.log[1:]


def test_half_a_frame_is_reported_once_when_it_begins() -> None:
    stage, observer = observed()
    for chunk in (b"TRG", b",3", b"\r", b";"):
        stage.receive(chunk)
    ((_, description),) = observer.only("half_frame")
    assert "the peer sent b'TRG' so far" == description
    assert [("frame_received", b"TRG,3\r")] == observer.only("frame_received")


def test_half_a_frame_with_a_secret_is_reported_without_its_bytes() -> None:
    stage, observer = observed()
    stage.session.keeps_secret = True
    stage.receive(b"open sesame")
    stage.wait(1.1)
    assert [("half_frame", ""), ("frame_stalled", "")] == observer.only("half_frame", "frame_stalled")


def test_a_frame_has_stalled_once_after_a_second_without_more_of_it() -> None:
    stage, observer = observed()
    for chunk in (b"a;TRG", b",3", b",4"):
        stage.receive(chunk)
        stage.wait(0.9)
    assert [] == observer.only("frame_stalled")
    stage.wait(0.2)
    stage.receive(b",5")
    stage.wait(1.1)
    stage.receive(b";b")
    assert [(NO_END.format("TRG,3,4"),)] == [entry[1:] for entry in observer.only("frame_stalled")]
    stage.wait(1.1)
    assert ("frame_stalled", NO_END.format("b")) == observer.log[-1]


def test_a_frame_has_stalled_with_the_session_that_this_side_ends() -> None:
    for end in (FrameProtocol.close, FrameProtocol.abort):
        stage, observer = observed()
        stage.receive(b"TRG")
        end(stage.session)
        stage.settle()
        assert ["frame_stalled", "closed"] == [entry[0] for entry in observer.log[-2:]]


def test_the_end_of_the_stream_in_a_frame_is_a_fault_alone() -> None:
    stage, observer = observed()
    stage.receive(b"TRG")
    stage.transport.end_input()
    stage.settle()
    assert [("fault", TruncatedFrame)] == observer.only("fault", "frame_stalled")


def test_a_frame_does_not_stall_while_nothing_is_read() -> None:
    stage, observer = observed()
    stage.receive(b"TRG")
    stage.session.pauseProducing()
    stage.wait(60.0)
    stage.session.resumeProducing()
    stage.receive(b",3;")
    assert [] == observer.only("frame_stalled")


def test_a_large_frame_that_stalls_says_how_much_of_it_has_come() -> None:
    stage, observer = observed(framing=LengthPrefixed(4, max_frame=2_000_000))
    stage.receive((1_000_000).to_bytes(4, "big"))
    stage.receive(b"x" * 100_000)
    stage.wait(1.1)
    ((_, begun), (_, stalled)) = observer.only("half_frame", "frame_stalled")
    text = "the peer announced a frame of 1000004 bytes, and {} of 1000004 bytes have come"
    assert text.format(4) == begun
    assert stalled.startswith(f"{text.format(100004)}, b'\\x00\\x0fB@xx")
    assert stalled.endswith("bytes more: does it count its lengths as we do?")


def test_the_body_of_a_counted_frame_that_stalls_says_how_much_of_it_has_come() -> None:
    for count in (1000, 100_000):
        head = f"IMG,{count}".encode()
        stage, observer = observed(framing=CountedBody(b"IMG,{count}", max_frame=200_000))
        stage.receive(head + b"\r\n" + b"x" * 25)
        stage.wait(1.1)
        ((_, stalled),) = observer.only("frame_stalled")
        assert " of " in stalled
        assert stalled.endswith("xxx': does it count its lengths as we do?")


def test_a_frame_that_silence_ends_is_reported() -> None:
    stage, observer = observed(GapSpy)
    stage.receive(b"Hello")
    stage.wait(0.06)
    assert [("received", b"Hello"), ("frame_received", b"Hello")] == observer.log


def test_a_frame_that_the_end_of_the_input_ends_is_reported() -> None:
    stage, observer = observed(GapSpy)
    stage.receive(b"Hello")
    stage.transport.end_input()
    stage.settle()
    assert [("frame_received", b"Hello"), ("closed", "the peer hung up")] == observer.log[1:]


def test_sent_bytes_are_reported_as_the_transport_takes_them() -> None:
    stage, observer = observed(BigSpy)
    stage.transport.appetite = 0
    for _ in range(3):
        stage.session.sendFrame(b"x" * 60_000)
    stage.transport.appetite = None
    stage.settle()
    sent = [data for _, data in observer.only("sent")]
    assert stage.transport.received == b"".join(sent)
    assert stage.transport.sent() == sent


@pytest.mark.parametrize("send", SENDING_LARGE, ids=["sendFrame", "sendFrames", "send_framed"])
def test_a_large_frame_is_reported_once(send: Callable[[FrameProtocol], None]) -> None:
    stage, observer = observed(framing=LengthPrefixed(4))
    send(stage.session)
    stage.settle()
    assert [("frame_sent", LARGE_FRAME)] == observer.only("frame_sent")
    assert 1 == stage.session.frames_sent
    sent = b"".join(data for _, data in observer.only("sent"))
    assert stage.transport.received == sent == LengthPrefixed(4).encode(LARGE_FRAME)


def test_large_and_small_frames_of_one_call_are_reported_in_order() -> None:
    frames = [b"a", LARGE_FRAME, b"b", LARGE_FRAME]
    stage, observer = observed(framing=LengthPrefixed(4))
    stage.session.sendFrames(frames)
    parts = [part for frame in frames for part in LengthPrefixed(4).encode_large(frame)]
    stage.session.send_framed(parts, frames)
    stage.settle()
    assert [*frames, *frames] == [frame for _, frame in observer.only("frame_sent")]
    assert LengthPrefixed(4).encode_many([*frames, *frames]) == stage.transport.received


@pytest.mark.parametrize("send", SENDING_LARGE, ids=["sendFrame", "sendFrames", "send_framed"])
def test_a_large_secret_is_masked(send: Callable[[FrameProtocol], None]) -> None:
    stage, observer = observed(framing=LengthPrefixed(4))
    stage.session.sends_secret = True
    send(stage.session)
    stage.settle()
    assert [("frame_sent", b"*" * LARGE)] == observer.only("frame_sent")
    assert b"*" * (4 + LARGE) == b"".join(data for _, data in observer.only("sent"))


@pytest.mark.parametrize("send", SENDING_LARGE, ids=["sendFrame", "sendFrames", "send_framed"])
def test_a_large_frame_that_aborts_the_session_is_reported(send: Callable[[FrameProtocol], None]) -> None:
    limits = Limits(unread_pause=1, unread_abort=2)  # so that the last header aborts the session
    stage, observer = observed(framing=LengthPrefixed(4, max_frame=LARGE + 4), limits=limits)
    stage.transport.appetite = 0
    for _ in range(3):
        stage.session.sendFrame(LARGE_FRAME)
    assert stage.session.is_open
    observer.take()
    send(stage.session)
    assert not stage.session.is_open
    assert [("frame_sent", LARGE_FRAME)] == observer.take()
    assert (4, 0) == (stage.session.frames_sent, stage.session.unsent)


def test_every_way_to_send_frames_is_reported() -> None:
    stage, observer = observed()
    stage.session.sendFrames([b"a", b"b"])
    stage.session.sendFrames([b"c"])
    stage.session.send_framed((b"d;", b"e;"), (b"d", b"e"))
    stage.session.sendBytes(b"login: ")
    assert [b"a", b"b", b"c", b"d", b"e"] == [frame for _, frame in observer.only("frame_sent")]
    assert b"a;b;c;d;e;login: " == b"".join(data for _, data in observer.only("sent"))
    assert 5 == stage.session.frames_sent


def test_a_frame_that_is_refused_is_not_reported() -> None:
    stage, observer = observed()
    stage.session.close()
    with pytest.raises(SessionClosed):
        stage.session.sendFrame(b"a")
    with pytest.raises(SessionClosed):
        stage.session.send_framed((b"a;",), (b"a",))
    assert [] == observer.only("frame_sent")


def test_heartbeats_are_reported_in_both_directions() -> None:
    stage, observer = observed(heartbeat=BEAT, heartbeats=Heartbeats(0.1, 0.3), asks=True)
    stage.receive(b"PING;")
    stage.wait(0.11)
    assert [
        ("frame_received", b"PING"),
        ("frame_sent", b"PONG"),
        ("frame_sent", b"PING"),
    ] == [entry for entry in observer.log if entry[0].startswith("frame")]


# -- secrets ----------------------------------------------------------------------------------------------


def test_received_secrets_are_masked() -> None:
    stage, observer = observed()
    stage.session.keeps_secret = True
    stage.receive(b"hunter2;")
    stage.session.keeps_secret = False
    stage.receive(b"a;")
    assert [
        ("received", b"********"),
        ("frame_received", b"*******"),
        ("received", b"a;"),
        ("frame_received", b"a"),
    ] == observer.log
    assert [b"hunter2", b"a"] == stage.session.seen


def test_sent_secrets_are_masked() -> None:
    stage, observer = observed()
    stage.session.sends_secret = True
    stage.session.sendFrame(b"hunter2")
    stage.session.sends_secret = False
    stage.session.sendFrame(b"a")
    assert [
        ("sent", b"********"),
        ("frame_sent", b"*******"),
        ("sent", b"a;"),
        ("frame_sent", b"a"),
    ] == observer.log
    assert b"hunter2;a;" == b"".join(stage.transport.sent())


def test_a_fault_in_a_secret_is_reported_without_its_bytes() -> None:
    faults: list[FramingError] = []

    class FaultObserver(SessionObserver):
        def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
            faults.append(fault)

    stage = staged(observers=[FaultObserver()], framing=Delimited(b";", max_frame=4))
    stage.session.keeps_secret = True
    stage.receive(b"abc;hunter2;")
    (fault,) = faults
    assert (FrameTooLong, "", [b"***"]) == (type(fault), fault.details, fault.frames)
    assert (4, True) == (fault.offset, fault.recoverable)


# -- observers that fail, or interfere --------------------------------------------------------------------


class Failing(SessionObserver):
    """Raises in one method."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.calls = 0

    def _fail(self, method: str) -> None:
        if method == self.method:
            self.calls += 1
            raise ZeroDivisionError(method)

    def opened(self, session: Any) -> None:
        self._fail("opened")

    def ready(self, session: Any) -> None:
        self._fail("ready")

    def received(self, session: Any, data: bytes) -> None:
        self._fail("received")

    def sent(self, session: Any, data: bytes) -> None:
        self._fail("sent")

    def frame_received(self, session: Any, frame: bytes) -> None:
        self._fail("frame_received")

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self._fail("frame_sent")

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        self._fail("fault")

    def closed(self, session: Any, reason: str) -> None:
        self._fail("closed")

    def __repr__(self) -> str:
        raise ZeroDivisionError


METHODS = ["opened", "ready", "received", "sent", "frame_received", "frame_sent", "fault", "closed"]


@pytest.mark.parametrize("method", METHODS)
def test_an_observer_that_raises_is_logged_and_detached_and_harms_nothing(
    method: str, logged: Logged
) -> None:
    failing, recording = Failing(method), RecordingObserver()
    stage = Stage(observers=[failing, recording])
    stage.connect()
    stage.session.on_frame = stage.session.sendFrame
    stage.receive(b"a;" + TOO_LONG + b";b;")
    stage.session.close()
    stage.settle()
    assert b"a;b;" == stage.transport.received
    assert 1 == failing.calls
    assert {*METHODS} == {entry[0] for entry in recording.log}
    assert [f"Failing failed in {method} and is detached (ZeroDivisionError)"] == logged.failures()


def test_nothing_is_delivered_after_an_observer_has_closed_the_session() -> None:
    class Closing(SessionObserver):
        def frame_received(self, session: FrameProtocol, frame: bytes) -> None:
            session.close("the observer had enough")

    stage = staged(observers=[Closing()])
    stage.receive(b"a;b;", b"c;")
    assert [b"a", b"b", b"c"] != stage.session.seen
    assert not [each for each in stage.session.seen if isinstance(each, bytes)]
    assert "the observer had enough" == stage.session.reason


def test_frames_wait_while_an_observer_pauses_the_session() -> None:
    class Pausing(SessionObserver):
        def frame_received(self, session: FrameProtocol, frame: bytes) -> None:
            session.pauseProducing()

    stage = staged(observers=[Pausing()])
    stage.receive(b"a;b;")
    assert [] == stage.session.seen
    stage.session.resumeProducing()
    assert [b"a", b"b"] == stage.session.seen


# -- several, and while it runs ---------------------------------------------------------------------------


def test_several_observers_see_the_same() -> None:
    first, second = RecordingObserver(), RecordingObserver()
    stage = staged(observers=[first, second])
    stage.receive(b"a;")
    assert 4 == len(first.log)
    assert second.log == first.log


def test_observers_are_attached_and_detached_while_a_session_runs() -> None:
    stage = staged()
    observer = RecordingObserver()
    stage.receive(b"a;")
    detach = stage.factory.observers.add(observer)
    stage.receive(b"b;")
    detach()
    detach()
    stage.receive(b"c;")
    assert [("received", b"b;"), ("frame_received", b"b")] == observer.log


def test_an_observer_that_is_detached_by_another_is_not_called() -> None:
    second = RecordingObserver()

    class Detaching(SessionObserver):
        def frame_received(self, session: FrameProtocol, frame: bytes) -> None:
            session.observers.remove(second)

    stage = staged(observers=[Detaching(), second])
    stage.receive(b"a;")
    assert [("opened",), ("ready",), ("received", b"a;")] == second.log


@define
class Equal(SessionObserver):
    """Equals all others of its kind, and can therefore not be hashed."""

    frames: list[bytes] = field(factory=list, eq=False)
    on_frame: Callable[[], object] = field(default=lambda: None, eq=False)

    def frame_received(self, session: Any, frame: bytes) -> None:
        self.frames.append(frame)
        self.on_frame()


def test_an_observer_is_detached_and_those_that_equal_it_stay() -> None:
    first, second = Equal(), Equal()
    stage = staged(observers=[first, second])
    stage.factory.observers.remove(first)
    stage.receive(b"a;")
    assert ([], [b"a"]) == (first.frames, second.frames)


def test_an_observer_that_was_detached_meanwhile_is_not_called_although_it_equals_another() -> None:
    first, second = Equal(), Equal()
    stage = staged(observers=[first, second])
    first.on_frame = lambda: stage.factory.observers.remove(second)
    stage.receive(b"a;")
    assert ([b"a"], []) == (first.frames, second.frames)


def test_an_observer_that_fails_is_detached_and_those_that_equal_it_stay(logged: Logged) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    first, second = Equal(on_frame=fail), Equal()
    stage = staged(observers=[first, second])
    stage.receive(b"a;b;")
    assert ([b"a"], [b"a", b"b"]) == (first.frames, second.frames)
    assert 1 == len(logged.failures())


@pytest.mark.parametrize("hook", ["frame_received", "frame_sent"])
def test_an_observer_that_detaches_itself_does_not_see_the_next_frame(hook: str) -> None:
    class Once(RecordingObserver):
        def _detach(self, session: Any) -> None:
            session.observers.remove(self)

        def frame_received(self, session: Any, frame: bytes) -> None:
            super().frame_received(session, frame)
            self._detach(session)

        def frame_sent(self, session: Any, frame: bytes) -> None:
            super().frame_sent(session, frame)
            self._detach(session)

    observer = Once()
    stage = staged(observers=[observer])
    if hook == "frame_received":
        stage.receive(b"a;b;")
    else:
        stage.session.sendFrames([b"a", b"b"])
    assert [(hook, b"a")] == observer.only("frame_received") + observer.only("frame_sent")


def test_methods_that_nobody_overrides_are_not_called() -> None:
    class Silent(SessionObserver):
        """Watches nothing."""

    observers = Observers([Silent()])
    assert [None] * len(METHODS) == [getattr(observers, method) for method in METHODS]


def test_all_sessions_of_a_factory_have_the_same_observers() -> None:
    observer = RecordingObserver()
    stage = staged(observers=[observer])
    assert stage.factory.observers is stage.session.observers


def test_a_session_without_a_factory_of_ours_has_no_observers() -> None:
    stage = Stage()
    stage.session.factory = FrameFactory(clock=stage.clock)
    del stage.session.factory.observers
    stage.connect()
    stage.receive(b"a;")
    assert [b"a"] == stage.session.seen


def test_a_peer_that_does_not_read_is_seen_to_be_aborted() -> None:
    stage, observer = observed(BigSpy, limits=Limits(stall=0.5))
    stage.transport.appetite = 0
    stage.session.sendFrame(b"x" * 200_000)
    stage.wait(0.6)
    assert [("closed", "the peer does not read: it took nothing for 0.5 s")] == observer.only("closed")


def test_a_bare_session_has_no_declaration_and_is_not_equipment() -> None:
    session = staged().session
    assert (None, False) == (session.declaration, session.is_equipment)
