"""
The proof of a pre-shared key, before a session is ready: :class:`PeerAuthentication`.

It carries out the exchange of :mod:`tcpcomm.net.psk`. Before the peer is proven, the protocol gets nothing
and can send nothing. Then it gets the connection, and the bytes that came behind the exchange.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, cast

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import alsoProvides, implementer

from tcpcomm.net.error_texts import loss_text, peer_name
from tcpcomm.net.psk import NotProven, PreSharedKeys, Proof
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.admission import Abuse, Admission, Refused
from tcpcomm.session.protocol import FrameProtocol

HANDSHAKE: Final = 2.0
"""
Seconds for TLS and the proof of a key together, if the protocol is not a ``FrameProtocol``. Then the
connection is aborted.
"""


@implementer(IHandshakeListener)
class PeerAuthentication(Protocol):
    """
    Stands between the transport and a protocol until the peer is proven.

    A :class:`~tcpcomm.FrameProtocol` can wait until its peer is proven. So it is connected at once, counts
    as a session, and keeps its time limit. Any other protocol is connected when the peer is proven.

    Args:
        protocol: the protocol, which serves proven peers only.
        proof: our side of the exchange.
    """

    def __init__(self, protocol: Any, proof: Proof) -> None:
        if IHalfCloseableProtocol.providedBy(protocol):
            alsoProvides(self, IHalfCloseableProtocol)
        self.protocol = protocol
        self.proven: Callable[[str], object] = lambda peer: None
        """Called with the peer's name when the peer is proven, and the protocol is connected."""
        self.refusal: Callable[[str], str | None] = lambda peer: None
        """Called with the peer's name when it is known; returns the reason to refuse it, or None."""
        self.refused: Callable[[str], object] = self._abort
        """Called with the reason when the peer is not proven. It ends the connection."""
        self._proof = proof
        self._begun = False  # the exchange, after TCP and TLS
        self._over = False  # the peer is proven, or refused
        self._connected = False  # the protocol has the connection
        self._turned_away: str | None = None  # the reason why a proven peer is refused

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport
        self.connected = 1
        if isinstance(self.protocol, FrameProtocol):
            self.protocol.awaits_proof = True
            self._connect()
        if not ISSLTransport.providedBy(transport):
            self.handshakeCompleted()

    def handshakeCompleted(self) -> None:
        """Begin the exchange: TLS is established, or there is none."""
        if not (self._begun or self._over):
            self._begun = True
            begin = self._proof.begin()
            if begin:
                cast("Any", self.transport).write(begin)

    def dataReceived(self, data: bytes) -> None:
        if self._over:
            return
        try:
            answer = self._proof.feed(data)
        except NotProven as error:
            self._over = True
            self.refused(f"not proven: {error}")
            return
        if self._proof.peer is not None:
            self._over = True
            self._turned_away = self.refusal(self._proof.peer)
        if self._turned_away is not None:
            self._turn_away(self._turned_away)
            return
        if answer:
            cast("Any", self.transport).write(answer)
        if self._proof.peer is not None:
            self._hand_over(self._proof.peer)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._connected:
            self.protocol.connectionLost(self.explained(reason))
        elif not self._over:
            reason = self.explained(reason)
            self._over = True
            self.refused(loss_text(reason))

    def readConnectionLost(self) -> None:
        if self._turned_away is not None:
            cast("Any", self.transport).loseConnection()
        elif self._over:
            self.protocol.readConnectionLost()
        else:
            self._over = True
            self.refused("not proven: the peer hung up before that")

    def writeConnectionLost(self) -> None:
        if self._connected:
            self.protocol.writeConnectionLost()

    def explained(self, reason: Failure) -> Failure:
        """Return the reason of a loss. A peer that refuses our proof closes without a reason."""
        if self._turned_away is not None:
            return Failure(NotProven(self._turned_away))
        lost = reason.check(ConnectionDone, ConnectionLost)
        if self._over or not self._begun or lost is None:
            return reason
        text = f"not proven: {loss_text(reason)}, instead of going on with the proof"
        return Failure(NotProven(f"{text}: perhaps it does not know our name, or its key is another"))

    def _connect(self) -> None:
        self._connected = True
        self.protocol.makeConnection(self.transport)

    def _turn_away(self, reason: str) -> None:
        """Tell a proven peer why it is refused, and close when that has left."""
        transport = cast("Any", self.transport)
        transport.write(self._proof.refuse(reason))
        transport.loseConnection()

    def _hand_over(self, peer: str) -> None:
        protocol, transport = self.protocol, cast("Any", self.transport)
        self.dataReceived = protocol.dataReceived  # type: ignore[method-assign] # it gets all that follows
        if isinstance(protocol, FrameProtocol):
            protocol.identity = peer
            protocol.handshakeCompleted()
        else:
            self._connect()
            listener = IHandshakeListener(protocol, None)
            if listener is not None and ISSLTransport.providedBy(transport):
                listener.handshakeCompleted()
        self.proven(peer)
        if self._proof.trailing and not getattr(transport, "disconnecting", False):
            protocol.dataReceived(self._proof.trailing)

    def end(self, reason: str) -> None:
        """End the connection at once, without a call of :attr:`refused`."""
        self._over = True
        self._abort(reason)

    def _abort(self, reason: str) -> None:
        if isinstance(self.protocol, FrameProtocol):
            self.protocol.abort(reason)
        else:
            transport = cast("Any", self.transport)
            getattr(transport, "abortConnection", transport.loseConnection)()


class AuthenticatingFactory(Factory):
    """
    Admits to another factory, which listens, only peers that hold a key.

    :class:`~tcpcomm.FrameFactory`, :class:`~tcpcomm.Link` and :class:`~tcpcomm.ReconnectingFactory` have an
    argument ``keys`` instead.

    Args:
        factory: builds the protocols of proven peers.
        keys: our name, and the keys.
        clock: the reactor, or a test's clock.
    """

    noisy = False
    log = BoundedLogger()

    def __init__(self, factory: Any, keys: PreSharedKeys, *, clock: IReactorTime | None = None) -> None:
        self._factory = factory
        self.keys = keys
        """The keys for new connections; it may be replaced."""
        self.clock = clock
        self.admission = Admission(self.log, lambda: clock_of(self).seconds())
        """Counts the connections that are not proven, and logs the refused ones."""

    @property
    def abuse(self) -> Counter[Abuse]:
        """The number of refused and dropped peers so far, by kind."""
        return self.admission.abuse

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        protocol = self._factory.buildProtocol(addr)
        if protocol is None:
            return None
        made = PeerAuthentication(protocol, self.keys.proof(dials=False))
        if isinstance(protocol, FrameProtocol):
            return made
        abort = made.refused
        overdue: IDelayedCall = clock_of(self).callLater(
            HANDSHAKE, lambda: made.refused(f"not proven within {HANDSHAKE:g} s")
        )

        peer, host = peer_name(addr), getattr(addr, "host", None)

        def over() -> None:
            self.admission.unproven_closed(made)
            if overdue.active():
                overdue.cancel()

        def refused(reason: str) -> None:
            over()
            self.admission.log_refusal(peer, reason)
            abort(reason)

        def drop(reason: str) -> None:
            over()
            made.end(reason)

        if not self.admission.unproven_opened(made, peer, host, drop):
            overdue.cancel()
            return Refused()
        made.refused, made.proven = refused, lambda peer: over()
        return made

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()
