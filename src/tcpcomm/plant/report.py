"""The report of a gateway: :class:`Report`, with one poll's result, one event, or one state of a link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self

from attrs import field, frozen

from tcpcomm.plant.message import OutboxMessage
from tcpcomm.tools.manual.values import jsonable

POLL: Final = "poll"
EVENT: Final = "event"
STATE: Final = "state"
KINDS: Final = (POLL, EVENT, STATE)


@frozen(kw_only=True)
class Report:
    """
    One report of a gateway. In JSON it is an object with these attributes, without those that are empty.

    Attributes:
        link: the name of the link.
        kind: ``poll``, ``event`` or ``state``.
        name: the command that was polled, the event, or the state of the link.
        at: the time in seconds since 1970 (UTC), in JSON as ISO 8601 with microseconds.
        values: the values by name, as JSON has them: ``result`` of a poll, the parameters of an event.
        seconds: the seconds that the poll took.
        problem: the reason why a poll brought no result, or why the link is in this state.
    """

    link: str
    kind: str
    name: str
    at: float
    values: Mapping[str, Any] = field(factory=dict)
    seconds: float | None = None
    problem: str = ""

    def content(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        at = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        found: dict[str, Any] = {"link": self.link, "kind": self.kind, "name": self.name, "at": at}
        if self.values:
            found["values"] = jsonable(dict(self.values))
        if self.seconds is not None:
            found["seconds"] = round(self.seconds, 6)
        if self.problem:
            found["problem"] = self.problem
        return found

    @classmethod
    def of(cls, message: OutboxMessage) -> Self | None:
        """Return the report that a message carries, or None if a program posted something else."""
        try:
            found = message.value()
            if not isinstance(found, dict) or found.get("kind") not in KINDS:
                return None
            at = datetime.fromisoformat(found["at"])
            if at.tzinfo is None:
                at = at.replace(tzinfo=UTC)
            report = cls(**{**found, "at": at.timestamp()})
        except (KeyError, TypeError, ValueError):
            return None
        return report if report._is_well_typed() else None

    def _is_well_typed(self) -> bool:
        """Return False if a program posted something else that looks like a report."""
        return (
            self.at >= 0
            and all(isinstance(each, str) for each in (self.link, self.name, self.problem))
            and isinstance(self.values, Mapping)
            and (self.seconds is None or type(self.seconds) in (int, float))
        )
