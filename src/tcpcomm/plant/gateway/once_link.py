"""A link as polls use it: :class:`OnceLink` asks each command once."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from tcpcomm.conversation.proxy import HostProxy
from tcpcomm.conversation.requester import Requester
from tcpcomm.equipment.messages import Command
from tcpcomm.host.link import HostLink


class OnceLink:
    """
    Asks commands on a link, without the repetitions that the link has for idempotent commands.

    The next poll comes anyway. A repetition would only make a poll longer than its deadline.

    Args:
        link: the link.
        clock: the reactor, or a test's clock.
    """

    retries = 0

    def __init__(self, link: HostLink, clock: Any) -> None:
        self._link = link
        self.host_proxy = HostProxy(link.declaration, self, clock.seconds)
        """The commands and methods of the device."""

    @property
    def requester(self) -> Requester | None:
        """Asks on the session; None while the link is not ready."""
        return self._link.requester

    @property
    def header(self) -> dict[str, Any]:
        """The values in the headers of all commands of the link."""
        return self._link.header

    def ask_when_ready(self, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        once = evolve(command, idempotent=False) if command.idempotent else command
        return self._link.ask_when_ready(once, values)

    def ask_again(self, failure: Failure, command: Command, values: dict[str, Any]) -> Deferred[Any]:
        return fail(failure)
