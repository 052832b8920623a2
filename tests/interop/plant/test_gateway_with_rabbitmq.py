"""Gateways and RabbitMQ, the real broker: the example plant, a command, and a standby that takes over."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import needs_module
from tests.docs.processes import free_port
from tests.system.brokers.rabbitmq import RabbitCluster
from tests.system.running import Server, wait_until
from tests.system.test_gateway import device
from tests.system.test_plant_example import LINKS, running

needs_module("pika", "pip install 'tcpcomm[rabbitmq]'")

import pika  # noqa: E402 - after the check


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with RabbitCluster(1) as cluster:
        yield cluster.urls[0]


class Taker:
    """Takes the messages of a queue, in this process, and keeps them."""

    def __init__(self, url: str, queue: str) -> None:
        host, port = url.rpartition("@")[2].split(":")
        self._place = pika.ConnectionParameters(host, int(port))
        self._queue = queue
        self._connect()
        self.reports: list[dict[str, Any]] = []

    def _connect(self) -> None:
        self._connection = pika.BlockingConnection(self._place)
        self._channel = self._connection.channel()

    def take(self) -> list[dict[str, Any]]:
        """Take what is there. Return all that was taken so far."""
        try:
            while True:
                method, _, body = self._channel.basic_get(self._queue, auto_ack=True)
                if method is None:
                    return self.reports
                self.reports.append(json.loads(body))
        except pika.exceptions.AMQPError:  # the queue is not there yet, or in the making
            self.close()
            self._connect()
            return self.reports

    def close(self) -> None:
        if self._connection.is_open:
            self._connection.close()


@pytest.fixture
def taker(url: str) -> Iterator[Callable[[str], Taker]]:
    made: list[Taker] = []

    def make(queue: str) -> Taker:
        made.append(Taker(url, queue))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_results_of_all_20_devices_of_the_example_arrive_in_the_queue(
    url: str, taker: Callable[[str], Taker], tmp_path: Path
) -> None:
    results = taker("line-3")
    with running(tmp_path, "--rabbitmq", url):
        wait_until(lambda: {each["link"] for each in results.take() if "values" in each} == LINKS)


def gateway(folder: Path, name: str, port: str, url: str) -> Server:
    home = folder / name
    home.mkdir()
    (home / "plant.toml").write_text(
        f"""
[gateway]
name = "{name}"
plant = "standby-plant"
standby = "mes"
[links.plc]
device = "modbus"
at = "tcp:127.0.0.1:{port}"
commands = ["write_single_register"]
[[links.plc.poll]]
command = "holding"
name = "{name}"
with = {{start = 7}}
every = 0.1
[sinks.mes]
kind = "rabbitmq"
urls = ["{url}"]
queue = "standby"
""",
        encoding="utf-8",
    )
    return Server("--plant", str(home / "plant.toml"), cwd=home)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_standby_takes_the_links_over_when_a_gateway_dies(
    url: str, taker: Callable[[str], Taker], tmp_path: Path
) -> None:
    results = taker("standby")

    def last() -> set[str]:
        return {each["name"] for each in results.take()[-5:]}

    port = free_port()
    with device("modbus", port), gateway(tmp_path, "a", port, url) as first:
        wait_until(lambda: len(results.take()) > 5 and last() == {"a"})
        with gateway(tmp_path, "b", port, url) as second:
            second.wait_for("gateway b runs")
            before = len(results.take())
            wait_until(lambda: len(results.take()) > before + 10)
            assert {"a"} == last(), "only one gateway polls"
            first.signal(signal.SIGKILL)
            first.wait()
            second.wait_for("plc: this gateway has the link now")
            wait_until(lambda: last() == {"b"})
