"""Deliver messages to RabbitMQ, each confirmed: :class:`RabbitMqConnection`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from pika import BasicProperties
from pika.exceptions import AMQPError, ShortStringTooLong
from twisted.internet.defer import CancelledError
from twisted.internet.task import LoopingCall

from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.sink import CarryOut, LinkDescription, SinkConnection
from tcpcomm.plant.sinks.rabbitmq.batch import Batch
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession
from tcpcomm.plant.sinks.rabbitmq.command_receiver import CommandReceiver
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler
from tcpcomm.plant.sinks.rabbitmq.options import MAX_NAME, RabbitMqOptions
from tcpcomm.plant.sinks.rabbitmq.refusals import reason_text, refusal_text, too_large
from tcpcomm.runtime.bounded_logger import BoundedLogger

_PERSISTENT: Final = 2  # AMQP's delivery mode of messages that survive a restart of the broker
_CHECKS: Final = 5  # for progress, in the time in which a confirm must come
_BLOCKED_SHARE: Final = 0.8  # of the sink's patience, in which a broker without space is waited for


class RabbitMqConnection(SinkConnection):
    """
    Delivers results to RabbitMQ. :class:`RabbitMq` makes it.

    Args:
        options: the configuration.
        name: the name of the sink.
        reactor: connects.
    """

    log = BoundedLogger()

    def __init__(self, options: RabbitMqOptions, name: str, reactor: Any) -> None:
        self._options = options
        self._reactor = reactor
        self._dialler = Dialler(options, f"tcpcomm: results for {name}", reactor)
        self._session: BrokerSession | None = None
        self._channel: Any = None
        self._batch: Batch | None = None
        self._largest: int | None = None  # learned when the broker refuses a message
        self._problem = ""
        self._name = name
        self._gateway = ""
        self._takes_commands = False
        self._commands: CommandReceiver | None = None

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        self._gateway = gateway
        self._takes_commands = any(each.commands for each in links)

    def take_commands(self, carry_out: CarryOut) -> None:
        if self._takes_commands and self._commands is None:
            self._commands = CommandReceiver(
                self._options,
                sink=self._name,
                gateway=self._gateway,
                carry_out=carry_out,
                reactor=self._reactor,
            )
            self._commands.start()

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        confirmed: set[str] = set()
        try:
            refused = await self._deliver(messages, confirmed)
        except SinkUnavailable as unavailable:
            self._drop(str(unavailable))
            raise SinkUnavailable(str(unavailable), confirmed) from None
        except CancelledError:
            session = self._session
            is_blocked = session is not None and session.blocked
            what = "confirm" if messages and session is not None else "answer"
            self._drop(self.problem() if is_blocked else f"the broker did not {what} in time")
            raise SinkUnavailable(self._problem, confirmed) from None
        self._problem = ""
        return refused

    async def close(self) -> None:
        session, self._session = self._session, None
        if self._commands is not None:
            await self._commands.stop()
        if session is not None:
            await session.finish()

    def problem(self) -> str:
        session = self._session
        if session is not None and session.blocked:
            return _blocked_text(session)
        return self._problem or ("" if self._commands is None else self._commands.problem)

    async def _deliver(self, messages: Sequence[OutboxMessage], confirmed: set[str]) -> dict[str, str]:
        """Return the refused messages; add the others to ``confirmed``."""
        refused: dict[str, str] = {}
        if not messages:  # somebody asks if the broker takes messages
            await self._connected()
        while True:
            left = [each for each in messages if each.id not in confirmed and each.id not in refused]
            refused |= self._unsendable(left)
            left = [each for each in left if each.id not in refused]
            if not left:
                return refused
            await self._connected()
            # More than one round is needed only if the broker refuses messages for their size.
            refused |= await self._publish(left, confirmed)

    async def _connected(self) -> None:
        """Connect, unless there is a connection. Its exchange or its queue is there afterwards."""
        if self._session is not None and self._session.is_alive:
            return
        if self._session is not None:
            self._drop("the broker was silent for too long")
        session, channel = await self._dialler.connect(self._prepare)
        self._session, self._channel = session, channel
        self.log.info(
            "sink {sink}: connected to the broker {broker}", sink=self._name, broker=self._dialler.broker
        )
        session.ended.addCallback(self._lost, session)

    async def _prepare(self, session: BrokerSession) -> Any:
        options = self._options
        channel = await session.channel()
        channel.add_on_return_callback(self._returned)
        await channel.confirm_delivery()
        passive = not options.declare
        if options.exchange:
            await channel.exchange_declare(options.exchange, "topic", durable=True, passive=passive)
            return channel
        arguments: dict[str, Any] = {"x-queue-type": "quorum"}
        if options.max_length is not None:
            arguments |= {"x-max-length": options.max_length, "x-overflow": "reject-publish"}
        await channel.queue_declare(options.queue, durable=True, passive=passive, arguments=arguments)
        return channel

    def _drop(self, reason: str) -> None:
        self._problem = reason
        session, self._session = self._session, None
        if session is not None:
            self._dialler.try_another_first()
            session.abort(reason)

    def _lost(self, reason: str, session: BrokerSession) -> None:
        if session is self._session:
            self._drop(reason_text(reason))

    def _unsendable(self, messages: Iterable[OutboxMessage]) -> dict[str, str]:
        """Return the messages that cannot be sent, by id, with reasons."""
        found: dict[str, str] = {}
        for each in messages:
            _, key = self._options.destination(each)
            if len(key.encode()) > MAX_NAME:
                found[each.id] = f"its routing key has {len(key.encode())} bytes, and AMQP takes {MAX_NAME}"
            elif self._largest is not None and len(each.body) > self._largest:
                found[each.id] = _size_text(len(each.body), self._largest)
        return found

    async def _publish(self, messages: Sequence[OutboxMessage], confirmed: set[str]) -> dict[str, str]:
        batch = self._batch = Batch(self._reactor)
        refused: dict[str, str] = {}
        for each in messages:
            exchange, key = self._options.destination(each)
            try:
                confirm = self._channel.basic_publish(
                    exchange, key, each.body, _properties(each), mandatory=True
                )
            except ShortStringTooLong as error:
                refused[each.id] = f"AMQP has no room for one of its properties: {error}"
            else:
                batch.expect(each.id, confirm)
        watch = LoopingCall(self._check_progress, batch)
        watch.clock = self._reactor
        watch.start(self._options.confirm_timeout / _CHECKS, now=False)
        try:
            await batch.wait()
        except AMQPError as error:
            refused |= self._refused_for_size(messages, error)
        except ConnectionError as error:
            raise SinkUnavailable(self._end_text() or str(error)) from None
        finally:
            watch.stop()
            self._batch = None
            confirmed |= batch.confirmed - batch.returned.keys()
        if batch.nacked:
            raise SinkUnavailable(self._why_not_taken())
        if batch.returned and not self._options.exchange:
            raise SinkUnavailable(f"the queue {self._options.queue} was deleted")
        return refused | batch.returned

    def _check_progress(self, batch: Batch) -> None:
        """
        Drop a connection on which no confirm comes.

        A broker that lost the leader of a queue may send what it was given to the dead one for long. A new
        connection finds the new leader.
        """
        session, options = self._session, self._options
        now = self._reactor.seconds()
        if session is None:
            return
        if session.blocked:
            if now - batch.heard_at >= options.patience * _BLOCKED_SHARE:
                session.abort(_blocked_text(session))
        elif now - max(batch.heard_at, session.unblocked_at) >= options.confirm_timeout:
            session.abort(f"the broker confirmed nothing for {options.confirm_timeout:g} s")

    def _refused_for_size(self, messages: Iterable[OutboxMessage], error: AMQPError) -> dict[str, str]:
        """Return the messages for which the broker closed the channel, or raise SinkUnavailable."""
        reply = getattr(error, "reply_text", "")
        sizes = too_large(reply)
        if sizes is None:
            raise SinkUnavailable(self._end_text() or refusal_text(reply or repr(error)))
        self._drop(reply)
        size, self._largest = sizes
        return {each.id: _size_text(size, self._largest) for each in messages if len(each.body) == size}

    def _end_text(self) -> str:
        """Return the reason why the connection ended, or empty if it is there."""
        return self._problem if self._session is None else reason_text(self._session.reason)

    def _why_not_taken(self) -> str:
        options = self._options
        if options.exchange:
            place = f"a queue at the exchange {options.exchange}"
        else:
            place = f"the queue {options.queue}"
        return f"{place} takes no messages: it is full, or its node failed"

    def _returned(self, message: Any) -> None:
        if self._batch is not None:
            method = message.method
            place = f"the exchange {method.exchange} with the routing key {method.routing_key}"
            self._batch.return_message(message.properties.message_id, f"no queue is bound to {place}")


def _blocked_text(session: BrokerSession) -> str:
    return f"the broker takes no messages: {session.blocked}"


def _size_text(size: int, largest: int) -> str:
    return f"it has {size} bytes, and the broker takes at most {largest}"


def _properties(message: OutboxMessage) -> Any:
    headers: dict[str, Any] = {"source": message.source, "topic": message.topic, "number": message.number}
    if message.expires_at is not None:
        with suppress(ValueError, OverflowError, OSError):  # no calendar has the time: it never expires
            expires_at = datetime.fromtimestamp(message.expires_at, UTC)
            headers["expires_at"] = expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return BasicProperties(
        content_type=message.content_type,
        delivery_mode=_PERSISTENT,
        headers=headers,
        message_id=message.id,
        timestamp=int(message.posted_at),
    )
