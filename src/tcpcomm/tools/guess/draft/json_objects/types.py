"""The types of JSON values that were seen: :class:`JsonTypes`."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from unicodedata import normalize

from attrs import define, field

from tcpcomm.tools.guess.draft.names import TYPES
from tcpcomm.tools.guess.draft.parts import quoted

_MOST_CHOICES: Final = 6
_LEAST_OF_EACH: Final = 4
_MOST_FIELDS: Final = 40
_TYPES: Final = TYPES | {"Any", "Literal"}
"""The names of types. A field with a default and such a name hides the type from the fields behind it."""

_TAKEN: Final = frozenset({"attrs", "cl", "converter", "typevar_map"})
"""The names that a field of a class cannot have, because cattrs has parameters with them."""


def is_name(text: str) -> bool:
    """Return True if a key can be the name of a parameter or a field, as Python reads it."""
    is_plain = text.isidentifier() and text == normalize("NFKC", text) and text != "self"
    return is_plain and not keyword.iskeyword(text) and not text.startswith("_")


@define
class JsonTypes:
    """Finds types, and writes a class for each kind of object."""

    classes: dict[str, str] = field(factory=dict)
    """The sources of the classes, by their names, in the order of their use."""

    def annotation(self, values: Sequence[Any], name: str) -> str:
        """Return the type of these values, in Python. ``name`` is for the class of an object."""
        given = [each for each in values if each is not None]
        if not given:
            return "Any"
        text = self._plain(given, name)
        return f"{text} | None" if len(given) < len(values) and text != "Any" else text

    def _plain(self, values: Sequence[Any], name: str) -> str:
        kinds = {type(each) for each in values}
        if kinds == {bool}:
            return "bool"
        if kinds <= {int, float}:
            return "int" if kinds == {int} else "float"
        if kinds == {str}:
            counts = Counter(values)
            few = 1 < len(counts) <= _MOST_CHOICES and min(counts.values()) >= _LEAST_OF_EACH
            return f"Literal[{', '.join(map(quoted, counts))}]" if few else "str"
        if kinds == {list}:
            items = [item for each in values for item in each]
            return f"list[{self.annotation(items, name) if items else 'Any'}]"
        if kinds == {dict}:
            return self._object(values, name)
        return "Any"

    def _object(self, values: Sequence[Mapping[str, Any]], name: str) -> str:
        keys = [*dict.fromkeys(key for each in values for key in each)]
        hiding = [key for key in keys if key in _TYPES and not all(key in each for each in values)]
        names = [key for key in keys if is_name(key) and key not in _TAKEN]
        if not keys or len(keys) > _MOST_FIELDS or hiding or names != keys:
            return "dict[str, Any]"
        lines, optional = [], []
        for key in keys:
            seen = [each[key] for each in values if key in each]
            text = self.annotation(seen, f"{name}{key.title().replace('_', '')}")
            if len(seen) == len(values):
                lines.append(f"    {key}: {text}")
            else:
                kind = text if text == "Any" or text.endswith("None") else f"{text} | None"
                optional.append(f"    {key}: {kind} = None  # in {len(seen)} of {len(values)} messages")
        body = "\n".join([*lines, *optional])
        source = f'    """An object in a message."""\n\n{body}'
        found = name
        for number in range(2, 1000):
            if self.classes.get(found, source) == source:
                break
            found = f"{name}{number}"
        self.classes[found] = source
        return found

    @property
    def source(self) -> str:
        """The source of all classes."""
        return "".join(f"@frozen\nclass {name}:\n{body}\n\n\n" for name, body in self.classes.items())
