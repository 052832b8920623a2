"""
Values that headers carry, at the side that asks: :class:`SessionHeader` and :class:`ProxyHeader`.

A command sends the values of the proxy by which it was asked, else those that were set for the link, else
those that an earlier reply of the session gave, else the defaults of the declaration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from tcpcomm.codec.base import Dialect, ReplyReader
from tcpcomm.equipment.messages import Command


@frozen
class SessionHeader:
    """
    The values of one session.

    Attributes:
        link: those that were set for all sessions of the link.
        learned: those that replies of this session gave.
    """

    link: dict[str, Any]
    learned: dict[str, Any] = field(factory=dict)

    def ask(
        self, dialect: Dialect, command: Command, values: Mapping[str, Any], id: int
    ) -> tuple[bytes, ReplyReader | None]:
        """Return the frame that asks a command, and the reader of its reply. Raises CodecError."""
        header = {**self.link, **command.header} if command.header else self.link
        return dialect.ask(command.name, values, id, header, self.learned)


@frozen
class ProxyHeader:
    """The values of one proxy, which its commands carry."""

    values: dict[str, Any]
    _commands: dict[str, Command] = field(factory=dict, init=False)

    def on(self, command: Command) -> Command:
        """Return a command with these values."""
        if not self.values:
            return command
        found = self._commands.get(command.name)
        if found is None:
            found = self._commands[command.name] = evolve(command, header=self.values)
        return found
