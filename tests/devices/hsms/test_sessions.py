"""Both ends of HSMS on the simulated network, in both TCP roles."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import Fault
from tcpcomm.devices.hsms import Gem, GemTool
from tcpcomm.testing import check_equipment
from tests.equipment.declared import PORT, Bench


class Sorter(GemTool):
    """A sorter that takes one command."""

    def __init__(self) -> None:
        super().__init__("SORTER", "2.1", {1: "IDLE", 2: 7})
        self.started: list[Any] = []

    async def on_command(self, rcmd: Any, parameters: dict[Any, Any]) -> int:
        if rcmd != "START":
            return 1
        self.started.append(parameters)
        await self.send_report(10, [[1, [parameters["LOTID"]]]])
        return 0


ROLES = pytest.mark.parametrize("active", [True, False], ids=["active host", "passive host"])


def connected(bench: Bench, tool: GemTool, active: bool, kind: type[Gem] = Gem, **options: Any) -> Any:
    """Return the proxy of a host, and let the tool be served, in one of the two TCP roles of the host."""
    options = {"policy": None, **options}
    if active:
        bench.serve(tool)
        return bench.remote(kind, **options)
    proxy = bench.remote(kind, listen=bench.robot.listening(PORT), **options)
    bench.serve_actively(tool)
    return proxy


@ROLES
def test_a_host_asks_and_hears_equipment(active: bool, bench: Bench) -> None:
    tool = Sorter()
    host = connected(bench, tool, active)
    heard: list[Any] = []
    host.report.subscribe(lambda *values: heard.append(values))
    host.alarm.subscribe(lambda *values: heard.append(values))
    assert ["SORTER", "2.1"] == bench.result(host.are_you_there())
    assert ["IDLE", 7, []] == bench.result(host.status([1, 2, 3]))
    assert 0 == bench.result(host.remote_command("START", {"LOTID": "A7"}))
    assert ([{"LOTID": "A7"}], [(0, 10, [[1, ["A7"]]])]) == (tool.started, heard)
    refused = bench.result(host.remote_command("FLY"))
    assert (Fault, "HCACK 1", "the command does not exist") == (type(refused), refused.code, refused.reason)
    assert 0 == bench.result(tool.send_alarm(5, "door open"))
    assert (0x80, 5, "door open") == heard[1]
    tool.report(dataid=1, ceid=11, reports=[])
    bench.until(lambda: len(heard) == 3)
    assert (1, 11, []) == heard[2]


@pytest.mark.parametrize("kind", [Gem, Gem.host_side], ids=["equipment", "host"])
def test_the_declarations_pass_the_wire(kind: Any) -> None:
    check_equipment(kind, max_examples=5)
