"""A host, a tap and equipment on the simulated network: the tests of a tap."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.framing import Framing
from tcpcomm.testing import Network, RecordingObserver
from tcpcomm.tools.dissect.speech import Speech
from tcpcomm.tools.tap.relay import MOST_CONNECTIONS
from tcpcomm.tools.tap.tap import Tap, tap_log

__all__ = ["End", "World", "joined"]


@implementer(IHalfCloseableProtocol)
class End(Protocol):
    """One end of a connection, which keeps the chunks that it gets."""

    transport: Any

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.ended = False
        self.lost: str | None = None

    def dataReceived(self, data: bytes) -> None:
        self.chunks.append(data)

    def readConnectionLost(self) -> None:
        self.ended = True

    def writeConnectionLost(self) -> None:
        pass

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = type(reason.value).__name__

    def take(self) -> list[bytes]:
        """Return the chunks so far, and forget them."""
        chunks, self.chunks = self.chunks, []
        return chunks


class World:
    """
    A host that is connected to equipment through a tap.

    Args:
        speech: the language, or the framing.
        cuts: the probability that the network cuts chunks.
        options: of the tap.
    """

    def __init__(
        self, speech: Speech | Framing | None = None, *, cuts: float = 0.0, **options: Any
    ) -> None:
        self.network = Network(seed=1, cuts=cuts)
        machine = self.network.machine
        self.machines = [machine(name) for name in ("host", "tap", "equipment")]
        self.lines: list[str] = []
        self.observer = RecordingObserver()
        self.accepted: list[End] = []
        if isinstance(speech, Framing):
            speech = Speech.framed(speech)
        self.tap = Tap(
            self.machines[1].connecting(self.machines[2], 9999),
            listen=self.machines[1].listening(9998),
            speech=speech,
            observers=[self.observer],
            log=tap_log(lambda line: self.lines.append(line[17:])),
            seed=options.pop("seed", 1),
            most=options.pop("most", MOST_CONNECTIONS),
            reactor=self.machines[1].clock,
            **options,
        )
        self.tap.start()
        self.serve()

    def serve(self) -> None:
        """Let the equipment listen."""
        factory = Factory.forProtocol(self._accept)
        factory.noisy = False
        self.listening: Any = None
        self.machines[2].listening(9999).listen(factory).addCallback(
            lambda port: setattr(self, "listening", port)
        )

    def _accept(self) -> End:
        self.accepted.append(End())
        return self.accepted[-1]

    def connect(self) -> tuple[End, End]:
        """Connect the host. Return both ends."""
        client = self.client()
        assert client is not None
        return client, self.accepted[-1]

    def client(self) -> End | None:
        """Connect the host. Return its end, or None if the connection was refused."""
        factory = Factory.forProtocol(End)
        factory.noisy = False
        ends: list[Any] = []
        self.machines[0].connecting(self.machines[1], 9998).connect(factory).addCallbacks(
            ends.append, lambda _: ends.append(None)
        )
        self.wait()
        [end] = ends
        return None if end is None else end

    def wait(self, seconds: float = 0.05) -> None:
        """Let time pass; by default so long that all bytes arrive."""
        self.network.advance(seconds)

    def send(self, end: End, *chunks: bytes) -> None:
        """Let one end send chunks, one after the other."""
        for each in chunks:
            end.transport.write(each)
            self.wait()

    @property
    def altered(self) -> list[str]:
        """The words for what the tap has done."""
        return [entry[1] for entry in self.observer.only("altered")]

    def disturb(self, *texts: str) -> None:
        """Add disturbances."""
        for each in texts:
            self.tap.add(each)


def joined(chunks: Iterable[bytes]) -> bytes:
    """Return the bytes of chunks."""
    return b"".join(chunks)
