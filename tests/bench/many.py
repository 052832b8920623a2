"""
Costs in large numbers, and of a start: idle connections, links, 8,000 clients at once, twistd.

These are whole processes, so there are few rounds of each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.bench.fanout import connected
from tests.bench.measure import Series, interleaved
from tests.bench.peers import Peer
from tests.bench.processes import ROOT, BenchmarkFailed, Child, child_environment
from tests.bench.report import Target
from tests.bench.section import Column, Section, comparison
from tests.system.crowd import allow_files
from tests.system.load import reconnecting
from tests.system.running import twistd

__all__ = [
    "KINDS",
    "TITLE",
    "idle_memory",
    "link_cost",
    "measure_many",
    "seconds_to_listen",
    "seconds_to_start",
]

TITLE = "Many, and a start"
CONNECTIONS: Final = 2000
LINKS: Final = 1000
TRACED_LINKS: Final = 200
CROWD: Final = 8000
IDLE_SECONDS: Final = 5.0
SETTLED_AFTER: Final = 2.0
TIMEOUT: Final = 60.0
FEW_ROUNDS: Final = 3

KINDS = {
    "Twisted's Protocol": "plain",
    "FrameProtocol": "framed",
    "declared equipment": "declared",
}

EMPTY = "an empty twistd"
_EMPTY_APPLICATION = """\
from twisted.application.internet import TCPServer
from twisted.application.service import Application
from twisted.internet.protocol import Factory, Protocol
application = Application("empty")
TCPServer(0, Factory.forProtocol(Protocol), interface="127.0.0.1").setServiceParent(application)
"""
_LISTEN = ("--listen", "tcp:0:interface=127.0.0.1")

_TEXT = """\
*Ready to accept* is the time from the start of `twistd -n` until its log says that it listens.
The empty one serves Twisted's own `Protocol` from a file; in brackets, how many times its time.
All modules are compiled already, as after `pip install`.
Medians, {rounds} rounds.

Python memory is the count of `tracemalloc` for each of {connections:,} idle connections.

{links:,} links in one process, each with a connection of its own to devices in another, and with heartbeats
every second (profile `fleet`), take {share:.1f} % of one core together.
Each takes {link_memory:.1f} KiB of Python memory.

{crowd:,} clients that connect at the same instant to `twistd tcpcomm` are all answered within
{all_answered:.2f} s, and half of them within {half_answered:.2f} s.
"""


def idle_memory(kind: str, count: int, folder: Path | None = None) -> float:
    """Return the KiB of Python memory that each of ``count`` idle connections takes, in a checkout."""
    peer = Peer(kind, "idle", (kind,), folder=folder or ROOT)
    with Child(peer.name, peer.command(), peer.folder) as server:
        port = int(server.line(TIMEOUT))
        with connected(port, 10):
            before = _settled(server)
            with connected(port, count):
                return (_settled(server) - before) / count / 1024


def _settled(server: Child) -> int:
    """Return the bytes in use when they stop changing: all connections are accepted."""
    last, used = -1, int(server.ask("memory", TIMEOUT))
    deadline = time.monotonic() + TIMEOUT
    while used != last:
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"the memory of {server.name} does not stop changing")
        time.sleep(0.3)
        last, used = used, int(server.ask("memory", TIMEOUT))
    return used


def link_cost(count: int, traced: int, seconds: float) -> tuple[float, float]:
    """
    Measure links that send only heartbeats.

    Args:
        count: the number of links for the CPU.
        traced: the number of links for the memory, because tracing is slow.
        seconds: the time to measure.

    Returns:
        The share of one core that all links take, and the KiB of Python memory that each takes.
    """
    peer = Peer("devices", "links", ("serve",))
    with Child(peer.name, peer.command()) as devices:
        port = devices.line(TIMEOUT)

        def holding(links: int, *options: str) -> Child:
            return Child("links", Peer("links", "links", (port, str(links), *options)).command())

        with holding(count) as links:
            links.line(TIMEOUT)
            time.sleep(SETTLED_AFTER)
            before, began = json.loads(links.ask("cpu", TIMEOUT)), time.monotonic()
            time.sleep(seconds)
            after = json.loads(links.ask("cpu", TIMEOUT))
            share = (after["cpu"] - before["cpu"]) / (time.monotonic() - began)
        with holding(traced, "--traced") as links:
            links.line(TIMEOUT)
            memory = json.loads(links.ask("memory", TIMEOUT))["memory"] / traced / 1024
    return share, memory


def _as_installed(folder: Path, checkout: Path = ROOT) -> dict[str, str]:
    """
    Return an environment in which modules are compiled once, and into this folder.

    pip compiles modules when it installs them. Those of a checkout may not be compiled, and compiling them
    takes
    longer than the rest of a start.
    """
    environment = {**child_environment(checkout), "PYTHONPYCACHEPREFIX": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def seconds_to_start(command: Sequence[str], listening: str, environment: Mapping[str, str]) -> float:
    """Return the seconds until a program prints a line with this text; then stop the program."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as program:
        assert program.stdout is not None
        output = []
        for line in program.stdout:
            output.append(line)
            if listening in line:
                took = time.perf_counter() - began
                program.terminate()
                return took
    raise BenchmarkFailed(f"{command} never printed {listening!r}: {''.join(output)}")


