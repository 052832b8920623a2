"""Real equipment does more than answer a line with a line: logins, counted lines, heartbeats."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from tcpcomm import BadReply, Equipment, Fault, Login, command, event, link_of
from tcpcomm.codec import Acknowledged, CountedLines, OneOf, Template, Until
from tcpcomm.framing import Delimited
from tcpcomm.link.policy import PROFILES
from tests.equipment.declared import PORT, QUIET, Bench
from tests.link.wired import Peer

LAN = PROFILES["lan"]


class Inspector(Equipment):
    """KEYENCE's CV-X, in its non-procedural mode."""

    framing = Delimited(b"\r")
    codec = Template(fault="ER,{command},{code:02d}")

    @command("TA", reply=Acknowledged("TA", "{result:.3f}"), timeout=2.0)
    async def trigger(self) -> float:
        """Take a picture; its result comes on a line of its own."""
        raise NotImplementedError

    @command("RM", reply="RM,{mode:d}")
    def mode(self) -> int:
        """Return 1 in run mode, 0 in setup mode."""
        raise NotImplementedError


class MyInspector(Inspector):
    def __init__(self) -> None:
        self.measured: Deferred[float] = Deferred()

    async def trigger(self) -> float:
        return await self.measured

    def mode(self) -> int:
        raise Fault(22)


class Vision(Equipment):
    """Cognex's In-Sight: a status line, then the value."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="-{code:d}")

    @command("GV A3", reply=("1", "{value:.3f}"))
    def value(self) -> float:
        """Return the value of a cell."""
        raise NotImplementedError


class Scale(Equipment):
    """METTLER TOLEDO's MT-SICS."""

    framing = Delimited(b"\r\n")
    codec = Template(fault=("ES", "ET", "EL"))

    @command(
        "SI",
        reply=OneOf("S S {grams:10.2f} g", "S D {grams:10.2f} g"),
        faults={"S I": "I", "S +": "+", "S -": "-"},
    )
    def weigh(self) -> float:
        """Return the weight in g."""
        raise NotImplementedError


@frozen
class Setting:
    """A setting of a motion controller."""

    number: str
    value: str


class Grbl(Equipment):
    """A motion controller with grbl."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="error:{code:d}")

    @command("$$", reply=Until("ok", "${number}={value}"))
    def settings(self) -> list[Setting]:
        """Return all settings."""
        raise NotImplementedError

    @event("<{text}>")
    def status(self, text: str) -> None:
        """It tells its state."""


class Star(Equipment):
    """A liquid handler with ids in its texts."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="{command}{id:04d}er{code:02d}/{reason:<2}", ok=0, id="id")

    @command("C0ASid{id:04d}", reply="C0ASid{id:04d}er00/00")
    def park(self) -> None:
        """Park the arm."""
        raise NotImplementedError

    @command("C0RFid{id:04d}", reply="C0RFid{id:04d}er00/00rf{version}")
    def version(self) -> str:
        """Return the version."""
        raise NotImplementedError


class Box(Equipment):
    """A terminal box whose replies repeat the number of the channel."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="E{code:d}")

    @command("GET {channel}", reply="{channel}={value:.1f}")
    def get(self, channel: int) -> float:
        """Return the value of a channel."""
        raise NotImplementedError


class Foreign(Factory):
    """Another program at the camera, which sends one text and then nothing."""

    noisy = False

    def __init__(self, greeting: bytes) -> None:
        self.greeting = greeting

    def buildProtocol(self, addr: Any) -> Any:
        greeting = self.greeting

        class Greeting(Peer):
            def connectionMade(self) -> None:
                self.say(greeting)

            def dataReceived(self, data: bytes) -> None:
                pass

        return Greeting()


class Answering(Factory):
    """Another program at the equipment, which answers each command with the next of its texts."""

    noisy = False

    def __init__(self, *answers: bytes) -> None:
        self.answers = iter(answers)
        self.connections = 0

    def buildProtocol(self, addr: Any) -> Any:
        answers = self.answers
        self.connections += 1

        class Saying(Peer):
            def connectionMade(self) -> None:
                pass

            def dataReceived(self, data: bytes) -> None:
                self.write(next(answers))

        return Saying()


class Robot(Factory):
    """A robot's program that sends bytes and keeps the received bytes."""

    noisy = False

    def __init__(self) -> None:
        self.received = b""
        self.transport: Any = None

    def buildProtocol(self, addr: Any) -> Any:
        robot = self

        class Keeping(Peer):
            def connectionMade(self) -> None:
                robot.transport = self.transport

            def dataReceived(self, data: bytes) -> None:
                robot.received += data

        return Keeping()


