"""
Heartbeats, without any I/O: what they look like, how often they come, and how long silence may last.

The same rules hold on both sides, for a link (:mod:`tcpcomm.link.supervisor`) and for the sessions of a server
(:mod:`tcpcomm.session.protocol`).
"""

from __future__ import annotations

from math import inf
from typing import Any

from attrs import field, frozen

from tcpcomm.errors import ConfigurationError

__all__ = ["Heartbeat", "Heartbeats", "Pulse"]


@frozen
class Heartbeat:
    """
    A pair of frames by which each side shows that its program is alive.

    Args:
        request: what is sent.
        reply: what the peer answers; it is swallowed. None: the peer need not answer, for it sends
            often enough by itself.
    """

    request: bytes
    reply: bytes | None = None

    def __contains__(self, frame: bytes) -> bool:
        """Whether a frame is one of the pair, and so not for the user."""
        return frame in (self.request, self.reply)

    def answer(self, frame: bytes) -> bytes | None:
        """What a frame of the pair has to be answered with; None for nothing."""
        return self.reply if frame == self.request and frame != self.reply else None

    def split(self, frames: list[bytes]) -> tuple[list[bytes], list[bytes], list[bytes]]:
        """
        Part frames at heartbeats, so that each is answered when its turn comes.

        Returns:
            What answers the heartbeats at the head; the frames up to the next ones; and the rest.
        """
        first = next((n for n, frame in enumerate(frames) if frame not in self), len(frames))
        last = next((n for n in range(first, len(frames)) if frames[n] in self), len(frames))
        answers = [answer for answer in map(self.answer, frames[:first]) if answer is not None]
        return answers, frames[first:last], frames[last:]


@frozen
class Heartbeats:
    """
    How often to show life, and how long to wait for it, in seconds.

    ``timeout`` is at least two intervals, so that one lost or late heartbeat kills no healthy link.

    Raises:
        ConfigurationError: it is less, or the interval is not positive.
    """

    interval: float = field()
    timeout: float = field()

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
        """Seconds of silence after which the peer is suspect: two heartbeats should have come."""
        return min(2.0 * self.interval, 0.5 * (self.interval + self.timeout))


class Pulse:
    """
    When one session's peer was heard, and when it is to hear of us. Time is a parameter.

    Args:
        beats: how often, and how long.
        now: when the session began: the peer counts as heard then.
    """

    __slots__ = ("beats", "heard", "next_beat")

    def __init__(self, beats: Heartbeats, now: float) -> None:
        self.beats = beats
        self.heard = now
        """When the peer was heard, or excused, last."""
        self.next_beat = inf
        """When the next heartbeat is to be sent; infinity as long as none is."""

    def deadline(self, patience: float) -> float:
        """When there is something to do, if the peer is to be silent for no longer than ``patience``."""
        return min(self.next_beat, self.heard + patience)

    def forgive(self, now: float, due: float) -> None:
        """
        Silence is about to be judged: what of it is our own is not the peer's.

        Args:
            now: what time it is.
            due: when this was to be asked. If that is some time ago this process slept, and the silence
                of that time is ours.
        """
        late = now - due
        if late > self.beats.interval / 2:
            self.heard = min(now, self.heard + late)

    def plan(self, now: float) -> None:
        """A heartbeat is sent now: plan the next one, in step unless this one is late."""
        planned = now if self.next_beat == inf else self.next_beat
        self.next_beat = max(planned + self.beats.interval, now + self.beats.interval / 2)

    def hear(self, now: float) -> None:
        """Bytes came."""
        self.heard = max(self.heard, now)

    def excuse(self, until: float) -> None:
        """
        The peer cannot answer until then: neither is it asked, nor is its silence held against it.

        Another excuse takes the place of this one, and so ends it if it is for now.
        """
        self.heard = until
        if self.next_beat < inf:
            self.next_beat = until + self.beats.interval
