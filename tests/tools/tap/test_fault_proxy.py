"""The fault proxy, over real sockets of this machine."""

from __future__ import annotations

import random
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.states import LinkState
from tcpcomm.session.heartbeat import Heartbeat
from tcpcomm.tools.tap.direction import TRANSIT_BUFFER, Toxic, Toxics
from tcpcomm.tools.tap.fault_proxy import FaultProxy
from tcpcomm.tools.tap.toxics import (
    TOXICS,
    Bandwidth,
    Blackhole,
    Latency,
    LimitData,
    ResetPeer,
    Slicer,
    Timeout,
    parse_toxic,
)
from tcpcomm.transports.reactors import NativeReactor
from tests.reactor import reactor, until

DIRECTIONS = ("upstream", "downstream")


@implementer(IHalfCloseableProtocol)
class Peer(Protocol):
    """A protocol that records the received bytes and the end."""

    transport: Any

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def readConnectionLost(self) -> None:
        self.ended = True

    def writeConnectionLost(self) -> None:
        pass

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = reason

    async def gets(self, expected: bytes) -> None:
        """Wait until exactly these bytes were received."""
        await until(lambda: len(self.received) >= len(expected))
        assert expected == self.received

    async def ends(self) -> None:
        """Wait until the other side has ended its stream."""
        await until(lambda: self.ended)

    async def loses(self, *kinds: type[Exception]) -> None:
        """Wait until the connection is lost, in one of these ways."""
        await until(lambda: self.lost is not None)
        assert self.lost is not None
        assert self.lost.check(*kinds), self.lost


class ProxyTestCase(TestCase):
    """A client, the proxy and a server."""

    async def setUp(self) -> None:  # type: ignore[override]
        self.clock = Clock()
        self.accepted: list[Peer] = []
        factory = Factory.forProtocol(self._accept)
        factory.noisy = False
        self.listening: Any = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(factory)
        target = f"tcp:127.0.0.1:{self.listening.getHost().port}"
        self.proxy = FaultProxy(target, clock=self.clock, random=random.Random(1))
        await self.proxy.start()
        self.clients: list[Peer] = []

    def _accept(self) -> Peer:
        self.accepted.append(Peer())
        return self.accepted[-1]

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.proxy.stop()
        await maybeDeferred(self.listening.stopListening)
        peers = [*self.clients, *self.accepted]
        for peer in peers:
            peer.transport.abortConnection()
        await until(lambda: all(peer.lost is not None for peer in peers))
        assert [] == self.clock.getDelayedCalls()

    async def client(self) -> Peer:
        """Connect a client to the proxy."""
        factory = Factory.forProtocol(Peer)
        factory.noisy = False
        client: Any = await TCP4ClientEndpoint(reactor, "127.0.0.1", self.proxy.port).connect(factory)
        self.clients.append(client)
        return self.clients[-1]

    async def pair(self) -> tuple[Peer, Peer]:
        """Connect a client to the server through the proxy. Return both ends."""
        count = len(self.accepted)
        client = await self.client()
        await until(lambda: len(self.accepted) > count and self.accepted[-1].transport is not None)
        return client, self.accepted[-1]

    async def way(self, direction: str) -> tuple[Peer, Peer, Toxics]:
        """Make a connection. Return the sender, the receiver and the toxics of a direction."""
        client, server = await self.pair()
        if direction == "upstream":
            return client, server, self.proxy.upstream
        return server, client, self.proxy.downstream

    async def send(self, sender: Peer, toxics: Toxics, data: bytes) -> None:
        """Send bytes and wait until the proxy has received them."""
        before = toxics.received
        sender.transport.write(data)
        await until(lambda: toxics.received == before + len(data))


