"""The single values that commands and events bring, with type, unit and range: :func:`values_of`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, get_args, get_origin

from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, union_members
from tcpcomm.codec.base import Field
from tcpcomm.codec.ranges import limits_of
from tcpcomm.equipment.declaration import Declaration

RESULT: Final = "result"
"""The name of the result of a command, if it has no fields of its own."""

_SINGLE: Final = (bool, int, float, str, bytes)
_ABSENT: Final = object()


@frozen(kw_only=True)
class ValueDescription:
    """One value that a poll or an event brings."""

    path: str
    """The command or the event, and the field: ``locate/x``, ``alarm/code``, ``status/result``."""
    kind: type[Any]
    """bool, int, float, str or bytes; ``object`` for a list, a dict, and what has no fixed type."""
    items: type[Any] | None = None
    """The kind of the items, if it is a list of single values of one kind."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    doc: str = ""
    """The first line of the declaration's text about the message that brings it."""
    is_event: bool = False
    steps: tuple[str, ...] = field()
    """The keys that lead to it in the values of a report; by default, those of its path."""

    @steps.default
    def _steps_of_path(self) -> tuple[str, ...]:
        return tuple(self.path.split("/")[1:])


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
        found += _described(start, each.type, steps=(each.name,), doc=doc, is_event=is_event)
    return tuple(found)


def _member(annotation: Any) -> Any:
    """Return the type of an annotation, without ``None`` among several; several others are ``object``."""
    bare = bare_type(annotation)
    several = [each for each in union_members(bare) if each is not type(None)]
    if union_members(bare):
        return bare_type(several[0]) if len(several) == 1 else object
    return bare


def _described(
    path: str, annotation: Any, *, steps: tuple[str, ...], above: tuple[Any, ...] = (), **common: Any
) -> Iterator[ValueDescription]:
    kind = _member(annotation)
    if has_fields(kind) and kind not in above:  # a class may have itself as a field
        for each in fields_of(kind):
            yield from _described(
                f"{path}/{each.name}",
                each.type,
                steps=(*steps, each.name),
                above=(*above, kind),
                **common,
            )
        return
    limits = limits_of(annotation) if kind_of(annotation) in (int, float) else None
    yield ValueDescription(
        path=path,
        kind=kind_of(annotation),
        items=items_of(annotation),
        unit="" if limits is None else limits.unit,
        low=None if limits is None or limits.low is None else float(limits.low),
        high=None if limits is None or limits.high is None else float(limits.high),
        steps=steps,
        **common,
    )


def kind_of(annotation: Any) -> type[Any]:
    """Return the type that a value has in JSON, or ``object``, as ValueDescription says."""
    kind = _member(annotation)
    if get_origin(kind) is Literal:
        return _shared({type(each) for each in get_args(kind)}, object)
    if not isinstance(kind, type):
        return object
    if issubclass(kind, Enum):
        return _shared({type(each.value) for each in kind}, str)
    if issubclass(kind, Decimal):
        return float
    if issubclass(kind, (date, time)):
        return str
    if issubclass(kind, memoryview):
        return bytes
    return next((each for each in _SINGLE if issubclass(kind, each)), object)


def _shared(kinds: set[type[Any]], otherwise: type[Any]) -> type[Any]:
    """Return the only kind of several values, if it is that of a single value."""
    return kinds.pop() if len(kinds) == 1 and kinds <= set(_SINGLE) else otherwise


def items_of(annotation: Any) -> type[Any] | None:
    """Return the kind of the items of a list or tuple of single values, or None if it is something else."""
    kind = _member(annotation)
    arguments = [each for each in get_args(kind) if each is not ...]
    if get_origin(kind) not in (list, tuple) or not arguments:
        return None
    kinds = {kind_of(each) for each in arguments}
    return kinds.pop() if len(kinds) == 1 and kinds <= set(_SINGLE) else None


def values_by_path(
    descriptions: Iterable[ValueDescription], name: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Return the values of a report by their paths, without those that it does not bring.

    A number that JSON has as a text, because it was a Decimal, becomes a float again.

    Args:
        descriptions: the values to find; those of other commands and events are left out.
        name: the command or the event.
        values: the values as JSON has them.
    """
    found: dict[str, Any] = {}
    for each in descriptions:
        if each.path.partition("/")[0] != name:
            continue
        value = _at(values, each.steps)
        if value is _ABSENT and RESULT in values and not each.is_event:
            value = _at(values[RESULT], each.steps)
        if value is not _ABSENT:
            found[each.path] = _as_number(value) if each.kind is float else value
    return found


def _as_number(value: Any) -> Any:
    """Return the number that a text tells; any other value as it is."""
    with suppress(ValueError):
        return float(value) if isinstance(value, str) else value
    return value


def _at(value: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        if not isinstance(value, Mapping) or step not in value:
            return _ABSENT
        value = value[step]
    return value
