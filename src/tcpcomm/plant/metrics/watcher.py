"""
The observer that counts for Prometheus: :class:`Metrics`.

::

    metrics = Metrics()
    camera = remote(VisionCamera, at="tcp:10.0.0.5:9999", observers=[metrics.named("camera-1")])
    metrics.listen(9100)
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, Protocol, Self

from tcpcomm.errors import ConfigurationError, FramingError
from tcpcomm.plant.metrics.health_checks import CheckResult, Health
from tcpcomm.plant.metrics.kinds import BAD_REPLY, FAULT, framing_kind, loss_kind, unanswered_kind
from tcpcomm.plant.metrics.packages import load_prometheus
from tcpcomm.plant.metrics.tallies import LinkTally, SessionTally
from tcpcomm.runtime.monotonic_time import the_reactor
from tcpcomm.session.observer import MessageKind, ObservedMessage, SessionObserver

MOST_LINKS: Final = 1000
"""
Links and servers with labels of their own in ``Metrics``. All further ones have the label ``other``.
Change it with ``most_links``.
"""

OTHER: Final = "other"

LAGS_KEPT: Final = 60
"""Delays of timers that are kept, one a second. The oldest is forgotten."""

_UP: Final = ("ready", "suspect")
_TRIED: Final = ("connecting",)
_HAD_SESSION: Final = ("handshaking", "ready", "suspect")
_COMMAND, _REPLY = MessageKind.COMMAND, MessageKind.REPLY
_LONGEST_NAME: Final = 100
_POLLS_SHOWN: Final = 100  # in /readyz, which counts the others


class HasFigures(Protocol):
    """An outbox, as far as its figures go."""

    def figures(self) -> Any:
        """Return its figures."""


class HasPolls(Protocol):
    """A gateway, as far as its figures go."""

    outbox: Any
    opcua: Any

    def problem(self) -> str:
        """Return what keeps it from its work, in words."""

    def poll_counts(self) -> Iterator[tuple[str, str, Mapping[str, int]]]:
        """Yield the link, the name and the outcomes of each poll."""

    def poll_problems(self) -> Iterator[tuple[str, str]]:
        """Yield each poll that fails, with the reason."""


class Metrics(SessionObserver):
    """
    Counts what passes on sessions and links, and gives the figures to Prometheus.

    It is an observer: give it to ``serve``, ``remote``, ``blocking.remote`` or a gateway. The label of a
    link is its name, or the place where it connects to. A server has the name of its declaration.
    :meth:`named` gives another label.

    To count each command, every message is decoded for it. A declared server that answers ten thousand
    commands a second needs that time for them: ``commands=False`` costs nothing there.

    Args:
        commands: False to count neither commands nor bytes, but frames, sessions, faults and states.
        most_links: the links and servers with labels of their own.
        process: True to add the figures of this process: memory, processor time, open files.

    Raises:
        ConfigurationError: prometheus_client is missing.
    """

    counts_commands = True
    """False if neither commands nor bytes are counted."""

    def __new__(cls, *, commands: bool = True, **_: Any) -> Self:
        """Make an observer that watches no more than it counts, because each hook has its price."""
        quiet: Any = WithoutCommands if cls is Metrics and not commands else cls
        made: Self = super().__new__(quiet)
        return made

    def __init__(
        self, *, commands: bool = True, most_links: int = MOST_LINKS, process: bool = True
    ) -> None:
        prometheus = load_prometheus()
        if not 0 < most_links <= 100_000:
            raise ConfigurationError(f"most_links must be from 1 to 100000, not {most_links}")
        self.registry: Any = prometheus.CollectorRegistry()
        """The registry of prometheus_client, for figures of your own."""
        self.health = Health()
        """The checks of ``/readyz``."""
        self.links: dict[str, LinkTally] = {}
        """The counters by their label."""
        self.states: dict[int, tuple[Any, str, str, str]] = {}
        """The links that run, by their id: the link, its label, its state, and the reason."""
        self.outboxes: dict[str, HasFigures] = {}
        """The outboxes by name."""
        self.gateways: list[HasPolls] = []
        """The gateways."""
        self.reactor_lags: deque[float] = deque(maxlen=LAGS_KEPT)
        """The seconds by which the last timers of the reactor were late."""
        self.most_links = most_links
        """The links and servers with labels of their own."""
        self._label: str | None = None
        self._labels: dict[int, tuple[Any, LinkTally]] = {}
        self._sessions: dict[int, SessionTally] = {}
        from tcpcomm.plant.metrics.families import Families  # noqa: PLC0415 - needs the optional package

        self.registry.register(Families(self))
        if process:
            prometheus.ProcessCollector(registry=self.registry)
            prometheus.PlatformCollector(registry=self.registry)

    def named(self, label: str) -> Self:
        """
        Return an observer that counts for these same figures, with this label for its links.

        Args:
            label: the label, such as ``camera-1``.
        """
        found = copy.copy(self)
        found._label = label
        return found

    @property
    def reactor_lag(self) -> float:
        """The seconds by which a timer of the reactor was late, the longest within the last minute."""
        return max(self.reactor_lags, default=0.0)

    def add_outbox(self, outbox: HasFigures, name: str = "outbox") -> None:
        """
        Show the figures of an outbox, and check it in ``/readyz``.

        Args:
            outbox: the outbox.
            name: its label.
        """
        self.outboxes[name] = outbox
        self.health.add_outbox(outbox, name)

    def add_gateway(self, gateway: HasPolls) -> None:
        """
        Show the polls and the outbox of a gateway, and check it in ``/readyz``.

        A poll that fails, and an OPC UA server that cannot listen, leave the program ready.

        Args:
            gateway: the :class:`~tcpcomm.plant.Gateway`.
        """
        self.gateways.append(gateway)
        self.add_outbox(gateway.outbox)
        self.health.add("gateway", gateway.problem)
        if gateway.opcua is not None:
            self.health.add("opcua", gateway.opcua.problem, required=False)
        self.health.add_several(partial(_failing_polls, gateway))

    def listen(self, place: int | str, *, reactor: Any = None) -> Any:
        """
        Serve the figures and the health at a place, until the reactor stops.

        Args:
            place: a port of this machine, such as 9100, or ``ADDRESS:PORT``.
            reactor: the reactor; None: the global reactor.

        Returns:
            The :class:`~tcpcomm.plant.MetricsService`.

        Raises:
            ConfigurationError: the place is not one.
            CannotListen: the port is in use.
        """
        from tcpcomm.plant.metrics.web_service import MetricsService  # noqa: PLC0415 - brings in twisted.web

        service = MetricsService(place, self, reactor=the_reactor(reactor))
        service.startService()
        return service

    # -- links ------------------------------------------------------------------------------------------

    def link_state(self, link: Any, state: Any, reason: str) -> None:
        tally = self._tally_of(link)
        new = str(getattr(state, "value", state))
        _, _, before, _ = self.states.get(id(link), (link, "", "down", ""))
        if new == "down" and before == "draining":
            self.states.pop(id(link), None)  # it was stopped
            return
        if id(link) not in self.states and len(self.states) >= self.most_links:
            self.running_links()
        self.states[id(link)] = (link, tally.label, new, reason)
        if new in ("down", "connecting") and before in _HAD_SESSION:
            tally.reconnects[loss_kind(reason)] += 1
        elif new == "down" and before in _TRIED:
            tally.attempts_failed[loss_kind(reason)] += 1

    def running_links(self) -> list[tuple[str, str, str]]:
        """Return the label, the state and the reason of each link that runs."""
        for key, (link, _, state, _) in [*self.states.items()]:
            if state == "down" and not getattr(link, "running", True):  # a stop while it is down is silent
                del self.states[key]
        return [each[1:] for each in self.states.values()]

    def link_problems(self) -> tuple[int, int, list[str]]:
        """Return the numbers of links that are up, and of all links, and the reasons of the others."""
        states = sorted(self.running_links())
        down = [f"{label}: {reason or state}" for label, state, reason in states if state not in _UP]
        return len(states) - len(down), len(states), down

    def listening(self, server: Any, address: str) -> None:
        self._tally_of(server, is_server=True)

    # -- sessions ---------------------------------------------------------------------------------------

    def opened(self, session: Any) -> None:
        self._follow(session)

    def received(self, session: Any, data: bytes) -> None:
        found = self._sessions.get(id(session)) or self._follow(session)
        found.received += len(data)

    def sent(self, session: Any, data: bytes) -> None:
        found = self._sessions.get(id(session)) or self._follow(session)
        found.sent += len(data)

    def message(self, session: Any, message: ObservedMessage) -> None:
        kind = message.kind
        if kind is _COMMAND:
            if _has_answer(session, message.name):
                (self._sessions.get(id(session)) or self._follow(session)).asked(message)
            return
        request = message.answers
        if request is None or request.kind is not _COMMAND:
            return
        found = self._sessions.get(id(session)) or self._follow(session)
        if kind is _REPLY:
            found.answered(request, message.seconds or 0.0)
        elif kind is MessageKind.FAULT:
            found.answered(request, message.seconds or 0.0, FAULT)
        elif kind is MessageKind.UNREADABLE:
            found.answered(request, message.seconds or 0.0, BAD_REPLY)

    def fault(self, session: Any, fault: FramingError, *, sent: bool = False) -> None:
        found = self._sessions.get(id(session)) or self._follow(session)
        found.link.framing_faults[framing_kind(fault)] += 1

    def closed(self, session: Any, reason: str) -> None:
        found = self._sessions.pop(id(session), None)
        if found is None:
            return
        link = found.link
        link.sessions.pop(id(session), None)
        found.add_to(link.frames, link.bytes)
        kind = unanswered_kind(reason)
        for each in found.unanswered.values():
            link.failed[each.name, kind] += 1

    def _follow(self, session: Any) -> SessionTally:
        factory = getattr(session, "factory", None)
        link = getattr(factory, "link", None)
        engine = getattr(factory, "engine", None)
        if link is not None:
            tally = self._tally_of(link)
        elif engine is not None:
            tally = self._tally_of(engine)
        else:
            tally = self._tally_of(session if factory is None else factory, is_server=factory is not None)
        found = self._sessions[id(session)] = tally.sessions[id(session)] = SessionTally(tally, session)
        return found

    def _tally_of(self, subject: Any, *, is_server: bool = False) -> LinkTally:
        """Return the counters of a link, of a server's factory, or of a session that a tool overhears."""
        key = _observers_of(subject)
        found = self._labels.get(id(key))
        if found is not None:
            return found[1]
        label = (self._label or _name_of(subject))[:_LONGEST_NAME] or OTHER
        if label not in self.links and len(self.links) >= self.most_links:
            label = OTHER
        tally = self.links.get(label)
        if tally is None:
            tally = self.links[label] = LinkTally(label, is_server=is_server)
        if len(self._labels) >= 10 * self.most_links:  # links that a program makes and forgets
            del self._labels[next(iter(self._labels))]
        self._labels[id(key)] = (key, tally)
        return tally


