"""Messages, states and commands as JSON, in topics that people can read: :class:`PlainForm`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tcpcomm.plant.message import JSON, OutboxMessage
from tcpcomm.plant.sink import CarryOut, LinkDescription
from tcpcomm.plant.sinks.mqtt.commands import CommandDesk
from tcpcomm.plant.sinks.mqtt.form import Port
from tcpcomm.plant.sinks.mqtt.options import MqttOptions
from tcpcomm.plant.sinks.mqtt.packets import Arrived, BrokerLimits, Publication, Subscription
from tcpcomm.plant.sinks.mqtt.topics import fitting_text, topic_problem
from tcpcomm.runtime.bounded_logger import BoundedLogger
from tcpcomm.runtime.log_throttle import LogThrottle

COMMAND: Final = "command"
REPLY: Final = "reply"
STATE: Final = "state"
GATEWAY: Final = "gateway"
REPORT: Final = "report"

_LOG_INTERVAL: Final = 10.0
"""Seconds between two log lines about commands that are not carried out, of one kind."""
_MOST_STRANGERS: Final = 100
"""The most links of others that the log names."""
_RETAINED: Final = "a retained command is never carried out: publish it without retain"

log = BoundedLogger()


class PlainForm:
    """
    The form ``json``.

    Args:
        sink: the configuration.
        name: the name of the sink.
        clock: the reactor, or a test's clock.
    """

    port: Port

    def __init__(self, sink: MqttOptions, name: str, clock: Any) -> None:
        self._prefix = sink.prefix
        self._sink_name = name
        self._wants_retained = sink.retain
        self._can_retain = True
        self._clock = clock
        self._retained = LogThrottle(_LOG_INTERVAL)
        self._strangers: set[str] = set()
        self._is_refused_all = False
        self._desk = CommandDesk(name, clock)
        self._gateway = ""
        self._states: dict[str, bytes] = {}

    def describe(self, links: Sequence[LinkDescription], gateway: str) -> None:
        self._gateway = gateway
        self._desk.allow({each.name: frozenset(each.commands) for each in links})
        for each in links:
            self._states.setdefault(each.name, _state(False, ""))

    def take_commands(self, carry_out: CarryOut) -> None:
        self._desk.begin(carry_out)
        self.port.subscribe(self.subscriptions())

    def will(self) -> Publication | None:
        return self._of_gateway("offline") if self._gateway else None

    def subscriptions(self) -> list[Subscription]:
        """Return all commands, so that a wrong one is answered; or those of the links, one by one."""
        links = self._desk.links()
        if not links:
            return []
        chosen = links if self._is_refused_all else ["+"]
        return [Subscription(topic=f"{self._prefix}/{each}/{COMMAND}/+") for each in chosen]

    def not_subscribed(self, topic: str) -> list[Subscription]:
        if self._is_refused_all or topic != f"{self._prefix}/+/{COMMAND}/+":
            return []
        self._is_refused_all = True
        return self.subscriptions()

    def opened(self, limits: BrokerLimits) -> None:
        self._can_retain = limits.can_retain
        if self._gateway:
            self.port.publish(self._of_gateway("online"))
        for link, state in self._states.items():
            self.port.publish(self._of_link(link, state))
        self.port.ready()

    def closed(self) -> None:
        """Keep the states for the next connection."""

    def farewell(self) -> list[Publication]:
        return [self._of_gateway("offline")] if self._gateway else []

    def link_changed(self, link: str, is_ready: bool, reason: str) -> None:
        self._states[link] = _state(is_ready, reason)
        self.port.publish(self._of_link(link, self._states[link]))

    def publications(
        self, messages: Sequence[OutboxMessage]
    ) -> Iterator[tuple[OutboxMessage | None, Publication | str]]:
        for each in messages:
            topic = self._topic_of(each.topic)
            yield each, topic_problem(topic) or Publication(
                topic=topic,
                payload=each.body,
                content_type=each.content_type,
                properties={
                    "id": each.id,
                    "source": fitting_text(each.source),
                    "posted": f"{each.posted_at:.6f}",
                },
            )

    def _topic_of(self, topic: str) -> str:
        """Return the whole topic of a message. Messages do not use the topics of retained states."""
        if not topic:
            return self._prefix
        first, _, rest = topic.partition("/")
        is_taken = (first in self._states and rest == STATE) or (
            first == GATEWAY and bool(rest) and rest == self._gateway
        )
        return f"{self._prefix}/{first}/{REPORT}/{rest}" if is_taken else f"{self._prefix}/{topic}"

    def arrived(self, message: Arrived) -> None:
        levels = message.topic.removeprefix(f"{self._prefix}/").split("/")
        if len(levels) != 3 or levels[1] != COMMAND:
            return  # nothing else is subscribed
        link, _, command = levels
        if link not in self._states:
            self._note_stranger(link)
            return
        if message.is_retained and not message.payload:
            return  # it deletes a retained command
        topic = message.response_topic
        if not topic or topic_problem(topic):
            topic = f"{self._prefix}/{link}/{REPLY}/{command}"

        def answer(content: dict[str, Any]) -> None:
            sent = Publication(
                topic=topic,
                payload=_json(content),
                content_type=JSON,
                correlation=message.correlation,
            )
            if not self.port.publish(sent):
                log.warn(
                    "sink {sink}: the answer of {command} of {link} is lost: there is no broker",
                    sink=self._sink_name,
                    command=command,
                    link=link,
                )

        if message.is_retained:
            self._note_retained(link, command)
            self._desk.reject(message.payload, _RETAINED, answer)
        else:
            self._desk.take(link, command, message.payload, answer)

    def _note_stranger(self, link: str) -> None:
        """Log once that a command is for a link of another gateway, or of none. Its owner answers."""
        if link not in self._strangers and len(self._strangers) < _MOST_STRANGERS:
            self._strangers.add(link)
            log.warn(
                "sink {sink}: ignored a command for {link}: this gateway has no such link; "
                "later ones for it are not logged",
                sink=self._sink_name,
                link=repr(link[:80]),
            )

    def _note_retained(self, link: str, command: str) -> None:
        count = self._retained.count_due(self._clock.seconds())
        if count:
            log.warn(
                "sink {sink}: refused retained commands: {count}, the last one: {command} of {link}: "
                "publish commands without retain, and delete those that are stored",
                sink=self._sink_name,
                count=count,
                command=command[:80],
                link=link,
            )

    def _of_gateway(self, state: str) -> Publication:
        return Publication(
            topic=f"{self._prefix}/{GATEWAY}/{self._gateway}",
            payload=json.dumps({"state": state}).encode(),
            retain=self._wants_retained and self._can_retain,
            content_type=JSON,
        )

    def _of_link(self, link: str, state: bytes) -> Publication:
        return Publication(
            topic=f"{self._prefix}/{link}/{STATE}",
            payload=state,
            retain=self._wants_retained and self._can_retain,
            content_type=JSON,
        )


def _state(is_ready: bool, reason: str) -> bytes:
    found = {"state": "ready" if is_ready else "down"}
    if reason:
        found["reason"] = reason
    return _json(found)


def _json(content: Any) -> bytes:
    """Return JSON. Half a surrogate pair, which UTF-8 has not, becomes an escape of JSON."""
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
