"""
The engines that turn JSON's text into values and back: :func:`engine` chooses one when the program starts.

The standard engine is Python's json. It decides which texts are read, which are written, and the words of
each error. A fast engine does the same in less time, or leaves the work to the standard engine.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Protocol

from tcpcomm._lazy import HiddenPackage, check_package


class FastEngine(Protocol):
    """Does only what the standard engine would provably do as well, and raises nothing."""

    def read(self, text: str) -> Any:
        """Return the value in a text, or MISSING if the standard engine must read it."""

    def write(self, value: Any) -> str | None:
        """Return the text for a value, or None if the standard engine must write it."""


ENGINES: Final[dict[str, Callable[[bool], FastEngine | None]]] = {"standard": lambda ascii: None}
"""The installed engines by name. The argument says whether only ASCII may be written."""

try:
    check_package("msgspec")
    from tcpcomm.codec.json.msgspec_engine import Msgspec
except HiddenPackage as hidden:
    warnings.warn(f"JSON is read and written by Python's json: {hidden}", RuntimeWarning, stacklevel=2)
except ImportError:
    pass  # the extra fast is not installed
else:
    ENGINES["msgspec"] = Msgspec

_FASTEST: Final = [*ENGINES.values()][-1]
_chosen: Final = ContextVar("_chosen", default=_FASTEST)


def engine(ascii: bool) -> FastEngine | None:
    """Return a fast engine, or None if there is none, or :func:`using` chose the standard engine."""
    return _chosen.get()(ascii)


@contextmanager
def using(name: str) -> Iterator[None]:
    """Give this engine to all codecs that are bound meanwhile, so that tests and benchmarks can compare."""
    token = _chosen.set(ENGINES[name])
    try:
        yield
    finally:
        _chosen.reset(token)
