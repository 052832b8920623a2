"""
Take commands from a queue of RabbitMQ: :class:`CommandReceiver`.

A command is carried out at most once. It is acknowledged before it is carried out, so that the broker
never gives it again to a gateway that dies meanwhile. What the broker gives a second time all the same
is answered with an error.
"""

from __future__ import annotations

import time
from math import inf
from typing import Any, Final

from attrs import frozen
from pika import BasicProperties
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.task import deferLater

from tcpcomm.plant.errors import NotTheOwner
from tcpcomm.plant.sink import BrokerCommand, CarryOut
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession
from tcpcomm.plant.sinks.rabbitmq.command_text import (
    FAILED,
    MALFORMED,
    NOBODY,
    REPEATED,
    TOO_OLD,
    Malformed,
    error_text,
    failure_text,
    read_command,
    result_text,
)
from tcpcomm.plant.sinks.rabbitmq.dialler import Dialler
from tcpcomm.plant.sinks.rabbitmq.held_name import hold_name
from tcpcomm.plant.sinks.rabbitmq.kept_session import KeptSession
from tcpcomm.plant.sinks.rabbitmq.options import RabbitMqOptions
from tcpcomm.runtime.bounded_logger import BoundedLogger

COMMANDS_AT_ONCE: Final = 32
"""Commands of one broker that a gateway carries out at once. Others wait, and grow old."""

MOST_PASSED: Final = 20
"""
Times that gateways pass a command on that is for the link of another. Then the answer is that nobody owns
the link.
"""

_PASSED: Final = "tcpcomm-passed"  # a header
_PASS_AFTER: Final = 0.1
_TICK: Final = 0.5


@frozen
class _Received:
    """A message of the broker, and the age that it had at least when it was read."""

    channel: Any
    properties: Any
    body: bytes
    read_at: float
    age: float

    @property
    def passed(self) -> int:
        """The number of gateways that passed it on."""
        found = (self.properties.headers or {}).get(_PASSED, 0)
        return found if isinstance(found, int) else MOST_PASSED


