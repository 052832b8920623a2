"""``tcpcomm guess`` puts streams together as tshark follows them, and reads its copies back."""

from __future__ import annotations

import io
import random
import subprocess
from pathlib import Path

import pytest

from tcpcomm.tools.guess.capture import Capture
from tcpcomm.tools.guess.sources.opening import source_of
from tests.conftest import needs_program
from tests.system.running import DEADLINE
from tests.tools.guess.sources.made_packets import ACK, LINKS, PSH, Talk, pcap, pcapng


def captures(data: bytes) -> list[Capture]:
    source = source_of(io.BytesIO(data), None)
    return [source.capture(each) for each in source.streams()]


def sides(capture: Capture) -> list[bytes]:
    return [b"".join(each.data for each in capture.chunks if each.side == side) for side in (0, 1)]


def shown(path: Path, *options: str) -> str:
    """Return what tshark prints of a capture."""
    needs_program("tshark", "apt-get install tshark")
    done = subprocess.run(
        ["tshark", "-r", path, *options], capture_output=True, timeout=4 * DEADLINE, encoding="utf-8"
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def followed(path: Path, form: str, *streams: int) -> str:
    return shown(path, "-q", *(word for each in streams for word in ("-z", f"follow,tcp,{form},{each}")))


def rough(seed: int, **details: str) -> Talk:
    """Return a connection with packets again, overlapping, out of order, and keep-alives."""
    chance = random.Random(seed)
    made = Talk(numbers=(2**32 - 50, 2**32 - 90), **details).open()  # type: ignore[arg-type]
    for _ in range(30):
        side = chance.randrange(2)
        data = chance.randbytes(chance.randrange(1, 30))
        match chance.randrange(5):
            case 0:  # sent again as a whole
                made.say(side, data).add(made.packet(side, data, at=-len(data)))
            case 1:  # a keep-alive
                made.say(side, data).add(made.packet(side, b"\0", flags=ACK, at=-1))
            case 2 if len(data) > 2:  # the second half comes first
                half = len(data) // 2
                made.add(made.packet(side, data[half:], at=half)).say(side, data[:half])
                made.say(side, data[half:])
            case 3:  # sent again together with what follows
                made.say(side, data[:1]) if len(data) > 1 else made.say(side, data)
                if len(data) > 1:
                    made.add(made.packet(side, data, flags=ACK | PSH, at=-1))
                    made.say(side, data[1:])
            case _:
                made.say(side, data)
        made.confirm(1 - side)
    return made.close(0).close(1)


@pytest.mark.parametrize("seed", range(3))
def test_a_rough_stream_has_the_bytes_that_tshark_follows(tmp_path: Path, seed: int) -> None:
    talks = [rough(seed), rough(seed + 100, client="fe80::7:50000", server="fe80::9:8501")]
    packets = sorted((each for talk in talks for each in talk.packets), key=lambda each: each.at)
    link = [*LINKS][seed % len(LINKS)]
    data = pcapng(packets, link) if seed % 2 else pcap(packets, link)
    path = tmp_path / "line.cap"
    path.write_bytes(data)
    expected: dict[str, list[bytes]] = {}
    for line in followed(path, "raw", 0, 1).splitlines():
        if line.startswith("Filter"):
            stream = expected.setdefault(line, [b"", b""])
        elif line.strip() and not line.startswith(("===", "Follow", "Node")):
            stream[line.startswith("\t")] += bytes.fromhex(line)
    by_number = [expected[each] for each in sorted(expected)]
    assert by_number == [sides(each) for each in captures(data)]


@pytest.mark.parametrize("form", ["hex", "raw", "yaml"])
def test_a_followed_stream_is_read_back(tmp_path: Path, form: str) -> None:
    data = pcap(rough(7).packets)
    path = tmp_path / "line.cap"
    path.write_bytes(data)
    (expected,) = captures(data)
    (found,) = captures(followed(path, form, 0).encode())
    assert sides(expected) == sides(found)
    assert () == found.notes


@pytest.mark.parametrize("options", [("-x",), ("-P", "-x")], ids=["bytes", "with summaries"])
def test_a_hex_dump_of_packets_is_read_back(tmp_path: Path, options: tuple[str, ...]) -> None:
    data = pcap(rough(8).packets)
    path = tmp_path / "line.cap"
    path.write_bytes(data)
    (expected,) = captures(data)
    (found,) = captures(shown(path, *options).encode())
    assert (expected.name, sides(expected)) == (found.name, sides(found))


@pytest.mark.parametrize("form", ["pcap", "nsecpcap", "pcapng"])
def test_files_that_another_program_writes_are_read(tmp_path: Path, form: str) -> None:
    editcap = needs_program("editcap", "apt-get install wireshark-common")
    data = pcap(rough(9).packets)
    (tmp_path / "line.cap").write_bytes(data)
    subprocess.run(
        [editcap, "-F", form, "line.cap", "other.cap"], cwd=tmp_path, check=True, timeout=DEADLINE
    )
    (expected,), (found,) = captures(data), captures((tmp_path / "other.cap").read_bytes())
    assert expected.chunks == tuple(found.chunks)


def test_a_capture_with_short_packets_has_gaps_where_bytes_are_cut(tmp_path: Path) -> None:
    editcap = needs_program("editcap", "apt-get install wireshark-common")
    made = Talk().open()
    for number in range(6):
        made.say(0, bytes([number]) * 20).say(1, bytes([number]) * 5)
    (tmp_path / "line.cap").write_bytes(pcap(made.packets))
    subprocess.run(
        [editcap, "-s", "64", "line.cap", "short.cap"], cwd=tmp_path, check=True, timeout=DEADLINE
    )
    (found,) = captures((tmp_path / "short.cap").read_bytes())
    asked = [each for each in found.chunks if each.side == 0]
    assert [10] * 6 == [len(each.data) for each in asked]
    assert [False] + [True] * 5 == [each.after_gap for each in asked]
    assert "6 packets are cut" in found.notes[0]