def plain_robot(bench: Bench) -> Robot:
    robot = Robot()
    bench.robot.connecting(bench.camera, PORT).connect(robot)
    bench.until(lambda: robot.transport is not None)
    return robot


def test_an_acknowledgement_is_sent_at_once_and_the_result_later(bench: Bench) -> None:
    camera = MyInspector()
    bench.serve(camera)
    robot = plain_robot(bench)
    robot.transport.write(b"TA\r")
    bench.network.advance(0.5)
    assert b"TA\r" == robot.received
    camera.measured.callback(12.5)
    bench.network.advance(0.5)
    assert b"TA\r12.500\r" == robot.received


def test_a_host_waits_for_the_result_after_the_acknowledgement(bench: Bench) -> None:
    camera = MyInspector()
    bench.serve(camera)
    asked = bench.remote(Inspector).trigger()
    bench.network.advance(0.5)
    camera.measured.callback(12.5)
    assert 12.5 == bench.result(asked)


def test_a_command_that_fails_sends_no_line_of_its_reply(bench: Bench) -> None:
    """A client that reads a status line and a value must not take the fault for the value."""

    class Mine(Vision):
        def value(self) -> float:
            raise Fault(2)

    bench.serve(Mine())
    robot = plain_robot(bench)
    robot.transport.write(b"GV A3\r\nGV A3\r\n")
    bench.network.advance(0.5)
    assert b"-2\r\n-2\r\n" == robot.received


def test_a_command_that_succeeds_sends_all_lines_of_its_reply(bench: Bench) -> None:
    class Mine(Vision):
        def value(self) -> float:
            return 12.5

    bench.serve(Mine())
    robot = plain_robot(bench)
    robot.transport.write(b"GV A3\r\n")
    bench.network.advance(0.5)
    assert b"1\r\n12.500\r\n" == robot.received
    assert 12.5 == bench.result(bench.remote(Vision).value())


def test_an_acknowledged_command_that_fails_sends_its_fault_behind_the_acknowledgement(
    bench: Bench,
) -> None:
    camera = MyInspector()
    bench.serve(camera)
    robot = plain_robot(bench)
    robot.transport.write(b"TA\r")
    bench.network.advance(0.5)
    camera.measured.errback(Fault(3))
    bench.network.advance(0.5)
    assert b"TA\rER,TA,03\r" == robot.received


def test_a_scale_that_is_not_settled_is_asked_a_hundred_times_on_one_connection(bench: Bench) -> None:
    said = {100.0: b"S S     100.00 g", 2.5: b"S D       2.50 g", "I": b"S I", "+": b"S +", "ES": b"ES"}
    expected = [*said] * 20
    foreign = Answering(*(said[each] + b"\r\n" for each in expected))
    bench.camera.listening(PORT).listen(foreign)
    scale = bench.remote(Scale)
    outcomes = []
    for _ in range(100):
        found = bench.result(scale.weigh())
        outcomes.append(found.code if isinstance(found, Fault) else found)
    assert (expected, 1) == (outcomes, foreign.connections)


def test_a_scale_says_no_with_the_form_of_each_code(bench: Bench) -> None:
    outcomes = iter((100.0, Fault("I"), Fault("ES"), Fault(7)))

    class Mine(Scale):
        def weigh(self) -> float:
            outcome = next(outcomes)
            if isinstance(outcome, Fault):
                raise outcome
            return outcome

    bench.serve(Mine())
    robot = plain_robot(bench)
    robot.transport.write(b"SI\r\nSI\r\nSI\r\nSI\r\n")
    bench.network.advance(0.5)
    assert b"S S     100.00 g\r\nS I\r\nES\r\nES\r\n" == robot.received


