"""An event as asyncua sends it: :class:`EventFields`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from asyncua import ua


class EventFields:
    """
    The fields of one event. asyncua reads those that a client selects.

    asyncua's own class keeps the fields as attributes beside its internal ones, so that a parameter with
    the name of one of these would break it.

    Args:
        kind: the type of the event.
        namespace: the index of the namespace of the plant.
        standard: the fields of BaseEventType by name.
        own: the fields of the event's own type by name.
    """

    def __init__(
        self,
        kind: ua.NodeId,
        namespace: int,
        standard: Mapping[str, ua.Variant],
        own: Mapping[str, ua.Variant],
    ) -> None:
        self.EventType = kind
        self.emitting_node = ua.NodeId(ua.ObjectIds.Server)
        self._fields = {(0, name): value for name, value in standard.items()}
        self._fields |= {(namespace, name): value for name, value in own.items()}

    def __getattr__(self, name: str) -> Any:
        """Return the value of a field, for the conditions of clients, which name no namespace here."""
        fields: dict[tuple[int, str], ua.Variant] = self.__dict__.get("_fields", {})
        for (_, each), value in fields.items():
            if each == name:
                return value.Value
        raise AttributeError(name)

    def to_event_fields(self, select_clauses: list[ua.SimpleAttributeOperand]) -> list[ua.Variant]:
        """Return the fields that a client selects; null for those that the event does not have."""
        return [self._field(each.BrowsePath) for each in select_clauses]

    def _field(self, path: list[ua.QualifiedName]) -> ua.Variant:
        if len(path or []) != 1:
            return ua.Variant()
        return self._fields.get((path[0].NamespaceIndex, path[0].Name), ua.Variant())


def standard_fields(
    kind: ua.NodeId,
    source: ua.NodeId,
    *,
    source_name: str,
    at: datetime,
    now: datetime,
    severity: int,
    message: str,
) -> dict[str, ua.Variant]:
    """Return the fields of BaseEventType."""
    return {
        "EventId": ua.Variant(uuid.uuid4().bytes, ua.VariantType.ByteString),
        "EventType": ua.Variant(kind, ua.VariantType.NodeId),
        "SourceNode": ua.Variant(source, ua.VariantType.NodeId),
        "SourceName": ua.Variant(source_name, ua.VariantType.String),
        "Time": ua.Variant(at, ua.VariantType.DateTime),
        "ReceiveTime": ua.Variant(now, ua.VariantType.DateTime),
        "Message": ua.Variant(ua.LocalizedText(message), ua.VariantType.LocalizedText),
        "Severity": ua.Variant(severity, ua.VariantType.UInt16),
    }
