"""Conversations, and what tshark shows of them in one run: :func:`captured_talk`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.tools.generate.generator import Wanted
from tcpcomm.tools.generate.wireshark.dissector import wireshark_dissector
from tests.conftest import needs_program
from tests.interop.wireshark import Capture, Shown, dissected
from tests.interop.wireshark.talk import Said, Talk, Way

__all__ = ["FIRST_PORT", "Captured", "captured_talk", "script_of"]

Captured = dict[tuple[str, str], list[tuple[Said, list[Shown]]]]
"""What is said and what is shown of it, by the names of the protocol and of the way."""

FIRST_PORT = 20000


def script_of(folder: Path, name: str, declaration: Declaration, port: int) -> Path:
    """Return the file of a dissector."""
    path = folder / f"{name}.lua"
    path.write_text(wireshark_dissector(declaration, Wanted(device=name, port=port)).text, "utf-8")
    return path


def captured_talk(
    folder: Path, declarations: Mapping[str, Declaration], ways: Mapping[str, Way], seeds: int = 3
) -> Captured:
    """Let all of them talk in these ways, and give the capture to one run of tshark."""
    needs_program("tshark", "apt-get install tshark")
    capture = Capture()
    said: dict[str, list[tuple[str, list[Said]]]] = {}
    scripts = {}
    for port, (name, declaration) in enumerate(declarations.items(), FIRST_PORT):
        scripts[name] = script_of(folder, name, declaration, port)
        exchanges = [*Talk(declaration, seeds).exchanges()]
        said[name] = [(way, send(capture, port, exchanges)) for way, send in ways.items()]
    path = folder / "all.pcap"
    capture.write(path)
    shown = dissected(path, scripts)
    found: Captured = {}
    for name, several in said.items():
        messages = iter([each for each in shown[name] if each.kind or each.experts])
        for way, messages_said in several:
            found[name, way] = [(each, [*islice(messages, len(each.frames))]) for each in messages_said]
        assert [] == [*messages], name
    return found
