"""Start and stop a service again and again, one after the other: :class:`LinkSwitch`."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred


class LinkSwitch:
    """
    Runs a service while it is wanted. A start waits until the stop before it is done.

    Args:
        service: the service, such as a link of a gateway.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._is_wanted = False
        self._stopping: Deferred[Any] | None = None

    def on(self) -> None:
        """Start the service, or let it run."""
        self._is_wanted = True
        self._change()

    def off(self) -> None:
        """Stop the service, if it runs."""
        self._is_wanted = False
        self._change()

    def _change(self) -> None:
        if self._stopping is not None:
            return  # this is called again when that is done
        if self._is_wanted and not self._service.running:
            self._service.startService()
        elif self._service.running and not self._is_wanted:
            self._stopping = stopping = maybeDeferred(self._service.stopService)
            stopping.addBoth(self._stopped)

    def _stopped(self, result: Any) -> Any:
        self._stopping = None
        self._change()
        return result
