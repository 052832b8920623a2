"""``tcpcomm send`` and ``listen`` as processes, and the mistakes on their command lines."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tcpcomm.cli import main
from tcpcomm.cli.tools.output import Printer, Replies
from tcpcomm.cli.tools.send import LARGEST_FILE
from tests.certificates import Authority
from tests.conftest import skip
from tests.system.running import DEADLINE, Server, environment

CRLF = ("--framing", r"delimited:\r\n")
CAMERA = "tests.equipment.declared:VisionCamera"
TCPCOMM = (sys.executable, "-m", "tcpcomm")

PATIENT = ("--wait", "50", "--timeout", "50")
"""Options with which a sender waits for as long as a busy machine may need."""


class Listener(Server):
    """A running ``tcpcomm listen``."""

    def __init__(
        self, *words: str, place: str = "tcp:0:interface=127.0.0.1", stdin: int = subprocess.DEVNULL
    ) -> None:
        super().__init__(command=[*TCPCOMM, "listen", place, *words], stdin=stdin)

    @property
    def ports(self) -> list[int]:
        """The port that the system chose."""
        return [int(self.wait_for(r"127\.0\.0\.1:(\d+).*listening")[0])]


@pytest.fixture(scope="module")
def device() -> Iterator[Listener]:
    with Listener(
        *CRLF,
        "--answer",
        "TRG,9=>OK,1,2,3",
        "--answer",
        "TRG,*=>OK,{1}",
        "--answer",
        "TWICE=>1",
        "--reply",
        "NG",
    ) as running:
        yield running


def send(
    port: int, *words: str, typed: bytes = b"", endpoint: str = ""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*TCPCOMM, "send", *PATIENT, endpoint or f"tcp:127.0.0.1:{port}", *words],
        env=environment(),
        input=typed,
        capture_output=True,
        timeout=DEADLINE,
    )


def test_bytes_text_and_files_are_mixed_in_their_order(device: Listener, tmp_path: Path) -> None:
    end = tmp_path / "end.bin"
    end.write_bytes(b"\r\n")
    ended = send(device.port, "-x", "54 52", "-a", "G,", "-x", "37", "-f", str(end), "--silence", "0.05")
    lines = ended.stdout.decode().splitlines()
    assert 0 == ended.returncode, ended.stderr
    assert [
        "--  opened",
        "--  ready",
        "->  54 52 47 2c 37 0d 0a                             |TRG,7\\x0d\\x0a|",
        "<-  4f 4b 2c 37 0d 0a                                |OK,7\\x0d\\x0a|",
        "--  closed: closed here",
    ] == [line.split("  ", 2)[2].strip() for line in lines]


def test_lines_of_a_pipe_wait_for_their_replies_up_to_a_mistake(device: Listener) -> None:
    ended = send(device.port, *CRLF, "--quiet", typed=b"TRG,1\nhex:5452472c32\r\n\\q\nTRG,3")
    assert (1, b"OK,1\nOK,2\n") == (ended.returncode, ended.stdout)
    assert ended.stderr.startswith(b"tcpcomm send: line 3 of the input: position 1 of")


class Terminal(io.TextIOWrapper):
    """An output that a person sees."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("message", "is_framed", "shown", "piped"),
    [
        (b"OK,3\r", False, b"OK,3\\x0d\n", b"OK,3\r"),
        (b"OK,3\r\n", False, b"OK,3\\x0d\\x0a\n", b"OK,3\r\n"),
        (b"OK", False, b"OK\n", b"OK"),
        (b"OK,3", True, b"OK,3\n", b"OK,3\n"),
        (b"\xff\x1b[2J", True, b"\\xff\\x1b[2J\n", b"\xff\x1b[2J\n"),
    ],
)
def test_a_reply_ends_its_line_at_a_terminal_and_stays_as_it_is_in_a_pipe(
    message: bytes, is_framed: bool, shown: bytes, piped: bytes
) -> None:
    printed = {}
    for kind in (Terminal, io.TextIOWrapper):
        output = kind(io.BytesIO(), newline="\n")
        Replies(Printer(output), None, is_hex=False, is_framed=is_framed)(message)
        assert isinstance(output.buffer, io.BytesIO)
        printed[kind] = output.buffer.getvalue()
    assert {Terminal: shown, io.TextIOWrapper: piped} == printed


