"""The methods of a declaration that can be called by name beside its commands: :func:`method_of`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin, get_type_hints

from attrs import frozen

from tcpcomm.codec.base import MISSING, Field
from tcpcomm.equipment.equipment import Equipment, declaration_of
from tcpcomm.equipment.face import Face


@frozen
class Method:
    """A method of a proxy, or of one of its faces."""

    path: tuple[str, ...]
    """Its name, behind the name of its face: ``("holding", "write")``."""
    parameters: tuple[Field, ...]
    has_result: bool
    result: Any = None
    """The annotation of its result, or None if there is none."""

    def call(self, proxy: Any, values: dict[str, Any]) -> Any:
        """Call it with these values. Return an awaitable."""
        found = proxy
        for name in self.path:
            found = getattr(found, name)
        return found(**values)


def method_of(kind: type[Equipment], name: str) -> Method | None:
    """
    Return the method of a declaration with a name such as ``holding.write``, or None if there is none.

    The name of a face alone, ``holding``, is its ``__call__``.
    """
    found = next((each for each in _methods(kind) if each[0] == name), None)
    if found is None:
        return None
    _, path, function = found
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return Method(
        path,
        tuple(Field(each.name, hints.get(each.name, str), _default(each)) for each in parameters),
        has_result=hints.get("return") is not type(None),
        result=_awaited(hints.get("return")),
    )


def _awaited(annotation: Any) -> Any:
    """Return the annotation of the result, without the Deferred or the like that brings it."""
    arguments = get_args(annotation)
    is_awaitable = hasattr(get_origin(annotation), "__await__")
    return arguments[-1] if arguments and is_awaitable else annotation


def _default(parameter: inspect.Parameter) -> Any:
    return MISSING if parameter.default is parameter.empty else parameter.default


def method_names(kind: type[Equipment]) -> list[str]:
    """Return the names of all methods that :func:`method_of` knows."""
    return [name for name, *_ in _methods(kind)]


def _methods(kind: type[Equipment]) -> Iterator[tuple[str, tuple[str, ...], Callable[..., Any]]]:
    """Yield the name of each method, the path to it, and its function."""
    declaration = declaration_of(kind)
    for name in dir(kind):
        value = inspect.getattr_static(kind, name)
        if name.startswith("_") or hasattr(Equipment, name) or name in declaration.commands:
            continue
        if inspect.isfunction(value) and _face_of(value) is None:
            yield name, (name,), value
        elif isinstance(value, property) and value.fget is not None:
            face = _face_of(value.fget)
            if face is not None:
                yield from _methods_of_face(name, face)


def _face_of(function: Callable[..., Any]) -> type[Face[Any]] | None:
    """Return the class of the face that a function returns, or None if it returns something else."""
    found = get_type_hints(function).get("return")
    return found if isinstance(found, type) and issubclass(found, Face) else None


def _methods_of_face(
    property_name: str, face: type[Face[Any]]
) -> Iterator[tuple[str, tuple[str, ...], Callable[..., Any]]]:
    for name, function in inspect.getmembers(face, inspect.isfunction):
        if name == "__call__":
            yield property_name, (property_name,), function
        elif not name.startswith("_"):
            yield f"{property_name}.{name}", (property_name, name), function
