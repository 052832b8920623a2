"""
Measure a gateway of many links: ``python -m tests.system.plant_load --write`` writes the page.

The gateway is the real ``twistd tcpcomm --plant`` in a process of its own. Simulated gauges are in a second
one, and the real broker or database runs beside them. Each process is measured.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.request import urlopen

from attrs import frozen
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT
from tests.system.brokers.mosquitto import Mosquitto
from tests.system.brokers.postgres import PASSWORD, PostgresServer
from tests.system.brokers.rabbitmq import RabbitCluster
from tests.system.figures import machine, machine_table, table
from tests.system.programs import Program
from tests.system.running import Server

__all__ = ["Run", "Sample", "page"]

PAGE: Final = ROOT / "docs" / "reference" / "plant-load.md"
PATIENCE: Final = 120.0
GAUGE: Final = "tests.system.plant_load.devices:Gauge"


@frozen
class Run:
    """One measurement: so many links, each with so many events or polls in a second, into one sink."""

    links: int
    sink: str
    events: float = 0.0
    polls: float = 0.0

    @property
    def text(self) -> str:
        """The words for the table."""
        kind, rate = ("events", self.events) if self.events else ("polls", self.polls)
        return f"{self.links:,} links, {f'{rate:g} {kind}/s each' if rate else 'idle'}"


@frozen
class Sample:
    """The state of all processes at one time."""

    at: float
    delivered: float
    waiting: float
    oldest: float
    gateway: float
    devices: float
    sink: float
    memory: float


def plant_toml(run: Run, ports: Sequence[int], folder: Path, sink: str) -> str:
    """Return the file for a gateway of these gauges."""
    lines = [
        "[gateway]",
        'name = "measured"',
        f'outbox = {{ file = "{folder / "measured.outbox"}" }}',
        'metrics = "127.0.0.1:0"',
        "[sinks.results]",
        sink,
    ]
    for number, port in enumerate(ports):
        lines += [
            f"[links.gauge-{number}]",
            f'device = "{GAUGE}"',
            f'at = "tcp:127.0.0.1:{port}"',
            'profile = "fleet"',
        ]
        if run.events:
            lines += [f"[links.gauge-{number}.events]", 'result = ["results"]']
        if run.polls:
            lines += [
                f"[[links.gauge-{number}.poll]]",
                'command = "read"',
                f"every = {1 / run.polls}",
                'to = ["results"]',
            ]
    return "\n".join(lines) + "\n"


@contextmanager
def _sink(name: str, folder: Path) -> Iterator[str]:
    """Start what a sink needs. Yield its lines in the file."""
    if name == "files":
        yield f'kind = "files"\npath = "{folder / "results.jsonl"}"'
    elif name == "RabbitMQ":
        with RabbitCluster() as cluster:
            yield f'kind = "rabbitmq"\nurls = ["{cluster.nodes[0].url}"]\npassword = "guest"'
    elif name.startswith("MQTT"):
        with Mosquitto(folder) as broker:
            version = name.rpartition(" ")[2]
            yield (
                f'kind = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\nprefix = "plant"\n'
                f'version = "{version}"'
            )
    else:
        with PostgresServer() as server:
            yield f'kind = "postgres"\ndsn = "{server.dsn}"\npassword = "{PASSWORD}"'


def _seconds(pid: int) -> float:
    """Return the seconds of CPU that a process has taken."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Return the fields of a process behind its name: the state, the parent's id, and so on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _seconds_of_others(*known: int) -> float:
    """Return the seconds of CPU of all processes below this one, without some that are known."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parents[int(each.name)] = int(_stat(int(each.name))[1])
                seconds[int(each.name)] = _seconds(int(each.name))
            except (ProcessLookupError, FileNotFoundError):
                continue  # it has ended
    total = 0.0
    for pid in parents:
        above = parents.get(pid)
        while above and above != os.getpid():
            above = parents.get(above)
        if above and pid not in known:
            total += seconds.get(pid, 0.0)
    return total


def _resident(pid: int) -> float:
    """Return the MiB of RAM of a process."""
    found = re.search(r"VmRSS:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def _figures(port: int) -> dict[str, float]:
    """Return the sums of the gateway's own figures, by name."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return sums


