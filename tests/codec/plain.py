"""Values of Python as the plain values that programs of other languages have: :func:`plain`."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any

import attrs

__all__ = ["plain"]


def plain(value: Any) -> Any:
    """
    Return a value as plain data.

    An object is its attributes, with the name of its class under an empty key. A member of an enumeration
    is its value, bytes are text in hex, a Decimal is text.
    """
    if attrs.has(type(value)):
        names = [each.name for each in attrs.fields(type(value))]
        return {"": type(value).__name__, **{name: plain(getattr(value, name)) for name in names}}
    match value:
        case Enum():
            return value.value
        case bytes() | memoryview():
            return bytes(value).hex(" ").upper()
        case Decimal():
            return str(value)
        case date() | time():
            return value.isoformat()
        case list() | tuple():
            return [plain(each) for each in value]
        case dict():
            return {key: plain(each) for key, each in value.items()}
    return value
