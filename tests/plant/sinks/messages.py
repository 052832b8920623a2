"""Messages, and ways to deliver them, for the tests of sinks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from tcpcomm.plant import OutboxMessage, Report, SinkConnection
from tcpcomm.plant.message import JSON

T = TypeVar("T")

AT = 1_796_005_342.25
"""2026-11-30 02:22:22.25 UTC."""


def message(
    number: int, content: Any = None, *, body: bytes | None = None, **details: Any
) -> OutboxMessage:
    """Return a message of an outbox with the name ``4f9c``."""
    found = body if body is not None else json.dumps(content).encode()
    given: dict[str, Any] = {
        "content_type": JSON,
        "posted_at": AT + number,
        "topic": "cam/locate",
        "source": "cam",
    } | details
    return OutboxMessage(id=f"4f9c-{number}", number=number, body=found, **given)


def report(number: int, values: Mapping[str, Any] | None = None, **details: Any) -> OutboxMessage:
    """Return a message with the report of a poll."""
    given: dict[str, Any] = {"link": "cam", "kind": "poll", "name": "locate", "seconds": 0.25}
    given |= {"at": AT + number, "values": {"result": number} if values is None else values, **details}
    return message(number, Report(**given).content())


def result_of(awaitable: Awaitable[T]) -> T:
    """Return the result of a coroutine that must have ended, or raise its error."""
    outcome: list[Any] = []
    coroutine: Any = awaitable
    done: Deferred[T] = ensureDeferred(coroutine)
    done.addBoth(outcome.append)
    assert outcome, "the coroutine still waits"
    (found,) = outcome
    if isinstance(found, Failure):
        found.raiseException()
    result: T = found
    return result


def deliver(connection: SinkConnection, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
    """Deliver a batch to a sink on a test's clock, and return what it refused."""
    return result_of(connection.deliver(messages))
