"""The log of equipment explains the mistakes that beginners make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import provider

from tcpcomm import Equipment, FrameProtocol, Login, command, current_session, per_session
from tcpcomm.codec import Template
from tcpcomm.conversation import responder
from tcpcomm.errors import NotReady, OutcomeUnknown, ReplyTimeout
from tcpcomm.framing import Delimited
from tests.equipment.declared import PORT, Bench, MyCamera, MyRpcCamera, Position, RpcCamera, VisionCamera


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """
    The lines of the log, from the level info on.

    By the real clock, a busy machine could add that a handler blocked the reactor. That clock stands still.
    """
    monkeypatch.setattr(responder, "monotonic", Clock().seconds)
    lines: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.info and event.get("log_namespace", "").startswith("tcpcomm"):
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


class Typist:
    """A person at a terminal, such as Hercules, as the host."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.protocol = Protocol()
        factory: Any = Factory.forProtocol(lambda: self.protocol)
        factory.noisy = False
        bench.robot.connecting(bench.camera, PORT).connect(factory)
        bench.until(lambda: self.protocol.connected == 1)

    def types(self, data: bytes, then: float = 0.1) -> None:
        assert self.protocol.transport is not None
        self.protocol.transport.write(data)
        self.bench.network.advance(then)

    def hangs_up(self) -> None:
        assert self.protocol.transport is not None
        self.protocol.transport.loseConnection()
        self.bench.network.advance(0.1)


def without_peer(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines]


def test_a_session_is_logged_when_it_begins_and_when_it_ends(bench: Bench, told: list[str]) -> None:
    bench.serve(MyCamera())
    told.clear()
    Typist(bench).hangs_up()
    assert ["connected", "the session ended: the peer hung up"] == without_peer(told)


def test_a_reason_with_line_breaks_stays_one_line(bench: Bench, told: list[str]) -> None:
    class Refuses(MyCamera):
        def unknown(self, frame: bytes) -> bytes | None:
            raise ValueError("first\nsecond")

    bench.serve(Refuses())
    typist = Typist(bench)
    typist.types(b"JU\nMP\r\n")
    assert "the session ended: a handler failed: ValueError: first\\x0asecond" == without_peer(told)[-1]


def test_a_wrong_line_end_is_logged_with_the_received_bytes(bench: Bench, told: list[str]) -> None:
    bench.serve(MyCamera())
    told.clear()
    Typist(bench).types(b"TRG,3\n", then=6.0)
    overdue = "the peer began a frame and did not finish it within 5.0 s"
    assert [
        "connected",
        f"{overdue}: the peer sent b'TRG,3\\n', and then no b'\\r\\n': does it end its messages as we do?",
        f"the session ended: {overdue}",
    ] == without_peer(told)


def test_a_wrong_line_end_of_a_reply_is_in_the_error_of_the_call(bench: Bench) -> None:
    class Newline(MyCamera):
        reply_framing = Delimited(b"\n")

    bench.serve(Newline())
    outcome = bench.result(bench.remote(VisionCamera).locate(3))
    assert ReplyTimeout is type(outcome)
    assert (
        "no reply within 2 s: the peer sent b'OK,1.000,2.000,3.000\\n', and then no b'\\r\\n': "
        "does it end its messages as we do?" == str(outcome)
    )


class Guarded(Equipment):
    """Equipment with a password."""

    framing = Delimited(b"\r\n")
    codec = Template()
    login = (Login(expect="password?", send="{password}"),)

    @command("TRG", reply="OK")
    def trigger(self) -> None:
        """Do something."""

    def authenticate(self, **credentials: str) -> bool:
        return credentials["password"] == "secret"


def test_a_password_with_a_wrong_line_end_is_not_logged(bench: Bench, told: list[str]) -> None:
    bench.serve(Guarded())
    typist = Typist(bench)
    typist.types(b"secret\n", then=6.0)
    assert [] == [line for line in told if "secret" in line]
    assert any("did not finish it within 5.0 s" in line for line in told)
    again = Typist(bench)
    again.types(b"secret\r\nTRG\n", then=6.0)
    assert any("b'TRG\\n'" in line for line in told)


def test_each_kind_of_error_is_logged_once_and_the_others_are_counted_at_the_end(
    bench: Bench, told: list[str]
) -> None:
    bench.serve(MyCamera())
    told.clear()
    typist = Typist(bench)
    typist.types(b"TRG,three\r\nTRG,four\r\nJUMP\r\nJUMP\r\nJUMP\r\n")
    typist.hangs_up()
    lines = without_peer(told)
    assert ["connected", "there is no command 'JUMP'"] == [lines[0], lines[2]]
    assert lines[1].startswith("the parameters do not fit the command: ")
    assert [
        "the parameters do not fit the command: 1 more requests",
        "there is no such command: 2 more requests",
    ] == lines[3:5]
    assert 6 == len(lines)


def test_requests_of_one_kind_of_error_are_logged_once_in_ten_seconds(
    bench: Bench, told: list[str]
) -> None:
    bench.serve(MyCamera())
    typist = Typist(bench)
    typist.types(b"")
    told.clear()
    typist.types(b"JUMP\r\n" * 3, then=9.8)
    typist.types(b"JUMP\r\n", then=0.3)
    typist.types(b"JUMP\r\n")
    line = "there is no command 'JUMP'"
    assert [line, f"{line} (and 3 more)"] == without_peer(told)


