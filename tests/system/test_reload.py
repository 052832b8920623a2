"""SIGHUP loads certificates, keys and revocation lists again, and no session ends."""

from __future__ import annotations

import os
import signal
import ssl
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.conftest import needs_module, skip
from tests.system.peer import Peer
from tests.system.running import ON_LOOPBACK, Server, run_to_its_end
from tests.system.test_flood import talk

Connect = Callable[..., Peer]
Serve = Callable[..., Server]

KEY = bytes(range(32))
AGAIN = "loaded certificates and keys again"

if sys.platform == "win32":
    skip("Windows has no SIGHUP and no modes of files")


def context(authority: Authority, robot: str | None = None) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(authority.certificate))
    if robot is not None:
        files = authority.issue(robot)
        made.load_cert_chain(files.certificate, files.key)
    return made


def is_refused(connect: Connect, server: Server, tls: ssl.SSLContext) -> bool:
    """Return True if a client gets no answer. With TLS 1.3 it learns late that it is refused."""
    try:
        return b"" == connect(server.port, tls=tls).ask(b"PING")
    except OSError:
        return True


@pytest.mark.parametrize("kind", ["ssl", "native"])
def test_new_connections_see_the_new_certificate(
    kind: str, serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    needs_module("OpenSSL", "pip install tcpcomm[tls]")
    old = Authority(tmp_path, "old")
    files = old.issue()
    text = f"{kind}:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"
    if kind == "native":
        needs_module("uvloop", "pip install tcpcomm[fast]")
    server = serve("--listen", text, *(["--fast"] if kind == "native" else []))
    first = connect(server.port, tls=context(old))
    key = files.key.read_bytes()

    files.key.write_text("broken")
    server.signal(signal.SIGHUP)
    server.wait_for("the old certificates stay in use: ")
    files.key.write_bytes(key)
    assert b"PONG" == connect(server.port, tls=context(old)).ask(b"PING")

    new = Authority(tmp_path, "new")
    new.issue()  # the files have the same names
    server.signal(signal.SIGHUP)
    server.wait_for(AGAIN)
    assert b"PONG" == connect(server.port, tls=context(new)).ask(b"PING")
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server.port, tls=context(old))
    assert b"PONG" == first.ask(b"PING")
    assert 0 == server.count("draining")


@pytest.mark.parametrize("kind", ["ssl", "native"])
def test_a_revoked_client_and_a_name_that_is_not_allowed_are_refused(
    kind: str, serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    needs_module("OpenSSL", "pip install tcpcomm[tls]")
    if kind == "native":
        needs_module("uvloop", "pip install tcpcomm[fast]")
    authority = Authority(tmp_path)
    files, robot = authority.issue(), authority.issue("robot-1")
    server = serve(
        *("--listen", f"{kind}:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"),
        *("--client-ca", str(authority.certificate), "--revoked", str(authority.revoke())),
        *("--client-name", "robot-1", "--client-name", "robot-2"),
        *(["--fast"] if kind == "native" else []),
    )
    known = context(authority)
    known.load_cert_chain(robot.certificate, robot.key)
    first = connect(server.port, tls=known)
    assert b"PONG" == first.ask(b"PING")

    assert is_refused(connect, server, context(authority, "robot-3"))
    server.wait_for("the peer's certificate is for robot-3, localhost, which is not among the allowed")

    authority.revoke(robot)
    server.signal(signal.SIGHUP)
    server.wait_for(AGAIN)
    assert is_refused(connect, server, known)
    server.wait_for("revoked")
    assert b"PONG" == connect(server.port, tls=context(authority, "robot-2")).ask(b"PING")
    assert b"PONG" == first.ask(b"PING")


def test_new_connections_need_the_new_key(serve: Serve, tmp_path: Path) -> None:
    keys = tmp_path / "camera.keys"
    keys.touch(0o600)
    keys.write_text(f"robot-2 {bytes(32).hex()}\n")
    server = serve("--psk", str(keys), "--name", "camera-1")
    assert server.port
    for text, line in (("broken\n", "the old keys stay in use: "), (f"robot-1 {KEY.hex()}\n", AGAIN)):
        keys.write_text(text)
        assert 0 == server.count(AGAIN)
        server.signal(signal.SIGHUP)
        server.wait_for(line)
    assert b"PONG\r\n" == talk(server.port)


def test_a_closed_terminal_ends_it_in_order(connect: Connect) -> None:
    import pty

    controller, terminal = pty.openpty()
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup may have started this test itself
    with closing(os.fdopen(controller, "rb", 0)) as keyboard:
        try:
            server = Server(*ON_LOOPBACK, stdin=terminal)
        finally:
            signal.signal(signal.SIGHUP, before)
            os.close(terminal)
        try:
            peer = connect(server.port)
            assert b"PONG" == peer.ask(b"PING")
            server.signal(signal.SIGHUP)
            server.wait_for(AGAIN)
            keyboard.close()
            server.signal(signal.SIGHUP)
            server.wait_for("draining 1 sessions")
            assert b"" == peer.rest()
            server.wait()
        finally:
            server.stop()


def test_a_server_that_was_told_to_ignore_sighup_outlives_its_terminal(connect: Connect) -> None:
    import pty

    controller, terminal = pty.openpty()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; the server inherits it
    try:
        server = Server(*ON_LOOPBACK, stdin=terminal)
    finally:
        signal.signal(signal.SIGHUP, before)
        os.close(terminal)
    try:
        assert server.port
        os.close(controller)
        server.signal(signal.SIGHUP)
        server.wait_for(AGAIN)
        assert b"PONG" == connect(server.port).ask(b"PING")
    finally:
        server.stop()


def test_a_program_may_handle_sighup_itself(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "own_reload.py").write_text(
        """
import signal
from tcpcomm import FrameProtocol
from twisted.logger import Logger

signal.signal(signal.SIGHUP, lambda *what: Logger("camera").info("its own reload"))

class Camera(FrameProtocol):
    pass
""",
        "utf-8",
    )
    server = serve("--app", "own_reload:Camera", "--framing", "lines", cwd=tmp_path)
    assert server.port
    server.signal(signal.SIGHUP)
    server.wait_for("its own reload")
    assert 0 == server.count(AGAIN)


def test_only_the_owner_may_connect_to_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "camera.sock"
    serve("--listen", f"unix:{path}").wait_for("listening on unix:")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    open_to_group = tmp_path / "group.sock"
    serve("--listen", f"unix:{open_to_group}:mode=660").wait_for("listening on unix:")
    assert 0o660 == stat.S_IMODE(open_to_group.stat().st_mode)


def test_an_expired_certificate_of_its_own_is_told_at_the_start(serve: Serve, tmp_path: Path) -> None:
    needs_module("OpenSSL", "pip install tcpcomm[tls]")
    files = Authority(tmp_path).issue(begins=-10, ends=-1)
    text = f"ssl:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"
    serve("--listen", text).wait_for("the certificate in .* expired on ")


def test_a_key_file_that_all_can_change_is_refused(tmp_path: Path) -> None:
    keys = tmp_path / "camera.keys"
    keys.write_text(f"robot-1 {KEY.hex()}\n")
    keys.chmod(0o666)
    ended = run_to_its_end(*ON_LOOPBACK, "--psk", str(keys), "--name", "camera-1")
    assert 1 == ended.returncode
    assert f"type chmod 600 {keys}" in ended.stderr
