"""A host moves a robot of FANUC: instructions end in their time, and commands are answered meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tcpcomm import (
    CodecError,
    Fault,
    NotReady,
    NotSent,
    OutcomeUnknown,
    ReplyTimeout,
    declaration_of,
    link_of,
    port_from,
)
from tcpcomm.codec import Request
from tcpcomm.devices.fanuc import (
    Configuration,
    Controller,
    ErrorId,
    Frame,
    JointAngles,
    Motion,
    Position,
    Rmi,
    Startup,
    Status,
)
from tcpcomm.devices.fanuc.values import CartesianPosition, Connected, ErrorText, ToolFrame
from tcpcomm.link.policy import PROFILES
from tcpcomm.testing import check_equipment
from tests.equipment.declared import PORT, Bench
from tests.equipment.test_forms import plain_robot

HOME = Position(X=500.0, Z=400.0, R=180.0)


class Cell(Controller):
    """A controller whose motions take as long as the test says."""

    def __init__(self) -> None:
        super().__init__(PORT)
        self.moves: list[Any] = []
        self.arrivals: list[Deferred[None]] = []
        self.takes_time = False

    async def on_motion(self, target: Position | JointAngles) -> None:
        self.moves.append(target)
        if isinstance(target, Position) and target.X > 2000:
            raise Fault(ErrorId.INVALID_DESTINATION_POSITION)
        if self.takes_time:
            arrived: Deferred[None] = Deferred()
            self.arrivals.append(arrived)
            await arrived

    def arrive(self) -> None:
        self.arrivals.pop(0).callback(None)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def cell(bench: Bench) -> Cell:
    made = Cell()
    bench.serve(made)
    return made


@pytest.fixture
def robot(bench: Bench, cell: Cell) -> Rmi:
    return bench.remote(Rmi)


@pytest.fixture
def motion(bench: Bench, robot: Rmi) -> Motion:
    made = robot.motion()
    assert None is bench.result(made.start())
    return made


def begun(asked: Any) -> list[Any]:
    """Begin a call. Return a list that will hold its outcome."""
    outcome: list[Any] = []
    Deferred.fromCoroutine(asked).addBoth(
        lambda result: outcome.append(getattr(result, "value", result))
    )
    return outcome


PLACE = {"X": 6.022, "Y": -35.69, "Z": 26.048, "W": 0.002, "P": 0.002, "R": 179.999}
AXES = {"Ext1": 0.0, "Ext2": 0.0, "Ext3": 0.0}
ARM = {"UToolNumber": 4, "UFrameNumber": 3, "Front": 1, "Up": 1, "Left": 0, "Flip": 1}
TURNS = {"Turn4": 0, "Turn5": 0, "Turn6": 0}

# The packets of the operator's manual B-84184EN, in both directions.
GOLDEN: list[tuple[str, dict[str, Any], dict[str, Any], Any, dict[str, Any]]] = [
    (
        "connect",
        {},
        {"Communication": "FRC_Connect"},
        Connected(16002, 5, 1),
        {
            "Communication": "FRC_Connect", "ErrorID": 0,
            "PortNumber": 16002, "MajorVersion": 5, "MinorVersion": 1,
        },
    ),
    ("initialize", {}, {"Command": "FRC_Initialize"}, None, {"Command": "FRC_Initialize", "ErrorID": 0}),
    (
        "get_status",
        {},
        {"Command": "FRC_GetStatus"},
        Status(1, 1, 0, 0, 0, 10, 9, 1, 100),
        {
            "Command": "FRC_GetStatus", "ErrorID": 0, "ServoReady": 1, "TPMode": 1, "RMIMotionStatus": 0,
            "ProgramStatus": 0, "SingleStepMode": 0, "NumberUTool": 10, "NumberUFrame": 9,
            "NextSequenceID": 1, "Override": 100,
        },
    ),
    (
        "read_cartesian_position",
        {},
        {"Command": "FRC_ReadCartesianPosition"},
        CartesianPosition(Configuration(**ARM), Position(**PLACE), 441803),
        {
            "Command": "FRC_ReadCartesianPosition", "ErrorID": 0, "Configuration": ARM | TURNS,
            "Position": PLACE | AXES, "TimeTag": 441803,
        },
    ),
    (
        "set_override",
        {"Value": 50},
        {"Command": "FRC_SetOverRide", "Value": 50},
        None,
        {"Command": "FRC_SetOverRide", "ErrorID": 0},
    ),
    (
        "linear_motion",
        {
            "SequenceID": 1, "Configuration": Configuration(**ARM), "Position": Position(**PLACE),
            "SpeedType": "mmSec", "Speed": 100, "TermType": "FINE", "TermValue": 100,
        },
        {
            "Instruction": "FRC_LinearMotion", "SequenceID": 1, "Configuration": ARM | TURNS,
            "Position": PLACE | AXES, "SpeedType": "mmSec", "Speed": 100, "TermType": "FINE",
            "TermValue": 100,
        },
        None,
        {"Instruction": "FRC_LinearMotion", "SequenceID": 1, "ErrorID": 0},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "sent", "result", "answered"), GOLDEN, ids=[each[0] for each in GOLDEN]
)
def test_packets_look_as_in_the_manual_in_both_directions(
    name: str, values: dict[str, Any], sent: dict[str, Any], result: Any, answered: dict[str, Any]
) -> None:
    dialect = declaration_of(Rmi).dialect
    frame = dialect.request(name, values, values.get("SequenceID", 1))
    assert sent == json.loads(frame)
    asked = dialect.read_at_equipment(json.dumps(sent).encode()).requests[0]
    assert isinstance(asked, Request)
    assert (name, values) == (asked.name, dict(asked.values))
    (reply,) = dialect.reply(asked, result)
    assert answered == json.loads(reply)
    (answer,) = dialect.read_at_host(json.dumps(answered).encode())
    reader = dialect.reply_reader(name)
    assert reader is not None
    assert result == reader.take(answer.body)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "answered", "result"),
    [
        (
            "get_status",
            '{"Command":"FRC_GetStatus","ErrorID":0,"ServoReady":1,"TPMode":0,"RMIMotionStatus":0,'
            '"ProgramStatus":0,"SingleStepMode":0,"NumberUTool":10,"NumberUFrame":9,"Override":10,'
            '"UI[2]":1,"UI[8]":1}',
            Status(1, 0, 0, 0, Override=10),
        ),
        (
            "read_utool_data",
            '{"Command":"FRC_ReadUToolData","ErrorID":0,"ToolNumber":2,"Frame":{"X":1.0},'
            '"Configuration":{"UToolNumber":2},"Group":1}',
            ToolFrame(Frame(X=1.0)),
        ),
        (
            "read_error",
            '{"Command":"FRC_ReadError","ErrorID":0,"Count":2,"ErrorData":"SRVO-001","ErrorData2":"x"}',
            ErrorText("SRVO-001", 2),
        ),
    ],
)
def test_newer_controllers_may_tell_more(name: str, answered: str, result: Any) -> None:
    """The keys are those of B-84184EN/03 and of a controller with RMI 9.0."""
    dialect = declaration_of(Rmi).dialect
    (answer,) = dialect.read_at_host(answered.encode())
    assert result == dialect.reply_reader(name).take(answer.body)  # type: ignore[union-attr]


def test_the_mode_of_the_teach_pendant_is_0_when_it_is_disabled(
    bench: Bench, cell: Cell, robot: Rmi
) -> None:
    assert 0 == bench.result(robot.get_status()).TPMode
    cell.auto = False
    assert 1 == bench.result(robot.get_status()).TPMode


def test_the_declaration_is_sound() -> None:
    check_equipment(Startup, max_examples=2)
    check_equipment(Rmi, max_examples=1)


@given(st.floats(-3000, 3000), st.integers(1, 2**31 - 1))
def test_positions_arrive_as_they_were_sent(x: float, number: int) -> None:
    dialect = declaration_of(Rmi).dialect
    values = {
        "SequenceID": number, "Configuration": Configuration(), "Position": Position(X=x),
        "SpeedType": "mmSec", "Speed": 1, "TermType": "CNT", "TermValue": 0,
    }  # fmt: skip
    asked = dialect.read_at_equipment(dialect.request("linear_motion", values, number)).requests[0]
    assert isinstance(asked, Request)
    assert (number, values) == (asked.id, dict(asked.values))


def test_the_startup_port_names_the_port_for_all_else(bench: Bench, cell: Cell) -> None:
    asked = port_from(
        bench.robot.connecting(bench.camera, PORT),
        Startup,
        Startup.port,
        then=lambda port: bench.robot.connecting(bench.camera, port),
        reactor=bench.robot.clock,
    )
    robot = bench.remote(Rmi, at=asked)
    assert 1 == bench.result(robot.get_status()).ServoReady
    cell.is_connected = True
    assert ErrorId.ROBOT_IS_ALREADY_CONNECTED == bench.result(bench.remote(Startup).port()).code


def test_a_run_moves_the_robot(bench: Bench, cell: Cell, robot: Rmi, motion: Motion) -> None:
    angles = JointAngles(J1=10.0, J5=90.0)
    bench.result(motion.linear(HOME, 100))
    bench.result(motion.linear(Position(Z=-50.0), 20, relative=True))
    bench.result(motion.joint(angles, 20))
    bench.result(motion.joint(JointAngles(J1=5.0), 20, relative=True))
    bench.result(motion.joint(HOME, 20, term_type="CNT"))
    bench.result(motion.joint(Position(X=1.0), 20, relative=True))
    bench.result(motion.circular(HOME, Position(Y=7.0), 50))
    assert [HOME, Position(500, 0, 350, 0, 0, 180), angles, JointAngles(J1=15.0, J5=90.0)] == cell.moves[:4]
    assert Position(Y=7.0) == bench.result(robot.read_cartesian_position()).Position
    assert 15.0 == bench.result(robot.read_joint_angles()).JointAngle.J1
    assert 8 == bench.result(robot.get_status()).NextSequenceID


def test_instructions_other_than_motions_take_their_turn(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    bench.result(motion.use(frame=3, tool=2))
    assert (3, 2) == (cell.frame, cell.tool)
    waiting, called = begun(motion.wait_for_input(7)), begun(motion.call("PICK"))
    bench.network.advance(1.0)
    assert ([], [], []) == (waiting, called, [*cell.programs])
    cell.set_input(7, True)
    bench.until(lambda: bool(called))
    assert ([None], [None], ["PICK"]) == (waiting, called, [*cell.programs])
    assert None is bench.result(motion.wait(0.5))


def test_commands_are_answered_while_the_robot_moves(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    cell.takes_time = True
    first, second = begun(motion.linear(HOME, 100)), begun(motion.linear(Position(), 100))
    assert 1 == bench.result(robot.get_status()).RMIMotionStatus
    bench.result(robot.set_override(30))
    assert ([], [], 30, [HOME]) == (first, second, cell.override, cell.moves)
    cell.arrive()
    bench.until(lambda: bool(first))
    cell.arrive()
    bench.until(lambda: bool(second))
    assert ([None], [None]) == (first, second)


def test_a_pause_holds_what_has_not_begun(bench: Bench, cell: Cell, robot: Rmi, motion: Motion) -> None:
    bench.result(robot.pause())
    outcome = begun(motion.linear(HOME, 100))
    bench.network.advance(5.0)
    assert ([], []) == (outcome, cell.moves)
    bench.result(robot.continue_())
    bench.until(lambda: bool(outcome))
    assert ([None], [HOME]) == (outcome, cell.moves)


def test_no_more_than_eight_instructions_are_under_way(bench: Bench, cell: Cell, motion: Motion) -> None:
    cell.takes_time = True
    outcomes = [begun(motion.linear(Position(X=float(x)), 100)) for x in range(10)]
    bench.network.advance(1.0)
    assert 9 == cell.next_sequence
    for outcome in outcomes:
        cell.arrive()
        bench.until(lambda outcome=outcome: bool(outcome))  # type: ignore[misc]
    assert 11 == cell.next_sequence


def test_an_instruction_has_ten_minutes(bench: Bench, cell: Cell, motion: Motion) -> None:
    cell.takes_time = True
    outcome = begun(motion.linear(HOME, 100))
    bench.network.advance(599.0)
    assert [] == outcome
    bench.network.advance(2.0)
    assert [ReplyTimeout] == [type(each) for each in outcome]


def test_a_controller_may_take_a_minute_to_abort(bench: Bench) -> None:
    class Slow(Cell):
        async def abort(self) -> None:
            await deferLater(bench.network.clock, 50.0)
            await super().abort()

    bench.serve(Slow())
    robot = bench.remote(Rmi, policy=PROFILES["lan"])
    bench.result(robot.initialize())
    assert None is bench.result(robot.abort(), 59.0)


def test_an_abort_ends_the_calls_that_wait(bench: Bench, cell: Cell, robot: Rmi, motion: Motion) -> None:
    cell.takes_time = True
    outcomes = [begun(motion.linear(HOME, 100)) for _ in range(2)]
    bench.network.advance(0.5)
    assert None is bench.result(motion.abort())
    assert ["instruction 1 was aborted before it was done"] == [str(each) for each in outcomes[0]]
    assert isinstance(outcomes[1][0], OutcomeUnknown)
    cell.arrive()
    cell.takes_time = False
    assert None is bench.result(motion.start())
    assert None is bench.result(motion.linear(Position(Y=1.0), 100))
    assert [HOME, Position(Y=1.0)] == cell.moves


def test_instructions_that_wait_are_not_sent_in_a_later_run(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    cell.takes_time = True
    outcomes = [begun(motion.linear(Position(X=float(x)), 100)) for x in range(40)]
    bench.network.advance(0.5)
    bench.result(motion.abort())
    cell.takes_time = False
    cell.arrive()
    assert None is bench.result(motion.start())
    bench.network.advance(5.0)
    assert [OutcomeUnknown] * 8 + [NotSent] * 32 == [type(each) for (each,) in outcomes]
    assert "the run ended before this instruction was sent" in str(outcomes[8][0])
    assert None is bench.result(motion.linear(HOME, 100))
    assert [Position(), HOME] == cell.moves


def test_a_new_run_ends_the_calls_of_the_run_before(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    cell.takes_time = True
    outcomes = [begun(motion.linear(HOME, 100)) for _ in range(3)]
    bench.network.advance(0.5)
    cell.fail("SRVO-001 Operator panel E-stop")
    assert None is bench.result(motion.start())
    assert [OutcomeUnknown] * 3 == [type(each) for (each,) in outcomes]
    cell.arrive()
    cell.takes_time = False
    assert [None] * 3 == [bench.result(motion.linear(Position(Y=1.0), 100)) for _ in range(3)]


def test_an_abort_ends_the_calls_that_wait_if_the_program_was_aborted_before(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    cell.takes_time = True
    outcome = begun(motion.linear(HOME, 100))
    bench.network.advance(0.5)
    bench.result(robot.abort())
    assert ErrorId.RMI_IS_NOT_RUNNING == bench.result(motion.abort()).code
    assert [OutcomeUnknown] == [type(each) for each in outcome]


def test_the_run_goes_on_when_another_session_ends(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    cell.takes_time = True
    outcome = begun(motion.linear(HOME, 100))
    other = plain_robot(bench)
    other.transport.write(b'{"Command": "FRC_GetStatus"}\r\n')
    bench.network.advance(0.5)
    other.transport.loseConnection()
    bench.network.advance(0.5)
    assert cell.is_running
    cell.arrive()
    bench.until(lambda: bool(outcome))
    assert [None] == outcome


def test_each_error_id_is_told_in_words(bench: Bench, cell: Cell, robot: Rmi) -> None:
    motion = robot.motion()
    for asked, words in (
        (robot.abort(), "2556937: rmi is not running"),
        (motion.linear(HOME, 100), "2556937: rmi is not running"),
        (robot.continue_(), "2556938: tp program is not paused"),
        (robot.set_uframe_utool(12, 1), "2556931: invalid uframe number"),
        (robot.write_utool_data(0, Frame()), "2556930: invalid utool number"),
    ):
        fault = bench.result(asked)
        assert isinstance(fault, Fault)
        assert words == str(fault)
    cell.auto = False
    assert ErrorId.INVALID_CONTROLLER_STATE == bench.result(motion.start()).code


def test_a_place_that_cannot_be_reached_holds_the_robot_until_a_new_run(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    assert ErrorId.INVALID_DESTINATION_POSITION == bench.result(motion.linear(Position(X=3000.0), 9)).code
    assert ErrorId.RMI_IS_IN_HOLD_STATE == bench.result(motion.linear(HOME, 100)).code
    assert None is bench.result(motion.start())
    assert None is bench.result(motion.linear(HOME, 100))


def test_a_system_fault_is_an_event_and_its_text_can_be_read(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    told: list[int] = []

    def note(SequenceID: int) -> None:
        told.append(SequenceID)

    robot.system_fault.subscribe(note)
    cell.takes_time = True
    begun(motion.linear(HOME, 100))
    bench.network.advance(0.5)
    cell.fail("SRVO-001 Operator panel E-stop")
    bench.until(lambda: bool(told))
    assert [2] == told
    assert "SRVO-001 Operator panel E-stop" == bench.result(robot.read_error()).ErrorData
    assert 0 == bench.result(robot.get_status()).ServoReady
    assert None is bench.result(motion.start())
    assert "" == bench.result(robot.read_error()).ErrorData


def test_a_wrong_value_is_refused_before_anything_is_sent(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    assert isinstance(bench.result(robot.set_override(101)), CodecError)
    assert isinstance(bench.result(motion.linear(HOME, 1.5)), CodecError)  # type: ignore[arg-type]
    assert None is bench.result(motion.linear(HOME, 100))
    assert 2 == cell.next_sequence


def test_an_id_under_way_is_not_sent_twice(bench: Bench, cell: Cell, robot: Rmi, motion: Motion) -> None:
    cell.takes_time = True
    begun(motion.linear(HOME, 100))
    bench.network.advance(0.2)
    problem = bench.result(robot.wait_time(SequenceID=1, Time=0.1))
    assert isinstance(problem, NotSent)
    assert "the id 1 is that of a command under way" in str(problem)
    assert ErrorId.INVALID_SEQUENCE_ID == bench.result(robot.wait_time(SequenceID=7, Time=0.1)).code


def test_a_pull_in_a_motion_is_told_and_the_robot_stands_until_a_new_run(
    bench: Bench, cell: Cell, robot: Rmi, motion: Motion
) -> None:
    cell.takes_time = True
    outcome = begun(motion.linear(HOME, 100))
    bench.network.advance(0.5)
    bench.camera.reset()
    bench.until(lambda: bool(outcome))
    assert isinstance(outcome[0], OutcomeUnknown)
    assert not isinstance(outcome[0], NotReady)
    bench.until(lambda: link_of(robot).state.value == "ready")
    assert ErrorId.RMI_IS_NOT_RUNNING == bench.result(motion.linear(Position(), 100)).code
    assert [HOME] == cell.moves


def test_a_pulled_cable_is_noticed_in_the_middle_of_a_motion(bench: Bench, cell: Cell) -> None:
    robot = bench.remote(Rmi, policy=PROFILES["lan"])
    motion = robot.motion()
    bench.result(motion.start())
    cell.takes_time = True
    outcome = begun(motion.linear(HOME, 100))
    bench.network.advance(60.0)
    assert [] == outcome
    bench.camera.pull()
    bench.until(lambda: bool(outcome), within=5.0)
    assert isinstance(outcome[0], OutcomeUnknown)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b'{"Command": "FRC_Foo"}', ErrorId.INVALID_RMI_COMMAND),
        (b'{"Command": "FRC_SetOverRide", "Value": "x"}', ErrorId.INVALID_VALUE),
        (b"{", ErrorId.INVALID_RMI_COMMAND),
        (b"[]", ErrorId.INVALID_RMI_COMMAND),
    ],
    ids=["unknown", "wrong value", "no JSON", "no object"],
)
def test_bad_packets_are_answered_with_an_error_id(
    bench: Bench, cell: Cell, sent: bytes, code: int
) -> None:
    host = plain_robot(bench)
    host.transport.write(sent + b'\r\n{"Command": "FRC_GetUFrameUTool", "Group": 1}\r\n')
    bench.network.advance(0.5)
    answers = [json.loads(line) for line in bytes(host.received).splitlines()]
    assert [code, 0] == [each["ErrorID"] for each in answers]
