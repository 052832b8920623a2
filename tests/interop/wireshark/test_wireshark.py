"""Dissectors that ``tcpcomm generate wireshark`` makes: tshark reads our messages, field by field."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpcomm import Equipment, declaration_of
from tests.conftest import needs_program
from tests.equipment.declared import RpcCamera, Scale
from tests.interop.wireshark import EQUIPMENT, dissected
from tests.interop.wireshark.captured import Captured, captured_talk, script_of
from tests.interop.wireshark.talk import WAYS, Talk, check
from tests.tools.export import made
from tests.tools.generate.declared import Cell, Drive
from tests.tools.generate.wireshark.examples import EXAMPLES

DECLARED: dict[str, type[Equipment]] = {
    "drive": Drive,
    "cell": Cell,
    "rpccamera": RpcCamera,
    "scale": Scale,
    **EXAMPLES,
}


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    declarations = {name: declaration_of(kind) for name, kind in DECLARED.items()}
    return captured_talk(tmp_path_factory.mktemp("wireshark"), declarations, WAYS, seeds=2)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", DECLARED)
def test_each_message_is_shown_field_by_field(name: str, way: str, captured: Captured) -> None:
    for said, shown in captured[name, way]:
        check(said, shown)


@pytest.mark.parametrize("name", ["drive", "visioncamera", "inspection"])
def test_an_exported_recording_is_shown_too(name: str, tmp_path: Path) -> None:
    needs_program("tshark", "apt-get install tshark")
    declaration = declaration_of(DECLARED[name])
    said = [each for exchange in Talk(declaration).exchanges() for each in exchange]
    recorded = made.Talk()
    for each in said:
        for frame in each.frames:
            recorded.chunk(frame, sent=each.sender == EQUIPMENT)
    path = tmp_path / "line.pcapng"
    path.write_bytes(made.captured(recorded.close()))
    shown = iter(dissected(path, {name: script_of(tmp_path, name, declaration, 9999)})[name])
    for each in said:
        check(each, [next(shown) for _ in each.frames])
    assert [] == [*shown]
