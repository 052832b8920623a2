"""The kinds of sinks by the words for them in ``plant.toml``: :func:`find_kind`."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

from tcpcomm.errors import ConfigurationError
from tcpcomm.plant.sink import Sink
from tcpcomm.plant.sinks.files import FORMATS
from tcpcomm.runtime.load_object import Wanted, load_object, names_user_code

KINDS: Final[dict[str, str]] = {
    "files": "Files",
    "mqtt": "Mqtt",
    "postgres": "Postgres",
    "rabbitmq": "RabbitMq",
    "sqlite": "Sqlite",
}
"""The public name of each kind's class. It is imported when a configuration names it."""

_SINK: Final = Wanted("sink", lambda kind: issubclass(kind, Sink))
"""The classes of which a file that is named alone must define one."""


def find_kind(kind: str) -> type[Sink]:
    """
    Return the class of a sink by its kind, or by its place ``module:Class`` or ``file.py:Class``.

    Raises:
        ConfigurationError: there is no such kind, or its class cannot be imported, or is not a sink.
    """
    found: Any
    if kind in KINDS:
        found = getattr(import_module("tcpcomm.plant"), KINDS[kind])
    elif names_user_code(kind):
        found = load_object(kind, _SINK)
    else:
        similar = get_close_matches(kind, KINDS, 1)
        if kind in FORMATS:
            hint = f'write kind = "files" and format = "{kind}".'
        else:
            hint = f"did you mean {similar[0]!r}?" if similar else f"there are {', '.join(KINDS)}."
        raise ConfigurationError(f"there is no kind {kind!r}: {hint} A sink of yours is named module:Class")
    if not (isinstance(found, type) and issubclass(found, Sink)):
        raise ConfigurationError(f"{kind} is not a sink: write a subclass of tcpcomm.plant.Sink")
    return found
