"""
What :class:`~tcpcomm.testing.proxy.proxy.FaultProxy` can do to the bytes that pass through it.

The names and their meaning are Toxiproxy's; times are in seconds. A toxic is configuration only, and may
be used in several places at once; what it remembers of a connection is in the :class:`Way` that it gets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, Final

from attrs import field, fields, frozen

from tcpcomm.errors import ConfigurationError

__all__ = [
    "TOXICS",
    "Blackhole",
    "Latency",
    "LimitData",
    "ResetPeer",
    "Slicer",
    "Timeout",
    "Toxic",
    "Way",
    "parse_toxic",
]

Delayed = tuple[float, bytes]
"""Bytes, and by how many seconds they are delayed."""


class Way(ABC):
    """One direction of one connection, as a toxic sees it."""

    random: Random

    memory: dict[Toxic, Any]
    """What a toxic remembers of this direction of this connection."""

    @abstractmethod
    def later(self, toxic: Toxic, delay: float, act: Callable[[], None]) -> None:
        """Do something after so many seconds, unless the toxic is removed or the connection is over."""

    @abstractmethod
    def close(self) -> None:
        """Deliver what is under way in this direction, then close the connection at both ends."""

    @abstractmethod
    def reset(self) -> None:
        """Reset the connection at both ends, at once."""


def _not_negative(instance: object, attribute: Any, value: float) -> None:
    if not value >= 0:
        raise ConfigurationError(f"{attribute.name} must not be negative, but it is {value}")


@frozen(eq=False)
class Toxic:
    """Something that happens to one direction of each connection. This one does nothing."""

    name: ClassVar[str] = ""

    holds: ClassVar[bool] = False
    """Whether all that comes is kept back until the toxic is removed."""

    def begin(self, way: Way) -> None:
        """A connection was made, or this toxic was added while there was one."""

    def delay(self, way: Way, data: bytes) -> Iterable[Delayed]:
        """What becomes of bytes: pieces in order, each with its delay. None at all: they are lost."""
        return [(0.0, data)]

    def remove(self, way: Way) -> None:
        """This toxic was removed while there was a connection."""


@frozen(eq=False)
class Latency(Toxic):
    """Everything takes ``latency`` seconds longer, give or take ``jitter``. The order is kept."""

    name = "latency"

    latency: float = field(default=0.1, validator=_not_negative)
    jitter: float = field(default=0.0, validator=_not_negative)

    def delay(self, way: Way, data: bytes) -> Iterable[Delayed]:
        return [(max(0.0, self.latency + way.random.uniform(-self.jitter, self.jitter)), data)]


@frozen(eq=False)
class Slicer(Toxic):
    """Bytes arrive in pieces of ``average_size``, give or take ``size_variation``, ``delay`` apart."""

    name = "slicer"

    average_size: int = field(default=1, validator=_not_negative)
    size_variation: int = field(default=0, validator=_not_negative)
    delay_between: float = field(default=0.0, alias="delay", validator=_not_negative)

    def __attrs_post_init__(self) -> None:
        if self.size_variation >= self.average_size:
            raise ConfigurationError(
                f"size_variation={self.size_variation} must be less than average_size={self.average_size}"
            )

    def delay(self, way: Way, data: bytes) -> Iterable[Delayed]:
        pieces: list[Delayed] = []
        while data:
            size = self.average_size + way.random.randint(-self.size_variation, self.size_variation)
            pieces.append((len(pieces) * self.delay_between, data[:size]))
            data = data[size:]
        return pieces


@frozen(eq=False)
class Timeout(Toxic):
    """
    Bytes are lost, and the connection is closed after ``timeout`` seconds.

    Zero: it is closed when this is removed, for a stream with bytes missing is of no use.
    """

    name = "timeout"

    timeout: float = field(default=0.0, validator=_not_negative)

    def begin(self, way: Way) -> None:
        if self.timeout:
            way.later(self, self.timeout, way.close)

    def delay(self, way: Way, data: bytes) -> Iterable[Delayed]:
        return []

    def remove(self, way: Way) -> None:
        way.close()


@frozen(eq=False)
class ResetPeer(Toxic):
    """The first bytes are lost, and ``timeout`` seconds later the connection is reset."""

    name = "reset_peer"

    timeout: float = field(default=0.0, validator=_not_negative)

    def delay(self, way: Way, data: bytes) -> Iterable[Delayed]:
        if self not in way.memory:
            way.memory[self] = True
            way.later(self, self.timeout, way.reset)
        return []


@frozen(eq=False)
class LimitData(Toxic):
    """After ``bytes`` bytes the connection is closed."""

    name = "limit_data"

    limit: int = field(default=0, alias="bytes", validator=_not_negative)

    def delay(self, way: Way, data: bytes) -> Iterable[Delayed]:
        left = way.memory.get(self, self.limit)
        way.memory[self] = left - min(left, len(data))
        if len(data) >= left:
            way.later(self, 0.0, way.close)
        return [(0.0, data[:left])] if left else []


@frozen(eq=False)
class Blackhole(Toxic):
    """
    Nothing arrives, neither bytes nor a close, as with a pulled cable.

    When it is removed, all arrives that was sent meanwhile: TCP sends again what was lost. What a proxy
    cannot imitate is that nobody can connect; for that, see ``disable()``.
    """

    name = "blackhole"

    holds = True


TOXICS: Final[Mapping[str, type[Toxic]]] = MappingProxyType(
    {each.name: each for each in (Latency, Slicer, Timeout, ResetPeer, LimitData, Blackhole)}
)
"""All of them, by name."""


_NUMBERS: Final[Mapping[str, Callable[[str], float]]] = MappingProxyType({"int": int, "float": float})


def parse_toxic(text: str) -> Toxic:
    """
    Make a toxic of its name and settings, such as ``slicer,average_size=3,delay=0.01``.

    Raises:
        ConfigurationError: there is no such toxic or setting, or its value is no number that it can have.
    """
    name, *settings = text.split(",")
    if name not in TOXICS:
        raise ConfigurationError(f"no toxic is called {name!r}; there are {', '.join(TOXICS)}")
    kind = TOXICS[name]
    types = {str(each.alias): _NUMBERS[str(each.type)] for each in fields(kind)}
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
