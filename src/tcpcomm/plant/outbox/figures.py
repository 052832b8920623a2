"""The figures of an outbox: :class:`OutboxFigures`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

DELIVERING: Final = "delivering"
"""The state of a sink without a problem."""


@frozen(kw_only=True)
class SinkFigures:
    """The figures of one sink of an outbox. The counts go on over restarts: the file has them."""

    depth: int
    """The messages that wait for the sink, without those set aside."""
    oldest_age: float
    """The seconds since the oldest of them was posted; 0.0 if none waits."""
    delivered: int
    """The messages that the sink has confirmed."""
    refused: int
    """The times that the sink refused a message."""
    expired: int
    """The messages that expired before they were delivered."""
    set_aside: int
    """The messages that are set aside now."""
    state: str
    """``delivering``, or the problem in words."""


@frozen(kw_only=True)
class OutboxFigures:
    """The figures of an outbox."""

    sinks: Mapping[str, SinkFigures]
    """The sinks by name; also those that only the file knows, because messages for them are left."""
    posted: int
    """The messages that the outbox has taken since its file was made."""
    not_taken: int
    """The posts that were refused since the program started."""
    bytes: int
    """The bytes of the file that hold messages."""
    problem: str
    """The reason why the file cannot be written, in words; empty if it can."""
