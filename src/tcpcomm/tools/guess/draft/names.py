"""Names of commands, events and fields, from the words beside them: :class:`Names`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define, field

from tcpcomm.equipment.equipment import Equipment
from tcpcomm.tools.guess.draft.parts import Pattern, Slot, Text

TYPES: Final = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str"})
"""The names of types. A member with such a name hides the type from the members behind it."""

_RESERVED: Final = TYPES | {*dir(Equipment), *Equipment.__annotations__, "self", "command", "event", "id"}
_LONGEST = 40


def words_of(pattern: Iterable[object]) -> list[str]:
    """Return the words in the texts of a pattern, in lower case, as far as a name can have them."""
    return [
        word.lower()
        for each in pattern
        if isinstance(each, Text)
        for word in re.findall(r"[A-Za-z]+\d*|\d+", each.text)
    ]


def identifier(text: str, otherwise: str) -> str:
    """Return a text as a name of Python."""
    name = re.sub(r"\W+", "_", text.lower(), flags=re.ASCII).strip("_")[:_LONGEST].strip("_")
    if not name:
        return otherwise
    if name[0].isdigit():
        name = f"{otherwise}_{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


@define
class Names:
    """Gives each name once."""

    _taken: set[str] = field(factory=lambda: {*_RESERVED})

    def give(self, wanted: str, otherwise: str) -> str:
        """Return this name, with a word or a number behind it if it is taken."""
        name = identifier(wanted, otherwise)
        for candidate in (name, *(f"{name}_{number}" for number in range(2, 10_000))):
            if candidate not in self._taken:
                self._taken.add(candidate)
                return candidate
        raise AssertionError("there are fewer members than numbers")


def field_names(pattern: Pattern, taken: Sequence[str], *, head: str = "") -> list[str]:
    """
    Return a name for each field: the word in front, or ``value`` with a number.

    Args:
        pattern: the pattern.
        taken: the names that other fields have.
        head: the word that tells the kind of the line, which names no field.
    """
    keys = [_key(pattern, at, head) for at, each in enumerate(pattern) if isinstance(each, Slot)]
    used = {*taken}
    single = len(keys) == 1 and not taken
    found = []
    for key in keys:
        names = [key] if key else []
        names += ["value"] if single else []
        names += [f"{key or 'value'}{number}" for number in range(1, len(keys) + len(used) + 2)]
        name = next(each for each in names if each not in used)
        used.add(name)
        found.append(name)
    return found


def _key(pattern: Pattern, at: int, head: str) -> str:
    """Return the word that stands directly in front of a field, as in ``X=`` and ``TEMP:``."""
    before = pattern[at - 1] if at else None
    if not isinstance(before, Text):
        return ""
    slot = pattern[at]
    assert isinstance(slot, Slot)
    text = before.text + (slot.before or "")
    found = re.search(r"([A-Za-z]\w*)(?:[=: >]|=\"|: )?$", text, re.ASCII)
    if found is None or found[1].lower() == head.lower():
        return ""
    if text.endswith(" ") and not re.search(r"[=:]", text):
        return ""
    name = identifier(found[1], "")
    return "" if name in _RESERVED else name
