"""Both ends of a declaration, on a simulated network: what is asked, answered, refused and told."""

from __future__ import annotations

from typing import Any, cast

import pytest
from attrs import frozen
from twisted.internet.defer import Deferred

from tcpcomm import (
    CodecError,
    ConfigurationError,
    Equipment,
    Fault,
    NoReply,
    NotReady,
    OutcomeUnknown,
    ReplyTimeout,
    caller,
    command,
    current_session,
    event,
    link_of,
    per_session,
    raw,
)
from tcpcomm.codec import ID, OPCODE, U16, Binary, Json, JsonRpc, Length, Template
from tcpcomm.framing import LengthPrefixed
from tcpcomm.link.states import LinkState
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.testing import RecordingObserver
from tests.equipment.declared import (
    KINDS,
    NO_PART,
    Bench,
    Lamp,
    MyCamera,
    MyRpcCamera,
    Position,
    RpcCamera,
    Scripted,
    VisionCamera,
    raises,
)


@KINDS
def test_a_command_is_carried_out_and_its_result_comes_back(kind: Any, mine: Any, bench: Bench) -> None:
    camera = mine()
    bench.serve(camera)
    position = bench.result(bench.remote(kind).locate(job=3))
    assert (Position(1.0, 2.0, 3.0), [3]) == (position, camera.done)


@KINDS
def test_a_handler_may_wait(kind: Any, mine: Any, bench: Bench) -> None:
    camera = mine()
    exposure: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: exposure
    bench.serve(camera)
    asked = bench.remote(kind).locate(1)
    bench.until(lambda: [1] == camera.done)
    exposure.callback(Position(4.0, 5.0, 6.0))
    assert Position(4.0, 5.0, 6.0) == bench.result(asked)


@KINDS
def test_a_fault_of_the_equipment_is_raised_at_the_host(kind: Any, mine: Any, bench: Bench) -> None:
    camera = mine()
    camera.jobs[1] = NO_PART
    bench.serve(camera)
    fault = bench.result(bench.remote(kind).locate(1))
    assert (Fault, 3, "no part") == (type(fault), fault.code, fault.reason)


@KINDS
def test_a_defect_of_a_handler_is_a_fault_and_the_session_lives_on(
    kind: Any, mine: Any, bench: Bench, logged: list[str]
) -> None:
    camera = mine()
    camera.jobs[1] = raises(KeyError("secret"))
    bench.serve(camera)
    proxy = bench.remote(kind)
    fault = bench.result(proxy.locate(1))
    assert (Fault, "the command failed") == (type(fault), fault.reason)
    assert Position(1.0, 2.0, 2.0) == bench.result(proxy.locate(2))
    assert 1 == len([logged.pop() for _ in list(logged) if "secret" in logged[-1]])


@KINDS
def test_a_result_that_cannot_be_sent_is_a_fault(
    kind: Any, mine: Any, bench: Bench, logged: list[str]
) -> None:
    camera = mine()
    camera.jobs[1] = lambda: Position(cast("float", "left"), 2.0, 3.0)
    bench.serve(camera)
    fault = bench.result(bench.remote(kind).locate(1))
    assert (Fault, "the command failed") == (type(fault), fault.reason)
    assert ["{peer}: {command} returned what cannot be sent: {error}"] == logged
    logged.clear()


@KINDS
def test_an_argument_of_the_wrong_type_is_refused_before_anything_is_sent(
    kind: Any, mine: Any, bench: Bench
) -> None:
    camera = mine()
    bench.serve(camera)
    error = bench.result(bench.remote(kind).locate(job="3"))
    assert (CodecError, "job") == (type(error), error.path)
    assert [] == camera.done


def test_arguments_that_the_command_does_not_have_are_refused(bench: Bench) -> None:
    with pytest.raises(TypeError, match=r"VisionCamera\.locate: missing a required argument: 'job'"):
        bench.remote(VisionCamera).locate()  # type: ignore[call-arg, unused-coroutine]


