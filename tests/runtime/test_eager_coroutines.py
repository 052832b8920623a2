"""A coroutine that is started eagerly behaves like one that is awaited."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from tcpcomm.runtime.eager_coroutines import start_eagerly


def outcome(deferred: Deferred[Any]) -> Any:
    """Return the result of a Deferred that has fired: a value, or the exception."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    (result,) = results
    return result.value if isinstance(result, Failure) else result


def test_other_values_are_returned_unchanged() -> None:
    later: Deferred[int] = Deferred()
    assert (3, None, later) == (start_eagerly(3), start_eagerly(None), start_eagerly(later))


def test_a_coroutine_that_does_not_wait_ends_at_once() -> None:
    async def handler() -> int:
        return await succeed(3) + 1

    assert 4 == start_eagerly(handler())


def test_its_exception_is_raised_at_once() -> None:
    async def handler() -> int:
        raise KeyError("job")

    with pytest.raises(KeyError, match="job"):
        start_eagerly(handler())


def test_a_coroutine_that_waits_goes_on_from_where_it_waited() -> None:
    steps: list[Any] = []
    first: Deferred[str] = Deferred()
    second: Deferred[str] = Deferred()

    async def handler() -> str:
        steps.append("started")
        steps.append(await first)
        steps.append(await second)
        return "done"

    later = start_eagerly(handler())
    assert ["started"] == steps
    first.callback("one")
    assert ["started", "one"] == steps
    second.callback("two")
    assert ("done", ["started", "one", "two"]) == (outcome(later), steps)


def test_the_awaited_deferred_may_fail() -> None:
    first: Deferred[str] = Deferred()

    async def handler() -> str:
        try:
            await first
        except ValueError as error:
            return f"caught {error}"
        return "not reached"

    later = start_eagerly(handler())
    first.errback(ValueError("no light"))
    assert "caught no light" == outcome(later)


def test_an_exception_after_a_wait_fails_the_deferred() -> None:
    first: Deferred[str] = Deferred()

    async def handler() -> str:
        raise ValueError(await first)

    later = start_eagerly(handler())
    first.callback("no light")
    assert ("no light",) == outcome(later).args


def test_it_can_be_cancelled_while_it_waits() -> None:
    cleaned_up: list[str] = []
    first: Deferred[str] = Deferred()

    async def handler() -> str:
        try:
            return await first
        finally:
            cleaned_up.append("yes")

    later = start_eagerly(handler())
    later.cancel()
    assert (CancelledError, ["yes"]) == (type(outcome(later)), cleaned_up)
