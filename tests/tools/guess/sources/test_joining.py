"""Short connections to one address are read as one capture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tcpcomm import Recorder
from tcpcomm.tools.guess.sources import joining
from tcpcomm.tools.guess.sources.joining import read, siblings, together
from tcpcomm.tools.guess.sources.opening import source_of
from tcpcomm.tools.guess.sources.source import StreamInfo
from tests.tools.guess.sources.made_packets import Talk, pcap
from tests.tools.record.sessions import Session

SHORT = [
    StreamInfo(number=number, name=f"10.0.0.7:{number} > 10.0.0.9:{port}", size=10, chunks=2)
    for number, port in enumerate((8501, 8502, 8501, 8501), start=1)
]


def numbers(streams: list[StreamInfo]) -> list[int]:
    return [each.number for each in streams]


def test_short_streams_to_one_address_belong_together() -> None:
    assert [1, 3, 4] == numbers(siblings(SHORT, SHORT[2]))
    assert [2] == numbers(siblings(SHORT, SHORT[1]))
    assert StreamInfo(number=0, name="3 connections > 10.0.0.9:8501", size=30, chunks=6) == together(
        siblings(SHORT, SHORT[0])
    )


def test_a_long_stream_stays_alone() -> None:
    long = StreamInfo(number=9, name="10.0.0.7:9 > 10.0.0.9:8501", size=400, chunks=80)
    assert [9] == numbers(siblings([*SHORT, long], long))


def test_so_many_connections_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MOST_JOINED", 2)
    assert [1, 3] == numbers(siblings(SHORT, SHORT[0]))
    assert [1, 3] == numbers(siblings(SHORT, SHORT[3]))


def test_no_more_is_joined_than_a_sample_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MOST_SAMPLED", 20)
    assert [1, 3] == numbers(siblings(SHORT, SHORT[0]))


def packets(path: Path) -> None:
    path.write_bytes(
        pcap(
            [
                packet
                for number in range(3)
                for packet in Talk(client=f"10.0.0.7:{50001 + number}", server="10.0.0.9:8501")
                .open()
                .say(0, b"TRG,%d\r" % number)
                .say(1, b"OK\r")
                .close()
                .packets
            ]
        )
    )


def recording(path: Path) -> None:
    with Recorder(path) as recorder:
        for number in range(3):
            session = Session(peer=f"10.0.0.7:{50001 + number}", target="tcp:10.0.0.9:8501")
            recorder.opened(session)
            recorder.received(session, b"TRG,%d\r" % number)
            recorder.sent(session, b"OK\r")


def frame_log(path: Path) -> None:
    lines = []
    for number in range(3):
        begin = f"07:30:0{number}.250  10.0.0.7:{50001 + number}  "
        lines += [f"{begin}--                 opened"]
        lines += [f"{begin}host -> equipment  {(b'TRG,%d' % number).hex(' ')} 0d  |TRG.|"]
        lines += [f"{begin}host <- equipment  4f 4b 0d  |OK.|"]
    path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.mark.parametrize("write", [packets, recording, frame_log])
def test_every_kind_of_file_is_read_by_connections(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "line"
    write(path)
    with path.open("rb") as file:
        source = source_of(file, path)
        streams = source.streams()
        capture = read(source, siblings(streams, streams[0]))
    expected = [each for number in range(3) for each in ((0, b"TRG,%d\r" % number), (1, b"OK\r"))]
    assert expected == [(each.side, each.data) for each in capture.chunks]
    assert [False, False, True, False, True, False] == [each.begins for each in capture.chunks]
    assert capture.from_start
    assert capture.notes[0].startswith("3 connections")
