"""The monitor of real programs, as a browser sees it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tcpcomm import Recorder
from tcpcomm.framing import Delimited
from tcpcomm.session.observer import Observers
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment, wait_until

CAMERA = "tests.equipment.declared:VisionCamera"
ADDRESS = r"the monitor is at (http://127\.0\.0\.1:\d+/#token=\S+)"


def tcpcomm(*words: str) -> list[str]:
    return [sys.executable, "-m", "tcpcomm", *words]


class Browser:
    """Asks the API of a monitor."""

    def __init__(self, server: Server) -> None:
        (url,) = server.wait_for(ADDRESS)
        self.base, _, self.token = url.partition("#token=")

    def get(self, path: str) -> Any:
        with urlopen(f"{self.base}api/{path}", timeout=DEADLINE) as answer:
            return json.load(answer)

    def post(self, path: str, **body: Any) -> Any:
        headers = {"Content-Type": "application/json", "X-Tcpcomm-Token": self.token}
        request = Request(f"{self.base}api/{path}", json.dumps(body).encode(), headers)
        with urlopen(request, timeout=DEADLINE) as answer:
            return json.load(answer)

    def page(self) -> str:
        with urlopen(self.base, timeout=DEADLINE) as answer:
            return str(answer.read().decode())

    def wait_for(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until the overview fulfils a condition."""
        wait_until(lambda: condition(self.get("overview")))


def test_a_host_and_a_simulation_show_the_same_command() -> None:
    words = tcpcomm("simulate", CAMERA, *ON_LOOPBACK, "--monitor", "0")
    with Server(command=words) as camera:
        where = f"tcp:127.0.0.1:{camera.port}"
        with Server(command=tcpcomm("monitor", CAMERA, where, "--port", "0")) as host:
            at_host, at_camera = Browser(host), Browser(camera)
            assert "<html" in at_host.page()
            at_host.wait_for(lambda each: each["sources"][0]["state"] == "ready")
            values = {"job": "3"}
            answer = at_host.post("command", source="1", name="locate", values=values, timeout=DEADLINE)
            assert "reply" == answer["outcome"]
            at_camera.wait_for(lambda each: each["sources"][0]["frames_in"] == 1)
            facts = at_host.get("describe?declaration=VisionCamera")
            assert "int" == facts["commands"][0]["parameters"][0]["input"]
            assert 1 == at_camera.post("event", source="1", name="alarm", values={"code": "7"})["sessions"]
            at_host.wait_for(lambda each: each["sources"][0]["frames_in"] == 2)


def test_twistd_shows_its_sessions() -> None:
    with Server(*ON_LOOPBACK, "--monitor", "0") as server:
        browser = Browser(server)
        browser.wait_for(lambda each: [one["state"] for one in each["sources"]] == ["listening"])


def test_a_recording_is_shown(tmp_path: Path) -> None:
    with Recorder(tmp_path / "line.tcpcomm") as recorder:
        session = OverheardSession(
            peer="10.0.0.7:50432", target="10.0.0.9:9999", speech=Speech.framed(Delimited(b"\r\n"))
        )
        dissector = Dissector(session, Observers([recorder]), lambda: 0.0)
        dissector.open()
        dissector.feed(b"TRG,3\r\n", to_host=False)
    words = tcpcomm("monitor", str(tmp_path / "line.tcpcomm"), "--port", "0")
    with Server(command=words) as shown:
        shown.wait_for("the recording is shown: 2 values")
        (source,) = Browser(shown).get("overview")["sources"]
        assert 1 == source["frames_in"]
        shown.signal(signal.SIGINT)
        assert 0 == shown.wait()


def test_a_command_without_a_monitor_does_not_load_it() -> None:
    program = "import sys; sys.argv[1:] = ['simulate', '--help']\nfrom tcpcomm.cli import main\n"
    program += "try:\n    main()\nfinally:\n    print('web' if 'twisted.web' in sys.modules else 'none')"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )
    assert re.search(r"^none$", ended.stdout, re.MULTILINE), ended.stdout[-200:] + ended.stderr[-500:]
