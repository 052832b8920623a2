"""
Python values to values of JSON, and back, strictly: :class:`ValueTypes`, and :class:`Parameters`.

cattrs makes the instances of attrs classes and dataclasses. It is lenient by default: it takes a string for
a number if ``int()`` does, a string for a list, and True for 1. So each annotation becomes a
:class:`~tcpcomm.codec.json.value_types.ValueType` once, when a declaration is bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, Flag
from typing import Any, Final, Literal, get_args, get_origin

from attrs import evolve
from cattrs import BaseValidationError, Converter, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, override

from tcpcomm.codec.annotations import (
    bare_type,
    fields_of,
    has_fields,
    metadata_of,
    type_text,
    union_members,
)
from tcpcomm.codec.base import MISSING, Field
from tcpcomm.codec.enum_values import Conversion
from tcpcomm.codec.json import value_types
from tcpcomm.codec.json.value_types import ValueType
from tcpcomm.codec.problems import errors_at, inside, missing, unknown, wrong
from tcpcomm.codec.ranges import Limits, bounds_of
from tcpcomm.codec.value_forms import field_form
from tcpcomm.errors import CodecError, ConfigurationError

Naming = Literal["as written", "camel", "pascal"]


def _pascal(name: str) -> str:
    return "".join(each[:1].upper() + each[1:] for each in name.split("_"))


def _camel(name: str) -> str:
    first, _, others = name.partition("_")
    return first + _pascal(others)


_NAMINGS: Final[dict[str, Callable[[str], str]]] = {"as written": str, "camel": _camel, "pascal": _pascal}
_CONVERTER: Final = Converter(forbid_extra_keys=True, detailed_validation=True)


class ValueTypes:
    """
    The value types of annotations, each made once. The naming makes the keys of classes.

    Raises:
        ConfigurationError: the naming is unknown.
    """

    def __init__(self, naming: Naming = "as written") -> None:
        if naming not in _NAMINGS:
            raise ConfigurationError(f"naming must be one of {', '.join(_NAMINGS)}, not {naming!r}")
        self.name_of = _NAMINGS[naming]
        self._known: dict[Any, ValueType] = dict(value_types.LEAVES)

    def of(self, annotation: Any) -> ValueType:
        """Return the value type of an annotation. Raises ConfigurationError if JSON cannot carry it."""
        limits = bounds_of(annotation) if metadata_of(annotation) else None
        annotation = bare_type(annotation)
        if annotation not in self._known:
            self._known[annotation] = self._made(annotation)
        found = self._known[annotation]
        return found if limits is None else _within(limits, found)

    def _made(self, annotation: Any) -> ValueType:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if union_members(annotation):
            return value_types.union((each, self.of(each)) for each in union_members(annotation))
        if origin is Literal:
            return value_types.choice({each: each for each in arguments}, type_text(annotation))
        if origin is list:
            return value_types.sequence(list, self.of(arguments[0]))
        if origin is tuple and arguments[-1:] == (...,):
            return value_types.sequence(tuple, self.of(arguments[0]))
        if origin is tuple:
            return value_types.fixed_tuple([self.of(each) for each in arguments])
        if origin is dict:
            return value_types.mapping(arguments[0], self.of(arguments[1]))
        if isinstance(annotation, type):
            if issubclass(annotation, Flag):
                return value_types.flag(annotation)
            if issubclass(annotation, Enum):
                return value_types.choice({each.value: each for each in annotation}, annotation.__name__)
            if has_fields(annotation):
                return self._instance(annotation)
        raise ConfigurationError(
            f"JSON cannot carry {type_text(annotation)}; it carries bool, int, float, str, bytes, dates, "
            "time, Enum, Literal, list[...], tuple[...], dict[str, ...], unions, attrs classes, "
            "dataclasses, Any"
        )

    def _instance(self, cls: type) -> ValueType:
        def read(value: Any) -> Any:
            return self._known[cls].read(value)

        def write(value: Any) -> Any:
            return self._known[cls].write(value)

        # A class with fields that contain the class again finds this type, which finds the final one later.
        self._known[cls] = ValueType(read, write, (dict,), (cls,), cls.__name__)
        fields = []
        try:
            for field in fields_of(cls):
                with errors_at(f"{cls.__name__}.{field.name}"):
                    fields.append((field.name, self.name_of(field.name), self.of(field.type)))
        except ConfigurationError:
            del self._known[cls]
            raise
        label = ", ".join(f'"{key}": {value_type.label}' for _, key, value_type in fields)
        return ValueType(_reader(cls, fields), _writer(cls, fields), (dict,), (cls,), f"{{{label}}}")


def _within(limits: Limits, kind: ValueType) -> ValueType:
    """Return the type of a number that is refused beyond its limits."""

    def checked(convert: Conversion) -> Conversion:
        def convert_and_check(value: Any) -> Any:
            found = convert(value)
            limits.check(found)
            return found

        return convert_and_check

    label = f"{kind.label}, {limits.text}"
    return evolve(kind, read=checked(kind.read), write=checked(kind.write), label=label)


def _reader(cls: type, fields: Sequence[tuple[str, str, ValueType]]) -> Conversion:
    def hook(read: Conversion) -> Callable[[Any, Any], Any]:
        return lambda value, _: read(value)

    overrides: dict[str, Any] = {
        name: override(rename=key, struct_hook=hook(value_type.read)) for name, key, value_type in fields
    }
    structure: Callable[[Any, Any], Any] = make_dict_structure_fn(cls, _CONVERTER, **overrides)
    keys = {name: key for name, key, _ in fields}

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise wrong(f"an object, {cls.__name__}", value)
        try:
            return structure(value, cls)
        except BaseValidationError as group:
            raise _first(group, keys) from None

    return read


def _first(group: BaseValidationError, keys: Mapping[str, str]) -> CodecError:
    """Return the first of the errors that cattrs found in one object, with its path."""
    error = group.exceptions[0]
    name = next((note.name for note in getattr(error, "__notes__", ()) if hasattr(note, "name")), None)
    if isinstance(error, ForbiddenExtraKeysError):
        return unknown(min(error.extra_fields))
    if name is not None and isinstance(error, KeyError):
        return missing(keys[name])
    if not isinstance(error, CodecError):  # a validator, or the class itself, refused the values
        error = CodecError(str(error.args[0]) if error.args else type(error).__name__)
    return error if name is None else inside(keys[name], error)


def _writer(cls: type, fields: Sequence[tuple[str, str, ValueType]]) -> Conversion:
    steps = [(name, key, value_type.write) for name, key, value_type in fields]

    def write(value: Any) -> Any:
        if type(value) is not cls:
            raise wrong(f"a {cls.__name__}", value)
        written = {}
        key = ""
        try:
            for name, key, step in steps:
                written[key] = step(getattr(value, name))
        except CodecError as error:
            raise inside(key, error) from None
        return written

    return write


class Parameters:
    """
    The parameters of one command or event, in a JSON object or list.

    Raises:
        ConfigurationError: JSON cannot carry one of them, or two have the same key.
    """

    def __init__(self, fields: Sequence[Field], types: ValueTypes) -> None:
        self._compiled: list[tuple[str, str, ValueType, Any]] = []
        self._fields = tuple(fields)
        self._name_of = types.name_of
        for field in fields:
            with errors_at(f"parameter {field.name}"):
                value_type = types.of(field.type)
            self._compiled.append((types.name_of(field.name), field.name, value_type, field.default))
        self.keys = tuple(key for key, *_ in self._compiled)
        for key, name, *_ in self._compiled:
            if self.keys.count(key) > 1:
                raise ConfigurationError(f"parameter {name}: another parameter has the key {key!r} already")

    def read(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values in an object. Absent ones have their defaults. Raises CodecError."""
        values = {}
        found = 0
        key = ""
        try:
            for key, name, value_type, default in self._compiled:
                if key in members:
                    values[name] = value_type.read(members[key])
                    found += 1
                elif default is MISSING:
                    raise missing("")
                else:
                    values[name] = default
        except CodecError as error:
            raise inside(key, error) from None
        if found != len(members):
            raise unknown(min(members.keys() - set(self.keys)))
        return values

    def read_list(self, members: Sequence[Any]) -> dict[str, Any]:
        """Return the values in a list, by their positions. Raises CodecError."""
        if len(members) > len(self.keys):
            raise CodecError(f"there are {len(self.keys)} parameters, not {len(members)}")
        return self.read(dict(zip(self.keys, members, strict=False)))

    def write(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object for the values. Raises CodecError."""
        written = {}
        name = ""
        try:
            for key, name, value_type, _ in self._compiled:
                written[key] = value_type.write(values[name])
        except CodecError as error:
            raise inside(name, error) from None
        except KeyError:
            raise missing(name) from None
        if len(written) != len(values):
            raise unknown(min(values.keys() - {name for _, name, *_ in self._compiled}))
        return written

    @property
    def members(self) -> list[dict[str, Any]]:
        """The parameters as plain data."""
        return [field_form(each, self._name_of) for each in self._fields]

    @property
    def labels(self) -> dict[str, str]:
        """The label of each parameter for people, by its key."""
        return {key: value_type.label for key, _, value_type, _ in self._compiled}
