"""How names in Python become names on the wire: as they are, ``camelCase``, or ``PascalCase`` as in C#."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

__all__ = ["NAMINGS", "Naming"]

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
