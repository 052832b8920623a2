"""Conversion of numpy values, and similar ones, to Python values: :func:`native`. It imports no numpy."""

from __future__ import annotations

from typing import Any

from tcpcomm.codec.problems import wrong


def native(value: Any) -> Any:
    """
    Return a numpy array or scalar, or a similar value with a ``dtype``, as a Python list or number.

    Any other value is returned unchanged. The type of the result is not checked here.
    """
    if hasattr(type(value), "dtype") and hasattr(type(value), "tolist"):
        return value.tolist()
    return value


def native_list(value: Any, expected: str) -> list[Any]:
    """
    Return an array as a Python list.

    Args:
        value: the array.
        expected: a description of the values that are accepted, for the error.

    Raises:
        CodecError: the value is not an array.
    """
    found = native(value)
    if found is value or type(found) is not list:
        raise wrong(expected, value)
    return found
