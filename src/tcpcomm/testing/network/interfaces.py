"""The network, a machine and its program, as the sockets and endpoints of the simulation see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tcpcomm.testing.network.clock import Owner, VirtualClock


class AnyNetwork(Protocol):
    """See :class:`tcpcomm.testing.network.wire.Network`."""

    clock: VirtualClock
    trace: list[tuple[float, str, str, object]] | None

    @property
    def lost(self) -> dict[Any, None]: ...
    def note(self, what: str, where: str, detail: object = None) -> None: ...
    def transit(self) -> float: ...
    def later(self, function: Callable[[], None]) -> None: ...
    def cut(self, size: int) -> int: ...
    def ephemeral_port(self) -> int: ...


class AnyMachine(Protocol):
    """See :class:`tcpcomm.testing.network.wire.Machine`."""

    name: str
    address: str
    is_hearing: bool
    is_speaking: bool

    @property
    def network(self) -> AnyNetwork: ...
    @property
    def ports(self) -> dict[int, Any]: ...
    @property
    def sockets(self) -> dict[Any, None]: ...
    @property
    def attempts(self) -> dict[Any, None]: ...


class AnyProgram(Owner, Protocol):
    """See :class:`tcpcomm.testing.network.wire.Program`."""

    @property
    def machine(self) -> AnyMachine: ...