@pytest.mark.parametrize("between", [b"", b"<Idle|MPos:0,0>\r\n"], ids=["nothing", "a status"])
def test_lines_until_ok_may_have_a_status_between_them(between: bytes, bench: Bench) -> None:
    told: list[str] = []
    said = b"$0=10\r\n" + between + b"$1=25\r\n$2=0\r\nok\r\n"
    bench.camera.listening(PORT).listen(Answering(said))
    controller = bench.remote(Grbl)
    controller.status.subscribe(lambda text: told.append(text))  # noqa: PLW0108
    settings = bench.result(controller.settings())
    assert [Setting("0", "10"), Setting("1", "25"), Setting("2", "0")] == settings
    assert len(told) == bool(between)


def test_an_error_ends_lines_until_ok(bench: Bench) -> None:
    bench.camera.listening(PORT).listen(Answering(b"$0=10\r\nerror:8\r\n"))
    fault = bench.result(bench.remote(Grbl).settings())
    assert (Fault, 8) == (type(fault), fault.code)


def test_a_reply_that_repeats_another_parameter_is_not_the_reply(bench: Bench) -> None:
    bench.camera.listening(PORT).listen(Answering(b"3=1.5\r\n", b"4=2.5\r\n", b"E7\r\n"))
    box = bench.remote(Box)
    assert 1.5 == bench.result(box.get(3))
    wrong = bench.result(box.get(3))
    assert isinstance(wrong, BadReply)
    assert "channel: is 4, so this is not the reply to 3" in str(wrong)
    assert 7 == bench.result(box.get(3)).code


def test_equipment_repeats_the_parameters_that_its_reply_declares(bench: Bench) -> None:
    class Mine(Box):
        def get(self, channel: int) -> float:
            return channel / 2

    bench.serve(Mine())
    assert [1.5, 2.0] == [bench.result(bench.remote(Box).get(channel)) for channel in (3, 4)]


def test_replies_with_ids_in_their_texts_come_in_any_order(bench: Bench) -> None:
    said = b"C0RFid0002er00/00rf7.6S\r\nC0ASid0003er04/06\r\nC0ASid0001er00/00\r\n"
    bench.camera.listening(PORT).listen(Answering(said, b"", b""))
    star = bench.remote(Star)
    asked = [star.park(), star.version(), star.park()]
    done, version, fault = (bench.result(each) for each in asked)
    assert (None, "7.6S") == (done, version)
    assert (4, "06") == (fault.code, fault.reason)


def test_equipment_answers_with_the_id_that_it_was_asked_with(bench: Bench) -> None:
    class Mine(Star):
        def park(self) -> None:
            raise Fault(4, "06")

        def version(self) -> str:
            return "7.6S"

    bench.serve(Mine())
    robot = plain_robot(bench)
    robot.transport.write(b"C0ASid0042\r\nC0RFid0007\r\n")
    bench.network.advance(0.5)
    assert b"C0ASid0042er04/06\r\nC0RFid0007er00/00rf7.6S\r\n" == robot.received


def test_a_fault_names_the_command_where_the_equipment_does(bench: Bench) -> None:
    bench.serve(MyInspector())
    robot = plain_robot(bench)
    robot.transport.write(b"RM\r")
    bench.until(lambda: bool(robot.received))
    assert b"ER,RM,22\r" == robot.received
    fault = bench.result(bench.remote(Inspector).mode())
    assert (Fault, 22) == (type(fault), fault.code)


class Reader(Equipment):
    """A reader that answers with a count and so many lines."""

    framing = Delimited(b"\r\n")
    codec = Template(fault="-{code:d}")

    @command("GET", reply=CountedLines("{#}", "{code}"))
    def codes(self) -> list[str]:
        """Return all codes that it sees."""
        raise NotImplementedError


