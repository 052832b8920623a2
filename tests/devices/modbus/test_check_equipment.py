"""The declarations of Modbus are sound: ``check_equipment`` accepts them."""

from __future__ import annotations

import pytest

from tcpcomm.devices.modbus import Modbus, ModbusRtu
from tcpcomm.testing import check_equipment


@pytest.mark.parametrize("kind", [Modbus, ModbusRtu])
def test_the_declaration_is_sound(kind: type[Modbus]) -> None:
    check_equipment(kind, max_examples=3)
