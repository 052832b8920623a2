"""The gateway as a service: :class:`Gateway`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, Self

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, TimeoutError, inlineCallbacks, maybeDeferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from tcpcomm.plant.gateway.broker_commands import CommandDesk
from tcpcomm.plant.gateway.configuration.plant_file import plan_of, read_plant
from tcpcomm.plant.gateway.configuration.settings import PlantSettings
from tcpcomm.plant.gateway.gateway_link import GatewayLink
from tcpcomm.plant.gateway.link_switch import LinkSwitch
from tcpcomm.plant.gateway.ownership import Ownership
from tcpcomm.plant.gateway.plan import OPCUA, Plan
from tcpcomm.plant.gateway.posting import ReportPoster
from tcpcomm.plant.opcua.service import OpcUaServer
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.session.observer import SessionObserver

STORED_WITHIN: Final = 10.0
"""Seconds at the end for the last reports to be stored. Then they are given up, and the log says so."""


GATHER: Final = 0.02
"""Seconds that a report waits for others. Then they share a commit of the outbox."""


_NAMES_SHOWN: Final = 8  # in a log line
_TELL_AFTER: Final = 1.0  # seconds in which several links may come and go


class Gateway(Service):
    """
    Runs the links of a plant, and gives what they bring to sinks, through an outbox.

    It starts with the outbox, and then its links. It stops in the opposite order: the links drain, the
    outbox stores what they brought, the sinks close.

    Args:
        plan: the configuration: a plan that :func:`read_plant` returned, or settings.
        reactor: the reactor, or a test's clock; None: the global reactor.
        observers: watch the sessions of all links.
        outbox: takes the reports, in place of the one that the plan describes.
        ownership: shares the links with other gateways, in place of the one that the plan describes.
        random: the source of the jitter, for tests.
        wall: returns the time of day, for the reports.

    Raises:
        PlantMistakes: the settings have mistakes.
        ConfigurationError: the outbox cannot be used, for example because another gateway has it open.
    """

    log = BoundedLogger()

    def __init__(
        self,
        plan: Plan | PlantSettings,
        *,
        reactor: Any = None,
        observers: Iterable[SessionObserver] = (),
        outbox: Any = None,
        ownership: Ownership | None = None,
        random: Random | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.reactor = reactor = the_reactor(reactor)
        self.plan = plan if isinstance(plan, Plan) else plan_of(plan, reactor=reactor)
        plan = self.plan
        self.outbox = self._outbox() if outbox is None else outbox
        """Keeps the reports until their sinks have confirmed them."""
        self.opcua = None if plan.opcua is None else OpcUaServer(options=plan.opcua, reactor=reactor)
        """Shows values, events and states to OPC UA clients, or None."""
        watch = {} if self.opcua is None else {"watch": self.opcua.report}
        self.poster = ReportPoster(self.outbox, reactor.seconds, **watch)
        """Gives the reports to the outbox, and counts those that it refused."""
        observers = tuple(observers)
        random = random or Random()
        self.links = {
            name: GatewayLink(
                each,
                self.poster,
                clock=reactor,
                wall=wall,
                random=random,
                observers=observers,
                changed=self._link_changed,
                is_ours=partial(self._is_ours, name),
            )
            for name, each in plan.links.items()
        }
        """The links by name."""
        self.commands = CommandDesk(self.links, reactor)
        """Carries out the commands of brokers."""
        if ownership is None and plan.standby is not None:
            ownership = self._rabbit_ownership(plan.standby)
        self.ownership = ownership
        """Shares the links with other gateways; None: all links are ours."""
        self._telling: IDelayedCall | None = None
        self._is_stopped = False
        self._describe()

    @classmethod
    def from_file(cls, path: str | Path, *, reactor: Any = None, **options: Any) -> Self:
        """
        Make the gateway of a ``plant.toml``.

        Args:
            path: the file.
            reactor: the reactor, or a test's clock; None: the global reactor.
            options: other arguments of the class.

        Raises:
            PlantMistakes: the file has mistakes; the error tells all of them.
            ConfigurationError: the outbox cannot be used.
        """
        return cls(read_plant(path, reactor=reactor), reactor=reactor, **options)

    def problem(self) -> str:
        """Return what keeps the gateway from its work, in words; empty if nothing does."""
        owner = "" if self.ownership is None else self.ownership.problem()
        return self.poster.problem or str(self.outbox.figures().problem) or owner

    def poll_counts(self) -> Iterator[tuple[str, str, Mapping[str, int]]]:
        """Yield the link, the name and the outcomes of each poll: done, failed, late, not_ready."""
        for name, link in self.links.items():
            for each in link.pollers:
                yield name, each.planned.name, each.counts()

    def poll_problems(self) -> Iterator[tuple[str, str]]:
        """Yield each poll that fails now, as ``LINK/POLL``, with the reason."""
        for name, link in self.links.items():
            for each in link.pollers:
                if each.outcomes.problem:
                    yield f"{name}/{each.planned.name}", each.outcomes.problem

    def startService(self) -> None:
        """Start the outbox, then the links, or those that this gateway owns."""
        super().startService()  # type: ignore[no-untyped-call]
        self.outbox.startService()
        if self.opcua is not None:
            self.opcua.startService()
        plan = self.plan
        polls = sum(len(each.polls) for each in plan.links.values())
        self.log.info(
            "gateway {name} runs: links: {links}, polls: {polls} ({rate:.1f} a second), sinks: {sinks}",
            name=plan.name,
            links=len(plan.links),
            polls=polls,
            rate=plan.polls_per_second,
            sinks=", ".join(plan.sinks),
        )
        if self.ownership is None:
            for each in self.links.values():
                each.startService()
        else:
            self._stand_by(self.ownership)

    @inlineCallbacks
    def stopService(self) -> Any:
        """
        Stop in order. Return a Deferred that fires when all is closed.

        Reports that the outbox could not deliver stay in its file. A gateway that was stopped cannot be
        started again: make a new one.
        """
        if self._is_stopped:
            return
        self._is_stopped = True
        super().stopService()  # type: ignore[no-untyped-call]
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        yield DeferredList([each.stopService() for each in self.links.values()], consumeErrors=True)
        if self.ownership is not None:
            yield Deferred.fromCoroutine(self.ownership.stop()).addErrback(self._log_stop)
        yield self.poster.when_idle().addTimeout(STORED_WITHIN, self.reactor).addErrback(self._log_stop)
        if self.opcua is not None:
            yield self.opcua.stopService()
        yield maybeDeferred(self.outbox.stopService)
        self.log.info("gateway {name}: stopped", name=self.plan.name)

    def abort(self) -> None:
        """Drop all connections at once."""
        for each in self.links.values():
            each.link.engine.drop("the gateway got a second signal to stop")

    def _outbox(self) -> Any:
        from tcpcomm.plant.outbox.outbox import Outbox  # noqa: PLC0415 - a test brings its own

        plan = self.plan
        return Outbox(
            plan.outbox,
            plan.sinks,
            max_mib=plan.max_mib,
            max_messages=plan.max_messages,
            gather=GATHER,
            reactor=self.reactor,
        )

    def _describe(self) -> None:
        """Tell the sinks what they will get, and let them take commands."""
        if self.opcua is not None:
            descriptions = [each.description(None) for each in self.plan.links.values()]
            self.opcua.describe(descriptions, self.plan.plant)
            self.opcua.take_commands(self.commands.for_sink(OPCUA))
        for name, connection in self.outbox.connections.items():
            descriptions = [each.description(name) for each in self.plan.links.values()]
            connection.describe(descriptions, self.plan.name)
            connection.take_commands(self.commands.for_sink(name))

    def _link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        if self.opcua is not None:
            self.opcua.link_changed(link, is_ready, reason)
        for connection in self.outbox.connections.values():
            try:
                connection.link_changed(link, is_ready, reason)
            except Exception:
                self.log.failure("a sink failed at the state of {link}", link=link)

    def _rabbit_ownership(self, sink: str) -> Ownership:
        """Return the ownership of links by the broker of a sink."""
        from tcpcomm.plant.sinks.rabbitmq.ownership import RabbitOwnership  # noqa: PLC0415 - needs pika

        plan = self.plan
        found: Any = plan.sinks[sink]
        return RabbitOwnership(found, plan.plant, plan.name, self.reactor)

    def _is_ours(self, link: str) -> bool:
        return self.ownership is None or self.ownership.owns(link)

    def _stand_by(self, ownership: Ownership) -> None:
        """Claim each link. The ownership says which of them run here."""
        for name, link in self.links.items():
            switch = LinkSwitch(link)
            ownership.claim(name, partial(self._gained, name, switch), partial(self._lost, name, switch))
        ownership.start()
        self._tell_shares_soon()

    def _gained(self, link: str, switch: LinkSwitch) -> None:
        if self.running:
            self.log.info("{link}: this gateway has the link now", link=link)
            switch.on()
            self._tell_shares_soon()

    def _lost(self, link: str, switch: LinkSwitch, reason: str) -> None:
        if self.running:
            self.log.warn("{link}: this gateway lost the link: {reason}", link=link, reason=reason)
            self._tell_shares_soon()
        switch.off()

    def _tell_shares_soon(self) -> None:
        """Log which links this gateway has, when the changes of this moment are done."""
        if self._telling is None:
            self._telling = self.reactor.callLater(_TELL_AFTER, self._tell_shares)

    def _tell_shares(self) -> None:
        self._telling = None
        owned = [name for name in self.links if self._is_ours(name)]
        more = f" and {len(owned) - _NAMES_SHOWN} more" if len(owned) > _NAMES_SHOWN else ""
        self.log.info(
            "gateway {name} has {owned} of {links} links ({shown}), and stands by for {others}",
            name=self.plan.name,
            owned=len(owned),
            links=len(self.links),
            shown=f"{', '.join(owned[:_NAMES_SHOWN]) or 'none'}{more}",
            others=len(self.links) - len(owned),
        )

    def _log_stop(self, failure: Failure) -> None:
        if failure.check(TimeoutError):
            text = "reports wait for the disk after {seconds:g} s: they are lost"
            self.log.error(text, seconds=STORED_WITHIN)
        else:
            self.log.failure("the ownership of links failed to stop", failure)
