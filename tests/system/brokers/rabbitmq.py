"""
RabbitMQ for tests, one node or a cluster: :class:`RabbitCluster` and :class:`RabbitNode`.

Every cluster has its own ports, cookie and folder, and listens on loopback only. Debian's package brings
the program; its service is not used. All processes end with the tests, also when the tests are killed.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Final, Self

from tests.conftest import skip
from tests.system.brokers.guard import Guard, free_port, wait_for

__all__ = ["RabbitCluster", "RabbitNode", "rabbitmq_programs"]

UP_WITHIN: Final = 180.0
"""Seconds for the start of a node on a busy machine; it is usually up after 5 to 10."""

_QUIET: Final = "+S 1 +sbwt none +sbwtdcpu none +sbwtdio none"  # one scheduler, which does not spin


def rabbitmq_programs() -> Path:
    """Return the folder of RabbitMQ's programs, or skip the test."""
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    if not found:
        skip("there is no RabbitMQ on this machine (apt install rabbitmq-server)")
    return found[-1]


class RabbitNode:
    """
    One node of a cluster; :class:`RabbitCluster` makes it.

    Attributes:
        name: its name in the cluster.
        port: its port for AMQP.
        url: its url for the user guest, without a password, which is ``guest`` too.
    """

    def __init__(self, cluster: RabbitCluster, number: int) -> None:
        self._cluster = cluster
        self._number = number
        self.name = f"r{number}@localhost"
        self.port = free_port()
        self.distribution_port = free_port()
        self.url = f"amqp://guest@127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the node, without waiting for it."""
        assert self._process is None, f"{self.name} was started before"
        command = [str(self._cluster.programs / "rabbitmq-server")]
        self._process = self._cluster.guard.start(command, self.environment(), self.output)

    def wait(self) -> None:
        """Wait until the node takes connections."""
        wait_for(self._is_up, UP_WITHIN, lambda: f"{self.name} does not start: {self.last_output()}")

    def kill(self) -> None:
        """Kill the node as a power cut does, with SIGKILL, and wait for its end."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)
        self._process = None

    def suspend(self) -> None:
        """Stop the node with SIGSTOP: it keeps its connections and does nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended node go on."""
        self._signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        """True after :meth:`start`, until :meth:`kill`."""
        return self._process is not None

    @property
    def output(self) -> Path:
        """The file with all that the node prints."""
        return self._cluster.folder / f"{self._number}.out"

    def last_output(self) -> str:
        """Return the last lines that the node printed."""
        return self.output.read_text(errors="replace")[-1500:] if self.output.exists() else ""

    def ctl(self, *arguments: str) -> str:
        """Run ``rabbitmqctl``, which takes 2 s of a processor, and return its output."""
        done = subprocess.run(
            [str(self._cluster.programs / "rabbitmqctl"), "-q", *arguments],
            env=self.environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=UP_WITHIN,
        )
        assert done.returncode == 0, f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the node and of ``rabbitmqctl``."""
        folder, number = self._cluster.folder, self._number
        erlang = "-kernel inet_dist_use_interface {127,0,0,1} -kernel net_ticktime"
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("RABBITMQ_")},
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._cluster.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": str(folder / f"data{number}"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / f"{number}.conf"),
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / f"{number}.features"),
            "RABBITMQ_PID_FILE": str(folder / f"{number}.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{erlang} {self._cluster.ticktime} {_QUIET}",
            "RABBITMQ_CTL_ERL_ARGS": _QUIET,
        }

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} ended: {self.last_output()}"
        try:
            # A broker answers a wrong beginning with its own, so this shows more than a listening port.
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.settimeout(5)
                connection.sendall(b"HELLO\r\n\r")
                return connection.recv(4) == b"AMQP"
        except OSError:
            return False


class RabbitCluster(AbstractContextManager["RabbitCluster"]):
    """
    RabbitMQ on this machine. As a context manager it starts all nodes, and ends them.

    Args:
        count: the number of nodes.
        settings: further lines of each node's configuration file, by their names.
        ticktime: the seconds after which a node takes another for dead (``net_ticktime``).
    """

    def __init__(
        self, count: int = 1, *, settings: Mapping[str, str] | None = None, ticktime: int = 8
    ) -> None:
        self.programs = rabbitmq_programs()
        self.ticktime = ticktime
        self.folder = Path(mkdtemp(prefix="tcpcomm-rabbitmq-"))
        self.guard = Guard(self.folder)
        self.epmd_port = free_port()
        self.nodes = [RabbitNode(self, number) for number in range(count)]
        (self.folder / "plugins").write_text("[].")
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text("TCPCOMMTESTS")
        cookie.chmod(0o600)
        for number, node in enumerate(self.nodes):
            lines = self._configuration(node.port, settings or {})
            (self.folder / f"{number}.conf").write_text("".join(f"{line}\n" for line in lines))

    def _configuration(self, port: int, settings: Mapping[str, str]) -> Iterable[str]:
        # No disk of a test machine is so full that it must stop a test.
        found = {"listeners.tcp.1": f"127.0.0.1:{port}", "disk_free_limit.absolute": "1MB", **settings}
        if len(self.nodes) > 1:
            # A node that hung and goes on must join the others again by itself.
            found.setdefault("cluster_partition_handling", "pause_minority")
            found["cluster_formation.peer_discovery_backend"] = "classic_config"
            found["cluster_formation.randomized_startup_delay_range.max"] = "2"
            for number, node in enumerate(self.nodes, 1):
                found[f"cluster_formation.classic_config.nodes.{number}"] = node.name
        return [f"{name} = {value}" for name, value in found.items()]

    @property
    def urls(self) -> list[str]:
        """The urls of all nodes."""
        return [node.url for node in self.nodes]

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.guard.end()
            raise
        return self

    def _start(self) -> None:
        command = ["epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1"]
        self.guard.start(command, os.environ, self.folder / "epmd.out")
        first, *others = self.nodes
        first.start()
        first.wait()
        for node in others:
            node.start()
        for node in others:
            node.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.guard.end()
