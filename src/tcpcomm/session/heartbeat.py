"""
Heartbeats, without I/O: their frames, their interval, and the longest silence.

The same rules hold for a link (:mod:`tcpcomm.link.supervisor`) and for the sessions of a server
(:mod:`tcpcomm.session.heartbeat_monitor`).
"""

from __future__ import annotations

from math import inf
from typing import Any

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError


@frozen
class Heartbeat:
    """
    A pair of frames that shows each side that the other program is alive.

    Args:
        request: the frame that is sent.
        reply: the frame that answers it, which is not delivered. None: the peer need not answer, because it
            sends often enough by itself.
    """

    request: bytes
    reply: bytes | None = None

    def __contains__(self, frame: bytes) -> bool:
        """Return whether a frame is one of the pair, which the user does not get."""
        return frame in (self.request, self.reply)

    def answer(self, frame: bytes) -> bytes | None:
        """Return the answer to a frame of the pair, or None if it needs no answer."""
        return self.reply if frame == self.request and frame != self.reply else None

    def split(self, frames: list[bytes]) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """
        Split frames at heartbeats, so that each heartbeat is answered in its turn.

        Returns:
            The answers to the heartbeats at the beginning, the frames up to the next heartbeat, and the
            rest.
        """
        first = next((n for n, frame in enumerate(frames) if frame not in self), len(frames))
        last = next((n for n in range(first, len(frames)) if frames[n] in self), len(frames))
        answers = [answer for answer in map(self.answer, frames[:first]) if answer is not None]
        return answers, frames[first:last], frames[last:]


@frozen
class Heartbeats:
    """
    The interval of heartbeats, and the longest silence, in seconds.

    ``timeout`` is at least two intervals, so that one lost or late heartbeat does not end a healthy link.

    Raises:
        ConfigurationError: the timeout is shorter, or the interval is not positive.
    """

    interval: float = field()
    timeout: float = field()
    """Seconds without anything from the peer, on a link with heartbeats. Then the connection is aborted."""

    @interval.validator
    def _check_interval(self, _: Any, interval: float) -> None:
        if not interval > 0:
            raise ConfigurationError(f"interval must be positive, not {interval}")

    @timeout.validator
    def _check_timeout(self, _: Any, timeout: float) -> None:
        if timeout < 2 * self.interval:
            raise ConfigurationError(
                f"a heartbeat timeout of {timeout} s must be at least two intervals of {self.interval} s"
            )

    @property
    def suspect_after(self) -> float:
        """The seconds of silence after which the peer is suspect: two heartbeats are missing."""
        return min(2.0 * self.interval, 0.5 * (self.interval + self.timeout))


class Pulse:
    """
    The time when a peer was heard, and the time when the next heartbeat is sent. Time is a parameter.

    Args:
        beats: the interval, and the longest silence.
        now: the time when the session began: the peer counts as heard then.
    """

    __slots__ = ("beats", "heard", "next_beat")

    def __init__(self, beats: Heartbeats, now: float) -> None:
        self.beats = beats
        self.heard = now
        """The time until which the peer's silence does not count: it was heard then, or is excused."""
        self.next_beat = inf
        """The time when the next heartbeat must be sent; infinity if none is sent."""

    def deadline(self, patience: float) -> float:
        """Return when to act next, if the peer may be silent for ``patience`` seconds."""
        return min(self.next_beat, self.heard + patience)

    def forgive(self, now: float, due: float) -> None:
        """
        Do not count silence for which this process is responsible. Call this before judging silence.

        Args:
            now: the time.
            due: the time at which this call was due. If it comes late, this process slept meanwhile, and
                the peer could not be heard.
        """
        late = now - due
        if late > self.beats.interval / 2:
            self.heard = min(now, self.heard + late)

    def plan(self, now: float) -> None:
        """Plan the next heartbeat, because one is sent now. It keeps the rhythm unless this one is late."""
        planned = now if self.next_beat == inf else self.next_beat
        self.next_beat = max(planned + self.beats.interval, now + self.beats.interval / 2)

    def hear(self, now: float) -> None:
        """Note that bytes came."""
        self.heard = max(self.heard, now)

    def excuse(self, until: float) -> None:
        """
        Excuse the peer until a time: it is not asked before, and its silence does not count.

        A later call replaces this one. With the present time, it ends the excuse.
        """
        self.heard = until
        if self.next_beat < inf:
            self.next_beat = until + self.beats.interval
