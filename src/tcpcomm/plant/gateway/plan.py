"""The work of a gateway, checked and ready to run: :class:`Plan`, with its :class:`PlannedLink` objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.equipment.declaration import Declaration
from tcpcomm.equipment.messages import Command
from tcpcomm.plant.gateway.calls import DeviceCall, described_values
from tcpcomm.plant.opcua.options import OpcUaOptions
from tcpcomm.plant.sink import LinkDescription, Sink
from tcpcomm.plant.values import ValueDescription, values_of

OPCUA: Final = "opcua"
"""The name under which the OPC UA server gives commands."""


@frozen(kw_only=True)
class Route:
    """The way of a report: its sinks, its topic, and its life."""

    to: tuple[str, ...]
    topic: str
    expires_in: float | None = None


@frozen(kw_only=True)
class PlannedPoll:
    """One poll of a link."""

    name: str
    call: DeviceCall
    every: float
    jitter: float = 0.0
    route: Route
    only_changes: bool = False
    at_least_every: float | None = None


@frozen(kw_only=True)
class PlannedLink:
    """One link."""

    name: str
    declaration: Declaration
    place: str
    """The endpoint string, for people."""
    options: Mapping[str, Any]
    """The options of its HostLink, by keyword."""
    header: Mapping[str, Any] = field(factory=dict)
    polls: tuple[PlannedPoll, ...] = ()
    events: Mapping[str, Route] = field(factory=dict)
    """The way of each event that is forwarded."""
    states: Route | None = None
    """The way of its states, or None if they are not reported."""
    commands: Mapping[str, Command] = field(factory=dict)
    """What a broker may ask."""
    commands_from: frozenset[str] = frozenset()
    """The sinks that may ask it."""
    max_commands: int = 8

    def description(self, sink: str | None) -> LinkDescription:
        """Return the description of this link for a sink, with the values that the sink gets."""
        values: list[ValueDescription] = []
        for poll in self.polls:
            if sink is None or sink in poll.route.to:
                values += described_values(self.declaration, poll.call.called, poll.name)
        for name, route in self.events.items():
            if sink is None or sink in route.to:
                values += values_of(self.declaration, name)
        return LinkDescription(
            name=self.name,
            declaration=self.declaration,
            values=tuple(values),
            commands=tuple(self.commands) if (sink or OPCUA) in self.commands_from else (),
        )


@frozen(kw_only=True)
class Plan:
    """A whole gateway."""

    name: str
    plant: str
    outbox: Path
    max_mib: int
    max_messages: int
    sinks: Mapping[str, Sink]
    links: Mapping[str, PlannedLink]
    standby: str | None = None
    metrics: str | None = None
    opcua: OpcUaOptions | None = None

    @property
    def polls_per_second(self) -> float:
        """The number of polls in a second, over all links."""
        return sum(1 / poll.every for link in self.links.values() for poll in link.polls)
