"""Log lines about the framing faults of one peer: :class:`FaultLog`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from tcpcomm.net.reasons import one_line
from tcpcomm.runtime.log_throttle import LogThrottle

FAULT_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about the faults of one peer."""


class FaultLog:
    """
    Logs the framing faults of one peer. A peer that sends many of them must not fill the disk.

    Args:
        log: where the lines go.
        peer: the peer's name.
        seconds: returns the time.
    """

    __slots__ = ("_log", "_peer", "_seconds", "_throttle")

    def __init__(self, log: Logger, peer: str, seconds: Callable[[], float]) -> None:
        self._log = log
        self._peer = peer
        self._seconds = seconds
        self._throttle = LogThrottle(FAULT_LOG_INTERVAL)

    def add(self, fault: str) -> None:
        """Log a fault, or count it for the next line."""
        count = self._throttle.count_due(self._seconds())
        if count:
            others = f", and {count - 1} more" if count > 1 else ""
            self._log.warn("{peer}: {fault}{others}", peer=self._peer, fault=one_line(fault), others=others)

    def close(self) -> None:
        """Log the number of faults that no line has counted."""
        if self._throttle.unreported:
            self._log.warn("{peer}: {count} more faults", peer=self._peer, count=self._throttle.unreported)
