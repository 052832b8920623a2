"""
The filter of the frames, as in the web monitor: :func:`compile_filter`. It knows lines, and no terminal.

==================  ===========================================================
``locate``          the decoded text, the name, the reason or the bytes hold it
``"no part"``       the same with a space in it
``fault``           only rows with something wrong
``cut``, ``glued``  only frames that the network cut or glued
``to``, ``from``    only rows to the equipment, or from it
``hex 54 52 47``    the bytes hold these
``x > 12.5``        the value x is greater; also ``< >= <= = !=``
``-ping``           not this
==================  ===========================================================

A space is "and", a comma is "or".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol


class Filtered(Protocol):
    """A line that a filter looks at."""

    @property
    def is_bad(self) -> bool: ...
    @property
    def is_cut(self) -> bool: ...
    @property
    def is_glued(self) -> bool: ...
    @property
    def to_equipment(self) -> bool | None: ...
    @property
    def frame(self) -> bytes: ...
    @property
    def searched(self) -> str: ...
    @property
    def values(self) -> Mapping[str, Any] | None: ...


Matches = Callable[[Filtered], bool]

_WORDS: Final[Mapping[str, Matches]] = {
    "fault": lambda line: line.is_bad,
    "cut": lambda line: line.is_cut,
    "glued": lambda line: line.is_glued,
    "to": lambda line: line.to_equipment is True,
    "from": lambda line: line.to_equipment is False,
}

_NUMBERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}

# The order matters: a comparison before a word, because it begins with one.
_TERM: Final = re.compile(
    r"""(?P<negated>-?)(?:
        hex\s+(?P<hex>[0-9a-f]{2}(?:\s*[0-9a-f]{2})*)(?=\s|$)
        | (?P<field>[^\s<>=!"-][^\s<>=!"]*)\s*(?P<comparison>>=|<=|!=|>|<|=)\s*(?P<value>"[^"]*"|\S+)
        | "(?P<phrase>[^"]*)"?
        | (?P<word>\S+)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_ALTERNATIVE: Final = re.compile(r'(?:"[^"]*"|[^",]|")+')


def compile_filter(text: str) -> Matches | None:
    """Return a function of a line that tells if it is shown, or None if the text asks for nothing."""
    alternatives = [
        terms
        for each in _ALTERNATIVE.findall(text)
        if (terms := [_term(found) for found in _TERM.finditer(each.strip())])
    ]
    if not alternatives:
        return None
    return lambda line: any(all(matches(line) for matches in terms) for terms in alternatives)


def _term(found: re.Match[str]) -> Matches:
    matches = _matcher(found)
    return (lambda line: not matches(line)) if found["negated"] else matches


def _matcher(found: re.Match[str]) -> Matches:
    if found["hex"]:
        wanted_bytes = bytes.fromhex(found["hex"])
        return lambda line: wanted_bytes in line.frame
    if found["field"]:
        return _comparison(found["field"].lower(), found["comparison"], found["value"].strip('"'))
    word = found["word"]
    if word and word.lower() in _WORDS:
        return _WORDS[word.lower()]
    wanted = (found["phrase"] if word is None else word).lower()
    return lambda line: wanted in line.searched


def _comparison(field: str, sign: str, text: str) -> Matches:
    compare = _NUMBERS[sign]
    wanted = _number(text)

    def fits(value: Any) -> bool:
        if wanted is not None and isinstance(value, int | float):
            return compare(value, wanted)
        if sign in ("=", "!="):
            return compare(str(value).lower(), text.lower())
        return isinstance(value, str) and wanted is None and compare(value, text)

    return lambda line: any(
        fits(value)
        for path, value in flat(line.values or {})
        if path.lower() == field or path.lower().endswith(f".{field}")
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return the values in plain values with their paths: ``("result.x", 12.3)``."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{path}[{index}]")
    else:
        yield path, value
