"""Dissectors that ``tcpcomm generate wireshark`` makes: tshark reads our messages, field by field."""

from __future__ import annotations

import pytest

from tcpcomm import Equipment, declaration_of
from tests.equipment.declared import RpcCamera, Scale
from tests.interop.wireshark.captured import Captured, captured_talk
from tests.interop.wireshark.talk import WAYS, check
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
    return captured_talk(tmp_path_factory.mktemp("wireshark"), declarations, WAYS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", DECLARED)
def test_each_message_is_shown_field_by_field(name: str, way: str, captured: Captured) -> None:
    for said, shown in captured[name, way]:
        check(said, shown)
