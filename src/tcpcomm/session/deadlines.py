"""What a session waits for, and what is done when that has taken too long: :func:`deadlines`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpcomm.session.protocol import FrameProtocol

__all__ = ["deadlines"]


def deadlines(session: FrameProtocol) -> Iterator[tuple[float, Callable[[FrameProtocol], None]]]:
    """
    Tell what there will be to do, and when, if nothing else happens before.

    Args:
        session: whose deadlines they are, by its limits and by what it is at. It is only looked at, and
            closed or aborted when the time has come.
    """
    limits = session.limits
    if session._aborted:
        return
    if session._leaving is not None:
        yield session._leaving.deadline(session._heard), _leave
        return
    if not session._ready:
        yield session._heard + limits.handshake, _no_handshake
        return
    blocked_since = session._outgoing.blocked_since
    if blocked_since is not None:
        yield blocked_since + limits.stall, _not_read
    if session._vigil is not None and not (session._reading_stopped or session.input_ended):
        yield session._vigil.deadline(), _watch
    if session.is_held:
        return
    if session._begun is not None and not session.input_ended:
        if session.gap is not None and session._decoder.ends_by_silence:
            yield session._heard + session.gap, _fell_silent
        slack = limits.partial + session._decoder.buffered / limits.slowest
        yield session._begun + slack, _not_finished
    if limits.idle is not None and not session._awaited and blocked_since is None:
        yield max(session._heard, session._served) + limits.idle, _idle


def _leave(session: FrameProtocol) -> None:
    assert session._leaving is not None
    if not session._leaving.overdue():
        stall = session.limits.stall
        session.abort(f"{session.reason}; the peer took nothing of the rest for {stall:g} s")


def _no_handshake(session: FrameProtocol) -> None:
    what = "the peer was not proven" if session.awaits_proof else "TLS was not established"
    session.abort(f"{what} within {session.limits.handshake:g} s")


def _not_read(session: FrameProtocol) -> None:
    session.abort(f"the peer does not read: it took nothing for {session.limits.stall:g} s")


def _watch(session: FrameProtocol) -> None:
    assert session._vigil is not None
    session._vigil.act()


def _fell_silent(session: FrameProtocol) -> None:
    session._fell_silent()


def _not_finished(session: FrameProtocol) -> None:
    assert session._begun is not None
    elapsed = session._clock.seconds() - session._begun
    problem = f"the peer began a frame and did not finish it within {elapsed:.1f} s"
    details = f": {session.unfinished}" if session.unfinished else ""
    session.log.warn("{peer}: {problem}{details}", peer=session.peer, problem=problem, details=details)
    session.close(problem)


def _idle(session: FrameProtocol) -> None:
    session.close(f"the peer was silent for {session.limits.idle:g} s")
