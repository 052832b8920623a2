"""Texts for the refusals of a broker: the mistake, and the repair."""

from __future__ import annotations

import re
from typing import Final

_TEXTS: Final = (
    (
        r"Login was refused",
        "the broker refuses the user or the password: check password and the user in urls",
    ),
    (
        r"vhost '?(?P<name>.*?)'? not found",
        "the broker has no virtual host {name}: correct the url, or type rabbitmqctl add_vhost {name}",
    ),
    (
        r"access to vhost '(?P<name>.*?)' refused for user '(?P<user>.*?)'",
        "the user {user} may not use the virtual host {name}: "
        "type rabbitmqctl set_permissions -p {name} {user} '.*' '.*' '.*'",
    ),
    (
        r"(?P<what>configure|write|read)? ?access to (?P<kind>queue|exchange|topic) '(?P<name>.*?)' .*"
        r"refused for user '(?P<user>.*?)'",
        "the user {user} lacks a permission for the {kind} {name}: type rabbitmqctl set_permissions",
    ),
    (
        r"inequivalent arg '(?P<what>.*?)' for (?P<kind>queue|exchange) '(?P<name>.*?)'",
        "the {kind} {name} exists with another {what}: "
        "write declare = false to use it as it is, or delete it",
    ),
    (
        r"no (?P<kind>queue|exchange) '(?P<name>.*?)' in vhost '(?P<place>.*?)'",
        "there is no {kind} {name} in the virtual host {place}: make it, or write declare = true",
    ),
    (
        r"cannot obtain exclusive access to locked queue '(?P<name>.*?)'",
        "another connection holds the queue {name} for itself",
    ),
    (r"vhost '(?P<name>.*?)' is (deleted|down)", "the virtual host {name} was deleted, or is down"),
    (r"reason 'shutdown'", "the broker is shutting down"),
)
_TEXTS_COMPILED: Final = tuple((re.compile(pattern), text) for pattern, text in _TEXTS)
_TOO_LARGE: Final = re.compile(r"message size (\d+) is larger than (?:configured )?max size (\d+)")


def refusal_text(reply: str) -> str:
    """Return the meaning of a broker's reply text, followed by the text itself."""
    for pattern, text in _TEXTS_COMPILED:
        found = pattern.search(reply)
        if found is not None:
            return f"{text.format(**found.groupdict())} (the broker says: {reply})"
    return f"the broker says: {reply}"


def reason_text(reason: str) -> str:
    """Return the reason of a session's end; if it is a reply of the broker, with its meaning."""
    return refusal_text(reason) if reason[:3].isdigit() else reason


def too_large(reply: str) -> tuple[int, int] | None:
    """Return the size of the refused message and the largest that the broker takes, or None."""
    found = _TOO_LARGE.search(reply)
    return None if found is None else (int(found[1]), int(found[2]))
