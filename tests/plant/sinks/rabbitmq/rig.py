"""A broker in memory, with sessions and channels as the sink's parts use them: :class:`FakeBroker`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, DeferredQueue, succeed
from twisted.internet.task import Clock

from tcpcomm.plant.errors import SinkUnavailable


class FakeChannel:
    """A channel whose queues are told apart by their names."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._returned: Any = None
        self.is_open = True

    def queue_declare(self, queue: str, **options: Any) -> Deferred[None]:
        self._broker.declared.append(queue)
        return succeed(None)

    def add_on_return_callback(self, returned: Any) -> None:
        self._returned = returned

    def basic_qos(self, prefetch_count: int) -> Deferred[None]:
        return succeed(None)

    def confirm_delivery(self) -> Deferred[None]:
        return succeed(None)

    def basic_consume(self, queue: str) -> Deferred[tuple[DeferredQueue[Any], str]]:
        return succeed((self._broker.consumed.setdefault(queue, DeferredQueue()), "tag"))

    def basic_publish(
        self, exchange: str, queue: str, body: bytes, properties: Any, mandatory: bool = False
    ) -> Deferred[None]:
        self._broker.published.append((queue, body, properties))
        if queue in self._broker.missing:
            self._returned(SimpleNamespace(method=SimpleNamespace(routing_key=queue)))
        if self._broker.confirms is None:
            return succeed(None)
        self._broker.confirms.append(Deferred())
        return self._broker.confirms[-1]

    def basic_ack(self, tag: int) -> None:
        from pika.exceptions import ChannelWrongStateError

        if not self.is_open:
            raise ChannelWrongStateError("the channel is closed")
        self._broker.acknowledged.append(tag)

    def close(self) -> None:
        self.is_open = False


class FakeSession:
    """A session that lives until it is aborted."""

    blocked = ""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self.unblocked_at: float = broker.clock.seconds()
        self.reason = ""
        self.ended: Deferred[str] = Deferred()
        self.channels: list[FakeChannel] = []

    @property
    def is_alive(self) -> bool:
        return not self.reason

    def channel(self) -> Deferred[FakeChannel]:
        self.channels.append(FakeChannel(self._broker))
        return succeed(self.channels[-1])

    def unblock(self) -> None:
        self.blocked = ""
        self.unblocked_at = self._broker.clock.seconds()

    def abort(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            for each in self.channels:
                each.is_open = False
            self.ended.callback(reason)

    def finish(self) -> Deferred[str]:
        self.abort("this side closed it")
        return self.ended


class FakeBroker:
    """A broker in memory, and the clock by which its clients live."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.is_there = True
        self.attempts: list[float] = []
        self.sessions: list[FakeSession] = []
        self.declared: list[str] = []
        self.consumed: dict[str, DeferredQueue[Any]] = {}
        self.published: list[tuple[str, bytes, Any]] = []
        self.acknowledged: list[int] = []
        self.missing: set[str] = set()
        self.confirms: list[Deferred[None]] | None = None
        """The confirms that wait; None: each comes at once."""
        self._tag = 0

    async def connect(self, dialler: object, prepare: Any) -> tuple[Any, Any]:
        """Stand in for the method of a Dialler."""
        self.attempts.append(self.clock.seconds())
        if not self.is_there:
            raise SinkUnavailable("nobody is there")
        session = FakeSession(self)
        self.sessions.append(session)
        return session, await prepare(session)

    def take_confirms(self) -> list[Deferred[None]]:
        """Return the confirms that wait since the last call."""
        found, self.confirms = self.confirms or [], []
        return found

    def cancel(self, queue: str, error: Exception) -> None:
        """End the consumer of a queue."""
        for waiting in self.consumed.pop(queue).waiting:
            waiting.errback(error)

    def give(self, queue: str, body: bytes = b"", *, redelivered: bool = False, **properties: Any) -> int:
        """Deliver a message to the consumer of a queue, and return its tag."""
        self._tag += 1
        names = ("reply_to", "correlation_id", "timestamp", "expiration", "headers", "content_type")
        self.consumed[queue].put(
            SimpleNamespace(
                body=body,
                method=SimpleNamespace(delivery_tag=self._tag, redelivered=redelivered),
                properties=SimpleNamespace(**{**dict.fromkeys(names), **properties}),
            )
        )
        return self._tag
