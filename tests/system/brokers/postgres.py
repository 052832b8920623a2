"""
PostgreSQL for tests: :class:`PostgresServer`.

It has its own port, folder and password, and listens on loopback only. Debian's package brings the program;
its service is not used. PostgreSQL refuses to run as root: then it runs as the user ``postgres``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Final, Self

from tests.conftest import needs_module, skip
from tests.system.brokers.guard import Guard, free_port, wait_for

__all__ = ["PASSWORD", "PostgresServer"]

PASSWORD: Final = "a secret of tests"

_UP_WITHIN: Final = 120.0
_HINT: Final = "apt install postgresql"
_STILL_USED: Final = "pre-existing shared memory block"
"""The words of a new server while a backend of the killed one has not ended yet."""


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, or skip the test."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    plain = shutil.which("initdb")
    if not found and plain is None:
        skip(f"there is no PostgreSQL on this machine ({_HINT})")
    return found[-1].parent if found else Path(str(plain)).parent


class PostgresServer(AbstractContextManager["PostgresServer"]):
    """PostgreSQL on this machine. As a context manager it is made and started, and ended."""

    def __init__(self) -> None:
        needs_module("psycopg", "pip install tcpcomm[postgres]")
        self._programs = _programs()
        self._user = "postgres" if hasattr(os, "getuid") and os.getuid() == 0 else None
        self.port = free_port()
        self.folder = Path(mkdtemp(prefix="tcpcomm-postgres-"))
        self._guard = Guard(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The address of its database ``factory`` for the user ``line3``, without the password."""
        return f"host=127.0.0.1 port={self.port} dbname=factory user=line3"

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
            with self.connect("postgres", user="postgres") as admin:
                admin.execute(f"CREATE USER line3 PASSWORD '{PASSWORD}'")
                admin.execute("CREATE DATABASE factory OWNER line3")
        except BaseException:
            self._guard.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._guard.end()

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            shutil.chown(self.folder, self._user)
            shutil.chown(password, self._user)
        command = [str(self._programs / "initdb"), "-D", str(self.folder / "data"), "-U", "postgres"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}", "-N", "--no-locale", "-E", "UTF8"]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", cwd="/", timeout=_UP_WITHIN, user=self._user
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self._start_process()
        wait_for(self._is_up, _UP_WITHIN, self._last_output)

    def _start_process(self) -> None:
        self._told = len(self._whole_output())
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-h", "127.0.0.1", "-k", str(self.folder), "-F", "-c", "shared_buffers=8MB"]
        self._process = self._guard.start(command, os.environ, self._output, user=self._user)

    def kill(self) -> None:
        """Kill all its processes, as a power cut does, and wait for its end."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        self._process.wait(20)
        self._process = None

    def suspend(self) -> None:
        """Stop all its processes with SIGSTOP: they keep their connections and do nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended server go on."""
        self._signal(signal.SIGCONT)

    def connect(self, database: str = "factory", *, user: str = "line3") -> Any:
        """Return a connection of its own, which commits each statement."""
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=user, password=PASSWORD, autocommit=True
        )

    def _signal(self, number: int) -> None:
        """Send a signal to all its processes. Each backend has a group of its own."""
        assert self._process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, encoding="ascii"
        )
        for each in [self._process.pid, *map(int, children.stdout.split())]:
            with suppress(ProcessLookupError):  # a child ends when its parent is gone
                os.kill(each, number)

    def _is_up(self) -> bool:
        import psycopg

        assert self._process is not None
        if self._process.poll() is not None:
            assert _STILL_USED in self._whole_output()[self._told :], self._last_output()
            self._start_process()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
            self.connect("postgres", user="postgres").close()
        except (OSError, psycopg.OperationalError):
            return False
        return True

    @property
    def _output(self) -> Path:
        return self.folder / "output"

    def _whole_output(self) -> str:
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def _last_output(self) -> str:
        return self._whole_output()[-1500:]
