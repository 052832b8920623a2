"""Try each link and each sink of a plan once: :func:`try_all`, for ``tcpcomm check --connect``."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredSemaphore, TimeoutError, gatherResults, maybeDeferred

from tcpcomm.errors import ConfigurationError, NotReady
from tcpcomm.host.link import HostLink
from tcpcomm.host.options import HostOptions
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.gateway.plan import Plan, PlannedLink
from tcpcomm.plant.sink import Sink

TRIED_AT_ONCE: Final = 50
"""The most links that are tried at the same time."""


@frozen
class Trial:
    """The outcome of one trial."""

    name: str
    what: str
    """``link`` or ``sink``."""
    seconds: float
    problem: str = ""
    """The reason why it cannot be used; empty if it can."""

    def __str__(self) -> str:
        told = f"not ready: {self.problem}" if self.problem else f"ready in {self.seconds:.2f} s"
        return f"{self.what} {self.name}: {told}"


async def try_all(plan: Plan, deadline: float, reactor: Any) -> list[Trial]:
    """
    Connect to each device and each sink of a plan once, and close the connection again.

    No command is sent and no message is delivered. The steps of a login and of an opening are done.

    Args:
        plan: the plan.
        deadline: the seconds that each may take.
        reactor: the reactor, or a test's clock.
    """
    free = DeferredSemaphore(TRIED_AT_ONCE)
    trials = [free.run(_try_link, each, deadline, reactor) for each in plan.links.values()]
    for name, sink in plan.sinks.items():
        trials.append(Deferred.fromCoroutine(_try_sink(name, sink, deadline, reactor)))
    found: list[Trial] = await gatherResults(trials)
    return found


async def _try_link(planned: PlannedLink, deadline: float, reactor: Any) -> Trial:
    began = reactor.seconds()
    link = HostLink(planned.declaration, HostOptions(**planned.options))
    link.engine.name = f"{planned.name} ({planned.place})"
    link.header.update(planned.header)
    problem = ""
    reasons: list[str] = []
    link.observe(lambda state, reason: reasons.append(reason))
    link.startService()
    try:
        await link.whenReady().addTimeout(deadline, reactor)
    except (TimeoutError, NotReady) as error:
        refused = link.login_refused
        last = str(refused) if refused is not None else (reasons or [str(error)])[-1]
        problem = f"{link.state.value} after {deadline:g} s: {last}"
    seconds = reactor.seconds() - began
    await maybeDeferred(link.stopService)
    return Trial(planned.name, "link", seconds, problem)


async def _try_sink(name: str, sink: Sink, deadline: float, reactor: Any) -> Trial:
    began = reactor.seconds()
    problem = ""
    try:
        connection = sink.open(name, reactor)
    except ConfigurationError as error:
        return Trial(name, "sink", 0.0, str(error))
    try:
        await Deferred.fromCoroutine(_awaited(connection.deliver(()))).addTimeout(deadline, reactor)
    except TimeoutError:
        problem = connection.problem() or f"no answer within {deadline:g} s"
    except SinkUnavailable as error:
        problem = str(error)
    seconds = reactor.seconds() - began
    await connection.close()
    return Trial(name, "sink", seconds, problem)


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result
