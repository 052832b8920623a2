"""Binary equipment that has no faults: it says nothing where it cannot serve a request."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from tcpcomm import Equipment, Fault, ReplyTimeout, command, declaration_of, simulated
from tcpcomm.codec import OPCODE, U8, Binary, Rest
from tcpcomm.codec.base import Request
from tcpcomm.errors import CodecError, ConfigurationError
from tcpcomm.framing import LengthPrefixed
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tcpcomm.tools.manual.pages import markdown
from tests.equipment.declared import Bench
from tests.interop.manuals.headers import Station
from tests.interop.test_unseen_manuals import program


class Valve(Equipment):
    """A valve that never says no. Its replies have no opcode, because there is one kind of them."""

    framing = LengthPrefixed(1)
    codec = Binary(reply_head=(b"\x06",), fault_head=None)

    @command(0x10, timeout=1.0)
    async def turn(self, steps: U8) -> U8:
        """Turn, and return the place."""
        raise NotImplementedError


class Mixed(Valve):
    """The same valve, with a command that has faults."""

    @command(0x20, codec=Binary(head=(OPCODE, b"\x01")), timeout=1.0)
    async def open(self) -> None:
        """Open."""
        raise NotImplementedError


class MyMixed(Mixed):
    """A valve whose commands fail."""

    async def turn(self, steps: int) -> int:
        if steps > 9:
            raise Fault(2)
        return steps

    async def open(self) -> None:
        raise Fault(2)


@pytest.mark.parametrize("kind", [Valve, Mixed])
def test_no_fault_is_invented(kind: type[Equipment]) -> None:
    declaration = declaration_of(kind)
    assert declaration.dialect.can_fail("turn") is False
    check_equipment(kind, max_examples=10)
    valve: Any = simulated(kind, fault_rate=1.0)
    assert type(valve.turn(1)) is int
    with pytest.raises(CodecError, match="has no faults"):
        declaration.dialect.fault(Request("turn", {}), Fault(1))


def test_the_manual_shows_no_fault_where_there_is_none() -> None:
    assert "## Faults" not in markdown(facts_of(declaration_of(Valve)))
    facts = facts_of(declaration_of(Mixed))
    assert "open" == facts["faults"]["example"]["answers"]
    assert [[], []] == [each["faults"] for each in facts["commands"]]


def test_what_cannot_be_served_is_answered_with_nothing() -> None:
    """An opcode that nobody declared, parameters that do not fit, and a handler that fails."""
    bench = Bench()
    bench.serve(MyMixed())
    wire = program(bench)
    for sent, answer in [
        (b"\x01\x77", b""),
        (b"\x03\x10\x01\x02", b""),
        (b"\x02\x10\x0a", b""),
        (b"\x02\x10\x09", b"\x02\x06\x09"),
        (b"\x02\x20\x01", b"\x03\xa0\x01\x02"),
    ]:
        wire.received = b""
        wire.say(sent)
        bench.network.advance(0.5)
        assert (sent, answer) == (sent, wire.received)
    valve = bench.remote(Mixed)
    assert ReplyTimeout is type(bench.result(valve.turn(10)))


def test_a_station_of_iec_104_is_silent_about_functions_that_do_not_exist() -> None:
    bench = Bench()
    bench.serve(simulated(Station))
    wire = program(bench)
    wire.say(bytes.fromhex("68 04 99 00 00 00"))
    bench.network.advance(0.5)
    assert b"" == wire.received


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", U8), ("fault_opcode", 0x7F), ("reason", Annotated[str, Rest()]), ("data", U8)],
)
def test_options_about_faults_are_refused_where_there_are_none(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"there are no faults: leave out {name}"):
        Binary(fault_head=None, **{name: value})
