"""Names of C# for the names of a declaration: :class:`Names`, :func:`pascal`, :func:`camel`."""

from __future__ import annotations

import re
from typing import Final

_KEYWORDS: Final = frozenset(
    [
        "abstract",
        "as",
        "base",
        "bool",
        "break",
        "byte",
        "case",
        "catch",
        "char",
        "checked",
        "class",
        "const",
        "continue",
        "decimal",
        "default",
        "delegate",
        "do",
        "double",
        "else",
        "enum",
        "event",
        "explicit",
        "extern",
        "false",
        "finally",
        "fixed",
        "float",
        "for",
        "foreach",
        "goto",
        "if",
        "implicit",
        "in",
        "int",
        "interface",
        "internal",
        "is",
        "lock",
        "long",
        "namespace",
        "new",
        "null",
        "object",
        "operator",
        "out",
        "override",
        "params",
        "private",
        "protected",
        "public",
        "readonly",
        "ref",
        "return",
        "sbyte",
        "sealed",
        "short",
        "sizeof",
        "stackalloc",
        "static",
        "string",
        "struct",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "typeof",
        "uint",
        "ulong",
        "unchecked",
        "unsafe",
        "ushort",
        "using",
        "virtual",
        "void",
        "volatile",
        "while",
    ]
)


def pascal(name: str) -> str:
    """Return a name as types and methods have it: ``LampIsOld`` for ``lamp_is_old``."""
    parts = [each for each in re.split(r"[\W_]+", name) if each]
    if name.isupper():
        parts = [each.lower() for each in parts]
    found = "".join(each[0].upper() + each[1:] for each in parts) or "Value"
    return f"_{found}" if found[0].isdigit() else found


def camel(name: str) -> str:
    """Return a name as parameters have it: ``lampIsOld`` for ``lamp_is_old``."""
    found = pascal(name)
    found = found[0].lower() + found[1:]
    return f"@{found}" if found in _KEYWORDS else found


class Names:
    """
    Names that differ from each other.

    Args:
        taken: the names that others have.
    """

    def __init__(self, *taken: str) -> None:
        self._taken = {*taken}

    def unique(self, name: str, suffix: str = "") -> str:
        """Return a name that nothing else has: with this suffix, and then a number, if it is taken."""
        found, number = name, 1
        while found in self._taken:
            found = f"{name}{suffix}" if suffix and number == 1 else f"{name}{suffix}{number}"
            number += 1
        self._taken.add(found)
        return found
