"""The configuration of a RabbitMQ sink: :class:`RabbitMq`."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from tcpcomm._lazy import HiddenPackage, check_package
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.sink import SinkConnection
from tcpcomm.plant.sinks.rabbitmq.options import RabbitMqOptions
from tcpcomm.runtime.monotonic_time import the_reactor


@frozen(kw_only=True)
class RabbitMq(RabbitMqOptions):
    """
    Results go to a queue, or to an exchange, of RabbitMQ, and each is confirmed by the broker.

    Messages are persistent. The queue is a quorum queue: the nodes of a cluster that hold it agree on each
    message before they confirm it. A message has its id, the time when it was posted, and the headers
    ``source``, ``topic``, ``number`` and, if it has one, ``expires_at``.
    """

    kind: ClassVar[str] = "rabbitmq"

    def open(self, name: str, reactor: Any) -> SinkConnection:
        check_pika()
        if self.password is not None:
            self.password.reveal()
        from tcpcomm.plant.sinks.rabbitmq.publisher import RabbitMqConnection  # noqa: PLC0415 - needs pika

        return RabbitMqConnection(self, name, the_reactor(reactor))


def check_pika() -> None:
    """
    Check that pika is installed, before a module imports it.

    Raises:
        ConfigurationError: it is not, with the command that installs it.
    """
    try:
        check_package("pika")
    except HiddenPackage as hidden:
        raise ConfigurationError(f"RabbitMQ needs pika, and {hidden}") from None
    except ImportError:
        raise ConfigurationError('RabbitMQ needs pika: pip install "tcpcomm[rabbitmq]"') from None
