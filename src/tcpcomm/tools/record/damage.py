"""The parts of a damaged recording that cannot be read, in one line for all tables: :class:`Damage`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, field

_MOST_PLACES: Final = 3
"""Places that a line names."""


@define
class Damage:
    """The parts of a recording that cannot be read."""

    _places: dict[str, dict[str, set[str]]] = field(factory=dict)
    """For each problem the tables, and for each table the places where rows are missing."""

    def note(self, problem: str, table: str, place: str = "") -> None:
        """
        Note a part that cannot be read.

        Args:
            problem: what is wrong, as a sentence without its end.
            table: the name of the values, in the plural.
            place: those of them that are missing, such as ``the newest``. Empty: all.
        """
        self._places.setdefault(problem, {}).setdefault(table, set()).add(place)

    def lines(self) -> list[str]:
        """Return a sentence for each problem."""
        return [f"{problem}: {_missing(tables)}" for problem, tables in self._places.items()]


def _missing(tables: dict[str, set[str]]) -> str:
    """Return which values are missing."""
    whole = [name for name, places in sorted(tables.items()) if places == {""}]
    partly = [name for name in sorted(tables) if name not in whole]
    found = [f"{_listed(whole)} cannot be read"] if whole else []
    if partly:
        places = sorted({each for name in partly for each in tables[name] if each})
        newest = [each for each in places if each.startswith("the newest")]
        others = [each for each in places if each not in newest]
        shown = [*others[: _MOST_PLACES - len(newest)], *newest]
        more = [f"{len(places) - len(shown)} more parts"] if len(places) > len(shown) else []
        found.append(f"of the {_listed(partly)}, {_listed([*shown, *more])} are missing")
    return "; ".join(found)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
