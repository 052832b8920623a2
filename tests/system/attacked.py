"""A server under the attack of the hostile suite: :class:`Attacked`."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Collection, Sequence

from tests.system.running import Server, environment

__all__ = ["Attacked"]


class Attacked:
    """
    A server of ours that the hostile suite attacks from another process.

    Args:
        name: what a finding is told with.
        server: it runs.
        kind: its kind, as the suite calls it.
        options: further options of the suite.
    """

    def __init__(self, name: str, server: Server, kind: str, options: Sequence[str] = ()) -> None:
        self._name = name
        self._server = server
        self._given = ["--kind", kind, *options]
        if sys.platform.startswith("linux"):
            self._given += ["--pid", str(server.pid)]

    def attack(self, numbers: Collection[int], *, within: float) -> list[str]:
        """
        Run cases. Return the lines of the suite's table that say that something is wrong.

        Args:
            numbers: the numbers of the cases.
            within: the seconds in which a good peer must be served.
        """
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tcpcomm.testing.hostile", f"127.0.0.1:{self._server.port}"),
                *("--only", ",".join(map(str, numbers)), "--within", str(within), *self._given),
            ],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=600,
        )
        assert done.returncode in (0, 1), done.stderr
        assert "" == done.stderr
        lines = [line for line in done.stdout.splitlines() if re.match(r"\d+  ", line)]
        assert sorted(numbers) == sorted(int(line.split()[0]) for line in lines)
        return [f"{self._name}: {line}" for line in lines if re.match(r"\d+  wrong ", line)]
