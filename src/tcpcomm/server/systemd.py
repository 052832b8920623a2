"""
Tell systemd how a service goes, and that it is alive: :class:`Notifier`.

It follows sd_notify(3). systemd gives the address of a socket in ``NOTIFY_SOCKET``, and in
``WATCHDOG_USEC`` the microseconds within which it wants to hear of the service. The message comes from a
timer of the reactor. So a reactor that hangs is silent, and systemd starts the service again.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall

from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.safe_text import one_line

SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = "WATCHDOG_USEC"
WATCHDOG_PID: Final = "WATCHDOG_PID"

_MICRO: Final = 1_000_000
_LONGEST_STATUS: Final = 200


def notifier_of(variables: MutableMapping[str, str], reactor: Any) -> Notifier | None:
    """
    Return the notifier that the environment asks for, or None if systemd does not want to hear.

    The variables are removed, so that no program that this one starts speaks in its name.

    Args:
        variables: the environment.
        reactor: the reactor, or a test's clock.
    """
    address = variables.pop(SOCKET, "")
    interval, process = variables.pop(WATCHDOG, ""), variables.pop(WATCHDOG_PID, "")
    if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
        return None
    is_for_us = process in ("", str(os.getpid()))
    microseconds = int(interval) if is_for_us and interval.isascii() and interval.isdigit() else 0
    return Notifier(address, reactor, watchdog=microseconds / _MICRO)


class Notifier:
    """
    Sends messages to systemd.

    Args:
        address: the path of the socket; ``@`` begins the name of an abstract one.
        reactor: the reactor, or a test's clock.
        watchdog: the seconds within which systemd must hear of the service; 0.0: it need not.
    """

    log = BoundedLogger()

    def __init__(self, address: str, reactor: Any, *, watchdog: float = 0.0) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._reactor = reactor
        self._interval = watchdog / 2
        self._timer: IDelayedCall | None = None
        self._failed = False

    def ready(self, status: str = "serving") -> None:
        """
        Tell that the service has started, or that it has reloaded. From now on it tells that it is alive.

        Args:
            status: a line for ``systemctl status``.
        """
        self._send("READY=1", f"STATUS={_line(status)}")
        if self._interval and self._timer is None:
            self._alive()

    def reloading(self) -> None:
        """Tell that the service loads its configuration again. Call :meth:`ready` after that."""
        now = time.monotonic_ns() // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}", "STATUS=reloading")

    def stopping(self) -> None:
        """Tell that the service stops. It still tells that it is alive until the reactor ends."""
        self._send("STOPPING=1", "STATUS=stopping")

    def status(self, text: str) -> None:
        """Show a line in ``systemctl status``."""
        self._send(f"STATUS={_line(text)}")

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _alive(self) -> None:
        self._send("WATCHDOG=1")
        self._timer = self._reactor.callLater(self._interval, self._alive)

    def _send(self, *lines: str) -> None:
        """Send a message. A failure is logged once: the service goes on."""
        family: Any = getattr(socket, "AF_UNIX", None)  # Windows has none
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._failed:
                self.log.error(
                    "systemd does not take messages: {reason}", reason=error.strerror or str(error)
                )
            self._failed = True
        else:
            self._failed = False


def _line(text: str) -> str:
    return one_line(text, _LONGEST_STATUS)
