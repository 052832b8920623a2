"""Dissectors that ``tcpcomm generate wireshark`` makes: tshark reads our messages, field by field."""

from __future__ import annotations

from itertools import islice

import pytest

from tcpcomm import Equipment, declaration_of
from tcpcomm.tools.generate.generator import Wanted
from tcpcomm.tools.generate.wireshark.dissector import wireshark_dissector
from tests.conftest import needs_program
from tests.equipment.declared import RpcCamera, Scale
from tests.interop.wireshark import Capture, Shown, dissected
from tests.interop.wireshark.talk import WAYS, Said, Talk, check
from tests.tools.generate.declared import Cell, Drive
from tests.tools.generate.wireshark.examples import EXAMPLES

Captured = dict[tuple[str, str], list[tuple[Said, list[Shown]]]]

DECLARED: dict[str, type[Equipment]] = {
    "drive": Drive,
    "cell": Cell,
    "rpccamera": RpcCamera,
    "scale": Scale,
    **EXAMPLES,
}


FIRST_PORT = 20000


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    """Return what is said and what is shown, for each declaration and way, by one run of tshark."""
    needs_program("tshark", "apt-get install tshark")
    folder = tmp_path_factory.mktemp("wireshark")
    capture = Capture()
    said: dict[str, list[tuple[str, list[Said]]]] = {}
    scripts = {}
    for port, (name, kind) in enumerate(DECLARED.items(), FIRST_PORT):
        declaration = declaration_of(kind)
        scripts[name] = folder / f"{name}.lua"
        made = wireshark_dissector(declaration, Wanted(device=name, port=port))
        scripts[name].write_text(made.text, "utf-8")
        exchanges = [*Talk(declaration).exchanges()]
        said[name] = [(way, send(capture, port, exchanges)) for way, send in WAYS.items()]
    path = folder / "all.pcap"
    capture.write(path)
    shown = dissected(path, scripts)
    found: Captured = {}
    for name, ways in said.items():
        messages = iter([each for each in shown[name] if each.kind or each.experts])
        for way, several in ways:
            found[name, way] = [(each, [*islice(messages, len(each.frames))]) for each in several]
        assert [] == [*messages]
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", DECLARED)
def test_each_message_is_shown_field_by_field(name: str, way: str, captured: Captured) -> None:
    for said, shown in captured[name, way]:
        check(said, shown)
