"""Messages, connections and waits for tests of sinks with a real broker: :class:`SinkTestCase`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic, time
from typing import Any, Final

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tcpcomm.plant import OutboxMessage, Sink, SinkConnection, SinkUnavailable

__all__ = ["DEADLINE", "SinkTestCase", "message"]

DEADLINE: Final = 60.0
"""Seconds to wait for something; long enough for a busy machine."""


def message(number: int, body: bytes | None = None, topic: str = "camera-1/locate") -> OutboxMessage:
    """Return a message, with its number in the body."""
    return OutboxMessage(
        id=f"box-{number}",
        number=number,
        topic=topic,
        source="camera-1",
        body=b'{"n": %d}' % number if body is None else body,
        posted_at=time(),
    )


class SinkTestCase(TestCase):
    """A test that runs the real reactor, with connections that are closed at its end."""

    timeout = 2 * DEADLINE
    reactor = reactor

    @pytest.fixture(autouse=True)
    def _in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def open(self, sink: Sink, name: str = "scada") -> SinkConnection:
        """Open a sink until the end of the test."""
        connection = sink.open(name, reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(connection.close()))
        return connection

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for a condition, while the reactor runs."""
        end = monotonic() + DEADLINE
        while not condition():
            assert monotonic() < end, f"it did not come true within {DEADLINE:g} s"
            await deferLater(reactor, 0.02)

    async def failure(
        self, connection: SinkConnection, messages: Sequence[OutboxMessage]
    ) -> SinkUnavailable:
        """Deliver messages, which must fail, and return the error."""
        try:
            found = await connection.deliver(messages)
        except SinkUnavailable as error:
            return error
        raise AssertionError(f"they were delivered: {found}")

    async def persist(self, connection: SinkConnection, messages: Sequence[OutboxMessage]) -> int:
        """Deliver messages as an outbox does, until all are confirmed; return how often it failed."""
        left = list(messages)
        failed = 0
        end = monotonic() + DEADLINE
        while left:
            assert monotonic() < end, f"{len(left)} messages are not confirmed"
            try:
                assert {} == await connection.deliver(left[:256])
                del left[:256]
            except SinkUnavailable as error:
                failed += 1
                left = [each for each in left if each.id not in error.confirmed]
                await deferLater(reactor, 0.05)
        return failed
