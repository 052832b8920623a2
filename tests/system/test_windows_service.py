"""The service of ``run-as-a-windows-service.md``: WinSW knows its settings, and its command runs."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT
from tests.docs.pages import saved_files
from tests.system.peer import Peer
from tests.system.running import Server, run_to_its_end, twistd

PAGE = ROOT / "docs/howto/run-as-a-windows-service.md"

OF_WINSW = {
    *("arguments", "delayedAutoStart", "depend", "description", "env", "executable", "id", "log"),
    *("logpath", "name", "onfailure", "priority", "resetfailure", "serviceaccount", "startmode"),
    *("stoptimeout", "workingdirectory"),
}
"""Settings of WinSW 2.12, from its doc/xmlConfigFile.md."""

INNER = {"serviceaccount": {"domain", "user"}, "log": {"sizeThreshold", "keepFiles"}}
DRAINING = 5.0
"""Seconds that a stopping server gives its peers, by docs/reference/limits.md."""


@pytest.fixture
def service(tmp_path: Path) -> ElementTree.Element:
    saved_files(PAGE, tmp_path)
    return ElementTree.parse(tmp_path / "camera.xml").getroot()


def text(service: ElementTree.Element, name: str) -> str:
    return service.findtext(name, "").strip()


def test_winsw_knows_all_settings(service: ElementTree.Element) -> None:
    assert "service" == service.tag
    for setting in service:
        assert setting.tag in OF_WINSW
        assert {each.tag for each in setting} == INNER.get(setting.tag, set())
    assert "roll-by-size" == service.find("log[@mode]").attrib["mode"]  # type: ignore[union-attr]
    assert {"action": "restart", "delay": "10 sec"} == service.find("onfailure").attrib  # type: ignore[union-attr]
    assert re.fullmatch(r"\w+", text(service, "id"))


def test_the_command_serves_and_ends_by_ctrl_c_before_winsw_kills_it(
    service: ElementTree.Element, tmp_path: Path
) -> None:
    arguments = shlex.split(text(service, "arguments").replace("tcp:8500", "tcp:0"))
    arguments[arguments.index("--allow") + 1] = "127.0.0.1"
    assert text(service, "executable").endswith(r"\twistd.exe")

    with Server(command=[twistd(), *arguments], cwd=tmp_path) as server:
        with Peer(server.port) as robot:
            assert b"OK,4.500" == robot.ask(b"TRG,3")
        server.signal(signal.SIGINT)
        server.wait()

    seconds, unit = text(service, "stoptimeout").split()
    assert "sec" == unit
    assert float(seconds) > DRAINING


def test_a_mistake_in_the_options_is_a_failure_of_which_standard_error_tells(
    service: ElementTree.Element, tmp_path: Path
) -> None:
    options = shlex.split(text(service, "arguments"))[2:]

    ended = run_to_its_end(*options, "--max-sessions", "many", cwd=tmp_path)

    assert 1 == ended.returncode
    assert "--max-sessions" in ended.stderr


def test_the_firewall_admits_what_the_server_allows(service: ElementTree.Element) -> None:
    (rule,) = re.findall(r"^New-NetFirewallRule .*$", PAGE.read_text("utf-8"), re.MULTILINE)
    words, options = shlex.split(rule), shlex.split(text(service, "arguments"))

    assert options[options.index("--listen") + 1] == f"tcp:{words[words.index('-LocalPort') + 1]}"
    assert options[options.index("--allow") + 1] == words[words.index("-RemoteAddress") + 1]