@pytest.mark.parametrize("seen", [[], ["A1"], ["A1", "B2", "C3"]], ids=len)
def test_a_reply_may_be_a_count_and_so_many_lines(seen: list[str], bench: Bench) -> None:
    class Mine(Reader):
        def codes(self) -> list[str]:
            return seen

    bench.serve(Mine())
    assert seen == bench.result(bench.remote(Reader).codes())


class InSight(Equipment):
    """Cognex's In-Sight: a greeting, prompts without a line's end, then commands."""

    framing = Delimited(b"\r\n")
    gap = 0.05
    codec = Template(fault="-{code:d}")
    greeting = "Welcome to In-Sight"
    login = (
        Login("User: ", "{user}", prompt=True),
        Login("Password: ", "{password}", prompt=True),
        Login("User Logged In"),
    )

    @command("GO", reply="{status}")
    def online(self) -> Literal[0, 1]:
        """Return 1 if it is online."""
        raise NotImplementedError


class MyInSight(InSight):
    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []

    def authenticate(self, **credentials: str) -> bool:
        self.asked.append(credentials)
        return credentials["password"] == "open sesame"

    def online(self) -> Literal[0, 1]:
        return 1


GOOD = {"user": "admin", "password": "open sesame"}


def test_a_host_logs_in_on_every_connection(bench: Bench) -> None:
    camera = MyInSight()
    bench.serve(camera)
    proxy = bench.remote(InSight, credentials=GOOD)
    assert 1 == bench.result(proxy.online())
    for socket in list(bench.camera.sockets):
        socket.close(reset=True)
    bench.until(lambda: link_of(proxy).state.value != "ready")
    bench.until(lambda: link_of(proxy).state.value == "ready")
    assert 1 == bench.result(proxy.online())
    assert [GOOD, GOOD] == camera.asked


def test_what_a_login_looks_like_on_the_wire(bench: Bench) -> None:
    bench.serve(MyInSight())
    robot = plain_robot(bench)
    for answer in (b"admin\r\n", b"open sesame\r\n", b"GO\r\n"):
        bench.network.advance(0.2)
        robot.transport.write(answer)
    bench.network.advance(0.2)
    assert b"Welcome to In-Sight\r\nUser: Password: User Logged In\r\n1\r\n" == robot.received


def test_wrong_credentials_are_refused_and_not_shown(bench: Bench) -> None:
    bench.serve(MyInSight())
    proxy = bench.remote(InSight, credentials={"user": "admin", "password": "guess"})
    told: list[str] = []
    link_of(proxy).observe(lambda state, reason: told.append(reason))
    bench.until(lambda: any("login" in each or "closed" in each for each in told))
    assert [] == [each for each in told if "guess" in each]
    assert "ready" != link_of(proxy).state.value


def test_a_host_does_not_log_in_if_the_equipment_sends_another_text(bench: Bench) -> None:
    bench.camera.listening(PORT).listen(Foreign(b"BUSY"))
    proxy = bench.remote(InSight, credentials=GOOD)
    told: list[str] = []
    link_of(proxy).observe(lambda state, reason: told.append(reason))
    bench.until(lambda: any("the equipment said 'BUSY'" in each for each in told))
    assert "ready" != link_of(proxy).state.value


def test_a_host_that_does_not_log_in_gets_no_replies_and_no_events(bench: Bench) -> None:
    bench.serve(MyInSight())
    robot = plain_robot(bench)
    robot.transport.write(b"GO\r\nGO\r\nGO\r\n")
    bench.network.advance(1.0)
    assert b"1\r\n" not in robot.received


def test_equipment_without_a_heartbeat_gets_none(bench: Bench) -> None:
    bench.serve(MyInspector())
    proxy = bench.remote(Inspector, policy=LAN)
    assert QUIET.heartbeats is None
    bench.until(lambda: link_of(proxy).state.value == "ready")
    bench.network.advance(5.0)
    assert "ready" == link_of(proxy).state.value
