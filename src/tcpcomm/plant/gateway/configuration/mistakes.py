"""The mistakes in a ``plant.toml``, all at once: :class:`Mistake`, :class:`PlantMistakes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from attrs import define, field, frozen

from tcpcomm.errors import ConfigurationError

Path: TypeAlias = tuple[str | int, ...]
"""The place of a value in the file: names of keys, and positions in lists."""


def path_text(path: Path) -> str:
    """Return a path as people read it: ``links.camera-1.poll[0].every``."""
    text = ""
    for each in path:
        if isinstance(each, int):
            text += f"[{each}]"
        else:
            text += f".{each}" if text else each
    return text


def did_you_mean(name: str, known: Iterable[str], *, most: int = 12) -> str:
    """Return a hint for a wrong name: the closest known name, or all of them up to a number."""
    names = [*known]
    similar = get_close_matches(name, names, 1)
    if similar:
        return f": did you mean {similar[0]!r}?"
    if not names:
        return ""
    shown = ", ".join(names[:most])
    return f"; there are {shown}" + (f" and {len(names) - most} more" if len(names) > most else "")


@frozen
class Mistake:
    """One mistake."""

    path: Path
    """The place of the wrong value."""
    text: str
    """The description of the mistake, in words."""
    line: int | None = None
    """The number of the line in the file, from 1; None if it is not known."""

    def __str__(self) -> str:
        where = path_text(self.path)
        return f"{where}: {self.text}" if where else self.text


class PlantMistakes(ConfigurationError):
    """
    A configuration of a gateway has mistakes. Nothing was started.

    Attributes:
        mistakes: all of them, in the order of the file.
        lines: the same as text, one line each, with the name of the file.
    """

    def __init__(self, mistakes: Sequence[Mistake], file: str = "") -> None:
        self.mistakes = tuple(mistakes)
        self.lines = tuple(_line(each, file) for each in mistakes)
        super().__init__("\n".join(self.lines))


def _line(mistake: Mistake, file: str) -> str:
    if not file:
        return str(mistake)
    return f"{file}: {mistake}" if mistake.line is None else f"{file}:{mistake.line}: {mistake}"


@define
class MistakeList:
    """Collects mistakes, each once."""

    lines: Mapping[Path, int] = field(factory=dict)
    """The lines of the file, by the paths of the values."""
    found: dict[tuple[Path, str], Mistake] = field(factory=dict, init=False)

    def add(self, path: Path, text: str) -> None:
        """Add a mistake, unless it is known."""
        text = " ".join(text.split())
        self.found.setdefault((path, text), Mistake(path, text, self._line_of(path)))

    def add_error(self, path: Path, error: BaseException) -> None:
        """Add an error as a mistake. If its text begins with the name of the value, that is left out."""
        text = str(error) or type(error).__name__
        if path and isinstance(path[-1], str):
            text = text.removeprefix(f"{path[-1]} ")
        self.add(path, text)

    def has_below(self, *path: str | int) -> bool:
        """Return True if there is a mistake at this place, or in what it contains."""
        return any(place[: len(path)] == path for place, _ in self.found)

    def raise_if_any(self, file: str = "") -> None:
        """Raise PlantMistakes if there is a mistake, with all of them in the order of the file."""
        if self.found:
            last = max(self.lines.values(), default=0) + 1
            in_order = sorted(self.found.values(), key=lambda each: each.line or last)
            raise PlantMistakes(in_order, file)

    def _line_of(self, path: Path) -> int | None:
        """Return the line of a value, or of the closest table around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None
