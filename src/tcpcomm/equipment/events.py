"""
Declared events: :class:`Event` in the class, :class:`BoundEvent` in each object.

The equipment calls an event to send it. A host subscribes to an event, or waits with ``async for``.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from time import monotonic
from typing import Any, ClassVar, Concatenate, Final, Generic, ParamSpec, overload

from twisted.internet.defer import Deferred
from twisted.python.threadable import isInIOThread

from tcpcomm.equipment.messages import DeclaredEvent
from tcpcomm.errors import ConfigurationError, SessionClosed, TcpcommError
from tcpcomm.runtime.awaitables import as_deferred
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle
from tcpcomm.runtime.right_thread import asyncio_advice

P = ParamSpec("P")

MAX_WAITING_EVENTS: Final = 1000
"""
Events that wait for a slow ``async for``, or that one ``async def`` subscriber handles at once. The
subscriber misses further events, gets ``EventsLost``, and the log counts them.
"""

LOST_LOG_INTERVAL: Final = 10.0
"""
Seconds between two log lines about events that a slow subscriber misses. The second line counts those
between.
"""

SendEvent = Callable[[str, dict[str, Any], Any], None]
"""Sends an event: its name, its values, and the one session that it is for, or None for all sessions."""


class EventsLost(TcpcommError):
    """A loop over events was too slow. More than 1,000 events waited, and were dropped."""

    @classmethod
    def of(cls, event: str, lost: int) -> EventsLost:
        """Return the error for so many events of this name that the loop did not get."""
        return cls(
            f"{lost} events of {event} were dropped, because the loop is too slow: do less in it, or take "
            "only the newest event with events(latest=True)"
        )


class EventSource:
    """An object that has events: equipment, or the proxy of equipment at the host."""

    __tcpcomm_proxy__: ClassVar[bool] = False
    """True for the class of a proxy, which declares nothing of its own."""

    _declared_events: ClassVar[Mapping[str, DeclaredEvent]]
    _send_event: SendEvent | None = None


def connect_events(
    source: EventSource,
    reactor: Any,
    send: SendEvent,
    asking: Callable[[str], Any],
    only: Any = None,
) -> None:
    """
    Send the events of an object that is served through a function, which runs in the reactor's thread.

    Args:
        source: the object.
        reactor: calls the function in its thread.
        send: the function.
        asking: returns the session whose command an event is an interim reply to, or None.
        only: the one session that the object belongs to, or None if it serves all sessions.

    Raises:
        ConfigurationError: the object is already being served.
    """
    if source._send_event is not None:
        name = type(source).__name__
        raise ConfigurationError(
            f"this {name} object is already being served: pass all endpoints in one call, as in "
            "serve(..., at=[...])"
        )

    def send_in_reactor(name: str, values: dict[str, Any], session: Any) -> None:
        session = only or session or asking(name)
        if session is not None and not session.is_open:
            raise SessionClosed(f"{session.peer}: the session is over: {session.reason}")
        if isInIOThread() or not hasattr(reactor, "callFromThread"):
            send(name, values, session)
        else:
            reactor.callFromThread(send, name, values, session)

    source._send_event = send_in_reactor


class Event(Generic[P]):
    """An event of a declaration. Made by :func:`tcpcomm.event`."""

    def __init__(
        self,
        method: Callable[Concatenate[Any, P], None],
        wire: Any,
        states: tuple[Any, Any, Any, Any] = (None, None, None, None),
        codec: Any = None,
    ) -> None:
        self.method = method
        self.wire = wire
        self.states = states
        self.codec = codec
        self.name = method.__name__
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Event[P]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> BoundEvent[P]: ...

    def __get__(self, instance: Any, owner: type) -> Event[P] | BoundEvent[P]:
        if instance is None:
            return self
        bound: BoundEvent[P] = BoundEvent(instance, self.name)
        instance.__dict__[self.name] = bound  # Python finds it there from now on, and does not come here
        return bound


class BoundEvent(Generic[P]):
    """An event of one piece of equipment, or of one proxy."""

    log = BoundedLogger()

    def __init__(self, source: EventSource, name: str) -> None:
        self._source = source
        self._declared = source._declared_events[name]
        self._handlers: list[Callable[..., object]] = []
        self._unfinished: dict[int, int] = {}  # calls of asynchronous subscribers, by the subscriber's id
        self._lost = LogThrottle(LOST_LOG_INTERVAL)
        self.name = name
        self.kind: Any = self._declared.kind
        """The named tuple that ``async for`` gets."""

    @property
    def where(self) -> str:
        """The class and the name of the event, for error messages."""
        return self._declared.where

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Send the event to all sessions. It may be called from any thread.

        Raises:
            CodecError: a value is not of the declared type, or cannot be written; nothing is sent.
            ConfigurationError: this is the host's proxy, and only the equipment sends events.
        """
        self._send(self._declared.bind(args, kwargs), None)

    def to(self, session: Any, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Send the event to one session only, which :func:`tcpcomm.current_session` gave within a command.

        It raises the same errors as a call, and SessionClosed if the session is over.
        """
        self._send(self._declared.bind(args, kwargs), session)

    def subscribe(self, handler: Callable[P, object]) -> Callable[[], None]:
        """
        Call a function for each event that arrives; it may be ``async def``.

        While 1,000 calls of it have not finished, it misses events, which the log counts.

        Returns:
            A function that ends the subscription.
        """
        self._handlers.append(handler)
        return lambda: self._handlers.remove(handler) if handler in self._handlers else None

    def __aiter__(self) -> AsyncIterator[Any]:
        """Wait for one event after the other, as ``events()`` does."""
        return self.events()

    async def events(self, *, latest: bool = False) -> AsyncIterator[Any]:
        """
        Wait for one event after the other, in ``async for``. Each is a named tuple of the event's values.

        Args:
            latest: True if a slow loop wants only the newest event: older ones are dropped then.

        Raises:
            EventsLost: more than 1,000 events waited for the loop. It is raised at the next step of the
                loop, in place of the events that wait, because they are old.
        """
        arrived: deque[Any] = deque(maxlen=1 if latest else None)
        waiting: Deferred[None] | None = None
        lost = 0

        def keep(*values: Any) -> None:
            nonlocal lost
            if lost or (len(arrived) >= MAX_WAITING_EVENTS and not latest):
                lost += 1 + len(arrived)
                arrived.clear()
                return
            arrived.append(self.kind(*values))
            if waiting is not None and not waiting.called:
                waiting.callback(None)

        self._handlers.append(keep)
        try:
            while True:
                while arrived:
                    yield arrived.popleft()
                if lost:
                    raise EventsLost.of(self._declared.where, lost)
                waiting = Deferred()
                await waiting
        finally:
            self._handlers.remove(keep)

    def happened(self, values: dict[str, Any]) -> None:
        """Call the subscribers. The host calls this when the event arrives."""
        in_order = [values[name] for name in self._declared.names]
        for handler in list(self._handlers):
            if self._unfinished and self._unfinished.get(id(handler), 0) >= MAX_WAITING_EVENTS:
                self._log_lost()
                continue
            try:
                later = handler(*in_order)
            except Exception:
                self._log_failure()
            else:
                if hasattr(later, "__await__"):
                    self._await(handler, later)

    def _await(self, handler: Callable[..., object], later: Any) -> None:
        """Count a call of a subscriber until it has finished."""
        # The subscriber is kept until then, so that no other one gets its id.
        unfinished, key = self._unfinished, id(handler)

        def finished(_: object, kept: object = handler) -> None:
            unfinished[key] -= 1
            if not unfinished[key]:
                del unfinished[key]

        unfinished[key] = unfinished.get(key, 0) + 1
        as_deferred(later).addErrback(self._log_failure).addBoth(finished)

    def _log_lost(self) -> None:
        count = self._lost.count_due(monotonic())
        if count:
            self.log.error(
                "a subscriber of {event} missed {count} events: {limit} calls of it have not finished",
                event=self._declared.where,
                count=count,
                limit=MAX_WAITING_EVENTS,
            )

    def _log_failure(self, failure: Any = None) -> None:
        error = sys.exception() if failure is None else failure.value
        self.log.failure(
            "a subscriber of {event} failed{advice}",
            failure,
            event=self._declared.where,
            advice=asyncio_advice(error),
        )

    def _send(self, values: dict[str, Any], session: Any) -> None:
        if self._source.__tcpcomm_proxy__:
            raise ConfigurationError(
                f"{self._declared.where}: only the equipment sends this event; a host subscribes to it"
            )
        self._declared.encode(values)  # raises if a value does not fit, also if nobody is connected
        if self._source._send_event is not None:
            self._source._send_event(self._declared.name, values, session)
