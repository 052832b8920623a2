"""Equipment at work on this machine's sockets: threads, handlers that block, slow hosts, stops."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from time import monotonic
from typing import Any, cast

import pytest
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer, provider

from tcpcomm import (
    ConfigurationError,
    Equipment,
    Limits,
    command,
    current_session,
    event,
    in_thread,
    link_of,
    remote,
    serve,
)
from tcpcomm.codec import Template
from tcpcomm.framing import Delimited
from tcpcomm.server.service import CannotListen
from tests.reactor import DEADLINE, reactor, until

LOOPBACK = "tcp:0:interface=127.0.0.1"


class Camera(Equipment):
    """A camera with long computations."""

    framing = Delimited(b"\n")
    codec = Template()

    @command("TRG,{job}", reply="DID {thread}", timeout=DEADLINE)
    async def locate(self, job: int) -> str:
        """Return the thread in which it works."""
        raise NotImplementedError

    @event("PIC,{pixels}")
    def picture(self, pixels: str) -> None:
        """A picture was taken."""


class InThread(Camera):
    @in_thread
    def locate(self, job: int) -> str:
        self.picture("x" * job)
        return f"{threading.current_thread().name.split('-')[0]} for {current_session().host}"


class Waiting(Camera):
    async def locate(self, job: int) -> str:
        await deferLater(reactor, 0.3)
        return str(job)


@implementer(IHalfCloseableProtocol)
class OneShot(Protocol):
    """A client that sends one request, shuts its sending side, and waits for the end."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.received = b""
        self.is_over = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(self.request)
        transport.loseWriteConnection()

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def readConnectionLost(self) -> None:
        cast("Any", self.transport).loseConnection()

    def writeConnectionLost(self) -> None:
        """Wait for the reply."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.is_over = True


class Blocking(Camera):
    """Blocks for ``job`` milliseconds, or until ``ended`` has something; its loop calls no other code."""

    def __init__(self, ended: Sequence[object] = ()) -> None:
        self.ended = ended

    async def locate(self, job: int) -> str:
        began = monotonic()
        while monotonic() - began < job / 1000 and not self.ended:
            pass
        return "done"


class BlockingPlainly(Blocking):
    def locate(self, job: int) -> str:  # type: ignore[override] # at runtime it may be either
        began = monotonic()
        while monotonic() - began < job / 1000 and not self.ended:
            pass
        return "done"


class ServingTests(TestCase):
    """Each test serves a camera, and asks it."""

    def setUp(self) -> None:
        logged = self.logged = list[LogEvent]()

        @provider(ILogObserver)
        def keep(event: LogEvent) -> None:
            logged.append(event)

        globalLogPublisher.addObserver(keep)
        self.addCleanup(globalLogPublisher.removeObserver, keep)

    def serve(self, camera: Equipment, **options: Any) -> tuple[Any, str]:
        service: Any = serve(camera, at=LOOPBACK, reactor=reactor, **options)
        service.startService()
        self.addCleanup(service.stopService)
        return service, f"tcp:127.0.0.1:{service.ports[0].getHost().port}"

    def remote(self, at: str, **options: Any) -> Camera:
        camera = remote(Camera, at=at, policy="fleet", **options)
        self.addCleanup(link_of(camera).stopService)
        return camera

    async def test_heavy_work_is_done_in_a_thread_that_knows_its_session(self) -> None:
        _, at = self.serve(InThread())
        camera = self.remote(at)
        pictures: list[str] = []

        def note(pixels: str) -> None:
            pictures.append(pixels)

        camera.picture.subscribe(note)
        assert "PoolThread" in await camera.locate(3)
        await until(lambda: ["xxx"] == pictures)

    async def test_a_handler_that_blocks_is_named(self) -> None:
        class BlockingToo(Blocking):
            """A class that the log has not named yet."""

        _, at = self.serve(BlockingToo())
        assert "done" == await self.remote(at).locate(120)
        # If this process is stopped meanwhile, there is a line "has blocked the reactor for", too.
        (event,) = [each for each in self.logged if "} blocked the reactor for" in str(each["log_format"])]
        assert "BlockingToo.locate" == event["handler"]
        assert event["took"] >= 0.12

    async def test_the_stack_of_a_handler_that_blocks_for_long_is_logged(self) -> None:
        await self.check_what_is_shown_of(Blocking)

    async def test_the_stack_of_a_plain_function_that_blocks_is_logged_without_its_callers(self) -> None:
        await self.check_what_is_shown_of(BlockingPlainly)

    async def check_what_is_shown_of(self, kind: type[Blocking]) -> None:
        told: list[LogEvent] = []

        @provider(ILogObserver)
        def keep(event: LogEvent) -> None:
            if "has blocked the reactor" in str(event.get("log_format")):
                told.append(event)

        globalLogPublisher.addObserver(keep)
        self.addCleanup(globalLogPublisher.removeObserver, keep)
        # It blocks until that is logged: in any shorter time the watchdog's thread may get no turn.
        _, at = self.serve(kind(told))
        assert "done" == await self.remote(at).locate(round(DEADLINE * 500))
        (event,) = told
        assert "while monotonic() - began" in event["stack"]
        assert 1 == event["stack"].count(".py:")

    async def test_a_host_that_does_not_read_does_not_keep_events_from_others(self) -> None:
        camera = InThread()
        _, at = self.serve(camera, limits=Limits(unread_pause=70_000, unread_abort=200_000))
        listening = self.remote(at)
        heard: list[int] = []

        def note(pixels: str) -> None:
            heard.append(len(pixels))

        listening.picture.subscribe(note)
        await listening.locate(1)
        deaf = self.remote(at)
        await deaf.locate(1)
        await until(lambda: 2 == len(heard))
        protocol: Any = link_of(deaf).engine.protocol
        protocol.pauseProducing()
        for told in range(100):
            camera.picture("x" * 100_000)
            await until(lambda told=told: len(heard) > 2 + told)  # type: ignore[misc]
        await until(lambda: any("does not read" in str(each.get("reason")) for each in self.logged))
        assert "ready" == link_of(listening).state.value

    async def test_a_stop_waits_for_replies_that_were_sent(self) -> None:
        service, at = self.serve(InThread())
        assert "PoolThread" in await self.remote(at).locate(1)
        await service.stopService()
        assert [] == service.ports

    async def test_forty_one_shot_clients_are_all_served(self) -> None:
        """They come 10 ms apart, send, shut their side and wait; 14 were refused, and saw no error."""
        service, _ = self.serve(Waiting())
        port = service.ports[0].getHost().port
        clients = []
        for number in range(40):
            client = OneShot(b"TRG,%d\n" % number)
            await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), client)
            clients.append(client)
            await deferLater(reactor, 0.01)
        await until(lambda: all(each.is_over for each in clients))
        assert [b"DID %d\n" % number for number in range(40)] == [each.received for each in clients]

    async def test_a_port_in_use_is_reported(self) -> None:
        service, _ = self.serve(InThread())
        taken = service.ports[0].getHost().port
        with pytest.raises(CannotListen, match=f"cannot listen on tcp:{taken}:interface=127.0.0.1: "):
            serve(Blocking(), at=f"tcp:{taken}:interface=127.0.0.1", reactor=reactor).startService()

    async def test_a_proxy_that_is_stopped_before_it_ever_started_leaves_nothing(self) -> None:
        camera = remote(Camera, at="tcp:127.0.0.1:1")
        await link_of(camera).stopService()
        await deferLater(reactor, 0)
        assert "down" == link_of(camera).state.value


def test_a_place_that_other_machines_can_reach_needs_an_allowed_network() -> None:
    with pytest.raises(ConfigurationError, match="tcp:9999 is open to other machines"):
        serve(InThread(), at="tcp:9999", reactor=reactor)
    serve(InThread(), at="tcp:9999", allow=None, reactor=reactor)


@pytest.mark.parametrize("options", [{}, {"at": LOOPBACK, "connect": "tcp:127.0.0.1:1"}])
def test_equipment_either_listens_or_connects(options: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="needs either at or connect"):
        serve(InThread(), reactor=reactor, **options)  # type: ignore[arg-type]
