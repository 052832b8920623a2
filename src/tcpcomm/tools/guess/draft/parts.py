"""
The parts of a drafted template: :class:`Text` and :class:`Slot` fields, each with the texts that were seen.

A pattern is a tuple of parts. It describes several lines of one form. Every slot keeps the text that each
line has at its place, so that later steps can compare columns of requests and replies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TypeAlias

from attrs import evolve, frozen

from tcpcomm.tools.guess.draft.ids import id_field, mark_pattern


class Kind(Enum):
    """The type of a field."""

    INT = "int"
    FLOAT = "float"
    TEXT = "str"
    CHOICE = "Literal"
    FLAG = "bool"


@frozen
class Text:
    """A text that all lines have at this place."""

    text: str


@frozen(kw_only=True)
class Slot:
    """
    A field.

    Attributes:
        kind: its type.
        format: what stands behind the colon in the template.
        values: the text of each line at this place. It is empty where an optional field is missing.
        before: the text in front of an optional field; None if the field is never missing.
        separator: the text between the items of a list; None if it is one value.
        count: the format of a number of items; None if no number stands in front of the list.
        count_between: the text between that number and the list.
        options: the words of a choice, or the numbers, if these are more than ``values`` has.
        name: the name of the field.
        end: the character behind a field that has a name; empty at the end of a line.
        repeats: the name of the parameter that a reply repeats here; empty if it repeats none.
    """

    kind: Kind
    format: str = ""
    values: tuple[str, ...] = ()
    before: str | None = None
    separator: str | None = None
    count: str | None = None
    count_between: str = ""
    options: tuple[str, ...] = ()
    name: str = ""
    end: str = ""
    repeats: str = ""

    @property
    def words(self) -> list[str]:
        """The different values, the first seen one first."""
        seen = self.options or self.values
        return [*dict.fromkeys(each for each in seen if each or self.before is None)]

    @property
    def choices(self) -> list[str]:
        """The words of a choice, without the blanks that fill them."""
        return [*dict.fromkeys(each.strip(" ") if self.format else each for each in self.words)]

    @property
    def is_number(self) -> bool:
        return self.kind in (Kind.INT, Kind.FLOAT)


Part: TypeAlias = Text | Slot
Pattern: TypeAlias = tuple[Part, ...]


def escaped(text: str) -> str:
    """Return a text as a template writes it. A mark in it becomes the field of the id."""
    doubled = re.sub(r"([{}\[\]])", r"\1\1", text)
    return re.sub(mark_pattern(), lambda mark: id_field(mark[0]), doubled)


def template(pattern: Iterable[Part]) -> str:
    """Return the template of a pattern."""
    return "".join(escaped(each.text) if isinstance(each, Text) else _field(each) for each in pattern)


def _field(slot: Slot) -> str:
    name = slot.repeats or slot.name
    form = f":{slot.format}" if slot.format else ""
    if slot.separator is None:
        text = f"{{{name}{form}}}"
    else:
        separator = slot.separator.replace("{", "{{").replace(":", "::")
        text = f"{{{name}*{separator}{form}}}"
    if slot.count is not None:
        count = f":{slot.count}" if slot.count else ""
        inner = escaped(slot.count_between)
        rest = f"{inner}{text}" if slot.before is None else f"[{inner}{text}]"
        return f"{{#{name}{count}}}{rest}"
    return text if slot.before is None else f"[{escaped(slot.before)}{text}]"


def annotation(slot: Slot) -> str:
    """Return the type of a field in Python."""
    if slot.kind is Kind.CHOICE:
        text = f"Literal[{', '.join(map(quoted, slot.choices))}]"
    else:
        text = slot.kind.value
    if slot.separator is not None:
        return f"list[{text}]"
    return text if slot.before is None else f"{text} | None"


def quoted(text: str) -> str:
    """Return a text as a literal of Python, in double quotes if that is possible."""
    plain = repr(text)
    if plain[0] == "'" and '"' not in text:
        return f'"{plain[1:-1]}"'
    return plain


def literal(value: object) -> str:
    """Return a text, a number, None, or a mapping of these as a literal of Python, in double quotes."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(each)}' for key, each in value.items())}}}"
    return repr(value)


def slots(pattern: Iterable[Part]) -> list[Slot]:
    """Return the fields of a pattern."""
    return [each for each in pattern if isinstance(each, Slot)]


def joined(parts: Iterable[Part]) -> Pattern:
    """Return the parts without empty texts, and with one text where several follow each other."""
    found: list[Part] = []
    for each in parts:
        if isinstance(each, Text):
            if not each.text:
                continue
            if found and isinstance(found[-1], Text):
                found[-1] = Text(found[-1].text + each.text)
                continue
        found.append(each)
    return tuple(found)


def same_form(one: Pattern, other: Pattern) -> bool:
    """Return True if two patterns have the same texts, types and formats."""
    return [*map(_form, one)] == [*map(_form, other)]


def _form(part: Part) -> tuple[object, ...]:
    if isinstance(part, Text):
        return (part.text,)
    words = tuple(sorted(part.words)) if part.kind in (Kind.CHOICE, Kind.FLAG) else ()
    return part.kind, part.format, part.before, part.separator, part.count, words


def named(pattern: Pattern, names: Sequence[str]) -> Pattern:
    """Return a pattern with these names of fields, in order."""
    given = iter(names)
    return tuple(
        evolve(each, name=next(given), end=end_of(pattern, at)) if isinstance(each, Slot) else each
        for at, each in enumerate(pattern)
    )


def end_of(pattern: Pattern, at: int) -> str:
    """Return the character behind a part; empty at the end of a line."""
    behind = pattern[at + 1] if at + 1 < len(pattern) else Text("")
    return (behind.text if isinstance(behind, Text) else behind.before or "")[:1]
