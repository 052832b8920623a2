"""Commands that are asked in two phases, as one command between which nothing else is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import (
    BadReply,
    ConfigurationError,
    Equipment,
    Fault,
    NotSent,
    OutcomeUnknown,
    ReplyTimeout,
    command,
    event,
    simulated,
)
from tcpcomm.codec import Template, TwoPhases
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited, Lines
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tests.codec.template.foreign import ForeignTemplates, from_hex
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench
from tests.host.test_observed import FrameRecorder


@frozen
class Place:
    x: float
    y: float


class Robot(Equipment):
    """A robot whose host control has two phases with different ends."""

    framing = Lines()
    codec = Template(encoding="ascii", fault="ERROR: {code:d}")

    @command(
        TwoPhases("HOSTCTRL_REQUEST RPOSC {#}", "OK: RPOSC", "{system},{form}", end="\r"),
        reply="{x:.3f},{y:.3f}",
        timeout=1.0,
    )
    async def position(self, system: int, form: int) -> Place:
        """Read the position."""
        raise NotImplementedError

    @command(
        TwoPhases("HOSTCTRL_REQUEST RSTATS 0", "OK: RSTATS", None, end="\r"), reply="{status}", timeout=1.0
    )
    async def status(self) -> int:
        """Read the status."""
        raise NotImplementedError

    @command(
        TwoPhases("HOSTCTRL_REQUEST {job} {#:03d}", "OK: {{}}", "{speed:.1f}", end="\r"),
        reply="0000",
        timeout=1.0,
    )
    async def start(self, job: int, speed: float) -> None:
        """Start a job."""
        raise NotImplementedError

    @command("CONNECT Robot_access", reply="OK: DX", timeout=1.0)
    async def connect(self) -> None:
        """Connect."""
        raise NotImplementedError


class MyRobot(Robot):
    """A robot that knows one coordinate system."""

    async def position(self, system: int, form: int) -> Place:
        if system:
            raise Fault(7)
        return Place(431.234, -12.5)

    async def status(self) -> int:
        return 3

    async def start(self, job: int, speed: float) -> None:
        pass

    async def connect(self) -> None:
        pass


def controller(frame: bytes) -> bytes | None:
    """Answer as the manual of the controller shows."""
    answers = {
        b"HOSTCTRL_REQUEST RPOSC 4": b"OK: RPOSC\r\n",
        b"0,0": b"431.234,-12.500\r",
        b"1,0": b"ERROR: 7\r",
        b"HOSTCTRL_REQUEST RSTATS 0": b"OK: RSTATS\r\n3\r",
        b"CONNECT Robot_access": b"OK: DX\r\n",
    }
    return answers.get(frame)


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_a_controller_is_asked_as_its_manual_says(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    at = stand(bench, Robot, controller)
    first, second, third = at.proxy.position(0, 0), at.proxy.connect(), at.proxy.position(1, 0)
    assert [Place(431.234, -12.5), None] == [bench.result(first), bench.result(second)]
    refused = bench.result(third)
    assert (Fault, 7) == (type(refused), refused.code)
    assert 3 == bench.result(at.proxy.status())
    assert (
        b"HOSTCTRL_REQUEST RPOSC 4\r\n0,0\rCONNECT Robot_access\r\n"
        b"HOSTCTRL_REQUEST RPOSC 4\r\n1,0\rHOSTCTRL_REQUEST RSTATS 0\r\n"
    ) == b"".join(at.program.chunks)
    assert [] == at.lost


@pytest.mark.parametrize("cuts", [0.0, 1.0])
def test_both_ends_speak_in_two_phases(cuts: float) -> None:
    bench = Bench(cuts=cuts)
    bench.serve(MyRobot())
    recorder = FrameRecorder()
    proxy = bench.remote(Robot, observers=[recorder])
    asked = [proxy.position(0, 0), proxy.start(12, 2.5), proxy.status(), proxy.connect()]
    assert [Place(431.234, -12.5), None, 3, None] == [bench.result(each) for each in asked]
    outcome = bench.result(proxy.position(5, 0))
    assert (Fault, 7) == (type(outcome), outcome.code)
    assert recorder.agrees()


def served(bench: Bench, *pieces: bytes) -> bytes:
    """Send pieces to the robot as a foreign host does, and return what it answers."""
    got: list[bytes] = []
    hosts: list[Any] = []

    class Host(Protocol):
        def connectionMade(self) -> None:
            hosts.append(self)

        def dataReceived(self, data: bytes) -> None:
            got.append(data)

    bench.serve(MyRobot())
    bench.robot.connecting(bench.camera, 9999).connect(Factory.forProtocol(Host))
    bench.until(lambda: bool(hosts))
    for piece in pieces:
        hosts[0].transport.write(piece)
        bench.network.advance(0.1)
    return b"".join(got)


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ([b"HOSTCTRL_REQUEST RPOSC 4\r\n", b"0,0\r"], b"OK: RPOSC\r\n431.234,-12.500\r"),
        ([b"HOSTCTRL_REQUEST RPOSC 4\r\n0,0\r"], b"OK: RPOSC\r\n431.234,-12.500\r"),
        ([b"HOSTCTRL_REQUEST RPOSC 4\r\n", b"1,0\r"], b"OK: RPOSC\r\nERROR: 7\r"),
        ([b"HOSTCTRL_REQUEST RPOSC 9\r\n", b"0,0\r"], b"OK: RPOSC\r\nERROR: 93\r"),
        ([b"HOSTCTRL_REQUEST RPOSC 4\r\n", b"CONNECT Robot_access\r\n"], b"OK: RPOSC\r\nOK: DX\r\n"),
        ([b"HOSTCTRL_REQUEST RPOSC 2\r\n", b"x\r", b"0,0\r"], b"OK: RPOSC\r\nERROR: 93\rERROR: 92\r\n"),
        ([b"HOSTCTRL_REQUEST RPOSC x\r\n"], b"ERROR: 93\r\n"),
        ([b"HOSTCTRL_REQUEST RSTATS 0\r\n"], b"OK: RSTATS\r\n3\r"),
    ],
    ids=["in turn", "at once", "refused", "size", "given up", "no data", "no size", "no second"],
)
def test_foreign_hosts_are_served(bench: Bench, pieces: list[bytes], answer: bytes) -> None:
    assert answer == served(bench, *pieces)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({}, ReplyTimeout),
        ({b"HOSTCTRL_REQUEST RPOSC 4": b"OK: RPOSC\r\n"}, ReplyTimeout),
        ({b"HOSTCTRL_REQUEST RPOSC 4": b"ERROR: 5\r\n"}, Fault),
        ({b"HOSTCTRL_REQUEST RPOSC 4": b"what?\r\n"}, BadReply),
        ({b"HOSTCTRL_REQUEST RPOSC 4": b"OK: RPOSC\r\n1.0,2.0\r"}, BadReply),
        ({b"HOSTCTRL_REQUEST RPOSC 4": b"OK: RPOSC\r\n", b"0,0": b"OK: RPOSC\r\n"}, BadReply),
        ({b"HOSTCTRL_REQUEST RPOSC 4": b"OK: RPOSC\r\n", b"0,0": b"1.000,2.000\r3\r"}, OutcomeUnknown),
    ],
    ids=["silent", "silent then", "refused", "nonsense", "too early", "again", "too much"],
)
def test_a_command_that_goes_wrong_in_a_phase_confuses_no_other(
    bench: Bench, answers: dict[bytes, bytes], outcome: Any
) -> None:
    at = stand(bench, Robot, answers.get)
    first, second = at.proxy.position(0, 0), at.proxy.connect()
    found = bench.result(first)
    assert outcome is type(found)
    ends = outcome is not Fault
    assert (NotSent if ends else ReplyTimeout) is type(bench.result(second))
    assert (b"0,0" in at.program.received) is (b"OK: RPOSC\r\n" in answers.values())


def test_each_phase_has_the_timeout_and_the_error_says_which_one_is_silent(bench: Bench) -> None:
    at = stand(bench, Robot, lambda frame: None)
    asked = at.proxy.position(0, 0)
    bench.network.clock.callLater(0.8, at.program.write, b"OK: RPOSC\r\n")
    outcome = bench.result(asked)
    assert "no reply within 1 s after the answer to its first request" == str(outcome)


def test_it_passes_the_checks_of_all_equipment() -> None:
    check_equipment(Robot, max_examples=10)


def test_it_can_be_simulated(bench: Bench) -> None:
    bench.serve(simulated(Robot, reactor=bench.camera.clock))
    proxy = bench.remote(Robot)
    assert type(bench.result(proxy.position(0, 0))) is Place


def test_the_manual_shows_both_phases() -> None:
    facts = facts_of(declaration_of(Robot))
    position, status, *_ = facts["commands"]
    assert ["OK: RPOSC", "{system},{form}\\r (from the host)", "{x:.3f},{y:.3f}\\r"] == position["replies"]
    example = position["example"]
    said = [(each["from"], each["text"]) for each in example["messages"]]
    assert ["host", "equipment", "host", "equipment"] == [sender for sender, _ in said]
    system, form = example["values"]["system"], example["values"]["form"]
    assert (f"{system},{form}\\r", "OK: RPOSC\\r\\n") == (said[2][1], said[1][1])
    assert ["OK: RSTATS (before the command is carried out)", "{status}\\r"] == status["replies"]
    assert facts["from_host"]["notation"] == "lines"


def test_the_json_of_the_manual_is_enough_to_write_both_requests() -> None:
    facts = json.loads(json.dumps(facts_of(declaration_of(Robot))))
    position, status, *_ = facts["commands"]
    foreign = ForeignTemplates(position["layout"], facts["rules"], None)
    first, opened, second = foreign.two_requests(position["example"]["values"])
    (reply,) = foreign.reply({}, {"": "Place", **position["example"]["result"]}, 0)
    end = from_hex(position["layout"]["end"])
    sent = [from_hex(each["hex"]) for each in position["example"]["messages"]]
    assert [first + b"\r\n", opened + b"\r\n", second, reply + end] == sent
    assert "0D" == status["layout"]["end"]


@pytest.mark.parametrize(
    ("wire", "options", "reason"),
    [
        (TwoPhases("A {#}", "OK", "{x}"), {"pipeline": 2}, r"R\.go: with pipeline = 2 another command"),
        (TwoPhases("A {#}", "OK", "B"), {}, r"R\.go: the parameter 'x' is not in 'B': add \{x\}"),
        (TwoPhases("A {x}", "OK", "{x}"), {}, r"R\.go: '\{x\}' has the field \{x\}, which is not declared"),
        (TwoPhases("A {#}", "{y}", "{x}"), {}, r"R\.go: the reply has the field \{y\}"),
    ],
)
def test_phases_that_could_be_confused_are_refused(wire: Any, options: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{reason}"):

        class R(Equipment):
            framing = Lines()
            pipeline = options.get("pipeline")

            @command(wire, reply="OK")
            async def go(self, x: int) -> None:
                raise NotImplementedError


def test_an_end_that_the_framing_cannot_read_is_told_before_anything_is_sent(bench: Bench) -> None:
    class Odd(Robot):
        framing = Delimited(b"\r\n")  # type: ignore[assignment]

    at = stand(bench, Odd, controller)
    assert "the framing does not read b'0,0\\r' as one frame" in str(bench.result(at.proxy.position(0, 0)))
    assert [] == at.program.received


def test_a_second_answer_that_can_be_an_event_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^R\.go: its reply '\{x\},\{y\}' and the event R\.moved"):

        class R(Equipment):
            framing = Lines()

            @command(TwoPhases("A {#}", "OK", "{system}", end="\r"), reply="{x},{y}")
            async def go(self, system: int) -> Place:
                raise NotImplementedError

            @event("{x},{y}")
            def moved(self, x: float, y: float) -> None:
                """It has moved."""
