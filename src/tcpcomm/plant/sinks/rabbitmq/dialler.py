"""Connect to one of several brokers: :class:`Dialler`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from pika import ConnectionParameters, PlainCredentials
from pika.exceptions import AMQPError
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from tcpcomm._version import __version__
from tcpcomm.errors import ConfigurationError
from tcpcomm.net.endpoints import client
from tcpcomm.net.error_texts import connect_error_text
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.sinks.rabbitmq.address import BrokerAddress
from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession
from tcpcomm.plant.sinks.rabbitmq.options import RabbitMqOptions
from tcpcomm.plant.sinks.rabbitmq.refusals import reason_text, refusal_text

T = TypeVar("T")

_BEATS_IN_SILENCE: Final = 2.0  # heartbeats of the broker in the time after which it is taken for dead


class Dialler:
    """
    Connect to the first broker that works, beginning with the one that worked last.

    Args:
        options: the brokers and the limits.
        purpose: the name of the connection in the broker's lists.
        reactor: connects.
    """

    def __init__(self, options: RabbitMqOptions, purpose: str, reactor: Any) -> None:
        self._options = options
        self.purpose = purpose
        self._reactor = reactor
        self._first = 0

    async def connect(
        self, prepare: Callable[[BrokerSession], Awaitable[T]]
    ) -> tuple[BrokerSession, T]:
        """
        Return a new connection, and the result of ``prepare``.

        Args:
            prepare: opens channels and declares queues. If it fails, the next broker is tried.

        Raises:
            SinkUnavailable: no broker works; the text has the reason for each.
        """
        addresses = self._options.addresses
        problems: dict[str, list[str]] = {}
        for offset in range(len(addresses)):
            number = (self._first + offset) % len(addresses)
            address = addresses[number]
            session = self._session(address)
            try:
                await self._open(session, address)
                prepared = await within(
                    self._options.connect_timeout,
                    Deferred.fromCoroutine(_result_of(prepare(session))),
                    self._reactor,
                )
            except CancelledError:
                session.abort("the attempt was cancelled")
                raise
            except Exception as error:
                problem = self._problem(session, error)
                if not problem:  # a mistake in this program, not a broker's
                    session.abort("the program failed")
                    raise
                session.abort(problem)
                problems.setdefault(problem, []).append(address.name)
            else:
                self._first = number
                return session, prepared
        raise SinkUnavailable("; ".join(f"{', '.join(names)}: {why}" for why, names in problems.items()))

    @property
    def broker(self) -> str:
        """The broker that is tried first: the one that worked last."""
        return self._options.addresses[self._first].name

    def try_another_first(self) -> None:
        """Begin the next attempt with the next broker, because the last one failed while in use."""
        self._first = (self._first + 1) % len(self._options.addresses)

    def _session(self, address: BrokerAddress) -> BrokerSession:
        options = self._options
        try:
            password = options.password_for(address)
        except ConfigurationError as error:
            raise SinkUnavailable(str(error)) from None
        parameters = ConnectionParameters(
            host=address.host,
            port=address.port,
            virtual_host=address.virtual_host,
            credentials=PlainCredentials(address.user, password),
            heartbeat=max(1, int(options.heartbeat / _BEATS_IN_SILENCE)),
            client_properties={
                "connection_name": self.purpose,
                "product": "tcpcomm",
                "version": __version__,
            },
        )
        return BrokerSession(parameters, options.heartbeat, self._reactor)

    async def _open(self, session: BrokerSession, address: BrokerAddress) -> None:
        options = self._options
        text = address.endpoint(
            options.connect_timeout, options.ca, options.certificate, options.private_key
        )
        began = self._reactor.seconds()
        factory = Factory.forProtocol(lambda: session)
        factory.noisy = False
        connecting = client(self._reactor, text).connect(factory)
        connecting.addErrback(_in_words)
        await within(options.connect_timeout + 1, connecting, self._reactor)
        left = max(0.1, options.connect_timeout - (self._reactor.seconds() - began))
        await within(left, session.opened, self._reactor)

    def _problem(self, session: BrokerSession, error: Exception) -> str:
        """Return the reason for which an attempt failed; empty if it is none that a broker can cause."""
        if session.reason:
            return reason_text(session.reason)
        if isinstance(error, TimeoutError):
            return f"it did not answer within {self._options.connect_timeout:g} s"
        if isinstance(error, AMQPError):
            return refusal_text(getattr(error, "reply_text", "") or repr(error))
        is_told = isinstance(error, ConfigurationError | ConnectionError | SinkUnavailable)
        return str(error) if is_told else ""


def _in_words(failure: Failure) -> None:
    if failure.check(CancelledError, ConnectingCancelledError):
        raise CancelledError
    raise ConnectionError(connect_error_text(failure))


async def _result_of(awaitable: Awaitable[T]) -> T:
    return await awaitable


def within(seconds: float, deferred: Deferred[T], reactor: Any) -> Deferred[T]:
    """Cancel a Deferred after some seconds: it then fails with TimeoutError."""
    return deferred.addTimeout(seconds, reactor, lambda _, __: Failure(TimeoutError()))