class TestWithoutToxics(ProxyTestCase):
    async def test_bytes_pass_unchanged_in_both_directions(self) -> None:
        there, back = random.Random(1).randbytes(1_000_000), random.Random(2).randbytes(1_000_000)
        client, server = await self.pair()

        client.transport.write(there)
        server.transport.write(back)

        await server.gets(there)
        await client.gets(back)

    async def test_what_is_sent_before_the_target_is_connected_arrives(self) -> None:
        client = await self.client()
        client.transport.write(b"early")
        client.transport.loseWriteConnection()

        await until(lambda: bool(self.accepted))
        await self.accepted[0].gets(b"early")

    async def test_the_end_of_one_direction_passes_and_the_other_stays_open(self) -> None:
        client, server = await self.pair()

        client.transport.write(b"question")
        client.transport.loseWriteConnection()
        await server.ends()
        server.transport.write(b"answer")

        await server.gets(b"question")
        await client.gets(b"answer")
        assert not client.ended

    async def test_a_connection_is_closed_after_both_directions_ended(self) -> None:
        client, server = await self.pair()

        client.transport.loseWriteConnection()
        await server.ends()
        server.transport.loseWriteConnection()
        await client.ends()

        await until(lambda: self.proxy.connections == 0)

    async def test_a_reset_passes_as_a_reset(self) -> None:
        client, server = await self.pair()

        client.transport.abortConnection()

        await server.loses(ConnectionLost)

    async def test_a_client_is_reset_if_the_target_cannot_be_reached(self) -> None:
        await self.listening.stopListening()

        client = await self.client()

        await client.loses(ConnectionLost)
        await until(lambda: self.proxy.connections == 0)

    async def test_a_reader_that_reads_nothing_slows_the_sender_down(self) -> None:
        client, server = await self.pair()
        server.transport.pauseProducing()

        client.transport.write(bytes(32_000_000))
        before = -1
        while before != self.proxy.upstream.received:
            before = self.proxy.upstream.received
            await deferLater(reactor, 0.2)

        assert self.proxy.upstream.received < 32_000_000
        server.transport.resumeProducing()
        await until(lambda: len(server.received) == 32_000_000)


