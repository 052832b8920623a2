"""The limits of what one frame may hold, so that reading it takes little time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from tcpcomm.errors import CodecError, ConfigurationError

MAX_ITEMS: Final = 10_000
"""The default limit of a list in a template, and of a list of values that ``Binary`` reads one by one."""

MAX_DEPTH: Final = 64
"""How deep the values of a binary type that contains itself may be inside each other."""

MAX_BATCH: Final = 1000
"""The default limit of a batch of JSON-RPC, in messages."""

MAX_VALUES: Final = 50_000
"""The default limit of a frame of JSON, in values."""

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
