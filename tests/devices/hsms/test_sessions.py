"""Both ends of HSMS on the simulated network, in both TCP roles."""

from __future__ import annotations

from typing import Any

import pytest

from tcpcomm import Fault, declaration_of, event
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
    listed = bench.result(host.remote_command("START", ["LOTID"]))
    assert "the parameters are a dictionary of names and values, not ['LOTID']" == str(listed)
    assert [[]] == bench.result(host.status([[1]]))
    assert 3 == bench.result(host.s2f41("START", [[["LOTID"], "A7"]])).hcack
    refused = bench.result(host.remote_command("FLY"))
    assert (Fault, "HCACK 1", "the command does not exist") == (type(refused), refused.code, refused.reason)
    assert 0 == bench.result(tool.send_alarm(5, "door open"))
    assert (0x80, 5, "door open") == heard[1]
    tool.report(dataid=1, ceid=11, reports=[])
    bench.until(lambda: len(heard) == 3)
    assert (1, 11, []) == heard[2]


@ROLES
def test_both_sides_have_the_device_the_encoding_and_the_timers_of_the_equipment(
    active: bool, bench: Bench
) -> None:
    class Korean(Gem):
        device_id = 3
        encoding = "cp949"
        t3 = 20.0

    class KoreanTool(GemTool, Korean):
        pass

    tool = KoreanTool("검사기", "1.0")
    host = connected(bench, tool, active, Korean)
    heard: list[Any] = []
    host.alarm.subscribe(lambda *values: heard.append(values))
    assert ["검사기", "1.0"] == bench.result(host.are_you_there())
    assert 0 == bench.result(tool.send_alarm(5, "문 열림"))
    assert [(0x80, 5, "문 열림")] == heard
    commands = declaration_of(Korean.host_side).commands
    assert (20.0, 5.0) == (commands["s6f11"].timeout, commands["select"].timeout)
    frame = declaration_of(Korean.host_side).dialect.request("s1f1", {}, 1)
    assert b"\0\3" == frame[:2]
    wrong = bench.result(host.device(4).are_you_there())
    assert "S9F1: unrecognized device ID: set device_id to that of the equipment" == str(wrong)


def test_equipment_may_be_several_devices(bench: Bench) -> None:
    class Cluster(GemTool):
        other_devices = (1, 2)

        async def s1f1(self) -> list[str]:
            return [f"chamber {self.device.value}", "1"]

        async def on_selected(self, session: Any) -> None:
            pass

    host = connected(bench, Cluster(), active=True)
    names = [bench.result(host.device(number).are_you_there())[0] for number in (0, 1, 2)]
    assert ["chamber 0", "chamber 1", "chamber 2"] == names
    assert "S9F1" == bench.result(host.device(3).are_you_there()).code


def test_only_equipment_sends_to_its_hosts(bench: Bench) -> None:
    host = connected(bench, GemTool(), active=True)
    refused = bench.result(host.send_report(1, []))
    assert "this is a proxy: only the equipment itself sends to its hosts" == str(refused)


def test_every_message_is_asked_and_told(bench: Bench) -> None:
    told: list[Any] = []

    class Open(GemTool):
        async def ask(self, message: str, item: Any = None) -> Any:
            return [item] if message == "S64F1" else await super().ask(message, item)

        async def tell(self, message: str, item: Any = None) -> None:
            told.append((message, item))

    tool = Open()
    host = connected(bench, tool, active=True)
    assert [5] == bench.result(host.ask("S64F1", 5))
    assert ["tcpcomm", "1.0"] == bench.result(host.ask("S1F1"))
    unknown = bench.result(host.ask("S64F3"))
    assert ("S9F3", "unrecognized stream") == (unknown.code, unknown.reason)
    assert "S9F5" == bench.result(host.ask("S1F99")).code
    assert bench.result(host.tell("S64F1", "x")) is None
    bench.until(lambda: bool(told))
    assert [("S64F1", "x")] == told
    refused = bench.result(tool.ask_host("ask", message="S64F1", item=None))
    assert ("F0", "the peer aborted the transaction (S64F0)") == (refused.code, refused.reason)


def test_an_event_of_ones_own_is_acknowledged_and_heard(bench: Bench) -> None:
    class Traced(GemTool):
        @event("S6F1", needs="selected")
        def traced(self, trid: int, values: list[float]) -> None:
            """A trace."""

    tool = Traced()
    host = connected(bench, tool, active=True, kind=Traced)
    heard: list[Any] = []
    host.traced.subscribe(lambda *values: heard.append(values))
    bench.result(host.are_you_there())
    assert b"\0" == bench.result(tool.ask_host("ask", message="S6F1", item=[7, [1.5]]))
    tool.traced(8, [2.5])
    bench.until(lambda: len(heard) == 2)
    assert [(7, [1.5]), (8, [2.5])] == heard


@pytest.mark.parametrize("kind", [Gem, Gem.host_side], ids=["equipment", "host"])
def test_the_declarations_pass_the_wire(kind: Any) -> None:
    check_equipment(kind, max_examples=5)
