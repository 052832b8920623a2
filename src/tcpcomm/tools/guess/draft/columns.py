"""
Finds the pattern of lines of one form: :func:`pattern_of`.

A text that all lines share becomes literal. The rest is divided at separators, at common beginnings and
ends, and where letters, digits and marks meet. Each column that cannot be divided gets a type.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod
from typing import Final

from attrs import evolve

from tcpcomm.tools.guess.draft.number_forms import hex_form, number_form
from tcpcomm.tools.guess.draft.parts import Kind, Part, Pattern, Slot, Text, joined, slots

SEPARATORS: Final = ("\t", "|", ";", ",", '"', "=", "<", ">", ":", "/", " ")
"""The characters that divide a line into columns, the outermost one first."""

_WITHIN_TEXT: Final = frozenset(" -_/.:")
"""The characters that a sentence, a date or a file's name may have between its words."""

_FLAGS: Final = (("ON", "OFF"), ("on", "off"), ("On", "Off"), ("TRUE", "FALSE"), ("true", "false"))
_DATED: Final = re.compile(
    r"\d{2,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?)?|\d{1,2}:\d\d(:\d\d(\.\d+)?)?"
    r"|\d+(\.\d+){2,3}"
)
"""Dates, times, versions and addresses, which are texts."""

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')
_TOKEN: Final = re.compile(
    r"(?P<number>(?:(?<!\d)[+-])?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>[^\W\d_]+)|(?P<mark>.)", re.DOTALL
)
_MOST_CHOICES: Final = 8
_FEW: Final = 10
"""Up to so many lines, a number that is always the same may still be a value."""


def pattern_of(lines: Sequence[str]) -> Pattern:
    """Return the pattern of these lines, which have one form. The fields have no names yet."""
    found = _gathered(joined(_parts(tuple(lines), is_column=False)), tuple(lines))
    return _readable(found, lines)


def _parts(values: tuple[str, ...], *, is_column: bool) -> list[Part]:
    """Return the parts of a column."""
    distinct = set(values)
    if len(distinct) == 1:
        return [_constant(values, is_column=is_column)]
    typed = _typed(values, distinct)
    if typed is not None:
        return [typed]
    filled = _filled(values, distinct) if is_column else None
    if filled is not None:
        return filled
    for divide in (_around_number, _optional, _separated, _stripped, _in_tokens):
        found = divide(values)
        if found is not None:
            return found
    form = hex_form(distinct)
    if form is not None:
        return [Slot(kind=form[0], format=form[1], values=values)]
    return [Slot(kind=Kind.TEXT, values=values)]


def _constant(values: tuple[str, ...], *, is_column: bool) -> Part:
    text = values[0]
    form = number_form((text,)) if is_column and text.strip() == text else None
    if form is not None and (form[0] is Kind.FLOAT or len(values) < _FEW):
        return Slot(kind=form[0], format=form[1], values=values)
    return Text(text)


def _typed(values: tuple[str, ...], distinct: set[str]) -> Slot | None:
    """Return the field of a column that has one type, or None."""
    form = number_form(distinct)
    if form is not None:
        return Slot(kind=form[0], format=form[1], values=values)
    if all(map(_QUOTED.fullmatch, distinct)) and any('""' in each[1:-1] for each in distinct):
        return Slot(kind=Kind.TEXT, format="q", values=values)
    if all(map(_DATED.fullmatch, distinct)):
        return Slot(kind=Kind.TEXT, values=values)
    for yes, no in _FLAGS:
        if distinct == {yes, no}:
            return Slot(kind=Kind.FLAG, format=f"{yes}|{no}", values=values)
    if _are_choices(values):
        return Slot(kind=Kind.CHOICE, values=values)
    form = hex_form(distinct)
    return None if form is None else Slot(kind=form[0], format=form[1], values=values)


