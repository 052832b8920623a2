"""
Equipment that was declared from public manuals alone: the bytes on the wire are those of the manuals.

Where the manual has forms and no example, the bytes are those of public drivers and captures.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.protocol import Factory, Protocol

from tcpcomm import (
    BadReply,
    Equipment,
    Fault,
    Login,
    LoginRefused,
    NotReady,
    ReplyTimeout,
    command,
    declaration_of,
    link_of,
    simulated,
)
from tcpcomm.link.states import LinkState
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.equipment.declared import PORT, Bench
from tests.interop.manuals.documents import (
    Greeted,
    Jaka,
    JakaStates,
    MyJaka,
    MyRf600,
    Refused,
    Rf600,
    RobotState,
    Tag,
)
from tests.interop.manuals.headers import (
    Apt,
    ChannelStatus,
    Confirmed,
    MyApt,
    MyMaster,
    MyStation,
    Received,
    SinglePoint,
    Station,
)
from tests.interop.manuals.lines import WARNING, Epson, MyEpson, MyPfeiffer, Pfeiffer, Place, Pressure

KINDS = (Epson, Pfeiffer, Apt, Station, Jaka, Rf600)
TAG_ID = "3005FB63AC1F3681EC880468"


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def plain(document: str) -> bytes:
    """Return an XML document of a manual without the blanks that its pages have."""
    return "".join(line.strip() for line in document.splitlines()).encode()


class Wire(Protocol):
    """A foreign program: it keeps what came, and answers requests as a table says."""

    def __init__(self, answers: dict[bytes, bytes] | None = None) -> None:
        self.received = b""
        self.rest = b""
        self.answers = answers or {}

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        self.rest += data
        for request, answer in self.answers.items():
            if self.rest.startswith(request):
                self.rest = self.rest[len(request) :]
                self.say(answer)

    def say(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


@pytest.fixture(params=[0.0, 1.0], ids=["whole", "cut"])
def bench(request: pytest.FixtureRequest) -> Bench:
    """A network on which frames arrive whole, or in pieces."""
    return Bench(cuts=request.param)


def program(bench: Bench) -> Wire:
    """Connect a foreign program to the equipment."""
    factory: Any = Factory.forProtocol(Wire)
    return bench.result(bench.robot.connecting(bench.camera, PORT).connect(factory))  # type: ignore[no-any-return]


def device(bench: Bench, answers: dict[bytes, bytes]) -> list[Wire]:
    """Have a foreign program stand in for the equipment. Return the list of its connections."""
    wires: list[Wire] = []

    class Devices(Factory):
        noisy = False

        def buildProtocol(self, addr: object) -> Wire:
            wires.append(Wire(answers))
            return wires[-1]

    bench.camera.listening(PORT).listen(Devices())
    return wires


EPSON = [
    ("a password that is wrong, RC+ 5.0 User's Guide p. 265", b"$Login,12\r\n", b"!Login,13\r\n"),
    ("a command before the login, RC+ 5.0 User's Guide p. 265", b"$GetStatus\r\n", b"!GetStatus,11\r\n"),
    ("the login", b"$Login,123\r\n", b"#Login,0\r\n"),
    ("a warning, RC+ 5.0 User's Guide p. 263", b"$GetStatus\r\n", b"#GetStatus,0110000010,0517\r\n"),
    ("start main", b"$Start,0\r\n", b"#Start,0\r\n"),
    ("a format that is wrong, RC+ 5.0 User's Guide p. 265", b"$Start,main\r\n", b"!Start,12\r\n"),
    ("a parameter that is missing", b"$Start\r\n", b"!Start,12\r\n"),
    ("an input", b"$GetIO,1\r\n", b"#GetIO,1\r\n"),
    ("a line that prints", b'$Execute,"print here"\r\n', b'#Execute,"3.5"\r\n'),
    ("a line that prints nothing", b'$Execute,"motor on"\r\n', b"#Execute,0\r\n"),
    ("a command that does not exist, RC+ 5.0 User's Guide p. 265", b"$Fly\r\n", b"!Fly,11\r\n"),
]
PFEIFFER = [
    ("633 Hz, TC 400 manual p. 25", b"1230030902=?112\r", b"1231030906000633037\r"),
    ("pumping station on, HiLobe manual p. 37", b"0421001006111111020\r", b"0421001006111111020\r"),
    ("1000 hPa, PPT 100 manual p. 13", b"0010074002=?106\r", b"0011074006100023025\r"),
    ("atmosphere, PPT 100 manual p. 13", b"0011074103001130\r", b"0011074103001130\r"),
    ("out of the range", b"0011074103002131\r", b"0011074106_RANGE192\r"),
    ("no such parameter", b"0080099902=?129\r", b"0081099906NO_DEF213\r"),
    ("a group is silent", b"9001001006111111023\r", b""),
    ("a checksum that is wrong", b"1230030902=?113\r", b""),
]
APT = [
    ("identify, lixiii/KST101", "23 02 00 00 50 01", ""),
    ("home, thorlabs-apt-protocol", "43 04 01 00 50 01", "44 04 01 00 01 50"),
    (
        "move to 2048, thorlabs-apt-protocol",
        "53 04 06 00 D0 01 01 00 00 08 00 00",
        "91 04 0E 00 81 50 01 00 00 04 00 00 64 00 00 00 10 00 00 00"
        "64 04 0E 00 81 50 01 00 00 08 00 00 00 00 00 00 00 04 00 80",
    ),
    (
        "move by 10 mm, APT protocol, edition 26, but for the bay",
        "48 04 06 00 D0 01 01 00 40 0D 03 00",
        "64 04 0E 00 81 50 01 00 40 0D 03 00 00 00 00 00 00 04 00 80",
    ),
    ("the position of channel 2", "11 04 02 00 50 01", "12 04 06 00 81 50 02 00 80 E5 F9 FF"),
    (
        "a fault with a text names its message",
        "43 04 03 00 50 01",
        "81 00 44 00 81 50 43 04 25 00" + b"no such channel".ljust(64, b"\0").hex(),
    ),
]
IEC = [
    ("STARTDT, vv104", "68 04 07 00 00 00", "68 04 0B 00 00 00"),
    ("TESTFR, vv104", "68 04 43 00 00 00", "68 04 83 00 00 00"),
    (
        "interrogation, dump of iec104_test_client",
        "68 0E 00 00 00 00 64 01 06 00 01 00 00 00 00 14",
        "68 0E 00 00 02 00 64 01 07 00 01 00 00 00 00 14",
    ),
    (
        "no such station",
        "68 0E 02 00 02 00 64 01 06 00 02 00 00 00 00 14",
        "68 0E 02 00 04 00 64 01 47 00 02 00 00 00 00 14",
    ),
    (
        "S frame and a single point, IEC 104 use cases P01 but for the numbers of the frame",
        "68 04 01 00 02 00",
        "68 0E 04 00 04 00 01 01 03 00 01 00 01 00 00 01",
    ),
    ("STOPDT, vv104", "68 04 13 00 00 00", "68 04 23 00 00 00"),
]
RF600 = [
    (
        "greeting, RF680_Connect and RF650R manual p. 193",
        b"""
            <frame>
                <cmd>
                    <id>1</id>
                    <hostGreetings>
                        <readerType>SIMATIC_RF680R</readerType>
                        <supportedVersions>
                            <version>V2.0</version>
                            <version>V2.1</version>
                            <version>V2.2</version>
                        </supportedVersions>
                    </hostGreetings>
                </cmd>
            </frame>""",
        plain("""
            <frame>
            <reply>
            <id>1</id>
            <resultCode>0</resultCode>
            <hostGreetings>
            <returnValue>
            <version>V2.0</version>
            <configID>C1</configID>
            </returnValue>
            </hostGreetings>
            </reply>
            </frame>"""),
    ),
    (
        "greeting without a type of reader, RF600XML",
        b"<frame><cmd><id>2</id><hostGreetings><readerType></readerType><supportedVersions>"
        b"<version>V3.2</version></supportedVersions></hostGreetings></cmd></frame>",
        b"<frame><reply><id>2</id><resultCode>0</resultCode><hostGreetings><returnValue>"
        b"<version>V3.2</version><configID>C1</configID></returnValue></hostGreetings></reply></frame>",
    ),
    (
        "the wrong type of reader, RF650R manual p. 264",
        b"<frame><cmd><id>3</id><hostGreetings><readerType>SIMATIC_RF685R</readerType><supportedVersions>"
        b"<version>V2.0</version></supportedVersions></hostGreetings></cmd></frame>",
        plain("""
            <frame>
            <reply>
            <id>3</id>
            <resultCode>14</resultCode>
            <error>
            <name>ERROR_PARAMETER_ILLEGAL_VALUE</name>
            <cause>readerType</cause>
            </error>
            </reply>
            </frame>"""),
    ),
    (
        "transponders, RF680_Connect and RF650R manual p. 224",
        b"<frame><cmd><id>4</id><readTagIDs><sourceName>Readpoint_1</sourceName>"
        b"<duration>0</duration><unit>Time</unit></readTagIDs></cmd></frame>",
        b"<frame><reply><id>4</id><resultCode>0</resultCode><readTagIDs><returnValue><tag>"
        b"<tagID>3005FB63AC1F3681EC880468</tagID><tagPC>1234</tagPC></tag>"
        b"</returnValue></readTagIDs></reply></frame>",
    ),
    (
        "no such command",
        b"<frame><cmd><id>13</id><fly/></cmd></frame>",
        b"<frame><reply><id>13</id><resultCode>10</resultCode><error>"
        b"<name>ERROR_UNKNOWN_ERROR</name><cause/></error></reply></frame>",
    ),
    (
        "acknowledgement of a report, RF650R manual p. 267",
        b"<frame> <reply> <id>7</id> <resultCode> 0 </resultCode> <ter/> </reply> </frame>",
        b"",
    ),
    (
        "goodbye, RF650R manual p. 194",
        b"<frame>\n<cmd>\n<id> 5 </id>\n<hostGoodbye/>\n</cmd>\n</frame>",
        b"<frame><reply><id>5</id><resultCode>0</resultCode><hostGoodbye/></reply></frame>",
    ),
]


@pytest.mark.parametrize(
    ("equipment", "vectors"),
    [
        (MyEpson, EPSON),
        (MyPfeiffer, PFEIFFER),
        (MyApt, [(source, unhex(sent), unhex(answer)) for source, sent, answer in APT]),
        (MyStation, [(source, unhex(sent), unhex(answer)) for source, sent, answer in IEC]),
        (MyRf600, RF600),
    ],
    ids=["epson", "pfeiffer", "apt", "iec104", "rf600"],
)
def test_equipment_answers_with_the_bytes_of_its_manual(
    bench: Bench, equipment: Callable[[], Equipment], vectors: list[tuple[str, bytes, bytes]]
) -> None:
    bench.serve(equipment())
    wire = program(bench)
    for source, sent, answer in vectors:
        wire.received = b""
        wire.say(sent)
        bench.network.advance(1.0)
        assert (source, answer) == (source, wire.received)


JAKA = [
    (
        "joint_move, libjaka",
        '{"cmdName":"joint_move","relFlag":0,"jointPosition":[0,90.5,90.5,0,90.5,0],"speed":20.5,"accel":20.5}\n',
        '{"errorCode":"0","errorMsg":"","cmdName":"joint_move"}',
    ),
    ("power_on without the control, a gateway's notes", '{"cmdName":"power_on"}', "3"),
    (
        "get_robot_state, a gateway's notes",
        '{"cmdName": "get_robot_state"}',
        '{"errorCode":"0","errorMsg":"","cmdName":"get_robot_state",'
        '"enable":"robot_enabled","power":"powered_on"}',
    ),
    ("joints that are missing", '{"cmdName":"joint_move","relFlag":0,"jointPosition":[1],"speed":1}', "2"),
    ("no such command", '{"cmdName":"fly"}', "2"),
]


def test_a_robot_answers_with_the_objects_of_its_manual(bench: Bench) -> None:
    bench.serve(MyJaka())
    wire = program(bench)
    for source, sent, answer in JAKA:
        wire.received = b""
        wire.say(sent.encode())
        bench.network.advance(1.0)
        received = json.loads(wire.received)
        if answer.isdigit():
            assert (source, answer) == (source, received["errorCode"])
        else:
            assert (source, json.loads(answer)) == (source, received)


def test_a_host_asks_epson_and_learns_why_not(bench: Bench) -> None:
    bench.serve(MyEpson())
    robot = bench.remote(Epson)
    assert NotReady is type(bench.result(robot.status()))
    refused = bench.result(robot.log_in("12"))
    assert (Fault, 13) == (type(refused), refused.code)
    bench.result(robot.log_in("123"))
    assert WARNING == bench.result(robot.status())
    assert ["3.5", None] == [bench.result(robot.execute(line)) for line in ("print here", "motor on")]
    refused = bench.result(robot.start(9))
    assert (Fault, 12) == (type(refused), refused.code)


class EpsonWithLogin(Epson):
    """The same controller, with credentials that the host's program gives to the link."""

    login = (Login(send="Login,{password}"), Login("#Login,0"))

    @command("GetIO,{bit:d}", reply="#GetIO,{on:1|0}", idempotent=True)
    async def bit(self, bit: int) -> bool:
        """Read one bit of the inputs."""
        raise NotImplementedError


