"""Ids in text, by which replies find their requests: :func:`marked` puts a mark in their places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from attrs import evolve, frozen

from tcpcomm.tools.guess.capture import Side
from tcpcomm.tools.guess.draft.lines import Line

_DIGITS: Final = re.compile(r"(?<![\d.])\d+(?![\d.]*\.\d)")
_FIRST_MARK: Final = 0xE000
"""The character for an id without a width. Those behind it are for ids with so many digits."""

_MOST_DIGITS: Final = 12
_PLACES: Final = 3
"""The numbers of a line among which its id is looked for."""

_MOSTLY: Final = 0.9
_LEAST: Final = 8


@frozen
class Ids:
    """
    Lines with marks in place of ids.

    Attributes:
        host: the side that counts.
        lines: the lines.
        ids: the id of each line; None if it has none.
    """

    host: Side
    lines: tuple[Line, ...]
    ids: tuple[int | None, ...]


def mark_pattern() -> str:
    """Return a regular expression for a mark."""
    return f"[{chr(_FIRST_MARK)}-{chr(_FIRST_MARK + _MOST_DIGITS)}]"


def id_field(mark: str) -> str:
    """Return the field of a template that a mark stands for."""
    width = ord(mark) - _FIRST_MARK
    return f"{{id:0{width}d}}" if width else "{id}"


def marked(lines: Sequence[Line]) -> Ids | None:
    """Return the lines with marks, or None if no number counts the requests and comes back in replies."""
    for host in (0, 1):
        asked = [each.text for each in lines if each.side == host]
        answers = [each.text for each in lines if each.side != host]
        if len(asked) < _LEAST or not answers:
            continue
        for place in range(_PLACES):
            ids = [_number_at(each, place) for each in asked]
            known = [int(each) for each in ids if each]
            if len(known) == len(ids) and _count(known):
                found = _with_answers(lines, host, place, {*known}, answers)
                if found is not None:
                    return found
    return None


def _number_at(text: str, place: int) -> str:
    found = _DIGITS.findall(text)
    return str(found[place]) if place < len(found) and len(found[place]) <= _MOST_DIGITS else ""


def _count(ids: Sequence[int]) -> bool:
    """Return True if most numbers are one more than the number before."""
    steps = [after - before for before, after in pairwise(ids)]
    return steps.count(1) >= _MOSTLY * len(steps)


def _with_answers(
    lines: Sequence[Line], host: Side, place: int, known: set[int], answers: Sequence[str]
) -> Ids | None:
    for back in range(_PLACES):
        fitting = [text for text in answers if (number := _number_at(text, back)) and int(number) in known]
        if 2 * len(fitting) > len(answers) and _follow(lines, host, place, back):
            return _marked(lines, host, place, back)
    return None


def _follow(lines: Sequence[Line], host: Side, place: int, back: int) -> bool:
    """Return True if the numbers in answers are those of requests that came shortly before."""
    recent: list[int] = []
    right = wrong = 0
    answered: set[int] = set()
    for each in lines:
        number = _number_at(each.text, place if each.side == host else back)
        if each.side == host:
            recent = [*recent[-63:], int(number)]
        elif number:
            right, wrong = (right + 1, wrong) if int(number) in recent else (right, wrong + 1)
            answered.add(int(number))
    asked = sum(each.side == host for each in lines)
    return right >= _MOSTLY * (right + wrong) and 2 * len(answered) > asked


def _marked(lines: Sequence[Line], host: Side, place: int, back: int) -> Ids:
    numbers = [_number_at(each.text, place if each.side == host else back) for each in lines]
    widths = {len(each) for each in numbers if each}
    has_zeros = any(len(each) > 1 and each[0] == "0" for each in numbers)
    width = widths.pop() if len(widths) == 1 and has_zeros else 0
    asked = {int(number) for each, number in zip(lines, numbers, strict=True) if each.side == host}
    found, ids = [], []
    for each, number in zip(lines, numbers, strict=True):
        id = int(number) if number and int(number) in asked else None
        ids.append(id)
        at = place if each.side == host else back
        found.append(
            each if id is None else evolve(each, text=_replaced(each.text, at, chr(_FIRST_MARK + width)))
        )
    return Ids(host, tuple(found), tuple(ids))


def _replaced(text: str, place: int, mark: str) -> str:
    span = [*_DIGITS.finditer(text)][place].span()
    return text[: span[0]] + mark + text[span[1] :]
