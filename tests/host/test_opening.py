"""A declaration says what its hosts do first on each new connection."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import Equipment, Fault, command, link_of
from tcpcomm.codec import OPCODE, U8, Binary, Var
from tcpcomm.framing import LengthPrefixed
from tcpcomm.link.states import LinkState
from tests.equipment.declared import PORT, Bench


class Plc(Equipment):
    """A PLC that gives each connection a handle, which all later requests carry."""

    framing = LengthPrefixed(2)
    handle = Var(U8, 0)
    codec = Binary(head=(OPCODE, handle))

    @command(1)
    def open(self) -> None:
        """Open a session."""
        raise NotImplementedError

    @command(2)
    def read(self) -> U8:
        """Return the handle of the session."""
        raise NotImplementedError

    async def opening(self, *, active: bool) -> None:
        await self.open()  # type: ignore[misc]


class MyPlc(Plc):
    def __init__(self) -> None:
        self.opened = 0
        self.refuses = False

    def open(self) -> None:
        if self.refuses:
            raise Fault(7)
        self.opened += 1
        self.handle.set(40 + self.opened)

    def read(self) -> int:
        return self.handle.value


@pytest.fixture
def plc(bench: Bench) -> MyPlc:
    return MyPlc()


def test_the_opening_is_done_before_steps_and_commands_on_each_connection(plc: MyPlc, bench: Bench) -> None:
    service = bench.serve(plc)
    first: list[Any] = []

    async def step(proxy: Plc) -> None:
        first.append(await proxy.read())  # type: ignore[misc]

    proxy = bench.remote(Plc, on_ready=[step])
    assert 41 == bench.result(proxy.read())
    for session in list(service.factory.sessions):
        session.abort()
    bench.until(lambda: len(first) == 2)
    assert 42 == bench.result(proxy.read())
    assert [41, 42] == first


def test_a_link_whose_opening_fails_is_not_ready_and_says_why(plc: MyPlc, bench: Bench) -> None:
    plc.refuses = True
    bench.serve(plc)
    proxy = bench.remote(Plc)
    bench.network.advance(0.5)
    assert LinkState.READY is not link_of(proxy).state
    assert "7" in link_of(proxy).reason
    plc.refuses = False
    bench.until(lambda: link_of(proxy).state is LinkState.READY)


@pytest.mark.parametrize("active", [True, False], ids=["active", "passive"])
def test_the_opening_knows_which_side_has_connected(bench: Bench, active: bool) -> None:
    told: list[bool] = []

    class Telling(MyPlc):
        async def opening(self, *, active: bool) -> None:
            told.append(active)

    if active:
        bench.serve(Telling())
        proxy = bench.remote(Telling)
    else:
        proxy = bench.remote(Telling, listen=bench.robot.listening(PORT))
        bench.serve_actively(Telling())
    bench.until(lambda: link_of(proxy).state is LinkState.READY)
    assert [active] == told
