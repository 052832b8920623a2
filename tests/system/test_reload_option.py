"""``--reload``: a change of the program is served soon, a broken one is told, and no process is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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

APPLICATION = """
from reload_words import WORD
from tcpcomm import FrameProtocol
from tcpcomm.framing import Lines


class Camera(FrameProtocol):
    framing = Lines()

    def frameReceived(self, frame):
        self.sendFrame(WORD)
"""

LISTENING = r"listening on 127\.0\.0\.1:(\d+) "
NOT_LOADED = "the program cannot be loaded: --app reload_camera.py: cannot import reload_camera: "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program that answers one."""
    (tmp_path / "reload_camera.py").write_text(APPLICATION)
    say(tmp_path, "one")
    return tmp_path


def say(folder: Path, word: str) -> None:
    """Let the program answer another word, of any length."""
    (folder / "reload_words.py").write_text(f"WORD = b{word!r}\n")


def reloading(serve: Serve, folder: Path, *options: str) -> Server:
    return serve("--app", "reload_camera.py", "--reload", *options, cwd=folder)


def peer_of(server: Server, connect: Connect, *, start: int) -> Peer:
    """Connect to the process that was started as this one, from 1. Each has a port of its own."""
    return connect(int(server.wait_for(LISTENING, count=start)[start - 1]))


def children(number: int) -> list[int]:
    """Return the processes that a process has started."""
    if sys.platform != "linux":
        skip("only Linux tells the children of a process in /proc")
    text = Path(f"/proc/{number}/task/{number}/children").read_text()
    return [int(each) for each in text.split()]


