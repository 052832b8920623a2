"""
The examples of several programs: each runs in a process of its own, over real sockets, to its end.

A tap stands between the two sides. In its recording ``tcpcomm guess`` finds their framing, and with
``--draft`` it writes a declaration that reads what passed, or says why it cannot. The robot is left out
there: it asks for signs of life during a command, so that what a draft can tell depends on the time.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.examples import (
    ANY_PORT,
    EXAMPLES,
    PATIENT_PYTHON,
    draft_reads,
    ended,
    guessed,
    run,
    serving,
    started,
    tapped,
    without_draft,
)

LEAST_READ = 0.9
"""The part of the replayed replies that a draft must read."""


def program(name: str, *arguments: str) -> str:
    """Return the command that starts an example."""
    return " ".join([*PATIENT_PYTHON, str(EXAMPLES / name), *arguments])


def test_the_robot_gets_the_positions_of_the_parts_in_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES / "robot_vision")
    parts = import_module("vision_program").PARTS
    recording = tmp_path / "line.tcpcomm"
    with (
        serving(program("robot_vision/vision_program.py", ANY_PORT), tmp_path) as (_, port),
        tapped(port, recording) as tap,
    ):
        printed = run("robot_vision/robot_program.py", f"tcp:127.0.0.1:{tap}")

    found = re.findall(r"^job (\d): x=(.*) y=(.*) angle=(.*)$", printed, re.MULTILINE)
    assert [1, 2] == [int(job) for job, *_ in found]
    for job, *position in found:
        assert pytest.approx(parts[int(job)], abs=0.1) == [float(each) for each in position]
    assert "job 3: NG 3, no part in the picture\n" in printed
    assert "job 4: NG 2, no such job: 4\n" in printed
    assert "replace the lamp: 10000 hours\n" in printed
    verdict, framing = guessed(recording)
    assert r"delimited:\r\n" == framing
    assert verdict in ("confident", "likely")  # few messages: an alarm may come in the chunk of a reply


def test_the_control_pc_moves_the_axis_and_gets_faults(tmp_path: Path) -> None:
    axis_line, sensor_line = tmp_path / "axis.tcpcomm", tmp_path / "sensor.tcpcomm"
    command = program("machine/machine_program.py", ANY_PORT, ANY_PORT)
    with serving(command, tmp_path) as (machine, axis):
        sensor = machine.wait_for("...listening on 127.0.0.1:...").split("127.0.0.1:")[1].split()[0]
        with tapped(axis, axis_line) as axis_tap, tapped(sensor, sensor_line) as sensor_tap:
            places = f"tcp:127.0.0.1:{axis_tap}", f"tcp:127.0.0.1:{sensor_tap}"
            printed = run("machine/control_program.py", *places)

    assert (
        """\
move before homing: fault 10, home the axis first
home: done
move to 50: 50.0
on the way at 10 20 30 40 50; height 2.500
move to 100: 100.0
on the way at 60 70 80 90 100; height 5.000
move to 400: fault 11, the axis goes from 0 to 300 mm
unlock the door: fault 20, the axis moves
stop: done
move slowly: fault 13, the axis was told to stop
unlock the door: done
move: fault 20, the door is not locked
lock the door: done
move: 0.0
"""
        == printed
    )
    assert ("confident", r"delimited:\n") == guessed(axis_line)
    assert ("confident", r"delimited:\r") == guessed(sensor_line)
    assert draft_reads(axis_line) >= LEAST_READ
    assert draft_reads(sensor_line) >= LEAST_READ


def test_each_of_three_stations_gets_the_results_of_its_own_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES / "inspection")
    judged, measured = import_module("inspection_program").judged, import_module("station").measured
    names = ("A", "B", "C")
    recording = tmp_path / "line.tcpcomm"
    with (
        serving(program("inspection/inspection_program.py", ANY_PORT, "3"), tmp_path) as (_, port),
        tapped(port, recording) as tap,
    ):
        # No station begins before all have entered.
        stations = [started("inspection/station.py", f"tcp:127.0.0.1:{tap}", name) for name in names]
        try:
            printed = [ended(station) for station in stations]
        finally:
            for station in stations:
                station.kill()

    for name, text in zip(names, printed, strict=True):
        results = [judged(serial, diameters) for serial, diameters in measured(name).items()]
        good = [result.judgement == "OK" for result in results]
        assert {True, False} == set(good)
        expected = [f"{each.serial}: {each.judgement} {each.reason}".rstrip() for each in results]
        for count in (20, 10):
            tally = f"station {name}: {sum(good[:count])} OK, {count - sum(good[:count])} NG"
            expected.insert(count - 1, tally)
        expected.append(f"{name}-last: not inspected: 1 diameters are too few")
        assert expected == text.splitlines()
    assert ("confident", "length:4") == guessed(recording)
    assert draft_reads(recording) >= LEAST_READ


def test_the_loader_and_the_line_control_send_each_other_commands(tmp_path: Path) -> None:
    recording = tmp_path / "line.tcpcomm"
    with (
        serving(program("two_way/loader_program.py", ANY_PORT), tmp_path) as (_, port),
        tapped(port, recording) as tap,
    ):
        printed = run("two_way/line_program.py", f"tcp:127.0.0.1:{tap}")

    assert (
        """\
the loader is idle, 3 trays left
fault 201: not loaded: the line is stopped
the loader is loading, 2 trays left, and asks for T-001
T-001 at place 1
trays left: 1
the loader is loading, 1 trays left, and asks for X-002
fault 202: no tray is called X-002
trays left: 0
the loader is loading, 0 trays left, and asks for T-003
T-003 at place 2
fault 101: the magazine is empty
confirmed: T-001 T-003
"""
        == printed
    )
    assert ("confident", r"delimited:\n") == guessed(recording)
    assert "Both sides send requests of JSON-RPC" in without_draft(recording)
