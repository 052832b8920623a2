"""Conversion of numpy values, and similar ones, to Python values, without an import of numpy."""

from __future__ import annotations

from typing import Any

from tcpcomm.codec.problems import wrong


def native(value: Any) -> Any:
    """Return a value with a ``dtype``, as numpy has, as a Python list or number; others unchanged."""
    if hasattr(type(value), "dtype") and hasattr(type(value), "tolist"):
        return value.tolist()
    return value


def native_list(value: Any, expected: str) -> list[Any]:
    """Return an array as a Python list; raise CodecError, with ``expected``, for any other value."""
    found = native(value)
    if found is value or type(found) is not list:
        raise wrong(expected, value)
    return found
