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
    if found := next((each for each in topic if _is_control(each)), ""):
        return f"the topic {topic!r} holds the control character {found!r}, for which brokers hang up"
    if "" in topic.split("/"):
        return f"the topic {topic!r} has an empty level: write it without // and without / at its ends"
    if topic.startswith("$"):
        return f"the topic {topic!r} begins with $, which is for brokers alone"
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return f"the topic {topic!r} holds half a character"
    return f"the topic is {size} bytes long; MQTT allows {_MOST_TOPIC}" if size > _MOST_TOPIC else ""


def _is_control(character: str) -> bool:
    """Return True for control characters and those that are none, which MQTT advises against."""
    code = ord(character)
    return code < 0x20 or 0x7F <= code <= 0x9F or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def fitting_text(text: str, most: int = 256) -> str:
    """Return a text that every broker takes as a user property: cut, and ``?`` for what it may not hold."""
    shown = "".join("?" if _is_control(each) else each for each in text[:most])
    return shown.encode("utf-8", "replace").decode()


def level_problem(name: str) -> str:
    """Return the reason why a name cannot be one level of a topic, or an empty text."""
    if "/" in name:
        return f"{name!r} holds /, but it is one level of a topic"
    return topic_problem(name)
