"""Conversion of numpy values, and similar ones, to Python values, without an import of numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_origin

from tcpcomm.codec.problems import wrong


def native(value: Any) -> Any:
    """Return a value with a ``dtype``, as numpy has, as a Python list or number; others unchanged."""
    if hasattr(type(value), "dtype") and hasattr(type(value), "tolist"):
        return value.tolist()
    return value


def numpy_advice(annotation: Any) -> str | None:
    """Return the correction of an annotation that names a type of numpy, or None if it names none."""
    kind = get_origin(annotation) or annotation
    if not (isinstance(kind, type) and hasattr(kind, "dtype") and hasattr(kind, "tolist")):
        return None
    if hasattr(kind, "__setitem__"):
        return (
            f"{kind.__name__} does not say what is in it: write list[float], or list[list[float]] for a "
            "table; numpy's arrays may be sent as such lists, and lists arrive"
        )
    return f"{kind.__name__} is numpy's: write float or int; numpy's numbers may be sent as such"


def native_list(value: Any, expected: str) -> list[Any]:
    """Return an array as a Python list; raise CodecError, with ``expected``, for any other value."""
    found = native(value)
    if found is value or type(found) is not list:
        raise wrong(expected, value)
    return found


def list_of(size: int) -> Callable[[Any], list[Any]]:
    """Return a function that returns a list or array of this size as a list, or raises CodecError."""
    expected = f"a list of {size}"

    def take(value: Any) -> list[Any]:
        found: list[Any] = value if type(value) is list else native_list(value, expected)
        if len(found) != size:
            raise wrong(expected, found)
        return found

    return take
