"""How much one session, and all sessions together, may cost: every limit and its default, in one place."""

from __future__ import annotations

from typing import Any, Final, Protocol

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError

__all__ = ["Limits", "default_max_sessions", "handshake_overdue", "idle_overdue", "reading_overdue"]

MAX_SESSIONS: Final = 1000
FILES_KEPT_FREE: Final = 64
"""File descriptors that sessions leave to logs, handlers and listening sockets."""

SELECTABLE_ON_WINDOWS: Final = 512
"""Sockets that CPython's select(), which Twisted uses on Windows, takes there."""


def _positive(instance: object, attribute: Any, value: float | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise ConfigurationError(f"{attribute.name} must be a number, not {value!r}")
    if value is not None and value <= 0:
        raise ConfigurationError(f"{attribute.name} must be positive, not {value}")


@frozen(kw_only=True)
class Limits:
    """
    The limits of one session. Times are in seconds, sizes in bytes.

    Raises:
        ConfigurationError: a limit is not positive, or the unread limits contradict each other.
    """

    handshake: float = field(default=2.0, validator=_positive)
    """How long TLS, and the proof of the peer by its key, may take before the session is ready."""

    partial: float = field(default=5.0, validator=_positive)
    """How long a frame that has begun may take to end, besides its bytes at ``slowest``."""

    slowest: float = field(default=64 * 1024.0, validator=_positive)
    """Bytes a second: what a large frame must reach on average."""

    idle: float | None = field(default=600.0, validator=_positive)
    """
    How long a peer may be silent while it is owed nothing; None: for ever.

    A server keeps to the second what is a minute or more.
    """

    unread_pause: int = field(default=256 * 1024, validator=_positive)
    """So many bytes that the peer has not read, and no more is read from it."""

    unread_abort: int = field(default=4 * 1024 * 1024, validator=_positive)
    """So many, and the session is aborted. Never less than two of the longest frames."""

    stall: float = field(default=10.0, validator=_positive)
    """How long a peer may take nothing of what it is sent."""

    awaited: int = field(default=1000, validator=_positive)
    """So many handlers that have not finished, and no more is read until one has."""

    def __attrs_post_init__(self) -> None:
        if self.unread_pause > self.unread_abort:
            raise ConfigurationError(
                f"unread_pause={self.unread_pause} must not exceed unread_abort={self.unread_abort}"
            )


def default_max_sessions() -> int:
    """How many sessions a server takes: 1000, or what the limit on open files or sockets leaves."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return SELECTABLE_ON_WINDOWS - FILES_KEPT_FREE
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_SESSIONS
    return max(1, min(MAX_SESSIONS, soft - FILES_KEPT_FREE))


class LimitedSession(Protocol):
    """The part of a session that the functions below need."""

    limits: Limits
    awaits_proof: bool

    def close(self, reason: str = ...) -> None: ...
    def abort(self, reason: str = ...) -> None: ...


def handshake_overdue(session: LimitedSession) -> None:
    """Abort a session that has not become ready within its limit."""
    missing = "the peer was not proven" if session.awaits_proof else "TLS was not established"
    session.abort(f"{missing} within {session.limits.handshake:g} s")


def reading_overdue(session: LimitedSession) -> None:
    """Abort a session that the peer does not read from."""
    session.abort(f"the peer does not read: it took nothing for {session.limits.stall:g} s")


def idle_overdue(session: LimitedSession) -> None:
    """Close a session that was idle for too long."""
    session.close(f"the peer was silent for {session.limits.idle:g} s")
