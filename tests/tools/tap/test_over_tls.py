"""A tap decrypts at one end and encrypts at the other, over real sockets of this machine."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase

from tcpcomm.net.endpoints import client, listener
from tcpcomm.testing import RecordingObserver, Tap
from tests.certificates import Authority
from tests.reactor import reactor, until
from tests.tools.tap.world import End


class TestOverTls(TestCase):
    async def setUp(self) -> None:  # type: ignore[override]
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = Authority(Path(folder.name))
        files = authority.issue("localhost")
        served = f"ssl:0:interface=127.0.0.1:privateKey={files.key}:certKey={files.certificate}"
        self.accepted: list[End] = []
        place: Any = listener(reactor, served).endpoint
        self.listening = await place.listen(self.factory())
        trusted = f"caCerts={authority.certificate}:name=localhost"
        self.observer = RecordingObserver()
        self.tap = Tap(
            f"tls:127.0.0.1:{self.listening.getHost().port}:{trusted}",
            listen=served,
            observers=[self.observer],
            reactor=reactor,
        )
        port = await self.tap.start()
        place = client(reactor, f"tls:127.0.0.1:{port}:{trusted}")
        self.host = await place.connect(self.factory())
        self.host.transport.write(b"TRG,1")
        await until(lambda: any(each.chunks for each in self.accepted))
        self.accepted.remove(self.host)
        [self.equipment] = self.accepted

    def factory(self) -> Any:
        def make() -> End:
            self.accepted.append(End())
            return self.accepted[-1]

        factory = Factory.forProtocol(make)
        factory.noisy = False
        return factory

    async def tearDown(self) -> None:  # type: ignore[override]
        await self.tap.stop()
        await self.listening.stopListening()
        for each in (self.host, self.equipment):
            if each.lost is None:
                each.transport.abortConnection()
        await until(lambda: None not in (self.host.lost, self.equipment.lost))

    async def test_bytes_and_an_orderly_end_pass(self) -> None:
        self.equipment.transport.write(b"OK,1")
        await until(lambda: bool(self.host.chunks))
        assert ([b"TRG,1"], [b"OK,1"]) == (self.equipment.chunks, self.host.chunks)
        assert [b"TRG,1"] == [each[1] for each in self.observer.only("received")]

        self.host.transport.loseConnection()

        await until(lambda: self.equipment.lost is not None)
        await until(lambda: self.tap.connections == 0)
        [(_, reason)] = self.observer.only("closed")
        assert reason.startswith("the host closed it first (FIN)")

    async def test_an_end_without_a_close_of_tls_is_told_with_who_ended_it(self) -> None:
        self.host.transport.abortConnection()

        await until(lambda: self.tap.connections == 0)
        [(_, reason)] = self.observer.only("closed")
        # uvloop does not tell it from a close of TLS.
        assert re.match(r"the host (ended it without closing TLS|closed it first \(FIN\)); it ", reason)
