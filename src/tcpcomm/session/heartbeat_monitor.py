"""The heartbeats of one session that no link supervises: :class:`HeartbeatMonitor`."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Protocol

from tcpcomm.framing.base import Framing
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats, Pulse
from tcpcomm.session.observer import MessageKind, ObservedMessage, ObservedSession, report_bytes


class MonitoredSession(ObservedSession, Protocol):
    """A session that the monitor watches."""

    heartbeat: Heartbeat | None
    heartbeats: Heartbeats | None
    asks: bool
    send_framing: Framing

    def sendBytes(self, data: bytes) -> None: ...
    def abort(self, reason: str = ...) -> None: ...


class HeartbeatMonitor:
    """
    Answers the peer's heartbeats, sends our own, and aborts the session if the peer is silent for too long.

    Args:
        session: the session, which is ready. Its settings decide which of these are done.
        now: the time. The peer counts as heard now.
    """

    __slots__ = ("_pulse", "_session")

    def __init__(self, session: MonitoredSession, now: float) -> None:
        self._session = session
        self._pulse = None if session.heartbeats is None else Pulse(session.heartbeats, now)
        if self._pulse is not None and session.asks and session.heartbeat is not None:
            self._pulse.plan(now)

    def answer(self, frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """
        Answer the heartbeats at the beginning of some frames.

        Returns:
            The frames up to the next heartbeat, and the rest.
        """
        heartbeat = self._session.heartbeat
        if heartbeat is None:
            return frames, []
        answers, others, rest = heartbeat.split(frames)
        self._report(frames[: len(frames) - len(others) - len(rest)], sent=False)
        self._send(answers)
        return others, rest

    def deadline(self, last_received_at: float) -> float:
        """Return the time of the next :meth:`check`. The peer was heard last at ``last_received_at``."""
        if self._pulse is None:
            return inf
        self._pulse.hear(last_received_at)
        return self._pulse.deadline(self._pulse.beats.timeout)

    def check(self, now: float, last_received_at: float) -> None:
        """Abort the session if the peer has been silent for too long. Send a heartbeat if one is due."""
        session, pulse = self._session, self._pulse
        if pulse is None:
            return
        pulse.forgive(now, self.deadline(last_received_at))
        if now >= pulse.heard + pulse.beats.timeout:
            session.abort(f"no heartbeat for {now - pulse.heard:.2f} s")
        elif now >= pulse.next_beat and session.heartbeat is not None:
            pulse.plan(now)
            self._send([session.heartbeat.request])

    def _send(self, frames: Sequence[bytes]) -> None:
        session = self._session
        session.sendBytes(b"".join(map(session.send_framing.encode, frames)))
        report_bytes(session, "frame_sent", frames)
        self._report(frames, sent=True)

    def _report(self, frames: Sequence[bytes], *, sent: bool) -> None:
        report = self._session.observers.message
        if report is not None and self._session.is_declared:
            for frame in frames:
                report(self._session, ObservedMessage(kind=MessageKind.HEARTBEAT, sent=sent, frame=frame))
