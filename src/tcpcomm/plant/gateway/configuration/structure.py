"""
Tables of TOML to attrs classes, strictly, with every mistake at once: :class:`Structurer`.

cattrs finds the rule for each type. Nothing is converted in silence: text is not a number, True is not 1,
and a key that no attribute has is a mistake. A whole number is taken where a float is wanted.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from math import isfinite
from pathlib import Path as FilePath
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError

from tcpcomm.codec.problems import brief_repr
from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.gateway.configuration.mistakes import MistakeList, Path, did_you_mean, path_text

KEY: Final = "tcpcomm.key"
"""The entry of an attribute's metadata with its key in the file, if that is not its name."""

_KEYS_SHOWN: Final = 100
_SCALARS: Final[dict[type, str]] = {str: "text", bool: "true or false", int: "a whole number"}


class _Unusable(Exception):
    """A value cannot be used. The mistake is in the list already."""


class Structurer:
    """
    Makes attrs objects of tables. A wrong value is a mistake in the list, and its attribute is left out.

    Args:
        mistakes: takes the mistakes.
    """

    def __init__(self, mistakes: MistakeList) -> None:
        self._mistakes = mistakes
        self._path: list[str | int] = []
        self._converter = converter = Converter()
        for kind in _SCALARS:
            converter.register_structure_hook(kind, _scalar)
        converter.register_structure_hook(float, _float)
        converter.register_structure_hook(FilePath, lambda value, _: FilePath(_scalar(value, str)))
        converter.register_structure_hook_func(_is_any, lambda value, _: value)
        converter.register_structure_hook_func(_is_literal, _literal)
        converter.register_structure_hook_func(_is_enum, _enum)
        converter.register_structure_hook_func(attrs.has, self._instance)
        converter.register_structure_hook_func(_is_sequence, self._sequence)
        converter.register_structure_hook_func(_is_mapping, self._mapping)
        converter.register_structure_hook_func(_is_union, self._union)

    def register(self, kind: type, structure: Callable[[Any], Any]) -> None:
        """Have values of a type made by a function, which raises ConfigurationError."""
        self._converter.register_structure_hook(kind, lambda value, _: structure(value))

    def structure(self, value: Any, kind: Any, path: Path) -> Any:
        """Return the object of a table, or None if a mistake makes it unusable."""
        self._path = [*path]
        found = self._one(value, kind)
        return None if found is _Unusable else found

    def _one(self, value: Any, kind: Any) -> Any:
        """Return the value at the current path, or _Unusable if it has a mistake, which is in the list."""
        try:
            return self._converter.structure(value, kind)
        except _Unusable:
            return _Unusable
        except (ConfigurationError, StructureHandlerNotFoundError) as error:
            self._mistakes.add_error(tuple(self._path), error)
            return _Unusable

    @contextmanager
    def _at(self, place: str | int) -> Iterator[None]:
        self._path.append(place)
        try:
            yield
        finally:
            self._path.pop()

    def _sequence(self, value: Any, kind: Any) -> Any:
        item = next((each for each in get_args(kind) if each is not ...), Any)
        if not isinstance(value, list | tuple):
            if isinstance(value, dict) and attrs.has(item):
                raise ConfigurationError(f"write [[{path_text(tuple(self._path))}]], with two brackets")
            is_url = isinstance(value, str) and "://" in value  # it may hold a password
            shown = "a single url" if is_url else brief_repr(value)
            raise ConfigurationError(f"must be a list in brackets, not {shown}")
        found = []
        for index, each in enumerate(value):
            with self._at(index):
                made = self._one(each, item)
            if made is not _Unusable or attrs.has(item):
                found.append(None if made is _Unusable else made)  # the others keep their places
        return found if (get_origin(kind) or kind) is list else tuple(found)

    def _mapping(self, value: Any, kind: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ConfigurationError(f"must be a table, not {brief_repr(value)}")
        item = (*get_args(kind), Any, Any)[1]
        found = {}
        for key, each in value.items():
            with self._at(key):
                made = self._one(each, item)
            if made is not _Unusable:
                found[key] = made
        return found

    def _union(self, value: Any, kind: Any) -> Any:
        members = [each for each in get_args(kind) if each is not type(None)]
        likely = [each for each in members if _is_likely(each, value)]
        if len(members) == 1 or likely:
            return self._converter.structure(value, (likely or members)[0])
        problems = []
        for each in members:
            try:
                return self._converter.structure(value, each)
            except ConfigurationError as error:
                problems.append(str(error).partition(", not ")[0].removeprefix("must be "))
            except StructureHandlerNotFoundError:
                continue
        raise ConfigurationError(f"must be {' or '.join(problems)}, not {brief_repr(value)}")

    def _instance(self, value: Any, cls: Any) -> Any:
        if not isinstance(value, dict):
            raise ConfigurationError(f"must be a table, not {brief_repr(value)}")
        attrs.resolve_types(cls)
        known = {key_of(each): each for each in attrs.fields(cls) if each.init}
        for key in value:
            if key not in known:
                hint = did_you_mean(key, known, most=_KEYS_SHOWN)
                self._mistakes.add((*self._path, key), f"is not known here{hint}")
        values: dict[str, Any] = {}
        is_usable, has_mistakes = True, False
        for key, each in known.items():
            with self._at(key):
                if key in value:
                    made = self._attribute(each, value[key])
                    if made is not _Unusable:
                        values[each.alias or each.name] = made
                        continue
                    has_mistakes = True
                elif each.default is attrs.NOTHING:
                    self._mistakes.add(tuple(self._path), "is missing")
                is_usable = is_usable and each.default is not attrs.NOTHING
        if not is_usable:
            raise _Unusable
        try:
            return cls(**values)
        except ConfigurationError:
            if has_mistakes:  # the value that is missing now has its mistake in the list
                raise _Unusable from None
            raise

    def _attribute(self, attribute: attrs.Attribute[Any], value: Any) -> Any:
        """Return the value of one attribute, which its own validators have seen."""
        try:
            try:
                kind: Any = attribute.type
                found = self._converter.structure(value, kind)
            except StructureHandlerNotFoundError:
                found = value  # its converter or its validator knows the type
            found = _converted(attribute, found)
            _validate(attribute, found)
        except _Unusable:
            return _Unusable
        except ConfigurationError as error:
            self._mistakes.add_error(tuple(self._path), error)
            return _Unusable
        return found


def key_of(attribute: attrs.Attribute[Any]) -> str:
    """Return the key of an attribute in a file."""
    return str(attribute.metadata.get(KEY, attribute.name))


def _converted(attribute: attrs.Attribute[Any], value: Any) -> Any:
    convert: Any = attribute.converter
    if convert is None or not callable(convert):
        return value
    try:
        return convert(value)
    except ConfigurationError:
        raise
    except (TypeError, ValueError, LookupError) as error:
        raise ConfigurationError(f"is wrong: {error}") from None


def _validate(attribute: attrs.Attribute[Any], value: Any) -> None:
    if attribute.validator is None:
        return
    try:
        attribute.validator(None, attribute, value)
    except ConfigurationError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigurationError(str(error.args[0]) if error.args else "is not allowed") from None


def _is_likely(kind: Any, value: Any) -> bool:
    """Return True if a member of a union is the one that a table or a list is for."""
    if isinstance(value, dict):
        return attrs.has(kind) or _is_mapping(kind)
    return isinstance(value, list) and _is_sequence(kind)


def _scalar(value: Any, kind: Any) -> Any:
    if type(value) is not kind:
        if kind is str and type(value) in (int, float):
            raise ConfigurationError(f'must be text, not {value}: write "{value}"')
        raise ConfigurationError(f"must be {_SCALARS[kind]}, not {brief_repr(value)}")
    return value


def _float(value: Any, _: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ConfigurationError(f"must be a number, not {brief_repr(value)}")
    return float(value)


def _literal(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    for each in choices:
        if type(each) is type(value) and each == value:
            return each
    raise ConfigurationError(f"must be one of {', '.join(map(repr, choices))}, not {brief_repr(value)}")


def _is_literal(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Literal


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _enum(value: Any, kind: Any) -> Any:
    for each in kind:
        if type(each.value) is type(value) and each.value == value:
            return each
    names = ", ".join(repr(each.value) for each in kind)
    raise ConfigurationError(f"must be one of {names}, not {brief_repr(value)}")


def _is_any(kind: Any) -> bool:
    return kind is Any


def _is_sequence(kind: Any) -> bool:
    return (get_origin(kind) or kind) in (list, tuple, Sequence, Iterable)


def _is_mapping(kind: Any) -> bool:
    return (get_origin(kind) or kind) in (dict, Mapping)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)
