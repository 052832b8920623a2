"""
The rules by which a request may see, or do, something: :class:`Access`. It knows no web.

A page of another site must not reach the monitor through the browser of somebody who may. So the Host must
be a name of ours, which stops DNS rebinding, and the Origin must be our own. Every write needs the token.
At an address that other machines can reach, reading needs it, too.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final

from tcpcomm.errors import ConfigurationError

MOST_WRONG_TOKENS: Final = 10
"""
Wrong tokens from one address within a minute. For the rest of the minute, every token from there is
refused.
"""

SHORTEST_TOKEN: Final = 16
"""Characters that a token must have at least."""

_MOST_ADDRESSES: Final = 1000
_MINUTE: Final = 60.0
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_TOKEN: Final = re.compile(rf"[A-Za-z0-9_~.-]{{{SHORTEST_TOKEN},200}}")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Denied(Exception):
    """
    A request is refused.

    Attributes:
        status: the HTTP status.
        text: the reason, for the person at the page.
        field: the field of a form that is wrong, or None.
    """

    def __init__(self, status: int, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.field = field


def is_loopback(interface: str) -> bool:
    """Return True if only programs of this machine can reach an interface."""
    try:
        return ip_address(interface).is_loopback
    except ValueError:
        return interface == "localhost"


class Access:
    """
    Decides on each request.

    Args:
        interface: the address at which the monitor listens.
        seconds: returns the time in seconds.
        token: the token; None: a new one.
        read_only: True if nothing may be written.
        names: further names of this machine that a browser may call it by.

    Raises:
        ConfigurationError: the token is too short, or a name cannot be one.
    """

    def __init__(
        self,
        interface: str,
        seconds: Callable[[], float],
        *,
        token: str | None = None,
        read_only: bool = False,
        names: Iterable[str] = (),
    ) -> None:
        if token is not None and not _TOKEN.fullmatch(token):
            raise ConfigurationError(
                f"the token of a monitor must have at least {SHORTEST_TOKEN} letters and digits: leave it "
                "out, and the monitor makes one"
            )
        self.token = token or secrets.token_urlsafe(24)
        self.read_only = read_only
        self.is_local = is_loopback(interface)
        self._seconds = seconds
        self._names = {*_LOOPBACK, interface.lower(), *(each.lower() for each in names)}
        for each in names:
            if not _HOST.fullmatch(each) or ":" in each:
                raise ConfigurationError(f"{each!r} is not the name of a machine, such as line3.local")
        self._any_address = interface in ("", "0.0.0.0", "::")
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def check_host(self, host: str | None) -> None:
        """Raise Denied if a Host header is not a name of this monitor."""
        match = _HOST.fullmatch(host or "")
        name = "" if match is None else match[1].strip("[]").lower()
        if name in self._names or (self._any_address and _is_address(name)):
            return
        raise Denied(
            403,
            f"the monitor does not answer to the name {name or 'that the request has'!r}: open it by the "
            "address that it printed, or give this name with --monitor-host",
        )

    def check_origin(self, origin: str | None, host: str, fetched_by: str | None = None) -> None:
        """
        Raise Denied if a page of another site made the request.

        Args:
            origin: the header Origin, or None.
            host: the header Host, which is ours.
            fetched_by: the header Sec-Fetch-Site, or None.
        """
        own = origin is None or origin.partition("://")[2].lower() == host.lower()
        if not own or fetched_by not in (None, "same-origin", "none"):
            raise Denied(403, "a page of another site asked this, which may not use the monitor")

    def check_reading(self, token: str | None, address: str) -> None:
        """Raise Denied if reading needs the token, and this is not it."""
        if not self.is_local:
            self._check_token(token, address)

    def check_writing(self, token: str | None, address: str) -> None:
        """Raise Denied if nothing may be written, or this is not the token."""
        if self.read_only:
            raise Denied(403, "the monitor was started read-only, so it changes nothing")
        self._check_token(token, address)

    def why_not_writing(self, token: str | None, address: str) -> str:
        """Return the reason why this token does not allow to write, or an empty text if it does."""
        if self.read_only:
            return "the monitor was started read-only"
        try:
            self._check_token(token, address)
        except Denied as denied:
            return denied.text
        return ""

    def _check_token(self, token: str | None, address: str) -> None:
        if not token:
            raise Denied(
                401,
                "the token is missing: open the address that the program printed, which ends in #token=…",
            )
        now = self._seconds()
        wrong = [each for each in self._wrong.get(address, ()) if now - each < _MINUTE]
        if len(wrong) >= MOST_WRONG_TOKENS:
            raise Denied(429, "there were too many wrong tokens from your address: wait a minute")
        if not compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            self._wrong[address] = [*wrong, now]
            self._wrong.move_to_end(address)
            if len(self._wrong) > _MOST_ADDRESSES:
                self._wrong.popitem(last=False)
            raise Denied(401, "the token is wrong: the program printed another one when it started last")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
