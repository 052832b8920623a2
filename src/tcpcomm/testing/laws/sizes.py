"""Framings with another ``max_frame``, so that the laws can reach a limit with few bytes."""

from __future__ import annotations

from typing import Any, Final

from attrs import evolve, fields

from tcpcomm.errors import ConfigurationError
from tcpcomm.framing import Framing

_SMALL: Final = 600
_LARGE: Final = 4096


def _parts(framing: Framing) -> dict[str, Framing]:
    """Return the framings inside this one, by the names of its arguments."""
    values = {each.alias: getattr(framing, each.name) for each in fields(type(framing))}
    return {name: value for name, value in values.items() if isinstance(value, Framing)}


def resized(framing: Framing, max_frame: int) -> Framing | None:
    """
    Return this framing with another limit, or None if its values do not allow that limit.

    If ``max_frame`` depends on the framing inside, as with ``Checked``, the framing inside is resized.
    """
    changes: dict[str, Any] = {}
    if fields(type(framing)).max_frame.init:
        changes["max_frame"] = max_frame
    else:
        for name, part in _parts(framing).items():
            changes[name] = resized(part, part.max_frame + max_frame - framing.max_frame)
    if not changes or None in changes.values():
        return None
    try:
        return evolve(framing, **changes)
    except (ConfigurationError, TypeError):  # TypeError: a plain subclass with an __init__ of its own
        return None


def smaller(framing: Framing) -> Framing:
    """Return this framing with a small limit, if its own is large and can be changed."""
    if framing.max_frame <= _LARGE:
        return framing
    return resized(framing, _SMALL) or framing


def held_limit(framing: Framing) -> int:
    """Return the bytes that a decoder may hold: two longest frames, and those of the framings inside."""
    inside = sum(held_limit(part) for part in _parts(framing).values())
    return 2 * framing.max_frame + 256 + inside