def test_the_exit_code_without_a_connection_is_5() -> None:
    with socket.socket() as refusing:  # it keeps the port, on which nobody listens
        refusing.bind(("127.0.0.1", 0))
        ended = send(refusing.getsockname()[1], "-a", "x")
    assert 5 == ended.returncode
    assert b"refused: the machine is there, but no program listens" in ended.stderr


def test_json_has_an_object_for_each_frame_with_its_meaning(device: Listener) -> None:
    ended = send(device.port, "--as", CAMERA, "-a", "TRG,9", "--json")
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ["ready", "frame", "frame", "closed"] == [each["what"] for each in found]
    sent, received = found[1:3]
    assert ("sent", "TRG,9", "command", {"job": 9}) == (
        sent["direction"],
        sent["text"],
        sent["kind"],
        sent["values"],
    )
    assert ("received", b"OK,1,2,3".hex(), "locate") == (
        received["direction"],
        received["hex"],
        received["answers"]["name"],
    )


def test_listen_shows_how_clients_end_and_what_is_wrong(device: Listener) -> None:
    with closing(socket.create_connection(("127.0.0.1", device.port), DEADLINE)) as client:
        client.sendall(b"half")
        device.wait_for("half a frame: the host sent b'half'")
    device.wait_for("!!  the stream ended in the middle of a frame")
    with closing(socket.create_connection(("127.0.0.1", device.port), DEADLINE)) as client:
        client.sendall(b"a\r\nTRG,b\r\n")
        with client.makefile("rb") as lines:
            assert [b"NG\r\n", b"OK,b\r\n"] == [lines.readline(), lines.readline()]


