"""The attributes of a RabbitMQ sink, with their checks: :class:`RabbitMqOptions`."""

from __future__ import annotations

from collections.abc import Iterable
from string import Formatter
from typing import Any, Final

from attrs import field, frozen
from attrs.converters import optional

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.secret import Secret, secret
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.rabbitmq.address import BrokerAddress, without_password

MAX_BROKERS: Final = 16
"""Urls of one sink: the nodes of a cluster. The configuration with more is refused."""

MAX_NAME: Final = 255
"""The most bytes in the name of a queue or an exchange, and in a routing key: AMQP's limit."""

_IN_KEY: Final = ("topic", "source")


def _urls(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_urls(instance: object, attribute: Any, urls: tuple[str, ...]) -> None:
    if not 1 <= len(urls) <= MAX_BROKERS:
        raise ConfigurationError(f"urls must name 1 to {MAX_BROKERS} brokers, not {len(urls)}")
    for each in urls:
        BrokerAddress.of(each)


def _check_name(instance: object, attribute: Any, name: str | None) -> None:
    if name is not None and (not name or len(name.encode()) > MAX_NAME):
        raise ConfigurationError(f"{attribute.name} must have 1 to {MAX_NAME} bytes, not {name!r}")
    if name is not None and name.startswith("amq."):
        raise ConfigurationError(f"{attribute.name} must not begin with amq., because RabbitMQ keeps that")


def _check_exchange(instance: object, attribute: Any, name: str) -> None:
    if len(name.encode()) > MAX_NAME:
        raise ConfigurationError(f"exchange must have at most {MAX_NAME} bytes")


def _check_key(instance: object, attribute: Any, template: str) -> None:
    try:
        fields = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise ConfigurationError(f"routing_key {template!r} is not a template: {error}") from None
    for name in fields:
        if name not in _IN_KEY:
            raise ConfigurationError(
                f"routing_key {template!r} has the field {{{name}}}: only {{topic}} and {{source}} exist"
            )


def _at_least(least: float) -> Any:
    def check(instance: object, attribute: Any, value: float | None) -> None:
        if value is not None and not least <= value < float("inf"):
            raise ConfigurationError(f"{attribute.name} must be a number from {least}, not {value}")

    return check


@frozen(kw_only=True)
class RabbitMqOptions(Sink):
    """The attributes of :class:`~tcpcomm.plant.RabbitMq`, which all its parts read."""

    urls: tuple[str, ...] = field(
        converter=_urls,
        validator=_check_urls,
        repr=lambda urls: repr(tuple(without_password(each) for each in urls)),
    )
    """``amqp://user@host:port/vhost`` of each node, or ``amqps://``; one that works is used."""
    password: Secret | None = field(default=None, converter=optional(secret))
    """The password of the user: ``env:NAME``, ``file:/path``, or itself."""
    queue: str = field(default="tcpcomm", validator=_check_name)
    """The queue for results."""
    exchange: str = field(default="", validator=_check_exchange)
    """The exchange for results; with one, the queue gets none."""
    routing_key: str = field(default="{topic}", validator=_check_key)
    """The routing key at an exchange: ``{topic}`` and ``{source}`` with dots in place of slashes."""
    declare: bool = True
    """True: make the queues, and the exchange as a topic exchange, if they are not there."""
    max_length: int | None = field(default=None, validator=_at_least(1))
    """The messages after which the queue takes no others. They wait in the outbox then. None: no limit."""
    heartbeat: float = field(default=8.0, validator=_at_least(2))
    """The seconds of silence after which a broker is taken for dead."""
    connect_timeout: float = field(default=5.0, validator=_at_least(0.1))
    """The seconds in which one broker must accept a connection and the login."""
    confirm_timeout: float = field(default=5.0, validator=_at_least(0.1))
    """The seconds without any confirm after which another connection is tried."""
    ca: str | None = None
    """For ``amqps://``: a PEM file with trusted authorities; None: those that the system trusts."""
    certificate: str | None = None
    """For ``amqps://``: a PEM file with our own certificate, if the broker requires one."""
    private_key: str | None = None
    """The key of ``certificate``."""
    commands_queue: str | None = field(default=None, validator=_check_name)
    """The queue from which commands are taken; None: the name of the queue, and ``.commands``."""
    command_ttl: float = field(default=5.0, validator=_at_least(0.1))
    """The seconds after which a command is too old to be carried out."""

    def __attrs_post_init__(self) -> None:
        if (self.certificate is None) != (self.private_key is None):
            raise ConfigurationError("certificate and private_key go together: name both files, or neither")
        is_secure = any(each.is_secure for each in self.addresses)
        if not is_secure and (self.ca is not None or self.certificate is not None):
            raise ConfigurationError("ca and certificate are for TLS: write amqps:// in urls")
        for each in self.addresses:
            if each.password is None and self.password is None and each.user != "guest":
                raise ConfigurationError(
                    f"the user {each.user} of {each.name} has no password: write password = \"env:NAME\""
                )

    @property
    def addresses(self) -> tuple[BrokerAddress, ...]:
        """The brokers of ``urls``."""
        return tuple(BrokerAddress.of(each) for each in self.urls)

    @property
    def commands_from(self) -> str:
        """The name of the queue with commands."""
        return self.commands_queue or f"{self.queue}.commands"

    def password_for(self, address: BrokerAddress) -> str:
        """
        Return the password for a broker.

        Raises:
            ConfigurationError: the place of the password has none.
        """
        if self.password is not None:
            return self.password.reveal()
        return "guest" if address.password is None else address.password

    def destination(self, message: OutboxMessage) -> tuple[str, str]:
        """Return the exchange and the routing key of a message."""
        if not self.exchange:
            return "", self.queue
        topic, source = (each.replace("/", ".") for each in (message.topic, message.source))
        return self.exchange, self.routing_key.format(topic=topic, source=source)
