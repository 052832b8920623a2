"""
Declared events: :class:`Event` in the class, :class:`BoundEvent` in each object.

At the equipment an event is told by calling it; at the host it is heard by subscribing to it, or by
``async for``.
"""

from __future__ import annotations

from collections import deque, namedtuple
from collections.abc import AsyncIterator, Callable
from typing import Any, Concatenate, Final, Generic, ParamSpec, overload

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tcpcomm.errors import ConfigurationError, TcpcommError

__all__ = ["BoundEvent", "Event", "EventsLost"]

P = ParamSpec("P")

MAX_UNHEARD: Final = 1000
"""Events that wait for a slow ``async for``."""


class EventsLost(TcpcommError):
    """An ``async for`` was too slow: so many events came in between that some had to be dropped."""


class Event(Generic[P]):
    """
    An event of a declaration. Made by :func:`tcpcomm.event`.

    Args:
        method: the decorated method.
        wire: what the codec is to make of it.
    """

    def __init__(self, method: Callable[Concatenate[Any, P], None], wire: Any) -> None:
        self.method = method
        self.wire = wire
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
        instance.__dict__[self.name] = bound  # found there from now on, without coming here
        return bound


class BoundEvent(Generic[P]):
    """
    An event of one piece of equipment, or of one proxy.

    Args:
        owner: the equipment or proxy.
        name: the event's name.
    """

    log = Logger()

    def __init__(self, owner: Any, name: str) -> None:
        self._owner = owner
        self._declared = owner._declaration.events[name]
        self._handlers: list[Callable[..., object]] = []
        self.name = name
        self.kind: Any = namedtuple(name, self._declared.names)  # type: ignore[misc]
        """What a loop gets, a named tuple: it may unpack the values, or name them."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Tell all sessions that it happened. It may be called from any thread.

        Raises:
            CodecError: a value is not of the declared type, or cannot be written; nobody is told.
            ConfigurationError: this is the host's proxy, and only the equipment tells events.
        """
        self._tell(self._declared.bind(args, kwargs), None)

    def to(self, session: Any, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Tell one session only: what :func:`tcpcomm.current_session` gave within a command.

        Raises:
            CodecError: as above.
            ConfigurationError: as above.
        """
        self._tell(self._declared.bind(args, kwargs), session)

    def subscribe(self, handler: Callable[P, object]) -> Callable[[], None]:
        """
        Have a function called whenever it happens; it may be ``async def``.

        Returns:
            What ends that.
        """
        self._handlers.append(handler)
        return lambda: self._handlers.remove(handler) if handler in self._handlers else None

    async def __aiter__(self) -> AsyncIterator[Any]:
        """
        Wait for one after the other, each as a named tuple of the event's values.

        Raises:
            EventsLost: the loop was so slow that some had to be dropped.
        """
        unheard: deque[Any] = deque()
        waiting: Deferred[None] | None = None
        lost = 0

        def happened(*values: Any) -> None:
            nonlocal lost
            if len(unheard) >= MAX_UNHEARD:
                lost += 1
                return
            unheard.append(self.kind(*values))
            if waiting is not None and not waiting.called:
                waiting.callback(None)

        self._handlers.append(happened)
        try:
            while True:
                while unheard:
                    yield unheard.popleft()
                if lost:
                    raise EventsLost(f"{lost} of {self._declared.where} were dropped: the loop is too slow")
                waiting = Deferred()
                await waiting
        finally:
            self._handlers.remove(happened)

    def happened(self, values: dict[str, Any]) -> None:
        """Call the subscribers. Called by the host when the event arrives."""
        in_order = [values[name] for name in self._declared.names]
        for handler in list(self._handlers):
            try:
                later = handler(*in_order)
                if hasattr(later, "__await__"):
                    Deferred.fromCoroutine(_awaited(later)).addErrback(self._failed)
            except Exception:
                self.log.failure("a subscriber of {event} failed", event=self._declared.where)

    def _failed(self, failure: Any) -> None:
        self.log.failure("a subscriber of {event} failed", failure, event=self._declared.where)

    def _tell(self, values: dict[str, Any], session: Any) -> None:
        if getattr(self._owner, "_is_proxy", False):
            raise ConfigurationError(
                f"{self._declared.where} is told by the equipment; a host subscribes to it"
            )
        self._declared.check(values)
        if self._owner._tell is not None:
            self._owner._tell(self._declared.name, values, session)


async def _awaited(later: Any) -> Any:
    return await later
