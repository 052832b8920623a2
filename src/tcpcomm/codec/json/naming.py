"""Names on the wire, made of names in Python: unchanged, ``camelCase``, or ``PascalCase`` as in C#."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from tcpcomm.errors import ConfigurationError

Naming = Literal["as written", "camel", "pascal"]


def _as_written(name: str) -> str:
    return name


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each[:1].upper() + each[1:] for each in others)


def _pascal(name: str) -> str:
    return "".join(each[:1].upper() + each[1:] for each in name.split("_"))


NAMINGS: Final[dict[str, Callable[[str], str]]] = {
    "as written": _as_written,
    "camel": _camel,
    "pascal": _pascal,
}


def check_naming(naming: str) -> None:
    """Raise ConfigurationError if the naming is unknown."""
    if naming not in NAMINGS:
        raise ConfigurationError(f"naming must be one of {', '.join(NAMINGS)}, not {naming!r}")