def measure(run: Run, seconds: float) -> tuple[Sample, Sample]:
    """Run a gateway. Return the samples at the begin and at the end of so many seconds of steady work."""
    with TemporaryDirectory() as name, ExitStack() as ends:
        folder = Path(name)
        command = [sys.executable, "-m", "tests.system.plant_load.devices", str(run.links)]
        devices = ends.enter_context(Program("gauges", [*command, "--events", str(run.events)]))
        ports = devices.wait_for("listening", timeout=PATIENCE).about["ports"]
        lines = ends.enter_context(_sink(run.sink, folder))
        plant = folder / "plant.toml"
        plant.write_text(plant_toml(run, ports, folder, lines), encoding="utf-8")
        gateway = ends.enter_context(Server("--plant", str(plant), cwd=ROOT))
        port = int(gateway.wait_for(r"metrics are at http:..127\.0\.0\.1:(\d+)")[0])

        def sample() -> Sample:
            found = _figures(port)
            return Sample(
                at=time.monotonic(),
                delivered=found.get("tcpcomm_outbox_delivered_total", 0.0),
                waiting=found.get("tcpcomm_outbox_depth", 0.0),
                oldest=found.get("tcpcomm_outbox_age_seconds", 0.0),
                gateway=_seconds(gateway.pid),
                devices=_seconds(devices.pid),
                sink=_seconds_of_others(gateway.pid, devices.pid),
                memory=_resident(gateway.pid),
            )

        deadline = time.monotonic() + PATIENCE
        while _figures(port).get("tcpcomm_link_up", 0.0) < run.links:
            assert time.monotonic() < deadline, "not all links came up"
            time.sleep(0.5)
        time.sleep(min(10.0, seconds))  # connecting is not measured
        begin = sample()
        time.sleep(seconds)
        end = sample()
        if run.events or run.polls:
            assert end.delivered > begin.delivered, "\n".join(["nothing came", *gateway.lines[-5:]])
        return begin, end


_HEAD = """\
# Load of a gateway

The cost of `twistd tcpcomm --plant` with many links, measured from outside.
The measurement itself writes this page, so that nobody types a figure:

```text
{command}
```

Each link is a simulated gauge with a port of its own; all gauges are one other process.
The broker or the database is the real one, on the same machine, so all three share its cores.
A share of 100 % is one core.
"""


def page(results: Sequence[tuple[Run, Sample, Sample]], command: str) -> str:
    """Return the whole page."""
    rows = []
    for run, begin, end in results:
        took = end.at - begin.at
        count = end.delivered - begin.delivered
        cost = (end.gateway - begin.gateway) / count * 1e6 if count else 0.0
        rows.append(
            [
                run.text,
                run.sink,
                f"{count / took:,.0f}",
                f"{(end.gateway - begin.gateway) / took:.0%}",
                f"{cost:.0f}" if count else "–",
                f"{(end.devices - begin.devices) / took:.0%}",
                f"{(end.sink - begin.sink) / took:.0%}",
                f"{end.waiting:,.0f}",
                f"{end.oldest:.2f}",
                f"{end.memory:.0f}",
            ]
        )
    head = [
        "work", "sink", "delivered/s", "gateway's CPU", "µs for each", "gauges' CPU", "sink's CPU",
        "waiting at the end", "oldest, s", "gateway's MiB",
    ]  # fmt: skip
    return "\n".join(
        [_HEAD.format(command=command), machine_table(machine()), "## Figures\n", table(head, rows)]
    )


RUNS: Final = (
    Run(links=200, sink="RabbitMQ", events=10),
    Run(links=200, sink="RabbitMQ", polls=10),
    Run(links=200, sink="MQTT 3.1.1", events=10),
    Run(links=200, sink="MQTT 5", events=10),
    Run(links=200, sink="PostgreSQL", events=10),
    Run(links=200, sink="files", events=10),
    Run(links=1000, sink="RabbitMQ"),
)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print the page, and write it if ``--write`` is given."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.plant_load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a first look, with small numbers")
    parser.add_argument("--seconds", type=float, default=30.0, help="seconds of each measurement")
    parser.add_argument("--only", help="the sink to measure with, such as files")
    parser.add_argument("--write", nargs="?", const=PAGE, type=Path, help="write the page, or this file")
    options = parser.parse_args(given)
    results = []
    for run in RUNS:
        if options.only in (None, run.sink):
            print(f"{run.text}, {run.sink}", file=sys.stderr, flush=True)
            small = Run(links=20, sink=run.sink, events=run.events, polls=run.polls)
            chosen = small if options.quick else run
            results.append((chosen, *measure(chosen, 5.0 if options.quick else options.seconds)))
    text = page(results, shlex.join(["python", "-m", "tests.system.plant_load", *(given or sys.argv[1:])]))
    print(text, end="")
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
