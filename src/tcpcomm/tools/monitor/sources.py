"""The sources of a page, which are its first screen: links, servers and taps: :class:`Source`."""

from __future__ import annotations

import re
from typing import Any, Final

from tcpcomm.link.states import LinkState
from tcpcomm.tools.monitor.figures import Figures
from tcpcomm.tools.monitor.rows import RowHistory

LINK: Final = "link"
SERVER: Final = "server"
TAP: Final = "tap"

_OUTAGE: Final = (LinkState.DOWN.value, LinkState.CONNECTING.value, LinkState.HANDSHAKING.value)
"""States of a link without a peer: they count from the begin of the first one."""

CLOSED_BY_PAGE: Final = "closed from the monitor"
"""The reason of a session that somebody ended on the page."""

_WANTED_ENDS: Final = (
    "stopped here", "closed here", "the connection was aborted here", CLOSED_BY_PAGE, "not started",
    "waiting for the peer to connect",
)  # fmt: skip
_WANTED_ENDS_OF_SESSIONS: Final = (
    *_WANTED_ENDS, "the peer closed the connection", "the peer hung up", "the peer said QUIT",
    "the port is known", "the host closed", "the equipment closed",
)  # fmt: skip
_HALF: Final = "in the middle of a frame"
_IN_VAIN: Final = re.compile(r"\bin time\b|\bwithin [0-9.e+-]+ s\b|\bsilent\b")
"""Reasons of an end because somebody waited in vain."""


class Source:
    """
    One entry of the first screen.

    Attributes:
        id: its id on the page.
        kind: ``link``, ``server`` or ``tap``.
        subject: the link, the factory of the sessions, or the tap.
        name: its name for people.
        addresses: the places where it listens, or that it connects to.
        state: the state of a link; ``listening`` or ``idle``.
        since: the begin of that state or, for a link without a peer, of the outage.
        reason: the reason of the state.
        reconnects: how often a link was ready again after its first time.
        error: the last fault of the framing, or the last end that nobody wanted, with its time, or None.
        cause: the last fault since a command was asked or answered. If then somebody waits in vain, it is
            probably the reason, and stands in ``error`` before that end.
    """

    def __init__(
        self, id: str, kind: str, subject: Any, *, now: float, time: float, history: RowHistory
    ) -> None:
        self.id = id
        self.kind = kind
        self.subject = subject
        self.name = kind
        self.addresses: list[str] = []
        self.declaration: Any = None
        self.is_equipment = kind != LINK
        self.state = LinkState.DOWN.value if kind == LINK else "idle"
        self.since = time
        self.reason = ""
        self.reconnects = 0
        self.error: tuple[str, float] | None = None
        self.session: int | None = None
        self.open_sessions = 0
        self.figures = Figures(now)
        self.history = history
        self.used_at = now
        self._was_ready = False
        self.cause = ""

    def link_state(self, state: str, reason: str, time: float) -> None:
        """Note the state of a link."""
        before, self.state, self.reason = self.state, state, reason
        if not (before in _OUTAGE and state in _OUTAGE):
            self.since = time
        if state == LinkState.READY.value and before != LinkState.SUSPECT.value:
            self.reconnects += self._was_ready
            self._was_ready = True
        if state == LinkState.DOWN.value:
            self.ended(reason, time, is_link=True)

    def listens(self, address: str, time: float) -> None:
        """Note a place where a server listens."""
        if address not in self.addresses:
            self.addresses.append(address)
        self.state, self.since = "listening", time

    def broke(self, reason: str, time: float) -> None:
        """Note a fault of the framing."""
        self.cause = reason
        self.error = reason, time

    def ended(self, reason: str, time: float, *, is_link: bool = False) -> None:
        """Note the end of a session or of an attempt; keep its reason if nobody wanted it."""
        wanted = _WANTED_ENDS if is_link else _WANTED_ENDS_OF_SESSIONS
        if _HALF in reason or not reason.startswith(wanted):
            has_cause = self.cause and _IN_VAIN.search(reason)
            self.error = f"{self.cause}; then: {reason}" if has_cause else reason, time
        self.cause = ""

    def facts(self, now: float, declaration: str | None, *, history: bool) -> dict[str, Any]:
        """Return all that the page shows of the source, in types that JSON has."""
        error = self.error
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "declaration": declaration,
            "equipment": self.is_equipment,
            "address": ", ".join(self.addresses),
            "state": self.state,
            "reason": self.reason,
            "since": self.since,
            "reconnects": self.reconnects,
            "error": None if error is None else {"text": error[0], "time": error[1]},
            "session": self.session,
            "sessions": self.open_sessions,
            "kept": len(self.history),
            **self.figures.facts(now, history=history),
        }
