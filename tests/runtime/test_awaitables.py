"""Any awaitable can be waited for as a Deferred."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tcpcomm.runtime.awaitables import as_deferred


@frozen
class Later:
    """An awaitable that is no coroutine, as a class of another library."""

    inner: Deferred[int]

    def __await__(self) -> Generator[Deferred[int], None, int]:
        return self.inner.__await__()


async def coroutine(inner: Deferred[int]) -> int:
    return await inner


def test_a_deferred_is_itself() -> None:
    later: Deferred[int] = Deferred()
    assert later is as_deferred(later)


@pytest.mark.parametrize("make", [coroutine, Later])
@pytest.mark.parametrize("outcome", [3, ValueError("no")])
def test_an_awaitable_gives_its_result_or_its_exception(make: Any, outcome: Any) -> None:
    inner: Deferred[int] = Deferred()
    found: list[Any] = []
    as_deferred(make(inner)).addBoth(found.append)
    assert [] == found
    inner.callback(Failure(outcome) if isinstance(outcome, Exception) else outcome)
    assert outcome is (found[0].value if isinstance(found[0], Failure) else found[0])


@pytest.mark.parametrize("make", [coroutine, Later])
def test_cancelling_cancels_what_it_waits_for(make: Any) -> None:
    inner: Deferred[int] = Deferred()
    later = as_deferred(make(inner))
    later.cancel()
    assert inner.called
    found: list[Any] = []
    later.addErrback(lambda failure: found.append(failure.type))
    assert [CancelledError] == found
