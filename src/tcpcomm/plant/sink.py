"""
The interface of all sinks: :class:`Sink`, which is configuration, and :class:`SinkConnection`.

A sink is where results go: a broker, a database, a file. Its outbox gives it messages, a batch at a time,
and deletes those that it confirms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import field, frozen

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.values import ValueDescription


def _positive(instance: object, attribute: Any, value: float) -> None:
    if not value > 0:
        raise ConfigurationError(f"{attribute.name} must be above 0, not {value}")


@frozen(kw_only=True)
class LinkDescription:
    """The facts about one link that a gateway tells its sinks before the first message."""

    name: str
    declaration: Declaration
    values: tuple[ValueDescription, ...]
    """The values that its polls and events can bring."""
    commands: tuple[str, ...] = ()
    """The commands that a broker may give it."""


@frozen(kw_only=True)
class BrokerCommand:
    """A command that came through a broker."""

    link: str
    command: str
    arguments: Mapping[str, Any]
    """The arguments by name, as JSON has them."""


CarryOut = Callable[[BrokerCommand], Awaitable[Any]]
"""
Carries out a command of a broker, and gives its result, as JSON has it.

Raises CommandRefused if the command is not allowed, Fault if the equipment said no, and NotSent or
OutcomeUnknown as at any host.
"""


@frozen(kw_only=True)
class Sink:
    """
    The configuration of a sink; subclasses add theirs.

    A subclass is a frozen attrs class. Its attributes are the keys of ``[sinks.NAME]`` in ``plant.toml``.
    """

    kind: ClassVar[str]
    """The word for it in ``plant.toml``."""
    file_keys: ClassVar[tuple[str, ...]] = (
        "path", "ca", "certificate", "private_key", "ca_file", "cert_file", "key_file",
    )  # fmt: skip
    """The attributes that name files. A relative one in ``plant.toml`` is below the folder of that file."""

    batch: int = field(default=256, validator=_positive)
    """The most messages that it gets at once."""
    patience: float = field(default=30.0, validator=_positive)
    """The seconds that it has to connect, and to confirm a batch."""
    attempts: int = field(default=5, validator=_positive)
    """The refusals after which a message is set aside."""

    def open(self, name: str, reactor: Any) -> SinkConnection:
        """
        Return the connection that delivers, without connecting yet.

        Args:
            name: the name of the sink, for log lines and errors.
            reactor: the reactor, or a test's clock.

        Raises:
            ConfigurationError: a package is missing, with the command that installs it; a file cannot be
                used.
        """
        raise NotImplementedError


class SinkConnection:
    """
    Delivers messages to one sink. All methods are called in the reactor's thread.

    One :meth:`deliver` runs at a time. It connects first if there is no connection.
    """

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        """
        Deliver a batch in its order, and return when the sink has confirmed it durably.

        If the coroutine is cancelled, the sink took too long: it must drop its connection, so that a late
        confirmation is not taken for one of the next batch.

        Returns:
            The messages that the sink refused, by id, each with the reason. They count as attempts.

        Raises:
            SinkUnavailable: it cannot be reached, or failed; some may be confirmed.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connection, and let what the sink must still know leave first."""

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        """Learn which links there are, and the gateway's name. It is called once, before the start."""

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        """Learn that a link became ready, or is no longer."""

    def take_commands(self, carry_out: CarryOut) -> None:
        """Take commands from the broker, for links that allow some. Others ignore it."""

    def problem(self) -> str:
        """Return what keeps it from delivering, in words; empty if nothing does or nothing was tried."""
        return ""
