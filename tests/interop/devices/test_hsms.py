"""HSMS with secsgem: its host at our equipment, and our host at its equipment, in both TCP roles."""

from __future__ import annotations

import pytest

from tests.conftest import needs_module
from tests.docs.processes import free_port
from tests.interop.programs import printed

COMMON = """
import logging, os, sys, threading
import secsgem.common, secsgem.gem, secsgem.hsms
from twisted.internet import reactor
from twisted.internet.task import deferLater
from secsgem.gem import Alarm, GemEquipmentHandler, GemHostHandler, StatusVariable
from tcpcomm import Fault, blocking
from tcpcomm.devices.hsms import F4, Gem, GemTool, U2

ROLES = {True: secsgem.hsms.HsmsConnectMode.ACTIVE, False: secsgem.hsms.HsmsConnectMode.PASSIVE}
HOST, EQUIPMENT = secsgem.common.DeviceType.HOST, secsgem.common.DeviceType.EQUIPMENT
logging.disable()
sys.excepthook = lambda *raised: (sys.__excepthook__(*raised), os._exit(1))

async def a_moment():
    # secsgem's passive side reads the first message before it has noted that it is connected.
    await deferLater(reactor, 0.2)
    theirs = (globals().get("host") or globals()["equipment"]).protocol
    while theirs.connection_state.current.name == "NOT_CONNECTED":
        await deferLater(reactor, 0.01)

class PatientGem(Gem):
    async def opening(self, *, active):
        await a_moment()
        await super().opening(active=active)

class PatientTool(GemTool):
    async def session_began(self, session):
        await a_moment()
        await super().session_began(session)

def settings(port, active, device_type):
    return secsgem.hsms.HsmsSettings(
        address="127.0.0.1", port=port, connect_mode=ROLES[active], device_type=device_type,
        session_id=3, t5=1,
    )
"""

THEIR_HOST = """
class Sorter(PatientTool if not ACTIVE else GemTool):
    device_id = 3

    async def on_command(self, rcmd, parameters):
        if rcmd != "START":
            return 1
        print("acknowledged", await self.send_report(U2(10), [[U2(1), [parameters["LOTID"], F4(1.5)]]]))
        print("acknowledged", await self.send_alarm(5, "door open"))
        return 4

class Host(GemHostHandler):
    def _on_s06f11(self, handler, message):
        values = self.settings.streams_functions.decode(message)
        print("report", values.CEID.get(), values.RPT.get())
        return self.stream_function(6, 12)(0)

    def _on_s05f01(self, handler, message):
        print("alarm", self.settings.streams_functions.decode(message).get())
        return self.stream_function(5, 2)(0)

tool = Sorter("SORTER", "2.1", {1: "IDLE", 2: F4(0.5)})
host = Host(settings(port, ACTIVE, HOST))
if ACTIVE:
    serving = blocking.serve(tool, at=f"tcp:{port}:interface=127.0.0.1")
    host.enable()
else:
    host.enable()
    serving = blocking.serve(tool, connect=f"tcp:127.0.0.1:{port}")
assert host.waitfor_communicating(50)
print(host.are_you_there().header.function, host.request_svs([1, 2]).get())
print(host.send_remote_command("START", [["LOTID", "A7"]]).HCACK.get())
print(host.send_remote_command("FLY", []).HCACK.get())
unknown = host.send_and_waitfor_response(host.stream_function(2, 17)())
print(f"S{unknown.header.stream}F{unknown.header.function}")
print(host.protocol.send_linktest_req() is not None, flush=True)
os._exit(0)  # its threads would keep the program alive
"""

OUR_HOST = """
class Tool(PatientGem if ACTIVE else Gem):
    device_id = 3

equipment = GemEquipmentHandler(settings(port, not ACTIVE, EQUIPMENT))
equipment.status_variables[10] = StatusVariable(10, "speed", "mm/s", secsgem.secs.variables.U4, True)
equipment.status_variables[10].value = 125
equipment.alarms[25] = Alarm(25, "door", "door open", 1, 100025, 200025)
if ACTIVE:
    equipment.enable()
    place = {"at": f"tcp:127.0.0.1:{port}"}
else:
    place = {"listen": f"tcp:{port}:interface=127.0.0.1"}
with blocking.remote(Tool, **place) as tool:
    if not ACTIVE:
        equipment.enable()
    blocking.link_of(tool).wait_until_ready(50)
    print(tool.are_you_there(), tool.status([10]), tool.ask("S1F11", [10]))
    print(tool.ask("S2F33", [0, [[5000, [10]]]]), tool.ask("S2F35", [0, [[20, [5000]]]]))
    print(tool.ask("S2F37", [True, [20]]), tool.ask("S5F3", [b"\\x80", 25]))
    with tool.report.events(timeout=50) as reports, tool.alarm.events(timeout=50) as alarms:
        print(tool.remote_command("START"), *next(reports))
        threading.Thread(target=equipment.set_alarm, args=(25,)).start()
        print(*next(alarms))
    for asked in (lambda: tool.remote_command("FLY"), lambda: tool.ask("S10F3", [b"\\0", "hi"])):
        try:
            asked()
        except Fault as fault:
            print(fault)
sys.stdout.flush()
os._exit(0)  # its threads would keep the program alive
"""