def test_without_ids_replies_leave_in_the_order_of_their_requests(bench: Bench) -> None:
    camera = MyCamera()
    exposures: dict[int, Deferred[Position]] = {}
    for job in (1, 2):
        camera.jobs[job] = lambda job=job: exposures.setdefault(job, Deferred())  # type: ignore[misc]
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    bench.result(proxy.light(Lamp.ON))
    bench.result(raw(proxy, b"TRG,3"))
    first, second = proxy.locate(1), proxy.locate(2)
    bench.until(lambda: 1 in exposures)
    bench.network.advance(0.5)
    assert [Lamp.ON, 3, 1] == camera.done
    exposures[1].callback(Position(1.0, 0.0, 0.0))
    bench.until(lambda: 2 in exposures)
    exposures[2].callback(Position(2.0, 0.0, 0.0))
    assert [1.0, 2.0] == [bench.result(first).x, bench.result(second).x]


def test_with_ids_a_slow_command_keeps_no_other_waiting(bench: Bench) -> None:
    camera = MyRpcCamera()
    exposure: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: exposure
    bench.serve(camera)
    proxy = bench.remote(RpcCamera)
    slow = proxy.locate(1)
    assert 2.0 == bench.result(proxy.locate(2)).angle
    exposure.callback(Position(0.0, 0.0, 9.0))
    assert 9.0 == bench.result(slow).angle


