"""A simulator refuses a hook that would never run."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm.devices import cognex, fins, modbus, s7, slmp, xgt
from tcpcomm.errors import ConfigurationError


@pytest.mark.parametrize(
    "kind",
    [cognex.Emulator, fins.Controller, modbus.Memory, s7.Memory, slmp.Memory, xgt.Memory],
    ids=lambda kind: kind.__module__.split(".")[2],
)
def test_an_on_write_that_is_async_is_refused_when_the_simulator_is_made(kind: Any) -> None:
    class Press(kind):  # type: ignore[misc]  # a class that the test is given
        async def on_write(self, *_: Any) -> None: ...

    with pytest.raises(ConfigurationError, match=r"Press\.on_write must be plain: write def on_write"):
        Press()
