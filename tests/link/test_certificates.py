"""Links that prove their peer by certificate or by key, over real sockets of this machine."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Lines
from tcpcomm.link.link import Link
from tcpcomm.link.policy import PROFILES
from tcpcomm.link.reconnecting import ReconnectingFactory
from tcpcomm.link.states import LinkState
from tcpcomm.net import names
from tcpcomm.net.endpoints import client, listener
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.runtime.socket_options import IDLE
from tcpcomm.session.admission import Abuse
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.heartbeat import Heartbeat, Heartbeats
from tcpcomm.session.protocol import FrameProtocol
from tcpcomm.session.rivals import REFUSAL_DELAY
from tests.certificates import Authority
from tests.conftest import needs_module
from tests.reactor import DEADLINE, reactor, until
from tests.session.stage import recorded_log

needs_module("OpenSSL", "pip install tcpcomm[tls]")

PATIENT = evolve(PROFILES["lan"], connect_timeout=DEADLINE, handshake_timeout=DEADLINE)
HASTY = evolve(PATIENT, handshake_timeout=0.3)
BEAT = Heartbeat(b"PING", b"PONG")

KEY = bytes(range(32))
CAMERA = PreSharedKeys("camera-1", {"robot-1": KEY})
ROBOT = PreSharedKeys("robot-1", {"camera-1": KEY})


class Camera(FrameProtocol):
    """Answers, and keeps the lines that it received."""

    framing = Lines()
    heartbeat = BEAT

    def sessionReady(self) -> None:
        self.factory.ready.append(self)

    def frameReceived(self, frame: bytes) -> None:
        self.sendFrame(b"did " + frame)


def cameras(**options: Any) -> Any:
    factory: Any = FrameFactory(Camera, **options)
    factory.ready = []
    return factory


class Observed:
    """A link, and what it told; it is stopped by the test."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("policy", PATIENT)
        options.setdefault("heartbeat", BEAT)
        self.link = Link(**options)
        self.told: list[tuple[LinkState, str]] = []
        self.link.observe(lambda state, reason: self.told.append((state, reason)))
        self.link.startService()

    async def refused(self) -> str:
        """Wait for the first session that ended; return why it did. It never was ready."""
        await until(lambda: LinkState.DOWN in [state for state, _ in self.told])
        assert LinkState.READY not in [state for state, _ in self.told]
        reason = next(reason for state, reason in self.told if state is LinkState.DOWN)
        await self.link.stopService()
        return reason


