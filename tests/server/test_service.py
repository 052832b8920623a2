"""A service listens at all its places or at none, and stops without losing replies."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError, ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from tcpcomm import FrameFactory, FrameProtocol
from tcpcomm.net.endpoints import Listener
from tcpcomm.net.error_texts import PORT_TAKEN
from tcpcomm.server.service import CannotListen, ServerService
from tcpcomm.session.admission import Abuse
from tcpcomm.testing import RecordingObserver

ADDRESS = IPv4Address("TCP", "127.0.0.1", 9999)


@define
class Port:
    """A listening port."""

    listening: bool = True

    def getHost(self) -> IPv4Address:
        return ADDRESS

    def stopListening(self) -> None:
        self.listening = False


@define
class Endpoint:
    """An endpoint that listens when the test says so."""

    answer: Deferred[Any] = field(factory=Deferred)
    asked: int = 0

    def listen(self, factory: Any) -> Deferred[Any]:
        self.asked += 1
        return self.answer


def place(answer: Deferred[Any] | None = None, text: str = "tcp:9999") -> Listener:
    endpoint: Any = Endpoint() if answer is None else Endpoint(answer)
    return Listener(text=text, endpoint=endpoint, local=True, proves_peers=False)


def in_use() -> Deferred[Any]:
    return fail(CannotListenError("127.0.0.1", 9999, OSError(errno.EADDRINUSE, "Address already in use")))


def session(factory: FrameFactory) -> tuple[FrameProtocol, StringTransport]:
    protocol, transport = factory.buildProtocol(ADDRESS), StringTransport(peerAddress=ADDRESS)
    assert isinstance(protocol, FrameProtocol)
    protocol.makeConnection(transport)  # type: ignore[no-untyped-call]
    return protocol, transport


class TestStart:
    """A service listens at all places or at none."""

    def test_it_listens_once_although_it_is_started_in_two_steps(self) -> None:
        where = place(succeed(Port()))
        service = ServerService(Factory(), [where])

        service.privilegedStartService()
        service.startService()

        assert 1 == where.endpoint.asked  # type: ignore[attr-defined]
        assert 1 == len(service.ports)

    def test_it_listens_if_it_is_started_without_privileges(self) -> None:
        service = ServerService(Factory(), [place(succeed(Port()))])

        service.startService()

        assert 1 == len(service.ports)

    def test_the_log_says_where_it_listens(self) -> None:
        with capturedLogs() as events:
            ServerService(Factory(), [place(succeed(Port()), "tcp:0")]).startService()

        assert ["listening on 127.0.0.1:9999 (tcp:0)"] == [formatEvent(event) for event in events]

    def test_observers_are_told_where_it_listens(self) -> None:
        observer = RecordingObserver()
        factory = FrameFactory(observers=[observer], clock=Clock())
        ServerService(factory, [place(succeed(Port()), "tcp:0")]).startService()

        assert [("listening",)] == observer.log

    @pytest.mark.parametrize(
        ("failure", "reason"),
        [
            (CannotListenError("", 1, OSError(errno.EADDRINUSE, "In use")), f"In use: {PORT_TAKEN}"),
            (OSError(13, "Permission denied"), "Permission denied"),
            (OverflowError("port must be 0-65535"), "OverflowError: port must be 0-65535"),
        ],
    )
    def test_a_place_that_cannot_be_used_is_reported_with_the_reason(
        self, failure: Exception, reason: str
    ) -> None:
        service = ServerService(Factory(), [place(fail(failure))])

        with pytest.raises(CannotListen) as raised:
            service.privilegedStartService()

        assert f"cannot listen on tcp:9999: {reason}" == str(raised.value)

    def test_an_endpoint_that_raises_is_reported_too(self) -> None:
        class Broken:
            def listen(self, factory: Any) -> Any:
                raise ValueError("broken")

        where = Listener(text="odd:1", endpoint=Broken(), local=True, proves_peers=False)  # type: ignore[arg-type]

        with pytest.raises(CannotListen, match="cannot listen on odd:1: ValueError: broken"):
            ServerService(Factory(), [where]).startService()

    def test_if_one_place_cannot_be_used_nothing_is_left_listening(self) -> None:
        ports = [Port(), Port()]
        service = ServerService(
            Factory(), [place(succeed(ports[0])), place(in_use(), "tcp:1"), place(succeed(ports[1]))]
        )

        with pytest.raises(CannotListen, match="cannot listen on tcp:1: Address already in use"):
            service.startService()

        assert [False, False] == [port.listening for port in ports]
        assert [] == service.ports

    def test_all_places_that_cannot_be_used_are_reported(self) -> None:
        service = ServerService(Factory(), [place(in_use(), "tcp:1"), place(in_use(), "tcp:2")])

        with pytest.raises(CannotListen) as raised:
            service.startService()

        reason = f"Address already in use: {PORT_TAKEN}"
        assert f"cannot listen on tcp:1: {reason}; cannot listen on tcp:2: {reason}" == str(raised.value)

    def test_after_a_failure_it_can_be_started_again(self) -> None:
        where = place(in_use())
        service = ServerService(Factory(), [where])
        with pytest.raises(CannotListen):
            service.startService()

        where.endpoint.answer = succeed(Port())  # type: ignore[attr-defined]
        service.startService()

        assert 1 == len(service.ports)


class TestEndpointsThatTakeTheirTime:
    """Some endpoints, of plugins, listen later."""

    def test_a_late_failure_is_logged_and_the_others_go_on(self) -> None:
        late: Deferred[Any] = Deferred()
        port = Port()
        service = ServerService(Factory(), [place(late, "odd:1"), place(succeed(port))])
        service.startService()

        with capturedLogs() as events:
            late.errback(Failure(OSError(13, "Permission denied")))

        assert ["cannot listen on odd:1: Permission denied"] == [formatEvent(event) for event in events]
        assert [id(port)] == [id(each) for each in service.ports]

    def test_a_port_that_listens_after_the_stop_is_closed(self) -> None:
        late: Deferred[Any] = Deferred()
        service = ServerService(Factory(), [place(late)])
        service.startService()
        service.stopService()
        port = Port()

        late.callback(port)

        assert not port.listening
        assert [] == service.ports


class TestStop:
    """A stop admits no new sessions, and ends the old ones."""

    def test_it_stops_listening_and_drains_and_its_deferred_fires_at_the_end(self) -> None:
        clock, port = Clock(), Port()
        factory = FrameFactory(FrameProtocol, clock=clock)
        service = ServerService(factory, [place(succeed(port))])
        service.startService()
        protocol, transport = session(factory)
        done: list[object] = []

        service.stopService().addCallback(done.append)

        assert not port.listening
        assert transport.disconnecting
        assert [] == done
        protocol.connectionLost()
        clock.advance(0)
        assert [None] == done

    @pytest.mark.parametrize(("options", "grace"), [({}, 5.0), ({"grace": 2.0}, 2.0)])
    def test_sessions_that_do_not_end_are_aborted_after_the_grace(
        self, options: dict[str, float], grace: float
    ) -> None:
        clock = Clock()
        factory = FrameFactory(FrameProtocol, clock=clock)
        service = ServerService(factory, [place(succeed(Port()))], **options)
        service.startService()
        _, transport = session(factory)
        assert transport.producer is not None
        transport.producer.pauseProducing()  # the peer does not read
        service.stopService()

        clock.advance(grace - 0.1)
        assert not transport.disconnected
        clock.advance(0.1)

        assert transport.disconnected

    def test_a_factory_that_cannot_be_drained_is_left_alone(self) -> None:
        service = ServerService(Factory.forProtocol(Protocol), [place(succeed(Port()))])
        service.startService()
        done: list[object] = []

        service.stopService().addCallback(done.append)

        assert [None] == done

    def test_it_can_be_started_again(self) -> None:
        where = place(succeed(Port()))
        service = ServerService(Factory(), [where])
        service.startService()
        service.stopService()

        where.endpoint.answer = succeed(Port())  # type: ignore[attr-defined]
        service.startService()

        assert [True] == [port.listening for port in service.ports]  # type: ignore[attr-defined]


class TestAbuse:
    """What an attack causes is counted by kind, and told in an hour and at the stop."""

    def test_it_is_told_once(self) -> None:
        clock = Clock()
        factory = FrameFactory(max_sessions=1, clock=clock)
        service = ServerService(factory, [place(succeed(Port()))])
        with capturedLogs() as events:
            service.startService()
            one, _ = session(factory)
            for _ in range(3):
                factory.buildProtocol(ADDRESS)
            one.faults = 2
            assert {Abuse.SESSIONS: 3, Abuse.FAULT: 2} == factory.abuse
            clock.advance(3600)
            clock.advance(3600)
            factory.buildProtocol(ADDRESS)
            one.abort()
            one.connectionLost(Failure(ConnectionDone()))
            service.stopService()
        told = [formatEvent(each) for each in events if "counts" in each]
        assert [
            "since the start or the last such line: 3 refused because there were too many sessions; "
            "2 faults in received data",
            "since the start or the last such line: 1 refused because there were too many sessions",
        ] == told
        assert [] == clock.getDelayedCalls()

    def test_nothing_is_told_if_nothing_happened(self) -> None:
        clock = Clock()
        service = ServerService(FrameFactory(clock=clock), [place(succeed(Port()))])
        with capturedLogs() as events:
            service.startService()
            clock.advance(7200)
            service.stopService()
        assert [] == [each for each in events if "counts" in each]
        assert [] == clock.getDelayedCalls()
