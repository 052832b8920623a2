"""Observers see each frame of declared equipment once, decoded, with the command that it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import TestCase

from tcpcomm import (
    Equipment,
    Fault,
    Login,
    MessageKind,
    ObservedMessage,
    SessionObserver,
    command,
    event,
    link_of,
    per_session,
    remote,
    serve,
)
from tcpcomm.codec import Acknowledged, CountedLines, JsonRpc, Template
from tcpcomm.framing import Delimited
from tcpcomm.framing.large_frame import LARGE
from tcpcomm.link.policy import PROFILES
from tcpcomm.server.serving import EquipmentFactory, EquipmentProtocol, caller
from tests.reactor import DEADLINE, reactor, until


class Log(SessionObserver):
    """Writes a line for each frame and for each message."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.messages: list[ObservedMessage] = []

    def frame_received(self, session: Any, frame: bytes) -> None:
        self.lines.append(f"< {frame.decode()}")

    def frame_sent(self, session: Any, frame: bytes) -> None:
        self.lines.append(f"> {frame.decode()}")

    def message(self, session: Any, message: ObservedMessage) -> None:
        self.messages.append(message)
        self.lines.append(text(message))


class Messages(Log):
    """Writes a line for each message only."""

    frame_received = SessionObserver.frame_received
    frame_sent = SessionObserver.frame_sent


def text(message: ObservedMessage) -> str:
    """A message in one line."""
    direction = "sent" if message.sent else "got"
    values = ", ".join(f"{name}={value!r}" for name, value in message.values.items())
    line = f"{direction} {message.frame.decode()!r} {message.kind.value} {message.name}({values})"
    if message.answers is not None:
        line += f" to {message.answers.frame.decode()!r} after {message.seconds:g} s"
    return line + (f": {message.problem}" if message.problem else "")


class Camera(Equipment):
    """A camera that finds parts."""

    framing = Delimited(b"\n")
    codec = Template(fault="NG,{code},{reason}")
    heartbeat = "ping"

    @command("PING", reply="PONG")
    def ping(self) -> None:
        """Show that it is alive."""

    @command("TRG,{job}", reply="OK,{x:.1f}")
    async def locate(self, job: int) -> float:
        """Locate the part."""
        raise NotImplementedError

    @command("MEASURE", reply=Acknowledged("BUSY", "{value:d}"))
    async def measure(self) -> int:
        """Measure, which takes its time."""
        raise NotImplementedError

    @command("LIST", reply=CountedLines("{#}", "C={code}"))
    def codes(self) -> list[str]:
        """Return the codes."""
        return ["A", "B"]

    @command("RESET", reply=None)
    def reset(self) -> None:
        """Forget all. There is no reply."""

    @event("ALM,{code}")
    def alarm(self, code: int) -> None:
        """The camera needs attention."""


class MyCamera(Camera):
    def __init__(self) -> None:
        self.measured: Deferred[int] = Deferred()

    async def locate(self, job: int) -> float:
        if job == 7:
            self.alarm(70)
        if job == 8:
            raise Fault(8, "dark")
        if job == 9:
            raise ValueError("a defect")
        return job * 1.5

    async def measure(self) -> int:
        return await self.measured


@define
class Wire:
    """A session in memory, and its peer."""

    factory: EquipmentFactory
    clock: Clock
    session: EquipmentProtocol = field(init=False)

    def __attrs_post_init__(self) -> None:
        protocol = self.factory.buildProtocol(None)
        assert isinstance(protocol, EquipmentProtocol)
        self.session = protocol
        self.session.makeConnection(StringTransport())  # type: ignore[no-untyped-call]

    def receive(self, *frames: str) -> None:
        self.session.dataReceived("".join(f"{frame}\n" for frame in frames).encode())

    def lose(self) -> None:
        self.session.connectionLost()


def wire(equipment: Any, *observers: SessionObserver, **options: Any) -> Wire:
    clock = Clock()
    return Wire(EquipmentFactory(equipment, observers=observers, clock=clock, **options), clock)


@pytest.fixture
def log() -> Messages:
    return Messages()


def test_a_command_and_its_reply_are_reported_beside_their_frames() -> None:
    log = Log()
    wire(MyCamera(), log).receive("TRG,3")
    assert [
        "< TRG,3",
        "got 'TRG,3' command locate(job=3)",
        "> OK,4.5",
        "sent 'OK,4.5' reply locate(result=4.5) to 'TRG,3' after 0 s",
    ] == log.lines
    command, reply = log.messages
    assert reply.answers is command


