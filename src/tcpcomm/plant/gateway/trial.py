"""Try each link, sink and port of a plan once: :func:`try_all`, for ``tcpcomm check --connect``."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Iterator
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
"""Links that ``tcpcomm check --connect`` tries at the same time. The others wait for their turn."""


@frozen
class Trial:
    """The outcome of one trial."""

    name: str
    what: str
    """``link``, ``sink``, ``metrics`` or ``OPC UA``."""
    seconds: float
    problem: str = ""
    """The reason why it cannot be used; empty if it can."""

    def __str__(self) -> str:
        told = f"not ready: {self.problem}" if self.problem else f"ready in {self.seconds:.2f} s"
        return f"{self.what} {self.name}: {told}"


async def try_all(plan: Plan, deadline: float, reactor: Any) -> list[Trial]:
    """
    Connect to each device and each sink of a plan once, and close the connection again.

    No command is sent and no message is delivered. The steps of a login and of an opening are done. The
    ports of the metrics and of the OPC UA server are opened for a moment.

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
    return [*found, *_try_ports(plan)]


def _try_ports(plan: Plan) -> Iterator[Trial]:
    """Listen at each port of this machine that the gateway will open, and close it again."""
    if plan.metrics is not None:
        from tcpcomm.plant.metrics.web_service import split_place  # noqa: PLC0415 - few plants need it

        host, port = split_place(plan.metrics)
        yield Trial(plan.metrics, "metrics", 0.0, port_problem(host, port))
    if plan.opcua is not None:
        options = plan.opcua
        yield Trial(options.endpoint, "OPC UA", 0.0, port_problem(options.host, options.port))


def port_problem(host: str, port: int) -> str:
    """Return the reason why a port of this machine cannot be opened; empty if it can."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = places[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        again = ": does the gateway run already?" if error.errno == errno.EADDRINUSE else ""
        return f"cannot listen there: {error.strerror or error}{again}"
    return ""


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