def test_a_host_logs_in_to_epson_before_its_first_command(bench: Bench) -> None:
    answers = {b"$Login,123\r\n": b"#Login,0\r\n", b"$GetIO,1\r\n": b"#GetIO,1\r\n"}
    device(bench, answers | {b"$Login,12\r\n": b"!Login,13\r\n"})
    assert bench.result(bench.remote(EpsonWithLogin, credentials={"password": "123"}).bit(1)) is True
    stranger = bench.remote(EpsonWithLogin, credentials={"password": "12"})
    refused = bench.result(stranger.bit(1))
    assert LoginRefused is type(refused)
    assert "!Login,13" in str(refused)


def test_a_host_asks_several_units_of_pfeiffer(bench: Bench) -> None:
    answers = {
        b"1230030902=?112\r": b"1231030906000633037\r",
        b"0010074002=?106\r": b"0011074006100023025\r",
        b"0421001006111111020\r": b"0421001006111111020\r",
        b"0011074103009138\r": b"0011074106_LOGIC193\r",
        b"0050030902=?111\r": b"0061030906000633037\r",
        b"0041074103009141\r": b"0051074106_LOGIC197\r",
    }
    device(bench, answers)
    units = bench.remote(Pfeiffer)
    assert bench.result(units.speed(123)) == 633
    assert Pressure(1.0, 23) == bench.result(units.pressure(1))
    assert bench.result(units.pump(42, True)) is None
    refused = bench.result(units.adjust(1, 9))
    assert ("_LOGIC", Place(741)) == (refused.code, refused.data)
    assert BadReply is type(bench.result(units.speed(5))), "unit 6 answered"
    assert BadReply is type(bench.result(units.adjust(4, 9))), "unit 5 refused"
    assert ReplyTimeout is type(bench.result(units.pump(900, True))), "a group is silent"