def test_commands_that_come_together_are_reported_one_by_one(log: Messages) -> None:
    wire(MyCamera(), log).receive("TRG,1", "RESET", "TRG,2")
    assert [
        "got 'TRG,1' command locate(job=1)",
        "sent 'OK,1.5' reply locate(result=1.5) to 'TRG,1' after 0 s",
        "got 'RESET' command reset()",
        "got 'TRG,2' command locate(job=2)",
        "sent 'OK,3.0' reply locate(result=3.0) to 'TRG,2' after 0 s",
    ] == log.lines


def test_faults_are_reported_with_their_codes(log: Messages) -> None:
    wire(MyCamera(), log).receive("TRG,8", "TRG,9")
    assert [
        "got 'TRG,8' command locate(job=8)",
        "sent 'NG,8,dark' fault locate(code=8, reason='dark', data=None) to 'TRG,8' after 0 s",
        "got 'TRG,9' command locate(job=9)",
        "sent 'NG,INTERNAL,the command failed' fault "
        "locate(code='INTERNAL', reason='the command failed', data=None) to 'TRG,9' after 0 s",
    ] == log.lines


def test_frames_that_fit_nothing_are_unreadable_and_say_why(log: Messages) -> None:
    wire(MyCamera(), log).receive("TRG,x", "JUMP")
    unreadable, fault, unknown, answer = log.messages
    assert ["unreadable", "fault", "unreadable", "fault"] == [each.kind.value for each in log.messages]
    assert ("locate", "job: 'x' does not begin with a whole number, as in TRG,{job}") == (
        unreadable.name,
        unreadable.problem,
    )
    assert ("", "there is no command 'JUMP'") == (unknown.name, unknown.problem)
    assert (unreadable, unknown) == (fault.answers, answer.answers)
    assert "BAD_PARAMETERS" == fault.values["code"]


def test_an_own_answer_to_an_unknown_frame_is_a_reply(log: Messages) -> None:
    class Tolerant(MyCamera):
        def unknown(self, frame: bytes) -> bytes | None:
            return b"WHAT?"

    wire(Tolerant(), log).receive("JUMP")
    assert [
        "got 'JUMP' unreadable (): there is no command 'JUMP'",
        "sent 'WHAT?' reply (result=None) to 'JUMP' after 0 s",
    ] == log.lines


def test_a_reply_that_cannot_be_sent_is_reported_as_the_fault_that_is(log: Messages) -> None:
    class Wrong(MyCamera):
        def codes(self) -> list[str]:
            return ["A\nB"]

    wire(Wrong(), log).receive("LIST")
    assert [
        "got 'LIST' command codes()",
        "sent 'NG,INTERNAL,the command failed' fault "
        "codes(code='INTERNAL', reason='the command failed', data=None) to 'LIST' after 0 s",
    ] == log.lines


def test_all_frames_of_a_reply_but_the_last_are_parts(log: Messages) -> None:
    wire(MyCamera(), log).receive("LIST")
    assert [
        "got 'LIST' command codes()",
        "sent '2' part codes() to 'LIST' after 0 s",
        "sent 'C=A' part codes() to 'LIST' after 0 s",
        "sent 'C=B' reply codes(result=['A', 'B']) to 'LIST' after 0 s",
    ] == log.lines


def test_commands_that_wait_are_reported_at_once_and_their_replies_with_the_time_they_took(
    log: Messages,
) -> None:
    camera = MyCamera()
    at = wire(camera, log)
    at.receive("MEASURE")
    at.clock.advance(0.5)
    at.receive("TRG,2")
    at.clock.advance(1.0)
    camera.measured.callback(42)
    assert [
        "got 'MEASURE' command measure()",
        "sent 'BUSY' part measure() to 'MEASURE' after 0 s",
        "got 'TRG,2' command locate(job=2)",
        "sent '42' reply measure(result=42) to 'MEASURE' after 1.5 s",
        "sent 'OK,3.0' reply locate(result=3.0) to 'TRG,2' after 1 s",
    ] == log.lines


def test_heartbeats_are_told_from_commands(log: Messages) -> None:
    wire(MyCamera(), log).receive("PING")
    assert [
        "got 'PING' heartbeat ping()",
        "sent 'PONG' heartbeat ping(result=None) to 'PING' after 0 s",
    ] == log.lines


def test_an_event_is_reported_for_each_session_that_gets_it(log: Messages) -> None:
    at = wire(MyCamera(), log)
    Wire(at.factory, at.clock)
    at.receive("TRG,7")
    assert [
        "got 'TRG,7' command locate(job=7)",
        "sent 'ALM,70' event alarm(code=70)",
        "sent 'ALM,70' event alarm(code=70)",
        "sent 'OK,10.5' reply locate(result=10.5) to 'TRG,7' after 0 s",
    ] == log.lines


