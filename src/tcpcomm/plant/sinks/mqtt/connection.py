"""The connection of a sink to its broker, which is made again when it is lost: :class:`MqttConnection`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred

from tcpcomm.errors import ConfigurationError
from tcpcomm.link.policy import Backoff
from tcpcomm.plant.errors import SinkUnavailable
from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.sink import CarryOut, LinkDescription, SinkConnection
from tcpcomm.plant.sinks.mqtt.form import Form
from tcpcomm.plant.sinks.mqtt.options import MqttOptions
from tcpcomm.plant.sinks.mqtt.packets import (
    LARGEST_PACKET,
    Arrived,
    BrokerLimits,
    Ending,
    Publication,
    Subscription,
    packet_size,
)
from tcpcomm.plant.sinks.mqtt.reasons import publication_refusal, refusal_text
from tcpcomm.plant.sinks.mqtt.wire import Opening, Wire
from tcpcomm.runtime.bounded_logger import BoundedLogger

BACKOFF: Final = Backoff(quick=0.5, cap=15.0, floor=0.1)
"""The waits between two attempts to connect, while there is nothing to deliver."""
MQTT_PAUSE: Final = 30.0
"""
Seconds without an attempt, after another client with the same name took over. Then the sink connects
again.
"""
_SHORT_SESSION: Final = 10.0
"""Seconds. If a broker ends sessions sooner, again and again, another client probably took them over."""
_SHORT_SESSIONS: Final = 4
"""The number of such sessions, one after the other, after which there is a pause."""
_MOST_REASONS: Final = 10
"""The most reasons of one outage that the log tells."""
MQTT_LEAVE_SECONDS: Final = 5.0
"""Seconds for the last messages when the connection is closed. Then it is closed without them."""

_TOO_LATE: Final = "the broker did not confirm in time"

log = BoundedLogger()


@define
class _Batch:
    """The messages that wait for their confirmation."""

    done: Deferred[None]
    open: dict[str, str] = field(factory=dict)
    """The topic of each message that is not answered yet, by its id."""
    confirmed: list[str] = field(factory=list)
    refused: dict[str, str] = field(factory=dict)
    trouble: str = ""
    """The reason why the broker could not take some messages now."""


class MqttConnection(SinkConnection):
    """
    The connection to a broker.

    It is made when the first message or the links are there. It is made again whenever it is lost, so that
    the broker's commands arrive, and others see that the gateway is there.

    Args:
        sink: the configuration.
        name: the name of the sink.
        reactor: the reactor, or a test's clock.
        form: the form of what is published.
        make_wire: makes the connection; for tests.
        random: draws the waits between attempts.
    """

    def __init__(
        self,
        sink: MqttOptions,
        name: str,
        reactor: Any,
        form: Form,
        *,
        make_wire: Callable[[Opening, Any, Any], Any] = Wire,
        random: Random | None = None,
    ) -> None:
        self._sink = sink
        self._name = name
        self._reactor = reactor
        self._form = form
        self._make_wire = make_wire
        self._random = random or Random()
        self._client_id = sink.client_id or f"tcpcomm-{socket.gethostname()}-{name}"[:128]
        self._wire: Any = None
        self._limits: BrokerLimits | None = None
        self._is_ready = False
        self._is_closed = False
        self._waiting: list[Deferred[None]] = []
        self._batch: _Batch | None = None
        self._retry: Any = None
        self._attempts = 0
        self._opened_at = 0.0
        self._short_sessions = 0
        self._paused_until = 0.0
        self._problem = ""
        self._logged: set[str] = set()  # the reasons of this outage that the log has
        self._lost_at: float | None = None
        self._is_renewing = False
        self._ended: Deferred[None] | None = None
        form.port = self

    # the interface of a sink

    async def deliver(self, messages: Sequence[OutboxMessage]) -> Mapping[str, str]:
        await self._until_ready()
        wire = self._wire
        batch = self._batch = _Batch(Deferred())
        try:
            for message, found in self._form.publications(messages):
                reason = found if isinstance(found, str) else self.too_large(found)
                if not reason and isinstance(found, Publication):
                    if message is not None:
                        batch.open[message.id] = found.topic
                    wire.publish(found, None if message is None else message.id)
                elif message is not None:
                    batch.refused[message.id] = reason
            if batch.open:
                await batch.done
        except SinkUnavailable:
            raise
        except BaseException as error:
            self._batch = None
            if wire is self._wire:
                self._drop(_TOO_LATE)
            if isinstance(error, CancelledError):
                raise SinkUnavailable(_TOO_LATE, batch.confirmed) from None
            raise
        finally:
            self._batch = None
        if batch.trouble:
            raise SinkUnavailable(batch.trouble, batch.confirmed)
        return batch.refused

    async def close(self) -> None:
        self._is_closed = True
        self._stop_retry()
        self._fail_waiting("the sink is closed")
        wire = self._wire
        if wire is None:
            return
        self._ended = Deferred()
        if self._limits is None:
            wire.abort()
        else:
            for each in self._form.farewell():
                wire.publish(each)
            wire.leave()
        late = self._reactor.callLater(MQTT_LEAVE_SECONDS, self._leave_now)
        try:
            await self._ended
        finally:
            self._ended = None
            if late.active():
                late.cancel()

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        if not self._sink.client_id:
            self._client_id = f"tcpcomm-{gateway}-{self._name}"[:128]
        self._form.describe(links, gateway)
        self._stop_retry()
        self._retry = self._reactor.callLater(0, self._connect_if_idle)

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        self._form.link_changed(link, is_ready, reason)

    def take_commands(self, carry_out: CarryOut) -> None:
        self._form.take_commands(carry_out)

    def problem(self) -> str:
        return self._problem

    # what the form uses

    def publish(self, publication: Publication) -> bool:
        """Publish something that is not a message of the outbox; return False without a connection."""
        if self._wire is None or self._limits is None:
            return False
        reason = self.too_large(publication)
        if reason:
            log.warn("sink {sink}: cannot publish: {reason}", sink=self._name, reason=reason)
            return False
        self._wire.publish(publication)
        return True

    def too_large(self, publication: Publication) -> str:
        """Return the reason why a packet is too large for the broker, or an empty text."""
        most = LARGEST_PACKET if self._limits is None else self._limits.packet_size
        size = packet_size(publication, self._sink.version)
        if size <= most:
            return ""
        return (
            f"the message needs a packet of {size} bytes, but the broker takes at most {most}: raise the "
            "broker's limit (mosquitto: max_packet_size)"
        )

    def ready(self) -> None:
        """Begin to deliver messages."""
        self._is_ready = True
        self._problem = ""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    def wait_for(self, reason: str) -> None:
        """Deliver nothing until :meth:`ready`, and give the reason to the outbox."""
        self._is_ready = False
        self._problem = reason
        self._fail_waiting(reason)

    def renew(self, reason: str) -> None:
        """Leave the broker politely, and connect again."""
        if self._wire is None or self._limits is None or self._is_renewing:
            return
        self._is_renewing = True
        self.wait_for(reason)
        self._fail_batch(reason)
        self._wire.leave()

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Subscribe more topics, if there is a connection."""
        if self._wire is not None and self._limits is not None and subscriptions:
            self._wire.subscribe(subscriptions)

    # what the wire tells

    def wire_opened(self, wire: Any, limits: BrokerLimits) -> None:
        """Begin a session with the broker."""
        if wire is not self._wire:
            return
        if not limits.can_confirm and self._sink.qos:
            self._drop("the broker confirms no messages (its maximum QoS is 0): use another broker")
            return
        self._limits = limits
        self._opened_at = self._reactor.seconds()
        self._logged.clear()
        since, self._lost_at = self._lost_at, None
        log.info(
            "sink {sink}: connected to the broker {host}:{port}{pause}",
            sink=self._name,
            host=self._sink.host,
            port=self._sink.used_port,
            pause="" if since is None else f", after {self._opened_at - since:.1f} s",
        )
        self.subscribe(self._form.subscriptions())
        self._form.opened(limits)

    def wire_confirmed(self, wire: Any, token: Any, code: int, detail: str) -> None:
        """Count the confirmation of a message, or its refusal."""
        batch = self._batch
        if wire is not self._wire or (code >= 0x80 and token is None):
            self._log_refused(code, detail)
            return
        if batch is None or token not in batch.open:
            return
        topic = batch.open.pop(token)
        if code < 0x80:
            batch.confirmed.append(token)
        elif reason := publication_refusal(code, topic, detail):
            batch.refused[token] = reason
        else:
            batch.trouble = refusal_text(code, self._client_id, self._sink.version, detail)
        if not batch.open and not batch.done.called:
            batch.done.callback(None)

    def wire_arrived(self, wire: Any, message: Arrived) -> None:
        """Take a message of the broker."""
        if wire is self._wire:
            self._form.arrived(message)

    def wire_not_subscribed(self, wire: Any, topic: str, code: int) -> None:
        """Subscribe something else, or tell the reader of the log why no commands will come."""
        instead = self._form.not_subscribed(topic) if wire is self._wire else []
        if instead:
            log.info(
                "sink {sink}: the broker does not let this client subscribe to {topic}: "
                "it subscribes to each link",
                sink=self._name,
                topic=topic,
            )
            self.subscribe(instead)
            return
        log.error(
            "sink {sink}: the broker does not let this client subscribe to {topic} (0x{code:02X}): "
            "change its access list",
            sink=self._name,
            topic=topic,
            code=code,
        )

    def wire_ended(self, wire: Any, ending: Ending) -> None:
        """End the session, and begin a new one later."""
        if wire is not self._wire:
            return
        was_asked_for = self._is_renewing
        reason = self._judged(ending)
        if was_asked_for:
            reason = self._problem
        self._lost(reason, to_log=not self._is_closed and not was_asked_for)
        if self._ended is not None:
            self._ended.callback(None)
        if not self._is_closed:
            self._connect_later()

    # its own

    async def _until_ready(self) -> None:
        if self._is_closed:
            raise SinkUnavailable("the sink is closed")
        if self._is_ready:
            return
        if self._reactor.seconds() < self._paused_until or (self._limits and self._problem):
            raise SinkUnavailable(self._problem)
        ready: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(ready)
        self._connect_if_idle()
        await ready

    def _connect_if_idle(self) -> None:
        if self._wire is not None or self._is_closed or self._reactor.seconds() < self._paused_until:
            return
        self._stop_retry()
        self._attempts += 1
        sink = self._sink
        try:
            opening = Opening(
                host=sink.host,
                port=sink.used_port,
                version=sink.version,
                client_id=self._client_id,
                username=sink.username or None,
                password=None if sink.password is None else sink.password.reveal(),
                keepalive=sink.keepalive,
                connect_timeout=sink.connect_timeout,
                tls=sink.tls_context(),
                will=self._form.will(),
            )
        except ConfigurationError as error:  # a file of a password or certificate is not there now
            self._lost(str(error), to_log=True)
            self._connect_later()
            return
        self._wire = self._make_wire(opening, self, self._reactor)
        self._wire.start()

    def _connect_later(self) -> None:
        now = self._reactor.seconds()
        wait = BACKOFF.wait(min(self._attempts, 30), float("inf"), self._random)
        self._stop_retry()
        self._retry = self._reactor.callLater(max(wait, self._paused_until - now), self._connect_if_idle)

    def _stop_retry(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None

    def _judged(self, ending: Ending) -> str:
        """Return the reason of an ending, and begin a pause if another client has the same name."""
        now = self._reactor.seconds()
        lasted = now - self._opened_at
        is_short = ending.was_accepted and lasted < _SHORT_SESSION and not self._is_renewing
        self._short_sessions = self._short_sessions + 1 if is_short else 0
        if ending.was_accepted and not is_short:
            self._attempts = 0
        if ending.was_taken_over:
            self._paused_until = now + MQTT_PAUSE
            return ending.reason
        if self._short_sessions >= _SHORT_SESSIONS:
            self._paused_until = now + MQTT_PAUSE
            return (
                f"the broker ends each connection soon after it accepts it: another client is called "
                f"{self._client_id!r} (give each gateway its own name), or the broker's log has the reason"
            )
        return ending.reason

    def _leave_now(self) -> None:
        self._drop("the broker did not take the last messages in time")
        if self._ended is not None:
            self._ended.callback(None)

    def _drop(self, reason: str) -> None:
        """Cut the connection. What it still tells is not heard."""
        wire = self._wire
        self._lost(reason, to_log=True)
        if wire is not None:
            wire.abort()
        if not self._is_closed:
            self._connect_later()

    def _lost(self, reason: str, *, to_log: bool) -> None:
        was_open = self._limits is not None
        self._wire = self._limits = None
        self._is_ready = self._is_renewing = False
        if not self._is_closed:
            self._problem = reason
        if self._lost_at is None:
            self._lost_at = self._reactor.seconds()
        # An outage is one line, and one more for each new reason; not one for each attempt.
        if to_log and reason not in self._logged and len(self._logged) < _MOST_REASONS:
            self._logged.add(reason)
            log.warn(
                "sink {sink}: {event} the broker {host}:{port}: {reason}",
                sink=self._name,
                event="lost" if was_open else "no connection to",
                host=self._sink.host,
                port=self._sink.used_port,
                reason=reason,
            )
        if was_open:
            self._form.closed()
        self._fail_waiting(reason)
        self._fail_batch(reason)  # the outbox may deliver again at once, before this returns

    def _fail_batch(self, reason: str) -> None:
        batch = self._batch
        if batch is not None and not batch.done.called:
            batch.done.errback(SinkUnavailable(reason, batch.confirmed))

    def _fail_waiting(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.errback(SinkUnavailable(reason))

    def _log_refused(self, code: int, detail: str) -> None:
        if code < 0x80:
            return
        log.warn(
            "sink {sink}: the broker refused a state or an answer: {reason}",
            sink=self._name,
            reason=publication_refusal(code, "its topic", detail)
            or refusal_text(code, self._client_id, self._sink.version, detail),
        )
