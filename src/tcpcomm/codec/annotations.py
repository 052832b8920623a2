"""
Functions that read the type annotations of a declaration, for every codec.

Each codec decides for itself which types it can carry.
"""

from __future__ import annotations

import dataclasses
from types import UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

import attrs

from tcpcomm.codec.base import MISSING, Field
from tcpcomm.errors import ConfigurationError


def bare_type(annotation: Any) -> Any:
    """Return an annotation without Annotated, NewType and ``type`` aliases; None becomes ``type(None)``."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = annotation.__origin__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        else:
            return type(None) if annotation is None else annotation


def metadata_of(annotation: Any) -> tuple[Any, ...]:
    """
    Return the metadata of an Annotated type, outermost last: ``(16,)`` for ``Annotated[str, 16]``.

    If an item of the metadata is itself Annotated, as in ``Annotated[Axis, U8]``, its metadata replace it.
    """
    if get_origin(annotation) is Annotated:
        found = [*metadata_of(annotation.__origin__)]
        for each in annotation.__metadata__:
            found += metadata_of(each) or (each,)
        return tuple(found)
    if hasattr(annotation, "__value__"):
        return metadata_of(annotation.__value__)
    return ()


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, with nested unions flattened; empty if it is not a union."""
    annotation = bare_type(annotation)
    if get_origin(annotation) not in (Union, UnionType):
        return ()
    found: list[Any] = []
    for each in get_args(annotation):
        found += union_members(each) or (each,)
    return tuple(found)


def has_fields(kind: Any) -> bool:
    """Return True for an attrs class and for a dataclass."""
    return isinstance(kind, type) and (attrs.has(kind) or dataclasses.is_dataclass(kind))


def fields_of(cls: type) -> tuple[Field, ...]:
    """
    Return the fields of an attrs class or a dataclass that its ``__init__`` takes, in order.

    Raises:
        ConfigurationError: an annotation uses a name that cannot be found, or a field is an InitVar.
    """
    try:
        hints = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError) as error:
        raise ConfigurationError(
            f"the annotations of {cls.__name__} cannot be resolved ({error}): "
            "define or import every name that they use at the top of the module"
        ) from None
    for name, hint in hints.items():
        if isinstance(hint, dataclasses.InitVar):
            raise ConfigurationError(f"{cls.__name__}.{name} is an InitVar, which cannot be read back")
    return tuple(
        Field(each.name, hints.get(each.name, each.type), _default_of(each)) for each in _init_fields(cls)
    )


def arguments_of(cls: type) -> dict[str, str]:
    """Return the argument of ``__init__`` for each field of an attrs class or a dataclass."""
    return {each.name: str(getattr(each, "alias", None) or each.name) for each in _init_fields(cls)}


def takes_names_only(cls: type) -> bool:
    """Return True if ``__init__`` takes a field of an attrs class or a dataclass only by its name."""
    return any(each.kw_only for each in _init_fields(cls))


def _init_fields(cls: Any) -> list[Any]:
    return [each for each in (attrs.fields if attrs.has(cls) else dataclasses.fields)(cls) if each.init]


def _default_of(each: Any) -> Any:
    """Return the default of a field; MISSING if it has none, and a Factory for a factory."""
    if isinstance(each, attrs.Attribute):
        return MISSING if each.default is attrs.NOTHING else each.default
    if each.default_factory is not dataclasses.MISSING:
        return attrs.Factory(each.default_factory)
    return MISSING if each.default is dataclasses.MISSING else each.default


def type_text(annotation: Any) -> str:
    """Return an annotation as a person writes it: ``list[int]``, ``Position``."""
    annotation = bare_type(annotation)
    if annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
