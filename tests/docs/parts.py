"""
Parts of a page that a program writes, between two comments that the page does not show.

::

    <!-- written by COMMAND: NAME -->
    ...
    <!-- end of NAME -->
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["part_of", "with_part", "without_written_parts"]

_ANY_PART: Final = re.compile(r"^<!-- written by [^\n]*$.*?^<!-- end of [^\n]*$", re.MULTILINE | re.DOTALL)


def part_of(page: str, name: str) -> str:
    """
    Return the text of a part.

    Raises:
        ValueError: the page does not have the part exactly once.
    """
    return _found(page, name)[2]


def with_part(page: str, name: str, text: str) -> str:
    """
    Return the page with another text in a part.

    Raises:
        ValueError: the page does not have the part exactly once.
    """
    found = _found(page, name)
    return f"{page[: found.start(2)]}{text}{page[found.end(2) :]}"


def without_written_parts(page: str) -> str:
    """Return the page without all its parts that programs write."""
    return _ANY_PART.sub("", page)


def _found(page: str, name: str) -> re.Match[str]:
    part = rf"^(<!-- written by [^\n]+: {re.escape(name)} -->\n)(.*?)^<!-- end of {re.escape(name)} -->$"
    found = list(re.finditer(part, page, re.MULTILINE | re.DOTALL))
    if len(found) != 1:
        raise ValueError(f"the page has {len(found)} parts called {name!r}, not one")
    return found[0]
