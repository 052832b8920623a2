"""The TCP streams of pcap and pcapng files are put together as a receiver does."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.sources import source as source_module
from tcpcomm.tools.guess.sources.packets.files import is_packet_file
from tcpcomm.tools.guess.sources.packets.packet_source import PacketSource
from tcpcomm.tools.guess.sources.packets.reassembly import Direction
from tcpcomm.tools.guess.sources.source import UnreadableCapture
from tests.tools.guess.sources.made_packets import ACK, LINKS, RST, SYN, Sent, Talk, pcap, pcapng, tcp
from tests.tools.record.sessions import Session

ASKED = (b"TRG,3\r\n", b"OK,1.5\r\n", b"TRG,4\r\n", b"OK,2.5\r\n")


def talk(**details: Any) -> Talk:
    """Return a conversation of two requests."""
    made = Talk(**details).open()
    for side, data in zip((0, 1, 0, 1), ASKED, strict=True):
        made.say(side, data)
    return made.close()


def source_of(data: bytes) -> PacketSource:
    assert is_packet_file(data)
    return PacketSource.of_file(io.BytesIO(data))


def captures(data: bytes) -> list[Capture]:
    source = source_of(data)
    return [source.capture(each) for each in source.streams()]


def the_capture(*packets: Sent) -> Capture:
    (found,) = captures(pcap(packets))
    return found


def said(capture: Capture) -> list[tuple[int, bytes]]:
    return [(each.side, each.data) for each in capture.chunks]


def with_gaps(capture: Capture) -> list[tuple[int, bytes, bool]]:
    return [(each.side, each.data, each.after_gap) for each in capture.chunks]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(
    "write",
    [
        pcap,
        lambda packets, link: pcap(packets, link, order=">"),
        lambda packets, link: pcap(packets, link, nanoseconds=True),
        pcapng,
        lambda packets, link: pcapng(packets, link, order=">"),
        lambda packets, link: pcapng(packets, link, resolution=9),
        lambda packets, link: pcapng(packets, link, resolution=128 + 20),
    ],
    ids=["pcap", "pcap big", "pcap ns", "pcapng", "pcapng big", "pcapng ns", "pcapng binary"],
)
def test_every_form_of_a_file_is_read(write: Callable[[Sequence[Sent], str], bytes], link: str) -> None:
    for client, server in (("10.0.0.7:50432", "10.0.0.9:8501"), ("fe80::7:50432", "fe80::9:8501")):
        (capture,) = captures(write(talk(client=client, server=server).packets, link))
        assert [*zip((0, 1, 0, 1), ASKED, strict=True)] == said(capture)
        assert [1.004, 1.005, 1.006, 1.007] == pytest.approx([each.at for each in capture.chunks])
        assert capture.from_start
        assert () == capture.notes


def test_a_stream_has_the_addresses_of_both_sides_the_opener_first() -> None:
    (stream,) = source_of(pcap(talk().packets)).streams()
    assert ("10.0.0.7:50432 > 10.0.0.9:8501", 30, 4) == (stream.name, stream.size, stream.chunks)
    (stream,) = source_of(pcap(talk(client="::1:50432", server="::1:8501").packets)).streams()
    assert "[::1]:50432 > [::1]:8501" == stream.name


def test_short_packets_that_ethernet_has_filled_up_are_not_longer() -> None:
    made = Talk()
    made.add(tcp(made.client, made.server, 1, b"A", padding=5)).add(tcp(made.server, made.client, 9, b"B"))
    assert [(0, b"A"), (1, b"B")] == said(the_capture(*made.packets))


def test_options_and_extension_headers_are_skipped() -> None:
    hop_by_hop = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    authentication = bytes([6, 4]) + bytes(22)
    for extension in (b"", hop_by_hop, authentication):
        packet = tcp("::1:50000", "::2:80", 1, b"A", options=bytes([1, 1, 1, 0]), extension=extension)
        if extension == authentication:
            packet = packet[:6] + bytes([51]) + packet[7:]
        assert [(0, b"A")] == said(the_capture(Sent(1.0, packet)))


def test_a_connection_without_its_beginning_is_opened_by_the_port_of_a_client() -> None:
    made = Talk().say(1, b"OK\r").say(0, b"TRG\r")
    capture = the_capture(*made.packets)
    assert [(1, b"OK\r"), (0, b"TRG\r")] == said(capture)
    assert not capture.from_start


def test_without_a_port_that_tells_the_side_that_speaks_first_is_the_opener() -> None:
    made = Talk(client="10.0.0.7:2000", server="10.0.0.9:8501").confirm(0).say(1, b"OK\r").say(0, b"TRG\r")
    assert [(0, b"OK\r"), (1, b"TRG\r")] == said(the_capture(*made.packets))


def test_ports_that_are_used_again_are_another_stream() -> None:
    again = talk(numbers=(900_000, 7))
    first, second = captures(pcap([*talk().packets, *again.packets]))
    assert said(first) == said(second)


def test_a_handshake_that_is_sent_again_is_the_same_stream() -> None:
    made = Talk()
    made.add(made.packet(0, flags=SYN)).open().say(0, b"A")
    made.packets.insert(4, made.packets[0])
    assert [(0, b"A")] == said(the_capture(*made.packets))


def test_streams_side_by_side_are_kept_apart() -> None:
    talks = [talk(client=f"10.0.0.7:{port}") for port in (50001, 50002, 50003)]
    mixed = [packet for group in zip(*(each.packets for each in talks), strict=True) for packet in group]
    found = captures(pcap(mixed))
    assert [[*zip((0, 1, 0, 1), ASKED, strict=True)]] * 3 == [said(each) for each in found]
    assert 3 == len({each.name for each in found})


def test_bytes_that_are_sent_again_and_keep_alives_count_once() -> None:
    made = Talk().open().say(0, b"ABC")
    made.add(made.packet(0, b"ABC", at=-3)).add(made.packet(0, b"C", at=-1)).add(
        made.packet(0, b"\0", at=-1)
    )
    made.add(made.packet(0, b"CDE", at=-1))
    assert [(0, b"ABC"), (0, b"DE")] == said(the_capture(*made.packets))


def test_a_segment_that_comes_too_early_waits() -> None:
    made = Talk().open()
    made.add(made.packet(0, b"DEF", at=3)).add(made.packet(0, b"ABC"))
    assert [(0, b"ABC", False), (0, b"DEF", False)] == with_gaps(the_capture(*made.packets))


def test_bytes_that_the_other_side_has_and_the_capture_lacks_are_a_gap() -> None:
    made = Talk().open().say(0, b"ABC").say(0, b"DEF", is_seen=False).confirm(1).say(0, b"GHI").say(1, b"1")
    made.say(0, b"JKL").say(1, b"2")
    expected = [(0, b"ABC", False), (0, b"GHI", True), (1, b"1", False), (0, b"JKL", False)]
    assert expected == with_gaps(the_capture(*made.packets))[:4]


def test_bytes_that_nobody_has_are_a_gap_at_the_end_of_the_capture() -> None:
    made = Talk().open().say(0, b"ABC")
    made.add(made.packet(0, b"GHI", at=3))
    assert [(0, b"ABC", False), (0, b"GHI", True)] == with_gaps(the_capture(*made.packets))


def test_packets_that_were_cut_leave_a_gap_and_a_note() -> None:
    made = Talk().open()
    whole = made.packet(0, b"ABCDEF")
    made.add(whole[:-4], len(whole)).say(1, b"1")
    made.add(made.packet(0, b"GHI", at=6))
    capture = the_capture(*made.packets)
    assert [(0, b"AB", False), (1, b"1", False), (0, b"GHI", True)] == with_gaps(capture)
    assert capture.notes == (
        "1 packet is cut, so bytes are missing: capture whole ones, as tcpdump -s 0 does",
    )


def test_a_reset_carries_no_bytes_of_the_stream() -> None:
    made = Talk().open().say(0, b"ABC")
    made.add(made.packet(1, b"no such port", flags=RST | ACK))
    assert [(0, b"ABC")] == said(the_capture(*made.packets))


def test_a_segment_of_a_connection_long_ago_is_left_out() -> None:
    made = Talk().open().say(0, b"ABC")
    made.add(made.packet(0, b"old", at=2**31 - 5)).say(0, b"DEF")
    assert [(0, b"ABC"), (0, b"DEF")] == said(the_capture(*made.packets))


def test_fragments_of_ip_are_left_out_and_told() -> None:
    made = talk()
    packet = made.packet(0, b"more")
    made.add(packet[:6] + b"\x20\x00" + packet[8:])
    assert ("1 packet is left out, because IP sent them in fragments",) == the_capture(*made.packets).notes


@pytest.mark.parametrize("write", [pcap, pcapng])
@pytest.mark.parametrize("cut", [1, 9, 20, 55])
def test_a_file_that_is_cut_is_read_up_to_there(write: Callable[..., bytes], cut: int) -> None:
    made = Talk().open().say(0, b"ABC").say(1, b"1" * 40)
    (capture,) = captures(write(made.packets)[:-cut])
    assert [(0, b"ABC")] == said(capture)
    assert ("the file is cut behind packet 4; the packets up to there are read",) == capture.notes


@pytest.mark.parametrize("write", [pcap, pcapng])
def test_a_file_that_is_damaged_is_read_up_to_there(write: Callable[..., bytes]) -> None:
    made = Talk().open().say(0, b"ABC")
    (capture,) = captures(write(made.packets) + b"\xff" * 100)
    assert [(0, b"ABC")] == said(capture)
    assert ("the file is damaged behind packet 4; the packets up to there are read",) == capture.notes


def test_sections_behind_each_other_are_read() -> None:
    first, second = pcapng(talk().packets, order=">"), pcapng(talk(client="10.0.0.8:50000").packets, "raw")
    assert 2 == len(captures(first + second))


def test_simple_and_obsolete_packets_are_read() -> None:
    packets = [bytes(12) + b"\x08\x00" + each.data for each in talk().packets]
    made = pcapng([])
    for data in packets[:-2]:
        body = struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)
        made += struct.pack("<II", 3, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    for data in packets[-2:]:
        body = struct.pack("<HHIIII", 0, 0, 0, 1, len(data), len(data)) + data + bytes(-len(data) % 4)
        made += struct.pack("<II", 2, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    (capture,) = captures(made)
    assert [*ASKED] == [each.data for each in capture.chunks]
    assert [None, None, None, 1e-6] == [each.at for each in capture.chunks]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pcap([]), "it holds no packets"),
        (pcap([Sent(1.0, b"\x45" + bytes(50))]), "it holds no TCP among its 1 packets"),
        (pcap(Talk().open().packets), "its 3 packets of TCP carry no bytes"),
        (pcap([])[:20] + struct.pack("<I", 105) + pcap(talk().packets)[24:], r"link type 105 \(Wi-Fi\)"),
    ],
    ids=["no packet", "no tcp", "no bytes", "wi-fi"],
)
def test_a_file_without_a_stream_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableCapture, match=reason):
        source_of(data).streams()


def test_a_long_stream_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MOST_SAMPLED", 100)
    made = Talk().open()
    for _ in range(50):
        made.say(0, b"x" * 7)
    capture = the_capture(*made.packets)
    assert 14 == len(capture.chunks)
    assert ("a sample: the first 98 of 350 bytes",) == capture.notes


def test_the_first_chunk_of_a_sample_is_cut_if_it_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MOST_SAMPLED", 100)
    capture = the_capture(*Talk().open().say(0, b"x" * 170).packets)
    assert [100] == [len(each.data) for each in capture.chunks]


def test_a_stream_has_a_limited_number_of_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "MOST_SAMPLED_CHUNKS", 3)
    assert 3 == len(the_capture(*talk().packets).chunks)


def test_connections_beyond_the_most_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tcpcomm.tools.guess.sources.packets.connections.MOST_STREAMS", 2)
    packets = [each for port in (50001, 50002, 50003) for each in talk(client=f"10.0.0.7:{port}").packets]
    source = source_of(pcap(packets))
    assert [1, 2] == [each.number for each in source.streams()]
    assert "8 packets of others are left out" in source.notes[0]


@st.composite
def _arrivals(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Return the bytes of a direction, and segments of it: in pieces, again, overlapping, out of order."""
    data = draw(st.binary(min_size=1, max_size=40))
    cuts = sorted(draw(st.sets(st.integers(1, len(data)), max_size=6)) | {0, len(data)})
    pieces = [(start, data[start:end]) for start, end in pairwise(cuts)]
    for start in draw(st.lists(st.integers(0, len(data) - 1), max_size=4)):
        pieces.append((start, data[start : start + draw(st.integers(1, 9))]))
    return data, draw(st.permutations(pieces))


