"""The limits of one session and of all sessions together, with their defaults."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError

MAX_SESSIONS: Final = 1000
"""
Sessions of a server at once; fewer if the system allows fewer open files, and 384 on Windows. A new
connection is aborted. Change it with ``max_sessions`` or ``--max-sessions``.
"""

MAX_UNPROVEN: Final = 128
"""
Connections that still owe TLS or the proof of a key; fewer if the system allows fewer than 1024 open
files. One of them is dropped at random, from the network that has most.
"""

FILES_KEPT_FREE: Final = 64
"""
Open files that sessions and unproven connections leave for logs, handlers and listening sockets. With
fewer open files, fewer sessions are admitted.
"""

SELECTABLE_ON_WINDOWS: Final = 512
"""The most sockets for CPython's select(), which Twisted uses on Windows."""


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
    """Seconds for TLS and the proof of a key together. Then the connection is aborted."""

    partial: float = field(default=5.0, validator=_positive)
    """
    Seconds for a frame that has begun, besides the time for its bytes at ``slowest``. Then the session is
    closed.
    """

    pause: float | None = field(default=None, validator=_positive)
    """
    Seconds of silence within a frame that has begun, such as T8 of HSMS; None: no limit. Then the session
    is closed.
    """

    slowest: float = field(default=64 * 1024.0, validator=_positive)
    """Bytes a second that a large frame needs on average. A slower frame closes the session."""

    idle: float | None = field(default=600.0, validator=_positive)
    """
    Seconds of silence of a peer that does not wait for a reply; None: no limit. Then the session is
    closed. A limit of a minute or more is kept to the second. ``twistd tcpcomm`` has ``--idle-timeout``
    for it.
    """

    unread_pause: int = field(default=256 * 1024, validator=_positive)
    """Bytes that wait because the peer does not read. Then the session stops reading from the peer."""

    unread_abort: int = field(default=4 * 1024 * 1024, validator=_positive)
    """
    Bytes that wait because the peer does not read, at least two of the longest frames. Then the
    connection is aborted.
    """

    stall: float = field(default=10.0, validator=_positive)
    """
    Seconds for which the peer takes none of the bytes that are sent to it. Then the connection is
    aborted.
    """

    awaited: int = field(default=1000, validator=_positive)
    """
    Handlers that have not finished; each command of a batch counts. No more is read until one has
    finished.
    """

    def __attrs_post_init__(self) -> None:
        if self.unread_pause > self.unread_abort:
            raise ConfigurationError(
                f"unread_pause={self.unread_pause} must not exceed unread_abort={self.unread_abort}"
            )

    def frame_due(self, began_at: float, heard_at: float, size: int) -> float:
        """Return when a frame must be complete. So many bytes came, the last at ``heard_at``."""
        due = began_at + self.partial + size / self.slowest
        return due if self.pause is None else min(due, heard_at + self.pause)

    def overdue_text(self, began_at: float, heard_at: float, now: float) -> str:
        """Return the reason for the end of a session with an overdue frame."""
        if self.pause is not None and now - heard_at >= self.pause:
            return f"the peer began a frame and paused in it for {now - heard_at:.1f} s"
        return f"the peer began a frame and did not finish it within {now - began_at:.1f} s"


def default_max_sessions() -> int:
    """Return the most sessions of a server: 1000, or fewer if open files or sockets are limited."""
    files = _open_files()
    return max(1, min(MAX_SESSIONS, files - FILES_KEPT_FREE - default_max_unproven()))


def default_max_unproven() -> int:
    """Return the most connections that may owe TLS or a proof: 128, or an eighth of the open files."""
    return max(1, min(MAX_UNPROVEN, _open_files() // 8))


def _open_files() -> int:
    """Return the most files and sockets that the process may have open."""
    try:
        resource: Any = import_module("resource")
    except ImportError:  # as on Windows
        return SELECTABLE_ON_WINDOWS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else int(soft)
