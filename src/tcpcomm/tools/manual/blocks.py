"""The blocks that a manual is made of: headings, paragraphs, tables, and listings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TypeAlias

from attrs import field, frozen


@frozen
class Code:
    """A part of a line that stands for itself, such as a template."""

    text: str

    def markdown(self) -> str:
        """Return the text as code in Markdown, also if it holds backticks."""
        text = self.text.replace("\r", "\\r").replace("\n", "\\n")  # of a template with raw bytes
        if not text:
            return "(empty)"
        marks = "``" if "`" in text else "`"
        space = " " if "`" in text or text != text.strip() else ""
        return f"{marks}{space}{text}{space}{marks}"


Part: TypeAlias = str | Code
Inline: TypeAlias = tuple[Part, ...]
"""The parts of a line, or of a cell of a table."""


def inline(parts: Part | Iterable[Part]) -> Inline:
    """Return one part or several as the parts of a line."""
    return (parts,) if isinstance(parts, str | Code) else tuple(parts)


def _in_markdown(parts: Inline) -> str:
    return "".join(each if isinstance(each, str) else each.markdown() for each in parts)


class Block(ABC):
    """A block of a manual. Blank lines separate blocks."""

    @abstractmethod
    def markdown(self) -> str:
        """Return the block in Markdown."""


@frozen
class Heading(Block):
    """A heading. Level 1 is the title."""

    level: int
    text: str

    def markdown(self) -> str:
        return f"{'#' * self.level} {self.text}"


@frozen
class Text(Block):
    """A text that the programmer wrote: a docstring."""

    text: str

    def markdown(self) -> str:
        return self.text


@frozen
class Paragraph(Block):
    """One or several sentences."""

    parts: Inline = field(converter=inline)

    def markdown(self) -> str:
        return _in_markdown(self.parts)


def _rows(rows: Iterable[Iterable[Part | Inline]]) -> tuple[tuple[Inline, ...], ...]:
    return tuple(tuple(map(inline, row)) for row in rows)


@frozen
class Table(Block):
    """A table. HTML does not show a head of empty texts."""

    head: tuple[str, ...]
    rows: tuple[tuple[Inline, ...], ...] = field(converter=_rows)

    def markdown(self) -> str:
        cells = [self.head, ["---"] * len(self.head)]
        cells += [[*map(_in_markdown, row)] for row in self.rows]
        return "\n".join(
            f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells
        )


@frozen
class Listing(Block):
    """Lines of the same width for each character."""

    lines: tuple[str, ...]

    def markdown(self) -> str:
        return "\n".join(("```text", *self.lines, "```"))
