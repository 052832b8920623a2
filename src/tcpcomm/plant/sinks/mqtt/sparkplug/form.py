"""The gateway as a node of Sparkplug B, and each link as a device: :class:`SparkplugForm`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from tcpcomm.plant.message import OutboxMessage
from tcpcomm.plant.sink import CarryOut, LinkDescription
from tcpcomm.plant.sinks.mqtt.commands import CommandDesk
from tcpcomm.plant.sinks.mqtt.form import NotAccepted, Port
from tcpcomm.plant.sinks.mqtt.options import MqttOptions
from tcpcomm.plant.sinks.mqtt.packets import Arrived, BrokerLimits, Publication, Subscription
from tcpcomm.plant.sinks.mqtt.sparkplug.metrics import (
    COMMANDS,
    REPLIES,
    is_state,
    of_gateway,
    of_link,
    report_of,
    samples_of,
    states_of,
)
from tcpcomm.plant.sinks.mqtt.sparkplug.node import (
    NAMESPACE,
    REBIRTH,
    Definition,
    Node,
    Sample,
    SparkplugMessage,
)
from tcpcomm.plant.sinks.mqtt.sparkplug.payload import Metric, decode
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle

_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about retained commands."""
SPARKPLUG_REBIRTH_SECONDS: Final = 1.0
"""Seconds, at least, between two births that hosts ask for. Further requests share the next birth."""

log = BoundedLogger()


