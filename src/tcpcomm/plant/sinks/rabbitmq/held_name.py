"""One gateway for each name: :func:`hold_name` holds a queue that only one connection can have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pika.exceptions import ChannelClosedByBroker
from twisted.internet.task import deferLater

from tcpcomm.plant.sinks.rabbitmq.broker_session import BrokerSession

_GRACE_IN_SILENCES: Final = 2.0  # after it, a broker has forgotten a connection that it does not hear
_LOCKED: Final = 405
_RETRY: Final = 1.0


async def hold_name(
    session: BrokerSession,
    *,
    queue: str,
    gateway: str,
    silence: float,
    tell: Callable[[str], None],
    reactor: Any,
) -> None:
    """
    Return when this connection holds the name of the gateway.

    The broker may still hold it for the last connection of this gateway, until that one's heartbeat ends.

    Args:
        session: the connection.
        queue: the name of the exclusive queue.
        gateway: the name of the gateway.
        silence: the seconds without a word after which the broker is taken for dead.
        tell: is called with the problem in words.
        reactor: runs the timers.
    """
    began = reactor.seconds()
    while True:
        channel = await session.channel()
        try:
            await channel.queue_declare(queue, exclusive=True, auto_delete=True)
            tell("")
            return
        except ChannelClosedByBroker as error:
            if error.reply_code != _LOCKED:
                raise
        if reactor.seconds() - began >= silence * _GRACE_IN_SILENCES:
            tell(f"another gateway is called {gateway}: give each its own name")
        else:
            tell(f"the broker still holds the name {gateway}, perhaps for our last connection")
        await deferLater(reactor, _RETRY)
