"""An acknowledgement that must come soon, before a reply that takes long."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tcpcomm import ConfigurationError, Equipment, Fault, ReplyTimeout, command
from tcpcomm.codec import Acknowledged, Template
from tcpcomm.equipment.equipment import declaration_of
from tcpcomm.framing import Delimited
from tcpcomm.testing import check_equipment
from tcpcomm.tools.manual.facts import facts_of
from tests.conversation.foreign import stand
from tests.equipment.declared import Bench


class Furnace(Equipment):
    """A furnace that takes a command at once, and carries it out for half a minute."""

    framing = Delimited(b"\r")
    codec = Template(encoding="ascii", fault="NG,{code:d}")

    @command("HEAT,{degrees}", reply=Acknowledged("ACK", "DONE,{seconds}", within=0.5), timeout=30.0)
    async def heat(self, degrees: int) -> int:
        """Heat up. Return how long it took."""
        raise NotImplementedError

    @command("READ", reply="T,{degrees}", timeout=1.0)
    async def read(self) -> int:
        """Read the temperature."""
        raise NotImplementedError


@pytest.mark.parametrize(
    ("said", "outcome", "took"),
    [
        ([(0.4, b"ACK\r"), (29.0, b"DONE,28\r")], 28, 29.0),
        ([], "no acknowledgement within 0.5 s", 0.5),
        ([(0.4, b"ACK\r")], "no reply within 30 s after its acknowledgement", 30.4),
        ([(0.4, b"NG,3\r")], "3", 0.4),
        ([(0.4, b"ACK\r"), (20.0, b"NG,3\r")], "3", 20.0),
        ([(0.4, b"ACK\rDONE,0\r")], 0, 0.4),
    ],
    ids=["in time", "silent", "no reply", "refused", "failed", "together"],
)
def test_the_acknowledgement_has_a_time_of_its_own(
    bench: Bench, said: list[tuple[float, bytes]], outcome: Any, took: float
) -> None:
    at = stand(bench, Furnace, lambda frame: None)
    began = bench.network.clock.now
    asked = at.proxy.heat(900)
    for seconds, data in said:
        bench.network.clock.callLater(seconds, at.program.write, data)
    found = bench.result(asked, within=60.0)
    assert outcome == (str(found) if isinstance(found, Exception) else found)
    assert took - 0.001 < bench.network.clock.now - began < took + 0.05


def test_a_command_may_wait_for_its_turn_for_longer_than_its_acknowledgement_takes(bench: Bench) -> None:
    at = stand(bench, Furnace, {b"HEAT,1": b"ACK\r", b"HEAT,2": b"ACK\rDONE,2\r"}.get)
    first, second = at.proxy.heat(1), at.proxy.heat(2)
    bench.network.clock.callLater(3.0, at.program.write, b"DONE,1\r")
    assert [1, 2] == [bench.result(first), bench.result(second)]


def test_other_commands_keep_their_timeouts(bench: Bench) -> None:
    at = stand(bench, Furnace, lambda frame: None)
    began = bench.network.clock.now
    assert ReplyTimeout is type(bench.result(at.proxy.read()))
    assert 1.0 <= bench.network.clock.now - began < 1.05


def test_both_ends(bench: Bench) -> None:
    class Mine(Furnace):
        async def heat(self, degrees: int) -> int:
            if degrees > 1000:
                raise Fault(7)
            return 28

        async def read(self) -> int:
            return 20

    bench.serve(Mine())
    proxy = bench.remote(Furnace)
    assert 28 == bench.result(proxy.heat(900))
    assert Fault is type(bench.result(proxy.heat(1001)))
    check_equipment(Furnace, max_examples=5)


def test_the_manual_shows_it() -> None:
    heat, _ = facts_of(declaration_of(Furnace))["commands"]
    assert "ACK (before the command is carried out, within 0.5 s)" == heat["replies"][0]
    assert 0.5 == heat["layout"]["reply"]["within"]
    json.dumps(heat)


def test_a_time_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^Acknowledged\(within=...\) needs a number of seconds"):
        Acknowledged("ACK", "OK", within=0)


def test_a_command_with_a_codec_of_its_own_has_both_times(bench: Bench) -> None:
    """The time of the acknowledgement was that of the reply, too."""

    class TwoCodecs(Furnace):
        @command(
            "COOL",
            reply=Acknowledged("ACK", "COLD", within=0.5),
            timeout=30.0,
            codec=Template(encoding="ascii", fault="NO,{code:d}"),
        )
        async def cool(self) -> None:
            raise NotImplementedError

    answers = [b"ACK\r"]
    at = stand(bench, TwoCodecs, lambda frame: answers.pop() if answers else None)
    asked = at.proxy.cool()
    bench.network.clock.callLater(20.0, at.program.write, b"COLD\r")
    assert bench.result(asked, within=60.0) is None
    assert "no acknowledgement within 0.5 s" == str(bench.result(at.proxy.cool(), within=60.0))


def test_an_acknowledgement_that_other_commands_delay_is_refused() -> None:
    """The second of two commands was taken for dead while the equipment was at work on the first one."""

    async def move(self: object, x: int) -> int:
        raise NotImplementedError

    wire = command("M{x:d}", reply=Acknowledged("A", "D{y:d}", within=0.5))
    attributes = {"framing": Delimited(b"\n"), "codec": Template(), "pipeline": 2, "move": wire(move)}
    with pytest.raises(ConfigurationError, match="its acknowledgement waits for the commands"):
        type("Axis", (Equipment,), attributes)
