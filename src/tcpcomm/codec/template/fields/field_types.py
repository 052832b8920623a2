"""The fields that a template has for an annotation: :func:`field_type`, :func:`value_fields`."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from inspect import isclass
from random import Random
from typing import Any, Final

from attrs import Factory, evolve, field, frozen

from tcpcomm.codec.annotations import (
    arguments_of,
    bare_type,
    fields_of,
    has_fields,
    metadata_of,
    type_text,
    union_members,
)
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.problems import wrong
from tcpcomm.codec.ranges import Limits, Range, Unit, bounds_of, number_of
from tcpcomm.codec.template.fields.escapes import as_escaped
from tcpcomm.codec.template.fields.field_type import FieldType
from tcpcomm.codec.template.fields.format_spec import FormatSpec, parse_format_spec
from tcpcomm.codec.template.fields.ieee488_fields import BLOCK_FORMAT, block_type
from tcpcomm.codec.template.fields.number_fields import decimal_type, float_type, int_type
from tcpcomm.codec.template.fields.raw_bytes import RAW_FORMAT, RAW_KINDS, raw_type
from tcpcomm.codec.template.fields.text_fields import (
    bool_type,
    bytes_type,
    choice_type,
    enum_type,
    str_type,
)
from tcpcomm.errors import CodecError, ConfigurationError


def without_none(annotation: Any) -> tuple[Any, bool]:
    """Return the type inside of an ``Optional``, and True; or the type itself and False."""
    limits = [note for note in metadata_of(annotation) if isinstance(note, Range | Unit)]
    members = union_members(annotation)
    others = tuple(each for each in members if bare_type(each) is not type(None))
    found: Any = bare_type(annotation)
    if len(others) < len(members):
        found = typing.Union[others]  # noqa: UP007
    for note in limits:
        found = typing.Annotated[found, note]
    return found, len(others) < len(members)


def item_of(annotation: Any) -> Any:
    """Return the annotation of a list's items, or MISSING if the type is not a list with items."""
    annotation = bare_type(annotation)
    arguments = typing.get_args(annotation)
    return arguments[0] if typing.get_origin(annotation) is list and arguments else MISSING


def absent_value(value: Field) -> Callable[[], Any]:
    """Return a function for the value of a field if its optional part is left out."""
    default = value.default
    if isinstance(default, Factory):  # type: ignore[arg-type]
        if default.takes_self:
            raise ConfigurationError("in an optional part, its default must not depend on other fields")
        return default.factory  # type: ignore[no-any-return]
    if default is not MISSING:
        return lambda: default
    if without_none(value.type)[1]:
        return lambda: None
    if _is_list(value):
        return list
    raise ConfigurationError("it is in an optional part, so make it Optional, or give it a default")


def names_of_lists(fields: Mapping[str, Field]) -> list[str]:
    """Return the names of the fields that ``{#}`` can count: the lists, or if there are none, the bytes."""
    lists = [name for name, each in fields.items() if _is_list(each)]
    return lists or [name for name, each in fields.items() if each.type in RAW_KINDS]


def _is_list(value: Field) -> bool:
    return item_of(without_none(value.type)[0]) is not MISSING


def field_type(
    annotation: Any, format_text: str, stops: frozenset[str], *, empty: bool = True
) -> FieldType:
    """
    Return the type of one field.

    Args:
        annotation: the annotation of the parameter or attribute.
        format_text: the text behind the colon.
        stops: the characters that can follow the field.
        empty: True if a text can be empty there.

    Raises:
        ConfigurationError: a template cannot write this type, or the format does not suit it.
    """
    kind = _plain_type(annotation, format_text, stops, empty=empty)
    return as_escaped(kind, is_text=bare_type(annotation) is str)


def _plain_type(annotation: Any, format_text: str, stops: frozenset[str], *, empty: bool) -> FieldType:
    """Return the type of a field as it is without escapes."""
    limits = bounds_of(annotation)
    if limits is not None:
        return _within(limits, number_of(annotation), format_text)
    annotation = bare_type(annotation)
    if annotation is bool:
        return bool_type(format_text)
    if annotation is str:
        return str_type(parse_format_spec(format_text), stops, empty=empty)
    if isclass(annotation) and issubclass(annotation, Enum):
        return enum_type(annotation, parse_format_spec(format_text))
    if typing.get_origin(annotation) is typing.Literal:
        choices = {each: each for each in typing.get_args(annotation)}
        return choice_type("Literal", choices, parse_format_spec(format_text))
    if annotation in RAW_KINDS and format_text == RAW_FORMAT:
        return raw_type(annotation)
    if annotation in _NUMBERS:
        return _NUMBERS[annotation](parse_format_spec(format_text))
    if annotation is bytes:
        return block_type() if format_text == BLOCK_FORMAT else bytes_type(parse_format_spec(format_text))
    if item_of(annotation) is not MISSING:
        raise ConfigurationError(f"{type_text(annotation)} is written as a list, as in {{name*,}}")
    if has_fields(annotation):
        raise ConfigurationError(
            f"{type_text(annotation)} has several fields: use it for a result, or for the items of a list"
        )
    refuse_unnamed(annotation)
    raise ConfigurationError(
        f"a template cannot write {type_text(annotation)}; it can write int, float, str, bool, Decimal, "
        "bytes, enumerations, Literal, lists of these or of attrs classes or dataclasses, and Optional in "
        "an optional part"
    )


