"""Checks of topics and of their parts."""

from __future__ import annotations

from typing import Final

_WILDCARDS: Final = "+#\0"
_MOST_TOPIC: Final = 65535
"""The most bytes of a topic in MQTT."""


def topic_problem(topic: str) -> str:
    """Return the reason why nothing can be published to a topic, or an empty text."""
    if not topic:
        return "the topic is empty"
    if found := next((each for each in _WILDCARDS if each in topic), ""):
        name = "a zero character" if found == "\0" else repr(found)
        return f"the topic {topic!r} holds {name}, which MQTT does not allow"
    if "" in topic.split("/"):
        return f"the topic {topic!r} has an empty level: write it without // and without / at its ends"
    if topic.startswith("$"):
        return f"the topic {topic!r} begins with $, which is for brokers alone"
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return f"the topic {topic!r} holds half a character"
    return f"the topic is {size} bytes long; MQTT allows {_MOST_TOPIC}" if size > _MOST_TOPIC else ""


def level_problem(name: str) -> str:
    """Return the reason why a name cannot be one level of a topic, or an empty text."""
    if "/" in name:
        return f"{name!r} holds /, but it is one level of a topic"
    return topic_problem(name)