def seconds_to_listen(compiled: Path, checkout: Path = ROOT) -> float:
    """Return the seconds until ``twistd tcpcomm`` listens, compiled into a folder, in a checkout."""
    command = [sys.executable, twistd(), "-n", "--pidfile=", "tcpcomm", *_LISTEN]
    return seconds_to_start(command, "listening on", _as_installed(compiled, checkout))


def _starts(folder: Path) -> dict[str, Callable[[], float]]:
    empty = folder / "empty.tac"
    empty.write_text(_EMPTY_APPLICATION, encoding="utf-8")
    run = [sys.executable, twistd(), "-n", "--pidfile="]
    ours = [*run, "tcpcomm", *_LISTEN]
    start = partial(seconds_to_start, environment=_as_installed(folder))
    return {
        EMPTY: partial(start, [*run, "-y", str(empty)], "starting on"),
        "twistd tcpcomm": partial(start, ours, "listening on"),
        "twistd tcpcomm --app, declared equipment": partial(
            start, [*ours, "--app", "tests.bench.peers.fanout_tcpcomm:Alarms"], "listening on"
        ),
    }


def _imports(folder: Path) -> dict[str, Callable[[], float]]:
    environment = _as_installed(folder)

    def run(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=TIMEOUT)
        return time.perf_counter() - began

    return {
        "python, nothing imported": partial(run, ""),
        "twisted.internet.reactor": partial(run, "import twisted.internet.reactor"),
        "tcpcomm.framing, one used": partial(run, "from tcpcomm.framing import LengthPrefixed"),
        "tcpcomm, declaration names": partial(run, "from tcpcomm import Equipment, command, serve"),
        "tcpcomm, all public names": partial(run, "from tcpcomm import *"),
    }


def measure_many(*, rounds: int, shrink: int = 1, progress: Callable[[str], None]) -> Section:
    """Measure all of these."""
    few = min(rounds, FEW_ROUNDS)
    crowd, links, connections = (max(20, each // shrink) for each in (CROWD, LINKS, CONNECTIONS))
    allow_files(crowd + 200)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tcpcomm-bench-")))
        progress(f"Starts and imports, {rounds} rounds")
        starts, imports = (_compiled_before(each, rounds) for each in (_starts(folder), _imports(folder)))
    progress(f"Idle connections, {few} rounds of {len(KINDS)} kinds")
    idle = interleaved(
        {name: partial(idle_memory, kind, connections) for name, kind in KINDS.items()}, rounds=few
    )
    progress(f"{links:,} links")
    share, link_memory = link_cost(links, max(10, TRACED_LINKS // shrink), IDLE_SECONDS)
    progress(f"{crowd:,} clients at once")
    half, everyone = reconnecting(crowd)
    ready = Column("Ready to accept, ms", starts, 0, EMPTY)
    memory = Column("KiB of Python memory", {name: Series(each) for name, each in idle.items()}, 2)
    text = _TEXT.format(
        rounds=rounds,
        connections=connections,
        links=links,
        share=100 * share,
        link_memory=link_memory,
        crowd=crowd,
        all_answered=everyone.value,
        half_answered=half.value,
    )
    targets = [
        Target(
            "twistd tcpcomm, ready to accept: times an empty twistd",
            starts["twistd tcpcomm"].over(starts[EMPTY]),
            1.3,
            at_least=False,
        ),
        *(
            Target(f"{name}: KiB for an idle connection", memory.figures[name].median, 2.0, at_least=False)
            for name in ("FrameProtocol", "declared equipment")
        ),
        Target(f"{crowd:,} clients at once: seconds to answer all", everyone.value, 2.0, at_least=False),
    ]
    tables = [
        comparison("Start", [ready]),
        comparison("Importing, in a fresh Python", [Column("ms", imports, 0)]),
        comparison("Connection", [memory]),
    ]
    return Section(TITLE, text, tables, targets)


def _compiled_before(starts: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Series]:
    """Return the milliseconds of each start, after a first one that compiles its modules."""
    for start in starts.values():
        start()
    found = interleaved(starts, rounds=rounds)
    return {name: Series([1e3 * value for value in each]) for name, each in found.items()}
