"""
Which engine turns JSON's text into values and back: :func:`engine`, chosen when the program starts.

``standard`` is Python's json, which decides what is read, what is written, and what is refused in which
words. Any other is a shortcut: it does the same faster, or leaves it to the standard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

__all__ = ["ENGINES", "Shortcut", "engine", "using"]


class Shortcut(Protocol):
    """Does what it can prove to be what the standard does, and nothing else; it raises nothing."""

    def read(self, text: str) -> Any:
        """What a text holds, or UNSAID."""

    def write(self, value: Any) -> str | None:
        """The text that holds a value, or None."""


ENGINES: Final[dict[str, Callable[[bool], Shortcut | None]]] = {"standard": lambda ascii: None}
"""Those that are installed, by name. Each is told whether what it writes must be ASCII."""

try:
    from tcpcomm.codec.json.msgspec_engine import Msgspec
except ImportError:
    pass  # the extra fast is not installed
else:
    ENGINES["msgspec"] = Msgspec

_FASTEST: Final = [*ENGINES.values()][-1]
_chosen: Final = ContextVar("_chosen", default=_FASTEST)


def engine(ascii: bool) -> Shortcut | None:
    """For one codec: msgspec's shortcut where it is installed, unless :func:`using` says otherwise."""
    return _chosen.get()(ascii)


@contextmanager
def using(name: str) -> Iterator[None]:
    """What is bound meanwhile has this one of :data:`ENGINES`: so tests and benchmarks compare them."""
    token = _chosen.set(ENGINES[name])
    try:
        yield
    finally:
        _chosen.reset(token)
