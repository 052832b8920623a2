"""Values of other packages, numpy's above all, as Python's own: :func:`native`. None is imported."""

from __future__ import annotations

from typing import Any

from tcpcomm.codec.problems import wrong

__all__ = ["native", "native_list"]


def native(value: Any) -> Any:
    """
    A value with a ``dtype``, as numpy's arrays and scalars have, as the list or number that it holds.

    Any other value is returned as it is. What it holds is not judged: the declaration does that.
    """
    if hasattr(type(value), "dtype") and hasattr(type(value), "tolist"):
        return value.tolist()
    return value


def native_list(value: Any, says: str) -> list[Any]:
    """
    The list that an array holds.

    Raises:
        CodecError: it is no array; ``says`` is what it should be.
    """
    found = native(value)
    if found is value or type(found) is not list:
        raise wrong(says, value)
    return found
