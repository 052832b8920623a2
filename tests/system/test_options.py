"""Each option of ``twistd tcpcomm`` works in the real process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tcpcomm import __version__
from tcpcomm.net.error_texts import PORT_TAKEN
from tests.conftest import skip
from tests.system.peer import Peer
from tests.system.running import (
    DEADLINE,
    ON_LOOPBACK,
    Server,
    environment,
    run_to_its_end,
    twistd,
    wait_until,
)

Connect = Callable[..., Peer]
Serve = Callable[..., Server]

AS_SYSTEMD_DOES = """
import os, sys

os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="it")
os.execv(sys.argv[2], sys.argv[2:])
"""

APPLICATION = """
from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.framing import Delimited
from tcpcomm.session.limits import Limits
from twisted.internet.protocol import Factory, Protocol

class Upper(FrameProtocol):
    framing = Delimited(b";")
    limits = Limits(partial=1.5)

    def frameReceived(self, frame):
        self.sendFrame(b"%s %s %g" % (frame.upper(), str(self.limits.idle).encode(), self.limits.partial))

class UpperFactory(FrameFactory):
    protocol = Upper

class Plain(Protocol):
    def dataReceived(self, data):
        self.transport.write(data.upper())

class PlainFactory(Factory):
    protocol = Plain

made = UpperFactory()
nothing = 42
"""

EQUIPMENT = """
from tcpcomm import Equipment, command

class Camera(Equipment):
    @command("TRG,{job}", reply="OK,{x:.3f}")
    async def locate(self, job: int) -> float:
        return job * 1.5