def _filled(values: tuple[str, ...], distinct: set[str]) -> list[Part] | None:
    """Return the field of words that blanks fill to one width, or None."""
    widths = {len(each) for each in distinct}
    if len(widths) != 1:
        return None
    begin, end = (sum(map(at, distinct)) for at in (_begins_blank, _ends_blank))
    if not begin and not end:
        return None
    around = _stripped(values)
    first = around[0] if around else None
    if isinstance(first, Text) and first.text.strip():
        return None
    if around is not None and any(each.is_number for each in slots(around)):
        return None
    kind = Kind.CHOICE if _are_choices(tuple(each.strip(" ") for each in values)) else Kind.TEXT
    align, width = ("<" if end >= begin else ">"), widths.pop()
    lead = " " if align == "<" and begin == len(distinct) else ""
    rest = tuple(each[len(lead) :] for each in values)
    return [Text(lead), Slot(kind=kind, format=f"{align}{width - len(lead)}", values=rest)]


def _begins_blank(text: str) -> bool:
    return text.startswith(" ")


def _ends_blank(text: str) -> bool:
    return text.endswith(" ")


def _are_choices(values: tuple[str, ...]) -> bool:
    """Return True if these are a few words that come again and again."""
    counts = Counter(values)
    if len(counts) > _MOST_CHOICES or not all(re.fullmatch(r"\w[\w.+-]*|[^\w\s]", each) for each in counts):
        return False
    if any(each.isdigit() for each in counts):
        return False
    if len({re.sub(r"\d+$", "", each) for each in counts}) == 1:
        return False  # a number stands behind a word
    return min(counts.values()) >= 2 and len(values) >= 4 * len(counts)


def _optional(values: tuple[str, ...]) -> list[Part] | None:
    """Return a field in brackets, if some values are empty and the others begin with one mark."""
    given = [each for each in values if each]
    if len(given) == len(values):
        return None
    before = _stem(given, re.compile(r"[^\w+\-\"]+"))
    if before is None:
        return None
    words = tuple(each[len(before) :] for each in given)
    inner = joined(_parts(words, is_column=True))
    if len(inner) == 1 and isinstance(inner[0], Text):
        inner = (Slot(kind=Kind.CHOICE, values=words),)
    if len(inner) == 1 and isinstance(inner[0], Slot) and inner[0].before is None:
        spread = tuple(each[len(before) :] for each in values)
        return [evolve(inner[0], before=before, values=spread)]
    return None


def _stem(values: Sequence[str], mark: re.Pattern[str]) -> str | None:
    """Return the mark with which all values begin, or None."""
    found = mark.match(_shared(values))
    return found[0] if found is not None else None


def _separated(values: tuple[str, ...]) -> list[Part] | None:
    """Divide a column at the first separator that all its values have, at best equally often."""
    used = [each for each in SEPARATORS if any(each in value for value in values)]
    counts = {each: [len(_cuts(value, each)) for value in values] for each in used}
    present = [each for each in used if min(counts[each]) >= 1]
    for separator in present:
        if len(set(counts[separator])) == 1:
            return _at(values, separator, counts[separator][0])
    stripped = _stripped(values)
    if stripped is not None:
        return stripped
    for separator in used:
        if max(counts[separator]) > 0 and len(set(counts[separator])) > 1:
            found = _listed(values, separator) or _with_rest(values, separator, counts[separator])
            if found is not None:
                return found
    return _at(values, present[0], min(counts[present[0]])) if present else None


def _with_rest(values: tuple[str, ...], separator: str, counts: Sequence[int]) -> list[Part] | None:
    """Divide a column that has one more part in some lines, which is optional."""
    least = min(counts)
    if max(counts) != least + 1:
        return None
    divided = [_divided(each, separator, least + 1) for each in values]
    rests = tuple(
        "" if len(columns) <= least + 1 else between[least] + columns[least + 1]
        for columns, between in divided
    )
    optional = _optional(rests)
    if optional is None or not all(each.is_number or each.kind is Kind.CHOICE for each in slots(optional)):
        return None
    bases = tuple(each[: len(each) - len(rest)] for each, rest in zip(values, rests, strict=True))
    if not _can_be_cut(bases, separator, least):
        return None
    return [*_at(bases, separator, least), *optional]


