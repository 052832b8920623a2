"""A service that listens at several places with one factory, and stops without losing replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IListeningPort
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from tcpcomm.errors import ConfigurationError, TcpcommError
from tcpcomm.net.endpoints import Listener
from tcpcomm.net.error_texts import listen_error_text, peer_name
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.timer import clock_of
from tcpcomm.session.admission import abuse_text
from tcpcomm.session.factory import FrameFactory
from tcpcomm.session.observer import report_listening

ABUSE_LOG_INTERVAL: Final = 3600.0
"""
Seconds between two log lines with the numbers of refused, dropped and evicted peers and of faults. There
is no line if nothing happened.
"""


class CannotListen(TcpcommError):
    """A server cannot listen at a place: it is in use, forbidden, or not on this machine."""


class ServerService(Service):
    """
    Listens while it runs.

    Args:
        factory: builds the sessions. A :class:`~tcpcomm.session.factory.FrameFactory` is drained when the
            service stops: replies that were sent are delivered before the sessions close.
        listeners: the places to listen at.
        grace: the seconds that draining may take; then the remaining sessions are aborted.

    The start raises :class:`CannotListen`, and nothing listens, if one of the places cannot be used.
    """

    log = BoundedLogger()

    grace: float
    """Seconds that a stopping server waits for its peers to take the data. Then the rest is aborted."""

    def __init__(self, factory: Factory, listeners: Iterable[Listener], *, grace: float = 5.0) -> None:
        self.factory = factory
        self.listeners = tuple(listeners)
        self.grace = grace
        self.ports: list[IListeningPort] = []
        """The ports that are listening."""
        self._started = False
        self._abuse_told: Counter[Any] = Counter()
        self._abuse_timer: IDelayedCall | None = None

    def privilegedStartService(self) -> None:
        """Listen, while the process may still bind low ports."""
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        self._listen()

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        self._listen()
        self._tell_abuse_later()

    @inlineCallbacks
    def stopService(self) -> Any:
        """
        Stop listening, then drain the sessions.

        Returns:
            A Deferred that fires when no port and no session is left.
        """
        super().stopService()  # type: ignore[no-untyped-call]
        self._started = False
        ports, self.ports = self.ports, []
        yield DeferredList([maybeDeferred(port.stopListening) for port in ports])
        self.accepts_no_more()
        if isinstance(self.factory, FrameFactory):
            if self.factory.sessions:
                self.log.info("draining {count} sessions", count=len(self.factory.sessions))
            yield self.factory.drain(self.grace)
        if self._abuse_timer is not None:
            self._abuse_timer.cancel()
            self._abuse_timer = None
            self._tell_abuse()

    def accepts_no_more(self) -> None:
        """Override it to hear that the service has closed its ports. Draining follows."""

    def _tell_abuse_later(self) -> None:
        if self._abuse_timer is None and hasattr(self.factory, "abuse"):
            clock = clock_of(self.factory)
            self._abuse_timer = clock.callLater(ABUSE_LOG_INTERVAL, self._abuse_interval_over)

    def _abuse_interval_over(self) -> None:
        self._abuse_timer = None
        self._tell_abuse()
        self._tell_abuse_later()

    def _tell_abuse(self) -> None:
        """Log the abuse since the last time, by kind, if there was any."""
        counts = Counter(cast("Any", self.factory).abuse)
        text = abuse_text(counts - self._abuse_told)
        self._abuse_told = counts
        if text:
            self.log.info("since the start or the last such line: {counts}", counts=text)

    def reload(self) -> None:
        """
        Load the files of TLS again: certificates, keys, authorities and revocation lists.

        New connections use them, and sessions go on. If a file is wrong, that is logged, and the old ones
        of this place stay in use.
        """
        if self.load_files():
            self.log.info("loaded certificates and keys again, for new connections")

    def load_files(self) -> bool:
        """Load the files again. Return False if one of them is wrong, which is logged."""
        are_right = True
        for each in self.listeners:
            if each.reload is None:
                continue
            try:
                each.reload()
            except (ConfigurationError, OSError) as error:
                are_right = False
                self.log.error(
                    "{text}: the old certificates stay in use: {error}", text=each.text, error=str(error)
                )
        return are_right

    def _listen(self) -> None:
        if self._started:
            return
        self._started = True
        failures: list[str] = []
        within_start = True

        def failed(failure: Failure, where: Listener) -> None:
            problem = f"cannot listen on {where.text}: {listen_error_text(failure)}"
            if within_start:
                failures.append(problem)
            else:
                self.log.critical("{problem}", problem=problem)

        for each in self.listeners:
            listening: Deferred[IListeningPort] = maybeDeferred(each.endpoint.listen, self.factory)
            listening.addCallbacks(self._listening, failed, callbackArgs=(each,), errbackArgs=(each,))
        within_start = False
        if failures:
            self._started = False
            for port in self.ports:
                maybeDeferred(port.stopListening)
            self.ports = []
            raise CannotListen("; ".join(failures))

    def _listening(self, port: IListeningPort, where: Listener) -> Any:
        if not self._started:  # the service was stopped before the endpoint was ready
            return port.stopListening()
        self.ports.append(port)
        self.log_listening(port, where)
        report_listening(self.factory, peer_name(port.getHost()))
        return None

    def log_listening(self, port: IListeningPort, where: Listener) -> None:
        """Log that the service listens at a place."""
        self.log.info("listening on {address} ({text})", address=peer_name(port.getHost()), text=where.text)