class Imager(Equipment):
    """Sends large frames."""

    framing = Delimited(b"\n")
    codec = Template()

    @command("IMAGE", reply="OK,{image}")
    def image(self) -> str:
        """Return an image, and send it in an event before."""
        self.taken("x" * LARGE)
        return "y" * LARGE

    @event("TAKEN,{image}")
    def taken(self, image: str) -> None:
        """An image was taken."""


def test_large_events_and_replies_are_reported_once_for_each_session_that_gets_them() -> None:
    log = Log()
    at = wire(Imager(), log)
    Wire(at.factory, at.clock)
    at.receive("IMAGE")
    event, reply = f"> TAKEN,{'x' * LARGE}", f"> OK,{'y' * LARGE}"
    assert [event, event, reply] == [line for line in log.lines if line.startswith(">")]
    assert ["command", "event", "event", "reply"] == [each.kind.value for each in log.messages]


def test_equipment_with_an_object_for_each_session_is_observed_too(log: Messages) -> None:
    wire(per_session(MyCamera), log).receive("TRG,7")
    assert ["command", "event", "reply"] == [each.kind.value for each in log.messages]


def test_an_observer_that_is_added_later_sees_what_comes_then(log: Messages) -> None:
    at = wire(MyCamera())
    at.receive("TRG,1", "TRG,2")
    detach = at.factory.observers.add(log)
    at.receive("TRG,3")
    detach()
    at.receive("TRG,4")
    assert [3] == [each.values["job"] for each in log.messages if each.kind is MessageKind.COMMAND]


def test_the_answers_are_the_same_with_and_without_an_observer(log: Messages) -> None:
    frames = ["TRG,1", "LIST", "TRG,8", "JUMP", "PING", "TRG,x", "RESET", "TRG,7", "TRG,2"]
    sent: list[bytes] = []
    for observers in ([], [log]):
        at = wire(MyCamera(), *observers)
        at.receive(*frames)
        transport = at.session.transport
        assert isinstance(transport, StringTransport)
        sent.append(transport.value())
    assert sent[0] == sent[1]
    assert sent[1] == b"".join(each.frame + b"\n" for each in log.messages if each.sent)


class Guarded(Camera):
    """A camera with a greeting and a login."""

    greeting = "Welcome"
    gap = 0.05
    login = (Login("User: ", "{user}", prompt=True), Login("Password?", "{password}"), Login("Ready"))

    async def locate(self, job: int) -> float:
        return 0.0

    async def measure(self) -> int:
        return 0

    def authenticate(self, **credentials: str) -> bool:
        return credentials["password"] == "sesame"


def test_a_login_is_reported_with_its_credentials_masked() -> None:
    log = Log()
    at = wire(Guarded(), log)
    at.receive("admin")
    at.receive("sesame")
    at.receive("TRG,1")
    assert [
        "> Welcome",
        "sent 'Welcome' login ()",
        "sent 'User: ' login ()",
        "< *****",
        "got '*****' login ()",
        "> Password?",
        "sent 'Password?' login ()",
        "< ******",
        "got '******' login ()",
        "> Ready",
        "sent 'Ready' login ()",
        "< TRG,1",
        "got 'TRG,1' command locate(job=1)",
        "> OK,0.0",
        "sent 'OK,0.0' reply locate(result=0.0) to 'TRG,1' after 0 s",
    ] == log.lines


def test_a_refused_login_says_why_and_does_not_show_the_password(log: Messages) -> None:
    at = wire(Guarded(), log)
    at.receive("admin", "guess")
    assert "got '*****' login (): the host's credentials are wrong" == log.lines[-1]
    assert [] == [line for line in log.lines if "guess" in line]