def test_a_host_moves_two_channels_of_apt(bench: Bench) -> None:
    bench.serve(MyApt())
    stage = bench.remote(Apt)
    moving: list[tuple[Any, ...]] = []
    stage.moving.subscribe(lambda *values: moving.append(values))
    assert bench.result(stage.home()) is None
    assert [-200_000, -400_000] == [
        bench.result(stage.position()),
        bench.result(stage.channel(2).position()),
    ]
    assert ChannelStatus(1, 2048, 0, 0, 0x8000_0400) == bench.result(stage.move_to(1, 2048))
    assert [(1, 1024, 100, 0, 0x10)] == moving
    refused = bench.result(stage.channel(3).home())
    assert (0x25, "no such channel") == (refused.code, refused.reason)


def test_a_fault_that_nobody_asked_for_is_an_event_of_apt(bench: Bench) -> None:
    """It differs from the fault of a command by the opcode in its data, which is 0."""
    controller = MyApt()
    bench.serve(controller)
    stage, wire = bench.remote(Apt), program(bench)
    failures: list[tuple[int, str]] = []
    stage.failed.subscribe(lambda code, reason: failures.append((code, reason)))
    refused = bench.result(stage.channel(3).home())
    assert (0x25, "no such channel") == (refused.code, refused.reason)
    assert [] == failures
    controller.failed(0x26, "motor stalled")
    bench.network.advance(1.0)
    assert [(0x26, "motor stalled")] == failures
    assert unhex("81 00 44 00 81 50 00 00 26 00") + b"motor stalled".ljust(64, b"\0") == wire.rest
    assert bench.result(stage.home()) is None


