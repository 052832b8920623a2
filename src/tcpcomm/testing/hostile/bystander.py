"""The good peers that must be served all the time: one with a long session, and newcomers."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import Final

from tcpcomm.testing.hostile.connection import OPEN, Connection
from tcpcomm.testing.hostile.target import ANSWERED, BYSTANDER, NEWCOMER, CannotConnect, Target
from tcpcomm.testing.hostile.verdict import PSK, Wrong

INTERVAL: Final = 0.1
"""Seconds between two requests of the bystander."""

_PATIENCE: Final = 5.0
"""A late reply is waited for so many times longer than it may take, to say how late it is."""


def newcomer(target: Target, *, within: float | None = None) -> tuple[str | None, float]:
    """
    Connect as a new peer, and ask.

    Args:
        within: the seconds to wait for the reply; None: some times longer than it may take.

    Returns:
        The problem, or None if the target answered; and the seconds that it took.
    """
    began = monotonic()
    try:
        with target.open(role=NEWCOMER) as peer:
            outcome = target.ask(
                peer, within=_PATIENCE * target.options.within if within is None else within
            )
    except (CannotConnect, Wrong) as error:
        return str(error), monotonic() - began
    return None if outcome == ANSWERED else outcome, monotonic() - began


class Bystander:
    """
    A good peer with a long session, which asks ten times a second.

    Args:
        target: the target; with the kind psk it needs a second key, or no bystander runs.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._delays: deque[tuple[float, float]] = deque(maxlen=100_000)
        self._lock = Lock()
        self._asked: float | None = None
        self._lost: str | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self.runs = target.kind != PSK or len(target.options.keys) > 2

    def start(self) -> None:
        """Begin to ask."""
        if self.runs:
            self._thread.start()

    def stop(self) -> None:
        """End the session."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE * self._target.options.within + 1)

    def worst(self, since: float) -> float:
        """Return the longest time in seconds for which the bystander has waited since a time."""
        with self._lock:
            delays = [delay for end, delay in self._delays if end >= since]
            if self._asked is not None:
                delays.append(monotonic() - max(self._asked, since))
        return max(delays, default=0.0)

    def lost(self) -> str | None:
        """Return the reason why the session was lost since the last call, or None."""
        with self._lock:
            lost, self._lost = self._lost, None
        return lost

    def _run(self) -> None:
        session: Connection | None = None
        while not self._stop.is_set():
            if session is None:
                with suppress(CannotConnect):
                    session = self._target.open(role=BYSTANDER)
            if session is not None:
                session = self._ask(session)
            self._stop.wait(INTERVAL)
        if session is not None:
            session.close()

    def _ask(self, session: Connection) -> Connection | None:
        with self._lock:
            self._asked = began = monotonic()
        session.received.clear()
        try:
            outcome = self._target.ask(session, within=_PATIENCE * self._target.options.within)
        except Exception as error:  # the judge must outlive everything that a target sends
            outcome = str(error)
        with self._lock:
            self._asked = None
            self._delays.append((monotonic(), monotonic() - began))
            if outcome != ANSWERED:
                self._lost = f"the long session of a good peer: {outcome}"
        if outcome != ANSWERED or session.state is not OPEN:
            session.close()
            return None
        return session