"""


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with a module of users' protocols."""
    (tmp_path / "my_app.py").write_text(APPLICATION)
    return tmp_path


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a path that is short enough for a UNIX socket."""
    folder = tempfile.mkdtemp(prefix="tcpcomm")
    yield Path(folder)
    shutil.rmtree(folder)


def refusal(*options: str, cwd: Path | None = None) -> list[str]:
    """Return the lines with which twistd refuses these options, with exit code 1."""
    ended = run_to_its_end(*options, cwd=cwd)
    assert 1 == ended.returncode, ended
    assert "" == ended.stdout
    assert "Traceback" not in ended.stderr
    return [line.removeprefix("twistd tcpcomm: ") for line in ended.stderr.splitlines()]


class TestTold:
    """Help, version and mistakes are printed before it listens."""

    def test_version_names_tcpcomm_and_what_it_runs_on(self) -> None:
        ended = run_to_its_end("--version")

        assert 0 == ended.returncode
        assert re.fullmatch(
            rf"tcpcomm {re.escape(__version__)} \(Twisted [\d.]+\S*, Python 3\.\d+\.\S+\)\n", ended.stdout
        )

    def test_help_describes_the_server_lists_every_option_and_ends_with_examples(self) -> None:
        ended = run_to_its_end("--help")

        assert 0 == ended.returncode
        assert set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", ended.stdout, re.MULTILINE)) >= {
            "--listen",
            "--framing",
            "--encoding",
            "--gap",
            "--max-frame",
            "--max-sessions",
            "--max-sessions-per-address",
            "--idle-timeout",
            "--allow",
            "--app",
            "--log-format",
            "--version",
            "--help",
        }
        assert "Runs an echo/command server on 127.0.0.1:9999" in ended.stdout
        assert "\n  twistd -n tcpcomm\n" in ended.stdout

    def test_all_mistakes_are_shown_at_once_each_in_a_line(self) -> None:
        assert [
            "--max-sessions must be a whole number above 0, not '0'",
            "--allow: '10.0.0.5/24' is not a network such as 192.168.0.0/24: 10.0.0.5/24 has host bits set",
            "--max-frame must be a whole number above 0, not 'big'",
            "--gap must be seconds above 0, or 'none', not 'soon'",
            "--idle-timeout must be seconds above 0, or 'none', not '-1'",
            "--app nosuch:Thing: cannot import nosuch: ModuleNotFoundError: No module named 'nosuch'",
            "--listen 'carrier-pigeon:1' is not an endpoint such as tcp:9999:interface=127.0.0.1: "
            "Unknown endpoint type: 'carrier-pigeon'",
            "--log-format must be text or json, not 'xml'",
        ] == refusal(
            *("--max-sessions", "0", "--allow", "10.0.0.5/24", "--max-frame", "big", "--gap", "soon"),
            *("--idle-timeout", "-1", "--app", "nosuch:Thing", "--framing", "lines"),
            *("--listen", "carrier-pigeon:1", "--log-format", "xml"),
        )

    def test_a_place_that_other_machines_can_reach_needs_allow(self) -> None:
        assert [
            "--listen tcp:9999 is open to other machines: name them with --allow 192.168.0.0/24 "
            "(--allow any for all), or add :interface=127.0.0.1"
        ] == refusal("--listen", "tcp:9999")

    def test_an_unknown_option_is_refused_with_a_hint_to_help(self) -> None:
        assert ["option --nonsense not recognized; 'twistd tcpcomm --help' lists the options"] == refusal(
            "--nonsense"
        )

    def test_a_user_s_module_that_cannot_be_imported_is_shown_with_the_place(self, tmp_path: Path) -> None:
        module = tmp_path / "broken.py"
        module.write_text("import json\n\njson.nonsense()\n")

        assert [
            "--app broken:Protocol: cannot import broken: AttributeError: "
            f"module 'json' has no attribute 'nonsense' ({module}, line 3: json.nonsense())"
        ] == refusal("--app", "broken:Protocol", cwd=tmp_path)

    def test_an_unreadable_certificate_is_shown_with_its_path(self, tmp_path: Path) -> None:
        where = f"ssl:0:interface=127.0.0.1:privateKey={tmp_path / 'nosuch.pem'}"

        assert [
            f"--listen {where!r}: cannot read {tmp_path / 'nosuch.pem'}: No such file or directory"
        ] == refusal("--listen", where)

    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_a_port_in_use_is_shown_once_on_the_terminal_and_once_in_the_log(self, log_format: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"

            ended = run_to_its_end("--listen", where, "--log-format", log_format)

        problem = f"cannot listen on {where}: Address already in use: {PORT_TAKEN}"
        assert 1 == ended.returncode
        assert f"twistd tcpcomm: {problem}\n" == ended.stderr
        assert 1 == ended.stdout.count(problem)
        assert "Traceback" not in ended.stdout

    def test_if_one_place_is_in_use_it_does_not_run_on_the_others(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"

            ended = run_to_its_end(*ON_LOOPBACK, "--listen", where)

        assert 1 == ended.returncode
        refusal = f"cannot listen on {where}: Address already in use: {PORT_TAKEN}"
        assert f"twistd tcpcomm: {refusal}\n" == ended.stderr


class TestInTheBackground:
    """Without -n, ``twistd tcpcomm`` is a daemon, and its parent reports the start."""

    @staticmethod
    def start(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
        if not hasattr(os, "fork"):
            skip("Windows has no daemons")
        return subprocess.run(
            [twistd(), "--pidfile=server.pid", "--logfile=log", "tcpcomm", *options],
            cwd=folder,
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )

    def test_a_port_in_use_ends_the_start_with_exit_code_1_and_leaves_no_pid_file(
        self, tmp_path: Path
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            where = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"

            ended = self.start(tmp_path, "--listen", where)

        assert 1 == ended.returncode
        assert f"cannot listen on {where}" in ended.stderr
        wait_until(lambda: not (tmp_path / "server.pid").exists())

    def test_it_runs_until_it_is_stopped_and_writes_json_where_twistd_logs(
        self, tmp_path: Path, connect: Connect
    ) -> None:
        log = tmp_path / "log"
        ended = self.start(tmp_path, *ON_LOOPBACK, "--log-format", "json")
        assert (0, "") == (ended.returncode, ended.stderr)
        try:
            wait_until(lambda: re.search(r"listening.*\n", log.read_text()) is not None)
            messages = [json.loads(line)["message"] for line in log.read_text().splitlines()]
            (port,) = [int(match[1]) for each in messages if (match := re.match(r"listen.*?:(\d+) ", each))]
            assert b"PONG" == connect(port).ask(b"PING")
        finally:
            os.kill(int((tmp_path / "server.pid").read_text()), signal.SIGTERM)
        wait_until(lambda: not (tmp_path / "server.pid").exists())


class TestListen:
    """The options --listen and --allow decide which peers may connect."""

    def test_it_listens_at_several_places(self, serve: Serve, connect: Connect, short_path: Path) -> None:
        if not hasattr(socket, "AF_UNIX"):
            skip("this system has no UNIX sockets in Python")
        path = str(short_path / "socket")
        server = serve(*ON_LOOPBACK, *ON_LOOPBACK, "--listen", f"unix:{path}")
        server.wait_for(re.escape(f"listening on unix:{path} "))

        first, second = server.ports

        assert first != second
        assert [b"PONG"] * 3 == [connect(where).ask(b"PING") for where in (first, second, path)]

    def test_it_serves_on_a_socket_that_systemd_opened(self, serve: Serve, connect: Connect) -> None:
        if sys.platform == "win32":
            skip("Windows has no systemd")
        with socket.create_server(("127.0.0.1", 0)) as opened:
            port = opened.getsockname()[1]
            server = serve(
                command=[
                    *(sys.executable, "-c", AS_SYSTEMD_DOES, str(opened.fileno())),
                    *(twistd(), "-n", "--pidfile=", "tcpcomm"),
                    *("--listen", "systemd:domain=INET:index=0", "--allow", "127.0.0.0/8"),
                ],
                pass_fds=[opened.fileno()],
            )
            assert port == server.port

        assert b"PONG" == connect(port).ask(b"PING")

    @pytest.mark.parametrize("allow", [["any"], ["10.0.0.0/8", "127.0.0.1"]])
    def test_with_allow_it_listens_beyond_this_machine(
        self, serve: Serve, connect: Connect, allow: list[str]
    ) -> None:
        options = [word for network in allow for word in ("--allow", network)]

        server = serve("--listen", "tcp:0", *options)

        assert b"PONG" == connect(server.port).ask(b"PING")

    def test_a_peer_from_another_network_is_dropped_and_the_log_says_why(
        self, serve: Serve, connect: Connect
    ) -> None:
        server = serve("--allow", "10.0.0.0/8")
        peer = connect(server.port)

        assert b"" == peer.rest()
        server.wait_for(re.escape(f"{peer.name}: connection refused: its address is in no allowed network"))


class TestLimits:
    """Some options limit what peers may use."""

    def test_max_sessions_refuses_one_more_until_another_ends(self, serve: Serve, connect: Connect) -> None:
        server = serve("--max-sessions", "2")
        first, second = connect(server.port), connect(server.port)
        assert [b"PONG", b"PONG"] == [first.ask(b"PING"), second.ask(b"PING")]

        assert b"" == connect(server.port).rest()

        server.wait_for("connection refused: there are 2 sessions, which is max_sessions")
        assert b"BYE" == first.ask(b"QUIT")
        assert b"" == first.rest()
        server.wait_for("disconnected: the peer said QUIT")
        assert b"PONG" == connect(server.port).ask(b"PING")

    def test_max_sessions_per_address_refuses_one_more(self, serve: Serve, connect: Connect) -> None:
        server = serve("--max-sessions-per-address", "1")
        first = connect(server.port)
        assert b"PONG" == first.ask(b"PING")

        assert b"" == connect(server.port).rest()

        server.wait_for("connection refused: its address has 1 sessions, which is max_sessions_per_address")
        assert b"PONG" == first.ask(b"PING")

    def test_a_silent_peer_is_dropped_after_the_idle_timeout(self, serve: Serve, connect: Connect) -> None:
        server = serve("--idle-timeout", "0.2")
        peer = connect(server.port)

        assert b"" == peer.rest()
        server.wait_for(re.escape(f"{peer.name}: disconnected: the peer was silent for 0.2 s"))

    def test_max_frame_limits_the_messages_of_every_kind_of_peer(
        self, serve: Serve, connect: Connect
    ) -> None:
        server = serve("--max-frame", "10")
        lines, prefixed = connect(server.port), connect(server.port)

        lines.send(b"12345678901\n1234567890\n")
        prefixed.send(b"\0\0\0\x041234\0\0\0\x0b12345678901")

        assert b"Echo: 1234567890\n" == lines.line()
        assert b"\0\0\0\nEcho: 1234" == prefixed.rest()
        server.wait_for(re.escape(f"{lines.name}: a frame exceeds max_frame=10"))
        server.wait_for(re.escape(f"{prefixed.name}: disconnected: the framing was broken: a frame of 11"))


class TestFraming:
    """With --framing and --gap, both ends use one rule."""

    @pytest.mark.parametrize(
        ("framing", "asked", "answered"),
        [
            ("lines", b"a\rPING\n", b"Echo: a\r\nPONG\r\n"),
            (r"delimited:\r", b"a\nb\rPING\r", b"Echo: a\nb\rPONG\r"),
            ("stx-etx,bcc=xor", b"\x02A\x03\x42\x02PING\x03\x13", b"\x02Echo: A\x03\x79\x02PONG\x03\x15"),
        ],
    )
    def test_the_framing_that_is_named_is_read_and_written(
        self, serve: Serve, connect: Connect, framing: str, asked: bytes, answered: bytes
    ) -> None:
        peer = connect(serve("--framing", framing).port)

        peer.send(asked)

        assert answered == peer.receive(len(answered))

    def test_without_a_gap_silence_does_not_end_a_message(self, serve: Serve, connect: Connect) -> None:
        server = serve("--gap", "none")
        peer = connect(server.port)

        peer.send(b"Hello")
        assert b"PONG" == connect(server.port).ask(b"PING")
        peer.send(b" Server\n")

        assert b"Echo: Hello Server\n" == peer.line()

    def test_raw_join_answers_all_bytes_before_a_silence_as_one_message(
        self, serve: Serve, connect: Connect
    ) -> None:
        peer = connect(serve("--framing", "raw,join", "--gap", "0.2").port)

        peer.send(b"one\ntwo")

        assert b"Echo: one\ntwo" == peer.receive(13)

    def test_raw_join_answers_pieces_as_one_message(self, serve: Serve, connect: Connect) -> None:
        """The gap is so long that no pause of a busy machine ends the message: the peer's end does."""
        server = serve("--framing", "raw,join", "--gap", "600")
        peer, other = connect(server.port), connect(server.port)

        peer.send(b"one\n")
        other.send(b"PING")
        other.finish()
        assert b"PONG" == other.rest()  # so the first piece was read by itself
        peer.send(b"two")
        peer.finish()

        assert b"Echo: one\ntwo" == peer.rest()


