"""
Coroutines that start at once: :func:`start_eagerly`.

Most command handlers never wait, and then need no Deferred, as ``Deferred.fromCoroutine`` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import CoroutineType
from types import coroutine as generator_based
from typing import Any

from twisted.internet.defer import Deferred


def start_eagerly(result: Any) -> Any:
    """
    Run a coroutine until it waits or ends; return anything else unchanged.

    Returns:
        The value, or a Deferred of it if the coroutine waits. If the coroutine raises before it waits, the
        exception is raised here.
    """
    if type(result) is not CoroutineType:
        return result
    try:
        awaited = result.send(None)
    except StopIteration as done:
        return done.value
    return go_on(result, awaited)


def go_on(coroutine: Coroutine[Any, Any, Any], awaited: Any) -> Deferred[Any]:
    """Return the Deferred of a coroutine that has started and waits for ``awaited``."""
    return Deferred.fromCoroutine(_finish(coroutine, awaited))


@generator_based
def _finish(coroutine: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Run the rest of a coroutine that has started and waits for ``awaited``."""
    while True:
        resume: Callable[[], Any]
        try:
            value = yield awaited
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as error:
            resume = partial(coroutine.throw, error)
        else:
            resume = partial(coroutine.send, value)
        try:
            awaited = resume()
        except StopIteration as done:
            return done.value
