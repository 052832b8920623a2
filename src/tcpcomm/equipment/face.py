"""Groups of calls on one device, such as those for the holding registers of a PLC: :class:`Face`."""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar

D = TypeVar("D")


class Face(Generic[D]):
    """
    A group of calls on one device, such as ``plc.holding``. Subclass it.

    A property of a declaration returns it, or a method such as ``plc.block(1)``. Its methods build upon the
    commands of the device, and return awaitables; those of a blocking proxy return the result. Indexing it
    (``plc.holding[5]``) and calling it (``plc.holding(5, 10)``) are such methods, too, and
    ``tcpcomm call`` does the latter.

    Args:
        device: the proxy that carries its commands.
    """

    def __init__(self, device: D) -> None:
        self.device = device

    __iter__ = None
    """Nothing, because Python would index a face again and again: each time is a message to the device."""

    __contains__ = None

    def __setitem__(self, place: Any, value: Any) -> NoReturn:
        """Raise TypeError: a write has an outcome that is awaited, and an assignment has none."""
        raise TypeError(f"call a method that writes, such as write({place!r}, {value!r}): nothing was sent")
