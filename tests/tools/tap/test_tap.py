"""A tap passes what it sees as it came, and tells it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError

from tcpcomm import Equipment, command
from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Delimited, LengthPrefixed, Lines, Unframed
from tcpcomm.testing import Tap, chunkings
from tcpcomm.testing.logged_errors import logged_errors
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.speech import Speech
from tests.tools.tap.world import World, joined

CRLF = Delimited(b"\r\n")


def test_chunks_pass_as_they_came_in_both_directions() -> None:
    world = World(CRLF)
    host, equipment = world.connect()

    world.send(host, b"TR", b"G,1\r\nTRG,2\r\n")
    world.send(equipment, b"OK,1\r\n", b"OK", b",2\r\n")

    assert [b"TR", b"G,1\r\nTRG,2\r\n"] == equipment.chunks
    assert [b"OK,1\r\n", b"OK", b",2\r\n"] == host.chunks
    assert [] == world.altered


def test_naive_programs_without_a_framing_are_shown_at_once() -> None:
    world = World()
    host, equipment = world.connect()

    world.send(host, b"TRG")
    world.send(equipment, b"OK 1")

    assert [b"TRG"] == equipment.chunks
    assert [b"OK 1"] == host.chunks
    shown = [line.split("  ", 1)[1].split() for line in world.lines if "equipment  " in line]
    assert [
        ["host", "->", "equipment", "54", "52", "47", "|TRG|"],
        ["host", "<-", "equipment", "4f", "4b", "20", "31", "|OK", "1|"],
    ] == shown


def test_cut_and_glued_chunks_are_marked() -> None:
    world = World(Lines())
    host, _ = world.connect()
    world.lines.clear()

    world.send(host, b"TRG,1\nTRG,2\nTR")

    marks = [line.split("host -> equipment  ")[1] for line in world.lines]
    assert ["54 52 47 2c 31", "54 52 47 2c 32"] == [each[:14] for each in marks[:2]]
    assert marks[2].startswith("half a frame: the host sent b'TR'")
    assert ["2 frames in one chunk"] == marks[3:]


def test_an_orderly_end_is_told_with_who_closed_first_and_is_no_fault() -> None:
    for first in ("host", "equipment"):
        world = World(CRLF)
        host, equipment = world.connect()
        world.send(host, b"TRG,1\r\n")
        ends = [host, equipment] if first == "host" else [equipment, host]
        for each in ends:
            each.transport.loseConnection()
            world.wait()

        assert ["ConnectionDone"] * 2 == [host.lost, equipment.lost]
        [(_, reason)] = world.observer.only("closed")
        assert reason.startswith(f"the {first} closed it first (FIN); it lasted ")
        assert reason.endswith(" s; 7 bytes to the equipment, 0 to the host")
        assert [] == world.observer.only("fault", "altered", "half_frame")
        assert 0 == world.tap.connections


def test_the_end_of_one_direction_passes_and_the_other_goes_on() -> None:
    world = World()
    host, equipment = world.connect()

    world.send(host, b"question")
    host.transport.loseWriteConnection()
    world.wait()
    world.send(equipment, b"answer")

    assert (True, False) == (equipment.ended, host.ended)
    assert [b"answer"] == host.chunks
    assert "the host has finished sending (FIN)" in world.lines[-2]


def test_a_reset_passes_as_a_reset_and_is_told() -> None:
    world = World()
    host, equipment = world.connect()

    host.transport.abortConnection()
    world.wait()

    assert "ConnectionLost" == equipment.lost
    [(_, reason)] = world.observer.only("closed")
    assert reason.startswith("the host reset it (RST); it lasted ")


def test_a_target_that_refuses_is_told_and_the_client_is_reset() -> None:
    world = World()
    world.listening.stopListening()

    host = world.client()

    assert host is not None
    assert "ConnectionLost" == host.lost
    assert [
        ("opened",),
        ("ready",),
        (
            "closed",
            "the equipment at the target cannot be reached: refused: the machine is there, but no program "
            "listens on that port",
        ),
    ] == world.observer.log[1:]


def test_a_client_that_leaves_before_the_target_answers_is_told() -> None:
    world = World()
    world.machines[2].pull()
    host = world.client()
    assert host is not None

    host.transport.loseConnection()
    world.wait()
    world.wait(60.0)

    assert ["opened", "ready", "closed"] == [each[0] for each in world.observer.log[1:]]
    assert 0 == world.tap.connections


def test_half_a_frame_at_the_end_of_a_stream_is_a_fault_of_its_sender() -> None:
    world = World(CRLF)
    host, _ = world.connect()

    world.send(host, b"TRG,1\r\nTR")
    host.transport.loseConnection()
    world.wait()

    assert 1 == len(world.observer.only("fault"))


def test_bytes_that_do_not_fit_are_shown_raw_with_the_reason() -> None:
    world = World(LengthPrefixed(4))
    host, equipment = world.connect()

    world.send(host, b"TRG,1\r\n", b"TRG,2\r\n")

    assert b"TRG,1\r\nTRG,2\r\n" == joined(equipment.chunks)
    assert 1 == len(world.observer.only("fault"))
    assert any("!! " in line for line in world.lines)
    assert ("frame_received", b"TRG,2\r\n") in world.observer.log


def test_silence_ends_a_frame_where_the_language_says_so() -> None:
    world = World(Speech.framed(Unframed(join=True), gap=0.5))
    host, equipment = world.connect()

    world.send(host, b"TR", b"G")
    assert [] == world.observer.only("frame_received")
    world.wait(0.5)

    assert [("frame_received", b"TRG")] == world.observer.only("frame_received")
    assert [b"TR", b"G"] == equipment.chunks


def test_more_connections_than_allowed_are_reset() -> None:
    world = World(most=1)
    world.connect()

    second = world.client()

    assert second is not None
    assert "ConnectionLost" == second.lost
    assert 1 == len(world.accepted)
    assert "was reset: 1 connections are open, and no more may be" in world.lines[-1]


def test_clients_that_are_reset_are_told_once_in_a_second() -> None:
    world = World(most=1)
    world.connect()

    for _ in range(5):
        world.client()
    world.wait(1.0)
    world.client()

    told = [line.partition(" was reset: ")[2] for line in world.lines if "was reset" in line]
    assert [
        "1 connections are open, and no more may be",
        "1 connections are open, and no more may be; and 4 others",
    ] == told


def test_a_client_from_another_network_is_reset() -> None:
    world = World(allow=["192.168.0.0/24"])

    host = world.client()

    assert host is not None
    assert "ConnectionLost" == host.lost
    assert "its address is in no allowed network" in world.lines[-1]


def test_a_peer_that_floods_is_slowed_down() -> None:
    world = World()
    host, equipment = world.connect()
    equipment.transport.pauseProducing()

    host.transport.write(bytes(4_000_000))
    world.wait(10.0)

    received = world.tap.upstream.received
    assert received < 1_000_000
    world.wait(10.0)
    assert received == world.tap.upstream.received
    equipment.transport.resumeProducing()
    world.wait(20.0)
    assert 4_000_000 == len(joined(equipment.chunks))


def test_equipment_that_connects_to_its_host_is_shown_as_the_equipment() -> None:
    world = World(CRLF, host_connects=False)
    equipment, host = world.connect()

    world.send(equipment, b"ALM,7\r\n")
    world.disturb("drop next request")
    world.send(host, b"TRG,1\r\n", b"TRG,2\r\n")

    assert [("frame_sent", b"ALM,7")] == world.observer.only("frame_sent")
    assert [b"TRG,2\r\n"] == equipment.chunks
    assert ["dropped: 7 bytes (drop next request)"] == world.altered


@settings(max_examples=20)
@given(chunkings(b"".join(b"%d\r\n" % number for number in range(30))))
def test_without_a_disturbance_no_chunk_is_changed(chunks: list[bytes]) -> None:
    world = World(CRLF)
    host, equipment = world.connect()

    world.send(host, *chunks)

    assert [each for each in chunks if each] == equipment.chunks


def test_a_script_waits_for_frames_and_for_time() -> None:
    world = World(CRLF)
    host, _ = world.connect()
    found: list[object] = []
    world.tap.frame("to-equipment", contains="2").addCallback(found.append)
    world.tap.frame("to-host").addCallback(found.append)
    world.tap.after(1.0).addCallback(found.append)

    world.send(host, b"TRG,1\r\n", b"TRG,2\r\n")
    assert [b"TRG,2"] == found
    world.wait(1.0)
    assert [b"TRG,2", None] == found


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"direction": "up"}, "the direction is to-host or to-equipment"),
        ({"command": "locate"}, "only a declaration tells names"),
    ],
    ids=["direction", "command"],
)
def test_waiting_for_a_frame_that_cannot_be_told_is_refused(options: dict[str, str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        World().tap.frame(**options)


@settings(max_examples=20)
@given(st.lists(st.binary(min_size=1, max_size=20), max_size=20))
def test_without_a_framing_each_chunk_is_a_frame(chunks: list[bytes]) -> None:
    world = World()
    host, equipment = world.connect()

    world.send(host, *chunks)

    assert chunks == equipment.chunks
    assert chunks == [each[1] for each in world.observer.only("frame_received")]


def test_a_failure_in_what_decodes_does_not_end_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(CRLF)
    host, equipment = world.connect()
    feed = Dissector.feed

    def fail(self: Dissector, data: bytes, *, to_host: bool) -> None:
        if data == b"bad":
            raise ValueError("a mistake")
        feed(self, data, to_host=to_host)

    monkeypatch.setattr(Dissector, "feed", fail)
    with logged_errors() as errors:
        world.send(host, b"bad", b"good")

    assert [b"bad", b"good"] == equipment.chunks
    assert "decoding failed, all that follows is shown raw: ValueError: a mistake" in world.lines[-2]
    assert ("frame_received", b"good") in world.observer.log
    assert 1 == len(errors)


def test_a_stopped_tap_ends_what_waits_for_it() -> None:
    world = World(CRLF)
    world.connect()
    ended: list[object] = []
    for waiting in (world.tap.frame(), world.tap.after(5.0)):
        waiting.addErrback(lambda failure: ended.append(failure.type))

    world.tap.stop()
    world.wait()

    assert [CancelledError, CancelledError] == ended
    [(_, reason)] = world.observer.only("closed")
    assert reason.startswith("the tap was stopped; ")


def test_the_language_may_be_a_framing_or_a_class_of_equipment() -> None:
    class Lamp(Equipment):
        @command("ON", reply="OK")
        def on(self) -> None: ...

    assert Lamp is Tap("tcp:127.0.0.1:1", speech=Lamp).speech.declaration.kind  # type: ignore[union-attr]
    assert CRLF == Tap("tcp:127.0.0.1:1", speech=CRLF).speech.to_host
    assert Tap("tcp:127.0.0.1:1").speech.is_raw
