"""Disturbances do what they say, once, and all else passes as it came."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpcomm import Equipment, command, event
from tcpcomm.codec import Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Delimited
from tcpcomm.framing.notation import parse_framing
from tcpcomm.testing import chunkings
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.tap.disturbances import Corrupt
from tcpcomm.tools.tap.disturber import MOST_DISTURBANCES
from tcpcomm.tools.tap.lane import HELD_BUFFER
from tcpcomm.tools.tap.which import PassingFrame
from tests.tools.tap.world import World, joined

CRLF = Delimited(b"\r\n")


class Camera(Equipment):
    framing = CRLF
    codec = Template(fault="NG,{code:d}")

    @command("TRG,{job:d}", reply="OK,{x:d}")
    def locate(self, job: int) -> int:
        raise NotImplementedError

    @command("VER", reply="V{x:d}")
    def version(self) -> int:
        raise NotImplementedError

    @event("ALM,{code:d}")
    def alarm(self, code: int) -> None:
        """An alarm."""


CAMERA = Speech.declared(declaration_of(Camera))


def talk(world: World, *replies: bytes) -> tuple[list[bytes], list[bytes]]:
    """Let the host send a line for each reply. Return the chunks at both ends."""
    host, equipment = world.connect()
    for number, reply in enumerate(replies, 1):
        world.send(host, b"TRG,%d\r\n" % number)
        world.send(equipment, reply)
    return host.chunks, equipment.chunks


REPLIES = (b"OK,1\r\n", b"OK,2\r\n", b"OK,3\r\n", b"OK,4\r\n")


@pytest.mark.parametrize(
    ("text", "received", "told"),
    [
        ("drop reply 3", [b"OK,1\r\n", b"OK,2\r\n", b"OK,4\r\n"], "dropped: 6 bytes"),
        ("drop next reply", [b"OK,2\r\n", b"OK,3\r\n", b"OK,4\r\n"], "dropped: 6 bytes"),
        ("duplicate reply 2", [b"OK,1\r\n", b"OK,2\r\n" * 2, b"OK,3\r\n", b"OK,4\r\n"], "sent 2 times"),
        ("truncate after 2 reply 4", [*REPLIES[:3], b"OK"], "truncated to 2 of 6 bytes"),
        (
            "corrupt byte 4 reply 1",
            [b"OK,\xce\r\n", *REPLIES[1:]],
            "corrupted byte 4 of 6: 31 became ce",
        ),
        ("corrupt bit 32 reply 1", [b"OK,0\r\n", *REPLIES[1:]], "corrupted byte 4 of 6: 31 became 30"),
        (
            "corrupt checksum reply 1",
            [b"OK,0\r\n", *REPLIES[1:]],
            "corrupted byte 4 of 6: 31 became 30, because the framing has no checksum",
        ),
        ("truncate after 6 reply 1", [*REPLIES], "not truncated: it has only 6 bytes"),
    ],
)
def test_one_frame_is_changed_and_told_once(text: str, received: list[bytes], told: str) -> None:
    world = World(CRLF)
    world.disturb(text)

    at_host, at_equipment = talk(world, *REPLIES)

    assert received == at_host
    assert [b"TRG,%d\r\n" % number for number in range(1, 5)] == at_equipment
    assert [f"{told} ({text})"] == world.altered
    assert () == world.tap.list()
    assert [] == world.observer.only("fault", "half_frame")


def test_what_is_shown_is_what_was_sent_not_what_was_made_of_it() -> None:
    world = World(CRLF)
    world.disturb("cut reply 1", "truncate reply 2", "drop reply 3")

    talk(world, *REPLIES)

    assert [b"OK,1", b"OK,2", b"OK,3", b"OK,4"] == [e[1] for e in world.observer.only("frame_sent")]
    assert [] == world.observer.only("fault", "half_frame")


def test_every_so_many_frames_are_meant_until_it_is_removed() -> None:
    world = World(CRLF)
    number = world.tap.add("drop every 2 replies")
    host, equipment = world.connect()

    world.send(equipment, *REPLIES)
    assert [b"OK,1\r\n", b"OK,3\r\n"] == host.take()
    assert [2] == [each.hits for each in world.tap.list()]
    assert number is not None
    world.tap.remove(number)
    world.send(equipment, *REPLIES)
    assert [*REPLIES] == host.take()


def test_frames_of_a_chunk_are_meant_one_by_one() -> None:
    world = World(CRLF)
    world.disturb("drop frame 2 to-equipment")
    host, equipment = world.connect()

    world.send(host, b"A\r\nB\r\nC\r\nD")
    assert [b"A\r\nC\r\nD"] == equipment.take()
    world.send(host, b"E\r\n")
    assert [b"E\r\n"] == equipment.take()


def test_a_frame_in_several_chunks_is_held_only_if_it_may_be_meant() -> None:
    world = World(CRLF)
    world.disturb("drop frame 2 to-equipment")
    host, equipment = world.connect()

    world.send(host, b"A", b"A\r\n")
    assert [b"A", b"A\r\n"] == equipment.take()
    world.send(host, b"B")
    assert [] == equipment.take()
    world.send(host, b"B\r\nC")
    assert [b"C"] == equipment.take()


def test_half_a_frame_that_is_held_passes_when_the_disturbance_ends() -> None:
    world = World(CRLF)
    host, equipment = world.connect()
    number = world.tap.add("drop every 1 frames")
    world.send(host, b"A\r\nB")
    assert [] == equipment.take()

    assert number is not None
    world.tap.remove(number)
    world.wait()

    assert [b"B"] == equipment.take()


def test_half_a_frame_that_is_held_passes_at_the_end_of_the_stream() -> None:
    world = World(CRLF)
    host, equipment = world.connect()
    world.disturb("drop")

    world.send(host, b"half")
    host.transport.loseWriteConnection()
    world.wait()

    assert ([b"half"], True) == (equipment.chunks, equipment.ended)


def test_a_frame_that_has_begun_before_is_not_meant() -> None:
    world = World(CRLF)
    host, equipment = world.connect()

    world.send(host, b"A")
    world.disturb("drop")
    world.send(host, b"A\r\nB\r\nC\r\n")

    assert [b"A", b"A\r\nC\r\n"] == equipment.chunks


def test_a_frame_that_is_too_long_to_be_held_passes() -> None:
    world = World(Delimited(b"\r\n", max_frame=4 * HELD_BUFFER))
    host, equipment = world.connect()
    world.disturb("drop")
    data = bytes(HELD_BUFFER + 200_000)

    host.transport.write(data)
    world.wait(30.0)

    assert len(data) == len(joined(equipment.chunks))
    assert "nothing more is held back" in world.altered[0]


def test_cut_sends_the_rest_later_and_keeps_the_order() -> None:
    world = World(CRLF)
    world.disturb("cut after 3 wait 1 reply 1")
    host, equipment = world.connect()

    world.send(equipment, b"OK,1\r\n", b"OK,2\r\n")
    assert [b"OK,"] == host.take()
    world.wait(1.0)
    assert b"1\r\nOK,2\r\n" == joined(host.take())
    assert ["cut after 3 of 6 bytes, the rest 1 s later (cut after 3 wait 1 reply 1)"] == world.altered


def test_after_cut_never_all_waits_until_restore() -> None:
    world = World(CRLF)
    world.disturb("cut after 3 never reply 1")
    host, equipment = world.connect()

    world.send(equipment, b"OK,1\r\n", b"OK,2\r\n")
    world.send(host, b"TRG\r\n")
    world.wait(100.0)
    assert [b"OK,"] == host.take()

    world.tap.restore()
    world.wait()
    assert b"1\r\nOK,2\r\n" == joined(host.take())


def test_glue_sends_frames_in_one_chunk() -> None:
    world = World(CRLF)
    world.disturb("glue 3 reply 2")
    host, equipment = world.connect()

    world.send(equipment, *REPLIES, b"OK,5\r\n")

    assert [b"OK,1\r\n", b"OK,2\r\nOK,3\r\nOK,4\r\n", b"OK,5\r\n"] == host.chunks
    assert ["3 frames sent in one chunk (glue 3 reply 2)"] == world.altered


def test_glue_does_not_wait_for_ever() -> None:
    world = World(CRLF)
    world.disturb("glue")
    host, equipment = world.connect()

    world.send(equipment, b"OK,1\r\n")
    assert [] == host.take()
    world.wait(1.0)
    assert [b"OK,1\r\n"] == host.take()
    assert ["glued 1 of 2 frames: no other came in time (glue next frame)"] == world.altered


def test_a_late_reply_arrives_behind_the_next_command() -> None:
    world = World(CRLF)
    world.disturb("late reply 1")
    host, equipment = world.connect()

    world.send(host, b"TRG,1\r\n")
    world.send(equipment, b"OK,1\r\n")
    world.wait(100.0)
    assert [] == host.take()
    world.send(host, b"TRG,2\r\n")
    assert [b"OK,1\r\n"] == host.take()
    world.send(equipment, b"OK,2\r\n")
    assert [b"OK,2\r\n"] == host.take()


def test_a_late_reply_does_not_keep_a_connection_open() -> None:
    world = World(CRLF)
    world.disturb("late reply 1")
    host, equipment = world.connect()
    world.send(equipment, b"OK,1\r\n")

    equipment.transport.loseConnection()
    host.transport.loseConnection()
    world.wait(1.0)

    assert 0 == world.tap.connections


@pytest.mark.parametrize("text", ["delay 2 to-host", "delay 2 reply 1", "late 2 reply 1"])
def test_delays(text: str) -> None:
    world = World(CRLF)
    world.disturb(text)
    host, equipment = world.connect()

    world.send(equipment, b"OK,1\r\n")
    world.wait(1.9)
    assert [] == host.take()
    world.wait(0.1)
    assert [b"OK,1\r\n"] == host.take()
    assert 1 == len(world.altered)


def test_a_wrong_checksum_is_made_where_the_framing_has_one() -> None:
    framing = parse_framing("stx-etx,bcc=xor")
    world = World(framing)
    world.disturb("corrupt checksum reply 1")
    host, equipment = world.connect()
    wire = framing.encode(b"OK,1")

    world.send(equipment, wire)

    [got] = host.chunks
    assert (wire[:-1], wire[-1] ^ 1) == (got[:-1], got[-1])
    assert world.altered[0].endswith("so that the checksum is wrong (corrupt checksum reply 1)")


def test_a_pull_holds_all_and_restore_lets_it_go_on() -> None:
    world = World(CRLF)
    host, equipment = world.connect()

    world.tap.pull()
    world.send(host, b"TRG,1\r\n")
    world.send(equipment, b"ALM,1\r\n")
    host.transport.loseWriteConnection()
    world.wait(100.0)
    assert ([], [], False) == (host.chunks, equipment.chunks, equipment.ended)

    assert world.tap.is_pulled
    assert 1 == world.tap.restore()
    world.wait()
    assert ([b"ALM,1\r\n"], [b"TRG,1\r\n"], True) == (host.chunks, equipment.chunks, equipment.ended)
    assert ["from now on: pull, both ways", "no longer: pull, both ways"] == world.altered


def test_a_pull_for_some_seconds_ends_by_itself() -> None:
    world = World(CRLF)
    host, equipment = world.connect()

    world.disturb("pull for 5 to-host")
    world.send(equipment, b"OK,1\r\n")
    world.send(host, b"TRG,1\r\n")
    world.wait(4.0)
    assert ([], [b"TRG,1\r\n"]) == (host.chunks, equipment.chunks)
    world.wait(1.0)
    assert [b"OK,1\r\n"] == host.chunks
    assert () == world.tap.list()


def test_a_new_connection_is_told_of_what_is_active() -> None:
    world = World(CRLF)
    world.disturb("pull", "latency latency=1 to-host", "drop every 7")
    assert [] == world.altered

    world.connect()

    assert [
        "from now on: pull, both ways",
        "from now on: latency latency=1 to-host",
    ] == world.altered


def test_one_connection_of_several_is_disturbed() -> None:
    world = World(CRLF)
    pairs = [world.connect(), world.connect()]
    world.disturb("drop every 1 frames on 2", "slicer average_size=1 on 1")

    for host, equipment in pairs:
        world.send(equipment, b"OK\r\n")
        del host

    assert b"OK\r\n" == joined(pairs[0][0].chunks)
    assert b"" == joined(pairs[1][0].chunks)


def test_reset_and_close_end_connections_and_are_no_fault_of_a_side() -> None:
    ends: dict[str, tuple[list[str], str]] = {
        "reset": (["ConnectionLost"] * 2, "the tap reset both ends (RST); it lasted "),
        "close": (["ConnectionDone"] * 2, "the tap closed both ends (FIN); it lasted "),
    }
    for text, (lost, reason) in ends.items():
        world = World(CRLF)
        host, equipment = world.connect()
        world.send(host, b"half")
        world.observer.take()

        assert world.tap.add(text) is None
        world.wait()
        for each in (host, equipment):
            each.transport.loseConnection()
        world.wait()

        assert lost == [host.lost, equipment.lost]
        assert ["altered", "closed"] == [each[0] for each in world.observer.log]
        assert world.observer.log[1][1].startswith(reason)


def test_a_reset_in_place_of_a_reply_comes_behind_what_was_sent_before() -> None:
    world = World(CRLF)
    world.disturb("reset reply 2")
    host, equipment = world.connect()

    world.send(equipment, b"OK,1\r\nOK,2\r\n")
    world.wait()

    assert ([b"OK,1\r\n"], "ConnectionLost") == (host.chunks, host.lost)
    assert ["reset both ends (RST) (reset reply 2)"] == world.altered


def test_half_open_closes_one_end_and_the_other_hears_nothing() -> None:
    world = World(CRLF)
    host, equipment = world.connect()

    world.disturb("half-open")
    world.wait()
    assert (True, False) == (equipment.ended, host.ended)
    world.send(host, b"anybody?\r\n")
    world.wait(10.0)
    assert ([], None) == (equipment.chunks, host.lost)
    equipment.transport.loseConnection()
    host.transport.loseConnection()
    world.wait(1.0)
    assert 0 == world.tap.connections


def test_refused_connections_are_accepted_again() -> None:
    world = World(CRLF)
    old = world.connect()[0]

    world.disturb("refuse for 5")
    assert world.client() is None
    assert old.lost is None
    world.wait(5.0)
    assert world.client() is not None


def test_names_of_commands_and_kinds_of_messages_are_known_from_a_declaration() -> None:
    world = World(CAMERA)
    world.disturb("drop next reply of version", "drop event 2", "drop request 3")
    host, equipment = world.connect()

    world.send(equipment, b"ALM,1\r\n", b"ALM,2\r\n")
    world.send(host, b"TRG,1\r\n")
    world.send(equipment, b"OK,1\r\n")
    world.send(host, b"VER\r\n")
    world.send(equipment, b"V2\r\n")
    world.send(host, b"TRG,2\r\n")

    assert [b"ALM,1\r\n", b"OK,1\r\n"] == host.chunks
    assert [b"TRG,1\r\n", b"VER\r\n"] == equipment.chunks


def test_a_script_waits_for_a_frame_by_the_name_of_its_command() -> None:
    world = World(CAMERA)
    host, equipment = world.connect()
    found: list[bytes] = []
    world.tap.frame("to-host", command="version").addCallback(found.append)

    for request, reply in ((b"TRG,1\r\n", b"OK,1\r\n"), (b"VER\r\n", b"V2\r\n")):
        assert [] == found
        world.send(host, request)
        world.send(equipment, reply)

    assert [b"V2"] == found


@pytest.mark.parametrize("text", ["drop next of locate", "drop event 1"])
def test_names_and_events_without_a_declaration_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="only a declaration tells names and events"):
        World(CRLF).disturb(text)


def test_an_end_of_no_connection_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there is no open connection 3"):
        World().disturb("reset on 3")


def test_the_number_of_disturbances_is_limited() -> None:
    world = World()
    world.disturb(*["drop frame 999"] * MOST_DISTURBANCES)

    with pytest.raises(ConfigurationError, match="100 disturbances are active: remove some first"):
        world.disturb("drop")
    assert MOST_DISTURBANCES == world.tap.clear()
    world.disturb("drop")


def test_an_unknown_number_is_refused_with_those_that_there_are() -> None:
    world = World()
    world.disturb("drop")
    with pytest.raises(ConfigurationError, match="no disturbance has the number 7; there are: 1"):
        world.tap.remove(7)


def test_the_same_seed_repeats_what_is_random() -> None:
    def corrupted(seed: int) -> tuple[list[bytes], list[str]]:
        world = World(CRLF, seed=seed)
        world.disturb("corrupt share 0.5 replies", "delay 0.1 jitter 0.05 to-equipment")
        return talk(world, *REPLIES)[0], world.altered

    assert corrupted(1) == corrupted(1)
    assert corrupted(1) != corrupted(2)


def test_a_secret_is_not_shown_when_it_is_changed() -> None:
    frame = PassingFrame(b"secret\r\n", False, 1, b"******", is_secret=True)
    _, words = Corrupt(byte=1).change(frame.wire, frame, CRLF, World().tap.random)
    assert "corrupted byte 1 of 8" == words


LOSSLESS = st.sampled_from(
    [
        "delay 0.1 every 2",
        "cut every 3",
        "glue 3 frame 2",
        "late every 4",
        "late 0.2 every 3",
        "drop frame 999",
    ]
)


@settings(max_examples=60)
@given(
    st.lists(LOSSLESS, max_size=3),
    st.lists(st.binary(max_size=6).map(lambda data: data.replace(b"\r\n", b"")), max_size=8).flatmap(
        lambda lines: chunkings(b"".join(line + b"\r\n" for line in lines) + b"rest")
    ),
)
def test_disturbances_that_lose_nothing_keep_all_bytes_and_their_order(
    texts: list[str], chunks: list[bytes]
) -> None:
    world = World(CRLF)
    world.disturb(*texts)
    host, equipment = world.connect()

    world.send(host, *chunks)
    host.transport.loseWriteConnection()
    world.wait(5.0)
    world.tap.clear()
    world.wait(5.0)

    assert b"".join(chunks) == joined(equipment.chunks)
    assert equipment.ended


@settings(max_examples=40)
@given(
    st.sampled_from([(r"delimited:\r\n", "drop"), ("length:2", "drop"), ("netstring", "duplicate")]),
    st.lists(st.from_regex(rb"[a-z]{0,5}", fullmatch=True), max_size=8),
    st.integers(1, 4),
    st.data(),
)
def test_exactly_the_frames_that_are_meant_are_changed(
    kind: tuple[str, str], frames: list[bytes], every: int, data: st.DataObject
) -> None:
    framing = parse_framing(kind[0])
    wires = [framing.encode(frame) for frame in frames]
    copies = 0 if kind[1] == "drop" else 2
    expected = [wire * (1 if number % every else copies) for number, wire in enumerate(wires, 1)]
    world = World(framing)
    world.disturb(f"{kind[1]} every {every}")
    host, equipment = world.connect()

    world.send(host, *data.draw(chunkings(b"".join(wires))))

    assert b"".join(expected) == joined(equipment.chunks)
    assert len(frames) // every == len(world.altered)


def test_without_a_framing_chunks_are_disturbed() -> None:
    world = World()
    world.disturb("drop request 2", "duplicate next reply")
    host, equipment = world.connect()

    world.send(host, b"a", b"b", b"c")
    world.send(equipment, b"x")

    assert ([b"a", b"c"], [b"xx"]) == (equipment.chunks, host.chunks)
