"""
One connection to a broker: :class:`BrokerSession`, a protocol of pika's Twisted adapter with a sure end.

pika closes a connection only after its buffer is empty, and that never happens while a broker hangs. It
also forgets the reason of an end before the login. A session here is aborted, keeps the first reason in
words, and counts the silence of the broker itself.
"""

from __future__ import annotations

from typing import Any, Final

from pika import ConnectionParameters, spec
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tcpcomm.net.error_texts import loss_text
from tcpcomm.runtime.safe_text import one_line

CLOSE_BROKER: Final = 2.0
"""Seconds for a broker to answer the end of a connection. Then the connection is aborted."""

_BEGINNINGS: Final = (b"\x01", b"A")  # a method's frame, or the protocol header of another version


class BrokerSession(Protocol):
    """
    A connection to a broker, from TCP to its end.

    Args:
        parameters: pika's parameters.
        silence: the seconds without a byte of the broker after which it is taken for dead.
        reactor: runs the timers.

    Attributes:
        ended: fires with the reason in words when the connection has ended.
        blocked: the reason why the broker takes no messages at the moment, such as a full disk; or empty.
        unblocked_at: the time by the reactor when the broker last began to take messages again; at first
            the time when this session was made.
        heard_at: the time by the reactor when the broker was heard last.
    """

    def __init__(self, parameters: ConnectionParameters, silence: float, reactor: Any) -> None:
        self.blocked = ""
        self.unblocked_at = self.heard_at = reactor.seconds()
        self.opened: Deferred[None] = Deferred()
        self.ended: Deferred[str] = Deferred()
        self._silence = silence
        self._reactor = reactor
        self._reason = ""
        self._has_begun = False
        self._timer: Any = None
        self._lingering: Any = None
        self._pika = _pika_protocol(parameters, reactor)
        self._pika.ready.addCallbacks(lambda _: self.opened.callback(None), lambda _: None)
        connection = self._pika.connection
        connection.callbacks.add(0, spec.Connection.Close, self._closed_by_broker, False)
        connection.add_on_connection_blocked_callback(self._broker_blocks)
        connection.add_on_connection_unblocked_callback(self._broker_goes_on)

    @property
    def reason(self) -> str:
        """The reason why the connection ended or is about to; empty while it is in use."""
        return self._reason

    @property
    def is_alive(self) -> bool:
        """
        True while the connection is in use and the broker was heard in time.

        It also becomes False at once when this process goes on after it was stopped for too long.
        """
        return not self._reason and self._reactor.seconds() - self.heard_at <= self._silence

    def channel(self) -> Deferred[Any]:
        """
        Open a channel of pika's Twisted adapter.

        The Deferred fails with ConnectionLost if the end has begun. On such a channel, pika would refuse
        each call, and later log the Deferred that it had made for it.
        """
        opening: Deferred[Any] = self._pika.channel()
        return opening.addCallback(self._unless_ending)

    def _unless_ending(self, channel: Any) -> Any:
        if self._reason:
            raise ConnectionLost(self._reason)
        return channel

    def abort(self, reason: str) -> None:
        """End the connection at once, without a word to the broker."""
        if not self._reason:
            self._reason = reason
        self._break()

    def finish(self) -> Deferred[str]:
        """Say goodbye to the broker, and return a Deferred of the end. It comes within 2 s."""
        if not self._reason:
            self._reason = "this side closed it"
            self._linger()
            if self._pika.is_open:
                self._pika.close()
            else:
                self._break()
        return self.ended

    def makeConnection(self, transport: Any) -> None:
        self.heard_at = self._reactor.seconds()
        self._watch()
        self.transport = transport
        self.connected = 1
        self._pika.makeConnection(transport)

    def dataReceived(self, data: bytes) -> None:
        if self._reason and self._lingering is None:
            return
        now = self._reactor.seconds()
        if now - self.heard_at > self._silence:
            # The data may be as old: this process was stopped, or the network was.
            self.abort(f"nothing of the broker was read for {now - self.heard_at:.0f} s")
            return
        self.heard_at = now
        if not self._has_begun and data[:1] not in _BEGINNINGS:
            # pika would read a length from the next bytes, and wait for the rest.
            self.abort("it does not speak AMQP 0-9-1")
            return
        self._has_begun = True
        try:
            self._pika.dataReceived(data)
        except Exception as error:  # pika raises many kinds for bytes that it cannot read
            self.abort(f"it does not speak AMQP 0-9-1: {type(error).__name__} {one_line(str(error))}")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        for timer in (self._timer, self._lingering):
            if timer is not None and timer.active():
                timer.cancel()
        if not self._reason:
            self._reason = loss_text(reason)
        # The users of channels get an error that they know, also for a failure of TLS.
        self._pika.connectionLost(Failure(ConnectionLost(self._reason)))
        if not self.opened.called:
            self.opened.errback(ConnectionError(self._reason))
        self.ended.callback(self._reason)

    def _watch(self) -> None:
        silent = self._reactor.seconds() - self.heard_at
        if silent >= self._silence:
            self.abort(f"the broker was silent for {silent:.0f} s")
        else:
            self._timer = self._reactor.callLater(self._silence - silent, self._watch)

    def _linger(self) -> None:
        """Abort the connection if its orderly end takes too long."""
        if self._lingering is None:
            self._lingering = self._reactor.callLater(CLOSE_BROKER, self._break)

    def _break(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def _closed_by_broker(self, frame: Any) -> None:
        if not self._reason:
            self._reason = f"{frame.method.reply_code} {one_line(frame.method.reply_text)}"
        self._linger()

    def _broker_blocks(self, connection: object, frame: Any) -> None:
        self.blocked = one_line(frame.method.reason) or "an alarm"

    def _broker_goes_on(self, connection: object, frame: Any) -> None:
        self.blocked = ""
        self.unblocked_at = self._reactor.seconds()


def _pika_protocol(parameters: ConnectionParameters, reactor: Any) -> Any:
    """Return pika's protocol with its connection. Its module installs a reactor, so it is imported here."""
    from pika.adapters.twisted_connection import TwistedProtocolConnection  # noqa: PLC0415 - see above

    class PikaProtocol(TwistedProtocolConnection):  # type: ignore[misc] # pika has no types
        @property
        def connection(self) -> Any:
            return self._impl

    return PikaProtocol(parameters, custom_reactor=reactor)
