"""
The words that a reader has to read: ``python -m tests.docs.words`` counts them, page by page.

Code blocks do not count, nor parts and pages that a program writes, nor the Korean pages, which say the
same again. A word has a letter or a digit, so the bars of a table are not words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.docs import korean
from tests.docs.pages import without_code
from tests.docs.parts import without_written_parts
from tests.docs.processes import ROOT

__all__ = ["LIMIT", "counted", "words_in"]

LIMIT: Final = 45_000

_WORD: Final = re.compile(r"\S*\w\S*")

_WRITTEN: Final = frozenset(
    f"docs/reference/{name}.md"
    for name in (
        "benchmarks",
        "cable-pull",
        "cluster",
        "guess-figures",
        "hostile-suite",
        "load",
        "log-volume",
        "outbox-kills",
        "plant-load",
        "rough-network",
        "simulated-faults",
        "soak",
    )
)


def words_in(page: str) -> int:
    """Return the number of words of a page outside code blocks and written parts."""
    return len(_WORD.findall(without_written_parts(without_code(page))))


def counted() -> Iterator[tuple[Path, int]]:
    """Yield each page that people have written, and its words."""
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        if page not in korean.PAGES and page.relative_to(ROOT).as_posix() not in _WRITTEN:
            yield page, words_in(page.read_text("utf-8"))


if __name__ == "__main__":
    total = 0
    for each, words in counted():
        total += words
        print(f"{words:6}  {each.relative_to(ROOT)}")
    print(f"{total:6}  of at most {LIMIT}")
