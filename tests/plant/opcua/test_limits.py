"""The limits of a server, and its end in finite time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import needs_module

needs_module("asyncua", "pip install tcpcomm[opcua]")

from tcpcomm.plant.opcua import bounded_server, server_thread  # noqa: E402
from tcpcomm.plant.opcua.bounded_server import BoundedServer  # noqa: E402


def test_a_server_has_the_limits_of_the_page() -> None:
    server = BoundedServer(7, None)

    iserver, limits = server.iserver, server.limits
    assert 7 == iserver.max_connections
    assert bounded_server.MAX_OPCUA_SUBSCRIPTIONS == iserver.max_subscriptions
    assert bounded_server.MAX_OPCUA_QUEUE == iserver.max_monitored_item_queue_size
    assert bounded_server.MAX_OPCUA_MESSAGE == limits.max_message_size
    assert bounded_server.MAX_OPCUA_CHUNK == limits.max_recv_buffer
    assert limits.max_chunk_count * limits.max_recv_buffer >= limits.max_message_size


def test_a_server_that_does_not_stop_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_thread, "OPCUA_STOP_SECONDS", 0.01)

    class Stuck:
        aborted = False

        async def stop(self) -> None:
            await asyncio.Event().wait()

        def abort_connections(self) -> None:
            self.aborted = True

    stuck: Any = Stuck()
    asyncio.run(server_thread.stop_server(stuck))
    assert stuck.aborted
