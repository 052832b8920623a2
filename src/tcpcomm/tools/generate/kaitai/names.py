"""Names and texts as Kaitai Struct takes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_/.]*( [A-Za-z0-9_/.]+)*")
YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def identifier(name: str) -> str:
    """Return a name in lower case, with digits and underscores, that begins with a letter."""
    spelled = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    spelled = "".join(each if each.isascii() else f"u{ord(each):04x}" for each in spelled)
    spelled = re.sub(r"[^a-z0-9_]+", "_", spelled).strip("_")
    return spelled if spelled[:1].isalpha() else f"x_{spelled}".rstrip("_")


class Names:
    """Gives each thing an identifier of its own."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def new(self, name: str) -> str:
        """Return an identifier for a name, with a number behind it if the identifier is taken."""
        wanted = identifier(name)
        found, number = wanted, 1
        while found in self._taken:
            number += 1
            found = f"{wanted}_{number}"
        self._taken.add(found)
        return found


def quoted(text: str) -> str:
    """Return a text for an expression of Kaitai, with escapes for what is not ASCII."""
    return (
        '"'
        + "".join(
            each if 32 <= ord(each) < 127 and each not in '"\\' else f"\\u{ord(each):04x}" for each in text
        )
        + '"'
    )


def yaml_text(value: Mapping[str, Any], indent: int = 0) -> str:
    """Return dictionaries, lists, texts and numbers as YAML, in blocks."""
    return "".join(_lines(value, indent))


def _lines(value: Any, indent: int) -> Iterable[str]:
    margin = "  " * indent
    for key, each in value.items():
        shown = key if isinstance(key, int) else _scalar(key)
        if isinstance(each, Mapping) and each:
            yield f"{margin}{shown}:\n"
            yield from _lines(each, indent + 1)
        elif isinstance(each, list) and each and isinstance(each[0], Mapping):
            yield f"{margin}{shown}:\n"
            for item in each:
                first, *others = "".join(_lines(item, indent + 2)).splitlines(keepends=True)
                yield f"{margin}  - {first.lstrip()}"
                yield from others
        else:
            yield f"{margin}{shown}: {_scalar(each)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and PLAIN.fullmatch(value) and value.lower() not in YAML_WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
