"""Heartbeats of a session that is no link's: :class:`HeartbeatMonitor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcpcomm.session.heartbeat import Heartbeats, Pulse

if TYPE_CHECKING:
    from tcpcomm.session.protocol import FrameProtocol

__all__ = ["HeartbeatMonitor"]


class HeartbeatMonitor:
    """
    Ends a session whose peer is not heard, and shows the peer that we live.

    Args:
        session: whose peer it is. It is ready, and sends heartbeats if it :attr:`asks` for them.
        beats: how often, and how long silence may last.
    """

    __slots__ = ("_pulse", "_session")

    def __init__(self, session: FrameProtocol, beats: Heartbeats) -> None:
        self._session = session
        now = session._clock.seconds()
        self._pulse = Pulse(beats, now)
        if session.asks and session.heartbeat is not None:
            self._pulse.plan(now)

    def deadline(self) -> float:
        """When there is something to do, if nothing is heard before."""
        self._pulse.hear(self._session._heard)
        return self._pulse.deadline(self._pulse.beats.timeout)

    def act(self) -> None:
        """Judge the peer's silence, and send a heartbeat if one is due."""
        session, pulse = self._session, self._pulse
        now = session._clock.seconds()
        pulse.forgive(now, self.deadline())
        if now >= pulse.heard + pulse.beats.timeout:
            session.abort(f"no heartbeat for {now - pulse.heard:.2f} s")
        elif now >= pulse.next_beat and session.heartbeat is not None:
            pulse.plan(now)
            session._guarded(self._ask, session.heartbeat.request)

    def _ask(self, request: bytes) -> None:
        self._session.sendBytes(self._session.send_framing.encode(request))