INTERROGATION = [
    "68 0E 00 00 02 00 64 01 07 00 01 00 00 00 00 14",
    "68 22 02 00 02 00 01 06 14 00 01 00"
    "B9 0B 00 00 BA 0B 00 00 BB 0B 00 01 BC 0B 00 00 BD 0B 00 00 BE 0B 00 00",
    "68 0E 04 00 02 00 64 01 0A 00 01 00 00 00 00 14",
]
"""A confirmation and the six points of the dump of iec104_test_client, and the end of the procedure."""


def test_a_master_interrogates_a_station_which_tests_the_link(bench: Bench) -> None:
    answers = {
        unhex("68 04 07 00 00 00"): unhex("68 04 0B 00 00 00") + unhex("68 04 43 00 00 00"),
        unhex("68 0E 00 00 00 00 64 01 06 00 01 00 00 00 00 14"): b"".join(map(unhex, INTERROGATION)),
        unhex("68 0E 02 00 06 00 64 01 06 00 02 00 00 00 00 14"): unhex(
            "68 0E 06 00 04 00 64 01 47 00 02 00 00 00 00 14"
        ),
    }
    wires = device(bench, answers)
    master: Any = bench.remote(Station, serves=MyMaster())
    heard: list[Any] = []
    master.single_points.subscribe(lambda *values: heard.append(values))
    master.interrogated.subscribe(lambda *values: heard.append(values))
    bench.result(master.start())
    bench.network.advance(1.0)
    wire = wires[-1]
    assert unhex("68 04 83 00 00 00") == wire.rest
    wire.rest = b""
    assert Confirmed(1, 0, 20) == bench.result(master.interrogate(1))
    bench.until(lambda: len(heard) == 2)
    points = [SinglePoint(address, int(address == 3003)) for address in range(3001, 3007)]
    assert [(20, 1, points), (1, 0, 20)] == heard
    bench.result(master.acknowledge(Received(number=3)))
    bench.network.advance(1.0)
    assert unhex("68 04 01 00 06 00") == wire.rest
    wire.rest = b""
    master.received.set(2 * 3)
    refused = bench.result(master.interrogate(2))
    assert (Fault, Confirmed(2, 0, 20)) == (type(refused), refused.data)
    assert link_of(master).state is LinkState.READY


