"""Supervisors for the tests of their rules, and how to bring one to any state."""

from __future__ import annotations

from random import Random

from tcpcomm.link.policy import Backoff, Policy
from tcpcomm.link.states import LinkState
from tcpcomm.link.supervisor import Supervisor
from tcpcomm.session.heartbeat import Heartbeats

__all__ = ["POLICY", "SILENT", "USABLE", "brought_to", "supervisor"]

POLICY = Policy(
    connect_timeout=0.1,
    resolve_timeout=0.5,
    handshake_timeout=1.0,
    backoff=Backoff(quick=0.05, quick_for=1.0, cap=2.0, floor=0.02),
    heartbeats=Heartbeats(0.1, 0.3),
    grace=5.0,
)

SILENT = Policy(connect_timeout=0.1, backoff=Backoff(quick=0.05, cap=2.0))

USABLE = (LinkState.READY, LinkState.SUSPECT)


def supervisor(policy: Policy = POLICY, *, dials: bool = True, seed: int = 0) -> Supervisor:
    return Supervisor(policy, dials=dials, random=Random(seed))


def brought_to(state: LinkState, policy: Policy = POLICY) -> Supervisor:
    """Return a supervisor in that state, at time 0; from SUSPECT on, at 0.2."""
    link = supervisor(policy)
    if state is LinkState.DOWN:
        return link
    link.start(0.0)
    if state is LinkState.CONNECTING:
        return link
    link.connected(0.0)
    if state is LinkState.HANDSHAKING:
        return link
    if state is LinkState.DRAINING:
        link.stop(0.0)
        return link
    link.heard(0.0)
    link.steps_done(0.0)
    if state is LinkState.SUSPECT:
        link.tick(0.1)
        link.tick(0.2)
    return link
