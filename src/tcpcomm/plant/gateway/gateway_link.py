"""One link of a gateway, with its polls, events and states: :class:`GatewayLink`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IDelayedCall

from tcpcomm.host.link import HostLink
from tcpcomm.host.options import HostOptions
from tcpcomm.link.states import LinkState
from tcpcomm.plant.gateway.plan import PlannedLink, Route
from tcpcomm.plant.gateway.polling import Poller
from tcpcomm.plant.gateway.posting import ReportPoster
from tcpcomm.plant.report import EVENT, STATE, Report
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.session.observer import SessionObserver

FIRST_STATE_AFTER: Final = 5.0
"""Seconds after the start for which a link is not ready. Then it is reported as down, once."""

READY: Final = "ready"
DOWN: Final = "down"
"""The states of a link in reports."""

_USABLE: Final = (LinkState.READY, LinkState.SUSPECT)

LinkChanged = Callable[[str, bool, str], None]
"""Called with the name of a link, True if it is ready, and the reason."""


class GatewayLink(Service):
    """
    A link of a gateway. It runs while it is started, and may be started again.

    Args:
        planned: its part of the plan.
        poster: takes the reports.
        clock: the reactor, or a test's clock.
        wall: returns the time of day, for the reports.
        random: the source of the jitter.
        observers: watch its sessions.
        changed: called when the link becomes ready, and when it is not ready any more.
        is_ours: returns True while no other gateway may use the link.
    """

    log = BoundedLogger()

    def __init__(
        self,
        planned: PlannedLink,
        poster: ReportPoster,
        *,
        clock: Any,
        wall: Callable[[], float],
        random: Random,
        observers: Iterable[SessionObserver] = (),
        changed: LinkChanged = lambda link, is_ready, reason: None,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self.planned = planned
        self.setName(planned.name)  # type: ignore[no-untyped-call]
        self._poster = poster
        self._clock = clock
        self._wall = wall
        self._changed = changed
        self.is_ours = is_ours
        """Returns True while no other gateway may use the link."""
        options = HostOptions(**planned.options, observers=tuple(observers), random=random)
        self.link = HostLink(planned.declaration, options)
        """The supervised link. Its host_proxy.proxy has the commands of the device."""
        self.link.setName(planned.name)  # type: ignore[no-untyped-call] # observers name it by that
        self.link.header.update(planned.header)
        self.link.engine.name = f"{planned.name} ({planned.place})"
        self.pollers = [
            Poller(
                planned.name,
                self.link,
                each,
                poster,
                clock=clock,
                wall=wall,
                random=random,
                may_poll=is_ours,
            )
            for each in planned.polls
        ]
        self._told: str | None = None
        self._first_state: IDelayedCall | None = None
        self.events = 0
        """The events that were forwarded."""
        for name, route in planned.events.items():
            event = getattr(self.link.host_proxy.proxy, name)
            event.subscribe(partial(self._happened, name, route))
        self.link.observe(self._state_changed)

    @property
    def is_ready(self) -> bool:
        """True if commands can be sent."""
        return self.link.requester is not None

    def startService(self) -> None:
        """Connect, and begin to poll."""
        super().startService()  # type: ignore[no-untyped-call]
        self._told = None
        self._first_state = self._clock.callLater(FIRST_STATE_AFTER, self._tell_first_state)
        for each in self.pollers:
            each.start()
        self.link.startService()

    def stopService(self) -> Deferred[None]:
        """Stop the polls, and close the connection when the sent data has left."""
        if not self.running:
            return succeed(None)
        super().stopService()  # type: ignore[no-untyped-call]
        self._forget_first_state()
        for each in self.pollers:
            each.stop()
        stopped: Deferred[None] = maybeDeferred(self.link.stopService)
        return stopped

    # -- states -----------------------------------------------------------------------------------------

    def _state_changed(self, state: LinkState, reason: str) -> None:
        if state in _USABLE:
            self._tell(READY, "")
            for each in self.pollers:
                each.link_is_ready()
        elif self._told == READY:
            self._tell(DOWN, reason)

    def _tell_first_state(self) -> None:
        self._first_state = None
        if self._told is None:
            self._tell(DOWN, self.link.reason)

    def _forget_first_state(self) -> None:
        if self._first_state is not None:
            self._first_state.cancel()
            self._first_state = None

    def _tell(self, state: str, reason: str) -> None:
        """Report a state, unless it is the one that was reported last."""
        if state == self._told:
            return
        self._told = state
        self._forget_first_state()
        self._changed(self.planned.name, state == READY, reason)
        if self.planned.states is not None:
            report = Report(link=self.planned.name, kind=STATE, name=state, at=self._wall(), problem=reason)
            self._poster.post(report, self.planned.states)

    # -- events -----------------------------------------------------------------------------------------

    def _happened(self, name: str, route: Route, *values: Any) -> None:
        if not self.is_ours():
            return  # the other gateway gets it, too
        names = self.planned.declaration.events[name].names
        self.events += 1
        report = Report(
            link=self.planned.name,
            kind=EVENT,
            name=name,
            at=self._wall(),
            values=dict(zip(names, values, strict=True)),
        )
        self._poster.post(report, route)
