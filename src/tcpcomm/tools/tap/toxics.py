"""
The toxics, which change the bytes that pass a :class:`~tcpcomm.tools.tap.fault_proxy.FaultProxy`.

Their names and meanings are those of Toxiproxy. Times are in seconds. A toxic is configuration only, so one
object can be used for several directions. Its state for one connection is in the direction's ``memory``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, fields, frozen

from tcpcomm.errors import ConfigurationError
from tcpcomm.tools.tap.direction import Direction, Toxic


def _not_negative(instance: object, attribute: Any, value: float) -> None:
    if not value >= 0:
        raise ConfigurationError(f"{attribute.name} must not be negative: {value}")


def _above_zero(instance: object, attribute: Any, value: float) -> None:
    if not value > 0:
        raise ConfigurationError(f"{attribute.name} must be more than 0, not {value}")


_STEP: Final = 0.05
"""Seconds between two pieces of a chunk that is longer than the bandwidth allows at once."""


@frozen(eq=False)
class Latency(Toxic):
    """Delay all bytes by ``latency`` seconds, plus or minus ``jitter``. Their order is kept."""

    latency: float = field(default=0.1, validator=_not_negative)
    jitter: float = field(default=0.0, validator=_not_negative)

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        return [(max(0.0, self.latency + direction.random.uniform(-self.jitter, self.jitter)), data)]


@frozen(eq=False)
class Slicer(Toxic):
    """Cut bytes into pieces of ``average_size`` ± ``size_variation`` bytes, ``delay`` seconds apart."""

    average_size: int = field(default=1, validator=_not_negative)
    size_variation: int = field(default=0, validator=_not_negative)
    delay_between: float = field(default=0.0, alias="delay", validator=_not_negative)

    def __attrs_post_init__(self) -> None:
        if self.size_variation >= self.average_size:
            raise ConfigurationError(
                f"size_variation={self.size_variation} must be less than average_size={self.average_size}"
            )

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        pieces: list[tuple[float, bytes]] = []
        while data:
            size = self.average_size + direction.random.randint(-self.size_variation, self.size_variation)
            pieces.append((len(pieces) * self.delay_between, data[:size]))
            data = data[size:]
        return pieces


@frozen(eq=False)
class Timeout(Toxic):
    """
    Lose all bytes, and close the connection after ``timeout`` seconds.

    With 0 it is closed when this toxic is removed, because a stream with missing bytes is useless.
    """

    timeout: float = field(default=0.0, validator=_not_negative)

    def begin(self, direction: Direction) -> None:
        if self.timeout:
            direction.later(self, self.timeout, direction.close)

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        return []

    def remove(self, direction: Direction) -> None:
        direction.close()


@frozen(eq=False)
class ResetPeer(Toxic):
    """Lose the first bytes, and reset the connection ``timeout`` seconds later."""

    timeout: float = field(default=0.0, validator=_not_negative)

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        if self not in direction.memory:
            direction.memory[self] = True
            direction.later(self, self.timeout, direction.reset)
        return []


@frozen(eq=False)
class LimitData(Toxic):
    """Close the connection after ``bytes`` bytes."""

    limit: int = field(default=0, alias="bytes", validator=_not_negative)

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        left = direction.memory.get(self, self.limit)
        direction.memory[self] = left - min(left, len(data))
        if len(data) >= left:
            direction.later(self, 0.0, direction.close)
        return [(0.0, data[:left])] if left else []


@frozen(eq=False)
class Blackhole(Toxic):
    """
    Deliver nothing, neither bytes nor a close, as with a pulled cable.

    When it is removed, all bytes sent meanwhile arrive, because TCP sends lost bytes again. Clients can
    still connect to the proxy. To prevent that, use ``disable()``.
    """

    holds = True


@frozen(eq=False)
class Bandwidth(Toxic):
    """Let only ``rate`` kilobytes pass in a second."""

    rate: float = field(default=100.0, validator=_above_zero)

    def delay(self, direction: Direction, data: bytes) -> Iterable[tuple[float, bytes]]:
        now, rate = direction.seconds(), self.rate * 1000
        step = max(1, int(rate * _STEP))
        free = max(now, direction.memory.get(self, now))
        pieces: list[tuple[float, bytes]] = []
        for at in range(0, len(data), step):
            piece = data[at : at + step]
            free += len(piece) / rate
            pieces.append((free - now, piece))
        direction.memory[self] = free
        return pieces


TOXICS: Final[Mapping[str, type[Toxic]]] = {
    "latency": Latency,
    "slicer": Slicer,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "limit_data": LimitData,
    "blackhole": Blackhole,
    "bandwidth": Bandwidth,
}
"""All toxics by the names that Toxiproxy gives them."""


def parse_toxic(text: str) -> Toxic:
    """
    Return the toxic of a name and settings, such as ``slicer average_size=3 delay=0.01``.

    Raises:
        ConfigurationError: the toxic or a setting does not exist, or its value is not a valid number.
    """
    name, *settings = text.replace(",", " ").split() or [""]
    kind = kind_of_toxic(name)
    return kind(**dict(read_setting(kind, each) for each in settings))


def kind_of_toxic(name: str) -> type[Toxic]:
    """Return the class of a toxic, by Toxiproxy's name, or raise ConfigurationError."""
    if name not in TOXICS:
        raise ConfigurationError(f"no toxic is called {name!r}; there are {', '.join(TOXICS)}")
    return TOXICS[name]


def read_setting(kind: type[Toxic], text: str) -> tuple[str, float]:
    """Return the name and the number in a setting such as ``delay=0.01``, or raise ConfigurationError."""
    name = next(name for name, each in TOXICS.items() if each is kind)
    types = {str(each.alias): int if each.type == "int" else float for each in fields(kind)}
    key, _, value = text.partition("=")
    if key not in types:
        raise ConfigurationError(f"{name} has no {key!r}; it has {', '.join(types) or 'no settings'}")
    try:
        return key, types[key](value)
    except ValueError:
        raise ConfigurationError(f"{name}: {key} must be a number, not {value!r}") from None
