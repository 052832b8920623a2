"""The values that pass between a sink and its connection to a broker, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

MQTT_IN_FLIGHT: Final = 1024
"""
Messages that wait for the confirmation of a broker, or fewer if the broker says so. Further messages
wait.
"""

LARGEST_PACKET: Final = 268_435_460
"""The bytes of the largest packet that MQTT has."""


@frozen(kw_only=True)
class Publication:
    """
    One message to publish.

    Attributes:
        qos: 0: it counts as published when it is in the socket; 1: when the broker has confirmed it.
        properties: the user properties of MQTT 5; MQTT 3.1.1 does not carry them.
        content_type: the content type of MQTT 5.
        correlation: the correlation data of MQTT 5, for an answer.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    properties: Mapping[str, str] = field(factory=dict)
    content_type: str = ""
    correlation: bytes | None = None


@frozen(kw_only=True)
class Arrived:
    """
    One message that came from the broker.

    Attributes:
        is_retained: its sender wanted it to be stored. MQTT 3.1.1 tells that only of a message that the
            broker had stored before this client subscribed.
        response_topic: the topic for an answer, which a sender with MQTT 5 may name.
        correlation: the bytes that an answer must carry, of MQTT 5.
    """

    topic: str
    payload: bytes
    is_retained: bool = False
    response_topic: str = ""
    correlation: bytes | None = None


@frozen(kw_only=True)
class Subscription:
    """A topic filter to subscribe. The broker also sends what it has stored, marked as retained."""

    topic: str


@frozen(kw_only=True)
class BrokerLimits:
    """
    The limits that a broker set when it accepted the connection. MQTT 3.1.1 has none.

    Attributes:
        in_flight: the most messages that may wait for confirmation.
        packet_size: the bytes of the largest packet.
        can_retain: it stores retained messages.
        can_confirm: it accepts quality of service 1.
    """

    in_flight: int = MQTT_IN_FLIGHT
    packet_size: int = LARGEST_PACKET
    can_retain: bool = True
    can_confirm: bool = True


@frozen(kw_only=True)
class Ending:
    """
    The end of a connection to a broker, or of the attempt to make one.

    Attributes:
        reason: the cause, in words that say what to do.
        was_taken_over: the broker said that another client with this name has connected.
        was_accepted: the broker had accepted the connection before.
    """

    reason: str
    was_taken_over: bool = False
    was_accepted: bool = False


def packet_size(publication: Publication, version: str) -> int:
    """Return the bytes of the packet that publishes a message in a version of MQTT."""
    size = 2 + len(publication.topic.encode()) + len(publication.payload) + (2 if publication.qos else 0)
    if version == "5":
        properties = sum(
            5 + len(name.encode()) + len(value.encode()) for name, value in publication.properties.items()
        )
        if publication.content_type:
            properties += 3 + len(publication.content_type.encode())
        if publication.correlation is not None:
            properties += 3 + len(publication.correlation)
        size += _length_size(properties) + properties
    return 1 + _length_size(size) + size


def _length_size(length: int) -> int:
    """Return the bytes of a length: 7 bits in each."""
    return max(1, -(-length.bit_length() // 7))
