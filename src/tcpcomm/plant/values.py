"""The single values that commands and events bring, with type, unit and range: :func:`values_of`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from attrs import frozen

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, union_members
from tcpcomm.codec.base import Field
from tcpcomm.codec.ranges import limits_of
from tcpcomm.equipment.declaration import Declaration

RESULT: Final = "result"
"""The name of the result of a command, if it has no fields of its own."""

_SINGLE: Final = (bool, int, float, str, bytes)
_DEEPEST: Final = 8  # a class may have itself as a field


@frozen(kw_only=True)
class ValueDescription:
    """One value that a poll or an event brings."""

    path: str
    """The command or the event, and the field: ``locate/x``, ``alarm/code``, ``status/result``."""
    kind: type[Any]
    """bool, int, float, str or bytes; ``object`` for a list, a dict, and what has no fixed type."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    doc: str = ""
    """The first line of the declaration's text about the message that brings it."""
    is_event: bool = False


def values_of(declaration: Declaration, name: str) -> tuple[ValueDescription, ...]:
    """
    Return the values that a command's result, or an event, brings. A command without a result brings none.

    Args:
        declaration: the equipment.
        name: the command or the event.
    """
    message: Any = declaration.commands.get(name) or declaration.events[name]
    is_event = name in declaration.events
    doc = (message.doc or "").partition("\n")[0]
    result = message.spec.result
    if is_event:
        fields = message.spec.parameters
    elif result is None or bare_type(result) is type(None):
        return ()
    else:
        fields = (Field(RESULT, result),)
    found: list[ValueDescription] = []
    for each in fields:
        is_whole = each.name == RESULT and not is_event
        start = name if is_whole and has_fields(_member(each.type)) else f"{name}/{each.name}"
        found += _described(start, each.type, doc, is_event, _DEEPEST)
    return tuple(found)


def _member(annotation: Any) -> Any:
    """Return the type of an annotation, without ``None`` among several; several others are ``object``."""
    bare = bare_type(annotation)
    several = [each for each in union_members(bare) if each is not type(None)]
    if union_members(bare):
        return bare_type(several[0]) if len(several) == 1 else object
    return bare


def _described(
    path: str, annotation: Any, doc: str, is_event: bool, deeper: int
) -> Iterator[ValueDescription]:
    kind = _member(annotation)
    if has_fields(kind) and deeper:
        for each in fields_of(kind):
            yield from _described(f"{path}/{each.name}", each.type, doc, is_event, deeper - 1)
        return
    limits = limits_of(annotation) if _single(kind) in (int, float) else None
    yield ValueDescription(
        path=path,
        kind=_single(kind),
        unit="" if limits is None else limits.unit,
        low=None if limits is None or limits.low is None else float(limits.low),
        high=None if limits is None or limits.high is None else float(limits.high),
        doc=doc,
        is_event=is_event,
    )


def _single(kind: Any) -> type[Any]:
    """Return the type that the value has in JSON and on a broker."""
    if not isinstance(kind, type):
        return object
    if issubclass(kind, Enum):
        values = {type(each.value) for each in kind}
        return values.pop() if len(values) == 1 and values <= set(_SINGLE) else str
    if issubclass(kind, Decimal):
        return float
    return next((each for each in _SINGLE if issubclass(kind, each)), object)


def values_by_path(
    descriptions: Iterable[ValueDescription], name: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Return the values of a report by their paths, without those that it does not bring.

    Args:
        descriptions: the values to find; those of other commands and events are left out.
        name: the command or the event.
        values: the values as JSON has them.
    """
    found: dict[str, Any] = {}
    for each in descriptions:
        message, *steps = each.path.split("/")
        if message != name:
            continue
        value: Any = values
        if RESULT in values and steps[0] != RESULT and not each.is_event:
            value = values[RESULT]
        for step in steps:
            if not isinstance(value, Mapping) or step not in value:
                break
            value = value[step]
        else:
            found[each.path] = value
    return found
