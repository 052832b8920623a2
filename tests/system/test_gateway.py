"""A gateway in twistd, with simulated devices in processes of their own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docs.processes import free_port
from tests.system.running import DEADLINE, Server, environment, run_to_its_end, wait_until


@contextmanager
def device(name: str, port: str, *options: str) -> Iterator[Server]:
    """A simulated device in a process of its own."""
    place = f"tcp:{port}:interface=127.0.0.1"
    command = [sys.executable, "-m", "tcpcomm", "simulate", name, "--listen", place, *options]
    with Server(command=command) as running:
        running.wait_for("listening on ")
        yield running


def gateway(folder: Path, port: str, **keys: Any) -> Server:
    """A gateway that polls a controller ten times a second, into a gate."""
    outbox = "".join(f"{name} = {value}\n" for name, value in keys.items())
    (folder / "plant.toml").write_text(
        f"""
[gateway]
name = "line-3"
[gateway.outbox]
{outbox}
[links.plc]
device = "modbus"
at = "tcp:127.0.0.1:{port}"
states = ["mes"]
commands = ["write_single_register"]
[[links.plc.poll]]
command = "holding"
with = {{start = 7}}
every = 0.1
[sinks.mes]
kind = "tests.system.gate_sink:GateSink"
path = "."
""",
        encoding="utf-8",
    )
    return Server("--plant", str(folder / "plant.toml"), cwd=folder)


def results(folder: Path) -> list[dict[str, Any]]:
    """Return what the gate took. It may be about to write one more line."""
    file = folder / "results.jsonl"
    lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def states(folder: Path) -> list[str]:
    return [each["name"] for each in results(folder) if each["kind"] == "state"]


def test_equipment_that_is_killed_is_told_and_polled_again_when_it_is_back(tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    port = free_port()
    with device("modbus", port) as plc, gateway(tmp_path, port) as running:
        running.wait_for("plc .*: ready")
        wait_until(lambda: len(results(tmp_path)) > 5)
        plc.signal(signal.SIGKILL)
        plc.wait()
        wait_until(lambda: states(tmp_path) == ["ready", "down"])
        with device("modbus", port):
            wait_until(lambda: states(tmp_path) == ["ready", "down", "ready"])
            before = len(results(tmp_path))
            wait_until(lambda: len(results(tmp_path)) > before + 3)
            running.signal(signal.SIGTERM)
            running.wait()
    running.wait_for("gateway line-3: stopped")


def test_nothing_that_was_stored_is_lost_by_kill_9_and_a_full_outbox_is_outlived(tmp_path: Path) -> None:
    port = free_port()
    with device("modbus", port):
        for _ in range(2):
            with gateway(tmp_path, port, max_messages=60) as running:
                running.wait_for("reports are lost, because the outbox did not take them")
                running.signal(signal.SIGKILL)
                running.wait()
        (tmp_path / "open").touch()
        with gateway(tmp_path, port, max_messages=60) as running:
            wait_until(lambda: len({each["number"] for each in results(tmp_path)}) > 80)
            running.signal(signal.SIGTERM)
            running.wait_for("gateway line-3: stopped")
    numbers = sorted({each["number"] for each in results(tmp_path)})
    assert [*range(1, numbers[-1] + 1)] == numbers, "each number was stored, and each arrived"


def test_commands_of_a_broker_are_carried_out_only_if_they_are_listed(tmp_path: Path) -> None:
    (tmp_path / "open").touch()
    port = free_port()
    commands = [
        {"link": "plc", "command": "write_single_register", "arguments": {"address": 7, "value": 42}},
        {"link": "plc", "command": "write_single_coil", "arguments": {"address": 7, "value": True}},
        {"link": "plc", "command": "write_single_register", "arguments": {"address": 7}},
    ]
    with device("modbus", port), gateway(tmp_path, port) as running:
        running.wait_for("plc .*: ready")
        (tmp_path / "commands.jsonl").write_text("".join(json.dumps(each) + "\n" for each in commands))
        wait_until(lambda: any(each.get("values") == {"result": [42]} for each in results(tmp_path)))
        outcomes = tmp_path / "outcomes.jsonl"
        wait_until(lambda: outcomes.exists() and len(outcomes.read_text("utf-8").splitlines()) == 3)
        running.wait_for(r"plc: write_single_register\(address=7, value=42\) of mes: done")
        running.wait_for("plc: refused the command write_single_coil of mes")
    found = [json.loads(line) for line in outcomes.read_text("utf-8").splitlines()]
    assert ["CommandRefused", "CommandRefused"] == [each["error"] for each in found if "error" in each]


def test_all_mistakes_are_shown_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text('[links.a]\ndevice = "modbus"\n[links.b]\nat = 3\n')
    ended = run_to_its_end("--plant", "plant.toml", "--app", "x:y", cwd=tmp_path)
    assert 1 == ended.returncode
    lines = ended.stderr.splitlines()
    assert "twistd tcpcomm: --app cannot stand beside --plant: the file says what runs, and how" == lines[0]
    assert ["1: links.a", "3: links.b", "4: links.b.at"] == [
        found[1] for line in lines if (found := re.search(r"plant\.toml:(\d+: links[\w.-]*): ", line))
    ]
    assert ["plant.toml"] == [each.name for each in tmp_path.iterdir() if each.suffix == ".toml"]
    assert not (tmp_path / "outbox.db").exists()


def test_a_second_gateway_with_the_same_outbox_does_not_start(tmp_path: Path) -> None:
    with gateway(tmp_path, free_port()) as running:
        running.wait_for("gateway line-3 runs")
        ended = run_to_its_end("--plant", "plant.toml", cwd=tmp_path)
        assert 1 == ended.returncode
        assert "outbox.db is used already" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_sighup_checks_the_file(tmp_path: Path) -> None:
    with gateway(tmp_path, free_port()) as running:
        running.wait_for("gateway line-3 runs")
        running.signal(signal.SIGHUP)
        running.wait_for(r"plant\.toml has no mistakes: restart the gateway to use it")
        with (tmp_path / "plant.toml").open("a") as file:
            file.write("batch = 0\n")
        running.signal(signal.SIGHUP)
        running.wait_for(r"cannot be used at the next start: plant\.toml:\d+: sinks\.mes\.batch")


def checked(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tcpcomm", "check", "plant.toml", *options],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
    )


def test_check_connects_to_each_link_and_each_sink(tmp_path: Path) -> None:
    port = free_port()
    with gateway(tmp_path, port):
        pass  # it wrote the file
    (tmp_path / "open").touch()
    with device("modbus", port):
        good = checked(tmp_path, "--connect", "--timeout", "30")
        assert (0, "") == (good.returncode, good.stderr)
        assert re.search(r"^link plc: ready in \d\.\d\d s$", good.stdout, re.MULTILINE)
        assert re.search(r"^sink mes: ready in \d\.\d\d s$", good.stdout, re.MULTILINE)
    (tmp_path / "open").unlink()
    bad = checked(tmp_path, "--connect", "--timeout", "1")
    assert 1 == bad.returncode
    assert "link plc: not ready: " in bad.stdout
    assert "sink mes: not ready: the gate is closed" in bad.stdout
