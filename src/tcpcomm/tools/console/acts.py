"""The actions of a user of the console, carried out in the reactor's thread: :class:`ReactorActs`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tcpcomm.tools.console.feed import Feed
from tcpcomm.tools.monitor.actions import Actions
from tcpcomm.tools.monitor.copying import Copies
from tcpcomm.tools.monitor.describe import describe


class ReactorActs:
    """
    Carries out the actions of the monitor.

    Args:
        feed: reaches the reactor's thread, in which everything is done.
        actions: the actions.
        read_only: True if nothing can be sent, closed or disturbed.
    """

    def __init__(self, feed: Feed, actions: Actions, *, read_only: bool = False) -> None:
        self._feed = feed
        self._actions = actions
        self._copies = Copies(feed.model)
        self.read_only = read_only

    async def _call(self, function: Callable[..., Any], *values: Any) -> Any:
        return await asyncio.wrap_future(self._feed.call(lambda: function(*values)))

    async def describe(self, source: str) -> dict[str, Any] | None:
        """Return the facts of the declaration of a source, or None without one."""
        found: dict[str, Any] | None = await self._call(self._facts, source)
        return found

    def _facts(self, source: str) -> dict[str, Any] | None:
        found = self._feed.model.source(source)
        return None if found is None or found.declaration is None else describe(found.declaration)

    async def command(self, source: str, name: str, values: dict[str, str]) -> dict[str, Any]:
        """Send a command. Return its outcome."""
        return dict(await self._call(self._actions.command, source, name, values, None))

    async def event(self, source: str, name: str, values: dict[str, str]) -> dict[str, Any]:
        """Send an event to all sessions of our equipment. Return its outcome."""
        return dict(await self._call(self._actions.event, source, name, values))

    async def close(self, session: int) -> None:
        """Close a session at once."""
        await self._call(self._actions.close, session)

    async def retry(self, source: str) -> None:
        """Let a link that is down connect now."""
        await self._call(self._actions.retry, source)

    async def disturb(self, source: str, text: str) -> dict[str, Any]:
        """Disturb what passes a tap. Return what it tells."""
        return dict(await self._call(self._actions.disturb, source, text))

    async def copy(self, row: int) -> str:
        """Return the command that sends a frame again."""
        return str(await self._call(self._copies.of_row, row, "shell"))