def test_a_command_without_a_reply_has_succeeded_when_it_is_written(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    assert None is bench.result(proxy.reset())
    assert 3.0 == bench.result(proxy.locate(3)).angle
    assert ["reset", 3] == camera.done


def test_what_was_declared_of_no_command_is_refused_and_the_session_lives_on(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    assert bench.result(raw(proxy, b"DANCE,3")).startswith(b"NG,")
    assert bench.result(raw(proxy, b"TRG,x")).startswith(b"NG,")
    assert Position(1.0, 2.0, 3.0) == bench.result(proxy.locate(3))


def test_equipment_may_answer_itself_what_cannot_be_declared(bench: Bench) -> None:
    class Dancing(MyCamera):
        def unknown(self, frame: bytes) -> bytes | None:
            return b"I DO " + frame if frame.startswith(b"DANCE") else None

    bench.serve(Dancing())
    proxy = bench.remote(VisionCamera)
    assert b"I DO DANCE,3" == bench.result(raw(proxy, b"DANCE,3"))
    assert bench.result(raw(proxy, b"SING")).startswith(b"NG,")


def test_equipment_knows_the_session_of_what_cannot_be_declared(bench: Bench) -> None:
    class Dancing(MyCamera):
        def unknown(self, frame: bytes) -> bytes | None:
            return f"OK {current_session().peer}".encode()

    bench.serve(Dancing())
    proxy = bench.remote(VisionCamera)
    assert bench.result(raw(proxy, b"DANCE,3")).startswith(b"OK 10.0.0.")


def test_equipment_may_say_nothing_to_what_is_not_for_it(bench: Bench) -> None:
    """As a Modbus device is silent if a request is for another unit: no fault, and the session lives on."""

    class Drive(Equipment):
        framing = LengthPrefixed(2, offset=4, strip=0)
        codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x01", OPCODE))

        @command(3)
        def read(self, start: U16) -> U16:
            if start == 9:
                raise NoReply
            return start

    seen = []

    class MyDrive(Drive):
        def unknown(self, frame: bytes) -> bytes | None:
            seen.append(frame)
            if frame[6] != 1:
                raise NoReply
            return None

    class OtherUnit(Drive):
        codec = Binary(id=U16, head=(ID, b"\0\0", Length(U16), b"\x02", OPCODE))

    bench.serve(MyDrive())
    assert ReplyTimeout is type(bench.result(bench.remote(OtherUnit).read(5)))
    assert [bytes.fromhex("0001 0000 0004 02 03 0005")] == seen
    drive = bench.remote(Drive)
    assert ReplyTimeout is type(bench.result(drive.read(9)))
    assert 5 == bench.result(drive.read(5))


def test_a_raw_frame_is_refused_where_its_reply_could_not_be_found(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="replies carry ids here"):
        raw(bench.remote(RpcCamera), b"{}")


def test_a_late_reply_answers_nobody(bench: Bench) -> None:
    camera = MyCamera()
    exposure: Deferred[Position] = Deferred()
    camera.jobs[1] = lambda: exposure
    bench.serve(camera)
    proxy = bench.remote(VisionCamera)
    assert ReplyTimeout is type(bench.result(proxy.locate(1)))
    assert NotReady is type(bench.result(proxy.locate(2)))
    bench.until(lambda: link_of(proxy).state.value == "ready")
    if not exposure.called:
        exposure.callback(Position(1.0, 1.0, 1.0))
    assert 2.0 == bench.result(proxy.locate(2)).angle


def test_a_command_waits_for_the_first_connection_and_for_no_later_one(bench: Bench) -> None:
    camera = MyCamera()
    proxy = bench.remote(VisionCamera)
    early = proxy.locate(1)
    bench.network.advance(1.0)
    service = bench.serve(camera)
    assert 1.0 == bench.result(early).angle
    bench.result(service.stopService())
    bench.until(lambda: link_of(proxy).state.value != "ready")
    assert NotReady is type(bench.result(proxy.locate(2)))


def test_a_command_waits_as_long_as_it_is_told(bench: Bench) -> None:
    started = bench.network.clock.now
    error = bench.result(bench.remote(VisionCamera, wait=0.5).locate(1))
    assert NotReady is type(error)
    assert "VisionCamera was not ready within 0.5 s: it is" in str(error)
    assert 0.5 == pytest.approx(bench.network.clock.now - started, abs=0.01)


def test_steps_are_taken_on_each_connection_before_any_command(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)

    async def prepare(proxy: VisionCamera) -> None:
        await proxy.locate(100)

    proxy = bench.remote(VisionCamera, on_ready=[prepare])
    bench.result(proxy.locate(1))
    for socket in list(bench.camera.sockets):
        socket.close(reset=True)
    bench.until(lambda: link_of(proxy).state.value != "ready")
    bench.until(lambda: link_of(proxy).state.value == "ready")
    bench.result(proxy.locate(2))
    assert [100, 1, 100, 2] == camera.done


def test_each_session_may_have_an_object_of_its_own(bench: Bench) -> None:
    class Counting(MyCamera):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        async def locate(self, job: int) -> Position:
            self.count += 1
            self.alarm(self.count)
            return Position(float(self.count), 0.0, 0.0)

    bench.serve(per_session(Counting))
    heard: list[Any] = []
    first, second = (bench.remote(VisionCamera) for _ in range(2))
    first.alarm.subscribe(lambda code: heard.append(("first", code)))
    second.alarm.subscribe(lambda code: heard.append(("second", code)))
    counts = [bench.result(each.locate(1)).x for each in (first, first, second)]
    assert [1.0, 2.0, 1.0] == counts
    assert [("first", 1), ("first", 2), ("second", 1)] == heard


def test_one_object_is_served_once(bench: Bench) -> None:
    camera = MyCamera()
    bench.serve(camera)
    with pytest.raises(ConfigurationError, match="this MyCamera object is already being served"):
        bench.serve(camera)


def test_a_command_without_an_implementation_is_told_when_serving_starts(bench: Bench) -> None:
    class Half(VisionCamera):
        async def locate(self, job: int) -> Position:
            return Position(0.0, 0.0, 0.0)

    with pytest.raises(ConfigurationError, match="Half does not implement light, reset: write a"):
        bench.serve(Half())


def test_equipment_may_connect_to_its_host(bench: Bench) -> None:
    camera = MyCamera()
    service = bench.serve_actively(camera)
    proxy = bench.remote(VisionCamera, listen=bench.robot.listening(9999))
    assert 3.0 == bench.result(proxy.locate(3)).angle
    bench.result(service.stopService())


class Cell(Equipment):
    """The commands that a robot answers its camera."""

    framing = VisionCamera.framing
    codec = Template(fault="CELL NG,{code}")

    @command("WHERE", reply="AT,{joint:d}")
    def where(self) -> int:
        """The joint that moves."""
        raise NotImplementedError

    @event("MOVED,{joint:d}")
    def moved(self, joint: int) -> None:
        """A joint moved."""


class MyCell(Cell):
    def where(self) -> int:
        return 4


class RpcCell(Equipment):
    """The commands of Cell over JSON-RPC."""

    framing = RpcCamera.framing
    codec = JsonRpc()

    @command()
    def where(self) -> int:
        """The joint that moves."""
        raise NotImplementedError


class MyRpcCell(RpcCell):
    def where(self) -> int:
        return 4


@pytest.mark.parametrize(
    ("kind", "mine", "cell", "my_cell"),
    [(VisionCamera, MyCamera, Cell, MyCell), (RpcCamera, MyRpcCamera, RpcCell, MyRpcCell)],
    ids=["in order", "by id"],
)
def test_commands_go_both_ways_on_one_session(
    kind: Any, mine: Any, cell: Any, my_cell: Any, bench: Bench
) -> None:
    camera = mine()

    async def ask_back() -> Position:
        return Position(float(await caller(cell).where()), 0.0, 0.0)

    camera.jobs[1] = ask_back
    bench.serve(camera, calls=cell)
    proxy = bench.remote(kind, serves=my_cell())
    assert [4.0, 1.0] == [bench.result(proxy.locate(job)).x for job in (1, 2)]


class Announcing(RpcCell):
    """A host that tells the equipment something unasked, too."""

    @event()
    def started(self, shift: int) -> None:
        """A shift has begun."""


class MyAnnouncing(Announcing):
    def where(self) -> int:
        self.started(shift=2)
        return 4


def test_events_of_the_host_are_told_to_the_equipment_that_asked(bench: Bench) -> None:
    camera = MyRpcCamera()
    heard: list[int] = []

    def hear(shift: int) -> None:
        heard.append(shift)

    async def ask_back() -> Position:
        host: Any = caller(Announcing)
        host.started.subscribe(hear)
        return Position(float(await host.where()), 0.0, 0.0)

    camera.jobs[1] = ask_back
    bench.serve(camera, calls=Announcing)
    host = MyAnnouncing()
    host.started(shift=1)  # nobody is there to be told
    assert 4.0 == bench.result(bench.remote(RpcCamera, serves=host).locate(1)).x
    assert [2] == heard


def test_a_host_that_does_not_implement_what_it_answers_is_refused_at_once(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="RpcCell does not implement where: write a"):
        bench.remote(RpcCamera, serves=RpcCell())


@frozen
class Joint:
    """A joint of the robot."""

    number: int


class NewerCamera(RpcCamera):
    """A host's declaration of a newer model than the one that is there."""

    @command()
    async def calibrate(self) -> None:
        """Do what the older model cannot."""
        raise NotImplementedError


class NewerCell(RpcCell):
    """An equipment's declaration of a newer host than the one that is there."""

    @command()
    async def release(self) -> None:
        """Do what the older model cannot."""
        raise NotImplementedError


def test_where_both_sides_ask_each_is_told_what_the_other_does_not_know(bench: Bench) -> None:
    camera = MyRpcCamera()

    async def ask_back() -> Position:
        await caller(NewerCell).release()
        raise AssertionError("the host knows no such command")

    camera.jobs[1] = ask_back
    bench.serve(camera, calls=NewerCell)
    proxy = bench.remote(NewerCamera, serves=MyRpcCell())
    refusals = [bench.result(asked) for asked in (proxy.calibrate(), proxy.locate(1))]
    assert [-32601, -32601] == [refusal.code for refusal in refusals]
    assert 2.0 == bench.result(proxy.locate(2)).y


JSONS = [
    Json(id="id"),
    Json("Type", parameters="Data", result="Data", fault="Error", event="Type", echo=True, id="id"),
    Json("cmd", result=None, fault="NG", echo=True, id="id"),
]


@pytest.mark.parametrize("json", JSONS, ids=["keys", "echo", "flat"])
def test_with_own_keys_too_each_is_told_what_the_other_does_not_know(json: Json, bench: Bench) -> None:
    class OlderCamera(RpcCamera):
        codec = json  # type: ignore[assignment]

    class NewCamera(NewerCamera):
        codec = json  # type: ignore[assignment]

    class OlderCell(Equipment):
        framing = RpcCamera.framing
        codec = json

        @command()
        def where(self) -> Joint:
            """The joint that moves."""
            return Joint(4)

    class NewCell(OlderCell):
        @command()
        async def release(self) -> None:
            """Do what the older model cannot."""
            raise NotImplementedError

    class MyOlderCamera(Scripted, OlderCamera):
        pass

    async def ask_back() -> Position:
        await caller(NewCell).release()
        raise AssertionError("the host knows no such command")

    async def ask_what_it_knows() -> Position:
        where: Any = caller(NewCell).where()
        return Position(float((await where).number), 0.0, 0.0)

    camera = MyOlderCamera()
    camera.jobs = {1: ask_back, 2: ask_what_it_knows}
    bench.serve(camera, calls=NewCell)
    proxy = bench.remote(NewCamera, serves=OlderCell())
    refusals = [bench.result(asked) for asked in (proxy.calibrate(), proxy.locate(1))]
    assert [-32601, -32601] == [refusal.code for refusal in refusals]
    assert 4.0 == bench.result(proxy.locate(2)).x


def test_asking_a_host_that_was_not_declared_is_refused(bench: Bench, logged: list[str]) -> None:
    camera = MyCamera()
    camera.jobs[1] = lambda: caller(Cell).where()
    bench.serve(camera)
    assert Fault is type(bench.result(bench.remote(VisionCamera).locate(1)))
    assert "the other side of this session was not declared as Cell" in logged.pop()


KEY = bytes(range(32))
CAMERAS = PreSharedKeys("camera", {"robot": KEY})


def test_active_equipment_with_keys_is_ready_when_its_host_is_proven(bench: Bench) -> None:
    recorder = RecordingObserver()
    service = bench.serve_actively(MyCamera(), keys=CAMERAS, observers=[recorder])
    robots = PreSharedKeys("robot", {"camera": KEY})
    proxy = bench.remote(VisionCamera, listen=bench.robot.listening(9999), keys=robots)
    bench.result(proxy.locate(1))
    bench.network.advance(10)
    assert LinkState.READY is service.engine.state
    assert [("opened",), ("ready",)] == recorder.only("opened", "ready", "closed")
    assert b"TRG,1\r\n" == b"".join(data for _, data in recorder.only("received"))


@pytest.mark.parametrize("active", [False, True], ids=["passive", "active"])
def test_both_ends_may_have_to_prove_themselves(active: bool, bench: Bench) -> None:
    robots = PreSharedKeys("robot", {"camera": KEY})
    if active:
        bench.serve_actively(MyCamera(), keys=CAMERAS)
        proxy = bench.remote(VisionCamera, listen=bench.robot.listening(9999), keys=robots)
    else:
        bench.serve(MyCamera(), keys=CAMERAS)
        proxy = bench.remote(VisionCamera, keys=robots)
    assert 3.0 == bench.result(proxy.locate(3)).angle


@pytest.mark.parametrize(
    ("keys", "told"),
    [(None, OutcomeUnknown), (PreSharedKeys("robot", {"camera": KEY[::-1]}), NotReady)],
    ids=["none", "wrong"],
)
def test_a_host_without_the_key_gets_nothing_done(
    keys: PreSharedKeys | None, told: type[Exception], bench: Bench
) -> None:
    camera = MyCamera()
    bench.serve(camera, keys=CAMERAS)
    outcome = bench.result(bench.remote(VisionCamera, keys=keys).locate(3))
    assert (told, []) == (type(outcome), camera.done)


def test_there_is_no_current_session_outside_a_command() -> None:
    with pytest.raises(ConfigurationError, match="only while a command is carried out"):
        current_session()