class SparkplugForm:
    """
    The form ``sparkplug``.

    Args:
        sink: the configuration.
        name: the name of the sink.
        clock: the reactor, or a test's clock.
        now: returns the wall clock's time, which Sparkplug's timestamps are.
    """

    port: Port

    def __init__(
        self, sink: MqttOptions, name: str, clock: Any, now: Callable[[], float] = time.time
    ) -> None:
        self._sink = sink
        self._sink_name = name
        self._clock = clock
        self._now = now
        self._desk = CommandDesk(name, clock)
        self._retained = LogThrottle(_LOG_INTERVAL)
        self._links: dict[str, LinkDescription] = {}
        self._definitions: dict[str, dict[str, Definition]] = {}
        self._ready: set[str] = set()
        self._node: Node | None = None
        self._born_at = 0.0
        self._births_at = float("-inf")
        self._rebirth: Any = None
        self._host_wait: Any = None
        self._host_said_at: float = -1.0

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        self._links = {each.name: each for each in links}
        devices = {each.name: of_link(each) for each in links}
        self._definitions = {link: {each.name: each for each in found} for link, found in devices.items()}
        # It goes on from the clock after a restart, so that an old will does not fit the new birth.
        start = int(self._now())
        self._node = Node(self._sink.group, gateway, of_gateway(links), devices, bd_seq=start)
        self._desk.allow({each.name: frozenset(each.commands) for each in links})

    def take_commands(self, carry_out: CarryOut) -> None:
        self._desk.begin(carry_out)
        if self._node is not None and self._desk.links():
            self.port.subscribe([Subscription(topic=self._node.topic("DCMD", "+"))])

    def will(self) -> Publication | None:
        if self._node is None:
            return None
        self._node.begin()
        return self._publication(self._node.death(self._milliseconds()), qos=1)

    def subscriptions(self) -> list[Subscription]:
        if self._node is None:
            return []
        found = [Subscription(topic=self._node.topic("NCMD"))]
        if self._desk.links():
            found.append(Subscription(topic=self._node.topic("DCMD", "+")))
        if self._sink.host_id:
            found.append(Subscription(topic=self._state_topic()))
        return found

    def not_subscribed(self, topic: str) -> list[Subscription]:
        return []  # each of its subscriptions is needed as it is

    def opened(self, limits: BrokerLimits) -> None:
        if not self._sink.host_id or self._node is None:
            self._give_birth()
            self.port.ready()
            return
        self._host_said_at = -1.0
        reason = f"the primary host {self._sink.host_id} has not said that it is online"
        self._host_wait = self._clock.callLater(self._sink.connect_timeout, self.port.wait_for, reason)

    def closed(self) -> None:
        for each in (self._rebirth, self._host_wait):
            if each is not None and each.active():
                each.cancel()
        if self._node is not None:
            self._node.end()

    def farewell(self) -> list[Publication]:
        if self._node is None or not self._node.is_born:
            return []
        return [self._publication(self._node.death(self._milliseconds()), qos=1)]

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        node = self._node
        (self._ready.add if is_ready else self._ready.discard)(link)
        if node is None or not node.is_born or link not in self._links:
            return
        if is_ready:
            self._send(node.device_birth(link, self._milliseconds()))
        elif node.is_device_born(link):
            self._send(node.device_death(link, self._milliseconds()))

    def publications(
        self, messages: Sequence[OutboxMessage]
    ) -> Iterator[tuple[OutboxMessage | None, Publication | str]]:
        node = self._node
        visiting: set[str] = set()  # links that are lost now, and born only for what they sent before
        for message in messages:
            try:
                report = report_of(message, self._links)
                assert node is not None, "a link is described"
                is_old = message.posted_at < self._born_at
                if is_state(report):
                    device, samples = "", states_of(report, is_old)
                else:
                    device = report.link
                    samples = samples_of(report, self._links[device], self._definitions[device], is_old)
            except NotAccepted as error:
                yield message, str(error)
                continue
            if device and not node.is_device_born(device):
                visiting.add(device)
                yield None, self._publication(node.device_birth(device, self._milliseconds()))
            found = self._publication(node.data(device, samples, self._milliseconds()))
            reason = self.port.too_large(found)
            if reason:
                node.take_back()
            yield message, reason or found
        for device in visiting:
            if node is not None and node.is_device_born(device) and device not in self._ready:
                yield None, self._publication(node.device_death(device, self._milliseconds()))

    def arrived(self, message: Arrived) -> None:
        if self._node is None:
            return
        if self._sink.host_id and message.topic == self._state_topic():
            self._hear_host(message.payload)
            return
        if message.is_retained:
            count = self._retained.count_due(self._clock.seconds())
            if count:
                log.warn(
                    "sink {sink}: ignored retained commands: {count}, the last one in {topic}: "
                    "publish commands without retain",
                    sink=self._sink_name,
                    count=count,
                    topic=message.topic,
                )
            return
        try:
            metrics = decode(message.payload).metrics
        except ValueError as error:
            log.warn(
                "sink {sink}: ignored what came in {topic}: {reason}",
                sink=self._sink_name,
                topic=message.topic,
                reason=str(error),
            )
            return
        if message.topic == self._node.topic("NCMD"):
            if any(self._node.name_of("", each) == REBIRTH and each.value for each in metrics):
                self._be_reborn()
            return
        device = message.topic.rpartition("/")[2]
        if device in self._links:
            for each in metrics:
                self._command(device, self._node.name_of(device, each), each)

    def _command(self, device: str, name: str, metric: Metric) -> None:
        first, _, command = name.partition("/")
        if first != COMMANDS or not command:
            log.warn(
                "sink {sink}: ignored a value for {metric} of {link}: "
                "only metrics under commands/ can be set",
                sink=self._sink_name,
                metric=name or f"the alias {metric.alias}",
                link=device,
            )
            return
        self._desk.take(
            device,
            command,
            self._arguments(device, command, metric),
            lambda answer: self._reply(device, command, answer),
        )

    def _arguments(self, device: str, command: str, metric: Metric) -> bytes:
        """Return the arguments as JSON: they are JSON already, or the value of the only parameter."""
        value = metric.value
        declared = self._links[device].declaration.commands.get(command)
        parameters = [] if declared is None else declared.spec.parameters
        if isinstance(value, str) and (not value.strip() or value.lstrip().startswith("{")):
            return value.encode()
        if not parameters or value is None:
            return b""
        if len(parameters) == 1 and not isinstance(value, bytes):
            return json.dumps({parameters[0].name: value}).encode()
        return json.dumps(str(value)).encode()  # it is refused, with what to write

    def _reply(self, device: str, command: str, answer: dict[str, Any]) -> None:
        node = self._node
        name = f"{REPLIES}/{command}"
        if node is None or not node.is_device_born(device) or node.definition(device, name) is None:
            log.warn(
                "sink {sink}: the answer of {command} of {link} has no way: {answer}",
                sink=self._sink_name,
                command=command,
                link=device,
                answer=str(answer),
            )
            return
        now = self._milliseconds()
        text = json.dumps(answer, ensure_ascii=False)
        self._send(node.data(device, {name: Sample(value=text, timestamp=now)}, now))

    def _hear_host(self, payload: bytes) -> None:
        node, host = self._node, self._sink.host_id
        try:
            found = json.loads(payload)
            is_online, at = found["online"] is True, float(found["timestamp"])
        except (ValueError, KeyError, TypeError, RecursionError):
            log.warn(
                "sink {sink}: the state of the host {host} is not that of Sparkplug 3.0: {payload}",
                sink=self._sink_name,
                host=host,
                payload=repr(payload[:200]),
            )
            return
        if at < self._host_said_at or node is None:
            return  # an old message, such as a late will of the host
        self._host_said_at = at
        if self._host_wait is not None and self._host_wait.active():
            self._host_wait.cancel()
        if is_online:
            if not node.is_born:
                self._give_birth()
                self.port.ready()
            return
        reason = f"the primary host {host} is offline"
        if node.is_born:
            self._send(node.death(self._milliseconds()), qos=1)
            node.end()
            self.port.renew(reason)
        else:
            self.port.wait_for(reason)

    def _be_reborn(self) -> None:
        if self._rebirth is not None and self._rebirth.active():
            return
        wait = self._births_at + SPARKPLUG_REBIRTH_SECONDS - self._clock.seconds()
        self._rebirth = self._clock.callLater(max(0.0, wait), self._give_birth_again)

    def _give_birth_again(self) -> None:
        if self._node is not None and self._node.is_born:
            self._give_birth()

    def _give_birth(self) -> None:
        node = self._node
        if node is None:
            return
        self._births_at = self._clock.seconds()
        if not node.is_born:
            self._born_at = self._now()
        self._send(node.birth(self._milliseconds()))
        for link in self._links:
            if link in self._ready:
                self._send(node.device_birth(link, self._milliseconds()))

    def _send(self, message: SparkplugMessage, qos: int | None = None) -> None:
        self.port.publish(self._publication(message, qos))

    def _publication(self, message: SparkplugMessage, qos: int | None = None) -> Publication:
        return Publication(
            topic=message.topic, payload=message.payload, qos=self._sink.qos if qos is None else qos
        )

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)

    def _state_topic(self) -> str:
        return f"{NAMESPACE}/STATE/{self._sink.host_id}"
