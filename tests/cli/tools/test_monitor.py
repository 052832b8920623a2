"""``tcpcomm monitor`` and ``--monitor``: their mistakes."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from tcpcomm.errors import ConfigurationError
from tcpcomm.tap import ServerOptions
from tcpcomm.tools.monitor.options import monitor_at
from tests.cli.test_refusals import CAMERA, NOWHERE, refusal


@pytest.fixture
def taken() -> Iterator[str]:
    """Return a port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["monitor"], "name a device or a declaration, and an endpoint, .*or a recording; .*explains it"),
        (["monitor", CAMERA, NOWHERE, "locate"], "name a device or a declaration, and an endpoint.*"),
        (["monitor", "line3.tcpcomm"], "there is no recording line3.tcpcomm; to watch equipment, .*"),
        (["monitor", "nothing:Camera", NOWHERE], "nothing:Camera: cannot import nothing.*"),
        (["monitor", CAMERA, NOWHERE, "--port", "web"], "--port must be a port, such as 8080, .*'web'"),
        (
            ["monitor", CAMERA, NOWHERE, "--port", "70000"],
            "the port of a monitor must be from 0 to.*",
        ),
        (["monitor", CAMERA, NOWHERE, "--host-name", "a b"], "'a b' is not the name of a machine.*"),
        (["monitor", CAMERA, NOWHERE, "--port", "203.0.113.9:0"], "the monitor cannot listen at 203.*"),
        (["simulate", CAMERA, "--monitor", "x:y:z"], "--monitor must be a port, .*'x:y:z'"),
        (
            ["watch", CAMERA, NOWHERE, "--monitor-read-only"],
            "--monitor-host and --monitor-read-only.*",
        ),
        (["call", CAMERA, NOWHERE, "locate", "1", "--monitor-host", "a"], ".*no effect without --monitor"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(words, capsys)
    assert re.fullmatch(f"tcpcomm {words[0]}: {problem}", line), line


@pytest.mark.parametrize(
    "words",
    [["monitor", CAMERA, NOWHERE, "--port"], ["simulate", CAMERA, "--monitor"]],
    ids=["monitor", "simulate"],
)
def test_a_port_that_is_taken_is_told(
    words: list[str], taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal([*words, taken], capsys)
    assert f"the monitor cannot listen at 127.0.0.1:{taken}: " in line
    assert line.endswith("choose another port, or 0 for any free one")


def test_a_file_that_is_no_recording_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert "notes.txt" in refusal(["monitor", str(tmp_path / "notes.txt")], capsys)


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("8080", "http://127.0.0.1:8080/#token="),
        ("localhost:9", "http://127.0.0.1:9/#token="),
        ("10.0.0.5:8080", "http://10.0.0.5:8080/#token="),
        ("0.0.0.0:8080", "http://127.0.0.1:8080/#token="),
        ("[::1]:8080", "http://[::1]:8080/#token="),
    ],
)
def test_a_place_is_a_port_or_an_address_and_a_port(place: str, url: str) -> None:
    assert monitor_at(place, option="--monitor", reactor=Clock()).url.startswith(url)


@pytest.mark.parametrize("place", ["", "-1", "8080x", "::1:8080", "http://127.0.0.1:8080", "127.0.0.1"])
def test_another_text_is_no_place(place: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--monitor must be a port, such as 8080, or ADDR"):
        monitor_at(place, option="--monitor")


def test_twistd_tells_a_wrong_monitor_with_the_other_mistakes() -> None:
    with pytest.raises(SystemExit) as ended:
        ServerOptions().parseOptions(["--monitor", "web", "--framing", "nonsense"])
    told = str(ended.value.code)
    assert "--monitor must be a port" in told
    assert "--framing" in told
