"""The layer between a transport and the protocol of a supervised link: :class:`SupervisedProtocol`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Final, Protocol, cast

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ISSLTransport,
)
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from tcpcomm.link.states import LinkState
from tcpcomm.net.error_texts import is_program_error, loss_text, peer_name
from tcpcomm.net.psk import PreSharedKeys
from tcpcomm.net.tls import certificate_name
from tcpcomm.runtime.socket_options import set_socket_options
from tcpcomm.session.admission import Refused
from tcpcomm.session.authentication import PeerAuthentication
from tcpcomm.session.observer import Observers
from tcpcomm.session.protocol import FrameProtocol

_NO_OBSERVERS: Final = Observers()
"""For a FrameProtocol, which reports to its observers by itself."""


class Supervision(Protocol):
    """The part of an engine that its sessions need."""

    source: Any
    observers: Observers

    @property
    def state(self) -> LinkState: ...
    def session_made(self, session: SupervisedProtocol) -> bool: ...
    def session_refusal(self, session: SupervisedProtocol) -> str | None: ...
    def abort_later(self, session: SupervisedProtocol, reason: str) -> None: ...
    def session_established(self, session: SupervisedProtocol) -> None: ...
    def session_heard(self, session: SupervisedProtocol) -> None: ...
    def session_unread(self, session: SupervisedProtocol) -> None: ...
    def session_over(self, session: SupervisedProtocol, reason: str, refused: bool = False) -> None: ...
    def settle(self) -> None: ...


@implementer(IHandshakeListener)
class SupervisedProtocol(ProtocolWrapper):
    """
    Stands between the transport and the user's protocol, and reports to the engine what happens.

    Args:
        factory: the factory of all sessions of a link.
        protocol: the user's protocol.
        authentication: connected to the transport in its place until the peer is proven; None: the peer
            need not prove itself by a key.
    """

    def __init__(
        self, factory: SupervisedFactory, protocol: Any, authentication: PeerAuthentication | None
    ) -> None:
        super().__init__(factory, authentication or protocol)
        self.protocol = protocol
        self._engine = factory.engine
        self._framed = isinstance(protocol, FrameProtocol)
        self._observers = _NO_OBSERVERS if self._framed else factory.engine.observers
        # A FrameProtocol drops by itself all bytes after its end, but needs the peer's end in order to
        # close:
        self._receives_to_the_end = self._framed
        self._begun = False  # the user's protocol, or its authentication, knows of the connection
        self._reading_paused = False
        self._lost = False
        self.given_up = False
        self.missing: str | None = None
        """The proof that the peer still owes, as a text for logs; None if it owes nothing."""
        self._identity: str | None = None
        self._reason: str | None = None  # of our ending the session
        if authentication is not None:
            authentication.refusal, authentication.proven = self._refusal, self._proven
            authentication.refused = self._not_proven
        self.peer = "no peer yet"
        self.host: str | None = None
        self.heard_at = 0.0
        """The time at which bytes came last on the session of the link, by the engine's clock."""

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
            self.wrappedProtocol = TwistedProtocol()  # the user's protocol is never connected
            self._receives_to_the_end = False
        self._begun = not self.given_up
        if self._begun and self._observers.opened is not None:
            self._observers.opened(self)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]
        if self._begun and self.host is not None and not self._framed:
            set_socket_options(transport)  # a FrameProtocol does it itself
        if not (self.given_up or self.missing):
            self._established()

    def handshakeCompleted(self) -> None:
        proven = not (self.given_up or isinstance(self.wrappedProtocol, PeerAuthentication))
        name = certificate_name(self.transport) if proven else None
        refusal = self._refusal(name) if proven else None
        if refusal is not None:  # before the protocol is ready
            self.given_up = True
            self._engine.abort_later(self, refusal)
            return
        listener = IHandshakeListener(self.wrappedProtocol, None)
        if listener is not None:
            listener.handshakeCompleted()
        if proven:
            self._proven(name)

    def _refusal(self, identity: str | None) -> str | None:
        """Return the reason why the link refuses this peer, which is known now, or None."""
        self._identity = identity
        return self._engine.session_refusal(self)

    def _proven(self, identity: str | None) -> None:
        """Go on with a peer that is proven; the protocol is connected."""
        self.missing, self._identity = None, identity
        if not self.given_up:
            self._established()

    def _established(self) -> None:
        if self._observers.ready is not None:
            self._observers.ready(self)
        self._engine.session_established(self)

    def _not_proven(self, reason: str) -> None:
        if not (self.given_up or self._lost):
            self._engine.session_over(self, reason, refused=True)
            self.abort(reason)

    def same_peer(self, newer: SupervisedProtocol) -> bool:
        """Return False if a newer session is known to come from another peer than this session."""
        if self.missing:
            return True  # the peer of this session is not known yet
        if self._identity or newer._identity:
            return self._identity == newer._identity
        return self.host == newer.host

    def dataReceived(self, data: bytes) -> None:
        if not self.given_up:
            if self._observers.received is not None:
                self._observers.received(self, data)
            self._engine.session_heard(self)
        if not self.given_up or self._receives_to_the_end:
            self.wrappedProtocol.dataReceived(data)

    def data_waits(self) -> None:
        """Note that received data waits in the session, which reads nothing more meanwhile."""
        if not self.given_up:
            self._engine.session_heard(self)

    @property
    def is_unread(self) -> bool:
        """True while nothing is read from the peer, but not because the peer itself does not read."""
        return self._reading_paused and not (self._framed and self.protocol.unsent)

    def pauseProducing(self) -> None:
        """Stop reading for the protocol."""
        self._reading_paused = True
        cast("Any", self.transport).pauseProducing()

    def resumeProducing(self) -> None:
        """Read again for the protocol."""
        if self.is_unread:
            self._engine.session_unread(self)
        self._reading_paused = False
        cast("Any", self.transport).resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = True
        if isinstance(self.wrappedProtocol, PeerAuthentication):
            reason = self.wrappedProtocol.explained(reason)
        self._engine.session_over(self, loss_text(reason), refused=is_program_error(reason))
        if self._begun and self._observers.closed is not None:
            self._observers.closed(self, self._reason or loss_text(reason))
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self._engine.settle()

    def loseConnection(self) -> None:
        """Close for the protocol: what it wrote still leaves, but the link goes on without this session."""
        super().loseConnection()  # type: ignore[no-untyped-call]
        self._closed_here()

    def loseWriteConnection(self) -> None:
        """Shut the sending side. A FrameProtocol begins to close so; another may still wait for replies."""
        cast("Any", self.transport).loseWriteConnection()
        if self._framed:
            self._closed_here()

    def _closed_here(self) -> None:
        if self._engine.state is not LinkState.DRAINING:
            reason = self.protocol.reason if self._framed else None
            peer_closed_first = self._framed and self.protocol.input_ended
            self._engine.session_over(self, reason or "closed here", refused=not peer_closed_first)

    def abort(self, reason: str) -> None:
        """End the connection at once; nothing that still comes is passed on."""
        self._reason = self._reason or reason
        self.given_up = True
        self.disconnecting = 1
        if self._begun and self._framed:
            self.protocol.abort(reason)
        transport = cast("Any", self.transport)
        getattr(transport, "abortConnection", transport.loseConnection)()

    def drain(self, reason: str) -> None:
        """Close politely: sent data still leaves."""
        if not self._begun:
            self.abort(reason)
        elif self._framed:
            self.protocol.close(reason)
        else:
            self._reason = self._reason or reason
            self.loseConnection()


