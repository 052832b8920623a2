"""The ``tcpcomm`` command runs in real processes, over real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tcpcomm import __version__
from tcpcomm.net.error_texts import PORT_TAKEN
from tests.docs.processes import free_port
from tests.system.running import DEADLINE, ON_LOOPBACK, Server, environment

DECLARATION = '''
from attrs import evolve, frozen
from tcpcomm import Equipment, Login, command, event
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.link.policy import PROFILES
from tcpcomm.session.heartbeat import Heartbeats

@frozen
class Position:
    """The position of the part."""

    x: float
    y: float

class VisionCamera(Equipment):
    """A camera that locates the part under it."""

    framing = Delimited(b"\\r\\n")
    codec = Template(encoding="utf-8", fault="NG,{code:d},{reason}")
    heartbeat = "ping"
    # A busy machine may keep a simulation, in a process of its own, from answering for seconds.
    policy = evolve(PROFILES["lan"], handshake_timeout=50.0, heartbeats=Heartbeats(25.0, 50.0))
    login = (Login(expect="USER", send="{user}"),)

    @command("TRG,{job}", reply="OK,{x:.3f},{y:.3f}", timeout=50.0)
    async def locate(self, job: int) -> Position:
        """Take a picture and locate the part."""
        raise NotImplementedError

    @command("PING", reply="PONG", timeout=50.0)
    def ping(self) -> None:
        raise NotImplementedError

    @event("경고,{code}")
    def alarm(self, code: int) -> None:
        """The camera needs attention."""

class MyCamera(VisionCamera):
    """An implementation, which a simulation does not use."""

    def __init__(self, lens):
        raise SystemExit("no simulation makes me")

    async def locate(self, job: int) -> Position:
        return Position(0.0, 0.0)

    def ping(self) -> None:
        pass
'''

PRESS = """
from tcpcomm import Equipment, command
from tcpcomm.codec import Template

class Press(Equipment):
    codec = Template(fault="NG,{code},{reason}")

    @command("CTRL,{who}", reply="OK", enters="control")
    def take_control(self, who: str) -> None:
        raise NotImplementedError

    @command("JOB,{job}", reply="OK", needs="control")
    def load(self, job: int) -> None:
        raise NotImplementedError