def handshake(context: SSL.Context, port: int) -> str | None:
    """Do a handshake as a client in a thread. Return the error, or None if it succeeded."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain:
        plain.settimeout(None)
        connection = SSL.Connection(context, plain)
        connection.set_connect_state()
        try:
            connection.do_handshake()
        except SSL.Error as error:
            return str(error)
        return None


class Files(TestCase):
    """Helpers that the tests share."""

    timeout = 2 * DEADLINE

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def tearDown(self) -> None:
        warned: list[Any] = self.flushWarnings()  # type: ignore[no-untyped-call]
        # It is Twisted that passes them.
        assert [] == [each for each in warned if not each["message"].startswith("Passing pyOpenSSL")]

    async def listen(self, text: str, factory: Any) -> int:
        """Listen; return the port."""
        port: Any = await listener(reactor, text).endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    async def gone(self, factory: Any) -> None:
        await until(lambda: not factory.sessions)


class Certificates(Files):
    """``tls:`` for both ends, with certificates of an authority of the plant."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.folder)
        self.camera = self.authority.issue("camera-1")
        self.robot = self.authority.issue("robot-1")
        other = Authority(self.folder, "stranger")
        self.stranger = other.issue("robot-2")
        self.strangers = other.certificate

    def server(self, *more: str) -> str:
        own = f"privateKey={self.camera.key}:certKey={self.camera.certificate}"
        return ":".join(["tls:0:interface=127.0.0.1", own, *more])

    def demanding(self) -> str:
        return self.server(f"caCerts={self.authority.certificate}")

    def to(self, port: int, *more: str, name: str = "localhost", authority: Path | None = None) -> str:
        trusted = authority or self.authority.certificate
        return ":".join([f"tls:127.0.0.1:{port}:caCerts={trusted}:name={name}", *more])

    def showing(self, files: Any) -> list[str]:
        return [f"clientCert={files.certificate}", f"privateKey={files.key}"]

    async def test_both_ends_prove_themselves_and_talk(self) -> None:
        factory = cameras()
        port = await self.listen(self.demanding(), factory)
        observed = Observed(connect=self.to(port, *self.showing(self.robot)))
        await observed.link.whenReady()
        assert b"did it" == await observed.link.request(b"it", timeout=DEADLINE)
        assert ["robot-1"] == [each.identity for each in factory.ready]
        await observed.link.stopService()
        await self.gone(factory)

    async def test_two_links_may_be_the_ends(self) -> None:
        camera = Observed(listen=self.demanding(), received=lambda frame: b"did " + frame)
        port = camera.link.engine.source.port.getHost().port  # type: ignore[attr-defined]
        robot = Observed(connect=self.to(port, *self.showing(self.robot)))
        await robot.link.whenReady()
        assert b"did it" == await robot.link.request(b"it", timeout=DEADLINE)
        await robot.link.stopService()
        await camera.link.stopService()

    async def test_a_server_with_another_name_is_refused(self) -> None:
        factory = cameras()
        port = await self.listen(self.server(), factory)
        observed = Observed(connect=self.to(port, name="camera-2"))
        assert (
            "TLS failed: the peer's certificate is for another name than the one we connect to"
            == await observed.refused()
        )
        with recorded_log() as logged:
            await self.gone(factory)
            logged.events.clear()
        assert [] == factory.ready

    async def test_a_server_proves_the_name_by_which_it_was_looked_up(self) -> None:
        factory = cameras()
        port = await self.listen(self.server(), factory)
        self.patch(names, "addresses_of", lambda name: ["127.0.0.1"])  # type: ignore[no-untyped-call]
        for name, is_right in (("localhost", True), ("camera-1", False)):
            observed = Observed(connect=f"tls:{name}:{port}:caCerts={self.authority.certificate}")
            if is_right:
                await observed.link.whenReady()
                await observed.link.stopService()
            else:
                assert "for another name" in await observed.refused()
            with recorded_log() as logged:
                await self.gone(factory)
                logged.events.clear()

    async def test_an_address_is_a_name_too(self) -> None:
        factory = cameras()
        port = await self.listen(self.server(), factory)
        trusted = self.authority.certificate
        observed = Observed(connect=f"tls:127.0.0.1:{port}:caCerts={trusted}")
        assert "for another name" in await observed.refused()
        await self.gone(factory)

    async def test_a_server_of_another_authority_is_refused(self) -> None:
        factory = cameras()
        port = await self.listen(self.server(), factory)
        observed = Observed(connect=self.to(port, authority=self.strangers))
        assert "TLS failed: certificate verify failed" == await observed.refused()
        await self.gone(factory)
        assert [] == factory.ready

    async def test_a_client_without_a_certificate_is_refused_and_its_link_never_ready(self) -> None:
        factory = cameras()
        port = await self.listen(self.demanding(), factory)
        observed = Observed(connect=self.to(port))
        reason = await observed.refused()
        assert reason.startswith("TLS failed: ")
        assert "certificate required" in reason
        await self.gone(factory)
        assert [] == factory.ready

    async def test_a_client_whose_certificate_somebody_else_signed_is_refused(self) -> None:
        factory = cameras()
        port = await self.listen(self.demanding(), factory)
        observed = Observed(connect=self.to(port, *self.showing(self.stranger)))
        reason = await observed.refused()
        assert reason.startswith("TLS failed: ")
        assert "unknown ca" in reason
        await self.gone(factory)
        assert [] == factory.ready

    async def test_only_clients_with_an_allowed_name_are_admitted(self) -> None:
        factory = cameras()
        port = await self.listen(self.demanding() + ":clientNames=robot-7,robot-1", factory)
        observed = Observed(connect=self.to(port, *self.showing(self.robot)))
        await observed.link.whenReady()
        await observed.link.stopService()
        other = self.authority.issue("robot-2")
        with recorded_log() as logged:
            observed = Observed(connect=self.to(port, *self.showing(other)))
            assert (await observed.refused()).startswith("TLS failed: ")
            await self.gone(factory)
            problem = (
                "the peer's certificate is for robot-2, localhost, which is not among the allowed names"
            )
            assert any(problem in line for line in logged.lines())
        assert ["robot-1"] == [each.identity for each in factory.ready]

    async def test_an_alternative_name_is_a_name_too(self) -> None:
        factory = cameras()
        port = await self.listen(self.demanding() + ":clientNames=cell-7.plant", factory)
        robot = self.authority.issue("robot-9", also="cell-7.plant")
        observed = Observed(connect=self.to(port, *self.showing(robot)))
        await observed.link.whenReady()
        await observed.link.stopService()
        await self.gone(factory)

    async def test_a_revoked_client_is_refused_by_a_server_and_by_a_link(self) -> None:
        lost = self.authority.issue("robot-2")
        revoked = self.authority.revoke(lost)
        factory = cameras()
        text = f"{self.demanding()}:revoked={revoked}"
        problem = "TLS failed: the peer's certificate is refused: it was revoked"
        port = await self.listen(text, factory)
        with recorded_log() as logged:
            observed = Observed(connect=self.to(port, *self.showing(lost)))
            assert "revoked" in await observed.refused()
            await self.gone(factory)
            assert any(problem in line for line in logged.lines())
        observed = Observed(connect=self.to(port, *self.showing(self.robot)))
        await observed.link.whenReady()
        await observed.link.stopService()
        await self.gone(factory)
        camera = Observed(listen=text, received=lambda frame: b"did " + frame)
        port = camera.link.engine.source.port.getHost().port  # type: ignore[attr-defined]
        with recorded_log() as logged:
            observed = Observed(connect=self.to(port, *self.showing(lost)))
            assert "revoked" in await observed.refused()
            await until(lambda: problem in camera.link.reason)
            assert any(problem in line for line in logged.lines())
        self.authority.revoke()
        camera.link.reload()
        robot = Observed(connect=self.to(port, *self.showing(lost)))
        await robot.link.whenReady()
        await robot.link.stopService()
        await camera.link.stopService()

    async def test_an_outdated_revocation_list_admits_nobody_and_says_so(self) -> None:
        revoked = self.authority.revoke(ends=-1.0)
        factory = cameras()
        port = await self.listen(f"{self.demanding()}:revoked={revoked}", factory)
        with recorded_log() as logged:
            observed = Observed(connect=self.to(port, *self.showing(self.robot)))
            assert (await observed.refused()).startswith("TLS failed: ")
            await self.gone(factory)
            assert any(
                "the revocation list of its authority has expired" in each for each in logged.lines()
            )

    async def test_a_revoked_server_is_refused_by_a_client(self) -> None:
        revoked = self.authority.revoke(self.camera)
        factory = cameras()
        port = await self.listen(self.server(), factory)
        observed = Observed(connect=self.to(port, f"revoked={revoked}"))
        assert "TLS failed: certificate verify failed" == await observed.refused()
        with recorded_log() as logged:
            await self.gone(factory)
            logged.events.clear()

    async def test_two_clients_of_one_name_do_not_evict_each_other_for_ever(self) -> None:
        beats = Heartbeats(2.0, 10.0)  # so long that a busy machine, which reads late, makes nobody silent
        factory = cameras(evict="identity", heartbeats=beats)
        port = await self.listen(self.demanding(), factory)
        began = reactor.seconds()
        first, second = (Observed(connect=self.to(port, *self.showing(self.robot))) for _ in range(2))
        with recorded_log() as logged:
            await until(lambda: factory.abuse[Abuse.FIGHT] >= 3)
            passed = reactor.seconds() - began
            # After the first one, they need a silence of 1 s, 2 s, and then two intervals each.
            assert factory.abuse[Abuse.EVICTED] <= 3 + passed / (2 * beats.interval)
            # Each of the two waits for its refusal before it comes again.
            assert factory.abuse[Abuse.FIGHT] <= 2 + 2 * passed / REFUSAL_DELAY
            await until(lambda: LinkState.READY in (first.link.state, second.link.state))
            for each in (first, second):
                await each.link.stopService()
            await self.gone(factory)
            assert any("has the same name and is alive" in line for line in logged.lines())

    async def test_new_files_are_used_for_new_connections_and_broken_ones_are_not(self) -> None:
        factory = cameras()
        made = listener(reactor, self.demanding())
        assert made.reload is not None
        listening: Any = await made.endpoint.listen(factory)
        self.addCleanup(listening.stopListening)
        port = listening.getHost().port
        first = Observed(connect=self.to(port, *self.showing(self.robot)))
        await first.link.whenReady()
        key = self.camera.key.read_bytes()
        self.camera.key.write_text("broken")
        with pytest.raises(ConfigurationError, match="is not a suitable PEM file"):
            made.reload()
        second = Observed(connect=self.to(port, *self.showing(self.robot)))
        await second.link.whenReady()
        await second.link.stopService()
        self.camera.key.write_bytes(key)
        other = Authority(self.folder, "stranger-2")
        renewed = other.issue("camera-1")  # the same files, signed by another authority
        assert renewed == self.camera
        made.reload()
        refused = Observed(connect=self.to(port, *self.showing(self.robot)))
        assert "TLS failed: certificate verify failed" == await refused.refused()
        third = Observed(connect=self.to(port, *self.showing(self.robot), authority=other.certificate))
        await third.link.whenReady()
        assert b"did it" == await first.link.request(b"it", timeout=DEADLINE)  # the old session goes on
        for each in (first, third):
            await each.link.stopService()
        with recorded_log() as logged:
            await self.gone(factory)
            logged.events.clear()

    async def test_a_client_that_offers_cbc_only_is_refused(self) -> None:
        factory = cameras()
        port = await self.listen(self.server(), factory)
        with recorded_log() as logged:
            for suite, works in (
                ("ECDHE-ECDSA-AES128-SHA256", False),
                ("ECDHE-ECDSA-AES128-GCM-SHA256", True),
            ):
                context = SSL.Context(SSL.TLS_METHOD)
                context.set_max_proto_version(SSL.TLS1_2_VERSION)
                context.set_cipher_list(suite.encode())
                ended = await deferToThread(handshake, context, port)
                assert works == (ended is None), (suite, ended)
            await self.gone(factory)
            logged.events.clear()

    async def test_a_server_that_speaks_tls_1_1_only_is_refused(self) -> None:
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_options(SSL.OP_NO_TLSv1_2 | SSL.OP_NO_TLSv1_3)
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.use_privatekey_file(str(self.camera.key))
        context.use_certificate_file(str(self.camera.certificate))

        class Old(ssl.ContextFactory):
            def getContext(self) -> Any:
                return context

        silent = Factory.forProtocol(Protocol)
        silent.noisy = False
        port: Any = await SSL4ServerEndpoint(reactor, 0, Old(), interface="127.0.0.1").listen(silent)
        observed = Observed(connect=self.to(port.getHost().port))
        assert (await observed.refused()).startswith("TLS failed: ")
        await port.stopListening()

    async def test_a_stranger_from_the_same_machine_does_not_evict_the_peer(self) -> None:
        camera = Observed(listen=self.demanding(), received=lambda frame: b"did " + frame)
        port = camera.link.engine.source.port.getHost().port  # type: ignore[attr-defined]
        robot = Observed(connect=self.to(port, *self.showing(self.robot)))
        await camera.link.whenReady()
        sessions = camera.link.engine.sessions.protocols
        with recorded_log() as logged:
            stranger = Observed(connect=self.to(port, *self.showing(self.stranger)))
            assert (await stranger.refused()).startswith("TLS failed: ")
            await until(lambda: any("is refused: TLS failed" in line for line in logged.lines()))
        assert 1 == len(sessions)
        assert b"did it" == await robot.link.request(b"it", timeout=DEADLINE)
        assert [LinkState.HANDSHAKING, LinkState.READY] == [
            state for state, _ in camera.told if state not in (LinkState.DOWN, LinkState.SUSPECT)
        ][:2]
        await robot.link.stopService()
        await camera.link.stopService()

    async def test_the_same_peer_connected_again_takes_its_zombie_s_place(self) -> None:
        camera = Observed(listen=self.demanding(), received=lambda frame: b"did " + frame)
        port = camera.link.engine.source.port.getHost().port  # type: ignore[attr-defined]
        where = self.to(port, *self.showing(self.robot))
        silent = Factory.forProtocol(Protocol)
        silent.noisy = False
        zombie: Any = await client(reactor, where).connect(silent)
        await until(lambda: camera.link.state is LinkState.HANDSHAKING)
        robot = Observed(connect=where)
        await robot.link.whenReady()
        assert (LinkState.HANDSHAKING, "the peer connected again") in camera.told
        await robot.link.stopService()
        await camera.link.stopService()
        await until(lambda: not zombie.transport.connected)

    async def test_a_stop_ends_within_its_grace_behind_a_peer_that_reads_no_more(self) -> None:
        accepted: list[Any] = []

        class Deaf(Protocol):
            def connectionMade(self) -> None:
                accepted.append(self.transport)

            def dataReceived(self, data: bytes) -> None:
                accepted[0].pauseProducing()

        factory = Factory.forProtocol(Deaf)
        factory.noisy = False
        port = await self.listen(self.server(), factory)
        observed = Observed(
            connect=self.to(port),
            heartbeat=None,
            policy=evolve(PATIENT, grace=0.3),
            framing=Lines(max_frame=2**23),
        )
        await observed.link.whenReady()
        observed.link.send(b"x" * 8_000_000)
        await until(lambda: bool(accepted))
        await observed.link.stopService()
        assert (LinkState.DOWN, "stopped here; what was sent did not leave in time") == observed.told[-1]
        accepted[0].abortConnection()

    async def test_the_socket_below_a_link_s_tls_has_its_options(self) -> None:
        factory = cameras()
        port = await self.listen(self.server(), factory)
        made = ReconnectingFactory(Protocol, policy=PATIENT)
        made.connect(client(reactor, self.to(port)))
        protocol = await made.whenReady()
        transport = protocol.transport
        while not isinstance(transport.getHandle(), socket.socket):
            transport = transport.transport
        handle = transport.getHandle()
        assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_KEEPIDLE"):
            assert IDLE == handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        await made.stop()
        await self.gone(factory)


