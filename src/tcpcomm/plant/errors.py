"""The errors of an outbox, of its sinks, and of commands that a broker gives."""

from __future__ import annotations

from collections.abc import Iterable

from tcpcomm.errors import TcpcommError


class OutboxRefused(TcpcommError):
    """An outbox did not take a message: it is full, its disk is full, or it is closed. Nothing was kept."""


class SinkUnavailable(TcpcommError):
    """
    A sink cannot be reached, or did not confirm in time.

    The messages that it did not confirm are delivered again later. That costs none of their attempts.

    Attributes:
        confirmed: the ids of messages that the sink confirmed before it failed.
    """

    def __init__(self, reason: str, confirmed: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.confirmed = frozenset(confirmed)


class CommandRefused(TcpcommError):
    """A command of a broker is not carried out: it is not allowed, unknown, or has wrong arguments."""


class NotTheOwner(CommandRefused):
    """A command is for a link that another gateway owns. Nothing was done; a broker may pass it on."""