class TestToxics(ProxyTestCase):
    async def test_latency_delays_and_only_its_own_direction(self) -> None:
        for direction in DIRECTIONS:
            sender, receiver, toxics = await self.way(direction)
            toxics.add(Latency(0.2))

            await self.send(sender, toxics, b"late")
            receiver.transport.write(b"at once")
            await sender.gets(b"at once")
            self.clock.advance(0.19)
            await deferLater(reactor, 0.01)
            assert b"" == receiver.received

            self.clock.advance(0.01)
            await receiver.gets(b"late")
            toxics.clear()

    async def test_jitter_never_changes_the_order(self) -> None:
        client, server = await self.pair()
        self.proxy.upstream.add(Latency(0.1, jitter=0.1))

        for number in range(50):
            await self.send(client, self.proxy.upstream, b"%02d" % number)
            self.clock.advance(0.01)
        self.clock.pump([0.01] * 20)

        await server.gets(b"".join(b"%02d" % number for number in range(50)))

    async def test_the_end_of_a_direction_does_not_overtake_its_bytes(self) -> None:
        client, server = await self.pair()
        self.proxy.upstream.add(Latency(0.2))

        await self.send(client, self.proxy.upstream, b"last words")
        client.transport.loseWriteConnection()
        await deferLater(reactor, 0.01)
        assert (b"", False) == (bytes(server.received), server.ended)

        self.clock.advance(0.2)
        await server.gets(b"last words")
        await server.ends()

    async def test_slicer_cuts_into_pieces_that_come_one_after_the_other(self) -> None:
        for direction in DIRECTIONS:
            sender, receiver, toxics = await self.way(direction)
            toxics.add(Slicer(average_size=3, delay=0.1))

            await self.send(sender, toxics, b"abcdefgh")

            await receiver.gets(b"abc")
            self.clock.advance(0.1)
            await receiver.gets(b"abcdef")
            self.clock.advance(0.1)
            await receiver.gets(b"abcdefgh")

    async def test_slicer_varies_the_size_and_loses_nothing(self) -> None:
        client, server = await self.pair()
        self.proxy.upstream.add(Slicer(average_size=10, size_variation=9))
        data = random.Random(3).randbytes(10_000)

        client.transport.write(data)

        await server.gets(data)

    async def test_timeout_loses_bytes_and_closes_in_time(self) -> None:
        for direction in DIRECTIONS:
            sender, receiver, toxics = await self.way(direction)
            toxics.add(Timeout(2.0))

            await self.send(sender, toxics, b"lost")
            self.clock.advance(1.99)
            await deferLater(reactor, 0.01)
            assert (b"", None) == (bytes(receiver.received), receiver.lost)

            self.clock.advance(0.01)
            await receiver.ends()
            await sender.ends()
            assert b"" == receiver.received

    async def test_timeout_zero_closes_when_it_is_removed(self) -> None:
        client, server = await self.pair()
        timeout = self.proxy.upstream.add(Timeout())

        await self.send(client, self.proxy.upstream, b"lost")
        assert not server.ended
        self.proxy.upstream.remove(timeout)

        await server.ends()
        await client.ends()
        assert b"" == server.received

    async def test_reset_peer_resets_some_time_after_the_first_bytes(self) -> None:
        for direction in DIRECTIONS:
            sender, receiver, toxics = await self.way(direction)
            toxics.add(ResetPeer(1.0))
            self.clock.advance(5.0)

            await self.send(sender, toxics, b"lost")
            self.clock.advance(0.99)
            await deferLater(reactor, 0.01)
            assert receiver.lost is None

            self.clock.advance(0.01)
            await receiver.loses(ConnectionLost)
            await sender.loses(ConnectionLost)
            assert b"" == receiver.received

    async def test_limit_data_passes_the_given_number_of_bytes_and_closes(self) -> None:
        for direction in DIRECTIONS:
            sender, receiver, toxics = await self.way(direction)
            toxics.add(LimitData(bytes=5))

            await self.send(sender, toxics, b"abc")
            await receiver.gets(b"abc")
            await self.send(sender, toxics, b"defgh")
            self.clock.advance(0)

            await receiver.ends()
            assert b"abcde" == receiver.received

    async def test_blackhole_keeps_bytes_and_the_end_back_until_it_is_removed(self) -> None:
        for direction in DIRECTIONS:
            sender, receiver, toxics = await self.way(direction)
            await self.send(sender, toxics, b"before, ")
            toxics.add(Blackhole())
            await self.send(sender, toxics, b"meanwhile, ")
            await self.send(sender, toxics, b"after")
            sender.transport.loseWriteConnection()
            self.clock.advance(1000)
            await deferLater(reactor, 0.01)
            assert (b"before, ", False) == (bytes(receiver.received), receiver.ended)

            toxics.clear()

            await receiver.gets(b"before, meanwhile, after")
            await receiver.ends()

    async def test_blackhole_hides_a_reset_until_it_is_removed(self) -> None:
        client, server = await self.pair()
        self.proxy.upstream.add(Blackhole())

        client.transport.abortConnection()
        await until(lambda: client.lost is not None)
        await deferLater(reactor, 0.01)
        assert server.lost is None

        self.proxy.upstream.clear()
        await server.loses(ConnectionLost)

    async def test_blackhole_keeps_at_most_one_buffer_of_bytes(self) -> None:
        client, _ = await self.pair()
        self.proxy.upstream.add(Blackhole())

        client.transport.write(bytes(32_000_000))
        await until(lambda: self.proxy.upstream.received >= TRANSIT_BUFFER)
        await deferLater(reactor, 0.05)

        chunk = (256 if isinstance(reactor, NativeReactor) else 64) * 1024
        assert self.proxy.upstream.received <= TRANSIT_BUFFER + chunk

    async def test_bandwidth_lets_so_many_kilobytes_pass_in_a_second(self) -> None:
        client, server = await self.pair()
        self.proxy.upstream.add(Bandwidth(rate=1))

        await self.send(client, self.proxy.upstream, bytes(250))
        self.clock.advance(0.0499)
        await deferLater(reactor, 0.01)
        assert b"" == server.received
        for seconds, count in ((0.0002, 50), (0.1, 150), (0.2, 250)):
            self.clock.pump([seconds / 4] * 4)
            await server.gets(bytes(count))

    async def test_toxics_work_one_after_the_other(self) -> None:
        client, server = await self.pair()
        self.proxy.upstream.add(Slicer(average_size=2, delay=0.1))
        self.proxy.upstream.add(Latency(1.0))

        await self.send(client, self.proxy.upstream, b"abcd")
        self.clock.advance(1.0)
        await server.gets(b"ab")
        self.clock.advance(0.1)
        await server.gets(b"abcd")

    async def test_removing_a_toxic_that_was_not_added_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="not in list"):
            self.proxy.upstream.remove(Latency(1.0))

    async def test_a_toxic_can_be_added_to_many_connections_at_once(self) -> None:
        pairs = [await self.pair() for _ in range(3)]
        self.proxy.upstream.add(LimitData(bytes=1))

        for client, _ in pairs:
            await self.send(client, self.proxy.upstream, b"ab")
        self.clock.advance(0)

        for _, server in pairs:
            await server.ends()
            assert b"a" == server.received


