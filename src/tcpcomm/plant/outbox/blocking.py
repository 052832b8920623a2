"""The outbox for plain scripts, without ``await``: :class:`BlockingOutbox`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from tcpcomm.host.reactor_thread import at_the_end, call_in_reactor
from tcpcomm.plant.outbox.figures import OutboxFigures
from tcpcomm.plant.outbox.outbox import OUTBOX_MESSAGES, OUTBOX_MIB, Outbox
from tcpcomm.plant.sink import Sink


class BlockingOutbox:
    """
    An :class:`Outbox` for plain scripts: its methods wait, and may be called from any thread.

    Messages are delivered in the background, in the thread of ``tcpcomm.blocking``. It is a context
    manager, which closes the outbox; the end of the program closes it, too.

    Args:
        path: the file, such as ``results.outbox``. One program at a time may use it.
        sinks: the sinks by name.
        max_mib: MiB of the file beyond which posts are refused.
        max_messages: messages beyond which posts are refused.

    Raises:
        ConfigurationError: as :class:`Outbox`; or this is the reactor's thread.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sinks: Mapping[str, Sink],
        *,
        max_mib: float = OUTBOX_MIB,
        max_messages: int = OUTBOX_MESSAGES,
    ) -> None:
        def start() -> Outbox:
            outbox = Outbox(path, sinks, max_mib=max_mib, max_messages=max_messages)
            outbox.startService()
            at_the_end(outbox.stopService)
            return outbox

        self._outbox: Outbox = call_in_reactor(start)

    def post(
        self,
        content: Any,
        *,
        to: str | Iterable[str],
        topic: str = "",
        source: str = "",
        expires_in: float | None = None,
    ) -> str:
        """
        Store a message, as :meth:`Outbox.post` does. Return its id when it is on the disk.

        Raises:
            OutboxRefused: nothing was kept: the outbox is full, its disk is full, or it is closed.
            ConfigurationError: a sink is unknown, or the content is no value for JSON.
        """
        found: str = call_in_reactor(
            lambda: self._outbox.post(content, to=to, topic=topic, source=source, expires_in=expires_in)
        )
        return found

    def figures(self) -> OutboxFigures:
        """Return the figures, as they were after the last commit."""
        found: OutboxFigures = call_in_reactor(self._outbox.figures)
        return found

    def close(self) -> None:
        """Store what waits, stop delivering, and close the sinks and the file."""
        call_in_reactor(self._outbox.stopService)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
