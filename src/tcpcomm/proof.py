"""The pre-shared-key exchange on a connection, before the protocol behind it has that: :class:`ProofLayer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IReactorTime, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from tcpcomm.psk import MAX_LINE, Acceptor, Dialler, NotProven
from tcpcomm.reasons import loss_in_words, peer_name

__all__ = ["ProofLayer"]


@implementer(IHandshakeListener)
class ProofLayer(ProtocolWrapper):
    """
    Lets the protocol behind it have the connection only when the peer has proven that it holds the key.

    Args:
        protocol: the protocol behind it.
        exchange: our side of the exchange.
        clock: the reactor, or a test's clock.
        timeout: seconds that the exchange, and TLS before it, may take.
        over: called with this layer when it has done its work or its connection is gone.
    """

    log = Logger()

    def __init__(
        self,
        protocol: Any,
        exchange: Acceptor | Dialler,
        *,
        clock: IReactorTime,
        timeout: float,
        over: Callable[[ProofLayer], None] = lambda layer: None,
    ) -> None:
        self.wrappedProtocol = protocol
        self.exchange = exchange
        self.proven: Deferred[None] = Deferred()
        """Fires when the peer is proven; fails with NotProven, or as the connection does."""
        self.peer = "no peer yet"
        self._clock = clock
        self._timeout = timeout
        self._over = over
        self._received = bytearray()
        self._overdue: IDelayedCall | None = None
        self._passing = False
        self._failed = False

    def makeConnection(self, transport: Any) -> None:
        directlyProvides(self, providedBy(transport))
        Protocol.makeConnection(self, transport)

    def connectionMade(self) -> None:
        self.peer = peer_name(cast("Any", self.transport).getPeer())
        self._overdue = self._clock.callLater(
            self._timeout, self._refuse, f"the peer did not prove itself within {self._timeout:g} s"
        )
        if not ISSLTransport.providedBy(self.transport):
            self._begin()

    def handshakeCompleted(self) -> None:
        """TLS is established: now the exchange."""
        self._begin()

    def dataReceived(self, data: bytes) -> None:
        if self._passing:
            super().dataReceived(data)  # type: ignore[no-untyped-call]
            return
        self._received += data
        while not (self._passing or self._failed):
            line, newline, rest = self._received.partition(b"\n")
            if not newline:
                if len(line) > MAX_LINE:
                    self._refuse("the peer does not speak the exchange: its line has no end")
                return
            self._received = rest
            self._line(bytes(line.removesuffix(b"\r")))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._passing:
            super().connectionLost(reason)  # type: ignore[no-untyped-call]
            return
        self._refuse(f"the connection ended before the proof: {loss_in_words(reason)}")
        self._done()

    def _begin(self) -> None:
        self.write(self.exchange.begin())

    def _line(self, line: bytes) -> None:
        try:
            self.write(self.exchange.line(line))
        except NotProven as error:
            self._refuse(str(error))
            return
        if self.exchange.proven:
            self._done()
            self._passing = True
            self.log.info("{peer}: proven to be {name}", peer=self.peer, name=self.exchange.peer)
            self.wrappedProtocol.makeConnection(self)
            if ISSLTransport.providedBy(self.transport):
                listener = IHandshakeListener(self.wrappedProtocol, None)
                if listener is not None:
                    listener.handshakeCompleted()
            self.proven.callback(None)
            rest, self._received = bytes(self._received), bytearray()
            if rest:
                super().dataReceived(rest)  # type: ignore[no-untyped-call]

    def _refuse(self, reason: str) -> None:
        """Close without a word to the peer; our side is told the reason."""
        if self._failed:
            return
        self._failed = True
        self.log.warn("{peer}: refused: {reason}", peer=self.peer, reason=reason)
        transport = cast("Any", self.transport)
        getattr(transport, "abortConnection", transport.loseConnection)()
        self.proven.errback(NotProven(reason))
        self.proven.addErrback(lambda _: None)  # who is not there to hear it has the log

    def _done(self) -> None:
        if self._overdue is not None and self._overdue.active():
            self._overdue.cancel()
        self._over(self)