class TestApp:
    """With --app, the user's own protocol or factory is served."""

    @pytest.mark.parametrize("name", ["UpperFactory", "made"])
    def test_frame_protocols_and_factories_are_served(
        self, serve: Serve, connect: Connect, application: Path, name: str
    ) -> None:
        peer = connect(serve("--app", f"my_app:{name}", "--allow", "127.0.0.1", cwd=application).port)

        peer.send(b"hi;")

        assert b"HI 600.0 1.5;" == peer.receive(13)

    def test_any_other_twisted_factory_is_served(
        self, serve: Serve, connect: Connect, application: Path
    ) -> None:
        peer = connect(serve("--app", "my_app:PlainFactory", cwd=application).port)

        peer.send(b"hi")

        assert b"HI" == peer.receive(2)

    def test_options_change_what_they_name_and_nothing_else(
        self, serve: Serve, connect: Connect, application: Path
    ) -> None:
        options = ("--app", "my_app:Upper", "--framing", "lines", "--idle-timeout", "60")
        peer = connect(serve(*options, cwd=application).port)

        assert b"HI 60.0 1.5" == peer.ask(b"hi")

    def test_a_peer_from_another_network_never_reaches_it(
        self, serve: Serve, connect: Connect, application: Path
    ) -> None:
        server = serve("--app", "my_app:Plain", "--allow", "10.0.0.0/8", cwd=application)
        peer = connect(server.port)

        assert b"" == peer.rest()
        server.wait_for(re.escape(f"{peer.name}: connection refused: its address is in no allowed network"))

    def test_an_object_that_is_not_a_protocol_is_refused(self, application: Path) -> None:
        assert [
            "--app my_app:nothing: 42 is neither equipment nor a Twisted protocol class or factory"
        ] == refusal("--app", "my_app:nothing", cwd=application)