def test_tls_is_an_endpoint_like_others(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue()
    place = f"ssl:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"
    with Listener("--echo", place=place) as device:
        endpoint = f"tls:127.0.0.1:{device.port}:name=localhost:caCerts={authority.certificate}"
        ended = send(device.port, "-a", "secret", "--quiet", "--silence", "0.05", endpoint=endpoint)
        assert (0, b"secret") == (ended.returncode, ended.stdout)


def test_listen_at_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"tcp:{server.getsockname()[1]}:interface=127.0.0.1"
        ended = subprocess.run(
            [*TCPCOMM, "listen", place], env=environment(), capture_output=True, timeout=DEADLINE
        )
    assert 5 == ended.returncode
    assert ended.stderr.startswith(f"tcpcomm listen: cannot listen on {place}: ".encode())


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: that of the person, and that of the program."""
    if sys.platform == "win32":
        skip("Windows has no pseudo-terminals of this kind")
    person, program = os.openpty()
    yield person, program
    os.close(person)
    os.close(program)


def test_typed_lines_are_sent_and_ctrl_c_ends_in_order(device: Listener, terminal: tuple[int, int]) -> None:
    person, program = terminal
    command = [*TCPCOMM, "send", *PATIENT, f"tcp:127.0.0.1:{device.port}", *CRLF]
    with Server(command=command, stdin=program) as sender:
        sender.wait_for("type a message in each line .* Ctrl-D or Ctrl-C ends")
        os.write(person, b"TRG,1\nhex:5452472c32\n\\q\n")
        sender.wait_for(r"<-  .*OK,1")
        sender.wait_for(r"<-  .*OK,2")
        sender.wait_for(r"tcpcomm send: position 1 of .* is not an escape")
        sender.signal(signal.SIGINT)
        assert 0 == sender.wait()
        assert sender.lines[-1].endswith("closed: closed here")


def test_lines_that_are_typed_at_a_listener_go_to_its_clients(terminal: tuple[int, int]) -> None:
    person, program = terminal
    with Listener(stdin=program) as listener:
        with closing(socket.create_connection(("127.0.0.1", listener.port), DEADLINE)) as client:
            listener.wait_for("ready")
            os.write(person, b"ALM,1\\r\\n\n")
            with client.makefile("rb") as lines:
                assert b"ALM,1\r\n" == lines.readline()
        listener.signal(signal.SIGINT)
        assert 0 == listener.wait()


def refusal(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert 1 == ended.value.code
    told = capsys.readouterr()
    assert "" == told.out
    (line,) = told.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "name one endpoint, as in tcp:10.0.0.5:9999; 'tcpcomm send --help' explains it"),
        (["10.0.0.5:99", "-a", "x"], "'10.0.0.5:99' is not an endpoint: write tcp:10.0.0.5:99"),
        (["tcp:h:9", "-x", "0g"], "-x: position 1 of '0g': the byte '0' has one digit only; write 00"),
        (["tcp:h:9", "-a", r"\q"], r"-a: position 1 of '\\q': \q is not an escape;"),
        (["tcp:h:9", "-f", "/no/such"], "-f /no/such: cannot read it: No such file or directory"),
        (["tcp:h:9", "-a", "x", "--expect", "re:("], "--expect: position 4 of 're:(': "),
        (["tcp:h:9", "-a", "x", "--expect", "O", "-n", "0"], "--expect has no effect with --replies 0"),
        (["tcp:h:9", "-a", "x", "--framing", "nonsense"], "--framing: no framing is called 'nonsense'"),
        (
            ["tcp:h:9", "-a", "x", "--gap", "1"],
            "--reply-framing and --gap have no effect without --framing",
        ),
        (["tcp:h:9", "--as", CAMERA, "--gap", "1"], f"--gap has no effect with --as {CAMERA}"),
        (["tcp:h:9", "-a", "x", "-q", "-j"], "give --quiet or --json, not both"),
        (["tcp:h:9", "-a", "x", "-e", "klingon"], "--encoding klingon: there is no such encoding;"),
        (["tcp:h:9", "-a", "x", "--allow", "any"], "option --allow not recognized"),
        (["tcp:h:9", "-a", "x", "--equipment"], "--equipment has no effect without --as"),
        (["tcp:h:9", "-a", "x", "--psk", "keys"], "--psk needs --name NAME: our own name"),
        (["tcp:h:9", "-a", "x", "--timeout", "0"], "--timeout must be a number above 0, not '0'"),
    ],
)
def test_mistakes_of_send(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(["send", *words], capsys).startswith(f"tcpcomm send: {problem}")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "name one endpoint, as in tcp:9999:interface=127.0.0.1; 'tcpcomm listen --help' explains it"),
        (["tcp:9999"], "tcp:9999 is open to other machines: name them with --allow 192.168.0.0/24"),
        (["tcp:9999", "--answer", "x"], "--answer: 'x' has no =>: write PATTERN=>REPLY"),
        (["tcp:0:interface=127.0.0.1", "--reply", r"\q"], r"--reply: position 1 of '\\q'"),
        (["tcp:0:interface=127.0.0.1", "--echo", "--reply", "x"], "give --echo or --reply, not both"),
        (["tcp:0:interface=127.0.0.1", "--host"], "--host has no effect without --as"),
    ],
)
def test_mistakes_of_listen(words: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "--answer" in words:
        words = ["tcp:0:interface=127.0.0.1", *words[1:]]
    assert refusal(["listen", *words], capsys).startswith(f"tcpcomm listen: {problem}")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert "a message has at most 67,108,864 bytes" in refusal(
        ["send", "tcp:h:9", "-f", str(large)], capsys
    )
