"""
Handlers that may wait, at the cost of those that do not: :func:`start_eagerly`.

``Deferred.fromCoroutine`` makes a Deferred and an inlineCallbacks machine for every coroutine, and most
handlers of commands never wait. So a coroutine is stepped once by hand; only if it waits is a Deferred
made for the rest of it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import CoroutineType
from types import coroutine as generator_based
from typing import Any

from twisted.internet.defer import Deferred

__all__ = ["start_eagerly"]


def start_eagerly(result: Any) -> Any:
    """
    What a handler returned, as far as it is known now.

    Args:
        result: whatever the handler returned.

    Returns:
        The value, or a Deferred of it if the handler waits for something. An exception of a coroutine that
        does not wait is raised here.
    """
    if type(result) is not CoroutineType:
        return result
    try:
        waits_for = result.send(None)
    except StopIteration as done:
        return done.value
    return Deferred.fromCoroutine(_the_rest(result, waits_for))


@generator_based
def _the_rest(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that has been stepped once and waits."""
    while True:
        go_on: Callable[[], Any]
        try:
            value = yield waits_for
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            go_on = partial(coroutine.throw, error)
        else:
            go_on = partial(coroutine.send, value)
        try:
            waits_for = go_on()
        except StopIteration as done:
            return done.value
