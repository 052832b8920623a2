"""Updates on their way from the reactor to the server's thread: :class:`PendingUpdates`."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.plant.opcua import names

MAX_OPCUA_EVENTS: Final = 1000
"""
Events that wait for the thread of the server; of values, only the newest waits. The oldest are dropped,
and the log counts them.
"""


@frozen(kw_only=True)
class NodeUpdate:
    """A new value of a variable."""

    node: str
    """The identifier of the variable."""
    value: Any = None
    """The value as JSON has it; ignored if the status is bad."""
    status: int = 0
    """A status code of OPC UA."""
    at: float
    """The time of the value, in seconds since 1970 (UTC)."""


@frozen(kw_only=True)
class PlantEvent:
    """An event of a link."""

    link: str
    name: str
    values: Mapping[str, Any] = field(factory=dict)
    """The values by path, as JSON has them."""
    at: float


class PendingUpdates:
    """
    The newest update of each variable, and the events in order. Any thread may use it.

    A variable has one update at most, because only its newest value counts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._updates: dict[str, NodeUpdate] = {}
        self._events: deque[PlantEvent] = deque()
        self._dropped = 0

    def put(self, update: NodeUpdate) -> bool:
        """Keep an update in place of an older one. Return True if nothing waited."""
        with self._lock:
            was_empty = not (self._updates or self._events)
            self._updates[update.node] = update
            return was_empty

    def put_call_problem(self, link: str, command: str, reason: str, *, code: str = "", at: float) -> bool:
        """Keep the reason why a call failed, for the clients. Return True if nothing waited."""
        node = f"{link}/{names.CALL_PROBLEM}"
        was_empty = self.put(NodeUpdate(node=node, value=f"{command}: {reason}", at=at))
        self.put(NodeUpdate(node=f"{node}/{names.PROBLEM_COMMAND}", value=command, at=at))
        self.put(NodeUpdate(node=f"{node}/{names.PROBLEM_CODE}", value=code, at=at))
        return was_empty

    def put_event(self, event: PlantEvent) -> bool:
        """Keep an event, and drop the oldest if it is one too many. Return True if nothing waited."""
        with self._lock:
            was_empty = not (self._updates or self._events)
            if len(self._events) >= MAX_OPCUA_EVENTS:
                self._events.popleft()
                self._dropped += 1
            self._events.append(event)
            return was_empty

    def take(self) -> tuple[list[NodeUpdate], list[PlantEvent], int]:
        """Return all updates and events, and the number of events that were dropped, and forget them."""
        with self._lock:
            taken = list(self._updates.values()), list(self._events), self._dropped
            self._updates, self._events, self._dropped = {}, deque(), 0
            return taken