@given(arrivals=_arrivals(), first=st.integers(0, 2**32 - 1) | st.integers(2**32 - 40, 2**32 - 1))
def test_a_direction_has_its_bytes_once_and_in_order(
    arrivals: tuple[bytes, list[tuple[int, bytes]]], first: int
) -> None:
    data, pieces = arrivals
    direction, found = Direction(), list[tuple[bytes, bool]]()
    direction.begin(first)
    for start, piece in pieces:
        found += direction.take((first + 1 + start) % 2**32, piece)
    assert (data, {False}) == (b"".join(each for each, _ in found), {gap for _, gap in found})
    assert [] == [*direction.rest()]


@given(
    pieces=st.lists(st.tuples(st.binary(min_size=1, max_size=5), st.booleans()), min_size=1, max_size=12),
    first=st.integers(2**32 - 30, 2**32 - 1),
)
def test_each_chunk_behind_lost_bytes_is_after_a_gap(pieces: list[tuple[bytes, bool]], first: int) -> None:
    direction, found = Direction(), list[tuple[bytes, bool]]()
    expected, at, is_lost = [], first + 1, False
    direction.begin(first)
    for data, is_seen in pieces:
        if is_seen:
            found += direction.take(at % 2**32, data)
            expected.append((data, is_lost))
        is_lost = not is_seen
        at += len(data)
        direction.confirm(at % 2**32)
    assert expected == found


def test_a_recording_that_is_exported_is_read_back(tmp_path: Any) -> None:
    from tcpcomm import Recorder, Recording
    from tcpcomm.tools.export.capture import capture as exported
    from tcpcomm.tools.export.source import Source

    with Recorder(tmp_path / "line.tcpcomm") as recorder:
        session = Session()
        recorder.opened(session)
        recorder.received(session, b"TRG,3\r\n")
        recorder.sent(session, b"OK\r\n" * 30_000)
        recorder.closed(session, "over")
    with Recording(tmp_path / "line.tcpcomm") as recording:
        source = Source(recording=recording, session=None, since=None, until=None)
        (found,) = captures(b"".join(exported(source, source.sessions)))
    assert [
        (0, b"TRG,3\r\n"),
        (1, (b"OK\r\n" * 30_000)[:65_000]),
        (1, (b"OK\r\n" * 30_000)[65_000:]),
    ] == said(found)
