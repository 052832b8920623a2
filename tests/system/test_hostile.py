"""The hostile suite against our own servers: each kind, all cases, nothing wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tcpcomm.testing.hostile.catalogue import cases_for
from tests.certificates import Authority
from tests.system.running import ON_LOOPBACK, Server, environment

Serve = Callable[..., Server]

KEYS: Final = {"robot-1": "11" * 32, "robot-2": "22" * 32, "robot-3": "33" * 32}

APPS: Final = "tests.system.hostile_equipment"

TARGETS: Final = {
    "echo": ("echo", []),
    "lines": ("lines", ["--framing", "lines"]),
    "length": ("length", ["--framing", "length:4"]),
    "template": ("lines", ["--app", f"{APPS}:TemplatePing"]),
    "json": ("json", ["--app", f"{APPS}:JsonPing"]),
    "json-rpc": ("json-rpc", ["--app", f"{APPS}:JsonRpcPing"]),
    "binary": ("binary", ["--app", f"{APPS}:BinaryPing"]),
    "psk": ("psk", ["--framing", "lines"]),
    "tls": ("tls", ["--framing", "lines"]),
}
"""The kind of each server, and its options."""

EVERY_CASE: Final = {"lines", "psk", "tls"}
"""Servers on which all cases run. The others leave out the manners of TCP, and the floods."""

ZERO_WINDOW: Final = 116
"""Waits ten seconds for the end of a session; one kind of server is enough for that."""

WAITING: Final = ("lines", "length", "psk", "tls")
"""Servers on which the cases run that wait, all at the same time."""


class Attacked:
    """
    A server of ours under attack.

    Args:
        name: its name in TARGETS.
    """

    def __init__(self, name: str, serve: Serve, folder: Path) -> None:
        self.name = name
        self._kind, options = TARGETS[name]
        listen, self._given = [*ON_LOOPBACK], []
        if self._kind == "psk":
            keys = folder / "keys"
            keys.write_text("".join(f"{peer} {key}\n" for peer, key in KEYS.items()))
            keys.chmod(0o600)
            options = [*options, "--psk", str(keys), "--name", "camera-1"]
            self._given += ["--server", "camera-1", *(f"--key={peer}={key}" for peer, key in KEYS.items())]
        if self._kind == "tls":
            authority = Authority(folder)
            own = authority.issue()
            at = "ssl:0:interface=127.0.0.1"
            listen = ["--listen", f"{at}:privateKey={own.key}:certKey={own.certificate}"]
            self._given += ["--ca", str(authority.certificate)]
        self._server = serve(*listen, *options)
        if sys.platform.startswith("linux"):
            self._given += ["--pid", str(self._server.pid)]

    def attack(self, *, waits: bool) -> list[str]:
        """Run the cases that wait, or all others. Return the lines of the table with something wrong."""
        cases = [case for case in cases_for(self._kind) if case.waits is waits]
        if not waits and self.name not in EVERY_CASE:
            cases = [case for case in cases if not (case.number < 150 or 800 < case.number < 850)]
        if self._kind in ("psk", "tls"):
            cases = [case for case in cases if case.number != ZERO_WINDOW]
        only = ",".join(str(case.number) for case in cases)
        longest = "65535" if self._kind == "binary" else "1048576"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tcpcomm.testing.hostile", f"127.0.0.1:{self._server.port}"),
                *("--kind", self._kind, "--only", only, "--max-frame", longest, "--within", "2"),
                *self._given,
            ],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode in (0, 1), done.stderr
        lines = done.stdout.splitlines()
        return [f"{self.name}: {line}" for line in lines if re.match(r"\d+  wrong ", line)]


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_peers_find_nothing_wrong(name: str, serve: Serve, tmp_path: Path) -> None:
    assert [] == Attacked(name, serve, tmp_path).attack(waits=False)


def test_peers_that_do_nothing_right_are_dropped(serve: Serve, tmp_path: Path) -> None:
    attacked = [Attacked(name, serve, tmp_path) for name in WAITING]
    with ThreadPoolExecutor(len(attacked)) as pool:
        wrong = pool.map(lambda each: each.attack(waits=True), attacked)

    assert [] == [line for lines in wrong for line in lines]
