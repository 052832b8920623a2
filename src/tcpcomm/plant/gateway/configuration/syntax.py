"""Mistakes of TOML itself, with their line and a hint: :func:`syntax_mistake`."""

from __future__ import annotations

import re
from typing import Final

from tcpcomm.plant.gateway.configuration.mistakes import Mistake

_PLACE: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_BARE_TEXT: Final = re.compile(r"""\s*([\w."'-]+)\s*=\s*([^\s"'\[{#][^"'\[\]{}#]*?)\s*(?:#.*)?$""")
_NUMBER: Final = re.compile(r"[-+\d._eE]+")


def syntax_mistake(text: str, error: str) -> Mistake:
    """
    Return the mistake of a file that is not TOML.

    Args:
        text: the file.
        error: the text of tomllib's error, which ends with the place.
    """
    lines = text.split("\n")
    place = _PLACE.search(error)
    if place is None:
        return Mistake((), f"this is not TOML: {error}")
    number = int(place[1]) if place[1] else len(text.rstrip().split("\n"))
    reason = error[: place.start()]
    line = lines[number - 1] if number <= len(lines) else ""
    found = _BARE_TEXT.fullmatch(line.rstrip("\r"))
    if found is not None and not _NUMBER.fullmatch(found[2]):
        return Mistake((), f'this is not TOML: write text in quotes: {found[1]} = "{found[2]}"', number)
    return Mistake((), f"this is not TOML: {reason[:1].lower()}{reason[1:]}", number)