class WithoutCommands(Metrics):
    """Counts neither commands nor bytes, so that no single frame or chunk is reported to it."""

    counts_commands = False
    received = SessionObserver.received
    sent = SessionObserver.sent
    message = SessionObserver.message


def _has_answer(session: Any, name: str) -> bool:
    """Return False if equipment sends nothing when it carries out this command."""
    found = getattr(getattr(session, "declaration", None), "commands", {}).get(name)
    return found is None or (found.has_reply and not found.is_silent)


def _failing_polls(gateway: HasPolls) -> list[CheckResult]:
    failing = [*gateway.poll_problems()]
    found = [
        CheckResult(f"poll {name}", problem, required=False) for name, problem in failing[:_POLLS_SHOWN]
    ]
    if len(failing) > _POLLS_SHOWN:
        more = f"{len(failing) - _POLLS_SHOWN} more polls fail"
        found.append(CheckResult("further polls", more, required=False))
    return found


def _observers_of(subject: Any) -> Any:
    """Return the observers that all sessions of a link, or of a factory, share: one for each."""
    found = getattr(subject, "observers", None)
    return (
        found
        if found is not None
        else getattr(getattr(subject, "engine", None), "observers", None) or subject
    )


def _name_of(subject: Any) -> str:
    """Return the name of a link, or its declaration and place. A server has its declaration's name."""
    given = getattr(subject, "name", None)
    engine = getattr(subject, "engine", None)
    declaration = getattr(subject, "declaration", None)
    if engine is not None or hasattr(subject, "supervisor"):
        place = str(getattr(engine or subject, "name", "link")).removeprefix("link to ")
        if isinstance(given, str) and given and engine is not None:
            return given
        return place if declaration is None else f"{declaration.name} at {place}"
    if declaration is not None:
        return str(declaration.name)
    kind = getattr(subject, "protocol", None)
    return str(getattr(kind, "__name__", None) or given or type(subject).__name__)
