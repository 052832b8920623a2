"""
The base of the forms of dumps: :class:`Dump`, which turns lines of text into pieces of streams.

A new form is a class with two methods: one looks at the first lines, the other reads all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Final, TypeAlias

from attrs import define, field, frozen

from tcpcomm.runtime.safe_text import one_line
from tcpcomm.tools.guess.capture import Side

Lines: TypeAlias = Iterable[tuple[int, str]]
"""The lines of a file, each with its number."""

_SHOWN: Final = 3
_SHOWN_LENGTH: Final = 60


@frozen
class Piece:
    """
    Bytes in a dump.

    Args:
        side: who sent them, or None if the dump does not show it.
        data: the bytes; may be empty, if the piece only begins a stream.
        at: the time in seconds, or None.
        stream: the stream for people; empty if the dump has only one.
        after_gap: True if the dump has left out bytes before these.
        begins: True if a new connection begins here.
    """

    side: Side | None
    data: bytes
    at: float | None = None
    stream: str = ""
    after_gap: bool = False
    begins: bool = False


@define(eq=False)
class Unread:
    """Collects the lines that a form does not know."""

    count: int = 0
    _shown: list[str] = field(factory=list)

    def add(self, number: int, text: str) -> None:
        """Add a line."""
        self.count += 1
        if len(self._shown) < _SHOWN:
            self._shown.append(
                f"line {number:,} is not understood: {one_line(text.strip(), _SHOWN_LENGTH)}"
            )

    def notes(self) -> list[str]:
        """Return a sentence for each of the first lines, and one for the others."""
        more = self.count - len(self._shown)
        if not more:
            return self._shown
        return [*self._shown, f"{more:,} more {'line is' if more == 1 else 'lines are'} not understood"]


class Dump(ABC):
    """
    One form of a dump.

    Attributes:
        kind: the form for people.
        knows_opener: True if side 0 is known to be the opener. Otherwise the side that spoke first is.
        note: the sentence that a reader of the answer must know of this form; empty if there is none.

    Args:
        head: the first lines of the dump.
    """

    kind: ClassVar[str]
    knows_opener: bool = True
    note: str = ""

    def __init__(self, head: Sequence[str]) -> None:
        self.head = head

    @classmethod
    @abstractmethod
    def fits(cls, head: Sequence[str]) -> bool:
        """Return True if a dump that begins with these lines has this form."""

    @abstractmethod
    def pieces(self, lines: Lines, unread: Unread) -> Iterator[Piece]:
        """Yield the bytes in these lines."""


def share(head: Sequence[str], matches: object) -> float:
    """Return the share of lines, without empty ones and comments, for which a function is true."""
    assert callable(matches)
    told = [line for line in head if not is_ignored(line)]
    return sum(bool(matches(line)) for line in told) / len(told) if told else 0.0


def is_ignored(line: str) -> bool:
    """Return True for an empty line, a comment, or a line that only divides others."""
    text = line.strip()
    return not text or text.startswith(("#", "//", "===", "---")) or text == "--"