class TestDisabling(ProxyTestCase):
    async def test_a_disabled_proxy_resets_its_connections_and_refuses_new_ones(self) -> None:
        client, server = await self.pair()
        port = self.proxy.port

        await self.proxy.disable()

        await client.loses(ConnectionLost)
        await server.loses(ConnectionLost)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        await self.assertFailure(endpoint.connect(Factory.forProtocol(Peer)), ConnectionRefusedError)

    async def test_a_proxy_is_enabled_again_at_the_same_port(self) -> None:
        port = self.proxy.port
        await self.proxy.disable()

        assert port == await self.proxy.enable()
        assert port == await self.proxy.enable()

        client, server = await self.pair()
        client.transport.write(b"again")
        await server.gets(b"again")

    async def test_a_proxy_can_be_disabled_while_the_target_does_not_answer(self) -> None:
        never: Deferred[Any] = Deferred()

        class Silent:
            def connect(self, factory: object) -> Deferred[Any]:
                return never

        proxy = FaultProxy(Silent(), clock=self.clock)  # type: ignore[arg-type]
        await proxy.start()
        factory = Factory.forProtocol(Peer)
        factory.noisy = False
        client: Any = await TCP4ClientEndpoint(reactor, "127.0.0.1", proxy.port).connect(factory)
        await until(lambda: proxy.connections == 1)

        await proxy.disable()

        await client.loses(ConnectionLost, ConnectionDone)
        assert 0 == proxy.connections

    async def test_a_proxy_that_does_not_listen_has_no_port(self) -> None:
        await self.proxy.disable()

        with pytest.raises(ValueError, match="does not listen"):
            _ = self.proxy.port


class TestLinkThroughIt(ProxyTestCase):
    """A link over the proxy."""

    async def test_a_link_notices_a_blackhole_and_is_back_when_it_is_gone(self) -> None:
        told: list[LinkState] = []
        link = Link(
            connect=f"tcp:127.0.0.1:{self.proxy.port}",
            framing=Lines(),
            heartbeat=Heartbeat(b"PING", b"PONG"),
            on_ready=[lambda link: link.request(b"HELLO", timeout=1.0)],
        )
        link.observe(lambda state, reason: told.append(state))

        def answer(peer: Peer, data: bytes) -> None:
            for line in data.splitlines():
                peer.transport.write(b"PONG\n" if line == b"PING" else b"WELCOME\n")

        self.patch(Peer, "dataReceived", answer)  # type: ignore[no-untyped-call]
        link.startService()
        await link.whenReady()
        told.clear()  # a busy machine may have needed more than one attempt

        self.proxy.downstream.add(Blackhole())
        await until(lambda: LinkState.DOWN in told)
        assert told.index(LinkState.SUSPECT) < told.index(LinkState.DOWN)

        told.clear()
        self.proxy.downstream.clear()
        await until(lambda: LinkState.READY in told)
        await link.stopService()


class TestNotation:
    def test_the_names_are_those_of_toxiproxy(self) -> None:
        names = ["latency", "slicer", "timeout", "reset_peer", "limit_data", "blackhole", "bandwidth"]

        assert names == list(TOXICS)

    @pytest.mark.parametrize(
        ("text", "kind", "values"),
        [
            ("latency", Latency, {"latency": 0.1, "jitter": 0.0}),
            ("latency,latency=2,jitter=0.5", Latency, {"latency": 2.0, "jitter": 0.5}),
            ("slicer,average_size=3,size_variation=1,delay=0.25", Slicer, {"average_size": 3}),
            ("timeout,timeout=1.5", Timeout, {"timeout": 1.5}),
            ("reset_peer,timeout=2", ResetPeer, {"timeout": 2.0}),
            ("limit_data,bytes=1024", LimitData, {"limit": 1024}),
            ("blackhole", Blackhole, {}),
            ("bandwidth rate=64", Bandwidth, {"rate": 64.0}),
        ],
    )
    def test_a_toxic_is_made_from_its_text(self, text: str, kind: type, values: dict[str, float]) -> None:
        toxic = parse_toxic(text)

        assert kind is type(toxic)
        assert values == {name: getattr(toxic, name) for name in values}

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("latencies", "no toxic is called 'latencies'; there are latency, slicer"),
            ("latency,delay=1", "latency has no 'delay'; it has latency, jitter"),
            ("blackhole,size=1", "blackhole has no 'size'; it has no settings"),
            ("latency,latency=slow", "latency: latency must be a number, not 'slow'"),
            ("limit_data,bytes=1.5", "limit_data: bytes must be a number, not '1.5'"),
            ("latency,latency=-1", "latency must not be negative: -1"),
            ("latency,latency=nan", "latency must not be negative: nan"),
            ("bandwidth,rate=0", "rate must be more than 0, not 0"),
            ("slicer,average_size=2,size_variation=2", "size_variation=2 must be less than average_size=2"),
            ("slicer,average_size=0", "size_variation=0 must be less than average_size=0"),
        ],
    )
    def test_an_invalid_toxic_is_refused_with_the_reason(self, text: str, problem: str) -> None:
        with pytest.raises(ConfigurationError, match=problem):
            parse_toxic(text)

    def test_a_toxic_without_a_rule_of_its_own_does_nothing(self) -> None:
        assert [(0.0, b"data")] == Toxic().delay(None, b"data")  # type: ignore[arg-type]
