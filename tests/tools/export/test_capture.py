"""A capture has the recorded bytes in TCP packets that fit together, and comments on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.export.capture import HELD_FOR, MOST_COMMENTS, MOST_HELD, capture
from tcpcomm.tools.export.made_up_tcp import LARGEST_SEGMENT, checksum
from tcpcomm.tools.export.pcapng import LONGEST_COMMENT
from tcpcomm.tools.export.source import Exported
from tcpcomm.tools.record.values import RecordedAlteration, RecordedFault, RecordedGap, RecordedState
from tests.tools.export.made import AT, Talk, captured
from tests.tools.export.reader import packets, streams

CHUNKS = st.lists(st.tuples(st.binary(max_size=300) | st.just(b"x" * 150_000), st.booleans()), max_size=20)


@given(
    CHUNKS, st.sampled_from(["10.0.0.7:50432", "[fe80::1%eth0]:40000", "unix:/run/a.sock", "a local peer"])
)
def test_both_directions_can_be_put_together(chunks: list[tuple[bytes, bool]], peer: str) -> None:
    talk = Talk(peer=peer)
    for data, sent in chunks:
        talk.chunk(data, sent=sent)
    (stream,) = streams(captured(talk.close()))
    received, sent_bytes = (b"".join(data for data, sent in chunks if sent == way) for way in (False, True))
    assert (received, sent_bytes) == (bytes(stream.from_client), bytes(stream.from_server))


@given(st.integers(0, 2**32), st.lists(st.binary(min_size=1, max_size=2000), max_size=10))
def test_sequence_numbers_may_wrap(number: int, chunks: list[bytes]) -> None:
    talk = Talk(number=number)
    for data in chunks:
        talk.chunk(data)
    (stream,) = streams(captured(talk))
    assert b"".join(chunks) == stream.from_client


def test_packets_have_the_recorded_times_and_addresses() -> None:
    *_, packet = packets(captured(Talk().chunk(b"TRG,3\r\n")))
    assert (AT + 2000, b"TRG,3\r\n") == (packet.at, packet.data)
    assert (("10.0.0.7", 50432), ("10.0.0.9", 9999)) == (packet.source, packet.destination)
    assert packet.is_inbound


@pytest.mark.parametrize(
    ("peer", "target", "details", "client"),
    [
        ("10.0.0.9:9999", "10.0.0.7:50432", {}, "10.0.0.7"),
        ("10.0.0.9:9999", "10.0.0.7:50432", {"is_equipment": False}, "10.0.0.7"),
        ("10.0.0.9:40000", "10.0.0.7:50432", {}, "10.0.0.9"),
        ("10.0.0.9:40000", "10.0.0.7:50432", {"is_equipment": False, "declaration": "a:A"}, "10.0.0.7"),
        ("10.0.0.9:40000", "10.0.0.7:50432", {"is_equipment": False}, "10.0.0.7"),
        ("10.0.0.9:60000", "10.0.0.7:50432", {"is_equipment": False}, "10.0.0.9"),
    ],
    ids=str,
)
def test_the_side_that_connected_is_found_by_its_port_or_its_role(
    peer: str, target: str, details: dict[str, Any], client: str
) -> None:
    (stream,) = streams(captured(Talk(peer, target, **details).chunk(b"x")))
    assert client == stream.client[0]


@pytest.mark.parametrize(
    ("peer", "target", "client", "server"),
    [
        ("unix:/run/a.sock", "", "192.0.2.1", "192.0.2.2"),
        ("camera:9999", "10.0.0.7:50000", "10.0.0.7", "192.0.2.1"),
        ("[2001:db8:5::7]:50000", "10.0.0.9:99", "2001:db8:5::7", "::ffff:a00:9"),
        ("[::1]:50000", "unix:/x", "::1", "2001:db8::1"),
        ("127.0.0.1:9999", "127.0.0.1:9999", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1:50000", "tcp:host=camera-1:port=9999", "127.0.0.1", "192.0.2.1"),
    ],
)
def test_addresses_that_are_not_known_are_made_up(peer: str, target: str, client: str, server: str) -> None:
    (stream,) = streams(captured(Talk(peer, target).chunk(b"x")))
    assert {client, server} == {stream.client[0], stream.server[0]}
    assert stream.client != stream.server


@pytest.mark.parametrize(
    ("target", "server"),
    [
        ("tcp:10.0.0.5:9999", ("10.0.0.5", 9999)),
        ("tcp:host=10.0.0.5:port=9999:timeout=3", ("10.0.0.5", 9999)),
        ("tls:10.0.0.5:9999:caCerts=ca.pem", ("10.0.0.5", 9999)),
        ("tcp:\\:\\:1:9999", ("::1", 9999)),
    ],
)
def test_the_target_of_a_tap_is_an_endpoint_with_an_address(target: str, server: tuple[str, int]) -> None:
    (stream,) = streams(captured(Talk("127.0.0.1:40000", target).chunk(b"x")))
    assert server == stream.server
    (stream,) = streams(captured(Talk(target, "127.0.0.1:40000", is_equipment=False).chunk(b"x")))
    assert server == stream.server


def test_each_of_several_devices_has_an_address_of_its_own() -> None:
    targets = ("tcp:10.0.0.5:9999", "tcp:10.0.0.6:9999", "tcp:camera-1:9999", "tcp:camera-2:9999")
    talks = [
        Talk("10.0.0.1:40000", each, number=number).chunk(b"x") for number, each in enumerate(targets, 1)
    ]
    servers = [each.server[0] for each in streams(captured(*talks))]
    assert ["10.0.0.5", "10.0.0.6", "192.0.2.1", "192.0.2.2"] == servers


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("the peer closed the connection", "closed by the client"),
        ("closed here", "closed by the server"),
        ("the peer reset the connection: its program ended", "reset by the client"),
        ("the connection was aborted here", "reset by the server"),
        ("the host closed it first (FIN); it lasted 0.010 s", "closed by the client"),
        ("the equipment closed it first (FIN)", "closed by the server"),
        ("the equipment reset it (RST)", "reset by the server"),
    ],
)
def test_the_end_is_that_of_the_session(reason: str, end: str) -> None:
    data = captured(Talk(reason=reason).chunk(b"x").close())
    assert end == streams(data)[0].ended
    assert any(f"closed: {reason}" in packet.comments for packet in packets(data))


def test_a_session_without_an_end_has_none() -> None:
    assert ["", ""] == [streams(captured(talk))[0].ended for talk in (Talk(), Talk(is_cut=True).close())]


def test_large_chunks_become_several_packets() -> None:
    sizes = [len(each.data) for each in packets(captured(Talk().chunk(b"x" * 150_000)))]
    assert [LARGEST_SEGMENT, LARGEST_SEGMENT, 150_000 - 2 * LARGEST_SEGMENT] == sizes[3:]


def test_messages_are_comments_of_the_packets_that_carry_them() -> None:
    talk = Talk().chunk(b"TRG,3\r\nTRG,4\r\n").message(b"TRG,3", values={"job": 3}).message(b"TRG,4")
    talk.message(b"OK,4.5", sent=True, answers=3, seconds=0.0005, values={"result": 4.5})
    talk.chunk(b"OK,4.5\r\n", sent=True)
    *_, received, sent = packets(captured(talk))
    assert ("command: locate(job=3)", "command: locate()") == received.comments
    assert ("reply: result=4.5, answers locate(job=3) after 0.500 ms",) == sent.comments


def test_faults_states_gaps_and_disturbances_are_comments() -> None:
    talk = Talk().chunk(b"x")
    talk.add(RecordedFault, sent=False, kind="BadChecksum", text="it is wrong", details="in 0a")
    talk.add(RecordedAlteration, sent=True, text="dropped reply 3")
    talk.chunk(b"y", sent=True)
    others: list[Exported] = [
        RecordedState(number=0, at=AT, name="link", state="ready", reason="proven"),
        RecordedGap(number=9, at=AT, until=AT, count=3, size=30, reason="the disk is too slow"),
    ]
    first, _, _, received, sent = packets(captured(talk, also=others))
    assert "2026-11-28T21:06:40.123456Z link ready: proven" in first.comments
    assert ("BadChecksum: it is wrong: in 0a",) == received.comments
    assert "disturbed: dropped reply 3" == sent.comments[0]
    assert sent.comments[1].startswith("3 values (30 bytes) are missing from 2026-11-28")


def test_comments_are_limited() -> None:
    talk = Talk().chunk(b"TRG")
    for _ in range(MOST_COMMENTS + 5):
        talk.message(b"TRG", problem="x" * LONGEST_COMMENT)
    *_, packet = packets(captured(talk))
    assert (MOST_COMMENTS + 1, "5 more") == (len(packet.comments), packet.comments[-1])
    assert LONGEST_COMMENT + 2 == len(packet.comments[0])


def test_few_packets_wait_for_their_comments() -> None:
    taken = 0

    def values() -> Iterator[Exported]:
        nonlocal taken
        for value in talk.values:
            taken += 1
            yield value

    talk = Talk()
    for _ in range(2 * MOST_HELD):
        talk.chunk(b"x")
    written = capture(values(), {1: talk.session})
    while next(written).find(b"x" * 1, 60) < 0 or taken < 3:
        pass
    assert taken <= min(MOST_HELD, HELD_FOR // 1000) + 3


def test_interfaces_and_addresses_have_names() -> None:
    data = captured(
        Talk(declaration="my_camera:Camera").chunk(b"x"), Talk("unix:/run/a b", number=2, first=9)
    )
    assert {"10.0.0.9 port 9999"} == {each.interface for each in packets(data)}
    assert b"\x0a\x00\x00\x09Camera\0" in data
    assert b"\xc0\x00\x02\x01unix--run-a-b\0" in data


@given(st.binary(max_size=100))
def test_a_checksum_makes_the_sum_full(data: bytes) -> None:
    whole = data + b"\0" * (len(data) % 2)
    check = checksum(whole)
    total = sum(int.from_bytes(whole[at : at + 2], "big") for at in range(0, len(whole), 2)) + check
    assert total % 0xFFFF == 0


def test_nothing_recorded_is_an_empty_capture() -> None:
    assert [] == [*packets(b"".join(capture([], {})))]