class CommandReceiver:
    """
    Takes commands from a queue, carries them out, and answers them.

    Args:
        options: the configuration of the sink.
        sink: the name of the sink.
        gateway: the name of the gateway: a second gateway with it takes no commands.
        carry_out: carries out a command.
        reactor: connects.
    """

    log = BoundedLogger()

    def __init__(
        self, options: RabbitMqOptions, *, sink: str, gateway: str, carry_out: CarryOut, reactor: Any
    ) -> None:
        self._options = options
        self._sink = sink
        self._gateway = gateway
        self._carry_out = carry_out
        self._reactor = reactor
        self._slots = DeferredSemaphore(COMMANDS_AT_ONCE)
        self._late = 0.0  # seconds by which the last tick came too late
        self._tick_due = inf
        dialler = Dialler(options, f"tcpcomm: commands for {gateway} from {sink}", reactor)
        self._kept = KeptSession(dialler, self._use, reactor)

    @property
    def problem(self) -> str:
        """The reason why no commands are taken; empty if nothing keeps it from that."""
        return self._kept.problem

    def start(self) -> None:
        """Connect, and take commands."""
        self._kept.start()

    async def stop(self) -> None:
        """Take no commands any more, and close the connection."""
        await self._kept.stop()

    async def _use(self, session: BrokerSession) -> None:
        options = self._options
        await hold_name(
            session,
            queue=f"tcpcomm.gateway.{self._gateway}.{self._sink}",
            gateway=self._gateway,
            silence=options.heartbeat,
            tell=self._kept.tell,
            reactor=self._reactor,
        )
        channel = await session.channel()
        await channel.basic_qos(prefetch_count=COMMANDS_AT_ONCE)
        arguments = {"x-queue-type": "quorum", "x-message-ttl": int(options.command_ttl * 1000)}
        await channel.queue_declare(
            options.commands_from, durable=True, passive=not options.declare, arguments=arguments
        )
        messages, _ = await channel.basic_consume(options.commands_from)
        ticks = Deferred.fromCoroutine(self._notice_stops())
        ticks.addErrback(lambda failure: None)  # it is only cancelled
        try:
            while True:
                message = await messages.get()
                now = self._reactor.seconds()
                # A process that goes on after a stop may read before its timers run.
                late = max(self._late, now - self._tick_due, 0.0)
                received = _Received(channel, message.properties, message.body, now, late)
                await self._slots.acquire()
                try:
                    channel.basic_ack(message.method.delivery_tag)
                except BaseException:  # the connection was lost while the command waited
                    self._slots.release()
                    raise
                carrying = Deferred.fromCoroutine(self._answer(received, message.method.redelivered))
                carrying.addErrback(self._failed)
                carrying.addBoth(lambda _: self._slots.release())
        finally:
            ticks.cancel()

    async def _notice_stops(self) -> None:
        """Measure how long this process was stopped. A command that is read next may be as old."""
        while True:
            self._tick_due = self._reactor.seconds() + _TICK
            await deferLater(self._reactor, _TICK)
            self._late = max(0.0, self._reactor.seconds() - self._tick_due)

    async def _answer(self, received: _Received, is_repeated: bool) -> None:
        try:
            command = read_command(received.body)
        except Malformed as error:
            self._reply(received, error_text(MALFORMED, str(error)))
            return
        age, most = self._age(received), self._most(received)
        if is_repeated:
            reason = "the broker gave it before, and it may have been carried out then"
            self._refuse(received, command, REPEATED, reason)
        elif age > most and received.passed:
            self._refuse(received, command, NOBODY, f"no gateway owned its link within {most:g} s")
        elif age > most:
            stale = f"it is {age:.1f} s old, and commands older than {most:g} s are not carried out"
            self._refuse(received, command, TOO_OLD, f"{stale}; are the clocks of both machines right?")
        else:
            await self._carried_out(received, command)

    async def _carried_out(self, received: _Received, command: BrokerCommand) -> None:
        try:
            reply = result_text(await self._carry_out(command))
        except NotTheOwner as error:
            await self._pass_on(received, command, str(error))
            return
        except Exception as error:
            found = failure_text(error)
            if found is None:
                self.log.failure("a command of the broker failed: {command}", command=command.command)
                found = error_text(FAILED, f"{type(error).__name__}: see the log of {self._gateway}")
            reply = found
        self._reply(received, reply)

    async def _pass_on(self, received: _Received, command: BrokerCommand, reason: str) -> None:
        """Give a command back to the queue, for the gateway that owns its link."""
        await deferLater(self._reactor, _PASS_AFTER)
        if received.passed >= MOST_PASSED or self._age(received) > self._most(received):
            self._refuse(received, command, NOBODY, reason)
            return
        old = received.properties
        properties = BasicProperties(
            headers={**(old.headers or {}), _PASSED: received.passed + 1},
            correlation_id=old.correlation_id,
            reply_to=old.reply_to,
            content_type=old.content_type,
            expiration=old.expiration,
            # It grows old by this time from now on, because the broker counts its expiration anew.
            timestamp=old.timestamp or int(time.time() - self._age(received)),
        )
        self._publish(received, self._options.commands_from, received.body, properties)

    def _age(self, received: _Received) -> float:
        """Return the age of a command in seconds, as far as anything shows it."""
        waited: float = self._reactor.seconds() - received.read_at + received.age
        sent: int | None = received.properties.timestamp
        # A timestamp has whole seconds: the command may be younger by one.
        return waited if sent is None else max(waited, time.time() - sent - 1)

    def _most(self, received: _Received) -> float:
        """Return the age in seconds from which a command is too old."""
        expiration = str(received.properties.expiration or "")
        most = self._options.command_ttl
        return min(most, int(expiration) / 1000) if expiration.isdecimal() else most

    def _refuse(self, received: _Received, command: BrokerCommand, kind: str, reason: str) -> None:
        self.log.warn(
            "a command of the broker is not carried out: {command} of {name}: {reason}",
            command=command.command,
            name=command.link,
            reason=reason,
        )
        self._reply(received, error_text(kind, reason))

    def _reply(self, received: _Received, body: bytes) -> None:
        """Answer a command, if the sender wants an answer."""
        asked = received.properties
        if asked.reply_to:
            properties = BasicProperties(
                content_type="application/json", correlation_id=asked.correlation_id
            )
            self._publish(received, asked.reply_to, body, properties)

    def _publish(self, received: _Received, queue: str, body: bytes, properties: Any) -> None:
        if received.channel.is_open:  # without its connection, a reply is lost
            received.channel.basic_publish("", queue, body, properties)

    def _failed(self, failure: Any) -> None:
        self.log.failure("the program failed to answer a command of the broker", failure)
