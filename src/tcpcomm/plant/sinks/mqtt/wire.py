"""
One connection to a broker, in a thread of its own: :class:`Wire`.

All of paho runs in that thread, and in no other. Requests go in through a queue, and news comes out by
``callFromThread``. Therefore no lock is held while paho calls back. A wire connects once. Its identifiers
of messages are not used again, so that a late confirmation cannot be taken for another message.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any, Final, Protocol

from attrs import field, frozen

from tcpcomm.plant.sinks.mqtt.packets import (
    LARGEST_PACKET,
    MQTT_IN_FLIGHT,
    Arrived,
    BrokerLimits,
    Ending,
    Publication,
    Subscription,
)
from tcpcomm.plant.sinks.mqtt.reasons import TAKEN_OVER, connect_failure, refusal_text
from tcpcomm.runtime.bounded_logger import BoundedLogger

_LONGEST_PAUSE: Final = 1.0
"""Seconds after which the thread looks at the keep-alive timer, also if nothing happens."""

log = BoundedLogger()


@frozen(kw_only=True)
class Opening:
    """The parameters of one connection to a broker."""

    host: str
    port: int
    version: str
    client_id: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    keepalive: int
    connect_timeout: float
    tls: ssl.SSLContext | None = None
    will: Publication | None = None


class WireUser(Protocol):
    """The owner of a wire. Its methods are called in the reactor's thread."""

    def wire_opened(self, wire: Any, limits: BrokerLimits) -> None:
        """Learn that the broker accepted the connection."""

    def wire_confirmed(self, wire: Any, token: Any, code: int, detail: str) -> None:
        """Learn that a message is confirmed (below 0x80), or refused with a reason code of MQTT 5."""

    def wire_arrived(self, wire: Any, message: Arrived) -> None:
        """Take a message of the broker."""

    def wire_not_subscribed(self, wire: Any, topic: str, code: int) -> None:
        """Learn that the broker refused a subscription."""

    def wire_ended(self, wire: Any, ending: Ending) -> None:
        """Learn that the connection ended, or was never made. It is called once, as the last."""


