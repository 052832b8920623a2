"""
The times that a link decides by: :class:`Policy`, with its :class:`Backoff`, and the profiles of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve, field, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.session.heartbeat import Heartbeats


def _positive(instance: object, attribute: Any, value: float) -> None:
    if not value > 0:
        raise ConfigurationError(f"{attribute.name} must be positive, not {value}")


@frozen(kw_only=True)
class Backoff:
    """
    The waits between attempts, in seconds.

    While the outage is young, attempts follow each other quickly, so that a cable is found again as soon
    as it is plugged in. Then, and at once where a program refused the session, the wait is drawn evenly
    from zero to a ceiling that doubles with every attempt ("full jitter"), so that many clients of one
    server do not come at the same time. It is never below the floor, so that nothing spins.

    Raises:
        ConfigurationError: a value is not positive, or the floor is above the cap.
    """

    quick: float = field(validator=_positive)
    """
    The time from the beginning of an attempt to the next one, while the outage is young. If the attempt
    takes longer, the next one follows at once. It is also the first ceiling after that.
    """

    quick_for: float = 0.0
    """The time for which an outage is young."""

    cap: float = field(validator=_positive)
    """Seconds before the next attempt, at most. The waits double up to this."""

    floor: float = field(default=0.02, validator=_positive)
    """Seconds before the next attempt, at least. No wait is shorter."""

    settled: float = 0.2
    """
    The time for which the link must be ready before the outage counts as over. A peer that accepts and then
    closes, again and again, must not be dialled as if each time were the first.
    """

    def __attrs_post_init__(self) -> None:
        if self.floor > self.cap:
            raise ConfigurationError(f"floor={self.floor} must not exceed cap={self.cap}")

    def wait(self, attempts: int, down_for: float, random: Random) -> float:
        """
        Return the seconds until the next attempt.

        Args:
            attempts: failed attempts that no quick one followed.
            down_for: seconds since the outage began; infinity if it must not count as young.
            random: the source of the jitter.
        """
        if down_for < self.quick_for:
            return max(self.floor, self.quick)
        ceiling = min(self.cap, self.quick * 2.0 ** min(attempts, 60))
        return max(self.floor, random.uniform(0.0, ceiling))


@frozen(kw_only=True)
class Policy:
    """The rules of one link. Times are in seconds."""

    connect_timeout: float = field(validator=_positive)
    """
    Seconds for an attempt to connect, once the address is known. Then the attempt is cancelled. Keep it
    short, because an attempt that began in an outage does not see its end.
    """

    resolve_timeout: float = field(default=5.0, validator=_positive)
    """
    Seconds for the name of a peer to resolve, only until it has once resolved. Then the attempt fails.
    Later attempts use the last answer.
    """

    handshake_timeout: float = field(default=2.0, validator=_positive)
    """
    Seconds for TLS, the proof of the peer and the steps of ``on_ready`` together. Then the connection is
    aborted. In the state of ``ready_when``, the steps that are left have this time again, and the timeout
    of the slowest command.
    """

    backoff: Backoff
    heartbeats: Heartbeats | None = None
    """The heartbeats; None: silence means nothing, and only TCP notices a dead peer."""

    grace: float = field(default=5.0, validator=_positive)
    """Seconds that ``stop()`` waits for sent data to leave. Then the rest is aborted."""


PROFILES: Final[Mapping[str, Policy]] = MappingProxyType(
    {
        "lan": Policy(
            connect_timeout=0.08,
            backoff=Backoff(quick=0.02, quick_for=30.0, cap=2.0),
            heartbeats=Heartbeats(0.1, 0.3),
        ),
        "fleet": Policy(
            connect_timeout=2.0,
            backoff=Backoff(quick=0.5, cap=10.0),
            heartbeats=Heartbeats(1.0, 3.0),
        ),
        "wan": Policy(
            connect_timeout=5.0,
            resolve_timeout=10.0,
            handshake_timeout=10.0,
            backoff=Backoff(quick=0.5, cap=30.0),
            heartbeats=Heartbeats(5.0, 15.0),
        ),
    }
)
"""
``lan``: one machine beside the other; back within a tenth of a second. ``fleet``: hundreds of clients of
one server; the cap of its backoff should be at least their number divided by the connections that the
server accepts in a second. ``wan``: far away, on lines that charge for traffic.
"""


def profile(name: str, **values: Any) -> Policy:
    """
    Return a profile by name, with some of its values replaced.

    Raises:
        ConfigurationError: the profile does not exist.
    """
    if name not in PROFILES:
        raise ConfigurationError(f"no profile is called {name!r}; there are {', '.join(PROFILES)}")
    return evolve(PROFILES[name], **values)
