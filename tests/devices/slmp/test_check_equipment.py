"""The declarations of SLMP are sound: ``check_equipment`` accepts them."""

from __future__ import annotations

import pytest

from tcpcomm.devices.slmp import Slmp, Slmp4E, SlmpAscii, SlmpAscii4E
from tcpcomm.testing import check_equipment


@pytest.mark.parametrize("kind", [Slmp, Slmp4E, SlmpAscii, SlmpAscii4E])
def test_the_declaration_is_sound(kind: type[Slmp]) -> None:
    check_equipment(kind, max_examples=1)