def test_a_host_takes_the_replies_that_versions_of_a_jaka_robot_write(bench: Bench) -> None:
    answers = {
        b'{"cmdName":"power_on"}': b'{"errorCode":"0","errorMsg":"","cmdName":"power_on"}',
        b'{"cmdName":"get_robot_state"}': (
            b'{"errorCode":0,"enable":"robot_enabled","power":"powered_on"}\n'
        ),
        b'{"cmdName":"joint_move","relFlag":1,"jointPosition":[1.0],"speed":1.0,"accel":100.0}': (
            b'{"errorCode":"3","errorMsg":"permission deny"}'
        ),
    }
    device(bench, answers)
    robot = bench.remote(Jaka)
    assert bench.result(robot.power_on()) is None
    assert RobotState("robot_enabled", "powered_on") == bench.result(robot.get_robot_state())
    refused = bench.result(robot.joint_move(1, [1.0], 1.0))
    assert ("3", "permission deny") == (refused.code, refused.reason)


def test_states_without_a_word_are_events(bench: Bench) -> None:
    wires = device(bench, {})
    robot = bench.remote(JakaStates)
    states: list[tuple[Any, ...]] = []
    robot.state.subscribe(lambda *values: states.append(values))
    bench.until(lambda: bool(wires))
    wires[-1].say(b'{"joint_position":[-9.13,87.75],"enabled":true,"error_msg":"}"}{"enabled":false}')
    bench.until(lambda: len(states) == 2)
    assert [([-9.13, 87.75], True, "}"), (None, False, "")] == states


