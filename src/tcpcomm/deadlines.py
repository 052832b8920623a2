"""What a session waits for, and what is done when that has taken too long: :class:`Deadlines`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.protocol import FrameProtocol

__all__ = ["Deadlines"]


class Deadlines:
    """
    The deadlines of one session, by its limits and by what it is at.

    Args:
        session: whose they are. It is only looked at, and closed or aborted when the time has come.
    """

    __slots__ = ("_session",)

    def __init__(self, session: FrameProtocol) -> None:
        self._session = session

    def __call__(self) -> Iterator[tuple[float, Callable[[], None]]]:
        """What there will be to do, and when, if nothing else happens before."""
        session = self._session
        limits = session.limits
        if session._aborted:
            return
        if session._leaving is not None:
            yield session._leaving.deadline(session._heard), self._leave
            return
        if not session._ready:
            yield session._heard + limits.handshake, self._no_handshake
            return
        blocked_since = session._outgoing.blocked_since
        if blocked_since is not None:
            yield blocked_since + limits.stall, self._not_read
        if session._vigil is not None and not (session._reading_stopped or session._input_ended):
            yield session._vigil.deadline(), session._vigil.act
        if session._held:
            return
        if session._begun is not None and not session._input_ended:
            if session.gap is not None and session._decoder.heeds_silence:
                yield session._heard + session.gap, session._fell_silent
            slack = limits.partial + session._decoder.buffered / limits.slowest
            yield session._begun + slack, self._not_finished
        if limits.idle is not None and not session._awaited and blocked_since is None:
            yield max(session._heard, session._served) + limits.idle, self._idle

    def _leave(self) -> None:
        session = self._session
        assert session._leaving is not None
        if not session._leaving.overdue():
            stall = session.limits.stall
            session.abort(f"{session._reason}; the peer took nothing of the rest for {stall:g} s")

    def _no_handshake(self) -> None:
        what = "the peer was not proven" if self._session.awaits_proof else "TLS was not established"
        self._session.abort(f"{what} within {self._session.limits.handshake:g} s")

    def _not_read(self) -> None:
        stall = self._session.limits.stall
        self._session.abort(f"the peer does not read: it took nothing for {stall:g} s")

    def _not_finished(self) -> None:
        session = self._session
        assert session._begun is not None
        elapsed = session._clock.seconds() - session._begun
        problem = f"the peer began a frame and did not finish it within {elapsed:.1f} s"
        details = f": {session.unfinished}" if session.unfinished else ""
        session.log.warn("{peer}: {problem}{details}", peer=session.peer, problem=problem, details=details)
        session.close(problem)

    def _idle(self) -> None:
        self._session.close(f"the peer was silent for {self._session.limits.idle:g} s")
