"""Connect to a machine by its name: :class:`NamedEndpoint`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.net.names import Addresses, NameNotFound, Names

RESOLVE_TIMEOUT: Final = 10.0
"""
Seconds for a lookup without a link, which has ``Policy.resolve_timeout``. Then the attempt to connect
fails.
"""

ATTEMPT_DELAY: Final = 0.25
"""
Seconds for the first address of a name, or less if the attempt of the link is shorter. Then the next
address is tried beside it, as RFC 8305 recommends.
"""


@implementer(IStreamClientEndpoint)
class NamedEndpoint:
    """
    A client endpoint of a machine that is known by name. It tries all addresses of that name.

    Args:
        name: the name.
        at: makes the endpoint for one address.
        names: looks the name up.
        clock: the reactor, or a test's clock.
    """

    def __init__(
        self, name: str, at: Callable[[str], IStreamClientEndpoint], *, names: Names, clock: IReactorTime
    ) -> None:
        self.name = name
        self.names = names
        self._at = at
        self._clock = clock
        self._last: str | None = None  # the address that was connected last

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        def too_long(_: object, seconds: float) -> None:
            raise NameNotFound(f"the name {self.name} did not resolve within {seconds:g} s")

        lookup = self.names.resolve(self.name)
        lookup.addTimeout(RESOLVE_TIMEOUT, self._clock, onTimeoutCancel=too_long)
        return lookup.addCallback(self.connect_to, protocolFactory)

    def connect_to(
        self, addresses: Addresses, factory: Any, *, within: float | None = None
    ) -> Deferred[Any]:
        """
        Connect to the first of these addresses that answers.

        Args:
            addresses: the addresses, best first; but the one that was connected last is tried first.
            factory: builds the protocol.
            within: seconds in which each of them should have been tried; None: as RFC 8305 recommends.
        """
        ordered = sorted(addresses, key=lambda address: address != self._last)
        if len(ordered) == 1:
            return self._at(ordered[0]).connect(factory)
        delay = ATTEMPT_DELAY if within is None else min(ATTEMPT_DELAY, within / len(ordered))
        race = _Race(self._clock, [(each, self._at(each)) for each in ordered], factory, delay)
        race.begin_next()
        return race.result.addCallback(self._connected)

    def _connected(self, won: tuple[str, Any]) -> Any:
        self._last, protocol = won
        return protocol

    def __repr__(self) -> str:
        return f"<endpoint of {self.name}>"


class _Race:
    """
    Attempts to connect to several addresses; the first that succeeds wins.

    The next attempt begins when the last one failed, or has no result after some time.
    """

    def __init__(
        self,
        clock: IReactorTime,
        endpoints: Sequence[tuple[str, IStreamClientEndpoint]],
        factory: Any,
        delay: float,
    ) -> None:
        self.result: Deferred[tuple[str, Any]] = Deferred(lambda _: self._end())
        """Fires with the address and the protocol that won, or fails if all attempts failed."""
        self._clock = clock
        self._left = deque(endpoints)
        self._factory = factory
        self._delay = delay
        self._under_way: list[Deferred[Any]] = []
        self._next: IDelayedCall | None = None
        self._failure: Failure | None = None
        self._over = False

    def begin_next(self) -> None:
        """Begin the next attempt now."""
        self._cancel_next()
        address, endpoint = self._left.popleft()
        if self._left:
            self._next = self._clock.callLater(self._delay, self.begin_next)
        attempt = endpoint.connect(self._factory)
        self._under_way.append(attempt)
        attempt.addBoth(self._ended, address, attempt)

    def _ended(self, result: Any, address: str, attempt: Deferred[Any]) -> None:
        self._under_way.remove(attempt)
        if self._over:
            return
        if not isinstance(result, Failure):
            self._end()
            self.result.callback((address, result))
            return
        if self._failure is None or not self._failure.check(ConnectionRefusedError):
            self._failure = result  # a refusal says most, because there the machine answered
        if self._left:
            self.begin_next()
        elif not self._under_way:
            self._end()
            self.result.errback(self._failure)

    def _cancel_next(self) -> None:
        planned, self._next = self._next, None
        if planned is not None and planned.active():
            planned.cancel()

    def _end(self) -> None:
        self._over = True
        self._cancel_next()
        for attempt in list(self._under_way):
            attempt.cancel()
