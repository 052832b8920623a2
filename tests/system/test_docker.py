"""The files of ``run-in-docker.md`` are complete; their commands serve, tell their health, and stop."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, needs_module, needs_program, skip
from tests.docs.pages import saved_files
from tests.docs.processes import free_port
from tests.system.peer import Peer
from tests.system.running import DEADLINE, Server, environment, twistd, wait_until

needs_module("prometheus_client", 'pip install ".[metrics]"')
needs_module("yaml", "pip install PyYAML")

if sys.platform == "win32":
    skip("the containers of the page are for Linux")


class Files:
    """The files of the page, in a folder that takes the place of the image's folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names = {each.name for each in saved_files(ROOT / "docs/howto/run-in-docker.md", folder)}
        self.metrics = free_port()
        (folder / "data").mkdir()

    def instructions(self, name: str) -> list[str]:
        """Return what stands behind an instruction in the Dockerfile."""
        text = (self.folder / "Dockerfile").read_text("utf-8")
        return re.findall(rf"^{name} (.*)$", text, re.MULTILINE)

    def compose(self) -> dict[str, Any]:
        """Return the content of the compose file."""
        import yaml

        loaded: dict[str, Any] = yaml.safe_load((self.folder / "compose.yaml").read_text("utf-8"))
        return loaded

    def here(self, text: str) -> str:
        """Replace what belongs to the container by the same on this machine."""
        text = text.replace("/data/", f"{self.folder}/data/").replace("/app/", f"{self.folder}/")
        return text.replace("9100", self.metrics)

    def command(self, words: Sequence[str]) -> list[str]:
        """Return a command of the files, at a free port for peers of this machine."""
        assert "twistd" == words[0]
        changed = {"tcp:8500": "tcp:0", "192.168.0.0/24": "127.0.0.1"}
        return [twistd(), *(self.here(changed.get(word, word)) for word in words[1:])]

    def is_healthy(self, seconds: str = "50") -> bool:
        """Run the health check, with a timeout for a busy machine."""
        (check,) = self.instructions("HEALTHCHECK")
        words = json.loads(check.partition(" CMD ")[2])
        assert "python" == words[0]
        code = self.here(words[2]).replace("timeout=4", f"timeout={seconds}")
        ended = subprocess.run(
            [sys.executable, words[1], code], env=environment(), capture_output=True, timeout=DEADLINE
        )
        return ended.returncode == 0


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def server(files: Files) -> Iterator[Server]:
    (command,) = files.instructions("CMD")
    with Server(command=files.command(json.loads(command)), cwd=files.folder) as running:
        yield running


def test_the_image_is_complete_and_its_program_is_not_root(files: Files) -> None:
    (image,) = files.instructions("FROM")
    assert image.startswith("python:3.13")
    for source in files.instructions("COPY"):
        assert source.split()[0] in {*files.names, "tcpcomm-*.whl"}
    (user,) = files.instructions("USER")
    assert f" {user} " in f" {' '.join(files.instructions('RUN'))} "
    known = {"FROM", "COPY", "RUN", "WORKDIR", "USER", "HEALTHCHECK", "CMD"}
    lines = (files.folder / "Dockerfile").read_text("utf-8").splitlines()
    assert {line.partition(" ")[0] for line in lines} == known


def test_the_server_logs_in_json_is_healthy_and_ends_by_sigterm(files: Files, server: Server) -> None:
    (port,) = server.wait_for(r"listening on 0\.0\.0\.0:(\d+) ")
    with Peer(int(port)) as robot:
        assert b"OK,4.500" == robot.ask(b"TRG,3")
    assert files.is_healthy()

    server.signal(signal.SIGTERM)
    server.wait()

    assert all(json.loads(line)["message"] for line in server.lines)
    assert not files.is_healthy()


def test_a_server_that_hangs_is_not_healthy(files: Files, server: Server) -> None:
    server.wait_for("listening on")
    server.signal(signal.SIGSTOP)
    try:
        assert not files.is_healthy("0.5")
    finally:
        server.signal(signal.SIGCONT)
    assert files.is_healthy()


def test_the_server_ends_by_sigterm_as_process_1(files: Files) -> None:
    """The first process of a container ignores signals that it does not handle."""
    unshare = [needs_program("unshare", "apt install util-linux"), "--pid", "--fork", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True, timeout=DEADLINE).returncode:
        skip("a process may make no namespace for processes here; root may")
    (command,) = files.instructions("CMD")
    with Server(command=[*unshare, *files.command(json.loads(command))], cwd=files.folder) as outer:
        outer.wait_for("listening on")
        children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        (inner,) = map(int, children)
        assert re.search(r"^NSpid:.*\t1$", Path(f"/proc/{inner}/status").read_text(), re.MULTILINE)
        os.kill(inner, signal.SIGTERM)

        assert 0 == outer.wait()
        assert 1 == outer.count("Server Shut Down")


def test_an_address_that_is_not_allowed_is_in_the_log(files: Files) -> None:
    (command,) = files.instructions("CMD")
    words = files.command(json.loads(command))
    words[words.index("--allow") + 1] = "192.168.0.0/24"
    with Server(command=words, cwd=files.folder) as server, Peer(server.port):
        server.wait_for(r"127\.0\.0\.1:\d+: connection refused: its address is in no allowed network")


def test_the_compose_file_runs_a_server_and_a_gateway_with_its_outbox_on_the_volume(files: Files) -> None:
    compose = files.compose()
    camera, gateway = compose["services"]["camera"], compose["services"]["gateway"]
    assert {"build", "network_mode", "restart", "logging"} == {*camera}
    assert {"build", "command", "restart", "volumes"} == {*gateway}
    assert {"outbox": None} == compose["volumes"]
    assert ["./plant.toml:/app/plant.toml:ro", "outbox:/data"] == gateway["volumes"]

    plant = files.folder / "plant.toml"
    device = free_port()
    text = files.here(plant.read_text("utf-8"))
    plant.write_text(text.replace("192.168.0.20:502", f"127.0.0.1:{device}"), "utf-8")
    tcpcomm = shutil.which("tcpcomm", path=os.path.dirname(twistd()))
    assert tcpcomm is not None
    simulate = [tcpcomm, "simulate", "modbus", "--listen", f"tcp:{device}:interface=127.0.0.1"]
    results = files.folder / "data/results.jsonl"
    run = files.command(gateway["command"])
    with Server(command=simulate) as simulated, Server(command=run) as running:
        simulated.wait_for("listening")
        wait_until(lambda: results.exists() and b"\n" in results.read_bytes())
        assert files.is_healthy()
        running.signal(signal.SIGTERM)
        running.wait()
        assert all(json.loads(line)["message"] for line in running.lines)

    assert (files.folder / "data/outbox.db").exists()