def test_frames_that_answer_nothing_are_logged_once_in_ten_seconds(bench: Bench, told: list[str]) -> None:
    camera = MyRpcCamera()
    sessions: list[FrameProtocol] = []

    def keep_session() -> Position:
        sessions.append(current_session())
        return Position(1.0, 2.0, 3.0)

    camera.jobs[1] = keep_session
    bench.serve(camera)
    bench.result(bench.remote(RpcCamera).locate(1))
    told.clear()
    for wait in (0.1, 9.7, 0.4, 0.1):
        sessions[0].sendFrame(b'{"jsonrpc": "2.0", "id": 99, "result": 1}')
        bench.network.advance(wait)
    assert 2 == len(told)
    assert told[0].endswith("it answers no command: it is late, or nobody asked")
    assert told[1].endswith("nobody asked (and 2 more)")


def test_a_handler_that_takes_longer_than_its_hosts_wait_is_logged(bench: Bench, told: list[str]) -> None:
    camera = MyCamera()
    exposure: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: exposure
    bench.serve(camera)
    typist = Typist(bench)
    typist.types(b"TRG,1\r\n", then=3.0)
    told.clear()
    exposure.callback(Position(1.0, 2.0, 3.0))
    assert ["MyCamera.locate took 3.0 s; its hosts wait 2 s"] == without_peer(told)


def test_late_handlers_of_one_command_are_logged_once_in_ten_seconds(bench: Bench, told: list[str]) -> None:
    camera = MyCamera()
    exposures: list[Deferred[Position]] = []

    def expose() -> Deferred[Position]:
        exposures.append(Deferred())
        return exposures[-1]

    camera.jobs[1] = expose
    bench.serve(camera)
    typist = Typist(bench)
    typist.types(b"")
    told.clear()
    for _ in range(5):
        typist.types(b"TRG,1\r\n", then=3.0)
        exposures[-1].callback(Position(1.0, 2.0, 3.0))
    line = "MyCamera.locate took 3.0 s; its hosts wait 2 s"
    assert [line, f"{line} (and 3 times before)"] == without_peer(told)


@pytest.mark.parametrize("equipment", [MyCamera, lambda: per_session(MyCamera)], ids=["shared", "own"])
def test_a_handler_that_is_too_late_for_its_hosts_is_logged_once_in_ten_seconds(
    equipment: Any, bench: Bench, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: Any, job: int) -> Position:
        await Deferred()
        raise AssertionError("it is cancelled")

    monkeypatch.setattr(MyCamera, "locate", never)
    bench.serve(equipment())
    proxy = bench.remote(VisionCamera)
    for _ in range(3):
        assert isinstance(bench.result(proxy.locate(1)), OutcomeUnknown)
        bench.network.advance(1.0)
    late = [line for line in without_peer(told) if "MyCamera.locate" in line]
    assert ["MyCamera.locate was still at work after 2.0 s; its hosts wait 2 s"] == late


def test_a_handler_that_finishes_in_time_is_not_logged(bench: Bench, told: list[str]) -> None:
    camera = MyCamera()
    exposure: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: exposure
    bench.serve(camera)
    typist = Typist(bench)
    typist.types(b"TRG,1\r\n", then=1.5)
    exposure.callback(Position(1.0, 2.0, 3.0))
    typist.types(b"TRG,2\r\n", then=0.1)
    typist.hangs_up()
    assert [] == [line for line in told if "locate" in line]


def test_the_reason_why_a_link_is_not_ready_is_in_the_error_of_the_call(bench: Bench) -> None:
    refused = "refused: the machine is there, but no program listens on that port"
    outcome = bench.result(bench.remote(VisionCamera).locate(1))
    assert NotReady is type(outcome)
    assert str(outcome).endswith(refused)


def test_an_answer_at_a_server_is_logged_and_not_answered(bench: Bench, told: list[str]) -> None:
    bench.serve(MyRpcCamera())
    typist = Typist(bench)
    typist.types(b'{"jsonrpc":"2.0","result":3,"id":1}\n' * 3)
    problem = "this is not a request: it is an answer, and this end has asked nothing"
    assert [problem] == without_peer(told)[-1:]
    assert 1 == len([line for line in told if problem in line])
    assert typist.protocol.connected


def test_two_servers_on_one_connection_stay_silent(bench: Bench, told: list[str]) -> None:
    """What one server says of a frame that it cannot read must not begin an endless exchange."""
    bench.serve(MyRpcCamera())
    received: list[bytes] = []

    class Server(Protocol):
        """Another server, which sends back every frame that it gets."""

        def dataReceived(self, data: bytes) -> None:
            received.append(data)
            assert self.transport is not None
            self.transport.write(data)

    factory: Any = Factory.forProtocol(Server)
    factory.noisy = False
    other = Server()
    factory.buildProtocol = lambda address: other
    bench.robot.connecting(bench.camera, PORT).connect(factory)
    bench.until(lambda: other.connected == 1)
    assert other.transport is not None
    other.transport.write(b'{"jsonrpc":"2.0"}\n')
    bench.network.advance(1.0)
    assert 1 == len(received)
    assert b'"code":-32600' in received[0]