def test_with_log_format_json_each_line_is_an_object_with_the_peer_and_the_reason(
    serve: Serve, connect: Connect
) -> None:
    server = serve("--log-format", "json")
    port = int(server.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[0])
    peer = connect(port)
    assert b"BYE" == peer.ask(b"QUIT")
    server.wait_for("disconnected")

    events = [json.loads(line) for line in server.lines]

    (ended,) = [event for event in events if event.get("reason")]
    assert {
        "level": "info",
        "logger": "tcpcomm.server.echo.EchoProtocol",
        "message": f"{peer.name}: disconnected: the peer said QUIT",
        "peer": peer.name,
        "reason": "the peer said QUIT",
    } == {name: value for name, value in ended.items() if name != "time"}
    assert all(datetime.fromisoformat(event["time"]).tzinfo is not None for event in events)


class TestFrames:
    """With --frames, the log has a line for each frame."""

    def test_the_echo_server_logs_what_it_receives_and_sends(self, serve: Serve, connect: Connect) -> None:
        server = serve("--frames")
        peer = connect(server.port)
        assert b"PONG" == peer.ask(b"PING")

        server.wait_for(rf"  {re.escape(peer.name)} +<-  50 49 4e 47 0d 0a +\|PING\\x0d\\x0a\|")
        server.wait_for(rf"  {re.escape(peer.name)} +->  50 4f 4e 47 0d 0a +\|PONG\\x0d\\x0a\|")

    @pytest.mark.parametrize("name", ["Upper", "made"])
    def test_a_protocol_of_a_user_is_logged_too(
        self, serve: Serve, connect: Connect, application: Path, name: str
    ) -> None:
        server = serve("--frames", "--app", f"my_app:{name}", cwd=application)
        peer = connect(server.port)
        peer.send(b"hi;")

        server.wait_for(rf"  {re.escape(peer.name)} +<-  68 69 +\|hi\|")
        server.wait_for(rf"  {re.escape(peer.name)} +->  .* \|HI 600\.0 1\.5\|")

    def test_declared_equipment_is_logged_with_what_each_frame_means(
        self, serve: Serve, connect: Connect, tmp_path: Path
    ) -> None:
        (tmp_path / "my_camera.py").write_text(EQUIPMENT, "utf-8")
        server = serve("--frames", "--app", "my_camera:Camera", cwd=tmp_path)
        peer = connect(server.port)
        assert b"OK,4.500" == peer.ask(b"TRG,3")

        name = re.escape(peer.name)
        server.wait_for(rf"  {name} +<-  command   locate\(job=3\) +54 52 47 2c 33 +\|TRG,3\|")
        server.wait_for(
            rf"  {name} +->  reply     result=4\.5 answers locate\(job=3\) after \d+\.\d{{3}} ms +"
            r"4f 4b .* \|OK,4\.500\|"
        )

    def test_a_protocol_without_frames_is_refused(self, application: Path) -> None:
        (problem,) = refusal("--frames", "--app", "my_app:Plain", cwd=application)
        assert problem.startswith("--app my_app:Plain: --frames can be used only with Equipment")
