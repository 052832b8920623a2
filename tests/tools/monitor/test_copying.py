"""Programs that a page gives to copy, and that they do what they say."""

from __future__ import annotations

import ast
import shlex
from enum import Enum
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.task import Clock

from tcpcomm import Equipment, command, link_of
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.session.observer import Observers, masked
from tcpcomm.tools.dissect.dissector import Dissector
from tcpcomm.tools.dissect.session import OverheardSession
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.monitor.access import Denied
from tcpcomm.tools.monitor.service import Monitor
from tests.equipment.declared import Bench, MyCamera, VisionCamera


class Mode(Enum):
    FAST = "F"


@frozen
class Point:
    x: float
    y: float


class Stage(Equipment):
    """A stage that moves."""

    framing = Delimited(b"\r\n")
    codec = Template()

    @command("MOVE {mode} {x} {y}", reply="OK")
    def move(self, mode: Mode, x: float, y: float = 2.5) -> None:
        """Move."""
        raise NotImplementedError


def overheard(chunk: bytes, **options: Any) -> Monitor:
    """Return a monitor that has seen a chunk on its way to equipment."""
    monitor = Monitor(0, reactor=Clock())
    speech = Speech.framed(Delimited(b"\r\n"))
    session = OverheardSession(peer="10.0.0.7:50432", target="10.0.0.9:8500", speech=speech)
    dissector = Dissector(session, Observers([monitor]), lambda: 0.0)
    dissector.open()
    dissector.feed(chunk, to_host=False)
    return monitor


def copied(monitor: Monitor, **query: str) -> str:
    return str(monitor.api.get("copy", query)["text"])


def test_a_frame_as_a_command_line() -> None:
    text = copied(overheard(b"TRG,3\r\n"), row="3", **{"as": "shell"})
    expected = ["tcpcomm", "send", "tcp:10.0.0.9:8500", "--framing", r"delimited:\r\n", "-a", "TRG,3"]
    assert expected == shlex.split(text)
    text = copied(overheard(b"\x00\xff\x01\r\n"), row="3", **{"as": "shell"})
    assert ["-x", "00 ff 01"] == shlex.split(text)[-2:]


def test_a_frame_as_a_python_program() -> None:
    text = copied(overheard(b"TRG,3\r\n"), row="3", **{"as": "python"})
    ast.parse(text)
    assert '("10.0.0.9", 8500)' in text
    assert f'bytes.fromhex("{b"TRG,3".hex(" ")} 0d 0a")' in text


def test_a_frame_as_a_csharp_program() -> None:
    text = copied(overheard(b"TRG\r\n"), row="3", **{"as": "csharp"})
    assert "{ 0x54, 0x52, 0x47, 0x0D, 0x0A };" in text
    assert 'new TcpClient("10.0.0.9", 8500)' in text
    assert text.count("{") == text.count("}")


def test_a_command_of_a_form(bench: Bench) -> None:
    monitor = Monitor(0, reactor=bench.robot.clock)
    bench.serve(MyCamera())
    link = link_of(bench.remote(VisionCamera, observers=[monitor]))
    bench.until(lambda: link.state.value == "ready")
    form = {"source": "1", "command": "locate", "values": '{"job": "3"}'}
    words = shlex.split(copied(monitor, **form, **{"as": "shell"}))
    assert ["tcpcomm", "call", "tests.equipment.declared:VisionCamera"] == words[:3]
    assert ["locate", "job=3"] == words[4:]
    text = copied(monitor, **form, **{"as": "python"})
    ast.parse(text)
    assert "from tests.equipment.declared import VisionCamera" in text
    assert "vision_camera.locate(job=3)" in text
    assert "0x54, 0x52, 0x47, 0x2C, 0x33, 0x0D, 0x0A" in copied(monitor, **form, **{"as": "csharp"})
    for wrong in ({"values": "["}, {"values": "[]"}, {"values": "{}"}, {"command": "fly"}, {"source": "9"}):
        with pytest.raises(Denied):
            copied(monitor, **{**form, **wrong}, **{"as": "python"})


def test_the_classes_of_arguments_are_imported(bench: Bench) -> None:
    monitor = Monitor(0, reactor=bench.robot.clock)
    bench.remote(Stage, observers=[monitor])
    bench.network.advance(0.1)
    form = {"source": "1", "command": "move", "values": '{"mode": "FAST", "x": "1"}'}
    text = copied(monitor, **form, **{"as": "python"})
    assert "from tests.tools.monitor.test_copying import Mode, Stage" in text
    assert "stage.move(mode=Mode.FAST, x=1.0, y=2.5)" in text


def test_what_cannot_be_copied_is_refused() -> None:
    monitor = overheard(b"TRG,3\r\n")
    for query in ({"row": "1", "as": "python"}, {"row": "99", "as": "python"}, {"row": "3", "as": "cobol"}):
        with pytest.raises(Denied):
            copied(monitor, **query)
    (session,) = monitor.open_sessions()
    monitor.frame_received(session.session, masked(b"password"))
    with pytest.raises(Denied, match="secret"):
        copied(monitor, row=str(monitor.last_row), **{"as": "shell"})
