"""The simulated network for the tests of SLMP."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tcpcomm.devices.slmp import (
    Memory,
    Memory4E,
    MemoryAscii,
    MemoryAscii4E,
    Slmp,
    Slmp4E,
    SlmpAscii,
    SlmpAscii4E,
)
from tests.equipment.declared import Bench

FRAMES: Final[dict[str, tuple[type[Slmp], Any]]] = {
    "3E": (Slmp, Memory),
    "4E": (Slmp4E, Memory4E),
    "3E in ASCII": (SlmpAscii, MemoryAscii),
    "4E in ASCII": (SlmpAscii4E, MemoryAscii4E),
}


@pytest.fixture
def bench() -> Bench:
    """A network with a controller and a host."""
    return Bench()


@pytest.fixture(params=FRAMES)
def ends(request: pytest.FixtureRequest, bench: Bench) -> tuple[Any, Any]:
    """Return a host's proxy and the memory of the controller, in each of the frames."""
    kind, memory = FRAMES[request.param]
    served = memory(D=200)
    bench.serve(served)
    return bench.remote(kind), served
