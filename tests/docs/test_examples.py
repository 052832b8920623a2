"""The programs in docs/examples run over real sockets and end."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tcpcomm.testing import check_framing_laws
from tests.docs.examples import ANY_PORT, EXAMPLES, guessed, run, serving, tapped


def test_the_robot_gets_positions_and_the_camera_ends_after_it(tmp_path: Path) -> None:
    recording = tmp_path / "line.tcpcomm"
    with serving(f"python {EXAMPLES}/camera_server.py 0", tmp_path) as (camera, port):
        expected = "job 3: OK,1.000,2.000,3.000\njob 4: OK,12.500,-3.250,90.000\njob 5: NG,2,no such job\n"
        with tapped(port, recording) as tap:
            assert expected == run("robot_client.py", tap)
        assert 0 == camera.end()
    assert ("likely", r"delimited:\r\n") == guessed(recording)  # six messages are few


def test_twistd_serves_the_example_camera(tmp_path: Path) -> None:
    command = f"twistd -n tcpcomm --app camera_server:Camera --listen {ANY_PORT}"
    (tmp_path / "camera_server.py").write_bytes((EXAMPLES / "camera_server.py").read_bytes())
    with serving(command, tmp_path) as (_, port):
        assert run("robot_client.py", port).startswith("job 3: OK,1.000,2.000,3.000\n")


def test_the_naive_client_is_answered_without_a_delimiter(tmp_path: Path) -> None:
    with serving(f"twistd -n tcpcomm --listen {ANY_PORT}", tmp_path) as (_, port):
        assert "Echo: hello\n" == run("naive_client.py", port, "hello")


def test_the_length_prefixed_client_exchanges_text_in_any_script(tmp_path: Path) -> None:
    command = f"twistd -n tcpcomm --framing length:4 --listen {ANY_PORT}"
    recording = tmp_path / "line.tcpcomm"
    with serving(command, tmp_path) as (_, port), tapped(port, recording) as tap:
        assert "PONG\nEcho: 측정 완료\n" == run("length_prefixed_client.py", tap)
    assert ("likely", "length:4") == guessed(recording)  # four messages are few


def test_the_own_framing_puts_small_pieces_together() -> None:
    assert "b': 2}' -> [b'{\"id\": 2}']\n" in run("own_framing.py", "0")


def test_the_own_framing_obeys_the_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    own_framing = import_module("own_framing")
    check_framing_laws(own_framing.SizeLines(max_frame=1000), max_examples=10)


@pytest.mark.parametrize("example", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.name)
def test_an_example_is_short(example: Path) -> None:
    alone = example.parent == EXAMPLES  # otherwise it is one of several programs
    assert len(example.read_text("utf-8").splitlines()) < (60 if alone else 100)
