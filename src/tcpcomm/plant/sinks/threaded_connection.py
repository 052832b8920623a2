"""The base of sinks with a library that blocks: :class:`ThreadedConnection`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.sink import SinkConnection
from tcpcomm.plant.sinks.worker_thread import WorkerThread

T = TypeVar("T")


class ThreadedConnection(SinkConnection):
    """
    Writes batches in a thread of its own. Subclasses write, interrupt and end.

    Args:
        name: the name of the sink.
        reactor: the reactor, or a test's clock.
    """

    def __init__(self, name: str, reactor: Any) -> None:
        self._worker = WorkerThread(name, reactor)
        self._problem = ""

    def write(self, messages: Sequence[OutboxMessage]) -> dict[str, str]:
        """Write a batch, in the thread. Return and raise what ``deliver`` does."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Let a call of :meth:`write` fail soon, in the reactor's thread."""

    def end(self) -> None:
        """Release what is open, in the thread."""

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        try:
            refused = await self._worker.run(lambda: self.write(messages), self.interrupt)
        except SinkUnavailable as error:
            self._problem = str(error)
            raise
        self._problem = ""
        return refused

    async def close(self) -> None:
        await self._worker.stop(self.end)

    def problem(self) -> str:
        return self._problem


def converted(
    messages: Sequence[OutboxMessage], convert: Callable[[OutboxMessage], T], refused: dict[str, str]
) -> list[T]:
    """Return what each message becomes. Those that are not what they say are added to the refused ones."""
    found: list[T] = []
    for each in messages:
        try:
            found.append(convert(each))
        except (ValueError, RecursionError) as error:
            refused[each.id] = f"its content is not {each.content_type}: {error}"
    return found
