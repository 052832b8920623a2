"""
The rules of a node of Sparkplug B, without I/O: :class:`Node`.

A node is born with the sequence number 0. Every later message has the next number, and 0 follows 255.
The death of the node is its last will. It carries the same ``bdSeq`` as the birth, so that a late will
cannot end a younger birth. A device is born after its node, sends data only between its birth and its
death, and dies with its node. Each metric has an alias that is unique in the node. A birth tells its name
and its alias; data has the alias only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, field, frozen

from tcpcomm.plant.sinks.mqtt.sparkplug.payload import DataType, Metric, Payload, Value, encode

NAMESPACE: Final = "spBv1.0"
_NUMBERS: Final = 256
BD_SEQ: Final = "bdSeq"
REBIRTH: Final = "Node Control/Rebirth"


@frozen(kw_only=True)
class Definition:
    """One metric as a birth tells it."""

    name: str
    datatype: DataType
    properties: Mapping[str, bool | int | float | str] = field(factory=dict)
    is_transient: bool = False
    initial: Value = None


@frozen(kw_only=True)
class Sample:
    """A value of a metric, with its time in milliseconds."""

    value: Value
    timestamp: int
    is_historical: bool = False
    properties: Mapping[str, bool | int | float | str] = field(factory=dict)


@frozen
class SparkplugMessage:
    """A message with its topic."""

    topic: str
    payload: bytes


@define
class _Metrics:
    """The metrics of the node, or of one device."""

    definitions: dict[str, Definition]
    aliases: dict[str, int]
    known: dict[str, Sample] = field(factory=dict)
    is_born: bool = False


class Node:
    """
    One node, with its devices.

    Args:
        group: the group id.
        name: the name of the node.
        own: the metrics of the node itself.
        devices: the metrics of each device, by its name.
        bd_seq: the first ``bdSeq`` less one.
    """

    def __init__(
        self,
        group: str,
        name: str,
        own: Iterable[Definition],
        devices: Mapping[str, Iterable[Definition]],
        bd_seq: int = -1,
    ) -> None:
        self._group = group
        self._name = name
        self._seq = 0
        self._bd_seq = bd_seq % _NUMBERS
        alias = 0
        self._parts: dict[str, _Metrics] = {}
        for part, found in {"": own, **devices}.items():
            definitions = {each.name: each for each in found}
            self._parts[part] = _Metrics(
                definitions, {each: alias + index for index, each in enumerate(definitions, 1)}
            )
            alias += len(definitions)
        self._by_alias = {
            number: (part, each)
            for part, metrics in self._parts.items()
            for each, number in metrics.aliases.items()
        }

    @property
    def is_born(self) -> bool:
        """True between the birth of the node and the end of its connection."""
        return self._parts[""].is_born

    @property
    def devices(self) -> list[str]:
        """The names of all devices."""
        return [each for each in self._parts if each]

    def is_device_born(self, device: str) -> bool:
        """Return True between the birth of a device and its death."""
        return self._parts[device].is_born

    def definition(self, device: str, name: str) -> Definition | None:
        """Return the metric with this name of a device, or of the node if the device is empty, or None."""
        return self._parts[device].definitions.get(name)

    def topic(self, kind: str, device: str = "") -> str:
        """Return the topic of a kind of message, such as DDATA."""
        topic = f"{NAMESPACE}/{self._group}/{kind}/{self._name}"
        return f"{topic}/{device}" if device else topic

    def name_of(self, device: str, metric: Metric) -> str:
        """Return the name of a metric in a command, also if only its alias is there; empty: unknown."""
        if metric.name:
            return metric.name
        part, name = self._by_alias.get(metric.alias or 0, ("", ""))
        return name if part == device else ""

    def begin(self) -> None:
        """Begin a new connection, with the next ``bdSeq``."""
        self._bd_seq = (self._bd_seq + 1) % _NUMBERS
        self.end()

    def end(self) -> None:
        """End the connection: the node and all devices are dead."""
        for each in self._parts.values():
            each.is_born = False

    def death(self, now: int) -> SparkplugMessage:
        """Return the death of the node, which is also its last will."""
        return SparkplugMessage(
            self.topic("NDEATH"), encode(Payload(metrics=(self._bd_seq_metric(now),), timestamp=now))
        )

    def birth(self, now: int) -> SparkplugMessage:
        """Return the birth of the node. Its devices are dead until their own births."""
        self.end()
        self._parts[""].is_born = True
        self._seq = _NUMBERS - 1
        rebirth = Metric(name=REBIRTH, datatype=DataType.BOOLEAN, value=False, timestamp=now)
        return self._message("NBIRTH", "", (self._bd_seq_metric(now), rebirth, *self._all("", now)), now)

    def device_birth(self, device: str, now: int) -> SparkplugMessage:
        """Return the birth of a device. Its node must be born."""
        assert self.is_born, "a device is born after its node"
        self._parts[device].is_born = True
        return self._message("DBIRTH", device, self._all(device, now), now)

    def device_death(self, device: str, now: int) -> SparkplugMessage:
        """Return the death of a device that is born."""
        assert self._parts[device].is_born, "only a device that is born can die"
        self._parts[device].is_born = False
        return self._message("DDEATH", device, (), now)

    def data(self, device: str, samples: Mapping[str, Sample], now: int) -> SparkplugMessage:
        """Return new values of a device that is born, or of the node if the device is empty."""
        part = self._parts[device]
        assert part.is_born, "data is sent after a birth only"
        metrics = []
        for name, sample in samples.items():
            known = part.known.get(name)
            definition = part.definitions[name]
            if not definition.is_transient and (known is None or known.timestamp <= sample.timestamp):
                part.known[name] = sample
            metrics.append(
                Metric(
                    alias=part.aliases[name],
                    datatype=definition.datatype,  # decoders that keep no births need it
                    value=sample.value,
                    timestamp=sample.timestamp,
                    is_historical=sample.is_historical,
                    is_transient=definition.is_transient,
                    properties=sample.properties,
                )
            )
        return self._message("DDATA" if device else "NDATA", device, metrics, now)

    def take_back(self) -> None:
        """Use the last sequence number again, because the message that has it is not sent."""
        self._seq = (self._seq - 1) % _NUMBERS

    def _all(self, device: str, now: int) -> list[Metric]:
        part = self._parts[device]
        found = []
        for name, each in part.definitions.items():
            known = part.known.get(name)
            found.append(
                Metric(
                    name=name,
                    alias=part.aliases[name],
                    datatype=each.datatype,
                    value=each.initial if known is None else known.value,
                    timestamp=now if known is None else known.timestamp,
                    is_transient=each.is_transient,
                    properties={**each.properties, **({} if known is None else known.properties)},
                )
            )
        return found

    def _bd_seq_metric(self, now: int) -> Metric:
        return Metric(name=BD_SEQ, datatype=DataType.INT64, value=self._bd_seq, timestamp=now)

    def _message(self, kind: str, device: str, metrics: Iterable[Metric], now: int) -> SparkplugMessage:
        self._seq = (self._seq + 1) % _NUMBERS
        payload = Payload(metrics=tuple(metrics), timestamp=now, seq=self._seq)
        return SparkplugMessage(self.topic(kind, device), encode(payload))
