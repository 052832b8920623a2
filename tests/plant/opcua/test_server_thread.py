"""The thread of the server: a port that is in use, and its end."""

from __future__ import annotations

import socket
import threading
from queue import Queue
from typing import Any

import pytest

from tests.conftest import needs_module

needs_module("asyncua", "pip install tcpcomm[opcua]")

from tcpcomm.plant.opcua import server_thread  # noqa: E402
from tcpcomm.plant.opcua.address_space import PlantSpace  # noqa: E402
from tcpcomm.plant.opcua.options import OpcUaOptions  # noqa: E402
from tcpcomm.plant.opcua.pending import NodeUpdate, PendingUpdates  # noqa: E402
from tcpcomm.plant.opcua.server_thread import ServerThread, Watcher  # noqa: E402

SECONDS = 60


class Told(Watcher):
    def __init__(self) -> None:
        self.problems: Queue[str] = Queue()
        self.warnings: Queue[str] = Queue()
        self.ports: Queue[int] = Queue()
        self.gone = threading.Event()

    def failed(self, problem: str) -> None:
        self.problems.put(problem)

    def warn(self, text: str) -> None:
        self.warnings.put(text)

    def listening(self, port: int) -> None:
        self.ports.put(port)

    def ended(self) -> None:
        self.gone.set()


def test_a_port_in_use_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_thread, "OPCUA_RETRY_SECONDS", 0.01)
    told = Told()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = OpcUaOptions(endpoint=f"opc.tcp://127.0.0.1:{port}/")
        thread = ServerThread(options, "hall-1", [], PendingUpdates(), told)
        thread.start()
        first, second = told.problems.get(timeout=SECONDS), told.problems.get(timeout=SECONDS)
        thread.stop()
        assert told.gone.wait(SECONDS)
    assert first == second
    assert first.startswith(f"cannot listen at opc.tcp://127.0.0.1:{port}/: ")
    thread.wake()  # a thread that has ended is left alone
    thread.stop()


def test_an_error_in_an_update_does_not_end_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: PlantSpace, update: NodeUpdate) -> str:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(PlantSpace, "update", fail)
    told, pending = Told(), PendingUpdates()
    thread = ServerThread(OpcUaOptions(endpoint="opc.tcp://127.0.0.1:0/"), "hall-1", [], pending, told)
    pending.put(NodeUpdate(node="x", at=0.0))
    thread.start()
    assert "something could not be shown: ZeroDivisionError: a bug" == told.warnings.get(timeout=SECONDS)
    assert told.ports.get(timeout=SECONDS)
    thread.stop()
    assert told.gone.wait(SECONDS)
    assert told.problems.empty()


def test_an_error_at_the_start_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_thread, "OPCUA_RETRY_SECONDS", 0.01)
    build = PlantSpace.build
    failed: list[str] = []

    async def fail_twice(self: PlantSpace, *args: Any) -> None:
        if len(failed) < 2:
            failed.append("once more")
            raise ValueError("a wrong key")
        await build(self, *args)

    monkeypatch.setattr(PlantSpace, "build", fail_twice)
    told = Told()
    thread = ServerThread(
        OpcUaOptions(endpoint="opc.tcp://127.0.0.1:0/"), "hall-1", [], PendingUpdates(), told
    )
    thread.start()
    assert told.ports.get(timeout=SECONDS)
    thread.stop()
    assert told.gone.wait(SECONDS)
    text = "the OPC UA server cannot start: ValueError: a wrong key; the next attempt follows in 0.01 s"
    assert [text, text] == [told.problems.get_nowait() for _ in range(2)]