class RpcCamera(Equipment):
    """A camera for hosts that speak JSON-RPC."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    async def locate(self, job: int) -> float:
        """Locate the part."""
        if job == 8:
            raise Fault(8, "dark")
        return job * 1.5


def request(job: Any, id: int) -> str:
    return f'{{"jsonrpc":"2.0","method":"locate","params":{{"job":{job}}},"id":{id}}}'


def test_each_request_and_each_reply_of_a_batch_is_reported_with_the_frame_of_all(log: Messages) -> None:
    batch = f"[{','.join((request(1, 1), request(8, 2), request('true', 3)))}]"
    wire(RpcCamera(), log).receive(batch)
    kinds = [(each.kind.value, each.sent) for each in log.messages]
    asked, answered = log.messages[:3], log.messages[3:]
    assert [
        ("command", False),
        ("command", False),
        ("unreadable", False),
        ("reply", True),
        ("fault", True),
        ("fault", True),
    ] == kinds
    assert [each.answers for each in answered] == asked
    assert {batch.encode()} == {each.frame for each in asked}
    assert 1 == len({each.frame for each in answered})
    assert [{"result": 1.5}, 8] == [answered[0].values, answered[1].values["code"]]


class Loader(Equipment):
    """A host that is asked commands, too."""

    framing = Delimited(b"\n")
    codec = JsonRpc()

    @command()
    async def free(self, place: int) -> bool:
        """Return True if a place is free."""
        raise NotImplementedError

    @event()
    def moved(self, place: int) -> None:
        """A part was moved."""


class AskingCamera(RpcCamera):
    async def locate(self, job: int) -> float:
        return 1.0 if await caller(Loader).free(job) else 0.0


def test_a_session_on_which_both_sides_ask_reports_both(log: Messages) -> None:
    at = wire(AskingCamera(), log, calls=Loader)
    at.receive(request(3, 1))
    at.clock.advance(0.25)
    at.receive('{"jsonrpc":"2.0","method":"moved","params":{"place":4}}')
    at.receive('{"jsonrpc":"2.0","result":true,"id":1}')
    assert [
        ("got", "command", "locate", {"job": 3}, None),
        ("sent", "command", "free", {"place": 3}, None),
        ("got", "event", "moved", {"place": 4}, None),
        ("got", "reply", "free", {"result": True}, 0.25),
        ("sent", "reply", "locate", {"result": 1.0}, 0.25),
    ] == [facts(each) for each in log.messages]
    assert ["free", "locate"] == [each.answers.name for each in log.messages if each.answers]


def facts(message: ObservedMessage) -> tuple[Any, ...]:
    direction = "sent" if message.sent else "got"
    return direction, message.kind.value, message.name, dict(message.values), message.seconds


class Client(Protocol):
    """A host that sends bytes."""

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


class PatientCamera(Camera):
    """The same camera for a host that a busy machine may stop for seconds."""

    @command("TRG,{job}", reply="OK,{x:.1f}", timeout=DEADLINE)
    async def locate(self, job: int) -> float:
        """Locate the part."""
        raise NotImplementedError


class RealSocketTests(TestCase):
    """Observers of sessions on sockets of this machine."""

    def serve(self, observers: Iterable[SessionObserver]) -> int:
        service: Any = serve(
            MyCamera(), at="tcp:0:interface=127.0.0.1", reactor=reactor, observers=observers
        )
        service.startService()
        self.addCleanup(service.stopService)
        port: int = service.ports[0].getHost().port
        return port

    async def test_frames_and_messages_are_reported_in_their_order(self) -> None:
        log = Log()
        port = self.serve([log])
        quiet = evolve(PROFILES["fleet"], heartbeats=None)
        camera = remote(PatientCamera, at=f"tcp:127.0.0.1:{port}", policy=quiet)
        self.addCleanup(link_of(camera).stopService)
        began = reactor.seconds()
        assert 4.5 == await camera.locate(3)
        with pytest.raises(Fault):
            await camera.locate(8)
        took = reactor.seconds() - began
        assert [
            "< TRG,3",
            "got 'TRG,3' command locate(job=3)",
            "> OK,4.5",
            "< TRG,8",
            "got 'TRG,8' command locate(job=8)",
            "> NG,8,dark",
        ] == [line for line in log.lines if " after " not in line]
        reply, fault = [each for each in log.messages if each.sent and each.name == "locate"]
        assert (MessageKind.REPLY, {"result": 4.5}) == (reply.kind, reply.values)
        assert (MessageKind.FAULT, 8) == (fault.kind, fault.values["code"])
        for each in (reply, fault):
            assert each.seconds is not None
            assert 0.0 <= each.seconds <= took

    async def test_each_frame_of_a_chunk_is_reported_once(self) -> None:
        log = Messages()
        factory: Any = Factory.forProtocol(Client)
        factory.noisy = False
        port = self.serve([log])
        client: Any = await clientFromString(reactor, f"tcp:127.0.0.1:{port}").connect(factory)
        client.transport.write(b"".join(b"TRG,%d\n" % job for job in range(5)))
        await until(lambda: 5 == client.received.count(b"\n"))
        client.transport.loseConnection()
        assert [each for job in range(5) for each in (f"TRG,{job}", f"OK,{job * 1.5:.1f}")] == [
            each.frame.decode() for each in log.messages
        ]
