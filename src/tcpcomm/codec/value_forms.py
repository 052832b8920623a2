"""
Types as data, for programs of other languages: :func:`form_of`, and values as data: :func:`plain`.

A form is a dictionary of plain values, as JSON has them. ``docs/reference/manual-json.md`` describes all of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from attrs import Factory

from tcpcomm.codec.annotations import bare_type, fields_of, has_fields, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.ranges import limits_of

Form: TypeAlias = dict[str, Any]

_LEAVES: Final[Mapping[Any, str]] = {
    Any: "any",
    bool: "bool",
    bytes: "bytes",
    memoryview: "bytes",
    date: "date",
    datetime: "date and time",
    Decimal: "decimal",
    float: "float",
    int: "int",
    str: "text",
    time: "time",
    type(None): "null",
}


def form_of(annotation: Any, key_of: Callable[[str], str] | None = None) -> Form:
    """
    Return a type as data.

    Args:
        annotation: the annotation of a parameter, a result or an attribute.
        key_of: returns the key of an attribute in a message; None if a message has no keys.
    """
    return _Forms(key_of).of(annotation)


def field_form(field: Field, key_of: Callable[[str], str] | None = None) -> Form:
    """Return a parameter or an attribute as data: its name, its key, its type and its default."""
    return _Forms(key_of).field(field)


def plain(value: Any) -> Any:
    """
    Return a value as JSON has it.

    An object is its attributes by their names, a member of an enumeration its value, bytes are hexadecimal
    digits in pairs, and a Decimal is text.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if has_fields(type(value)):
        return {each.name: plain(getattr(value, each.name)) for each in fields_of(type(value))}
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex(" ").upper()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


class _Forms:
    """Makes the forms of one type. A class that contains itself is referred to by its name."""

    def __init__(self, key_of: Callable[[str], str] | None) -> None:
        self._key_of = key_of
        self._names: dict[type, str] = {}
        self._open: list[type] = []

    def of(self, annotation: Any) -> Form:
        form = self._of(bare_type(annotation))
        limits = limits_of(annotation)
        if limits is None:
            return form
        known = {"low": plain(limits.low), "high": plain(limits.high), "unit": limits.unit or None}
        return {**form, **{key: each for key, each in known.items() if each is not None}}

    def field(self, field: Field) -> Form:
        key = {} if self._key_of is None else {"key": self._key_of(field.name)}
        return {"name": field.name, **key, "form": self.of(field.type), **default_form(field)}

    def _of(self, kind: Any) -> Form:
        if kind in _LEAVES:
            return {"type": _LEAVES[kind]}
        if members := union_members(kind):
            return {"type": "union", "members": [self.of(each) for each in members]}
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            return {"type": "choice", "values": [{"value": plain(each)} for each in arguments]}
        if origin is tuple and arguments[-1:] != (...,):
            return {"type": "tuple", "items": [self.of(each) for each in arguments]}
        if origin in (list, tuple):
            return {"type": "list", "item": self.of(arguments[0])}
        if origin is dict:
            return {"type": "map", "item": self.of(arguments[1])}
        if isinstance(kind, type) and issubclass(kind, Enum):
            values = [{"value": plain(each), "name": each.name} for each in kind]
            return {
                "type": "flags" if issubclass(kind, Flag) else "choice",
                "name": kind.__name__,
                "values": values,
            }
        return self._record(kind)

    def _record(self, cls: type) -> Form:
        name = self._name_of(cls)
        if cls in self._open:
            return {"type": "ref", "to": name}
        self._open.append(cls)
        fields = [self.field(each) for each in fields_of(cls)]
        self._open.remove(cls)
        return {"type": "record", "name": name, "fields": fields}

    def _name_of(self, cls: type) -> str:
        """Return the name of a class, with a number if another class has the same name."""
        if cls not in self._names:
            alike = sum(each.__name__ == cls.__name__ for each in self._names)
            self._names[cls] = f"{cls.__name__} {alike + 1}" if alike else cls.__name__
        return self._names[cls]


def default_form(field: Field) -> Form:
    """Return the default of a field as data, under the key ``default``; empty if it has none."""
    default = field.default
    if default is MISSING:
        return {}
    if isinstance(default, Factory):  # type: ignore[arg-type]
        return {"optional": True} if default.takes_self else {"default": plain(default.factory())}
    return {"default": plain(default)}