PULLED = """
from time import monotonic, sleep
from tcpcomm import NotReady, OutcomeUnknown
from tcpcomm.host.reactor_thread import call_in_reactor
from tcpcomm.testing import Blackhole, FaultProxy

def cable_to(port):
    cable = call_in_reactor(lambda: FaultProxy(f"tcp:127.0.0.1:{port}"))
    return cable, call_in_reactor(cable.start)

def pull(cable):
    call_in_reactor(lambda: [each.add(Blackhole()) for each in (cable.upstream, cable.downstream)])

def plug(cable):
    call_in_reactor(lambda: [each.clear() for each in (cable.upstream, cable.downstream)])

def wait_for(condition):
    end = monotonic() + 50
    while not condition():
        assert monotonic() < end
        sleep(0.01)

QUICK = {"device_id": 3, "t5": 0.1, "t6": 1.0, "linktest_interval": 0.3}
"""

OUR_HOST_PULLED = """
Tool = type("Tool", (PatientGem,), QUICK)
equipment = GemEquipmentHandler(settings(port, False, EQUIPMENT))
equipment.enable()
cable, through = cable_to(port)
with blocking.remote(Tool, at=f"tcp:127.0.0.1:{through}") as tool:
    link = blocking.link_of(tool)
    link.wait_until_ready(50)
    print(tool.are_you_there())
    pull(cable)
    try:
        tool.remote_command("START")
    except OutcomeUnknown as error:
        print(type(error).__name__)
    wait_for(lambda: link.state.value != "ready")
    try:
        tool.remote_command("START")
    except NotReady as error:
        print(type(error).__name__)
    equipment.disable()  # because its listener does not always outlive a connection that was reset
    plug(cable)
    equipment.enable()
    link.wait_until_ready(50)
    print(tool.are_you_there())
sys.stdout.flush()
os._exit(0)
"""

OUR_EQUIPMENT_PULLED = """
Tool = type("Tool", (GemTool,), QUICK)
tool = Tool()
serving = blocking.serve(tool, at=f"tcp:{port}:interface=127.0.0.1")
cable, through = cable_to(port)
host = GemHostHandler(settings(through, True, HOST))
host.enable()
assert host.waitfor_communicating(50)
wait_for(tool.selected_hosts)
print(host.are_you_there().header.function)
pull(cable)
wait_for(lambda: not tool.selected_hosts())
plug(cable)
wait_for(tool.selected_hosts)
assert host.waitfor_communicating(50)
print(host.are_you_there().header.function)
sys.stdout.flush()
os._exit(0)
"""

ROLES = pytest.mark.parametrize("active", [True, False], ids=["active host", "passive host"])


def run(program: str, *, active: bool) -> list[str]:
    needs_module("secsgem", "pip install secsgem")
    return printed(f"ACTIVE, port = {active}, {free_port()}\n{COMMON}{program}")


@ROLES
def test_the_host_of_secsgem_uses_our_equipment(active: bool) -> None:
    assert [
        "2 ['IDLE', 0.5]",
        "report 10 [{'RPTID': 1, 'V': ['A7', 1.5]}]",
        "acknowledged 0",
        "alarm {'ALCD': 128, 'ALID': 5, 'ALTX': 'door open'}",
        "acknowledged 0",
        "4",
        "1",
        "S9F5",
        "True",
    ] == run(THEIR_HOST, active=active)


@ROLES
def test_our_host_uses_the_equipment_of_secsgem(active: bool) -> None:
    assert [
        "['secsgem', '0.3.0'] [125] [[U1(10), 'speed', 'mm/s']]",
        r"b'\x00' b'\x00'",
        r"b'\x00' b'\x00'",
        "4 1 20 [[U2(5000), [125]]]",
        "129 25 door open",
        "HCACK 1: the command does not exist",
        "S9F5: unrecognized function",
    ] == run(OUR_HOST, active=active)


def test_our_host_selects_the_equipment_of_secsgem_again_after_a_pulled_cable() -> None:
    assert [
        "['secsgem', '0.3.0']",
        "OutcomeUnknown",
        "NotReady",
        "['secsgem', '0.3.0']",
    ] == run(PULLED + OUR_HOST_PULLED, active=True)


def test_our_equipment_notices_a_pulled_cable_and_takes_the_host_of_secsgem_back() -> None:
    assert ["2", "2"] == run(PULLED + OUR_EQUIPMENT_PULLED, active=True)
