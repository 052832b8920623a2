"""What stands between a transport and the protocol of a supervised link: :class:`SupervisedProtocol`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ISSLTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.link.supervisor import LinkState
from tcpcomm.net.certificates import certificate_name
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.net.reasons import is_program_error, loss_text, peer_name
from tcpcomm.runtime.socket_options import set_socket_options
from tcpcomm.session.authentication import PeerAuthentication, authenticate
from tcpcomm.session.factory import Refused
from tcpcomm.session.protocol import FrameProtocol

if TYPE_CHECKING:
    from tcpcomm.link.engine import Engine

__all__ = ["SupervisedFactory", "SupervisedProtocol"]


@implementer(IHandshakeListener)
class SupervisedProtocol(ProtocolWrapper):
    """
    Stands between the transport and the user's protocol; sees bytes come and the connection go.

    Args:
        factory: the factory of all sessions of a link.
        protocol: the user's.
        carrier: what is connected to the transport in its place, until the peer is proven.
    """

    def __init__(self, factory: SupervisedFactory, protocol: Any, carrier: PeerAuthentication | None) -> None:
        super().__init__(factory, carrier or protocol)
        self.protocol = protocol
        self._engine = factory.engine
        self._begun = False  # the user's protocol, or its carrier, knows of the connection
        self._lost = False
        self.given_up = False
        self.missing: str | None = None
        """What the peer has still to show before it is who it has to be, as text; None for nothing."""
        self._identity: str | None = None
        if carrier is not None:
            carrier.proven, carrier.refused = self._proven, self._not_proven
        # It drops by itself what comes after its end, but must hear of the peer's to close:
        self._told_to_the_end = isinstance(protocol, FrameProtocol)
        self.peer = "no peer yet"
        self.host: str | None = None

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport
        address = transport.getPeer()
        self.peer = peer_name(address)
        self.host = getattr(address, "host", None)
        if isinstance(self.wrappedProtocol, PeerAuthentication):
            self.missing = "the peer was not proven"
        elif ISSLTransport.providedBy(transport):
            self.missing = "TLS was not established"
        if not self._engine.session_made(self):
            self.abort("this connection is not wanted")
        if self.given_up:
            self.wrappedProtocol = Protocol()  # the user's never hears of it
            self._told_to_the_end = False
        self._begun = not self.given_up
        super().makeConnection(transport)  # type: ignore[no-untyped-call]
        if self._begun and self.host is not None and not isinstance(self.protocol, FrameProtocol):
            set_socket_options(transport)  # a FrameProtocol does it itself
        if not (self.given_up or self.missing):
            self._engine.session_established(self)

    def handshakeCompleted(self) -> None:
        listener = IHandshakeListener(self.wrappedProtocol, None)
        if listener is not None:
            listener.handshakeCompleted()
        if not isinstance(self.wrappedProtocol, PeerAuthentication):
            self._proven(certificate_name(self.transport))

    def _proven(self, identity: str | None) -> None:
        """The peer is who it has to be, and the protocol is connected."""
        self.missing, self._identity = None, identity
        if not self.given_up:
            self._engine.session_established(self)

    def _not_proven(self, reason: str) -> None:
        if not (self.given_up or self._lost):
            self._engine.session_over(self, reason, refused=True)
            self.abort(reason)

    def is_another_peer_s(self, than: SupervisedProtocol) -> bool:
        """Whether this session is that of another peer than a newer one, so far as can be known."""
        if self.missing:
            return False  # it is nobody's yet
        if self._identity or than._identity:
            return self._identity != than._identity
        return self.host != than.host

    def dataReceived(self, data: bytes) -> None:
        if not self.given_up:
            self._engine.session_heard(self)
        if not self.given_up or self._told_to_the_end:
            super().dataReceived(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = True
        if isinstance(self.wrappedProtocol, PeerAuthentication):
            reason = self.wrappedProtocol.explained(reason)
        self._engine.session_over(self, loss_text(reason), refused=is_program_error(reason))
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._engine.session_gone()

    def loseConnection(self) -> None:
        """The protocol closes the connection: what it wrote still leaves, but the link goes on without."""
        super().loseConnection()  # type: ignore[no-untyped-call]
        self._closed_here()

    def loseWriteConnection(self) -> None:
        """A FrameProtocol begins to close so; another protocol may still wait for replies."""
        cast("Any", self.transport).loseWriteConnection()
        if isinstance(self.protocol, FrameProtocol):
            self._closed_here()

    def _closed_here(self) -> None:
        if self._engine.state is not LinkState.DRAINING:
            protocol = self.protocol
            framed = isinstance(protocol, FrameProtocol)
            closed = protocol._reason if framed else None
            followed = framed and protocol._input_ended  # it closes for the peer has
            self._engine.session_over(self, closed or "closed here", refused=not followed)

    def abort(self, reason: str) -> None:
        """End the connection at once; nothing that still comes is passed on."""
        self.given_up = True
        self.disconnecting = 1
        if self._begun and isinstance(self.protocol, FrameProtocol):
            self.protocol.abort(reason)
        transport = cast("Any", self.transport)
        getattr(transport, "abortConnection", transport.loseConnection)()

    def drain(self, reason: str) -> None:
        """Close politely: what was sent still leaves."""
        if not self._begun:
            self.abort(reason)
        elif isinstance(self.protocol, FrameProtocol):
            self.protocol.close(reason)
        else:
            self.loseConnection()


@implementer(IHalfCloseableProtocol)
class _HalfCloseableSupervisedProtocol(SupervisedProtocol):
    """The same, where the user's protocol wants to know that the peer has only ended its sending."""

    def readConnectionLost(self) -> None:
        if not self.given_up or self._told_to_the_end:
            cast("Any", self.wrappedProtocol).readConnectionLost()

    def writeConnectionLost(self) -> None:
        if not self.given_up or self._told_to_the_end:
            cast("Any", self.wrappedProtocol).writeConnectionLost()


class SupervisedFactory(WrappingFactory[SupervisedProtocol]):
    """
    Builds a supervised protocol around each of the user's factory's.

    Args:
        factory: the user's.
        engine: what supervises.
        keys: with them the peer has to prove itself first.
        dials: which side of that proof is ours.
    """

    noisy = False
    protocol = SupervisedProtocol

    def __init__(self, factory: Any, engine: Engine, keys: PreSharedKeys | None, *, dials: bool) -> None:
        super().__init__(factory)  # type: ignore[no-untyped-call]
        self.engine = engine
        self._keys = keys
        self._dials = dials
        if keys is not None:
            keys.proof(dials=dials)  # says now what is wrong with them

    def buildProtocol(self, addr: IAddress | None) -> SupervisedProtocol:
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None or isinstance(protocol, Refused):
            return cast("SupervisedProtocol", protocol)  # not wanted: Twisted's own annotation forgets that
        kind = _HalfCloseableSupervisedProtocol if IHalfCloseableProtocol.providedBy(protocol) else SupervisedProtocol
        proof = None if self._keys is None else self._keys.proof(dials=self._dials)
        return kind(self, protocol, None if proof is None else authenticate(protocol, proof))
