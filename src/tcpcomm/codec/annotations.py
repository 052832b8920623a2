"""
Annotations taken apart: what every codec asks of the types in a declaration.

Which types a codec can carry is its own affair; here is only how they are read.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints

import attrs

from tcpcomm.codec.base import MISSING, Field
from tcpcomm.errors import ConfigurationError

__all__ = ["bare_type", "fields_of", "metadata_of", "type_text", "union_members"]


def bare_type(annotation: Any) -> Any:
    """An annotation without its Annotated, NewType and ``type`` aliases; None as ``type(None)``."""
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
    What an annotation holds behind its type: the ``16`` of ``Annotated[str, 16]``, outermost last.

    Where an annotation stands behind the type, as in ``Annotated[Axis, U8]``, its marks count.
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
    """The alternatives of a union, with unions inside of it dissolved; empty if it is none."""
    annotation = bare_type(annotation)
    if get_origin(annotation) not in (Union, UnionType):
        return ()
    found: list[Any] = []
    for each in get_args(annotation):
        found += union_members(each) or (each,)
    return tuple(found)


def fields_of(cls: type) -> tuple[Field, ...]:
    """
    The fields that an attrs class is made of, in order.

    Raises:
        ConfigurationError: an annotation names something that cannot be found.
    """
    try:
        hints = get_type_hints(cls, include_extras=True)
    except (NameError, TypeError) as error:
        raise ConfigurationError(
            f"the annotations of {cls.__name__} cannot be resolved ({error}): "
            "what they name must be defined, or imported, at the top of its module"
        ) from None
    return tuple(
        Field(each.name, hints.get(each.name, each.type), _default_of(each))
        for each in attrs.fields(cls)
        if each.init
    )


def _default_of(field: attrs.Attribute[Any]) -> Any:
    return MISSING if field.default is attrs.NOTHING else field.default


def type_text(annotation: Any) -> str:
    """An annotation as a person writes it: ``list[int]``, ``Position``."""
    annotation = bare_type(annotation)
    if annotation is type(None):
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
