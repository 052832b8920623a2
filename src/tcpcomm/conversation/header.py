"""
Values that headers carry: :class:`SessionHeader` and :class:`ProxyHeader`, and :func:`values_for_handler`.

A command sends the values of the proxy by which it was asked, else those that were set for the link, else
those that an earlier reply of the session gave, else the defaults of the declaration.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from typing import Any

from attrs import evolve, field, frozen

from tcpcomm.codec.base import Dialect, ReplyReader
from tcpcomm.codec.binary.variables import event_values_of
from tcpcomm.equipment.messages import Command
from tcpcomm.session.protocol import FrameProtocol


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


class _HandlerValues(ChainMap[str, Any]):
    """The values of a request. One that its handler sets is also set for the events of the session."""

    def __init__(self, values: dict[str, Any], of_events: ChainMap[str, Any]) -> None:
        super().__init__(values)
        self._of_events = of_events

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._of_events[name] = value


def values_for_handler(
    dialect: Dialect, session: FrameProtocol, header: dict[str, Any] | None
) -> MutableMapping[str, Any]:
    """Return the values of a request for its handler, and note them for the events of the session."""
    if not dialect.event_values:
        return {} if header is None else header
    of_events = event_values_of(session)
    if header is not None:
        of_events.maps[1] = header
    return _HandlerValues({} if header is None else header, of_events)