class Wire:
    """
    A connection to a broker that is made once.

    Args:
        opening: its parameters.
        user: its owner.
        reactor: the reactor.
    """

    def __init__(self, opening: Opening, user: WireUser, reactor: Any) -> None:
        self._opening = opening
        self._user = user
        self._reactor = reactor
        self._requests: deque[Callable[[], None]] = deque()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._is_woken = False
        self._news: list[Callable[[], None]] = []
        self._is_leaving = False
        self._is_aborted = False
        # what follows is used by the thread only
        self._pending: deque[tuple[Publication, Any]] = deque()
        self._in_flight: dict[int, Any] = {}
        self._filters: dict[int, list[str]] = {}
        self._window = MQTT_IN_FLIGHT
        self._client: Any = None
        self._refusal: tuple[int, str] | None = None
        self._was_accepted = False
        self._end: Ending | None = None

    def start(self) -> None:
        """Begin to connect."""
        Thread(target=self._run, name=f"mqtt {self._opening.client_id}", daemon=True).start()

    def publish(self, publication: Publication, token: Any = None) -> None:
        """Publish a message. With a token, the user learns when it is confirmed."""
        self._ask(lambda: self._pending.append((publication, token)))

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Subscribe some topic filters."""
        self._ask(lambda: self._subscribe(subscriptions))

    def leave(self) -> None:
        """Disconnect politely, when all messages have left that were given before."""
        self._is_leaving = True
        self._wake()

    def abort(self) -> None:
        """Cut the connection at once. The broker then publishes the last will."""
        self._is_aborted = True
        self._wake()

    # in the reactor's thread

    def _ask(self, request: Callable[[], None]) -> None:
        self._requests.append(request)
        self._wake()

    def _wake(self) -> None:
        if self._is_woken:
            return  # the thread has not looked since
        self._is_woken = True
        try:
            self._waker.send(b"!")
        except OSError:
            return  # the thread has ended

    def _hand_out(self, news: Sequence[Callable[[], None]]) -> None:
        for each in news:
            each()

    # in the wire's thread

    def _run(self) -> None:
        try:
            self._connect()
            self._loop()
        except Exception as error:
            if self._end is None:
                self._end = Ending(reason=self._words(error), was_accepted=self._was_accepted)
        finally:
            self._close()
            ending = self._end or self._ending_text()
            self._news.append(lambda: self._user.wire_ended(self, ending))
            self._flush_news()

    def _words(self, error: Exception) -> str:
        opening = self._opening
        if isinstance(error, OSError):
            return connect_failure(error, opening.host, opening.port, opening.tls is not None)
        if not isinstance(error, (ValueError, struct.error)):
            log.failure("MQTT client {client}: an unexpected error", client=opening.client_id)
        return (
            f"{opening.host}:{opening.port} sent something that is not MQTT: check that it is a broker "
            f"({type(error).__name__}: {error})"
        )

    def _close(self) -> None:
        found = None if self._client is None else self._client.socket()
        if found is not None:
            found.close()
        self._waker.close()
        self._woken.close()

    def _connect(self) -> None:
        from paho.mqtt import client as paho  # noqa: PLC0415 - optional
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion  # noqa: PLC0415

        opening = self._opening
        is_new = opening.version == "5"
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=opening.client_id,
            clean_session=None if is_new else True,
            protocol=MQTTProtocolVersion.MQTTv5 if is_new else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = opening.connect_timeout
        client.max_inflight_messages_set(0)  # this class counts by itself
        if opening.username is not None:
            client.username_pw_set(opening.username, opening.password)
        if opening.tls is not None:
            client.tls_set_context(opening.tls)
        if opening.will is not None:
            will = opening.will
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        client.on_socket_register_write = _ignore  # otherwise publish() would call back before it returns
        client.on_socket_unregister_write = _ignore
        options: dict[str, Any] = {"clean_start": True} if is_new else {}
        client.connect(opening.host, opening.port, opening.keepalive, **options)

    def _loop(self) -> None:
        client = self._client
        own = client.socket()
        if own is None:
            return
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        deadline = self._reactor.seconds() + self._opening.connect_timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(own, selectors.EVENT_READ)
            is_writing = False
            while not self._is_aborted and client.socket() is not None:
                if is_writing != client.want_write():
                    is_writing = not is_writing
                    both = selectors.EVENT_READ | selectors.EVENT_WRITE
                    selector.modify(own, both if is_writing else selectors.EVENT_READ)
                pending = getattr(own, "pending", None)  # TLS may have read more than was taken
                pause = 0.0 if pending is not None and pending() else _LONGEST_PAUSE
                ready = {key.fileobj for key, _ in selector.select(pause)}
                if self._woken in ready:
                    self._woken.recv(64)
                    self._is_woken = False  # before it looks, so that nothing is missed after
                if own in ready or not pause:
                    client.loop_read()
                self._take_requests()
                if client.want_write():
                    client.loop_write()
                client.loop_misc()
                self._flush_news()
                if not self._was_accepted and self._reactor.seconds() > deadline and self._end is None:
                    self._end = Ending(
                        reason=f"{self._opening.host}:{self._opening.port} accepts connections, but does "
                        "not answer: check that it is an MQTT broker, and that it is not hung"
                    )
                    return

    def _take_requests(self) -> None:
        while self._requests:
            self._requests.popleft()()
        if not self._was_accepted:
            return
        while self._pending and len(self._in_flight) < self._window:
            publication, token = self._pending.popleft()
            info = self._client.publish(
                publication.topic,
                publication.payload,
                publication.qos,
                publication.retain,
                self._properties(publication),
            )
            self._in_flight[info.mid] = token
        if self._is_leaving and not self._pending and not self._in_flight:
            self._client.disconnect()

    def _subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        if not subscriptions:
            return
        wanted: list[tuple[str, Any]] = []
        for each in subscriptions:
            if self._opening.version == "5":
                from paho.mqtt.subscribeoptions import SubscribeOptions  # noqa: PLC0415 - optional

                # Otherwise a broker hides the flag from a client that is connected when it comes.
                wanted.append((each.topic, SubscribeOptions(qos=1, retainAsPublished=True)))
            else:
                wanted.append((each.topic, 1))
        _, mid = self._client.subscribe(wanted)
        if mid is not None:
            self._filters[mid] = [each.topic for each in subscriptions]

    def _properties(self, publication: Publication) -> Any:
        if self._opening.version != "5":
            return None
        from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415 - optional
        from paho.mqtt.properties import Properties  # noqa: PLC0415 - optional

        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if publication.properties:
            properties.UserProperty = list(publication.properties.items())
        if publication.content_type:
            properties.ContentType = publication.content_type
        if publication.correlation is not None:
            properties.CorrelationData = publication.correlation
        return properties

    def _flush_news(self) -> None:
        if self._news:
            news, self._news = self._news, []
            self._reactor.callFromThread(self._hand_out, news)

    def _ending_text(self) -> Ending:
        opening = self._opening
        if self._refusal is not None:
            code, detail = self._refusal
            return Ending(
                reason=refusal_text(code, opening.client_id, opening.version, detail),
                was_taken_over=code == TAKEN_OVER,
                was_accepted=self._was_accepted,
            )
        if self._was_accepted:
            return Ending(reason="the connection to the broker was lost", was_accepted=True)
        other = "3.1.1" if opening.version == "5" else "5"
        hint = f', or does not know MQTT {opening.version} (then set version = "{other}")'
        tls = "" if opening.tls is not None else ", or wants TLS (then set tls = true)"
        return Ending(
            reason=f"{opening.host}:{opening.port} closed the connection without an answer: "
            f"it is not an MQTT broker{hint}{tls}"
        )

    # called by paho, in the wire's thread

    def _connected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._refusal = (reason.value, getattr(properties, "ReasonString", ""))
            return
        limits = BrokerLimits(
            in_flight=min(MQTT_IN_FLIGHT, getattr(properties, "ReceiveMaximum", MQTT_IN_FLIGHT)),
            packet_size=getattr(properties, "MaximumPacketSize", LARGEST_PACKET),
            can_retain=getattr(properties, "RetainAvailable", 1) == 1,
            can_confirm=getattr(properties, "MaximumQoS", 2) >= 1,
        )
        self._window = limits.in_flight
        self._was_accepted = True
        self._news.append(lambda: self._user.wire_opened(self, limits))

    def _disconnected(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if flags.is_disconnect_packet_from_server and self._refusal is None:
            self._refusal = (reason.value, getattr(properties, "ReasonString", ""))

    def _published(self, client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
        token = self._in_flight.pop(mid, None)
        if token is not None or reason.value >= 0x80:
            code, detail = reason.value, getattr(properties, "ReasonString", "")
            self._news.append(lambda: self._user.wire_confirmed(self, token, code, detail))

    def _subscribed(self, client: Any, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        for topic, reason in zip(self._filters.pop(mid, ()), reasons, strict=False):
            if reason.value >= 0x80:
                self._tell_not_subscribed(topic, reason.value)

    def _tell_not_subscribed(self, topic: str, code: int) -> None:
        self._news.append(lambda: self._user.wire_not_subscribed(self, topic, code))

    def _message(self, client: Any, userdata: Any, message: Any) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # nobody subscribes topics that are not UTF-8
        properties = message.properties
        arrived = Arrived(
            topic=topic,
            payload=bytes(message.payload),
            is_retained=bool(message.retain),
            response_topic=getattr(properties, "ResponseTopic", ""),
            correlation=getattr(properties, "CorrelationData", None),
        )
        self._news.append(lambda: self._user.wire_arrived(self, arrived))


def _ignore(*_: Any) -> None:
    """Do nothing: the thread looks by itself if there is something to write."""
