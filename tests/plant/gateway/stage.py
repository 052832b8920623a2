"""A gateway on a simulated network, with an outbox in memory: :class:`Stage`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from types import SimpleNamespace
from typing import Any, ClassVar

from attrs import frozen
from twisted.internet.defer import Deferred, fail, succeed

from tcpcomm import serve
from tcpcomm.plant import Sink, SinkConnection
from tcpcomm.plant.errors import OutboxRefused
from tcpcomm.plant.gateway.configuration.settings import LinkSettings, PlantSettings, PollSettings
from tcpcomm.plant.gateway.gateway import Gateway
from tcpcomm.plant.sink import CarryOut, LinkDescription
from tcpcomm.testing import Network

NOON = 1_700_000_000.0
"""The time of day when a stage begins."""


@frozen(kw_only=True)
class NoteSink(Sink):
    """A sink that notes what its gateway tells it."""

    kind: ClassVar[str] = "note"

    def open(self, name: str, reactor: Any) -> NoteConnection:
        return NoteConnection()


class NoteConnection(SinkConnection):
    def __init__(self) -> None:
        self.links: tuple[LinkDescription, ...] = ()
        self.changes: list[tuple[str, bool]] = []
        self.carry_out: CarryOut | None = None
        self.is_closed = False

    def describe(self, links: Any, gateway: str) -> None:
        self.links = tuple(links)

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        self.changes.append((link, is_ready))

    def take_commands(self, carry_out: CarryOut) -> None:
        self.carry_out = carry_out

    async def close(self) -> None:
        self.is_closed = True


class MemoryOutbox:
    """The part of an outbox that a gateway uses. It stores at once, or when the test says."""

    def __init__(self, sinks: Mapping[str, Sink]) -> None:
        self.connections: dict[str, Any] = {name: sink.open(name, None) for name, sink in sinks.items()}
        self.posts: list[dict[str, Any]] = []
        self.is_full = False
        self.is_slow = False
        self.waiting: list[Deferred[str]] = []
        self.running = False

    def post(self, content: Any, **options: Any) -> Deferred[str]:
        if self.is_full:
            return fail(OutboxRefused("it is full"))
        self.posts.append({"content": content, **options})
        if not self.is_slow:
            return succeed(f"id-{len(self.posts)}")
        stored: Deferred[str] = Deferred()
        self.waiting.append(stored)
        return stored

    def store_all(self) -> None:
        """Store what waits."""
        self.is_slow = False
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback("id")

    def figures(self) -> Any:
        return SimpleNamespace(problem="it is full" if self.is_full else "")

    def startService(self) -> None:
        self.running = True

    def stopService(self) -> None:
        self.running = False

    def contents(self, link: str = "") -> list[dict[str, Any]]:
        """The reports, or those of one link."""
        return [each["content"] for each in self.posts if link in ("", each["content"]["link"])]


class Stage:
    """A network with devices, and a machine with a gateway."""

    def __init__(self, seed: int = 1) -> None:
        self.network = Network(seed)
        self.machine = self.network.machine("gateway")
        self.ports: dict[str, int] = {}
        self.outbox = MemoryOutbox({})
        self.gateway: Gateway | None = None
        self.ownership: Any = None

    def serve(self, name: str, equipment: Any) -> Any:
        """Serve equipment on a machine of its own. Return the endpoint for the gateway."""
        device = self.network.machine(name)
        service: Any = serve(equipment, at=device.listening(9999), reactor=device.clock)
        service.startService()
        return self.machine.connecting(device, 9999)

    def run(
        self, links: Mapping[str, LinkSettings], *, sinks: Mapping[str, Sink] | None = None, **tables: Any
    ) -> Gateway:
        """Start a gateway."""
        sinks = {"mes": NoteSink()} if sinks is None else sinks
        settings = PlantSettings(links=links, sinks=sinks, **tables)
        self.outbox = MemoryOutbox(sinks)
        clock = self.machine.clock
        self.gateway = Gateway(
            settings,
            reactor=clock,
            outbox=self.outbox,
            ownership=self.ownership,
            random=Random(5),
            wall=lambda: NOON + clock.seconds(),
        )
        self.gateway.startService()
        return self.gateway

    def until(self, condition: Any, within: float = 60.0) -> None:
        assert self.network.run_until(condition, within), f"not by {self.network.clock.now}"

    def advance(self, seconds: float) -> None:
        self.network.advance(seconds)

    def result(self, awaitable: Any) -> Any:
        """Wait for a coroutine. Return its result, or its exception."""
        found: list[Any] = []
        Deferred.fromCoroutine(awaitable).addBoth(found.append)
        self.until(lambda: bool(found))
        return getattr(found[0], "value", found[0])


def polled(command: str, every: float = 1.0, **keys: Any) -> PollSettings:
    return PollSettings(command=command, every=every, **keys)