def test_a_host_hears_the_reports_of_an_rf600_reader(bench: Bench) -> None:
    equipment = MyRf600()
    bench.serve(equipment)
    reader = bench.remote(Rf600)
    reports: list[tuple[Any, ...]] = []
    reader.seen.subscribe(lambda *values: reports.append(values))
    assert Greeted("V2.1", "C1") == bench.result(reader.greet(["V2.1"]))
    equipment.seen(9, "Readpoint_1", [Tag(TAG_ID), Tag(TAG_ID, "1234", "2009-12-24T18:34:56.929+00:00")])
    bench.until(lambda: bool(reports))
    assert (9, "Readpoint_1") == reports[0][:2]
    assert [None, "1234"] == [tag.pc for tag in reports[0][2]]
    bench.result(reader.acknowledge(9))
    bench.until(lambda: equipment.acknowledged == [9])
    both = reader.read("Readpoint_2"), reader.read("Readpoint_1")
    refused, found = map(bench.result, both)
    assert (4007, Refused("ERROR_READPOINT_NOT_FOUND", "sourceName")) == (refused.code, refused.data)
    assert [Tag(TAG_ID, "1234")] == found
    assert bench.result(reader.leave()) is None


def test_a_reply_with_another_number_is_not_the_reply_to_a_command_of_rf600(bench: Bench) -> None:
    goodbye = b"<frame><cmd><id>1</id><hostGoodbye/></cmd></frame>"
    other = b"<frame><reply><id>4</id><resultCode>0</resultCode><hostGoodbye/></reply></frame>"
    wires = device(bench, {goodbye: other})
    reader = bench.remote(Rf600)
    assert isinstance(bench.result(reader.leave()), ReplyTimeout)
    assert goodbye == wires[-1].received


@pytest.mark.parametrize("kind", KINDS)
def test_both_ends_of_each_declaration_agree(kind: type[Equipment]) -> None:
    check_equipment(kind, max_examples=5)


@pytest.mark.parametrize(
    ("kind", "command", "values"),
    [
        (Pfeiffer, "speed", {"address": 1}),
        (Apt, "move_to", {"channel": 1, "position": 5}),
        (Station, "test", {}),
        (Jaka, "get_robot_state", {}),
        (Rf600, "leave", {}),
    ],
    ids=["pfeiffer", "apt", "iec104", "jaka", "rf600"],
)
def test_a_simulated_device_answers(kind: type[Equipment], command: str, values: dict[str, Any]) -> None:
    bench = Bench()
    bench.serve(simulated(kind, seed=1))
    answer = bench.result(getattr(bench.remote(kind), command)(**values))
    assert not isinstance(answer, Exception)


@pytest.mark.parametrize("kind", KINDS)
def test_the_manual_of_each_declaration_can_be_written(kind: type[Equipment]) -> None:
    page = markdown(facts_of(declaration_of(kind)))
    for each in declaration_of(kind).commands:
        assert f"### {each}\n" in page
