"""The timers of HSMS, and a pulled cable, on the virtual clock."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater

from tcpcomm import NotReady, OutcomeUnknown, ReplyTimeout, declaration_of, link_of
from tcpcomm.devices.hsms import Established, Gem, GemHost, GemTool, Value
from tcpcomm.devices.hsms.session import LONGEST_SECS_MESSAGE, SECS_CONNECT_TIMEOUT, SLOWEST_SECS_MESSAGE
from tcpcomm.link.states import LinkState
from tests.devices.hsms.test_sessions import ROLES, connected
from tests.equipment.declared import PORT, Bench

SELECT = bytes.fromhex("0000000A FFFF 00 00 00 01 00000001")
SELECTED = bytes.fromhex("0000000A FFFF 00 00 00 02 00000001")
LINKTEST = bytes.fromhex("0000000A FFFF 00 00 00 05")


class Raw(Protocol):
    """A peer that sends only what the test says, and answers nothing."""

    transport: Any

    def __init__(self) -> None:
        self.received = b""
        self.ended = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.ended = True


class Mute(Factory):
    """Accepts connections, and says nothing."""

    def __init__(self) -> None:
        self.came: list[tuple[float, Raw]] = []
        self.seconds: Any = None

    def buildProtocol(self, address: Any) -> Raw:
        made = Raw()
        self.came.append((self.seconds(), made))
        return made


def mute(bench: Bench) -> Mute:
    """Return equipment that listens at the camera, and says nothing."""
    factory = Mute()
    factory.seconds = bench.camera.clock.seconds
    bench.camera.listening(PORT).listen(factory)
    return factory


def raw(bench: Bench) -> Raw:
    """Return a raw peer that has connected to the camera."""
    made: list[Raw] = []

    class Making(Factory):
        def buildProtocol(self, address: Any) -> Raw:
            made.append(Raw())
            return made[-1]

    bench.robot.connecting(bench.camera, PORT).connect(Making())
    bench.until(lambda: bool(made))
    bench.network.advance(0.1)
    return made[0]


def test_a_reply_must_come_within_t3(bench: Bench) -> None:
    class Slow(GemTool):
        async def on_command(self, rcmd: Any, parameters: dict[Any, Value]) -> int:
            return await Deferred()

    host = connected(bench, Slow(), active=True)
    bench.result(host.are_you_there())
    began = bench.network.clock.now
    outcome = bench.result(host.remote_command("START"), 60.0)
    assert ReplyTimeout is type(outcome)
    assert "no reply within 45 s" in str(outcome)
    assert 45.0 <= bench.network.clock.now - began
    assert LinkState.READY is link_of(host).state, "the linktest shows that the program lives"


def test_attempts_to_connect_are_t5_apart(bench: Bench) -> None:
    peer = mute(bench)
    host = bench.remote(Gem, policy=None)
    bench.network.advance(40.0)
    times = [time for time, _ in peer.came]
    assert len(times) >= 3
    assert all(later - earlier >= 10.0 for earlier, later in pairwise(times)), times
    assert (5.0, 5.0) == (SECS_CONNECT_TIMEOUT, link_of(host).engine.supervisor.policy.connect_timeout)


def test_select_must_be_answered_within_t6(bench: Bench) -> None:
    peer = mute(bench)
    host = bench.remote(Gem, policy=None)
    bench.until(lambda: bool(peer.came))
    first = peer.came[0][1]
    bench.network.advance(4.9)
    assert (SELECT, False) == (first.received, first.ended)
    bench.network.advance(0.2)
    assert first.ended
    assert "no reply within 5 s" in link_of(host).reason


def test_equipment_ends_a_session_that_is_not_selected_within_t7(bench: Bench) -> None:
    bench.serve(GemTool())
    idle, selected = raw(bench), raw(bench)
    selected.transport.write(SELECT)
    bench.network.advance(9.5)
    assert (False, SELECTED) == (idle.ended, selected.received[:14])
    bench.network.advance(0.6)
    assert (True, False) == (idle.ended, selected.ended)


def test_a_deselected_session_has_t7_again(bench: Bench) -> None:
    bench.serve(GemTool())
    peer = raw(bench)
    peer.transport.write(SELECT + bytes.fromhex("0000000A FFFF 00 00 00 03 00000002"))
    bench.network.advance(9.0)
    assert not peer.ended
    assert bytes.fromhex("0000000A FFFF 00 00 00 04 00000002") in peer.received
    bench.network.advance(1.5)
    assert peer.ended


def test_a_passive_host_ends_a_session_that_is_not_selected_within_t7(bench: Bench) -> None:
    host = bench.remote(Gem, listen=bench.robot.listening(PORT), policy=None)
    made: list[Raw] = []

    class Making(Factory):
        def buildProtocol(self, address: Any) -> Raw:
            made.append(Raw())
            return made[-1]

    bench.camera.connecting(bench.robot, PORT).connect(Making())
    bench.network.advance(9.5)
    assert not made[0].ended
    bench.network.advance(1.0)
    assert made[0].ended
    assert "the session was not selected within 10 s" in link_of(host).reason


def test_a_message_that_pauses_for_t8_ends_the_session(bench: Bench) -> None:
    bench.serve(GemTool())
    peer = raw(bench)
    for each in LINKTEST:
        peer.transport.write(bytes([each]))
        bench.network.advance(0.5)
    assert not peer.ended
    bench.network.advance(4.8)
    assert peer.ended
    assert 60.0 == SLOWEST_SECS_MESSAGE == GemTool.limits.partial


def test_a_message_that_is_too_long_ends_the_session(bench: Bench) -> None:
    assert 16 * 1024 * 1024 == LONGEST_SECS_MESSAGE
    bench.serve(GemTool())
    peer = raw(bench)
    peer.transport.write((LONGEST_SECS_MESSAGE + 1).to_bytes(4, "big"))
    bench.network.advance(0.5)
    assert peer.ended


def test_equipment_ends_a_session_whose_host_answers_no_linktest(bench: Bench) -> None:
    bench.serve(GemTool())
    peer = raw(bench)
    peer.transport.write(SELECT)
    bench.network.advance(9.0)
    assert LINKTEST not in peer.received
    bench.network.advance(1.5)
    assert LINKTEST in peer.received
    bench.network.advance(5.0)
    assert peer.ended


def test_timers_are_attributes_of_the_class() -> None:
    class Quick(Gem):
        t3, t5, t6, t7, t8, linktest_interval = 20.0, 2.0, 1.0, 3.0, 0.5, 4.0

    policy = Quick.policy
    assert (3.0, 2.0, 4.0) == (policy.handshake_timeout, policy.backoff.floor, policy.heartbeats.interval)
    assert 0.5 == Quick.limits.pause
    commands = declaration_of(Quick).commands
    assert (20.0, 1.0) == (commands["s1f3"].timeout, commands["select"].timeout)
    assert 45.0 == declaration_of(Gem).commands["s1f3"].timeout


@ROLES
def test_a_pulled_cable_is_noticed_and_the_session_selected_again(active: bool, bench: Bench) -> None:
    tool = GemTool()
    host = connected(bench, tool, active)
    link = link_of(host)
    assert ["tcpcomm", "1.0"] == bench.result(host.are_you_there())
    bench.robot.pull()
    asked = host.remote_command("START")
    told: list[Any] = []
    Deferred.fromCoroutine(asked).addErrback(lambda failure: told.append(failure.value))
    bench.network.advance(25.0)
    assert OutcomeUnknown is type(told[0]), told
    assert LinkState.READY is not link.state
    assert NotReady is type(bench.result(host.remote_command("START")))
    assert NotReady is type(bench.result(tool.send_report(1, [])))
    bench.robot.plug()
    bench.until(lambda: link.state is LinkState.READY, 30.0)
    assert ["tcpcomm", "1.0"] == bench.result(host.are_you_there())
    assert 0 == bench.result(tool.send_report(1, []))


def test_a_host_that_comes_again_takes_the_place_of_its_dead_session(bench: Bench) -> None:
    bench.serve(GemTool())
    dead = raw(bench)
    dead.transport.write(SELECT)
    bench.network.advance(1.0)
    host = bench.remote(Gem, policy=None)
    bench.until(lambda: link_of(host).state is LinkState.READY, 4.0)
    assert dead.ended


def test_a_second_host_is_refused_while_the_first_one_answers(bench: Bench) -> None:
    bench.serve(GemTool())
    first = bench.remote(Gem, policy=None)
    bench.result(first.are_you_there())
    second = bench.remote(Gem, policy=None)
    bench.network.advance(3.0)
    assert "Select 3: another connection is selected" in link_of(second).reason
    assert LinkState.READY is link_of(first).state


def test_separate_ends_the_session_at_both_sides(bench: Bench) -> None:
    host = connected(bench, GemTool(), active=True)
    bench.result(host.are_you_there())
    link_of(host).stopService()
    peer = raw(bench)
    peer.transport.write(SELECT)
    bench.network.advance(0.5)
    assert SELECTED in peer.received
    peer.transport.write(bytes.fromhex("0000000A FFFF 00 00 00 09 00000002"))
    bench.network.advance(0.5)
    assert peer.ended


def test_a_host_may_answer_with_its_own_code(bench: Bench) -> None:
    class Full(GemHost):
        async def s6f11(self, dataid: Value, ceid: Value, reports: list[Value]) -> int:
            return 1

    tool = GemTool()
    host = connected(bench, tool, active=True, serves=Full())
    bench.result(host.are_you_there())
    assert 1 == bench.result(tool.send_report(1, []))


def test_a_response_without_a_request_is_rejected(bench: Bench) -> None:
    bench.serve(GemTool())
    peer = raw(bench)
    peer.transport.write(bytes.fromhex("0000000A FFFF 00 00 00 06 00000063"))
    bench.network.advance(0.1)
    assert bytes.fromhex("0000000A FFFF 06 03 00 07 00000063") == peer.received


def test_two_hosts_that_come_at_once_do_not_both_take_a_dead_session_s_place(bench: Bench) -> None:
    service = bench.serve(GemTool())
    dead, one, other = raw(bench), raw(bench), raw(bench)
    dead.transport.write(SELECT)
    bench.network.advance(1.0)
    one.transport.write(SELECT)
    other.transport.write(SELECT)
    bench.network.advance(3.0)
    assert dead.ended
    assert 1 == sum("selected" in each.states for each in service.factory.members)


def test_equipment_that_connects_gives_a_host_up_that_does_not_answer_select(bench: Bench) -> None:
    factory = Mute()
    factory.seconds = bench.robot.clock.seconds
    bench.robot.listening(PORT).listen(factory)
    bench.serve_actively(GemTool())
    bench.network.advance(30.0)
    times = [time for time, _ in factory.came]
    assert len(times) >= 2
    assert all(later - earlier >= 10.0 for earlier, later in pairwise(times)), times
    first = factory.came[0][1]
    assert (SELECT, True) == (first.received, first.ended)


def test_the_t7_of_a_new_session_does_not_end_one_that_was_deselected_since(bench: Bench) -> None:
    bench.serve(GemTool())
    peer = raw(bench)
    peer.transport.write(SELECT)
    bench.network.advance(3.0)
    peer.transport.write(bytes.fromhex("0000000A FFFF 00 00 00 03 00000002"))
    bench.network.advance(9.5)
    assert not peer.ended
    bench.network.advance(1.0)
    assert peer.ended


@ROLES
def test_equipment_may_take_t3_to_establish_communication(active: bool, bench: Bench) -> None:
    class Slow(GemTool):
        async def s1f13(self, identity: list[str]) -> Established:
            await deferLater(bench.camera.clock, 30.0)
            return await super().s1f13(identity)

    host = connected(bench, Slow(), active)
    bench.until(lambda: link_of(host).state is LinkState.READY, 45.0)
    assert ["tcpcomm", "1.0"] == bench.result(host.are_you_there())


@ROLES
def test_a_session_whose_equipment_never_establishes_ends_after_t3(active: bool, bench: Bench) -> None:
    class Silent(GemTool):
        async def s1f13(self, identity: list[str]) -> Established:
            return await Deferred()

    host = connected(bench, Silent(), active)
    bench.network.advance(44.0)
    assert LinkState.HANDSHAKING is link_of(host).state
    bench.network.advance(2.0)
    assert LinkState.DOWN is link_of(host).state
    assert "no reply within 45 s" in link_of(host).reason


def test_a_session_is_selected_once_although_its_host_asks_twice_while_another_is_probed(
    bench: Bench,
) -> None:
    bench.serve(GemTool())
    dead = raw(bench)
    dead.transport.write(SELECT)
    bench.network.advance(1.0)
    peer = raw(bench)
    peer.transport.write(SELECT + bytes.fromhex("0000000A FFFF 00 00 00 01 00000002"))
    bench.network.advance(4.0)
    assert dead.ended
    responses = [peer.received[at : at + 14] for at in (0, 14)]
    assert [0, 1] == sorted(each[7] for each in responses)
    assert 1 == peer.received.count(b"\x81\x0d"), "communication is established once"


def test_a_message_without_a_whole_header_ends_the_session(bench: Bench) -> None:
    bench.serve(GemTool())
    peer = raw(bench)
    peer.transport.write(SELECT)
    bench.network.advance(0.5)
    assert (True, False) == (SELECTED in peer.received, peer.ended)
    peer.transport.write(bytes.fromhex("00000009 0000 81 01 00 00 000000"))
    bench.network.advance(0.5)
    assert peer.ended


def test_equipment_connects_again_to_a_host_that_says_it_is_not_selected(bench: Bench) -> None:
    """secsgem's passive host says so now and then: it answers Select.req before it notes that it may."""
    hosts: list[Raw] = []

    class Forgetful(Raw):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            if data == SELECT:
                self.transport.write(SELECTED)
            else:
                self.transport.write(bytes.fromhex("0000000A FFFF 00 04 00 07") + data[10:14])

    class Listening(Factory):
        def buildProtocol(self, address: Any) -> Raw:
            hosts.append(Forgetful())
            return hosts[-1]

    bench.robot.listening(PORT).listen(Listening())
    bench.serve_actively(GemTool())
    bench.network.advance(5.0)
    assert [True] == [each.ended for each in hosts]
    bench.network.advance(10.0)
    assert 2 == len(hosts), "T5 later"
