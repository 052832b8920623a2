"""The interface between the connection to a broker and the form of what is published: :class:`Form`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.sink import CarryOut, LinkDescription
from tcpcomm.plant.sinks.mqtt.packets import Arrived, BrokerLimits, Publication, Subscription


class NotAccepted(Exception):
    """A message cannot be published in this form. Its text is the reason."""


class Port(Protocol):
    """The connection, as a form uses it."""

    def publish(self, publication: Publication) -> bool:
        """Publish something that is not a message of the outbox; return False without a connection."""

    def too_large(self, publication: Publication) -> str:
        """Return the reason why a packet is too large for the broker, or an empty text."""

    def ready(self) -> None:
        """Begin to deliver messages."""

    def wait_for(self, reason: str) -> None:
        """Deliver nothing until :meth:`ready`, and give the reason to the outbox."""

    def renew(self, reason: str) -> None:
        """Leave the broker politely, and connect again."""

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Subscribe more topics, if there is a connection."""


class Form(Protocol):
    """
    The rules by which messages, states and commands become topics and payloads.

    A form does no I/O. It keeps what it must repeat after each connection.
    """

    port: Port
    """Set by the connection, before anything else happens."""

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        """Learn the links, and the gateway's name."""

    def take_commands(self, carry_out: CarryOut) -> None:
        """Take commands from now on."""

    def will(self) -> Publication | None:
        """Return what the broker shall publish if the connection is lost. It is asked at each attempt."""

    def subscriptions(self) -> list[Subscription]:
        """Return what to subscribe at the beginning of a connection."""

    def not_subscribed(self, topic: str) -> list[Subscription]:
        """Return the subscriptions that replace a refused one."""

    def opened(self, limits: BrokerLimits) -> None:
        """Begin a connection: publish what comes first, and say when messages may follow."""

    def closed(self) -> None:
        """End a connection."""

    def farewell(self) -> list[Publication]:
        """Return what to publish before the connection is closed in order."""

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        """Learn the state of a link."""

    def publications(
        self, messages: Sequence[OutboxMessage]
    ) -> Iterator[tuple[OutboxMessage | None, Publication | str]]:
        """
        Yield what a batch becomes, in order: a publication with its message, or the reason of a refusal.

        A publication without a message belongs to those beside it.
        """

    def arrived(self, message: Arrived) -> None:
        """Take a message of the broker."""
