"""A real Mosquitto of one test, on a port of its own: :class:`Mosquitto`."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from tests.conftest import needs_program
from tests.system.brokers.guard import Guard, free_port

__all__ = ["Mosquitto", "Subscriber", "subscribed"]

DEADLINE: Final = 60.0
"""Seconds to wait for a broker; long enough for a busy machine."""

_INSTALL: Final = "apt-get install mosquitto mosquitto-clients"
_SBIN: Final = "/usr/sbin/mosquitto"  # on Debian it is not on the path of all users


class Mosquitto:
    """
    A Mosquitto that ends with the block, and with the tests, also when they are killed.

    Args:
        folder: an empty folder for its files.
        users: passwords by user; with any, nobody else may connect.
        acl: lines of its access list, such as ``topic write plant/#``, after ``user NAME``.
        options: further lines of its configuration, such as ``max_packet_size 2000``.
        certificate: its certificate, key and authority, as files; then it speaks TLS.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Mapping[str, str] | None = None,
        acl: Sequence[str] = (),
        options: Sequence[str] = (),
        certificate: tuple[Path, Path, Path] | None = None,
    ) -> None:
        needs_program("mosquitto_sub", _INSTALL)
        self._program = _SBIN if os.path.exists(_SBIN) else needs_program("mosquitto", _INSTALL)
        self.port = free_port()
        self.log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: Guard | None = None
        lines = [
            f"listener {self.port} 127.0.0.1",
            "log_type all",
            "connection_messages true",
            f"persistence_location {folder}/",
        ]
        if hasattr(os, "getuid") and os.getuid() == 0:
            lines.append("user root")  # it would give up root, and could not read its folder
        if users:
            passwords = folder / "passwords"
            passwords.write_text("")
            tool = shutil.which("mosquitto_passwd") or needs_program("mosquitto_passwd", _INSTALL)
            for user, password in users.items():
                subprocess.run([tool, "-b", passwords, user, password], check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {passwords}"]
        else:
            lines.append("allow_anonymous true")
        if acl:
            rules = folder / "acl"
            rules.write_text("\n".join(acl) + "\n")
            lines.append(f"acl_file {rules}")
        if certificate:
            own, key, authority = certificate
            lines += [f"certfile {own}", f"keyfile {key}", f"cafile {authority}"]
        self._config.write_text("\n".join([*lines, *options]) + "\n")

    def __enter__(self) -> Self:
        self._guard = Guard(Path(mkdtemp()))
        try:
            self.start()
        except BaseException:
            self._guard.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._guard is not None
        self._guard.end()

    def start(self) -> None:
        """Start it, also again on the same port, and wait until it accepts connections."""
        assert self._guard is not None
        deadline = monotonic() + DEADLINE
        while True:
            command = [self._program, "-c", str(self._config)]
            self._process = self._guard.start(command, os.environ, self.log)
            while self._process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                    return
                except OSError:
                    assert monotonic() < deadline, self.log.read_text()
                    sleep(0.01)
            assert monotonic() < deadline, self.log.read_text()
            sleep(0.1)  # its port is not free yet

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE)
            self._process = None

    def stop(self) -> None:
        """End it in order: it stores what it keeps."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(DEADLINE)
        self._process = None

    def hang(self) -> None:
        """Stop it without ending it; its connections stay open."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after :meth:`hang`."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def publish(self, topic: str, payload: str | bytes, *options: str) -> None:
        """Publish a message with mosquitto_pub, and wait until the broker has it."""
        content = payload.encode() if isinstance(payload, str) else payload
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", topic, "-s", *options],
            input=content,
            check=True,
            timeout=DEADLINE,
        )


class Subscriber:
    """
    A ``mosquitto_sub`` that writes each message as a line into a file.

    Args:
        process: the process.
        file: the file.
    """

    def __init__(self, process: subprocess.Popen[bytes], file: Path) -> None:
        self._process = process
        self._file = file

    def lines(self) -> list[str]:
        """Return the lines that have arrived."""
        return self._file.read_text(encoding="utf-8").splitlines()

    def wait_for(self, count: int) -> list[str]:
        """Wait for so many lines, and return all."""
        deadline = monotonic() + DEADLINE
        while len(found := self.lines()) < count:
            assert self._process.poll() is None, "mosquitto_sub has ended"
            assert monotonic() < deadline, f"{len(found)} of {count} lines came: {found[-3:]}"
            sleep(0.02)
        return found


@contextmanager
def subscribed(broker: Mosquitto, folder: Path, *options: str) -> Iterator[Subscriber]:
    """
    Run ``mosquitto_sub`` with some options, such as ``-t '#' -F '%t %p'``.

    It has subscribed when the block begins.
    """
    program = needs_program("mosquitto_sub", _INSTALL)
    number = len(list(folder.glob("subscriber-*")))
    path = folder / f"subscriber-{number}.txt"
    name = f"subscriber-{number}-{os.getpid()}"
    before = broker.log.read_text(errors="replace").count(f"Sending SUBACK to {name}")
    with path.open("wb") as file:
        process = subprocess.Popen(
            [program, "-p", str(broker.port), "-i", name, "-q", "1", *options], stdout=file
        )
    try:
        deadline = monotonic() + DEADLINE
        while broker.log.read_text(errors="replace").count(f"Sending SUBACK to {name}") == before:
            assert process.poll() is None, "mosquitto_sub has ended"
            assert monotonic() < deadline, "mosquitto_sub did not subscribe"
            sleep(0.02)
        yield Subscriber(process, path)
    finally:
        process.kill()
        process.wait(DEADLINE)
