"""JSON-RPC clients that others wrote for Node.js, with a camera that is declared in Python."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_program, skip
from tests.docs.examples import ANY_PORT, serving
from tests.docs.processes import SECONDS

PACKAGES = ("jayson@5.0.0", "vscode-jsonrpc@10.0.0")
SCRIPTS = Path(__file__).with_name("node")


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which Node.js finds the clients."""
    needs_program("node", "apt-get install nodejs npm")
    npm = needs_program("npm", "apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("node")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, *PACKAGES],
        capture_output=True,
        encoding="utf-8",
        timeout=4 * SECONDS,
    )
    if done.returncode:
        skip(f"npm cannot install {' and '.join(PACKAGES)}: {done.stderr}")
    return folder


def printed(modules: Path, script: str, framing: str) -> list[Any]:
    """Return the lines that a client prints while it talks with the camera."""
    program = modules / script
    program.write_bytes((SCRIPTS / script).read_bytes())  # Node.js finds its modules there
    camera = f"{sys.executable} -m tests.interop.rpc_camera {framing} {ANY_PORT}"
    with serving(camera, modules) as (_, port):
        done = subprocess.run(
            ["node", program, port], capture_output=True, encoding="utf-8", timeout=SECONDS
        )
    assert (0, "") == (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_jayson_sends_commands_with_one_json_text_a_line(modules: Path) -> None:
    found, found_by_position, no_job, no_number, no_method, text, batch = printed(
        modules, "jayson_client.js", "lines"
    )

    assert {"result": {"x": 1.5, "y": -2.0}} == found == found_by_position
    assert {"error": {"code": 2, "message": "no such job: 4", "data": {"jobs": [3]}}} == no_job
    assert -32602 == no_number["error"]["code"]
    assert "job" in no_number["error"]["message"]
    assert -32601 == no_method["error"]["code"]
    assert {"result": "측정 완료\n"} == text
    assert [{"result": {"x": 1.5, "y": -2.0}}, -32601] == [batch[0], batch[1]["error"]["code"]]
    assert 2 == len(batch)


def test_vscode_jsonrpc_sends_and_answers_commands_with_length_headers(modules: Path) -> None:
    found, no_job, no_method, text, many, joints, no_joint, lamp = printed(
        modules, "vscode_client.js", "headers"
    )

    assert {"x": 1.5, "y": -2.0} == found
    assert {"code": 2, "message": "no such job: 4", "data": {"jobs": [3]}} == no_job
    assert -32601 == no_method["code"]
    assert "측정 완료\r\n\r\nContent-Length: 5\r\n\r\n" == text
    assert many is True
    assert [0.0, 10.5, 52.5] == joints
    assert {"code": 7, "message": "no joint 6"} == no_joint
    assert {"after": 9} == lamp
