"""
A plain script that sets up no log: warnings are lines on standard error, once, and errors end in one line.

Each program here is a process, because a process has one reactor, and one log.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.system.test_blocking import IMPORTS, run

SERVED = (
    IMPORTS
    + """
import logging, socket
from twisted.logger import FilteringLogObserver, LogLevel, LogLevelFilterPredicate, formatEvent
from twisted.logger import globalLogBeginner, globalLogPublisher

class MyCamera(VisionCamera):
    def locate(self, job):
        return Position(1.0, 2.0, float(job))

    def light(self, lamp):
        pass

    def reset(self):
        pass

def misbehave():
    with blocking.serve(MyCamera(), at="tcp:0:interface=127.0.0.1", max_sessions=1) as serving:
        place = ("127.0.0.1", serving.ports[0])
        with socket.create_connection(place, 20) as first:
            first.sendall(b"HELLO\\r\\n")
            first.recv(100)
            try:  # the reset may come before create_connection has looked
                with socket.create_connection(place, 20) as second:
                    second.recv(1)
            except OSError:
                pass
"""
)

BAD_MESSAGE = r"127\.0\.0\.1:\d+: there is no command 'HELLO'"
REFUSED = r"127\.0\.0\.1:\d+: connection refused: there are 1 sessions, which is max_sessions"


def errors(program: str) -> list[str]:
    ended = run(program, SERVED)
    assert (0, "") == (ended.returncode, ended.stdout)
    return ended.stderr.splitlines()


def assert_lines(patterns: list[str], lines: list[str]) -> None:
    assert len(patterns) == len(lines), lines
    assert all(map(re.fullmatch, patterns, lines)), lines


def test_without_any_log_warnings_are_lines_on_standard_error() -> None:
    assert_lines([f"tcpcomm: {BAD_MESSAGE}", f"tcpcomm: {REFUSED}"], errors("misbehave()"))


@pytest.mark.parametrize(
    "switch",
    [
        "logging.getLogger('tcpcomm').setLevel(logging.CRITICAL)",
        "logging.getLogger('tcpcomm').addHandler(logging.NullHandler())",
        "globalLogPublisher.addObserver(lambda event: None)",
        "globalLogBeginner.beginLoggingTo([lambda event: None], redirectStandardIO=False)",
    ],
    ids=["level", "handler", "observer", "log"],
)
def test_they_can_be_switched_off_and_a_log_of_the_program_s_own_takes_their_place(switch: str) -> None:
    assert [] == errors(f"{switch}\nmisbehave()")


def test_python_s_logging_gets_what_it_is_set_up_for_once() -> None:
    form = "%(levelname)s %(name)s %(message)s"
    lines = errors(f"logging.basicConfig(level=logging.INFO, format={form!r})\nmisbehave()")
    warnings = [line for line in lines if line.startswith("WARNING")]
    assert_lines([f"WARNING tcpcomm {BAD_MESSAGE}", f"WARNING tcpcomm {REFUSED}"], warnings)
    assert re.fullmatch(r"INFO tcpcomm listening on 127\.0\.0\.1:\d+ \(tcp:0.*\)", lines[0])


FAILING = """
class Failing(MyCamera):
    def locate(self, job):
        raise ValueError("the lens cap is on")

place = "tcp:0:interface=127.0.0.1"
with blocking.serve(Failing(), at=place) as serving:
    with blocking.remote(VisionCamera, at=f"tcp:127.0.0.1:{serving.ports[0]}") as camera:
        try:
            camera.locate(job=3)
        except Fault:
            pass
"""


def test_python_s_log_file_gets_the_traceback_of_a_handler_that_fails(tmp_path: Path) -> None:
    file = tmp_path / "script.log"

    lines = errors(f"logging.basicConfig(filename={str(file)!r}, level=logging.ERROR)\n{FAILING}")

    first, *inside = file.read_text().splitlines()
    assert re.fullmatch(r"CRITICAL:tcpcomm:127\.0\.0\.1:\d+: Failing\.locate failed; .*", first)
    assert all(each.startswith("    ") for each in inside)
    assert "    builtins.ValueError: the lens cap is on" == inside[-1]
    assert 1 == lines.count("builtins.ValueError: the lens cap is on")


def test_on_standard_error_the_traceback_of_a_handler_that_fails_stands_once() -> None:
    lines = errors(f"logging.basicConfig(level=logging.ERROR)\n{FAILING}")

    assert 1 == sum("the lens cap is on" in line and "raise" not in line for line in lines)


def test_a_script_whose_port_is_taken_shows_its_own_line_and_the_reason() -> None:
    ended = run(
        """
taken = socket.create_server(("127.0.0.1", 0))
blocking.serve(MyCamera(), at=f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1")
""",
        SERVED,
    )
    lines = ended.stderr.splitlines()
    assert 1 == ended.returncode
    reason = r"tcpcomm\.\S+CannotListen: cannot listen on tcp:\d+:interface=127\.0\.0\.1: "
    assert re.match(reason, lines[-1])
    assert 2 == sum(line.startswith("  File") for line in lines)


def test_a_command_that_fails_shows_its_own_line_and_the_reason() -> None:
    ended = run("blocking.remote(VisionCamera, at='tcp:127.0.0.1:1', wait=0).locate(job=3)", SERVED)
    lines = ended.stderr.splitlines()
    assert lines[-1].startswith("tcpcomm.errors.NotReady: link to tcp:127.0.0.1:1 is ")
    assert 2 == sum(line.startswith("  File") for line in lines)
