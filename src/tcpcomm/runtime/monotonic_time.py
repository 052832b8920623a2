"""The reactor on monotonic time: :func:`the_reactor`, by which tcpcomm takes every reactor and clock."""

from __future__ import annotations

import time
from typing import Any


def the_reactor(given: Any = None) -> Any:
    """
    Return the given reactor or, if it is None, the global reactor, and put it on monotonic time.

    A test's clock is returned as it is.

    Args:
        given: the reactor, a view of it, or a test's clock.
    """
    if given is None:
        from twisted.internet import reactor as given  # noqa: PLC0415 - never at import time
    use_monotonic_time(given)
    return given


def use_monotonic_time(reactor: Any) -> None:
    """
    Count the timers of a reactor by the monotonic clock, which nobody can set.

    Twisted's reactors count by :func:`time.time`. If that is set back, by NTP or by hand, no timer fires
    until it has caught up. If it is set forward, all timers fire at once.

    This holds for all timers of the reactor, also for those of the rest of the program, because Twisted has
    one clock for a reactor. ``reactor.seconds()`` goes on from the same value, so that waiting timers stay
    right. From then on it does not follow the wall clock when that is set.

    Nothing happens if the reactor is a test's clock, or if it has another clock than :func:`time.time`.

    Args:
        reactor: a reactor, or a view of it that forwards its methods.
    """
    from twisted.internet.base import ReactorBase  # noqa: PLC0415 - it is there if there is a reactor

    method = getattr(reactor, "callLater", None)
    reactor = getattr(method, "__self__", None)  # of a view, this is the reactor itself
    if not isinstance(reactor, ReactorBase) or reactor.seconds not in (ReactorBase.seconds, time.time):
        return
    monotonic = time.monotonic
    ahead = reactor.seconds() - monotonic()

    def seconds() -> float:
        """Return the seconds by the monotonic clock, which goes on from the wall clock's."""
        return ahead + monotonic()

    reactor.seconds = seconds
    for call in reactor.getDelayedCalls():
        call.seconds = seconds  # type: ignore[attr-defined] # reset() counts by it