"""

NAME = "my_camera:VisionCamera"

PATIENT = ("--wait", "50", "--timeout", "50")
"""Options with which a call waits for as long as a busy machine may need."""

TIME_AND_PEER = r"\d\d:\d\d:\d\d\.\d{6}  127\.0\.0\.1:\d+ *"
"""The beginning of a line of the frame log."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a declaration in it."""
    made = tmp_path_factory.mktemp("declaration")
    (made / "my_camera.py").write_text(DECLARATION, "utf-8")
    return made


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tcpcomm", *words]


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(folder: Path) -> Run:
    """Run the command to its end, beside the declaration."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*words),
            cwd=folder,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )

    return run


@pytest.fixture(scope="module")
def camera(folder: Path) -> Iterator[Server]:
    """A simulated camera, shared by a module."""
    words = command("simulate", "my_camera:MyCamera", *ON_LOOPBACK, "--seed", "7", "--event-every", "0.1")
    with Server(command=words, cwd=folder) as running:
        yield running


@pytest.fixture
def faulty(folder: Path) -> Iterator[Server]:
    """A simulated camera that answers with faults only."""
    words = command("simulate", NAME, *ON_LOOPBACK, "--fault-rate", "1", "--latency", "0.01-0.02")
    with Server(command=words, cwd=folder) as running:
        yield running


def at(server: Server) -> Sequence[str]:
    """Return the words for its endpoint and its login."""
    return f"tcp:127.0.0.1:{server.port}", "--credential", "user=admin"


def test_help_lists_the_commands_and_version_tells_the_version(run: Run) -> None:
    told = run("--help").stdout
    for name in ("describe", "simulate", "call", "watch"):
        assert re.search(rf"^    {name} +\w", told, re.MULTILINE)
        assert f"\n  tcpcomm {name} my_camera:VisionCamera" in told
    assert run("--version").stdout.startswith(f"tcpcomm {__version__} (Twisted ")


def test_describe_prints_a_page_or_the_same_facts_for_machines(run: Run) -> None:
    page, facts = run("describe", NAME), run("describe", NAME, "--format", "json")

    assert (0, "") == (page.returncode, page.stderr)
    assert page.stdout.startswith("# VisionCamera\n\nA camera that locates the part under it.\n")
    assert "`경고,{code}`" in page.stdout
    assert ["locate", "ping"] == [each["name"] for each in json.loads(facts.stdout)["commands"]]


def test_a_mistake_of_the_user_is_one_line_and_the_exit_code_is_1(run: Run) -> None:
    ended = run("call", NAME, "tcp:127.0.0.1:9", "locate", "job=3")

    assert (1, "") == (ended.returncode, ended.stdout)
    assert ended.stderr == (
        'tcpcomm call: the login needs credentials for user: give credentials={"user": "..."}, or '
        "--credential-file on the command line\n"
    )


def test_call_prints_the_result_of_one_command(run: Run, camera: Server) -> None:
    for_people = run("call", NAME, *at(camera), *PATIENT, "locate", "job=3")
    for_machines = run("call", NAME, *at(camera), *PATIENT, "locate", "job=4", "--json")

    assert (0, "") == (for_people.returncode, for_people.stderr)
    assert re.fullmatch(r"x: -?\d+\.\d+\ny: -?\d+\.\d+\n", for_people.stdout)
    assert {"x", "y"} == json.loads(for_machines.stdout).keys()
    camera.wait_for(r"127\.0\.0\.1:\d+: locate\(job=3\) -> Position\(x=")
    assert "done\n" == run("call", NAME, *at(camera), *PATIENT, "ping").stdout


def test_the_exit_code_of_call_tells_a_fault_from_not_sent(run: Run, faulty: Server) -> None:
    fault = run("call", NAME, *at(faulty), *PATIENT, "locate", "job=3")
    faulty.stop()
    with socket.socket() as refusing:  # it keeps the port, where another test's server could listen
        refusing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        refusing.bind(("127.0.0.1", faulty.port))
        not_sent = run("call", NAME, *at(faulty), "locate", "job=3", "--wait", "5")

    assert (2, "") == (fault.returncode, fault.stdout)
    assert re.fullmatch(r"tcpcomm call: the equipment says no: \d+: a simulated fault\n", fault.stderr)
    assert (3, "") == (not_sent.returncode, not_sent.stdout)
    told = "tcpcomm call: not sent: VisionCamera was not ready within 5 s: it is "
    # The link dials again and again: the wait ends between two attempts or within one.
    assert re.match(re.escape(told) + "(down|connecting; the last attempt): refused", not_sent.stderr)


def test_the_exit_code_of_call_says_that_the_outcome_is_unknown(run: Run, folder: Path) -> None:
    words = command("simulate", NAME, *ON_LOOPBACK, "--latency", "60")
    with Server(command=words, cwd=folder) as slow:
        ended = run("call", NAME, *at(slow), *PATIENT, "locate", "job=3", "--timeout", "0.2")

    assert (4, "") == (ended.returncode, ended.stdout)
    assert ("tcpcomm call: sent, but the outcome is not known: no reply within 0.2 s\n") == ended.stderr


def test_a_command_may_be_sent_first_for_the_state_that_another_needs(run: Run, folder: Path) -> None:
    """The declaration is named by the path of its file."""
    (folder / "press.py").write_text(PRESS)
    with Server(command=command("simulate", "press.py:Press", *ON_LOOPBACK), cwd=folder) as press:
        where = f"tcp:127.0.0.1:{press.port}"
        words = "call", str(folder / "press.py:Press"), where, *PATIENT, "load", "job=3"
        not_sent = run(*words)
        done = run(*words, "--first", "take_control who='line 3'")

    assert (3, "") == (not_sent.returncode, not_sent.stdout)
    assert (
        "tcpcomm call: not sent: Press.load needs the state control, which take_control "
        "enters, and the session is in no state\n"
    ) == not_sent.stderr
    assert (0, "done\n", "") == (done.returncode, done.stdout, done.stderr)


def test_equipment_may_be_the_one_that_connects(run: Run, folder: Path) -> None:
    port = free_port()
    words = command("simulate", NAME, "--connect", f"tcp:127.0.0.1:{port}")
    with Server(command=words, cwd=folder):
        where = f"tcp:{port}:interface=127.0.0.1", "--listen", "--credential", "user=admin"
        called = run("call", NAME, *where, *PATIENT, "ping")

    assert (0, "done\n", "") == (called.returncode, called.stdout, called.stderr)


def test_watch_prints_events_as_they_arrive(run: Run, camera: Server) -> None:
    for_people = run("watch", NAME, *at(camera), "--count", "2")
    for_machines = run("watch", NAME, *at(camera), "alarm", "--count", "1", "--json")

    assert re.fullmatch(r"(alarm\(code=-?\d+\)\n){2}", for_people.stdout)
    assert "link ready: " in for_people.stderr
    assert "alarm" == json.loads(for_machines.stdout)["event"]
    assert (0, 0) == (for_people.returncode, for_machines.returncode)


def test_call_with_frames_shows_them_on_standard_error_and_the_result_alone_on_the_other(
    run: Run, camera: Server
) -> None:
    ended = run("call", NAME, *at(camera), *PATIENT, "locate", "job=3", "--json", "--frames")

    assert {"x", "y"} == json.loads(ended.stdout).keys()
    frames = [line for line in ended.stderr.splitlines() if re.search(r"  (<-|->)  ", line)]
    login, answer, *others = frames
    assert re.fullmatch(TIME_AND_PEER + r"  <-  login  +55 53 45 52 +\|USER\|", login)
    assert answer.endswith("|*****|")  # the name of the user
    assert not [line for line in others if "login" in line]
    asked, replied = (line for line in others if "(job=3)" in line)
    assert re.fullmatch(
        TIME_AND_PEER + r"  ->  command   locate\(job=3\) +54 52 47 2c 33 +\|TRG,3\|", asked
    )
    assert re.search(
        r"  <-  reply     result=Position\(.*\) answers locate\(job=3\) after \d+\.\d{3} ms  4f 4b ",
        replied,
    )


def test_watch_with_frames_shows_events_and_states_of_the_link(run: Run, camera: Server) -> None:
    ended = run("watch", NAME, *at(camera), "--count", "1", "--frames")

    assert re.fullmatch(r"alarm\(code=-?\d+\)\n", ended.stdout)
    assert re.search(r"  <-  event     alarm\(code=-?\d+\)  ", ended.stderr)
    assert 1 == ended.stderr.count("link ready: ")


def test_simulate_with_frames_shows_them_among_its_log(run: Run, folder: Path) -> None:
    words = command("simulate", NAME, *ON_LOOPBACK, "--frames")
    with Server(command=words, cwd=folder) as camera:
        assert "done\n" == run("call", NAME, *at(camera), *PATIENT, "ping").stdout
        camera.wait_for(TIME_AND_PEER + r"  <-  heartbeat ping\(\) +50 49 4e 47 +\|PING\|")
        camera.wait_for(TIME_AND_PEER + r"  ->  heartbeat answers ping\(\) after .* \|PONG\|")


def test_a_simulation_ends_at_ctrl_c(folder: Path) -> None:
    with Server(command=command("simulate", NAME, *ON_LOOPBACK), cwd=folder) as running:
        assert running.port
        running.signal(signal.SIGINT)

        assert 0 == running.wait()


def test_a_port_in_use_is_reported_in_one_line(folder: Path, camera: Server) -> None:
    where = f"tcp:{camera.port}:interface=127.0.0.1"
    with Server(command=command("simulate", NAME, "--listen", where), cwd=folder) as second:
        assert 1 == second.wait()

        refusal = f"cannot listen on {where}: Address already in use: {PORT_TAKEN}"
        assert f"tcpcomm simulate: {refusal}" == second.lines[-1]


def test_call_sends_a_value_of_the_header_as_an_argument() -> None:
    program = """