def _cuts(value: str, separator: str) -> list[tuple[int, int]]:
    """
    Return the places of a separator outside of double quotes. Several blanks are one separator.

    A value with an odd number of quotes quotes nothing.
    """
    if separator not in value:
        return []
    if separator == " ":
        found = [each.span() for each in re.finditer(" +", value)]
        found = [each for each in found if each[0] > 0 and each[1] < len(value)]
    else:
        found = [(at, at + 1) for at, each in enumerate(value) if each == separator]
    if separator == '"' or value.count('"') % 2 or '"' not in value:
        return found
    return [each for each in found if value.count('"', 0, each[0]) % 2 == 0]


def _can_be_cut(values: Sequence[str], separator: str, count: int) -> bool:
    """Return True if all values have a separator at so many places, which quotes and blanks may hide."""
    return all(len(_cuts(each, separator)) >= count for each in values)


def _divided(value: str, separator: str, most: int) -> tuple[list[str], list[str]]:
    """Return the columns of a value, and the separators between them."""
    columns, between, at = [], [], 0
    for start, end in _cuts(value, separator)[:most]:
        columns.append(value[at:start])
        between.append(value[start:end])
        at = end
    return [*columns, value[at:]], between


def _at(values: tuple[str, ...], separator: str, most: int) -> list[Part]:
    divided = [_divided(each, separator, most) for each in values]
    parts: list[Part] = []
    for index in range(most + 1):
        column = tuple(columns[index] for columns, _ in divided)
        if index:
            gaps = [between[index - 1] for _, between in divided]
            is_filled = max(map(len, gaps)) > 1 and number_form({*column}) is not None
            keep = 1 if is_filled else min(map(len, gaps))
            parts.append(Text(gaps[0][:keep]))
            column = tuple(gap[keep:] + each for gap, each in zip(gaps, column, strict=True))
        parts += _parts(column, is_column=True)
    return parts


def _listed(values: tuple[str, ...], separator: str) -> list[Part] | None:
    """Divide a column into columns that all values have, and a list of the numbers behind them."""
    rows = [each.split(separator) if each else [] for each in values]
    ended = [len(row) > 1 and not row[-1] for row in rows]
    rows = [row[:-1] if has_end else row for row, has_end in zip(rows, ended, strict=True)]
    for first in _list_starts(rows):
        items = [item for row in rows for item in row[first:]]
        has_count = first > 0 and all(_counts(row, first) for row in rows)
        form = _item_form(tuple(items), has_count=has_count)
        if form is not None and max(map(len, rows)) - first >= 2:
            break
    else:
        return None
    empty = [has_end for row, has_end in zip(rows, ended, strict=True) if len(row) == first]
    if any(ended) and (not all(empty) or sum(ended) != len(empty)):
        return None
    has_empty = bool(empty) and not any(ended)
    spread = tuple(separator.join(row[first:]) for row in rows)
    items_slot = Slot(
        kind=form.kind, format=form.format, values=spread, separator=separator, options=form.options
    )
    heads = tuple(separator.join(row[:first]) for row in rows)
    if first == 0:
        return [items_slot]
    if not _can_be_cut(heads, separator, first - 1):
        return None
    if has_empty:
        items_slot = evolve(items_slot, before=separator)
    leading = _at(heads, separator, first - 1)
    last = leading[-1]
    sizes = [str(len(row) - first) for row in rows]
    if isinstance(last, Slot) and last.kind is Kind.INT and [*map(str, map(_int, last.values))] == sizes:
        return [*leading[:-1], evolve(items_slot, count=last.format, count_between=separator)]
    return [*leading, *([] if has_empty else [Text(separator)]), items_slot]


def _item_form(items: tuple[str, ...], *, has_count: bool) -> Slot | None:
    """Return the type of the items of a list. Words are a list only if a number of items is there."""
    typed = _typed(items, {*items}) if items else None
    if typed is None and items:
        typed = next(iter(slots(_filled(items, {*items}) or ())), None)
    if typed is not None and not has_count and not typed.is_number:
        return None
    if typed is None and has_count and items:
        typed = Slot(kind=Kind.TEXT)
    return None if typed is None else evolve(typed, values=(), options=tuple(typed.words))


