"""Recordings of real programs: read by tshark, and written by a process that is killed."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tcpcomm import Recorder, Recording
from tests.conftest import needs_program
from tests.docs.examples import ANY_PORT, EXAMPLES, PATIENT_PYTHON, run, serving
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment, run_to_its_end, wait_until
from tests.tools.record.sessions import Session

PAIRS: dict[str, tuple[str, list[str], str, list[str], str]] = {
    "robot and vision": (
        "robot_vision/vision_program.py",
        [],
        "robot_vision/robot_program.py",
        [],
        "vision_camera:VisionCamera",
    ),
    "line and loader": ("two_way/loader_program.py", [], "two_way/line_program.py", [], "cell:Loader"),
    "station and inspection": (
        "inspection/inspection_program.py",
        ["1"],
        "inspection/station.py",
        ["A"],
        "inspection:Inspection",
    ),
}
"""Examples: a server, its arguments behind the endpoint, a client, its arguments, and the declaration."""


def tcpcomm(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the tcpcomm command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tcpcomm", *words],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def tshark(*words: str) -> str:
    """Return what tshark prints."""
    program = needs_program("tshark", "apt install tshark")
    result = subprocess.run(
        [program, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", *words],
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=True,
    )
    return result.stdout


def followed(capture: Path, stream: int) -> tuple[bytes, bytes]:
    """Return the bytes of the client and of the server, as tshark follows a stream."""
    text = tshark("-r", str(capture), "-q", "-z", f"follow,tcp,raw,{stream}")
    lines = [line for line in text.splitlines() if re.fullmatch(r"\t?[0-9a-f]+", line)]
    client, server = (
        "".join(each.strip() for each in lines if each.startswith("\t") == way) for way in (False, True)
    )
    return bytes.fromhex(client), bytes.fromhex(server)


@pytest.mark.parametrize("pair", PAIRS)
def test_tshark_follows_an_example_that_a_tap_recorded(pair: str, tmp_path: Path) -> None:
    server, options, client, more, declaration = PAIRS[pair]
    path = tmp_path / "line.tcpcomm"
    command = " ".join([*PATIENT_PYTHON, str(EXAMPLES / server), ANY_PORT, *options])
    module, _, name = declaration.partition(":")
    file = f"{(EXAMPLES / server).parent / module}.py:{name}"
    with serving(command, tmp_path) as (_, port):
        words = [sys.executable, "-m", "tcpcomm", "tap", ANY_PORT, f"tcp:127.0.0.1:{port}"]
        with Server(command=[*words, "--as", file, "--record", str(path)]) as tap:
            place = tap.wait_for(r"127\.0\.0\.1:(\d+)")[0]
            run(client, f"tcp:127.0.0.1:{place}", *more)
            tap.signal(signal.SIGINT)
            tap.wait()
    capture = tmp_path / "line.pcapng"
    exported = tcpcomm("export", str(path), "--to", "pcapng", cwd=tmp_path)
    assert (0, "", f"{capture}\n") == (exported.returncode, exported.stderr, exported.stdout)
    with Recording(path) as recording:
        sessions = recording.sessions()
        messages = [*recording.messages()]
        for number, session in enumerate(sessions):
            chunks = [*recording.chunks(session)]
            host, equipment = (b"".join(e.data for e in chunks if e.sent == way) for way in (False, True))
            assert (host, equipment) == followed(capture, number)
    assert sessions
    assert len(messages) > 5
    experts = tshark("-r", str(capture), "-q", "-z", "expert")
    assert not re.search(r"^(Errors|Warns)", experts, re.MULTILINE), experts
    names = {each.name for each in messages if each.name}
    assert [] == [name for name in names if name not in experts]


def test_twistd_records_to_its_last_chunk(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    with (
        Server("--record", str(path), *ON_LOOPBACK) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as peer,
    ):
        peer.sendall(b"hello\r\n")
        assert b"Echo: hello\r\n" == peer.recv(100)
        if sys.platform == "linux":
            server.signal(signal.SIGTERM)
            server.wait()
    with Recording(path) as recording:
        assert [b"hello\r\n", b"Echo: hello\r\n"] == [each.data for each in recording.chunks()]
        assert [False] == [each.is_cut for each in recording.sessions()]
        assert [False] == [each.ended_at is None for each in recording.runs()]
    assert ["line.tcpcomm"] == [each.name for each in tmp_path.iterdir()]


def test_twistd_refuses_a_file_that_is_not_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("quarterly figures")
    ended = run_to_its_end("--record", str(path), *ON_LOOPBACK)
    assert (1, "") == (ended.returncode, ended.stdout)
    assert f"twistd tcpcomm: {path} is not a recording, but another file: name a new file\n" == ended.stderr


RECORDS_FOREVER = """
import sys
from tcpcomm import Recorder
from tests.tools.record.sessions import Session

recorder, session, number = Recorder(sys.argv[1]), Session(), int(sys.argv[2])
recorder.opened(session)
print("begun", flush=True)
while True:
    recorder.received(session, b"%08d" % number)
    number += 1
    if number % 20_000 == 0:
        recorder.flush(60)
"""


def test_a_process_that_is_killed_leaves_a_recording_that_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "line.tcpcomm"
    for number in range(3):
        words = [sys.executable, "-c", RECORDS_FOREVER, str(path), str(number * 10_000_000)]
        with subprocess.Popen(
            words, env=environment(), stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            assert process.stdout is not None
            assert "begun\n" == process.stdout.readline()
            wait_for_chunks(path, number + 1)
            process.kill()
    with Recorder(path) as recorder:
        recorder.received(Session(), b"last")
    with Recording(path) as recording:
        sessions = recording.sessions()
        assert [True, True, True, False] == [each.is_cut for each in sessions]
        assert [None] * 3 == [each.ended_at for each in recording.runs()[:3]]
        for session in sessions[:3]:
            values = [int(each.data) for each in recording.chunks(session)]
            assert values
            assert [*range(values[0], values[0] + len(values))] == values
            assert values[0] == (session.number - 1) * 10_000_000
        assert [] == recording.problems


def wait_for_chunks(path: Path, session: int) -> None:
    """Wait until a session has chunks in the file."""

    def has_chunks() -> bool:
        with Recording(path) as recording:
            return next(recording.chunks(session), None) is not None

    wait_until(has_chunks)
