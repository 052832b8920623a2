"""Put tokens into the queues of links, on a separate connection: :class:`TokenPublisher`."""

from __future__ import annotations

from typing import Any, Final

from pika import BasicProperties
from pika.exceptions import AMQPError, NackError, UnroutableError
from twisted.internet.defer import DeferredLock
from twisted.internet.error import ConnectionClosed

from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler, within

_PERSISTENT: Final = 2


class NoSpace(Exception):
    """The broker takes no messages at the moment."""


class NoQueue(SinkUnavailable):
    """The broker has no such queue. It may have the queues of other links."""


class TokenPublisher:
    """
    Put tokens into queues, each with a confirm.

    A broker whose disk is full reads nothing from a connection that publishes, not even its end. So the
    connection that holds the tokens must never publish.

    All links share one connection, so what the broker says of one queue must not end it. A broker returns a
    token that no queue gets, and then confirms it. When it confirms several at once, pika takes the first
    of them for the returned one. So returned tokens are found by the names of their queues here.

    Args:
        dialler: connects.
        patience: the seconds for a confirm.
        reactor: runs the timers.
    """

    def __init__(self, dialler: Dialler, patience: float, reactor: Any) -> None:
        self._dialler = dialler
        self._patience = patience
        self._reactor = reactor
        self._session: BrokerSession | None = None
        self._channel: Any = None
        self._returned: set[str] = set()  # the queues whose last token came back
        self._connecting = DeferredLock()

    async def publish(self, queue: str) -> None:
        """
        Put a token into a queue, and return when it is confirmed.

        Raises:
            NoSpace: the broker takes no messages at the moment.
            NoQueue: there is no such queue.
            SinkUnavailable: the broker cannot be reached, or does not confirm.
        """
        await self._connecting.acquire()
        try:
            if self._session is None or not self._session.is_alive:
                self.close("the broker was silent for too long")
                self._session, self._channel = await self._dialler.connect(self._with_confirms)
            session = self._session
        finally:
            self._connecting.release()
        if session.blocked:
            raise NoSpace
        self._returned.discard(queue)
        confirm = self._channel.basic_publish(
            "", queue, b"", BasicProperties(delivery_mode=_PERSISTENT), mandatory=True
        )
        try:
            await within(self._patience, confirm, self._reactor)
        except TimeoutError:
            took_messages = self._reactor.seconds() - session.unblocked_at
            if session.blocked or took_messages < self._patience:
                raise NoSpace from None
            self._drop(session, "it did not confirm a token")
            raise SinkUnavailable("the broker did not confirm the token of a link") from None
        except UnroutableError:
            pass  # perhaps for the token of another link: _returned says which one came back
        except NackError:
            raise SinkUnavailable("the broker does not take the token of a link") from None
        except (AMQPError, ConnectionClosed) as error:
            reason = session.reason or repr(error)
            self._drop(session, reason)
            raise SinkUnavailable(reason) from None
        if queue in self._returned:
            raise NoQueue(f"the queue {queue} was deleted")

    def close(self, reason: str) -> None:
        """End the connection."""
        if self._session is not None:
            self._drop(self._session, reason)

    def _drop(self, session: BrokerSession, reason: str) -> None:
        session.abort(reason)
        if session is self._session:
            self._session = None
            self._dialler.try_another_first()

    async def _with_confirms(self, session: BrokerSession) -> Any:
        channel = await session.channel()
        channel.add_on_return_callback(self._token_returned)
        await channel.confirm_delivery()
        return channel

    def _token_returned(self, message: Any) -> None:
        self._returned.add(message.method.routing_key)
