"""The limits of what one frame may hold, so that reading it takes little time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from tcpcomm.errors import CodecError, ConfigurationError

MAX_ITEMS: Final = 10_000
"""
Items of a list of a ``Template``, or of a list of ``Binary`` that does not hold numbers, unless
``max_items`` says otherwise. A longer list is refused with its frame.
"""

MAX_DEPTH: Final = 64
"""
Values inside each other, of a type of ``Binary`` that contains itself. Deeper frames and values are
refused.
"""

MAX_BATCH: Final = 1000
"""
Messages in one batch of ``JsonRpc``, unless ``max_batch`` says otherwise. One error answers the whole
batch.
"""

MAX_VALUES: Final = 50_000
"""
Values in one frame of ``Json`` or ``JsonRpc``, unless ``max_values`` says otherwise. A frame with more
values is refused.
"""

_max_items: Final = ContextVar("_max_items", default=MAX_ITEMS)


def positive(instance: object, attribute: Any, value: Any) -> None:
    """Raise ConfigurationError unless the value of an attrs field is a positive whole number."""
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"{attribute.name} must be a whole number of at least 1, not {value!r}")


@contextmanager
def limited_lists(most: int) -> Iterator[None]:
    """Give this limit of items to the lists of all messages that are compiled meanwhile."""
    token = _max_items.set(most)
    try:
        yield
    finally:
        _max_items.reset(token)


def limit_of_lists() -> int:
    """Return the limit of items for a list that is compiled now."""
    return _max_items.get()


def check_length(count: int, most: int) -> None:
    """Raise CodecError if a list has more items than it may have."""
    if count > most:
        raise CodecError(f"the list has {count} items, and may have {most} (max_items)")