def _list_starts(rows: list[list[str]]) -> list[int]:
    """Return the places where a list may begin, first those behind a number of its items."""
    starts = range(min(map(len, rows)) + 1)
    counted = [each for each in starts if each and all(_counts(row, each) for row in rows)]
    return [*counted, *starts]


def _counts(row: list[str], first: int) -> bool:
    return row[first - 1].isdecimal() and int(row[first - 1]) == len(row) - first


def _int(text: str) -> int:
    return int(text) if text.strip() else 0


def _around_number(values: tuple[str, ...]) -> list[Part] | None:
    """Divide a column into a text, a number and a text."""
    start = _boundary(values, _shared(values))
    if start.endswith("  "):
        start = f"{start.rstrip(' ')} "  # the other blanks fill the number
    rest = tuple(each[len(start) :] for each in values)
    end = _boundary(tuple(each[::-1] for each in rest), _shared([each[::-1] for each in rest]))[::-1]
    inner = tuple(each[: len(each) - len(end)] for each in rest)
    form = number_form({*inner})
    if form is None:
        return None
    return [*_opening(start, len(values)), Slot(kind=form[0], format=form[1], values=inner), Text(end)]


def _stripped(values: tuple[str, ...]) -> list[Part] | None:
    """Take off the text with which all values begin, and that with which all end."""
    shared = _shared(values)
    word = re.match(r"[^\W\d_]+(?![a-z])", shared)
    if word is not None and hex_form({each[word.end() :] for each in values}) is not None:
        start = word[0]
    else:
        start = _boundary(values, shared)
    rest = tuple(each[len(start) :] for each in values)
    tail = _shared([each[::-1] for each in rest])
    end = _boundary(tuple(each[::-1] for each in rest), tail)[::-1]
    if not start and not end:
        return None
    inner = tuple(each[: len(each) - len(end)] for each in rest)
    return [*_opening(start, len(values)), *_parts(inner, is_column=True), Text(end)]


def _opening(start: str, count: int) -> list[Part]:
    """Return the parts of a text with which all values begin. A number at its end may be a value."""
    head = re.fullmatch(r"(.*[ ,;=:|\t])(\S+)", start, re.DOTALL)
    if head is None:
        return [Text(start)]
    return [Text(head[1]), _constant((head[2],) * count, is_column=True)]


def _shared(values: Sequence[str]) -> str:
    """Return the text with which all values begin."""
    first, last = min(values), max(values)
    size = next((at for at, each in enumerate(zip(first, last, strict=False)) if each[0] != each[1]), None)
    return first[:size] if size is not None else min(first, last, key=len)


def _boundary(values: tuple[str, ...], shared: str) -> str:
    """Shorten a shared text until it ends where a number or a word ends in all values."""
    size = len(shared)
    while size:
        ends = shared[size - 1]
        if all(len(each) == size or not _belong(ends, each[size]) for each in values):
            break
        size -= 1
    return shared[:size]


def _belong(one: str, other: str) -> bool:
    """Return True if two characters may be parts of one number, or of one word."""
    of_number = "0123456789.+-"
    if one in of_number and other in of_number:
        return True
    return one.isalpha() and other.isalpha()


def _in_tokens(values: tuple[str, ...]) -> list[Part] | None:
    """Divide a column where letters, digits and marks meet, if all values have them in one order."""
    rows = [[(each.lastgroup, each[0]) for each in _TOKEN.finditer(value)] for value in values]
    kinds = {tuple(kind for kind, _ in row) for row in rows}
    if len(kinds) != 1:
        return None
    sequence = kinds.pop()
    if len(sequence) < 2 or "number" not in sequence:
        return None
    parts: list[Part] = []
    for column in zip(*rows, strict=True):
        parts += _parts(tuple(text for _, text in column), is_column=False)
    words = [each for each in parts if isinstance(each, Slot) and each.kind is Kind.TEXT]
    return None if words else parts


