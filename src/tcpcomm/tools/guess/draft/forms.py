"""The forms of lines: :func:`forms_of` divides lines into those of one form, each with its pattern."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from attrs import frozen

from tcpcomm.tools.guess.draft.columns import SEPARATORS, pattern_of
from tcpcomm.tools.guess.draft.ids import mark_pattern
from tcpcomm.tools.guess.draft.parts import Kind, Part, Pattern, Slot, Text, slots

_HEAD: Final = re.compile(r"([^\w\s\"+-]*)[+-]?(\d*)([^\W\d]*(?:[:.*][^\W\d]+)*)(\??)")
_PLAIN_HEAD: Final = re.compile(r"([^\w\s\"+-]*)[+-]?(\d*)([^\W\d]*)(\??)")
_ELEMENT: Final = re.compile(r"<[^\W\d][\w.:-]*")
_TOLD_ELEMENTS: Final = 3
_MOST_HEADS: Final = 12
_MOST_COUNTS: Final = 4
_MOST_WORDS: Final = 8


@frozen
class Form:
    """Lines of one form: their numbers, in order, and their pattern."""

    numbers: tuple[int, ...]
    pattern: Pattern


@lru_cache(maxsize=10_000)
def head_of(line: str, *, with_path: bool = False) -> str:
    """
    Return the beginning of a line that tells its kind: marks, and a word.

    Digits in front of the word are shown as ``#``, because they may differ.

    Args:
        line: the line.
        with_path: True if words with colons between them are one word, as in SCPI.
    """
    if line.startswith("<"):
        return "".join(_ELEMENT.findall(line)[:_TOLD_ELEMENTS])
    bare = re.sub(mark_pattern(), "", line).lstrip(" ") if not line.isascii() else line
    found = (_HEAD if with_path else _PLAIN_HEAD).match(bare)
    assert found is not None
    marks, digits, word, question = found.groups()
    return f"{marks}{'#' if digits else ''}{word}{question}"


def forms_of(lines: Sequence[str], heads: Sequence[str]) -> list[Form]:
    """
    Divide lines into forms, those with the most lines first.

    Args:
        lines: the lines.
        heads: the head of each line. Lines with different heads have different forms.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for number, head in enumerate(heads):
        groups[head].append(number)
    if len(groups) > _MOST_HEADS and 2 * len(groups) > len({*lines}):
        groups = {"": [*range(len(lines))]}  # the lines begin with values
    found = []
    for numbers in _absorbed(lines, groups).values():
        found += _divided(lines, numbers)
    return sorted(found, key=lambda each: -len(each.numbers))


def _absorbed(lines: Sequence[str], groups: dict[str, list[int]]) -> dict[str, list[int]]:
    """Put lines together if their heads differ only in letters of a hexadecimal number."""
    found = dict(groups)
    for short in sorted(groups, key=len):
        others = [each for each in found if re.fullmatch(rf"{re.escape(short)}([A-F]+|[a-f]+)", each)]
        if short not in found or not others:
            continue
        numbers = sorted(number for each in (short, *others) for number in found[each])
        pattern = pattern_of([lines[each] for each in numbers])
        if any(each.format[-1:] in ("X", "x") for each in slots(pattern)) and not is_vague(pattern):
            for each in others:
                del found[each]
            found[short] = numbers
    return found


def _divided(lines: Sequence[str], numbers: list[int]) -> list[Form]:
    """Divide lines of one head where they have different numbers of columns and no list explains that."""
    whole = Form(tuple(numbers), pattern_of([lines[each] for each in numbers]))
    if not is_vague(whole.pattern):
        return [whole]
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in numbers:
        groups[_shape(lines[number])].append(number)
    if not 1 < len(groups) <= _MOST_COUNTS:
        return [whole]
    found = [Form(tuple(each), pattern_of([lines[at] for at in each])) for each in groups.values()]
    better = sum(len(each.numbers) for each in found if not is_vague(each.pattern))
    numeric = max(sum(part.is_number for part in slots(each.pattern)) for each in found)
    has_more = numeric > sum(part.is_number for part in slots(whole.pattern))
    return found if has_more and 2 * better >= len(numbers) else [whole]


def is_vague(pattern: Pattern) -> bool:
    """Return True if a field holds texts that look as if they had parts of their own."""
    return any(
        each.kind is Kind.TEXT and each.separator is None and len({*map(_shape, each.words)}) > 1
        for each in slots(pattern)
    )


def _shape(text: str) -> tuple[int, ...]:
    return tuple(len(re.findall(f"{re.escape(each)}+", text)) for each in SEPARATORS)


def merged(lines: Sequence[str], forms: list[Form]) -> list[Form]:
    """Make one form of those that differ in a word, as replies with a judgement in front do."""
    if len(forms) < 2:
        return forms
    groups: list[list[Form]] = []
    for form in forms:
        for group in groups:
            if _alike(group[0].pattern, form.pattern):
                group.append(form)
                break
        else:
            groups.append([form])
    found = []
    for group in groups:
        numbers = tuple(sorted(number for each in group for number in each.numbers))
        pattern = group[0].pattern if len(group) == 1 else _with_word(lines, numbers)
        if pattern is None:
            found += group
        else:
            found.append(Form(numbers, pattern))
    return sorted(found, key=lambda each: -len(each.numbers))


def _with_word(lines: Sequence[str], numbers: Sequence[int]) -> Pattern | None:
    texts = [lines[each] for each in numbers]
    pattern = pattern_of(texts)
    first = pattern[0]
    is_word = (
        isinstance(first, Slot)
        and first.kind is Kind.TEXT
        and len(first.words) <= _MOST_WORDS
        and all(re.fullmatch(r"\w+", each) for each in first.words)
    )
    if is_word and isinstance(first, Slot):
        return (Slot(kind=Kind.CHOICE, values=first.values), *pattern[1:])
    return None if is_vague(pattern) else pattern


def _alike(one: Pattern, other: Pattern) -> bool:
    """Return True if two patterns have the same parts behind their first text."""
    if not (one and other and isinstance(one[0], Text) and isinstance(other[0], Text)):
        return False
    return len(one) == len(other) and all(map(_fits, one[1:], other[1:]))


def _fits(one: Part, other: Part) -> bool:
    if isinstance(one, Text) or isinstance(other, Text):
        return one == other
    return (one.kind, one.format, one.separator) == (other.kind, other.format, other.separator)