class Keys(Files):
    """A pre-shared key, over TCP, TLS and UNIX sockets."""

    async def talk(self, listen: str, connect: Callable[[Any], str], **options: Any) -> None:
        camera = Observed(listen=listen, keys=CAMERA, received=lambda frame: b"did " + frame)
        robot = Observed(connect=connect(camera.link.engine.source), keys=ROBOT, **options)
        await robot.link.whenReady()
        assert b"did it" == await robot.link.request(b"it", timeout=DEADLINE)
        robot.link.engine.drop("dropped by the test")
        await robot.link.whenReady()
        assert b"did it" == await robot.link.request(b"it", timeout=DEADLINE)
        await robot.link.stopService()
        await camera.link.stopService()

    async def test_two_links_prove_themselves_over_tcp(self) -> None:
        await self.talk(
            "tcp:0:interface=127.0.0.1", lambda place: f"tcp:127.0.0.1:{place.port.getHost().port}"
        )

    async def test_two_links_prove_themselves_over_tls(self) -> None:
        authority = Authority(self.folder)
        own = authority.issue()
        await self.talk(
            f"tls:0:interface=127.0.0.1:privateKey={own.key}:certKey={own.certificate}",
            lambda place: (
                f"tls:127.0.0.1:{place.port.getHost().port}:name=localhost:caCerts={authority.certificate}"
            ),
        )

    @pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no UNIX sockets here")
    async def test_two_links_prove_themselves_over_a_unix_socket(self) -> None:
        path = self.folder / "socket"
        await self.talk(f"unix:{path}", lambda place: f"unix:{path}")

    async def test_a_link_and_a_server_prove_themselves(self) -> None:
        factory = cameras(keys=CAMERA)
        port = await self.listen("tcp:0:interface=127.0.0.1", factory)
        observed = Observed(connect=f"tcp:127.0.0.1:{port}", keys=ROBOT)
        await observed.link.whenReady()
        assert b"did it" == await observed.link.request(b"it", timeout=DEADLINE)
        assert ["robot-1"] == [each.identity for each in factory.ready]
        await observed.link.stopService()
        await self.gone(factory)

    async def test_a_link_with_the_wrong_key_is_never_ready_and_both_say_why(self) -> None:
        factory = cameras(keys=CAMERA)
        port = await self.listen("tcp:0:interface=127.0.0.1", factory)
        with recorded_log() as logged:
            wrong = PreSharedKeys("robot-1", {"camera-1": b"y" * 32})
            observed = Observed(connect=f"tcp:127.0.0.1:{port}", keys=wrong)
            reason = await observed.refused()
            await self.gone(factory)
            lines = logged.lines()
        assert reason.startswith("not proven: the ")
        assert reason.endswith("perhaps it does not know our name, or its key is another")
        assert any(
            "connection refused: not proven: the peer calls itself robot-1 but has another key" in line
            for line in lines
        )
        assert [] == factory.ready

    async def test_a_server_that_knows_no_keys_is_refused(self) -> None:
        factory = cameras()
        port = await self.listen("tcp:0:interface=127.0.0.1", factory)
        observed = Observed(connect=f"tcp:127.0.0.1:{port}", keys=ROBOT, policy=HASTY)
        assert (
            "host answers but the program does not: the peer was not proven within 0.3 s"
            == await observed.refused()
        )
        await self.gone(factory)
