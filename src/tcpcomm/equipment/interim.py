"""Interim replies: events that say, while a command is under way, that its reply still takes time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from types import MappingProxyType
from typing import Any

from tcpcomm.codec.annotations import bare_type
from tcpcomm.codec.base import MessageSpec
from tcpcomm.errors import ConfigurationError

Interim = Iterable[str] | Mapping[str, str | None]
"""The names of events; or each name with the field that is the new timeout in seconds, or with None."""


def interim_rule(
    spec: MessageSpec, given: Interim | None, events: Mapping[str, MessageSpec]
) -> Mapping[str, str | None]:
    """
    Return the interim replies of a command: the name of each event, and the field with the new timeout.

    Raises:
        ConfigurationError: one of them is not an event, or has no such field, or the field is not a number;
            or the command has no reply.
    """
    if not given:
        return {}
    names = (given,) if isinstance(given, str) else given
    rule = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names)
    if spec.reply is None:
        raise ConfigurationError(f"{spec.where}: with reply=None nothing is awaited, so leave out interim")
    for name, field in rule.items():
        event = events.get(name)
        if event is None:
            there_are = ", ".join(events) or "none"
            raise ConfigurationError(
                f"{spec.where}: interim={name!r} must be the name of an event of the class; its events: "
                f"{there_are}"
            )
        types = {each.name: bare_type(each.type) for each in event.parameters}
        if field is not None and types.get(field) not in (int, float):
            raise ConfigurationError(
                f"{spec.where}: the new timeout {field!r} must be a field of {event.where} that is an int "
                "or a float, the seconds"
            )
    return MappingProxyType(rule)


def new_timeout(rule: Mapping[str, str | None], event: str, values: Mapping[str, Any]) -> float | None:
    """Return the timeout that an event gives a command, or None if its declared timeout begins anew."""
    field = rule[event]
    seconds = None if field is None else values[field]
    return float(seconds) if seconds is not None and 0 < seconds < inf else None
