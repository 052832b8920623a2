"""Numbers, times and bytes in the form in which the console shows them, without a terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tcpcomm.runtime.safe_text import one_line, safe_json

BARS: Final = "▁▂▃▄▅▆▇█"
"""The bars of a sparkline."""

_NO_POINT: Final = " "
_MINUTE: Final = 120.0
_HOUR: Final = 7200.0


def clock(seconds: float) -> str:
    """Return seconds since 1970 as local time to the microsecond: ``05:12:41.203118``."""
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S.%f")


def short_clock(seconds: float) -> str:
    """Return seconds since 1970 as local time to the second: ``05:12:41``."""
    return datetime.fromtimestamp(seconds).strftime("%H:%M:%S")


def gap(seconds: float | None) -> str:
    """Return a time between two rows in whole microseconds, or an empty text without one."""
    return "" if seconds is None else f"{round(seconds * 1e6):,}"


def took(seconds: float | None) -> str:
    """Return the time that something took with three digits, such as ``1.19 ms``, or an empty text."""
    if seconds is None:
        return ""
    if seconds < 0.001:
        return f"{round(seconds * 1e6)} µs"
    number, unit = (seconds * 1000, "ms") if seconds < 1 else (seconds, "s")
    return f"{_three_digits(number)} {unit}"


def _three_digits(number: float) -> str:
    return f"{number:.2f}" if number < 10 else f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def age(seconds: float) -> str:
    """Return the time since a state began, without fractions that nobody needs: ``0.4 s``, ``3 min``."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < _HOUR else f"{seconds / 3600:.0f} h"


def rate(number: float) -> str:
    """Return frames per second: ``0``, ``0.2``, ``12``, ``10,214``."""
    if 0 < number < 10:
        return f"{number:.1f}".removesuffix(".0")
    return f"{number:,.0f}"


def sparkline(points: Sequence[float | None], width: int) -> str:
    """
    Return a line of bars, one for each point or, without the room for that, for the highest of several.

    The highest point has the highest bar. A second without a point is a space.
    """
    if width <= 0 or not points:
        return ""
    share = -(-len(points) // width)
    groups = [points[max(0, end - share) : end] for end in range(len(points), 0, -share)][::-1]
    highest = [max((each for each in group if each is not None), default=None) for group in groups]
    top = max((each for each in highest if each is not None), default=0.0)
    return "".join(_bar(each, top) for each in highest)


def _bar(value: float | None, top: float) -> str:
    if value is None:
        return _NO_POINT
    return BARS[0] if top <= 0 else BARS[min(int(value / top * len(BARS)), len(BARS) - 1)]


def hexadecimal(data: bytes) -> str:
    """Return bytes as ``54 52 47``."""
    return data.hex(" ").upper()


def readable(data: bytes, encoding: str = "ascii") -> str:
    """Return bytes as text on one line. Bytes that are not text in the encoding become escapes."""
    return one_line(data.decode(encoding, "backslashreplace"))


def dump(data: bytes, width: int = 16) -> list[str]:
    """Return lines with an offset, so many bytes in hexadecimal, and the same bytes as text."""
    lines = []
    for offset in range(0, len(data), width):
        piece = data[offset : offset + width]
        digits = hexadecimal(piece)
        lines.append(f"{offset:04X}  {digits:<{3 * width - 1}}  |{_one_for_each(piece)}|")
    return lines


def _one_for_each(piece: bytes) -> str:
    """Return a letter for each byte, which is a point for a byte that is not printable ASCII."""
    return "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in piece)


def value_text(value: Any) -> str:
    """Return a plain value as JSON, without characters that a terminal could take for a command."""
    return safe_json(json.dumps(value, ensure_ascii=False))


def values_text(values: Mapping[str, Any]) -> str:
    """Return values as ``x=12.3, y=4.5``. Those that are None are left out."""
    return ", ".join(
        f"{one_line(str(name))}={value_text(value)}" for name, value in values.items() if value is not None
    )


def signature(kind: str, name: str, values: Mapping[str, Any] | None) -> str:
    """Return a decoded row as a call, such as ``locate(job=3)``, and a reply as ``x=12.3, y=4.5``."""
    if kind == "reply":
        result = None if values is None else values.get("result")
        if result is None:
            return ""
        return values_text(result) if isinstance(result, Mapping) else value_text(result)
    inside = "" if values is None else values_text(values)
    if kind == "fault":
        return f"Fault({inside})"
    return f"{one_line(name)}({inside})" if name or inside else ""


def cells(text: str) -> int:
    """Return the columns that a text takes in a terminal: two for each wide letter, as in Korean."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(each) for each in text)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """Return a text that takes exactly so many columns: cut with ``…`` at its end, or filled up."""
    if width <= 0:
        return ""
    size = cells(text)
    if size > width:
        text = _cut(text, width - 1) + "…"
        size = cells(text)
    space = " " * (width - size)
    return space + text if right else text + space


def _cut(text: str, width: int) -> str:
    if text.isascii():
        return text[:width]
    taken, kept = 0, 0
    for each in text:
        taken += _cells_of(each)
        if taken > width:
            break
        kept += 1
    return text[:kept]


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines that take at most so many columns."""
    lines = []
    while cells(text) > width > 1:
        piece = _cut(text, width)
        space = piece.rfind(" ")
        end = space + 1 if space > width // 2 else len(piece)
        lines.append(text[:end].rstrip())
        text = text[end:]
    return [*lines, text]