_NUMBERS: Final[Mapping[Any, Callable[[FormatSpec], FieldType]]] = {
    int: int_type,
    float: float_type,
    Decimal: decimal_type,
}


def _within(limits: Limits, number: type[Any], format_text: str) -> FieldType:
    """Return the type of a number that is refused beyond its limits."""
    format_spec = parse_format_spec(format_text)
    kind = _NUMBERS[number](format_spec)

    def settle(value: Any) -> Any:
        return kind.read(kind.write(value))

    check = limits.check_at(settle) if format_spec.machine else limits.check

    def write(value: Any) -> str:
        text = kind.write(value)
        check(value)
        check(kind.read(text))  # decimals that are rounded can lead beyond the range
        return text

    def read(text: str) -> Any:
        value = kind.read(text)
        check(value)
        return value

    def draw(random: Random) -> Any:
        return limits.draw(number, random, settle)

    description = f"{kind.description}, {limits.text}"
    return evolve(kind, description=description, write=write, read=read, draw=draw, plain=None)


def refuse_unnamed(annotation: Any) -> None:
    """Raise ConfigurationError for a type of several values without the names that a template needs."""
    kind = typing.get_origin(annotation) or annotation
    if kind is list and not typing.get_args(annotation):
        raise ConfigurationError("list has no type for its items: write for example list[float]")
    if not isclass(kind) or has_fields(kind) or issubclass(kind, Enum):
        return
    if kind in (tuple, dict, set, frozenset):
        raise ConfigurationError(
            f"{type_text(annotation)} has no names for the fields of a template: make a class of it, with "
            "@frozen (from attrs) above it"
        )
    if kind.__module__.partition(".")[0] not in sys.stdlib_module_names:
        raise ConfigurationError(
            f"{type_text(annotation)} is neither an attrs class nor a dataclass: write @frozen (from "
            "attrs) above it"
        )


@frozen
class ValueFields:
    """The fields of a value: of a result, or of an item of a list."""

    fields: Mapping[str, Field]
    split: Callable[[Any], Mapping[str, Any]]
    """Returns the fields of a value. Raises CodecError if the value has the wrong type."""
    join: Callable[[Mapping[str, Any]], Any]
    """Returns the value for its fields. Raises CodecError if its class refuses them."""
    kind: type[Any] | None = None
    """The class that has the fields as attributes, and that ``join`` calls; None if there is none."""
    arguments: Mapping[str, str] = field(factory=dict)
    """The argument of the class for each field."""

    def check_used(self, used: Sequence[str]) -> None:
        """Raise ConfigurationError if a field is in no template, or in two."""
        owner = "" if self.kind is None else f"{self.kind.__name__}."
        for name in self.fields:
            if used.count(name) != 1:
                problem = "twice in the templates" if name in used else "in no template"
                raise ConfigurationError(f"{owner}{name} is {problem}")


def value_fields(annotation: Any, used: Sequence[str]) -> ValueFields:
    """
    Return the fields of a type: none for None, the attributes of a class, else one field.

    Args:
        annotation: the annotation of a result, or of the items of a list.
        used: the names in the templates. One of them can be any name for the only field.

    Raises:
        ConfigurationError: the names in the templates do not fit the type.
    """
    whole, annotation = annotation, bare_type(annotation)
    if annotation is type(None):
        return ValueFields({}, _nothing, lambda values: None)
    if has_fields(annotation):
        return _attributes(annotation)
    refuse_unnamed(annotation)
    if len(used) != 1:
        has = f"has {len(used)}: {', '.join(used)}" if used else "has none"
        raise ConfigurationError(
            f"for {type_text(annotation)} there must be exactly one field, and the template {has}"
        )
    name = used[0]
    fields = {name: Field(name, whole)}
    return ValueFields(fields, lambda value: {name: value}, lambda values: values[name])


def _nothing(value: Any) -> Mapping[str, Any]:
    if value is not None:
        raise wrong("None, because the template has no field for it", value)
    return {}


def _attributes(cls: type[Any]) -> ValueFields:
    fields = {each.name: each for each in fields_of(cls)}
    aliases = arguments_of(cls)
    renamed = any(name != alias for name, alias in aliases.items())

    def split(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, cls):
            raise wrong(f"a {cls.__name__}", value)
        return {name: getattr(value, name) for name in fields}

    def join(values: Mapping[str, Any]) -> Any:
        try:
            if renamed:
                values = {aliases[name]: value for name, value in values.items()}
            return cls(**values)
        except Exception as error:  # a validator of the class can raise any exception
            raise CodecError(f"this cannot be a {cls.__name__}: {error}") from error

    return ValueFields(fields, split, join, cls, aliases)