def runs(number: int) -> bool:
    """Return True if a process runs, and is not only waiting to be collected."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_change_of_a_module_beside_the_program_is_served(
    serve: Serve, connect: Connect, folder: Path
) -> None:
    server = reloading(serve, folder)
    first = peer_of(server, connect, start=1)
    assert b"one" == first.ask(b"?")

    for start, word in ((2, "two"), (3, "six")):  # of the same size, perhaps within one second
        say(folder, word)
        assert word.encode() == peer_of(server, connect, start=start).ask(b"?")

    assert b"" == first.rest()
    assert 2 == server.count(r"reload_words\.py changed: loading the program again")


def test_the_old_code_serves_until_a_broken_program_is_mended(
    serve: Serve, connect: Connect, folder: Path
) -> None:
    server = reloading(serve, folder)
    first = peer_of(server, connect, start=1)

    (folder / "reload_camera.py").write_text("class Camera\n")
    (told,) = server.wait_for(re.escape(f"{NOT_LOADED}SyntaxError: "))
    assert "line 1: class Camera); the old code goes on serving until the next change of a file" in told
    assert b"one" == first.ask(b"?")

    (folder / "reload_camera.py").write_text(APPLICATION.replace("(WORD)", "(b'mended')"))
    assert b"mended" == peer_of(server, connect, start=2).ask(b"?")


def test_a_program_that_is_broken_at_the_start_is_served_when_it_is_mended(
    serve: Serve, connect: Connect, folder: Path
) -> None:
    (folder / "reload_words.py").unlink()
    server = reloading(serve, folder)
    (told,) = server.wait_for(re.escape(f"{NOT_LOADED}ModuleNotFoundError: No module named 'reload_words'"))
    assert told.endswith("; nothing is served until the next change of a file")

    say(folder, "one")

    assert b"one" == peer_of(server, connect, start=1).ask(b"?")


def test_a_server_that_ends_by_itself_is_started_after_a_change(
    serve: Serve, connect: Connect, folder: Path
) -> None:
    (folder / "reload_camera.py").write_text(f"{APPLICATION}        import os\n        os._exit(3)\n")
    server = reloading(serve, folder)
    assert b"" == peer_of(server, connect, start=1).ask(b"?")
    server.wait_for("the server has ended: it ended with exit status 3; it starts again at the next change")

    (folder / "reload_camera.py").write_text(APPLICATION)

    assert b"one" == peer_of(server, connect, start=2).ask(b"?")


def test_a_server_that_cannot_listen_says_so_and_waits(serve: Serve, folder: Path) -> None:
    taken = serve()
    where = f"tcp:{taken.port}:interface=127.0.0.1"

    server = reloading(serve, folder, "--listen", where)

    (told,) = server.wait_for("the server has ended: ")
    assert f"cannot listen on {where}: " in told


def test_what_the_program_prints_is_in_the_log(serve: Serve, folder: Path) -> None:
    (folder / "reload_words.py").write_text("print('카메라 α', flush=True)\nWORD = b''\n", encoding="utf-8")

    reloading(serve, folder).wait_for("카메라 α")


FIRST_LINES = {
    "it prints half a line": "print('loading … ', end='', flush=True)",
    "it reads its input": "import sys; print('read', repr(sys.stdin.read()), end='')",
    "it starts a program that reads its input": "import subprocess, sys\n"
    "subprocess.run([sys.executable, '-c', 'import sys; sys.stdin.read()'])",
}


@pytest.mark.parametrize("first", FIRST_LINES.values(), ids=FIRST_LINES)
def test_a_program_may_print_half_a_line_and_read_its_input(
    serve: Serve, connect: Connect, folder: Path, first: str
) -> None:
    words = (folder / "reload_words.py").read_text()
    (folder / "reload_words.py").write_text(f"{first}\n{words}", encoding="utf-8")

    server = reloading(serve, folder)

    assert b"one" == peer_of(server, connect, start=1).ask(b"?")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_all_and_the_replies_arrive(
    serve: Serve, connect: Connect, folder: Path, name: str
) -> None:
    server = reloading(serve, folder)
    peer = peer_of(server, connect, start=1)
    assert b"one" == peer.ask(b"?")
    (child,) = children(server.pid)

    server.signal(getattr(signal, name))

    assert b"" == peer.rest()
    assert -getattr(signal, name) == server.wait()
    assert not runs(child)
    assert 1 == server.count("draining 1 sessions")


def test_no_process_is_left_when_the_supervisor_is_killed(
    serve: Serve, connect: Connect, folder: Path
) -> None:
    server = reloading(serve, folder)
    peer = peer_of(server, connect, start=1)
    (child,) = children(server.pid)

    server.signal(signal.SIGKILL)

    assert b"" == peer.rest()
    wait_until(lambda: not runs(child))


def test_no_process_is_left_that_is_still_importing(serve: Serve, folder: Path) -> None:
    (folder / "reload_words.py").write_text("import time\nprint('sleeps')\ntime.sleep(1000)\n")
    server = reloading(serve, folder)
    server.wait_for("sleeps")
    (child,) = children(server.pid)

    server.signal(signal.SIGKILL)

    wait_until(lambda: not runs(child))


BLOCKED = "print('blocked', flush=True), __import__('time').sleep(1000)"
"""An expression that blocks the reactor, so that nothing in the process can stop it in an orderly way."""


def blocked(serve: Serve, connect: Connect, folder: Path) -> tuple[Server, int]:
    """Return a server with a handler that never ends, and the number of the process that serves."""
    (folder / "reload_camera.py").write_text(APPLICATION.replace("(WORD)", f"({BLOCKED})"))
    server = reloading(serve, folder)
    peer_of(server, connect, start=1).send(b"?\n")
    server.wait_for("blocked")
    (child,) = children(server.pid)
    return server, child


def test_no_process_is_left_whose_handler_never_ends(serve: Serve, connect: Connect, folder: Path) -> None:
    server, child = blocked(serve, connect, folder)

    server.signal(signal.SIGKILL)

    wait_until(lambda: not runs(child))


def test_a_second_signal_kills_a_process_whose_handler_never_ends(
    serve: Serve, connect: Connect, folder: Path
) -> None:
    server, child = blocked(serve, connect, folder)

    server.signal(signal.SIGINT)
    server.wait_for("the server stops; a second signal kills it")
    server.signal(signal.SIGINT)

    assert -signal.SIGINT == server.wait()
    assert 1 == server.count("a second signal: aborting")
    assert not runs(child)


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows, twistd always stays in the foreground")
def test_it_works_in_the_background(connect: Connect, folder: Path) -> None:
    log, pidfile = folder / "twistd.log", folder / "twistd.pid"
    words = ["tcpcomm", *ON_LOOPBACK, "--app", "reload_camera.py", "--reload"]
    subprocess.run([twistd(), *words], cwd=folder, env=environment(), check=True, timeout=DEADLINE)

    def ports() -> list[str]:
        return re.findall(LISTENING, log.read_text() if log.exists() else "")

    try:
        wait_until(lambda: len(ports()) == 1)
        say(folder, "two")
        wait_until(lambda: len(ports()) == 2)
        assert b"two" == connect(int(ports()[1])).ask(b"?")
    finally:
        number = int(pidfile.read_text())
        os.kill(number, signal.SIGTERM)
        wait_until(lambda: not pidfile.exists())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "--reload needs --app: it starts that program again when its files change"),
        (
            ["--plant", "no.toml"],
            "--reload does not work with --plant: it starts the program of --app again",
        ),
        (
            ["--app", "reload_camera.py", "--workers", "2"],
            "--reload does not work with --workers: use it with one process",
        ),
        (
            ["--app", "reload_camera.py", "--listen", "systemd:domain=INET:index=0"],
            "--reload does not work with --listen systemd:…, because each new process listens itself",
        ),
        (
            ["--app", "no_camera.py"],
            "--app no_camera.py: there is no file no_camera.py; did you mean reload_camera.py?",
        ),
        (["--app", "reload_camera.py", "--gap", "x"], "--gap must be seconds above 0, or 'none', not 'x'"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, options: list[str], problem: str) -> None:
    done = run_to_its_end("--reload", *options, cwd=folder)

    assert 1 == done.returncode
    assert f"twistd tcpcomm: {problem}" in done.stderr.splitlines()
    assert "" == done.stdout
