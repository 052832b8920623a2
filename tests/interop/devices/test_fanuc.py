"""fanuc_rmi, a client for robots of FANUC, moves the controller in memory as it moves a real one."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

import pytest

from tests.conftest import needs_module
from tests.interop.programs import printed

# fanuc_rmi asks in a thread, because the controller needs the reactor of its process.
PROGRAM = dedent(
    """
    import io
    import json
    import tempfile
    from contextlib import redirect_stdout
    from twisted.internet import reactor
    from twisted.internet.threads import deferToThread
    from fanuc_rmi import RobotClient
    from tcpcomm import serve
    from tcpcomm.devices.fanuc import Controller

    def asked(startup, main, folder):
        robot = RobotClient("127.0.0.1", startup, main, connect_timeout=50, startup_pause=0)
        robot.connect()
        robot.initialize(uframe=2, utool=3)
        robot.speed_override(40)
        robot.joint_absolute({f"J{n}": 10.0 * n for n in range(1, 7)}, 20, sequence_id=1)
        robot.joint_relative({"J1": 1.5}, 20, sequence_id=2)
        robot.linear_absolute(dict(X=500.5, Y=1.0, Z=400.0, W=0.0, P=0.0, R=180.0), 100, sequence_id=3)
        robot.linear_relative(dict(X=0.0, Y=0.0, Z=-25.0, W=0.0, P=0.0, R=0.0), 50, sequence_id=4)
        robot.wait_time(0.1, sequence_id=5)
        found = {
            "set": [robot.set_uframe(4, sequence_id=6), robot.set_utool(5, sequence_id=7)],
            "place": robot.read_cartesian_coordinates(folder + "/place"),
            "joints": robot.read_joint_coordinates(folder + "/joints")["JointAngle"],
            "numbers": robot.get_uframe_utool(),
        }
        robot.write_uframe_data(4, dict(X=1, Y=2, Z=3, W=4, P=5, R=6))
        robot.write_utool_data(5, dict(X=0, Y=0, Z=150, W=0, P=0, R=0))
        found["frame"], found["tool"] = robot.read_uframe_data(4), robot.read_utool_data(5)
        found["input"] = robot.read_din(7)
        robot.write_dout(8, "ON")
        found["wrong"] = robot.set_uframe(99, sequence_id=8)
        found["text"] = robot.read_error(found["wrong"])
        found["abort"], found["again"] = robot.abort(), robot.abort()
        robot.close()
        return found

    controller = Controller()
    controller.inputs[7] = True
    service = serve(controller, at=["tcp:0:interface=127.0.0.1"] * 2)
    service.startService()
    startup, main = (port.getHost().port for port in service.ports)
    controller.own_port, printed, folder = main, io.StringIO(), tempfile.TemporaryDirectory()

    def ask():
        with redirect_stdout(printed):
            return asked(startup, main, folder.name)

    def ended(found):
        if isinstance(found, dict):
            found["told"] = f"'PortNumber': {main}" in printed.getvalue()
            found["override"], found["output"] = controller.override, controller.outputs
            print(json.dumps(found))
        folder.cleanup()
        reactor.stop()
        return found

    reactor.callWhenRunning(lambda: deferToThread(ask).addBoth(ended))
    reactor.run()
    """
)


@pytest.fixture(scope="module")
def found() -> Any:
    """Return what fanuc_rmi found."""
    needs_module("fanuc_rmi", "pip install tcpcomm[interop], which brings fanuc-rmi")
    return json.loads(printed(PROGRAM)[-1])


def test_fanuc_rmi_moves_the_robot_and_reads_where_it_is(found: dict[str, Any]) -> None:
    assert found["told"]
    place = {"X": 500.5, "Y": 1.0, "Z": 375.0, "W": 0.0, "P": 0.0, "R": 180.0}
    assert place.items() <= found["place"]["Position"].items()
    assert [11.5, 20.0, 60.0] == [found["joints"][name] for name in ("J1", "J2", "J6")]
    assert [("FRC_SetUFrame", 6), ("FRC_SetUTool", 7)] == [
        (each["Instruction"], each["SequenceID"]) for each in found["set"]
    ]
    assert {"UFrameNumber": 4, "UToolNumber": 5} == found["numbers"]
    assert 40 == found["override"]


def test_fanuc_rmi_reads_and_writes_frames_tools_and_ports(found: dict[str, Any]) -> None:
    assert {"X": 1.0, "Y": 2.0, "Z": 3.0, "W": 4.0, "P": 5.0, "R": 6.0} == found["frame"]
    assert 150.0 == found["tool"]["Z"]
    assert (1, {"8": True}) == (found["input"]["PortValue"], found["output"])


def test_fanuc_rmi_is_told_each_error_id(found: dict[str, Any]) -> None:
    assert (2556931, 8) == (found["wrong"]["ErrorID"], found["wrong"]["SequenceID"])
    assert "FRC_ReadError" == found["text"]["Command"]
    assert [0, 2556937] == [found["abort"]["ErrorID"], found["again"]["ErrorID"]]
