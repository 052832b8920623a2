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
from tcpcomm.tools.tap.fault_proxy import Direction, Toxic


def _not_negative(instance: object, attribute: Any, value: float) -> None:
    if not value >= 0:
        raise ConfigurationError(f"{attribute.name} must not be negative: {value}")


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


TOXICS: Final[Mapping[str, type[Toxic]]] = {
    "latency": Latency,
    "slicer": Slicer,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "limit_data": LimitData,
    "blackhole": Blackhole,
}
"""All toxics by the names that Toxiproxy gives them."""


def parse_toxic(text: str) -> Toxic:
    """
    Return the toxic of a name and settings, such as ``slicer,average_size=3,delay=0.01``.

    Raises:
        ConfigurationError: the toxic or a setting does not exist, or its value is not a valid number.
    """
    name, *settings = text.split(",")
    if name not in TOXICS:
        raise ConfigurationError(f"no toxic is called {name!r}; there are {', '.join(TOXICS)}")
    kind = TOXICS[name]
    types = {str(each.alias): int if each.type == "int" else float for each in fields(kind)}
    values = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        if key not in types:
            raise ConfigurationError(f"{name} has no {key!r}; it has {', '.join(types) or 'no settings'}")
        try:
            values[key] = types[key](value)
        except ValueError:
            raise ConfigurationError(f"{name}: {key} must be a number, not {value!r}") from None
    return kind(**values)