import subprocess, sys
from tcpcomm import blocking
from tests.conversation.test_header_values import MyPlc

serving = blocking.serve(MyPlc(), at="tcp:0:interface=127.0.0.1")
call = [sys.executable, "-m", "tcpcomm", "call", "tests.conversation.test_header_values:Plc"]
at = f"tcp:127.0.0.1:{serving.ports[0]}"
patient = sys.argv[1:]
for words in (["start=5", "unit=7"], ["start=5", "port=7"]):
    done = subprocess.run([*call, at, "read", *words, *patient], capture_output=True, text=True)
    print(done.returncode, (done.stdout + done.stderr).strip(), flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *PATIENT],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE,  # for three programs, one after the other
    )
    assert [
        "0 705",
        "1 tcpcomm call: there is no argument 'port'; the arguments are start=..., unit=...",
    ] == done.stdout.splitlines()


def test_call_calls_the_methods_and_faces_of_a_device_with_values_in_their_places() -> None:
    program = """
import subprocess, sys
from tcpcomm import blocking
from tests.equipment.test_faces import MyPlc

serving = blocking.serve(MyPlc(), at="tcp:0:interface=127.0.0.1")
call = [sys.executable, "-m", "tcpcomm", "call", "tests.equipment.test_faces:Plc"]
at = f"tcp:127.0.0.1:{serving.ports[0]}"
patient = sys.argv[1:]
for words in ("data.write 5 7", "data 5 2 unit=3", "read 0 5 1", "beta 5"):
    done = subprocess.run([*call, at, *words.split(), *patient], capture_output=True, text=True)
    print(done.returncode, " ".join((done.stdout + done.stderr).split()), flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *PATIENT],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=5 * DEADLINE,  # for five programs, one after the other
    )
    assert [
        "0 done",
        "0 307 300",
        "0 107",
        "1 tcpcomm call: Plc has no command 'beta'; its commands: read, write, data, data.write",
    ] == done.stdout.splitlines()


def test_a_device_that_has_a_simulator_behaves_in_a_simulation(tmp_path: Path) -> None:
    """Another package has the device. The log shows what it did."""
    folder = tmp_path / "acme_tcpcomm-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-tcpcomm\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[tcpcomm.devices]\nacme-plc = acme:DEVICE\n")
    (tmp_path / "acme.py").write_text(
        "from tcpcomm.devices import Device\nfrom tests.equipment.test_faces import MyPlc, Plc\n"
        'DEVICE = Device(name="acme-plc", summary="A PLC", kind=Plc, simulator=MyPlc)\n'
    )
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    words = command("simulate", "acme-plc", *ON_LOOPBACK, "--latency", "0.01")
    with Server(command=words, variables={"PYTHONPATH": path}) as plc:
        for call in (["data.write", "5", "7"], ["data", "5", "unit=3"]):
            done = subprocess.run(
                command("call", "acme-plc", *at(plc), *call, *PATIENT),
                env={**environment(), "PYTHONPATH": path},
                capture_output=True,
                text=True,
                timeout=DEADLINE,
            )
        assert "307\n" == done.stdout
        plc.wait_for(r"127\.0\.0\.1:\d+: write\(block=0, start=5, values=\[7\]\) -> None")
        plc.wait_for(r"127\.0\.0\.1:\d+: read\(block=0, start=5, count=1\) -> \[307\]")
