"""The dissectors of the devices that are ready to use: tshark loads them, and names their messages."""

from __future__ import annotations

import re

import pytest

from tcpcomm import declaration_of
from tcpcomm.devices.catalogue import OURS
from tests.interop.wireshark.captured import Captured, captured_talk
from tests.interop.wireshark.talk import whole

TAKEN = {"modbus": "modbus_device", "rmi": "rmi_device"}
NAMES = {each.name: declaration_of(each.load()).name.lower() for each in OURS}
PREFIXES = {device: TAKEN.get(name, name) for device, name in NAMES.items()}


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    declarations = {PREFIXES[each.name]: declaration_of(each.load()) for each in OURS}
    return captured_talk(tmp_path_factory.mktemp("devices"), declarations, {"whole": whole}, seeds=2)


@pytest.mark.parametrize("device", PREFIXES)
def test_its_messages_are_named(device: str, captured: Captured) -> None:
    fields, name = 0, ""
    for said, shown in captured[PREFIXES[device], "whole"]:
        if said.name not in ("ask", "tell"):
            name = said.name
        elif said.kind == "request":  # a command that takes the name of the message
            (name,) = said.fields[f"{said.name}.message"]
        expected = [(said.kind, name)] * len(said.frames)
        assert expected == [(each.kind, each.message) for each in shown], said
        for each in shown:
            assert said.kind == "fault" or not each.experts, (each.experts, said)
            fields += sum(re.match(rf"{said.name}\.", path) is not None for path in each.fields)
    assert fields > 10