def _gathered(pattern: Pattern, values: tuple[str, ...]) -> Pattern:
    """Make one text of words that stand beside each other, because they are a sentence."""
    found = [*pattern]
    at = 0
    while at < len(found):
        end = _sentence_end(found, at)
        if end > at + 1 and _is_sentence(found[at:end], len(values)):
            texts = [_texts(each, len(values)) for each in found[at:end]]
            whole = tuple("".join(each) for each in zip(*texts, strict=True))
            found[at:end] = [Slot(kind=Kind.TEXT, values=whole)]
        at += 1
    return joined(found)


def _sentence_end(parts: list[Part], at: int) -> int:
    """Return the place behind the words that follow each other from here on; ``at`` if there are none."""
    is_word: Callable[[Part], bool] = lambda part: (  # noqa: E731
        isinstance(part, Slot)
        and part.kind in (Kind.TEXT, Kind.CHOICE)
        and part.before is None
        and part.separator is None
    )
    end = at
    while end < len(parts) and is_word(parts[end]):
        between = parts[end + 1] if end + 1 < len(parts) else None
        if not isinstance(between, Text) or not set(between.text) <= _WITHIN_TEXT:
            end += 1
            break
        if end + 2 >= len(parts) or not is_word(parts[end + 2]):
            end += 1
            break
        end += 2
    return end


def _is_sentence(parts: Sequence[Part], count: int) -> bool:
    """Return True if words stand beside each other, and not every choice with every other."""
    words = slots(parts)
    if any(each.kind is Kind.TEXT for each in words):
        return True
    texts = {*zip(*(_texts(each, count) for each in parts), strict=True)}
    return len(texts) < prod(len(each.words) for each in words)


def _readable(pattern: Pattern, lines: Sequence[str]) -> Pattern:
    """Make one text of the rest of a line, if a text in it holds the mark that should end it."""
    for at, (part, behind) in enumerate(pairwise(pattern)):
        if not isinstance(part, Slot) or part.kind is not Kind.TEXT or part.format:
            continue
        if isinstance(behind, Text) and any(behind.text[0] in each for each in part.values):
            return _cut(pattern, at, lines)
    return pattern


def _cut(pattern: Pattern, at: int, lines: Sequence[str]) -> Pattern:
    """Return a pattern with one text in place of this part and all behind it."""
    before = pattern[:at]
    if any(isinstance(each, Slot) and (each.before or each.separator) for each in before):
        before = pattern[:1] if isinstance(pattern[0], Text) else ()
    texts = [_texts(each, len(lines)) for each in before]
    starts = [sum(map(len, row)) for row in zip(*texts, strict=True)] if texts else [0] * len(lines)
    rest = tuple(line[start:] for line, start in zip(lines, starts, strict=True))
    return (*before, Slot(kind=Kind.TEXT, values=rest))


def as_text(patterns: Sequence[Pattern], counts: Sequence[int]) -> tuple[str, tuple[str, ...]] | None:
    """
    Return the words with which all lines of several patterns begin, and the rest of each line.

    It is None if a pattern does not keep its lines, because it has lists.

    Args:
        patterns: the patterns.
        counts: the number of lines of each pattern.
    """
    lines: list[str] = []
    for pattern, count in zip(patterns, counts, strict=True):
        if any(each.separator is not None for each in slots(pattern)):
            return None
        lines += map("".join, zip(*(_texts(each, count) for each in pattern), strict=True))
    begin = _shared(lines)
    begin = begin[: max((begin.rfind(each) + 1 for each in SEPARATORS), default=0)]
    return begin, tuple(line[len(begin) :] for line in lines)


def _texts(part: Part, count: int) -> tuple[str, ...]:
    if isinstance(part, Text):
        return (part.text,) * count
    before = part.before or ""
    return tuple(f"{before}{each}" if each else "" for each in part.values) if before else part.values