@implementer(IHalfCloseableProtocol)
class _HalfCloseable(SupervisedProtocol):
    """A session with a protocol that distinguishes the peer's end of sending from its end."""

    def readConnectionLost(self) -> None:
        if not self.given_up or self._receives_to_the_end:
            cast("Any", self.wrappedProtocol).readConnectionLost()

    def writeConnectionLost(self) -> None:
        if not self.given_up or self._receives_to_the_end:
            cast("Any", self.wrappedProtocol).writeConnectionLost()


class _Foreign(SupervisedProtocol):
    """A session of another protocol than FrameProtocol, which does not report to observers by itself."""

    def write(self, data: bytes) -> None:
        super().write(data)  # type: ignore[no-untyped-call]
        if self._observers.sent is not None:
            self._observers.sent(self, data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))


class _HalfCloseableForeign(_HalfCloseable, _Foreign):
    """A foreign session that is half-closeable."""


class SupervisedFactory(WrappingFactory[SupervisedProtocol]):
    """
    Builds a supervised protocol around each protocol of the user's factory.

    Args:
        factory: the user's factory.
        engine: supervises the sessions.
        keys: with them the peer must prove itself first.

    Raises:
        ConfigurationError: we connect, and there are keys of several peers.
    """

    noisy = False

    def __init__(self, factory: Any, engine: Supervision, keys: PreSharedKeys | None) -> None:
        super().__init__(factory)  # type: ignore[no-untyped-call]
        self.engine = engine
        self._proof = None if keys is None else partial(keys.proof, dials=engine.source.dials)
        if self._proof is not None:
            self._proof()  # raises now if the keys cannot be used

    def buildProtocol(self, addr: IAddress | None) -> SupervisedProtocol:
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None or isinstance(protocol, Refused):
            return cast("SupervisedProtocol", protocol)  # Twisted's own annotation forgets a refusal
        authentication = None
        if isinstance(protocol, PeerAuthentication):  # the user's factory has keys itself
            authentication, protocol = protocol, protocol.protocol
        elif self._proof is not None:
            authentication = PeerAuthentication(protocol, self._proof())
        half_closeable = IHalfCloseableProtocol.providedBy(protocol)
        kind: type[SupervisedProtocol] = _HalfCloseable if half_closeable else SupervisedProtocol
        if not isinstance(protocol, FrameProtocol):
            kind = _HalfCloseableForeign if half_closeable else _Foreign
        return kind(self, protocol, authentication)
