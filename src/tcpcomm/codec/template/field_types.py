"""
What annotations mean to a template: a type of field, or a whole that is made of several fields.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from decimal import Decimal
from enum import Enum
from inspect import isclass
from operator import attrgetter
from random import Random
from typing import Any, Final

import attrs
from attrs import field, frozen

from tcpcomm.codec.annotations import bare_type, fields_of, type_text, union_members
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.template.field_type import FieldType, refused
from tcpcomm.codec.template.format_spec import parse_spec
from tcpcomm.codec.template.number_fields import decimal_type, float_type, int_type
from tcpcomm.codec.template.text_fields import bool_type, bytes_type, enum_type, literal_type, str_type
from tcpcomm.errors import CodecError, ConfigurationError

__all__ = ["Whole", "drawn", "field_type", "item_of", "refuse_unnamed", "whole", "without_none"]

ATTEMPTS: Final = 100
"""How often values are drawn until the class that they make accepts them."""


def without_none(annotation: Any) -> tuple[Any, bool]:
    """What an ``Optional`` holds, and whether it is one."""
    several = union_members(annotation)
    others = tuple(each for each in several if bare_type(each) is not type(None))
    if not several or len(others) == len(several):
        return bare_type(annotation), False
    return typing.Union[others], True  # noqa: UP007


def item_of(annotation: Any) -> Any:
    """The annotation of a list's items, or UNSAID if it is no list."""
    annotation = bare_type(annotation)
    arguments = typing.get_args(annotation)
    return arguments[0] if typing.get_origin(annotation) is list and arguments else MISSING


def field_type(annotation: Any, spec: str, stops: frozenset[str], *, empty: bool = True) -> FieldType:
    """
    The type of one field.

    Args:
        annotation: of the parameter or attribute.
        spec: the text behind the colon.
        stops: the characters that may follow the field.
        empty: whether a text may be empty there.

    Raises:
        ConfigurationError: there is none, or the specification is not one for it.
    """
    annotation = bare_type(annotation)
    if annotation is bool:
        return bool_type(spec)
    if annotation is str:
        return str_type(parse_spec(spec), stops, empty=empty)
    if isclass(annotation) and issubclass(annotation, Enum):
        return enum_type(annotation, parse_spec(spec))
    if typing.get_origin(annotation) is typing.Literal:
        return literal_type(typing.get_args(annotation), parse_spec(spec))
    makers = {int: int_type, float: float_type, Decimal: decimal_type, bytes: bytes_type}
    if annotation in makers:
        return makers[annotation](parse_spec(spec))
    if item_of(annotation) is not MISSING:
        raise ConfigurationError(f"{type_text(annotation)} is written as a group, as in {{name*,}}")
    if isclass(annotation) and attrs.has(annotation):
        raise ConfigurationError(
            f"{type_text(annotation)} has several fields; it can be a result, or the items of a group"
        )
    refuse_unnamed(annotation)
    raise ConfigurationError(
        f"a template cannot write {type_text(annotation)}: it writes int, float, str, bool, Decimal, bytes, "
        "enumerations, Literal, lists of these and of attrs classes, and Optional in an optional part"
    )


def refuse_unnamed(annotation: Any) -> None:
    """Raise ConfigurationError for what has several values, but not the names that a template needs."""
    kind = typing.get_origin(annotation) or annotation
    if kind is list and not typing.get_args(annotation):
        raise ConfigurationError("list does not say what is in it: write list[float], for example")
    if not isclass(kind):
        return
    if attrs.has(kind) or issubclass(kind, Enum):
        return
    if kind in (tuple, dict, set, frozenset):
        raise ConfigurationError(
            f"{type_text(annotation)} has no names for the fields of a template: make a class of it, with "
            "@frozen (from attrs) above it"
        )
    if kind.__module__.partition(".")[0] not in sys.stdlib_module_names:
        instead = ", in place of @dataclass" if is_dataclass(kind) else ""
        raise ConfigurationError(
            f"{type_text(annotation)} is no attrs class: write @frozen (from attrs) above it{instead}"
        )


@frozen
class Whole:
    """A value that one or more fields make up: a result, or an item of a list."""

    fields: Mapping[str, Field]
    split: Callable[[Any], Mapping[str, Any]]
    """From the value to the fields' values; raises CodecError if it is not of its type."""
    join: Callable[[Mapping[str, Any]], Any]
    """From the fields' values to the value; raises CodecError if its class refuses them."""
    kind: type[Any] | None = None
    """The class whose attributes the fields are, if there is one: then ``join`` calls it,"""
    arguments: Mapping[str, str] = field(factory=dict)
    """with these names for the fields."""

    @property
    def of(self) -> str:
        """What the fields belong to."""
        return "" if self.kind is None else self.kind.__name__

    def check_used(self, used: Sequence[str]) -> None:
        """Raise ConfigurationError if a field is in no template, or in two."""
        for name in self.fields:
            if used.count(name) != 1:
                problem = "twice in the templates" if name in used else "in no template"
                raise ConfigurationError(
                    f"{self.of}.{name} is {problem}" if self.of else f"{name} is {problem}"
                )


def drawn(made_of: Whole, draw: Callable[[Random], Mapping[str, Any]], random: Random) -> Any:
    """Draw a value that its class accepts; raise CodecError after many attempts."""
    for _ in range(ATTEMPTS):
        try:
            return made_of.join(draw(random))
        except CodecError as error:
            refusal = error
    raise refusal


def whole(annotation: Any, used: Sequence[str]) -> Whole:
    """
    What an annotation is made of: nothing, the attributes of an attrs class, or one field of any name.

    Args:
        annotation: of a result, or of a list's items.
        used: the names that the templates use.

    Raises:
        ConfigurationError: the templates' names do not fit it.
    """
    annotation = bare_type(annotation)
    if annotation is type(None):
        return Whole({}, _nothing, lambda values: None)
    if isclass(annotation) and attrs.has(annotation):
        return _record(annotation)
    refuse_unnamed(annotation)
    if len(used) != 1:
        has = f"has {len(used)}: {', '.join(used)}" if used else "has none"
        raise ConfigurationError(
            f"for {type_text(annotation)} there must be exactly one field, and the template {has}"
        )
    name = used[0]
    return Whole({name: Field(name, annotation)}, lambda value: {name: value}, lambda values: values[name])


def _nothing(value: Any) -> Mapping[str, Any]:
    if value is not None:
        raise refused(value, "None, and there is no field for it")
    return {}


def _record(cls: type[Any]) -> Whole:
    fields = {each.name: each for each in fields_of(cls)}
    aliases = {each.name: each.alias or each.name for each in attrs.fields(cls) if each.init}
    renamed = any(name != alias for name, alias in aliases.items())
    order = list(fields)
    get = attrgetter(*order) if order else None

    def split(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, cls):
            raise refused(value, f"a {cls.__name__}")
        if len(order) == 1:
            return {order[0]: getattr(value, order[0])}
        return dict(zip(order, get(value), strict=False)) if get is not None else {}

    def join(values: Mapping[str, Any]) -> Any:
        try:
            if renamed:
                values = {aliases[name]: value for name, value in values.items()}
            return cls(**values)
        except Exception as error:  # whatever a validator of the class raises
            raise CodecError(f"no {cls.__name__}: {error}") from error

    return Whole(fields, split, join, cls, {name: aliases[name] for name in fields})
